"""Reads tiles when they are due, follows the beats, and connects again when the server went away."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

from ..errors import AsymmetricaError, ConnectionFailed
from ..eyes import Reader, Rows, Tile, Viewer
from ..eyes.reader import changed
from .columns import Row
from .words import moment, utc

# Vital signs are read at each beat; where beats are not told, twice a second is live enough.
FASTEST = 0.5
# A failing tile is not asked for more often than that.
AFTER_ERROR = 5.0
# A server that says nothing for so long is as good as gone.
PATIENCE = 15.0
_PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0)
POINTS: LiteralString = """
    SELECT at, value FROM asymm.series('score.shm', now() - interval '1 hour', now(), '1 min') ORDER BY at"""
STANDBY: LiteralString = "SELECT pg_catalog.pg_is_in_recovery()"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a tile: its rows and when they were read (monotonic), or why they could not be."""

    rows: tuple[Row, ...] = ()
    columns: tuple[str, ...] = ()
    read_at: float = 0.0
    error: AsymmetricaError | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone: since when, when it is tried again (both monotonic), how often it was."""

    since: float
    again: float
    tries: int
    error: AsymmetricaError


@dataclass(slots=True)
class Feed:
    """Follows a database: `seen` holds the newest rows of each tile, `tell` is called on any change."""

    reader: Reader
    tell: Callable[[], None] = lambda: None
    wanted: tuple[str, ...] = ()
    seen: dict[str, Seen] = field(default_factory=dict)
    tiles: dict[str, Tile] = field(default_factory=dict)
    viewer: Viewer | None = None
    standby: bool = False
    lost: Lost | None = None
    _due: dict[str, float] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self) -> None:
        """Connect for the first time; what goes wrong here is for the caller."""
        self.tiles = await self.reader.tiles()
        self.viewer = await self.reader.viewer()
        self.standby = bool((await self.reader.ask(STANDBY)).rows[0][0])

    def want(self, *tiles: str) -> None:
        """Say which tiles are looked at; new ones are read at once."""
        fresh = set(tiles) - set(self.wanted)
        self.wanted = tiles
        for tile in fresh:
            self._due.pop(tile, None)
        self._wake.set()

    def hurry(self, *, only_changes: bool = False) -> None:
        """Have the tiles read now: all that are looked at, or those that a change may have changed."""
        for name in self.wanted:
            tile = self.tiles.get(name)
            if not only_changes or (tile and (tile.on_change or tile.every == 0)):
                self._due.pop(name, None)
        self._wake.set()

    async def ask(self, query: LiteralString, values: Mapping[str, Any] | None = None) -> Rows:
        """Run a question of its own, for details."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.ask(query, values)

    async def hour(self) -> list[float | None]:
        """Return the health of the last hour, minute by minute, None where nothing was measured."""
        minutes: dict[int, float] = {}
        now = utc()
        for at, value in (await self.ask(POINTS)).rows:
            when = moment(at)
            if when is not None and value is not None:
                minutes[int((now - when).total_seconds() // 60)] = float(value)
        return [minutes.get(age) for age in range(59, -1, -1)]

    async def run(self) -> None:
        """Follow the database until cancelled."""
        tries = 0
        while True:
            try:
                await self._follow()
            except (AsymmetricaError, TimeoutError) as error:
                failure = error if isinstance(error, AsymmetricaError) else ConnectionFailed("no answer")
                now = time.monotonic()
                pause = _PAUSES[min(tries, len(_PAUSES) - 1)] * random.uniform(0.75, 1.25)
                tries = 1 if self.lost is None else tries + 1
                self.lost = Lost(self.lost.since if self.lost else now, now + pause, tries, failure)
                with contextlib.suppress(AsymmetricaError):
                    await self.reader.close()
                self.tell()
                await asyncio.sleep(pause)

    async def _follow(self) -> None:
        async with asyncio.timeout(PATIENCE):
            # After an upgrade there are others, and rights may have changed.
            await self.open()
        self.lost = None
        self._due.clear()
        self.tell()
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                await self._read_due()
                if listening.done():
                    listening.result()
                    raise ConnectionFailed("the connection that listens was lost")
                await self._sleep(listening)
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, AsymmetricaError):
                await listening

    async def _listen(self) -> None:
        async for beat in self.reader.beats():
            self.hurry(only_changes=True) if changed(beat) else self._beat()

    def _beat(self) -> None:
        for name in self.wanted:
            if name in self.tiles and self.tiles[name].every == 0:
                self._due.pop(name, None)
        self._wake.set()

    async def _read_due(self) -> None:
        self._wake.clear()
        for name in self.wanted:
            if self._due.get(name, 0.0) > time.monotonic():
                continue
            await self._read(name)
            self.tell()

    async def _read(self, name: str) -> None:
        tile = self.tiles.get(name)
        pause = AFTER_ERROR
        if tile is None:
            missing = AsymmetricaError(
                f'the extension of this database knows no tile "{name}"',
                hint="ALTER EXTENSION asymmetrica UPDATE",
            )
            self.seen[name] = Seen(error=missing)
        else:
            try:
                async with asyncio.timeout(PATIENCE):
                    rows = await self.reader.read(name)
            except ConnectionFailed:
                raise
            except AsymmetricaError as error:
                self.seen[name] = Seen(error=error)
            else:
                self.seen[name] = Seen(tuple(rows.dicts()), rows.columns, time.monotonic())
                pause = max(tile.every, FASTEST)
        self._due[name] = time.monotonic() + pause

    async def _sleep(self, listening: asyncio.Task[None]) -> None:
        """Wait until a tile is due, a beat tells something, or the connection that listens ends."""
        due = min((self._due.get(name, 0.0) for name in self.wanted), default=time.monotonic() + 1)
        woken = asyncio.create_task(self._wake.wait())
        await asyncio.wait(
            (woken, listening), timeout=max(0.0, due - time.monotonic()), return_when=asyncio.FIRST_COMPLETED
        )
        woken.cancel()
