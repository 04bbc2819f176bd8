--- aggregate
CREATE FUNCTION step(bigint, integer) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + $2';
CREATE FUNCTION back(bigint, integer) RETURNS bigint LANGUAGE sql AS 'SELECT $1 - $2';
CREATE AGGREGATE total(integer) (SFUNC = step, STYPE = bigint, SSPACE = 8, INITCOND = '0',
COMBINEFUNC = int8pl, MSFUNC = step, MINVFUNC = back, MSTYPE = bigint, MSSPACE = 16,
MINITCOND = '0', PARALLEL = safe);
COMMENT ON AGGREGATE total(integer) IS 'sum''s "twin"';
ALTER AGGREGATE total(integer) OWNER TO {bob};
GRANT EXECUTE ON FUNCTION total(integer) TO {ann};
--- slip
CREATE OR REPLACE AGGREGATE total(integer) (SFUNC = step, STYPE = bigint);

--- aggregate: result
CREATE FUNCTION step(bigint, integer) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + $2';
CREATE FUNCTION back(bigint, integer) RETURNS bigint LANGUAGE sql AS 'SELECT $1 - $2';
CREATE AGGREGATE total(integer) (SFUNC = step, STYPE = bigint, SSPACE = 8, INITCOND = '0',
COMBINEFUNC = int8pl, MSFUNC = step, MINVFUNC = back, MSTYPE = bigint, MSSPACE = 16,
MINITCOND = '0', PARALLEL = safe);
COMMENT ON AGGREGATE total(integer) IS 'sum''s "twin"';
ALTER AGGREGATE total(integer) OWNER TO {bob};
GRANT EXECUTE ON FUNCTION total(integer) TO {ann};
--- slip
DROP AGGREGATE total(integer);
CREATE AGGREGATE total(integer) (SFUNC = int4_avg_accum, STYPE = bigint[], FINALFUNC = int8_avg, INITCOND = '{0,0}');
REVOKE EXECUTE ON FUNCTION total(integer) FROM PUBLIC;

--- aggregate: extra
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
--- slip
CREATE FUNCTION step(bigint, integer) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + $2';
CREATE FUNCTION back(bigint, integer) RETURNS bigint LANGUAGE sql AS 'SELECT $1 - $2';
CREATE AGGREGATE total(integer) (SFUNC = step, STYPE = bigint, SSPACE = 8, INITCOND = '0',
COMBINEFUNC = int8pl, MSFUNC = step, MINVFUNC = back, MSTYPE = bigint, MSSPACE = 16,
MINITCOND = '0', PARALLEL = safe);
COMMENT ON AGGREGATE total(integer) IS 'sum''s "twin"';
ALTER AGGREGATE total(integer) OWNER TO {bob};
GRANT EXECUTE ON FUNCTION total(integer) TO {ann};

--- aggregate: grants
CREATE FUNCTION step(bigint, integer) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + $2';
CREATE FUNCTION back(bigint, integer) RETURNS bigint LANGUAGE sql AS 'SELECT $1 - $2';
CREATE AGGREGATE total(integer) (SFUNC = step, STYPE = bigint, SSPACE = 8, INITCOND = '0',
COMBINEFUNC = int8pl, MSFUNC = step, MINVFUNC = back, MSTYPE = bigint, MSSPACE = 16,
MINITCOND = '0', PARALLEL = safe);
COMMENT ON AGGREGATE total(integer) IS 'sum''s "twin"';
ALTER AGGREGATE total(integer) OWNER TO {bob};
GRANT EXECUTE ON FUNCTION total(integer) TO {ann};
--- slip
REVOKE ALL ON FUNCTION total(integer) FROM PUBLIC, {ann};
ALTER AGGREGATE total(integer) OWNER TO {odd};
COMMENT ON AGGREGATE total(integer) IS 'other';

--- aggregate of anything
CREATE AGGREGATE n(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
COMMENT ON AGGREGATE n(*) IS 'n';
GRANT EXECUTE ON FUNCTION n() TO {ann};
ALTER AGGREGATE n(*) OWNER TO {bob};
--- slip
DROP AGGREGATE n(*);

--- aggregate with sort operator
CREATE AGGREGATE top(integer) (SFUNC = int4larger, STYPE = integer, SORTOP = >);
--- slip
CREATE OR REPLACE AGGREGATE top(integer) (SFUNC = int4larger, STYPE = integer);

--- aggregate with names
CREATE AGGREGATE "A g"(a text, "B c" text) (SFUNC = string_agg_transfn, STYPE = internal,
FINALFUNC = string_agg_finalfn);
--- slip
DROP AGGREGATE "A g"(text, text);
CREATE AGGREGATE "A g"(text, text)
(SFUNC = string_agg_transfn, STYPE = internal, FINALFUNC = string_agg_finalfn, FINALFUNC_MODIFY = shareable);

--- ordered-set aggregate
CREATE AGGREGATE disc(f double precision ORDER BY anyelement)
(SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA = true,
FINALFUNC_MODIFY = shareable);
COMMENT ON AGGREGATE disc(double precision ORDER BY anyelement) IS 'd';
ALTER AGGREGATE disc(double precision ORDER BY anyelement) OWNER TO {bob};
GRANT EXECUTE ON FUNCTION disc(double precision, anyelement) TO {ann};
--- slip
DROP AGGREGATE disc(double precision ORDER BY anyelement);

--- ordered-set aggregate: option
CREATE AGGREGATE disc(double precision ORDER BY anyelement)
(SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA = true);
--- slip
CREATE OR REPLACE AGGREGATE disc(double precision ORDER BY anyelement)
(SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA = true,
FINALFUNC_MODIFY = read_only);

--- hypothetical-set aggregate
CREATE AGGREGATE rk(VARIADIC "any" ORDER BY VARIADIC "any")
(SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA = true, HYPOTHETICAL);
COMMENT ON AGGREGATE rk(VARIADIC "any" ORDER BY VARIADIC "any") IS 'd';
--- slip
DROP AGGREGATE rk(VARIADIC "any" ORDER BY VARIADIC "any");
CREATE AGGREGATE rk(VARIADIC "any" ORDER BY VARIADIC "any")
(SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA = true);

--- partial aggregate
CREATE AGGREGATE av(bigint) (SFUNC = int8_avg_accum, STYPE = internal, SSPACE = 48,
FINALFUNC = numeric_poly_avg, COMBINEFUNC = int8_avg_combine, SERIALFUNC = int8_avg_serialize, DESERIALFUNC = int8_avg_deserialize,
MSFUNC = int8_avg_accum, MINVFUNC = int8_avg_accum_inv, MSTYPE = internal, MFINALFUNC = numeric_poly_avg, MFINALFUNC_EXTRA = false,
PARALLEL = restricted);
--- slip
CREATE OR REPLACE AGGREGATE av(bigint) (SFUNC = int8_avg_accum, STYPE = internal, FINALFUNC = numeric_poly_avg);
