-- Accepting: what is becomes what should be, in whole by adopt(), or what a migration changed and nothing else.

CREATE OR REPLACE FUNCTION asymm._set_baseline(baseline bigint, facts jsonb, layout jsonb, reason text, schema_name name, object_name name)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE asymm.baseline AS b
       SET facts = _set_baseline.facts, layout = _set_baseline.layout, fingerprint = asymm._fingerprint(_set_baseline.facts),
           schema_name = _set_baseline.schema_name, object_name = _set_baseline.object_name,
           adopted_by = asymm._caller(), adopted_at = clock_timestamp(), reason = _set_baseline.reason
     WHERE b.id = baseline
$$;
COMMENT ON FUNCTION asymm._set_baseline(bigint, jsonb, jsonb, text, name, name) IS 'Declares new facts for a watched table.';

-- keep_open: differences that were open before stay drift; only what came since is adopted.
CREATE OR REPLACE FUNCTION asymm._adopt(baseline bigint, reason text, keep_open boolean)
RETURNS TABLE (part text, name text, attribute text, declared jsonb, adopted jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_base asymm.baseline;
    v_look record;
    v_facts jsonb;
    v_at record;
    v_open record;
    v_differences jsonb;
    v_action bigint;
BEGIN
    SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = baseline FOR UPDATE;
    v_look := asymm._look(baseline);
    IF v_look.facts IS NULL THEN
        -- The table is gone on purpose: nothing is left to declare.
        INSERT INTO asymm.action (kind, target, owner, state, reason, requested_by, evidence_before, applied_by, applied_at)
        VALUES ('adopt', format('%I.%I', v_base.schema_name, v_base.object_name), (v_base.facts #>> '{table,"",owner}')::name,
                'verified', reason, asymm._caller(), to_jsonb(v_base), asymm._caller(), clock_timestamp())
        RETURNING id INTO v_action;
        INSERT INTO asymm.action_event (action_id, to_state, by_role, note) VALUES (v_action, 'verified', asymm._caller(), reason);
        PERFORM asymm._close_drift(baseline, 'adopted');
        RETURN QUERY SELECT 'table', '', NULL::text, v_base.facts #> '{table,""}', NULL::jsonb;
        DELETE FROM asymm.baseline b WHERE b.id = baseline;
        RETURN;
    END IF;
    v_facts := v_look.facts;
    SELECT n.nspname, c.relname INTO v_at FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = v_look.relid;
    IF keep_open THEN
        FOR v_open IN
            SELECT d.part, d.name, d.attribute, d.declared, d.actual FROM asymm.drift_record d
             WHERE d.baseline_id = baseline AND d.state = 'open' AND d.attribute IS DISTINCT FROM 'name'
        LOOP
            -- Only where the drift is still what it was.
            CONTINUE WHEN v_look.facts #> array_remove(ARRAY[v_open.part, v_open.name, v_open.attribute], NULL)
                          IS DISTINCT FROM v_open.actual;
            IF v_open.declared IS NULL THEN
                v_facts := v_facts #- array_remove(ARRAY[v_open.part, v_open.name, v_open.attribute], NULL);
            ELSE
                v_facts := jsonb_set(v_facts || jsonb_build_object(v_open.part, COALESCE(v_facts -> v_open.part, '{}')),
                                     array_remove(ARRAY[v_open.part, v_open.name, v_open.attribute], NULL), v_open.declared);
            END IF;
        END LOOP;
    END IF;
    SELECT jsonb_agg(to_jsonb(d)) INTO v_differences FROM asymm._compare(v_base.facts, v_facts) AS d;
    IF v_differences IS NOT NULL OR v_look.renames ? 'table' THEN
        INSERT INTO asymm.action (kind, baseline_id, target, owner, state, reason, requested_by, fingerprint_before,
                                  fingerprint_after, evidence_before, evidence_after, applied_by, applied_at)
        VALUES ('adopt', baseline, format('%I.%I', v_base.schema_name, v_base.object_name), v_look.owner, 'verified', reason,
                asymm._caller(), v_base.fingerprint, asymm._fingerprint(v_facts), to_jsonb(v_base),
                jsonb_build_object('differences', v_differences), asymm._caller(), clock_timestamp())
        RETURNING id INTO v_action;
        INSERT INTO asymm.action_event (action_id, to_state, by_role, note) VALUES (v_action, 'verified', asymm._caller(), reason);
        PERFORM asymm._set_baseline(baseline, v_facts, v_look.layout, reason,
                                    v_at.nspname, v_at.relname);
    END IF;
    UPDATE asymm.baseline_state SET held = NULL WHERE baseline_id = baseline AND held IS NOT NULL;
    IF keep_open THEN
        UPDATE asymm.drift_record AS d SET state = 'adopted', resolved_at = clock_timestamp()
         WHERE d.baseline_id = baseline AND d.state = 'open' AND d.attribute = 'name';
    ELSE
        PERFORM asymm._close_drift(baseline, 'adopted');
    END IF;
    PERFORM asymm._refresh_members(ARRAY[baseline]);
    RETURN QUERY
        SELECT d.part, d.name, d.attribute, NULLIF(d.declared, 'null'), NULLIF(d.actual, 'null')
          FROM jsonb_to_recordset(v_differences) AS d (part text, name text, attribute text, declared jsonb, actual jsonb);
END
$$;
COMMENT ON FUNCTION asymm._adopt(bigint, text, boolean) IS 'Makes the present state of a table its baseline and writes that to the ledger; returns what changed.';

CREATE OR REPLACE FUNCTION asymm.adopt(target text, reason text DEFAULT NULL)
RETURNS TABLE (object text, kind text, part text, name text, attribute text, declared jsonb, adopted jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record := asymm._resolve(target);
    v_object text := format('%I.%I', v.schema_name, v.object_name);
    v_relid regclass;
    v_watched asymm.watched_schema;
BEGIN
    IF v.baseline_id IS NULL THEN
        -- A table that appeared in a watched schema: declare it like the others there.
        v_relid := to_regclass(v_object);
        PERFORM asymm._require_rights(asymm._require_table(v_relid), v_object);
        SELECT w.* INTO v_watched FROM asymm.watched_schema w WHERE w.schema_name = v.schema_name;
        PERFORM asymm._declare(ARRAY[v_relid::oid], COALESCE(v_watched.policy, 'propose'), v_watched.annotation, true, adopt.reason);
        PERFORM asymm._set_action_state(a.id, 'expired', 'adopted') FROM asymm.action a
          WHERE a.target = v_object AND a.baseline_id IS NULL AND a.state IN ('proposed', 'approved');
        RETURN QUERY SELECT v_object, 'table', 'table', '', NULL::text, NULL::jsonb, f.facts
                       FROM asymm._table_facts(ARRAY[v_relid::oid]) AS f;
    ELSE
        PERFORM asymm._require_rights((b.facts #>> '{table,"",owner}')::name, v_object)
           FROM asymm.baseline b WHERE b.id = v.baseline_id;
        RETURN QUERY SELECT v_object, 'table', a.* FROM asymm._adopt(v.baseline_id, adopt.reason, false) AS a;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm.adopt(text, text)
    IS 'Accepts what is: the present state of a watched table becomes its baseline, a table that is gone is no longer watched, one that appeared in a watched schema is. Returns what changed. Raises 22004, 22023, 42P01, 42501, SY001.';
