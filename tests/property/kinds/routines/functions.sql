--- body
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
CREATE OR REPLACE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 0';

--- language and options
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
CREATE OR REPLACE FUNCTION f(a integer) RETURNS integer
LANGUAGE plpgsql STABLE STRICT LEAKPROOF SECURITY DEFINER PARALLEL SAFE COST 7 SET work_mem = '1MB'
SET search_path = '' AS 'BEGIN RETURN 1; END';

--- options by ALTER
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
ALTER FUNCTION f(integer) STABLE COST 3 SET datestyle = 'ISO, DMY';
--- slip
ALTER FUNCTION f(integer) VOLATILE COST 100 RESET ALL PARALLEL RESTRICTED;

--- rows and support
CREATE FUNCTION s(integer) RETURNS SETOF integer LANGUAGE sql ROWS 5 AS 'SELECT $1';
ALTER FUNCTION s(integer) SUPPORT generate_series_int4_support;
--- slip
CREATE OR REPLACE FUNCTION s(integer) RETURNS SETOF integer LANGUAGE sql ROWS 6 AS 'SELECT $1';

--- a default goes
CREATE FUNCTION f(a integer, b integer DEFAULT 1) RETURNS integer LANGUAGE sql AS 'SELECT 1';
--- slip
DROP FUNCTION f;
CREATE FUNCTION f(a integer, b integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';

--- a default comes
CREATE FUNCTION f(a integer, b integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
--- slip
CREATE OR REPLACE FUNCTION f(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql AS 'SELECT 1';

--- a default's value
CREATE FUNCTION f(a text DEFAULT 'it''s %I') RETURNS text LANGUAGE sql AS 'SELECT a';
--- slip
CREATE OR REPLACE FUNCTION f(a text DEFAULT 'x') RETURNS text LANGUAGE sql AS 'SELECT a';

--- a default of another type
CREATE FUNCTION f(a anyelement DEFAULT 1) RETURNS text LANGUAGE sql AS 'SELECT 1';
--- slip
DROP FUNCTION f;
CREATE FUNCTION f(a anyelement DEFAULT 'x'::text) RETURNS text LANGUAGE sql AS 'SELECT 1';

--- a default with an array of varchar
CREATE FUNCTION f(a text[] DEFAULT ARRAY['a'::varchar, 'b'::varchar]::text[])
RETURNS text LANGUAGE sql AS '/* (ARRAY[''a''::character varying, ''b''::character varying])::text[] */ SELECT 1';
--- slip
DROP FUNCTION f;

--- an argument's name
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
DROP FUNCTION f;
CREATE FUNCTION f(b integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';

--- an argument gets a name
CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
CREATE OR REPLACE FUNCTION f(b integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';

--- an argument's type
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
DROP FUNCTION f;
CREATE FUNCTION f(a bigint) RETURNS integer LANGUAGE sql AS 'SELECT 1';

--- the result
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
DROP FUNCTION f;
CREATE FUNCTION f(a integer) RETURNS SETOF integer LANGUAGE sql AS 'SELECT $1';

--- columns of the result
CREATE FUNCTION f() RETURNS TABLE (a integer, b text) LANGUAGE sql AS 'SELECT 1, ''x''';
--- slip
DROP FUNCTION f;
CREATE FUNCTION f() RETURNS TABLE (a integer, c text) LANGUAGE sql AS 'SELECT 1, ''x''';

--- TABLE and OUT
CREATE FUNCTION f() RETURNS TABLE (a integer, b text) LANGUAGE sql AS 'SELECT 1, ''x''';
--- slip
CREATE OR REPLACE FUNCTION f(OUT a integer, OUT b text) RETURNS SETOF record LANGUAGE sql
AS 'SELECT 1, ''x''';

--- the only OUT argument's name
CREATE FUNCTION f(OUT a integer) LANGUAGE sql AS 'SELECT 1';
--- slip
CREATE OR REPLACE FUNCTION f(OUT b integer) LANGUAGE sql AS 'SELECT 1';

--- INOUT
CREATE FUNCTION f(INOUT a integer, OUT b text) LANGUAGE sql AS 'SELECT 1, ''x''';
--- slip
DROP FUNCTION f;
CREATE FUNCTION f(a integer, OUT a2 integer) LANGUAGE sql AS 'SELECT 1';

--- variadic
CREATE FUNCTION f(VARIADIC a integer[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
--- slip
CREATE OR REPLACE FUNCTION f(a integer[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';

--- window
CREATE FUNCTION w(integer) RETURNS integer LANGUAGE internal WINDOW AS 'window_rank';
--- slip
DROP FUNCTION w;
CREATE FUNCTION w(integer) RETURNS integer LANGUAGE internal AS 'int4abs';

--- window body
CREATE FUNCTION w(integer) RETURNS bigint LANGUAGE internal WINDOW AS 'window_rank';
--- slip
CREATE OR REPLACE FUNCTION w(integer) RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number';

--- C
CREATE FUNCTION c(internal) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_inline_handler';
--- slip
CREATE OR REPLACE FUNCTION c(internal) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_validator';

--- hostile names
CREATE FUNCTION "f""(,)'$1
        %I"("A, b" text, "double" double precision DEFAULT NULL) RETURNS text LANGUAGE sql AS 'SELECT $$1$$';
--- slip
DROP ROUTINE "f""(,)'$1
        %I";

--- hostile body
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $x$SELECT '$function$\%'::text -- $functionx$$x$;
--- slip
CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT NULL::text';

--- 62 bytes
CREATE FUNCTION üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü(ééééééééééééééééééééééééééééééé integer)
RETURNS void LANGUAGE sql AS '';
--- slip
DROP FUNCTION üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü;

--- reserved words
CREATE FUNCTION "select"("from" integer, "table" text) RETURNS void LANGUAGE sql AS '';
--- slip
ALTER FUNCTION "select" RENAME TO "order";

--- overloads
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION f(a text) RETURNS text LANGUAGE sql AS 'SELECT $1';
--- slip
DROP FUNCTION f(text);
ALTER FUNCTION f(integer) STRICT;

--- owner, grants and comment
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
ALTER FUNCTION f(integer) OWNER TO {bob};
GRANT EXECUTE ON FUNCTION f(integer) TO {ann} WITH GRANT OPTION;
REVOKE EXECUTE ON FUNCTION f(integer) FROM PUBLIC;
COMMENT ON FUNCTION f(integer) IS 'it''s';
--- slip
ALTER FUNCTION f(integer) OWNER TO {odd};
REVOKE ALL ON FUNCTION f(integer) FROM {ann};
GRANT EXECUTE ON FUNCTION f(integer) TO PUBLIC;
COMMENT ON FUNCTION f(integer) IS NULL;

--- all of it after a new result
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
ALTER FUNCTION f(integer) OWNER TO {odd};
REVOKE EXECUTE ON FUNCTION f(integer) FROM PUBLIC;
COMMENT ON FUNCTION f(integer) IS 'x';
--- slip
DROP FUNCTION f;
CREATE FUNCTION f(b integer) RETURNS text LANGUAGE sql AS 'SELECT $$a$$';
ALTER FUNCTION f OWNER TO {bob};
GRANT ALL ON FUNCTION f TO {ann};

--- default privileges
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
REVOKE EXECUTE ON FUNCTION f(integer) FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT EXECUTE ON FUNCTIONS TO {ann};
--- slip
DROP FUNCTION f;

--- depends on an extension
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
ALTER FUNCTION f(integer) DEPENDS ON EXTENSION plpgsql;
--- slip
ALTER FUNCTION f(integer) NO DEPENDS ON EXTENSION plpgsql;
ALTER FUNCTION f(integer) STRICT;

--- independent of an extension
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
ALTER FUNCTION f(integer) DEPENDS ON EXTENSION plpgsql;

--- body of one with an extension
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
ALTER FUNCTION f(integer) DEPENDS ON EXTENSION plpgsql;
--- slip
ALTER FUNCTION f(integer) STRICT;

--- standard body
CREATE TABLE t (a integer, v varchar(9));
CREATE FUNCTION g() RETURNS SETOF integer BEGIN ATOMIC SELECT a FROM t WHERE v IN ('x', 'y')
AND v NOT IN ('p', 'q') AND a BETWEEN 1 AND 3 AND (a, v) NOT IN ((1, 'x'), (2, 'y'), (3, 'z'))
AND v <> '(ARRAY[''a''::character varying])::text[]'; END;
CREATE FUNCTION a() RETURNS integer RETURN (SELECT max(x) FROM g() AS x);
--- slip
CREATE OR REPLACE FUNCTION a() RETURNS integer RETURN 1;
CREATE OR REPLACE FUNCTION g() RETURNS SETOF integer LANGUAGE sql AS 'SELECT 1';

--- standard body gone
CREATE VIEW v AS SELECT 1 AS a;
CREATE FUNCTION z() RETURNS SETOF v BEGIN ATOMIC SELECT a FROM v; END;
CREATE FUNCTION a() RETURNS integer BEGIN ATOMIC SELECT 1; SELECT max(a) FROM z(); END;
--- slip
DROP FUNCTION a();
DROP FUNCTION z();

--- row types
CREATE TABLE t (a integer);
CREATE DOMAIN "D" AS integer;
CREATE FUNCTION f(t, t[], "D") RETURNS SETOF t LANGUAGE sql AS 'SELECT $1';
--- slip
DROP FUNCTION f;

--- types of many words
CREATE FUNCTION f(double precision, timestamp with time zone, "char", character varying[],
time without time zone, bit varying) RETURNS void LANGUAGE sql AS '';
--- slip
ALTER FUNCTION f STRICT;

--- range type
CREATE TYPE r AS RANGE (SUBTYPE = integer);
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
DROP FUNCTION f(integer);

--- procedure
CREATE PROCEDURE p(a integer, INOUT b text) LANGUAGE sql AS 'SELECT b';
COMMENT ON PROCEDURE p IS 'p';
GRANT EXECUTE ON PROCEDURE p TO {ann};
ALTER PROCEDURE p OWNER TO {bob};
--- slip
CREATE OR REPLACE PROCEDURE p(a integer, INOUT b text) LANGUAGE sql AS 'SELECT NULL::text';
COMMENT ON PROCEDURE p IS NULL;
REVOKE ALL ON PROCEDURE p FROM {ann}, PUBLIC;

--- OUT of a procedure
CREATE PROCEDURE p(a integer, OUT b text) LANGUAGE sql AS 'SELECT NULL::text';
CREATE PROCEDURE p(OUT a integer) LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE p(a integer, b text) LANGUAGE sql AS '';
ALTER PROCEDURE p(IN integer, IN text) OWNER TO {bob};
--- slip
DROP PROCEDURE p(IN integer, OUT text);
DROP PROCEDURE p(OUT integer);
CREATE PROCEDURE p(a integer) LANGUAGE sql AS '';
DROP PROCEDURE p(IN integer, IN text);

--- procedure and function
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
DROP FUNCTION f(integer);
CREATE PROCEDURE f(a integer) LANGUAGE sql AS 'SELECT 1';

--- security of a procedure
CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN COMMIT; END';
--- slip
ALTER PROCEDURE p() SECURITY DEFINER SET search_path = public;
