"""Rows of the sonars: scores are 0 to 1, None where nothing was measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["Balance", "Health", "Promise", "Reading", "Smoothness", "TrackedState"]


@dataclass(frozen=True, slots=True)
class Health:
    """System health and its three parts; `not_measured` names those that were left out."""

    shm: float | None
    status: str | None
    regime: str | None
    ux: float | None
    semantic: float | None
    state: float | None
    not_measured: list[str]


@dataclass(frozen=True, slots=True)
class Balance:
    """How even health is (0 to 100, target 97), beside health itself; `place` and `centre` add up to 1."""

    score: float | None
    health: float | None
    support: float | None
    exploration: float | None
    balance: float | None
    place: list[float] | None
    centre: list[float]
    distance: float | None
    not_measured: list[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """A score (severity None) or something found wrong; `action` is a proposal in the ledger."""

    sonar: str
    node: str
    score: float | None
    status: str | None
    target: float | None
    severity: str | None
    seen: str
    recommended: str | None
    action: int | None
    evidence: Any
    query: str | None


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise: what it says, what was measured; `met` is None where nothing could be, `note` says why."""

    promise: str
    target: str
    measured: float | None
    unit: str
    met: bool | None
    how: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Smoothness:
    """UX-Sonar of all, or of one query, table or role: times in ms, percentiles of single queries only."""

    node: str
    calls: int
    calls_per_second: float
    mean_ms: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    slow_queries: int
    fps: float
    cls: float
    long_task: float
    score: float
    status: str
    critique: list[str]
    since: datetime
    source: str


@dataclass(frozen=True, slots=True)
class TrackedState:
    """A table whose states are observed, and what cannot be."""

    object: str
    state_columns: list[str]
    note: str | None
