-- Entities: who may, what is refused, versions, keys of idempotency, search, history and how long it is kept.
BEGIN;
SELECT no_plan();

CREATE ROLE tap_writer IN ROLE asymm_writer;
CREATE ROLE tap_looker IN ROLE asymm_reader;
CREATE ROLE tap_operator IN ROLE asymm_operator;
CREATE ROLE tap_nobody;
GRANT SELECT ON asymm.data_entity, asymm.data_entity_history TO tap_looker;
CREATE FUNCTION pg_temp.version(id text) RETURNS bigint LANGUAGE sql AS 'SELECT g.version FROM asymm.get_entity($1) AS g';

-- Making.
SET ROLE tap_writer;
SELECT is((SELECT (e.id, e.value, e.annotations ->> 'κ', length(e.content_hash), e.created_by, e.changed_by,
                   e.created_at = e.changed_at)::text
             FROM asymm.create_entity('demo_entity', '{"n": 1}', asymm.annotate('dataEntity', 'global', 'Balance', 'n log n', '{create,sync}')) AS e),
          '(demo_entity,"{""n"": 1}","O(n log n)",32,tap_writer,tap_writer,t)', 'an entity is returned as it is kept');
SELECT is((SELECT e.annotations FROM asymm.create_entity('plain', '[]') AS e),
          '{"σ": "dataEntity", "ρ": "global", "γ": "Balance", "κ": "O(log n)", "λ": ["create", "query", "sync"], "weight": 1}',
              'what is said by default');
SELECT throws_ok('SELECT asymm.create_entity(''demo_entity'', ''1'')', '23505', 'entity "demo_entity" is there already', 'ids are given once');
SELECT throws_ok(format('SELECT asymm.create_entity(%L, ''1'')', t.id), t.code, NULL, 'id: ' || t.why)
  FROM (VALUES (NULL, '22004', 'null'), ('', '22023', 'empty'), (' a', '22023', 'blank'), (E'a\n', '22023', 'newline at its end'),
      (E'a\nb', '22023', 'newline'),
               ('a b', '22023', 'blank within'), ('{a}', '22023', 'hash tag'), ('a''; DROP TABLE x--', '22023', 'quotes'),
                   ('ünï', '22023', 'letters elsewhere'),
               ('.a', '22023', 'first a dot'), (repeat('a', 201), '22023', 'long'), ('a*', '22023', 'pattern'),
                   ('a%20', '22023', 'percent')) AS t (id, code, why);
SELECT lives_ok(format('SELECT asymm.create_entity(%L, ''1'')', t.id), 'id: ' || left(t.id, 20))
  FROM (VALUES (repeat('a', 200)), ('Order/2026:17@x.y+z~_-'), ('0')) AS t (id);
SELECT throws_ok('SELECT asymm.create_entity(''a'', NULL)', '22004', NULL, 'value: null');
SELECT throws_ok('SELECT asymm.create_entity(''a'', ''null'')', '22004', NULL, 'value: null of JSON');
SELECT throws_ok('SELECT asymm.create_entity(''a'', to_jsonb(repeat(''x'', 1048576)))', '22023', NULL, 'value: too large');
SELECT throws_ok('SELECT asymm.create_entity(''a'', ''1'', ROW('''', ''local'', ''Balance'', ''O(n)'', ''{}'', 1)::asymm.annotation)', '22023',
    NULL, 'annotation');
SELECT throws_ok(format('SELECT asymm.create_entity(''a'', ''1'', NULL, %L)', k), '22023', NULL, 'key: ' || left(k, 3))
    FROM unnest(ARRAY[' ', repeat('k', 201)]) AS k;

-- Many at once.
SELECT is(ARRAY(SELECT (c.id, c.created)::text FROM asymm.create_entities(
              '[{"id": "m2", "value": {"n": 2, "tags": ["x", "y"]}}, {"id": "m1", "value": {"n": 1, "off": false}, "annotations": {"symbol": "m",
                  "cost": "n"}}]') AS c),
          ARRAY['(m2,t)', '(m1,t)'], 'a list, in its order');
SELECT throws_ok(format('SELECT asymm.create_entities(%L)', t.list), t.code, NULL, 'list: ' || COALESCE(t.list, 'null'))
  FROM (VALUES (NULL, '22004'), ('{}', '22023'), ('[1]', '22023'), ('[null]', '22023'), ('[{"id": 1, "value": 1}]', '22004'),
      ('[{"id": "x"}]', '22004'),
               ('[{"id": "x", "value": 1, "Value": 2}]', '22023'), ('[{"id": "x", "value": 1}, {"id": "x", "value": 1}]', '22023'),
               ('[{"id": "x", "value": 1, "annotations": {"y": 1}}]', '22023'), ('[{"id": "x", "value": 1, "idempotency_key": 1}]', '22023'),
               ('[{"id": "x", "value": 1}, {"id": "m1", "value": 1}]', '23505')) AS t (list, code);
SELECT is(ARRAY(SELECT e.id FROM asymm.get_entity('x') AS e), '{}', 'all or none');
SELECT is(ARRAY(SELECT c.id FROM asymm.create_entities('[]') AS c), '{}', 'none');

-- Versions.
SELECT is((SELECT (e.value, e.annotations ->> 'κ', e.version > e.old)::text
             FROM (SELECT u.*, d.version AS old FROM asymm.get_entity('demo_entity') AS d,
                          LATERAL asymm.update_entity('demo_entity', '{"n": 2}', d.version) AS u) AS e), '("{""n"": 2}","O(n log n)",t)', 'changed');
SELECT throws_ok('SELECT asymm.update_entity(''demo_entity'', ''3'', 1)', 'SY017', 'entity "demo_entity" was changed meanwhile', 'an old version');
SELECT throws_ok('SELECT asymm.update_entity(''demo_entity'', ''3'', NULL)', '22004', NULL, 'no version');
SELECT throws_ok('SELECT asymm.update_entity(''not there'', ''3'', 1)', '22023', NULL, 'no id of an entity');
SELECT throws_ok('SELECT asymm.update_entity(''nobody'', ''3'', 1)', '42704', 'there is no entity "nobody"', 'none to change');
SELECT throws_ok('SELECT asymm.delete_entity(''demo_entity'', 1)', 'SY017', NULL, 'deleting: an old version');
SELECT throws_ok('SELECT asymm.delete_entity(''demo_entity'', NULL)', '22004', NULL, 'deleting: no version');
SELECT throws_ok('SELECT asymm.delete_entity(''nobody'', 1)', '42704', NULL, 'deleting: none');

-- Keys: the same call again has the same answer and no effect, also when the entity has moved on or is gone.
SELECT is(e.value, '{"k": 1}', 'with a key') FROM asymm.create_entity('keyed', '{"k": 1}', NULL, 'one') AS e;
SELECT is((SELECT (r.id, r.version = pg_temp.version('keyed'), r.created)::text FROM asymm.create_entities(
              '[{"id": "keyed", "value": {"k": 1.0}, "idempotency_key": "one"}]') AS r), '(keyed,t,f)', 'made before');
SELECT throws_ok('SELECT asymm.create_entity(''keyed'', ''{"k": 2}'', NULL, ''one'')', 'SY018', NULL, 'another value');
SELECT throws_ok('SELECT asymm.create_entity(''keyed'', ''{"k": 1}'', asymm.annotate(''x''), ''one'')', 'SY018', NULL, 'other annotations');
SELECT throws_ok('SELECT asymm.delete_entity(''keyed'', 1, ''one'')', 'SY018', NULL, 'another call');
SELECT throws_ok('SELECT asymm.create_entity(''keyed'', ''{"k": 1}'', NULL, ''two'')', '23505', NULL, 'another key');
SELECT lives_ok('SELECT asymm.create_entity(''keyed2'', ''{"k": 2}'', NULL, ''one'')', 'keys are of one entity');
SELECT pg_temp.version('keyed') AS first \gset
SELECT is(e.value, '{"k": 3}', 'changed with a key') FROM asymm.update_entity('keyed', '{"k": 3}', :first, NULL, 'u') AS e;
SELECT is((SELECT (e.value, e.version = pg_temp.version('keyed'))::text FROM asymm.update_entity('keyed', '{"k": 3}', :first, NULL, 'u') AS e),
          '("{""k"": 3}",t)', 'changed once');
SELECT is((SELECT (e.value, e.version)::text FROM asymm.create_entity('keyed', '{"k": 1}', NULL, 'one') AS e), format('("{""k"": 1}",%s)', :first),
          'made once: as it was then');
SELECT pg_temp.version('keyed') AS second \gset
SELECT is(d.deleted, 'keyed', 'deleted') FROM asymm.delete_entity('keyed', :second, 'd') AS d;
SELECT is((SELECT count(*) FROM asymm.delete_entity('keyed', :second, 'd')), 1::bigint, 'deleted once');
SELECT is((SELECT e.version FROM asymm.create_entity('keyed', '{"k": 1}', NULL, 'one') AS e), :first::bigint, 'not made again');
SELECT is(ARRAY(SELECT e.id FROM asymm.get_entity('keyed') AS e), '{}', 'it is gone');
SELECT throws_ok('SELECT asymm.update_entity(''keyed'', ''1'', 1)', '42704', NULL, 'gone');

-- History, over the deletion; versions grow even if the sequence was set back.
RESET ROLE;
SELECT setval('asymm.data_entity_version_seq', 1);
SET ROLE tap_writer;
SELECT is(e.value, '"new"', 'made anew') FROM asymm.create_entity('keyed', '"new"', NULL, 'three') AS e;
SELECT is((SELECT e.version FROM asymm.create_entity('keyed', '"new"', NULL, 'three') AS e), pg_temp.version('keyed'),
    'its key knows the later version');
SELECT is(ARRAY(SELECT (h.value, h.deleted, h.changed_by, h.until IS NULL)::text FROM asymm.entity_history('keyed') AS h),
          ARRAY['("{""k"": 1}",f,tap_writer,f)', '("{""k"": 3}",f,tap_writer,f)', '(,t,tap_writer,f)', '("""new""",f,tap_writer,t)'], 'history');
SELECT ok(bool_and(h.until = h.next OR h.next IS NULL OR h.deleted), 'each holds until the next')
  FROM (SELECT e.*, lead(e.changed_at) OVER (ORDER BY e.version) AS next FROM asymm.entity_history('keyed') AS e) AS h;

-- Search.
SELECT is(ARRAY(SELECT e.id FROM asymm.query_entities('$.n > 1') AS e), ARRAY['demo_entity', 'm2'], 'a path that is a condition');
SELECT is(ARRAY(SELECT e.id FROM asymm.query_entities('$.off') AS e), ARRAY['m1'], 'a path that finds something, be it false');
SELECT is(ARRAY(SELECT e.id FROM asymm.query_entities('$.tags[*] ? (@ == "x")') AS e), ARRAY['m2'], 'a path with a filter');
SELECT is(ARRAY(SELECT e.id FROM asymm.query_entities(contains => '{"tags": ["y"]}') AS e), ARRAY['m2'], 'containment');
SELECT is(ARRAY(SELECT e.id FROM asymm.query_entities(annotation => '{"symbol": "m"}') AS e), ARRAY['m1'], 'annotation');
SELECT is(ARRAY(SELECT e.id FROM asymm.query_entities(annotation => '{"κ": "n·log n", "lineage": "sync"}') AS e),
    ARRAY['demo_entity'], 'spelt otherwise');
SELECT is(ARRAY(SELECT e.id FROM asymm.query_entities('$.n > 0', '{"n": 1}', '{"σ": "m"}') AS e), ARRAY['m1'], 'all of them');
SELECT is(ARRAY(SELECT e.id FROM asymm.query_entities(after => 'keyed', most => 2) AS e), ARRAY['keyed2', 'm1'], 'page by page');
SELECT throws_ok('SELECT asymm.query_entities(most => 0)', '22023', NULL, 'most: 0');
SELECT throws_ok('SELECT asymm.query_entities(most => NULL)', '22004', NULL, 'most: null');
SELECT throws_ok(format('SELECT asymm.query_entities(annotation => %L)', a), '22023', NULL, 'no annotation: ' || a)
  FROM unnest(ARRAY['1', '[]', '{"x": 1}', '{"κ": "n^1.5"}']) AS a;
SELECT throws_ok('SELECT asymm.get_entity(NULL)', '22004', NULL, 'get: null');
RESET ROLE;
SELECT is(asymm.content_hash(t.a), asymm.content_hash(t.b), 'equal: ' || t.a::text)
  FROM (VALUES ('{"a": 1, "b": [1.50, "x.0"]}'::jsonb, '{"b": [1.5, "x.0"], "a": 1.00}'::jsonb), ('10.0', '1e1'),
      ('[0.0, 2]', '[0, 2.0]')) AS t (a, b);
SELECT isnt(asymm.content_hash(t.a), asymm.content_hash(t.b), 'not equal: ' || t.a::text)
  FROM (VALUES ('"1.0"'::jsonb, '"1"'::jsonb), ('["a,1.0]"]', '["a,1]"]'), ('100', '10'), ('"\".0"', '"\""'), ('[1.05]', '[1.5]')) AS t (a, b);
SELECT lives_ok('SELECT asymm.create_entities((SELECT jsonb_agg(jsonb_build_object(''id'', ''i'' || g, ''value'', jsonb_build_object(''g'', g)))
                   FROM generate_series(1, 500) AS g))', 'five hundred');
ANALYZE asymm.data_entity;
SET LOCAL enable_seqscan = off;
CREATE FUNCTION pg_temp.plan(condition text) RETURNS SETOF text LANGUAGE plpgsql AS
$$BEGIN RETURN QUERY EXECUTE 'EXPLAIN SELECT FROM asymm.data_entity AS d WHERE ' || condition; END$$;
SELECT ok(string_agg(p, '') LIKE '%data_entity_content%', 'the index serves ' || c)
  FROM unnest(ARRAY['d.value @@ ''$.g == 7''', 'd.value @? ''$.g ? (@ == 7)''', 'd.value @> ''{"g": 7}''', 'd.annotations @> ''{"σ": "m"}''']) AS c,
       pg_temp.plan(c) AS p GROUP BY c;

-- Who may.
SET ROLE tap_looker;
SELECT is((SELECT count(*) FROM asymm.get_entity('m1')), 1::bigint, 'SELECT is enough to read');
SELECT is((SELECT count(*) FROM asymm.entity_history('keyed')), 4::bigint, 'and history with it');
SELECT throws_ok(format('SELECT asymm.%s', c), '42501', NULL, 'a reader: ' || c)
  FROM unnest(ARRAY['create_entity(''z'', ''1'')', 'create_entities(''[]'')',
      'update_entity(''m1'', ''1'', 1)', 'delete_entity(''m1'', 1)', 'configure_entities()']) AS c;
RESET ROLE;
SET ROLE tap_operator;
SELECT throws_ok(format('SELECT asymm.%s', c), '42501', NULL, 'an operator: ' || c)
  FROM unnest(ARRAY['get_entity(''m1'')', 'query_entities()', 'entity_history(''m1'')', 'create_entity(''z'', ''1'')', '_erase_entity(''m1'')']) AS c;
SELECT throws_ok('SELECT asymm.configure_entities(idempotency_window => ''31 days'')', '22023', NULL, 'not longer than versions are kept');
SELECT is(c.max_value_bytes, 2000, 'settings') FROM asymm.configure_entities(retention => '2 days', max_value_bytes => 2000) AS c;
SET ROLE tap_writer;
SELECT throws_ok('SELECT asymm.update_entity(''m1'', to_jsonb(repeat(''x'', 2000)), 1)', '22023', NULL, 'the limit is a setting');
SELECT throws_ok(s, '42501', NULL, 'only by the functions: ' || s)
  FROM unnest(ARRAY['DELETE FROM asymm.data_entity', 'UPDATE asymm.data_entity SET version = 1', 'SELECT asymm._purge_entities()',
      'SELECT asymm._erase_entity(''m1'')',
                    'TABLE asymm.data_entity_request', 'SELECT nextval(''asymm.data_entity_version_seq'')']) AS s;
SET ROLE tap_nobody;
SELECT throws_ok('SELECT asymm.get_entity(''m1'')', '42501', NULL, 'nobody');
RESET ROLE;

-- Row-level security holds for who reads; writing would pass it by.
ALTER TABLE asymm.data_entity ENABLE ROW LEVEL SECURITY;
CREATE POLICY m ON asymm.data_entity FOR SELECT USING (id LIKE 'm%');
SET ROLE tap_writer;
SELECT is(ARRAY(SELECT e.id FROM asymm.query_entities() AS e), ARRAY['m1', 'm2'], 'policies hold');
SELECT throws_ok(format('SELECT asymm.%s', c), '42501', 'entities can only be read', 'with policies: ' || c)
  FROM unnest(ARRAY['create_entity(''z'', ''1'')', 'update_entity(''plain'', ''1'', 1)', 'delete_entity(''plain'', 1)']) AS c;
RESET ROLE;
SELECT lives_ok('SELECT asymm.create_entity(''super'', ''1'')', 'who passes them by anyway');
ALTER TABLE asymm.data_entity DISABLE ROW LEVEL SECURITY;

-- What is too old goes, what is not stays; a key no longer than it counts.
UPDATE asymm.data_entity_history SET until = until - interval '2 days 1 s' WHERE value = '{"k": 1}';
UPDATE asymm.data_entity_request SET at = at - interval '1 day 1 s' WHERE id = 'keyed' AND key = 'one';
INSERT INTO asymm.data_entity_history (id, version, created_at, created_by, changed_at, changed_by, until)
SELECT 'old', g, now(), 'x', now(), 'x', now() - interval '2 days' - g * interval '1 s' FROM generate_series(1, 6000) AS g;
SELECT lives_ok('SELECT asymm._housekeep()', 'housekeeping');
SELECT is((SELECT count(*) FROM asymm.entity_history('old')), 0::bigint, 'however many they are');
SELECT is(ARRAY(SELECT h.value FROM asymm.entity_history('keyed') AS h), ARRAY['{"k": 3}', NULL, '"new"']::jsonb[], 'an old version is gone');
SELECT is((SELECT array_agg(r.key ORDER BY r.key) FROM asymm.data_entity_request AS r WHERE r.id = 'keyed'),
    ARRAY['d', 'three', 'u'], 'an old key too');
SELECT is(jsonb_path_query_array(asymm._export_entity('keyed'), '$.versions[*].deleted'), '[false, true, false]', 'everything there is of one');
SELECT is(asymm._erase_entity('keyed'), 6::bigint, 'erased: three versions, three keys');
SELECT is((SELECT count(*) FROM asymm.entity_history('keyed')), 0::bigint, 'nothing is left');
SELECT is(asymm._export_entity('keyed'), NULL, 'nor told');

-- Every key begins with the id: tables partitioned by it can take the place of these.
SELECT is((SELECT array_agg(DISTINCT a.attname) FROM pg_index AS x JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
            WHERE x.indisunique AND x.indrelid::regclass::text LIKE 'asymm.data_entity%'), ARRAY['id']::name[], 'the id comes first');
DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['data_entity', 'data_entity_history', 'data_entity_request'] LOOP
        EXECUTE format('ALTER TABLE asymm.%1$s RENAME TO former_%1$s', v_table);
        EXECUTE format('ALTER INDEX asymm.%1$s_pkey RENAME TO former_%1$s_pkey', v_table);
        EXECUTE format('CREATE TABLE asymm.%1$s (LIKE asymm.former_%1$s INCLUDING ALL) PARTITION BY HASH (id)', v_table);
        FOR i IN 0 .. 3 LOOP
            EXECUTE format('CREATE TABLE asymm.%1$s_%2$s PARTITION OF asymm.%1$s FOR VALUES WITH (MODULUS 4, REMAINDER %2$s)',
                           v_table, i);
        END LOOP;
        EXECUTE format('INSERT INTO asymm.%1$s SELECT * FROM asymm.former_%1$s', v_table);
        EXECUTE format('ALTER TABLE asymm.%1$s OWNER TO asymm_owner', v_table);
    END LOOP;
    CREATE OR REPLACE VIEW asymm._entity AS SELECT * FROM asymm.data_entity;
END
$$;
GRANT SELECT ON asymm.data_entity, asymm.data_entity_history TO asymm_writer;
SET ROLE tap_writer;
SELECT is((SELECT count(*) FROM asymm.create_entities((SELECT jsonb_agg(jsonb_build_object('id', 'p' || g, 'value', g, 'idempotency_key', 'k'))
                                                         FROM generate_series(1, 100) AS g)) AS c WHERE c.created),
          100::bigint, 'made in partitions');
SELECT is(e.value, '[1]', 'changed there') FROM asymm.update_entity('p1', '[1]', pg_temp.version('p1'), NULL, 'u') AS e;
SELECT is(d.deleted, 'p1', 'deleted there') FROM asymm.delete_entity('p1', pg_temp.version('p1')) AS d;
SELECT is((SELECT c.created FROM asymm.create_entities('[{"id": "p1", "value": 1, "idempotency_key": "k"}]') AS c), false, 'keys hold there');
SELECT is((SELECT array_agg(h.value) FROM asymm.entity_history('p1') AS h), ARRAY['1', '[1]', NULL]::jsonb[], 'history from there');
SELECT is((SELECT count(*) FROM asymm.query_entities(path => '$ > 0', after => 'p', most => 1000) AS e WHERE e.id ~ '^p[0-9]'), 99::bigint,
          'search there');
RESET ROLE;

SELECT * FROM finish();

ROLLBACK;
