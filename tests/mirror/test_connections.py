"""Slow, torn and silent connections between the worker, Postgres and Redis."""

from __future__ import annotations

import random
import time

import pytest

from support.mirror import Mirror
from support.proxy import Proxy

TWO_SLOTS = """SELECT count(confirmed_flush_lsn) = 2
    FROM pg_replication_slots WHERE database = current_database()"""


def test_a_table_is_built_when_the_stream_is_past_its_snapshot(mirror: Mirror) -> None:
    db = mirror.db
    mirror.tables()
    mirror.mirror("t")
    with mirror.way_to_postgres() as (proxy, dsn):
        mirror.work(dsn=dsn)
        mirror.check()
        proxy.hold(b"TEMPORARY LOGICAL")
        mirror.mirror("u")
        db.wait_for(TWO_SLOTS)
        # The slot of the second table is made, but the worker does not know that yet.
        db.sql("UPDATE u SET n = n + 1 WHERE id <= 10")
        db.sql("DELETE FROM u WHERE id = 20")
        db.sql("UPDATE u SET id = -id WHERE id = 30")
        db.sql("UPDATE t SET n = 1")
        end = db.value("SELECT pg_current_wal_flush_lsn() - '0/0'")
        mirror.until(
            lambda: int(mirror.redis.get("asymm:mirror:lsn") or 0) >= end, 20, "the stream is past it"
        )
        proxy.release()
        assert mirror.check() == 199
        assert mirror.number("version:public.u") >= end


def test_a_table_changes_its_form_while_it_is_built(mirror: Mirror) -> None:
    """DDL and TRUNCATE between its snapshot and where the stream is."""
    db = mirror.db
    mirror.tables("tuv")
    mirror.mirror("t")
    with mirror.way_to_postgres() as (proxy, dsn):
        mirror.work(dsn=dsn)
        mirror.check()
        proxy.hold(b"TEMPORARY LOGICAL")
        mirror.mirror("u")
        mirror.mirror("v")
        db.wait_for(TWO_SLOTS)
        db.sql("ALTER TABLE u ADD COLUMN extra text DEFAULT 'filled'")
        db.sql("TRUNCATE v")
        db.sql("INSERT INTO v VALUES (1, 1)")
        end = db.value("SELECT pg_current_wal_flush_lsn() - '0/0'")
        mirror.until(
            lambda: int(mirror.redis.get("asymm:mirror:lsn") or 0) >= end, 20, "the stream is past it"
        )
        proxy.release()
        assert mirror.check() == 201


@pytest.mark.long
def test_postgres_says_nothing(mirror: Mirror) -> None:
    """Once all connections are silent, once only the stream."""
    mirror.tables("t")
    mirror.mirror("t")
    with mirror.way_to_postgres() as (proxy, dsn):
        for number, words in enumerate((None, b"START_REPLICATION"), 1):
            worker = mirror.work(dsn=dsn, lease=3)
            mirror.check()
            proxy.hold(words)
            mirror.db.sql("UPDATE t SET n = %s", number)
            mirror.until(lambda worker=worker: worker.said("failed"), 20, "the silence was noticed")
            proxy.release()
            mirror.check()
            assert worker.stop() == 0


@pytest.mark.long
def test_redis_says_nothing_or_little(mirror: Mirror) -> None:
    mirror.tables("t")
    mirror.mirror("t")
    with mirror.way_to_redis() as (proxy, url):
        worker = mirror.work(url=url, lease=3)
        mirror.check()
        proxy.hold()
        mirror.db.sql("UPDATE t SET n = 1")
        mirror.until(lambda: worker.said("failed"), 20, "the silence was noticed")
        proxy.release()
        mirror.check()
        proxy.delay = 0.2
        mirror.db.sql("UPDATE t SET n = n + 1, id = id + 1000 WHERE id % 3 = 0")
        assert mirror.check() == 100
        proxy.delay, proxy.piece = 0, 1
        mirror.db.sql("UPDATE t SET n = n + 1, id = id + 1000 WHERE id % 5 = 0")
        assert mirror.check() == 100
        assert worker.stop() == 0


def torn(mirror: Mirror, proxy: Proxy, times: int) -> None:
    """Tear every connection apart in the midst of something, while rows are written."""
    chance = random.Random(times)
    before, written = proxy.torn, 0

    def more() -> bool:
        nonlocal written
        proxy.tear = chance.randrange(500, 60_000)
        # Torn apart it makes little way: not more than can be caught up with, be the machine ever so busy.
        if written < 20 * (proxy.torn - before + 1):
            mirror.db.sql("UPDATE t SET n = n + 1, id = -id WHERE id % 7 = 0")
            mirror.db.sql("UPDATE u SET n = n + 1")
            written += 1
        time.sleep(0.05)
        return proxy.torn >= before + times

    mirror.until(more, 20 + 6 * times, f"{times} connections were torn")
    proxy.tear = 0
    mirror.check(120)


@pytest.mark.parametrize("times", [1, pytest.param(40, marks=pytest.mark.long)])
def test_torn_connections(mirror: Mirror, times: int) -> None:
    mirror.tables("tu", 1000)
    mirror.mirror("t")
    mirror.mirror("u", ", format => 'hash'")
    with mirror.way_to_postgres() as (before_postgres, dsn), mirror.way_to_redis() as (before_redis, url):
        worker = mirror.work(dsn=dsn, url=url)
        mirror.check()
        torn(mirror, before_redis, times)
        torn(mirror, before_postgres, times)
        assert worker.stop() == 0
