-- Composite, range and shell types, and what all types have.
--- type: owner, comment and privileges
CREATE TYPE e AS ENUM ('a');
CREATE TYPE c AS (a integer);
CREATE DOMAIN d AS integer;
COMMENT ON TYPE c IS 'c';
GRANT USAGE ON TYPE d TO {ann};
--- slip
ALTER TYPE e OWNER TO {bob};
COMMENT ON TYPE e IS 'e';
COMMENT ON TYPE c IS NULL;
GRANT USAGE ON TYPE c TO {ann};
REVOKE USAGE ON TYPE d FROM PUBLIC;
ALTER DOMAIN d OWNER TO {ann};
--- composite: attributes are renamed, dropped and added at the end
CREATE TYPE c AS (a integer, "b b" text COLLATE "C", d numeric(10,2));
COMMENT ON COLUMN c."b b" IS 'b';
COMMENT ON COLUMN c.d IS 'd';
--- slip
ALTER TYPE c RENAME ATTRIBUTE a TO aa;
ALTER TYPE c DROP ATTRIBUTE d;
COMMENT ON COLUMN c.aa IS 'new';
ALTER TYPE c ADD ATTRIBUTE x text;
--- composite: renamed while stored
CREATE TYPE c AS (a integer, b text);
CREATE TABLE t (id integer PRIMARY KEY, c c DEFAULT ROW(1, 'x')::c, l c[]);
INSERT INTO t VALUES (1, ROW(1, 'y'), ARRAY[ROW(1, 'y')]::c[]);
--- slip
ALTER TYPE c RENAME ATTRIBUTE b TO d;
--- composite: an extra attribute while stored
CREATE TYPE c AS (a integer, b text);
CREATE TABLE t (id integer PRIMARY KEY, c c, l c[]);
INSERT INTO t VALUES (1, ROW(1, 'y'), NULL);
--- slip
ALTER TYPE c ADD ATTRIBUTE d text;
--- composite: an extra attribute with values
-- data loss
-- lost: c
CREATE TYPE c AS (a integer, b text);
CREATE TABLE t (id integer PRIMARY KEY, c c);
INSERT INTO t VALUES (1, ROW(1, 'y'));
--- slip
ALTER TYPE c ADD ATTRIBUTE d text;
UPDATE t SET c = ROW(1, 'y', 'z');
--- composite: types of attributes, not stored
CREATE TYPE c AS (a integer, b text, d text COLLATE "C");
COMMENT ON COLUMN c.a IS 'a';
--- slip
ALTER TYPE c ALTER ATTRIBUTE a TYPE bigint, ALTER ATTRIBUTE b TYPE varchar(10), ALTER ATTRIBUTE d TYPE text COLLATE "POSIX";
--- composite: types and order of attributes while stored
CREATE TYPE c AS (a bigint, b text, d integer);
COMMENT ON COLUMN c.a IS 'a';
CREATE TABLE t (id integer PRIMARY KEY, c c DEFAULT ROW(1, 'x', 2)::c, CONSTRAINT k CHECK ((c).a > 0));
CREATE INDEX i ON t (((c).a));
ALTER TABLE t ALTER c SET STORAGE EXTERNAL;
INSERT INTO t VALUES (1, ROW(1, 'y', 3)), (2, NULL), (3, ROW(NULL, NULL, NULL));
--- slip
DROP TABLE t;
DROP TYPE c;
CREATE TYPE c AS (b text, a integer, d integer);
CREATE TABLE t (id integer PRIMARY KEY, c c DEFAULT ROW('x', 1, 2)::c, CONSTRAINT k CHECK ((c).a > 0));
CREATE INDEX i ON t (((c).a));
ALTER TABLE t ALTER c SET STORAGE EXTERNAL;
INSERT INTO t VALUES (1, ROW('y', 1, 3)), (2, NULL), (3, ROW(NULL, NULL, NULL));
--- composite: type of an attribute in arrays
CREATE TYPE c AS (a bigint, b text);
CREATE TABLE t (id integer PRIMARY KEY, l c[]);
INSERT INTO t VALUES (1, ARRAY[ROW(1, 'y')]::c[]);
--- slip
DROP TABLE t;
DROP TYPE c;
CREATE TYPE c AS (a integer, b text);
CREATE TABLE t (id integer PRIMARY KEY, l c[]);
INSERT INTO t VALUES (1, ARRAY[ROW(1, 'y')]::c[]);
--- composite: gone, extra, empty
CREATE TYPE c AS (a integer, b varchar(7) COLLATE "C", "C" numeric(4,2)[]);
COMMENT ON COLUMN c."C" IS 'c';
CREATE TYPE nothing AS ();
ALTER TYPE c OWNER TO {odd};
--- slip
DROP TYPE c;
DROP TYPE nothing;
CREATE TYPE x AS (a integer, b text);
CREATE TYPE y AS (x x[]);
--- type: of another kind
CREATE TYPE a AS ENUM ('x');
CREATE TYPE b AS (x integer);
CREATE TYPE r AS RANGE (subtype = integer);
CREATE TABLE t (id integer PRIMARY KEY, a a);
--- slip
DROP TABLE t;
DROP TYPE a, b, r;
CREATE TYPE a AS (x integer);
CREATE TYPE b AS RANGE (subtype = integer);
CREATE TYPE r;
CREATE TABLE t (id integer PRIMARY KEY, a a);
--- range: subtype, difference and name of the multirange
CREATE TYPE r AS RANGE (subtype = bigint, multirange_type_name = rr);
CREATE TYPE f AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE x AS RANGE (subtype = text, collation = "C");
CREATE TYPE o AS RANGE (subtype = text, subtype_opclass = text_pattern_ops);
CREATE TABLE t (id integer PRIMARY KEY, r r, m rr, EXCLUDE USING gist (r WITH &&));
INSERT INTO t VALUES (1, '[1,2)', '{[1,2)}');
--- slip
DROP TABLE t;
DROP TYPE r, f, x, o;
CREATE TYPE r AS RANGE (subtype = integer, multirange_type_name = rr);
CREATE TYPE f AS RANGE (subtype = float8);
CREATE TYPE x AS RANGE (subtype = text);
CREATE TYPE o AS RANGE (subtype = text, multirange_type_name = oo);
CREATE TABLE t (id integer PRIMARY KEY, r r, m rr, EXCLUDE USING gist (r WITH &&));
INSERT INTO t VALUES (1, '[1,2)', '{[1,2)}');
--- range: gone and extra
CREATE TYPE "R" AS RANGE (subtype = timestamptz, multirange_type_name = "M R");
COMMENT ON TYPE "R" IS 'r';
--- slip
DROP TYPE "R";
CREATE TYPE q AS RANGE (subtype = numeric);
--- shell: gone and extra
CREATE TYPE s;
--- slip
DROP TYPE s;
CREATE TYPE t;
--- composite: type of an attribute under views, functions and a domain
CREATE TYPE c AS (a bigint, b text);
CREATE DOMAIN d AS c CHECK ((VALUE).a > 0);
CREATE TABLE t (id integer PRIMARY KEY, c c, d d DEFAULT ROW(1, 'x')::c);
CREATE VIEW v AS SELECT (c).a, (d).b FROM t;
CREATE FUNCTION f(c c) RETURNS SETOF c LANGUAGE sql AS 'SELECT $1';
INSERT INTO t VALUES (1, ROW(1, 'a'), ROW(2, 'b'));
--- slip
DROP TABLE t CASCADE;
DROP FUNCTION f;
DROP DOMAIN d;
DROP TYPE c;
CREATE TYPE c AS (a integer, b varchar(9));
CREATE DOMAIN d AS c CHECK ((VALUE).a > 0);
CREATE TABLE t (id integer PRIMARY KEY, c c, d d DEFAULT ROW(1, 'x')::c);
CREATE VIEW v AS SELECT (c).a, (d).b FROM t;
CREATE FUNCTION f(c c) RETURNS SETOF c LANGUAGE sql AS 'SELECT $1';
INSERT INTO t VALUES (1, ROW(1, 'a'), ROW(2, 'b'));
--- composite: an attribute is missing at the end, a view and a function stay
CREATE TYPE c AS (a integer, b text, d text);
CREATE TABLE t (id integer PRIMARY KEY, c c);
CREATE VIEW v AS SELECT (c).a, c FROM t;
CREATE FUNCTION f(c c) RETURNS SETOF c LANGUAGE sql AS 'SELECT $1';
INSERT INTO t VALUES (1, ROW(1, 'a', NULL));
--- slip
ALTER TYPE c DROP ATTRIBUTE d;
--- composite: built of one another, gone and extra
CREATE TYPE z AS (a integer);
CREATE TYPE a AS (z z, l z[]);
CREATE DOMAIN b AS a;
CREATE TYPE "A" AS (b b);
--- slip
DROP TYPE "A";
DROP DOMAIN b;
DROP TYPE a, z;
CREATE TYPE y AS (a integer);
CREATE DOMAIN x AS y;
CREATE TYPE w AS (x x);
--- composite: an attribute is missing in the middle, arrays and domains hold rows
CREATE TYPE c AS (a integer, "B" text, d bigint);
CREATE DOMAIN r AS c;
CREATE DOMAIN l AS c[];
CREATE TABLE t (id integer PRIMARY KEY, l c[], r r, k l);
INSERT INTO t VALUES (1, ARRAY[ROW(1, NULL, 2), NULL]::c[], ROW(1, NULL, 2), ARRAY[ROW(1, NULL, 2)]::c[]),
    (2, '{}', NULL, '{}'), (3, NULL, ROW(NULL, NULL, NULL), NULL);
--- slip
DROP TABLE t;
DROP DOMAIN r, l;
DROP TYPE c;
CREATE TYPE c AS (a integer, d integer);
CREATE DOMAIN r AS c;
CREATE DOMAIN l AS c[];
CREATE TABLE t (id integer PRIMARY KEY, l c[], r r, k l);
INSERT INTO t VALUES (1, ARRAY[ROW(1, 2), NULL]::c[], ROW(1, 2), ARRAY[ROW(1, 2)]::c[]), (2, '{}', NULL, '{}'), (3, NULL, ROW(NULL, NULL), NULL);
--- base: gone with its functions
-- no revert
CREATE TYPE b;
CREATE FUNCTION b_in(cstring) RETURNS b IMMUTABLE STRICT LANGUAGE internal AS 'textin';
CREATE FUNCTION b_out(b) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout';
CREATE TYPE b (INPUT = b_in, OUTPUT = b_out, STORAGE = extended, CATEGORY = 'S', DEFAULT = 'it''s', DELIMITER = ';', COLLATABLE = true);
COMMENT ON TYPE b IS 'b';
ALTER TYPE b OWNER TO {ann};
CREATE TYPE c AS (b b);
--- slip
DROP TYPE b CASCADE;
DROP TYPE c;
--- base: functions and storage
CREATE TYPE b;
CREATE FUNCTION b_in(cstring) RETURNS b IMMUTABLE STRICT LANGUAGE internal AS 'textin';
CREATE FUNCTION b_out(b) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout';
CREATE FUNCTION b_send(b) RETURNS bytea IMMUTABLE STRICT LANGUAGE internal AS 'textsend';
CREATE TYPE b (INPUT = b_in, OUTPUT = b_out, SEND = b_send, STORAGE = main);
--- slip
ALTER TYPE b SET (SEND = NONE, STORAGE = external);
