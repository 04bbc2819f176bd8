"""What is done to the session between reads, by whom, and what is interrupted: no answer is another's."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

import asymmetrica
from asymmetrica.reads.touched import touched
from support.mirror import Mirror
from support.reads import SUM, until_route, warm

OPEN = "SELECT count(*), sum(n) FROM t"


def test_what_is_temporary_comes_first(mirror: Mirror, reader: asymmetrica.Database) -> None:
    """No event tells of it, and only this session has it."""
    warm(reader)
    reader.execute("SET search_path = public")
    try:
        warm(reader, OPEN)
        until_route(lambda: reader.get("t", 7), "near")
        reader.execute("CREATE TEMP TABLE t (id int PRIMARY KEY, a text, n numeric)")
        for _ in range(2):
            assert reader.query(OPEN).rows == [(0, None)]
            with touched() as seen:
                assert reader.get("t", 7) is None
            assert seen.why_not is not None
            assert reader.query(SUM).rows == [(100, 5050)]
        assert "pg_temp" in str(reader.query(SUM).why_not)
        # Where it comes last nothing changes its meaning.
        reader.execute("SET search_path = public, pg_temp")
        assert warm(reader, OPEN).rows == [(100, 5050)]
        reader.execute("SET search_path = public")
        reader._session.value("SELECT count(*) FROM t")
        assert reader.query(OPEN).rows == [(0, None)]
        reader.execute("DROP TABLE t")
        assert warm(reader, OPEN).rows == [(100, 5050)]
        with reader.transaction() as work:
            work.execute("CREATE TEMP VIEW t AS SELECT 1 AS n")
        assert reader.query(OPEN).rows == [(1, 1)]
    finally:
        reader.execute("DISCARD ALL")
    with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as other:
        other.execute("SET search_path = public")
        assert other.query(OPEN).rows == [(100, 5050)]


def test_columns_that_change_while_a_query_is_prepared(mirror: Mirror, reader: asymmetrica.Database) -> None:
    mirror.db.sql("CREATE TABLE public.wide AS SELECT 1 AS a")
    for columns in ([1], [1, 2], [1, 2, 3]):
        for _ in range(8):
            assert reader.query("SELECT * FROM public.wide").rows == [tuple(columns)]
            assert reader.execute("SELECT * FROM public.wide") == [tuple(columns)]
        last = columns[-1]
        mirror.db.sql(f"ALTER TABLE public.wide ADD b{last} int DEFAULT {last + 1}")
    mirror.db.sql("DROP TABLE public.wide")


@pytest.mark.parametrize("way", ["SET ROLE", "SET SESSION AUTHORIZATION"])
def test_roles_of_a_session_share_nothing(mirror: Mirror, way: str) -> None:
    db = mirror.db
    may, may_not = db.role("may"), db.role("may_not")
    db.sql(f"GRANT SELECT ON t TO {may}")
    db.sql(f"GRANT asymm_reader TO {may}, {may_not}")
    with asymmetrica.connect(db.dsn, redis=mirror.server.url) as reader:

        def become(role: str, how: int) -> None:
            reader.execute("RESET SESSION AUTHORIZATION")
            statement = f"{way} {role}"
            if how == 0:
                reader.execute(statement)
            elif how == 1:
                with reader.transaction() as work:
                    work.execute(statement)
            else:
                name = "role" if way == "SET ROLE" else "session_authorization"
                reader.query("SELECT set_config(%s, %s, false)", [name, role])

        for how in range(3 if way == "SET ROLE" else 1):
            become(may, how)
            assert warm(reader).rows == [(100, 5050)]
            assert until_route(lambda: reader.get("public.t", 7), "near")["n"] == 7
            become(may_not, how)
            for _ in range(2):
                with pytest.raises(asymmetrica.AsymmetricaError, match="permission denied"):
                    reader.query(SUM)
                with pytest.raises(asymmetrica.AsymmetricaError, match="permission denied"):
                    reader.get("public.t", 7)
        reader.execute("RESET SESSION AUTHORIZATION")
        db.sql("CREATE SCHEMA IF NOT EXISTS other")
        db.sql("CREATE OR REPLACE VIEW other.t AS SELECT 1 AS n")
        for _ in range(2):
            for path, rows in (("public", [(100, 5050)]), ("other", [(1, 1)])):
                reader.execute(f"SET search_path = {path}")
                assert [reader.query(OPEN).rows for _ in range(3)] == [rows] * 3


def test_threads_share_a_connect(reader: asymmetrica.Database) -> None:
    """What one does in a transaction is its own."""
    begun, over = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        with contextlib.suppress(ZeroDivisionError), reader.transaction() as done:
            done.execute("UPDATE public.t SET n = 1000 WHERE id = 1")
            begun.set()
            assert over.wait(30)
            failed.extend([] if reader.query(SUM).rows == [(100, 6049)] else [AssertionError("not its own")])
            raise ZeroDivisionError

    def write(number: int) -> None:
        try:
            reader.execute("UPDATE public.t SET n = n + 1 WHERE id = 2")
            assert reader.query(SUM, max_staleness=0).rows[0][1] > 5050
            row = reader.get("public.t", 3 + number)
            assert row is not None
            assert row["n"] == 3 + number
        except BaseException as error:
            failed.append(error)

    warm(reader)
    threads = [
        threading.Thread(target=work),
        *(threading.Thread(target=write, args=(n,)) for n in range(8)),
    ]
    threads[0].start()
    try:
        assert begun.wait(30)
        # Who isn't in the transaction may have what was committed, and needs not wait for that.
        assert reader.query(SUM, max_staleness=60).route == "near"
        for thread in threads[1:]:
            thread.start()
    finally:
        over.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join(60)
    assert failed == []
    assert reader.query(SUM, max_staleness=0).rows == [(100, 5058)]


async def test_reads_that_are_cancelled(mirror: Mirror) -> None:
    async def read(reader: asymmetrica.AsyncDatabase, number: int) -> None:
        await reader.query(SUM, max_staleness=number % 2)
        await reader.get("public.t", number)
        await reader.query(f"SELECT {number} AS other, sum(n) FROM public.t")
        async with reader.transaction() as work:
            await work.execute("UPDATE public.t SET n = n WHERE id = 1")

    async with await asymmetrica.connect_async(mirror.db.dsn, redis=mirror.server.url) as reader:
        link = reader._reader.link
        assert link is not None
        for number in range(40):
            tasks = [asyncio.create_task(read(reader, number)) for _ in range(2)]
            await asyncio.sleep(number / 10_000)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert (await reader.query(SUM, max_staleness=0)).rows == [(100, 5050)]
            row = await reader.get("public.t", 7)
            assert row is not None
            assert row["n"] == 7
        # Redis is not blamed for it, and nothing is left behind.
        assert reader.counters()["redis_errors"] == 0
        assert not link._watches
        assert not reader._session.turn.others()
