"""The tiles: whoever may look can run each of them, and they tell the truth."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import psycopg
import pytest

from asymmetrica.errors import ConnectionFailed, UnknownObject
from asymmetrica.eyes import Reader
from asymmetrica.eyes.reader import changed
from support.cluster import wait_until
from support.database import Database
from support.pulse import Loop, make_actor, make_table

HOSTILE = 'a<b>[red]"; DROP TABLE x--\n\x1b[31m'


def row(db: Database, view: str) -> dict[str, Any]:
    cursor = db.own.cursor(row_factory=psycopg.rows.dict_row)
    found = cursor.execute(f"SELECT * FROM asymm.{view}".encode()).fetchone()
    assert found is not None
    return found


@pytest.mark.parametrize("filled", [False, True])
async def test_a_reader_runs_every_tile_read_only(db: Database, filled: bool) -> None:
    if filled:
        db.sql("CREATE SCHEMA shop")
        name = psycopg.sql.Identifier(HOSTILE).as_string()
        db.sql(f"CREATE TABLE shop.{name} (id integer PRIMARY KEY, n integer)".replace("%", "%%"))
        db.sql("SELECT asymm.watch(%s, policy => 'propose')", f"shop.{name}")
        db.sql(f"ALTER TABLE shop.{name} DROP COLUMN n")
        db.sql("SELECT asymm._process_ddl()")
    reader = Reader(db.dsn_of(db.role("reader", "LOGIN", ("asymm_reader",))))
    async with reader:
        tiles = await reader.tiles()
        assert {"vitals", "verdict", "drift", "actions", "heartbeat", "fleet"} <= set(tiles)
        for name, tile in tiles.items():
            found = await reader.read(name)
            assert found.columns, name
            json.dumps(found.rows, allow_nan=False)
            assert tile.picture == (found.columns[0] == "shape")
        assert not (await reader.viewer()).operator
        if filled:
            (drift,) = (await reader.read("drift")).dicts()
            assert HOSTILE.replace('"', '""') in drift["object"]
            # Statements are for operators.
            assert drift["statement"] is None
        with pytest.raises(UnknownObject):
            await reader.read("drift; DROP TABLE x")


async def test_a_reader_comes_back_after_a_restart_and_an_upgrade(db: Database) -> None:
    async with Reader(db.dsn) as reader:
        db.sql("CREATE VIEW public.seen AS SELECT 1 AS one")
        for _ in range(7):  # the plan is kept
            assert (await reader.ask("SELECT * FROM public.seen")).columns == ("one",)
        db.sql("DROP VIEW public.seen")
        db.sql("CREATE VIEW public.seen AS SELECT 'a' AS another")
        assert (await reader.ask("SELECT * FROM public.seen")).columns == ("another",)
        db.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'asymmetrica eyes'"
        )
        with pytest.raises(ConnectionFailed):
            await reader.read("vitals")
        assert (await reader.read("vitals")).rows


async def test_times_that_python_does_not_know(db: Database) -> None:
    async with Reader(db.dsn) as reader:
        found = await reader.ask(
            "SELECT timestamptz 'infinity', timestamptz '0044-03-15 12:00:00+00 BC', float8 'NaN',"
            " ARRAY[timestamptz '-infinity'], interval '1 day', 1e400::numeric, 1.5::numeric, inet '::1',"
            " timestamptz '2026-01-02 03:04:05.5+01'"
        )
        assert found.rows == [
            (
                "infinity",
                "0044-03-15 12:00:00+00 BC",
                "NaN",
                ["-infinity"],
                86400.0,
                "Infinity",
                1.5,
                "::1",
                "2026-01-02T02:04:05.5+00:00",
            )
        ]


async def test_beats_that_saw_something_are_told_to_who_listens(db: Database) -> None:
    actor, owner = make_actor(db)
    make_table(db, owner)
    loop = Loop(db, actor, "20 s").wait_for_beats()
    async with Reader(db.dsn_of(db.role("reader", "LOGIN", ("asymm_reader",)))) as reader:
        beats = reader.beats()
        told = asyncio.ensure_future(anext(beats))
        while not db.value(
            "SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN asymm_pulse' AND state = 'idle'"
        ):
            await asyncio.sleep(0.01)
        assert (await reader.read("vitals")).dicts()[0]["beating"]
        db.sql("SELECT pg_notify('asymm_pulse', 'no report')")
        db.sql("ALTER TABLE app.item DROP COLUMN label")
        report = await told
        assert changed(report)
        assert (await reader.read("drift")).dicts()[0]["name"] == "label"
        db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN asymm_pulse'")
        with pytest.raises(ConnectionFailed):
            await anext(beats)
    db.sql("SELECT asymm.stop()")
    loop.join()


def test_verdict_says_what_is_wrong_the_worst_first(db: Database) -> None:
    fresh = row(db, "verdict")
    assert (fresh["status"], fresh["shm"]) == ("unknown", None) or fresh["status"] == "fair"
    assert fresh["reasons"] == ["nothing beats here: asymm.start()", "nothing is watched: asymm.watch()"]
    db.sql("CREATE TABLE public.item (id integer PRIMARY KEY, n integer)")
    db.sql("SELECT asymm.watch('public.item', policy => 'propose')")
    db.sql("ALTER TABLE public.item DROP COLUMN n")
    db.sql("SELECT asymm._process_ddl()")
    drifted = row(db, "verdict")
    assert drifted["status"] == "warning"
    assert drifted["reasons"][0] == "1 difference from what was declared"
    assert "1 proposal waits for a decision" in drifted["reasons"]
    vitals = row(db, "vitals")
    assert (vitals["watched"], vitals["drifted"], vitals["proposals"], vitals["beating"]) == (1, 1, 1, False)
    # A loop that was started and does not beat is worse than anything that differs.
    actor, _ = make_actor(db)
    db.sql("INSERT INTO asymm.pulse_state (actor, lane, period, seq, beat_at, registered_at)"
           " VALUES (%s, 'fast', 0.2037, 7, clock_timestamp() - interval '1 min', now())", actor)  # fmt: skip
    silent = row(db, "verdict")
    assert silent["status"] == "critical"
    assert silent["reasons"][0] == "no beat for 60 s"
    assert silent["headline"].startswith("Critical: no beat for 60 s; 1 difference")
    # One that was told to stop is not missed.
    db.sql("UPDATE asymm.pulse_state SET stops = 1, registered_at = NULL")
    assert row(db, "verdict")["status"] == "warning"


def test_both_ends_of_a_wait_are_shown_without_what_they_run(db: Database) -> None:
    db.sql("CREATE TABLE public.item (id integer)")
    holder, waiter = db.connect(autocommit=False), db.connect()
    holder.execute("LOCK TABLE public.item IN ACCESS EXCLUSIVE MODE")
    thread = threading.Thread(target=lambda: waiter.execute("SELECT 'secret' FROM public.item"))
    thread.start()
    try:
        wait_until(lambda: len(db.sql("SELECT * FROM asymm.lock_waits")) == 2, 10, "a wait")
        reader = db.role("reader", "LOGIN", ("asymm_reader",))
        with db.connect(user=reader) as own:
            found = own.execute(
                "SELECT pid, blocked_by, blocks, waits_for, w::text FROM asymm.lock_waits AS w"
            ).fetchall()
            figures = own.execute("SELECT waiting, idle_in_transaction FROM asymm.database_now").fetchone()
    finally:
        holder.rollback()
        thread.join()
    (first, second) = found
    assert first[:4] == (holder.info.backend_pid, [], 1, None)
    assert second[:4] == (
        waiter.info.backend_pid,
        [holder.info.backend_pid],
        0,
        "AccessShareLock on public.item",
    )
    assert "secret" not in str(found)
    assert figures == (1, 1)


def test_every_tile_has_a_comment_and_is_of_ours(db: Database) -> None:
    # Each view or function that a tile asks is in our schema and says what it shows.
    for tile, query in db.sql("SELECT tile, query FROM asymm.tiles"):
        db.sql(f"CREATE TEMP VIEW looked AS {query}")
        asked = db.sql("""
            SELECT i.identity, obj_description(d.refobjid, d.refclassid::regclass::name)
              FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid
             CROSS JOIN LATERAL pg_identify_object(d.refclassid, d.refobjid, 0) AS i
             WHERE r.ev_class = 'looked'::regclass AND d.refobjid <> r.ev_class
               AND d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)""")
        db.sql("DROP VIEW looked")
        for name, comment in asked:
            assert name.startswith("asymm."), (tile, name)
            assert comment, tile
