"""A schema to measure on: tables with columns, keys, indexes, checks and comments, the same for every run."""

from __future__ import annotations

import random

import psycopg

SEED = 2037
TYPES = (
    "integer",
    "bigint",
    "text",
    "varchar(80)",
    "numeric(12,2)",
    "timestamptz",
    "date",
    "boolean",
    "jsonb",
    "uuid",
)
DEFAULTS = {
    "integer": "0",
    "bigint": "1 + 2",
    "text": "''",
    "numeric(12,2)": "0.00",
    "timestamptz": "now()",
    "boolean": "false",
}


def table(schema: str, number: int, rng: random.Random) -> list[str]:
    """Return the statements that make one table: columns, indexes, a check, a foreign key, comments."""
    name = f"{schema}.t{number:04}"
    columns = ["id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "parent bigint"]
    for column in range(rng.randint(6, 12)):
        kind = rng.choice(TYPES)
        default = f" DEFAULT {DEFAULTS[kind]}" if kind in DEFAULTS and rng.random() < 0.4 else ""
        columns.append(f"c{column} {kind}{' NOT NULL' if rng.random() < 0.3 else ''}{default}")
    columns.append("amount integer CHECK (amount >= 0)")
    statements = [
        f"CREATE TABLE {name} ({', '.join(columns)})",
        f"CREATE INDEX ON {name} (parent)",
        f"CREATE INDEX ON {name} (c0, amount) WHERE amount > 0",
        f"COMMENT ON TABLE {name} IS 'table {number}'",
        f"COMMENT ON COLUMN {name}.amount IS 'how much of {number}'",
    ]
    if number % 2:
        statements.append(f"ALTER TABLE {name} ADD FOREIGN KEY (parent) REFERENCES {schema}.t{number - 1:04}")
    if number % 5 == 0:
        statements.append(f"GRANT SELECT, INSERT ON {name} TO pg_monitor")
    return statements


def make(connection: psycopg.Connection, schema: str, owner: str, tables: int) -> None:
    """Create the schema with its tables, all of the owner, in one transaction a hundred tables."""
    rng = random.Random(SEED)
    connection.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {owner}".encode())
    for start in range(0, tables, 100):
        statements = [s for n in range(start, min(start + 100, tables)) for s in table(schema, n, rng)]
        with connection.transaction():
            connection.execute(f"SET LOCAL ROLE {owner}".encode())
            connection.execute(";".join(statements).encode())
