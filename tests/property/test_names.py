"""Names written to attack go through the whole life of a watched table; the canary lives (B3, B4)."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from support.database import Database

HOSTILE = (
    'a"b; DROP TABLE public.canary; --',
    "a'b'); DROP TABLE public.canary; --",
    "Mixed Case",
    "ünïcödé σ",
    "line\nbreak",
    "tab\tand\rreturn",
    "back\\slash",
    "$1",
    "%s %I %L %",
    "$$; DROP TABLE public.canary; $$",
    "select",
    "a.b",
    "{a,b}",
    '","',
    "''",
    '""',
    " ",
    "null",
    "\x01",
    "🦀" * 15 + "xyz",
    "x" * 63,
    "a/*",
    "--",
)


def identifiers() -> st.SearchStrategy[str]:
    """Any text the server takes as a name: no NUL, at most 63 bytes of UTF-8."""
    alphabet = st.characters(exclude_characters="\0", exclude_categories=("Cs",))
    return st.text(alphabet, min_size=1, max_size=63).filter(lambda name: len(name.encode()) <= 63)


class Names:
    """The six names of a table and its parts, and statements made of them."""

    def __init__(self, schema: str, table: str, column: str, other: str, constraint: str, text: str) -> None:
        self.parts: dict[str, sql.Composable] = {
            "schema": sql.Identifier(schema),
            "table": sql.Identifier(schema, table),
            "bare": sql.Identifier(table),
            "column": sql.Identifier(column),
            "other": sql.Identifier(other),
            "constraint": sql.Identifier(constraint),
            "text": sql.Literal(text),
        }

    def __call__(self, statement: str) -> sql.Composed:
        return sql.SQL(statement).format(**self.parts)  # type: ignore[arg-type]


def ask(
    connection: psycopg.Connection[Any], query: sql.Composable | str, *params: Any
) -> list[tuple[Any, ...]]:
    cursor = connection.execute(query.encode() if isinstance(query, str) else query, params or None)
    return cursor.fetchall() if cursor.description else []


def live(connection: psycopg.Connection[Any], names: Names) -> None:
    """Watch, slip, beat, heal, take back, drop, adopt, unwatch: each step does what it says to this table."""
    for statement in (
        "CREATE SCHEMA {schema}",
        "CREATE TABLE {table} ({column} int, {other} text DEFAULT {text},"
        " CONSTRAINT {constraint} CHECK ({column} > 0))",
        "COMMENT ON COLUMN {table}.{other} IS {text}",
    ):
        ask(connection, names(statement))
    target = ask(
        connection,
        "SELECT format('%I.%I', n.nspname, c.relname)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.oid = (SELECT max(oid) FROM pg_class WHERE relkind = 'r')",
    )[0][0]
    assert ask(connection, "SELECT object FROM asymm.watch(%s::regclass, 'propose')", target) == [(target,)]
    beat = "SELECT asymm._process_ddl()"

    def open_drift() -> int:
        ask(connection, beat)
        found: int = ask(connection, "SELECT count(*) FROM asymm.drift WHERE resolved_at IS NULL")[0][0]
        return found

    def heal() -> set[str]:
        return {row[0] for row in ask(connection, "SELECT state FROM asymm.heal(%s)", target)}

    assert open_drift() == 0
    ask(connection, names("ALTER TABLE {table} DROP COLUMN {other}"))
    ask(connection, names("ALTER TABLE {table} DROP CONSTRAINT {constraint}"))
    assert open_drift() >= 2
    assert heal() == {"verified"}
    assert open_drift() == 0
    states = ask(connection, "SELECT state FROM asymm.revert((SELECT max(id) FROM asymm.actions))")
    assert set(states) == {("reverted",)}
    assert open_drift() >= 2
    assert heal() == {"verified"}
    ask(connection, names("ALTER TABLE {table} RENAME {column} TO renamed_by_slip"))
    assert open_drift() >= 1
    assert heal() == {"verified"}
    ask(connection, names("DROP TABLE {table}"))
    assert open_drift() == 1
    assert heal() == {"verified"}
    default = ask(
        connection,
        "SELECT column_default IS NOT NULL FROM information_schema.columns"
        " WHERE ordinal_position = 2 AND table_schema || table_name ="
        " (SELECT schema_name || object_name FROM asymm.baseline)",
    )
    assert default == [(True,)]
    ask(connection, names("ALTER TABLE {table} ADD COLUMN extra int DEFAULT 1"))
    assert open_drift() == 1
    assert len(ask(connection, "SELECT * FROM asymm.adopt(%s, %s)", target, target)) == 1
    assert open_drift() == 0
    assert ask(connection, "SELECT asymm._scan_headers(), asymm._scan_all()") == [(None, None)]
    assert ask(connection, "SELECT object FROM asymm.unwatch(%s)", target) == [(target,)]


@pytest.fixture
def connection(db: Database) -> psycopg.Connection[Any]:
    db.sql("CREATE TABLE public.canary (alive bool)")
    db.sql("INSERT INTO public.canary VALUES (true)")
    opened = db.connect()
    opened.add_notice_handler(lambda _: None)
    return opened


def lives(connection: psycopg.Connection[Any], names: Names) -> None:
    """Run one life in a transaction that is rolled back, and see that the canary is still there."""
    with connection.transaction(force_rollback=True):
        live(connection, names)
        assert ask(connection, "SELECT alive FROM public.canary") == [(True,)]


def test_names_known_to_be_nasty(connection: psycopg.Connection[Any], subtests: pytest.Subtests) -> None:
    for name in HOSTILE:
        with subtests.test(name):
            lives(connection, Names(name, name, name, "o" + name[1:], name, name))


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.tuples(*[identifiers()] * 5),
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))),
)
def test_any_name(
    connection: psycopg.Connection[Any], names: tuple[str, str, str, str, str], text: str
) -> None:
    schema, table, column, other, constraint = names
    if schema.startswith("pg_") or column == other or "renamed_by_slip" in names or "extra" in names:
        return
    lives(connection, Names(schema, table, column, other, constraint, text))


def test_names_that_are_too_long_are_refused(connection: psycopg.Connection[Any]) -> None:
    """Never cut to 63 bytes, which could be another table's name."""
    ask(connection, "CREATE TABLE public.{} (a int)".format("x" * 63))
    ask(connection, "SELECT asymm.watch(%s::regclass)", "x" * 63)
    for name in ("x" * 64, "public." + "x" * 64, "ü" * 32):
        with pytest.raises(psycopg.Error) as caught:
            ask(connection, "SELECT asymm.unwatch(%s)", name)
        assert caught.value.sqlstate == "22023"
