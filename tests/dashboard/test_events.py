"""What a browser is told: everything first, then what changes, and nothing is missed."""

from __future__ import annotations

import time
from datetime import datetime

from support.cluster import wait_until
from support.dashboard import TOKEN, settled
from support.database import Database
from support.pulse import Loop, make_actor, make_table

from .conftest import Look, MakeSite

HOSTILE = "</script><img src=x onerror=alert(1)>\"'\n\r data: x\\ \u2028é$1"


def reader_of(db: Database) -> str:
    return db.dsn_of(db.role("reader", member_of=("asymm_reader",)))


def test_everything_first_then_what_changes(db: Database, make_site: MakeSite, look: Look) -> None:
    actor, owner = make_actor(db)
    make_table(db, owner, "propose")
    site = make_site(reader_of(db))
    one, other = look(site).wait_for_tiles(), look(site).wait_for_tiles()
    assert one.state["connection"]["state"] == "silent"
    assert one.state["me"] == {
        "role": one.state["me"]["role"], "operator": False, "superuser": False, "actions": False,
    }  # fmt: skip
    assert [kind for kind, _ in one.events].count("state") == 1
    assert not any(tile["error"] for tile in one.state["tiles"].values())
    loop = Loop(db, actor, "60 s").wait_for_beats()
    one.wait_for_connection("up")

    def slip(number: int) -> float:
        """Return the seconds from a commit until both know."""
        db.sql(f"ALTER TABLE app.item ADD COLUMN slip{number} integer")
        committed = time.monotonic()
        seen = [
            browser.wait(lambda it: any(row["name"] == f"slip{number}" for row in it.rows("drift")))
            for browser in (one, other)
        ]
        return max(seen) - committed

    # The machine may be busy once, not each time.
    assert min(map(slip, range(4))) <= 0.5
    one.wait(lambda it: it.rows("vitals")[0]["drifted"] == 4)
    one.wait(lambda it: it.rows("actions"))
    # What somebody ran is not for readers.
    assert one.rows("drift")[0]["statement"] is None
    beats = [at for kind, at in one.events[-5:]]
    assert loop.running()
    assert beats[-1] - beats[0] < 4
    db.sql("SELECT pg_terminate_backend(%s)", loop.pid)
    one.wait_for_connection("silent")
    # Since the last beat, not since it was noticed.
    last = db.value("SELECT max(beat_at) FROM asymm.pulse_state")
    assert abs((datetime.fromisoformat(one.state["connection"]["since"]) - last).total_seconds()) < 0.05


def test_who_comes_back_missed_nothing(db: Database, make_site: MakeSite, look: Look) -> None:
    _, owner = make_actor(db)
    make_table(db, owner, "propose")
    site = make_site(reader_of(db))
    first = look(site).wait_for_tiles()
    first.close()
    settled(site)
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    db.sql("SELECT asymm._process_ddl()")
    back = look(site, last=first.last)
    back.wait(lambda it: it.rows("drift"))
    assert {kind for kind, _ in back.events} == {"patch"}
    fresh = look(site).wait_for_tiles()

    def same() -> bool:
        seen = {**first.state["tiles"], **back.state["tiles"]}
        return all(seen[tile] == value for tile, value in fresh.state["tiles"].items() if tile != "vitals")

    wait_until(same, 5, "who came back sees what who is new sees")
    # Of another process, of nonsense and of what is not yet, nothing can be missed: everything again.
    for last in ("0-1", "x", "", f"{site.dashboard.board.boot}-999999999", f"{site.dashboard.board.boot}-٣"):
        other = look(site, last=last.encode().decode("latin-1"))
        other.wait(lambda it: it.events)
        assert other.events[0][0] == "state"


def test_names_are_strings(db: Database, make_site: MakeSite, look: Look) -> None:
    name = '"' + HOSTILE.replace('"', '""') + '"'
    db.own.execute(f"CREATE TABLE public.{name} (id integer PRIMARY KEY, n integer)".encode())
    db.own.execute(f"SELECT asymm.watch($asymm$public.{name}$asymm$)".encode())
    db.own.execute(f"ALTER TABLE public.{name} DROP COLUMN n".encode())
    db.sql("SELECT asymm._process_ddl()")
    browser = look(make_site(reader_of(db))).wait_for_tiles()
    (drift,) = browser.rows("drift")
    quoted = HOSTILE.replace('"', '""')
    assert quoted in drift["object"]
    assert any(quoted in (row["label"] or "") for row in browser.rows("heartbeat"))


def test_the_token_shows_what_may_be_done(db: Database, make_site: MakeSite, look: Look) -> None:
    login = db.dsn_of(db.role("operator", member_of=("asymm_operator",)))
    site = make_site(login, allow_actions=True)
    for token, allowed in ((None, False), ("wrong", False), (TOKEN, True)):
        browser = look(site, token=token).wait_for_tiles()
        assert browser.state["me"]["operator"]
        assert browser.state["me"]["actions"] is allowed
