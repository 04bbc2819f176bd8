=== an application that uses some
CREATE SCHEMA extensions;
CREATE EXTENSION pgcrypto SCHEMA extensions;
CREATE EXTENSION citext;
CREATE TABLE login (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, email citext UNIQUE, secret text DEFAULT extensions.crypt('x', 'y'));
--- one more
CREATE EXTENSION hstore;
ALTER TABLE login ADD COLUMN more hstore DEFAULT ''::hstore;
CREATE INDEX login_more ON login USING gin (more);
--- one less
ALTER TABLE login ALTER email TYPE text;
DROP EXTENSION citext;
--- in another schema
ALTER EXTENSION pgcrypto SET SCHEMA public;
--- a comment
COMMENT ON EXTENSION pgcrypto IS 'secrets';
--- trees and words
CREATE EXTENSION ltree SCHEMA extensions;
CREATE EXTENSION pg_trgm SCHEMA extensions;
CREATE EXTENSION unaccent;
CREATE TABLE node (path extensions.ltree PRIMARY KEY, title text);
CREATE INDEX node_title ON node USING gist (title extensions.gist_trgm_ops (siglen = 32));
CREATE INDEX node_path ON node USING gist (path);
CREATE VIEW top AS SELECT * FROM node WHERE path OPERATOR(extensions.~) '*{1}';
--- one that has relations
CREATE EXTENSION pg_buffercache;
GRANT SELECT ON pg_buffercache TO app_reader;
--- one that needs another
CREATE EXTENSION earthdistance CASCADE;
CREATE TABLE spot (lat double precision, lon double precision);
CREATE INDEX spot_earth ON spot USING gist (ll_to_earth(lat, lon));
--- dropped with what uses it
DROP EXTENSION citext CASCADE;
--- one made by hand
CREATE EXTENSION "uuid-ossp" SCHEMA extensions;
ALTER TABLE login ALTER id SET DEFAULT extensions.uuid_generate_v4();
