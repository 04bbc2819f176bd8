"""What was read while something was made, so that it can be kept for as long as that is the same.

Whoever keeps what is made (`asymmetrica.asgi`) opens a `Touched` with the position everything read must
include; reads of the driver raise their `after` to it and note their tables. What is noted on the way, in
threads and tasks too, is noted in the same object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Touched", "current", "touch", "touched"]


class Touched:
    """`tables` as in keys of the mirror. `why_not`: why nothing may be kept that was made of this.

    `wrote`: where the log ended after the last commit made meanwhile; -1 if something was written, and we
    don't know that.
    """

    __slots__ = ("after", "source", "tables", "why_not", "wrote")

    def __init__(self, after: int = 0, source: bytes = b"") -> None:
        self.after, self.source = after, source
        self.tables: set[str] = set()
        self.why_not: str | None = None
        self.wrote = 0

    def read(self, tables: Iterable[str], source: bytes, why_not: str | None = None) -> None:
        """Note a read, and why what was read is nothing to keep."""
        if why_not is not None:
            self.refuse(why_not)
        elif self.source and source != self.source:
            self.refuse("it read from another mirror")
        self.tables.update(tables)

    def refuse(self, why_not: str) -> None:
        """Have nothing kept; the first reason stays."""
        self.why_not = self.why_not or why_not

    def write(self, end: int | None) -> None:
        """Note a commit by where the log ended after it; None: that isn't known."""
        self.refuse("it ran a statement")
        self.wrote = -1 if end is None or self.wrote < 0 else max(self.wrote, end)


_CURRENT: ContextVar[Touched | None] = ContextVar("asymmetrica_touched", default=None)
current = _CURRENT.get


@contextmanager
def touched(after: int = 0, source: bytes = b"") -> Iterator[Touched]:
    """Collect what is read and written in the block."""
    made = Touched(after, source)
    token = _CURRENT.set(made)
    try:
        yield made
    finally:
        _CURRENT.reset(token)


def touch(*tables: str) -> None:
    """Say that what is being made depends on mirrored tables ('schema.table') read without this driver.

    Only what was read on the primary, after the request came in, is as new as it must be.
    """
    found = current()
    if found is not None:
        found.read(tables, found.source)
