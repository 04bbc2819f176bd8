"""A table is mirrored, or no more, while others have to do with it."""

from __future__ import annotations

import pytest

from support.database import Database
from support.other import Other


@pytest.mark.parametrize("undone", [False, True])
def test_a_table_is_mirrored_while_it_is_analysed(db: Database, undone: bool) -> None:
    """ANALYZE holds a lock that the publication needs, and waits for who changed the table's rights."""
    db.sql("CREATE TABLE t (id int PRIMARY KEY)")
    db.sql("SELECT asymm.create_mirror_login(%s)", db.role("mirror", "LOGIN REPLICATION"))
    if undone:
        db.sql("SELECT asymm.mirror('t')")
    with db.connect(autocommit=False) as analysing:
        analysing.execute("LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
        other = Other(db, "SELECT FROM asymm.unmirror('t')" if undone else "SELECT FROM asymm.mirror('t')")
        other.wait_until_blocked()
        analysing.execute("ANALYZE t")
    other.done()
    assert other.error is None
    published = db.value("SELECT count(*) FROM pg_publication_tables WHERE tablename = 't'")
    assert published == (0 if undone else 1)
