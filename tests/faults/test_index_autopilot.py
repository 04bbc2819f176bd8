"""What the builder waits for, what autopilot may, and indexes that are of no use."""

from __future__ import annotations

import psycopg
import pytest

from support.database import Database
from support.indexes import Shop


@pytest.fixture
def shop(db: Database) -> Shop:
    return Shop(db)


def test_statistics_of_an_expression(shop: Shop) -> None:
    shop.propose(keys=["(lower(email))"], index="orders_lower")
    shop.step()
    assert shop.db.value("SELECT count(*) FROM pg_stats WHERE tablename = 'orders_lower'") == 1


def test_what_is_of_no_use_is_proposed(shop: Shop) -> None:
    db = shop.db
    for definition in (
        "a ON app.orders (email)",
        "b ON app.orders (email)",
        "c ON app.orders (email, status)",
        "d ON app.orders (status) WHERE id > 5",
        "e ON app.orders (status, email)",
        "f ON app.orders (email DESC)",
        "g ON app.orders (lower(email))",
        "h ON app.orders (upper(email))",
        "k ON app.orders (status DESC, id) INCLUDE (email)",
        "l ON app.orders (status DESC, id)",
    ):
        db.sql(f"CREATE INDEX {definition}")
    db.sql("CREATE UNIQUE INDEX i ON app.orders (id)")
    db.sql("CREATE INDEX j ON app.orders (id)")
    db.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.h'::regclass")
    shop.tender.execute("SELECT asymm._propose_drops()")
    assert db.value("SELECT count(*) FROM asymm.advice") == 0
    db.sql("SELECT asymm.autopilot('propose')")
    shop.tender.execute("SELECT asymm._propose_drops()")
    assert db.sql("SELECT index, why FROM asymm.advice ORDER BY 1") == [
        ("a", "c begins with the same keys"),
        ("b", "it is the same as a"),
        ("h", "it is invalid: it costs writes and serves no query"),
        ("j", "it is the same as i"),
        ("l", "k begins with the same keys"),
    ]
    # A stranger's tables are none of an actor's business.
    assert db.value("SELECT bool_and(state = 'proposed') FROM asymm.advice")
    db.sql("DROP INDEX app.i")
    db.sql("SELECT asymm.approve(action) FROM asymm.advice WHERE index = 'j'")
    shop.tend()
    assert db.value("SELECT state FROM asymm.advice WHERE index = 'j'") == "expired"


def test_what_later_ones_stand_in_for_goes(shop: Shop) -> None:
    """Before unused_after: its queries are known to have another one, and it was not used since."""
    db = shop.db
    for keys, queries in ((["email"], [7]), (["status"], [7, 8])):
        shop.propose(keys=keys, index=f"orders_{keys[0]}", queries=[{"query": query} for query in queries])
        shop.step()
        db.sql("UPDATE asymm.action SET state = 'verified' WHERE state = 'applied'")
    db.sql("SELECT asymm.autopilot('propose')")
    db.sql("INSERT INTO asymm.index_counter SELECT index_id, 0, now() FROM asymm.index_action")
    shop.tender.execute("SELECT asymm._propose_drops()")
    dropped = "SELECT index, why FROM asymm.advice WHERE kind = 'drop index'"
    assert db.sql(dropped) == []
    db.sql("UPDATE asymm.index_counter SET used_at = now() - interval '3 min'")
    shop.tender.execute("SELECT asymm._propose_drops()")
    assert db.sql(dropped) == [("orders_email", "its queries use orders_status instead")]


def test_autopilot_switched_on_and_off(shop: Shop) -> None:
    action = shop.propose(approve=False)
    assert shop.db.sql("SELECT autopilot, approved, proposed FROM asymm.autopilot('on')") == [("on", 0, 1)]
    shop.db.sql("SELECT asymm.configure_indexes(quiet_hours => '00:00-00:00')")
    shop.tend()
    assert shop.state(action) == "approved"
    assert shop.db.sql("SELECT autopilot, approved, proposed FROM asymm.autopilot('off')") == [("off", 0, 1)]
    shop.db.sql("SELECT asymm.autopilot('on')")
    shop.db.sql("SELECT asymm.configure_indexes(quiet_hours => '')")
    assert shop.step() is not None
    assert shop.state(action) == "validating"


def test_what_is_replaced_makes_room(shop: Shop) -> None:
    """The budget isn't for an index and for the narrower one that goes when it is kept."""
    db = shop.db
    shop.propose(index="orders_email")
    shop.step()
    db.sql("UPDATE asymm.action SET state = 'verified'")
    size = db.value("SELECT pg_relation_size('app.orders_email')")
    db.sql("SELECT asymm.configure_indexes(autopilot => 'on', index_budget => %s)", f"{size + 8192} bytes")
    other = shop.propose(approve=False, keys=["status", "email"], size_bytes=size)
    wider = shop.propose(approve=False, keys=["email", "status"], size_bytes=size)
    assert (shop.state(other), shop.state(wider)) == ("proposed", "approved")


def test_settings_that_could_not_be_used(shop: Shop) -> None:
    for settings in (
        "index_budget => '999999999999999 TB'",
        "validation_min => '2 days'",
        "quiet_hours => '22:00'",
    ):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="refused") as refused:
            shop.db.sql(f"SELECT asymm.configure_indexes({settings})")
        assert str(refused.value.diag.message_detail).startswith("CHECK")
        assert "asymm.index_settings" in str(refused.value.diag.message_hint)


def test_an_actor_that_is_gone_holds_nobody_up(shop: Shop) -> None:
    first, second = shop.propose(), shop.propose(keys=["status"])
    shop.tend()
    assert shop.state(first) == "building"
    stranger = shop.db.role("stranger", "NOLOGIN")
    shop.db.sql("UPDATE asymm.action SET owner = %s WHERE id = %s", stranger, first)
    shop.db.sql("CREATE TABLE app.elsewhere ()")
    shop.db.sql("UPDATE asymm.index_action SET relid = 'app.elsewhere'::regclass WHERE action_id = %s", first)
    shop.tend()
    assert shop.state(second) == "approved"
    shop.db.sql("UPDATE asymm.index_action SET ordered_at = ordered_at - interval '2 h'")
    shop.tend()
    assert (shop.state(first), shop.state(second)) == ("building", "building")
    assert "(status)" in (shop.take() or "")


def test_a_full_disk_stops_all_builds(shop: Shop) -> None:
    """F14: no second try at once, none of another index either."""
    first = shop.propose(index="orders_email")
    shop.tend()
    shop.builder.execute("SELECT asymm._take_index_command()")
    full = 'could not extend file "base/1/2": No space left on device'
    shop.builder.execute("SELECT asymm._builder_ended(%s)", [full])
    shop.db.sql("SELECT asymm.reject(%s)", second := shop.propose(approve=False, keys=["status"]))
    third = shop.propose(keys=["id"])
    shop.tend()
    assert shop.take() is None
    assert (shop.state(first), shop.state(second), shop.state(third)) == ("building", "rejected", "approved")
    assert shop.db.value("SELECT retry_at > now() + interval '50 min' FROM asymm.index_action LIMIT 1")
    assert shop.db.value("SELECT problem FROM asymm.advice WHERE action = %s", first) == full


def test_looks_before_the_first_build_come_one_after_the_other(shop: Shop) -> None:
    db = shop.db
    db.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    number = db.value(
        "INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement)"
        " VALUES (1, 10, true, 'select', 'q') RETURNING id"
    )
    db.sql("INSERT INTO asymm.query_counter VALUES (1, 10, true, %s, 1, 1, 1, 1, 1, 1, 1, 1, now())", number)
    db.sql("SELECT asymm.configure_indexes(validation_min => '80 s')")
    action = shop.propose(queries=[{"query": number}])
    for look in range(1, 6):
        shop.tender.execute("SELECT asymm._tend_indexes()")
        assert db.value("SELECT looks FROM asymm.advice") == look
        assert shop.state(action) == ("building" if look == 5 else "approved")
        shop.tender.execute("SELECT asymm._tend_indexes()")
        assert db.value("SELECT looks FROM asymm.advice") == look
        db.sql("UPDATE asymm.query_mark SET at = at - interval '11 s'")


def test_what_is_kept_stays_in_the_ledger_while_it_is_there(shop: Shop) -> None:
    shop.propose(index="orders_email")
    shop.step()
    shop.db.sql("UPDATE asymm.action SET state = 'verified', changed_at = changed_at - interval '90 days'")
    shop.db.sql("SELECT asymm._purge()")
    assert shop.db.value("SELECT asymm._index_bytes() > 0")
    shop.db.sql("DROP INDEX app.orders_email")
    shop.db.sql("SELECT asymm._purge()")
    assert shop.db.value("SELECT count(*) FROM asymm.advice") == 0
