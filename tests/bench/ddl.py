"""What the DDL log adds to a DDL: the same statements with the event triggers on and off, side by side."""

from __future__ import annotations

import statistics
import time

import psycopg

from bench.figures import Figure, at_most, told
from bench.processes import cpu_ms
from bench.scene import OWNER, Scene

TRIGGERS = ("asymm_ddl_end", "asymm_ddl_drop")
ROUNDS, BATCH, WARM = 24, 20, 4
KINDS = {
    "ALTER TABLE": ("ALTER TABLE ddl_cost ALTER a SET DEFAULT {n}",),
    "CREATE and DROP INDEX": ("CREATE INDEX ddl_cost_a ON ddl_cost (a)", "DROP INDEX ddl_cost_a"),
    "ADD and DROP COLUMN": ("ALTER TABLE ddl_cost ADD c integer", "ALTER TABLE ddl_cost DROP c"),
}


def switch(scene: Scene, on: bool) -> None:
    for trigger in TRIGGERS:
        scene.db.sql(f"ALTER EVENT TRIGGER {trigger} {'ENABLE ALWAYS' if on else 'DISABLE'}")


def batch(session: psycopg.Connection, statements: tuple[str, ...]) -> tuple[float, float]:
    """Return (median, CPU per statement) in ms; each is a transaction, the first few only warm the caches."""
    spent = []
    used = 0.0
    for number in range(BATCH + WARM):
        if number == WARM:
            used = cpu_ms(session.info.backend_pid)
        statement = statements[number % len(statements)].format(n=number).encode()
        start = time.perf_counter()
        session.execute(statement)
        spent.append((time.perf_counter() - start) * 1000)
    return statistics.median(spent[WARM:]), (cpu_ms(session.info.backend_pid) - used) / BATCH


def first(scene: Scene, on: bool) -> float:
    """Return the median milliseconds of the first DDL of a session."""
    switch(scene, on)
    spent = []
    for number in range(20):
        with scene.db.connect(user=OWNER) as fresh:
            start = time.perf_counter()
            fresh.execute(f"ALTER TABLE ddl_cost ALTER a SET DEFAULT {number}".encode())
            spent.append((time.perf_counter() - start) * 1000)
    return statistics.median(spent)


def measure(scene: Scene) -> list[Figure]:
    scene.db.sql(f"GRANT CREATE ON SCHEMA public TO {OWNER}")
    session = scene.db.connect(user=OWNER)
    session.execute("CREATE TABLE ddl_cost (a integer, b text)")
    figures = []
    for kind, statements in KINDS.items():
        added, added_cpu = [], []
        for number in range(ROUNDS):
            spent = {}
            for on in (True, False) if number % 2 else (False, True):
                switch(scene, on)
                spent[on] = batch(session, statements)
            added.append(spent[True][0] - spent[False][0])
            added_cpu.append(spent[True][1] - spent[False][1])
            scene.db.sql("UPDATE asymm.ddl_log SET seen = true WHERE NOT seen")
        figures += [
            at_most(f"DDL log adds to {kind} ({ROUNDS} pairs)", statistics.median(added), 0.3, "ms", 3),
            told("  CPU time of it", statistics.median(added_cpu), "ms", 3),
        ]
    off, on_ = first(scene, False), first(scene, True)
    switch(scene, True)
    figures.append(told("added to the first DDL of a session", on_ - off, "ms", 2))
    session.close()
    return figures
