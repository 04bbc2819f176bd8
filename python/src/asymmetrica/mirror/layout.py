"""How the rows of the stream become keys and values: one by one, or many of a table at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .columns import converted
from .names import encode_key
from .pgoutput import UNCHANGED, Row
from .plan import UNREADABLE, Plan, Values
from .stream import HEAD
from .values import Converter

__all__ = ["SMALL", "Layout"]

# Larger messages are taken one by one.
SMALL = 1 << 16
# In a message: its kind, the number of the table, N, the number of columns.
_BODY = HEAD + 8
# What begins the length of a text shorter than 256 bytes; no text has such a byte.
_SHORT = b"\0\0\0"
_NULL, _TEXT = b"nt"


class Layout:
    """Takes the rows of a relation of the stream apart."""

    def __init__(
        self, plan: Plan, names: Sequence[str], converters: Sequence[Converter], identity: list[bool]
    ) -> None:
        place = {name: index for index, name in enumerate(names)}
        table = plan.table
        missing = [name for name in (*table.columns, *table.key_columns) if name not in place]
        self.missing = missing
        self.plan = plan
        self.keys = [place[name] for name in table.key_columns if name in place]
        self.only_key = self.keys[0] if len(self.keys) == 1 else None
        picked = [place[name] for name in table.columns if name in place]
        self.columns = [(index, converters[index]) for index in picked]
        self.json = table.format == "json"
        self.identity = identity
        self.width = len(names)

    def key(self, row: Row) -> bytes:
        """Return the key in Redis of a row, or of the old key the stream sent."""
        if self.only_key is not None:
            return self.plan.rows + encode_key((row[self.only_key],))  # type: ignore[arg-type]
        return self.plan.rows + encode_key([row[index] for index in self.keys])  # type: ignore[misc]

    def values(self, row: Row) -> Values:
        """Return the values of the mirrored columns as they are written."""
        if not self.json:
            return [row[index] for index, _ in self.columns]
        out: list[Any] = []
        for index, convert in self.columns:
            value = row[index]
            if value is None:
                out.append("null")
            elif value is UNCHANGED:
                out.append(UNCHANGED)
            elif convert is None:
                out.append(value.decode())  # type: ignore[union-attr]
            else:
                out.append(convert(value.decode()))  # type: ignore[union-attr]
        return out

    def many(self, run: Sequence[bytes]) -> tuple[list[bytes], list[Values]] | None:
        """Return keys and values of messages that hold a new row each.

        None if a value was left out of one, or is unreadable.
        """
        found = _texts(run, self.width)
        if found is None:
            return None
        width, head = self.width, self.plan.rows
        try:
            if self.only_key is not None:
                keys = [
                    head + (t if t.isalnum() else encode_key((t,))) for t in found[self.only_key :: width]
                ]
            else:
                parts = zip(*[found[index::width] for index in self.keys], strict=True)
                keys = [head + encode_key(values) for values in parts]
            if self.json:
                columns = [
                    converted(_decoded(found[index::width]), convert) for index, convert in self.columns
                ]
            else:
                columns = [found[index::width] for index, _ in self.columns]
            return keys, list(zip(*columns, strict=True))
        except UNREADABLE:
            return None


def _texts(run: Sequence[bytes], width: int) -> list[Any] | None:
    """Return all values of all rows one after the other, None if one was left out.

    Each text stands behind a t and its length. Where that is below 256 its first three bytes are zero, and
    they are zero nowhere else: between two such places are the last byte of the length, the text, whatever
    NULLs (an n) and longer texts come next, and the next t.
    """
    pieces = (b"".join([data[_BODY:] for data in run]) + b"t").split(_SHORT)
    if len(pieces) == len(run) * width + 1:
        del pieces[0]
        return [piece[1:-1] for piece in pieces]
    out: list[bytes | None] = []
    pieces[0] = b"\0" + pieces[0]
    for piece in pieces:
        at, last = piece[0] + 1, len(piece) - 1
        out.append(piece[1:at])
        while at < last:
            if piece[at] == _NULL:
                out.append(None)
                at += 1
            elif piece[at] == _TEXT:
                start = at + 5
                at = start + int.from_bytes(piece[at + 1 : start], "big")
                out.append(piece[start:at])
            else:
                return None
    del out[0]
    return out if len(out) == len(run) * width else None


def _decoded(column: list[bytes | None]) -> list[str | None]:
    if None in column:
        return [None if value is None else value.decode() for value in column]
    return b"\0".join(column).decode().split("\0")  # type: ignore[arg-type,return-value]
