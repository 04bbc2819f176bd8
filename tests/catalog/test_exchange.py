"""Copies of a database have its fingerprint, secrets stay where they are; fleet; what heal_all() tells."""

from __future__ import annotations

import json
import subprocess

import psycopg
import pytest
from psycopg.types.json import Jsonb

from asymmetrica.demo import scenery
from support import database
from support.cluster import BIN, Cluster
from support.database import Database
from support.scene import Scene, refused, rows


def test_the_ledger_takes_no_statement_from_a_caller(scene: Scene) -> None:
    """What ran is what was planned; whoever finishes a repair can't slip in an inverse for others to run."""
    rows(scene.as_ann, "SELECT asymm.watch('public.hers')")
    rows(scene.as_ann, "ALTER TABLE public.hers ALTER note DROP DEFAULT")
    [(asked,)] = rows(scene.as_ann, "SELECT asymm._request_heal_all(false)")
    rows(scene.as_ann, "ALTER TABLE public.hers ALTER note SET DEFAULT 'x'")
    forged = [
        {
            "step": 1,
            "kind": "table",
            "object": "public.hers",
            "forward": "SELECT 1",
            "inverse": "SELECT 2",
        }
    ]
    rows(
        scene.as_ann,
        "SELECT asymm._finish_heal_all(%s, %s, '[]', NULL)",
        asked["action"],
        Jsonb(forged),
    )
    assert scene.db.sql(
        "SELECT state, statements, inverse FROM asymm.actions WHERE id = %s",
        asked["action"],
    ) == [("verified", [], [])]


def test_a_look_serves_only_until_the_next_ddl(scene: Scene) -> None:
    """What the last round saw is what the ledger tells, unless its caller did something more meanwhile."""
    rows(scene.as_ann, "SELECT asymm.watch('public.hers')")
    with scene.as_ann.transaction():
        rows(scene.as_ann, "ALTER TABLE public.hers ALTER note DROP DEFAULT")
        [(asked,)] = rows(scene.as_ann, "SELECT asymm._request_heal_all(false)")
        for step in asked["steps"]:
            rows(scene.as_ann, step["forward"])
        left = rows(scene.as_ann, "SELECT steps FROM asymm._settle_all(%s, '[]')", asked["action"])
        rows(scene.as_ann, "ALTER TABLE public.hers ALTER note SET DEFAULT 'more'")
        rows(
            scene.as_ann,
            "SELECT asymm._finish_heal_all(%s, %s, '[]', NULL)",
            asked["action"],
            Jsonb(asked["steps"]),
        )
    assert left == [(None,)]
    [(after, objects)] = scene.db.sql(
        "SELECT fingerprint_after, evidence_after #>> '{objects,0,name}' FROM asymm.action WHERE id = %s",
        asked["action"],
    )
    assert (len(after), objects) == (64, "hers")
    assert scene.db.value("SELECT actual FROM asymm.drift_record WHERE state = 'open'") == "'more'::text"


def test_a_superuser_sees_every_statement(scene: Scene) -> None:
    rows(scene.as_ann, "SELECT asymm.watch('public.hers')")
    rows(scene.as_ann, "ALTER TABLE public.hers ALTER note DROP DEFAULT")
    told: list[str] = []
    session = scene.db.connect()
    session.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    steps = rows(session, "SELECT statement FROM asymm.heal_all()")
    assert [text for text in told if text.startswith("running as superuser")] == [
        f'running as superuser "postgres": {statement}' for (statement,) in steps
    ]
    assert steps


def copied(db: Database, server: Cluster) -> Database:
    """Return a copy of a database by pg_dump and psql."""
    copy = database.create(server)
    dump = subprocess.run([str(BIN / "pg_dump"), db.dsn], check=True, capture_output=True).stdout
    done = subprocess.run(
        [str(BIN / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", copy.dsn],
        input=dump,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return copy


@pytest.mark.timeout(120)
def test_a_copy_has_the_same_fingerprint(full: Database, db: Database, server: Cluster) -> None:
    for statement in (
        "CREATE ROLE flights_reader",
        "CREATE SCHEMA flights",
        *scenery.TABLES,
        *scenery.KEYS,
    ):
        db.sql(statement)
    db.forget_role("flights_reader")
    for original in (full, db):
        copy = copied(original, server)
        try:
            assert (
                copy.sql(
                    "SELECT * FROM asymm.diff(%s)",
                    Jsonb(original.value("SELECT asymm.present_state()")),
                )
                == []
            )
            root = original.value("SELECT asymm.fingerprint_database()")
            assert copy.value("SELECT asymm.fingerprint_database()") == root
            schema = "flights" if original is db else "rich"
            assert copy.value("SELECT asymm.fingerprint_schema(%s)", schema) == original.value(
                "SELECT asymm.fingerprint_schema(%s)", schema
            )
            copy.sql(f"CREATE DOMAIN {schema}.another AS int")
            assert copy.value("SELECT asymm.fingerprint_database()") != root
        finally:
            copy.drop()


def test_secrets_of_another_database_are_taken_as_they_are(full: Database, server: Cluster) -> None:
    """A password is known by a hash with a key of the database: it can't be compared elsewhere."""
    document = full.value("SELECT asymm.present_state()")
    assert "hush" not in json.dumps(document)
    copy = copied(full, server)
    try:
        copy.sql("SELECT asymm.resume()")
        [(fingerprint, _, _)] = copy.sql("SELECT * FROM asymm.import_baseline(%s)", Jsonb(document))
        copy.sql("SELECT * FROM asymm.approve_baseline(%s)", fingerprint)
        assert copy.sql("SELECT * FROM asymm.heal_all(dry_run => true)") == []
        copy.sql("ALTER USER MAPPING FOR PUBLIC SERVER far OPTIONS (SET password 'another')")
        assert len(copy.sql("SELECT * FROM asymm.heal_all(dry_run => true)")) == 1
    finally:
        copy.drop()


def test_no_password_can_be_read(full: Database) -> None:
    """What is in user mappings stays a superuser's; nothing is granted that would outlive the extension."""
    told = full.value("SELECT asymm.present_state()::text")
    assert '"password": "keyed:' in told
    with full.connect() as session:
        session.execute("SET ROLE asymm_owner")
        shown = session.execute("SELECT options::text FROM asymm._user_mapping").fetchall()
        assert shown
        assert not any("hush" in text for (text,) in shown)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT umoptions FROM pg_user_mapping")
    granted = "attrelid = 'pg_user_mapping'::regclass AND attacl IS NOT NULL"
    assert full.value(f"SELECT count(*) FROM pg_attribute WHERE {granted}") == 0


def test_fleet(scene: Scene) -> None:
    db, one, two = scene.db, "1" * 64, "2" * 64
    report = "SELECT member, agrees_with FROM asymm.report_to_fleet(%s, %s, %s)"
    assert rows(scene.as_ann, report, "staging", one, "shop at db1:5432") == [("staging", [])]
    assert rows(scene.as_ann, report, "production", one, None) == [("production", ["staging"])]
    assert rows(scene.as_bob, report, "branch", two, "") == [("branch", [])]
    first = db.sql("SELECT name, fingerprint, label, reported_by, agrees_with FROM asymm.fleet ORDER BY name")
    assert first == [
        ("branch", two, "", scene.bob, []),
        ("production", one, None, scene.ann, ["staging"]),
        ("staging", one, "shop at db1:5432", scene.ann, ["production"]),
    ]
    rows(scene.as_ann, report, "staging", two, None)
    rows(scene.as_ann, report, "production", one, None)
    assert db.sql(
        "SELECT name, label, seen_at = changed_at FROM asymm.fleet WHERE name <> 'branch' ORDER BY name"
    ) == [
        ("production", None, False),
        ("staging", "shop at db1:5432", True),
    ]
    for values in (
        "NULL, repeat('1', 64)",
        "'x', NULL",
        "'', repeat('1', 64)",
        "'x', 'abc'",
        "repeat('x', 201), repeat('1', 64)",
        "'x', repeat('1', 64), 'postgresql://u:secret@host/db'",
        "'x', repeat('1', 64), 'host=x password=secret'",
    ):
        refused(
            scene.as_ann,
            f"SELECT * FROM asymm.report_to_fleet({values})",
            "22004",
            "22023",
        )
    refused(
        db.connect(user=scene.reader),
        "SELECT * FROM asymm.report_to_fleet('x', repeat('1', 64))",
    )
    assert len(rows(db.connect(user=scene.reader), "SELECT * FROM asymm.fleet")) == 3
    refused(db.connect(user=scene.reader), "SELECT * FROM asymm.imported")
    assert rows(scene.as_ann, "SELECT asymm.leave_fleet('branch'), asymm.leave_fleet('branch')") == [
        (True, False)
    ]
