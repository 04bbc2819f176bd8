"""Rows and transactions that are seldom seen, and nothing is lost of them."""

from __future__ import annotations

import pytest

from support.cluster import MAJOR
from support.mirror import Mirror


def test_large_keys_that_did_not_change(mirror: Mirror) -> None:
    """A key too is left out of the new row where it is stored out of line."""
    db = mirror.db
    db.sql("CREATE TABLE t (id text PRIMARY KEY, n int, big text, UNIQUE (id))")
    db.sql("ALTER TABLE t ALTER id SET STORAGE EXTERNAL, ALTER big SET STORAGE EXTERNAL")
    mirror.mirror("t")
    mirror.work()
    mirror.check()
    for identity in ("DEFAULT", "FULL"):
        db.sql(f"ALTER TABLE t REPLICA IDENTITY {identity}")
        mirror.check()
        db.sql(
            "INSERT INTO t SELECT repeat(g::text, 2500), 1, repeat('y', 10000) FROM generate_series(1, 9) g"
        )
        db.sql("UPDATE t SET n = 2 WHERE id < '5'")
        db.sql("UPDATE t SET id = 'short' WHERE id LIKE '6%'")
        db.sql("UPDATE t SET id = repeat('k', 2400) WHERE id = 'short'")
        assert mirror.check() == 9
        db.sql("DELETE FROM t")
        assert mirror.check() == 0


@pytest.mark.skipif(int(MAJOR) < 18, reason="no virtual columns and keys of periods before 18")
def test_keys_of_periods_and_what_is_generated(mirror: Mirror) -> None:
    """Generated columns are left out, also where somebody has the publication carry them."""
    db = mirror.db
    db.sql(
        "CREATE TABLE t (id int4range, during tstzrange, n int, v int GENERATED ALWAYS AS (n * 2) VIRTUAL,"
        " s int GENERATED ALWAYS AS (n * 3) STORED, PRIMARY KEY (id, during WITHOUT OVERLAPS))"
    )
    insert = "INSERT INTO t SELECT int4range(g, g + 1), tstzrange('{0}-01-01', '{0}-12-31'), g FROM {1} AS g"
    db.sql(insert.format(2024, "generate_series(1, 50)"))
    mirror.mirror("t")
    mirror.work()
    assert mirror.check() == 50
    for carried in ("stored", "none"):
        db.sql(f"ALTER PUBLICATION asymm_mirror SET (publish_generated_columns = {carried})")
        db.sql(insert.format(2025, "generate_series(1, 9)"))
        assert mirror.check() == 59
        db.sql("UPDATE t SET n = n + 1 WHERE lower(id) < 20")
        db.sql("UPDATE t SET during = tstzrange('2026-01-01', NULL) WHERE lower(during) > '2024-06-01'")
        db.sql("UPDATE t SET id = int4range(7000, 7001) WHERE id = int4range(30, 31)")
        assert mirror.check() == 59
        db.sql("DELETE FROM t WHERE lower(during) > '2024-06-01'")
        db.sql("UPDATE t SET id = int4range(30, 31) WHERE id = int4range(7000, 7001)")
        assert mirror.check() == 50
