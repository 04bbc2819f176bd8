"""The graph of 10,000 nodes and 100,000 flows: what it costs to derive, to keep, and to ask."""

from __future__ import annotations

import statistics
import time

import psycopg

from bench.figures import Figure, at_most, told
from bench.processes import cpu_ms
from bench.scene import Scene
from support.database import Database

TABLES, VIEWS, QUERIES = 1800, 200, 8000
READS, WRITES = 11, 1

# A statement reads eleven tables and writes to one; tables and views come from the catalogs.
WORKLOAD = f"""
    INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement)
    SELECT n, 10, true, 'insert', 'INSERT INTO … SELECT … -- ' || n FROM generate_series(1, {QUERIES}) AS n;
    INSERT INTO asymm.query_counter
    SELECT q.queryid, 10, true, q.id, 10, 100, 10, 0, 0, 0, 0, 0, now(), 2000 FROM asymm.query AS q;
    INSERT INTO asymm.query_load
    SELECT w.slot, w.at, q.id, 10, 100, 10, 0, 0, 0, 0, 0, 2000
      FROM asymm.query AS q CROSS JOIN asymm._load_slot() AS w;
    INSERT INTO asymm.query_look (query_id, at, relations)
    SELECT q.id, now(), '{{}}' FROM asymm.query AS q;
    INSERT INTO asymm.query_plan (query_id, shape, plan)
    SELECT q.id, encode(sha256(q.id::text::bytea), 'hex'),
           jsonb_build_object('Node Type', 'ModifyTable', 'Operation', 'Insert', 'Schema', 'g',
                              'Relation Name', 't' || 1 + (q.id * 7919) % {TABLES}, 'Plans', (
               SELECT jsonb_agg(jsonb_build_object('Node Type', 'Seq Scan', 'Schema', 'g', 'Alias', 'a' || r,
                                'Relation Name', 't' || 1 + (q.id * 31 + r * r * 577) % {TABLES}))
                 FROM generate_series(1, {READS}) AS r))
      FROM asymm.query AS q;
"""


def make(db: Database) -> None:
    db.sql("CREATE EXTENSION asymmetrica CASCADE")
    db.sql("CREATE SCHEMA g")
    for start in range(1, TABLES + 1, 300):
        statements = []
        for n in range(start, start + 300):
            statements.append(f"CREATE TABLE g.t{n} (id int PRIMARY KEY, up int)")
            if n > 1:
                statements.append(f"ALTER TABLE g.t{n} ADD FOREIGN KEY (up) REFERENCES g.t{n // 2}")
        db.own.execute(";".join(statements).encode())
    views = [
        f"CREATE VIEW g.v{n} AS SELECT id FROM g.t{n} JOIN g.t{n + 1} USING (id)" for n in range(1, VIEWS + 1)
    ]
    db.own.execute(";".join(views).encode())
    db.own.execute(WORKLOAD.encode())


# Two hundred tables whose sources are declared: half of what a query brings there, and one that nothing does.
DECLARED = f"""
    INSERT INTO asymm.node_annotation (node, annotated_by, annotation)
    SELECT DISTINCT ON (w.target_node) w.target_node, 'bench', ROW('dataEntity', 'local', 'Balance', 'O(n)',
               ARRAY(SELECT r.source_node FROM asymm._flow AS r WHERE r.target = w.source ORDER BY 1 LIMIT 5)
               || '{{entity:g.t1,create}}'::text[], 1)::asymm.annotation
      FROM asymm._flow AS w WHERE w.kind = 'writes' AND w.target % {TABLES // 200} = 0
     ORDER BY w.target_node, w.source
"""


def timed(session: psycopg.Connection, statement: str, rounds: int = 1) -> tuple[float, float]:
    """Return the medians of wall and CPU milliseconds of a statement."""
    walls, cpus = [], []
    for _ in range(rounds):
        cpu, wall = cpu_ms(session.info.backend_pid), time.perf_counter()
        session.execute(statement.encode()).fetchall()
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append(cpu_ms(session.info.backend_pid) - cpu)
    return statistics.median(walls), statistics.median(cpus)


def measure(scene: Scene) -> list[Figure]:
    scene.db.sql("CREATE DATABASE graph")
    db = Database(scene.cluster, "graph")
    try:
        make(db)
        return figures(db)
    finally:
        db.drop()


def figures(db: Database) -> list[Figure]:
    session = db.connect()
    first, first_cpu = timed(session, "SELECT * FROM asymm.refresh_graph()")
    nodes, flows = db.sql("SELECT (SELECT count(*) FROM asymm.node), (SELECT count(*) FROM asymm.flow)")[0]
    db.sql("VACUUM ANALYZE asymm.flow, asymm.node, asymm.query_plan")
    again, again_cpu = timed(session, "SELECT * FROM asymm.refresh_graph()", 3)
    session.execute("SELECT asymm._tend_graph()")
    idle, idle_cpu = timed(session, "SELECT asymm._tend_graph()", 20)
    looked = (
        "UPDATE asymm.query_look SET at = clock_timestamp() WHERE query_id IN"
        " (SELECT id FROM asymm.query ORDER BY random() LIMIT 20)"
    )
    steps = []
    for _ in range(5):
        db.sql("UPDATE asymm.query_look SET at = now() - interval '1 hour'")
        db.sql(looked)
        db.sql("UPDATE asymm.graph_state SET looked_at = now() - interval '1 min'")
        steps.append(timed(session, "SELECT asymm._tend_graph()")[1])
    ddl = []
    for _ in range(5):
        db.sql("COMMENT ON TABLE g.t1 IS 'x'")
        ddl.append(timed(session, "SELECT asymm._tend_graph()")[1])
    reach = [
        db.value("SELECT count(*) FROM asymm.impact(%s)", f"entity:g.t{n}") for n in range(1, TABLES, 180)
    ]
    walls, sent = (
        statistics.median(timed(session, query.format(n))[0] for n in range(1, TABLES, 90))
        for query in (
            "SELECT count(*) FROM asymm.impact('entity:g.t{}')",
            "SELECT * FROM asymm.impact('entity:g.t{}')",
        )
    )
    session.execute(DECLARED.encode())
    _, path = timed(session, "SELECT * FROM asymm.path('entity:g.t17', 'entity:g.t1700')", 5)
    told_of = db.value("SELECT count(*) FROM asymm.lineage_faults")
    _, faults = timed(session, "SELECT * FROM asymm.lineage_faults", 3)
    _, watch = timed(session, "SELECT asymm._watch_lineage()", 3)
    _, propose = timed(session, "SELECT asymm._propose_annotations()", 3)
    return [
        at_most(f"the graph derived, {nodes:,} nodes and {flows:,} flows", first, 2000, "ms", 0),
        told("  (CPU)", first_cpu, "ms", 0),
        at_most("  again, nothing to write", again, 2000, "ms", 0),
        told("  (CPU)", again_cpu, "ms", 0),
        at_most("the organ, nothing moved", idle, 5, "ms", 2),
        told("  (CPU)", idle_cpu, "ms", 2),
        told("  20 plans were looked at (CPU)", statistics.median(steps), "ms"),
        told("  a DDL (CPU)", statistics.median(ddl), "ms"),
        at_most(f"impact() of a node that reaches {statistics.median(reach):,.0f} others", walls, 50, "ms"),
        told("  with all of them sent to Python", sent, "ms"),
        told("path() (CPU)", path, "ms"),
        told(f"lineage_faults, {told_of:,} of them (CPU)", faults, "ms"),
        told("  the organ that reports them (CPU)", watch, "ms"),
        told("annotations proposed (CPU)", propose, "ms"),
    ]
