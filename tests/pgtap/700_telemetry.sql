-- Room 700 by itself: findings, series, latency.
BEGIN;
SELECT plan(17);

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
SELECT * FROM finish();
ROLLBACK;
