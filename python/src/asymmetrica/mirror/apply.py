"""Turns decoded changes into batches: not what was applied already, not what a table's state forbids."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from .batch import Batch
from .catalog import Types
from .layout import SMALL, Layout
from .names import Names
from .notes import built, gone
from .pgoutput import UNCHANGED, Begin, Change, Commit, Decoded, Message, Relation, Truncate, decode
from .plan import LARGEST, UNREADABLE, Plan, unreadable
from .snapshot import BYTES, ROWS
from .states import States
from .stream import HEAD

__all__ = ["Applier"]

# Messages that bring a row: inserted, updated; what stands before the new row.
_ROW, _NEW = b"IU", ord("N")
# Fewer rows than this are faster one by one.
_FEW = 8


class Applier:
    """Keeps the place in the stream and collects what is to be written.

    `applied` is the position up to which Redis holds everything; a transaction is skipped if its commit
    record begins before it, and the first `partial` changes of the one that was written in part.
    """

    def __init__(self, names: Names, types: Types, applied: int, partial: tuple[int, int]) -> None:
        self.names = names
        self.types = types
        self.applied = applied
        self.partial = partial
        # Whether Redis may say that a transaction was written in part.
        self.cut = partial[0] > 0
        # Rows of one table that came one after the other, not yet looked at, and its number.
        self.run: list[bytes] = []
        self.head = b""
        self.batch = Batch(names)
        self.plans: dict[int, Plan] = {}
        self.relations: dict[int, Relation] = {}
        self.layouts: dict[int, Layout] = {}
        self.transaction: int | None = None
        self.xid = 0
        # What the transaction changed so far: tables by their OID; 0 stands for DDL of any kind.
        self.touched: set[int] = set()
        self.on_commit: Callable[[int, int], None] = lambda _xid, _lsn: None
        self.position = 0
        self.skip = 0
        self.size = 0
        self.counters = {"changes": 0, "transactions": 0, "dropped": 0, "batches": 0}
        self.on_stale: Callable[[Plan, str], None] = lambda _plan, _why: None
        # Whether a table's place is noted; not while it has yet to catch up.
        self.noting = True
        # Counts changes of states; nobody does while a table has yet to catch up.
        self.states: States | None = None
        self.on_emptied: Callable[[Plan], None] = lambda _: None
        self.on_large: Callable[[Plan, bytes], None] = lambda _plan, _key: None
        self.on_mark: Callable[[str], None] = lambda _: None
        self.on_changed: Callable[[], None] = lambda: None
        self.on_protected: Callable[[], None] = lambda: None

    def take(self, plans: Iterable[Plan]) -> None:
        """Take over which tables are mirrored, and how."""
        self.plans = {plan.table.oid: plan for plan in plans}
        self.layouts.clear()

    def handle(self, data: bytes) -> bool:
        """Note one message of the stream, and say whether it is time to write; rows may wait for drain()."""
        batch, run = self.batch, self.run
        batch.size += len(data)
        if data[HEAD] in _ROW and data[HEAD + 5] == _NEW and len(data) < SMALL:
            head = data[HEAD + 1 : HEAD + 5]
            if head != self.head:
                self.drain()
                self.head, run = head, self.run
            run.append(data)
            return len(batch.rows) + len(run) >= ROWS or batch.size >= BYTES
        if run:
            self.drain()
        self._handle(decode(data, HEAD), len(data))
        return len(batch.rows) >= ROWS or batch.size >= BYTES

    def drain(self) -> None:
        """Look at the rows that wait: at many of them together."""
        run, self.run = self.run, []
        if len(run) < _FEW or not self._many(run):
            for data in run:
                self._handle(decode(data, HEAD), len(data))

    def _many(self, run: list[bytes]) -> bool:
        """Take new rows of one table together; False if they must be taken one by one."""
        oid, after = int.from_bytes(self.head, "big"), self.position + len(run)
        plan = self._plan(oid)
        if after > self.skip and plan is not None:
            if plan.large or self.position < self.skip:
                return False
            layout = self._layout(plan)
            found = None if layout.missing else layout.many(run)
            if found is None:
                return False
            self.batch.put_many(plan, *found)
            if self.states is not None and plan.states:
                self.states.many(plan, run, *found)
            self.batch.count(plan, [data[HEAD] for data in run].count(_ROW[0]))
        self.touched.add(oid)
        self.counters["changes"] += max(after - max(self.position, self.skip), 0)
        self.position = after
        return True

    def _handle(self, event: Decoded, size: int) -> None:
        self.size = size
        if type(event) is Change:
            self.position += 1
            self.touched.add(event.relation)
            if self.position > self.skip:
                self._change(event)
        elif type(event) is Begin:
            self.transaction, self.xid, self.position = event.lsn, event.xid, 0
            self.touched.clear()
            self.skip = self.partial[1] if self.partial[0] == event.lsn else 0
            if event.lsn < self.applied:
                self.skip = 1 << 62
        elif type(event) is Commit:
            self._commit(event)
        elif type(event) is Relation:
            self.relations[event.oid] = event
            self.layouts.pop(event.oid, None)
        elif type(event) is Truncate:
            self.position += 1
            self.touched.update(event.relations)
            if self.position > self.skip:
                self._truncate(event)
        elif type(event) is Message:
            self._message(event)

    def _layout(self, plan: Plan) -> Layout:
        found = self.layouts.get(plan.table.oid)
        if found is None:
            relation = self.relations[plan.table.oid]
            converters = self.types.converters([column.type for column in relation.columns])
            identity = [column.key for column in relation.columns]
            found = Layout(plan, [column.name for column in relation.columns], converters, identity)
            self.layouts[plan.table.oid] = found
        return found

    def _plan(self, oid: int) -> Plan | None:
        """Return the plan of a table if this transaction is to be written to it."""
        plan = self.plans.get(oid)
        if plan is None or not plan.written or (self.transaction or 0) < plan.start:
            return None
        return plan

    def _change(self, change: Change) -> None:
        self.counters["changes"] += 1
        plan = self._plan(change.relation)
        if plan is None:
            return
        layout = self._layout(plan)
        if layout.missing:
            self.stale(plan, f'column "{layout.missing[0]}" is not in the stream')
            return
        batch, old, new = self.batch, change.old, change.new
        if new is None:
            assert old is not None
            batch.remove(plan, layout.key(old))
            batch.count(plan, -1)
            self._not_large(plan, layout.key(old))
            if self.states is not None and plan.states:
                self.states.gone(layout.key(old))
            return
        if old is not None and UNCHANGED in new:
            # Large values that did not change: of a whole old row all are there, else those of the key.
            known = [True] * len(old) if not change.old_is_key else layout.identity
            new = [o if n is UNCHANGED and k else n for n, o, k in zip(new, old, known, strict=True)]
        key = layout.key(new)
        before = layout.key(old) if old is not None else None
        try:
            values = layout.values(new)
            if self.states is not None and plan.states:
                self.states.change(layout, change, key, values, known=self.size <= LARGEST)
        except UNREADABLE as error:
            self.stale(plan, unreadable(key, error))
            return
        if self.size > LARGEST:
            batch.dropped += 1
            batch.remove(plan, key)
            if key not in plan.large:
                plan.large.add(key)
                batch.noted[plan.table.id] = plan
                self.on_large(plan, key)
        else:
            batch.put(plan, key, values, before)
            if plan.large and UNCHANGED not in values:
                self._not_large(plan, key)
        if before is not None and before != key:
            batch.remove(plan, before)
            self._not_large(plan, before)
        if change.what == "I":
            batch.count(plan, 1)

    def _not_large(self, plan: Plan, key: bytes) -> None:
        if key in plan.large:
            plan.large.discard(key)
            self.batch.noted[plan.table.id] = plan

    def _truncate(self, event: Truncate) -> None:
        for oid in event.relations:
            plan = self._plan(oid)
            if plan is not None:
                self._emptied(plan)

    def _emptied(self, plan: Plan) -> None:
        """Go on in a new epoch."""
        names, batch = self.names, self.batch
        batch.clear(plan)
        plan.rebase(plan.epoch + 1)
        plan.count, plan.first = 0, False
        plan.large.clear()
        if self.noting:
            batch.others += built(names, plan)
        else:
            batch.others.append((b"SET", names.epoch(plan.table.name), plan.epoch))
        if plan.state == "safe":
            batch.others.append((b"SET", names.safe(plan.table.name), plan.epoch))
        below = plan.epoch if self.noting else plan.epoch + 1
        batch.others.append((b"HSET", names.sweeps, plan.table.name.encode(), below))
        self.on_emptied(plan)

    def _message(self, message: Message) -> None:
        if message.prefix != "asymm":
            return
        if message.transactional and (self.transaction or 0) < self.applied:
            return
        try:
            said: Any = json.loads(message.content)
        except ValueError:
            return
        if not isinstance(said, dict):
            return
        if "mark" in said:
            self.on_mark(str(said["mark"]))
        elif "any" in said:
            self.touched.add(0)
            if said.get("purge"):
                self.on_protected()
        elif "ddl" in said:
            self.touched.add(0)
            self._ddl(said)

    def _ddl(self, said: dict[str, Any]) -> None:
        """A table is not what it was; without its number all of them may not be."""
        self.types.forget()
        self.layouts.clear()
        for plan in list(self.plans.values()):
            if said.get("id") in (None, plan.table.id) and (self.transaction or 0) >= plan.start:
                self.stale(plan, str(said.get("error") or said["ddl"]))
        self.on_changed()

    def stale(self, plan: Plan, why: str) -> None:
        """Write no more to a table: it must be built anew."""
        if plan.written:
            self.batch.clear(plan)
            plan.state, plan.error = "building", why
            self.batch.others += gone(self.names, plan.table.id, plan.table.name, plan.epoch)
            self.on_stale(plan, why)

    def _commit(self, event: Commit) -> None:
        self.on_commit(self.xid, event.lsn)
        if event.lsn >= self.applied:
            self.counters["transactions"] += 1
            self.batch.end = event.end
            if 0 in self.touched:
                self.batch.versions[self.names.ddl] = event.end
            for oid in self.touched:
                plan = self.plans.get(oid)
                if plan is not None and plan.written:
                    self.batch.versions[plan.version] = event.end
        self.transaction = None

    def progress(self) -> None:
        """Add to the batch what tells how far it brings Redis."""
        self.drain()
        batch = self.batch
        self.counters["dropped"] += batch.dropped
        if self.transaction is not None and self.position > self.skip:
            batch.others.append((b"SET", self.names.partial, f"{self.transaction}:{self.position}".encode()))
            self.cut = True
        if batch.end is not None:
            batch.versions[self.names.lsn] = batch.end
            if self.transaction is None and self.cut:
                batch.others.append((b"DEL", self.names.partial))
                self.cut = False
