"""The database as an object: `connect_async` and what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._alerts_async import AsyncAlerts
from ._annotations_async import AsyncAnnotations
from ._costs_async import AsyncCosts
from ._duplicates_async import AsyncDuplicates
from ._entities_async import AsyncEntities
from ._exchange_async import AsyncExchange
from ._graph_async import AsyncGraph
from ._indexes_async import AsyncIndexes
from ._methods_async import AsyncMethods
from ._policies_async import AsyncPolicies
from ._privacy_async import AsyncPrivacy
from ._pulses_async import AsyncPulses
from ._session_async import AsyncSession, AsyncSource
from ._sonars_async import AsyncSonars
from .reads._replica_async import AsyncReplica
from .reads._rows_async import AsyncRows
from .reads._server_async import AsyncServer
from .reads.ask import Options
from .reads.keys import Keys
from .reads.near import Near

if TYPE_CHECKING:
    from .reads._link_async import AsyncLink


class AsyncDatabase(
    AsyncMethods,
    AsyncAnnotations,
    AsyncPolicies,
    AsyncIndexes,
    AsyncExchange,
    AsyncSonars,
    AsyncGraph,
    AsyncCosts,
    AsyncDuplicates,
    AsyncAlerts,
    AsyncPrivacy,
    AsyncEntities,
):
    """A database with the extension asymmetrica, made by `connect_async`; its context closes it."""

    def __init__(
        self,
        session: AsyncSession,
        link: AsyncLink | None = None,
        replicas: list[AsyncReplica] | None = None,
    ) -> None:
        self._session = session
        self._reader = AsyncRows(AsyncServer(session), link, Options(), replicas)
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
        await self._reader.close()
        await self._session.close()

    def pulses(self, *, timeout: float | None = None) -> AsyncPulses:
        """Return an iterator over beats and changes as they happen; it has a connection of its own.

        With a timeout in seconds the iteration ends when nothing was told for so long.
        """
        listener = AsyncPulses(self._session, timeout)
        self._listeners.append(listener)
        return listener


async def connect_async(
    source: AsyncSource = "",
    /,
    *,
    redis: str | None = None,
    prefix: str = "asymm",
    near_cache_bytes: int = 64 << 20,
    replicas: Sequence[str] = (),
    **options: Any,
) -> AsyncDatabase:
    """Return the database behind a connection string, a connection or a pool.

    A connection string (with `options` as further connection parameters; '' means the PG* variables) opens
    a connection of its own: autocommit, `search_path` pinned to pg_catalog, so name tables with their schema.
    A connection or pool of yours is used as it is: nothing on it is changed, calls join your transaction,
    and it is never closed. The extension is never created here. Raises `ConnectionFailed`.

    `redis`, with a connection string only: the URL of the Redis that the mirror's worker keeps (under its
    `prefix`), for `get` and `query`. It is connected to when needed; if it fails, Postgres answers. What was
    read is kept in this process too, up to `near_cache_bytes`.

    `replicas`, with a connection string only: connection strings of streaming standbys, which get the same
    `options` and must have the same role; `get` and `query` may read there what gives the same on the same
    rows. They are connected to when needed; one that fails, lags or was promoted is done without.
    """
    if not isinstance(source, str):
        if options:
            raise TypeError("connection parameters go with a connection string, not a connection or pool")
        if redis is not None:
            raise TypeError("redis goes with a connection string: nothing is known of your transactions")
        if replicas:
            raise TypeError("replicas go with a connection string: nothing is known of your transactions")
    if isinstance(replicas, str):
        raise TypeError("replicas is a list of connection strings")
    session = AsyncSession(source, options)
    link = None
    if redis is not None:
        # Redis' client is needed for this only.
        try:
            from .reads._link_async import AsyncLink
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"{error.name} is missing: pip install 'asymmetrica[mirror]'", name=error.name
            ) from None

        link = AsyncLink(redis, Keys(prefix), Near(near_cache_bytes), Options().timeout)
    standbys = [AsyncReplica(f"replica {n}", dsn, options) for n, dsn in enumerate(replicas, 1)]
    await session.open()
    return AsyncDatabase(session, link, standbys)
