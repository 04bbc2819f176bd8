=== what is published
CREATE SCHEMA shop;
CREATE TABLE shop.product (id integer PRIMARY KEY, name text, price numeric);
CREATE TABLE shop.sale (id integer PRIMARY KEY, product integer, at date);
CREATE TABLE note (id integer PRIMARY KEY, body text);
CREATE PUBLICATION changes FOR TABLE shop.product, note;
--- one more
CREATE PUBLICATION everything FOR ALL TABLES;
--- one less
DROP PUBLICATION changes;
--- a table more
ALTER PUBLICATION changes ADD TABLE shop.sale;
--- a table less
ALTER PUBLICATION changes DROP TABLE note;
--- some columns
ALTER PUBLICATION changes SET TABLE shop.product (id, name), note;
--- some rows
ALTER PUBLICATION changes SET TABLE shop.product WHERE (id > 100), note;
--- a schema
ALTER PUBLICATION changes ADD TABLES IN SCHEMA shop;
--- a schema instead of tables
ALTER PUBLICATION changes SET TABLES IN SCHEMA shop, public;
--- what of it
ALTER PUBLICATION changes SET (publish = 'insert, update');
--- by the root
ALTER PUBLICATION changes SET (publish_via_partition_root = true);
--- all tables instead of some
DROP PUBLICATION changes;
CREATE PUBLICATION changes FOR ALL TABLES WITH (publish = 'insert');
--- without a table
CREATE PUBLICATION empty;
--- renamed, with an owner and a comment
ALTER PUBLICATION changes RENAME TO feed;
ALTER PUBLICATION feed OWNER TO postgres;
COMMENT ON PUBLICATION feed IS 'to the warehouse';
--- a published table gone
DROP TABLE note;
--- a published column retyped
ALTER TABLE shop.product ALTER name TYPE varchar(50);
--- a published column with a filter retyped
-- old
CREATE PUBLICATION sales FOR TABLE shop.sale (id, product) WHERE (id > 5);
-- new
ALTER TABLE shop.sale ALTER id TYPE bigint;
CREATE PUBLICATION sales FOR TABLE shop.sale (id, product) WHERE (id > 5);

=== what is subscribed to
CREATE SUBSCRIPTION feed CONNECTION 'host=db.example.org dbname=shop' PUBLICATION changes WITH (connect = false, slot_name = NONE);
--- a comment
COMMENT ON SUBSCRIPTION feed IS 'from the shop';
--- another publication
ALTER SUBSCRIPTION feed SET PUBLICATION changes, more WITH (refresh = false);
--- its options
ALTER SUBSCRIPTION feed SET (binary = true, streaming = on);
