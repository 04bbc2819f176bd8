"""Rows: what the views and functions of the extension return, one frozen class each.

Times are aware datetimes, `_ms` fields are milliseconds, `declared` and `actual` are decoded JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from . import (
    _rows_alert,
    _rows_cost,
    _rows_duplicate,
    _rows_entity,
    _rows_exchange,
    _rows_graph,
    _rows_index,
    _rows_policy,
    _rows_privacy,
    _rows_pulse,
    _rows_sonar,
)
from ._rows_alert import *  # noqa: F403
from ._rows_cost import *  # noqa: F403
from ._rows_duplicate import *  # noqa: F403
from ._rows_entity import *  # noqa: F403
from ._rows_exchange import *  # noqa: F403
from ._rows_graph import *  # noqa: F403
from ._rows_index import *  # noqa: F403
from ._rows_policy import *  # noqa: F403
from ._rows_privacy import *  # noqa: F403
from ._rows_pulse import *  # noqa: F403
from ._rows_sonar import *  # noqa: F403
from .algebra import Annotation, AnnotationSettings

__all__ = [
    "Action",
    "ActionEvent",
    "Annotation",
    "AnnotationSettings",
    "Command",
    "Difference",
    "Drift",
    "Event",
    "Policy",
    "Settings",
    "State",
    "Step",
    "Undone",
    "Watched",
    "WatchedObject",
]
__all__ += _rows_pulse.__all__
__all__ += _rows_entity.__all__
__all__ += _rows_exchange.__all__
__all__ += _rows_policy.__all__
__all__ += _rows_sonar.__all__
__all__ += _rows_index.__all__
__all__ += _rows_graph.__all__
__all__ += _rows_cost.__all__
__all__ += _rows_duplicate.__all__
__all__ += _rows_alert.__all__
__all__ += _rows_privacy.__all__

Policy = Literal["observe", "propose", "heal", "guard"]


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
    in_step: bool
    held: str | None
    annotation: Any
    by_schema: bool
    watched_by: str
    watched_at: datetime
    adopted_by: str
    adopted_at: datetime
    reason: str | None
    checked_at: datetime | None


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
    login: str | None
    application: str | None
    client_addr: str | None
    ddl_at: datetime | None
    command_tag: str | None
    statement: str | None
    found_by: str
    noticed_at: datetime
    policy: str
    state: str
    reason: str | None
    hazards: list[str] | None
    repair: str | None
    action: int | None
    repaired_at: datetime | None
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a repair, as heal() reports it."""

    action: int | None
    step: int
    statement: str | None
    inverse: str | None
    lock_class: str | None
    hazards: list[str] | None
    state: str


@dataclass(frozen=True, slots=True)
class Undone:
    """One inverse statement of an action, as revert() reports it."""

    action: int
    step: int
    statement: str | None
    hazards: list[str]
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
class Event:
    """One thing that happened to an object, as history() tells it."""

    at: datetime
    event: str
    what: str | None
    by_role: str | None
    action: int | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Command:
    """A row of asymm.ddl: one DDL command as the log has it; the statement's text is for operators."""

    id: int
    at: datetime
    role: str
    login: str
    application: str | None
    client_addr: str | None
    command_tag: str
    objects: list[str]
    intent: str | None
    intended: bool
    action: int | None
    statement: str | None
    seen: bool


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
    max_actions_per_hour: int
    max_table_bytes: int
    relapse_limit: int
    relapse_window: timedelta
    statement_chars: int
    retention: timedelta
    weight_exploration: float
    weight_optimization: float
    weight_stabilization: float
