"""What statements and tables cost is counted as the server counts it, whatever becomes of its counters."""

from __future__ import annotations

from collections import Counter

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.cluster import MAJOR
from support.database import Database
from support.scene import refused, rows

STATEMENTS = [
    "SELECT a FROM w WHERE b = {}",
    "UPDATE w SET b = {} WHERE a = 1",
    "WITH gone AS (DELETE FROM w WHERE a = {} RETURNING a) SELECT count(*) FROM gone",
    "INSERT INTO w VALUES ({}, 1)",
]


def observe(db: Database) -> None:
    db.sql("SELECT asymm._observe_queries()")


def counted(db: Database) -> Counter[str]:
    query = "SELECT statement, calls::int FROM asymm.queries WHERE calls > 0 AND statement ~ '\\mw\\M'"
    return Counter(dict(db.sql(query)))


# What a server does between two looks: statements run, all counters or one thrown away, a look.
EVENTS = st.lists(
    st.sampled_from([0, 0, 0, 1, 2, 3, "look", "look", "reset", "evict"]), min_size=8, max_size=40
)


@given(events=EVENTS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_call_is_counted_once(workload: Database, events: list[int | str]) -> None:
    """Counters may vanish; what was counted since the last look is lost with them, and no more."""
    db = workload
    db.sql("DELETE FROM asymm.query")
    db.sql("DELETE FROM asymm.query_counter")
    db.sql("DELETE FROM asymm.query_load")
    db.sql("UPDATE asymm.workload_state SET queries_at = NULL")
    db.sql("SELECT public.pg_stat_statements_reset()")
    observe(db)
    since: Counter[int] = Counter()
    expected: Counter[int] = Counter()
    for event in [*events, "look"]:
        if event == "look":
            observe(db)
            expected.update(since)
            since.clear()
        elif event == "reset":
            db.sql("SELECT public.pg_stat_statements_reset()")
            since.clear()
        elif event == "evict":
            db.sql(
                "SELECT public.pg_stat_statements_reset(userid, dbid, queryid) FROM public.pg_stat_statements"
                " WHERE query ~ '^SELECT a FROM w'"
            )
            since.pop(0, None)
        elif isinstance(event, int):
            db.sql(STATEMENTS[event].format(since[event] + 5))
            since[event] += 1
    found = dict(
        db.sql(
            "SELECT array_position('{select,update,delete,insert}', command) - 1, sum(calls)::int"
            " FROM asymm.queries WHERE calls > 0 AND statement ~ '\\mw\\M' AND statement !~ 'pg_stat'"
            " GROUP BY 1"
        )
    )
    # A counter that vanished and counted further than before within one look can't be told from one that
    # went on; from version 17 on it can.
    assert found == {number: count for number, count in expected.items() if count} or (
        int(MAJOR) < 17 and undecidable(events)
    )


def undecidable(events: list[int | str]) -> bool:
    """Tell whether a statement was forgotten and run at least as often again before the next look."""
    counters: Counter[int] = Counter()
    looked: Counter[int] = Counter()
    anew: set[int] = set()
    for event in [*events, "look"]:
        if event == "look":
            if any(counters[number] >= looked[number] > 0 for number in anew):
                return True
            looked = Counter(counters)
            anew.clear()
        elif event in ("reset", "evict"):
            for number in [0] if event == "evict" else list(counters):
                counters.pop(number, None)
                anew.add(number)
        elif isinstance(event, int):
            counters[event] += 1
    return False


def test_what_is_not_the_workload_is_left_out(workload: Database) -> None:
    db = workload
    observe(db)
    db.sql("SELECT count(*) FROM asymm.watched")
    db.sql("CREATE ROLE secret_bearer PASSWORD 'hush'")
    db.forget_role("secret_bearer")
    db.sql("SELECT a FROM w")
    observe(db)
    assert counted(db) == {"SELECT a FROM w": 1}
    assert db.value("SELECT count(*) FROM asymm.query WHERE statement ~ 'hush|asymm'") == 0


def test_who_sees_what(workload: Database) -> None:
    db = workload
    observe(db)
    db.sql("SELECT a FROM w WHERE b = 7")
    observe(db)
    reader = db.connect(user=db.role("reader", member_of=("asymm_reader",)))
    operator = db.connect(user=db.role("operator", member_of=("asymm_operator",)))
    query = "SELECT statement FROM asymm.queries WHERE command = 'select' AND calls = 1"
    assert rows(reader, query) == [(None,)]
    assert rows(operator, query) == [("SELECT a FROM w WHERE b = $1",)]
    for connection in (reader, operator):
        refused(connection, "SELECT * FROM asymm.query_example")
        refused(connection, "SELECT statement FROM asymm.query")


def test_a_quarter_of_an_hour_has_a_bounded_size(workload: Database) -> None:
    db = workload
    columns = ", ".join(f"c{number} int" for number in range(26))
    db.sql(f"CREATE TABLE w2 ({columns})")
    observe(db)
    for number in range(26 * 26):
        db.sql(f"SELECT c{number // 26}, c{number % 26} FROM w2")
        if number % 52 == 51:
            observe(db)
    most = "SELECT max(n) FROM (SELECT count(*) AS n FROM asymm.query_load GROUP BY at) AS l"
    assert db.value(most) <= 501
    # Other tests' statements may push some of the last 52 out of pg_stat_statements before they are read.
    assert db.value("SELECT sum(calls) FROM asymm.query_load") >= 26 * 26 - 2 * 52
    # Those that have a place keep it, so that the sum over time stays true.
    before = db.value("SELECT sum(calls) FROM asymm.query_load WHERE query_id = 0")
    for number in range(26 * 26):
        db.sql(f"SELECT c{number // 26}, c{number % 26} FROM w2")
    observe(db)
    assert db.value(most) <= 501
    assert db.value("SELECT sum(calls) FROM asymm.query_load WHERE query_id = 0") >= before


def test_a_part_of_the_ring_is_emptied_when_its_day_comes_round(workload: Database) -> None:
    db = workload
    observe(db)
    db.sql("SELECT a FROM w")
    observe(db)
    assert counted(db) == {"SELECT a FROM w": 1}
    db.sql("UPDATE asymm.query_load SET at = at - interval '8 days'")
    db.sql("UPDATE asymm.workload_state SET days = ARRAY(SELECT d - 8 FROM unnest(days) AS d)::integer[]")
    db.sql("UPDATE asymm.workload_state SET days = ('[0:7]=' || days::text)::integer[]")
    db.sql("SELECT a FROM w")
    observe(db)
    assert db.value("SELECT min(at) > now() - interval '1 h' FROM asymm.query_load")
    assert counted(db) == {"SELECT a FROM w": 1}


def test_tables_are_counted(workload: Database) -> None:
    db = workload
    db.sql("SELECT asymm._observe_tables()")
    with db.connect() as other:
        other.execute("INSERT INTO w SELECT g, g FROM generate_series(1, 10) AS g")
        other.execute("UPDATE w SET b = 0 WHERE a <= 4")
        other.execute("DELETE FROM w WHERE a = 10")
    db.wait_for(
        "SELECT n_tup_del = 1 FROM pg_stat_user_tables"
        " WHERE relname = 'w' AND pg_stat_clear_snapshot() IS NOT NULL"
    )
    db.sql("SELECT asymm._observe_tables()")
    query = (
        "SELECT inserted, updated, updated_hot, hot_share, deleted FROM asymm.table_writes"
        " WHERE target = 'w'::regclass"
    )
    assert db.sql(query) == [(10, 4, 4, 1.0, 1)]
    db.sql("SELECT pg_stat_reset()")
    db.sql("SELECT asymm._observe_tables()")
    assert db.sql(query) == [(10, 4, 4, 1.0, 1)]
    db.sql("DROP TABLE w")
    db.sql("SELECT asymm._observe_tables()")
    assert db.value("SELECT count(*) FROM asymm.table_writes") == 0


def test_examples_have_their_constants(workload: Database) -> None:
    db = workload
    observe(db)
    other = db.connect()
    for number in range(7):
        other.execute(f"/* by hand */ SELECT a FROM w WHERE b = {number};".encode())
        observe(db)
        db.sql("SELECT asymm._collect_examples()")
    found = [text for (text,) in db.sql("SELECT statement FROM asymm.query_example ORDER BY place")]
    # The first stays, of the others the newest.
    assert found[0] == "SELECT a FROM w WHERE b = 0"
    assert set(found[1:]) == {f"SELECT a FROM w WHERE b = {number}" for number in (4, 5, 6)}
    # Parameters say nothing, and of several statements in one text it isn't known which.
    other.execute("SELECT b FROM w WHERE a = %s", [1])
    observe(db)
    db.sql("SELECT asymm._collect_examples()")
    other.execute(b"SELECT 1; SELECT b FROM w WHERE a = 3")
    db.sql("SELECT asymm._collect_examples()")
    assert db.value("SELECT count(*) FROM asymm.query_example") == 4


@pytest.mark.parametrize(
    ("statement", "command"),
    [
        ("select 1", "select"),
        ("  -- why\n /* and */ (SELECT 1)", "select"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "select"),
        ("with x as (insert into t values (1) returning *) select * from x", "insert"),
        ("WITH x AS (SELECT 1) UPDATE t SET a = 1", "update"),
        ("EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t", "delete"),
        (
            "prepare p (int, numeric(3,1)) as merge into t using u on true when matched then do nothing",
            "merge",
        ),
        ('PREPARE "as" AS VALUES (1)', "select"),
        ("TABLE t", "select"),
        ("CREATE TABLE t AS SELECT 1", None),
        ("ALTER ROLE a PASSWORD 'select'", None),
        ("", None),
    ],
)
def test_command(db: Database, statement: str, command: str | None) -> None:
    assert db.value("SELECT asymm._command(%s)", statement) == command


def test_without_pg_stat_statements_nothing_is_wrong(db: Database) -> None:
    assert db.value("SELECT asymm._observe_queries() IS NULL")
    assert db.sql("SELECT * FROM asymm.queries") == []


def test_a_statement_is_told_by_role(workload: Database) -> None:
    db = workload
    role = db.role("app")
    db.sql(f'GRANT SELECT ON w TO "{role}"')
    observe(db)
    with db.connect(user=role) as app:
        app.execute("SELECT a FROM w")
    db.sql("SELECT a FROM w")
    observe(db)
    found = db.sql("SELECT role::text, calls::int FROM asymm.queries WHERE statement = 'SELECT a FROM w'")
    assert dict(found) == {role: 1, "postgres": 1}


def test_two_looks_at_a_time_count_once(workload: Database) -> None:
    db = workload
    observe(db)
    db.sql("SELECT a FROM w")
    first, second = db.connect(autocommit=False), db.connect()
    first.execute("SELECT asymm._observe_queries()")
    second.execute("SET lock_timeout = '50ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        second.execute("SELECT asymm._observe_queries()")
    first.commit()
    second.execute("SELECT asymm._observe_queries()")
    assert counted(db) == {"SELECT a FROM w": 1}


def test_the_variance_of_times_is_that_of_the_server(workload: Database) -> None:
    db = workload
    observe(db)
    for _ in range(5):
        db.sql("SELECT a FROM w WHERE b = 4711")
    observe(db)
    for number in range(7):
        db.sql(f"SELECT a FROM w, generate_series(1, {number * 2000 + 1}) WHERE b = 4711")
        db.sql("SELECT a FROM w WHERE b = 4711")
    observe(db)
    found = db.sql("""
        SELECT l.calls, s.calls, l.squares, s.calls * (s.stddev_exec_time ^ 2 + s.mean_exec_time ^ 2)
          FROM asymm.query AS q
          JOIN public.pg_stat_statements AS s ON (s.queryid, s.userid) = (q.queryid, q.role_id)
          JOIN (SELECT query_id, sum(calls) AS calls, sum(exec_squares) AS squares
                  FROM asymm.query_load GROUP BY 1) AS l ON l.query_id = q.id
         WHERE q.statement ~ '\\mw\\M'""")
    assert len(found) == 2
    for calls, expected_calls, squares, expected in found:
        assert (calls, squares) == (expected_calls, pytest.approx(expected, rel=1e-6))
