=== sums that are kept
CREATE TABLE sale (id integer PRIMARY KEY, shop text, amount numeric(10,2), at timestamptz);
CREATE MATERIALIZED VIEW by_shop AS SELECT shop, sum(amount) AS amount, count(*) AS n FROM sale GROUP BY shop;
CREATE UNIQUE INDEX by_shop_shop ON by_shop (shop);
CREATE INDEX by_shop_amount ON by_shop (amount DESC) WHERE n > 1;
COMMENT ON MATERIALIZED VIEW by_shop IS 'refreshed at night';
GRANT SELECT ON by_shop TO app_reader;
CREATE MATERIALIZED VIEW best AS SELECT shop FROM by_shop WHERE amount > 1000 WITH NO DATA;
CREATE VIEW best_names AS SELECT upper(shop) AS shop FROM best;
--- its query
-- old
-- new
DROP VIEW best_names;
DROP MATERIALIZED VIEW best, by_shop;
CREATE MATERIALIZED VIEW by_shop AS SELECT shop, sum(amount) AS amount, count(id) AS n FROM sale WHERE amount > 0 GROUP BY shop;
CREATE UNIQUE INDEX by_shop_shop ON by_shop (shop);
CREATE INDEX by_shop_amount ON by_shop (amount DESC) WHERE n > 1;
COMMENT ON MATERIALIZED VIEW by_shop IS 'refreshed at night';
GRANT SELECT ON by_shop TO app_reader;
CREATE MATERIALIZED VIEW best AS SELECT shop FROM by_shop WHERE amount > 1000 WITH NO DATA;
CREATE VIEW best_names AS SELECT upper(shop) AS shop FROM best;
--- the table below retyped
-- old
-- new
DROP VIEW best_names;
DROP MATERIALIZED VIEW best, by_shop;
ALTER TABLE sale ALTER amount TYPE double precision;
CREATE MATERIALIZED VIEW by_shop AS SELECT shop, sum(amount) AS amount, count(*) AS n FROM sale GROUP BY shop;
CREATE UNIQUE INDEX by_shop_shop ON by_shop (shop);
CREATE MATERIALIZED VIEW best AS SELECT shop FROM by_shop WHERE amount > 1000 WITH NO DATA;
CREATE VIEW best_names AS SELECT upper(shop) AS shop FROM best;
--- dropped, the upper one
DROP VIEW best_names;
DROP MATERIALIZED VIEW best;
--- all dropped
DROP VIEW best_names;
DROP MATERIALIZED VIEW best, by_shop;
--- an index more, another less
DROP INDEX by_shop_amount;
CREATE INDEX by_shop_n ON by_shop (n) INCLUDE (amount);
--- an index renamed and one with a comment
ALTER INDEX by_shop_amount RENAME TO by_shop_sum;
COMMENT ON INDEX by_shop_shop IS 'for concurrent refreshes';
--- a new one, with no data
CREATE MATERIALIZED VIEW daily AS SELECT date_trunc('day', at) AS day, sum(amount) FROM sale GROUP BY 1 WITH NO DATA;
--- renamed
ALTER MATERIALIZED VIEW by_shop RENAME TO per_shop;
--- a column renamed
ALTER MATERIALIZED VIEW by_shop RENAME COLUMN n TO sales;
--- its options and columns
ALTER MATERIALIZED VIEW by_shop SET (fillfactor = 80, autovacuum_enabled = off);
ALTER MATERIALIZED VIEW by_shop ALTER shop SET STORAGE EXTERNAL, ALTER shop SET STATISTICS 300;
--- clustered
ALTER MATERIALIZED VIEW by_shop CLUSTER ON by_shop_shop;
--- owner, grants, comments
ALTER MATERIALIZED VIEW by_shop OWNER TO app_owner;
REVOKE ALL ON by_shop FROM app_reader;
GRANT SELECT ON by_shop TO app_user;
COMMENT ON MATERIALIZED VIEW by_shop IS NULL;
COMMENT ON COLUMN by_shop.amount IS 'gross';
--- made a view
DROP VIEW best_names;
DROP MATERIALIZED VIEW best, by_shop;
CREATE VIEW by_shop AS SELECT shop, sum(amount) AS amount, count(*) AS n FROM sale GROUP BY shop;
--- made a table
DROP VIEW best_names;
DROP MATERIALIZED VIEW best, by_shop;
CREATE TABLE by_shop AS SELECT shop, sum(amount) AS amount, count(*) AS n FROM sale GROUP BY shop;
CREATE UNIQUE INDEX by_shop_shop ON by_shop (shop);
--- in another schema
CREATE SCHEMA stats;
ALTER MATERIALIZED VIEW by_shop SET SCHEMA stats;
--- statistics over it
CREATE STATISTICS by_shop_stats (dependencies) ON shop, n FROM by_shop;
--- a function over which it is computed
-- old
CREATE FUNCTION rounded(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT round($1) $$;
CREATE MATERIALIZED VIEW neat AS SELECT shop, rounded(sum(amount)) AS amount FROM sale GROUP BY shop;
-- new
CREATE FUNCTION rounded(numeric) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT round($1)::integer $$;
CREATE MATERIALIZED VIEW neat AS SELECT shop, rounded(sum(amount)) AS amount FROM sale GROUP BY shop;
