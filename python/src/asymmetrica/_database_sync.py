# Generated from _database_async.py by tools/async_to_sync.py: change that, not this.
"""The database as an object: `connect` and what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._alerts_sync import Alerts
from ._annotations_sync import Annotations
from ._costs_sync import Costs
from ._duplicates_sync import Duplicates
from ._entities_sync import Entities
from ._exchange_sync import Exchange
from ._graph_sync import Graph
from ._indexes_sync import Indexes
from ._methods_sync import Methods
from ._policies_sync import Policies
from ._privacy_sync import Privacy
from ._pulses_sync import Pulses
from ._session_sync import Session, Source
from ._sonars_sync import Sonars
from .reads._replica_sync import Replica
from .reads._rows_sync import Rows
from .reads._server_sync import Server
from .reads.ask import Options
from .reads.keys import Keys
from .reads.near import Near

if TYPE_CHECKING:
    from .reads._link_sync import Link


class Database(
    Methods,
    Annotations,
    Policies,
    Indexes,
    Exchange,
    Sonars,
    Graph,
    Costs,
    Duplicates,
    Alerts,
    Privacy,
    Entities,
):
    """A database with the extension asymmetrica, made by `connect`; its context closes it."""

    def __init__(
        self,
        session: Session,
        link: Link | None = None,
        replicas: list[Replica] | None = None,
    ) -> None:
        self._session = session
        self._reader = Rows(Server(session), link, Options(), replicas)
        self._listeners: list[Pulses] = []

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened here; a borrowed connection and a pool stay open."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._reader.close()
        self._session.close()

    def pulses(self, *, timeout: float | None = None) -> Pulses:
        """Return an iterator over beats and changes as they happen; it has a connection of its own.

        With a timeout in seconds the iteration ends when nothing was told for so long.
        """
        listener = Pulses(self._session, timeout)
        self._listeners.append(listener)
        return listener


def connect(
    source: Source = "",
    /,
    *,
    redis: str | None = None,
    prefix: str = "asymm",
    near_cache_bytes: int = 64 << 20,
    replicas: Sequence[str] = (),
    **options: Any,
) -> Database:
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
    session = Session(source, options)
    link = None
    if redis is not None:
        # Redis' client is needed for this only.
        try:
            from .reads._link_sync import Link
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"{error.name} is missing: pip install 'asymmetrica[mirror]'", name=error.name
            ) from None

        link = Link(redis, Keys(prefix), Near(near_cache_bytes), Options().timeout)
    standbys = [Replica(f"replica {n}", dsn, options) for n, dsn in enumerate(replicas, 1)]
    session.open()
    return Database(session, link, standbys)
