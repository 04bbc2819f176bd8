"""The database as an object: `connect_async` and what it returns."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from ._exchange_async import AsyncExchange
from ._indexes_async import AsyncIndexes
from ._methods_async import AsyncMethods
from ._policies_async import AsyncPolicies
from ._pulses_async import AsyncPulses
from ._session_async import AsyncSession, AsyncSource


class AsyncDatabase(AsyncMethods, AsyncPolicies, AsyncIndexes, AsyncExchange):
    """A database with the extension asymmetrica, made by `connect_async`; its context closes it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._listeners: list[AsyncPulses] = []

    async def __aenter__(self) -> AsyncDatabase:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close what was opened here; a borrowed connection and a pool stay open."""
        for listener in self._listeners:
            await listener.close()
        self._listeners.clear()
        await self._session.close()

    def pulses(self, *, timeout: float | None = None) -> AsyncPulses:
        """Return an iterator over beats and changes as they happen; it has a connection of its own.

        With a timeout in seconds the iteration ends when nothing was told for so long.
        """
        listener = AsyncPulses(self._session, timeout)
        self._listeners.append(listener)
        return listener


async def connect_async(source: AsyncSource = "", /, **options: Any) -> AsyncDatabase:
    """Return the database behind a connection string, a connection or a pool.

    A connection string (with `options` as further connection parameters; '' means the PG* variables) opens a
    connection of its own: autocommit, `search_path` pinned to pg_catalog, so name tables with their schema. A
    connection or pool of yours is used as it is: nothing on it is changed, calls join your transaction, and
    it is never closed. The extension is never created here. Raises `ConnectionFailed`.
    """
    if options and not isinstance(source, str):
        raise TypeError("connection parameters go with a connection string, not with a connection or pool")
    session = AsyncSession(source, options)
    await session.open()
    return AsyncDatabase(session)
