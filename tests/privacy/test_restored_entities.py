"""Entities after a restore: erased again by the ledger, and mirrored again, until which doctor() says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import database
from support.canary import found
from support.cluster import BIN, MAJOR, Cluster, run, wait_until
from support.mirror import Mirror
from support.redis import RedisServer

CANARY = "canary-77aa"
IDS = ("customer:4", "customer:4/notes", "customer:de/4", "customer:41")


def in_redis(mirror: Mirror, word: str) -> list[bytes]:
    """Return the keys of rows of a mirror that have a word in their name or value."""
    keys = mirror.redis.scan_iter(f"{mirror.prefix}:entity:*", count=1000)
    return [key for key in keys if word in key.decode() or word in mirror.redis.get(key).decode()]


@pytest.fixture
def mirror(server: Cluster, template: str, redis_server: RedisServer, tmp_path: Path) -> Iterator[Mirror]:
    db = database.create(server, template)
    made = Mirror(db, redis_server, tmp_path)
    made.mirror("asymm.data_entity")
    db.sql("SELECT asymm.register_entities('customer', 'customer:')")
    for id in IDS:
        value = json.dumps({"mail": f"{CANARY}-{id}"})
        db.sql("SELECT asymm.update_entity(id, value, version) FROM asymm.create_entity(%s, %s)", id, value)
    yield made
    made.close()
    db.drop()


def test_erased_again_and_mirrored_again(mirror: Mirror, tmp_path: Path) -> None:
    db = mirror.db
    saved = tmp_path / "dump.sql"
    saved.write_text(run(BIN / "pg_dump", "-d", db.dsn))
    worker = mirror.work()
    mirror.settle()
    assert len(in_redis(mirror, CANARY)) == len(IDS)
    for subject in ("4", "de/4"):
        assert db.sql("SELECT sum(remaining) FROM asymm.forget(%s, false, 'customer')", subject) == [(0,)]
    mirror.settle()
    wait_until(lambda: len(in_redis(mirror, CANARY)) == 1, 20, "Redis is rid of them")
    worker.stop()
    ledger = json.dumps(db.value("SELECT asymm.erasure_ledger()"))
    other = database.create(db.server, "template0")
    again = None
    try:
        done = other.psql("-q", "-v", "ON_ERROR_STOP=1", "-f", saved)
        assert (done.returncode, done.stderr) == (0, "")
        other.sql("SELECT asymm.resume()")
        # Dumps before 18 have the publication without it, as without everything of extensions.
        doctor = "SELECT status, remedy FROM asymm.doctor() WHERE check_name = 'mirror of asymm.data_entity'"
        ((status, remedy),) = other.sql(doctor)
        if int(MAJOR) < 18:
            assert status == "error"
            assert "restore" in remedy
            assert "SELECT * FROM asymm.mirror('asymm.data_entity')" in remedy
        else:
            assert (status, remedy) == ("warning", "start it: asymmetrica mirror run")
        (tmp_path / "again").mkdir()
        again = Mirror(other, mirror.server, tmp_path / "again", "again")
        again.mirror("asymm.data_entity")
        again.work()
        again.settle()
        # Who was erased is there again, until the ledger is applied.
        assert len(in_redis(again, CANARY)) == len(IDS)
        assert other.sql(doctor) == [("ok", None)]
        erased = other.sql("SELECT erased, remaining FROM asymm.reapply_erasures(%s)", ledger)
        assert sorted(erased) == [(1, 0), (2, 0)]
        again.settle()
        wait_until(lambda: len(in_redis(again, CANARY)) == 1, 20, "Redis is rid of them again")
        assert in_redis(again, "customer%3A4'") == in_redis(again, f'{CANARY}-customer:4"') == []
        for table in ("data_entity", "data_entity_history", "data_entity_request"):
            left = other.sql(f"SELECT DISTINCT id FROM asymm.{table}")
            assert left == ([] if table == "data_entity_request" else [("customer:41",)])
        assert [row for row in found(other, CANARY) if "customer:41" not in row] == []
        assert again.run("verify").returncode == 0
    finally:
        if again is not None:
            again.close()
        other.drop()
