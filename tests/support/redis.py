"""A throwaway Redis server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

import redis

from support.cluster import alive, as_owner, free_port, owned_directory, wait_until


class RedisServer:
    """A Redis without persistence on a Unix socket and a TCP port, with a password."""

    password = "not-a-secret"

    def __init__(self) -> None:
        self.directory = owned_directory("asymm-redis-")
        self.port = free_port()
        self.socket = self.directory / "redis.sock"
        self.pidfile = self.directory / "redis.pid"
        self.url = f"unix://default:{self.password}@{self.socket}"
        self.tcp_url = f"redis://default:{self.password}@127.0.0.1:{self.port}/0"

    def options(self) -> dict[str, str]:
        return {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "unixsocket": str(self.socket),
            "requirepass": self.password,
            "dir": str(self.directory),
            "pidfile": str(self.pidfile),
            "logfile": str(self.directory / "log"),
            "daemonize": "yes",
            "save": "",
        }

    def start(self, *more: str) -> None:
        """Start it, with more options."""
        named = [word for name, value in self.options().items() for word in (f"--{name}", value)]
        words = as_owner("redis-server", *named, *more)
        subprocess.run(words, check=True, cwd="/", stdout=subprocess.DEVNULL)
        wait_until(lambda: self.socket.exists() and self._written(), 10, "Redis listens")
        self.pid = int(self.pidfile.read_text())

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def with_tls(self, certificate: bytes, key: bytes) -> int:
        """Listen on another port with TLS too; return it."""
        port = free_port()
        for name, content in (("tls.crt", certificate), ("tls.key", key)):
            path = self.directory / name
            path.write_bytes(content)
            path.chmod(0o644)
        words = ["--no-auth-warning", "-s", str(self.socket), "-a", self.password, "config", "set"]
        words += [
            "tls-cert-file",
            str(self.directory / "tls.crt"),
            "tls-key-file",
            str(self.directory / "tls.key"),
        ]
        words += ["tls-auth-clients", "no", "tls-port", str(port)]
        done = subprocess.run(["redis-cli", *words], check=True, capture_output=True, text=True)
        assert done.stdout == "OK\n", done.stdout
        return port

    def _written(self) -> bool:
        """Whether the file with its number is there and no longer empty."""
        return self.pidfile.exists() and self.pidfile.read_text().endswith("\n")

    def signal(self, number: int) -> None:
        """Send a signal: SIGSTOP makes it hang, SIGCONT goes on."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill -9; what it held is lost."""
        self.signal(signal.SIGKILL)
        wait_until(lambda: not alive(self.pid), 10, "Redis is gone")
        self.socket.unlink(missing_ok=True)
        self.pidfile.unlink(missing_ok=True)

    def remove(self) -> None:
        if self.pidfile.exists():
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
