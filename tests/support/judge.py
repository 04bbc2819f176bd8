"""Judges what makes one database like another: by pg_dump, by what it kept, by what is left to do.

A healer is given two databases, the one to be like and the one to change. Ours is `Asymmetrica`.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from support import database, pair_rows, schema_dump
from support.cluster import Cluster
from support.database import Database
from support.pairs import ROLES, Case, Pair, directions, statements

WATCH = "SELECT count(*) FROM asymm.watch_database('propose')"
_serial = itertools.count(1)
SUBSCRIPTIONS = (
    "SELECT s.subname FROM pg_subscription AS s JOIN pg_database AS d ON d.oid = s.subdbid"
    " WHERE d.datname = current_database()"
)


class Healer(Protocol):
    """Makes `new` like `old`; raises what goes wrong; returns what it left undone by its own account.

    live: it reads `old` when it heals, so that this must not have been healed itself meanwhile.
    """

    live: bool

    def prepare(self, old: Database) -> object: ...

    def heal(self, prepared: object, new: Database, *, loss: bool) -> list[str]: ...

    def again(self, prepared: object, new: Database) -> list[str]: ...


@dataclass
class Verdict:
    """What came of one pair."""

    pair: Pair
    difference: str = ""
    problems: list[str] = field(default_factory=list)
    ms: float = 0.0

    @property
    def equal(self) -> bool:
        return not self.difference

    @property
    def remade(self) -> bool:
        return any(problem.startswith("remade") for problem in self.problems)

    @property
    def ok(self) -> bool:
        return self.equal and not self.problems

    def reason(self) -> str:
        return "\n".join([*self.problems, *([self.difference] if self.difference else [])])


@dataclass
class Side:
    """A database as a script made it, its dump and its tables."""

    db: Database
    dump: list[str]
    relations: dict[str, pair_rows.Relation]


class ScriptError(Exception):
    """A script of the corpus doesn't load."""


class Judge:
    """Judges the cases in databases of one server."""

    def __init__(self, server: Cluster, template: str) -> None:
        self.server = server
        self.template = template
        with server.admin() as admin:
            for role in ROLES:
                with contextlib.suppress(psycopg.errors.DuplicateObject):
                    admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
            with contextlib.suppress(psycopg.errors.DuplicateObject):
                admin.execute("SET allow_in_place_tablespaces = on")
                admin.execute("CREATE TABLESPACE app_space LOCATION ''")

    @contextlib.contextmanager
    def made(self, script: str, *, rows: bool = False) -> Iterator[Side]:
        """Yield a database of the script."""
        # Many are made at once: copying files is the quicker way then.
        db = database.create(self.server, self.template, f"pair_{next(_serial)}")
        try:
            run(db, script)
            if rows:
                pair_rows.fill(db)
            yield Side(db, schema_dump.entries(db.dsn), pair_rows.relations(db, rows=rows))
        finally:
            # A database with one can't be dropped.
            for (name,) in db.sql(SUBSCRIPTIONS):
                db.sql(sql.SQL("DROP SUBSCRIPTION {}").format(sql.Identifier(name)).as_string(db.own))
            db.drop()

    def case(self, case: Case, healer: Healer, *, rows: bool = False) -> list[Verdict]:
        """Judge both directions of a case: two databases, each of which is to become as the other was."""
        pairs = directions([case])
        if healer.live and len(pairs) > 1:
            return [verdict for pair in pairs for verdict in self.pairs(case, [pair], healer, rows)]
        return self.pairs(case, pairs, healer, rows)

    def pairs(self, case: Case, pairs: list[Pair], healer: Healer, rows: bool) -> list[Verdict]:
        verdicts = []
        with self.made(case.old, rows=rows) as old, self.made(case.new, rows=rows) as new:
            if old.dump == new.dump:
                raise ScriptError(f"{case.name}: the two schemas are the same")
            # Both before either is changed.
            prepared = [prepare(healer, new.db if pair.back else old.db) for pair in pairs]
            for pair, one in zip(pairs, prepared, strict=True):
                if isinstance(one, Exception):
                    verdicts.append(Verdict(pair, "not healed", [f"raised when declared: {one}"]))
                    continue
                wanted, found = (new, old) if pair.back else (old, new)
                verdicts.append((judge_rows if rows else judge_schema)(pair, healer, one, wanted, found))
        return verdicts

    def slip(self, case: Case, healer: Asymmetrica) -> Verdict:
        """Judge the change made in the very database whose schema was declared."""
        verdict = Verdict(Pair(case))
        with self.made(case.old) as side:
            prepared = healer.declare(side.db)
            run(side.db, case.change or "")
            before = pair_rows.relations(side.db)
            attempt(verdict, healer, None, side.db, loss=False)
            finish(verdict, healer, prepared, side, Side(side.db, [], before))
        return verdict

    def all(
        self, cases: Sequence[Case], healer: Healer, *, workers: int = 2, rows: bool = False
    ) -> list[Verdict]:
        def one(case: Case) -> list[Verdict]:
            try:
                return self.case(case, healer, rows=rows)
            except ScriptError as error:
                return [Verdict(pair, "not loaded", [str(error)]) for pair in directions([case])]

        with ThreadPoolExecutor(workers) as pool:
            return list(itertools.chain.from_iterable(pool.map(one, cases)))

    def slips(self, cases: Sequence[Case], healer: Asymmetrica, *, workers: int = 2) -> list[Verdict]:
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(lambda case: self.slip(case, healer), cases))


def run(db: Database, script: str) -> None:
    """Run a script, a transaction after the other."""
    for text in statements(script):
        try:
            db.own.execute(text.encode())
        except psycopg.Error as error:
            raise ScriptError(f"{error}\n{text}") from error
    db.own.execute("RESET ALL")


def prepare(healer: Healer, db: Database) -> object:
    """Return what the healer takes from a database, or its error."""
    try:
        return healer.prepare(db)
    except Exception as error:
        return error


def attempt(verdict: Verdict, healer: Healer, prepared: object, db: Database, *, loss: bool) -> None:
    start = time.perf_counter()
    try:
        verdict.problems += [f"left undone: {step}" for step in healer.heal(prepared, db, loss=loss)]
    except Exception as error:
        verdict.problems.append(f"raised {type(error).__name__}: {error}")
    verdict.ms = (time.perf_counter() - start) * 1000


def finish(verdict: Verdict, healer: Healer, prepared: object, wanted: Side, found: Side) -> None:
    """Compare what was to be with what is, and ask the healer once more."""
    verdict.difference = schema_dump.difference(wanted.dump, schema_dump.entries(found.db.dsn))
    after = pair_rows.relations(found.db)
    allowed = verdict.pair.case.remade
    verdict.problems += pair_rows.remade(wanted.relations, found.relations, after, allowed)
    if verdict.equal and not any(problem.startswith("raised") for problem in verdict.problems):
        try:
            verdict.problems += [f"not settled: {step}" for step in healer.again(prepared, found.db)]
        except Exception as error:
            verdict.problems.append(f"raised when asked again {type(error).__name__}: {error}")


def judge_schema(pair: Pair, healer: Healer, prepared: object, wanted: Side, found: Side) -> Verdict:
    """Judge a pair on empty tables."""
    verdict = Verdict(pair)
    attempt(verdict, healer, prepared, found.db, loss=False)
    finish(verdict, healer, prepared, wanted, found)
    return verdict


def judge_rows(pair: Pair, healer: Healer, prepared: object, wanted: Side, found: Side) -> Verdict:
    """Judge a pair on tables with rows: without leave nothing is lost, with it only what has no place."""
    verdict = Verdict(pair)
    attempt(verdict, healer, prepared, found.db, loss=False)
    between = pair_rows.relations(found.db, rows=True)
    allowed = pair.case.remade
    missing = pair_rows.lost(found.relations, between, None)
    verdict.problems = [f"without leave: {text}" for text in missing if not spared(text, allowed)]
    undone = Verdict(pair)
    attempt(undone, healer, prepared, found.db, loss=True)
    after = pair_rows.relations(found.db, rows=True)
    gone = pair_rows.lost(found.relations, after, wanted.relations)
    verdict.problems += [text for text in gone if not spared(text, allowed)]
    verdict.difference = schema_dump.difference(wanted.dump, schema_dump.entries(found.db.dsn))
    if verdict.difference and undone.problems:
        verdict.difference = "\n".join([*undone.problems, verdict.difference])
    return verdict


def spared(text: str, allowed: frozenset[str]) -> bool:
    """Return whether a problem is with what a case says can't be kept."""
    return any(f".{name}" in text for name in allowed)


class Asymmetrica:
    """The extension: the baseline of one database, imported, approved and healed in the other."""

    live = False

    def prepare(self, old: Database) -> object:
        """Declare everything and return the baseline; nothing of it stays: this side may be healed too."""
        with old.connect(autocommit=False) as session:
            session.execute(WATCH)
            row = session.execute("SELECT asymm.baseline()").fetchone()
            session.rollback()
        return Jsonb(row[0] if row else None)

    def declare(self, db: Database) -> object:
        db.sql(WATCH)
        return Jsonb(db.value("SELECT asymm.baseline()"))

    def heal(self, prepared: object, new: Database, *, loss: bool) -> list[str]:
        said: list[str] = []
        with new.connect() as session:
            session.add_notice_handler(lambda notice: said.extend(warning(notice)))
            if prepared is not None:
                session.execute(
                    "SELECT a.* FROM asymm.import_baseline(%s) AS i"
                    " CROSS JOIN LATERAL asymm.approve_baseline(i.fingerprint) AS a",
                    [prepared],
                )
            query = "SELECT state, concat_ws(': ', object, statement, hazards) FROM asymm.heal_all(false, %s)"
            steps = session.execute(query, [loss]).fetchall()
        undone = [f"{state}: {step}" for state, step in steps if state != "verified"]
        # One that failed takes all others back.
        return said + [step for step in undone if not said or not step.startswith("failed")]

    def again(self, prepared: object, new: Database) -> list[str]:
        left = [str(row) for row in new.sql("SELECT * FROM asymm.heal_all()")]
        return left + [f"differs: {row}" for row in new.sql("SELECT * FROM asymm.diff(%s)", prepared)]


def warning(notice: psycopg.errors.Diagnostic) -> list[str]:
    """Return a warning's text; nothing for what is only told."""
    if notice.severity_nonlocalized != "WARNING":
        return []
    return [" ".join(filter(None, (notice.message_primary, notice.message_detail)))]
