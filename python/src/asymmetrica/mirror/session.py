"""One stretch of leading: from the first look at Redis until something breaks or the worker is stopped."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterator

import psycopg

from .._redact import redact
from ..errors import AsymmetricaError
from .apply import Applier
from .build import RETRY
from .builder import Builder, Source
from .catalog import Types
from .fresh import Freshness
from .pace import Pace
from .plan import Plan
from .points import point
from .start import TICK, Start
from .states import States
from .store import Emptied, Fenced, StoreError
from .stream import Keepalive, Stream

__all__ = ["Session"]

# How often the position is moved on when nothing but the position changed.
_MOVE = 0.02
# While there is no rest, building and sweeping have a turn so often. What has to catch up has the longer
# turns: it must be faster than the stream it runs after.
_TURN, _SHORT = 0.02, 0.005


class Session(Start):
    """Holds what a stretch needs; run() does it."""

    builder: Builder | None = None
    built = reached = 0
    retry = turn = moved = 0.0

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
                self.states = self.applier.states = States(self.store.names, self.control.states)
                self.states.resume(self.store)
                self.applier.on_stale = self._stale
                self.applier.on_emptied = self._emptied
                self.applier.on_large = self._large
                self.applier.on_mark = self._mark_came
                self.applier.on_changed = self._hurry
                self.applier.on_protected = self._protected
                self._hand_over()
                self.pace = Pace()
                self.fresh = Freshness(self.control, self.store, applied)
                self.applier.on_commit = self.fresh.committed
                self.reached = self.unacknowledged = applied
                self.stream.start(self.slot, self.publication, applied)
                self._mark([plan for plan in self.plans.values() if plan.state == "built"])
                self._follow()
            except InterruptedError:
                return

    # Building

    def _close_builder(self) -> None:
        if self.builder is not None:
            self.builder.close()
            self.builder, self.building = None, []

    def _far(self) -> int:
        """Return the position a table must have come to so that nothing the stream brought is missing."""
        applier = self.applier
        if applier.transaction is not None:
            return applier.transaction + 1
        return max(applier.applied, applier.batch.end or 0)

    def _build_more(self, now: float) -> None:
        """Begin to build what is to be built."""
        wanted = [plan.table.id for plan in self.plans.values()
                  if plan.state == "building" or (plan.state == "error" and now >= plan.retry)]  # fmt: skip
        if wanted and self.builder is None and now >= self.retry:
            # The server may not have dropped the former slot yet.
            self.built += 1
            name = f"{self.slot}_{os.getpid()}_{self.built}"
            source = Source(self.conninfo, self.lease, name, self.publication)
            with self._forgiven(now):
                self.builder = Builder(source, self.control, self.store, wanted, self._far, self._stale)
                self.building = self.builder.plans

    def _build(self, now: float) -> int | None:
        """Go on building; return the socket to wait for, or None when there is more to do."""
        builder = self.builder
        assert builder is not None
        with self._forgiven(now):
            try:
                return next(builder.work)
            except StopIteration:
                self._close_builder()
                self._built(builder.plans)
        return None

    @contextlib.contextmanager
    def _forgiven(self, now: float) -> Iterator[None]:
        """A build may fail; the stream of the others goes on."""
        try:
            yield
        except (StoreError, Emptied, Fenced):
            raise
        except (psycopg.Error, AsymmetricaError) as error:
            for plan in self.building:
                if plan.epoch:
                    self._sweep(plan.table.name, plan.epoch + 1)
            self._close_builder()
            self.retry = now + RETRY
            self.tell("failed", f"building: {redact(str(error), self.control.secrets)}", None, None)

    def _built(self, plans: list[Plan]) -> None:
        """Take tables over into the stream, unless they are not what is wanted any more."""
        self._flush()
        self._settle()
        for plan in plans:
            now = self.plans.get(plan.table.id)
            if now is None or now.table.name != plan.table.name:
                self._forget(plan.table.id, plan.table.name, plan.epoch)
            elif (now.table.definition, now.table.epoch) != (plan.table.definition, plan.table.epoch):
                plan.state = "building"
            else:
                self._take([plan])
        self.applier.types.forget()
        self._hand_over()
        self._mark([plan for plan in plans if plan.state == "built"])
        self._hurry()

    # Following

    def _follow(self) -> None:
        """Apply what comes until `stop` is set."""
        stream, applier = self.stream, self.applier
        while True:
            messages = stream.read()
            for message in messages:
                if type(message) is bytes:
                    point("read")
                    if applier.handle(message):
                        self._flush()
                elif type(message) is Keepalive:
                    self._reached(message)
            if not messages and applier.transaction is None and applier.batch:
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
            if not messages:
                self._idle(now)
            elif now >= self.turn:
                self._settle()
                self._besides(now)
        self._flush()
        self._settle()
        self._acknowledge()
        self.fresh.tell(self.unacknowledged)
        self._report()

    def _idle(self, now: float) -> None:
        self._settle()
        if now < self.pace.rested and self.builder is None and not self.sweeps:
            time.sleep(self.pace.rested - now)
            self.stream.wait(0)
            return
        if self.applier.transaction is None and self.reached > self.applier.applied:
            wait = self.moved + _MOVE - now
            if wait <= 0:
                self._move(now)
                return
        else:
            wait = self.next_tick - now
        wait = min(wait, self.fresh.due - now)
        if self.unacknowledged > self.stream.acknowledged:
            wait = min(wait, self.pace.tell - now)
        others = [] if self.stop.wanted else [self.stop.reader]
        socket = self._besides(now)
        if socket is None:
            wait = 0
        elif socket >= 0:
            others.append(socket)
        self.stream.wait(wait, *others)

    def _besides(self, now: float) -> int | None:
        """Build or sweep a little; return the socket to wait for, -1 for none, None for more to do."""
        building = {plan.table.name for plan in self.building}
        table = next((name for name in self.sweeps if name not in building), None)
        if table is not None and self.applier.transaction is None:
            if self.sweeps[table].step():
                del self.sweeps[table]
        elif self.purge is not None and self.applier.transaction is None:
            if self.purge.step():
                self.purge = None
        elif self.builder is None:
            return -1
        socket = None if self.builder is None else self._build(now)
        while self.builder is not None and self.builder.catching:
            left = now + _TURN - time.monotonic()
            if left <= 0:
                break
            if socket is not None:
                # The stream is held back meanwhile: on a busy server it would run ahead for ever.
                select.select([socket], [], [], left)
            socket = self._build(now)
        catching = self.builder is not None and self.builder.catching
        self.turn = time.monotonic() + (_SHORT if catching else _TURN)
        return socket

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
        if self.partitioned and (batch.end is not None or self.doubtful):
            self._doubt()
        applier.progress()
        if batch.holes:
            self.store.fill(batch)
        counts = self.states.flush(self.store)
        if counts and self.states.urgent:
            self._hurry()
        commands = [*batch.commands(), *counts]
        if commands:
            self._settle()
            point("before write")
            self.store.send(commands)
            self.pace.wrote(applier.counters["transactions"], time.monotonic())
            applier.counters["batches"] += 1
            point("sent")
        if batch.end is not None:
            applier.applied = max(applier.applied, batch.end)
            self.reached = max(self.reached, applier.applied)
        batch.reset()

    def _settle(self) -> None:
        """Wait until Redis has what was sent; the server is told now and then."""
        self.store.settle()
        self.unacknowledged = max(self.unacknowledged, self.applier.applied)
        if time.monotonic() >= self.pace.tell:
            self._acknowledge()

    def _acknowledge(self) -> None:
        if self.unacknowledged > self.stream.acknowledged:
            point("before acknowledge")
            self.stream.acknowledge(self.unacknowledged)
        self.pace.told()

    def _tick(self, now: float) -> None:
        """Once a second: tell, ask what is to be mirrored, look whether Redis is still ours."""
        self.next_tick = now + TICK
        self._flush()
        self._settle()
        self.stream.acknowledge(self.unacknowledged)
        applied = self.applier.applied
        self.store.write([(b"SET", self.store.names.lsn, applied), *self._told(applied)])
        self._registry()
        self._build_more(now)
        self._progress()
        self._report()
