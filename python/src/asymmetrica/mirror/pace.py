"""When to write and when to tell, so that many small transactions do not cost each what one costs."""

from __future__ import annotations

import time

__all__ = ["Pace"]

# How often the server is told how far Redis is: each time costs it and us as much as a small transaction.
_TELL = 0.01
# After a write so many seconds are left for more to come: the longer, the more transactions a second above
# _MANY there are, on an average over about _WINDOW seconds.
_REST, _LONGEST, _MANY, _WINDOW = 0.0005, 0.010, 1000, 0.05


class Pace:
    """`rested`: until then what comes is left to come together; `tell`: when to tell the server again."""

    def __init__(self) -> None:
        self.rested = self.tell = 0.0
        self._rate, self._count, self._at = 0.0, 0, 0.0

    def wrote(self, transactions: int, now: float) -> None:
        """Note a write, and how many transactions there were in all."""
        span, came = now - self._at, transactions - self._count
        self._at, self._count = now, transactions
        self._rate += (came - self._rate * span) / (span + _WINDOW)
        self.rested = now + min(max((self._rate / _MANY - 1) * _LONGEST, _REST), _LONGEST)

    def told(self) -> None:
        """Note that the server was told."""
        self.tell = time.monotonic() + _TELL
