"""Which policy wins: the server's one ordering against a model that narrows candidates step by step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import database
from support.cluster import Cluster
from support.database import Database

HAZARDS = (
    "deletes data",
    "rewrites table",
    "scans table",
    "builds index",
    "may fail on data",
    "changes owner",
    "changes privileges",
)
SET = "SELECT asymm.set_policy(%s, %s, %s, %s, %s)"
ALONE = ("deletes data", "rewrites table")  # what heal alone does not stand for
PATTERNS = (
    "app.order_items",
    r"app.order\_items",
    "app.order%",
    "app.order_item_",
    "app.%",
    "%",
    "_%",
    "%items",
    r'app."Odd \%\_\\x"',
    'app."Odd %_\\x"',
    'app."Odd%',
    "app.f(integer)",
    "app.f(%",
    "schema app",
    "schema %",
    "other.t",
    "o%",
    "nothing.%",
    "app.v\\",
)


@dataclass(frozen=True)
class Said:
    """Something said about policies: a rule, or a watch of an object, a schema or the database."""

    policy: str
    by: str
    order: int
    scope: str = ""
    pattern: str | None = None
    kind: str | None = None
    hazard: str | None = None
    larger_than: int | None = None
    setter: str = ""


@dataclass(frozen=True)
class Thing:
    display: str
    kind: str
    schema: str
    owner: str
    size: int | None
    alone: str | None  # what watch() said of it


Rule = tuple[str, str | None, str | None, str | None, int | None, str]


def fits(pattern: str, text: str) -> bool:
    """LIKE, and the name itself."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return text == pattern or re.fullmatch(expression, text, re.DOTALL) is not None


def letters(pattern: str) -> int:
    return sum(part not in "%_" for part in re.findall(r"\\.|.", pattern, re.DOTALL))


def exact(said: Said, thing: Thing) -> bool:
    if said.pattern is None:
        return said.scope == "watch"
    wild = any(part in "%_" for part in re.findall(r"\\.|.", said.pattern, re.DOTALL))
    return said.pattern == thing.display or not wild


def narrowed(said: list[Said], *tests: Callable[[Said], float]) -> list[Said]:
    for test in tests:
        best = max(test(one) for one in said)
        said = [one for one in said if test(one) == best]
    return said


def winner(
    every: list[Said], thing: Thing, hazard: str | None, supers: set[str], *, sized: bool = True
) -> tuple[str, str]:
    """The policy in force and who decided."""
    about = [
        one
        for one in every
        if (one.pattern is None or fits(one.pattern, thing.display))
        and one.kind in (None, thing.kind)
        and one.hazard in (None, hazard)
        and (one.larger_than is None or (sized and thing.size is not None and thing.size > one.larger_than))
        and (not one.setter or one.setter == thing.owner or one.setter in supers)
        and (one.scope != "watch" or one.by == f"watch {thing.display}")
        and (one.scope != "watch_schema" or thing.schema == "app")
    ]
    kept = narrowed(about, lambda one: one.hazard is not None)
    if kept[0].hazard is None:
        plain = most_specific(kept, thing)
        if plain.policy == "heal" and hazard in ALONE:
            return "propose", "default"
    best = most_specific(kept, thing)
    return best.policy, best.scope or best.by


def most_specific(said: list[Said], thing: Thing) -> Said:
    if any(exact(one, thing) for one in said):
        said = [one for one in said if exact(one, thing)]
    elif any(one.pattern is not None for one in said):
        said = narrowed(said, lambda one: -1 if one.pattern is None else letters(one.pattern))
        said = narrowed(said, lambda one: one.kind is not None)
    elif any(one.scope == "watch_schema" for one in said):
        said = [one for one in said if one.scope == "watch_schema"]
    else:
        said = narrowed(said, lambda one: one.kind is not None)
    return narrowed(
        said, lambda one: -1 if one.larger_than is None else one.larger_than, lambda one: one.order
    )[0]


@pytest.fixture(scope="module")
def watched(server: Cluster, template: str) -> Iterator[Database]:
    db = database.create(server, template)
    ann, bob = (db.role(name, member_of=("asymm_operator",)) for name in ("ann", "bob"))
    db.sql(f"CREATE SCHEMA app AUTHORIZATION {ann}")
    db.sql(f"CREATE SCHEMA other AUTHORIZATION {bob}")
    for name, owner in (("app.order_items", ann), ('app."Odd %_\\x"', ann), ("other.t", bob)):
        db.sql(f"CREATE TABLE {name} (id int PRIMARY KEY, note text)")
        db.sql(f"ALTER TABLE {name} OWNER TO {owner}")
    db.sql("INSERT INTO app.order_items SELECT g, 'x' FROM generate_series(1, 3000) AS g")
    db.sql("CREATE VIEW app.v AS SELECT 1 AS a")
    db.sql("CREATE FUNCTION app.f(integer) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    db.sql(f"ALTER VIEW app.v OWNER TO {ann}")
    db.sql(f"ALTER FUNCTION app.f(integer) OWNER TO {ann}")
    db.sql("SELECT asymm.watch_database('observe')")
    db.sql("SELECT asymm.watch_schema('app', 'heal')")
    db.sql("SELECT asymm.watch('app.order_items', 'propose')")
    yield db
    db.drop()


def things(db: Database) -> list[Thing]:
    rows = db.sql("""
        SELECT w.object, w.kind, CASE WHEN b.kind = 'schema' THEN b.object_name ELSE b.schema_name END,
               asymm._declared_owner(b.kind, b.facts),
               pg_total_relation_size(CASE WHEN b.kind = 'table' THEN w.object::regclass END),
               CASE WHEN NOT b.by_schema THEN b.watch_policy END
          FROM asymm.watched AS w
          JOIN asymm.baseline AS b ON asymm._object_display(b.kind, b.schema_name, b.object_name) = w.object
         WHERE b.schema_name IN ('app', 'other') OR b.object_name = 'app'""")
    return [Thing(*row) for row in rows]


rules = st.lists(
    st.tuples(
        st.sampled_from(("observe", "propose", "heal", "guard")),
        st.none() | st.sampled_from(PATTERNS) | st.text("ap.order_%\\\"'$ ", min_size=1, max_size=8),
        st.none() | st.sampled_from(("table", "view", "function", "schema")),
        st.none() | st.sampled_from(HAZARDS),
        st.none() | st.sampled_from((0, 20_000, 50_000, 10**9)),
        st.sampled_from(("postgres", "ann", "bob")),
    ),
    max_size=7,
)


@settings(max_examples=25)
@given(rules=rules)
def test_the_most_specific_wins(watched: Database, rules: list[Rule]) -> None:
    db = watched
    every = [
        Said("propose", "watch app.order_items", 0, "watch"),
        Said("heal", "watch_schema", 0, "watch_schema"),
        Said("observe", "watch_database", 0, "watch_database"),
    ]
    objects = things(db)
    roles = {name: next(t.owner for t in objects if name in t.owner) for name in ("ann", "bob")}
    db.sql("DELETE FROM asymm.policy_rule")
    for order, (policy, pattern, kind, hazard, larger_than, who) in enumerate(rules, 1):
        setter = roles.get(who, "postgres")
        lonely = len(re.search(r"\\*$", pattern or "")[0]) % 2 == 1  # type: ignore[index]
        blank = pattern is not None and not pattern.strip()
        unsized = larger_than is not None and kind not in (None, "table")
        if lonely or blank or unsized or (policy == "guard" and (hazard or larger_than is not None)):
            with pytest.raises(psycopg.errors.InvalidParameterValue):
                db.sql(SET, policy, pattern, kind, hazard, larger_than)
            continue
        db.sql(f"SET ROLE {setter}")
        number = db.value(SET, policy, pattern, kind, hazard, larger_than)
        db.sql("RESET ROLE")
        every = [one for one in every if one.by != f"rule {number}"]
        every.append(Said(policy, f"rule {number}", order, "", pattern, kind, hazard, larger_than, setter))
    kept = dict(db.sql("SELECT object, policy FROM asymm.watched"))
    spoken = {None, *ALONE, *(one.hazard for one in every)}
    for thing in objects:
        assert kept[thing.display] == winner(every, thing, None, {"postgres"}, sized=False)[0]
        found = db.sql("SELECT hazard, policy, decided_by FROM asymm.policy_for(%s)", thing.display)
        wanted = [(hazard, *winner(every, thing, hazard, {"postgres"})) for hazard in (None, *HAZARDS)]
        assert found == [row for row in wanted if row[0] in spoken], (thing, every)
    for (number,) in db.sql("SELECT id FROM asymm.policies"):
        db.sql("SELECT asymm.unset_policy(%s)", number)
    assert dict(db.sql("SELECT object, policy FROM asymm.watched")) == {
        **dict.fromkeys(kept, "observe"),
        **{thing.display: "heal" for thing in objects if thing.schema == "app"},
        "app.order_items": "propose",
    }
