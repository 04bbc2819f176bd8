"""Methods for privacy against a real server, sync and async."""

from __future__ import annotations

import pytest

from asymmetrica import (
    Erased,
    InvalidArgument,
    NotErased,
    Protection,
    UnknownColumn,
    UnknownObject,
)
from asymmetrica.privacy import Hasher, Peppers
from support.database import Database

from .conftest import Caller


async def test_privacy(call: Caller, db: Database) -> None:
    db.sql("CREATE SCHEMA IF NOT EXISTS shop")
    db.sql("CREATE TABLE shop.people (id int PRIMARY KEY, email text, name text)")
    hasher = Hasher("email", kind="email", peppers=Peppers("email", {1: bytes(range(32))}))
    db.sql(
        "INSERT INTO shop.people VALUES (1, %s, 'Anna'), (2, 'bo@x.example', 'Bo')",
        hasher.token("a@x.example"),
    )
    assert await call("protect", "shop.people", "name") == Protection("shop.people", "name", [])
    await call("protect", "shop.people", "email", method="hash")
    assert {(row.column, row.method) for row in await call("protected")} == {
        ("name", "mask"),
        ("email", "hash"),
    }
    assert await call("create_masked_view", "shop.people") == "shop.people_masked"
    assert [row.not_hashed for row in await call("unhashed", "shop.people")] == [1]
    assert (await call("unprotect", "shop.people", "name")).done == ["view people_masked was made anew"]
    with pytest.raises(UnknownColumn):
        await call("protect", "shop.people", "nothing")
    with pytest.raises(UnknownObject):
        await call("unprotect", "shop.people", "name")
    await call("audit", "looked at", "person 1", detail={"reason": "asked"})
    anchor = await call("seal_audit")
    state = await call("verify_audit", anchor=anchor)
    assert (state.intact, state.anchor, state.faults) == (True, anchor, [])
    with pytest.raises(InvalidArgument):
        await call("verify_audit", anchor="none")
    place = await call("register_subject", "person", "shop.people", "id")
    assert await call("register_entities", "person", "person:") == place + 1
    assert await call("unregister_subject", place + 1) is True
    found = await call("export_subject", "1", kind="person")
    assert found["places"][0]["rows"][0]["name"] == "Anna"
    assert (await call("forget", "1", kind="person"))[0] == Erased("shop.people", 1, 0, 1)
    assert (await call("forget", "1", dry_run=False, kind="person"))[0] == Erased("shop.people", 1, 1, 0)
    ledger = await call("erasure_ledger")
    assert [entry["kind"] for entry in ledger] == ["person"]
    db.sql("INSERT INTO shop.people VALUES (1)")
    again = await call("reapply_erasures", ledger)
    assert [(row.place, row.erased) for row in again] == [("shop.people", 1)]
    db.sql("CREATE TABLE shop.letters (person int REFERENCES shop.people)")
    db.sql("INSERT INTO shop.letters VALUES (2)")
    with pytest.raises(NotErased):
        await call("forget", "2", dry_run=False, kind="person")
