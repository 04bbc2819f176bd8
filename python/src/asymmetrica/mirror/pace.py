"""When to write and when to tell, so that many small transactions do not cost each what one costs."""

from __future__ import annotations

import time

__all__ = ["Pace"]

# How often the server is told how far Redis is: each time costs it and us as much as a small transaction.
_TELL = 0.01
# After a write so many seconds are left for more to come.
_REST, _LONGEST = 0.001, 0.004


class Pace:
    """`rested`: until then what comes is left to come together; `tell`: when to tell the server again.

    The rest gets longer while more than one transaction comes in each, and so is short for who commits now
    and then, and cheap for who commits all the time.
    """

    def __init__(self) -> None:
        self.rested = self.tell = 0.0
        self._rest, self._count = _REST, 0

    def wrote(self, transactions: int) -> None:
        """Note a write, and how many transactions there were in all."""
        self._rest = min(2 * self._rest, _LONGEST) if transactions > self._count + 1 else _REST
        self._count = transactions
        self.rested = time.monotonic() + self._rest

    def told(self) -> None:
        """Note that the server was told."""
        self.tell = time.monotonic() + _TELL
