"""What writes cost more while their table is mirrored."""

from __future__ import annotations

import re
import statistics
from contextlib import nullcontext

import redis

from bench.figures import Figure, at_most, bootstrap, told
from bench.mirror_worker import worker
from bench.processes import cpu_ms, ended_children_ms
from bench.scene import Scene
from bench.tps import pgbench, rate
from support.cluster import wait_until
from support.database import Database
from support.redis import RedisServer

RATE = 500
PAIRS, STEADY, SEED = 8, 3, 203
_WALSENDER = "SELECT pid FROM pg_stat_replication WHERE application_name = 'asymmetrica mirror'"


def caught_up(db: Database, client: redis.Redis) -> None:
    """Wait until Redis has what pgbench wrote so far."""
    end = db.value("SELECT pg_current_wal_flush_lsn() - '0/0'")
    safe = "asymm:mirror:safe:public.pgbench_accounts"

    def there() -> bool:
        come: bytes | None = client.get("asymm:mirror:lsn")  # type: ignore[assignment]
        return client.exists(safe) == 1 and int(come or 0) >= end

    wait_until(there, 60, "the mirror has caught up")


def writes(scene: Scene, server: RedisServer, client: redis.Redis) -> list[Figure]:
    """Return what pgbench loses while its accounts are mirrored, all of it on one machine.

    Once as fast as it can: then the worker, the walsender and Redis share the cores with it. And once at a
    steady rate that leaves time to all of them: then what is more is what a backend itself pays.
    """
    db = scene.db
    pgbench(scene, "-i", "-q", "-s", "10")
    rate(scene, SEED)
    db.sql("SELECT asymm.mirror('pgbench_accounts')")
    with worker(db, server.tcp_url):
        caught_up(db, client)
    lost, backends, waits, ours = [], [], [], []
    for pair in range(PAIRS):
        fast: dict[bool, float] = {}
        steady: dict[bool, tuple[float, float]] = {}
        for on in (True, False) if pair % 2 else (False, True):
            with worker(db, server.tcp_url) if on else nullcontext() as process:
                if process is not None:
                    caught_up(db, client)
                fast[on] = rate(scene, SEED + pair)
                if process is not None:
                    caught_up(db, client)
                    walsender = db.value(
                        "SELECT pid FROM pg_stat_replication WHERE application_name = 'asymmetrica mirror'"
                    )
                    pids = (process.pid, server.pid, walsender)
                    before = sum(map(cpu_ms, pids))
                steady[on] = steadily(scene, SEED + pair)
                if process is not None:
                    ours.append(1000 * (sum(map(cpu_ms, pids)) - before) / (RATE * STEADY))
        lost.append(100 * (1 - fast[True] / fast[False]))
        backends.append(100 * (steady[True][0] / steady[False][0] - 1))
        waits.append(100 * (steady[True][1] / steady[False][1] - 1))
    db.sql("SELECT asymm.unmirror('pgbench_accounts')")
    return [
        at_most(
            f"pgbench loses while it is mirrored, median of {PAIRS} pairs", statistics.median(lost), 5, "%"
        ),
        interval(lost),
        told(f"  at {RATE} tx/s: CPU of its backends more by, median", statistics.median(backends), "%"),
        interval(backends),
        told("  and their latency", statistics.median(waits), "%"),
        interval(waits),
        told("  and the mirror's own: worker, walsender, Redis", statistics.median(ours), "µs of CPU/tx", 0),
    ]


def interval(values: list[float]) -> Figure:
    low, high = bootstrap(values, SEED)
    return Figure("  95 % confidence interval of it", "", f"{low:.1f} to {high:.1f} %")


def steadily(scene: Scene, seed: int) -> tuple[float, float]:
    """Run pgbench at RATE; return ms of CPU its backends took, and ms of latency, of a transaction each."""
    server = scene.cluster.pid()
    before = ended_children_ms(server)
    said = pgbench(
        scene,
        *("-n", "-M", "prepared", "-c", "2", "-j", "2", "-T", str(STEADY), "-R", str(RATE)),
        f"--random-seed={seed}",
    )
    count = int(re.search(r"actually processed: (\d+)", said)[1])  # type: ignore[index]
    latency = float(re.search(r"latency average = ([\d.]+)", said)[1])  # type: ignore[index]
    lag = float(re.search(r"schedule lag: avg ([\d.]+)", said)[1])  # type: ignore[index]
    return (ended_children_ms(server) - before) / count, latency - lag
