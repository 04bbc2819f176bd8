"""The client side of the pulse: beats and changes over LISTEN, through lost connections and garbage."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier

import asymmetrica
from asymmetrica import Beat, ConnectionFailed
from asymmetrica._beat import parse
from support import database
from support.cluster import Cluster
from support.database import Database

LISTENERS = (
    "SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN asymm_pulse' AND datname = current_database()"
)


@pytest.fixture(scope="module")
def listened(server: Cluster) -> Iterator[Database]:
    """One database for all tests here: what is told is over with each."""
    made = database.create(server)
    yield made
    made.drop()


@pytest.fixture
def db(listened: Database) -> Iterator[Database]:
    yield listened
    listened.wait_for(f"SELECT NOT EXISTS ({LISTENERS})")
    listened.close()


def tell(db: Database, seq: int, **more: Any) -> None:
    payload = {"seq": seq, "at": "2026-01-02T03:04:05+00:00", "actor": "a", "lane": "fast", **more}
    db.sql("SELECT pg_notify('asymm_pulse', %s)", json.dumps(payload))


def test_beats_come_in_order(db: Database) -> None:
    with asymmetrica.connect(db.dsn) as ours, ours.pulses(timeout=5) as beats:
        tell(
            db,
            1,
            objects=["s.t"],
            drifts=2,
            adopted=1,
            proposals=1,
            actions=[{"action": 7, "state": "verified"}],
        )
        tell(db, 2)
        first, second = next(beats), next(beats)
    assert isinstance(first, Beat)
    assert (first.seq, first.actor, first.lane, first.objects) == (1, "a", "fast", ("s.t",))
    assert (first.drifts, first.adopted, first.proposals) == (2, 1, 1)
    assert first.actions == ({"action": 7, "state": "verified"},)
    assert (second.seq, second.objects, second.actions, second.missed) == (2, (), (), False)
    assert list(beats) == [], "closed"


async def test_async(db: Database) -> None:
    async with await asymmetrica.connect_async(db.dsn) as ours, ours.pulses(timeout=5) as beats:
        tell(db, 1)
        assert (await anext(beats)).seq == 1


def test_timeout_ends_and_may_be_resumed(db: Database) -> None:
    with asymmetrica.connect(db.dsn) as ours, ours.pulses(timeout=0.05) as beats:
        assert list(beats) == []
        tell(db, 3)
        assert [beat.seq for beat in beats] == [3]


def test_own_connection_is_free_meanwhile(db: Database) -> None:
    with asymmetrica.connect(db.dsn) as ours, ours.pulses(timeout=5) as beats:
        assert ours.version() is None
        tell(db, 1)
        assert next(beats).seq == 1


def test_closing_the_database_ends_the_listener(db: Database) -> None:
    with asymmetrica.connect(db.dsn) as ours:
        beats = ours.pulses()
        beats.__enter__()
        assert len(db.sql(LISTENERS)) == 1
    assert next(beats, None) is None
    db.wait_for(f"SELECT NOT EXISTS ({LISTENERS})")


def test_of_a_borrowed_connection(db: Database) -> None:
    connection = db.connect(autocommit=False)
    with asymmetrica.connect(connection) as ours, ours.pulses(timeout=5) as beats:
        tell(db, 1)
        assert next(beats).seq == 1
        assert connection.info.transaction_status.name == "IDLE"
    assert not connection.closed


def test_survives_a_lost_connection(db: Database) -> None:
    with asymmetrica.connect(db.dsn) as ours, ours.pulses(timeout=10) as beats:
        tell(db, 1)
        assert next(beats).seq == 1
        [[pid]] = db.sql(LISTENERS)
        found: list[Beat] = []
        reader = threading.Thread(target=lambda: found.extend((next(beats), next(beats))))
        reader.start()
        db.sql("SELECT pg_terminate_backend(%s)", pid)
        db.wait_for(f"SELECT EXISTS ({LISTENERS} AND pid <> %s)", pid)
        tell(db, 5)
        tell(db, 6)
        reader.join(10)
    assert [(beat.seq, beat.missed) for beat in found] == [(5, True), (6, False)]


async def test_async_survives_a_lost_connection(db: Database) -> None:
    async with await asymmetrica.connect_async(db.dsn) as ours, ours.pulses(timeout=10) as beats:
        [[pid]] = db.sql(LISTENERS)
        db.sql("SELECT pg_terminate_backend(%s)", pid)
        stop = threading.Event()

        def keep_telling() -> None:
            while not stop.wait(0.05):
                tell(db, 9)

        teller = threading.Thread(target=keep_telling)
        teller.start()
        try:
            beat = await anext(beats)
        finally:
            stop.set()
            teller.join()
    assert (beat.seq, beat.missed) == (9, True)


def test_server_away_then_back(db: Database) -> None:
    with db.server.admin() as admin, asymmetrica.connect(db.dsn) as ours, ours.pulses(timeout=10) as beats:
        [[pid]] = db.sql(LISTENERS)
        admin.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(db.name)))
        admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        found: list[Beat] = []
        reader = threading.Thread(target=lambda: found.append(next(beats)))
        reader.start()
        time.sleep(0.7)
        assert reader.is_alive()
        admin.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(Identifier(db.name)))
        db.wait_for(f"SELECT EXISTS ({LISTENERS})")
        tell(db, 4)
        reader.join(10)
    assert [(beat.seq, beat.missed) for beat in found] == [(4, True)]


def test_garbage_is_passed_over(db: Database) -> None:
    with asymmetrica.connect(db.dsn) as ours, ours.pulses(timeout=5) as beats:
        for payload in ("", "x", "[]", "null", '{"seq": "x"}', '{"at": 5, "seq": 1}', "[" * 7000):
            db.sql("SELECT pg_notify('asymm_pulse', %s)", payload)
        tell(db, 2)
        assert next(beats).seq == 2


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(Beat.__slots__) | st.text(), inner),
))  # fmt: skip
def test_any_json(document: Any) -> None:
    found = parse(json.dumps(document), False)
    assert found is None or isinstance(found, Beat)


def test_first_connection_must_succeed(db: Database) -> None:
    ours = asymmetrica.connect(db.dsn)
    ours._session.source = "host=127.0.0.1 port=1"
    with pytest.raises(ConnectionFailed):
        next(ours.pulses())
    ours.close()
