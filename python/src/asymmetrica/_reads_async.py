"""Reading and writing tables of your own: from the cheapest place that is fresh enough."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import tuple_row

from ._lsn import format_lsn, parse_lsn
from ._session_async import AsyncSession, cause
from .errors import InvalidArgument
from .reads._rows_async import AsyncRows
from .reads.ask import Ask
from .reads.result import Result, Row
from .reads.routes import Standing
from .reads.touched import Touched, current

__all__ = ["AsyncReads", "AsyncTransaction"]

Parameters = Sequence[Any] | Mapping[str, Any] | None


class AsyncTransaction:
    """What `transaction()` lends: runs statements until the block ends."""

    def __init__(self, connection: AsyncConnection[Any], session: AsyncSession) -> None:
        self._connection, self._session = connection, session

    async def execute(self, sql: str, params: Parameters = None) -> list[tuple[Any, ...]]:
        """Run a statement in this transaction and return its rows."""
        try:
            cursor = AsyncCursor(self._connection, row_factory=tuple_row)
            await cursor.execute(sql.encode(), params)
            return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise self._session.failure(error) from cause(error)


class AsyncReads:
    """Statements and reads of the application's own tables.

    All of it works without Redis too; then everything is asked of Postgres: a replica, or the primary.
    """

    _session: AsyncSession
    _reader: AsyncRows

    @property
    def last_lsn(self) -> str | None:
        """Where the log ended after the last commit made here: give it to another reader as `after`."""
        own = self._reader.state.own
        return format_lsn(own) if own else None

    async def execute(self, sql: str, params: Parameters = None) -> list[tuple[Any, ...]]:
        """Run a statement, committed at once unless you are in a transaction, and return its rows."""
        reader, state = self._reader, self._reader.state
        state.generation += 1
        try:
            async with self._session.connection() as connection:
                try:
                    return (await reader.server.fetch(connection, sql.encode(), params)).rows
                finally:
                    state.lost = True
                    await self._committed(connection)
        except psycopg.Error as error:
            raise self._session.failure(error) from cause(error)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncTransaction]:
        """Run what is executed on the object lent in one transaction: committed at the end, or none of it."""
        state = self._reader.state
        state.generation += 1
        try:
            async with self._session.connection() as connection:
                try:
                    async with connection.transaction():
                        yield AsyncTransaction(connection, self._session)
                finally:
                    state.lost = True
                    await self._committed(connection)
        except psycopg.Error as error:
            raise self._session.failure(error) from cause(error)

    async def _committed(self, connection: AsyncConnection[Any]) -> None:
        """Ask where the log ends; if that can't be asked now, it is before the next read of a copy."""
        reader = self._reader
        reader.state.generation += 1
        seen, end = current(), None
        if not connection.closed and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                end = await reader.server.end(connection)
        if seen is not None:
            seen.write(end)
        if end is not None:
            reader.state.committed(end)

    async def query(
        self,
        sql: str,
        params: Parameters = None,
        *,
        max_staleness: float | timedelta = 1.0,
        after: str | int | None = None,
        budget: float | None = None,
    ) -> Result:
        """Return the rows of a query from the cheapest place that is fresh enough.

        Never older than `max_staleness` (seconds; 0: no copy), than the position `after`, than what was
        written or read here before. Results of SELECTs on mirrored tables are kept in Redis until one of
        their tables changes. `budget`: so many seconds may be waited for a copy that is about to come; as a
        rule no longer than Postgres would take. Raises what the statement raises.
        """
        seen = current()
        position = as_position(after)
        if seen is not None:
            position = max(position, seen.after)
        ask = Ask(sql, params, as_seconds(max_staleness), position, budget)
        found = self._reader.near(ask)
        try:
            if found is None:
                found = await self._reader.query(ask)
            if seen is not None:
                seen.read(found.tables, self._source, found.why_not)
            return found
        except psycopg.Error as error:
            raise self._session.failure(error) from cause(error)
        except KeyError as error:
            raise InvalidArgument(f"the query has no parameter {error}") from None

    async def get(
        self,
        table: str,
        key: Any,
        *,
        max_staleness: float | timedelta = 1.0,
        after: str | int | None = None,
        budget: float | None = None,
    ) -> Row | None:
        """Return the row of a table (named with its schema) by its key, None if there is none.

        The key of a mirrored table is the one it is mirrored by, of another its primary key; one of several
        columns is a tuple or a mapping. Mirrored columns only. The rest is as with `query`.
        """
        seconds, position = as_seconds(max_staleness), as_position(after)
        seen = current()
        if seen is not None:
            position = max(position, seen.after)
        row = self._reader.near_row(table, key, seconds, position)
        if row is not None:
            if seen is not None:
                self._touch(seen, table)
            return row
        return (await self._rows(table, [key], seconds, position, budget))[0]

    async def get_many(
        self,
        table: str,
        keys: Sequence[Any],
        *,
        max_staleness: float | timedelta = 1.0,
        after: str | int | None = None,
        budget: float | None = None,
    ) -> list[Row | None]:
        """Return the rows with these keys, in their order; None where there is none.

        Those that Redis answers are of one moment, and none shows half of a transaction. Rows that Redis
        lacks are asked of Postgres, fifty in a statement, so they may be of later moments: `route` tells.
        """
        return await self._rows(table, keys, as_seconds(max_staleness), as_position(after), budget)

    async def _rows(
        self, table: str, keys: Sequence[Any], max_staleness: float, after: int, budget: float | None
    ) -> list[Row | None]:
        seen = current()
        ask = Ask(table, None, max_staleness, after if seen is None else max(after, seen.after), budget)
        try:
            rows = await self._reader.rows(table, keys, ask)
        except psycopg.Error as error:
            raise self._session.failure(error) from cause(error)
        if seen is not None:
            self._touch(seen, table)
        return rows

    @property
    def _source(self) -> bytes:
        link = self._reader.link
        return link.proof.source if link is not None else b""

    def _touch(self, seen: Touched, table: str) -> None:
        """Note that rows of a table were read."""
        server, place = self._reader.server, self._reader.places.get(table)
        who, mirrored = server.known(), self._source.rpartition(b"/")[0]
        if (
            who is None
            or who.why_not is not None
            or server.in_transaction()
            or place is None
            or place.why_not is not None
            or place.who.token != who.token
            or who.database != mirrored
        ):
            seen.refuse(f"rows of {table} are not read from copies")
        else:
            seen.read([place.table.name], self._source)

    def standings(self, sql: str) -> list[Standing]:
        """Return how Redis, replicas and the primary stand with a query here, the best first.

        The name of a table, as `get` was given it, stands for its rows. Once a route failed, they are
        arbitrated: by how often and how fast each answered. One that failed and lost is left alone, for
        204 ms at first and up to 16 times that.
        """
        return self._reader.costs.standings(sql)

    def counters(self) -> dict[str, int]:
        """Return what was counted since `connect()`; what has not happened is not there.

        Answers by route, rows of `get_many` one by one: `near`, `redis`, `replica`, `primary` (here one per
        statement). Copies: `fills` (results put into Redis), `stale` (found, but a table had changed),
        `garbage` (found, but not what we put there), `refused` (results that can't be kept), `redis_refused`
        (Redis would not take one), `waits` (Redis was waited for).
        Failures: `redis_failed` are reads that did without Redis, `redis_errors` attempts at it that failed;
        `replica_behind`, `replica_unfit` (promoted, on another timeline, other settings) and `replica_failed`
        attempts at a replica after which another place was asked.
        """
        link = self._reader.link
        return {**self._reader.state.counters, "redis_errors": link.errors if link else 0}


def as_seconds(value: float | timedelta) -> float:
    """Return a staleness in seconds."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not seconds >= 0:
        raise InvalidArgument(
            f"max_staleness {seconds} is not a number of seconds", hint="0 asks the primary, 1.0 is usual."
        )
    return seconds


def as_position(value: str | int | None) -> int:
    """Return a position in the log as a number."""
    try:
        return parse_lsn(value) if isinstance(value, str) else value or 0
    except (ValueError, AttributeError):
        raise InvalidArgument(
            f"{value!r} is not a position in the log", hint="Give what last_lsn was, as 16/B374D848."
        ) from None
