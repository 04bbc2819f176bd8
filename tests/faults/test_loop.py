"""One loop per actor and lane, hand-over, isolation, end."""

from __future__ import annotations

import json
import time

import psycopg
import pytest

from support.database import Database
from support.pulse import Loop, make_actor, make_table


def intervals(db: Database, actor: str) -> list[float]:
    rows = db.sql(
        "SELECT v FROM asymm.beat_summary b, unnest(b.intervals_ms) WITH ORDINALITY AS u (v, n)"
        " WHERE b.actor = %s AND b.lane = 'fast' ORDER BY b.id, n",
        actor,
    )
    return [row[0] for row in rows]


def missed(db: Database, actor: str) -> int:
    count: int = db.value("SELECT missed FROM asymm.heartbeat WHERE actor = %s AND lane = 'fast'", actor)
    return count


def test_a_run_beats_on_time_and_puts_its_session_back(db: Database) -> None:
    actor, _ = make_actor(db)
    session = db.connect(user=actor, options="-c search_path=app,public -c application_name=mine")
    session.execute("CALL asymm.pulse('1500 ms')")
    found = session.execute(
        "SELECT current_setting('search_path'), current_setting('application_name'),"
        " current_setting('asymm.pulse_ended')"
    ).fetchone()
    assert found == ("app,public", "mine", "duration")
    beats = intervals(db, actor)
    assert len(beats) >= 5
    assert sum(beats) / len(beats) == pytest.approx(203.7, abs=20)
    row = db.sql("SELECT alive, seq, stopped, age FROM asymm.heartbeat WHERE actor = %s", actor)[0]
    assert row[0] is False
    assert row[1] >= 6
    assert row[2] is False


def test_two_loops_at_once_one_beats(db: Database) -> None:
    """F5."""
    actor, _ = make_actor(db)
    loops = [Loop(db, actor, "2 s") for _ in range(2)]
    for loop in loops:
        loop.join()
    # Had both beaten, there were twice as many beats as ticks.
    beats, ticks = db.sql(
        "SELECT (SELECT sum(beats) FROM asymm.beat_summary), seq FROM asymm.pulse_state WHERE actor = %s",
        actor,
    )[0]
    assert 5 <= beats <= ticks <= 12


def test_the_second_loop_may_leave_at_once(db: Database) -> None:
    actor, _ = make_actor(db)
    first = Loop(db, actor, "1500 ms").wait_for_beats(1)
    start = time.monotonic()
    assert Loop(db, actor, "30 s", wait=False).join().ended == "busy"
    assert time.monotonic() - start < 1
    first.join()


def test_hand_over_loses_no_tick(db: Database) -> None:
    actor, _ = make_actor(db)
    first = Loop(db, actor, "1200 ms").wait_for_beats(1)
    second = Loop(db, actor, "2500 ms")
    first.join()
    second.join()
    assert first.ended == second.ended == "duration"
    assert missed(db, actor) == 0
    beats = intervals(db, actor)
    assert len(beats) >= 10
    assert max(beats) < 330


def test_terminated_loop_is_replaced(db: Database) -> None:
    """F1: a queued successor beats within half a second; never two."""
    actor, _ = make_actor(db)
    first = Loop(db, actor, "20 s").wait_for_beats()
    second = Loop(db, actor, "2500 ms")
    db.wait_for("SELECT count(*) = 2 FROM asymm._loops(%s)", actor)
    db.sql("SELECT pg_terminate_backend(%s)", first.pid)
    killed = time.monotonic()
    second.wait_for_beats(1, timeout=5)
    assert time.monotonic() - killed < 1.0
    with pytest.raises(psycopg.errors.AdminShutdown):
        first.join()
    second.join()
    assert max(intervals(db, actor)) < 700


def test_each_actor_has_its_own_loop(db: Database) -> None:
    actors = [make_actor(db, db.role(f"owner{n}", "NOLOGIN"))[0] for n in range(2)]
    loops = [Loop(db, actor, "1 s") for actor in actors]
    for loop in loops:
        assert loop.join().ended == "duration"
    assert db.value("SELECT count(*) FROM asymm.pulse_state WHERE seq > 0") == 2


def test_failing_organ_is_isolated_backed_off_and_shown(db: Database) -> None:
    actor, _ = make_actor(db)
    db.sql(
        "CREATE FUNCTION asymm._break() RETURNS jsonb LANGUAGE plpgsql AS"
        " $$BEGIN PERFORM 1 / 0; RETURN NULL; END$$"
    )
    db.sql("GRANT EXECUTE ON FUNCTION asymm._break() TO asymm_pulse")
    db.sql(
        "INSERT INTO asymm.organ VALUES ('broken', 'fast', 'exploration', '0', '_break', 'fails');"
        "INSERT INTO asymm.organ_state (name) VALUES ('broken')"
    )
    loop = Loop(db, actor, "4 s").wait_for_beats(3)
    db.wait_for("SELECT failures >= 3 FROM asymm.organ_state WHERE name = 'broken'")
    shown = db.sql("SELECT status, seen FROM asymm.doctor() WHERE check_name = 'organ broken'")
    assert shown[0][0] == "error"
    assert "division by zero" in shown[0][1]
    loop.join()
    runs, row, last = db.sql(
        "SELECT failures, failures_in_row, last_error FROM asymm.organ_state WHERE name = 'broken'"
    )[0]
    assert runs == row
    # 1 + 2 + 4 + 8 periods between five failures: far fewer than the twenty beats.
    assert 3 <= runs <= 6
    assert last["sqlstate"] == "22012"
    assert missed(db, actor) == 0
    assert db.value("SELECT runs FROM asymm.organ_state WHERE name = 'sense'") >= 15


def test_state_row_locked(db: Database) -> None:
    """F8: beats go on, what could not be recorded is counted."""
    actor, owner = make_actor(db)
    make_table(db, owner)
    loop = Loop(db, actor, "6 s").wait_for_beats()
    locker = db.connect(autocommit=False)
    locker.execute("SELECT FROM asymm.pulse_state FOR UPDATE")
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    db.wait_for("SELECT count(*) = 1 FROM asymm.drift WHERE state = 'healed'", timeout=3)
    for waiting in ("Lock", "Timeout"):
        db.wait_for(
            "SELECT wait_event_type = %s FROM pg_stat_activity WHERE pid = %s", waiting, loop.pid, timeout=3
        )
    locker.rollback()
    loop.wait_for_beats(2)
    assert db.value("SELECT skipped FROM asymm.pulse_state WHERE actor = %s", actor) > 0
    assert missed(db, actor) <= 3
    db.sql("SELECT * FROM asymm.stop(%s)", actor)
    assert loop.join().ended == "canceled"


def test_time_outs_of_the_database_do_not_matter(db: Database) -> None:
    """F10: the actor's own settings win."""
    actor, _ = make_actor(db)
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"):
        db.sql(f"ALTER DATABASE {db.name} SET {setting} = '500ms'")
    db.sql(f"ALTER DATABASE {db.name} SET default_transaction_read_only = on")
    db.sql(f"ALTER DATABASE {db.name} SET default_transaction_isolation = 'serializable'")
    assert Loop(db, actor, "1500 ms").join().ended == "duration"
    db.sql("SET default_transaction_read_only = off")
    db.sql(f"ALTER ROLE {actor} IN DATABASE {db.name} RESET statement_timeout")
    with pytest.raises(psycopg.Error, match="statement_timeout of 500 ms") as caught:
        Loop(db, actor, "1500 ms").join()
    assert caught.value.sqlstate == "SY006"
    assert "SET statement_timeout = 0" in (caught.value.diag.message_hint or "")


def test_stop_ends_loops_and_tells(db: Database) -> None:
    actor, _ = make_actor(db)
    loops = [Loop(db, actor, "30 s").wait_for_beats(1), Loop(db, actor, "30 s", "slow").wait_for_beats(1)]
    start = time.monotonic()
    stopped = db.sql("SELECT result FROM asymm.stop(%s)", actor)
    assert [row[0] for row in stopped] == ["ended", "ended"]
    assert time.monotonic() - start < 3
    assert [loop.join().ended for loop in loops] == ["canceled", "canceled"]
    assert db.value("SELECT bool_and(stopped) FROM asymm.heartbeat")
    again = Loop(db, actor, "1 s").join()
    assert again.ended == "duration"
    assert missed(db, actor) == 0


def test_an_operator_without_signal_rights_stops_by_flag(db: Database) -> None:
    actor, _ = make_actor(db)
    operator = db.connect(user=db.role("operator", member_of=("asymm_operator",)))
    loop = Loop(db, actor, "30 s").wait_for_beats(1)
    row = operator.execute("SELECT result FROM asymm.stop(%s)", [actor]).fetchone()
    assert row == ("ends when this transaction commits",)
    assert loop.join(3).ended == "stopped"


def test_drop_extension_while_it_beats(db: Database) -> None:
    """F6: the drop is quick, nothing stays locked, the loop ends by itself."""
    actor, _ = make_actor(db)
    loop = Loop(db, actor, "30 s").wait_for_beats()
    start = time.monotonic()
    db.sql("DROP EXTENSION asymmetrica")
    assert time.monotonic() - start < 1
    assert loop.join(3).ended == "dropped"
    assert db.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_a_new_version_takes_over_within_the_run(db: Database) -> None:
    """F7: the loop goes on in the code of the new version, in the same session, without a lost tick."""
    actor, _ = make_actor(db)
    loop = Loop(db, actor, "2500 ms").wait_for_beats(1)
    db.sql("UPDATE pg_extension SET extversion = '99.0.0' WHERE extname = 'asymmetrica'")
    db.wait_for("SELECT version = '99.0.0' FROM asymm.pulse_state WHERE actor = %s", actor, timeout=2)
    loop.wait_for_beats(2)
    assert loop.join().ended == "duration"
    assert missed(db, actor) == 0


def test_the_beat_tells_what_changed(db: Database) -> None:
    actor, owner = make_actor(db)
    make_table(db, owner)
    listener = db.connect()
    listener.execute("LISTEN asymm_pulse")
    loop = Loop(db, actor, "8 s").wait_for_beats()
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    told = next(listener.notifies(timeout=5), None)
    assert told is not None
    report = json.loads(told.payload)
    assert report["objects"] == ["app.item"]
    assert report["actor"] == actor
    assert report["drifts"] == 1
    assert [action["state"] for action in report["actions"]] == ["verified"]
    assert loop.running()
    assert next(listener.notifies(timeout=0.6), None) is None
    db.sql("SELECT asymm.configure(notify => 'beat')")
    assert len(list(listener.notifies(timeout=4, stop_after=2))) >= 2
    db.sql("SELECT * FROM asymm.stop()")
    loop.join()


def test_beat_and_cycle_by_hand(db: Database) -> None:
    actor, owner = make_actor(db)
    make_table(db, owner)
    session = db.connect(user=actor, application_name="asymmetrica test")
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    report = session.execute("SELECT asymm.beat()").fetchone()[0]  # type: ignore[index]
    assert report["seq"] is None
    assert (report["lane"], report["actor"], report["drifts"]) == ("fast", actor, 1)
    assert report["objects"] == ["app.item"]
    assert [action["state"] for action in report["actions"]] == ["verified"]
    assert report["errors"] == {}
    slow = {name for (name,) in db.sql("SELECT name FROM asymm.organs WHERE lane = 'slow' AND enabled")}
    assert "full_scan" in slow
    assert set(session.execute("SELECT asymm.cycle()").fetchone()[0]["organs"]) == slow  # type: ignore[index]
    session.execute("SET default_transaction_read_only = on")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="in a read-only transaction"):
        session.execute("SELECT asymm.beat()")
    # A superuser's beat looks but runs nothing: the background never acts with a superuser's rights.
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    assert db.value("SELECT asymm.beat()")["actions"] == []


def test_settings_edited_while_it_beats(db: Database) -> None:
    """B15: concurrent edits and a deleted settings row leave the loop beating."""
    actor, _ = make_actor(db)
    loop = Loop(db, actor, "2 s").wait_for_beats(1)
    db.sql("SELECT asymm.configure(notify => 'beat')")
    loop.wait_for_beats(1)
    db.sql("DELETE FROM asymm.setting")
    loop.wait_for_beats(2)
    assert loop.join().ended == "duration"
    assert missed(db, actor) == 0


def test_a_new_period_keeps_the_count(db: Database) -> None:
    actor, _ = make_actor(db)
    Loop(db, actor, "1 s").join()
    before = db.value("SELECT seq FROM asymm.pulse_state")
    db.sql("SELECT asymm.configure(period => '100 ms')")
    Loop(db, actor, "1 s").join()
    after = db.value("SELECT seq FROM asymm.pulse_state")
    assert 8 <= after - before <= 13
