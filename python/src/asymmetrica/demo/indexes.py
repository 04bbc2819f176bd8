"""One more act: a dashboard asks, autopilot finds what its queries need, builds it and measures."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg

from ..rows import IndexAdvice, Smoothness
from .story import Story

# What a dashboard asks, with the values of the moment in its text.
QUERIES = {
    "flights of a plane": "SELECT flight, origin, dest, dep_delay FROM flights.flights"
    " WHERE tailnum = '{tail}' ORDER BY time_hour DESC LIMIT 20",
    "a route on a day": "SELECT carrier, flight, sched_dep_time, dep_delay FROM flights.flights"
    " WHERE origin = '{origin}' AND dest = '{dest}' AND month = {month} AND day = {day}",
    "cancelled by a carrier": "SELECT count(*) FROM flights.flights"
    " WHERE carrier = '{carrier}' AND dep_time IS NULL",
    "planes in service": "SELECT manufacturer, count(*) FROM flights.planes"
    " GROUP BY manufacturer ORDER BY 2 DESC",
}
WHO = "omar"  # nobody else of the demonstration asks under this name
# Seconds that the dashboard asks before indexes are searched for, so that its constants are seen to differ.
WORKLOAD = 15.0
PATIENCE = 180.0  # seconds: looks before, builds one at a time, looks after; a busy machine takes longer
OPEN = ("approved", "building", "validating")
# Seconds; for a demonstration.
SOON = {"annotator": 10, "queries": 2, "examples": 1, "plans": 4, "advice": 2, "indexes": 2}
STEP = timedelta(seconds=5)  # over which the workload is added up
BUDGET = "5 ms"  # within which a dashboard is to have its answer


class Dashboard(threading.Thread):
    """Asks the queries in turn, and notes when each was asked and how long it took."""

    def __init__(self, story: Story) -> None:
        super().__init__(daemon=True)
        self._dsn = story.stage.login(WHO, "dashboard")
        self._over = threading.Event()
        self.took: list[tuple[float, str, float]] = []

    def run(self) -> None:
        rng = random.Random(7)
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            tails, routes = (
                connection.execute(query).fetchall()
                for query in (
                    "SELECT tailnum FROM flights.planes ORDER BY tailnum LIMIT 500",
                    "SELECT DISTINCT origin, dest, carrier FROM flights.flights WHERE month = 7 AND day = 4",
                )
            )
            while not self._over.is_set():
                origin, dest, carrier = rng.choice(routes)
                values = {
                    "tail": rng.choice(tails)[0], "origin": origin, "dest": dest, "carrier": carrier,
                    "month": rng.randint(1, 12), "day": rng.randint(1, 28),
                }  # fmt: skip
                for name, query in QUERIES.items():
                    began = time.monotonic()
                    connection.execute(query.format(**values).encode())
                    self.took.append((began, name, (time.monotonic() - began) * 1000))
                self._over.wait(0.02)

    def stop(self) -> None:
        self._over.set()
        self.join(10)

    def median(self, name: str, since: float, until: float) -> float:
        """Return the median milliseconds of a query in a time."""
        found = [took for at, asked, took in self.took if asked == name and since <= at < until]
        return statistics.median(found) if found else float("nan")


def indexes(story: Story) -> None:
    """Autopilot builds what pays, alone: nobody names a table or a column."""
    db, screen = story.db, story.screen
    screen.title("A dashboard asks; autopilot finds, builds and measures its indexes")
    before = max((row.action for row in db.advice()), default=0)  # of an earlier demonstration
    with _soon(story), story.stage.builder():
        dashboard = Dashboard(story)
        dashboard.start()
        began = time.monotonic()
        time.sleep(WORKLOAD)
        screen.wait("its constants are seen to differ", WORKLOAD, lambda: _seen(story))
        db.configure_organ("advice", enabled=True)
        sonar = [_smooth(story)]
        screen.line(f"autopilot('on'): {db.autopilot('on').note}", "cyan")
        screen.wait(
            "the workload is read, indexes are tried, built and measured",
            PATIENCE,
            lambda: _settled(story, before),
        )
        built = time.monotonic()
        time.sleep(3 * STEP.total_seconds())
        sonar.append(_smooth(story))
        dashboard.stop()
        rows = _advice(story, before)
        db.autopilot("off")
    for row in sorted(rows, key=lambda row: row.action):
        if row.kind == "create index":
            screen.line(f"{row.state}: {row.definition}", "cyan" if row.state == "kept" else "dim")
            screen.line(f"{row.why}; {_saved(row)}", "dim", indent=4)
    screen.table(
        ("query of the dashboard", "before", "after", "faster"),
        [_row(dashboard, name, began, built) for name in QUERIES],
    )
    screen.line(f"SELECT * FROM asymm.ux_sonar(by => 'role');  a latency budget of {BUDGET}", "cyan")
    if sonar[0] and sonar[1]:
        screen.table(
            ("the dashboard", "mean", "slow queries", "fps", "score"),
            [("before", *_figures(sonar[0])), ("after", *_figures(sonar[1]))],
        )
    smooth = [row.score if row else 0 for row in sonar]
    screen.check(smooth[0] < smooth[1], "its queries answer more smoothly than before")
    kept = sum(row.state == "kept" for row in rows)
    screen.check(kept > 0, f"{kept} kept since they were measured to pay, and nobody was asked")
    screen.check(
        not any(row.part == "index" for row in db.drift(target="flights.flights")),
        "what autopilot built is part of what is declared: policy heal leaves it alone",
    )


def _row(dashboard: Dashboard, name: str, began: float, built: float) -> tuple[str, ...]:
    before = dashboard.median(name, began, began + WORKLOAD)
    after = dashboard.median(name, built, float("inf"))
    return (name, f"{before:.1f} ms", f"{after:.1f} ms", f"{before / after:.1f}x")


def _smooth(story: Story) -> Smoothness | None:
    """Return what UX-Sonar says of the dashboard's statements of the last seconds."""
    rows = story.db.ux_sonar(span=2 * STEP, by="role")
    return next((row for row in rows if row.node == f"role:{WHO}"), None)


def _figures(row: Smoothness) -> tuple[str, ...]:
    return (f"{row.mean_ms:.1f} ms", f"{row.slow_queries}", f"{row.fps:.0f}", f"{row.score:.2f} {row.status}")


def _saved(row: IndexAdvice) -> str:
    measured = row.measured_ms_per_hour
    return "not measured yet" if measured is None else f"saves {measured / 1000:,.0f} s an hour, measured"


def _seen(story: Story) -> bool:
    """Whether three examples were seen of each query that has constants."""
    heads = [query.partition(" WHERE")[0] for query in QUERIES.values() if "{" in query]
    found = story.stage.connection.execute(
        "SELECT count(*) FROM (SELECT q.id FROM asymm.query AS q"
        " JOIN asymm.query_example AS e ON e.query_id = q.id"
        " WHERE split_part(q.statement, ' WHERE', 1) = ANY (%s) GROUP BY q.id HAVING count(*) >= 3) AS s",
        [heads],
    ).fetchone()
    return found is not None and int(found[0]) >= len(heads)


def _advice(story: Story, before: int) -> list[IndexAdvice]:
    return [row for row in story.db.advice() if row.action > before]


def _settled(story: Story, before: int) -> bool:
    states = {row.state for row in _advice(story, before)}
    return "kept" in states and states.isdisjoint(OPEN)


@contextmanager
def _soon(story: Story) -> Iterator[None]:
    """Look more often and measure for a shorter time than one would in earnest."""
    db = story.db
    settings = db.index_settings()
    organs = [row for row in db.organs() if row.name in SOON]
    connection = story.stage.connection
    budget = connection.execute("SELECT latency_budget FROM asymm.sonar_settings").fetchone()
    try:
        db.configure_indexes(
            validation_min=timedelta(seconds=6), validation_max=timedelta(seconds=60), workload_step=STEP
        )
        connection.execute("SELECT asymm.configure_sonar(latency_budget => %s)", (BUDGET,))
        for name, seconds in SOON.items():
            db.configure_organ(name, cadence=timedelta(seconds=seconds))
        db.configure_organ("advice", enabled=False)
        yield
    finally:
        db.configure_indexes(
            autopilot=settings.autopilot,
            validation_min=settings.validation_min,
            validation_max=settings.validation_max,
            workload_step=settings.workload_step,
        )
        connection.execute("SELECT asymm.configure_sonar(latency_budget => %s)", budget)
        for row in organs:
            db.configure_organ(row.name, enabled=row.enabled, cadence=row.cadence)
