-- Enums: labels renamed, added, removed, moved, and all that hangs on them.
--- enum: a label is added at the end
CREATE TYPE status AS ENUM ('new', 'paid');
CREATE TABLE t (id integer PRIMARY KEY, s status DEFAULT 'new');
INSERT INTO t VALUES (1, 'paid');
--- slip
ALTER TYPE status ADD VALUE 'lost';
--- enum: labels are missing at the front, in the middle and at the end
CREATE TYPE status AS ENUM ('a', 'b', 'c', 'd', 'e', 'f');
CREATE TABLE t (id integer PRIMARY KEY, s status DEFAULT 'c', l status[] DEFAULT '{c,e}');
INSERT INTO t VALUES (1, 'e');
--- slip
DROP TABLE t;
DROP TYPE status;
CREATE TYPE status AS ENUM ('c', 'e');
CREATE TABLE t (id integer PRIMARY KEY, s status DEFAULT 'c', l status[] DEFAULT '{c,e}');
INSERT INTO t VALUES (1, 'e');
--- enum: labels were renamed
CREATE TYPE "Sta tus" AS ENUM ('it''s', 'b\n', 'c "quoted"', 'd');
CREATE TABLE t (id integer PRIMARY KEY, s "Sta tus" DEFAULT 'd' CHECK (s <> 'b\n'));
INSERT INTO t VALUES (1, 'it''s'), (2, 'd');
--- slip
ALTER TYPE "Sta tus" RENAME VALUE 'it''s' TO 'its''';
ALTER TYPE "Sta tus" RENAME VALUE 'd' TO 'e';
--- enum: an extra label is nowhere stored, everything hangs on the column
-- lost: g
CREATE TYPE status AS ENUM ('new', 'paid', 'done');
CREATE TYPE other AS ENUM ('x', 'y');
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE t (id integer PRIMARY KEY, s status NOT NULL DEFAULT 'new', o other DEFAULT 'x', l status[] DEFAULT ARRAY['new'::status, 'done'],
    n text DEFAULT 'new'::status::text, CONSTRAINT known CHECK (s <> 'done' OR id > 0), UNIQUE (s, id),
    g text GENERATED ALWAYS AS (CASE s WHEN 'new'::status THEN 'n' ELSE 'o' END) STORED);
COMMENT ON CONSTRAINT known ON t IS 'known';
CREATE INDEX t_new ON t (id) WHERE s = 'new';
CREATE INDEX t_case ON t ((s = 'done'::status), n);
CREATE INDEX t_plain ON t (s, o);
CREATE INDEX t_g ON t (g);
CREATE STATISTICS t_stat ON (s = 'new'::status), id FROM t;
CREATE POLICY p ON t FOR SELECT USING (s = 'new');
CREATE TRIGGER r AFTER UPDATE OF s ON t FOR EACH ROW WHEN (NEW.s = 'done') EXECUTE FUNCTION note();
ALTER TABLE t DISABLE TRIGGER r;
CREATE RULE quiet AS ON DELETE TO t WHERE OLD.s = 'paid' DO INSTEAD NOTHING;
CREATE TABLE u (s status, id integer, FOREIGN KEY (s, id) REFERENCES t (s, id));
ALTER TABLE t ALTER s SET STATISTICS 7, CLUSTER ON t_plain, REPLICA IDENTITY USING INDEX t_pkey;
INSERT INTO t VALUES (1, 'paid', 'x', '{done,new}'), (2, 'new', 'y', NULL);
INSERT INTO u VALUES ('paid', 1);
--- slip
ALTER TYPE status ADD VALUE 'odd' BEFORE 'paid';
--- enum: an extra label is stored and may go
-- data loss
-- lost: s l
CREATE TYPE status AS ENUM ('new', 'paid');
CREATE TABLE t (id integer PRIMARY KEY, s status DEFAULT 'new', l status[]);
INSERT INTO t VALUES (1, 'paid', '{paid}'), (2, 'new', '{new,paid}');
COMMENT ON TYPE status IS 'of an order';
GRANT USAGE ON TYPE status TO {ann};
REVOKE USAGE ON TYPE status FROM PUBLIC;
--- slip
ALTER TYPE status ADD VALUE 'odd' AFTER 'new';
COMMIT;
UPDATE t SET s = 'odd', l = '{odd,new}' WHERE id = 1;
--- enum: the order of labels
CREATE TYPE status AS ENUM ('a', 'b', 'c');
CREATE TABLE t (id integer, s status DEFAULT 'b', PRIMARY KEY (id));
CREATE TABLE child () INHERITS (t);
ALTER TABLE child ALTER s SET DEFAULT 'c';
CREATE TABLE part (id integer, s status DEFAULT 'a' CHECK (s <> 'b')) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part (s DEFAULT 'c') FOR VALUES FROM (0) TO (10);
--- slip
DROP TABLE t, child, part;
DROP TYPE status;
CREATE TYPE status AS ENUM ('c', 'a', 'b');
CREATE TABLE t (id integer, s status DEFAULT 'b', PRIMARY KEY (id));
CREATE TABLE child () INHERITS (t);
ALTER TABLE child ALTER s SET DEFAULT 'c';
CREATE TABLE part (id integer, s status DEFAULT 'a' CHECK (s <> 'b')) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part (s DEFAULT 'c') FOR VALUES FROM (0) TO (10);
--- enum: domains, composite types, ranges and arrays are built of it
CREATE TYPE status AS ENUM ('a', 'b', 'c');
CREATE DOMAIN few AS status DEFAULT 'a' CONSTRAINT not_b CHECK (VALUE <> 'b');
CREATE DOMAIN tight AS few NOT NULL;
CREATE TYPE pair AS (s status, n integer, o few, l status[]);
CREATE TYPE span AS RANGE (subtype = status);
CREATE DOMAIN pairs AS pair[];
COMMENT ON TYPE pair IS 'pair';
COMMENT ON DOMAIN tight IS 'tight';
ALTER TYPE span OWNER TO {ann};
CREATE TABLE t (id integer PRIMARY KEY, a few, b tight DEFAULT 'c', p pair, q pairs, r span, m span_multirange, l few[]);
INSERT INTO t VALUES (1, 'a', 'c', ROW('b', 1, 'a', '{a,b}'), ARRAY[ROW('b', 1, 'a', '{a,b}')]::pair[], '[a,c]', '{[a,b]}', '{a,c}');
--- slip
ALTER TYPE status ADD VALUE 'odd' AFTER 'a';
--- enum: what uses the extra label is mended later
CREATE TYPE status AS ENUM ('new', 'paid');
CREATE TABLE t (id integer PRIMARY KEY, s status DEFAULT 'new' CONSTRAINT c CHECK (s <> 'paid' OR id > 0), l status[]);
CREATE INDEX i ON t (id) WHERE s = 'new';
INSERT INTO t VALUES (1, 'paid');
--- slip
ALTER TYPE status ADD VALUE 'it''s';
COMMIT;
ALTER TABLE t ALTER s SET DEFAULT 'it''s', ALTER l SET DEFAULT '{new,it''s}', DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (s <> 'it''s' OR id > 0);
DROP INDEX i;
CREATE INDEX i ON t (id) WHERE s = 'it''s';
CREATE INDEX j ON t (id) WHERE s IN ('it''s', 'new');
--- enum: removed and added at once, nothing stored
CREATE TYPE status AS ENUM ('a', 'b', 'c', 'd');
--- slip
DROP TYPE status;
CREATE TYPE status AS ENUM ('x', 'y', 'b', 'z');
--- enum: added and removed, a row in the way
-- data loss
-- lost: s
CREATE TYPE status AS ENUM ('a', 'b', 'c');
CREATE TABLE t (id integer PRIMARY KEY, s status);
INSERT INTO t VALUES (1, 'c');
--- slip
DROP TABLE t;
DROP TYPE status;
CREATE TYPE status AS ENUM ('x', 'y', 'b', 'c');
CREATE TABLE t (id integer PRIMARY KEY, s status);
INSERT INTO t VALUES (1, 'y');
--- enum: gone
CREATE TYPE status AS ENUM ('a', 'b\', '', 'c''d');
ALTER TYPE status OWNER TO {bob};
GRANT USAGE ON TYPE status TO {ann} WITH GRANT OPTION;
COMMENT ON TYPE status IS 'it''s';
CREATE TYPE nothing AS ENUM ();
--- slip
DROP TYPE status;
DROP TYPE nothing;
--- enum: extra
CREATE TABLE t ();
--- slip
CREATE TYPE status AS ENUM ('a', 'b');
CREATE DOMAIN d AS status;
CREATE TYPE c AS (d d, s status);
CREATE TYPE r AS RANGE (subtype = status);
REVOKE USAGE ON TYPE status FROM PUBLIC;
--- enum: a missing label is used at once
CREATE TYPE status AS ENUM ('new', 'paid', 'it''s');
CREATE DOMAIN d AS status DEFAULT 'paid';
CREATE TABLE t (id integer PRIMARY KEY, s status DEFAULT 'paid', l status[] DEFAULT '{new,it''s}', CONSTRAINT k CHECK (s <> 'it''s'));
CREATE TABLE u (s status DEFAULT 'it''s');
CREATE INDEX i ON t (id) WHERE s = 'paid';
CREATE VIEW v AS SELECT id, s FROM t WHERE s = 'paid';
CREATE FUNCTION f(s status) RETURNS boolean LANGUAGE sql RETURN s = 'paid';
CREATE FUNCTION g(s status DEFAULT 'paid') RETURNS status LANGUAGE sql AS 'SELECT ''paid''::status';
INSERT INTO t VALUES (1, 'new', NULL);
--- slip
DROP TABLE u;
DROP FUNCTION f, g;
DROP VIEW v;
DROP TABLE t;
DROP DOMAIN d;
DROP TYPE status;
CREATE TYPE status AS ENUM ('new');
CREATE DOMAIN d AS status;
CREATE TABLE t (id integer PRIMARY KEY, s status, l status[]);
INSERT INTO t VALUES (1, 'new', NULL);
--- enum: a label is missing and used by nothing that differs
CREATE TYPE status AS ENUM ('new', 'paid', 'done');
CREATE TABLE t (id integer PRIMARY KEY, s status DEFAULT 'new');
CREATE VIEW v AS SELECT s FROM t WHERE s = 'new';
INSERT INTO t VALUES (1, 'new');
--- slip
DROP TABLE t CASCADE;
DROP TYPE status;
CREATE TYPE status AS ENUM ('new', 'done');
CREATE TABLE t (id integer PRIMARY KEY, s status DEFAULT 'new');
CREATE VIEW v AS SELECT s FROM t WHERE s = 'new';
INSERT INTO t VALUES (1, 'new');
COMMENT ON COLUMN t.s IS 'odd';
--- enum: an extra label under views and functions
CREATE TYPE status AS ENUM ('new', 'paid');
CREATE TABLE t (id integer PRIMARY KEY, s status DEFAULT 'new', m text);
CREATE VIEW v WITH (security_invoker = true) AS SELECT id, s AS state FROM t;
CREATE VIEW w AS SELECT count(*) AS n, state FROM v WHERE state IS NOT NULL GROUP BY state;
CREATE VIEW x AS SELECT id FROM t WHERE s IS NOT NULL;
COMMENT ON VIEW w IS 'w';
COMMENT ON COLUMN v.state IS 'state';
GRANT SELECT ON w TO {ann};
ALTER VIEW x OWNER TO {bob};
CREATE MATERIALIZED VIEW y AS SELECT s, id FROM t;
CREATE UNIQUE INDEX y_s ON y (s, id);
CREATE FUNCTION f(s status, l status[]) RETURNS SETOF status LANGUAGE sql AS 'SELECT s';
CREATE FUNCTION h(id integer) RETURNS TABLE (id integer, s status) LANGUAGE sql BEGIN ATOMIC SELECT id, s FROM t; END;
CREATE FUNCTION p() RETURNS trigger LANGUAGE plpgsql AS 'DECLARE s status; BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT OR UPDATE OF s ON t FOR EACH ROW WHEN (NEW.s = 'new') EXECUTE FUNCTION p();
CREATE AGGREGATE a (status) (SFUNC = enum_larger, STYPE = status);
CREATE FUNCTION eq(status, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1::text = $2';
CREATE OPERATOR === (FUNCTION = eq, LEFTARG = status, RIGHTARG = text);
CREATE FUNCTION to_int(status) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (status AS integer) WITH FUNCTION to_int(status) AS ASSIGNMENT;
GRANT EXECUTE ON FUNCTION f TO {ann};
REVOKE EXECUTE ON FUNCTION f FROM PUBLIC;
INSERT INTO t VALUES (1, 'paid');
REFRESH MATERIALIZED VIEW y;
--- slip
ALTER TYPE status ADD VALUE 'odd' BEFORE 'paid';
--- enum: extra, with columns, arguments and views
CREATE TABLE t (id integer PRIMARY KEY, v text);
--- slip
CREATE TYPE status AS ENUM ('a', 'b');
CREATE DOMAIN d AS status[];
ALTER TABLE t ADD COLUMN s status DEFAULT 'a', ADD COLUMN d d;
CREATE FUNCTION f(s status) RETURNS d LANGUAGE sql AS 'SELECT NULL::d';
CREATE VIEW v AS SELECT f(s) FROM t;
CREATE TABLE u (s status);
--- enum: all labels are missing, all labels are extra
CREATE TYPE a AS ENUM ('x', 'y');
CREATE TYPE b AS ENUM ();
CREATE TABLE t (id integer PRIMARY KEY, a a, b b);
--- slip
DROP TABLE t;
DROP TYPE a, b;
CREATE TYPE a AS ENUM ();
CREATE TYPE b AS ENUM ('x', 'y');
CREATE TABLE t (id integer PRIMARY KEY, a a, b b);
--- enum: a missing label, the key of a partitioned table
-- no revert
CREATE TYPE status AS ENUM ('new', 'paid', 'done');
CREATE TABLE t (id integer, s status) PARTITION BY LIST (s);
CREATE TABLE t_new PARTITION OF t FOR VALUES IN ('new');
--- slip
DROP TABLE t;
DROP TYPE status;
CREATE TYPE status AS ENUM ('new', 'done');
CREATE TABLE t (id integer, s status) PARTITION BY LIST (s);
CREATE TABLE t_new PARTITION OF t FOR VALUES IN ('new');
--- enum: an extra label where a value must be
-- data loss
-- lost: s d
CREATE TYPE status AS ENUM ('new', 'paid');
CREATE DOMAIN d AS status DEFAULT 'new';
CREATE TABLE t (id integer PRIMARY KEY, s status NOT NULL DEFAULT 'new', d d NOT NULL);
INSERT INTO t VALUES (1, 'paid', 'paid'), (2, 'new', 'new');
--- slip
ALTER TYPE status ADD VALUE 'odd' BEFORE 'new';
COMMIT;
UPDATE t SET s = 'odd', d = 'odd' WHERE id = 1;
--- enum: an extra label, and extra tables, columns and types that use it
-- data loss
-- no revert
CREATE TYPE status AS ENUM ('new', 'paid');
CREATE TABLE t (id integer PRIMARY KEY, s status DEFAULT 'new');
INSERT INTO t VALUES (1, 'paid');
--- slip
ALTER TYPE status ADD VALUE 'odd';
COMMIT;
CREATE TABLE u (s status DEFAULT 'odd');
CREATE DOMAIN d AS status DEFAULT 'odd';
ALTER TABLE t ADD COLUMN d d, ADD COLUMN l status[] DEFAULT '{odd,new}';
CREATE VIEW v AS SELECT * FROM u WHERE s = 'odd';
