"""Rows of the sonars: scores are 0 to 1, None where nothing was measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

__all__ = [
    "Balance",
    "EncoreSettings",
    "EntityStates",
    "Finding",
    "Health",
    "Knowledge",
    "Leverage",
    "Metric",
    "Point",
    "Promise",
    "Reading",
    "Replay",
    "ScoreTerm",
    "Smoothness",
    "TrackedState",
]


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


@dataclass(frozen=True, slots=True)
class EntityStates:
    """State Sonar of one table; `source` says where each figure is from, None before the first look."""

    entity: str
    columns: list[str]
    rows: float | None
    states: int
    transitions: int
    complexity: float | None
    distinct_rows: float | None
    explosion: float | None
    smt: float | None
    score: float | None
    status: str | None
    critique: list[str]
    source: str
    measured_at: datetime | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A row of asymm.findings: what is wrong, what shows it, and what to do; `action` is a proposal."""

    id: int
    sonar: str
    severity: str
    node: str
    seen: str
    evidence: Any
    query: str | None
    recommended: str | None
    action: int | None
    action_state: str | None
    times: int
    opened_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Leverage:
    """A ratio of before to after beside its target; `note` says why it is None."""

    name: str
    target: float
    measured: float | None
    met: bool | None
    how: str
    note: str | None


@dataclass(frozen=True, slots=True)
class ScoreTerm:
    """A term of a score: what it adds, what measured it, and the query that shows the rows."""

    term: str
    value: float | None
    weight: float | None
    adds: float | None
    source: str
    query: str | None


@dataclass(frozen=True, slots=True)
class Metric:
    """A row of asymm.metrics: something that is measured over time, of so many nodes."""

    metric: str
    unit: str
    kind: str
    source: str
    step: timedelta | None
    nodes: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Point:
    """A bucket of a series: mean of a gauge, sum of a counter, or ratio; extremes of one step."""

    at: datetime
    value: float | None
    min: float | None
    max: float | None
    count: int


@dataclass(frozen=True, slots=True)
class EncoreSettings:
    """Consent to replays, and their limits."""

    encore: bool
    owner_texts: bool
    time_limit: timedelta
    replay_every: timedelta
    max_active_sessions: int


@dataclass(frozen=True, slots=True)
class Replay:
    """A statement of the past run again (ψ): `constants` is where they came from, `lesson` what is new."""

    replay: int
    at: datetime
    query: int
    constants: str
    cost_before: str | None
    cost_after: str | None
    confidence_before: float
    confidence_after: float
    latency_ms: float | None
    usual_ms: float | None
    taught: bool
    lesson: str | None
    annotation: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What experiments brought: `play` is Ωp, `growth` dK/dt a day; None where nothing was tried."""

    play: float | None
    growth: float | None
    cost_gain: float
    confidence_gain: float
    indexes: int
    indexes_taught: int
    replays: int
    replays_taught: int
