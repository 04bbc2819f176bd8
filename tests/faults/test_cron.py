"""start() and stop() with pg_cron, and what doctor() says when it breaks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import psycopg
import pytest

from support.cluster import CRON_DATABASE
from support.database import Database
from support.pulse import Loop, make_actor, make_table

if TYPE_CHECKING:
    from faults.conftest import MakeDatabase


def doctor(db: Database, check: str) -> tuple[str, str, str | None]:
    """Return status, seen and remedy of the one check whose name starts so."""
    rows = db.sql("SELECT status, seen, remedy FROM asymm.doctor() WHERE check_name LIKE %s || '%%'", check)
    assert len(rows) == 1, (check, rows)
    return rows[0]


def jobs(db: Database) -> list[str]:
    return [row[0] for row in db.sql("SELECT jobname::text FROM cron.job ORDER BY jobid")]


def test_start_stop_orphans_and_a_dead_scheduler(own_db: MakeDatabase) -> None:
    """F6 and F26: one server, since only one of its databases is served."""
    db = own_db()
    actor, owner = make_actor(db)
    make_table(db, owner)

    # An actor whose loops the driver runs has no part in pg_cron's schema, and needs none.
    db.sql(f"REVOKE USAGE ON SCHEMA cron FROM {actor}")
    with db.connect(user=actor) as apart:
        apart.execute("SELECT asymm._housekeep()")
        found = apart.execute("SELECT asymm._is_pg_cron('cron.job'), asymm._has_cron()").fetchone()
        assert found == (True, False)
        (stopped,) = apart.execute("SELECT object, result FROM asymm.stop(current_user)").fetchall()
        assert stopped == ("jobs of pg_cron", "not looked for: USAGE on schema cron is missing")
    db.sql(f"GRANT USAGE ON SCHEMA cron TO {actor}")
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = %s)", actor)

    # A superuser schedules for the actor; again replaces, never doubles.
    started = db.sql("SELECT job_name, schedule, command FROM asymm.start(%s)", actor)
    assert len(started) >= 5
    assert db.sql("SELECT job_name FROM asymm.start(%s)", actor) == [(row[0],) for row in started]
    assert sorted(jobs(db)) == sorted(row[0] for row in started)
    assert db.value("SELECT bool_and(username = %s AND database = %s) FROM cron.job", actor, CRON_DATABASE)
    assert doctor(db, f"jobs of {actor}")[0] == "ok"
    assert doctor(db, f"actor {actor}")[:2] == ("ok", "fit")
    db.sql("UPDATE cron.job SET active = false WHERE jobname LIKE 'asymmetrica fast%'")
    status, _, remedy = doctor(db, f"jobs of {actor}")
    assert status == "error"
    db.sql(remedy or "")
    assert doctor(db, f"jobs of {actor}")[0] == "ok"

    # The jobs do run the loop.
    for command in sorted({row[2] for row in started}):
        # The slow lane runs beside a fast one only, where pg_cron starts nothing while a job runs.
        fast = Loop(db, actor, "2 s" if "slow" in command else "100 ms")
        if "slow" in command:
            fast.wait_for_beats(1)
        else:
            fast.join()
        session = db.connect(user=actor, application_name="asymmetrica test", autocommit=True)
        session.execute(command.replace("65 s", "300 ms").encode())
        assert session.execute("SELECT current_setting('asymm.pulse_ended')").fetchone() == ("duration",)
        session.close()
        fast.join()
    assert db.value("SELECT count(*) FROM asymm.heartbeat WHERE seq IS NOT NULL") == 2

    # Stopped by the actor itself, started by it again: no superuser is needed with USAGE on schema cron.
    session = db.connect(user=actor, application_name="asymmetrica test")
    session.execute("SELECT * FROM asymm.stop(current_user)")
    assert jobs(db) == []
    session.execute("SELECT * FROM asymm.start(current_user)")
    assert len(jobs(db)) == len(started)

    # Neither a stranger nor a plain operator may do that for the actor.
    operator = db.connect(user=db.role("operator", member_of=("asymm_operator",)))
    for call in ("start", "stop"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied to"):
            operator.execute(f"SELECT * FROM asymm.{call}(%s)".encode(), [actor])
    # Without USAGE an index is left to a driver.
    assert operator.execute("SELECT asymm._has_cron()").fetchone() == (False,)
    assert session.execute("SELECT asymm._has_cron()").fetchone() == (True,)

    # A dropped extension leaves its jobs; the doctor of the next one names them and how to be rid of them.
    db.sql("DROP EXTENSION asymmetrica")
    db.sql("CREATE EXTENSION asymmetrica")
    orphans = db.sql("SELECT seen, remedy FROM asymm.doctor() WHERE check_name LIKE 'orphan job%'")
    assert len(orphans) == len(started)
    for seen, remedy in orphans:
        assert actor in seen
        db.sql(remedy)
    assert jobs(db) == []

    # Without its scheduler nothing is started any more: the doctor sees it, a running loop goes on.
    loop = Loop(db, actor, "30 s").wait_for_beats()
    assert doctor(db, "pg_cron scheduler")[0] == "ok"
    db.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_cron scheduler'"
    )
    db.wait_for("SELECT NOT asymm._scheduler_alive()")
    status, seen, remedy = doctor(db, "pg_cron scheduler")
    assert status == "error"
    assert "restart the server" in (remedy or "")
    loop.wait_for_beats(2)
    # Resetting the statistics means nothing to a loop that reads catalogs.
    db.sql("CREATE EXTENSION pg_stat_statements")
    db.sql("SELECT pg_stat_statements_reset(), pg_stat_reset()")
    loop.wait_for_beats(2)
    assert db.value("SELECT count(*) FROM asymm.actions") == 0
    db.sql("SELECT * FROM asymm.stop()")
    loop.join()


def test_a_loop_outlasts_other_jobs_where_pg_cron_waits_for_them(own_db: MakeDatabase) -> None:
    """Before 1.5 it starts no successor while any job runs: the beats of that time would be missing."""
    db = own_db()
    if not db.value("SELECT asymm._cron_is_serial()"):
        pytest.skip("this pg_cron starts jobs while others run")
    actor, owner = make_actor(db)
    make_table(db, owner)
    for name, command in (
        ("fast", "CALL asymm.pulse(duration => '1 s', lane => 'fast', wait => false)"),
        ("other", "SELECT pg_sleep(4)"),
    ):
        db.sql(
            "SELECT cron.schedule_in_database(%s, '@reboot', %s, current_database(), %s)",
            name,
            command,
            actor,
        )
    db.own.close()
    db.server.stop()
    db.server.start()
    db.wait_for("SELECT count(*) = 2 FROM cron.job_run_details WHERE status = 'succeeded'")
    beats = db.value("SELECT sum(beats) FROM asymm.beat_summary WHERE lane = 'fast'")
    assert 17 <= beats <= 24
    # Who comes while the fast lane's loop leaves waits for that and takes its place.
    leaving = db.connect(user=actor, autocommit=False)
    coming = db.connect(user=actor)
    db.sql(
        "UPDATE asymm.pulse_state SET (pid, backend_start) ="
        " (SELECT pid, backend_start FROM pg_stat_activity WHERE pid = %s)",
        leaving.info.backend_pid,
    )
    assert coming.execute("SELECT lane FROM asymm._lane_to_run('fast')").fetchone() == ("slow",)
    assert leaving.execute("SELECT asymm._cron_is_held('fast')").fetchone() == (False,)
    leaving.execute("SELECT asymm._end_run('fast', 0, '{}', '{}', NULL, '{}', '{}', '{}')")
    commit = threading.Timer(0.1, leaving.commit)
    commit.start()
    assert coming.execute("SELECT lane FROM asymm._lane_to_run('slow')").fetchone() == ("fast",)
    # Its answer must be there before the session is closed.
    commit.join()
    # It looks whether it is alone after a full run of the fast lane, not each time where the slow one is off.
    alone = "SELECT ends_at IS NOT NULL FROM asymm._lane_to_run('fast')"
    db.sql("INSERT INTO asymm.pulse_state (actor, lane) VALUES (%s, 'slow')", actor)
    db.sql("UPDATE asymm.pulse_state SET pid = NULL, run_at = now() - interval '65 s'")
    assert coming.execute(alone).fetchone() == (True,)
    db.sql("UPDATE asymm.pulse_state SET run_at = now() WHERE lane = 'fast'")
    assert coming.execute(alone).fetchone() == (False,)


def test_start_elsewhere_gives_the_commands(db: Database) -> None:
    actor, _ = make_actor(db)
    with pytest.raises(psycopg.Error) as caught:
        db.sql("SELECT * FROM asymm.start(%s)", actor)
    assert caught.value.sqlstate == "SY006"
    hint = caught.value.diag.message_hint or ""
    assert "asymmetrica pulse" in hint
    assert f"cron.schedule_in_database('asymmetrica fast {db.name} {actor}'" in hint
    assert CRON_DATABASE in hint


def test_doctor_never_fails(db: Database) -> None:
    reader = db.connect(user=db.role("reader", member_of=("asymm_reader",)))
    rows = reader.execute("SELECT check_name, status, seen, remedy FROM asymm.doctor()").fetchall()
    assert {row[1] for row in rows} <= {"ok", "warning", "error"}
    assert not [row for row in rows if "could not be looked at" in row[2]]
    assert all(row[3] for row in rows if row[1] == "error")
    db.sql("ALTER EVENT TRIGGER asymm_ddl_end DISABLE")
    db.sql("SELECT * FROM asymm.pause('holidays')")
    assert doctor(db, "event trigger asymm_ddl_end")[0] == "error"
    assert doctor(db, "healing")[:2] == ("warning", "paused: holidays")
    for check in ("event trigger asymm_ddl_end", "healing"):
        db.sql(doctor(db, check)[2] or "")
        assert doctor(db, check)[0] == "ok"
    # A part that breaks is a row, not an error.
    db.sql("ALTER VIEW asymm.organs RENAME TO organs_gone")
    broken = db.sql("SELECT seen FROM asymm.doctor() WHERE seen LIKE 'could not be looked at%%'")
    assert broken
