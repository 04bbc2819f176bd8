"""Puts the demonstration together and ends it with what was promised and what was measured."""

from __future__ import annotations

import json as jsonlib
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import psycopg

from .._database_sync import Database, connect
from .._session_sync import connect_own
from ..errors import AsymmetricaError, NotInstalled, translate
from ..rows import Heartbeat, Promise
from .copies import copies
from .dataset import DatasetError
from .duplicates import duplicates
from .entities import entities
from .indexes import indexes
from .others import compare, one_plan
from .people import people
from .screen import Screen
from .slips import QUICK, RULED_TABLE, SLIPS
from .stage import ACTOR, Stage
from .story import Measured, Story

REST = 8.0
FIRST_BEAT = 75.0  # pg_cron starts jobs at the full minute


def run_demo(dsn: str, *, cache: str, limit: int | None = None, quick: int = 40, json: bool = False) -> int:
    """Run the demonstration; return 0, or 1 if anything it shows did not happen.

    `limit` flights are loaded, all by default; `quick` slips are added for the figures.
    """
    start = time.monotonic()
    screen = Screen(quiet=json)
    with connect(dsn) as db, connect_own(dsn) as connection:
        if db.version() is None:
            raise NotInstalled(
                "the extension asymmetrica is not installed in this database", hint="asymmetrica init"
            )
        stage = Stage(dsn, db, connection, screen)
        try:
            with _for_a_demonstration(stage):
                figures = _acts(stage, Path(cache), limit, quick)
        except DatasetError as error:
            raise AsymmetricaError(
                str(error), hint="The rest needs no network: give --cache a directory that has it."
            ) from None
        except psycopg.Error as error:
            raise translate(error, (stage.password,)) from None
        finally:
            stage.leave()
        took = time.monotonic() - start
        _farewell(screen, took)
        if json:
            print(
                jsonlib.dumps(
                    {"figures": figures, "failures": screen.failures, "seconds": took}, ensure_ascii=False
                )
            )
    return 1 if screen.failures else 0


@contextmanager
def _for_a_demonstration(stage: Stage) -> Iterator[None]:
    """Have settings that nobody would have in earnest, until the block ends."""
    db, run = stage.db, stage.connection.execute
    before = db.settings()
    accepted = run("SELECT accept_annotations FROM asymm.graph_settings").fetchone()
    try:
        # A few tables are broken many times in a minute: policy heal would take it for a tug-of-war.
        db.configure(relapse_limit=1000)
        # And nobody is there to read what is proposed to be said of nodes.
        run("SELECT asymm.configure_graph(accept_annotations => true)")
        yield
    finally:
        db.configure(relapse_limit=before.relapse_limit)
        run("SELECT asymm.configure_graph(accept_annotations => %s)", accepted)


def _acts(stage: Stage, cache: Path, limit: int | None, quick: int) -> list[tuple[str, ...]]:
    screen, db = stage.screen, stage.db
    screen.title("Setting the stage")
    stage.roles()
    for rule in db.policies():
        if rule.pattern == RULED_TABLE:  # of an earlier demonstration
            db.unset_policy(rule.id)
    stage.tables()
    stage.pulse()
    began = time.monotonic()
    rows = stage.data(cache, limit)
    loaded = ", ".join(f"{count:,} {table}" for table, count in rows.items())
    screen.good(f"loaded by COPY, with keys: {loaded} ({time.monotonic() - began:.1f} s)")
    watched = db.watch_schema("flights", policy="heal")
    screen.good(f"watching {len(watched)} tables with policy heal")
    alive = screen.wait(
        "waiting for the first beat (pg_cron starts jobs at the full minute)", FIRST_BEAT, stage.alive
    )
    screen.check(bool(alive), f"the pulse beats, logged in as {ACTOR}")
    screen.line("watch it live in another terminal: make top, or asymmetrica top --dsn …", "cyan")
    if not alive:
        for check in db.doctor():
            if check.status != "ok":
                screen.line(f"{check.status}: {check.check_name}: {check.seen}. {check.remedy or ''}")
        return []
    with db.pulses(timeout=0.5) as beats:
        story = Story(stage, beats)
        story.slips()
        story.rule()
        story.quick(quick)
        if find_spec("urllib3") is not None:
            from .told import told

            told(story)
        story.migration()
        story.revert()
        story.guard()
        one_plan(story)
        duplicates(story)
        compare(story)
        entities(story)
        people(story)
        with copies(story):
            if limit is None:  # few rows need no index
                indexes(story)
            return _kept(story, promises=limit is None)


def _kept(story: Story, *, promises: bool) -> list[tuple[str, ...]]:
    """Show what was promised and measured, while all of it still runs; return the figures."""
    db, screen = story.db, story.screen
    before = _loop(db)
    screen.wait(f"watching {REST:.0f} s of rest", REST, lambda: None)
    figures = _figures(story.measured, before, _loop(db))
    screen.title("Promised and measured")
    screen.table(("figure", "promised", "measured", "met"), figures)
    if promises:
        _promises(db, screen)
    _verdict(story)
    return figures


def _verdict(story: Story) -> None:
    """Show in one sentence how the database is, and why."""
    story.screen.title("The verdict, live in asymmetrica top:")
    found = story.stage.connection.execute("SELECT status, headline, reasons FROM asymm.verdict").fetchone()
    assert found is not None
    status, headline, reasons = found
    story.screen.line(f"{status}: {headline}")
    for reason in reasons or ():
        story.screen.line(reason, "dim", indent=4)


def _loop(db: Database) -> Heartbeat:
    return next(row for row in db.heartbeat() if row.actor == ACTOR and row.lane == "fast")


def _figures(measured: Measured, before: Heartbeat, after: Heartbeat) -> list[tuple[str, ...]]:
    def row(figure: str, promised: str, value: str, met: bool) -> tuple[str, ...]:
        return (figure, promised, value, "yes" if met else "no")

    def ms(figure: str, values: Sequence[float], share: float, limit: float) -> tuple[str, ...]:
        value = percentile(values, share)
        return row(figure, f"≤ {limit:.0f} ms", f"{value:.0f} ms", value <= limit)

    count = sum(slip.ending == "repaired" for slip in SLIPS)
    shown = [
        row(
            "slips seen, and by whom",
            "all",
            f"{measured.named} of {measured.slips}",
            measured.named == measured.slips,
        ),
        ms("DDL → row in asymm.drift, p50", measured.noticed, 0.5, 120),
        ms("DDL → row in asymm.drift, p99", measured.noticed, 0.99, 230),
        ms(f"DDL → repaired, p99 ({QUICK.kind})", measured.repaired[count:], 0.99, 450),
        ms(
            f"DDL → repaired, p99 ({count} kinds, large tables too)",
            measured.repaired[:count],
            0.99,
            450,
        ),
    ]
    missed, beats = after.missed - before.missed, after.seq - before.seq - (after.missed - before.missed)
    shown.append(
        row(f"beats missed in {REST:.0f} s of rest", "0", f"{missed} of {beats + missed}", missed == 0)
    )
    if beats > 0 and before.beat_at and after.beat_at:
        mean = (after.beat_at - before.beat_at).total_seconds() * 1000 / beats
        shown.append(
            row("time between beats, mean", "203.7 ± 0.1 ms", f"{mean:.1f} ms", abs(mean - 11000 / 54) <= 0.1)
        )
    return shown


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile; infinite without values."""
    if not values:
        return math.inf
    return sorted(values)[math.ceil(share * len(values)) - 1]


def _promises(db: Database, screen: Screen) -> None:
    screen.title("Every promise, on this database now: SELECT * FROM asymm.validate();")
    words = {True: "yes", False: "not yet", None: "-"}
    screen.table(
        ("promise", "target", "measured", "met"),
        [
            (row.promise, row.target, _measured(row), words[row.met])
            for row in db.validate(span=timedelta(minutes=5))
        ],
    )


def _measured(row: Promise) -> str:
    return row.note or "" if row.measured is None else f"{row.measured:.4g} {row.unit}"


def _farewell(screen: Screen, took: float) -> None:
    screen.title(f"Done in {took:.0f} s. The server is still up; look around with make psql:")
    for query in (
        "SELECT object, part, name, role, application, state, reason, repair FROM asymm.drift;",
        "SELECT id, target, state, statements, inverse FROM asymm.actions ORDER BY id DESC LIMIT 10;",
        "SELECT * FROM asymm.heartbeat;",
        "SELECT * FROM asymm.doctor();",
        "ALTER TABLE flights.airports DROP COLUMN tz;  -- your own slip",
    ):
        screen.line(query, "cyan")
    screen.line('or as a live page: .run/venv/bin/asymmetrica dashboard --dsn "$(make url)"')
