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
CREATE TYPE "B b" AS RANGE (SUBTYPE = integer);
CREATE CAST ("B b" AS int4range) WITHOUT FUNCTION;
CREATE CAST (a AS jsonb) WITH INOUT;
--- slip
DROP CAST ("B b" AS int4range);
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
