"""The mirror: how soon a commit is readable in Redis, how fast rows come, what it costs; beside Debezium."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import redis

from bench.debezium import Debezium
from bench.figures import Figure, at_most, percentile, told
from bench.mirror_worker import Memory, worker
from bench.mirror_writes import RATE, writes
from bench.scene import Scene
from support.cluster import ROOT, wait_until
from support.database import Database
from support.redis import RedisServer

ROWS, INSERTED = 500_000, 200_000
SECONDS = 10.0
COLUMNS = "id bigint PRIMARY KEY, a text, n numeric, at timestamptz, tags text[], j jsonb"
SOME = """SELECT g, 'text ' || g, g / 7.0, timestamptz '2026-01-01' + g * interval '1 s',
    ARRAY['a', 'b ' || g], jsonb_build_object('k', g) FROM generate_series({}, {}) AS g"""


def delays(db: Database, client: redis.Redis, head: str) -> list[float]:
    """Return the milliseconds from COMMIT's answer to the new value in Redis, at a steady rate of commits."""
    found: list[float] = []
    with db.connect() as own:
        start = time.perf_counter()
        for number in range(int(RATE * SECONDS)):
            due = start + number / RATE
            while time.perf_counter() < due:
                time.sleep(max(0.0, min(0.0005, due - time.perf_counter())))
            row = 1 + number % 1000
            own.execute("UPDATE mirrored SET a = %s WHERE id = %s", [f"x{number}", row])
            began = time.perf_counter()
            wanted, place = f'"x{number}"'.encode(), f"{head}{row}"
            while wanted not in (client.get(place) or b""):
                if time.perf_counter() > began + 10:
                    raise RuntimeError("a commit did not come")
            found.append((time.perf_counter() - began) * 1000)
    return found


def ceilings(db: Database, server: RedisServer) -> list[Figure]:
    """Return how fast the two ends are by themselves."""
    with db.connect() as own, own.cursor() as cursor:
        start = time.perf_counter()
        with cursor.copy("COPY mirrored TO STDOUT") as copy:
            for _ in copy:
                pass
        read = ROWS / (time.perf_counter() - start)
    value = b"x" * 120
    lines = b"".join(
        b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$120\r\n%s\r\n" % (len(key), key, value)
        for key in (b"ceiling:%d" % number for number in range(INSERTED))
    )
    words = ["redis-cli", "-s", str(server.socket), "--no-auth-warning", "-a", server.password, "--pipe"]
    start = time.perf_counter()
    subprocess.run(words, input=lines, check=True, stdout=subprocess.DEVNULL)
    written = INSERTED / (time.perf_counter() - start)
    return [
        told("  ceiling: COPY to a client in Python", read, "rows/s", 0),
        told("  ceiling: redis-cli --pipe, SET of 120 bytes", written, "/s", 0),
    ]


def ours(db: Database, server: RedisServer, client: redis.Redis) -> list[Figure]:
    start = time.perf_counter()
    with worker(db, server.tcp_url) as process:
        memory = Memory(process.pid)
        memory.start()

        def safe() -> bytes | None:
            found: bytes | None = client.get("asymm:mirror:safe:public.mirrored")  # type: ignore[assignment]
            return found

        wait_until(lambda: safe() is not None, 120, "the table is built")
        filled = time.perf_counter() - start
        head = f"asymm:public.mirrored:e{int(safe() or 0)}:"
        took = delays(db, client, head)
        with db.connect() as own:
            own.execute(f"INSERT INTO mirrored {SOME.format(ROWS + 1, ROWS + INSERTED)}".encode())
            start = time.perf_counter()
            wait_until(lambda: client.exists(f"{head}{ROWS + INSERTED}") == 1, 120, "the last row came")
            streamed = time.perf_counter() - start
        peak = memory.stop()
        with worker(db, server.tcp_url, "verify") as checker:
            seen = Memory(checker.pid)
            seen.start()
            start = time.perf_counter()
            code = checker.wait(120)
            compared = time.perf_counter() - start
            verify = seen.stop()
    fifty, ninety = percentile(took, 0.5), percentile(took, 0.99)
    return [
        at_most(f"commit → readable in Redis at {RATE} tx/s, p50", fifty, 0.5, "ms", 2),
        at_most("commit → readable in Redis, p99", ninety, 15, "ms", 2),
        at_least("one INSERT of 200,000 rows, commit → last key", INSERTED / streamed, 50_000, "rows/s"),
        at_least("backfill of 500,000 rows, from the worker's start", ROWS / filled, 120_000, "rows/s"),
        at_most("the worker's memory, at most", peak, 100, "MB", 0),
        Figure("verify finds no difference", "", f"{ROWS + INSERTED:,} rows", code == 0),
        told("  verify", (ROWS + INSERTED) / compared, "rows/s", 0),
        at_most("  its memory, at most", verify, 64, "MB", 0),
    ]


def at_least(name: str, value: float, limit: float, unit: str) -> Figure:
    return Figure(name, f"≥ {limit:,} {unit}", f"{value:,.0f} {unit}", value >= limit)


def rival(db: Database, server: RedisServer, client: redis.Redis) -> list[Figure]:
    """Return the same of Debezium, or why it isn't there."""
    name = Debezium.name
    try:
        debezium = Debezium(ROOT / ".run")
    except (RuntimeError, subprocess.SubprocessError, OSError) as error:
        return [Figure(f"  {name}", "", f"not here: {str(error).splitlines()[0][:60]}")]
    last = ROWS + INSERTED
    start = time.perf_counter()
    process = debezium.start(db.server.port, db.name, "public.mirrored", server.tcp_url)
    memory = Memory(process.pid)
    memory.start()
    try:
        wait_until(lambda: client.exists(f"{Debezium.prefix}{last}") == 1, 120, "Debezium's backfill")
        filled = time.perf_counter() - start
        time.sleep(2)  # its streaming begins a little after its snapshot
        took = delays(db, client, Debezium.prefix)
        with db.connect() as own:
            own.execute(f"INSERT INTO mirrored {SOME.format(last + 1, last + INSERTED)}".encode())
            start = time.perf_counter()
            wait_until(lambda: client.exists(f"{Debezium.prefix}{last + INSERTED}") == 1, 120, "its last row")
            streamed = time.perf_counter() - start
    except AssertionError as error:
        log = (Path(debezium.folder) / "log").read_text().strip().splitlines()
        return [Figure(f"  {name}", "", f"{error}: {(log or [''])[-1][:80]}")]
    finally:
        peak = memory.stop()
        debezium.stop()
    return [
        told(f"  {name}: commit → in Redis, p50", percentile(took, 0.5), "ms", 2),
        told(f"  {name}: commit → in Redis, p99", percentile(took, 0.99), "ms", 2),
        told(f"  {name}: one INSERT of 200,000 rows", INSERTED / streamed, "rows/s", 0),
        told(f"  {name}: backfill, from its start", last / filled, "rows/s", 0),
        told(f"  {name}: memory, at most", peak, "MB", 0),
    ]


def measure(scene: Scene) -> list[Figure]:
    scene.unschedule()
    db, server = scene.db, RedisServer()
    server.start()
    client = redis.Redis.from_url(server.url, socket_timeout=60)
    try:
        db.sql("SELECT asymm.create_mirror_login('bench_mirror')")
        db.sql(f"CREATE TABLE mirrored ({COLUMNS})")
        db.sql(f"INSERT INTO mirrored {SOME.format(1, ROWS)}")
        db.sql("SELECT asymm.mirror('mirrored')")
        db.sql("VACUUM ANALYZE mirrored")
        figures = ours(db, server, client) + ceilings(db, server)
        db.sql("SELECT asymm.unmirror('mirrored')")
        client.flushall(asynchronous=True)
        figures += rival(db, server, client)
        client.flushall(asynchronous=True)
        return figures + writes(scene, server, client)
    finally:
        client.close()
        server.remove()
        slots = "FROM pg_replication_slots WHERE slot_name LIKE 'asymm_mirror_%' OR slot_name LIKE 'bench_%'"
        wait_until(lambda: not db.value(f"SELECT bool_or(active) {slots}"), 20, "the slots are free")
        db.sql(f"SELECT pg_drop_replication_slot(slot_name) {slots}")
        db.sql("DROP TABLE IF EXISTS mirrored")
