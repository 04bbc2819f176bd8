"""Texts of the console: keys, help, a whole row, its history, the SQL, and what stands where no rows are."""

from __future__ import annotations

import json
from typing import Any, LiteralString

from rich.text import Text

from ..errors import AsymmetricaError
from ..eyes import Tile
from .columns import Row
from .feed import Feed, Seen
from .keys import DECIDING, HELP, KEYS, SPARE
from .leaf import Leaf
from .palette import Palette
from .tabs import EMPTY
from .words import clean, guess, show, utc

ACTION: LiteralString = "SELECT at, from_state, to_state, by_role, note FROM asymm.action_history(%(of)s)"
OBJECT: LiteralString = (
    "SELECT at, event, what, by_role, action FROM asymm.history(%(of)s) ORDER BY at DESC LIMIT 100"
)

# A statement may be as long as memory allows; a screen is not for that.
LONG = 20_000


def keys_line(refusal: str | None, several: bool, palette: Palette, width: int) -> Text:
    """Return the keys as far as they fit; those that decide only for who may."""
    line = Text()
    if refusal is not None:
        line.append(f" {refusal.partition(':')[0]} ", style=palette.of("warning"))
    keys = [
        (key, word)
        for key, word in KEYS
        if (refusal is None or key not in DECIDING) and (several or key != "v")
    ]
    for dropped in SPARE:
        if line.cell_len + sum(len(key) + len(word) + 3 for key, word in keys) > width:
            keys = [one for one in keys if one[0] != dropped]
    for key, word in keys:
        line.append(f" {key}", style=f"bold {palette.text}")
        line.append(f" {word} ", style=palette.muted)
    line.truncate(width)
    return line


def instead(tile: str, seen: Seen, read: bool, palette: Palette) -> Text | None:
    """Return what stands where there are no rows; None if there are some."""
    if not read:
        return Text(" reading …", style=palette.muted)
    if seen.error is not None:
        return error_text(seen.error, palette)
    if not seen.rows:
        return Text(" " + EMPTY.get(tile, "nothing"), style=palette.muted)
    return None


def error_text(error: AsymmetricaError, palette: Palette) -> Text:
    """Return an error as lines."""
    code = f" [{error.sqlstate}]" if error.sqlstate else ""
    text = Text(f" cannot be read{code}: {clean(error.message)}", style=palette.of("failed"))
    for name, said in (("detail", error.detail), ("hint", error.hint)):
        if said:
            text.append(f"\n {name}: {clean(said, lines=True)}", style=palette.text)
    return text


def help_text(refusal: str | None, palette: Palette) -> Leaf:
    """Return what the keys do, and why some do nothing here."""
    leaf = Leaf(palette)
    if refusal is not None:
        leaf.say(f"a, x, r and h do nothing here: {refusal}", palette.of("warning")).say("")
    for key, what in HELP:
        leaf.put(key, what)
    return leaf.say("").say(
        "a, x, r and h show first what would run (statements, inverse, locks, hazards) and ask."
        " They run with the rights of your login.",
        palette.muted,
    )


def sql_text(tile: Tile, palette: Palette) -> Leaf:
    """Return the query of a tile."""
    every = f"each {tile.every:g} s" if tile.every else "at each beat"
    return (
        Leaf(palette)
        .say(tile.about, palette.muted)
        .say("")
        .say(tile.query + ";", "bold")
        .say("")
        .say(f"Read {every}{', and when a beat tells of a change' if tile.on_change else ''}.", palette.muted)
    )


def row_text(tile: str, row: Row, palette: Palette) -> tuple[str, Leaf]:
    """Return a title and every value of a row; statements and lists line by line."""
    names = ("object", "target", "name", "seen", "check_name")
    name = next((row[word] for word in names if row.get(word)), None)
    title = tile.replace("_", " ") + (f": {name}" if name else "")
    leaf = Leaf(palette)
    for column, value in row.items():
        if value is not None and value != []:
            text = _whole(column, value)
            more = f" … and {len(text) - LONG:,} characters more" if len(text) > LONG else ""
            leaf.put(column.replace("_", " "), text[:LONG] + more)
    return title, leaf


def _whole(column: str, value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, indent=2)
    if isinstance(value, str):
        when = show("time", value, utc()) if guess(column) == "time" else ""
        return value + (f" ({when})" if when and when != value else "")
    return show(guess(column), value)


async def history(feed: Feed, tile: str, row: Row, palette: Palette) -> Leaf:
    """Return what happened to the action of a row, and to its object."""
    leaf = Leaf(palette)
    action = row.get("id") if tile == "actions" else row.get("action")
    if isinstance(action, int):
        leaf.join(await _told(feed, f"Action {action}", ACTION, action, palette))
    target = row.get("object") or (row.get("target") if tile in ("actions", "advice") else None)
    if isinstance(target, str) and tile in ("drift", "actions", "advice", "tables"):
        leaf.join(await _told(feed, f"History of {target}, the newest first", OBJECT, target, palette))
    return leaf


async def _told(feed: Feed, title: str, query: LiteralString, of: object, palette: Palette) -> Leaf:
    leaf = Leaf(palette).say("").say(clean(title), "bold")
    try:
        rows = (await feed.ask(query, {"of": of})).dicts()
    except AsymmetricaError as error:
        return leaf.say(error.message, palette.muted)
    for row in rows:
        states = " → ".join(str(row[name]) for name in ("from_state", "to_state") if row.get(name))
        words = [states, *(str(row[name]) for name in ("event", "what", "by_role", "note") if row.get(name))]
        words += [f"(action {row['action']})"] if row.get("action") else []
        leaf.put(show("time", row["at"], utc()), "  ".join(word for word in words if word))
    return leaf
