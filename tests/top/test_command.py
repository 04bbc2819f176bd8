"""The command: printed once for a pipe or as JSON, its exit codes, and how it ends in a real terminal."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import time

import pytest

from asymmetrica.top.tabs import ALWAYS, TABS
from support.database import Database
from support.scene import Scene

PROGRAM = [sys.executable, "-m", "asymmetrica", "top"]


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command without a terminal."""
    return subprocess.run(
        [*PROGRAM, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def test_once_as_json_and_for_a_pipe(scene: Scene) -> None:
    scene.slip()
    scene.db.sql('CREATE TABLE "<b>[red]\x1b[31m\n" (id int)')
    dsn = scene.db.dsn_of(scene.reader)
    done = ran("--once", "--json", "--dsn", dsn)
    assert (done.returncode, done.stderr) == (1, "")
    document = json.loads(done.stdout)
    assert set(document) == {*ALWAYS, "database", *(tile for tab in TABS for tile in tab.tiles)}
    assert all(set(tile) == {"at", "columns", "rows"} for tile in document.values())
    drift = document["drift"]
    [row] = [dict(zip(drift["columns"], row, strict=True)) for row in drift["rows"]]
    assert (row["object"], row["state"], row["statement"]) == ("public.hers", "proposed", None)
    assert [*document["verdict"]["columns"]][:3] == ["at", "status", "headline"]

    done = ran("--once", "--dsn", dsn)
    assert (done.returncode, done.stderr) == (1, "")
    for word in (
        "Health: warning: ",
        "1 difference",
        "public.hers",
        "proposed",
        "<b>[red]\\x1b[31m\\n",
        "Lock waits: nobody",
    ):
        assert word in done.stdout
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 200

    done = ran("--once", "--tab", "actions", "--dsn", dsn)
    assert "Drift" not in done.stdout
    assert "Actions" in done.stdout


def test_exit_codes(db: Database, empty_db: Database) -> None:
    assert ran("--once", "--tab", "mirror", "--dsn", db.dsn).returncode == 0
    refused = {
        ("--json", "--dsn", db.dsn): (2, "--once"),
        ("--dsn", db.dsn): (2, "no terminal"),
        ("--once", "--dsn", "host=/nonexistent dbname=x password=secret1"): (3, ""),
        ("--once", "--dsn", empty_db.dsn): (4, "not installed"),
        ("--once", "--dsn", db.dsn_of(db.role("nobody"))): (4, "permission denied"),
    }
    for arguments, (code, said) in refused.items():
        done = ran(*arguments)
        assert done.returncode == code, done.stderr
        assert said in done.stderr
        assert "secret1" not in done.stderr
        assert "Traceback" not in done.stderr


# The terminal is the session's own: so that hanging up is told, as by sshd.
TAKE_TERMINAL = """import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"""


class Terminal:
    """The command in a terminal of 80 columns."""

    def __init__(self, dsn: str) -> None:
        self.end, other = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *PROGRAM[1:], "--dsn", dsn],
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
        )
        os.close(other)
        self.said = b""

    def until(self, *words: bytes, timeout: float = 20) -> None:
        """Read until all words were written."""
        limit = time.monotonic() + timeout
        while not all(word in self.said for word in words):
            left = limit - time.monotonic()
            assert left > 0, self.said[-2000:]
            if select.select([self.end], [], [], left)[0]:
                self.said += os.read(self.end, 65536)

    def rest(self) -> bytes:
        """Read what is still written, to the end of the program."""
        with contextlib.suppress(OSError):
            while part := os.read(self.end, 65536):
                self.said += part
        return self.said


@pytest.mark.parametrize(("how", "code"), [("q", 0), ("ctrl-c", 130), ("SIGTERM", 0), ("hang up", 0)])
def test_it_ends_cleanly(db: Database, how: str, code: int) -> None:
    terminal = Terminal(db.dsn)
    terminal.until(b"no beat yet", b"quit")
    if how == "hang up":
        os.close(terminal.end)
    elif how.startswith("SIG"):
        terminal.process.send_signal(getattr(signal, how))
    else:
        os.write(terminal.end, {"q": b"q", "ctrl-c": b"\x03"}[how])
    if how != "hang up":
        said = terminal.rest()
        # The screen as it was, the cursor, no mouse: as a shell wants it back.
        assert b"\x1b[?1049l" in said
        assert b"\x1b[?25h" in said
        # Nothing is left below it.
        assert not re.search(rb"[a-z]{4}", said.rpartition(b"\x1b[?1049l")[2])
        os.close(terminal.end)
    assert terminal.process.wait(20) == code
    db.wait_for("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'asymmetrica top'")
