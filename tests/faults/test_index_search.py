"""The search for indexes goes on beside whatever the application does, and in nobody's way."""

from __future__ import annotations

import psycopg
import pytest

from support.database import Database
from support.indexes import Shop
from support.pulse import Loop


@pytest.fixture
def shop(db: Database) -> Shop:
    db.sql("CREATE EXTENSION pg_stat_statements")
    db.sql("CREATE EXTENSION hypopg")
    made = Shop(db)
    db.sql("CREATE TABLE app.theirs AS SELECT n AS id FROM generate_series(1, 2000) AS n")
    db.sql("ANALYZE app.orders, app.theirs")
    return made


QUERIES = {
    "orders": "SELECT id FROM app.orders WHERE email = 'u7'",
    "theirs": "SELECT id FROM app.theirs WHERE id = 7",
}


@pytest.fixture
def worked(shop: Shop) -> Shop:
    """Queries are run by an application, and counted."""
    db = shop.db
    role = db.role("app")
    db.sql(f"GRANT USAGE ON SCHEMA app TO {role}, {shop.actor}")
    db.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA app TO {role}, {shop.actor}")
    db.sql("SELECT asymm._observe_queries()")
    with db.connect(user=role) as session:
        for statement in list(QUERIES.values()) * 3:
            session.execute(statement.encode())
    db.sql("SELECT asymm.configure_indexes(autopilot => 'propose', index_budget => '1 GB')")
    return shop


def test_from_queries_to_a_proposal_without_a_person(worked: Shop) -> None:
    db = worked.db
    for organ in ("queries", "advice"):
        db.sql("SELECT asymm.configure_organ(%s, cadence => '200 ms')", organ)
    # An actor has no other sessions.
    worked.tender.close()
    worked.builder.close()
    loop = Loop(db, worked.actor, "60 s", "slow")
    db.wait_for("SELECT count(*) > 0 FROM asymm.advice", timeout=30)
    assert loop.error is None
    assert db.sql("SELECT kind, target, state, proved, statement LIKE '%(email)%' FROM asymm.advice") == [
        ("create index", "app.orders", "proposed", True, True)
    ]
    # Another owner's table is none of this actor's business.
    assert db.value("SELECT count(*) FROM asymm.advice_query WHERE statement LIKE '%theirs%'") == 1
    db.sql("SELECT asymm.stop()")
    loop.join()


def test_others_tables_are_left_to_their_actors(worked: Shop) -> None:
    """Their indexes would take the budget's place, and this actor could propose none."""
    worked.db.sql("SELECT asymm._observe_queries()")
    for _ in range(20):
        worked.tender.execute("SELECT asymm._seek_advice()")
    assert worked.db.value("SELECT count(*) FROM asymm.advice") == 1
    assert worked.db.sql("SELECT DISTINCT table_name FROM asymm.advice_candidate") == [("orders",)]


def test_what_no_document_can_say_holds_nothing_up(worked: Shop) -> None:
    db = worked.db
    db.sql("SELECT asymm._observe_queries()")
    # As of a constant of thousands of characters.
    worked.tender.execute("SELECT asymm._advice_work(id, 'infinity') FROM asymm._advice_due() AS id")
    db.sql("UPDATE asymm.advice_candidate SET predicate = format('email <> %L', repeat('x', 11000))")
    db.sql("UPDATE asymm.advice_run SET ended_at = NULL")
    worked.tender.execute("SELECT asymm._seek_advice()")
    assert db.value("SELECT count(*) FROM asymm.advice") == 0


def test_what_was_refused_is_not_built_upon(worked: Shop) -> None:
    """The next search by itself looks for something else."""
    db = worked.db
    db.sql("SELECT asymm._observe_queries()")
    plain = (
        "SELECT c.no = ANY (r.chosen) FROM asymm.advice_run AS r"
        " JOIN asymm.advice_candidate AS c ON c.run_id = r.id WHERE c.keys = '{email}' AND c.include = '{}'"
    )
    search = "SELECT asymm._advice_work(id, 'infinity') FROM asymm._advice_due() AS id"
    worked.tender.execute(search)
    assert db.value(plain)
    db.sql("UPDATE asymm.advice_run SET ended_at = NULL")
    worked.tender.execute("SELECT asymm._seek_advice()")
    db.sql("SELECT asymm.reject(action) FROM asymm.advice")
    db.sql("DELETE FROM asymm.advice_run")
    worked.tender.execute(search)
    assert not db.value(plain)


def test_what_was_built_meanwhile_is_not_proposed_narrower(worked: Shop) -> None:
    db = worked.db
    db.sql("SELECT asymm._observe_queries()")
    worked.tender.execute("SELECT asymm._advice_work(id, 'infinity') FROM asymm._advice_due() AS id")
    db.sql("UPDATE asymm.advice_run SET ended_at = NULL")
    db.sql("CREATE INDEX ON app.orders (email) INCLUDE (status)")
    worked.tender.execute("SELECT asymm._seek_advice()")
    assert db.value("SELECT count(*) FROM asymm.advice") == 0


def test_a_table_is_made_anew_while_it_is_searched_for(worked: Shop) -> None:
    """What was begun for the former table is given up; even a slice that is under way does not fail."""
    db = worked.db
    db.sql("SELECT asymm._observe_queries()")
    worked.tender.execute("SELECT asymm._advice_work(id, 'infinity') FROM asymm._advice_due() AS id")
    former = db.value("SELECT max(id) FROM asymm.advice_run")
    db.sql("UPDATE asymm.advice_run SET ended_at = NULL")
    db.sql("UPDATE asymm.advice_candidate SET predicate = '(email IS NOT NULL)'")
    db.sql("INSERT INTO asymm.table_load SELECT 0, now(), 'app.orders'::regclass, 1, 0, 0, 0, 0, 0, 0")
    db.sql("CREATE TABLE app.again (LIKE app.orders)")
    db.sql("INSERT INTO app.again SELECT * FROM app.orders")
    db.sql("DROP TABLE app.orders CASCADE")
    db.sql("ALTER TABLE app.again RENAME TO orders")
    assert db.value(
        "SELECT bool_and(asymm._advice_writes(r, c, 10, 8192) > 0)"
        " FROM asymm.advice_run AS r, asymm.advice_candidate AS c"
    )
    assert worked.tender.execute("SELECT asymm._advice_due()").fetchone() != (former,)


def test_nothing_is_sought_while_it_is_off(worked: Shop) -> None:
    worked.db.sql("SELECT asymm._observe_queries()")
    worked.db.sql("SELECT asymm.autopilot('off')")
    for _ in range(3):
        worked.tender.execute("SELECT asymm._seek_advice()")
    assert worked.db.value("SELECT count(*) FROM asymm.advice_run") == 0


def test_no_lock_is_left_on_tables(worked: Shop) -> None:
    """F9: DDL of others waits for one plan at most, and so do the queries behind it."""
    db = worked.db
    db.sql("SELECT asymm._observe_queries()")
    session = db.connect(user=worked.actor, autocommit=False)
    session.execute("SELECT asymm._observe_plans()")
    session.execute("SELECT asymm._seek_advice()")
    found = session.execute(
        "SELECT c.relname FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation"
        " WHERE l.pid = pg_backend_pid() AND (c.relnamespace = 'app'::regnamespace"
        # Who reads it is in nobody's way.
        " OR c.relname = 'ddl_log' AND l.mode <> 'AccessShareLock')"
    ).fetchall()
    assert found == []
    session.commit()
    assert db.value("SELECT count(*) FROM asymm.advice_query WHERE cost IS NOT NULL") == 2


def test_a_locked_table_is_passed_over(worked: Shop) -> None:
    """F9: what can't be planned now has its reason, the rest goes on."""
    db = worked.db
    db.sql("SELECT asymm._observe_queries()")
    blocker = db.connect(autocommit=False)
    blocker.execute("LOCK TABLE app.theirs IN ACCESS EXCLUSIVE MODE")
    for _ in range(20):
        worked.tender.execute("SELECT asymm._observe_plans()")
        worked.tender.execute("SELECT asymm._seek_advice()")
        if db.value("SELECT count(*) FROM asymm.advice"):
            break
    assert db.sql("SELECT target FROM asymm.advice") == [("app.orders",)]
    reason = "SELECT reason FROM asymm.advice_query WHERE statement LIKE '%theirs%'"
    assert "lock timeout (55P03)" in db.value(reason)
    blocker.rollback()


def test_ddl_of_others_cannot_come_between(shop: Shop) -> None:
    """What is reached by a text is looked through, then planned: a stranger's DDL is before or after both."""
    db = shop.db
    stranger = db.role("stranger")
    db.sql(f"CREATE SCHEMA theirs AUTHORIZATION {stranger}")
    session = db.connect(user=stranger, autocommit=False)
    session.execute("CREATE DOMAIN theirs.code AS int")
    session.commit()
    db.sql("GRANT USAGE ON SCHEMA theirs TO PUBLIC")
    plan = "SELECT asymm._plan_statement('SELECT 1::theirs.code', 'public')"
    assert "plan" in db.value(plan)
    session.execute("CREATE FUNCTION theirs.evil(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql"
                    " AS $$ BEGIN RETURN $1 / 0 = 1; END $$")  # fmt: skip
    session.execute("ALTER DOMAIN theirs.code ADD CHECK (theirs.evil(value))")
    # It could be committed at any moment.
    assert "lock timeout" in db.value(plan)["reason"]
    session.commit()
    assert db.value(plan)["reason"] == "not planned: untrusted function theirs.evil(integer)"
    # The other way round: it waits until the plan is made.
    db.sql("BEGIN")
    db.sql("SELECT asymm._hold_ddl()")
    session.execute("SET statement_timeout = '60ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        session.execute("ALTER DOMAIN theirs.code DROP CONSTRAINT code_check")
    session.rollback()
    db.sql("COMMIT")


def test_what_was_found_safe_is_looked_at_again_after_ddl(shop: Shop) -> None:
    db = shop.db
    again = "SELECT cost > 0, reason FROM asymm._plan_again('SELECT 1', '{}', %s)"
    stamp = db.value("SELECT asymm._ddl_stamp()")
    assert db.sql(again, stamp) == [(True, None)]
    db.sql("CREATE TABLE app.later (a int)")
    assert db.sql(again, stamp) == [(None, None)]


def test_tables_with_next_to_nothing(shop: Shop) -> None:
    """B10."""
    for rows in (0, 1):
        shop.db.sql(
            f"CREATE TABLE app.odd_{rows} AS SELECT n AS id, n AS a FROM generate_series(1, {rows}) AS n"
        )
    shop.db.sql("ANALYZE app.odd_0, app.odd_1")
    statements = [f"SELECT a FROM app.odd_{rows} WHERE id = 1" for rows in (0, 1)]
    found = shop.db.sql("SELECT definition FROM asymm.advise_for(%s)", statements)
    assert found == [(None,), (None,)]


def test_a_table_with_sixteen_hundred_columns(shop: Shop) -> None:
    """B10: one that all are compared in is as quick as any."""
    names = [f"c{n}" for n in range(1600)]
    shop.db.sql(f"CREATE TABLE app.wide ({', '.join(f'{name} bool' for name in names)})")
    shop.db.sql("INSERT INTO app.wide SELECT FROM generate_series(1, 2000)")
    shop.db.sql("ANALYZE app.wide (c0, c1)")
    shop.db.sql("SET statement_timeout = '20s'")
    statements = [
        "SELECT * FROM app.wide WHERE c0 AND c1",
        "SELECT 1 FROM app.wide WHERE " + " AND ".join(names[:200]),
        f"SELECT {', '.join(names)} FROM app.wide ORDER BY c5, c6 LIMIT 3",
    ]
    found = shop.db.sql("SELECT definition, reason FROM asymm.advise_for(%s)", statements)
    assert found


def test_what_has_no_indexes_of_ours(shop: Shop) -> None:
    """B7: tables of the system, of the extension, elsewhere, and sequences."""
    db = shop.db
    db.sql("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER x FOREIGN DATA WRAPPER w")
    db.sql("CREATE FOREIGN TABLE app.far (a int) SERVER x; CREATE SEQUENCE app.counted")
    statements = [
        "SELECT oid FROM pg_catalog.pg_class WHERE relowner = 11",
        "SELECT id FROM asymm.ddl_log WHERE role = 'a'",
        "SELECT a FROM app.far WHERE a = 7",
        "SELECT 1 FROM app.counted WHERE last_value = 7",
    ]
    found = db.sql("SELECT definition, reason FROM asymm.advise_for(%s)", statements)
    assert [row[0] for row in found] == [None] * 4, found
    assert all(row[1] for row in found)


def test_a_partitioned_table_says_why_it_waits(shop: Shop) -> None:
    db = shop.db
    db.sql("CREATE TABLE app.parted (id int, a int) PARTITION BY LIST (id)")
    for place in (1, 2):
        db.sql(f"CREATE TABLE app.parted_{place} PARTITION OF app.parted FOR VALUES IN ({place})")
    db.sql(f"ALTER TABLE app.parted OWNER TO {shop.owner}")
    db.sql("INSERT INTO app.parted SELECT 1 + n % 2, n FROM generate_series(1, 9000) AS n")
    db.sql("ANALYZE app.parted")
    found = db.sql("SELECT definition FROM asymm.advise_for(%s)", ["SELECT id FROM app.parted WHERE a = 7"])
    assert "ON app.parted USING btree (a" in found[0][0]
    db.sql("SELECT asymm.autopilot('on')")
    action = shop.propose(table="parted", keys=["a"], approve=False)
    assert db.sql("SELECT state, reason FROM asymm.advice") == [
        ("proposed", "a partitioned table can't be indexed without locking it")
    ]
    with pytest.raises(psycopg.errors.WrongObjectType) as raised:
        db.sql("SELECT asymm.approve(%s)", action)
    assert "CREATE INDEX" in (raised.value.diag.message_hint or "")
