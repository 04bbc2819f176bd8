-- One plan for one object or for all that drifted: what depends on something that has to go is dropped first and made
-- again after it, with everything that belongs to it. An item is {kind, schema, name, declared, layout, actual, oid,
-- renames}; declared is null for what should not be there, actual for what is missing.

-- Catalog addresses that the repair of an item takes away or gives another type.
CREATE OR REPLACE FUNCTION asymm._plan_breaks(kind text, declared jsonb, actual jsonb, oid oid, renames jsonb)
RETURNS TABLE (class_id oid, object_id oid, sub_id integer, gone boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_oid oid := _plan_breaks.oid;
    -- A type that is swapped is never missing.
    v_gone boolean := declared IS NULL OR asymm._kind_class(kind) <> 'pg_type'::regclass;
BEGIN
    IF actual IS NULL THEN
        RETURN;
    ELSIF declared IS NULL OR asymm._object_remade(kind, declared, actual) THEN
        RETURN QUERY SELECT asymm._kind_class(kind), v_oid, 0, v_gone;
        RETURN QUERY SELECT 'pg_type'::regclass::oid, c.reltype, 0, v_gone FROM pg_class AS c
                      WHERE c.oid = v_oid AND c.reltype <> 0 AND asymm._kind_class(kind) = 'pg_class'::regclass;
    ELSIF kind IN ('table', 'foreign table') THEN
        -- By the names the columns have now; what was renamed stays.
        RETURN QUERY
            SELECT 'pg_class'::regclass::oid, v_oid, a.attnum::integer, false
              FROM jsonb_each_text(asymm._plan_column_verdicts(declared -> 'column', actual -> 'column')) AS v
              JOIN pg_attribute AS a ON a.attrelid = v_oid AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attname = COALESCE(renames #>> ARRAY['column', v.key], v.key)
             WHERE v.value IN ('retype', 'remake', 'drop', 'plain')
               AND NOT EXISTS (SELECT FROM jsonb_each_text(renames -> 'column') AS r WHERE r.value = v.key)
            UNION ALL
            SELECT 'pg_constraint'::regclass, c.oid, 0, true
              FROM jsonb_each(actual -> 'constraint') AS k
              JOIN pg_constraint AS c ON c.conrelid = v_oid AND c.conname = k.key
             WHERE k.value ->> 'type' IN ('primary key', 'unique')
               AND k.value -> 'def' IS DISTINCT FROM declared #> ARRAY['constraint', k.key, 'def']
               AND NOT EXISTS (SELECT FROM jsonb_each_text(renames -> 'constraint') AS r WHERE r.value = k.key);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._plan_breaks(text, jsonb, jsonb, oid, jsonb)
    IS 'What the repair of an object drops or retypes, as catalog addresses: its dependents have to be out of the way.';

-- Each object to plan: of items as they are, of others (and of items that stand in the way of others) in two halves, away
-- (from actual to half-way) and back (from half-way to declared).
CREATE OR REPLACE FUNCTION asymm._plan_jobs(items jsonb)
RETURNS TABLE (kind text, schema_name text, object_name text, declared jsonb, layout jsonb, actual jsonb, halfway jsonb,
               object_id oid, renames jsonb, depth integer, split boolean)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_class_ids oid[];
    v_object_ids oid[];
    v_sub_ids integer[];
    v_gone boolean[];
    v_found jsonb;
BEGIN
    SELECT array_agg(b.class_id), array_agg(b.object_id), array_agg(b.sub_id), array_agg(b.gone)
      INTO v_class_ids, v_object_ids, v_sub_ids, v_gone
      FROM jsonb_to_recordset(items) AS i (kind text, declared jsonb, actual jsonb, oid oid, renames jsonb)
     CROSS JOIN LATERAL asymm._plan_breaks(i.kind, NULLIF(i.declared, 'null'), NULLIF(i.actual, 'null'), i.oid, i.renames) AS b;
    IF v_class_ids IS NOT NULL THEN
        SELECT jsonb_agg(to_jsonb(d)) INTO v_found FROM asymm._dependents(v_class_ids, v_object_ids, v_sub_ids, v_gone) AS d;
    END IF;
    RETURN QUERY
    WITH i AS (
        SELECT i.kind, i.schema, i.name, NULLIF(i.declared, 'null') AS declared, i.layout, NULLIF(i.actual, 'null') AS actual, i.oid,
               COALESCE(NULLIF(i.renames, 'null'), '{}') AS renames
          FROM jsonb_to_recordset(COALESCE(items, '[]'))
               AS i (kind text, schema text, name text, declared jsonb, layout jsonb, actual jsonb, oid oid, renames jsonb)),
    d AS (
        SELECT d.kind, d.object_id, bool_or(d.part IS NULL) AS whole,
               -- What goes as a whole takes its parts with it, however far they are.
               COALESCE(max(d.depth) FILTER (WHERE d.part IS NULL), max(d.depth)) AS depth,
               jsonb_agg(t.path) FILTER (WHERE d.part IS NOT NULL) AS parts,
               -- Through these two objects that both go may hang on each other.
               jsonb_agg(t.path) FILTER (WHERE d.part IN ('policy', 'rule') OR d.part = 'constraint' AND EXISTS (
                   SELECT FROM pg_constraint AS c WHERE c.conrelid = d.object_id AND c.conname = d.name AND c.contype = 'f')) AS ties
          FROM jsonb_to_recordset(v_found) AS d (kind text, object_id oid, part text, name text, attribute text, depth integer)
         CROSS JOIN LATERAL (SELECT array_to_json(array_remove(ARRAY[d.part, d.name, d.attribute], NULL))::jsonb AS path) AS t
          LEFT JOIN i ON i.oid = d.object_id AND i.kind = d.kind AND i.declared IS NOT NULL
         -- A table's own plan sees to a column with its sequence, and to a key, that go for their own sake.
         WHERE NOT COALESCE(d.kind = 'table' AND (
                   -- One that is made anew takes its parts with it.
                   d.part IS NOT NULL AND asymm._remakes_table(i.declared, i.actual) OR
                   d.part = 'column' AND NOT i.declared -> 'column' ? d.name AND i.actual #> ARRAY['column', d.name, 'sequence'] IS NOT NULL
                   OR d.part = 'constraint' AND i.actual #>> ARRAY['constraint', d.name, 'type'] IN ('primary key', 'unique')
                      AND i.declared #> ARRAY['constraint', d.name, 'def'] IS DISTINCT FROM i.actual #> ARRAY['constraint', d.name, 'def']), false)
            OR i.oid IS NULL
         GROUP BY d.kind, d.object_id),
    o AS (
        SELECT f.kind, f.object_id, f.schema_name, f.object_name, f.facts, f.layout
          FROM asymm._object_facts(ARRAY(SELECT d.kind FROM d ORDER BY d.object_id, d.kind),
                                   ARRAY(SELECT d.object_id FROM d ORDER BY d.object_id, d.kind)) AS f)
    -- Of what goes altogether, the parts that others wait for go first (a policy by a function over the table itself).
    SELECT i.kind, i.schema, i.name, i.declared, COALESCE(i.layout, o.layout),
           CASE WHEN d.whole AND d.ties IS NOT NULL THEN asymm._facts_without(i.actual, d.ties)
                WHEN NOT d.whole AND d.parts IS NOT NULL THEN asymm._facts_without(i.actual, d.parts) ELSE i.actual END,
           NULL::jsonb, i.oid,
           i.renames, CASE WHEN d.whole THEN d.depth ELSE 0 END, false
      FROM i
      LEFT JOIN d ON d.object_id = i.oid AND d.kind = i.kind
      LEFT JOIN o ON o.object_id = i.oid AND o.kind = i.kind
     WHERE d.object_id IS NULL OR i.declared IS NULL
    UNION ALL
    SELECT o.kind, COALESCE(i.schema, o.schema_name), COALESCE(i.name, o.object_name),
           CASE WHEN i.oid IS NOT NULL THEN i.declared ELSE o.facts END, COALESCE(i.layout, o.layout), o.facts,
           CASE WHEN NOT d.whole THEN asymm._facts_without(o.facts, d.parts)
                WHEN i.oid IS NOT NULL AND i.declared IS NULL THEN asymm._facts_without(o.facts, d.ties) END,
           o.object_id, COALESCE(i.renames, '{}'), d.depth, true
      FROM d
      JOIN o ON o.object_id = d.object_id AND o.kind = d.kind
      LEFT JOIN i ON i.oid = d.object_id AND i.kind = d.kind
     WHERE i.oid IS NULL OR i.declared IS NOT NULL OR NOT d.whole OR d.ties IS NOT NULL;
END
$$;
COMMENT ON FUNCTION asymm._plan_jobs(jsonb) IS 'Objects that take part in a repair: those that drifted, and those that depend on what has to go (split: taken away and brought back).';

CREATE OR REPLACE FUNCTION asymm._facts_without(facts jsonb, paths jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_facts jsonb := facts;
    v_path text[];
BEGIN
    FOR v_path IN SELECT ARRAY(SELECT jsonb_array_elements_text(p.path)) FROM jsonb_array_elements(paths) AS p (path) LOOP
        v_facts := v_facts #- v_path;
        -- A kind of part without any is absent.
        IF v_facts -> v_path[1] = '{}' THEN
            v_facts := v_facts - v_path[1];
        END IF;
    END LOOP;
    RETURN v_facts;
END
$$;
COMMENT ON FUNCTION asymm._facts_without(jsonb, jsonb) IS 'A facts document without the parts and attributes at some paths.';

-- An object whose repair can't be planned is told as such and must not keep the others from theirs.
CREATE OR REPLACE FUNCTION asymm._plan_safely(
    kind text, schema_name text, object_name text, declared jsonb, layout jsonb, actual jsonb, oid oid, renames jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_steps jsonb;
BEGIN
    BEGIN
        SELECT jsonb_agg(to_jsonb(p) ORDER BY p.phase, p.ord) INTO v_steps
          FROM asymm._plan_object(kind, schema_name, object_name, declared, layout, actual, oid, renames) AS p;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'repair of % %.% could not be planned: % (%)', kind, schema_name, object_name, SQLERRM, SQLSTATE;
        RETURN QUERY SELECT 900, 0, kind, '', NULL::text, NULL::text, 'none',
                            ARRAY[format('not healable: the plan failed: %s (%s)', SQLERRM, SQLSTATE)],
                            NULL::text;
    END;
    RETURN QUERY
        SELECT p.phase, p.ord, p.part, p.name, p.forward, p.inverse, p.lock_class, p.hazards, p.precondition
          FROM jsonb_to_recordset(v_steps) AS p (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text,
                                                 hazards text[], precondition text);
END
$$;
COMMENT ON FUNCTION asymm._plan_safely(text, text, text, jsonb, jsonb, jsonb, oid, jsonb) IS 'The plan of one object, or the reason why there is none.';

CREATE OR REPLACE FUNCTION asymm._plan_set(items jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        WITH j AS MATERIALIZED (SELECT * FROM asymm._plan_jobs(asymm._types_settled(items))),
        s AS (
            -- Of an object alone: what drops is of the first stage, what makes of the second; what must not go with the former
            -- is freed before (phase 9), and partitions leave a parent before it is dropped.
            SELECT CASE WHEN p.phase = 9 OR d.leaves THEN 0 WHEN p.phase = 10 OR j.declared IS NULL AND p.phase < 600 THEN 1 ELSE 2 END AS stage,
                   j.depth, j.kind, j.schema_name, j.object_name, p.*,
                   p.hazards AS dangers
              FROM j CROSS JOIN LATERAL asymm._plan_safely(j.kind, j.schema_name, j.object_name, j.declared, j.layout, j.actual,
                                                           j.object_id, j.renames) AS p
             CROSS JOIN LATERAL (SELECT j.kind IN ('table', 'foreign table') AND p.phase = 200 AND j.renames = '{}' AS leaves) AS d
             WHERE NOT j.split
            UNION ALL
            SELECT 1, j.depth, j.kind, j.schema_name, j.object_name, p.*,
                   -- A generated column comes back with its values.
                   CASE WHEN j.halfway IS NOT NULL THEN array_replace(p.hazards, 'deletes data', 'rewrites table') ELSE p.hazards END
              FROM j CROSS JOIN LATERAL asymm._plan_safely(j.kind, COALESCE(j.renames #>> ARRAY[j.kind, 'schema'], j.schema_name),
                                                           COALESCE(j.renames #>> ARRAY[j.kind, 'name'], j.object_name),
                                                           j.halfway, j.layout, j.actual, j.object_id, '{}') AS p
             WHERE j.split
            UNION ALL
            SELECT CASE WHEN j.kind = 'table' AND p.phase = 200 AND j.renames = '{}' THEN 0 ELSE 2 END,
                   j.depth, j.kind, j.schema_name, j.object_name, p.*, p.hazards
              FROM j CROSS JOIN LATERAL asymm._plan_safely(j.kind, j.schema_name, j.object_name, j.declared, j.layout, j.halfway,
                                                           CASE WHEN j.halfway IS NOT NULL THEN j.object_id END, j.renames) AS p
             WHERE j.split AND j.declared IS NOT NULL)
        SELECT COALESCE(jsonb_agg(jsonb_build_object(
                   'step', n.step, 'phase', n.phase, 'kind', n.kind, 'object', asymm._object_identity(n.kind, n.schema_name, n.object_name),
                   'schema', n.schema_name, 'called', n.object_name,
                   'part', n.part, 'name', n.name, 'forward', n.forward, 'inverse', n.inverse, 'lock_class', n.lock_class,
                   'hazards', n.dangers, 'precondition', CASE WHEN n.hazards IS NOT DISTINCT FROM n.dangers THEN n.precondition END)
                   ORDER BY n.step), '[]')
          FROM (SELECT s.*, row_number() OVER (
                           -- On foreign keys, triggers, policies and rules depends nothing: they go first, not by the depth of their tables.
                           ORDER BY s.stage, s.stage = 1 AND s.phase NOT BETWEEN 200 AND 259, CASE WHEN s.stage = 1 THEN - s.depth END,
                                    s.phase, s.depth, s.ord, s.kind, s.schema_name COLLATE "C", s.object_name COLLATE "C",
                                    s.forward COLLATE "C") AS step
                  FROM s
                 -- A schema that gets its name back changes what is read of all that is in it or uses it: the rest is planned
                 -- after that.
                 WHERE s.phase = 12 AND starts_with(s.forward, 'ALTER SCHEMA ')
                    OR NOT EXISTS (SELECT FROM s AS r WHERE r.phase = 12 AND starts_with(r.forward, 'ALTER SCHEMA '))) AS n);
END
$$;
COMMENT ON FUNCTION asymm._plan_set(jsonb)
    IS 'The whole plan for objects that differ, dependents included, as the ledger stores it: steps in the order to run, each with object, inverse, lock, hazards.';
