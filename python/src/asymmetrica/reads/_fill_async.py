"""Making a result that Redis keeps: fenced, so that it is never older than it says, and by one at a time."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection

from ..errors import ConnectionFailed
from ._primary_async import AsyncPrimary
from ._replica_async import AsyncReplica
from ._server_async import AsyncServer
from .ask import Ask, Held, Options
from .codec import Head, head_of, pack
from .facts import Dependencies, Fetched, Who, fixed_moments
from .keys import number
from .near import Entry
from .result import Result

if TYPE_CHECKING:
    from ._link_async import AsyncLink, Watch

__all__ = ["AsyncFill", "Named"]

_LEASE_MS = 2000
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Named:
    """A query with all its result depends on besides the tables; `digest` names it in Redis."""

    digest: str
    text: str
    values: list[Any]
    types: list[int]
    who: Who
    generation: int

    @property
    def place(self) -> Hashable:
        """What its dependencies depend on."""
        return (self.text, tuple(self.types), self.who.token)


class AsyncFill(AsyncPrimary):
    """Runs a query on the primary and keeps what came."""

    def __init__(
        self, server: AsyncServer, link: AsyncLink | None, options: Options,
        replicas: list[AsyncReplica] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(server, link, options, replicas)
        # By query: the DDL it was asked after, the answer, and when.
        self._dependencies: dict[Hashable, tuple[int, Dependencies, float]] = {}
        # The names of queries asked lately, by their keys in the near cache.
        self._names: dict[Hashable, Named] = {}

    def remembered(self, named: Named) -> Dependencies | None:
        """Return what was known of a query; that it can't be kept only for a second."""
        found = self._dependencies.get(named.place)
        if found is None or (found[1].why_not is not None and time.monotonic() - found[2] > 1.0):
            return None
        return found[1]

    async def _needed(
        self, connection: AsyncConnection[Any], link: AsyncLink, named: Named, ask: Ask
    ) -> tuple[Dependencies, Watch, list[Any], int] | None:
        """Return what the result will depend on, the keys of that watched and read, and the fence."""
        for _ in range(3):
            known = self._dependencies.get(named.place)
            tables = known[1].tables if known is not None else ()
            watch = link.watch(keys := link.keys.deps(tables))
            try:
                replies, proof = await link.ask([], keys)
            except BaseException:
                link.unwatch(watch)
                raise
            values = replies[-1]
            ddl = number(values[0]) if isinstance(values, list) else None
            if known is not None and known[0] == ddl:
                if known[1].why_not is None:
                    return known[1], watch, values, proof.settled
                ask.why_not, ask.refused = known[1].why_not, True
            link.unwatch(watch)
            if ddl is None:
                ask.why_not = "there is no mirror in this Redis"
            if ask.why_not is not None:
                return None
            if len(self._dependencies) >= _MOST:
                self._dependencies.clear()
            needed = await self.server.dependencies(connection, named.text, named.types)
            self._dependencies[named.place] = (ddl or 0, needed, time.monotonic())
            self.tally.knows(ask.text, needed.tables, needed.why_not)
        ask.why_not = "the schema is changing"
        return None

    async def fill(
        self, connection: AsyncConnection[Any], link: AsyncLink, ask: Ask, named: Named
    ) -> Result | None:
        """Return the result from the primary, kept if nothing stands against it; None: nothing was run."""
        found = await self._needed(connection, link, named, ask)
        if found is None:
            self.state.counters["refused"] += 1
            return None
        needed, watch, values, fence = found
        try:
            ask.why_not = self._unfit(link, named, needed, values, fence)
            if ask.why_not is not None:
                return None
            lease = link.keys.lease(named.digest)
            token = secrets.token_hex(8).encode()
            replies, _ = await link.ask([(b"SET", lease, token, b"NX", b"PX", _LEASE_MS)])
            if replies[0] != b"OK":
                return await self._others(connection, link, ask, named, needed.tables)
            result, fetched, end = await self.run(connection, ask)
            result.why_not = self._unfit(link, named, needed, values, fence)
            result.tables = needed.tables
            if result.why_not is None:
                epochs = [number(value) or 0 for value in values[1 + len(needed.tables) :]]
                pairs = list(zip(needed.tables, epochs, strict=True))
                await self._store(link, ask, named, (fence, end), pairs, result, fetched, watch)
            return result
        finally:
            link.unwatch(watch)

    async def _others(
        self,
        connection: AsyncConnection[Any],
        link: AsyncLink,
        ask: Ask,
        named: Named,
        tables: tuple[str, ...],
    ) -> Result | None:
        """Somebody else makes this result: wait for it as long as it would take us."""
        until = ask.until(self.costs.of(ask.text, "primary"))
        while time.monotonic() < until:
            await asyncio.sleep(0.0005)
            found = await self.look(connection, link, ask, named, tables, until)
            if found is not None:
                return found
        ask.why_not = "another session is about to keep it"
        return None

    async def look(
        self, connection: AsyncConnection[Any], link: AsyncLink, ask: Ask, named: Named,
        tables: tuple[str, ...] | None, until: float,
    ) -> Result | None:  # fmt: skip
        """Return the result Redis holds, if it is valid and new enough."""
        raise NotImplementedError

    def _unfit(
        self, link: AsyncLink, named: Named, needed: Dependencies, values: list[Any], fence: int
    ) -> str | None:
        """Say why a result is not kept."""
        if link.proof.source.rpartition(b"/")[0] != named.who.database:
            return "this Redis mirrors another database"
        if self.state.generation != named.generation or self.server.known() is not named.who:
            return "settings may have been changed meanwhile"
        if not fixed_moments(named.values, needed.clocks):
            return "a parameter may stand for the time now"
        count = len(needed.tables)
        ddl = number(values[0])
        if ddl is None or ddl > fence:
            return "the schema was changed a moment ago"
        for name, version, safe in zip(
            needed.tables, values[1 : 1 + count], values[1 + count :], strict=True
        ):
            changed = number(version)
            if number(safe) is None or changed is None:
                return f"the copy of {name} is not safe now"
            if changed > fence:
                return f"{name} was changed a moment ago"
        return None

    async def _store(
        self, link: AsyncLink, ask: Ask, named: Named, bounds: tuple[int, int], deps: list[tuple[str, int]],
        result: Result, fetched: Fetched, watch: Watch,
    ) -> None:  # fmt: skip
        try:
            blob = pack(named.digest, *bounds, deps, result.elapsed, fetched.columns, fetched.rows,
                        fetched.raw, named.who.zone)  # fmt: skip
        except (UnicodeError, ValueError):
            result.why_not = "a value can't be kept"
            return
        if len(blob) > self.options.largest:
            result.why_not = f"its {len(blob)} bytes are more than {self.options.largest}"
            return
        place, lease = link.keys.query(named.digest), link.keys.lease(named.digest)
        store = (b"SET", place, blob, b"PX", int(self.options.ttl * 1000))
        try:
            replies, _ = await link.ask([store, (b"DEL", lease)])
        except ConnectionFailed as error:
            result.why_not = error.message
            return
        if isinstance(replies[0], Exception):
            result.why_not = f"Redis refused it: {replies[0]}"
            self.state.counters["redis_refused"] += 1
            return
        self.state.counters["fills"] += 1
        await self.keep(link, ask, head_of(blob, named.digest), fetched.rows, watch, len(blob))

    async def keep(
        self, link: AsyncLink, ask: Ask, head: Head, rows: list[tuple[Any, ...]], watch: Watch, size: int
    ) -> None:
        """Put a result into the near cache."""
        size = size * 4 + 500
        if ask.near is not None and link.near.takes(size):
            await link.keep(ask.near, Entry(Held(head, rows), watch.keys, size), watch)
