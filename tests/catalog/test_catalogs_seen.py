"""While the catalogs are as they were, the header scan asks no table; whatever happens to them, it does."""

from __future__ import annotations

import pytest

from support.database import Database

SCAN = "SELECT asymm._scan_headers()"
QUIET = (
    "SELECT n.rows = c.rows AND NOT n.fresh"
    " FROM asymm.catalogs_seen AS c, asymm._catalog_rows(c.horizon) AS n"
)
FOUND = "SELECT object, part, name, attribute, found_by FROM asymm.drift WHERE resolved_at IS NULL"
NOT_NULL = "UPDATE pg_attribute SET attnotnull = true WHERE attrelid = 'app.t7'::regclass AND attname = 'a'"


@pytest.fixture
def quiet(db: Database) -> Database:
    """Return a database with enough watched tables that counting is worth it, scanned until all is old."""
    db.sql("CREATE SCHEMA app")
    for number in range(100):
        db.sql(f"CREATE TABLE app.t{number} (id int PRIMARY KEY, a int, b int)")
    db.sql("COMMENT ON COLUMN app.t7.b IS 'b'")
    db.sql("SELECT count(*) FROM asymm.watch_schema('app')")
    while db.value("SELECT count(*) FROM asymm.ddl_log WHERE NOT seen"):
        db.sql("SELECT asymm._process_ddl()")
    for _ in range(3):
        assert db.value(SCAN) is None
    assert db.value(QUIET) is True
    return db


def test_quiet_catalogs_stay_quiet(quiet: Database) -> None:
    written = "SELECT xmin::text, * FROM asymm.catalogs_seen"
    before = quiet.sql(written)
    assert quiet.value(SCAN) is None
    # Nothing was written either.
    assert quiet.sql(written) == before
    stood = "SELECT horizon, rows FROM asymm.catalogs_seen"
    before = quiet.sql(stood)
    quiet.sql("CREATE TEMPORARY TABLE x (a int)")
    quiet.sql("DROP TABLE x")
    quiet.sql("ANALYZE app.t7")
    assert quiet.value(QUIET) is True
    assert quiet.value(SCAN) is None
    assert quiet.sql(stood) == before


@pytest.mark.parametrize(
    ("slip", "found"),
    [
        (NOT_NULL, ("column", "a", "not_null")),
        ("DELETE FROM pg_description WHERE objoid = 'app.t7'::regclass", ("column", "b", "comment")),
        # As many rows as before, none of them deleted from the same catalog.
        (
            "WITH gone AS (DELETE FROM pg_description WHERE objoid = 'app.t7'::regclass RETURNING *)"
            " INSERT INTO pg_description SELECT 'app.t8'::regclass, classoid, objsubid, description"
            " FROM gone",
            ("column", "b", "comment"),
        ),
    ],
)
def test_what_no_event_tells_is_found(quiet: Database, slip: str, found: tuple[str, str, str]) -> None:
    quiet.sql(slip)
    quiet.sql(SCAN)
    assert ("app.t7", *found, "header_scan") in quiet.sql(FOUND)
    for _ in range(3):
        quiet.sql(SCAN)
    assert quiet.value(QUIET) is True


def test_a_change_that_was_open_while_all_was_counted(quiet: Database) -> None:
    with quiet.connect(autocommit=False) as slow:
        # What it wrote is reported when it commits, not some seconds later.
        slow.execute(NOT_NULL.encode() + b"; SELECT pg_stat_force_next_flush()")
        # Later transactions end before it; scans count without it.
        quiet.sql("COMMENT ON TABLE app.t9 IS 'nine'")
        quiet.sql("SELECT asymm._process_ddl()")
        for _ in range(4):
            quiet.sql(SCAN)
        slow.commit()
    quiet.sql(SCAN)
    assert ("app.t7", "column", "a", "not_null", "header_scan") in quiet.sql(FOUND)


def test_nothing_is_counted_while_nobody_wrote(quiet: Database) -> None:
    """What changes without being reported is left to the full scan; anything reported is looked at."""
    quiet.sql("SET track_counts = off")
    quiet.sql(NOT_NULL)
    quiet.sql("RESET track_counts")
    assert quiet.value(SCAN) is None
    assert quiet.value(QUIET) is False
    quiet.sql("CREATE TEMPORARY TABLE x (a int)")
    quiet.sql(SCAN)
    assert ("app.t7", "column", "a", "not_null", "header_scan") in quiet.sql(FOUND)
    quiet.sql(
        "UPDATE pg_attribute SET attnotnull = false WHERE attrelid = 'app.t7'::regclass AND attname = 'a'"
    )
    quiet.sql("SELECT pg_stat_reset()")
    quiet.sql(SCAN)
    assert quiet.sql(FOUND) == []


def test_a_table_declared_from_an_old_look_is_asked(quiet: Database) -> None:
    quiet.sql("UPDATE asymm.baseline_state SET header = 'old' WHERE object_id = 'app.t7'::regclass")
    assert quiet.value(QUIET) is False
    quiet.sql(SCAN)
    assert quiet.value(
        "SELECT header <> 'old' FROM asymm.baseline_state WHERE object_id = 'app.t7'::regclass"
    )


def test_few_watched_among_many_tables_are_asked_one_by_one(db: Database) -> None:
    db.sql("CREATE TABLE public.t (a int)")
    db.sql("SELECT asymm.watch('public.t')")
    for _ in range(3):
        db.sql(SCAN)
    assert db.sql("SELECT rows FROM asymm.catalogs_seen") == [(None,)]
    assert db.value("SELECT rows IS NULL AND fresh FROM asymm._catalog_rows('3')") is True


def test_a_full_scan_reads_nothing_while_nothing_happened(quiet: Database) -> None:
    """What facts are read from is all counted: another name of a type, a function or a role is seen."""
    read_at = "SELECT full_at FROM asymm.catalogs_seen"
    full = "SELECT asymm._scan_all()"
    assert quiet.value(full) is None
    last = quiet.value(read_at)
    assert quiet.value(full) is None
    assert quiet.value(read_at) == last
    role = quiet.role("somebody")
    quiet.value(full)
    assert quiet.value(read_at) > last
    for slip in (
        "CREATE TYPE public.mood AS ENUM ('sad')",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        f'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "{role}"',
        "UPDATE asymm.catalogs_seen SET full_at = full_at - interval '2 hours'",
        "UPDATE asymm.catalogs_seen SET full_at = full_at + interval '2 hours'",
    ):
        for _ in range(3):
            quiet.value(full)
        last = quiet.value(read_at)
        quiet.sql(slip)
        quiet.value(full)
        assert quiet.value(read_at) != last, slip
