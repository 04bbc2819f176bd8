"""Rows about duplicates; keys are decoded JSON, column name → value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["DuplicateCount", "DuplicateGroup", "Merge", "NearDuplicate"]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Rows of equal content: their hash, how many, and two of their keys."""

    hash: bytes
    rows: int
    sample_keys: Any


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Two rows that are nearly the same by a rule (normalised, trigram); similarity is at most 1."""

    rule: str
    similarity: float
    first_key: Any
    second_key: Any
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class DuplicateCount:
    """Duplicates of a table; `explosion` is rows to distinct rows. `note` says why nothing was counted."""

    object: str
    columns: list[str]
    rows: int | None
    distinct_rows: int | None
    duplicates: int | None
    groups: int | None
    largest: int | None
    explosion: float | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge: rows removed, references pointed elsewhere; `action` is None where nothing was done.

    `index_action` is the one of the unique index that a builder makes, if one was asked for.
    """

    action: int | None
    groups: int
    removed: int
    repointed: int
    skipped: int
    notes: list[str]
    index_action: int | None
