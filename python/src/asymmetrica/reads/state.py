"""What one `connect()` has seen and done, so that it never sees less; and what it counted."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from typing import Any

from .keys import Proof

__all__ = ["State"]


class State:
    """`floor`: nothing older may be read. `unsettled`: a commit seen in Redis that the primary
    may not show yet.

    `ahead`: the replica that was read, and the transaction from which on it had shown none.

    `lost`: something was committed, or may have been, and we don't know where; the primary is asked first.
    """

    def __init__(self) -> None:
        self.floor = 0
        self.own = 0
        self.unsettled = 0
        self.ahead: tuple[Any, str] | None = None
        self.lost = False
        self.generation = 0
        self.counters: Counter[str] = Counter()
        self._mutex = threading.Lock()
        # Moments at which the primary's log was known to end there.
        self._ends: deque[tuple[float, int]] = deque(maxlen=64)

    def saw(self, position: int) -> None:
        """Note that everything before a position may have been seen."""
        if position > self.floor:
            with self._mutex:
                self.floor = max(self.floor, position)

    def committed(self, end: int) -> None:
        """Note where the log ended after a commit of ours."""
        with self._mutex:
            self.own = max(self.own, end)
            self.floor = max(self.floor, end)
            self.lost = False

    def saw_unsettled(self, position: int) -> None:
        """Note a commit that was in Redis before it was known to be visible on the primary."""
        with self._mutex:
            self.unsettled = max(self.unsettled, position)

    def ended(self, moment: float, end: int) -> None:
        """Note that at a moment the primary's log ended there."""
        self._ends.append((moment, end))

    def proven(self, proof: Proof) -> None:
        """The same from what Redis says."""
        if proof.at != math.inf:
            self._ends.append((proof.sent - proof.at, proof.position))

    def age(self, position: int) -> float:
        """Return the most seconds by which a place that has everything before a position can be behind."""
        moments = [moment for moment, end in tuple(self._ends) if end <= position]
        return time.monotonic() - max(moments) if moments else math.inf

    def known(self) -> float:
        """Return how long ago we last learned where the log ended."""
        ends = tuple(self._ends)
        return time.monotonic() - max(moment for moment, _ in ends) if ends else math.inf

    def forget(self) -> None:
        """Positions of another timeline say nothing."""
        self._ends.clear()
