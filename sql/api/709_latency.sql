-- How long statements take, and which take longer than they did.

-- The last week without the last day, so that what is slow today is held against what was usual before.
CREATE OR REPLACE FUNCTION asymm._learn_latency() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off SET jit = off
AS $$
BEGIN
    WITH step AS MATERIALIZED (
        SELECT l.query_id, ln(l.exec_ms / l.calls) AS ms
          FROM asymm.query_load AS l
         WHERE l.query_id <> 0 AND l.calls > 0 AND l.exec_ms > 0 AND l.at < clock_timestamp() - interval '1 day'
           AND l.at >= clock_timestamp() - interval '7 days'),
    center AS (
        SELECT s.query_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY s.ms) AS ms, count(*) AS steps FROM step AS s
         GROUP BY s.query_id HAVING count(*) >= 12)
    INSERT INTO asymm.query_baseline AS b (query_id, center_ms, spread, steps)
    SELECT c.query_id, exp(c.ms), 1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(s.ms - c.ms)), c.steps
      FROM center AS c JOIN step AS s ON s.query_id = c.query_id JOIN asymm.query AS q ON q.id = c.query_id
     GROUP BY c.query_id, c.ms, c.steps
    ON CONFLICT (query_id) DO UPDATE
       SET center_ms = EXCLUDED.center_ms, spread = EXCLUDED.spread, steps = EXCLUDED.steps, at = clock_timestamp();
END
$$;
COMMENT ON FUNCTION asymm._learn_latency() IS 'Learns what a call of each statement usually takes.';

-- Statements whose last steps were slower than usual: these alone are looked at closely.
CREATE OR REPLACE FUNCTION asymm._slower_queries(query bigint) RETURNS TABLE (query_id bigint, center_ms double precision)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_since constant timestamptz := clock_timestamp() - 2 * (asymm._index_settings()).workload_step;
    v_slots constant smallint[] := asymm._load_slots(v_since);
BEGIN
    RETURN QUERY
        WITH late AS MATERIALIZED (
            SELECT l.query_id, sum(l.exec_ms) / sum(l.calls) AS ms, sum(l.exec_ms) AS cost, b.center_ms
              FROM asymm.query_load AS l LEFT JOIN asymm.query_baseline AS b ON b.query_id = l.query_id
             WHERE l.slot = ANY (v_slots) AND l.at >= v_since AND l.query_id <> 0 AND (l.query_id = $1 OR $1 IS NULL)
             GROUP BY l.query_id, b.center_ms HAVING sum(l.calls) > 0),
        -- Of what is new the mean has to do.
        mean AS (
            SELECT l.query_id, sum(l.exec_ms) / sum(l.calls) AS ms
              FROM asymm.query_load AS l
             WHERE (SELECT count(*) FROM late AS n WHERE n.center_ms IS NULL) > 0
               AND l.query_id = ANY (ARRAY(SELECT n.query_id FROM late AS n WHERE n.center_ms IS NULL)) AND l.at < v_since
             GROUP BY l.query_id HAVING sum(l.calls) > 0)
        SELECT n.query_id, COALESCE(n.center_ms, m.ms)
          FROM late AS n LEFT JOIN mean AS m ON m.query_id = n.query_id
         WHERE n.ms > 1.15 * COALESCE(n.center_ms, m.ms)
            OR m.ms IS NULL AND n.center_ms IS NULL
         ORDER BY n.cost DESC LIMIT 100;
END
$$;
COMMENT ON FUNCTION asymm._slower_queries(bigint) IS 'Statements that were slower than usual in the last two steps of time, or are that new; the costliest hundred.';

-- Looks are half a minute apart, and a day has its rhythm: what rose within hours must also stand out from all steps of the week.
CREATE OR REPLACE FUNCTION asymm._slower_since(
    times double precision[], figures double precision[], look_times double precision[], look_figures double precision[])
RETURNS TABLE (changed_at timestamptz, before_ms double precision, after_ms double precision, ratio double precision,
               score double precision, step interval)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_now constant double precision := EXTRACT(epoch FROM clock_timestamp());
    v_usual double precision;
    v_change record;
BEGIN
    SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY u.figure) INTO v_usual
      FROM unnest($1, $2) AS u (time, figure) WHERE u.time < v_now - 7200 HAVING count(*) >= 12;
    SELECT * INTO v_change
      FROM asymm._change_point($1, $2, CASE WHEN $1[12] < v_now - 86400 THEN v_now - 86400 END);
    step := (asymm._index_settings()).workload_step;
    IF v_change.changed IS NOT TRUE AND $3 IS NOT NULL THEN
        SELECT * INTO v_change FROM asymm._change_point($3, $4, CASE WHEN $3[12] < v_now - 1800 THEN v_now - 1800 END);
        step := '30 s';
        IF v_change.after < 1.2 * v_usual THEN
            RETURN;
        END IF;
    END IF;
    IF v_change.changed THEN
        changed_at := to_timestamp(v_change.changed_at);
        before_ms := v_change.before;
        after_ms := v_change.after;
        ratio := v_change.ratio;
        score := v_change.score;
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._slower_since(double precision[], double precision[], double precision[], double precision[]) IS 'Since when a statement takes longer than it did, by the steps of the workload or by the last hours'' looks; no row: it doesn''t.';

-- A flip: the plan seen last is not the one that was seen before it, within a day.
CREATE OR REPLACE FUNCTION asymm._plan_flips(query bigint)
RETURNS TABLE (query_id bigint, changed_at timestamptz, before_ms double precision, after_ms double precision, cost_before double precision,
               cost_after double precision, shape_before text, shape_after text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_step constant interval := (asymm._index_settings()).workload_step;
BEGIN
    RETURN QUERY
        SELECT f.query_id, f.at, l.before, l.after, f.cost_before, f.cost_after, f.shape_before, f.shape_after
          FROM (SELECT p.query_id, p.shape AS shape_after, o.shape AS shape_before, GREATEST(p.first_seen, o.last_seen) AS at,
                       (p.plan ->> 'Total Cost')::float8 AS cost_after, (o.plan ->> 'Total Cost')::float8 AS cost_before
                  FROM (SELECT DISTINCT ON (p.query_id) p.* FROM asymm.query_plan AS p
                         WHERE p.query_id = $1 OR $1 IS NULL ORDER BY p.query_id, p.last_seen DESC) AS p
                 CROSS JOIN LATERAL (SELECT o.* FROM asymm.query_plan AS o WHERE o.query_id = p.query_id AND o.shape <> p.shape
                                      ORDER BY o.last_seen DESC LIMIT 1) AS o
                 WHERE o.last_seen > clock_timestamp() - interval '1 day') AS f
         CROSS JOIN LATERAL (
               SELECT sum(o.exec_ms) FILTER (WHERE o.old) / NULLIF(sum(o.calls) FILTER (WHERE o.old), 0) AS before,
                      sum(o.exec_ms) FILTER (WHERE NOT o.old) / NULLIF(sum(o.calls) FILTER (WHERE NOT o.old), 0) AS after
                 FROM (SELECT l.calls, l.exec_ms, l.at < f.at - v_step AS old FROM asymm.query_load AS l
                        WHERE l.slot = ANY (asymm._load_slots(f.at - interval '1 day')) AND l.query_id = f.query_id
                          AND l.at >= f.at - interval '1 day') AS o) AS l
         WHERE l.after >= 1.25 * l.before OR f.cost_after >= 2 * f.cost_before AND l.after >= l.before IS NOT FALSE;
END
$$;
COMMENT ON FUNCTION asymm._plan_flips(bigint) IS 'Statements whose plan changed within a day to one that costs twice as much or takes a quarter longer.';

CREATE OR REPLACE FUNCTION asymm.latency_changes(query_id bigint DEFAULT NULL)
RETURNS TABLE (query bigint, kind text, changed_at timestamptz, before_ms double precision, after_ms double precision, ratio double precision,
               score double precision, calls bigint, lost_ms double precision, step interval, detail text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_since timestamptz;
    v_ids bigint[];
BEGIN
    v_ids := ARRAY(SELECT s.query_id FROM asymm._slower_queries($1) AS s);
    v_since := CASE WHEN v_ids = '{}' THEN 'infinity' ELSE clock_timestamp() - interval '6 hours' END;
    RETURN QUERY
        WITH look AS MATERIALIZED (
            SELECT u.id, array_agg(EXTRACT(epoch FROM u.at)::float8 ORDER BY u.at) AS times,
                   array_agg(u.ms / NULLIF(u.calls, 0) ORDER BY u.at) AS figures
              FROM (SELECT i.id, s.at, max(s.totals[p.place]) FILTER (WHERE s.family = 'look.exec_ms') AS ms,
                           max(s.totals[p.place]) FILTER (WHERE s.family = 'look.calls') AS calls
                      FROM (SELECT 'look.exec_ms' AS family, s.* FROM asymm._samples('minute', 'look.exec_ms', v_since, 'infinity') AS s
                            UNION ALL
                            SELECT 'look.calls', s.* FROM asymm._samples('minute', 'look.calls', v_since, 'infinity') AS s) AS s
                     CROSS JOIN unnest(v_ids) AS i (id)
                     CROSS JOIN LATERAL array_position(s.ids, i.id) AS p (place)
                     WHERE p.place IS NOT NULL
                     GROUP BY i.id, s.at) AS u
             GROUP BY u.id),
        load AS MATERIALIZED (
            SELECT l.query_id AS id, array_agg(EXTRACT(epoch FROM l.at)::float8 ORDER BY l.at) AS times,
                   array_agg(l.exec_ms / l.calls ORDER BY l.at) AS figures
              FROM asymm.query_load AS l
             WHERE cardinality(v_ids) > 0 AND l.query_id = ANY (v_ids)
               AND l.calls > 0 AND l.exec_ms > 0 AND l.at > clock_timestamp() - interval '7 days'
             GROUP BY l.query_id),
        slower AS (
            SELECT l.id AS query_id, c.*
              FROM load AS l LEFT JOIN look AS k ON k.id = l.id
             CROSS JOIN LATERAL asymm._slower_since(l.times, l.figures, k.times, k.figures) AS c),
        change AS (
            SELECT s.query_id, 'slower' AS kind, s.changed_at, s.before_ms, s.after_ms, s.ratio, s.score, s.step, NULL AS detail FROM slower AS s
            UNION ALL
            SELECT f.query_id, 'plan flip', f.changed_at, f.before_ms, f.after_ms, f.after_ms / NULLIF(f.before_ms, 0), NULL, NULL,
                   format('estimated cost %s before, %s now', round(f.cost_before::numeric, 1), round(f.cost_after::numeric, 1))
              FROM asymm._plan_flips($1) AS f)
        SELECT c.query_id, c.kind, c.changed_at, c.before_ms, c.after_ms, c.ratio, c.score, l.calls,
               GREATEST(0, l.exec_ms - l.calls * c.before_ms), c.step, c.detail
          FROM change AS c
         CROSS JOIN LATERAL (
               SELECT COALESCE(sum(l.calls), 0)::bigint AS calls, COALESCE(sum(l.exec_ms), 0) AS exec_ms
                 FROM asymm.query_load AS l
                WHERE l.slot = ANY (asymm._load_slots(c.changed_at - interval '1 min')) AND l.query_id = c.query_id
                  AND l.at >= c.changed_at - interval '1 min') AS l
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
      LEFT JOIN asymm.query_baseline AS b ON b.query_id = q.id
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
