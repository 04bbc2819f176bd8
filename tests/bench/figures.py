"""A figure with its target, percentiles, a bootstrap interval, and the table that is printed."""

from __future__ import annotations

import math
import os
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg


@dataclass(frozen=True)
class Figure:
    """One measured value. met is None for a figure that is told without a promise."""

    name: str
    target: str
    measured: str
    met: bool | None = None


def at_most(name: str, value: float, limit: float, unit: str, digits: int = 1) -> Figure:
    return Figure(name, f"≤ {limit:g} {unit}", f"{value:.{digits}f} {unit}", value <= limit)


def told(name: str, value: float, unit: str, digits: int = 1) -> Figure:
    return Figure(name, "", f"{value:.{digits}f} {unit}")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def bootstrap(values: Sequence[float], seed: int, rounds: int = 5000) -> tuple[float, float]:
    """Return the 95 % confidence interval of the median."""
    rng = random.Random(seed)
    medians = [statistics.median(rng.choices(values, k=len(values))) for _ in range(rounds)]
    return percentile(medians, 0.025), percentile(medians, 0.975)


def machine(connection: psycopg.Connection) -> list[str]:
    """Return what the figures were measured on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown processor",
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1048576
    settings = connection.execute(
        "SELECT string_agg(format('%s = %s', name, current_setting(name)), ', ' ORDER BY name)"
        " FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'shared_buffers', 'wal_level',"
        " 'full_page_writes', 'jit', 'max_connections', 'shared_preload_libraries', 'track_io_timing')"
    ).fetchone()
    version = connection.execute("SELECT version()").fetchone()
    return [
        f"machine   {cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {os.uname().release}",
        f"load      {', '.join(f'{load:.2f}' for load in os.getloadavg())} (1, 5, 15 min) as it began",
        f"server    {version[0].split(',')[0] if version else ''}",
        f"settings  {settings[0] if settings else ''}",
    ]


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as an aligned table."""
    rows = [("figure", "target", "measured", "met")]
    rows += [(f.name, f.target, f.measured, {True: "yes", False: "NO", None: ""}[f.met]) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)
