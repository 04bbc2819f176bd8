"""What was read from where, to be told to the database in batches."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from typing import Any

from .hot import Hot, text_of
from .routes import Costs
from .text import normalise

__all__ = ["Tally"]

_EVERY = 10.0
_MOST = 400
_KEYS = 100
# A histogram of waiting times: steps of half a power of two from 50 µs on, as asymm.read_latency has it.
_LEAST, _LAST = 0.000_05, 47


class Tally:
    """Counts by query or table and route: hits, misses, refused, seconds; and of keys, in `hot`."""

    def __init__(self, costs: Costs) -> None:
        self.costs = costs
        self.off = False
        self.hot = Hot()
        self._due = time.monotonic() + _EVERY
        self._counts: dict[tuple[bool, str, str], list[float]] = {}
        self._known: dict[str, tuple[tuple[str, ...], str | None]] = {}
        self._slow: dict[tuple[str, str], dict[int, int]] = {}

    def add(self, row: bool, name: str, route: str, what: int, seconds: float) -> None:
        """Count a read of a row of a table, or of a query; what: 0 hit, 1 miss, 2 refused."""
        found = self._counts.get((row, name, route))
        if found is None:
            if self.off or len(self._counts) >= _MOST:
                return
            found = self._counts[(row, name, route)] = [0, 0, 0, 0.0, 0]
        found[what] += 1
        found[3] += seconds
        # What a copy of this process answers falls into the first step and need not be looked up.
        if seconds > _LEAST and not row:
            place = min(_LAST, math.ceil(2 * math.log2(seconds / _LEAST)))
            steps = self._slow.setdefault((name, route), {})
            steps[place] = steps.get(place, 0) + 1

    def fail(self, name: str, route: str) -> None:
        """Count an attempt at a query that a route did not answer."""
        found = self._counts.get((False, name, route))
        if found is None:
            if self.off or len(self._counts) >= _MOST:
                return
            found = self._counts[(False, name, route)] = [0, 0, 0, 0.0, 0]
        found[4] += 1

    def knows(self, text: str, tables: tuple[str, ...], why_not: str | None) -> None:
        """Note on what a query depends, or why its result is not kept."""
        if len(self._known) < _MOST:
            self._known[text] = (tables, why_not)

    def due(self) -> bool:
        """Whether it is time to tell."""
        return not self.off and bool(self._counts) and time.monotonic() >= self._due

    def batch(self, plain: Callable[[str], str | None]) -> dict[str, Any] | None:
        """Return what was counted, and begin anew; `plain` finds the name of a table. None: nothing was."""
        counts, known, slow, hot = self._counts, self._known, self._slow, self.hot
        self._counts, self._known, self._slow, self.hot = {}, {}, {}, Hot()
        self._due = time.monotonic() + _EVERY
        queries, tables = [], []
        for (row, name, route), (hits, misses, refused, seconds, failed) in counts.items():
            said: dict[str, Any] = {"route": route, "hits": int(hits), "misses": int(misses)}
            said |= {"refused": int(refused), "seconds": seconds, "failed": int(failed)}
            said["saved_seconds"] = max(0.0, hits * (self.costs.of(name, "primary") or 0.0) - seconds)
            if not hits:
                said["saved_seconds"] = 0.0
            if row:
                table = plain(name)
                if table is not None and "\0" not in table:
                    tables.append({**said, "table": table})
                continue
            names, reason = known.get(name, ((), None))
            digest = fingerprint(name)
            text = name[:10_000].replace("\0", "").encode("utf-8", "replace").decode()
            steps = {str(place): count for place, count in slow.get((name, route), {}).items()}
            steps["0"] = int(hits + misses + refused) - sum(steps.values())
            told = {"fingerprint": digest, "statement": text, "tables": list(names), "reason": reason}
            queries.append({**said, **told, "latency": steps})
        if not queries and not tables:
            return None
        return {"queries": queries, "tables": tables, "keys": self._keys(hot, plain)}

    def _keys(self, hot: Hot, plain: Callable[[str], str | None]) -> list[dict[str, Any]]:
        keys = []
        for (row, name, key), hits, misses in hot.most(_KEYS):
            said: dict[str, Any] = {"key": text_of(key), "hits": hits, "misses": misses}
            table = plain(name) if row else None
            if table is not None and "\0" not in table:
                keys.append({**said, "table": table})
            elif not row:
                keys.append({**said, "fingerprint": fingerprint(name)})
        return keys


def fingerprint(text: str) -> str:
    """Return the name of a query in counts."""
    return hashlib.sha256(normalise(text).encode("utf-8", "replace")).hexdigest()[:32]
