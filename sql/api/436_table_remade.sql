-- A table that can only be made anew: a partition key is set when a table is made, and the columns in it keep their type.
-- Partitions that are declared leave before, with their rows, and come back in the next round.

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

CREATE OR REPLACE FUNCTION asymm._plan_table_remade(
    schema_name text, object_name text, declared jsonb, layout jsonb, actual jsonb, relid oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := format('%I.%I', schema_name, object_name);
BEGIN
    RETURN QUERY
    -- One whose own repair brings it elsewhere leaves by that.
    SELECT 9, 0, 'table', '', format('ALTER TABLE %s DETACH PARTITION %I.%I', v_rel, n.nspname, c.relname),
           format('ALTER TABLE %s ATTACH PARTITION %I.%I %s', v_rel, n.nspname, c.relname, pg_get_expr(c.relpartbound, c.oid)),
           'ACCESS EXCLUSIVE', '{}'::text[], NULL::text
      FROM pg_inherits AS h
      JOIN pg_class AS c ON c.oid = h.inhrelid AND c.relispartition
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN asymm.baseline AS b ON b.kind = 'table' AND b.schema_name = n.nspname AND b.object_name = c.relname
     WHERE h.inhparent = relid AND b.facts #>> '{table,"",partition_of}' = v_rel
       AND b.facts #>> '{table,"",bound}' = pg_get_expr(c.relpartbound, c.oid)
    UNION ALL
    SELECT 10, 0, x.part, x.name, x.forward, x.inverse, x.lock_class, x.hazards, x.precondition
      FROM asymm._plan_extra_table(schema_name::name, object_name::name, actual, relid) AS x
    UNION ALL
    -- Where rows keep the old table nothing of the new one is made.
    SELECT p.phase, p.step, p.part, p.name, p.forward, p.inverse, p.lock_class, p.hazards || '{deletes data}'::text[],
           format('SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = %s)', relid)
      FROM asymm._plan(schema_name::name, object_name::name, declared, layout, NULL, NULL, '{}') AS p;
END
$$;
COMMENT ON FUNCTION asymm._plan_table_remade(text, text, jsonb, jsonb, jsonb, oid)
    IS 'Steps that drop a table and make it anew, its partitions kept; with rows of its own it is for those who allow the loss.';
