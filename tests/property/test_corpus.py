"""Every kind of slip on every kind of table is mended, taken back and mended again.

A case of corpus/*.sql is a declared schema and a slip. All cases run side by side in one database: declared,
watched, slipped, healed, reverted, healed again; a short run takes a fifth of them. After a heal the facts
and pg_dump's text must be what they were (order of columns and options aside), after a revert what the slip
had made of them; rows that were there all the time keep their values.

Marks of a case
    lost: c     columns whose values the slip destroys; `rows gone` is all of them
    data loss   the repair needs leave to delete data
    no revert   what the slip did can't be done by a statement
    locality    columns of a child that left its parent stay its own; from a version on if one is named
    grantors    what others had granted is granted by the owner
    wording     a revert writes an IN list as people write it
    since: n    only on a server of this version or a later one
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from support import database
from support.cluster import BIN, MAJOR, Cluster
from support.database import Database

Facts = dict[str, dict[str, Any]]


@dataclass
class Case:
    """A declared schema, a slip, and what was seen of it at each stage."""

    title: str
    declared: str
    slip: str
    marks: dict[str, str]
    schema: str = ""
    facts: dict[str, Facts] = field(default_factory=dict)
    dump: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    open: dict[str, list[Any]] = field(default_factory=dict)
    error: str | None = None


def read(folder: Path) -> list[Case]:
    cases = []
    for path in sorted(folder.glob("*.sql")):
        for text in re.split(r"^--- (?!slip$)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            title, body = text.split("\n", 1)
            declared, slip = body.split("--- slip\n")
            marks = dict(
                (line[3:].partition(": ")[::2]) for line in declared.splitlines() if line.startswith("-- ")
            )
            if int(marks.get("since", "0")) <= int(MAJOR):
                cases.append(Case(f"{path.stem}: {title}", declared, slip, marks))
    for number, case in enumerate(cases):
        case.schema = f"case_{number:03}"
    return cases


pytestmark = pytest.mark.timeout(600)
CASES = read(Path(__file__).parent / "corpus")


def tidy(line: str) -> str:
    """Return a line of a dump without what has no meaning: a comma at its end, the order of options."""
    options = re.fullmatch(r"WITH \((.*)\);", line)
    if options:
        return f"WITH ({', '.join(sorted(options[1].split(', ')))});"
    return line.strip().removesuffix(",")


def dump(db: Database) -> dict[str, list[str]]:
    """Return pg_dump's text by schema: a string an entry, its lines sorted against the order of columns."""
    command = [BIN / "pg_dump", "--schema-only", "--schema=case_*", db.dsn]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    entries = defaultdict(list)
    for entry in re.split(r"^--\n-- Name: ", text, flags=re.MULTILINE)[1:]:
        lines = [tidy(line) for line in entry.split("\n")]
        found = re.search(r"case_\d{3}", lines[0])
        if found is None:
            raise AssertionError(f"whose is this: {lines[0]}")
        kept = [line for line in lines if line and not line.startswith(("SET default_", "--", "\\"))]
        entries[found.group(0)].append("\n".join([kept[0], *sorted(kept[1:])]))
    return {schema: sorted(found) for schema, found in entries.items()}


class Run:
    """The cases in one database, taken through their stages together."""

    def __init__(self, db: Database, cases: list[Case]) -> None:
        self.db, self.cases = db, cases
        self.roles = {name: db.role(name) for name in ("bob", "ann", "eve")}
        odd = f'odd "{db.name}" %I $1 \''
        db.own.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(odd)))
        db.forget_role(odd)
        self.roles["odd"] = sql.Identifier(odd).as_string(db.own)

    def script(self, case: Case, text: str) -> None:
        names = {**self.roles, "schema": case.schema, "schema_x": f"{case.schema}_x"}
        try:
            self.db.own.execute(f"SET search_path = {case.schema}")
            self.db.own.execute(
                re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], found[0]), text).encode()
            )
        except psycopg.Error as error:
            case.error = case.error or f"script: {error}"
        finally:
            self.db.own.execute("RESET search_path")

    def process(self) -> None:
        """Have the whole DDL log read; one beat takes only so much of it."""
        while self.db.value("SELECT count(*) FROM asymm.ddl_log WHERE NOT seen"):
            self.db.sql("SELECT asymm._process_ddl()")

    def look(self, stage: str) -> None:
        dumped = dump(self.db)
        found = self.db.sql(
            "SELECT f.schema_name::text, f.object_name::text, f.facts FROM asymm._table_facts(ARRAY("
            " SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname ~ '^case_' AND c.relkind IN ('r', 'p'))) AS f"
        )
        for case in self.cases:
            case.dump[stage] = dumped.get(case.schema, [])
            case.facts[stage] = {f"{s}.{o}": facts for s, o, facts in found if s.startswith(case.schema)}
            case.rows[stage] = {}
        for schema, name, _ in found:
            query = sql.SQL("SELECT to_jsonb(t.*) FROM {} AS t").format(sql.Identifier(schema, name))
            rows = [row[0] for row in self.db.own.execute(query)]
            CASES[int(schema[5:8])].rows[stage][f"{schema}.{name}"] = rows

    def drifted(self, case: Case) -> list[Any]:
        query = (
            "SELECT object, part, name, attribute, declared, actual, reason FROM asymm.drift"
            " WHERE resolved_at IS NULL AND object ~ %s"
        )
        return self.db.sql(query, f"^{case.schema}")

    def heal(self, case: Case, stage: str) -> None:
        """Heal each table until nothing is open: one may need another to be mended first."""
        left, before = self.drifted(case), 10**6
        while left and len(left) < before:
            before = len(left)
            for target in sorted({row[0] for row in left}):
                try:
                    self.heal_one(case, target)
                except psycopg.Error as error:
                    case.error = f"heal {target}: {error}"
            left = self.drifted(case)
            if left:
                self.inspect(case)
                left = self.drifted(case)
        case.open[stage] = self.drifted(case)

    def heal_one(self, case: Case, target: str) -> None:
        self.db.sql("SELECT * FROM asymm.heal(%s)", target)
        query = (
            "SELECT 1 FROM asymm.drift WHERE resolved_at IS NULL AND object = %s AND reason ~ 'delete data'"
        )
        if self.db.sql(query, target):
            case.refused.append(target)
            if "data loss" in case.marks:
                self.db.sql("SELECT * FROM asymm.heal(%s, allow_data_loss => true)", target)

    def inspect(self, case: Case) -> None:
        self.db.sql(
            "SELECT asymm._inspect(ARRAY(SELECT id FROM asymm.baseline WHERE schema_name ~ %s), 'call')",
            f"^{case.schema}",
        )
        self.db.sql("SELECT asymm._inspect_undeclared('call')")

    def revert(self, case: Case) -> None:
        query = (
            "SELECT id FROM asymm.actions WHERE kind = 'heal' AND state = 'verified' AND target ~ %s"
            " ORDER BY applied_at DESC"
        )
        for (action,) in self.db.sql(query, f"^{case.schema}"):
            try:
                self.db.sql("SELECT * FROM asymm.revert(%s, allow_data_loss => true)", action)
            except psycopg.Error as error:
                case.error = f"revert: {error}"

    def all(self) -> None:
        # Autovacuum may hold a lock for a moment.
        self.db.sql("SELECT asymm.configure(lock_timeout => '5 s')")
        for case in self.cases:
            self.db.own.execute(f"CREATE SCHEMA {case.schema}")
            self.script(case, case.declared)
            self.db.sql("SELECT asymm.watch_schema(%s)", case.schema)
        self.process()
        self.look("declared")
        for case in self.cases:
            self.script(case, case.slip)
        self.process()
        self.look("slipped")
        for case in self.cases:
            if "no revert" in case.marks:
                self.inspect(case)
            self.heal(case, "healed")
        self.look("healed")
        for case in self.cases:
            if "no revert" not in case.marks:
                self.revert(case)
        self.look("reverted")
        self.process()
        for case in self.cases:
            self.heal(case, "healed again")
        self.look("healed again")


@pytest.fixture(scope="module")
def ran(server: Cluster, template: str, request: pytest.FixtureRequest) -> Iterator[None]:
    """Take the cases through their stages; a fifth of them in a short run."""
    db = database.create(server, template)
    try:
        Run(db, CASES[::5] if request.config.option.markexpr == "not long" else CASES).all()
        yield
    finally:
        db.drop()


def kept(case: Case, stage: str) -> dict[str, list[str]]:
    """Return the rows without the columns whose values the slip destroyed."""
    lost = set(case.marks.get("lost", "").split())
    return {
        table: sorted(
            json.dumps({k: v for k, v in row.items() if k not in lost}, sort_keys=True) for row in rows
        )
        for table, rows in case.rows[stage].items()
    }


def inexact(case: Case, *marks: str) -> bool:
    """Tell whether a dump may differ: by a mark, on its version and later ones if it names one."""
    return any(mark in case.marks and int(case.marks[mark] or 0) <= int(MAJOR) for mark in marks)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.title, marks=[pytest.mark.long] if number % 5 else [])
        for number, case in enumerate(CASES)
    ],
)
@pytest.mark.usefixtures("ran")
def test_case(case: Case) -> None:
    assert case.error is None, case.error
    assert case.dump["slipped"] != case.dump["declared"], "the slip changed nothing"
    for stage in ("healed", "healed again"):
        assert case.open[stage] == []
        assert case.facts[stage] == case.facts["declared"]
        if not inexact(case, "locality", "grantors"):
            assert case.dump[stage] == case.dump["declared"]
        if "rows gone" not in case.marks:
            assert kept(case, stage) == kept(case, "declared")
    if "no revert" not in case.marks:
        assert case.facts["reverted"] == case.facts["slipped"]
        if not inexact(case, "locality", "grantors", "wording"):
            assert case.dump["reverted"] == case.dump["slipped"]
    assert bool(case.refused) == ("data loss" in case.marks), "asked for leave to delete data"


def test_corpus_is_large() -> None:
    assert len(CASES) >= 120
