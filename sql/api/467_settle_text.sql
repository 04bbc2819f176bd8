-- After a repair: the text that the server prints of what was run.

-- Text that was run comes back in the server's own form, which then is the declared one.
CREATE OR REPLACE FUNCTION asymm._settle_text(action bigint, items jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_base asymm.baseline;
    v_facts jsonb;
    v_changed boolean := false;
BEGIN
    FOR v IN SELECT i.* FROM jsonb_to_recordset(items) AS i (baseline bigint, declared jsonb, actual jsonb, renames jsonb)
              WHERE i.baseline IS NOT NULL AND i.renames = '{}' AND i.actual <> 'null' LOOP
        SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline;
        v_facts := v_base.facts;
        SELECT asymm._facts_with(v_base.facts, jsonb_agg(to_jsonb(d))) INTO v_facts
          FROM asymm._compare(v_base.facts, v.actual) AS d
         WHERE d.attribute IN ('def', 'default', 'generated', 'using', 'check', 'bound', 'partition_key')
           AND asymm._same_but_casts(d.declared #>> '{}', d.actual #>> '{}')
        HAVING count(*) > 0;
        IF FOUND THEN
            INSERT INTO asymm.action_event (action_id, from_state, to_state, by_role, note)
            VALUES (action, 'applying', 'applying', asymm._caller(), format('declared is now what the server prints: %s %s',
                    v_base.kind, asymm._object_identity(v_base.kind, v_base.schema_name, v_base.object_name)));
            UPDATE asymm.baseline AS b SET facts = v_facts, fingerprint = asymm._fingerprint(v_facts) WHERE b.id = v_base.id;
            v_changed := true;
        END IF;
    END LOOP;
    RETURN v_changed;
END
$$;
COMMENT ON FUNCTION asymm._settle_text(bigint, jsonb) IS 'Declares the replayed form of definitions that differ in nothing but casts; true when there were any.';

CREATE OR REPLACE FUNCTION asymm._facts_with(facts jsonb, differences jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_facts jsonb := facts;
    v record;
BEGIN
    FOR v IN SELECT * FROM jsonb_to_recordset(differences) AS d (part text, name text, attribute text, actual jsonb) LOOP
        v_facts := jsonb_set(v_facts, ARRAY[v.part, v.name, v.attribute], v.actual);
    END LOOP;
    RETURN v_facts;
END
$$;
COMMENT ON FUNCTION asymm._facts_with(jsonb, jsonb) IS 'A facts document with attributes set as some differences say.';
