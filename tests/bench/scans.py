"""watch_schema(), and the CPU time of the scans of 1,000 tables."""

from __future__ import annotations

import statistics

from bench.figures import Figure, at_most, told
from bench.processes import cpu_ms
from bench.scene import SCHEMA, TABLES, Scene

RUNS = 15


def measure(scene: Scene) -> list[Figure]:
    watched = scene.watch()
    figures = [at_most(f"watch_schema() of {TABLES:,} tables", watched, 3, "s", 2)]
    session = scene.db.connect()
    pid = session.info.backend_pid

    def cpu(query: str) -> float:
        """Return the median CPU milliseconds of a call, plans being made."""
        spent = []
        for _ in range(RUNS + 1):
            before = cpu_ms(pid)
            session.execute(query.encode())
            spent.append(cpu_ms(pid) - before)
        return statistics.median(spent[1:])

    one = f"(SELECT min(id) FROM asymm.baseline WHERE schema_name = '{SCHEMA}')"
    relid = f"'{SCHEMA}.t0500'::regclass"
    figures += [
        at_most("full scan, all in step (CPU)", cpu("SELECT asymm._scan_all()"), 270, "ms"),
        at_most("header scan, all in step (CPU)", cpu("SELECT asymm._scan_headers()"), 20, "ms"),
        told("fingerprint of the database (CPU)", cpu("SELECT asymm.fingerprint_database()"), "ms"),
        at_most(
            "facts of one table (CPU)",
            cpu(f"SELECT FROM asymm._table_facts(ARRAY[{relid}::oid])"),
            1.5,
            "ms",
            2,
        ),
        at_most(
            "inspection of one table in step (CPU)",
            cpu(f"SELECT asymm._inspect(ARRAY[{one}], 'call')"),
            10,
            "ms",
            2,
        ),
    ]
    session.close()
    return figures
