-- Every promise, with its target and what is measured here and now. What was not measured is NULL and says why; nothing is typed in.

CREATE OR REPLACE FUNCTION asymm._promise(measured double precision, comparison text, target double precision) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE comparison WHEN 'at least' THEN measured >= target WHEN 'at most' THEN measured <= target
                           WHEN 'about' THEN abs(measured - target) <= 0.01 * target END;
END
$$;
COMMENT ON FUNCTION asymm._promise(double precision, text, double precision) IS 'Whether a promise is kept: at least, at most, or about (within a hundredth) its target; NULL: not measured.';

CREATE OR REPLACE FUNCTION asymm._validate_pulse() RETURNS TABLE (promise text, comparison text, target double precision, measured double precision,
                                                                  unit text, how text, note text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_beat record;
    v_drift record;
    v_effort record;
    v_own record;
    v_actions record;
BEGIN
    SELECT min(h.rate) AS rate, max(h.interval_p99_ms) AS p99, sum(h.missed_last_minute) AS missed INTO v_beat
      FROM asymm.heartbeat AS h WHERE h.lane = 'fast' AND h.alive AND h.beats > 100;
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY EXTRACT(epoch FROM d.noticed_at - l.at)::float8 * 1000) AS noticed,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY EXTRACT(epoch FROM a.applied_at - l.at)::float8 * 1000) AS healed,
           count(*) AS n, count(a.applied_at) AS applied
      INTO v_drift
      FROM asymm.drift_record AS d JOIN asymm.ddl_log AS l ON l.id = d.ddl_log_id
      LEFT JOIN asymm.action AS a ON a.id = d.action_id AND a.reason = 'policy heal' AND a.state IN ('applied', 'verified')
     WHERE d.noticed_at > clock_timestamp() - interval '7 days';
    SELECT max(abs(e.share - e.wanted)) AS off, count(e.share) AS regimes INTO v_effort FROM asymm.effort AS e;
    SELECT sum(s.value) / 36000 AS share INTO v_own FROM asymm.series('effort.all_ms', clock_timestamp() - interval '1 hour') AS s;
    SELECT count(*) AS n,
           count(*) FILTER (WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(a.steps) AS s WHERE s.value -> 'inverse' IS NULL)) AS inverse
      INTO v_actions
      FROM asymm.action AS a WHERE a.applied_at IS NOT NULL AND a.steps <> '[]';
    RETURN QUERY VALUES
        ('the pulse beats at 4.909 Hz', 'about', 54 / 11.0::float8, v_beat.rate, 'beats a second', 'asymm.heartbeat, the last minute',
         CASE WHEN v_beat.rate IS NULL THEN 'no loop has run for a minute: SELECT * FROM asymm.start(…)' END),
        ('the time between two beats, 99 of 100', 'at most', 215, v_beat.p99, 'ms', 'asymm.heartbeat, the last minute', NULL),
        ('no beat is missed', 'at most', 0, v_beat.missed, 'beats', 'asymm.heartbeat, the last minute', NULL),
        ('schema drift is noticed within a beat', 'at most', 203.7, v_drift.noticed, 'ms', 'median from the DDL to its row in asymm.drift, 7 days',
         CASE WHEN v_drift.n = 0 THEN 'nothing drifted in 7 days' END),
        ('schema drift is repaired without a person', 'at most', 1000, v_drift.healed, 'ms', 'median from the DDL to the repair by policy, 7 days',
         CASE WHEN v_drift.applied = 0 THEN 'nothing was repaired by policy in 7 days' END),
        ('the working time is spent 30/20/50', 'at most', 0.05, CASE WHEN v_effort.regimes = 3 THEN v_effort.off END, 'share',
         'largest distance of a regime''s share from the one wanted, asymm.effort', 'held only while all three have work waiting'),
        ('all of it takes at most 2 % of a core', 'at most', 2, v_own.share, '%', 'asymm.series(''effort.all_ms''), the last hour',
         CASE WHEN v_own.share IS NULL THEN 'no telemetry of the last hour' END),
        ('every change it made has an inverse', 'at least', 1, v_actions.inverse::float8 / NULLIF(v_actions.n, 0), 'share', 'steps in asymm.actions',
         CASE WHEN v_actions.n = 0 THEN 'nothing was changed yet' ELSE 'what is missing one was approved by a person' END);
END
$$;
COMMENT ON FUNCTION asymm._validate_pulse() IS 'Promises of the pulse, of drift and of its own cost.';

CREATE OR REPLACE FUNCTION asymm._validate_sonar(span interval) RETURNS TABLE (promise text, comparison text, target double precision,
                                                                                   measured double precision, unit text, how text, note text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_ux record;
    v_cost record;
    v_balance record;
    v_state record;
    v_graph record;
BEGIN
    SELECT u.* INTO v_ux FROM asymm.ux_sonar($1) AS u;
    SELECT b.* INTO v_balance FROM asymm.balance($1) AS b;
    SELECT sum(p.calls) FILTER (WHERE c.cost <= 'O(log n)') / sum(p.calls) FILTER (WHERE c.cost IS NOT NULL) AS share,
           sum(p.calls) FILTER (WHERE c.cost IS NOT NULL) / sum(p.calls) AS known
      INTO v_cost FROM asymm.ux_ping($1) AS p LEFT JOIN asymm.query_cost AS c ON c.query_id = p.query;
    SELECT max(s.complexity) AS complexity, max(s.explosion) AS explosion INTO v_state FROM asymm.state_sonar() AS s;
    SELECT l.* INTO v_graph FROM asymm.lineage_coverage AS l;
    RETURN QUERY VALUES
        ('balance score', 'at least', 97::float8, v_balance.score, 'of 100', 'asymm.balance()',
         'not measured: ' || array_to_string(NULLIF(v_balance.not_measured, '{}'), ', ')),
        ('system health', 'at least', 0.85, v_balance.health, 'score', 'asymm.health()',
         'not measured: ' || array_to_string(NULLIF(v_balance.not_measured, '{}'), ', ')),
        ('queries cost O(log n) or less', 'at least', 1, v_cost.share::float8, 'share of executions', 'asymm.query_costs, by plans',
         format('%s %% of executions have a known plan', round(100 * COALESCE(v_cost.known, 0)))),
        ('queries answer within 100 ms', 'at most', 100, v_ux.mean_ms, 'ms', 'mean of all executions, asymm.ux_sonar()', NULL),
        ('no slow queries', 'at most', 0, v_ux.slow_queries, 'statements',
         'statements whose mean is over the latency budget, asymm.ux_sonar()', NULL),
        ('smoothness', 'at least', 0.9, v_ux.score, 'score', 'asymm.ux_sonar()', v_ux.source),
        ('semantic coherence', 'at least', 0.85, v_balance.balance, 'score', 'asymm.semantic_sonar()', NULL),
        ('every node carries an annotation', 'at least', 1, v_graph.annotated_share, 'share of nodes', 'asymm.lineage_coverage',
         'asymm.proposed_annotations has what could be accepted'),
        ('states × transitions stay manageable', 'at most', (asymm._sonar_settings()).max_complexity, v_state.complexity, 'log2',
         'the worst table of asymm.state_sonar()',
         CASE WHEN v_state.complexity IS NULL THEN 'no table is tracked: SELECT * FROM asymm.track_state(…)' END),
        ('no explosion of duplicates', 'at most', (asymm._sonar_settings()).max_explosion, v_state.explosion, 'rows to distinct rows',
         'the worst table of asymm.state_sonar()', CASE WHEN v_state.explosion IS NULL THEN 'no tracked table was counted yet' END);
END
$$;
COMMENT ON FUNCTION asymm._validate_sonar(interval) IS 'Promises of the sonars.';

CREATE OR REPLACE FUNCTION asymm._validate_copies() RETURNS TABLE (promise text, comparison text, target double precision, measured double precision,
                                                                   unit text, how text, note text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_reads record;
    v_lag double precision;
    v_tables bigint;
    v_play record;
    v_pulses bigint;
BEGIN
    SELECT sum(c.hits) AS hits, sum(c.hits + c.misses) AS asked INTO v_reads FROM asymm.read_count AS c WHERE c.day >= current_date - 6;
    SELECT max(EXTRACT(epoch FROM s.lag))::float8 * 1000, count(*) INTO v_lag, v_tables FROM asymm.mirror_status() AS s;
    SELECT k.* INTO v_play FROM asymm.knowledge(interval '30 days') AS k;
    SELECT NULLIF(count(*), 0) INTO v_pulses FROM asymm.replay AS r WHERE r.taught AND r.at > clock_timestamp() - interval '1 day';
    RETURN QUERY
        SELECT format('leverage: %s', l.name), 'at least', l.target, l.measured, '× before to after', l.how, l.note FROM asymm.leverage() AS l;
    RETURN QUERY VALUES
        ('copies answer 60 % of what they could', 'at least', 0.6::float8, (v_reads.hits / NULLIF(v_reads.asked, 0))::float8, 'share of reads',
         'drivers'' counts of 7 days, asymm.cached_queries and asymm.mirror_reads',
         CASE WHEN COALESCE(v_reads.asked, 0) = 0 THEN 'no driver read with a mirror at hand' END),
        ('the mirror is at most a beat behind', 'at most', 203.7, v_lag, 'ms', 'asymm.mirror_status()',
         CASE WHEN v_tables = 0 THEN 'nothing is mirrored: SELECT * FROM asymm.mirror(…)'
              WHEN v_lag IS NULL THEN 'no worker runs: asymmetrica mirror run' END),
        ('experiments teach (Ωp)', 'at least', 0.8, v_play.play, 'share of experiments',
         'indexes kept or taken back with a measured result and replays that ran to their end, asymm.knowledge(), 30 days',
         CASE WHEN v_play.play IS NULL THEN 'no index was tried yet, and nothing replayed'
              ELSE format('%s of %s indexes, %s of %s replays; knowledge grows by %s a day (dK/dt)', v_play.indexes_taught, v_play.indexes,
                          v_play.replays_taught, v_play.replays, round(v_play.growth::numeric, 4)) END),
        ('what is known is renewed by replays (ψ)', 'at least', 1, v_pulses::float8, 'replays a day', 'asymm.replays, the last day',
         CASE WHEN NOT (asymm._encore_settings()).encore THEN 'off: SELECT * FROM asymm.configure_encore(encore => true)'
              WHEN v_pulses IS NULL THEN 'nothing was replayed in a day: SELECT * FROM asymm.encore_status; says what holds it' END),
        ('developers are content', 'at least', 8, NULL, 'of 10', 'a question for people', 'no number is made up here');
END
$$;
COMMENT ON FUNCTION asymm._validate_copies() IS 'Promises of indexes and copies.';

CREATE OR REPLACE FUNCTION asymm.validate(span interval DEFAULT '1 hour')
RETURNS TABLE (promise text, target text, measured double precision, unit text, met boolean, how text, note text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM asymm._require_span($1);
    RETURN QUERY
        SELECT p.promise, format('%s %s', p.comparison, round(p.target::numeric, 3)::float8), p.measured, p.unit,
               asymm._promise(p.measured, p.comparison, p.target), p.how,
               COALESCE(p.note, CASE WHEN p.measured IS NULL THEN 'nothing ran that could be measured' END)
          FROM (SELECT * FROM asymm._validate_pulse() UNION ALL SELECT * FROM asymm._validate_sonar($1)
                UNION ALL SELECT * FROM asymm._validate_copies()) AS p;
END
$$;
COMMENT ON FUNCTION asymm.validate(interval)
    IS 'Every promise with its target, what is measured on this database now, how, and whether it is kept; met is NULL where there is nothing to measure, with the reason in note.';
