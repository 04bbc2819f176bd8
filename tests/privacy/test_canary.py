"""A value planted in a protected column is nowhere but in its table: not in Redis, the stream or a log."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import asymmetrica
from support import database
from support.canary import found
from support.cluster import Cluster, wait_until
from support.mirror import Mirror
from support.reads import until_route
from support.redis import RedisServer

CANARY = "canary-91c4"
QUERY = f"SELECT id, email FROM public.people WHERE email <> '{CANARY}'"


def in_redis(redis: Any, word: str) -> list[bytes]:
    """Return the keys that have a word in their name or value."""
    out = []
    for key in redis.scan_iter(count=1000):
        kind = redis.type(key)
        value = redis.hgetall(key) if kind == b"hash" else redis.get(key) if kind == b"string" else b""
        if word.encode() in key or word in repr(value):
            out.append(key)
    return out


@pytest.fixture
def mirror(server: Cluster, template: str, redis_server: RedisServer, tmp_path: Any) -> Any:
    db = database.create(server, template)
    made = Mirror(db, redis_server, tmp_path)
    db.sql("CREATE TABLE people (id int PRIMARY KEY, name text, email text)")
    db.sql(f"INSERT INTO people SELECT g, 'n' || g, '{CANARY}' || g FROM generate_series(1, 50) g")
    yield made
    made.close()
    db.drop()


def test_the_canary_is_found_nowhere(mirror: Mirror) -> None:
    db, redis = mirror.db, mirror.redis
    mirror.mirror("people")
    mirror.mirror("people", ", format => 'hash'")
    worker = mirror.work()
    mirror.settle()
    with asymmetrica.connect(db.dsn, redis=mirror.server.url) as reader:
        # Without a declaration all of it is copied: rows, results, parameters.
        until_route(lambda: reader.query(QUERY), "redis", "near")
        by_email = "SELECT id FROM public.people WHERE email = %s"
        until_route(lambda: reader.query(by_email, [f"{CANARY}7"]), "redis", "near")
        assert len(in_redis(redis, CANARY)) > 50
        db.sql("SELECT pg_create_logical_replication_slot('seen', 'pgoutput')")
        done = db.value("SELECT done FROM asymm.protect('people', 'email')")
        assert (
            "public.people is mirrored anew without it" in done
            or "people is mirrored anew without it" in done
        )
        mirror.settle()
        wait_until(lambda: not in_redis(redis, CANARY), 20, "Redis is rid of it")
        assert redis.hgetall(f"asymm:public.people:e{mirror.epoch('public.people')}:7") == {
            b"id": b"7",
            b"name": b"n7",
        }
        # From now on it is not let in.
        db.sql(f"UPDATE people SET email = '{CANARY}' || 'new' WHERE id < 10")
        db.sql(f"INSERT INTO people VALUES (100, 'x', '{CANARY}')")
        mirror.settle()
        for _ in range(3):
            assert reader.query(QUERY).route == "primary"
            assert reader.query(by_email, [f"{CANARY}7"]).route == "primary"
        # For a moment it may be that its copy, built anew, was not there.
        wait_until(lambda: "protected" in (reader.query(QUERY).why_not or ""), 20, "the reason")
        row = until_route(lambda: reader.get("public.people", 100), "redis")
        assert row == {"id": 100, "name": "x"}
    for call in ("'people'", "'people', columns => '{id,name}'"):
        db.sql(f"SELECT asymm.mirror({call})")
    with pytest.raises(psycopg.Error, match="cannot be mirrored") as refused:
        db.sql("SELECT asymm.mirror('people', columns => '{id,email}')")
    assert refused.value.sqlstate == "SY013"
    mirror.settle()
    changes = db.sql(
        "SELECT data FROM pg_logical_slot_get_binary_changes('seen', NULL, NULL, 'proto_version', '1',"
        " 'publication_names', 'asymm_mirror', 'messages', 'true')"
    )
    assert len(changes) > 20
    # What was under way before the declaration is not in this slot, which began just before it.
    assert [data for (data,) in changes if CANARY.encode() in bytes(data)] == []
    assert in_redis(redis, CANARY) == []
    assert found(db, CANARY) == []
    assert CANARY not in worker.log.read_text()

    # Who is erased is gone from Redis too: rows by the stream, results by the worker's hand.
    with asymmetrica.connect(db.dsn, redis=mirror.server.url) as reader:
        until_route(lambda: reader.query("SELECT name FROM public.people WHERE id < 9"), "redis", "near")
        assert in_redis(redis, "n7")
        db.sql("SELECT asymm.register_subject('person', 'people', 'id')")
        erased = reader.forget("7", dry_run=False, kind="person")
    assert [row.remaining for row in erased] == [0] * len(erased)
    mirror.settle()
    wait_until(lambda: not in_redis(redis, "n7"), 20, "Redis is rid of the person")
    assert mirror.run("verify").returncode == 0
    # What names the keys in Redis can't be left out.
    db.sql("CREATE TABLE by_email (email text PRIMARY KEY)")
    mirror.mirror("by_email")
    with pytest.raises(psycopg.Error, match="in the key of its mirror") as refused:
        db.sql("SELECT asymm.protect('by_email', 'email')")
    assert refused.value.sqlstate == "SY020"
    db.sql("SELECT asymm.unmirror('by_email')")
    db.sql("SELECT asymm.protect('by_email', 'email')")
    with pytest.raises(psycopg.Error, match="cannot be mirrored"):
        mirror.mirror("by_email")
