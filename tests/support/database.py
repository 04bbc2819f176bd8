"""A database of one test, with its roles and connections."""

from __future__ import annotations

import itertools
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from support.cluster import BIN, CRON_DATABASE, Cluster

_serial = itertools.count(1)


class Database:
    """One database; what a test opened or made through it is closed or dropped after the test."""

    def __init__(self, server: Cluster, name: str) -> None:
        self.server = server
        self.name = name
        self._connections: list[psycopg.Connection] = []
        self._roles: list[str] = []
        self._own: psycopg.Connection | None = None

    @property
    def dsn(self) -> str:
        """Conninfo of the superuser `postgres`."""
        return self.dsn_of("postgres")

    def dsn_of(self, user: str, **options: Any) -> str:
        return self.server.dsn(self.name, user, **options)

    def connect(
        self, *, user: str = "postgres", autocommit: bool = True, **options: Any
    ) -> psycopg.Connection:
        """Open a connection that is closed after the test; options as in a conninfo string."""
        connection = psycopg.connect(self.dsn_of(user, **options), autocommit=autocommit)
        self._connections.append(connection)
        return connection

    @property
    def own(self) -> psycopg.Connection:
        """The superuser's autocommit connection behind sql() and value(); opened again after a crash."""
        if self._own is None or self._own.closed or self._own.broken:
            self._own = self.connect()
        return self._own

    def sql(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run one statement as superuser and return its rows (none for a command)."""
        cursor = self.own.execute(query.encode(), params or None)
        return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *params: Any) -> Any:
        """Return the first column of the first row, None if there is no row."""
        rows = self.sql(query, *params)
        return rows[0][0] if rows else None

    def role(self, hint: str = "role", attributes: str = "LOGIN", member_of: tuple[str, ...] = ()) -> str:
        """Create a role, unique in the cluster and dropped after the test; return its name."""
        name = f"{hint}_{self.name}_{next(_serial)}"
        command = sql.SQL("CREATE ROLE {} " + attributes)
        self.own.execute(command.format(sql.Identifier(name)))
        self._roles.append(name)
        for group in member_of:
            self.own.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(name)))
        return name

    def forget_role(self, name: str) -> None:
        """Have a role that the test made by itself dropped after the test."""
        self._roles.append(name)

    def wait_for(self, query: str, *params: Any, timeout: float = 10) -> float:
        """Poll until the query's first value is true; return the seconds it took."""
        start = time.monotonic()
        while not self.value(query, *params):
            if time.monotonic() - start > timeout:
                raise AssertionError(f"not true within {timeout} s: {query} {params or ''}")
            time.sleep(0.005)
        return time.monotonic() - start

    def psql(self, *arguments: str | Path, user: str = "postgres") -> subprocess.CompletedProcess[str]:
        """Run psql -X on this database; output and errors are kept apart, nothing is raised."""
        command = [str(BIN / "psql"), "-X", "-d", self.dsn_of(user), *map(str, arguments)]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def close(self) -> None:
        """Close every connection of the test."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._own = None

    def drop(self) -> None:
        """Close, drop the database and the test's roles."""
        self.close()
        with self.server.admin() as admin:
            admin.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name))
            )
            for name in reversed(self._roles):
                admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def tool(name: str, *arguments: str | Path) -> None:
    """Run one of Postgres' programs; it must succeed and say nothing."""
    done = subprocess.run([BIN / name, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def create_cron(server: Cluster) -> Database:
    """Give a cluster the database its pg_cron serves, with pg_cron and the extension."""
    made = Database(server, CRON_DATABASE)
    made.sql("CREATE EXTENSION pg_cron")
    made.sql("CREATE EXTENSION asymmetrica")
    return made


def create(server: Cluster, template: str = "template0", name: str | None = None) -> Database:
    """Create a database; retried while a background worker still looks at the template."""
    name = name or f"t{next(_serial)}"
    # Copied as files: the template has hundreds, most of them small.
    command = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    deadline = time.monotonic() + 30
    while True:
        try:
            with server.admin() as admin:
                admin.execute(command)
        except psycopg.errors.ObjectInUse:
            if time.monotonic() > deadline:
                raise
        else:
            return Database(server, name)
