"""The lines above the table: the verdict, the vital signs, the tabs, and the panel of the first tab."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from .columns import Row
from .feed import Feed, Seen
from .layout import bars, cut
from .palette import Palette
from .tabs import TABS
from .words import ago, clean, count, show, size, span

# A loop beats five times a second: so long without one is silence.
SILENT = 3.0
OPEN = {
    "proposals": "proposed", "running": "under way", "failed": "failed today", "critical": "critical",
    "warnings": "warnings", "alerts": "alerts",
}  # fmt: skip


def first(seen: Seen | None) -> Row:
    """Return the only row of a tile, an empty one if there is none."""
    return seen.rows[0] if seen and seen.rows else {}


def silent(feed: Feed) -> bool:
    """Tell whether the loop was silent when it was last looked at; what was not read tells nothing."""
    return float(first(feed.seen.get("vitals")).get("beat_age") or 0) > SILENT


def badge(word: str, palette: Palette) -> Text:
    """Return a status as a word on its colour."""
    colour = palette.of(word).removeprefix("bold ") or palette.muted
    return Text.assemble((f" {clean(word).upper()} ", f"bold {palette.ground} on {colour}"))


def verdict_line(feed: Feed, palette: Palette, width: int) -> Text:
    """Return the status and one sentence; while there is no connection, that."""
    seen = feed.seen.get("verdict")
    row = first(seen)
    if feed.lost is not None:
        line = badge("no connection", palette)
        wait = max(0.0, feed.lost.again - time.monotonic())
        said = f" connection lost, trying again in {span(wait) if wait >= 0.1 else '0 s'}"
        return fit(line, [f"{said}: {clean(feed.lost.error.message)}"], width)
    if seen is not None and seen.error is not None:
        return fit(badge("unknown", palette), [" " + clean(seen.error.message)], width)
    if not row:
        return Text(" reading …", style=palette.muted)
    status, said = str(row.get("status")), clean(str(row.get("headline") or ""))
    # The word stands there already.
    told = said[len(status) + 2 :] if said.casefold().startswith(f"{status}: ") else said
    return fit(badge(status, palette), [f" {told}"], width)


def fit(line: Text, words: Iterable[str], width: int, gap: str = "") -> Text:
    """Append what there is room for; the last word that does not fit is cut off."""
    for number, word in enumerate(words):
        room = width - line.cell_len
        text = (gap if number else "") + word
        if cell_len(text) > room:
            line.append(cut(text, room))
            break
        line.append(text)
    return line


def vitals_line(feed: Feed, palette: Palette, width: int) -> Text:
    """Return the beat's age and what is open; what is silent or paused is said first."""
    if feed.lost is not None:
        since = span(time.monotonic() - feed.lost.since)
        row = first(feed.seen.get("verdict"))
        last = f" · before that: {row['status']}, {clean(str(row['headline']))}" if row else ""
        return Text(cut(f" for {since}, tried {feed.lost.tries} times{last}", width), style=palette.muted)
    seen = feed.seen.get("vitals")
    row = first(seen)
    if not row:
        return Text(cut(" " + clean(seen.error.message), width) if seen and seen.error else "")
    line = Text(" ")
    age, elapsed = row.get("beat_age"), time.monotonic() - (seen.read_at if seen else 0)
    if age is None:
        line.append("no beat yet: asymmetrica start", style=palette.of("warning"))
    elif silent(feed):
        line.append(f"no beat for {span(age + elapsed)}", style=palette.of("critical"))
    elif elapsed > SILENT:
        line.append(f"read {ago(elapsed)}", style=palette.of("warning"))
    else:
        line.append(f"beat {age + elapsed:.1f} s ago")
        line.append(f" · {row.get('rate') or 0:.2f}/s", style=palette.muted)
    if row.get("paused"):
        line.append(" · ")
        line.append(cut(f"repairs paused: {clean(str(row['paused']))}", 40), style=palette.of("warning"))
    words = [" · " + word for word in _open(row)]
    who = feed.viewer.role if feed.viewer else ""
    words.append(f" · {clean(str(row.get('database')))} as {clean(who)}")
    return fit(line, words, width)


def _counted(number: int, noun: str) -> str:
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def _open(row: Row) -> list[str]:
    """Return what is open, in the order of what matters."""
    said = [_counted(row["drifted"], "difference"), f"{count(row['watched'])} watched"]
    for name, word in (("proposals", "proposed"), ("running", "running"), ("failed", "failed today")):
        if row.get(name):
            said.append(f"{count(row[name])} {word}")
    if row.get("mirror_state") and row["mirror_state"] != "live":
        said.append(f"mirror {clean(str(row['mirror_state']))}")
    if row.get("alerts"):
        said.append(f"{count(row['alerts'])} alerts")
    return said


def tabs_line(feed: Feed, active: int, palette: Palette, width: int) -> Text:
    """Return the tabs with their keys; the open one stands out by brackets too, not by colour alone."""
    row = first(feed.seen.get("vitals"))
    counts: dict[str, Any] = {"Drift": row.get("drifted"), "Actions": row.get("proposals")}
    names = [tab.name + (f" ({count(counts[tab.name])})" if counts.get(tab.name) else "") for tab in TABS]
    if sum(len(name) + 4 for name in names) > width:
        # The others by their numbers only.
        names = [name if number == active else "" for number, name in enumerate(names)]
    line = Text()
    for number, name in enumerate(names):
        said = f"{number + 1} {name}".rstrip()
        if number == active:
            line.append(f"[{said}]", style=f"bold {palette.ground} on {palette.accent}")
        else:
            line.append(f" {said} ", style=palette.muted)
    line.truncate(width)
    return line


def panel(feed: Feed, points: Sequence[float | None], palette: Palette, width: int, *, tall: bool) -> Text:
    """Return the lines of the first tab: scores, why, what is not measured, the server, the mirror."""
    verdict, vitals = first(feed.seen.get("verdict")), first(feed.seen.get("vitals"))
    lines = [_scores(verdict, points, palette, width)]
    reasons = [clean(str(reason)) for reason in verdict.get("reasons") or ()]
    why = "; ".join(reasons) or "nothing pulls it down"
    for number, part in enumerate(wrap(why, width - 14, max_lines=4 if tall else 2, placeholder=" …")):
        lines.append(_line("" if number else "Why", part, palette, width))
    unknown = [clean(str(word)) for word in verdict.get("not_measured") or ()]
    if unknown or tall:
        lines.append(_line("Unmeasured", "; ".join(unknown) or "everything was measured", palette, width))
    lines.append(_line("Open", _open_long(vitals), palette, width))
    lines.append(_line("Server", _server(first(feed.seen.get("database"))), palette, width))
    if vitals.get("mirrored"):
        lines.append(_line("Mirror", _mirror(vitals), palette, width))
    elif tall:
        lines.append(_line("Mirror", "no table is mirrored", palette, width))
    return Text("\n").join(lines)


def _line(name: str, text: str, palette: Palette, width: int) -> Text:
    line = Text.assemble((f" {name:<12}", palette.muted))
    line.append(cut(text, width - 13), style=palette.text)
    return line


def _scores(row: Row, points: Sequence[float | None], palette: Palette, width: int) -> Text:
    line = Text.assemble((" Health      ", palette.muted))
    line.append(_score(row.get("shm")), style=f"bold {palette.text}")
    parts = (("UX", "ux"), ("Semantic", "semantic"), ("State", "state"))
    line.append("".join(f"   {word} {_score(row.get(name))}" for word, name in parts), style=palette.text)
    if row.get("regime"):
        line.append(f"   {clean(str(row['regime']))}", style=palette.muted)
    room = width - line.cell_len - 14
    known = [point for point in points if point is not None]
    # Of one point there is no line.
    if room >= 8 and len(known) > 1:
        line.append("   last hour ", style=palette.muted)
        line.append(bars(points[-room:], min(0.0, *known), max(1.0, *known)), style=palette.accent)
    line.truncate(width)
    return line


def _score(value: Any) -> str:
    return "-" if value is None else f"{value:.2f}"


def _open_long(row: Row) -> str:
    if not row:
        return ""
    said = _open(row)[:2]
    said += [f"{count(row[name] or 0)} {word}" for name, word in OPEN.items()]
    return " · ".join(said)


def _server(row: Row) -> str:
    if not row:
        return ""
    said = [size(row["size_bytes"])] if row.get("size_bytes") is not None else []
    said.append(f"{row['sessions']} of {row['max_connections']} sessions, {row['active']} active")
    if row["waiting"]:
        said.append(f"{row['waiting']} wait for a lock")
    if row["idle_in_transaction"]:
        said.append(f"{row['idle_in_transaction']} idle in transaction")
    if row["hit_rate"] is not None:
        said.append(f"{show('share', row['hit_rate'])} from memory")
    if row["oldest_transaction"] is not None:
        said.append(f"oldest transaction {span(row['oldest_transaction'])}")
    return " · ".join(said)


def _mirror(row: Row) -> str:
    lag = "" if row.get("mirror_lag") is None else f", at most {span(row['mirror_lag'])} behind"
    return f"{_counted(row['mirrored'], 'table')}, {clean(str(row.get('mirror_state')))}{lag}"


def title_line(feed: Feed, tile: str, place: str, notes: Sequence[str], palette: Palette, width: int) -> Text:
    """Return the line over the table: what it is, which of several, sorted and filtered how, how old."""
    seen, known = feed.seen.get(tile), feed.tiles.get(tile)
    line = Text.assemble((f" {clean(known.title) if known else tile}", f"bold {palette.text}"))
    words = [f" {place}"] if place else []
    if seen is not None and seen.rows:
        words.append(f" · {len(seen.rows)} rows" if len(seen.rows) != 1 else " · 1 row")
    words += [f" · {note}" for note in notes]
    if seen is not None and seen.read_at and (feed.lost or silent(feed)):
        words.append(f" · read {ago(time.monotonic() - seen.read_at)}")
    if known is not None:
        words.append(f" · {clean(known.about)}")
    tail = Text(style=palette.muted)
    fit(tail, words, width - line.cell_len)
    return line.append_text(tail)
