"""Keeps the board up to date: one connection that listens for beats, one that asks.

Nothing is asked while nobody looks. While somebody does, the vital signs are read with every beat (and at
the same pace where beats are not announced), every other tile as often as its `every` says, and those that
say so also at once when a beat tells of a change, or the vital signs do. What takes long is asked seldom.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .._redact import redact
from ..errors import AsymmetricaError, ConnectionFailed, NotInstalled
from ..eyes.reader import Reader, Rows, Tile, Viewer, changed
from .board import Board

PERIOD = 11 / 54  # of a beat, seconds
STEPS = (1, 2, 4, 8, 16)  # of the pause before the next try to connect, in periods
BUDGET = 0.1  # seconds that tiles which are due may take before what was read is shown
HANGS = 15.0  # seconds after which an answer is not waited for: a server that vanished sends none
CATALOG_EVERY = 60.0
ALIVE_EVERY = 2.0  # a word to browsers when there is no news: a line that is silent may be broken
AFTER = 0.02  # seconds after a beat was due until it can be seen
SLOWEST = 2.0
# A tile rests so many times as long as asking it took, and after a change: a slow server is not kept busy.
SELDOM, URGENT = 10, 2
LEFT = 5.0  # seconds without anybody after which nothing is asked: a page that is loaded anew is no reason

VITALS = "vitals"
# What of the vital signs moves by itself.
MOVING = frozenset({"at", "seq", "beat_age", "rate", "mirror_lag"})

# Columns of a picture that are between -1 and 1.
PLACES = frozenset({"x", "y", "z", "x2", "y2", "z2", "size"})

APPLICATION = "asymmetrica dashboard"


class Poller:
    """Reads for everybody; `run()` goes on until it is cancelled, whatever becomes of the database."""

    def __init__(self, dsn: str, board: Board, secrets: tuple[str, ...] = ()) -> None:
        self._dsn = dsn
        self._board = board
        self._secrets = secrets
        self._tiles: dict[str, Tile] = {}
        self._due: dict[str, float] = {}
        self._signs: dict[str, Any] = {}
        self._nudge = asyncio.Event()
        self._changed = False
        self._tick = 0.0  # when the vital signs are to be read next
        self._soon = 0.0  # when one that a change called for has rested
        self._asked: dict[str, tuple[float, float]] = {}  # when a tile was, from and to

    def poke(self) -> None:
        """Ask again at once what a change can have changed."""
        self._changed = True
        self._nudge.set()

    async def run(self) -> None:
        """Connect, read, and connect again when the connection breaks."""
        alive = asyncio.create_task(self._keep_alive())
        tries = 0
        try:
            while True:
                start = time.monotonic()
                try:
                    async with Reader(self._dsn, application=APPLICATION) as reader:
                        async with self._in_time():
                            await self._meet(reader)
                        await self._serve(reader)
                except Exception as error:
                    self._lost(error)
                tries = 0 if time.monotonic() - start > STEPS[-1] * PERIOD else tries + 1
                pause = PERIOD * STEPS[min(max(tries - 1, 0), len(STEPS) - 1)]
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
        finally:
            alive.cancel()

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Give up what takes too long. It is told at once: letting go of a statement takes seconds more."""
        late = asyncio.get_running_loop().call_later(HANGS, self._lost, TimeoutError())
        try:
            async with asyncio.timeout(HANGS):
                yield
        finally:
            late.cancel()

    def _lost(self, error: Exception) -> None:
        if isinstance(error, AsymmetricaError):
            text = redact(error.message, self._secrets).strip()
        elif isinstance(error, TimeoutError):
            text = f"the database did not answer within {HANGS:g} s"
        else:
            text = redact(f"{type(error).__name__}: {error}", self._secrets)
            print(f"error: {text}", file=sys.stderr, flush=True)
        self._board.set_connection("down", text)
        self._board.publish()
        self._board.fresh.set()

    async def _meet(self, reader: Reader) -> None:
        """Learn who we are and what there is to show; everything is due."""
        await self._read_catalog(reader, await reader.viewer())
        self._due = dict.fromkeys(self._tiles, 0.0)
        self._signs, self._asked, self._tick = {}, {}, 0.0

    async def _read_catalog(self, reader: Reader, me: Viewer) -> None:
        self._tiles = await reader.tiles()
        self._board.set_whole(me, {name: shown(tile) for name, tile in self._tiles.items()})
        for gone in self._due.keys() - self._tiles.keys():
            del self._due[gone]
        for name in self._tiles:
            self._due.setdefault(name, 0.0)
        self._catalog_due = time.monotonic() + CATALOG_EVERY

    async def _serve(self, reader: Reader) -> None:
        """Listen and ask until one of the connections fails."""
        tasks = {asyncio.create_task(self._listen(reader)), asyncio.create_task(self._ask(reader))}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()
        raise ConnectionFailed("the connection ended")

    async def _listen(self, reader: Reader) -> None:
        async for beat in reader.beats():
            self._changed |= changed(beat)
            self._nudge.set()

    async def _ask(self, reader: Reader) -> None:
        while True:
            await self._wait()
            async with self._in_time():
                await self._pass(reader)

    async def _wait(self) -> None:
        """Wait for the next beat, or go on if a tile is left over; while nobody looks, wait for somebody."""
        board = self._board
        if not board.watchers:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(board.watched.wait(), LEFT)
        if not board.watchers:
            board.fresh.clear()
            await board.watched.wait()
            self._tick = 0.0
        now = time.monotonic()
        until = min(self._tick, self._soon)
        if min(self._due.values(), default=now) > now and until > now:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudge.wait(), until - now)

    async def _pass(self, reader: Reader) -> None:
        """Read the vital signs, what a change calls for, and of what is due as much as time allows."""
        start = time.monotonic()
        if self._nudge.is_set() or start >= self._tick:
            self._nudge.clear()
            await self._read_signs(reader)
        urgent = self._changed
        self._changed = False
        if start > self._catalog_due:
            await self._read_catalog(reader, await reader.viewer())
        if start >= self._soon:
            self._soon = float("inf")
        if urgent:
            names = [name for name, tile in self._tiles.items() if tile.on_change]
            for name in names:
                self._due[name] = min(self._due[name], self._rested(name, URGENT))
            # What is quickly read is shown first, and does not wait for the rest.
            for name in sorted(names, key=self._took):
                if self._due[name] <= time.monotonic():
                    await self._read(reader, name)
                    if time.monotonic() - start > BUDGET / 5:
                        self._board.publish()
                else:
                    self._soon = min(self._soon, self._due[name])
            self._board.publish()
        now = time.monotonic()
        for name in sorted(self._due, key=self._due.__getitem__):
            if self._due[name] > now:
                break
            await self._read(reader, name)
            if time.monotonic() - start > BUDGET or self._nudge.is_set():
                break
        self._board.publish()
        self._board.fresh.set()

    def _took(self, name: str) -> float:
        start, end = self._asked.get(name, (0.0, 0.0))
        return end - start

    def _rested(self, name: str, times: float) -> float:
        """Return when a tile may be asked again so that asking takes no more than a share of the time."""
        return self._asked.get(name, (0.0, 0.0))[1] + times * self._took(name)

    async def _read_signs(self, reader: Reader) -> None:
        """Read the vital signs; if they tell of a change, note it."""
        self._tick = time.monotonic() + PERIOD
        rows = await self._read(reader, VITALS) if VITALS in self._tiles else None
        if rows is None or not rows.rows:
            self._board.set_connection("silent", "the vital signs can't be read")
            return
        signs = dict(zip(rows.columns, rows.rows[0], strict=True))
        told = {name: value for name, value in signs.items() if name not in MOVING}
        self._changed |= bool(self._signs) and told != self._signs
        self._signs = told
        self._board.set_connection(*standing(signs))
        # A moment after the next beat: no beat is seen twice, and none is missed.
        pace = min(max(1 / (signs.get("rate_wanted") or 1 / PERIOD), PERIOD / 2), SLOWEST)
        now, age = time.monotonic(), signs.get("beat_age")
        late = age % pace if signs.get("beating") and isinstance(age, float) else 0.0
        self._tick = max(now - late + pace + AFTER, now + pace / 2, self._rested(VITALS, SELDOM))

    async def _read(self, reader: Reader, name: str) -> Rows | None:
        """Ask for a tile and put it on the board; an error of its own is shown in its place."""
        tile, start = self._tiles[name], time.monotonic()
        rows = None
        try:
            rows = await reader.read(name)
        except AsymmetricaError as error:
            if isinstance(error, ConnectionFailed) or (isinstance(error, NotInstalled) and name == VITALS):
                raise
            self._board.put_error(name, error.sqlstate, redact(error.message, self._secrets))
        else:
            self._board.put(name, drawn(rows) if tile.picture else rows)
        end = time.monotonic()
        self._asked[name] = start, end
        # What is read with each beat is never due by itself.
        self._due[name] = max(end + tile.every, self._rested(name, SELDOM)) if tile.every else float("inf")
        return rows

    async def _keep_alive(self) -> None:
        """Have browsers told that this end lives, if there is nothing else to tell."""
        seq = -1
        while True:
            await asyncio.sleep(ALIVE_EVERY)
            if seq == self._board.seq:
                self._board.wake()
            seq = self._board.seq


def shown(tile: Tile) -> Mapping[str, Any]:
    """Return what a page is told of a tile."""
    return {
        "title": tile.title, "about": tile.about, "query": tile.query, "every": tile.every,
        "picture": tile.picture,
    }  # fmt: skip


def drawn(rows: Rows) -> Rows:
    """Return a picture's rows with places as exact as a screen is: half as much to tell."""
    places = [index for index, name in enumerate(rows.columns) if name in PLACES]
    told = []
    for row in rows.rows:
        row_told = list(row)
        for index in places:
            if isinstance(row[index], float):
                row_told[index] = round(row[index], 4)
        told.append(tuple(row_told))
    return replace(rows, rows=told)


def standing(signs: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    """Return the state of the connection that the vital signs tell of, why, and since when."""
    if signs.get("beating"):
        return "up", None, None
    if signs.get("seq") is None:
        return "silent", "no loop runs: asymm.start()", None
    at, age = signs.get("at"), signs.get("beat_age")
    last = (datetime.fromisoformat(at) - timedelta(seconds=age)).isoformat() if at and age else None
    return "silent", "the loop does not beat: asymm.doctor() says why", last
