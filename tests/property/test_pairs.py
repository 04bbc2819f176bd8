"""Whatever two schemas are, the baseline of one makes a database of the other like it, and keeps what it can.

Each pair is loaded into two databases. The baseline of the one is imported into the other, which is healed;
then pg_dump must tell no difference but the order of columns, tables and columns of both must be the same
objects as before, and nothing must be left to do. A part of them again with a row in every table, and with
the change made in the very database that was declared. pairs/known.txt names those that are expected to fail,
and why; one on it that passes fails.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from support import database, judge, pair_rows, pair_sets, pairs, schema_dump
from support.cluster import MAJOR, Cluster
from support.database import Database
from support.judge import Asymmetrica, Judge, Verdict
from support.pairs import Case, Pair

pytestmark = pytest.mark.timeout(3600)
CASES = [case for case in pair_sets.every() if case.major <= int(MAJOR)]
# What a short run takes of them, the same cases each time.
SOME = set(pairs.sample(CASES, 25)[::8])
FEW = set(pairs.sample(CASES, 8)[::8])
FEW_SLIPS = set(pairs.sample([case for case in CASES if case.change], 8)[::6])
# The share of pairs that must pass in a long run.
FLOOR = 0.99


def known() -> dict[str, str]:
    """Return the pairs that are known to fail, with the reason."""
    lines = (pairs.FOLDER / "known.txt").read_text(encoding="utf-8").splitlines()
    found = [line.partition(" | ")[::2] for line in lines if line and not line.startswith("#")]
    return {
        name.strip(): reason.strip()
        for name, reason in found
        if (said := re.match(r"(before|from) (\d+):", reason.strip())) is None
        or (int(MAJOR) < int(said[2])) == (said[1] == "before")
    }


KNOWN = known()


def marked(pair: Pair, some: set[Case], kind: str = "") -> Any:
    marks = [] if pair.case in some else [pytest.mark.long]
    if (name := kind + pair.name) in KNOWN:
        marks.append(pytest.mark.xfail(reason=KNOWN[name], strict=True, raises=AssertionError))
    return pytest.param(pair, id=pair.name, marks=marks)


def chosen(request: pytest.FixtureRequest, test: str) -> list[Case]:
    """Return the cases of which this run wants a test."""
    items = [
        item
        for item in request.session.items
        if item.path == request.path and getattr(item, "originalname", "") == test
    ]
    found = {item.callspec.params["pair"].case: None for item in items}  # type: ignore[attr-defined]
    return list(found)


@pytest.fixture(scope="module")
def court(server: Cluster, template: str) -> Judge:
    return Judge(server, template)


@pytest.fixture(scope="module")
def healer(server: Cluster, template: str) -> Asymmetrica:
    db = database.create(server, template)
    there = db.value("SELECT to_regproc('asymm.watch_database') IS NOT NULL")
    db.drop()
    if not there:
        pytest.skip("asymm.watch_database() isn't there yet")
    return Asymmetrica()


@pytest.fixture(scope="module")
def schemas(request: pytest.FixtureRequest, court: Judge, healer: Asymmetrica) -> dict[str, Verdict]:
    verdicts = court.all(chosen(request, "test_pair"), healer)
    tell(verdicts)
    return {verdict.pair.name: verdict for verdict in verdicts}


@pytest.fixture(scope="module")
def with_rows(request: pytest.FixtureRequest, court: Judge, healer: Asymmetrica) -> dict[str, Verdict]:
    verdicts = court.all(chosen(request, "test_rows"), healer, rows=True)
    return {verdict.pair.name: verdict for verdict in verdicts}


@pytest.fixture(scope="module")
def slipped(request: pytest.FixtureRequest, court: Judge, healer: Asymmetrica) -> dict[str, Verdict]:
    verdicts = court.slips(chosen(request, "test_slip"), healer)
    return {verdict.pair.name: verdict for verdict in verdicts}


def tell(verdicts: list[Verdict]) -> None:
    """Print how many pass, kind by kind."""
    total = Counter(verdict.pair.kind for verdict in verdicts)
    equal = Counter(verdict.pair.kind for verdict in verdicts if verdict.equal)
    clean = Counter(verdict.pair.kind for verdict in verdicts if verdict.ok)
    print("\nkind                 pairs   equal   and clean")
    for kind in sorted(total):
        print(f"{kind:20} {total[kind]:5} {equal[kind]:7} {clean[kind]:7}")
    print(f"{'all':20} {total.total():5} {equal.total():7} {clean.total():7}")


@pytest.mark.parametrize("pair", [marked(pair, SOME) for pair in pairs.directions(CASES)])
def test_pair(pair: Pair, schemas: dict[str, Verdict]) -> None:
    assert schemas[pair.name].ok, schemas[pair.name].reason()


@pytest.mark.parametrize("pair", [marked(pair, FEW, "rows: ") for pair in pairs.directions(CASES)])
def test_rows(pair: Pair, with_rows: dict[str, Verdict]) -> None:
    """No value is lost without leave, and with leave only those that have no place in the wanted schema."""
    assert not with_rows[pair.name].problems, with_rows[pair.name].reason()


@pytest.mark.parametrize("pair", [marked(Pair(case), FEW_SLIPS, "slip: ") for case in CASES if case.change])
def test_slip(pair: Pair, slipped: dict[str, Verdict]) -> None:
    assert slipped[pair.name].ok, slipped[pair.name].reason()


def test_floor(schemas: dict[str, Verdict]) -> None:
    assert sum(verdict.ok for verdict in schemas.values()) >= FLOOR * len(schemas)


def test_known_are_there() -> None:
    names = {pair.name for pair in pairs.directions(CASES)}
    gone = [name for name in KNOWN if name.removeprefix("rows: ").removeprefix("slip: ") not in names]
    assert gone == []


def test_many_pairs_of_every_kind() -> None:
    assert len(pairs.directions(CASES)) >= 1500
    assert len({case.kind for case in CASES}) >= 25


class Nothing:
    """A healer that does nothing, or what it is told."""

    live = False

    def __init__(self, script: str = "") -> None:
        self.script = script

    def prepare(self, old: Database) -> object:
        return old.name

    def heal(self, prepared: object, new: Database, *, loss: bool) -> list[str]:  # noqa: ARG002
        judge.run(new, self.script)
        return []

    def again(self, prepared: object, new: Database) -> list[str]:  # noqa: ARG002
        return []


@pytest.mark.long
class TestJudge:
    """The judge can tell two databases apart."""

    OLD = "CREATE TABLE t (a integer, b text);"

    def verdict(self, court: Judge, new: str, script: str, *, rows: bool = False) -> Verdict:
        case = Case("x: y", self.OLD, new, one_way=True)
        return court.case(case, Nothing(script), rows=rows)[0]

    @pytest.mark.parametrize("case", pairs.sample(CASES, 8)[::9], ids=lambda case: case.name)
    def test_undone(self, court: Judge, case: Case) -> None:
        for verdict in court.case(case, Nothing()):
            assert not verdict.equal, "two schemas that differ were taken for the same"

    def test_same_but_for_order(self, court: Judge) -> None:
        verdict = self.verdict(court, "CREATE TABLE t (b text);", "ALTER TABLE t ADD COLUMN a integer")
        assert verdict.ok, verdict.reason()

    @pytest.mark.parametrize(
        ("new", "script", "problem"),
        [
            (
                "CREATE TABLE t (b text);",
                "DROP TABLE t; CREATE TABLE t (a integer, b text)",
                "remade public.t",
            ),
            (
                "CREATE TABLE t (a integer, b text, c date);",
                "ALTER TABLE t DROP a, DROP c, ADD a integer",
                "remade public.t.a",
            ),
        ],
    )
    def test_remade(self, court: Judge, new: str, script: str, problem: str) -> None:
        verdict = self.verdict(court, new, script)
        assert verdict.equal
        assert verdict.problems == [problem]

    @pytest.mark.parametrize(
        ("script", "problem"),
        [
            ("DELETE FROM t", "1 rows of public.t are 0"),
            ("UPDATE t SET b = NULL", "changed public.t.b"),
            ("ALTER TABLE t DROP b, ADD b text", "lost public.t.b"),
            ("DROP TABLE t; CREATE TABLE t (a integer, b text)", "lost the rows of public.t"),
        ],
    )
    def test_lost(self, court: Judge, script: str, problem: str) -> None:
        verdict = self.verdict(court, "CREATE TABLE t (a bigint, b text);", script, rows=True)
        assert any(problem in found for found in verdict.problems), verdict.problems

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("CREATE TYPE e AS ENUM ('a', 'b')", "CREATE TYPE e AS ENUM ('b', 'a')"),
            ("CREATE VIEW v AS SELECT 1 AS a, 2 AS b", "CREATE VIEW v AS SELECT 2 AS b, 1 AS a"),
            ("CREATE TABLE t (a integer)", "CREATE TABLE t (a integer); GRANT SELECT ON t TO app_user"),
            ("CREATE TABLE t (a integer)", "CREATE TABLE t (a integer); COMMENT ON TABLE t IS 'x'"),
            ("CREATE TABLE t (a integer)", "CREATE TABLE t (a integer); ALTER TABLE t OWNER TO app_user"),
        ],
    )
    def test_dump(self, court: Judge, one: str, other: str) -> None:
        with contextlib.ExitStack() as stack:
            sides = [stack.enter_context(court.made(script)) for script in (one, other)]
            assert schema_dump.difference(sides[0].dump, sides[1].dump)

    def test_most_tables_take_a_row(self, court: Judge) -> None:
        filled = Counter(bool(relation.rows) for relation in self.filled(court) if relation.kind == "r")
        assert filled[True] > 9 * filled[False]

    def filled(self, court: Judge) -> Iterator[pair_rows.Relation]:
        for case in pairs.sample(CASES, 8)[::3]:
            with court.made(case.new, rows=True) as side:
                yield from side.relations.values()
