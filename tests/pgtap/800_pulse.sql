-- Room 800 by itself: arguments, errors, organs, what beat() and cycle() return, views.
BEGIN;
SELECT plan(64);

CREATE ROLE tap_owner NOLOGIN;
CREATE ROLE tap_reader IN ROLE asymm_reader;
CREATE ROLE tap_operator IN ROLE asymm_operator;
CREATE ROLE tap_stranger;

-- create_actor
SELECT ok((SELECT count(*) FILTER (WHERE result = 'done') >= 10 FROM asymm.create_actor('tap_actor', 'tap_owner')), 'an actor is made');
SELECT is((SELECT array_agg(DISTINCT result) FROM asymm.create_actor('tap_actor', 'tap_owner')), ARRAY['already so'], 'again: nothing to do');
SELECT is((SELECT array_agg(g.rolname ORDER BY 1) FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
            WHERE m.member = 'tap_actor'::regrole), ARRAY['asymm_pulse', 'tap_owner']::name[], 'member of the owner and of asymm_pulse');
SELECT ok((SELECT rolcanlogin AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
             FROM pg_roles WHERE rolname = 'tap_actor'), 'a login without attributes');
SELECT ok((SELECT setconfig @> '{statement_timeout=0,lock_timeout=50ms,idle_session_timeout=0}' FROM pg_db_role_setting s
             JOIN pg_database d ON d.oid = s.setdatabase WHERE setrole = 'tap_actor'::regrole AND datname = current_database()),
          'its time-outs are set in this database');
SELECT is_empty('SELECT * FROM asymm._actor_faults(''tap_actor'')', 'fit');
SELECT throws_ok('SELECT * FROM asymm.create_actor(NULL, ''tap_owner'')', '22004', NULL, 'name is null');
SELECT throws_ok('SELECT * FROM asymm.create_actor('' '', ''tap_owner'')', '22023', NULL, 'name is blank');
SELECT throws_ok('SELECT * FROM asymm.create_actor(''x'', NULL)', '22004', NULL, 'owner is null');
SELECT throws_ok('SELECT * FROM asymm.create_actor(''x'', ''nobody here'')', '42704', 'role "nobody here" does not exist', 'owner unknown');
SELECT throws_ok('SELECT * FROM asymm.create_actor(''tap_owner'', ''tap_owner'')', '22023', NULL, 'the owner itself');
SELECT throws_ok('SELECT * FROM asymm.create_actor(''x'', ''asymm_operator'')', '22023', NULL, 'asymm_operator owns nothing');
SELECT throws_ok('SELECT * FROM asymm.create_actor(''x'', current_user)', 'SY003', NULL, 'a superuser as owner');
SELECT throws_ok('SELECT * FROM asymm.create_actor(''x'', ''asymm_owner'')', 'SY003', NULL, 'asymm_owner as owner');
SELECT throws_ok('SELECT * FROM asymm.create_actor(current_user, ''tap_owner'')', 'SY003', NULL, 'a superuser as actor');
SELECT throws_ok('SELECT * FROM asymm.create_actor(''tap_actor'', ''tap_stranger'')', 'SY003', NULL, 'an actor has one owner');
SET ROLE tap_operator;
SELECT throws_ok('SELECT * FROM asymm.create_actor(''x'', ''tap_owner'')', '42501', 'permission denied to create an actor', 'needs CREATEROLE');
RESET ROLE;

-- start, stop
SELECT throws_ok('SELECT * FROM asymm.start()', 'SY003', 'no actor is named', 'no actor');
SELECT throws_ok('SELECT * FROM asymm.start(''nobody here'')', 'SY003', NULL, 'unknown actor');
SELECT throws_ok('SELECT * FROM asymm.start(current_user)', 'SY003', NULL, 'a superuser is unfit');
SELECT throws_ok('SELECT * FROM asymm.start(''tap_actor'')', 'SY006', NULL, 'pg_cron serves another database');
SELECT throws_ok('SELECT * FROM asymm.stop(''nobody here'')', '42704', 'role "nobody here" does not exist', 'stop: unknown');
SELECT is_empty('SELECT * FROM asymm.stop(''tap_actor'')', 'stop: nothing to stop');

-- pulse
SELECT throws_ok('CALL asymm.pulse()', '2D000', 'asymm.pulse() cannot run in a transaction block or function', 'in a transaction');
SELECT throws_ok('DO $$BEGIN CALL asymm.pulse(); END$$', '2D000', NULL, 'in a DO block within a transaction');
SELECT throws_ok(format('SELECT asymm._check_pulse(%s)', arguments), state, NULL, arguments)
  FROM (VALUES ('NULL, ''fast'', false, true', '22004'), ('''1 s'', NULL, false, true', '22004'), ('''1 s'', ''fast'', NULL, true', '22004'),
               ('''1 s'', ''fast'', false, NULL', '22004'), ('''0'', ''fast'', false, true', '22023'), ('''-1 s'', ''fast'', false, true', '22023'),
               ('''1 us'', ''fast'', false, true', '22023'), ('''10 years'', ''fast'', false, true', '22023'),
               ('''1 s'', ''middle'', false, true', '22023'), ('''1 s'', ''fast'', false, true', 'SY003')) AS t (arguments, state);

-- the period
SELECT is(asymm._period(), 11.0::float8 / 54, 'the default is 11/54 s exactly');
SELECT is(asymm._period('slow'), asymm._period() * 10, 'a cycle is ten beats');
SELECT throws_ok(format('SELECT asymm.configure(period => %L)', period), '22023', NULL, 'period ' || period)
  FROM (VALUES ('0'), ('-1 s'), ('1 us'), ('10 years')) AS t (period);

-- organs
SELECT results_eq('SELECT name, lane, enabled FROM asymm.organs ORDER BY name',
    $$VALUES ('advice', 'slow', true), ('annotator', 'slow', true), ('audit', 'slow', true), ('duplicates', 'slow', true),
             ('encore', 'slow', false),
             ('encore_watch', 'fast', false), ('examples', 'slow', true), ('expectations', 'slow', true),
             ('full_scan', 'slow', true), ('graph', 'slow', true), ('header_scan', 'slow', true), ('housekeeping', 'slow', true),
             ('index_faults', 'slow', true), ('indexes', 'slow', true), ('learning', 'slow', true), ('lineage', 'slow', true),
             ('mirror', 'slow', true), ('plans', 'slow', true), ('queries', 'slow', true), ('rollup', 'slow', true),
             ('sense', 'fast', true), ('sonar', 'slow', true), ('states', 'slow', true), ('tables', 'slow', true),
             ('telemetry', 'slow', true)$$, 'the organs');
SELECT lives_ok('SELECT asymm.configure(full_scan_every => ''2 min'')', 'a cadence by setting');
SELECT is((SELECT cadence FROM asymm.organs WHERE name = 'full_scan'), '2 min'::interval, 'is in force');
SELECT is((SELECT cadence FROM asymm.configure_organ('full_scan', cadence => '3 min')), '3 min'::interval, 'configure_organ goes before it');
SELECT is((SELECT (enabled, cadence)::text FROM asymm.configure_organ('full_scan', false)), '(f,00:03:00)', 'off, cadence kept');
SELECT is((SELECT enabled FROM asymm.configure_organ('full_scan', true)), true, 'on again');
SELECT throws_ok('SELECT * FROM asymm.configure_organ(NULL)', '22004', NULL, 'organ is null');
SELECT throws_ok('SELECT * FROM asymm.configure_organ(''liver'')', '42704', 'organ "liver" does not exist', 'organ unknown');
SELECT throws_ok('SELECT * FROM asymm.configure_organ(''sense'', cadence => ''-1 s'')', '22023', NULL, 'cadence negative');
SELECT throws_ok('SELECT * FROM asymm.configure_organ(''sense'', cadence => ''1 year'')', '22023', NULL, 'cadence too long');

-- by hand
SELECT is(asymm.beat() ->> 'lane', 'fast', 'beat() returns what it did');
SELECT ok(asymm.cycle() -> 'organs' ?& '{full_scan,header_scan,housekeeping,queries,tables,examples}', 'cycle() runs every organ of the slow lane');
CREATE TABLE tap_item (id integer PRIMARY KEY);
SELECT lives_ok('SELECT * FROM asymm.watch(''tap_item'')', 'watched');
SELECT is(asymm.beat() -> 'drifts', '0', 'nothing has changed');
SELECT results_eq('SELECT runs > 0, failures FROM asymm.organs WHERE name = ''sense''', 'VALUES (true, 0::bigint)', 'and is booked');

-- merging, announcing
SELECT is(asymm._merge_seen('{"objects":["b","a"],"drifts":1}', '{"objects":["a"],"drifts":2,"adopted":1}'),
          '{"objects":["a","b"],"drifts":3,"adopted":1,"actions":0}'::jsonb, 'reports are joined');
SELECT is(asymm._merge_seen(NULL, '{"drifts":1}'), '{"drifts":1}'::jsonb, 'nothing and something');
SELECT lives_ok($$SELECT asymm._announce(asymm._beat_report('fast', 1, now(),
    jsonb_build_object('objects', (SELECT jsonb_agg(repeat('x', 60)) FROM generate_series(1, 500))), NULL))$$, 'a long report is cut, not refused');

-- a reader sees, and can do nothing
SET ROLE tap_reader;
SELECT lives_ok('SELECT * FROM asymm.heartbeat', 'reader: heartbeat');
SELECT lives_ok('SELECT * FROM asymm.organs', 'reader: organs');
SELECT is_empty('SELECT * FROM asymm.doctor() WHERE seen LIKE ''could not be%''', 'reader: doctor');
SELECT throws_ok('SELECT asymm.beat()', '42501', NULL, 'reader: no beat');
SELECT is(asymm._setting_of('primary_conninfo'), NULL, 'reader: no setting that may hold a password');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
