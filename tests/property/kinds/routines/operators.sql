--- operators
CREATE FUNCTION lt(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION gt(text, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION ge(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR << (FUNCTION = lt, LEFTARG = integer, RIGHTARG = text,
COMMUTATOR = OPERATOR(>>), NEGATOR = OPERATOR(>>=), RESTRICT = scalarltsel,
JOIN = scalarltjoinsel);
CREATE OPERATOR >> (FUNCTION = gt, LEFTARG = text, RIGHTARG = integer,
COMMUTATOR = OPERATOR(<<));
CREATE OPERATOR >>= (FUNCTION = ge, LEFTARG = integer, RIGHTARG = text,
NEGATOR = OPERATOR(<<));
--- slip
DROP OPERATOR >> (text, integer);
DROP OPERATOR >>= (integer, text);

--- operators all gone
CREATE FUNCTION lt(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION gt(text, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION ge(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR << (FUNCTION = lt, LEFTARG = integer, RIGHTARG = text,
COMMUTATOR = OPERATOR(>>), NEGATOR = OPERATOR(>>=), RESTRICT = scalarltsel,
JOIN = scalarltjoinsel);
CREATE OPERATOR >> (FUNCTION = gt, LEFTARG = text, RIGHTARG = integer,
COMMUTATOR = OPERATOR(<<));
CREATE OPERATOR >>= (FUNCTION = ge, LEFTARG = integer, RIGHTARG = text,
NEGATOR = OPERATOR(<<));
COMMENT ON OPERATOR << (integer, text) IS 'less';
ALTER OPERATOR << (integer, text) OWNER TO {bob};
--- slip
DROP OPERATOR << (integer, text);
DROP OPERATOR >> (text, integer);
DROP OPERATOR >>= (integer, text);
DROP FUNCTION lt;

--- operators extra
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
CREATE FUNCTION lt(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION gt(text, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION ge(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR << (FUNCTION = lt, LEFTARG = integer, RIGHTARG = text,
COMMUTATOR = OPERATOR(>>), NEGATOR = OPERATOR(>>=), RESTRICT = scalarltsel,
JOIN = scalarltjoinsel);
CREATE OPERATOR >> (FUNCTION = gt, LEFTARG = text, RIGHTARG = integer,
COMMUTATOR = OPERATOR(<<));
CREATE OPERATOR >>= (FUNCTION = ge, LEFTARG = integer, RIGHTARG = text,
NEGATOR = OPERATOR(<<));

--- operator: estimators
CREATE FUNCTION lt(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION gt(text, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION ge(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR << (FUNCTION = lt, LEFTARG = integer, RIGHTARG = text,
COMMUTATOR = OPERATOR(>>), NEGATOR = OPERATOR(>>=), RESTRICT = scalarltsel,
JOIN = scalarltjoinsel);
CREATE OPERATOR >> (FUNCTION = gt, LEFTARG = text, RIGHTARG = integer,
COMMUTATOR = OPERATOR(<<));
CREATE OPERATOR >>= (FUNCTION = ge, LEFTARG = integer, RIGHTARG = text,
NEGATOR = OPERATOR(<<));
--- slip
ALTER OPERATOR << (integer, text) SET (RESTRICT = NONE, JOIN = areajoinsel);
ALTER OPERATOR >> (text, integer) SET (RESTRICT = scalargtsel);
ALTER OPERATOR << (integer, text) OWNER TO {odd};
COMMENT ON OPERATOR << (integer, text) IS 'x';

--- operator: function
CREATE FUNCTION lt(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION gt(text, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION ge(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR << (FUNCTION = lt, LEFTARG = integer, RIGHTARG = text,
COMMUTATOR = OPERATOR(>>), NEGATOR = OPERATOR(>>=), RESTRICT = scalarltsel,
JOIN = scalarltjoinsel);
CREATE OPERATOR >> (FUNCTION = gt, LEFTARG = text, RIGHTARG = integer,
COMMUTATOR = OPERATOR(<<));
CREATE OPERATOR >>= (FUNCTION = ge, LEFTARG = integer, RIGHTARG = text,
NEGATOR = OPERATOR(<<));
COMMENT ON OPERATOR >>= (integer, text) IS 'x';
ALTER OPERATOR >>= (integer, text) OWNER TO {bob};
--- slip
DROP OPERATOR >>= (integer, text);
CREATE OPERATOR >>= (FUNCTION = lt, LEFTARG = integer, RIGHTARG = text);

--- operator: commutator
CREATE FUNCTION lt(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION gt(text, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION ge(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR << (FUNCTION = lt, LEFTARG = integer, RIGHTARG = text,
COMMUTATOR = OPERATOR(>>), NEGATOR = OPERATOR(>>=), RESTRICT = scalarltsel,
JOIN = scalarltjoinsel);
CREATE OPERATOR >> (FUNCTION = gt, LEFTARG = text, RIGHTARG = integer,
COMMUTATOR = OPERATOR(<<));
CREATE OPERATOR >>= (FUNCTION = ge, LEFTARG = integer, RIGHTARG = text,
NEGATOR = OPERATOR(<<));
--- slip
DROP OPERATOR >> (text, integer);
CREATE OPERATOR >> (FUNCTION = gt, LEFTARG = text, RIGHTARG = integer);

--- operator: hash and merge
CREATE FUNCTION eq(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR === (FUNCTION = eq, LEFTARG = integer, RIGHTARG = integer, HASHES, MERGES,
COMMUTATOR = OPERATOR(===));
--- slip
DROP OPERATOR === (integer, integer);
CREATE OPERATOR === (FUNCTION = eq, LEFTARG = integer, RIGHTARG = integer, HASHES);

--- prefix operator
CREATE FUNCTION no(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR @#@ (FUNCTION = no, RIGHTARG = text);
COMMENT ON OPERATOR @#@ (NONE, text) IS '%';
--- slip
DROP OPERATOR @#@ (NONE, text);

--- operator class
CREATE FUNCTION cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION cmp(integer, bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE OPERATOR FAMILY "my Family" USING btree;
COMMENT ON OPERATOR FAMILY "my Family" USING btree IS 'of mine';
CREATE OPERATOR CLASS "my Class" FOR TYPE integer USING btree FAMILY "my Family" AS
OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 cmp(integer, integer);
ALTER OPERATOR FAMILY "my Family" USING btree ADD OPERATOR 1 < (integer, bigint),
FUNCTION 1 (integer, bigint) cmp(integer, bigint);
--- slip
DROP OPERATOR CLASS "my Class" USING btree;

--- operator class extra
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
CREATE FUNCTION cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION cmp(integer, bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE OPERATOR FAMILY "my Family" USING btree;
COMMENT ON OPERATOR FAMILY "my Family" USING btree IS 'of mine';
CREATE OPERATOR CLASS "my Class" FOR TYPE integer USING btree FAMILY "my Family" AS
OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 cmp(integer, integer);
ALTER OPERATOR FAMILY "my Family" USING btree ADD OPERATOR 1 < (integer, bigint),
FUNCTION 1 (integer, bigint) cmp(integer, bigint);

--- operator class: default
CREATE FUNCTION cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION cmp(integer, bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE OPERATOR FAMILY "my Family" USING btree;
COMMENT ON OPERATOR FAMILY "my Family" USING btree IS 'of mine';
CREATE OPERATOR CLASS "my Class" FOR TYPE integer USING btree FAMILY "my Family" AS
OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 cmp(integer, integer);
ALTER OPERATOR FAMILY "my Family" USING btree ADD OPERATOR 1 < (integer, bigint),
FUNCTION 1 (integer, bigint) cmp(integer, bigint);
ALTER OPERATOR CLASS "my Class" USING btree OWNER TO {bob};
COMMENT ON OPERATOR CLASS "my Class" USING btree IS 'class';
--- slip
DROP OPERATOR CLASS "my Class" USING btree;
CREATE OPERATOR CLASS "my Class" FOR TYPE integer USING btree
FAMILY "my Family" AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 cmp(integer, integer);

--- operator class: owner
CREATE FUNCTION cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION cmp(integer, bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE OPERATOR FAMILY "my Family" USING btree;
COMMENT ON OPERATOR FAMILY "my Family" USING btree IS 'of mine';
CREATE OPERATOR CLASS "my Class" FOR TYPE integer USING btree FAMILY "my Family" AS
OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 cmp(integer, integer);
ALTER OPERATOR FAMILY "my Family" USING btree ADD OPERATOR 1 < (integer, bigint),
FUNCTION 1 (integer, bigint) cmp(integer, bigint);
--- slip
ALTER OPERATOR CLASS "my Class" USING btree OWNER TO {bob};
ALTER OPERATOR FAMILY "my Family" USING btree OWNER TO {odd};
COMMENT ON OPERATOR FAMILY "my Family" USING btree IS NULL;
COMMENT ON OPERATOR CLASS "my Class" USING btree IS 'x';

--- operator family
CREATE FUNCTION cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION cmp(integer, bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE OPERATOR FAMILY "my Family" USING btree;
COMMENT ON OPERATOR FAMILY "my Family" USING btree IS 'of mine';
CREATE OPERATOR CLASS "my Class" FOR TYPE integer USING btree FAMILY "my Family" AS
OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 cmp(integer, integer);
ALTER OPERATOR FAMILY "my Family" USING btree ADD OPERATOR 1 < (integer, bigint),
FUNCTION 1 (integer, bigint) cmp(integer, bigint);
--- slip
DROP OPERATOR FAMILY "my Family" USING btree CASCADE;

--- operator family: members
CREATE FUNCTION cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION cmp(integer, bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE OPERATOR FAMILY "my Family" USING btree;
COMMENT ON OPERATOR FAMILY "my Family" USING btree IS 'of mine';
CREATE OPERATOR CLASS "my Class" FOR TYPE integer USING btree FAMILY "my Family" AS
OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 cmp(integer, integer);
ALTER OPERATOR FAMILY "my Family" USING btree ADD OPERATOR 1 < (integer, bigint),
FUNCTION 1 (integer, bigint) cmp(integer, bigint);
--- slip
ALTER OPERATOR FAMILY "my Family" USING btree DROP OPERATOR 1 (integer, bigint),
FUNCTION 1 (integer, bigint);
ALTER OPERATOR FAMILY "my Family" USING btree
ADD OPERATOR 2 <= (integer, bigint), FUNCTION 1 (bigint, integer) btint84cmp(bigint, integer);

--- operator family: other operator
CREATE FUNCTION cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION cmp(integer, bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE OPERATOR FAMILY "my Family" USING btree;
COMMENT ON OPERATOR FAMILY "my Family" USING btree IS 'of mine';
CREATE OPERATOR CLASS "my Class" FOR TYPE integer USING btree FAMILY "my Family" AS
OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 cmp(integer, integer);
ALTER OPERATOR FAMILY "my Family" USING btree ADD OPERATOR 1 < (integer, bigint),
FUNCTION 1 (integer, bigint) cmp(integer, bigint);
--- slip
ALTER OPERATOR FAMILY "my Family" USING btree DROP OPERATOR 1 (integer, bigint);
ALTER OPERATOR FAMILY "my Family" USING btree ADD OPERATOR 1 <= (integer, bigint);

--- operator class with order and storage
CREATE FUNCTION away(point, point) RETURNS double precision LANGUAGE sql AS 'SELECT 0.0';
CREATE OPERATOR <~> (FUNCTION = away, LEFTARG = point, RIGHTARG = point);
CREATE OPERATOR CLASS near FOR TYPE point USING gist AS STORAGE box, OPERATOR 1 <<(point, point),
OPERATOR 15 <~>(point, point) FOR ORDER BY pg_catalog.float_ops, FUNCTION 1 gist_point_consistent(internal, point, smallint, oid, internal),
FUNCTION 2 gist_box_union(internal, internal), FUNCTION 5 gist_box_penalty(internal, internal, internal),
FUNCTION 6 gist_box_picksplit(internal, internal), FUNCTION 7 gist_box_same(box, box, internal);
--- slip
DROP OPERATOR FAMILY near USING gist CASCADE;
DROP OPERATOR <~> (point, point);

--- empty operator class
CREATE OPERATOR CLASS e FOR TYPE integer USING hash AS STORAGE integer;
--- slip
DROP OPERATOR CLASS e USING hash;
