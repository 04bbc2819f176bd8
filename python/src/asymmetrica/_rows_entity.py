"""Rows of the entity store; values and annotations are decoded JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

__all__ = ["CreatedEntity", "DeletedEntity", "Entity", "EntitySettings", "EntityVersion"]


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity. `route` and `age` say where it was read and how many seconds old that can be at most."""

    id: str
    value: Any
    annotations: Any
    version: int
    content_hash: bytes
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    route: Literal["near", "redis", "replica", "primary"] = field(default="primary", compare=False)
    age: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class EntityVersion:
    """A version that is kept: `until` it was replaced (None: it holds); deleted: it is a tombstone."""

    version: int
    value: Any
    annotations: Any
    content_hash: bytes | None
    changed_at: datetime
    changed_by: str
    until: datetime | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class CreatedEntity:
    """What became of one of a list: not `created` if an earlier call with the same key had made it."""

    id: str
    version: int
    created: bool


@dataclass(frozen=True, slots=True)
class DeletedEntity:
    """A tombstone: `version` is its own."""

    id: str
    version: int
    deleted_at: datetime


@dataclass(frozen=True, slots=True)
class EntitySettings:
    """How long versions and idempotency keys are kept, how large values may be, if reads are recorded."""

    retention: timedelta
    idempotency_window: timedelta
    max_value_bytes: int
    audit_reads: bool
