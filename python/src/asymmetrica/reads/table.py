"""A mirrored table as get() needs it: its keys from Python values, its rows back into Python values.

Only types whose text in the mirror is what the server would send now are read back, by psycopg's own loaders.
Of any other (composite types, arrays of enums, money, somebody's own types…) the server is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from json import decoder
from typing import Any
from uuid import UUID

from ..errors import InvalidArgument
from ..mirror.names import encode_key
from .codec import Garbage, Load

__all__ = ["Column", "Table", "as_fields", "key_texts", "key_values"]

_INT, _TEXT = (20, 21, 23), (25, 1043)
# Types whose texts psycopg reads, by their numbers in pg_type, which never change.
_BOOL, _BYTEA, _TIMESTAMP, _TIMESTAMPTZ, _JSON = 16, 17, 1114, 1184, (114, 3802)
_SCALARS = frozenset(
    (
        *(_BOOL, _BYTEA, _TIMESTAMP, _TIMESTAMPTZ, *_JSON, *_INT, *_TEXT),
        *(18, 19, 26, 700, 701, 1042, 1700),  # "char", name, oid, real, double precision, char(n), numeric
        *(1082, 1083, 1186, 1266, 2950),  # date, time, interval, timetz, uuid
        *(650, 869, 829, 774),  # cidr, inet, macaddr, macaddr8
        *(1560, 1562),  # bit strings
        *(3904, 3906, 3908, 3910, 3912, 3926),  # ranges
    )
)
_ARRAYS = {
    1000: 16, 1005: 21, 1007: 23, 1016: 20, 1009: 25, 1015: 1043, 1021: 700, 1022: 701, 1231: 1700,
    1182: 1082, 1115: 1114, 1185: 1184, 2951: 2950, 1041: 869,
}  # fmt: skip
# Its stub doesn't know it.
_scan: Callable[[str, int], tuple[str, int]] = decoder.scanstring  # type: ignore[attr-defined]
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DECODER = json.JSONDecoder()
_ELEMENTS = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


@dataclass(frozen=True, slots=True)
class Column:
    """A mirrored column: the type it has or, of a domain, is made of; `enum`: it is one."""

    name: str
    oid: int
    enum: bool

    @property
    def readable(self) -> bool:
        """Whether its values can be read back exactly."""
        return self.enum or self.oid in _SCALARS or self.oid in _ARRAYS


@dataclass(frozen=True, slots=True)
class Table:
    """`number` in the registry; its name as in keys, `plain`, and as in SQL; `key` columns with their types.

    `sharp` says whether equal keys have equal texts, which is not so with some collations.
    """

    number: int
    oid: int
    name: str
    plain: str
    quoted: str
    key: tuple[tuple[str, int], ...]
    sharp: bool
    format: str
    columns: tuple[Column, ...]

    def unreadable(self) -> str | None:
        """Return the name of a column that can't be read back."""
        return next((column.name for column in self.columns if not column.readable), None)

    def fixed(self) -> bool:
        """Whether no value of a row can be changed by who is given it."""
        return not any(column.oid in _JSON or column.oid in _ARRAYS for column in self.columns)

    def from_json(self, text: str, load: Load) -> dict[str, Any]:
        """Return a row from the JSON the mirror keeps. Raises Garbage unless it has just these columns."""
        row: dict[str, Any] = {}
        at, mark = 0, "{"
        try:
            for column in self.columns:
                if text[at : at + 2] != mark + '"':
                    raise Garbage("not a row of this table")
                name, at = _scan(text, at + 2)
                if name != column.name or text[at] != ":":
                    raise Garbage("not a row of this table")
                row[name], at = _value(text, at + 1, column, load)
                mark = ","
            if text[at:] != ("}" if self.columns else "{}"):
                raise Garbage("not a row of this table")
        except (ValueError, IndexError, TypeError, RecursionError) as error:
            raise Garbage(str(error)) from None
        return row

    def from_hash(self, fields: Mapping[bytes, bytes], load: Load) -> dict[str, Any]:
        """Return a row from the texts the mirror keeps; a field that is not there is NULL."""
        names = {column.name.encode() for column in self.columns}
        if not fields or not names.issuperset(fields):
            raise Garbage("not a row of this table")
        row = {}
        for column in self.columns:
            text = fields.get(column.name.encode())
            row[column.name] = None if text is None else load(25 if column.enum else column.oid)(text)
        return row


def _value(text: str, at: int, column: Column, load: Load) -> tuple[Any, int]:
    """Read one value; what Postgres would have sent is made of it first."""
    oid = column.oid
    first = text[at]
    if first == '"' and oid not in _JSON:
        word, at = _scan(text, at + 1)
        if oid in (_TIMESTAMP, _TIMESTAMPTZ):
            word = word.replace("T", " ", 1)
        return (word if column.enum else load(oid)(word.encode())), at
    if text.startswith("null", at):
        # Of a column of JSON too: its NULL and its null are the same in the mirror.
        if oid in _JSON:
            raise Garbage("NULL or null")
        return None, at + 4
    if oid in _JSON:
        _, end = _DECODER.raw_decode(text, at)
        return load(oid)(text[at:end].encode()), end
    if oid == _BOOL:
        for word, letter in (("true", b"t"), ("false", b"f")):
            if text.startswith(word, at):
                return load(oid)(letter), at + len(word)
    if oid in _ARRAYS:
        items, end = _ELEMENTS.raw_decode(text, at)
        return _array(items, _ARRAYS[oid], load(_ARRAYS[oid])), end
    found = _NUMBER.match(text, at)
    if found is None or column.enum:
        raise Garbage("not a value of its type")
    return load(oid)(found[0].encode()), found.end()


def _array(items: Any, oid: int, load: Callable[[bytes], Any]) -> Any:
    if isinstance(items, list):
        return [_array(item, oid, load) for item in items]
    if items is None:
        return None
    if isinstance(items, bool):
        return load(b"t" if items else b"f")
    if oid in (_TIMESTAMP, _TIMESTAMPTZ):
        items = items.replace("T", " ", 1)
    return load(items.encode())


def key_texts(table: Table, key: Any) -> bytes | None:
    """Return the last part of a row's key in Redis; None: only the server can tell."""
    values: Sequence[Any]
    if len(table.key) == 1 and not isinstance(key, (tuple, list, Mapping)):
        values = (key,)
    elif isinstance(key, Mapping):
        if set(key) != {name for name, _ in table.key}:
            return None
        values = [key[name] for name, _ in table.key]
    else:
        values = key
    if len(values) != len(table.key) or not table.sharp:
        return None
    texts = []
    for value, (_, oid) in zip(values, table.key, strict=True):
        kind = type(value)
        if kind is int and oid in _INT:
            texts.append(b"%d" % value)
        elif kind is str and oid in _TEXT:
            try:
                texts.append(value.encode())
            except UnicodeEncodeError:
                return None
        elif kind is UUID and oid == 2950:
            texts.append(str(value).encode())
        elif kind is date and oid == 1082:
            texts.append(value.isoformat().encode())
        else:
            return None
    return encode_key(texts)


def as_fields(reply: Any) -> Any:
    """Return what HGETALL said: a list with the older protocol; nothing if there is no such key."""
    if isinstance(reply, list):
        reply = dict(zip(reply[::2], reply[1::2], strict=True))
    return reply or None


def key_values(table: Table, key: Any) -> list[Any]:
    """Return a key's values in the order of its columns. Raises `InvalidArgument`."""
    names = [name for name, _ in table.key]
    if isinstance(key, Mapping):
        if set(key) == set(names):
            return [key[name] for name in names]
    elif len(names) == 1 and not isinstance(key, (tuple, list)):
        return [key]
    elif isinstance(key, (tuple, list)) and len(key) == len(names):
        return list(key)
    raise InvalidArgument(
        f"not a key of {table.quoted}", detail=f"Its key is ({', '.join(names)}).",
        hint="db.get(table, (value, …)) or a mapping by column.",
    )  # fmt: skip
