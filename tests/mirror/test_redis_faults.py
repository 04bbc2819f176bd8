"""Redis that is full, read-only, old, of another role, behind TLS, or the wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from support.certificates import Authority
from support.mirror import Mirror
from support.redis import RedisServer

pytestmark = pytest.mark.long


def live(mirror: Mirror) -> None:
    mirror.tables("t")
    mirror.mirror("t")
    mirror.work()
    mirror.check()


def test_full_and_read_only(mirror: Mirror) -> None:
    """Nothing is acknowledged that Redis refused, and it goes on afterwards."""
    live(mirror)
    worker = mirror.workers[-1]
    confirmed = (
        "SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE database = current_database()"
    )
    refusals = (
        (
            "maxmemory",
            lambda: mirror.redis.config_set("maxmemory", 1),
            lambda: mirror.redis.config_set("maxmemory", 0),
        ),
        (
            "read only replica",
            lambda: mirror.redis.replicaof("127.0.0.1", 1),
            lambda: mirror.redis.replicaof("NO", "ONE"),
        ),
    )
    for words, begin, end in refusals:
        begin()
        before = mirror.db.value("SELECT pg_current_wal_flush_lsn() - '0/0'")
        mirror.db.sql("UPDATE t SET n = n + 1")
        mirror.until(lambda words=words: words in worker.log.read_text(), 20, "told")
        assert mirror.db.value(confirmed) <= before + 8192
        assert mirror.db.value("SELECT state FROM asymm.mirror_status()") != "live"
        end()
        assert mirror.check() == 100
        mirror.db.wait_for("SELECT state = 'live' AND error IS NULL FROM asymm.mirror_status()")


def test_restarted_with_an_older_state(mirror: Mirror) -> None:
    live(mirror)
    mirror.redis.save()
    mirror.db.sql("UPDATE t SET n = 1")
    mirror.db.sql("INSERT INTO t VALUES (1000, 0)")
    mirror.check()
    mirror.redis.save()
    saved = (mirror.server.directory / "dump.rdb").read_bytes()
    mirror.db.sql("UPDATE t SET n = 2")
    mirror.db.sql("DELETE FROM t WHERE id = 1000")
    mirror.check()
    mirror.db.wait_for("SELECT lag_bytes < 8192 FROM asymm.mirror_status()")
    mirror.server.kill()
    (mirror.server.directory / "dump.rdb").write_bytes(saved)
    mirror.server.start()
    mirror.db.sql("UPDATE t SET n = 3 WHERE id = 1")
    assert mirror.check() == 100


def test_failover_to_a_replica_that_lagged(mirror: Mirror) -> None:
    """The worker reaches the replica by the former address, as behind a name that moved."""
    live(mirror)
    replica = RedisServer()
    replica.start()
    try:
        follower = redis.Redis.from_url(replica.url)
        follower.config_set("masterauth", mirror.server.password)
        follower.replicaof("127.0.0.1", mirror.server.port)
        mirror.until(lambda: follower.exists("asymm:mirror:safe:public.t") == 1, 20, "it follows")
        with mirror.way_to_redis() as (proxy, url):
            assert mirror.workers[-1].stop() == 0
            mirror.work(url=url)
            mirror.check()
            follower.replicaof("NO", "ONE")
            mirror.db.sql("UPDATE t SET n = 2")
            mirror.db.sql("DELETE FROM t WHERE id > 90")
            mirror.check()
            proxy.target = ("127.0.0.1", replica.port)
            proxy.reset()
            former, mirror.redis = mirror.redis, follower
            mirror.db.sql("UPDATE t SET n = 3 WHERE id = 1")
            assert mirror.check() == 90
            former.close()
    finally:
        replica.remove()


def test_the_wrong_database_and_password(mirror: Mirror) -> None:
    mirror.tables("t")
    mirror.mirror("t")
    for url in (
        mirror.server.tcp_url.replace("/0", "/99"),
        mirror.server.tcp_url.replace(mirror.server.password, "wrong-secret"),
        mirror.server.tcp_url.replace("redis://", "rediss://"),
    ):
        done = mirror.run("run", ASYMMETRICA_REDIS=url)
        assert done.returncode == 3
        assert "Redis: " in done.stderr
        assert "secret" not in done.stdout + done.stderr


def test_behind_tls(mirror: Mirror, tmp_path: Path) -> None:
    """A certificate that nobody vouches for is refused; with its authority known all is well."""
    good, other = Authority(tmp_path / "good"), Authority(tmp_path / "other")
    port = mirror.server.with_tls(*good.certificate())
    mirror.tables("t")
    mirror.mirror("t")
    base = f"rediss://default:{mirror.server.password}@127.0.0.1:{port}/0"
    for url in (base, f"{base}?ssl_ca_certs={other.root}"):
        done = mirror.run("run", ASYMMETRICA_REDIS=url)
        assert done.returncode == 3
        assert "certificate" in done.stderr
        assert mirror.server.password not in done.stderr
    mirror.work(url=f"{base}?ssl_ca_certs={good.root}")
    assert mirror.check() == 100
