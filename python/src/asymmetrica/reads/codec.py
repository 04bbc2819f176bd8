"""Rows of a query as bytes and back: the very same Python values, a column at a time.

Values of common types are packed by what they are in Python; of all others the text that Postgres sent is
kept and read again by psycopg's loader of that type. No pickle: whoever can write to Redis must not run
code here.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any
from uuid import UUID

__all__ = ["Garbage", "Head", "Load", "Raw", "head_of", "pack", "unpack"]

# Numbers are written as this machine has them in memory.
MAGIC = f"asymmetrica query 1 {sys.byteorder}\n".encode()
_SIZE = struct.Struct("<I")
# Heads no longer than this are remembered once they were read.
_SHORT = 8192
# Bytes of an integer and the array of such.
_INTEGERS = {"1": "b", "2": "h", "4": "i", "8": "q"}
# The text of a value by row and column, as Postgres sent it.
Raw = Callable[[int, int], bytes | None]
# The loader of a type.
Load = Callable[[int], Callable[[bytes], Any]]
Rows = list[tuple[Any, ...]]

# Values nobody can change, so that one object may be handed out many times.
_FIXED = frozenset(
    (
        *(str, bytes, int, float, bool, Decimal, date, datetime, time, timedelta, UUID, type(None)),
        *(IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network),
    )
)


class Garbage(ValueError):
    """Bytes that were not written by pack(), or not for this query."""


@dataclass(slots=True)
class Head:
    """What stands before the rows: for which query, good while nothing after `fence` changed these tables.

    Everything that was committed before `upto`, and nothing that was committed after, may be in the rows.
    """

    query: str
    fence: int
    upto: int
    deps: tuple[tuple[str, int], ...]
    cost: float
    fixed: bool
    columns: tuple[tuple[str, int, str, int, int], ...]
    count: int
    body: bytes


def _column(values: list[Any], zone: tzinfo) -> tuple[str, bytes] | None:
    """Return letter and bytes of a column without NULLs; None if its texts are to be kept."""
    kinds = set(map(type, values))
    if len(kinds) > 1:
        return None
    kind = kinds.pop() if kinds else int
    if kind is int:
        low, high = min(values, default=0), max(values, default=0)
        for letter, code in _INTEGERS.items():
            limit = 1 << (8 * int(letter) - 1)
            if -limit <= low and high < limit:
                return letter, array(code, values).tobytes()
        return None
    if kind is float:
        return "f", array("d", values).tobytes()
    if kind is bool:
        return "b", bytes(values)
    if kind is date:
        return "d", array("i", [value.toordinal() for value in values]).tobytes()
    if kind is UUID:
        return "u", b"".join([value.bytes for value in values])
    if kind is str:
        return ("s", "\0".join(values).encode()) if not any("\0" in value for value in values) else None
    if kind is Decimal:
        return "n", "\0".join(map(str, values)).encode()
    if kind is datetime:
        if all(value.tzinfo is None for value in values):
            return "t", "\0".join([value.isoformat() for value in values]).encode()
        if all(value.tzinfo is zone for value in values):
            utc = [value.astimezone(UTC).replace(tzinfo=None) for value in values]
            return "z", "\0".join([value.isoformat() for value in utc]).encode()
    return None


def pack(
    query: str,
    fence: int,
    upto: int,
    deps: Sequence[tuple[str, int]],
    cost: float,
    columns: Sequence[tuple[str, int]],
    rows: Rows,
    raw: Raw,
    zone: tzinfo,
) -> bytes:
    """Return the bytes of a result. Raises UnicodeError for text that is none."""
    heads: list[tuple[str, int, str, int, int]] = []
    parts: list[bytes] = []
    fixed = True
    for at, (name, oid) in enumerate(columns):
        values = [row[at] for row in rows]
        present = [value for value in values if value is not None]
        mask = bytes([value is not None for value in values]) if len(present) < len(values) else b""
        packed = _column(present, zone)
        if packed is None:
            fixed = fixed and _FIXED.issuperset(map(type, present))
            texts = [raw(number, at) or b"" for number, value in enumerate(values) if value is not None]
            packed = "x", _SIZE.pack(len(texts)) + array("I", map(len, texts)).tobytes() + b"".join(texts)
        heads.append((name, oid, packed[0], len(mask), len(packed[1])))
        parts += (mask, packed[1])
    body = b"".join(parts)
    said = {"query": query, "fence": fence, "upto": upto, "deps": list(deps), "cost": cost, "fixed": fixed,
            "columns": heads, "count": len(rows), "sum": zlib.crc32(body)}  # fmt: skip
    head = json.dumps(said, separators=(",", ":")).encode()
    return b"".join((MAGIC, _SIZE.pack(len(head)), head, body))


def head_of(blob: Any, query: str) -> Head:
    """Take the bytes apart. Raises Garbage unless they are a whole result of this very query."""
    start = len(MAGIC) + _SIZE.size
    if not isinstance(blob, bytes) or blob[: len(MAGIC)] != MAGIC or len(blob) < start:
        raise Garbage("not a cached result")
    try:
        end = start + _SIZE.unpack_from(blob, len(MAGIC))[0]
        told = blob[start:end]
        checksum, size, fields = (_said if len(told) <= _SHORT else _said.__wrapped__)(told)
        body = blob[end:]
        if fields[0] != query or zlib.crc32(body) != checksum:
            raise Garbage("not the result of this query")
        if size != len(body):
            raise Garbage("a cached result was cut")
        made: Any = (*fields, body)
        return Head(*made)
    except (KeyError, TypeError, ValueError, IndexError, RecursionError, struct.error) as error:
        raise Garbage(str(error)) from None


@lru_cache(256)
def _said(told: bytes) -> tuple[int, int, Any]:
    """Return checksum and size of the rows, and the fields of a Head without them."""
    said = json.loads(told)
    columns = tuple([(str(c[0]), int(c[1]), str(c[2]), int(c[3]), int(c[4])) for c in said["columns"]])
    deps = tuple([(str(name), int(epoch)) for name, epoch in said["deps"]])
    fence, upto, count = [int(said[name]) for name in ("fence", "upto", "count")]
    fixed, cost = said["fixed"] is True, float(said["cost"])
    fields = (str(said["query"]), fence, upto, deps, cost, fixed, columns, count)
    return int(said["sum"]), sum([c[3] + c[4] for c in columns]), fields


def unpack(head: Head, load: Load, zone: tzinfo) -> Rows:
    """Return the rows. Raises Garbage."""
    out: list[Any] = []
    at = 0
    body = head.body
    try:
        for _, oid, letter, masked, size in head.columns:
            mask = body[at : at + masked]
            at += masked + size
            values = _values(letter, body[at - size : at], oid, load, zone)
            if masked:
                left = iter(values)
                values = [next(left) if there else None for there in mask]
            if len(values) != head.count:
                raise Garbage("a column is too short or too long")
            out.append(values)
    except (ValueError, TypeError, IndexError, ArithmeticError, StopIteration, struct.error) as error:
        raise Garbage(str(error)) from None
    return list(zip(*out, strict=True)) if out else [()] * head.count


def _array(code: str, data: bytes) -> list[Any]:
    made = array(code)
    made.frombytes(data)
    return made.tolist()


def _values(letter: str, data: bytes, oid: int, load: Load, zone: tzinfo) -> list[Any]:
    if letter in _INTEGERS:
        return _array(_INTEGERS[letter], data)
    if letter == "f":
        return _array("d", data)
    if letter == "b":
        return list(map(bool, data))
    if letter == "d":
        return list(map(date.fromordinal, _array("i", data)))
    if letter == "u":
        return [UUID(bytes=data[at : at + 16]) for at in range(0, len(data), 16)]
    if letter == "x":
        return _texts(data, load(oid))
    words = data.decode().split("\0")
    if letter == "s":
        return words
    if letter == "n":
        return list(map(Decimal, words))
    if letter == "t":
        return list(map(datetime.fromisoformat, words))
    if letter == "z":
        utc = UTC
        return [datetime.fromisoformat(word).replace(tzinfo=utc).astimezone(zone) for word in words]
    raise Garbage("a column of an unknown kind")


def _texts(data: bytes, load: Callable[[bytes], Any]) -> list[Any]:
    """How many, their lengths, the texts."""
    sizes = array("I")
    at = _SIZE.size + _SIZE.unpack_from(data)[0] * sizes.itemsize
    sizes.frombytes(data[_SIZE.size : at])
    out = []
    for size in sizes:
        out.append(load(data[at : at + size]))
        at += size
    if at != len(data):
        raise Garbage("texts of a wrong length")
    return out
