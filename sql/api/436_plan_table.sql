-- The table itself: made anew, dropped when extra, its parents, its marks and options.

-- What CREATE TABLE gives: the other steps start from there. Columns that come with a parent are as the parent has them.
CREATE OR REPLACE FUNCTION asymm._plan_created(declared jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_table jsonb := declared #> '{table,""}';
    v_parents jsonb;
    v_columns jsonb;
BEGIN
    SELECT jsonb_object_agg(c.key, c.value) INTO v_parents
      FROM asymm._table_facts(ARRAY(SELECT asymm._relation_oid(p)
                                      FROM jsonb_array_elements_text(COALESCE(v_table -> 'inherits',
                                           jsonb_build_array(v_table -> 'partition_of'))) AS p
                                     WHERE p IS NOT NULL)) AS f
     CROSS JOIN jsonb_each(f.facts -> 'column') AS c;
    SELECT jsonb_object_agg(d.key, jsonb_strip_nulls(CASE WHEN d.value ? 'inherited' AND v_parents ? d.key THEN jsonb_build_object(
               'type', d.value -> 'type', 'collation', d.value -> 'collation', 'inherited', true,
               'not_null', v_parents #> ARRAY[d.key, 'not_null'], 'default', v_parents #> ARRAY[d.key, 'default'],
               'generated', v_parents #> ARRAY[d.key, 'generated'], 'virtual', v_parents #> ARRAY[d.key, 'virtual'],
               'storage', v_parents #> ARRAY[d.key, 'storage'], 'compression', v_parents #> ARRAY[d.key, 'compression'],
               'identity', d.value -> 'identity', 'sequence', CASE WHEN d.value ? 'identity' THEN d.value -> 'sequence' END)
           ELSE jsonb_build_object(
               'type', d.value -> 'type', 'collation', d.value -> 'collation', 'inherited', d.value -> 'inherited',
               'not_null', d.value -> 'not_null', 'not_null_as', (d.value -> 'not_null_as') - '{comment,not_valid}'::text[],
               'identity', d.value -> 'identity', 'generated', d.value -> 'generated',
               'virtual', d.value -> 'virtual',
               'default', CASE WHEN NOT d.value ? 'sequence' THEN d.value -> 'default' END,
               'sequence', CASE WHEN d.value ? 'identity' THEN (d.value -> 'sequence') - '{acl,comment,persistence}'::text[]
                   || CASE WHEN v_table ? 'persistence' THEN '{"persistence": "u"}' ELSE '{}' END::jsonb END) END))
      INTO v_columns
      FROM jsonb_each(declared -> 'column') AS d;
    RETURN jsonb_build_object('column', COALESCE(v_columns, '{}'), 'table', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
        'persistence', v_table -> 'persistence', 'partition_key', v_table -> 'partition_key', 'partition_of', v_table -> 'partition_of',
        'bound', v_table -> 'bound', 'inherits', v_table -> 'inherits', 'access_method', v_table -> 'access_method'))));
END
$$;
COMMENT ON FUNCTION asymm._plan_created(jsonb) IS 'Facts of a table right after its CREATE TABLE.';

CREATE OR REPLACE FUNCTION asymm._plan_create(declared jsonb, layout jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT 50, 0, 'table', '', concat('CREATE ', CASE WHEN t ->> 'persistence' = 'u' THEN 'UNLOGGED ' END, 'TABLE ', context ->> 'rel',
               CASE WHEN t ? 'partition_of' THEN format(' PARTITION OF %s %s', t ->> 'partition_of', t ->> 'bound')
               ELSE format(E' (%s)', (
                   SELECT string_agg(E'\n    ' || asymm._column_definition(l.name, CASE WHEN c.facts ? 'identity' OR NOT c.facts ? 'sequence'
                                                                              THEN c.facts ELSE c.facts - 'default' END), ',' ORDER BY l.ord)
                     FROM jsonb_array_elements_text(layout) WITH ORDINALITY AS l (name, ord)
                    CROSS JOIN LATERAL (
                          SELECT asymm._with_not_null_name(context ->> 'rel', l.name, declared #> ARRAY['column', l.name]) AS facts) AS c
                    WHERE NOT c.facts ? 'inherited')) END,
               (SELECT format(' INHERITS (%s)', string_agg(p.name, ', ' ORDER BY p.ord))
                  FROM jsonb_array_elements_text(t -> 'inherits') WITH ORDINALITY AS p (name, ord) HAVING count(*) > 0),
               ' PARTITION BY ' || (t ->> 'partition_key'), ' USING ' || quote_ident(t ->> 'access_method')),
           format('DROP TABLE %s', context ->> 'rel'),
           CASE WHEN t ? 'partition_of' THEN 'ACCESS EXCLUSIVE' ELSE 'none' END, '{}'::text[], NULL::text
      FROM (SELECT declared #> '{table,""}') AS x (t);
END
$$;
COMMENT ON FUNCTION asymm._plan_create(jsonb, jsonb, jsonb) IS 'The step that makes a table that is gone; its rows are not coming back.';

CREATE OR REPLACE FUNCTION asymm._plan_extra_table(schema_name name, object_name name, actual jsonb, relid oid)
RETURNS TABLE (part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT 'table', '', format('DROP TABLE %s', r.rel),
           (SELECT string_agg(p.forward, E';\n' ORDER BY p.step)
              FROM asymm._plan(schema_name, object_name, actual,
                       (SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a
                         WHERE a.attrelid = relid AND a.attnum > 0 AND NOT a.attisdropped), NULL, NULL, '{}') AS p),
           'ACCESS EXCLUSIVE', ARRAY['deletes data'], asymm._plan_no_row(r.rel, NULL)
      FROM (SELECT format('%I.%I', schema_name, object_name) AS rel) AS r;
END
$$;
COMMENT ON FUNCTION asymm._plan_extra_table(name, name, jsonb, oid) IS 'The step that drops a table nobody declared.';

CREATE OR REPLACE FUNCTION asymm._plan_linked(declared jsonb, actual jsonb, made boolean) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NOT made AND (declared -> 'partition_of', declared -> 'inherits') IS DISTINCT FROM (actual -> 'partition_of', actual -> 'inherits');
END
$$;
COMMENT ON FUNCTION asymm._plan_linked(jsonb, jsonb, boolean) IS 'Whether a table is given its parents back, so that their columns are its own for a while.';

-- Leaving a parent makes what was inherited the table's own: columns, checks, keys, indexes.
CREATE OR REPLACE FUNCTION asymm._plan_detached(declared jsonb, actual jsonb, relid oid) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_declared jsonb := declared #> '{table,""}';
    v_actual jsonb := actual #> '{table,""}';
    v_constraints jsonb;
    v_indexes jsonb;
BEGIN
    IF NOT (v_actual ?| ARRAY['partition_of', 'inherits'])
       OR (v_declared -> 'partition_of', v_declared -> 'bound', v_declared -> 'inherits')
          IS NOT DISTINCT FROM (v_actual -> 'partition_of', v_actual -> 'bound', v_actual -> 'inherits')
       OR v_declared -> 'inherits' -> 0 = v_actual -> 'inherits' -> 0 THEN
        RETURN actual;
    END IF;
    SELECT jsonb_object_agg(c.conname, jsonb_build_object('def', pg_get_constraintdef(c.oid), 'type',
               CASE c.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key'
                              WHEN 'c' THEN 'check' ELSE 'exclude' END))
      INTO v_constraints
      FROM pg_constraint AS c
     WHERE c.conrelid = relid AND c.contype IN ('p', 'u', 'f', 'c', 'x') AND (c.conparentid <> 0 OR c.coninhcount > 0);
    SELECT jsonb_object_agg(i.relname, jsonb_build_object('def', pg_get_indexdef(i.oid))) INTO v_indexes
      FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
     WHERE x.indrelid = relid AND i.relispartition
       AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = x.indexrelid AND c.conrelid = relid);
    RETURN actual || jsonb_build_object(
        'column', (SELECT jsonb_object_agg(c.key, c.value - 'inherited') FROM jsonb_each(actual -> 'column') AS c),
        'constraint', COALESCE(v_constraints, '{}') || COALESCE(actual -> 'constraint', '{}'),
        'index', COALESCE(v_indexes, '{}') || COALESCE(actual -> 'index', '{}'));
END
$$;
COMMENT ON FUNCTION asymm._plan_detached(jsonb, jsonb, oid) IS 'The facts of a table as they read once it has left parents it should not have.';

-- What the table will take over from a parent it goes back to, and must therefore not be dropped.
CREATE OR REPLACE FUNCTION asymm._plan_attached(declared jsonb, actual jsonb, relid oid) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH p AS (SELECT asymm._relation_oid(p.name) AS oid
                 FROM jsonb_array_elements_text(COALESCE(declared -> 'inherits', jsonb_build_array(declared -> 'partition_of'))) AS p (name)
                WHERE (declared -> 'partition_of', declared -> 'bound', declared -> 'inherits')
                      IS DISTINCT FROM (actual #> '{table,"",partition_of}', actual #> '{table,"",bound}', actual #> '{table,"",inherits}'))
    SELECT jsonb_build_object(
        'constraint', (SELECT jsonb_object_agg(k.key, true)
                         FROM jsonb_each(actual -> 'constraint') AS k
                         JOIN pg_constraint AS c ON pg_get_constraintdef(c.oid) = k.value ->> 'def' AND (c.contype <> 'c' OR c.conname = k.key)
                         JOIN p ON p.oid = c.conrelid),
        'index', (SELECT jsonb_object_agg(k.key, true)
                    FROM jsonb_each(actual -> 'index') AS k
                    JOIN p ON declared ? 'partition_of'
                    JOIN pg_index AS x ON x.indrelid = p.oid AND x.indisunique = (k.value ->> 'def' LIKE 'CREATE UNIQUE %')
                     AND substring(pg_get_indexdef(x.indexrelid) FROM ' USING .*') = substring(k.value ->> 'def' FROM ' USING .*')))
$$;
COMMENT ON FUNCTION asymm._plan_attached(jsonb, jsonb, oid) IS 'part → names that a parent the table is attached to has as well.';

CREATE OR REPLACE FUNCTION asymm._plan_table(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_head text := format('ALTER TABLE %s', v_rel);
    -- A mark on an index goes with the index.
    v_leaving text[] := ARRAY(SELECT v.key FROM (SELECT * FROM jsonb_each_text(context -> 'constraint')
                              UNION ALL SELECT * FROM jsonb_each_text(context -> 'index')) AS v WHERE v.value IN ('drop', 'remake'));
    v_space text := (SELECT s.spcname FROM pg_database AS b JOIN pg_tablespace AS s ON s.oid = b.dattablespace
                      WHERE b.datname = current_database());
    v_shared integer := 0;
    v_mark text;
BEGIN
    IF declared IS NOT DISTINCT FROM actual AND cardinality(v_leaving) = 0 THEN
        RETURN;
    END IF;
    IF declared -> 'partition_key' IS DISTINCT FROM actual -> 'partition_key' THEN
        RETURN QUERY SELECT 0, 0, 'table', '', NULL, NULL, 'none',
            ARRAY['not healable: the partition key of a table can be set only when it is made'], NULL;
    END IF;
    IF (declared -> 'partition_of', declared -> 'bound') IS DISTINCT FROM (actual -> 'partition_of', actual -> 'bound') THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_parents_checks(jsonb_build_array(declared -> 'partition_of'), context) AS p;
        RETURN QUERY
        SELECT 200, 0, 'table', '', format('ALTER TABLE %s DETACH PARTITION %s', actual ->> 'partition_of', v_rel),
               format('ALTER TABLE %s ATTACH PARTITION %s %s', actual ->> 'partition_of', v_rel, actual ->> 'bound'),
               'ACCESS EXCLUSIVE', '{}'::text[], NULL WHERE actual ? 'partition_of'
        UNION ALL
        SELECT 551, 0, 'table', '', format('ALTER TABLE %s ATTACH PARTITION %s %s', declared ->> 'partition_of', v_rel, declared ->> 'bound'),
               format('ALTER TABLE %s DETACH PARTITION %s', declared ->> 'partition_of', v_rel),
               'ACCESS EXCLUSIVE', ARRAY['scans table', 'may fail on data'], NULL WHERE declared ? 'partition_of';
    END IF;
    IF declared -> 'inherits' IS DISTINCT FROM actual -> 'inherits' THEN
        -- Their order counts: parents after the first difference leave and come back.
        WHILE declared -> 'inherits' -> v_shared = actual -> 'inherits' -> v_shared LOOP
            v_shared := v_shared + 1;
        END LOOP;
        RETURN QUERY SELECT p.* FROM asymm._plan_parents_checks(declared -> 'inherits', context) AS p;
        RETURN QUERY
        SELECT 201, -p.ord::integer, 'table', '', format('%s NO INHERIT %s', v_head, p.name), format('%s INHERIT %s', v_head, p.name),
               'ACCESS EXCLUSIVE', '{}'::text[], NULL
          FROM jsonb_array_elements_text(actual -> 'inherits') WITH ORDINALITY AS p (name, ord) WHERE p.ord > v_shared
        UNION ALL
        SELECT 550, p.ord::integer, 'table', '', format('%s INHERIT %s', v_head, p.name), format('%s NO INHERIT %s', v_head, p.name),
               'ACCESS EXCLUSIVE', '{}'::text[], NULL
          FROM jsonb_array_elements_text(declared -> 'inherits') WITH ORDINALITY AS p (name, ord) WHERE p.ord > v_shared;
    END IF;
    v_mark := CASE WHEN substr(actual ->> 'replica_identity', 7) = ANY (v_leaving) AND actual ->> 'replica_identity' LIKE 'index:%'
                   THEN NULL ELSE actual ->> 'replica_identity' END;
    RETURN QUERY
    SELECT 210, 0, 'table', '', concat(v_head, ' REPLICA IDENTITY DEFAULT'),
           concat(v_head, asymm._replica_identity(actual ->> 'replica_identity')), 'ACCESS EXCLUSIVE', '{}'::text[], NULL
     WHERE v_mark IS DISTINCT FROM actual ->> 'replica_identity'
    UNION ALL
    SELECT 580, 0, 'table', '', concat(v_head, asymm._replica_identity(declared ->> 'replica_identity')),
           concat(v_head, asymm._replica_identity(v_mark)), 'ACCESS EXCLUSIVE', '{}', NULL
     WHERE declared ->> 'replica_identity' IS DISTINCT FROM v_mark;
    v_mark := CASE WHEN actual ->> 'cluster' = ANY (v_leaving) THEN NULL ELSE actual ->> 'cluster' END;
    RETURN QUERY
    SELECT 211, 0, 'table', '', concat(v_head, ' SET WITHOUT CLUSTER'), concat(v_head, ' CLUSTER ON ', quote_ident(actual ->> 'cluster')),
           'SHARE UPDATE EXCLUSIVE', '{}'::text[], NULL
     WHERE v_mark IS DISTINCT FROM actual ->> 'cluster'
    UNION ALL
    SELECT 581, 0, 'table', '', concat(v_head, COALESCE(' CLUSTER ON ' || quote_ident(declared ->> 'cluster'), ' SET WITHOUT CLUSTER')),
           concat(v_head, COALESCE(' CLUSTER ON ' || quote_ident(v_mark), ' SET WITHOUT CLUSTER')), 'SHARE UPDATE EXCLUSIVE', '{}', NULL
     WHERE declared ->> 'cluster' IS DISTINCT FROM v_mark;
    RETURN QUERY
    SELECT x.phase, 0, 'table', '', concat(v_head, x.forward), concat(v_head, x.inverse), x.lock_class, x.hazards::text[], NULL
      FROM (VALUES
        (205, 'of_type', CASE WHEN actual ? 'of_type' THEN ' NOT OF' END, format(' OF %s', actual ->> 'of_type'), 'ACCESS EXCLUSIVE', '{}'),
        (480, 'persistence', CASE WHEN declared ? 'persistence' THEN ' SET UNLOGGED' ELSE ' SET LOGGED' END,
              CASE WHEN actual ? 'persistence' THEN ' SET UNLOGGED' ELSE ' SET LOGGED' END, 'ACCESS EXCLUSIVE', '{"rewrites table"}'),
        (482, 'access_method', ' SET ACCESS METHOD ' || quote_ident(COALESCE(declared ->> 'access_method', 'heap')),
              ' SET ACCESS METHOD ' || quote_ident(COALESCE(actual ->> 'access_method', 'heap')), 'ACCESS EXCLUSIVE', '{"rewrites table"}'),
        (552, 'of_type', CASE WHEN declared ? 'of_type' THEN format(' OF %s', declared ->> 'of_type') END, ' NOT OF', 'ACCESS EXCLUSIVE', '{}'),
        (575, 'rls', CASE WHEN declared ? 'rls' THEN ' ENABLE' ELSE ' DISABLE' END || ' ROW LEVEL SECURITY',
              CASE WHEN actual ? 'rls' THEN ' ENABLE' ELSE ' DISABLE' END || ' ROW LEVEL SECURITY', 'ACCESS EXCLUSIVE', '{"changes privileges"}'),
        (576, 'force_rls', CASE WHEN declared ? 'force_rls' THEN ' FORCE' ELSE ' NO FORCE' END || ' ROW LEVEL SECURITY',
              CASE WHEN actual ? 'force_rls' THEN ' FORCE' ELSE ' NO FORCE' END || ' ROW LEVEL SECURITY', 'ACCESS EXCLUSIVE',
              '{"changes privileges"}'),
        (595, 'tablespace', ' SET TABLESPACE ' || quote_ident(COALESCE(declared ->> 'tablespace', v_space)),
              ' SET TABLESPACE ' || quote_ident(COALESCE(actual ->> 'tablespace', v_space)), 'ACCESS EXCLUSIVE', '{"rewrites table"}')
      ) AS x (phase, attribute, forward, inverse, lock_class, hazards)
     WHERE x.forward IS NOT NULL AND declared -> x.attribute IS DISTINCT FROM actual -> x.attribute;
    RETURN QUERY
    SELECT 590, 0, 'table', '', concat_ws(' ', v_head, o.action), concat_ws(' ', v_head, o.undo), 'SHARE UPDATE EXCLUSIVE', '{}'::text[], NULL::text
      FROM (SELECT * FROM asymm._option_changes(declared -> 'options', actual -> 'options', '',
                                               declared -> 'option_order', actual -> 'option_order')
            UNION ALL SELECT * FROM asymm._option_changes(declared -> 'toast_options', actual -> 'toast_options', 'toast.')) AS o
    UNION ALL
    SELECT 700, 0, 'table', '', format('COMMENT ON TABLE %s IS %L', v_rel, declared ->> 'comment'),
           format('COMMENT ON TABLE %s IS %L', v_rel, actual ->> 'comment'), 'SHARE UPDATE EXCLUSIVE', '{}', NULL
     WHERE declared -> 'comment' IS DISTINCT FROM actual -> 'comment'
    UNION ALL
    SELECT 810, 0, 'table', '', format('%s OWNER TO %I', v_head, declared ->> 'owner'),
           format('%s OWNER TO %I', v_head, COALESCE(actual ->> 'owner', declared ->> 'owner')), 'ACCESS EXCLUSIVE',
           CASE WHEN actual ? 'owner' THEN ARRAY['changes owner'] ELSE '{}' END, NULL
     WHERE declared -> 'owner' IS DISTINCT FROM actual -> 'owner';
END
$$;
COMMENT ON FUNCTION asymm._plan_table(jsonb, jsonb, jsonb) IS 'Steps that mend what belongs to the table as a whole.';

-- A parent is taken only by a table that has its checks.
CREATE OR REPLACE FUNCTION asymm._plan_parents_checks(parents jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- What a parent has from its own parents is no fact of it.
    WITH RECURSIVE p AS (
        SELECT x.name FROM jsonb_array_elements_text(parents) AS x (name)
        UNION
        SELECT h.name
          FROM p JOIN asymm.baseline AS b ON b.kind = 'table' AND format('%I.%I', b.schema_name, b.object_name) = p.name
         CROSS JOIN LATERAL (SELECT jsonb_array_elements_text(b.facts #> '{table,"",inherits}')
                             UNION ALL SELECT b.facts #>> '{table,"",partition_of}') AS h (name)
         WHERE h.name IS NOT NULL),
    k AS (
        SELECT DISTINCT c.key AS name, c.value ->> 'def' AS def
          FROM p
          JOIN asymm.baseline AS b ON b.kind IN ('table', 'foreign table') AND format('%I.%I', b.schema_name, b.object_name) = p.name
         CROSS JOIN jsonb_each(b.facts -> 'constraint') AS c
         WHERE c.value ->> 'type' = 'check' AND c.value ->> 'def' NOT LIKE '% NO INHERIT%')
    SELECT 549, 0, 'constraint', k.name, format('ALTER TABLE %s ADD CONSTRAINT %I %s', context ->> 'rel', k.name, asymm._replayable(k.def)),
           format('ALTER TABLE %s DROP CONSTRAINT %I', context ->> 'rel', k.name), 'ACCESS EXCLUSIVE',
           ARRAY['scans table', 'may fail on data'], NULL::text
      FROM k
     WHERE context #>> ARRAY['constraint', k.name] IS NULL
       AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = (context ->> 'relid')::oid AND c.conname = k.name)
$$;
COMMENT ON FUNCTION asymm._plan_parents_checks(jsonb, jsonb) IS 'Steps that give a table the checks of parents it is about to get.';

CREATE OR REPLACE FUNCTION asymm._replica_identity(mark text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ' REPLICA IDENTITY ' || CASE WHEN mark LIKE 'index:%' THEN 'USING INDEX ' || quote_ident(substr(mark, 7))
                                        WHEN mark IS NULL THEN 'DEFAULT' ELSE upper(mark) END
$$;
COMMENT ON FUNCTION asymm._replica_identity(text) IS 'REPLICA IDENTITY clause of a fact.';
