"""What a terminal shows of a value: text without control characters, numbers with units, plain times."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from .._plain import inline

Kind = Literal["text", "state", "id", "number", "bytes", "ms", "seconds", "time", "share", "score", "hour"]

# Numbers stand at the right, so that they can be compared.
RIGHT: frozenset[Kind] = frozenset(
    ("id", "number", "bytes", "ms", "seconds", "time", "share", "score", "hour")
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LONG = 4000


def clean(text: str, *, lines: bool = False) -> str:
    """Return a text whose every sign can be seen: control characters, direction marks and the like escaped.

    Names come from whoever may create a table. `lines` keeps line ends, for statements.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(sign, lines) for sign in text)


def _shown(sign: str, lines: bool) -> str:
    if sign == " " or (lines and sign == "\n"):
        return sign
    if lines and sign == "\t":
        return "    "
    # Control, format and private signs, halves of pairs, ends of lines, blanks that are none.
    if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"):
        return sign
    number = ord(sign)
    if number < 0x100:
        return _NAMED.get(sign, f"\\x{number:02x}")
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def moment(value: Any) -> datetime | None:
    """Return a time the reader gave as ISO 8601; None for none, and for infinity and years before 1."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def span(seconds: float) -> str:
    """Return how long something takes, in two or three digits."""
    size = abs(seconds)
    if size == 0:
        return "0 s"
    if size < 0.0995:
        return f"{seconds * 1000:.3g} ms"
    if size < 9.95:
        return f"{seconds:.1f} s"
    for limit, unit, per in ((119.5, "s", 1), (7170, "min", 60), (172800, "h", 3600)):
        if size < limit:
            return f"{seconds / per:.0f} {unit}"
    return f"{seconds / 86400:,.0f} d"


def ago(seconds: float) -> str:
    """Return how long ago something was; clocks of two machines may differ, so a little ahead is now."""
    if seconds < -2:
        return f"in {span(-seconds)}"
    if seconds < 1:
        return "now"
    return f"{int(seconds)} s ago" if seconds < 10 else f"{span(seconds)} ago"


def size(number: float) -> str:
    """Return a number of bytes as people say it."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(number) < 9999.5 or unit == "TB":
            break
        number /= 1024
    return f"{number:,.0f} {unit}"


def count(number: float) -> str:
    """Return a number with separators, and only as many decimals as tell something."""
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:,.1f}" if abs(number) >= 10 else f"{number:.3g}"


def show(kind: Kind, value: Any, now: datetime | None = None) -> str:
    """Return what a cell shows of a value as the reader gives it, on one line."""
    if value is None:
        return ""
    if kind == "time":
        at = moment(value)
        return clean(str(value)) if at is None else ago(((now or utc()) - at).total_seconds())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return _number(kind, value)
    text = inline(value)
    return clean(text if len(text) <= _LONG else text[:_LONG] + "…")


def _number(kind: Kind, value: float) -> str:
    match kind:
        case "id":
            return str(value)
        case "bytes":
            return size(value)
        case "ms":
            return span(value / 1000)
        case "hour":
            return f"{span(value / 1000)}/h"
        case "seconds":
            return span(value)
        case "share":
            part = 100 * value
            return f"{part:.1f} %" if part < 9.95 or 99 < part < 100 else f"{part:.0f} %"
        case "score":
            return f"{value:.2f}"
    return count(value)


def utc() -> datetime:
    """Return the time now."""
    return datetime.now(UTC)


def guess(column: str) -> Kind:
    """Return what a column holds that nobody described, by its name."""
    for end, kind in _ENDS.items():
        if column == end or column.endswith("_" + end):
            return kind
    return "text"


_ENDS: Mapping[str, Kind] = {
    "at": "time", "seen": "text", "first_seen": "time", "last_seen": "time", "since": "time",
    "ms": "ms", "hour": "hour", "bytes": "bytes", "share": "share", "rate": "number",
    "lag": "seconds", "age": "seconds", "ttl": "seconds", "cadence": "seconds", "spent": "seconds",
    "saved": "seconds",
    "waiting": "seconds", "in_transaction": "seconds", "oldest_transaction": "seconds", "state": "state",
    "status": "state", "severity": "state",
}  # fmt: skip
