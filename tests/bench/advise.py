"""Indexes advised for TPC-H (scale 0.2, primary keys only): what the planner makes of them, in what time."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench import tpch
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
    finally:
        db.drop()
    return figures
