"""Content hashes as asymm.content_hash() makes them: SHA-256 of a canonical, versioned encoding."""

from __future__ import annotations

import hashlib
import json
import math
import struct
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

VERSION = b"asymm1"

_BYTEA = 17  # what the server calls the type of an encoded field
_EPOCH = datetime(2000, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


def content_hash(value: object, *, nfc: bool = False) -> bytes | None:
    """Return the SHA-256 (32 bytes) of a value's canonical encoding; None for None.

    A tuple is a row, a list an array, a dict (or psycopg's Jsonb) jsonb. int is an integer of the server
    (beyond 64 bits: numeric), Decimal numeric, float double precision; a datetime with a zone is timestamptz,
    a timedelta an interval of days and of seconds below a day, as psycopg writes it.
    With nfc texts are compared by their composed form. Raises TypeError for what has no canonical form,
    ValueError for texts that are not Unicode (lone surrogates, NUL).
    """
    field = _field(value, nfc)
    return None if field is None else hashlib.sha256(VERSION + field).digest()


def _field(value: object, nfc: bool) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, Enum):
        return _field(value.value if isinstance(value.value, str) else value.name, nfc)
    if isinstance(value, bool):
        return b"b" + bytes([value])
    if isinstance(value, int):
        return (
            b"i" + struct.pack(">q", value) if -(2**63) <= value < 2**63 else b"n" + _numeric(Decimal(value))
        )
    if isinstance(value, Decimal):
        return b"n" + _numeric(value)
    if isinstance(value, float):
        return b"f" + (b"\x7f\xf8" + bytes(6) if math.isnan(value) else struct.pack(">d", value + 0.0))
    if isinstance(value, str):
        return b"t" + _text(value, nfc)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return b"y" + bytes(value)
    if isinstance(value, UUID):
        return b"u" + value.bytes
    if isinstance(value, (date, time, timedelta)):
        return _moment(value)
    if isinstance(value, tuple):
        return (
            b"r"
            + struct.pack(">i", len(value))
            + b"".join(struct.pack(">I", _BYTEA) + _counted(_field(item, nfc)) for item in value)
        )
    if isinstance(value, list):
        return b"a" + _array(value, nfc)
    if isinstance(value, dict):
        return b"j" + _text(_json(value), nfc, "")
    if type(value).__name__ in ("Json", "Jsonb") and hasattr(value, "obj"):
        return b"j" + _text(_json(value.obj), nfc, "")
    raise TypeError(f"{type(value).__name__} has no canonical form; hash it in the database, or its text")


def _counted(field: bytes | None) -> bytes:
    return struct.pack(">i", -1) if field is None else struct.pack(">i", len(field)) + field


def _text(value: str, nfc: bool, forbidden: str = "\0") -> bytes:
    if forbidden and forbidden in value:
        raise ValueError("a text of the server holds no NUL")
    try:
        return (unicodedata.normalize("NFC", value) if nfc else value).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the text is not Unicode: {error.reason} at {error.start}") from None


def _numeric(value: Decimal) -> bytes:
    """Return a number as the server sends it: base 10,000; digits, weight, sign, scale, no idle zeros."""
    if value.is_nan():
        return struct.pack(">HhHH", 0, 0, 0xC000, 0)
    if value.is_infinite():
        return struct.pack(">HhHH", 0, 0, 0xF000 if value < 0 else 0xD000, 32)
    sign, figures, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    digits = "".join(map(str, figures)).rstrip("0")
    exponent += len(figures) - len(digits)
    digits = digits.lstrip("0")
    if not digits:
        return struct.pack(">HhHH", 0, 0, 0, 0)
    scale = max(-exponent, 0)
    digits += "0" * (exponent % 4)
    exponent -= exponent % 4
    digits = digits.zfill(-(-len(digits) // 4) * 4)
    groups = [int(digits[place : place + 4]) for place in range(0, len(digits), 4)]
    weight = len(groups) + exponent // 4 - 1
    if not (-32768 <= weight < 32768 and scale < 16384):
        raise ValueError("the server has no number of so many digits")
    return struct.pack(f">HhHH{len(groups)}H", len(groups), weight, 0x4000 if sign else 0, scale, *groups)


def _moment(value: date | time | timedelta) -> bytes:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return b"s" + struct.pack(">q", (value - _EPOCH) // _MICROSECOND)
        return b"w" + struct.pack(">q", (value - _EPOCH.replace(tzinfo=UTC)) // _MICROSECOND)
    if isinstance(value, date):
        return b"d" + struct.pack(">i", (value - _EPOCH.date()).days)
    if isinstance(value, time):
        clock = struct.pack(
            ">q", ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
        )
        if value.tzinfo is None:
            return b"m" + clock
        offset = value.utcoffset()
        if offset is None:
            raise TypeError("a time whose zone depends on the day has no canonical form")
        return b"z" + clock + struct.pack(">i", -int(offset.total_seconds()))
    return b"v" + struct.pack(">qii", value.seconds * 1_000_000 + value.microseconds, value.days, 0)


def _array(value: list[Any], nfc: bool) -> bytes:
    shape: list[int] = []
    items: list[Any] = [value]
    while items and all(isinstance(item, list) for item in items):
        if len({len(item) for item in items}) > 1:
            raise ValueError("an array of the server has rows of one length")
        shape.append(len(items[0]))
        items = [inner for item in items for inner in item]
    fields = [_field(item, nfc) for item in items]
    if not fields:
        return struct.pack(">iiI", 0, 0, _BYTEA)
    return (
        "".join(f"[1:{size}]" for size in shape).encode()
        + struct.pack(">iiIii", 1, int(None in fields), _BYTEA, len(fields), 1)
        + b"".join(_counted(field) for field in fields)
    )


def _json(value: object) -> str:
    """Return JSON as jsonb shows it: keys by length, then bytes; numbers in full, without idle zeros."""
    if value is None or isinstance(value, (bool, str)):
        if isinstance(value, str) and "\0" in value:
            raise ValueError("a text of the server holds no NUL")
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float, Decimal)):
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not number.is_finite():
            raise ValueError("JSON has no number that is not finite")
        text = format(number, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if number == 0 else text
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_json, value)) + "]"
    if isinstance(value, dict):
        entries = {
            key.encode("utf-8", "surrogatepass"): (key, item)
            for key, item in value.items()
            if isinstance(key, str)
        }
        if len(entries) < len(value):
            raise TypeError("a key of JSON is a text")
        ordered = sorted(entries, key=lambda key: (len(key), key))
        return "{" + ", ".join(f"{_json(entries[key][0])}: {_json(entries[key][1])}" for key in ordered) + "}"
    raise TypeError(f"{type(value).__name__} is nothing that JSON holds")
