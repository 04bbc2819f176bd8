"""Complexity classes by plans are those queries have: against known ones, and against measured times."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from support.cost_shapes import SHAPES, TABLES, Shape
from support.database import Database

CLASSES: dict[str, Callable[[float], float]] = {
    "O(1)": lambda _: 1,
    "O(log n)": math.log2,
    "O(n)": lambda n: n,
    "O(n log n)": lambda n: n * math.log2(n),
    "O(n^2)": lambda n: n**2,
    "O(n^3)": lambda n: n**3,
}
# Which classes a factor of log n is the only difference between.
DEGREE = {"O(1)": 0, "O(log n)": 0, "O(n)": 1, "O(n log n)": 1, "O(n^2)": 2, "O(n^3)": 3}
SIZES = (1_000, 5_600, 31_600, 178_000, 1_000_000)
SMALL_SIZES = (10, 56, 316, 1_780, 10_000)


def fill(db: Database, n: int) -> str:
    """Make the tables for n rows in a schema of their own and return its name."""
    db.sql(f"CREATE SCHEMA s{n}")
    db.sql(f"SET search_path = s{n}")
    db.sql(TABLES.format(n=n))
    return f"s{n}"


def observed(db: Database, shape: Shape, path: str) -> str:
    found = db.value("SELECT asymm._cost_of(asymm._plan_statement(%s, %s))", shape.query, path)
    return str(found.get("cost") or found["reason"])


def test_the_class_is_known_from_a_small_table(db: Database) -> None:
    """What 3,000 rows say of a million; of every third shape, the long test takes all."""
    path = fill(db, 3000)
    found = {shape.query: (shape.cost, observed(db, shape, path)) for shape in SHAPES[::3] if not shape.large}
    assert {query: pair for query, pair in found.items() if pair[0] != pair[1]} == {}


class Fit(NamedTuple):
    """How well a + b·f(n) says some figures: the mean relative error, and the share of b·f(n) at the end."""

    error: float
    share: float


def fit(sizes: Sequence[int], values: Sequence[float], growth: Callable[[float], float]) -> Fit:
    rows = [(1 / v, growth(n) / v) for n, v in zip(sizes, values, strict=True)]
    aa, ab, bb = sum(a * a for a, _ in rows), sum(a * b for a, b in rows), sum(b * b for _, b in rows)
    a1, b1 = sum(a for a, _ in rows), sum(b for _, b in rows)
    tried = [(a1 / aa, 0.0), (0.0, b1 / bb)]
    if (determinant := aa * bb - ab * ab) > 1e-9 * aa * bb:
        both = ((a1 * bb - b1 * ab) / determinant, (b1 * aa - a1 * ab) / determinant)
        if min(both) >= 0:
            tried.append(both)

    def error(pair: tuple[float, float]) -> float:
        return math.sqrt(sum((pair[0] * a + pair[1] * b - 1) ** 2 for a, b in rows) / len(rows))

    best = min(tried, key=error)
    last = best[0] + best[1] * growth(sizes[-1])
    return Fit(error(best), best[1] * growth(sizes[-1]) / last)


def fitted(sizes: Sequence[int], values: Sequence[float]) -> list[str]:
    """Return the classes the figures allow, the simplest first: those whose term is most of it at the end."""
    fits = {}
    for name, growth in CLASSES.items():
        found = fit(sizes, values, growth)
        # A level of an index more, from one size to the next, is within the noise of a few microseconds.
        if name in ("O(1)", "O(log n)") or found.share > 0.5:
            fits[name] = found.error
    # Twice the error of the best, but what is far off is not allowed because times were noisy.
    best = min(fits.values())
    limit = max(min(2 * best, 0.5), 0.2, 1.1 * best)
    return [name for name in fits if fits[name] <= limit]


def measure(db: Database, shape: Shape, n: int) -> tuple[float, float]:
    """Return milliseconds (the least of several) and work: buffers and rows of all nodes."""
    values = [value if isinstance(value, str) else str(max(1, int(value * n))) for value in shape.values]
    call = "EXECUTE q" + (f" ({', '.join(repr(value) for value in values)})" if values else "")
    db.sql(f"PREPARE q AS {shape.query}")
    times: list[float] = []
    work = 0.0
    while len(times) < (1 if sum(times) > 3000 else 3 if sum(times) > 30 else 15):
        document = db.value(f"EXPLAIN (ANALYZE, TIMING OFF, BUFFERS, FORMAT JSON) {call}")
        (top,) = json.loads(document) if isinstance(document, str) else document
        times.append(top["Execution Time"])
        plan = top["Plan"]
        work = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] + rows_of(plan)
    db.sql("DEALLOCATE q")
    return min(times), max(work, 1)


def rows_of(node: dict[str, Any]) -> float:
    own = sum(node.get(key, 0) for key in node if key == "Actual Rows" or key.startswith("Rows Removed"))
    return own * node.get("Actual Loops", 1) + sum(rows_of(child) for child in node.get("Plans", []))


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_the_class_is_what_times_say(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """At five sizes over three decades: of 60 shapes or more, nine in ten have the class their times have."""
    figures: dict[str, list[tuple[float, float]]] = {shape.query: [] for shape in SHAPES}
    said: dict[str, str] = {}
    early: dict[str, str] = {}
    for squares, sizes in ((True, SMALL_SIZES), (False, SIZES)):
        shapes = [shape for shape in SHAPES if (shape.cost == "O(n^2)") == squares]
        for n in sizes:
            path = fill(db, n)
            db.sql("VACUUM ANALYZE")
            db.own.prepare_threshold = None
            db.sql("SET jit = off")
            db.sql("SET max_parallel_workers_per_gather = 0")
            db.sql("SET plan_cache_mode = force_generic_plan")
            for shape in shapes:
                figures[shape.query].append(measure(db, shape, n))
                said[shape.query] = observed(db, shape, path)
                if n == sizes[1]:
                    early[shape.query] = said[shape.query]
            db.sql("RESET ALL")
            db.sql(f"DROP SCHEMA s{n} CASCADE")
    lines, agreed, worked, degrees, decided = [], 0, 0, 0, 0
    for shape in SHAPES:
        sizes, seen = SMALL_SIZES if shape.cost == "O(n^2)" else SIZES, figures[shape.query]
        by_time, by_work = (fitted(sizes, [figure[place] for figure in seen]) for place in (0, 1))
        cost = said[shape.query]
        agreed += cost in by_time
        worked += cost in by_work
        degrees += DEGREE.get(cost) == DEGREE[by_time[0]]
        decided += len(by_time) == 1
        if cost not in by_time or cost not in by_work:
            lines.append(f"{cost}, by time {by_time}, by work {by_work}: {shape.query}")
            lines.append("    ms, work: " + "; ".join(f"{time:.3g}, {work:.3g}" for time, work in seen))
    with capsys.disabled():
        print(
            f"\n{len(SHAPES)} shapes: the plan's class is one the times allow: {agreed}, and work: {worked}"
        )
        print(f"the power of n is that of the simplest fit: {degrees}; times allow one class only: {decided}")
        print("\n".join(lines))
    wrong = {s.query: early[s.query] for s in SHAPES if not s.large and early[s.query] != s.cost}
    assert len(wrong) <= 0.03 * len(SHAPES), wrong
    assert len(SHAPES) >= 60
    assert agreed >= 0.9 * len(SHAPES)
    assert worked >= 0.9 * len(SHAPES)
    assert degrees >= 0.9 * len(SHAPES)
