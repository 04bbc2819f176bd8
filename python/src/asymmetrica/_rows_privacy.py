"""Rows of privacy: protected columns, the audit, erasures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["AuditState", "Erased", "ErasedAgain", "Protected", "Protection", "Unhashed"]


@dataclass(frozen=True, slots=True)
class Protected:
    """A row of asymm.protected; `present` is False where there is no such column now."""

    object: str
    column: str
    method: str
    protected_by: str
    protected_at: datetime
    present: bool
    masked_view: str | None


@dataclass(frozen=True, slots=True)
class Protection:
    """What protect() or unprotect() did besides declaring."""

    object: str
    column: str
    done: list[str]


@dataclass(frozen=True, slots=True)
class Unhashed:
    """A column protected by method hash: rows with a value, and those whose value is no token."""

    column: str
    filled: int
    not_hashed: int


@dataclass(frozen=True, slots=True)
class AuditState:
    """Whether the audit is as it was written; keep `anchor` elsewhere and verify with it next time."""

    intact: bool
    entries: int
    sealed: int
    anchor: str | None
    faults: list[str]


@dataclass(frozen=True, slots=True)
class Erased:
    """A place: rows of the subject it held, rows erased, rows found there when it was read back."""

    place: str
    held: int
    erased: int
    remaining: int


@dataclass(frozen=True, slots=True)
class ErasedAgain:
    """The same for a subject that was found again in a restored copy."""

    kind: str
    place: str
    held: int
    erased: int
    remaining: int
