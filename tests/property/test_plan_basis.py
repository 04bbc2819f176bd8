"""Plans are made anew when what they rest on changed, and not before."""

from __future__ import annotations

from support.database import Database


def test_a_plan_is_made_anew_when_what_it_rests_on_changed(workload: Database) -> None:
    db = workload
    db.sql("ALTER TABLE w SET (autovacuum_enabled = off)")
    db.sql("INSERT INTO w SELECT n, n FROM generate_series(1, 5000) AS n")
    db.sql("UPDATE w SET b = 1 WHERE a < 2500")
    db.sql("SELECT asymm._observe_queries()")
    db.sql("SELECT a FROM w WHERE b = 7")
    db.sql("SELECT asymm._observe_queries()")
    # The first look learns which tables there are, the second what its plan rests on.
    for _ in range(2):
        db.sql("UPDATE asymm.query_look SET at = '-infinity'")
        db.sql("SELECT asymm._observe_plans()")

    def due() -> int:
        db.sql("UPDATE asymm.query_look SET at = now() - interval '1 h', same_at = NULL")
        return len(db.sql("SELECT * FROM asymm._queries_to_plan(20) WHERE statement ~ 'FROM w WHERE'"))

    assert due() == 0
    for change in (
        "CREATE INDEX w_b ON w (b)",
        "ANALYZE w",
        "INSERT INTO w SELECT n, n FROM generate_series(1, 5000) AS n",
    ):
        db.sql(change)
        db.sql("SELECT pg_stat_force_next_flush()")
        assert (due(), due()) == (1, 0), change
    name = db.value("SELECT current_database()")
    for change in ("random_page_cost = 1.5", "work_mem = '1GB'", "enable_nestloop = off"):
        db.sql(f'ALTER DATABASE "{name}" SET {change}')
        # As the next run of a loop, or any after a reload of the server's configuration, has it.
        with db.connect() as session:
            db.sql("UPDATE asymm.query_look SET at = now() - interval '1 h', same_at = NULL")
            again = "SELECT count(*) FROM asymm._queries_to_plan(20) WHERE statement ~ 'FROM w WHERE'"
            assert session.execute(again.encode()).fetchone() == (1,), change
            db.sql("UPDATE asymm.query_look SET at = now() - interval '1 h', same_at = NULL")
            assert session.execute(again.encode()).fetchone() == (0,)
    # What is set for one role or function alone changes unseen.
    db.sql("UPDATE asymm.query_look SET at = now() - interval '4 h', same_at = NULL")
    assert db.sql("SELECT * FROM asymm._queries_to_plan(20) WHERE statement ~ 'FROM w WHERE'") != []
