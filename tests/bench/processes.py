"""CPU time and memory of server processes, from /proc."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from support.cluster import children


def cpu_ms(pid: int) -> float:
    """Return the milliseconds a process has been on a CPU since it began; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def ended_children_ms(pid: int) -> float:
    """Return the milliseconds on a CPU of those children of a process that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * 1000 / os.sysconf("SC_CLK_TCK")


def own_memory_kb(pid: int) -> tuple[int, int]:
    """Return (private anonymous, proportional set size) of a process in kB."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        found[name] = int(value.split()[0])
    return found["Anonymous"], found["Pss"]


def title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


class CronMeter:
    """Sums the CPU time of every process pg_cron starts, by process, while it runs."""

    def __init__(self, postmaster: int, every: float = 0.1) -> None:
        self._postmaster = postmaster
        self._every = every
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._skip: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._look(already=True)
        self._thread.start()

    def stop(self) -> dict[int, float]:
        """Return the milliseconds each process used in the meantime."""
        self._stop.set()
        self._thread.join()
        self._look()
        return {pid: self._last[pid] - first for pid, first in self._first.items()}

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._look()

    def _look(self, *, already: bool = False) -> None:
        for pid in children(self._postmaster):
            if pid in self._skip:
                continue
            used = cpu_ms(pid)
            if pid not in self._first:
                name = title(pid)
                if "pg_cron worker" not in name:
                    # A process that has not yet set its title is looked at again.
                    if ":" in name:
                        self._skip.add(pid)
                    continue
                self._first[pid] = used if already else 0.0
            self._last[pid] = max(self._last.get(pid, 0.0), used)
