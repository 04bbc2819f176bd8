"""What is known of one mirrored table, and how its rows become keys and values."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .names import Names, encode_key, table_name
from .pgoutput import UNCHANGED, Row
from .values import Converter, string

__all__ = ["LARGEST", "UNREADABLE", "Layout", "Plan", "Registered", "Values", "unreadable"]

# A row of more bytes is not put into Redis, which would hold up all others: its key is missing there.
LARGEST = 64 << 20

# What a text that is no UTF-8, or not in its type's form, raises.
UNREADABLE = (ValueError, IndexError, AssertionError)

# Of a JSON value the fragments, of a hash the texts; UNCHANGED where the stream did not say it.
Values = list[Any]


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

    @property
    def name(self) -> str:
        """What stands for the table in Redis."""
        return table_name(self.schema, self.table)

    @property
    def definition(self) -> str:
        """A fingerprint of everything the keys and values depend on."""
        said = [self.oid, self.name, self.key_columns, self.columns, self.types, self.format, self.ttl]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


class Layout:
    """Takes rows with certain columns apart: those of a stream's relation, or those of a COPY."""

    def __init__(self, plan: Plan, names: Sequence[str], converters: Sequence[Converter]) -> None:
        place = {name: index for index, name in enumerate(names)}
        table = plan.table
        missing = [name for name in (*table.columns, *table.key_columns) if name not in place]
        self.missing = missing
        self.plan = plan
        self.keys = [place[name] for name in table.key_columns if name in place]
        self.only_key = self.keys[0] if len(self.keys) == 1 else None
        picked = [place[name] for name in table.columns if name in place]
        self.columns = [(index, converters[index]) for index in picked]
        self.json = table.format == "json"
        self.identity: list[bool] = []

    def key(self, row: Row) -> bytes:
        """Return the key in Redis of a row, or of the old key the stream sent."""
        if self.only_key is not None:
            return self.plan.rows + encode_key((row[self.only_key],))  # type: ignore[arg-type]
        return self.plan.rows + encode_key([row[index] for index in self.keys])  # type: ignore[misc]

    def values(self, row: Row) -> Values:
        """Return the values of the mirrored columns as they are written."""
        if not self.json:
            return [row[index] for index, _ in self.columns]
        out: Values = []
        for index, convert in self.columns:
            value = row[index]
            if value is None:
                out.append("null")
            elif value is UNCHANGED:
                out.append(UNCHANGED)
            elif convert is None:
                out.append(value.decode())  # type: ignore[union-attr]
            else:
                out.append(convert(value.decode()))  # type: ignore[union-attr]
        return out


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
    count: int = 0
    retry: float = 0.0
    rows: bytes = b""
    version: bytes = b""
    # Keys of rows that are in the table and not in Redis.
    large: set[bytes] = field(default_factory=set)
    template: str = ""
    fields: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.table.error is not None:
            # Mended by DDL, if at all, and that begins another epoch.
            self.state, self.error, self.retry = "error", self.table.error, math.inf
        self.rebase(self.epoch)
        self.version = self.names.version(self.table.name)
        heads = [string(name).replace("%", "%%") + ":%s" for name in self.table.columns]
        self.template = "{" + ",".join(heads) + "}"
        self.fields = [name.encode() for name in self.table.columns]

    def rebase(self, epoch: int) -> None:
        """Go on in another epoch."""
        self.epoch = epoch
        self.rows = self.names.rows(self.table.name, epoch)

    @property
    def written(self) -> bool:
        """Whether changes go to Redis."""
        return self.state in ("built", "safe")

    def text(self, values: Values) -> bytes:
        """Return the JSON of a row."""
        return (self.template % tuple(values)).encode()

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
        return said | {"rows": self.count if self.epoch else None, "epoch": self.epoch or None}
