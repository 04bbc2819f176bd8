"""Questions and decisions: GET and POST below /api/."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from typing import Any, LiteralString

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from .._database_async import AsyncDatabase, connect_async
from .._redact import redact
from .._session_async import connect_own_async
from ..errors import AsymmetricaError, ConnectionFailed
from ..eyes.reader import Reader
from .board import Board, encode
from .events import Events
from .guard import Refused, problem
from .poller import APPLICATION

WAITING = 32  # questions at most that wait for their turn
ACTING = 4  # decisions at most at a time
# A decision waits for a lock no longer than people do, and no longer for itself than a proxy would.
ACTS = {"application_name": APPLICATION, "options": "-c lock_timeout=5s -c statement_timeout=120s"}
LONGEST = 500  # characters of a parameter

METRICS = "SELECT * FROM asymm.metrics"
EXPLAIN = "SELECT * FROM asymm.explain_score(%(score)s)"
HISTORY = "SELECT * FROM asymm.history(%(target)s) AS h ORDER BY h.at DESC LIMIT 1000"
ACTION = "SELECT * FROM asymm.actions WHERE id = %(action)s"
STATES = "SELECT * FROM asymm.action_history(%(action)s)"
SERIES = """SELECT n.* FROM (
    SELECT s.* FROM asymm.series(%(metric)s, now() - %(span)s::interval, now(), %(bucket)s::interval,
                                 %(node)s) AS s
     ORDER BY s.at DESC LIMIT 5000) AS n ORDER BY n.at"""

# What a class of SQLSTATEs, or one of them, is in HTTP.
STATUSES = {
    "08": 503, "22": 400, "25": 409, "28": 503, "2F": 409, "40": 409, "42": 400, "42501": 403, "42704": 404,
    "42P01": 404, "53": 503, "55": 409, "57": 503, "57014": 504, "SY": 409, "SY001": 404,
}  # fmt: skip


class Api:
    """Answers questions on a connection of their own, one after the other, and runs decisions."""

    def __init__(
        self,
        dsn: str,
        board: Board,
        *,
        acts: bool = False,
        superuser: bool = False,
        poke: Callable[[], None] = lambda: None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._dsn, self._board = dsn, board
        self._acts, self._superuser = acts, superuser
        self._poke, self._secrets = poke, secrets
        self._reader = Reader(dsn, application=APPLICATION)
        self._waiting = 0
        self._acting = asyncio.Semaphore(ACTING)

    async def close(self) -> None:
        """Close the connection of questions."""
        await self._reader.close()

    # Questions

    async def events(self, request: Request) -> Any:
        """Tell what is and what changes; see `Events`."""
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        acts = self._acts and request.state.token
        return Events(self._board, last=request.headers.get("last-event-id"), actions=acts)

    async def metrics(self, _: Request) -> Response:
        """Return the figures that have a history."""
        return await self._table(METRICS)

    async def series(self, request: Request) -> Response:
        """Return a figure's history."""
        return await self._table(
            SERIES,
            metric=said(request, "metric"),
            span=said(request, "span", "1 hour"),
            bucket=said(request, "bucket", None),
            node=said(request, "node", None),
        )

    async def explain(self, request: Request) -> Response:
        """Return what a score is made of."""
        return await self._table(EXPLAIN, score=said(request, "score", "shm"))

    async def history(self, request: Request) -> Response:
        """Return what happened to an object."""
        return await self._table(HISTORY, target=said(request, "target"))

    async def action(self, request: Request) -> Response:
        """Return an action with its statements and every state it was in."""
        number = request.path_params["action"]
        action = await self._ask(ACTION, action=number)
        if not action["rows"]:
            raise HTTPException(404, f"there is no action {number}")
        return answer({"action": action, "history": await self._ask(STATES, action=number)})

    async def _table(self, question: LiteralString, **values: Any) -> Response:
        return answer(await self._ask(question, **values))

    async def _ask(self, question: LiteralString, **values: Any) -> dict[str, Any]:
        if self._waiting >= WAITING:
            raise Refused(503, "too many questions at once", "try again")
        self._waiting += 1
        try:
            try:
                rows = await self._reader.ask(question, values)
            except ConnectionFailed:
                # It broke while nobody asked: once more, on a new one.
                rows = await self._reader.ask(question, values)
        finally:
            self._waiting -= 1
        return {"columns": rows.columns, "rows": rows.rows}

    # Decisions

    async def decide(self, request: Request) -> Response:
        """Approve, reject or revert an action."""
        said = await given(request)
        number, verb = request.path_params["action"], request.path_params["verb"]
        async with self._database() as db:
            if verb == "approve":
                return results(await db.approve(number))
            if verb == "reject":
                return results(await db.reject(number, reason=said.get("reason")))
            if verb == "revert":
                return results(await db.revert(number, dry_run=said.get("dry_run") is True))
        raise HTTPException(404, "approve, reject or revert")

    async def heal(self, request: Request) -> Response:
        """Repair an object, or show how; what would delete data is refused here."""
        said = await given(request)
        target, dry_run = said.get("target"), said.get("dry_run")
        if not isinstance(target, str) or not isinstance(dry_run, bool):
            raise HTTPException(400, '"target" is a text and "dry_run" true or false')
        async with self._database() as db:
            return results(await db.heal(target, dry_run=dry_run))

    @contextlib.asynccontextmanager
    async def _database(self) -> AsyncIterator[AsyncDatabase]:
        """Lend a connection that may write, if this server and its login may."""
        if not self._acts:
            raise Refused(403, "this page only shows", "asymmetrica dashboard --allow-actions")
        async with self._acting:
            connection = await connect_own_async(self._dsn, **ACTS)
            async with connection:
                row = await (await connection.execute(
                    "SELECT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolsuper"
                    " AND r.rolname IN (current_user, session_user))"
                )).fetchone()  # fmt: skip
                if (row is None or row[0]) and not self._superuser:
                    raise Refused(
                        403, "a superuser decides nothing here",
                        "log in as a member of asymm_operator, or --allow-superuser",
                    )  # fmt: skip
                async with await connect_async(connection) as db:
                    try:
                        yield db
                    finally:
                        self._poke()

    # Errors

    async def failed(self, _: Request, error: Exception) -> Response:
        """Return an error as JSON, without secrets."""
        if isinstance(error, Refused):
            return Response(error.body, error.status, media_type="application/json")
        if isinstance(error, HTTPException):
            answered = self._problem(error.status_code, None, str(error.detail))
            answered.headers.update(error.headers or {})
            return answered
        if isinstance(error, AsymmetricaError):
            state = error.sqlstate or ""
            status = STATUSES.get(state) or STATUSES.get(state[:2]) or 500
            status = 503 if isinstance(error, ConnectionFailed) else status
            return self._problem(status, error.sqlstate, error.message, error.detail, error.hint)
        text = redact(f"{type(error).__name__}: {error}", self._secrets)
        print(f"error: {text}", file=sys.stderr, flush=True)
        return self._problem(500, None, text)

    def _problem(
        self, status: int, state: str | None, message: str, detail: str | None = None, hint: str | None = None
    ) -> Response:
        texts = [text and redact(text, self._secrets) for text in (message, detail, hint)]
        body = problem(state, texts[0] or "", detail=texts[1], hint=texts[2])
        return Response(body, status, media_type="application/json")


_NEEDED = object()


def said(request: Request, name: str, default: Any = _NEEDED) -> Any:
    """Return a parameter of the query."""
    value = request.query_params.get(name) or default
    if value is _NEEDED:
        raise HTTPException(400, f"the parameter {name} is missing")
    if isinstance(value, str) and (len(value) > LONGEST or "\0" in value):
        raise HTTPException(400, f"the parameter {name} is no name")
    return value


async def given(request: Request) -> dict[str, Any]:
    """Return the JSON object in a request's body."""
    try:
        body = await request.json() if await request.body() else {}
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or "\0" in str(body.get("reason", "")) + str(body.get("target", "")):
        raise HTTPException(400, "the body is no JSON object")
    if not isinstance(body.get("reason"), str | None):
        raise HTTPException(400, '"reason" is a text')
    return body


def answer(document: Any) -> Response:
    """Return JSON."""
    return Response(encode(document).encode("utf-8", "backslashreplace"), media_type="application/json")


def results(rows: list[Any]) -> Response:
    """Return what a method of the driver returned, as a table."""
    names = [field.name for field in fields(rows[0])] if rows else []
    return answer({"columns": names, "rows": [[getattr(row, name) for name in names] for row in rows]})
