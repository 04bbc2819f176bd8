"""A merge of duplicates that is to stay so: a builder makes a unique index, kept whatever it saves."""

from __future__ import annotations

import psycopg
import pytest

from support.database import Database
from support.indexes import Shop

MERGE = (
    "SELECT action, index_action, removed FROM asymm.merge_duplicates('app.orders', columns =>"
    " '{email,note}', unique_index => true)"
)


@pytest.fixture
def shop(db: Database) -> Shop:
    shop = Shop(db)
    db.sql("ALTER TABLE app.orders ADD note text, ADD PRIMARY KEY (id)")
    db.sql("DELETE FROM app.orders WHERE id > 104")
    return shop


def test_merged_and_kept_so(shop: Shop) -> None:
    db = shop.db
    planned = (
        "SELECT index_action, notes FROM asymm.merge_duplicates('app.orders', columns => '{email,note}', {})"
    )
    assert db.sql(planned.replace("{}", "dry_run => true, unique_index => true")) == [
        (
            None,
            [
                "then, by a builder: CREATE UNIQUE INDEX CONCURRENTLY ON app.orders (email, note)"
                " NULLS NOT DISTINCT"
            ],
        )
    ]
    # What is not merged is not kept unique.
    some = db.sql(planned.replace("{}", "most_groups => 1, unique_index => true, dry_run => true"))
    assert some[0][0] is None
    assert "there are duplicates left" in some[0][1][-1]
    ((merge, index, removed),) = db.sql(MERGE)
    assert (removed, shop.state(index)) == (4, "approved")
    # It waits for no measurement of others, and none of it is made: nothing gets faster by it.
    command = shop.step()
    assert command is not None
    assert "CREATE UNIQUE INDEX CONCURRENTLY orders_email_note_key ON app.orders" in command
    assert (shop.indexes()[0], shop.state(index)) == (("orders_email_note_key", True), "kept")
    db.sql("UPDATE asymm.index_action SET built_at = built_at - interval '1 year'")
    shop.tend()
    assert (shop.state(index), db.value("SELECT asymm._index_bytes()")) == ("kept", 0)
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.sql("INSERT INTO app.orders (id, email) VALUES (1000, 'u1')")
    # The rows can't come back before it goes.
    for dry_run in (True, False):
        with pytest.raises(psycopg.Error) as refused:
            db.sql("SELECT * FROM asymm.revert(%s, %s)", merge, dry_run)
        assert refused.value.sqlstate == "SY008"
        assert f"asymm.revert({index})" in (refused.value.diag.message_hint or "")
    db.sql("SELECT asymm.revert(%s)", index)
    with pytest.raises(psycopg.Error, match="cannot be taken back"):
        db.sql("SELECT asymm.revert(%s)", merge)
    shop.step()
    assert shop.state(index) == "reverted"
    assert db.value("SELECT state FROM asymm.revert(%s)", merge) == "reverted"
    assert db.value("SELECT count(*) FROM app.orders") == 104


def test_not_begun_it_goes_with_the_merge(shop: Shop) -> None:
    ((merge, index, _),) = shop.db.sql(MERGE)
    assert shop.db.value("SELECT state FROM asymm.revert(%s)", merge) == "reverted"
    assert shop.state(index) == "expired"
    assert shop.step() is None


def test_rows_that_became_equal_meanwhile(shop: Shop) -> None:
    """What was half built is dropped, the reason told without what rows hold; approved, it is tried again."""
    ((_, index, _),) = shop.db.sql(MERGE)
    shop.db.sql("INSERT INTO app.orders (id, email) VALUES (1000, 'u1')")
    shop.tend()
    command = shop.take()
    error = shop.run(command)
    assert error is not None
    assert error.sqlstate == "23505"
    # As pg_cron tells it, all lines of it.
    shop.builder.execute("SELECT asymm._builder_ended(%s)", [f"ERROR:  {error}"])
    command = shop.step()
    assert command is not None
    assert "DROP INDEX CONCURRENTLY app.orders_email_note_key" in command
    assert ([name for name, _ in shop.indexes()], shop.state(index)) == (["orders_pkey"], "failed")
    problem = shop.db.value("SELECT problem FROM asymm.advice")
    assert "became equal meanwhile" in problem
    assert "u1" not in str(
        shop.db.sql("SELECT a, e FROM asymm.action AS a JOIN asymm.action_event AS e ON e.action_id = a.id")
    )
    assert shop.step() is None
    shop.db.sql("DELETE FROM app.orders WHERE id = 1000")
    shop.db.sql("SELECT asymm.approve(%s)", index)
    shop.step()
    assert shop.state(index) == "kept"


def test_what_cannot_be_kept_unique(shop: Shop) -> None:
    db = shop.db
    db.sql("ALTER TABLE app.orders ADD raw json, ADD secret text")
    db.sql("SELECT asymm.protect('app.orders', 'secret')")
    merge = "SELECT asymm.merge_duplicates('app.orders', columns => %s, unique_index => true)"
    for columns, state in (("{email,raw}", "42809"), ("{email,secret}", "SY020")):
        with pytest.raises(psycopg.Error) as refused:
            db.sql(merge, columns)
        assert refused.value.sqlstate == state
    assert db.value("SELECT count(*) FROM app.orders") == 104


def test_a_column_that_is_protected_before_it_is_built(shop: Shop) -> None:
    ((_, index, _),) = shop.db.sql(MERGE)
    shop.db.sql("SELECT asymm.protect('app.orders', 'email')")
    assert shop.state(index) == "expired"
    assert shop.step() is None
    with pytest.raises(psycopg.Error):
        shop.db.sql("SELECT asymm.approve(%s)", index)


def test_equal_is_what_the_merge_calls_equal(shop: Shop) -> None:
    """Text by its bytes whatever a collation says, NULL to NULL, arrays, domains and JSON by their values."""
    session = shop.db.connect()
    for statement in (
        "CREATE COLLATION app.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "CREATE DOMAIN app.word AS text",
        'CREATE TABLE app.t (id int PRIMARY KEY, "a""; --" text COLLATE app.ci, b int[], c app.word,'
        " d jsonb)",
        "INSERT INTO app.t SELECT g, CASE WHEN g % 2 = 0 THEN 'A' ELSE 'a' END, '{1,NULL}', 'x',"
        " '{\"n\": 1.0}' FROM generate_series(1, 6) AS g",
        f"ALTER TABLE app.t OWNER TO {shop.owner}",
    ):
        session.execute(statement.encode())
    ((index, removed),) = shop.db.sql(
        "SELECT index_action, removed FROM asymm.merge_duplicates('app.t', columns => %s,"
        " unique_index => true)",
        ['a"; --', "b", "c", "d"],
    )
    shop.step()
    assert (removed, shop.state(index)) == (4, "kept")
    with pytest.raises(psycopg.errors.UniqueViolation):
        session.execute(b"INSERT INTO app.t VALUES (7, 'A', '{1,NULL}', 'x', '{\"n\": 1}')")
