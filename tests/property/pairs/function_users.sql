=== a function that everything uses
CREATE FUNCTION clean(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(t) $$;
CREATE TABLE person (
    id integer PRIMARY KEY, name text DEFAULT clean('X'), email text CONSTRAINT email_clean CHECK (email = clean(email)),
    search text GENERATED ALWAYS AS (clean(name)) STORED
);
CREATE INDEX person_email ON person (clean(email));
CREATE VIEW people AS SELECT id, clean(name) AS name FROM person;
CREATE MATERIALIZED VIEW people_kept AS SELECT name FROM people;
ALTER TABLE person ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON person USING (clean(email) = current_user);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.email := clean(NEW.email); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT ON person FOR EACH ROW WHEN (clean(NEW.email) <> '') EXECUTE FUNCTION touch();
CREATE RULE quiet AS ON UPDATE TO person WHERE clean(NEW.name) = 'x' DO INSTEAD NOTHING;
--- another body
CREATE OR REPLACE FUNCTION clean(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(btrim(t)) $$;
--- made strict and parallel safe
ALTER FUNCTION clean(text) STRICT PARALLEL SAFE;
--- renamed
ALTER FUNCTION clean(text) RENAME TO cleaned;
--- its argument renamed
-- old
-- new
DROP FUNCTION clean(text) CASCADE;
CREATE FUNCTION clean(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(value) $$;
ALTER TABLE person ALTER name SET DEFAULT clean('X'), ADD CONSTRAINT email_clean CHECK (email = clean(email)),
    ADD search text GENERATED ALWAYS AS (clean(name)) STORED;
CREATE INDEX person_email ON person (clean(email));
CREATE VIEW people AS SELECT id, clean(name) AS name FROM person;
CREATE MATERIALIZED VIEW people_kept AS SELECT name FROM people;
CREATE POLICY own ON person USING (clean(email) = current_user);
CREATE TRIGGER touch BEFORE INSERT ON person FOR EACH ROW WHEN (clean(NEW.email) <> '') EXECUTE FUNCTION touch();
CREATE RULE quiet AS ON UPDATE TO person WHERE clean(NEW.name) = 'x' DO INSTEAD NOTHING;
--- its return type
-- old
-- new
DROP FUNCTION clean(text) CASCADE;
CREATE FUNCTION clean(t text) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$ SELECT lower(t)::varchar $$;
ALTER TABLE person ALTER name SET DEFAULT clean('X'), ADD CONSTRAINT email_clean CHECK (email = clean(email)),
    ADD search text GENERATED ALWAYS AS (clean(name)) STORED;
CREATE INDEX person_email ON person (clean(email));
CREATE VIEW people AS SELECT id, clean(name) AS name FROM person;
CREATE MATERIALIZED VIEW people_kept AS SELECT name FROM people;
CREATE POLICY own ON person USING (clean(email) = current_user);
CREATE TRIGGER touch BEFORE INSERT ON person FOR EACH ROW WHEN (clean(NEW.email) <> '') EXECUTE FUNCTION touch();
CREATE RULE quiet AS ON UPDATE TO person WHERE clean(NEW.name) = 'x' DO INSTEAD NOTHING;
--- gone with all its users
DROP FUNCTION clean(text) CASCADE;
--- gone, its users remain without it
-- old
-- new
DROP FUNCTION clean(text) CASCADE;
ALTER TABLE person ADD CONSTRAINT email_clean CHECK (email = lower(email)), ADD search text;
CREATE VIEW people AS SELECT id, name FROM person;
CREATE POLICY own ON person USING (email = current_user);
--- moved to a schema
CREATE SCHEMA util;
ALTER FUNCTION clean(text) SET SCHEMA util;

=== a trigger function with another return type
CREATE TABLE t (id integer PRIMARY KEY);
--- a plain function became the trigger's
-- old
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
-- new
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();

=== functions over a type of the schema
CREATE TYPE money_pair AS (amount numeric, currency text);
CREATE FUNCTION total(p money_pair) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT p.amount $$;
CREATE FUNCTION pairs() RETURNS SETOF money_pair LANGUAGE sql AS $$ SELECT 1.0, 'x'::text $$;
CREATE TABLE price (id integer, p money_pair, CHECK (total(p) > 0));
CREATE VIEW prices AS SELECT id, total(p) AS total FROM price;
--- an attribute more
ALTER TYPE money_pair ADD ATTRIBUTE at date;
--- an attribute of another type
-- old
-- new
DROP TABLE price CASCADE;
DROP FUNCTION total(money_pair);
ALTER TYPE money_pair ALTER ATTRIBUTE amount TYPE double precision;
CREATE FUNCTION total(p money_pair) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$ SELECT p.amount $$;
CREATE TABLE price (id integer, p money_pair, CHECK (total(p) > 0));
CREATE VIEW prices AS SELECT id, total(p) AS total FROM price;
--- the type renamed
ALTER TYPE money_pair RENAME TO amount_pair;
--- all of it gone
DROP VIEW prices;
DROP TABLE price;
DROP FUNCTION pairs();
DROP FUNCTION total(money_pair);
DROP TYPE money_pair;
