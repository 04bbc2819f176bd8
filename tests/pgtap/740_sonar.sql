-- The sonars: refusals, formulas against known values, who may ask, and that every promise is measured or says why not.
BEGIN;
SELECT plan(32);

CREATE ROLE tap_reader IN ROLE asymm_reader;

SELECT throws_ok(format('SELECT * FROM asymm.%s', call), state, NULL, call)
  FROM (VALUES ('ux_sonar(NULL)', '22004'), ('ux_sonar(''0'')', '22023'), ('ux_sonar(''8 days'')', '22023'),
               ('ux_sonar(''-1 h'')', '22023'), ('ux_sonar(by => NULL)', '22004'), ('ux_sonar(by => ''colour'')', '22023'),
               ('ux_ping(NULL)', '22004'),
               ('ux_echo(NULL)', '22004'),
               ('semantic_sonar(NULL)', '22004'), ('semantic_sonar(by => ''role'')', '22023'), ('semantic_sonar(by => NULL)', '22004'),
               ('explain_score(NULL)', '22004'), ('explain_score(''joy'')', '42704'), ('validate(NULL)', '22004'), ('validate(''1 s'')', '22023'),
               ('health(NULL)', '22004'), ('balance(NULL)', '22004'), ('sonar(NULL)', '22004')) AS c (call, state);

-- formulas
SELECT ok(abs(asymm._normal_share(1.959963984540054) - 0.975) < 1e-6 AND abs(asymm._normal_share(-8)) < 1e-7 AND asymm._normal_share(50) = 1,
          'the normal distribution');
SELECT ok(abs(o.p50 - 10) < 1e-6 AND abs(o.p99 - 10) < 1e-6 AND (o.share, o.time_share) = (0, 0), 'times without deviation under budget')
  FROM asymm._lognormal(10, 0, 100) AS o;
SELECT is((o.share, o.time_share)::text, '(1,1)', 'and over it') FROM asymm._lognormal(101, 0, 100) AS o;
-- A lognormal of mean 50 and deviation 50: sigma² = ln 2, mu = ln 50 − ln 2 / 2; P(x > 100) = 1 − Φ(1.2488), 10.6 % of calls and 33.9 % of time.
SELECT ok((SELECT abs(share - 0.1059) < 0.0005 AND abs(time_share - 0.3385) < 0.0005 FROM asymm._lognormal(50, 50, 100)), 'a lognormal');
SELECT ok(asymm._promise(4.93, 'about', 4.909) AND NOT asymm._promise(5, 'about', 4.909) AND asymm._promise(1, 'at least', 1)
          AND NOT asymm._promise(2, 'at most', 1) AND asymm._promise(NULL, 'at most', 1) IS NULL, 'promises are compared');

-- Nothing was measured: nothing is made up.
SELECT is((SELECT (shm, cardinality(not_measured))::text FROM asymm.health()), '(,3)', 'no health out of nothing');
SELECT is((SELECT (score, cardinality(not_measured))::text FROM asymm.balance()), '(,3)', 'and no balance');
SELECT is_empty('SELECT * FROM asymm.validate() WHERE measured IS NULL AND (met IS NOT NULL OR note IS NULL)', 'what was not measured says why');

-- Even health is at the centre.
CREATE TABLE public.seen (id int PRIMARY KEY, state text);
INSERT INTO public.seen SELECT n, 'on' FROM generate_series(1, 10) AS n;
SELECT asymm.watch('public.seen', annotation => '{"symbol": "dataEntity", "scope": "local", "regime": "Balance", "cost": "O(log n)",
                                                  "lineage": ["create"]}'::jsonb::asymm.annotation);
SELECT * FROM asymm.track_state('public.seen');
SELECT asymm._observe_states(), asymm._tend_graph();
INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement) VALUES (1, 10, true, 'select', 'SELECT 1');
INSERT INTO asymm.query_load (slot, at, query_id, calls, exec_ms, rows, blocks_hit, blocks_read, blocks_dirtied, temp_blocks, wal_bytes, exec_squares)
SELECT w.slot, w.at, q.id, 10, 10, 10, 0, 0, 0, 0, 0, 10 FROM asymm._load_slot() AS w, asymm.query AS q;
SELECT is((SELECT (score, health, distance)::text FROM asymm.balance()), '(100,1,0)', 'even health scores 100');
SELECT is((SELECT sum(adds) FROM asymm.explain_score('shm')), (SELECT shm FROM asymm.health()), 'the terms add up to the score');
INSERT INTO public.seen SELECT n, 'x' FROM generate_series(20, 300) AS n;
UPDATE public.seen SET state = 'y' || id;
UPDATE asymm.state_look SET at = at - interval '1 min';
SELECT asymm._observe_states();
SELECT ok((SELECT score < 97 AND health < 1 FROM asymm.balance()), 'uneven health is away from it');
SELECT asymm._sonar_round();
SELECT ok((SELECT count(*) = 1 FROM asymm.sonar() WHERE severity IS NOT NULL), 'one finding');
SET ROLE tap_reader;
SELECT ok((SELECT count(*) >= 25 FROM asymm.validate()), 'a reader may ask for every promise');
SELECT lives_ok('SELECT * FROM asymm.sonar(), asymm.leverage(), asymm.effort', 'and for the rest');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
