-- A partition key is set when a table is made, and the columns in it keep their type. So a table that is to be divided otherwise,
-- or not at all, or has another type in its key, is made anew: its partitions leave it before, and rows of its own wait aside.

CREATE OR REPLACE FUNCTION asymm._remakes_table(declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key text := actual #>> '{table,"",partition_key}';
BEGIN
    IF v_key IS DISTINCT FROM declared #>> '{table,"",partition_key}' THEN
        RETURN true;
    END IF;
    RETURN v_key IS NOT NULL AND EXISTS (
        SELECT FROM jsonb_each(actual -> 'column') AS a
         WHERE (declared #> ARRAY['column', a.key, 'type'] <> a.value -> 'type'
                OR declared #> ARRAY['column', a.key, 'collation'] IS DISTINCT FROM a.value -> 'collation' AND declared -> 'column' ? a.key)
           -- Part of a longer name, it would be no name in the key.
           AND translate(v_key, '(),', '   ') || ' ' LIKE '% ' || replace(replace(quote_ident(a.key), '\', '\\'), '_', '\_') || ' %');
END
$$;
COMMENT ON FUNCTION asymm._remakes_table(jsonb, jsonb) IS 'Whether a table has to be dropped and made anew to become the declared one.';

-- How the rows of one table go into another: the columns both have, cast where their types differ.
CREATE OR REPLACE FUNCTION asymm._plan_rows_back(rel text, aside text, from_columns jsonb, to_columns jsonb) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT CASE WHEN count(*) > 0 THEN format(E'INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s;\n', rel,
                   string_agg(quote_ident(t.key), ', ' ORDER BY t.key COLLATE "C"),
                   string_agg(CASE WHEN f.value -> 'type' = t.value -> 'type' THEN quote_ident(t.key)
                                   ELSE asymm._cast_expression(quote_ident(t.key), f.value ->> 'type', t.value ->> 'type') END,
                              ', ' ORDER BY t.key COLLATE "C"), aside) ELSE '' END
               || format('DROP TABLE %s', aside)
          FROM jsonb_each(to_columns) AS t JOIN jsonb_each(from_columns) AS f ON f.key = t.key
         WHERE NOT t.value ? 'generated');
END
$$;
COMMENT ON FUNCTION asymm._plan_rows_back(text, text, jsonb, jsonb) IS 'Script that puts rows that waited aside into a table made anew.';

-- NULL where every value has its place in the new table.
CREATE OR REPLACE FUNCTION asymm._plan_rows_fit(rel text, from_columns jsonb, to_columns jsonb) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT 'SELECT ' || string_agg(format('(%s)', CASE
                   WHEN t.value IS NULL OR t.value ? 'generated' THEN asymm._plan_no_row(rel, format('pg_catalog.num_nonnulls(%I) > 0', f.key))
                   ELSE asymm._plan_survives(rel, f.key, f.value ->> 'type', t.value ->> 'type') END), ' AND ' ORDER BY f.key COLLATE "C")
          FROM jsonb_each(from_columns) AS f LEFT JOIN jsonb_each(to_columns) AS t ON t.key = f.key
         WHERE NOT f.value ? 'generated'
           AND (t.value IS NULL OR t.value ? 'generated' OR NOT asymm._type_holds(f.value ->> 'type', t.value ->> 'type')));
END
$$;
COMMENT ON FUNCTION asymm._plan_rows_fit(text, jsonb, jsonb) IS 'A query that is true when a table made anew can keep every value of the old one; NULL when it can for sure.';

CREATE OR REPLACE FUNCTION asymm._plan_table_remade(
    schema_name name, object_name name, declared jsonb, layout jsonb, actual jsonb, relid oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := format('%I.%I', schema_name, object_name);
    v_aside text := format('%I.%I', schema_name, asymm._plan_spare_name(object_name));
    v_was jsonb := actual -> 'column';
    v_columns jsonb := declared -> 'column';
    v_divided boolean := actual #> '{table,"",partition_key}' IS NOT NULL;
    -- Of a partitioned table only its partitions have rows, and they stay with those that stay.
    v_copied boolean := NOT v_divided OR declared #> '{table,"",partition_key}' IS NULL;
    -- Else partitions that are declared come back in the next round, once they have the columns.
    v_alike boolean := NOT EXISTS (
        SELECT FROM jsonb_each(v_columns) AS d FULL JOIN jsonb_each(v_was) AS a ON a.key = d.key
         WHERE (d.value -> 'type', d.value -> 'collation', d.value -> 'generated', d.value -> 'virtual')
               IS DISTINCT FROM (a.value -> 'type', a.value -> 'collation', a.value -> 'generated', a.value -> 'virtual'));
    v_copy text := format('CREATE TABLE %s AS SELECT * FROM ', v_aside);
    v_fit text := CASE WHEN v_copied THEN asymm._plan_rows_fit(v_rel, v_was, v_columns) END;
    v_loss text[] := CASE WHEN v_fit IS NOT NULL THEN ARRAY['deletes data'] ELSE '{}' END;
    v_early text;
    v_late text;
BEGIN
    -- To undo it: the table, its partitions, its rows; triggers and policies after them.
    SELECT string_agg(p.forward, E';\n' ORDER BY p.step) FILTER (WHERE p.phase < 553),
           string_agg(p.forward, E';\n' ORDER BY p.step) FILTER (WHERE p.phase >= 553)
      INTO v_early, v_late
      FROM asymm._plan(schema_name, object_name, actual, (
               SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a
                WHERE a.attrelid = relid AND a.attnum > 0 AND NOT a.attisdropped), NULL, NULL, '{}') AS p;
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
        SELECT c.*, v_alike AND c.declared ->> 'partition_of' = v_rel AND c.declared ->> 'bound' = c.bound AS stays FROM c
         WHERE c.declared IS NULL OR c.declared ->> 'partition_of' = v_rel AND c.declared ->> 'bound' = c.bound),
    s AS (
        -- Nobody writes between the copy and the end of the old table, and its owner sees every row.
        SELECT 9 AS phase, -1 AS ord, 'table' AS part, '' AS name, format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', v_rel) AS forward,
               COALESCE(v_late, format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', v_rel)) AS inverse,
               'ACCESS EXCLUSIVE' AS lock_class, '{}'::text[] AS hazards, NULL::text AS precondition
        UNION ALL
        -- What has no place in the new table is looked for while the old one has all its rows.
        SELECT 9, 0, 'table', '', v_copy || CASE WHEN v_divided THEN '' ELSE 'ONLY ' END || v_rel,
               asymm._plan_rows_back(v_rel, v_aside, v_columns, v_was), 'ACCESS EXCLUSIVE', v_loss || ARRAY['rewrites table'], v_fit
         WHERE v_copied
        UNION ALL
        SELECT 9, 1, 'table', '', format('ALTER TABLE %s DETACH PARTITION %s', v_rel, k.rel),
               format('ALTER TABLE %s ATTACH PARTITION %s %s', v_rel, k.rel, k.bound), 'ACCESS EXCLUSIVE', '{}', NULL
          FROM k
        UNION ALL
        -- Whether one that nobody declared goes is decided apart; it lets go of the sequences that do.
        SELECT 9, 2, 'column', a.key, format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', k.rel, a.key),
               format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', k.rel, a.key, a.value ->> 'default'), 'ACCESS EXCLUSIVE', '{}', NULL
          FROM k CROSS JOIN jsonb_each(v_was) AS a
         WHERE k.declared IS NULL AND a.value ? 'default' AND a.value ? 'sequence'
        UNION ALL
        SELECT 10, 0, 'table', '', format('DROP TABLE %s', v_rel), v_early, 'ACCESS EXCLUSIVE', v_loss,
               CASE WHEN v_fit IS NOT NULL THEN format('SELECT pg_catalog.to_regclass(%L) IS NOT NULL', v_aside) END
        UNION ALL
        SELECT 551, 0, 'table', '', format('ALTER TABLE %s ATTACH PARTITION %s %s', v_rel, k.rel, k.bound),
               format('ALTER TABLE %s DETACH PARTITION %s', v_rel, k.rel), 'ACCESS EXCLUSIVE', ARRAY['scans table', 'may fail on data'], NULL
          FROM k WHERE k.stays
        UNION ALL
        SELECT 553, 0, 'rows aside', '', asymm._plan_rows_back(v_rel, v_aside, v_was, v_columns),
               v_copy || CASE WHEN declared #> '{table,"",partition_key}' IS NULL THEN 'ONLY ' ELSE '' END || v_rel, 'ACCESS EXCLUSIVE',
               v_loss || ARRAY['rewrites table', 'may fail on data'], NULL
         WHERE v_copied
        UNION ALL
        -- Sequences go with their columns; where they stood waits aside too.
        SELECT x.phase, 3, CASE x.phase WHEN 9 THEN 'column' ELSE 'rows aside' END, d.key, CASE x.phase WHEN 9 THEN q.keep ELSE q.give END,
               CASE x.phase WHEN 9 THEN q.give ELSE q.keep END, 'none', v_loss, NULL
          FROM jsonb_each(v_columns) AS d
         CROSS JOIN LATERAL (SELECT v_was #>> ARRAY[d.key, 'sequence', 'name'] AS was, d.value #>> '{sequence,name}' AS name,
                                    format('%I.%I', schema_name, asymm._plan_spare_name(d.value #>> '{sequence,name}')) AS aside) AS n
         CROSS JOIN LATERAL (
              SELECT format('CREATE TABLE %s AS SELECT last_value, is_called FROM %s', n.aside, n.was) AS keep,
                     format(E'SELECT pg_catalog.setval(%L::pg_catalog.regclass, last_value, is_called) FROM %s\n'
                            ' WHERE last_value BETWEEN %s AND %s;\nDROP TABLE %s', n.name, n.aside, (d.value #>> '{sequence,min}')::bigint,
                            (d.value #>> '{sequence,max}')::bigint, n.aside) AS give) AS q
         CROSS JOIN (VALUES (9), (554)) AS x (phase)
         WHERE n.name IS NOT NULL AND n.was IS NOT NULL
        UNION ALL
        SELECT p.phase, p.step + 100, p.part, p.name, p.forward, p.inverse, p.lock_class, p.hazards || v_loss, NULL
          FROM asymm._plan(schema_name, object_name, declared, layout, NULL, NULL, '{}') AS p)
    SELECT s.phase, s.ord, s.part, s.name, s.forward, s.inverse, s.lock_class, s.hazards,
           -- Where rows keep the old table nothing of the new one is made.
           CASE WHEN v_fit IS NULL OR s.precondition IS NOT NULL THEN s.precondition
                WHEN s.phase > 9 THEN format('SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = %s)', relid)
                WHEN s.hazards && v_loss
                THEN format('SELECT pg_catalog.to_regclass(%L) IS NOT NULL', v_aside) END
      FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_table_remade(name, name, jsonb, jsonb, jsonb, oid)
    IS 'Steps that take a table away, make it anew and bring its partitions and rows back; what has no place in it is for those who allow the loss.';
