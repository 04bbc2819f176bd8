"""Entities by the driver: made, changed, searched, and read from the mirror like rows of any table."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

import asymmetrica
from asymmetrica import (
    AlreadyExists,
    Annotation,
    InvalidArgument,
    KeyReused,
    NotAllowed,
    NullArgument,
    UnknownObject,
    VersionConflict,
)
from support.cluster import ROOT
from support.mirror import Mirror
from support.reads import until_route


def test_the_mirror_has_them(mirrored: Mirror) -> None:
    db = mirrored.db
    login = db.role("app", member_of=("asymm_writer",))
    dsn = db.dsn_of(login)
    mirrored.mirror("asymm.data_entity")
    mirrored.settle()
    with asymmetrica.connect(dsn, redis=mirrored.server.url) as app:
        made = app.create_entity("order:17", {"n": 1, "of": ["ü", 1.5, None, {"a": True}]})
        assert (made.version, made.created_by, made.route) == (made.version, login, "primary")
        for route in ("redis", "near"):
            found = until_route(lambda: app.get_entity("order:17"), route)
            assert found == made
        # What was written here is seen here, however fast the mirror is.
        changed = app.update_entity("order:17", {"n": "two"}, version=made.version)
        assert app.get_entity("order:17") == changed
        assert app.get_entities(["none", "order:17"]) == [None, changed]
        # The format of the keys is public.
        mirrored.settle()
        epoch = mirrored.epoch("entity")
        assert int(mirrored.redis.get("asymm:mirror:safe:entity")) == epoch
        assert b'"n": "two"' in mirrored.redis.get(f"asymm:entity:e{epoch}:order%3A17")
        assert mirrored.redis.exists("asymm:mirror:version:entity")
        query = 'SELECT count(*) FROM asymm.data_entity WHERE value @> \'{"n": "two"}\''
        assert until_route(lambda: app.query(query), "near").rows == [(1,)]
        # Deleted and made anew: another entity, by its version too.
        app.delete_entity("order:17", version=changed.version)
        assert app.get_entity("order:17") is None
        assert app.create_entity("order:17", {"n": 3}).version > changed.version + 1
    with asymmetrica.connect(db.dsn_of(db.role("other", member_of=("asymm_reader",)))) as other:
        with pytest.raises(NotAllowed):
            other.get_entity("order:17")
        with pytest.raises(NotAllowed):
            other.create_entity("mine", {})
    mirrored.check()
    # Not all columns: the whole is asked of Postgres.
    mirrored.mirror("asymm.data_entity", ", columns => '{id,value,version}'")
    mirrored.settle()
    with asymmetrica.connect(dsn, redis=mirrored.server.url) as app:
        whole = app.get_entity("order:17", max_staleness=0)
        assert whole is not None
        assert app.get_entity("order:17") == whole
    # An upgrade sets rights anew; the worker keeps its own.
    db.own.execute((ROOT / "sql/api/900_privileges.sql").read_bytes())
    rights = "SELECT has_column_privilege('asymm_streamer', 'asymm.data_entity', %s, 'SELECT')"
    assert [db.value(rights, column) for column in ("value", "changed_by")] == [True, False]
    mirrored.check()


async def test_methods(mirrored: Mirror) -> None:
    async with await asymmetrica.connect_async(mirrored.db.dsn) as db:
        items = [{"id": f"m{n}", "value": {"n": n}, "idempotency_key": "first"} for n in range(25)]
        items[3]["annotations"] = Annotation("three", "local", "Support", "O(1)", ["create"])
        made = await db.create_entities(iter(items), batch=10)
        assert [(row.id, row.created) for row in made] == [(item["id"], True) for item in items]
        again = await db.create_entities(items)
        assert [(row.version, row.created) for row in again] == [(row.version, False) for row in made]
        with pytest.raises(KeyReused):
            await db.create_entities([{**items[0], "value": 0}])
        with pytest.raises(AlreadyExists) as taken:
            await db.create_entity("m1", 1)
        assert (taken.value.sqlstate, "m1" in taken.value.message) == ("23505", True)
        [three] = await db.query_entities(annotation={"symbol": "three"})
        assert (three.id, three.annotations["κ"], three.value) == ("m3", "O(1)", {"n": 3})
        assert [e.id for e in await db.query_entities(path="$.n >= 20", after="m22", most=2)] == [
            "m23",
            "m24",
        ]
        assert [e.id for e in await db.query_entities(contains={"n": 7})] == ["m7"]
        changed = await db.update_entity("m3", [3], version=three.version, idempotency_key="k")
        assert changed.annotations == three.annotations
        assert await db.update_entity("m3", [3], version=three.version, idempotency_key="k") == changed
        with pytest.raises(VersionConflict) as conflict:
            await db.update_entity("m3", 0, version=three.version)
        assert str(changed.version) in (conflict.value.detail or "")
        gone = await db.delete_entity("m3", version=changed.version, idempotency_key="d")
        assert gone == await db.delete_entity("m3", version=changed.version, idempotency_key="d")
        assert [(v.value, v.deleted) for v in await db.entity_history("m3")] == [
            ({"n": 3}, False),
            ([3], False),
            (None, True),
        ]
        with pytest.raises(UnknownObject):
            await db.update_entity("m3", 0, version=gone.version)
        assert await db.get_entity("m3") is None
        # Nothing of a value is in an error.
        for value in ({"secret": "\ud800"}, {"secret": "\0"}, {"secret": math.nan}, {"secret": object()}):
            with pytest.raises(InvalidArgument) as refused:
                await db.create_entities([{"id": "good", "value": 1}, {"id": "bad", "value": value}])
            assert "secret" not in str(refused.value)
        with pytest.raises(InvalidArgument, match="'bad'"):
            await db.create_entity("bad", "\0")
        with pytest.raises(NullArgument):
            await db.create_entity("bad", None)
        assert await db.get_entity("good") is None
        settings = await db.configure_entities(retention=timedelta(days=3))
        assert settings == await db.entity_settings()
        assert (settings.retention, settings.max_value_bytes) == (timedelta(days=3), 1 << 20)
