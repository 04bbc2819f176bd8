"""A plain model of two tables and of all they ever were, for readers that may be behind but not too far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class State:
    """The tables after a commit: t with all its columns (None while it has another name), and u."""

    columns: tuple[str, ...] = ("id", "n", "v")
    t: dict[int, Row] = field(default_factory=dict)
    u: dict[int, int] = field(default_factory=dict)
    there: bool = True

    def all_rows(self) -> Any:
        """What SELECT * FROM t ORDER BY id returns."""
        return self.columns, [tuple(row.values()) for _, row in sorted(self.t.items())]

    def sums(self) -> Any:
        """What a query over both tables returns."""
        numbers = [row["n"] for row in self.t.values()]
        row = (len(numbers), max(numbers, default=None), max(self.u.values(), default=None))
        return ("count", "max", "u"), [row]

    def changed(self, rows: dict[int, Row | None]) -> State:
        """Return this with some rows changed; None deletes one."""
        t = self.t | {key: row for key, row in rows.items() if row is not None}
        return replace(self, t={key: row for key, row in t.items() if rows.get(key, row) is not None})


@dataclass
class Commit:
    """A state, since when it has been there for all, and where the log ended then."""

    state: State
    moment: float
    lsn: str


class History:
    """Every state there was, in their order; nothing else writes."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []

    @property
    def now(self) -> State:
        return self.commits[-1].state

    def add(self, state: State, lsn: str) -> None:
        """Note a commit that has just been answered."""
        self.commits.append(Commit(state, time.monotonic(), lsn))

    def since(self, moment: float) -> int:
        """Return the last state that was there at a moment, the first if none was."""
        return max((at for at, commit in enumerate(self.commits) if commit.moment <= moment), default=0)


class Seen:
    """What one reader may still be shown: nothing before `floor`."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.floor = 0

    def wrote(self) -> None:
        """It wrote the newest state."""
        self.floor = len(self.history.commits) - 1

    def read(self, began: float, max_staleness: float, after: int, what: Any, found: Any, age: float) -> None:
        """Fail unless `found` is what `what` says of a state that is new enough; note that one."""
        newest = self.history.commits
        low = max(self.floor, after, self.history.since(began - min(max_staleness, age)))
        for at in range(low, len(newest)):
            if what(newest[at].state) == found:
                self.floor = at
                return
        older = [at for at in range(low) if what(newest[at].state) == found]
        raise AssertionError(
            f"{found!r} is not in states {low} to {len(newest) - 1} but in {older}; floor {self.floor}, "
            f"after {after}, within {max_staleness} s, age {age}: {what(self.history.now)!r} is right"
        )
