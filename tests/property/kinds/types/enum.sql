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
