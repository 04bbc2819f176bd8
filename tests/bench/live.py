"""The shop at work: sessions that run its statements, and the driver that lets the loop work beside them."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import shop
from bench.shop import APP, SHAPES
from support.cluster import BIN
from support.database import Database

CLIENTS = 4
OPEN = "('approved', 'building', 'validating', 'reverting')"
# Hours made seconds: what is configured is how long things are watched, not what is done about them.
CADENCES = {
    "queries": "1 s", "tables": "2 s", "examples": "500 ms", "plans": "2 s", "advice": "500 ms",
    "indexes": "500 ms", "index_faults": "5 s",
}  # fmt: skip


class Scripts:
    """One script of pgbench for each statement."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for number, shape in enumerate(SHAPES):
            lines = []
            for name, function, limit in re.findall(r"(\w) = (\w+)\((\d+)\)", shape.values):
                chosen = f"random_zipfian(1, {limit}, 1.05)" if function == "zipf" else f"random(1, {limit})"
                lines.append(f"\\set {name} {chosen}")
            (directory / f"{number}.sql").write_text("\n".join([*lines, shape.statement + ";\n"]))

    def weighed(self, mix: str) -> list[str]:
        return [
            argument
            for number, shape in enumerate(SHAPES)
            if (weight := getattr(shape, mix)) > 0
            for argument in ("-f", f"{self.directory / str(number)}.sql@{weight}")
        ]


def _command(
    db: Database, scripts: Scripts, mix: str, seconds: int, seed: int, clients: int = CLIENTS, demand: int = 0
) -> list[str]:
    place = ("-h", str(db.server.directory), "-p", str(db.server.port), "-U", APP)
    fixed = ("-n", "-M", "prepared", "-c", str(clients), "-j", "1", f"--random-seed={seed}")
    # What comes too late by far is given up, as people do.
    limit = ("-R", str(demand), "-L", "2000") if demand else ()
    return [str(BIN / "pgbench"), *place, *fixed, *limit, "-T", str(seconds), *scripts.weighed(mix), db.name]


def rate(db: Database, scripts: Scripts, mix: str, seconds: int, seed: int) -> float:
    """Return the transactions a second of one run."""
    command = _command(db, scripts, mix, seconds, seed)
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode != 0 or found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found[1])


@contextlib.contextmanager
def at_work(db: Database, scripts: Scripts, mix: str, seed: int) -> Iterator[None]:
    """Let the shop's sessions run until the block ends."""
    command = _command(db, scripts, mix, 3600, seed, clients=2, demand=400)
    sessions = subprocess.Popen(
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield
        if sessions.poll() is not None:
            raise RuntimeError(
                sessions.stderr.read() if sessions.stderr else "the sessions of the shop ended"
            )
    finally:
        sessions.terminate()
        sessions.communicate()


@contextlib.contextmanager
def pulse(db: Database, actor: str) -> Iterator[None]:
    """Run the pulse as the driver does where pg_cron has no database, with what it builds."""
    runner = subprocess.Popen(
        [sys.executable, "-m", "asymmetrica", "pulse"],
        env={**os.environ, "ASYMMETRICA_DSN": db.dsn_of(actor)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        db.wait_for("SELECT count(*) = 2 FROM asymm.heartbeat WHERE alive", timeout=20)
        yield
    finally:
        runner.terminate()
        runner.wait(30)
        db.wait_for("SELECT count(*) = 0 FROM asymm.heartbeat WHERE alive", timeout=20)


def prepare(db: Database, actor: str) -> None:
    """Put the extension into a shop, with short windows; what is done with them is left to it."""
    for extension in ("pg_stat_statements", "hypopg", "asymmetrica"):
        db.sql(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    db.sql("SELECT asymm.create_actor(%s, %s)", actor, shop.OWNER)
    for organ, cadence in CADENCES.items():
        db.sql("SELECT asymm.configure_organ(%s, cadence => %s::interval)", organ, cadence)
    db.sql(
        "SELECT asymm.configure_indexes(validation_min => '4 s', validation_max => '40 s',"
        " search_every => '6 s', workload_window => '40 s', workload_step => '5 s', unused_after => '1 min',"
        " index_budget => '100%')"
    )


def settled(db: Database, least: float, most: float) -> float:
    """Wait until nothing is under way, and searches find nothing more; return the seconds."""
    quiet = (
        f"SELECT NOT EXISTS (SELECT FROM asymm.advice WHERE state IN {OPEN})"
        " AND (SELECT max(a.changed_at) < clock_timestamp() - interval '18 s' FROM asymm.advice AS a)"
    )
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < most:
        time.sleep(1)
        if passed >= least and db.value(quiet):
            break
    return passed


def scans(db: Database) -> dict[str, int]:
    """Return how often each index that the loop made was used."""
    return dict(
        db.sql(
            "SELECT s.indexrelname, s.idx_scan FROM pg_stat_user_indexes AS s"
            " JOIN asymm.index_action AS i ON i.index_id = s.indexrelid"
            " JOIN asymm.action AS a ON a.id = i.action_id"
            " WHERE a.kind = 'create index' AND a.state = 'verified'"
        )
    )
