# Generated from _server_async.py by tools/async_to_sync.py: change that, not this.
"""What the read path asks the primary: rows, positions, who asks, what a query depends on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import Connection, Cursor, pq, sql
from psycopg.adapt import Transformer
from psycopg.rows import tuple_row

from .._session_sync import Session
from ..mirror.names import table_name
from . import _sql
from .facts import Dependencies, Fetched, Who
from .table import Column, Table

__all__ = ["Server"]

# Roles are granted and revoked without an event: who we are is asked again after so many seconds.
_ASK_AGAIN = 60.0


class Server:
    """The primary, by the session all other methods use."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.who: Who | None = None

    def in_transaction(self) -> bool:
        """Whether a transaction is open on our connection: what it wrote only Postgres knows."""
        return self.session.in_transaction()

    def known(self) -> Who | None:
        """Return who we are if that needs not be asked again."""
        who, own = self.who, self.session.own
        if who is None or own is not who.connection or time.monotonic() - who.asked > _ASK_AGAIN:
            return None
        return who

    def fetch(self, connection: Connection[Any], text: Any, params: Any) -> Fetched:
        """Run a statement."""
        if self.session.turn.mine():
            return self._fetch(connection, text, params)
        with self.session.alone():
            return self._fetch(connection, text, params)

    def _fetch(self, connection: Connection[Any], text: Any, params: Any) -> Fetched:
        cursor = Cursor(connection, row_factory=tuple_row)
        try:
            cursor.execute(text, params)
        except psycopg.errors.FeatureNotSupported as error:
            # psycopg has prepared it, and by now it would return other columns: nothing was run.
            idle = connection.info.transaction_status == pq.TransactionStatus.IDLE
            if error.diag.source_function != "RevalidateCachedQuery" or not idle:
                raise
            connection.execute("DEALLOCATE ALL")
            cursor.execute(text, params)
        return self._fetched(cursor)

    def _fetched(self, cursor: Cursor[tuple[Any, ...]]) -> Fetched:
        if cursor.description is None:
            return Fetched((), [], lambda _row, _column: None)
        rows = cursor.fetchall()
        columns = tuple((column.name, column.type_code) for column in cursor.description)
        result = cursor.pgresult
        assert result is not None
        return Fetched(columns, rows, result.get_value)

    def between(
        self, connection: Connection[Any], text: Any, params: Any, probe: Any
    ) -> tuple[tuple[Any, ...] | None, Fetched, tuple[Any, ...] | None]:
        """Run a statement between two runs of one of ours, sent at once; return the rows of all three.

        They are one transaction.
        """
        before, cursor, after = (Cursor(connection, row_factory=tuple_row) for _ in range(3))
        try:
            with connection.pipeline():
                before.execute(probe)
                cursor.execute(text, params)
                after.execute(probe)
        except BaseException as error:
            # psycopg takes what was to be prepared in it as prepared, even after an error.
            if isinstance(error, psycopg.Error) and not connection.closed:
                connection.execute("DEALLOCATE ALL")
            else:
                connection.close()
            raise
        return before.fetchone(), self._fetched(cursor), after.fetchone()

    def one(self, connection: Connection[Any], text: Any, **values: Any) -> tuple[Any, ...] | None:
        """Run a statement of ours and return its first row."""
        found = self.fetch(connection, text, values)
        return found.rows[0] if found.rows else None

    def end(self, connection: Connection[Any]) -> int:
        """Return how far the log is; notice that settings were changed."""
        row = self.one(connection, _sql.AFTER)
        assert row is not None
        if self.who is not None and self._settings(connection, *row[1:3]) != self.who.settings:
            self.who = None
        return int(row[0] or 0)

    def _settings(
        self, connection: Connection[Any], settings: Sequence[str | None], temporary: bool
    ) -> tuple[str | None, ...]:
        """Return the settings, and last whether names may mean something temporary first."""
        row = self.one(connection, _sql.TEMPORARY) if temporary else None
        return (*settings, row[0] if row else None)

    def ask_who(self, connection: Connection[Any]) -> tuple[Who, int]:
        """Return who we are, and how far the log is."""
        row = self.one(connection, _sql.WHO)
        assert row is not None
        end, settings, temporary, recovery, system, database, roles, role = row
        settings = self._settings(connection, settings, temporary)
        said = dict(zip((*_sql.SETTINGS, "temporary"), settings, strict=True))
        why_not = None
        if recovery:
            why_not = "this is a standby"
        elif said["standard_conforming_strings"] != "on" or said["client_encoding"] != "UTF8":
            why_not = "of settings: standard_conforming_strings = on and client_encoding = UTF8 are needed"
        elif said["temporary"]:
            why_not = "names may mean temporary objects first: name pg_temp last in search_path"
        token = hashlib.sha256(json.dumps([settings, system, database, roles, role]).encode()).hexdigest()
        plain = (said["DateStyle"] or "").startswith("ISO") and said["IntervalStyle"] == "postgres"
        self.who = Who(token, f"{system}/asymm_mirror_{database}".encode(), settings, why_not,
                       plain and (said["extra_float_digits"] or "0")[0] in "123",
                       connection.info.timezone, time.monotonic(), connection)  # fmt: skip
        return self.who, int(end or 0)

    def load(self, connection: Connection[Any]) -> Callable[[int], Callable[[bytes], Any]]:
        """Return what finds the loader of a type's texts, as it is on this connection."""
        transformer: Any = None

        def loader(oid: int) -> Callable[[bytes], Any]:
            # Most results need none.
            nonlocal transformer
            if transformer is None:
                transformer = Transformer(connection)
            load: Callable[[bytes], Any] = transformer.get_loader(oid, pq.Format.TEXT).load
            return load

        return loader

    def dumped(self, connection: Connection[Any], values: Sequence[Any]) -> tuple[list[Any], list[int]]:
        """Return parameters as they are sent, and their types."""
        transformer = Transformer(connection)
        texts = transformer.dump_sequence(values, [psycopg.adapt.PyFormat.AUTO] * len(values))
        return [None if text is None else bytes(text) for text in texts], list(transformer.types or ())

    def dependencies(self, connection: Connection[Any], text: str, types: Sequence[int]) -> Dependencies:
        """Ask what a query depends on."""
        try:
            # The question writes for a moment; undone, no standby is waited for.
            with self.session.alone(), connection.transaction(force_rollback=True):
                row = self.one(connection, _sql.DEPENDENCIES, query=text, types=list(types))
        except psycopg.Error as error:
            if connection.closed or connection.broken:
                raise
            return Dependencies((), error.diag.message_primary or "what it depends on can't be asked", ())
        assert row is not None
        cacheable, reason, clocks, count, names, steady = row
        if not cacheable:
            return Dependencies((), str(reason), tuple(clocks or ()), bool(steady))
        if len(names) != count:
            return Dependencies((), "a table was changed a moment ago", ())
        tables = tuple(sorted(table_name(schema, table) for schema, table in names))
        return Dependencies(tables, None, tuple(clocks or ()), True)

    def table(self, connection: Connection[Any], name: str) -> tuple[Table, str | None]:
        """Return a table, and why it is not read from the mirror. Raises psycopg.Error."""
        values = {"table": name}
        why_not = None
        try:
            row = self.one(connection, _sql.MIRRORED, **values)
            if row is None:
                why_not = f"{name} is not mirrored"
        except psycopg.Error as error:
            if connection.closed or connection.broken or error.sqlstate == "42P01":
                raise
            row, why_not = None, error.diag.message_primary
        found = {row[0]: row for row in (self.fetch(connection, _sql.COLUMNS, values)).rows}
        if row is None:
            key = self.one(connection, _sql.PRIMARY_KEY, **values)
            number, form, keys, names = 0, "", (key[0] if key else []), list(found)
        else:
            number, form, keys, names = row
        rights = self.one(connection, _sql.RIGHTS, columns=names, **values)
        assert rights is not None
        schema, relation, oid, allowed = rights
        if not allowed:
            why_not = "this role may not read it"
        known = [found[name] for name in names if name in found]
        columns = tuple(Column(column, type_, enum) for column, type_, enum, _ in known)
        made = Table(
            number, oid, table_name(schema, relation), f"{schema}.{relation}",
            sql.Identifier(schema, relation).as_string(connection),
            tuple((column, found[column][1]) for column in keys),
            all(found[column][3] for column in keys), form, columns,
        )  # fmt: skip
        unreadable = made.unreadable()
        if why_not is None and form != "hash" and unreadable is not None:
            why_not = f'values of column "{unreadable}" can\'t be read back exactly from JSON'
        elif why_not is None and form == "hash" and unreadable is not None:
            why_not = f'texts of column "{unreadable}" may depend on settings'
        return made, why_not
