"""What the worker knows of the tables: which there are, where their copies in Redis stand, what is to be told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .apply import Applier
from .build import RETRY, built
from .control import Control
from .plan import Plan
from .store import Store, Sweep
from .stream import format_lsn

__all__ = ["Tables", "Tell"]

Tell = Callable[[str, str | None, str | None, int | None], None]


class Tables:
    """The tables of one session; `plans` has them by their number in the registry."""

    applier: Applier

    def __init__(self, control: Control, store: Store, token: str, tell: Tell) -> None:
        self.control, self.store, self.token, self.tell = control, store, token, tell
        self.plans: dict[int, Plan] = {}
        self.sweeps: list[Sweep] = []
        self.marks: dict[str, list[int]] = {}
        self.next_tick = 0.0
        self.unacknowledged = 0

    def _known(self) -> None:
        """Take over what Redis holds; what is not as registered is built anew."""
        store, names = self.store, self.store.names
        tables, counts = store.tables(), store.hash(names.counts)
        for table in self.control.registry():
            said = tables.pop(table.id, None)
            plan = self.plans[table.id] = Plan(table, names)
            if said is not None and said["name"] != table.name:
                self._forget(table.id, said["name"], said["epoch"])
                said = None
            if said and (said["definition"], said["registered"]) == (table.definition, table.epoch):
                plan.rebase(said["epoch"])
                plan.start = said["start"]
                plan.count = int(counts.get(table.id, 0))
                plan.state = "safe" if store.ask((b"GET", names.safe(table.name)))[0] else "built"
                self.sweeps.append(Sweep(store, table.name, plan.epoch))
            else:
                store.write([(b"DEL", names.safe(table.name))])
        for number, said in tables.items():
            self._forget(number, said["name"], said["epoch"])

    def _forget(self, number: int, name: str, epoch: int) -> None:
        """A table is mirrored no more, or under another name."""
        names = self.store.names
        self.store.write(
            [(b"DEL", names.safe(name)), (b"HDEL", names.tables, number), (b"HDEL", names.counts, number)]
        )
        self.sweeps.append(Sweep(self.store, name, epoch + 1))

    def _take(self, plans: list[Plan]) -> None:
        """Go on with tables that were built, or could not be."""
        for plan in plans:
            self.plans[plan.table.id] = plan
            if plan.state == "built":
                self.sweeps.append(Sweep(self.store, plan.table.name, plan.epoch))
                self.tell("built", None, plan.table.name, plan.count)
            else:
                self.tell("unsafe", plan.error, plan.table.name, None)

    def _mark(self, plans: list[Plan]) -> None:
        """Have these tables become safe when the stream has come to where it is now."""
        if plans:
            text = f"{self.token}:{len(self.marks)}"
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
        self._hurry()

    def _emptied(self, plan: Plan) -> None:
        """TRUNCATE: go on in a new epoch."""
        names, batch = self.store.names, self.applier.batch
        batch.clear(plan)
        plan.rebase(plan.epoch + 1)
        plan.count = 0
        batch.others += built(names, plan)
        if plan.state == "safe":
            batch.others.append((b"SET", names.safe(plan.table.name), plan.epoch))
        self.sweeps.append(Sweep(self.store, plan.table.name, plan.epoch))

    def _registry(self) -> None:
        found = {table.id: table for table in self.control.registry()}
        for number, plan in list(self.plans.items()):
            if number not in found:
                self.applier.batch.clear(plan)
                del self.plans[number]
                self._forget(number, plan.table.name, plan.epoch)
        for number, table in found.items():
            known = self.plans.get(number)
            if known is None:
                self.plans[number] = Plan(table, self.store.names)
            elif (known.table.definition, known.table.epoch) != (table.definition, table.epoch):
                self.applier.stale(known, "it was changed")
                if known.table.name != table.name:
                    self._forget(number, known.table.name, known.epoch)
                self.plans[number] = Plan(table, self.store.names)
            elif known.state == "building" and table.error:
                known.state, known.error, known.retry = "error", table.error, time.monotonic() + RETRY
        self.applier.take(self.plans.values())

    def _tell_unsafe(self, why: str) -> None:
        tables = [{"id": table.id, "state": "unsafe", "error": why} for table in self.control.registry()]
        self.control.report({"leader": self.token, "tables": tables})

    def _report(self) -> None:
        report: dict[str, Any] = {
            "leader": self.token,
            "applied_lsn": format_lsn(self.unacknowledged),
            "tables": [plan.report() for plan in self.plans.values()],
            "counters": self.applier.counters,
        }
        self.control.report(report)

    def _hurry(self) -> None:
        self.next_tick = 0.0
