"""Changes that go to Redis together: for every key only its last state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

from .names import Names
from .pgoutput import UNCHANGED
from .plan import Plan, Values

__all__ = ["Batch", "Command", "Entry", "fragments"]

Command = Sequence[bytes | str | int]
# The state a key is to have: its table, its values (None: it is deleted), and the key in Redis that holds
# those values which are UNCHANGED.
Entry = tuple[Plan, Values | None, bytes | None]
# So many pairs in one MSET.
_PAIRS = 1_000
# Numbers as they are written: nothing here must change or refuse a digit.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


class Batch:
    """Collects changes until they are written."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.rows: dict[bytes, Entry] = {}
        # Tables whose number of rows changed.
        self.counts: dict[int, Plan] = {}
        self.others: list[Command] = []
        self.versions: dict[bytes, int] = {}
        # Of these tables it changed which rows are too large.
        self.noted: dict[int, Plan] = {}
        self.holes: set[bytes] = set()
        self.size = 0
        self.end: int | None = None
        self.dropped = 0

    def __bool__(self) -> bool:
        return bool(self.rows or self.others or self.end is not None)

    def put(self, plan: Plan, key: bytes, values: Values, before: bytes | None = None) -> None:
        """Write a row; `before` is the key it had, where that may differ."""
        source = None
        if UNCHANGED in values:
            source = before or key
            known = self.rows.get(source)
            if known is not None:
                source, values = known[2], _filled(values, known[1])
            if UNCHANGED not in values:
                source = None
            elif source is None:
                # The row it belongs to is not known here: no key is better than a wrong one.
                self.dropped += 1
                self.remove(plan, key)
                return
        if source is None:
            self.holes.discard(key)
        else:
            self.holes.add(key)
        self.rows[key] = (plan, values, source)
        self.size += len(key) + 100

    def put_many(self, plan: Plan, keys: Sequence[bytes], values: Iterable[Values]) -> None:
        """Write rows all of whose values are known."""
        if self.holes:
            self.holes.difference_update(keys)
        self.rows.update(zip(keys, zip(repeat(plan), values, repeat(None)), strict=True))
        self.size += sum(map(len, keys)) + 100 * len(keys)

    def remove(self, plan: Plan, key: bytes) -> None:
        """Delete a row."""
        self.rows[key] = (plan, None, None)
        self.holes.discard(key)
        self.size += len(key) + 20

    def count(self, plan: Plan, change: int) -> None:
        """Note that the table has so many rows more."""
        if plan.count is not None and change:
            plan.count += change
            self.counts[plan.table.id] = plan

    def clear(self, plan: Plan) -> None:
        """Forget what was to be written of a table: it is emptied or built anew."""
        self.rows = {key: entry for key, entry in self.rows.items() if entry[0] is not plan}
        self.holes &= self.rows.keys()
        self.counts.pop(plan.table.id, None)
        self.versions.pop(plan.version, None)
        self.noted.pop(plan.table.id, None)

    def asked(self) -> list[tuple[bytes, Command]]:
        """Return what must be read from Redis first: the rows whose large values the stream left out."""
        out: list[tuple[bytes, Command]] = []
        for key in self.holes:
            plan, values, source = self.rows[key]
            if values is None or source is None:
                continue
            wanted = [f for f, v in zip(plan.fields, values, strict=True) if v is UNCHANGED]
            hashed = plan.table.format == "hash"
            out.append((key, (b"HMGET", source, *wanted) if hashed else (b"GET", source)))
        return out

    def answer(self, key: bytes, reply: Any) -> None:
        """Fill in what Redis answered; a row it doesn't have any more is deleted, never half-written."""
        plan, values, _ = self.rows[key]
        assert values is not None
        known: list[Any] | None
        if isinstance(reply, list):
            known = None if None in reply else reply
        else:
            found = None if reply is None else fragments(reply.decode())
            holes = [n for n, v in zip(plan.table.columns, values, strict=True) if v is UNCHANGED]
            known = None if found is None or not found.keys() >= set(holes) else [found[n] for n in holes]
        if known is None:
            self.dropped += 1
            self.rows[key] = (plan, None, None)
            return
        rest = iter(known)
        self.rows[key] = (plan, [next(rest) if v is UNCHANGED else v for v in values], None)

    def commands(self) -> list[Command]:
        """Return what is to be sent, in one MULTI."""
        out: list[Command] = []
        pairs: list[bytes | str | int] = []
        gone: list[bytes] = []
        for key, (plan, values, _) in self.rows.items():
            if values is None:
                gone.append(key)
            elif plan.plain:
                pairs += (key, plan.template % tuple(values))
            else:
                out += plan.commands(key, values)
        for at in range(0, len(gone), _PAIRS):
            out.append((b"UNLINK", *gone[at : at + _PAIRS]))
        out += self.others
        # These come last, so that a small transaction is one command.
        for pair in self.versions.items():
            pairs += pair
        for at in range(0, len(pairs), 2 * _PAIRS):
            out.append((b"MSET", *pairs[at : at + 2 * _PAIRS]))
        out += [(b"HSET", self.names.tables, number, plan.meta()) for number, plan in self.noted.items()]
        # Not by how much: Redis may have dropped what was there.
        for table, plan in self.counts.items():
            if plan.count is not None:
                out.append((b"HSET", self.names.counts, table, plan.count))
        return out

    def reset(self) -> None:
        """Start over, after all was sent."""
        self.rows = {}
        self.counts = {}
        self.others = []
        self.versions = {}
        self.noted = {}
        self.holes = set()
        self.size = 0
        self.end = None


def _filled(values: Values, known: Values | None) -> Values:
    if known is None:
        return values
    return [old if new is UNCHANGED else new for new, old in zip(values, known, strict=True)]


def fragments(text: str) -> dict[str, str]:
    """Take a JSON object apart into its columns, each as it is written."""
    out: dict[str, str] = {}
    at = 1
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        begin = at + 1
        _, at = _DECODER.raw_decode(text, begin)
        out[name] = text[begin:at]
        at += text[at] == ","
    return out
