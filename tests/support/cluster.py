"""Throwaway Postgres servers: made, started, stopped, killed and given a wrong clock."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / ".ci"
CRON_DATABASE = "asymm_cron"
MEMORY = Path("/dev/shm")
ROOM = 6 << 30
FAKETIME = "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1"


def pg_major() -> str:
    """Return the major version the scripts in .ci would use."""
    command = ["bash", "-c", f". '{CI}/lib.sh' && pg_major"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


MAJOR = pg_major()
BIN = Path(f"/usr/lib/postgresql/{MAJOR}/bin")
LIB = Path(f"/usr/lib/postgresql/{MAJOR}/lib")


def as_owner(*command: str | Path) -> list[str]:
    """Return the command as the account that runs servers: initdb refuses root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    return [*prefix, *map(str, command)]


def run(*command: str | Path, env: Mapping[str, str] | None = None, check: bool = True) -> str:
    """Run a server command as the servers' account and return what it printed."""
    done = subprocess.run(
        as_owner(*command),
        cwd="/",
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def owned_directory(prefix: str, parent: str = "/tmp") -> Path:
    """Make a directory only the servers' account and root can enter."""
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(path, account.pw_uid, account.pw_gid)
    return path


def server_directory(*, durable: bool = False) -> Path:
    """Make a directory for a server: in memory, where a test's database is made in a fraction of the time.

    On a disk if it is to be durable, or if there is little memory.
    """
    prefix = f"asymm-pg-{os.getpid()}-"
    if durable or not os.access(MEMORY, os.W_OK | os.X_OK):
        return owned_directory(prefix)
    # What a run left that was killed would stay in memory.
    for left in MEMORY.glob("asymm-pg-*"):
        with contextlib.suppress(OSError, ValueError):
            served = (left / "data/postmaster.pid").exists() and alive(postmaster(left / "data"))
            if not served and not alive(int(left.name.split("-")[2])):
                shutil.rmtree(left)
    available = re.search(r"^MemAvailable: *(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    free = min(shutil.disk_usage(MEMORY).free, int(available[1]) * 1024 if available else 0)
    return owned_directory(prefix, str(MEMORY) if free > ROOM else "/tmp")


def postmaster(data: Path) -> int:
    """Return the number of the process that serves a data directory, or did."""
    return int((data / "postmaster.pid").read_text().split("\n")[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(done: Callable[[], bool], timeout: float, what: str) -> float:
    """Poll until done() holds; return the seconds it took, fail after timeout."""
    start = time.monotonic()
    while not done():
        if time.monotonic() - start > timeout:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.01)
    return time.monotonic() - start


def children(pid: int) -> list[int]:
    """Return the processes whose parent is pid."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended but was not yet collected by its parent doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Cluster:
    """One server with everything preloaded; pg_cron serves the database `asymm_cron`.

    durable: on a disk, fsync on, for tests that kill it. faketime: its clock follows set_clock().
    """

    live: ClassVar[list[Cluster]] = []

    def __init__(
        self, settings: Mapping[str, str] | None = None, *, durable: bool = False, faketime: bool = False
    ) -> None:
        self.directory = server_directory(durable=durable)
        self.data = self.directory / "data"
        self.log = self.directory / "log"
        self.port = free_port()
        self.environment: dict[str, str] = {}
        if faketime:
            library = next(
                (path for m in ("x86_64", "aarch64") if Path(path := FAKETIME.format(m)).exists()), None
            )
            if library is None:
                raise RuntimeError("libfaketime is missing: .ci/packages test")
            self.clock = self.directory / "clock"
            self.clock.write_text("+0\n")
            self.clock.chmod(0o644)
            self.environment = {
                "LD_PRELOAD": library,
                "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        self._initdb({"fsync": "on" if durable else "off", **(settings or {})})

    def _initdb(self, settings: Mapping[str, str]) -> None:
        run(
            BIN / "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        )
        needed = subprocess.run(
            [CI / "settings", MAJOR, CRON_DATABASE], check=True, capture_output=True, text=True
        )
        own = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            "shared_buffers": "64MB",
            "cron.launch_active_jobs": "on",
            **settings,
        }
        lines = [needed.stdout, *(f"{name} = '{value}'\n" for name, value in own.items())]
        with (self.data / "postgresql.conf").open("a") as config:
            config.writelines(lines)
        single = as_owner(
            BIN / "postgres", "--single", "-D", self.data, "-c", "shared_preload_libraries=", "postgres"
        )
        command = f"CREATE DATABASE {CRON_DATABASE}"
        subprocess.run(single, input=command, cwd="/", text=True, check=True, capture_output=True)

    def set_clock(self, offset: str) -> None:
        """Shift the server's clock, in libfaketime's words: '+0', '-1h', '+10m', '+1d'."""
        draft = self.clock.with_suffix(".new")
        draft.write_text(f"{offset}\n")
        draft.chmod(0o644)
        draft.replace(self.clock)

    def start(self, timeout: float = 60) -> None:
        if self not in Cluster.live:
            Cluster.live.append(self)
        run(
            *(BIN / "pg_ctl", "-D", self.data, "-l", self.log, "-w", "-s", "-t", str(int(timeout)), "start"),
            env=self.environment,
        )

    def stop(self, mode: str = "fast", timeout: float = 60) -> float:
        """Stop the server and return the seconds it took."""
        start = time.monotonic()
        run(BIN / "pg_ctl", "-D", self.data, "-m", mode, "-w", "-s", "-t", str(int(timeout)), "stop")
        return time.monotonic() - start

    def pid(self) -> int:
        return postmaster(self.data)

    def running(self) -> bool:
        try:
            return alive(self.pid())
        except (OSError, ValueError):
            return False

    def kill(self) -> None:
        """Kill -9 the postmaster and wait until its children noticed and left."""
        postmaster = self.pid()
        family = children(postmaster)
        os.kill(postmaster, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while any(map(alive, family)) and time.monotonic() < deadline:
            time.sleep(0.01)
        for pid in filter(alive, family):
            # pg_cron's scheduler may miss that its postmaster is gone, if a job just ended.
            if b"pg_cron launcher" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(alive, [postmaster, *family])), 30, "all processes left")
        # Where process 1 collects no orphans the dead one keeps its number, and its locks would look held.
        for lock in (self.data / "postmaster.pid", self.directory / f".s.PGSQL.{self.port}.lock"):
            if Path(f"/proc/{postmaster}").exists():
                lock.unlink(missing_ok=True)

    def kill_backend(self, pid: int) -> None:
        """Kill -9 one backend, which sends the whole server into crash recovery."""
        if pid not in children(self.pid()):
            raise AssertionError(f"{pid} is not a backend of this server")
        os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """Stop the server if it runs and delete its files."""
        if self.running():
            self.stop("immediate")
        if self in Cluster.live:
            Cluster.live.remove(self)
        shutil.rmtree(self.directory, ignore_errors=True)

    def dsn(self, database: str = "postgres", user: str = "postgres", **options: Any) -> str:
        return make_conninfo(
            host=str(self.directory), port=str(self.port), dbname=database, user=user, **options
        )

    def connect(self, database: str = "postgres", **options: Any) -> psycopg.Connection:
        """Open a connection in autocommit mode."""
        return psycopg.connect(self.dsn(database, **options), autocommit=True)

    @contextlib.contextmanager
    def admin(self) -> Iterator[psycopg.Connection]:
        with self.connect() as connection:
            yield connection

    def log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def log_text(self, offset: int = 0) -> str:
        """Return the server's log from offset on."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")
