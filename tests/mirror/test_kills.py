"""Two hundred kills of the worker under load, and a reader who never sees a row go back."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from support.mirror import Mirror

pytestmark = pytest.mark.long

# Where a kill may strike, and how often the worker may pass there before.
POINTS = {
    "slot made": 1,
    "copying": 4,
    "copied": 2,
    "caught up": 2,
    "read": 20_000,
    "before write": 60,
    "sent": 60,
    "before acknowledge": 60,
}
TABLES = ("t", "h")


class Reader:
    """Reads rows together with what says that they may be read; notes each time a version went back."""

    def __init__(self, mirror: Mirror, seed: int) -> None:
        self.mirror, self.chance = mirror, random.Random(seed)
        self.newest: dict[tuple[str, int], int] = {}
        self.position = 0
        self.faults: list[str] = []
        self.reads = 0
        self.wanted = True

    def run(self) -> None:
        client = self.mirror.redis
        while self.wanted:
            table, key = self.chance.choice(TABLES), self.chance.randrange(1, 200)
            name = f"public.{table}"
            epoch = client.get(f"asymm:mirror:safe:{name}")
            if epoch is None:
                continue
            row = f"asymm:{name}:e{int(epoch)}:{key}"
            with client.pipeline(transaction=True) as pipeline:
                pipeline.mget("asymm:mirror:lsn", f"asymm:mirror:safe:{name}")
                pipeline.get(row) if table == "t" else pipeline.hget(row, "n")
                (position, still), value = pipeline.execute()
            if still != epoch or position is None or value is None:
                continue
            self.reads += 1
            version = json.loads(value)["n"] if table == "t" else int(value)
            if version < self.newest.get((table, key), 0):
                self.faults.append(f"{name} {key}: {version} after {self.newest[table, key]}")
            if int(position) < self.position:
                self.faults.append(f"position {int(position)} after {self.position}")
            self.newest[table, key] = version
            self.position = int(position)


class Writer:
    """Changes rows, whose version only grows, and tables."""

    def __init__(self, mirror: Mirror, seed: int) -> None:
        self.mirror, self.chance, self.wanted = mirror, random.Random(seed), True

    def run(self) -> None:
        with psycopg.connect(self.mirror.db.dsn, autocommit=True) as connection:
            while self.wanted:
                with contextlib.suppress(psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation):
                    self.step(connection, self.chance.choice(TABLES))
                time.sleep(0.005)

    def step(self, connection: psycopg.Connection, table: str) -> None:
        way, low = self.chance.random(), self.chance.randrange(1, 200)
        if way < 0.6:
            connection.execute(
                f"UPDATE {table} SET n = nextval('version') WHERE id BETWEEN {low} AND {low + 20}"
            )
        elif way < 0.8:
            with connection.transaction(force_rollback=way < 0.65):
                connection.execute(f"DELETE FROM {table} WHERE id = {low}")
                connection.execute(
                    f"INSERT INTO {table} VALUES ({low}, nextval('version'), repeat('x', 3000))"
                )
        elif way < 0.9:
            with connection.transaction():
                for _ in range(20):
                    with connection.transaction(force_rollback=self.chance.random() < 0.3):
                        connection.execute(
                            f"UPDATE {table} SET n = nextval('version') WHERE id % 7 = {low % 7}"
                        )
        elif way < 0.9996:
            connection.execute(
                f"UPDATE {table} SET id = -id, n = nextval('version') WHERE abs(id) > 200 AND id % 3 = 0"
            )
        elif way < 0.99975:
            connection.execute(
                f"ALTER TABLE {table} ALTER big SET DEFAULT '{low}', ALTER big TYPE varchar({4000 + low})"
            )
        elif way < 0.9999:
            with connection.transaction():
                # Or else what others commit in between would be taken back, and versions with it.
                connection.execute(f"LOCK TABLE {table}")
                connection.execute(f"CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM {table}")
                connection.execute(f"TRUNCATE {table}")
                connection.execute(f"INSERT INTO {table} SELECT * FROM kept")
        else:
            connection.execute(f"ALTER TABLE {table} RENAME TO away; ALTER TABLE away RENAME TO {table}")


@contextlib.contextmanager
def going(*parts: Reader | Writer) -> Iterator[None]:
    threads = [threading.Thread(target=part.run) for part in parts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for part in parts:
            part.wanted = False
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("part", range(20))
def test_ten_kills_under_load(mirror: Mirror, part: int) -> None:
    chance = random.Random(part)
    mirror.db.sql("CREATE SEQUENCE version")
    for table in TABLES:
        mirror.db.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, n bigint, big varchar)")
        mirror.db.sql(f"ALTER TABLE {table} ALTER big SET STORAGE EXTERNAL")
        rows = "SELECT g, nextval('version'), repeat('y', 2500) FROM generate_series(1, 999) g"
        mirror.db.sql(f"INSERT INTO {table} {rows}")
    mirror.mirror("t")
    mirror.mirror("h", ", format => 'hash'")
    mirror.work()
    mirror.check()
    mirror.workers[-1].kill()
    reader = Reader(mirror, part)
    with going(reader, Writer(mirror, part), Writer(mirror, part + 1000)):
        for _ in range(10):
            point = chance.choice(list(POINTS))
            if point == "slot made":
                mirror.redis.delete("asymm:mirror:leader", "asymm:mirror:lsn")
            worker = mirror.work(fail_at=f"{point}:{chance.randint(1, POINTS[point])}")
            # On a busy machine it takes seconds to begin.
            mirror.until(lambda w=worker: w.process.poll() is not None or w.said("leading"), 60, "begins")
            # Some points are seldom passed: then it is killed elsewhere.
            with contextlib.suppress(AssertionError):
                mirror.until(lambda w=worker: w.process.poll() is not None, chance.uniform(1, 4), "killed")
            worker.kill()
        mirror.work()
        mirror.until(lambda: mirror.workers[-1].said("leading") and reader.reads > 100, 60, "is read")
    mirror.check(60)
    assert reader.faults == []
    assert reader.reads > 100
