"""Texts that mean the same have one name, and no others."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

import asymmetrica
from asymmetrica.reads.hot import Hot, text_of
from asymmetrica.reads.text import normalise, ordered, placeholders
from support.database import Database
from support.mirror import Mirror

SAME = [
    ("SELECT  1 -- x\n , 'a  b' /* y /* z */ */ FROM  t ;", "SELECT 1 , 'a  b' FROM t"),
    ("SELECT $$a  -- b$$, $x$ $$  $x$, E'a\\' -- '", "SELECT $$a  -- b$$, $x$ $$  $x$, E'a\\' -- '"),
    ("SELECT \"a  b\",\t'it''s  x'", "SELECT \"a  b\", 'it''s  x'"),
    # Two strings with a new line between them are one, a$1$ is a name.
    ("SELECT 'a' \n 'b'", "SELECT 'a'\n'b'"),
    ("SELECT a$1$  b$1$", "SELECT a$1$ b$1$"),
]


@pytest.mark.parametrize(("text", "normal"), SAME)
def test_one_name(text: str, normal: str) -> None:
    assert normalise(text) == normal
    assert normalise(normal) == normal


@given(st.lists(st.sampled_from([*"ab'\"$-/*\\ \n;eE", "$$", "--", "/*", "*/", "''", "E'"]), max_size=14))
def test_normal_is_normal_and_strings_stay(parts: list[str]) -> None:
    text = "".join(parts)
    normal = normalise(text)
    assert normalise(normal) == normal
    # What is in quotes is kept: whatever psql would take for a string is there still.
    if text.count("'") % 2 == 0 and not re.search(r"[\"\\$]|--|/\*|\*/", text):
        assert re.findall(r"'[^']*'", normal) == re.findall(r"'[^']*'", text)


def test_places(db: Database) -> None:
    cases: list[tuple[str, Any]] = [
        ("SELECT %s::int, %s::text, '%%'", [1, "x"]),
        ("SELECT %(b)s::int, %(a)s::text, %(b)s::int", {"a": "x", "b": 2, "unused": 0}),
    ]
    for text, params in cases:
        sent, names = placeholders(text)
        values = ordered(names, params)
        connection = db.connect()
        raw = psycopg.RawCursor(connection).execute(sent.encode(), values).fetchall()
        assert raw == connection.execute(text.encode(), params).fetchall()


def test_readme(mirror: Mirror) -> None:
    """The Python that README shows about reads runs."""
    readme = Path(__file__).resolve().parents[2] / "README.md"
    blocks = re.findall(
        r"^```python\n(.*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    mirror.db.sql("CREATE SCHEMA IF NOT EXISTS shop")
    mirror.db.sql("CREATE TABLE shop.invoices (id bigint PRIMARY KEY, due_date date)")
    mirror.db.sql("INSERT INTO shop.invoices SELECT g, '2020-02-02' FROM generate_series(1, 200) g")
    [block] = [block for block in blocks if "db.query(" in block]
    names = {"asymmetrica": asymmetrica, "dsn": mirror.db.dsn, "url": mirror.server.url}
    exec(compile(block, "README.md", "exec"), names)
    assert names["result"].rows[0][0] == 100  # type: ignore[attr-defined]


def test_counts_of_keys_are_bounded_and_none_is_too_high() -> None:
    hot = Hot()
    asked = Counter[int]()
    for number in range(20_000):
        # A third of all is about ten keys, the rest about as many keys as there are reads.
        key = number % 10 if number % 3 == 0 else number
        asked[key] += 1
        hot.add(True, "public.t", key, True)
        assert len(hot.hits) <= 512
    found = {key: hits for (_, _, key), hits, _ in hot.most(100)}
    assert set(range(10)) <= set(found)
    assert len(found) == 50
    for key, hits in found.items():
        assert asked[key] - 20_000 // 256 <= hits <= asked[key]
    for odd in ({"id": 1}, [1], ([1],), "x" * 1000, ("x" * 1000,), ""):
        hot.add(True, "public.t", odd, False)
    assert not hot.misses
    hot.add(False, "q", ("a\0b\udcff", b"\x01", None), False)
    assert text_of(("a\0b\udcff", b"\x01", None)) == "ab?, 01, None"
