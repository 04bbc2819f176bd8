"""Who makes a page: of requests that miss the same one at once the first, while the others wait for it.

In this process they wait for its end, between processes for a lease in Redis, which ends by itself if its
holder dies. Nobody waits for longer than he would like, nor for a page that lately was not kept: then each
lets the application answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter

from ..errors import ConnectionFailed
from ._pages import Pages

__all__ = ["Maker", "Makers"]

_HOPELESS, _MOST = 1.0, 4096
_SHORTEST, _LONGEST = 0.002, 0.05


class Maker:
    """One who makes a page; `kept` once that is known, None if he left before."""

    def __init__(self, makers: Makers, name: str) -> None:
        self._makers, self._name = makers, name
        self._over = asyncio.Event()
        self.kept: bool | None = None
        # He had to wait for somebody in another process, who may have kept it.
        self.waited = False
        self._lease_ends = 0.0

    async def lease(self, until: float) -> bool:
        """Become the only one among processes, by a moment."""
        pages, wait = self._makers.pages, self._makers.wait
        pause = _SHORTEST
        while True:
            asked = time.monotonic()
            if await pages.lease(self._name, wait):
                self._lease_ends = asked + wait
                return True
            if asked >= until:
                return False
            if not self.waited:
                self.waited = True
                self._makers.counters["waits"] += 1
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST)

    async def over(self, until: float) -> None:
        """Wait for his end, by a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(until - time.monotonic(), 0)):
                await self._over.wait()

    async def done(self) -> None:
        """Say that the page is kept, unless it was said that it isn't."""
        if self.kept is None:
            self.kept = True
        await self.leave()

    async def refused(self) -> None:
        """Say that the page is not kept: nobody needs to wait for its end."""
        self.kept = False
        self._makers.hopeless(self._name)
        await self.leave()

    async def leave(self) -> None:
        """Let the others go on."""
        self._makers.gone(self._name, self)
        self._over.set()
        ends, self._lease_ends = self._lease_ends, 0.0
        if time.monotonic() < ends:
            with contextlib.suppress(ConnectionFailed):
                await self._makers.pages.end_lease(self._name)


class Makers:
    """Those at work in this process, by page."""

    def __init__(self, pages: Pages, wait: float, counters: Counter[str]) -> None:
        self.pages, self.wait, self.counters = pages, wait, counters
        self._at_work: dict[str, Maker] = {}
        self._hopeless: dict[str, float] = {}

    def hopeless(self, name: str) -> None:
        """Have nobody wait for a page for a while."""
        if len(self._hopeless) >= _MOST:
            self._hopeless.clear()
        self._hopeless[name] = time.monotonic() + _HOPELESS

    def at_work(self, name: str) -> Maker | None:
        """Return who makes a page now."""
        return self._at_work.get(name)

    def is_hopeless(self, name: str) -> bool:
        """Whether a page was not kept a moment ago."""
        return self._hopeless.get(name, 0.0) > time.monotonic()

    def gone(self, name: str, maker: Maker) -> None:
        """Forget who made a page."""
        if self._at_work.get(name) is maker:
            del self._at_work[name]

    async def begin(self, name: str, until: float) -> Maker | None:
        """Return one who makes the page; None: somebody in another process has done so for too long."""
        maker = self._at_work[name] = Maker(self, name)
        leased = False
        try:
            leased = await maker.lease(until)
        except ConnectionFailed:
            # The application answers; what it says will not be kept.
            leased = True
        finally:
            if not leased:
                await maker.leave()
        return maker if leased else None
