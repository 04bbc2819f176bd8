"""Shapes of queries whose complexity class is known, over tables of any size."""

from __future__ import annotations

from typing import NamedTuple

# n orders and items, a tenth as many customers, tables that do not grow, a tree, and a table in parts. What
# is looked up grows with the tables; what is a share (status, region, product) stays one.
TABLES = """
    CREATE TABLE region (id int PRIMARY KEY, name text);
    CREATE TABLE product (id int PRIMARY KEY, price int);
    CREATE TABLE customer (id int PRIMARY KEY, email text UNIQUE, region int, level int);
    CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customer, status int, placed int,
                         amount int, reference text, product int, doc jsonb);
    CREATE TABLE item (order_id int, no int, product int, quantity int, PRIMARY KEY (order_id, no));
    CREATE TABLE tree (id int PRIMARY KEY, parent int, weight int);
    CREATE TABLE event (id int, at int, kind int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (250);
    CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (250) TO (500);
    CREATE TABLE event_3 PARTITION OF event FOR VALUES FROM (500) TO (750);
    CREATE TABLE event_4 PARTITION OF event FOR VALUES FROM (750) TO (1000);
    INSERT INTO region SELECT g, 'r' || g FROM generate_series(1, 5) AS g;
    INSERT INTO product SELECT g, g FROM generate_series(1, 50) AS g;
    INSERT INTO customer SELECT g, g || '@x', 1 + g % 5, g % 3 FROM generate_series(1, {n} / 10) AS g;
    INSERT INTO orders SELECT g, 1 + g::bigint * 7919 % ({n} / 10), g % 4, g, g::bigint * 7919 % 1000,
                              'r' || g, 1 + g % 50, jsonb_build_object('a', g)
      FROM generate_series(1, {n}) AS g;
    INSERT INTO item SELECT g / 2, g % 2, 1 + g % 50, g % 9 FROM generate_series(1, {n}) AS g;
    INSERT INTO tree SELECT g, NULLIF(g / 2, 0), g % 10 FROM generate_series(1, {n}) AS g;
    INSERT INTO event SELECT g, g::bigint * 7919 % 1000, g % 4 FROM generate_series(1, {n}) AS g;
    CREATE INDEX ON orders (customer);
    CREATE INDEX ON orders (placed);
    CREATE INDEX ON orders (status, placed);
    CREATE INDEX ON orders (lower(reference));
    CREATE INDEX ON orders USING gin (doc);
    CREATE INDEX ON orders USING brin (amount);
    CREATE INDEX ON tree (parent);
    CREATE INDEX ON item (product);
    ANALYZE region, product, customer, orders, item, tree, event;
"""

# A class, then its queries; behind -- the values of parameters (of n, if they have a point), or that
# only a large table tells.
_SHAPES = """
O(1)
    SELECT 1
    SELECT count(*) FROM generate_series(1, 100)
    SELECT * FROM (VALUES (1), (2), (3)) AS v (a) ORDER BY a
    SELECT * FROM orders LIMIT 10
    SELECT * FROM orders LIMIT $1  -- 0.0
    SELECT * FROM orders WHERE status = 2 LIMIT 5
    SELECT * FROM orders WHERE ctid = '(0,1)'
    SELECT EXISTS (SELECT FROM orders WHERE amount > 10)
    WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 50) SELECT sum(i) FROM
        r
    SELECT now()
    SELECT * FROM item LIMIT 3 OFFSET 2
    SELECT * FROM orders TABLESAMPLE SYSTEM (1) LIMIT 1
    SELECT unnest(ARRAY[1,2,3])
    SELECT a.id FROM tree AS a, tree AS b LIMIT 5
    (SELECT id FROM orders LIMIT 1) UNION ALL (SELECT id FROM tree LIMIT 1)
    SELECT * FROM (SELECT * FROM orders LIMIT 10) AS x ORDER BY amount
O(log n)
    SELECT o.id, p.price FROM orders AS o JOIN product AS p ON p.id = o.product LIMIT 20
    SELECT * FROM orders WHERE id = $1  -- 0.5
    SELECT * FROM orders WHERE id = 77
    SELECT * FROM orders WHERE id IN (3, 5, 77)
    SELECT * FROM customer WHERE email = '77@x'
    SELECT * FROM customer WHERE email = $1  -- 77@x
    SELECT count(*) FROM orders WHERE customer = $1  -- 0.05
    SELECT * FROM orders ORDER BY id LIMIT 10
    SELECT * FROM orders ORDER BY placed DESC LIMIT 10
    SELECT * FROM orders WHERE id > $1 ORDER BY id LIMIT 10  -- 0.5
    SELECT * FROM orders WHERE status = $1 ORDER BY placed LIMIT 10  -- 2
    SELECT min(placed), max(placed) FROM orders
    SELECT max(id) FROM orders WHERE id < $1  -- 0.5
    SELECT * FROM orders WHERE lower(reference) = 'r77'
    SELECT * FROM item WHERE order_id = $1  -- 0.1
    SELECT * FROM item WHERE order_id = $1 AND no = 1  -- 0.1
    SELECT * FROM orders AS o JOIN customer AS c ON c.id = o.customer WHERE o.id = $1  -- 0.3
    SELECT o.*, i.* FROM orders AS o JOIN item AS i ON i.order_id = o.id WHERE o.id = $1  -- 0.2
    SELECT * FROM orders AS o JOIN product AS p ON p.id = o.product WHERE o.id = $1  -- 0.2
    SELECT * FROM orders AS o WHERE o.id = $1 AND EXISTS (SELECT FROM item AS i WHERE i.order_id =
        o.id)  -- 0.2
    SELECT (SELECT email FROM customer AS c WHERE c.id = o.customer) FROM orders AS o WHERE o.id =
        $1  -- 0.2
    SELECT * FROM orders WHERE id BETWEEN 50 AND 60  -- large
    SELECT * FROM orders WHERE id = $1 OR id = $2  -- 0.1, 0.2
    WITH RECURSIVE up AS (SELECT * FROM tree WHERE id = $1 UNION ALL SELECT t.* FROM tree AS t JOIN
        up ON t.id = up.parent) SELECT count(*) FROM up  -- 1.0
    SELECT * FROM event WHERE id = $1  -- 0.3
    SELECT * FROM generate_series(1, 5) AS g JOIN orders AS o ON o.id = g
    SELECT * FROM orders AS o, LATERAL (SELECT * FROM item AS i WHERE i.order_id = o.id LIMIT 1) AS
        l WHERE o.id = $1  -- 0.3
    UPDATE orders SET amount = amount WHERE id = $1  -- 0.3
    SELECT * FROM orders WHERE doc @> '{"a": 77}'  -- large
    SELECT c.email, count(*) FROM customer AS c JOIN orders AS o ON o.customer = c.id WHERE c.id =
        $1 GROUP BY c.email  -- 0.05
    SELECT * FROM orders WHERE id = ANY($1)  -- {3,4}
    DELETE FROM item WHERE order_id = $1 AND no = 0  -- 0.1
    INSERT INTO tree VALUES ($1, 1, 1) ON CONFLICT DO NOTHING  -- 0.1
    SELECT * FROM tree WHERE parent = $1 ORDER BY weight  -- 0.1
    SELECT *, row_number() OVER (ORDER BY placed) FROM orders WHERE customer = $1  -- 0.05
    SELECT * FROM orders WHERE status = $1 ORDER BY placed DESC LIMIT 1  -- 1
    SELECT coalesce((SELECT max(placed) FROM orders WHERE status = 3), 0)
    SELECT o.* FROM customer AS c JOIN orders AS o ON o.customer = c.id JOIN item AS i ON i.order_id
        = o.id WHERE c.email = $1  -- 77@x
    SELECT id FROM orders WHERE customer = $1 EXCEPT SELECT id FROM orders WHERE
        customer = $2  -- 0.01, 0.02
    SELECT EXISTS (SELECT FROM orders WHERE customer = $1)  -- 0.05
    SELECT * FROM (SELECT * FROM orders WHERE customer = $1 OFFSET 0) AS x WHERE amount > 5  -- 0.05
    SELECT * FROM event WHERE id = $1 AND at = $2  -- 0.1, 7
    SELECT t.id, p.id, g.id FROM tree AS t JOIN tree AS p ON p.id = t.parent JOIN tree AS g ON g.id
        = p.parent WHERE t.id = $1  -- 0.5
    SELECT * FROM orders WHERE customer = $1 AND status = $2  -- 0.05, 1
    SELECT * FROM customer AS c LEFT JOIN region AS r ON r.id = c.region WHERE c.id = $1  -- 0.05
    WITH x AS (SELECT * FROM orders WHERE id = $1) SELECT * FROM x, item AS i WHERE i.order_id =
        x.id  -- 0.3
    SELECT * FROM orders WHERE (id, placed) = ($1, $2)  -- 0.3, 0.3
    SELECT * FROM orders ORDER BY id DESC LIMIT 10 OFFSET 20
    SELECT DISTINCT status FROM orders WHERE id < 5  -- large
O(n)
    SELECT count(*) FROM orders
    SELECT * FROM orders WHERE reference = 'r77'
    SELECT * FROM orders WHERE amount > 500
    SELECT count(*) FROM orders WHERE status = $1  -- 2
    SELECT sum(amount) FROM orders WHERE placed > $1  -- 0.5
    SELECT sum(quantity) FROM item WHERE product = $1  -- 7
    SELECT status, count(*) FROM orders GROUP BY status
    SELECT DISTINCT status FROM orders
    SELECT * FROM orders ORDER BY amount LIMIT 10
    SELECT * FROM orders ORDER BY amount, id LIMIT $1  -- 0.0
    SELECT max(amount) FROM orders WHERE product = 7
    SELECT count(*) FROM orders AS o JOIN customer AS c ON c.id = o.customer
    SELECT p.id, sum(o.amount) FROM orders AS o JOIN product AS p ON p.id = o.product GROUP BY p.id
    SELECT count(*) FROM orders AS o WHERE EXISTS (SELECT FROM item AS i WHERE i.order_id = o.id)
    SELECT count(*) FROM orders AS o WHERE o.customer NOT IN (SELECT id FROM customer WHERE level =
        1)
    SELECT c.region, count(*) FROM orders AS o JOIN customer AS c ON c.id = o.customer GROUP BY
        c.region
    SELECT count(*) FROM orders AS o JOIN region AS r ON r.id = o.status
    SELECT count(*) FROM event WHERE kind = 2
    SELECT count(*) FROM event WHERE at < 300
    SELECT * FROM orders WHERE reference LIKE '%77%'
    WITH x AS MATERIALIZED (SELECT * FROM orders) SELECT count(*) FROM x WHERE status = 1
    SELECT count(*) FROM orders UNION ALL SELECT count(*) FROM item
    SELECT * FROM orders WHERE status = 1 OFFSET 0
    SELECT count(*) FROM orders WHERE id % 2 = 0
    SELECT count(*) FROM orders, (VALUES (1), (2), (3)) AS v (a) WHERE amount > a
    SELECT amount FROM orders WHERE amount = (SELECT max(amount) FROM orders)
    SELECT * FROM orders
    SELECT * FROM orders WHERE id <> $1  -- 0.5
    SELECT * FROM orders WHERE customer + 0 = $1  -- 0.05
    SELECT product, max(amount) FROM orders GROUP BY product ORDER BY 2 DESC LIMIT 3
    SELECT customer, sum(amount) FROM orders GROUP BY customer
    SELECT count(*) FILTER (WHERE status = 1) FROM orders
    SELECT * FROM orders AS o LEFT JOIN customer AS c ON c.id = o.customer WHERE c.level = 1
    SELECT count(*) FROM orders WHERE product IN (SELECT id FROM product WHERE price > 40)
    SELECT * FROM orders WHERE amount IS NULL
    SELECT * FROM tree AS t WHERE NOT EXISTS (SELECT FROM tree AS c WHERE c.parent = t.id)
    SELECT count(*) FROM (SELECT DISTINCT customer FROM orders) AS x
    SELECT avg(amount) FROM orders WHERE placed BETWEEN $1 AND $2  -- 0.1, 0.2
    SELECT * FROM orders WHERE reference = $1 ORDER BY id LIMIT 1  -- r77
    SELECT region, level, count(*) FROM customer GROUP BY GROUPING SETS ((region), (level))
    SELECT status FROM orders UNION SELECT region FROM customer
    SELECT * FROM item AS i JOIN orders AS o ON o.id = i.order_id JOIN customer AS c ON c.id =
        o.customer WHERE c.region = 1
    SELECT a.id, l.c FROM tree AS a, LATERAL (SELECT count(*) AS c FROM tree AS b WHERE b.weight >
        a.weight) AS l
O(n log n)
    SELECT * FROM orders ORDER BY amount, reference
    SELECT amount, count(*) OVER (PARTITION BY customer ORDER BY amount DESC) FROM orders
    SELECT count(DISTINCT reference) FROM orders
    SELECT string_agg(reference, ',' ORDER BY amount) FROM orders
    SELECT o.id, (SELECT count(*) FROM item AS i WHERE i.order_id = o.id) FROM orders AS o
    SELECT c.id, l.id FROM customer AS c, LATERAL (SELECT id FROM orders AS o WHERE o.customer =
        c.id LIMIT 1) AS l
    WITH RECURSIVE down AS (SELECT * FROM tree WHERE id = 1 UNION ALL SELECT t.* FROM tree AS t JOIN
        down ON t.parent = down.id) SELECT count(*) FROM down
    SELECT rank() OVER (ORDER BY amount, reference) FROM orders
    UPDATE customer SET level = level WHERE region = 2
    SELECT * FROM item ORDER BY quantity, product, order_id
    SELECT c.id, (SELECT max(o.placed) FROM orders AS o WHERE o.customer = c.id) FROM
        customer AS c  -- large
    SELECT array_agg(DISTINCT amount) FROM orders
    SELECT o.id FROM orders AS o ORDER BY amount DESC, reference OFFSET 5
    SELECT lag(amount) OVER (PARTITION BY product ORDER BY reference) FROM orders
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) FROM orders
O(n^2)
    SELECT count(*) FROM tree AS a, tree AS b WHERE a.id < b.parent
    SELECT count(*) FROM tree AS a CROSS JOIN tree AS b
    SELECT a.id, (SELECT count(*) FROM tree AS b WHERE b.id % 7 = a.weight) FROM tree AS a
    SELECT count(*) FROM orders AS a JOIN orders AS b ON a.status = b.status
    SELECT a.id FROM orders AS a WHERE NOT EXISTS (SELECT FROM orders AS b WHERE b.amount > a.amount
        + 1000 + b.status)
    SELECT a.id, l.c FROM tree AS a, LATERAL (SELECT count(*) AS c FROM tree AS b WHERE b.weight >
        a.id % 11) AS l
    SELECT count(*) FROM tree AS a JOIN tree AS b ON a.weight = b.weight
    SELECT count(*) FROM tree AS a JOIN tree AS b ON b.id BETWEEN a.id AND a.id + a.parent
    SELECT a.id, (SELECT count(*) FROM tree AS b WHERE b.weight = a.id % 10) FROM tree AS a
    SELECT a.id FROM customer AS a WHERE a.level > ALL (SELECT b.level + a.region FROM customer AS b
        WHERE b.id % 9 = 0)
"""


class Shape(NamedTuple):
    """A query, its class, the values of its parameters, and whether only a large table tells its class."""

    cost: str
    query: str
    values: tuple[float | str, ...]
    large: bool


def _read(text: str) -> list[Shape]:
    shapes: list[Shape] = []
    cost = ""
    for line in text.strip().splitlines():
        query, _, notes = line.strip().partition("-- ")
        if not line.startswith(" "):
            cost = line
            continue
        if line.startswith(" " * 8):
            query = f"{shapes.pop().query} {query}"
        values = [note for note in notes.split(", ") if note not in ("", "large")]
        read = tuple(float(value) if "." in value else value for value in values)
        shapes.append(Shape(cost, query.strip(), read, "large" in notes))
    return shapes


SHAPES = _read(_SHAPES)
