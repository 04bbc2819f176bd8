"""F25: a restored database heals nothing until somebody says so."""

from __future__ import annotations

import subprocess

import psycopg
import pytest

from support import database
from support.cluster import BIN, Cluster
from support.database import Database
from support.pulse import Loop, make_actor, make_table


def test_dump_and_restore(server: Cluster, db: Database) -> None:
    actor, owner = make_actor(db)
    make_table(db, owner)
    db.sql("SELECT asymm.configure(relapse_limit => 7)")
    db.sql("SELECT * FROM asymm.configure_organ('full_scan', cadence => '5 min')")
    dump = subprocess.run(
        [BIN / "pg_dump", "-Fc", "-d", db.dsn], check=True, capture_output=True, stdin=subprocess.DEVNULL
    ).stdout
    copy = database.create(server, "template0")
    try:
        subprocess.run(
            [BIN / "pg_restore", "--exit-on-error", "-d", copy.dsn],
            check=True,
            capture_output=True,
            input=dump,
        )
        copy.sql("SELECT * FROM asymm.create_actor(%s, %s)", actor, owner)
        assert copy.value("SELECT relapse_limit FROM asymm.settings") == 7
        assert copy.value("SELECT cadence::text FROM asymm.organs WHERE name = 'full_scan'") == "00:05:00"
        assert copy.value("SELECT count(*) FROM asymm.watched") == 1

        loop = Loop(copy, actor, "20 s").wait_for_beats()
        slow = Loop(copy, actor, "20 s", "slow").wait_for_beats(1)
        copy.sql("ALTER TABLE app.item DROP COLUMN label")
        assert "dump" in copy.value("SELECT paused FROM asymm.heartbeat LIMIT 1")
        copy.sql("SELECT asymm.cycle()")
        loop.wait_for_beats(3)
        assert copy.value("SELECT count(*) FROM asymm.actions WHERE state IN ('applying', 'verified')") == 0
        assert copy.value("SELECT asymm.doctor()::text LIKE '%%resume()%%' ORDER BY 1 DESC LIMIT 1")

        assert copy.sql("SELECT healing FROM asymm.resume()") == [("on",)]
        copy.sql("SELECT asymm.cycle()")
        copy.wait_for("SELECT count(*) = 1 FROM asymm.actions WHERE state = 'verified'", timeout=5)
        assert copy.value("SELECT count(*) FROM asymm.drift WHERE resolved_at IS NULL") == 0
        copy.sql("SELECT * FROM asymm.stop()")
        assert {loop.join().ended, slow.join().ended} == {"canceled"}
    finally:
        copy.drop()


def test_pause_and_resume(db: Database) -> None:
    actor, owner = make_actor(db)
    make_table(db, owner)
    operator = db.connect(user=db.role("operator", member_of=("asymm_operator",)))
    row = operator.execute("SELECT healing, cause, changed_by FROM asymm.pause('deploy')").fetchone()
    assert row == ("paused", "deploy", operator.info.user)
    session = db.connect(user=actor, application_name="asymmetrica test")
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    session.execute("SELECT asymm.beat()")
    assert db.sql("SELECT state FROM asymm.actions") == [("proposed",)]
    operator.execute("SELECT asymm.resume()")
    session.execute("SELECT asymm.cycle()")
    session.execute("SELECT asymm.beat()")
    assert db.sql("SELECT count(*) FROM asymm.drift WHERE resolved_at IS NULL") == [(0,)], db.sql(
        "SELECT state, reason, error FROM asymm.actions"
    )
    for reason in (None, " "):
        with pytest.raises(psycopg.Error) as caught:
            operator.execute("SELECT asymm.pause(%s)", [reason])
        assert caught.value.sqlstate == ("22023" if reason else "22004")
