"""The commands, one function each: (connection string, arguments, output) → exit code."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from .. import _sql
from .._database_sync import Database, connect
from ..rows import State, Step, Undone
from . import exchange
from .output import Output

Command = Callable[[str, argparse.Namespace, Output], int]


def connected(command: Callable[[Database, argparse.Namespace, Output], int]) -> Command:
    """Give a command the database instead of its connection string."""

    @functools.wraps(command)
    def run(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
        with connect(dsn) as db:
            if db._session.own is not None:
                db._session.own.add_notice_handler(out.notice)
            return command(db, arguments, out)

    return run


@connected
def init(db: Database, _: argparse.Namespace, out: Output) -> int:
    before = db.version()
    db._session.run(_sql.CREATE_EXTENSION if before is None else _sql.UPDATE_EXTENSION)
    now = db.version()
    if out.json:
        out.document({"before": before, "now": now})
    out.line(
        f"extension asymmetrica {now}" + ("" if before == now else f" (before: {before or 'not installed'})")
    )
    return 0


@connected
def doctor(db: Database, _: argparse.Namespace, out: Output) -> int:
    checks = db.doctor()
    out.rows(checks)
    return 1 if any(check.status == "error" for check in checks) else 0


WHAT = ("object", "part", "name", "attribute", "declared", "actual", "role", "application", "ddl_at")
HOW = ("state", "reason", "repair")


@connected
def drift(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    found = db.drift(target=arguments.target, resolved=arguments.all)
    out.rows(found, WHAT + HOW, empty="no drift")
    return 1 if found and not arguments.all else 0


@connected
def watch(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    if arguments.database:
        out.rows(db.watch_database(policy=arguments.policy), empty="nothing to watch")
    else:
        call = db.watch_schema if arguments.schema else db.watch
        out.rows(call(arguments.target, policy=arguments.policy))
    return 0


@connected
def unwatch(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    if arguments.database:
        out.rows(db.unwatch_database(), empty="nothing was watched through it")
    else:
        out.rows(db.unwatch_schema(arguments.target) if arguments.schema else db.unwatch(arguments.target))
    return 0


@connected
def watched(db: Database, _: argparse.Namespace, out: Output) -> int:
    out.rows(db.watched(), ("object", "policy", "in_step", "held", "watched_by", "adopted_at", "reason"))
    return 0


@connected
def adopt(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    out.rows(db.adopt(arguments.target, reason=arguments.reason), empty="nothing differed")
    return 0


def _ended(rows: Sequence[Step | Undone | State]) -> int:
    """Return 4 if the server did not do what it was asked; its warning and the ledger say why."""
    return 4 if any(row.state in ("failed", "proposed", "approved") for row in rows) else 0


STEP = ("action", "step", "statement", "lock_class", "hazards", "state")


@connected
def heal_one(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    steps = db.heal(arguments.target, dry_run=arguments.dry_run, allow_data_loss=arguments.allow_data_loss)
    out.rows(steps, STEP, empty="nothing to repair")
    return 1 if steps and arguments.dry_run else _ended(steps)


def heal(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    if arguments.to is not None:
        return exchange.heal_to(dsn, arguments, out)
    return (exchange.heal_all if arguments.all else heal_one)(dsn, arguments, out)


@connected
def actions(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    found = db.actions(target=arguments.target, state=arguments.state)
    out.rows(
        found,
        ("id", "kind", "target", "state", "reason", "statements", "hazards", "applied_by", "applied_at"),
    )
    return 0


@connected
def ddl(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    since = datetime.now().astimezone() - timedelta(minutes=arguments.minutes) if arguments.minutes else None
    out.rows(db.ddl(since=since), ("at", "role", "application", "client_addr", "statement", "intent"))
    return 0


@connected
def history(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    if arguments.of.isdecimal():
        out.rows(db.action_history(int(arguments.of)))
    else:
        out.rows(db.history(arguments.of), ("at", "event", "what", "by_role", "action"))
    return 0


@connected
def approve(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    states = db.approve(arguments.action)
    out.rows(states)
    # An index is built later, by a builder.
    return 0 if any((row.note or "").startswith("queued") for row in states) else _ended(states)


@connected
def reject(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    out.rows(db.reject(arguments.action, reason=arguments.reason))
    return 0


@connected
def revert(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    steps = db.revert(arguments.action, dry_run=arguments.dry_run, allow_data_loss=arguments.allow_data_loss)
    out.rows(steps)
    return _ended(steps)


ADVICE = ("action", "kind", "target", "index", "state", "predicted_ms_per_hour", "measured_ms_per_hour")


@connected
def advise(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    found = db.advice(target=arguments.target, state=arguments.state)
    out.rows(found, (*ADVICE, "size_bytes", "why", "reason", "progress", "statement"), empty="no advice")
    return 0


@connected
def autopilot(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    out.rows([db.autopilot(arguments.mode)])
    return 0


@connected
def create_actor(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    out.rows(db.create_actor(arguments.name, owner=arguments.owner))
    return 0


@connected
def start(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    out.rows(db.start(arguments.actor, forced=arguments.force))
    return 0


@connected
def stop(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    out.rows(db.stop(arguments.actor), empty="no pulse was running")
    return 0


@connected
def pause(db: Database, arguments: argparse.Namespace, out: Output) -> int:
    out.rows([db.pause(arguments.reason)])
    return 0


@connected
def resume(db: Database, _: argparse.Namespace, out: Output) -> int:
    out.rows([db.resume()])
    return 0


HEART = ("actor", "lane", "alive", "seq", "age", "rate", "interval_p50_ms", "interval_p99_ms")
HEALTH = ("missed_last_minute", "work_mean_ms", "work_p99_ms", "paused", "version")


@connected
def heartbeat(db: Database, _: argparse.Namespace, out: Output) -> int:
    loops = db.heartbeat()
    out.rows(loops, HEART + HEALTH, empty="no loop ever ran: asymmetrica start, or asymmetrica pulse")
    return 0 if any(loop.alive for loop in loops) else 1


def demo(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    """Run the demonstration."""
    from ..demo import run_demo

    return run_demo(dsn, cache=arguments.cache, limit=arguments.rows, json=out.json)
