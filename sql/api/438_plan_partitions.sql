-- What a partition has of its own on indexes and triggers that follow its parent's: names, comments, parameters, switches.

-- Of a clone: the name it has now, and what its parent's index gives it.
CREATE OR REPLACE FUNCTION asymm._partition_index(relid oid, parent text, OUT name text, OUT options jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (SELECT c.relname FROM pg_inherits AS h JOIN pg_index AS x ON x.indexrelid = h.inhrelid JOIN pg_class AS c ON c.oid = x.indexrelid
             WHERE h.inhparent = p.oid AND x.indrelid = relid), asymm._option_facts(p.reloptions)
      FROM pg_class AS p WHERE p.oid = asymm._relation_oid(parent)
$$;
COMMENT ON FUNCTION asymm._partition_index(oid, text) IS 'The index of a partition that follows an index of its parent, and the parent''s storage parameters.';

CREATE OR REPLACE FUNCTION asymm._plan_partition(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_schema text := context ->> 'schema';
    v_rel text := 'ONLY ' || (context ->> 'rel');
BEGIN
    -- Where the parent's index is still to be made, its clones will have the name the server gives: IF EXISTS.
    RETURN QUERY
    WITH c AS (
        SELECT COALESCE(d.key, a.key) AS key, d.value AS d, a.value AS a, COALESCE(a.value ->> 'name', i.name, v.auto) AS present,
               COALESCE(d.value ->> 'name', CASE WHEN a.value ? 'name' THEN v.auto END, i.name, v.auto) AS wanted, i.options AS parental
          FROM jsonb_each(declared -> 'partition index') AS d
          FULL JOIN jsonb_each(actual -> 'partition index') AS a ON a.key = d.key
          LEFT JOIN LATERAL asymm._partition_index((context ->> 'relid')::oid, COALESCE(d.key, a.key)) AS i ON true
         CROSS JOIN LATERAL (SELECT COALESCE(d.value ->> 'auto', a.value ->> 'auto')) AS v (auto)
         WHERE d.value IS DISTINCT FROM a.value),
    r AS (
        -- A name that another has is waited for, unless that one gives it up here: then both go by way of a spare name.
        SELECT c.key, c.present, c.wanted, t.taken, asymm._plan_spare_name(c.present) AS spare
          FROM c CROSS JOIN LATERAL (SELECT asymm._relation_oid(format('%I.%I', v_schema, c.wanted)) IS NOT NULL) AS t (taken)
         WHERE c.present <> c.wanted AND (NOT t.taken OR EXISTS (SELECT FROM c AS o WHERE o.present = c.wanted AND o.wanted <> o.present)))
    SELECT 554, 0, 'partition index', r.key, format('ALTER INDEX IF EXISTS %I.%I RENAME TO %I', v_schema, r.present, r.spare),
           format('ALTER INDEX IF EXISTS %I.%I RENAME TO %I', v_schema, r.spare, r.present), 'SHARE UPDATE EXCLUSIVE', '{}'::text[], NULL::text
      FROM r WHERE r.taken
    UNION ALL
    SELECT 555, 0, 'partition index', r.key,
           format('ALTER INDEX IF EXISTS %I.%I RENAME TO %I', v_schema, CASE WHEN r.taken THEN r.spare ELSE r.present END, r.wanted),
           format('ALTER INDEX IF EXISTS %I.%I RENAME TO %I', v_schema, r.wanted, CASE WHEN r.taken THEN r.spare ELSE r.present END),
           'SHARE UPDATE EXCLUSIVE', '{}', NULL
      FROM r
    UNION ALL
    SELECT 556, 0, 'partition index', c.key, format('ALTER INDEX IF EXISTS %I.%I %s', v_schema, c.wanted, o.action),
           format('ALTER INDEX IF EXISTS %I.%I %s', v_schema, c.wanted, o.undo), 'SHARE UPDATE EXCLUSIVE', '{}', NULL
      FROM c CROSS JOIN LATERAL asymm._option_changes(
               CASE WHEN c.d ? 'options' THEN c.d -> 'options' ELSE c.parental END,
               CASE WHEN c.a ? 'options' THEN c.a -> 'options' ELSE c.parental END) AS o
    UNION ALL
    SELECT 700, 0, 'partition index', c.key, format('COMMENT ON INDEX %I.%I IS %L', v_schema, c.wanted, c.d ->> 'comment'),
           format('COMMENT ON INDEX %I.%I IS %L', v_schema, c.wanted, c.a ->> 'comment'), 'SHARE UPDATE EXCLUSIVE', '{}', NULL
      FROM c WHERE c.d ->> 'comment' IS DISTINCT FROM c.a ->> 'comment'
    UNION ALL
    SELECT 585, 0, 'partition trigger', COALESCE(d.key, a.key), asymm._plan_switch(v_rel, 'TRIGGER', COALESCE(d.key, a.key), d.value ->> 'enabled'),
           asymm._plan_switch(v_rel, 'TRIGGER', COALESCE(d.key, a.key), a.value ->> 'enabled'), 'SHARE ROW EXCLUSIVE', '{}', NULL
      FROM jsonb_each(declared -> 'partition trigger') AS d
      FULL JOIN jsonb_each(actual -> 'partition trigger') AS a ON a.key = d.key
     WHERE d.value -> 'enabled' IS DISTINCT FROM a.value -> 'enabled'
       -- One whose parent goes, goes too.
       AND (d.value IS NOT NULL OR EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = (context ->> 'relid')::oid AND t.tgname = a.key));
END
$$;
COMMENT ON FUNCTION asymm._plan_partition(jsonb, jsonb, jsonb) IS 'Steps that mend what a partition has of its own on what follows its parent.';
