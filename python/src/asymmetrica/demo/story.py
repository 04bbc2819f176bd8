"""The story: slips, a migration, a revert, a guard; each step is checked, the server measures the times."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import LiteralString

import psycopg

from .._database_sync import Database
from .._pulses_sync import Pulses
from ..rows import Action, Drift
from .screen import Screen
from .slips import (
    DEVELOPERS,
    GUARDED,
    GUARDED_TABLE,
    MIGRATION,
    MIGRATION_TABLE,
    QUICK,
    RULED_HAZARD,
    RULED_TABLE,
    SLIPS,
    Slip,
)
from .stage import Stage

PATIENCE = 10.0  # seconds after which something counts as not happened
PERIOD = 11 / 54  # of a beat: slips fall evenly between two


@dataclass(slots=True)
class Measured:
    """What the story measured, in milliseconds from the DDL command."""

    noticed: list[float] = field(default_factory=list)
    repaired: list[float] = field(default_factory=list)
    slips: int = 0
    named: int = 0


class Story:
    """Runs the acts one after the other."""

    def __init__(self, stage: Stage, beats: Pulses) -> None:
        self.stage, self.beats = stage, beats
        self.db: Database = stage.db
        self.screen: Screen = stage.screen
        self.measured = Measured()

    def slips(self) -> None:
        """Commit every slip and show what came of it."""
        self.screen.title(f"{len(SLIPS)} slips, each committed by a developer in a session of his own")
        for number, slip in enumerate(SLIPS, 1):
            self.screen.console.print(f"\n  [bold]{number:>2}. {slip.kind}[/bold]  {slip.table}")
            try:
                rows = self.slip(slip)
            except psycopg.errors.ProgrammingError as error:  # what an earlier slip took away is not back
                self.screen.failed(f"{slip.kind}: {error.diag.message_primary}")
                continue
            if rows is None:
                self.screen.failed(f"{slip.kind}: not {slip.ending} within {PATIENCE:.0f} s")
                continue
            self._tell(slip, rows)
            if slip.kind == "table dropped":
                self._reload(slip.table)

    def quick(self, count: int) -> None:
        """Commit one slip again and again, at random moments, for the figures."""
        self.screen.title(f"{count} more, at random moments, for the figures")
        healed = 0
        with self.screen.progress("breaking and mending", count) as advance:
            for _ in range(count):
                rows = self.slip(QUICK)
                healed += rows is not None
                advance(1)
        self.screen.check(healed == count, f"{healed} of {count} repaired")

    def rule(self) -> None:
        """A rule lets a repair run that policy heal alone does not."""
        self.screen.title("A rule that decides")
        held = [row for row in self.db.drift(target=RULED_TABLE) if RULED_HAZARD in (row.hazards or ())]
        self._decides()
        number = self.db.set_policy("heal", pattern=RULED_TABLE, hazard=RULED_HAZARD)
        self.screen.line(
            f"set_policy('heal', pattern => '{RULED_TABLE}', hazard => '{RULED_HAZARD}'): rule {number}",
            "cyan",
        )
        self._decides()
        since = min((row.id for row in held), default=1) - 1
        rows = self._settle(since, RULED_TABLE, "repaired", RULED_HAZARD) or []
        self.screen.check(bool(held and rows), f"what was held back is repaired: {_repair(self.db, rows)}")

    def _decides(self) -> None:
        row = next(row for row in self.db.policy_for(RULED_TABLE) if row.hazard == RULED_HAZARD)
        self.screen.line(f"{row.object}, {row.hazard}: {row.policy}, by {row.decided_by} ({row.conditions})")

    def migration(self) -> None:
        """A change that says it is meant becomes the new baseline."""
        self.screen.title("A migration that says what it is for")
        before = {row.id for row in self.db.actions(target=MIGRATION_TABLE)}
        start = time.monotonic()
        self.commit("dana", MIGRATION)
        for statement in MIGRATION:
            self.screen.line(statement, "cyan")
        adopted = None
        while adopted is None and time.monotonic() < start + PATIENCE:
            next(self.beats, None)
            rows = self.db.actions(target=MIGRATION_TABLE)
            adopted = next((row for row in rows if row.kind == "adopt" and row.id not in before), None)
        in_step = any(row.object == MIGRATION_TABLE and row.in_step for row in self.db.watched())
        if adopted is None or adopted.applied_at is None or not in_step:
            self.screen.failed("the migration was not adopted")
            return
        ddl = next(row for row in reversed(self.db.ddl()) if row.intent)
        self.screen.good(f"adopted after {_ms(ddl.at, adopted.applied_at):.0f} ms: {adopted.reason!r}")

    def revert(self) -> None:
        """An action is undone, and the object is left alone until somebody decides."""
        self.screen.title("An action taken back")
        action = self._action_of("column renamed")
        if action is None:
            self.screen.failed("there is no verified action to revert")
            return
        for undone in self.db.revert(action.id):
            self.screen.line(f"action {action.id}: {undone.statement}", "cyan")
        state = next(row.state for row in self.db.actions(target=action.target) if row.id == action.id)
        self.screen.check(state == "reverted", f"action {action.id} is {state}")
        time.sleep(1)  # a few beats: were the policy still in force, it would mend the table by now
        held = next((row.held for row in self.db.watched() if row.object == action.target), None)
        still = self.db.drift(target=action.target)
        self.screen.check(bool(still and held), f"the difference is back and left alone: {held}")
        for step in self.db.heal(action.target):
            self.screen.line(f"heal: {step.statement}", "cyan")
        self.screen.check(
            not self.db.drift(target=action.target), f"heal('{action.target}') by hand mended it again"
        )

    def guard(self) -> None:
        """A guarded table refuses DDL in the user's own session."""
        self.screen.title("A guarded table")
        self.db.watch(GUARDED_TABLE, policy="guard")
        self.screen.line(GUARDED, "cyan")
        try:
            self.commit("omar", (GUARDED,))
        except psycopg.Error as error:
            self.screen.check(error.sqlstate == "SY002", f"refused to omar: {error.diag.message_primary}")
            if error.diag.message_hint:
                self.screen.line(f"hint: {error.diag.message_hint}", "dim")
        else:
            self.screen.failed("the guarded table was dropped")

    def slip(self, slip: Slip) -> list[Drift] | None:
        """Commit a slip at a random moment; return its differences when they are settled as they should."""
        time.sleep(random.uniform(0, 2 * PERIOD))
        since = self._last()
        self.commit(slip.who, slip.statements)
        self.measured.slips += 1
        rows = self._settle(since, slip.table, slip.ending)
        if rows is None:
            return None
        seen = rows[0]
        self.measured.named += seen.role == slip.who and seen.application == DEVELOPERS[slip.who]
        if seen.ddl_at is not None:
            self.measured.noticed.append(_ms(seen.ddl_at, seen.noticed_at))
            if slip.ending == "repaired":
                self.measured.repaired.append(_ms(seen.ddl_at, _repaired(rows)))
        return rows

    def _tell(self, slip: Slip, rows: Sequence[Drift]) -> None:
        seen = rows[0]
        client = seen.client_addr or "local socket"
        self.screen.line(f"{seen.role} ({seen.application}, {client}): {seen.statement}", "cyan")
        for row in rows:
            what = " ".join(filter(None, (row.part, row.name, row.attribute)))
            self.screen.line(f"{what}: {_change(row)}", "dim", indent=4)
        if seen.ddl_at is None:
            self.screen.failed("nobody knows who did it")
            return
        noticed = f"noticed after {_ms(seen.ddl_at, seen.noticed_at):.0f} ms"
        self.screen.check(
            seen.role == slip.who and seen.application == DEVELOPERS[slip.who], f"{noticed}; by {seen.role}"
        )
        if slip.ending == "proposed":
            self.screen.good(f"only proposed: {_reason(rows)}")
            return
        self.screen.good(
            f"repaired after {_ms(seen.ddl_at, _repaired(rows)):.0f} ms: {_repair(self.db, rows)}"
        )

    def _reload(self, table: str) -> None:
        rows = self.stage.count(table)
        loaded = self.stage.copy(table.split(".")[1])
        self.screen.line(
            f"{table} came back with its structure and {rows} rows; rows can't be repaired:"
            f" {loaded:,} were reloaded from the file"
        )

    def commit(self, who: str, statements: Sequence[LiteralString], *, dsn: str | None = None) -> None:
        """Run statements in one transaction as a developer, in a session of his own."""
        with psycopg.connect(self.stage.login(who, DEVELOPERS[who], dsn)) as connection:
            for statement in statements:
                connection.execute(statement)

    def _last(self) -> int:
        return max((row.id for row in self.db.drift(resolved=True)), default=0)

    def _settle(self, since: int, table: str, ending: str, hazard: str = "") -> list[Drift] | None:
        """Wait, beat by beat, until the differences seen since then (with this hazard) came to this end."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            rows = [row for row in self.db.drift(target=table, resolved=True) if row.id > since]
            rows = [row for row in rows if not hazard or hazard in (row.hazards or ())]
            if rows and all(_ended(row, ending) for row in rows):
                return rows
            next(self.beats, None)
        return None

    def _action_of(self, kind: str) -> Action | None:
        table = next(slip.table for slip in SLIPS if slip.kind == kind)
        rows = self.db.actions(target=table, state="verified")
        return rows[-1] if rows else None


def _ended(row: Drift, ending: str) -> bool:
    if ending == "repaired":
        return row.state == "healed" and row.repaired_at is not None
    return row.state == ending


def _repaired(rows: Sequence[Drift]) -> datetime:
    return max(row.repaired_at or row.noticed_at for row in rows)


def _ms(start: datetime, end: datetime) -> float:
    return float((end - start).total_seconds() * 1000)


def _change(row: Drift) -> str:
    return f"{_short(row.declared)} → {_short(row.actual)}"


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _reason(rows: Sequence[Drift] | None) -> str:
    if not rows:
        return "(not seen)"
    return "; ".join(dict.fromkeys(filter(None, (row.reason for row in rows)))) or ", ".join(
        rows[0].hazards or ()
    )


def _repair(db: Database, rows: Sequence[Drift]) -> str:
    wanted = {row.action for row in rows}
    statements = [text for row in db.actions() if row.id in wanted for text in row.statements or ()]
    more = f" (and {len(statements) - 1} more)" if len(statements) > 1 else ""
    first = " ".join(statements[0].split()) if statements else "(no statement)"
    return f"{first[:100]}{'…' if len(first) > 100 else ''}{more}"
