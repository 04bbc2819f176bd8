"""Two sessions at once: one wins, the other is told; nothing is done twice and nothing half."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest

from support.database import Database
from support.other import Other, transaction
from support.pulse import make_actor, make_table

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def drifted(db: Database) -> Database:
    """A table of an owner that may run beats, with a dropped default and a repair that is proposed."""
    owner = db.role("owner", member_of=("asymm_operator", "asymm_pulse"))
    db.sql(f'CREATE SCHEMA mine AUTHORIZATION "{owner}"')
    db.sql("CREATE TABLE mine.t (a int DEFAULT 1, b text)")
    db.sql(f'ALTER TABLE mine.t OWNER TO "{owner}"')
    db.sql("SELECT asymm.watch('mine.t')")
    db.sql("ALTER TABLE mine.t ALTER a DROP DEFAULT")
    db.sql("SELECT asymm._process_ddl()")
    return db


def action(db: Database) -> int:
    found: int = db.value("SELECT max(id) FROM asymm.actions")
    return found


def test_approved_twice_is_run_once(drifted: Database) -> None:
    number = action(drifted)
    first = transaction(drifted, f"SELECT state FROM asymm.approve({number})")
    second = Other(drifted, f"SELECT state FROM asymm.approve({number})")
    second.wait_until_blocked()
    first.commit()
    second.done()
    assert second.error is not None
    assert second.error.sqlstate == "SY005"
    states = [row[0] for row in drifted.sql("SELECT to_state FROM asymm.action_history(%s)", number)]
    assert states.count("applying") == states.count("verified") == 1


def test_approved_and_rejected(drifted: Database) -> None:
    number = action(drifted)
    first = transaction(drifted, f"SELECT asymm.reject({number})")
    second = Other(drifted, f"SELECT state FROM asymm.approve({number})")
    second.wait_until_blocked()
    first.commit()
    second.done()
    assert second.error is not None
    assert second.error.sqlstate == "SY005"
    assert (
        drifted.value("SELECT column_default FROM information_schema.columns WHERE column_name = 'a'") is None
    )


def test_heal_and_a_change_of_the_same_table(drifted: Database) -> None:
    """The repair gives up after its lock_timeout; what was there is untouched."""
    other = transaction(drifted, "ALTER TABLE mine.t ADD COLUMN c int")
    rows = drifted.sql("SELECT state FROM asymm.heal('mine.t')")
    assert rows == [("failed",)]
    assert drifted.value("SELECT error ->> 'sqlstate' FROM asymm.actions ORDER BY id DESC LIMIT 1") == "55P03"
    other.commit()
    drifted.sql("SELECT asymm._process_ddl()")
    assert {row[0] for row in drifted.sql("SELECT name FROM asymm.drift WHERE resolved_at IS NULL")} == {
        "a",
        "c",
    }


def test_watch_and_drop(db: Database) -> None:
    db.sql("CREATE TABLE public.t (a int)")
    dropping = transaction(db, "DROP TABLE public.t")
    watching = Other(db, "SELECT * FROM asymm.watch('public.t')")
    dropping.commit()
    watching.done()
    # Either it was still there when it was declared, or it is said not to be.
    if watching.error is not None:
        assert watching.error.sqlstate == "42P01"
        assert db.sql("SELECT * FROM asymm.watched") == []
    else:
        db.sql("SELECT asymm._process_ddl()")
        db.sql("SELECT asymm._scan_all()")
        assert db.sql("SELECT part, actual FROM asymm.drift") == [("table", None)]


def test_two_beats_share_nothing(drifted: Database) -> None:
    """Two loops at the log: every row is seen once, no drift is told twice."""
    for number in range(30):
        drifted.sql(f"ALTER TABLE mine.t ADD COLUMN c{number} int")
    beats = [Other(drifted, "SELECT asymm._process_ddl()") for _ in range(4)]
    seen = [row for beat in beats for row in beat.done() if row[0] is not None]
    assert [beat.error for beat in beats] == [None] * 4
    drifted.sql("SELECT asymm._process_ddl()")
    assert drifted.value("SELECT count(*) FROM asymm.ddl WHERE NOT seen") == 0
    assert sum(report[0]["drifts"] for report in seen) == 30
    assert drifted.value("SELECT count(*) FROM asymm.drift WHERE name LIKE 'c%'") == 30


def test_two_actors_claim_one_action(drifted: Database) -> None:
    owner = drifted.value("SELECT schema_owner FROM information_schema.schemata WHERE schema_name = 'mine'")
    drifted.sql("SELECT asymm.watch('mine.t', 'heal')")
    first = transaction(drifted, "SELECT asymm._claim_action()", user=owner)
    second = Other(drifted, "SELECT asymm._claim_action()", user=owner)
    assert second.done() == [(None,)]
    first.commit()
    number = action(drifted)
    result = first.execute("SELECT asymm._apply_action(%s)", [number]).fetchall()[0][0]
    assert result["state"] == "verified"
    again = Other(drifted, f"SELECT asymm._apply_action({number})", user=owner)
    again.wait_until_blocked()
    first.commit()
    again.done()
    assert again.error is not None
    assert again.error.sqlstate == "SY005"


def test_a_migration_in_flight_is_seen_when_it_commits(db: Database) -> None:
    """Log rows of a transaction that commits late are not passed over by those that came after."""
    db.sql("CREATE TABLE public.t (a int)")
    db.sql("CREATE TABLE public.u (a int)")
    db.sql("SELECT asymm.watch('public.t')")
    db.sql("SELECT asymm.watch('public.u')")
    late = transaction(db, "ALTER TABLE public.t ADD COLUMN late int")
    db.sql("ALTER TABLE public.u ADD COLUMN early int")
    db.sql("SELECT asymm._process_ddl()")
    assert db.sql("SELECT name FROM asymm.drift") == [("early",)]
    late.commit()
    db.sql("SELECT asymm._process_ddl()")
    assert {row[0] for row in db.sql("SELECT name FROM asymm.drift")} == {"early", "late"}


LOCKS = ("ddl_log", "setting", "baseline", "member", "baseline_state", "control")


@pytest.mark.parametrize("policy", ["observe", "guard"])
def test_ddl_goes_on_when_our_tables_are_locked(db: Database, policy: str) -> None:
    """Nobody's DDL fails or hangs because of us; what could not be logged is found by a scan."""
    db.sql("CREATE TABLE public.t (a int)")
    db.sql("CREATE TABLE public.guarded (a int)")
    db.sql("SELECT asymm.watch('public.t', 'observe')")
    db.sql("SELECT asymm.watch('public.guarded', %s)", policy)
    db.sql("SELECT asymm._process_ddl()")
    lock = transaction(
        db, "LOCK TABLE " + ", ".join(f"asymm.{name}" for name in LOCKS) + " IN ACCESS EXCLUSIVE MODE"
    )
    ddl = Other(db, "ALTER TABLE public.t ADD COLUMN b int", options="-c statement_timeout=20s")
    ddl.done()
    assert ddl.error is None
    lock.rollback()
    ddl.connection.execute("SELECT pg_stat_force_next_flush()")
    db.sql("SELECT asymm._scan_headers()")
    assert db.sql("SELECT name, found_by FROM asymm.drift") == [("b", "header_scan")]


def test_ddl_goes_on_when_our_log_is_broken(db: Database) -> None:
    db.sql("CREATE TABLE public.t (a int)")
    db.sql("SELECT asymm.watch('public.t', 'guard')")
    db.sql("ALTER TABLE asymm.ddl_log ADD CONSTRAINT broken CHECK (role = 'nobody') NOT VALID")
    db.sql("CREATE TABLE public.u (a int)")
    db.sql("ALTER TABLE public.u ADD COLUMN b int")
    db.sql("DROP TABLE public.u")
    db.sql("ALTER TABLE asymm.baseline_state RENAME TO elsewhere")
    db.sql("CREATE TABLE public.u (a int)")
    db.sql("DROP TABLE public.u")
    db.sql("ALTER TABLE asymm.elsewhere RENAME TO baseline_state")
    assert "SY002" in db.psql("-v", "VERBOSITY=verbose", "-c", "DROP TABLE public.t").stderr


def test_ddl_within_ddl_and_ten_thousand_commands(db: Database) -> None:
    """DDL of a user's event trigger does not recurse; a long string costs the same per command (B20)."""
    db.sql(
        "CREATE FUNCTION public.more() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF to_regclass('public.made') IS NULL THEN CREATE TABLE public.made (a int); END IF; END $$"
    )
    db.sql(
        "CREATE EVENT TRIGGER more ON ddl_command_end WHEN TAG IN ('CREATE TABLE')"
        " EXECUTE FUNCTION public.more()"
    )
    db.sql("CREATE TABLE public.first (a int)")
    assert db.value("SELECT count(*) FROM asymm.ddl WHERE command_tag = 'CREATE TABLE'") == 2
    db.sql("DROP EVENT TRIGGER more")
    db.sql("CREATE TABLE public.t (a int)")
    commands = 2000
    text = "ALTER TABLE public.t ALTER a SET DEFAULT 1;" * commands
    db.sql("ALTER EVENT TRIGGER asymm_ddl_end DISABLE")
    bare = timed(db, text)
    db.sql("ALTER EVENT TRIGGER asymm_ddl_end ENABLE ALWAYS")
    some = timed(db, text[: len(text) // 10])
    before = db.value("SELECT count(*) FROM asymm.ddl")
    all_of_it = timed(db, text)
    assert db.value("SELECT count(*) FROM asymm.ddl") - before == commands
    # Per command not dearer in a long string than in a short one (a square would be ten times).
    assert (all_of_it - bare) / commands < 4 * max(some / (commands / 10), 0.0005)
    assert db.value("SELECT max(length(statement)) FROM asymm.ddl") <= 10000


def timed(db: Database, text: str) -> float:
    start = time.monotonic()
    db.own.execute(text.encode())
    return time.monotonic() - start


def test_drift_is_committed_before_it_is_planned(db: Database) -> None:
    """A beat shows what drifted first; DDL that arrives meanwhile, or a loop that dies, loses nothing."""
    db.sql("CREATE TABLE public.t (a int DEFAULT 1, b text)")
    db.sql("SELECT asymm.watch('public.t')")
    state = "SELECT attribute, state, repair FROM asymm.drift WHERE state <> 'superseded' ORDER BY 1"
    db.sql("ALTER TABLE public.t ALTER a DROP DEFAULT")
    db.sql("SELECT asymm._run_organ('sense')")
    assert db.sql(state) == [("default", "open", None)]
    db.sql("ALTER TABLE public.t ALTER b SET NOT NULL")
    db.sql("SELECT asymm._plan_later()")
    assert db.sql(state) == [("default", "open", None)]
    # The loop died here: the next one goes on from what is recorded.
    db.sql("SELECT asymm._run_organ('sense')")
    assert [row[:2] for row in db.sql(state)] == [("default", "open"), ("not_null", "open")]
    db.sql("SELECT asymm._run_organ('sense')")
    assert [row[:2] for row in db.sql(state)] == [("default", "proposed"), ("not_null", "proposed")]
    assert db.sql("SELECT count(*) FROM asymm.actions") == [(1,)]


def test_a_repair_that_a_scan_keeps_waiting_is_tried_again_later(db: Database) -> None:
    """Whoever holds the baseline for longer than a beat waits must not use up the tries of a repair."""
    actor, owner = make_actor(db)
    make_table(db, owner)
    loop = db.connect(user=actor)
    loop.execute("SET lock_timeout = '50ms'")
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    loop.execute("SELECT asymm._run_organ('sense')")
    loop.execute("SELECT asymm._plan_later()")
    scan = db.connect(autocommit=False)
    scan.execute("SELECT FROM asymm.baseline FOR UPDATE")
    for _ in range(4):
        db.sql("UPDATE asymm.action SET due_at = '-infinity'")
        action = loop.execute("SELECT asymm._claim_action()").fetchone()
        assert action is not None
        assert action[0] is not None
        loop.execute("SELECT asymm._apply_claimed(%s)", action)
    found = db.sql("SELECT state, error ->> 'sqlstate', due_at > clock_timestamp() FROM asymm.action")
    assert found == [("approved", "55P03", True)]
    columns = "SELECT attname FROM pg_attribute WHERE attrelid = 'app.item'::regclass AND attname = 'label'"
    assert db.sql(columns) == []
    scan.rollback()
    db.sql("UPDATE asymm.action SET due_at = '-infinity'")
    loop.execute("SELECT asymm.beat()")
    assert db.sql("SELECT state FROM asymm.action") == [("verified",)]
    assert db.sql(columns) == [("label",)]
