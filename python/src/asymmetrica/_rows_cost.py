"""Rows of what statements cost: complexity classes by their plans, and what is expected of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

__all__ = ["Expectation", "ObservedCost", "QueryCost"]


@dataclass(frozen=True, slots=True)
class ObservedCost:
    """The class of a statement, the node of its plan to blame, an index that would help; or the reason."""

    cost: str | None
    place: str | None
    node: str | None
    relation: str | None
    condition: str | None
    remedy: str | None
    reason: str | None
    plan: Any


@dataclass(frozen=True, slots=True)
class QueryCost:
    """A row of asymm.query_costs; exponents are how time and blocks of a call grew with the table."""

    query: int
    role: str
    command: str | None
    statement: str | None
    cost: str | None
    place: str | None
    node: str | None
    relation: str | None
    condition: str | None
    time_exponent: float | None
    blocks_exponent: float | None
    size_ratio: float | None
    confirmed: bool | None
    not_planned: str | None
    looked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Expectation:
    """A row of asymm.expectations: what is expected of a statement, whether it is kept, what was seen."""

    expectation: int
    statement: str | None
    cost: str | None
    latency: timedelta | None
    state: str
    since: datetime | None
    seen_cost: str | None
    seen_latency: timedelta | None
    place: str | None
    node: str | None
    relation: str | None
    condition: str | None
    reason: str | None
    checked_at: datetime | None
    declared_by: str
    declared_at: datetime
