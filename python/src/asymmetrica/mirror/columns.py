"""The conversions of values.py for whole columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from .values import Converter, boolean, number, string, timestamp, timestamptz

__all__ = ["Column", "converted"]

Column = Sequence[str | None]


def converted(column: Column, convert: Converter) -> Column:
    """Return the fragments of JSON of a column's texts; None is NULL."""
    if None in column:
        there = iter(_converted([value for value in column if value is not None], convert))
        return ["null" if value is None else next(there) for value in column]
    return _converted(column, convert)  # type: ignore[arg-type]


def _converted(column: Sequence[str], convert: Converter) -> Sequence[str]:
    if convert is None or not column:
        return column
    many = _MANY.get(convert)
    return list(map(convert, column)) if many is None else many(column)


def _booleans(column: Sequence[str]) -> list[str]:
    return ["true" if text == "t" else "false" for text in column]


def _numbers(column: Sequence[str]) -> list[str]:
    return [text if text[-1] not in "Ny" else string(text) for text in column]


# No text has a zero byte, so all of a column can be changed at once. Infinity and years before Christ can't.
def _timestamps(column: Sequence[str]) -> list[str]:
    whole = "\0".join(column)
    if "y" in whole or "B" in whole:
        return list(map(timestamp, column))
    return f'"{whole.replace(" ", "T").replace(_NUL, _BETWEEN)}"'.split("\0")


def _timestamptzs(column: Sequence[str]) -> list[str]:
    whole = "\0".join(column) + "\0"
    if "y" in whole or "B" in whole or whole.count("+00\0") != len(column):
        return list(map(timestamptz, column))
    return f'"{whole[:-1].replace(" ", "T").replace(_NUL, _ZONE + _BETWEEN)}:00"'.split("\0")


_NUL, _BETWEEN, _ZONE = "\0", '"\0"', ":00"

_MANY: Final[dict[Callable[[str], str], Callable[[Sequence[str]], list[str]]]] = {
    boolean: _booleans,
    number: _numbers,
    timestamp: _timestamps,
    timestamptz: _timestamptzs,
}
