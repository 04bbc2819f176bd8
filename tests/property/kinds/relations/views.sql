--- view dropped
CREATE TABLE t (a int, b text);
CREATE VIEW v AS SELECT a, b FROM t WHERE a > 1;
--- slip
DROP VIEW v;

--- view dropped with everything on it
CREATE TABLE t (a int, b varchar(9));
CREATE VIEW v (x, "Y z") WITH (security_barrier = true, security_invoker = true) AS SELECT a, b FROM t WHERE b IN ('p', 'q') WITH
    LOCAL CHECK OPTION;
ALTER VIEW v ALTER x SET DEFAULT 7;
COMMENT ON VIEW v IS E'it''s a\nview $1 %';
COMMENT ON COLUMN v."Y z" IS 'a ''column''';
ALTER VIEW v OWNER TO {bob};
GRANT SELECT, INSERT ON v TO {ann} WITH GRANT OPTION;
GRANT UPDATE (x) ON v TO {odd};
GRANT SELECT ("Y z") ON v TO PUBLIC;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f('it''s');
COMMENT ON TRIGGER tr ON v IS 'why';
CREATE RULE r AS ON DELETE TO v DO INSTEAD NOTHING;
COMMENT ON RULE r ON v IS 'rule';
--- slip
DROP VIEW v;

--- extra view with everything on it
CREATE TABLE t (a int, b varchar(9));
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
--- slip
CREATE VIEW v (x, "Y z") WITH (security_barrier = true, check_option = cascaded) AS SELECT a, b FROM t WHERE b IN ('p', 'q');
ALTER VIEW v ALTER x SET DEFAULT 7;
COMMENT ON VIEW v IS E'it''s a\nview $1 %';
COMMENT ON COLUMN v."Y z" IS 'a ''column''';
ALTER VIEW v OWNER TO {bob};
GRANT SELECT, INSERT ON v TO {ann} WITH GRANT OPTION;
GRANT UPDATE (x) ON v TO {odd};
CREATE TRIGGER tr INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f('it''s');
CREATE RULE r AS ON DELETE TO v DO INSTEAD NOTHING;

--- view replaced
-- in place
CREATE TABLE t (a int, b text);
CREATE VIEW v AS SELECT a, b FROM t WHERE a > 1;
COMMENT ON VIEW v IS 'kept';
GRANT SELECT ON v TO {ann};
CREATE VIEW w AS SELECT a FROM v;
--- slip
CREATE OR REPLACE VIEW v AS SELECT a, b FROM t WHERE a > 2;

--- view replaced, options too
-- in place
CREATE TABLE t (a int, b text);
CREATE VIEW v WITH (security_barrier) AS SELECT a, b FROM t WHERE a > 1;
--- slip
CREATE OR REPLACE VIEW v WITH (security_invoker = on) AS SELECT a, b FROM t WHERE a > 2;

--- view options only
-- in place
CREATE TABLE t (a int, b text);
CREATE VIEW v WITH (security_barrier = on, check_option = local) AS SELECT a, b FROM t WHERE a > 1;
CREATE VIEW w AS SELECT 1 AS one;
--- slip
ALTER VIEW v RESET (security_barrier);
ALTER VIEW v SET (check_option = cascaded, security_invoker = true);
ALTER VIEW w SET (security_barrier = false);

--- view lacks columns at its end
CREATE TABLE t (a int, b text, c date);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE VIEW v AS SELECT a, b, c, c + 1 AS d FROM t;
COMMENT ON COLUMN v.c IS 'last';
GRANT SELECT (a), UPDATE (c) ON v TO {ann};
CREATE TRIGGER tr INSTEAD OF UPDATE ON v FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER same INSTEAD OF DELETE ON v FOR EACH ROW EXECUTE FUNCTION f();
--- slip
DROP VIEW v;
CREATE VIEW v WITH (security_barrier = true) AS SELECT a, b FROM t WHERE a > 5;
COMMENT ON VIEW v IS 'short';
COMMENT ON COLUMN v.a IS 'first';
GRANT SELECT ON v TO {eve};
CREATE TRIGGER tr INSTEAD OF UPDATE ON v FOR EACH ROW EXECUTE FUNCTION f('x');
CREATE TRIGGER same INSTEAD OF DELETE ON v FOR EACH ROW EXECUTE FUNCTION f();
COMMENT ON TRIGGER same ON v IS 'here';
CREATE TRIGGER extra INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();

--- view lacks columns and has others under another name
CREATE TABLE t (a int, b text, c date);
CREATE VIEW v AS SELECT a AS one, b AS two, c FROM t;
CREATE RULE r AS ON UPDATE TO v DO INSTEAD UPDATE t SET b = NEW.two WHERE t.a = NEW.one;
--- slip
DROP VIEW v;
CREATE VIEW v AS SELECT a AS uno, b AS dos FROM t WHERE b <> '';
CREATE RULE r AS ON UPDATE TO v DO INSTEAD UPDATE t SET b = NEW.dos WHERE t.a = NEW.uno;
COMMENT ON COLUMN v.uno IS '1';

--- view column renamed
CREATE TABLE t (a int, b text);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE VIEW v AS SELECT a, b AS "B ""b""" FROM t;
COMMENT ON COLUMN v."B ""b""" IS 'kept';
ALTER VIEW v ALTER "B ""b""" SET DEFAULT 'x';
GRANT UPDATE ("B ""b""") ON v TO {ann};
CREATE TRIGGER tr INSTEAD OF UPDATE ON v FOR EACH ROW EXECUTE FUNCTION f();
--- slip
ALTER VIEW v RENAME COLUMN "B ""b""" TO other;
ALTER VIEW v RENAME COLUMN a TO another;

--- view lacks a column and others read it
CREATE TABLE t (a int, b text);
CREATE VIEW v AS SELECT a, b FROM t;
CREATE VIEW w AS SELECT a FROM v;
CREATE MATERIALIZED VIEW m AS SELECT w.a FROM v, w;
COMMENT ON VIEW w IS 'w';
GRANT SELECT ON m TO {ann};
--- slip
DROP VIEW v CASCADE;
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a FROM v;
CREATE MATERIALIZED VIEW m AS SELECT w.a FROM v, w;
COMMENT ON VIEW w IS 'w';
GRANT SELECT ON m TO {ann};

--- view columns exchanged
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT a, b FROM t;
--- slip
DROP VIEW v;
CREATE VIEW v AS SELECT b, a FROM t;

--- view has an extra column
CREATE TABLE t (a int, b text);
CREATE VIEW v AS SELECT a FROM t;
COMMENT ON VIEW v IS 'one column';
GRANT SELECT ON v TO {ann};
--- slip
CREATE OR REPLACE VIEW v AS SELECT a, b FROM t;
COMMENT ON COLUMN v.b IS 'extra';
GRANT SELECT (b) ON v TO {eve};

--- view column of another type
CREATE TABLE t (a int, b text);
CREATE VIEW v AS SELECT a, b::varchar(10) AS b, 'x' COLLATE "C" AS c FROM t;
--- slip
DROP VIEW v;
CREATE VIEW v AS SELECT a::bigint AS a, b, 'x'::text AS c FROM t;

--- view without columns
CREATE VIEW v AS SELECT;
--- slip
CREATE OR REPLACE VIEW v AS SELECT 1 AS a;

--- view comments, owner, grants
-- in place
CREATE TABLE t (a int, b text);
CREATE VIEW v AS SELECT a, b FROM t;
CREATE VIEW w AS SELECT a, b FROM t;
COMMENT ON VIEW v IS 'v';
COMMENT ON COLUMN v.a IS 'a';
GRANT SELECT ON v TO {ann};
GRANT UPDATE (a) ON v TO {ann} WITH GRANT OPTION;
REVOKE DELETE ON w FROM {bob};
ALTER VIEW w OWNER TO {bob};
REVOKE TRIGGER ON w FROM {bob};
--- slip
COMMENT ON VIEW v IS NULL;
COMMENT ON COLUMN v.a IS 'b';
COMMENT ON COLUMN v.b IS 'b';
COMMENT ON VIEW w IS 'w';
REVOKE SELECT ON v FROM {ann};
REVOKE GRANT OPTION FOR UPDATE (a) ON v FROM {ann};
GRANT INSERT (b), SELECT (b) ON v TO PUBLIC;
ALTER VIEW v OWNER TO {odd};
ALTER VIEW w OWNER TO {ann};

--- view column defaults
-- in place
CREATE TABLE t (a int, b text, c date);
CREATE VIEW v AS SELECT a, b, c FROM t;
ALTER VIEW v ALTER a SET DEFAULT 1, ALTER b SET DEFAULT 'x''y';
--- slip
ALTER VIEW v ALTER a DROP DEFAULT, ALTER b SET DEFAULT 'z', ALTER c SET DEFAULT CURRENT_DATE;

--- triggers and rules of a view
-- in place
CREATE TABLE t (a int, b text);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE VIEW v AS SELECT a, b FROM t;
CREATE TRIGGER tr INSTEAD OF INSERT OR UPDATE ON v FOR EACH ROW EXECUTE FUNCTION f('1');
CREATE TRIGGER st BEFORE UPDATE ON v FOR EACH STATEMENT EXECUTE FUNCTION f();
CREATE RULE r AS ON DELETE TO v WHERE OLD.a < 0 DO INSTEAD NOTHING;
CREATE RULE q AS ON DELETE TO v DO INSTEAD DELETE FROM t WHERE t.a = OLD.a RETURNING t.a, t.b;
COMMENT ON TRIGGER tr ON v IS 'tr';
--- slip
DROP TRIGGER tr ON v;
CREATE TRIGGER tr INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f('1');
DROP TRIGGER st ON v;
CREATE TRIGGER "Ex tra" BEFORE DELETE ON v FOR EACH STATEMENT EXECUTE FUNCTION f();
DROP RULE q ON v;
CREATE RULE z AS ON INSERT TO v DO INSTEAD NOTHING;
COMMENT ON RULE r ON v IS 'r';
