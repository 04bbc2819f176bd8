"""Indexes that only pay together: built one after the other, judged together, taken back together."""

from __future__ import annotations

import pytest

from support.database import Database
from support.indexes import Shop


@pytest.fixture
def shop(db: Database) -> Shop:
    made = Shop(db)
    db.sql("CREATE TABLE app.person AS SELECT n AS id, 'u' || n AS email FROM generate_series(1, 500) AS n")
    db.sql(f"ALTER TABLE app.person OWNER TO {made.owner}")
    db.sql(
        "SELECT asymm.configure_indexes(autopilot => 'on', validation_min => '1 s', index_budget => '1 GB')"
    )
    return made


def pair(shop: Shop) -> tuple[int, int]:
    """Two tables' indexes for one query, which autopilot approves."""
    return (
        shop.propose(index="first", saved_ms_per_hour=9, requires=["second"], approve=False),
        shop.propose(
            index="second",
            table="person",
            saved_ms_per_hour=5,
            requires=["first"],
            approve=False,
        ),
    )


def look(shop: Shop) -> None:
    """Tend as if a look at the queries were due."""
    shop.db.sql("DELETE FROM asymm.query_mark")
    shop.tend()


def note(shop: Shop, action: int) -> str:
    found: str = shop.db.value(
        "SELECT note FROM asymm.action_history(%s) WHERE note IS NOT NULL ORDER BY at DESC LIMIT 1", action
    )
    return found


def test_both_are_built_before_either_is_judged(shop: Shop) -> None:
    first, second = pair(shop)
    assert "first" in (shop.step() or "")
    # A verdict would be due, were it not for the other.
    shop.db.sql("UPDATE asymm.index_action SET built_at = built_at - interval '2 days', looks = 9")
    look(shop)
    assert (shop.state(first), shop.state(second)) == ("validating", "building")
    assert "second" in (shop.step() or "")
    assert (shop.state(first), shop.state(second)) == ("reverting", "validating")
    look(shop)
    assert shop.state(second) == "reverting"


def test_the_other_fails(shop: Shop) -> None:
    first, second = pair(shop)
    shop.step()
    shop.db.sql("SELECT asymm._set_action_state(%s, 'failed', 'three times')", second)
    look(shop)
    assert shop.state(first) == "reverting"
    assert note(shop, first) == "it only pays together with second, which is failed"
    shop.step()
    assert (shop.indexes(), shop.state(first)) == ([], "reverted")


def test_the_other_is_taken_back(shop: Shop) -> None:
    first, second = pair(shop)
    shop.step()
    shop.step()
    shop.db.sql("SELECT asymm.revert(%s)", second)
    look(shop)
    assert shop.state(first) == "reverting"
    shop.step()
    shop.step()
    assert (shop.state(first), shop.state(second)) == ("reverted", "reverted")
    assert shop.db.value("SELECT count(*) FROM pg_index WHERE indrelid = 'app.person'::regclass") == 0


def test_nothing_is_begun_without_the_other(shop: Shop) -> None:
    first, second = pair(shop)
    shop.db.sql("UPDATE asymm.action SET state = 'proposed', reason = 'over budget' WHERE id = %s", second)
    shop.db.sql("UPDATE asymm.action SET evidence_before = evidence_before || '{\"proved\": false}'")
    shop.tend()
    assert (shop.take(), shop.state(first)) == (None, "approved")
    waits = shop.db.value("SELECT progress FROM asymm.advice WHERE action = %s", first)
    assert waits == "it only pays together with second, which is proposed"
    shop.db.sql("SELECT asymm.reject(%s)", second)
    shop.tend()
    assert (shop.take(), shop.state(first)) == (None, "expired")


def test_what_a_person_approved_is_built(shop: Shop) -> None:
    first, second = pair(shop)
    shop.db.sql("SELECT asymm.reject(%s)", second)
    shop.tend()
    assert shop.state(first) == "expired"
    alone = shop.propose(index="third", keys=["status"], requires=["second"])
    assert "third" in (shop.step() or "")
    assert shop.state(alone) == "validating"
