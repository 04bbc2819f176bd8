"""Rows of indexes: advice and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

__all__ = ["Autopilot", "IndexAdvice", "IndexSettings"]


@dataclass(frozen=True, slots=True)
class IndexAdvice:
    """A row of asymm.advice: an index to create, drop or rebuild; gains in milliseconds an hour."""

    action: int
    kind: str
    target: str
    index: str | None
    state: str
    definition: str | None
    size_bytes: int | None
    predicted_ms_per_hour: float | None
    measured_ms_per_hour: float | None
    proved: bool | None
    why: str | None
    reason: str | None
    progress: str | None
    problem: str | None
    statement: str | None
    inverse: str | None
    queries: Any
    tries: int
    created_at: datetime
    changed_at: datetime
    built_at: datetime | None


@dataclass(frozen=True, slots=True)
class Autopilot:
    """What autopilot is set to, and how many actions on indexes are approved and proposed."""

    autopilot: str
    approved: int
    proposed: int
    note: str


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The settings of indexes in force."""

    autopilot: str
    index_budget: str
    max_index_build_bytes: int
    max_database_bytes: int
    quiet_hours: str
    max_active_sessions: int
    build_wait: timedelta
    validation_min: timedelta
    validation_max: timedelta
    validation_confidence: float
    max_regression: float
    advice_expires: timedelta
    unused_after: timedelta
    search_every: timedelta
    workload_window: timedelta
    workload_step: timedelta
    build_unproved: bool
