"""Time series stay the same wherever they are kept."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from support.database import Database

SAMPLES = """
    WITH s AS (
        INSERT INTO asymm.sample_series (metric, node) VALUES ('score.ux', 'a'), ('score.ux', 'b')
        RETURNING id),
    h AS (SELECT date_bin('1 hour', now(), '2000-01-01') AS at)
    INSERT INTO asymm.sample
    SELECT (asymm._sample_part(w.step, t)).slot, 'score', t, array_agg(s.id ORDER BY s.id),
           array_agg(extract(minute FROM t) + s.id ORDER BY s.id)
      FROM s CROSS JOIN h
     CROSS JOIN (VALUES ('minute', interval '90 min', interval '1 min'), ('quarter', '9 days', '15 min'),
                        ('hour', '80 days', '1 hour')) AS w (step, back, width)
     CROSS JOIN generate_series(h.at - w.back, now(), w.width) AS t
     GROUP BY w.step, t"""
STATE = """
    UPDATE asymm.telemetry_state
       SET sampled_at = now(), quarters_until = date_bin('1 hour', now(), '2000-01-01') - interval '1 hour',
           hours_until = date_bin('1 hour', now(), '2000-01-01') - interval '3 hours'"""


def seen(db: Database, until: Any) -> list[tuple[Any, ...]]:
    return db.sql(
        "SELECT x.* FROM (VALUES ('1 hour'), ('8 days'), ('79 days')) AS b (back),"
        " asymm.series('score.ux', %s::timestamptz - b.back::interval, %s, '1 hour', 'b') AS x ORDER BY 1, 5",
        until,
        until,
    )


def test_hypertables_hold_what_the_partitions_held(db: Database) -> None:
    available = db.value("""
        SELECT count(*) FROM pg_available_extensions
         WHERE name = 'timescaledb' AND current_setting('shared_preload_libraries') ~ 'timescaledb'""")
    if not available:
        pytest.skip("TimescaleDB is not installed")
    db.sql("CREATE EXTENSION timescaledb")
    db.sql("SELECT asymm.watch_database()")
    db.sql(SAMPLES)
    db.sql(STATE)
    now = db.value("SELECT now()")
    before = seen(db, now)
    assert len(before) > 200

    db.sql(
        "CREATE FUNCTION public.create_hypertable(regclass, name, interval) RETURNS void LANGUAGE sql AS ''"
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.sql("SELECT * FROM asymm.setup_telemetry()")
    db.sql("DROP FUNCTION public.create_hypertable(regclass, name, interval)")
    assert db.sql("SELECT DISTINCT result FROM asymm.setup_telemetry()") == [("is a hypertable",)]
    assert db.sql("SELECT DISTINCT result FROM asymm.setup_telemetry()") == [("already so",)]
    assert db.value("SELECT count(*) FROM timescaledb_information.hypertables") == 3
    # It was meant, also where everything is watched.
    db.sql("SELECT asymm.beat()")
    assert db.sql("SELECT object FROM asymm.drift") == []
    assert db.value("SELECT count(*) FROM asymm.sample") == 0
    assert seen(db, now) == before

    # The organs write there, as an actor has them run.
    db.sql("UPDATE asymm.telemetry_state SET sampled_at = sampled_at - interval '2 min'")
    with db.connect(user=db.role("actor", member_of=("asymm_pulse",))) as actor:
        for organ in ("_observe_telemetry", "_roll_up", "_purge_telemetry"):
            actor.execute(f"SELECT asymm.{organ}()".encode())
    assert db.value("SELECT count(*) > 0 FROM asymm_telemetry.sample_minute WHERE family = 'database'")
    assert db.value("SELECT count(*) FROM asymm.sample") == 0
    after = seen(db, now)
    assert len(after) == len(before)

    assert db.value("SELECT count(*) FROM asymm.teardown_telemetry()") == 3
    assert db.value("SELECT to_regnamespace('asymm_telemetry')") is None
    assert seen(db, now) == after
    assert db.sql("SELECT * FROM asymm.teardown_telemetry()") == [("asymm.sample", "already so")]
    db.sql("SELECT asymm.beat()")
    assert db.sql("SELECT object FROM asymm.drift") == []
