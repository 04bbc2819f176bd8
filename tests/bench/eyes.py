"""What is drawn and shown: the CPU of each picture and of each tile with a thousand of everything."""

from __future__ import annotations

import asyncio
import statistics

from asymmetrica.eyes import Reader
from bench.figures import Figure, at_most, told
from bench.processes import cpu_ms
from bench.scene import Scene

PICTURES = ("heartbeat", "telemetry", "experiments", "mirror_overlap", "fleet")
ROUNDS = 15

# An hour of health, ten decisions of a thousand, a fleet of a hundred, every tenth table drifted.
FILLED = (
    "INSERT INTO asymm.sample_series (metric, node) VALUES ('score.shm', '*') ON CONFLICT DO NOTHING",
    """INSERT INTO asymm.sample (slot, family, at, ids, totals)
       SELECT (asymm._sample_part('minute', t)).slot, 'score', t, ARRAY[s.id], ARRAY[0.6 + 0.3 * random()]
         FROM generate_series(2, 58) AS n,
              (SELECT x.id FROM asymm.sample_series AS x WHERE x.metric = 'score.shm') AS s,
              LATERAL (SELECT date_trunc('minute', now()) - n * interval '1 min') AS m (t)
       ON CONFLICT DO NOTHING""",
    """WITH a AS (
           INSERT INTO asymm.action (kind, target, state, requested_by, changed_at, evidence_before)
           SELECT 'create index', 't', CASE WHEN n % 3 = 0 THEN 'reverted' ELSE 'verified' END, 'bench',
                  now() - n * interval '1 min', '{}'
             FROM generate_series(1, 1000) AS n RETURNING id)
       INSERT INTO asymm.index_action (action_id, relid, index_schema, index_name, shape)
       SELECT id, 1, 's', 'i' || id, 'x' || id FROM a""",
    """SELECT asymm.report_to_fleet('db' || n, repeat(CASE WHEN n % 10 = 0 THEN 'b' ELSE 'a' END, 64))
         FROM generate_series(1, 100) AS n""",
    """INSERT INTO asymm.drift_record (baseline_id, kind, schema_name, object_name, part, name, attribute,
                                   found_by)
       SELECT id, kind, schema_name, object_name, 'column', 'c', 'type', 'call'
         FROM asymm.baseline WHERE id % 10 = 0""",
)  # fmt: skip


async def costs(dsn: str) -> dict[str, float]:
    """Return the median of the server's CPU milliseconds for each tile, asked again and again."""
    found = {}
    async with Reader(dsn, timeout=60) as reader:
        pid = (await reader.ask("SELECT pg_backend_pid()")).rows[0][0]
        for tile in await reader.tiles():
            took = []
            for _ in range(ROUNDS):
                before = cpu_ms(pid)
                await reader.read(tile)
                took.append(cpu_ms(pid) - before)
            found[tile] = statistics.median(took)
    return found


def measure(scene: Scene) -> list[Figure]:
    scene.watch()
    for statement in FILLED:
        scene.db.sql(statement)
    scene.db.sql("ANALYZE")
    try:
        found = asyncio.run(costs(scene.db.dsn))
    finally:
        scene.db.sql("DELETE FROM asymm.drift_record WHERE found_by = 'call'")
        scene.db.sql("DELETE FROM asymm.action WHERE requested_by = 'bench'")
        scene.db.sql("DELETE FROM asymm.fleet_member")
    worst = max(PICTURES, key=lambda picture: found[picture])
    figures = [
        at_most(f"a picture of 1,000 tables, CPU: the dearest ({worst})", found[worst], 50, "ms"),
        *(told(f"    {picture}", found[picture], "ms") for picture in PICTURES if picture != worst),
        at_most("what a beat asks (vitals), CPU", found["vitals"], 10, "ms"),
    ]
    return figures + [
        told(f"    {tile}", took, "ms")
        for tile, took in sorted(found.items(), key=lambda item: -item[1])
        if tile not in PICTURES and tile != "vitals"
    ]
