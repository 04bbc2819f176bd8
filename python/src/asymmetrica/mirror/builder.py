"""Builds tables while the stream of the others goes on.

A slot of its own gives the snapshot; what was committed after it is read from that slot, too, until the
tables have come as far as the others. From there on they are part of the one stream.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from .apply import Applier
from .build import build, complete
from .catalog import Types
from .control import Control
from .plan import Plan
from .points import point
from .snapshot import Slot, Work
from .store import Store
from .stream import Keepalive, Stream

__all__ = ["Builder"]

# Rows copied before the others have their turn.
_ROWS = 500


@dataclass(frozen=True, slots=True)
class Source:
    """Where the changes come from."""

    conninfo: str
    lease: float
    slot: str
    publication: str


class Builder:
    """One build; run() is stepped by whoever follows the stream. `plans` tells what became of the tables."""

    def __init__(
        self,
        source: Source,
        control: Control,
        store: Store,
        wanted: Collection[int],
        far: Callable[[], int],
        on_stale: Callable[[Plan, str], None],
    ) -> None:
        self.source, self.control, self.store, self.wanted = source, control, store, wanted
        self.far, self.on_stale = far, on_stale
        self.plans: list[Plan] = []
        self.catching = False
        self.stream = Stream(source.conninfo, source.lease, "asymmetrica mirror build")
        self.work = self._run()

    def close(self) -> None:
        """End it, wherever it is."""
        self.work.close()
        self.stream.close()

    def _run(self) -> Work[None]:
        source = self.source
        self.stream.send(Slot.command(source.slot, True))
        slot = yield from Slot.made(self.stream)
        yield from build(
            source.conninfo, self.control.secrets, slot, self.store, self.wanted, self.plans, _ROWS
        )
        reached = slot.lsn
        if reached < self.far():
            point("catching up")
            self.catching = True
            reached = yield from self._catch_up(slot)
        for plan in self.plans:
            if plan.state == "built":
                complete(plan, self.store, reached)

    def _catch_up(self, slot: Slot) -> Work[int]:
        """Apply what was committed since; return the position at which the tables are then."""
        stream, store = self.stream, self.store
        stream.start(self.source.slot, self.source.publication, slot.lsn)
        applier = Applier(store.names, Types(self.control.connection), slot.lsn, (0, 0))
        applier.on_stale = self.on_stale
        applier.noting = False
        applier.take(plan for plan in self.plans if plan.state == "built")
        batch, reached = applier.batch, slot.lsn
        said = 0.0
        while True:
            messages, urgent = stream.read(), False
            for message in messages:
                if type(message) is bytes:
                    applier.handle(message)
                elif type(message) is Keepalive:
                    urgent |= message.urgent
                    if applier.transaction is None:
                        reached = max(reached, message.lsn)
            applier.drain()
            reached = max(reached, batch.end or 0)
            if batch.holes:
                store.fill(batch)
            batch.noted.clear()
            store.send(batch.commands())
            batch.reset()
            if applier.transaction is None and reached >= self.far():
                store.settle()
                return reached
            if urgent or time.monotonic() > said + 1:
                said = time.monotonic()
                stream.acknowledge(slot.lsn)
            if not messages:
                yield stream.pgconn.socket
                stream.wait(0)
            else:
                yield None
