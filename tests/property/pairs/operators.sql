=== aggregates
CREATE FUNCTION add_text(state text, value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT COALESCE(state || ',', '') || value $$;
CREATE AGGREGATE join_text(text) (SFUNC = add_text, STYPE = text);
CREATE TABLE word (id integer, w text);
CREATE VIEW words AS SELECT join_text(w) AS all_words FROM word;
--- another start
CREATE OR REPLACE AGGREGATE join_text(text) (SFUNC = add_text, STYPE = text, INITCOND = 'x');
--- a final function
CREATE FUNCTION finish(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '[' || $1 || ']' $$;
CREATE OR REPLACE AGGREGATE join_text(text) (SFUNC = add_text, STYPE = text, FINALFUNC = finish);
--- one more
CREATE AGGREGATE my_sum(numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0', PARALLEL = SAFE, COMBINEFUNC = numeric_add);
COMMENT ON AGGREGATE my_sum(numeric) IS 'a sum';
--- parallel and moving
CREATE OR REPLACE AGGREGATE join_text(text) (SFUNC = add_text, STYPE = text, PARALLEL = SAFE, SSPACE = 100);
CREATE AGGREGATE moving(integer) (SFUNC = int4pl, STYPE = integer, MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = integer);
--- gone
DROP VIEW words;
DROP AGGREGATE join_text(text);
--- another type of state
-- old
CREATE AGGREGATE top(integer) (SFUNC = int4larger, STYPE = integer, SORTOP = >);
-- new
CREATE AGGREGATE top(integer) (SFUNC = int84pl, STYPE = bigint, INITCOND = '0');
--- renamed, another owner, not for all
ALTER AGGREGATE join_text(text) RENAME TO concat_words;
ALTER AGGREGATE concat_words(text) OWNER TO app_owner;
REVOKE ALL ON FUNCTION concat_words(text) FROM PUBLIC;
--- ordered sets
CREATE AGGREGATE middle(double precision ORDER BY anyelement)
    (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE AGGREGATE place(VARIADIC "any" ORDER BY VARIADIC "any")
    (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
--- without an argument
CREATE AGGREGATE how_many(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');
--- the function below changed
CREATE OR REPLACE FUNCTION add_text(state text, value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT COALESCE(state || ';', '') || value $$;

=== operators and their classes
CREATE FUNCTION near(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT abs($1 - $2) < 2 $$;
CREATE OPERATOR ~=~ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = near, COMMUTATOR = ~=~);
CREATE FUNCTION len_cmp(text, text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) - length($2) $$;
CREATE FUNCTION len_lt(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) < length($2) $$;
CREATE FUNCTION len_eq(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) = length($2) $$;
CREATE OPERATOR <# (LEFTARG = text, RIGHTARG = text, FUNCTION = len_lt);
CREATE OPERATOR =# (LEFTARG = text, RIGHTARG = text, FUNCTION = len_eq);
CREATE OPERATOR CLASS by_length FOR TYPE text USING btree AS OPERATOR 1 <#, OPERATOR 3 =#, FUNCTION 1 len_cmp(text, text);
CREATE TABLE word (w text, n integer);
CREATE INDEX word_length ON word (w by_length);
--- an operator more
CREATE FUNCTION far(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT abs($1 - $2) > 20 $$;
CREATE OPERATOR !~!~ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = far, RESTRICT = neqsel, JOIN = neqjoinsel);
--- an operator for the one side only
CREATE OPERATOR @#@ (RIGHTARG = bigint, FUNCTION = factorial);
--- an operator gone
DROP OPERATOR ~=~ (integer, integer);
--- its estimates
ALTER OPERATOR ~=~ (integer, integer) SET (RESTRICT = eqsel, JOIN = eqjoinsel);
--- its negator
CREATE FUNCTION not_near(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT abs($1 - $2) >= 2 $$;
CREATE OPERATOR !=~ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = not_near, NEGATOR = ~=~);
--- its owner and comment
ALTER OPERATOR ~=~ (integer, integer) OWNER TO app_owner;
COMMENT ON OPERATOR ~=~ (integer, integer) IS 'about';
--- a view with it
CREATE VIEW close AS SELECT w FROM word WHERE n ~=~ 5;
--- the class more complete
-- old
-- new
DROP INDEX word_length;
DROP OPERATOR CLASS by_length USING btree;
DROP OPERATOR FAMILY by_length USING btree;
CREATE FUNCTION len_gt(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) > length($2) $$;
CREATE OPERATOR ># (LEFTARG = text, RIGHTARG = text, FUNCTION = len_gt);
CREATE OPERATOR CLASS by_length FOR TYPE text USING btree AS OPERATOR 1 <#, OPERATOR 3 =#, OPERATOR 5 >#, FUNCTION 1 len_cmp(text, text);
CREATE INDEX word_length ON word (w by_length);
--- the class gone
DROP INDEX word_length;
DROP OPERATOR CLASS by_length USING btree;
DROP OPERATOR FAMILY by_length USING btree;
--- a family
CREATE OPERATOR FAMILY loose USING btree;
ALTER OPERATOR FAMILY loose USING btree ADD OPERATOR 1 < (integer, bigint), FUNCTION 1 (integer, bigint) btint48cmp(integer, bigint);
--- what a family holds
-- old
CREATE OPERATOR FAMILY loose USING hash;
-- new
CREATE OPERATOR FAMILY loose USING hash;
ALTER OPERATOR FAMILY loose USING hash ADD OPERATOR 1 = (integer, integer);
--- the comment of class and family
COMMENT ON OPERATOR CLASS by_length USING btree IS 'short ones first';
COMMENT ON OPERATOR FAMILY by_length USING btree IS 'by length';

=== casts
CREATE TYPE pair AS (a integer, b integer);
CREATE FUNCTION pair_text(pair) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1.a || '/' || $1.b $$;
CREATE CAST (pair AS text) WITH FUNCTION pair_text(pair);
--- one more
CREATE CAST (text AS pair) WITH INOUT AS ASSIGNMENT;
--- one less
DROP CAST (pair AS text);
--- implicit
DROP CAST (pair AS text);
CREATE CAST (pair AS text) WITH FUNCTION pair_text(pair) AS IMPLICIT;
--- with another function
DROP CAST (pair AS text);
CREATE FUNCTION pair_words(pair) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'x' $$;
CREATE CAST (pair AS text) WITH FUNCTION pair_words(pair);
--- without a function
CREATE DOMAIN cents AS integer;
CREATE TYPE coin AS ENUM ('1', '2');
CREATE CAST (coin AS integer) WITH INOUT;
CREATE TYPE box2 AS (a integer, b integer);
COMMENT ON CAST (coin AS integer) IS 'worth';

=== languages and access methods
CREATE TABLE t (id integer);
--- a language
CREATE LANGUAGE plsample HANDLER plpgsql_call_handler;
COMMENT ON LANGUAGE plsample IS 'sample';
--- an access method
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE t2 (id integer) USING heap2;
--- an access method of indexes
CREATE ACCESS METHOD btree2 TYPE INDEX HANDLER bthandler;
COMMENT ON ACCESS METHOD btree2 IS 'again';
--- a transform
CREATE FUNCTION hidden(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT AS 'textlike_support';
CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION hidden(internal));
