-- Columns: added, dropped, given another type, default, NOT NULL, expression or identity.

-- add, drop, same; retype: ALTER TYPE where it stands; plain: a generated column becomes a plain one;
-- expression: another expression where it stands (17 and later); remake: a generated column goes and comes back.
CREATE OR REPLACE FUNCTION asymm._plan_column_verdicts(declared jsonb, actual jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        WITH c AS (
            SELECT COALESCE(d.key, a.key) AS key, d.value AS d, a.value AS a, CASE
                       WHEN a.key IS NULL THEN 'add'
                       WHEN d.key IS NULL THEN 'drop'
                       WHEN d.value ? 'generated' AND (NOT a.value ? 'generated' OR t.differs) THEN 'remake'
                       WHEN d.value ? 'generated' AND d.value -> 'generated' <> a.value -> 'generated'
                           THEN CASE WHEN current_setting('server_version_num')::integer >= 170000 THEN 'expression' ELSE 'remake' END
                       WHEN a.value ? 'generated' AND NOT d.value ? 'generated'
                           THEN CASE WHEN a.value ? 'virtual' THEN 'remake' ELSE 'plain' END
                       WHEN t.differs THEN 'retype'
                       ELSE 'same' END AS verdict
              FROM jsonb_each(declared) AS d
              FULL JOIN jsonb_each(actual) AS a ON a.key = d.key
             CROSS JOIN LATERAL (SELECT (d.value -> 'type', d.value -> 'collation', d.value -> 'virtual')
                                        IS DISTINCT FROM (a.value -> 'type', a.value -> 'collation', a.value -> 'virtual') AS differs) AS t)
        -- A generated column stands in the way of a change to what it is computed from.
        SELECT COALESCE(jsonb_object_agg(c.key, CASE
                   WHEN c.verdict IN ('same', 'expression') AND c.a ? 'generated'
                        AND EXISTS (SELECT FROM c AS o WHERE o.verdict IN ('retype', 'remake', 'plain') AND o.key <> c.key
                                       AND (asymm._mentions(c.a, o.key) OR asymm._mentions(c.d, o.key))) THEN 'remake'
                   ELSE c.verdict END), '{}')
          FROM c);
END
$$;
COMMENT ON FUNCTION asymm._plan_column_verdicts(jsonb, jsonb) IS 'What to do about each column: add, drop, remake, retype, plain, expression or same.';

CREATE OR REPLACE FUNCTION asymm._sequence_options(sequence jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format('START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s', (sequence ->> 'start')::bigint,
                  (sequence ->> 'increment')::bigint, (sequence ->> 'min')::bigint, (sequence ->> 'max')::bigint,
                  (sequence ->> 'cache')::bigint, CASE WHEN (sequence -> 'cycle')::boolean THEN ' CYCLE' ELSE ' NO CYCLE' END);
END
$$;
COMMENT ON FUNCTION asymm._sequence_options(jsonb) IS 'Options of a sequence as they are written in SQL.';

CREATE OR REPLACE FUNCTION asymm._identity_clause(facts jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT format('GENERATED %s AS IDENTITY', upper(facts ->> 'identity'))
               || CASE WHEN facts ? 'sequence' THEN format(' (SEQUENCE NAME %s %s)', facts #>> '{sequence,name}',
                                                           asymm._sequence_options(facts -> 'sequence')) ELSE '' END
         WHERE facts ? 'identity');
END
$$;
COMMENT ON FUNCTION asymm._identity_clause(jsonb) IS 'GENERATED … AS IDENTITY of a column, NULL if it is none.';

CREATE OR REPLACE FUNCTION asymm._column_definition(name text, facts jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN concat_ws(' ', quote_ident(name), facts ->> 'type', 'COLLATE ' || (facts ->> 'collation'),
                     'DEFAULT ' || (facts ->> 'default'),
                     CASE WHEN facts ? 'generated' THEN format('GENERATED ALWAYS AS (%s) %s', asymm._replayable(facts ->> 'generated'),
                         CASE WHEN facts ? 'virtual' THEN 'VIRTUAL' ELSE 'STORED' END) END,
                     asymm._identity_clause(facts), asymm._not_null_clause(facts));
END
$$;
COMMENT ON FUNCTION asymm._column_definition(text, jsonb) IS 'A column as CREATE TABLE and ADD COLUMN have it.';

-- A whole column as a script: sequence, column, settings, comment, grants.
CREATE OR REPLACE FUNCTION asymm._plan_column_back(rel text, name text, facts jsonb, owner text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT concat_ws(E';\n',
            CASE WHEN s.serial THEN asymm._plan_sequence_back(facts -> 'sequence', owner) END,
            concat_ws(', ', format('ALTER TABLE %s ADD COLUMN %s', rel, asymm._column_definition(name, asymm._with_not_null_name(rel, name, facts))),
                CASE WHEN facts ? 'storage' THEN format('ALTER COLUMN %I SET STORAGE %s', name, facts ->> 'storage') END,
                CASE WHEN facts ? 'compression' THEN format('ALTER COLUMN %I SET COMPRESSION %s', name, facts ->> 'compression') END,
                CASE WHEN facts ? 'statistics' THEN format('ALTER COLUMN %I SET STATISTICS %s', name, facts ->> 'statistics') END,
                (SELECT format('ALTER COLUMN %I %s', name, o.action) FROM asymm._column_option_changes(facts -> 'options', NULL) AS o)),
            CASE WHEN s.serial THEN format('ALTER SEQUENCE %s OWNED BY %s.%I', facts #>> '{sequence,name}', rel, name) END,
            CASE WHEN facts ? 'comment' THEN format('COMMENT ON COLUMN %s.%I IS %L', rel, name, facts ->> 'comment') END,
            (SELECT string_agg(g.statement, E';\n' ORDER BY g.statement)
               FROM asymm._grant_statements(facts -> 'acl', rel, name) AS g))
          FROM (SELECT facts ? 'sequence' AND NOT facts ? 'identity' AS serial) AS s);
END
$$;
COMMENT ON FUNCTION asymm._plan_column_back(text, text, jsonb, text) IS 'Script that makes a dropped column again, empty.';

CREATE OR REPLACE FUNCTION asymm._plan_columns(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_only text := context ->> 'only';
    -- From 18 on a child has to follow its parent's NOT NULL.
    v_alone text := CASE WHEN current_setting('server_version_num')::integer < 180000 THEN v_only ELSE '' END;
    v_linked boolean := (context -> 'linked')::boolean;
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT v.key, v.value AS verdict, COALESCE(l.ord, 0)::integer AS ord, declared -> v.key AS d, actual -> v.key AS a,
               -- A default that names a sequence reads otherwise once that got its name back.
               CASE WHEN asymm._plan_sequence_renamed(declared -> v.key, actual -> v.key)
                    THEN replace(actual -> v.key ->> 'default', quote_literal(actual -> v.key #>> '{sequence,name}'),
                                 quote_literal(declared -> v.key #>> '{sequence,name}'))
                    ELSE actual -> v.key ->> 'default' END AS a_default
          FROM jsonb_each_text(context -> 'column') AS v
          LEFT JOIN jsonb_array_elements_text(context -> 'layout') WITH ORDINALITY AS l (name, ord) ON l.name = v.key),
    t AS (
        SELECT c.*, x.retyped, x.retyped AND NOT asymm._type_holds(c.a ->> 'type', c.d ->> 'type') AS lossy,
               CASE WHEN c.verdict IN ('drop', 'remake', 'retype', 'plain', 'expression') AND c.a ? 'inherited'
                         OR c.verdict = 'add' AND c.d ? 'inherited' AND NOT v_linked
                    THEN 'not healable: the column comes from a parent table, where it has to be repaired' END AS stuck
          FROM c
         CROSS JOIN LATERAL (SELECT c.verdict IN ('retype', 'plain') AND (c.d -> 'type', c.d -> 'collation')
                                    IS DISTINCT FROM (c.a -> 'type', c.a -> 'collation') AS retyped) AS x
         WHERE c.verdict <> 'same' OR c.d IS DISTINCT FROM c.a),
    s AS (
        -- Gone: what is extra, and a generated column that cannot be changed in place.
        SELECT CASE WHEN t.a ? 'generated' THEN 300 ELSE 310 END AS phase, t.ord, t.key,
               format('ALTER TABLE %s DROP COLUMN %I', v_rel, t.key) AS forward,
               asymm._plan_column_back(v_rel, t.key, t.a, context ->> 'owner') AS inverse,
               CASE WHEN t.a ? 'generated' THEN '{}' ELSE ARRAY['deletes data'] END AS hazards,
               CASE WHEN NOT t.a ? 'generated' THEN asymm._plan_no_row(v_rel, format('pg_catalog.num_nonnulls(%I) > 0', t.key)) END
                   AS precondition, t.stuck
          FROM t WHERE t.verdict = 'drop' OR t.verdict = 'remake' AND t.a ? 'generated'
        UNION ALL
        -- A plain column that ought to be generated: one statement, since it may have to wait for leave to delete data.
        SELECT 445, t.ord, t.key, format('ALTER TABLE %s DROP COLUMN %I, ADD COLUMN %s', v_rel, t.key,
                      asymm._column_definition(t.key, asymm._with_not_null_name(v_rel, t.key, t.d))),
               concat_ws(E';\n', format('ALTER TABLE %s DROP COLUMN %I', v_rel, t.key),
                         asymm._plan_column_back(v_rel, t.key, t.a, context ->> 'owner')),
               ARRAY['deletes data', 'rewrites table'],
               asymm._plan_no_row(v_rel, format('pg_catalog.num_nonnulls(%I) > 0 AND (%s)::text IS DISTINCT FROM %I::text',
                                                t.key, t.d ->> 'generated', t.key)), t.stuck
          FROM t WHERE t.verdict = 'remake' AND NOT t.a ? 'generated'
        UNION ALL
        SELECT 312, t.ord, t.key, format('ALTER TABLE %s%s ALTER COLUMN %I DROP DEFAULT', v_only, v_rel, t.key),
               format('ALTER TABLE %s%s ALTER COLUMN %I SET DEFAULT %s', v_only, v_rel, t.key, t.a ->> 'default'), '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.a ? 'default' AND (t.retyped OR NOT t.d ? 'default')
                   AND NOT t.lossy
        UNION ALL
        SELECT 314, t.ord, t.key, format('ALTER TABLE %s ALTER COLUMN %I DROP IDENTITY', v_rel, t.key),
               concat_ws(E';\n', format('ALTER TABLE %s ALTER COLUMN %I ADD %s', v_rel, t.key, asymm._identity_clause(t.a)),
                         asymm._plan_position(v_rel, t.key, t.a)), '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('drop', 'remake') AND t.a ? 'identity' AND NOT t.d ? 'identity'
        UNION ALL
        SELECT 316, t.ord, t.key, format('ALTER TABLE %s ALTER COLUMN %I DROP EXPRESSION', v_rel, t.key),
               concat_ws(E';\n', format('ALTER TABLE %s DROP COLUMN %I', v_rel, t.key),
                         asymm._plan_column_back(v_rel, t.key, t.a, context ->> 'owner')), '{}', NULL, t.stuck
          FROM t WHERE t.verdict = 'plain'
        UNION ALL
        SELECT 318, t.ord, t.key,
               format('ALTER TABLE %s%s ALTER COLUMN %I DROP NOT NULL', v_only, v_rel, t.key),
               asymm._set_not_null(v_alone || v_rel, t.key, t.a), '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.a ? 'not_null' AND NOT t.d ? 'not_null'
        UNION ALL
        SELECT CASE WHEN t.d ? 'generated' THEN 445 ELSE 420 END, t.ord, t.key,
               format('ALTER TABLE %s ADD COLUMN %s', v_rel, asymm._column_definition(t.key, asymm._with_not_null_name(v_rel, t.key, t.d))),
               format('ALTER TABLE %s DROP COLUMN %I', v_rel, t.key),
               array_remove(ARRAY[
                   CASE WHEN asymm._column_rewrites(t.d) THEN 'rewrites table' END,
                   CASE WHEN t.d ? 'not_null' AND NOT t.d ?| ARRAY['default', 'generated', 'identity'] THEN 'may fail on data' END], NULL),
               NULL, t.stuck
          FROM t WHERE t.verdict = 'add' OR t.verdict = 'remake' AND t.a ? 'generated'
        UNION ALL
        SELECT 440, t.ord, t.key, asymm._plan_retype(v_rel, t.key, t.a, t.d, t.lossy), asymm._plan_retype(v_rel, t.key, t.d, t.a, t.lossy),
               array_remove(ARRAY[CASE WHEN t.lossy THEN 'deletes data' END,
                                  CASE WHEN asymm._type_rewrites(t.a ->> 'type', t.d ->> 'type') THEN 'rewrites table' END,
                                  CASE WHEN t.lossy THEN 'may fail on data' END], NULL),
               CASE WHEN t.lossy THEN asymm._plan_survives(v_rel, t.key, t.a ->> 'type', t.d ->> 'type') END, t.stuck
          FROM t WHERE t.retyped
        UNION ALL
        SELECT 446, t.ord, t.key,
               format('ALTER TABLE %s ALTER COLUMN %I SET EXPRESSION AS (%s)', v_rel, t.key, asymm._replayable(t.d ->> 'generated')),
               format('ALTER TABLE %s ALTER COLUMN %I SET EXPRESSION AS (%s)', v_rel, t.key, asymm._replayable(t.a ->> 'generated')),
               ARRAY['rewrites table'], NULL, t.stuck
          FROM t WHERE t.verdict = 'expression'
        UNION ALL
        SELECT 450, t.ord, t.key, format('ALTER TABLE %s%s ALTER COLUMN %I SET DEFAULT %s', v_only, v_rel, t.key, t.d ->> 'default'),
               CASE WHEN t.retyped OR t.a_default IS NULL THEN format('ALTER TABLE %s%s ALTER COLUMN %I DROP DEFAULT', v_only, v_rel, t.key)
                    ELSE format('ALTER TABLE %s%s ALTER COLUMN %I SET DEFAULT %s', v_only, v_rel, t.key, t.a_default) END, '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.d ? 'default' AND NOT t.lossy
                   AND (t.retyped OR t.d ->> 'default' IS DISTINCT FROM t.a_default)
        UNION ALL
        SELECT 455, t.ord, t.key, asymm._set_not_null(v_alone || v_rel, t.key, t.d),
               format('ALTER TABLE %s%s ALTER COLUMN %I DROP NOT NULL', v_only, v_rel, t.key),
               ARRAY['scans table', 'may fail on data'], NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.d ? 'not_null' AND NOT t.a ? 'not_null'
        UNION ALL
        SELECT 460, t.ord, t.key, format('ALTER TABLE %s ALTER COLUMN %I ADD %s', v_rel, t.key, asymm._identity_clause(t.d)),
               format('ALTER TABLE %s ALTER COLUMN %I DROP IDENTITY', v_rel, t.key), '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.d ? 'identity' AND NOT t.a ? 'identity'
        UNION ALL
        SELECT 460, t.ord, t.key, format('ALTER TABLE %s ALTER COLUMN %I SET GENERATED %s', v_rel, t.key, upper(t.d ->> 'identity')),
               format('ALTER TABLE %s ALTER COLUMN %I SET GENERATED %s', v_rel, t.key, upper(t.a ->> 'identity')), '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.d ->> 'identity' <> t.a ->> 'identity')
    SELECT s.phase, s.ord, 'column', s.key, CASE WHEN s.stuck IS NULL THEN s.forward END, CASE WHEN s.stuck IS NULL THEN s.inverse END,
           'ACCESS EXCLUSIVE', CASE WHEN s.stuck IS NULL THEN s.hazards ELSE ARRAY[s.stuck] END,
           CASE WHEN s.stuck IS NULL THEN s.precondition END
      FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_columns(jsonb, jsonb, jsonb) IS 'Steps that add, drop and change columns.';
