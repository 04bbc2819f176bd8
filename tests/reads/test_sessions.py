"""What is done to the session between reads, by whom, and what is interrupted: no answer is another's."""

from __future__ import annotations

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
