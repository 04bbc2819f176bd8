# Generated from _graph_async.py by tools/async_to_sync.py: change that, not this.
"""Methods for the graph: how data flows, and what is said of its nodes."""

from __future__ import annotations

from typing import Any

from . import _sql
from ._session_sync import Session
from .algebra import Annotation, Context
from .rows import GraphFlow, GraphNode, NodeContext, PathStep, RouteStep, TouchedNode


class Graph:
    """The functions and views of schema asymm for the graph.

    A node is entity:schema.name, query:number or cache:name, or a relation's name; of one that isn't there
    `UnknownObject` is raised, with the nearest names in its hint.
    """

    _session: Session

    def nodes(self, *, kind: str | None = None) -> list[GraphNode]:
        """Return the nodes, all or those of a kind: entity, query, cache."""
        return self._session.rows(GraphNode, _sql.NODES, {"kind": kind})

    def flows(self, *, node: str | None = None) -> list[GraphFlow]:
        """Return the flows, all or those from and to a node (by its whole name)."""
        return self._session.rows(GraphFlow, _sql.FLOWS, {"node": node})

    def impact(self, node: str, *, operation: str = "amplify") -> list[TouchedNode]:
        """Return who is touched if a node changes, the nearest first. Raises `InvalidArgument`."""
        return self._session.rows(TouchedNode, _sql.IMPACT, {"node": node, "operation": operation})

    def path(self, source: str, target: str) -> list[PathStep]:
        """Return the shortest way along flows; nothing where there is none."""
        return self._session.rows(PathStep, _sql.PATH, {"source": source, "target": target})

    def route(self, query: int) -> list[RouteStep]:
        """Return how a query of the workload goes, and what would answer it best by what was measured."""
        return self._session.rows(RouteStep, _sql.ROUTE, {"query": query})

    def annotation_of(self, node: str) -> NodeContext:
        """Return what is said of a node, by whom, and how far it can be believed."""
        return self._said(_sql.ANNOTATION_OF, {"node": node})

    def annotate_node(self, node: str, annotation: Annotation) -> NodeContext:
        """Say what a node is, in place of what this role said before; return what is said of it now.

        Raises `NotAllowed`, `NullArgument`, `InvalidArgument`.
        """
        values: dict[str, Any] = {
            "node": node,
            "symbol": annotation.symbol,
            "scope": annotation.scope,
            "regime": annotation.regime,
            "cost": str(annotation.cost),
            "lineage": list(annotation.lineage),
            "weight": annotation.weight,
        }
        return self._said(_sql.ANNOTATE_NODE, values)

    def unannotate(self, node: str) -> NodeContext:
        """Take back what this role said of a node. Raises `NotAllowed`."""
        return self._said(_sql.UNANNOTATE, {"node": node})

    def _said(self, sql: Any, values: dict[str, Any]) -> NodeContext:
        (row,) = self._session.rows(dict, sql, values)
        context = Context(*(Annotation(*fields) for fields in row.pop("context")))
        return NodeContext(context=context, **row)
