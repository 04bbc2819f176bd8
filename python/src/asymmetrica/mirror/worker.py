"""The worker: leads or stands by, keeps Redis equal to the tables, and starts over when anything breaks."""

from __future__ import annotations

import contextlib
import os
import random
import secrets as random_source
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from .._redact import secrets_of
from ..errors import AsymmetricaError, translate
from .control import Control, refused
from .metrics import Metrics
from .names import Names
from .session import Session
from .store import Emptied, Store, StoreError
from .stream import StreamBroken

__all__ = ["Event", "Stop", "Worker"]

_PERIOD = 11 / 54
_STEPS = (1, 2, 4, 8, 16)
# After so many failures of the stream at one place it is taken up at another, with everything built anew.
_BROKEN = 3


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: `what` is leading, standing by, building, built, live, unsafe, failed."""

    what: str
    note: str | None = None
    table: str | None = None
    rows: int | None = None
    total: int | None = None
    wait: float | None = None


class Stop:
    """A flag that wakes whoever waits for a file."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.wanted = False

    def set(self, *_: Any) -> None:
        """Ask the worker to end; also a signal handler."""
        if not self.wanted:
            self.wanted = True
            os.write(self.writer, b".")

    def close(self) -> None:
        os.close(self.reader)
        os.close(self.writer)


class Worker:
    """`asymmetrica mirror run` without its command line."""

    def __init__(
        self,
        conninfo: str,
        redis_url: str,
        *,
        prefix: str = "asymm",
        lease: float = 10.0,
        stop: Stop,
        tell: Callable[[Event], None] = lambda _: None,
        metrics: Metrics | None = None,
    ) -> None:
        self.conninfo, self.redis_url = conninfo, redis_url
        self.names = Names(prefix)
        self.lease = lease
        self.stop = stop
        self.metrics = metrics or Metrics()
        self._tell = tell
        self.connected = False
        # Where the stream broke lately, how often, and what the server said.
        self.broken = (0, 0, "")

    def run(self) -> None:
        """Work until `stop` is set. Raises what trying again can't mend, and a first failure."""
        tries = 0
        while not self.stop.wanted:
            began = time.monotonic()
            try:
                self._lead()
                break
            except (AsymmetricaError, psycopg.Error, OSError) as error:
                failure = self._failure(error)
                if refused(failure) or not self.connected:
                    raise failure from None
                if time.monotonic() - began > 10 or isinstance(failure, Emptied):
                    tries = 0
                wait = _PERIOD * _STEPS[min(tries, len(_STEPS) - 1)] * random.uniform(0.5, 1.5)
                tries += 1
                self.tell(Event("failed", failure.message, wait=wait))
                self.pause(wait)
        self.tell(Event("stopped"))

    def _failure(self, error: Exception) -> AsymmetricaError:
        if isinstance(error, psycopg.Error):
            return translate(error, secrets_of(self.conninfo))
        return error if isinstance(error, AsymmetricaError) else AsymmetricaError(str(error))

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than until `stop` is set."""
        select.select([self.stop.reader], [], [], seconds)

    def _lead(self) -> None:
        with contextlib.closing(Control(self.conninfo, self.lease)) as control:
            token = random_source.token_hex(12)
            led, told = control.lead(token), False
            while led is None:
                if not told:
                    self.tell(Event("standing by", "another worker leads"))
                    told = True
                self.pause(1.0)
                if self.stop.wanted:
                    return
                led = control.lead(token)
            try:
                store = Store(self.redis_url, self.names, self.lease)
                with contextlib.closing(store):
                    store.lead(token)
                    self.connected = True
                    self.tell(Event("leading"))
                    session = Session(
                        self.conninfo, control, store, token, *led,
                        lease=self.lease, stop=self.stop, tell=self._said,
                    )  # fmt: skip
                    if self.broken[1] >= _BROKEN:
                        session.stuck, self.broken = self.broken[2], (0, 0, "")
                    self.metrics.begin(session)
                    try:
                        session.run()
                    except StreamBroken as error:
                        at = session.unacknowledged
                        times = self.broken[1] + 1 if at == self.broken[0] else 1
                        self.broken = (at, times, error.message)
                        raise
                    finally:
                        self.metrics.end()
            except (StoreError, Emptied) as error:
                self._unsafe(control, token, str(error))
                raise

    def tell(self, event: Event) -> None:
        """Count an event and pass it on."""
        self.metrics.note(event.what)
        self._tell(event)

    def _said(
        self, what: str, note: str | None, table: str | None, rows: int | None, total: int | None = None
    ) -> None:
        self.tell(Event(what, note, table, rows, total))

    def _unsafe(self, control: Control, token: str, why: str) -> None:
        """Tell the database that Redis can't be relied upon."""
        with contextlib.suppress(AsymmetricaError):
            tables = [{"id": table.id, "state": "unsafe", "error": why} for table in control.registry()]
            control.report({"leader": token, "tables": tables})
