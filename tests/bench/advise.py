"""Indexes advised for TPC-H (scale 0.2, primary keys only): what the planner makes of them, in what time.

Beside it, on the same data in the same run, other advisors where they can be had.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from bench import tpch
from bench.advisors import Qualstats, postgres_mcp
from bench.figures import Figure, at_most, told
from bench.scene import Scene
from support import database
from support.database import Database

# The best figure of any other advisor on the same queries, by budget in per cent of the tables.
TARGETS = {"10 %": 0.9243, "25 %": 0.7702, "50 %": 0.6178, "100 %": 0.5308, None: 0.5187}
SECONDS = 10.0


def cost(db: Database, definitions: list[str]) -> float:
    """Return what the planner says all queries cost with some indexes, none of which is made."""
    db.sql("SELECT hypopg_reset()")
    for definition in definitions:
        db.sql("SELECT hypopg_create_index(%s)", definition)
    total = 0.0
    for query in tpch.QUERIES.values():
        total += db.value(f"EXPLAIN (FORMAT JSON) {query}")[0]["Plan"]["Total Cost"]
    db.sql("SELECT hypopg_reset()")
    return total


def others(db: Database, data: Path, before: float, heap: float) -> list[Figure]:
    """Return what other advisors make of it; why not, where they can't be had."""
    figures: list[Figure] = []

    def tell(name: str, definitions: list[str], seconds: float) -> None:
        figures.append(told(f"  {name}: cost with / without", cost(db, definitions) / before, "", 4))
        figures.append(told(f"  {name}: time of the advisor", seconds, "s"))
        figures.append(told(f"  {name}: size of the indexes", 100 * size(db, definitions) / heap, "%"))

    for share in (25, 100):
        name = f"postgres-mcp at {share} %"
        start = time.perf_counter()
        try:
            found = postgres_mcp(db, round(heap * share / 100 / 1048576))
        except (OSError, RuntimeError, StopIteration, subprocess.SubprocessError) as error:
            figures.append(Figure(f"  {name}", "", f"not installed: {str(error)[-120:]}"))
            break
        tell(name, found, time.perf_counter() - start)
    try:
        qualstats = Qualstats(data)
    except (OSError, RuntimeError, IndexError, psycopg.Error, subprocess.SubprocessError) as error:
        return [*figures, Figure("  pg_qualstats, any size", "", f"not installed: {str(error)[-120:]}")]
    try:
        start = time.perf_counter()
        found = qualstats.advise()
        tell("pg_qualstats, any size", found, time.perf_counter() - start)
    finally:
        qualstats.remove()
    return figures


def size(db: Database, definitions: list[str]) -> float:
    """Return the bytes of some indexes, by the estimate that all are given alike."""
    db.sql("SELECT hypopg_reset()")
    for definition in definitions:
        db.sql("SELECT hypopg_create_index(%s)", definition)
    found = db.value("SELECT COALESCE(sum(hypopg_relation_size(indexrelid)), 0) FROM hypopg_list_indexes")
    db.sql("SELECT hypopg_reset()")
    return float(found)


def measure(scene: Scene) -> list[Figure]:
    db = database.create(scene.cluster)
    figures: list[Figure] = []
    try:
        db.sql("CREATE EXTENSION asymmetrica")
        db.sql("CREATE EXTENSION hypopg")
        with tempfile.TemporaryDirectory() as directory:
            tpch.generate(Path(directory), 0.2)
            tpch.load(db, Path(directory))
            before = cost(db, [])
            heap = float(
                db.value(
                    "SELECT sum(pg_relation_size(oid)) FROM pg_class"
                    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                )
            )
            for budget, target in TARGETS.items():
                start = time.perf_counter()
                found = db.sql(
                    "SELECT definition, size_bytes FROM asymm.advise_for(%s, %s, path => 'public')"
                    " WHERE definition IS NOT NULL",
                    list(tpch.QUERIES.values()),
                    budget,
                )
                seconds = time.perf_counter() - start
                name = f"TPC-H at {budget}" if budget else "TPC-H, any size"
                figures.append(
                    at_most(
                        f"{name}: cost with / without",
                        cost(db, [row[0] for row in found]) / before,
                        target,
                        "",
                        4,
                    )
                )
                figures.append(at_most(f"{name}: time of the advisor", seconds, SECONDS, "s"))
                figures.append(
                    told(f"{name}: size of the indexes", 100 * sum(row[1] for row in found) / heap, "%")
                )
            figures += others(db, Path(directory), before, heap)
    finally:
        db.drop()
    return figures
