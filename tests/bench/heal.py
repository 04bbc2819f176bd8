"""Whole schemas healed: pairs of the corpus by us and by other tools; and how soon nothing is found to do.

HEAL_CASES says how many cases of the corpus are taken at most (two pairs each), RIVAL_CASES about how many
the other tools are given, which take seconds for each: of kinds that all of them claim, and of whole
applications. We are given the same.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Sequence

from bench import rivals, schema
from bench.figures import Figure, at_most, told
from bench.scene import OWNER, Scene
from support import database, pair_sets, pairs
from support.cluster import MAJOR
from support.database import Database
from support.judge import Asymmetrica, Healer, Judge, Verdict
from support.pairs import Case

CASES = int(os.environ.get("HEAL_CASES", "20"))
RIVAL_CASES = int(os.environ.get("RIVAL_CASES", "16"))
CLAIMED = (
    "columns",
    "constraints",
    "enums",
    "functions",
    "history",
    "indexes",
    "random",
    "sequences",
    "tables",
    "triggers",
    "views",
)
# Tables of a schema that is in step, the milliseconds in which that must be found, and how often it is asked.
UNCHANGED = ((1_000, 300, 9), (10_000, 4_000, 3))
SMALL = 25
ROUNDS = 9


def template(scene: Scene, name: str, *extensions: str) -> str:
    made = database.create(scene.cluster, name=name)
    for extension in extensions:
        made.sql(f"CREATE EXTENSION {extension}")
    made.close()
    return name


def share(verdicts: Sequence[Verdict], *, kept: bool) -> float:
    """Return the percentage that is equal afterwards, or equal with every table and column kept."""
    passed = [verdict.equal and not (kept and verdict.remade) for verdict in verdicts]
    return 100 * sum(passed) / len(passed)


def at_least(name: str, value: float, limit: float | None) -> Figure:
    if limit is None:
        return told(name, value, "%")
    return Figure(name, f"≥ {limit:g} %", f"{value:.1f} %", value >= limit)


def judged(
    name: str, verdicts: Sequence[Verdict], targets: tuple[float | None, float | None]
) -> list[Figure]:
    slowest = max(verdict.ms for verdict in verdicts)
    return [
        at_least(f"{name}: dump equal, of {len(verdicts)} pairs", share(verdicts, kept=False), targets[0]),
        at_least("  and no table or column made anew", share(verdicts, kept=True), targets[1]),
        told("  time of a pair, p50", statistics.median(verdict.ms for verdict in verdicts), "ms"),
        told("  longest", slowest, "ms"),
    ]


def pairs_of(court: Judge, healer: Healer, cases: Sequence[Case]) -> list[Verdict]:
    """Judge one tool, one pair after the other, so that none waits for another."""
    return court.all(cases, healer, workers=1)


def spread(cases: Sequence[Case], count: int) -> list[Case]:
    """Return so many at most, evenly taken: a sample has one of each kind at least."""
    return list(cases[:: max(1, math.ceil(len(cases) / max(1, count)))])


def chosen() -> list[Case]:
    cases = [case for case in pairs.sample(pair_sets.every(), CASES) if case.major <= int(MAJOR)]
    return spread(cases, CASES)


def claimed() -> list[Case]:
    cases = [case for case in pair_sets.every() if case.kind in CLAIMED and case.major <= int(MAJOR)]
    return pairs.sample(cases, RIVAL_CASES)


def unchanged(scene: Scene, plain: str, tables: int, rounds: int) -> float:
    """Return the median milliseconds of heal_all() on a schema of so many tables where nothing differs."""
    db = database.create(scene.cluster, plain)
    try:
        schema.make(db.own, "app", OWNER, tables)
        # Made before the extension, since the log of so many commands is not what is measured.
        db.sql("CREATE EXTENSION asymmetrica")
        db.sql("ANALYZE")
        db.sql("SELECT count(*) FROM asymm.watch_database('propose')")
        return statistics.median(times(db, rounds))
    finally:
        db.drop()


def times(db: Database, rounds: int) -> list[float]:
    """Return the milliseconds of so many calls in one session, the first left out."""
    found = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        if left := db.sql("SELECT * FROM asymm.heal_all()"):
            raise RuntimeError(f"differs though nothing was changed: {left[0]}")
        found.append((time.perf_counter() - start) * 1000)
    return found[1:]


def small(scene: Scene, with_us: str) -> float:
    """Return the median milliseconds of heal_all() for one slip in a schema of some tables."""
    db = database.create(scene.cluster, with_us)
    try:
        schema.make(db.own, "app", OWNER, 10)
        db.sql("SELECT count(*) FROM asymm.watch_database('propose')")
        found = []
        for number in range(4 * ROUNDS):
            db.sql(f"ALTER TABLE app.t{number % 10:04} ADD COLUMN slip integer")
            start = time.perf_counter()
            steps = db.sql("SELECT * FROM asymm.heal_all()")
            found.append((time.perf_counter() - start) * 1000)
            if len(steps) != 1:
                raise RuntimeError(f"one step was to be expected: {steps}")
        return statistics.median(found[ROUNDS:])
    finally:
        db.drop()


def measure(scene: Scene) -> list[Figure]:
    with_us = template(scene, "bench_asymm", "asymmetrica")
    plain = template(scene, "bench_plain")
    cases = chosen()
    figures = judged("asymmetrica", pairs_of(Judge(scene.cluster, with_us), Asymmetrica(), cases), (97, 96))
    found, missing = rivals.installed()
    few = claimed()
    figures += judged(
        "asymmetrica, what the others get",
        pairs_of(Judge(scene.cluster, with_us), Asymmetrica(), few),
        (97, 96),
    )
    for rival in found:
        figures += judged(rival.name, pairs_of(Judge(scene.cluster, plain), rival, few), (None, None))
    figures += [Figure("not installed", "", reason) for reason in missing]
    figures.append(at_most("one slip among 10 tables, heal_all() p50", small(scene, with_us), SMALL, "ms"))
    for tables, limit, rounds in UNCHANGED:
        name = f"{tables:,} tables in step, heal_all() p50"
        figures.append(at_most(name, unchanged(scene, plain, tables, rounds), limit, "ms"))
    return figures
