"""Protected columns: what is refused, what is shown, what is kept of statements and errors."""

from __future__ import annotations

import json

import psycopg
import pytest

from support.canary import found
from support.database import Database

CANARY = "canary-7f3a"
TABLES = f"""
CREATE SCHEMA shop;
CREATE DOMAIN shop.mail AS text CHECK (VALUE ~ '@');
CREATE TABLE shop.customers (id int PRIMARY KEY, name text, email shop.mail, phone varchar(20), born date,
    income numeric, token text, folded text GENERATED ALWAYS AS (lower(email)) STORED,
    order_status text DEFAULT 'new');
INSERT INTO shop.customers VALUES
    (1, 'Anna', 'anna@{CANARY}', '+4915112345678', '1990-05-06', 100, 'h1:' || repeat('ab', 32)),
    (2, 'Bo', 'bo@x', '123', NULL, 3, encode(sha256('bo@x'), 'hex'));
CREATE VIEW shop.v AS SELECT id, email AS address FROM shop.customers;
CREATE FUNCTION shop.find(text) RETURNS int LANGUAGE sql STABLE
    AS 'SELECT id FROM shop.customers WHERE email = $1';
CREATE TABLE shop.other (id int PRIMARY KEY, note text);
"""


@pytest.fixture
def shop(db: Database) -> Database:
    db.sql(TABLES)
    return db


def protect(db: Database, column: str, method: str = "mask", table: str = "shop.customers") -> None:
    db.sql("SELECT asymm.protect(%s::text::regclass, %s::text::name, %s)", table, column, method)


# What a query touches, or nothing.
TOUCHES = {
    "SELECT id, name FROM shop.customers": None,
    "SELECT count(*) FROM shop.customers": None,
    "SELECT * FROM shop.customers": "email",
    "SELECT c FROM shop.customers AS c": "email",
    "SELECT to_jsonb(c) FROM shop.customers AS c": "email",
    "SELECT count(*) FROM shop.customers WHERE email = 'x@y'": "email",
    "SELECT id FROM shop.customers ORDER BY email": "email",
    "SELECT a.id FROM shop.customers a JOIN shop.customers b USING (email)": "email",
    "SELECT a.id FROM shop.customers a NATURAL JOIN shop.customers b": "email",
    "SELECT id FROM shop.other WHERE id IN (SELECT id FROM shop.customers WHERE email ~ 'a')": "email",
    "WITH c AS (SELECT * FROM shop.customers) SELECT 1 FROM c": "email",
    "SELECT folded FROM shop.customers": "folded",
    "SELECT address FROM shop.v": "email",
    "SELECT id FROM shop.parts WHERE code = 'a'": "code",
    "SELECT id FROM shop.part1 WHERE code = 'a'": "code",
}


def test_queries_that_touch_one_are_kept_nowhere(shop: Database) -> None:
    shop.sql("CREATE TABLE shop.parts (id int, code text) PARTITION BY LIST (id)")
    shop.sql("CREATE TABLE shop.part1 PARTITION OF shop.parts FOR VALUES IN (1)")
    protect(shop, "email")
    protect(shop, "code", table="shop.parts")
    for query, column in TOUCHES.items():
        reason = shop.value("SELECT reason FROM asymm.query_dependencies(%s)", query)
        assert ("protected" in reason) == (column is not None), (query, reason)
        assert column is None or f".{column}," in reason
    # A rename takes nothing away, nor does a table that is dropped and comes back.
    shop.sql("ALTER TABLE shop.customers RENAME email TO address")
    reason = "SELECT reason FROM asymm.query_dependencies('SELECT address FROM shop.customers')"
    assert "is protected" in shop.value(reason)
    shop.sql("DROP TABLE shop.customers CASCADE")
    shop.sql("CREATE TABLE shop.customers (id int, address text)")
    assert "is protected" in shop.value(reason)
    with pytest.raises(psycopg.errors.WrongObjectType, match="inherited"):
        protect(shop, "code", table="shop.part1")
    shop.sql("SELECT asymm.unprotect('shop.parts', 'code')")
    shop.sql("SELECT asymm.unprotect('shop.customers', 'address')")
    assert shop.value("SELECT count(*) FROM asymm.protected") == 0
    assert "is not mirrored" in shop.value(reason)


def test_a_masked_view_of_a_watched_schema_is_meant(shop: Database) -> None:
    """With what readers need to reach it: policy heal takes back neither."""
    protect(shop, "phone")
    shop.sql("SELECT asymm.watch_schema('shop', 'heal')")
    shop.sql("SELECT asymm.create_masked_view('shop.customers')")
    shop.sql("SELECT asymm._process_ddl()")
    assert shop.sql("SELECT object, attribute FROM asymm.drift WHERE resolved_at IS NULL") == []
    assert "asymm_reader" in str(shop.sql("SELECT facts FROM asymm.baseline WHERE kind = 'schema'"))


def test_masked_views_show_as_much_as_the_method_says(shop: Database) -> None:
    protect(shop, "email")
    protect(shop, "phone", "deny")
    assert shop.value("SELECT asymm.create_masked_view('shop.customers')") == "shop.customers_masked"
    protect(shop, "token", "hash")
    protect(shop, "born")
    shop.sql("ALTER TABLE shop.customers RENAME name TO called")
    protect(shop, "income", "deny")
    reader = shop.connect(user=shop.role("reader", "LOGIN", ("asymm_reader",)))
    rows = reader.execute("SELECT * FROM shop.customers_masked ORDER BY id").fetchall()
    born = reader.execute("SELECT born::text FROM shop.customers_masked WHERE id = 1").fetchone()
    assert born == ("1990-01-01",)
    assert rows[0][:4] + rows[0][5:] == (1, "Anna", "a***", None, None, "h1:" + "ab" * 32, None, "new")
    # A plain hash is none of ours: whoever guesses the address finds it.
    assert rows[1][6] is None
    assert shop.sql("SELECT * FROM asymm.unhashed('shop.customers')") == [("token", 2, 1)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT email FROM shop.customers")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT asymm.unprotect('shop.customers', 'email')")
    # Whoever looks on while it filters sees what is masked only.
    seen = "SELECT count(*) FROM shop.customers_masked WHERE position('canary' in email) > 0"
    assert reader.execute(seen.encode()).fetchone() == (0,)
    shop.sql("SELECT asymm.unprotect('shop.customers', 'email')")
    assert reader.execute(seen.encode()).fetchone() == (1,)
    shop.sql("CREATE TABLE shop.other_masked (a int)")
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        shop.sql("SELECT asymm.create_masked_view('shop.other')")


def test_only_who_may_act_for_the_owner_protects(shop: Database) -> None:
    role = shop.role("operator", "LOGIN", ("asymm_operator",))
    shop.sql(f"GRANT USAGE ON SCHEMA shop TO {role}")
    operator = shop.connect(user=role)
    call = "SELECT asymm.protect('shop.customers', 'email')"
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        operator.execute(call.encode())
    shop.sql(f"ALTER TABLE shop.customers OWNER TO {role}")
    shop.sql(f"ALTER SCHEMA shop OWNER TO {role}")
    operator.execute(call.encode())
    assert operator.execute(b"SELECT asymm.create_masked_view('shop.customers')").fetchone()
    for bad, error in {
        "'shop.customers', 'nothing'": psycopg.errors.UndefinedColumn,
        "'shop.customers', 'email', 'shred'": psycopg.errors.InvalidParameterValue,
        "'shop.customers', ''": psycopg.errors.InvalidParameterValue,
        "NULL, 'email'": psycopg.errors.NullValueNotAllowed,
        "'shop.v', 'address'": psycopg.errors.WrongObjectType,
        "'pg_class', 'relname'": psycopg.errors.WrongObjectType,
    }.items():
        with pytest.raises(error):
            shop.sql(f"SELECT asymm.protect({bad})")
    with pytest.raises(psycopg.errors.UndefinedObject):
        shop.sql("SELECT asymm.unprotect('shop.other', 'note')")


def test_no_constant_is_kept(shop: Database) -> None:
    db = shop
    db.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    session = db.connect()

    def run(statement: str) -> None:
        for organ in ("_observe_queries", "_observe_queries"):
            session.execute(statement.encode())
            db.sql(f"SELECT asymm.{organ}()")
        db.sql("UPDATE asymm.query_look SET at = at - interval '1 day'")
        db.sql("SELECT asymm._observe_plans()")
        session.execute(statement.encode())
        db.sql("SELECT asymm._collect_examples()")

    statements = [
        f"SELECT id FROM shop.customers WHERE email = 'anna@{CANARY}'",
        f"SELECT id FROM shop.v WHERE address = 'anna@{CANARY}'",
        f"SELECT shop.find('anna@{CANARY}')",
        f"UPDATE shop.customers SET email = 'anna@{CANARY}' WHERE id = 1",
        f"INSERT INTO shop.customers VALUES (3, 'x', 'x@{CANARY}') ON CONFLICT DO NOTHING",
    ]
    run(statements[0])
    db.sql(f"ALTER TABLE shop.customers ALTER email SET DEFAULT 'nobody@{CANARY}'")
    db.sql("SELECT asymm.track_state('shop.customers', '{email}')")
    db.sql("SELECT asymm._observe_states()")
    counted = {"fingerprint": "0123456789abcdef", "misses": 1}
    queries = [{**counted, "route": "primary", "statement": statements[0]}]
    batch = json.dumps({"queries": queries, "keys": [{**counted, "key": CANARY}]})
    db.sql("SELECT asymm._count_reads(%s)", batch)
    predicate = f"email = 'anna@{CANARY}'"
    db.sql("INSERT INTO asymm.advice_run (role, kind, proved) VALUES ('x', 'workload', true)")
    db.sql(
        "INSERT INTO asymm.advice_candidate"
        " (run_id, no, relid, schema_name, table_name, method, keys, predicate)"
        " SELECT id, 1, 'shop.customers'::regclass, 'shop', 'customers', 'btree', '{name}', %s"
        " FROM asymm.advice_run",
        predicate,
    )
    db.sql(
        "WITH a AS (INSERT INTO asymm.action (kind, target, object_kind, schema_name, object_name, owner,"
        " state, steps, requested_by) VALUES ('create index', 'shop.customers', 'table', 'shop', 'customers',"
        " current_user, 'proposed', %s, current_user) RETURNING id)"
        " INSERT INTO asymm.index_action (action_id, relid, index_schema, index_name, shape)"
        " SELECT id, 'shop.customers'::regclass, 'shop', 'i', %s FROM a",
        json.dumps([{"step": 1, "forward": predicate}]),
        f"shop.customers USING btree (name) WHERE {predicate}",
    )
    assert len(found(db, CANARY)) >= 8
    protect(db, "email")
    assert found(db, CANARY) == []
    for statement in statements:
        run(statement)
    db.sql("SELECT asymm._count_reads(%s)", batch)
    db.sql(f"ALTER TABLE shop.customers ALTER email SET DEFAULT 'nobody@{CANARY}'")
    db.sql(f"CREATE TABLE shop.copy AS SELECT * FROM shop.v WHERE address = 'anna@{CANARY}'")
    with pytest.raises(psycopg.Error, match="protected") as refused:
        db.sql("SELECT asymm.track_state('shop.customers', '{email}')")
    assert refused.value.sqlstate == "SY020"
    with pytest.raises(psycopg.Error, match="protected"):
        db.sql("SELECT asymm.watch_duplicates('shop.customers', '{name,email}')")
    with pytest.raises(psycopg.Error, match="cannot be kept"):
        db.sql("SELECT asymm.expect(%s, cost => 'O(n)')", statements[0])
    assert db.value(
        "SELECT count(*) FROM asymm.expect('SELECT id FROM shop.customers WHERE email = $1', 'O(n)')"
    )
    assert found(db, CANARY) == []
    # What touches none is kept as before.
    run("SELECT name FROM shop.customers WHERE id = 4711")
    assert db.value("SELECT count(*) FROM asymm.query_example WHERE statement ~ '4711'") == 1


def test_a_repair_that_fails_keeps_no_row(shop: Database) -> None:
    db = shop
    db.sql("ALTER TABLE shop.customers ADD CONSTRAINT one_name UNIQUE (name)")
    db.sql("SELECT asymm.watch('shop.customers', 'propose')")
    db.sql("ALTER TABLE shop.customers DROP CONSTRAINT one_name")
    db.sql("UPDATE shop.customers SET name = 'twice-5e1b'")
    told: list[str | None] = []
    db.own.add_notice_handler(lambda notice: told.append(notice.message_detail))
    logged = db.server.log_size()
    db.sql("SELECT asymm.heal('shop.customers')")
    assert db.value("SELECT error ->> 'detail' FROM asymm.action WHERE error IS NOT NULL") == "Key (name)=(…)"
    assert told[-1] == "Key (name)=(…)"
    assert found(db, "twice-5e1b") == []
    assert "twice-5e1b" not in db.server.log_text(logged)


# A statement, and what is left of it.
CONSTANTS = [
    (
        "SELECT a, $1 FROM t2 WHERE b = 'it''s' AND c1 >= -12.5e3",
        "SELECT a, $1 FROM t2 WHERE b = '…' AND c1 >= -0",
    ),
    ("SELECT \"it's\", E'a\\'b', U&'x' -- 'y'\n, 1", "SELECT \"it's\", '…', '…'  \n, 0"),
    ("SELECT /* 'x' */ 0x1F, $q$ x $q$ || 'y'", "SELECT   0, …"),
    ("SELECT 'open", "SELECT '…'"),
    ("SELECT x FROM t", "SELECT x FROM t"),
]


# What servers and functions say, and what is kept of it.
ERRORS = [
    ("22P02", "ungültige Eingabesyntax für Typ integer: »CANARY«", None, None),
    (
        "22P02",
        "invalid input syntax for type json",
        'Token "CANARY" is invalid.',
        "JSON data, line 1: CANARY",
    ),
    (
        "P0001",
        "CANARY is no iban",
        "of CANARY",
        'SQL statement "SELECT CANARY"\nPL/pgSQL function f() line 3 at RAISE',
    ),
    ("44000", 'new row violates check option for view "v"', "Failing row contains (1, CANARY).", None),
    ("23505", "doppelter Schlüsselwert", "Schlüssel »(mail)=(CANARY)« existiert bereits.", None),
]


def test_errors_are_kept_without_values(db: Database) -> None:
    for sqlstate, message, detail, context in ERRORS:
        error = {"sqlstate": sqlstate, "message": message, "detail": detail, "context": context}
        kept = db.value("SELECT asymm._without_values(%s)", json.dumps(error))
        assert "CANARY" not in json.dumps(kept)
        assert kept["sqlstate"] == sqlstate
        assert kept["message"]


def test_constants_are_told_apart(db: Database) -> None:
    for statement, left in CONSTANTS:
        assert db.value("SELECT asymm._without_constants(%s)", statement) == left


def test_what_a_merge_keeps_by_is_kept_without_values(shop: Database) -> None:
    protect(shop, "email")
    shop.sql("INSERT INTO shop.customers (id, name, email) VALUES (3, 'Anna', 'anna@y')")
    merged = shop.sql(
        "SELECT removed, action FROM asymm.merge_duplicates('shop.customers', %s, '{name}')",
        f"t.email = 'anna@{CANARY}'",
    )
    assert merged[0][0] == 1
    assert shop.value("SELECT email FROM shop.customers WHERE name = 'Anna'") == f"anna@{CANARY}"
    assert [row for row in found(shop, CANARY) if not row.startswith("asymm.recycled_row")] == []
