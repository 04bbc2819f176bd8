"""The tabs printed once: tables for a pipe, or one JSON document."""

from __future__ import annotations

import asyncio
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..errors import AsymmetricaError, ConnectionFailed
from ..eyes import Reader, Rows, Tile
from .columns import columns_of
from .layout import place, texts
from .tabs import ALWAYS, EMPTY, TABS
from .words import RIGHT, clean, guess, show, utc

Found = dict[str, Rows | AsymmetricaError]


def print_once(dsn: str, *, tab: int | None, json: bool, console: Console) -> tuple[int, dict[str, Any]]:
    """Read every tile of the tabs (or of one) once and print it; return the exit code and the document.

    With `json` nothing is printed: the document {tile: {columns, rows, at}} is for the caller. A tile that
    can't be read has {error: {sqlstate, message, detail, hint}} in its place. The code is 1 if anything is
    drifted or the verdict is warning or critical. Raises `ConnectionFailed`, `NotInstalled`, `NotAllowed`.
    """
    tiles, found = asyncio.run(_read(dsn, tab))
    if not json:
        for name in found:
            _print(name, tiles.get(name), found[name], console)
    return _code(found), {name: _document(answer) for name, answer in found.items()}


async def _read(dsn: str, tab: int | None) -> tuple[dict[str, Tile], Found]:
    found: Found = {}
    async with Reader(dsn, application="asymmetrica top") as reader:
        tiles = await reader.tiles()
        chosen = TABS if tab is None else (TABS[tab],)
        for name in dict.fromkeys(
            (*ALWAYS, *(("database",) if not tab else ()), *(tile for one in chosen for tile in one.tiles))
        ):
            try:
                found[name] = await reader.read(name)
            except ConnectionFailed:
                raise
            except AsymmetricaError as error:
                found[name] = error
    return tiles, found


def _code(found: Found) -> int:
    vitals, verdict = found["vitals"], found["verdict"]
    drifted = isinstance(vitals, Rows) and bool(vitals.dicts()[0]["drifted"])
    bad = isinstance(verdict, Rows) and verdict.dicts()[0]["status"] in ("warning", "critical")
    return int(drifted or bad)


def _document(answer: Rows | AsymmetricaError) -> dict[str, Any]:
    if isinstance(answer, Rows):
        return {"at": answer.at, "columns": list(answer.columns), "rows": answer.rows}
    return {"error": {name: getattr(answer, name) for name in ("sqlstate", "message", "detail", "hint")}}


def _print(name: str, tile: Tile | None, answer: Rows | AsymmetricaError, console: Console) -> None:
    title = clean(tile.title) if tile else name
    if isinstance(answer, AsymmetricaError):
        console.print(Text(f"{title}: cannot be read [{answer.sqlstate}]: {clean(answer.message)}\n"))
        return
    rows = answer.dicts()
    if name in (*ALWAYS, "database"):
        console.print(Text(f"{title}: {_line(rows[0])}\n"))
        return
    if not rows:
        console.print(Text(f"{title}: {EMPTY.get(name, 'nothing')}\n"))
        return
    columns = columns_of(name, answer.columns)
    said = texts(columns, rows, utc())
    placed = place(columns, said, console.width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=Text(title, style="bold"), title_justify="left")
    for one in placed:
        right = one.column.kind in RIGHT
        table.add_column(Text(one.column.header), justify="right" if right else "left", overflow="fold")
    for row in texts([one.column for one in placed], rows, utc()):
        table.add_row(*map(Text, row))
    console.print(table)


def _line(row: dict[str, Any]) -> str:
    if "headline" in row:
        reasons = "; ".join(row.get("reasons") or ())
        return f"{row['status']}: {clean(row['headline'])}" + (f" ({clean(reasons)})" if reasons else "")
    said = (f"{name.replace('_', ' ')} {show(guess(name), value)}" for name, value in row.items())
    return " · ".join(word for word, value in zip(said, row.values(), strict=True) if value is not None)
