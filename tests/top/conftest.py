"""Fixtures of the console's tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from asymmetrica.eyes import Reader
from asymmetrica.top.app import Top
from asymmetrica.top.dialogs import Sheet
from asymmetrica.top.feed import Feed
from support.database import Database
from support.scene import Scene


class Screen:
    """A console on a screen of its own: keys go in, what stands there comes out."""

    def __init__(self, app: Top, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.press(*({" ": "space", "[": "left_square_bracket"}.get(sign, sign) for sign in text))

    @property
    def lines(self) -> list[str]:
        """The lines of the screen as they are now."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def holds(self, *words: str) -> bool:
        """Tell whether all words stand there, on one line or folded."""
        text = self.text
        folded = " ".join(word for word in text.split() if word not in "▌│")
        return all(word in text or word in folded for word in words)

    @property
    def sheet(self) -> str:
        """All of the dialog, also what would have to be scrolled to."""
        assert isinstance(self.app.screen, Sheet)
        return self.app.screen.body.plain

    async def until(self, *words: str, without: str | None = None, timeout: float = 15) -> str:
        """Wait until all words stand on the screen, and `without` does not; return what stands there."""
        await self.when(
            lambda: self.holds(*words) and (without is None or not self.holds(without)),
            f"{words} without {without}",
            timeout,
        )
        return self.text

    async def when(self, done: Callable[[], bool], what: str, timeout: float = 15) -> None:
        end = time.monotonic() + timeout
        while not done():
            if time.monotonic() > end:
                raise AssertionError(f"not within {timeout} s: {what}\n{self.text}")
            await asyncio.sleep(0.02)


@asynccontextmanager
async def shown(dsn: str, size: tuple[int, int] = (80, 24), tab: int = 0) -> AsyncIterator[Screen]:
    """Run the console without a terminal."""
    async with Reader(dsn) as reader:
        feed = Feed(reader)
        await feed.open()
        app = Top(dsn, feed, tab=tab)
        async with app.run_test(size=size, notifications=True) as pilot:
            yield Screen(app, pilot)


@pytest.fixture
def scene(db: Database) -> Scene:
    return Scene(db)
