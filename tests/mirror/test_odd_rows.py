"""Rows and transactions that are seldom seen, and nothing is lost of them."""

from __future__ import annotations

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
