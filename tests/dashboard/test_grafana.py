"""The dashboards: every query runs for whoever may look, shows what it should, and no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from asymmetrica.grafana import DATASOURCE, HERE, PLUGIN
from asymmetrica.grafana.boards import texts
from support import database
from support.cluster import Cluster
from support.database import Database
from support.grafana import Json, dashboards, expand, queries
from support.lived import HOSTILE, SECRET, declare, happen

NUMBERS = {20, 21, 23, 700, 701, 1700}
TIMES = {1114, 1184}
# No rows in what `lived` makes: nothing is planned there, or slower than it was, and all is measured.
WITHOUT_ROWS = {"Became slower or faster", "How they grow", "What is not measured"}


@pytest.fixture(scope="module")
def bare(server: Cluster, template: str) -> Iterator[Database]:
    made = database.create(server, template)
    yield made
    made.drop()


@pytest.fixture(scope="module")
def lived(server: Cluster, template: str) -> Iterator[Database]:
    """A database where things were declared, slipped, were repaired, measured and read."""
    made = database.create(server, template)
    try:
        declare(made)
        happen(made)
        yield made
    finally:
        made.drop()


def looking(db: Database) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect as a login that has asymm_reader and nothing else, as Grafana's has."""
    return db.connect(user=db.role("grafana", member_of=("asymm_reader",)))


def values(db: Database, table: str = "shop.orders") -> dict[str, str]:
    """Choose what a person would choose above the panels."""
    with looking(db) as reader:
        found = {
            query.owner.removeprefix("variable "): run(reader, query.sql, {})[1]
            for query in queries()
            if query.kind == "variable"
        }
    chosen = {name: str(rows[0][0]) if rows else "" for name, rows in found.items()}
    return chosen | ({"table": table} if found["table"] else {})


def run(
    reader: psycopg.Connection[tuple[Any, ...]], sql: str, chosen: dict[str, str], hours: int = 1
) -> tuple[list[psycopg.Column], list[tuple[Any, ...]]]:
    until = datetime.now(UTC) + timedelta(minutes=1)
    text = expand(sql, until - timedelta(hours=hours), until, chosen, interval_ms=hours * 60_000)
    cursor = reader.execute(text.encode())
    assert cursor.description
    return cursor.description, cursor.fetchall()


def test_what_is_shipped_is_what_is_made() -> None:
    """Whoever changes a board runs python -m asymmetrica.grafana."""
    shipped = {path.name: path.read_text() for path in (HERE / "dashboards").glob("*.json")}
    assert shipped == dict(texts())


@pytest.mark.parametrize("made", list(dashboards().values()), ids=list(dashboards()))
def test_panels_have_a_place_a_type_and_the_source(made: Json) -> None:
    panels = made["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert cells
        assert not taken & cells, panel["title"]
        taken |= cells
        assert panel["type"] in {"stat", "table", "timeseries", PLUGIN}
        # An empty panel says why, and what to switch on.
        none = panel["fieldConfig"]["defaults"]["noValue"]
        assert none
        assert re.fullmatch(rf".+\n\nIf empty: {re.escape(none)}", panel["description"])
        if panel["type"] == "table":  # but not in each of its cells without a value
            first = panel["fieldConfig"]["overrides"][0]
            assert first == {
                "matcher": {"id": "byRegexp", "options": "/.*/"},
                "properties": [{"id": "noValue", "value": ""}],
            }
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0
    sources = re.findall(r'"datasource": (\{[^}]*\}|[^{,]*)', json.dumps(made))
    assert {json.loads(source)["uid"] for source in sources} == {DATASOURCE}
    assert len(sources) >= sum(1 + len(panel["targets"]) for panel in panels) + len(
        made["templating"].get("list", [])
    )


def test_dashboards_lead_to_each_other() -> None:
    known = dashboards()
    for made in known.values():
        assert [link["url"] for link in made["links"]] == [f"/d/{uid}" for uid in known]
        names = {chosen["name"] for chosen in made["templating"].get("list", [])}
        said = json.dumps(made["panels"])
        assert set(re.findall(r"\$\{?(?!_)(\w+)", re.sub(r'"url": "[^"]*"', "", said))) <= names
        for url in re.findall(r'"url": "([^"]*)"', said):
            found = re.fullmatch(
                r"/d/([\w-]+)\?(?:var-(\w+)=\$\{__value\.raw\}&)?\$\{__url_time_range\}", url
            )
            assert found, url
            variables = [chosen["name"] for chosen in known[found[1]]["templating"].get("list", [])]
            assert found[2] is None or found[2] in variables


def test_queries_ask_the_extension_only() -> None:
    for query in queries():
        assert query.sql.startswith("SELECT ")
        assert ";" not in re.sub(r"'[^']*'", "", query.sql), query
        asked = re.sub(r"EXTRACT\(epoch FROM [\w.]+\)", "", query.sql)
        sources = re.findall(r"\b(?:FROM|JOIN)\s+(?:LATERAL\s+)?([\w.]+)", asked)
        assert sources, query
        assert all(re.fullmatch(r"asymm\.[a-z]\w+|unnest", source) for source in sources), query


def test_panels_of_tiles_ask_for_what_tiles_ask(lived: Database) -> None:
    """What the console and the page show as rows or pictures, the dashboards show too."""
    relation = re.compile(r"FROM (asymm\.\w+(?:\('\w+'\)|\(\))?)")
    asked = {found for query in queries() for found in relation.findall(query.sql)}
    tiles = {
        tile: relation.findall(query)[0] for tile, query in lived.sql("SELECT tile, query FROM asymm.tiles")
    }
    assert {tile for tile, source in tiles.items() if source not in asked} == set()


def test_every_query_runs_where_nothing_happened(bare: Database) -> None:
    chosen = values(bare)
    assert chosen == {"query": "", "table": "", "action": ""}
    with looking(bare) as reader:
        for query in queries():
            run(reader, query.sql, chosen)


def test_every_query_shows_what_happened(lived: Database) -> None:
    chosen = values(lived)
    empty = set()
    with looking(lived) as reader:
        for query in queries():
            columns, rows = run(reader, query.sql, chosen)
            types = {column.name: column.type_code for column in columns}
            assert len(types) == len(columns), query
            if query.shape == "time_series":
                assert types.pop("time") in TIMES, query
                assert rows == sorted(rows, key=lambda row: row[0]), query
                assert set(types.values()) <= NUMBERS, query
            elif query.kind == "annotation":
                assert types["time"] in TIMES, query
                assert types["text"] == 25, query
            elif query.kind == "stat":
                assert len(rows) == 1, query
            elif query.kind == PLUGIN:
                assert list(types)[:4] == ["shape", "x", "y", "z"]
            # Grafana shows arrays, ranges and types of ours as it likes: what reaches it is plain.
            assert set(types.values()) <= NUMBERS | TIMES | {16, 19, 25, 1043}, (query, types)
            if not rows:
                empty.add(query.owner)
            run(reader, query.sql, chosen, hours=24 * 30)
    assert sorted(empty) == sorted(WITHOUT_ROWS)


def test_nobody_waits_for_a_table_that_is_locked(lived: Database) -> None:
    """Dashboards are looked at when something hangs: they must not hang with it."""
    chosen = values(lived, "shop.people")
    with looking(lived) as reader, lived.connect(autocommit=False) as holder:
        reader.execute("SET lock_timeout = '100ms'")
        for lock in ("LOCK TABLE shop.people", "REINDEX INDEX shop.people_pkey"):
            holder.execute(lock.encode())
            for query in queries():
                run(reader, query.sql, chosen)
            known = "SELECT bytes FROM asymm.table_health WHERE object = 'shop.people'"
            assert reader.execute(known).fetchone() == (None,)
            holder.rollback()
        assert reader.execute(known).fetchone() != (None,)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_names(lived: Database, name: str) -> None:
    """A table may be called as it likes: it is chosen, found, and nothing else happens."""
    (table,) = (
        row[0]
        for row in lived.sql("SELECT object FROM asymm.table_health")
        if row[0].replace('""', '"')[6:-1] == name
    )
    with looking(lived) as reader:
        seen = {
            query.owner: run(reader, query.sql, {"table": table, "query": "", "action": ""})[1]
            for query in queries()
            if query.dashboard == "asymmetrica-tables"
        }
    assert (table,) in seen["variable table"]
    assert any(row[0] == table for row in seen["Tables"])
    assert {row[1] for row in seen["What happened to $table"]} >= {"declared", "proposed"}
    assert lived.value("SELECT count(*) FROM shop.people") == 500


def test_nothing_protected_is_shown(lived: Database) -> None:
    """Texts of statements and values of protected columns stay where they are."""
    told = "SELECT string_agg(statement, ' ') FROM asymm."
    assert "SELECT status FROM shop.people" in lived.value(told + "queries")
    assert "ALTER status DROP DEFAULT" in lived.value(told + "ddl")
    assert lived.value(told + "cached_queries")
    chosen = values(lived, "shop.people")
    with looking(lived) as reader:
        for query in queries():
            shown = repr(run(reader, query.sql, chosen)[1])
            assert SECRET not in shown, query
            assert "SELECT status" not in shown, query
            assert "ALTER status DROP" not in shown, query
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT * FROM shop.people")
