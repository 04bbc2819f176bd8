# Generated from _reader_async.py by tools/async_to_sync.py: change that, not this.
"""How a query finds its way: near cache, Redis, primary. The package says why the answer is right."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Hashable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import Connection

from .._lsn import format_lsn
from ..errors import ConnectionFailed
from ._fill_sync import Fill, Named
from .ask import Ask, Held
from .codec import Garbage, Head, head_of, unpack
from .facts import Who
from .keys import Proof, unchanged
from .result import Result
from .text import normalise, ordered, placeholders

if TYPE_CHECKING:
    from ._link_sync import Link

__all__ = ["BEHIND", "LEFT_ALONE", "Reader"]

# Types of which equal values are sent alike, so that a value can stand for itself in the near cache's keys.
_EXACT = frozenset((int, str, bool, bytes, date, UUID, type(None)))
# So many names of queries are remembered, of queries no longer than this.
_MOST, _SHORT = 1024, 4096
BEHIND = "Redis is behind"
LEFT_ALONE = "its copy failed a moment ago and is left alone for now"


def near_key(text: str, params: Any, who: Who) -> Hashable:
    """Return the key of a query in the near cache, None if it has none."""
    if params is None:
        return (text, None, who.token)
    if type(params) in (tuple, list) and _EXACT.issuperset(types := tuple(map(type, params))):
        return (text, types, tuple(params), who.token)
    return None


def key_of(text: str, params: Any) -> Any:
    """Return parameters as the key they are counted by: those with names in the order of their numbers."""
    return tuple(ordered(placeholders(text)[1], params) if isinstance(params, Mapping) else params)


class Reader(Fill):
    """Answers queries for one `connect()`."""

    def holds(self, max_staleness: float, after: int) -> Proof | None:
        """Return the proof that what the near cache holds is new enough, None if it isn't known to be."""
        link, state = self.link, self.state
        if link is None or state.lost or not link.near.entries or not link.tracks:
            return None
        if self.server.session.calls != self.calls:
            return None
        link.hear(max_staleness * 0.5)
        proof = link.proof
        if proof.position < after or proof.position < state.floor:
            return None
        return proof if proof.age(time.monotonic()) <= max_staleness else None

    def near(self, ask: Ask) -> Result | None:
        """Answer from the near cache, or not at all; nothing is waited for."""
        server, link = self.server, self.link
        who = server.known()
        if who is None or link is None or server.in_transaction():
            return None
        key = ask.near = near_key(ask.text, ask.params, who)
        proof = self.holds(ask.max_staleness, ask.after) if key is not None else None
        entry = link.near.get(key) if proof is not None else None
        if entry is None or proof is None:
            return None
        held: Held = entry.value
        if proof.position < held.upto:
            return None
        return self._from_near(held, proof, ask)

    def _from_near(self, held: Held, proof: Proof, ask: Ask) -> Result:
        rows = held.give(held.rows)
        self.state.counters["near"] += 1
        self.state.saw(proof.position)
        now = time.monotonic()
        self.tally.add(False, ask.text, "near", 0, now - ask.began)
        if ask.params:
            self.tally.hot.add(False, ask.text, key_of(ask.text, ask.params), True)
        return Result(held.columns, rows, "near", proof.age(now), now - ask.began,
                      format_lsn(proof.position), held.tables, None)  # fmt: skip

    def query(self, ask: Ask) -> Result:
        """Answer from the first place that is fresh enough. Raises psycopg.Error."""
        with self.server.session.shared() as connection:
            found = None
            if self.link is None:
                ask.why_not = "there is no Redis"
            elif self.server.in_transaction():
                ask.why_not = "a transaction is open"
            elif ask.max_staleness <= 0:
                ask.why_not = "the answer may not be a copy"
            else:
                errors = self.link.errors
                try:
                    found = self._copy(connection, self.link, ask)
                except ConnectionFailed as error:
                    self.state.counters["redis_failed"] += 1
                    ask.why_not = error.message
                    # Its own circuit may have kept it from being asked at all.
                    if self.link.errors > errors:
                        ask.failed += ("redis",)
                if ask.why_not == BEHIND:
                    self._failed(ask)
            try:
                if found is None:
                    found = self.elsewhere(connection, ask)
                return found if found is not None else (self.run(connection, ask))[0]
            finally:
                for route in ask.failed if self.link is not None else ():
                    self.tally.fail(ask.text, route)

    def _copy(self, connection: Connection[Any], link: Link, ask: Ask) -> Result | None:
        """Look into Redis; if nothing is there, ask the primary and put it there."""
        generation = self.state.generation
        who = self.known(connection)
        if who.why_not is not None:
            ask.why_not = who.why_not
            return None
        until = ask.until(self.costs.of(ask.text, "primary"))
        ask.near = near_key(ask.text, ask.params, who)
        if ask.near in link.near.entries:
            # Still there, but we don't know whether it is new enough.
            if not link.tracks:
                found = self._confirmed(link, ask, who, until)
                if found is not None or ask.why_not is not None:
                    return found
            else:
                link.ask([])
                if self.reach(link, ask, who, until) and (found := self.near(ask)) is not None:
                    return found
        named = self._named(connection, ask, who, generation)
        known = self.remembered(named)
        if known is not None and known.why_not is not None:
            ask.why_not, ask.refused = known.why_not, True
            return None
        if self.costs.prefers(ask.text, "primary", "redis"):
            ask.why_not = "Postgres is faster at this"
            return None
        if not self.costs.allows(ask.text, "redis"):
            ask.why_not = LEFT_ALONE
            return None
        found = self.look(connection, link, ask, named, known.tables if known else None, until)
        if found is not None:
            self.costs.note(ask.text, "redis", found.elapsed)
            self.tally.add(False, ask.text, "redis", 0, found.elapsed)
            if ask.params:
                self.tally.hot.add(False, ask.text, key_of(ask.text, ask.params), True)
            return found
        if ask.params:
            self.tally.hot.add(False, ask.text, key_of(ask.text, ask.params), False)
        return self.fill(connection, link, ask, named) if ask.why_not is None else None

    def _failed(self, ask: Ask) -> None:
        """Note that Redis was asked in vain."""
        self.costs.failed(ask.text, "redis")
        ask.failed += ("redis",)

    def _confirmed(self, link: Link, ask: Ask, who: Who, until: float) -> Result | None:
        """Answer from the near cache if Redis says that what it depends on is as it was."""
        for _ in range(4):
            entry = link.near.get(ask.near)
            if entry is None:
                return None
            held: Held = entry.value
            values, proof = link.confirm(link.keys.deps(held.tables))
            if link.near.entries.get(ask.near) is not entry:
                # The mirror became another, or the connection.
                return None
            if not isinstance(values, list) or not unchanged(held.fence, held.deps, values):
                link.forget(ask.near)
                return None
            suits = self.suits(proof, who, ask, held.upto)
            if suits is None and self.reach(link, ask, who, until, held.upto):
                continue
            if not suits:
                ask.why_not = BEHIND
                return None
            self.state.proven(proof)
            return self._from_near(held, proof, ask)
        return None

    def _named(self, connection: Connection[Any], ask: Ask, who: Who, generation: int) -> Named:
        found = self._names.get(ask.near) if ask.near is not None else None
        if found is not None and found.who is who and found.generation == generation:
            return found
        text, names = (ask.text, None) if ask.params is None else placeholders(ask.text)
        values = ordered(names, ask.params)
        sent, types = self.server.dumped(connection, values) if values else ([], [])
        said = (normalise(text), types, sent, who.token, who.database)
        whole = repr(said).encode("utf-8", "surrogatepass")
        named = Named(hashlib.sha256(whole).hexdigest(), text, values, types, who, generation)
        if ask.near is not None and len(whole) <= _SHORT:
            if len(self._names) >= _MOST:
                self._names.clear()
            self._names[ask.near] = named
        return named

    def look(
        self, connection: Connection[Any], link: Link, ask: Ask, named: Named,
        tables: tuple[str, ...] | None, until: float,
    ) -> Result | None:  # fmt: skip
        """Return the result Redis holds, if it is valid and new enough."""
        place = link.keys.query(named.digest)
        for _ in range(4):
            deps = () if tables is None else link.keys.deps(tables)
            watch = link.watch(deps)
            try:
                blob, values, proof = link.look(place, deps)
                if blob is None:
                    return None
                head = head_of(blob, named.digest)
                wanted = tuple([name for name, _ in head.deps])
                if tables is None or wanted != tables:
                    tables = wanted
                    continue
                if not isinstance(values, list) or not unchanged(head.fence, head.deps, values):
                    self.state.counters["stale"] += 1
                    return None
                suits = self.suits(proof, named.who, ask, head.upto)
                if suits is None and self.reach(link, ask, named.who, until, head.upto):
                    continue
                if not suits:
                    ask.why_not = BEHIND
                    return None
                rows = unpack(head, self.server.load(connection), named.who.zone)
                self.keep(link, ask, head, rows, watch, len(blob))
                return self._result(ask, proof, head, rows)
            except Garbage:
                self.state.counters["garbage"] += 1
                self._failed(ask)
                return None
            finally:
                link.unwatch(watch)
        return None

    def _result(self, ask: Ask, proof: Proof, head: Head, rows: list[tuple[Any, ...]]) -> Result:
        state, now = self.state, time.monotonic()
        state.counters["redis"] += 1
        state.saw(proof.position)
        state.proven(proof)
        columns = tuple([column[0] for column in head.columns])
        tables = tuple([name for name, _ in head.deps])
        return Result(columns, rows, "redis", proof.age(now), now - ask.began,
                      format_lsn(proof.position), tables, None)  # fmt: skip
