"""Takes the lines of COPY apart, column by column: what the stream's rows become, many at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from .catalog import Types
from .columns import Column, converted
from .names import encode_text
from .plan import LARGEST, UNREADABLE, Plan, unreadable
from .values import Converter

__all__ = ["BadRow", "Taker", "taker"]

_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class BadRow(Exception):
    """A table or row that can't be mirrored; a row is named by its key."""


class Taker:
    """Rows of one table, whose COPY has these columns, become keys and values."""

    def __init__(self, plan: Plan, names: Sequence[str], converters: Sequence[Converter]) -> None:
        place = {name: index for index, name in enumerate(names)}
        table = plan.table
        missing = [name for name in (*table.columns, *table.key_columns) if name not in place]
        if missing:
            raise BadRow(f'column "{missing[0]}" is not there')
        self.plan = plan
        self.width = len(names)
        self.head = plan.rows.decode()
        self.keys = [place[name] for name in table.key_columns]
        self.columns = [(place[name], converters[place[name]]) for name in table.columns]

    def take(self, lines: list[bytes]) -> list[tuple[str, Any]]:
        """Return the keys with their values: JSON, or the fields of a hash. Raise BadRow."""
        try:
            return self._take(b"".join(lines).decode())
        except UNREADABLE:
            for line in lines:
                self._blame(line)
            raise

    def split(self, lines: list[bytes]) -> tuple[list[bytes], list[str]]:
        """Return those that are not too large, and the keys of the others."""
        if sum(map(len, lines)) <= LARGEST:
            return lines, []
        large = [line for line in lines if len(line) > LARGEST]
        return [line for line in lines if len(line) <= LARGEST], [self._key(line) for line in large]

    def _take(self, text: str) -> list[tuple[str, Any]]:
        # A tab or newline within a value is escaped.
        cells = text[:-1].replace("\n", "\t").split("\t")
        columns: list[Column] = [cells[at :: self.width] for at in range(self.width)]
        if "\\" in text:
            columns = [_unescaped(column) for column in columns]
        if len(self.keys) == 1:
            keys = [self.head + encode_text(value or "") for value in columns[self.keys[0]]]
        else:
            parts = [map(encode_text, columns[index]) for index in self.keys]  # type: ignore[arg-type]
            keys = [self.head + ",".join(values) for values in zip(*parts, strict=True)]
        if self.plan.table.format == "hash":
            named = [
                (name, columns[index])
                for name, (index, _) in zip(self.plan.table.columns, self.columns, strict=True)
            ]
            return [
                (key, {name: column[row] for name, column in named if column[row] is not None})
                for row, key in enumerate(keys)
            ]
        out = [converted(columns[index], convert) for index, convert in self.columns]
        template = self.plan.template
        return list(zip(keys, [template % row for row in zip(*out, strict=True)], strict=True))

    def _key(self, line: bytes) -> str:
        values = _unescaped(line[:-1].decode(errors="replace").split("\t"))
        return self.head + ",".join([encode_text(values[index] or "") for index in self.keys])

    def _blame(self, line: bytes) -> None:
        try:
            self._take(line.decode())
        except UNREADABLE as error:
            raise BadRow(unreadable(self._key(line).encode(), error)) from None


def _unescaped(column: Column) -> Column:
    return [
        text if text is None or "\\" not in text else None if text == "\\N" else _ESCAPE.sub(_unescape, text)
        for text in column
    ]


def _unescape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[1])


def taker(plan: Plan, types: Types, connection: Connection[Any]) -> tuple[list[str], Taker]:
    """Return the columns to copy, and what takes their rows apart."""
    table = plan.table
    names = list(dict.fromkeys((*table.columns, *table.key_columns)))
    rows = connection.execute(
        "SELECT attname, atttypid FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped",
        [table.oid],
    ).fetchall()
    known = dict(rows)
    present = [name for name in names if name in known]
    return present, Taker(plan, present, types.converters([known[name] for name in present]))
