"""Which replica answers, if one may.

What a standby has replayed is in every snapshot it takes later. So its position, asked before the query, is
one before which everything is in the answer; it must not be below what this `connect()` saw or wrote.

How old an answer can be is told by one clock, ours: at a moment we asked the primary where its log ends (or
Redis proved it), and everything committed until then is before that position. A replica that has replayed it
is behind by no more than the time since. Where nothing of the kind is known the primary is asked, which costs
much less than most queries do. LSNs mean the same on one timeline only, so a replica is used while it is on
the primary's: one that was promoted, or follows another, is not; after a promotion of its primary it is used
again when its control file says that it has followed.

A replica can show a commit before the primary does (a synchronous one always does). After it was read, the
primary is asked for more only when it shows all the replica did, or a quarter of a second has passed.

Only queries that give the same on the same rows are sent there, by the rule for results that may be kept;
anything else is about the session, the clock or the server itself. Nothing from a replica goes to Redis.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable
from typing import Any

import psycopg
from psycopg import AsyncConnection

from .._lsn import format_lsn
from ..errors import AsymmetricaError
from . import _sql
from ._replica_async import AsyncReplica, Stale, Unfit
from ._server_async import AsyncServer
from .ask import Ask
from .facts import Dependencies, Who, fixed_moments
from .result import Result
from .routes import Costs
from .state import State
from .text import ordered, placeholders

__all__ = ["AsyncReplicas"]

_MOST, _ASK_AGAIN = 4096, 60.0
# After such errors another place may do better: conflicts with recovery, and servers that go or are full.
_CONFLICTS, _TROUBLES = ("40001", "40P01", "57014"), ("08", "53", "57P", "58")
# A query that was cancelled cost more than the time until then.
_CANCELLED = 1.0


class AsyncReplicas:
    """The replicas of one `connect()`."""

    def __init__(self, replicas: list[AsyncReplica], server: AsyncServer, state: State, costs: Costs) -> None:
        self.all = {replica.name: replica for replica in replicas}
        self.server, self.state, self.costs = server, state, costs
        self._timeline: tuple[Any, str] | None = None
        self._steady: dict[Hashable, tuple[Dependencies, float]] = {}

    async def _log(self, connection: AsyncConnection[Any], max_staleness: float) -> str | None:
        """Learn where the primary's log ends, if that was long ago; return its timeline, None: a standby."""
        known = self._timeline
        if known is not None and known[0] is connection and self.state.known() < max_staleness / 2:
            return known[1]
        began = time.monotonic()
        row = await self.server.one(connection, _sql.LOG)
        if row is None or row[1] is None:
            return None
        if known is None or known[1] != row[1]:
            self.state.forget()
        self._timeline = (connection, row[1])
        self.state.ended(began, int(row[0]))
        return str(row[1])

    async def _allowed(self, connection: AsyncConnection[Any], ask: Ask, who: Who) -> bool:
        """Whether a query gives the same wherever the rows are the same."""
        text, names = (ask.text, None) if ask.params is None else placeholders(ask.text)
        values = ordered(names, ask.params)
        types = self.server.dumped(connection, values)[1] if values else []
        place = (text, tuple(types), who.token)
        found = self._steady.get(place)
        if found is None or time.monotonic() - found[1] > _ASK_AGAIN:
            if len(self._steady) >= _MOST:
                self._steady.clear()
            needed = await self.server.dependencies(connection, text, types)
            found = self._steady[place] = (needed, time.monotonic())
        return found[0].steady and fixed_moments(values, found[0].clocks)

    async def query(self, connection: AsyncConnection[Any], ask: Ask, who: Who) -> Result | None:
        """Return what a replica answers; None: the primary is to be asked."""
        if self.server.in_transaction() or ask.max_staleness <= 0:
            return None
        shape, state, costs = ask.table or ask.text, self.state, self.costs
        usable = [name for name, replica in self.all.items()
                  if not (replica.breaker.rests() or costs.rests(shape, name)
                          or costs.prefers(shape, "primary", name))]  # fmt: skip
        if not usable or not await self._allowed(connection, ask, who):
            return None
        timeline = await self._log(connection, ask.max_staleness)
        if timeline is None:
            return None
        wanted = max(state.floor, state.unsettled, ask.after)
        until = ask.until(costs.of(shape, "primary"))

        def suits(position: int) -> bool:
            return position >= wanted and state.age(position) <= ask.max_staleness

        for name in costs.order(shape, usable):
            replica = self.all[name]
            if not (costs.allows(shape, name) and replica.breaker.allows()):
                continue
            began = time.monotonic()
            try:
                fetched, position, end, following, took = await replica.read(
                    ask.text, ask.params, who, timeline, suits, until
                )
            except Stale:
                state.counters["replica_behind"] += 1
            except Unfit:
                state.counters["replica_unfit"] += 1
                replica.breaker.failed()
                ask.failed += ("replica",)
            except (psycopg.Error, AsymmetricaError) as error:
                code = error.sqlstate or ""
                if replica.lost() or code.startswith(_TROUBLES):
                    replica.breaker.failed()
                elif not code.startswith(_CONFLICTS):
                    # The primary tells what is wrong with the query.
                    return None
                else:
                    costs.failed(shape, name, time.monotonic() - began + _CANCELLED)
                state.counters["replica_failed"] += 1
                ask.failed += ("replica",)
            else:
                costs.note(shape, name, took)
                state.saw(end)
                if state.ahead is None or int(following) >= int(state.ahead[1]):
                    state.ahead = (replica, following)
                state.counters["replica"] += 1
                columns = tuple([column for column, _ in fetched.columns])
                now = time.monotonic()
                return Result(columns, fetched.rows.copy(), "replica", state.age(position), now - ask.began,
                              format_lsn(position), (), ask.why_not or "a replica answered")  # fmt: skip
        return None

    async def caught_up(self, connection: AsyncConnection[Any], until: float) -> None:
        """Wait until the primary shows all that was seen on a replica."""
        while (ahead := self.state.ahead) is not None and not self.server.in_transaction():
            replica, following = ahead
            row = await self.server.one(connection, _sql.RUNNING, next=following)
            over, running = row or (False, [])
            if (not over and not (running and await replica.shows(running))) or time.monotonic() > until:
                if self.state.ahead is ahead:
                    self.state.ahead = None
                return
            await asyncio.sleep(0.002)

    async def close(self) -> None:
        """Close all connections."""
        for replica in self.all.values():
            await replica.close()
