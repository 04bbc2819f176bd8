-- Room 200 by itself: nodes and flows from catalogs, workload and copies; impact, path, route; what is refused.
BEGIN;
SELECT plan(50);

CREATE ROLE tap_owner NOLOGIN;
CREATE ROLE tap_member IN ROLE tap_owner, asymm_operator;
CREATE ROLE tap_other IN ROLE asymm_operator;
CREATE ROLE tap_reader IN ROLE asymm_reader;
CREATE SCHEMA shop AUTHORIZATION tap_owner;
GRANT USAGE ON SCHEMA shop TO asymm_reader;
SET ROLE tap_owner;
CREATE TABLE shop.customer (id int PRIMARY KEY, boss int REFERENCES shop.customer);
CREATE TABLE shop.orders (id int, customer int REFERENCES shop.customer, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE shop.orders_old PARTITION OF shop.orders FOR VALUES FROM ('2000-01-01') TO ('2020-01-01');
CREATE TABLE shop.log (id int, what text);
CREATE TABLE shop.parent (a int);
CREATE TABLE shop.child () INHERITS (shop.parent);
CREATE TABLE shop."Odd, ""Name"" → $1" (a int);
CREATE VIEW shop.open_orders AS SELECT o.* FROM shop.orders_old AS o JOIN shop.customer AS c ON c.id = o.customer;
CREATE MATERIALIZED VIEW shop.totals AS SELECT count(*) FROM shop.open_orders;
CREATE FUNCTION shop.newest() RETURNS int STABLE BEGIN ATOMIC SELECT max(l.id) FROM shop.log AS l; END;
CREATE FUNCTION shop.newer() RETURNS int STABLE BEGIN ATOMIC SELECT shop.newest() + 1; END;
CREATE VIEW shop.numbered AS SELECT shop.newer() AS n;
CREATE RULE noted AS ON DELETE TO shop.customer DO ALSO INSERT INTO shop.log VALUES (OLD.id, 'gone');
CREATE TEMP TABLE passing (a int);
RESET ROLE;

-- nodes and flows from the catalogs
SELECT ok((SELECT bool_and(nodes >= 0 AND flows >= 0 AND ms >= 0) FROM asymm.refresh_graph()), 'refresh_graph() says what changed');
SELECT results_eq($$SELECT node, what FROM asymm.nodes WHERE kind = 'entity' ORDER BY node COLLATE "C"$$,
    $$VALUES ('entity:shop."Odd, ""Name"" → $1"', 'table'), ('entity:shop.child', 'table'), ('entity:shop.customer', 'table'),
             ('entity:shop.log', 'table'), ('entity:shop.numbered', 'view'), ('entity:shop.open_orders', 'view'),
             ('entity:shop.orders', 'partitioned table'), ('entity:shop.parent', 'table'), ('entity:shop.totals', 'materialized view')$$,
    'tables and views of people''s own; partitions, temporary tables and ours are none');
SELECT results_eq($$SELECT source, target, kind, declared FROM asymm.flows ORDER BY 1, 2$$,
    $$VALUES ('entity:shop.child', 'entity:shop.parent', 'inherits', true), ('entity:shop.customer', 'entity:shop.log', 'rule', true),
             ('entity:shop.customer', 'entity:shop.open_orders', 'view', true), ('entity:shop.customer', 'entity:shop.orders', 'references', true),
             ('entity:shop.log', 'entity:shop.numbered', 'function', true), ('entity:shop.open_orders', 'entity:shop.totals', 'view', true),
             ('entity:shop.orders', 'entity:shop.open_orders', 'view', true)$$,
    'flows: a partition is its root, functions are seen through, what refers to itself is none');
SELECT results_eq('SELECT sum(nodes), sum(flows) FROM asymm.refresh_graph()', 'VALUES (0::numeric, 0::numeric)', 'again: nothing differs');

-- the workload
INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement)
    VALUES (11, 'tap_owner'::regrole, true, 'select', 'SELECT 1 FROM shop.open_orders'), (12, 'tap_owner'::regrole, true, 'insert', 'INSERT …'),
           (13, 'tap_owner'::regrole, true, 'delete', 'DELETE FROM shop.log');
CREATE TEMP VIEW q AS SELECT max(id) FILTER (WHERE queryid = 11) AS seeks, max(id) FILTER (WHERE queryid = 12) AS fills,
                             max(id) FILTER (WHERE queryid = 13) AS clears FROM asymm.query WHERE queryid IN (11, 12, 13);
INSERT INTO asymm.query_counter
    SELECT queryid, role_id, toplevel, id, 4, 40, 4, 0, 0, 0, 0, 0, now(), 800 FROM asymm.query WHERE queryid IN (11, 12, 13);
INSERT INTO asymm.query_load SELECT w.slot, w.at, q.fills, 4, 40, 4, 0, 0, 0, 0, 0, 800 FROM q, asymm._load_slot() AS w;
INSERT INTO asymm.query_look (query_id, at, relations)
    SELECT seeks, now(), ARRAY['shop.open_orders'::regclass::oid] FROM q UNION ALL SELECT fills, now(), '{}' FROM q
    UNION ALL SELECT clears, now(), ARRAY['shop.log'::regclass::oid] FROM q;
INSERT INTO asymm.query_plan (query_id, shape, plan)
    SELECT seeks, repeat('a', 64), '{"Node Type": "Seq Scan", "Schema": "shop", "Relation Name": "orders_old", "Total Cost": 7.5}'::jsonb FROM q
    UNION ALL
    SELECT fills, repeat('b', 64), '{"Node Type": "ModifyTable", "Operation": "Insert", "Schema": "shop", "Relation Name": "log", "Plans": [
        {"Node Type": "Nested Loop", "Plans": [{"Node Type": "Seq Scan", "Schema": "shop", "Relation Name": "customer"},
                                               {"Node Type": "Seq Scan", "Schema": "pg_catalog", "Relation Name": "pg_class"}]}]}' FROM q;
SELECT lives_ok('SELECT asymm._tend_graph()', 'the organ finds what moved');
SELECT results_eq($$SELECT regexp_replace(source, '\d+', '#'), regexp_replace(target, '\d+', '#'), f.kind,
                           CASE f.query WHEN seeks THEN 'seeks' WHEN fills THEN 'fills' ELSE 'clears' END
                      FROM asymm.flows AS f, q WHERE f.kind IN ('reads', 'writes') ORDER BY 4, 3, 1, 2$$,
    $$VALUES ('entity:shop.log', 'query:#', 'reads', 'clears'), ('query:#', 'entity:shop.log', 'writes', 'clears'),
             ('entity:shop.customer', 'query:#', 'reads', 'fills'), ('query:#', 'entity:shop.log', 'writes', 'fills'),
             ('entity:shop.open_orders', 'query:#', 'reads', 'seeks'), ('entity:shop.orders', 'query:#', 'reads', 'seeks')$$,
    'by their plans; a view by name; of one that was not planned its command tells');
SELECT results_eq($$SELECT DISTINCT calls, mean_ms, variance_ms2, declared FROM asymm.flows, q WHERE query = fills$$,
    'VALUES (4::bigint, 10::float8, 100::float8, false)', 'with calls, mean and variance of the time');
SELECT results_eq($$SELECT role, regexp_replace(node, '\d+', '#'), plan_cost, best FROM asymm.route((SELECT seeks FROM q))
                     WHERE role <> 'answers' OR best$$,
    $$VALUES ('query', 'query:#', 7.5::float8, NULL::boolean), ('reads', 'entity:shop.open_orders', NULL, NULL),
             ('reads', 'entity:shop.orders', NULL, NULL), ('answers', 'primary', NULL, true)$$, 'the way of a query');
SELECT is((SELECT remark FROM asymm.route((SELECT seeks FROM q)) WHERE node = 'redis'), 'not mirrored: shop.orders', 'why no copy answers');

-- A replica is faster, and wins until it fails too often: by the formula of arbitrate().
INSERT INTO asymm.read_query (fingerprint, role, statement) VALUES (repeat('0c', 16), 'tap_reader', 'SELECT 1 FROM shop.open_orders');
INSERT INTO asymm.read_count (day, kind, name, route, hits, misses, refused, failed, seconds, saved_seconds, bytes)
    VALUES (current_date, 'query', repeat('0c', 16), 'replica', 9, 0, 0, 1, 0.009, 0, 0),
           (current_date, 'query', repeat('0c', 16), 'primary', 0, 0, 9, 0, 0.018, 0, 0);
PREPARE standing AS SELECT node, round(success::numeric, 3), round(score::numeric, 6), best FROM asymm.route((SELECT seeks FROM q))
                     WHERE role = 'answers' AND state = 'live' ORDER BY node DESC;
SELECT results_eq('standing', format($$VALUES ('replica', 0.9, %s, true), ('primary', 1.000, 0.875, false)$$,
    round((3 * 0.9 * 10.0 / 11 + 0.9) / (3 * 10.0 / 11 + 0.9), 6)), 'routes are arbitrated by success and time');
UPDATE asymm.read_count SET failed = 9 WHERE route = 'replica';
SELECT results_eq($$SELECT node, remark FROM asymm.route((SELECT seeks FROM q)) WHERE best$$, $$VALUES ('primary', NULL::text)$$,
    'who fails often loses');

-- impact and path
SELECT results_eq($$SELECT touched, distance, round(attenuation::numeric, 3), path FROM asymm.impact('entity:shop.log') WHERE kind = 'entity'$$,
    $$VALUES ('entity:shop.numbered', 1, 0.905, 'entity:shop.log → entity:shop.numbered')$$, 'impact: name, distance, what is left of it, the way');
SELECT set_eq($$SELECT touched, distance FROM asymm.impact('shop.customer') WHERE kind = 'entity'$$,
    $$VALUES ('entity:shop.log', 1), ('entity:shop.orders', 1), ('entity:shop.open_orders', 1), ('entity:shop.totals', 2),
             ('entity:shop.numbered', 2)$$,
    'an entity without its kind; by the shortest way');
SELECT is((SELECT max(round(attenuation::numeric, 3)) FROM asymm.impact('customer', 'propagate')), 0.368,
          'by its bare name; another operation fades faster');
SELECT results_eq($$SELECT node, flow FROM asymm.path('shop.customer', 'shop.totals')$$,
    $$VALUES ('entity:shop.customer', 'view'), ('entity:shop.open_orders', 'view'), ('entity:shop.totals', NULL)$$, 'path');
SELECT results_eq($$SELECT node FROM asymm.path('entity:shop."Odd, ""Name"" → $1"', 'shop."Odd, ""Name"" → $1"')$$,
    $$VALUES ('entity:shop."Odd, ""Name"" → $1"')$$, 'a name of any kind');
SELECT is_empty($$SELECT * FROM asymm.path('shop.totals', 'shop.customer')$$, 'flows are not gone against');
SELECT results_eq($$SELECT node FROM asymm.path('shop.log', 'shop.log')$$, $$VALUES ('entity:shop.log')$$, 'a node from itself');
SELECT throws_like($$SELECT * FROM asymm.impact('entity:shop.costumer')$$, '%does not exist', 'unknown');
SELECT throws_ok(format('SELECT * FROM asymm.%s', call), state, NULL, call)
  FROM (VALUES ('impact(NULL)', '22004'), ('impact('' '')', '22023'), ('impact(''entity:nothing'')', '42704'),
               ('impact(''shop.log'', NULL)', '22004'),
               ('impact(''shop.log'', ''explode'')', '22023'), ('path(NULL, ''shop.log'')', '22004'), ('path(''shop.log'', ''query:0'')', '42704'),
               ('route(NULL)', '22004'), ('route(0)', '42704'), ('route(-1)', '42704'), ('configure_graph(slow_variance => 0)', '22023'),
               ('configure_graph(dormant_after => ''-1 s'')', '22023'), ('configure_graph(slow_variance => ''NaN'')', '22023')) AS t (call, state);
DO $$ DECLARE v_hint text; BEGIN
    PERFORM asymm.impact('entity:shop.costumer');
EXCEPTION WHEN undefined_object THEN GET STACKED DIAGNOSTICS v_hint = PG_EXCEPTION_HINT; PERFORM set_config('tap.hint', v_hint, true); END $$;
SELECT matches(current_setting('tap.hint'), '^Nearest: entity:shop.customer', 'with the nearest names as a hint');

-- what changes
ALTER TABLE shop.customer RENAME TO client;
DROP VIEW shop.numbered;
CREATE TABLE shop.later (a int REFERENCES shop.client);
SELECT lives_ok('SELECT asymm._tend_graph()', 'after DDL');
SELECT results_eq($$SELECT node, state FROM asymm.nodes WHERE node ~ 'cl?ient|customer|numbered|later' ORDER BY 1$$,
    $$VALUES ('entity:shop.client', 'live'), ('entity:shop.later', 'live'), ('entity:shop.numbered', 'gone')$$, 'renamed, new and gone');
SELECT is_empty($$SELECT * FROM asymm.flows WHERE 'entity:shop.numbered' IN (source, target)$$, 'the flows of what is gone go with it');
SELECT isnt_empty($$SELECT * FROM asymm.flows WHERE source = 'entity:shop.client' AND target = 'entity:shop.later'$$, 'a new foreign key');
CREATE VIEW shop.numbered AS SELECT 1 AS n;
DELETE FROM asymm.query WHERE queryid = 13;
ALTER TABLE shop.log RENAME TO swap;
ALTER TABLE shop.parent RENAME TO log;
ALTER TABLE shop.swap RENAME TO parent;
SELECT lives_ok('SELECT * FROM asymm.refresh_graph()', 'after names were exchanged');
SELECT is((SELECT state FROM asymm.nodes WHERE node = 'entity:shop.numbered'), 'live', 'back again');
SELECT is((SELECT relation FROM asymm.nodes WHERE node = 'entity:shop.log'), 'shop.log'::regclass, 'each name means its table');

-- copies
INSERT INTO asymm.mirror_table (schema_name, table_name, key_columns, format, mirrored_by) VALUES ('shop', 'client', '{id}', 'json', 'tap_owner');
INSERT INTO asymm.read_query (fingerprint, role, tables)
    VALUES (repeat('0a', 16), 'tap_reader', '{shop.client}'), (repeat('0b', 16), 'tap_reader', '{}');
SELECT lives_ok('SELECT asymm._tend_graph()', 'after a table is mirrored');
SELECT results_eq($$SELECT source, target, kind FROM asymm.flows WHERE target LIKE 'cache:%' ORDER BY 3 DESC$$,
    $$VALUES ('entity:shop.client', 'cache:shop.client', 'mirror'), ('entity:shop.client', 'cache:' || repeat('0a', 16), 'cached')$$, 'copies');
DELETE FROM asymm.mirror_table;
SELECT lives_ok('SELECT asymm._tend_graph()', 'mirrored no more');
SELECT is((SELECT count(*) FROM asymm.nodes WHERE kind = 'cache' AND state <> 'gone'), 0::bigint, 'the copies are gone');

-- who may what
SET ROLE tap_reader;
SELECT isnt_empty('SELECT * FROM asymm.nodes', 'reader: nodes');
SELECT isnt_empty('SELECT * FROM asymm.flows', 'reader: flows');
SELECT isnt_empty('SELECT * FROM asymm.impact(''shop.client'')', 'reader: impact');
SELECT throws_ok('SELECT * FROM asymm.refresh_graph()', '42501', NULL, 'reader: no refresh');
SELECT throws_ok('SELECT * FROM asymm.configure_graph()', '42501', NULL, 'reader: no settings');
RESET ROLE;
SELECT is((SELECT (a.kind, a.name)::text
             FROM asymm._counted_as(ROW(1, 'cache', '"S x"."T.y"', 'mirrored table', NULL, NULL, now(), NULL)::asymm.node) AS a),
          '(row,"S x.T.y")', 'reads of a copy are found by the name that drivers count it under');
SELECT * FROM finish();
ROLLBACK;
