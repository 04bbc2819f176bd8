"""The sender: takes what is due, sends it side by side, says what came of it, and ends when it is asked to.

It holds no transaction while it sends. What it took and did not answer for, because it died, is taken again
when the lease is over, with the same key: at least once.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from .._redact import redact, secrets_of
from .._session_sync import connect_own
from ..errors import AsymmetricaError, translate
from ..mirror.points import point
from . import _sql
from .kinds import deliver
from .message import Environment, Message, Undelivered

__all__ = ["Event", "Sender"]

_STEPS = (0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
# Trying again is pointless: a restored copy, missing rights, no extension.
_FATAL = ("SY004", "42501", "42883", "3F000", "22023")
# Longer than any delivery may take.
SHORTEST_LEASE = 45.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: `what` is ready, sending, sent, failed, dead, lost, trouble or stopped."""

    what: str
    destination: str | None = None
    message: int | None = None
    told: str | None = None
    tries: int | None = None
    note: str | None = None
    wait: float | None = None


@dataclass(slots=True)
class _Done:
    """A message that was sent, or why not."""

    message: Message
    status: int | None
    failure: Undelivered | None


class Sender:
    """`asymmetrica alerts run` without its command line."""

    def __init__(
        self,
        conninfo: str,
        *,
        environment: Environment | None = None,
        lease: float = 60.0,
        every: float = 1.0,
        side_by_side: int = 4,
        tell: Callable[[Event], None] = lambda _: None,
    ) -> None:
        self.conninfo = conninfo
        self.environment = environment or Environment()
        self.lease, self.every, self.most = lease, every, side_by_side
        self.tell = tell
        self.secrets = (*secrets_of(conninfo), *self.environment.secrets())
        # What threads did, and None from who wants an end: a signal handler may put() too.
        self._heard: queue.SimpleQueue[_Done | None] = queue.SimpleQueue()
        self._connection: Connection[Any] | None = None
        self._under_way: dict[str, threading.Thread] = {}
        self._unsaid: list[_Done] = []
        self._stopped = False

    def stop(self, *_: Any) -> None:
        """Ask for an end; also a signal handler."""
        self._heard.put(None)

    def run(self, *, once: bool = False) -> None:
        """Send until asked to stop; with `once` until nothing is due. What was begun is ended.

        Raises what trying again can't mend, and a first failure to connect.
        """
        self._connect()
        self.tell(Event("ready"))
        tries = 0
        try:
            while self._under_way or self._unsaid or not self._stopped:
                try:
                    if self._step(once):
                        break
                    tries = 0
                except (psycopg.Error, AsymmetricaError) as error:
                    failure = self._failure(error)
                    if failure.sqlstate in _FATAL or self._stopped:
                        raise failure from None
                    wait = _STEPS[min(tries, len(_STEPS) - 1)] * random.uniform(0.5, 1.5)
                    tries += 1
                    self.tell(Event("trouble", note=failure.message, wait=wait))
                    self._hear(wait)
        finally:
            self._close()
            for thread in self._under_way.values():
                thread.join()
        self.tell(Event("stopped"))

    def _failure(self, error: Exception) -> AsymmetricaError:
        if isinstance(error, psycopg.Error):
            return translate(error, self.secrets)
        return error if isinstance(error, AsymmetricaError) else AsymmetricaError(str(error))

    def _connect(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._close()
            self._connection = connect_own(
                self.conninfo,
                application_name="asymmetrica alerts",
                options="-c statement_timeout=30s -c lock_timeout=10s",
            )
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _step(self, once: bool) -> bool:
        """Say what was done, take what is due, wait for either; return whether nothing is left (once)."""
        while self._unsaid:
            self._say(self._unsaid[0])
            del self._unsaid[0]
        if not self._stopped and len(self._under_way) < self.most:
            taken = self._take()
            if taken is not None:
                self._begin(taken)
                self._hear(0.0)
                return False
            if once and not self._under_way:
                return self._heard.empty()
        if self._under_way or not self._stopped:
            self._hear(self.every)
        return False

    def _take(self) -> Message | None:
        with self._connect().cursor(row_factory=class_row(Message)) as cursor:
            return cursor.execute(_sql.CLAIM, {"lease": self.lease}).fetchone()

    def _begin(self, message: Message) -> None:
        point("claimed")
        self.tell(_event("sending", message))
        thread = threading.Thread(target=self._send, args=(message,), name=f"alert {message.destination}")
        self._under_way[message.token] = thread
        thread.start()

    def _send(self, message: Message) -> None:
        """Run in a thread of its own: it says nothing to the database."""
        done = _Done(message, None, Undelivered("the sender failed"))
        try:
            done = _Done(message, deliver(message, self.environment), None)
        except Undelivered as failure:
            done = _Done(message, None, failure)
        except Exception as error:  # a receiver must not be able to end the sender
            done = _Done(message, None, Undelivered(f"the sender failed: {type(error).__name__}"))
        finally:
            self._heard.put(done)

    def _hear(self, seconds: float) -> None:
        """Wait for one thing that happened, then take all there is."""
        until = time.monotonic() + seconds
        while True:
            try:
                heard = self._heard.get(timeout=max(until - time.monotonic(), 0.0)) if seconds else (
                    self._heard.get_nowait()
                )  # fmt: skip
            except queue.Empty:
                return
            seconds = 0.0
            if heard is None:
                self._stopped = True
            else:
                self._under_way.pop(heard.message.token).join()
                self._unsaid.append(heard)

    def _say(self, done: _Done) -> None:
        message, failure = done.message, done.failure
        values: dict[str, Any] = {"destination": message.destination, "token": message.token}
        with self._connect().cursor(row_factory=scalar_row) as cursor:
            if failure is None:
                point("delivered")
                kept = cursor.execute(_sql.SENT, values | {"status": done.status}).fetchone()
                self.tell(_event("sent" if kept else "lost", message))
                return
            values |= {"error": redact(failure.error, self.secrets), "status": failure.status}
            values |= {"hopeless": failure.hopeless, "retry_after": failure.retry_after}
            state = cursor.execute(_sql.FAILED, values).fetchone()
        self.tell(_event({"waiting": "failed"}.get(str(state), str(state)), message, values["error"]))


def _event(what: str, message: Message, note: str | None = None) -> Event:
    return Event(what, message.destination, message.message, message.what, message.tries, note)
