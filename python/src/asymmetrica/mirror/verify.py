"""Compares Redis with the tables: every row and every key, in bounded memory.

The stream goes on meanwhile, so a row may differ because its change is still under way. What differed is
looked at again in a later snapshot, when the mirror has come past it; what differs each time is told.
"""

from __future__ import annotations

import contextlib
import time
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg

from .._lsn import parse_lsn
from .._redact import secrets_of
from ..errors import AsymmetricaError, translate
from .catalog import Types
from .control import registry
from .lines import Taker, taker
from .names import Names
from .plan import Plan
from .snapshot import arriving, copy_lines, session
from .store import Store, as_dict

__all__ = ["Verifier"]

# Keys held in memory at a time, keys asked for at a time, looks at what differs, seconds to wait.
_HELD, _ASKED, _LOOKS, _WAIT = 1_000_000, 500, 5, 30.0
_BITS = 14
_MASK = (1 << _BITS) - 1
# Differences that are looked at; with more of them the mirror is beyond a list.
_MOST = 20_000

Difference = dict[str, str]


class Verifier:
    """`asymmetrica mirror verify` without its command line."""

    def __init__(
        self,
        conninfo: str,
        redis_url: str,
        *,
        prefix: str = "asymm",
        tell: Callable[[Difference], None] = lambda _: None,
    ) -> None:
        self.conninfo = conninfo
        self.secrets = secrets_of(conninfo)
        self.names = Names(prefix)
        self.redis_url = redis_url
        self.tell = tell

    def run(self) -> Iterator[tuple[str, int]]:
        """Compare table after table; yield name and rows of each, tell what differs."""
        with contextlib.closing(Store(self.redis_url, self.names)) as store:
            try:
                with contextlib.closing(session(self.conninfo, "asymmetrica mirror verify")) as connection:
                    for table in registry(connection):
                        plan = Plan(table, self.names)
                        yield table.name, _Comparison(connection, store, plan, self.tell).run()
            except psycopg.Error as error:
                raise translate(error, self.secrets) from None


class _Held:
    """Which keys have a row, in ten bytes a key: the hash of each, 64 bits, in lists that stay short."""

    def __init__(self) -> None:
        self.lists: list[array[int]] = [array("q") for _ in range(1 << _BITS)]
        self.count = 0

    def add(self, keys: Iterable[bytes]) -> None:
        lists = self.lists
        for value in map(hash, keys):
            lists[value & _MASK].append(value)
            self.count += 1

    def __contains__(self, key: bytes) -> bool:
        value = hash(key)
        return value in self.lists[value & _MASK]


class _Comparison:
    """One table."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        store: Store,
        plan: Plan,
        tell: Callable[[Difference], None],
    ) -> None:
        self.connection, self.store, self.plan, self.tell = connection, store, plan, tell
        self.suspects: dict[bytes, str] = {}
        self.rows = 0

    def run(self) -> int:
        name, names = self.plan.table.name, self.store.names
        safe, epoch = self.store.ask((b"GET", names.safe(name)), (b"GET", names.epoch(name)))
        if safe is None:
            self.tell({"table": name, "key": "*", "what": "the table is not marked as safe to read"})
            return 0
        self.plan.rebase(int(epoch))
        self._look(None)
        for _ in range(_LOOKS):
            if not self.suspects:
                break
            self._look(set(self.suspects))
        for key, what in sorted(self.suspects.items()):
            self.tell({"table": name, "key": key[len(self.plan.rows) :].decode(), "what": what})
        return self.rows

    def _look(self, only: set[bytes] | None) -> None:
        """Compare everything, or only these keys, with a snapshot that the mirror has come past."""
        self.suspects = {}
        with self.connection.transaction():
            self.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            row = self.connection.execute("SELECT pg_current_wal_flush_lsn()::text, reltuples FROM pg_class "
                                          "WHERE oid = %s", [self.plan.table.oid]).fetchone()  # fmt: skip
            assert row is not None
            self._wait_for(parse_lsn(row[0]))
            columns, taken = taker(self.plan, Types(self.connection), self.connection)
            if only is not None:
                held: set[bytes] = set()
                self._rows(columns, taken, lambda key: key in only, held.update)
                gone = sorted(only - held)
                for key, there in zip(gone, self.store.ask(*((b"EXISTS", key) for key in gone)), strict=True):
                    if there:
                        self.suspects[key] = "not in the table"
                return
            passes = 1 + int(max(row[1], self._count()) // _HELD)
            for number in range(passes):

                def mine(key: bytes, number: int = number) -> bool:
                    return passes == 1 or zlib.crc32(key) % passes == number

                rows = _Held()
                self._rows(columns, taken, mine, rows.add)
                self.rows += rows.count
                self._keys(rows, mine)

    def _count(self) -> int:
        return self.store.counts().get(self.plan.table.id, 0)

    def _wait_for(self, lsn: int) -> None:
        """Wait until Redis holds what was committed before the snapshot."""
        deadline = time.monotonic() + _WAIT
        while (self.store.lsn() or 0) < lsn:
            if time.monotonic() > deadline:
                raise AsymmetricaError(
                    "the mirror does not come on",
                    detail=f"Redis has been behind this snapshot for {_WAIT:.0f} s.",
                    hint="asymmetrica mirror status; is the worker running?",
                )
            time.sleep(0.01)

    def _rows(
        self,
        columns: list[str],
        taken: Taker,
        mine: Callable[[bytes], bool],
        hold: Callable[[Iterable[bytes]], None],
    ) -> None:
        """Compare rows with their keys; hold() is given the keys."""
        lines = copy_lines(self.connection, self.plan.table, columns, _ASKED)
        for some in arriving(lines, self.connection):
            few, large = taken.split(some)
            hold([key for key in map(str.encode, large) if mine(key)])  # these need not be there
            found = [(key.encode(), value) for key, value in (taken.take(few) if few else ())]
            part = {key: value for key, value in found if mine(key)}
            hold(part)
            self._compare(part)

    def _compare(self, part: dict[bytes, Any]) -> None:
        if not part:
            return
        table = self.plan.table
        found: list[Any]
        wanted: list[Any]
        if table.format == "json":
            found = self.store.ask((b"MGET", *part))[0]
            wanted = [text.encode() for text in part.values()]
        else:
            found = [as_dict(reply) for reply in self.store.ask(*((b"HGETALL", key) for key in part))]
            wanted = [{f.encode(): v.encode() for f, v in fields.items()} for fields in part.values()]
        for key, theirs, ours in zip(part, found, wanted, strict=True):
            if not theirs and table.ttl:
                continue
            if (theirs or None) != (ours or None) and len(self.suspects) < _MOST:
                self.suspects[key] = "missing in Redis" if not theirs else "differs"

    def _keys(self, held: _Held, mine: Callable[[bytes], bool]) -> None:
        """Find keys without a row."""
        cursor, pattern = b"0", self.store.names.pattern(self.plan.table.name)
        while True:
            cursor, keys = self.store.scan(cursor, pattern)
            for key in keys:
                if not (key.startswith(self.plan.rows) and mine(key)) or key in held:
                    continue
                if len(self.suspects) < _MOST:
                    self.suspects[key] = "not in the table"
            if cursor == b"0":
                return
