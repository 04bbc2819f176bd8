"""Tables that are built, refused or too large while the stream of the others goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

import psycopg
import pytest

from support.mirror import Mirror


@contextlib.contextmanager
def writers(mirror: Mirror, *statements: str) -> Iterator[None]:
    """Run each statement again and again in a session of its own."""
    stop = threading.Event()
    failed: list[str] = []

    def write(statement: str) -> None:
        with psycopg.connect(mirror.db.dsn, autocommit=True) as own:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    own.execute(statement.format(number))
                except psycopg.Error as error:
                    failed.append(str(error))
                    return

    threads = [threading.Thread(target=write, args=(statement,)) for statement in statements]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert failed == []


@pytest.mark.long
def test_a_table_that_is_written_all_the_time_is_added(mirror: Mirror) -> None:
    """What is committed between its snapshot and the place the stream has come to is not lost."""
    for table in "tu":
        mirror.db.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, v int, big text)")
        mirror.db.sql(f"ALTER TABLE {table} ALTER big SET STORAGE EXTERNAL")
        mirror.db.sql(f"INSERT INTO {table} SELECT g, 0, repeat('x', 3000) FROM generate_series(-500, 0) g")
    mirror.mirror("t")
    mirror.work()
    mirror.check()
    with writers(
        mirror,
        "INSERT INTO u VALUES ({0}, 0, repeat('y', 3000))",
        "UPDATE u SET v = {0} WHERE id % 50 = -({0} % 50)",
        "UPDATE t SET v = {0} WHERE id = -({0} % 500)",
    ):
        for _ in range(3):
            mirror.mirror("u")
            mirror.until(lambda: mirror.redis.exists("asymm:mirror:safe:public.u") == 1, 30, "u is built")
            mirror.db.sql("DELETE FROM u WHERE id > 0 AND id % 3 = 0")
            mirror.settle()
            mirror.db.sql("SELECT asymm.unmirror('u')")
        mirror.mirror("u")
        mirror.db.sql("TRUNCATE u")
    mirror.check()


def test_what_is_refused_is_not_left_in_redis(mirror: Mirror) -> None:
    for table in "tu":
        mirror.db.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, v int)")
        mirror.db.sql(f"INSERT INTO {table} SELECT g, 0 FROM generate_series(1, 3000) g")
        mirror.mirror(table)
    mirror.work()
    mirror.check()

    def keys(table: str) -> int:
        return sum(1 for _ in mirror.redis.scan_iter(f"asymm:public.{table}:*", count=10_000))

    mirror.db.sql("ALTER TABLE u ENABLE ROW LEVEL SECURITY")
    with writers(mirror, "UPDATE t SET v = v + 1 WHERE id = 1 + {0} % 3000"):
        mirror.until(lambda: keys("u") == 0, 20, "no row of u is left")
    assert mirror.redis.exists("asymm:mirror:safe:public.u") == 0
    assert keys("t") == 3000
    mirror.db.sql("ALTER TABLE u DISABLE ROW LEVEL SECURITY")
    assert mirror.check() == 6000
    mirror.workers[-1].kill()
    mirror.db.sql("ALTER TABLE u ENABLE ROW LEVEL SECURITY")
    mirror.work()
    mirror.until(lambda: keys("u") == 0, 20, "no row of u is left")
    assert keys("t") == 3000


@pytest.mark.long
def test_others_do_not_wait_while_a_table_is_copied(mirror: Mirror) -> None:
    for table, rows in (("t", 10), ("u", 400_000)):
        mirror.db.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, v int, w text)")
        mirror.db.sql(f"INSERT INTO {table} SELECT g, 0, repeat('w', 50) FROM generate_series(1, {rows}) g")
    mirror.mirror("t")
    mirror.work()
    mirror.check()
    mirror.mirror("u")
    copying = """SELECT pid FROM pg_stat_activity WHERE application_name = 'asymmetrica mirror copy'
        AND query LIKE 'COPY%' AND datname = current_database()"""
    found: list[int] = []

    def caught() -> bool:
        found[:] = [pid for (pid,) in mirror.db.sql(copying)]
        return bool(found)

    mirror.until(caught, 30, "u is copied")
    os.kill(found[0], signal.SIGSTOP)
    try:
        mirror.db.sql("UPDATE t SET v = 5")
        row = f"asymm:public.t:e{mirror.epoch('public.t')}:1"
        mirror.until(lambda: b'"v":5' in (mirror.redis.get(row) or b""), 5, "t goes on")
        assert mirror.redis.exists("asymm:mirror:safe:public.u") == 0
    finally:
        os.kill(found[0], signal.SIGCONT)
    assert mirror.check() == 400_010


@pytest.mark.long
def test_a_row_that_is_too_large_is_told(mirror: Mirror) -> None:
    large = "repeat('x', 70 << 20)"
    mirror.db.sql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    mirror.db.sql(f"INSERT INTO t VALUES (1, 'a'), (2, {large})")
    mirror.mirror("t")
    worker = mirror.work()
    rows = "asymm:public.t:e{}:"

    def held() -> set[str]:
        head = rows.format(mirror.epoch("public.t"))
        return {key.decode()[len(head) :] for key in mirror.redis.scan_iter(head + "*")}

    error = "SELECT error FROM asymm.mirror_status()"
    mirror.settle(60)
    assert held() == {"1"}
    mirror.until(lambda: worker.said("left out"), 20, "told in the log")
    mirror.until(
        lambda: mirror.db.value(error) == "1 row is larger than 64 MiB and not in Redis", 20, "in the status"
    )
    mirror.db.sql(f"INSERT INTO t VALUES (3, {large})")
    mirror.settle(60)
    assert held() == {"1"}
    worker.kill()
    mirror.work()
    mirror.settle()
    mirror.until(
        lambda: mirror.db.value(error) == "2 rows are larger than 64 MiB and not in Redis", 20, "still known"
    )
    assert mirror.run("verify").returncode == 0
    mirror.db.sql("UPDATE t SET v = 'small' WHERE id = 2")
    mirror.db.sql("DELETE FROM t WHERE id = 3")
    assert mirror.check() == 2
    mirror.until(lambda: mirror.db.value(error) is None, 20, "all is in Redis")
