"""After crashes, takeovers and losses Redis equals the tables again, and nothing went backwards."""

from __future__ import annotations

import json
import signal
import threading

import pytest

from support.mirror import Mirror, ended

POINTS = (
    "slot made",
    "copying:2",
    "copied",
    "read:4000",
    "before write:3",
    "sent:4",
    "before acknowledge:4",
)


def table(mirror: Mirror, rows: int = 5000) -> None:
    mirror.db.sql("CREATE TABLE t (id int PRIMARY KEY, n int, v text)")
    mirror.db.sql(f"INSERT INTO t SELECT g, 0, 'v' || g FROM generate_series(1, {rows}) g")
    mirror.mirror("t")


def some_writes(mirror: Mirror) -> None:
    mirror.db.sql("UPDATE t SET n = n + 1, v = v || '.'")
    mirror.db.sql("UPDATE t SET id = id + (SELECT max(id) FROM t) WHERE id % 5 = 0")
    mirror.db.sql("DELETE FROM t WHERE id % 17 = 0")
    mirror.db.sql("INSERT INTO t SELECT max(id) + g, 0, 'new' FROM t, generate_series(1, 100) g GROUP BY g")


def killed_at(mirror: Mirror, point: str) -> None:
    """Have a worker killed at a point while rows are written."""
    if point.startswith(("slot", "cop")):
        mirror.redis.flushall()
    doomed = mirror.work(fail_at=point)
    some_writes(mirror)

    def write_on() -> bool:
        mirror.db.sql("UPDATE t SET n = n + 1 WHERE id % 10 = 0")
        return ended(doomed)

    mirror.until(write_on, 30, f"killed at {point}")
    assert doomed.process.returncode == -signal.SIGKILL


def test_killed_at_every_point_one_after_the_other(mirror: Mirror) -> None:
    table(mirror)
    mirror.work()
    mirror.check()
    mirror.workers[-1].kill()
    for point in POINTS:
        killed_at(mirror, point)
    mirror.work()
    mirror.check()


@pytest.mark.long
@pytest.mark.parametrize("point", POINTS)
def test_killed_at(mirror: Mirror, point: str) -> None:
    table(mirror)
    mirror.work()
    mirror.check()
    mirror.workers[-1].kill()
    killed_at(mirror, point)
    mirror.work()
    mirror.check()


def test_redis_emptied_killed_and_hanging(mirror: Mirror) -> None:
    table(mirror)
    worker = mirror.work()
    mirror.check()
    epoch = mirror.epoch("public.t")
    mirror.redis.flushall()
    mirror.until(lambda: worker.said("failed"), 10, "the emptiness was noticed without any write")
    some_writes(mirror)
    mirror.check()
    mirror.server.kill()
    some_writes(mirror)
    mirror.server.start()
    mirror.check()
    mirror.server.signal(signal.SIGSTOP)
    some_writes(mirror)
    mirror.server.signal(signal.SIGCONT)
    mirror.check()
    assert epoch > 0
    assert not ended(worker)


def test_what_somebody_put_in_the_way(mirror: Mirror) -> None:
    mirror.db.sql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    mirror.mirror("t", ", format => 'hash'")
    worker = mirror.work()
    mirror.check()
    mirror.redis.set(f"asymm:public.t:e{mirror.epoch('public.t')}:1", "a string where a hash belongs")
    mirror.db.sql("INSERT INTO t VALUES (1, 'x'), (2, NULL)")
    mirror.check()
    mirror.redis.config_set("maxmemory", 1)
    mirror.db.sql("INSERT INTO t VALUES (3, 'no room')")
    mirror.until(lambda: "maxmemory" in worker.log.read_text(), 10, "told that Redis is full")
    mirror.redis.config_set("maxmemory", 0)
    assert mirror.check() == 3


def test_slot_lost(mirror: Mirror) -> None:
    table(mirror)
    first = mirror.work()
    mirror.check()
    assert first.stop() == 0
    mirror.db.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                  "WHERE database = current_database()")  # fmt: skip
    some_writes(mirror)
    second = mirror.work()
    mirror.until(lambda: second.said("live"), 30, "built anew")
    mirror.check()


def test_two_workers_and_a_frozen_leader(mirror: Mirror) -> None:
    table(mirror)
    first = mirror.work(lease=4)
    mirror.check()
    second = mirror.work(lease=4)
    mirror.until(lambda: second.said("standing by"), 10, "the second stands by")
    first.process.send_signal(signal.SIGSTOP)
    some_writes(mirror)
    mirror.until(lambda: second.said("leading"), 40, "the second took over")
    mirror.check(60)
    first.process.send_signal(signal.SIGCONT)
    mirror.until(lambda: first.said("failed"), 20, "the first notices that it leads no more")
    mirror.until(lambda: first.said("standing by"), 20, "and stands by")
    some_writes(mirror)
    mirror.check()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(200))
def test_killed_anywhere(mirror: Mirror, seed: int) -> None:
    table(mirror, 3000)
    mirror.work(fail_at=f"{POINTS[seed % len(POINTS)].partition(':')[0]}:{1 + seed // len(POINTS) * 3}")
    for _ in range(3):
        some_writes(mirror)
    mirror.workers[-1].kill()
    some_writes(mirror)
    mirror.work()
    mirror.check()


def test_reads_never_go_back(mirror: Mirror) -> None:
    """A reader sees versions of a row only in their order, through a kill and a restart."""
    mirror.db.sql("CREATE TABLE t (id int PRIMARY KEY, n int)")
    mirror.db.sql("INSERT INTO t VALUES (1, 0)")
    mirror.mirror("t")
    mirror.work()
    mirror.check()
    epoch = mirror.epoch("public.t")
    seen: list[int] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            value = mirror.redis.get(f"asymm:public.t:e{epoch}:1")
            number = int(value.rpartition(b":")[2][:-1]) if value else -1
            if not seen or seen[-1] != number:
                seen.append(number)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 301):
            mirror.db.sql("UPDATE t SET n = %s", number)
            if number == 150:
                mirror.workers[-1].kill()
                mirror.work()
        mirror.check()
    finally:
        stop.set()
        reader.join()
    assert seen == sorted(seen)
    assert len(seen) > 10


def test_verify_finds_what_was_done_to_redis(mirror: Mirror) -> None:
    table(mirror, 2000)
    mirror.work()
    mirror.check()
    done = mirror.run("verify")
    assert (done.returncode, done.stdout) == (0, '{"table": "public.t", "rows": 2000}\n')
    head = f"asymm:public.t:e{mirror.epoch('public.t')}:"
    mirror.redis.set(head + "5", "{}")
    mirror.redis.delete(head + "6")
    mirror.redis.set(head + "no-row", "{}")
    done = mirror.run("verify")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [(line["key"], line["what"]) for line in told[:-1]] == [
        ("5", "differs"),
        ("6", "missing in Redis"),
        ("no-row", "not in the table"),
    ]


def test_where_redis_is_not(mirror: Mirror) -> None:
    mirror.db.sql("CREATE TABLE t (id int PRIMARY KEY)")
    mirror.mirror("t")
    wrong = mirror.server.tcp_url.replace(mirror.server.password, "another-secret")
    done = mirror.run("run", ASYMMETRICA_REDIS=wrong)
    assert done.returncode == 3
    assert "another-secret" not in done.stdout + done.stderr
    assert mirror.db.sql("SELECT state, error LIKE 'Redis: %' FROM asymm.mirror_status()") == [
        ("unsafe", True)
    ]


def test_keys_of_another_database_are_left_alone(mirror: Mirror) -> None:
    mirror.redis.set("asymm:mirror:source", "1/asymm_mirror_1/1")
    mirror.redis.set("asymm:mirror:lsn", 1)
    done = mirror.run("run")
    assert done.returncode == 4
    assert "another database" in done.stderr
    assert mirror.redis.get("asymm:mirror:lsn") == b"1"
