"""A second session: one that waits, or one that keeps others waiting."""

from __future__ import annotations

import threading
from typing import Any

import psycopg

from support.database import Database

Connection = psycopg.Connection[tuple[Any, ...]]


class Other:
    """A statement that runs in another session and may have to wait."""

    def __init__(self, db: Database, query: str, **options: Any) -> None:
        self.db = db
        self.connection = db.connect(**options)
        self.pid = self.connection.info.backend_pid
        self.rows: list[tuple[Any, ...]] = []
        self.error: psycopg.Error | None = None
        self.thread = threading.Thread(target=self._run, args=(query,))
        self.thread.start()

    def _run(self, query: str) -> None:
        try:
            cursor = self.connection.execute(query.encode())
            self.rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            self.error = error

    def wait_until_blocked(self) -> None:
        self.db.wait_for("SELECT cardinality(pg_blocking_pids(%s)) > 0", self.pid)

    def done(self) -> list[tuple[Any, ...]]:
        self.thread.join(30)
        assert not self.thread.is_alive()
        return self.rows


def transaction(db: Database, query: str, **options: Any) -> Connection:
    """Run a statement in a transaction that stays open."""
    connection = db.connect(autocommit=False, **options)
    connection.execute(query.encode())
    return connection
