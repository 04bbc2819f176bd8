"""What the extension measures, by the driver: sonars, graph, costs, telemetry."""

from __future__ import annotations

from datetime import timedelta

import pytest

import asymmetrica
from asymmetrica import Annotation, Cost, CostExceeded, InvalidArgument, UnknownObject
from support.database import Database

from .conftest import Caller

ORDERS = "shop.orders"


@pytest.mark.usefixtures("shop")
async def test_sonars(call: Caller, look: Caller) -> None:
    tracked = await call("track_state", ORDERS, columns=["id"])
    assert (tracked.state_columns, tracked.note) == (["id"], None)
    health, balance = await look("health"), await look("balance")
    assert (health.shm, health.not_measured) == (None, ["semantic", "state", "ux"])
    assert (balance.score, round(sum(balance.centre), 9)) == (None, 1)
    assert await look("ux_sonar", by="query") == []
    assert {row.sonar for row in await look("sonar")} == {"shm", "ux", "semantic", "state"}
    promises = await look("validate", span=timedelta(seconds=10))
    assert all(row.note for row in promises if row.met is None and row.measured is None)
    assert await call("untrack_state", ORDERS)
    assert not await call("untrack_state", ORDERS)
    with pytest.raises(InvalidArgument) as raised:
        await look("health", span=timedelta(days=8))
    assert raised.value.hint


async def test_graph_costs_and_telemetry(shop: Database) -> None:
    """One flavour: what is done here is long, and the other is made of it."""
    async with await asymmetrica.connect_async(shop.dsn) as ours:
        await graph_costs_and_telemetry(Caller(ours), shop)


async def graph_costs_and_telemetry(call: Caller, db: Database) -> None:
    db.sql("SELECT asymm.refresh_graph()")
    assert {node.node for node in await call("nodes", kind="entity")} >= {"entity:shop.orders"}
    assert await call("flows", node="entity:shop.orders") == []
    assert await call("impact", ORDERS) == []
    assert [step.node for step in await call("path", ORDERS, ORDERS)] == ["entity:shop.orders"]
    said = await call("annotation_of", ORDERS)
    assert (said.state, said.agreed, said.said_by) == ("missing", None, [])
    orders = Annotation("dataEntity", "module", "Support", "O(1)", ["create"], 2.0)
    said = await call("annotate_node", ORDERS, orders)
    assert (said.name, said.agreed) == ("entity:shop.orders", orders)
    assert said.fidelity is not None
    assert (await call("unannotate", ORDERS)).state == "missing"
    with pytest.raises(UnknownObject) as raised:
        await call("impact", "shop.order")
    assert "shop.orders" in (raised.value.hint or "")
    with pytest.raises(UnknownObject):
        await call("route", 0)
    slow = "SELECT note FROM shop.orders WHERE note = $1"
    observed = await call("observe_cost", slow)
    assert (observed.cost, observed.relation, observed.reason) == ("O(n)", "shop.orders", None)
    assert await call("assert_cost", "SELECT note FROM shop.orders WHERE id = $1", "O(log n)") == "O(log n)"
    with pytest.raises(CostExceeded) as blamed:
        await call("assert_cost", slow, Cost.LOGARITHMIC)
    assert "shop.orders" in (blamed.value.detail or "")
    broken = await call("expect", slow, cost="O(1)", latency=timedelta(seconds=1))
    assert (broken.state, broken.seen_cost, broken.latency) == ("broken", "O(n)", timedelta(seconds=1))
    assert [row.sonar for row in await call("findings")] == ["contract"]
    assert await call("expectations", state="broken") == [broken]
    assert (await call("unexpect", broken.expectation)).statement == slow
    for method in ("expect", "observe_cost"):
        with pytest.raises(UnknownObject):
            await call(method, -1, **({"cost": "O(1)"} if method == "expect" else {}))
    assert await call("query_costs") == []
    assert {row.metric for row in await call("metrics")} >= {"table.scans"}
    assert await call("series", "table.scans", bucket=timedelta(minutes=5), node=ORDERS) == []
    with pytest.raises(UnknownObject):
        await call("series", "moon")
    assert [row.name for row in await call("leverage")] == ["support", "exploration", "balance"]
    assert {row.term for row in await call("explain_score")} == {"ux", "semantic", "state"}
    assert await call("state_sonar", target=ORDERS) == []
    consent = await call("configure_encore", encore=True, time_limit=timedelta(milliseconds=500))
    assert (consent.encore, consent.owner_texts, consent.time_limit) == (True, False, timedelta(seconds=0.5))
    assert await call("replays", query=1) == []
    assert (await call("knowledge", span=timedelta(days=30))).play is None
    with pytest.raises(InvalidArgument):
        await call("knowledge", span=timedelta(days=31))
