-- The index experiments as a dragon curve: a strip of paper folded once by every decision.

-- The oldest of the last ten decisions made the fold in the middle of the strip, the newest made the finest folds, and each opens to a right
-- angle: to the right where an index was kept (stabilised), to the left where it was not (explored). All alike, that is the Heighway
-- dragon. The n-th corner belongs to the decision told by how often 2 divides n, and folds this way or that by the odd rest.
CREATE OR REPLACE FUNCTION asymm._draw_experiments() RETURNS SETOF asymm._drawn
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_actions bigint[];
    v_kept boolean[];
    v_labels text[];
    v_folds integer;
BEGIN
    SELECT array_agg(d.id ORDER BY d.n DESC), array_agg(d.kept ORDER BY d.n DESC), array_agg(d.label ORDER BY d.n DESC)
      INTO v_actions, v_kept, v_labels
      FROM (SELECT a.id, a.state = 'verified' AS kept, format('%s: %s', a.target, CASE a.state WHEN 'verified' THEN 'kept' ELSE a.state END) AS label,
                   row_number() OVER (ORDER BY a.changed_at DESC, a.id DESC) AS n
              FROM asymm.action AS a JOIN asymm.index_action AS i ON i.action_id = a.id
             WHERE a.state IN ('verified', 'reverted', 'failed', 'rejected', 'expired')
             ORDER BY a.changed_at DESC, a.id DESC LIMIT 10) AS d;
    v_folds := COALESCE(cardinality(v_actions), 0);
    RETURN QUERY
        WITH corner AS (
            SELECT c.n, v_folds - f.twos AS decision,
                   CASE WHEN v_kept[v_folds - f.twos] THEN -1 ELSE 1 END * CASE WHEN (c.n >> f.twos) & 2 = 0 THEN 1 ELSE -1 END AS turn
              FROM generate_series(0, (1 << v_folds) - 1) AS c (n)
             -- How often 2 divides n: the lowest bit that is set. The strip begins without a corner.
             CROSS JOIN LATERAL (SELECT CASE WHEN c.n > 0 THEN round(log(2, c.n & -c.n))::integer END) AS f (twos)),
        headed AS (
            SELECT c.n, c.decision, mod(COALESCE(sum(c.turn) OVER (ORDER BY c.n), 0), 4) * pi() / 2 AS heading FROM corner AS c),
        walked AS (
            SELECT h.n, h.decision, sum(round(cos(h.heading)::numeric)) OVER w AS x2, sum(round(sin(h.heading)::numeric)) OVER w AS y2,
                   round(cos(h.heading)::numeric) AS dx, round(sin(h.heading)::numeric) AS dy
              FROM headed AS h WINDOW w AS (ORDER BY h.n)),
        box AS (
            SELECT (min(LEAST(w.x2, w.x2 - w.dx)) + max(GREATEST(w.x2, w.x2 - w.dx))) / 2 AS x,
                   (min(LEAST(w.y2, w.y2 - w.dy)) + max(GREATEST(w.y2, w.y2 - w.dy))) / 2 AS y,
                   GREATEST(max(w.x2) - min(w.x2), max(w.y2) - min(w.y2), 1) / 2.0 + 1 AS half
              FROM walked AS w)
        SELECT 'segment', ((w.x2 - w.dx - b.x) / b.half)::float8, ((w.y2 - w.dy - b.y) / b.half)::float8, 0::float8,
               ((w.x2 - b.x) / b.half)::float8, ((w.y2 - b.y) / b.half)::float8, 0::float8, 0.3::float8,
               CASE WHEN w.decision IS NULL THEN 'muted' WHEN v_kept[w.decision] THEN 'good' ELSE 'fair' END,
               v_labels[w.decision], w.n::float8, 'action:' || v_actions[w.decision]
          FROM walked AS w CROSS JOIN box AS b;
END
$$;
COMMENT ON FUNCTION asymm._draw_experiments() IS 'The last ten decisions about indexes as a folded strip of 2 to the power of their number segments: right where the index was kept, left where not.';
