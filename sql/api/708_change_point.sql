-- Whether figures have risen to stay: of many statements at once, as arrays of ids, times (seconds since 1970, UTC) and figures.

-- Usual and spread are medians, of the same hour of the day where three days are known. What is held against them is what came after
-- recent, where twelve figures are older, else the last quarter.
CREATE OR REPLACE FUNCTION asymm._usual(kind text, ids bigint[], times double precision[], figures double precision[], recent double precision)
RETURNS SETOF asymm.query_baseline
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        WITH point AS MATERIALIZED (
            SELECT p.id, p.time, p.x, mod(floor(p.time / 3600)::bigint, 24) AS hour,
                   CASE WHEN p.old >= 12 THEN p.time < $5 ELSE p.n < GREATEST(1, p.points * 3 / 4) END AS before
              FROM (SELECT u.id, u.time, ln(CASE WHEN u.figure > 0 THEN u.figure END) AS x, row_number() OVER w AS n,
                           count(*) OVER (PARTITION BY u.id) AS points, count(*) FILTER (WHERE u.time < $5) OVER (PARTITION BY u.id) AS old
                      FROM unnest($2, $3, $4) AS u (id, time, figure) WHERE u.figure > 0 WINDOW w AS (PARTITION BY u.id ORDER BY u.time)) AS p),
        center AS MATERIALIZED (
            SELECT p.id, percentile_cont('{0.5,0.95}'::float8[]) WITHIN GROUP (ORDER BY p.x) FILTER (WHERE p.before) AS x,
                   count(*) FILTER (WHERE p.before) AS points, min(p.time) FILTER (WHERE NOT p.before) AS since,
                   max(p.time) FILTER (WHERE p.before) - min(p.time) >= 3 * 86400 AS has_days
              FROM point AS p GROUP BY p.id),
        hour AS MATERIALIZED (
            SELECT h.id, array_agg(h.x ORDER BY h.hour) AS x
              FROM (SELECT c.id, g.hour, COALESCE(m.x, c.x[1]) AS x
                      FROM center AS c CROSS JOIN generate_series(0, 23) AS g (hour)
                      LEFT JOIN (SELECT p.id, p.hour, percentile_cont(0.5) WITHIN GROUP (ORDER BY p.x) AS x FROM point AS p
                                  WHERE p.before GROUP BY p.id, p.hour) AS m ON m.id = c.id AND m.hour = g.hour
                     WHERE c.has_days AND c.points >= 12) AS h
             GROUP BY h.id),
        rest AS MATERIALIZED (
            SELECT p.id, p.time, p.x - COALESCE(h.x[1 + p.hour], c.x[1]) AS rest
              FROM point AS p JOIN center AS c ON c.id = p.id LEFT JOIN hour AS h ON h.id = p.id WHERE p.before AND c.points >= 12),
        spread AS MATERIALIZED (
            SELECT r.id, GREATEST(0.05, 1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(r.rest))) AS s FROM rest AS r GROUP BY r.id),
        tied AS (
            SELECT z.id, LEAST(0.9, GREATEST(0, COALESCE(sum(z.z * z.former) / NULLIF(sum(z.z * z.z), 0), 0))) AS tied
              FROM (SELECT c.id, c.z, lag(c.z) OVER (PARTITION BY c.id ORDER BY c.time) AS former
                      FROM (SELECT r.id, r.time, GREATEST(-3, LEAST(3, r.rest / s.s)) AS z FROM rest AS r JOIN spread AS s ON s.id = r.id) AS c) AS z
             GROUP BY z.id)
        SELECT c.id, $1, CASE WHEN s.id IS NOT NULL THEN exp(c.x[1]) END, s.s, t.tied, h.x, CASE WHEN s.id IS NOT NULL THEN exp(c.x[2]) END,
               c.points::integer, to_timestamp(COALESCE(c.since, $5)), clock_timestamp()
          FROM center AS c LEFT JOIN spread AS s ON s.id = c.id LEFT JOIN tied AS t ON t.id = c.id LEFT JOIN hour AS h ON h.id = c.id;
END
$$;
COMMENT ON FUNCTION asymm._usual(text, bigint[], double precision[], double precision[], double precision)
    IS 'What is usual of figures: median, spread, how much each hangs on the one before, and since when (recent, else the last quarter) they are held against that.';

-- A sum of what lies above the usual (CUSUM) of logarithms, robust in three ways: a step adds 2.5 spreads at most, so that no single
-- one, however large, says anything; what lies within 1.5 spreads or 20 per cent takes away; and the bound grows with how much the
-- figures hang on the ones before. Of looks, which are quick to come, one right after another that is above, too, adds up to 5.5.
-- On simulated figures of 15-minute steps with tails like Student's t of three degrees of freedom, spikes and a daily rhythm, a false
-- alarm a week came to 0 to 2 % of statements; twice as slow was found within 2 hours in all where noise is 10 %. Of looks half a
-- minute apart, noise of 5 and 10 % gave no alarm in 800 days of a statement, of 20 % and much tied, two in 200; twice as slow was
-- found within three looks where noise is 5 %, within four or five where it is 10 % and tied.
CREATE OR REPLACE FUNCTION asymm._risen(
    ids bigint[], times double precision[], figures double precision[], usual asymm.query_baseline[], looks boolean DEFAULT false)
RETURNS TABLE (id bigint, changed_at double precision, before double precision, after double precision, ratio double precision,
               score double precision, steps bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        WITH usual AS MATERIALIZED (
            SELECT b.query_id AS id, b.center_ms, ln(b.center_ms) AS center, b.hours, b.spread, GREATEST(1.5, ln(1.2) / b.spread) AS slack,
                   EXTRACT(epoch FROM b.since)::float8 AS since,
                   CASE WHEN $5 THEN GREATEST(13, 8 * (1 + b.tied) / (1 - b.tied)) ELSE GREATEST(9, 6 * (1 + b.tied) / (1 - b.tied)) END AS bound
              FROM unnest($4) AS b WHERE b.center_ms > 0),
        part AS (
            SELECT p.id, p.time, p.figure, p.rest, p.rest / p.spread - p.slack AS over, p.bound, p.center_ms
              FROM (SELECT u.time, u.figure, b.*, ln(CASE WHEN u.figure > 0 THEN u.figure END)
                                                  - COALESCE(b.hours[1 + mod(floor(u.time / 3600)::bigint, 24)], b.center) AS rest
                      FROM unnest($1, $2, $3) AS u (id, time, figure) JOIN usual AS b ON b.id = u.id
                     WHERE u.figure > 0 AND u.time >= b.since) AS p),
        step AS (
            SELECT p.*, CASE WHEN $5 AND p.over > 0 AND p.former > 0 THEN LEAST(p.over, 2.5 + LEAST(3, p.over / 2, p.former / 2))
                             ELSE LEAST(2.5, p.over) END AS adds
              FROM (SELECT p.*, lag(p.over) OVER (PARTITION BY p.id ORDER BY p.time) AS former FROM part AS p) AS p),
        path AS (
            SELECT s.*, s.total - LEAST(0, min(s.total) OVER w) AS height,
                   1 + count(*) OVER (PARTITION BY s.id) - row_number() OVER w AS back
              FROM (SELECT s.*, sum(s.adds) OVER (PARTITION BY s.id ORDER BY s.time) AS total FROM step AS s) AS s
            WINDOW w AS (PARTITION BY s.id ORDER BY s.time)),
        -- From where it was last at nothing.
        above AS (
            SELECT p.* FROM (SELECT p.*, max(p.height) FILTER (WHERE p.back = 1) OVER (PARTITION BY p.id) AS top,
                                    max(p.time) FILTER (WHERE p.height <= 0) OVER (PARTITION BY p.id) AS ground FROM path AS p) AS p
             WHERE p.top > p.bound AND (p.time > p.ground OR p.ground IS NULL))
        SELECT r.id, r.since, r.center_ms, r.after, exp(r.shift), r.score, r.steps
          FROM (SELECT a.id, min(a.time) AS since, min(a.center_ms) AS center_ms, percentile_cont(0.5) WITHIN GROUP (ORDER BY a.figure) AS after,
                       percentile_cont(0.5) WITHIN GROUP (ORDER BY a.rest) AS shift,
                       percentile_cont(0.5) WITHIN GROUP (ORDER BY a.rest) FILTER (WHERE a.back <= 3) AS last,
                       max(a.top / a.bound) AS score, count(*) AS steps
                  FROM above AS a GROUP BY a.id) AS r
         -- Still so: a sum that was large goes down slowly.
         WHERE r.shift >= ln(1.25) AND r.last >= ln(1.2);
END
$$;
COMMENT ON FUNCTION asymm._risen(bigint[], double precision[], double precision[], asymm.query_baseline[], boolean)
    IS 'Those whose figures rose for good above what is usual of them: since when, the usual before, after, ratio, and score (above 1).';
