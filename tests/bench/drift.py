"""From the commit of a DDL to its row in asymm.drift, and to its repair, with the pulse run by pg_cron."""

from __future__ import annotations

import random
import time

from bench.figures import Figure, at_most, percentile, told
from bench.scene import ACTOR, OWNER, SCHEMA, TABLES, Scene

SAMPLES = 240
PERIOD = 11 / 54
# Each is repaired by one statement, without a question.
SLIPS = (
    "ALTER TABLE {table} ALTER amount SET DEFAULT {n}",
    "ALTER TABLE {table} ADD slip integer",
    "DROP INDEX {schema}.t{number:04}_parent_idx",
    "COMMENT ON TABLE {table} IS 'slip {n}'",
    "ALTER TABLE {table} ALTER id SET STATISTICS 500",
    "GRANT SELECT ON {table} TO pg_read_all_stats",
    "ALTER TABLE {table} DROP CONSTRAINT t{number:04}_amount_check",
    "ALTER TABLE {table} ALTER parent SET NOT NULL",
)
STATE = (
    "SELECT count(*) > 0, COALESCE(bool_and(d.state = 'healed'), false),"
    " bool_or(d.state IN ('proposed', 'failed')), max(EXTRACT(epoch FROM d.noticed_at - d.ddl_at)) * 1000,"
    " max(EXTRACT(epoch FROM d.repaired_at - d.ddl_at)) * 1000, max(d.reason)"
    " FROM asymm.drift AS d WHERE d.id > %s AND d.object = %s"
)


class Latencies:
    """Milliseconds from commit, by the driver's clock and by the server's."""

    def __init__(self) -> None:
        self.noticed: list[float] = []
        self.repaired: list[float] = []
        self.noticed_server: list[float] = []
        self.repaired_server: list[float] = []


def story(scene: Scene, table: str) -> str:
    """Return what the ledger says of the latest action on a table."""
    rows = scene.db.sql(
        "SELECT h.at::text, h.to_state, h.note, a.tries::text, a.error::text FROM asymm.actions AS a"
        " CROSS JOIN LATERAL asymm.action_history(a.id) AS h"
        " WHERE a.id = (SELECT max(x.id) FROM asymm.actions AS x WHERE x.target = %s)",
        table,
    )
    return "\n".join(" | ".join(str(cell) for cell in row) for row in rows)


def sample(scene: Scene, found: Latencies, number: int, rng: random.Random) -> None:
    """Inflict one slip at a random phase of the beat and follow its row until it is healed."""
    place = (number * 7 + 3) % TABLES
    table = f"{SCHEMA}.t{place:04}"
    slip = SLIPS[number % len(SLIPS)].format(table=table, schema=SCHEMA, number=place, n=number + 2)
    owner = scene.owner()
    last = scene.db.value("SELECT COALESCE(max(id), 0) FROM asymm.drift_record")
    time.sleep(rng.random() * PERIOD)
    owner.execute(slip.encode())
    start = time.perf_counter()
    noticed: float | None = None
    while True:
        row = scene.db.sql(STATE, last, table)[0]
        now = (time.perf_counter() - start) * 1000
        if row[0] and noticed is None:
            noticed = now
        if row[1]:
            break
        if row[2] or now > 10_000:
            raise RuntimeError(f"{slip}: not repaired after {now:.0f} ms\n{story(scene, table)}")
        time.sleep(0.002)
    found.noticed.append(noticed or now)
    found.repaired.append(now)
    found.noticed_server.append(float(row[3]))
    found.repaired_server.append(float(row[4]))


def measure(scene: Scene) -> list[Figure]:
    scene.watch()
    scene.schedule()
    rng = random.Random(SAMPLES)
    found = Latencies()
    before = scene.loops()
    for number in range(SAMPLES):
        sample(scene, found, number, rng)
    changed = scene.loops() != before
    noticed, repaired = found.noticed, found.repaired
    figures = [
        at_most(f"DDL to drift row, p50 of {SAMPLES}", percentile(noticed, 0.5), 120, "ms"),
        at_most("DDL to drift row, p99", percentile(noticed, 0.99), 230, "ms"),
        told("  longest", max(noticed), "ms"),
        told("  p50 by the server's clock", percentile(found.noticed_server, 0.5), "ms"),
        told("  p99 by the server's clock", percentile(found.noticed_server, 0.99), "ms"),
        told("DDL to repaired, p50", percentile(repaired, 0.5), "ms"),
        at_most("DDL to repaired, p99", percentile(repaired, 0.99), 450, "ms"),
        told("  longest", max(repaired), "ms"),
        told("  p99 by the server's clock", percentile(found.repaired_server, 0.99), "ms"),
    ]
    if not changed:
        figures.append(Figure("  hand-overs while it was measured", "", "none"))
    scene.expect(
        f"SELECT count(*) = 0 FROM asymm.drift WHERE state <> 'healed' AND object LIKE '{SCHEMA}.%%'"
    )
    scene.expect("SELECT bool_and(role = %s) FROM asymm.drift", OWNER)
    scene.expect("SELECT bool_and(applied_by = %s) FROM asymm.actions WHERE kind = 'heal'", ACTOR)
    return figures
