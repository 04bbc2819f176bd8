"""What Grafana does with a dashboard's queries before the database sees them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from asymmetrica.grafana import HERE

Json = dict[str, Any]


class Query(NamedTuple):
    """One query of a dashboard, and what it belongs to."""

    dashboard: str
    owner: str  # title of the panel, or "variable …", "annotation …"
    kind: str  # type of the panel, "variable" or "annotation"
    shape: str  # table or time_series
    sql: str


def dashboards() -> dict[str, Json]:
    """Return the dashboards that are shipped, by uid."""
    found = [json.loads(path.read_text()) for path in sorted((HERE / "dashboards").glob("*.json"))]
    return {made["uid"]: made for made in found}


def queries() -> Iterator[Query]:
    """Return every query of every dashboard."""
    for uid, made in dashboards().items():
        for panel in made["panels"]:
            for target in panel["targets"]:
                yield Query(uid, panel["title"], panel["type"], target["format"], target["rawSql"])
        for chosen in made["templating"].get("list", []):
            yield Query(uid, f"variable {chosen['name']}", "variable", "table", chosen["query"])
        for marked in made["annotations"]["list"]:
            yield Query(
                uid, f"annotation {marked['name']}", "annotation", "table", marked["target"]["rawSql"]
            )


def expand(
    sql: str, since: datetime, until: datetime, values: Mapping[str, str], interval_ms: int = 60_000
) -> str:
    """Replace variables, then macros, in the order and by the rules of Grafana's SQL data sources."""

    def value(found: re.Match[str]) -> str:
        # A variable of one value stands within quotes of the query: quotes in it are doubled.
        return values[found.group(1) or found.group(2)].replace("'", "''")

    since_text, until_text = (
        f"'{at.astimezone(UTC).isoformat(timespec='milliseconds').replace('+00:00', 'Z')}'"
        for at in (since, until)
    )
    sql = re.sub(r"\$\{(?!__)(\w+)\}|\$(?!_)(\w+)", value, sql)
    sql = sql.replace("$__interval_ms", str(interval_ms))
    sql = re.sub(r"\$__timeFilter\((.*?)\)", rf"\1 BETWEEN {since_text} AND {until_text}", sql)
    sql = sql.replace("$__timeFrom()", since_text).replace("$__timeTo()", until_text)
    assert "$__" not in sql, sql
    return sql
