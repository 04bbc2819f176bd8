-- Room 700 by itself: findings, series, latency.
BEGIN;
SELECT plan(58);

CREATE ROLE tap_reader IN ROLE asymm_reader;
CREATE ROLE tap_operator IN ROLE asymm_operator;

-- findings
SELECT is(asymm._find('contract', 'a', 'warning', 'query:1', 'one scan', '{"rows": 5, "statement": "SELECT 7"}'),
          asymm._find('contract', 'a', 'warning', 'query:1', 'one scan', '{"rows": 5, "statement": "SELECT 7"}'), 'the same key is one finding');
SELECT ok(asymm._find('contract', 'b', 'critical', '*', 'worse') > 0, 'another key is another');
SELECT ok(asymm._find('graph', 'a', 'info', '*', 'of another sonar') > 0, 'and another sonar');
SELECT ok(asymm._find('contract', 'c/x', 'info', '*', 'x', NULL, 'SELECT 1', 'do that') > 0, 'evidence may be missing');
SELECT results_eq('SELECT sonar, key FROM asymm.findings', $$VALUES ('contract', 'b'), ('contract', 'a'), ('graph', 'a'), ('contract', 'c/x')$$,
                  'the worst first');
SELECT is(asymm._find('contract', 'a', 'critical', 'query:1', 'two scans'), (SELECT id FROM asymm.findings WHERE (sonar, key) = ('contract', 'a')),
          'it may change');
SELECT is((SELECT (severity, seen, times)::text FROM asymm.findings WHERE (sonar, key) = ('contract', 'a')), '(critical,"two scans",1)',
          'what was seen last stands there');
SELECT is(asymm._close_findings('contract', '{}', 'c/'), 1::bigint, 'one part of a sonar''s findings closes by itself');
SELECT is(asymm._close_findings('contract', '{a}'), 1::bigint, 'what is seen no more closes');
SELECT set_eq('SELECT sonar, key FROM asymm.findings', $$VALUES ('contract', 'a'), ('graph', 'a')$$, 'the rest remains');
SELECT is(asymm._find('contract', 'b', 'info', '*', 'again'), (SELECT id FROM asymm.finding_history WHERE key = 'b'),
          'what comes back within the hour is the same');
SELECT is((SELECT times FROM asymm.findings WHERE key = 'b'), 2, 'and counted');
UPDATE asymm.finding SET closed_at = now() - interval '61 min' WHERE key = 'c/x';
SELECT isnt(asymm._find('contract', 'c/x', 'info', '*', 'x', '{"statement": "SELECT 7", "rows": 1}'),
            (SELECT min(id) FROM asymm.finding WHERE key = 'c/x'), 'later it is a new one');
SELECT throws_ok('SELECT asymm._find(''contract'', ''d'', ''bad'', ''*'', ''x'')', '23514', NULL, 'severity');
SET ROLE tap_operator;
SELECT is((SELECT evidence FROM asymm.findings WHERE key = 'c/x'), '{"rows": 1, "statement": "SELECT 7"}', 'an operator sees statements');
SET ROLE tap_reader;
SELECT is((SELECT evidence FROM asymm.findings WHERE key = 'c/x'), '{"rows": 1}', 'a reader sees figures');
SELECT throws_ok('SELECT asymm._find(''contract'', ''d'', ''info'', ''*'', ''x'')', '42501', NULL, 'a reader reports nothing');
RESET ROLE;
-- series: counters are differences, gauges are averaged
SELECT throws_ok($$SELECT asymm._record('score.uxx', '*', 1)$$, '42704', 'metric "score.uxx" does not exist', 'unknown metric');
SELECT throws_ok($$SELECT asymm._record('effort.share', '*', 1)$$, '22023', NULL, 'a ratio is not recorded');
SELECT is(asymm._record('score.ux', 'query:1', 'NaN'), false, 'what is no number is not recorded');
SELECT is(asymm._record('score.ux', 'query:1', NULL), false, 'nor what is missing');
SELECT is(asymm._record('score.ux', 'query:1', 0.4), true, 'a figure');
SELECT is(asymm._record_all('score.ux', '{query:1,query:2}', '{0.6,1}'), 2::bigint, 'many at once');
UPDATE asymm.organ_state SET runs = 10, total_ms = 100 WHERE name = 'advice';
SELECT lives_ok('SELECT asymm._observe_telemetry()', 'the first look');
-- The clock of this test stands still, and a minute may turn.
UPDATE asymm.telemetry_state SET sampled_at = sampled_at - interval '2 min';
UPDATE asymm.sample SET at = at - interval '2 min', slot = (asymm._sample_part('minute', at - interval '2 min')).slot;
SELECT is_empty($$SELECT * FROM asymm.series('organ.runs')$$, 'it only learns where counters stand');
SELECT results_eq($$SELECT value, min, max, count FROM asymm.series('score.ux', node => 'query:1')$$,
                  $$VALUES (0.5::float8, 0.4::float8, 0.6::float8, 2::bigint)$$, 'mean, extremes and count of a gauge');
SELECT is((SELECT round(value::numeric, 3)::text || '/' || count FROM asymm.series('score.ux')), '0.667/3', 'of all nodes');
SELECT ok((SELECT value > 1e6 FROM asymm.series('database.size')), 'the size of the database');
UPDATE asymm.organ_state SET runs = 14, total_ms = 160 WHERE name = 'advice';
UPDATE asymm.telemetry_state SET sampled_at = sampled_at + interval '10 min';
SELECT lives_ok('SELECT asymm._observe_telemetry()', 'within the same minute');
SELECT is_empty($$SELECT * FROM asymm.series('organ.runs')$$, 'nothing is written twice');
UPDATE asymm.telemetry_state SET sampled_at = sampled_at - interval '10 min';
SELECT lives_ok('SELECT asymm._observe_telemetry()', 'a minute later');
UPDATE asymm.telemetry_state SET sampled_at = sampled_at - interval '2 min';
UPDATE asymm.sample SET at = at - interval '2 min', slot = (asymm._sample_part('minute', at - interval '2 min')).slot;
SELECT is((SELECT sum(value) FROM asymm.series('organ.runs', node => 'organ:advice')), 4::float8, 'a counter counts what was added');
SELECT is((SELECT value FROM asymm.series('organ.mean_ms', node => 'organ:advice')), 15::float8, 'a ratio');
SELECT is((SELECT value FROM asymm.series('effort.share', node => 'regime:exploration')), 1::float8, 'over that of all where the node has none');
UPDATE asymm.organ_state SET runs = 3 WHERE name = 'advice';
DO $$BEGIN PERFORM asymm._observe_telemetry(); END$$;
UPDATE asymm.telemetry_state SET sampled_at = sampled_at - interval '2 min';
UPDATE asymm.sample SET at = at - interval '2 min', slot = (asymm._sample_part('minute', at - interval '2 min')).slot;
SELECT is((SELECT sum(value) FROM asymm.series('organ.runs', node => 'organ:advice', bucket => '1 min')), 7::float8, 'one that fell began anew');
SELECT throws_ok($$SELECT * FROM asymm.series('organ.rums')$$, '42704', 'metric "organ.rums" does not exist', 'a slip');
SELECT throws_ok($$SELECT * FROM asymm.series(NULL)$$, '22004', NULL, 'no metric');
SELECT throws_ok(format('SELECT * FROM asymm.series(''organ.ms'', %s)', arguments), '22023', NULL, arguments)
  FROM (VALUES ('now(), now()'), ('''-infinity'''), ('bucket => ''0'''), ('bucket => ''1 month'''),
               ('now() - interval ''1 year'', bucket => ''1 s''')) AS t (arguments);

-- rolled up, the figures stay the same
DELETE FROM asymm.sample;
INSERT INTO asymm.sample_series (metric, node) VALUES ('beat.count', 'loop:a'), ('beat.count', 'loop:b');
CREATE TEMP TABLE made AS
    SELECT t.at, s.id, s.node, random() * 100 AS value
      FROM generate_series(date_bin('1 hour', now(), '2000-01-01 00:00:00+00') - interval '3 hours',
                           date_bin('1 min', now(), '2000-01-01 00:00:00+00') - interval '1 min', '1 min') AS t (at)
     CROSS JOIN (SELECT id, node FROM asymm.sample_series WHERE metric = 'beat.count') AS s
     WHERE s.node = 'loop:a' OR EXTRACT(minute FROM t.at)::integer % 7 = 0;
INSERT INTO asymm.sample
SELECT (asymm._sample_part('minute', m.at)).slot, 'beat', m.at, array_agg(m.id ORDER BY m.id), array_agg(m.value ORDER BY m.id)
  FROM made AS m GROUP BY m.at;
UPDATE asymm.telemetry_state SET (quarters_until, hours_until) = (SELECT min(m.at), min(m.at) FROM made AS m);
SELECT lives_ok('SELECT asymm._roll_up()', 'rolled up');
SELECT ok((SELECT count(*) FROM asymm.sample WHERE slot >= 20) >= 3 AND (SELECT count(*) FROM asymm.sample WHERE slot BETWEEN 10 AND 19) >= 12,
          'quarters and hours');
SELECT results_eq(format('SELECT sum(value)::numeric(20,6), min(min), max(max), sum(count) FROM asymm.series(''beat.count'', now() - interval %L%s)',
                         back, COALESCE(format(', node => %L', n.node), '')),
                  format('SELECT sum(value)::numeric(20,6), min(value), max(value), count(*)::numeric FROM made WHERE node = %L OR %L IS NULL',
                         n.node, n.node), format('%s of %s', back, COALESCE(n.node, 'all')))
  FROM (VALUES ('4 hours'), ('5 days'), ('40 days')) AS b (back) CROSS JOIN (VALUES ('loop:b'), (NULL)) AS n (node);
SELECT lives_ok('SELECT asymm._purge_telemetry()', 'purged');
SELECT ok((SELECT count(*) > 40 AND bool_and(step > '0') FROM asymm.metrics), 'the catalogue');
SELECT ok((SELECT result ~ '^(not installed|is a)' FROM asymm.setup_telemetry() LIMIT 1), 'hypertables, or why not');
SELECT ok((SELECT count(*) > 0 FROM asymm.teardown_telemetry()), 'and back');
SELECT is((SELECT sum(count) FROM asymm.series('beat.count', now() - interval '40 days')), (SELECT count(*) FROM made)::numeric, 'nothing is lost');
SET ROLE tap_reader;
SELECT is(asymm._without_parameters('EXPLAIN SELECT $1 + %s'), 'SELECT ? + ?', 'readers may ask how long drivers'' reads took');
SELECT lives_ok($$SELECT * FROM asymm.series('score.ux', node => 'query:1')$$, 'a reader may look');
SELECT throws_ok($$SELECT asymm._record('score.ux', '*', 1)$$, '42501', NULL, 'and records nothing');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
