"""What the keys do: the plan shown before, then the call, with the rights of whoever runs the console."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, LiteralString

from .._database_async import AsyncDatabase, connect_async
from ..rows import State, Step, Undone
from .columns import Row
from .feed import Feed

Verb = Literal["approve", "reject", "revert", "heal"]
VERBS: dict[str, Verb] = {"a": "approve", "x": "reject", "r": "revert", "h": "heal"}
DOES = {"approve": "Approve", "reject": "Reject", "revert": "Revert", "heal": "Heal"}

# Steps are for those who may act for the owner; the view tells everybody else what would run.
STEPS: LiteralString = """
    SELECT a.kind, a.target, a.state, a.reason, a.hazards, a.statements, a.inverse,
           asymm._action_steps(a.id) -> 'steps' AS steps
      FROM asymm.actions AS a WHERE a.id = %(action)s"""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One statement that will run: what takes it back, the lock it takes, what it may do."""

    statement: str
    inverse: str | None = None
    lock: str | None = None
    hazards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: a verb, and the action's number or the object."""

    verb: Verb
    action: int | None
    target: str

    @property
    def title(self) -> str:
        """Return what will be done, in words."""
        of = f"action {self.action}" if self.action is not None else ""
        return " ".join(
            word for word in (DOES[self.verb], of, f"({self.target})" if of else self.target) if word
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What will run if it is confirmed; without steps there is nothing to do."""

    request: Request
    steps: tuple[PlannedStep, ...]
    notes: tuple[str, ...] = ()
    possible: bool = True


@dataclass(slots=True)
class Outcome:
    """How it went: done or not, and what the server said."""

    done: bool
    lines: list[str] = field(default_factory=list)


def request(verb: Verb, tile: str, row: Row) -> Request | str:
    """Return what a verb means for a row, or why it means nothing there."""
    action = row.get("id") if tile == "actions" else row.get("action")
    target = str(row.get("target") or row.get("object") or row.get("node") or "")
    if verb == "heal":
        target = str(row.get("object") or row.get("target") or "")
        if tile not in ("drift", "actions", "tables") or not target:
            return "heal needs an object: choose a row of Drift, Actions or Tables"
        return Request(verb, None, target)
    if not isinstance(action, int):
        if tile == "drift":
            return "no action is proposed for this difference: h shows what would mend it"
        return f"{verb} needs an action: choose a row of Actions, Advice or Drift that has one"
    return Request(verb, action, target)


def refusal(feed: Feed) -> str | None:
    """Return why nothing may be done here, None if it may."""
    if feed.lost is not None:
        return "there is no connection"
    if feed.standby:
        return "read-only: this server is a standby; decide on the primary"
    if feed.viewer is None or not feed.viewer.operator:
        who = feed.viewer.role if feed.viewer else "this login"
        return f"read-only: {who} is no member of asymm_operator (GRANT asymm_operator TO … by whoever may)"
    return None


@asynccontextmanager
async def session(dsn: str, notices: list[str]) -> AsyncIterator[AsyncDatabase]:
    """Open a connection for one call; what the server remarks goes to `notices`."""
    async with await connect_async(dsn, application_name="asymmetrica top") as db:
        if db._session.own is not None:
            db._session.own.add_notice_handler(
                lambda notice: (
                    notices.append(f"{notice.message_primary}")
                    if notice.severity_nonlocalized == "WARNING"
                    else None
                )
            )
        yield db


async def plan(dsn: str, feed: Feed, wish: Request) -> Plan:
    """Find out what would run, without running it."""
    if wish.verb in ("heal", "revert"):
        return await _dry_run(dsn, wish)
    rows = (await feed.ask(STEPS, {"action": wish.action})).dicts()
    if not rows:
        return Plan(wish, (), (f"action {wish.action} is not in the ledger any more",), possible=False)
    row = rows[0]
    notes = [
        f"{row['kind']} of {row['target']}, now {row['state']}"
        + (f": {row['reason']}" if row["reason"] else "")
    ]
    if row["steps"] is None:
        notes.append("You may not act for the owner of this object: the server will refuse.")
    return Plan(wish, tuple(_steps(row)), tuple(notes))


def _steps(row: Row) -> Sequence[PlannedStep]:
    if row["steps"] is None:
        return [PlannedStep(text, None, None, ()) for text in row["statements"] or ()]
    return [
        PlannedStep(
            str(step.get("forward")),
            step.get("inverse"),
            step.get("lock_class"),
            tuple(step.get("hazards") or ()),
        )
        for step in row["steps"]
    ]


async def _dry_run(dsn: str, wish: Request) -> Plan:
    notices: list[str] = []
    async with session(dsn, notices) as db:
        if wish.verb == "heal":
            found = await db.heal(wish.target, dry_run=True)
            steps = [
                PlannedStep(str(s.statement), s.inverse, s.lock_class, tuple(s.hazards or ())) for s in found
            ]
            if any("deletes data" in step.hazards for step in steps):
                notices.append(
                    "What deletes data runs only where nothing is lost: asymm.heal() has allow_data_loss."
                )
            if not steps:
                notices.append("Nothing differs from what is declared.")
        else:
            assert wish.action is not None
            undone = await db.revert(wish.action, dry_run=True)
            steps = [
                PlannedStep(str(s.statement), None, None, tuple(s.hazards)) for s in undone if s.statement
            ]
            if not steps:
                notices.append("No statement has to run: this is undone in the ledger.")
    return Plan(wish, tuple(steps), tuple(notices), possible=bool(steps) or wish.verb == "revert")


async def run(dsn: str, wish: Request, reason: str | None = None) -> Outcome:
    """Do what was confirmed. Raises what the server refuses."""
    notices: list[str] = []
    async with session(dsn, notices) as db:
        rows: Sequence[State | Step | Undone]
        if wish.verb == "heal":
            rows = await db.heal(wish.target)
        else:
            assert wish.action is not None
            if wish.verb == "approve":
                rows = await db.approve(wish.action)
            elif wish.verb == "reject":
                rows = await db.reject(wish.action, reason=reason)
            else:
                rows = await db.revert(wish.action)
    return _outcome(rows, notices)


def _outcome(rows: Sequence[Any], notices: list[str]) -> Outcome:
    states = list(dict.fromkeys(str(row.state) for row in rows))
    notes = [str(row.note) for row in rows if getattr(row, "note", None)]
    queued = any(note.startswith("queued") for note in notes)
    undone = not queued and bool({"failed", "proposed", "approved"} & set(states))
    said = (
        f"not done: it is {', '.join(states)}"
        if undone
        else f"done: {', '.join(states) or 'nothing differed'}"
    )
    return Outcome(not undone, [said, *notes, *notices])
