"""The client side of the pulse: beats as they happen, over LISTEN on a connection of its own."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from types import TracebackType
from typing import Any

import psycopg
from psycopg import AsyncConnection

from . import _sql
from ._beat import parse
from ._session_async import AsyncSession, connect_own_async
from .errors import ConnectionFailed
from .rows import Beat

# A peer that vanished without a word is noticed within about a minute, also while nothing is told.
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_PERIOD = 11 / 54
_STEPS = (1, 2, 4, 8, 16)


class AsyncPulses:
    """Iterator over the beats that are told on channel asymm_pulse.

    The setting `notify` decides which: beats that saw or did something (`change`), or every one (`beat`). It
    listens from its first use, or from entering its context. A broken connection is made anew with growing,
    jittered pauses; the first beat after that has `missed` set. With a timeout, the iteration ends when
    nothing came for so many seconds. A first connection that fails raises `ConnectionFailed`.
    """

    def __init__(self, session: AsyncSession, timeout: float | None) -> None:
        self._session = session
        self._timeout = timeout
        self._connection: AsyncConnection[Any] | None = None
        self._waiting: deque[Beat] = deque()
        self._missed = False
        self._closed = False

    async def __aenter__(self) -> AsyncPulses:
        if self._connection is None:
            await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncPulses:
        return self

    async def __anext__(self) -> Beat:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            try:
                if self._connection is None:
                    await self._open()
                if not await self._receive():
                    raise StopAsyncIteration
            except (psycopg.OperationalError, psycopg.InterfaceError):
                await self._reopen()
        return self._waiting.popleft()

    async def close(self) -> None:
        """Stop listening and close the connection."""
        self._closed = True
        if self._connection is not None:
            await self._connection.close()

    async def _open(self) -> None:
        conninfo, options = await self._session.conninfo()
        self._connection = await connect_own_async(conninfo, **{**_KEEPALIVE, **options})
        await self._connection.execute(_sql.LISTEN)

    async def _receive(self) -> bool:
        """Collect what was told; return False when the timeout passed without a word."""
        assert self._connection is not None
        told = False
        async for notice in self._connection.notifies(timeout=self._timeout, stop_after=1):
            told = True
            beat = parse(notice.payload, self._missed)
            if beat is not None:
                self._waiting.append(beat)
                self._missed = False
        return told

    async def _reopen(self) -> None:
        self._missed = True
        tries = 0
        while not self._closed:
            if self._connection is not None:
                await self._connection.close()
            try:
                await self._open()
            except (ConnectionFailed, psycopg.Error):
                pause = _PERIOD * _STEPS[min(tries, len(_STEPS) - 1)]
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                tries += 1
            else:
                return
