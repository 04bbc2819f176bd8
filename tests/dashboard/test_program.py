"""The command: what it refuses, how it starts and ends; TLS; the login that compose makes."""

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

import pytest
import yaml

from asymmetrica.cli import main
from support.certificates import Authority
from support.cluster import ROOT, free_port
from support.dashboard import ASKS, TOKEN
from support.database import Database


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


def test_the_login_of_compose_may_look_and_nothing_else(db: Database) -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    script = compose["services"]["dashboard-login"]["entrypoint"][-1].replace("$$", "$")
    environment = {**os.environ, "PGHOST": str(db.server.directory), "PGPORT": str(db.server.port)}
    environment |= {"PGUSER": "postgres", "PGDATABASE": db.name, "DASHBOARD_DB_PASSWORD": ""}
    command = ["bash", "-euc", script]
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode
    db.forget_role("dashboard")
    for password in ('it\'s $1 "x" \\', "another"):
        environment["DASHBOARD_DB_PASSWORD"] = password
        subprocess.run(command, env=environment, check=True)
    assert not db.value("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = 'dashboard'")
    assert not db.value("SELECT pg_has_role('dashboard', 'asymm_operator', 'MEMBER')")
    assert db.connect(user="dashboard").execute("SELECT count(*) FROM asymm.tiles").fetchone()


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
    assert status(Authorization=f"Bearer {TOKEN}", Origin=f"http://127.0.0.1:{port}") == 403
    assert program.end()[0] == 0
