-- Telemetry: a metric over time on the golden spiral, the newest at its end.

-- The radius grows by the golden ratio with every quarter turn: two turns from the beginning of the span to its end. Colour is the regime
-- of the system's health then, thickness its load. Where nothing was measured the spiral has a gap.
CREATE OR REPLACE FUNCTION asymm._draw_telemetry(metric text, span interval) RETURNS SETOF asymm._drawn
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_growth constant double precision := ln((1 + sqrt(5)) / 2) / (pi() / 2);
    v_end constant double precision := 4 * pi();
    v_until constant timestamptz := clock_timestamp();
    v_since constant timestamptz := v_until - span;
    -- 120 steps, and none shorter than what is kept.
    v_bucket constant interval := GREATEST(interval '1 min', date_trunc('second', span / 120));
BEGIN
    RETURN QUERY
        WITH step AS (
            SELECT s.at, s.value, h.value AS health, l.value AS load,
                   v_end * EXTRACT(epoch FROM s.at - v_since)::float8 / EXTRACT(epoch FROM span)::float8 AS angle
              FROM asymm.series($1, v_since, v_until, v_bucket) AS s
              LEFT JOIN asymm.series('score.shm', v_since, v_until, v_bucket) AS h ON h.at = s.at
              LEFT JOIN asymm.series('query.exec_ms', v_since, v_until, v_bucket) AS l ON l.at = s.at),
        placed AS (
            SELECT s.*, exp(v_growth * (s.angle - v_end)) AS radius,
                   COALESCE(s.load / NULLIF(max(s.load) OVER (), 0), 0) AS thickness,
                   CASE WHEN s.health IS NULL THEN 'muted' WHEN s.health < 0.7 THEN 'warning' WHEN s.health < 0.85 THEN 'fair'
                        ELSE 'good' END AS color
              FROM step AS s),
        joined AS (
            SELECT p.*, p.radius * cos(p.angle) AS x, p.radius * sin(p.angle) AS y,
                   lead(p.at) OVER w AS next_at, lead(p.radius * cos(p.angle)) OVER w AS x2, lead(p.radius * sin(p.angle)) OVER w AS y2
              FROM placed AS p WINDOW w AS (ORDER BY p.at))
        SELECT 'point', j.x, j.y, 0::float8, NULL::float8, NULL::float8, NULL::float8, 0.2 + 0.8 * j.thickness, j.color,
               format('%s: %s', to_char(j.at, 'YYYY-MM-DD HH24:MI'), round(j.value::numeric, 3)), j.value, 'metric:' || $1
          FROM joined AS j
        UNION ALL
        SELECT 'segment', j.x, j.y, 0, j.x2, j.y2, 0, 0.1 + 0.9 * j.thickness, j.color, NULL, j.value, 'metric:' || $1
          FROM joined AS j WHERE j.next_at <= j.at + 1.5 * v_bucket;
END
$$;
COMMENT ON FUNCTION asymm._draw_telemetry(text, interval) IS 'A metric as a golden spiral of two turns, the newest outside: colour is the regime of health then, thickness the load.';
