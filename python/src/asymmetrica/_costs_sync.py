# Generated from _costs_async.py by tools/async_to_sync.py: change that, not this.
"""Methods for what statements cost."""

from __future__ import annotations

from datetime import timedelta

from . import _sql
from ._session_sync import Session
from .algebra import Cost
from .rows import Expectation, ObservedCost, QueryCost


class Costs:
    """The functions and views of schema asymm for complexity classes. Nothing of a statement is run.

    `query` is a statement or its number in asymm.queries; names in it are looked up by `path`, else as your
    sessions begin.
    """

    _session: Session

    def observe_cost(self, query: str | int, *, path: str | None = None) -> ObservedCost:
        """Return the complexity class of a statement by its plan. Raises `UnknownObject`."""
        if isinstance(query, int):
            return (self._session.rows(ObservedCost, _sql.OBSERVE_COST_OF, {"query": query}))[0]
        return (self._session.rows(ObservedCost, _sql.OBSERVE_COST, {"query": query, "path": path}))[0]

    def assert_cost(self, query: str, cost: str | Cost, *, path: str | None = None) -> str:
        """Return the class of a statement if it is no worse than that, for test suites.

        Raises `CostExceeded` with the node to blame and an index that would help, `NotPlanned`,
        `InvalidArgument`.
        """
        values = {"query": query, "cost": str(cost), "path": path}
        return str(self._session.value(_sql.ASSERT_COST, values))

    def query_costs(self) -> list[QueryCost]:
        """Return the classes of the statements of the workload, and whether their growth confirms them."""
        return self._session.rows(QueryCost, _sql.QUERY_COSTS)

    def expect(
        self,
        query: str | int,
        *,
        cost: str | Cost | None = None,
        latency: timedelta | None = None,
        path: str | None = None,
    ) -> Expectation:
        """Declare what a statement may cost; a plan or a mean time that breaks it becomes a finding.

        Raises `InvalidArgument`, `UnknownObject`.
        """
        values = {"query": query, "cost": None if cost is None else str(cost), "latency": latency}
        if isinstance(query, int):
            return (self._session.rows(Expectation, _sql.EXPECT_OF, values))[0]
        return (self._session.rows(Expectation, _sql.EXPECT, {**values, "path": path}))[0]

    def unexpect(self, expectation: int) -> Expectation:
        """Take an expectation back; return what it was. Raises `UnknownObject`."""
        return (self._session.rows(Expectation, _sql.UNEXPECT, {"expectation": expectation}))[0]

    def expectations(self, *, state: str | None = None) -> list[Expectation]:
        """Return what is expected, all or what is kept, broken or unknown."""
        return self._session.rows(Expectation, _sql.EXPECTATIONS, {"state": state})
