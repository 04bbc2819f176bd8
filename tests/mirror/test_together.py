"""Rows taken many at a time become what they become one by one."""

from __future__ import annotations

import random
import struct

import pytest

from asymmetrica.mirror.apply import Applier
from asymmetrica.mirror.catalog import Types
from asymmetrica.mirror.columns import converted
from asymmetrica.mirror.names import Names
from asymmetrica.mirror.pace import Pace
from asymmetrica.mirror.plan import Plan, Registered
from asymmetrica.mirror.values import array, boolean, number, string, timestamp, timestamptz

TYPES = {"id": 20, "a": 25, "f": 701, "b": 16, "at": 1184, "tags": 1009, "j": 3802}
NAMES = {16: "bool", 20: "int8", 25: "text", 701: "float8", 1184: "timestamptz", 3802: "jsonb"}
TEXTS = {
    "a": (
        "",
        "n",
        "t",
        "nt",
        "tab\t",
        'quo"te',
        "é" * 100,
        "x" * 255,
        "x" * 256,
        "x" * 300,
        "\x01\\",
        "y" * 70_000,
    ),
    "f": ("1.5", "NaN", "-Infinity", "1e+300"),
    "b": ("t", "f"),
    "at": ("2026-01-01 00:00:00+00", "infinity", "0044-03-15 12:00:00.5+00 BC", "12026-01-01 00:00:00+00"),
    "tags": (
        "{}",
        "{a,b}",
        '{"a b",NULL,"NULL"}',
        '{"",x}',
        '{"{"}',
        '{"\\\\"}',
        "{{a,b},{c,d}}",
        "[0:1]={1,2}",
    ),
    "j": ('{"k": 1}', "null"),
}


class Known(Types):
    """Types as the catalogs would have them."""

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        rows = {oid: (oid, name, "b", 0, 0, ",", None, None) for oid, name in NAMES.items()}
        self._rows = rows | {1009: (1009, "_text", "b", 0, 25, ",", None, None)}


def relation() -> bytes:
    columns = b"".join(
        (b"\1" if name == "id" else b"\0") + name.encode() + b"\0" + struct.pack("!Ii", oid, -1)
        for name, oid in TYPES.items()
    )
    return b"R" + struct.pack("!I", 7) + b"public\0t\0d" + struct.pack("!H", len(TYPES)) + columns


def row(kind: bytes, values: list[bytes | None]) -> bytes:
    """Return the message of a new row; U stands for a value that is left out."""
    cells = [
        b"n" if v is None else b"u" if v == b"U" else b"t" + struct.pack("!I", len(v)) + v for v in values
    ]
    return kind + struct.pack("!I", 7) + b"N" + struct.pack("!H", len(values)) + b"".join(cells)


def stream(seed: int, rows: int, odd: float) -> list[bytes]:
    """Return the messages of a transaction."""
    chance = random.Random(seed)
    out = [b"B" + struct.pack("!QqI", 100, 0, 1), relation()]
    for _ in range(rows):
        values: list[bytes | None] = [str(chance.randrange(1000)).encode()]
        for name, texts in TEXTS.items():
            simple = texts[:2] if chance.random() > odd else texts
            null = chance.random() < odd / 2 and name != "b"  # which belongs to some keys
            values.append(None if null else chance.choice(simple).encode())
        if chance.random() < odd / 20:
            values[1] = b"U"
        if chance.random() < odd / 300:
            values[1] = b"\xff"
        out.append(row(chance.choice([b"I", b"I", b"I", b"U"] if odd else [b"I"]), values))
    return [b"w" + bytes(24) + message for message in out]


def applied(messages: list[bytes], form: str, key: tuple[str, ...], together: bool) -> tuple[object, ...]:
    columns = tuple(TYPES)
    table = Registered(1, 7, "public", "t", key, columns, tuple(TYPES.values()), form, None, 1, False)
    names = Names("asymm")
    plan = Plan(table, names, epoch=3, state="safe")
    applier = Applier(names, Known(), 0, (100, 5))
    applier.take([plan])
    for message in messages:
        applier.handle(message)
        if not together:
            applier.drain()
    applier.drain()
    batch = applier.batch
    rows = {k: (values and list(values), source) for k, (_, values, source) in batch.rows.items()}
    return rows, batch.holes, batch.dropped, applier.position, plan.error, plan.count


@pytest.mark.parametrize("form", ["json", "hash"])
def test_together_as_one_by_one(form: str) -> None:
    for seed in range(60):
        messages = stream(seed, 5 + 3 * seed, (0, 0.02, 0.3)[seed % 3])
        key = ("id",) if seed % 2 else ("b", "id")
        wanted = applied(messages, form, key, together=False)
        assert applied(messages, form, key, together=True) == wanted, seed


def test_columns_as_values() -> None:
    cases = {boolean: TEXTS["b"], number: TEXTS["f"], timestamptz: TEXTS["at"], string: TEXTS["a"],
             timestamp: ("2026-01-01 00:00:00", "-infinity", "0001-01-01 00:00:00 BC"),
             array(string): TEXTS["tags"]}  # fmt: skip
    for convert, texts in cases.items():
        for column in (texts, texts[:1], texts[:1] * 3, (None, texts[0], None, *texts), (None,), ()):
            wanted = ["null" if text is None else convert(text) for text in column]
            assert list(converted(column, convert)) == wanted


def test_a_short_rest_unless_there_are_many() -> None:
    def rest(rate: float) -> float:
        """Return the rest after a second of so many transactions, each written by itself if there is time."""
        chance, pace, now, end, count = random.Random(1), Pace(), 10.0, 11.0, 0
        while now < end:
            now = max(now + chance.expovariate(rate), pace.rested)
            count = round((now - 10) * rate)
            pace.wrote(count, now)
        return pace.rested - now

    assert [round(rest(rate), 4) for rate in (1, 100, 500, 800)] == [0.0005] * 4
    assert 0.001 < rest(1500) < 0.008
    assert round(rest(3000), 4) == 0.01
