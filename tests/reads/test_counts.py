"""What was read from where is told to the database."""

from __future__ import annotations

import asymmetrica
from support.mirror import Mirror
from support.reads import SUM, until_route, warm


def test_counts_reach_the_database(mirror: Mirror) -> None:
    db = mirror.db
    role = db.role("counts", "LOGIN", ("asymm_reader",))
    db.sql(f"GRANT SELECT ON t TO {role}")
    with asymmetrica.connect(db.dsn_of(role), redis=mirror.server.url) as reader:
        warm(reader)
        reader.query(SUM)
        reader.query("SELECT now() FROM public.t")
        until_route(lambda: reader.get("public.t", 3), "near")
        reader.get("public.t", 1000)
        one = "SELECT n FROM public.t WHERE id = %s"
        warm(reader, one, [5])
        named = "SELECT a FROM public.t WHERE n = %(n)s AND id = %(id)s"
        until_route(lambda: reader.query(named, {"id": 6, "n": 6}), "redis")
        assert reader._reader.tally.hot.hits
    counted = db.sql(
        "SELECT kind, route, sum(hits) > 0, sum(misses) > 0, sum(refused) FROM asymm.read_count"
        " GROUP BY kind, route ORDER BY kind, route"
    )
    assert ("query", "near", True, False, 0) in counted
    assert ("query", "primary", False, True, 1) in counted
    assert ("row", "near", True, False, 0) in counted
    assert ("row", "primary", False, True, 0) in counted
    assert db.value("SELECT reason FROM asymm.read_query WHERE statement ~ 'now'")
    # Each read of a query stands in the histogram of its waiting times too.
    reads = "SELECT sum(hits + misses + refused) FROM asymm.read_count WHERE kind = 'query'"
    assert db.value("SELECT sum(c) FROM asymm.read_latency, unnest(counts) AS c") == db.value(reads)
    assert db.value("SELECT min(p99_ms) > 0 FROM asymm.query_latency WHERE source = 'driver'")
    assert db.value("SELECT tables FROM asymm.read_query WHERE statement = %s", SUM) == ["public.t"]
    keys = "SELECT key, hits > 0, misses > 0 OR hits > 0 FROM asymm.mirror_keys WHERE kind = %s ORDER BY key"
    assert db.sql(keys, "row") == [("1000", False, True), ("3", True, True)]
    assert db.sql(keys, "query") == [("5", True, True), ("6, 6", True, True)]
    # Who may not tell reads all the same.
    stranger = db.role("stranger")
    db.sql(f"GRANT SELECT ON t TO {stranger}")
    with asymmetrica.connect(db.dsn_of(stranger), redis=mirror.server.url) as reader:
        assert reader.query(SUM).rows == [(100, 5050)]
        assert reader.get("public.t", 3) == {"id": 3, "a": "a3", "n": 3}
