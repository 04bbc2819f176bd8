"""pg_dump, pg_restore, clones: declarations come along, healing waits for resume(), nothing acts alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from support import catalog, database
from support.database import Database, tool

RICH = Path(__file__).parents[1] / "support" / "rich.sql"


@pytest.fixture
def source(db: Database) -> Database:
    """Everything a user declares: settings, an organ, schema and tables under each policy."""
    done = db.psql("-q", "-v", "ON_ERROR_STOP=1", "-f", RICH)
    assert done.returncode == 0, done.stderr
    db.sql("SELECT asymm.configure(relapse_limit => 9, migrator_applications => '{deploy}')")
    db.sql("SELECT asymm.configure_organ('full_scan', cadence => '17 min')")
    db.sql("SELECT asymm.watch_schema('rich', 'heal', asymm.annotate('dataEntity', weight => 2))")
    db.sql("SELECT asymm.watch('rich.invoice', 'propose')")
    db.sql("SELECT asymm.watch('rich.base', 'observe')")
    db.sql("SELECT asymm.set_policy('propose', 'rich.in%%', 'table', 'rewrites table', 10)")
    db.sql("SELECT asymm.set_policy('guard', 'rich.invoice')")
    db.sql("SELECT asymm.configure_annotations(fidelity_half_life => '7 days')")
    db.sql("SELECT asymm.configure_entities(retention => '9 days')")
    version = db.value("SELECT version FROM asymm.create_entity('kept', '1', NULL, 'key')")
    version = db.value("SELECT version FROM asymm.update_entity('kept', '2', %s)", version)
    db.sql("SELECT asymm.create_entity('gone', '1'), asymm.create_entity('here', '{}')")
    db.sql("SELECT asymm.delete_entity('gone', (SELECT version FROM asymm.get_entity('gone')))")
    db.sql("SELECT asymm.settle('n', ARRAY[asymm.annotate('a'), asymm.annotate('b', cost => 'n')])")
    return db


@pytest.fixture
def restored(source: Database, tmp_path: Path) -> Iterator[Database]:
    archive = tmp_path / "dump"
    tool("pg_dump", "-Fc", "-f", archive, "-d", source.dsn)
    made = database.create(source.server, "template0")
    tool("pg_restore", "--exit-on-error", "-d", made.dsn, archive)
    yield made
    made.drop()


def declared(db: Database) -> list[list[tuple[object, ...]]]:
    return [
        db.sql("SELECT * FROM asymm.settings"),
        db.sql("SELECT name, cadence, enabled FROM asymm.organs ORDER BY 1"),
        db.sql("SELECT * FROM asymm.watched_schema"),
        db.sql("SELECT * FROM asymm.baseline ORDER BY id"),
        db.sql("SELECT * FROM asymm.policies ORDER BY id"),
        db.sql("SELECT * FROM asymm.annotation_settings"),
        db.sql("SELECT * FROM asymm.quarantine"),
        db.sql("SELECT * FROM asymm.entity_settings"),
        db.sql("SELECT * FROM asymm.data_entity ORDER BY id"),
        db.sql("SELECT * FROM asymm.data_entity_history ORDER BY id, version"),
        db.sql("SELECT * FROM asymm.data_entity_request"),
    ]


def look(db: Database) -> None:
    for query in ("_process_ddl", "_scan_headers", "_scan_all", "_claim_action"):
        db.sql(f"SELECT asymm.{query}()")


def test_restore_keeps_what_was_declared_and_pauses(source: Database, restored: Database) -> None:
    assert declared(restored) == declared(source)
    assert catalog.problems(restored) == []
    assert catalog.members(restored) == catalog.members(source)
    # The same call again has the answer of then; versions go on after those that were given.
    assert restored.value("SELECT value FROM asymm.create_entity('kept', '1', NULL, 'key')") == 1
    assert restored.value("SELECT version FROM asymm.create_entity('gone', '3')") > source.value(
        "SELECT max(version) FROM asymm.entity_history('gone')"
    )
    assert restored.value("SELECT asymm._healing_paused()") == "the declarations came from a dump"
    look(restored)
    assert restored.sql("SELECT object, part, name, attribute, declared, actual FROM asymm.drift") == []
    assert restored.sql("SELECT * FROM asymm.actions") == []
    # A slip is seen, but neither healed nor refused.
    restored.sql("ALTER TABLE rich.customer ALTER kind DROP DEFAULT")
    restored.sql("ALTER TABLE rich.invoice ADD COLUMN x int")
    look(restored)
    states = dict(restored.sql("SELECT object, state FROM asymm.drift"))
    assert states == {"rich.customer": "proposed", "rich.invoice": "proposed"}
    for call in ("heal('rich.customer')", "approve(1)"):
        done = restored.psql("-v", "VERBOSITY=verbose", "-c", f"SELECT * FROM asymm.{call}")
        assert "SY004" in done.stderr
    # New declarations do not end the pause by the way.
    restored.sql("SELECT asymm.configure(relapse_limit => 8)")
    restored.sql("SELECT asymm.watch('rich.customer', 'heal')")
    assert restored.value("SELECT asymm._healing_paused()") is not None
    restored.sql("SELECT asymm.resume()")
    assert restored.value("SELECT asymm._healing_paused()") is None
    assert set(restored.sql("SELECT state FROM asymm.heal('rich.customer')")) == {("verified",)}
    assert restored.sql("SELECT in_step FROM asymm.watched WHERE object = 'rich.customer'") == [(True,)]
    # The identity goes on behind the restored rows, and a guard guards again.
    last = restored.value("SELECT max(id) FROM asymm.baseline")
    restored.sql("CREATE TABLE public.later (a int)")
    restored.sql("SELECT asymm.watch('public.later')")
    assert restored.value("SELECT max(id) FROM asymm.baseline") > last
    assert "SY002" in restored.psql("-v", "VERBOSITY=verbose", "-c", "DROP TABLE rich.invoice").stderr


@pytest.mark.usefixtures("source")
def test_a_dump_holds_no_log_and_no_ledger(restored: Database) -> None:
    for table in ("action", "action_event", "drift_record", "member", "baseline_state", "pulse_state"):
        assert restored.value(f"SELECT count(*) FROM asymm.{table}") == 0
    assert restored.value("SELECT place FROM asymm.control") is None
    assert restored.value("SELECT count(*) FROM asymm.ddl_log WHERE application <> 'pg_restore'") == 0


def test_a_plain_dump_restores_without_an_error(source: Database, tmp_path: Path) -> None:
    script = tmp_path / "dump.sql"
    tool("pg_dump", "-f", script, "-d", source.dsn)
    made = database.create(source.server, "template0")
    try:
        done = made.psql("-q", "-v", "ON_ERROR_STOP=1", "-f", script)
        assert (done.returncode, done.stderr) == (0, "")
        assert declared(made) == declared(source)
    finally:
        made.drop()


def test_a_clone_heals_and_refuses_nothing(source: Database) -> None:
    # An open, approved repair comes along with the clone.
    owner = source.role("owner")
    source.sql(f'ALTER TABLE rich.heir OWNER TO "{owner}"')
    source.sql("SELECT asymm.adopt('rich.heir')")
    source.sql(f'GRANT USAGE ON SCHEMA rich TO "{owner}"')
    source.sql("SELECT asymm.adopt('schema rich')")
    source.sql("ALTER TABLE rich.heir ADD COLUMN x int")
    source.sql("SELECT asymm._process_ddl()")
    assert source.sql("SELECT state FROM asymm.drift WHERE state = 'approved'") == [("approved",)]
    source.close()
    clone = database.create(source.server, source.name)
    try:
        assert "copy" in clone.value("SELECT asymm._healing_paused()")
        clone.sql(f'GRANT asymm_pulse TO "{owner}"')
        actor = clone.connect(user=owner)
        assert actor.execute("SELECT asymm._claim_action()").fetchall() == [(None,)]
        clone.sql("ALTER TABLE rich.invoice ADD COLUMN y int")
        clone.sql("ALTER TABLE rich.event RENAME n TO m")
        look(clone)
        assert set(clone.sql("SELECT DISTINCT object, state FROM asymm.drift")) == {
            ("rich.heir", "proposed"),
            ("rich.invoice", "proposed"),
            ("rich.event", "proposed"),
            ("rich.event_2025", "proposed"),
            ("rich.event_rest", "proposed"),
        }
        # A hold and a rename outlive resume().
        clone.sql(
            "UPDATE asymm.baseline_state SET held = 'somebody decides'"
            " WHERE object_id = 'rich.heir'::regclass"
        )
        clone.sql("SELECT asymm.resume()")
        look(clone)
        assert clone.sql("SELECT held FROM asymm.watched WHERE object = 'rich.heir'") == [
            ("somebody decides",)
        ]
        assert clone.sql(
            "SELECT name, actual FROM asymm.drift WHERE attribute = 'name' AND object = 'rich.event'"
        ) == [("n", "m")]
        assert actor.execute("SELECT asymm._claim_action()").fetchall() == [(None,)]
    finally:
        clone.drop()
        with source.server.admin() as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(source.name)))
