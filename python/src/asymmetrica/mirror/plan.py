"""What is known of one mirrored table, and how its rows become keys and values."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .names import Names, table_name
from .values import string

__all__ = ["LARGEST", "UNREADABLE", "Plan", "Registered", "Values", "unreadable"]

# A row of more bytes is not put into Redis, which would hold up all others: its key is missing there.
LARGEST = 64 << 20

# What a text that is no UTF-8, or not in its type's form, raises.
UNREADABLE = (ValueError, IndexError, AssertionError)

# Of a JSON value the fragments, of a hash the texts; UNCHANGED where the stream did not say it.
Values = Sequence[Any]


def unreadable(key: bytes, error: Exception) -> str:
    """Say which row can't be mirrored, without showing what is in it."""
    what = "not valid UTF-8" if isinstance(error, UnicodeDecodeError) else "not in the form of its type"
    return f"row {key.decode()} holds a value that is {what}"


@dataclass(frozen=True, slots=True)
class Registered:
    """A table as asymm.mirror() registered it."""

    id: int
    oid: int
    schema: str
    table: str
    key_columns: tuple[str, ...]
    columns: tuple[str, ...]
    types: tuple[int, ...]
    format: str
    ttl: float | None
    epoch: int
    partitioned: bool
    error: str | None = None
    # About how many rows it has; None where nobody counted.
    estimate: int | None = None
    # The columns whose values are the state of a row, if its changes are to be counted.
    states: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What stands for the table in Redis."""
        return table_name(self.schema, self.table)

    @property
    def definition(self) -> str:
        """A fingerprint of everything the keys and values depend on."""
        said = [self.oid, self.name, self.key_columns, self.columns, self.types, self.format, self.ttl]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


@dataclass(slots=True)
class Plan:
    """A mirrored table: what is registered, and where the copy in Redis stands.

    `start`: transactions that committed before this position are in the snapshot it was built from.
    `state`: building (not written to), built (written to, not yet known to be true), safe, error.
    """

    table: Registered
    names: Names
    epoch: int = 0
    start: int = 0
    state: str = "building"
    error: str | None = None
    # Whether Redis had no rows of the table before, of any epoch.
    first: bool = False
    # How many rows are in Redis; None, if it dropped that, until the table is emptied or built anew.
    count: int | None = 0
    retry: float = 0.0
    rows: bytes = b""
    version: bytes = b""
    # Keys of rows that are in the table and not in Redis.
    large: set[bytes] = field(default_factory=set)
    # Whether a row is one value that stays: then it goes with others into one command.
    plain: bool = False
    template: str = ""
    fields: list[bytes] = field(default_factory=list)
    # Where in a row the values of its state are.
    states: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.table.error is not None:
            # Mended by DDL, if at all, and that begins another epoch.
            self.state, self.error, self.retry = "error", self.table.error, math.inf
        self.rebase(self.epoch)
        self.version = self.names.version(self.table.name)
        heads = [string(name).replace("%", "%%") + ":%s" for name in self.table.columns]
        self.template = "{" + ",".join(heads) + "}"
        self.plain = self.table.format != "hash" and not self.table.ttl
        self.fields = [name.encode() for name in self.table.columns]
        self.follow(self.table.states)

    def rebase(self, epoch: int) -> None:
        """Go on in another epoch."""
        self.epoch = epoch
        self.rows = self.names.rows(self.table.name, epoch)

    def follow(self, states: Sequence[str]) -> None:
        """Have the changes of these columns counted; none: of no column."""
        known = self.table.columns
        self.states = tuple(map(known.index, states)) if set(states) <= set(known) else ()

    @property
    def written(self) -> bool:
        """Whether changes go to Redis."""
        return self.state in ("built", "safe")

    def commands(self, key: bytes, values: Values) -> list[tuple[bytes | str | int, ...]]:
        """Return what writes a row that is a hash or expires."""
        ttl = int(self.table.ttl * 1000) if self.table.ttl else 0
        if self.table.format != "hash":
            return [(b"SET", key, self.template % tuple(values), b"PX", ttl)]
        found = [pair for pair in zip(self.fields, values, strict=True) if pair[1] is not None]
        if not found:
            return [(b"UNLINK", key)]
        written = (b"HSET", key, *(word for pair in found for word in pair))
        return [(b"UNLINK", key), written, *([(b"PEXPIRE", key, ttl)] if ttl else [])]

    def meta(self) -> bytes:
        """What Redis keeps of it, so that the next worker can go on."""
        said: dict[str, Any] = {"name": self.table.name, "epoch": self.epoch, "start": self.start}
        said |= {"definition": self.table.definition, "registered": self.table.epoch}
        if self.large:
            head = len(self.rows)
            said["large"] = [key[head:].decode() for key in sorted(self.large)]
        return json.dumps(said).encode()

    def told(self) -> str | None:
        """Say what a reader of the status should know though nothing failed."""
        count = len(self.large)
        what = "1 row is" if count == 1 else f"{count} rows are"
        return f"{what} larger than {LARGEST >> 20} MiB and not in Redis" if count else None

    def report(self) -> dict[str, Any]:
        """What the database is told."""
        state = {"building": "building", "built": "building", "safe": "live"}.get(self.state, "unsafe")
        said = {"id": self.table.id, "state": state, "error": self.error or self.told()}
        return said | {
            "rows": self.count if self.epoch else None, "counted": self.count is not None,
            "epoch": self.epoch or None,
        }  # fmt: skip
