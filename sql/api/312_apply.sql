-- The steps of an action, run.

CREATE OR REPLACE FUNCTION asymm._apply_action(action bigint, allow_data_loss boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY INVOKER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_table text;
    v_open jsonb;
    v_allowed boolean;
    v_done record;
    v_ran jsonb := '[]';
    v_withheld jsonb := '[]';
    v_first jsonb;
    v_round integer := 0;
    v_left jsonb;
    v_error jsonb;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
    v_kind text;
    v_lock_timeout text := current_setting('lock_timeout');
BEGIN
    PERFORM set_config('asymm.action', action::text, true);
    PERFORM set_config('lock_timeout', (extract(epoch FROM (asymm._settings()).lock_timeout) * 1000)::bigint::text, true);
    BEGIN
        LOOP
            v_round := v_round + 1;
            -- Nobody else's DDL comes between the look and the last step; reads and writes go on unless data is at stake.
            v_table := asymm._action_table(action);
            IF v_table IS NOT NULL THEN
                EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', v_table::regclass);
            END IF;
            v_open := asymm._open_steps(action, v_round);
            v_allowed := allow_data_loss OR (v_open ->> 'may_delete')::boolean;
            IF v_table IS NOT NULL THEN
                IF NOT v_allowed AND jsonb_path_exists(v_open, '$.steps[*] ? (@.precondition != null)') THEN
                    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', v_table::regclass);
                END IF;
                -- Nobody may have put another relation of that name there meanwhile.
                IF to_regclass(v_table)::oid IS DISTINCT FROM (v_open ->> 'object_id')::oid THEN
                    RAISE EXCEPTION 'action % is stale', action USING ERRCODE = 'SY008',
                        DETAIL = format('%s is another relation now.', v_table),
                        HINT = 'It is planned again with the next beat, or by asymm.heal().';
                END IF;
            END IF;
            -- What needs a person is left out; the ledger proposes it when the rest is done.
            v_done := asymm._run_steps(v_open -> 'steps', v_allowed);
            v_ran := v_ran || v_done.ran;
            v_withheld := v_withheld || v_done.withheld;
            IF v_ran = '[]' AND v_done.stuck IS NULL THEN
                v_first := COALESCE(jsonb_path_query_first(v_withheld, '$[*] ? (@.forward != null)'), v_withheld -> 0);
                RAISE EXCEPTION '%', CASE WHEN v_first ->> 'forward' IS NULL THEN 'nothing of the repair can be done from inside the database'
                                          ELSE 'the repair would delete data' END
                    USING ERRCODE = CASE WHEN v_first ->> 'forward' IS NULL THEN 'SY007' ELSE 'SY009' END,
                          DETAIL = COALESCE('Statement: ' || (v_first ->> 'forward'), v_first #>> '{hazards,0}', 'There is no step.'),
                          HINT = CASE WHEN v_first ->> 'forward' IS NULL THEN 'Accept the difference with asymm.adopt(), or repair it by hand.'
                                      ELSE format('If that is wanted: SELECT * FROM asymm.approve(%s);', action) END;
            END IF;
            v_left := asymm._settle(action);
            EXIT WHEN v_left IS NULL;
            IF v_done.stuck IS NOT NULL AND (v_done.ran = '[]' OR v_round = 4) THEN
                RAISE EXCEPTION '%', v_done.stuck ->> 'message'
                    USING ERRCODE = v_done.stuck ->> 'sqlstate', DETAIL = v_done.stuck ->> 'detail',
                          HINT = COALESCE(v_done.stuck ->> 'hint', 'Nothing was changed.');
            ELSIF v_round = 4 THEN
                RAISE EXCEPTION 'the repair did not converge' USING ERRCODE = 'SY007',
                    DETAIL = format('Still different: %s', left(v_left::text, 1000)),
                    HINT = 'Nothing was changed. Accept the difference with asymm.adopt(), or repair it by hand.';
            END IF;
        END LOOP;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT,
                                v_kind = PG_DATATYPE_NAME;
        v_error := jsonb_build_object('sqlstate', v_state, 'message', v_message, 'detail', v_detail, 'hint', v_hint)
                   || CASE WHEN v_state = '42501' AND v_kind <> '' THEN jsonb_build_object('kind', v_kind) ELSE '{}' END;
    END;
    PERFORM set_config('asymm.action', '', true);
    PERFORM set_config('lock_timeout', v_lock_timeout, true);
    RETURN asymm._finish_action(action, v_ran, v_error);
END
$$;
COMMENT ON FUNCTION asymm._apply_action(bigint, boolean) IS 'Runs an action that is applying, all of it or nothing, with the caller''s rights, and checks the result; returns {action, target, state, error}.';
