"""The slow lane shares its time 30/20/50 when more is due than fits."""

from __future__ import annotations

import pytest

from support.database import Database
from support.pulse import Loop, make_actor

WEIGHTS = {"exploration": 0.30, "optimization": 0.20, "stabilization": 0.50}


def test_measured_time_follows_the_weights(db: Database) -> None:
    actor, _ = make_actor(db)
    db.sql("SELECT asymm.configure_organ(name, false) FROM asymm.organ WHERE lane = 'slow'")
    # Three jobs without end: always due again, each as long as the next, far more than fits.
    for regime in WEIGHTS:
        db.sql(
            f"CREATE FUNCTION asymm._{regime}() RETURNS jsonb LANGUAGE plpgsql AS"
            " $$BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END$$"
        )
        db.sql(f"GRANT EXECUTE ON FUNCTION asymm._{regime}() TO asymm_pulse")
        db.sql(
            "INSERT INTO asymm.organ VALUES (%s, 'slow', %s, '1 us', %s, 'busy')",
            regime,
            regime,
            f"_{regime}",
        )
        db.sql("INSERT INTO asymm.organ_state (name) VALUES (%s)", regime)
    Loop(db, actor, "5 s", "slow").join()
    spent = dict(
        db.sql("SELECT regime, sum(total_ms) FROM asymm.organs GROUP BY regime HAVING sum(runs) > 0")
    )
    total = sum(spent.values())
    assert total > 1000
    for regime, weight in WEIGHTS.items():
        assert spent[regime] / total == pytest.approx(weight, abs=0.06), spent


def test_a_regime_alone_gets_all(db: Database) -> None:
    actor, _ = make_actor(db)
    db.sql("UPDATE asymm.organ_state SET recent_ms = 1e9 WHERE name = 'full_scan'")
    Loop(db, actor, "2500 ms", "slow").join()
    assert db.value("SELECT runs FROM asymm.organs WHERE name = 'full_scan'") == 1
    assert db.value("SELECT due_at > now() + interval '50 s' FROM asymm.organs WHERE name = 'full_scan'")
