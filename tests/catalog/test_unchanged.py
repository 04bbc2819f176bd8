"""A schema that nobody changed shows no drift, whatever is done to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.cluster import BIN
from support.database import Database

RICH = Path(__file__).parents[1] / "support" / "rich.sql"


def watch_rich(db: Database, policy: str = "heal") -> None:
    """Make the rich schema and watch all of it."""
    done = db.psql("-q", "-v", "ON_ERROR_STOP=1", "-f", RICH)
    assert done.returncode == 0, done.stderr
    assert len(db.sql("SELECT * FROM asymm.watch_schema('rich', %s)", policy)) == 17


def drift(db: Database) -> list[tuple[str, ...]]:
    """Look in all three ways; return every difference there ever was, and every action."""
    db.sql("SELECT asymm._process_ddl()")
    db.sql("SELECT asymm._scan_headers()")
    db.sql("SELECT asymm._scan_all()")
    return db.sql(
        "SELECT object, part, name, attribute, declared::text, actual::text FROM asymm.drift"
    ) + db.sql("SELECT kind, target, state, reason FROM asymm.actions")


COMMANDS = (
    "VACUUM FULL",
    "VACUUM (FREEZE, ANALYZE)",
    "VACUUM FULL pg_class",
    "VACUUM FULL pg_attribute",
    "REINDEX SCHEMA rich",
    "REINDEX TABLE CONCURRENTLY rich.customer",
    "REINDEX INDEX CONCURRENTLY rich.by_sum",
    "CLUSTER rich.invoice",
    "CLUSTER",
    "TRUNCATE rich.customer, rich.invoice, rich.event CASCADE",
    "INSERT INTO rich.customer (code, kind) SELECT 'a', 'k' WHERE random() < 2",
    "ALTER TABLE rich.customer ADD COLUMN gone int; ALTER TABLE rich.customer DROP COLUMN gone",
    "ALTER TABLE rich.base RENAME TO other; ALTER TABLE rich.other RENAME TO base",
    "ALTER SCHEMA rich RENAME TO poor; ALTER SCHEMA poor RENAME TO rich",
    "ALTER TABLE rich.customer ALTER kind DROP DEFAULT, ALTER kind SET DEFAULT 'x'",
    "DROP INDEX rich.by_span; CREATE INDEX by_span ON rich.customer USING gist (span) WITH (fillfactor = 70);"
    " COMMENT ON INDEX rich.by_span IS 'When'",
    "BEGIN; DROP TABLE rich.customer CASCADE; ROLLBACK",
    "CREATE TEMP TABLE customer (a int); DROP TABLE pg_temp.customer",
    "CREATE EXTENSION hypopg; DROP EXTENSION hypopg",
    "ALTER EXTENSION asymmetrica UPDATE",
    "SET search_path = rich, public; SET datestyle = 'german'; SET intervalstyle = iso_8601;"
    " SET quote_all_identifiers = on; SET timezone = 'Asia/Tokyo'; SET bytea_output = escape;"
    " SET extra_float_digits = -5; SET standard_conforming_strings = off; SELECT asymm._scan_all()",
)


def test_no_command_that_changes_nothing_is_drift(db: Database) -> None:
    watch_rich(db)
    before = db.sql("SELECT object, fingerprint FROM asymm.watched ORDER BY 1")
    for command in COMMANDS:
        steps = command.split("; ") if "VACUUM" in command or "CONCURRENTLY" in command else [command]
        for step in steps:
            db.own.execute(step.encode())
        db.own.execute(b"RESET ALL")
        assert (command, drift(db)) == (command, [])
    assert db.sql("SELECT object, fingerprint FROM asymm.watched ORDER BY 1") == before
    assert db.sql("SELECT * FROM asymm.heal('rich.customer')") == []


@pytest.mark.parametrize(
    "cycles", [pytest.param(20, id="some"), pytest.param(1000, marks=pytest.mark.long, id="many")]
)
def test_looking_again_and_again_finds_nothing(db: Database, cycles: int) -> None:
    watch_rich(db)
    for _ in range(cycles):
        assert drift(db) == []


def test_a_replayed_definition_is_the_declared_one(db: Database) -> None:
    """What the server prints it prints otherwise once that was replayed; both are the same declaration."""
    db.sql(
        "CREATE TABLE public.t (v varchar(9) CONSTRAINT c CHECK (v IN ('a', 'b''])::text[')),"
        " w varchar, n int)"
    )
    db.sql(
        "ALTER TABLE public.t ADD CONSTRAINT d"
        " CHECK (v NOT IN ('x', 'y') AND w = ANY (ARRAY[v, 'z'::varchar]))"
    )
    db.sql("CREATE INDEX i ON public.t (n) WHERE v IN ('p', 'q')")
    db.sql("ALTER TABLE public.t ALTER n SET DEFAULT CASE WHEN 'a'::varchar IN ('a', 'b') THEN 1 ELSE 2 END")
    db.sql("SELECT asymm.watch('public.t')")
    printed = db.sql(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'public.t'::regclass"
    )
    for name, definition in printed:
        db.sql(f"ALTER TABLE public.t DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {definition}")
    index = db.value("SELECT pg_get_indexdef('public.i'::regclass)")
    db.sql("DROP INDEX public.i")
    db.sql(index)
    again = db.sql(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'public.t'::regclass"
    )
    assert sorted(again) != sorted(printed)
    assert drift(db) == []
    db.sql("ALTER TABLE public.t DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (v IN ('a', 'c'))")
    assert drift(db) != []


def test_an_index_being_built_is_no_drift(db: Database) -> None:
    """A REINDEX or CREATE INDEX CONCURRENTLY that waits for others shows invalid indexes for a while."""
    watch_rich(db)
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT count(*) FROM rich.customer")
    writer = db.connect(autocommit=False)
    writer.execute("UPDATE rich.customer SET amount = 1")
    command = [BIN / "psql", "-X", "-d", db.dsn, "-c", "REINDEX TABLE CONCURRENTLY rich.customer"]
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL) as reindex:
        db.wait_for(
            "SELECT count(*) > 0 FROM pg_index WHERE indrelid = 'rich.customer'::regclass AND NOT indisvalid"
        )
        seen = drift(db)
        writer.rollback()
        blocker.rollback()
        assert reindex.wait(30) == 0
    assert seen == []
    assert drift(db) == []


def test_a_leftover_of_a_failed_build_is_drift(db: Database) -> None:
    watch_rich(db)
    db.sql("INSERT INTO rich.event SELECT '2025-01-01', 'in', 1 FROM generate_series(1, 2)")
    db.sql("CREATE TABLE rich.twice (a int)")
    db.sql("INSERT INTO rich.twice VALUES (1), (1)")
    db.sql("SELECT asymm.watch('rich.twice')")
    db.sql("SELECT asymm._process_ddl()")
    done = db.psql("-c", "CREATE UNIQUE INDEX CONCURRENTLY left_over ON rich.twice (a)")
    assert "could not create unique index" in done.stderr
    db.sql("SELECT asymm._scan_headers()")
    assert db.sql(
        "SELECT part, name, actual -> 'invalid', found_by FROM asymm.drift WHERE object = 'rich.twice'"
    ) == [("index", "left_over", True, "header_scan")]
