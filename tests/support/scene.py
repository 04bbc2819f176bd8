"""Roles for attacks: what each may do, and how a refusal is asserted."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from support.database import Database

Connection = psycopg.Connection[tuple[Any, ...]]


def rows(connection: Connection, query: str, *params: Any) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows."""
    cursor = connection.execute(query.encode(), params or None)
    return cursor.fetchall() if cursor.description else []


def refused(connection: Connection, query: str, *states: str) -> None:
    """Fail unless the query raises one of these SQLSTATEs (42501 if none is named)."""
    state = "nothing"
    try:
        connection.execute(query.encode())
    except psycopg.Error as error:
        state = f"{error.sqlstate} {error}"
    assert state[:5] in (states or ("42501",)), f"{query} raised {state}"


class Scene:
    """Two owners and operators that distrust each other, a reader, and a table of the first."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.ann = db.role("ann", member_of=("asymm_operator",))
        self.bob = db.role("bob", member_of=("asymm_operator",))
        self.reader = db.role("reader", member_of=("asymm_reader",))
        self.plain = db.role("plain")
        for role in (self.ann, self.bob):
            db.own.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(sql.Identifier(role)))
        self.as_ann, self.as_bob = db.connect(user=self.ann), db.connect(user=self.bob)
        rows(self.as_ann, "CREATE TABLE public.hers (id int PRIMARY KEY, note text DEFAULT 'x')")

    def slip(self, policy: str = "propose") -> int:
        """Watch the table, let a column's default slip, have the beat see it; return the action."""
        rows(self.as_ann, "SELECT asymm.watch('public.hers', %s)", policy)
        rows(self.as_ann, "ALTER TABLE public.hers ALTER note DROP DEFAULT")
        self.db.sql("SELECT asymm._process_ddl()")
        action: int = self.db.value("SELECT max(id) FROM asymm.actions WHERE kind = 'heal'")
        return action

    def state(self, action: int) -> str:
        return str(self.db.value("SELECT state FROM asymm.actions WHERE id = %s", action))
