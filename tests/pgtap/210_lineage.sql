-- Declarations: annotations of nodes and flows that should be, faults of lineage, and what is proposed for nodes that have none.
BEGIN;
SELECT plan(56);

CREATE ROLE tap_owner NOLOGIN;
CREATE ROLE tap_member IN ROLE tap_owner, asymm_operator;
CREATE ROLE tap_second IN ROLE tap_owner, asymm_operator;
CREATE ROLE tap_other IN ROLE asymm_operator;
CREATE ROLE tap_reader IN ROLE asymm_reader;
CREATE SCHEMA shop AUTHORIZATION tap_owner;
CREATE SCHEMA books AUTHORIZATION tap_owner;
SET ROLE tap_owner;
CREATE TABLE shop.orders (id int PRIMARY KEY, at date);
CREATE TABLE shop.raw (id int, payload text);
CREATE VIEW shop.recent AS SELECT * FROM shop.orders WHERE at > '2026-01-01';
CREATE TABLE books.ledger (id int REFERENCES shop.orders, n bigint);
CREATE TABLE books.audit (id int);
RESET ROLE;
INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement)
    VALUES (21, 10, true, 'insert', 'INSERT INTO books.ledger SELECT … FROM shop.recent'), (22, 10, true, 'insert', 'INSERT INTO books.ledger …'),
           (23, 10, true, 'select', 'SELECT …');
INSERT INTO asymm.query_counter SELECT queryid, 10, true, id, 9, 90, 9, 0, 0, 0, 0, 0, now(), 0 FROM asymm.query WHERE queryid IN (21, 22, 23);
INSERT INTO asymm.query_look (query_id, at, relations)
    SELECT id, now(), CASE queryid WHEN 21 THEN ARRAY['shop.recent'::regclass, 'books.ledger'::regclass]::oid[] ELSE '{}' END
      FROM asymm.query WHERE queryid IN (21, 22, 23);
CREATE TEMP VIEW q AS SELECT max(id) FILTER (WHERE queryid = 21) AS posts, max(id) FILTER (WHERE queryid = 22) AS sneaks,
                             max(id) FILTER (WHERE queryid = 23) AS seeks FROM asymm.query WHERE queryid IN (21, 22, 23);
GRANT SELECT ON q TO PUBLIC;
INSERT INTO asymm.query_plan (query_id, shape, plan)
    SELECT posts, repeat('a', 64), '{"Node Type": "ModifyTable", "Schema": "books", "Relation Name": "ledger", "Plans": [
        {"Node Type": "Seq Scan", "Schema": "shop", "Relation Name": "orders"}]}'::jsonb FROM q
    UNION ALL
    SELECT seeks, repeat('b', 64), '{"Node Type": "Index Scan", "Schema": "books", "Relation Name": "audit", "Index Cond": "(id = $1)"}' FROM q;
SELECT lives_ok('SELECT * FROM asymm.refresh_graph()', 'the graph');

-- annotations
SET ROLE tap_member;
SELECT is((SELECT state FROM asymm.annotation_of('books.ledger')), 'missing', 'nothing is said yet');
SELECT results_eq($$SELECT name, state, (agreed).symbol, said_by FROM asymm.annotate('books.ledger',
                        asymm.annotate('dataEntity', 'module', 'Exploration', 'O(log n)', ARRAY['entity:shop.recent', 'create']))$$,
    $$VALUES ('entity:books.ledger', 'annotated', 'dataEntity', '{tap_member}'::name[])$$, 'annotate()');
SELECT lives_ok($$SELECT * FROM asymm.annotate('entity:shop.orders', asymm.annotate('orders'))$$, 'another');
SELECT throws_ok(format('SELECT * FROM asymm.%s', call), state, NULL, call)
  FROM (VALUES ('annotate(NULL, asymm.annotate(''a''))', '22004'), ('annotate(''shop.orders'', NULL::asymm.annotation)', '22004'),
               ('annotate(''shop.order'', asymm.annotate(''a''))', '42704'), ('annotation_of(NULL)', '22004'), ('annotation_of(''x'')', '42704'),
               ('annotate(''shop.raw'', ROW(''a'', ''wide'', ''Balance'', ''O(1)'', ''{}'', 1)::asymm.annotation)', '22023'),
               ('unannotate(''shop.raw'')', '42704'), ('declare_flow(''shop.raw'', ''shop.raw'')', '22023'),
               ('declare_flow(NULL, ''shop.raw'')', '22004'),
               ('declare_flow(''shop.raw'', ''shop.rare'')', '42704'), ('undeclare_flow(''shop.raw'', ''shop.rare'')', '42704'),
               ('accept_annotation(''shop.raw'')', '42704'), ('reject_annotation(''shop.raw'')', '42704'),
               ('settle(''shop.rare'')', '42704')) AS t (call, state);
SET ROLE tap_other;
SELECT throws_ok(format('SELECT * FROM asymm.%s', call), '42501', NULL, 'another''s table: ' || call)
  FROM (VALUES ('annotate(''shop.raw'', asymm.annotate(''a''))'), ('declare_flow(''shop.orders'', ''shop.raw'')'), ('settle(''shop.raw'')'),
               ('unannotate(''shop.orders'')')) AS t (call);
SELECT lives_ok(format('SELECT * FROM asymm.annotate(%L, asymm.annotate(''a''))', (SELECT 'query:' || query FROM asymm.nodes WHERE what = 'select')),
                'of a query any operator may speak');
SET ROLE tap_reader;
SELECT is((SELECT state FROM asymm.annotation_of('shop.orders')), 'annotated', 'reader: annotation_of');
SELECT throws_ok('SELECT * FROM asymm.annotate(''shop.raw'', asymm.annotate(''a''))', '42501', NULL, 'reader: says nothing');
SELECT isnt_empty('SELECT asymm.annotate(''a'')', 'reader: but builds annotations');
RESET ROLE;

-- faults
SELECT is_empty('SELECT * FROM asymm.lineage_faults WHERE target <> ''entity:books.ledger''', 'where nothing is declared, nothing is a fault');
SELECT results_eq('SELECT fault, source, query FROM asymm.lineage_faults', 'VALUES (NULL::text, NULL::text, NULL::bigint) LIMIT 0',
                  'the declared view is what the query reads, its table too; what says nothing of itself is no fault');
INSERT INTO asymm.query_plan (query_id, shape, plan)
    SELECT sneaks, repeat('c', 64), '{"Node Type": "ModifyTable", "Schema": "books", "Relation Name": "ledger", "Plans": [
        {"Node Type": "Seq Scan", "Schema": "shop", "Relation Name": "raw"}]}'::jsonb FROM q;
SET ROLE tap_member;
SELECT results_eq($$SELECT * FROM asymm.declare_flow('shop.raw', 'books.audit')$$,
    $$VALUES ('entity:shop.raw', 'entity:books.audit', false)$$, 'declare_flow() says whether it is seen');
RESET ROLE;
SELECT lives_ok('SELECT * FROM asymm.refresh_graph()', 'a plan more');
SELECT results_eq('SELECT fault, source, target, query = (SELECT sneaks FROM q) FROM asymm.lineage_faults ORDER BY 1',
    $$VALUES ('broken', 'entity:shop.raw', 'entity:books.audit', NULL), ('phantom', 'entity:shop.raw', 'entity:books.ledger', true)$$,
    'broken and phantom, and the query that carries it');
INSERT INTO asymm.query_load SELECT w.slot, w.at, q.seeks, 9, 900, 9, 0, 0, 0, 0, 0, 9 * (100 ^ 2 + 20001) FROM q, asymm._load_slot() AS w;
UPDATE asymm.query_counter SET seen_at = now() - interval '8 days' WHERE queryid = 21;
SELECT results_eq('SELECT fault, source, query IS NOT NULL FROM asymm.lineage_faults WHERE fault IN (''slow'', ''dormant'') ORDER BY 1',
    $$VALUES ('dormant', 'entity:shop.recent', false), ('slow', 'entity:books.audit', true)$$, 'dormant and slow');
SELECT lives_ok('SELECT asymm._watch_lineage()', 'the organ');
SELECT results_eq('SELECT node, severity, seen FROM asymm.findings WHERE sonar = ''graph'' AND severity = ''warning'' ORDER BY 1',
    $$VALUES ('entity:books.audit', 'warning', 'flow from entity:shop.raw: declared, and never seen to flow'),
             ('entity:books.ledger', 'warning', 'flow from entity:shop.raw: seen to flow, and not declared')$$, 'are findings');
SELECT results_eq('SELECT annotated, forked, declarations, seen FROM asymm.lineage_coverage',
    'VALUES (3::bigint, 0::bigint, 2::bigint, 1::bigint)', 'coverage');
SET ROLE tap_member;
SELECT lives_ok($$SELECT asymm.undeclare_flow('shop.raw', 'books.audit')$$, 'taken back');
SELECT lives_ok($$SELECT asymm.declare_flow('shop.raw', 'books.ledger')$$, 'declared');
RESET ROLE;
SELECT lives_ok('SELECT asymm._watch_lineage()', 'the organ again');
SELECT is_empty('SELECT * FROM asymm.findings WHERE sonar = ''graph'' AND severity = ''warning''', 'findings close');

-- forked
SET ROLE tap_second;
SELECT results_eq($$SELECT state, agreed IS NULL, cardinality(context::asymm.annotation[]), said_by
                      FROM asymm.annotate('books.ledger', asymm.annotate('dataEntity', 'local', 'Support', 'O(1)', ARRAY['entity:shop.orders']))$$,
    $$VALUES ('forked', true, 2, '{tap_member,tap_second}'::name[])$$, 'two that disagree');
SELECT results_eq($$SELECT state, (agreed).regime, (agreed).cost::text, said_by FROM asymm.settle('books.ledger')$$,
    $$VALUES ('annotated', 'Balance', 'O(log n)', '{tap_second}'::name[])$$, 'settled by what is measured');
SELECT is((SELECT annotation ->> 'γ' FROM asymm.quarantined WHERE node = 'entity:books.ledger'), 'Support', 'the other is kept aside');
SELECT is((SELECT state FROM asymm.settle('books.ledger')), 'annotated', 'again: nothing to settle');
RESET ROLE;
SELECT ok((SELECT attenuation BETWEEN 0 AND 0.9 FROM asymm.impact('shop.orders') WHERE distance = 1 LIMIT 1),
          'impact fades with the fidelity of the annotation');

-- proposals
SELECT lives_ok('SELECT asymm._propose_annotations()', 'the annotator');
SELECT results_eq($$SELECT node, annotation - 'weight' FROM asymm.proposed_annotations WHERE node LIKE 'entity:%' ORDER BY node$$,
    $$VALUES ('entity:books.audit', '{"σ": "dataEntity", "ρ": "local", "γ": "Exploration", "κ": "O(n)", "λ": ["create"]}'::jsonb),
             ('entity:shop.raw', '{"σ": "dataEntity", "ρ": "local", "γ": "Exploration", "κ": "O(n)", "λ": ["create"]}'),
             ('entity:shop.recent', '{"σ": "dataEntity", "ρ": "local", "γ": "Exploration", "κ": "O(n)",
                                      "λ": ["entity:shop.orders", "create"]}')$$,
    'for entities that have none');
SELECT results_eq($$SELECT annotation ->> 'σ', annotation ->> 'κ', annotation -> 'λ' FROM asymm.proposed_annotations, q
                     WHERE node = 'query:' || posts$$,
    $$VALUES ('dataQuery', 'O(n)', '["entity:shop.orders", "entity:shop.recent", "query"]'::jsonb)$$, 'for a query by its plan');
SET ROLE tap_member;
SELECT is((SELECT state FROM asymm.accept_annotation('shop.raw')), 'annotated', 'accepted');
SELECT lives_ok($$SELECT asymm.reject_annotation('books.audit')$$, 'rejected');
SELECT throws_ok($$SELECT * FROM asymm.accept_annotation('books.audit')$$, '42704', NULL, 'once');
RESET ROLE;
SELECT lives_ok('SELECT asymm.configure_graph(accept_annotations => true)', 'without asking');
SELECT lives_ok('SELECT asymm._propose_annotations()', 'the annotator again');
SELECT results_eq($$SELECT node, p.state, said_by FROM asymm.proposed_annotations AS p, asymm.annotation_of(node) AS a
                     WHERE node LIKE 'entity:%' ORDER BY node$$,
    $$VALUES ('entity:books.audit', 'rejected', '{}'::name[]), ('entity:shop.raw', 'accepted', '{tap_member}'),
             ('entity:shop.recent', 'accepted', '{asymmetrica}')$$,
    'what was rejected stays so');

-- names
ALTER TABLE shop.raw RENAME TO cooked;
SELECT lives_ok('SELECT asymm._tend_graph()', 'renamed');
SELECT is((SELECT state FROM asymm.annotation_of('shop.cooked')), 'annotated', 'what was said goes with the table');
SELECT isnt_empty($$SELECT * FROM asymm.flows WHERE source = 'entity:shop.orders' AND target = 'entity:shop.recent' AND declared$$, 'flows');
SELECT * FROM finish();
ROLLBACK;
