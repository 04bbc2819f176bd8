"""asymmetrica_ml: what was measured of indexes corrects what is predicted of the next."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from support.database import Database


@pytest.fixture
def ml(db: Database) -> Database:
    if not db.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'plpython3u'"):
        pytest.skip("plpython3u is not installed")
    db.sql("CREATE EXTENSION asymmetrica_ml CASCADE")
    return db


def advice(number: int, rng: random.Random) -> tuple[dict[str, Any], float]:
    """Return advice and what it will really bring: costs promise too much of what is large or not partial."""
    size = 8192 * 10 ** rng.uniform(0, 5)
    calls = 10 ** rng.uniform(0, 4)
    milliseconds = calls * 10 ** rng.uniform(-1, 3)
    saved = milliseconds * rng.uniform(0.3, 0.95)
    partial = rng.random() < 0.3
    document = {
        "schema": "app",
        "table": "item",
        "index": f"item_{number}_idx",
        "method": "btree",
        "keys": [f"c{number}"],
        "include": [],
        "predicate": "(id > 10)" if partial else None,
        "size_bytes": int(size),
        "queries": [
            {
                "query": number,
                "calls_per_hour": calls,
                "ms_per_hour": milliseconds,
                "cost_before": 100,
                "cost_after": 20,
            }
        ],
        "saved_ms_per_hour": saved,
        "write_ms_per_hour": saved * rng.uniform(0, 0.3),
        "confidence": 0.7,
        "proved": True,
    }
    real = saved * math.exp(-0.15 * math.log(size / 8192) - (0 if partial else 0.5) + rng.gauss(0, 0.2))
    return document, real


def propose(db: Database, count: int, seed: int, *, measured: bool) -> list[tuple[int, float]]:
    """Put advice into the ledger, with its outcome; return action and what it really brought."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        document, real = advice(seed * 1000 + number, rng)
        db.sql(f"ALTER TABLE app.item ADD COLUMN c{seed * 1000 + number} integer")
        action = db.value("SELECT asymm._propose_index('create index', %s::jsonb)", json.dumps(document))
        assert action is not None
        if measured:
            db.sql(
                "UPDATE asymm.action SET state = 'verified',"
                " evidence_after = jsonb_build_object('saved_ms_per_hour', %s::float8) WHERE id = %s",
                real,
                action,
            )
        made.append((action, real))
    return made


def test_predictions_get_better(ml: Database) -> None:
    ml.sql("CREATE SCHEMA app")
    ml.sql("CREATE TABLE app.item (id integer PRIMARY KEY)")
    propose(ml, 7, 1, measured=True)
    ml.sql("SELECT asymm._learn()")
    assert ml.value("SELECT count(*) FROM asymm.model") == 0, "seven samples teach nothing"
    propose(ml, 90, 2, measured=True)
    ml.sql("SELECT asymm._learn()")
    samples, held, epochs, before, after, in_force = ml.sql(
        "SELECT samples, held_back, epochs, error_before, error_after, in_force FROM asymm.model"
    )[0]
    assert (samples, held, in_force) == (97, 24, True)
    assert 1 <= epochs <= 200
    assert after < before / 2
    # On what the model never saw.
    fresh = dict(propose(ml, 40, 3, measured=False))
    errors: dict[str, list[float]] = {"predicted": [], "corrected": []}
    for action, *gains in ml.sql(
        "SELECT action, predicted, corrected FROM asymm.predictions WHERE action = ANY (%s)", list(fresh)
    ):
        for name, gain in zip(errors, gains, strict=True):
            errors[name].append(abs(math.log(fresh[action] / gain)))
    assert len(errors["corrected"]) == 40
    assert sum(errors["corrected"]) < sum(errors["predicted"]) / 2
    assert ml.value(
        "SELECT bool_and(abs(v.predicted_ms_per_hour - p.corrected::numeric"
        " + (a.evidence_before ->> 'write_ms_per_hour')::numeric) < 0.2)"
        " FROM asymm.advice AS v JOIN asymm.predictions AS p USING (action)"
        " JOIN asymm.action AS a ON a.id = action"
    )
    # Nothing new: nothing is learned anew. And what is known much of is less uncertain.
    ml.sql("SELECT asymm._learn()")
    assert ml.value("SELECT count(*) FROM asymm.model") == 1
    assert ml.value("SELECT min(uncertainty) < 0.5 AND max(uncertainty) = 1 FROM asymm.predictions")


def test_a_model_that_does_not_help_is_not_in_force(ml: Database) -> None:
    rng = random.Random(5)
    samples = [
        {"features": {"a": rng.gauss(0, 1)}, "target": rng.choice([-1.0, 1.0]), "uncertainty": 1.0}
        for _ in range(40)
    ]
    fit = ml.value("SELECT asymm._fit(%s::jsonb, '{}', '{0.3,0.2,0.5}', 200)", json.dumps(samples))
    assert fit["error_after"] <= fit["error_before"]
    assert sum(abs(weight["weight"]) for weight in fit["weights"]) < 1
    # One sample gone wrong by far does not turn it.
    line = [{"features": {"a": n / 10}, "target": n / 20, "uncertainty": 0.5} for n in range(40)]
    line[8]["target"] = -1e6
    fit = ml.value("SELECT asymm._fit(%s::jsonb, '{}', '{0.3,0.2,0.5}', 200)", json.dumps(line))
    assert fit["error_after"] < fit["error_before"] / 3


def test_it_comes_and_goes_without_a_trace(ml: Database) -> None:
    ml.sql("CREATE SCHEMA app")
    ml.sql("CREATE TABLE app.item (id integer PRIMARY KEY)")
    propose(ml, 2, 1, measured=False)
    actor = ml.role("actor", member_of=("asymm_pulse",))
    session = ml.connect(user=actor)
    assert session.execute("SELECT asymm._learn()").fetchone() == (None,)
    for call in ("asymm._train()", "asymm._fit('[]', '{}', '{}', 1)", "asymm._note_prediction(1, '{}')"):
        with pytest.raises(Exception, match="permission denied"):
            session.execute(f"SELECT {call}".encode())
    ml.sql("DROP EXTENSION asymmetrica_ml")
    ml.sql("SELECT asymm._learn()")
    propose(ml, 1, 4, measured=False)
    assert ml.value("SELECT count(*) FROM asymm.advice") == 3
