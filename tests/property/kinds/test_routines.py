"""Slips on routines, operators and what is built of them are mended and taken back; then all is made anew.

A case of routines/*.sql is a declared script and a slip, run in a schema of their own, {schema}; names of
what lives in no schema begin with it. Steps are run as planned, ordered by phase; their inverses from the
last to the first. Objects of other kinds, and those in the schema `outside`, stay as they are.
"""

from __future__ import annotations

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
from psycopg.types.json import Jsonb

from support import database
from support.cluster import BIN, Cluster
from support.database import Database

pytestmark = pytest.mark.timeout(300)

Key = tuple[str, str, str]

FUNCTIONS = {
    "pg_proc": "routine",
    "pg_operator": "operator",
    "pg_opfamily": "operator_family",
    "pg_opclass": "operator_class",
    "pg_cast": "cast",
    "pg_transform": "transform",
    "pg_language": "language",
    "pg_am": "access_method",
}


@dataclass
class Case:
    """A declared script and a slip, and what was seen of both."""

    title: str
    declared: str
    slip: str
    schema: str
    facts: dict[str, dict[Key, Any]] = field(default_factory=dict)
    dump: dict[str, list[str]] = field(default_factory=dict)
    left: list[Any] = field(default_factory=list)
    error: str | None = None


def read(folder: Path) -> list[Case]:
    cases = []
    for path in sorted(folder.glob("*.sql")):
        for text in re.split(r"^--- (?!slip$)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            title, body = text.split("\n", 1)
            declared, slip = body.split("--- slip\n")
            cases.append(Case(title, declared, slip, f"case_{len(cases):03}"))
    return cases


CASES = read(Path(__file__).parent / "routines")


def dump(db: Database) -> dict[str, list[str]]:
    """Return pg_dump's text by schema, an entry a string."""
    command = [BIN / "pg_dump", "--schema-only", "--exclude-schema=asymm", db.dsn]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    entries = defaultdict(list)
    for entry in re.split(r"^--\n-- Name: ", text, flags=re.MULTILINE)[1:]:
        found = re.search(r"case_\d{3}", entry)
        if found is not None:
            lines = [
                line
                for line in entry.split("\n")
                if line and not line.startswith(("SET default_", "--", "\\"))
            ]
            entries[found.group(0)].append("\n".join([lines[0], *sorted(lines[1:])]))
    return {schema: sorted(found) for schema, found in entries.items()}


class Run:
    """All cases in one database."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.roles = {name: db.role(name) for name in ("bob", "ann")}
        odd = f'odd "{db.name}" %I $1 \''
        db.own.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(odd)))
        db.forget_role(odd)
        self.roles["odd"] = sql.Identifier(odd).as_string(db.own)
        self.layout: dict[Key, Any] = {}

    def script(self, case: Case, text: str) -> None:
        names = {**self.roles, "schema": case.schema}
        filled = re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], found[0]), text)
        try:
            self.db.own.execute(f"SET search_path = {case.schema}")
            self.db.own.execute(filled.encode())
            self.db.own.execute("RESET search_path")
        except psycopg.Error as error:
            raise AssertionError(f"{case.title}: {error}\n{filled}") from error

    def facts(self) -> tuple[dict[Key, Any], dict[Key, int]]:
        """Return the facts of every object, and its OID."""
        facts: dict[Key, Any] = {}
        oids: dict[Key, int] = {}
        for catalog, function in FUNCTIONS.items():
            kind = "f.kind" if function == "routine" else f"'{function.replace('_', ' ')}'"
            owner = "f.owner" if catalog not in ("pg_cast", "pg_transform", "pg_am") else "NULL"
            found = self.db.sql(
                "WITH o AS MATERIALIZED (SELECT * FROM asymm._routines_objects(NULL)"
                f" WHERE class_id = '{catalog}'::regclass), o_ids AS (SELECT object_id FROM o)"
                f" SELECT {kind}, schema_name, object_name, facts, layout, object_id, o.kind, {owner},"
                " asymm._routines_oid(o.kind, schema_name, object_name)"
                f" FROM o JOIN asymm._{function}_facts(ARRAY(TABLE o_ids)) AS f USING (object_id)"
                " WHERE NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = o.class_id"
                " AND d.objid = o.object_id AND d.deptype = 'e')"
            )
            for found_kind, schema, name, document, layout, oid, listed, owned, by_name in found:
                assert (found_kind, by_name) == (listed, oid)
                assert document[listed][""].get("owner") == owned
                key = (listed, schema, name)
                facts[key], self.layout[key], oids[key] = document, layout, oid
        return facts, oids

    def look(self, stage: str) -> None:
        dumped = dump(self.db)
        found, _ = self.facts()
        for case in CASES:
            case.dump[stage] = dumped.get(case.schema, [])
            case.facts[stage] = {
                key: facts
                for key, facts in found.items()
                if case.schema in key[1] + key[2] and key[1] != "outside"
            }

    def plan(self, declared: dict[Key, Any], actual: dict[Key, Any], oids: dict[Key, int]) -> list[Any]:
        steps: list[Any] = []
        for key in sorted({*declared, *actual}):
            found = self.db.sql(
                "SELECT phase, ord, forward, inverse FROM asymm._plan_routines(%s, %s, %s, %s, %s, %s, %s)",
                *key,
                Jsonb(declared[key]) if key in declared else None,
                Jsonb(self.layout[key]),
                Jsonb(actual[key]) if key in actual else None,
                oids.get(key),
            )
            steps += found
        return sorted(steps, key=lambda step: step[:2])

    def run(self, case: Case, statements: list[str]) -> None:
        for statement in statements:
            try:
                with self.db.own.transaction():
                    self.db.own.execute("SET LOCAL check_function_bodies = off")
                    self.db.own.execute(statement.encode())
            except psycopg.Error as error:
                case.error = case.error or f"{error}\n{statement}\n-- of\n" + ";\n".join(statements)

    def all(self) -> None:
        for case in CASES:
            self.db.own.execute(f"CREATE SCHEMA {case.schema}")
            self.script(case, case.declared)
        self.look("declared")
        for case in CASES:
            self.script(case, case.slip)
        self.look("slipped")
        _, oids = self.facts()
        ran = {}
        for case in CASES:
            ran[case.schema] = self.plan(case.facts["declared"], case.facts["slipped"], oids)
            self.run(case, [step[2] for step in ran[case.schema]])
        self.look("healed")
        _, oids = self.facts()
        for case in CASES:
            case.left = self.plan(case.facts["declared"], case.facts["healed"], oids)
            self.run(case, [step[3] for step in reversed(ran[case.schema])])
        self.look("reverted")
        _, oids = self.facts()
        for case in CASES:
            self.run(
                case, [step[2] for step in self.plan(case.facts["declared"], case.facts["reverted"], oids)]
            )
        self.look("healed again")
        _, oids = self.facts()
        for case in CASES:
            self.run(case, [step[2] for step in self.plan({}, case.facts["declared"], oids)])
        self.look("dropped")
        for case in CASES:
            self.run(case, [step[2] for step in self.plan(case.facts["declared"], {}, {})])
        self.look("made")


@pytest.fixture(scope="module")
def ran(server: Cluster, template: str) -> Iterator[None]:
    db = database.create(server, template)
    try:
        Run(db).all()
        yield
    finally:
        db.drop()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_case(case: Case, ran: None) -> None:  # noqa: ARG001
    assert case.error is None, case.error
    assert case.dump["slipped"] != case.dump["declared"], "the slip changed nothing"
    for stage in ("healed", "healed again", "made"):
        assert case.facts[stage] == case.facts["declared"], stage
        assert case.dump[stage] == case.dump["declared"], stage
    assert case.left == []
    assert case.facts["reverted"] == case.facts["slipped"]
    assert case.dump["reverted"] == case.dump["slipped"]
    assert case.facts["dropped"] == {}
