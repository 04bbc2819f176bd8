"""Drift of every kind of object: seen by the beat, and who did it; declared by migrations; found by scans."""

from __future__ import annotations

import pytest

from support.database import Database

SCENE = (
    "CREATE SCHEMA app",
    "CREATE TYPE app.state AS ENUM ('new', 'done')",
    "CREATE DOMAIN app.positive AS int CHECK (VALUE > 0)",
    "CREATE TYPE app.pair AS (a int, b int)",
    "CREATE SEQUENCE app.numbers",
    "CREATE TABLE app.t (id int PRIMARY KEY, state app.state, amount app.positive)",
    "CREATE FUNCTION app.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'",
    "CREATE PROCEDURE app.p() LANGUAGE sql AS 'SELECT 1'",
    "CREATE AGGREGATE app.total(int) (SFUNC = int4pl, STYPE = int)",
    "CREATE VIEW app.v AS SELECT id, state FROM app.t",
    "CREATE MATERIALIZED VIEW app.m AS SELECT id FROM app.v",
    'CREATE COLLATION app.plain FROM "C"',
    "CREATE STATISTICS app.s ON id, state FROM app.t",
    "CREATE TEXT SEARCH DICTIONARY app.d (TEMPLATE = simple)",
    "CREATE PUBLICATION pub FOR TABLE app.t",
    "CREATE FOREIGN DATA WRAPPER wrapper",
    "CREATE SERVER server FOREIGN DATA WRAPPER wrapper",
    "CREATE FOREIGN TABLE app.far (a int) SERVER server",
    "CREATE CAST (app.pair AS app.state) WITH INOUT",
)
OPEN = "SELECT DISTINCT object, state FROM asymm.drift WHERE resolved_at IS NULL"
BEAT = "SELECT asymm._process_ddl()"
SLIPS = (
    ("ALTER TYPE app.state ADD VALUE 'late'", "type app.state"),
    ("ALTER DOMAIN app.positive SET DEFAULT 1", "domain app.positive"),
    ("ALTER TYPE app.pair ADD ATTRIBUTE c int", "type app.pair"),
    ("ALTER SEQUENCE app.numbers INCREMENT BY 5", "app.numbers"),
    ("CREATE OR REPLACE FUNCTION app.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1'", "app.f(integer)"),
    ("ALTER PROCEDURE app.p() SECURITY DEFINER", "app.p()"),
    ("COMMENT ON AGGREGATE app.total(int) IS 'x'", "app.total(integer)"),
    ("ALTER VIEW app.v SET (security_barrier = true)", "app.v"),
    ("COMMENT ON MATERIALIZED VIEW app.m IS 'x'", "app.m"),
    ("COMMENT ON COLLATION app.plain IS 'x'", "collation app.plain"),
    ("ALTER STATISTICS app.s SET STATISTICS 10", "statistics object app.s"),
    ("ALTER TEXT SEARCH DICTIONARY app.d (accept = false)", "text search dictionary app.d"),
    ("ALTER PUBLICATION pub SET (publish = 'insert')", "publication pub"),
    ("ALTER FOREIGN TABLE app.far ADD COLUMN b int", "app.far"),
    ("COMMENT ON SCHEMA app IS 'x'", "schema app"),
    ("DROP CAST (app.pair AS app.state)", "cast (app.pair AS app.state)"),
    ("DROP FUNCTION app.f(int)", "app.f(integer)"),
    ("DROP MATERIALIZED VIEW app.m", "app.m"),
    ("GRANT USAGE ON SCHEMA app TO PUBLIC", "schema app"),
    ("REVOKE EXECUTE ON FUNCTION app.f(int) FROM PUBLIC", "app.f(integer)"),
    (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC",
        "default acl for role postgres in schema app on tables",
    ),
)
EXTRA = (
    ("CREATE VIEW app.more AS SELECT 1 AS a", "app.more"),
    ("CREATE FUNCTION app.g() RETURNS int LANGUAGE sql AS 'SELECT 1'", "app.g()"),
    ("CREATE TYPE app.mood AS ENUM ('sad')", "type app.mood"),
    ("CREATE SCHEMA elsewhere", "schema elsewhere"),
    ("CREATE SEQUENCE public.other", "public.other"),
    ("CREATE PUBLICATION other", "publication other"),
    ("CREATE TABLE public.extra (a serial)", "public.extra"),
)


@pytest.fixture
def watched(db: Database) -> Database:
    """Return a database with an object of many kinds, watched as a whole."""
    for statement in SCENE:
        db.sql(statement)
    db.sql("SELECT count(*) FROM asymm.watch_database()")
    db.sql(BEAT)
    assert db.sql(OPEN) == []
    return db


def test_a_slip_of_any_kind_is_seen_healed_and_taken_back(watched: Database) -> None:
    for slip, target in SLIPS:
        watched.sql(slip)
        watched.sql(BEAT)
        assert watched.sql(OPEN) == [(target, "proposed")], slip
        who = "SELECT DISTINCT role::text, found_by FROM asymm.drift WHERE resolved_at IS NULL"
        assert watched.sql(who) == [("postgres", "ddl_log")], slip
        states = {row[0] for row in watched.sql("SELECT state FROM asymm.heal_all(false, true)")}
        assert states == {"verified"}, slip
        watched.sql(BEAT)
        assert watched.sql(OPEN) == [], slip


def test_what_nobody_declared_is_drift_and_what_a_migration_made_is_declared(watched: Database) -> None:
    for statement, target in EXTRA:
        watched.sql(statement)
        watched.sql(BEAT)
        assert watched.sql(OPEN) == [(target, "proposed")], statement
        states = {row[0] for row in watched.sql("SELECT state FROM asymm.heal_all(false, true)")}
        assert states == {"verified"}, statement
        watched.sql(BEAT)
        assert watched.sql(OPEN) == [], statement
    watched.sql("SET asymm.intent = 'more of everything'")
    for statement, _ in EXTRA:
        watched.sql(statement)
    watched.sql(BEAT)
    assert watched.sql(OPEN) == []
    declared = {row[0] for row in watched.sql("SELECT object FROM asymm.watched")}
    assert {target for _, target in EXTRA} <= declared


def test_the_full_scan_finds_what_no_event_tells(watched: Database) -> None:
    watched.sql("SET session_replication_role = replica")
    watched.sql("ALTER EVENT TRIGGER asymm_ddl_end DISABLE")
    watched.sql("CREATE OR REPLACE FUNCTION app.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 2'")
    watched.sql("CREATE TYPE app.mood AS ENUM ('sad')")
    watched.sql("ALTER EVENT TRIGGER asymm_ddl_end ENABLE ALWAYS")
    watched.sql("SELECT asymm._scan_all()")
    found = [("app.f(integer)", "proposed"), ("type app.mood", "proposed")]
    assert watched.sql(OPEN + " ORDER BY 1") == found
