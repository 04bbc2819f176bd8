"""A database as dashboards find one: things were declared, slipped, were repaired, measured, waited for."""

from __future__ import annotations

import json

from support.database import Database

# As a table may be called; ${table} and $__timeFrom() within a name stay what they are.
HOSTILE = [
    "Robert'); DROP TABLE shop.people;--",
    "<script>alert(1)</script>",
    'a\nb "c" \\ {}',
    "$1 && ünï",
]
SECRET = "canary-7d21"
SAMPLES = """
    WITH s AS (
        INSERT INTO asymm.sample_series AS s (metric, node)
        SELECT m.name, '*' FROM asymm.metric AS m WHERE m.store = 'sample' AND m.kind <> 'ratio'
        RETURNING s.id, s.metric)
    INSERT INTO asymm.sample (slot, family, at, ids, totals)
    SELECT (asymm._sample_part('minute', t)).slot, split_part(s.metric, '.', 1), t,
           array_agg(s.id ORDER BY s.id), array_agg(0.5 ORDER BY s.id)
      FROM s CROSS JOIN generate_series(1, 50) AS n
     CROSS JOIN LATERAL (SELECT date_trunc('minute', now()) - n * interval '1 min') AS m (t)
     GROUP BY split_part(s.metric, '.', 1), t"""


def quoted(name: str) -> str:
    return 'shop."' + name.replace('"', '""') + '"'


def declare(db: Database) -> None:
    db.sql("CREATE EXTENSION pg_stat_statements")
    db.sql("CREATE SCHEMA shop")
    db.sql("CREATE TABLE shop.people (id int PRIMARY KEY, email text, status text DEFAULT 'new')")
    db.sql(f"INSERT INTO shop.people SELECT g, '{SECRET}-' || g, 'new' FROM generate_series(1, 500) AS g")
    db.sql("SELECT asymm.protect('shop.people', 'email')")
    db.sql(
        "CREATE TABLE shop.orders"
        " (id int PRIMARY KEY, person int REFERENCES shop.people, note text DEFAULT 'x')"
    )
    for name in HOSTILE:
        db.own.execute(f"CREATE TABLE {quoted(name)} (id int PRIMARY KEY, note text DEFAULT 'x')".encode())
    db.sql("SELECT asymm.watch_schema('shop')")
    db.sql("SELECT asymm.track_state('shop.people', '{status}')")
    db.sql("SELECT asymm.watch_duplicates('shop.people', '{status}')")
    db.sql("SELECT asymm.create_mirror_login(%s)", db.role("mirror", "LOGIN REPLICATION"))
    db.sql("SELECT asymm.mirror('shop.orders')")


def happen(db: Database) -> None:
    for turn in range(2):
        for number in range(30):
            db.sql(f"/* {SECRET} */ SELECT status FROM shop.people WHERE email = '{SECRET}-{number}'")
            db.sql("INSERT INTO shop.orders VALUES (%s)", 30 * turn + number)
            db.sql("SELECT note FROM shop.orders WHERE id = %s", number)
        db.sql("SELECT pg_stat_force_next_flush()")
        db.sql("SELECT asymm._observe_queries()")
        db.sql("SELECT asymm._observe_tables()")
    for name in ("people", *HOSTILE):
        column = "status" if name == "people" else "note"
        slip = f"/* {SECRET} */ ALTER TABLE {quoted(name)} ALTER {column} DROP DEFAULT"
        db.own.execute(slip.encode())
    db.sql("SELECT asymm._process_ddl()")
    db.sql("SELECT asymm.heal('shop.people')")
    db.sql("SELECT asymm.expect('SELECT note FROM shop.orders WHERE note = $1', cost => 'O(1)')")
    db.sql("SELECT asymm.refresh_graph()")
    db.sql(SAMPLES)
    for organ in ("_observe_states", "_sonar_round", "_check_expectations"):
        db.sql(f"SELECT asymm.{organ}()")
    read = {"route": "redis", "hits": 8, "misses": 2, "seconds": 0.5, "saved_seconds": 4, "bytes": 100}
    kept = {"fingerprint": "0123456789abcdef", "statement": f"SELECT '{SECRET}'", "tables": ["shop.orders"]}
    batch = {"queries": [read | kept], "tables": [read | {"table": "shop.orders"}], "keys": []}
    db.sql("SELECT asymm._count_reads(%s)", json.dumps(batch))
    db.sql(
        "INSERT INTO asymm.pulse_state (actor, lane, period, seq, beat_at, registered_at)"
        " VALUES ('postgres', 'fast', 0.2, 7, clock_timestamp(), now())"
    )
    hook = "'hook', 'webhook', 'https://alerts.example/x', 'ASYMMETRICA_ALERT_HOOK'"
    db.sql(f"SELECT asymm.set_alert_destination({hook})")
    db.sql("SELECT asymm.alert_on('all', '{hook}', 'info')")
    db.sql("SELECT asymm.report_to_fleet('staging', repeat('1', 64), 'elsewhere')")
    db.sql(
        """WITH a AS (INSERT INTO asymm.action (kind, target, state, requested_by, changed_at)
             VALUES ('create index', 'shop.orders', 'verified', 'me', now() - interval '1 hour') RETURNING id)
           INSERT INTO asymm.index_action (action_id, relid, index_schema, index_name, shape)
           SELECT id, 'shop.orders'::regclass, 'shop', 'i', 'x' FROM a"""
    )
    holder, waiter = db.connect(autocommit=False), db.connect()
    holder.execute("LOCK TABLE shop.orders IN SHARE ROW EXCLUSIVE MODE")
    waiter.execute("BEGIN")
    waiter.pgconn.send_query(b"LOCK TABLE shop.orders IN SHARE ROW EXCLUSIVE MODE")
    db.wait_for("SELECT count(*) = 2 FROM asymm.lock_waits")
