"""What readers of Redis need to know of time: what is visible in Postgres, and when Redis held everything.

A commit is in the log, and so in Redis, a little before it is visible in Postgres (with synchronous
replication perhaps long before). `settled` is the position up to which every commit is visible to new
snapshots, so what a query reads from then on is not older than that. `fresh` says that Redis held, at a
moment of Redis' own clock, everything that had been committed until then.
"""

from __future__ import annotations

import time
from collections import deque

from .batch import Command
from .control import Control
from .store import Store
from .visible import Snapshot, Started

__all__ = ["Freshness"]

# Seconds between two looks: while something moves, and while nothing does.
_MOVING, _IDLE = 0.03, 0.25
# After an idle time a commit is looked for so soon: it is in the log a little before it is visible.
_SOON = 0.002
# So many moments are kept that Redis has not reached yet.
_MOMENTS = 64
# A position right behind the header of a page (of the first page of a file) is the end of the page before.
_HEADERS = (24, 40)


class Freshness:
    """Writes both now and then; `commits` are those not known to be visible yet (xid → position)."""

    def __init__(self, control: Control, store: Store, applied: int) -> None:
        self.control, self.store = control, store
        self.commits: dict[int, int] = {}
        found = store.ask((b"GET", store.names.settled))[0]
        self.settled = int(found or 0)
        self.block, self.started = control.started()
        self.doubtful: Started | None = self.started if self.settled < applied else None
        self.moments: deque[tuple[float, int]] = deque()
        self.due = self.looked = 0.0
        self.position = 0
        # How far the log was, and the last moment at which Redis held all of it.
        self.end = 0
        self.level: float | None = None
        self.clock = self.written = 0

    def committed(self, xid: int, position: int) -> None:
        """Note a commit that may not be visible yet; the next look is brought forward."""
        self.commits[xid] = position
        self.due = min(self.due, max(self.looked + _MOVING, time.monotonic() + _SOON))

    def tell(self, position: int) -> None:
        """Look once, given up to where Redis holds everything."""
        began = time.monotonic()
        end, snapshot = self.control.moment()
        offset = end % self.block
        self.end = end - offset if offset in _HEADERS else end
        self.moments.append((began, self.end))
        if len(self.moments) > _MOMENTS:
            del self.moments[_MOMENTS // 2]
        commands = self._settled(position, snapshot) + self._fresh(position)
        if commands:
            self.store.write(commands)
        moves = position != self.position or bool(self.moments)
        self.position = position
        self.looked = time.monotonic()
        self.due = self.looked + (_MOVING if moves else _IDLE)

    def _settled(self, position: int, snapshot: Snapshot) -> list[Command]:
        if self.doubtful is not None:
            if not self.doubtful.over(snapshot):
                return []
            self.doubtful = None
        for xid in [xid for xid in self.commits if snapshot.shows(xid)]:
            del self.commits[xid]
        reached = min([position, *self.commits.values()])
        if reached <= self.settled:
            return []
        self.settled = reached
        return [(b"SET", self.store.names.settled, reached)]

    def _fresh(self, position: int) -> list[Command]:
        moment = None
        while self.moments and self.moments[0][1] <= position:
            moment = self.moments.popleft()[0]
        if moment is None:
            return []
        self.level = moment
        seconds, micros = self.store.ask((b"TIME",))[0]
        # Redis looked at its clock before now, so this is rather too early than too late.
        clock = int(seconds) * 1000 + int(micros) // 1000
        told = clock - int((time.monotonic() - moment) * 1000) - 1
        if clock >= self.clock:
            told = max(told, self.written)
        self.clock, self.written = clock, told
        return [(b"SET", self.store.names.fresh, f"{told} {position}".encode())]
