"""The beat over real hand-overs of pg_cron, what it costs when nothing happens, the memory of its loop."""

from __future__ import annotations

import statistics
import time

from bench.figures import Figure, at_most, percentile, told
from bench.processes import CronMeter, own_memory_kb
from bench.scene import Scene

MINUTES = 3.2
NOMINAL = 11000 / 54
BEATS_PER_HOUR = 3600 * 54 / 11


def beats(scene: Scene) -> list[Figure]:
    """Measure intervals, hand-overs and CPU time while nobody does anything."""
    scene.watch()
    scene.schedule()
    meter = CronMeter(scene.cluster.pid())
    since = scene.db.value("SELECT clock_timestamp()")
    tick = (
        "SELECT seq, EXTRACT(epoch FROM beat_at)::float8 * 1000, missed FROM asymm.pulse_state"
        " WHERE lane = 'fast'"
    )
    first = scene.db.sql(tick)[0]
    start = time.monotonic()
    meter.start()
    pids: dict[str, set[int]] = {"fast": set(), "slow": set()}
    while time.monotonic() - start < MINUTES * 60:
        for lane, pid in scene.loops().items():
            pids[lane].add(pid)
        time.sleep(2)
    used = meter.stop()
    seconds = time.monotonic() - start
    last = scene.db.sql(tick)[0]
    intervals = [
        float(row[0])
        for row in scene.db.sql(
            "SELECT v.ms FROM asymm.beat_summary AS b, unnest(b.intervals_ms) AS v (ms)"
            " WHERE b.lane = 'fast' AND b.at > %s",
            since,
        )
    ]
    work = [
        float(row[0])
        for row in scene.db.sql(
            "SELECT v.ms FROM asymm.beat_summary AS b, unnest(b.work_ms) AS v (ms)"
            " WHERE b.lane = 'fast' AND b.at > %s",
            since,
        )
    ]
    mean = (last[1] - first[1]) / (last[0] - first[0])
    missed = last[2] - first[2]
    hand_overs = len(pids["fast"]) - 1

    def share(chosen: set[int]) -> float:
        return sum(used.get(pid, 0.0) for pid in chosen) / (seconds * 10)

    return [
        Figure("beat, mean interval", "203.7 ± 0.1 ms", f"{mean:.3f} ms", abs(mean - NOMINAL) <= 0.1),
        at_most(f"beat, p99 of {len(intervals)} intervals", percentile(intervals, 0.99), 210, "ms"),
        told("  longest interval", max(intervals), "ms"),
        told("  work of a beat, p50", percentile(work, 0.5), "ms", 2),
        told("  work of a beat, p99", percentile(work, 0.99), "ms", 2),
        Figure("beats missed", "0", str(missed), missed == 0),
        Figure("hand-overs in that time", "≥ 2", str(hand_overs), hand_overs >= 2),
        at_most("idle, the beat's share of a core", share(pids["fast"]), 0.5, "%", 2),
        told("  the slow lane's", share(pids["slow"]), "%", 2),
        at_most("idle, everything, 1,000 tables watched", share(set(used)), 1, "%", 2),
    ]


def memory(scene: Scene) -> list[Figure]:
    """Let one loop beat an hour's beats in minutes and see whether it grows."""
    scene.unschedule()
    scene.db.sql("SELECT asymm.configure(period => '50 ms')")
    try:
        with scene.pulse(120, "fast"):
            pid = scene.loops()["fast"]
            seen = []
            for _ in range(10):
                time.sleep(4)
                beat = scene.db.value("SELECT seq FROM asymm.pulse_state WHERE lane = 'fast'")
                seen.append((beat, *own_memory_kb(pid)))
    finally:
        scene.db.sql("SELECT asymm.configure(period => '203.7037 ms')")
    # What the plans take is there after the first seconds; the slope after that is the leak.
    settled = seen[3:]
    growth = (settled[-1][1] - settled[0][1]) / (settled[-1][0] - settled[0][0]) * BEATS_PER_HOUR / 1024
    return [
        at_most(
            "memory of the loop's process, own",
            statistics.median(kb for _, kb, _ in settled) / 1024,
            32,
            "MiB",
        ),
        told("  with its share of what is shared (PSS)", settled[-1][2] / 1024, "MiB"),
        at_most("  growth, as of an hour's beats", growth, 2, "MiB", 2),
    ]


def measure(scene: Scene) -> list[Figure]:
    return [*beats(scene), *memory(scene)]
