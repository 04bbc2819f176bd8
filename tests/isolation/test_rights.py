"""Rights that somebody grants on purpose while a beat looks at what somebody else granted by mistake."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from support.database import Database
from support.other import Other, transaction
from support.pulse import make_actor, make_table

Connection = psycopg.Connection[tuple[Any, ...]]
RIGHTS = "SELECT has_schema_privilege(%s, 'app', 'USAGE')"
HELD = "SELECT held FROM asymm.baseline_state WHERE held IS NOT NULL"


@pytest.fixture
def scene(db: Database) -> tuple[Database, Connection, str, str]:
    """Schema app is watched with policy heal; a loop's session, and two roles that get rights."""
    actor, owner = make_actor(db)
    make_table(db, owner)
    db.sql(f'CREATE TABLE app.second (a int PRIMARY KEY); ALTER TABLE app.second OWNER TO "{owner}"')
    db.sql("SELECT asymm.watch_schema('app', 'heal')")
    login, stranger = db.role("login"), db.role("stranger")
    db.sql("SELECT asymm._process_ddl()")
    loop = db.connect(user=actor)
    loop.execute("SELECT asymm.beat()")
    return db, loop, login, stranger


def meant(db: Database, statement: str) -> None:
    with db.own.transaction():
        db.sql("SET LOCAL asymm.intent = 'wanted'")
        db.sql(statement)


def beats(loop: Connection, number: int = 4) -> None:
    for _ in range(number):
        loop.execute("SELECT asymm.beat()")


def open_drift(db: Database) -> list[tuple[Any, ...]]:
    return db.sql("SELECT object FROM asymm.drift WHERE state IN ('open', 'proposed', 'approved')")


def test_a_grant_that_was_meant_beside_one_that_was_not(scene: tuple[Database, Connection, str, str]) -> None:
    """One beat reads both: the slip is taken back, what was meant stays and is declared."""
    db, loop, login, stranger = scene
    db.sql(f'GRANT SELECT ON app.second TO "{stranger}"')
    meant(db, f'GRANT USAGE ON SCHEMA app TO "{login}"; GRANT SELECT ON app.item TO "{login}"')
    beats(loop)
    rights = (
        "SELECT has_schema_privilege(%s, 'app', 'USAGE'), has_table_privilege(%s, 'app.item', 'SELECT'),"
        " has_table_privilege(%s, 'app.second', 'SELECT')"
    )
    assert db.sql(rights, login, login, stranger) == [(True, True, False)]
    assert (open_drift(db), db.sql(HELD)) == ([], [])


def test_a_grant_that_was_meant_while_a_beat_looks(scene: tuple[Database, Connection, str, str]) -> None:
    """What was committed after the log was read is judged with the next beat, by its own row."""
    db, loop, login, stranger = scene
    db.sql(f'GRANT SELECT ON app.second TO "{stranger}"')
    held = transaction(db, "SELECT FROM asymm.baseline WHERE object_name = 'second' FOR UPDATE")
    beat = Other(db, "SELECT asymm.beat()", user=loop.info.user)
    beat.wait_until_blocked()
    meant(db, f'GRANT USAGE ON SCHEMA app TO "{login}"; GRANT SELECT ON app.second TO "{login}"')
    held.rollback()
    beat.done()
    assert beat.error is None
    beats(loop)
    # Both had the same table in hand, in one beat: a person has to say what was meant.
    assert db.value(RIGHTS, login)
    assert db.value("SELECT has_table_privilege(%s, 'app.second', 'SELECT')", login)
    assert (open_drift(db), len(db.sql(HELD))) == ([("app.second",)], 1)


def stop_after(db: Database, function: str, arguments: str = "bigint", where: str = "true") -> Connection:
    """Let a function of ours wait before it returns, until the transaction that is returned ends.

    Its arguments are a0, a1, … in the condition.
    """
    names = [f"a{number}" for number in range(arguments.count(",") + 1)]
    named = ", ".join(f"{name} {kind}" for name, kind in zip(names, arguments.split(","), strict=True))
    result = db.value(f"SELECT pg_get_function_result('asymm.{function}({arguments})'::regprocedure)")
    db.sql(f"ALTER FUNCTION asymm.{function}({arguments}) RENAME TO {function}_itself")
    db.sql(
        f"CREATE FUNCTION asymm.{function}({named}) RETURNS {result} LANGUAGE plpgsql SECURITY DEFINER AS $$"
        f" DECLARE v {'text' if result == 'void' else result}; BEGIN"
        f" v := asymm.{function}_itself({', '.join(names)});"
        f" IF {where} THEN PERFORM pg_advisory_xact_lock_shared(4909); END IF;"
        f" {'RETURN' if result == 'void' else 'RETURN v'}; END $$"
    )
    db.sql(f"ALTER FUNCTION asymm.{function}({arguments}) OWNER TO asymm_owner")
    return transaction(db, "SELECT pg_advisory_xact_lock(4909)")


def planned(loop: Connection) -> None:
    for step in ("_run_organ('sense')", "_plan_later()"):
        loop.execute(f"SELECT asymm.{step}".encode())


def claimed(loop: Connection) -> int | None:
    row = loop.execute("SELECT asymm._claim_action()").fetchone()
    return None if row is None else row[0]


def repaired(loop: Connection) -> None:
    """Run what is approved, as the loop does."""
    while (action := claimed(loop)) is not None:
        loop.execute("SELECT asymm._apply_claimed(%s)", [action])


@pytest.mark.parametrize("point", ["looked", "planned", "claimed", "checked"])
def test_a_change_that_was_meant_while_another_is_repaired(
    scene: tuple[Database, Connection, str, str], point: str
) -> None:
    """Wherever the loop is between looking and the last step: it undoes the slip and nothing else."""
    db, loop, login, stranger = scene
    actor = loop.info.user
    db.sql(f'GRANT USAGE ON SCHEMA app TO "{stranger}"')
    wanted = f'GRANT USAGE ON SCHEMA app TO "{login}"'
    if point == "looked":
        loop.execute("SELECT asymm._run_organ('sense')")
        stop, query = stop_after(db, "_require_read"), "SELECT asymm._plan_later()"
    elif point == "planned":
        planned(loop)
        meant(db, wanted)
    elif point == "claimed":
        planned(loop)
        action = claimed(loop)
        meant(db, wanted)
        loop.execute("SELECT asymm._apply_claimed(%s)", [action])
    else:
        planned(loop)
        query = f"SELECT asymm._apply_claimed({claimed(loop)})"
        stop = stop_after(db, "_open_steps", "bigint,integer")
    if point in ("looked", "checked"):
        other = Other(db, query, user=actor)
        other.wait_until_blocked()
        meant(db, wanted)
        stop.rollback()
        other.done()
        assert other.error is None
    repaired(loop)
    assert db.value(RIGHTS, login)
    beats(loop)
    assert db.sql(RIGHTS, login) == [(True,)]
    assert db.sql(RIGHTS, stranger) == [(False,)]
    assert (open_drift(db), db.sql(HELD)) == ([], [])


@pytest.mark.parametrize("scan", ["_scan_headers", "_scan_all"])
def test_a_change_that_was_meant_while_a_scan_plans(
    scene: tuple[Database, Connection, str, str], scan: str
) -> None:
    """A scan found what nobody logged; what is committed before it plans is not part of the repair."""
    db, loop, login, stranger = scene
    db.sql("ALTER EVENT TRIGGER asymm_ddl_end DISABLE")
    db.sql(f'GRANT SELECT ON app.second TO "{stranger}"')
    db.sql("ALTER EVENT TRIGGER asymm_ddl_end ENABLE ALWAYS")
    db.sql("SELECT pg_stat_force_next_flush()")
    # Other objects may be looked at before, where a scan has a reason of its own.
    looked = db.value("SELECT id FROM asymm.baseline WHERE object_name = 'second'")
    stop = stop_after(db, "_require_read", where=f"a0 = {looked}")
    other = Other(db, f"SELECT asymm.{scan}()", user=loop.info.user)
    other.wait_until_blocked()
    meant(db, f'GRANT SELECT ON app.second TO "{login}"')
    stop.rollback()
    other.done()
    assert other.error is None
    repaired(loop)
    rights = "SELECT has_table_privilege(%s, 'app.second', 'SELECT')"
    assert db.value(rights, login)
    beats(loop)
    assert (db.value(rights, login), db.value(rights, stranger)) == (True, False)
    assert (open_drift(db), db.sql(HELD)) == ([], [])


def test_another_slip_and_parts_of_transactions(scene: tuple[Database, Connection, str, str]) -> None:
    """A slip beside rights that were meant to change, by a part of a transaction that no log row names."""
    db, loop, login, stranger = scene
    with db.own.transaction():
        db.sql("ALTER TABLE app.item ADD COLUMN slip int")
        db.sql(f'GRANT SELECT ON app.second TO "{stranger}"')
    with db.own.transaction():
        db.sql("SAVEPOINT inner_part")
        db.sql("SET LOCAL asymm.intent = 'wanted'")
        db.sql(f'GRANT SELECT ON app.item TO "{login}"')
        db.sql("RELEASE SAVEPOINT inner_part")
    beats(loop)
    assert db.value("SELECT has_table_privilege(%s, 'app.item', 'SELECT')", login)
    assert not db.value("SELECT has_table_privilege(%s, 'app.second', 'SELECT')", stranger)
    assert db.sql("SELECT FROM pg_attribute WHERE attrelid = 'app.item'::regclass AND attname = 'slip'") == []
    assert (open_drift(db), db.sql(HELD)) == ([], [])
