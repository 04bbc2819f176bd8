"""A mirror in a Redis Cluster: its slot moves while rows are written, its node dies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cluster import wait_until
from support.database import Database
from support.mirror import Mirror
from support.redis_cluster import PREFIX, RedisCluster


@pytest.fixture
def cluster() -> Iterator[RedisCluster]:
    made = RedisCluster()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
def mirror(db: Database, cluster: RedisCluster, tmp_path: Path) -> Iterator[Mirror]:
    made = Mirror(db, cluster, tmp_path, PREFIX)  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.mark.long
def test_the_node_dies(mirror: Mirror, cluster: RedisCluster) -> None:
    """Its replica takes over, with everything or without the last of it; later it comes back, empty."""
    replica = cluster.replicate()
    mirror.tables("tu", 1000)
    for table in "tu":
        mirror.mirror(table)
    worker = mirror.work("--lease=3")
    assert mirror.check() == 2000
    first = cluster.owner
    for owner, follower, number in ((first, replica, 0), (replica, first, 1)):
        if number:
            # What is written from here on its replica never hears of.
            wait_until(lambda node=follower: node.ask("ROLE")[3:4] == [b"connected"], 20, "it follows")
            follower.ask("CONFIG", "SET", "masterauth", "wrong")
            follower.ask("CLIENT", "KILL", "TYPE", "master")
        mirror.db.sql("UPDATE t SET n = n + 1")
        mirror.db.sql("UPDATE u SET id = -id WHERE id %% 3 = %s", number)
        if number:
            mirror.check()
        owner.kill()
        mirror.db.sql("DELETE FROM t WHERE id %% 10 = %s", number)
        wait_until(lambda node=follower: node.ask("ROLE")[0] == b"master", 30, "its replica takes over")
        assert mirror.check(60) == 2000 - 100 * (1 + number)
        owner.start()
    assert mirror.run("verify").returncode == 0
    failed = [event for event in worker.events() if event["what"] == "failed"]
    assert 2 <= len(failed) <= 24, "no storm of attempts"


def test_the_slot_moves(mirror: Mirror, cluster: RedisCluster) -> None:
    """The worker finds the node, fails while keys are on their way, and goes on where they went."""
    mirror.tables("tu", 1000)
    mirror.mirror("t")
    mirror.mirror("u", ", format => 'hash'")
    worker = mirror.work("--lease=3")
    assert mirror.check() == 2000
    source = cluster.owner

    def half_way() -> None:
        mirror.db.sql("UPDATE t SET n = n + 1")
        mirror.db.sql("UPDATE u SET n = n + 1, id = -id WHERE id % 7 = 0")
        wait_until(lambda: worker.said("failed"), 10, "keys that are elsewhere are no missing keys")

    cluster.move(next(node for node in cluster.nodes if node is not source), half_way)
    assert cluster.owner is not source
    assert mirror.check() == 2000
    assert source.ask("DBSIZE") == 0
    done = mirror.run("verify")
    assert (done.returncode, done.stderr) == (0, "")
    failed = [event for event in worker.events() if event["what"] == "failed"]
    assert 1 <= len(failed) <= 6, "no storm of attempts"
    assert sum(event["what"] == "unsafe" for event in worker.events()) == 1, "nothing was built anew"
    assert worker.stop() == 0
    mirror.prefix = "asymm"
    done = mirror.run("run")
    assert done.returncode == 3
    assert "no hash tag" in done.stderr
    assert cluster.password not in done.stderr
