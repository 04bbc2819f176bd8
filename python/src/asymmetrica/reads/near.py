"""The near cache: results and rows in this process, bounded in bytes, by S3-FIFO.

New entries wait in a small queue, those read again move to the main one; keys that fell out of the small
queue are remembered for a while and go to the main queue at once when they come back. Each entry lists the
keys of Redis it depends on; `drop` removes whatever depends on one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Any

__all__ = ["Entry", "Near"]

_SMALL = 0.1
_GHOSTS = 10_000


class Entry:
    """Something cached: `value` and the keys of Redis it was made of; `size` in bytes."""

    __slots__ = ("deps", "freq", "main", "size", "value")

    def __init__(self, value: Any, deps: Iterable[bytes], size: int) -> None:
        self.value = value
        self.deps = tuple(deps)
        self.size = size
        self.freq = 0
        self.main = False


class Near:
    """Bounded by `limit` bytes; an entry larger than a tenth of that is not taken."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.entries: dict[Hashable, Entry] = {}
        self.size = 0
        self._small: OrderedDict[Hashable, None] = OrderedDict()
        self._main: OrderedDict[Hashable, None] = OrderedDict()
        self._ghosts: OrderedDict[Hashable, None] = OrderedDict()
        self._small_size = 0
        self._of: dict[bytes, set[Hashable]] = {}

    def get(self, key: Hashable) -> Entry | None:
        """Return an entry and note that it was wanted."""
        entry = self.entries.get(key)
        if entry is not None and entry.freq < 3:
            entry.freq += 1
        return entry

    def takes(self, size: int) -> bool:
        """Whether an entry of that size would be taken."""
        return size <= self.limit * _SMALL

    def put(self, key: Hashable, entry: Entry) -> None:
        """Take an entry; others make room."""
        self.remove(key)
        if not self.takes(entry.size):
            return
        entry.main = self._ghosts.pop(key, self) is None
        self.entries[key] = entry
        self.size += entry.size
        (self._main if entry.main else self._small)[key] = None
        self._small_size += 0 if entry.main else entry.size
        for dep in entry.deps:
            self._of.setdefault(dep, set()).add(key)
        while self.size > self.limit:
            self._evict()

    def drop(self, dep: bytes) -> int:
        """Remove everything that depends on a key of Redis; return how many."""
        keys = self._of.get(dep, ())
        for key in list(keys):
            self.remove(key)
        return len(keys)

    def clear(self) -> None:
        """Remove everything."""
        self.entries.clear()
        self._small.clear()
        self._main.clear()
        self._of.clear()
        self.size = self._small_size = 0

    def remove(self, key: Hashable) -> None:
        """Remove an entry if it is there."""
        entry = self.entries.pop(key, None)
        if entry is None:
            return
        self.size -= entry.size
        if entry.main:
            self._main.pop(key, None)
        else:
            self._small.pop(key, None)
            self._small_size -= entry.size
        for dep in entry.deps:
            keys = self._of.get(dep)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del self._of[dep]

    def _evict(self) -> None:
        if self._small and (self._small_size > self.limit * _SMALL or not self._main):
            key = next(iter(self._small))
            entry = self.entries[key]
            if entry.freq > 1:
                del self._small[key]
                self._small_size -= entry.size
                self._main[key] = None
                entry.main, entry.freq = True, 0
                return
            self.remove(key)
            self._ghosts[key] = None
            if len(self._ghosts) > _GHOSTS:
                self._ghosts.popitem(last=False)
            return
        key = next(iter(self._main))
        entry = self.entries[key]
        if entry.freq > 0:
            entry.freq -= 1
            self._main.move_to_end(key)
        else:
            self.remove(key)
