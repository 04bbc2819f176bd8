"""Copies a table into Redis as it was at the position where a slot was made."""

from __future__ import annotations

import contextlib
import re
import select
import time
from collections.abc import Callable, Generator
from typing import Any

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from .batch import Batch
from .catalog import Types
from .pgoutput import Row
from .plan import LARGEST, UNREADABLE, Layout, Plan, unreadable
from .store import Store
from .stream import SETTINGS, Stream, limits, parse_lsn, quote_name

__all__ = ["BadRow", "Slot", "copy_rows", "copy_table", "session"]

# Rows and bytes in one transaction of Redis.
ROWS, BYTES = 2_000, 1 << 20
_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)


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


class BadRow(Exception):
    """A row that can't be mirrored; it is named by its key."""


class Slot:
    """A slot that was just made, and the snapshot that goes with it."""

    def __init__(self, stream: Stream, lsn: int, snapshot: str) -> None:
        self.stream = stream
        self.lsn = lsn
        self.snapshot = snapshot

    @staticmethod
    def command(name: str, temporary: bool) -> str:
        """Return what makes a slot; that waits for every transaction that writes."""
        kind = "TEMPORARY " if temporary else ""
        return f"CREATE_REPLICATION_SLOT {quote_name(name)} {kind}LOGICAL pgoutput (SNAPSHOT 'export')"

    @classmethod
    def of(cls, stream: Stream, row: list[str | None]) -> Slot:
        """Return the slot that the command answered with."""
        _, lsn, snapshot, _ = row
        assert lsn is not None
        assert snapshot is not None
        return cls(stream, parse_lsn(lsn), snapshot)


def copy_rows(
    connection: psycopg.Connection[Any], plan: Plan, names: list[str], wait: Callable[[], None]
) -> Generator[Row, None, None]:
    """Yield every row of a table, the named columns as texts; wait() is called while nothing comes."""
    table = plan.table
    statement = sql.SQL("COPY (SELECT {} FROM {}{}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL("") if table.partitioned else sql.SQL("ONLY "),
        sql.Identifier(table.schema, table.table),
    )
    pgconn = connection.pgconn

    def more() -> None:
        ready, _, _ = select.select([pgconn.socket], [], [], 0.5)
        if ready:
            pgconn.consume_input()
        else:
            wait()

    pgconn.send_query(statement.as_bytes(connection))
    while pgconn.is_busy():
        more()
    result = pgconn.get_result()
    if result is None or result.status != pq.ExecStatus.COPY_OUT:
        _end(connection, result)
        return
    done = False
    try:
        while not done:
            size, data = pgconn.get_copy_data(1)
            if size == 0:
                more()
            elif size < 0:
                done = True
            else:
                line = bytes(data)[:-1]
                if b"\\" in line:
                    yield [_field(part) for part in line.split(b"\t")]
                else:
                    yield line.split(b"\t")  # type: ignore[misc]
    finally:
        if not done:
            with contextlib.suppress(psycopg.Error):
                connection.cancel()
                while pgconn.get_copy_data(0)[0] > 0:
                    pass
            with contextlib.suppress(psycopg.Error):
                _end(connection, None)
    _end(connection, None)


def _end(connection: psycopg.Connection[Any], result: Any) -> None:
    """Take what is left of a command's results; raise if it failed."""
    failed = None
    while result is not None or (result := connection.pgconn.get_result()) is not None:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            failed = result
        result = None
    if failed is not None:
        raise psycopg.errors.error_from_result(failed)


def _field(part: bytes) -> bytes | None:
    if part == b"\\N":
        return None
    if b"\\" not in part:
        return part
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), part)


def layout(plan: Plan, types: Types, connection: psycopg.Connection[Any]) -> tuple[list[str], Layout]:
    """Return the columns to copy, and how to take rows of them apart."""
    table = plan.table
    names = list(dict.fromkeys((*table.columns, *table.key_columns)))
    rows = connection.execute(
        "SELECT attname, atttypid FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped",
        [table.oid],
    ).fetchall()
    known = dict(rows)
    present = [name for name in names if name in known]
    return present, Layout(plan, present, types.converters([known[name] for name in present]))


def copy_table(
    connection: psycopg.Connection[Any], plan: Plan, store: Store, types: Types, tick: Callable[[int], None]
) -> int:
    """Write all rows of a table; return how many. tick() is called now and then with the rows so far."""
    names, taken = layout(plan, types, connection)
    batch, count, size = Batch(store.names), 0, 0
    pairs: list[bytes] = []
    direct = plan.table.format == "json" and plan.table.ttl is None
    with contextlib.closing(copy_rows(connection, plan, names, lambda: tick(count))) as rows:
        for row in rows:
            key = taken.key(row)
            count += 1
            length = sum([len(value) for value in row if isinstance(value, bytes)])
            if length > LARGEST:
                continue
            try:
                values = taken.values(row)
            except UNREADABLE as error:
                raise BadRow(unreadable(key, error)) from None
            if direct:
                pairs += (key, plan.text(values))
            else:
                batch.put(plan, key, values)
            size += length + 100
            if count % ROWS == 0 or size >= BYTES:
                store.send([(b"MSET", *pairs)] if pairs else batch.commands())
                batch.reset()
                pairs, size = [], 0
                tick(count)
    store.write([(b"MSET", *pairs)] if pairs else batch.commands())
    return count
