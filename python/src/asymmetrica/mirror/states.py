"""Counts how rows of tracked tables went from one state to another, each change once.

A row's former state is what Redis holds of it, or what the batch at hand is about to write; the stream itself
tells it where the whole old row is published. What was counted goes to Redis in the transaction that brings
the rows there, under a name, and to the database once a second: a worker that is killed loses none of it, and
the database takes no name twice.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from .._lsn import format_lsn
from .batch import Command, fragments
from .layout import Layout
from .names import Names
from .pgoutput import UNCHANGED, Change
from .plan import Plan, Values
from .points import point
from .store import Store
from .stream import HEAD

__all__ = ["States"]

_INSERT = ord("I")
# So many different changes are counted between two reports, of which the next is made soon when there are
# many; a text is cut as samples are.
_MOST, _MANY, _LONGEST = 5000, 300, 60

# A row's state: the values of the tracked columns as they are written to Redis. None: it isn't known.
State = tuple[Any, ...] | None
Told = tuple[str | None, ...]
# A table by its number in the registry, and the columns that make a state.
Place = tuple[int, tuple[str, ...]]


class States:
    """What was counted since the last report; `known` is the name the database has last."""

    def __init__(self, names: Names, known: str | None) -> None:
        self.names, self.known = names, known
        self.name = ""
        self.counts: dict[Place, dict[tuple[Told, Told], int]] = {}
        self.missed: dict[Place, int] = {}
        # States of the rows of the batch at hand, and those whose former state Redis has to tell.
        self.last: dict[bytes, State] = {}
        self.asked: dict[bytes, tuple[Plan, tuple[Any, ...]]] = {}
        self.changed = False
        # Whether Redis may hold values that are protected now.
        self.doubtful = False
        self._begin()

    def _begin(self) -> None:
        self.name = secrets.token_hex(8)
        self.counts.clear()
        self.missed.clear()

    # What happens to rows

    def many(self, plan: Plan, run: Sequence[bytes], keys: Sequence[bytes], rows: Iterable[Values]) -> None:
        """Note messages with a new row each."""
        places = plan.states
        for data, key, row in zip(run, keys, rows, strict=True):
            state = tuple([row[place] for place in places])
            if data[HEAD] == _INSERT:
                self.last[key] = state
            else:
                self._moved(plan, key, key, state)

    def change(self, layout: Layout, change: Change, key: bytes, row: Values, *, known: bool) -> None:
        """Note one row that was inserted or updated; `known`: Redis will have it."""
        plan, old = layout.plan, change.old
        state = tuple([row[place] for place in plan.states])
        if old is not None and not change.old_is_key:
            was = layout.values(old)
            self._count(plan, tuple([was[place] for place in plan.states]), state)
            self.last[key] = state
        elif change.what == "I":
            self.last[key] = state
        else:
            self._moved(plan, key if old is None else layout.key(old), key, state)
        if old is not None and (before := layout.key(old)) != key:
            self.last[before] = None
        if not known:
            self.last[key] = None

    def gone(self, key: bytes) -> None:
        """Note that a row is there no more, or not in Redis."""
        self.last[key] = None

    def _moved(self, plan: Plan, before: bytes, key: bytes, state: tuple[Any, ...]) -> None:
        if before in self.last:
            self._count(plan, self.last[before], state)
        else:
            self.asked[before] = plan, state
        self.last[key] = state

    def _count(self, plan: Plan, old: State, state: tuple[Any, ...]) -> None:
        place = plan.table.id, tuple([plan.table.columns[index] for index in plan.states])
        if old is not None and UNCHANGED in state:
            state = tuple([was if now is UNCHANGED else now for was, now in zip(old, state, strict=True)])
        if old is None or UNCHANGED in state:
            self.missed[place] = self.missed.get(place, 0) + 1
            self.changed = True
        elif old != state:
            change = tuple(map(_told, old)), tuple(map(_told, state))
            if change[0] == change[1]:
                return
            counts = self.counts.setdefault(place, {})
            if change in counts or self.different() < _MOST:
                counts[change] = counts.get(change, 0) + 1
            else:
                self.missed[place] = self.missed.get(place, 0) + 1
            self.changed = True

    def different(self) -> int:
        """Return how many different changes were counted since the last report."""
        return sum(map(len, self.counts.values()))

    @property
    def urgent(self) -> bool:
        """Whether the database should be told soon."""
        return self.different() > _MANY

    # To Redis and to the database

    def resume(self, store: Store) -> None:
        """Take over what a former worker had counted and not told."""
        found = store.ask((b"GET", self.names.states))[0]
        try:
            said = json.loads(found or b"{}")
            name, tables = str(said.get("name", "")), list(said.get("tables", ()))
            if not name or name == self.known:
                return
            for number, columns, changes, missed in tables:
                place = int(number), tuple(map(str, columns))
                self.missed[place] = int(missed)
                self.counts[place] = {(tuple(old), tuple(new)): int(times) for old, new, times in changes}
            self.name = name
        except (ValueError, TypeError, AttributeError):
            # Somebody else wrote it.
            self._begin()

    def flush(self, store: Store) -> list[Command]:
        """Ask for the former states the batch at hand needs; return what tells Redis the counts."""
        asked, self.asked = self.asked, {}
        self.last.clear()
        if asked:
            commands = [_question(key, plan) for key, (plan, _) in asked.items()]
            for (plan, state), reply in zip(asked.values(), store.ask(*commands), strict=True):
                self._count(plan, _answer(plan, reply), state)
        if not self.changed:
            if not self.doubtful or self.counts or self.missed:
                return []
            self.doubtful = False
            return [(b"DEL", self.names.states)]
        self.changed = False
        said = {"name": self.name, "tables": self._told()}
        return [(b"SET", self.names.states, json.dumps(said).encode())]

    def _told(self) -> list[list[Any]]:
        return [
            [place[0], place[1], [[*change, times] for change, times in self.counts.get(place, {}).items()],
             self.missed.get(place, 0)]
            for place in dict.fromkeys((*self.counts, *self.missed))
        ]  # fmt: skip

    def report(self, plans: Iterable[Plan]) -> dict[str, Any]:
        """Return what the database is told: whose changes are counted, and how many there were."""
        told = {(number, tuple(columns)): rest for number, columns, *rest in self._told()}
        tables = []
        for plan in plans:
            if plan.states and plan.written:
                columns = tuple([plan.table.columns[index] for index in plan.states])
                changes, missed = told.get((plan.table.id, columns), ([], 0))
                said = {"id": plan.table.id, "start": format_lsn(plan.start), "columns": columns}
                tables.append(said | {"changes": changes, "missed": missed})
        return {"tables": tables} | ({"id": self.name} if told else {})

    def reported(self) -> None:
        """Begin anew: the database has it."""
        if self.counts or self.missed:
            point("told")
            self._begin()


def _question(key: bytes, plan: Plan) -> Command:
    if plan.table.format == "hash":
        # Of a row without any of these values a field of the key tells that it is there.
        return (b"HMGET", key, *[plan.fields[index] for index in plan.states], *plan.table.key_columns)
    return (b"GET", key)


def _answer(plan: Plan, reply: Any) -> State:
    """Return the state of a row as Redis has it."""
    if isinstance(reply, list):
        return tuple(reply[: len(plan.states)]) if any(value is not None for value in reply) else None
    try:
        found = fragments(reply.decode())
        return tuple([found[plan.table.columns[index]] for index in plan.states])
    except (AttributeError, KeyError, ValueError, IndexError):
        return None


def _told(value: Any) -> str | None:
    """Return a value as the server prints it, cut."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")[:_LONGEST]
    if value is None or value == "null":
        return None
    if value[:1] == '"':
        text: str = json.loads(value)
        return text[:_LONGEST]
    plain: str = {"true": "t", "false": "f"}.get(value, value)
    return plain[:_LONGEST]
