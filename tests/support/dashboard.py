"""The live page's server in a thread, its requests, and a browser that keeps what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from asymmetrica.dashboard.guard import is_loopback
from asymmetrica.dashboard.server import Dashboard, Options, Server, configuration, listen
from support.cluster import wait_until

ASKS = b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
TOKEN = "a-token-of-tests-0123456789"
PAGE = b"<!doctype html><title>a page of tests</title>"


class Answer:
    """What came back: status, headers, bytes."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def dicts(self) -> list[dict[str, Any]]:
        table = self.json
        return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


class Site:
    """A dashboard that serves in a thread until it is closed; `host` is what it believes to be bound to."""

    def __init__(
        self, dsn: str, files: Path, *, host: str = "127.0.0.1", port: int = 0, **options: Any
    ) -> None:
        given = Options(token=TOKEN, loopback=is_loopback(host), files=files, **options)
        listening = listen("127.0.0.1", port)
        self.port: int = listening.getsockname()[1]
        self.dashboard = Dashboard(dsn, given)
        ready = threading.Event()

        def begun() -> None:
            self.loop = asyncio.get_running_loop()
            ready.set()

        self.server = Server(configuration(self.dashboard, given), self.dashboard.board, begun)
        self._thread = threading.Thread(target=self.server.run, args=([listening],))
        self._thread.start()
        if not ready.wait(20):
            raise AssertionError("the server does not start")

    def ask(
        self,
        path: str,
        body: Any = None,
        *,
        method: str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask for a path as it is; a body is sent as JSON unless it is bytes."""
        sent = {"Host": f"127.0.0.1:{self.port}"}
        content: bytes | None = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        sent.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(
                method or ("GET" if content is None else "POST"),
                path,
                skip_host=True,
                skip_accept_encoding=True,
            )
            if content is not None and not {"Content-Length", "Transfer-Encoding"} & sent.keys():
                sent["Content-Length"] = str(len(content))
            for name, value in sent.items():
                if value:
                    connection.putheader(name, value)
            connection.endheaders(content)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def watchers(self) -> int:
        return self.dashboard.board.watchers

    def close(self) -> float:
        """Stop the server; return the seconds it took."""
        start = time.monotonic()
        self.server.should_exit = True
        self._thread.join(20)
        if self._thread.is_alive():
            raise AssertionError("the server does not end")
        return time.monotonic() - start


class Browser:
    """Reads /api/events in a thread and keeps the state as the page does."""

    def __init__(self, site: Site, *, last: str | None = None, token: str | None = None) -> None:
        self.state: dict[str, Any] = {"tiles": {}}
        self.events: list[tuple[str, float]] = []
        self.last: str | None = None
        self.ended = False
        self._change = threading.Condition()
        self._connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
        headers = {"Host": "localhost"}
        if last is not None:
            headers["Last-Event-ID"] = last
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._connection.request("GET", "/api/events", headers=headers)
        self._response = self._connection.getresponse()
        self.status = self._response.status
        self._socket = self._connection.sock
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        event: dict[str, str] = {}
        try:
            for line in self._response:
                text = line.decode().rstrip("\n")
                if text:
                    name, _, value = text.partition(": ")
                    event[name] = value
                elif "data" in event:
                    self._take(event)
                    event = {}
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        with self._change:
            self.ended = True
            self._change.notify_all()

    def _take(self, event: dict[str, str]) -> None:
        data = json.loads(event["data"])
        with self._change:
            if event["event"] == "state":
                self.state = data
            else:
                self.state["tiles"].update(data.pop("tiles"))
                self.state.update(data)
            self.last = event["id"]
            self.events.append((event["event"], time.monotonic()))
            self._change.notify_all()

    def rows(self, tile: str) -> list[dict[str, Any]]:
        """Return a tile's rows by column."""
        found = self.state["tiles"].get(tile)
        return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]] if found else []

    def wait(self, done: Callable[[Browser], Any], timeout: float = 10, what: str = "") -> float:
        """Wait until done() holds; return the time it did, by time.monotonic()."""
        with self._change:
            if not self._change.wait_for(lambda: done(self), timeout):
                raise AssertionError(f"not within {timeout} s: {what or done}")
            return self.events[-1][1] if self.events else time.monotonic()

    def wait_for_connection(self, state: str, timeout: float = 15) -> None:
        self.wait(lambda it: it.state.get("connection", {}).get("state") == state, timeout, state)

    def wait_for_tiles(self, timeout: float = 15) -> Browser:
        """Wait until every tile was read."""
        self.wait(
            lambda it: it.state.get("catalog") and it.state["catalog"].keys() == it.state["tiles"].keys(),
            timeout, "all tiles",
        )  # fmt: skip
        return self

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._response.close()
        self._connection.close()


def settled(site: Site) -> None:
    """Wait until nobody looks any more."""
    wait_until(lambda: site.watchers() == 0, 5, "nobody looks")
