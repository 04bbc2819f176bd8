"""Everything at once, documents between databases and the fleet: every method, sync and async."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

import asymmetrica
from asymmetrica import InvalidArgument, NotWatched, UnknownObject
from support import database
from support.cluster import Cluster
from support.database import Database

from .conftest import Caller


@pytest.fixture
def staging(server: Cluster, template: str, shop: Database) -> Iterator[Database]:
    """Another database with nearly the same schema, of the same owner."""
    made = database.create(server, template)
    owner = shop.value("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'shop'")
    made.sql(f"CREATE SCHEMA shop AUTHORIZATION {owner}")
    made.sql(f"SET ROLE {owner}")
    made.sql("CREATE TABLE shop.orders (id bigint PRIMARY KEY, due date DEFAULT now(), note text)")
    made.sql('CREATE TABLE shop."Odd ""name" (id int)')
    made.sql("CREATE VIEW shop.late AS SELECT id FROM shop.orders WHERE due < now()")
    made.sql("RESET ROLE")
    yield made
    made.drop()


async def test_database(call: Caller, shop: Database) -> None:
    rows = await call("watch_database", policy="observe")
    assert {
        ("shop.orders", "table", "observe"),
        ("schema shop", "schema", "observe"),
    } <= {(row.object, row.kind, row.policy) for row in rows}
    shop.sql("CREATE VIEW shop.extra AS SELECT 1 AS one")
    shop.sql("ALTER TABLE shop.orders ALTER note DROP NOT NULL")
    [drop, keep] = sorted(await call("heal_all", dry_run=True), key=lambda step: step.object)
    assert (drop.action, drop.state, keep.object) == (
        None,
        "planned",
        "view shop.extra",
    )
    steps = await call("heal_all")
    assert {step.state for step in steps} == {"verified"}
    assert {step.object for step in steps} == {"table shop.orders", "view shop.extra"}
    assert await call("heal_all") == []
    shop.sql("ALTER TABLE shop.orders ADD COLUMN more text")
    shop.sql("INSERT INTO shop.orders VALUES (1, now(), '', 'kept')")
    assert [step.state for step in await call("heal_all")] == ["withheld"]
    assert [step.state for step in await call("heal_all", allow_data_loss=True)] == ["verified"]
    assert len(await call("unwatch_database")) == len(rows)
    with pytest.raises(NotWatched):
        await call("unwatch_database")


async def test_two_databases(call: Caller, shop: Database, staging: Database) -> None:
    """What staging declares is shown, approved and made so here."""
    with asymmetrica.connect(staging.dsn) as other:
        assert other.baseline().objects == 0
        assert other.present_state().fingerprint == other.present_state().fingerprint
        other.watch_schema("shop")
        document = other.baseline()
    assert (document.whole_database, document.schemas) == (False, ["shop"])
    assert document.objects == len(json.loads(document.document)["objects"]) == 4
    found = await call("diff", document)
    assert [(row.kind, row.object, row.name, row.attribute, row.declared, row.actual) for row in found] == [
        ("table", "shop.orders", "note", "not_null", None, True),
        ("view", "shop.late", "", None, found[1].declared, None),
    ]
    assert found == await call("diff", document.document) == await call("diff", json.loads(document.document))

    taken = await call("import_baseline", document)
    assert (taken.fingerprint, taken.objects, taken.approved) == (
        document.fingerprint,
        4,
        False,
    )
    [kept] = await call("imported")
    assert (kept.fingerprint, kept.approved_at) == (document.fingerprint, None)
    assert kept.kinds == {"schema": 1, "table": 2, "view": 1}
    assert {row.attribute for row in await call("imported_definitions", document.fingerprint)} == {
        "def",
        "default",
    }
    assert await call("watched") == []
    changes = await call("approve_baseline", document.fingerprint, policy="observe")
    assert {(row.policy, row.change) for row in changes} == {("observe", "declared")}
    assert {step.state for step in await call("heal_all")} == {"verified"}
    assert await call("diff", document) == []
    assert shop.value("SELECT to_regclass('shop.late') IS NOT NULL")
    here = (await call("present_state")).fingerprint
    with asymmetrica.connect(staging.dsn) as other:
        assert other.present_state().fingerprint == here
        assert other.fingerprint_database() == await call("fingerprint_database")
    assert await call("discard_baseline", document.fingerprint) == 4
    with pytest.raises(UnknownObject):
        await call("discard_baseline", document.fingerprint)


async def test_what_is_no_document(call: Caller) -> None:
    for bad in ("{}", "[]", {}, {"format": 1}, "null"):
        for method in ("diff", "import_baseline"):
            with pytest.raises(InvalidArgument) as raised:
                await call(method, bad)
            assert raised.value.detail
    with pytest.raises(asymmetrica.AsymmetricaError):
        await call("import_baseline", "{")
    for method in ("approve_baseline", "imported_definitions"):
        with pytest.raises(UnknownObject):
            await call(method, "0" * 64)


async def test_fleet(call: Caller) -> None:
    root = await call("fingerprint_database")
    first = await call("report_to_fleet", "staging", root, label="shop at db1:5432")
    assert (first.name, first.fingerprint, first.label, first.agrees_with) == (
        "staging",
        root,
        "shop at db1:5432",
        [],
    )
    second = await call("report_to_fleet", "production", root)
    assert second.agrees_with == ["staging"]
    assert [(row.name, row.agrees_with) for row in await call("fleet")] == [
        ("production", ["staging"]),
        ("staging", ["production"]),
    ]
    with pytest.raises(InvalidArgument):
        await call("report_to_fleet", "branch", root, label="postgresql://u:secret@host/x")
    assert await call("leave_fleet", "staging") is True
    assert await call("leave_fleet", "staging") is False
