"""Protected columns and DDL: what its statements keep, what is taken apart, what views show then."""

from __future__ import annotations

import psycopg
import pytest

from support.canary import found
from support.database import Database

CANARY = "canary-3c8e"


@pytest.fixture
def shop(db: Database) -> Database:
    db.sql("CREATE SCHEMA shop")
    db.sql("CREATE TABLE shop.customers (id int PRIMARY KEY, name text, email text, phone text)")
    db.sql("CREATE TABLE shop.other (id int PRIMARY KEY, note text)")
    return db


def protect(db: Database, column: str, method: str = "mask", table: str = "shop.customers") -> None:
    db.sql("SELECT asymm.protect(%s::text::regclass, %s::text::name, %s)", table, column, method)


# DDL with a value in it that does not name the column as the catalog does.
UNNAMED = [
    "CREATE INDEX i ON shop.customers (id); INSERT INTO shop.customers VALUES (9, 'x', 'a@{0}', '1')",
    "CREATE TABLE shop.mail1 PARTITION OF shop.mails FOR VALUES IN ('{0}')",
    "CREATE DOMAIN shop.no AS text CHECK (VALUE <> '{0}')",
    "SELECT shop.part('{0}')",
    "/* /* */ it's */ ALTER TABLE shop.customers ALTER email SET DEFAULT '{0}'",
    'ALTER TABLE shop.odd ALTER "we""ird" SET DEFAULT 4711',
]


def test_ddl_that_does_not_name_the_column_keeps_no_value(shop: Database) -> None:
    shop.sql('CREATE TABLE shop.odd (id int, "we""ird" int)')
    shop.sql("CREATE TABLE shop.mails (mail text) PARTITION BY LIST (mail)")
    shop.sql(
        "CREATE FUNCTION shop.part(v text) RETURNS void LANGUAGE plpgsql AS $f$ BEGIN"
        " EXECUTE format('CREATE TABLE shop.mail2 PARTITION OF shop.mails FOR VALUES IN (%L)', v || 2);"
        " END $f$"
    )
    protect(shop, "email")
    protect(shop, "mail", table="shop.mails")
    protect(shop, 'we"ird', table="shop.odd")
    for statement in UNNAMED:
        shop.sql(statement.format(CANARY))
    with shop.connect(options="-c standard_conforming_strings=off -c escape_string_warning=off") as old:
        old.execute(f"ALTER TABLE shop.customers ADD CHECK (email <> 'a\\' {CANARY}')".encode())
    assert shop.value("SELECT count(*) FROM asymm.ddl_log WHERE statement ~ 'ADD CHECK'") == 1
    kept = [
        text for (text,) in shop.sql("SELECT statement FROM asymm.ddl_log WHERE at > now() - '1 h'::interval")
    ]
    assert len(kept) > len(UNNAMED)
    assert [text for text in kept if text and (CANARY in text or "4711" in text)] == []
    # Nothing is taken from what can hold none.
    shop.sql("ALTER TABLE shop.other ALTER note TYPE varchar(20)")
    assert shop.value("SELECT count(*) FROM asymm.ddl_log WHERE statement ~ 'varchar.20'") == 1


def test_what_is_taken_from_a_table_stays_protected(shop: Database) -> None:
    shop.sql(
        "CREATE TABLE shop.pay (id int, iban text) PARTITION BY LIST (id);"
        "CREATE TABLE shop.pay1 PARTITION OF shop.pay FOR VALUES IN (1);"
        "CREATE TABLE shop.pay2 (id int, iban text);"
        "CREATE TABLE shop.base (id int, iban text); CREATE TABLE shop.heir () INHERITS (shop.base)"
    )
    protect(shop, "iban", "deny", "shop.pay")
    protect(shop, "iban", table="shop.base")
    shop.sql("ALTER TABLE shop.pay ATTACH PARTITION shop.pay2 FOR VALUES IN (2)")
    for part in ("pay1", "pay2"):
        shop.sql(f"ALTER TABLE shop.pay DETACH PARTITION shop.{part}")
        shop.sql(f"ALTER TABLE shop.{part} RENAME iban TO account")
    shop.sql("ALTER TABLE shop.heir NO INHERIT shop.base")
    declared = (
        "SELECT object, column_name, method FROM asymm.protected WHERE object ~ 'pay\\d|heir' ORDER BY 1"
    )
    assert shop.sql(declared) == [
        ("shop.heir", "iban", "mask"), ("shop.pay1", "account", "deny"), ("shop.pay2", "account", "deny"),
    ]  # fmt: skip
    with pytest.raises(psycopg.Error, match="protected"):
        shop.sql("SELECT asymm.watch_duplicates('shop.pay1', '{account}')")


def test_doctor_names_views_that_show_too_much(shop: Database) -> None:
    shop.sql("CREATE TABLE shop.pay (id int, iban text, note text) PARTITION BY LIST (id)")
    protect(shop, "note", table="shop.pay")
    shop.sql("SELECT asymm.create_masked_view('shop.pay')")
    seen = "SELECT remedy FROM asymm.doctor() WHERE check_name = 'masked view'"
    assert shop.sql(seen) == []
    shop.sql("CREATE TABLE shop.pay1 (id int, iban text, note text)")
    protect(shop, "iban", "deny", "shop.pay1")
    shop.sql("ALTER TABLE shop.pay ATTACH PARTITION shop.pay1 FOR VALUES IN (1)")
    shop.sql(f"INSERT INTO shop.pay VALUES (1, '{CANARY}', 'n')")
    assert shop.value("SELECT iban FROM shop.pay_masked") == CANARY
    shop.sql(shop.value(seen))
    assert shop.sql(seen) == []
    assert shop.value("SELECT iban FROM shop.pay_masked") is None


def test_what_takes_the_place_of_a_renamed_table_is_protected_too(shop: Database) -> None:
    """Nobody declares it anew who changes a table by making another one of its rows."""
    protect(shop, "email", "hash")
    shop.sql("CREATE TABLE shop.made (LIKE shop.customers INCLUDING ALL)")
    shop.sql("ALTER TABLE shop.customers RENAME TO gone")
    shop.sql("CREATE VIEW shop.customers AS SELECT 1 AS email")
    shop.sql("DROP VIEW shop.customers")
    shop.sql("ALTER TABLE shop.made RENAME TO customers")
    protected = "SELECT object, column_name, method, present FROM asymm.protected"
    assert shop.sql(protected) == [
        ("shop.customers", "email", "hash", True),
        ("shop.gone", "email", "hash", True),
    ]
    assert shop.value("SELECT detail ->> 'by' FROM asymm.audit_log WHERE object = 'shop.customers'"
                      " ORDER BY id DESC LIMIT 1") == "name"  # fmt: skip
    shop.sql("ALTER TABLE shop.gone RENAME email TO mail")
    # What is let go is not protected by its names of before.
    shop.sql("SELECT asymm.unprotect('shop.gone', 'mail')")
    shop.sql("ALTER TABLE shop.gone RENAME mail TO email")
    assert shop.sql(protected) == [("shop.customers", "email", "hash", True)]


def test_what_becomes_part_of_a_protected_table_is_not_observed_any_more(shop: Database) -> None:
    shop.sql("CREATE TABLE shop.pay (id int, iban text) PARTITION BY LIST (id)")
    for part in ("pay1", "pay2"):
        shop.sql(f"CREATE TABLE shop.{part} (id int PRIMARY KEY, iban text)")
        shop.sql(f"SELECT asymm.track_state('shop.{part}', '{{iban}}')")
        shop.sql(f"SELECT asymm.watch_duplicates('shop.{part}', '{{iban}}')")
        shop.sql(f"INSERT INTO shop.{part} SELECT {part[-1]}, %s", CANARY)
    shop.sql("ALTER TABLE shop.pay ATTACH PARTITION shop.pay1 FOR VALUES IN (1)")
    look = "SELECT asymm._observe_states(), asymm._observe_duplicates()"
    shop.sql(look)
    protect(shop, "iban", table="shop.pay")
    shop.sql(look)
    assert {row.partition("(")[2][:2] for row in found(shop, CANARY)} == {"2,"}
    assert shop.value("SELECT array_agg(DISTINCT watch_id) FROM asymm.row_print") == [2]
    shop.sql("ALTER TABLE shop.pay ATTACH PARTITION shop.pay2 FOR VALUES IN (2)")
    shop.sql(look)
    assert found(shop, CANARY) == []
    assert shop.value("SELECT count(*) FROM asymm.row_print") == 0
