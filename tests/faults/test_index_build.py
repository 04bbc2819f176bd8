"""One builder creates, drops and takes back indexes outside of transactions, whatever happens meanwhile."""

from __future__ import annotations

import threading

import pytest

from support.cluster import wait_until
from support.database import Database
from support.indexes import Shop


@pytest.fixture
def shop(db: Database) -> Shop:
    return Shop(db)


def test_built_validated_and_taken_back(shop: Shop) -> None:
    action = shop.propose(index="orders_email")
    command = shop.step()
    assert command is not None
    assert "CREATE INDEX CONCURRENTLY orders_email" in command
    assert (shop.indexes(), shop.state(action)) == ([("orders_email", True)], "validating")
    assert shop.db.value("SELECT size_bytes > 0 FROM asymm.advice")
    assert shop.db.sql("SELECT state FROM asymm.revert(%s, dry_run => true)", action) == [("planned",)]
    assert shop.db.sql("SELECT statement, state FROM asymm.revert(%s)", action) == [
        ("DROP INDEX CONCURRENTLY app.orders_email", "reverting")
    ]
    shop.step()
    assert (shop.indexes(), shop.state(action)) == ([], "reverted")
    assert [row[0] for row in shop.db.sql("SELECT to_state FROM asymm.action_history(%s)", action)] == [
        "proposed",
        "approved",
        "applying",
        "applied",
        "reverting",
        "reverted",
    ]


def test_one_at_a_time(shop: Shop) -> None:
    first, second = shop.propose(), shop.propose(keys=["status"])
    shop.tend()
    command = shop.take()
    assert shop.take() is None
    shop.tend()
    assert (shop.state(first), shop.state(second)) == ("building", "approved")
    shop.run(command)
    shop.tend()
    # While the first is validated nothing else happens to the table: whose gain would it be?
    assert shop.state(first) == "validating"
    shop.tend()
    progress = shop.db.value("SELECT progress FROM asymm.advice WHERE action = %s", second)
    assert shop.state(second) == "approved"
    assert "another index of this table" in progress


def test_an_invalid_index_is_dropped_and_built_again(shop: Shop) -> None:
    """F12: cancelled, then it is cleared up before the next try; failed after three."""
    action = shop.propose(index="orders_email")
    blocker = shop.db.connect(autocommit=False)
    done = []
    for number in range(3):
        shop.now()
        shop.tend()
        command = shop.take()
        assert command is not None
        assert "CREATE INDEX" in command
        blocker.execute("UPDATE app.orders SET status = 1 WHERE id = 1")
        thread = threading.Thread(target=lambda text=command: done.append(shop.run(text)))
        thread.start()
        waits = "SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE phase ~ 'waiting'"
        shop.db.wait_for(waits)
        wait_until(
            lambda: "waiting" in (shop.db.value("SELECT progress FROM asymm.advice") or ""), 5, "progress"
        )
        # It has waited for longer than it may.
        shop.tend()
        shop.db.sql("UPDATE asymm.index_action SET waits_since = waits_since - interval '1 h'")
        shop.tend()
        thread.join(10)
        blocker.rollback()
        assert shop.indexes() == [("orders_email", False)]
        shop.db.sql("UPDATE asymm.index_action SET began_at = began_at - interval '10 s'")
        shop.tend()
        command = shop.take()
        assert command is not None
        assert "DROP INDEX CONCURRENTLY app.orders_email" in command
        shop.run(command)
        shop.db.sql("UPDATE asymm.index_action SET began_at = began_at - interval '10 s'")
        shop.tend()
        assert shop.indexes() == []
        assert shop.state(action) == ("failed" if number == 2 else "building")
        assert shop.take() is None
    assert [error.sqlstate for error in done if error] == ["57014"] * 3
    # A person may have it tried again.
    shop.db.sql("SELECT asymm.approve(%s)", action)
    shop.step()
    assert shop.state(action) == "validating"


def test_an_old_snapshot(shop: Shop) -> None:
    """F13: it is waited for, for so long and no longer; nothing queues up behind; then it is tried again."""
    action, second = shop.propose(index="orders_email"), shop.propose(keys=["status"])
    reader = shop.db.connect(autocommit=False)
    reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    reader.execute("SELECT FROM pg_class LIMIT 1")
    shop.tend()
    command = shop.take()
    assert command is not None
    done = []
    thread = threading.Thread(target=lambda: done.append(shop.run(command)))
    thread.start()
    phase = "SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE phase = 'waiting for old snapshots'"
    shop.db.wait_for(phase)
    shop.tend()
    assert shop.state(second) == "approved"
    shop.db.sql("UPDATE asymm.index_action SET waits_since = waits_since - interval '1 h'")
    shop.tend()
    thread.join(10)
    reader.rollback()
    assert [error.sqlstate for error in done if error] == ["57014"]
    shop.db.sql("UPDATE asymm.index_action SET began_at = began_at - interval '10 s'")
    command = shop.step()
    assert command is not None
    assert "DROP INDEX CONCURRENTLY app.orders_email" in command
    shop.now()
    shop.step()
    assert (shop.indexes(), shop.state(action)) == ([("orders_email", True)], "validating")


def test_a_killed_builder(shop: Shop) -> None:
    action = shop.propose(index="orders_email")
    blocker = shop.db.connect(autocommit=False)
    blocker.execute("UPDATE app.orders SET status = 1 WHERE id = 1")
    shop.tend()
    command = shop.take()
    thread = threading.Thread(target=lambda: shop.run(command))
    thread.start()
    shop.db.wait_for("SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE phase ~ 'waiting'")
    shop.db.sql("SELECT pg_terminate_backend(%s)", shop.builder.info.backend_pid)
    thread.join(10)
    blocker.rollback()
    shop.builder = shop.db.connect(user=shop.actor, options="-c lock_timeout=0")
    shop.db.sql("UPDATE asymm.index_action SET began_at = began_at - interval '10 s'")
    command = shop.step()
    assert command is not None
    assert "DROP INDEX" in command
    shop.now()
    shop.step()
    assert (shop.indexes(), shop.state(action)) == ([("orders_email", True)], "validating")


@pytest.mark.parametrize("before", ["approved", "building", "validating"])
def test_a_table_dropped_in_the_middle(shop: Shop, before: str) -> None:
    action = shop.propose()
    if before == "building":
        shop.tend()
        command = shop.take()
        shop.db.sql("DROP TABLE app.orders")
        assert shop.run(command) is not None
        shop.db.sql("UPDATE asymm.index_action SET began_at = began_at - interval '10 s'")
    else:
        if before == "validating":
            shop.step()
        shop.db.sql("DROP TABLE app.orders")
        shop.db.sql("DELETE FROM asymm.query_mark")
    shop.tend()
    assert shop.state(action) == "expired"


def test_drops_come_back(shop: Shop) -> None:
    shop.db.sql("CREATE INDEX orders_email ON app.orders (email)")
    action = shop.propose("drop index", index="orders_email")
    shop.step()
    assert (shop.indexes(), shop.state(action)) == ([], "validating")
    shop.db.sql("SELECT asymm.revert(%s)", action)
    shop.step()
    assert (shop.indexes(), shop.state(action)) == ([("orders_email", True)], "reverted")


def test_rebuilt(shop: Shop) -> None:
    shop.db.sql("CREATE INDEX orders_email ON app.orders (email)")
    before = shop.db.value("SELECT 'app.orders_email'::regclass::oid")
    action = shop.propose("reindex", index="orders_email")
    shop.step()
    assert (shop.indexes(), shop.state(action)) == ([("orders_email", True)], "kept")
    assert shop.db.value("SELECT 'app.orders_email'::regclass::oid") != before


@pytest.mark.parametrize("policy", ["heal", "guard"])
def test_our_index_is_part_of_the_baseline(shop: Shop, policy: str) -> None:
    """It is never drift: not while it is built, not after, nor when it is taken back."""
    db = shop.db
    db.sql("SELECT asymm.watch('app.orders', %s)", policy)
    action = shop.propose(index="orders_email")
    blocker = db.connect(autocommit=False)
    blocker.execute("UPDATE app.orders SET status = 1 WHERE id = 1")
    errors = []
    shop.tend()
    command = shop.take()
    thread = threading.Thread(target=lambda: errors.append(shop.run(command)))
    thread.start()
    db.wait_for("SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE phase ~ 'waiting'")
    for look in ("_process_ddl", "_scan_headers", "_scan_all"):
        db.sql(f"SELECT asymm.{look}()")
    assert shop.indexes() == [("orders_email", False)]
    blocker.rollback()
    thread.join(10)
    assert errors == [None]
    shop.tender.execute("SELECT asymm.beat()")
    db.sql("UPDATE asymm.index_action SET began_at = began_at - interval '10 s'")
    shop.tend()
    assert shop.state(action) == "validating"
    for look in ("_process_ddl", "_scan_headers", "_scan_all"):
        db.sql(f"SELECT asymm.{look}()")
    declared = "SELECT facts -> 'index' ? 'orders_email' FROM asymm.baseline"
    assert db.value(declared)
    db.sql("SELECT asymm.revert(%s)", action)
    shop.tend()
    assert shop.run(shop.take()) is None
    shop.tender.execute("SELECT asymm.beat()")
    shop.tend()
    assert (shop.indexes(), shop.state(action)) == ([], "reverted")
    assert not db.value(declared)
    assert db.sql("SELECT * FROM asymm.drift_record") == []
    assert db.value("SELECT in_step FROM asymm.watched")


def test_when_nothing_is_built(shop: Shop) -> None:
    db = shop.db
    action = shop.propose(size_bytes=10**6)
    for settings, reason in (
        ("quiet_hours => to_char(clock_timestamp() + interval '2 h', 'HH24:MI-')"
         " || to_char(clock_timestamp() + interval '3 h', 'HH24:MI')", "outside of quiet_hours"),
        ("quiet_hours => '', max_database_bytes => 1000", "max_database_bytes"),
    ):  # fmt: skip
        db.sql(f"SELECT asymm.configure_indexes({settings})")
        shop.tend()
        assert shop.state(action) == "approved"
        assert reason in db.value("SELECT progress FROM asymm.advice")
    db.sql("SELECT asymm.configure_indexes(max_database_bytes => 0)")
    db.sql("SELECT asymm.pause('no')")
    shop.tend()
    assert shop.take() is None
    db.sql("SELECT asymm.resume()")
    # In the background never as a superuser.
    db.sql("SELECT asymm._tend_indexes()")
    assert db.value("SELECT count(*) FROM asymm.index_action WHERE command IS NOT NULL") == 0
    # Nor as somebody else's actor.
    stranger = db.connect(user=db.role("stranger", member_of=("asymm_pulse",)))
    stranger.execute("SELECT asymm._tend_indexes()")
    assert shop.state(action) == "approved"
    shop.step()
    assert shop.state(action) == "validating"


def test_advice_expires(shop: Shop) -> None:
    old = shop.propose(approve=False)
    shop.db.sql("UPDATE asymm.action SET created_at = created_at - interval '8 days'")
    new = shop.propose(approve=False, keys=["status"])
    shop.tend()
    assert (shop.state(old), shop.state(new)) == ("expired", "proposed")
    shop.db.sql("ALTER TABLE app.orders RENAME TO requests")
    shop.tend()
    assert shop.state(new) == "expired"
