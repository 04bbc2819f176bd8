"""Rows of what is exchanged between databases: baseline documents, differences, the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = [
    "Approved",
    "Baseline",
    "Definition",
    "Deviation",
    "FleetMember",
    "Imported",
    "ImportedBaseline",
    "ObjectStep",
]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a database should be, or is, as one document.

    `document` is JSON text as Postgres wrote it: keep it as it is, its numbers mean what they say only there.
    """

    fingerprint: str
    objects: int
    whole_database: bool
    schemas: list[str]
    document: str


@dataclass(frozen=True, slots=True)
class Imported:
    """A document that import_baseline() took in."""

    fingerprint: str
    objects: int
    approved: bool


@dataclass(frozen=True, slots=True)
class ImportedBaseline:
    """A row of asymm.imported: a document from elsewhere, or a former baseline; `kinds` counts objects."""

    fingerprint: str
    imported_by: str
    imported_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    whole_database: bool
    schemas: list[str]
    objects: int
    kinds: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class Definition:
    """A text of an imported document that would be run once it is approved."""

    kind: str
    object: str
    part: str
    name: str
    attribute: str
    definition: str


@dataclass(frozen=True, slots=True)
class Approved:
    """What approve_baseline() did with an object: declared, changed, same or forgotten."""

    object: str
    kind: str
    policy: str
    change: str


@dataclass(frozen=True, slots=True)
class Deviation:
    """How a database differs from a document; attribute None: a whole part or object, missing or extra."""

    kind: str
    object: str
    part: str
    name: str
    attribute: str | None
    declared: Any
    actual: Any


@dataclass(frozen=True, slots=True)
class ObjectStep:
    """One statement of a repair of everything, as heal_all() reports it."""

    action: int | None
    step: int
    object: str
    statement: str | None
    inverse: str | None
    lock_class: str | None
    hazards: list[str] | None
    state: str


@dataclass(frozen=True, slots=True)
class FleetMember:
    """A row of asymm.fleet: a database and the others that are the same."""

    name: str
    fingerprint: str
    label: str | None
    seen_at: datetime
    changed_at: datetime
    reported_by: str
    agrees_with: list[str]
