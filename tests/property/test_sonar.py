"""Faults planted in a workload: each is found in two rounds, blamed on what is to blame, and nothing else."""

from __future__ import annotations

import re

import pytest

from support.database import Database

SCENE = """
    CREATE SCHEMA air;
    CREATE TABLE air.plane (tail text PRIMARY KEY, model text);
    INSERT INTO air.plane SELECT 'N' || n, 'm' || n % 7 FROM generate_series(1, 2000) AS n;
    CREATE TABLE air.flight (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                             tail text REFERENCES air.plane, gate text, day int,
                             status text NOT NULL DEFAULT 'planned');
    INSERT INTO air.flight (tail, gate, day)
    SELECT 'N' || 1 + n % 2000, 'g' || n % 5000, n FROM generate_series(1, 20000) AS n;
    CREATE INDEX flight_tail ON air.flight (tail);
    CREATE INDEX flight_gate ON air.flight (gate);
    CREATE TABLE air.arrival (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, flight bigint,
                              at timestamptz);
    CREATE TABLE air.import (flight bigint, at timestamptz);
    CREATE TABLE air.weather (place text, hour int, state text);
    INSERT INTO air.weather SELECT 'p' || n % 50, n / 50, 'sun' FROM generate_series(0, 2499) AS n;
    ANALYZE;
    SELECT * FROM asymm.configure_sonar(latency_budget => '20 ms');
    SELECT * FROM asymm.track_state('air.flight');
    SELECT * FROM asymm.track_state('air.weather')"""
HEALTHY = "SELECT model FROM air.plane WHERE tail = 'N77'"
SEEKS = "SELECT id FROM air.flight WHERE gate = 'g17'"
FLIPS = "SELECT status FROM air.flight WHERE tail = 'N17'"
STEADY = "SELECT tail FROM air.flight WHERE id = 17"
DECLARED = "INSERT INTO air.arrival (flight, at) SELECT id, now() FROM air.flight WHERE id = 1"
CARRIES = "INSERT INTO air.arrival (flight, at) SELECT flight, at FROM air.import"
SLOW = {"gate =": 60, "status FROM": 2, "id =": 4}
# The last two hours of the past fifteen, as if each statement had been called a hundred times in each step.
PAST = """
    INSERT INTO asymm.query_load (slot, at, query_id, calls, exec_ms, rows, blocks_hit, blocks_read,
                                  blocks_dirtied, temp_blocks, wal_bytes, exec_squares)
    SELECT (floor(extract(epoch FROM s.at) / 86400)::bigint % 8)::smallint, s.at, q.id, 100, 100 * s.ms, 100,
           100, 0, 0, 0, 0, 100 * s.ms * s.ms * 1.01
      FROM asymm.query AS q
     CROSS JOIN LATERAL (SELECT date_bin('15 min', clock_timestamp(), '2000-01-01 00:00:00+00')
                                - i * interval '15 min' AS at,
                                (1 + 0.02 * (i % 3)) * CASE WHEN i < 8 THEN {} ELSE 1 END AS ms
                           FROM generate_series(0, 60) AS i) AS s
     WHERE q.statement ~ 'FROM air' AND q.command = 'select'
    ON CONFLICT (slot, at, query_id) DO UPDATE
       SET calls = EXCLUDED.calls, exec_ms = EXCLUDED.exec_ms, rows = EXCLUDED.rows,
           exec_squares = EXCLUDED.exec_squares"""


def given(statement: str) -> str:
    """Return a statement as pg_stat_statements keeps it."""
    return re.sub(r"= ('\w+'|\d+)", "= $1", statement)


def rounds(db: Database, slow: dict[str, int]) -> set[str]:
    """Two rounds of everything that observes; returns what is wrong then, queries by their text."""
    times = " ".join(f"WHEN q.statement ~ '{part}' THEN {ms}" for part, ms in slow.items())
    for _ in range(2):
        db.sql("SELECT asymm._observe_queries()")
        db.sql(PAST.format(f"CASE {times} ELSE 1 END" if slow else "1"))
        db.sql("UPDATE asymm.query_look SET at = at - interval '1 day'")
        db.sql("UPDATE asymm.state_look SET at = at - interval '1 h', hashed_at = hashed_at - interval '2 h'")
        for organ in ("observe_plans", "tend_graph", "watch_lineage", "observe_states", "sonar_round"):
            db.sql(f"SELECT asymm._{organ}()")
    return {
        " ".join(row)
        for row in db.sql("""
            SELECT f.sonar, regexp_replace(f.key, ' \\d+$', ''), COALESCE(q.statement, f.node)
              FROM asymm.findings AS f LEFT JOIN asymm.query AS q ON f.node = 'query:' || q.id""")
    }


@pytest.mark.timeout(120)
def test_faults_planted_are_found_and_nothing_else(workload: Database) -> None:
    db = workload
    db.sql(SCENE)
    db.sql("SELECT asymm._observe_queries()")
    for statement in (HEALTHY, SEEKS, FLIPS, STEADY, DECLARED):
        db.sql(statement)
    rounds(db, {})
    db.sql("SELECT * FROM asymm.declare_flow('entity:air.flight', 'entity:air.arrival')")
    assert rounds(db, {}) == set()
    db.sql("SELECT asymm._learn_latency()")
    well = db.sql("SELECT ux, state FROM asymm.health()")[0]
    assert well == (1, 1)

    db.sql("DROP INDEX air.flight_gate")
    db.sql("UPDATE air.flight SET status = 's' || id, tail = 'N17'")
    db.sql("INSERT INTO air.weather SELECT * FROM air.weather")
    db.sql(CARRIES)
    db.sql("ANALYZE air.flight")
    assert rounds(db, SLOW) == {
        f"ux slow {given(SEEKS)}",
        f"ux slower {given(SEEKS)}",
        f"ux plan flip {given(SEEKS)}",
        f"ux slower {given(FLIPS)}",
        f"ux plan flip {given(FLIPS)}",
        f"ux slower {given(STEADY)}",
        "graph phantom entity:air.import → entity:air.arrival entity:air.arrival",
        "state air.flight states entity:air.flight",
        "state air.weather duplicates entity:air.weather",
    }
    blamed = "SELECT evidence ->> 'node', evidence ->> 'relation' FROM asymm.findings WHERE key ~ '^slow '"
    assert db.sql(blamed) == [("Seq Scan", "air.flight")]
    ux, state = db.sql("SELECT ux, state FROM asymm.health()")[0]
    assert ux < 0.6
    assert state == 0

    db.sql("CREATE INDEX flight_gate ON air.flight (gate)")
    db.sql("UPDATE air.flight SET status = 'planned', tail = 'N' || 1 + day % 2000")
    db.sql(
        "DELETE FROM air.weather AS w USING air.weather AS o"
        " WHERE (w.place, w.hour) = (o.place, o.hour) AND w.ctid > o.ctid"
    )
    db.sql("SELECT * FROM asymm.declare_flow('entity:air.import', 'entity:air.arrival')")
    db.sql("SELECT asymm.untrack_state('air.flight')")
    db.sql("SELECT * FROM asymm.track_state('air.flight', '{status}')")
    db.sql("ANALYZE air.flight")
    assert rounds(db, {}) == set()
    # What mended the table was slow itself.
    ux, state = db.sql("SELECT ux, state FROM asymm.health()")[0]
    assert ux > 0.99
    assert state == 1
    assert db.value("SELECT count(*) FROM asymm.finding_history WHERE closed_at IS NOT NULL") == 9
