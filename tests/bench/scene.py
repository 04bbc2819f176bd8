"""The server the figures are measured on: 1,000 watched tables, an owner, an actor, the pulse by pg_cron."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import psycopg

from bench import schema
from support import database
from support.cluster import Cluster
from support.database import Database

OWNER = "bench_owner"
ACTOR = "bench_actor"
SCHEMA = "app"
TABLES = 1000


class Scene:
    """One server; what several figures need is made when first asked for."""

    def __init__(self) -> None:
        settings = {"max_connections": "50", "shared_buffers": "256MB", "max_wal_size": "4GB"}
        self.cluster = Cluster(settings, durable=True)
        self.cluster.start()
        self.db: Database = database.create_cron(self.cluster)
        self.db.sql(f"CREATE ROLE {OWNER} LOGIN")
        self.db.sql("SELECT asymm.create_actor(%s, %s)", ACTOR, OWNER)
        self.db.sql("SELECT asymm.configure(max_actions_per_hour => 100000)")
        self._tables = False
        self._watched: float | None = None
        self._owner: psycopg.Connection | None = None
        self.scheduled = False

    def remove(self) -> None:
        self.db.close()
        self.cluster.remove()

    def make_tables(self) -> None:
        if not self._tables:
            schema.make(self.db.own, SCHEMA, OWNER, TABLES)
            self.db.sql("ANALYZE")
            self._tables = True

    def watch(self) -> float:
        """Watch the schema with policy heal; return the seconds the one call took."""
        if self._watched is None:
            self.make_tables()
            self.drain()
            with self.db.connect() as fresh:
                start = time.perf_counter()
                fresh.execute(
                    f"SELECT count(*) FROM asymm.watch_schema('{SCHEMA}', policy => 'heal')".encode()
                )
                self._watched = time.perf_counter() - start
            self.drain()
            self.db.sql("ANALYZE")
        return self._watched

    def drain(self) -> None:
        """Work off the DDL log, so that nothing of the preparation is measured."""
        while self.db.value("SELECT count(*) FROM asymm.ddl_log WHERE NOT seen"):
            self.db.sql("SELECT asymm._process_ddl()")

    def schedule(self) -> None:
        """Start the pulse by pg_cron and wait until both lanes beat."""
        if not self.scheduled:
            self.db.sql("SELECT asymm.start(%s)", ACTOR)
            self.scheduled = True
        alive = "SELECT count(*) = 2 FROM asymm.heartbeat WHERE alive AND beats > 0"
        self.db.wait_for(alive, timeout=130)

    def unschedule(self) -> None:
        if self.scheduled:
            self.db.sql("SELECT asymm.stop(%s)", ACTOR)
            # A run that pg_cron had queued already may still come, and leave by itself.
            gone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = %s"
            for _ in range(3):
                self.db.wait_for(gone, ACTOR, timeout=90)
                time.sleep(1)
            self.scheduled = False

    def owner(self) -> psycopg.Connection:
        """Return the session of the tables' owner."""
        if self._owner is None:
            self._owner = self.db.connect(user=OWNER)
        return self._owner

    def expect(self, query: str, *params: object) -> None:
        """Fail when what a figure rests on is not so."""
        if not self.db.value(query, *params):
            raise RuntimeError(f"not true: {query} {params or ''}")

    def loops(self) -> dict[str, int]:
        """Return the process of each lane's loop."""
        return dict(self.db.sql("SELECT lane, pid FROM asymm.heartbeat WHERE alive"))

    @contextlib.contextmanager
    def pulse(self, seconds: float, *lanes: str) -> Iterator[None]:
        """Run loops by connections of the actor, without pg_cron, until the block ends."""
        loops = [self.db.connect(user=ACTOR) for _ in lanes]
        threads = [
            threading.Thread(target=self.call, args=(loop, lane, seconds), daemon=True)
            for loop, lane in zip(loops, lanes, strict=True)
        ]
        for thread in threads:
            thread.start()
        self.db.wait_for("SELECT count(*) = %s FROM asymm.heartbeat WHERE alive", len(lanes), timeout=10)
        # What a loop does first (it plans its statements, every scan is due) is not what it costs.
        self.db.wait_for(
            "SELECT COALESCE(bool_and(due_at > clock_timestamp()), true) FROM asymm.organs"
            " WHERE enabled AND cadence > '0' AND lane = ANY (%s)",
            list(lanes),
            timeout=20,
        )
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel_safe(timeout=5)
            for thread in threads:
                thread.join()
            for loop in loops:
                loop.close()

    @staticmethod
    def call(loop: psycopg.Connection, lane: str, seconds: float) -> None:
        with contextlib.suppress(psycopg.errors.QueryCanceled):
            loop.execute(f"CALL asymm.pulse('{seconds} s', '{lane}', forced => true)".encode())
