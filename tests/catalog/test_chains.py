"""Chains of actions: taken back one by one, newest first, each station as it was before."""

from __future__ import annotations

from collections.abc import Iterator

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
