"""What somebody else did to an index, its name or the scheduler meanwhile: only what is ours is touched."""

from __future__ import annotations

import pytest

from support.database import Database
from support.indexes import Shop


@pytest.fixture
def shop(db: Database) -> Shop:
    return Shop(db)


def test_an_index_of_somebody_else_is_left_alone(shop: Shop) -> None:
    """Names are given anew: only what an action built, or was to drop, is dropped."""
    db = shop.db
    db.sql("CREATE INDEX orders_status ON app.orders (status)")
    taken, built = shop.propose(index="orders_id", keys=["id"]), shop.propose(index="orders_email")
    dropped = shop.propose("drop index", approve=False, index="orders_status")
    db.sql("CREATE UNIQUE INDEX orders_id ON app.orders (id)")
    command = shop.step()
    assert command is not None
    assert "orders_email" in command
    assert shop.state(taken) == "expired"
    # Another of the same name takes the place of what is to be taken back, or is called otherwise now.
    db.sql("UPDATE asymm.action SET state = 'verified' WHERE id = %s", built)
    db.sql("ALTER INDEX app.orders_email RENAME TO ours")
    db.sql("SELECT asymm.revert(%s)", built)
    assert shop.step() is None
    assert shop.state(built) == "kept"
    db.sql("DROP INDEX app.ours")
    db.sql("CREATE UNIQUE INDEX orders_email ON app.orders (id, email)")
    db.sql("SELECT asymm.revert(%s)", built)
    assert shop.step() is None
    assert "another one now" in db.value("SELECT problem FROM asymm.advice WHERE action = %s", built)
    db.sql("DROP INDEX app.orders_status")
    db.sql("CREATE UNIQUE INDEX orders_status ON app.orders (id, status)")
    db.sql("SELECT asymm.approve(%s)", dropped)
    assert shop.step() is None
    assert shop.state(dropped) == "failed"
    assert [name for name, _ in shop.indexes()] == ["orders_email", "orders_id", "orders_status"]


def test_a_scheduler_that_is_gone(shop: Shop) -> None:
    """What was scheduled is ordered again; a schema of somebody's that has its name is not taken for it."""
    db = shop.db
    action = shop.propose(index="orders_email")
    shop.tend()
    db.sql("UPDATE asymm.index_action SET job = 7")
    db.sql(
        "CREATE SCHEMA cron; CREATE TABLE cron.job (jobid bigint, username text);"
        " INSERT INTO cron.job SELECT 7, 'x'; CREATE TABLE cron.job_run_details (jobid bigint, runid int,"
        " username text, status text, return_message text); GRANT USAGE ON SCHEMA cron TO PUBLIC;"
        " GRANT SELECT ON ALL TABLES IN SCHEMA cron TO PUBLIC"
    )
    db.sql(f"INSERT INTO cron.job VALUES (7, '{shop.actor}')")
    db.sql(
        "CREATE FUNCTION cron.unschedule(bigint) RETURNS bool LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'run by %', current_user; END $$"
    )
    shop.tend()
    assert shop.run(shop.take()) is None
    db.sql("UPDATE asymm.index_action SET job = 7, began_at = began_at - interval '10 s'")
    shop.tend()
    assert (shop.indexes(), shop.state(action)) == ([("orders_email", True)], "validating")


def test_one_that_was_rebuilt_since_is_still_ours(shop: Shop) -> None:
    action = shop.propose(index="orders_email")
    shop.step()
    shop.db.sql("REINDEX INDEX CONCURRENTLY app.orders_email")
    # What somebody rebuilds beside it is none of its copies.
    shop.db.sql("CREATE INDEX orders_email_2_ccnew ON app.orders (id)")
    shop.db.sql(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.orders_email_2_ccnew'::regclass"
    )
    shop.db.sql("SELECT asymm.revert(%s)", action)
    shop.step()
    assert (shop.indexes(), shop.state(action)) == ([("orders_email_2_ccnew", False)], "reverted")
