=== an operator class and all that stands on it
CREATE TYPE ver AS (major integer, minor integer);
CREATE FUNCTION ver_cmp(a ver, b ver) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT a.major * 1000 + a.minor - b.major * 1000 - b.minor $$;
CREATE FUNCTION ver_lt(a ver, b ver) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT ver_cmp(a, b) < 0 $$;
CREATE FUNCTION ver_eq(a ver, b ver) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT ver_cmp(a, b) = 0 $$;
CREATE FUNCTION ver_cmp_n(a ver, b integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT a.major - b $$;
CREATE FUNCTION ver_lt_n(a ver, b integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT a.major < b $$;
CREATE OPERATOR <! (LEFTARG = ver, RIGHTARG = ver, FUNCTION = ver_lt);
CREATE OPERATOR =! (LEFTARG = ver, RIGHTARG = ver, FUNCTION = ver_eq, COMMUTATOR = =!);
CREATE OPERATOR <! (LEFTARG = ver, RIGHTARG = integer, FUNCTION = ver_lt_n);
CREATE OPERATOR CLASS ver_ops FOR TYPE ver USING btree AS OPERATOR 1 <!, OPERATOR 3 =!, FUNCTION 1 ver_cmp(ver, ver);
ALTER OPERATOR FAMILY ver_ops USING btree ADD OPERATOR 1 <! (ver, integer), FUNCTION 1 (ver, integer) ver_cmp_n(ver, integer);
CREATE TABLE release (v ver NOT NULL, name text);
CREATE INDEX release_v ON release (v ver_ops DESC) INCLUDE (name);
CREATE VIEW early AS SELECT name FROM release WHERE v <! ROW(2, 0)::ver;
--- an argument of a support function renamed
DROP FUNCTION ver_cmp(ver, ver) CASCADE;
CREATE FUNCTION ver_cmp(x ver, y ver) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT x.major - y.major $$;
CREATE OPERATOR CLASS ver_ops FOR TYPE ver USING btree FAMILY ver_ops AS OPERATOR 1 <!, OPERATOR 3 =!, FUNCTION 1 ver_cmp(ver, ver);
CREATE INDEX release_v ON release (v ver_ops DESC) INCLUDE (name);
--- an argument of an operator's function renamed
DROP FUNCTION ver_lt(ver, ver) CASCADE;
CREATE FUNCTION ver_lt(x ver, y ver) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT ver_cmp(x, y) < 0 $$;
CREATE OPERATOR <! (LEFTARG = ver, RIGHTARG = ver, FUNCTION = ver_lt);
CREATE OPERATOR CLASS ver_ops FOR TYPE ver USING btree FAMILY ver_ops AS OPERATOR 1 <!, OPERATOR 3 =!, FUNCTION 1 ver_cmp(ver, ver);
CREATE INDEX release_v ON release (v ver_ops DESC) INCLUDE (name);
CREATE VIEW early AS SELECT name FROM release WHERE v <! ROW(2, 0)::ver;
--- an argument of the function of a loose member renamed
DROP FUNCTION ver_lt_n(ver, integer) CASCADE;
CREATE FUNCTION ver_lt_n(a ver, n integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT a.major < n $$;
CREATE OPERATOR <! (LEFTARG = ver, RIGHTARG = integer, FUNCTION = ver_lt_n);
ALTER OPERATOR FAMILY ver_ops USING btree ADD OPERATOR 1 <! (ver, integer);
--- an operator gets a commutator
DROP OPERATOR CLASS ver_ops USING btree CASCADE;
DROP OPERATOR =! (ver, ver);
CREATE OPERATOR =! (LEFTARG = ver, RIGHTARG = ver, FUNCTION = ver_eq, HASHES, MERGES, RESTRICT = eqsel);
CREATE OPERATOR CLASS ver_ops FOR TYPE ver USING btree FAMILY ver_ops AS OPERATOR 1 <!, OPERATOR 3 =!, FUNCTION 1 ver_cmp(ver, ver);
CREATE INDEX release_v ON release (v ver_ops DESC) INCLUDE (name);
--- the class became the default
DROP OPERATOR CLASS ver_ops USING btree CASCADE;
CREATE OPERATOR CLASS ver_ops DEFAULT FOR TYPE ver USING btree FAMILY ver_ops AS OPERATOR 1 <!, OPERATOR 3 =!, FUNCTION 1 ver_cmp(ver, ver);
CREATE INDEX release_v ON release (v DESC) INCLUDE (name);
--- all of it gone but the type
DROP VIEW early;
DROP INDEX release_v;
DROP OPERATOR FAMILY ver_ops USING btree CASCADE;
DROP OPERATOR <! (ver, ver);
DROP OPERATOR =! (ver, ver);
DROP OPERATOR <! (ver, integer);
DROP FUNCTION ver_cmp, ver_lt, ver_eq, ver_cmp_n, ver_lt_n;
--- nothing of it, the type neither
DROP TABLE release CASCADE;
DROP TYPE ver CASCADE;

=== functions of standard SQL on one another
CREATE TABLE item (id integer PRIMARY KEY, price numeric(9, 2), kind varchar(9), sold date);
CREATE FUNCTION priced(low numeric, high numeric) RETURNS SETOF item STABLE BEGIN ATOMIC
    SELECT * FROM item WHERE price BETWEEN low AND high AND kind IN ('a', 'b') AND sold IS NULL; END;
CREATE FUNCTION how_many(low numeric DEFAULT 0, high numeric DEFAULT 100) RETURNS bigint STABLE RETURN (SELECT count(*) FROM priced(low, high));
CREATE VIEW cheap AS SELECT p.id, p.price, how_many(p.price) AS like_it FROM priced(0, 10) AS p;
CREATE FUNCTION cheapest() RETURNS cheap STABLE BEGIN ATOMIC SELECT c.* FROM cheap AS c ORDER BY c.price LIMIT 1; END;
CREATE VIEW best AS SELECT (b).id AS id, (b).price AS price FROM (SELECT cheapest() AS b) AS x;
GRANT SELECT ON best TO app_reader;
--- the lowest of them replaced
CREATE OR REPLACE FUNCTION priced(low numeric, high numeric) RETURNS SETOF item STABLE BEGIN ATOMIC SELECT * FROM item WHERE price >= low; END;
--- its arguments renamed
DROP FUNCTION priced(numeric, numeric) CASCADE;
CREATE FUNCTION priced(above numeric, below numeric) RETURNS SETOF item STABLE
    BEGIN ATOMIC SELECT * FROM item WHERE price > above AND price < below; END;
CREATE FUNCTION how_many(low numeric DEFAULT 0, high numeric DEFAULT 100) RETURNS bigint STABLE RETURN (SELECT count(*) FROM priced(low, high));
CREATE VIEW cheap AS SELECT p.id, p.price, how_many(p.price) AS like_it FROM priced(0, 10) AS p;
CREATE FUNCTION cheapest() RETURNS cheap STABLE BEGIN ATOMIC SELECT c.* FROM cheap AS c ORDER BY c.price LIMIT 1; END;
CREATE VIEW best AS SELECT (b).id AS id, (b).price AS price FROM (SELECT cheapest() AS b) AS x;
--- a column it reads gone
DROP VIEW best;
DROP FUNCTION cheapest();
DROP VIEW cheap;
DROP FUNCTION how_many(numeric, numeric);
DROP FUNCTION priced(numeric, numeric);
ALTER TABLE item DROP COLUMN sold;
--- a column it reads of another type
DROP VIEW best;
DROP FUNCTION cheapest();
DROP VIEW cheap;
DROP FUNCTION how_many(numeric, numeric);
DROP FUNCTION priced(numeric, numeric);
ALTER TABLE item ALTER kind TYPE text, ALTER sold TYPE timestamptz;
CREATE FUNCTION priced(low numeric, high numeric) RETURNS SETOF item STABLE BEGIN ATOMIC SELECT * FROM item WHERE kind = 'a'; END;
--- a column more
ALTER TABLE item ADD COLUMN note text;
--- all gone
DROP VIEW best;
DROP FUNCTION cheapest();
DROP VIEW cheap;
DROP FUNCTION how_many(numeric, numeric);
DROP FUNCTION priced(numeric, numeric);
--- strings instead
DROP VIEW best;
CREATE OR REPLACE FUNCTION priced(low numeric, high numeric) RETURNS SETOF item LANGUAGE sql AS 'SELECT * FROM item';
CREATE OR REPLACE FUNCTION cheapest() RETURNS cheap LANGUAGE plpgsql AS 'DECLARE c cheap; BEGIN RETURN c; END';

=== a function under everything a table has
CREATE FUNCTION norm(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(btrim(t)) $$;
CREATE FUNCTION ok(n integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT n > 0 $$;
CREATE FUNCTION code() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT 'x' $$;
CREATE DOMAIN positive AS integer DEFAULT 1 CHECK (ok(VALUE));
CREATE TABLE thing (id integer, n positive, name text DEFAULT code(), plain text GENERATED ALWAYS AS (norm(name)) STORED,
    CONSTRAINT thing_ok CHECK (ok(id)), CONSTRAINT thing_one EXCLUDE USING btree (norm(name) WITH =));
CREATE UNIQUE INDEX thing_norm ON thing (norm(name)) WHERE ok(id);
CREATE STATISTICS thing_stat ON norm(name), id FROM thing;
ALTER TABLE thing ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON thing USING (ok(id) AND norm(name) = norm(CURRENT_USER));
CREATE FUNCTION tg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER changed BEFORE UPDATE ON thing FOR EACH ROW WHEN (norm(OLD.name) IS DISTINCT FROM norm(NEW.name)) EXECUTE FUNCTION tg();
CREATE RULE no_delete AS ON DELETE TO thing WHERE ok(OLD.id) DO INSTEAD NOTHING;
CREATE MATERIALIZED VIEW names AS SELECT norm(name) AS name FROM thing WHERE ok(id);
CREATE INDEX names_i ON names (norm(name));
--- bodies replaced
CREATE OR REPLACE FUNCTION norm(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(t) $$;
CREATE OR REPLACE FUNCTION ok(n integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN n > 1; END $$;
--- one argument renamed
-- old
-- new
DROP FUNCTION ok(integer) CASCADE;
CREATE FUNCTION ok(i integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT i > 0 $$;
ALTER TABLE thing ADD CONSTRAINT thing_ok CHECK (ok(id));
ALTER DOMAIN positive ADD CHECK (ok(VALUE));
CREATE UNIQUE INDEX thing_norm ON thing (norm(name)) WHERE ok(id);
CREATE POLICY mine ON thing USING (ok(id) AND norm(name) = norm(CURRENT_USER));
--- the trigger's function renamed
ALTER FUNCTION tg() RENAME TO on_change;
--- all renamed
ALTER FUNCTION norm(text) RENAME TO normal;
ALTER FUNCTION ok(integer) RENAME TO fine;
ALTER FUNCTION code() RENAME TO new_code;
--- another schema
CREATE SCHEMA lib;
ALTER FUNCTION norm(text) SET SCHEMA lib;
ALTER FUNCTION code() SET SCHEMA lib;
--- the default's function gone
ALTER TABLE thing ALTER name DROP DEFAULT;
DROP FUNCTION code();

=== a function in a partition key
CREATE FUNCTION norm(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(btrim(t)) $$;
CREATE TABLE part (name text, id integer) PARTITION BY LIST (norm(name));
CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
--- another body
CREATE OR REPLACE FUNCTION norm(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN upper(t); END $$;
--- gone with the tables
DROP TABLE part;
DROP FUNCTION norm(text);

=== functions over a type
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE person (id integer PRIMARY KEY, m mood DEFAULT 'ok', e email, p pair);
CREATE FUNCTION mood_of(who integer, fallback mood DEFAULT 'ok'::mood) RETURNS mood LANGUAGE sql STABLE
    AS $$ SELECT COALESCE(m, fallback) FROM person WHERE id = who $$;
CREATE FUNCTION person_of(e email) RETURNS person LANGUAGE sql STABLE AS $$ SELECT p.* FROM person p WHERE p.e = person_of.e $$;
CREATE FUNCTION first_of(VARIADIC ps pair[]) RETURNS pair LANGUAGE sql IMMUTABLE AS $$ SELECT ps[1] $$;
CREATE FUNCTION happy(p person) RETURNS boolean STABLE RETURN (p.m = 'happy'::mood);
CREATE AGGREGATE best_mood(mood) (SFUNC = enum_larger, STYPE = mood);
CREATE VIEW moods AS SELECT m, count(*) AS n, mood_of(1) AS one FROM person GROUP BY m;
--- a label less
-- old
-- new
DROP VIEW moods;
DROP AGGREGATE best_mood(mood);
DROP FUNCTION happy(person);
DROP FUNCTION mood_of(integer, mood);
ALTER TABLE person ALTER m DROP DEFAULT;
ALTER TYPE mood RENAME TO mood_old;
CREATE TYPE mood AS ENUM ('sad', 'ok');
ALTER TABLE person ALTER m TYPE mood USING m::text::mood;
DROP TYPE mood_old;
ALTER TABLE person ALTER m SET DEFAULT 'ok';
CREATE FUNCTION mood_of(who integer, fallback mood DEFAULT 'ok'::mood) RETURNS mood LANGUAGE sql STABLE
    AS $$ SELECT COALESCE(m, fallback) FROM person WHERE id = who $$;
--- a label more, in a default
ALTER TYPE mood ADD VALUE 'great' AFTER 'happy';
-- commit
CREATE OR REPLACE FUNCTION mood_of(who integer, fallback mood DEFAULT 'great'::mood) RETURNS mood LANGUAGE sql STABLE AS $$ SELECT fallback $$;
--- the composite type got an attribute
ALTER TYPE pair ADD ATTRIBUTE c date CASCADE;
--- the domain of another type
DROP FUNCTION happy(person);
DROP FUNCTION person_of(email);
ALTER TABLE person ALTER e TYPE text;
DROP DOMAIN email;
CREATE DOMAIN email AS varchar(99) CHECK (VALUE LIKE '%@%');
ALTER TABLE person ALTER e TYPE email;
CREATE FUNCTION person_of(e email) RETURNS person LANGUAGE sql STABLE AS $$ SELECT p.* FROM person p $$;
--- moved to a schema
CREATE SCHEMA types;
ALTER TYPE mood SET SCHEMA types;
ALTER DOMAIN email SET SCHEMA types;
--- without the functions
DROP VIEW moods;
DROP AGGREGATE best_mood(mood);
DROP FUNCTION happy(person);
DROP FUNCTION mood_of(integer, mood);
DROP FUNCTION person_of(email);
DROP FUNCTION first_of(pair[]);
--- without anything
DROP VIEW moods;
DROP TABLE person CASCADE;
DROP TYPE mood CASCADE;
DROP TYPE pair CASCADE;
DROP DOMAIN email CASCADE;

=== who may call
CREATE FUNCTION open() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION closed() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION closed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION closed() TO authenticated, service_role;
CREATE PROCEDURE work() LANGUAGE plpgsql AS 'BEGIN END';
GRANT EXECUTE ON PROCEDURE work() TO app_user WITH GRANT OPTION;
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);
REVOKE ALL ON FUNCTION total(integer) FROM PUBLIC;
--- none of it
REVOKE ALL ON FUNCTION closed() FROM authenticated, service_role;
GRANT EXECUTE ON FUNCTION closed(), total(integer) TO PUBLIC;
REVOKE ALL ON PROCEDURE work() FROM app_user, PUBLIC;
REVOKE ALL ON FUNCTION open() FROM PUBLIC;
--- by default nobody
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO app_user;
CREATE FUNCTION later() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE later_on() LANGUAGE plpgsql AS 'BEGIN END';
--- under such a default, made again
-- old
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO app_user, anon;
CREATE FUNCTION later(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE sum_up(integer) (SFUNC = int4pl, STYPE = integer);
-- new
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO app_user, anon;
CREATE FUNCTION later(b integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
GRANT EXECUTE ON FUNCTION later(integer) TO PUBLIC;
REVOKE EXECUTE ON FUNCTION open() FROM PUBLIC;
--- other owners
ALTER FUNCTION open() OWNER TO app_owner;
ALTER PROCEDURE work() OWNER TO app_user;
ALTER AGGREGATE total(integer) OWNER TO app_owner;
ALTER FUNCTION closed() OWNER TO service_role;

=== one name for many
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION f(a integer, b text DEFAULT 'x') RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION f(VARIADIC a text[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE f(a date) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE f(numeric) (SFUNC = numeric_add, STYPE = numeric);
CREATE FUNCTION "F"("A" integer, "select" text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE VIEW v AS SELECT f() AS a, f(1, 'y') AS b, f(VARIADIC ARRAY['a', 'b']) AS c, f('a', 'b', 'c') AS d, f(1.5) AS e;
--- other kinds
DROP VIEW v;
DROP PROCEDURE f(date);
CREATE FUNCTION f(a date) RETURNS date LANGUAGE sql AS 'SELECT a';
DROP AGGREGATE f(numeric);
CREATE PROCEDURE f(a numeric) LANGUAGE sql AS 'SELECT 1';
DROP FUNCTION f();
CREATE PROCEDURE f() LANGUAGE sql AS 'SELECT 1';
--- defaults moved
DROP VIEW v;
DROP FUNCTION f(integer);
DROP FUNCTION f(integer, text);
CREATE FUNCTION f(a integer, b text DEFAULT 'x', c date DEFAULT now()) RETURNS integer LANGUAGE sql AS 'SELECT 1';
--- no longer variadic
DROP VIEW v;
CREATE OR REPLACE FUNCTION f(a text[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
--- without case
ALTER FUNCTION "F"(integer, text) RENAME TO "F.g (x)";
