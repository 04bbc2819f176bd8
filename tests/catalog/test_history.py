"""What is told of an object's past: of every kind, renamed or gone, to readers and to operators."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from support.database import Database
from support.scene import rows

BEAT = "SELECT asymm._process_ddl()"
RUN = ["approved", "applying", "applied", "verified"]


def told(db: Database, target: str) -> list[tuple[Any, ...]]:
    """Return event, what and action, and check the order."""
    found = db.sql("SELECT at, event, what, action FROM asymm.history(%s)", target)
    assert [row[0] for row in found] == sorted(row[0] for row in found)
    return [row[1:] for row in found]


def events(db: Database, target: str) -> list[str]:
    return [row[0] for row in told(db, target)]


@pytest.fixture
def past(db: Database) -> Database:
    db.own.execute(b"""
        CREATE SCHEMA h;
        CREATE TABLE h.t (id int, due date);
        CREATE VIEW h.v AS SELECT id FROM h.t;
        CREATE FUNCTION h.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'
    """)
    db.sql("SELECT asymm.watch_schema('h')")
    return db


def test_what_drifted_was_healed_and_taken_back(past: Database) -> None:
    past.sql("ALTER TABLE h.t DROP COLUMN due")
    past.sql(BEAT)
    past.sql("SELECT asymm.heal('h.t')")
    past.sql("SELECT asymm.revert(1)")
    healed = ["declared", "drift", "proposed", *RUN, "resolved"]
    assert events(past, "h.t") == [*healed, "reverting", "reverted", "drift"]
    assert told(past, "h.t")[1:3] == [
        ("drift", "column due is gone", None),
        ("proposed", "policy propose", 1),
    ]
    assert told(past, "h.t")[5] == ("applied", "ALTER TABLE h.t ADD COLUMN due date", 1)
    assert events(past, "h.t.due") == events(past, "h.t")
    assert events(past, "h.t.id") == ["declared"]
    # Nobody is blamed for what was there before he came.
    past.sql("ALTER TABLE h.t ADD COLUMN more int")
    past.sql(BEAT)
    blamed = past.sql(
        "SELECT detail ->> 'name' FROM asymm.history('h.t') WHERE detail ->> 'statement' LIKE '%more%'"
    )
    assert blamed == [("more",)]
    who = past.sql(
        "SELECT DISTINCT by_role FROM asymm.history('h.t') WHERE event = 'drift' AND by_role IS NOT NULL"
    )
    assert who == [("postgres",)]


def test_any_kind_also_by_a_repair_of_everything(past: Database) -> None:
    past.sql("CREATE OR REPLACE VIEW h.v AS SELECT id FROM h.t WHERE id > 1")
    past.sql("DROP FUNCTION h.f(int)")
    past.sql("COMMENT ON SCHEMA h IS 'slip'")
    past.sql("CREATE TYPE h.mood AS ENUM ('sad')")
    past.sql("SELECT asymm.heal_all()")
    for target in ("h.v", "h.f", "function h.f(integer)", "schema h", "type h.mood"):
        found = [event for event in events(past, target) if event not in ("proposed", "expired")]
        assert found == ["declared"] * (target != "type h.mood") + ["drift", *RUN, "resolved"], target
    assert ("applied", "DROP TYPE h.mood") in [row[:2] for row in told(past, "h.mood")]
    assert events(past, "h.t") == ["declared"]


def test_what_was_renamed_or_is_gone(past: Database) -> None:
    past.sql("ALTER TABLE h.t RENAME TO slip")
    past.sql("SELECT asymm.heal_all()")
    past.sql("ALTER TABLE h.t RENAME TO n")
    past.sql("SELECT asymm.adopt('h.t', 'a better name')")
    renamed = ["declared", "renamed", *RUN, "resolved", "renamed", "adopted"]
    assert events(past, "h.n") == events(past, "h.t") == events(past, "h.slip") == renamed
    assert [row[1] for row in told(past, "h.n") if row[0] == "renamed"] == ["to h.slip", "to h.n"]
    # The name is another table's now; that one's past is its own.
    past.sql("CREATE TABLE h.t (a int)")
    past.sql("SELECT asymm.watch('h.t')")
    assert events(past, "h.t") == ["declared"]
    past.sql("DROP TABLE h.n CASCADE")
    past.sql(BEAT)
    past.sql("SELECT asymm.adopt('h.n', 'no longer needed')")
    gone = [*renamed, "drift", "proposed", "adopted", "resolved", "expired"]
    assert events(past, "h.n") == events(past, "h.slip") == gone
    past.sql("SELECT asymm.unwatch('h.f')")
    past.sql("DROP FUNCTION h.f(int)")
    with pytest.raises(psycopg.errors.UndefinedObject):
        past.sql("SELECT asymm.history('function h.f')")


def test_readers_are_told_what_the_views_tell_them(past: Database) -> None:
    reader = past.connect(user=past.role("reader", member_of=("asymm_reader",)))
    past.sql("ALTER TABLE h.t ALTER due TYPE text")
    past.sql("INSERT INTO h.t VALUES (1, 'no date')")
    past.sql("SELECT asymm.heal('h.t', allow_data_loss => true)")
    seen = "SELECT what, detail FROM asymm.history('h.t') WHERE event IN ('drift', 'failed') ORDER BY event"
    assert [(what is None, "statement" in detail) for what, detail in past.sql(seen)] == [
        (False, True),
        (False, False),
    ]
    assert [(what is None, "statement" in detail) for what, detail in rows(reader, seen)] == [
        (False, False),
        (True, False),
    ]
    for name, error in (
        ("h.nothing", "42P01"),
        ("pg_class", "SY001"),
        ("type h.nothing", "42704"),
        ("a.b.c.d", "22023"),
        ("", "22023"),
    ):
        with pytest.raises(psycopg.Error) as raised:
            rows(reader, "SELECT * FROM asymm.history(%s)", name)
        assert raised.value.sqlstate == error, name
    with pytest.raises(psycopg.Error) as raised:
        rows(reader, "SELECT * FROM asymm.history(NULL)")
    assert raised.value.sqlstate == "22004"
