"""Actors and loops for tests of the pulse."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
from psycopg import sql

from support.cluster import wait_until
from support.database import Database


def make_actor(db: Database, owner: str | None = None) -> tuple[str, str]:
    """Create an owner without login (unless given) and its actor; return (actor, owner)."""
    owner = owner or db.role("owner", "NOLOGIN")
    actor = owner.replace("owner", "actor", 1) if "owner" in owner else f"actor_{owner}"
    db.sql("SELECT * FROM asymm.create_actor(%s, %s)", actor, owner)
    db.forget_role(actor)
    return actor, owner


def make_table(db: Database, owner: str, policy: str = "heal") -> None:
    """Create table app.item of the owner with two rows and watch it."""
    db.sql(sql.SQL("CREATE SCHEMA app AUTHORIZATION {}").format(sql.Identifier(owner)).as_string())
    db.sql("CREATE TABLE app.item (id integer PRIMARY KEY, label text)")
    db.sql(sql.SQL("ALTER TABLE app.item OWNER TO {}").format(sql.Identifier(owner)).as_string())
    db.sql("INSERT INTO app.item VALUES (1, 'one'), (2, 'two')")
    db.sql("SELECT * FROM asymm.watch('app.item', %s)", policy)


class Loop:
    """One run of the pulse in a session of its own, in a thread."""

    def __init__(
        self, db: Database, actor: str, duration: str = "2 s", lane: str = "fast", **options: Any
    ) -> None:
        self.db, self.lane, self.actor = db, lane, actor
        self.error: psycopg.Error | None = None
        self.ended: str | None = None
        self.notices: list[str] = []
        self.connection = db.connect(user=actor, application_name="asymmetrica pulse")
        self.connection.add_notice_handler(lambda notice: self.notices.append(notice.message_primary or ""))
        self.pid = self.connection.info.backend_pid
        arguments: dict[str, Any] = {"duration": duration, "lane": lane, **options}
        names = ", ".join(f"{name} => %s" for name in arguments)
        self._call = (f"CALL asymm.pulse({names})", list(arguments.values()))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.connection.execute(self._call[0].encode(), self._call[1])
            found = self.connection.execute("SELECT current_setting('asymm.pulse_ended', true)").fetchone()
            self.ended = found[0] if found else None
        except psycopg.Error as error:
            self.error = error

    def running(self) -> bool:
        return self._thread.is_alive()

    def wait_for_beats(self, count: int = 2, timeout: float = 10) -> Loop:
        """Wait until this run has beaten that often."""
        start = self.seq() or 0
        wait_until(
            lambda: self.error is not None or (self.seq() or 0) >= start + count, timeout, f"{count} beats"
        )
        if self.error is not None:
            raise self.error
        return self

    def seq(self) -> int | None:
        seq: int | None = self.db.value(
            "SELECT seq FROM asymm.pulse_state WHERE actor = %s AND lane = %s AND pid = %s",
            self.actor,
            self.lane,
            self.pid,
        )
        return seq

    def join(self, timeout: float = 20) -> Loop:
        """Wait for the end of the run; raise its error if it had one."""
        self._thread.join(timeout)
        if self.running():
            raise AssertionError("the loop still runs")
        if self.error is not None:
            raise self.error
        return self
