"""Builds indexes where pg_cron is missing: commands that can't run in a transaction, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, LiteralString, cast

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from . import _sql
from ._session_async import connect_own_async
from .errors import AsymmetricaError

_EVERY = 2.0
_SOON = 0.125  # after a command the next one is ordered before long


class Builder:
    """A session of the actor's beside the slow lane; what it runs is what the extension ordered."""

    def __init__(self, conninfo: str, tell: Callable[[str, str | None], None]) -> None:
        self.conninfo, self.tell = conninfo, tell
        self.connection: AsyncConnection[Any] | None = None

    async def run(self, stop: asyncio.Event, wait: Callable[[asyncio.Event, float], Awaitable[None]]) -> None:
        """Look for a command now and then; a lost connection is opened again."""
        pause = _EVERY
        while not stop.is_set():
            built = False
            with contextlib.suppress(psycopg.Error, AsymmetricaError):
                built = await self._build()
            pause = _SOON if built else min(2 * pause, _EVERY)
            await wait(stop, pause)

    async def cancel(self) -> None:
        """Ask the server to end the running command."""
        if self.connection is not None and not self.connection.closed:
            with contextlib.suppress(psycopg.Error, OSError):
                await self.connection.cancel_safe(timeout=_EVERY)

    async def close(self) -> None:
        if self.connection is not None:
            await self.connection.close()

    async def _build(self) -> bool:
        """Run the command that was ordered, if there is one; return whether there was."""
        if self.connection is None or self.connection.closed or self.connection.broken:
            await self.close()
            self.connection = await connect_own_async(
                self.conninfo, application_name="asymmetrica builder", options="-c statement_timeout=0"
            )
        cursor = psycopg.AsyncClientCursor(self.connection, row_factory=scalar_row)
        command = await (await cursor.execute(_sql.TAKE_INDEX_COMMAND)).fetchone()
        if command is None:
            return False
        self.tell("started", str(command))
        problem: str | None = None
        try:
            await cursor.execute(_sql.BUILDER_WAIT)
            await cursor.execute(cast(LiteralString, command))
        except psycopg.Error as error:
            problem = error.diag.message_primary or str(error)
        await cursor.execute(_sql.BUILDER_ENDED, {"problem": problem})
        self.tell("ended" if problem is None else "failed", problem)
        return True
