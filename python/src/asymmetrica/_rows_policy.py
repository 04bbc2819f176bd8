"""Rows of policies by rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["PolicyFor", "PolicyRule", "UnsetRule"]


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A row of asymm.policies: a policy and its conditions, None where there is none; sizes in bytes."""

    id: int
    policy: str
    pattern: str | None
    kind: str | None
    hazard: str | None
    larger_than: int | None
    conditions: str
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class UnsetRule:
    """A rule that unset_policy() took back."""

    rule: int
    policy: str
    pattern: str | None
    kind: str | None
    hazard: str | None
    larger_than: int | None
    set_by: str


@dataclass(frozen=True, slots=True)
class PolicyFor:
    """The policy in force for an object (hazard None) or for a hazard of its repair, and what decided."""

    object: str
    kind: str
    hazard: str | None
    policy: str
    decided_by: str
    conditions: str
    set_by: str | None
    lost: list[str]
