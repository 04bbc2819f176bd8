"""A Redis that can't tell of changes by itself, or may not: what is kept near is asked about each time."""

from __future__ import annotations

from typing import Any

import pytest
from redis import ResponseError

import asymmetrica
from asymmetrica import _wire
from support.mirror import Mirror
from support.reads import SUM, until_route, warm
from support.redis import RedisServer
from support.site import Site


@pytest.mark.parametrize("refused", ["-client|tracking", "-client", "+client"])
def test_results_are_confirmed(mirror: Mirror, refused: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if refused == "+client":

        def without_hello(nodes: Any, timeout: float, protocol: int) -> Any:
            if protocol == 3:
                raise ResponseError("unknown command 'HELLO'")
            return _open(nodes, timeout, protocol)

        _open = _wire._open
        monkeypatch.setattr(_wire, "_open", without_hello)
    mirror.redis.execute_command("ACL", "SETUSER", "plain", "reset", "on", ">word", "~*", "+@all", refused)
    url = f"redis://plain:word@127.0.0.1:{mirror.server.port}/0"
    with asymmetrica.connect(mirror.db.dsn, redis=url) as reader:
        assert warm(reader).rows == [(100, 5050)]
        for number in range(1, 20):
            if number % 2:
                mirror.db.sql("UPDATE t SET n = n + 1 WHERE id = 1")
                end = mirror.db.value("SELECT pg_current_wal_insert_lsn()::text")
            else:
                reader.execute("UPDATE public.t SET n = n + 1 WHERE id = 1")
                end = None
            assert reader.query(SUM, after=end).rows == [(100, 5050 + number)]
            if number % 5 == 0:
                assert warm(reader).rows == [(100, 5050 + number)]
            row = until_route(lambda: reader.get("public.t", 1, budget=1), "redis")
            assert row["n"] == 1 + number
        # Rows are as quickly read anew.
        rows = [reader.get("public.t", 2) for _ in range(5)]
        assert not [row for row in rows if row is None or row.route == "near"]
        warm(reader)
        mirror.redis.rename("asymm:mirror:safe:public.t", "kept")
        assert reader.query(SUM).route == "primary"
        mirror.redis.rename("kept", "asymm:mirror:safe:public.t")
        warm(reader)
        mirror.db.sql("TRUNCATE t")
        end = mirror.db.value("SELECT pg_current_wal_insert_lsn()::text")
        assert reader.query(SUM, after=end).rows == [(0, None)]
        assert reader.counters()["redis_errors"] <= 1
    if refused == "-client":
        site = Site(mirror.db.dsn, url)
        try:
            assert site.until_hit("/sum").text == "None"
        finally:
            site.close()


def test_a_server_without_the_command(mirror: Mirror) -> None:
    """One reads by it all the same."""
    server = RedisServer()
    try:
        server.start("--rename-command", "CLIENT", "")
        with asymmetrica.connect(mirror.db.dsn, redis=server.url) as reader:
            found = reader.query(SUM)
            assert (found.rows, found.why_not) == ([(100, 5050)], "there is no mirror in this Redis")
            assert reader.counters()["redis_errors"] == 0
    finally:
        server.remove()
