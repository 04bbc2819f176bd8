"""What can be said on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn

from .. import __version__
from .._redact import redact
from . import alerts, commands, dashboard, exchange, grafana, mirror
from . import top as console
from .pulse import listen, pulse

POLICIES = ("observe", "propose", "heal", "guard")

EPILOG = """exit codes: 0 all is well; 1 something was found (drift, an error of doctor, a step of the demo
that did not happen); 2 wrong usage; 3 no connection; 4 the server refused or failed; 130 interrupted.
The database is --dsn, else $ASYMMETRICA_DSN, else what the PG* variables say."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line without the passwords in it."""

    def error(self, message: str) -> NoReturn:
        super().error(redact(message))


def one_of(made: argparse.ArgumentParser, target: str, **others: str) -> None:
    """Give a command a target, or one of some options in its place."""
    group = made.add_mutually_exclusive_group(required=True)
    group.add_argument("target", nargs="?", help=target)
    for name, text in others.items():
        group.add_argument(f"--{name}", action="store_true", help=text)


def parser() -> argparse.ArgumentParser:
    """Return the parser; `run` in its result is the command to call."""
    common = Parser(add_help=False)
    common.add_argument("--dsn", metavar="DSN", help="URL, key=value pairs or the name of a database")
    common.add_argument("--json", action="store_true", help="print JSON")
    top = Parser(
        prog="asymmetrica",
        description="Watches a Postgres database, explains what changed, repairs what policy allows.",
        epilog=EPILOG,
    )
    top.add_argument("--version", action="version", version=f"asymmetrica {__version__}")
    actions = top.add_subparsers(metavar="command", required=True)

    def command(name: str, run: Callable[..., int], text: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, parents=[common], help=text, description=text, epilog=EPILOG)
        made.set_defaults(run=run)
        return made

    command("init", commands.init, "create the extension, or bring it up to date")
    command("doctor", commands.doctor, "check settings, roles, jobs and loops; exits 1 on an error")
    drift = command(
        "drift", commands.drift, "show what differs from what is declared; exits 1 if anything does"
    )
    drift.add_argument("target", nargs="?", help="only this object, schema.table")
    drift.add_argument("--all", action="store_true", help="also what is mended, adopted or gone (exits 0)")

    watch = command(
        "watch", commands.watch, "declare that an object, a schema or the database is as it should be"
    )
    one_of(watch, "schema.table, or a schema with --schema", database="watch everything in the database")
    watch.add_argument("--schema", action="store_true", help="watch the whole schema")
    watch.add_argument(
        "--policy", choices=POLICIES, default="propose", help="what a change leads to (%(default)s)"
    )
    unwatch = command("unwatch", commands.unwatch, "forget a watched object, schema or the database")
    one_of(unwatch, "schema.table, or a schema with --schema", database="forget the database as a whole")
    unwatch.add_argument("--schema", action="store_true", help="forget the whole schema")
    command("watched", commands.watched, "show the watched objects")
    adopt = command("adopt", commands.adopt, "accept an object as it is now")
    adopt.add_argument("target", help="schema.table")
    adopt.add_argument("--reason", help="kept with the new declaration")

    heal = command("heal", commands.heal, "repair an object, or everything, now, with your rights")
    repaired = heal.add_mutually_exclusive_group(required=True)
    repaired.add_argument("target", nargs="?", help="schema.table")
    repaired.add_argument("--all", action="store_true", help="everything that is watched, in one plan")
    repaired.add_argument(
        "--to", metavar="FILE|DSN", help="make this database like a document (of baseline) or another"
    )
    heal.add_argument("--yes", action="store_true", help="with --to: approve and repair without asking")
    heal.add_argument(
        "--policy", choices=POLICIES, default="propose", help="with --to: of what is new there (%(default)s)"
    )
    heal.add_argument(
        "--dry-run", action="store_true", help="only show the statements; exits 1 if there are any"
    )
    heal.add_argument("--allow-data-loss", action="store_true", help="also run what deletes data")
    compared = command("diff", exchange.diff, "show how a database differs from another; exits 1 if it does")
    compared.add_argument(
        "first", metavar="FILE|DSN", help="how it should be: a document (of baseline) or a database"
    )
    compared.add_argument(
        "second", metavar="DSN", nargs="?", help="how it is (default: the database of --dsn)"
    )
    command(
        "baseline",
        exchange.baseline,
        "print what is declared as one document (what there is, if nothing is declared)",
    )
    many = command(
        "fleet", exchange.fleet, "compare the fingerprints of databases; exits 1 if those asked differ"
    )
    many.add_argument("member", metavar="NAME=DSN", nargs="*", help="a database to ask, and what to call it")
    many.add_argument("--forget", metavar="NAME", action="append", help="a database that is none of them now")
    ledger = command("actions", commands.actions, "show the ledger")
    ledger.add_argument("target", nargs="?", help="only this object, schema.table")
    ledger.add_argument("--state", help="only actions in this state: proposed, verified…")
    log = command("ddl", commands.ddl, "show who ran which DDL")
    log.add_argument("--minutes", type=float, help="only of the last minutes")
    history = command(
        "history", commands.history, "show what happened to an object, or every state an action was in"
    )
    history.add_argument(
        "of", help="schema.table, schema.table.column, type schema.name…, or an action's number"
    )
    approve = command("approve", commands.approve, "approve a proposed action")
    reject = command("reject", commands.reject, "reject a proposed action")
    reject.add_argument("--reason", help="kept in the ledger")
    revert = command("revert", commands.revert, "undo an action by its inverse statements")
    revert.add_argument("--dry-run", action="store_true", help="only show the statements")
    revert.add_argument("--allow-data-loss", action="store_true", help="also if what was made holds data")
    for one in (approve, reject, revert):
        one.add_argument("action", type=int, help="number of the action")

    advise = command("advise", commands.advise, "show indexes to create, drop or rebuild, and their gains")
    advise.add_argument("target", nargs="?", help="only of this table, schema.table")
    advise.add_argument("--state", help="only in this state: proposed, building, validating, kept…")
    pilot = command("autopilot", commands.autopilot, "have indexes built, measured and kept or taken back")
    pilot.add_argument("mode", choices=("on", "propose", "off"), help="propose: a person approves")

    actor = command("create-actor", commands.create_actor, "make the login role that runs the pulse")
    actor.add_argument("name", help="the new login")
    actor.add_argument("--owner", required=True, help="the role that owns the tables to be repaired")
    start = command("start", commands.start, "start the pulse by pg_cron")
    start.add_argument("actor", help="the login made by create-actor")
    start.add_argument("--force", action="store_true", help="also if the actor has other sessions")
    stop = command("stop", commands.stop, "stop the pulse")
    stop.add_argument("actor", nargs="?", help="only of this actor")
    paused = command("pause", commands.pause, "repair nothing until resume")
    paused.add_argument("reason", help="shown by doctor and heartbeat")
    command("resume", commands.resume, "allow repairs again")
    command("heartbeat", commands.heartbeat, "show the loops and how they beat; exits 1 if none is alive")
    loop = command("pulse", pulse, "run the pulse without pg_cron, logged in as the actor")
    loop.add_argument(
        "--lane", choices=("fast", "slow"), action="append", help="only this lane (default: both)"
    )
    loop.add_argument("--duration", default="65 s", help="length of one call, as an interval (%(default)s)")
    loop.add_argument("--once", action="store_true", help="end after one call")
    loop.add_argument("--force", action="store_true", help="also if the actor has other sessions")
    listener = command("listen", listen, "print beats and changes as they happen")
    listener.add_argument("--timeout", type=float, help="end after so many seconds without one")
    listener.add_argument("--count", type=int, help="end after so many")

    mirror.add(actions, common, EPILOG)
    alerts.add(actions, common, EPILOG)
    dashboard.add(command)
    grafana.add(actions, common, EPILOG)
    console.add(actions, common, EPILOG)
    demo = command("demo", commands.demo, "load real data, break it a dozen ways, and watch it mend")
    demo.add_argument(
        "--cache", metavar="DIR", default=".run/cache", help="where the data is kept (%(default)s)"
    )
    demo.add_argument("--rows", type=int, metavar="N", help="load only the first N flights")
    return top
