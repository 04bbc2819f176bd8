-- What a person calls: heal, approve, reject.

CREATE OR REPLACE FUNCTION asymm._request_heal(target text, dry_run boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v record := asymm._resolve(target);
    v_base asymm.baseline;
    v_look record;
    v_facts jsonb;
    v_owner name;
    v_fingerprint text;
    v_steps jsonb;
    v_differences jsonb;
    v_action bigint;
BEGIN
    IF v.baseline_id IS NOT NULL THEN
        SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline_id;
        PERFORM asymm._require_declared(ARRAY[v.baseline_id]);
        IF NOT dry_run THEN
            -- The log first: it may hold a migration that is to be adopted, not taken back.
            PERFORM asymm._process_ddl(v.baseline_id, true);
            SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline_id FOR UPDATE;
            IF NOT FOUND THEN
                RETURN NULL;
            END IF;
            UPDATE asymm.baseline_state SET held = NULL WHERE baseline_id = v.baseline_id AND held IS NOT NULL;
        END IF;
        v_look := asymm._look(v.baseline_id);
        IF NOT dry_run THEN
            PERFORM asymm._note_look(v_base, v_look.object_id, v_look.facts, v_look.renames, v_look.fingerprint, 'call', NULL, NULL);
            -- It is planned below.
            UPDATE asymm.baseline_state SET unplanned = NULL WHERE baseline_id = v.baseline_id AND unplanned IS NOT NULL;
        END IF;
        IF v_look.fingerprint = v_base.fingerprint THEN
            RETURN NULL;
        END IF;
        v_steps := asymm._steps(v.kind, v_base.schema_name, v_base.object_name, v_base.facts, v_base.layout, v_look.facts,
                                v_look.object_id, v_look.renames);
        v_owner := COALESCE(v_look.owner, asymm._declared_owner(v.kind, v_base.facts));
        v_fingerprint := COALESCE(v_look.fingerprint, 'gone');
        SELECT jsonb_agg(to_jsonb(d)) INTO v_differences FROM asymm._differences(v_base.facts, v_look.facts, v_look.renames) AS d;
    ELSE
        SELECT f.facts, f.owner, asymm._fingerprint(f.facts),
               asymm._steps(f.kind, f.schema_name, f.object_name, NULL, NULL, f.facts, f.object_id, '{}')
          INTO v_facts, v_owner, v_fingerprint, v_steps
          FROM asymm._facts_of(v.kind, asymm._object_oid(v.kind, v.schema_name, v.object_name)) AS f;
        IF v_facts IS NULL THEN
            RETURN NULL;
        END IF;
        PERFORM asymm._require_rights(v_owner, v.display);
        v_differences := jsonb_build_array(jsonb_build_object('part', v.kind, 'name', '', 'actual', v_facts #> ARRAY[v.kind, '']));
    END IF;
    IF dry_run THEN
        RETURN jsonb_build_object('steps', v_steps);
    END IF;
    -- The open proposal, if it is for this very state, else a new row.
    SELECT a.id INTO v_action FROM asymm.action a
     WHERE a.kind = 'heal' AND a.baseline_id IS NOT DISTINCT FROM v.baseline_id
       AND (a.object_kind, a.schema_name, a.object_name) = (v.kind, v.schema_name, v.object_name)
       AND a.state IN ('proposed', 'approved') AND a.fingerprint_before = v_fingerprint AND a.steps = v_steps
     ORDER BY a.id DESC LIMIT 1;
    PERFORM asymm._set_action_state(a.id, 'expired', 'asked for again') FROM asymm.action a
      WHERE a.kind = 'heal' AND a.baseline_id IS NOT DISTINCT FROM v.baseline_id
        AND (a.object_kind, a.schema_name, a.object_name) = (v.kind, v.schema_name, v.object_name)
        AND a.state IN ('proposed', 'approved') AND a.id IS DISTINCT FROM v_action;
    IF v_action IS NULL THEN
        INSERT INTO asymm.action (kind, baseline_id, target, object_kind, schema_name, object_name, owner, state, requested_by, steps,
                                  fingerprint_before, evidence_before)
        VALUES ('heal', v.baseline_id, v.display, v.kind, v.schema_name, v.object_name, v_owner, 'proposed', asymm._caller(), v_steps, v_fingerprint,
                jsonb_build_object('differences', v_differences))
        RETURNING id INTO v_action;
    END IF;
    PERFORM asymm._set_action_state(v_action, 'approved', 'heal() by ' || asymm._caller());
    UPDATE asymm.drift_record SET action_id = v_action
     WHERE state = 'open' AND baseline_id IS NOT DISTINCT FROM v.baseline_id
       AND (kind, schema_name, object_name) = (v.kind, v.schema_name, v.object_name);
    PERFORM asymm._set_action_state(v_action, 'applying');
    RETURN jsonb_build_object('action', v_action, 'steps', v_steps);
END
$$;
COMMENT ON FUNCTION asymm._request_heal(text, boolean) IS 'Plans the repair of an object and, unless it is a dry run, opens its action; NULL when nothing differs.';

CREATE OR REPLACE FUNCTION asymm._show_steps(steps jsonb, field text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text;
BEGIN
    -- A superuser sees the code before it runs with his rights.
    IF current_setting('is_superuser') = 'on' THEN
        FOR v_text IN SELECT s ->> field FROM jsonb_array_elements(steps) AS s WHERE s ->> field IS NOT NULL LOOP
            RAISE NOTICE 'running as superuser "%": %', current_user, v_text;
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._show_steps(jsonb, text) IS 'Prints statements about to run to a superuser.';

CREATE OR REPLACE FUNCTION asymm._warn_unfinished(result jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Warnings go to the server's log too.
    v_error constant jsonb := asymm._without_values(NULLIF(result -> 'error', 'null'));
BEGIN
    IF result -> 'error' <> 'null' OR result ->> 'state' NOT IN ('verified', 'reverted') THEN
        RAISE WARNING 'action % is %: %', result ->> 'action', result ->> 'state', v_error ->> 'message'
            USING ERRCODE = COALESCE(result #>> '{error,sqlstate}', 'SY007'),
                  DETAIL = COALESCE(NULLIF(v_error ->> 'detail', ''), 'Nothing was changed.'),
                  HINT = COALESCE(NULLIF(result #>> '{error,hint}', ''), format('SELECT * FROM asymm.action_history(%s);', result ->> 'action'));
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._warn_unfinished(jsonb) IS 'Warns with SQLSTATE, detail and hint when an action did not end well; the ledger keeps the failure.';

CREATE OR REPLACE FUNCTION asymm.heal(target text, dry_run boolean DEFAULT false, allow_data_loss boolean DEFAULT false)
RETURNS TABLE (action bigint, step integer, statement text, inverse text, lock_class text, hazards text[], state text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_plan jsonb;
    v_result jsonb;
BEGIN
    PERFORM asymm._require_text(dry_run::text, 'dry_run');
    PERFORM asymm._require_text(allow_data_loss::text, 'allow_data_loss');
    IF NOT dry_run THEN
        PERFORM asymm._require_healing();
    END IF;
    v_plan := asymm._request_heal(target, dry_run);
    IF v_plan IS NULL THEN
        RETURN;
    END IF;
    IF NOT dry_run THEN
        PERFORM asymm._show_steps(v_plan -> 'steps', 'forward');
        v_result := asymm._apply_action((v_plan ->> 'action')::bigint, allow_data_loss);
        PERFORM asymm._warn_unfinished(v_result);
        v_plan := asymm._action_steps((v_plan ->> 'action')::bigint);
    END IF;
    RETURN QUERY
        SELECT (v_result ->> 'action')::bigint, s.n::integer, p.forward, p.inverse, p.lock_class, p.hazards,
               COALESCE(v_result ->> 'state', 'planned')
          FROM jsonb_array_elements(v_plan -> 'steps') WITH ORDINALITY AS s (doc, n)
         CROSS JOIN LATERAL jsonb_to_record(s.doc) AS p (forward text, inverse text, lock_class text, hazards text[]);
END
$$;
COMMENT ON FUNCTION asymm.heal(text, boolean, boolean)
    IS 'Brings a watched object back to its baseline with the caller''s rights, in one transaction, and checks the result; dry_run only shows the plan. Steps that would delete data need allow_data_loss. No rows: nothing differs. A failure is a warning and a ledger row; nothing is half done. Raises 22004, 22023, 42704, 42P01, 42725, 42501, SY001, SY004.';

CREATE OR REPLACE FUNCTION asymm._action_steps(action bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT jsonb_build_object('action', a.id, 'steps', a.steps) FROM asymm.action a WHERE a.id = action AND asymm._may_act(a.owner));
END
$$;
COMMENT ON FUNCTION asymm._action_steps(bigint) IS 'The steps of an action the caller may act on.';

CREATE OR REPLACE FUNCTION asymm._approve(action bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['proposed', 'approved', 'failed']);
BEGIN
    PERFORM asymm._set_action_state(v.id, 'approved', 'approved by ' || asymm._caller());
    PERFORM asymm._set_action_state(v.id, 'applying');
    RETURN v.steps;
END
$$;
COMMENT ON FUNCTION asymm._approve(bigint) IS 'Moves a proposed action on to applying for the caller; returns its steps.';

CREATE OR REPLACE FUNCTION asymm.approve(action bigint) RETURNS TABLE (action_id bigint, state text, note text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_queued text;
BEGIN
    PERFORM asymm._require_healing();
    v_queued := asymm._queue_index(action);
    IF v_queued IS NOT NULL THEN
        RETURN QUERY SELECT approve.action, 'approved', v_queued;
        RETURN;
    END IF;
    PERFORM asymm._show_steps(asymm._approve(action), 'forward');
    v_result := asymm._apply_action(action, true);
    PERFORM asymm._warn_unfinished(v_result);
    RETURN QUERY SELECT approve.action, v_result ->> 'state', v_result #>> '{error,message}';
END
$$;
COMMENT ON FUNCTION asymm.approve(bigint)
    IS 'Runs a proposed (or failed) action now, with the caller''s rights and all its hazards; see its statements in asymm.actions first. An index is queued for the builder. Raises 22004, 42501, 42704, SY004, SY005.';

CREATE OR REPLACE FUNCTION asymm.reject(action bigint, reason text DEFAULT NULL) RETURNS TABLE (action_id bigint, state text, note text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_action(action, ARRAY['proposed', 'approved', 'failed']);
    PERFORM asymm._set_action_state(action, 'rejected', reject.reason);
    RETURN QUERY SELECT reject.action, 'rejected', reject.reason;
END
$$;
COMMENT ON FUNCTION asymm.reject(bigint, text)
    IS 'Declines a proposed action; it is not proposed again for the same state. The drift stays open. Raises 22004, 42501, 42704, SY005.';
