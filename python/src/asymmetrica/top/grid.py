"""The table: rows of one tile, filtered and sorted, as many columns as fit; it keeps its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.message import Message
from textual.widgets import DataTable

from .columns import Column, Row, columns_of
from .feed import Seen
from .layout import cell, header, place, sort_key, texts
from .palette import Palette
from .tabs import key_of
from .words import utc


@dataclass(slots=True)
class Choice:
    """How a tile is looked at: filter, sort, and which row the cursor is on."""

    words: str = ""
    sort: str | None = None
    reverse: bool = False
    at: str | None = None


@dataclass(slots=True)
class Drawn:
    """What stands on the screen now."""

    tile: str = ""
    columns: tuple[Any, ...] = ()
    keys: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)


class Grid(DataTable[Text]):
    """A table without a cursor for columns: they are chosen to fit, so there is nothing at the side."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", show=False),
        Binding("up,k", "cursor_up", show=False),
        Binding("down,j", "cursor_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown,space", "page_down", show=False),
        Binding("home,g", "scroll_top", show=False),
        Binding("end,G", "scroll_bottom", show=False),
        Binding("tab,right", "app.step(1)", show=False),
        Binding("shift+tab,left", "app.step(-1)", show=False),
    ]

    class Resized(Message):
        """There is another width to fill."""

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, id="grid")
        self.drawn = Drawn()
        self.rows_shown: list[Row] = []

    # DataTable's bindings for columns would hide the keys for tabs.
    _inherit_bindings = False

    def on_resize(self, _: events.Resize) -> None:
        """Choose the columns anew."""
        self.post_message(self.Resized())

    def draw(self, tile: str, seen: Seen, choice: Choice, palette: Palette) -> None:
        """Show rows; only what changed is written, and the cursor stays on its row."""
        if self.drawn.tile == tile:
            choice.at = self.key() or choice.at
        columns = columns_of(tile, seen.columns)
        rows = filtered(columns, seen, choice)
        self.show_header = bool(rows)
        if not rows:
            columns = ()
        # The scroll bar takes a cell, whether it is there or not: a row more must not move all columns.
        placed = place(columns, texts(columns, rows, utc()), max(20, self.size.width - 1))
        chosen = [one.column for one in placed]
        said = texts(chosen, rows, utc())
        keys = [key_of(tile, row, number) for number, row in enumerate(rows)]
        heads = (*placed, choice.sort, choice.reverse, palette.name)
        if (self.drawn.tile, self.drawn.columns, self.drawn.keys) == (tile, heads, keys):
            for number, (before, after) in enumerate(zip(self.drawn.cells, said, strict=True)):
                for at, text in enumerate(after):
                    if before[at] != text:
                        self.update_cell_at(Coordinate(number, at), cell(placed[at], text, palette))
        else:
            top = self.scroll_y if self.drawn.tile == tile else 0
            self.clear(columns=True)
            for number, one in enumerate(placed):
                self.add_column(
                    header(one, choice.sort, choice.reverse, palette), width=one.width, key=str(number)
                )
            for line in said:
                self.add_row(*(cell(one, text, palette) for one, text in zip(placed, line, strict=True)))
            if choice.at in keys:
                self.move_cursor(row=keys.index(choice.at), animate=False, scroll=False)
            self.scroll_to(y=top, animate=False)
        self.drawn = Drawn(tile, heads, keys, said)
        self.rows_shown = rows

    def key(self) -> str | None:
        """Return what names the row the cursor is on."""
        number = self.cursor_row
        return self.drawn.keys[number] if 0 <= number < len(self.drawn.keys) else None

    def current(self) -> Row | None:
        """Return the row the cursor is on."""
        number = self.cursor_row
        return self.rows_shown[number] if 0 <= number < len(self.rows_shown) else None

    def sortable(self) -> list[str]:
        """Return the names of the columns that are shown, from left to right."""
        return [one.column.name for one in self.drawn.columns[:-3]]


def filtered(columns: tuple[Column, ...], seen: Seen, choice: Choice) -> list[Row]:
    """Return the rows that hold every word of the filter, in the order that was chosen."""
    rows = list(seen.rows)
    if words := choice.words.casefold().split():
        said = texts(columns, rows, utc())
        rows = [row for row, line in zip(rows, said, strict=True) if _holds(line, words)]
    by = next((column for column in columns if column.name == choice.sort), None)
    if by is not None:
        there = [row for row in rows if by.value(row) is not None]
        there.sort(key=lambda row: sort_key(by.value(row)), reverse=choice.reverse)
        # What has no value goes last, whichever way.
        rows = there + [row for row in rows if by.value(row) is None]
    return rows


def _holds(line: list[str], words: list[str]) -> bool:
    text = "\n".join(line).casefold()
    return all(word in text for word in words)
