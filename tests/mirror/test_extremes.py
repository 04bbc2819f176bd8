"""Transactions, tables and servers at their limits: Redis equals the tables then, and the worker lives on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conftest import MakeServer

from support import database
from support.mirror import Mirror, ended
from support.redis import RedisServer

pytestmark = pytest.mark.long


@contextlib.contextmanager
def own(own_server: MakeServer, redis: RedisServer, directory: Path, **settings: str) -> Iterator[Mirror]:
    """A mirror of a database on a server of its own."""
    db = database.create(own_server(settings), name="extreme")
    db.sql("CREATE EXTENSION asymmetrica")
    made = Mirror(db, redis, directory)
    try:
        yield made
    finally:
        made.close()
        db.close()


def test_prepared_transactions(own_server: MakeServer, redis_server: RedisServer, tmp_path: Path) -> None:
    """They are in Redis when they are committed, whoever leads then; those rolled back never are."""
    with own(own_server, redis_server, tmp_path, max_prepared_transactions="5") as mirror:
        mirror.tables("t")
        mirror.mirror("t")
        mirror.work()
        mirror.check()
        for number, end in enumerate(("COMMIT", "ROLLBACK", "COMMIT")):
            with mirror.db.connect() as session:
                session.execute("BEGIN")
                session.execute("UPDATE t SET n = n + 1, id = id + 1000")
                session.execute("INSERT INTO t VALUES (%s, 0)", [-number])
                session.execute(f"PREPARE TRANSACTION 'p{number}'")
            before = mirror.check()
            mirror.workers[-1].kill()
            mirror.work()
            mirror.settle()
            position = mirror.number("lsn")
            mirror.db.sql(f"{end} PREPARED 'p{number}'")
            assert mirror.check() == before + (end == "COMMIT")
            assert mirror.number("lsn") > position
            mirror.until(lambda: mirror.number("settled") >= mirror.number("version:public.t"), 10, "settled")
        assert mirror.db.value("SELECT max(n) FROM t") == 2


def test_one_transaction_of_half_a_million_changes(mirror: Mirror) -> None:
    """Killed in its midst three times, it goes on where it was."""
    mirror.tables("t")
    mirror.mirror("t")
    mirror.work()
    mirror.check()
    with mirror.db.own.transaction():
        mirror.db.sql("INSERT INTO t SELECT g, 0 FROM generate_series(1001, 251000) g")
        mirror.db.sql("UPDATE t SET n = n + id % 10 WHERE id > 1000")
    for _ in range(3):
        position = mirror.redis.get("asymm:mirror:partial")
        mirror.until(
            lambda p=position: mirror.redis.get("asymm:mirror:partial") not in (None, p), 60, "begun"
        )
        mirror.workers[-1].kill()
        assert mirror.redis.get("asymm:mirror:partial")
        mirror.work()
    assert mirror.check(180) == 250_100
    assert not any(worker.said("unsafe") for worker in mirror.workers[1:])


def test_a_storm_of_truncates(mirror: Mirror) -> None:
    """Of one table, of several, rolled back, in the midst of transactions, with a kill now and then."""
    mirror.tables("tu", 1000)
    mirror.mirror("t")
    mirror.mirror("u", ", format => 'hash'")
    mirror.work()
    mirror.check()
    for number in range(150):
        with mirror.db.own.transaction():
            mirror.db.sql("INSERT INTO t SELECT g, %s FROM generate_series(2001, 2500) g", number)
            mirror.db.sql("TRUNCATE t, u" if number % 3 else "TRUNCATE t")
            with mirror.db.own.transaction(force_rollback=number % 2 == 0):
                mirror.db.sql("INSERT INTO t VALUES (1, %s)", number)
                mirror.db.sql("TRUNCATE u")
                mirror.db.sql("INSERT INTO u SELECT g, %s FROM generate_series(1, 300) g", number)
        if number % 40 == 39:
            mirror.workers[-1].kill()
            mirror.work()
    mirror.check(60)
    epoch = mirror.epoch("public.t")
    assert mirror.workers[-1].stop() == 0
    mirror.work()
    mirror.check()
    assert mirror.epoch("public.t") == epoch


@pytest.mark.parametrize(
    "how", ["DROP TABLE u", "ALTER TABLE u RENAME TO w", "TRUNCATE u", "SELECT asymm.unmirror('u')"]
)
def test_a_table_goes_in_the_midst_of_its_copy(mirror: Mirror, how: str) -> None:
    """The worker goes on with the others, and nothing of it stays in Redis."""
    mirror.tables("t")
    mirror.mirror("t")
    mirror.work(fail_at="copying:20")
    mirror.check()
    mirror.db.sql("CREATE TABLE u (id int PRIMARY KEY, n int)")
    mirror.db.sql("INSERT INTO u SELECT g, 0 FROM generate_series(1, 300000) g")
    for round in range(2):
        mirror.mirror("u")
        copied = lambda: any(mirror.redis.scan_iter("asymm:public.u:*", count=1000))  # noqa: E731
        mirror.until(copied, 60, "some of it is copied")
        # Its lock is that of the copy: it waits for it, or comes before the stream has caught up.
        with mirror.db.connect() as session:
            session.execute(how)
        if round == 0 and not ended(mirror.workers[-1]):
            mirror.until(lambda: ended(mirror.workers[-1]), 60, "killed")
        if round == 0:
            mirror.work()
        mirror.db.sql("UPDATE t SET n = n + 1")
        if how.startswith("DROP"):
            mirror.db.sql("SELECT asymm.unmirror('public.u')")
        mirror.check(60)
        if round == 0:
            for table in ("u", "w"):
                if mirror.db.value(
                    f"SELECT EXISTS (SELECT FROM asymm.mirror_status() WHERE object = 'public.{table}')"
                ):
                    mirror.db.sql(f"SELECT asymm.unmirror('public.{table}')")
            mirror.db.sql("DROP TABLE IF EXISTS u, w")
            mirror.check(60)
            mirror.db.sql("CREATE TABLE u (id int PRIMARY KEY, n int)")
            mirror.db.sql("INSERT INTO u SELECT g, 0 FROM generate_series(1, 300000) g")


def test_no_connection_is_left(own_server: MakeServer, redis_server: RedisServer, tmp_path: Path) -> None:
    """The worker tries again and again, ever more seldom, and goes on when there is room."""
    with own(
        own_server, redis_server, tmp_path, max_connections="12", superuser_reserved_connections="2"
    ) as mirror:
        mirror.tables("t")
        mirror.mirror("t")
        worker = mirror.work()
        mirror.check()
        user = mirror.db.role("many")
        with contextlib.ExitStack() as held:

            def fill() -> bool:
                try:
                    while True:
                        held.enter_context(psycopg.connect(mirror.db.dsn_of(user)))
                except psycopg.OperationalError:
                    return True

            fill()
            mirror.db.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", mirror.login
            )
            fill()
            mirror.until(lambda: worker.log.read_text().count('"failed"') >= 4, 30, "tried")
            mirror.db.sql("UPDATE t SET n = n + 1")
            assert not ended(worker)
            waits = [event["wait"] for event in worker.events() if event["what"] == "failed"]
            assert waits[-1] > 0.5
        assert mirror.check() == 100
        assert worker.stop() == 0


def test_a_login_that_lost_rights(mirror: Mirror) -> None:
    """Of one table: it is told, and built when they are back. Of everything: the worker ends and says why."""
    mirror.tables("tu")
    mirror.mirror("t")
    mirror.mirror("u")
    mirror.work()
    mirror.check()
    mirror.db.sql("REVOKE SELECT ON u FROM asymm_streamer")
    mirror.db.sql("ALTER TABLE u ADD COLUMN more int")
    mirror.db.wait_for(
        "SELECT error LIKE '%permission denied%' FROM asymm.mirror_status() WHERE object = 'public.u'"
    )
    mirror.db.sql("UPDATE t SET n = 5")
    row = f"asymm:public.t:e{mirror.epoch('public.t')}:1"
    mirror.until(lambda: b'"n":5' in (mirror.redis.get(row) or b""), 10, "t goes on")
    assert mirror.redis.exists("asymm:mirror:safe:public.u") == 0
    mirror.db.sql("GRANT SELECT ON u TO asymm_streamer")
    assert mirror.check(60) == 200
    mirror.db.sql(f"REVOKE asymm_streamer FROM {mirror.login}")
    worker = mirror.workers[-1]
    mirror.until(lambda: ended(worker), 30, "it ended")
    assert worker.process.returncode not in (0, None)
    assert "permission denied" in worker.log.read_text()
    mirror.db.sql(f"GRANT asymm_streamer TO {mirror.login}")
    mirror.db.sql("UPDATE u SET n = 7")
    mirror.work()
    assert mirror.check() == 200


def test_a_role_of_redis_that_sees_only_our_keys(mirror: Mirror) -> None:
    mirror.tables("tu")
    mirror.mirror("t")
    mirror.mirror("u", ", format => 'hash'")
    rules = ["on", ">word", "~asymm:*", "+@all", "-@admin", "-@dangerous", "+info"]
    mirror.redis.execute_command("ACL", "SETUSER", "mirror", *rules)
    url = mirror.server.url.replace(f"default:{mirror.server.password}", "mirror:word")
    mirror.work(url=url)
    assert mirror.check() == 200
    mirror.db.sql("UPDATE t SET n = n + 1")
    mirror.db.sql("TRUNCATE u")
    assert mirror.check() == 100
    assert mirror.run("verify", ASYMMETRICA_REDIS=url).returncode == 0


def test_redis_lets_keys_go(mirror: Mirror) -> None:
    """With a policy that evicts any key the mirror comes back, and has all once there is room."""
    mirror.db.sql("CREATE TABLE t (id int PRIMARY KEY, n int, v text)")
    mirror.db.sql("INSERT INTO t SELECT g, 0, repeat('v', 300) FROM generate_series(1, 20000) g")
    mirror.mirror("t")
    mirror.work()
    mirror.check()
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(mirror.db.dsn, autocommit=True) as own:
            while not stop.wait(0.01):
                own.execute("UPDATE t SET n = n + 1 WHERE id % 100 = 1")

    writer = threading.Thread(target=write)
    writer.start()

    def less() -> int:
        """Leave Redis a little less than it uses; return how many keys it has let go so far."""
        mirror.redis.config_set("maxmemory", mirror.redis.info("memory")["used_memory"] - 200_000)
        return mirror.redis.info("stats")["evicted_keys"]

    try:
        for policy in ("allkeys-lru", "allkeys-random"):
            mirror.redis.config_set("maxmemory-policy", policy)
            wanted = mirror.redis.info("stats")["evicted_keys"] + 1000
            mirror.until(lambda n=wanted: less() > n, 60, "evicted")
            assert not ended(mirror.workers[-1])
            mirror.redis.config_set("maxmemory", 0)
    finally:
        stop.set()
        writer.join()
    # What was let go is missing, and nothing else is.
    mirror.check(60, whole=False)
    mirror.db.sql("SELECT asymm.unmirror('t')")
    mirror.mirror("t")
    assert mirror.check(60) == 20_000
