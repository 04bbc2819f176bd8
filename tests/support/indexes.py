"""Indexes of a table of an owner with an actor, carried out step by step."""

from __future__ import annotations

import json
from typing import Any

import psycopg

from support.database import Database
from support.pulse import make_actor


class Shop:
    """Table app.orders with 2,000 rows; the actor's session tends, another of his builds."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.actor, self.owner = make_actor(db)
        db.sql("CREATE SCHEMA app")
        db.sql(
            "CREATE TABLE app.orders AS SELECT n AS id, 'u' || n % 100 AS email, n % 7 AS status"
            " FROM generate_series(1, 2000) AS n"
        )
        db.sql(f"ALTER SCHEMA app OWNER TO {self.owner}")
        db.sql(f"ALTER TABLE app.orders OWNER TO {self.owner}")
        self.tender = db.connect(user=self.actor)
        self.builder = db.connect(user=self.actor, options="-c lock_timeout=0 -c search_path=pg_catalog")

    def propose(self, kind: str = "create index", approve: bool = True, **advice: Any) -> int:
        document = {"schema": "app", "table": "orders", "keys": ["email"], "proved": True, **advice}
        action: int = self.db.value("SELECT asymm._propose_index(%s, %s)", kind, json.dumps(document))
        if approve:
            self.db.sql("SELECT asymm.approve(%s)", action)
        return action

    def looked(self) -> None:
        """As if its queries had been measured before."""
        self.db.sql("UPDATE asymm.index_action SET looks = 9")

    def tend(self) -> None:
        self.looked()
        self.tender.execute("SELECT asymm._tend_indexes()")

    def take(self) -> str | None:
        row = self.builder.execute("SELECT asymm._take_index_command()").fetchone()
        return row[0] if row else None

    def run(self, command: str | None) -> psycopg.Error | None:
        assert command is not None
        try:
            self.builder.execute(command.encode())
        except psycopg.Error as error:
            return error
        return None

    def step(self) -> str | None:
        """Order, take and run one command, and have it booked; return it."""
        self.tend()
        command = self.take()
        if command is not None:
            self.run(command)
            # Not the three seconds that a builder is given to send what it took.
            self.db.sql("UPDATE asymm.index_action SET began_at = began_at - interval '10 s'")
            self.tend()
        return command

    def now(self) -> None:
        """As if the time to the next try had passed."""
        self.db.sql("UPDATE asymm.index_action SET retry_at = NULL")

    def state(self, action: int) -> str:
        state: str = self.db.value("SELECT state FROM asymm.advice WHERE action = %s", action)
        return state

    def indexes(self) -> list[tuple[str, bool]]:
        return self.db.sql(
            "SELECT c.relname, x.indisvalid FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indexrelid"
            " WHERE x.indrelid = 'app.orders'::regclass ORDER BY 1"
        )
