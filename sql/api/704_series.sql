-- Reading what was measured.

-- The points of a metric, of one node or of all, from the finest steps that reach back far enough and what is not rolled up yet.
CREATE OR REPLACE FUNCTION asymm._points(metric asymm.metric, node text, since timestamptz, until timestamptz)
RETURNS TABLE (at timestamptz, total double precision, low double precision, high double precision, count bigint)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_name constant text := $1.name;
    v_store constant text := $1.store;
    v_family constant text := CASE $1.store WHEN 'query' THEN $1.name ELSE split_part($1.name, '.', 1) END;
    v_state asymm.telemetry_state;
    v_ids bigint[];
    v_slots smallint[];
    v_low timestamptz;
    v_relid oid;
    v_span record;
BEGIN
    SELECT t.* INTO v_state FROM asymm.telemetry_state AS t;
    IF v_store = 'table' THEN
        v_slots := asymm._load_slots($3);
        -- By name in the catalogs: the owner of this function may use nobody's schema.
        IF $2 IS NOT NULL THEN
            SELECT c.oid INTO v_relid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE format('%I.%I', n.nspname, c.relname) = regexp_replace($2, '^entity:', '');
        END IF;
        RETURN QUERY
            SELECT l.at, v.value, v.value, v.value, 1::bigint
              FROM asymm.table_load AS l
             CROSS JOIN LATERAL (SELECT CASE v_name WHEN 'table.written' THEN l.inserted + l.updated + l.deleted
                                                    WHEN 'table.scans' THEN l.scans ELSE l.index_scans END::float8) AS v (value)
             WHERE l.slot = ANY (v_slots) AND l.at >= $3 AND l.at < $4
               AND ($2 IS NULL OR l.relid = v_relid);
        RETURN;
    END IF;
    IF v_store = 'query' THEN
        v_ids := CASE WHEN $2 IS NOT NULL THEN ARRAY[substring($2 FROM '^query:(\d{1,18})$')::bigint] END;
        v_low := GREATEST($3, CASE WHEN $3 < clock_timestamp() - interval '7 days' THEN v_state.hours_until END);
        v_slots := asymm._load_slots(v_low);
        RETURN QUERY
            SELECT l.at, v.value, v.value, v.value, 1::bigint
              FROM asymm.query_load AS l
             CROSS JOIN LATERAL (SELECT CASE v_name WHEN 'query.calls' THEN l.calls WHEN 'query.rows' THEN l.rows
                                                    ELSE l.exec_ms END::float8) AS v (value)
             WHERE l.slot = ANY (v_slots) AND l.at >= v_low AND l.at < $4 AND (v_ids IS NULL OR l.query_id = ANY (v_ids));
    ELSE
        v_ids := ARRAY(SELECT s.id FROM asymm.sample_series AS s WHERE s.metric = v_name AND (s.node = $2 OR $2 IS NULL));
    END IF;
    FOR v_span IN
        -- Each step from where the coarser one ends to where it ends itself.
        SELECT s.step, s.low, LEAST($4, s.high) AS high
          FROM (VALUES ('minute', GREATEST($3, CASE WHEN $3 < asymm._sample_reach('minute') THEN v_state.quarters_until END), $4),
                       ('quarter', GREATEST(date_bin('15 min', $3, '2000-01-01 00:00:00+00'),
                                            CASE WHEN $3 < asymm._sample_reach('quarter') THEN v_state.hours_until END), v_state.quarters_until),
                       ('hour', date_bin('1 hour', $3, '2000-01-01 00:00:00+00'), v_state.hours_until)) AS s (step, low, high)
         WHERE CASE s.step WHEN 'minute' THEN v_store = 'sample'
                           WHEN 'quarter' THEN v_store = 'sample' AND $3 < asymm._sample_reach('minute')
                           ELSE $3 < CASE v_store WHEN 'query' THEN clock_timestamp() - interval '7 days' ELSE asymm._sample_reach('quarter') END
               END AND s.low < LEAST($4, s.high) LOOP
        -- One of hundreds is found sooner than all are taken apart.
        IF cardinality(v_ids) = 1 THEN
            RETURN QUERY
                SELECT s.at, s.totals[p.place], COALESCE(s.lows[p.place], s.totals[p.place] / COALESCE(s.counts[p.place], 1)),
                       COALESCE(s.highs[p.place], s.totals[p.place] / COALESCE(s.counts[p.place], 1)), COALESCE(s.counts[p.place], 1)::bigint
                  FROM asymm._samples(v_span.step, v_family, v_span.low, v_span.high) AS s
                 CROSS JOIN LATERAL array_position(s.ids, v_ids[1]) AS p (place)
                 WHERE p.place IS NOT NULL;
        ELSE
            RETURN QUERY
                SELECT s.at, u.total, COALESCE(u.low, u.total / COALESCE(u.count, 1)), COALESCE(u.high, u.total / COALESCE(u.count, 1)),
                       COALESCE(u.count, 1)::bigint
                  FROM asymm._samples(v_span.step, v_family, v_span.low, v_span.high) AS s
                 CROSS JOIN LATERAL unnest(s.ids, s.totals, s.lows, s.highs, s.counts) AS u (id, total, low, high, count)
                 WHERE v_ids IS NULL OR u.id = ANY (v_ids);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._points(asymm.metric, text, timestamptz, timestamptz)
    IS 'What was measured of a metric in a span of time, a row for each step and node: sum, extremes, how often.';

-- About sixty buckets of a handy width.
CREATE OR REPLACE FUNCTION asymm._bucket(span interval) RETURNS interval
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT COALESCE(min(w.width), interval '7 days')
              FROM (VALUES (interval '1 min'), ('5 min'), ('15 min'), ('1 hour'), ('6 hours'), ('1 day')) AS w (width)
             WHERE w.width >= $1 / 60);
END
$$;
COMMENT ON FUNCTION asymm._bucket(interval) IS 'The width of a bucket for a span of time.';

CREATE OR REPLACE FUNCTION asymm._require_span(metric text, since timestamptz, until timestamptz, bucket interval) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT (isfinite($2) AND isfinite($3)) OR $2 >= $3 THEN
        RAISE EXCEPTION 'the span from % to % is empty or has no end', $2, $3
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A series begins before it ends.',
                  HINT = format('SELECT * FROM asymm.series(%L, now() - interval ''1 day'')', $1);
    ELSIF NOT isfinite($4) OR $4 < '1 s' OR EXTRACT(month FROM $4) <> 0 OR EXTRACT(year FROM $4) <> 0 THEN
        RAISE EXCEPTION 'a bucket of % is not possible', $4
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A bucket is a second at least; months and years differ in length.',
                  HINT = format('SELECT * FROM asymm.series(%L, bucket => ''15 min'')', $1);
    ELSIF EXTRACT(epoch FROM $3 - $2) / EXTRACT(epoch FROM $4) > 20000 THEN
        RAISE EXCEPTION 'more than 20,000 buckets of %', $4
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('The span is %s.', $3 - $2),
                  HINT = format('SELECT * FROM asymm.series(%L, bucket => %L)', $1, asymm._bucket($3 - $2));
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_span(text, timestamptz, timestamptz, interval) IS 'Raises 22023 where a span of time is empty or cannot be cut into buckets.';

CREATE OR REPLACE FUNCTION asymm._series(metric text, since timestamptz, until timestamptz, bucket interval, node text)
RETURNS TABLE (at timestamptz, value double precision, min double precision, max double precision, count bigint)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_metric constant asymm.metric := asymm._require_metric($1);
    v_kind constant text := v_metric.kind;
    v_from constant timestamptz := COALESCE($2, now() - interval '1 hour');
    v_to constant timestamptz := COALESCE($3, now());
    v_bucket interval := $4;
    v_origin constant timestamptz := '2000-01-01 00:00:00+00';
BEGIN
    IF v_bucket IS NULL AND isfinite(v_from) AND isfinite(v_to) THEN
        v_bucket := asymm._bucket(v_to - v_from);
    END IF;
    PERFORM asymm._require_span($1, v_from, v_to, COALESCE(v_bucket, '1 min'));
    IF v_kind <> 'ratio' THEN
        RETURN QUERY
            SELECT date_bin(v_bucket, p.at, v_origin), CASE v_kind WHEN 'counter' THEN sum(p.total) ELSE sum(p.total) / sum(p.count) END,
                   min(p.low), max(p.high), sum(p.count)::bigint
              FROM asymm._points(v_metric, $5, v_from, v_to) AS p GROUP BY 1 ORDER BY 1;
        RETURN;
    END IF;
    -- Where the denominator has no such node, it is that of all.
    RETURN QUERY
        WITH part AS (
            SELECT m.metric, m.above, m.below,
                   CASE WHEN m.below AND NOT m.above AND m.store = 'sample'
                             AND NOT EXISTS (SELECT FROM asymm.sample_series AS s WHERE s.metric = m.name AND s.node = $5)
                        THEN NULL ELSE $5 END AS node
              FROM (SELECT m AS metric, m.name, m.store, m.name = ANY (v_metric.numerator) AS above, m.name = ANY (v_metric.denominator) AS below
                      FROM asymm.metric AS m) AS m
             WHERE m.above OR m.below),
        step AS (
            SELECT p.at, sum(p.total) FILTER (WHERE m.above) AS above, sum(p.total) FILTER (WHERE m.below) AS below
              FROM part AS m CROSS JOIN LATERAL asymm._points(m.metric, m.node, v_from, v_to) AS p GROUP BY p.at)
        SELECT date_bin(v_bucket, s.at, v_origin), COALESCE(sum(s.above), 0) / sum(s.below), min(COALESCE(s.above, 0) / s.below),
               max(COALESCE(s.above, 0) / s.below), count(*)
          FROM step AS s WHERE s.below > 0 GROUP BY 1 ORDER BY 1;
END
$$;
COMMENT ON FUNCTION asymm._series(text, timestamptz, timestamptz, interval, text) IS 'What asymm.series() returns.';

CREATE OR REPLACE FUNCTION asymm.series(
    metric text, "from" timestamptz DEFAULT now() - interval '1 hour', "to" timestamptz DEFAULT now(), bucket interval DEFAULT NULL,
    node text DEFAULT NULL)
RETURNS TABLE (at timestamptz, value double precision, min double precision, max double precision, count bigint)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$ SELECT s.at, s.value, s.min, s.max, s.count FROM asymm._series($1, $2, $3, $4, $5) AS s $$;
COMMENT ON FUNCTION asymm.series(text, timestamptz, timestamptz, interval, text)
    IS 'A metric over time, a row for each bucket that has figures: value is the mean of a gauge, the sum of a counter, or the ratio; min and max of any one step, count of what was measured. Of one node or of all; steps are a minute for a day, a quarter of an hour for a week, then an hour. Raises 42704, 22023.';

CREATE OR REPLACE VIEW asymm.metrics AS
    SELECT m.name AS metric, m.unit, m.kind, m.source,
           CASE m.store WHEN 'sample' THEN interval '1 min' ELSE s.workload_step END AS step,
           COALESCE(n.nodes, q.nodes, 0) AS nodes, COALESCE(n.first, q.first) AS first,
           -- Those seen in the last hour are still there.
           CASE WHEN n.last >= t.hours_until THEN GREATEST(n.last, t.sampled_at) ELSE COALESCE(n.last, q.last) END AS last
      FROM asymm.metric AS m
     -- One row each, which the planner is told.
     CROSS JOIN (SELECT x.* FROM asymm.telemetry_state AS x LIMIT 1) AS t
     CROSS JOIN (SELECT x.* FROM asymm.index_settings AS x LIMIT 1) AS s
      LEFT JOIN (SELECT r.metric, count(*) AS nodes, min(r.first_at) AS first, max(r.last_at) AS last
                   FROM asymm.sample_series AS r GROUP BY r.metric) AS n ON n.metric = COALESCE(m.numerator[1], m.name) AND m.store = 'sample'
      LEFT JOIN (SELECT 'query' AS store, count(*) AS nodes, min(r.first_seen) AS first, max(c.seen_at) AS last
                   FROM asymm.query AS r LEFT JOIN asymm.query_counter AS c ON c.query_id = r.id) AS q ON q.store = m.store
     ORDER BY m.name;
COMMENT ON VIEW asymm.metrics IS 'The catalogue: each metric with its unit, kind (gauge, counter, ratio), source, finest step, number of nodes, first and last time it was measured.';
