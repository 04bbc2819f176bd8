=== two schemas
CREATE SCHEMA sales;
CREATE SCHEMA hr AUTHORIZATION app_owner;
CREATE TYPE sales.kind AS ENUM ('a', 'b');
CREATE TABLE sales.deal (id integer PRIMARY KEY, kind sales.kind, at date);
CREATE TABLE hr.person (id integer PRIMARY KEY, deal integer REFERENCES sales.deal);
CREATE VIEW public.overview AS SELECT d.id, p.id AS person FROM sales.deal AS d JOIN hr.person AS p ON p.deal = d.id;
CREATE FUNCTION sales.count_deals() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT count(*) FROM sales.deal $$;
--- one more
CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'who did what';
GRANT USAGE ON SCHEMA audit TO app_reader;
CREATE TABLE audit.log (id bigserial PRIMARY KEY, what text);
--- one less
DROP SCHEMA hr CASCADE;
--- an empty one
CREATE SCHEMA empty;
--- one renamed
ALTER SCHEMA sales RENAME TO trade;
--- its owner
ALTER SCHEMA sales OWNER TO app_owner;
--- its grants
GRANT USAGE, CREATE ON SCHEMA sales TO app_user;
GRANT USAGE ON SCHEMA hr TO PUBLIC;
--- its comment
COMMENT ON SCHEMA sales IS 'money in';
--- everything moved to one
ALTER TABLE sales.deal SET SCHEMA public;
ALTER TABLE hr.person SET SCHEMA public;
ALTER TYPE sales.kind SET SCHEMA public;
DROP FUNCTION sales.count_deals();
DROP SCHEMA sales, hr;
--- the same table in both
CREATE TABLE hr.deal (id integer PRIMARY KEY, other text);
CREATE VIEW hr.overview AS SELECT * FROM hr.deal;
--- a table moved from one to the other
ALTER TABLE sales.deal SET SCHEMA hr;
--- the comment of public
COMMENT ON SCHEMA public IS 'ours';
--- nobody makes tables in public
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO app_user;
--- everybody makes tables in public
GRANT CREATE ON SCHEMA public TO PUBLIC;
--- public belongs to somebody
ALTER SCHEMA public OWNER TO app_owner;
--- public is gone
DROP VIEW overview;
DROP SCHEMA public;
--- one whose tables hang on each other
CREATE SCHEMA club;
CREATE TABLE club.team (id integer PRIMARY KEY, captain integer);
CREATE TABLE club.member (id integer PRIMARY KEY, team integer REFERENCES club.team);
ALTER TABLE club.team ADD FOREIGN KEY (captain) REFERENCES club.member;
--- one with a policy over a view of its table
CREATE SCHEMA club;
CREATE TABLE club.member (id integer PRIMARY KEY, login name);
CREATE VIEW club.own AS SELECT id FROM club.member WHERE login = current_user;
CREATE POLICY own ON club.member USING (id IN (SELECT id FROM club.own));
