"""Killed backends, killed and stopped servers: the loop comes back by pg_cron, its count never goes back."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from support.cluster import Cluster, wait_until
from support.database import Database
from support.pulse import Loop, make_actor, make_table

if TYPE_CHECKING:
    from faults.conftest import MakeDatabase


def started(own_db: MakeDatabase) -> tuple[Cluster, Database]:
    """Return a durable server whose pulse runs by pg_cron, started as after a reboot of the machine."""
    db = own_db(durable=True)
    server = db.server
    actor, owner = make_actor(db)
    make_table(db, owner)
    db.sql("SELECT * FROM asymm.start(%s)", actor)
    db.close()
    server.stop()
    server.start()
    db.wait_for(
        "SELECT count(*) = 1 FROM asymm.heartbeat WHERE lane = 'fast' AND alive AND seq > 1", timeout=15
    )
    return server, db


def beats_again(db: Database, seq: int, timeout: float) -> int:
    """Wait until the fast lane has beaten on; return its count."""

    def later() -> bool:
        try:
            found: bool = db.value("SELECT alive AND seq > %s FROM asymm.heartbeat WHERE lane = 'fast'", seq)
        except psycopg.OperationalError:
            return False
        return found

    wait_until(later, timeout, f"a beat after {seq}")
    count: int = db.value("SELECT seq FROM asymm.heartbeat WHERE lane = 'fast'")
    return count


def kill_loop(server: Cluster, db: Database, times: int) -> None:
    seq = 0
    for _ in range(times):
        seq = beats_again(db, seq, 15)
        pid = db.value("SELECT pid FROM asymm.heartbeat WHERE lane = 'fast'")
        last = db.value("SELECT seq FROM asymm.heartbeat WHERE lane = 'fast'")
        server.kill_backend(pid)
        start = time.monotonic()
        seq = beats_again(db, max(seq, last), 15)
        assert time.monotonic() - start < 10
    check(db)


def check(db: Database) -> None:
    """What must hold after every fault: one loop per lane, repairs still work, nothing half-done."""
    loops = db.sql("SELECT application FROM asymm._loops()")
    names = sorted(row[0] for row in loops)
    assert names in (["asymmetrica pulse fast"], ["asymmetrica pulse fast", "asymmetrica pulse slow"])
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    repaired = (
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'app.item'::regclass AND attname = 'label')"
    )
    db.wait_for(repaired, timeout=10)
    db.wait_for("SELECT count(*) = 0 FROM asymm.drift WHERE resolved_at IS NULL", timeout=5)
    db.wait_for("SELECT count(*) > 0 FROM asymm.drift WHERE state = 'healed'", timeout=5)
    assert db.value("SELECT count(*) FROM asymm.actions WHERE state = 'applying'") == 0


def test_killed_loop_and_killed_server(own_db: MakeDatabase) -> None:
    """F2 once, F3, F4."""
    server, db = started(own_db)
    kill_loop(server, db, 1)
    seq = db.value("SELECT seq FROM asymm.heartbeat WHERE lane = 'fast'")
    server.kill()
    db.close()
    server.start()
    seq = beats_again(db, seq, 15)
    check(db)
    for mode, limit in (("smart", 5.0), ("fast", 2.0)):
        beats_again(db, seq, 15)
        db.close()
        # Shutting down writes out everything dirty; that is not the loop's doing.
        with server.admin() as admin:
            admin.execute("CHECKPOINT")
        assert server.stop(mode) < limit
        server.start()
    seq = beats_again(db, seq, 15)
    check(db)
    refused_on_a_standby(server, db)


def refused_on_a_standby(server: Cluster, db: Database) -> None:
    """B19."""
    db.close()
    server.stop()
    (server.data / "standby.signal").touch()
    server.start()
    actor = db.value("SELECT actor FROM asymm.heartbeat WHERE lane = 'fast'")
    calls = ("CALL asymm.pulse()", "SELECT asymm.beat()", "SELECT asymm.cycle()", "SELECT asymm.stop()")
    for call in (*calls, f"SELECT asymm.start('{actor}')"):
        session = db.connect() if "pulse" not in call else db.connect(user=actor)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="standby"):
            session.execute(call.encode())


@pytest.mark.long
def test_loop_killed_twenty_times(own_db: MakeDatabase) -> None:
    """F2."""
    server, db = started(own_db)
    kill_loop(server, db, 20)


@pytest.mark.long
def test_hand_over_by_pg_cron(own_db: MakeDatabase) -> None:
    """Four hand-overs, whatever order pg_cron keeps its jobs in: a beat or two may be late, no more."""
    _, db = started(own_db)
    for _ in range(4):
        run = db.value("SELECT run_at FROM asymm.heartbeat WHERE lane = 'fast'")
        db.wait_for("SELECT run_at > %s FROM asymm.heartbeat WHERE lane = 'fast'", run, timeout=80)
        db.wait_for("SELECT now() > run_at + interval '5 s' FROM asymm.heartbeat WHERE lane = 'fast'")
    row = db.sql("SELECT missed, interval_max_ms FROM asymm.heartbeat WHERE lane = 'fast'")[0]
    assert row[0] <= 8, row
    assert row[1] < 1000, row
    assert db.value("SELECT seq > 60 FROM asymm.heartbeat WHERE lane = 'slow'")


def test_no_connection_is_left(own_db: MakeDatabase) -> None:
    """F15: a loop that runs goes on while every connection is taken, and nothing crashes."""
    db = own_db({"max_connections": "12", "superuser_reserved_connections": "1"})
    actor, _ = make_actor(db)
    loop = Loop(db, actor, "30 s").wait_for_beats()
    filler = db.role("filler")
    crowd: list[psycopg.Connection] = []
    with contextlib.suppress(psycopg.OperationalError):
        while len(crowd) < 20:
            crowd.append(db.connect(user=filler))
    assert len(crowd) < 20
    loop.wait_for_beats(3)
    assert loop.running()
    assert db.value("SELECT missed FROM asymm.heartbeat WHERE actor = %s", actor) <= 1
    for connection in crowd:
        connection.close()
    db.sql("SELECT * FROM asymm.stop(%s)", actor)
    assert loop.join().ended == "canceled"
