"""What a read returns: the rows, and where they came from."""

from __future__ import annotations

from typing import Any, Literal

from ..rows import Annotation

__all__ = ["Result", "Route", "Row"]

Route = Literal["near", "redis", "replica", "primary"]

# How the work grows on a route, in the words of annotate(): a copy is looked up, a query is run.
_COST: dict[Route, str] = {"near": "O(1)", "redis": "O(1)", "replica": "O(n)", "primary": "O(n)"}


class Row(dict[str, Any]):
    """One row of a table by column name; `route` and `age` as in `Result`."""

    __slots__ = ("age", "route")
    route: Route
    age: float


class Result:
    """The rows of a query.

    `rows` are tuples, `columns` their names. `route` says who answered; `age` bounds how old the answer can
    be, in seconds, when it was given; `elapsed` is the time it took. `lsn`: everything committed before it is
    in the answer (None where no such position is known: for the primary only the mirror's worker tells one).
    `why_not` says why the result is not kept, None if it is.
    """

    __slots__ = ("age", "columns", "elapsed", "lsn", "route", "rows", "tables", "why_not")

    def __init__(
        self,
        columns: tuple[str, ...],
        rows: list[tuple[Any, ...]],
        route: Route,
        age: float,
        elapsed: float,
        lsn: str | None,
        tables: tuple[str, ...],
        why_not: str | None,
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.route: Route = route
        self.age = age
        self.elapsed = elapsed
        self.lsn = lsn
        self.tables = tables
        self.why_not = why_not

    @property
    def cached(self) -> bool:
        """Whether the rows came from a copy of an earlier result."""
        return self.route in ("near", "redis")

    @property
    def annotation(self) -> Annotation:
        """The read as an annotation: its route, what it costs there, and the tables it came from."""
        symbol = f"query:{self.route}"
        regime = "Balance" if self.cached else "Exploration"
        tables = (f"entity:{table}" for table in self.tables)
        return Annotation(symbol, "local", regime, _COST[self.route], tables)

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows by column name; of columns that share a name the last one stays."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<Result of {len(self.rows)} rows from {self.route}, at most {self.age:.3f} s old>"
