"""What a query's result depends on: exactly the mirrored tables, or a reason why it cannot be kept."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from support.database import Database

SCENE = """
CREATE SCHEMA shop;
CREATE TABLE shop.t (id int PRIMARY KEY, a int, b text, at timestamptz, d date, j jsonb);
CREATE TABLE shop.u (id int PRIMARY KEY, t int, n numeric);
CREATE TABLE shop.p (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE shop.p1 PARTITION OF shop.p FOR VALUES FROM (1) TO (10);
CREATE TABLE shop.bare (id int PRIMARY KEY, a int);
CREATE TABLE shop.secret (id int PRIMARY KEY);
ALTER TABLE shop.secret ENABLE ROW LEVEL SECURITY;
CREATE UNLOGGED TABLE shop.light (id int PRIMARY KEY);
CREATE TABLE shop.elder (id int PRIMARY KEY);
CREATE TABLE shop.heir () INHERITS (shop.elder);
CREATE MATERIALIZED VIEW shop.m AS SELECT 1 AS a;
CREATE SEQUENCE shop.s;
CREATE VIEW shop.v AS SELECT t.id, t.a, u.n FROM shop.t JOIN shop.u ON u.t = t.id;
CREATE VIEW shop.vv WITH (security_barrier, security_invoker) AS SELECT a, sum(n) AS n FROM shop.v GROUP BY a;
CREATE VIEW shop.today AS SELECT * FROM shop.t WHERE d = CURRENT_DATE;
CREATE VIEW shop.over_bare AS SELECT v.id FROM shop.v JOIN shop.bare USING (id);
CREATE VIEW shop.ruled AS SELECT id, a FROM shop.t;
CREATE RULE put AS ON INSERT TO shop.ruled DO INSTEAD INSERT INTO shop.bare VALUES (NEW.id, NEW.a);
CREATE FUNCTION shop.fixed(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE
    AS $$ BEGIN PERFORM nextval('shop.s'); RETURN i; END $$;
CREATE FUNCTION shop.stable(i int) RETURNS int LANGUAGE sql STABLE AS 'SELECT a FROM shop.bare WHERE id = i';
CREATE FUNCTION shop.many() RETURNS SETOF shop.bare LANGUAGE sql STABLE AS 'SELECT * FROM shop.bare';
CREATE OPERATOR shop.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = shop.same);
CREATE AGGREGATE shop.sums (int) (SFUNC = shop.add, STYPE = int);
CREATE TYPE shop.odd AS (a int);
CREATE CAST (shop.odd AS text) WITH FUNCTION shop.odd_text(shop.odd);
CREATE DOMAIN shop.checked AS int CHECK (shop.stable(VALUE) IS NULL);
CREATE DOMAIN shop.day AS date;
CREATE TYPE shop.span AS RANGE (subtype = timestamptz);
CREATE TABLE shop."o'd ""d
x" (":relid" int PRIMARY KEY, ":funcid 1299" int, "$1" int);
"""
FUNCTIONS = """
CREATE FUNCTION shop.same(a int, b int) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT a = b';
CREATE FUNCTION shop.add(a int, b int) RETURNS int LANGUAGE sql STABLE AS 'SELECT a + b';
"""
MIRRORED = ("t", "u", "p", '"o\'d ""d\nx"')

KEPT: dict[str, list[str]] = {
    "SELECT 1": [],
    "SELECT b FROM t WHERE id = $1": ["shop.t"],
    "SELECT b FROM t WHERE id = $1;  -- the end; of it\n": ["shop.t"],
    "/* ; */ (SELECT ';' FROM t)": ["shop.t"],
    "TABLE u": ["shop.u"],
    "VALUES (1), ((SELECT max(id) FROM u))": ["shop.u"],
    "SELECT count(*) FROM vv": ["shop.t", "shop.u"],
    "SELECT * FROM ruled": ["shop.t"],
    "SELECT * FROM p": ["shop.p"],
    "SELECT * FROM p1": ["shop.p"],
    "WITH RECURSIVE r AS (SELECT id FROM t UNION SELECT u.id FROM r JOIN u ON u.t = r.id) TABLE r": [
        "shop.t",
        "shop.u",
    ],
    "SELECT 1 WHERE EXISTS (SELECT FROM t) OR 3 IN (SELECT id FROM u)": ["shop.t", "shop.u"],
    "SELECT t.id, x.n FROM t LEFT JOIN LATERAL (SELECT n FROM u WHERE u.t = t.id LIMIT 1) AS x ON true": [
        "shop.t",
        "shop.u",
    ],
    "SELECT g, (SELECT b FROM t WHERE id = g) FROM generate_series(1, 3) AS g": ["shop.t"],
    "SELECT a, row_number() OVER (ORDER BY at DESC), lag(b) OVER w FROM t WINDOW w AS (PARTITION BY a)": [
        "shop.t"
    ],
    "SELECT date_trunc('day', at), to_char(at, 'YYYY'), at::date, at::text, json_agg(t) FROM t GROUP BY at": [
        "shop.t"
    ],
    "SELECT id FROM t WHERE (at, id) > ($1, $2) AND at BETWEEN '2020-01-01' AND timestamptz '2021-01-01'": [
        "shop.t"
    ],
    "SELECT 'unknown today', known.b FROM t AS known": ["shop.t"],
    "SELECT count(*) FROM t WHERE d = '2020-01-01' AND b = 'unknown'": ["shop.t"],
    "SELECT fixed(1) FROM t WHERE fixed(2) = 2": ["shop.t"],
    "SELECT shop.fixed(a) FROM t UNION ALL SELECT id FROM u ORDER BY 1": ["shop.t", "shop.u"],
    "SELECT b::int, j ->> 'x', (j ->> 'n')::numeric, b ~ 'x', to_date(b, 'YYYY') FROM t": ["shop.t"],
    'SELECT x.":relid", x.":funcid 1299" AS ":commandType 3" FROM "o\'d ""d\nx" AS x': ["shop.o'd \"d\nx"],
    'SELECT count(*) AS ":hasForUpdate true" FROM t AS ":rowMarks ("': ["shop.t"],
    "SELECT 1 FROM t WHERE 'pg_class ; DROP' <> $$;DELETE FROM t; --$$": ["shop.t"],
}
REFUSED: dict[str, str] = {
    "SELECT * FROM bare": "shop.bare is not mirrored",
    "SELECT * FROM over_bare": "shop.bare is not mirrored",
    "SELECT * FROM heir": "shop.heir is not mirrored",
    "SELECT * FROM secret": "row-level security",
    "SELECT * FROM light": "unlogged",
    "SELECT * FROM m": "materialized view",
    "SELECT last_value FROM s": "part of the system or no table",
    "SELECT relname FROM pg_class": "part of the system",
    "SELECT * FROM information_schema.tables": "part of the system",
    "SELECT * FROM asymm.settings": "part of the system",
    "SELECT * FROM temporary": "is temporary",
    "SELECT * FROM u AS t, pg_temp.u": "is temporary",
    "SELECT * FROM nowhere": "42P01",
    "SELECT * FROM today": "asks for the time, the user",
    "SELECT CURRENT_USER FROM t": "asks for the time, the user",
    "SELECT now()": "function now() is STABLE",
    "SELECT id FROM t WHERE at > now() - interval '1 day'": "function now() is STABLE",
    "SELECT age(at) FROM t": "function age(timestamp with time zone) is STABLE",
    "SELECT random()": "VOLATILE",
    "SELECT gen_random_uuid()": "VOLATILE",
    "SELECT nextval('shop.s')": "names objects of the catalog",
    "SELECT currval('shop.s'::text::regclass)": "names objects",
    "SELECT current_setting('TimeZone')": "STABLE",
    "SELECT has_table_privilege('shop.t', 'SELECT')": "STABLE",
    "SELECT query_to_xml('SELECT 1', true, true, '')": "XML",
    "SELECT count(*) FROM t WHERE at < 'now'": "'now'",
    "SELECT count(*) FROM t WHERE d = date('  Yesterday')": "'now'",
    "SELECT count(*) FROM t WHERE d = 'tomorrow 10:00'": "'now'",
    "SELECT count(*) FROM t WHERE d = E'n\\x6fw'": "'now'",
    "SELECT count(*) FROM t WHERE d = 'no'\n'w'": "'now'",
    "SELECT count(*) FROM t WHERE d = $x$now$x$": "'now'",
    "SELECT count(*) FROM t WHERE d = U&'!006eow' UESCAPE '!'": "'now'",
    "SELECT count(*) FROM t WHERE at <@ '[today,tomorrow)'::shop.span": "'now'",
    "SELECT count(*) FROM t WHERE d = ANY ('{today}')": "'now'",
    "SELECT count(*) FROM t WHERE d = 'today'::day": "'now'",
    "SELECT b::date FROM t": "reads texts as dates",
    "SELECT (j ->> 'd')::timestamptz[] FROM t": "reads texts as dates",
    "SELECT * FROM jsonb_to_recordset('[]') AS r (d date)": "STABLE",
    "SELECT stable(a) FROM t": "function shop.stable(integer) is STABLE",
    "SELECT * FROM t, many()": "function shop.many() is STABLE",
    "SELECT * FROM t WHERE a OPERATOR(shop.===) 3": "function shop.same(integer,integer) is STABLE",
    "SELECT sums(a) FROM t": "function shop.add(integer,integer) is STABLE",
    "SELECT ROW(a)::shop.odd::text FROM t": "function shop.odd_text(shop.odd) is STABLE",
    "SELECT a::checked FROM t": "function shop.stable(integer) is STABLE",
    "SELECT * FROM t FOR UPDATE": "locks rows",
    "SELECT * FROM (SELECT * FROM t FOR SHARE) AS x": "locks rows",
    "SELECT * FROM t TABLESAMPLE SYSTEM (10)": "sample",
    "SELECT ctid FROM t": "system column",
    "SELECT t.id FROM t JOIN u ON u.xmin = t.xmin": "system column",
    "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x": "changes rows",
    "INSERT INTO t VALUES (1)": "not a SELECT",
    "DELETE FROM t": "not a SELECT",
    "SELECT 1 AS a INTO shop.made": "42",
    "RETURN 1": "42601",
    "END": "42601",
    "EXPLAIN SELECT 1": "42601",
    "SELECT 1; SELECT 2": "more than one statement",
    "SELECT 1; END; DROP TABLE shop.t; --": "more than one statement",
    "SELECT 1; COMMIT": "more than one statement",
    "SELECT $1 + $2": "42725",
    "SELECT * FROM t WHERE (": "42601",
    "SELECT '": "42601",
    "SELECT /*": "42601",
    "COPY shop.t TO STDOUT": "42601",
}


@pytest.fixture
def reader(db: Database) -> psycopg.Connection:
    scene = SCENE.replace("CREATE OPERATOR", FUNCTIONS + "CREATE OPERATOR", 1)
    scene = scene.replace(
        "CREATE CAST",
        "CREATE FUNCTION shop.odd_text(shop.odd) RETURNS text LANGUAGE sql STABLE AS 'SELECT ($1).a::text';"
        "CREATE CAST",
    )
    db.sql(scene)
    db.sql("SELECT asymm.create_mirror_login(%s)", db.role("mirror", "LOGIN REPLICATION"))
    for table in MIRRORED:
        db.sql("SELECT asymm.mirror(%s::regclass)", f"shop.{table}")
    role = db.role("reader", member_of=("asymm_reader",))
    db.sql(f"GRANT USAGE ON SCHEMA shop TO {role}")
    session = db.connect(user=role)
    session.execute("CREATE TEMP TABLE temporary (a int)")
    session.execute("SET search_path = shop, public")
    return session


def dependencies(session: psycopg.Connection, query: str, types: list[int] | None = None) -> tuple[Any, ...]:
    asked = session.execute(
        "SELECT cacheable, reason, remedy, tables, mirrors, epochs, types, clock_parameters"
        " FROM asymm.query_dependencies(%s, %s)",
        [query, types],
    )
    row = asked.fetchone()
    assert row is not None
    return row


def test_what_a_result_depends_on(db: Database, reader: psycopg.Connection) -> None:
    numbers = {
        name: (id, epoch)
        for name, id, epoch in db.sql(
            "SELECT format('%s.%s', schema_name, table_name), id, epoch FROM asymm._mirror_registry()"
        )
    }
    for query, tables in KEPT.items():
        kept, reason, remedy, found, mirrors, epochs, *_ = dependencies(reader, query)
        assert (kept, reason, remedy) == (True, None, None), (query, reason)
        assert sorted(found) == tables, query
        assert list(zip(mirrors, epochs, strict=True)) == [numbers[name] for name in found], query
    # An IMMUTABLE function of constants is run by planning; here nothing is.
    assert db.value("SELECT is_called FROM shop.s") is False


def test_what_cannot_be_kept(db: Database, reader: psycopg.Connection) -> None:
    reader.execute("CREATE TEMP TABLE u (id int)")
    for query, why in REFUSED.items():
        kept, reason, remedy, *_ = dependencies(reader, query)
        assert kept is False, query
        assert why in reason, query
        assert remedy, query
    assert dependencies(reader, "SELECT * FROM bare")[2] == "SELECT * FROM asymm.mirror('shop.bare')"
    # Nothing was left.
    left = "SELECT count(*) FROM pg_proc WHERE proname = 'asymm_reads'"
    assert db.value(left) == 0
    assert reader.execute(
        "SELECT count(*) FROM pg_prepared_statements WHERE name = 'asymm_reads'"
    ).fetchone() == (0,)
    assert reader.execute("SHOW search_path").fetchone() == ("shop, public",)
    assert db.value("SELECT count(*) FROM pg_class WHERE relname = 'made'") == 0


def test_parameters(reader: psycopg.Connection) -> None:
    """Types that are not given are found; those that take 'now' are told."""
    integer, day, text = 23, 1082, 25
    assert dependencies(reader, "SELECT b FROM t WHERE id = $1 AND d < $2")[6:] == ([integer, day], [2])
    assert dependencies(reader, "SELECT $1 + $2", [integer, 0])[0::6] == (True, [integer, integer])
    assert dependencies(reader, "SELECT b || $1 FROM t", [text])[6:] == ([text], [])
    assert dependencies(reader, "SELECT d FROM t WHERE at <@ $1::shop.span AND d = ANY ($2)")[7] == [1, 2]


def test_what_is_declared_decides(db: Database, reader: psycopg.Connection) -> None:
    query = "SELECT count(*) FROM v"
    assert dependencies(reader, query)[0] is True
    db.sql("ALTER TABLE shop.u DROP CONSTRAINT u_pkey CASCADE")
    assert "shop.u is not mirrored from here any more: it has no primary key" in str(
        dependencies(reader, query)[1]
    )
    db.sql("SELECT asymm.unmirror('shop.u')")
    assert "shop.u is not mirrored" in str(dependencies(reader, query)[1])


def test_where_it_cannot_be_asked(db: Database, reader: psycopg.Connection) -> None:
    reader.execute("SET default_transaction_read_only = on")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="cannot be asked here") as raised:
        dependencies(reader, "SELECT 1")
    assert "Ask the primary" in str(raised.value.diag.message_hint)
    plain = db.connect(user=db.role("plain"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        dependencies(plain, "SELECT 1")
    for query in (None, " \n"):
        with pytest.raises((psycopg.errors.NullValueNotAllowed, psycopg.errors.InvalidParameterValue)):
            db.own.execute("SELECT asymm.query_dependencies(%s)", [query])
