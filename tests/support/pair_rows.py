"""Rows for the tables of any schema, and what has become of them and of their tables later."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from psycopg import sql

from support.database import Database

USER_SCHEMA = "n.nspname !~ '^(pg_|information_schema$|asymm$)'"
EXTENSION_MEMBER = (
    "EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid"
    " AND d.deptype = 'e')"
)
# One row a table, the same values everywhere, so that foreign keys hold; others where a check refuses them.
# Triggers, rules and foreign keys sleep meanwhile.
FILL = r"""
DO $fill$
DECLARE
    v_table record; v_try integer; v_columns text; v_values text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR v_table IN
        SELECT c.oid, c.oid::regclass AS name
          FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND {user_schema} AND NOT {member} ORDER BY c.oid
    LOOP
        FOR v_try IN 0 .. 5 LOOP
            SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum),
                   string_agg(format('%L::%s', CASE
                       WHEN e.label IS NOT NULL THEN e.label
                       WHEN t.typname = 'bool' THEN (ARRAY['t', 'f'])[1 + v_try % 2]
                       WHEN t.typcategory = 'N' THEN (ARRAY['1', '0', '100', '-1', '10', '2024'])[v_try + 1]
                       WHEN t.typcategory = 'S' THEN
                           left((ARRAY['a', 'a@b.io', 'new', 'active', 'x-1', '12345'])[v_try + 1],
                                CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4
                                     THEN a.atttypmod - 4 ELSE 9 END)
                       WHEN t.typcategory = 'D' AND t.typname ~ '^time(tz)?$' THEN '12:00'
                       WHEN t.typcategory = 'D' THEN
                           (ARRAY['2024-01-15', '2023-06-01', '2025-02-01', '2024-07-01', '2024-02-02',
                                  '2022-01-01'])[v_try + 1]
                       WHEN t.typcategory = 'T' THEN '1 day'
                       WHEN t.typcategory = 'A' THEN '{{}}'
                       WHEN t.typcategory = 'R' THEN 'empty'
                       WHEN t.typname = 'uuid' THEN '00000000-0000-0000-0000-000000000001'
                       WHEN t.typname IN ('json', 'jsonb') THEN '{{}}'
                       WHEN t.typname = 'bytea' THEN '\x01'
                       WHEN t.typname IN ('inet', 'cidr') THEN '10.0.0.1/32'
                       WHEN t.typname IN ('point', 'box') THEN '(1,1),(0,0)'
                       WHEN t.typname = 'tsvector' THEN 'a'
                       WHEN t.typname = 'hstore' THEN 'a=>1'
                       WHEN t.typname IN ('ltree', 'citext') THEN 'a'
                       WHEN t.typname ~ '^_?bit' THEN '1' END, format_type(a.atttypid, a.atttypmod)),
                   ', ' ORDER BY a.attnum)
              INTO v_columns, v_values
              FROM pg_attribute AS a
              JOIN pg_type AS y ON y.oid = a.atttypid
              JOIN pg_type AS t ON t.oid = CASE WHEN y.typtype = 'd' THEN y.typbasetype ELSE y.oid END
              LEFT JOIN LATERAL (SELECT g.enumlabel::text AS label FROM pg_enum AS g WHERE g.enumtypid = t.oid
                                  ORDER BY g.enumsortorder LIMIT 1) AS e ON true
             WHERE a.attrelid = v_table.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
               AND (t.typtype <> 'c' OR a.attnotnull);
            BEGIN
                IF v_columns IS NULL THEN
                    EXECUTE format('INSERT INTO %s DEFAULT VALUES', v_table.name);
                ELSE
                    EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)',
                                   v_table.name, v_columns, v_values);
                END IF;
                EXIT;
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
        END LOOP;
    END LOOP;
    PERFORM nextval(c.oid) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind = 'S' AND {user_schema};
END $fill$
"""
COLUMNS = f"""
SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, a.attnum, a.attname::text,
       format_type(a.atttypid, a.atttypmod), a.attgenerated::text, a.attislocal,
       EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                  AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')) AND c.relkind = 'S',
       (SELECT jsonb_object_agg(g.enumlabel, g.oid::text)
          FROM pg_enum AS g JOIN pg_type AS t ON t.oid = a.atttypid
         WHERE g.enumtypid IN (t.oid, t.typbasetype))
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p', 'f', 'S') AND {USER_SCHEMA} AND NOT {EXTENSION_MEMBER}
 ORDER BY c.oid, a.attnum
"""


@dataclass
class Column:
    number: int
    type: str
    generated: str
    local: bool
    # Of an enum, with what tells a label that was renamed.
    labels: dict[str, str]

    def same(self, values: list[str]) -> list[str]:
        return sorted(self.labels.get(value, value) for value in values)


@dataclass
class Relation:
    oid: int
    kind: str
    # A sequence that goes with its column: with an identity, or a serial's.
    owned: bool = False
    columns: dict[str, Column] = field(default_factory=dict)
    rows: list[dict[str, str | None]] | None = None


def fill(db: Database) -> None:
    """Put a row into every table that takes one."""
    db.sql(FILL.format(user_schema=USER_SCHEMA, member=EXTENSION_MEMBER))


def relations(db: Database, *, rows: bool = False) -> dict[str, Relation]:
    """Return tables and sequences by their name, with their columns and on demand their rows."""
    found: dict[str, Relation] = {}
    for oid, schema, name, kind, number, column, type_, generated, local, owned, labels in db.sql(COLUMNS):
        relation = found.setdefault(f"{schema}.{name}", Relation(oid, kind, owned))
        if column is not None and kind != "S":
            relation.columns[column] = Column(number, type_, generated, local, labels or {})
        if rows and relation.rows is None and kind in "rS":
            relation.rows = read(db, schema, name, kind)
    return found


def read(db: Database, schema: str, name: str, kind: str) -> list[dict[str, str | None]]:
    table = sql.Identifier(schema, name)
    columns = sql.SQL("last_value, is_called" if kind == "S" else "*")
    cursor = db.own.execute(sql.SQL("SELECT {} FROM ONLY {}").format(columns, table))
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, map(text, row), strict=True)) for row in cursor.fetchall()]


def text(value: Any) -> str | None:
    if isinstance(value, Decimal) and value.is_finite():
        return format(value.normalize(), "f")
    return None if value is None else str(value)


def remade(
    wanted: dict[str, Relation],
    before: dict[str, Relation],
    after: dict[str, Relation],
    allowed: frozenset[str],
) -> list[str]:
    """Return tables and columns of both schemas that were dropped and made again without need."""
    found = []
    for name, relation in before.items():
        goal, now = wanted.get(name), after.get(name)
        if goal is None or now is None or relation.kind == "S" or goal.kind != relation.kind:
            continue
        if {name, bare(name)} & allowed:
            continue
        if now.oid != relation.oid:
            found.append(f"remade {name}")
            continue
        for column, was in relation.columns.items():
            aim, is_ = goal.columns.get(column), now.columns.get(column)
            if aim is None or is_ is None or f"{bare(name)}.{column}" in allowed:
                continue
            # A plain column can't become a generated one, or another expression's.
            if is_.number != was.number and not (aim.generated or was.generated):
                found.append(f"remade {name}.{column}")
    return found


def bare(name: str) -> str:
    return name.partition(".")[2]


def lost(
    before: dict[str, Relation], after: dict[str, Relation], shared: dict[str, Relation] | None
) -> list[str]:
    """Return values that are gone: of all tables, or of what the wanted schema has too."""
    found = []
    now = {relation.oid: relation for relation in after.values()} if shared is None else {}
    for name, was in before.items():
        if not was.rows or (shared is not None and (name not in shared or shared[name].kind != was.kind)):
            continue
        is_ = now.get(was.oid) if shared is None else after.get(name)
        if is_ is None or is_.rows is None:
            # Undone, an identity or a serial starts past the values its column holds.
            if not was.owned:
                found.append(f"lost the rows of {name}")
            continue
        if was.kind == "S":
            # A column that was added with it took values.
            if was.rows != is_.rows and int(is_.rows[0]["last_value"] or 0) <= int(
                was.rows[0]["last_value"] or 0
            ):
                found.append(f"lost the position of {name}")
            continue
        if len(was.rows) != len(is_.rows):
            found.append(f"{len(was.rows)} rows of {name} are {len(is_.rows)}")
            continue
        found += lost_values(name, was, is_, shared[name] if shared is not None else None)
    return found


def lost_values(name: str, was: Relation, is_: Relation, goal: Relation | None) -> list[str]:
    found = []
    numbers = {column.number: key for key, column in is_.columns.items()}
    for key, column in was.columns.items():
        values = sorted(row[key] or "" for row in was.rows or ())
        if column.generated or not any(values):
            continue
        if goal is not None and key not in goal.columns:
            continue
        if (
            goal is not None
            and (labels := goal.columns[key].labels)
            and not set(values) - {""} <= set(labels)
        ):
            continue
        there = numbers.get(column.number) if goal is None else key
        # What is computed may be computed anew.
        there = key if there is None and key in is_.columns and is_.columns[key].generated else there
        if there is None or there not in is_.columns:
            found.append(f"lost {name}.{key}")
        elif is_.columns[there].type == column.type and (goal is None or not is_.columns[there].generated):
            kept = sorted(row[there] or "" for row in is_.rows or ())
            if kept != values and is_.columns[there].same(kept) != column.same(values):
                found.append(f"changed {name}.{key}: {values} to {kept}")
        elif not any(row[there] for row in is_.rows or ()) and not is_.columns[there].generated:
            found.append(f"emptied {name}.{key}")
    return found
