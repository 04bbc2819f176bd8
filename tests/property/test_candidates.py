"""The indexes that are tried for a query are those an expert would try, and every one of them can be made."""

from __future__ import annotations

import json

import psycopg
import pytest

from support.database import Database

SHOP = """
    CREATE EXTENSION pg_trgm;
    CREATE TABLE customer (id int PRIMARY KEY, email varchar(200), name text, city text, doc jsonb,
                           tags text[], active bool, joined timestamp, seen timestamptz, body text,
                           place point);
    CREATE TABLE "Order" (id int PRIMARY KEY, customer int NOT NULL REFERENCES customer, status text,
                          at timestamp, total numeric, paid bool, note text, deleted timestamp,
                          during tsrange, parent int);
    CREATE TABLE item ("order" int REFERENCES "Order", product int, count int, price numeric,
                       PRIMARY KEY ("order", product));
    CREATE TABLE event (at timestamp NOT NULL, kind text, who int, value int) PARTITION BY RANGE (at);
    CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
    CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
    INSERT INTO customer SELECT g, 'u' || g || '@x.org', 'n' || g, 'c' || g % 200, '{"k": 1}', '{a,b}',
                                g % 50 = 0, '2024-01-01'::timestamp + g * interval '1 h', now(), 'some text',
                                point(g, g)
      FROM generate_series(1, 4000) AS g;
    INSERT INTO "Order" SELECT g, 1 + g % 4000, CASE WHEN g % 100 = 0 THEN 'open' ELSE 'done' END,
                               '2024-01-01'::timestamp + g % 9000 * interval '1 h', g, g % 30 <> 0, 'n',
                               NULL, NULL, g / 2
      FROM generate_series(1, 20000) AS g;
    UPDATE "Order" SET deleted = at WHERE id % 40 > 0;
    INSERT INTO item SELECT g, p, 1, 2 FROM generate_series(1, 10000) AS g, generate_series(1, 2) AS p;
    INSERT INTO event SELECT '2024-01-01'::timestamp + g * interval '20 min', 'k' || g % 50, g % 900, g
      FROM generate_series(1, 20000) AS g;
    ANALYZE;
"""

# A statement, and what must be among its candidates: table, keys, and what follows.
SHAPES: list[tuple[str, list[str]]] = [
    # A shop.
    ("SELECT * FROM customer WHERE email = $1", ["customer (email)"]),
    ("SELECT * FROM customer WHERE lower(email) = $1", ["customer ((lower((email)::text)))"]),
    (
        "SELECT * FROM customer WHERE city = $1 AND name = $2",
        ["customer (name, city)", "customer (name)", "customer (city)"],
    ),
    ("SELECT name FROM customer WHERE city = $1", ["customer (city)", "customer (city) INCLUDE (name)"]),
    (
        'SELECT * FROM "Order" WHERE customer = $1 ORDER BY at DESC LIMIT 10',
        ['"Order" (customer, at)', '"Order" (at)', '"Order" (customer)'],
    ),
    (
        "SELECT * FROM \"Order\" WHERE status = 'open' AND at < $1",
        ['"Order" (status, at)', "\"Order\" (at) WHERE (status = 'open'::text)"],
    ),
    (
        "SELECT id FROM \"Order\" WHERE status <> 'done'",
        ["\"Order\" (status) INCLUDE (id) WHERE (status <> 'done'::text)"],
    ),
    (
        'SELECT * FROM "Order" WHERE NOT paid AND customer = $1',
        ['"Order" (customer) WHERE (NOT paid)', '"Order" (customer, paid)'],
    ),
    (
        'SELECT * FROM "Order" WHERE deleted IS NULL AND customer = $1',
        ['"Order" (customer) WHERE (deleted IS NULL)'],
    ),
    (
        "SELECT * FROM customer WHERE active ORDER BY joined",
        ["customer (joined) WHERE active", "customer (active, joined)"],
    ),
    ('SELECT * FROM "Order" WHERE id = ANY ($1) AND status = ANY ($2)', ['"Order" (status)']),
    (
        'SELECT * FROM "Order" WHERE customer IN (1, 2, 3) AND at BETWEEN $1 AND $2',
        ['"Order" (customer, at)'],
    ),
    ('SELECT * FROM "Order" WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT 20', ['"Order" (at, id)']),
    (
        'SELECT * FROM customer AS c JOIN "Order" AS o ON o.customer = c.id WHERE c.city = $1',
        ["customer (city)", '"Order" (customer)'],
    ),
    (
        'SELECT c.name, i.count FROM customer AS c JOIN "Order" AS o ON o.customer = c.id'
        ' JOIN item AS i ON i."order" = o.id'
        " WHERE o.status = $1 AND i.product = $2",
        [
            '"Order" (status, customer)',
            '"Order" (customer, status)',
            "item (product)",
            'item (product, "order")',
        ],
    ),
    ('UPDATE "Order" SET status = $1 WHERE customer = $2 AND status = $3', ['"Order" (customer, status)']),
    ("DELETE FROM customer WHERE id = $1", ['"Order" (customer)']),
    ('SELECT count(*) FROM "Order" WHERE at > $1', ['"Order" (at)']),
    ("SELECT * FROM customer ORDER BY city DESC, name LIMIT 5", ["customer (city, name DESC)"]),
    ("SELECT * FROM customer ORDER BY city DESC NULLS LAST LIMIT 5", ["customer (city NULLS FIRST)"]),
    ('SELECT max(at) FROM "Order" WHERE customer = $1', ['"Order" (customer, at)']),
    ('SELECT * FROM "Order" WHERE customer = $1 FOR UPDATE', ['"Order" (customer)']),
    # Reports.
    ("SELECT city, count(*) FROM customer GROUP BY city", ["customer (city)"]),
    (
        "SELECT date_trunc('day', at), sum(total) FROM \"Order\" WHERE at >= $1 GROUP BY 1",
        ['"Order" (at) INCLUDE (total)', "\"Order\" ((date_trunc('day'::text, at)))"],
    ),
    ('SELECT * FROM "Order" WHERE at::date = $1', ['"Order" (((at)::date))']),
    ('SELECT * FROM "Order" WHERE extract(year FROM at) = 2024', ['"Order" ((EXTRACT(year FROM at)))']),
    ('SELECT id, rank() OVER (PARTITION BY customer ORDER BY at) FROM "Order"', ['"Order" (customer, at)']),
    (
        'SELECT DISTINCT ON (customer) customer, at FROM "Order" ORDER BY customer, at DESC',
        ['"Order" (customer, at DESC)'],
    ),
    # Documents, lists, words.
    ("SELECT * FROM customer WHERE doc ->> 'k' = $1", ["customer ((doc ->> 'k'::text))"]),
    ("SELECT * FROM customer WHERE (doc ->> 'n')::int > $1", ["customer ((((doc ->> 'n'::text))::integer))"]),
    ("SELECT * FROM customer WHERE doc @> '{\"k\": 2}'", ["customer USING gin (doc)"]),
    ("SELECT * FROM customer WHERE tags && $1", ["customer USING gin (tags)"]),
    ("SELECT * FROM customer WHERE '{x}' <@ tags", ["customer USING gin (tags)"]),
    (
        "SELECT id FROM customer WHERE to_tsvector('english', body) @@ to_tsquery('english', $1)",
        ["customer USING gin ((to_tsvector('english'::regconfig, body)))"],
    ),
    ("SELECT * FROM customer WHERE name LIKE '%x%'", ["customer USING gin (name public.gin_trgm_ops)"]),
    ("SELECT * FROM customer WHERE email ILIKE $1", ["customer USING gin (email public.gin_trgm_ops)"]),
    ("SELECT * FROM customer WHERE name LIKE 'ab%'", ["customer (name text_pattern_ops)"]),
    ('SELECT * FROM "Order" WHERE during && tsrange($1, $2)', ['"Order" USING gist (during)']),
    ("SELECT id FROM customer ORDER BY place <-> '(1,1)' LIMIT 3", ["customer USING gist (place)"]),
    # Parts of statements.
    (
        'SELECT * FROM "Order" AS a JOIN "Order" AS b ON a.parent = b.customer'
        " WHERE a.status = $1 AND b.note = $2",
        ['"Order" (parent)', '"Order" (customer)', '"Order" (status, parent)', '"Order" (note, customer)'],
    ),
    (
        "WITH x AS MATERIALIZED (SELECT * FROM customer WHERE city = $1) SELECT * FROM x WHERE name = $2",
        ["customer (city)"],
    ),
    (
        'SELECT * FROM customer AS c WHERE EXISTS (SELECT FROM "Order" AS o'
        " WHERE o.customer = c.id AND o.total > $1)",
        ['"Order" (customer, total)'],
    ),
    (
        'SELECT name, (SELECT max(at) FROM "Order" AS o WHERE o.customer = c.id) FROM customer AS c'
        " WHERE city = $1",
        ["customer (city)", '"Order" (customer, at)'],
    ),
    ("SELECT * FROM customer WHERE city = $1 OR email = $2", ["customer (city)", "customer (email)"]),
    (
        'SELECT id FROM customer WHERE city = $1 UNION ALL SELECT id FROM "Order" WHERE note = $2',
        ["customer (city)", '"Order" (note)'],
    ),
    ("SELECT value FROM event WHERE kind = $1 AND who = $2", ["event (who, kind)", "event (kind)"]),
    ("SELECT * FROM event WHERE kind = $1 ORDER BY at DESC LIMIT 5", ["event (kind, at)", "event (at)"]),
    (
        'SELECT * FROM customer AS c, LATERAL (SELECT * FROM "Order" AS o WHERE o.customer = c.id'
        " ORDER BY at DESC LIMIT 1) AS l",
        ['"Order" (customer, at)'],
    ),
]

# What no index is for.
NOTHING = [
    "SELECT * FROM customer",
    "SELECT * FROM customer WHERE id = $1",
    'SELECT * FROM item WHERE "order" = $1 AND product = $2',
    'SELECT * FROM item WHERE "order" = $1',
    "SELECT * FROM customer WHERE seen + $1 > now()",
    "SELECT * FROM customer WHERE date_trunc('day', seen) = $1",
    "SELECT * FROM customer WHERE city = name",
    "SELECT * FROM customer WHERE city <> $1",
    "SELECT * FROM pg_class WHERE relname = $1",
    "INSERT INTO customer (id) VALUES ($1)",
    "SELECT random() WHERE $1 > 3",
]

CANDIDATES = """
    SELECT format('%%s%%s (%%s)%%s%%s', substr(c.relid::regclass::text, 8),
                  CASE WHEN c.method <> 'btree' THEN ' USING ' || c.method ELSE '' END,
                  c.keys, c.include, c.predicate),
           format('CREATE INDEX ON %%s USING %%s (%%s)%%s%%s', c.relid::regclass, c.method, c.keys, c.include,
                  c.predicate)
      FROM (SELECT c.relid, c.method, array_to_string(c.keys, ', ') AS keys,
                   ' WHERE ' || c.predicate AS predicate,
                   ' INCLUDE (' || NULLIF(array_to_string(c.include, ', '), '') || ')' AS include
              FROM asymm._index_candidates(%s::jsonb) AS c) AS c
"""


def candidates(session: psycopg.Connection, statement: str) -> dict[str, str]:
    """Return the candidates of a statement in short, with the command that makes each."""
    cursor = session.execute("SELECT asymm._plan_statement(%s, 'public')", [statement])
    ((found,),) = cursor.fetchall()
    assert "plan" in found, found
    session.execute("SET search_path = pg_catalog")
    rows = session.execute(CANDIDATES, [json.dumps(found["plan"])]).fetchall()
    return dict(rows)


@pytest.fixture
def shop(db: Database) -> psycopg.Connection:
    db.sql(SHOP)
    return db.connect()


def test_what_an_expert_would_try_is_tried(shop: psycopg.Connection) -> None:
    missing = {}
    for statement, expected in SHAPES:
        found = candidates(shop, statement)
        if lacking := set(expected) - set(found):
            missing[statement] = (lacking, sorted(found))
    assert missing == {}


def test_every_candidate_can_be_made_and_is_none_then(shop: psycopg.Connection) -> None:
    """CREATE INDEX takes each as it stands; what is there isn't proposed again."""
    shop.execute("SET client_min_messages = error")
    commands = {command for statement, _ in SHAPES for command in candidates(shop, statement).values()}
    assert len(commands) > 80
    for command in sorted(commands):
        shop.execute(command.encode())
    assert {s: c for s, _ in SHAPES if (c := candidates(shop, s))} == {}


def test_nothing_where_no_index_helps(shop: psycopg.Connection) -> None:
    assert {s: c for s in NOTHING if (c := candidates(shop, s))} == {}


def test_what_an_index_is_read_for_the_order_of(shop: psycopg.Connection) -> None:
    """A plan without a sort, since an index serves the order, wants it all the same, behind the equality."""
    shop.execute('CREATE INDEX ON "Order" (at); CREATE INDEX ON "Order" (total DESC NULLS LAST)')
    for order, keys in (("at DESC", "at"), ("at", "at"), ("total DESC NULLS LAST", "total NULLS FIRST")):
        found = candidates(shop, f'SELECT * FROM "Order" WHERE status = $1 ORDER BY {order} LIMIT 10')
        assert f'"Order" (status, {keys})' in found, (order, sorted(found))


def test_what_rows_are_ordered_by_is_not_only_carried(shop: psycopg.Connection) -> None:
    """As large as the one that has it among its keys, which hands out the first rows and reads no more."""
    found = candidates(shop, 'SELECT at, total FROM "Order" WHERE customer = $1 ORDER BY at DESC LIMIT 5')
    assert '"Order" (customer, at) INCLUDE (total)' in found, sorted(found)
    assert not [index for index in found if index.startswith('"Order" (customer) INCLUDE')]
