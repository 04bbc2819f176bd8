"""What drivers report of their reads: counted, bounded, forgotten in time; nonsense is refused."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from support.database import Database

FINGERPRINT = "0123456789abcdef"


@pytest.fixture
def mirrored(db: Database) -> Database:
    db.sql("CREATE TABLE public.t (id int PRIMARY KEY)")
    db.sql("SELECT asymm.create_mirror_login(%s)", db.role("mirror", "LOGIN REPLICATION"))
    db.sql("SELECT asymm.mirror('public.t')")
    return db


def entry(**more: Any) -> dict[str, Any]:
    return {
        "route": "redis",
        "hits": 8,
        "misses": 2,
        "seconds": 0.5,
        "saved_seconds": 4,
        "bytes": 100,
        **more,
    }


def test_reads_are_added_up(mirrored: Database) -> None:
    reader = mirrored.connect(user=mirrored.role("reader", member_of=("asymm_reader",)))
    batch = {
        "queries": [
            entry(fingerprint=FINGERPRINT, statement="SELECT 1", tables=["public.t"]),
            entry(fingerprint=FINGERPRINT, route="primary", hits=0, refused=10, misses=0, reason="now()"),
        ],
        "tables": [entry(table="public.t"), entry(table="public.unknown")],
        "keys": [
            *({"table": "public.t", "key": str(n), "hits": n, "misses": 1 - n // 249} for n in range(250)),
            {"fingerprint": FINGERPRINT, "key": "1, x", "hits": 3, "misses": 1},
            {"fingerprint": "f" * 16, "key": "1", "hits": 3},
        ],
    }
    for _ in range(2):
        row = reader.execute("SELECT asymm._count_reads(%s)", [json.dumps(batch)]).fetchone()
        assert row == (3,)
    totals = "hits, misses, refused, hit_rate, routes, spent = '{}', saved = '{}', bytes"
    queries = totals.format("2 s", "16 s")
    assert mirrored.sql(f"SELECT {queries}, tables, why_not, statement FROM asymm.cached_queries") == [
        (16, 4, 20, 0.4, {"redis": 20, "primary": 20}, True, True, 400, ["public.t"], "now()", "SELECT 1")
    ]
    assert reader.execute("SELECT statement FROM asymm.cached_queries").fetchall() == [(None,)]
    rows = totals.format("1 s", "8 s")
    assert mirrored.sql(f"SELECT table_name, {rows}, queries FROM asymm.mirror_reads") == [
        ("t", 16, 4, 0, 0.8, {"redis": 20}, True, True, 200, 1)
    ]
    # Those read most and those missed most; values of keys are for operators.
    keys = "SELECT count(*), max(hits), max(misses) FROM asymm.mirror_keys WHERE kind = 'row'"
    assert mirrored.sql(keys) == [(101, 498, 2)]
    keys = "SELECT name, statement, key, hits, misses, hit_rate FROM asymm.mirror_keys WHERE kind = 'query'"
    assert mirrored.sql(keys) == [(FINGERPRINT, "SELECT 1", "1, x", 6, 2, 0.75)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(keys)
    # Percentiles within the width of a step, beside the server's figures of the same statement.
    other = "f" * 16
    steps = {"0": 50, "10": 45, "20": 5}
    waited = entry(fingerprint=other, statement="SELECT %s", hits=100, misses=0, latency=steps)
    batch = {"queries": [waited, entry(fingerprint=other, route="primary", latency=None)]}
    for _ in range(2):
        mirrored.value("SELECT asymm._count_reads(%s)", json.dumps(batch))
    mirrored.sql(
        "INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement)"
        " VALUES (7, current_user::regrole, true, 'select', 'SELECT $1')"
    )
    found = mirrored.sql(
        "SELECT queryid, source, route, calls, mean_ms, p50_ms, p95_ms, p99_ms FROM asymm.query_latency"
    )
    assert [row[:4] for row in found] == [(7, "driver", "redis", 200)]
    assert found[0][4:7] == pytest.approx((5, 0.05, 0.05 * 2**5))
    assert 0.05 * 2**9.5 < found[0][7] <= 0.05 * 2**10


def test_parameters_of_protected_columns_are_not_kept(mirrored: Database) -> None:
    """Not even if the driver asked before the column was protected, and reports only now."""
    mirrored.sql("CREATE TABLE public.people (id int PRIMARY KEY, email text)")
    mirrored.sql("SELECT asymm.mirror('public.people')")
    mirrored.sql("SELECT asymm.protect('people', 'email')")
    queries = {
        "a" * 16: ["public.t"],
        "b" * 16: ["public.t", "public.people"],
        "c" * 16: ["public.gone"],
        "d" * 16: [],
    }
    batch = {
        "queries": [
            entry(fingerprint=name, statement="SELECT $1", tables=tables) for name, tables in queries.items()
        ],
        "keys": [{"fingerprint": name, "key": "x", "hits": 1} for name in queries],
    }
    mirrored.sql("SELECT asymm._count_reads(%s)", json.dumps(batch))
    assert mirrored.sql("SELECT name FROM asymm.read_key") == [("a" * 16,)]


def test_there_is_no_end_of_room(mirrored: Database) -> None:
    mirrored.sql(
        "INSERT INTO asymm.read_query (fingerprint, role)"
        " SELECT lpad(to_hex(n), 16, '0'), 'x' FROM generate_series(1, 2000) AS n"
    )
    counted = "SELECT asymm._count_reads(%s)"
    assert mirrored.value(counted, json.dumps({"queries": [entry(fingerprint=FINGERPRINT)]})) == 0
    assert mirrored.value(counted, json.dumps({"queries": [entry(fingerprint="0" * 15 + "1")]})) == 1
    mirrored.sql("UPDATE asymm.read_query SET last_seen = '2020-01-01' WHERE fingerprint !~ '^0*1$'")
    mirrored.sql("INSERT INTO asymm.read_key VALUES ('2020-01-01', 'public.t', '1', 1, 1)")
    mirrored.sql(
        "INSERT INTO asymm.read_latency VALUES ('2020-01-01', 'x', 'near', array_fill(1::bigint, '{48}'))"
    )
    mirrored.sql("SELECT asymm._housekeep()")
    assert mirrored.value("SELECT count(*) FROM asymm.read_query") == 1
    assert mirrored.value("SELECT count(*) FROM asymm.read_count") == 1
    assert mirrored.value("SELECT count(*) FROM asymm.read_key") == 0
    assert mirrored.value("SELECT count(*) FROM asymm.read_latency") == 0


WRONG: list[tuple[Any, str]] = [
    ([], "not an object"),
    ({"queries": 1}, "array"),
    ({"queries": [1]}, "scalar"),
    ({"queries": [entry()]}, "no fingerprint or table"),
    ({"queries": [entry(fingerprint="../x")]}, "hexadecimal"),
    ({"tables": [entry(table="public.t", route="moon")]}, "route"),
    ({"tables": [entry(table="public.t", hits=-1)]}, "negative"),
    ({"tables": [entry(table="public.t", seconds=1e300)]}, "beyond reason"),
    ({"tables": [entry(table="public.t", hits=1e30)]}, "range"),
    ({"tables": [entry(table="public.t", hits="many")]}, "bigint"),
    ({"tables": [entry(table="public.t")] * 1001}, "more than 1,000"),
    ({"keys": [{"table": "public.t", "key": "1", "hits": "x"}]}, "bigint"),
    *(
        ({"queries": [entry(fingerprint=FINGERPRINT, latency=latency)]}, "latency")
        for latency in ([], 7, {"48": 1}, {"-1": 1}, {"a": 1}, {"1": -1}, {"1": "x"}, {"1": 1e13})
    ),
]


def test_nonsense_is_refused(mirrored: Database) -> None:
    for batch, why in WRONG:
        with pytest.raises(psycopg.errors.InvalidParameterValue) as raised:
            mirrored.sql("SELECT asymm._count_reads(%s)", json.dumps(batch))
        assert why in str(raised.value.diag.message_detail), batch
        assert raised.value.diag.message_hint
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        mirrored.sql("SELECT asymm._count_reads(NULL)")
    assert mirrored.value("SELECT count(*) FROM asymm.read_count") == 0
