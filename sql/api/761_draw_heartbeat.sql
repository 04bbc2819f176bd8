-- The heartbeat: a ring that closes while everything is as it was declared, and a mark that goes round it once a beat.

-- From the top, clockwise: what is watched has equal shares of the ring, in the order of names. What drifted leaves a gap in it and stands
-- outside. The ring within, smaller by the golden ratio, has the last cycles of the loop; a cycle that missed beats is critical.
CREATE OR REPLACE FUNCTION asymm._draw_heartbeat() RETURNS SETOF asymm._drawn
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_turn constant double precision := 2 * pi();
    v_inner constant double precision := (sqrt(5) - 1) / 2;
    v_count bigint := (SELECT count(*) FROM asymm.baseline);
    v_parts integer := GREATEST(1, ceil(96.0 / GREATEST(v_count, 1)));
BEGIN
    RETURN QUERY
        WITH object AS (
            SELECT asymm._object_display(b.kind, b.schema_name, b.object_name) AS name, row_number() OVER (
                       ORDER BY b.schema_name COLLATE "C", b.object_name COLLATE "C", b.kind COLLATE "C") - 1 AS place, d.open, d.mended
              FROM asymm.baseline AS b
             CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE r.state = 'open') AS open,
                       count(*) FILTER (WHERE r.state <> 'open' AND r.resolved_at > clock_timestamp() - interval '1 hour') AS mended
                  FROM asymm.drift_record AS r WHERE r.baseline_id = b.id) AS d),
        arc AS (
            SELECT o.name, o.open, o.mended, v_turn * (o.place + p.part / v_parts::float8) / v_count AS low,
                   v_turn * (o.place + (p.part + 1) / v_parts::float8) / v_count AS high
              FROM object AS o CROSS JOIN generate_series(0, v_parts - 1) AS p (part) WHERE o.open = 0)
        SELECT 'segment', sin(a.low), cos(a.low), 0::float8, sin(a.high), cos(a.high), 0::float8, 0.3::float8,
               CASE WHEN a.mended > 0 THEN 'fair' ELSE 'good' END, a.name, a.mended::float8, 'entity:' || a.name
          FROM arc AS a
        UNION ALL
        SELECT 'point', 1.1 * sin(m.middle), 1.1 * cos(m.middle), 0, NULL, NULL, NULL, 1, 'critical', o.name, o.open, 'entity:' || o.name
          FROM object AS o CROSS JOIN LATERAL (SELECT v_turn * (o.place + 0.5) / v_count) AS m (middle) WHERE o.open > 0;
    RETURN QUERY
        SELECT 'point', v_inner * sin(c.angle), v_inner * cos(c.angle), 0::float8, NULL::float8, NULL::float8, NULL::float8,
               LEAST(1, c.work / 50), CASE WHEN c.missed > 0 THEN 'critical' WHEN c.work > 50 THEN 'warning' ELSE 'good' END,
               format('%s: %s beats, %s missed', to_char(c.at, 'HH24:MI:SS'), c.beats, c.missed), c.work, format('loop:%s/%s', c.actor, c.lane)
          FROM (SELECT b.at, b.beats, b.missed, b.actor, b.lane, (SELECT max(w) FROM unnest(b.work_ms) AS w)::float8 AS work,
                       v_turn * (row_number() OVER (ORDER BY b.at, b.id) - 1) / 60 AS angle
                  FROM (SELECT s.* FROM asymm.beat_summary AS s WHERE s.lane = 'fast' ORDER BY s.at DESC, s.id DESC LIMIT 60) AS b) AS c
        UNION ALL
        SELECT 'point', sin(v_turn * h.phase), cos(v_turn * h.phase), 0, NULL, NULL, NULL, 0.8, CASE WHEN h.alive THEN 'accent' ELSE 'muted' END,
               format('%s beats a second', round(h.rate::numeric, 3)), h.rate, format('loop:%s/fast', h.actor)
          FROM (SELECT p.actor, p.alive, p.rate, mod((EXTRACT(epoch FROM p.age) * p.rate_wanted)::numeric, 1)::float8 AS phase
                  FROM asymm.heartbeat AS p WHERE p.lane = 'fast' AND p.beat_at IS NOT NULL) AS h;
END
$$;
COMMENT ON FUNCTION asymm._draw_heartbeat() IS 'The heartbeat as a ring: an arc for each watched object, open where it drifted; within, the last 60 cycles; the mark is where the beat is.';
