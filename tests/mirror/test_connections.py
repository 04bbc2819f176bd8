"""Slow, torn and silent connections between the worker, Postgres and Redis."""

from __future__ import annotations

from support.mirror import Mirror

TWO_SLOTS = """SELECT count(confirmed_flush_lsn) = 2
    FROM pg_replication_slots WHERE database = current_database()"""


def tables(mirror: Mirror, names: str = "tu") -> None:
    for table in names:
        mirror.db.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, n int)")
        mirror.db.sql(f"INSERT INTO {table} SELECT g, 0 FROM generate_series(1, 100) g")


def test_a_table_is_built_when_the_stream_is_past_its_snapshot(mirror: Mirror) -> None:
    db = mirror.db
    tables(mirror)
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
        assert mirror.number("version:public.u") < end


def test_a_table_changes_its_form_while_it_is_built(mirror: Mirror) -> None:
    """DDL and TRUNCATE between its snapshot and where the stream is."""
    db = mirror.db
    tables(mirror, "tuv")
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
