"""Sets the stage: roles, tables, data, what is watched, and the pulse."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from .._database_sync import Database
from ..errors import NotWatched, PulseUnavailable, UnknownSchema
from . import dataset
from .scenery import CREW, KEYS, OTHERS, OWNER, SCHEMA, TABLES
from .screen import Screen
from .slips import DEVELOPERS

ACTOR = "asymm_actor"
READER = "flights_reader"


class Stage:
    """The database of the demonstration, seen by a superuser, and the logins that act on it."""

    def __init__(self, dsn: str, db: Database, connection: Connection[Any], screen: Screen) -> None:
        self.dsn, self.db, self.connection, self.screen = dsn, db, connection, screen
        self.password = secrets.token_urlsafe(24)
        self.given: set[str] = set()
        self.own_pulse: subprocess.Popen[bytes] | None = None
        self.csv: dict[str, bytes] = {}

    def login(self, role: str, application: str, dsn: str | None = None) -> str:
        """Return the connection string of one of our logins, of another database if one is given."""
        return make_conninfo(dsn or self.dsn, user=role, password=self.password, application_name=application)

    def roles(self) -> None:
        """Make the owner, a reader and the developers: members of the owner, with a password for now."""
        for role in (OWNER, READER):
            self._make_role(role, "NOLOGIN")
        for role in DEVELOPERS:
            self._make_role(role, "LOGIN")
            self._run(sql.SQL("GRANT {} TO {}").format(sql.Identifier(OWNER), sql.Identifier(role)))
            self.set_password(role, self.password)

    def tables(self) -> None:
        """Make the schemas anew, with empty tables."""
        watched = [row.object for row in self.db.watched() if row.object.startswith(f"{SCHEMA}.")]
        for name in watched:
            self.db.unwatch(name)
        for schema in (CREW, SCHEMA):
            with contextlib.suppress(NotWatched, UnknownSchema):
                self.db.unwatch_schema(schema)
            self._run(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
        self._make(self.connection, TABLES)

    @contextlib.contextmanager
    def staging(self) -> Iterator[str]:
        """Make a second database with the same schemas, as they were at first; yields its conninfo."""
        name = sql.Identifier(f"{self.connection.info.dbname[:50]}_staging")
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        try:
            dsn = make_conninfo(self.dsn, dbname=f"{self.connection.info.dbname[:50]}_staging")
            with psycopg.connect(dsn, autocommit=True) as other:
                other.execute("CREATE EXTENSION asymmetrica CASCADE")
                self._make(other, (*TABLES, *KEYS, *OTHERS))
            yield dsn
        finally:
            self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def others(self) -> None:
        """Make the objects of other kinds, and have them watched; what differs is only proposed."""
        self._as_owner(self.connection, *OTHERS)
        self.db.watch_schema(CREW, policy="propose")

    def pulse(self) -> None:
        """Start the pulse as the actor: by pg_cron, or if that can't be, by the driver."""
        statements = self.db.create_actor(ACTOR, owner=OWNER)
        for row in statements:
            if row.result == "done":
                self.screen.line(f"{row.statement};", "dim")
        self.screen.good(f"{ACTOR} is a login of its own, member of {OWNER}: it will run the pulse")
        try:
            for job in self.db.start(ACTOR):
                self.screen.line(f"pg_cron, {job.schedule}: {job.command};", "dim")
        except PulseUnavailable as error:
            self.screen.line(f"not by pg_cron ({error.message}): asymmetrica pulse runs it instead")
            self._run_pulse()

    def _run_pulse(self) -> None:
        self.set_password(ACTOR, self.password)
        self.own_pulse = subprocess.Popen(
            [sys.executable, "-m", "asymmetrica", "pulse"],
            env={**os.environ, "ASYMMETRICA_DSN": self.login(ACTOR, "asymmetrica pulse")},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    @contextlib.contextmanager
    def builder(self) -> Iterator[None]:
        """Let the driver build where pg_cron would wait for a minute or two: it is to be seen soon."""
        found = self.connection.execute("SELECT asymm._cron_is_serial()").fetchone()
        if self.own_pulse is not None or found != (True,):
            yield
            return
        self.screen.line(
            "pg_cron before 1.5 starts a build only when its other jobs end: asymmetrica pulse builds instead"
        )
        actor = sql.Identifier(ACTOR)
        self._run(sql.SQL("REVOKE USAGE ON SCHEMA cron FROM {}").format(actor))
        self._run_pulse()
        try:
            yield
        finally:
            self._run(sql.SQL("GRANT USAGE ON SCHEMA cron TO {}").format(actor))

    def data(self, cache: Path, limit: int | None) -> dict[str, int]:
        """Load the CSV files and add the keys; return the rows loaded per table."""
        self.csv = dataset.files(dataset.fetch(cache))
        self.csv["flights"] = dataset.first_rows(self.csv["flights"], limit)
        rows = {}
        for table in self.csv:
            rows[table] = self.copy(table)
        self._as_owner(self.connection, *KEYS)
        self._run("ANALYZE")
        return rows

    def copy(self, table: str) -> int:
        """Load one table from its CSV text."""
        text = self.csv[table]
        with self.screen.progress(f"loading {table}", len(text)) as advance, self.connection.transaction():
            self._run("SET LOCAL ROLE flights_owner")
            return dataset.load(self.connection, table, text, advance)

    def alive(self) -> bool:
        """Say whether the actor's fast loop beats and has read what happened so far."""
        unread = self.connection.execute("SELECT FROM asymm.ddl WHERE NOT seen LIMIT 1").fetchone()
        return unread is None and any(
            loop.actor == ACTOR and loop.lane == "fast" and loop.alive for loop in self.db.heartbeat()
        )

    def count(self, table: str) -> int:
        schema, name = table.split(".")
        query = sql.SQL("SELECT pg_catalog.count(*) FROM {}").format(sql.Identifier(schema, name))
        found = self.connection.execute(query).fetchone()
        return int(found[0]) if found else 0

    def leave(self) -> None:
        """Take the passwords away and end the pulse if it is ours."""
        if self.own_pulse is not None:
            self.own_pulse.terminate()
            try:
                self.own_pulse.wait(10)
            except subprocess.TimeoutExpired:
                self.own_pulse.kill()
                self.own_pulse.wait()
        for role in sorted(self.given):
            self.set_password(role, None)

    def set_password(self, role: str, password: str | None) -> None:
        """Set a password, hashed here so that it can't reach a log of the server, or take it away."""
        value: sql.Composable = sql.NULL
        if password is not None:
            hashed = self.connection.pgconn.encrypt_password(
                password.encode(), role.encode(), b"scram-sha-256"
            )
            value = sql.Literal(hashed.decode())
        self._run(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), value))
        self.given.add(role)

    def _make_role(self, role: str, attributes: LiteralString) -> None:
        # An earlier demonstration on this server may have made it.
        with contextlib.suppress(psycopg.errors.DuplicateObject):
            self._run(sql.SQL("CREATE ROLE {} " + attributes).format(sql.Identifier(role)))

    def _make(self, connection: Connection[Any], statements: Sequence[LiteralString]) -> None:
        for schema in (SCHEMA, CREW):
            command = sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}")
            connection.execute(command.format(sql.Identifier(schema), sql.Identifier(OWNER)))
        self._as_owner(connection, "GRANT USAGE ON SCHEMA flights TO flights_reader", *statements)

    def _as_owner(self, connection: Connection[Any], *statements: LiteralString) -> None:
        with connection.transaction():
            for statement in ("SET LOCAL ROLE flights_owner", *statements):
                connection.execute(statement)

    def _run(self, statement: LiteralString | sql.Composed) -> None:
        self.connection.execute(statement)
