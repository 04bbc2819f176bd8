"""Reads of a mirrored table by each route, against Postgres: rows, an aggregate of 500 rows, own writes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

import asymmetrica
from bench.figures import Figure, at_most, percentile, told
from bench.scene import Scene
from support.cluster import wait_until
from support.mirror import Mirror
from support.redis import RedisServer

AGGREGATE = "SELECT day, count(*), sum(seats), min(code) FROM public.flight GROUP BY day ORDER BY day"
ROUNDS, WRITES = 2000, 500


def spent(run: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    """Return the microseconds of every run."""
    out = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        out.append((time.perf_counter() - start) * 1e6)
    return out


def from_redis(dsn: str, url: str, read: Callable[[asymmetrica.Database], Any]) -> float:
    """Return the median of reads that find nothing in the process: its near cache has no room."""
    with asymmetrica.connect(dsn, redis=url, near_cache_bytes=0) as reader:
        wait_until(lambda: read(reader).route == "redis", 20, "Redis answers")
        before = reader.counters()["redis"]
        found = statistics.median(spent(lambda: read(reader)))
        if reader.counters()["redis"] - before < ROUNDS * 0.9:
            raise RuntimeError("Redis did not answer most of the reads")
        return found


def own_writes(dsn: str, url: str) -> tuple[list[float], list[float], int]:
    """Return ms of commits, and of the reads of the rows just written; how many Postgres answered."""
    commits, reads, primary = [], [], 0
    with asymmetrica.connect(dsn, redis=url) as reader:
        for number in range(WRITES):
            start = time.perf_counter()
            reader.execute("UPDATE public.flight SET seats = %s WHERE id = 7", [number])
            middle = time.perf_counter()
            row = reader.get("public.flight", 7, budget=1.0)
            reads.append((time.perf_counter() - middle) * 1000)
            commits.append((middle - start) * 1000)
            if row is None or row["seats"] != number:
                raise RuntimeError("a write was not seen")
            primary += row.route == "primary"
    return commits, reads, primary


def measure(scene: Scene) -> list[Figure]:
    db, redis = scene.db, RedisServer()
    redis.start()
    mirror = Mirror(db, redis, Path(tempfile.mkdtemp(prefix="asymm-bench-")))
    try:
        db.sql("CREATE TABLE public.flight (id int PRIMARY KEY, day int, seats int, code text)")
        db.sql("INSERT INTO flight SELECT g, g % 500, g % 300, 'F' || g FROM generate_series(1, 5000) g")
        db.sql("VACUUM ANALYZE flight")
        mirror.mirror("flight")
        mirror.work()
        mirror.settle()
        plain = psycopg.connect(db.dsn, autocommit=True)
        with plain, asymmetrica.connect(db.dsn, redis=redis.url) as reader:
            key = spent(lambda: plain.execute("SELECT * FROM flight WHERE id = %s", [7]).fetchone())
            whole = spent(lambda: plain.execute(AGGREGATE).fetchall(), 500)
            wait_until(lambda: getattr(reader.get("public.flight", 7), "route", "") == "near", 20, "near")
            wait_until(lambda: reader.query(AGGREGATE).route == "near", 20, "near")
            get = statistics.median(spent(lambda: reader.get("public.flight", 7), 20_000))
            query = statistics.median(spent(lambda: reader.query(AGGREGATE), 20_000))
        row = from_redis(db.dsn, redis.url, lambda reader: reader.get("public.flight", 7))
        result = from_redis(db.dsn, redis.url, lambda reader: reader.query(AGGREGATE))
        commits, reads, primary = own_writes(db.dsn, redis.url)
    finally:
        mirror.close()
        redis.remove()
    gain, alone = statistics.median(whole) / query, statistics.median(whole) / result
    return [
        told("a row by key, Postgres, p50", statistics.median(key), "µs"),
        told("  from Redis", row, "µs"),
        at_most("  from the near cache", get, 5, "µs"),
        told("an aggregate of 500 rows, Postgres, p50", statistics.median(whole), "µs"),
        at_most("  its result, asked again: from the near cache", query, 20, "µs"),
        Figure("  that is faster by", "≥ 25 times", f"{gain:.0f} times", gain >= 25),
        # Here half of the time makes 500 rows of Python's objects, which Postgres' answer needs, too.
        told("  its result from Redis, without a near cache", result, "µs"),
        Figure("  that is faster by", "≥ 25 times", f"{alone:.1f} times", alone >= 25),
        told("a commit and where the log ended, p50", statistics.median(commits), "ms", 2),
        at_most("the written row read again, p50", statistics.median(reads), 0.5, "ms", 2),
        told("  p99", percentile(reads, 0.99), "ms", 2),
        told("  answered by Postgres", primary * 100 / WRITES, "%"),
    ]
