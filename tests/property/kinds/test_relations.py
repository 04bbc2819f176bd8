"""Views, materialized views, sequences and foreign tables: whatever slips is planned back, and taken back.

A case is what was declared and a slip; all of them run side by side in one database, each in a schema of its
own. The steps planned for the difference make facts and dump what they were; their inverses, last first, make
the dump what the slip had made of it; where nothing differs nothing is planned.
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

from support import database
from support.cluster import BIN, Cluster
from support.database import Database

Key = tuple[str, str]  # kind and name
Facts = dict[Key, tuple[int, dict[str, Any], list[Any]]]
Step = tuple[Any, ...]

pytestmark = pytest.mark.timeout(300)

FACTS = """
WITH o AS (
    SELECT array_agg(kind) AS kinds, array_agg(object_id) AS oids FROM asymm._objects(NULL)
     WHERE kind = ANY (%s))
SELECT f.kind, f.object_id, f.schema_name, f.object_name, f.facts, f.layout
  FROM o, asymm._object_facts(o.kinds, o.oids) AS f
 ORDER BY f.object_id"""
PLAN = """
SELECT phase, ord, part, name, forward, inverse, lock_class, hazards, precondition
  FROM asymm._plan_object(%s, %s, %s, %s, %s, %s, %s, '{}')"""
KINDS = ["table", "view", "materialized view", "sequence", "foreign table"]


@dataclass
class Case:
    """What was declared, the slip, and what was seen at each stage."""

    title: str
    declared: str
    slip: str
    marks: frozenset[str]
    schema: str
    facts: dict[str, Facts] = field(default_factory=dict)
    dump: dict[str, list[str]] = field(default_factory=dict)
    steps: list[tuple[Key, Step]] = field(default_factory=list)
    again: list[tuple[Key, Step]] = field(default_factory=list)
    error: str | None = None


def read(folder: Path) -> Iterator[Case]:
    """Read cases: `--- title`, marks as comments `-- mark`, what is declared, `--- slip`, the slip."""
    cases = [
        text
        for path in sorted(folder.glob("*.sql"))
        for text in re.split(r"^--- (?!slip$)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    ]
    for number, text in enumerate(cases):
        title, body = text.split("\n", 1)
        declared, slip = body.split("--- slip\n")
        marks = frozenset(line[3:] for line in declared.splitlines() if line.startswith("-- "))
        yield Case(title, declared, slip, marks, f"case_{number:03}")


CASES = list(read(Path(__file__).with_name("relations")))


def tidy(line: str) -> str:
    """Return a line of a dump without what has no meaning: a comma at its end, the order of options."""
    options = re.fullmatch(r"(.*WITH )\((.*)\)(;| AS)", line)
    if options:
        return f"{options[1]}({', '.join(sorted(options[2].split(', ')))}){options[3]}"
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
        ordered = kept[1:] if "VIEW" in lines[0] else sorted(kept[1:])
        entries[found.group(0)].append("\n".join([kept[0], *ordered]))
    return {schema: sorted(found) for schema, found in entries.items()}


class Run:
    """The cases in one database, taken through their stages together."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.roles = {name: db.role(name) for name in ("bob", "ann", "eve")}
        odd = f'odd "{db.name}" %I $1 \''
        db.own.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(odd)))
        db.forget_role(odd)
        self.roles["odd"] = sql.Identifier(odd).as_string(db.own)
        db.sql("CREATE FOREIGN DATA WRAPPER nowhere")
        db.sql("CREATE SERVER near FOREIGN DATA WRAPPER nowhere")
        db.sql("CREATE SERVER \"Far 'away'\" FOREIGN DATA WRAPPER nowhere")

    def script(self, case: Case, text: str) -> None:
        try:
            self.db.own.execute(f"SET search_path = {case.schema}")
            names = {**self.roles, "schema": case.schema}
            self.db.own.execute(
                re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], found[0]), text).encode()
            )
        except psycopg.Error as error:
            case.error = case.error or f"script: {error}"
        finally:
            self.db.own.execute("RESET search_path")

    def read(self) -> dict[str, Facts]:
        found: dict[str, Facts] = defaultdict(dict)
        for kind, oid, schema, name, facts, layout in self.db.sql(FACTS, KINDS):
            found[schema][kind, name] = (oid, facts, layout)
        return found

    def look(self, stage: str) -> None:
        dumped, facts = dump(self.db), self.read()
        for case in CASES:
            case.dump[stage] = dumped.get(case.schema, [])
            case.facts[stage] = facts.get(case.schema, {})

    def plan(self, case: Case, stage: str) -> list[tuple[Key, Step]]:
        declared, actual = case.facts["declared"], case.facts[stage]
        steps: list[tuple[Key, Step]] = []
        for key in {**declared, **actual}:
            _, wanted, layout = declared.get(key, (None, None, None))
            oid, present, _ = actual.get(key, (None, None, None))
            # As the core does it: dropped and made apart from each other.
            documents = [
                None if x is None else psycopg.types.json.Jsonb(x) for x in (wanted, layout, present)
            ]
            rows = self.db.sql(PLAN, key[0], case.schema, key[1], *documents, oid)
            steps += [(key, row) for row in rows]
        order = list(declared) + list(actual)
        return sorted(
            steps,
            key=lambda s: (s[1][0], order.index(s[0]) * (1 if s[1][0] > 20 else -1), s[1][1], s[1][2:5]),
        )

    def run(self, statements: list[str | None]) -> None:
        with self.db.own.transaction():
            for statement in statements:
                if statement is None:
                    raise AssertionError("a step without a statement")
                self.db.own.execute(statement.encode())

    def all(self) -> None:
        for case in CASES:
            self.db.own.execute(f"CREATE SCHEMA {case.schema}")
            self.script(case, case.declared)
            if "watched" in case.marks:
                self.db.sql("SELECT asymm.watch_schema(%s)", case.schema)
        self.look("declared")
        for case in CASES:
            case.steps = self.plan(case, "declared")
            if case.steps:
                case.error = case.error or f"planned without need: {case.steps}"
            self.script(case, case.slip)
        self.look("slipped")
        for case in CASES:
            self.attempt(case, "heal")
        self.look("healed")
        for case in CASES:
            case.again = self.plan(case, "healed")
            self.attempt(case, "revert")
        self.look("reverted")

    def attempt(self, case: Case, what: str) -> None:
        try:
            if what == "heal":
                case.steps = self.plan(case, "slipped")
                self.run([step[4] for _, step in case.steps])
            elif "no revert" not in case.marks:
                self.run([step[5] for _, step in reversed(case.steps)])
        except (psycopg.Error, AssertionError) as error:
            planned = "\n".join(f"{s[0]} {s[4]} <- {s[5]}" for _, s in case.steps)
            case.error = case.error or f"{what}: {error}\n{planned}"


@pytest.fixture(scope="module")
def ran(server: Cluster, template: str) -> Iterator[None]:
    """Take all cases through their stages."""
    db = database.create(server, template)
    try:
        Run(db).all()
        yield
    finally:
        db.drop()


def rows(case: Case, stage: str) -> list[tuple[Any, ...]]:
    """Return the facts of a stage as rows, which are easier to tell apart than documents."""
    return sorted(
        (*key, part, name, attribute, repr(value))
        for key, (_, found, _) in case.facts[stage].items()
        for part, names in found.items()
        for name, attributes in names.items()
        for attribute, value in attributes.items()
    )


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_case(case: Case) -> None:
    assert case.error is None, case.error
    if "no dump" not in case.marks:
        assert case.dump["slipped"] != case.dump["declared"], "the slip changed nothing"
    assert rows(case, "healed") == rows(case, "declared")
    assert case.dump["healed"] == case.dump["declared"]
    assert case.again == []
    if "no revert" not in case.marks:
        assert rows(case, "reverted") == rows(case, "slipped")
        assert case.dump["reverted"] == case.dump["slipped"]
    if "in place" in case.marks:
        kept = {key: oid for key, (oid, _, _) in case.facts["declared"].items()}
        slipped = {key: oid for key, (oid, _, _) in case.facts["slipped"].items()}
        healed = {key: oid for key, (oid, _, _) in case.facts["healed"].items()}
        assert kept == slipped == healed
    losing = [s for _, s in case.steps if "deletes data" in s[7]]
    assert bool(losing) == ("data loss" in case.marks)


def test_there_are_many() -> None:
    assert len(CASES) >= 30
