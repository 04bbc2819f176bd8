"""F11: a clock that jumps. The server runs under libfaketime; its monotonic clock stays true."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from support.database import Database
from support.pulse import Loop, make_actor

if TYPE_CHECKING:
    from faults.conftest import MakeDatabase


def seq(db: Database) -> int:
    count: int = db.value("SELECT seq FROM asymm.pulse_state WHERE lane = 'fast'")
    return count


def jump(db: Database, loop: Loop, offset: str, *, wake: bool) -> None:
    """Set the clock while a loop runs: it beats on at once, in order, without a burst."""
    before, missed, jumps = db.sql(
        "SELECT seq, missed, clock_jumps FROM asymm.pulse_state WHERE lane = 'fast'"
    )[0]
    db.server.set_clock(offset)
    start = time.monotonic()
    if wake:
        db.wait_for(
            "SELECT beat_at > clock_timestamp() + interval '2 s' FROM asymm.pulse_state WHERE lane = 'fast'"
        )
        assert Loop(db, loop.actor, wait=False).join().ended == "busy"
    db.wait_for("SELECT clock_jumps = %s FROM asymm.pulse_state WHERE lane = 'fast'", jumps + 1, timeout=5)
    loop.wait_for_beats(3)
    assert 3 <= seq(db) - before <= (time.monotonic() - start) / 0.2037 + 2
    assert db.value("SELECT missed FROM asymm.pulse_state WHERE lane = 'fast'") - missed <= 3


def test_jumps(own_db: MakeDatabase) -> None:
    """Forward as it is, backward with the help of the second job, backward while no loop runs."""
    db = own_db(faketime=True)
    actor, _ = make_actor(db)
    loop = Loop(db, actor, "60 s").wait_for_beats()
    for offset, wake in (("+10m", False), ("+1d", False), ("+86380s", True), ("-1h", True)):
        jump(db, loop, offset, wake=wake)
    db.sql("SELECT * FROM asymm.stop()")
    assert loop.join().ended == "canceled"
    assert db.value("SELECT count(*) FROM asymm.beat_summary WHERE clock_jump IS NOT NULL") >= 1
    before = seq(db)
    db.server.set_clock("-2h")
    Loop(db, actor, "1 s").join()
    assert 2 <= seq(db) - before <= 6
    assert db.value("SELECT clock_jumps FROM asymm.heartbeat WHERE lane = 'fast'") == 5


@pytest.mark.long
def test_backward_without_help(own_db: MakeDatabase) -> None:
    """pg_sleep() waits for a time of day: a small step back is waited out, recorded; no burst follows."""
    db = own_db(faketime=True)
    actor, _ = make_actor(db)
    loop = Loop(db, actor, "90 s").wait_for_beats()
    before = seq(db)
    db.server.set_clock("-20s")
    start = time.monotonic()
    db.wait_for("SELECT clock_jumps = 1 FROM asymm.pulse_state", timeout=30)
    assert 15 < time.monotonic() - start < 25
    loop.wait_for_beats(3)
    assert seq(db) - before <= (time.monotonic() - start) / 0.2037 + 2
    db.sql("SELECT * FROM asymm.stop()")
    loop.join()
