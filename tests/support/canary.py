"""Where a value that nobody should keep is found."""

from __future__ import annotations

from support.database import Database

_TABLES = """
    SELECT c.oid::regclass::text FROM pg_class c
     WHERE c.relnamespace = 'asymm'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
    UNION ALL SELECT c.oid::regclass::text FROM pg_class c
     WHERE c.relnamespace = 'asymm'::regnamespace AND c.relkind = 'r' AND c.relispartition"""


def found(db: Database, canary: str) -> list[str]:
    """Return the rows of the extension's own tables that hold it."""
    out = []
    for (table,) in db.sql(_TABLES):
        rows = db.sql(f"SELECT t::text FROM {table} AS t WHERE t::text LIKE %s", f"%{canary}%")
        out += [f"{table}: {row}" for (row,) in rows]
    return out
