"""What tables have from version 18 on: keys of periods, keys that aren't enforced, virtual columns."""

from __future__ import annotations

import pytest

from support.cluster import MAJOR
from support.database import Database

pytestmark = pytest.mark.skipif(int(MAJOR) < 18, reason="no virtual columns and keys of periods before 18")

PERIODS = """
CREATE TABLE public.room (
    id int4range, during daterange, name text, PRIMARY KEY (id, during WITHOUT OVERLAPS));
INSERT INTO public.room VALUES
    ('[1,5)', '[2024-01-01,2025-01-01)', 'a'), ('[2,3)', '[2024-01-01,2025-01-01)', 'b'),
    ('[3,4)', '[2024-01-01,2025-01-01)', 'b'), ('[4,5)', '[2024-01-01,2025-01-01)', 'c')"""


def test_rows_of_a_key_without_overlaps_are_told_by_what_is_equal(db: Database) -> None:
    """Ranges that overlap are other rows."""
    db.own.execute(PERIODS.encode())
    before = db.sql("SELECT * FROM public.room ORDER BY id")
    merge = "SELECT action, removed FROM asymm.merge_duplicates('public.room', 't.id', '{name}')"
    ((action, removed),) = db.sql(merge)
    assert removed == 1
    assert db.sql("SELECT id::text FROM public.room ORDER BY id") == [("[1,5)",), ("[3,4)",), ("[4,5)",)]
    db.sql("SELECT asymm.revert(%s)", action)
    assert db.sql("SELECT * FROM public.room ORDER BY id") == before


def test_references_to_periods_are_not_pointed_elsewhere(db: Database) -> None:
    """Each may rest on several rows, and says which part of their time it means."""
    db.own.execute(PERIODS.encode())
    db.sql(
        "CREATE TABLE public.booking (id int PRIMARY KEY, room int4range, during daterange, CONSTRAINT booked"
        " FOREIGN KEY (room, PERIOD during) REFERENCES public.room (id, PERIOD during))"
    )
    merge = "SELECT asymm.merge_duplicates('public.room', 't.id', '{name}')"
    with pytest.raises(Exception, match="cannot be merged") as caught:
        db.sql(merge)
    assert "refers to its periods" in str(getattr(caught.value, "diag", caught.value).message_detail)


def cost(db: Database, query: str) -> str:
    return str(db.value("SELECT cost::text FROM asymm.observe_cost(%s)", query))


def test_a_key_that_is_not_enforced_reads_nothing(db: Database) -> None:
    db.sql("CREATE TABLE public.p (id int PRIMARY KEY)")
    db.sql("CREATE TABLE public.c (p int, pad text, CONSTRAINT f FOREIGN KEY (p) REFERENCES public.p)")
    db.sql("INSERT INTO public.p SELECT generate_series(1, 20000)")
    db.sql("INSERT INTO public.c SELECT id, repeat('x', 50) FROM public.p")
    db.sql("ANALYZE")
    delete = "DELETE FROM public.p WHERE id = $1"
    assert cost(db, delete) == "O(n)"
    db.sql("ALTER TABLE public.c ALTER CONSTRAINT f NOT ENFORCED")
    assert cost(db, delete) == "O(log n)"


def test_a_period_is_found_by_the_index_of_its_key(db: Database) -> None:
    """A foreign key of periods is served by GiST too."""
    db.own.execute(PERIODS.encode())
    db.sql(
        "CREATE TABLE public.stay (id int4range, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS))"
    )
    keys = "SELECT count(*) FROM asymm._unindexed_keys() WHERE relid = 'public.stay'::regclass"
    key = "FOREIGN KEY (id, PERIOD during) REFERENCES public.room (id, PERIOD during)"
    db.sql(f"ALTER TABLE public.stay ADD CONSTRAINT f {key}")
    assert db.value(keys) == 0
    db.sql("ALTER TABLE public.stay DROP CONSTRAINT stay_pkey")
    assert db.value(keys) == 1


def test_an_index_for_a_virtual_column_is_of_its_expression(db: Database) -> None:
    """The server has none on the column itself."""
    db.sql("CREATE EXTENSION hypopg")
    db.sql("CREATE TABLE public.t (a int, v int GENERATED ALWAYS AS (a % 1000) VIRTUAL, pad text)")
    db.sql("INSERT INTO public.t (a, pad) SELECT i, repeat('x', 50) FROM generate_series(1, 20000) AS i")
    db.sql("ANALYZE public.t")
    query = "SELECT a FROM public.t WHERE v = 5"
    advice = "SELECT definition FROM asymm.advise_for(ARRAY[%s])"
    ((definition,),) = db.sql(advice, query)
    assert "((a % 1000))" in definition
    db.sql(definition)
    db.sql("ANALYZE public.t")
    assert "Index" in str(db.sql(f"EXPLAIN {query}"))
    assert db.sql(advice, query) in ([], [(None,)])


def test_a_mirror_refuses_what_is_not_streamed(db: Database) -> None:
    db.sql("CREATE TABLE public.t (id int PRIMARY KEY, v int GENERATED ALWAYS AS (id * 2) VIRTUAL)")
    with pytest.raises(Exception, match="cannot be mirrored"):
        db.sql("SELECT asymm.mirror('public.t', columns => '{id,v}')")
