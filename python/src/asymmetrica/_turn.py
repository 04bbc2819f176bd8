"""Whose turn it is on a connection that threads or tasks share.

Some things are several statements in a row, a transaction above all, and what others ask meanwhile must not
get in between. Who has the turn (`mine()`) need not take it again, and must not; so it is with tasks begun
meanwhile, and threads that got the context (those of `asyncio.to_thread` and of Starlette did).
"""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

from .errors import ConnectionFailed

__all__ = ["AsyncTurn", "Turn"]

_LONGEST = 30.0
_MINE: ContextVar[tuple[object, ...]] = ContextVar("asymmetrica_turns", default=())


def _too_long() -> ConnectionFailed:
    return ConnectionFailed(
        f"the connection was not free within {_LONGEST:.0f} s",
        detail="Another thread or task is using this connect() for a statement or in a transaction().",
        hint="Within a transaction() use what it lends; for work side by side make several connect().",
    )


class _Held:
    """Who has it; what is the same of both kinds."""

    def __init__(self) -> None:
        self._holder: object | None = None

    def mine(self) -> bool:
        """Whether who asks has the turn."""
        holder = self._holder
        return holder is not None and holder in _MINE.get()

    def others(self) -> bool:
        """Whether somebody else has it."""
        holder = self._holder
        return holder is not None and holder not in _MINE.get()

    def _begin(self) -> None:
        self._holder = object()
        _MINE.set((*_MINE.get(), self._holder))

    def _end(self) -> None:
        holder, self._holder = self._holder, None
        _MINE.set(tuple(held for held in _MINE.get() if held is not holder))


class Turn(_Held):
    """Waits where it is called."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Have the turn from now on. Raises `ConnectionFailed` if it is not given within half a minute."""
        if not self._lock.acquire(timeout=_LONGEST):
            raise _too_long()
        self._begin()

    def leave(self) -> None:
        """Give it to the next."""
        self._end()
        self._lock.release()


class AsyncTurn(_Held):
    """Lets others run while it waits."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Have the turn from now on. Raises `ConnectionFailed` if it is not given within half a minute."""
        if not self._lock.locked():
            await self._lock.acquire()
        else:
            try:
                async with asyncio.timeout(_LONGEST):
                    await self._lock.acquire()
            except TimeoutError:
                raise _too_long() from None
        self._begin()

    def leave(self) -> None:
        """Give it to the next."""
        self._end()
        self._lock.release()
