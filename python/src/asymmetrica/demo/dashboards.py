"""A dashboard's query from Postgres, from Redis and from this process, before and after a write."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .. import connect
from .._database_sync import Database
from ..reads import Result
from .story import Story

WHO = "kim"
QUERY = (
    "SELECT carrier, origin, count(*), round(avg(dep_delay), 2), max(dep_delay)"
    " FROM flights.flights GROUP BY carrier, origin ORDER BY carrier, origin"
)
WRITE = "UPDATE flights.flights SET dep_delay = 2000 WHERE id = 2"
TIMES = {"primary": 5, "redis": 50, "near": 500}
PATIENCE = 20.0


def dashboards(story: Story, redis: str, prefix: str) -> None:
    """Show what each route costs, and that what was written is in the very next answer."""
    screen = story.screen
    screen.line("one query of a dashboard, then a write, then the query again:", "cyan")
    screen.line(QUERY, "dim", indent=4)
    dsn = story.stage.login(WHO, "dashboard")
    shared: dict[str, Any] = {"redis": redis, "prefix": prefix}
    with (
        _reader(story), connect(dsn) as plain, connect(dsn, near_cache_bytes=0, **shared) as through_redis,
        connect(dsn, **shared) as db,
    ):  # fmt: skip
        rows: list[tuple[str, ...]] = []
        for reader, route, place in (
            (plain, "primary", "Postgres"), (through_redis, "redis", "Redis"), (db, "near", "this process"),
        ):  # fmt: skip
            found = _until(story, reader, route)
            if found is None:
                screen.failed(f"{place} does not answer the query")
                return
            rows.append((place, found.route, f"{_milliseconds(reader, route):.3f} ms", f"{found.age:.3f} s"))
        screen.table(("answered by", "result.route", "median", "at most so old"), rows)
        _write(story, db)


def _write(story: Story, db: Database) -> None:
    screen = story.screen
    before = db.query(QUERY)
    db.execute(WRITE)
    after = db.query(QUERY)
    truth = [tuple(row) for row in story.stage.connection.execute(QUERY)]
    screen.line(f"db.execute({WRITE!r})", "cyan")
    screen.check(
        before.route == "near" and after.rows == truth != before.rows,
        f"the very next query has it (route {after.route}, {after.elapsed * 1000:.1f} ms): as Postgres says",
    )
    again = _until(story, db, "near")
    screen.check(
        again is not None and again.rows == truth,
        "and what is kept from then on is the new result"
        + (f": route near, {_milliseconds(db, 'near'):.3f} ms" if again is not None else ""),
    )


def _until(story: Story, reader: Database, route: str) -> Result | None:
    """Ask until a route answers."""

    def look() -> Result | None:
        found = reader.query(QUERY)
        return found if found.route == route else None

    return story.screen.wait(f"an answer by route {route}", PATIENCE, look)


def _milliseconds(reader: Database, route: str) -> float:
    """Return the median time of answers by a route, as the caller sees it."""
    took = []
    for _ in range(TIMES[route]):
        began = time.perf_counter()
        found = reader.query(QUERY)
        if found.route == route:
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took) if took else float("nan")


@contextmanager
def _reader(story: Story) -> Iterator[None]:
    """Who reads copies needs asymm_reader."""
    run = story.stage.connection.execute
    run(f"GRANT asymm_reader TO {WHO}".encode())
    try:
        yield
    finally:
        run(f"REVOKE asymm_reader FROM {WHO}".encode())
