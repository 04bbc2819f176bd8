"""The pulse without pg_cron: `CALL asymm.pulse(…)`, again and again, one connection for each lane.

The loop itself is the procedure in the database; ticks are absolute, so two calls in a row lose none. What is
here is what pg_cron would do: start it, start it again, and start over with growing, jittered pauses when the
server is away or full.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from . import _sql
from ._builder import Builder
from ._redact import secrets_of
from ._session_async import connect_own_async
from .errors import AsymmetricaError, translate

__all__ = ["LANES", "Event", "run_pulse"]

LANES = ("fast", "slow")
_PERIOD = 11 / 54
_STEPS = (1, 2, 4, 8, 16)
# Ends a call that was stopped while it slept; the loop itself looks at its stop flag every beat.
_GRACE = 2.0
# asymm.stop() cancels loops first and commits its flag when they are gone, within so many seconds.
_STOP_TAKES = 6.0
# Errors after which trying again is pointless: an unfit actor, missing rights, no extension, no superuser.
_FATAL = ("SY003", "SY006", "42501", "42883", "3F000", "22023", "25006", "2D000")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a loop: `what` is started, ended, failed or stopped."""

    lane: str
    what: str
    note: str | None = None
    wait: float | None = None


def pause(tries: int) -> float:
    """Return how long to wait before try number `tries` (from 0): 1, 2, 4, 8, 16 periods, jittered."""
    return _PERIOD * _STEPS[min(tries, len(_STEPS) - 1)] * random.uniform(0.5, 1.5)


class _Lane:
    """One lane: its connection and what is to be done with it."""

    def __init__(
        self, conninfo: str, lane: str, duration: str, forced: bool, tell: Callable[[Event], None]
    ) -> None:
        self.conninfo, self.lane, self.duration, self.forced, self.tell = (
            conninfo,
            lane,
            duration,
            forced,
            tell,
        )
        self.secrets = secrets_of(conninfo)
        self.connection: AsyncConnection[Any] | None = None

    async def run(self, stop: asyncio.Event, once: bool) -> None:
        """Keep the loop going until `stop` is set; raise what can't be mended by trying again."""
        tries = 0
        while not stop.is_set():
            began = time.monotonic()
            try:
                ended = await self._call()
                if ended == "canceled" and not stop.is_set() and await self._was_stopped(stop):
                    ended = "stopped"
                self.tell(Event(self.lane, "ended", ended))
                tries = 0
                if once or ended == "stopped":
                    return
                # A call that ends at once (stop flag set, another loop leads) must not become a busy loop.
                if time.monotonic() - began < _PERIOD:
                    await self._wait(stop, _PERIOD)
            except (psycopg.Error, AsymmetricaError) as error:
                if stop.is_set():
                    break
                failure = error if isinstance(error, AsymmetricaError) else translate(error, self.secrets)
                if failure.sqlstate in _FATAL:
                    raise failure from None
                if time.monotonic() - began > 10:
                    tries = 0
                wait = pause(tries)
                tries += 1
                self.tell(Event(self.lane, "failed", failure.message, wait))
                await self._wait(stop, wait)
        self.tell(Event(self.lane, "stopped"))

    async def close(self) -> None:
        if self.connection is not None:
            await self.connection.close()

    async def cancel(self) -> None:
        """Ask the server to end the running call."""
        if self.connection is not None and not self.connection.closed:
            with contextlib.suppress(psycopg.Error, OSError):
                await self.connection.cancel_safe(timeout=_GRACE)

    async def _call(self) -> str | None:
        """Run the loop once; return why it ended: duration, stopped (by asymm.stop), canceled, dropped."""
        if self.connection is None or self.connection.closed or self.connection.broken:
            await self.close()
            self.connection = await connect_own_async(
                self.conninfo, application_name=f"asymmetrica pulse {self.lane}"
            )
        self.tell(Event(self.lane, "started"))
        values = {"duration": self.duration, "lane": self.lane, "forced": self.forced}
        cursor = psycopg.AsyncClientCursor(self.connection, row_factory=scalar_row)
        try:
            await cursor.execute(_sql.CALL_PULSE, values)
        except psycopg.errors.QueryCanceled:
            return "canceled"
        ended = await (await cursor.execute(_sql.PULSE_ENDED)).fetchone()
        return None if ended is None else str(ended)

    async def _was_stopped(self, stop: asyncio.Event) -> bool:
        """Say whether a cancelled loop was cancelled by asymm.stop(), which sets its flag at its very end."""
        assert self.connection is not None
        cursor = psycopg.AsyncClientCursor(self.connection, row_factory=scalar_row)
        for _ in range(int(_STOP_TAKES / _PERIOD)):
            if (
                stop.is_set()
                or await (await cursor.execute(_sql.PULSE_STOPPED, {"lane": self.lane})).fetchone()
            ):
                return True
            await self._wait(stop, _PERIOD)
        return False

    @staticmethod
    async def _wait(stop: asyncio.Event, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


async def run_pulse(
    conninfo: str,
    *,
    lanes: Sequence[str] = LANES,
    duration: str = "65 s",
    forced: bool = False,
    once: bool = False,
    stop: asyncio.Event | None = None,
    tell: Callable[[Event], None] = lambda _: None,
) -> None:
    """Run the loops of these lanes until `stop` is set or asymm.stop() was called, then end them cleanly.

    The first connection must succeed (`ConnectionFailed`); afterwards the server may come and go. Raises
    `UnfitActor`, `PulseUnavailable`, `NotAllowed` or `NotInstalled` when trying again can't help. With `once`
    each lane is called once.
    """
    stop = stop or asyncio.Event()
    probe = await connect_own_async(conninfo)
    await probe.close()
    runners = [_Lane(conninfo, lane, duration, forced, tell) for lane in lanes]
    tasks = [asyncio.create_task(runner.run(stop, once)) for runner in runners]
    builder = Builder(conninfo, lambda what, note: tell(Event("builder", what, note)))
    building = asyncio.create_task(builder.run(stop, _Lane._wait)) if "slow" in lanes and not once else None
    stopping = asyncio.create_task(stop.wait())
    try:
        while pending := [task for task in tasks if not task.done()]:
            await asyncio.wait(
                [*pending, *([] if stopping.done() else [stopping])], return_when="FIRST_COMPLETED"
            )
            failed = [task for task in tasks if task.done() and task.exception() is not None]
            if failed:
                stop.set()
            if stop.is_set():
                await asyncio.gather(*(runner.cancel() for runner in runners))
                await asyncio.wait(tasks, timeout=_GRACE)
                break
        for task in tasks:
            if task.done():
                task.result()
    finally:
        stopping.cancel()
        if building is not None:
            await builder.cancel()
            tasks.append(building)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await builder.close()
        for runner in runners:
            await runner.close()
