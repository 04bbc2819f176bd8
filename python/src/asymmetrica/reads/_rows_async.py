"""get() and get_many(): rows of mirrored tables by their key."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import AsyncConnection, sql

from ..errors import ConnectionFailed, InvalidArgument
from ._reader_async import BEHIND, LEFT_ALONE, AsyncReader
from ._replica_async import AsyncReplica
from ._server_async import AsyncServer
from .ask import Ask, Options, clone
from .codec import Garbage
from .facts import Who
from .keys import Keys, Proof, half_end, number
from .near import Entry
from .result import Route, Row
from .table import Table, as_fields, key_texts, key_values

if TYPE_CHECKING:
    from ._link_async import AsyncLink

__all__ = ["AsyncRows"]

_PLAIN = frozenset((int, str))
# So many rows in one statement.
_PIECE = 50


class Place:
    """A table as it was at a version of the schema; `why_not`: why only Postgres is asked for its rows."""

    __slots__ = ("asked", "ddl", "epoch", "fixed", "keys", "table", "who", "why_not")

    def __init__(self, table: Table, why_not: str | None, ddl: int | None, who: Who, keys: Keys) -> None:
        self.table, self.why_not, self.ddl, self.who = table, why_not, ddl, who
        self.asked = time.monotonic()
        self.epoch = -1
        self.fixed = table.fixed()
        self.keys = (keys.ddl, keys.version(table.name), keys.safe(table.name))


class AsyncRows(AsyncReader):
    """Rows by key, the same ways as queries."""

    def __init__(
        self, server: AsyncServer, link: AsyncLink | None, options: Options,
        replicas: list[AsyncReplica] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(server, link, options, replicas)
        self.places: dict[str, Place] = {}

    # Near

    def near_row(self, name: str, key: Any, max_staleness: float, after: int) -> Row | None:
        """Return a row from the near cache, or None; nothing is waited for."""
        server, link = self.server, self.link
        if link is None or type(key) not in _PLAIN:
            return None
        who = server.known()
        if who is None or server.in_transaction():
            return None
        proof = self.holds(max_staleness, after)
        if proof is None:
            return None
        entry = link.near.get((name, key, who.token))
        if entry is None:
            return None
        fixed, value = entry.value
        row = Row(value if fixed else clone(value))
        row.route = "near"
        row.age = proof.age(time.monotonic())
        self.state.counters["near"] += 1
        self.tally.add(True, name, "near", 0, 0.0)
        self.tally.hot.add(True, name, key, True)
        self.state.saw(proof.position)
        return row

    def plain_name(self, table: str) -> str | None:
        """Return schema.table of what get() was given."""
        place = self.places.get(table)
        return place.table.plain if place is not None and place.table.number else None

    # The way of a row

    async def rows(self, name: str, keys: Sequence[Any], ask: Ask) -> list[Row | None]:
        """Return the rows with these keys, in their order. Raises psycopg.Error."""
        out: list[Row | None] = [None] * len(keys)
        left = list(range(len(keys)))
        async with self.server.session.shared() as connection:
            place = None
            link = self.link
            if link is not None and not self.server.in_transaction() and ask.max_staleness > 0:
                garbage = self.state.counters["garbage"]
                try:
                    place, left = await self._copies(connection, link, name, keys, ask, out)
                except ConnectionFailed as error:
                    self.state.counters["redis_failed"] += 1
                    ask.why_not = error.message
                # As with queries: what Redis is behind with, or has not ours, has a circuit of its own.
                if ask.why_not == BEHIND or self.state.counters["garbage"] > garbage:
                    self.costs.failed(name, "redis")
            if left:
                ask.table = name
                for at in left:
                    self.tally.hot.add(True, name, keys[at], False)
                table = place.table if place else (await self.server.table(connection, name))[0]
                try:
                    await self._ask_postgres(connection, table, keys, left, ask, out)
                except psycopg.errors.UndefinedColumn:
                    # Dropped or renamed since we asked for the columns.
                    self.places.pop(name, None)
                    table = (await self.server.table(connection, name))[0]
                    await self._ask_postgres(connection, table, keys, left, ask, out)
        return out

    async def _place(self, connection: AsyncConnection[Any], link: AsyncLink, name: str, who: Who) -> Place:
        """Return what is known of a table; asked again after DDL, and if it isn't mirrored after a second."""
        place = self.places.get(name)
        if (
            place is not None
            and place.who.token == who.token
            and (place.why_not is None or time.monotonic() - place.asked < 1.0)
        ):
            return place
        (values,), _ = await link.ask([], [link.keys.ddl])
        ddl = number(values[0]) if isinstance(values, list) else None
        table, why_not = await self.server.table(connection, name)
        place = self.places[name] = Place(table, why_not, ddl, who, link.keys)
        return place

    async def _copies(
        self, connection: AsyncConnection[Any], link: AsyncLink, name: str, keys: Sequence[Any], ask: Ask,
        out: list[Row | None],
    ) -> tuple[Place | None, list[int]]:  # fmt: skip
        """Take what Redis has; return the table, if it is known to be so still, and which rows are wanted."""
        everything = list(range(len(keys)))
        who = await self.known(connection)
        if who.why_not is not None or not who.plain:
            return None, everything
        if not self.costs.allows(name, "redis"):
            ask.why_not = LEFT_ALONE
            return None, everything
        until = ask.until(self.costs.of(name, "primary"))
        for _ in range(4):
            place = await self._place(connection, link, name, who)
            texts = [None if place.why_not is not None else key_texts(place.table, key) for key in keys]
            wanted = [at for at in everything if texts[at] is not None]
            head = link.keys.rows(place.table.name, place.epoch)
            names = [head + (texts[at] or b"") for at in wanted]
            watch = link.watch((*place.keys, *names))
            try:
                values, rows, proof = await self._read_keys(link, place, names)
                ddl, version, safe = (number(value) for value in values[:3])
                if ddl is None or ddl != place.ddl:
                    self.places.pop(name, None)
                    if ddl is None:
                        return None, everything
                    continue
                if wanted and safe is not None and version is not None and safe != place.epoch:
                    place.epoch = safe
                    continue
                # Several rows are not taken while Redis has but a part of a transaction.
                whole = half_end(values[3]) if len(wanted) > 1 else 0
                suits = self.suits(proof, who, ask, whole)
                if suits is None and wanted and await self.reach(link, ask, who, until, whole):
                    continue
                if not suits:
                    ask.why_not = BEHIND if wanted else None
                    return None, everything
                if not wanted or safe is None or version is None:
                    return place, everything
                self._saw(proof, version, values[3])
                left = [at for at in everything if texts[at] is None]
                now = time.monotonic()
                for at, key, value in zip(wanted, names, rows, strict=True):
                    row = self._made(place, value, connection)
                    if row is None:
                        left.append(at)
                        continue
                    out[at] = row
                    row.route, row.age = "redis", proof.age(now)
                    self.tally.hot.add(True, name, keys[at], True)
                    if type(keys[at]) in _PLAIN and link.tracks:
                        kept = dict(row) if place.fixed else clone(dict(row))
                        size = 500 + 3 * sum(map(sys.getsizeof, row.values()))
                        entry = Entry((place.fixed, kept), (*place.keys[::2], key), size)
                        await link.keep((name, keys[at], who.token), entry, watch)
                self.state.counters["redis"] += len(everything) - len(left)
                took = time.monotonic() - ask.began
                self.costs.note(name, "redis", took)
                self.tally.add(True, name, "redis", 0, took)
                return place, sorted(left)
            finally:
                link.unwatch(watch)
        return None, everything

    async def _read_keys(
        self, link: AsyncLink, place: Place, names: list[bytes]
    ) -> tuple[list[Any], list[Any], Proof]:
        """Return ddl, version, epoch, the transaction that is half written, and the rows."""
        common = (*place.keys, link.keys.partial)
        if place.table.format != "hash":
            (values,), proof = await link.ask([], (*common, *names))
            if not isinstance(values, list):
                return [None] * 4, [None] * len(names), proof
            return values[:4], values[4:], proof
        # What tells how new the rows are is read on both sides of them.
        caching = [(b"CLIENT", b"CACHING", b"YES"), (b"MULTI",)] if link.tracks else [(b"MULTI",)]
        commands = [*caching, *((b"HGETALL", name) for name in names), (b"MGET", *common), (b"EXEC",)]
        replies, proof = await link.ask(commands)
        done = replies[-1]
        if not isinstance(done, list) or not isinstance(done[-1], list):
            return [None] * 4, [None] * len(names), proof
        rows = list(map(as_fields, done[:-1]))
        return done[-1], rows, proof

    def _saw(self, proof: Proof, version: int, partial: Any) -> None:
        """Note what these rows may show: a commit not yet visible on the primary, or half of one."""
        state = self.state
        state.proven(proof)
        state.saw(proof.position)
        if version > proof.settled:
            state.saw_unsettled(version)
        if end := half_end(partial):
            state.saw(end)
            state.saw_unsettled(end)

    def _read(self, place: Place, value: Any, connection: Any) -> dict[str, Any]:
        load = self.server.load(connection)
        if isinstance(value, dict):
            return place.table.from_hash(value, load)
        return place.table.from_json(value.decode(), load)

    def _made(self, place: Place, value: Any, connection: AsyncConnection[Any]) -> Row | None:
        """Return a row of what Redis had; None if Postgres must be asked."""
        if not isinstance(value, (bytes, dict)):
            # Not there: deleted, or too large, or expired; or not ours.
            if value is not None:
                self.state.counters["garbage"] += 1
            return None
        try:
            return Row(self._read(place, value, connection))
        except (Garbage, UnicodeError, psycopg.Error):
            self.state.counters["garbage"] += 1
            return None

    async def _ask_postgres(
        self, connection: AsyncConnection[Any], table: Table, keys: Sequence[Any], left: Sequence[int],
        ask: Ask, out: list[Row | None],
    ) -> None:  # fmt: skip
        if not table.key:
            raise InvalidArgument(
                f"{table.quoted} has no primary key",
                detail="get() finds rows by the key a table is mirrored by, or else by its primary key.",
                hint="db.query() takes any condition.",
            )  # fmt: skip

        def name(column: str) -> sql.SQL:
            return sql.SQL(sql.Identifier("t", column).as_string(connection).replace("%", "%%"))

        columns = sql.SQL(", ").join(name(column.name) for column in table.columns)
        where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(name(column)) for column, _ in table.key)
        quoted = sql.SQL(table.quoted.replace("%", "%%"))
        one = sql.SQL("SELECT {} FROM {} AS t WHERE {}").format(columns, quoted, where)
        for start in range(0, len(left), _PIECE):
            piece = left[start : start + _PIECE]
            texts, values = [], []
            for at in piece:
                texts.append(sql.SQL("SELECT {}::pg_catalog.int4 AS at, r.* FROM ({}) AS r").format(at, one))
                values += key_values(table, keys[at])
            text = sql.SQL(" UNION ALL ").join(texts) if len(piece) > 1 else one
            part = Ask(table.quoted, values, ask.max_staleness, ask.after, ask.budget)
            part.text, part.table = text.as_string(connection), ask.table
            result = await self.elsewhere(connection, part)
            if result is None:
                result = (await self.run(connection, part))[0]
            route: Route = result.route
            for found in result.rows:
                at, cells = (found[0], found[1:]) if len(piece) > 1 else (piece[0], found)
                row = Row(zip((column.name for column in table.columns), cells, strict=True))
                row.route, row.age = route, result.age
                out[at] = row
