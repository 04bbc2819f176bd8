"""What the mirror's worker and senders of alerts say: lines for whoever collects logs, bars on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .output import Output

if TYPE_CHECKING:
    from rich.console import Console

    from ..alerts.sender import Event as Sending
    from ..mirror.worker import Event

__all__ = ["Teller", "telling"]


class Teller:
    """Prints events: JSON on standard output if that was asked for, else standard error.

    A line is `time=… event=… table=… rows=…`, with quotes as JSON has them where a value needs some.
    """

    def __init__(self, out: Output) -> None:
        self.out = out

    def __call__(self, event: Event | Sending) -> None:
        if self.out.json:
            self.out.event(_fields(event))
        else:
            self.show(event)

    def show(self, event: Any) -> None:
        """Print a line."""
        fields = _fields(event)
        said = {"time": datetime.now().astimezone().isoformat(timespec="milliseconds")}
        said |= {"event": fields.pop("what"), **fields}
        words = (f"{name}={_quoted(value)}" for name, value in said.items() if value is not None)
        print(" ".join(words), file=sys.stderr, flush=True)


def _fields(event: Event | Sending) -> dict[str, Any]:
    return {name: getattr(event, name) for name in type(event).__slots__}


def _quoted(value: Any) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    plain = text.isprintable() and not set(text) & set(' "=\\')
    return text if plain and text else json.dumps(text, ensure_ascii=False)


class Bars(Teller):
    """A bar for each table that is copied, below lines for people."""

    def __init__(self, out: Output, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        super().__init__(out)
        self.bars = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
            TextColumn("rows"), TimeElapsedColumn(), console=console, transient=True,
        )  # fmt: skip
        self._of: dict[str, Any] = {}

    def show(self, event: Event) -> None:
        """Move a bar on, or print a line above all bars."""
        if event.what == "building" and event.table is not None:
            if event.table not in self._of:
                self._of[event.table] = self.bars.add_task(event.table, total=None)
            rows = event.rows or 0
            # The estimate may be too small.
            total = max(event.total, rows) if event.total else None
            self.bars.update(self._of[event.table], completed=rows, total=total)
            return
        for table in [*self._of] if event.table is None else [event.table] * (event.table in self._of):
            self.bars.remove_task(self._of.pop(table))
            self.bars.refresh()
        words = [f"{datetime.now().astimezone():%H:%M:%S}", event.table or "mirror", event.what]
        words += [f"{event.rows} rows"] * (event.rows is not None)
        note = f": {event.note}" if event.note else ""
        wait = f", trying again in {event.wait:.1f} s" if event.wait is not None else ""
        self.bars.console.print(" ".join(words) + note + wait, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def telling(out: Output) -> Iterator[Teller]:
    """Yield what prints events; bars are for terminals, where there is rich to draw them."""
    if out.json or not sys.stderr.isatty() or find_spec("rich") is None:
        yield Teller(out)
        return
    from rich.console import Console

    bars = Bars(out, Console(stderr=True, highlight=False))
    with bars.bars:
        yield bars
