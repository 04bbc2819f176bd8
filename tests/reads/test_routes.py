"""Where answers come from, and that they are never older than promised, whatever happens meanwhile."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import Any

import pytest

import asymmetrica
from support.cluster import wait_until
from support.mirror import Mirror
from support.reads import SUM, until_route, warm


def test_near_redis_and_primary(mirror: Mirror, reader: asymmetrica.Database) -> None:
    first = reader.query(SUM)
    assert (first.route, first.rows, first.columns) == ("primary", [(100, Decimal(5050))], ("count", "sum"))
    near = warm(reader)
    assert (near.rows, near.cached, near.tables) == (first.rows, True, ("public.t",))
    assert near.age <= 1.0
    assert near.annotation.lineage == ("entity:public.t",)
    with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as other:
        found = until_route(lambda: other.query(SUM), "redis", "near")
        assert found.rows == first.rows
        # Other blanks and comments are the same query, another parameter is another.
        kept = set(mirror.redis.scan_iter("asymm:query:*"))
        until_route(lambda: other.query("SELECT  count(*), sum(n)--x\nFROM public.t;"), "redis", "near")
        assert set(mirror.redis.scan_iter("asymm:query:*")) == kept
        assert other.query(SUM + " WHERE id > %s", [99]).rows == [(1, Decimal(100))]
        assert other.query(SUM + " WHERE id > %s", [98]).rows == [(2, Decimal(199))]
    row = until_route(lambda: reader.get("public.t", 7), "redis")
    assert row == {"id": 7, "a": "a7", "n": Decimal(7)}
    assert until_route(lambda: reader.get("public.t", 7), "near") == row
    assert reader.get("public.t", 101) is None
    rows = reader.get_many("public.t", [3, 200, 1])
    assert [row and row["a"] for row in rows] == ["a3", None, "a1"]
    assert reader.query(SUM, max_staleness=0).route == "primary"


def test_a_result_without_rows_is_one(mirror: Mirror, reader: asymmetrica.Database) -> None:
    query = "SELECT n FROM public.t WHERE id = 0"
    assert warm(reader, query).rows == []

    def ask() -> asymmetrica.QueryResult:
        with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as other:
            return other.query(query, max_staleness=60)

    assert until_route(ask, "redis").rows == []


def test_what_was_written_here_is_seen_here(reader: asymmetrica.Database) -> None:
    routes = set()
    for number in range(30):
        if number % 3:
            reader.execute("UPDATE public.t SET n = %s WHERE id = 1", [number])
        else:
            with reader.transaction() as work:
                work.execute("UPDATE public.t SET n = -1 WHERE id = 1")
                work.execute("UPDATE public.t SET n = %s WHERE id = 1", [number])
        for _ in range(3):
            row = reader.get("public.t", 1, budget=1.0)
            assert row is not None
            assert row["n"] == number
            found = reader.query("SELECT n FROM public.t WHERE id = %s", [1])
            assert found.rows == [(number,)]
            routes |= {row.route, found.route}
        if number % 10 == 0:
            routes.add(warm(reader, "SELECT n FROM public.t WHERE id = %s", [1]).route)
    assert {"near", "redis"} <= routes


def test_another_session_sees_what_the_position_promises(
    mirror: Mirror, reader: asymmetrica.Database
) -> None:
    with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as other:
        for number in range(8):
            warm(other)
            reader.execute("UPDATE public.t SET n = %s WHERE id = 1", [number])
            found = other.query(SUM, after=reader.last_lsn)
            assert found.rows == [(100, Decimal(5049 + number))]
            row = other.get("public.t", 1, after=reader.last_lsn)
            assert row is not None
            assert row["n"] == number


def test_what_the_extension_did_is_seen(mirror: Mirror, reader: asymmetrica.Database) -> None:
    mirror.db.sql(
        "CREATE OR REPLACE FUNCTION public.write() RETURNS int LANGUAGE sql VOLATILE AS"
        " $$ UPDATE public.t SET n = 0 RETURNING 1 $$"
    )
    warm(reader)
    until_route(lambda: reader.get("public.t", 1), "near")
    reader._session.value("SELECT public.write()")
    assert reader.query(SUM).rows == [(100, 0)]
    row = reader.get("public.t", 1)
    assert row is not None
    assert row["n"] == 0


def test_in_a_transaction_postgres_answers(reader: asymmetrica.Database) -> None:
    warm(reader)
    with reader.transaction() as work:
        work.execute("DELETE FROM public.t")
        assert reader.query(SUM).rows == [(0, None)]
        assert reader.get("public.t", 1) is None
    assert reader.query(SUM).rows == [(0, None)]
    with pytest.raises(asymmetrica.AsymmetricaError, match="division"):
        divide(reader)
    assert reader.query(SUM).rows == [(0, None)]


def divide(reader: asymmetrica.Database) -> None:
    with reader.transaction() as work:
        work.execute("INSERT INTO public.t VALUES (1, 'x', 1)")
        work.execute("SELECT 1 / 0")


@pytest.mark.parametrize("read", ["get", "query"])
def test_a_worker_that_hangs(mirror: Mirror, reader: asymmetrica.Database, read: str) -> None:
    def ask(staleness: float) -> Any:
        if read == "get":
            return reader.get("public.t", 1, max_staleness=staleness)
        return reader.query("SELECT n FROM public.t WHERE id = 1", max_staleness=staleness)

    def value(found: Any) -> Any:
        return found["n"] if read == "get" else found.rows[0][0]

    until_route(lambda: ask(1.0), "near")
    mirror.workers[-1].hang()
    try:
        mirror.db.sql("UPDATE t SET n = 77 WHERE id = 1")
        changed = time.monotonic()
        while True:
            began = time.monotonic()
            found = ask(0.4)
            if began - changed > 0.4:
                assert (value(found), found.route) == (77, "primary")
                break
            # It was young enough when it was looked at.
            assert found.age <= 0.4 + time.monotonic() - began
            assert value(found) == 77 or found.age >= began - changed
        # What was seen stays seen, however stale a copy may be.
        assert value(ask(3600)) == 77
    finally:
        mirror.workers[-1].wake()
    assert value(until_route(lambda: ask(1.0), "near")) == 77


def test_redis_is_emptied(mirror: Mirror, reader: asymmetrica.Database) -> None:
    for _ in range(2):
        warm(reader)
        until_route(lambda: reader.get("public.t", 1), "near")
        mirror.redis.flushall()
        mirror.db.sql("UPDATE t SET n = n + 1 WHERE id = 1")
        value = mirror.db.value("SELECT n FROM t WHERE id = 1")
        time.sleep(0.001)
        row = reader.get("public.t", 1, max_staleness=0.001)
        assert row is not None
        assert row["n"] == value
        found = reader.query(SUM)
        assert found.rows == [(100, 5049 + value)]
        assert found.route == "primary"


def test_foreign_things_under_our_keys(mirror: Mirror, reader: asymmetrica.Database) -> None:
    for key in mirror.redis.scan_iter("asymm:query:*"):
        mirror.redis.delete(key)
    warm(reader)
    [key] = mirror.redis.scan_iter("asymm:query:*")
    good = mirror.redis.get(key)
    assert isinstance(good, bytes)
    rubbish = [b"", b"x", good[:-1], good + b"x", good.replace(b"fence", b"fence", 1)[:60], b"\x80\x04K\x01."]
    for thing in [*rubbish, good[:20] + b"\xff\xff\xff\xff" + good[24:]]:
        mirror.redis.set(key, thing)
        with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as other:
            assert other.query(SUM).rows == [(100, 5050)]
    mirror.redis.delete(key)
    mirror.redis.rpush(key, "a list")
    with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as other:
        assert other.query(SUM).rows == [(100, 5050)]
        assert other.counters()["garbage"] >= 1
    row = f"asymm:public.t:e{mirror.epoch('public.t')}:"
    for number, thing in enumerate(
        [b"", b"{}", b'{"id":1}', b"[1]", b'{"id":5,"a":"a5","n":5} ', b"\xff"], 1
    ):
        mirror.redis.set(f"{row}{number}", thing)
        found = reader.get("public.t", number)
        assert found == {"id": number, "a": f"a{number}", "n": number}
        assert found.route == "primary"
    mirror.redis.delete(f"{row}9")
    mirror.redis.rpush(f"{row}9", "a list")
    found = reader.get("public.t", 9)
    assert found is not None
    assert (found["a"], found.route) == ("a9", "primary")
    # No result of another query is taken, nor one that is told to be newer than it is.
    mirror.redis.set("asymm:mirror:settled", b"not a number")
    assert reader.query(SUM + " WHERE id > 1").rows == [(99, 5049)]


def test_a_table_that_is_not_safe(mirror: Mirror, reader: asymmetrica.Database) -> None:
    warm(reader)
    until_route(lambda: reader.get("public.t", 1), "near")
    # The worker would soon mend it.
    mirror.workers[-1].hang()
    mirror.redis.rename("asymm:mirror:safe:public.t", "kept")
    assert reader.query(SUM, max_staleness=0.001).route == "primary"
    row = reader.get("public.t", 1, max_staleness=0.001)
    assert row is not None
    assert row.route == "primary"
    assert reader.query(SUM).route == "primary"
    mirror.redis.rename("kept", "asymm:mirror:safe:public.t")
    mirror.workers[-1].wake()


def test_another_epoch_begins(mirror: Mirror, reader: asymmetrica.Database) -> None:
    mirror.db.sql("CREATE TABLE e AS SELECT * FROM t")
    mirror.db.sql("ALTER TABLE e ADD PRIMARY KEY (id)")
    mirror.mirror("e")
    mirror.settle()
    query = "SELECT count(*), sum(n) FROM public.e"
    assert warm(reader, query).rows == [(100, 5050)]
    until_route(lambda: reader.get("public.e", 1), "near")
    mirror.db.sql("TRUNCATE e")
    mirror.db.sql("INSERT INTO e VALUES (1, 'again', 9)")
    end = mirror.db.value("SELECT pg_current_wal_insert_lsn()::text")
    assert reader.query(query, after=end).rows == [(1, 9)]
    row = reader.get("public.e", 1, after=end)
    assert row is not None
    assert row["a"] == "again"
    mirror.db.sql("ALTER TABLE e ADD COLUMN more int DEFAULT 5")
    end = mirror.db.value("SELECT pg_current_wal_insert_lsn()::text")
    assert until_route(lambda: reader.get("public.e", 1, after=end), "redis")["more"] == 5
    assert reader.query("SELECT * FROM public.e", after=end).rows == [(1, "again", 9, 5)]


def test_a_change_while_a_result_is_made(
    mirror: Mirror, reader: asymmetrica.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not in the snapshot, but in Redis before the result is."""
    warm(reader)
    mirror.db.sql("UPDATE t SET n = 0 WHERE id = 1")
    inner = reader._reader.server.fetch

    def fetch(connection: Any, text: Any, params: Any) -> Any:
        found = inner(connection, text, params)
        if text == SUM:
            mirror.db.sql("UPDATE t SET n = n + 1000 WHERE id = 2")
            mirror.settle()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(reader._reader.server, "fetch", fetch)
        until = time.monotonic() + 20
        while reader.counters().get("fills", 0) < 1:
            assert time.monotonic() < until
            reader.query(SUM, max_staleness=1.0)
    end = mirror.db.value("SELECT pg_current_wal_insert_lsn()::text")
    right = mirror.db.sql(SUM)
    assert reader.query(SUM, after=end).rows == right
    with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as other:
        assert other.query(SUM, after=end).rows == right


def test_a_commit_that_is_in_the_log_but_not_visible(mirror: Mirror, reader: asymmetrica.Database) -> None:
    """As with a slow synchronous standby: Redis has it first, and no result may be kept without it."""
    db = mirror.db
    warm(reader)
    db.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    db.sql("SET synchronous_commit = off")
    db.sql("SELECT pg_reload_conf()")
    db.wait_for("SELECT current_setting('synchronous_standby_names') = 'nobody'")
    writer = db.connect()
    thread = threading.Thread(target=writer.execute, args=("UPDATE t SET n = 5000 WHERE id = 1",))
    try:
        thread.start()
        wait_until(lambda: (reader.get("public.t", 1) or {}).get("n") == 5000, 20, "Redis has it")
        assert db.sql(SUM) == [(100, 5050)]
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            with asymmetrica.connect(db.dsn, redis=mirror.server.url) as other:
                assert other.query(SUM).rows == [(100, 5050)]
                assert "fills" not in other.counters()
    finally:
        db.sql("ALTER SYSTEM RESET synchronous_standby_names")
        db.sql("SELECT pg_reload_conf()")
        db.sql("RESET synchronous_commit")
        thread.join(20)
    assert reader.query(SUM).rows == [(100, 10049)]
    assert warm(reader).rows == [(100, 10049)]
