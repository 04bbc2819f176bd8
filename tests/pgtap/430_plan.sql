-- The repair plan on its own: order, inverses, hazards and conditions, from facts written by hand and from live tables.
BEGIN;
SELECT plan(53);
CREATE SCHEMA s;

-- A plan for a table that exists only as facts; what is not given is the same on both sides.
CREATE FUNCTION pg_temp.plan(declared jsonb, actual jsonb, renames jsonb DEFAULT '{}')
RETURNS TABLE (step int, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text, phase int)
LANGUAGE sql AS $$
    SELECT p.* FROM asymm._plan('s', 't', '{"table": {"": {"owner": "postgres"}}, "column": {"a": {"type": "integer"}}}' || declared,
        '["a", "b"]', '{"table": {"": {"owner": "postgres"}}, "column": {"a": {"type": "integer"}}}' || actual, 0, renames) AS p
$$;
CREATE FUNCTION pg_temp.type_plan(source text, target text)
RETURNS TABLE (step int, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text, phase int)
LANGUAGE sql AS $$
    SELECT p.* FROM pg_temp.plan(jsonb_build_object('column', jsonb_build_object('a', jsonb_build_object('type', target))),
                                 jsonb_build_object('column', jsonb_build_object('a', jsonb_build_object('type', source)))) AS p
$$;

SELECT is_empty($$SELECT * FROM pg_temp.plan('{}', '{}')$$, 'nothing differs, nothing to do');

-- Columns.
SELECT results_eq($$SELECT forward, inverse, lock_class, hazards, precondition
                      FROM pg_temp.plan('{"column": {"a": {"type": "integer"}, "b": {"type": "text", "default": "''x''::text"}}}', '{}')$$,
    $$VALUES ('ALTER TABLE s.t ADD COLUMN b text DEFAULT ''x''::text', 'ALTER TABLE s.t DROP COLUMN b', 'ACCESS EXCLUSIVE',
              '{}'::text[], NULL::text)$$, 'a missing column is added, its inverse drops it');
SELECT results_eq($$SELECT hazards FROM pg_temp.plan('{"column": {"a": {"type": "integer"}, "b": {"type": "text", "not_null": true}}}', '{}')$$,
    $$VALUES ('{may fail on data}'::text[])$$, 'a NOT NULL column without a default may fail on rows');
SELECT results_eq($$SELECT forward, hazards, precondition FROM pg_temp.plan('{}', '{"column": {"a": {"type": "integer"}, "b": {"type": "text"}}}')$$,
    $$VALUES ('ALTER TABLE s.t DROP COLUMN b', '{deletes data}'::text[],
              'SELECT NOT pg_catalog.row_security_active(''s.t''::pg_catalog.regclass) AND NOT EXISTS '
              '(SELECT FROM s.t WHERE pg_catalog.num_nonnulls(b) > 0)')$$, 'an extra column goes only if it holds nothing');
SELECT results_eq($$SELECT hazards, precondition
                      FROM pg_temp.plan('{}', '{"column": {"a": {"type": "integer"}, "b": {"type": "integer", "generated": "(a * 2)"}}}')$$,
    $$VALUES ('{}'::text[], NULL::text)$$, 'a generated column holds no data of its own');
SELECT is((SELECT inverse FROM pg_temp.plan('{}', '{"column": {"a": {"type": "integer"}, "b;\" x": {"type": "text", "storage": "external",
        "comment": "it''s", "acl": {"": ["SELECT"], "bob": ["UPDATE*"]}}}}')),
    E'ALTER TABLE s.t ADD COLUMN "b;"" x" text, ALTER COLUMN "b;"" x" SET STORAGE external;\n'
    'COMMENT ON COLUMN s.t."b;"" x" IS ''it''''s'';\n'
    'GRANT SELECT ("b;"" x") ON TABLE s.t TO PUBLIC;\nGRANT UPDATE ("b;"" x") ON TABLE s.t TO bob WITH GRANT OPTION',
    'the inverse of a drop brings back all that hung on the column, names quoted');

-- Types: what cannot lose needs no leave, all else has to show that it does not.
SELECT is((SELECT hazards FROM pg_temp.type_plan(source, target)), expected, format('%s to %s', source, target))
  FROM (VALUES ('integer', 'bigint', '{rewrites table}'::text[]), ('character varying(5)', 'character varying(9)', '{}'),
               ('character varying(9)', 'text', '{}'), ('numeric(10,2)', 'numeric(12,2)', '{}'),
               ('numeric(10,2)', 'numeric(14,4)', '{rewrites table}'),
               ('real', 'double precision', '{rewrites table}'), ('date', 'timestamp without time zone', '{rewrites table}'))
       AS t (source, target, expected);
SELECT is((SELECT hazards FROM pg_temp.type_plan(source, target)), '{deletes data,rewrites table,may fail on data}'::text[],
          format('%s to %s may lose', source, target))
  FROM (VALUES ('bigint', 'integer'), ('character varying(50)', 'character varying(10)'), ('text', 'character varying(10)'),
               ('numeric(12,4)', 'numeric(10,2)'), ('numeric(14,4)', 'numeric(14,6)'), ('timestamp with time zone', 'date'),
               ('double precision', 'real'), ('text', 'integer'), ('json', 'jsonb'),
               ('timestamp without time zone', 'timestamp(0) without time zone'),
               ('interval', 'interval(0)'), ('text', 'character(3)'), ('integer', 'numeric(4,0)')) AS t (source, target);
SELECT is((SELECT forward FROM pg_temp.type_plan(source, target)), 'ALTER TABLE s.t ALTER COLUMN a TYPE ' || expected,
          format('%s to %s', source, target))
  FROM (VALUES ('character varying(50)', 'character varying(10)', 'character varying(10)'), ('bigint', 'integer', 'integer'),
               ('text', 'integer', 'integer USING (a)::integer'), ('integer', 'uuid', 'uuid USING (a)::text::uuid'),
               ('text[]', 'integer[]', 'integer[] USING (a)::integer[]'), ('integer', 'text', 'text')) AS t (source, target, expected);
SELECT matches((SELECT precondition FROM pg_temp.type_plan('text', 'integer')),
    'WHERE \(\(\(a\)::integer\)::text\)::text IS DISTINCT FROM a::text\)$', 'every value has to come back as it was');

-- Conditions look at the rows as they are.
CREATE TABLE s.t (a text);
INSERT INTO s.t VALUES ('7'), (NULL);
CREATE FUNCTION pg_temp.holds(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v boolean; BEGIN EXECUTE query INTO v; RETURN v; END $$;
SELECT ok(pg_temp.holds((SELECT precondition FROM pg_temp.type_plan('text', 'integer'))), 'text 7 is 7');
INSERT INTO s.t VALUES ('007');
SELECT ok(NOT pg_temp.holds((SELECT precondition FROM pg_temp.type_plan('text', 'integer'))), 'text 007 would become 7');
SELECT ok(NOT pg_temp.holds(asymm._plan_no_row('s.t', 'pg_catalog.num_nonnulls(a) > 0')), 'there are values');
SELECT ok(pg_temp.holds(asymm._plan_no_row('s.t', 'a = ''x''')), 'there is no such value');
CREATE ROLE plan_tap_bob;
GRANT USAGE, CREATE ON SCHEMA s TO plan_tap_bob;
ALTER TABLE s.t OWNER TO plan_tap_bob;
ALTER TABLE s.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SET LOCAL ROLE plan_tap_bob;
SELECT is((SELECT count(*) FROM s.t), 0::bigint, 'row security hides the rows from their owner');
RESET ROLE;
CREATE TEMP TABLE asked AS SELECT asymm._plan_no_row('s.t', 'pg_catalog.num_nonnulls(a) > 0') AS query;
GRANT SELECT ON asked TO plan_tap_bob;
SET LOCAL ROLE plan_tap_bob;
SELECT ok(NOT pg_temp.holds((SELECT query FROM asked)), 'hidden rows are not taken for none');
RESET ROLE;

-- Order: names back, then drops, columns, types, defaults, indexes, constraints, marks, comments, owner, grants.
SELECT results_eq($$SELECT forward FROM pg_temp.plan(
        '{"table": {"": {"owner": "postgres", "comment": "c", "acl": {"bob": ["SELECT"]}}},
          "column": {"a": {"type": "bigint", "default": "1", "not_null": true}, "b": {"type": "integer"}},
          "constraint": {"k": {"type": "check", "def": "CHECK ((a > 0))"},
                         "p": {"type": "primary key", "def": "PRIMARY KEY (a)"}},
          "index": {"i": {"def": "CREATE INDEX i ON s.t USING btree (b)"}}}',
        '{"column": {"z": {"type": "integer", "default": "2"}},
          "constraint": {"f": {"type": "foreign key", "def": "FOREIGN KEY (z) REFERENCES s.u(id)"}}}',
        '{"column": {"a": "z"}, "table": {"schema": "s", "name": "x"}}') ORDER BY step$$,
    ARRAY['ALTER TABLE s.x RENAME TO t', 'ALTER TABLE s.t RENAME COLUMN z TO a', 'ALTER TABLE s.t DROP CONSTRAINT f',
          'ALTER TABLE ONLY s.t ALTER COLUMN a DROP DEFAULT', 'ALTER TABLE s.t ADD COLUMN b integer',
          'ALTER TABLE s.t ALTER COLUMN a TYPE bigint',
          'ALTER TABLE ONLY s.t ALTER COLUMN a SET DEFAULT 1',
          CASE WHEN current_setting('server_version_num')::int < 180000 THEN 'ALTER TABLE ONLY s.t ALTER COLUMN a SET NOT NULL'
               ELSE 'ALTER TABLE s.t ADD CONSTRAINT t_a_not_null NOT NULL a' END,
          'CREATE INDEX i ON s.t USING btree (b)', 'ALTER TABLE s.t ADD CONSTRAINT p PRIMARY KEY (a)',
          'ALTER TABLE s.t ADD CONSTRAINT k CHECK ((a > 0))',
          'COMMENT ON TABLE s.t IS ''c''', 'GRANT SELECT ON TABLE s.t TO bob'], 'steps come in an order that works');

-- Names.
SELECT results_eq($$SELECT forward FROM pg_temp.plan('{"column": {"a": {"type": "integer"}, "b": {"type": "text"}}}',
        '{"column": {"b": {"type": "integer"}, "a": {"type": "text"}}}', '{"column": {"a": "b", "b": "a"}}')$$,
    ARRAY[format('ALTER TABLE s.t RENAME COLUMN b TO asymm_%s', left(md5('b'), 16)),
          format('ALTER TABLE s.t RENAME COLUMN a TO asymm_%s', left(md5('a'), 16)),
          format('ALTER TABLE s.t RENAME COLUMN asymm_%s TO a', left(md5('b'), 16)),
          format('ALTER TABLE s.t RENAME COLUMN asymm_%s TO b', left(md5('a'), 16))],
    'exchanged names go by way of spare ones');
SELECT is(asymm._retoken($$((a > 'a'::text) AND (a(x) = "a") AND (ab = a))$$, '{"a": "z"}'),
          $$((z > 'a'::text) AND (a(x) = "a") AND (ab = z))$$,
    'literals, functions, quoted and longer names stay');
SELECT is(asymm._mentions('{"def": "CHECK ((total > 0))"}', 'tot'), false, 'part of a name is no mention');
SELECT is(asymm._mentions('{"def": "CHECK ((\"a.b*\" > 0))"}', 'a.b*'), true, 'a quoted name is found as it is');

-- In place where that can be.
SELECT results_eq($$SELECT forward FROM pg_temp.plan('{"constraint": {"k": {"type": "check", "def": "CHECK ((a > 0))"}}}',
                                                    '{"constraint": {"k": {"type": "check", "def": "CHECK ((a > 0)) NOT VALID"}}}')$$,
    ARRAY['ALTER TABLE s.t VALIDATE CONSTRAINT k'], 'a check is validated');
SELECT results_eq($$SELECT forward, inverse
                      FROM pg_temp.plan('{"index": {"i": {"def": "CREATE INDEX i ON s.t USING btree (a) WITH (fillfactor=''70'') WHERE (a > 1)"}}}',
                                                    '{"index": {"i": {"def": "CREATE INDEX i ON s.t USING btree (a) WHERE (a > 1)"}}}')$$,
    $$VALUES ('ALTER INDEX s.i SET (fillfactor = ''70'')', 'ALTER INDEX s.i RESET (fillfactor)')$$, 'options of an index are set');
SELECT results_eq($$SELECT forward FROM pg_temp.plan('{"index": {"i": {"def": "CREATE INDEX i ON s.t USING btree (a)"}}}',
                                                    '{"index": {"j": {"def": "CREATE INDEX j ON s.t USING btree (a)"}}}')$$,
    ARRAY['ALTER INDEX s.j RENAME TO i'], 'an index of the same definition is renamed');
SELECT ok((SELECT bool_or('rewrites table' = ANY (p.hazards)) AND bool_and(p.forward IS NOT NULL AND p.inverse IS NOT NULL)
             FROM pg_temp.plan('{"table": {"": {"owner": "postgres", "partition_key": "LIST (a)"}}}', '{}') AS p),
          'another partition key: made anew with its rows, and back');

-- What cannot be done says so.
SELECT is((SELECT p.hazards[1] FROM pg_temp.plan('{"column": {"a": {"type": "bigint", "inherited": true}}}',
                                                 '{"column": {"a": {"type": "integer", "inherited": true}}}') AS p),
    'not healable: the column comes from a parent table, where it has to be repaired', 'an inherited column');

-- Privileges.
SELECT results_eq($$SELECT forward, inverse FROM pg_temp.plan('{"table": {"": {"owner": "postgres", "acl": {"": ["SELECT"], "bob": ["INSERT*"]}}}}',
                                                    '{"table": {"": {"owner": "postgres", "acl": {"bob": ["INSERT", "UPDATE"]}}}}')$$,
    $$VALUES ('REVOKE UPDATE ON TABLE s.t FROM bob', 'GRANT UPDATE ON TABLE s.t TO bob'),
             ('GRANT INSERT ON TABLE s.t TO bob WITH GRANT OPTION', 'REVOKE GRANT OPTION FOR INSERT ON TABLE s.t FROM bob CASCADE'),
             ('GRANT SELECT ON TABLE s.t TO PUBLIC', 'REVOKE SELECT ON TABLE s.t FROM PUBLIC')$$, 'revoked, then granted, each with its inverse');

-- A table that is gone, and one nobody declared.
SELECT is((SELECT p.forward FROM asymm._plan('s', 'u', '{"table": {"": {"owner": "bob", "persistence": "u"}},
                                                       "column": {"a": {"type": "integer", "not_null": true}}}',
                                             '["a"]', NULL, NULL, '{}') AS p WHERE p.step = 1),
    E'CREATE UNLOGGED TABLE s.u (\n    a integer NOT NULL)', 'a table that is gone is made again');
SELECT results_eq($$SELECT forward, hazards, precondition IS NOT NULL
                      FROM asymm._plan('s', 't', NULL, NULL,
                               (SELECT facts FROM asymm._table_facts(ARRAY['s.t'::regclass::oid])), 's.t'::regclass, '{}')$$,
    $$VALUES ('DROP TABLE s.t', '{deletes data}'::text[], true)$$, 'an extra table goes only if it is empty');

-- Its removal must never be planned for a table that was only renamed.
CREATE SCHEMA w;
CREATE TABLE w.a (x integer);
CREATE TEMP TABLE watched AS SELECT * FROM asymm.watch_schema('w');
ALTER TABLE w.a RENAME TO b;
SELECT is(asymm._inspect_undeclared('call'), NULL, 'a renamed table is not taken for one nobody declared');

SELECT * FROM finish();
ROLLBACK;
