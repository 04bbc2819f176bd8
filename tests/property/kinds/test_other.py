"""Objects that live in no schema: every slip is mended, taken back and mended again.

A case of other/*.sql is what is declared and a slip. All cases run side by side in one database, so every
name ends in the number of its case: {n}. After the plan has run, facts and pg_dump must be what they were;
after its inverses, what the slip had made of them; after a second run as declared, and then nothing is left
to plan.

Marks of a case
    no revert   what the slip did is not known well enough to be done again
    stays: why  what can't be mended; the plan has to say so
    only: sql   a query that tells whether this server has what the case needs
"""

from __future__ import annotations

import difflib
import re
import subprocess
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

Facts = dict[tuple[str, str], dict[str, Any]]
FUNCTIONS = {
    "schema": "_schema_facts",
    "extension": "_extension_facts",
    "foreign-data wrapper": "_foreign_data_wrapper_facts",
    "server": "_server_facts",
    "user mapping": "_user_mapping_facts",
    "publication": "_publication_facts",
    "subscription": "_subscription_facts",
    "event trigger": "_event_trigger_facts",
    "default acl": "_default_acl_facts",
}
HOSTILE = "od\"d; %I $1 'x\\\n.y"

pytestmark = pytest.mark.timeout(300)


@dataclass
class Case:
    """What is declared, a slip, and what was seen of it at each stage."""

    title: str
    declared: str
    slip: str
    marks: dict[str, str]
    error: str | None = None
    facts: dict[str, Facts] = field(default_factory=dict)
    planned: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def read(folder: Path) -> list[Case]:
    cases = []
    script = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql")))
    for text in re.split(r"^--- (?!slip$)", script, flags=re.MULTILINE)[1:]:
        title, body = text.split("\n", 1)
        declared, slip = body.split("--- slip\n")
        marks = dict(
            line[3:].partition(": ")[::2] for line in declared.splitlines() if line.startswith("-- ")
        )
        cases.append(Case(title, declared, slip, marks))
    return cases


CASES = read(Path(__file__).parent / "other")


class Run:
    """The cases in one database, taken through their stages together."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.dumps: dict[str, str] = {}
        self.left: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.roles = {name: db.role(name) for name in ("ann", "bob", "eve")}
        odd = f"{HOSTILE} {db.name}"
        db.own.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(odd)))
        db.forget_role(odd)
        self.roles["odd"] = sql.Identifier(odd).as_string(db.own)
        db.sql("CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'")
        db.sql("CREATE FUNCTION public.on_ddl_too() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'")

    def script(self, case: Case, text: str) -> None:
        number = number_of(CASES.index(case))
        quoted = sql.Identifier(f"{HOSTILE} {number}").as_string(self.db.own)
        names = {**self.roles, "n": str(number), "hostile": quoted}
        try:
            self.db.own.execute(
                re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], found[0]), text).encode()
            )
        except psycopg.Error as error:
            case.error = case.error or f"script: {error}"

    def objects(self) -> dict[tuple[str, str], tuple[int, dict[str, Any]]]:
        found = {}
        for kind, function in FUNCTIONS.items():
            query = (
                f"SELECT f.object_id, f.object_name, f.facts FROM asymm.{function}(ARRAY(SELECT o.object_id"
                " FROM asymm._other_objects(NULL) AS o"
                " WHERE o.kind = %s AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = o.class_id"
                " AND d.objid = o.object_id AND d.deptype = 'e'))) AS f"
            )
            for object_id, name, facts in self.db.sql(query, kind):
                found[kind, name] = (object_id, facts)
        return found

    def look(self, stage: str) -> dict[tuple[str, str], tuple[int, dict[str, Any]]]:
        command = [BIN / "pg_dump", "--schema-only", self.db.dsn]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        entries = []
        for entry in re.split(r"^--\n-- Name: ", text, flags=re.MULTILINE)[1:]:
            title, *lines = entry.split("\n")
            # The order of grants has no meaning, and who gave them is not restored.
            kept = [line for line in lines if line and not line.startswith(("--", "SET ", "RESET ", "\\"))]
            entries.append("\n".join([title, *sorted(kept)]))
        self.dumps[stage] = "\n\n".join(sorted(entries))
        return self.objects()

    def plan(self, wanted: Any, present: Any) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = []
        for kind, name in sorted({*wanted, *present}):
            declared, (object_id, actual) = (
                wanted.get((kind, name), (0, None))[1],
                present.get((kind, name), (None, None)),
            )
            cursor = self.db.own.execute(
                "SELECT * FROM asymm._plan_other(%s, '', %s, %s, '[]', %s, %s)",
                (kind, name, dumped(declared), dumped(actual), object_id),
            )
            names = [column.name for column in cursor.description or ()]
            for row in cursor:
                steps.append({"object": (kind, name), **dict(zip(names, row, strict=True))})
        return sorted(steps, key=lambda step: (step["phase"], step["ord"]))

    def run(self, statement: str | None, step: dict[str, Any]) -> None:
        if statement is None:
            return
        try:
            self.db.own.execute(statement.encode())
        except psycopg.Error as error:
            self.errors.append(f"{step['object']} {statement}: {error}")

    def all(self) -> None:
        for case in CASES:
            if "only" in case.marks and not self.db.value(case.marks["only"]):
                case.marks["skipped"] = case.marks["only"]
                continue
            self.script(case, case.declared)
        declared = self.look("declared")
        for case in CASES:
            if "skipped" not in case.marks:
                self.script(case, case.slip)
        slipped = self.look("slipped")
        self.steps = self.plan(declared, slipped)
        for step in self.steps:
            self.run(step["forward"], step)
        self.healed = self.look("healed")
        for step in reversed(self.steps):
            self.run(step["inverse"], step)
        self.reverted = self.look("reverted")
        for step in self.plan(declared, self.reverted):
            self.run(step["forward"], step)
        self.again = self.look("healed again")
        self.left = self.plan(declared, self.again)
        self.declared, self.slipped = declared, slipped


def dumped(facts: Any) -> Any:
    return None if facts is None else psycopg.types.json.Jsonb(facts)


@pytest.fixture(scope="module")
def ran(server: Cluster, template: str) -> Iterator[Run]:
    """Take all cases through their stages."""
    db = database.create(server, template)
    try:
        run = Run(db)
        run.all()
        yield run
    finally:
        # A database with subscriptions can't be dropped.
        for (name,) in db.sql("SELECT subname FROM pg_subscription"):
            db.own.execute(sql.SQL("DROP SUBSCRIPTION {}").format(sql.Identifier(name)))
        db.drop()


def number_of(index: int) -> int:
    """Return what no role's name ends with."""
    return 1000 + index


def of_case(found: Any, index: int) -> dict[tuple[str, str], Any]:
    """Return the facts of the objects whose names carry the number of the case, and of its extensions."""
    words = re.findall(r"\w+", CASES[index].declared + CASES[index].slip)
    return {
        key: facts
        for key, (_, facts) in found.items()
        if str(number_of(index)) in key[1] or (key[0] == "extension" and key[1] in words)
    }


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.title for case in CASES])
def test_case(number: int, ran: Run) -> None:
    case = CASES[number]
    if "skipped" in case.marks:
        pytest.skip(f"{case.marks['only']} is false")
    assert case.error is None, case.error
    declared, slipped = of_case(ran.declared, number), of_case(ran.slipped, number)
    assert declared != slipped, "the slip changed nothing"
    if "stays" in case.marks:
        hazards = [h for step in ran.steps if step["forward"] is None for h in step["hazards"]]
        assert any(case.marks["stays"] in hazard for hazard in hazards)
        return
    assert of_case(ran.healed, number) == declared
    assert of_case(ran.again, number) == declared
    if "no revert" not in case.marks:
        assert of_case(ran.reverted, number) == slipped


def differences(a: str, b: str) -> list[str]:
    return list(difflib.unified_diff(a.splitlines(), b.splitlines(), lineterm="", n=3))


def expected(case: Case) -> bool:
    return bool({"stays", "no revert"} & case.marks.keys())


@pytest.mark.parametrize(
    ("stage", "like"), [("healed", "declared"), ("reverted", "slipped"), ("healed again", "declared")]
)
def test_dump(stage: str, like: str, ran: Run) -> None:
    """What pg_dump shows is what it showed, but for what can't be mended."""
    odd = {str(number_of(index)) for index, case in enumerate(CASES) if expected(case)}
    entries = [
        "\n\n".join(
            entry for entry in ran.dumps[which].split("\n\n") if not odd & set(re.findall(r"\d+", entry))
        )
        for which in (like, stage)
    ]
    assert "\n".join(differences(*entries)) == ""


def test_errors(ran: Run) -> None:
    assert ran.errors == []


def test_nothing_left(ran: Run) -> None:
    """A plan converges: run again there is nothing to do but to say what can't be done."""
    assert [(step["object"], step["forward"]) for step in ran.left if step["forward"] is not None] == []
