"""The beginning of a stretch of leading: Redis is gone on with, or all of it is built anew."""

from __future__ import annotations

import time
from typing import Protocol

from ..errors import AsymmetricaError
from .batch import Command
from .build import build, complete
from .control import Control, Refused
from .notes import gone
from .points import point
from .snapshot import Slot, finish
from .store import Store
from .stream import Stream
from .tables import Tables, Tell

__all__ = ["TICK", "Start", "Stopping"]

# Seconds between two reports.
TICK = 1.0


class Stopping(Protocol):
    """What is needed of a flag that ends the work."""

    wanted: bool
    reader: int


class Start(Tables):
    """The tables of a session together with its stream."""

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
        super().__init__(control, store, token, tell)
        self.conninfo, self.slot, self.publication = conninfo, slot, publication
        self.lease, self.stop = lease, stop
        # Why the slot is of no use any more, if that is known.
        self.stuck: str | None = None
        self.stream: Stream

    def _resume(self) -> int:
        """Return from where to follow the stream, after a rebuild of everything where that is needed."""
        store, names = self.store, self.store.names
        damaged = store.mend(self.control.registry())
        server, _, timeline = self.stream.source().rpartition("-")
        source = f"{server}/{self.slot}/{timeline}"
        self.source = source.encode()
        before = store.ask((b"GET", names.source))[0]
        if before is not None and before.decode().rpartition("/")[0] != source.rpartition("/")[0]:
            raise Refused(
                f'the keys "{names.prefix}:" in this Redis belong to the mirror of another database',
                detail=f"They came from {before.decode()}; this is {source}.",
                hint="Choose another --prefix, or delete those keys, the key "
                f"{names.source.decode()} last, and start the worker again.",
            )
        lsn, state = store.lsn(), self.control.slot(self.slot)
        why = None
        if not self.control.published(self.publication):
            self._nothing(f'publication "{self.publication}" is not there')
            raise AsymmetricaError(
                f'publication "{self.publication}" is not there',
                detail="Nothing is streamed, so nothing can be mirrored.",
                hint="As superuser: SELECT * FROM asymm.create_mirror_login(); "
                "then SELECT asymm.mirror(…) for each table.",
            )
        if damaged is not None:
            why = f"somebody wrote to {damaged}"
        elif lsn is None:
            why = "Redis holds no mirror"
        elif self.stuck is not None:
            why = f"the stream can't go on: {self.stuck}"
        elif state is None or state.lost:
            why = "the replication slot is lost" if state else "there is no replication slot"
        elif before is None or before.decode() != source:
            why = "the server was promoted or restored"
        elif self.control.reported < int(store.ask((b"GET", names.reported))[0] or 0):
            # It forgot what it was told, so it may have forgotten more, and written other things since.
            why = "the database was restored to an earlier state"
        elif not state.confirmed <= lsn <= self.control.flushed():
            why = "Redis is not where it was left"
        if why is not None or lsn is None:
            return self._everything(why or "", state is not None)
        self._known(lsn)
        self._sweeps_left()
        return lsn

    def _everything(self, why: str, slot_exists: bool) -> int:
        """Build all tables from a new slot's snapshot."""
        self._nothing(why)
        store, names = self.store, self.store.names
        if slot_exists:
            self.control.drop_slot(self.slot)
        self.stream.send(Slot.command(self.slot, False))
        slot = finish(Slot.made(self.stream), self._waiting)
        point("slot made")
        finish(build(self.conninfo, self.control.secrets, slot, store, None, self.building), self._copying)
        for plan in self.building:
            if plan.state == "built":
                complete(plan, store, slot.lsn)
        self._take(self.building)
        self.building = []
        self._sweeps_left()
        store.write(
            [
                (b"SET", names.ddl, slot.lsn),
                (b"SET", names.source, self.source),
                (b"SET", names.lsn, slot.lsn),
            ]
        )
        return slot.lsn

    def _nothing(self, why: str) -> None:
        """Have nobody read anything, and say why."""
        self.tell("unsafe", why, None, None)
        store, names = self.store, self.store.names
        commands: list[Command] = [(b"DEL", names.lsn, names.partial, names.reported)]
        for number, said in store.tables().items():
            commands += gone(names, number, said["name"], said["epoch"])
        commands += [(b"DEL", names.safe(table.name)) for table in self.control.registry()]
        # Positions of another server's log say nothing here.
        commands.append((b"DEL", names.settled, names.fresh))
        store.write(commands)
        self._tell_unsafe(why)

    def _waiting(self) -> None:
        """Called while a slot is being made, which can take as long as the longest transaction."""
        if self.stop.wanted:
            raise InterruptedError
        if time.monotonic() >= self.next_tick:
            self.next_tick = time.monotonic() + TICK
            self.control.report({"leader": self.token})

    def _copying(self) -> None:
        """Called while tables are copied."""
        if self.stop.wanted:
            raise InterruptedError
        now = time.monotonic()
        if now >= self.next_tick:
            self.next_tick = now + TICK
            self._progress()
            self.control.report({"leader": self.token, "tables": self._reports()})
