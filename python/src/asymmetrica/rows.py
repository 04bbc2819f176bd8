"""Rows: what the views and functions of the extension return, one frozen class each.

Times are aware datetimes, `_ms` fields are milliseconds, `declared` and `actual` are decoded JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

__all__ = [
    "Action",
    "ActionEvent",
    "Annotation",
    "Beat",
    "Check",
    "Difference",
    "Drift",
    "Heartbeat",
    "Job",
    "Organ",
    "Policy",
    "Result",
    "Settings",
    "State",
    "Step",
    "Watched",
    "WatchedObject",
]

Policy = Literal["observe", "propose", "heal", "guard"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """The annotation tuple (σ, ρ, γ, κ, λ) with its weight."""

    symbol: str
    scope: str
    regime: str
    cost: str
    lineage: list[str]
    weight: float


@dataclass(frozen=True, slots=True)
class Watched:
    """An object as watch() and unwatch() report it."""

    object: str
    kind: str
    policy: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class WatchedObject:
    """A row of asymm.watched."""

    object: str
    kind: str
    policy: str
    fingerprint: str
    in_step: bool | None
    held: str | None
    watched_by: str
    watched_at: datetime
    adopted_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference that adopt() turned into the declared state."""

    object: str
    kind: str
    part: str
    name: str
    attribute: str | None
    declared: Any
    adopted: Any


@dataclass(frozen=True, slots=True)
class Drift:
    """A row of asymm.drift: one difference, who made it, and its repair."""

    id: int
    object: str
    kind: str
    part: str
    name: str
    attribute: str | None
    declared: Any
    actual: Any
    role: str | None
    application: str | None
    client_addr: str | None
    ddl_at: datetime | None
    statement: str | None
    intent: str | None
    noticed_at: datetime
    found_by: str
    hazards: list[str] | None
    repair: str | None
    policy: str | None
    state: str
    reason: str | None
    action: int | None
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a repair, as heal() and revert() report it."""

    action: int | None
    step: int
    statement: str | None
    inverse: str | None
    lock_class: str | None
    hazards: list[str] | None
    state: str


@dataclass(frozen=True, slots=True)
class State:
    """The state of an action after approve() or reject()."""

    action: int
    state: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Action:
    """A row of asymm.actions: the ledger."""

    id: int
    kind: str
    target: str
    state: str
    reason: str | None
    requested_by: str
    statements: list[str] | None
    inverse: list[str] | None
    hazards: list[str] | None
    evidence_before: Any
    evidence_after: Any
    error: Any
    tries: int
    created_at: datetime
    changed_at: datetime
    applied_by: str | None
    applied_at: datetime | None
    duration_ms: float | None


@dataclass(frozen=True, slots=True)
class ActionEvent:
    """One state an action was in, and who put it there."""

    at: datetime
    from_state: str | None
    to_state: str
    by_role: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force."""

    period: timedelta
    notify: str
    header_scan_every: timedelta
    full_scan_every: timedelta
    migrator_roles: list[str]
    migrator_applications: list[str]
    lock_timeout: timedelta
    repair_timeout: timedelta
    max_actions_per_hour: int
    max_table_bytes: int
    relapse_limit: int
    relapse_window: timedelta
    statement_chars: int
    retention: timedelta
    weight_exploration: float
    weight_optimization: float
    weight_stabilization: float


@dataclass(frozen=True, slots=True)
class Result:
    """A statement that was run for you, and what came of it."""

    statement: str
    result: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job of pg_cron that start() made or stop() removed."""

    job: str
    schedule: str | None
    command: str | None
    actor: str | None
    state: str | None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A row of asymm.heartbeat: one loop. Rate in beats a second over the last minute."""

    actor: str
    lane: str
    alive: bool
    seq: int
    beat_at: datetime | None
    age: timedelta | None
    rate: float | None
    p50_interval_ms: float | None
    p99_interval_ms: float | None
    missed: int
    work_ms: float | None
    work_p99_ms: float | None
    clock_jumps: int
    paused: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """A row of doctor(): status is ok, warning or error; remedy is a command to copy."""

    check_name: str
    status: str
    seen: str | None
    remedy: str | None


@dataclass(frozen=True, slots=True)
class Organ:
    """A row of asymm.organs: a recurring job and its running cost."""

    name: str
    lane: str
    regime: str
    cadence: timedelta
    enabled: bool
    runs: int
    failures: int
    last_run_at: datetime | None
    last_ms: float | None
    total_ms: float | None
    share: float | None
    last_error: Any


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat as NOTIFY asymm_pulse tells it.

    `objects` are the watched objects that changed or were repaired. `missed` is true for the first beat after
    the listener had to reconnect: something may have been told meanwhile, so read drift() and actions() anew.
    `payload` is the whole message. Any role may NOTIFY, so take it as a hint, never as proof.
    """

    seq: int
    at: datetime | None
    actor: str | None
    objects: tuple[str, ...]
    drifts: int
    adopted: int
    actions: tuple[Any, ...]
    missed: bool
    payload: Mapping[str, Any]
