"""What an index costs to write is weighed against what it saves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.database import Database


class Load:
    """Table orders with 20,000 rows, and a workload of one hour with the rates one likes."""

    def __init__(self, db: Database) -> None:
        self.db = db
        db.sql("CREATE EXTENSION IF NOT EXISTS hypopg")
        db.sql(
            "CREATE TABLE public.orders AS SELECT n AS id, n % 500 AS customer, n % 700 AS clerk,"
            " CASE WHEN n % 50 = 0 THEN 'open' ELSE 'done' END AS status, n AS seen, repeat('x', 80) AS note"
            " FROM generate_series(1, 20000) AS n"
        )
        db.sql("VACUUM ANALYZE public.orders")
        self.at = db.value("SELECT date_bin('15 min', now(), 'epoch') - interval '1 h'")

    def statement(self, text: str, calls: int, ms: float, rows: int, written: str = "") -> None:
        """Have a statement run for an hour; written is the column that it sets."""
        query = self.db.value(
            "INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement)"
            " SELECT count(*), 'postgres'::regrole, true, %s, %s FROM asymm.query RETURNING id",
            text.split()[0].lower(),
            text,
        )
        self.db.sql(
            "INSERT INTO asymm.query_load VALUES (0, %s, %s, %s, %s, %s, 1, 1, 1, 1, 1)",
            self.at,
            query,
            calls,
            ms,
            rows,
        )
        columns = self.db.value(
            "SELECT jsonb_build_object(attrelid, jsonb_build_array(attnum)) FROM pg_attribute"
            " WHERE attrelid = 'public.orders'::regclass AND attname = %s",
            written,
        )
        self.db.sql(
            "INSERT INTO asymm.query_look VALUES (%s, now(), NULL, '{}', %s)",
            query,
            json.dumps(columns) if columns else None,
        )

    def written(self, inserted: int = 0, updated: int = 0, hot: int = 0) -> None:
        self.db.sql(
            "INSERT INTO asymm.table_load VALUES (0, %s, 'public.orders'::regclass, %s, %s, %s, 0, 0, 0, 0)",
            self.at,
            inserted,
            updated,
            hot,
        )

    def advice(self) -> list[tuple[Any, ...]]:
        return self.db.sql(
            "SELECT definition, write_ms_per_hour, reason FROM asymm.advise() ORDER BY definition NULLS LAST"
        )


@pytest.fixture
def load(db: Database) -> Load:
    return Load(db)


def test_a_column_whose_name_is_two_words(load: Load) -> None:
    load.db.sql('ALTER TABLE public.orders RENAME seen TO "last seen"')
    load.statement('SELECT note FROM public.orders WHERE "last seen" = 7', 100, 900, 100)
    load.statement(
        'UPDATE public.orders SET "last seen" = 3 WHERE id = 1', 10**6, 10, 10**6, written="last seen"
    )
    load.written(updated=10**6, hot=10**6)
    assert not [row for row in load.advice() if row[0] and '("last seen' in row[0]]


def test_a_column_that_is_always_updated(load: Load) -> None:
    load.statement("SELECT note FROM public.orders WHERE seen = 7", 100, 900, 100)
    load.statement("UPDATE public.orders SET seen = 3 WHERE id = 1", 10**6, 10, 10**6, written="seen")
    load.written(updated=10**6, hot=10**6)
    found = load.advice()
    assert not [row for row in found if row[0] and "(seen" in row[0]]
    assert any("writing the index would cost more" in row[2] for row in found)


def test_updates_of_other_columns_stay_within_their_page(load: Load) -> None:
    """Only what an index names moves rows that were updated in place."""
    load.statement("SELECT note FROM public.orders WHERE customer = 7", 100, 900, 100)
    load.statement("UPDATE public.orders SET seen = 3 WHERE id < $1", 10**6, 10, 10**6, written="seen")
    load.statement("UPDATE public.orders SET customer = 3 WHERE id < $1", 10, 1, 10, written="customer")
    load.written(updated=10**6 + 10, hot=10**6 + 10)
    found = [row for row in load.advice() if row[0] and "(customer" in row[0]]
    assert len(found) == 1
    assert 0 < found[0][1] < 1


def test_what_an_index_only_carries_is_written_too(load: Load) -> None:
    """A predicate and a column that is included move rows like keys do."""
    load.statement("SELECT seen FROM public.orders WHERE customer = 7", 100, 900, 4000)
    load.statement("UPDATE public.orders SET seen = 3 WHERE id < $1", 10**6, 10, 10**6, written="seen")
    load.written(updated=10**6, hot=10**6)
    found = [row[0].split(" USING ")[1] for row in load.advice() if row[0] and "customer" in row[0]]
    assert found == ["btree (customer)"]


def test_a_few_rows_cost_little(load: Load) -> None:
    load.statement("SELECT id FROM public.orders WHERE status = 'open' AND clerk = 3", 100, 900, 100)
    load.written(inserted=10**5)
    price = "SELECT c.writes FROM asymm.advice_candidate AS c WHERE c.keys = '{clerk}' AND c.include = '{}'"
    run = load.db.value("SELECT asymm._begin_advice('workload', NULL, NULL, '7 days', NULL, NULL)")
    load.db.sql("SELECT asymm._advice_work(%s, 'infinity')", run)
    partial = load.db.value(price + " AND c.predicate IS NOT NULL")
    whole = load.db.value(price + " AND c.predicate IS NULL")
    assert 0 < partial == pytest.approx(whole / 50, rel=0.5)
    ranked = "SELECT asymm._entry_ms('{}', (10^7)::bigint)"
    brin, btree, gin = (load.db.value(ranked.format(method)) for method in ("brin", "btree", "gin"))
    assert brin < btree / 5 < gin / 10
    # What doesn't fit into memory is read before it is written.
    assert load.db.value("SELECT asymm._entry_ms('btree', (10^13)::bigint)") > 10 * btree


def test_an_update_that_leaves_its_page_writes_every_index(load: Load) -> None:
    """Also each part of the values in a GIN index, which takes longer than a few B-trees."""
    load.statement("SELECT id FROM public.orders WHERE seen = 7", 100, 900, 1)
    load.statement("UPDATE public.orders SET seen = 3 WHERE id < $1", 10**6, 10, 10**5, written="seen")
    load.written(updated=10**5, hot=10**5)

    def price() -> float:
        run = load.db.value("SELECT asymm._begin_advice('workload', NULL, NULL, '7 days', NULL, NULL)")
        load.db.sql("SELECT asymm._advice_work(%s, 'infinity')", run)
        found: float = load.db.value(
            "SELECT writes FROM asymm.advice_candidate"
            " WHERE run_id = %s AND keys = '{seen}' AND include = '{}'",
            run,
        )
        return found

    alone = price()
    load.db.sql("CREATE INDEX ON public.orders (clerk)")
    assert alone < price() < 2 * alone
    load.db.sql("CREATE INDEX ON public.orders USING gin (string_to_array(md5(id::text), NULL))")
    assert price() > 4 * alone


def test_what_is_only_a_trial_must_be_cheap_to_write(load: Load) -> None:
    load.db.sql("CREATE EXTENSION pg_trgm")
    load.statement("SELECT id FROM public.orders WHERE note ILIKE '%abc%'", 100, 9000, 1)
    for inserted, definition in ((100, "gin (note public.gin_trgm_ops)"), (10**5, None)):
        load.written(inserted=inserted)
        [(found, _, reason)] = load.advice()
        assert (found and found.split(" USING ")[1]) == definition
        load.db.sql("DELETE FROM asymm.table_load")
    assert reason.startswith("writing an index for it would cost too much")


TEXT = "customer = {} AND day = {} AND month = {}"
ROWS = [(17, 17, 5), (18, 18, 5), (19, 19, 5), (20, 20, 5)]


@pytest.mark.parametrize(
    ("texts", "rows", "kept"),
    [
        (TEXT, [(17, 17, 5), (18, 26, 10), (19, 4, 3), (20, 13, 8)], False),
        # Of these all ask for one month, but one or two calls tell nothing of those to come.
        (TEXT, ROWS[:1], False),
        (TEXT, ROWS[:2], False),
        (TEXT, ROWS, True),
        # What stands in the text beside parameters is the same in every call.
        ("customer = $1 AND day = $2 AND month = {2}", ROWS[:1], True),
    ],
)
def test_rows_that_one_example_asks_for_are_no_index(
    load: Load, texts: str, rows: list[tuple[int, int, int]], kept: bool
) -> None:
    """A small budget, so that indexes of few rows would be the best there are."""
    load.db.sql("ALTER TABLE public.orders ADD day int, ADD month int")
    load.db.sql("UPDATE public.orders SET day = id % 31, month = id % 12")
    load.db.sql("VACUUM FULL ANALYZE public.orders")
    statement = "SELECT note FROM public.orders WHERE "
    load.statement(statement + "customer = $1 AND day = $2 AND month = $3", 10_000, 60_000, 10_000)
    for place, row in enumerate(rows):
        load.db.sql(
            "INSERT INTO asymm.query_example (query_id, place, statement)"
            " SELECT max(id), %s, %s FROM asymm.query",
            place,
            statement + texts.format(*row),
        )
    found = load.db.sql("SELECT definition FROM asymm.advise('5 %') WHERE definition IS NOT NULL")
    assert any("WHERE" in row[0] for row in found) == kept
