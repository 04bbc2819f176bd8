"""Who may act: an actor that could do more than its one owner is refused, in each way it could."""

from __future__ import annotations

import psycopg
import pytest

from support.database import Database
from support.pulse import Loop, make_actor

GROUPS = ["pg_execute_server_program", "pg_write_server_files", "pg_read_server_files", "pg_monitor"]


def refusal(db: Database, actor: str) -> psycopg.Error:
    """Return the error start() and the loop itself agree on."""
    with pytest.raises(psycopg.Error) as loop:
        Loop(db, actor, "500 ms").join()
    with pytest.raises(psycopg.Error) as start:
        db.sql("SELECT * FROM asymm.start(%s)", actor)
    assert loop.value.sqlstate == start.value.sqlstate == "SY003"
    assert loop.value.diag.message_detail == start.value.diag.message_detail
    return loop.value


def mend(db: Database, error: psycopg.Error) -> None:
    """Run the command the hint gives."""
    db.sql(error.diag.message_hint or "")


@pytest.mark.parametrize("way", ["itself", "owner", "not inherited", "two steps away"])
def test_powers(db: Database, way: str) -> None:
    actor, owner = make_actor(db)
    bearer = actor if way == "itself" else owner
    if way in ("not inherited", "two steps away"):
        bearer = db.role("mighty", "NOLOGIN")
        middle = owner if way == "not inherited" else db.role("middle", "NOLOGIN")
        db.sql(f"GRANT {bearer} TO {middle}")
        if way == "not inherited":
            db.sql(f"ALTER ROLE {owner} NOINHERIT")
        else:
            db.sql(f"GRANT {middle} TO {owner}")
    for attribute in ("SUPERUSER", "CREATEROLE", "REPLICATION", "BYPASSRLS"):
        db.sql(f"ALTER ROLE {bearer} {attribute}")
        error = refusal(db, actor)
        assert attribute.lower() in (error.diag.message_detail or "").lower()
        db.sql(f"ALTER ROLE {bearer} NO{attribute}")
    assert Loop(db, actor, "100 ms").join().ended == "duration"


def test_memberships_beside_the_owner(db: Database) -> None:
    actor, _ = make_actor(db)
    for group in GROUPS:
        db.sql(f"GRANT {group} TO {actor}")
        error = refusal(db, actor)
        assert group in (error.diag.message_detail or "")
        db.sql(f"REVOKE {group} FROM {actor}")


def test_the_hint_mends(db: Database) -> None:
    actor, _ = make_actor(db)
    db.sql(f"ALTER ROLE {actor} CREATEROLE BYPASSRLS")
    mend(db, refusal(db, actor))
    assert Loop(db, actor, "300 ms").join().ended == "duration"
    db.sql(f"REVOKE asymm_pulse FROM {actor}")
    with pytest.raises(psycopg.Error) as caught:
        db.sql("SELECT * FROM asymm.start(%s)", actor)
    assert caught.value.sqlstate == "SY003"
    mend(db, caught.value)
    assert Loop(db, actor, "300 ms").join().ended == "duration"


def test_two_owners_or_our_owner(db: Database) -> None:
    actor, _ = make_actor(db)
    db.sql(f"GRANT {db.role('second', 'NOLOGIN')} TO {actor}")
    assert "2 roles" in (refusal(db, actor).diag.message_detail or "")
    other, _ = make_actor(db, db.role("owner_b", "NOLOGIN"))
    db.sql(f"GRANT asymm_owner TO {other}")
    assert "asymm_owner" in (refusal(db, other).diag.message_detail or "")
    db.sql(f"REVOKE asymm_owner FROM {other}")


def test_other_sessions_unless_forced(db: Database) -> None:
    actor, _ = make_actor(db)
    session = db.connect(user=actor, application_name="psql")
    assert "1 other session" in (refusal(db, actor).diag.message_detail or "")
    assert Loop(db, actor, "300 ms", forced=True).join().ended == "duration"
    session.close()


def test_a_superuser_in_the_actors_clothes(db: Database) -> None:
    actor, _ = make_actor(db)
    for command in ("SET ROLE", "SET SESSION AUTHORIZATION"):
        session = db.connect()
        session.execute(f"{command} {actor}".encode())
        with pytest.raises(psycopg.Error) as caught:
            session.execute("CALL asymm.pulse('300 ms')")
        assert caught.value.sqlstate == "SY003"


def test_nobody_and_a_stranger(db: Database) -> None:
    stranger = db.connect(user=db.role("stranger"))
    for call in ("CALL asymm.pulse('1 s')", "SELECT asymm.beat()", "SELECT * FROM asymm.start('x')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            stranger.execute(call.encode())
    for name in (None, "no such role"):
        with pytest.raises(psycopg.Error) as caught:
            db.sql("SELECT * FROM asymm.start(%s)", name)
        assert caught.value.sqlstate == "SY003"
        assert "create_actor" in (caught.value.diag.message_hint or "")


def test_hostile_names(db: Database) -> None:
    owner = db.role('o"w; DROP TABLE x--', "NOLOGIN")
    actor = "a'c\"t $1 %I " + db.name
    db.sql("SELECT * FROM asymm.create_actor(%s, %s)", actor, owner)
    db.forget_role(actor)
    assert Loop(db, actor, "700 ms").join().ended == "duration"
    assert db.value("SELECT count(*) FROM asymm.heartbeat WHERE actor = %s AND seq > 0", actor) == 1
    assert db.sql("SELECT * FROM asymm.create_actor(%s, %s)", actor, owner)
    assert {row[1] for row in db.sql("SELECT * FROM asymm.create_actor(%s, %s)", actor, owner)} == {
        "already so"
    }


def test_owner_code_can_not_turn_the_loop(db: Database) -> None:
    """Code of the owner that a repair runs may change the session: the loop sets it right again."""
    actor, owner = make_actor(db)
    session = db.connect()
    session.execute(f"CREATE SCHEMA app AUTHORIZATION {owner}; SET ROLE {owner}")
    session.execute(
        "CREATE FUNCTION app.trap() RETURNS integer LANGUAGE plpgsql AS $$BEGIN"
        " PERFORM set_config('search_path', 'app', false), set_config('lock_timeout', '0', false);"
        " RETURN 1; END$$;"
        "CREATE FUNCTION app.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
        " AS $$SELECT 'epoch'::timestamptz$$;"
        "CREATE TABLE app.item (id integer PRIMARY KEY, n integer DEFAULT app.trap() NOT NULL);"
        "INSERT INTO app.item VALUES (1)"
    )
    db.sql("SELECT * FROM asymm.watch('app.item', 'heal')")
    db.sql("SELECT asymm.set_policy('heal', hazard => 'rewrites table')")
    loop = Loop(db, actor, "5 s").wait_for_beats()
    db.sql("ALTER TABLE app.item DROP COLUMN n")
    db.wait_for("SELECT count(*) > 0 FROM asymm.actions WHERE state IN ('verified', 'failed')")
    loop.wait_for_beats(3)
    locker = db.connect(autocommit=False)
    locker.execute("SELECT FROM asymm.pulse_state FOR UPDATE")
    for waiting in ("Lock", "Timeout"):
        db.wait_for("SELECT wait_event_type = %s FROM pg_stat_activity WHERE pid = %s", waiting, loop.pid)
    locker.rollback()
    assert db.value("SELECT max(beat_at) > now() - interval '1 min' FROM asymm.pulse_state")
    db.sql("SELECT * FROM asymm.stop()")
    assert loop.join().ended == "canceled"
