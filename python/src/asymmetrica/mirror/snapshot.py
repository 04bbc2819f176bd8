"""Reads tables as they were at the position where a slot was made: slots, snapshots, COPY."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from .._lsn import parse_lsn
from .plan import Registered
from .stream import SETTINGS, Stream, limits, quote_name

__all__ = ["BYTES", "ROWS", "Lines", "Slot", "Work", "copy_lines", "finish", "session"]

# Rows and bytes in one transaction of Redis.
ROWS, BYTES = 2_000, 1 << 20

# Lines of COPY as they come, each with its newline; an empty list while nothing is there.
Lines = Generator[list[bytes], None, None]

Result = TypeVar("Result")
# Something done bit by bit; it yields the socket it waits for, or None when it could go on at once.
Work = Generator[int | None, None, Result]


def finish(work: Work[Result], wait: Callable[[], None]) -> Result:
    """Do all of it; wait() is called now and then, at least twice a second, and may raise."""
    while True:
        try:
            socket = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        if socket is not None:
            select.select([socket], [], [], 0.5)
        wait()


class _Impatient(psycopg.Connection[Any]):
    """A connection that gives up when a statement is not answered in time."""

    patience = 60.0

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        return super().wait(self._limited(gen), *args, **options)

    def _limited(self, gen: Any) -> Generator[Any, Any, Any]:
        deadline = time.monotonic() + self.patience
        try:
            state = next(gen)
            while True:
                ready = yield state
                if not ready and time.monotonic() > deadline:
                    raise psycopg.OperationalError(f"the server has been silent for {self.patience:.0f} s")
                state = gen.send(ready)
        except StopIteration as end:
            return end.value


def session(
    conninfo: str, application_name: str, extra: str = "", patience: float = 60.0
) -> psycopg.Connection[Any]:
    """Open a connection whose texts are those of the stream."""
    complete = make_conninfo(
        conninfo, options=SETTINGS + extra, application_name=application_name, **limits(conninfo)
    )
    connection = _Impatient.connect(complete, autocommit=True)
    connection.patience = patience
    return connection


class Slot:
    """A slot that was just made, and the snapshot that goes with it."""

    def __init__(self, lsn: int, snapshot: str) -> None:
        self.lsn = lsn
        self.snapshot = snapshot

    @staticmethod
    def command(name: str, temporary: bool) -> str:
        """Return what makes a slot; that waits for every transaction that writes."""
        kind = "TEMPORARY " if temporary else ""
        return f"CREATE_REPLICATION_SLOT {quote_name(name)} {kind}LOGICAL pgoutput (SNAPSHOT 'export')"

    @classmethod
    def of(cls, row: list[str | None]) -> Slot:
        """Return the slot that the command answered with."""
        _, lsn, snapshot, _ = row
        assert lsn is not None
        assert snapshot is not None
        return cls(parse_lsn(lsn), snapshot)

    @classmethod
    def made(cls, stream: Stream) -> Work[Slot]:
        """Wait for the answer to the command that was sent; the snapshot lasts until the next one."""
        while (row := stream.answer()) is None:
            yield stream.pgconn.socket
        return cls.of(row)


def copy_lines(
    connection: psycopg.Connection[Any], table: Registered, names: list[str], rows: int = ROWS
) -> Lines:
    """Yield the named columns of all rows, so many at a time."""
    statement = sql.SQL("COPY (SELECT {} FROM {}{}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL("") if table.partitioned else sql.SQL("ONLY "),
        sql.Identifier(table.schema, table.table),
    )
    pgconn = connection.pgconn
    pgconn.send_query(statement.as_bytes(connection))
    while pgconn.is_busy():
        if not _arrived(pgconn):
            yield []
    result = pgconn.get_result()
    if result is None or result.status != pq.ExecStatus.COPY_OUT:
        _end(connection, result)
        return
    done = False
    try:
        lines: list[bytes] = []
        size = 0
        while True:
            length, data = pgconn.get_copy_data(1)
            if length > 0:
                lines.append(bytes(data))
                size += length
                if len(lines) < rows and size < BYTES:
                    continue
                yield lines
                lines, size = [], 0
            elif length == 0:
                if not _arrived(pgconn):
                    yield []
            else:
                done = True
                break
        if lines:
            yield lines
    finally:
        if not done:
            with contextlib.suppress(psycopg.Error):
                connection.cancel()
                while pgconn.get_copy_data(0)[0] > 0:
                    pass
            with contextlib.suppress(psycopg.Error):
                _end(connection, None)
    _end(connection, None)


def arriving(lines: Lines, connection: psycopg.Connection[Any]) -> Iterator[list[bytes]]:
    """Yield only what came, waiting for it."""
    for some in lines:
        if some:
            yield some
        else:
            select.select([connection.pgconn.socket], [], [], 0.5)


def _arrived(pgconn: Any) -> bool:
    """Take what is there; False if that is nothing."""
    ready, _, _ = select.select([pgconn.socket], [], [], 0)
    if ready:
        pgconn.consume_input()
    return bool(ready)


def _end(connection: psycopg.Connection[Any], result: Any) -> None:
    """Take what is left of a command's results; raise if it failed."""
    failed = None
    while result is not None or (result := connection.pgconn.get_result()) is not None:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            failed = result
        result = None
    if failed is not None:
        raise psycopg.errors.error_from_result(failed)
