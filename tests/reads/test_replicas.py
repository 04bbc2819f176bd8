"""Replicas answer what they have replayed, and are done without when they lag, fail or are promoted."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

import asymmetrica
from support import database
from support.backup import promote, standby_of
from support.cluster import Cluster, free_port, wait_until
from support.database import Database
from support.reads import SUM, until_route


@contextlib.contextmanager
def following(primary: Cluster) -> Iterator[Cluster]:
    standby = standby_of(primary)
    try:
        standby.start()
        yield standby
    finally:
        standby.remove()


@pytest.fixture(scope="module")
def primary() -> Iterator[Database]:
    server = Cluster({"wal_keep_size": "256MB"})
    try:
        server.start()
        db = database.create(server, name="read")
        db.sql("CREATE EXTENSION asymmetrica")
        db.sql("CREATE TABLE t (id int PRIMARY KEY, n numeric)")
        yield db
        db.close()
    finally:
        server.remove()


@pytest.fixture
def db(primary: Database) -> Database:
    """Table t has 100 rows, n as large as id."""
    primary.sql("DELETE FROM t")
    primary.sql("INSERT INTO t SELECT g, g FROM generate_series(1, 100) g")
    return primary


@pytest.fixture(scope="module")
def standby(primary: Database) -> Iterator[Cluster]:
    with following(primary.server) as made:
        yield made


@pytest.fixture
def reader(db: Database, standby: Cluster) -> Iterator[asymmetrica.Database]:
    with asymmetrica.connect(db.dsn, replicas=[standby.dsn(db.name)]) as made:
        yield made


@contextlib.contextmanager
def paused(standby: Cluster) -> Iterator[None]:
    with standby.connect() as admin:
        admin.execute("SELECT pg_wal_replay_pause()")
        state = "SELECT pg_get_wal_replay_pause_state()"
        wait_until(
            lambda: admin.execute(state).fetchall() == [("paused",)],
            20,
            "replay is paused",
        )
        try:
            yield
        finally:
            admin.execute("SELECT pg_wal_replay_resume()")


def test_what_was_written_here_is_seen_here(
    db: Database, standby: Cluster, reader: asymmetrica.Database
) -> None:
    found = until_route(lambda: reader.query(SUM), "replica")
    assert (found.rows, found.cached, found.lsn is None) == (
        [(100, 5050)],
        False,
        False,
    )
    assert found.age <= 1.0
    row = until_route(lambda: reader.get("public.t", 7), "replica")
    assert row == {"id": 7, "n": 7}
    assert until_route(lambda: reader.query(SUM + " WHERE id = 0 HAVING false"), "replica").rows == []
    with asymmetrica.connect(db.dsn, replicas=[standby.dsn(db.name)]) as other:
        until_route(lambda: other.query(SUM), "replica")
        with paused(standby):
            reader.execute("UPDATE public.t SET n = 0 WHERE id = 100")
            found = reader.query(SUM, max_staleness=3600)
            assert (found.route, found.rows) == ("primary", [(100, 4950)])
            row = reader.get("public.t", 100, max_staleness=3600)
            assert row is not None
            assert (row.route, row["n"]) == ("primary", 0)
            assert reader.counters()["replica_behind"] >= 1
            found = other.query(SUM, after=reader.last_lsn, max_staleness=3600)
            assert (found.route, found.rows) == ("primary", [(100, 4950)])
            with asymmetrica.connect(db.dsn, replicas=[standby.dsn(db.name)]) as third:
                # It knows no moment at which the primary had no more than this.
                assert third.query(SUM, max_staleness=3600).route == "primary"
        assert until_route(lambda: reader.query(SUM), "replica").rows == [(100, 4950)]


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_a_read_is_one_round_trip_if_it_can_be(
    db: Database, standby: Cluster, monkeypatch: pytest.MonkeyPatch, isolation: str
) -> None:
    """Where a transaction has one snapshot only, the position is asked before it."""
    options = "-c default_transaction_isolation=" + isolation.replace(" ", "\\ ")
    with asymmetrica.connect(db.dsn, replicas=[standby.dsn(db.name)], options=options) as reader:
        replicas = reader._reader.replicas
        assert replicas is not None
        [replica] = replicas.all.values()
        asked = []
        fetch = replica.server.fetch
        until_route(lambda: reader.query(SUM, max_staleness=60), "replica")
        monkeypatch.setattr(replica.server, "fetch", lambda *args: asked.append(args) or fetch(*args))
        found = reader.query(SUM, max_staleness=60)
        assert (found.route, found.rows) == ("replica", [(100, 5050)])
        assert bool(asked) == (isolation == "repeatable read")
        for number in range(20):
            db.sql("UPDATE t SET n = %s WHERE id = 1", number)
            end = db.value("SELECT pg_current_wal_insert_lsn()::text")
            assert reader.query(SUM, after=end, budget=5).rows == [(100, 5049 + number)]


def test_how_old_an_answer_is(db: Database, standby: Cluster, reader: asymmetrica.Database) -> None:
    with paused(standby):
        # The replica may have all there is now; what comes is not in it.
        found = reader.query(SUM, max_staleness=3600)
        changed = time.monotonic()
        db.sql("UPDATE t SET n = 0")
        for _ in range(20):
            began = time.monotonic()
            found = reader.query(SUM, max_staleness=0.2)
            assert found.age <= 0.2 + time.monotonic() - began
            assert found.rows == [(100, 0)] or found.age >= began - changed
            if found.rows == [(100, 0)]:
                break
            time.sleep(0.02)
        assert (found.route, found.rows) == ("primary", [(100, 0)])


def test_what_is_not_about_rows_is_asked_of_the_primary(
    reader: asymmetrica.Database,
) -> None:
    until_route(lambda: reader.query(SUM), "replica")
    for query in (
        "SELECT pg_is_in_recovery()",
        "SELECT now()",
        "SELECT 1 FROM pg_catalog.pg_class",
    ):
        assert reader.query(query).route == "primary"
    assert reader.query(SUM, max_staleness=0).route == "primary"
    with reader.transaction() as work:
        work.execute("DELETE FROM public.t WHERE id > 1")
        assert reader.query(SUM).rows == [(1, 1)]
    with pytest.raises(asymmetrica.AsymmetricaError, match="division by zero"):
        reader.query("SELECT n / 0 FROM public.t")
    reader.execute("SET TimeZone = 'Asia/Tokyo'")
    assert {reader.query(SUM).route for _ in range(3)} == {"primary"}
    assert reader.counters()["replica_unfit"] >= 1
    reader.execute("RESET TimeZone")
    assert until_route(lambda: reader.query(SUM), "replica").rows == [(1, 1)]


def test_a_query_that_is_cancelled_there(db: Database, standby: Cluster) -> None:
    query = "SELECT count(*) FROM public.t AS a, generate_series(1, 5000) AS g WHERE a.n + g > 0"
    hasty = standby.dsn(db.name, options="-c statement_timeout=20")
    with asymmetrica.connect(db.dsn, replicas=[hasty]) as reader:

        def failed() -> bool:
            found = reader.query(query, max_staleness=60)
            assert (found.rows, found.route) == ([(500_000,)], "primary")
            return reader.counters().get("replica_failed", 0) >= 1

        wait_until(failed, 20, "it was cancelled")


def test_a_replica_that_dies_and_one_that_is_promoted(db: Database, standby: Cluster) -> None:
    former = standby.dsn(db.name)
    with (
        following(db.server) as standby,
        asymmetrica.connect(db.dsn, replicas=[standby.dsn(db.name)]) as reader,
    ):
        replicas = reader._reader.replicas
        assert replicas is not None
        [replica] = replicas.all.values()
        until_route(lambda: reader.query(SUM), "replica")
        standby.stop("immediate")
        found = reader.query(SUM)
        assert (found.rows, found.route) == ([(100, 5050)], "primary")
        assert reader.counters()["replica_failed"] == 1
        assert replica.breaker.failures == 1
        assert replica.breaker.until > 0
        standby.start()
        assert until_route(lambda: reader.query(SUM), "replica").rows == [(100, 5050)]
        assert replica.breaker.failures == 0
        promote(standby)
        with standby.connect(db.name) as there:
            there.execute("DELETE FROM t")
        for _ in range(3):
            found = reader.query(SUM)
            assert (found.rows, found.route) == ([(100, 5050)], "primary")
        assert reader.counters()["replica_unfit"] >= 1
        # Its own timeline began where it was promoted; one that follows the former primary is none of its.
        db.sql("INSERT INTO t SELECT g, g FROM generate_series(101, 20000) g")
        with asymmetrica.connect(standby.dsn(db.name), replicas=[former]) as other:
            for _ in range(3):
                found = other.query(SUM, budget=1)
                assert (found.rows, found.route) == ([(0, None)], "primary")
            assert other.counters()["replica_unfit"] >= 1


def test_a_commit_the_replica_shows_first(db: Database, reader: asymmetrica.Database) -> None:
    """As with synchronous replication: what was seen there is not unseen on the primary."""
    until_route(lambda: reader.query(SUM), "replica")
    db.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    db.sql("SET synchronous_commit = off")
    db.sql("SELECT pg_reload_conf()")
    db.wait_for("SELECT current_setting('synchronous_standby_names') = 'nobody'")
    writer = db.connect()
    writing = threading.Thread(target=writer.execute, args=("UPDATE t SET n = 5000 WHERE id = 1",))
    seen: list[asymmetrica.QueryResult] = []
    reading = threading.Thread(target=lambda: seen.append(reader.query(SUM, max_staleness=0, budget=30)))
    try:
        writing.start()
        wait_until(lambda: reader.query(SUM).rows == [(100, 10049)], 20, "the replica shows it")
        assert db.sql(SUM) == [(100, 5050)]
        reading.start()
        reading.join(0.1)
    finally:
        db.sql("ALTER SYSTEM RESET synchronous_standby_names")
        db.sql("SELECT pg_reload_conf()")
        db.sql("RESET synchronous_commit")
        writing.join(20)
        if reading.ident is not None:
            reading.join(20)
    assert [(found.rows, found.route) for found in seen] == [([(100, 10049)], "primary")]


def test_the_asynchronous_twin(db: Database, standby: Cluster) -> None:
    async def read() -> None:
        made = await asymmetrica.connect_async(db.dsn, replicas=[standby.dsn(db.name)])
        async with made:
            routes = set()
            for number in range(200):
                await made.execute("UPDATE public.t SET n = %s WHERE id = 1", [number])
                found = await made.query(SUM, budget=5)
                assert found.rows == [(100, 5049 + number)]
                routes.add(found.route)
                if number > 5 and "replica" in routes:
                    break
            assert "replica" in routes

    asyncio.run(read())


def test_replicas_go_with_a_connection_string(db: Database, standby: Cluster) -> None:
    with pytest.raises(TypeError, match="connection string"):
        asymmetrica.connect(db.connect(), replicas=[standby.dsn(db.name)])
    with pytest.raises(TypeError, match="list"):
        asymmetrica.connect(db.dsn, replicas=standby.dsn(db.name))
    with pytest.raises(asymmetrica.ConnectionFailed) as failure:
        asymmetrica.connect(db.dsn, replicas=["host=x password=secret1 nonsense"])
    assert "secret1" not in str(failure.value)


def test_without_redis_a_replica_answers(db: Database, standby: Cluster) -> None:
    nobody = f"redis://127.0.0.1:{free_port()}"
    with asymmetrica.connect(db.dsn, redis=nobody, replicas=[standby.dsn(db.name)]) as reader:
        found = until_route(lambda: reader.query(SUM), "replica")
        assert found.rows == [(100, 5050)]
        assert str(found.why_not).startswith("Redis")
        assert until_route(lambda: reader.get("public.t", 7), "replica") == {"id": 7, "n": 7}
        assert reader.counters()["redis_failed"] >= 1
