"""Random tables under random slips, hostile names: healed, taken back, no value lost without leave."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from support import database
from support.cluster import Cluster
from support.database import Database

pytestmark = pytest.mark.timeout(600)
_serial = itertools.count(1)

# Name, a literal of it, types it is slipped to.
TYPES = {
    "integer": ("7", ["bigint", "text", "numeric(12,3)"]),
    "bigint": ("8", ["integer", "text"]),
    "text": ("'x y'", ["varchar(40)"]),
    "varchar(30)": ("'v'", ["varchar(3)", "text"]),
    "numeric(10,2)": ("1.25", ["numeric(12,4)", "numeric(8,1)", "text"]),
    "timestamptz": ("'2024-02-29 10:00:00.5+00'", ["timestamp", "date"]),
    "date": ("'2024-02-29'", ["timestamptz", "text"]),
    "boolean": ("true", ["text"]),
    "jsonb": ("""'{"a": 1}'""", ["json", "text"]),
    "int[]": ("'{1,2}'", ["bigint[]"]),
}
# No NUL, no surrogates, at most 63 bytes; quotes, blanks, dollars and per cent signs as often as letters.
NAMES = st.text(
    st.sampled_from("ab\"' %$\\;.(),[]{}-Zé😀\n\t")
    | st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    min_size=1,
    max_size=15,
)


@dataclass(frozen=True)
class Column:
    """A column of a declared table."""

    name: str
    type: str
    not_null: bool
    default: bool
    index: bool
    unique: bool
    check: bool
    comment: str | None


COLUMNS = st.builds(
    Column,
    NAMES,
    st.sampled_from(sorted(TYPES)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.none() | NAMES,
)
TABLES = st.lists(COLUMNS, min_size=1, max_size=5, unique_by=lambda column: column.name)
SLIPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "drop",
                "add",
                "retype",
                "default",
                "null",
                "rename",
                "comment",
                "index",
                "unindex",
                "check",
                "uncheck",
                "table",
            ]
        ),
        st.integers(0, 4),
        NAMES,
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=6,
)


def ident(*names: str) -> sql.Identifier:
    return sql.Identifier(*names)


def create(db: Database, table: tuple[str, str], columns: list[Column]) -> None:
    parts: list[sql.Composable] = []
    for column in columns:
        literal = sql.SQL(TYPES[column.type][0])
        parts.append(
            sql.SQL(" ").join(
                [
                    ident(column.name),
                    sql.SQL(column.type),
                    sql.SQL("NOT NULL" if column.not_null and column.default else ""),
                    sql.SQL("DEFAULT {}").format(literal) if column.default else sql.SQL(""),
                    sql.SQL("CHECK ({} <> {} OR true)").format(ident(column.name), literal)
                    if column.check
                    else sql.SQL(""),
                    sql.SQL("UNIQUE" if column.unique else ""),
                ]
            )
        )
    name = ident(*table)
    db.own.execute(sql.SQL("CREATE TABLE {} ({})").format(name, sql.SQL(", ").join(parts)))
    for column in columns:
        if column.index:
            db.own.execute(sql.SQL("CREATE INDEX ON {} ({})").format(name, ident(column.name)))
        if column.comment:
            command = sql.SQL("COMMENT ON COLUMN {} IS {}").format(
                ident(*table, column.name), sql.Literal(column.comment)
            )
            db.own.execute(command)
    values = sql.SQL(", ").join(sql.SQL(TYPES[column.type][0]) for column in columns)
    db.own.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(name, values))


def slip(
    db: Database, table: tuple[str, str], kind: str, which: int, name: str, variant: int
) -> tuple[str, str]:
    """Try one slip (the server may refuse it); return the table's name after it."""
    found = db.sql(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
        " WHERE a.attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text))"
        " AND a.attnum > 0 AND NOT a.attisdropped"
        " ORDER BY a.attnum",
        *table,
    )
    if not found:
        return table
    column, kind_of = found[which % len(found)]
    alter = sql.SQL("ALTER TABLE {} ").format(ident(*table))
    col = ident(column)
    plain = kind_of.replace("character varying", "varchar").replace("integer[]", "int[]")
    targets = TYPES.get(plain.replace("timestamp with time zone", "timestamptz"), ("", ["text"]))[1]
    commands = {
        "drop": alter + sql.SQL("DROP COLUMN {}").format(col),
        "add": alter
        + sql.SQL(
            "ADD COLUMN {} " + ["int", "text DEFAULT 'new'", "numeric(5,1)[]", "int DEFAULT 3"][variant % 4]
        ).format(ident(name)),
        "retype": alter + sql.SQL("ALTER {} TYPE " + targets[variant % len(targets)]).format(col),
        "default": alter
        + sql.SQL("ALTER {} " + ["DROP DEFAULT", "SET DEFAULT NULL"][variant % 2]).format(col),
        "null": alter + sql.SQL("ALTER {} " + ["DROP NOT NULL", "SET NOT NULL"][variant % 2]).format(col),
        "rename": alter + sql.SQL("RENAME COLUMN {} TO {}").format(col, ident(name)),
        "comment": sql.SQL("COMMENT ON COLUMN {} IS {}").format(ident(*table, column), sql.Literal(name)),
        "index": sql.SQL("CREATE INDEX {} ON {} ({}) WHERE {} IS NOT NULL").format(
            ident(name), ident(*table), col, col
        ),
        "check": alter
        + sql.SQL("ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID").format(ident(name), col),
        "table": alter + sql.SQL("RENAME TO {}").format(ident(name)),
    }
    part = {
        "unindex": ("pg_index", "indrelid", "indexrelid::regclass::text"),
        "uncheck": ("pg_constraint", "conrelid", "conname"),
    }
    if kind in part:
        catalog, key, value = part[kind]
        own = (
            " AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = indexrelid)"
            if kind == "unindex"
            else ""
        )
        query = (
            f"SELECT {value} FROM {catalog}"
            f" WHERE {key} = to_regclass(format('%%I.%%I', %s::text, %s::text)){own} ORDER BY 1"
        )
        parts = [row[0] for row in db.sql(query, *table)]
        if not parts:
            return table
        chosen = parts[which % len(parts)]
        command = (
            sql.SQL("DROP INDEX ") + sql.SQL(chosen)
            if kind == "unindex"
            else alter + sql.SQL("DROP CONSTRAINT {}").format(ident(chosen))
        )
    else:
        command = commands[kind]
    try:
        db.own.execute(command)
    except psycopg.Error:
        return table
    return (table[0], name) if kind == "table" else table


def look(db: Database, schema: str) -> dict[str, Any]:
    return dict(
        db.sql(
            "SELECT f.object_name::text, f.facts FROM asymm._table_facts(ARRAY(SELECT c.oid FROM pg_class c"
            " WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r')) AS f",
            schema,
        )
    )


def filled(db: Database, schema: str) -> list[tuple[str, str]]:
    """Return every (column, value) of the schema's tables that is not NULL, the value as text."""
    cells = []
    for name in look(db, schema):
        for (row,) in db.own.execute(
            sql.SQL("SELECT to_jsonb(t.*) FROM {} AS t").format(ident(schema, name))
        ):
            cells += [(column, str(value)) for column, value in row.items() if value is not None]
    return cells


def check(db: Database, columns: list[Column], slips: list[tuple[str, int, str, int]]) -> None:
    schema = f"s{next(_serial)}"
    table = (schema, "t")
    target = f"{schema}.t"
    db.own.execute(sql.SQL("CREATE SCHEMA {}").format(ident(schema)))
    create(db, table, columns)
    db.sql("SELECT asymm.watch(%s::regclass)", target)
    declared, before = look(db, schema), filled(db, schema)
    for one in slips:
        table = slip(db, table, *one)
    slipped, held = look(db, schema), filled(db, schema)

    db.sql("SELECT * FROM asymm.heal(%s)", target)
    # Without leave no value is gone, whatever its column is called by now and whatever its type.
    assert len(filled(db, schema)) >= len(held)
    db.sql("SELECT * FROM asymm.heal(%s, allow_data_loss => true)", target)
    healed = look(db, schema)
    assert healed == declared, db.sql(
        "SELECT statements, state, error FROM asymm.actions WHERE target = %s", target
    )
    assert {cell for cell in before if cell in held} <= set(filled(db, schema))

    for (action,) in db.sql(
        "SELECT id FROM asymm.actions WHERE target = %s AND kind = 'heal' AND state = 'verified'"
        " ORDER BY applied_at DESC",
        target,
    ):
        db.sql("SELECT * FROM asymm.revert(%s, allow_data_loss => true)", action)
    # A column that takes no NULL and whose values are gone can't be had back where there are rows.
    refused = "SELECT count(*) > 0 FROM asymm.actions WHERE target = %s AND error ->> 'sqlstate' = '23502'"
    assert look(db, schema) == (healed if db.value(refused, target) else slipped)
    db.own.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(ident(schema)))
    db.sql("SELECT asymm.unwatch(%s)", target)


@pytest.fixture(scope="module")
def shared(server: Cluster, template: str) -> Iterator[Database]:
    db = database.create(server, template)
    db.sql("SELECT asymm.configure(lock_timeout => '5 s')")
    try:
        yield db
    finally:
        db.drop()


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(columns=TABLES, slips=SLIPS)
def test_few(shared: Database, columns: list[Column], slips: list[tuple[str, int, str, int]]) -> None:
    check(shared, columns, slips)


@pytest.mark.long
@settings(max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
@given(columns=TABLES, slips=SLIPS)
def test_many(shared: Database, columns: list[Column], slips: list[tuple[str, int, str, int]]) -> None:
    check(shared, columns, slips)
