"""What may be run again: hostile statements are refused and why, harmless ones run, nothing is left."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import psycopg
import pytest

from support.cluster import wait_until
from support.database import Database
from support.pulse import make_actor

SCENE = """
    CREATE EXTENSION dblink; CREATE EXTENSION tablefunc; CREATE EXTENSION file_fdw; CREATE EXTENSION pg_trgm;
    CREATE SCHEMA shop AUTHORIZATION "{owner}";
    CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE TABLE public.shared (id int PRIMARY KEY);
    GRANT SELECT ON public.shared TO "{owner}";
    SET ROLE "{owner}";
    CREATE SEQUENCE shop.s;
    CREATE TABLE shop.t (id int PRIMARY KEY, a int, b text, c jsonb, at timestamptz DEFAULT now());
    INSERT INTO shop.t SELECT g, g % 10, 'b' || g, jsonb_build_object('n', g)
      FROM generate_series(1, 200) AS g;
    CREATE TABLE shop.part (id int, day int) PARTITION BY LIST (day);
    CREATE TABLE shop.part1 PARTITION OF shop.part FOR VALUES IN (1);
    CREATE TABLE shop.mixed (id int, day int) PARTITION BY LIST (day);
    CREATE TYPE shop.colour AS ENUM ('red', 'green');
    CREATE DOMAIN shop.size AS text CHECK (VALUE <> '');
    CREATE FUNCTION shop.hidden() RETURNS bigint LANGUAGE plpgsql STABLE
        AS $$ BEGIN RETURN nextval('shop.s'); END $$;
    CREATE FUNCTION shop.sure(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
        AS $$ BEGIN PERFORM nextval('shop.s'); RETURN $1; END $$;
    CREATE OPERATOR shop.=== (FUNCTION = shop.same, LEFTARG = int, RIGHTARG = int);
    CREATE AGGREGATE shop.total(int) (SFUNC = shop.add, STYPE = int);
    CREATE VIEW shop.plain AS SELECT id, b FROM shop.t WHERE a < 5;
    CREATE VIEW shop.counted AS SELECT id, nextval('shop.s') AS n FROM shop.t;
    CREATE VIEW shop.nested AS SELECT p.id, c.n FROM shop.plain AS p JOIN shop.counted AS c USING (id);
    CREATE VIEW shop.locked AS SELECT id FROM shop.t FOR UPDATE;
    CREATE TABLE shop.guarded (id int);
    ALTER TABLE shop.guarded ENABLE ROW LEVEL SECURITY;
    CREATE POLICY p ON shop.guarded USING (shop.hidden() > 0);
    RESET ROLE;
    CREATE SCHEMA other AUTHORIZATION "{stranger}";
    CREATE FOREIGN TABLE shop.mixed2 PARTITION OF shop.mixed FOR VALUES IN (2)
        SERVER files OPTIONS (filename '/etc/hostname');
    SET ROLE "{stranger}";
    CREATE TABLE other.t (id int);
    CREATE VIEW other.v AS SELECT id FROM other.t;
    CREATE FUNCTION other.f() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
    GRANT USAGE ON SCHEMA other TO PUBLIC; GRANT SELECT ON other.t, other.v TO PUBLIC;
    RESET ROLE;
    ANALYZE shop.t"""
BEFORE = "CREATE OPERATOR"
MADE = """CREATE FUNCTION shop.same(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';
    CREATE FUNCTION shop.add(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
    """
OWN = "neither the server's nor an extension's"
HOSTILE = {
    "SELECT nextval('shop.s')": "function nextval(regclass) is VOLATILE",
    "VALUES (nextval('shop.s'))": "function nextval(regclass) is VOLATILE",
    "EXPLAIN ANALYZE SELECT nextval('shop.s')": "function nextval(regclass) is VOLATILE",
    "SELECT setval('shop.s', 100)": "is VOLATILE",
    "SELECT currval('shop.s')": "is VOLATILE",
    "SELECT pg_sleep(10)": "is VOLATILE",
    "SELECT random(), id FROM shop.t": "is VOLATILE",
    "SELECT pg_advisory_lock(7)": "is VOLATILE",
    "SELECT set_config('work_mem', '1MB', false)": "is VOLATILE",
    "SELECT pg_notify('a', 'b')": "is VOLATILE",
    "SELECT pg_terminate_backend(pg_backend_pid())": "is VOLATILE",
    "SELECT pg_read_file('/etc/hostname')": "is VOLATILE",
    "SELECT * FROM pg_ls_dir('/etc')": "is VOLATILE",
    "SELECT lo_import('/etc/hostname')": "is VOLATILE",
    "SELECT lo_creat(-1)": "is VOLATILE",
    "SELECT query_to_xml('SELECT 1', true, true, '')": "is VOLATILE",
    "SELECT table_to_xml('shop.counted', true, true, '')": "is STABLE",
    "SELECT txid_current()": "is STABLE",
    "SELECT * FROM dblink('dbname=postgres', 'SELECT 1') AS r (a int)": "is VOLATILE",
    "SELECT * FROM crosstab('SELECT 1, 2, 3') AS r (a int, b int)": "is STABLE",
    "SELECT shop.hidden()": OWN,
    "SELECT shop.sure(a) FROM shop.t": OWN,
    "SELECT id FROM shop.t WHERE a OPERATOR(shop.===) 3": OWN,
    "SELECT shop.total(a) FROM shop.t": OWN,
    "SELECT * FROM shop.guarded": OWN,
    "SELECT * FROM shop.counted": "function nextval(regclass) is VOLATILE",
    "TABLE shop.counted": "function nextval(regclass) is VOLATILE",
    "SELECT id FROM shop.nested": "function nextval(regclass) is VOLATILE",
    "SELECT * FROM shop.locked": "it locks rows",
    "SELECT id FROM shop.t FOR UPDATE": "it locks rows",
    "SELECT id FROM shop.t WHERE id = 1 FOR KEY SHARE SKIP LOCKED": "it locks rows",
    "WITH l AS (SELECT id FROM shop.t FOR SHARE) SELECT * FROM l": "it locks rows",
    "WITH d AS (DELETE FROM shop.t RETURNING id) SELECT * FROM d": "it is not a SELECT",
    "WITH d AS MATERIALIZED (INSERT INTO shop.t VALUES (0) RETURNING 1) TABLE d": "it is not a SELECT",
    "SELECT id INTO shop.copy FROM shop.t": "not planned",
    "UPDATE shop.t SET a = 1": "it is not a SELECT",
    "DO 'BEGIN END'": "it is not a SELECT",
    "COPY shop.t TO PROGRAM 'true'": "it is not a SELECT",
    "SELECT 1; SELECT nextval('shop.s')": "semicolon or a backslash",
    "SELECT E'\\061'": "semicolon or a backslash",
    "SELECT 1) AS x, (SELECT nextval('shop.s')": "not planned: error 42601",
    "SELECT 1 /* ": "not planned: error 42601",
    "SELECT * FROM shop.t TABLESAMPLE SYSTEM (10)": "it takes a sample",
    "SELECT * FROM shop.mixed": "shop.mixed2 is no table or view of this database",
    "SELECT * FROM pg_catalog.pg_class": "is part of the system",
    "SELECT * FROM other.t": "other.t belongs to",
    "SELECT * FROM other.v": "other.v belongs to",
    "SELECT other.f()": OWN,
    "SELECT id FROM shop.t WHERE lower(b) = $1": "not seen with constants yet, and none is known for $1",
    "SELECT id FROM shop.t WHERE b = $1::shop.size": "shop.size, a type of the user's own",
    "SELECT * FROM pg_temp.mine": "is temporary",
    "SELECT 'no such number'::int": "not planned: error 22P02",
}
PLACES = (
    "SELECT {}",
    "SELECT id FROM shop.t WHERE {} IS NULL",
    "SELECT id FROM shop.t ORDER BY {}",
    "SELECT id FROM shop.t LIMIT {}",
    "WITH c AS (SELECT {} AS n) SELECT 1 FROM c",
    "SELECT (SELECT {})",
    "SELECT a FROM shop.t GROUP BY a HAVING {} > 0",
    "SELECT count(*) FILTER (WHERE {} > 0) FROM shop.t",
    "SELECT sum(id) OVER (ORDER BY {}) FROM shop.t",
    "SELECT 1 FROM shop.t JOIN LATERAL (SELECT {} AS n) AS l ON true",
    "SELECT 1 UNION ALL SELECT {}",
    "SELECT CASE WHEN false THEN {} END",
    "SELECT ARRAY[1, {}]",
    "SELECT ROW(1, {}) = ROW(1, 2)",
    "SELECT n FROM (VALUES (1), ({})) AS v (n)",
    "SELECT 1 FROM generate_series(1, {})",
    "SELECT 1 FROM shop.t WHERE EXISTS (SELECT {}) AND false",
    "SELECT greatest(1, {}), jsonb_build_array({})",
)
CALLS = {"nextval('shop.s')": "VOLATILE", "shop.hidden()": OWN, "lastval()": "VOLATILE", "shop.sure(1)": OWN}
HARMLESS = (
    "SELECT count(*) FROM shop.t",
    "SELECT id, id, b AS id FROM shop.t WHERE b = 'b7' AND at < now() - interval '1 hour' ORDER BY 1 LIMIT 3",
    "SELECT FROM shop.t",
    "VALUES (1), (2)",
    "TABLE shop.t",
    "SELECT p.* FROM shop.plain AS p JOIN shop.t USING (id) WHERE t.a = ANY ('{1,2}')",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n) FROM r",
    "SELECT a, count(*), rank() OVER (ORDER BY count(*)) FROM shop.t GROUP BY a HAVING count(*) > 1",
    "SELECT c ->> 'n', date_trunc('day', at), to_char(at, 'YYYY') FROM shop.t WHERE c @> '{\"n\": 3}'",
    "SELECT similarity(b, 'b1') FROM shop.t",
    "SELECT 'red'::shop.colour, CURRENT_DATE, current_user",
    "SELECT * FROM shop.part WHERE day = 1",
    "SELECT id FROM public.shared",
    "(SELECT 1) UNION (SELECT 2) ORDER BY 1",
    "SELECT id FROM shop.t WHERE id = $1 AND a >= $2 AND a < $3 AND b LIKE $4 AND id = ANY ($5) LIMIT $6",
)
STATE = """
    SELECT (SELECT is_called FROM shop.s), (SELECT count(*) FROM shop.t), to_regclass('shop.copy'),
           (SELECT count(*) FROM pg_largeobject_metadata),
           (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"""


def scene(db: Database) -> tuple[psycopg.Connection, str]:
    """Return a session of an actor whose owner has the schema shop, and the owner."""
    actor, owner = make_actor(db)
    text = SCENE.replace(BEFORE, MADE + BEFORE, 1).format(owner=owner, stranger=db.role("stranger"))
    db.own.execute(text.encode())
    db.sql(f'GRANT pg_read_server_files TO "{owner}"')
    return db.connect(user=actor), owner


def replay(session: psycopg.Connection, statement: str, limit: str = "2 s") -> dict[str, Any]:
    row = session.execute("SELECT asymm._replay(%s, 'public', %s, 0)", [statement, limit]).fetchone()
    assert row is not None
    found: dict[str, Any] = row[0]
    return found


def test_only_what_reads_is_run_again(workload: Database) -> None:
    session, owner = scene(workload)
    session.execute("CREATE TEMP TABLE mine (a int)")
    session.execute("SET work_mem = '7MB'")
    before = workload.sql(STATE)
    hostile = dict(HOSTILE)
    calls = list(CALLS)
    for n, place in enumerate(PLACES):
        call = calls[n % len(calls)]
        hostile[place.replace("{}", call)] = CALLS[call]
    wrong = {}
    for statement, reason in hostile.items():
        found = replay(session, statement)
        if reason not in found.get("reason", "") or "begun" in found:
            wrong[statement] = found
    for statement in HARMLESS:
        found = replay(session, statement)
        if not found.get("latency_ms", 0) > 0 or "error" in found or "reason" in found:
            wrong[statement] = found
    assert not wrong, list(wrong.items())
    assert workload.sql(STATE) == before
    # What a domain checks would run while its literal is only read: then no literal is.
    workload.own.execute(
        f"""
        SET ROLE "{owner}";
        CREATE DOMAIN shop.word AS text CHECK (shop.hidden() > 0);
        RESET ROLE""".encode()
    )
    for statement in (
        "SELECT 'x'::shop.word",
        "SELECT b::shop.word FROM shop.t",
        "SELECT '{x}'::shop.word[]",
    ):
        assert "shop.word" in replay(session, statement)["reason"], statement
    assert workload.sql(STATE) == before
    assert session.execute(
        "SELECT current_setting('transaction_read_only'), current_setting('work_mem'),"
        " current_setting('application_name') ~ 'replay', "
        " (SELECT count(*) FROM pg_prepared_statements WHERE name ~ '^asymm')"
    ).fetchone() == ("off", "7MB", False, 0)


class Busy:
    """A replay in a thread that would go on for long."""

    STATEMENT = "SELECT count(*) FROM generate_series(1, 30000) AS a, generate_series(1, 30000) AS b"

    def __init__(self, db: Database, session: psycopg.Connection, limit: str) -> None:
        self.outcome: dict[str, Any] = {}
        self.thread = threading.Thread(target=self._run, args=(session, limit))
        self.thread.start()
        db.wait_for(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name ~ 'slow replay [0-9.]+$'"
        )

    def _run(self, session: psycopg.Connection, limit: str) -> None:
        self.outcome = replay(session, self.STATEMENT, limit)

    def end(self, watch: psycopg.Connection) -> str:
        """Have the watch look until it is done; return how it ended."""

        def looked() -> bool:
            watch.execute("SELECT asymm._encore_watch()")
            return not self.thread.is_alive()

        wait_until(looked, 20, "the end of a replay")
        self.thread.join()
        return str(self.outcome["error"])


@pytest.mark.timeout(90)
def test_a_replay_ends_when_its_time_is_up_or_others_come(workload: Database) -> None:
    db = workload
    actor, _ = make_actor(db)
    session, watch = db.connect(user=actor), db.connect(user=actor)
    db.sql("SELECT asymm.configure_encore(encore => true, max_active_sessions => 1000)")
    assert "longer than time_limit" in Busy(db, session, "200 ms").end(watch)
    # Another session works.
    db.sql("SELECT asymm.configure_encore(max_active_sessions => 0)")
    busy = Busy(db, session, "1 hour")
    other = db.connect()

    def work() -> None:
        with contextlib.suppress(psycopg.errors.QueryCanceled):
            other.execute("SELECT pg_sleep(60)")

    worker = threading.Thread(target=work)
    worker.start()
    ended = busy.end(watch)
    other.cancel()
    worker.join()
    assert "others had work to do" in ended
    # Somebody else's statements are not the watch's to end, and the session goes on as before.
    assert session.execute(
        "SELECT asymm._encore_watch(), current_setting('transaction_read_only')"
    ).fetchone() == (
        None,
        "off",
    )
