"""`asymmetrica pulse`: the loop without pg_cron is started again, waits for a full server, ends cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

import asymmetrica
from asymmetrica import ConnectionFailed, UnfitActor
from asymmetrica._runner import Event, pause, run_pulse
from support.database import Database

LOOPS = """SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'asymmetrica pulse%%' AND usename = %s"""


class Runner:
    """A running pulse and what it told."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.events: list[Event] = []

    def told(self, what: str) -> list[Event]:
        return [event for event in self.events if event.what == what]


@pytest.fixture
def actor(shop: Database) -> str:
    """A fit actor for the owner of the shop."""
    owner = shop.value("SELECT tableowner FROM pg_tables WHERE schemaname = 'shop' LIMIT 1")
    name = f"actor_{shop.name}"
    shop.sql("SELECT asymm.create_actor(%s, %s)", name, owner)
    shop.forget_role(name)
    return name


@contextlib.asynccontextmanager
async def running(dsn: str, **options: Any) -> AsyncIterator[Runner]:
    runner = Runner()
    task = asyncio.create_task(run_pulse(dsn, stop=runner.stop, tell=runner.events.append, **options))
    try:
        yield runner
    finally:
        runner.stop.set()
        await asyncio.wait_for(task, 10)


async def until(shop: Database, query: str, *values: Any, timeout: float = 10) -> Any:
    """Poll without stopping the loop that runs beside."""
    deadline = time.monotonic() + timeout
    while not (found := shop.value(query, *values)):
        assert time.monotonic() < deadline, f"not within {timeout} s: {query}"
        await asyncio.sleep(0.02)
    return found


BEATS = "SELECT seq FROM asymm.heartbeat WHERE lane = 'fast' AND alive AND seq > %s"


async def test_both_lanes_beat_and_repair(shop: Database, actor: str) -> None:
    shop.sql("SELECT asymm.watch('shop.orders', policy => 'heal')")
    async with running(shop.dsn_of(actor)) as runner:
        await until(shop, "SELECT count(*) = 2 FROM asymm.heartbeat WHERE alive")
        shop.sql("ALTER TABLE shop.orders ALTER COLUMN due DROP DEFAULT")
        await until(shop, "SELECT count(*) = 1 FROM asymm.actions WHERE state = 'verified'")
    assert shop.value("SELECT applied_by FROM asymm.actions") == actor
    assert {event.lane for event in runner.told("started")} == {"fast", "slow"}
    assert not runner.told("failed")
    shop.wait_for(f"SELECT NOT EXISTS ({LOOPS})", actor)


async def test_no_beat_is_lost_between_two_calls(shop: Database, actor: str) -> None:
    async with running(shop.dsn_of(actor), lanes=["fast"], duration="1 s") as runner:
        first = await until(shop, BEATS, 0)
        await until(shop, BEATS, first + 20)
    assert len(runner.told("ended")) >= 3
    assert {event.note for event in runner.told("ended")[:-1]} == {"duration"}
    assert shop.value("SELECT sum(missed) FROM asymm.heartbeat") == 0


async def test_killed_loop_comes_back(shop: Database, actor: str) -> None:
    async with running(shop.dsn_of(actor), lanes=["fast"]) as runner:
        for _ in range(3):
            seq = await until(shop, BEATS, 0)
            killed = time.monotonic()
            shop.sql(f"SELECT pg_terminate_backend(pid) FROM ({LOOPS}) AS l", actor)
            await until(shop, BEATS, seq + 2)
            assert time.monotonic() - killed < 5
    assert len(runner.told("failed")) == 3
    assert all(event.wait is not None and event.wait < 5 for event in runner.told("failed"))


async def test_full_server(shop: Database, actor: str) -> None:
    """Connections exhausted: pauses grow, nothing spins, and the loop is back when there is room."""
    shop.sql(f"ALTER ROLE {actor} CONNECTION LIMIT 1")
    async with running(shop.dsn_of(actor), lanes=["fast"]) as runner:
        await until(shop, BEATS, 0)
        shop.sql(f"ALTER ROLE {actor} CONNECTION LIMIT 0")
        shop.sql(f"SELECT pg_terminate_backend(pid) FROM ({LOOPS}) AS l", actor)
        await asyncio.sleep(3)
        failed = len(runner.told("failed"))
        assert 2 <= failed <= 8, runner.events
        waits = [event.wait or 0 for event in runner.told("failed")]
        assert waits[-1] > waits[0]
        seq = shop.value("SELECT seq FROM asymm.pulse_state WHERE lane = 'fast'")
        shop.sql(f"ALTER ROLE {actor} CONNECTION LIMIT 10")
        await until(shop, BEATS, seq)


async def test_stopped_by_hand(shop: Database, actor: str) -> None:
    runner = Runner()
    task = asyncio.create_task(run_pulse(shop.dsn_of(actor), stop=runner.stop, tell=runner.events.append))
    await until(shop, "SELECT count(*) = 2 FROM asymm.heartbeat WHERE alive")
    await asyncio.to_thread(shop.sql, "SELECT asymm.stop()")
    await asyncio.wait_for(task, 10)
    assert {event.note for event in runner.told("ended")} == {"stopped"}


async def test_once(shop: Database, actor: str) -> None:
    runner = Runner()
    await run_pulse(shop.dsn_of(actor), lanes=["fast"], duration="1 s", once=True, tell=runner.events.append)
    assert [event.what for event in runner.events] == ["started", "ended"]


async def test_unfit_actor_is_not_tried_again(shop: Database) -> None:
    runner = Runner()
    with pytest.raises(UnfitActor):
        await asyncio.wait_for(run_pulse(shop.dsn, tell=runner.events.append), 10)
    assert not runner.told("failed")


async def test_first_connection_must_succeed() -> None:
    with pytest.raises(ConnectionFailed):
        await run_pulse("host=127.0.0.1 port=1")


def test_pauses_grow_and_differ() -> None:
    for tries, periods in enumerate((1, 2, 4, 8, 16, 16, 16)):
        waits = [pause(tries) for _ in range(50)]
        assert all(0.5 <= wait / (periods * 11 / 54) <= 1.5 for wait in waits)
        assert len(set(waits)) > 40


@pytest.fixture
def program(shop: Database, actor: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "asymmetrica", "pulse", "--json"],
        env={**os.environ, "ASYMMETRICA_DSN": shop.dsn_of(actor)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_program_ends_cleanly(
    shop: Database, actor: str, program: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    shop.wait_for("SELECT count(*) = 2 FROM asymm.heartbeat WHERE alive")
    program.send_signal(number)
    start = time.monotonic()
    out, err = program.communicate(timeout=10)
    assert time.monotonic() - start < 3
    assert (program.returncode, err) == (0, b"")
    assert out.count(b'"what": "stopped"') == 2
    shop.wait_for(f"SELECT NOT EXISTS ({LOOPS})", actor)


def test_program_refused(shop: Database) -> None:
    command = [sys.executable, "-m", "asymmetrica", "pulse", "--dsn", shop.dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 4
    assert "superuser" in done.stderr


def test_sessions_of_their_own(shop: Database) -> None:
    """The driver's methods never run the loop; a transaction block around it is refused by the server."""
    with psycopg.connect(shop.dsn) as connection, pytest.raises(psycopg.errors.InvalidTransactionTermination):
        connection.execute("CALL asymm.pulse('1 s')")
    assert not hasattr(asymmetrica.Database, "pulse")


async def test_builds_indexes_where_pg_cron_is_missing(shop: Database, actor: str) -> None:
    shop.sql("SELECT asymm.configure_indexes(validation_min => '1 s')")
    shop.sql("SELECT asymm.configure_organ('indexes', cadence => '200 ms')")
    for key in ("due", "due no_such_ops"):
        document = json.dumps({"schema": "shop", "table": "orders", "keys": [key]})
        shop.sql("SELECT asymm._propose_index('create index', %s)", document)
    shop.sql("UPDATE asymm.index_action SET looks = 9")
    good, bad = (row[0] for row in shop.sql("SELECT action FROM asymm.advice ORDER BY action"))
    async with running(shop.dsn_of(actor)) as runner:
        shop.sql("SELECT asymm.approve(%s)", good)
        await until(shop, "SELECT state = 'validating' FROM asymm.advice WHERE action = %s", good, timeout=20)
        shop.sql("UPDATE asymm.action SET state = 'verified' WHERE id = %s", good)
        shop.sql("SELECT asymm.approve(%s)", bad)
        said = "SELECT problem ~ 'no_such_ops' FROM asymm.advice WHERE action = %s"
        await until(shop, said, bad, timeout=20)
    assert {event.what for event in runner.events if event.lane == "builder"} == {
        "started",
        "ended",
        "failed",
    }
