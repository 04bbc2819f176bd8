-- Complexity classes of plans, expectations, and bad input to both.
\set QUIET 1
SELECT no_plan();

CREATE FUNCTION pg_temp.raised(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
    v_hint text;
BEGIN
    EXECUTE query;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || CASE WHEN SQLERRM !~ '^[a-z"]' OR SQLERRM ~ '\.$' THEN ' message: ' || SQLERRM ELSE '' END
           || CASE WHEN v_detail = '' THEN ' no detail' ELSE '' END || CASE WHEN v_hint = '' THEN ' no hint' ELSE '' END;
END
$$;

CREATE SCHEMA s;
CREATE TABLE s.t (id int PRIMARY KEY, a int, b text);
INSERT INTO s.t SELECT g, g % 5, 'x' || g FROM generate_series(1, 20000) AS g;
SELECT pg_stat_force_next_flush();
CREATE TABLE s.empty (id int PRIMARY KEY, a int);
ANALYZE s.t;

SELECT is(pg_temp.raised(query), expected, query) FROM (VALUES
    ('SELECT asymm.observe_cost(NULL)', '22004'),
    ('SELECT asymm.observe_cost('' '')', '22023'),
    ('SELECT asymm.observe_cost(NULL::bigint)', '22004'),
    ('SELECT asymm.observe_cost(0)', '42704'),
    ('SELECT asymm.observe_cost(-9223372036854775808)', '42704'),
    ('SELECT asymm.assert_cost(NULL, ''O(n)'')', '22004'),
    ('SELECT asymm.assert_cost(''SELECT 1'', NULL)', '22004'),
    ('SELECT asymm.assert_cost(''SELECT 1'', ''O(n^1.5)'')', '22023'),
    ('SELECT asymm.assert_cost(''SELECT * FROM s.t'', ''o(log N)'')', 'SY015'),
    ('SELECT asymm.assert_cost(''SELECT * FROM s.t WHERE id = $1'', ''o(log N)'')', 'nothing'),
    ('SELECT asymm.assert_cost(''SELECT 1; SELECT 2'', ''O(n)'')', 'SY016'),
    ('SELECT asymm.assert_cost(''DROP TABLE s.t'', ''O(n)'')', 'SY016'),
    ('SELECT asymm.assert_cost(''SELECT * FROM s.t'', ''O(n)'', ''no such schema'')', 'SY016'),
    ('SELECT asymm.expect(NULL)', '22004'),
    ('SELECT asymm.expect(''SELECT 1'')', '22023'),
    ('SELECT asymm.expect(''SELECT 1'', latency => ''0'')', '22023'),
    ('SELECT asymm.expect(''SELECT 1'', latency => ''-1 s'')', '22023'),
    ('SELECT asymm.expect(''SELECT 1'', ''fast'')', '22023'),
    ('SELECT asymm.expect(''VACUUM'', ''O(1)'')', '22023'),
    ('SELECT asymm.expect(''SELECT 1; SELECT 2'', ''O(1)'')', '22023'),
    ('SELECT asymm.expect(0, ''O(1)'')', '42704'),
    ('SELECT asymm.unexpect(NULL)', '22004'),
    ('SELECT asymm.unexpect(0)', '42704')) AS v (query, expected);
SELECT is((SELECT count(*) FROM asymm.expectation), 0::bigint, 'What was refused left nothing');

-- The node to blame, and an index that would help.
SELECT is((SELECT row(o.cost, o.node, o.relation, o.condition, o.remedy)::text FROM asymm.observe_cost('SELECT * FROM s.t WHERE b = $1') AS o),
          '("O(n)","Seq Scan",s.t,"(t.b = $1)","CREATE INDEX ON s.t (b)")', 'A scan is to blame');
SELECT is((SELECT row(o.cost, o.node, o.remedy)::text FROM asymm.observe_cost('SELECT * FROM t WHERE id = $1 AND b = $2', 's') AS o),
          '("O(log n)","Index Scan",)', 'A key; names by the path given');
SELECT is((SELECT o.cost::text
       FROM asymm.observe_cost('SELECT * FROM s.empty WHERE id = 1') AS o), 'O(log n)', 'Of an empty table its index decides');
SELECT is((SELECT o.cost::text FROM asymm.observe_cost('SELECT * FROM s.empty WHERE a = 1') AS o), 'O(n)', 'Where there is none, nothing does');
CREATE TABLE s.child (id int, parent int REFERENCES s.t);
SELECT is((SELECT row(o.cost, o.condition, o.remedy)::text FROM asymm.observe_cost('DELETE FROM s.t WHERE id = $1') AS o),
          '("O(n)","foreign key without an index: s.child (parent)","CREATE INDEX ON s.child (parent)")', 'A DELETE that looks for children');
CREATE INDEX ON s.child (parent);
SELECT is((SELECT o.cost::text FROM asymm.observe_cost('DELETE FROM s.t WHERE id = $1') AS o), 'O(log n)', 'and finds them by an index');
SELECT matches((SELECT o.reason FROM asymm.observe_cost('SELECT * FROM nowhere') AS o), 'nowhere', 'Why there is none');
-- As deep as plans get, and beyond.
SELECT isnt((SELECT (asymm._plan_cost(p.plan) ->> 'cost')::asymm.cost
               FROM (SELECT (repeat('{"Node Type": "Sort", "Plan Rows": 1, "Plans": [', 98) || '{"Node Type": "Result", "Plan Rows": 1}'
                             || repeat(']}', 98))::jsonb AS plan) AS p), NULL, 'A hundred nodes deep');
SELECT matches((SELECT asymm._plan_cost(p.plan) ->> 'reason'
                  FROM (SELECT (repeat('{"Node Type": "Sort", "Plan Rows": 1, "Plans": [', 2000) || '{"Node Type": "Result", "Plan Rows": 1}'
                                || repeat(']}', 2000))::jsonb AS plan) AS p), 'deep', 'Two thousand');

-- Kept, broken, kept again; a finding while it is broken.
SELECT is((SELECT row(e.state, e.seen_cost)::text
       FROM asymm.expect('SELECT * FROM s.t WHERE b = $1;', 'O(log n)') AS e), '(broken,"O(n)")', 'Broken at once');
SELECT is((SELECT count(*) FROM asymm.findings AS f WHERE f.sonar = 'contract' AND f.seen ~ 'Seq Scan on s.t'), 1::bigint, 'It is a finding');
SELECT is((SELECT array_agg(e.node) FROM asymm.broken_expectations AS e), '{Seq Scan}', 'With the node to blame');
CREATE INDEX t_b ON s.t (b);
SELECT asymm._check_expectations();
SELECT is((SELECT row(e.state, e.seen_cost)::text FROM asymm.expectations AS e), '(kept,"O(log n)")', 'Kept with an index');
SELECT is((SELECT count(*) FROM asymm.findings AS f WHERE f.sonar = 'contract'), 0::bigint, 'The finding is closed');
-- What was planned twice on the same basis is planned no more until that changes.
SELECT asymm._check_expectations();
UPDATE asymm.expectation_state SET cost = 'O(1)';
SELECT asymm._check_expectations();
SELECT is((SELECT e.seen_cost FROM asymm.expectations AS e), 'O(1)', 'Nothing changed: not planned again');
UPDATE asymm.expectation_state SET planned_at = planned_at - interval '11 min';
SELECT asymm._check_expectations();
SELECT is((SELECT e.seen_cost FROM asymm.expectations AS e), 'O(log n)', 'After ten minutes it is');
UPDATE asymm.expectation_state SET cost = 'O(1)';
ANALYZE s.t;
SELECT asymm._check_expectations();
SELECT is((SELECT e.seen_cost FROM asymm.expectations AS e), 'O(log n)', 'And when statistics are others');
DROP INDEX s.t_b;
SELECT asymm._check_expectations();
SELECT is((SELECT row(e.state, e.reason)::text FROM asymm.expectations AS e), '(broken,"O(n) instead of O(log n)")', 'Broken without');
SELECT is((SELECT row(e.state, e.cost)::text
       FROM asymm.expect('SELECT * FROM s.t WHERE b = $1', 'O(n)') AS e), '(kept,"O(n)")', 'A second call changes it');
SELECT is((SELECT count(*) FROM asymm.expectation), 1::bigint, 'and makes no other');
ALTER TABLE s.t RENAME TO u;
SELECT asymm._check_expectations();
SELECT matches((SELECT e.state || e.reason FROM asymm.expectations AS e), '^unknown.*does not exist', 'Unknown, and why');
SELECT is((SELECT row(u.state, u.statement)::text FROM asymm.expectations AS e CROSS JOIN LATERAL asymm.unexpect(e.expectation) AS u),
          '(unknown,"SELECT * FROM s.t WHERE b = $1")', 'Taken back');
SELECT is((SELECT count(*) FROM asymm.expectation), 0::bigint, 'Nothing is left');

-- By time, as it was counted.
INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement)
       SELECT 1, oid, true, 'select', 'SELECT * FROM s.u WHERE id = $1' FROM pg_roles WHERE rolname = 'postgres';
INSERT INTO asymm.query_load SELECT s.slot, s.at, q.id, 10, 500, 10, 1, 0, 0, 0, 0 FROM asymm._load_slot() AS s, asymm.query AS q WHERE q.queryid = 1;
SELECT is((SELECT row(e.state, e.seen_latency)::text
       FROM asymm.query AS q CROSS JOIN LATERAL asymm.expect(q.id, 'O(log n)', '40 ms') AS e WHERE q.queryid = 1),
          '(broken,00:00:00.05)', 'Slower than expected');
SELECT is((SELECT row(e.state, e.reason)::text
       FROM asymm.query AS q CROSS JOIN LATERAL asymm.expect(q.id, latency => '60 ms') AS e WHERE q.queryid = 1),
          '(kept,)', 'Fast enough');

-- Growth, from what was written and how long calls took: n, 2n, 4n, 8n rows, and time with it.
INSERT INTO asymm.query_look (query_id, at, relations) SELECT q.id, now(), ARRAY['s.u'::regclass::oid] FROM asymm.query AS q WHERE q.queryid = 1;
INSERT INTO asymm.query_plan (query_id, shape, plan, first_seen) SELECT q.id, repeat('0', 64), '{}', now() - interval '7 days'
       FROM asymm.query AS q WHERE q.queryid = 1;
SELECT asymm._keep_cost(q.id, '{"cost": "O(log n)", "blame": {"node": "Index Scan"}}') FROM asymm.query AS q WHERE q.queryid = 1;
DELETE FROM asymm.query_load;
INSERT INTO asymm.table_load (slot, at, relid, inserted, updated, updated_hot, deleted, scans, rows_scanned, index_scans)
SELECT 0, now() - v.ago, 's.u'::regclass, v.added, 0, 0, 0, 0, 0, 0
  FROM (VALUES (interval '1 hour', 10000), (interval '2 hour', 5000), (interval '3 hour', 2500), (interval '4 hour', 1250)) AS v (ago, added);
INSERT INTO asymm.query_load SELECT t.slot, t.at, q.id, 1, t.inserted / 100.0, 1, t.inserted, 0, 0, 0, 0 FROM asymm.table_load AS t, asymm.query AS q;
SELECT is((SELECT row(c.cost, round(c.time_exponent::numeric, 1), round(c.blocks_exponent::numeric, 1), c.confirmed)::text
       FROM asymm.query_costs AS c),
          '("O(log n)",1.0,1.0,f)', 'What grows like n is not O(log n)');
UPDATE asymm.query_load SET exec_ms = 1;
SELECT is((SELECT c.confirmed FROM asymm.query_costs AS c), true, 'What does not grow is');

SELECT finish();
