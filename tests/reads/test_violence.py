"""Redis gone, silent, slow and back again: Postgres answers, soon and right, and no secret is told."""

from __future__ import annotations

import signal
import threading
import time

import pytest

import asymmetrica
from support.mirror import Mirror
from support.reads import SUM, until_route, warm
from support.redis import RedisServer


@pytest.mark.long
def test_redis_hangs_dies_and_comes_back(mirror: Mirror) -> None:
    with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as reader:
        warm(reader)
        mirror.server.signal(signal.SIGSTOP)
        try:
            mirror.db.sql("UPDATE t SET n = n + 1 WHERE id = 1")
            began = time.monotonic()
            found = reader.query(SUM, max_staleness=0.001)
            assert (found.rows, found.route) == ([(100, 5051)], "primary")
            assert time.monotonic() - began < 5
            # It is left alone now: no read waits for it again and again.
            failed = reader.counters()["redis_errors"]
            began = time.monotonic()
            for _ in range(20):
                row = reader.get("public.t", 1)
                assert row is not None
                assert (row["n"], row.route) == (2, "primary")
            assert time.monotonic() - began < 10
            assert reader.counters()["redis_errors"] <= failed + 5
        finally:
            mirror.server.signal(signal.SIGCONT)
        assert warm(reader).rows == [(100, 5051)]


def test_a_connection_that_is_cut(mirror: Mirror) -> None:
    with mirror.way_to_redis() as (proxy, url), asymmetrica.connect(mirror.db.dsn, redis=url) as reader:
        for number in range(5):
            warm(reader)
            proxy.reset()
            reader.execute("UPDATE public.t SET n = %s WHERE id = 1", [number])
            assert reader.query(SUM).rows == [(100, 5049 + number)]
            row = reader.get("public.t", 1)
            assert row is not None
            assert row["n"] == number


def test_nobody_there(mirror: Mirror) -> None:
    nobody = RedisServer()
    secret = "a-secret-word"
    url = nobody.url.replace(nobody.password, secret)
    with asymmetrica.connect(mirror.db.dsn, redis=url) as reader:
        for _ in range(3):
            found = reader.query(SUM)
            assert (found.rows, found.route) == ([(100, 5050)], "primary")
            assert found.why_not is not None
            assert secret not in found.why_not
    with asymmetrica.connect(mirror.db.dsn, redis=f"redis://x:{secret}@[bad") as reader:
        assert secret not in (reader.query(SUM).why_not or "")
    with pytest.raises(TypeError):
        asymmetrica.connect(mirror.db.own, redis=mirror.server.url)
    nobody.remove()


def test_readers_and_writers_at_once(mirror: Mirror) -> None:
    """Each change adds to two rows together: nobody sees half of it, nor less than he saw before."""
    stop, wrong = threading.Event(), []
    query = "SELECT sum(n) FILTER (WHERE id = 1), sum(n) FILTER (WHERE id = 2) FROM public.t"
    mirror.db.sql("UPDATE t SET n = 0 WHERE id < 3")

    def read() -> None:
        with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as reader:
            last, count = 0, 0
            while not stop.is_set():
                one, two = reader.query(query).rows[0]
                row = reader.get("public.t", 1)
                if one != two or one < last or row is None or row["n"] < one:
                    wrong.append((last, one, two, row))
                last = row["n"] if row else last
                count += 1

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, 200):
            mirror.db.sql("UPDATE t SET n = %s WHERE id < 3", number)
            if number % 10 == 0:
                time.sleep(0.05)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert wrong == []
    with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as reader:
        end = mirror.db.value("SELECT pg_current_wal_insert_lsn()::text")
        assert until_route(lambda: reader.query(query, after=end), "near").rows == [(199, 199)]
