=== a table, a view, a function, a sequence, a type
CREATE TABLE doc (id integer PRIMARY KEY, title text, body text, secret text);
CREATE VIEW titles AS SELECT id, title FROM doc;
CREATE SEQUENCE numbers;
CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
CREATE TYPE kind AS ENUM ('a');
CREATE SCHEMA more;
GRANT SELECT, INSERT ON doc TO app_user;
GRANT SELECT ON titles TO PUBLIC;
--- one privilege more
GRANT UPDATE ON doc TO app_user;
--- one privilege less
REVOKE INSERT ON doc FROM app_user;
--- all of them
GRANT ALL ON doc TO app_admin;
--- to another role
REVOKE ALL ON doc FROM app_user;
GRANT SELECT, INSERT ON doc TO app_reader;
--- to everybody
GRANT SELECT ON doc TO PUBLIC;
REVOKE SELECT ON titles FROM PUBLIC;
--- with the right to pass it on
GRANT SELECT ON doc TO app_user WITH GRANT OPTION;
--- passed on
GRANT SELECT ON doc TO app_admin WITH GRANT OPTION;
SET ROLE app_admin;
GRANT SELECT ON doc TO app_reader;
RESET ROLE;
--- of columns
GRANT SELECT (id, title), UPDATE (title) ON doc TO app_reader;
--- of columns instead of the table
REVOKE SELECT ON doc FROM app_user;
GRANT SELECT (id, title, body) ON doc TO app_user;
--- of columns of a view
GRANT SELECT (title) ON titles TO app_reader;
--- of a sequence
GRANT USAGE ON SEQUENCE numbers TO app_user;
GRANT SELECT ON SEQUENCE numbers TO app_reader WITH GRANT OPTION;
--- of a function
REVOKE EXECUTE ON FUNCTION f(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION f(integer) TO app_user;
--- of a type
REVOKE USAGE ON TYPE kind FROM PUBLIC;
GRANT USAGE ON TYPE kind TO app_user, app_reader;
--- of a schema
GRANT USAGE ON SCHEMA more TO app_user;
GRANT CREATE ON SCHEMA more TO app_admin;
--- of a language
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO app_user;
--- taken from the owner
REVOKE DELETE, TRUNCATE ON doc FROM postgres;
--- taken from the owner entirely
REVOKE ALL ON titles FROM postgres;
--- everything to another owner
ALTER TABLE doc OWNER TO app_owner;
ALTER VIEW titles OWNER TO app_owner;
ALTER SEQUENCE numbers OWNER TO app_owner;
ALTER FUNCTION f(integer) OWNER TO app_owner;
ALTER TYPE kind OWNER TO app_owner;
ALTER SCHEMA more OWNER TO app_owner;
--- grants and another owner
GRANT ALL ON doc TO app_admin;
ALTER TABLE doc OWNER TO app_admin;
--- on a large scale
GRANT SELECT ON ALL TABLES IN SCHEMA public TO anon, authenticated, service_role;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO authenticated;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO anon;

=== grants by default
CREATE SCHEMA app;
CREATE TABLE app.before (id integer);
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO app_reader;
CREATE TABLE app.after (id integer);
--- more of them
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT INSERT, UPDATE ON TABLES TO app_user;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT USAGE ON SEQUENCES TO app_user WITH GRANT OPTION;
--- none
ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE SELECT ON TABLES FROM app_reader;
--- none, and not on the table either
ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE SELECT ON TABLES FROM app_reader;
REVOKE SELECT ON app.after FROM app_reader;
--- in all schemas
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app_reader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO app_user;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO app_user;
--- of another role
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app GRANT ALL ON TABLES TO app_admin;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner REVOKE ALL ON TABLES FROM app_owner;
--- a new table under them
CREATE TABLE app.later (id serial PRIMARY KEY);
CREATE VIEW app.seen AS SELECT id FROM app.later;
--- a new table that does without
CREATE TABLE app.later (id serial PRIMARY KEY);
REVOKE ALL ON app.later FROM app_reader;
--- a view made again under them
-- old
CREATE VIEW app.v AS SELECT id FROM app.after;
-- new
CREATE VIEW app.v AS SELECT id::text AS id FROM app.after;
REVOKE ALL ON app.v FROM app_reader;
--- functions under them
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT EXECUTE ON FUNCTIONS TO app_user;
CREATE FUNCTION app.f() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE FUNCTION app.g() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
--- gone with their schema
DROP SCHEMA app CASCADE;
