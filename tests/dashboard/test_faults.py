"""The page lives on: slow browsers, a database that stops, hangs or changes, and its own end."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest

from asymmetrica.cli import main
from asymmetrica.dashboard import poller
from asymmetrica.eyes.reader import Rows
from support import database
from support.certificates import Authority
from support.cluster import free_port, wait_until
from support.dashboard import TOKEN, Browser, Site
from support.database import Database
from support.proxy import Proxy
from support.pulse import Loop, make_actor, make_table

from ..conftest import MakeServer
from .conftest import Look, MakeSite

ASKS = b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Program:
    """`asymmetrica dashboard` as a process of its own; the token, if any, is in its environment."""

    def __init__(self, dsn: str, *words: str, token: str | None = TOKEN) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        if token is not None:
            environment["ASYMMETRICA_DASHBOARD_TOKEN"] = token
        self.process = subprocess.Popen(
            [sys.executable, "-m", "asymmetrica", "dashboard", "--dsn", dsn, *words], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def port(self) -> int:
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        found = re.search(r":(\d+)/", self.said)
        assert found, (self.said, *self.end())
        return int(found[1])

    def end(self) -> tuple[int, str, str, float]:
        """Terminate it; return its exit code, what it printed, and how long that took."""
        start = time.monotonic()
        self.process.terminate()
        out, errors = self.process.communicate(timeout=20)
        return self.process.returncode, out, errors, time.monotonic() - start


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    made: list[Program] = []
    yield made
    for program in made:
        if program.process.poll() is None:
            program.process.kill()
            program.process.communicate()


def slow(site: Site) -> socket.socket:
    """Return a browser that asks for events and reads none."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", site.port))
    made.sendall(ASKS)
    return made


def publish(site: Site, number: int, size: int) -> None:
    """Put rows of that size on the board, as the poller does."""
    board = site.dashboard.board
    board.put("large", Rows("now", ("number", "text"), [(number, "x" * size)]))
    board.publish()


def test_a_slow_browser_costs_nothing_and_ends_up_with_the_newest(
    db: Database, make_site: MakeSite, look: Look
) -> None:
    site = make_site(db.dsn)
    quick = look(site).wait_for_tiles()
    many = [slow(site) for _ in range(10)]
    wait_until(lambda: site.watchers() == 11, 10, "all look")
    changes, size = 300, 50_000
    connections = site.server.server_state.connections
    most = 0
    for number in range(1, changes + 1):
        site.loop.call_soon_threadsafe(publish, site, number, size)
        quick.wait(lambda it, number=number: (it.rows("large") or [{"number": 0}])[0]["number"] == number)
        most = max(most, *(it.transport.get_write_buffer_size() for it in connections))
    # One state and one patch at most wait for each, whatever was told meanwhile.
    assert most < 5 * size
    newest = f'"rows":[[{changes},'.encode()
    for one in many:
        one.settimeout(10)
        read = b""
        while newest not in read[-2 * size :] or not read.endswith(b"\n\n\r\n"):
            read += one.recv(1 << 16)
        assert len(read) < changes * size / 5
        one.close()


def test_the_database_stops_and_comes_back(own_server: MakeServer, make_site: MakeSite, look: Look) -> None:
    server = own_server()
    db = database.create(server)
    db.sql("CREATE EXTENSION asymmetrica")
    actor, owner = make_actor(db)
    make_table(db, owner, "propose")
    site = make_site(db.dsn_of(db.role("reader", member_of=("asymm_reader",))))
    browser = look(site).wait_for_tiles()
    Loop(db, actor, "60 s").wait_for_beats()
    browser.wait_for_connection("up")
    db.close()
    server.stop("immediate")
    browser.wait_for_connection("down", 3)
    assert browser.state["connection"]["message"]
    assert site.ask("/api/metrics").status == 503
    late = look(site)
    late.wait_for_connection("down")
    server.start()
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    db.sql("SELECT asymm._process_ddl()")
    for one in (browser, late):
        one.wait_for_connection("silent")
        one.wait(lambda it: it.rows("drift"))
        one.wait(lambda it: it.rows("vitals")[0]["drifted"] == 1)
    assert not browser.ended
    assert site.ask("/api/metrics").status == 200
    Loop(db, actor, "60 s").wait_for_beats()
    browser.wait_for_connection("up")
    # The database goes, and so does the extension.
    db.sql("SELECT asymm.stop()")
    db.sql("DROP EXTENSION asymmetrica CASCADE")
    browser.wait_for_connection("down")
    assert "asymmetrica is not installed" in browser.state["connection"]["message"]
    db.close()


def test_a_database_that_hangs_is_down(
    db: Database, make_site: MakeSite, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "HANGS", 0.7)
    proxy = Proxy("127.0.0.1", db.server.port)
    try:
        site = make_site(psycopg.conninfo.make_conninfo(db.dsn, host="127.0.0.1", port=proxy.port))
        browser = look(site).wait_for_tiles()
        proxy.hold()
        browser.wait_for_connection("down", 5)
        assert "did not answer" in browser.state["connection"]["message"]
        proxy.release()
        browser.wait_for_connection("silent", 10)
        proxy.hold()
        browser.wait_for_connection("down", 5)
        assert site.close() < 2
    finally:
        proxy.close()


def test_nothing_is_asked_while_nobody_looks(
    db: Database, make_site: MakeSite, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "LEFT", 0.2)
    site = make_site(db.dsn_of(db.role("reader", member_of=("asymm_reader",))))
    for _ in range(2):
        browser = look(site).wait_for_tiles()
        assert site.dashboard.board.fresh.is_set()
        browser.close()
        wait_until(lambda: not site.dashboard.board.fresh.is_set(), 5, "nothing is asked")


def test_it_ends_at_once_and_says_no_secret(db: Database, programs: list[Program]) -> None:
    reader = db.dsn_of(db.role("reader", member_of=("asymm_reader",)))
    program = Program(f"{reader} password=a-secret", "--port", "0", "--json", "--allow-actions")
    programs.append(program)
    port = program.port()
    lines = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(4)]
    read = {}
    for line in lines[:3]:
        line.sendall(ASKS)
        read[line] = line.recv(4096)
        assert read[line].startswith(b"HTTP/1.1 200")
    lines[3].sendall(b"POST /api/heal HTTP/1.1\r\nHost: localhost\r\nContent-Le")
    code, out, errors, seconds = program.end()
    assert (code, out) == (0, "")
    assert seconds < 2
    assert program.said == f'{{"event": "listening", "url": "http://127.0.0.1:{port}/"}}\n'
    assert "asymm_operator" in errors
    assert not re.search(f"{TOKEN}|a-secret", f"{program.said}{errors}")
    for line in lines[:2]:
        while piece := line.recv(1 << 16):
            read[line] += piece
        assert read[line].endswith(b"\r\n0\r\n\r\n")
    for line in lines:
        line.close()


def test_it_starts_before_the_database_does(programs: list[Program]) -> None:
    program = Program(f"host=127.0.0.1 port={free_port()} dbname=x user=x password=a-secret", "--port", "0")
    programs.append(program)
    with socket.create_connection(("127.0.0.1", program.port()), timeout=10) as line:
        line.sendall(ASKS)
        read = b""
        while b'"state":"down"' not in read:
            read += line.recv(1 << 16)
        assert b"a-secret" not in read
    os.kill(program.process.pid, signal.SIGINT)
    code, _, errors, _ = program.end()
    assert code == 0
    assert "warning: no connection yet" in errors
    assert "a-secret" not in errors


def test_what_is_not_safe_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_file = tmp_path / "token"
    open_file.write_text(TOKEN)
    open_file.chmod(0o644)
    elsewhere = ("--host", "0.0.0.0", "--port", "0")
    wrong: list[tuple[tuple[str, ...], str | None, str]] = [
        (elsewhere, None, "a token is needed"),
        (elsewhere, TOKEN, "the token would travel in clear"),
        (elsewhere, "short", "16 ASCII characters"),
        (("--token-file", str(open_file)), None, "others may read the token's file"),
        (("--certfile", "x"), TOKEN, "go together"),
        (("--host", "no.such.host.invalid", "--without-tls"), TOKEN, "can't be listened at"),
    ]
    for words, token, message in wrong:
        monkeypatch.setenv("ASYMMETRICA_DASHBOARD_TOKEN", token or "")
        code = main(["dashboard", "--dsn", "host=127.0.0.1 port=1", *words])
        out, errors = capsys.readouterr()
        assert (code, out) == (2, ""), words
        assert message in errors
        assert TOKEN not in errors


def test_elsewhere_it_speaks_tls(db: Database, tmp_path: Path, programs: list[Program]) -> None:
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.certificate()
    (tmp_path / "crt").write_bytes(certificate)
    (tmp_path / "key").write_bytes(key)
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)
    program = Program(
        db.dsn, "--host", "0.0.0.0", "--port", "0", "--token-file", str(token),
        "--certfile", str(tmp_path / "crt"), "--keyfile", str(tmp_path / "key"), token=None,
    )  # fmt: skip
    programs.append(program)
    port = program.port()
    assert program.said == f"https://0.0.0.0:{port}/\n"
    context = ssl.create_default_context(cafile=str(authority.root))

    def status(**headers: Any) -> int:
        connection = HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
        try:
            connection.request("GET", "/api/metrics", headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()

    assert status() == 401
    assert status(Authorization=f"Bearer {TOKEN}", Origin=f"https://127.0.0.1:{port}") == 200
    assert program.end()[0] == 0


def test_a_browser_that_leaves_is_noticed(db: Database, make_site: MakeSite) -> None:
    site = make_site(db.dsn)
    browsers = [Browser(site).wait_for_tiles() for _ in range(3)]
    browsers[0].close()
    wait_until(lambda: site.watchers() == 2, 5, "one left")
    taken = site.close()
    assert taken < 2
    for browser in browsers[1:]:
        browser.wait(lambda it: it.ended)
        browser.close()
