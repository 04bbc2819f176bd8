"""Whether predicted gains get better: real indexes on real tables, built one by one and measured.

Tables differ in size, width, skew and order, statements in what they ask for and how much of it; then the
same on the tables of TPC-H. What the advisor predicts of each index is noted by asymmetrica_ml as in the
loop, the index is built and the statement timed without and with it. Of seven in ten the outcome is
learned; told is the error of the other three. What was predicted well is not to become worse.
"""

from __future__ import annotations

import json
import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import tpch
from bench.figures import Figure, told
from bench.scene import Scene
from support import database
from support.database import Database

SEED = 20260
SECONDS = 80
SAMPLES = 260
ROWS = (1000, 6000, 20000, 60000)
COLUMNS = {
    "few": "floor(random() * 8)::int",
    "some": "floor(random() * 300)::int",
    "many": "floor(random() * {rows})::int",
    "skewed": "floor(power(random(), 6) * 2000)::int",
    "near": "(n + random() * 50)::int",
    "at": "timestamptz '2026-01-01' + n * interval '1 min'",
    "word": "md5((n % 5000)::text)",
}


@dataclass(frozen=True)
class Sample:
    """A piece of advice, what it was predicted to save and what it saved, ms an hour."""

    action: int
    predicted: float
    measured: float


def make_tables(db: Database) -> dict[str, int]:
    db.sql("SELECT setseed(0.5)")
    made = {}
    for rows in ROWS:
        for width in (10, 300):
            name = f"t{rows}_{width}"
            columns = ", ".join(f"{text.format(rows=rows)} AS {column}" for column, text in COLUMNS.items())
            db.sql(
                f"CREATE TABLE {name} AS SELECT n AS id, {columns}, repeat('x', {width}) AS filler"
                f" FROM generate_series(1, {rows}) AS n"
            )
            made[name] = rows
    db.sql("VACUUM ANALYZE")
    return made


def statement(rng: random.Random, tables: dict[str, int]) -> str:
    """Return something an application might ask of one or two of the tables."""
    name, rows = rng.choice(list(tables.items()))
    column = rng.choice(("few", "some", "many", "skewed", "near"))
    value = {
        "few": rng.randrange(8),
        "some": rng.randrange(300),
        "many": rng.randrange(rows),
        "skewed": int(rng.random() ** 6 * 2000),
        "near": rng.randrange(rows),
    }[column]
    share = 10 ** rng.uniform(-3, -0.3)
    wanted = rng.choice(("filler", "id", "sum(some)", "count(*)", "max(many)", "*"))
    if "(" not in wanted and wanted != "*":
        wanted = f"count({wanted})"
    order = rng.choice(("many", "at DESC", "word"))
    joined = f"{name} AS a JOIN {name} AS b ON b.many = a.id"
    span = max(1, int(rows * share))
    start = rng.randrange(rows)
    return rng.choice(
        (
            f"SELECT {wanted} FROM {name} WHERE {column} = {value}",
            f"SELECT {wanted} FROM {name} WHERE {column} = {value}",
            f"SELECT {wanted} FROM {name} WHERE near BETWEEN {start} AND {start + span}",
            f"SELECT {wanted} FROM {name} WHERE many BETWEEN {start} AND {start + span}",
            f"SELECT {wanted} FROM {name} WHERE {column} = {value} AND many < {span}",
            f"SELECT * FROM {name} ORDER BY {order} LIMIT {rng.choice((5, 500))}",
            f"SELECT * FROM {name} WHERE {column} = {value} ORDER BY at DESC LIMIT 20",
            f"SELECT some, count(*) FROM {name} WHERE skewed < {rng.choice((1, 20, 300))} GROUP BY some",
            f"SELECT count(*) FROM {name} WHERE lower(word) = '{'0' * 8}' OR lower(word) = md5('{value}')",
            f"SELECT count(b.filler) FROM {joined} WHERE a.some = {value % 300}",
            f"SELECT count(filler) FROM {name} WHERE some IN ({value % 300}, {value % 200}, {value % 100})",
        )
    )


def tpch_statement(rng: random.Random) -> str:
    """Return something that is asked of one or two tables of TPC-H."""
    day = f"date '1992-01-01' + {rng.randrange(2400)}"
    days = int(10 ** rng.uniform(0, 2.5))
    table, key, wanted = rng.choice(
        (
            ("lineitem", "l_partkey", "sum(l_quantity)"),
            ("lineitem", "l_suppkey", "sum(l_extendedprice)"),
            ("partsupp", "ps_suppkey", "min(ps_supplycost)"),
            ("orders", "o_custkey", "count(*)"),
        )
    )
    return rng.choice(
        (
            f"SELECT {wanted} FROM {table} WHERE {key} = {rng.randrange(1, 200)}",
            f"SELECT {wanted} FROM {table} WHERE {key} = {rng.randrange(1, 200)}",
            f"SELECT sum(l_extendedprice) FROM lineitem WHERE l_shipdate BETWEEN {day} AND {day} + {days}",
            f"SELECT count(*) FROM orders WHERE o_orderdate BETWEEN {day} AND {day} + {days}",
            f"SELECT count(o_comment) FROM orders WHERE o_orderdate >= {day} AND o_totalprice > 400000",
            f"SELECT * FROM orders WHERE o_custkey = {rng.randrange(1, 3000)}"
            " ORDER BY o_orderdate DESC LIMIT 5",
            f"SELECT * FROM lineitem ORDER BY l_extendedprice DESC LIMIT {rng.choice((5, 500))}",
            f"SELECT sum(l_quantity) FROM lineitem WHERE l_receiptdate = {day} AND l_shipmode = 'AIR'",
            f"SELECT count(*) FROM part WHERE p_size = {rng.randrange(1, 50)} AND p_type LIKE 'PROMO%'",
            f"SELECT c_mktsegment, count(*) FROM customer WHERE c_nationkey = {rng.randrange(25)} GROUP BY 1",
            "SELECT sum(l_extendedprice) FROM lineitem JOIN part ON p_partkey = l_partkey"
            f" WHERE p_brand = 'Brand#{rng.randrange(1, 6)}{rng.randrange(1, 6)}'"
            f" AND p_size < {rng.randrange(2, 50)}",
            "SELECT count(l_comment) FROM orders JOIN lineitem ON l_orderkey = o_orderkey"
            f" WHERE o_orderdate = {day} AND l_returnflag = 'R'",
            f"SELECT count(*) FROM lineitem WHERE l_commitdate < l_receiptdate AND l_shipdate = {day}",
        )
    )


def run_time(db: Database, text: str) -> float:
    """Return the milliseconds that a statement runs, the median of five but for what takes long."""
    times: list[float] = []
    while len(times) < 5 and (not times or sum(times) < 200):
        plan = db.value(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {text}")
        times.append(plan[0]["Execution Time"])
    return statistics.median(times)


def sample(db: Database, rng: random.Random, text: str, *, learned: bool) -> Sample | None:
    """Have an index advised, predicted, built, measured and dropped; nothing where none is advised."""
    run = db.value("SELECT asymm._begin_advice('texts', NULL, NULL, NULL, ARRAY[%s], 'public')", text)
    db.sql("SELECT asymm._advice_work(%s, 'infinity')", run)
    found = [
        row[0] for row in db.sql("SELECT p FROM asymm._advice_proposals(%s) AS p", run) if row[0]["proved"]
    ]
    if not found:
        return None
    document = rng.choice(found)
    query = document["queries"][0]
    calls = 10 ** rng.uniform(0, 4)
    before = run_time(db, text)
    saved = calls * before * (1 - query["cost_after"] / query["cost_before"])
    query |= {"query": 1, "calls_per_hour": calls, "ms_per_hour": calls * before}
    document |= {"saved_ms_per_hour": saved, "requires": []}
    action = db.value("SELECT asymm._propose_index('create index', %s::jsonb)", json.dumps(document))
    if action is None:
        return None
    forward, inverse = db.sql("SELECT statement, inverse FROM asymm.advice WHERE action = %s", action)[0]
    db.sql(forward.replace(" CONCURRENTLY", ""))
    try:
        after = run_time(db, text)
    finally:
        db.sql(inverse.replace(" CONCURRENTLY", ""))
    measured = calls * (before - after)
    db.sql(
        "UPDATE asymm.action SET state = %s,"
        " evidence_after = jsonb_build_object('saved_ms_per_hour', %s::float8) WHERE id = %s",
        "verified" if learned else "expired",
        measured,
        action,
    )
    return Sample(action, saved, measured)


def error(samples: list[Sample], expected: dict[int, float]) -> float:
    """Return the mean |ln(measured / expected)|; nothing saved counts as a twentieth, as in training."""
    return statistics.mean(
        abs(math.log(max(one.measured, one.predicted * 0.05) / expected[one.action])) for one in samples
    )


def learned(
    scene: Scene, where: str, tables: Callable[[Database], Callable[[random.Random], str]], *, better: bool
) -> list[Figure]:
    db = database.create(scene.cluster)
    rng = random.Random(SEED)
    try:
        db.sql("CREATE EXTENSION asymmetrica")
        db.sql("CREATE EXTENSION asymmetrica_ml CASCADE")
        db.sql("CREATE EXTENSION hypopg")
        db.sql("SET jit = off")
        db.sql("SET max_parallel_workers_per_gather = 0")
        statement_of = tables(db)
        known: list[Sample] = []
        held: list[Sample] = []
        start = time.perf_counter()
        while len(known) < 0.7 * SAMPLES and time.perf_counter() - start < 0.7 * SECONDS:
            if one := sample(db, rng, statement_of(rng), learned=True):
                known.append(one)
        db.sql("SELECT asymm._learn()")
        while len(held) < 0.3 * SAMPLES and time.perf_counter() - start < SECONDS:
            if one := sample(db, rng, statement_of(rng), learned=False):
                held.append(one)
        figures = db.sql("SELECT action, predicted, corrected FROM asymm.predictions")
        before = error(held, {action: predicted for action, predicted, _ in figures})
        after = error(held, {action: corrected for action, _, corrected in figures})
        sign, met = ("<", after < before) if better else ("≤", after <= before)
        return [
            told(f"{where}: indexes built and learned from", len(known), "", 0),
            told("  indexes held back", len(held), "", 0),
            told("  error of their predicted gains, mean |ln(measured / predicted)|", before, "", 3),
            Figure("  the same, corrected by what was learned", f"{sign} {before:.3f}", f"{after:.3f}", met),
        ]
    finally:
        db.drop()


def made_up(db: Database) -> Callable[[random.Random], str]:
    tables = make_tables(db)
    return lambda rng: statement(rng, tables)


def of_tpch(directory: Path, db: Database) -> Callable[[random.Random], str]:
    tpch.load(db, directory)
    return tpch_statement


def measure(scene: Scene) -> list[Figure]:
    if not scene.db.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'plpython3u'"):
        return [Figure("learned from", "", "plpython3u is not installed")]
    with tempfile.TemporaryDirectory() as directory:
        tpch.generate(Path(directory), 0.02)
        return [
            *learned(scene, "made-up tables", made_up, better=True),
            *learned(scene, "tables of TPC-H", partial(of_tpch, Path(directory)), better=False),
        ]
