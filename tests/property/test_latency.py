"""What takes longer than it did is found, and noise is not: with heavy tails, spikes, a daily rhythm."""

from __future__ import annotations

import math
import random

import pytest

from support.database import Database

STEP, DAY = 900, 96


def noise(seed: int, steps: int, tied: float, spread: float, rhythm: float) -> list[float]:
    """Milliseconds a call: each hangs on the one before, tails of Student's t (3), one spike in a hundred."""
    rng = random.Random(seed)
    phase, rest, made = rng.uniform(0, 2 * math.pi), 0.0, []
    for step in range(steps):
        shock = rng.gauss(0, 1) / math.sqrt(sum(rng.gauss(0, 1) ** 2 for _ in range(3)) / 3) / math.sqrt(3)
        rest = tied * rest + math.sqrt(1 - tied**2) * shock
        spike = math.log(rng.uniform(2, 10)) if rng.random() < 0.01 else 0
        made.append(math.exp(spread * rest + rhythm * math.sin(2 * math.pi * step / DAY + phase) + spike))
    return made


def alarms(db: Database, series: list[list[float]], step: int = STEP, recent: int = DAY) -> int:
    """How many series have changed, when their last steps are looked at."""
    length = max(map(len, series))
    points = [
        (number, float(step * (length - len(figures) + place)), figure)
        for number, figures in enumerate(series)
        for place, figure in enumerate(figures)
    ]
    found = db.sql(
        """WITH p AS (SELECT %s::bigint[] AS ids, %s::float8[] AS times, %s::float8[] AS figures)
           SELECT r.id FROM p CROSS JOIN LATERAL asymm._risen(p.ids, p.times, p.figures,
               ARRAY(SELECT u FROM asymm._usual('step', p.ids, p.times, p.figures, %s) AS u), %s) AS r""",
        *(list(column) for column in zip(*points, strict=True)),
        float(step * (length - recent)),
        step < 60,
    )
    return len(found)


def slowed(figures: list[float], steps: int, factor: float) -> list[float]:
    return figures[:-steps] + [figure * factor for figure in figures[-steps:]]


def test_noise_raises_no_alarm_and_a_slowdown_does(db: Database) -> None:
    calm = [noise(seed, 7 * DAY, 0.3, 0.1, 0.1) for seed in range(24)]
    tied = [noise(seed, 7 * DAY, 0.6, 0.2, 0.3) for seed in range(24)]
    assert alarms(db, calm) == 0
    assert alarms(db, tied) <= 1
    assert alarms(db, [slowed(figures, 8, 2) for figures in calm]) == 24
    assert alarms(db, [slowed(figures, 12, 1.5) for figures in calm]) >= 22
    assert alarms(db, [slowed(figures, 24, 2) for figures in tied]) >= 21
    # One that is over, and a single step however slow, are none.
    over = [figures + noise(seed, 4, 0.3, 0.1, 0.1) for seed, figures in enumerate(calm)]
    assert alarms(db, [slowed(figures[:-4], 20, 2) + figures[-4:] for figures in over]) <= 2
    assert alarms(db, [slowed(figures, 1, 50) for figures in calm]) == 0
    for odd in (
        "NULL, NULL, NULL",
        "'{}', '{}', '{}'",
        "'{1,1}', '{1,2}', '{1,NULL}'",
        "'{1,1,1}', '{1,2,3}', '{0,-1,0}'",
    ):
        assert db.sql(f"SELECT * FROM asymm._usual('step', {odd}, 2) WHERE center_ms IS NOT NULL") == []
        assert db.sql(f"SELECT * FROM asymm._risen({odd}, NULL)") == []


def test_looks_tell_within_minutes_and_noise_is_none(db: Database) -> None:
    """Half a minute apart: looks of six hours, the last half an hour of which is held against the others."""
    still = [noise(seed, 720, 0, 0.05, 0) for seed in range(40)]
    assert alarms(db, still, 30, 60) == 0
    assert alarms(db, [slowed(figures, 3, 2) for figures in still], 30, 60) >= 36
    calm = [noise(seed, 720, 0.3, 0.1, 0) for seed in range(40)]
    assert alarms(db, calm, 30, 60) == 0
    assert alarms(db, [slowed(figures, 4, 2) for figures in calm], 30, 60) >= 36
    assert alarms(db, [slowed(figures, 2, 50) for figures in calm], 30, 60) == 0


@pytest.mark.long
def test_false_alarms_in_a_week_of_looks(db: Database) -> None:
    """Every step of a week is looked at: of 60 statements with tied noise at most three raise an alarm."""
    raised = 0
    for seed in range(60):
        figures = noise(1000 + seed, 14 * DAY, 0.6, 0.2, 0.3)
        looks = [figures[step - 7 * DAY : step] for step in range(7 * DAY, 14 * DAY, 4)]
        raised += alarms(db, looks) > 0
    assert raised <= 3


def load(db: Database, query: int, figures: list[float]) -> None:
    """Put figures into the workload, the last into the present step."""
    db.sql(
        """INSERT INTO asymm.query_load
           SELECT floor(extract(epoch FROM t.at) / 86400)::int %% 8, t.at, %s, 100, 100 * f.ms,
                  0, 0, 0, 0, 0, 0
             FROM unnest(%s::float8[]) WITH ORDINALITY AS f (ms, n)
            CROSS JOIN LATERAL (SELECT date_bin('15 min', now(), '2000-01-01')
                                       - (%s - f.n) * interval '15 min') AS t (at)
            WHERE t.at > now() - interval '7 days'""",
        query,
        figures,
        len(figures),
    )


def test_a_slow_statement_and_a_worse_plan_are_found_and_nothing_else(workload: Database) -> None:
    db = workload
    ids = [
        db.value(
            "INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement)"
            " VALUES (%s, 'asymm_owner'::regrole, true, 'select', 'SELECT 1') RETURNING id",
            number,
        )
        for number in range(12)
    ]
    for query in ids:
        figures = noise(query, 6 * DAY, 0, 0.05, 0)
        load(db, query, slowed(figures, 12, 2) if query == ids[3] else figures)
    for shape, cost, back in (("a", 10, "2 hours"), ("b", 500, "0")):
        db.sql(
            "INSERT INTO asymm.query_plan (query_id, shape, plan, first_seen, last_seen)"
            " SELECT %s, repeat(%s, 64), jsonb_build_object('Total Cost', %s::int), t.at, t.at"
            " FROM (SELECT now() - %s::interval) AS t (at)",
            ids[5],
            shape,
            cost,
            back,
        )
    db.sql(
        "UPDATE asymm.query_load SET exec_ms = exec_ms * 1.1"
        " WHERE query_id = %s AND at > now() - interval '20 min'",
        ids[5],
    )
    db.sql("SELECT asymm._learn_latency()")
    assert db.value("SELECT count(*) FROM asymm.query_baseline WHERE center_ms BETWEEN 0.8 AND 1.2") == 12
    found = db.sql("SELECT query, kind, ratio FROM asymm.latency_changes() ORDER BY 2, 1")
    assert [(query, kind) for query, kind, _ in found] == [(ids[5], "plan flip"), (ids[3], "slower")]
    assert 1.8 < found[1][2] < 2.2
    assert db.sql("SELECT query, kind FROM asymm.latency_changes(%s)", ids[3]) == [(ids[3], "slower")]
    assert db.sql("SELECT * FROM asymm.latency_changes(-1)") == []


def test_looks_are_kept_and_a_slowdown_shows_within_minutes(workload: Database) -> None:
    db = workload
    db.sql("SELECT asymm._observe_queries()")
    for number in range(3):
        db.sql(f"SELECT a FROM w WHERE b = {number}")
        db.sql("SELECT asymm._observe_queries()")
    query = db.value("SELECT query FROM asymm.queries WHERE statement ~ '^SELECT a FROM w'")
    looks = "SELECT sum(totals[array_position(ids, %s)]) FROM asymm.sample WHERE family = 'look.calls'"
    assert db.value(looks, query) == 3
    assert db.value("SELECT calls FROM asymm.query_latency WHERE query = %s", query) == 3
    # Half a minute apart: five hours as usual, then two minutes at twice the time.
    db.sql("DELETE FROM asymm.sample")
    db.sql(
        """INSERT INTO asymm.sample
           SELECT (asymm._sample_part('minute', t.at)).slot, f.family, t.at, ARRAY[%s]::bigint[],
                  ARRAY[f.figure]
             FROM generate_series(0, 600) AS n
            CROSS JOIN LATERAL (SELECT now() - (600 - n) * interval '30 s' AS at) AS t
            CROSS JOIN LATERAL (VALUES ('look.calls', 10),
                   ('look.exec_ms', (10 + (n * 7919 %% 97) / 100.0) * CASE WHEN n > 596 THEN 2 ELSE 1 END)
                   ) AS f (family, figure)""",
        query,
    )
    db.sql("SELECT asymm._learn_latency()")
    assert db.sql("SELECT query, kind, step::text FROM asymm.latency_changes()") == [
        (query, "slower", "00:00:30")
    ]
