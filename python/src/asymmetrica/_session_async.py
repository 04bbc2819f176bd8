"""Where the connection comes from: opened here, borrowed, or taken from a pool."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, LiteralString, Protocol, TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncCursor, pq
from psycopg.conninfo import make_conninfo
from psycopg.rows import class_row, scalar_row

from . import _sql
from ._redact import misread, secrets_of
from ._turn import AsyncTurn
from .errors import AsymmetricaError, ConnectionFailed, translate

T = TypeVar("T")


class AsyncPool(Protocol):
    """What is needed of a connection pool: psycopg_pool has it."""

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        """Lend a connection; leaving the context ends its transaction."""


AsyncSource = str | AsyncConnection[Any] | AsyncPool


def unreadable() -> ConnectionFailed:
    """Return the error for a connection string libpq can't read (its own message would repeat the string)."""
    return ConnectionFailed(
        "the connection string can't be read",
        detail="It is neither a URL nor key=value pairs; it is not shown because it may hold a password.",
        hint="postgresql://user@host:5432/database (odd characters %-encoded), or host=… dbname=… (quoted)",
    )


async def connect_own_async(conninfo: str, **options: Any) -> AsyncConnection[Any]:
    """Open a connection of our own: autocommit, search path pinned."""
    secrets = (
        *secrets_of(conninfo),
        *(str(options[key]) for key in ("password", "sslpassword") if key in options),
    )
    try:
        options.setdefault("fallback_application_name", "asymmetrica")
        complete = make_conninfo(conninfo, **options)
    except (psycopg.Error, UnicodeError):
        raise unreadable() from None
    try:
        connection: AsyncConnection[Any] = await AsyncConnection.connect(complete, autocommit=True)
        await connection.execute(_sql.PIN_SEARCH_PATH)
    except (psycopg.Error, UnicodeError) as error:
        # UnicodeError: psycopg looked up a host name that can't be one.
        if misread(conninfo) or not isinstance(error, psycopg.Error):
            raise unreadable() from None
        failure = translate(error, secrets)
        if not isinstance(failure, ConnectionFailed):
            failure = ConnectionFailed(failure.message, sqlstate=failure.sqlstate)
        raise failure from None
    return connection


class AsyncSession:
    """Runs statements on a connection of any origin, and turns rows and errors into ours."""

    def __init__(self, source: AsyncSource, options: dict[str, Any]) -> None:
        self.source = source
        self.options = options
        self.own: AsyncConnection[Any] | None = None
        # Statements of ours, which may have written: reads of copies look at it.
        self.calls = 0
        # Threads and tasks that share this object take turns on the connection of our own.
        self.turn = AsyncTurn()
        self._left_open = False

    async def open(self) -> None:
        """Open the connection of our own, if there is to be one and it isn't open."""
        if isinstance(self.source, str) and self._closed():
            async with self.alone():
                if self._closed():
                    self.own = await connect_own_async(self.source, **self.options)

    def _closed(self) -> bool:
        return self.own is None or self.own.closed

    async def close(self) -> None:
        """Close the connection opened here; a borrowed one and a pool stay as they are."""
        if self.own is not None:
            await self.own.close()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Have the connection of our own to oneself: others who share this object wait."""
        if not isinstance(self.source, str) or self.turn.mine():
            yield
            return
        await self.turn.take()
        try:
            yield
        finally:
            self._left_open = self.own is not None and not self._idle(self.own)
            self.turn.leave()

    @staticmethod
    def _idle(own: AsyncConnection[Any]) -> bool:
        return own.pgconn.transaction_status == pq.TransactionStatus.IDLE

    def in_transaction(self) -> bool:
        """Whether who asks has a transaction open, as far as that can be known."""
        own = self.own
        if own is None:
            return True
        # What another has begun is not seen by us, unless he left it open for all.
        return self._left_open if self.turn.others() else not self._idle(own)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Lend the connection for one call, to nobody else meanwhile."""
        async with self.alone(), self.shared() as connection:
            yield connection

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Lend the connection; who has statements run takes his turn."""
        if isinstance(self.source, AsyncConnection):
            yield self.source
        elif isinstance(self.source, str):
            await self.open()
            assert self.own is not None
            yield self.own
        else:
            async with self.source.connection() as connection:
                yield connection

    async def conninfo(self) -> tuple[str, dict[str, Any]]:
        """Return connection string and options for one more connection to the same database."""
        if isinstance(self.source, str):
            return self.source, self.options
        async with self.connection() as connection:
            options: dict[str, Any] = dict(connection.info.get_parameters())
            if connection.info.password:
                options["password"] = connection.info.password
            return "", options

    async def rows(
        self, cls: type[T], sql: LiteralString, values: Mapping[str, Any] | None = None
    ) -> list[T]:
        """Run a statement and return its rows as instances of cls."""
        self.calls += 1
        try:
            async with self.connection() as connection:
                cursor = AsyncCursor(connection, row_factory=class_row(cls))
                await cursor.execute(sql, values)
                return await cursor.fetchall()
        except psycopg.Error as error:
            raise self.failure(error) from cause(error)

    async def run(self, sql: LiteralString) -> None:
        """Run a statement that returns nothing."""
        self.calls += 1
        try:
            async with self.connection() as connection:
                await AsyncCursor(connection).execute(sql)
        except psycopg.Error as error:
            raise self.failure(error) from cause(error)

    async def value(self, sql: LiteralString, values: Mapping[str, Any] | None = None) -> Any:
        """Run a statement and return the first column of its first row, None if there is no row."""
        self.calls += 1
        try:
            async with self.connection() as connection:
                cursor = AsyncCursor(connection, row_factory=scalar_row)
                await cursor.execute(sql, values)
                return await cursor.fetchone()
        except psycopg.Error as error:
            raise self.failure(error) from cause(error)

    def failure(self, error: psycopg.Error) -> AsymmetricaError:
        """Return an error of psycopg's as one of ours."""
        secrets = secrets_of(self.source) if isinstance(self.source, str) else ()
        return translate(error, secrets)


def cause(error: psycopg.Error) -> psycopg.Error | None:
    """Keep the server's error as the cause, but not one of the connection: its text may hold a secret."""
    return error if error.sqlstate else None
