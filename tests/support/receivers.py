"""Receivers of alerts: an HTTP server that answers as told, a mail server, an Alertmanager."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from support.cluster import free_port, wait_until


@dataclass(frozen=True)
class Request:
    """What somebody posted."""

    path: str
    headers: Message[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What is answered: a status, headers, JSON; after so many seconds."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    json: Any = None
    after: float = 0.0


class Receiver:
    """Keeps what is posted to it; answers with `replies`, one after the other, then always 200."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.replies: deque[Reply] = deque()
        self.closing = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append(Request(self.path, self.headers, body))
                reply = receiver.replies.popleft() if receiver.replies else Reply()
                receiver.closing.wait(reply.after)
                said = json.dumps(reply.json).encode() if reply.json is not None else b""
                try:
                    self.send_response(reply.status)
                    for name, value in (*reply.headers, ("Content-Length", str(len(said)))):
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(said)
                except OSError:
                    return  # who asked was killed meanwhile

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def wrap(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")

    def wait(self, count: int, timeout: float = 60) -> list[Request]:
        """Wait until so many requests came; return them."""
        wait_until(
            lambda: len(self.requests) >= count, timeout, f"{count} requests, not {len(self.requests)}"
        )
        return self.requests[:count]

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Alertmanager:
    """Debian's, telling what it has to a webhook."""

    CONFIG = """
route: {receiver: us, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: us, webhook_configs: [{url: %s}]}]
"""

    def __init__(self, hook: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="asymm-am-"))
        (self.directory / "config.yml").write_text(self.CONFIG % hook)
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log = (self.directory / "log").open("wb")
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                "prometheus-alertmanager", f"--config.file={self.directory / 'config.yml'}",
                f"--storage.path={self.directory / 'data'}", "--cluster.listen-address=",
                f"--web.listen-address={self.url.removeprefix('http://')}",
            ],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        wait_until(self._ready, 20, "the Alertmanager answers")

    def _ready(self) -> bool:
        try:
            with urlopen(f"{self.url}/-/ready", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            time.sleep(0.02)
            return False

    def alerts(self) -> list[dict[str, Any]]:
        """Return what it thinks is going on."""
        with urlopen(f"{self.url}/api/v2/alerts", timeout=5) as reply:
            found: list[dict[str, Any]] = json.load(reply)
            return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        self._log.close()
        shutil.rmtree(self.directory)
