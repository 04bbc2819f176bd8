"""Shows how one database differs from another, by object: - is missing, + is extra, ~ is different."""

from __future__ import annotations

import difflib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from .._plain import inline
from ..rows import Deviation
from .output import console

STYLES = {"-": "red", "+": "green", "~": "yellow", "@": "bold", " ": ""}
Line = tuple[str, str]  # sign and text


def show(deviations: Sequence[Deviation], wanted: str, found: str) -> None:
    """Print the differences of the database `found` from `wanted`, coloured on a terminal only."""
    from rich.text import Text

    screen = console()
    for sign, text in render(deviations, wanted, found):
        screen.print(Text(text, style=STYLES[sign]), soft_wrap=True)


def render(deviations: Sequence[Deviation], wanted: str, found: str) -> Iterator[Line]:
    """Yield the lines: a head, then each object with what differs of it, then the sum."""
    yield "@", f"--- {wanted}"
    yield "@", f"+++ {found}"
    count: Counter[str] = Counter()
    ordered = sorted(deviations, key=lambda row: (row.kind, row.object))
    for (kind, name), rows in itertools.groupby(ordered, key=lambda row: (row.kind, row.object)):
        found_rows = list(rows)
        whole = next((row for row in found_rows if is_whole(row)), None)
        sign = "~" if whole is None else sign_of(whole)
        count[sign] += 1
        yield sign, f"{sign} {kind} {name}"
        if whole is None:
            for row in found_rows:
                yield from part_lines(row)
    yield "@", ", ".join(f"{count[sign]} {word}" for sign, word in WORDS.items() if count[sign])


WORDS = {"-": "missing", "+": "extra", "~": "different"}


def is_whole(row: Deviation) -> bool:
    """Say whether the whole object is missing or extra."""
    return row.attribute is None and row.part == row.kind and row.name == ""


def sign_of(row: Deviation) -> str:
    """Return the sign of a whole part or object."""
    return "+" if row.declared is None else "-"


def part_lines(row: Deviation) -> Iterator[Line]:
    """Yield the lines about one difference within an object."""
    label = " ".join(word for word in ("" if row.part == row.kind else row.part, row.name) if word)
    if row.attribute is None:
        sign = sign_of(row)
        first, *rest = [*lines_of(gist(row.declared or row.actual)), ""]
        yield sign, f"  {sign} {label}: {first}".rstrip(": ")
        yield from ((sign, f"  {sign}   {line}") for line in rest if line)
        return
    yield "~", f"  ~ {label} {row.attribute}".replace("  ~  ", "  ~ ")
    for line in difflib.ndiff(lines_of(row.declared), lines_of(row.actual)):
        if line[0] in "-+":
            yield line[0], f"    {line[0]} {line[2:]}"
        elif line[0] == " ":
            yield " ", f"      {line[2:]}"


def gist(facts: Any) -> Any:
    """Return what says most of a part: its definition or type, else everything."""
    if isinstance(facts, dict):
        return facts.get("def") or facts.get("type") or facts
    return facts


def lines_of(value: Any) -> list[str]:
    """Return a value as lines: text by its lines, lists and objects by their members."""
    if value is None:
        return []
    if isinstance(value, str):
        return value.splitlines() or ["''"]
    if isinstance(value, list):
        return [inline(item) for item in value]
    if isinstance(value, dict):
        return [f"{key or 'PUBLIC'}: {inline(item)}" for key, item in sorted(value.items())]
    return [inline(value)]
