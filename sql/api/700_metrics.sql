-- What is measured over time. Adding a metric means a row here and somebody who records it.

INSERT INTO asymm.metric (name, unit, kind, source, store, numerator, denominator) VALUES
    ('beat.count', 'beats', 'counter', 'beats of each loop (node loop:actor/lane)', 'sample', NULL, NULL),
    ('beat.missed', 'beats', 'counter', 'ticks without a beat', 'sample', NULL, NULL),
    ('beat.interval_p50', 'ms', 'gauge', 'median time between two beats of a minute', 'sample', NULL, NULL),
    ('beat.interval_p99', 'ms', 'gauge', '99th percentile of the time between two beats of a minute', 'sample', NULL, NULL),
    ('beat.interval_max', 'ms', 'gauge', 'longest time between two beats of a minute', 'sample', NULL, NULL),
    ('beat.work_ms', 'ms', 'counter', 'working time of the beats', 'sample', NULL, NULL),
    ('beat.work_p99', 'ms', 'gauge', '99th percentile of the working time of a beat', 'sample', NULL, NULL),
    ('organ.runs', 'runs', 'counter', 'runs of each organ (node organ:name)', 'sample', NULL, NULL),
    ('organ.failures', 'runs', 'counter', 'runs of each organ that failed', 'sample', NULL, NULL),
    ('organ.ms', 'ms', 'counter', 'working time of each organ', 'sample', NULL, NULL),
    ('organ.mean_ms', 'ms', 'ratio', 'working time of each organ a run', 'sample', '{organ.ms}', '{organ.runs}'),
    ('effort.ms', 'ms', 'counter', 'working time of each regime (node regime:name)', 'sample', NULL, NULL),
    ('effort.all_ms', 'ms', 'counter', 'working time of all regimes', 'sample', NULL, NULL),
    ('effort.share', 'share', 'ratio', 'share of each regime in the working time', 'sample', '{effort.ms}', '{effort.all_ms}'),
    ('action.count', 'actions', 'gauge', 'actions in the ledger by kind and state (node kind:state)', 'sample', NULL, NULL),
    ('finding.count', 'findings', 'gauge', 'open findings by sonar and severity (node sonar:severity)', 'sample', NULL, NULL),
    ('alert.open', 'alerts', 'gauge', 'open alerts by severity (node severity:name)', 'sample', NULL, NULL),
    ('alert.waiting', 'messages', 'gauge', 'messages that wait for a destination (node destination:name)', 'sample', NULL, NULL),
    ('alert.dead', 'messages', 'gauge', 'dead letters of each destination', 'sample', NULL, NULL),
    ('alert.sent', 'messages', 'counter', 'messages sent to each destination', 'sample', NULL, NULL),
    ('alert.failed', 'tries', 'counter', 'tries to send to each destination that failed', 'sample', NULL, NULL),
    ('database.commits', 'transactions', 'counter', 'pg_stat_database', 'sample', NULL, NULL),
    ('database.rollbacks', 'transactions', 'counter', 'pg_stat_database', 'sample', NULL, NULL),
    ('database.blocks_hit', 'blocks', 'counter', 'pg_stat_database', 'sample', NULL, NULL),
    ('database.blocks_read', 'blocks', 'counter', 'pg_stat_database', 'sample', NULL, NULL),
    ('database.hit_rate', 'share', 'ratio', 'blocks found in the server''s own memory', 'sample', '{database.blocks_hit}',
     '{database.blocks_hit,database.blocks_read}'),
    ('database.rows_returned', 'rows', 'counter', 'pg_stat_database', 'sample', NULL, NULL),
    ('database.rows_fetched', 'rows', 'counter', 'pg_stat_database', 'sample', NULL, NULL),
    ('database.rows_written', 'rows', 'counter', 'pg_stat_database: inserted, updated, deleted', 'sample', NULL, NULL),
    ('database.temp_bytes', 'bytes', 'counter', 'pg_stat_database', 'sample', NULL, NULL),
    ('database.deadlocks', 'deadlocks', 'counter', 'pg_stat_database', 'sample', NULL, NULL),
    ('database.conflicts', 'queries', 'counter', 'pg_stat_database', 'sample', NULL, NULL),
    ('database.connections', 'sessions', 'gauge', 'pg_stat_database', 'sample', NULL, NULL),
    ('database.size', 'bytes', 'gauge', 'pg_database_size(), each quarter of an hour', 'sample', NULL, NULL),
    ('mirror.lag_bytes', 'bytes', 'gauge', 'WAL the mirror has not applied', 'sample', NULL, NULL),
    ('mirror.lag_seconds', 's', 'gauge', 'how far the mirror is behind at most', 'sample', NULL, NULL),
    ('mirror.changes', 'rows', 'counter', 'rows the mirror''s worker applied', 'sample', NULL, NULL),
    ('mirror.transactions', 'transactions', 'counter', 'transactions the mirror''s worker applied', 'sample', NULL, NULL),
    ('read.reads', 'reads', 'counter', 'reads of drivers by the route that answered (node route:name)', 'sample', NULL, NULL),
    ('read.hits', 'reads', 'counter', 'reads that a copy answered, by route', 'sample', NULL, NULL),
    ('read.hit_rate', 'share', 'ratio', 'share of reads that a copy answered', 'sample', '{read.hits}', '{read.reads}'),
    ('read.seconds', 's', 'counter', 'time spent on reads, by route', 'sample', NULL, NULL),
    ('read.saved_seconds', 's', 'counter', 'time that copies saved, by route', 'sample', NULL, NULL),
    ('score.shm', 'score', 'gauge', 'system health, recorded by the sonars', 'sample', NULL, NULL),
    ('score.ux', 'score', 'gauge', 'UX-Sonar', 'sample', NULL, NULL),
    ('score.semantic', 'score', 'gauge', 'Semantic Sonar', 'sample', NULL, NULL),
    ('score.state', 'score', 'gauge', 'State Sonar', 'sample', NULL, NULL),
    ('score.balance', 'score', 'gauge', 'balance of the three', 'sample', NULL, NULL),
    ('score.play', 'share', 'gauge', 'experiments that taught something (Ωp), asymm.knowledge()', 'sample', NULL, NULL),
    ('score.knowledge', 'a day', 'gauge', 'growth of knowledge (dK/dt), asymm.knowledge()', 'sample', NULL, NULL),
    ('replay.count', 'replays', 'counter', 'statements of the past run again (ψ)', 'sample', NULL, NULL),
    ('replay.taught', 'replays', 'counter', 'those that ran to their end', 'sample', NULL, NULL),
    ('replay.latency_ms', 'ms', 'gauge', 'time of a replay (node query:id)', 'sample', NULL, NULL),
    ('query.calls', 'calls', 'counter', 'pg_stat_statements, the 500 costliest (node query:id)', 'query', NULL, NULL),
    ('query.exec_ms', 'ms', 'counter', 'pg_stat_statements', 'query', NULL, NULL),
    ('query.rows', 'rows', 'counter', 'pg_stat_statements', 'query', NULL, NULL),
    ('query.mean_ms', 'ms', 'ratio', 'time a call', 'query', '{query.exec_ms}', '{query.calls}'),
    ('table.written', 'rows', 'counter', 'pg_stat_user_tables: inserted, updated, deleted (node entity:schema.table); eight days',
     'table', NULL, NULL),
    ('table.scans', 'scans', 'counter', 'pg_stat_user_tables: sequential scans; eight days', 'table', NULL, NULL),
    ('table.index_scans', 'scans', 'counter', 'pg_stat_user_tables; eight days', 'table', NULL, NULL)
ON CONFLICT (name) DO UPDATE
   SET unit = EXCLUDED.unit, kind = EXCLUDED.kind, source = EXCLUDED.source, store = EXCLUDED.store, numerator = EXCLUDED.numerator,
       denominator = EXCLUDED.denominator;

CREATE OR REPLACE FUNCTION asymm._require_metric(name text) RETURNS asymm.metric
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name constant text := asymm._require_text($1, 'metric');
    v_metric asymm.metric;
BEGIN
    SELECT m.* INTO v_metric FROM asymm.metric AS m WHERE m.name = v_name;
    IF v_metric IS NULL THEN
        RAISE EXCEPTION 'metric "%" does not exist', v_name
            USING ERRCODE = 'undefined_object',
                  DETAIL = format('Nearest are: %s.', (SELECT string_agg(n.name, ', ')
                             FROM (SELECT m.name FROM asymm.metric AS m ORDER BY asymm._likeness(v_name, m.name) DESC, m.name LIMIT 3) AS n)),
                  HINT = 'SELECT metric, unit, source FROM asymm.metrics';
    END IF;
    RETURN v_metric;
END
$$;
COMMENT ON FUNCTION asymm._require_metric(text) IS 'A row of the catalogue; raises 42704 with the nearest names.';
