-- Everything that drifted, in one plan.

CREATE OR REPLACE FUNCTION asymm._request_heal_all(dry_run boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v_items jsonb;
    v_steps jsonb;
    v_refused text[];
    v_action bigint;
BEGIN
    IF NOT dry_run THEN
        -- The log first: it may hold a migration that is to be adopted, not taken back.
        PERFORM asymm._process_ddl(NULL, true);
    END IF;
    v_items := asymm._differing();
    SELECT array_agg(concat_ws(' ', i ->> 'kind', asymm._object_identity(i ->> 'kind', i ->> 'schema', i ->> 'name'))) INTO v_refused
      FROM jsonb_array_elements(v_items) AS i
     WHERE NOT (asymm._may_act((i ->> 'owner')::name) AND (i -> 'baseline' = 'null'
                OR asymm._may_act(asymm._declared_owner(i ->> 'kind', i -> 'declared'))));
    IF v_refused IS NOT NULL THEN
        RAISE WARNING 'not healed for lack of rights: %', array_to_string(v_refused[:20], ', ')
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('%s objects belong to others than "%s".', cardinality(v_refused), asymm._caller()),
                  HINT = 'Call asymm.heal_all() as their owner or as a superuser.';
        SELECT jsonb_agg(i) INTO v_items FROM jsonb_array_elements(v_items) AS i
         WHERE concat_ws(' ', i ->> 'kind', asymm._object_identity(i ->> 'kind', i ->> 'schema', i ->> 'name')) <> ALL (v_refused);
    END IF;
    IF COALESCE(v_items, '[]') = '[]' THEN
        RETURN NULL;
    END IF;
    v_steps := asymm._plan_set(v_items);
    IF dry_run THEN
        RETURN jsonb_build_object('steps', v_steps);
    END IF;
    INSERT INTO asymm.action (kind, target, owner, state, reason, requested_by, steps, fingerprint_before, evidence_before)
    VALUES ('heal', '*', asymm._caller(), 'approved', 'heal_all() by ' || asymm._caller(), asymm._caller(), v_steps,
            asymm._fingerprint_items(v_items), jsonb_build_object('objects',
                (SELECT jsonb_agg(i - '{declared,layout,actual,oid,renames,owner}'::text[] || jsonb_build_object(
                            'was', i -> 'renames' -> (i ->> 'kind'),
                            'fingerprint', CASE WHEN i -> 'actual' <> 'null' THEN asymm._fingerprint(i -> 'actual') END))
                   FROM jsonb_array_elements(v_items) AS i)))
    RETURNING id INTO v_action;
    -- Who asks for it has decided.
    UPDATE asymm.baseline_state AS s SET held = NULL
      FROM jsonb_to_recordset(v_items) AS i (baseline bigint) WHERE s.baseline_id = i.baseline AND s.held IS NOT NULL;
    INSERT INTO asymm.action_event (action_id, to_state, by_role, note) VALUES (v_action, 'approved', asymm._caller(), 'heal_all()');
    PERFORM asymm._set_action_state(v_action, 'applying');
    RETURN jsonb_build_object('action', v_action, 'steps', v_steps);
END
$$;
COMMENT ON FUNCTION asymm._request_heal_all(boolean) IS 'Plans the repair of everything that differs and the caller may act on; opens its action unless it is a dry run; NULL when nothing differs.';

CREATE OR REPLACE FUNCTION asymm._finish_heal_all(action bigint, ran jsonb, withheld jsonb, error jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['applying']);
    v_names jsonb := v.evidence_after -> 'objects';
    v_fingerprint text := v.fingerprint_after;
    v_items jsonb;
    v_steps jsonb;
    v_baselines bigint[];
BEGIN
    IF error IS NOT NULL THEN
        PERFORM asymm._set_action_state(action, 'failed', error ->> 'message', error);
        RETURN jsonb_build_object('action', action, 'target', '*', 'state', 'failed', 'error', error);
    END IF;
    IF v.evidence_after -> 'mark' IS DISTINCT FROM asymm._ddl_mark() THEN
        v_items := asymm._differing();
        v_names := asymm._item_names(v_items);
        v_fingerprint := asymm._fingerprint_items(v_items);
    END IF;
    v_names := COALESCE(NULLIF(v_names, 'null'), '[]');
    -- What ran comes from the caller, so only what stands in the ledger counts.
    v_steps := asymm._known_steps(ran, v.steps);
    UPDATE asymm.action
       SET steps = v_steps, applied_by = asymm._caller(), applied_at = clock_timestamp(), fingerprint_after = v_fingerprint,
           evidence_after = jsonb_build_object('withheld', asymm._known_steps(withheld, v.steps || COALESCE(v.evidence_before -> 'left', '[]')),
               'parts', asymm._healed_facts(v_steps, v_names), 'hanging', asymm._hanging_on(v_steps, true),
               'objects', NULLIF(v_names, '[]'))
     WHERE id = v.id;
    PERFORM asymm._set_action_state(action, 'applied');
    PERFORM asymm._set_action_state(action, 'verified', CASE WHEN v_names = '[]' THEN 'compared again: nothing differs'
                                                             ELSE 'compared again: what differs still needs a decision' END);
    UPDATE asymm.drift_record AS d SET state = 'healed', resolved_at = clock_timestamp(), action_id = v.id
     WHERE d.state = 'open'
       AND EXISTS (SELECT FROM jsonb_to_recordset(v.evidence_before -> 'objects') AS i (kind text, schema text, name text)
                    WHERE (i.kind, i.schema, i.name) = (d.kind, d.schema_name, d.object_name))
       AND NOT EXISTS (SELECT FROM jsonb_to_recordset(v_names) AS i (kind text, schema text, name text)
                        WHERE (i.kind, i.schema, i.name) = (d.kind, d.schema_name, d.object_name));
    PERFORM asymm._set_action_state(a.id, 'expired', 'healed with everything else')
       FROM jsonb_to_recordset(v.evidence_before -> 'objects') AS i (baseline bigint)
       JOIN asymm.action AS a ON a.baseline_id = i.baseline AND a.state IN ('proposed', 'approved')
      WHERE v.evidence_before -> 'denied' IS NULL
         OR NOT v.evidence_before -> 'denied' @> jsonb_build_array(jsonb_build_object('kind', a.object_kind, 'object',
                    asymm._object_identity(a.object_kind, a.schema_name, a.object_name)));
    v_baselines := ARRAY(SELECT i.baseline FROM jsonb_to_recordset(v.evidence_before -> 'objects') AS i (baseline bigint)
                          WHERE i.baseline IS NOT NULL);
    -- Most are as declared now, and noted as that by one look.
    v_baselines := ARRAY(SELECT b.id FROM unnest(v_baselines) AS b (id)
                         EXCEPT SELECT s.id FROM unnest(asymm._settle_unchanged(v_baselines)) AS s (id));
    IF v_baselines <> '{}' THEN
        PERFORM asymm._inspect(v_baselines, 'call');
    END IF;
    RETURN jsonb_build_object('action', action, 'target', '*', 'state', 'verified', 'error', NULL, 'differing', v_names);
END
$$;
COMMENT ON FUNCTION asymm._finish_heal_all(bigint, jsonb, jsonb, jsonb) IS 'Ends a repair of everything: ledger, drift rows, what is known of the objects; returns {action, target, state, error, differing}.';

CREATE OR REPLACE FUNCTION asymm.heal_all(dry_run boolean DEFAULT false, allow_data_loss boolean DEFAULT false)
RETURNS TABLE (action bigint, step integer, object text, statement text, inverse text, lock_class text, hazards text[], state text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_plan jsonb;
    v_steps jsonb;
    v_round record;
    v_ran jsonb := '[]';
    v_withheld jsonb := '[]';
    v_rounds integer := 0;
    v_tries integer := 0;
    v_action bigint;
    v_error jsonb;
    v_result jsonb;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
    v_kind text;
    v_object text;
    v_denied jsonb;
    v_stuck jsonb;
    v_before jsonb;
    v_new jsonb := '[]';
    v_held jsonb := '[]';
    v_kept jsonb := '[]';
    v_lock_timeout text := current_setting('lock_timeout');
BEGIN
    PERFORM asymm._require_text(dry_run::text, 'dry_run');
    PERFORM asymm._require_text(allow_data_loss::text, 'allow_data_loss');
    IF NOT dry_run THEN
        PERFORM asymm._require_healing();
    END IF;
    v_plan := asymm._request_heal_all(dry_run);
    IF v_plan IS NULL THEN
        RETURN;
    END IF;
    v_steps := v_plan -> 'steps';
    v_action := (v_plan ->> 'action')::bigint;
    IF NOT dry_run THEN
        PERFORM asymm._show_steps(v_steps, 'forward');
        PERFORM set_config('asymm.action', v_action::text, true);
        PERFORM set_config('lock_timeout', (extract(epoch FROM (asymm._settings()).lock_timeout) * 1000)::bigint::text, true);
        LOOP
            v_denied := NULL;
            v_stuck := '[]';
            BEGIN
                WHILE v_steps IS NOT NULL LOOP
                    v_rounds := v_rounds + 1;
                    v_before := v_steps;
                    v_round := asymm._run_steps(v_steps, allow_data_loss);
                    v_ran := v_ran || v_round.ran;
                    v_withheld := v_withheld || v_round.withheld;
                    SELECT s.steps, s.still_withheld INTO v_steps, v_withheld FROM asymm._settle_all(v_action, v_withheld) AS s;
                    PERFORM asymm._show_steps(v_steps, 'forward');
                    IF v_steps IS NOT NULL AND v_round.stuck IS NOT NULL AND (v_rounds = 6 OR v_round.ran = '[]') THEN
                        v_stuck := v_round.stuck -> 'steps';
                        RAISE EXCEPTION '%', v_round.stuck ->> 'message'
                            USING ERRCODE = v_round.stuck ->> 'sqlstate', DETAIL = v_round.stuck ->> 'detail',
                                  HINT = COALESCE(v_round.stuck ->> 'hint', 'Nothing was changed.');
                    ELSIF v_steps IS NOT NULL AND (v_rounds = 6 OR v_steps = v_before) THEN
                        v_stuck := v_steps;
                        RAISE EXCEPTION 'the repair did not converge' USING ERRCODE = 'SY007',
                            DETAIL = format('Still to do: %s', left((
                                SELECT string_agg(s ->> 'forward', '; ') FROM jsonb_array_elements(v_steps) AS s), 2000)),
                            HINT = 'Nothing was changed. Heal the objects one by one, or accept them with asymm.adopt().';
                    END IF;
                END LOOP;
                -- Once more without what was taken away for steps that are withheld; nothing of this run stays.
                v_new := asymm._holds(v_withheld, v_held);
                IF v_ran <> '[]' AND v_new <> '[]' AND v_tries < 8 THEN
                    RAISE EXCEPTION USING ERRCODE = 'SY012', MESSAGE = 'some steps are withheld';
                END IF;
            EXCEPTION WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL,
                                        v_hint = PG_EXCEPTION_HINT, v_kind = PG_DATATYPE_NAME, v_object = CONSTRAINT_NAME;
                v_error := jsonb_build_object('sqlstate', v_state, 'message', v_message, 'detail', v_detail, 'hint', v_hint);
                -- What can't be done while other steps are withheld waits with them.
                v_new := CASE WHEN v_state = 'SY012' THEN v_new
                              WHEN v_stuck <> '[]' AND v_withheld || v_held <> '[]' AND v_tries < 8
                              THEN asymm._holds(v_withheld || v_stuck, v_held) ELSE '[]' END;
                v_kept := v_kept || CASE WHEN v_new <> '[]' THEN v_withheld || v_stuck ELSE '[]' END;
                v_ran := v_plan -> 'steps';
                v_withheld := '[]';
                IF v_state = '42501' AND v_object <> '' THEN
                    v_denied := jsonb_build_object('kind', v_kind, 'object', v_object);
                END IF;
            END;
            EXIT WHEN v_error IS NULL OR v_denied IS NULL AND v_new = '[]';
            -- Nothing was changed: all the rest, then.
            v_tries := v_tries + 1;
            v_held := v_held || v_new;
            v_steps := asymm._leave_out(v_action, v_denied, v_held, v_kept);
            EXIT WHEN v_steps IS NULL;
            IF v_denied IS NOT NULL THEN
                RAISE WARNING 'not healed for lack of rights: % %', v_kind, v_object
                    USING ERRCODE = 'insufficient_privilege', DETAIL = v_message, HINT = 'Call asymm.heal_all() as a role that has them.';
            END IF;
            v_plan := jsonb_set(v_plan, '{steps}', v_steps);
            v_error := NULL;
            v_ran := '[]';
            v_rounds := 0;
        END LOOP;
        PERFORM set_config('asymm.action', '', true);
        PERFORM set_config('lock_timeout', v_lock_timeout, true);
        v_result := asymm._finish_heal_all(v_action, v_ran, v_kept || v_withheld, v_error);
        PERFORM asymm._warn_unfinished(v_result);
        -- What waited may have been mended with something else.
        SELECT v_withheld || COALESCE(jsonb_agg(k ORDER BY n), '[]') INTO v_withheld
          FROM jsonb_array_elements(v_kept) WITH ORDINALITY AS k (k, n)
         WHERE v_error IS NULL AND v_result -> 'differing' @> jsonb_build_array(jsonb_build_object(
                   'kind', k -> 'kind', 'schema', k -> 'schema', 'name', k -> 'called'));
        v_steps := v_ran;
    END IF;
    RETURN QUERY
        SELECT v_action, row_number() OVER (ORDER BY s.held, s.n)::integer, concat_ws(' ', p.kind, p.object), p.forward, p.inverse,
               p.lock_class, p.hazards, CASE WHEN s.held THEN 'withheld' ELSE COALESCE(v_result ->> 'state', 'planned') END
          FROM (SELECT x.doc, x.n, false AS held FROM jsonb_array_elements(v_steps) WITH ORDINALITY AS x (doc, n)
                UNION ALL SELECT x.doc, x.n, true FROM jsonb_array_elements(v_withheld) WITH ORDINALITY AS x (doc, n)) AS s
         CROSS JOIN LATERAL jsonb_to_record(s.doc) AS p (kind text, object text, forward text, inverse text, lock_class text, hazards text[]);
END
$$;
COMMENT ON FUNCTION asymm.heal_all(boolean, boolean)
    IS 'Brings everything that is watched back to the baseline in one plan and one transaction, with the caller''s rights, and compares again; dry_run only shows the plan. Steps that would delete data need allow_data_loss, else they are returned as withheld. No rows: nothing differs. A failure is a warning and a ledger row; nothing is half done. Raises 22004, SY004.';
