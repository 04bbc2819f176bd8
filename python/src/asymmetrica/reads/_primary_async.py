"""Asking Postgres: the last word, whatever became of the copies."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from .._lsn import format_lsn
from ..errors import ConnectionFailed
from . import _sql
from ._replica_async import AsyncReplica
from ._replicas_async import AsyncReplicas
from ._server_async import AsyncServer
from .ask import Ask, Options
from .facts import Fetched, Who
from .keys import Proof
from .result import Result
from .routes import Costs
from .state import State
from .tally import Tally

if TYPE_CHECKING:
    from ._link_async import AsyncLink

__all__ = ["AsyncPrimary"]

_SETTLES_WITHIN = 0.25


class AsyncPrimary:
    """What all ways of reading share: who asks, what was seen, and the primary."""

    def __init__(
        self, server: AsyncServer, link: AsyncLink | None, options: Options,
        replicas: list[AsyncReplica] | None = None,
    ) -> None:  # fmt: skip
        self.server, self.link, self.options = server, link, options
        self.state = State()
        self.costs = Costs()
        self.calls = server.session.calls
        self.tally = Tally(self.costs)
        self.replicas = AsyncReplicas(replicas, server, self.state, self.costs) if replicas else None

    async def known(self, connection: AsyncConnection[Any]) -> Who:
        """Return who we are; what we don't know of our own commits is asked too."""
        if self.server.session.calls != self.calls:
            self.calls = self.server.session.calls
            self.state.lost = True
        who = self.server.known()
        if who is None or self.state.lost:
            async with self.server.session.alone():
                who, end = await self.server.ask_who(connection)
                if self.state.lost:
                    self.state.committed(end)
        return who

    def suits(self, proof: Proof, who: Who, ask: Ask, upto: int = 0) -> bool | None:
        """Whether Redis is new enough; None: it will be in a moment."""
        if proof.position < 0 or proof.source.rpartition(b"/")[0] != who.database:
            return False
        if proof.age(time.monotonic()) > ask.max_staleness:
            return False
        return True if proof.position >= max(self.state.floor, ask.after, upto) else None

    async def reach(self, link: AsyncLink, ask: Ask, who: Who, until: float, upto: int = 0) -> bool | None:
        """Wait until Redis has what was seen; return what suits() says then."""
        suits = self.suits(link.proof, who, ask, upto)
        pause = 0.00005
        if suits is None:
            self.state.counters["waits"] += 1
        while suits is None and time.monotonic() < until:
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, 0.002)
            _, proof = await link.ask([])
            suits = self.suits(proof, who, ask, upto)
        return suits

    async def elsewhere(self, connection: AsyncConnection[Any], ask: Ask) -> Result | None:
        """Return what a replica answers; None: the primary is to be asked."""
        if self.replicas is None or self.server.in_transaction():
            return None
        found = await self.replicas.query(connection, ask, await self.known(connection))
        if found is not None and self.link is not None:
            self.tally.add(ask.table is not None, ask.table or ask.text, "replica", 0, found.elapsed)
        return found

    async def run(self, connection: AsyncConnection[Any], ask: Ask) -> tuple[Result, Fetched, int]:
        """Run the query on the primary; return how far the log was after it, too (0: that isn't known)."""
        state, link = self.state, self.link
        await self.settle(connection, ask)
        # Every commit before it is known to be visible to a new snapshot.
        settled = link.proof.settled if link is not None and self._ours(link) else -1
        async with self.server.session.alone():
            open_before = self.server.in_transaction()
            began = time.monotonic()
            try:
                fetched = await self.server.fetch(connection, ask.text, ask.params)
            except BaseException:
                # It may have been a statement that writes.
                state.lost = True
                raise
            took = time.monotonic() - began
            end = 0
            if open_before:
                settled = -1
            if link is not None or self.replicas is not None:
                if open_before or self.server.in_transaction():
                    state.lost = True
                else:
                    end = await self.server.end(connection)
                    state.saw(end)
                    state.ended(began, end)
        state.counters["primary"] += 1
        name = ask.table or ask.text
        self.costs.note(name, "primary", took)
        if link is not None:
            self.tally.add(ask.table is not None, name, "primary", 2 if ask.refused else 1, took)
            if end and self.tally.due():
                await self.tell(connection)
        columns = tuple([name for name, _ in fetched.columns])
        now = time.monotonic()
        result = Result(columns, fetched.rows.copy(), "primary", now - began, now - ask.began,
                        format_lsn(settled) if settled > 0 else None, (), ask.why_not)  # fmt: skip
        return result, fetched, end

    def plain_name(self, table: str) -> str | None:
        """Return schema.table of what get() was given."""
        raise NotImplementedError

    async def tell(self, connection: AsyncConnection[Any]) -> None:
        """Tell the database what was read; if it doesn't take that, never again."""
        batch = self.tally.batch(self.plain_name)
        if batch is None:
            return
        try:
            async with self.server.session.alone(), connection.transaction():
                await connection.execute(_sql.LATER)
                await connection.execute(_sql.COUNT, {"batch": Jsonb(batch)})
        except psycopg.Error:
            self.tally.off = True

    async def close(self) -> None:
        """Tell what was read and let Redis go."""
        if self.replicas is not None:
            await self.replicas.close()
        if self.link is None:
            return
        session = self.server.session
        own = session.own
        if own is not None and not own.closed and not session.turn.others() and not session.in_transaction():
            await self.tell(own)
        await self.link.close()

    def _ours(self, link: AsyncLink) -> bool:
        """Whether this Redis tells of our database."""
        who = self.server.known()
        return who is not None and link.proof.source.rpartition(b"/")[0] == who.database

    async def settle(self, connection: AsyncConnection[Any], ask: Ask) -> None:
        """Wait until the primary shows what we saw elsewhere: a commit is in the log a little before."""
        link, state = self.link, self.state
        until = time.monotonic() + (_SETTLES_WITHIN if ask.budget is None else min(ask.budget, 60.0))
        if self.replicas is not None and state.ahead is not None:
            await self.replicas.caught_up(connection, until)
        if link is None or state.unsettled <= link.proof.settled:
            return
        try:
            while state.unsettled > link.proof.settled and time.monotonic() < until:
                await asyncio.sleep(0.002)
                await link.ask([])
        except ConnectionFailed:
            state.counters["redis_failed"] += 1
