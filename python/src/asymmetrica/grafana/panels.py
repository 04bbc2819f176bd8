"""Panels of the dashboards. Needs the extra `grafana`; only whoever changes a dashboard needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from grafana_foundation_sdk.builders import dashboard as make
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, dashboard, stat, table, timeseries

from . import DATASOURCE, PLUGIN

SOURCE = dashboard.DataSourceRef(type_val="grafana-postgresql-datasource", uid=DATASOURCE)
BUCKET = "make_interval(secs => $__interval_ms / 1000.0)"
COLORS = {"good": "green", "fair": "blue", "warning": "orange", "critical": "red", "unknown": "text"}
WORDS = COLORS | {
    "excellent": "green", "ok": "blue", "error": "red", "info": "blue", "open": "orange", "healed": "green",
    "live": "green", "proposed": "blue", "applied": "green", "verified": "green", "failed": "red",
    "rejected": "text", "reverted": "text", "building": "blue", "paused": "orange", "unsafe": "red",
    "no worker": "red", "gone": "red", "refused": "red",
}  # fmt: skip


class Sql(Builder[Dataquery], Dataquery):
    """A query of the Postgres data source."""

    def __init__(self, sql: str, ref: str, shape: str) -> None:
        self.sql, self.ref, self.shape = " ".join(sql.split()), ref, shape

    def build(self) -> Self:
        """Return itself: there is nothing to make of it."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return what Grafana keeps of a query."""
        return {
            "datasource": SOURCE,
            "editorMode": "code",
            "format": self.shape,
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": self.ref,
        }


@dataclass(frozen=True)
class Field:
    """How a column is shown."""

    title: str | None = None
    unit: str | None = None
    link: str | None = None  # key of a dashboard, and what it is opened with: "queries?var-query=…"
    width: int | None = None
    decimals: int | None = None
    colored: bool = False  # a word of a state
    warn: float | None = None  # orange from here
    alarm: float | None = None  # red from here
    bar: bool = False  # a share of 1

    def properties(self) -> list[dashboard.DynamicConfigValue]:
        """Return what Grafana calls overrides."""
        said: list[tuple[str, object]] = []
        for name, value in (("displayName", self.title), ("unit", self.unit), ("decimals", self.decimals)):
            if value is not None:
                said.append((name, value))
        if self.width is not None:
            said.append(("custom.width", self.width))
        if self.link is not None:
            said.append(("links", [{"title": "Look closer", "url": url(self.link)}]))
        if self.colored:
            said.append(("mappings", [words()]))
            said.append(("custom.cellOptions", {"type": "color-text"}))
        if self.warn is not None or self.alarm is not None:
            said.append(("thresholds", steps(self.warn, self.alarm)))
            said.append(("color", {"mode": "thresholds"}))
        if self.bar:
            said += [("min", 0), ("max", 1), ("custom.cellOptions", {"type": "gauge", "mode": "basic"})]
        return [dashboard.DynamicConfigValue(name, value) for name, value in said]


def url(place: str) -> str:
    """Return the address of a dashboard of ours, with the time range that is shown."""
    name, _, query = place.partition("?")
    return f"/d/asymmetrica-{name}?{query + '&' if query else ''}${{__url_time_range}}"


def words() -> dashboard.ValueMap:
    """Give words of states a colour; the word itself always stays."""
    return dashboard.ValueMap(
        {word: dashboard.ValueMappingResult(text=word, color=color) for word, color in WORDS.items()}
    )


def steps(warn: float | None, alarm: float | None) -> dashboard.ThresholdsConfig:
    """Green, orange from warn, red from alarm; where alarm is below warn, the other way round."""
    if warn is not None and alarm is not None and alarm < warn:
        found = [(None, "red"), (alarm, "orange"), (warn, "green")]
    else:
        found = [
            (None, "green"),
            *((at, color) for at, color in ((warn, "orange"), (alarm, "red")) if at is not None),
        ]
    return dashboard.ThresholdsConfig(
        dashboard.ThresholdsMode.ABSOLUTE, [dashboard.Threshold(at, color) for at, color in found]
    )


def _panel(kind: str, title: str, about: str, none: str, queries: Sequence[Sql]) -> make.Panel:
    # Some versions of Grafana show an empty grid in place of noValue: the panel's hint says it too.
    made = make.Panel().type(kind).title(title).description(f"{about}\n\nIf empty: {none}")
    made.no_value(none).datasource(SOURCE)
    for query in queries:
        made.with_target(query)
    return made


def _fields(made: make.Panel, fields: Mapping[str, Field]) -> make.Panel:
    for name, field in fields.items():
        made.override_by_name(name, field.properties())
    return made


def figures(
    title: str,
    sql: str,
    *,
    about: str,
    none: str,
    text: bool = False,
    fields: Mapping[str, Field] | None = None,
) -> make.Panel:
    """Show the columns of one row, side by side."""
    shown = stat.Options()
    shown.reduce_options = common.ReduceDataOptions(calcs=["lastNotNull"], fields="/.*/" if text else "")
    shown.color_mode = common.BigValueColorMode.VALUE
    shown.graph_mode = common.BigValueGraphMode.NONE
    shown.text_mode = common.BigValueTextMode.VALUE if text else common.BigValueTextMode.AUTO
    shown.orientation = common.VizOrientation.AUTO
    made = _panel("stat", title, about, none, [Sql(sql, "A", "table")]).options(shown).thresholds(_Steps())
    return _fields(made.mappings([words()]) if text else made, fields or {})


class _Steps(make.ThresholdsConfig):
    """Nothing is good or bad by itself."""

    def build(self) -> dashboard.ThresholdsConfig:
        return dashboard.ThresholdsConfig(
            dashboard.ThresholdsMode.ABSOLUTE, [dashboard.Threshold(None, "text")]
        )


def rows(title: str, sql: str, *, about: str, none: str, **fields: Field) -> make.Panel:
    """Show the rows of a query."""
    made = _panel("table", title, about, none, [Sql(sql, "A", "table")])
    made.options(table.Options(cell_height=common.TableCellHeight.SM)).thresholds(_Steps())
    # Where there are no rows the panel says why; a cell without a value is empty.
    made.override_by_regexp("/.*/", [dashboard.DynamicConfigValue("noValue", "")])
    made.custom({"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True, "inspect": True})
    return _fields(made, fields)


def plot(
    title: str,
    *metrics: str,
    about: str,
    none: str,
    unit: str,
    node: str = "",
    rate: bool = False,
    most: float | None = None,
) -> make.Panel:
    """Plot metrics over time, "name metric" each; rate: a second, where each bucket has a sum."""
    value = "s.value / ($__interval_ms / 1000.0)" if rate else "s.value"
    queries = []
    for ref, metric in zip("ABCDEF", metrics, strict=False):
        name, _, label = metric.partition(" ")
        queries.append(
            Sql(
                f"SELECT s.at AS time, {value} AS \"{label}\" FROM asymm.series('{name}', $__timeFrom(), "
                f"$__timeTo(), {BUCKET}{', ' + node if node else ''}) AS s ORDER BY 1",
                ref,
                "time_series",
            )
        )
    made = _panel("timeseries", title, about, none, queries).interval("1m").unit(unit).min(0)
    if most is not None:
        made.max(most)
    made.custom(
        {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "auto", "spanNulls": 180000}
    )
    return made.options(
        timeseries.Options(
            legend=common.VizLegendOptions(
                display_mode=common.LegendDisplayMode.LIST,
                placement=common.LegendPlacement.BOTTOM,
                show_legend=len(queries) > 1,
            ),
            tooltip=common.VizTooltipOptions(
                mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING
            ),
        )
    )


def picture(title: str, name: str, *, about: str, none: str) -> make.Panel:
    """Draw one of the pictures of asymm.draw() with the panel that is shipped along."""
    made = _panel(PLUGIN, title, about, none, [Sql(f"SELECT * FROM asymm.draw('{name}')", "A", "table")])
    return made.options({"picture": name, "dimensions": "3d", "labels": True})


def variable(name: str, label: str, sql: str, about: str) -> make.QueryVariable:
    """Let one row of many be chosen."""
    return (
        make.QueryVariable(name)
        .label(label)
        .description(about)
        .datasource(SOURCE)
        .query(" ".join(sql.split()))  # as text: what every version of Grafana's SQL data sources reads
        .refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(dashboard.VariableSort.DISABLED)
    )
