"""Prints rows and errors: tables for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._plain import plain
from ..errors import AsymmetricaError

if TYPE_CHECKING:
    from psycopg.errors import Diagnostic
    from rich.console import Console

STYLES = {
    "ok": "green", "verified": "green", "applied": "green", "healed": "green", "adopted": "green",
    "warning": "yellow", "proposed": "yellow", "open": "yellow", "approved": "yellow", "reverted": "yellow",
    "withheld": "yellow",
    "error": "red", "failed": "red", "rejected": "red",
}  # fmt: skip


class Output:
    """Where a command's result goes: standard output; errors go to standard error."""

    def __init__(self, *, json: bool) -> None:
        self.json = json

    def rows(self, rows: Sequence[Any], columns: Sequence[str] = (), *, empty: str = "nothing") -> None:
        """Print rows (dataclass instances): all fields as JSON, the given columns as a table."""
        if self.json:
            self.document([dataclasses.asdict(row) for row in rows])
            return
        if not rows:
            print(empty)
            return
        from rich import box
        from rich.table import Table

        names = columns or [field.name for field in dataclasses.fields(rows[0])]
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name in names:
            table.add_column(name.replace("_", " "), overflow="fold")
        for row in rows:
            table.add_row(*(cell(getattr(row, name)) for name in names))
        console().print(table)

    def document(self, value: Any) -> None:
        """Print a value as JSON."""
        print(json.dumps(value, default=plain, ensure_ascii=False, indent=2), flush=True)

    def event(self, value: Any) -> None:
        """Print a value as one line of JSON: for commands that run on."""
        print(json.dumps(value, default=plain, ensure_ascii=False), flush=True)

    def line(self, text: str) -> None:
        """Print a line for people; programs don't get it."""
        if not self.json:
            print(text, flush=True)

    def notice(self, diagnostic: Diagnostic) -> None:
        """Print a warning of the server on standard error; mere notices only for people."""
        warning = diagnostic.severity_nonlocalized == "WARNING"
        fields = {"sqlstate": diagnostic.sqlstate, "message": diagnostic.message_primary}
        fields |= {"detail": diagnostic.message_detail, "hint": diagnostic.message_hint}
        if self.json:
            if warning:
                print(json.dumps({"warning": fields}, ensure_ascii=False), file=sys.stderr)
            return
        print(f"{'warning' if warning else 'notice'}: {fields['message']}", file=sys.stderr)
        for label in ("detail", "hint"):
            if warning and fields[label]:
                print(f"  {label}: {fields[label]}", file=sys.stderr)

    def warning(self, diagnostic: Diagnostic) -> None:
        """Print a warning of the server, no mere notice."""
        if diagnostic.severity_nonlocalized == "WARNING":
            self.notice(diagnostic)

    def error(self, error: AsymmetricaError) -> None:
        """Print an error on standard error."""
        if self.json:
            fields = {name: getattr(error, name) for name in ("sqlstate", "message", "detail", "hint")}
            print(json.dumps({"error": fields}, ensure_ascii=False), file=sys.stderr)
            return
        print(f"asymmetrica: {error.message}", file=sys.stderr)
        for label, text in (("detail", error.detail), ("hint", error.hint)):
            if text:
                print(f"  {label}: {text}", file=sys.stderr)


def console() -> Console:
    """Return a console that colours only a terminal and never cuts what goes to a file."""
    from rich.console import Console

    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=200)


def cell(value: Any) -> Any:
    """Return what a table shows of a value."""
    from rich.text import Text

    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%H:%M:%S.%f")[:-3]
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, (list, tuple)):
        return Text("\n".join(str(item) for item in value))
    if isinstance(value, dict):
        return Text(json.dumps(value, default=plain, ensure_ascii=False))
    return Text(str(value), style=STYLES.get(str(value), ""))
