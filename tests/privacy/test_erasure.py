"""Erasure: everything of a subject goes, or nothing; it is read back, and done again after a restore."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from support import database
from support.canary import found
from support.cluster import BIN, run
from support.database import Database

CANARY = "canary-c0de"
TABLES = f"""
CREATE TABLE customers (id int PRIMARY KEY, email text, name text);
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, address text,
    state text);
CREATE TABLE payments (id int PRIMARY KEY, customer text, iban text, note text, amount int NOT NULL);
INSERT INTO customers SELECT g, '{CANARY}-' || g || '@x', 'name ' || g FROM generate_series(1, 5) g;
INSERT INTO orders SELECT g, g % 5 + 1, 'street {CANARY}-' || g % 5 + 1, 'new' FROM generate_series(1, 20) g;
INSERT INTO payments SELECT g, g % 5 + 1, 'DE{CANARY}-' || g % 5 + 1, 'x', g FROM generate_series(1, 20) g;
"""


@pytest.fixture
def shop(db: Database) -> Database:
    db.sql(TABLES)
    # In an order in which it can't be done.
    for call in ("'customers', 'id'", "'orders', 'customer'", "'payments', 'customer', '{iban,note}'"):
        db.sql(f"SELECT asymm.register_subject('customer', {call})")
    return db


def forget(db: Database, subject: str, dry_run: bool = False) -> dict[str, tuple[int, int, int]]:
    rows = db.sql("SELECT * FROM asymm.forget(%s, %s, 'customer')", subject, dry_run)
    return {row[0]: tuple(row[1:]) for row in rows}


def anywhere(db: Database, canary: str) -> list[str]:
    tables = db.sql(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace"
    )
    held = [
        t for (t,) in tables if db.value(f"SELECT count(*) FROM {t} AS t WHERE t::text LIKE '%{canary}%'")
    ]
    return held + found(db, canary)


def test_all_of_a_subject_goes_and_is_read_back(shop: Database) -> None:
    db, canary = shop, f"{CANARY}-3"
    db.sql("SELECT asymm.track_state('public.orders', '{state,address}')")
    db.sql("SELECT asymm._observe_states()")
    db.sql(f"ALTER TABLE customers ALTER name SET DEFAULT '{canary}@x'")
    db.sql("SELECT asymm.register_entities('customer', 'customer:')")
    mail = json.dumps({"mail": f"{canary}@x"})
    for entity, value in {"customer:3": mail, "customer:3/cart": mail, "customer:33": "{}"}.items():
        db.sql("SELECT asymm.create_entity(%s, %s)", entity, value)
    db.sql("SELECT asymm.delete_entity('customer:3/cart', version) FROM asymm.get_entity('customer:3/cart')")
    db.sql("SELECT asymm.watch_duplicates('customers', '{name}')")
    db.sql("SELECT asymm._observe_duplicates()")
    # Of four orders three are put aside.
    db.sql("SELECT asymm.merge_duplicates('orders', columns => '{customer,address}')")
    assert len(anywhere(db, canary)) > 4
    dry = forget(db, "3", dry_run=True)
    assert {place: held for place, (held, _, _) in dry.items()} == {
        "public.customers": 1,
        "public.orders": 1,
        "public.payments": 4,
        "entities customer:": 2,
        "rows put aside by merges": 3,
        "fingerprints of rows": 5,
        "telemetry, kept statements, ledger": dry["telemetry, kept statements, ledger"][0],
    }
    assert all(erased == 0 and held == left for held, erased, left in dry.values())
    told = db.value("SELECT asymm.export_subject('3', 'customer')")
    assert {part["place"]: len(part["rows"]) for part in told["places"]} == {
        "public.customers": 1,
        "public.orders": 1,
        "public.payments": 4,
        "entities customer:": 2,
    }
    assert told["places"][0]["rows"] == [{"id": 3, "email": f"{canary}@x", "name": "name 3"}]
    done = forget(db, "3")
    assert {left for _, _, left in done.values()} == {0}
    assert done["telemetry, kept statements, ledger"][1] > 0
    assert anywhere(db, canary) == []
    # Amounts stay, and so do the others.
    assert db.value("SELECT count(*) FROM payments WHERE customer = '3' AND iban IS NULL AND amount > 0") == 4
    assert db.value("SELECT count(*) FROM customers") == 4
    assert {held for held, _, _ in forget(db, "3").values()} == {0}
    assert db.value("SELECT count(*) FROM asymm.get_entity('customer:33')") == 1
    # Of what is no number there can't be a customer; the name of the subject stands nowhere.
    assert forget(db, "no number", dry_run=True)["public.customers"] == (0, 0, 0)
    assert "forget" in [action for (action,) in db.sql("SELECT action FROM asymm.audit_log")]
    assert db.value("SELECT count(*) FROM asymm.audit_log WHERE detail::text || object LIKE '%3@x%'") == 0


def test_what_merges_keep_of_keys_goes_and_is_told_to_nobody_else(db: Database) -> None:
    canary = f"{CANARY}@x"
    db.sql("CREATE TABLE towns (id int PRIMARY KEY, name text)")
    db.sql("CREATE TABLE people (mail text PRIMARY KEY, town int REFERENCES towns)")
    db.sql("INSERT INTO towns VALUES (1, 'y'), (2, 'y')")
    db.sql("INSERT INTO people VALUES (%s, 2)", canary)
    db.sql("SELECT asymm.register_subject('person', 'people', 'mail')")
    db.sql("SELECT asymm.merge_duplicates('towns', columns => '{name}')")
    assert len(found(db, canary)) == 1
    # An operator who has nothing to do with these tables can't ask for what is in them letter by letter.
    role = db.role("operator", "LOGIN", ("asymm_operator",))
    operator = db.connect(user=role)
    db.sql("CREATE TABLE mine (mail text)")
    db.sql(f"ALTER TABLE mine OWNER TO {role}")
    operator.execute(b"SELECT asymm.register_subject('mine', 'mine', 'mail')")
    ask = f"SELECT held FROM asymm.forget('{CANARY}', kind => 'mine') WHERE place ~ 'merges'"
    assert operator.execute(ask.encode()).fetchall() == [(0,)]
    done = {place: row for place, *row in db.sql("SELECT * FROM asymm.forget(%s, false, 'person')", canary)}
    assert done["rows put aside by merges"] == [1, 1, 0]
    assert found(db, canary) == []
    assert db.value("SELECT state FROM asymm.revert((SELECT max(id) FROM asymm.action))") == "reverted"


def test_all_or_nothing(shop: Database) -> None:
    db = shop
    db.sql("CREATE TABLE complaints (id int, customer int REFERENCES customers)")
    db.sql("INSERT INTO complaints VALUES (1, 2)")
    with pytest.raises(psycopg.Error, match="referred to by others") as refused:
        forget(db, "2")
    assert refused.value.sqlstate == "SY022"
    db.sql("DROP TABLE complaints")
    db.sql("""CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO public.orders VALUES (99, OLD.customer, OLD.address); RETURN NULL; END'""")
    db.sql(
        "CREATE TRIGGER back AFTER DELETE ON orders FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION back()"
    )
    with pytest.raises(psycopg.Error) as refused:
        forget(db, "2")
    assert refused.value.sqlstate == "SY022"
    assert db.value("SELECT count(*) FROM orders") == 20
    assert db.value("SELECT count(*) FROM asymm.erasure") == 0
    db.sql("DROP TRIGGER back ON orders")
    # Hidden rows are not erased silently.
    role = db.role("desk", "LOGIN", ("asymm_operator",))
    db.sql(f"GRANT ALL ON customers, orders, payments TO {role}")
    desk = db.connect(user=role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        desk.execute(b"SELECT * FROM asymm.forget('2', false, 'customer')")
    # What could plant an erasure takes the same rights.
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        desk.execute(b"SELECT asymm._note_erasure('customer', '{2}', 1)")
    for table in ("customers", "orders", "payments"):
        db.sql(f"ALTER TABLE {table} OWNER TO {role}")
    db.sql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        desk.execute(b"SELECT * FROM asymm.forget('2', false, 'customer')")
    db.sql("ALTER TABLE orders DISABLE ROW LEVEL SECURITY")
    assert len(desk.execute(b"SELECT * FROM asymm.forget('2', false, 'customer')").fetchall()) == 6
    reader = db.connect(user=db.role("reader", "LOGIN", ("asymm_reader",)))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(b"SELECT * FROM asymm.forget('4', true, 'customer')")


def test_places_that_make_no_sense_are_refused(shop: Database) -> None:
    for call, error in {
        "'customer', 'customers', 'nothing'": psycopg.errors.UndefinedColumn,
        "'customer', 'orders', 'customer', '{customer}'": psycopg.errors.InvalidParameterValue,
        "'customer', 'orders', 'id', '{customer}'": psycopg.errors.InvalidParameterValue,
        "'Customer', 'orders', 'customer'": psycopg.errors.InvalidParameterValue,
        "'customer', 'pg_class', 'oid'": psycopg.errors.WrongObjectType,
        "NULL, 'orders', 'customer'": psycopg.errors.NullValueNotAllowed,
    }.items():
        with pytest.raises(error):
            shop.sql(f"SELECT asymm.register_subject({call})")
    with pytest.raises(psycopg.errors.UndefinedObject, match="no place"):
        shop.sql("SELECT * FROM asymm.forget('1', kind => 'employee')")
    role = shop.role("operator", "LOGIN", ("asymm_operator",))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shop.connect(user=role).execute(b"SELECT asymm.register_subject('x', 'public.customers', 'id')")
    assert shop.value("SELECT asymm.unregister_subject(1)") is True
    assert shop.value("SELECT asymm.unregister_subject(1)") is False


def test_after_a_restore_it_is_done_again(shop: Database, tmp_path: Path) -> None:
    db = shop
    forget(db, "1")
    saved = tmp_path / "dump.sql"
    saved.write_text(run(BIN / "pg_dump", "-d", db.dsn))
    forget(db, "4")
    ledger: Any = db.value("SELECT asymm.erasure_ledger()")
    assert len(ledger) == 2
    assert "4" not in json.dumps([entry["kind"] for entry in ledger])
    other = database.create(db.server, "template0")
    try:
        done = other.psql("-q", "-v", "ON_ERROR_STOP=1", "-f", saved)
        assert (done.returncode, done.stderr) == (0, "")
        assert other.value("SELECT count(*) FROM customers WHERE id = 4") == 1
        assert other.value("SELECT seen FROM asymm.doctor() WHERE check_name = 'erasures'").startswith(
            "1 were"
        )
        again = other.sql("SELECT place, erased FROM asymm.reapply_erasures(%s)", json.dumps(ledger))
        assert dict(again)["public.customers"] == 1
        assert anywhere(other, f"{CANARY}-4") == []
        assert other.value("SELECT count(*) FROM customers") == 3
        assert other.value("SELECT count(*) FROM asymm.doctor() WHERE check_name = 'erasures'") == 0
        assert other.value("SELECT intact FROM asymm.verify_audit()") is True
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            other.sql('SELECT asymm.reapply_erasures(\'[{"kind": "customer"}]\')')
    finally:
        other.drop()
