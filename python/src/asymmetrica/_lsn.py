"""Positions in the log: text as Postgres writes them, numbers to compare."""

from __future__ import annotations

__all__ = ["format_lsn", "parse_lsn"]


def parse_lsn(text: str) -> int:
    """Return X/Y as a number. Raises ValueError."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def format_lsn(lsn: int) -> str:
    """Return a number as X/Y."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
