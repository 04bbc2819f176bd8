"""Own connections are pinned and closed; borrowed ones and pools are left as they were."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

import asymmetrica
from asymmetrica import ConnectionFailed, UnknownTable
from support.database import Database

ORDERS = "shop.orders"
SETTINGS = "SELECT name, setting FROM pg_settings WHERE name NOT LIKE '%.%' ORDER BY name"


def test_own_connection(shop: Database) -> None:
    with asymmetrica.connect(shop.dsn) as ours:
        assert ours._session.value("SHOW search_path") == "pg_catalog, pg_temp"
        assert ours._session.value("SHOW application_name") == "asymmetrica"
        own = ours._session.own
        assert own is not None
        with pytest.raises(UnknownTable):
            ours.watch("orders")
        assert own.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert own.closed


def test_database_name_with_blanks(server_database_with_blanks: str) -> None:
    with asymmetrica.connect(server_database_with_blanks) as ours:
        assert ours.version() is None


def test_borrowed_connection_stays_in_the_transaction(shop: Database) -> None:
    connection = shop.connect(autocommit=False)
    db = asymmetrica.connect(connection)
    db.watch(ORDERS)
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    assert shop.value("SELECT count(*) FROM asymm.watched") == 0, "not committed by the driver"
    connection.rollback()
    assert db.watched() == []
    db.watch(ORDERS)
    connection.commit()
    assert shop.value("SELECT count(*) FROM asymm.watched") == 1
    db.close()
    assert not connection.closed


def test_borrowed_connection_is_not_changed(shop: Database) -> None:
    connection = shop.connect(application_name="theirs")
    connection.execute("SET search_path = shop")
    connection.row_factory = dict_row
    before = connection.execute(SETTINGS).fetchall()
    looks = (
        connection.autocommit,
        connection.row_factory,
        connection.cursor_factory,
        connection.prepare_threshold,
    )
    with asymmetrica.connect(connection) as db:
        assert [row.object for row in db.watch("orders", policy="heal")] == [ORDERS], (
            "the caller's search path"
        )
        db.drift()
        db.settings()
        db.watched()
    assert connection.execute(SETTINGS).fetchall() == before
    assert looks == (
        connection.autocommit,
        connection.row_factory,
        connection.cursor_factory,
        connection.prepare_threshold,
    )


def test_borrowed_connection_with_traps_in_its_path(shop: Database) -> None:
    connection = shop.connect()
    connection.execute("CREATE SCHEMA trap")
    connection.execute("SET search_path = trap, pg_catalog")
    connection.execute(
        "CREATE FUNCTION trap.equal(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 1'"
    )
    connection.execute("CREATE OPERATOR trap.= (FUNCTION = trap.equal, LEFTARG = text, RIGHTARG = text)")
    connection.execute("CREATE FUNCTION trap.host(inet) RETURNS text LANGUAGE sql AS 'SELECT (1 / 0)::text'")
    with asymmetrica.connect(connection) as db:
        db.watch(ORDERS)
        connection.execute("ALTER TABLE shop.orders ADD COLUMN more int")
        db.beat()
        assert len(db.drift(target=ORDERS)) == 1
        assert db.actions(target=ORDERS, state="proposed")
        assert db.version()


def test_error_leaves_the_transaction_to_its_owner(shop: Database) -> None:
    connection = shop.connect(autocommit=False)
    db = asymmetrica.connect(connection)
    with pytest.raises(UnknownTable):
        db.watch("shop.nothing")
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
    connection.rollback()
    assert db.watched() == []


def test_pool(shop: Database) -> None:
    with ConnectionPool(shop.dsn, min_size=1, max_size=2, open=True) as pool:
        with asymmetrica.connect(pool) as db:
            db.watch(ORDERS)
            assert [row.object for row in db.watched()] == [ORDERS]
            with db.pulses(timeout=0.1) as beats:
                assert next(iter(beats), None) is None
        assert shop.value("SELECT count(*) FROM asymm.watched") == 1, "the pool committed"
        assert not pool.closed


async def test_async_pool(shop: Database) -> None:
    async with AsyncConnectionPool(shop.dsn, min_size=1, max_size=2, open=False) as pool:
        db = await asymmetrica.connect_async(pool)
        await db.watch(ORDERS)
        assert [row.object for row in await db.watched()] == [ORDERS]
        await db.close()
        assert not pool.closed


def test_exhausted_pool(shop: Database) -> None:
    with ConnectionPool(shop.dsn, min_size=1, max_size=1, timeout=0.2, open=True) as pool, pool.connection():
        db = asymmetrica.connect(pool)
        with pytest.raises(ConnectionFailed):
            db.watched()


async def test_async_borrowed_connection(shop: Database) -> None:
    async with await psycopg.AsyncConnection.connect(shop.dsn) as connection:
        db = await asymmetrica.connect_async(connection)
        await db.watch(ORDERS)
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        await connection.rollback()
        assert await db.watched() == []
        await db.close()
        assert not connection.closed
