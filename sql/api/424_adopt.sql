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

-- What stays drift when a migration is adopted: differences seen before it began (since) and, if only one attribute can
-- have been meant (only), everything else. Returns the facts to declare, and the renames that stay drift.
CREATE OR REPLACE FUNCTION asymm._facts_to_adopt(
    baseline bigint, declared jsonb, actual jsonb, renames jsonb, since timestamptz, only_attribute text,
    OUT facts jsonb, OUT kept_renames jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_path text[];
BEGIN
    facts := _facts_to_adopt.actual;
    kept_renames := '{}';
    FOR v IN
        SELECT r.key AS part, jsonb_object_agg(n.key, n.value) AS names
          FROM jsonb_each(renames) AS r, jsonb_each(r.value) AS n
         WHERE only_attribute IS NOT NULL
            OR EXISTS (SELECT FROM asymm.drift_record d
                        WHERE d.baseline_id = baseline AND d.state = 'open' AND d.attribute = 'name' AND d.noticed_at < since
                          AND d.part = r.key AND (r.key = 'table' OR d.name = n.key))
         GROUP BY r.key
    LOOP
        kept_renames := kept_renames || jsonb_build_object(v.part, v.names);
        CONTINUE WHEN v.part = 'table';
        facts := jsonb_set(facts, ARRAY[v.part],
            (SELECT jsonb_object_agg(COALESCE(n.key, p.key), p.value)
               FROM jsonb_each(facts -> v.part) AS p
               LEFT JOIN jsonb_each_text(v.names) AS n ON n.value = p.key));
    END LOOP;
    FOR v IN
        SELECT d.part, d.name, d.attribute, d.declared, d.actual FROM asymm.drift_record d
         WHERE d.baseline_id = baseline AND d.state = 'open' AND d.noticed_at < since
        UNION
        SELECT d.part, d.name, d.attribute, d.declared, d.actual
          FROM asymm._compare(_facts_to_adopt.declared, facts) AS d
         WHERE only_attribute IS NOT NULL AND d.attribute IS DISTINCT FROM only_attribute
    LOOP
        v_path := array_remove(ARRAY[v.part, v.name, v.attribute], NULL);
        -- Only where the drift is still what it was.
        CONTINUE WHEN v.attribute = 'name' OR facts #> v_path IS DISTINCT FROM v.actual;
        IF v.declared IS NULL THEN
            facts := facts #- v_path;
        ELSE
            facts := jsonb_set(facts || jsonb_build_object(v.part, COALESCE(facts -> v.part, '{}')), v_path, v.declared);
        END IF;
    END LOOP;
    -- A kind of part without any is absent, as _table_facts() has it.
    SELECT jsonb_object_agg(f.key, f.value) INTO facts FROM jsonb_each(facts) AS f WHERE f.value <> '{}';
END
$$;
COMMENT ON FUNCTION asymm._facts_to_adopt(bigint, jsonb, jsonb, jsonb, timestamptz, text)
    IS 'The actual facts of a table with those differences put back that are older than a migration or none of its business.';

-- since NULL: everything is adopted.
CREATE OR REPLACE FUNCTION asymm._adopt(
    baseline bigint, reason text, since timestamptz DEFAULT NULL, only_attribute text DEFAULT NULL)
RETURNS TABLE (part text, name text, attribute text, declared jsonb, adopted jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_base asymm.baseline;
    v_look record;
    v_new record;
    v_schema name;
    v_object name;
    v_differences jsonb;
    v_action bigint;
BEGIN
    SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = baseline FOR UPDATE;
    v_look := asymm._look(baseline);
    IF since IS NOT NULL THEN
        PERFORM asymm._require_read(baseline);
    END IF;
    IF v_look.facts IS NULL THEN
        IF only_attribute IS NOT NULL THEN
            RETURN;
        END IF;
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
    v_new := asymm._facts_to_adopt(baseline, v_base.facts, v_look.facts, v_look.renames, since, only_attribute);
    v_schema := CASE WHEN v_new.kept_renames ? 'table' THEN v_base.schema_name
                     ELSE COALESCE(v_look.renames #>> '{table,schema}', v_base.schema_name) END;
    v_object := CASE WHEN v_new.kept_renames ? 'table' THEN v_base.object_name
                     ELSE COALESCE(v_look.renames #>> '{table,name}', v_base.object_name) END;
    SELECT jsonb_agg(to_jsonb(d)) INTO v_differences FROM asymm._compare(v_base.facts, v_new.facts) AS d;
    IF (v_schema, v_object) IS DISTINCT FROM (v_base.schema_name, v_base.object_name) THEN
        v_differences := COALESCE(v_differences, '[]') || jsonb_build_object('part', 'table', 'name', '', 'attribute', 'name',
            'declared', format('%I.%I', v_base.schema_name, v_base.object_name), 'actual', format('%I.%I', v_schema, v_object));
    END IF;
    IF v_differences IS NOT NULL THEN
        INSERT INTO asymm.action (kind, baseline_id, target, owner, state, reason, requested_by, fingerprint_before,
                                  fingerprint_after, evidence_before, evidence_after, applied_by, applied_at)
        VALUES ('adopt', baseline, format('%I.%I', v_base.schema_name, v_base.object_name), v_look.owner, 'verified', reason,
                asymm._caller(), v_base.fingerprint, asymm._fingerprint(v_new.facts), to_jsonb(v_base),
                jsonb_build_object('differences', v_differences), asymm._caller(), clock_timestamp())
        RETURNING id INTO v_action;
        INSERT INTO asymm.action_event (action_id, to_state, by_role, note) VALUES (v_action, 'verified', asymm._caller(), reason);
        PERFORM asymm._set_baseline(baseline, v_new.facts, v_look.layout, reason, v_schema, v_object);
    END IF;
    IF since IS NULL THEN
        UPDATE asymm.baseline_state SET held = NULL WHERE baseline_id = baseline AND held IS NOT NULL;
        PERFORM asymm._close_drift(baseline, 'adopted');
    ELSE
        UPDATE asymm.drift_record AS d SET state = 'adopted', resolved_at = clock_timestamp()
         WHERE d.baseline_id = baseline AND d.state = 'open'
           AND NOT EXISTS (SELECT FROM asymm._differences(v_new.facts, v_look.facts, v_new.kept_renames) AS f
                            WHERE f.part = d.part AND f.name = d.name AND f.attribute IS NOT DISTINCT FROM d.attribute);
    END IF;
    PERFORM asymm._refresh_members(ARRAY[baseline]);
    UPDATE asymm.member AS m SET name = n.key
      FROM jsonb_each(v_new.kept_renames - 'table') AS r, jsonb_each_text(r.value) AS n
     WHERE m.baseline_id = baseline AND m.part = r.key AND m.name = n.value;
    RETURN QUERY
        SELECT d.part, d.name, d.attribute, NULLIF(d.declared, 'null'), NULLIF(d.actual, 'null')
          FROM jsonb_to_recordset(v_differences) AS d (part text, name text, attribute text, declared jsonb, actual jsonb);
END
$$;
COMMENT ON FUNCTION asymm._adopt(bigint, text, timestamptz, text)
    IS 'Makes the present state of a table (or what a migration changed of it) its baseline and writes that to the ledger; returns what changed.';

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
        v_relid := asymm._relid(v_object);
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
        RETURN QUERY SELECT v_object, 'table', a.* FROM asymm._adopt(v.baseline_id, adopt.reason) AS a;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm.adopt(text, text)
    IS 'Accepts what is: the present state of a watched table becomes its baseline, a table that is gone is no longer watched, one that appeared in a watched schema is. Returns what changed. Raises 22004, 22023, 42P01, 42501, SY001.';
