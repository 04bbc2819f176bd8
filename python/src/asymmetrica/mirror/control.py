"""The worker's session with the database: who leads, what is mirrored, what is to be told."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from .._lsn import parse_lsn
from .._redact import secrets_of
from ..errors import AsymmetricaError, translate
from . import _sql
from .plan import Registered
from .snapshot import session
from .visible import Snapshot, Started

__all__ = ["Control", "Refused", "SlotState", "refused", "registry"]


class Refused(AsymmetricaError):
    """What the worker is to do can't be done here."""


@dataclass(frozen=True, slots=True)
class SlotState:
    """What the server knows of the worker's slot."""

    confirmed: int
    lost: bool
    active: bool


class Control:
    """Holds the lead as long as its session lives; a worker silent for `lease` seconds loses both."""

    def __init__(self, conninfo: str, lease: float) -> None:
        self.secrets = secrets_of(conninfo)
        # How far the former worker said it was.
        self.reported = 0
        # The name of the changes of states that were told last.
        self.states: str | None = None
        try:
            self.connection: psycopg.Connection[Any] = session(
                conninfo,
                "asymmetrica mirror control",
                f" -c idle_session_timeout={int(lease * 1000)}ms -c lock_timeout=3s",
                max(2 * lease, 6.0),
            )
        except psycopg.Error as error:
            raise translate(error, self.secrets) from None

    def close(self) -> None:
        self.connection.close()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise translate(error, self.secrets) from None

    def row(self, query: Any, *values: Any) -> tuple[Any, ...] | None:
        """Run a statement and return its first row."""
        with self._translated():
            found: tuple[Any, ...] | None = self.connection.execute(query, values).fetchone()
            return found

    def lead(self, token: str) -> tuple[str, str] | None:
        """Try to lead; return the names of slot and publication, or None while another worker does."""
        held = self.row(_sql.LOCK)
        if held is None or not held[0]:
            return None
        row = self.row(_sql.LEAD, token)
        assert row is not None
        self.reported = parse_lsn(row[2] or "0/0")
        self.states = row[3]
        return row[0], row[1]

    def flushed(self) -> int:
        """Return how far the server's log is."""
        row = self.row(_sql.FLUSHED)
        assert row is not None
        return parse_lsn(row[0])

    def moment(self) -> tuple[int, Snapshot]:
        """Return where the next record of the log goes, and which transactions are visible now."""
        row = self.row(_sql.MOMENT)
        assert row is not None
        return int(row[0]), Snapshot.parse(row[1])

    def started(self) -> tuple[int, Started]:
        """Return the size of the log's pages, and what is running now."""
        row = self.row(_sql.STARTED)
        assert row is not None
        return row[0], Started(Snapshot.parse(row[1]), row[2])

    def published(self, name: str) -> bool:
        """Whether there is a publication of that name."""
        row = self.row(_sql.PUBLISHED, name)
        return row is not None and row[0]

    def slot(self, name: str) -> SlotState | None:
        """Return the state of the slot, None if there is none."""
        row = self.row(_sql.SLOT, name)
        return None if row is None else SlotState(parse_lsn(row[0] or "0/0"), row[1], row[2])

    def drop_slot(self, name: str) -> None:
        """Drop the slot."""
        self.row(_sql.DROP_SLOT, name)

    def registry(self) -> list[Registered]:
        """Return what is to be mirrored."""
        with self._translated():
            return registry(self.connection)

    def mark(self, text: str) -> None:
        """Write a message into the log, to come back through the stream."""
        self.row(_sql.MARK, json.dumps({"mark": text}))

    def astir(self) -> set[int]:
        """Return the partitioned tables of which a partition was truncated, or may just be."""
        row = self.row(_sql.ASTIR)
        assert row is not None
        return set(row[0])

    def report(self, report: dict[str, Any]) -> None:
        """Tell the database how the mirror is; raises once another worker leads."""
        self.row(_sql.REPORT, json.dumps(report))


_FATAL = ("42501", "42883", "3F000", "SY003", "SY004")


def registry(connection: psycopg.Connection[Any]) -> list[Registered]:
    """Return what is to be mirrored, as the connection's transaction sees it."""
    out = []
    for row in connection.execute(_sql.REGISTRY):
        oid, schema, table, keys, columns, types, form, ttl, epoch, error, kind, states, estimate = row[1:]
        out.append(
            Registered(
                id=row[0],
                oid=oid,
                schema=schema,
                table=table,
                key_columns=tuple(keys),
                columns=tuple(columns),
                types=tuple(types),
                format=form,
                ttl=ttl,
                epoch=epoch,
                partitioned=kind == "p",
                error=error,
                estimate=estimate,
                states=tuple(states),
            )
        )
    return out


def refused(error: Exception) -> bool:
    """Whether trying again can't help: missing rights, no extension, a restored copy."""
    return isinstance(error, Refused) or (isinstance(error, AsymmetricaError) and error.sqlstate in _FATAL)
