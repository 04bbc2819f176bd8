"""Content hashes: the driver and the server give the same, equal values the same, others another."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from asymmetrica import content_hash
from support.database import Database

VECTORS = json.loads(
    (Path(__file__).parent.parent / "support" / "content_hashes.json").read_text(encoding="utf-8")
)
NAMES = {
    "Decimal": Decimal, "Jsonb": Jsonb, "UUID": UUID, "date": date, "datetime": datetime, "time": time,
    "timedelta": timedelta, "timezone": timezone, "float": float,
}  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NUMBERS = st.decimals(allow_nan=True, allow_infinity=True).filter(
    lambda number: (
        str(number) not in ("-NaN", "sNaN", "-sNaN")
        and (not number.is_finite() or abs(number.adjusted()) < 1000)
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ZONES = st.timezones() | st.just(UTC)
# A value and its type on the server; NULL has none.
VALUES: st.SearchStrategy[tuple[Any, str]] = st.one_of(
    st.tuples(TEXTS, st.just("text")),
    st.tuples(st.integers(-(2**63), 2**63 - 1), st.just("bigint")),
    st.tuples(st.integers(-(2**15), 2**15 - 1), st.just("smallint")),
    st.tuples(NUMBERS, st.just("numeric")),
    st.tuples(st.floats(), st.just("double precision")),
    st.tuples(st.booleans(), st.just("boolean")),
    st.tuples(st.binary(max_size=8), st.just("bytea")),
    st.tuples(st.uuids(), st.just("uuid")),
    st.tuples(st.dates(), st.just("date")),
    st.tuples(st.times(), st.just("time")),
    st.tuples(st.datetimes(), st.just("timestamp")),
    st.tuples(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES), st.just("timestamptz")),
    st.tuples(JSON.map(Jsonb), st.just("jsonb")),
    st.tuples(st.lists(TEXTS | st.none(), max_size=3), st.just("text[]")),
    st.tuples(st.none(), st.sampled_from(["text", "integer", "numeric", "jsonb", "text[]"])),
)


def test_the_vectors(db: Database) -> None:
    settings_of_a_session = (
        "SET timezone = 'Asia/Kolkata'", "SET datestyle = 'SQL, DMY'", "SET intervalstyle = 'iso_8601'",
        "SET extra_float_digits = 0", "SET bytea_output = 'escape'", "SET client_encoding = 'LATIN1'",
    )  # fmt: skip
    plain, other = db.connect(), db.connect()
    for setting in settings_of_a_session:
        other.execute(setting.encode())
    for vector in VECTORS:
        nfc = vector.get("nfc", False)
        query = f"SELECT encode(asymm.content_hash({vector['sql']}, {nfc}), 'hex')"
        for session in (plain, other) if vector["sql"].isascii() else (plain,):
            assert session.execute(query.encode()).fetchone() == (vector["hash"],), vector["sql"]
        if vector["python"] is not None:
            value = eval(vector["python"], NAMES)
            assert (content_hash(value, nfc=nfc) or b"").hex() == vector["hash"], vector["python"]
    # A row by its table's type, by ROW() and by the expression made for many rows.
    db.sql("CREATE TYPE pair AS (a int, b numeric)")
    columns = [f"c{place}" for place in range(len(VECTORS))]
    values = ", ".join(f"{vector['sql']} AS {name}" for vector, name in zip(VECTORS, columns, strict=True)
                       if not vector["sql"].startswith("ROW") and not vector.get("nfc"))  # fmt: skip
    db.sql(
        f"CREATE TABLE every AS SELECT {values}, ROW(1, 1.50)::pair AS p, ARRAY[ROW(1, 2)::pair, NULL] AS ps"
    )
    db.sql("ALTER TABLE every ADD gone int")
    db.sql("ALTER TABLE every DROP gone, ADD late text")
    names = db.value(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
        " WHERE attrelid = 'every'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    rows = db.sql(f"SELECT asymm.content_hash(e), asymm.content_hash(ROW({names})),"
                  " (SELECT h.hash FROM asymm.content_hashes('every') AS h) FROM every AS e")  # fmt: skip
    assert len(set(rows[0])) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(VALUES, min_size=1, max_size=4), min_size=1, max_size=3))
def test_driver_and_server_agree(db: Database, rows: list[list[tuple[Any, str]]]) -> None:
    hashes: dict[bytes, bytes] = {}
    for row in rows:
        types = ", ".join(f"%s::{kind}" for _, kind in row)
        wanted = content_hash(tuple(value for value, _ in row))
        found = db.own.execute(
            f"SELECT asymm.content_hash(ROW({types})), record_send(ROW({types}))::bytea".encode(),
            [value for value, _ in row] * 2,
        ).fetchone()
        assert found is not None
        assert found[0] == wanted
        hashes[found[1]] = found[0]
    # What the server sends in the same bytes has one hash.
    assert len(set(hashes.values())) <= len(hashes)


@settings(max_examples=30)
@given(st.lists(st.tuples(TEXTS, TEXTS, st.none() | TEXTS), min_size=2, max_size=6, unique=True))
def test_other_rows_have_other_hashes(rows: list[tuple[str, str, str | None]]) -> None:
    assert len({content_hash(row) for row in rows}) == len(rows)


def test_what_cannot_be_hashed(db: Database) -> None:
    for value in (object(), {1: "a"}, ("a", {"b": {2}})):
        with pytest.raises(TypeError):
            content_hash(value)
    for text in ("\0", "\ud800", Jsonb("\0"), Jsonb(float("nan")), [[1], [2, 3]], Decimal("1e140000")):
        with pytest.raises(ValueError, match=r"NUL|Unicode|finite|length|digits"):
            content_hash(text)
    assert content_hash(None) is None
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="no declared type"):
        db.sql("SELECT asymm.content_hash(ROW(1, ROW(2)))")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="integer"):
        db.sql("SELECT asymm.content_hash(ROW('a', ARRAY[1]))")
    db.sql("CREATE TABLE w (a int)")
    for call, state in itertools.chain(
        [
            ("asymm.content_hash_expression(NULL)", "22004"),
            ("asymm.content_hashes('pg_class_oid_index')", "42809"),
        ],
        [
            ("asymm.content_hashes('w', columns => '{no}')", "42703"),
            ("asymm.content_hashes('w', '{}')", "22023"),
        ],
    ):
        with pytest.raises(psycopg.Error) as caught:
            db.sql(f"SELECT {call}")
        assert caught.value.sqlstate == state
