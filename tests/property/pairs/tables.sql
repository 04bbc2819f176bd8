=== a small shop
CREATE TABLE product (id integer PRIMARY KEY, name text NOT NULL, price numeric(8,2), CONSTRAINT product_name_key UNIQUE (name));
CREATE TABLE stock (product_id integer REFERENCES product ON DELETE CASCADE, pieces integer DEFAULT 0, PRIMARY KEY (product_id));
CREATE VIEW in_stock AS SELECT p.name, s.pieces FROM product AS p JOIN stock AS s ON s.product_id = p.id WHERE s.pieces > 0;
COMMENT ON TABLE product IS 'what we sell';
GRANT SELECT ON product TO app_reader;
--- a table more
CREATE TABLE supplier (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE NOT NULL, since date DEFAULT CURRENT_DATE);
ALTER TABLE product ADD COLUMN supplier_id bigint REFERENCES supplier;
CREATE INDEX ON product (supplier_id);
--- a table less
DROP VIEW in_stock;
DROP TABLE stock;
--- everything gone
DROP VIEW in_stock;
DROP TABLE stock, product;
--- renamed
ALTER TABLE product RENAME TO article;
--- renamed with its constraints
ALTER TABLE product RENAME TO article;
ALTER TABLE article RENAME CONSTRAINT product_name_key TO article_name_key;
ALTER INDEX product_pkey RENAME TO article_pkey;
--- two tables swap names
ALTER TABLE product RENAME TO tmp;
ALTER TABLE stock RENAME TO product;
ALTER TABLE tmp RENAME TO stock;
--- unlogged
ALTER TABLE stock SET UNLOGGED;
--- storage parameters
ALTER TABLE product SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_enabled = off);
--- storage parameters changed
-- old
ALTER TABLE product SET (fillfactor = 70, parallel_workers = 2);
-- new
ALTER TABLE product SET (fillfactor = 90);
--- replica identity full
ALTER TABLE product REPLICA IDENTITY FULL;
--- replica identity nothing
ALTER TABLE stock REPLICA IDENTITY NOTHING;
--- replica identity by an index
ALTER TABLE product REPLICA IDENTITY USING INDEX product_name_key;
--- clustered
ALTER TABLE product CLUSTER ON product_name_key;
--- row level security
ALTER TABLE product ENABLE ROW LEVEL SECURITY;
ALTER TABLE product FORCE ROW LEVEL SECURITY;
--- its owner
ALTER TABLE product OWNER TO app_owner;
--- its comment
COMMENT ON TABLE product IS 'what we sell; see "catalogue"';
--- its comment gone
COMMENT ON TABLE product IS NULL;
--- moved to a schema
CREATE SCHEMA shop;
ALTER TABLE product SET SCHEMA shop;
--- like another
CREATE TABLE old_product (LIKE product INCLUDING ALL);
--- made of a query
CREATE TABLE cheap AS SELECT id, name FROM product WHERE price < 10;
--- without a column
CREATE TABLE nothing ();
--- of a type
CREATE TYPE thing AS (id integer, name text);
CREATE TABLE things OF thing (id WITH OPTIONS PRIMARY KEY);
--- no longer of a type
-- old
CREATE TYPE thing AS (id integer, name text);
CREATE TABLE things OF thing;
-- new
CREATE TYPE thing AS (id integer, name text);
CREATE TABLE things (id integer, name text);
--- made a view
DROP VIEW in_stock;
DROP TABLE stock;
CREATE VIEW stock AS SELECT id AS product_id, 0 AS pieces FROM product;
--- split in two
CREATE TABLE price (product_id integer PRIMARY KEY REFERENCES product, price numeric(8,2) NOT NULL, valid daterange);
ALTER TABLE product DROP COLUMN price;
--- many columns
CREATE TABLE wide (c01 smallint, c02 integer, c03 bigint, c04 numeric, c05 numeric(5), c06 real, c07 double precision, c08 money, c09 char,
    c10 char(7),
    c11 varchar, c12 varchar(9), c13 text, c14 bytea, c15 date, c16 time, c17 time(2), c18 timetz, c19 timestamp, c20 timestamp(0), c21 timestamptz,
    c22 interval, c23 interval day to second(3), c24 interval year, c25 boolean, c26 point, c27 line, c28 lseg, c29 box, c30 path, c31 polygon,
        c32 circle,
    c33 inet, c34 cidr, c35 macaddr, c36 macaddr8, c37 bit, c38 bit(5), c39 varbit, c40 varbit(6), c41 tsvector, c42 tsquery, c43 uuid, c44 xml,
        c45 json,
    c46 jsonb, c47 int4range, c48 nummultirange, c49 integer[], c50 varchar(5)[], c51 text[][], c52 oid, c53 regclass, c54 "char", c55 name,
        c56 pg_lsn);
--- many columns of other types
-- old
CREATE TABLE wide (a smallint, b integer, c numeric(5), d real, e char(3), f varchar(3), g time(2), h timestamp(0), i interval day, j bit(3),
    k integer[]);
-- new
CREATE TABLE wide (a integer, b numeric, c numeric(7,2), d float8, e char(4), f varchar, g time, h timestamptz(3), i interval, j bit(5), k bigint[]);
