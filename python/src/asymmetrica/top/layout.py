"""Which columns fit, how wide they are, and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from .columns import Column, Row
from .palette import Palette
from .words import RIGHT, show

PADDING = 2
# Ranks: shown though empty; shown though others are cut.
ALWAYS_SHOWN, USEFUL = 1, 3


@dataclass(frozen=True, slots=True)
class Placed:
    """A column that is shown, and its width in cells."""

    column: Column
    width: int


def texts(columns: Sequence[Column], rows: Sequence[Row], now: datetime) -> list[list[str]]:
    """Return what each cell says, row by row, in the order of the columns."""
    return [[show(column.kind, column.value(row), now) for column in columns] for row in rows]


def place(columns: Sequence[Column], said: Sequence[Sequence[str]], width: int) -> list[Placed]:
    """Choose the columns that fit into a width, the most important first, and share what is left.

    One that holds nothing is left out, if there are rows at all and it does not matter much.
    """
    wanted, least = [], []
    order = sorted(range(len(columns)), key=lambda n: (columns[n].rank, n))
    for number, column in enumerate(columns):
        longest = max((cell_len(row[number]) for row in said), default=0)
        if said and longest == 0 and column.rank > ALWAYS_SHOWN:
            order.remove(number)
        head = cell_len(column.header) + 2
        wanted.append(max(head, min(longest, column.most)))
        # Numbers are shown whole or not at all.
        whole = column.kind in RIGHT
        least.append(wanted[-1] if whole else min(wanted[-1], max(column.least, head)))
    chosen: list[int] = []
    left = width
    for number in order:
        # What is there for completeness must not take the place of what others have to say.
        use = sum(wanted[other] - least[other] for other in chosen) if columns[number].rank > USEFUL else 0
        if left >= least[number] + PADDING + use or not chosen:
            chosen.append(number)
            left -= least[number] + PADDING
    widths = {number: least[number] for number in chosen}
    # What is left goes to the more important ones first, as far as they have use for it.
    for number in chosen:
        more = min(max(left, 0), wanted[number] - widths[number])
        widths[number] += more
        left -= more
    return [Placed(columns[number], widths[number]) for number in sorted(chosen)]


def cut(text: str, width: int) -> str:
    """Return a text that is no wider than so many cells; wide signs take two."""
    return text if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


def cell(placed: Placed, text: str, palette: Palette) -> Text:
    """Return a cell: a text object, so that nothing in it is taken for markup."""
    column = placed.column
    return Text(
        cut(text, placed.width),
        style=palette.of(text) if column.kind == "state" else "",
        justify="right" if column.kind in RIGHT else "left",
        no_wrap=True,
        end="",
    )


def header(placed: Placed, sort: str | None, reverse: bool, palette: Palette) -> Text:
    """Return the head of a column, with an arrow if the rows are sorted by it."""
    name = placed.column.header
    arrow = (" ▼" if reverse else " ▲") if sort == placed.column.name else ""
    return Text(
        cut(name, placed.width - len(arrow)) + arrow,
        style=f"bold {palette.muted}",
        justify="right" if placed.column.kind in RIGHT else "left",
        no_wrap=True,
        end="",
    )


def sort_key(value: Any) -> tuple[int, Any]:
    """Return what rows are sorted by: numbers among themselves, then texts, then what is not there."""
    if value is None:
        return (2, "")
    if isinstance(value, (bool, int, float)):
        return (0, float(value))
    return (1, value.casefold() if isinstance(value, str) else str(value))


def bars(values: Sequence[float | None], low: float, high: float) -> str:
    """Return a line of bars, a blank where nothing was measured."""
    signs = "▁▂▃▄▅▆▇█"
    reach = high - low or 1.0
    return "".join(
        " " if value is None else signs[min(7, max(0, int(8 * (value - low) / reach)))] for value in values
    )
