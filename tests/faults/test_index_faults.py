"""Which indexes are of no use: unused, bloated, and what is not to be taken for such."""

from __future__ import annotations

import pytest

from support.database import Database
from support.indexes import Shop


@pytest.fixture
def shop(db: Database) -> Shop:
    made = Shop(db)
    db.sql("SELECT asymm.autopilot('on')")
    return made


def counting_since(db: Database, interval: str) -> None:
    """Have the server, and us, seem to have counted for so long."""
    db.sql(
        "CREATE OR REPLACE FUNCTION asymm._counted_since() RETURNS timestamptz LANGUAGE sql STABLE"
        f" AS $$ SELECT clock_timestamp() - interval '{interval}' $$"
    )
    db.sql("UPDATE asymm.ddl_log SET at = at - interval '400 days'")


def faults(shop: Shop) -> list[tuple[str, str, str]]:
    shop.tender.execute("SELECT asymm._propose_drops()")
    return shop.db.sql("SELECT index, kind, state FROM asymm.advice ORDER BY 1")


def test_what_nobody_used_for_long_enough(shop: Shop) -> None:
    db = shop.db
    for name in ("used", "unused", "young", "rare"):
        db.sql(f"CREATE INDEX {name} ON app.orders ((email || '{name}'))")
    db.sql("CREATE UNIQUE INDEX apart ON app.orders (id)")
    db.sql("CREATE INDEX covered ON app.orders (id)")
    counting_since(db, "29 days")
    db.sql("DROP INDEX app.covered")
    assert faults(shop) == []
    counting_since(db, "31 days")
    db.sql("DROP INDEX app.young")
    db.sql("CREATE INDEX young ON app.orders ((email || 'young'))")
    with db.connect() as other:
        other.execute("SET enable_seqscan = off")
        other.execute("SET enable_bitmapscan = off")
        other.execute("SELECT FROM app.orders WHERE email || 'used' = 'u1used'")
        other.execute("SELECT FROM app.orders WHERE email || 'rare' = 'u1rare'")
    db.wait_for("SELECT sum(idx_scan) = 2 FROM pg_stat_user_indexes WHERE relname = 'orders'")
    assert faults(shop) == [("unused", "drop index", "approved")]
    assert db.value("SELECT why FROM asymm.advice") == "no query has used it in 31 days"
    # What was used once, long ago, is used no more.
    db.sql("SELECT asymm._observe_tables()")
    assert len(faults(shop)) == 1
    db.sql(
        "UPDATE asymm.index_counter SET used_at = used_at - interval '30 days 2 h'"
        " WHERE index_id = 'app.rare'::regclass"
    )
    assert [row[0] for row in faults(shop)] == ["rare", "unused"]


def test_the_record_of_a_young_index_is_kept(shop: Shop) -> None:
    db = shop.db
    db.sql("SELECT asymm.configure(retention => '1 day')")
    db.sql("CREATE INDEX young ON app.orders (email)")
    db.sql("CREATE TABLE app.other (a int)")
    db.sql("UPDATE asymm.ddl_log SET at = at - interval '5 days', seen = true")
    db.sql("SELECT asymm._purge()")
    assert db.sql("SELECT command_tag FROM asymm.ddl_log") == [("CREATE INDEX",)]


def test_not_counted_before_we_came(shop: Shop) -> None:
    """An index made before the extension may be as young as the extension."""
    assert shop.db.value("SELECT asymm._counted_since() > clock_timestamp() - interval '1 h'")
    shop.db.sql("UPDATE asymm.workload_state SET since = 'infinity'")
    assert shop.db.value("SELECT asymm._counted_since() = 'infinity'")


def test_standbys_may_use_what_nobody_uses_here(shop: Shop) -> None:
    db = shop.db
    db.sql("CREATE INDEX unused ON app.orders (email)")
    counting_since(db, "31 days")
    slot = f"standby_{db.name}"
    db.sql("SELECT pg_create_physical_replication_slot(%s)", slot)
    try:
        assert faults(shop) == [("unused", "drop index", "proposed")]
        shop.tend()
        assert shop.take() is None
        reason = db.value("SELECT reason FROM asymm.advice")
        assert reason == "there are standbys, whose use of it is not known here"
    finally:
        db.sql("SELECT pg_drop_replication_slot(%s)", slot)


def test_bloated_is_rebuilt_once(shop: Shop) -> None:
    """Neither room left on purpose nor long expressions are bloat; what stays large is left so."""
    db = shop.db
    db.sql("CREATE INDEX thin ON app.orders (status)")
    db.sql("CREATE INDEX loose ON app.orders (email, status) WITH (fillfactor = 25)")
    db.sql("CREATE INDEX long ON app.orders ((repeat(md5(email), 8)))")
    db.sql("ANALYZE app.orders")
    # As of a million rows: thin needs some 3,300 pages, loose 16,000, long 38,000.
    grown = "UPDATE pg_class SET reltuples = 1e6, relpages = {} WHERE relname = '{}'"
    db.sql("UPDATE pg_class SET reltuples = 1e6 WHERE relname = 'orders'")
    for name, pages in (("thin", 9000), ("loose", 16000), ("long", 60000)):
        db.sql(grown.format(pages, name))
    assert faults(shop) == [("thin", "reindex", "approved")]
    assert "REINDEX INDEX CONCURRENTLY app.thin" in (shop.step() or "")
    assert db.value("SELECT state FROM asymm.advice") == "kept"
    # Were the estimate wrong, it would be rebuilt for ever.
    db.sql(grown.format(9000, "thin"))
    assert faults(shop) == [("thin", "reindex", "kept")]
    # It has grown since.
    db.sql("UPDATE asymm.index_action SET size_bytes = size_bytes / 2")
    assert ("thin", "reindex", "approved") in faults(shop)
