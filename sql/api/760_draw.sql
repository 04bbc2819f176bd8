-- Pictures of the living system: points and segments in a box from -1 to 1, which a page, a console or Grafana only has to draw.

-- What a picture is made of. A segment goes from (x, y, z) to (x2, y2, z2); a point has no second end.
CREATE OR REPLACE VIEW asymm._drawn AS
    SELECT NULL::text AS shape, NULL::double precision AS x, NULL::double precision AS y, NULL::double precision AS z,
           NULL::double precision AS x2, NULL::double precision AS y2, NULL::double precision AS z2,
           NULL::double precision AS size, NULL::text AS color, NULL::text AS label, NULL::double precision AS value, NULL::text AS node
     WHERE false;
COMMENT ON VIEW asymm._drawn IS 'The columns of asymm.draw().';

CREATE OR REPLACE FUNCTION asymm.draw(picture text, span interval DEFAULT '1 hour', metric text DEFAULT 'score.shm') RETURNS SETOF asymm._drawn
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    PERFORM asymm._require_text(picture, 'picture');
    PERFORM asymm._require_span(span);
    CASE picture
        WHEN 'heartbeat' THEN RETURN QUERY SELECT d.* FROM asymm._draw_heartbeat() AS d;
        WHEN 'telemetry' THEN RETURN QUERY SELECT d.* FROM asymm._draw_telemetry(metric, span) AS d;
        WHEN 'experiments' THEN RETURN QUERY SELECT d.* FROM asymm._draw_experiments() AS d;
        WHEN 'mirror_overlap' THEN RETURN QUERY SELECT d.* FROM asymm._draw_overlap() AS d;
        WHEN 'fleet' THEN RETURN QUERY SELECT d.* FROM asymm._draw_fleet() AS d;
        ELSE
            RAISE EXCEPTION 'picture "%" does not exist', left(picture, 100)
                USING ERRCODE = 'undefined_object', DETAIL = 'There are heartbeat, telemetry, experiments, mirror_overlap and fleet.',
                      HINT = 'SELECT * FROM asymm.draw(''heartbeat'')';
    END CASE;
END
$$;
COMMENT ON FUNCTION asymm.draw(text, interval, text)
    IS 'A picture as points and segments in a box from -1 to 1: shape, ends, size (0 to 1), colour role (good, fair, warning, critical, accent, other, muted), label, value, and the node it stands for. heartbeat: the ring of what is watched, open where something drifted; telemetry: a metric over the span as a golden spiral; experiments: the index experiments as a dragon curve; mirror_overlap: what the mirror serves of what the database has; fleet: databases in step as rings. Raises 22004, 22023, 42704.';
