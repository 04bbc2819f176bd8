-- How long statements take, and which take longer than they did.

-- Looks are kept of the hundred costliest each, half a minute apart.
CREATE OR REPLACE FUNCTION asymm._looks(since timestamptz) RETURNS TABLE (query_id bigint, seconds double precision, ms double precision)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = on
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT u.id, EXTRACT(epoch FROM s.at)::float8, u.ms / u.calls
          FROM asymm._samples('minute', 'look.exec_ms', $1, 'infinity') AS s
          JOIN asymm._samples('minute', 'look.calls', $1, 'infinity') AS c ON c.at = s.at AND c.ids = s.ids
         CROSS JOIN LATERAL unnest(s.ids, s.totals, c.totals) AS u (id, ms, calls)
         WHERE u.calls > 0;
END
$$;
COMMENT ON FUNCTION asymm._looks(timestamptz) IS 'Milliseconds a call of the costliest statements in each look since then.';

-- Of the steps of the last week without the last day, so that what is slow today is held against what was usual before, and of the looks of
-- six hours without the last half an hour. The first changes within a day, the second within a quarter of an hour.
CREATE OR REPLACE FUNCTION asymm._learn_latency() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v_learned asymm.query_baseline[];
    v_due bigint[];
BEGIN
    v_due := ARRAY(
        SELECT l.query_id
          FROM (SELECT DISTINCT l.query_id FROM asymm.query_load AS l
                 WHERE l.slot = ANY (asymm._load_slots(v_now - interval '1 hour')) AND l.at > v_now - interval '1 hour' AND l.query_id <> 0) AS l
          JOIN asymm.query AS q ON q.id = l.query_id
          LEFT JOIN asymm.query_baseline AS b ON b.query_id = l.query_id AND b.kind = 'step'
         WHERE b.at IS NULL OR b.at < v_now - CASE WHEN b.since < b.at - interval '23 hours' THEN interval '6 hours' ELSE interval '15 min' END
         ORDER BY b.at NULLS FIRST, l.query_id LIMIT 150);
    IF cardinality(v_due) > 0 THEN
        SELECT array_agg(u) INTO v_learned
          FROM (SELECT array_agg(l.query_id) AS ids, array_agg(EXTRACT(epoch FROM l.at)::float8) AS times, array_agg(l.exec_ms / l.calls) AS figures
                  FROM asymm.query_load AS l
                 WHERE l.query_id = ANY (v_due) AND l.calls > 0 AND l.exec_ms > 0 AND l.at >= v_now - interval '7 days') AS p
         CROSS JOIN LATERAL asymm._usual('step', p.ids, p.times, p.figures, EXTRACT(epoch FROM v_now)::float8 - 86400) AS u;
    END IF;
    v_due := ARRAY(
        SELECT l.query_id
          -- There are enough of one that was seen a while ago, too.
          FROM (SELECT l.query_id FROM asymm._looks(v_now - interval '15 min') AS l GROUP BY l.query_id
                HAVING max(l.seconds) - min(l.seconds) >= 600) AS l
          JOIN asymm.query AS q ON q.id = l.query_id
          LEFT JOIN asymm.query_baseline AS b ON b.query_id = l.query_id AND b.kind = 'look'
         WHERE b.at IS NULL OR b.at < v_now - interval '15 min');
    IF cardinality(v_due) > 0 THEN
        SELECT v_learned || array_agg(u) INTO v_learned
          FROM (SELECT array_agg(l.query_id) AS ids, array_agg(l.seconds) AS times, array_agg(l.ms) AS figures
                  FROM asymm._looks(v_now - interval '6 hours') AS l WHERE l.query_id = ANY (v_due)) AS p
         CROSS JOIN LATERAL asymm._usual('look', p.ids, p.times, p.figures, EXTRACT(epoch FROM v_now)::float8 - 1800) AS u;
    END IF;
    INSERT INTO asymm.query_baseline AS b SELECT n.* FROM unnest(v_learned) AS n
    ON CONFLICT (query_id, kind) DO UPDATE
       SET center_ms = EXCLUDED.center_ms, spread = EXCLUDED.spread, tied = EXCLUDED.tied, hours = EXCLUDED.hours, high_ms = EXCLUDED.high_ms,
           steps = EXCLUDED.steps, since = EXCLUDED.since, at = EXCLUDED.at;
END
$$;
COMMENT ON FUNCTION asymm._learn_latency() IS 'Learns what a call of each statement usually takes, of 150 at a time.';

-- Statements that were slower than usual in the last two steps of time are looked at closely, by their steps of a day.
CREATE OR REPLACE FUNCTION asymm._slower_by_steps(query bigint)
RETURNS TABLE (query_id bigint, changed_at double precision, before_ms double precision, after_ms double precision, ratio double precision,
               score double precision)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
DECLARE
    v_late constant timestamptz := clock_timestamp() - 2 * (asymm._index_settings()).workload_step;
    v_day constant timestamptz := clock_timestamp() - interval '1 day';
    v_slots constant smallint[] := asymm._load_slots(v_late);
    v_days constant smallint[] := asymm._load_slots(v_day);
    v_usual asymm.query_baseline[];
    v_ids bigint[];
BEGIN
    SELECT array_agg(s.usual), array_agg((s.usual).query_id) INTO v_usual, v_ids
      FROM (SELECT b AS usual
              FROM (SELECT l.query_id, sum(l.exec_ms) / sum(l.calls) AS ms, sum(l.exec_ms) AS cost
                      FROM asymm.query_load AS l
                     WHERE l.slot = ANY (v_slots) AND l.at >= v_late AND l.calls > 0 AND (l.query_id = $1 OR $1 IS NULL)
                     GROUP BY l.query_id) AS n
              JOIN asymm.query_baseline AS b ON b.query_id = n.query_id AND b.kind = 'step'
             WHERE n.ms > 1.15 * b.center_ms ORDER BY n.cost DESC LIMIT 100) AS s;
    IF v_ids IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT r.id, r.changed_at, r.before, r.after, r.ratio, r.score
          FROM (SELECT array_agg(l.query_id) AS ids, array_agg(EXTRACT(epoch FROM l.at)::float8) AS times, array_agg(l.exec_ms / l.calls) AS figures
                  FROM asymm.query_load AS l
                 WHERE l.slot = ANY (v_days) AND l.at >= v_day AND l.query_id = ANY (v_ids) AND l.calls > 0) AS p
         CROSS JOIN LATERAL asymm._risen(p.ids, p.times, p.figures, v_usual) AS r;
END
$$;
COMMENT ON FUNCTION asymm._slower_by_steps(bigint) IS 'Statements whose steps of time take longer than is usual of them, one or (NULL) all.';

-- The same by looks. A day has its rhythm, of which some hours know nothing: what rose must also stand out from all steps of the week.
CREATE OR REPLACE FUNCTION asymm._slower_by_looks(query bigint)
RETURNS TABLE (query_id bigint, changed_at double precision, before_ms double precision, after_ms double precision, ratio double precision,
               score double precision)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off
AS $$
#variable_conflict use_column
DECLARE
    v_usual asymm.query_baseline[];
    v_ids bigint[];
BEGIN
    SELECT array_agg(b), array_agg(b.query_id) INTO v_usual, v_ids
      FROM (SELECT l.query_id, avg(l.ms) AS ms
              FROM (SELECT l.*, row_number() OVER (PARTITION BY l.query_id ORDER BY l.seconds DESC) AS back
                      FROM asymm._looks(clock_timestamp() - interval '5 min') AS l WHERE l.query_id = $1 OR $1 IS NULL) AS l
             WHERE l.back <= 3 GROUP BY l.query_id) AS n
      JOIN asymm.query_baseline AS b ON b.query_id = n.query_id AND b.kind = 'look' WHERE n.ms > 1.15 * b.center_ms;
    IF v_usual IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT r.id, r.changed_at, r.before, r.after, r.ratio, r.score
          FROM (SELECT array_agg(l.query_id) AS ids, array_agg(l.seconds) AS times, array_agg(l.ms) AS figures
                  FROM asymm._looks(clock_timestamp() - interval '30 min') AS l WHERE l.query_id = ANY (v_ids)) AS p
         CROSS JOIN LATERAL asymm._risen(p.ids, p.times, p.figures, v_usual, true) AS r
          LEFT JOIN asymm.query_baseline AS b ON b.query_id = r.id AND b.kind = 'step'
         WHERE r.after < 1.2 * b.high_ms IS NOT TRUE;
END
$$;
COMMENT ON FUNCTION asymm._slower_by_looks(bigint) IS 'Statements that took longer than is usual of them for some minutes, one or (NULL) all.';

-- A flip: the plan seen last is not the one that was seen before it, within a day.
CREATE OR REPLACE FUNCTION asymm._plan_flips(query bigint)
RETURNS TABLE (query_id bigint, changed_at timestamptz, before_ms double precision, after_ms double precision, cost_before double precision,
               cost_after double precision, shape_before text, shape_after text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
DECLARE
    v_step constant interval := (asymm._index_settings()).workload_step;
    v_since constant timestamptz := clock_timestamp() - interval '2 days';
    v_slots constant smallint[] := asymm._load_slots(v_since);
    v_ids bigint[];
BEGIN
    v_ids := ARRAY(SELECT p.query_id FROM asymm.query_plan AS p WHERE p.query_id = $1 OR $1 IS NULL
                    GROUP BY p.query_id
                   HAVING count(*) > 1 AND (array_agg(p.last_seen ORDER BY p.last_seen DESC))[2] > clock_timestamp() - interval '1 day');
    IF v_ids = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH plan AS (
            SELECT p.query_id, p.shape, p.first_seen, p.last_seen, (p.plan ->> 'Total Cost')::float8 AS cost,
                   row_number() OVER (PARTITION BY p.query_id ORDER BY p.last_seen DESC) AS back
              FROM asymm.query_plan AS p WHERE p.query_id = ANY (v_ids)),
        flip AS MATERIALIZED (
            SELECT p.query_id, p.shape AS shape_after, o.shape AS shape_before, GREATEST(p.first_seen, o.last_seen) AS at,
                   p.cost AS cost_after, o.cost AS cost_before
              FROM plan AS p JOIN plan AS o ON o.query_id = p.query_id AND o.back = 2 WHERE p.back = 1),
        mean AS (
            SELECT o.query_id, sum(o.exec_ms) FILTER (WHERE o.old) / NULLIF(sum(o.calls) FILTER (WHERE o.old), 0) AS before,
                   sum(o.exec_ms) FILTER (WHERE NOT o.old) / NULLIF(sum(o.calls) FILTER (WHERE NOT o.old), 0) AS after
              FROM (SELECT l.query_id, l.calls, l.exec_ms, l.at < f.at - v_step AS old
                      FROM flip AS f JOIN asymm.query_load AS l ON l.query_id = f.query_id
                     WHERE l.slot = ANY (v_slots) AND l.query_id = ANY (v_ids) AND l.at >= v_since AND l.at >= f.at - interval '1 day') AS o
             GROUP BY o.query_id)
        SELECT f.query_id, f.at, l.before, l.after, f.cost_before, f.cost_after, f.shape_before, f.shape_after
          FROM flip AS f LEFT JOIN mean AS l ON l.query_id = f.query_id
         WHERE l.after >= 1.25 * l.before OR f.cost_after >= 2 * f.cost_before AND l.after >= l.before IS NOT FALSE;
END
$$;
COMMENT ON FUNCTION asymm._plan_flips(bigint) IS 'Statements whose plan changed within a day to one that costs twice as much or takes a quarter longer.';

CREATE OR REPLACE FUNCTION asymm.latency_changes(query_id bigint DEFAULT NULL)
RETURNS TABLE (query bigint, kind text, changed_at timestamptz, before_ms double precision, after_ms double precision, ratio double precision,
               score double precision, calls bigint, lost_ms double precision, step interval, detail text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off SET max_parallel_workers_per_gather = 0
AS $$
BEGIN
    RETURN QUERY
        WITH slower AS (
            SELECT s.*, (asymm._index_settings()).workload_step AS step FROM asymm._slower_by_steps($1) AS s
            UNION ALL
            SELECT s.*, interval '30 s' FROM asymm._slower_by_looks($1) AS s),
        change AS MATERIALIZED (
            SELECT * FROM (
                -- By steps, if both see it.
                SELECT DISTINCT ON (s.query_id) s.query_id, 'slower' AS kind, to_timestamp(s.changed_at) AS changed_at, s.before_ms, s.after_ms,
                       s.ratio, s.score, s.step, NULL AS detail
                  FROM slower AS s ORDER BY s.query_id, s.step DESC) AS s
            UNION ALL
            SELECT f.query_id, 'plan flip', f.changed_at, f.before_ms, f.after_ms, f.after_ms / NULLIF(f.before_ms, 0), NULL, NULL,
                   format('estimated cost %s before, %s now', round(f.cost_before::numeric, 1), round(f.cost_after::numeric, 1))
              FROM asymm._plan_flips($1) AS f),
        since AS (
            SELECT c.query_id, c.kind, sum(l.calls)::bigint AS calls, sum(l.exec_ms) AS exec_ms
              FROM change AS c JOIN asymm.query_load AS l ON l.query_id = c.query_id
             WHERE l.query_id = ANY (ARRAY(SELECT o.query_id FROM change AS o))
               AND l.at >= (SELECT min(o.changed_at) - interval '1 min' FROM change AS o) AND l.at >= c.changed_at - interval '1 min'
             GROUP BY c.query_id, c.kind)
        SELECT c.query_id, c.kind, c.changed_at, c.before_ms, c.after_ms, c.ratio, c.score, COALESCE(l.calls, 0),
               GREATEST(0, COALESCE(l.exec_ms, 0) - COALESCE(l.calls, 0) * c.before_ms), c.step, c.detail
          FROM change AS c LEFT JOIN since AS l ON l.query_id = c.query_id AND l.kind = c.kind
         ORDER BY 9 DESC NULLS LAST, c.query_id, c.kind;
END
$$;
COMMENT ON FUNCTION asymm.latency_changes(bigint)
    IS 'Statements that take longer than they did (slower) or whose plan became a worse one (plan flip): since when, milliseconds a call before and after, score (above 1), calls since and time lost on them.';

-- pg_stat_statements knows no percentiles: mean and deviation, of all calls since it was reset.
CREATE OR REPLACE FUNCTION asymm._statement_times()
RETURNS TABLE (queryid bigint, role_id oid, toplevel boolean, calls bigint, mean_ms double precision, stddev_ms double precision,
               min_ms double precision, max_ms double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_schema constant name := asymm._statements_schema();
BEGIN
    IF v_schema IS NOT NULL THEN
        RETURN QUERY EXECUTE format(
            'SELECT s.queryid, s.userid, s.toplevel, s.calls, s.mean_exec_time, s.stddev_exec_time, s.min_exec_time, s.max_exec_time'
            '  FROM %I.pg_stat_statements(false) AS s WHERE s.queryid IS NOT NULL'
            '   AND s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())', v_schema);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._statement_times() IS 'Mean, deviation and extremes of statements as pg_stat_statements has them.';

-- A driver's text and the server's differ in how they write parameters.
CREATE OR REPLACE FUNCTION asymm._without_parameters(statement text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN regexp_replace(asymm._bare_statement(statement), '\$\d+|%s|%\(\w+\)s', '?', 'g');
END
$$;
COMMENT ON FUNCTION asymm._without_parameters(text) IS 'A statement with ? for each parameter, as server and drivers have it alike.';

CREATE OR REPLACE VIEW asymm.query_latency AS
    SELECT q.id AS query, q.queryid, pg_get_userbyid(q.role_id) AS role, CASE WHEN asymm._sees_statements() THEN q.statement END AS statement,
           'server' AS source, NULL AS route, t.calls, t.mean_ms, t.stddev_ms, t.min_ms, t.max_ms,
           NULL::double precision AS p50_ms, NULL::double precision AS p95_ms, NULL::double precision AS p99_ms,
           b.center_ms AS usual_ms, b.spread, b.steps
      FROM asymm.query AS q
      JOIN asymm._statement_times() AS t ON (t.queryid, t.role_id, t.toplevel) = (q.queryid, q.role_id, q.toplevel)
      LEFT JOIN asymm.query_baseline AS b ON b.query_id = q.id AND b.kind = 'step'
    UNION ALL
    SELECT s.id, s.queryid, r.role, CASE WHEN asymm._sees_statements() THEN r.statement END, 'driver', l.route, c.calls,
           c.seconds * 1000 / NULLIF(c.calls, 0), NULL, NULL, NULL, asymm._percentile_ms(l.counts, 0.5), asymm._percentile_ms(l.counts, 0.95),
           asymm._percentile_ms(l.counts, 0.99), NULL, NULL, NULL
      FROM asymm.read_query AS r
      JOIN (SELECT l.name, l.route, array_agg(l.sum ORDER BY l.place) AS counts
              FROM (SELECT l.name, l.route, u.place, sum(u.count)::bigint AS sum
                      FROM asymm.read_latency AS l CROSS JOIN LATERAL unnest(l.counts) WITH ORDINALITY AS u (count, place)
                     GROUP BY l.name, l.route, u.place) AS l
             GROUP BY l.name, l.route) AS l ON l.name = r.fingerprint
      JOIN (SELECT c.name, c.route, sum(c.hits + c.misses + c.refused)::bigint AS calls, sum(c.seconds) AS seconds
              FROM asymm.read_count AS c WHERE c.kind = 'query' AND c.day >= (clock_timestamp() - interval '7 days')::date
             GROUP BY c.name, c.route) AS c ON c.name = l.name AND c.route = l.route
      LEFT JOIN (SELECT DISTINCT ON (asymm._without_parameters(q.statement), q.role_id) q.id, q.queryid, q.role_id,
                        asymm._without_parameters(q.statement) AS text
                   FROM asymm.query AS q WHERE q.toplevel AND q.command = 'select'
                  ORDER BY asymm._without_parameters(q.statement), q.role_id, q.id DESC) AS s
             ON s.text = asymm._without_parameters(r.statement) AND pg_get_userbyid(s.role_id) = r.role;
COMMENT ON VIEW asymm.query_latency
    IS 'What a call of each statement takes. Source server: pg_stat_statements, which has mean, deviation and extremes but no percentiles; usual_ms is the median of the steps of the last week. Source driver: what applications waited for, by route, with percentiles.';
