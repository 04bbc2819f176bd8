"""What the mirror's worker tells readers in Redis, and how it is read.

A `Proof` is one look at it. It says: everything committed before `position` is in Redis, so is everything
committed until `age` seconds ago, and every commit before `settled` is visible on the primary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..mirror.names import Names

__all__ = ["NOTHING", "Claims", "Keys", "Proof", "half_end", "number", "unchanged"]

# Redis' clock and the worker's reading of it may differ by so much, in ms.
_SKEW = 50
_MOST = 1024


def number(value: Any) -> int | None:
    """Return the number a key holds, None if it holds none."""
    return int(value) if isinstance(value, bytes) and value.isdigit() and len(value) < 20 else None


def half_end(partial: Any) -> int:
    """Return the position past which Redis has all of the transaction it has a part of; 0: of none."""
    # It is told by where its commit begins.
    return (number(partial.partition(b":")[0]) or 0) + 1 if isinstance(partial, bytes) else 0


@dataclass(frozen=True, slots=True)
class Proof:
    """`source` is the mirrored database; `sent` the moment we asked, `at` the age then, `fresh` the claim."""

    position: int
    settled: int
    source: bytes
    fresh: bytes
    at: float
    sent: float

    def age(self, now: float) -> float:
        """Return the most seconds by which Redis can be behind, now."""
        return self.at + now - self.sent


NOTHING = Proof(-1, -1, b"", b"", math.inf, 0.0)


class Claims:
    """Remembers when a claim of freshness was heard first: one that doesn't change gets older."""

    def __init__(self) -> None:
        self._first: tuple[bytes, float] = (b"", 0.0)

    def aged(self, proof: Proof) -> Proof:
        """Return the proof with at least the age its claim has by our own clock, whatever Redis' says."""
        claim, since = self._first
        if proof.fresh != claim:
            self._first = (proof.fresh, proof.sent)
        elif proof is not NOTHING and proof.sent - since > proof.at:
            return replace(proof, at=proof.sent - since)
        return proof


def unchanged(fence: int, deps: Sequence[tuple[str, int]], values: Sequence[Any]) -> bool:
    """Whether what was made behind a fence holds: `values` of `Keys.deps()` of its tables, in that order."""
    count = len(deps)
    ddl, versions, epochs = number(values[0]), values[1 : 1 + count], values[1 + count :]
    if ddl is None or ddl > fence:
        return False
    for (_, epoch), version, safe in zip(deps, versions, epochs, strict=True):
        changed = number(version)
        if changed is None or changed > fence or number(safe) != epoch:
            return False
    return True


class Keys(Names):
    """The mirror's keys that readers ask for."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.claims = (self.lsn, self.settled, self.source, self.fresh)
        self._deps: dict[tuple[str, ...], tuple[bytes, ...]] = {}

    def deps(self, tables: tuple[str, ...]) -> tuple[bytes, ...]:
        """Return the keys that tell whether a result of these tables is valid."""
        found = self._deps.get(tables)
        if found is None:
            if len(self._deps) >= _MOST:
                self._deps.clear()
            found = (self.ddl, *map(self.version, tables), *map(self.safe, tables))
            self._deps[tables] = found
        return found

    def query(self, digest: str) -> bytes:
        """Return the key of a query's result."""
        return f"{self.prefix}:query:{digest}".encode()

    def lease(self, digest: str) -> bytes:
        """Return the key held by who makes that result."""
        return f"{self.prefix}:fill:{digest}".encode()

    def probe(self) -> list[tuple[bytes, ...]]:
        """Return the commands whose replies proof() understands."""
        return [(b"MGET", *self.claims), (b"TIME",)]

    def proof(self, values: Any, clock: Any, sent: float) -> Proof:
        """Read the replies to probe(), which was sent at that moment; NOTHING if there is no mirror."""
        try:
            lsn, settled, source, fresh = values
            now = int(clock[0]) * 1000 + int(clock[1]) // 1000
            position = number(lsn)
            if position is None or not isinstance(source, bytes):
                return NOTHING
            age = math.inf
            if isinstance(fresh, bytes):
                moment, _, held = fresh.partition(b" ")
                made, until = number(moment), number(held)
                # A clock that was set back would make old things look new.
                if made is not None and until is not None and made <= now + _SKEW:
                    age = max(now - made, 0) / 1000
                    position = max(position, until)
            return Proof(position, number(settled) or 0, source, fresh or b"", age, sent)
        except (TypeError, ValueError, IndexError):
            return NOTHING
