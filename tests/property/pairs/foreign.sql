=== a file and another server
CREATE EXTENSION file_fdw;
CREATE EXTENSION postgres_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'db.example.org', dbname 'shop', port '5433');
CREATE FOREIGN TABLE log (at timestamptz, line text NOT NULL) SERVER files OPTIONS (filename '/tmp/log.csv', format 'csv');
CREATE FOREIGN TABLE product (id integer OPTIONS (column_name 'product_id') NOT NULL, name text) SERVER remote OPTIONS (schema_name 'shop',
    table_name 'products');
CREATE VIEW lines AS SELECT line FROM log;
GRANT SELECT ON product TO app_reader;
--- a server more
CREATE SERVER warehouse TYPE 'pg' VERSION '15' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'wh.example.org', fetch_size '1000');
GRANT USAGE ON FOREIGN SERVER warehouse TO app_user;
--- a server less
DROP FOREIGN TABLE product;
DROP SERVER remote;
--- the options of a server
ALTER SERVER remote OPTIONS (SET port '5434', ADD fetch_size '500', DROP dbname);
--- the version of a server
ALTER SERVER remote VERSION '16';
--- a mapping
CREATE USER MAPPING FOR PUBLIC SERVER files;
CREATE USER MAPPING FOR app_user SERVER files;
--- a mapping with options
CREATE USER MAPPING FOR app_user SERVER remote OPTIONS (user 'bob');
--- a wrapper
CREATE FOREIGN DATA WRAPPER nothing OPTIONS (debug 'true');
COMMENT ON FOREIGN DATA WRAPPER nothing IS 'nothing at all';
GRANT USAGE ON FOREIGN DATA WRAPPER nothing TO app_user;
--- a wrapper's options
-- old
CREATE FOREIGN DATA WRAPPER w OPTIONS (a '1', b '2');
CREATE SERVER x FOREIGN DATA WRAPPER w;
-- new
CREATE FOREIGN DATA WRAPPER w OPTIONS (b '3', c '4');
CREATE SERVER x FOREIGN DATA WRAPPER w;
--- a foreign table more
CREATE FOREIGN TABLE people (id integer, name text COLLATE "C" DEFAULT 'x', CHECK (id > 0)) SERVER remote OPTIONS (table_name 'people');
COMMENT ON FOREIGN TABLE people IS 'theirs';
--- a foreign table less
DROP FOREIGN TABLE product;
--- its columns
ALTER FOREIGN TABLE product ADD COLUMN price numeric OPTIONS (column_name 'p'), ALTER name TYPE varchar(50), ALTER id DROP NOT NULL;
--- its column renamed
ALTER FOREIGN TABLE product RENAME COLUMN name TO title;
--- its options
ALTER FOREIGN TABLE product OPTIONS (SET table_name 'product', ADD fetch_size '10');
ALTER FOREIGN TABLE product ALTER id OPTIONS (SET column_name 'id');
--- its check, default, statistics
ALTER FOREIGN TABLE product ADD CONSTRAINT named CHECK (name <> ''), ALTER name SET DEFAULT 'x', ALTER name SET STATISTICS 100;
--- a column under a view
-- old
-- new
DROP VIEW lines;
ALTER FOREIGN TABLE log ALTER line TYPE varchar(1000);
CREATE VIEW lines AS SELECT line FROM log;
--- made a table
DROP FOREIGN TABLE product;
CREATE TABLE product (id integer NOT NULL, name text);
--- on another server
-- remade: product
DROP FOREIGN TABLE product;
CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE product (id integer NOT NULL, name text) SERVER other;
--- as a partition
CREATE TABLE all_logs (at timestamptz, line text) PARTITION BY RANGE (at);
CREATE FOREIGN TABLE old_logs PARTITION OF all_logs FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2021-01-01 00:00:00+00')
    SERVER files OPTIONS (filename '/tmp/old.csv');
--- a trigger on it
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON product FOR EACH ROW EXECUTE FUNCTION t();
--- owners and grants
ALTER SERVER files OWNER TO app_owner;
ALTER FOREIGN TABLE log OWNER TO app_owner;
GRANT USAGE ON FOREIGN SERVER remote TO app_user;
REVOKE SELECT ON product FROM app_reader;
--- nothing foreign any more
DROP VIEW lines;
DROP FOREIGN TABLE log, product;
DROP SERVER files;
DROP SERVER remote;
DROP EXTENSION file_fdw;
DROP EXTENSION postgres_fdw;
