"""What others do to publication, slot and keys is noticed, told and mended."""

from __future__ import annotations

import contextlib

import pytest

from asymmetrica.mirror.stream import Stream, StreamBroken
from support.mirror import Mirror

SAFE = tuple(f"asymm:mirror:safe:public.{table}" for table in "tu")


def both(mirror: Mirror) -> None:
    mirror.tables()
    mirror.mirror("t")
    mirror.mirror("u")
    mirror.work()
    mirror.check()


def test_publication_dropped_and_made_again(mirror: Mirror) -> None:
    """What was committed meanwhile can't be streamed any more, by this slot never."""
    db = mirror.db
    both(mirror)
    db.sql("DROP PUBLICATION asymm_mirror")
    db.sql("UPDATE t SET n = 1")
    mirror.until(lambda: not mirror.redis.exists(*SAFE), 20, "nothing is read")
    mirror.until(lambda: mirror.workers[-1].said("failed"), 20, "told")
    db.sql("SELECT asymm.create_mirror_login(%s)", mirror.login)
    mirror.mirror("t")
    mirror.mirror("u")
    db.sql("UPDATE u SET n = 2")
    assert mirror.check() == 200


def test_why_the_stream_ended_is_told_whoever_comes_upon_it(mirror: Mirror) -> None:
    """Also by an acknowledgement; without the reason the worker would try the same slot for ever."""
    mirror.tables("t")
    mirror.mirror("t")
    worker = mirror.work()
    mirror.check()
    assert worker.stop() == 0
    mirror.db.sql("DROP PUBLICATION asymm_mirror")
    mirror.db.sql("UPDATE t SET n = 1")
    with contextlib.closing(Stream(mirror.db.dsn_of(mirror.login), 10)) as stream:
        stream.start(mirror.db.value("SELECT asymm._mirror_slot()"), "asymm_mirror", 0)

        def ended() -> bool:
            stream.wait(0.1)
            with contextlib.suppress(StreamBroken):
                stream.read()
            return stream.failure is not None

        mirror.until(ended, 20, "ended")
        with pytest.raises(StreamBroken, match="does not exist"):
            stream.acknowledge(0)


def test_publication_changed_and_changed_back(mirror: Mirror) -> None:
    db = mirror.db
    both(mirror)
    for away, back in (
        ("asymm_mirror DROP TABLE u", "asymm_mirror ADD TABLE u"),
        (
            "asymm_mirror SET (publish = 'insert')",
            "asymm_mirror SET (publish = 'insert, update, delete, truncate')",
        ),
        ("asymm_mirror RENAME TO other", "other RENAME TO asymm_mirror"),
    ):
        db.sql(f"ALTER PUBLICATION {away}")
        db.sql("UPDATE u SET n = n + 1")
        db.sql(f"ALTER PUBLICATION {back}")
        db.sql("UPDATE u SET n = n + 1 WHERE id < 5")
        assert mirror.check() == 200


def test_keys_of_the_worker_deleted(mirror: Mirror) -> None:
    """The rows that stayed are not taken for rows of the table."""
    both(mirror)
    mirror.redis.delete(*mirror.redis.scan_iter("asymm:mirror:*"))
    mirror.db.sql("DELETE FROM t WHERE id < 50")
    assert mirror.check() == 151


def test_keys_of_readers_deleted(mirror: Mirror) -> None:
    """By somebody, or by Redis to make room: they are told anew, and nothing is built."""
    both(mirror)
    epoch = mirror.epoch("public.t")
    keys = [
        f"asymm:mirror:{name}" for name in ("ddl", "source", "version:public.t", "lsn", "settled", "fresh")
    ]
    keys += [SAFE[0], "asymm:mirror:epoch:public.t"]
    mirror.redis.delete(*keys)
    mirror.db.sql("UPDATE u SET n = 1")
    mirror.until(lambda: mirror.redis.exists(*keys) == len(keys), 10, "told again")
    assert mirror.check() == 200
    assert mirror.epoch("public.t") == epoch


def test_keys_of_the_worker_of_another_type(mirror: Mirror) -> None:
    both(mirror)
    for name in ("rows", "epoch:public.t"):
        mirror.redis.delete(f"asymm:mirror:{name}")
        mirror.redis.lpush(f"asymm:mirror:{name}", "a list")
        mirror.db.sql("DELETE FROM t WHERE id = (SELECT max(id) FROM t)")
        mirror.db.sql("ALTER TABLE t ADD IF NOT EXISTS added int")
        mirror.db.sql("ALTER TABLE t DROP added")
        mirror.check()
    log = mirror.workers[-1].log.read_text()
    assert "somebody wrote to asymm:mirror:rows" in log
    assert "WRONGTYPE" in log


def test_how_many_rows_there_are_is_evicted(mirror: Mirror) -> None:
    """A worker that runs knows; one that begins says that nobody does, until it does."""
    both(mirror)
    mirror.check()

    def told() -> list[int | None]:
        return [row[0] for row in mirror.db.sql("SELECT rows FROM asymm.mirror_status() ORDER BY object")]

    rows = "asymm:mirror:rows"
    mirror.redis.delete(rows)
    mirror.db.sql("INSERT INTO t SELECT max(id) + 1 FROM t")
    mirror.check()
    number = mirror.db.value("SELECT id FROM asymm.mirror_table WHERE table_name = 't'")
    assert mirror.redis.hget(rows, number) == b"101"
    assert mirror.workers[-1].stop() == 0
    mirror.redis.delete(rows)
    mirror.work()
    mirror.db.sql("DELETE FROM t WHERE id < 50")
    mirror.check()
    mirror.until(lambda: told() == [None, None], 10, "unknown")
    mirror.db.sql("TRUNCATE t; INSERT INTO t VALUES (1), (2)")
    mirror.check()
    mirror.until(lambda: told() == [2, None], 10, "known again")


@pytest.mark.long
def test_what_was_noted_of_tables_is_evicted(mirror: Mirror) -> None:
    """With a table that was taken out meanwhile, and rows of a former epoch that were to be deleted."""
    both(mirror)
    assert mirror.workers[-1].stop() == 0
    mirror.db.sql("SELECT asymm.unmirror('u')")
    mirror.redis.delete("asymm:mirror:tables", "asymm:mirror:sweeps", "asymm:mirror:rows")
    mirror.redis.set("asymm:public.t:e0:left", "{}")
    mirror.work()
    assert mirror.check() == 100
    mirror.until(lambda: mirror.found().keys() == mirror.wanted().keys(), 20, "nothing is left")
    assert not mirror.redis.exists(SAFE[1])
