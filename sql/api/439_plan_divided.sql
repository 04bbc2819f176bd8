-- A partition key can be set only when a table is made. So a table that is to be divided otherwise, or not at all, is made
-- anew once its columns are as declared: its partitions leave it before and come back after, and its own rows wait aside.

CREATE OR REPLACE FUNCTION asymm._divided_otherwise(declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN declared IS NOT NULL AND actual IS NOT NULL
           AND declared #> '{table,"",partition_key}' IS DISTINCT FROM actual #> '{table,"",partition_key}'
           AND NOT (declared #> '{table,""}' ? 'inherits' OR actual #> '{table,""}' ? 'inherits')
           AND NOT EXISTS (
                   SELECT FROM jsonb_each(declared -> 'column') AS d FULL JOIN jsonb_each(actual -> 'column') AS a ON a.key = d.key
                    WHERE (d.value -> 'type', d.value -> 'collation', d.value -> 'generated', d.value -> 'virtual')
                          IS DISTINCT FROM (a.value -> 'type', a.value -> 'collation', a.value -> 'generated', a.value -> 'virtual'));
END
$$;
COMMENT ON FUNCTION asymm._divided_otherwise(jsonb, jsonb) IS 'Whether a table is divided into partitions otherwise than declared and has the declared columns, so that its rows fit.';

CREATE OR REPLACE FUNCTION asymm._plan_divided(schema_name name, object_name name, declared jsonb, actual jsonb, relid oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := format('%I.%I', schema_name, object_name);
    v_aside text := format('%I.%I', schema_name, asymm._plan_spare_name(object_name));
    v_columns text := (SELECT string_agg(quote_ident(c.key), ', ' ORDER BY c.key COLLATE "C") FROM jsonb_each(declared -> 'column') AS c
                        WHERE NOT c.value ? 'generated');
    v_copy text := format('CREATE TABLE %s AS TABLE %s', v_aside, v_rel);
    v_return text := format(E'INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s;\nDROP TABLE %s',
                            v_rel, v_columns, v_columns, v_aside, v_aside);
    -- Of a partitioned table only its partitions have rows, and they stay with those that stay.
    v_copied boolean := v_columns IS NOT NULL
        AND (declared #> '{table,"",partition_key}' IS NULL OR actual #> '{table,"",partition_key}' IS NULL);
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT format('%I.%I', n.nspname, r.relname) AS rel, pg_get_expr(r.relpartbound, r.oid) AS bound, b.facts #> '{table,""}' AS declared
          FROM pg_inherits AS h
          JOIN pg_class AS r ON r.oid = h.inhrelid AND r.relispartition
          JOIN pg_namespace AS n ON n.oid = r.relnamespace
          LEFT JOIN asymm.baseline AS b ON (b.kind, b.schema_name, b.object_name) IN (('table', n.nspname, r.relname),
                                                                                      ('foreign table', n.nspname, r.relname))
         WHERE h.inhparent = relid),
    k AS (
        -- One that is declared otherwise leaves and comes by its own plan.
        SELECT c.*, c.declared ->> 'partition_of' = v_rel AND c.declared ->> 'bound' = c.bound AS stays FROM c
         WHERE c.declared IS NULL OR c.declared ->> 'partition_of' = v_rel AND c.declared ->> 'bound' = c.bound)
    SELECT 9, 0, 'table', '', v_copy, v_return, 'ACCESS EXCLUSIVE', ARRAY['rewrites table'], NULL::text WHERE v_copied
    UNION ALL
    SELECT 9, 1, 'table', '', format('ALTER TABLE %s DETACH PARTITION %s', v_rel, k.rel),
           format('ALTER TABLE %s ATTACH PARTITION %s %s', v_rel, k.rel, k.bound), 'ACCESS EXCLUSIVE', '{}', NULL
      FROM k
    UNION ALL
    -- Whether one that nobody declared goes is decided apart; it lets go of the sequences that do.
    SELECT 9, 2, 'column', a.key, format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', k.rel, a.key),
           format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', k.rel, a.key, a.value ->> 'default'), 'ACCESS EXCLUSIVE', '{}', NULL
      FROM k CROSS JOIN jsonb_each(actual -> 'column') AS a
     WHERE k.declared IS NULL AND a.value ? 'default' AND a.value ? 'sequence'
    UNION ALL
    SELECT 10, 0, 'table', '', x.forward, x.inverse, x.lock_class, '{}', NULL
      FROM asymm._plan_extra_table(schema_name, object_name, actual, relid) AS x
    UNION ALL
    SELECT 551, 0, 'table', '', format('ALTER TABLE %s ATTACH PARTITION %s %s', v_rel, k.rel, k.bound),
           format('ALTER TABLE %s DETACH PARTITION %s', v_rel, k.rel), 'ACCESS EXCLUSIVE', ARRAY['scans table', 'may fail on data'], NULL
      FROM k WHERE k.stays
    UNION ALL
    SELECT 553, 0, 'rows aside', '', v_return, v_copy, 'ACCESS EXCLUSIVE', ARRAY['rewrites table', 'may fail on data'], NULL WHERE v_copied
    UNION ALL
    -- Sequences go with their columns; where they stood waits aside too.
    SELECT x.phase, 0, CASE x.phase WHEN 9 THEN 'column' ELSE 'rows aside' END, d.key, CASE x.phase WHEN 9 THEN q.keep ELSE q.give END,
           CASE x.phase WHEN 9 THEN q.give ELSE q.keep END, 'none', '{}', NULL
      FROM jsonb_each(declared -> 'column') AS d
     CROSS JOIN LATERAL (SELECT actual #>> ARRAY['column', d.key, 'sequence', 'name'] AS was, d.value #>> '{sequence,name}' AS name,
                                format('%I.%I', schema_name, asymm._plan_spare_name(d.value #>> '{sequence,name}')) AS aside) AS n
     CROSS JOIN LATERAL (
          SELECT format('CREATE TABLE %s AS SELECT last_value, is_called FROM %s', n.aside, n.was) AS keep,
                 format(E'SELECT pg_catalog.setval(%L::pg_catalog.regclass, last_value, is_called) FROM %s\n'
                        ' WHERE last_value BETWEEN %s AND %s;\nDROP TABLE %s', n.name, n.aside, (d.value #>> '{sequence,min}')::bigint,
                        (d.value #>> '{sequence,max}')::bigint, n.aside) AS give) AS q
     CROSS JOIN (VALUES (9), (554)) AS x (phase)
     WHERE n.name IS NOT NULL AND n.was IS NOT NULL;
END
$$;
COMMENT ON FUNCTION asymm._plan_divided(name, name, jsonb, jsonb, oid)
    IS 'Steps that take a table away to be made anew with another partition key, and bring its partitions and rows back.';
