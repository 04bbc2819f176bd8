"""Text with labels at its left: nothing that stands in a value can look like a label."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .palette import Palette
from .words import clean


@dataclass(slots=True)
class Leaf:
    """Lines of a dialog: whole ones, and values with a label."""

    palette: Palette
    lines: list[tuple[str | None, Text]] = field(default_factory=list)

    def say(self, text: str, style: str = "") -> Leaf:
        """Add a whole line; the text may hold line ends, nothing else that is no sign."""
        self.lines.append((None, Text(clean(text, lines=True), style=style)))
        return self

    def put(self, label: str, text: str, style: str = "") -> Leaf:
        """Add a value, folded within its own column."""
        self.lines.append((label, Text(clean(text, lines=True), style=style)))
        return self

    def join(self, other: Leaf) -> Leaf:
        """Add the lines of another."""
        self.lines += other.lines
        return self

    @property
    def plain(self) -> str:
        """Return it as text."""
        return "\n".join(
            text.plain if label is None else f"{label} {text.plain}" for label, text in self.lines
        )

    def rendered(self) -> RenderableType:
        """Return it for the screen: labels to the left, each block of them as wide as it needs."""
        made: list[RenderableType] = []
        grid: Table | None = None
        wide = max((len(label) for label, _ in self.lines if label is not None), default=0)
        for label, text in self.lines:
            if label is None:
                made.append(text)
                grid = None
                continue
            if grid is None:
                grid = Table.grid(padding=(0, 2, 0, 0))
                grid.add_column(width=wide, no_wrap=True)
                grid.add_column(overflow="fold")
                made.append(grid)
            grid.add_row(Text(label, style=self.palette.muted), text)
        return Group(*made)
