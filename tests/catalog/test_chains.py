"""Chains of actions: taken back one by one, newest first, each station as it was before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from support.database import Database
from support.schema_dump import difference, entries

MADE = """
    CREATE SCHEMA c;
    CREATE TYPE c.mood AS ENUM ('sad', 'ok', 'happy');
    CREATE DOMAIN c.pos AS int CHECK (VALUE > 0);
    CREATE FUNCTION c.twice(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a * 2';
    CREATE TABLE c.person (id int PRIMARY KEY, name text NOT NULL, mood c.mood DEFAULT 'ok', age c.pos,
        double_age int GENERATED ALWAYS AS (c.twice(age)) STORED);
    CREATE INDEX person_name ON c.person (name);
    CREATE TABLE c.pet (id int PRIMARY KEY, owner int REFERENCES c.person, mood c.mood);
    CREATE VIEW c.happy AS SELECT id, name, mood FROM c.person WHERE mood = 'happy';
    CREATE VIEW c.names AS SELECT name FROM c.happy;
    CREATE MATERIALIZED VIEW c.moods AS SELECT mood, count(*) AS n FROM c.person GROUP BY mood;
    CREATE UNIQUE INDEX moods_mood ON c.moods (mood);
    CREATE FUNCTION c.greet(m c.mood) RETURNS text LANGUAGE sql AS 'SELECT m::text';
    CREATE FUNCTION c.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER noted BEFORE INSERT ON c.pet FOR EACH ROW EXECUTE FUNCTION c.note();
    ALTER TABLE c.person ENABLE ROW LEVEL SECURITY;
    CREATE POLICY mine ON c.person USING (name = CURRENT_USER);
    CREATE POLICY glad ON c.pet USING (mood <> 'sad');
    GRANT SELECT ON c.happy TO PUBLIC;
    GRANT SELECT (name) ON c.person TO PUBLIC;
    COMMENT ON VIEW c.names IS 'who';
    COMMENT ON COLUMN c.happy.name IS 'first name';
    ALTER DEFAULT PRIVILEGES IN SCHEMA c GRANT SELECT ON TABLES TO PUBLIC;
    CREATE PUBLICATION news FOR TABLE c.pet
"""
SLIPS = """
    DROP VIEW c.names; DROP VIEW c.happy; DROP POLICY mine ON c.person;
    ALTER TABLE c.person ALTER name TYPE varchar(40);
    CREATE VIEW c.happy AS SELECT id, name FROM c.person WHERE mood <> 'sad';
    GRANT UPDATE ON c.happy TO PUBLIC;
    DROP INDEX c.person_name; GRANT SELECT ON c.person TO PUBLIC;
    CREATE OR REPLACE FUNCTION c.greet(m c.mood) RETURNS text LANGUAGE sql AS 'SELECT NULL';
    ALTER TYPE c.mood RENAME VALUE 'sad' TO 'blue'; ALTER TYPE c.mood ADD VALUE 'late';
    DROP TABLE c.pet; CREATE TABLE c.stray (id int); CREATE VIEW c.loose AS SELECT name FROM c.happy;
    ALTER DOMAIN c.pos DROP CONSTRAINT pos_check; DROP MATERIALIZED VIEW c.moods;
    ALTER DEFAULT PRIVILEGES IN SCHEMA c REVOKE SELECT ON TABLES FROM PUBLIC; COMMENT ON SCHEMA c IS 'slip'
"""
# Healed one by one in this order; what is left is heal_all's.
ALONE = ("c.person", "c.happy", "c.names", "c.greet(c.mood)")
STATES = "SELECT DISTINCT state FROM asymm."


@pytest.fixture
def home(db: Database) -> Iterator[Database]:
    db.own.execute(MADE.encode())
    db.sql("SELECT count(*) FROM asymm.watch_database()")
    return db


def last(db: Database) -> int:
    return int(db.value("SELECT max(id) FROM asymm.actions WHERE state = 'verified'"))


def test_back_to_the_start_and_again(home: Database) -> None:
    stations = [entries(home.dsn)]
    for statement in SLIPS.split(";"):
        home.sql(statement)
    stations.append(entries(home.dsn))
    done = []
    for target in ALONE:
        assert home.sql(STATES + "heal(%s, allow_data_loss => true)", target) == [("verified",)], target
        done.append(last(home))
        stations.append(entries(home.dsn))
    assert home.sql(STATES + "heal_all(allow_data_loss => true)") == [("verified",)]
    done.append(last(home))
    assert difference(stations[0], entries(home.dsn)) == ""
    for action, station in zip(reversed(done), reversed(stations), strict=False):
        assert home.sql(STATES + "revert(%s)", action) == [("reverted",)], action
        assert difference(station, entries(home.dsn)) == "", action
    assert home.sql(STATES + "heal_all(allow_data_loss => true)") == [("verified",)]
    assert difference(stations[0], entries(home.dsn)) == ""
    again = last(home)
    assert home.sql(STATES + "revert(%s)", again) == [("reverted",)]
    assert difference(stations[1], entries(home.dsn)) == ""


def healed(db: Database, target: str, slip: str = "") -> int:
    for statement in filter(None, slip.split("; ")):
        db.sql(statement)
    assert db.sql(STATES + "heal(%s, allow_data_loss => true)", target) == [("verified",)]
    return last(db)


def refused(db: Database, action: int, detail: str, hint: str) -> None:
    before = entries(db.dsn)
    for how in ("false", "true"):
        with pytest.raises(psycopg.Error) as raised:
            db.sql("SELECT asymm.revert(%s, dry_run => %s)", action, how)
        said = raised.value.diag
        assert (said.sqlstate, said.message_detail) == ("SY008", detail)
        assert hint in (said.message_hint or "")
    assert difference(before, entries(db.dsn)) == ""
    assert db.value("SELECT state FROM asymm.actions WHERE id = %s", action) == "verified"


def reverted(db: Database, action: int, **options: bool) -> list[tuple[Any, ...]]:
    named = "".join(f", {name} => {value}" for name, value in options.items())
    return db.sql(f"SELECT DISTINCT state FROM asymm.revert(%s{named})", action)


def test_what_later_actions_build_on_waits_for_them(home: Database) -> None:
    home.sql("DROP VIEW c.names")
    home.sql("DROP VIEW c.happy")
    start = home.value("SELECT asymm.fingerprint_database()")
    view = healed(home, "c.happy")
    other = healed(home, "c.greet(c.mood)", "COMMENT ON FUNCTION c.greet(c.mood) IS 'slip'")
    above = healed(home, "c.names")
    refused(
        home,
        view,
        f"What it made is used by: view c.names. Later actions on it: {above} (heal of c.names).",
        f"Take them back in this order: SELECT asymm.revert({above}); SELECT asymm.revert({view});",
    )
    assert reverted(home, above) == [("reverted",)]
    home.sql("SET asymm.intent = 'needed'")
    home.sql("CREATE VIEW c.more AS SELECT id FROM c.happy")
    home.sql("COMMENT ON VIEW c.happy IS 'glad'")
    home.sql("RESET asymm.intent")
    home.sql("SELECT asymm._process_ddl()")
    adopted = last(home)
    again = healed(home, "c.happy", "COMMENT ON VIEW c.happy IS 'slip'")
    refused(
        home,
        view,
        "No longer as it left it: view c.happy."
        f" Later actions on it: {again} (heal of c.happy), {adopted} (adopt of c.happy).",
        f"SELECT asymm.revert({again}); SELECT asymm.revert({adopted}); SELECT asymm.revert({view});",
    )
    assert reverted(home, again) == reverted(home, adopted) == [("reverted",)]
    home.sql("SELECT asymm.heal('c.happy')")
    refused(home, view, "What it made is used by: view c.more.", "Drop or change that first.")
    home.sql("DROP VIEW c.more")
    assert reverted(home, view) == reverted(home, other) == [("reverted",)]
    home.sql("COMMENT ON FUNCTION c.greet(c.mood) IS NULL")
    assert home.value("SELECT asymm.fingerprint_database()") == start


def test_what_a_repair_left_alone_is_not_taken_back_with_it(home: Database) -> None:
    """A view can be given columns in place, and lose them only by being made anew, with what hangs on it."""
    home.sql("CREATE VIEW c.loose AS SELECT name FROM c.names")
    slip = "CREATE VIEW c.happy AS SELECT id, name FROM c.person WHERE mood = 'happy'"
    views = "CREATE VIEW c.names AS SELECT name FROM c.happy; CREATE VIEW c.loose AS SELECT name FROM c.names"
    action = healed(home, "c.happy", f"DROP VIEW c.happy CASCADE; {slip}; {views}")
    home.sql("CREATE OR REPLACE VIEW c.loose AS SELECT upper(name) AS name FROM c.names")
    refused(home, action, "What it made is used by: view c.loose.", "Drop or change that first.")
    home.sql("CREATE OR REPLACE VIEW c.loose AS SELECT name FROM c.names")
    assert reverted(home, action) == [("reverted",)]
    assert home.value("SELECT pg_get_viewdef('c.happy'::regclass) !~ 'mood,'")


def test_names_are_taken_back(home: Database) -> None:
    for slip in (
        "ALTER TABLE c.person RENAME TO people",
        "ALTER TABLE c.person RENAME name TO called",
        "ALTER SCHEMA c RENAME TO d",
        "ALTER TYPE c.mood RENAME TO moods_of_man",
    ):
        before = home.value("SELECT asymm.fingerprint_database()")
        home.sql(slip)
        slipped = entries(home.dsn)
        home.sql("SELECT asymm.heal_all(allow_data_loss => true)")
        done = home.value("SELECT asymm.fingerprint_database()")
        assert reverted(home, last(home)) == [("reverted",)], slip
        assert difference(slipped, entries(home.dsn)) == "", slip
        assert home.value("SELECT count(*) FROM asymm.watched WHERE held LIKE '%taken back%'") > 0
        home.sql("SELECT asymm.heal_all(allow_data_loss => true)")
        assert home.value("SELECT asymm.fingerprint_database()") == done == before
        assert home.value("SELECT count(*) FROM asymm.watched WHERE held IS NOT NULL") == 0


def test_what_would_be_lost_is_said_before(home: Database) -> None:
    home.sql(
        "CREATE TABLE c.sums (id int, amount numeric, twice numeric GENERATED ALWAYS AS (amount * 2) STORED)"
    )
    home.sql("SELECT asymm.watch('c.sums')")
    dropped = healed(
        home, "c.sums", "ALTER TABLE c.sums ADD extra text; INSERT INTO c.sums VALUES (1, 1, DEFAULT, 'x')"
    )
    assert home.sql("SELECT hazards, state FROM asymm.revert(%s, dry_run => true)", dropped) == [
        (["brings back no data"], "planned")
    ]
    assert reverted(home, dropped) == [("reverted",)]
    assert home.value("SELECT count(*) FROM c.sums WHERE extra IS NULL") == 1
    home.sql("ALTER TABLE c.sums DROP extra")
    typed = healed(home, "c.sums", "ALTER TABLE c.sums DROP twice; ALTER TABLE c.sums ALTER amount TYPE int")
    # What is computed is no data; half a unit is.
    assert reverted(home, typed) == [("reverted",)]
    typed = healed(home, "c.sums", "INSERT INTO c.sums VALUES (2, 3)")
    home.sql("UPDATE c.sums SET amount = 1.5")
    plan = home.sql("SELECT hazards FROM asymm.revert(%s, dry_run => true) WHERE hazards <> '{}'", typed)
    assert plan == [(["deletes data"],)]
    assert reverted(home, typed) == [("verified",)]
    assert home.value("SELECT error ->> 'sqlstate' FROM asymm.actions WHERE id = %s", typed) == "SY009"
    assert home.value("SELECT max(amount) FROM c.sums") == 1.5
    assert reverted(home, typed, allow_data_loss=True) == [("reverted",)]
