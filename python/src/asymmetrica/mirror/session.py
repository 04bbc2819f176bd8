"""One stretch of leading: from the first look at Redis until something breaks or the worker is stopped."""

from __future__ import annotations

import contextlib
import functools
import os
import time

from .apply import Applier
from .build import build
from .catalog import Types
from .catchup import catch_up
from .control import Control
from .fresh import Freshness
from .pgoutput import decode
from .plan import Plan
from .points import point
from .snapshot import BYTES, ROWS, Slot
from .start import TICK, Start, Stopping
from .store import Store
from .stream import HEAD, Keepalive, Stream
from .tables import Tell

__all__ = ["Session"]

# How often the position is moved on when nothing but the position changed.
_MOVE = 0.02


class Session(Start):
    """Holds what a stretch needs; run() does it."""

    def __init__(
        self,
        conninfo: str,
        control: Control,
        store: Store,
        token: str,
        slot: str,
        publication: str,
        *,
        lease: float,
        stop: Stopping,
        tell: Tell,
    ) -> None:
        super().__init__(conninfo, control, store, token, slot, publication, stop, tell)
        self.lease = lease
        self.builder: Stream | None = None
        self.snapshot: list[str | None] | None = None
        self.built = 0
        self.moved = 0.0
        self.reached = 0

    def run(self) -> None:
        """Bring Redis up to date if need be, then follow the stream."""
        with contextlib.ExitStack() as stack:
            self.stream = Stream(self.conninfo, self.lease)
            stack.callback(self.stream.close)
            stack.callback(self._close_builder)
            try:
                applied = self._resume()
                self.applier = Applier(
                    self.store.names, Types(self.control.connection), applied, self.store.partial()
                )
                self.applier.on_stale = self._stale
                self.applier.on_emptied = self._emptied
                self.applier.on_mark = self._mark_came
                self.applier.on_changed = self._hurry
                self.applier.take(self.plans.values())
                self.fresh = Freshness(self.control, self.store, applied)
                self.applier.on_commit = self.fresh.commits.__setitem__
                self.reached = self.unacknowledged = applied
                self.stream.start(self.slot, self.publication, applied)
                self._mark([plan for plan in self.plans.values() if plan.state == "built"])
                self._follow()
            except InterruptedError:
                return

    def _close_builder(self) -> None:
        if self.builder is not None:
            self.builder.close()
            self.builder = self.snapshot = None

    def _still_there(self) -> None:
        self.stream.acknowledge(self.unacknowledged)

    def _build_more(self) -> None:
        """Have a slot made for tables that are to be built, and build them once it is there."""
        now = time.monotonic()
        wanted = [plan.table.id for plan in self.plans.values()
                  if plan.state == "building" or (plan.state == "error" and now >= plan.retry)]  # fmt: skip
        if not wanted:
            return
        if self.builder is None:
            self.builder = Stream(self.conninfo, self.lease, "asymmetrica mirror build")
            # The server may not have dropped the former one yet.
            self.built += 1
            self.builder.send(Slot.command(self._building, True))
        self.snapshot = self.snapshot or self.builder.answer()
        if self.snapshot is None or self.applier.transaction is not None:
            return
        self._flush()
        self._settle()
        slot = Slot.of(self.builder, self.snapshot)
        plans = build(self.conninfo, self.control.secrets, slot, self.store, wanted, self._copying)
        if self.applier.last >= slot.lsn and any(plan.written for plan in plans):
            self._catch_up(slot, plans)
        self._close_builder()
        self._take(plans)
        self.applier.types.forget()
        self.applier.take(self.plans.values())
        self._mark([plan for plan in plans if plan.state == "built"])
        self._hurry()

    @property
    def _building(self) -> str:
        return f"{self.slot}_{os.getpid()}_{self.built}"

    def _catch_up(self, slot: Slot, plans: list[Plan]) -> None:
        applier = Applier(self.store.names, Types(self.control.connection), slot.lsn, (0, 0))
        applier.on_stale, applier.on_changed = self._stale, self._hurry
        applier.take(plans)
        last, tick = self.applier.last, functools.partial(self._copying, plans[0])
        catch_up(slot, self._building, self.publication, applier, self.store, last, tick)

    # Following

    def _follow(self) -> None:
        """Apply what comes until `stop` is set."""
        stream, applier, batch = self.stream, self.applier, self.applier.batch
        count = 0
        while True:
            message = stream.read()
            if type(message) is bytes:
                point("read")
                applier.handle(decode(message, HEAD), len(message))
                if len(batch.rows) >= ROWS or batch.size >= BYTES:
                    self._flush()
                count += 1
                if count & 255:
                    continue
            elif type(message) is Keepalive:
                self._reached(message)
            elif applier.transaction is None and batch:
                self._flush()
                self._settle()
                continue
            now = time.monotonic()
            if now >= self.next_tick:
                self._tick(now)
                continue
            if now >= self.fresh.due:
                self._settle()
                self.fresh.tell(self.unacknowledged)
                continue
            if self.stop.wanted and applier.transaction is None:
                break
            if message is None:
                self._idle(now)
        self._flush()
        self._settle()
        self.fresh.tell(self.unacknowledged)
        self._report()

    def _idle(self, now: float) -> None:
        self._settle()
        if self.applier.transaction is None and self.reached > self.applier.applied:
            wait = self.moved + _MOVE - now
            if wait <= 0:
                self._move(now)
                return
        else:
            wait = self.next_tick - now
        wait = min(wait, self.fresh.due - now)
        if self.sweeps and self.applier.transaction is None:
            table = next(iter(self.sweeps))
            if self.sweeps[table].step():
                del self.sweeps[table]
            wait = 0
        others = [self.stop.reader] if not self.stop.wanted else []
        if self.builder is not None:
            others.append(self.builder.pgconn.socket)
        self.stream.wait(wait, *others)
        if self.builder is not None:
            self._build_more()

    def _reached(self, message: Keepalive) -> None:
        if self.applier.transaction is None:
            self.reached = max(self.reached, message.lsn)
        if message.urgent:
            self._settle()
            self.stream.acknowledge(self.unacknowledged)

    def _move(self, now: float) -> None:
        """Nothing for Redis came up to here: say so there."""
        self.moved = now
        self.applier.batch.end = self.reached
        self._flush()
        self._settle()

    def _flush(self) -> None:
        applier, batch = self.applier, self.applier.batch
        applier.progress()
        if batch.holes:
            self.store.fill(batch)
        commands = batch.commands()
        if commands:
            self._settle()
            point("before write")
            self.store.send(commands)
            point("sent")
        if batch.end is not None:
            applier.applied = max(applier.applied, batch.end)
            self.reached = max(self.reached, applier.applied)
        batch.reset()

    def _settle(self) -> None:
        """Wait until Redis has what was sent, then tell the server."""
        self.store.settle()
        if self.applier.applied > self.unacknowledged:
            point("before acknowledge")
            self.unacknowledged = self.applier.applied
            self.stream.acknowledge(self.unacknowledged)

    def _tick(self, now: float) -> None:
        """Once a second: tell, ask what is to be mirrored, look whether Redis is still ours."""
        self.next_tick = now + TICK
        self._flush()
        self._settle()
        self.stream.acknowledge(self.unacknowledged)
        self.store.write([(b"SET", self.store.names.lsn, self.applier.applied)])
        self._registry()
        self._build_more()
        self._report()
