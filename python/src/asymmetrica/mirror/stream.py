"""A replication connection: START_REPLICATION on libpq, and what is read from and written to it.

psycopg has no cursor for this; its libpq layer has what it takes.
"""

from __future__ import annotations

import select
import struct
import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from .._lsn import format_lsn
from .._redact import secrets_of
from ..errors import AsymmetricaError, ConnectionFailed, translate

__all__ = [
    "HEAD",
    "Keepalive",
    "Stream",
    "StreamBroken",
    "limits",
    "quote_literal",
    "quote_name",
]

# Text forms must not depend on what somebody set for the role or the database.
SETTINGS = (
    "-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=1 -c bytea_output=hex "
    "-c search_path=pg_catalog,pg_temp -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 "
    "-c client_min_messages=warning -c client_encoding=UTF8 -c lc_monetary=C -c xmlbinary=base64 "
    "-c default_transaction_read_only=off -c synchronous_commit=local"
)
# The head of a message with data: its kind, two positions and a time.
HEAD = 25
# Postgres counts microseconds from the year 2000.
_EPOCH = 946_684_800
_STATUS = struct.Struct("!cQQQqB").pack
# Of what came so many messages, or bytes, are taken at a time.
_MANY, _MUCH = 500, 1 << 19
_DATA, _KEEPALIVE = ord("w"), ord("k")
# From version 18 on the server passes over the changes of a publication that is not there, and merely warns.
_PASSED_OVER = ("WARNING", "55000")

# A dead network is noticed within seconds, unless the conninfo says otherwise.
_LIMITS = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


def limits(conninfo: str) -> dict[str, int]:
    """Return what a connection is to be opened with besides."""
    said = conninfo_to_dict(conninfo)
    return {name: value for name, value in _LIMITS.items() if name not in said}


def quote_name(name: str) -> str:
    """Quote an identifier of the replication protocol."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Quote a string of the replication protocol."""
    return "'" + text.replace("'", "''") + "'"


class StreamBroken(AsymmetricaError):
    """The server can't tell what was committed next: what it says of the reason."""


class Keepalive:
    """The server says how far it is; `urgent` that it wants an answer at once."""

    __slots__ = ("lsn", "urgent")

    def __init__(self, lsn: int, urgent: bool) -> None:
        self.lsn = lsn
        self.urgent = urgent


class Stream:
    """One replication connection; the server gives it up when its reader is silent for `lease` seconds."""

    def __init__(self, conninfo: str, lease: float, application_name: str = "asymmetrica mirror") -> None:
        self.secrets = secrets_of(conninfo)
        complete = make_conninfo(
            conninfo,
            replication="database",
            options=f"{SETTINGS} -c wal_sender_timeout={int(lease * 1000)}ms",
            application_name=application_name,
            **limits(conninfo),
        )
        try:
            self.connection: psycopg.Connection[Any] = psycopg.Connection.connect(complete, autocommit=True)
        except psycopg.Error as error:
            raise translate(error, self.secrets) from None
        self.connection.add_notice_handler(self._told)
        self.pgconn = self.connection.pgconn
        self.lease = lease
        self.acknowledged = 0
        self.heard = time.monotonic()
        self.asked: float | None = None
        self.failure: AsymmetricaError | None = None
        self.passed_over: StreamBroken | None = None

    def close(self) -> None:
        self.connection.close()

    def send(self, text: str) -> None:
        """Send a command of the protocol; answer() says what came of it."""
        self.pgconn.send_query(text.encode())

    def answer(self) -> list[str | None] | None:
        """Return the first row of the answer, None as long as there is no answer."""
        try:
            self.pgconn.consume_input()
            if self.pgconn.is_busy():
                return None
        except psycopg.Error as error:
            raise self._lost(error) from None
        row: list[str | None] = []
        while (result := self.pgconn.get_result()) is not None:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise self._refused(result)
            if result.status == pq.ExecStatus.TUPLES_OK and result.ntuples:
                cells = (result.get_value(0, column) for column in range(result.nfields))
                row = [None if cell is None else cell.decode() for cell in cells]
            if result.status == pq.ExecStatus.COPY_BOTH:
                break
        return row

    def command(self, text: str, wait: Callable[[], None] = lambda: None) -> list[str | None]:
        """Run a command and return the first row of its answer; wait() is called meanwhile and may raise."""
        self.send(text)
        while (row := self.answer()) is None:
            select.select([self.pgconn.socket], [], [], 0.1)
            wait()
        return row

    def source(self) -> str:
        """Return what tells this server from all others and from its former lives."""
        system, timeline, *_ = self.command("IDENTIFY_SYSTEM")
        return f"{system}-{timeline}"

    def _refused(self, result: Any) -> AsymmetricaError:
        return translate(psycopg.errors.error_from_result(result), self.secrets)

    def _broken(self, error: AsymmetricaError) -> AsymmetricaError:
        if isinstance(error, ConnectionFailed):
            return error
        return StreamBroken(error.message, sqlstate=error.sqlstate, detail=error.detail, hint=error.hint)

    def _told(self, notice: psycopg.errors.Diagnostic) -> None:
        if (notice.severity_nonlocalized, notice.sqlstate) == _PASSED_OVER:
            self.passed_over = StreamBroken(
                notice.message_primary or "", sqlstate=notice.sqlstate, detail=notice.message_detail
            )

    def start(self, slot: str, publication: str, lsn: int) -> None:
        """Have the server send what was committed since `lsn`."""
        names = quote_literal(quote_name(publication))
        self.command(
            f"START_REPLICATION SLOT {quote_name(slot)} LOGICAL {format_lsn(lsn)} "
            f"(proto_version '1', publication_names {names}, messages 'true')"
        )
        self.acknowledged = lsn

    def read(self) -> list[bytes | Keepalive]:
        """Return what is there now: messages of pgoutput, keepalives; not too much at a time."""
        out: list[bytes | Keepalive] = []
        if self.failure is None:
            try:
                self._take(out)
            except psycopg.Error as error:
                self.failure = self._lost(error)
            except AsymmetricaError as error:
                self.failure = error
        # What came before the end is applied first.
        if self.failure is not None and not out:
            raise self.failure
        return out

    def _take(self, out: list[bytes | Keepalive]) -> None:
        take, size = self.pgconn.get_copy_data, 0
        while len(out) < _MANY and size < _MUCH:
            length, data = take(1)
            # It comes before what is said of later positions, which must not be acknowledged.
            if self.passed_over is not None:
                raise self.passed_over
            if length <= 0:
                if length < 0:
                    self._ended()
                return
            message = bytes(data)
            size += length
            if message[0] == _DATA:
                out.append(message)
            elif message[0] == _KEEPALIVE:
                lsn, _ = struct.unpack_from("!Qq", message, 1)
                out.append(Keepalive(lsn, bool(message[17])))
            else:
                raise ConnectionFailed(f"the replication stream holds an unknown message {message[:1]!r}")

    def _ended(self) -> None:
        result = self.pgconn.get_result()
        if result is not None and result.status == pq.ExecStatus.FATAL_ERROR:
            raise self._broken(self._refused(result))
        raise ConnectionFailed("the server ended the replication stream")

    def wait(self, seconds: float, *others: int) -> None:
        """Wait until the server sent something, one of the other files is readable, or the time is over."""
        try:
            ready, _, _ = select.select([self.pgconn.socket, *others], [], [], max(seconds, 0))
            if self.pgconn.socket in ready:
                self.pgconn.consume_input()
                self.heard, self.asked = time.monotonic(), None
            else:
                self._listen(time.monotonic())
        except (psycopg.Error, OSError) as error:
            raise self._lost(error) from None

    def _listen(self, now: float) -> None:
        """Ask a server that said nothing for long whether it is there; raise if it does not answer."""
        if self.asked is None:
            if now > self.heard + self.lease / 2:
                self.asked = now
                self._status(1)
        elif now > self.asked + self.lease:
            raise ConnectionFailed("the server has been silent", detail=f"For {now - self.heard:.0f} s.")

    def acknowledge(self, lsn: int, *, even_if_old: bool = True) -> None:
        """Tell the server that everything up to `lsn` is where it belongs."""
        if lsn <= self.acknowledged and not even_if_old:
            return
        self.acknowledged = max(lsn, self.acknowledged)
        self._status(0)

    def _status(self, answer: int) -> None:
        if self.passed_over is not None:
            raise self.passed_over
        now = int((time.time() - _EPOCH) * 1_000_000)
        at = self.acknowledged
        try:
            self.pgconn.put_copy_data(_STATUS(b"r", at, at, at, now, answer))
            self.pgconn.flush()
        except psycopg.Error as error:
            # The end may have come before what is acknowledged now was applied.
            raise self.failure or self._lost(error) from None

    def _lost(self, error: Exception) -> AsymmetricaError:
        if isinstance(error, psycopg.Error):
            failure = translate(error, self.secrets)
            if failure.sqlstate is not None:
                return failure
            return ConnectionFailed(failure.message)
        return ConnectionFailed(str(error))
