"""Duplicates beside others at work, and many of them."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from support.database import Database


def test_nobody_loses_what_is_written_meanwhile(db: Database) -> None:
    db.sql("CREATE TABLE part (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)")
    db.sql("CREATE TABLE line (id int PRIMARY KEY, part int REFERENCES part ON DELETE CASCADE)")
    db.sql("INSERT INTO part (name) VALUES ('a'), ('a'), ('a'), ('b')")
    writer = db.connect(autocommit=False)
    for statement in ("UPDATE part SET name = 'changed' WHERE id = 2", "INSERT INTO line VALUES (1, 3)"):
        writer.execute(statement.encode())
        with pytest.raises(psycopg.errors.LockNotAvailable):
            db.sql("SELECT asymm.merge_duplicates('part')")
        writer.commit()
    # What was planned by an older snapshot is not done.
    early = db.connect(autocommit=False)
    early.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    early.execute("SELECT count(*) FROM part")
    db.sql("UPDATE part SET name = 'a' WHERE id = 4")
    db.sql("UPDATE part SET name = 'other' WHERE id = 3")
    with pytest.raises((psycopg.errors.SerializationFailure, psycopg.errors.ObjectNotInPrerequisiteState)):
        early.execute("SELECT asymm.merge_duplicates('part')")
    early.rollback()
    assert db.sql("SELECT removed, repointed FROM asymm.merge_duplicates('part', 'newest')") == [(1, 0)]
    assert db.sql("SELECT id, name FROM part ORDER BY id") == [(2, "changed"), (3, "other"), (4, "a")]
    assert db.sql("TABLE line") == [(1, 3)]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_ten_million_rows_in_bounded_memory(db: Database) -> None:
    rows = 10_000_000
    db.sql(
        f"CREATE UNLOGGED TABLE many AS SELECT n AS id, 'name ' || n % {rows - 1000} AS name, n % 7 AS kind"
        f" FROM generate_series(1, {rows}) AS n"
    )
    session = db.connect()
    session.execute("SET max_parallel_workers_per_gather = 0")
    session.execute("SET work_mem = '16MB'")
    pid = session.info.backend_pid
    found = session.execute(
        "SELECT count(*) FROM asymm.find_duplicates('many', '{name}', most => 2000)"
    ).fetchone()
    assert found == (1000,)
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    shared = session.execute("SELECT pg_size_bytes(current_setting('shared_buffers')) / 1024").fetchone()
    assert shared
    assert peak < shared[0] + 200_000


@pytest.mark.long
def test_a_hundred_thousand_groups(db: Database) -> None:
    groups = 100_000
    db.sql("CREATE TABLE part (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)")
    db.sql(
        f"INSERT INTO part (name) SELECT 'part ' || n % {groups} FROM generate_series(1, {2 * groups}) AS n"
    )
    for table in ("line", "stock", "price"):
        db.sql(f"CREATE TABLE {table} (id bigint PRIMARY KEY, part bigint NOT NULL REFERENCES part)")
        db.sql(f"INSERT INTO {table} SELECT n, n FROM generate_series(1, {2 * groups}) AS n")
        db.sql(f"CREATE INDEX ON {table} (part)")
    db.sql("ANALYZE")
    session = db.connect(autocommit=False)
    merged = session.execute(
        "SELECT action, groups, removed, repointed FROM asymm.merge_duplicates('part')"
    ).fetchone()
    session.commit()
    assert merged is not None
    assert merged[1:] == (groups, groups, 3 * groups)
    assert db.value("SELECT state FROM asymm.revert(%s)", merged[0]) == "reverted"
    for table in ("line", "stock", "price"):
        assert db.value(f"SELECT count(*) FROM {table} WHERE part <> id") == 0
    assert db.value("SELECT count(*) FROM part") == 2 * groups
