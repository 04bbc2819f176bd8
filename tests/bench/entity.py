"""The entity store by the driver: making many, changing one, and finding some among them."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import asymmetrica
from asymmetrica import Annotation
from bench.figures import Figure, at_most, told
from bench.processes import cpu_ms
from bench.scene import Scene
from support.database import Database

MANY, BATCH, ROUNDS = 50_000, 1000, 300
ORDERED = Annotation("order", "module", "Balance", "O(log n)", ["create", "sync"])


def order(rng: random.Random, number: int) -> dict[str, Any]:
    """Return what an application would keep: some 200 bytes of JSON."""
    lines = [
        {"sku": f"s{rng.randrange(5000)}", "n": rng.randrange(1, 20), "price": rng.randrange(10**6) / 1000}
        for _ in range(rng.randrange(1, 5))
    ]
    value = {"customer": f"c{rng.randrange(MANY // 50)}", "due": "2026-11-23", "paid": False, "lines": lines}
    return {"id": f"order:{number}", "value": value, "annotations": ORDERED}


def rate(db: asymmetrica.Database, items: list[dict[str, Any]]) -> tuple[float, float, float]:
    """Return entities made a second, from Python objects to what the call returns; then µs of CPU of each.

    First of the server, then of the driver.
    """
    ((pid,),) = db.execute("SELECT pg_backend_pid()")
    server, client = cpu_ms(pid), time.process_time()
    start = time.perf_counter()
    made = db.create_entities(items, batch=BATCH)
    took = time.perf_counter() - start
    server, client = cpu_ms(pid) - server, time.process_time() - client
    if len(made) != len(items) or not all(row.created for row in made):
        raise RuntimeError("not all were made")
    return len(items) / took, 1e3 * server / len(items), 1e6 * client / len(items)


def median_ms(run: Callable[[int], Any]) -> float:
    """Return the median of the milliseconds of a call."""
    out = []
    for number in range(ROUNDS):
        start = time.perf_counter()
        run(number)
        out.append((time.perf_counter() - start) * 1000)
    return statistics.median(out)


def measure(scene: Scene) -> list[Figure]:
    scene.db.sql("CREATE DATABASE entity")
    db = Database(scene.cluster, "entity")
    try:
        db.sql("CREATE EXTENSION asymmetrica CASCADE")
        with asymmetrica.connect(db.dsn) as ours:
            return figures(db, ours)
    finally:
        db.drop()


def figures(db: Database, ours: asymmetrica.Database) -> list[Figure]:
    rng = random.Random(1)
    rates = []
    for part in range(3):
        items = [order(rng, part * MANY + n) for n in range(MANY)]
        rates.append(rate(ours, items))
    keyed = [{**order(rng, 3 * MANY + n), "idempotency_key": str(n)} for n in range(MANY)]
    with_keys = rate(ours, keyed)[0]
    db.sql("VACUUM ANALYZE asymm.data_entity")
    found = {id: ours.get_entity(id) for id in (f"order:{n * 97}" for n in range(ROUNDS))}
    versions = {id: entity.version for id, entity in found.items() if entity is not None}
    ids = list(versions)

    def change(number: int) -> None:
        ours.update_entity(ids[number], {"paid": True}, version=versions[ids[number]])

    making, server, client = sorted(rates)[1]
    return [
        Figure(
            f"entities made by create_entities(), {BATCH:,} a call, the middle one of three {MANY:,}",
            "≥ 10,000/s",
            f"{making:,.0f}/s",
            making >= 10_000,
        ),
        told("  CPU of an entity: server", server, "µs"),
        told("  CPU of an entity: driver", client, "µs"),
        told("  the same with idempotency keys", with_keys, "/s", 0),
        at_most("get_entity(), p50, of 200,000", median_ms(lambda n: ours.get_entity(ids[n])), 1, "ms", 2),
        told(
            "create_entity(), p50, fsync on",
            median_ms(lambda n: ours.create_entity(f"one:{n}", {"n": n})),
            "ms",
            2,
        ),
        told("update_entity(), p50, fsync on", median_ms(change), "ms", 2),
        at_most(
            "query_entities(contains), p50, some 200 of 200,000, 100 a page",
            median_ms(lambda n: ours.query_entities(contains={"customer": f"c{n}"})),
            10,
            "ms",
            2,
        ),
    ]
