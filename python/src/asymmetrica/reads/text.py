"""Texts of queries: what is sent to the server, and what two texts that mean the same have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

__all__ = ["normalise", "ordered", "placeholders"]

Parameters = Sequence[Any] | Mapping[str, Any] | None

_PLACE = re.compile(r"%(?:(?P<double>%)|\((?P<name>[^)]+)\)[sbt]|[sbt])")

# A letter of a name; what begins after one is a part of it.
_LETTER = r"A-Za-z0-9_$\x80-\U0010ffff"
# Strings with their quotes, names in quotes, comments, blanks, and all the rest in pieces.
_TOKEN = re.compile(
    rf"""(?P<string>(?<![{_LETTER}])[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*")
    |(?P<dollar>(?<![{_LETTER}])\$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff]\w*)?)\$.*?\$(?P=tag)\$)
    |(?P<line>--[^\r\n]*)
    |(?P<block>/\*)
    |(?P<blank>[ \t\r\n\f\v]+)
    |(?P<other>[A-Za-z_\x80-\U0010ffff][{_LETTER}]*|.)""",
    re.DOTALL | re.VERBOSE,
)
_BLOCK = re.compile(r"/\*|\*/")


@lru_cache(1024)
def placeholders(text: str) -> tuple[str, tuple[str, ...] | None]:
    """Return the text with $1, $2… as psycopg sends it, and the names by number; None: they have none."""
    names: list[str] = []
    plain = 0

    def place(found: re.Match[str]) -> str:
        nonlocal plain
        if found["double"]:
            return "%"
        if found["name"] is None:
            plain += 1
            return f"${plain}"
        if found["name"] not in names:
            names.append(found["name"])
        return f"${names.index(found['name']) + 1}"

    out = _PLACE.sub(place, text)
    return out, tuple(names) if names else None


def ordered(names: tuple[str, ...] | None, params: Parameters) -> list[Any]:
    """Return the parameters by number. Raises KeyError."""
    if isinstance(params, Mapping):
        return [params[name] for name in names or ()]
    return list(params or ())


@lru_cache(1024)
def normalise(text: str) -> str:
    """Return the text without comments, with one blank where there were some; strings stay as they are."""
    out: list[str] = []
    gap = ""
    at, end = 0, len(text)
    while at < end:
        found = _TOKEN.match(text, at)
        assert found is not None
        kind, at = found.lastgroup, found.end()
        if kind == "tag":
            kind = "dollar"
        if kind == "block":
            at = _after_block(text, at)
            gap = gap or " "
        elif kind in ("blank", "line"):
            # Two strings are one only if there is a new line between them.
            gap = "\n" if gap == "\n" or "\n" in found[0] or "\r" in found[0] else " "
        else:
            if gap and out:
                out.append("\n" if gap == "\n" and out[-1].endswith("'") else " ")
            gap = ""
            out.append(found[0])
    while out and out[-1] in (";", " ", "\n"):
        out.pop()
    return "".join(out)


def _after_block(text: str, at: int) -> int:
    """Return where a comment ends; they nest. One without an end is an error the server will tell."""
    depth = 1
    while depth:
        found = _BLOCK.search(text, at)
        if found is None:
            return len(text)
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return at
