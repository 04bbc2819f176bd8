"""Redis gone, silent, slow and back again, and changes nobody tells of: answers are right, and soon there."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from typing import Any

import pytest
from redis import ResponseError

import asymmetrica
from asymmetrica import _wire
from support.certificates import Authority
from support.cluster import wait_until
from support.mirror import Mirror
from support.reads import SUM, until_route, warm
from support.redis import RedisServer
from support.site import Site


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


def test_one_partition_is_truncated(mirror: Mirror, reader: asymmetrica.Database) -> None:
    """The stream says nothing of it, and still nobody who is past it reads what was there before."""
    db = mirror.db
    db.sql("CREATE TABLE p (id int PRIMARY KEY, n int) PARTITION BY HASH (id)")
    for part in range(2):
        db.sql(f"CREATE TABLE p{part} PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER {part})")
    db.sql("INSERT INTO p SELECT g, g FROM generate_series(1, 10) g")
    try:
        mirror.mirror("p")
        mirror.settle()
        query = "SELECT id FROM public.p ORDER BY id"
        keys = list(range(1, 11))
        for part in range(2):
            until_route(lambda: reader.query(query), "near")
            db.sql("BEGIN")
            db.sql("UPDATE t SET n = 0 WHERE id = 1")
            db.sql(f"TRUNCATE p{part}")
            db.sql("COMMIT")
            end = db.value("SELECT pg_current_wal_insert_lsn()::text")
            left = db.sql(query)
            # So that it waits for Redis rather than ask the primary.
            assert reader.query(query, after=end, budget=0.5).rows == left
            rows = reader.get_many("public.p", keys, after=end, budget=0.5)
            assert [row["id"] for row in rows if row is not None] == [key for (key,) in left]
        # A partition that is only locked: safe again without a new copy.
        mirror.settle()
        epoch = mirror.epoch("public.p")
        with db.connect().transaction() as other:
            other.connection.execute("LOCK TABLE p0 IN ACCESS EXCLUSIVE MODE")
            db.sql("UPDATE t SET n = 1 WHERE id = 1")
            wait_until(lambda: not mirror.redis.exists("asymm:mirror:safe:public.p"), 10, "it is in doubt")
        mirror.settle()
        assert mirror.epoch("public.p") == epoch
    finally:
        db.sql("SELECT asymm.unmirror('public.p')")
        db.sql("DROP TABLE p")


def test_columns_change_while_the_worker_hangs(mirror: Mirror, reader: asymmetrica.Database) -> None:
    """Rows come from Postgres then, and as they are there."""
    until_route(lambda: reader.get("public.t", 1), "near")
    mirror.workers[-1].hang()
    try:
        mirror.db.sql("ALTER TABLE t RENAME a TO b")
        mirror.db.sql("ALTER TABLE t ADD COLUMN c int DEFAULT 7")
        assert reader.get("public.t", 1, max_staleness=0.001) == {"id": 1, "b": "a1", "n": 1, "c": 7}
        mirror.db.sql("ALTER TABLE t DROP COLUMN c")
        assert reader.get("public.t", 1, max_staleness=0.001) == {"id": 1, "b": "a1", "n": 1}
        mirror.db.sql("ALTER TABLE t RENAME b TO a")
    finally:
        mirror.workers[-1].wake()
    mirror.settle()


@pytest.fixture(scope="module")
def urls(mirrored: Mirror, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """Return a URL that is well, and some of those who know of no authority, or of another one."""
    directory = tmp_path_factory.mktemp("tls")
    good, other = Authority(directory / "good"), Authority(directory / "other")
    port = mirrored.server.with_tls(*good.certificate())
    base = f"rediss://default:{mirrored.server.password}@127.0.0.1:{port}/0"
    wrong = [base, f"{base}?ssl_ca_certs={other.root}"]
    return f"{base}?ssl_ca_certs={good.root}", wrong


def test_behind_tls(mirror: Mirror, urls: tuple[str, list[str]]) -> None:
    good, wrong = urls
    with asymmetrica.connect(mirror.db.dsn, redis=good) as reader:
        assert warm(reader).rows == [(100, 5050)]
        until_route(lambda: reader.get("public.t", 1), "redis", "near")
        reader.execute("UPDATE public.t SET n = n + 1 WHERE id = 1")
        assert reader.query(SUM).rows == [(100, 5051)]
        # A row of several TLS records.
        reader.execute("UPDATE public.t SET a = repeat('x', 100000) WHERE id = 2")
        row = until_route(lambda: reader.get("public.t", 2), "redis", "near")
        assert len(row["a"]) == 100_000
        assert reader.counters()["redis_errors"] == 0
    for url in [*wrong, mirror.server.tcp_url.replace("/0", "/99")]:
        with asymmetrica.connect(mirror.db.dsn, redis=url) as reader:
            found = reader.query(SUM)
            assert (found.rows, found.route) == ([(100, 5051)], "primary")
            assert ("certificate" if "rediss" in url else "DB index") in (found.why_not or "")
            assert mirror.server.password not in (found.why_not or "")
            assert reader.counters()["redis_errors"] >= 1


async def test_behind_tls_asynchronous(mirror: Mirror, urls: tuple[str, list[str]]) -> None:
    good, wrong = urls
    async with await asymmetrica.connect_async(mirror.db.dsn, redis=good) as reader:

        async def until(*routes: str) -> asymmetrica.QueryResult:
            async with asyncio.timeout(20):
                while (found := await reader.query(SUM)).route not in routes:
                    pass
            return found

        assert (await until("near")).rows == [(100, 5050)]
        await reader.execute("UPDATE public.t SET n = n + 1 WHERE id = 1")
        assert (await reader.query(SUM)).rows == [(100, 5051)]
        # Many at once: they take turns on the one connection.
        rows = await asyncio.gather(*(reader.get("public.t", number) for number in range(1, 21)))
        assert [row and row["n"] for row in rows] == [2, *range(2, 21)]
        assert (await until("near")).rows == [(100, 5051)]
        assert reader.counters()["redis_errors"] == 0
    async with await asymmetrica.connect_async(mirror.db.dsn, redis=wrong[1]) as reader:
        found = await reader.query(SUM)
        assert (found.route, "certificate" in (found.why_not or "")) == ("primary", True)
        assert mirror.server.password not in (found.why_not or "")


@pytest.mark.long
def test_pages_behind_tls(mirror: Mirror, urls: tuple[str, list[str]]) -> None:
    for url in (urls[0], urls[1][0]):
        site = Site(mirror.db.dsn, url)
        try:
            if url == urls[0]:
                assert site.until_hit("/sum").text == "5050"
            else:
                assert (site.ask("/sum").text, site.ask("/sum").hit) == ("5050", False)
                assert site.counters["redis_failed"] >= 1
        finally:
            site.close()


@pytest.mark.parametrize("refused", ["-client|tracking", "-client", "+client"])
def test_a_redis_that_cannot_tell_of_changes(
    mirror: Mirror, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept near is asked about each time."""
    if refused == "+client":

        def without_hello(nodes: Any, timeout: float, protocol: int) -> Any:
            if protocol == 3:
                raise ResponseError("unknown command 'HELLO'")
            return _open(nodes, timeout, protocol)

        _open = _wire._open
        monkeypatch.setattr(_wire, "_open", without_hello)
    mirror.redis.execute_command("ACL", "SETUSER", "plain", "reset", "on", ">word", "~*", "+@all", refused)
    url = f"redis://plain:word@127.0.0.1:{mirror.server.port}/0"
    with asymmetrica.connect(mirror.db.dsn, redis=url) as reader:
        assert warm(reader).rows == [(100, 5050)]
        for number in range(1, 20):
            if number % 2:
                mirror.db.sql("UPDATE t SET n = n + 1 WHERE id = 1")
                end = mirror.db.value("SELECT pg_current_wal_insert_lsn()::text")
            else:
                reader.execute("UPDATE public.t SET n = n + 1 WHERE id = 1")
                end = None
            assert reader.query(SUM, after=end).rows == [(100, 5050 + number)]
            if number % 5 == 0:
                assert warm(reader).rows == [(100, 5050 + number)]
            row = until_route(lambda: reader.get("public.t", 1, budget=1), "redis")
            assert row["n"] == 1 + number
        # Rows are as quickly read anew.
        rows = [reader.get("public.t", 2) for _ in range(5)]
        assert not [row for row in rows if row is None or row.route == "near"]
        warm(reader)
        mirror.redis.rename("asymm:mirror:safe:public.t", "kept")
        assert reader.query(SUM).route == "primary"
        mirror.redis.rename("kept", "asymm:mirror:safe:public.t")
        warm(reader)
        mirror.db.sql("TRUNCATE t")
        end = mirror.db.value("SELECT pg_current_wal_insert_lsn()::text")
        assert reader.query(SUM, after=end).rows == [(0, None)]
        assert reader.counters()["redis_errors"] <= 1
    if refused == "-client":
        site = Site(mirror.db.dsn, url)
        try:
            assert site.until_hit("/sum").text == "None"
        finally:
            site.close()


def test_a_server_without_the_command(mirror: Mirror) -> None:
    """One reads by it all the same."""
    server = RedisServer()
    try:
        server.start("--rename-command", "CLIENT", "")
        with asymmetrica.connect(mirror.db.dsn, redis=server.url) as reader:
            found = reader.query(SUM)
            assert (found.rows, found.why_not) == ([(100, 5050)], "there is no mirror in this Redis")
            assert reader.counters()["redis_errors"] == 0
    finally:
        server.remove()
