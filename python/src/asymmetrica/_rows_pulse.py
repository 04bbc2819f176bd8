"""Rows of the pulse: actors, jobs, loops, checks, organs and beats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

__all__ = ["Beat", "Check", "Healing", "Heartbeat", "Job", "Organ", "Result", "Stopped"]


@dataclass(frozen=True, slots=True)
class Result:
    """A statement that was run for you, and what came of it."""

    statement: str
    result: str


@dataclass(frozen=True, slots=True)
class Healing:
    """Whether repairs are on or paused, why, by whom and since when."""

    healing: str
    cause: str | None
    changed_by: str | None
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Job:
    """A job of pg_cron that runs the pulse."""

    job: int
    job_name: str
    schedule: str
    command: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A job that was unscheduled or a loop that was ended, and how that went."""

    object: str
    result: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A row of asymm.heartbeat: one loop. Rates are beats a second, over the last minute."""

    actor: str
    lane: str
    alive: bool
    seq: int
    beat_at: datetime | None
    age: timedelta | None
    rate: float
    rate_wanted: float | None
    interval_p50_ms: float | None
    interval_p99_ms: float | None
    interval_max_ms: float | None
    missed_last_minute: int
    missed: int
    skipped: int
    work_mean_ms: float | None
    work_p99_ms: float | None
    clock_jumps: int
    paused: str | None
    stopped: bool | None
    pid: int | None
    run_at: datetime | None
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
    failures_in_row: int
    last_run_at: datetime | None
    last_ms: float | None
    mean_ms: float | None
    total_ms: float
    share: float | None
    due_at: datetime | None
    last_error: Any
    purpose: str


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat as NOTIFY asymm_pulse tells it.

    `objects` are the watched objects looked at, `drifts` and `adopted` count differences found and adopted,
    `proposals` actions made, `actions` are the repairs run (decoded JSON). `missed` is true for the first
    beat after the listener had to reconnect: something may have been told meanwhile, so read drift() and
    actions() anew.
    `payload` is the whole message. Any role may NOTIFY, so take it as a hint, never as proof.
    """

    seq: int
    at: datetime | None
    actor: str | None
    lane: str | None
    objects: tuple[str, ...]
    drifts: int
    adopted: int
    proposals: int
    actions: tuple[Any, ...]
    missed: bool
    payload: Mapping[str, Any]
