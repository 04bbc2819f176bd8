"""A database in use for a week: 1,000 tables, 5,000 statements, their history, what was said of them."""

from __future__ import annotations

import psycopg

from bench import schema
from support.database import Database

OWNER = "mind_owner"
ACTOR = "mind_actor"
PLAIN, PARTED, PARTS, VIEWS, STATES = 895, 20, 4, 100, 5
TABLES = PLAIN + PARTED * (1 + PARTS) + STATES
# What keeps a place for our own: pg_stat_statements has 5,000, and throws out a twentieth when they are full.
STATEMENTS = 4800
SHAPES = (
    "SELECT amount FROM {} WHERE id = 1",
    "SELECT count(*) FROM {} AS a JOIN {} AS b ON b.id = a.parent WHERE a.amount > 5",
    "UPDATE {} SET amount = 1 WHERE id = 5",
    "INSERT INTO {} (parent, amount) SELECT id, amount FROM {} WHERE amount > 100000",
    "SELECT id FROM {} ORDER BY amount LIMIT 10",
)
MOST = 500  # costliest statements that have a row of their own in a step of time

PARTITIONED = """
    CREATE TABLE app.p{0:02} (id bigint, parent bigint, amount integer, at date) PARTITION BY RANGE (id);
    CREATE TABLE app.p{0:02}_0 PARTITION OF app.p{0:02} FOR VALUES FROM (0) TO (100);
    CREATE TABLE app.p{0:02}_1 PARTITION OF app.p{0:02} FOR VALUES FROM (100) TO (200);
    CREATE TABLE app.p{0:02}_2 PARTITION OF app.p{0:02} FOR VALUES FROM (200) TO (300);
    CREATE TABLE app.p{0:02}_3 PARTITION OF app.p{0:02} FOR VALUES FROM (300) TO (400);
    CREATE INDEX ON app.p{0:02} (id)"""
STATEFUL = """
    CREATE TABLE app.s{0} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent bigint,
                           amount integer, status text NOT NULL);
    INSERT INTO app.s{0} (amount, status)
    SELECT n, (ARRAY['new', 'paid', 'sent', 'back'])[1 + n % 4] FROM generate_series(1, 20000) AS n"""
VIEW = (
    "CREATE VIEW app.v{0:03} AS SELECT a.id, b.amount FROM app.t{0:04} AS a JOIN app.t{1:04} AS b USING (id)"
)

# The costliest statements as if run in every quarter of an hour of a week, and in each look of six hours.
WEEK = f"""
    INSERT INTO asymm.query_load
    SELECT (floor(extract(epoch FROM s.at) / 86400)::bigint % 8)::smallint, s.at, q.id, 100,
           100 * q.ms * f.noise, 100, 400, 10, 0, 0, 0, 100 * (q.ms * f.noise) ^ 2 * 1.1
      FROM (SELECT q.id, 1 + q.id % 17 AS ms FROM asymm.query AS q ORDER BY q.id LIMIT {MOST}) AS q
     CROSS JOIN LATERAL (SELECT date_bin('15 min', clock_timestamp(), '2000-01-01 00:00:00+00')
                                - i * interval '15 min' AS at FROM generate_series(0, 670) AS i) AS s
     CROSS JOIN LATERAL (SELECT 1 + 0.2 * random() AS noise WHERE q.id > 0) AS f
    ON CONFLICT DO NOTHING;
    INSERT INTO asymm.sample
    SELECT (asymm._sample_part('minute', t.at)).slot, f.family, t.at, q.ids,
           CASE f.family WHEN 'look.calls' THEN array_fill(10::float8, ARRAY[cardinality(q.ids)])
                         ELSE ARRAY(SELECT 10 * (1 + u.id % 17) * (1 + 0.2 * random())
                                      FROM unnest(q.ids) AS u (id) WHERE n > 0) END
      FROM generate_series(1, 719) AS n
     CROSS JOIN LATERAL (SELECT clock_timestamp() - n * interval '30 s' AS at) AS t
     CROSS JOIN (SELECT ARRAY(SELECT q.id FROM asymm.query AS q ORDER BY q.id LIMIT 100) AS ids) AS q
     CROSS JOIN (VALUES ('look.calls'), ('look.exec_ms')) AS f (family)
"""


def statements() -> list[str]:
    """Return statements, all different to the server."""
    tables = [f"app.t{n:04}" for n in range(PLAIN)]
    tables += [f"app.p{n:02}" for n in range(PARTED)] + [f"app.s{n}" for n in range(STATES)]
    made = []
    for shape in SHAPES:
        for number, table in enumerate(tables):
            made.append(shape.format(table, tables[(number * 7 + 1) % len(tables)]))
    made += [f"SELECT parent FROM {table} WHERE id = 3" for table in tables]
    return made[:STATEMENTS]


def run(db: Database, part: int | None = None, parts: int = 10) -> None:
    """Run all statements, or one in so many, once."""
    with db.connect(user=OWNER) as session:
        for number, statement in enumerate(statements()):
            if part is None or number % parts == part:
                session.execute(statement.encode())


def make(db: Database) -> None:
    """Make tables and an actor, and run every statement once."""
    db.sql("CREATE EXTENSION asymmetrica CASCADE")
    db.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    db.sql(f"CREATE ROLE {OWNER} LOGIN")
    db.sql("SELECT asymm.create_actor(%s, %s)", ACTOR, OWNER)
    schema.make(db.own, "app", OWNER, PLAIN)
    with db.connect(user=OWNER) as session:
        for n in range(PARTED):
            session.execute(PARTITIONED.format(n).encode())
        for n in range(STATES):
            session.execute(STATEFUL.format(n).encode())
        for n in range(VIEWS):
            session.execute(VIEW.format(n, n + 1).encode())
    db.sql("ANALYZE")
    db.sql("SELECT pg_stat_statements_reset()")
    run(db)


def use(db: Database, session: psycopg.Connection) -> None:
    """Let a week pass: history, plans of what costs most, annotations, tracked states, contracts."""
    session.execute("SELECT asymm._observe_queries()")
    for statement in WEEK.split(";\n"):
        db.sql(statement)
    for _ in range(5):
        db.sql("SELECT asymm._learn_latency()")
    # The first look learns which tables a plan reads, the second what it rests on.
    for _ in range(2):
        db.sql("UPDATE asymm.query_look SET at = at - interval '11 min'")
        for _ in range(MOST // 20):
            session.execute("SELECT asymm._observe_plans()")
    session.execute("SELECT asymm._tend_graph()")
    db.sql("SELECT asymm.configure_graph(accept_annotations => true)")
    for _ in range((TABLES + MOST) // 25):
        session.execute("SELECT asymm._propose_annotations()")
    db.sql("SELECT asymm.configure_graph(accept_annotations => false)")
    for n in range(STATES):
        db.sql("SELECT asymm.track_state(%s)", f"app.s{n}")
    for n in range(20):
        db.sql("SELECT asymm.expect(%s, cost => 'O(log n)')", f"SELECT amount FROM app.t{n:04} WHERE id = $1")
    db.sql("VACUUM ANALYZE")
