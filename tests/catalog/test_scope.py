"""What is watched as a whole, by whom and by which policy; and how objects are called."""

from __future__ import annotations

import psycopg
import pytest

from support.database import Database
from support.scene import refused, rows

MADE = """
    CREATE TYPE s.mood AS ENUM ('sad', 'ok');
    CREATE TABLE s.t (id int PRIMARY KEY);
    CREATE VIEW s.v AS SELECT id FROM s.t;
    CREATE FUNCTION s.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
    CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1';
    CREATE OPERATOR s.=== (leftarg = int, rightarg = int, function = int4eq);
    CREATE TEXT SEARCH CONFIGURATION s.search (copy = simple)
"""


@pytest.fixture
def owner(db: Database) -> str:
    """Return a role, not a superuser, that owns schema s and all of it, and may declare."""
    role = db.role("owner", member_of=("asymm_operator",))
    db.sql(f'CREATE SCHEMA s AUTHORIZATION "{role}"')
    with db.connect(user=role) as connection:
        connection.execute(MADE.encode())
    return role


def test_who_may_watch_a_database(db: Database, owner: str) -> None:
    mine = db.connect(user=owner)
    refused(mine, "SELECT asymm.watch_database()")
    # The owner of a database that holds nothing of others may.
    db.sql(f'ALTER DATABASE {db.name} OWNER TO "{owner}"')
    assert rows(mine, "SELECT count(*) > 8 FROM asymm.watch_database('observe')") == [(True,)]
    assert rows(mine, "SELECT count(*) > 8 FROM asymm.unwatch_database()") == [(True,)]
    assert db.sql("SELECT object FROM asymm.watched") == []
    db.sql("CREATE CAST (s.mood AS bytea) WITH INOUT")
    refused(mine, "SELECT asymm.watch_database()")


@pytest.mark.usefixtures("owner")
def test_the_narrower_call_has_the_say(db: Database) -> None:
    def policies() -> dict[str, str]:
        return dict(
            db.sql("SELECT object, policy FROM asymm.watched WHERE object IN ('s.v', 's.t', 'schema s')")
        )

    db.sql("SELECT asymm.watch('s.v', 'observe')")
    db.sql("SELECT asymm.watch_schema('s', 'guard')")
    db.sql("SELECT asymm.watch_database('propose')")
    assert policies() == {"s.v": "observe", "s.t": "guard", "schema s": "guard"}
    assert db.value("SELECT policy FROM asymm.watched WHERE object = 'schema public'") == "propose"
    db.sql("SELECT asymm.unwatch_schema('s')")
    assert policies() == {"s.v": "observe", "s.t": "propose", "schema s": "propose"}
    db.sql("SELECT asymm.watch_schema('s', 'heal')")
    db.sql("SELECT asymm.unwatch_database()")
    assert policies() == {"s.v": "observe", "s.t": "heal", "schema s": "heal"}
    db.sql("SELECT asymm.unwatch_schema('s')")
    assert policies() == {"s.v": "observe"}


@pytest.mark.usefixtures("owner")
def test_names(db: Database) -> None:
    db.sql("CREATE FUNCTION s.f(a text) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    db.sql("CREATE FUNCTION s.\"odd (name\"(a text, b s.mood) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    db.sql("CREATE TYPE s.s AS ENUM ()")
    db.sql("SELECT asymm.watch_schema('s')")

    def found(name: str) -> str:
        try:
            return str(db.value("SELECT display FROM asymm._resolve(%s)", name))
        except psycopg.Error as error:
            return str(error.sqlstate)

    for name, expected in {
        "s.f": "42725",
        "f": "42725",
        "s.f(integer)": "s.f(integer)",
        "f( integer )": "s.f(integer)",
        "function s.f(text)": "s.f(text)",
        "procedure s.f(text)": "42704",
        "s.p": "s.p()",
        "P": "s.p()",
        '"P"': "42P01",
        's."odd (name"': 's."odd (name"(text,s.mood)',
        's."odd (name"(text, s.mood)': 's."odd (name"(text,s.mood)',
        "mood": "type s.mood",
        "TYPE mood": "type s.mood",
        "table s.t": "s.t",
        "view s.t": "SY001",
        "s.s": "type s.s",
        "s": "42725",
        "schema s": "schema s",
        "operator s.===(integer,integer)": "operator s.===(integer,integer)",
        "s.===": "22023",
        "text search configuration search": "text search configuration s.search",
        "s.nothing(integer)": "42704",
    }.items():
        assert (name, found(name)) == (name, expected)
