"""Content hashes of a table's rows against the bare sha256 of their text."""

from __future__ import annotations

import statistics
import threading
import time

from bench.figures import Figure, at_most, told
from bench.processes import own_memory_kb
from bench.scene import Scene

ROWS = 100_000
RUNS = 3


def measure(scene: Scene) -> list[Figure]:
    session = scene.db.connect()
    session.execute("SET max_parallel_workers_per_gather = 0")
    session.execute("SET jit = off")
    session.execute("SET plan_cache_mode = force_custom_plan")
    session.execute(
        "CREATE UNLOGGED TABLE bench_hashes AS SELECT n AS id, 'EWR' || n % 7 AS origin, 2013 AS year,"
        " n % 12 AS month, 39.02 + n % 100 / 10.0::float8 AS temp, (n % 1000) / 10.0 AS dewp,"
        " n % 360 AS wind_dir, 10.35702::float8 AS speed, 0.00::numeric AS precip, n % 2 = 0 AS ok,"
        " 'note about ' || n AS note, '2013-01-01'::timestamptz + n * interval '1 hour' AS time_hour,"
        " CASE WHEN n % 3 = 0 THEN n END AS gust"
        f" FROM generate_series(1, {ROWS}) AS n"
    )
    # In every tenth document there is a number with a zero that the encoding leaves out.
    session.execute(
        "CREATE UNLOGGED TABLE bench_json AS SELECT id, jsonb_set(to_jsonb(t) - 'precip', '{dewp}',"
        " to_jsonb(CASE WHEN id % 10 = 0 THEN 5.0 ELSE 5.25 END)) AS doc FROM bench_hashes AS t"
    )
    session.execute("VACUUM ANALYZE bench_hashes, bench_json")
    row = session.execute(
        "SELECT asymm.content_hash_expression('bench_hashes', array_agg(attname ORDER BY attnum))"
        " FROM pg_attribute WHERE attrelid = 'bench_hashes'::regclass AND attnum > 0"
    ).fetchone()
    assert row
    queries = {
        "bare": f"SELECT count(sha256(t::text::bytea)) FROM bench_hashes AS t WHERE id <= {ROWS}",
        "expression": f"SELECT count({row[0]}) FROM bench_hashes AS t",
        "table": "SELECT count(hash) FROM asymm.content_hashes('bench_hashes')",
        "single": f"SELECT count(asymm.content_hash(t)) FROM bench_hashes AS t WHERE id <= {ROWS // 30}",
        "json": "SELECT count(asymm.content_hash(t.doc)) FROM bench_json AS t",
        "bare json": f"SELECT count(sha256(t.doc::text::bytea)) FROM bench_json AS t WHERE id <= {ROWS}",
    }
    spent: dict[str, list[float]] = {name: [] for name in queries}
    for _ in range(RUNS):
        for name, query in queries.items():
            start = time.perf_counter()
            session.execute(query.encode())
            spent[name].append(time.perf_counter() - start)
    session.execute("DROP TABLE bench_hashes, bench_json")
    session.close()
    rate = {
        name: ROWS / (30 if name == "single" else 1) / statistics.median(times)
        for name, times in spent.items()
    }

    def share(name: str, query: str, bare: str = "bare") -> Figure:
        ratio = 100 * rate[query] / rate[bare]
        return Figure(
            name, "≥ 25 % of it", f"{ratio:.0f} % ({rate[query] / 1000:,.0f} thousand rows/s)", ratio >= 25
        )

    return [
        told("sha256(t::text::bytea) of 13 columns, rows a second", rate["bare"] / 1000, "thousand", 0),
        share("content hash by content_hash_expression()", "expression"),
        share("content hash by content_hashes()", "table"),
        share("content_hash(jsonb) to sha256(jsonb::text::bytea)", "json", "bare json"),
        told("content_hash(t), row by row", 100 * rate["single"] / rate["bare"], "%"),
        *merge(scene),
        *many(scene),
    ]


def many(scene: Scene) -> list[Figure]:
    """Find 1,000 groups of duplicates among ten million rows."""
    rows, groups = 10_000_000, 1000
    session = scene.db.connect()
    session.execute(
        f"CREATE UNLOGGED TABLE bench_many AS SELECT n AS id, 'name ' || n % {rows - groups} AS name"
        f" FROM generate_series(1, {rows}) AS n"
    )
    session.execute("SET max_parallel_workers_per_gather = 0")
    session.execute("SET work_mem = '16MB'")
    before = own_memory_kb(session.info.backend_pid)[0]
    memory, over = [before], threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            memory.append(own_memory_kb(session.info.backend_pid)[0])

    looker = threading.Thread(target=look)
    looker.start()
    try:
        start = time.perf_counter()
        row = session.execute(
            f"SELECT count(*) FROM asymm.find_duplicates('bench_many', '{{name}}', most => {2 * groups})"
        ).fetchone()
        took = time.perf_counter() - start
    finally:
        over.set()
        looker.join()
    session.execute("DROP TABLE bench_many")
    session.close()
    assert row == (groups,)
    return [
        at_most(
            f"find_duplicates() of {rows:,} rows, work_mem 16 MB: memory",
            (max(memory) - before) / 1024,
            200,
            "MB",
            0,
        ),
        told("  the same, one process: time", took, "s"),
    ]


def merge(scene: Scene) -> list[Figure]:
    """Merge 100,000 pairs that three tables refer to, and take that back."""
    groups = 100_000
    session = scene.db.connect()
    session.execute("CREATE SCHEMA bench_merge")
    session.execute(
        "CREATE TABLE bench_merge.part (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)"
    )
    session.execute(
        f"INSERT INTO bench_merge.part (name) SELECT 'part ' || n % {groups}"
        f" FROM generate_series(1, {2 * groups}) AS n"
    )
    for table in ("line", "stock", "price"):
        session.execute(
            f"CREATE TABLE bench_merge.{table}"
            " (id bigint PRIMARY KEY, part bigint NOT NULL REFERENCES bench_merge.part)"
        )
        session.execute(
            f"INSERT INTO bench_merge.{table} SELECT n, n FROM generate_series(1, {2 * groups}) AS n"
        )
        session.execute(f"CREATE INDEX ON bench_merge.{table} (part)")
    session.execute("ANALYZE bench_merge.part, bench_merge.line, bench_merge.stock, bench_merge.price")
    start = time.perf_counter()
    row = session.execute("SELECT action, groups FROM asymm.merge_duplicates('bench_merge.part')").fetchone()
    merged = time.perf_counter() - start
    assert row
    assert row[1] == groups
    start = time.perf_counter()
    session.execute("SELECT asymm.revert(%s)", [row[0]])
    back = time.perf_counter() - start
    session.execute("DROP SCHEMA bench_merge CASCADE")
    session.close()
    return [
        at_most("merge of 100,000 groups, three tables referring", merged, 60, "s"),
        told("taking that back", back, "s"),
    ]
