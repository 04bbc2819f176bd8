"""A Starlette application under uvicorn whose pages are kept, and a client."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

import asymmetrica
from asymmetrica.asgi import CacheMiddleware, touch
from support.cluster import wait_until
from support.reads import SUM

WAYS = ["GET", "POST"]


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()
        self.hit = "hit" in (self.headers["cache-status"] or "")


class Site:
    """The application and its server; `calls` counts what it was asked."""

    def __init__(self, dsn: str, redis: str, prefix: str = "asymm", **options: Any) -> None:
        self.calls: Counter[str] = Counter()
        self.counters: Counter[str] = Counter()
        self._dsn = dsn
        # Opened when the handlers that wait may answer.
        self.gate = threading.Event()
        self._mutex = threading.Lock()
        self._redis: dict[str, Any] = {"redis": redis, "prefix": prefix}
        paths: dict[str, Any] = {
            "sum": self.sum, "row/{id:int}": self.row, "raw": self.raw, "said": self.said, "held": self.held,
            "none": self.none, "stream": self.stream, "fails": self.fails, "write": self.write,
        }  # fmt: skip
        app = Starlette(
            routes=[Route(f"/{path}", handler, methods=WAYS) for path, handler in paths.items()],
            middleware=[Middleware(CacheMiddleware, counters=self.counters, **self._redis, **options)],
            lifespan=self.lifespan,
        )
        config = uvicorn.Config(app, port=0, log_level="critical", ws="none", lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        wait_until(lambda: self._server.started, 20, "the server")
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with await asymmetrica.connect_async(self._dsn, **self._redis) as self.adb:
            with asymmetrica.connect(self._dsn, **self._redis) as self.db:
                yield

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def until_hit(self, path: str, **headers: str) -> Answer:
        """Ask again until the page is kept: a page is kept a moment after it was sent."""
        found: list[Answer] = []

        def done() -> bool:
            found.append(self.ask(path, **headers))
            return found[-1].hit

        wait_until(done, 20, f"a page of {path}")
        return found[-1]

    def never_hit(self, path: str, **headers: str) -> None:
        """Ask when other pages are known to be kept."""
        for _ in range(2):
            assert not self.ask(path, **headers).hit, (path, headers)
            self.until_hit("/sum")

    # What it answers

    async def sum(self, _: Request) -> Response:
        self.calls["sum"] += 1
        return PlainTextResponse(f"{(await self.adb.query(SUM)).rows[0][1]}")

    def row(self, request: Request) -> Response:
        """Runs in a thread."""
        self.calls["row"] += 1
        row = self.db.get("public.t", request.path_params["id"])
        return PlainTextResponse(row["a"] if row else "none", 200 if row else 404)

    def held(self, request: Request) -> Response:
        """Answers when it is let to; runs in a thread."""
        with self._mutex:
            self.calls["held"] += 1
            call = self.calls["held"]
        rows = self.db.query(SUM).rows
        assert self.gate.wait(30)
        if "fails" in request.query_params and call == 1:
            raise RuntimeError("as it should")
        said = {"cache-control": request.query_params.get("said", "public")}
        return PlainTextResponse(f"{rows[0][1]}", headers=said)

    async def raw(self, _: Request) -> Response:
        """Reads by other means, and says so."""
        touch("public.t")
        return PlainTextResponse("raw")

    async def said(self, request: Request) -> Response:
        """What the query string says, with its headers."""
        result = await self.adb.query(SUM)
        pairs = [(name.encode(), value.encode()) for name, value in request.query_params.multi_items()]
        response = PlainTextResponse(f"{result.rows[0][1]} {request.headers.get('x-lang', '')}")
        response.raw_headers += [
            (name, value) for name, value in pairs if name not in (b"status", b"size", b"now")
        ]
        response.status_code = int(request.query_params.get("status", 200))
        if "now" in request.query_params:
            await self.adb.query("SELECT now()")
        if "size" in request.query_params:
            response = PlainTextResponse("x" * int(request.query_params["size"]))
        return response

    async def none(self, _: Request) -> Response:
        return PlainTextResponse("no table")

    async def stream(self, request: Request) -> Response:
        result = await self.adb.query(SUM)

        async def parts() -> AsyncIterator[str]:
            for _ in range(int(request.query_params.get("parts", 3))):
                yield f"{result.rows[0][1]}," * int(request.query_params.get("times", 1))

        return StreamingResponse(parts(), media_type=request.query_params.get("type", "text/plain"))

    async def fails(self, _: Request) -> Response:
        await self.adb.query(SUM)
        raise RuntimeError("as it should")

    async def write(self, _: Request) -> Response:
        await self.adb.execute("UPDATE public.t SET n = n + 1 WHERE id = 1")
        return PlainTextResponse("written")
