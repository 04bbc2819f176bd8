"""Routes of a query that fails: arbitrated as annotations are; who loses is left alone, and tried again."""

from __future__ import annotations

import pytest

import asymmetrica
from asymmetrica.algebra import Annotation, Witness, arbitrate
from asymmetrica.reads import routes
from asymmetrica.reads.routes import Costs, Standing
from support.cluster import wait_until
from support.mirror import Mirror
from support.reads import SUM, until_route, warm

SLOW, FAST, PERIOD = 0.003, 0.001, 11 / 54


def test_one_formula_for_routes_and_annotations() -> None:
    costs = Costs()
    for _ in range(4):
        costs.note("q", "primary", SLOW)
        costs.note("q", "redis", FAST)
    costs.failed("q", "redis")
    best, other = costs.standings("q")
    assert (best.route, best.success, best.open, other.route) == ("redis", 0.875, False, "primary")
    names = [Annotation("redis"), Annotation("primary")]
    count = 4 / 5
    said = [Witness(1, 0.875, count, 3), Witness(1, 1, count), Witness(2, 1, count, 3)]
    verdicts = arbitrate(names, [*said, Witness(2, FAST / SLOW, count)])
    assert [verdict.score for verdict in verdicts] == pytest.approx([best.score, other.score])
    assert verdicts[0].won


def test_who_loses_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(routes.time, "monotonic", lambda: now)
    monkeypatch.setattr(routes.random, "uniform", lambda _low, high: high)
    costs = Costs()
    # Where there is no other, it is asked again and again.
    for _ in range(20):
        costs.failed("q", "redis")
        assert costs.allows("q", "redis")
    costs = Costs()
    for _ in range(4):
        costs.note("q", "primary", SLOW)
        costs.note("q", "redis", FAST)
    failures = 0
    while costs.allows("q", "redis"):
        costs.failed("q", "redis")
        failures += 1
    assert 1 < failures < 6
    assert costs.standings("q")[0].route == "primary"
    assert costs.allows("other query", "redis")
    assert costs.order("q", ["redis", "primary"]) == ["primary", "redis"]
    waits = []
    for _ in range(7):
        assert costs.rests("q", "redis")
        began = now
        while not costs.allows("q", "redis"):
            now += PERIOD / 8
        waits.append((now - began) / PERIOD)
        # One tries, the others wait for what becomes of it.
        assert not costs.allows("q", "redis")
        costs.failed("q", "redis")
    assert waits == pytest.approx([1, 2, 4, 8, 16, 16, 16], abs=0.2)
    now += 16 * PERIOD
    assert costs.allows("q", "redis")
    for _ in range(40):
        costs.note("q", "redis", FAST)
        assert costs.allows("q", "redis")
    assert costs.standings("q")[0].route == "redis"
    assert costs.standings("q")[0].success == 1


def standing(reader: asymmetrica.Database, route: str) -> Standing | None:
    return next((found for found in reader.standings(SUM) if found.route == route), None)


def test_a_mirror_that_stands_still(mirror: Mirror) -> None:
    db, worker = mirror.db, mirror.workers[-1]
    role = db.role("standing", "LOGIN", ("asymm_reader",))
    db.sql(f"GRANT SELECT ON t TO {role}")
    with asymmetrica.connect(db.dsn_of(role), redis=mirror.server.url) as reader:
        warm(reader)

        def left_alone() -> bool:
            assert reader.query(SUM, max_staleness=0.03).rows == [(100, 5050)]
            found = standing(reader, "redis")
            return found is not None and found.open

        worker.hang()
        try:
            wait_until(left_alone, 20, "Redis is left alone")
        finally:
            worker.wake()
        assert reader.standings(SUM)[0].route == "primary"
        until_route(lambda: reader.query(SUM), "near", "redis")
    failed = "SELECT route FROM asymm.read_count WHERE kind = 'query' AND failed > 0 AND hits >= 0"
    assert ("redis",) in db.sql(failed)


def test_rows_of_a_mirror_that_stands_still(mirror: Mirror) -> None:
    """A row is not waited for again and again either; what is behind is left alone, and tried later."""
    db, worker = mirror.db, mirror.workers[-1]
    with asymmetrica.connect(db.dsn, redis=mirror.server.url) as reader:
        until_route(lambda: reader.get("public.t", (3,)), "redis")

        def left_alone() -> bool:
            row = reader.get("public.t", (3,), max_staleness=0.03)
            assert row is not None
            found = next((found for found in reader.standings("public.t") if found.route == "redis"), None)
            return found is not None and found.open

        worker.hang()
        try:
            wait_until(left_alone, 20, "Redis is left alone")
        finally:
            worker.wake()
        assert reader.standings("public.t")[0].route == "primary"
        until_route(lambda: reader.get("public.t", (3,)), "redis")


def test_several_rows_show_no_half_of_a_transaction(mirror: Mirror) -> None:
    far = mirror.number("lsn") + (1 << 30)
    with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as other:
        until_route(lambda: other.get_many("public.t", [3, 1])[0], "redis")
        mirror.redis.set("asymm:mirror:partial", f"{far}:5")
        try:
            assert {row and row.route for row in other.get_many("public.t", [3, 1])} == {"primary"}
        finally:
            mirror.redis.delete("asymm:mirror:partial")
        until_route(lambda: other.get_many("public.t", [3, 1])[1], "redis")
