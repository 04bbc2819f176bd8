-- Accepting: what is becomes what should be, in whole by adopt(), or what a migration changed and nothing else.

CREATE OR REPLACE FUNCTION asymm._set_baseline(baseline bigint, facts jsonb, layout jsonb, reason text, schema_name text, object_name text)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE asymm.baseline AS b
       SET facts = _set_baseline.facts, layout = _set_baseline.layout, fingerprint = asymm._fingerprint(_set_baseline.facts),
           schema_name = _set_baseline.schema_name, object_name = _set_baseline.object_name,
           adopted_by = asymm._caller(), adopted_at = clock_timestamp(), reason = _set_baseline.reason
     WHERE b.id = baseline;
    -- It may have another name or owner now.
    SELECT asymm._renew_policies(ARRAY[baseline]);
$$;
COMMENT ON FUNCTION asymm._set_baseline(bigint, jsonb, jsonb, text, text, text) IS 'Declares new facts for a watched object.';

-- Each role's rights are a difference of their own.
CREATE OR REPLACE FUNCTION asymm._rights_before(now jsonb, declared jsonb, drifted jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT jsonb_object_agg(r.role, r.rights)
          FROM (SELECT k.role, CASE WHEN now -> k.role IS NOT DISTINCT FROM drifted -> k.role THEN declared -> k.role
                                    ELSE now -> k.role END AS rights
                  FROM (SELECT jsonb_object_keys(now) AS role UNION SELECT jsonb_object_keys(declared)) AS k) AS r
         WHERE r.rights IS NOT NULL);
END
$$;
COMMENT ON FUNCTION asymm._rights_before(jsonb, jsonb, jsonb) IS 'Present privileges (role → rights) without what drifted before, role by role; NULL when none are left.';

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
    v_kind text := asymm._facts_kind(declared);
BEGIN
    facts := _facts_to_adopt.actual;
    kept_renames := '{}';
    FOR v IN
        SELECT r.key AS part, jsonb_object_agg(n.key, n.value) AS names
          FROM jsonb_each(renames) AS r, jsonb_each(r.value) AS n
         WHERE only_attribute IS NOT NULL
            OR EXISTS (SELECT FROM asymm.drift_record d
                        WHERE d.baseline_id = baseline AND d.state = 'open' AND d.attribute = 'name' AND d.noticed_at < since
                          AND d.part = r.key AND (r.key = v_kind OR d.name = n.key))
         GROUP BY r.key
    LOOP
        kept_renames := kept_renames || jsonb_build_object(v.part, v.names);
        CONTINUE WHEN v.part = v_kind;
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
        CONTINUE WHEN v.attribute = 'name';
        IF v.attribute = 'acl' AND facts #> v_path IS DISTINCT FROM v.actual AND facts #> ARRAY[v.part, v.name] IS NOT NULL THEN
            v.declared := asymm._rights_before(facts #> v_path, NULLIF(v.declared, 'null'), NULLIF(v.actual, 'null'));
        ELSE
            -- Only where the drift is still what it was.
            CONTINUE WHEN facts #> v_path IS DISTINCT FROM v.actual;
        END IF;
        IF v.declared IS NULL THEN
            facts := facts #- v_path;
        ELSE
            facts := jsonb_set(facts || jsonb_build_object(v.part, COALESCE(facts -> v.part, '{}')), v_path, v.declared);
        END IF;
    END LOOP;
    -- A kind of part without any is absent, as the readers of facts have it.
    SELECT jsonb_object_agg(f.key, f.value) INTO facts FROM jsonb_each(facts) AS f WHERE f.value <> '{}';
END
$$;
COMMENT ON FUNCTION asymm._facts_to_adopt(bigint, jsonb, jsonb, jsonb, timestamptz, text)
    IS 'The actual facts of an object with those differences put back that are older than a migration or none of its business.';

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
    v_schema text;
    v_object text;
    v_display text;
    v_differences jsonb;
    v_action bigint;
    v_snapshot pg_snapshot;
    v_at timestamptz;
BEGIN
    SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = baseline FOR UPDATE;
    v_snapshot := pg_current_snapshot();
    v_at := clock_timestamp();
    v_look := asymm._look(baseline);
    v_display := asymm._object_display(v_base.kind, v_base.schema_name, v_base.object_name);
    IF since IS NOT NULL THEN
        PERFORM asymm._require_read(baseline);
    END IF;
    IF v_look.facts IS NULL THEN
        IF only_attribute IS NOT NULL THEN
            RETURN;
        END IF;
        -- It is gone on purpose: nothing is left to declare.
        INSERT INTO asymm.action (kind, target, object_kind, schema_name, object_name, owner, state, reason, requested_by, evidence_before,
                                  applied_by, applied_at)
        VALUES ('adopt', v_display, v_base.kind, v_base.schema_name, v_base.object_name, asymm._declared_owner(v_base.kind, v_base.facts),
                'verified', reason, asymm._caller(), to_jsonb(v_base), asymm._caller(), clock_timestamp())
        RETURNING id INTO v_action;
        INSERT INTO asymm.action_event (action_id, to_state, by_role, note) VALUES (v_action, 'verified', asymm._caller(), reason);
        PERFORM asymm._close_drift(baseline, 'adopted');
        RETURN QUERY SELECT v_base.kind, '', NULL::text, v_base.facts #> ARRAY[v_base.kind, ''], NULL::jsonb;
        -- For asymm.history().
        UPDATE asymm.drift_record AS d SET baseline_id = NULL WHERE d.baseline_id = baseline AND d.state <> 'open';
        DELETE FROM asymm.baseline b WHERE b.id = baseline;
        RETURN;
    END IF;
    v_new := asymm._facts_to_adopt(baseline, v_base.facts, v_look.facts, v_look.renames, since, only_attribute);
    v_schema := CASE WHEN v_new.kept_renames ? v_base.kind THEN v_base.schema_name
                     ELSE COALESCE(v_look.renames #>> ARRAY[v_base.kind, 'schema'], v_base.schema_name) END;
    v_object := CASE WHEN v_new.kept_renames ? v_base.kind THEN v_base.object_name
                     ELSE COALESCE(v_look.renames #>> ARRAY[v_base.kind, 'name'], v_base.object_name) END;
    SELECT jsonb_agg(to_jsonb(d)) INTO v_differences FROM asymm._compare(v_base.facts, v_new.facts) AS d;
    IF (v_schema, v_object) IS DISTINCT FROM (v_base.schema_name, v_base.object_name) THEN
        v_differences := COALESCE(v_differences, '[]') || jsonb_build_object('part', v_base.kind, 'name', '', 'attribute', 'name',
            'declared', v_display, 'actual', asymm._object_display(v_base.kind, v_schema, v_object));
    END IF;
    IF v_differences IS NOT NULL THEN
        INSERT INTO asymm.action (kind, baseline_id, target, object_kind, schema_name, object_name, owner, state, reason, requested_by,
                                  fingerprint_before, fingerprint_after, evidence_before, evidence_after, applied_by, applied_at)
        VALUES ('adopt', baseline, v_display, v_base.kind, v_base.schema_name, v_base.object_name, v_look.owner, 'verified', reason,
                asymm._caller(), v_base.fingerprint, asymm._fingerprint(v_new.facts), to_jsonb(v_base),
                jsonb_build_object('differences', v_differences), asymm._caller(), clock_timestamp())
        RETURNING id INTO v_action;
        INSERT INTO asymm.action_event (action_id, to_state, by_role, note) VALUES (v_action, 'verified', asymm._caller(), reason);
        PERFORM asymm._set_baseline(baseline, v_new.facts, v_look.layout, reason, v_schema, v_object);
        IF v_base.kind = 'schema' AND v_object <> v_base.object_name THEN
            UPDATE asymm.watched_schema AS w SET schema_name = v_object
             WHERE w.schema_name = v_base.object_name AND NOT EXISTS (SELECT FROM asymm.watched_schema o WHERE o.schema_name = v_object);
        END IF;
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
    PERFORM asymm._refresh_members(ARRAY[baseline], ARRAY[v_look.object_id]);
    PERFORM asymm._looked_before(ARRAY[baseline], v_snapshot, v_at);
    UPDATE asymm.member AS m SET name = n.key
      FROM jsonb_each(v_new.kept_renames - v_base.kind) AS r, jsonb_each_text(r.value) AS n
     WHERE m.baseline_id = baseline AND m.part = r.key AND m.name = n.value;
    RETURN QUERY
        SELECT d.part, d.name, d.attribute, NULLIF(d.declared, 'null'), NULLIF(d.actual, 'null')
          FROM jsonb_to_recordset(v_differences) AS d (part text, name text, attribute text, declared jsonb, actual jsonb);
END
$$;
COMMENT ON FUNCTION asymm._adopt(bigint, text, timestamptz, text)
    IS 'Makes the present state of an object (or what a migration changed of it) its baseline and writes that to the ledger; returns what changed.';

CREATE OR REPLACE FUNCTION asymm.adopt(target text, reason text DEFAULT NULL)
RETURNS TABLE (object text, kind text, part text, name text, attribute text, declared jsonb, adopted jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record := asymm._resolve(target);
    v_oid oid;
    v_watched record;
BEGIN
    IF v.baseline_id IS NULL THEN
        -- What appeared in a watched schema or database: declared like the others there.
        v_oid := asymm._object_oid(v.kind, v.schema_name, v.object_name);
        IF v_oid IS NULL THEN
            RAISE EXCEPTION '"%" does not exist', v.display
                USING ERRCODE = 'undefined_object', DETAIL = 'It appeared without being declared, and is gone again.',
                      HINT = 'SELECT * FROM asymm.drift; shows what differs now.';
        END IF;
        PERFORM asymm._require_owners(ARRAY[asymm._kind_class(v.kind)], ARRAY[v_oid]);
        SELECT w.policy, w.annotation INTO v_watched
          FROM (SELECT 1 AS place, s.policy, s.annotation FROM asymm.watched_schema s
                 WHERE s.schema_name = CASE WHEN v.kind = 'schema' THEN v.object_name ELSE v.schema_name END
                UNION ALL
                SELECT 2, d.policy, d.annotation FROM asymm.watched_database d) AS w
         ORDER BY w.place LIMIT 1;
        PERFORM asymm._declare(ARRAY[v.kind], ARRAY[v_oid], COALESCE(v_watched.policy, 'propose'), v_watched.annotation, 'schema', adopt.reason);
        RETURN QUERY SELECT v.display, v.kind, v.kind, '', NULL::text, NULL::jsonb, f.facts FROM asymm._facts_of(v.kind, v_oid) AS f;
    ELSE
        PERFORM asymm._require_declared(ARRAY[v.baseline_id]);
        RETURN QUERY SELECT v.display, v.kind, a.* FROM asymm._adopt(v.baseline_id, adopt.reason) AS a;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm.adopt(text, text)
    IS 'Accepts what is: the present state of a watched object becomes its baseline, one that is gone is no longer watched, one that appeared in a watched schema or database is. Returns what changed. Raises 22004, 22023, 42704, 42P01, 42725, 42501, SY001.';
