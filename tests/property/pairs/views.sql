=== reports over orders
CREATE TABLE orders (id integer PRIMARY KEY, customer text, total numeric(10,2), state text DEFAULT 'new', placed date);
CREATE TABLE line (order_id integer REFERENCES orders, sku text, pieces integer);
CREATE VIEW open_orders AS SELECT id, customer, total FROM orders WHERE state = 'new';
CREATE VIEW totals AS SELECT customer, sum(total) AS total, count(*) AS orders FROM open_orders GROUP BY customer;
COMMENT ON VIEW open_orders IS 'to be done';
GRANT SELECT ON open_orders TO app_reader;
--- another condition
CREATE OR REPLACE VIEW open_orders AS SELECT id, customer, total FROM orders WHERE state IN ('new', 'paid');
--- a column more at the end
CREATE OR REPLACE VIEW open_orders AS SELECT id, customer, total, placed FROM orders WHERE state = 'new';
--- a column in the middle, under another view
DROP VIEW totals, open_orders;
CREATE VIEW open_orders AS SELECT id, placed, customer, total FROM orders WHERE state = 'new';
CREATE VIEW totals AS SELECT customer, sum(total) AS total, count(*) AS orders FROM open_orders GROUP BY customer;
COMMENT ON VIEW open_orders IS 'to be done';
GRANT SELECT ON open_orders TO app_reader;
--- a column renamed by the view
ALTER VIEW open_orders RENAME COLUMN total TO amount;
--- a column of another type, under another view
DROP VIEW totals, open_orders;
CREATE VIEW open_orders AS SELECT id::text AS id, customer, total FROM orders WHERE state = 'new';
CREATE VIEW totals AS SELECT customer, sum(total) AS total, count(*) AS orders FROM open_orders GROUP BY customer;
--- the column of the table retyped under both
DROP VIEW totals, open_orders;
ALTER TABLE orders ALTER total TYPE numeric(14,4);
CREATE VIEW open_orders AS SELECT id, customer, total FROM orders WHERE state = 'new';
CREATE VIEW totals AS SELECT customer, sum(total) AS total, count(*) AS orders FROM open_orders GROUP BY customer;
COMMENT ON VIEW open_orders IS 'to be done';
GRANT SELECT ON open_orders TO app_reader;
--- the column of the table renamed under both
ALTER TABLE orders RENAME customer TO buyer;
--- the column of the table dropped
DROP VIEW totals, open_orders;
ALTER TABLE orders DROP customer;
--- dropped, the one above it
DROP VIEW totals;
--- both dropped
DROP VIEW totals, open_orders;
--- all dropped
DROP VIEW totals, open_orders;
DROP TABLE line, orders;
--- renamed
ALTER VIEW open_orders RENAME TO pending_orders;
--- new ones, on each other
CREATE VIEW a AS SELECT * FROM orders;
CREATE VIEW b AS SELECT a.id, l.sku FROM a JOIN line AS l ON l.order_id = a.id;
CREATE VIEW c AS SELECT b.*, o.total FROM b LEFT JOIN totals AS o ON o.orders = b.id WHERE false;
--- new ones with every clause
CREATE VIEW v1 AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i FROM n;
CREATE VIEW v2 AS SELECT customer, total, rank() OVER (PARTITION BY customer ORDER BY total DESC) AS place FROM orders;
CREATE VIEW v3 AS SELECT DISTINCT ON (customer) customer, id FROM orders ORDER BY customer, placed DESC LIMIT 10;
CREATE VIEW v4 AS SELECT id, CASE WHEN total > 100 THEN 'big' WHEN total IS NULL THEN NULL ELSE 'small' END AS size FROM orders
    UNION ALL SELECT order_id, sku FROM line WHERE sku NOT IN ('a', 'b') AND pieces BETWEEN 1 AND 10;
CREATE VIEW v5 AS SELECT o.id, x.n FROM orders AS o CROSS JOIN LATERAL (SELECT count(*) AS n FROM line AS l WHERE l.order_id = o.id) AS x
    WHERE EXISTS (SELECT 1 FROM line WHERE line.order_id = o.id AND sku LIKE 'x%');
CREATE VIEW v6 AS SELECT customer, array_agg(id ORDER BY placed) FILTER (WHERE total > 0) AS ids, percentile_cont(0.5) WITHIN GROUP (ORDER BY total)
    FROM orders GROUP BY GROUPING SETS ((customer), ()) HAVING count(*) > 1;
--- security barrier
ALTER VIEW open_orders SET (security_barrier = true);
--- security invoker
ALTER VIEW open_orders SET (security_invoker = true);
--- check option
-- old
CREATE VIEW cheap AS SELECT id, total FROM orders WHERE total < 10 WITH LOCAL CHECK OPTION;
-- new
CREATE VIEW cheap AS SELECT id, total FROM orders WHERE total < 10 WITH CASCADED CHECK OPTION;
--- a check option given
-- old
CREATE VIEW cheap AS SELECT id, total FROM orders WHERE total < 10;
-- new
CREATE VIEW cheap AS SELECT id, total FROM orders WHERE total < 10 WITH CHECK OPTION;
--- options taken off
-- old
ALTER VIEW totals SET (security_barrier = false, security_invoker = on);
-- new
--- the default of a column
ALTER VIEW open_orders ALTER COLUMN customer SET DEFAULT 'nobody';
--- comments of it and its columns
COMMENT ON VIEW open_orders IS 'never done';
COMMENT ON COLUMN open_orders.total IS 'with tax';
--- owner
ALTER VIEW open_orders OWNER TO app_owner;
--- grants
REVOKE ALL ON open_orders FROM app_reader;
GRANT SELECT, UPDATE ON open_orders TO app_user WITH GRANT OPTION;
GRANT SELECT (orders) ON totals TO PUBLIC;
--- moved to a schema
CREATE SCHEMA reports;
ALTER VIEW totals SET SCHEMA reports;
--- made a table
DROP VIEW totals;
CREATE TABLE totals (customer text, total numeric, orders bigint);
--- made a materialized view
DROP VIEW totals;
CREATE MATERIALIZED VIEW totals AS SELECT customer, sum(total) AS total, count(*) AS orders FROM open_orders GROUP BY customer;
--- a trigger instead of insert
CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO orders (id, customer) VALUES (NEW.id,
    NEW.customer); RETURN NEW; END $$;
CREATE TRIGGER take INSTEAD OF INSERT ON open_orders FOR EACH ROW EXECUTE FUNCTION take();
COMMENT ON TRIGGER take ON open_orders IS 'writes through';
--- a rule instead of delete
CREATE RULE away AS ON DELETE TO open_orders DO INSTEAD UPDATE orders SET state = 'gone' WHERE id = OLD.id;
--- a trigger stays while the view is made again
-- old
CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER take INSTEAD OF UPDATE ON open_orders FOR EACH ROW EXECUTE FUNCTION take();
-- new
DROP VIEW totals, open_orders;
CREATE VIEW open_orders AS SELECT customer, id, total FROM orders WHERE state = 'new';
CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER take INSTEAD OF UPDATE ON open_orders FOR EACH ROW EXECUTE FUNCTION take();
--- a function over its row type
CREATE FUNCTION label(o open_orders) RETURNS text LANGUAGE sql STABLE AS $$ SELECT o.customer || o.total $$;
--- a function above which another view lies
CREATE FUNCTION taxed(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT $1 * 1.081 $$;
CREATE VIEW taxed_orders AS SELECT id, taxed(total) AS total FROM orders;

=== a chain of five
CREATE TABLE base (id integer PRIMARY KEY, v varchar(20), n integer);
CREATE VIEW v1 AS SELECT id, v, n FROM base;
CREATE VIEW v2 AS SELECT id, v, n + 1 AS n FROM v1;
CREATE MATERIALIZED VIEW m3 AS SELECT id, v, n FROM v2;
CREATE UNIQUE INDEX m3_id ON m3 (id);
CREATE VIEW v4 AS SELECT m3.id, m3.v, b.n FROM m3 JOIN base AS b USING (id);
CREATE VIEW v5 WITH (security_barrier) AS SELECT v4.*, upper(v4.v) AS big FROM v4;
GRANT SELECT ON v5 TO app_reader, app_user;
COMMENT ON COLUMN v5.big IS 'loud';
--- the column at the bottom retyped
DROP VIEW v5, v4;
DROP MATERIALIZED VIEW m3;
DROP VIEW v2, v1;
ALTER TABLE base ALTER v TYPE text, ALTER n TYPE bigint;
CREATE VIEW v1 AS SELECT id, v, n FROM base;
CREATE VIEW v2 AS SELECT id, v, n + 1 AS n FROM v1;
CREATE MATERIALIZED VIEW m3 AS SELECT id, v, n FROM v2;
CREATE UNIQUE INDEX m3_id ON m3 (id);
CREATE VIEW v4 AS SELECT m3.id, m3.v, b.n FROM m3 JOIN base AS b USING (id);
CREATE VIEW v5 WITH (security_barrier) AS SELECT v4.*, upper(v4.v) AS big FROM v4;
GRANT SELECT ON v5 TO app_reader, app_user;
COMMENT ON COLUMN v5.big IS 'loud';
--- the lowest view changed
-- old
-- new
DROP VIEW v5, v4;
DROP MATERIALIZED VIEW m3;
DROP VIEW v2, v1;
CREATE VIEW v1 AS SELECT id, v::text AS v, n FROM base WHERE n > 0;
CREATE VIEW v2 AS SELECT id, v, n + 1 AS n FROM v1;
CREATE MATERIALIZED VIEW m3 AS SELECT id, v, n FROM v2;
CREATE UNIQUE INDEX m3_id ON m3 (id);
CREATE VIEW v4 AS SELECT m3.id, m3.v, b.n FROM m3 JOIN base AS b USING (id);
CREATE VIEW v5 WITH (security_barrier) AS SELECT v4.*, upper(v4.v) AS big FROM v4;
GRANT SELECT ON v5 TO app_reader, app_user;
COMMENT ON COLUMN v5.big IS 'loud';
--- the upper half gone, the lower changed
DROP VIEW v5, v4;
DROP MATERIALIZED VIEW m3;
CREATE OR REPLACE VIEW v1 AS SELECT id, v, n FROM base WHERE v IS NOT NULL;
--- the order of two turned round
DROP VIEW v5, v4;
DROP MATERIALIZED VIEW m3;
DROP VIEW v2, v1;
CREATE VIEW v2 AS SELECT id, v, n FROM base;
CREATE VIEW v1 AS SELECT id, v, n FROM v2;

=== views that people write with a star
CREATE TABLE t (a integer, b text);
CREATE VIEW everything AS SELECT * FROM t;
--- the table got a column, the view not
ALTER TABLE t ADD COLUMN c date;
--- the table got a column, the view too
DROP VIEW everything;
ALTER TABLE t ADD COLUMN c date;
CREATE VIEW everything AS SELECT * FROM t;
--- the table was written in another order
-- old
DROP VIEW everything;
ALTER TABLE t ADD COLUMN c date;
CREATE VIEW everything AS SELECT * FROM t;
-- new
DROP VIEW everything;
DROP TABLE t;
CREATE TABLE t (c date, b text, a integer);
CREATE VIEW everything AS SELECT * FROM t;
