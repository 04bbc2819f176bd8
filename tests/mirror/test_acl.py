"""The users of Redis that README makes can do what they must, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
import redis
from redis.exceptions import NoPermissionError

import asymmetrica
from support.cluster import ROOT
from support.mirror import Mirror
from support.reads import until_route, warm
from support.site import Site


def users(mirror: Mirror) -> dict[str, str]:
    """Run README's lines; return the URL of each user they make."""
    lines = re.findall(r"^ACL SETUSER .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    out = {}
    for line in lines:
        words = line.split()
        assert mirror.redis.execute_command("ACL SETUSER", *words[2:]) in (True, b"OK")
        (password,) = (word[1:] for word in words if word.startswith(">"))
        out[words[2]] = mirror.server.url.replace(
            f"default:{mirror.server.password}", f"{words[2]}:{password}"
        )
    return out


def test_readme_users(mirror: Mirror) -> None:
    # In a database of its own: where a URL names one, nothing is to come into another.
    url = {name: f"{found}?db=3" for name, found in users(mirror).items()}
    first, mirror.redis = mirror.redis, redis.Redis.from_url(f"{mirror.server.url}?db=3")
    mirror.tables("t")
    mirror.tables("u", 3000)
    mirror.mirror("t")
    mirror.mirror("u", ", format => 'hash', ttl => '1 h'")
    worker = mirror.work(url=url["asymm_worker"])
    mirror.check()
    mirror.db.sql("ALTER TABLE t ADD x text DEFAULT 'x'")
    mirror.db.sql("TRUNCATE u")
    mirror.db.sql("INSERT INTO u VALUES (1, 1)")
    mirror.check()
    assert mirror.run("verify", ASYMMETRICA_REDIS=url["asymm_worker"]).returncode == 0
    site = Site(mirror.db.dsn, url["asymm_reader"])
    try:
        with asymmetrica.connect(mirror.db.dsn, redis=url["asymm_reader"]) as reader:
            assert warm(reader).rows == [(100, 0)]
            for table in "tu":
                until_route(lambda table=table: reader.get(f"public.{table}", 1), "redis", "near")
            assert site.until_hit("/sum").text == "0"
            mirror.db.sql("UPDATE t SET n = 1")
            mirror.settle()
            assert warm(reader).rows == [(100, 100)]
            assert site.until_hit("/sum").text == "100"
            counters = reader.counters()
            assert (counters["redis_errors"], counters.get("redis_refused", 0)) == (0, 0)
    finally:
        site.close()
    assert worker.stop() == 0
    assert first.dbsize() == 0
    first.close()
    assert [entry for entry in mirror.redis.acl_log() if entry["username"] in url] == []
    mirror.redis.set("other", "secret")
    for name, commands in FORBIDDEN.items():
        client: Any = redis.Redis.from_url(url[name])
        for command in commands:
            with pytest.raises(NoPermissionError):
                client.execute_command(*command.split())
        client.close()


FORBIDDEN = {
    "asymm_worker": ["GET other", "SET other 1", "FLUSHALL", "CONFIG GET *", "KEYS *", "ACL LIST"],
    "asymm_reader": [
        "GET other", "SET asymm:mirror:lsn 1", "DEL asymm:mirror:safe:public.t", "SET asymm:public.t:e1:1 {}",
        "FLUSHALL", "KEYS *", "SCAN 0", "CONFIG GET *", "PUBLISH a b",
    ],
}  # fmt: skip
