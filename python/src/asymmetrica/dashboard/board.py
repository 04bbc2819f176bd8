"""The newest value of every tile, encoded once, whoever looks at it.

A browser that is told of changes keeps nothing here but the number of the change it has seen last: what it
is told next is everything that changed since, each tile once, in its newest form. So a slow one misses what
was in between and costs no memory, and one that comes back after a break is told as if it had never left.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from .._plain import plain
from ..eyes.reader import Rows, Viewer

KEPT = 64  # different patches of one moment that are kept for others who need the same


def encode(value: Any) -> str:
    """Return JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=plain)


def now() -> str:
    """Return the time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class Connection:
    """How the database does: up, down (unreachable), or silent (reachable, but no loop beats)."""

    state: str
    since: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class _Value:
    seq: int
    text: str  # without the time it was read at, to see whether it changed
    at: str

    def encoded(self) -> str:
        return f'{{"at":{encode(self.at)},{self.text[1:]}'


class Board:
    """What every browser is to see, and since when.

    `publish()` makes what was put there visible, as one change, and wakes who waits in `changed()`.
    """

    def __init__(self) -> None:
        self.boot = secrets.token_hex(6)
        self.seq = 0
        self.closed = False
        self.watchers = 0
        self.watched = asyncio.Event()  # somebody is looking
        self.fresh = asyncio.Event()  # what there is was read since somebody looks
        self.me: Viewer | None = None  # who asks the database
        self.connection = Connection("down", now(), "not connected yet")
        self._connection_seq = 0
        self._catalog: dict[str, Any] = {}
        self._whole_seq = 0  # who has seen less is told everything
        self._tiles: dict[str, _Value] = {}
        self._waiting: dict[str, _Value] = {}
        self._told = False
        self._wake = asyncio.Event()
        self._patches: dict[int, bytes] = {}
        self._states: dict[bool, bytes] = {}

    # What the poller writes.

    def put(self, tile: str, rows: Rows) -> None:
        """Set a tile's rows; visible with the next publish()."""
        self._put(tile, rows.at, encode({"columns": rows.columns, "rows": rows.rows, "error": None}))

    def put_error(self, tile: str, sqlstate: str | None, message: str) -> None:
        """Set what became of asking for a tile."""
        error = {"sqlstate": sqlstate, "message": message}
        self._put(tile, now(), encode({"columns": [], "rows": [], "error": error}))

    def _put(self, tile: str, at: str, text: str) -> None:
        known = self._waiting.get(tile) or self._tiles.get(tile)
        if known is None or known.text != text:
            self._waiting[tile] = _Value(0, text, at)

    def set_connection(self, state: str, message: str | None = None, since: str | None = None) -> None:
        """Say how the database does; since when (default: now) stays, as long as the state does."""
        if (state, message) != (self.connection.state, self.connection.message):
            since = self.connection.since if state == self.connection.state else since or now()
            self.connection = Connection(state, since, message)
            self._told = True

    def set_whole(self, me: Viewer, catalog: Mapping[str, Any]) -> None:
        """Set who asks and which tiles there are; if that is new, everybody is told everything anew."""
        catalog = dict(catalog)
        if (me, catalog) == (self.me, self._catalog):
            return
        self.me, self._catalog = me, catalog
        for kept in (self._tiles, self._waiting):
            for gone in kept.keys() - catalog.keys():
                del kept[gone]
        self._whole_seq = self.seq + 1
        self._told = True

    def publish(self) -> bool:
        """Make what was set visible, and tell those who wait; False if nothing is new."""
        if not self._waiting and not self._told:
            return False
        self.seq += 1
        for tile, value in self._waiting.items():
            self._tiles[tile] = replace(value, seq=self.seq)
        if self._told:
            self._connection_seq = self.seq
        self._waiting.clear()
        self._told = False
        self._patches.clear()
        self._states.clear()
        self.wake()
        return True

    def wake(self) -> None:
        """Have everybody who waits look again: for news, to say that this end lives, or to leave."""
        wake, self._wake = self._wake, asyncio.Event()
        wake.set()

    def close(self) -> None:
        """Have everybody leave."""
        self.closed = True
        self.wake()

    # What browsers read.

    async def changed(self, seq: int) -> None:
        """Wait until there is something new since a change, or to say."""
        if seq == self.seq and not self.closed:
            await self._wake.wait()

    def seen(self, event_id: str | None) -> int | None:
        """Return the change that an event's id names, None if it is not one that a patch can follow."""
        boot, _, number = (event_id or "").partition("-")
        if boot != self.boot or not (number.isascii() and number.isdigit()) or len(number) > 18:
            return None
        seq = int(number)
        return seq if self._whole_seq <= seq <= self.seq else None

    def event(self, seq: int | None, actions: bool) -> bytes | None:
        """Return the event that leads from a change (None: from nothing) to now; None if nothing is new.

        `actions` says whether who asks may act, if the login may.
        """
        if seq is not None and seq == self.seq:
            return None
        if seq is None or seq < self._whole_seq:
            if actions not in self._states:
                self._states[actions] = self._event("state", self._state(actions))
            return self._states[actions]
        if seq not in self._patches:
            if len(self._patches) >= KEPT:
                self._patches.clear()
            self._patches[seq] = self._event("patch", self._patch(seq))
        return self._patches[seq]

    def _state(self, actions: bool) -> str:
        me = {"role": None, "operator": False} if self.me is None else asdict(self.me)
        me["actions"] = actions
        return (
            f'{{"seq":{self.seq},"boot":{encode(self.boot)},"me":{encode(me)},'
            f'"connection":{encode(asdict(self.connection))},"catalog":{encode(self._catalog)},'
            f'"tiles":{self._join(-1)}}}'
        )

    def _patch(self, seq: int) -> str:
        connection = f'"connection":{encode(asdict(self.connection))},' if self._connection_seq > seq else ""
        return f'{{"seq":{self.seq},{connection}"tiles":{self._join(seq)}}}'

    def _join(self, seq: int) -> str:
        changed = ((tile, value) for tile, value in self._tiles.items() if value.seq > seq)
        return "{" + ",".join(f"{encode(tile)}:{value.encoded()}" for tile, value in changed) + "}"

    def _event(self, name: str, data: str) -> bytes:
        # What is no text (a lone surrogate) becomes an escape that JSON knows.
        body = f"id: {self.boot}-{self.seq}\nevent: {name}\ndata: {data}\n\n"
        return body.encode("utf-8", "backslashreplace")
