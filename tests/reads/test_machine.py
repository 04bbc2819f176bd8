"""Writes, DDL, crashes and reads in any order: no read is older than promised, at the end all is equal."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

import asymmetrica
from support import database
from support.backup import standby_of
from support.cluster import Cluster
from support.history import State
from support.machine import KEYS, World, Writes
from support.mirror import Mirror, ended
from support.redis import RedisServer

READERS = st.sampled_from(("near", "far"))
STALENESS = st.sampled_from((0, 0.001, 0.05, 0.3, 1.0, 30.0))
# So many commits ago was the one that must be in the answer.
AFTER = st.sampled_from((None, None, 0, 1, 3))
POINTS = ("copying", "copied", "caught up", "read:9", "before write:2", "sent:2", "before acknowledge:3")
ALL = "SELECT * FROM public.t ORDER BY id"
SUMS = "SELECT count(*), max(n), (SELECT max(n) FROM public.u) AS u FROM public.t"
NOT_THERE = "not there"


class Machine(Writes):
    """The other half: what is done to worker and Redis, and what is read meanwhile."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.asleep = self.evicted = False

    # Violence

    @rule(point=st.sampled_from(("", *POINTS)))
    def start(self, point: str) -> None:
        """Another worker in the place of the one there was, which perhaps dies soon."""
        if self.mirror.workers:
            self.mirror.workers[-1].kill()
        self.asleep = False
        self.mirror.work(fail_at=point)

    @rule()
    def kill(self) -> None:
        if self.mirror.workers:
            self.mirror.workers[-1].kill()

    @rule()
    def hang(self) -> None:
        if self.mirror.workers and not ended(self.mirror.workers[-1]):
            self.mirror.workers[-1].hang()
            self.asleep = True

    @rule()
    def wake(self) -> None:
        if self.asleep and not ended(self.mirror.workers[-1]):
            self.mirror.workers[-1].wake()
        self.asleep = False

    @rule()
    def empty(self) -> None:
        self.mirror.redis.flushall()

    @rule(share=st.sampled_from((2, 5)))
    def evict(self, share: int) -> None:
        """Redis lets keys go as it likes: any but those that tell a worker what is left to be deleted."""
        kept = {b"asymm:mirror:tables", b"asymm:mirror:sweeps"}
        keys = sorted(set(self.mirror.redis.scan_iter(count=1000)) - kept)
        self.evicted = True
        if keys[::share]:
            self.mirror.redis.delete(*keys[::share])

    @rule()
    def restart_redis(self) -> None:
        self.mirror.server.kill()
        self.mirror.server.start()

    @rule(long=st.booleans())
    def rest(self, long: bool) -> None:
        time.sleep(0.4 if long else 0.05)

    @precondition(Writes.there)
    @rule()
    def settle(self) -> None:
        """Have everything ready to be read from copies."""
        self.calm()
        for name in self.world.readers:
            for _ in range(4):
                self.all_rows(name, 1.0, None)
                self.get(name, 1, 1.0, None)

    def calm(self) -> None:
        self.wake()
        if not self.mirror.workers or ended(self.mirror.workers[-1]):
            self.start("")
        if self.mirror.db.value("SELECT count(*) FROM asymm.mirror_status() WHERE state = 'refused'"):
            return
        try:
            self.mirror.settle()
        except AssertionError:
            if not ended(self.mirror.workers[-1]):
                raise
            self.calm()

    # Reading

    def ask(
        self, name: str, max_staleness: float, after: int | None, call: Any
    ) -> tuple[Callable[..., None], Any]:
        """Return what judges an answer, and the answer; NOT_THERE if there is no such table."""
        at = max(len(self.history.commits) - 1 - after, 0) if after is not None else 0
        lsn = self.history.commits[at].lsn if after is not None else None
        began = time.monotonic()
        try:
            answer = call(self.world.readers[name], max_staleness=max_staleness, after=lsn)
        except asymmetrica.AsymmetricaError as error:
            if error.sqlstate != "42P01":
                raise
            answer = NOT_THERE

        def judge(what: Callable[[State], Any], found: Any, age: float) -> None:
            self.world.seen[name].read(
                began, max_staleness, at, lambda state: what(state) if state.there else NOT_THERE, found, age
            )

        return judge, answer

    def count(self, route: str) -> None:
        self.world.routes[route] = self.world.routes.get(route, 0) + 1

    @rule(name=READERS, key=KEYS, max_staleness=STALENESS, after=AFTER)
    def get(self, name: str, key: int, max_staleness: float, after: int | None) -> None:
        judge, row = self.ask(
            name, max_staleness, after, lambda reader, **how: reader.get("public.t", key, **how)
        )
        if row in (None, NOT_THERE):
            judge(lambda state: state.t.get(key), row, math.inf)
        else:
            self.count(row.route)
            judge(lambda state: state.t.get(key), dict(row), row.age)

    @rule(name=READERS, max_staleness=STALENESS, after=AFTER)
    def get_many(self, name: str, max_staleness: float, after: int | None) -> None:
        """Each row by itself: they need not be of one moment."""
        judge, rows = self.ask(
            name, max_staleness, after, lambda reader, **how: reader.get_many("public.t", range(1, 7), **how)
        )
        if rows == NOT_THERE:
            judge(lambda _: None, NOT_THERE, math.inf)
            return
        seen = self.world.seen[name]
        floor = highest = seen.floor
        for key, row in enumerate(rows, 1):
            seen.floor = floor
            found = None if row is None else dict(row)
            judge(lambda state, key=key: state.t.get(key), found, math.inf if row is None else row.age)
            highest = max(highest, seen.floor)
        seen.floor = highest

    def query(self, name: str, max_staleness: float, after: int | None, text: str, what: Any) -> None:
        judge, found = self.ask(name, max_staleness, after, lambda reader, **how: reader.query(text, **how))
        if found == NOT_THERE:
            judge(what, NOT_THERE, math.inf)
        else:
            self.count(found.route)
            judge(what, (tuple(found.columns), found.rows), found.age)

    @rule(name=READERS, max_staleness=STALENESS, after=AFTER)
    def all_rows(self, name: str, max_staleness: float, after: int | None) -> None:
        self.query(name, max_staleness, after, ALL, State.all_rows)

    @rule(name=READERS, max_staleness=STALENESS, after=AFTER)
    def both_tables(self, name: str, max_staleness: float, after: int | None) -> None:
        self.query(name, max_staleness, after, SUMS, State.sums)

    def teardown(self) -> None:
        if not self.history.commits:
            return
        if not self.history.now.there:
            self.rename("elsewhere")
        self.row_security("elsewhere", False)
        self.start("")
        self.mirror.check(whole=not self.evicted)
        for name in self.world.readers:
            self.all_rows(name, 30.0, 0)
            self.both_tables(name, 0, None)
            self.get(name, 1, 30.0, 0)


def run(world: World, examples: int, steps: int) -> None:
    settings = hypothesis.settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
        suppress_health_check=list(hypothesis.HealthCheck), report_multiple_bugs=False,
        phases=(hypothesis.Phase.generate,),
    )  # fmt: skip
    run_state_machine_as_test(lambda: Machine(world), settings=settings)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server of its own with a standby."""
    server, redis = Cluster({"wal_keep_size": "256MB"}), RedisServer()
    standby = None
    try:
        server.start()
        redis.start()
        db = database.create(server, name="machine")
        db.sql("CREATE EXTENSION asymmetrica")
        standby = standby_of(server)
        standby.start()
        mirror = Mirror(db, redis, tmp_path_factory.mktemp("machine"))
        made = World(mirror, [standby.dsn("machine")])
        yield made
        made.close()
        mirror.close()
        db.close()
    finally:
        redis.remove()
        if standby is not None:
            standby.remove()
        server.remove()


@pytest.mark.long
def test_any_interleaving(world: World) -> None:
    run(world, 100, 40)
    assert world.routes.keys() >= {"near", "redis", "replica", "primary"}
