"""Commands between databases: diff, baseline, heal --to, fleet."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.conninfo import make_conninfo

from .._database_sync import Database, connect
from ..errors import AsymmetricaError, ConnectionFailed
from ..rows import Baseline, ObjectStep
from .difference import show
from .output import Output

SHORT = 12  # digits of a fingerprint that people are shown


class UsageError(AsymmetricaError):
    """What was said on the command line can't be done."""


class ChangedMeanwhileError(AsymmetricaError):
    """The plan is no longer the one that was shown."""


def conninfo(given: str | None) -> str:
    """Return the connection string: what was given, else ASYMMETRICA_DSN, else '' (the PG* variables).

    As with psql, a plain word is the name of a database; it may hold blanks.
    """
    dsn = given if given is not None else os.environ.get("ASYMMETRICA_DSN", "")
    if dsn and "=" not in dsn and not dsn.startswith(("postgresql://", "postgres://")):
        return make_conninfo("", dbname=dsn)
    return dsn


def own(db: Database) -> Connection[Any]:
    """Return the connection that `connect` opened."""
    assert db._session.own is not None
    return db._session.own


def place(db: Database) -> str:
    """Return which database this is, for people: never with a secret."""
    info = own(db).info
    return f"{info.dbname} at {info.host or 'localhost'}:{info.port}"


def is_file(source: str) -> bool:
    """Say whether a source is a file rather than a connection string: - or a path or *.json."""
    named = source == "-" or source.endswith(".json") or os.sep in source
    return named and "://" not in source and "=" not in source


def read(source: str) -> str:
    """Return the text of a file, - for standard input."""
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{source} can't be read: {reason}") from None
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{source} is not JSON: {error}", hint="Write one with: asymmetrica baseline > FILE"
        ) from None
    return text


def declared(db: Database) -> tuple[Baseline, str]:
    """Return what a database should be (what it is, if nothing is watched), and what that is."""
    found = db.baseline()
    return (found, "its baseline") if found.objects else (db.present_state(), "its present state")


def wanted(source: str) -> tuple[Baseline | str, str]:
    """Return the document of a file or of a database, and what it is for people."""
    if is_file(source):
        return read(source), "standard input" if source == "-" else source
    with connect(conninfo(source)) as other:
        document, what = declared(other)
        return document, f"{place(other)}: {what}, {document.fingerprint[:SHORT]}, {document.objects} objects"


def diff(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    document, title = wanted(arguments.first)
    with connect(dsn if arguments.second is None else conninfo(arguments.second)) as db:
        own(db).add_notice_handler(out.notice)
        found = db.diff(document)
        if out.json:
            out.rows(found)
        elif found:
            show(found, title, place(db))
        else:
            out.line(f"no difference: {place(db)} is like {title}")
    return 1 if found else 0


def baseline(dsn: str, _: argparse.Namespace, __: Output) -> int:
    with connect(dsn) as db:
        document, what = declared(db)
        if what != "its baseline":
            print(f"nothing is watched in {place(db)}: this is {what}", file=sys.stderr)
    print(document.document, flush=True)
    return 0


STEPS = ("step", "object", "statement", "lock_class", "hazards", "state")


def heal_to(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    """Make this database what a document says: show the plan, ask, approve the document, heal."""
    document, title = wanted(arguments.to)
    with connect(dsn) as db:
        own(db).add_notice_handler(out.warning)  # the statements are shown here already
        with own(db).transaction(force_rollback=True):
            taken = db.import_baseline(document)
            db.approve_baseline(taken.fingerprint, policy=arguments.policy)
            plan = db.heal_all(dry_run=True)
        if not plan or arguments.dry_run:
            out.rows(plan, STEPS, empty=f"nothing to repair: {place(db)} is like {title}")
            return 1 if plan else 0
        if not arguments.yes:
            out.rows(plan, STEPS)
        if not agreed(f"Make {title} the baseline of {place(db)} and run this?", arguments.yes, out):
            out.line("nothing was changed")
            return 1
        with own(db).transaction():
            db.import_baseline(document)
            db.approve_baseline(taken.fingerprint, policy=arguments.policy)
            if [step.statement for step in db.heal_all(dry_run=True)] != [step.statement for step in plan]:
                raise ChangedMeanwhileError(
                    "the database changed while the plan was shown", hint="Run it again to see the new plan."
                )
            steps = db.heal_all(allow_data_loss=arguments.allow_data_loss)
            if failed(steps):
                raise AsymmetricaError(
                    "the repair failed and nothing was changed", hint="The warning above says why."
                )
    if arguments.yes:
        out.rows(steps, STEPS)
    return told(steps, out)


def heal_all(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    """Repair everything that is watched."""
    with connect(dsn) as db:
        own(db).add_notice_handler(out.notice)
        steps = db.heal_all(dry_run=arguments.dry_run, allow_data_loss=arguments.allow_data_loss)
    out.rows(steps, STEPS, empty="nothing to repair")
    if arguments.dry_run:
        return 1 if steps else 0
    return 4 if failed(steps) else told(steps, out)


def failed(steps: Sequence[ObjectStep]) -> bool:
    return any(step.state == "failed" for step in steps)


def told(steps: Sequence[ObjectStep], out: Output) -> int:
    """Say what was done and what was not, and return the exit code."""
    left = sum(step.state == "withheld" for step in steps)
    if steps:
        out.line(f"{len(steps) - left} statements run, {left} left undone")
    if left:
        out.line("what deletes data needs --allow-data-loss; of the others the hazards say why")
    return 4 if left else 0


def agreed(question: str, yes: bool, out: Output) -> bool:
    """Say whether a person agrees, or said --yes."""
    if yes:
        return True
    if out.json or not sys.stdin.isatty():
        raise UsageError("nobody is there to ask", hint="Look at the plan with --dry-run, then say --yes.")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


MEMBER = ("name", "label", "fingerprint", "agrees_with", "seen_at", "changed_at")


def fleet(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    named = [member.partition("=") for member in arguments.member]
    for name, sign, _ in named:
        if not name or not sign:
            raise UsageError("a member of the fleet is NAME=DSN", hint="asymmetrica fleet staging=shop")
    roots: set[str] = set()
    unreachable = 0
    with connect(dsn) as db:
        for name in arguments.forget or ():
            db.leave_fleet(name)
        for name, _, member in named:
            try:
                with connect(conninfo(member)) as other:
                    root, label = other.fingerprint_database(), place(other)
            except ConnectionFailed as error:
                unreachable += 1
                out.error(ConnectionFailed(f"{name}: {error.message}", detail=error.detail, hint=error.hint))
                continue
            roots.add(root)
            db.report_to_fleet(name, root, label=label)
        found = db.fleet()
    if not out.json:
        found = [dataclasses.replace(row, fingerprint=row.fingerprint[:SHORT]) for row in found]
    out.rows(found, MEMBER, empty="nothing was reported yet: asymmetrica fleet NAME=DSN …")
    if unreachable:
        return 3
    return 1 if len(roots) > 1 else 0
