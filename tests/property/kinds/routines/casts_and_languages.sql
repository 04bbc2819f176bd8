--- cast
CREATE TYPE duo AS (a integer, b integer);
CREATE FUNCTION of_duo(duo) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE CAST (duo AS text) WITH FUNCTION of_duo(duo) AS ASSIGNMENT;
COMMENT ON CAST (duo AS text) IS 'two in one';
--- slip
DROP CAST (duo AS text);
CREATE CAST (duo AS text) WITH INOUT AS IMPLICIT;

--- cast gone
CREATE TYPE duo AS (a integer, b integer);
CREATE FUNCTION of_duo(duo) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE CAST (duo AS text) WITH FUNCTION of_duo(duo) AS ASSIGNMENT;
COMMENT ON CAST (duo AS text) IS 'two in one';
--- slip
DROP CAST (duo AS text);
DROP FUNCTION of_duo;

--- cast extra
CREATE TYPE duo AS (a integer, b integer);
--- slip
CREATE FUNCTION of_duo(duo) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE CAST (duo AS text) WITH FUNCTION of_duo(duo) AS ASSIGNMENT;
COMMENT ON CAST (duo AS text) IS 'two in one';

--- cast's comment
CREATE TYPE duo AS (a integer, b integer);
CREATE FUNCTION of_duo(duo) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE CAST (duo AS text) WITH FUNCTION of_duo(duo) AS ASSIGNMENT;
COMMENT ON CAST (duo AS text) IS 'two in one';
--- slip
COMMENT ON CAST (duo AS text) IS NULL;

--- cast without function
CREATE TYPE a AS ENUM ('x');
CREATE CAST (a AS jsonb) WITH INOUT;
CREATE SCHEMA outside;
CREATE TYPE outside."{schema} b";
CREATE FUNCTION outside.b_in(cstring) RETURNS outside."{schema} b" LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION outside.b_out(outside."{schema} b") RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE outside."{schema} b" (INPUT = outside.b_in, OUTPUT = outside.b_out, LIKE = integer);
CREATE CAST (outside."{schema} b" AS integer) WITHOUT FUNCTION AS IMPLICIT;
--- slip
DROP CAST (outside."{schema} b" AS integer);
DROP CAST (a AS jsonb);

--- cast with length
CREATE TYPE duo AS (a integer);
CREATE FUNCTION of_duo(duo, integer, boolean) RETURNS varchar LANGUAGE sql AS 'SELECT $1::text';
CREATE CAST (duo AS varchar) WITH FUNCTION of_duo(duo, integer, boolean);
--- slip
DROP CAST (duo AS varchar);

--- transform
CREATE TYPE duo AS (a integer);
CREATE FUNCTION there(internal) RETURNS internal LANGUAGE internal STABLE AS 'int4abs';
CREATE FUNCTION back(internal) RETURNS duo LANGUAGE internal STABLE AS 'int4abs';
CREATE TRANSFORM FOR duo LANGUAGE plpgsql (FROM SQL WITH FUNCTION there(internal),
TO SQL WITH FUNCTION back(internal));
COMMENT ON TRANSFORM FOR duo LANGUAGE plpgsql IS 't';
--- slip
CREATE OR REPLACE TRANSFORM FOR duo LANGUAGE plpgsql (TO SQL WITH FUNCTION back(internal));

--- transform gone
CREATE TYPE "D o" AS (a integer);
CREATE FUNCTION there(internal) RETURNS internal LANGUAGE internal STABLE AS 'int4abs';
CREATE TRANSFORM FOR "D o" LANGUAGE plpgsql (FROM SQL WITH FUNCTION there(internal));
CREATE FUNCTION uses("D o") RETURNS void TRANSFORM FOR TYPE "D o" LANGUAGE plpgsql AS 'BEGIN END';
--- slip
DROP FUNCTION uses;
DROP TRANSFORM FOR "D o" LANGUAGE plpgsql;
DROP FUNCTION there;

--- language
CREATE FUNCTION h() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION i(internal) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION v(oid) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE TRUSTED LANGUAGE "{schema} L" HANDLER h INLINE i VALIDATOR v;
ALTER LANGUAGE "{schema} L" OWNER TO {bob};
COMMENT ON LANGUAGE "{schema} L" IS 'l';
REVOKE USAGE ON LANGUAGE "{schema} L" FROM PUBLIC;
GRANT USAGE ON LANGUAGE "{schema} L" TO {ann} WITH GRANT OPTION;
CREATE FUNCTION f() RETURNS integer LANGUAGE "{schema} L" AS 'BEGIN RETURN 1; END';
--- slip
CREATE OR REPLACE LANGUAGE "{schema} L" HANDLER h;
COMMENT ON LANGUAGE "{schema} L" IS NULL;
ALTER LANGUAGE "{schema} L" OWNER TO {odd};
DROP FUNCTION f;

--- language gone
CREATE FUNCTION h() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE LANGUAGE {schema}_l HANDLER h;
CREATE FUNCTION f() RETURNS integer LANGUAGE {schema}_l AS 'BEGIN RETURN 1; END';
--- slip
DROP FUNCTION f;
DROP LANGUAGE {schema}_l;
DROP FUNCTION h;

--- access method
CREATE ACCESS METHOD {schema}_am TYPE INDEX HANDLER gisthandler;
COMMENT ON ACCESS METHOD {schema}_am IS 'am';
CREATE OPERATOR FAMILY fam USING {schema}_am;
--- slip
DROP ACCESS METHOD {schema}_am CASCADE;
CREATE ACCESS METHOD {schema}_am TYPE TABLE HANDLER heap_tableam_handler;
