"""Which keys are read most, and which are missed most, in bounded memory.

Counts by the method of Misra and Gries: when there is no more room, all are lowered until half of it is free.
So none is too high, and none too low by more than reads divided by half the room.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

__all__ = ["Hot"]

_ROOM = 512
# Longer ones are not counted.
_LONGEST = 200

Place = tuple[bool, str, Hashable]


class Hot:
    """By table (True) or query (False), its name or text, and the key or parameters."""

    def __init__(self) -> None:
        self.hits: dict[Place, int] = {}
        self.misses: dict[Place, int] = {}

    def add(self, row: bool, name: str, key: Any, hit: bool) -> None:
        """Count a read of a key that a copy answered, or did not."""
        counts = self.hits if hit else self.misses
        place = (row, name, key)
        try:
            found = counts.get(place)
        except TypeError:
            # A mapping, or it holds a list.
            return
        if found is not None:
            counts[place] = found + 1
        elif text_of(key) is not None:
            if len(counts) >= _ROOM:
                lower(counts)
            counts[place] = 1

    def most(self, count: int) -> list[tuple[Place, int, int]]:
        """Return so many at most with hits and misses: half for the most read, half for the most missed."""
        places: dict[Place, None] = {}
        for counts in (self.hits, self.misses):
            listed = sorted(counts.items(), key=lambda item: -item[1])
            places |= dict.fromkeys(place for place, _ in listed[: count // 2])
        return [(place, self.hits.get(place, 0), self.misses.get(place, 0)) for place in places]


def lower(counts: dict[Place, int]) -> None:
    """Make room for half."""
    middle = sorted(counts.values())[len(counts) // 2]
    for place, count in list(counts.items()):
        if count > middle:
            counts[place] = count - middle
        else:
            counts.pop(place, None)


def text_of(key: Any) -> str | None:
    """Return what is told of a key: its values as text, one after the other; None: nothing is."""
    if isinstance(key, Mapping):
        return None
    values = key if isinstance(key, tuple) else (key,)
    if any(isinstance(value, (str, bytes)) and len(value) > _LONGEST for value in values):
        return None
    texts = [value.hex() if isinstance(value, bytes) else str(value) for value in values]
    # What JSON of the server can't hold is left out.
    text = ", ".join(texts).replace("\0", "").encode("utf-8", "replace").decode()
    return text if text and len(text) <= _LONGEST else None
