-- Facts and dimensions: partitions, materialized views, statistics, comments.
--- stars
CREATE SCHEMA dim;
CREATE SCHEMA fact;
CREATE TABLE dim.day (day date PRIMARY KEY, year integer GENERATED ALWAYS AS (extract(year FROM day)::integer) STORED, weekday smallint);
CREATE TABLE dim.store (store_key serial PRIMARY KEY, store_id text NOT NULL, city text, valid_from date DEFAULT '-infinity',
    valid_to date DEFAULT 'infinity');
CREATE TABLE fact.sale (sale_id bigint NOT NULL, day date NOT NULL REFERENCES dim.day, store_key integer NOT NULL REFERENCES dim.store,
    amount numeric(12,2) NOT NULL,
    quantity integer DEFAULT 1, PRIMARY KEY (day, sale_id)) PARTITION BY RANGE (day);
CREATE TABLE fact.sale_2023 PARTITION OF fact.sale FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE fact.sale_2024 PARTITION OF fact.sale FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX sale_store ON fact.sale (store_key, day);
--- sums
CREATE MATERIALIZED VIEW fact.sale_month AS
    SELECT date_trunc('month', s.day)::date AS month, d.city, sum(s.amount) AS amount, sum(s.quantity) AS quantity
      FROM fact.sale AS s JOIN dim.store AS d USING (store_key) GROUP BY 1, 2;
CREATE UNIQUE INDEX sale_month_key ON fact.sale_month (month, city);
CREATE MATERIALIZED VIEW fact.sale_year AS SELECT extract(year FROM month) AS year, city, sum(amount) AS amount FROM fact.sale_month GROUP BY 1, 2;
CREATE VIEW fact.growth AS SELECT city, year, amount, amount - lag(amount) OVER (PARTITION BY city ORDER BY year) AS growth FROM fact.sale_year;
GRANT USAGE ON SCHEMA fact, dim TO app_reader;
GRANT SELECT ON fact.sale_month, fact.sale_year, fact.growth TO app_reader;
--- another year, a rest
CREATE TABLE fact.sale_2025 PARTITION OF fact.sale FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE fact.sale_rest PARTITION OF fact.sale DEFAULT;
CREATE STATISTICS fact.sale_2024_stats (dependencies, ndistinct, mcv) ON store_key, day FROM fact.sale_2024;
--- the oldest is archived
CREATE SCHEMA archive;
ALTER TABLE fact.sale DETACH PARTITION fact.sale_2023;
ALTER TABLE fact.sale_2023 SET SCHEMA archive;
ALTER TABLE archive.sale_2023 SET (autovacuum_enabled = false);
--- money of other countries
CREATE DOMAIN dim.currency AS char(3) DEFAULT 'CHF' CHECK (VALUE ~ '^[A-Z]{3}$');
ALTER TABLE fact.sale ADD COLUMN currency dim.currency;
ALTER TABLE fact.sale ADD COLUMN customer_key bigint;
CREATE TABLE dim.customer (customer_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, email text, tags text[]);
ALTER TABLE fact.sale ADD CONSTRAINT sale_customer FOREIGN KEY (customer_key) REFERENCES dim.customer;
--- larger amounts
DROP VIEW fact.growth;
DROP MATERIALIZED VIEW fact.sale_year, fact.sale_month;
ALTER TABLE fact.sale ALTER amount TYPE numeric(18,4);
CREATE MATERIALIZED VIEW fact.sale_month AS
    SELECT date_trunc('month', s.day)::date AS month, d.city, s.currency, sum(s.amount) AS amount, sum(s.quantity) AS quantity
      FROM fact.sale AS s JOIN dim.store AS d USING (store_key) GROUP BY 1, 2, 3;
CREATE UNIQUE INDEX sale_month_key ON fact.sale_month (month, city, currency);
CREATE MATERIALIZED VIEW fact.sale_year AS SELECT extract(year FROM month) AS year, city, currency,
    sum(amount) AS amount FROM fact.sale_month GROUP BY 1, 2, 3;
CREATE VIEW fact.growth AS SELECT city, year, amount, amount
    - lag(amount) OVER (PARTITION BY city ORDER BY year) AS growth FROM fact.sale_year WHERE currency = 'CHF';
GRANT SELECT ON fact.sale_month, fact.sale_year, fact.growth TO app_reader;
--- explained
COMMENT ON SCHEMA fact IS 'what happened';
COMMENT ON SCHEMA dim IS 'to whom and where';
COMMENT ON TABLE fact.sale IS 'one row a receipt line';
COMMENT ON COLUMN fact.sale.amount IS 'gross, in currency';
COMMENT ON MATERIALIZED VIEW fact.sale_month IS 'refreshed at night';
COMMENT ON DOMAIN dim.currency IS 'ISO 4217';
--- a function a month
CREATE FUNCTION fact.make_partition(of_year integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE fact.sale_%s PARTITION OF fact.sale FOR VALUES FROM (%L) TO (%L)', of_year, make_date(of_year, 1, 1),
        make_date(of_year + 1, 1, 1));
END $$;
CREATE AGGREGATE fact.product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1');
CREATE VIEW fact.factor AS SELECT city, fact.product(quantity::numeric) AS factor FROM fact.sale JOIN dim.store USING (store_key) GROUP BY city;
--- by receipts within the year
CREATE TABLE fact.sale_2026 PARTITION OF fact.sale FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY HASH (sale_id);
CREATE TABLE fact.sale_2026_0 PARTITION OF fact.sale_2026 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE fact.sale_2026_1 PARTITION OF fact.sale_2026 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX sale_customer_idx ON fact.sale (customer_key) WHERE customer_key IS NOT NULL;
