=== functions, tables and types that lean on each other
CREATE TABLE setting (key text PRIMARY KEY, value text);
CREATE FUNCTION setting_of(k text) RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT s.value FROM setting AS s WHERE s.key = k; END;
CREATE FUNCTION shout(t text DEFAULT setting_of('word')) RETURNS text LANGUAGE sql STABLE AS $$ SELECT upper(t) $$;
CREATE DOMAIN short AS text DEFAULT 'x' CHECK (length(VALUE) < 20);
CREATE TABLE note (id integer PRIMARY KEY, body short DEFAULT setting_of('empty'), shown text);
CREATE VIEW loud AS SELECT id, shout(body) AS body, setting_of('sign') AS sign FROM note;
CREATE VIEW louder AS SELECT l.*, n.shown FROM loud AS l JOIN note AS n USING (id);
--- the table below retyped
-- old
-- new
DROP VIEW louder, loud;
ALTER TABLE note ALTER body DROP DEFAULT;
DROP FUNCTION shout(text);
DROP FUNCTION setting_of(text);
ALTER TABLE setting ALTER value TYPE varchar(100);
CREATE FUNCTION setting_of(k text) RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT s.value FROM setting AS s WHERE s.key = k; END;
CREATE FUNCTION shout(t text DEFAULT setting_of('word')) RETURNS text LANGUAGE sql STABLE AS $$ SELECT upper(t) $$;
ALTER TABLE note ALTER body SET DEFAULT setting_of('empty');
CREATE VIEW loud AS SELECT id, shout(body) AS body, setting_of('sign') AS sign FROM note;
CREATE VIEW louder AS SELECT l.*, n.shown FROM loud AS l JOIN note AS n USING (id);
--- the column it reads renamed
ALTER TABLE setting RENAME COLUMN value TO content;
--- its body
CREATE OR REPLACE FUNCTION setting_of(k text) RETURNS text LANGUAGE
    sql STABLE BEGIN ATOMIC SELECT max(s.value) FROM setting AS s WHERE s.key ILIKE k; END;
--- a default argument less
-- old
-- new
DROP VIEW louder, loud;
DROP FUNCTION shout(text);
CREATE FUNCTION shout(t text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT upper(t) $$;
CREATE VIEW loud AS SELECT id, shout(body) AS body, setting_of('sign') AS sign FROM note;
CREATE VIEW louder AS SELECT l.*, n.shown FROM loud AS l JOIN note AS n USING (id);
--- the domain with another base
-- old
-- new
DROP VIEW louder, loud;
ALTER TABLE note ALTER body TYPE text;
DROP DOMAIN short;
CREATE DOMAIN short AS varchar(30) DEFAULT 'x' CHECK (length(VALUE) < 20);
ALTER TABLE note ALTER body TYPE short;
CREATE VIEW loud AS SELECT id, shout(body) AS body, setting_of('sign') AS sign FROM note;
CREATE VIEW louder AS SELECT l.*, n.shown FROM loud AS l JOIN note AS n USING (id);
--- everything gone but one table
DROP VIEW louder, loud;
DROP TABLE note;
DROP FUNCTION shout(text);
DROP FUNCTION setting_of(text);
DROP DOMAIN short;
--- all of it in a schema of its own
CREATE SCHEMA app;
ALTER TABLE setting SET SCHEMA app;
ALTER TABLE note SET SCHEMA app;
ALTER FUNCTION setting_of(text) SET SCHEMA app;
ALTER FUNCTION shout(text) SET SCHEMA app;
ALTER DOMAIN short SET SCHEMA app;
ALTER VIEW loud SET SCHEMA app;
ALTER VIEW louder SET SCHEMA app;

=== a circle through a policy
CREATE TABLE team (id integer PRIMARY KEY, name text);
CREATE TABLE member (team_id integer REFERENCES team, who text);
CREATE FUNCTION in_team(t integer) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
    BEGIN ATOMIC SELECT EXISTS (SELECT FROM member AS m WHERE m.team_id = t AND m.who = CURRENT_USER); END;
CREATE POLICY own ON team USING (in_team(id));
CREATE POLICY own ON member USING (in_team(team_id));
ALTER TABLE team ENABLE ROW LEVEL SECURITY;
ALTER TABLE member ENABLE ROW LEVEL SECURITY;
--- the keys are bigint
-- old
-- new
DROP POLICY own ON team;
DROP POLICY own ON member;
DROP FUNCTION in_team(integer);
ALTER TABLE team ALTER id TYPE bigint;
ALTER TABLE member ALTER team_id TYPE bigint;
CREATE FUNCTION in_team(t bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
    BEGIN ATOMIC SELECT EXISTS (SELECT FROM member AS m WHERE m.team_id = t AND m.who = CURRENT_USER); END;
CREATE POLICY own ON team USING (in_team(id));
CREATE POLICY own ON member USING (in_team(team_id));
--- the column who is a key
CREATE TABLE person (name text PRIMARY KEY);
ALTER TABLE member ADD CONSTRAINT who_fk FOREIGN KEY (who) REFERENCES person, ALTER who SET NOT NULL, ADD PRIMARY KEY (team_id, who);
--- all gone
DROP TABLE team, member CASCADE;

=== a table and functions over its rows
CREATE TABLE person (id integer PRIMARY KEY, first text, last text, born date);
CREATE FUNCTION full_name(p person) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT p.first || ' ' || p.last $$;
CREATE FUNCTION adults() RETURNS SETOF person LANGUAGE sql STABLE AS $$ SELECT * FROM person WHERE born < now() - interval '18 years' $$;
CREATE VIEW names AS SELECT p.id, full_name(p) AS name FROM person AS p;
CREATE INDEX person_name ON person (full_name(person));
CREATE TABLE club (id integer, president person, members person[]);
--- a column more
-- old
-- new
DROP TABLE club;
ALTER TABLE person ADD COLUMN middle text;
CREATE TABLE club (id integer, president person, members person[]);
--- made a view
-- old
-- new
DROP TABLE club;
DROP VIEW names;
DROP INDEX person_name;
DROP FUNCTION adults();
DROP FUNCTION full_name(person);
DROP TABLE person;
CREATE VIEW person AS SELECT 1 AS id, 'a'::text AS first, 'b'::text AS last, CURRENT_DATE AS born;
CREATE FUNCTION full_name(p person) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT p.first || ' ' || p.last $$;
--- renamed
ALTER TABLE person RENAME TO human;
--- written anew in another order
-- old
-- new
DROP TABLE club;
DROP VIEW names;
DROP FUNCTION adults();
DROP INDEX person_name;
DROP FUNCTION full_name(person);
DROP TABLE person;
CREATE TABLE person (last text, first text, born date, id integer PRIMARY KEY);
CREATE FUNCTION full_name(p person) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT p.first || ' ' || p.last $$;
CREATE FUNCTION adults() RETURNS SETOF person LANGUAGE sql STABLE AS $$ SELECT * FROM person WHERE born < now() - interval '18 years' $$;
CREATE VIEW names AS SELECT p.id, full_name(p) AS name FROM person AS p;
CREATE INDEX person_name ON person (full_name(person));

=== many things on one column
CREATE TABLE parent (code varchar(10) PRIMARY KEY);
CREATE TABLE t (
    id serial PRIMARY KEY, code varchar(10) DEFAULT 'x' CONSTRAINT code_ok CHECK (code <> '') REFERENCES parent ON UPDATE CASCADE,
    upper text GENERATED ALWAYS AS (upper(code)) STORED
);
CREATE UNIQUE INDEX t_code ON t (lower(code)) WHERE code <> 'none';
CREATE INDEX t_code_like ON t (code varchar_pattern_ops);
CREATE STATISTICS t_stats ON id, code FROM t;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER tr BEFORE UPDATE OF code ON t FOR EACH ROW WHEN (OLD.code IS DISTINCT FROM NEW.code) EXECUTE FUNCTION f();
CREATE RULE ru AS ON INSERT TO t WHERE NEW.code = 'bad' DO INSTEAD NOTHING;
CREATE POLICY po ON t USING (code = CURRENT_USER);
CREATE VIEW v AS SELECT code, count(*) FROM t GROUP BY code;
CREATE MATERIALIZED VIEW m AS SELECT v.code FROM v WITH NO DATA;
CREATE PUBLICATION p FOR TABLE t (id, code) WHERE (id > 0);
COMMENT ON COLUMN t.code IS 'the code';
GRANT SELECT (code), UPDATE (code) ON t TO app_user;
ALTER TABLE t ALTER code SET STATISTICS 200, ALTER code SET STORAGE EXTERNAL;
--- it is gone with all of them
DROP PUBLICATION p;
ALTER TABLE t DROP COLUMN code CASCADE;
--- it is renamed
ALTER TABLE t RENAME COLUMN code TO kode;
--- it is another type
-- old
-- new
DROP PUBLICATION p;
DROP MATERIALIZED VIEW m;
DROP VIEW v;
DROP POLICY po ON t;
DROP RULE ru ON t;
DROP TRIGGER tr ON t;
ALTER TABLE t DROP upper;
ALTER TABLE t ALTER code TYPE text;
ALTER TABLE parent ALTER code TYPE text;
ALTER TABLE t ADD upper text GENERATED ALWAYS AS (upper(code)) STORED;
CREATE TRIGGER tr BEFORE UPDATE OF code ON t FOR EACH ROW WHEN (OLD.code IS DISTINCT FROM NEW.code) EXECUTE FUNCTION f();
CREATE RULE ru AS ON INSERT TO t WHERE NEW.code = 'bad' DO INSTEAD NOTHING;
CREATE POLICY po ON t USING (code = CURRENT_USER);
CREATE VIEW v AS SELECT code, count(*) FROM t GROUP BY code;
CREATE MATERIALIZED VIEW m AS SELECT v.code FROM v WITH NO DATA;
CREATE PUBLICATION p FOR TABLE t (id, code) WHERE (id > 0);
--- nothing of all that is on it
DROP MATERIALIZED VIEW m;
DROP VIEW v;
DROP POLICY po ON t;
DROP RULE ru ON t;
DROP TRIGGER tr ON t;
DROP PUBLICATION p;
DROP STATISTICS t_stats;
DROP INDEX t_code, t_code_like;
ALTER TABLE t DROP upper, DROP CONSTRAINT code_ok, DROP CONSTRAINT t_code_fkey, ALTER code DROP DEFAULT;
