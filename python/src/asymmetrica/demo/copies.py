"""One more act: the flights in Redis, while they are written and while the mirror's worker is killed."""

from __future__ import annotations

import json
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from .dashboards import dashboards
from .scenery import COLUMNS
from .story import Story

LOGIN, TABLE, PREFIX = "asymm_mirror", "flights.flights", "asymm_demo"
WRITING = 3.0  # seconds
_LISTED = ", ".join(COLUMNS["flights"])
# Goes, and comes back under another key.
_MOVE = (
    f"WITH gone AS (DELETE FROM flights.flights WHERE id = %s RETURNING *)"
    f" INSERT INTO flights.flights (id, {_LISTED}) OVERRIDING SYSTEM VALUE SELECT -id, {_LISTED} FROM gone"
).encode()
LOOKS = 200
PATIENCE = 60.0


class Writer(threading.Thread):
    """Changes flights, deletes and adds some, one small transaction after the other."""

    def __init__(self, story: Story, seed: int) -> None:
        super().__init__(daemon=True)
        self._dsn, self._rng = story.stage.login("kim", "departures"), random.Random(seed)
        self._over = threading.Event()
        self.transactions = 0

    def run(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not self._over.is_set():
                some = self._rng.randrange(1, 300_000)
                connection.execute(
                    "UPDATE flights.flights SET dep_delay = (id + %s) %% 100 WHERE id BETWEEN %s AND %s + 9",
                    [self.transactions, some, some],
                )
                connection.execute(_MOVE, [some])
                self.transactions += 2

    def stop(self) -> int:
        self._over.set()
        self.join(10)
        return self.transactions


@contextmanager
def writing(story: Story) -> Iterator[list[Writer]]:
    """Have two of them write until the block ends."""
    writers = [Writer(story, seed) for seed in (1, 2)]
    for writer in writers:
        writer.start()
    try:
        yield writers
    finally:
        for writer in writers:
            writer.stop()


class Copy:
    """The worker, and Redis as a reader sees it."""

    def __init__(self, story: Story, url: str) -> None:
        import redis

        self.url, self.dsn = url, story.stage.login(LOGIN, "asymmetrica mirror")
        self.client: Any = redis.Redis.from_url(url)
        self.worker: subprocess.Popen[bytes] | None = None

    def command(self, what: str) -> list[str]:
        return [sys.executable, "-m", "asymmetrica", "mirror", what, "--json", "--prefix", PREFIX]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "ASYMMETRICA_DSN": self.dsn, "ASYMMETRICA_REDIS": self.url}

    def start(self) -> None:
        self.worker = subprocess.Popen(
            self.command("run"), env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()
            self.worker = None

    def epoch(self, table: str = TABLE) -> int | None:
        """Return the epoch to read, None while the table is not to be read."""
        found = self.client.get(f"{PREFIX}:mirror:safe:{table}")
        return None if found is None else int(found)

    def holding(self, word: str) -> tuple[int, list[str]]:
        """Return how many keys there are, of everybody, and which have a word in their name or value."""
        count, held, cursor = 0, [], None
        while cursor != 0:
            cursor, keys = self.client.scan(cursor or 0, count=2000)
            count += len(keys)
            for key, value in zip(keys, self.client.mget(keys) if keys else [], strict=True):
                # The worker and readers keep strings and hashes.
                if value is None and self.client.type(key) == b"hash":
                    value = repr(self.client.hgetall(key)).encode()
                if word.encode() in key + (value or b""):
                    held.append(key.decode(errors="replace"))
        return count, held

    def verify(self) -> tuple[int, int]:
        """Return how many rows were compared and how many lines of differences were told."""
        with tempfile.TemporaryDirectory() as place:
            told = Path(place) / "told"
            with told.open("wb") as out:
                subprocess.run(
                    self.command("verify"), env=self.environment(), check=False,
                    stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
                )  # fmt: skip
            lines = [json.loads(line) for line in told.read_text().splitlines()]
        return sum(line.get("rows", 0) for line in lines), sum("what" in line for line in lines)

    def leave(self) -> None:
        self.kill()
        cursor = None
        while cursor != 0:
            cursor, keys = self.client.scan(cursor or 0, f"{PREFIX}:*", count=5000)
            if keys:
                self.client.unlink(*keys)
        self.client.close()


@contextmanager
def copies(story: Story) -> Iterator[None]:
    """Redis follows what is committed, a killed worker or not; the worker goes on until the block ends."""
    screen, stage = story.screen, story.stage
    screen.title("Redis is kept equal to the flights, to the last commit")
    copy = _redis(story)
    if copy is None:
        yield
        return
    run = stage.connection.execute
    run("SELECT asymm.create_mirror_login()")
    stage.set_password(LOGIN, stage.password)
    try:
        run("SELECT asymm.mirror('flights.flights')")
        screen.line(f"SELECT asymm.mirror('{TABLE}');  asymmetrica mirror run", "cyan")
        began = time.monotonic()
        copy.start()
        screen.wait("the flights are copied", PATIENCE, copy.epoch)
        took = time.monotonic() - began
        rows = stage.count(TABLE)
        screen.check(
            copy.epoch() is not None, f"{rows:,} rows are in Redis {took:.1f} s after the worker began"
        )
        if copy.epoch() is not None:
            _followed(story, copy)
            _private(story, copy)
        yield
    finally:
        copy.leave()
        _take_down(story)


def _redis(story: Story) -> Copy | None:
    url = os.environ.get("ASYMMETRICA_REDIS")
    if not url:
        story.screen.line("$ASYMMETRICA_REDIS names no Redis: not shown")
        return None
    try:
        copy = Copy(story, url)
        copy.client.ping()
    except Exception:
        story.screen.line("no Redis answers at $ASYMMETRICA_REDIS: not shown")
        return None
    return copy


def _followed(story: Story, copy: Copy) -> None:
    """Read while it is written, kill the worker meanwhile, and compare."""
    story.screen.line(
        f"an update is readable in Redis {_delay(story, copy):.1f} ms after its commit (median)"
    )
    dashboards(story, copy.url, PREFIX)
    with writing(story) as writers:
        time.sleep(WRITING)
    _equal(story, copy, sum(writer.transactions for writer in writers))
    with writing(story) as writers:
        time.sleep(WRITING / 2)
        copy.kill()
        story.screen.line("kill -9: the worker is gone, the writing goes on; asymmetrica mirror run", "cyan")
        time.sleep(WRITING / 4)
        copy.start()
        time.sleep(WRITING / 4)
    _equal(story, copy, sum(writer.transactions for writer in writers))


def _private(story: Story, copy: Copy) -> None:
    """Mirror a table with protected columns, and erase somebody: what is sensitive is nowhere in Redis."""
    screen, stage, table = story.screen, story.stage, "passengers.people"
    canary = f"canary{secrets.token_hex(6)}"
    stage.connection.execute("INSERT INTO passengers.people VALUES (4, %s, NULL)", (canary,))
    stage.connection.execute("SELECT asymm.mirror(%s)", (table,))
    screen.line(f"SELECT asymm.mirror('{table}');  whose name is protected", "cyan")
    screen.wait("the people are copied", PATIENCE, lambda: copy.epoch(table))
    key = f"{PREFIX}:{table}:e{copy.epoch(table)}:4"
    row = copy.client.get(key)
    stage.db.forget("4", dry_run=False, kind="passenger")
    gone = screen.wait("the erasure arrives", PATIENCE, lambda: copy.client.get(key) is None)
    keys, held = copy.holding(canary)
    screen.check(
        row == b'{"id":4}' and bool(gone) and not held,
        f"a protected name is in none of {keys:,} keys of Redis, and who was erased is gone from there",
    )


def _delay(story: Story, copy: Copy) -> float:
    found = []
    key = f"{PREFIX}:{TABLE}:e{copy.epoch()}:1"
    with psycopg.connect(story.stage.login("kim", "departures"), autocommit=True) as connection:
        for number in range(LOOKS):
            connection.execute("UPDATE flights.flights SET dep_delay = %s WHERE id = 1", [number])
            began = time.monotonic()
            wanted = f'"dep_delay":{number},'.encode()
            while wanted not in (copy.client.get(key) or b"") and time.monotonic() < began + 5:
                pass
            found.append((time.monotonic() - began) * 1000)
    return statistics.median(found)


def _equal(story: Story, copy: Copy, transactions: int) -> None:
    end = story.stage.connection.execute("SELECT pg_current_wal_flush_lsn() - '0/0'").fetchone()
    began = time.monotonic()

    def there() -> bool:
        return end is not None and int(copy.client.get(f"{PREFIX}:mirror:lsn") or 0) >= end[0]

    story.screen.wait("Redis catches up", PATIENCE, there)
    behind = time.monotonic() - began
    rows, differences = copy.verify()
    story.screen.check(
        rows > 0 and differences == 0,
        f"{transactions:,} transactions later, {behind:.1f} s after the last: all of {rows:,} rows compared,"
        f" {differences} differ",
    )


def _take_down(story: Story) -> None:
    """Nothing keeps the log once the demonstration is over."""
    run = story.stage.connection.execute
    for table in (TABLE, "passengers.people"):
        run(
            "SELECT asymm.unmirror(%s) WHERE %s IN (SELECT object FROM asymm.mirror_status())", (table, table)
        )
    slot = "FROM pg_replication_slots WHERE slot_name = asymm._mirror_slot()"
    run(f"SELECT pg_terminate_backend(active_pid, 5000) {slot} AND active_pid IS NOT NULL")
    story.screen.wait("the slot is free", 10, lambda: run(f"SELECT NOT active {slot}").fetchone() == (True,))
    run(f"SELECT pg_drop_replication_slot(slot_name) {slot} AND NOT active")
