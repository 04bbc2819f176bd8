"""Every method against a real server, sync and async: watch, drift, repair, ledger, settings."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from asymmetrica import (
    Annotation,
    InvalidArgument,
    NotWatched,
    NullArgument,
    UnknownObject,
    UnknownSchema,
    UnknownTable,
    WrongKind,
    WrongState,
    content_hash,
)
from support.database import Database

from .conftest import Caller

ORDERS = "shop.orders"


async def test_version(look: Caller, still: Database) -> None:
    assert await look("version") == still.value(
        "SELECT extversion FROM pg_extension WHERE extname = 'asymmetrica'"
    )


async def test_settings(call: Caller, db: Database) -> None:
    roles = [db.role("flyway"), db.role("liquibase")]
    before = await call("settings")
    assert before.notify == "change"
    changed = await call(
        "configure",
        notify="beat",
        retention=timedelta(days=7),
        migrator_roles=roles,
        migrator_applications=[],
    )
    assert changed == await call("settings")
    assert changed == dataclasses.replace(
        before, notify="beat", retention=timedelta(days=7), migrator_roles=roles
    )
    with pytest.raises(InvalidArgument) as raised:
        await call("configure", period=timedelta(microseconds=1))
    assert raised.value.hint


async def test_annotate(look: Caller) -> None:
    made = await look("annotate", "dataEntity", scope="global", cost="n", lineage=["create"], weight=2)
    assert made == Annotation("dataEntity", "global", "Balance", "O(n)", ["create"], 2.0)
    with pytest.raises(InvalidArgument):
        await look("annotate", "dataEntity", cost="O(n^1.5)")


@pytest.mark.usefixtures("shop")
async def test_watch(call: Caller) -> None:
    [row] = await call("watch", ORDERS, policy="observe", annotation=await call("annotate", "orders"))
    assert (row.object, row.kind, row.policy, len(row.fingerprint)) == (ORDERS, "table", "observe", 64)
    assert row.fingerprint == await call("fingerprint", ORDERS)
    [seen] = await call("watched")
    assert (seen.object, seen.policy, seen.in_step, seen.annotation["σ"]) == (
        ORDERS,
        "observe",
        True,
        "orders",
    )
    [row] = await call(
        "watch", ORDERS, policy="heal", annotation={"σ": "x", "ρ": "local", "γ": "Balance", "κ": "O(1)"}
    )
    assert row.policy == "heal"
    assert [gone.object for gone in await call("unwatch", ORDERS)] == [ORDERS]
    assert await call("watched") == []


@pytest.mark.usefixtures("shop")
async def test_watch_schema(call: Caller) -> None:
    rows = await call("watch_schema", "shop", policy="propose")
    assert sorted(row.object for row in rows) == ["schema shop", 'shop."Odd ""name"', ORDERS]
    assert len(await call("fingerprint_schema", "shop")) == len(await call("fingerprint_database")) == 64
    gone = await call("unwatch_schema", "shop")
    assert len(gone) == 3
    assert await call("watched") == []


async def test_bad_arguments(call: Caller, shop: Database) -> None:
    shop.sql("CREATE TYPE shop.v AS (one int)")
    for error, method, arguments in (
        (UnknownTable, "watch", ("shop.nothing",)),
        (UnknownSchema, "watch_schema", ("nothing",)),
        (UnknownSchema, "fingerprint_schema", ("nothing",)),
        (WrongKind, "watch", ("shop.v",)),
        (NullArgument, "watch", (None,)),
        (NotWatched, "heal", (ORDERS,)),
        (NotWatched, "adopt", (ORDERS,)),
        (NotWatched, "unwatch", (ORDERS,)),
        (NotWatched, "unwatch_schema", ("shop",)),
        (UnknownObject, "approve", (42,)),
        (UnknownObject, "reject", (42,)),
        (UnknownObject, "revert", (42,)),
        (UnknownObject, "action_history", (42,)),
        (NotWatched, "history", (ORDERS,)),
    ):
        with pytest.raises(error) as raised:
            await call(method, *arguments)
        assert type(raised.value) is error, method
        if arguments != ("shop.nothing",):  # Postgres itself refuses that one
            assert raised.value.detail, method
            assert raised.value.hint, method
    with pytest.raises(InvalidArgument):
        await call("watch", ORDERS, policy="fix everything")


async def test_drift_heal_revert(call: Caller, shop: Database) -> None:
    await call("watch", ORDERS)
    start = datetime.now(UTC) - timedelta(minutes=1)
    shop.connect(application_name="a tool").execute("ALTER TABLE shop.orders ALTER COLUMN due DROP DEFAULT")
    await call("beat")
    [row] = await call("drift")
    assert (row.object, row.part, row.name, row.attribute) == (ORDERS, "column", "due", "default")
    assert (row.declared, row.actual) == ("now()", None)
    assert (row.role, row.application, row.client_addr) == ("postgres", "a tool", None)
    assert row.ddl_at is not None
    assert start < row.ddl_at < row.noticed_at
    assert row.state == "proposed"
    assert "SET DEFAULT" in (row.repair or "")
    assert await call("drift", target="shop.other") == []
    command = (await call("ddl", since=start))[-1]
    assert command.statement == "ALTER TABLE shop.orders ALTER COLUMN due DROP DEFAULT"

    plan = await call("heal", ORDERS, dry_run=True)
    assert [step.statement for step in plan] == (row.repair or "").split("\n")
    assert await call("drift") == [row], "a dry run changes nothing"
    steps = await call("heal", ORDERS)
    assert {step.state for step in steps} == {"verified"}
    assert await call("drift") == []
    assert [old.state for old in await call("drift", resolved=True)] == ["healed"]

    [action] = await call("actions", state="verified")
    assert action.statements == [step.statement for step in steps]
    assert action.target == ORDERS
    history = await call("action_history", action.id)
    assert history[-1].to_state == "verified"
    assert [step.state for step in await call("revert", action.id, dry_run=True)] == ["planned"]
    assert [step.state for step in await call("revert", action.id)] == ["reverted"]
    await call("beat")
    assert [row.name for row in await call("drift")] == ["due"], "the drifted state is back, and seen"
    past = await call("history", ORDERS)
    assert [event.event for event in past][:2] == ["declared", "drift"]
    assert [event.event for event in past if event.action][-1] == "reverted"
    assert past[1].detail["statement"] == command.statement
    with pytest.raises(WrongState):
        await call("revert", action.id)


async def test_approve_and_reject(call: Caller, shop: Database) -> None:
    await call("watch", ORDERS)
    shop.sql("ALTER TABLE shop.orders ALTER COLUMN note DROP NOT NULL")
    await call("beat")
    [action] = await call("actions", state="proposed")
    [state] = await call("reject", action.id, reason="later")
    assert (state.action, state.state) == (action.id, "rejected")
    with pytest.raises(WrongState):
        await call("approve", action.id)
    shop.sql("ALTER TABLE shop.orders ALTER COLUMN due SET NOT NULL")
    await call("beat")
    [action] = await call("actions", state="proposed", target=ORDERS)
    [state] = await call("approve", action.id)
    assert (state.action, state.state) == (action.id, "verified")
    assert await call("drift") == []


async def test_adopt(call: Caller, shop: Database) -> None:
    await call("watch", ORDERS)
    shop.sql("ALTER TABLE shop.orders ADD COLUMN gate text")
    [row] = await call("adopt", ORDERS, reason="gates")
    assert (row.object, row.part, row.name, row.declared) == (ORDERS, "column", "gate", None)
    [seen] = await call("watched")
    assert (seen.reason, seen.in_step) == ("gates", True)


async def test_data_is_not_lost_by_the_way(call: Caller, shop: Database) -> None:
    await call("watch", ORDERS)
    shop.sql("ALTER TABLE shop.orders ADD COLUMN gate text")
    shop.sql("INSERT INTO shop.orders VALUES (1, now(), '', 'B 12')")
    assert {step.state for step in await call("heal", ORDERS)} == {"proposed"}
    assert (await call("actions", state="proposed"))[0].error["sqlstate"] == "SY009"
    assert shop.value("SELECT gate FROM shop.orders") == "B 12"
    assert {step.state for step in await call("heal", ORDERS, allow_data_loss=True)} == {"verified"}
    assert await call("drift") == []


async def test_pause_and_resume(look: Caller) -> None:
    paused = await look("pause", "maintenance")
    assert (paused.healing, paused.cause, paused.changed_by) == ("paused", "maintenance", "postgres")
    assert (await look("resume")).healing == "on"


async def test_organs(look: Caller) -> None:
    organs = {organ.name: organ for organ in await look("organs")}
    assert {organ.lane for organ in organs.values()} == {"fast", "slow"}
    name = next(name for name, organ in organs.items() if organ.lane == "slow")
    [organ] = await look("configure_organ", name, enabled=False, cadence=timedelta(minutes=7))
    assert (organ.enabled, organ.cadence) == (False, timedelta(minutes=7))
    await look("configure_organ", name, enabled=True, cadence=organs[name].cadence)
    with pytest.raises(UnknownObject):
        await look("configure_organ", "no such organ", enabled=True)


async def test_doctor(look: Caller) -> None:
    checks = await look("doctor")
    assert {check.status for check in checks} <= {"ok", "warning", "error"}
    assert all(check.remedy for check in checks if check.status == "error")


async def test_beat_and_cycle(look: Caller) -> None:
    assert isinstance(await look("beat"), dict)
    assert isinstance(await look("cycle"), dict)


@pytest.mark.usefixtures("shop")
async def test_policies_by_rule(call: Caller) -> None:
    await call("watch", ORDERS, policy="observe")
    rule = await call("set_policy", "propose", pattern="shop.%", kind="table", hazard="rewrites table")
    assert await call("set_policy", "heal", pattern="shop.%", kind="table", hazard="rewrites table") == rule
    large = await call("set_policy", "propose", larger_than=10**12)
    assert [(row.id, row.policy, row.conditions) for row in await call("policies")] == [
        (rule, "heal", "name shop.%, kind table, hazard rewrites table"),
        (large, "propose", "larger than 931 GB"),
    ]
    rows = {row.hazard: row for row in await call("policy_for", ORDERS)}
    assert (rows[None].policy, rows[None].decided_by, rows[None].lost) == ("observe", "watch", [])
    found = rows["rewrites table"]
    assert (found.object, found.policy, found.decided_by) == (ORDERS, "heal", f"rule {rule}")
    assert found.lost == ["watch (this object): observe, less specific"]
    assert (await call("unset_policy", rule)).hazard == "rewrites table"
    with pytest.raises(UnknownObject):
        await call("unset_policy", rule)
    with pytest.raises(InvalidArgument) as raised:
        await call("set_policy", "guard", hazard="deletes data")
    assert raised.value.hint
    with pytest.raises(NotWatched):
        await call("policy_for", 'shop."Odd ""name"')


@pytest.mark.usefixtures("shop")
async def test_indexes(call: Caller, db: Database) -> None:
    before = await call("index_settings")
    changed = await call("configure_indexes", quiet_hours="22:00-06:00", build_wait=timedelta(minutes=1))
    assert changed == dataclasses.replace(
        before, quiet_hours="22:00-06:00", build_wait=timedelta(minutes=1)
    ) == await call("index_settings")  # fmt: skip
    with pytest.raises(InvalidArgument):
        await call("configure_indexes", index_budget="5 apples")
    assert await call("advice") == []
    document = '{"schema": "shop", "table": "orders", "keys": ["due"], "saved_ms_per_hour": 5}'
    assert db.value("SELECT asymm._propose_index('create index', %s)", document)
    [row] = await call("advice", target=ORDERS, state="proposed")
    assert (row.kind, row.predicted_ms_per_hour, row.reason) == ("create index", 5.0, "autopilot is off")
    [state] = await call("approve", row.action)
    assert state.state == "approved"
    pilot = await call("autopilot", "propose")
    assert (pilot.autopilot, pilot.approved) == ("propose", 1)


async def test_duplicates(call: Caller, db: Database) -> None:
    db.sql("CREATE TABLE part (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)")
    db.sql("CREATE TABLE line (id int PRIMARY KEY, part int REFERENCES part)")
    db.sql("INSERT INTO part (name) VALUES ('a'), ('A '), ('a')")
    db.sql("INSERT INTO line VALUES (1, 1), (2, 3)")
    [group] = await call("find_duplicates", "public.part")
    assert (group.rows, group.hash) == (2, content_hash(("a",)))
    assert group.sample_keys == [{"id": 1}, {"id": 3}]
    [near] = await call("find_near_duplicates", "public.part", ["name"])
    assert (near.rule, near.similarity, near.first) == ("normalised", 1, "a")
    [count] = [row for row in await call("duplicate_report", schema="public") if row.object == "public.part"]
    assert (count.rows, count.duplicates, count.explosion) == (3, 1, 1.5)
    planned = await call("merge_duplicates", "public.part", dry_run=True, unique_index=True)
    assert (planned.action, planned.removed, planned.repointed, planned.index_action) == (None, 1, 1, None)
    assert planned.notes[0].startswith("then, by a builder: CREATE UNIQUE INDEX CONCURRENTLY")
    done = await call("merge_duplicates", "public.part", keep="newest")
    assert (done.groups, done.removed, done.repointed, done.skipped) == (1, 1, 1, 0)
    assert "UNIQUE INDEX CONCURRENTLY ON public.part (name) NULLS NOT DISTINCT" in done.notes[0]
    assert sorted(db.sql("TABLE line")) == [(1, 3), (2, 3)]
    [undone] = await call("revert", done.action)
    assert undone.state == "reverted"
    assert sorted(db.sql("TABLE line")) == [(1, 1), (2, 3)]
    assert await call("watch_duplicates", "public.part") == ["name"]
    assert [await call("unwatch_duplicates", "public.part") for _ in range(2)] == [True, False]
    with pytest.raises(WrongKind):
        await call("find_duplicates", "public.part_id_seq")
