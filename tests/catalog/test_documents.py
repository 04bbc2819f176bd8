"""Documents from elsewhere: what is none is refused, an imported one does nothing, who may approve it."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from support.database import Database
from support.documents import Json, changed, signed
from support.scene import Scene, refused, rows


def test_broken_documents(full: Database) -> None:
    good: Json = full.value("SELECT asymm.present_state()")
    [table] = [item for item in good["objects"] if (item["kind"], item["name"]) == ("table", "base")]
    deep: Any = "x"
    for _ in range(500):
        deep = {"a": deep}
    broken = [
        good | {"format": 2},
        good | {"fingerprint": "0" * 64},
        good | {"objects": good["objects"][1:]},
        good | {"objects": {}},
        good | {"scope": []},
        {},
        [],
        "text",
        7,
        None,
    ]
    signed_ones = [
        good | {"scope": {"database": "yes", "schemas": []}},
        good | {"scope": {"database": True, "schemas": "rich"}},
        good | {"scope": {"database": False, "schemas": ["pg_catalog"]}},
        good | {"scope": {"database": False, "schemas": [7]}},
        good | {"objects": [table, table]},
        good | {"objects": [7]},
        good | {"objects": [changed(table, ("facts", "table", "", "comment"), deep)]},
    ]
    for text in [Jsonb(document) for document in broken] + [
        signed(full, document) for document in signed_ones
    ]:
        for call in ("import_baseline", "diff"):
            with pytest.raises(psycopg.errors.InvalidParameterValue) as raised:
                full.sql(f"SELECT * FROM asymm.{call}(%s)", text)
            assert raised.value.diag.message_detail
            assert raised.value.diag.message_hint
    for text in ("{", '{"a": }', '{"a": "\\u0000"}', "[" * 100_000):
        with pytest.raises(psycopg.Error) as failed:
            full.sql("SELECT * FROM asymm.import_baseline(%s::text::jsonb)", text)
        assert failed.value.sqlstate in ("22P02", "22P05", "54001")
    # Ten thousand levels are more than anybody reads, but no reason to fall over.
    with pytest.raises(psycopg.Error) as failed:
        full.sql(
            "SELECT * FROM asymm.import_baseline(%s::text::jsonb)",
            '{"a":' * 10_000 + "1" + "}" * 10_000,
        )
    assert failed.value.sqlstate in ("22023", "54001")
    # The last of two equal keys counts, as in every jsonb, and the fingerprint is of that.
    twice = json.dumps(good)[:-1] + ', "format": 1}'
    assert full.sql("SELECT * FROM asymm.diff(%s::text::jsonb)", twice) == []
    assert full.value("SELECT count(*) FROM asymm.imported") == 0


def test_an_imported_document_does_nothing(full: Database) -> None:
    state = "SELECT asymm.fingerprint_database(), asymm.baseline(), (SELECT count(*) FROM asymm.action)"
    before = full.sql(state)
    good: Json = full.value("SELECT asymm.present_state()")
    [view] = [item for item in good["objects"] if (item["kind"], item["name"]) == ("view", "seen")]
    code = "SELECT rich.double(1) AS id, pg_sleep(100)::text AS code"
    document = signed(full, good | {"objects": [changed(view, ("facts", "view", "", "def"), code)]})
    [(fingerprint, count, approved)] = full.sql("SELECT * FROM asymm.import_baseline(%s)", document)
    assert (count, approved) == (1, False)
    full.sql("SELECT asymm.beat()")
    full.sql("SELECT asymm._scan_all()")
    assert full.sql(state) == before
    assert full.sql(
        "SELECT object, attribute, definition FROM asymm.imported_definitions(%s)",
        fingerprint,
    ) == [("rich.seen", "def", code)]
    assert full.sql(
        "SELECT imported_by, approved_by, whole_database, schemas, objects, kinds FROM asymm.imported"
    ) == [("postgres", None, True, [], 1, {"view": 1})]
    assert full.sql("SELECT * FROM asymm.discard_baseline(%s)", fingerprint) == [(fingerprint, 1)]
    for call in ("discard_baseline", "approve_baseline", "imported_definitions"):
        with pytest.raises(psycopg.errors.UndefinedObject):
            full.sql(f"SELECT * FROM asymm.{call}(%s)", fingerprint)


def test_who_may_approve(scene: Scene) -> None:
    """Only who may act for all it concerns: whoever owns it there, or here, and the schemas."""
    db = scene.db
    rows(scene.as_bob, "CREATE TABLE public.his (id int)")
    db.sql(f'CREATE SCHEMA bobs AUTHORIZATION "{scene.bob}"')
    good: Json = db.value("SELECT asymm.present_state()")
    own = {item["name"]: item for item in good["objects"] if item["kind"] == "table"}

    def document(*items: Json, database: bool = False, schemas: tuple[str, ...] = ()) -> str:
        scope = {"database": database, "schemas": list(schemas)}
        made = signed(db, {"format": 1, "scope": scope, "objects": list(items)})
        [(fingerprint, _, _)] = rows(scene.as_ann, "SELECT * FROM asymm.import_baseline(%s)", made)
        return str(fingerprint)

    taken = changed(own["his"], ("facts", "table", "", "owner"), scene.ann)
    new = changed(own["hers"], ("schema",), "bobs")
    cast = {"kind": "cast", "schema": "", "name": "(text AS integer)", "layout": []}
    cast["facts"] = {"cast": {"": {"method": "inout"}}}  # type: ignore[assignment]
    for bad in (
        document(own["his"]),
        document(own["hers"], own["his"]),
        document(taken),
        document(new),
        document(cast),
        document(own["hers"], schemas=("bobs",)),
        document(own["hers"], database=True),
    ):
        refused(scene.as_ann, f"SELECT * FROM asymm.approve_baseline('{bad}')")
    hers = document(own["hers"])
    refused(scene.as_bob, f"SELECT * FROM asymm.approve_baseline('{hers}')")
    assert db.value("SELECT count(*) FROM asymm.baseline") == 0
    assert rows(scene.as_ann, f"SELECT * FROM asymm.approve_baseline('{hers}')") == [
        ("public.hers", "table", "propose", "declared")
    ]
    # What is declared belongs to somebody too.
    db.sql("SELECT asymm.watch('public.his')")
    refused(scene.as_ann, f"SELECT * FROM asymm.approve_baseline('{hers}')")


def test_the_scans_find_what_was_approved(scene: Scene) -> None:
    db = scene.db
    rows(scene.as_ann, "SELECT asymm.watch('public.hers')")
    document = rows(scene.as_ann, "SELECT asymm.baseline()")[0][0]
    rows(scene.as_ann, "ALTER TABLE public.hers ALTER note DROP DEFAULT")
    rows(scene.as_ann, "SELECT asymm.adopt('public.hers')")
    db.sql("SELECT asymm._scan_all()")
    db.sql("SELECT asymm._scan_headers()")
    assert db.value("SELECT count(*) FROM asymm.drift WHERE state <> 'adopted'") == 0
    rows(scene.as_ann, "SELECT * FROM asymm.import_baseline(%s)", Jsonb(document))
    changes = rows(
        scene.as_ann,
        "SELECT object, change FROM asymm.approve_baseline(%s)",
        document["fingerprint"],
    )
    assert changes == [("public.hers", "changed")]
    db.sql("SELECT asymm._scan_headers()")
    assert db.sql("SELECT object, name, attribute, state FROM asymm.drift WHERE resolved_at IS NULL") == [
        ("public.hers", "note", "default", "proposed")
    ]
