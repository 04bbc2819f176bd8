"""pgbench with the pulse on and off, in turn."""

from __future__ import annotations

import re
import statistics

from bench.figures import Figure, bootstrap, told
from bench.scene import Scene
from support.cluster import BIN, run

PAIRS, SECONDS, CLIENTS, SCALE = 40, 4, 2, 10
SEED = 203


def pgbench(scene: Scene, *arguments: str) -> str:
    place = ("-h", str(scene.cluster.directory), "-p", str(scene.cluster.port), "-U", "postgres")
    return run(BIN / "pgbench", *place, *arguments, scene.db.name)


def rate(scene: Scene, seed: int) -> float:
    """Return transactions a second of one run."""
    told_by = pgbench(
        scene,
        *("-n", "-M", "prepared", "-c", str(CLIENTS), "-j", str(CLIENTS), "-T", str(SECONDS)),
        f"--random-seed={seed}",
    )
    found = re.search(r"tps = ([\d.]+)", told_by)
    if found is None:
        raise RuntimeError(told_by)
    return float(found[1])


def measure(scene: Scene) -> list[Figure]:
    scene.watch()
    scene.unschedule()
    pgbench(scene, "-i", "-q", "-s", str(SCALE))
    scene.drain()
    # What comes at its own time would fall into one run of a pair and not into the other.
    for table in ("accounts", "branches", "tellers", "history"):
        scene.db.sql(f"ALTER TABLE pgbench_{table} SET (autovacuum_enabled = off)")
    scene.db.sql("ALTER SYSTEM SET checkpoint_timeout = '1h'")
    scene.db.sql("SELECT pg_reload_conf()")
    scene.drain()
    scene.db.sql("VACUUM ANALYZE")
    scene.db.sql("CHECKPOINT")
    rate(scene, SEED)
    ratios, on_all, off_all = [], [], []
    for pair in range(PAIRS):
        spent: dict[bool, float] = {}
        for on in (True, False) if pair % 2 else (False, True):
            if on:
                with scene.pulse(SECONDS + 30, "fast", "slow"):
                    spent[on] = rate(scene, SEED + pair)
            else:
                spent[on] = rate(scene, SEED + pair)
        ratios.append(100 * spent[True] / spent[False])
        on_all.append(spent[True])
        off_all.append(spent[False])
    median = statistics.median(ratios)
    low, high = bootstrap(ratios, SEED)
    return [
        Figure(
            f"pgbench TPS with the pulse, median of {PAIRS} pairs", "≥ 97 %", f"{median:.1f} %", median >= 97
        ),
        Figure("  95 % confidence interval of it", "", f"{low:.1f} to {high:.1f} %"),
        told("  TPS with the pulse, median", statistics.median(on_all), "/s", 0),
        told("  TPS without, median", statistics.median(off_all), "/s", 0),
    ]
