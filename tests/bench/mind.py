"""What the mind costs: a round over 1,000 tables and 5,000 statements, and everything at defaults."""

from __future__ import annotations

import statistics
import threading
import time

import psycopg

from bench import populated
from bench.figures import Figure, at_most, told
from bench.populated import ACTOR
from bench.processes import cpu_ms
from bench.scene import Scene
from support import database
from support.database import Database

ROUNDS, SLOWER = 8, 100
MINUTES = 4.0
# Functions of the organs, with what makes each of them due again.
ORGANS = {
    "_tend_graph": None,
    "_check_expectations": None,
    "_watch_lineage": None,
    "_sonar_round": None,
    "_observe_states": "UPDATE asymm.state_look SET at = at - interval '1 min'",
    "_observe_telemetry": "UPDATE asymm.telemetry_state SET sampled_at = sampled_at - interval '1 min'",
    "_roll_up": "UPDATE asymm.telemetry_state SET quarters_until = quarters_until - interval '15 min'",
    "_propose_annotations": (
        "UPDATE asymm.annotation_proposal SET proposed_at = proposed_at - interval '1 hour'"
    ),
}
# What they work on, by organs of the workload.
FIRST = ("_observe_queries", "_collect_examples", "_observe_plans")


def cost(session: psycopg.Connection, function: str) -> float:
    """Return the milliseconds of CPU of one run."""
    before = cpu_ms(session.info.backend_pid)
    session.execute(f"SELECT asymm.{function}()".encode())
    return cpu_ms(session.info.backend_pid) - before


def rounds(db: Database, session: psycopg.Connection, count: int) -> dict[str, list[float]]:
    """Run rounds, with a tenth of the statements before each; return what each organ took in each."""
    spent: dict[str, list[float]] = {function: [] for function in (*FIRST, *ORGANS)}
    for number in range(count):
        populated.run(db, number % 10)
        for function in spent:
            if due := ORGANS.get(function):
                db.sql(due)
            spent[function].append(cost(session, function))
    return spent


def slower(db: Database) -> float:
    """Have a hundred statements take twice as long for two hours; return what finding that out costs."""
    with db.connect(autocommit=False) as session:
        session.execute(
            f"""UPDATE asymm.query_load AS l SET exec_ms = 2 * exec_ms
                 WHERE l.at > clock_timestamp() - interval '2 hours'
                   AND l.query_id IN (SELECT q.id FROM asymm.query AS q ORDER BY 1 LIMIT {SLOWER})""".encode()
        )
        costs = []
        for _ in range(4):
            before = cpu_ms(session.info.backend_pid)
            found = session.execute("SELECT kind FROM asymm.latency_changes()").fetchall()
            costs.append(cpu_ms(session.info.backend_pid) - before)
        session.rollback()
    if len(found) < 0.9 * SLOWER:
        raise RuntimeError(f"{len(found)} of {SLOWER} statements were found to be slower")
    return statistics.median(costs[1:])


def share(db: Database) -> dict[str, float]:
    """Run both lanes at defaults while statements run; return the shares of a core each lane took."""
    loops = {lane: db.connect(user=ACTOR) for lane in ("fast", "slow")}
    runners = [
        threading.Thread(target=Scene.call, args=(loop, lane, 60 * MINUTES + 120), daemon=True)
        for lane, loop in loops.items()
    ]
    for runner in runners:
        runner.start()
    try:
        db.wait_for("SELECT count(*) = 2 FROM asymm.heartbeat WHERE alive AND beats > 0", timeout=30)
        # What a loop does first, plan its statements and make up for what was not done, is not what it costs.
        db.wait_for("SELECT bool_and(runs > 0) FROM asymm.organs WHERE enabled", timeout=120)
        start = time.monotonic()
        begun = {lane: cpu_ms(loop.info.backend_pid) for lane, loop in loops.items()}
        number = 0
        while (left := start + 60 * MINUTES - time.monotonic()) > 0:
            populated.run(db, number % 10)
            number += 1
            time.sleep(min(30, left))
        seconds = time.monotonic() - start
        used = {lane: cpu_ms(loop.info.backend_pid) - begun[lane] for lane, loop in loops.items()}
    finally:
        for loop in loops.values():
            loop.cancel_safe(timeout=5)
        for runner in runners:
            runner.join()
    return {lane: ms / (10 * seconds) for lane, ms in used.items()}


# Parts of the ring below 10 hold minutes of two days, below 20 quarters of an hour of twelve, then hours.
MONTH = """
    SELECT (SELECT sum(s.bytes) FROM
               (SELECT (ARRAY[2880, 1152, 720])[1 + s.slot / 10] * sum(pg_column_size(s.*) + 60)
                       / count(DISTINCT date_bin('1 min', s.at, '2000-01-01')) AS bytes
                  FROM asymm.sample AS s GROUP BY s.slot / 10) AS s)
           + (SELECT sum(pg_total_relation_size(i.inhrelid)) FROM pg_inherits AS i
               WHERE i.inhparent IN ('asymm.query_load'::regclass, 'asymm.table_load'::regclass))"""


def megabytes(db: Database) -> float:
    """Return what telemetry has after a month, by the size of what a step of time adds."""
    return float(db.value(MONTH)) / 1e6


def measure(scene: Scene) -> list[Figure]:
    db = database.create(scene.cluster, name="mind")
    try:
        populated.make(db)
        return figures(db)
    finally:
        db.drop()


def figures(db: Database) -> list[Figure]:
    session = db.connect(user=ACTOR)
    new = rounds(db, session, 1)
    populated.use(db, session)
    session.close()
    session = db.connect(user=ACTOR)
    first = rounds(db, session, 1)
    spent = rounds(db, session, ROUNDS)
    whole = [sum(spent[organ][number] for organ in ORGANS) for number in range(ROUNDS)]
    medians = {organ: statistics.median(found) for organ, found in spent.items()}
    known = db.sql("SELECT (SELECT count(*) FROM asymm.query), (SELECT count(*) FROM asymm.node)")[0]
    telemetry = medians["_observe_telemetry"] / 600 + medians["_roll_up"] / 3000
    db.sql("COMMENT ON TABLE app.t0001 IS 'x'")
    ddl = [cost(session, organ) for organ in ("_tend_graph", "_check_expectations")]
    session.close()
    found = slower(db)
    lanes = share(db)
    return [
        at_most(
            f"a round, {populated.TABLES:,} tables, {known[0]:,} statements, {known[1]:,} nodes (CPU)",
            statistics.median(whole),
            250,
            "ms",
        ),
        *(told(f"  {organ} (CPU)", medians[organ], "ms") for organ in ORGANS),
        told("  the first of a session", sum(first[organ][0] for organ in ORGANS), "ms", 0),
        told("  the first of all, which derives the graph", sum(new[organ][0] for organ in ORGANS), "ms", 0),
        told("after a DDL: the graph (CPU)", ddl[0], "ms"),
        told("  20 contracts planned anew (CPU)", ddl[1], "ms"),
        *(told(f"of the workload, besides: {organ} (CPU)", medians[organ], "ms") for organ in FIRST),
        at_most(f"latency_changes(), {SLOWER} statements slower at once (CPU)", found, 100, "ms"),
        at_most("everything at defaults, both lanes", sum(lanes.values()), 2, "% of a core", 2),
        told("  the slow lane", lanes["slow"], "% of a core", 2),
        at_most("telemetry", telemetry, 1, "% of a core", 2),
        at_most("  what it has after a month", megabytes(db), 150, "MB", 0),
    ]
