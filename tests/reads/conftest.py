"""Fixtures of the tests of reads: a mirrored database with its worker at work, one for each file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import asymmetrica
from support import database
from support.cluster import Cluster
from support.mirror import Mirror
from support.redis import RedisServer


@pytest.fixture(scope="module")
def mirrored(server: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """Table t is mirrored."""
    db, redis = database.create(server, template), RedisServer()
    try:
        redis.start()
        made = Mirror(db, redis, tmp_path_factory.mktemp("reads"))
        db.sql("CREATE TABLE t (id int PRIMARY KEY, a text, n numeric)")
        made.mirror("t")
        made.work()
        yield made
        made.close()
    finally:
        redis.remove()
        db.drop()


@pytest.fixture
def mirror(mirrored: Mirror) -> Mirror:
    """Table t has 100 rows, n as large as id, whatever the test before did to it."""
    mirrored.db.sql("DELETE FROM t")
    mirrored.db.sql("INSERT INTO t SELECT g, 'a' || g, g FROM generate_series(1, 100) g")
    mirrored.settle()
    return mirrored


@pytest.fixture
def reader(mirror: Mirror) -> Iterator[asymmetrica.Database]:
    """What is tested."""
    with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url) as made:
        yield made
