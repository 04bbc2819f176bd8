"""What writes cost more while their table is mirrored."""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from bench.figures import Figure, at_most, bootstrap, told
from bench.mirror_worker import worker
from bench.processes import cpu_ms, ended_children_ms
from bench.scene import Scene
from bench.tps import pgbench, rate
from support.cluster import BIN, wait_until
from support.database import Database
from support.redis import RedisServer

RATE = 500
ROUNDS, STEADY, SEED = 12, 3, 203
_WALSENDER = "SELECT pid FROM pg_stat_replication WHERE application_name = 'asymmetrica mirror'"


def caught_up(db: Database, client: redis.Redis) -> None:
    """Wait until Redis has what pgbench wrote so far."""
    end = db.value("SELECT pg_current_wal_flush_lsn() - '0/0'")
    safe = "asymm:mirror:safe:public.pgbench_accounts"

    def there() -> bool:
        come: bytes | None = client.get("asymm:mirror:lsn")  # type: ignore[assignment]
        return client.exists(safe) == 1 and int(come or 0) >= end

    wait_until(there, 60, "the mirror has caught up")


@contextmanager
def bare_reader(scene: Scene) -> Iterator[None]:
    """Read the same stream with pg_recvlogical and throw it away: the least that any mirror costs."""
    db, slot = scene.db, "bench_bare"
    db.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", slot)
    options = ("-o", "proto_version=1", "-o", "publication_names=asymm_mirror")
    command = [str(BIN / "pg_recvlogical"), "-d", db.dsn, "--start", "-S", slot, *options, "-f", "/dev/null"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    active = "SELECT active FROM pg_replication_slots WHERE slot_name = %s"
    try:
        wait_until(lambda: db.value(active, slot), 20, "pg_recvlogical reads")
        yield
    finally:
        process.terminate()
        process.wait(20)
        wait_until(lambda: not db.value(active, slot), 20, "pg_recvlogical is gone")
        db.sql("SELECT pg_drop_replication_slot(%s)", slot)


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
    lost, least, backends, waits, ours = [], [], [], [], []
    for number in range(ROUNDS):
        fast: dict[str, float] = {}
        steady: dict[str, tuple[float, float]] = {}
        order = ("mirrored", "off", "bare")
        for how in order if number % 2 else reversed(order):
            if how == "bare":
                with bare_reader(scene):
                    fast[how] = rate(scene, SEED + number)
            elif how == "off":
                fast[how] = rate(scene, SEED + number)
                steady[how] = steadily(scene, SEED + number)
            else:
                with worker(db, server.tcp_url) as process:
                    caught_up(db, client)
                    fast[how] = rate(scene, SEED + number)
                    caught_up(db, client)
                    pids = (process.pid, server.pid, db.value(_WALSENDER))
                    before = sum(map(cpu_ms, pids))
                    steady[how] = steadily(scene, SEED + number)
                    ours.append(1000 * (sum(map(cpu_ms, pids)) - before) / (RATE * STEADY))
        lost.append(100 * (1 - fast["mirrored"] / fast["off"]))
        least.append(100 * (1 - fast["bare"] / fast["off"]))
        backends.append(100 * (steady["mirrored"][0] / steady["off"][0] - 1))
        waits.append(100 * (steady["mirrored"][1] / steady["off"][1] - 1))
    db.sql("SELECT asymm.unmirror('pgbench_accounts')")
    name = f"pgbench loses while it is mirrored, median of {ROUNDS} rounds"
    return [
        at_most(name, statistics.median(lost), 5, "%"),
        interval(lost),
        told("  floor: pg_recvlogical reads the same and drops it", statistics.median(least), "%"),
        interval(least),
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
    time.sleep(1)  # backends of the run before are counted when the server has noticed their end
    before = ended_children_ms(server)
    said = pgbench(
        scene,
        *("-n", "-M", "prepared", "-c", "2", "-j", "2", "-T", str(STEADY), "-R", str(RATE)),
        f"--random-seed={seed}",
    )
    count = int(re.search(r"actually processed: (\d+)", said)[1])  # type: ignore[index]
    latency = float(re.search(r"latency average = ([\d.]+)", said)[1])  # type: ignore[index]
    lag = float(re.search(r"schedule lag: avg ([\d.]+)", said)[1])  # type: ignore[index]
    time.sleep(1)
    return (ended_children_ms(server) - before) / count, latency - lag
