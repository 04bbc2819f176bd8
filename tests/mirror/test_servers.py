"""Servers that crash, are promoted, are restored or lose their slot, and what Redis holds afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conftest import MakeServer

from support import database
from support.backup import backup, copy_files, promote, restore, standby_of
from support.mirror import Mirror
from support.redis import RedisServer

pytestmark = pytest.mark.long


@pytest.fixture
def own(own_server: MakeServer, redis_server: RedisServer, tmp_path: Path) -> Iterator[Mirror]:
    """A mirror of a database on a server of its own, which holds little WAL for a slot."""
    server = own_server(
        {"max_slot_wal_keep_size": "32MB", "max_wal_size": "64MB", "min_wal_size": "32MB"}, durable=True
    )
    db = database.create(server, name="mirrored")
    db.sql("CREATE EXTENSION asymmetrica")
    made = Mirror(db, redis_server, tmp_path)
    yield made
    made.close()
    made.db.close()


def busy(mirror: Mirror, stop: threading.Event) -> None:
    """Write until the server is gone."""
    try:
        with psycopg.connect(mirror.db.dsn, autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("UPDATE t SET n = n + 1 WHERE id % 3 = 0")
                connection.execute("UPDATE u SET id = -id WHERE id % 7 = 0")
    except psycopg.OperationalError:
        pass


def both(mirror: Mirror) -> None:
    mirror.tables("tu", 1000)
    mirror.mirror("t")
    mirror.mirror("u", ", format => 'hash'")
    mirror.work()
    mirror.check()


def test_slot_lost_to_the_load(own: Mirror) -> None:
    both(own)
    assert own.workers[-1].stop() == 0
    for _ in range(4):
        own.db.sql("INSERT INTO t SELECT 1000 + g, 0 FROM generate_series(1, 200000) g")
        own.db.sql("DELETE FROM t WHERE id > 1000")
        own.db.sql("CHECKPOINT")
    assert own.db.value("SELECT wal_status FROM pg_replication_slots") == "lost"
    worker = own.work()
    assert own.check(60) == 2000
    assert any("slot is lost" in str(event.get("note")) for event in worker.events())


def test_crashes_under_load(own: Mirror) -> None:
    both(own)
    worker = own.workers[-1]
    for _ in range(4):
        stop = threading.Event()
        writers = [threading.Thread(target=busy, args=(own, stop)) for _ in range(2)]
        for writer in writers:
            writer.start()
        before = own.number("lsn")
        own.until(lambda before=before: own.number("lsn") > before + 100_000, 30, "written")
        own.db.close()
        own.db.server.stop("immediate")
        stop.set()
        for writer in writers:
            writer.join()
        own.db.server.start()
        own.check(60)
    assert worker.stop() == 0
    assert not any("holds no mirror" in str(event.get("note")) for event in worker.events()[2:])


def test_promotion_of_a_standby_that_lagged(own: Mirror) -> None:
    both(own)
    standby = standby_of(own.db.server)
    try:
        standby.start()
        own.db.sql("UPDATE t SET n = 1")
        end = own.db.value("SELECT pg_current_wal_flush_lsn()")
        with standby.connect("mirrored") as connection:
            query = b"SELECT pg_last_wal_replay_lsn() >= %s"
            own.until(lambda: connection.execute(query, [end]).fetchone() == (True,), 30, "it follows")
        standby.stop()
        # Newer than what the standby will know.
        own.db.sql("UPDATE t SET n = 2 WHERE id > 500")
        own.db.sql("INSERT INTO t SELECT g, 0 FROM generate_series(5001, 5100) g")
        own.check()
        assert own.workers[-1].stop() == 0
        own.db.close()
        primary = own.db.server
        primary.stop("immediate")
        standby.start()
        promote(standby)
        own.db.server = standby
        own.db.sql("CHECKPOINT")  # only now the control file knows of the new timeline
        own.db.sql("SELECT * FROM asymm.resume()")
        own.db.sql("INSERT INTO t VALUES (6000, 0)")
        worker = own.work()
        own.until(lambda: worker.said("live"), 30, "built anew")  # until then Redis is ahead
        assert own.check() == 2001
        assert own.db.value("SELECT count(*) FROM t WHERE n = 2") == 0
        assert worker.stop() == 0
        own.db.close()
        own.db.server = primary
        primary.start()
    finally:
        standby.remove()


@pytest.mark.parametrize("how", ["base backup", "files"])
def test_an_older_state_is_restored(own: Mirror, how: str) -> None:
    """At its old place, so that nothing but its contents tells."""
    both(own)
    assert own.workers[-1].stop() == 0
    server, saved = own.db.server, own.db.server.directory / "saved"
    if how == "files":
        own.db.close()
        server.stop()
        copy_files(server, saved)
        server.start()
    else:
        backup(server, saved)
    own.work()
    own.db.sql("UPDATE t SET n = 7")
    own.db.sql("INSERT INTO u SELECT g, 0 FROM generate_series(5001, 5100) g")
    own.check()
    own.until(lambda: own.number("reported") > 0, 10, "noted")
    first = own.number("lsn")
    assert own.workers[-1].stop() == 0
    own.db.close()
    server.stop()
    restore(server, saved)
    server.start()
    # Its log comes past where Redis is.
    while own.db.value("SELECT pg_current_wal_flush_lsn() - '0/0'") <= first:
        own.db.sql("INSERT INTO u SELECT g, 1 FROM generate_series(10001, 20000) g")
        own.db.sql("DELETE FROM u WHERE id > 10000")
    own.db.sql("UPDATE t SET n = 8 WHERE id < 10")
    worker = own.work()
    assert own.check(60) == 2000
    assert worker.stop() == 0
