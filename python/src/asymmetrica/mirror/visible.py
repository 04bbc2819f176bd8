"""Which commits new snapshots show."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Snapshot", "Started"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions are over: all below xmax but those in `running`."""

    xmax: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """Read the text of a pg_snapshot."""
        _, xmax, running = text.split(":")
        return cls(int(xmax), frozenset(map(int, running.split(","))) if running else frozenset())

    def shows(self, xid: int) -> bool:
        """Whether a transaction, by the 32 bits the stream has of its number, is visible if it committed."""
        whole = self.xmax - ((self.xmax - xid + (1 << 31)) % (1 << 32)) + (1 << 31)
        return whole < self.xmax and whole not in self.running


@dataclass(frozen=True, slots=True)
class Started:
    """What ran when this worker took over: its commits may be in Redis already without being visible."""

    snapshot: Snapshot
    next: int

    def over(self, now: Snapshot) -> bool:
        """Whether all of that has ended."""
        old, low = self.snapshot.running, self.snapshot.xmax
        return now.xmax >= self.next and not any(x in old or low <= x < self.next for x in now.running)
