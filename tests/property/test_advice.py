"""The indexes that are advised: what a person would choose for a small shop, and nothing that doesn't pay."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from support.database import Database
from support.scene import rows

ADVICE = "SELECT definition, queries, proved, reason FROM asymm.advise_for(%s, %s, path => 'public')"


@pytest.fixture
def shop(db: Database) -> Database:
    db.sql("CREATE EXTENSION IF NOT EXISTS hypopg")
    db.sql("CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL, city text NOT NULL)")
    db.sql(
        "CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, status text NOT NULL,"
        " at timestamptz NOT NULL, total numeric NOT NULL, note text NOT NULL)"
    )
    db.sql(
        "INSERT INTO customer SELECT g, 'User' || g || '@example.com', 'city ' || g % 50"
        " FROM generate_series(1, 5000) AS g"
    )
    db.sql(
        "INSERT INTO orders SELECT g, 1 + g * 7919 % 5000, CASE WHEN g % 100 = 0 THEN 'open' ELSE 'done' END,"
        " '2026-01-01'::timestamptz + g * interval '1 min', g % 1000, repeat('x', 60)"
        " FROM generate_series(1, 50000) AS g"
    )
    db.sql("VACUUM ANALYZE")
    return db


def advised(db: Database, *statements: str, budget: str | None = None) -> list[str]:
    """Return what stands behind USING of each index that is advised."""
    found = db.sql(ADVICE, list(statements), budget)
    return [row[0].split(" USING ")[1] for row in found if row[0]]


def without(db: Database, *statements: str) -> list[Any]:
    """Return the reasons why statements get no index."""
    return [row[3] for row in db.sql(ADVICE, list(statements), None) if row[0] is None]


def test_equality_comes_before_order(shop: Database) -> None:
    found = advised(shop, "SELECT * FROM orders WHERE customer_id = 17 ORDER BY at DESC LIMIT 5")
    assert len(found) == 1
    assert found[0].startswith("btree (customer_id")


def test_an_expression(shop: Database) -> None:
    found = advised(shop, "SELECT * FROM customer WHERE lower(email) = 'user7@example.com'")
    assert len(found) == 1
    assert "lower(email)" in found[0]


def test_a_few_rows_of_one_state(shop: Database) -> None:
    found = advised(shop, "SELECT * FROM orders WHERE status = 'open' ORDER BY at", budget="100 kB")
    assert len(found) == 1
    assert "WHERE (status = 'open'::text)" in found[0]


def test_parameters_are_as_good_as_constants(shop: Database) -> None:
    found = advised(shop, "SELECT * FROM orders WHERE customer_id = $1")
    assert found == ["btree (customer_id)"]


def test_both_sides_of_a_join(shop: Database) -> None:
    found = advised(
        shop,
        "SELECT o.id FROM customer c JOIN orders o ON o.customer_id = c.id"
        " WHERE lower(c.email) = 'user7@example.com'",
    )
    assert any("customer_id" in text for text in found)
    assert any("lower(email)" in text for text in found)


def test_what_a_foreign_key_looks_for(shop: Database) -> None:
    shop.sql("ALTER TABLE orders ADD CONSTRAINT of_whom FOREIGN KEY (customer_id) REFERENCES customer")
    assert advised(shop, "DELETE FROM customer WHERE id = $1") == ["btree (customer_id)"]


def test_nothing_where_all_is_there(shop: Database) -> None:
    assert advised(shop, "SELECT * FROM customer WHERE id = 3", "SELECT * FROM orders") == []
    assert without(shop, "SELECT note FROM orders") == [
        "no condition or order that an index could serve, or all that could are there"
    ]


def test_the_budget_is_kept(shop: Database) -> None:
    statements = [
        "SELECT * FROM orders WHERE customer_id = 17",
        "SELECT * FROM orders WHERE at = '2026-01-02'",
        "SELECT * FROM customer WHERE lower(email) = 'user7@example.com'",
    ]
    assert len(advised(shop, *statements)) == 3
    for budget in ("900 kB", "1500 kB"):
        found = shop.sql(
            "SELECT sum(size_bytes) FROM asymm.advise_for(%s, %s, path => 'public')", statements, budget
        )
        assert 0 < found[0][0] <= int(budget.split()[0]) * 1024
    assert advised(shop, *statements, budget="0") == []


def test_a_partitioned_table_is_as_large_as_its_parts(shop: Database) -> None:
    shop.sql("CREATE TABLE log (a int, at date) PARTITION BY RANGE (at)")
    for month in range(1, 4):
        shop.sql(
            f"CREATE TABLE log_{month} PARTITION OF log"
            f" FOR VALUES FROM ('2026-0{month}-01') TO ('2026-0{month + 1}-01')"
        )
    shop.sql("INSERT INTO log SELECT g, '2026-01-01'::date + g % 90 FROM generate_series(1, 30000) AS g")
    shop.sql("ANALYZE log")
    query = "SELECT * FROM log WHERE a = 7"
    size = shop.value("SELECT size_bytes FROM asymm.advise_for(%s, path => 'public')", [query])
    assert advised(shop, query) == advised(shop, "SELECT * FROM log_1 WHERE a = 7") == ["btree (a)"]
    shop.sql("CREATE INDEX ON log (a)")
    assert size == pytest.approx(
        shop.value("SELECT sum(pg_relation_size(relid))::int FROM pg_partition_tree('log_a_idx')"), rel=0.15
    )


def test_sizes_are_as_built(shop: Database) -> None:
    statements = [
        "SELECT * FROM orders WHERE customer_id = 17",
        "SELECT id, total FROM orders WHERE at BETWEEN '2026-01-02' AND '2026-01-03'",
    ]
    found = shop.sql("SELECT definition, size_bytes FROM asymm.advise_for(%s, path => 'public')", statements)
    for number, (definition, size) in enumerate(found):
        shop.sql("CREATE INDEX " + f"built_{number} ON" + definition.split(" ON", 1)[1])
        assert size == pytest.approx(
            shop.value("SELECT pg_relation_size(%s::regclass)", f"built_{number}"), rel=0.15
        )


def test_a_strangers_function_is_never_run(shop: Database) -> None:
    stranger = shop.role("stranger")
    shop.sql(f'GRANT CREATE ON SCHEMA public TO "{stranger}"')
    shop.sql("CREATE TABLE seen (x int)")
    shop.sql(f'GRANT ALL ON seen TO "{stranger}"')
    with shop.connect(user=stranger) as other:
        other.execute(
            "CREATE FUNCTION public.trap(text) RETURNS text IMMUTABLE LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE EXCEPTION 'run by %', current_user; END $$"
        )
    reasons = without(shop, "SELECT * FROM customer WHERE email = public.trap('a')")
    assert len(reasons) == 1
    assert reasons[0].startswith("not planned: untrusted function")


def test_a_strangers_table_may_have_changed_since_it_was_looked_at(shop: Database) -> None:
    stranger, actor = shop.role("stranger"), shop.role("actor", member_of=("asymm_pulse",))
    shop.sql(f'GRANT CREATE ON SCHEMA public TO "{stranger}"')
    with shop.connect(user=stranger) as other:
        other.execute("CREATE TABLE bait AS SELECT 'b' AS a; GRANT SELECT ON bait TO PUBLIC")
        other.execute(
            "CREATE FUNCTION public.trap(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN"
            " IF session_user <> 'STRANGER' THEN RAISE EXCEPTION 'run by %', session_user; END IF;"
            " RETURN $1; END $$".replace("STRANGER", stranger)
        )
        other.execute("CREATE INDEX ON bait ((public.trap('a') || a))")
    session = shop.connect(user=actor)
    task = (
        "jsonb_build_object('no', 1, 'plain', true, 'relid', 'bait'::regclass::oid::int,"
        " 'statement', 'SELECT a FROM public.bait GROUP BY a')"
    )
    with pytest.raises(psycopg.errors.RaiseException):
        session.execute("EXPLAIN SELECT a FROM public.bait GROUP BY a")
    found = session.execute(f"SELECT asymm._advice_measure({task}) ->> 'fault'".encode()).fetchone()
    assert found == ("its table runs an untrusted function",)


def test_without_rights_to_a_table_there_is_a_reason(shop: Database) -> None:
    operator = shop.connect(user=shop.role("operator", member_of=("asymm_operator",)))
    found = rows(
        operator,
        "SELECT definition, reason FROM asymm.advise_for("
        "ARRAY['SELECT * FROM customer WHERE city = ''x'''], path => 'public')",
    )
    assert [row[0] for row in found] == [None]
    assert "permission denied" in str(found[0][1])


def test_what_cannot_be_planned_has_its_reason(shop: Database) -> None:
    assert without(shop, "SELECT * FROM gone") == ['not planned: relation "gone" does not exist (42P01)']
    assert without(shop, "VACUUM customer") == ["not a statement that can be planned"]


@pytest.mark.parametrize("budget", ["much", "-1 MB", "10 %%", "", "1e999 GB", "%"])
def test_a_budget_that_is_none(shop: Database, budget: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as raised:
        shop.sql("SELECT * FROM asymm.advise_for(ARRAY['SELECT 1'], %s)", budget)
    assert raised.value.diag.message_detail
    assert raised.value.diag.message_hint


def test_names_that_are_hostile(shop: Database) -> None:
    table, column = 'Or"der; drop table x--', "a'$1\\\n% b"
    table_name, column_name = (
        shop.value("SELECT quote_ident(%s)", table),
        shop.value("SELECT quote_ident(%s)", column),
    )
    shop.own.execute(f"CREATE TABLE {table_name} ({column_name} int, filler text)".encode())
    shop.own.execute(
        f"INSERT INTO {table_name} SELECT g, repeat('x', 99) FROM generate_series(1, 9999) g".encode()
    )
    shop.own.execute(f"ANALYZE {table_name}".encode())
    shop.own.execute(f"CREATE VIEW v AS SELECT {column_name} AS c, filler FROM {table_name}".encode())
    found = shop.sql(ADVICE, ["SELECT filler FROM v WHERE c = 7"], None)
    assert found[0][0]
    shop.own.execute(found[0][0].encode())


def test_no_hypothetical_index_is_left(shop: Database) -> None:
    advised(shop, "SELECT * FROM orders WHERE customer_id = 17")
    assert shop.value("SELECT count(*) FROM hypopg_list_indexes") == 0


STATEMENTS = [
    "SELECT * FROM orders WHERE customer_id = 17 ORDER BY at DESC LIMIT 5",
    "SELECT * FROM customer WHERE lower(email) = 'user7@example.com'",
    "SELECT sum(total) FROM orders WHERE at >= '2026-01-02' AND at < '2026-01-03'",
]
BEGIN = "SELECT asymm._begin_advice('texts', NULL, NULL, NULL, %s, 'public')"
SLICE = "SELECT asymm._advice_work(%s, '-infinity')"


def test_slices_find_what_one_go_finds(shop: Database) -> None:
    expected = shop.sql(ADVICE, STATEMENTS, None)
    run = shop.value(BEGIN, STATEMENTS)
    slices = 1
    while not shop.value(SLICE, run):
        slices += 1
    assert slices > 10
    found = shop.sql("SELECT definition, queries, proved, reason FROM asymm._advice_result(%s)", run)
    assert found == expected


def test_a_table_that_goes_in_the_middle(shop: Database) -> None:
    run = shop.value(BEGIN, STATEMENTS)
    for _ in range(12):
        assert not shop.value(SLICE, run)
    shop.sql("DROP TABLE customer")
    assert shop.value("SELECT asymm._advice_work(%s, 'infinity')", run)
    found = shop.sql("SELECT definition, reason FROM asymm._advice_result(%s)", run)
    assert any(row[0] and "customer_id" in row[0] for row in found)
    assert [row[1] for row in found if row[0] is None] == [
        'not planned: relation "customer" does not exist (42P01)'
    ]


def test_without_hypopg_advice_is_by_rule(shop: Database) -> None:
    shop.sql("DROP EXTENSION hypopg")
    found = shop.sql(ADVICE, STATEMENTS[:2], None)
    assert {row[2] for row in found} == {False}
    assert any("lower(email)" in row[0] for row in found)


def test_what_only_another_kind_of_index_serves(shop: Database) -> None:
    shop.sql("CREATE TABLE doc (id int PRIMARY KEY, body jsonb NOT NULL)")
    shop.sql(
        "INSERT INTO doc SELECT g, jsonb_build_object('tag', g % 1000) FROM generate_series(1, 20000) AS g"
    )
    shop.sql("ANALYZE doc")
    found = shop.sql(ADVICE, ["SELECT id FROM doc WHERE body @> '{\"tag\": 7}'"], None)
    assert "USING gin" in found[0][0]
    assert found[0][2] is False


def test_a_search_of_another_role_is_not_there(shop: Database) -> None:
    run = shop.value(BEGIN, STATEMENTS)
    operator = shop.connect(user=shop.role("operator", member_of=("asymm_operator",)))
    for call in ("_advice_result(%s)", "_advice_proposals(%s)", "_advice_keep(%s, '[]')"):
        with pytest.raises(psycopg.errors.UndefinedObject):
            operator.execute(f"SELECT asymm.{call}".encode(), [run])


def test_which_index_needs_which(shop: Database) -> None:
    """The large table's pays alone; the small one's saves too little without it."""
    shop.sql(
        "INSERT INTO customer SELECT g, 'Later' || g, 'city' FROM generate_series(5001, 7000) AS g;"
        " ANALYZE customer"
    )
    joined = "customer c JOIN orders o ON o.customer_id = c.id"
    run = shop.value(BEGIN, [f"SELECT o.id FROM {joined} WHERE lower(c.email) = 'user7@example.com'"])
    assert shop.value("SELECT asymm._advice_work(%s, 'infinity')", run)
    found = shop.sql(
        "SELECT p ->> 'table', p -> 'requires', p ->> 'index' FROM asymm._advice_proposals(%s) AS p", run
    )
    needs = {table: requires for table, requires, _ in found}
    names = {table: name for table, _, name in found}
    assert needs == {"orders": [], "customer": [names["orders"]]}
