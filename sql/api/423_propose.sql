-- From recorded drift to a planned repair in the ledger.

-- An object whose repair can't be planned is still reported, and must not keep the others from being looked at. This is
-- the one place that asks for plans.
CREATE OR REPLACE FUNCTION asymm._steps(
    kind text, schema_name text, object_name text, declared jsonb, layout jsonb, actual jsonb, object_id oid, renames jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._plan_set(jsonb_build_array(jsonb_build_object(
        'kind', kind, 'schema', schema_name, 'name', object_name, 'declared', declared, 'layout', layout, 'actual', actual,
        'oid', object_id::bigint, 'renames', COALESCE(renames, '{}'))));
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'repair of % could not be planned: % (%)', asymm._object_display(kind, schema_name, object_name), SQLERRM, SQLSTATE;
    RETURN jsonb_build_array(jsonb_build_object('step', 1, 'kind', kind, 'object', asymm._object_identity(kind, schema_name, object_name),
        'part', kind, 'name', '', 'hazards', jsonb_build_array(format('not healable: the plan failed: %s (%s)', SQLERRM, SQLSTATE))));
END
$$;
COMMENT ON FUNCTION asymm._steps(text, text, text, jsonb, jsonb, jsonb, oid, jsonb) IS 'The repair plan of an object as the ledger stores it.';

-- A plan may need steps on other objects, which say so; a step without an object is of the one that the action is about.
CREATE OR REPLACE FUNCTION asymm._own_steps(steps jsonb, kind text, schema_name text, object_name text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_object text := asymm._object_identity(kind, schema_name, object_name);
BEGIN
    RETURN (SELECT COALESCE(jsonb_agg(s.doc ORDER BY s.n), '[]') FROM jsonb_array_elements(steps) WITH ORDINALITY AS s (doc, n)
             WHERE s.doc ->> 'object' IS NULL OR (s.doc ->> 'kind', s.doc ->> 'object') = (kind, v_object));
END
$$;
COMMENT ON FUNCTION asymm._own_steps(jsonb, text, text, text) IS 'Those steps of a plan that are on the object it was made for.';

-- The action for what is different now: the open one if it was made for this very state, else a new one. A state that
-- was refused, reverted or failed before is not proposed again by itself.
CREATE OR REPLACE FUNCTION asymm._propose(
    baseline bigint, object_kind text, schema_name text, object_name text, owner name, steps jsonb, fingerprint text, differences jsonb, hold text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_last asymm.action;
    v_id bigint;
BEGIN
    SELECT a.* INTO v_last FROM asymm.action a
     WHERE a.kind = 'heal' AND a.baseline_id IS NOT DISTINCT FROM baseline
       AND (a.object_kind, a.schema_name, a.object_name) = (_propose.object_kind, _propose.schema_name, _propose.object_name)
     ORDER BY a.id DESC LIMIT 1;
    IF v_last.fingerprint_before IS NOT DISTINCT FROM fingerprint AND v_last.steps = steps THEN
        -- What was found to hold data under lock stays a question for a person.
        IF v_last.state = 'proposed' AND hold IS NULL AND COALESCE(v_last.error ->> 'sqlstate', '') NOT IN ('SY009', '42501') THEN
            PERFORM asymm._set_action_state(v_last.id, 'approved', 'policy heal');
        ELSIF v_last.state = 'approved' AND hold IS NOT NULL THEN
            PERFORM asymm._set_action_state(v_last.id, 'proposed', hold);
        END IF;
        IF v_last.state IN ('proposed', 'approved', 'applying', 'failed', 'rejected', 'reverted') THEN
            RETURN v_last.id;
        END IF;
    END IF;
    PERFORM asymm._set_action_state(a.id, 'expired', 'the object changed again')
       FROM asymm.action a
      WHERE a.kind = 'heal' AND a.baseline_id IS NOT DISTINCT FROM baseline
        AND (a.object_kind, a.schema_name, a.object_name) = (_propose.object_kind, _propose.schema_name, _propose.object_name)
        AND a.state IN ('proposed', 'approved');
    INSERT INTO asymm.action (kind, baseline_id, target, object_kind, schema_name, object_name, owner, state, reason, requested_by, steps,
                              fingerprint_before, evidence_before)
    VALUES ('heal', baseline, asymm._object_display(object_kind, schema_name, object_name), object_kind, schema_name, object_name, owner,
            CASE WHEN hold IS NULL THEN 'approved' ELSE 'proposed' END,
            COALESCE(hold, 'policy heal'), asymm._caller(), steps, fingerprint,
            jsonb_build_object('differences', differences))
    RETURNING id INTO v_id;
    INSERT INTO asymm.action_event (action_id, to_state, by_role, note)
    SELECT v_id, a.state, asymm._caller(), a.reason FROM asymm.action a WHERE a.id = v_id;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._propose(bigint, text, text, text, name, jsonb, text, jsonb, text)
    IS 'Writes the repair of a drift to the ledger: approved when nothing holds it, else proposed with the reason.';

-- The second half: the repair of what was recorded. The loop commits in between, so that drift is seen before it is planned.
CREATE OR REPLACE FUNCTION asymm._plan_one(base asymm.baseline, hold text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_look record := asymm._look(base.id);
    v_differences jsonb;
    v_steps jsonb;
    v_policy record;
    v_action bigint;
BEGIN
    IF v_look.fingerprint = base.fingerprint THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_agg(to_jsonb(d) ORDER BY d.part, d.name, d.attribute) INTO v_differences
      FROM asymm._differences(base.facts, v_look.facts, v_look.renames) AS d;
    v_steps := asymm._steps(base.kind, base.schema_name, base.object_name, base.facts, base.layout, v_look.facts, v_look.object_id,
                            v_look.renames);
    IF hold IS NULL AND base.policy = 'observe' THEN
        v_policy := asymm._policy_of_plan(base, v_look.object_id, v_steps);
        IF v_policy.policy = 'observe' THEN
            PERFORM asymm._set_action_state(a.id, 'proposed', v_policy.hold)
               FROM asymm.action AS a WHERE a.baseline_id = base.id AND a.state = 'approved';
            RETURN NULL;
        END IF;
    END IF;
    v_action := asymm._propose(base.id, base.kind, base.schema_name, base.object_name,
                               COALESCE(v_look.owner, asymm._declared_owner(base.kind, base.facts)),
                               v_steps, COALESCE(v_look.fingerprint, 'gone'), v_differences,
                               COALESCE(hold, asymm._hold_reason(base, v_look.object_id, v_differences, v_steps)));
    UPDATE asymm.drift_record AS d SET action_id = v_action
     WHERE d.baseline_id = base.id AND d.state = 'open' AND d.action_id IS DISTINCT FROM v_action;
    RETURN v_action;
END
$$;
COMMENT ON FUNCTION asymm._plan_one(asymm.baseline, text) IS 'Plans the repair of a watched object and writes it to the ledger, held back for the reason given if there is one; the action or NULL.';

CREATE OR REPLACE FUNCTION asymm._plan_recorded(baselines bigint[] DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_id bigint;
    v_base asymm.baseline;
    v_hold text;
    v_action bigint;
    v_actions integer := 0;
BEGIN
    FOR v_id IN SELECT s.baseline_id FROM asymm.baseline_state s
                 WHERE s.unplanned IS NOT NULL AND (baselines IS NULL OR s.baseline_id = ANY (baselines)) ORDER BY s.baseline_id LOOP
        BEGIN
            SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v_id FOR UPDATE;
            UPDATE asymm.baseline_state AS s SET unplanned = NULL FROM asymm.baseline_state AS o
             WHERE s.baseline_id = v_id AND o.baseline_id = v_id AND s.unplanned IS NOT NULL
            RETURNING NULLIF(o.unplanned, '') INTO v_hold;
            CONTINUE WHEN NOT FOUND;
            -- Before, since planning takes long; after, since it looks again: a change of unknown meaning is no part of a repair.
            PERFORM asymm._require_read(v_id);
            v_action := asymm._plan_one(v_base, v_hold);
            PERFORM asymm._require_read(v_id);
            v_actions := v_actions + num_nonnulls(v_action);
        EXCEPTION WHEN SQLSTATE 'SY010' OR lock_not_available OR deadlock_detected THEN
            NULL;      -- still marked: with the next beat
        WHEN OTHERS THEN
            RAISE WARNING 'asymmetrica: repair of % could not be proposed: % (%)',
                asymm._object_display(v_base.kind, v_base.schema_name, v_base.object_name), SQLERRM, SQLSTATE;
            UPDATE asymm.baseline_state AS s SET unplanned = NULL, header = 'look again' WHERE s.baseline_id = v_id;
        END;
    END LOOP;
    RETURN CASE WHEN v_actions > 0 THEN jsonb_build_object('actions', v_actions) END;
END
$$;
COMMENT ON FUNCTION asymm._plan_recorded(bigint[]) IS 'Plans the repair of drift that was recorded without a plan: of all objects, or of those given, unless more DDL arrived meanwhile; {actions} or NULL.';

CREATE OR REPLACE FUNCTION asymm._plan_later() RETURNS jsonb
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT asymm._plan_recorded() $$;
COMMENT ON FUNCTION asymm._plan_later() IS 'The second half of a beat: plans what the first recorded; {actions} or NULL.';
