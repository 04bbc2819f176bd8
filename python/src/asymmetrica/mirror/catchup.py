"""Brings tables that were just built to where the stream is: it went on while their slot was made.

What committed after the snapshot and came through the stream before the tables were there was not written.
The slot that gave the snapshot tells it a second time.
"""

from __future__ import annotations

from collections.abc import Callable

from .apply import Applier
from .pgoutput import Commit, decode
from .plan import Plan
from .snapshot import BYTES, ROWS, Slot
from .store import Store
from .stream import HEAD, Keepalive

__all__ = ["catch_up"]


def catch_up(
    slot: Slot,
    name: str,
    publication: str,
    applier: Applier,
    store: Store,
    last: int,
    tick: Callable[[], None],
) -> None:
    """Apply what the slot's stream tells up to the transaction whose commit record begins at `last`."""

    def emptied(plan: Plan) -> None:
        applier.stale(plan, "TRUNCATE while it was built")

    applier.on_emptied = emptied
    stream, batch = slot.stream, applier.batch
    stream.start(name, publication, slot.lsn)
    while True:
        message = stream.read()
        if message is None:
            tick()
            stream.wait(0.1)
        elif type(message) is Keepalive:
            if message.urgent:
                stream.acknowledge(slot.lsn)
        else:
            assert type(message) is bytes
            event = decode(message, HEAD)
            applier.handle(event, len(message))
            done = type(event) is Commit and event.lsn >= last
            if done or len(batch.rows) >= ROWS or batch.size >= BYTES:
                store.fill(batch)
                store.write(batch.commands())
                batch.reset()
                tick()
            if done:
                return
