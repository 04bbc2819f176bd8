"""Reads the tiles of `asymm.tiles`, read-only, and follows the beats."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, LiteralString, Self, cast

import psycopg
from psycopg import AsyncConnection
from psycopg.abc import Buffer, QueryNoTemplate
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader

from .._plain import plain
from .._redact import secrets_of
from .._session_async import cause, connect_own_async
from ..errors import AsymmetricaError, UnknownObject, translate

# Nothing is written here, nothing runs for long, and times read the same everywhere.
SESSION: Final[LiteralString] = """
    SELECT set_config(name, value, false)
      FROM (VALUES ('default_transaction_read_only', 'on'), ('statement_timeout', %(timeout)s),
                   ('lock_timeout', '1s'), ('jit', 'off'), ('TimeZone', 'UTC'), ('DateStyle', 'ISO'),
                   ('IntervalStyle', 'postgres')
           ) AS s (name, value)"""
TILES: Final[LiteralString] = "SELECT tile, title, about, query, every, on_change, picture FROM asymm.tiles"
VIEWER: Final[LiteralString] = """
    SELECT rolname, pg_has_role('asymm_operator', 'USAGE'), rolsuper
      FROM pg_roles WHERE rolname = current_user"""


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile: what it tells, the query anybody who may look can run, and how often it is worth asking.

    `every` is in seconds, 0 for each beat; `on_change` says to ask also when a beat tells of a change;
    `picture` that its rows are points and segments of `asymm.draw()`. Source: `asymm.tiles`.
    """

    tile: str
    title: str
    about: str
    query: str
    every: float
    on_change: bool
    picture: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as JSON can say them: times as ISO 8601 in UTC, intervals in seconds; `at`: when read."""

    at: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as mappings from column to value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: the role, whether it may decide (`asymm_operator`), and whether it is a superuser."""

    role: str
    operator: bool
    superuser: bool


class _TimeLoader(Loader):
    """Loads timestamptz as ISO 8601; Postgres knows times that Python doesn't: infinity, years before 1."""

    def load(self, data: Buffer) -> str:
        text = bytes(data).decode()
        return text.replace(" ", "T", 1) + ":00" if text.endswith("+00") else text


def changed(beat: Mapping[str, Any]) -> bool:
    """Whether the report of a beat (the payload of `asymm_pulse`) tells of anything but the beat itself."""
    return any(beat.get(name) for name in ("objects", "drifts", "adopted", "proposals", "actions", "cut"))


class Reader:
    """One read-only connection for tiles, opened when it is needed and again after it was lost.

    Every method raises `ConnectionFailed` if the server can't be reached, another `AsymmetricaError` if it
    refuses. Tasks that share a reader take turns.
    """

    def __init__(self, dsn: str, *, timeout: float = 5.0, application: str = "asymmetrica eyes") -> None:
        self.dsn = dsn
        self.timeout = timeout
        self.application = application
        self._own: AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()
        self._tiles: dict[str, Tile] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; a later call opens it again."""
        if self._own is not None:
            await self._own.close()
            self._own = None

    async def tiles(self) -> dict[str, Tile]:
        """Return the tiles there are, by name."""
        found = await self.ask(TILES)
        self._tiles = {row[0]: Tile(*row) for row in found.rows}
        return self._tiles

    async def viewer(self) -> Viewer:
        """Return who looks, and what that role may do."""
        return Viewer(*(await self.ask(VIEWER)).rows[0])

    async def read(self, tile: str) -> Rows:
        """Return the rows of a tile; `UnknownObject` if there is no such tile."""
        known = self._tiles or await self.tiles()
        if tile not in known:
            raise UnknownObject(f'tile "{tile[:100]}" does not exist', hint="SELECT tile FROM asymm.tiles")
        # The text is the extension's own.
        return await self.ask(known[tile].query)

    async def ask(self, query: LiteralString, values: Mapping[str, Any] | None = None) -> Rows:
        """Run one query and return its rows as JSON can say them."""
        async with self._turn:
            try:
                return await self._ask(query, values)
            except AsymmetricaError as error:
                # A plan that was kept does not fit after an upgrade: once more, with a new connection.
                if error.sqlstate != "0A000":
                    raise
                await self.close()
                return await self._ask(query, values)

    async def _ask(self, query: LiteralString, values: Mapping[str, Any] | None) -> Rows:
        own = await self._open()
        try:
            cursor = await own.execute(query, values)
            names = tuple(column.name for column in cursor.description or ())
            rows = [tuple(map(_plain, row)) for row in await cursor.fetchall()]
        except psycopg.Error as error:
            if own.closed:
                self._own = None
            raise translate(error, secrets_of(self.dsn)) from cause(error)
        except asyncio.CancelledError:
            # What was asked is still being answered.
            await self.close()
            raise
        return Rows(datetime.now(UTC).isoformat(), names, rows)

    async def _open(self) -> AsyncConnection[Any]:
        if self._own is None or self._own.closed:
            self._own = await self._connect()
        return self._own

    async def _connect(self) -> AsyncConnection[Any]:
        own = await connect_own_async(self.dsn, application_name=self.application)
        try:
            await own.execute(cast(QueryNoTemplate, SESSION), {"timeout": f"{self.timeout:g}s"})
        except psycopg.Error as error:
            await own.close()
            raise translate(error, secrets_of(self.dsn)) from cause(error)
        own.adapters.register_loader("timestamptz", _TimeLoader)
        for name in ("inet", "uuid", "pg_lsn"):
            own.adapters.register_loader(name, TextLoader)
        return own

    async def beats(self) -> AsyncGenerator[dict[str, Any]]:
        """Yield what beats announce, by a connection of its own, until that is lost: then `ConnectionFailed`.

        A beat announces itself if it saw or did something, or always: the setting `notify`. `changed()` tells
        which. A report is what `asymm._beat_report()` makes.
        """
        own = await self._connect()
        try:
            await own.execute("LISTEN asymm_pulse")
            async for notify in own.notifies():
                # Anybody may notify: what is no report of a beat tells nothing.
                try:
                    report = json.loads(notify.payload)
                except ValueError:
                    continue
                if isinstance(report, dict):
                    yield report
        except psycopg.Error as error:
            raise translate(error, secrets_of(self.dsn)) from cause(error)
        finally:
            await own.close()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    made = plain(value)
    return _plain(made) if isinstance(made, (float, list)) else made
