"""The live page: what its server takes with a hundred browsers, and how soon they see a slip."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

from bench.figures import Figure, at_most, percentile, told
from bench.processes import own_memory_kb
from bench.scene import SCHEMA, Scene

READER = "bench_reader"
BROWSERS = 100
SECONDS = 20.0
SLIPS = 60

# Reads what comes, on connections of its own, and counts: it takes the server's time, not its process's.
BROWSE = """
import asyncio, sys, time
port, browsers, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
events = size = 0

async def browse():
    global events, size
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/events HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    while piece := await reader.read(1 << 18):
        events += piece.count(b"\\nevent: ")
        size += len(piece)

async def main():
    global events, size
    tasks = [asyncio.create_task(browse()) for _ in range(browsers)]
    await asyncio.sleep(5)
    events, size, start = 0, 0, time.monotonic()
    print("begin", flush=True)
    await asyncio.sleep(seconds)
    took = time.monotonic() - start
    print(events / took / browsers, size / took / browsers / 1024, flush=True)

asyncio.run(main())
"""


class Page:
    """`asymmetrica dashboard` as a process."""

    def __init__(self, scene: Scene) -> None:
        if not scene.db.value("SELECT count(*) FROM pg_roles WHERE rolname = %s", READER):
            scene.db.sql(f"CREATE ROLE {READER} LOGIN IN ROLE asymm_reader")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "asymmetrica", "dashboard", "--port=0", "--dsn", scene.db.dsn_of(READER)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        found = re.search(r":(\d+)/", self.process.stdout.readline())
        assert found is not None
        self.port = found[1]

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def cpu_ms(pid: int) -> float:
    """Return the milliseconds that all threads of a process have been on a CPU."""
    return (
        sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6
    )


def load(scene: Scene, page: Page, browsers: int) -> tuple[float, float, float, float]:
    """Return shares of a core (server of the page, of the database), events a second, KiB a second."""
    command = [sys.executable, "-c", BROWSE, page.port, str(browsers), str(SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reading:
        assert reading.stdout is not None
        reading.stdout.readline()
        reads = scene.db.sql("SELECT pid FROM pg_stat_activity WHERE usename = %s", READER)
        pids = [page.process.pid, *(row[0] for row in reads)]
        before, start = [cpu_ms(pid) for pid in pids], time.monotonic()
        events, size = map(float, reading.stdout.readline().split())
        took = (time.monotonic() - start) * 10
        used = [(cpu_ms(pid) - was) / took for pid, was in zip(pids, before, strict=True)]
    return used[0], sum(used[1:]), events, size


def slips(scene: Scene, page: Page) -> list[float]:
    """Return the milliseconds from a commit of DDL to a browser's having its row."""
    found = []
    connection = HTTPConnection("127.0.0.1", int(page.port), timeout=30)
    connection.request("GET", "/api/events")
    browser, owner = connection.getresponse(), scene.owner()
    for number in range(SLIPS):
        table = f"{SCHEMA}.t{number:04}"
        column = f"slip_{os.getpid()}_{number}"
        owner.execute(f"ALTER TABLE {table} ADD COLUMN {column} integer".encode())
        start = time.perf_counter()
        while column.encode() not in browser.readline():
            pass
        found.append((time.perf_counter() - start) * 1000)
    browser.close()
    connection.close()
    return found


def measure(scene: Scene) -> list[Figure]:
    scene.watch()
    scene.db.sql("SELECT asymm.configure(notify => 'beat')")
    page = Page(scene)
    try:
        with scene.pulse(300, "fast"):
            one = load(scene, page, 1)
            many = load(scene, page, BROWSERS)
            memory = own_memory_kb(page.process.pid)[1] / 1024
            seen = slips(scene, page)
    finally:
        page.close()
        scene.db.sql("SELECT asymm.configure(notify => 'change')")
    return [
        at_most(
            f"page, {BROWSERS} browsers at {many[2]:.1f} events a second, share of a core", many[0], 15, "%"
        ),
        told("the same, one browser", one[0], "%"),
        told("its questions in the database, share of a core", many[1], "%"),
        told("each browser reads", many[3], "KiB/s"),
        told("memory of the page's server", memory, "MiB"),
        at_most("commit of a slip, seen by a browser, p50", percentile(seen, 0.5), 250, "ms"),
        at_most("the same, p99", percentile(seen, 0.99), 500, "ms"),
    ]
