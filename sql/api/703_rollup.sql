-- Steps that are over are added up: minutes to quarters of an hour, these to hours.

CREATE OR REPLACE FUNCTION asymm._rolled_up(step text, since timestamptz, until timestamptz) RETURNS asymm.sample[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_families constant text[] := ARRAY(SELECT DISTINCT split_part(m.name, '.', 1) FROM asymm.metric AS m WHERE m.store = 'sample' ORDER BY 1);
BEGIN
    RETURN (
        SELECT array_agg(ROW(0, r.family, $2, r.ids, r.totals, r.lows, r.highs, r.counts)::asymm.sample)
          FROM (SELECT a.family, array_agg(a.id ORDER BY a.id) AS ids, array_agg(a.total ORDER BY a.id) AS totals,
                       array_agg(a.low ORDER BY a.id) AS lows, array_agg(a.high ORDER BY a.id) AS highs,
                       array_agg(a.count ORDER BY a.id) AS counts
                  FROM (SELECT f.family, u.id, sum(u.total) AS total, min(COALESCE(u.low, u.total / COALESCE(u.count, 1))) AS low,
                               max(COALESCE(u.high, u.total / COALESCE(u.count, 1))) AS high, sum(COALESCE(u.count, 1))::integer AS count
                          FROM unnest(v_families) AS f (family)
                         CROSS JOIN LATERAL asymm._samples($1, f.family, $2, $3) AS s
                         CROSS JOIN LATERAL unnest(s.ids, s.totals, s.lows, s.highs, s.counts) AS u (id, total, low, high, count)
                         GROUP BY f.family, u.id) AS a
                 GROUP BY a.family) AS r);
END
$$;
COMMENT ON FUNCTION asymm._rolled_up(text, timestamptz, timestamptz) IS 'Samples of a span of time added up to one for each family, with the extremes.';

-- What statements did in an hour: the costliest 500, the rest together; the extremes are those of the steps of the workload.
CREATE OR REPLACE FUNCTION asymm._rolled_up_queries(hour timestamptz) RETURNS asymm.sample[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH step AS (
            SELECT l.query_id, l.calls::float8 AS calls, l.exec_ms, l.rows::float8 AS rows, sum(l.exec_ms) OVER (PARTITION BY l.query_id) AS cost
              FROM asymm.query_load AS l
             WHERE l.slot = ANY (asymm._load_slots($1)) AND l.at >= $1 AND l.at < $1 + interval '1 hour'),
        ranked AS (SELECT s.*, dense_rank() OVER (ORDER BY s.query_id <> 0 DESC, s.cost DESC, s.query_id) AS place FROM step AS s),
        summed AS (
            SELECT v.family, CASE WHEN r.place <= 500 THEN r.query_id ELSE 0 END AS id, sum(v.value) AS total, min(v.value) AS low,
                   max(v.value) AS high, count(*)::integer AS count
              FROM ranked AS r
             CROSS JOIN LATERAL (VALUES ('query.calls', r.calls), ('query.exec_ms', r.exec_ms), ('query.rows', r.rows)) AS v (family, value)
             GROUP BY 1, 2)
        SELECT array_agg(r.sample)
          FROM (SELECT ROW(0, s.family, $1, array_agg(s.id ORDER BY s.id), array_agg(s.total ORDER BY s.id), array_agg(s.low ORDER BY s.id),
                           array_agg(s.high ORDER BY s.id), array_agg(s.count ORDER BY s.id))::asymm.sample AS sample
                  FROM summed AS s GROUP BY s.family) AS r);
END
$$;
COMMENT ON FUNCTION asymm._rolled_up_queries(timestamptz) IS 'What statements did in an hour, a sample each for calls, time and rows.';

-- A hundred of each at a time, so that what piled up while no loop ran does not hold the lane.
CREATE OR REPLACE FUNCTION asymm._roll_up() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_origin constant timestamptz := '2000-01-01 00:00:00+00';
    v_now constant timestamptz := clock_timestamp();
    v_quarter timestamptz;
    v_hour timestamptz;
    v_hours asymm.sample[];
BEGIN
    SELECT date_bin('15 min', GREATEST(t.quarters_until, asymm._sample_reach('minute')), v_origin),
           date_bin('1 hour', GREATEST(t.hours_until, asymm._sample_reach('quarter')), v_origin)
      INTO v_quarter, v_hour
      FROM asymm.telemetry_state AS t WHERE t.sampled_at IS NOT NULL FOR UPDATE;
    IF v_quarter IS NULL THEN
        RETURN NULL;
    END IF;
    FOR i IN 1 .. 100 LOOP
        EXIT WHEN v_quarter + interval '15 min' > v_now;
        PERFORM asymm._keep_samples('quarter', asymm._rolled_up('minute', v_quarter, v_quarter + interval '15 min'));
        v_quarter := v_quarter + interval '15 min';
    END LOOP;
    FOR i IN 1 .. 100 LOOP
        EXIT WHEN v_hour + interval '1 hour' > v_quarter;
        v_hours := asymm._rolled_up('quarter', v_hour, v_hour + interval '1 hour');
        PERFORM asymm._keep_samples('hour', v_hours || asymm._rolled_up_queries(v_hour));
        UPDATE asymm.sample_series AS s SET last_at = v_hour + interval '1 hour'
         WHERE s.id IN (SELECT unnest(h.ids) FROM unnest(v_hours) AS h);
        v_hour := v_hour + interval '1 hour';
    END LOOP;
    PERFORM asymm._learn_latency();
    UPDATE asymm.telemetry_state AS t SET quarters_until = v_quarter, hours_until = v_hour
     WHERE (t.quarters_until, t.hours_until) IS DISTINCT FROM (v_quarter, v_hour);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._roll_up() IS 'Organ: adds minutes up to quarters of an hour and these to hours, and learns what statements usually take.';

CREATE OR REPLACE FUNCTION asymm._purge_telemetry() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_step record;
BEGIN
    DELETE FROM asymm.sample_series AS s WHERE s.last_at < asymm._sample_reach('hour');
    IF (SELECT t.in_hypertables FROM asymm.telemetry_state AS t) THEN
        FOR v_step IN SELECT s.step FROM asymm._sample_steps() AS s LOOP
            PERFORM asymm._drop_chunks('sample_' || v_step.step, asymm._sample_reach(v_step.step));
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._purge_telemetry() IS 'Forgets series that are not seen any more, and chunks of hypertables older than what the ring would keep.';
