"""Changes of tracked tables' states are counted from the stream: each once, whatever is killed."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from support.mirror import Mirror

STATES = (None, "new", "paid", "sent", "", 'lost "é"' + "x" * 70)
TABLES = ("plain", "hashed", "whole")
FIGURES = "SELECT source FROM asymm.state_sonar('public.plain')"
Change = tuple[str, tuple[Any, ...], tuple[Any, ...]]


class Orders:
    """Three tables whose rows change their states at random, and how often each change was committed."""

    def __init__(self, mirror: Mirror, seed: int) -> None:
        self.mirror, self.chance = mirror, random.Random(seed)
        self.rows: dict[str, dict[int, tuple[Any, ...]]] = {table: {} for table in TABLES}
        self.counts: Counter[Change] = Counter()
        self.serial = 0
        for table in TABLES:
            mirror.db.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, status text, note text, done bool)")
            mirror.db.sql("SELECT asymm.track_state(%s, '{status,done}')", table)
            mirror.mirror(table, ", format => 'hash'" if table == "hashed" else "")
        mirror.db.sql("ALTER TABLE whole REPLICA IDENTITY FULL")

    def work(self, transactions: int) -> None:
        with self.mirror.db.connect() as connection:
            for _ in range(transactions):
                with connection.transaction():
                    for _ in range(self.chance.choice((1, 2, 30))):
                        connection.execute(*self.step(self.chance.choice(TABLES)))

    def step(self, table: str) -> tuple[str, list[Any]]:
        rows, chance = self.rows[table], self.chance
        what = chance.random()
        state = (chance.choice(STATES), chance.choice((None, True, False)))
        if len(rows) < 5 or what < 0.1:
            self.serial += 1
            rows[self.serial] = state
            return f"INSERT INTO {table} VALUES (%s, %s, 'n', %s)", [self.serial, *state]
        key = chance.choice(list(rows))
        if what < 0.2:
            del rows[key]
            return f"DELETE FROM {table} WHERE id = %s", [key]
        former = rows[key]
        if what < 0.3:
            return f"UPDATE {table} SET note = repeat('z', 3000) WHERE id = %s", [key]
        if what < 0.4:
            # A key that was another row's before is a row of its own.
            new = chance.choice([self.serial + 1, *(k for k in range(1, self.serial) if k not in rows)])
            self.serial = max(self.serial, new)
            del rows[key]
            rows[new] = state
            self.moved(table, former, state)
            return f"UPDATE {table} SET id = %s, status = %s, done = %s WHERE id = %s", [new, *state, key]
        rows[key] = state
        self.moved(table, former, state)
        return f"UPDATE {table} SET status = %s, done = %s WHERE id = %s", [*state, key]

    def moved(self, table: str, former: tuple[Any, ...], state: tuple[Any, ...]) -> None:
        if former != state:
            self.counts[table, told(former), told(state)] += 1

    def counted(self) -> Counter[Change]:
        rows = self.mirror.db.sql(
            "SELECT entity, from_state, to_state, times FROM asymm.state_transitions WHERE source = 'stream'"
        )
        return Counter({(name.partition(".")[2], tuple(old), tuple(new)): n for name, old, new, n in rows})

    def check(self) -> None:
        self.mirror.until(lambda: self.counted().total() >= self.counts.total(), 20, "all are counted")
        assert self.counted() == self.counts


def told(state: tuple[Any, ...]) -> tuple[Any, ...]:
    """Write a state as it is told: by the server's output, cut at 60 characters."""
    status, done = state
    return status[:60] if status is not None else None, {None: None, True: "t", False: "f"}[done]


def test_states_from_the_stream(mirror: Mirror) -> None:
    db, orders = mirror.db, Orders(mirror, 11)
    orders.work(3)
    first = mirror.work(fail_at="told")
    mirror.until(lambda: db.value("SELECT count(*) = 3 FROM asymm._state_streams WHERE live"), 20, "followed")
    orders.counts.clear()
    orders.work(40)
    # Killed when the database had the counts and the worker did not know it; then it is away for a while.
    mirror.until(lambda: first.process.poll() is not None, 20, "it was killed")
    orders.work(20)
    mirror.work()
    orders.check()
    # The organ follows no row of its own meanwhile; figures say where they are from.
    for _ in range(2):
        db.sql("UPDATE asymm.state_look SET at = at - interval '1 min'")
        db.sql("SELECT asymm._observe_states()")
        orders.work(5)
    orders.check()
    assert db.sql("SELECT DISTINCT source FROM asymm.state_transitions") == [("stream",)]
    assert "transitions: stream (each change since 20" in db.value(FIGURES)
    assert db.sql("SELECT DISTINCT missed FROM asymm.state_stream") == [(0,)]
    assert db.sql(
        """SELECT count(*) FROM asymm.state_stream AS s
            WHERE s.changes <> (SELECT sum(times) FROM asymm.state_transition AS t
                                 WHERE t.table_id = s.table_id)"""
    ) == [(0,)]
    # A row that Redis lost has no former state. Values of a column that is protected now leave Redis, also as
    # states. Other columns are other states.
    db.sql("ALTER TABLE whole REPLICA IDENTITY DEFAULT")
    db.sql("INSERT INTO plain VALUES (0, 'new')")
    mirror.settle()
    mirror.redis.delete(*mirror.redis.keys("asymm:public.plain:e*:0"))
    db.sql("UPDATE plain SET status = 'sent' WHERE id = 0")
    db.sql("UPDATE whole SET status = 'canary'")
    mirror.settle()
    db.sql("SELECT asymm.protect('whole', 'status')")
    db.sql("SELECT asymm.track_state('hashed', '{note}')")
    states = "asymm:mirror:states"
    mirror.until(lambda: b"canary" not in (mirror.redis.get(states) or b""), 20, "no value is left")
    assert not db.value("SELECT EXISTS (SELECT FROM asymm.state_transitions WHERE entity = 'public.whole')")
    mirror.until(lambda: "but for 1" in db.value(FIGURES), 10, "what was missed is told")
    mirror.until(lambda: db.value("SELECT count(*) = 2 FROM asymm._state_streams WHERE live"), 20, "followed")
    db.sql("UPDATE hashed SET note = 'other' WHERE id = (SELECT min(id) FROM hashed WHERE note = 'n')")
    query = "SELECT from_state, to_state, times FROM asymm.state_transitions WHERE entity = 'public.hashed'"
    mirror.until(lambda: db.sql(query) == [(["n"], ["other"], 1)], 10, "the new column's change")
    # Without a worker rows are followed.
    assert mirror.workers[-1].stop() == 0
    db.sql("UPDATE asymm.mirror_worker SET reported_at = reported_at - interval '1 min'")
    for status in ("first", "second"):
        db.sql("UPDATE asymm.state_look SET at = at - interval '1 min'")
        db.sql("SELECT asymm._observe_states()")
        db.sql("UPDATE plain SET status = %s WHERE id = 0", status)
    assert db.value("SELECT count(*) FROM asymm.state_transitions WHERE source = 'sample'") == 1
    assert "sample while the mirror's worker is away" in db.value(FIGURES)


@pytest.mark.long
def test_states_and_kills(mirror: Mirror) -> None:
    orders, chance = Orders(mirror, 12), random.Random(13)
    worker = mirror.work()
    query = "SELECT count(*) = 3 FROM asymm._state_streams WHERE live"
    mirror.until(lambda: mirror.db.value(query), 20, "followed")
    for turn in range(24):
        worker.kill() if turn % 2 else worker.stop()
        name = chance.choice(("read:200", "before write:9", "sent:9", "before acknowledge:3", "told:2"))
        worker = mirror.work(fail_at=name)
        orders.work(60)
    worker.kill()
    mirror.work()
    orders.check()
