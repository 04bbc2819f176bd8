"""Every kind of object is watched, its drift seen with who did it, repaired, taken back and adopted."""

from __future__ import annotations

import psycopg
import pytest

from support.database import Database
from support.scene import rows

MADE = """
    CREATE TYPE s.mood AS ENUM ('sad', 'ok');
    CREATE TYPE s.pair AS (a int, b text);
    CREATE DOMAIN s.pos AS int CHECK (VALUE > 0);
    CREATE SEQUENCE s.q;
    CREATE TABLE s.t (id int PRIMARY KEY, note text);
    CREATE VIEW s.v AS SELECT id, note FROM s.t;
    CREATE MATERIALIZED VIEW s.m AS SELECT count(*) AS n FROM s.t;
    CREATE FUNCTION s.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
    CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1';
    CREATE AGGREGATE s.total(int) (sfunc = int4pl, stype = int);
    CREATE OPERATOR s.=== (leftarg = int, rightarg = int, function = int4eq);
    CREATE COLLATION s.plain FROM "C";
    CREATE STATISTICS s.pairs ON id, note FROM s.t;
    CREATE TEXT SEARCH DICTIONARY s.words (template = simple);
    CREATE TEXT SEARCH CONFIGURATION s.search (copy = simple)
"""
# object, slip, part, name, attribute, command tag; one after the other
SLIPS = (
    ("schema s", "COMMENT ON SCHEMA s IS 'slip'", "schema", "", "comment", "COMMENT"),
    ("type s.mood", "ALTER TYPE s.mood RENAME VALUE 'ok' TO 'fine'", "type", "", "labels", "ALTER TYPE"),
    (
        "type s.pair",
        "ALTER TYPE s.pair ALTER ATTRIBUTE b TYPE varchar",
        "attribute",
        "b",
        "type",
        "ALTER TYPE",
    ),
    ("domain s.pos", "ALTER DOMAIN s.pos SET DEFAULT 3", "domain", "", "default", "ALTER DOMAIN"),
    ("s.q", "ALTER SEQUENCE s.q INCREMENT 5", "sequence", "", "increment", "ALTER SEQUENCE"),
    (
        "s.v",
        "CREATE OR REPLACE VIEW s.v AS SELECT id, note FROM s.t WHERE id > 3",
        "view",
        "",
        "def",
        "CREATE VIEW",
    ),
    (
        "s.m",
        "ALTER MATERIALIZED VIEW s.m SET (fillfactor = 70)",
        "materialized view",
        "",
        "options",
        "ALTER MATERIALIZED VIEW",
    ),
    (
        "s.f(integer)",
        "CREATE OR REPLACE FUNCTION s.f(a int) RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "function",
        "",
        "def",
        "CREATE FUNCTION",
    ),
    ("s.p()", "ALTER PROCEDURE s.p() SECURITY DEFINER", "procedure", "", "def", "ALTER PROCEDURE"),
    (
        "s.total(integer)",
        "COMMENT ON AGGREGATE s.total(int) IS 'slip'",
        "aggregate",
        "",
        "comment",
        "COMMENT",
    ),
    (
        "operator s.===(integer,integer)",
        "ALTER OPERATOR s.=== (int, int) SET (restrict = eqsel)",
        "operator",
        "",
        "restrict",
        "ALTER OPERATOR",
    ),
    ("collation s.plain", "COMMENT ON COLLATION s.plain IS 'slip'", "collation", "", "comment", "COMMENT"),
    (
        "statistics object s.pairs",
        "ALTER STATISTICS s.pairs SET STATISTICS 10",
        "statistics object",
        "",
        "statistics",
        "ALTER STATISTICS",
    ),
    (
        "text search dictionary s.words",
        "ALTER TEXT SEARCH DICTIONARY s.words (accept = false)",
        "text search dictionary",
        "",
        "options",
        "ALTER TEXT SEARCH DICTIONARY",
    ),
    (
        "text search configuration s.search",
        "ALTER TEXT SEARCH CONFIGURATION s.search DROP MAPPING FOR word",
        "mapping",
        "word",
        None,
        "ALTER TEXT SEARCH CONFIGURATION",
    ),
)
PRINT = "SELECT asymm.fingerprint_schema('s')"


@pytest.fixture
def owner(db: Database) -> str:
    """Return a role, not a superuser, that owns schema s and all of it, and may declare and repair."""
    role = db.role("owner", member_of=("asymm_operator", "asymm_pulse"))
    db.sql(f'CREATE SCHEMA s AUTHORIZATION "{role}"')
    with db.connect(user=role) as connection:
        connection.execute(MADE.encode())
    return role


def test_a_slip_of_each_kind(db: Database, owner: str) -> None:
    """By policy heal, as an owner without powers; then taken back, then accepted."""
    mine = db.connect(user=owner)
    watched = rows(mine, "SELECT object FROM asymm.watch_schema('s', 'heal')")
    assert {slip[0] for slip in SLIPS} | {"s.t"} == {row[0] for row in watched}
    declared = db.value(PRINT)
    for thing, slip, part, name, attribute, tag in SLIPS:
        db.sql(slip)
        slipped = db.value(PRINT)
        assert slipped != declared, thing
        rows(mine, "SELECT asymm.beat()")
        seen = db.sql(
            "SELECT object, part, name, attribute, role, command_tag, state, policy FROM asymm.drift"
            " WHERE state = 'healed' ORDER BY id DESC LIMIT 1"
        )
        assert seen == [(thing, part, name, attribute, "postgres", tag, "healed", "heal")]
        assert db.value(PRINT) == declared, thing
        action = db.value("SELECT max(id) FROM asymm.actions WHERE state = 'verified'")
        assert rows(mine, "SELECT DISTINCT state FROM asymm.revert(%s)", action) == [("reverted",)], thing
        rows(mine, "SELECT asymm.beat()")
        assert db.value(PRINT) == slipped, thing
        reason = db.value("SELECT held FROM asymm.watched WHERE object = %s", thing)
        assert "taken back" in reason
        assert rows(mine, "SELECT part, name, attribute FROM asymm.adopt(%s)", thing) == [
            (part, name, attribute)
        ]
        declared = slipped
    rows(mine, "SELECT asymm.beat()")
    db.sql("SELECT asymm._scan_all()")
    assert db.sql("SELECT object FROM asymm.drift WHERE resolved_at IS NULL") == []


RENAMES = {
    "type s.mood": "ALTER TYPE s.mood RENAME TO moods",
    "domain s.pos": "ALTER DOMAIN s.pos SET SCHEMA public; ALTER DOMAIN public.pos RENAME TO positive",
    "s.q": "ALTER SEQUENCE s.q RENAME TO r",
    "s.v": "ALTER VIEW s.v SET SCHEMA public",
    "s.m": "ALTER MATERIALIZED VIEW s.m RENAME TO n",
    "s.f(integer)": 'ALTER FUNCTION s.f(int) RENAME TO "g (x)"; ALTER FUNCTION s."g (x)"(int) STABLE',
    "s.p()": "ALTER PROCEDURE s.p() SET SCHEMA public",
    "s.total(integer)": "ALTER AGGREGATE s.total(int) RENAME TO sum",
    "operator s.===(integer,integer)": "ALTER OPERATOR s.=== (int, int) SET SCHEMA public",
    "collation s.plain": "ALTER COLLATION s.plain RENAME TO other",
    "statistics object s.pairs": "ALTER STATISTICS s.pairs RENAME TO three",
    "text search dictionary s.words": "ALTER TEXT SEARCH DICTIONARY s.words RENAME TO w",
    "text search configuration s.search": "ALTER TEXT SEARCH CONFIGURATION s.search SET SCHEMA public",
    "schema s": "ALTER SCHEMA s RENAME TO z",
}
ADDRESSES = "SELECT object_id FROM asymm.baseline_state ORDER BY baseline_id"


def test_what_was_renamed_or_moved_is_never_made_anew(db: Database, owner: str) -> None:
    db.sql(f'GRANT CREATE ON SCHEMA public TO "{owner}"')
    db.sql(f'GRANT CREATE ON DATABASE {db.name} TO "{owner}"')
    mine = db.connect(user=owner)
    rows(mine, "SELECT asymm.watch_schema('s', 'heal')")
    rows(mine, "SELECT asymm.beat()")
    declared, addresses = db.value(PRINT), db.sql(ADDRESSES)
    for thing, slip in RENAMES.items():
        db.own.execute(slip.encode())
        db.sql("SELECT asymm._process_ddl()")
        open_drift = db.sql("SELECT object, attribute FROM asymm.drift WHERE resolved_at IS NULL ORDER BY id")
        assert (thing, "name") in open_drift
        for _ in range(2):
            rows(mine, "SELECT asymm.beat()")
        assert db.value(PRINT) == declared, thing
        assert db.sql(ADDRESSES) == addresses, thing
        assert db.sql("SELECT object FROM asymm.drift WHERE resolved_at IS NULL") == [], thing


def test_an_accepted_name_is_the_declared_one(db: Database, owner: str) -> None:
    mine = db.connect(user=owner)
    rows(mine, "SELECT asymm.watch_schema('s')")
    db.sql("ALTER FUNCTION s.f(int) RENAME TO g")
    db.sql("SELECT asymm._process_ddl()")
    assert rows(mine, "SELECT part, attribute, adopted FROM asymm.adopt('s.f')")[-1] == (
        "function",
        "name",
        "s.g(integer)",
    )
    assert rows(mine, "SELECT object FROM asymm.unwatch('function s.g(integer)')") == [("s.g(integer)",)]


DATABASE = """
    CREATE EXTENSION hstore;
    CREATE LANGUAGE tongue HANDLER plpgsql_call_handler;
    CREATE TYPE public.flag AS ENUM ('on');
    CREATE CAST (public.flag AS bytea) WITH INOUT;
    CREATE FOREIGN DATA WRAPPER nowhere;
    CREATE SERVER there FOREIGN DATA WRAPPER nowhere;
    CREATE USER MAPPING FOR postgres SERVER there OPTIONS (user 'a');
    CREATE PUBLICATION news;
    CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE EVENT TRIGGER watchman ON ddl_command_end EXECUTE FUNCTION public.on_ddl();
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC
"""
GLOBAL_SLIPS = {
    "extension hstore": "COMMENT ON EXTENSION hstore IS 'slip'",
    "language tongue": "COMMENT ON LANGUAGE tongue IS 'slip'",
    "cast (public.flag AS bytea)": "DROP CAST (public.flag AS bytea)",
    "foreign-data wrapper nowhere": "ALTER FOREIGN DATA WRAPPER nowhere OPTIONS (host 'h')",
    "server there": "ALTER SERVER there VERSION '2'",
    "user mapping FOR postgres SERVER there": "ALTER USER MAPPING FOR postgres SERVER there"
    " OPTIONS (SET user 'b')",
    "publication news": "ALTER PUBLICATION news SET (publish = 'insert')",
    "event trigger watchman": "ALTER EVENT TRIGGER watchman DISABLE",
    "default acl for role postgres on tables": "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC",
    "type public.flag": "ALTER TYPE public.flag ADD VALUE 'off'",
}


def test_what_lives_in_no_schema(db: Database) -> None:
    db.own.execute(DATABASE.encode())
    watched = {row[0] for row in db.sql("SELECT object FROM asymm.watch_database()")}
    assert set(GLOBAL_SLIPS) <= watched
    assert not [thing for thing in watched if "asymm" in thing or "plpgsql" in thing]
    declared = db.value("SELECT asymm.fingerprint_database()")
    for thing, slip in GLOBAL_SLIPS.items():
        db.sql(slip)
        db.sql("SELECT asymm._process_ddl()")
        db.sql("SELECT asymm._scan_all()")
        assert db.sql("SELECT DISTINCT object, state FROM asymm.drift WHERE resolved_at IS NULL") == [
            (thing, "proposed")
        ]
        action = db.value("SELECT max(id) FROM asymm.actions WHERE state = 'proposed'")
        assert db.value("SELECT state FROM asymm.approve(%s)", action) == "verified", thing
        assert db.value("SELECT asymm.fingerprint_database()") == declared, thing
        assert db.value("SELECT state FROM asymm.revert(%s)", action) == "reverted", thing
        assert db.sql("SELECT DISTINCT state FROM asymm.heal(%s)", thing) == [("verified",)]
        assert db.value("SELECT asymm.fingerprint_database()") == declared, thing


@pytest.mark.usefixtures("owner")
def test_everything_healed_at_once_is_taken_back_at_once(db: Database) -> None:
    db.sql("SELECT asymm.watch_schema('s')")
    declared = db.value(PRINT)
    for slip in SLIPS:
        db.sql(slip[1])
    db.sql("ALTER TABLE s.t ADD CHECK (id > 0)")
    slipped = db.value(PRINT)
    assert {row[0] for row in db.sql("SELECT state FROM asymm.heal_all()")} == {"verified"}
    assert db.value(PRINT) == declared
    action = db.value("SELECT max(id) FROM asymm.actions WHERE target = '*'")
    # Not over what came after.
    db.sql("COMMENT ON VIEW s.v IS 'later'")
    with pytest.raises(psycopg.Error, match="cannot be taken back"):
        db.sql("SELECT asymm.revert(%s)", action)
    db.sql("COMMENT ON VIEW s.v IS NULL")
    assert {row[0] for row in db.sql("SELECT state FROM asymm.revert(%s)", action)} == {"reverted"}
    assert db.value(PRINT) == slipped
    assert db.value("SELECT count(*) FROM asymm.watched WHERE held LIKE '%taken back%'") > 10
