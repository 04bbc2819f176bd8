"""Fixtures of the tests of alerts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asymmetrica.alerts.message import Environment
from asymmetrica.alerts.sender import Event, Sender
from support.database import Database
from support.receivers import Receiver

SECRET, TOKEN = "whsec_c2VjcmV0IG9mIHRlc3Rz", "EAAG-a-token-of-tests"
TRY_AGAIN = (
    "UPDATE asymm.alert_message SET due_at = now();"
    "UPDATE asymm.alert_destination_state SET next_try_at = now()"
)
VARIABLES = {"ASYMMETRICA_ALERT_HOOK": SECRET, "ASYMMETRICA_ALERT_WA": TOKEN, "PGPASSWORD": "never"}


class Alerts:
    """A database with alerts, findings and drift to be made, and senders."""

    def __init__(self, db: Database, directory: Path) -> None:
        self.db, self.directory = db, directory
        self.login = db.role("sender", member_of=("asymm_sender",))
        self.processes: list[subprocess.Popen[bytes]] = []
        self.variables = dict(VARIABLES)

    def hook(self, url: str, name: str = "hook", rule: str = "all", options: str = "") -> None:
        """Make a webhook and a rule that tells it everything at once."""
        self.db.sql(
            "SELECT asymm.set_alert_destination(%s, 'webhook', %s, 'ASYMMETRICA_ALERT_HOOK')", name, url
        )
        self.on(rule, f"{{{name}}}", options)

    def on(self, rule: str, names: str, options: str = "") -> None:
        self.db.sql(f"SELECT asymm.alert_on(%s, %s, 'info', wait => '0'{options})", rule, names)

    def find(self, key: str, severity: str = "warning", node: str = "query:1", seen: str = "is slow") -> None:
        self.db.sql("SELECT asymm._find('ux', %s, %s, %s, %s)", key, severity, node, seen)

    def over(self, key: str) -> None:
        """Have the sonar see everything but this."""
        self.db.sql(
            "SELECT asymm._close_findings('ux', ARRAY(SELECT key FROM asymm.findings WHERE key <> %s))", key
        )

    def send(self, hosts: str = "") -> list[Event]:
        """Send what is due, here; return what the sender said."""
        said: list[Event] = []
        environment = Environment(self.variables, frozenset(filter(None, hosts.split(","))))
        Sender(self.db.dsn_of(self.login), environment=environment, tell=said.append).run(once=True)
        return said

    def start(self, *words: str, fail_at: str = "") -> subprocess.Popen[bytes]:
        """Start a sender as a process of its own."""
        log = self.directory / f"sender{len(self.processes)}.log"
        environment = {**os.environ, **self.variables, "ASYMMETRICA_FAIL_AT": fail_at}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "asymmetrica", "alerts", "run", "--json", "--every", "0.1", *words,
                 "--dsn", self.db.dsn_of(self.login)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def log(self, serial: int = -1) -> str:
        serial = range(len(self.processes))[serial]
        return (self.directory / f"sender{serial}.log").read_text()

    def events(self, serial: int = -1) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log(serial).splitlines() if line[:1] + line[-1:] == "{}"]

    def states(self) -> dict[str, int]:
        return dict(self.db.sql("SELECT state, count(*) FROM asymm.alert_outbox GROUP BY 1"))

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def alerts(db: Database, tmp_path: Path) -> Iterator[Alerts]:
    made = Alerts(db, tmp_path)
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()
