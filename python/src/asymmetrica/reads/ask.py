"""One call of query() or get(), and what the near cache holds for such."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Any

from .codec import Head

__all__ = ["Ask", "Held", "Options", "clone"]

_SHORTEST_WAIT, _LONGEST_WAIT, _LONGEST_BUDGET = 0.003, 0.05, 60.0


class Options:
    """What connect() was told: how long results are kept, how large they may be, how long Redis may take."""

    def __init__(self, ttl: float = 3600.0, largest: int = 1 << 20, timeout: float = 0.5) -> None:
        self.ttl = ttl
        self.largest = largest
        self.timeout = timeout


class Ask:
    """One call: what was asked, when, and how fresh the answer must be."""

    __slots__ = (
        "after",
        "began",
        "budget",
        "failed",
        "max_staleness",
        "near",
        "params",
        "refused",
        "table",
        "text",
        "why_not",
    )

    def __init__(
        self, text: str, params: Any, max_staleness: float, after: int, budget: float | None
    ) -> None:
        self.text, self.params = text, params
        self.max_staleness, self.after, self.budget = max_staleness, after, budget
        self.began = time.monotonic()
        self.near: Hashable = None
        self.why_not: str | None = None
        # For the counts: no copy is possible; the table whose row is asked for.
        self.refused = False
        self.table: str | None = None
        # Routes that were tried and did not answer.
        self.failed: tuple[str, ...] = ()

    def until(self, cost: float | None) -> float:
        """Return the moment after which a copy is waited for no more: when Postgres would have answered."""
        if self.budget is not None:
            return self.began + min(self.budget, _LONGEST_BUDGET)
        return self.began + min(max(cost or 0.0, _SHORTEST_WAIT), _LONGEST_WAIT)


def clone(value: Any) -> Any:
    """Return a value nobody else has: lists and dictionaries are copied, all else can't be changed."""
    kind = type(value)
    if kind is list:
        return [clone(item) for item in value]
    if kind is dict:
        return {key: clone(item) for key, item in value.items()}
    return value


class Held:
    """A result in the near cache; `give` returns its rows so that who gets them can't change ours."""

    __slots__ = ("columns", "deps", "fence", "fixed", "rows", "tables", "upto")

    def __init__(self, head: Head, rows: list[tuple[Any, ...]]) -> None:
        self.columns = tuple([column[0] for column in head.columns])
        self.tables = tuple([name for name, _ in head.deps])
        self.deps, self.fence = head.deps, head.fence
        self.upto = head.upto
        self.fixed = head.fixed
        self.rows = self.give(rows)

    def give(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return rows for somebody else."""
        return rows.copy() if self.fixed else [tuple(map(clone, row)) for row in rows]
