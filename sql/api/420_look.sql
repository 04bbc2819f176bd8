-- One look at a watched object: what it is now, and how it differs from its baseline.

CREATE OR REPLACE FUNCTION asymm._facts_of(of_kind text, id oid)
RETURNS TABLE (kind text, object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    -- Tables are looked at most, and this is quicker.
    IF of_kind = 'table' THEN
        RETURN QUERY SELECT 'table', f.relid, f.schema_name::text, f.object_name::text, f.owner, f.facts, f.layout
                       FROM asymm._table_facts(ARRAY[id]) AS f;
    ELSIF id IS NOT NULL THEN
        RETURN QUERY SELECT f.* FROM asymm._object_facts(ARRAY[of_kind], ARRAY[id]) AS f;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._facts_of(text, oid) IS 'Facts of one object by kind and OID; no row when there is none.';

-- Parts of a table that sit at a declared address under another name: part → declared → present name.
CREATE OR REPLACE FUNCTION asymm._inner_renames(baseline bigint, declared jsonb, relid oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(jsonb_object_agg(r.part, r.names), '{}')
          FROM (SELECT m.part, jsonb_object_agg(m.name, a.name) AS names
                  FROM asymm._addresses(ARRAY[relid]) AS a
                  JOIN asymm.member AS m USING (class_id, object_id, sub_id)
                 WHERE m.baseline_id = baseline AND a.name <> m.name AND a.part = m.part
                   AND m.part IN ('column', 'constraint', 'index', 'trigger', 'policy', 'rule')
                   AND declared #> ARRAY[m.part, m.name] IS NOT NULL
                 GROUP BY m.part) AS r);
END
$$;
COMMENT ON FUNCTION asymm._inner_renames(bigint, jsonb, oid) IS 'What of a watched table is declared but found under other names.';

-- Parts that sit at a declared address under another name, and the object itself if it does, are renames: part (the kind
-- for the object) → declared → present name. The object is taken from the last look, else found by name.
CREATE OR REPLACE FUNCTION asymm._look(
    baseline bigint,
    OUT object_id oid, OUT owner name, OUT facts jsonb, OUT layout jsonb, OUT renames jsonb, OUT fingerprint text)
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_base asymm.baseline;
    v_at record;
    v_named oid;
BEGIN
    SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = baseline;
    renames := '{}';
    SELECT s.object_id INTO object_id FROM asymm.baseline_state s WHERE s.baseline_id = baseline;
    SELECT f.* INTO v_at FROM asymm._facts_of(v_base.kind, _look.object_id) AS f;
    IF (v_at.schema_name, v_at.object_name) IS DISTINCT FROM (v_base.schema_name, v_base.object_name) THEN
        -- An object of the declared name comes first: one that was remade under it is the declared one.
        v_named := asymm._object_oid(v_base.kind, v_base.schema_name, v_base.object_name);
        IF v_named IS NOT NULL THEN
            SELECT f.* INTO v_at FROM asymm._facts_of(v_base.kind, v_named) AS f;
        ELSIF EXISTS (SELECT FROM asymm.baseline o
                       WHERE (o.kind, o.schema_name, o.object_name) = (v_base.kind, v_at.schema_name, v_at.object_name)) THEN
            SELECT f.* INTO v_at FROM asymm._facts_of(v_base.kind, NULL) AS f;      -- declared as such
        END IF;
    END IF;
    object_id := v_at.object_id;
    IF object_id IS NULL THEN
        RETURN;
    END IF;
    owner := v_at.owner;
    facts := CASE WHEN v_base.kind IN ('table', 'materialized view') THEN asymm._without_index_work(_look.object_id, v_at.facts, v_base.facts)
                  ELSE v_at.facts END;
    layout := v_at.layout;
    IF v_base.kind = 'table' THEN
        renames := asymm._inner_renames(baseline, v_base.facts, _look.object_id);
    END IF;
    IF (v_at.schema_name, v_at.object_name) IS DISTINCT FROM (v_base.schema_name, v_base.object_name) THEN
        renames := renames || jsonb_build_object(v_base.kind,
            jsonb_build_object('schema', v_at.schema_name, 'name', v_at.object_name));
    END IF;
    fingerprint := CASE WHEN renames = '{}' THEN asymm._fingerprint(facts)
                        ELSE asymm._sha256(asymm._fingerprint(facts) || renames) END;
END
$$;
COMMENT ON FUNCTION asymm._look(bigint)
    IS 'A watched object as it is now: OID, owner, facts, layout, what is declared but found under other names, fingerprint; all NULL when it is gone.';

CREATE OR REPLACE FUNCTION asymm._differences(a jsonb, b jsonb, renames jsonb)
RETURNS TABLE (part text, name text, attribute text, declared jsonb, actual jsonb)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_actual jsonb := _differences.b;
    v_part record;
BEGIN
    -- What was renamed is compared under its declared name, and the rename told as one difference.
    FOR v_part IN SELECT r.key AS part, r.value AS names FROM jsonb_each(renames) AS r LOOP
        -- The object itself is the part without a name.
        IF _differences.a -> v_part.part ? '' THEN
            RETURN QUERY SELECT v_part.part, '', 'name', NULL::jsonb, v_part.names;
            CONTINUE;
        END IF;
        v_actual := jsonb_set(v_actual, ARRAY[v_part.part],
            (SELECT COALESCE(jsonb_object_agg(COALESCE(n.key, p.key), p.value), '{}')
               FROM jsonb_each(v_actual -> v_part.part) AS p
               LEFT JOIN jsonb_each_text(v_part.names) AS n ON n.value = p.key));
        RETURN QUERY SELECT v_part.part, n.key, 'name', to_jsonb(n.key), n.value FROM jsonb_each(v_part.names) AS n;
    END LOOP;
    RETURN QUERY SELECT c.* FROM asymm._compare(_differences.a, v_actual) AS c;
END
$$;
COMMENT ON FUNCTION asymm._differences(jsonb, jsonb, jsonb) IS 'Differences of two facts documents (a declared, b actual) with renames told as such (attribute name).';
