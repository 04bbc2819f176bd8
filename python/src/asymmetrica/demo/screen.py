"""What the demonstration shows: lines as things happen, progress bars and colour only on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich import box
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..cli.output import console

T = TypeVar("T")


class Screen:
    """Prints the story; `failures` collects what was promised and did not happen."""

    def __init__(self, *, quiet: bool) -> None:
        self.console = console()
        self.console.quiet = quiet
        self.failures: list[str] = []

    def title(self, text: str) -> None:
        self.console.print(f"\n[bold]{escape(text)}[/bold]")

    def line(self, text: str, style: str = "", *, indent: int = 2) -> None:
        self.console.print(Padding(Text(text, style=style), (0, 0, 0, indent), expand=False))

    def good(self, text: str) -> None:
        self._marked(Text("✓", style="green"), Text(text))

    def failed(self, text: str) -> None:
        """Show and remember that something did not happen."""
        self.failures.append(text)
        self._marked(Text("✗", style="red"), Text(text, style="red"))

    def _marked(self, mark: Text, text: Text) -> None:
        grid = Table.grid(padding=(0, 1))
        grid.add_row(mark, text)
        self.console.print(Padding(grid, (0, 0, 0, 2), expand=False))

    def check(self, happened: bool, text: str) -> None:
        (self.good if happened else self.failed)(text)

    @contextmanager
    def progress(self, text: str, total: float) -> Iterator[Callable[[float], None]]:
        """Show a bar on a terminal; yields the function that moves it on."""
        bar = Progress(
            TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn(),
            console=self.console, transient=True, disable=not self.console.is_terminal,
        )  # fmt: skip
        with bar:
            task = bar.add_task(escape(text), total=total)
            yield lambda step: bar.advance(task, step)

    def wait(self, text: str, seconds: float, look: Callable[[], T | None]) -> T | None:
        """Look every tenth of a second until there is something or the time is over."""
        start = time.monotonic()
        with self.progress(text, seconds) as advance:
            while time.monotonic() - start < seconds:
                found = look()
                if found:
                    return found
                time.sleep(0.1)
                advance(0.1)
        return None

    def table(self, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        shown = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
        for row in rows:
            style = "red" if row[-1] == "no" else ""
            shown.add_row(*map(escape, row), style=style)
        self.console.print(shown)
