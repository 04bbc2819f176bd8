"""Plans of what is run are kept, and planning never runs a stranger's code."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from support.database import Database

ATTACK = """
    CREATE SCHEMA m AUTHORIZATION {mallory};
    GRANT USAGE ON SCHEMA m TO PUBLIC;
    CREATE TABLE m.stolen (who text);
    ALTER TABLE m.stolen OWNER TO {mallory};
    GRANT INSERT ON m.stolen TO PUBLIC;
    CREATE FUNCTION m.steal() RETURNS int LANGUAGE plpgsql
        AS $f$ BEGIN INSERT INTO m.stolen VALUES (session_user); RETURN 1; END $f$;
    CREATE FUNCTION m.evil(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN RETURN m.steal(); END $f$;
    ALTER FUNCTION m.evil(int) OWNER TO {mallory};
    CREATE OPERATOR m.=# (leftarg = int, rightarg = int, function = int4eq);
    CREATE FUNCTION m.equal(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT m.evil($1) = $2';
    ALTER FUNCTION m.equal(int, int) OWNER TO {mallory};
    CREATE OPERATOR m.== (leftarg = int, rightarg = int, function = m.equal);
    CREATE VIEW m.v AS SELECT a FROM public.w WHERE a = m.evil(3);
    CREATE DOMAIN m.d AS int CHECK (m.evil(value) > 0);
    CREATE TABLE m.t (x m.d DEFAULT m.evil(1));
    CREATE TABLE m.i (x int);
    CREATE INDEX ON m.i ((x + m.evil(2)));
    CREATE TABLE m.p (x int) PARTITION BY LIST (x);
    CREATE TABLE m.p1 PARTITION OF m.p (CHECK (x > m.evil(1))) FOR VALUES IN (1);
    CREATE TABLE m.r (x int);
    ALTER TABLE m.r ENABLE ROW LEVEL SECURITY;
    CREATE POLICY mine ON m.r USING (x = m.evil(1));
    TRUNCATE m.stolen;
    GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA m TO PUBLIC;
"""


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT m.evil(1)",
        "SELECT * FROM public.w WHERE a = m.evil(2)",
        "SELECT 1 OPERATOR(m.==) 2",
        "SELECT * FROM m.v",
        "SELECT 3::m.d",
        "INSERT INTO m.t DEFAULT VALUES",
        "SELECT * FROM m.i WHERE x = 1",
        "SELECT * FROM m.p WHERE x = 1",
        "SELECT * FROM m.r",
        "WITH x AS (UPDATE public.w SET b = m.evil(1) RETURNING b) SELECT * FROM x",
    ],
)
def test_planning_runs_no_code_of_others(workload: Database, statement: str) -> None:
    db = workload
    mallory, actor = db.role("mallory"), db.role("actor", member_of=("asymm_pulse",))
    db.sql(f'GRANT ALL ON w TO "{actor}"')
    db.sql(ATTACK.format(mallory=f'"{mallory}"'))
    session = db.connect(user=actor)
    found = session.execute("SELECT asymm._plan_statement(%s, 'public')", [statement])
    assert rows_of(found)["reason"].startswith("not planned: untrusted function m.")
    # Neither does asking what a statement costs, or the check of what is expected of it.
    operator = db.connect(user=db.role("operator", member_of=("asymm_operator",)))
    asked = "SELECT o.cost IS NULL AND o.reason = e.reason, e.state FROM asymm.observe_cost(%s) AS o"
    asked += ", asymm.expect(%s, 'O(n)') AS e WHERE o.reason LIKE 'not planned: untrusted function m.%%'"
    assert operator.execute(asked, [statement, statement]).fetchone() == (True, "unknown")
    session.execute("SELECT asymm._check_expectations()")
    assert db.sql("SELECT * FROM m.stolen") == []
    assert db.value("SELECT count(*) FROM pg_prepared_statements") == 0


@pytest.mark.parametrize("language", ["sql", "plpgsql"])
def test_a_strangers_path_decides_nothing(workload: Database, language: str) -> None:
    """What a function of the owner's calls by its bare name must not be what a stranger's path holds."""
    db = workload
    mallory, owner = db.role("mallory"), db.role("owner")
    actor = db.role("actor", member_of=("asymm_pulse", owner))
    db.sql(ATTACK.format(mallory=f'"{mallory}"'))
    body = "SELECT evil(1)" if language == "sql" else "BEGIN RETURN evil(1); END"
    db.sql("SET check_function_bodies = off")
    db.sql(f"CREATE FUNCTION plain(int) RETURNS int IMMUTABLE LANGUAGE {language} AS '{body}'")
    db.sql("CREATE FUNCTION same(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)'")
    db.sql(f'ALTER FUNCTION plain(int) OWNER TO "{owner}"')
    db.sql(f'ALTER FUNCTION same(text) OWNER TO "{owner}"')
    db.sql(f'ALTER TABLE w OWNER TO "{owner}"')
    session = db.connect(user=actor)
    plan = "SELECT asymm._plan_statement(%s, 'm, public')"
    attack = session.execute(plan, ["SELECT * FROM public.w WHERE a = public.plain(1)"])
    assert rows_of(attack)["reason"].startswith("not planned: function evil")
    assert db.sql("SELECT * FROM m.stolen") == []
    # By the path the statement's own names are found all the same.
    found = rows_of(session.execute(plan, ["SELECT a FROM w WHERE same($1) = $2"]))
    assert "public.same($1) = $2" in found["statement"]


def test_the_attack_is_real(workload: Database) -> None:
    db = workload
    db.sql(ATTACK.format(mallory=f'"{db.role("mallory")}"'))
    db.sql("EXPLAIN SELECT * FROM m.v")
    assert db.value("SELECT count(*) > 0 FROM m.stolen")


def rows_of(cursor: psycopg.Cursor[Any]) -> dict[str, Any]:
    """Return the one document of a result."""
    (document,) = cursor.fetchone() or ({},)
    return document


@pytest.mark.parametrize(
    ("statement", "nodes"),
    [
        ("SELECT * FROM w WHERE a = $1", {"Seq Scan"}),
        (
            "SELECT * FROM k WHERE day < date $1 - interval $2 day",
            {"Index Scan", "Seq Scan", "Bitmap Heap Scan"},
        ),
        ("SELECT sum(n) FROM k WHERE n BETWEEN $1 - $2 AND $1 + $2", {"Aggregate"}),
        ("SELECT extract($1 FROM day) AS y, count(*) FROM k WHERE n > $2 GROUP BY 1", {"Aggregate"}),
        ("UPDATE w SET b = $1 WHERE a = $2", {"ModifyTable"}),
        ("PREPARE x (int) AS DELETE FROM w WHERE a = $1", {"ModifyTable"}),
    ],
)
def test_texts_with_parameters_are_planned(workload: Database, statement: str, nodes: set[str]) -> None:
    db = workload
    db.sql("CREATE TABLE k (day date PRIMARY KEY, n numeric)")
    found = db.value("SELECT asymm._plan_statement(%s, 'public')", statement)
    assert found["plan"]["Node Type"] in nodes, found


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1; DROP TABLE w",
        r"SELECT 'a\'' || ' DROP'",
        "DROP TABLE w",
        "SELECT nothing FROM w",
        "SELECT 1)",
    ],
)
def test_what_is_no_single_statement_is_not_planned(workload: Database, statement: str) -> None:
    found = workload.value("SELECT asymm._plan_statement(%s, 'public')", statement)
    assert "plan" not in found
    assert found["reason"]
    assert workload.value("SELECT to_regclass('w') IS NOT NULL")


def test_a_plan_is_kept_when_it_changes(workload: Database) -> None:
    db = workload
    db.sql("INSERT INTO w SELECT g, g FROM generate_series(1, 10000) AS g")
    db.sql("ANALYZE w")
    db.sql("SELECT asymm._observe_queries()")

    def look() -> list[tuple[str, bool]]:
        db.sql("SELECT a FROM w WHERE b = 7")
        db.sql("SELECT asymm._observe_queries()")
        db.sql("UPDATE asymm.query_look SET at = '-infinity'")
        db.sql("SELECT asymm._observe_plans()")
        return db.sql(
            "SELECT p.plan ->> 'Node Type', p.current FROM asymm.query_plans AS p"
            " JOIN asymm.queries AS q USING (query) WHERE q.statement = 'SELECT a FROM w WHERE b = $1'"
            " ORDER BY 2, 1"
        )

    assert look() == [("Seq Scan", True)]
    assert look() == [("Seq Scan", True)]
    db.sql("CREATE INDEX ON w (b)")
    assert look() == [("Seq Scan", False), ("Index Scan", True)]
    # Its own path: another role's table of the same name is not meant.
    assert (
        db.value("SELECT count(*) FROM asymm.queries WHERE not_planned IS NOT NULL AND statement ~ '\\mw\\M'")
        == 0
    )


def look(db: Database) -> None:
    """Have the plans of everything that was run looked at."""
    db.sql("SELECT asymm._observe_queries()")
    db.sql("UPDATE asymm.query_look SET at = '-infinity'")
    db.sql("SELECT asymm._observe_plans()")


def test_an_actor_sees_no_constants_of_others(workload: Database) -> None:
    db = workload
    owner, other = db.role("owner"), db.role("other")
    actor = db.role("actor", member_of=("asymm_pulse", owner))
    db.sql(f'ALTER TABLE w OWNER TO "{owner}"')
    db.sql("CREATE TABLE theirs (secret int)")
    db.sql(f'ALTER TABLE theirs OWNER TO "{other}"')
    db.sql("SELECT asymm._observe_queries()")
    session = db.connect(user=other)
    for statement in ("SELECT secret FROM theirs WHERE secret = 42", "SELECT 1 + 42"):
        session.execute(statement.encode())
        db.sql("SELECT asymm._observe_queries()")
        session.execute(statement.encode())
        db.sql("SELECT asymm._collect_examples()")
    look(db)
    assert db.value("SELECT count(*) FROM asymm.query_example") == 2

    def seen(session: psycopg.Connection) -> int:
        """Return how many constants a search for indexes has to do with."""
        session.execute("SELECT asymm._begin_advice('workload', NULL, NULL, '1 h', NULL, NULL)")
        user = session.info.user
        assert db.value(
            "SELECT count(*) > 1 FROM asymm.advice_run AS r JOIN asymm.advice_query AS q"
            " ON q.run_id = r.id WHERE r.role = %s",
            user,
        )
        return int(
            db.value(
                "SELECT count(*) FROM asymm.advice_run AS r JOIN asymm.advice_query AS q"
                " ON q.run_id = r.id WHERE r.role = %s AND q.statement ~ '42'",
                user,
            )
        )

    mine = db.connect(user=actor)
    assert seen(mine) == 0
    # Not even after saying that the statement is about a table of his own.
    db.sql("SELECT asymm._queries_to_plan(100)")
    for (number,) in db.sql("SELECT query_id FROM asymm.query_example"):
        claim = json.dumps({"relations": [db.value("SELECT 'w'::regclass::oid::int")]})
        mine.execute("SELECT asymm._keep_plan(%s, %s)", [number, claim])
    assert seen(mine) == 0
    assert seen(db.connect(user=db.role("operator", member_of=("asymm_operator",)))) == 2
    # Where all tables are the actor's owner's, nothing is anybody else's.
    db.sql("DROP TABLE theirs")
    assert seen(mine) == 2


def test_maintenance_is_nobodys_session(workload: Database) -> None:
    """An index's functions run in the session of who maintains it, a superuser maybe: they get nothing."""
    db = workload
    actor = db.role("actor", member_of=("asymm_pulse",))
    db.sql("CREATE TABLE mine AS SELECT 1 AS a")
    db.sql(f'ALTER TABLE mine OWNER TO "{actor}"')
    db.sql(f'GRANT CREATE ON SCHEMA public TO "{actor}"')
    session = db.connect(user=actor)
    for number, call in enumerate(
        (
            "asymm._begin_advice(''workload'', NULL, NULL, ''1 h'', NULL, NULL)",
            "asymm._index_command_ended(1, NULL, false)",
            "(asymm._index_command()).action",
            "asymm._approve_proposed()",
            "asymm._take_index_command()",
            "asymm._expire_searched(''{}'')",
        )
    ):
        name = f"f{number}"
        session.execute(
            f"CREATE FUNCTION {name}(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';"
            f"CREATE INDEX ON mine (public.{name}(a));"
            f"CREATE OR REPLACE FUNCTION {name}(int) RETURNS int LANGUAGE plpgsql IMMUTABLE"
            f" AS 'BEGIN PERFORM {call}; RETURN $1; END'".encode()
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="maintenance"):
            db.sql(f"REINDEX INDEX mine_{name}_idx")


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("UPDATE w SET b = $1, a = 2 WHERE a = $2", {"a", "b"}),
        ("UPDATE w AS x SET b = y.a FROM w AS y WHERE y.b = x.a", {"b"}),
        ("INSERT INTO k (id, n) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET n = k.n + 1", {"n"}),
        ("WITH x AS (UPDATE w SET a = 1 RETURNING a) SELECT * FROM x", {"a"}),
        ("MERGE INTO w USING k ON w.a = k.id WHEN MATCHED THEN UPDATE SET b = 3", {"b"}),
        ("DELETE FROM w WHERE a = $1", set()),
        ("SELECT a FROM w FOR UPDATE", set()),
        ("INSERT INTO w VALUES (1, 2)", set()),
        ('UPDATE k SET "a.b""c}" = $1', {'a.b"c}'}),
    ],
)
def test_columns_that_are_written(workload: Database, statement: str, columns: set[str]) -> None:
    db = workload
    db.sql('CREATE TABLE k (dropped int, id int PRIMARY KEY, n int, "a.b""c}" int)')
    db.sql("ALTER TABLE k DROP COLUMN dropped")
    found = db.value("SELECT asymm._plan_statement(%s, 'public')", statement)
    assert "plan" in found, found
    names = db.sql(
        "SELECT a.attname FROM jsonb_each(%s::jsonb) AS w (relid, columns)"
        " CROSS JOIN LATERAL jsonb_array_elements_text(w.columns) AS n (number)"
        " JOIN pg_attribute AS a ON a.attrelid = w.relid::oid AND a.attnum = n.number::int",
        json.dumps(found.get("written") or {}),
    )
    assert {name for (name,) in names} == columns


def test_updates_are_counted_by_column(workload: Database) -> None:
    db = workload
    db.sql("INSERT INTO w SELECT g, 0 FROM generate_series(1, 10) AS g")
    db.sql("SELECT asymm._observe_queries()")
    db.sql("UPDATE w SET b = 1 WHERE a <= 4")
    db.sql("UPDATE w SET b = 1, a = a WHERE a = 5")
    look(db)
    found = db.sql('SELECT "column", queries, calls, rows FROM asymm.column_writes ORDER BY 1')
    assert found == [("a", 1, 1, 1), ("b", 2, 2, 5)]
