"""Types, domains, collations, conversions, text search, extended statistics: slips are mended and taken back.

A case of types/*.sql is what is declared and a slip. All cases run side by side in one database, each in a
schema of its own: the steps that are planned run in the order of their phases, those of tables in between.
Then facts and dump must be what they were and rows that were there all the time keep their values; the
inverses, last first, bring the slipped dump back; where nothing differs nothing is planned.

Marks of a case
    lost: c     columns whose values the repair takes
    data loss   the repair needs leave to delete data
    no revert   what the slip did can't be brought back by inverses alone
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from support import database
from support.cluster import BIN, Cluster
from support.database import Database

pytestmark = pytest.mark.timeout(300)

Key = tuple[str, str, str]


class Known(NamedTuple):
    """An object as it was read."""

    oid: int
    facts: dict[str, Any]
    layout: list[str]


@dataclass
class Case:
    """A declared schema, a slip, and what was seen of it at each stage."""

    title: str
    declared: str
    slip: str
    marks: dict[str, str]
    schema: str
    facts: dict[str, dict[Key, Known]] = field(default_factory=dict)
    dump: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    withheld: bool = False
    error: str | None = None


def read(folder: Path) -> Iterator[Case]:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql")))
    cases = re.split(r"^--- (?!slip$)", text, flags=re.MULTILINE)[1:]
    for number, text in enumerate(cases):
        title, body = text.split("\n", 1)
        declared, slip = body.split("--- slip\n")
        marks = dict(
            line[3:].partition(": ")[::2] for line in body.splitlines() if re.match("-- [a-z]", line)
        )
        yield Case(title, declared, slip, marks, f"case_{number:03}")


CASES = list(read(Path(__file__).with_name("types")))


def tidy(line: str) -> str:
    """Return a line of a dump; columns of statistics stand in the table's order there, which may change."""
    found = re.fullmatch(r"(CREATE STATISTICS .* ON )(.*)( FROM .*)", line.strip())
    return found[1] + ", ".join(sorted(found[2].split(", "))) + found[3] if found else line.strip()


def dump(db: Database) -> dict[str, list[str]]:
    """Return pg_dump's text by schema: a string an entry; of tables sorted: columns may change places."""
    command = [BIN / "pg_dump", "--schema-only", "--schema=case_*", db.dsn]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    entries = defaultdict(list)
    for entry in re.split(r"^--\n-- Name: ", text, flags=re.MULTILINE)[1:]:
        lines = [tidy(line) for line in entry.split("\n")]
        found = re.search(r"case_\d{3}", lines[0])
        if found is None:
            raise AssertionError(f"whose is this: {lines[0]}")
        kept = [line for line in lines if line and not line.startswith(("SET default_", "--", "\\"))]
        if "Type: TABLE;" in lines[0]:
            kept = sorted(line.removesuffix(",") for line in kept)
        entries[found.group(0)].append("\n".join(kept))
    return {schema: sorted(found) for schema, found in entries.items()}


class Run:
    """The cases in one database, taken through their stages together."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.roles = {name: db.role(name) for name in ("bob", "ann")}
        odd = f'odd "{db.name}" %I $1 \''
        db.own.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(odd)))
        db.forget_role(odd)
        self.roles["odd"] = sql.Identifier(odd).as_string(db.own)

    def script(self, case: Case, text: str) -> None:
        try:
            self.db.own.execute(f"SET search_path = {case.schema}")
            filled = re.sub(r"\{([a-z]+)\}", lambda found: self.roles.get(found[1], found[0]), text)
            self.db.own.execute(filled.encode())
        except psycopg.Error as error:
            case.error = case.error or f"script: {error}"
        finally:
            self.db.own.execute("RESET search_path")

    def read(self) -> dict[str, dict[Key, Known]]:
        """Read the facts of everything there is."""
        query = (
            "WITH o AS (SELECT array_agg(o.kind) AS kinds, array_agg(o.object_id) AS oids"
            " FROM asymm._objects(ARRAY(SELECT n.oid FROM pg_namespace n WHERE n.nspname ~ '^case_')) AS o)"
            " SELECT f.object_id::bigint, f.kind, f.schema_name, f.object_name, f.facts, f.layout"
            " FROM o, asymm._object_facts(o.kinds, o.oids) AS f"
        )
        found: dict[str, dict[Key, Known]] = defaultdict(dict)
        for oid, kind, schema, name, facts, layout in self.db.sql(query):
            if schema:
                found[schema][kind, schema, name] = Known(oid, facts, layout)
        return found

    def look(self, stage: str) -> None:
        dumped, known = dump(self.db), self.read()
        for case in CASES:
            case.dump[stage] = dumped.get(case.schema, [])
            case.facts[stage] = known.get(case.schema, {})
            lost = case.marks.get("lost", "").split()
            for kind, schema, name in case.facts[stage]:
                if kind == "table":
                    query = sql.SQL(
                        "SELECT (to_jsonb(t.*) - {}::text[])::text FROM {} AS t ORDER BY 1"
                    ).format(lost, sql.Identifier(schema, name))
                    rows = [row[0] for row in self.db.own.execute(query)]
                    case.rows.setdefault(stage, {})[name] = rows

    def plan(self, wanted: dict[Key, Known], present: dict[Key, Known]) -> list[dict[str, Any]]:
        """Plan what differs, as one: what depends on it is taken off before and put back after."""
        items = []
        for key in sorted({*wanted, *present}):
            want, have = wanted.get(key), present.get(key)
            if want is None or have is None or want.facts != have.facts:
                items.append(
                    {
                        **dict(zip(("kind", "schema", "name"), key, strict=True)),
                        "declared": want and want.facts,
                        "layout": want and want.layout,
                        "actual": have and have.facts,
                        "oid": have and have.oid,
                    }
                )
        steps: list[dict[str, Any]] = self.db.value("SELECT asymm._plan_set(%s)", Jsonb(items))
        return steps

    def heal(self) -> None:
        known = self.read()
        for case in CASES:
            if case.error is None:
                try:
                    case.steps = self.plan(case.facts["declared"], known[case.schema])
                except psycopg.Error as error:
                    case.error = f"plan: {error}"
                else:
                    self.run(case, case.steps)

    def run(self, case: Case, steps: list[dict[str, Any]]) -> None:
        leave = "data loss" in case.marks
        with psycopg.connect(self.db.dsn) as connection:
            for step in steps:
                if step["forward"] is None:
                    case.error = f"{step['object']} {step['hazards']}"
                elif "deletes data" in step["hazards"] and leave:
                    query = "SELECT asymm._loses_nothing(%s)"
                    (harmless,) = connection.execute(query, [Jsonb(step)]).fetchone() or (False,)
                    case.withheld = case.withheld or not harmless
            try:
                query = "SELECT r.ran, r.withheld FROM asymm._run_steps(%s, %s) AS r"
                case.steps, withheld = connection.execute(query, [Jsonb(steps), leave]).fetchone() or ([], [])
                case.withheld = case.withheld or bool(withheld)
            except psycopg.Error as error:
                connection.rollback()
                case.steps = []
                case.error = case.error or f"{error}\n" + "\n".join(str(step["forward"]) for step in steps)

    def revert(self, case: Case) -> None:
        with psycopg.connect(self.db.dsn, options="-c check_function_bodies=off") as connection:
            for step in reversed(case.steps):
                try:
                    connection.execute(step["inverse"].encode())
                except psycopg.Error as error:
                    connection.rollback()
                    case.error = f"inverse of {step['forward']}: {step['inverse']}: {error}"
                    return

    def all(self) -> None:
        for case in CASES:
            self.db.own.execute(f"CREATE SCHEMA {case.schema}")
            self.script(case, case.declared)
        self.look("declared")
        for case in CASES:
            self.script(case, case.slip)
        self.look("slipped")
        self.heal()
        self.look("healed")
        for case in CASES:
            if case.error is None and "no revert" not in case.marks:
                self.revert(case)
        self.look("reverted")
        self.idle = [
            step
            for case in CASES
            for key, known in case.facts["declared"].items()
            for step in self.db.sql(
                "SELECT f.* FROM asymm._plan_object(%s, %s, %s, %s, %s, %s, %s, '{}') AS f",
                *key,
                Jsonb(known.facts),
                Jsonb(known.layout),
                Jsonb(known.facts),
                known.oid,
            )
        ]


@pytest.fixture(scope="module")
def ran(server: Cluster, template: str) -> Iterator[Run]:
    """Take all cases through their stages."""
    db = database.create(server, template)
    try:
        run = Run(db)
        run.all()
        yield run
    finally:
        db.drop()


def documents(known: dict[Key, Known]) -> str:
    return json.dumps({str(key): one.facts for key, one in known.items()}, indent=1, sort_keys=True)


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_case(case: Case) -> None:
    assert case.error is None, case.error
    assert case.dump["slipped"] != case.dump["declared"], "the slip changed nothing"
    assert documents(case.facts["healed"]) == documents(case.facts["declared"])
    assert case.dump["healed"] == case.dump["declared"]
    assert case.withheld == ("data loss" in case.marks), "asked for leave to delete data"
    assert case.rows.get("healed") == case.rows.get("declared")
    if "no revert" not in case.marks:
        assert case.dump["reverted"] == case.dump["slipped"]


def test_nothing_is_planned_where_nothing_differs(ran: Run) -> None:
    assert ran.idle == []
