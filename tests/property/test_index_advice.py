"""Advice in the ledger: nothing of a document is taken at its word."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from support.database import Database


@pytest.fixture
def shop(db: Database) -> Database:
    owner = db.role("owner", "NOLOGIN")
    db.sql("CREATE SCHEMA app")
    db.sql('CREATE TABLE app.orders (id int PRIMARY KEY, email text, status text, "we""ird %$1\\ name" int)')
    db.sql(f"ALTER TABLE app.orders OWNER TO {owner}")
    db.sql("CREATE TABLE app.canary (a int)")
    return db


def propose(db: Database, kind: str = "create index", **advice: Any) -> int | None:
    document = {"schema": "app", "table": "orders", "proved": True, **advice}
    action: int | None = db.value("SELECT asymm._propose_index(%s, %s)", kind, json.dumps(document))
    return action


def test_the_statement_is_made_anew(shop: Database) -> None:
    action = propose(
        shop,
        index="orders_open",
        keys=["(lower(email))", "id DESC NULLS LAST"],
        include=["status"],
        predicate="status = 'open; --'::text",
        definition="DROP TABLE app.canary",
    )
    statement = shop.value("SELECT statement FROM asymm.advice WHERE action = %s", action)
    assert statement == (
        "CREATE INDEX CONCURRENTLY orders_open ON app.orders USING btree ((lower(email)), id DESC NULLS LAST)"
        " INCLUDE (status) WHERE (status = 'open; --'::text)"
    )
    shop.sql(statement)
    assert propose(shop, keys=['"we""ird %$1\\ name"']) is not None
    statement = shop.value("SELECT statement FROM asymm.advice ORDER BY action DESC LIMIT 1")
    shop.sql(statement)
    assert shop.value("SELECT count(*) FROM pg_index WHERE indrelid = 'app.orders'::regclass") == 3
    # What is there is not proposed.
    assert propose(shop, keys=['"we""ird %$1\\ name"']) is None


@pytest.mark.parametrize(
    "advice",
    [
        {"keys": ["(lower(email)); DROP TABLE app.canary; --)"]},
        {"keys": ["(lower(email))) WHERE (true"]},
        {"keys": ["email) WHERE (true"]},
        {"keys": ["email, id"]},
        {"keys": ["email"], "predicate": "true) ; SELECT (1"},
        {"keys": ["email"], "predicate": "status = $a$;$a$"},
        {"keys": ["email"], "predicate": r"status = E'\'; DROP TABLE app.canary; --'"},
        {"keys": ["email"], "predicate": "true /* ) */ OR (true"},
        {"keys": ["nothing"]},
        {"keys": ["(nothing + 1)"]},
        {"keys": []},
        {"keys": ["email"], "method": "btree (id); DROP TABLE app.canary; --"},
        {"keys": ["email"], "include": ["(id + 1)"]},
        {"keys": ["email COLLATE"]},
    ],
)
def test_what_is_not_one_index_is_refused(shop: Database, advice: dict[str, Any]) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        propose(shop, **advice)
    assert shop.value(
        "SELECT to_regclass('app.canary') IS NOT NULL AND NOT EXISTS (SELECT FROM asymm.action)"
    )


def test_figures_that_are_none_are_refused(shop: Database) -> None:
    """Views and every actor's loop read them again."""
    wrong: list[dict[str, Any]] = [
        {"confidence": "high"},
        {"saved_ms_per_hour": 10**400},
        {"proved": "maybe"},
        {"size_bytes": -1},
        {"queries": {"query": 1}},
        {"queries": [{"query": 1.5}]},
        {"queries": [{"query": 1, "ms_per_hour": "x"}]},
        {"queries": [1]},
    ]
    for advice in wrong:
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            propose(shop, keys=["email"], **advice)
    assert shop.value("SELECT count(*) FROM asymm.advice") == 0


@pytest.mark.parametrize(
    ("make", "name"),
    [
        ("CREATE VIEW app.v AS SELECT 1 AS a", "v"),
        ("CREATE SEQUENCE app.s", "s"),
        ("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER x FOREIGN DATA WRAPPER w;"
         " CREATE FOREIGN TABLE app.f (a int) SERVER x", "f"),
    ],
)  # fmt: skip
def test_kinds_without_indexes_are_refused(shop: Database, make: str, name: str) -> None:
    shop.sql(make)
    with pytest.raises(psycopg.errors.WrongObjectType):
        propose(shop, table=name, keys=["a"])
    with pytest.raises(psycopg.errors.WrongObjectType):
        propose(shop, schema="pg_catalog", table="pg_class", keys=["relname"])
    with pytest.raises(psycopg.errors.UndefinedTable):
        propose(shop, table="gone", keys=["a"])


def test_an_index_never_runs_a_strangers_function(shop: Database) -> None:
    stranger = shop.role("stranger", "NOLOGIN")
    shop.sql("CREATE SCHEMA theirs; GRANT USAGE ON SCHEMA theirs TO PUBLIC")
    shop.sql(
        "CREATE FUNCTION theirs.evil(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS"
        " $$ BEGIN DROP TABLE app.canary; RETURN $1; END $$"
    )
    shop.sql(f"ALTER FUNCTION theirs.evil(text) OWNER TO {stranger}")
    for advice in (
        {"keys": ["(theirs.evil(email))"]},
        {"keys": ["email"], "predicate": "theirs.evil('a'::text) = 'a'::text"},
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            propose(shop, **advice)
    # The owner's own may run: it does so with every row he writes.
    owner = shop.value("SELECT tableowner FROM pg_tables WHERE tablename = 'orders'")
    shop.sql(f"ALTER FUNCTION theirs.evil(text) OWNER TO {owner}")
    assert propose(shop, keys=["(theirs.evil(email))"]) is not None


def test_who_may_propose_and_decide(shop: Database) -> None:
    other = shop.connect(user=shop.role("other", member_of=("asymm_operator",)))
    document = json.dumps({"schema": "app", "table": "orders", "keys": ["email"]})
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.execute("SELECT asymm._propose_index('create index', %s)", [document])
    action = propose(shop, keys=["email"])
    for verb in ("approve", "reject"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(f"SELECT asymm.{verb}(%s)".encode(), [action])


def test_the_same_is_proposed_once(shop: Database) -> None:
    action = propose(shop, keys=["email"], saved_ms_per_hour=5)
    assert propose(shop, keys=["email"], saved_ms_per_hour=7) == action
    assert shop.sql("SELECT count(*), max(predicted_ms_per_hour) FROM asymm.advice") == [(1, 7)]
    queued = "SELECT state, note ~ '^queued: .*outside of a transaction' FROM asymm.approve(%s)"
    assert shop.sql(queued, action) == [("approved", True)]
    # It can't run in the caller's transaction, nor by a beat.
    assert shop.value("SELECT asymm.beat() -> 'actions'") == []
    assert shop.value("SELECT state FROM asymm.advice") == "approved"
    shop.sql("SELECT asymm.reject(%s, 'no')", action)
    assert propose(shop, keys=["email"]) is None
    other = propose(shop, keys=["status"])
    with pytest.raises(psycopg.errors.Error, match="is proposed") as caught:
        shop.sql("SELECT asymm.revert(%s)", other)
    assert caught.value.sqlstate == "SY005"


def test_what_is_needed_is_not_dropped(shop: Database) -> None:
    shop.sql("CREATE INDEX orders_email ON app.orders (email)")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="keeps rows unique"):
        propose(shop, "drop index", index="orders_pkey")
    with pytest.raises(psycopg.errors.UndefinedObject):
        propose(shop, "drop index", index="nothing")
    propose(shop, "drop index", index="orders_email")
    assert shop.sql("SELECT statement, inverse FROM asymm.advice") == [
        (
            "DROP INDEX CONCURRENTLY app.orders_email",
            "CREATE INDEX CONCURRENTLY orders_email ON app.orders USING btree (email)",
        )
    ]
    propose(shop, "reindex", index="orders_pkey")
    assert shop.sql("SELECT statement, inverse FROM asymm.advice WHERE kind = 'reindex'") == [
        ("REINDEX INDEX CONCURRENTLY app.orders_pkey", None)
    ]


def test_autopilot_approves_what_it_may(shop: Database) -> None:
    shop.sql("SELECT asymm.configure_indexes(autopilot => 'on', index_budget => '1 MB')")
    propose(shop, keys=["email"], size_bytes=1000)
    propose(shop, keys=["status"], proved=False)
    propose(shop, keys=["id", "email"], size_bytes=10**9)
    assert shop.sql("SELECT state, reason FROM asymm.advice ORDER BY action") == [
        ("approved", "autopilot"),
        ("proposed", "the planner could not be asked whether it would use it"),
        ("proposed", "index_budget (1 MB) is used up"),
    ]


def test_constants_are_for_who_may_read_the_table(shop: Database) -> None:
    """Until it is built, and the catalog tells it to everybody, an index may be made of some rows' values."""
    propose(shop, index="orders_key", keys=["(email || 'secret')"], reason="only 'secret'")
    propose(shop, index="orders_few", keys=["id"], predicate="status = 'secret'", reason="only 'secret'")
    propose(shop, index="orders_all", keys=["email"], reason="equality on email")
    reader = shop.connect(user=shop.role("reader", member_of=("asymm_reader",)))
    told = "SELECT string_agg(a::text, ' ') FROM {} AS a"
    for view in ("asymm.advice", "asymm.actions"):
        ((found,),) = reader.execute(told.format(view).encode()).fetchall()
        assert "secret" not in found
        assert "orders_all" in found
        assert shop.value(told.format(view)).count("secret") >= 4
    shop.sql(f"GRANT SELECT ON app.orders TO {reader.info.user}")
    assert reader.execute("SELECT count(*) FROM asymm.advice WHERE definition ~ 'secret'").fetchall() == [
        (2,)
    ]


def test_what_a_drop_would_lose(shop: Database) -> None:
    """An index is made again where it lay; what CREATE INDEX doesn't say a person is asked about."""
    shop.sql("SELECT asymm.autopilot('on')")
    shop.sql("SET allow_in_place_tablespaces = on")
    shop.sql("CREATE TABLESPACE \"el se\" LOCATION ''")
    shop.sql("CREATE INDEX a ON app.orders (email) TABLESPACE \"el se\" WHERE status = 'x'")
    shop.sql("CREATE INDEX b ON app.orders ((lower(email)))")
    shop.sql(
        "COMMENT ON INDEX app.b IS 'kept for the night'; ALTER INDEX app.b ALTER COLUMN 1 SET STATISTICS 7"
    )
    propose(shop, "drop index", index="a")
    propose(shop, "drop index", index="b")
    found = shop.sql("SELECT inverse, state, reason FROM asymm.advice ORDER BY action")
    assert found[0][:2] == (
        'CREATE INDEX CONCURRENTLY a ON app.orders USING btree (email) TABLESPACE "el se"'
        " WHERE (status = 'x'::text)",
        "approved",
    )
    assert found[1][1:] == ("proposed", "taken back it would lack its comment, statistics")
    shop.sql("DROP INDEX app.a")
    shop.sql(found[0][0])
    assert shop.value("SELECT reltablespace <> 0 FROM pg_class WHERE relname = 'a'")
    shop.sql("DROP INDEX app.a")
    shop.sql('DROP TABLESPACE "el se"')
