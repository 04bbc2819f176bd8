"""A dashboard: its grid of 24 columns, its variables, and the lines that lead to the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Self

from grafana_foundation_sdk.builders import dashboard as make
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from .panels import SOURCE, Sql

MARKS = (
    (
        "Drift",
        "orange",
        "SELECT d.noticed_at AS time, d.object || COALESCE(' ' || d.part || ' ' || d.name, '') AS text, "
        "d.state AS tags FROM asymm.drift AS d WHERE $__timeFilter(d.noticed_at)",
    ),
    (
        "Actions",
        "blue",
        "SELECT a.applied_at AS time, a.kind || ' ' || a.target AS text, a.state AS tags "
        "FROM asymm.actions AS a WHERE $__timeFilter(a.applied_at)",
    ),
)


class Marks(dashboard.AnnotationTarget, Builder[dashboard.AnnotationTarget]):
    """Vertical lines in the plots: a query of our own in place of Grafana's tags."""

    def __init__(self, sql: str) -> None:
        super().__init__()
        self.query = Sql(sql, "Anno", "table")

    def build(self) -> Self:
        """Return itself."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return the query."""
        return self.query.to_json()


class Board:
    """A dashboard: panels are put in lines, from left to right."""

    def __init__(self, name: str, title: str, about: str, *, refresh: str) -> None:
        self.name = name
        self._x = self._y = self._height = self._count = 0
        self.made = make.Dashboard(f"Asymmetrica: {title}").uid(f"asymmetrica-{name}").description(about)
        self.made.tags(["asymmetrica"]).refresh(refresh).time("now-1h", "now").timezone("browser").readonly()
        self.made.tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        for title, color, sql in MARKS:
            self.made.annotation(
                make.AnnotationQuery()
                .name(title)
                .datasource(SOURCE)
                .enable(True)
                .icon_color(color)
                .target(Marks(sql))
            )

    def chosen_by(self, chosen: make.QueryVariable) -> None:
        """Add a variable."""
        self.made.with_variable(chosen)

    def linked(self, others: Sequence[tuple[str, str]]) -> None:
        """Lead to the other dashboards, in the order in which one looks closer."""
        for name, title in others:
            link = (
                make.DashboardLink(title).type(dashboard.DashboardLinkType.LINK).url(f"/d/asymmetrica-{name}")
            )
            self.made.link(link.keep_time(True).tooltip(f"Asymmetrica: {title}"))

    def line(self, height: int, *panels: tuple[int, make.Panel]) -> None:
        """Put panels beside each other, each with its width."""
        x = 0
        for width, panel in panels:
            self._count += 1
            self.made.with_panel(panel.id(self._count).grid_pos(dashboard.GridPos(height, width, x, self._y)))
            x += width
        if x != 24:
            raise ValueError(f"{self.name}: a line of {x} columns")
        self._y += height

    def text(self) -> str:
        """Return the dashboard as JSON."""
        plain: Any = json.loads(json.dumps(self.made.build(), cls=JSONEncoder))
        return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
