"""What it costs to keep count of 5,000 statements: the CPU time of each look, by how often it is taken."""

from __future__ import annotations

import statistics

from bench.figures import Figure, at_most, told
from bench.processes import cpu_ms
from bench.scene import ACTOR, OWNER, SCHEMA, Scene

SHAPES = (
    "SELECT count(*) FROM {}",
    "SELECT count(*) FROM {} WHERE ctid IS NULL",
    "SELECT 1 FROM {} LIMIT 1",
    "SELECT 1, 2 FROM {} LIMIT 1",
    "SELECT 1, 2, 3 FROM {} LIMIT 1",
)
# What is run between two looks: every tenth of them.
PART, RUNS = 10, 8
LOOKS = {"_observe_queries": 30, "_collect_examples": 30, "_observe_plans": 60, "_observe_tables": 300}


def run(scene: Scene, part: int | None = None) -> None:
    """Run all statements, or those of one part, once."""
    named = f"SELECT '{SCHEMA}.' || tablename FROM pg_tables WHERE schemaname = '{SCHEMA}' ORDER BY 1"
    tables = [row[0] for row in scene.db.sql(named)]
    with scene.db.connect(user=OWNER) as session:
        for number, table in enumerate(tables):
            if part is None or number % PART == part:
                for shape in SHAPES:
                    session.execute(shape.format(table).encode())


def measure(scene: Scene) -> list[Figure]:
    scene.make_tables()
    scene.db.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    run(scene)
    session = scene.db.connect(user=ACTOR)
    pid = session.info.backend_pid
    spent: dict[str, list[float]] = {look: [] for look in LOOKS}
    for part in range(RUNS + 1):
        run(scene, part % PART)
        for look in LOOKS:
            before = cpu_ms(pid)
            session.execute(f"SELECT asymm.{look}()".encode())
            if part:
                spent[look].append(cpu_ms(pid) - before)
    session.close()
    known = scene.db.value("SELECT count(*) FROM asymm.query_counter")
    medians = {look: statistics.median(found) for look, found in spent.items()}
    share = sum(medians[look] / (1000 * every) for look, every in LOOKS.items())
    return [
        at_most(f"keeping count of {known:,} statements", 100 * share, 1, "% of a core", 2),
        *(told(f"  {look}, every {LOOKS[look]} s (CPU)", medians[look], "ms") for look in LOOKS),
    ]
