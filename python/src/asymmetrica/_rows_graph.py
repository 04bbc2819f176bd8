"""Rows of the graph: its nodes, what flows between them, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .algebra import Annotation, Context

__all__ = ["GraphFlow", "GraphNode", "NodeContext", "PathStep", "RouteStep", "TouchedNode"]


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A row of asymm.nodes: an entity, a query (its number in asymm.queries) or a cache."""

    node: str
    kind: str
    what: str
    state: str
    relation: str | None
    query: int | None
    first_seen: datetime
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class GraphFlow:
    """A row of asymm.flows: calls and times are those of the last seven days."""

    source: str
    target: str
    kind: str
    declared: bool
    calls: int | None
    last_fired: datetime | None
    mean_ms: float | None
    variance_ms2: float | None
    query: int | None
    first_seen: datetime


@dataclass(frozen=True, slots=True)
class TouchedNode:
    """A node that a change reaches: how far in flows, what is left of the change there, the way."""

    touched: str
    kind: str
    distance: int
    attenuation: float
    path: str


@dataclass(frozen=True, slots=True)
class PathStep:
    """A node on the shortest way, and the kind of flow that leads on from it."""

    place: int
    node: str
    kind: str
    flow: str | None


@dataclass(frozen=True, slots=True)
class RouteStep:
    """Where a query goes: itself, what it reads and writes, copies of that, and what could answer it.

    Of what could answer it `success` is the share of attempts that did, `score` what arbitration gives it;
    `best` is the one that wins.
    """

    place: int
    role: str
    node: str
    state: str | None
    ms: float | None
    calls: int | None
    plan_cost: float | None
    success: float | None
    score: float | None
    best: bool | None
    remark: str | None


@dataclass(frozen=True, slots=True)
class NodeContext:
    """What is said of a node, and by whom; `fidelity` is how far that can be believed, None of a fork."""

    name: str
    state: str
    context: Context
    said_by: list[str]
    fidelity: float | None

    @property
    def agreed(self) -> Annotation | None:
        """The annotation, if there is one and nothing disagrees with it."""
        return self.context.annotations[0] if self.state == "annotated" else None
