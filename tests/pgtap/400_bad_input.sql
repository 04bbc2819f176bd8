-- Bad input to every public function of the rooms 000 to 440: SQLSTATE, detail, hint; never a silent wrong.
\set QUIET 1
SELECT no_plan();

-- What a call raises: its SQLSTATE, then whether the message is lower case, and detail and hint are there.
CREATE FUNCTION pg_temp.raised(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_message text;
    v_detail text;
    v_hint text;
BEGIN
    EXECUTE query;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL, v_hint =
        PG_EXCEPTION_HINT;
    RETURN SQLSTATE || CASE WHEN v_message !~ '^[a-z"]' OR v_message ~ '\.$' THEN ' message: ' || v_message
        ELSE '' END
           || CASE WHEN v_detail = '' THEN ' no detail' ELSE '' END || CASE WHEN v_hint = '' THEN ' no hint'
               ELSE '' END
           || CASE WHEN SQLSTATE = '22004' THEN ' ' || substring(v_message FROM '"([a-z_]+)"') ELSE '' END;
END
$$;

CREATE SCHEMA s;
CREATE TABLE s.t (a int PRIMARY KEY, b text DEFAULT 'x', n serial);
CREATE TABLE s.unwatched (a int);
CREATE VIEW s.v AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS a;
CREATE SEQUENCE s.q;
CREATE FUNCTION s.g() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE s.c AS (a int);
CREATE TABLE s.parted (a int) PARTITION BY LIST (a);
CREATE TABLE s.part PARTITION OF s.parted FOR VALUES IN (1);
CREATE INDEX i ON s.t (b);
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER there FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE s.f (a int) SERVER there;
CREATE TEMP TABLE temporary (a int);
CREATE TABLE s.dropped (a int);
SELECT 's.dropped'::regclass::oid AS dropped \gset
DROP TABLE s.dropped;
SELECT count(*) FROM asymm.watch('s.t');
SELECT asymm._process_ddl();

-- NULL for each argument (B1): the name of the argument, or a documented meaning.
SELECT is(pg_temp.raised(query), expected, query) FROM (VALUES
    ('SELECT asymm.watch(NULL)', '22004 target'),
    ('SELECT asymm.watch(''s.t'', NULL)', '22004 policy'),
    ('SELECT asymm.watch(''s.t'', ''propose'', NULL)', 'nothing'),
    ('SELECT asymm.watch_schema(NULL)', '22004 schema'),
    ('SELECT asymm.watch_schema(''s'', NULL)', '22004 policy'),
    ('SELECT asymm.unwatch(NULL)', '22004 target'),
    ('SELECT asymm.unwatch_schema(NULL)', '22004 schema'),
    ('SELECT asymm.adopt(NULL)', '22004 target'),
    ('SELECT asymm.adopt(''s.t'', NULL)', 'nothing'),
    ('SELECT asymm.heal(NULL)', '22004 target'),
    ('SELECT asymm.heal(''s.t'', NULL)', '22004 dry_run'),
    ('SELECT asymm.heal(''s.t'', false, NULL)', '22004 allow_data_loss'),
    ('SELECT asymm.approve(NULL)', '22004 action'),
    ('SELECT asymm.reject(NULL)', '22004 action'),
    ('SELECT asymm.revert(NULL)', '22004 action'),
    ('SELECT asymm.revert(1, NULL)', '22004 dry_run'),
    ('SELECT asymm.revert(1, false, NULL)', '22004 allow_data_loss'),
    ('SELECT * FROM asymm.action_history(NULL)', '22004 action'),
    ('SELECT asymm.fingerprint(NULL)', '22004 target'),
    ('SELECT asymm.fingerprint_schema(NULL)', '22004 schema'),
    ('SELECT asymm.pause(NULL)', '22004 reason'),
    ('SELECT asymm.configure(NULL, NULL, NULL)', 'nothing'),
    ('SELECT asymm.annotate(NULL)', '22023'),
    ('SELECT asymm.annotation(NULL)', 'nothing'),
    ('SELECT asymm.annotation_json(NULL)', 'nothing')) AS x (query, expected);

-- Policies by rule.
SELECT is(pg_temp.raised(query), expected, query) FROM (VALUES
    ('SELECT asymm.set_policy(NULL)', '22004 policy'),
    ('SELECT asymm.set_policy(''destroy'')', '22023'),
    ('SELECT asymm.set_policy(''heal'', '''')', '22023'),
    ('SELECT asymm.set_policy(''heal'', E'' \n'')', '22023'),
    ('SELECT asymm.set_policy(''heal'', ''a\'')', '22023'),
    ('SELECT asymm.set_policy(''heal'', ''a\\\'')', '22023'),
    ('SELECT asymm.set_policy(''heal'', repeat(''x'', 1001))', '22023'),
    ('SELECT asymm.set_policy(''heal'', repeat(''ü'', 501))', '22023'),
    ('SELECT asymm.set_policy(''heal'', NULL, ''index'')', '22023'),
    ('SELECT asymm.set_policy(''heal'', NULL, ''Table'')', '22023'),
    ('SELECT asymm.set_policy(''heal'', hazard => ''data loss'')', '22023'),
    ('SELECT asymm.set_policy(''heal'', hazard => '''')', '22023'),
    ('SELECT asymm.set_policy(''heal'', larger_than => -1)', '22023'),
    ('SELECT asymm.set_policy(''heal'', kind => ''view'', larger_than => 1)', '22023'),
    ('SELECT asymm.set_policy(''guard'', hazard => ''deletes data'')', '22023'),
    ('SELECT asymm.set_policy(''guard'', larger_than => 1)', '22023'),
    ('SELECT asymm.unset_policy(NULL)', '22004 id'),
    ('SELECT asymm.unset_policy(0)', '42704'),
    ('SELECT asymm.unset_policy(-9223372036854775808)', '42704'),
    ('SELECT asymm.policy_for(NULL)', '22004 target'),
    ('SELECT asymm.policy_for('' '')', '22023'),
    ('SELECT asymm.policy_for(''s.nowhere'')', '42P01'),
    ('SELECT asymm.policy_for(''s.unwatched'')', 'SY001'),
    ('SELECT asymm.policy_for(''s.f(integer)'')', '42704')) AS x (query, expected);

-- Empty, blank and impossible names (B2, B3).
SELECT is(pg_temp.raised(format('SELECT asymm.%s(%L)', f, name)), '22023', format('%s(%L)', f, name))
  FROM unnest(ARRAY['unwatch', 'adopt', 'heal']) AS f,
       unnest(ARRAY['', ' ', E'\t\n', 'a.b.c', '"a', 'a"b', '."', '.', 'a.', repeat('x', 64), 's.' ||
           repeat('ü', 32), '1a', 'a b',
                    't; DROP TABLE s.t', '(SELECT 1)']) AS name;
SELECT is(pg_temp.raised(format('SELECT asymm.%s(%L)', f, name)), '22023', format('%s(%L)', f, name))
  FROM unnest(ARRAY['watch_schema', 'fingerprint_schema', 'unwatch_schema', 'pause']) AS f, unnest(ARRAY['',
      ' ', E'\n']) AS name;

-- What is not there, and what cannot be watched (B7, B8).
SELECT is(pg_temp.raised(query), expected, query) FROM (VALUES
    ('SELECT asymm.heal(''s.nowhere'')', '42P01'),
    ('SELECT asymm.unwatch(''nowhere'')', '42P01'),
    ('SELECT asymm.adopt(''"S"."T"'')', '42P01'),
    ('SELECT asymm.heal(''view s.nowhere'')', '42P01'),
    ('SELECT asymm.heal(''s.f(integer)'')', '42704'),
    ('SELECT asymm.heal(''function s.f(integer)'')', '42704'),
    ('SELECT asymm.heal(''type s.c'')', '42704'),
    ('SELECT asymm.heal(''cast (s.c AS text)'')', '42704'),
    ('SELECT asymm.heal(''s.g'')', 'SY001'),
    ('SELECT asymm.heal(''s.g()'')', 'SY001'),
    ('SELECT asymm.unwatch_database()', 'SY001'),
    ('SELECT asymm.watch_database(''destroy'')', '22023'),
    ('SELECT asymm.watch_database(NULL)', '22004 policy'),
    ('SELECT asymm.heal(''s.unwatched'')', 'SY001'),
    ('SELECT asymm.unwatch(''unwatched'')', 'SY001'),
    ('SELECT asymm.unwatch_schema(''s'')', 'SY001'),
    ('SELECT asymm.watch_schema(''nowhere'')', '3F000'),
    ('SELECT asymm.fingerprint_schema(''nowhere'')', '3F000'),
    ('SELECT asymm.watch_schema(''pg_catalog'')', '42809'),
    ('SELECT asymm.watch_schema(''information_schema'')', '42809'),
    ('SELECT asymm.watch_schema(''asymm'')', '42809'),
    ('SELECT asymm.watch_schema(''pg_toast'')', '42809'),
    ('SELECT asymm.approve(999999)', '42704'),
    ('SELECT asymm.reject(-1)', '42704'),
    ('SELECT asymm.revert(0)', '42704'),
    ('SELECT * FROM asymm.action_history(0)', '42704'),
    ('SELECT asymm.watch(''s.t'', ''destroy'')', '22023'),
    ('SELECT asymm.watch(''s.t'', ''HEAL'')', '22023'),
    ('SELECT asymm.watch(''s.t'', '''')', '22023'),
    ('SELECT asymm.watch_schema(''s'', ''heal '')', '22023'),
    ('SELECT asymm.watch(''s.t'', ''heal'', ROW('''', ''local'', ''Balance'', ''O(1)'', ''{}'', 1)::asymm.annotation)', '22023'),
    (format('SELECT asymm.watch(%s)', :dropped), '42P01'),
    ('SELECT asymm.watch(0)', '42P01'),
    ('SELECT asymm.configure(migrator_roles => ''{nobody_at_all}'')', '42704')) AS x (query, expected);
SELECT is(pg_temp.raised(format('SELECT asymm.%s(%L)', f, kind)), '42809', format('%s of %s', f, kind))
  FROM unnest(ARRAY['watch', 'fingerprint']) AS f,
       unnest(ARRAY['s.t_n_seq', 's.c', 's.i', 'pg_class', 'information_schema.sql_features',
           'asymm.baseline',
                    'asymm.drift', 'temporary', (SELECT reltoastrelid::regclass::text FROM pg_class WHERE oid
                        = 's.t'::regclass)]) AS kind;
SELECT is((SELECT array_agg(w.kind) FROM unnest(ARRAY['s.v', 's.m', 's.q', 's.f']) AS o (name), asymm.watch(o.name::regclass) AS w),
    ARRAY['view', 'materialized view', 'sequence', 'foreign table'], 'relations of every other kind can be watched');
SELECT is((SELECT count(*)::int FROM asymm.watch('s.parted')), 1, 'a partitioned table can be watched');
SELECT is((SELECT count(*)::int FROM asymm.watch('s.part')), 1, 'and a partition');

-- Settings (B14): each bound holds, nothing is changed by a refusal.
SELECT is(pg_temp.raised(format('SELECT asymm.configure(%s)', argument)), '22023', argument)
  FROM unnest(ARRAY['period => ''0''', 'period => ''-1 s''', 'period => ''1 us''', 'period => ''49 ms''',
      'period => ''10 years''',
                    'notify => ''always''', 'notify => ''''', 'header_scan_every => ''0''',
                        'full_scan_every => ''1 s''',
                    'lock_timeout => ''1 ms''', 'max_actions_per_hour => -1', 'max_table_bytes => -1',
                        'relapse_limit => 1',
                    'relapse_window => ''0''', 'statement_chars => -1', 'retention => ''1 s''',
                        'weight_exploration => 0.9',
                    'weight_stabilization => ''NaN''', 'weight_optimization => -0.2',
                        'migrator_roles => ARRAY[NULL]::name[]',
                    'migrator_applications => ARRAY[''a'', NULL]', 'migrator_applications => ARRAY['''']'])
                        AS argument;
SELECT results_eq('SELECT * FROM asymm.settings', 'SELECT * FROM asymm._setting_default',
    'no refused setting was kept');
SELECT is(pg_temp.raised(format('SELECT asymm.configure(%s)', argument)), 'nothing', argument)
  FROM unnest(ARRAY['period => ''50 ms''', 'period => ''1 h''', 'max_actions_per_hour => 0',
      'statement_chars => 0',
                    'weight_exploration => 0.2, weight_optimization => 0.3']) AS argument;
DELETE FROM asymm.setting;
SELECT is((SELECT period FROM asymm.settings), interval '203.7037 ms',
    'a settings row that was deleted leaves the defaults (B15)');

-- Where it is called (B19).
BEGIN READ ONLY;
SELECT is(pg_temp.raised(query), '25006 no detail no hint', query || ' in a read-only transaction')
  FROM unnest(ARRAY['SELECT asymm.watch(''s.t'')', 'SELECT asymm.adopt(''s.t'')',
      'SELECT asymm.configure(notify => ''off'')',
                    'SELECT asymm.unwatch(''s.t'')', 'SELECT asymm.heal(''s.t'')']) AS query;
SELECT is((SELECT count(*)::int FROM asymm.heal('s.t', dry_run => true)), 0,
    'a dry run needs no right to write');
SELECT ok(asymm.fingerprint('s.t') IS NOT NULL, 'nor does a fingerprint');
COMMIT;

-- Actions in the wrong state.
ALTER TABLE s.t ALTER b DROP DEFAULT;
SELECT asymm._process_ddl();
SELECT max(id) AS action FROM asymm.actions \gset
SELECT is(pg_temp.raised(format('SELECT asymm.revert(%s)', :action)), 'SY005',
    'a proposal cannot be taken back');
SELECT is((SELECT state FROM asymm.reject(:action, 'no')), 'rejected', 'rejected');
SELECT is(pg_temp.raised(format('SELECT asymm.%s(%s)', f, :action)), 'SY005', f || ' of what was rejected')
  FROM unnest(ARRAY['approve', 'reject', 'revert']) AS f;
SELECT asymm._scan_all();
SELECT is((SELECT count(*)::int FROM asymm.actions WHERE state = 'proposed'), 0,
    'what was rejected is not proposed again by itself');
SELECT is((SELECT string_agg(DISTINCT state, ',') FROM asymm.heal('s.t')), 'verified',
    'but can be asked for');
SELECT max(id) AS healed FROM asymm.actions WHERE state = 'verified' \gset
ALTER TABLE s.t ALTER b SET DEFAULT 'z';
SELECT is(pg_temp.raised(format('SELECT asymm.revert(%s)', :healed)), 'SY008',
    'what changed since is not taken back over');
SELECT asymm.pause('maintenance');
SELECT is(pg_temp.raised(query), 'SY004', query || ' while paused')
  FROM unnest(ARRAY['SELECT asymm.heal(''s.t'')', format('SELECT asymm.approve(%s)', :action)]) AS query;
SELECT asymm.resume();

-- Two tables of one name.
CREATE SCHEMA z;
CREATE TABLE z.t (a int);
SELECT count(*) FROM asymm.watch('z.t');
SELECT is(pg_temp.raised('SELECT asymm.heal(''t'')'), '42725', 'an ambiguous name is said to be one');
DROP TABLE z.t;
SELECT asymm._process_ddl();
SELECT is((SELECT count(*)::int FROM asymm.unwatch('z.t')), 1, 'a table that is gone can still be let go');
SELECT * FROM finish();
