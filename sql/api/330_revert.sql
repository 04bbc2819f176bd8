-- Taking back: an applied repair by its inverse statements, an adoption by the baseline it replaced.

CREATE OR REPLACE FUNCTION asymm._begin_revert(action bigint, dry_run boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['verified']);
    v_facts jsonb;
    v_moved text[];
    v_things jsonb;
    v_step text;
BEGIN
    IF v.kind = 'adopt' AND v.target = '*' THEN
        RAISE EXCEPTION 'action % cannot be taken back', action
            USING ERRCODE = 'SY005', DETAIL = 'It put a whole baseline in the place of another, which was kept.',
                  HINT = format('SELECT * FROM asymm.approve_baseline(%L);', v.evidence_before ->> 'fingerprint');
    ELSIF v.kind = 'adopt' THEN
        RETURN jsonb_build_object('kind', 'adopt', 'steps', '[]'::jsonb);
    END IF;
    IF v.baseline_id IS NOT NULL THEN
        SELECT l.facts INTO v_facts FROM asymm._look(v.baseline_id) AS l;
    END IF;
    -- Other parts may have changed since: that is no reason.
    SELECT array_agg(COALESCE(l.key, r.key)) INTO v_moved
      FROM jsonb_each(v.evidence_after -> 'parts') AS l
      FULL JOIN jsonb_each(asymm._touched_facts(v.steps, v.object_kind, v.schema_name, v.object_name, v_facts)) AS r ON r.key = l.key
     WHERE l.value IS DISTINCT FROM r.value;
    IF v_moved IS NOT NULL THEN
        SELECT jsonb_agg(CASE WHEN t ->> 'kind' = ANY (v_moved) THEN t - 'part' - 'name' ELSE t END) INTO v_things
          FROM jsonb_array_elements(asymm._things(v)) AS t
         WHERE concat_ws(' ', t ->> 'kind', t ->> 'object') = ANY (v_moved)
            OR (t ->> 'kind', t ->> 'object') = (v.object_kind, asymm._object_identity(v.object_kind, v.schema_name, v.object_name))
               AND (concat_ws(' ', t ->> 'part', t ->> 'name') = ANY (v_moved) OR t ->> 'kind' = ANY (v_moved));
        PERFORM asymm._refuse_to_revert(v, COALESCE(v_things, asymm._things(v)), 'No longer as it left it',
            CASE WHEN v.target = '*' THEN 'Look at what came after: SELECT * FROM asymm.drift;'
                 ELSE format('Look at what came after: SELECT * FROM asymm.history(%L);', v.target) END);
    END IF;
    SELECT s.doc ->> 'forward' INTO v_step FROM jsonb_array_elements(v.steps) AS s (doc) WHERE s.doc ->> 'inverse' IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'action % cannot be taken back', action
            USING ERRCODE = 'SY005', DETAIL = format('There is no way back from: %s', left(v_step, 2000)),
                  HINT = 'Restore what it removed from a backup.';
    END IF;
    PERFORM asymm._refuse_to_revert(v, (
        SELECT jsonb_agg(h) FROM jsonb_array_elements(asymm._hanging_on(v.steps, false)) AS h
         WHERE NOT COALESCE(NULLIF(v.evidence_after -> 'hanging', 'null'), '[]') @> jsonb_build_array(h)),
        'What it made is used by', 'Drop or change that first.');
    IF NOT dry_run THEN
        PERFORM asymm._set_action_state(action, 'reverting');
    END IF;
    RETURN jsonb_build_object('kind', v.kind, 'steps', asymm._inverse_steps(v));
END
$$;
COMMENT ON FUNCTION asymm._begin_revert(bigint, boolean) IS 'The inverse steps of an action, last first; raises SY005 or SY008 when it cannot be taken back.';

CREATE OR REPLACE FUNCTION asymm._finish_revert(action bigint, error jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['verified', 'reverting']);
    v_base asymm.baseline;
    v_baseline bigint := v.baseline_id;
    v_baselines bigint[];
    v_fingerprint text := 'gone';
    v_facts jsonb;
    v_note text := '';
BEGIN
    IF v.kind = 'heal' AND v.state <> 'reverting' THEN
        RAISE EXCEPTION 'action % is %', action, v.state
            USING ERRCODE = 'SY005', DETAIL = 'Nobody is taking it back.', HINT = format('SELECT * FROM asymm.revert(%s);', action);
    END IF;
    IF error IS NOT NULL THEN
        PERFORM asymm._set_action_state(action, 'verified', 'not taken back: ' || (error ->> 'message'), error);
        RETURN jsonb_build_object('action', action, 'target', v.target, 'state', 'verified', 'error', error);
    END IF;
    IF v.kind = 'heal' THEN
        -- Reverted is what the catalog shows to be undone, not what the caller says.
        IF v.target = '*' THEN
            v_fingerprint := asymm._fingerprint_items(asymm._differing());
        ELSIF v.baseline_id IS NOT NULL THEN
            SELECT COALESCE(l.fingerprint, 'gone'), l.facts INTO v_fingerprint, v_facts FROM asymm._look(v.baseline_id) AS l;
        ELSE
            SELECT asymm._fingerprint(f.facts), f.facts INTO v_fingerprint, v_facts
              FROM asymm._facts_of(v.object_kind, asymm._object_oid(v.object_kind, v.schema_name, v.object_name)) AS f;
        END IF;
        IF asymm._touched_facts(v.steps, v.object_kind, v.schema_name, v.object_name, v_facts) IS NOT DISTINCT FROM v.evidence_after -> 'parts'
           AND v_fingerprint IS NOT DISTINCT FROM v.fingerprint_after THEN
            RAISE EXCEPTION 'action % was not taken back', action
                USING ERRCODE = 'SY007', DETAIL = format('%s is still as the action left it.', v.target),
                      HINT = format('SELECT * FROM asymm.revert(%s);', action);
        ELSIF NOT asymm._is_undone(action) THEN
            v_note := '; not in every detail as it was before';
        END IF;
    END IF;
    IF v.kind = 'adopt' THEN
        v_base := jsonb_populate_record(NULL::asymm.baseline, v.evidence_before);
        UPDATE asymm.baseline b
           SET facts = v_base.facts, layout = v_base.layout, fingerprint = v_base.fingerprint, schema_name = v_base.schema_name,
               object_name = v_base.object_name, adopted_by = asymm._caller(), adopted_at = clock_timestamp(),
               reason = format('action %s taken back', action)
         WHERE b.id = v_base.id;
        IF NOT FOUND THEN
            INSERT INTO asymm.baseline OVERRIDING SYSTEM VALUE SELECT v_base.* ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'action % cannot be taken back', action
                    USING ERRCODE = 'SY008', DETAIL = format('%s was declared anew since.', v.target),
                          HINT = format('Stop watching that first: SELECT * FROM asymm.unwatch(%L);', v.target);
            END IF;
            UPDATE asymm.action SET baseline_id = v_base.id WHERE id = v.id;
        END IF;
        v_baseline := v_base.id;
    END IF;
    PERFORM asymm._set_action_state(action, 'reverted', 'taken back by ' || asymm._caller() || v_note);
    v_baselines := CASE WHEN v.target <> '*' THEN array_remove(ARRAY[v_baseline], NULL)
                        ELSE ARRAY(SELECT b.id FROM jsonb_to_recordset(v.evidence_before -> 'objects') AS o (baseline bigint)
                                     JOIN asymm.baseline b ON b.id = o.baseline) END;
    PERFORM asymm._renew_policies(v_baselines);
    -- Nothing repairs at once what somebody has just taken back.
    PERFORM asymm._hold(b.id, format('action %s was taken back by %s', action, asymm._caller())) FROM unnest(v_baselines) AS b (id);
    PERFORM asymm._inspect(v_baselines, 'call');
    IF v_baseline IS NULL THEN
        PERFORM asymm._inspect_undeclared('call');
    END IF;
    RETURN jsonb_build_object('action', action, 'target', v.target, 'state', 'reverted');
END
$$;
COMMENT ON FUNCTION asymm._finish_revert(bigint, jsonb) IS 'Ends a revert: the ledger, the hold on the object, and its drift, which is open again.';

CREATE OR REPLACE FUNCTION asymm.revert(action bigint, dry_run boolean DEFAULT false, allow_data_loss boolean DEFAULT false)
RETURNS TABLE (action_id bigint, step integer, statement text, hazards text[], state text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET datestyle = 'ISO, YMD'
SET default_tablespace = ''
SET default_table_access_method = 'heap'
SET check_function_bodies = off
SET row_security = off
AS $$
DECLARE
    v_plan jsonb;
    v_run record;
    v_step jsonb;
    v_error jsonb;
    v_result jsonb;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
    v_lock_timeout text := current_setting('lock_timeout');
BEGIN
    PERFORM asymm._require_text(dry_run::text, 'dry_run');
    PERFORM asymm._require_text(allow_data_loss::text, 'allow_data_loss');
    v_plan := asymm._queue_index_back(action, dry_run);
    IF v_plan IS NOT NULL THEN
        RETURN QUERY SELECT revert.action, 1, v_plan ->> 'statement', '{}'::text[], v_plan ->> 'state';
        RETURN;
    END IF;
    v_plan := asymm._unmerge(action, dry_run);
    IF v_plan IS NOT NULL THEN
        RETURN QUERY SELECT revert.action, 1, format('%s rows come back, %s references to them', v_plan ->> 'removed', v_plan ->> 'repointed'),
                            '{}'::text[], v_plan ->> 'state';
        RETURN;
    END IF;
    v_plan := asymm._begin_revert(action, dry_run);
    IF NOT dry_run THEN
        PERFORM asymm._require_healing();
        PERFORM asymm._show_steps(v_plan -> 'steps', 'forward');
        IF jsonb_path_exists(v_plan, '$.steps[*].hazards[*] ? (@ == "brings back no data")') THEN
            RAISE WARNING 'action % deleted data, which does not come back', action
                USING DETAIL = 'Structure and definitions come back as they were.', HINT = 'Rows and values are to be had from a backup.';
        END IF;
        PERFORM set_config('asymm.action', action::text, true);
        PERFORM set_config('lock_timeout', (extract(epoch FROM (asymm._settings()).lock_timeout) * 1000)::bigint::text, true);
        BEGIN
            v_run := asymm._run_steps(v_plan -> 'steps', allow_data_loss);
            v_step := jsonb_path_query_first(v_run.withheld, '$[*] ? (@.hazards[*] == "deletes data")');
            IF v_step IS NOT NULL THEN
                RAISE EXCEPTION 'taking this back would delete data' USING ERRCODE = 'SY009',
                    DETAIL = format('Statement: %s', v_step ->> 'forward'),
                    HINT = format('If that is wanted: SELECT * FROM asymm.revert(%s, allow_data_loss => true);', action);
            -- A statement may have nothing left to do: what it did came with another.
            ELSIF v_run.stuck IS NOT NULL AND NOT asymm._is_undone(action) THEN
                RAISE EXCEPTION '%', v_run.stuck ->> 'message'
                    USING ERRCODE = v_run.stuck ->> 'sqlstate', DETAIL = v_run.stuck ->> 'detail',
                          HINT = COALESCE(v_run.stuck ->> 'hint', 'Nothing was changed.');
            ELSIF v_run.withheld <> '[]' THEN
                RAISE EXCEPTION 'taking this back needs two transactions' USING ERRCODE = 'SY007',
                    DETAIL = format('Statement: %s', v_run.withheld #>> '{0,forward}'),
                    HINT = 'A label that is added to an enum serves from the next transaction on: add it by hand first.';
            END IF;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
            v_error := jsonb_build_object('sqlstate', v_state, 'message', v_message, 'detail', v_detail, 'hint', v_hint);
        END;
        PERFORM set_config('asymm.action', '', true);
        PERFORM set_config('lock_timeout', v_lock_timeout, true);
        v_result := asymm._finish_revert(action, v_error);
        PERFORM asymm._warn_unfinished(v_result);
    END IF;
    RETURN QUERY
        SELECT revert.action, p.n::integer, p.doc ->> 'forward', ARRAY(SELECT h FROM asymm._hazards(p.doc) AS h),
               COALESCE(v_result ->> 'state', 'planned')
          FROM jsonb_array_elements(v_plan -> 'steps') WITH ORDINALITY AS p (doc, n)
        UNION ALL
        SELECT revert.action, 0, 'the declared baseline becomes what it was before', '{}'::text[], COALESCE(v_result ->> 'state', 'planned')
         WHERE v_plan ->> 'kind' = 'adopt';
END
$$;
COMMENT ON FUNCTION asymm.revert(bigint, boolean, boolean)
    IS 'Takes an action back, heal_all()''s too: a repair by its inverse statements (with the caller''s rights, all of them or none), an adoption by the former baseline. Policy heal then waits for a decision on these objects. Later actions that build on it go first. An index is queued for the builder. What was made and holds data by now needs allow_data_loss; hazards tell of data that does not come back. Raises 22004, 42501, 42704, SY004, SY005, SY008.';
