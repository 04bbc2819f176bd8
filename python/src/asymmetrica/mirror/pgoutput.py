"""Decodes pgoutput, the format of logical replication (protocol version 1, text values).

A row is a list with one entry per column: the text as bytes, None for NULL, or UNCHANGED for a large value
that the statement did not touch and that the server therefore does not send.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from ..errors import AsymmetricaError

__all__ = [
    "UNCHANGED",
    "Begin",
    "Change",
    "Column",
    "Commit",
    "Message",
    "ProtocolError",
    "Relation",
    "Row",
    "Truncate",
    "decode",
]


class ProtocolError(AsymmetricaError):
    """The server sent what this decoder does not know."""


class _Unchanged:
    __slots__ = ()

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = _Unchanged()
Value = bytes | None | _Unchanged
Row = list[Value]


@dataclass(slots=True)
class Begin:
    """A transaction starts; `lsn` is where its commit record begins, `xid` the lower half of its number."""

    lsn: int
    xid: int


@dataclass(slots=True)
class Commit:
    """It ends; `end` is where its commit record ends."""

    lsn: int
    end: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the stream describes it; `key` says that it is part of the replica identity."""

    name: str
    type: int
    modifier: int
    key: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """Which columns the rows of a table have from now on; `identity` is d, n, f or i as in pg_class."""

    oid: int
    schema: str
    table: str
    identity: str
    columns: tuple[Column, ...]


@dataclass(slots=True)
class Change:
    """One row: `what` is I, U or D. `old` is the old row (whole) or its key, `old_is_key` says which."""

    what: str
    relation: int
    old: Row | None
    new: Row | None
    old_is_key: bool = False


@dataclass(frozen=True, slots=True)
class Truncate:
    """Tables were emptied."""

    relations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What pg_logical_emit_message() wrote."""

    transactional: bool
    lsn: int
    prefix: str
    content: bytes


Decoded = Begin | Commit | Relation | Change | Truncate | Message | None

_LENGTH = struct.Struct("!I").unpack_from
_COUNT = struct.Struct("!H").unpack_from
_COLUMN = struct.Struct("!Ii").unpack_from
_BEGIN = struct.Struct("!QqI").unpack_from
_COMMIT = struct.Struct("!BQQ").unpack_from
_MESSAGE = struct.Struct("!BQ").unpack_from
_NULL, _TEXT, _TOAST = ord("n"), ord("t"), ord("u")
_INSERT, _UPDATE, _DELETE = ord("I"), ord("U"), ord("D")
_NEW, _KEY, _OLD = ord("N"), ord("K"), ord("O")


def decode(data: bytes, at: int = 0) -> Decoded:
    """Return what the message that starts at `at` says; None for one nobody needs (origin, type)."""
    kind = data[at]
    if kind == _INSERT:
        (relation,) = _LENGTH(data, at + 1)
        return Change("I", relation, None, _row(data, at + 6)[0])
    if kind == _UPDATE:
        (relation,) = _LENGTH(data, at + 1)
        part = data[at + 5]
        if part == _NEW:
            return Change("U", relation, None, _row(data, at + 6)[0])
        old, at = _row(data, at + 6)
        return Change("U", relation, old, _row(data, at + 1)[0], part == _KEY)
    if kind == _DELETE:
        (relation,) = _LENGTH(data, at + 1)
        return Change("D", relation, _row(data, at + 6)[0], None, data[at + 5] == _KEY)
    return _seldom(chr(kind), data, at + 1)


def _row(data: bytes, at: int) -> tuple[Row, int]:
    (count,) = _COUNT(data, at)
    at += 2
    row: Row = []
    for _ in range(count):
        kind = data[at]
        if kind == _TEXT:
            (length,) = _LENGTH(data, at + 1)
            at += 5
            row.append(data[at : at + length])
            at += length
        elif kind == _NULL:
            row.append(None)
            at += 1
        elif kind == _TOAST:
            row.append(UNCHANGED)
            at += 1
        else:
            raise ProtocolError(f"a value of kind {kind}")
    return row, at


def _seldom(kind: str, data: bytes, at: int) -> Decoded:
    if kind == "B":
        lsn, _, xid = _BEGIN(data, at)
        return Begin(lsn, xid)
    if kind == "C":
        _, lsn, end = _COMMIT(data, at)
        return Commit(lsn, end)
    if kind == "R":
        return _relation(data, at)
    if kind == "T":
        (count,) = _LENGTH(data, at)
        return Truncate(struct.unpack_from(f"!{count}I", data, at + 5))
    if kind == "M":
        flags, lsn = _MESSAGE(data, at)
        prefix, at = _name(data, at + 9)
        (length,) = _LENGTH(data, at)
        return Message(bool(flags & 1), lsn, prefix, data[at + 4 : at + 4 + length])
    if kind in "OY":
        return None
    raise ProtocolError(f"a message of kind {kind!r}")


def _relation(data: bytes, at: int) -> Relation:
    (oid,) = _LENGTH(data, at)
    schema, at = _name(data, at + 4)
    table, at = _name(data, at)
    identity = chr(data[at])
    (count,) = _COUNT(data, at + 1)
    at += 3
    columns = []
    for _ in range(count):
        key = bool(data[at] & 1)
        name, at = _name(data, at + 1)
        type_, modifier = _COLUMN(data, at)
        columns.append(Column(name, type_, modifier, key))
        at += 8
    return Relation(oid, schema or "pg_catalog", table, identity, tuple(columns))


def _name(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(0, at)
    return data[at:end].decode(), end + 1
