"""What readers go by: versions of tables, what is visible in Postgres, when Redis held everything."""

from __future__ import annotations

import signal
import threading
import time

import psycopg

from asymmetrica.mirror.fresh import Freshness
from asymmetrica.mirror.visible import Snapshot, Started
from support.mirror import Mirror, ended

TABLES = ("public.t", "public.u")


def two_tables(mirror: Mirror) -> None:
    for table in "tu":
        mirror.db.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, v int)")
        mirror.mirror(table)


def test_versions_move_with_what_changes_a_table(mirror: Mirror) -> None:
    two_tables(mirror)
    worker = mirror.work()
    mirror.check()

    def versions() -> dict[str, int]:
        return {name: mirror.number(f"version:{name}") for name in TABLES} | {"ddl": mirror.number("ddl")}

    assert len(set(versions().values())) == 1

    def moved(*statements: str) -> set[str]:
        before = versions()
        with mirror.db.connect(autocommit=False) as own:
            for statement in statements:
                own.execute(statement)
        end = mirror.settle()
        after = versions()
        changed = {name for name in before if after[name] != before[name]}
        assert all(before[name] < after[name] <= end for name in changed)
        # A table that is built anew is as new as that.
        assert len({after[name] for name in changed}) <= 1 or "ALTER" in statements[0]
        return changed

    assert moved("CREATE TABLE of_no_interest (a int)", "INSERT INTO of_no_interest VALUES (1)") <= {"ddl"}
    assert moved("INSERT INTO t VALUES (1, 1)") == {"public.t"}
    assert moved("INSERT INTO t SELECT g FROM generate_series(2, 6000) g", "INSERT INTO u VALUES (1, 1)") == {
        *TABLES
    }
    assert moved("UPDATE t SET v = 2 WHERE id = 1", "DELETE FROM u") == {*TABLES}
    assert moved("TRUNCATE u") == {"public.u"}
    assert moved("""SELECT pg_logical_emit_message(true, 'asymm', '{"any": "CREATE VIEW"}')""") == {"ddl"}
    assert moved("ALTER TABLE u ADD w int") == {"public.u", "ddl"}
    worker.kill()
    before = mirror.number("version:public.t")
    mirror.work()
    assert moved("DELETE FROM t WHERE id > 3000", "INSERT INTO u VALUES (2)") == {*TABLES}
    assert mirror.number("version:public.t") > before
    mirror.db.sql("SELECT asymm.unmirror('u')")
    mirror.settle()
    mirror.until(lambda: mirror.number("version:public.u") == 0, 10, "the version goes with its table")


def test_a_transaction_that_was_cut_in_two_counts_as_a_whole(mirror: Mirror) -> None:
    """The part that Redis has already is skipped after a crash, but it was a change all the same."""
    two_tables(mirror)
    mirror.work()
    mirror.check()
    mirror.workers[-1].kill()
    before = mirror.number("version:public.u")
    doomed = mirror.work(fail_at="sent:4")
    with mirror.db.connect(autocommit=False) as own:
        own.execute("INSERT INTO u VALUES (1, 1)")
        own.execute("INSERT INTO t SELECT g FROM generate_series(1, 20000) g")
    mirror.until(lambda: ended(doomed), 30, "killed")
    mirror.work()
    assert mirror.check() == 20001
    assert mirror.number("version:public.u") == mirror.number("version:public.t") > before


def test_fresh_comes_on_while_idle_and_not_without_a_worker(mirror: Mirror) -> None:
    two_tables(mirror)
    worker = mirror.work()
    mirror.check()

    def told() -> tuple[int, int]:
        clock, _, lsn = (mirror.redis.get("asymm:mirror:fresh") or b"0 0").partition(b" ")
        return int(clock), int(lsn)

    def now() -> int:
        seconds, micros = mirror.redis.time()
        return seconds * 1000 + micros // 1000

    # Also of what is nobody's business here Redis knows that it came by.
    for statement in ("SELECT 1", "CREATE TABLE x (a int)", "INSERT INTO t VALUES (1)"):
        mirror.db.sql(statement)
        end = mirror.db.value("SELECT pg_current_wal_insert_lsn() - '0/0'")
        since = now()
        mirror.until(lambda: told()[0] >= since, 20, "fresh goes on")  # noqa: B023
        assert told()[0] <= now()
        assert told()[1] >= end - 40
    worker.process.send_signal(signal.SIGSTOP)
    mirror.redis.ping()
    mirror.db.sql("INSERT INTO t VALUES (2)")
    last = told()
    since = now()
    mirror.until(lambda: now() > since + 400, 10, "time goes by")
    assert told() == last
    worker.process.send_signal(signal.SIGCONT)
    mirror.until(lambda: told()[0] > since, 20, "fresh goes on")
    assert worker.stop() == 0
    assert mirror.number("settled") == mirror.number("lsn")


def test_a_commit_brings_the_next_look_forward() -> None:
    fresh = Freshness.__new__(Freshness)
    now = time.monotonic()
    fresh.commits, fresh.looked, fresh.due = {}, now, now + 1000
    fresh.committed(7, 100)
    assert fresh.commits == {7: 100}
    assert fresh.due < now + 500


def test_what_is_committed_but_not_visible_is_not_settled(mirror: Mirror) -> None:
    """Its row is in Redis while the COMMIT still waits for a standby, also when the worker is another one."""
    two_tables(mirror)
    mirror.work()
    mirror.check()
    mirror.until(lambda: mirror.number("settled") >= mirror.number("version:public.t"), 10, "settled")

    def commit() -> None:
        with psycopg.connect(mirror.db.dsn) as own:
            own.execute("INSERT INTO t VALUES (1, 1)")

    local = mirror.db.connect(options="-c synchronous_commit=local")
    waiting = threading.Thread(target=commit)
    local.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    try:
        local.execute("SELECT pg_reload_conf()")
        row = f"asymm:public.t:e{mirror.epoch('public.t')}:1"
        names = "SELECT current_setting('synchronous_standby_names')"
        mirror.until(lambda: local.execute(names).fetchone() == ("nobody",), 10, "it is set")
        waiting.start()
        mirror.until(lambda: mirror.redis.exists(row) == 1, 10, "the row is in Redis")
        local.execute("INSERT INTO u VALUES (1, 1)")
        for restarts in range(2):
            version = mirror.number("version:public.t")
            past = local.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
            assert past is not None
            since = mirror.redis.get("asymm:mirror:fresh")
            mirror.until(lambda: mirror.number("lsn") >= past[0] - 40, 10, "Redis is past it")  # noqa: B023
            mirror.until(lambda: mirror.redis.get("asymm:mirror:fresh") != since, 10, "looked")  # noqa: B023
            assert local.execute("SELECT count(*) FROM t").fetchone() == (0,)
            assert mirror.number("settled") < version
            if not restarts:
                mirror.workers[-1].kill()
                mirror.work()
    finally:
        local.execute("ALTER SYSTEM RESET synchronous_standby_names")
        local.execute("SELECT pg_reload_conf()")
        waiting.join(30)
    assert mirror.db.value("SELECT count(*) FROM t") == 1
    mirror.until(lambda: mirror.number("settled") >= mirror.number("version:public.t"), 20, "settled now")
    mirror.check()


def test_which_transactions_a_snapshot_shows() -> None:
    around = (5 << 32) + 10
    snapshot = Snapshot.parse(f"{around - 20}:{around}:{around - 20},{around - 3}")
    for xid in range(around - 30, around + 20):
        visible = xid < around and xid not in (around - 20, around - 3)
        assert snapshot.shows(xid & 0xFFFFFFFF) is visible
    assert Snapshot.parse("7:7:").shows(6)
    started = Started(snapshot, around + 5)
    assert not started.over(snapshot)
    assert not started.over(Snapshot(around + 9, frozenset({around - 3})))
    assert not started.over(Snapshot(around + 9, frozenset({around + 4})))
    assert not started.over(Snapshot(around + 4, frozenset()))
    assert started.over(Snapshot(around + 9, frozenset({around - 4, around + 6})))
