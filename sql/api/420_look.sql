-- One look at a watched table: what it is now, and how it differs from its baseline.

-- Parts that sit at a declared address under another name. relid is taken from the last look, else found by name.
CREATE OR REPLACE FUNCTION asymm._look(
    baseline bigint,
    OUT relid oid, OUT owner name, OUT facts jsonb, OUT layout jsonb, OUT renames jsonb, OUT fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_base asymm.baseline;
    v_at record;
BEGIN
    SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = baseline;
    -- A table of the declared name comes first: one that was remade under it is the declared one.
    SELECT c.oid INTO relid
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = v_base.schema_name AND c.relname = v_base.object_name AND c.relkind IN ('r', 'p');
    IF relid IS NULL THEN
        SELECT s.relid INTO relid
          FROM asymm.baseline_state s JOIN pg_class c ON c.oid = s.relid AND c.relkind IN ('r', 'p')
         WHERE s.baseline_id = baseline
           AND NOT EXISTS (SELECT FROM asymm.baseline o JOIN pg_namespace n ON n.nspname = o.schema_name
                            WHERE n.oid = c.relnamespace AND o.object_name = c.relname);
    END IF;
    renames := '{}';
    IF relid IS NULL THEN
        RETURN;
    END IF;
    SELECT f.schema_name, f.object_name, f.owner, f.facts, f.layout INTO v_at FROM asymm._table_facts(ARRAY[_look.relid]) AS f;
    owner := v_at.owner;
    facts := v_at.facts;
    layout := v_at.layout;
    SELECT COALESCE(jsonb_object_agg(r.part, r.names), '{}') INTO renames
      FROM (SELECT m.part, jsonb_object_agg(m.name, a.name) AS names
              FROM asymm._addresses(ARRAY[_look.relid]) AS a
              JOIN asymm.member AS m USING (class_id, object_id, sub_id)
             WHERE m.baseline_id = baseline AND a.name <> m.name AND a.part = m.part
               AND m.part IN ('column', 'constraint', 'index', 'trigger', 'policy', 'rule')
               AND v_base.facts #> ARRAY[m.part, m.name] IS NOT NULL
             GROUP BY m.part) AS r;
    IF (v_at.schema_name, v_at.object_name) IS DISTINCT FROM (v_base.schema_name, v_base.object_name) THEN
        renames := renames || jsonb_build_object('table',
            jsonb_build_object('schema', v_at.schema_name, 'name', v_at.object_name));
    END IF;
    fingerprint := CASE WHEN renames = '{}' THEN asymm._fingerprint(facts)
                        ELSE asymm._sha256(asymm._fingerprint(facts) || renames) END;
END
$$;
COMMENT ON FUNCTION asymm._look(bigint)
    IS 'A watched table as it is now: OID, owner, facts, column order, declared parts found under other names, fingerprint; all NULL when it is gone.';

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
    FOR v_part IN SELECT r.key AS part, r.value AS names FROM jsonb_each(renames) AS r WHERE r.key <> 'table' LOOP
        v_actual := jsonb_set(v_actual, ARRAY[v_part.part],
            (SELECT COALESCE(jsonb_object_agg(COALESCE(n.key, p.key), p.value), '{}')
               FROM jsonb_each(v_actual -> v_part.part) AS p
               LEFT JOIN jsonb_each_text(v_part.names) AS n ON n.value = p.key));
        RETURN QUERY SELECT v_part.part, n.key, 'name', to_jsonb(n.key), n.value FROM jsonb_each(v_part.names) AS n;
    END LOOP;
    IF renames ? 'table' THEN
        RETURN QUERY SELECT 'table', '', 'name', NULL::jsonb, renames -> 'table';
    END IF;
    RETURN QUERY SELECT c.* FROM asymm._compare(_differences.a, v_actual) AS c;
END
$$;
COMMENT ON FUNCTION asymm._differences(jsonb, jsonb, jsonb) IS 'Differences of two facts documents (a declared, b actual) with renames told as such (attribute name).';
