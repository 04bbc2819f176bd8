# Generated from _database_async.py by tools/async_to_sync.py: change that, not this.
"""The database as an object: `connect` and what it returns."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from ._exchange_sync import Exchange
from ._indexes_sync import Indexes
from ._methods_sync import Methods
from ._policies_sync import Policies
from ._pulses_sync import Pulses
from ._session_sync import Session, Source


class Database(Methods, Policies, Indexes, Exchange):
    """A database with the extension asymmetrica, made by `connect`; its context closes it."""

    def __init__(self, session: Session) -> None:
        self._session = session
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
        self._session.close()

    def pulses(self, *, timeout: float | None = None) -> Pulses:
        """Return an iterator over beats and changes as they happen; it has a connection of its own.

        With a timeout in seconds the iteration ends when nothing was told for so long.
        """
        listener = Pulses(self._session, timeout)
        self._listeners.append(listener)
        return listener


def connect(source: Source = "", /, **options: Any) -> Database:
    """Return the database behind a connection string, a connection or a pool.

    A connection string (with `options` as further connection parameters; '' means the PG* variables) opens a
    connection of its own: autocommit, `search_path` pinned to pg_catalog, so name tables with their schema. A
    connection or pool of yours is used as it is: nothing on it is changed, calls join your transaction, and
    it is never closed. The extension is never created here. Raises `ConnectionFailed`.
    """
    if options and not isinstance(source, str):
        raise TypeError("connection parameters go with a connection string, not with a connection or pool")
    session = Session(source, options)
    session.open()
    return Database(session)
