-- Constraints and indexes.

-- A constraint as a script: definition, options of its index, comment.
CREATE OR REPLACE FUNCTION asymm._plan_constraint_back(rel text, schema_name text, name text, facts jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(E';\n',
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', rel, name, asymm._replayable(facts ->> 'def')),
        (SELECT string_agg(format('ALTER INDEX %I.%I %s', schema_name, name, o.action), E';\n')
           FROM asymm._option_changes(facts -> 'options', NULL) AS o),
        CASE WHEN facts ? 'tablespace' THEN format('ALTER INDEX %I.%I SET TABLESPACE %I', schema_name, name, facts ->> 'tablespace') END,
        CASE WHEN facts ? 'comment' THEN format('COMMENT ON CONSTRAINT %I ON %s IS %L', name, rel, facts ->> 'comment') END,
        CASE WHEN facts ? 'index_comment' THEN format('COMMENT ON INDEX %I.%I IS %L', schema_name, name, facts ->> 'index_comment') END)
$$;
COMMENT ON FUNCTION asymm._plan_constraint_back(text, text, text, jsonb) IS 'Script that makes a constraint again.';

CREATE OR REPLACE FUNCTION asymm._plan_constraints(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_schema text := context ->> 'schema';
    v_space text := (SELECT s.spcname FROM pg_database AS b JOIN pg_tablespace AS s ON s.oid = b.dattablespace
                      WHERE b.datname = current_database());
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT v.key, v.value AS verdict, declared -> v.key AS d, actual -> v.key AS a,
               CASE WHEN v.value NOT IN ('add', 'remake') THEN actual -> v.key ELSE '{}' END AS now
          FROM jsonb_each_text(context -> 'constraint') AS v
         WHERE v.value <> 'keep' AND NOT (v.value = 'same' AND declared -> v.key = actual -> v.key)),
    s AS (
        SELECT CASE WHEN c.a ->> 'type' = 'foreign key' THEN 220 ELSE 260 END AS phase, c.key,
               format('ALTER TABLE %s DROP CONSTRAINT %I', v_rel, c.key) AS forward,
               asymm._plan_constraint_back(v_rel, v_schema, c.key, c.a) AS inverse,
               'ACCESS EXCLUSIVE' AS lock_class, '{}'::text[] AS hazards
          FROM c WHERE c.verdict IN ('drop', 'remake')
        UNION ALL
        SELECT CASE c.d ->> 'type' WHEN 'primary key' THEN 520 WHEN 'unique' THEN 521 WHEN 'exclude' THEN 522 WHEN 'check' THEN 530 ELSE 540 END,
               c.key, format('ALTER TABLE %s ADD CONSTRAINT %I %s', v_rel, c.key, asymm._replayable(c.d ->> 'def')),
               format('ALTER TABLE %s DROP CONSTRAINT %I', v_rel, c.key),
               CASE WHEN c.d ->> 'type' = 'foreign key' THEN 'SHARE ROW EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE' END,
               CASE WHEN c.d ->> 'type' IN ('primary key', 'unique', 'exclude') THEN ARRAY['builds index', 'may fail on data']
                    WHEN c.d ->> 'def' ~ ' NOT (VALID|ENFORCED)$' THEN '{}'
                    ELSE ARRAY['scans table', 'may fail on data'] END
          FROM c WHERE c.verdict IN ('add', 'remake')
        UNION ALL
        SELECT 545, c.key, format('ALTER TABLE %s ALTER CONSTRAINT %I %s', v_rel, c.key, asymm._deferral(c.d ->> 'def')),
               format('ALTER TABLE %s ALTER CONSTRAINT %I %s', v_rel, c.key, asymm._deferral(c.a ->> 'def')), 'SHARE ROW EXCLUSIVE', '{}'
          FROM c WHERE c.verdict = 'alter' AND asymm._deferral(c.d ->> 'def') <> asymm._deferral(c.a ->> 'def')
        UNION ALL
        SELECT 546, c.key, format('ALTER TABLE %s ALTER CONSTRAINT %I ENFORCED', v_rel, c.key),
               format('ALTER TABLE %s ALTER CONSTRAINT %I NOT ENFORCED', v_rel, c.key),
               'SHARE ROW EXCLUSIVE', ARRAY['scans table', 'may fail on data']
          FROM c WHERE c.verdict = 'alter' AND c.a ->> 'def' LIKE '% NOT ENFORCED' AND c.d ->> 'def' NOT LIKE '% NOT ENFORCED'
        UNION ALL
        SELECT 546, c.key, format('ALTER TABLE %s ALTER CONSTRAINT %I NOT ENFORCED', v_rel, c.key),
               CASE WHEN c.a ->> 'def' NOT LIKE '% NOT VALID' THEN format('ALTER TABLE %s ALTER CONSTRAINT %I ENFORCED', v_rel, c.key)
                    ELSE concat_ws(E';\n', format('ALTER TABLE %s DROP CONSTRAINT %I', v_rel, c.key),
                                   asymm._plan_constraint_back(v_rel, v_schema, c.key, c.a)) END,
               'SHARE ROW EXCLUSIVE', '{}'
          FROM c WHERE c.verdict = 'alter' AND c.d ->> 'def' LIKE '% NOT ENFORCED' AND c.a ->> 'def' NOT LIKE '% NOT ENFORCED'
        UNION ALL
        SELECT 546, c.key, format('ALTER TABLE %s VALIDATE CONSTRAINT %I', v_rel, c.key),
               concat_ws(E';\n', format('ALTER TABLE %s DROP CONSTRAINT %I', v_rel, c.key),
                         asymm._plan_constraint_back(v_rel, v_schema, c.key, c.d || jsonb_build_object(
                             'def', (c.d ->> 'def') || ' NOT VALID', 'comment', c.a -> 'comment'))),
               'SHARE UPDATE EXCLUSIVE', ARRAY['scans table', 'may fail on data']
          FROM c WHERE c.verdict = 'alter' AND c.a ->> 'def' LIKE '% NOT VALID' AND c.d ->> 'def' !~ ' NOT (VALID|ENFORCED)$'
        UNION ALL
        SELECT 550 - 2, c.key, format('ALTER INDEX %I.%I %s', v_schema, c.key, o.action), format('ALTER INDEX %I.%I %s', v_schema, c.key, o.undo),
               'SHARE UPDATE EXCLUSIVE', '{}'
          FROM c CROSS JOIN LATERAL asymm._option_changes(c.d -> 'options', c.now -> 'options') AS o
         WHERE c.verdict <> 'drop'
        UNION ALL
        SELECT 549, c.key, format('ALTER INDEX %I.%I SET TABLESPACE %I', v_schema, c.key, COALESCE(c.d ->> 'tablespace', v_space)),
               format('ALTER INDEX %I.%I SET TABLESPACE %I', v_schema, c.key, COALESCE(c.now ->> 'tablespace', v_space)),
               'ACCESS EXCLUSIVE', ARRAY['builds index']
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'tablespace' IS DISTINCT FROM c.now -> 'tablespace'
        UNION ALL
        SELECT 700, c.key, format('COMMENT ON CONSTRAINT %I ON %s IS %L', c.key, v_rel, c.d ->> 'comment'),
               format('COMMENT ON CONSTRAINT %I ON %s IS %L', c.key, v_rel, c.now ->> 'comment'), 'SHARE UPDATE EXCLUSIVE', '{}'
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'comment' IS DISTINCT FROM c.now -> 'comment'
        UNION ALL
        SELECT 700, c.key, format('COMMENT ON INDEX %I.%I IS %L', v_schema, c.key, c.d ->> 'index_comment'),
               format('COMMENT ON INDEX %I.%I IS %L', v_schema, c.key, c.now ->> 'index_comment'), 'SHARE UPDATE EXCLUSIVE', '{}'
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'index_comment' IS DISTINCT FROM c.now -> 'index_comment')
    SELECT s.phase, 0, 'constraint', s.key, s.forward, s.inverse, s.lock_class, s.hazards, NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_constraints(jsonb, jsonb, jsonb) IS 'Steps that drop, add and mend constraints.';

CREATE OR REPLACE FUNCTION asymm._deferral(definition text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN definition ~ ' DEFERRABLE INITIALLY DEFERRED( NOT VALID| NOT ENFORCED)?$' THEN 'DEFERRABLE INITIALLY DEFERRED'
                WHEN definition ~ ' DEFERRABLE( NOT VALID| NOT ENFORCED)?$' THEN 'DEFERRABLE INITIALLY IMMEDIATE' ELSE 'NOT DEFERRABLE' END
$$;
COMMENT ON FUNCTION asymm._deferral(text) IS 'Deferral clause of a constraint''s definition.';

-- On a partitioned table the definition says ONLY; made like that, the index stays invalid until each partition has one.
CREATE OR REPLACE FUNCTION asymm._index_definition(facts jsonb, rel text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT asymm._replayable(CASE WHEN facts ? 'invalid' THEN facts ->> 'def'
                                  ELSE replace(facts ->> 'def', ' ON ONLY ' || rel || ' ', ' ON ' || rel || ' ') END)
$$;
COMMENT ON FUNCTION asymm._index_definition(jsonb, text) IS 'CREATE INDEX as it is to be run.';

CREATE OR REPLACE FUNCTION asymm._plan_index_back(rel text, schema_name text, name text, facts jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(E';\n', asymm._index_definition(facts, rel),
        (SELECT string_agg(format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', schema_name, name, s.key::integer, s.value::integer), E';\n')
           FROM jsonb_each_text(facts -> 'statistics') AS s),
        CASE WHEN facts ? 'tablespace' THEN format('ALTER INDEX %I.%I SET TABLESPACE %I', schema_name, name, facts ->> 'tablespace') END,
        CASE WHEN facts ? 'comment' THEN format('COMMENT ON INDEX %I.%I IS %L', schema_name, name, facts ->> 'comment') END)
$$;
COMMENT ON FUNCTION asymm._plan_index_back(text, text, text, jsonb) IS 'Script that makes an index again.';

CREATE OR REPLACE FUNCTION asymm._plan_indexes(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_schema text := context ->> 'schema';
    v_space text := (SELECT s.spcname FROM pg_database AS b JOIN pg_tablespace AS s ON s.oid = b.dattablespace
                      WHERE b.datname = current_database());
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT v.key, v.value AS verdict, declared -> v.key AS d, actual -> v.key AS a,
               CASE WHEN v.value NOT IN ('add', 'remake') THEN actual -> v.key ELSE '{}' END AS now
          FROM jsonb_each_text(context -> 'index') AS v
         WHERE v.value <> 'keep' AND NOT (v.value = 'same' AND declared -> v.key = actual -> v.key)),
    s AS (
        SELECT 270 AS phase, c.key, format('DROP INDEX %I.%I', v_schema, c.key) AS forward,
               asymm._plan_index_back(v_rel, v_schema, c.key, c.a) AS inverse, 'ACCESS EXCLUSIVE' AS lock_class,
               CASE WHEN c.a ? 'invalid' THEN ARRAY['cannot be undone'] ELSE '{}' END AS hazards
          FROM c WHERE c.verdict IN ('drop', 'remake')
        UNION ALL
        SELECT 500, c.key, asymm._index_definition(c.d, v_rel), format('DROP INDEX %I.%I', v_schema, c.key), 'SHARE',
               CASE WHEN c.d ->> 'def' LIKE 'CREATE UNIQUE %' THEN ARRAY['builds index', 'may fail on data'] ELSE ARRAY['builds index'] END
          FROM c WHERE c.verdict IN ('add', 'remake')
        UNION ALL
        SELECT 510, c.key, format('ALTER INDEX %I.%I %s', v_schema, c.key, o.action), format('ALTER INDEX %I.%I %s', v_schema, c.key, o.undo),
               'SHARE UPDATE EXCLUSIVE', '{}'
          FROM c CROSS JOIN LATERAL asymm._option_changes(
               asymm._index_options(c.d ->> 'def'), asymm._index_options(c.a ->> 'def'), '',
               asymm._index_option_order(c.d ->> 'def'), asymm._index_option_order(c.a ->> 'def')) AS o
         WHERE c.verdict = 'alter'
        UNION ALL
        SELECT 511, c.key, format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', v_schema, c.key, t.key::integer, COALESCE(t.d, -1)),
               format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', v_schema, c.key, t.key::integer, COALESCE(t.now, -1)),
               'SHARE UPDATE EXCLUSIVE', '{}'
          FROM c CROSS JOIN LATERAL (
              SELECT COALESCE(d.key, n.key) AS key, d.value::integer AS d, n.value::integer AS now
                FROM jsonb_each_text(c.d -> 'statistics') AS d FULL JOIN jsonb_each_text(c.now -> 'statistics') AS n ON n.key = d.key) AS t
         WHERE c.verdict <> 'drop' AND t.d IS DISTINCT FROM t.now
        UNION ALL
        SELECT 512, c.key, format('ALTER INDEX %I.%I SET TABLESPACE %I', v_schema, c.key, COALESCE(c.d ->> 'tablespace', v_space)),
               format('ALTER INDEX %I.%I SET TABLESPACE %I', v_schema, c.key, COALESCE(c.now ->> 'tablespace', v_space)),
               'ACCESS EXCLUSIVE', ARRAY['builds index']
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'tablespace' IS DISTINCT FROM c.now -> 'tablespace'
        UNION ALL
        SELECT 700, c.key, format('COMMENT ON INDEX %I.%I IS %L', v_schema, c.key, c.d ->> 'comment'),
               format('COMMENT ON INDEX %I.%I IS %L', v_schema, c.key, c.now ->> 'comment'), 'SHARE UPDATE EXCLUSIVE', '{}'
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'comment' IS DISTINCT FROM c.now -> 'comment')
    SELECT s.phase, 0, 'index', s.key, s.forward, s.inverse, s.lock_class, s.hazards, NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_indexes(jsonb, jsonb, jsonb) IS 'Steps that drop, make and mend indexes.';
