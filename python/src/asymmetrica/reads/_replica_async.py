"""One standby that answers reads: what it has replayed, whether it follows our primary, and how it fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncPipeline
from psycopg.conninfo import conninfo_to_dict

from .._session_async import AsyncSession, unreadable
from .._wire import AsyncLock
from ..errors import ConnectionFailed
from . import _sql
from ._server_async import AsyncServer
from .facts import Fetched, Who
from .routes import Breaker

__all__ = ["AsyncReplica", "Stale", "Unfit"]

# A replica that is not there must not hold up readers for long; whoever names others in the string has them.
_DEFAULTS = {"connect_timeout": "2", "tcp_user_timeout": "2000"}
_PAGE, _HEADER = 8192, 24
# These say where the primary is.
_PLACES = ("host", "hostaddr", "port", "target_session_attrs")


class Stale(Exception):
    """The replica has not replayed what the answer must contain."""


class Unfit(Exception):
    """It is no standby of our primary now, or it has other settings or rights."""


class AsyncReplica:
    """Opened when it is needed; after a failure it rests as its breaker says."""

    def __init__(self, name: str, conninfo: str, options: dict[str, Any]) -> None:
        try:
            given = conninfo_to_dict(conninfo)
        except psycopg.Error:
            raise unreadable() from None
        common = {key: value for key, value in options.items() if key not in _PLACES}
        defaults = {key: value for key, value in _DEFAULTS.items() if key not in given}
        self.name = name
        self.server = AsyncServer(AsyncSession(conninfo, {**defaults, **common}))
        self.breaker = Breaker()
        self._lock = AsyncLock()
        self._checked: tuple[Any, str, str] | None = None
        # What it had replayed when last asked, by which connection; whether that sends several at once.
        self._last: tuple[Any, int] = (None, -1)
        self._at_once = AsyncPipeline.is_supported()
        self._stuck = -1

    async def _check(self, connection: AsyncConnection[Any], who: Who, timeline: str) -> None:
        """Fail unless this is the same database, read by the same role with the same settings."""
        checked = (connection, who.token, timeline)
        if self._checked == checked and self.server.known() is not None:
            return
        mine, _ = await self.server.ask_who(connection)
        row = await self.server.one(connection, _sql.TIMELINE)
        if mine.token != who.token or row is None or row[0] != timeline:
            raise Unfit
        self._checked = checked

    def _replayed(self, connection: AsyncConnection[Any], row: Sequence[Any] | None) -> tuple[int, str]:
        """Read what REPLAYED said."""
        if row is None or row[0] is None or not row[1]:
            # Promoted. It is looked at again when its breaker says so.
            self._checked = None
            self._last = (None, -1)
            raise Unfit
        position = int(row[0])
        if position % _PAGE == 0:
            # Where the primary's log goes on is told with the header of that page.
            position += _HEADER
        self._last = (connection, position)
        return position, str(row[2])

    async def _replays(
        self, connection: AsyncConnection[Any], suits: Callable[[int], bool], until: float
    ) -> int:
        """Return what is replayed once that suits, by a moment."""
        pause = 0.0002
        while True:
            position, _ = self._replayed(connection, await self.server.one(connection, _sql.REPLAYED))
            if suits(position):
                return position
            # Where replay stands still, waiting would be for nothing each time.
            if position == self._stuck or time.monotonic() >= until:
                self._stuck = position
                raise Stale
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, 0.002)

    async def read(
        self, text: str, params: Any, who: Who, timeline: str, suits: Callable[[int], bool], until: float
    ) -> tuple[Fetched, int, int, str, float]:
        """Run a query once what is replayed suits; wait for that until a moment.

        Returns the rows; everything committed before the first position is in them, nothing committed after
        the second, and no transaction from the one named on; and the seconds the query took.
        Raises Stale, Unfit, ConnectionFailed, psycopg.Error.
        """
        async with self._lock, self.server.session.connection() as connection:
            await self._check(connection, who, timeline)
            known, position = self._last
            # What it had replayed it has replayed, so mostly the query need not wait for that answer.
            if known is not connection or not suits(position):
                position = await self._replays(connection, suits, until)
            began = time.monotonic()
            if self._at_once:
                before, fetched, after = await self.server.between(connection, text, params, _sql.REPLAYED)
                took = time.monotonic() - began
                # All three were one transaction; only in this kind has each statement its own snapshot.
                self._at_once = after is not None and after[3] == "read committed"
            if self._at_once:
                position, _ = self._replayed(connection, before)
                end, following = self._replayed(connection, after)
            else:
                began = time.monotonic()
                fetched = await self.server.fetch(connection, text, params)
                took = time.monotonic() - began
                row = await self.server.one(connection, _sql.REPLAYED)
                end, following = self._replayed(connection, row)
            self.breaker.worked()
            return fetched, position, end, following, took

    async def shows(self, running: list[str]) -> bool:
        """Whether it has replayed the commit of one of these transactions; False if it can't be asked."""
        try:
            async with self._lock:
                own = self.server.session.own
                if own is None or own.closed:
                    return False
                row = await self.server.one(own, _sql.COMMITTED, running=running)
                return bool(row and row[0])
        except (psycopg.Error, ConnectionFailed):
            return False

    def lost(self) -> bool:
        """Whether its connection is gone."""
        own = self.server.session.own
        return own is None or own.closed or own.broken

    async def close(self) -> None:
        """Close the connection."""
        await self.server.session.close()
