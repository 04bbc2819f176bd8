"""The mirror under test: its worker as a process, and the comparison of Redis with the tables."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from psycopg import sql
from psycopg.conninfo import make_conninfo

from support.cluster import wait_until
from support.database import Database
from support.proxy import Proxy
from support.redis import RedisServer
from support.redis_cluster import RedisCluster

COMMAND = (sys.executable, "-m", "asymmetrica", "mirror")
_NAMES = "SELECT relid, schema_name, table_name, key_columns, columns, format FROM asymm._mirror_registry()"


def encode(text: str, plain: str = "_.~-") -> str:
    """Percent-encode as the format of the keys says, written a second time."""
    letters = {*string.ascii_letters, *string.digits, *plain}
    return "".join(c if c in letters else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


def name_of(schema: str, table: str) -> str:
    if (schema, table) == ("asymm", "data_entity"):
        return "entity"
    return f"{encode(schema, '_~-')}.{encode(table, '_~-')}"


def _texts(columns: list[str]) -> sql.Composed:
    names = (sql.SQL("{}::text").format(sql.Identifier("mirrored table", column)) for column in columns)
    return sql.SQL(", ").join(names)


def ended(worker: Worker) -> bool:
    return worker.process.poll() is not None


class Worker:
    """`asymmetrica mirror run` as a process of its own."""

    def __init__(
        self, dsn: str, url: str, directory: Path, serial: int, fail_at: str, lease: float, *words: str
    ) -> None:
        self.log = directory / f"worker{serial}.log"
        environment = {**os.environ, "ASYMMETRICA_REDIS": url, "ASYMMETRICA_FAIL_AT": fail_at}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "run", "--json", "--dsn", dsn, f"--lease={lease}", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("}")]

    def said(self, what: str) -> bool:
        return any(event.get("what") == what for event in self.events())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def hang(self) -> None:
        """Let it do nothing for a while."""
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """End it as an administrator would; return its exit code."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        return self.process.wait(30)


class Mirror:
    """One database mirrored into one Redis."""

    def __init__(
        self, db: Database, server: RedisServer | RedisCluster, directory: Path, prefix: str = "asymm"
    ) -> None:
        self.db, self.directory, self.prefix = db, directory, prefix
        self.server: Any = server
        self.workers: list[Worker] = []
        self.login = db.role("mirror", "NOLOGIN")
        db.sql("SELECT asymm.create_mirror_login(%s)", self.login)
        self.redis: Any = server.client()

    def work(
        self,
        *words: str,
        fail_at: str = "",
        lease: float = 10,
        dsn: str | None = None,
        url: str | None = None,
    ) -> Worker:
        """Start a worker; `dsn` and `url` are ways around to the same servers."""
        words = ("--prefix", self.prefix, *words)
        dsn, url = dsn or self.db.dsn_of(self.login), url or self.server.url
        worker = Worker(dsn, url, self.directory, len(self.workers), fail_at, lease, *words)
        self.workers.append(worker)
        return worker

    def run(self, what: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run another command of the mirror to its end."""
        return subprocess.run(
            [*COMMAND, what, "--json", "--dsn", self.db.dsn_of(self.login), *self._prefix(what)],
            env={**os.environ, "ASYMMETRICA_REDIS": self.server.url, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _prefix(self, what: str) -> list[str]:
        return [] if what == "status" else ["--prefix", self.prefix]

    def tables(self, names: str = "tu", rows: int = 100) -> None:
        """Make tables with one letter each."""
        for table in names:
            self.db.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, n int)")
            self.db.sql(f"INSERT INTO {table} SELECT g, 0 FROM generate_series(1, {rows}) g")

    def mirror(self, table: str, options: str = "") -> None:
        self.db.sql(f"SELECT asymm.mirror(%s{options})", table)

    @contextlib.contextmanager
    def way_to_postgres(self) -> Iterator[tuple[Proxy, str]]:
        """Yield a proxy before the database and the conninfo that leads through it."""
        proxy = Proxy("127.0.0.1", self.db.server.port)
        try:
            dsn = make_conninfo(self.db.dsn_of(self.login), host="127.0.0.1", port=str(proxy.port))
            yield proxy, dsn
        finally:
            proxy.close()

    @contextlib.contextmanager
    def way_to_redis(self) -> Iterator[tuple[Proxy, str]]:
        """Yield a proxy before Redis and the URL that leads through it."""
        proxy = Proxy("127.0.0.1", self.server.port)
        try:
            yield proxy, self.server.tcp_url.replace(f":{self.server.port}/", f":{proxy.port}/")
        finally:
            proxy.close()

    def close(self) -> None:
        """Stop what runs and drop the slot."""
        for worker in self.workers:
            worker.kill()
        self.redis.close()
        query = """SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots
            WHERE database = current_database() AND active_pid IS NOT NULL"""
        self.db.sql(query)
        wait_until(lambda: not self.db.value(f"SELECT EXISTS ({query})"), 10, "the slot is free")
        self.db.sql(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
            "WHERE database = current_database() AND NOT temporary"
        )

    def epoch(self, name: str) -> int:
        """Return the epoch of a table, 0 if it has none."""
        return int(self.redis.get(f"{self.prefix}:mirror:epoch:{name}") or 0)

    def number(self, name: str) -> int:
        """Return a position the worker told, 0 if it is not there."""
        return int(self.redis.get(f"{self.prefix}:mirror:{name}") or 0)

    def wanted(self) -> dict[bytes, Any]:
        """Return every key there should be, with its value, as the server itself prints them."""
        out: dict[bytes, Any] = {}
        with self.db.connect(options="-c timezone=UTC") as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for relid, schema, table, keys, columns, form in connection.execute(_NAMES).fetchall():
                name = name_of(schema, table)
                head = f"{self.prefix}:{name}:e{self.epoch(name)}:"
                listed = sql.SQL(", ").join(map(sql.Identifier, columns))
                query = sql.SQL(
                    'SELECT ARRAY[{}], row_to_json("mirrored row")::text, ARRAY[{}] '
                    'FROM {} AS "mirrored table", LATERAL (SELECT {}) AS "mirrored row"'
                ).format(
                    _texts(keys),
                    _texts(columns),
                    sql.Identifier(schema, table),
                    listed,
                )
                del relid
                for key, text, texts in connection.execute(query):
                    place = (head + ",".join(map(encode, key))).encode()
                    if form == "json":
                        out[place] = text.encode()
                    else:
                        out[place] = {
                            c.encode(): v.encode()
                            for c, v in zip(columns, texts, strict=True)
                            if v is not None
                        }
        return out

    def found(self) -> dict[bytes, Any]:
        """Return every key there is, but the worker's own and those of results and pages."""
        words = ("mirror", "query", "fill", "page", "pages")
        others = tuple(f"{self.prefix}:{word}:".encode() for word in words)
        keys = [key for key in self.redis.scan_iter(count=10_000) if not key.startswith(others)]
        with self.redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.type(key)
            kinds = pipeline.execute()
            for key, kind in zip(keys, kinds, strict=True):
                if kind == b"hash":
                    pipeline.hgetall(key)
                else:
                    pipeline.get(key)
            return dict(zip(keys, pipeline.execute(), strict=True))

    def until(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        """Wait as wait_until() does; what the workers said is shown with a failure."""
        try:
            wait_until(done, timeout, what)
        except AssertionError as error:
            for worker in self.workers[-3:]:
                error.add_note(f"{worker.log.name}: {worker.log.read_text()[-3000:]}")
            raise

    def settle(self, timeout: float = 30) -> int:
        """Wait until the mirror has caught up with now and all tables are safe; return the position."""
        self.db.sql("SELECT pg_logical_emit_message(true, 'test', '')")
        end = self.db.value("SELECT pg_current_wal_flush_lsn() - '0/0'")

        def done() -> bool:
            for worker in self.workers[-1:]:
                if worker.process.poll() not in (None, 0):
                    raise AssertionError(f"the worker ended: {worker.log.read_text()[-3000:]}")
            lsn = self.redis.get(f"{self.prefix}:mirror:lsn")
            if lsn is None or int(lsn) < end:
                return False
            names = self.db.sql("SELECT schema_name, table_name FROM asymm._mirror_registry()")
            kinds = ("safe", "epoch")
            told = [f"{self.prefix}:mirror:{kind}:{name_of(s, t)}" for s, t in names for kind in kinds]
            return not told or self.redis.exists(*told) == len(told)

        self.until(done, timeout, "the mirror has caught up")
        return self.number("lsn")

    def check(self, timeout: float = 30, whole: bool = True) -> int:
        """Fail unless Redis equals the tables; return the number of rows. Not whole: some may be missing."""
        self.settle(timeout)
        wanted, found = self.wanted(), self.found()
        if found.keys() != wanted.keys():  # keys of a former epoch go when there is time
            with contextlib.suppress(AssertionError):
                self.until(lambda: self.found().keys() <= wanted.keys(), timeout, "no key without a row")
            found = self.found()
        right = wanted if whole else {key: wanted[key] for key in found if key in wanted}
        wrong = sorted(key for key in found.keys() | right.keys() if found.get(key) != right.get(key))
        assert not wrong, [(key, found.get(key), right.get(key)) for key in wrong[:5]]
        return len(wanted)
