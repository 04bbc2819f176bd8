"""What is read in a plan is what stood in the query, whatever things are called."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from support.database import Database

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

# Names that look like something else.
NAMES = st.one_of(
    st.sampled_from(
        [
            "a.b",
            'q"u"o',
            "(",
            "a)",
            "x = 1",
            "AND",
            "SubPlan",
            "it's",
            "$1",
            "::text",
            "é",
            "a b",
            "COLLATE",
            "NULL",
            "E'",
        ]
    ),
    st.text(
        st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("Cs", "Cc")),
        min_size=1,
        max_size=12,
    ),
)
VALUES = st.sampled_from(["x", "it''s", ") OR (", "a.b = 1", '"', "AND", "{a,b}", "$1", "E''"])

# How a column is used in SQL, and what that is.
USES = [
    ("{0} = '{1}'", "equality"),
    ("'{1}' = {0}", "equality"),
    ("{0} > '{1}'", "range"),
    ("'{1}' >= {0}", "range"),
    ("{0} IS NULL", "equality"),
    ("{0} IN ('{1}', 'y')", "equality"),
    ("{0} = ANY ($1)", "equality"),
    ("{0} <> '{1}'", "other"),
    ("{0} LIKE '%%{1}'", "other"),
    ("lower({0}) = '{1}'", "equality of an expression"),
    ("upper({0}) < '{1}'", "range of an expression"),
]


@st.composite
def queries(draw: st.DrawFn) -> dict[str, Any]:
    """Return a table, an alias, and conditions on some of its columns, each known."""
    columns = draw(st.lists(NAMES, min_size=2, max_size=5, unique_by=lambda name: name.encode()[:60]))
    uses = [(column, *draw(st.sampled_from(USES)), draw(VALUES)) for column in columns[1:]]
    return {
        "table": draw(NAMES),
        "alias": draw(st.one_of(st.none(), NAMES)),
        "columns": columns,
        "uses": uses,
        "order": draw(st.booleans()),
        "together": draw(st.sampled_from([" AND ", " OR "])),
    }


def quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)


@given(query=queries())
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=SLOW,
)
def test_what_is_read_is_what_was_asked(db: Database, query: dict[str, Any]) -> None:
    """Every column is found with its use, none is invented, and each candidate can be made."""
    table, columns = query["table"], query["columns"]
    with db.connect(autocommit=False) as session:
        session.execute("SET client_min_messages = error")
        made = ", ".join(f"{quoted(column)} text" for column in columns)
        session.execute(f"CREATE TABLE public.{quoted(table)} ({made})".encode())
        alias = quoted(query["alias"]) if query["alias"] else quoted(table)
        conditions = [
            use.format(f"{alias}.{quoted(column)}", value) for column, use, _, value in query["uses"]
        ]
        statement = (
            f"SELECT 1 FROM public.{quoted(table)} AS {alias} WHERE {query['together'].join(conditions)}"
        )
        if query["order"]:
            statement += f" ORDER BY {alias}.{quoted(columns[0])} DESC"
        ((found,),) = session.execute("SELECT asymm._plan_statement(%s, 'public')", [statement]).fetchall()
        if "plan" not in found:
            session.rollback()
            assert "semicolon" in found["reason"] or "\\" in statement or ";" in statement, (statement, found)
            return
        rows = session.execute(
            "SELECT DISTINCT key, usage FROM asymm._query_columns(%s::jsonb) WHERE relid = %s::regclass",
            [json.dumps(found["plan"]), f"public.{quoted(table)}"],
        ).fetchall()
        keys = {
            column: session.execute("SELECT quote_ident(%s)", [column[:63]]).fetchall()[0][0]
            for column in columns
        }
        expected = {(keys[columns[0]], "order")} if query["order"] else set()
        for column, use, usage, _ in query["uses"]:
            key = keys[column]
            if "expression" in usage:
                key = f"({use.partition('(')[0]}({key}))"
            expected.add((key, usage.partition(" ")[0]))
        # An OR as a whole is there too, as something that could limit an index.
        assert {(key, usage) for key, usage in rows if " OR " not in key or usage != "other"} == expected
        commands = session.execute(
            "SELECT format('CREATE INDEX ON %%s USING %%s (%%s)%%s%%s', c.relid::regclass, c.method,"
            " array_to_string(c.keys, ', '),"
            " ' INCLUDE (' || NULLIF(array_to_string(c.include, ', '), '') || ')', ' WHERE ' || c.predicate)"
            " FROM asymm._index_candidates(%s::jsonb) AS c",
            [json.dumps(found["plan"])],
        ).fetchall()
        for (command,) in commands:
            session.execute(command.encode())
        session.rollback()


WORDS = """
    ( ) [ ] t.a t. . AND OR NOT = :: text 'x ' " $1 ANY ROW CASE END IS NULL COLLATE DESC SubPlan InitPlan
    EXTRACT FROM lower , 1 E'\\' OPERATOR ARRAY COALESCE -- /* AT TIME ZONE OVER numeric (10 "" t.*
"""
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(WORDS.split()),
        st.text(max_size=5).filter(lambda text: "\x00" not in text),
    ),
    max_size=25,
).map(" ".join)
NODES = st.fixed_dictionaries(
    {"Node Type": st.sampled_from(["Seq Scan", "Sort", "Append", "Aggregate", "BitmapOr"])},
    optional={
        "Alias": st.sampled_from(["t", "t_1", "", "("]),
        "Schema": st.sampled_from(["public", "", "pg_catalog"]),
        "Relation Name": st.sampled_from(["t", "p1", "none"]),
        "Filter": st.one_of(TEXTS, st.none(), st.integers(), st.lists(TEXTS, max_size=2)),
        "Index Cond": TEXTS,
        "Sort Key": st.one_of(TEXTS, st.lists(TEXTS, max_size=3)),
        "Group Key": st.lists(TEXTS, max_size=3),
        "Output": st.lists(TEXTS, max_size=3),
        "Plan Rows": st.one_of(st.integers(), TEXTS, st.none()),
        "Search Path": st.one_of(TEXTS, st.lists(TEXTS, max_size=2)),
    },
)
PLANS = st.recursive(
    NODES,
    lambda plans: st.builds(lambda node, below: {**node, "Plans": below}, NODES, st.lists(plans, max_size=3)),
    max_leaves=6,
)


@given(plan=PLANS)
@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=SLOW,
)
def test_no_plan_makes_it_fail(db: Database, plan: dict[str, Any]) -> None:
    if not db.value("SELECT to_regclass('t') IS NOT NULL"):
        db.sql("CREATE TABLE t (a text, b int)")
        db.sql("CREATE TABLE p (a text, b int) PARTITION BY LIST (b)")
        db.sql("CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)")
    document = json.dumps(plan)
    db.sql("SELECT * FROM asymm._query_columns(%s::jsonb)", document)
    db.sql("SELECT * FROM asymm._index_candidates(%s::jsonb)", document)


@pytest.mark.parametrize("depth", [50, 500, 5000])
def test_deep_and_long_conditions(db: Database, depth: int) -> None:
    db.sql("CREATE TABLE t (a text)")
    node = {"Node Type": "Seq Scan", "Alias": "t", "Schema": "public", "Relation Name": "t"}
    for text in (
        "(" * depth + "t.a = 'x'" + ")" * depth,
        "(t.a = 'x')" + " AND (t.a = 'x')" * depth,
        "NOT " * depth,
    ):
        db.sql("SELECT * FROM asymm._index_candidates(%s::jsonb)", json.dumps({**node, "Filter": text}))
    plan: dict[str, Any] = node
    for _ in range(min(depth, 200)):
        plan = {"Node Type": "Sort", "Plans": [plan]}
    db.sql("SELECT * FROM asymm._index_candidates(%s::jsonb)", json.dumps(plan))


def test_functions_of_others_are_in_no_index(db: Database) -> None:
    """Whoever wrote the plan: an index on an expression runs its functions as who builds it."""
    mallory = db.role("mallory")
    db.sql("CREATE TABLE t (a int)")
    db.sql("CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1'")
    node = {"Node Type": "Seq Scan", "Alias": "t", "Schema": "public", "Relation Name": "t"}
    document = json.dumps({**node, "Filter": "(f(t.a) = 3)"})
    query = "SELECT keys FROM asymm._index_candidates(%s::jsonb)"
    assert db.sql(query, document) == [(["(public.f(a))"],)]
    db.sql(f'ALTER FUNCTION f(int) OWNER TO "{mallory}"')
    assert db.sql(query, document) == []
    # Neither can a text be smuggled in.
    for text in ("(t.a = (E'\\' || f(1) --' ))", "(t.a -- ANY ('{1}'::integer[]))", '(t.a)::"x) ; DROP" = 1'):
        document = json.dumps({**node, "Filter": text})
        found = db.sql("SELECT keys, predicate FROM asymm._index_candidates(%s::jsonb)", document)
        assert not any("f(" in str(row) or "--" in str(row) or "DROP" in str(row) for row in found), found


def test_a_session_without_rights_gets_no_statistics(db: Database) -> None:
    """Values of rows in the statistics are for who may read the table."""
    reader = db.connect(user=db.role("reader", member_of=("asymm_pulse",)))
    db.sql("CREATE TABLE t (a text)")
    db.sql("INSERT INTO t SELECT 'x' || g % 3 FROM generate_series(1, 3000) AS g")
    db.sql("ANALYZE t")
    query = "SELECT asymm._equality_share('t'::regclass, 'a', 'equality', '=', '''x1''')"
    assert db.value(query) == pytest.approx(1 / 3, rel=0.01)
    assert reader.execute(query).fetchall() == [(None,)]
    assert isinstance(reader, psycopg.Connection)
