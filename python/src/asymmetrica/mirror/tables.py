"""What the worker knows of the tables: which there are, and where their copies in Redis stand."""

from __future__ import annotations

import time
from typing import Any, Protocol

from .._lsn import format_lsn
from .apply import Applier
from .batch import Command
from .control import Control
from .notes import gone
from .plan import LARGEST, Plan
from .states import States
from .store import Purge, Store, Sweep

__all__ = ["Tables", "Tell"]

# Seconds between two looks at how much memory Redis may take.
_MEMORY = 10.0


class Tell(Protocol):
    """Says what happened, why, to which table, with how many rows, of about how many."""

    def __call__(
        self, what: str, note: str | None, table: str | None, rows: int | None, total: int | None = None, /
    ) -> None: ...


class Tables:
    """The tables of one session; `plans` has them by their number in the registry."""

    applier: Applier
    states: States

    def __init__(self, control: Control, store: Store, token: str, tell: Tell) -> None:
        self.control, self.store, self.token, self.tell = control, store, token, tell
        self.plans: dict[int, Plan] = {}
        self.building: list[Plan] = []
        self.sweeps: dict[str, Sweep] = {}
        self.purge: Purge | None = None
        self.marks: dict[str, list[int]] = {}
        self.marked = 0
        # Partitioned tables, and those of them that are not read because a partition may have been truncated.
        self.partitioned: list[int] = []
        self.doubtful: set[int] = set()
        self.source = b""
        self.next_tick = 0.0
        self.unacknowledged = 0
        self.memory: dict[str, Any] = {}
        self.memory_due = 0.0

    def _known(self, lsn: int) -> None:
        """Take over what Redis holds; what is not as registered is built anew."""
        store, names = self.store, self.store.names
        tables, counts = store.tables(), store.counts()
        noted = bool(tables)
        # Should somebody have deleted one of these, later than it was is right, too.
        late: list[Command] = [(b"SET", names.ddl, lsn, b"NX")]
        for table in self.control.registry():
            said = tables.get(table.id)
            plan = self.plans[table.id] = Plan(table, names)
            if said is None or (said["definition"], said["registered"]) != (table.definition, table.epoch):
                store.write([(b"DEL", names.safe(table.name))])
            elif table.error is None:
                del tables[table.id]
                plan.rebase(said["epoch"])
                plan.start = said["start"]
                plan.count = counts.get(table.id)
                plan.large = {plan.rows + key.encode() for key in said.get("large", ())}
                late.append((b"SET", plan.version, lsn, b"NX"))
                plan.state = "safe" if store.ask((b"GET", names.safe(table.name)))[0] else "built"
        store.write(late)
        for number, said in tables.items():
            self._forget(number, said["name"], said["epoch"])
        if not noted:
            self._strays()

    def _strays(self) -> None:
        """Have deleted what is mirrored no more: Redis may have dropped what was noted of it."""
        store, names, cursor = self.store, self.store.names, b""
        known = {plan.table.name for plan in self.plans.values()}
        while cursor != b"0":
            cursor, keys = store.scan(cursor or b"0", names.epoch("*"))
            for name in {key.decode()[len(names.epoch("")) :] for key in keys} - known:
                below = store.highest(name) + 1
                gone_now: Command = (b"DEL", names.safe(name), names.version(name))
                store.write([gone_now, (b"HSET", names.sweeps, name.encode(), below)])
                self._sweep(name, below)

    def _forget(self, number: int, name: str, epoch: int) -> None:
        """A table is mirrored no more, or otherwise, or under another name."""
        self.store.write(gone(self.store.names, number, name, epoch))
        self._sweep(name, epoch + 1)

    def _sweep(self, name: str, below: int) -> None:
        """Have the rows of former epochs deleted when there is time."""
        if name in self.sweeps:
            self.sweeps[name].extend(below)
        else:
            self.sweeps[name] = Sweep(self.store, name, below)

    def _sweeps_left(self) -> None:
        """Go on with what a former worker began."""
        for name, below in self.store.hash(self.store.names.sweeps).items():
            self._sweep(name.decode(), int(below))

    def _take(self, plans: list[Plan]) -> None:
        """Go on with tables that were built, or could not be."""
        for plan in plans:
            self.plans[plan.table.id] = plan
            if plan.state == "built":
                if not plan.first:
                    self._sweep(plan.table.name, plan.epoch)
                self.tell("built", None, plan.table.name, plan.count)
                if plan.large:
                    self.tell("left out", plan.told(), plan.table.name, len(plan.large))
            elif plan.state == "error":
                self.tell("unsafe", plan.error, plan.table.name, None)
                if plan.epoch:
                    self._sweep(plan.table.name, plan.epoch + 1)

    def _progress(self) -> None:
        """Tell how far the copy is."""
        if self.building and self.building[-1].state == "building":
            plan = self.building[-1]
            self.tell("building", None, plan.table.name, plan.count, plan.table.estimate)

    def _large(self, plan: Plan, key: bytes) -> None:
        note = f"row {key[len(plan.rows) :].decode()} is larger than {LARGEST >> 20} MiB"
        self.tell("left out", note, plan.table.name, None)
        self._hurry()

    def _mark(self, plans: list[Plan]) -> None:
        """Have these tables become safe when the stream has come to where it is now."""
        if plans:
            self.marked += 1
            text = f"{self.token}:{self.marked}"
            self.marks[text] = [plan.table.id for plan in plans]
            self.control.mark(text)

    def _mark_came(self, text: str) -> None:
        for number in self.marks.pop(text, ()):
            plan = self.plans.get(number)
            if plan is not None and plan.state == "built":
                plan.state, plan.error = "safe", None
                self.applier.batch.others.append((b"SET", self.store.names.safe(plan.table.name), plan.epoch))
                self.tell("live", None, plan.table.name, plan.count)
                self._hurry()

    def _stale(self, plan: Plan, why: str) -> None:
        self.tell("unsafe", why, plan.table.name, None)
        self._sweep(plan.table.name, plan.epoch + 1)
        self._hurry()

    def _protected(self) -> None:
        self.purge = Purge(self.store)
        self.states.doubtful = True
        self._hurry()

    def _emptied(self, plan: Plan) -> None:
        self._sweep(plan.table.name, plan.epoch)

    def _registry(self) -> None:
        """See what is to be mirrored now."""
        found = {table.id: table for table in self.control.registry()}
        for number, plan in list(self.plans.items()):
            table, known = found.get(number), plan.table
            if table and (known.definition, known.epoch) == (table.definition, table.epoch):
                plan.follow(table.states)
                continue
            self.applier.stale(plan, "it was changed" if table else "it is mirrored no more")
            if plan.epoch and (table is None or known.name != table.name):
                self._forget(number, known.name, plan.epoch)
            del self.plans[number]
        for number in found.keys() - self.plans.keys():
            self.plans[number] = Plan(found[number], self.store.names)
        self._hand_over()

    def _hand_over(self) -> None:
        """Have the applier go on with the tables as they are known now."""
        self.applier.take(self.plans.values())
        self.partitioned = [number for number, plan in self.plans.items() if plan.table.partitioned]
        self.doubtful.intersection_update(self.partitioned)

    def _doubt(self) -> None:
        """Have nobody read what may have lost a partition's rows: the stream says nothing of that.

        Done before the position goes past it. What turns out to be as it was becomes safe again as a table
        that was just built: when the stream has come to where it is now.
        """
        astir = self.control.astir()
        for number in self.partitioned:
            plan = self.plans[number]
            if number in astir and plan.state == "safe":
                plan.state = "built"
                self.applier.batch.others.append((b"DEL", self.store.names.safe(plan.table.name)))
                self.doubtful.add(number)
                self._hurry()
            elif number in self.doubtful and number not in astir:
                self.doubtful.remove(number)
                self._mark([plan] if plan.state == "built" else [])

    def _told(self, lsn: int) -> list[Command]:
        """Return what tells readers anew what was deleted, perhaps to make room; later is right, too."""
        names = self.store.names
        out: list[Command] = [(b"SET", names.ddl, lsn, b"NX"), (b"SET", names.source, self.source)]
        for plan in self.plans.values():
            if plan.state == "safe":
                out.append((b"SET", plan.version, lsn, b"NX"))
                out.append((b"SET", names.epoch(plan.table.name), plan.epoch))
                out.append((b"SET", names.safe(plan.table.name), plan.epoch))
        there: int = self.store.ask((b"EXISTS", *(command[1] for command in out)))[0]
        return [] if there == len(out) else out

    def _tell_unsafe(self, why: str) -> None:
        tables = [{"id": table.id, "state": "unsafe", "error": why} for table in self.control.registry()]
        self.control.report({"leader": self.token, "tables": tables})

    def _report(self) -> None:
        report: dict[str, Any] = {
            "leader": self.token,
            "applied_lsn": format_lsn(self.unacknowledged),
            "tables": self._reports(),
            "counters": self.applier.counters | self._memory(),
            "states": self.states.report(self.plans.values()),
        }
        self.control.report(report)
        self.states.reported()
        # Should the database not remember this some day, it is an older one.
        self.store.write([(b"SET", self.store.names.reported, self.unacknowledged)])

    def _memory(self) -> dict[str, Any]:
        """Return what the database is told of Redis' memory; asked for now and then."""
        now = time.monotonic()
        if now >= self.memory_due:
            self.memory_due, self.memory = now + _MEMORY, self.store.memory()
        return self.memory

    def _reports(self) -> list[dict[str, Any]]:
        """Return what the database is told of each table."""
        plans = self.plans | {plan.table.id: plan for plan in self.building}
        return [plan.report() for plan in plans.values()]

    def _hurry(self) -> None:
        self.next_tick = 0.0
