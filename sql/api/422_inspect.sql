-- From differences to drift rows; what keeps a repair from running by policy alone.

CREATE OR REPLACE FUNCTION asymm._close_drift(baseline bigint, how text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE asymm.drift_record SET state = how, resolved_at = clock_timestamp() WHERE baseline_id = baseline AND state = 'open';
    SELECT asymm._set_action_state(a.id, 'expired', 'the drift is gone')
      FROM asymm.action a WHERE a.baseline_id = baseline AND a.state IN ('proposed', 'approved');
$$;
COMMENT ON FUNCTION asymm._close_drift(bigint, text) IS 'Ends the open drift of an object and expires what was proposed for it.';

CREATE OR REPLACE FUNCTION asymm._record_drift(
    baseline bigint, kind text, schema_name text, object_name text, differences jsonb, found_by text, ddl_log_id bigint)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_new integer;
BEGIN
    UPDATE asymm.drift_record AS d
       SET state = CASE WHEN f.part IS NULL THEN 'vanished' ELSE 'superseded' END, resolved_at = clock_timestamp()
      FROM asymm.drift_record AS o
      LEFT JOIN jsonb_to_recordset(differences) AS f (part text, name text, attribute text, declared jsonb, actual jsonb)
             ON f.part = o.part AND f.name = o.name AND f.attribute IS NOT DISTINCT FROM o.attribute
     WHERE o.id = d.id AND o.state = 'open'
       AND (o.kind, o.schema_name, o.object_name) = (_record_drift.kind, _record_drift.schema_name, _record_drift.object_name)
       AND (f.part IS NULL OR NULLIF(f.actual, 'null') IS DISTINCT FROM o.actual);
    INSERT INTO asymm.drift_record (baseline_id, kind, schema_name, object_name, part, name, attribute, declared, actual,
                                    ddl_log_id, found_by)
    SELECT baseline, _record_drift.kind, _record_drift.schema_name, _record_drift.object_name, f.part, f.name, f.attribute,
           NULLIF(f.declared, 'null'), NULLIF(f.actual, 'null'), _record_drift.ddl_log_id, _record_drift.found_by
      FROM jsonb_to_recordset(differences) AS f (part text, name text, attribute text, declared jsonb, actual jsonb)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_new = ROW_COUNT;
    -- A scan may have been first; who did it is known now. Who came later did something else.
    UPDATE asymm.drift_record AS d SET ddl_log_id = _record_drift.ddl_log_id
     WHERE d.state = 'open' AND d.ddl_log_id IS NULL
       AND d.noticed_at >= (SELECT l.at FROM asymm.ddl_log AS l WHERE l.id = _record_drift.ddl_log_id)
       AND (d.kind, d.schema_name, d.object_name) = (_record_drift.kind, _record_drift.schema_name, _record_drift.object_name);
    RETURN v_new;
END
$$;
COMMENT ON FUNCTION asymm._record_drift(bigint, text, text, text, jsonb, text, bigint)
    IS 'Brings the open drift rows of an object in line with its differences; returns how many are new.';

-- Until somebody decides (heal, adopt, watch), policy heal only proposes for this object.
CREATE OR REPLACE FUNCTION asymm._hold(baseline bigint, reason text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO asymm.baseline_state AS s (baseline_id, held) VALUES (baseline, reason)
    ON CONFLICT (baseline_id) DO UPDATE SET held = excluded.held
$$;
COMMENT ON FUNCTION asymm._hold(bigint, text) IS 'Holds the repair of an object back until a person decides, with the reason.';

-- Why a plan may not run by policy alone, or NULL.
CREATE OR REPLACE FUNCTION asymm._hold_reason(base asymm.baseline, object_id oid, differences jsonb, steps jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_set asymm.setting := asymm._settings();
    v_owner name := asymm._declared_owner(base.kind, base.facts);
    v_policy record;
    v_bytes bigint;
    v_reason text;
BEGIN
    v_policy := asymm._policy_of_plan(base, object_id, steps);
    IF v_policy.hold IS NOT NULL THEN
        RETURN v_policy.hold;
    END IF;
    v_reason := asymm._healing_paused();
    IF v_reason IS NOT NULL THEN
        RETURN 'healing is paused: ' || v_reason;
    END IF;
    SELECT s.held INTO v_reason FROM asymm.baseline_state s WHERE s.baseline_id = base.id;
    IF v_reason IS NOT NULL THEN
        RETURN v_reason;
    END IF;
    -- An actor belongs to one owner, so it can neither give an object back nor run a superuser's.
    IF v_owner IS NULL THEN
        RETURN 'it has no owner whom an actor may serve: call asymm.heal() yourself';
    END IF;
    SELECT format('owner "%s" is a superuser, whom no actor may serve: call asymm.heal() yourself', r.rolname) INTO v_reason
      FROM pg_roles r WHERE r.rolname = v_owner AND r.rolsuper;
    IF v_reason IS NOT NULL THEN
        RETURN v_reason;
    END IF;
    IF EXISTS (SELECT FROM jsonb_to_recordset(differences) AS d (part text, attribute text) WHERE d.part = base.kind AND d.attribute = 'owner') THEN
        RETURN 'the owner changed: only a superuser, or a member of both owners, can give it back';
    END IF;
    IF jsonb_path_exists(steps, '$[*] ? (@.inverse == null && @.forward != null)') THEN
        RETURN 'a step of the repair cannot be undone';
    END IF;
    -- Steps that need a person are left out when the rest runs; with nothing else to do, say why.
    SELECT string_agg(DISTINCT CASE h WHEN 'deletes data' THEN 'the repair would delete data' ELSE h END, '; ') INTO v_reason
      FROM jsonb_array_elements(steps) AS s, jsonb_array_elements_text(s -> 'hazards') AS h
     WHERE (h = 'deletes data' AND s ->> 'precondition' IS NULL OR h LIKE 'not healable:%')
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(steps) AS r
                        WHERE r ->> 'forward' IS NOT NULL
                          AND (v_policy.may_delete OR NOT (r -> 'hazards' ? 'deletes data' AND r ->> 'precondition' IS NULL)));
    IF v_reason IS NOT NULL THEN
        RETURN v_reason;
    END IF;
    -- The largest table that a step would scan, rewrite or take data from.
    SELECT max(z.own) INTO v_bytes
      FROM (SELECT DISTINCT CASE WHEN s.called IS NULL OR (s.kind, s.schema, s.called) = (base.kind, base.schema_name, base.object_name)
                                 THEN object_id ELSE asymm._object_oid(s.kind, s.schema, s.called) END AS oid
              FROM jsonb_to_recordset(steps) AS s (kind text, schema text, called text, hazards text[], precondition text)
             WHERE COALESCE(s.kind, base.kind) IN ('table', 'materialized view')
               AND (s.precondition IS NOT NULL OR s.hazards && '{rewrites table,scans table,builds index}'::text[]
                    OR v_policy.may_delete AND 'deletes data' = ANY (s.hazards))) AS t
     CROSS JOIN LATERAL asymm._relation_bytes(t.oid) AS z;
    IF v_bytes > v_set.max_table_bytes THEN
        RETURN format('the table (%s) is larger than max_table_bytes', pg_size_pretty(v_bytes));
    END IF;
    -- No tug-of-war: the same thing repaired again and again within the window is somebody's will.
    SELECT format('%s was repaired %s times within %s', r.what, count(*), v_set.relapse_window) INTO v_reason
      FROM (SELECT DISTINCT a.id, btrim(d.part || ' ' || d.name) AS what
              FROM asymm.drift_record d
              JOIN asymm.action a ON a.id = d.action_id AND a.state = 'verified' AND a.kind = 'heal'
              JOIN jsonb_to_recordset(differences) AS f (part text, name text) ON f.part = d.part AND f.name = d.name
             WHERE d.baseline_id = base.id AND a.applied_at > clock_timestamp() - v_set.relapse_window) AS r
     GROUP BY r.what HAVING count(*) >= v_set.relapse_limit
     LIMIT 1;
    IF v_reason IS NOT NULL THEN
        PERFORM asymm._hold(base.id, v_reason);
        RETURN v_reason;
    END IF;
    IF (SELECT count(*) FROM asymm.action a
         WHERE a.kind = 'heal' AND (a.state = 'approved' OR a.applied_at > clock_timestamp() - interval '1 hour')) >= v_set.max_actions_per_hour THEN
        RETURN format('max_actions_per_hour (%s) is used up', v_set.max_actions_per_hour);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._hold_reason(asymm.baseline, oid, jsonb, jsonb)
    IS 'Why a repair is only proposed (policy, pause, hold, hazard, size, relapse, budget); NULL when the background may run it.';

CREATE OR REPLACE FUNCTION asymm._merge_seen(a jsonb, b jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT CASE WHEN a IS NULL THEN b WHEN b IS NULL THEN a ELSE jsonb_build_object(
            'objects', (SELECT COALESCE(jsonb_agg(DISTINCT o), '[]')
                      FROM jsonb_array_elements(COALESCE(NULLIF(a -> 'objects', 'null'), '[]')
                                                || COALESCE(NULLIF(b -> 'objects', 'null'), '[]')) AS o),
            'drifts', COALESCE((a ->> 'drifts')::integer, 0) + COALESCE((b ->> 'drifts')::integer, 0),
            'adopted', COALESCE((a ->> 'adopted')::integer, 0) + COALESCE((b ->> 'adopted')::integer, 0),
            'actions', COALESCE((a ->> 'actions')::integer, 0) + COALESCE((b ->> 'actions')::integer, 0)) END);
END
$$;
COMMENT ON FUNCTION asymm._merge_seen(jsonb, jsonb) IS 'Sums two reports of what was seen: {objects, drifts, adopted, actions}.';

-- What was seen of a watched object: its drift rows are made to agree with what is there, and the plan is asked for, which
-- takes longer. NULL when it is as declared and was.
CREATE OR REPLACE FUNCTION asymm._note_look(
    base asymm.baseline, object_id oid, facts jsonb, renames jsonb, fingerprint text, found_by text, ddl_log_id bigint, hold text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_class oid := asymm._kind_class(base.kind);
    v_differences jsonb;
    v_new integer;
BEGIN
    IF fingerprint = base.fingerprint THEN
        PERFORM asymm._refresh_members(ARRAY[base.id], ARRAY[object_id]);
        IF EXISTS (SELECT FROM asymm.drift_record d WHERE d.baseline_id = base.id AND d.state = 'open')
           OR EXISTS (SELECT FROM asymm.action a WHERE a.baseline_id = base.id AND a.state IN ('proposed', 'approved') AND a.kind = 'heal') THEN
            PERFORM asymm._close_drift(base.id, 'vanished');
            UPDATE asymm.baseline_state AS s SET held = NULL WHERE s.baseline_id = base.id AND s.held IS NOT NULL;
            RETURN jsonb_build_object('drifts', 0, 'objects',
                jsonb_build_array(asymm._object_display(base.kind, base.schema_name, base.object_name)));
        END IF;
        RETURN NULL;
    END IF;
    SELECT jsonb_agg(to_jsonb(d) ORDER BY d.part, d.name, d.attribute) INTO v_differences
      FROM asymm._differences(base.facts, facts, renames) AS d;
    v_new := asymm._record_drift(base.id, base.kind, base.schema_name, base.object_name, v_differences, found_by, ddl_log_id);
    INSERT INTO asymm.baseline_state AS s (baseline_id, class_id, object_id, header, fingerprint, unplanned, checked_at)
    VALUES (base.id, v_class, _note_look.object_id,
            CASE WHEN v_class = 'pg_class'::regclass THEN (SELECT h.header FROM asymm._headers(ARRAY[_note_look.object_id]) AS h) END,
            _note_look.fingerprint, CASE WHEN asymm._wants_plan(base) THEN COALESCE(hold, '') END, clock_timestamp())
    ON CONFLICT (baseline_id) DO UPDATE
       SET class_id = excluded.class_id, object_id = COALESCE(excluded.object_id, s.object_id), header = excluded.header,
           fingerprint = excluded.fingerprint,
           unplanned = excluded.unplanned, checked_at = excluded.checked_at;
    RETURN CASE WHEN v_new > 0 THEN jsonb_build_object('drifts', v_new, 'objects',
        jsonb_build_array(asymm._object_display(base.kind, base.schema_name, base.object_name))) END;
END
$$;
COMMENT ON FUNCTION asymm._note_look(asymm.baseline, oid, jsonb, jsonb, text, text, bigint, text)
    IS 'Writes the drift rows of a watched object after a look at it; {objects, drifts} or NULL.';

CREATE OR REPLACE FUNCTION asymm._inspect_one(base asymm.baseline, found_by text, ddl_log_id bigint, hold text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_look record := asymm._look(base.id);
    v_seen jsonb := asymm._note_look(base, v_look.object_id, v_look.facts, v_look.renames, v_look.fingerprint, found_by, ddl_log_id, hold);
BEGIN
    -- Asked last, since what is noted (headers, a snapshot) counts as looked at.
    IF found_by <> 'call' THEN
        PERFORM asymm._require_read(base.id);
    END IF;
    RETURN v_seen;
END
$$;
COMMENT ON FUNCTION asymm._inspect_one(asymm.baseline, text, bigint, text)
    IS 'Compares one watched object with its baseline and writes its drift rows; {objects, drifts} or NULL.';

CREATE OR REPLACE FUNCTION asymm._inspect(baselines bigint[], found_by text, ddl_log_id bigint DEFAULT NULL, hold text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_id bigint;
    v_base asymm.baseline;
    v_one jsonb;
    v_seen jsonb;
BEGIN
    FOREACH v_id IN ARRAY COALESCE(baselines, '{}') LOOP
        -- One object that can't be read now (locked, dropped under our eyes) must not hide the others.
        BEGIN
            SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v_id FOR UPDATE;
            CONTINUE WHEN NOT FOUND;
            v_one := asymm._inspect_one(v_base, found_by, ddl_log_id, hold);
            v_seen := asymm._merge_seen(v_seen, v_one);
        EXCEPTION WHEN SQLSTATE 'SY010' OR lock_not_available OR deadlock_detected THEN
            -- The log's rows wait for the next beat; a scan has none.
            IF found_by = 'ddl_log' THEN
                RAISE;
            END IF;
            UPDATE asymm.baseline_state AS s SET header = 'look again' WHERE s.baseline_id = v_id;
        WHEN OTHERS THEN
            RAISE WARNING 'asymmetrica: % could not be inspected and will be looked at again: % (%)',
                asymm._object_display(v_base.kind, v_base.schema_name, v_base.object_name), SQLERRM, SQLSTATE;
            UPDATE asymm.baseline_state AS s SET header = 'look again' WHERE s.baseline_id = v_id;
        END;
    END LOOP;
    IF found_by <> 'ddl_log' THEN
        v_seen := asymm._merge_seen(v_seen, asymm._plan_recorded(baselines));
    END IF;
    RETURN v_seen;
END
$$;
COMMENT ON FUNCTION asymm._inspect(bigint[], text, bigint, text)
    IS 'Inspects watched objects one by one; returns {objects, drifts} of all or NULL when nothing changed.';
