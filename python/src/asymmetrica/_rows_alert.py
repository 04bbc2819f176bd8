"""Rows of alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Alert", "AlertDestination", "AlertMessage", "AlertRule"]


@dataclass(frozen=True, slots=True)
class Alert:
    """A row of asymm.alerts: open until `closed_at`; `sent`, `waiting` and `dead` count its messages."""

    id: int
    rule: str
    severity: str
    source: str
    about: str
    seen: str
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    escalated_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    sent: int
    waiting: int
    dead: int


@dataclass(frozen=True, slots=True)
class AlertDestination:
    """A row of asymm.alert_destinations; `secret` is the name of a variable, never what is in it."""

    name: str
    kind: str
    url: str | None
    secret: str | None
    sender: str | None
    recipients: list[str]
    template: str | None
    language: str
    give_up_after: timedelta
    state: str
    failures_in_row: int
    error: str | None
    status: int | None
    sent: int
    failed: int
    dead: int
    waiting: int
    last_sent_at: datetime | None
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A row of asymm.alert_rules: what is told to whom; None is no condition."""

    name: str
    destinations: list[str]
    severity: str
    sources: list[str] | None
    kinds: list[str] | None
    pattern: str | None
    wait: timedelta
    resolved: bool
    quiet_hours: str
    time_zone: str
    escalate_after: timedelta | None
    escalate_to: list[str] | None
    set_by: str
    open: int


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """A row of asymm.alert_outbox; `state` is waiting, sent, dead or skipped."""

    id: int
    alert: int | None
    destination: str
    recipient: str | None
    what: str
    state: str
    due_at: datetime
    tries: int
    text: str | None
    status: int | None
    error: str | None
    ended_at: datetime | None
