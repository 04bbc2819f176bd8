"""The mirror's worker as a process of its own, and its memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.database import Database


class Memory(threading.Thread):
    """The highest resident memory of a process, and of what it is when asked in between."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self._over = threading.Event()
        self.peak = 0.0

    def run(self) -> None:
        while not self._over.wait(0.05):
            self._look()

    def stop(self) -> float:
        """Return the peak in MB."""
        self._over.set()
        self.join()
        return self.peak

    def _look(self) -> None:
        try:
            lines = self._status.read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return
        found = [int(line.split()[1]) for line in lines if line.startswith("VmRSS")]
        self.peak = max(self.peak, *(kb / 1000 for kb in found), 0.0)


@contextmanager
def worker(db: Database, url: str, what: str = "run") -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of the mirror as a process of its own."""
    command = [
        sys.executable,
        "-m",
        "asymmetrica",
        "mirror",
        what,
        "--json",
        "--dsn",
        db.dsn_of("bench_mirror"),
    ]
    process = subprocess.Popen(
        command,
        env={**os.environ, "ASYMMETRICA_REDIS": url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
