-- The organ: reads what is counted elsewhere once a minute and writes one row for each family.

-- Counters that only grow; period says which days' counters they are, where these begin anew.
CREATE OR REPLACE FUNCTION asymm._read_counters() RETURNS TABLE (metric text, node text, period text, value double precision)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT 'database.' || v.name, '*', '', v.value
          FROM pg_stat_database AS d
         CROSS JOIN LATERAL (VALUES
               ('commits', d.xact_commit::float8), ('rollbacks', d.xact_rollback), ('blocks_hit', d.blks_hit), ('blocks_read', d.blks_read),
               ('rows_returned', d.tup_returned), ('rows_fetched', d.tup_fetched),
               ('rows_written', d.tup_inserted + d.tup_updated + d.tup_deleted), ('temp_bytes', d.temp_bytes), ('deadlocks', d.deadlocks),
               ('conflicts', d.conflicts)) AS v (name, value)
         WHERE d.datname = current_database();
    RETURN QUERY
        SELECT 'organ.' || v.name, 'organ:' || o.name, '', v.value
          FROM asymm.organ_state AS o
         CROSS JOIN LATERAL (VALUES ('runs', o.runs::float8), ('failures', o.failures), ('ms', o.total_ms)) AS v (name, value);
    RETURN QUERY
        SELECT CASE WHEN GROUPING(o.regime) = 0 THEN 'effort.ms' ELSE 'effort.all_ms' END, COALESCE('regime:' || o.regime, '*'), '', sum(s.total_ms)
          FROM asymm.organ AS o JOIN asymm.organ_state AS s ON s.name = o.name
         GROUP BY GROUPING SETS ((o.regime), ());
    RETURN QUERY
        SELECT 'mirror.' || v.name, '*', '', v.value
          FROM asymm.mirror_worker AS w
         CROSS JOIN LATERAL (VALUES ('changes', (w.counters ->> 'changes')::float8),
                                    ('transactions', (w.counters ->> 'transactions')::float8)) AS v (name, value)
         WHERE v.value IS NOT NULL;
    RETURN QUERY
        SELECT 'alert.' || v.name, 'destination:' || s.destination, '', v.value
          FROM asymm.alert_destination_state AS s CROSS JOIN LATERAL (VALUES ('sent', s.sent::float8), ('failed', s.failed)) AS v (name, value);
    RETURN QUERY
        SELECT 'read.' || v.name, 'route:' || r.route, r.day::text, v.value
          FROM (SELECT c.day, c.route, sum(c.hits + c.misses + c.refused)::float8 AS reads, sum(c.hits)::float8 AS hits,
                       sum(c.seconds) AS seconds, sum(c.saved_seconds) AS saved
                  FROM asymm.read_count AS c
                 WHERE c.day >= (clock_timestamp() AT TIME ZONE 'UTC')::date - 1
                 GROUP BY c.day, c.route) AS r
         CROSS JOIN LATERAL (VALUES ('reads', r.reads), ('hits', r.hits), ('seconds', r.seconds), ('saved_seconds', r.saved)) AS v (name, value);
END
$$;
COMMENT ON FUNCTION asymm._read_counters() IS 'Counters of the server and of ours as they stand now.';

-- The size of a database is asked of its files, one by one: each quarter of an hour is enough.
CREATE OR REPLACE FUNCTION asymm._read_gauges(since timestamptz, until timestamptz, quarter boolean)
RETURNS TABLE (metric text, node text, value double precision)
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT 'database.connections', '*', d.numbackends::float8 FROM pg_stat_database AS d WHERE d.datname = current_database();
    IF quarter AND has_database_privilege(current_database(), 'CONNECT') THEN
        RETURN QUERY SELECT 'database.size', '*', pg_database_size(current_database())::float8;
    END IF;
    RETURN QUERY
        SELECT 'beat.' || v.name, b.node, v.value
          FROM (SELECT format('loop:%s/%s', s.actor, s.lane) AS node, sum(s.beats)::float8 AS beats, sum(s.missed)::float8 AS missed,
                       sum((SELECT sum(m.ms)::float8 FROM unnest(s.work_ms) AS m (ms))) AS work
                  FROM asymm.beat_summary AS s WHERE s.at >= $1 AND s.at < $2
                 GROUP BY s.actor, s.lane) AS b
         CROSS JOIN LATERAL (VALUES ('count', b.beats), ('missed', b.missed), ('work_ms', b.work)) AS v (name, value)
         WHERE v.value IS NOT NULL;
    RETURN QUERY
        SELECT 'beat.' || v.name, b.node, v.value
          FROM (SELECT format('loop:%s/%s', s.actor, s.lane) AS node, percentile_cont(0.5) WITHIN GROUP (ORDER BY i.ms) AS p50,
                       percentile_cont(0.99) WITHIN GROUP (ORDER BY i.ms) AS p99, max(i.ms)::float8 AS longest,
                       percentile_cont(0.99) WITHIN GROUP (ORDER BY i.work) AS work
                  FROM asymm.beat_summary AS s CROSS JOIN LATERAL unnest(s.intervals_ms, s.work_ms) AS i (ms, work)
                 WHERE s.at >= $1 AND s.at < $2
                 GROUP BY s.actor, s.lane) AS b
         CROSS JOIN LATERAL (VALUES ('interval_p50', b.p50), ('interval_p99', b.p99), ('interval_max', b.longest),
                                    ('work_p99', b.work)) AS v (name, value)
         WHERE v.value IS NOT NULL;
    IF quarter OR pg_relation_size('asymm.action') < 16777216 THEN
        RETURN QUERY SELECT 'action.count', a.kind || ':' || a.state, count(*)::float8 FROM asymm.action AS a GROUP BY a.kind, a.state;
    END IF;
    RETURN QUERY SELECT 'finding.count', f.sonar || ':' || f.severity, count(*)::float8 FROM asymm.finding AS f
                  WHERE f.closed_at IS NULL GROUP BY f.sonar, f.severity;
    RETURN QUERY SELECT 'alert.open', 'severity:' || a.severity, count(*)::float8 FROM asymm.alert AS a WHERE a.closed_at IS NULL GROUP BY a.severity;
    RETURN QUERY SELECT 'alert.' || v.name, 'destination:' || g.destination, v.value
                   FROM asymm._alert_figures() AS g CROSS JOIN LATERAL (VALUES ('waiting', g.waiting::float8), ('dead', g.dead)) AS v (name, value);
    RETURN QUERY
        SELECT 'mirror.' || v.name, '*', v.value
          FROM asymm.mirror_worker AS w
         CROSS JOIN LATERAL (VALUES
               ('lag_bytes', GREATEST(asymm._wal_end() - w.applied_lsn, 0)::float8),
               ('lag_seconds', CASE WHEN w.applied_lsn >= asymm._wal_end() THEN 0
                                    ELSE EXTRACT(epoch FROM clock_timestamp() - w.applied_at)::float8 END)) AS v (name, value)
         WHERE v.value IS NOT NULL AND EXISTS (SELECT FROM asymm.mirror_table);
END
$$;
COMMENT ON FUNCTION asymm._read_gauges(timestamptz, timestamptz, boolean) IS 'Figures as they stand now, and beats of a span of time.';

-- The first look of all only learns where counters stand. One that went down began anew.
CREATE OR REPLACE FUNCTION asymm._observe_telemetry() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off SET jit = off
AS $$
DECLARE
    v_at constant timestamptz := date_bin('1 min', clock_timestamp(), '2000-01-01 00:00:00+00');
    v_state asymm.telemetry_state;
    v_counters jsonb;
    v_samples asymm.sample[];
    v_left integer;
BEGIN
    SELECT t.* INTO v_state FROM asymm.telemetry_state AS t FOR UPDATE;
    -- Twice in a minute by hand; a clock set back by more than an hour is believed.
    IF v_at <= v_state.sampled_at AND v_at > v_state.sampled_at - interval '1 hour' THEN
        RETURN NULL;
    END IF;
    SELECT GREATEST(0, 20000 - count(*)) INTO v_left FROM asymm.sample_series AS s;
    WITH counter AS MATERIALIZED (
        SELECT c.metric, c.node, concat_ws(' ', c.metric, c.node, NULLIF(c.period, '')) AS key, c.value FROM asymm._read_counters() AS c),
    told AS (
        DELETE FROM asymm.sample_now AS n RETURNING n.metric, n.node, n.total, n.low, n.high, n.count),
    seen AS MATERIALIZED (
        SELECT c.metric, c.node, sum(c.value - CASE WHEN c.value < f.value THEN 0 ELSE f.value END) AS total,
               NULL::float8 AS low, NULL::float8 AS high, 1 AS count
          FROM counter AS c
         CROSS JOIN LATERAL (SELECT COALESCE((v_state.counters ->> c.key)::float8, 0)) AS f (value)
         WHERE v_state.counters IS NOT NULL
         GROUP BY c.metric, c.node
        UNION ALL
        SELECT g.metric, g.node, g.value, NULL, NULL, 1
          FROM asymm._read_gauges(COALESCE(v_state.sampled_at, v_at - interval '1 min'), v_at,
                                  date_bin('15 min', v_at, '2000-01-01 00:00:00+00') > v_state.sampled_at IS NOT FALSE) AS g
        UNION ALL
        SELECT t.metric, t.node, t.total, NULLIF(t.low, t.high), CASE WHEN t.low <> t.high THEN t.high END, t.count FROM told AS t),
    named AS (
        INSERT INTO asymm.sample_series AS s (metric, node)
        SELECT n.metric, n.node
          FROM (SELECT DISTINCT n.metric, n.node FROM seen AS n
                 WHERE NOT EXISTS (SELECT FROM asymm.sample_series AS s WHERE s.metric = n.metric AND s.node = n.node)) AS n
         ORDER BY n.metric, n.node LIMIT v_left
        RETURNING s.id, s.metric, s.node),
    placed AS (
        SELECT split_part(n.metric, '.', 1) AS family, s.id, n.total, n.low, n.high, n.count,
               row_number() OVER (PARTITION BY split_part(n.metric, '.', 1) ORDER BY s.id) AS place
          FROM seen AS n
          JOIN (SELECT k.id, k.metric, k.node FROM asymm.sample_series AS k UNION ALL SELECT k.id, k.metric, k.node FROM named AS k) AS s
            ON s.metric = n.metric AND s.node = n.node),
    kept AS (
        SELECT ROW(0, p.family, v_at, array_agg(p.id ORDER BY p.id), array_agg(p.total ORDER BY p.id),
                   CASE WHEN count(p.low) > 0 THEN array_agg(COALESCE(p.low, p.total / p.count) ORDER BY p.id) END,
                   CASE WHEN count(p.low) > 0 THEN array_agg(COALESCE(p.high, p.total / p.count) ORDER BY p.id) END,
                   CASE WHEN max(p.count) > 1 THEN array_agg(p.count ORDER BY p.id) END)::asymm.sample AS sample
          FROM placed AS p WHERE p.place <= 2000 GROUP BY p.family)
    SELECT (SELECT jsonb_object_agg(c.key, c.value) FROM counter AS c), (SELECT array_agg(k.sample) FROM kept AS k),
           (SELECT count(*) FROM seen AS n) - (SELECT count(*) FROM placed AS p WHERE p.place <= 2000)
      INTO v_counters, v_samples, v_left;
    PERFORM asymm._keep_samples('minute', v_samples);
    UPDATE asymm.telemetry_state AS t
       SET sampled_at = v_at, counters = v_counters, dropped = t.dropped + v_left,
           quarters_until = COALESCE(t.quarters_until, date_bin('15 min', v_at, '2000-01-01 00:00:00+00')),
           hours_until = COALESCE(t.hours_until, date_bin('1 hour', v_at, '2000-01-01 00:00:00+00'));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._observe_telemetry() IS 'Organ: writes a sample of every metric, once a minute at most.';
