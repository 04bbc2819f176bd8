-- The ledger: states, and the pieces that run an action. What runs is what was stored when the action was made; what a
-- caller can say is only which action.

CREATE OR REPLACE FUNCTION asymm._set_action_state(action bigint, state text, note text DEFAULT NULL, error jsonb DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_from text;
    v_error constant jsonb := asymm._without_values(error);
    v_note constant text := CASE WHEN v_error IS NULL THEN note ELSE replace(note, error ->> 'message', v_error ->> 'message') END;
BEGIN
    SELECT a.state INTO v_from FROM asymm.action a WHERE a.id = action FOR UPDATE;
    UPDATE asymm.action AS a
       SET state = _set_action_state.state, changed_at = clock_timestamp(), error = v_error,
           -- Why it is proposed, or who approved it; that it is tried again is for the history.
           reason = CASE WHEN _set_action_state.state = 'proposed' OR (_set_action_state.state = 'approved' AND v_from <> 'applying')
                         THEN COALESCE(v_note, a.reason) ELSE a.reason END
     WHERE a.id = action;
    INSERT INTO asymm.action_event (action_id, from_state, to_state, by_role, note)
    VALUES (action, v_from, _set_action_state.state, asymm._caller(), v_note);
    PERFORM asymm._audit('action ' || state, (SELECT a.target FROM asymm.action AS a WHERE a.id = action), jsonb_build_object('action', action));
END
$$;
COMMENT ON FUNCTION asymm._set_action_state(bigint, text, text, jsonb) IS 'Moves an action to a state and keeps the move in its history.';

CREATE OR REPLACE FUNCTION asymm._require_action(action bigint, states text[]) RETURNS asymm.action
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action;
BEGIN
    IF action IS NULL THEN
        PERFORM asymm._require_text(NULL, 'action');
    END IF;
    SELECT a.* INTO v FROM asymm.action a WHERE a.id = action FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'action % does not exist', action
            USING ERRCODE = 'undefined_object', DETAIL = 'The ledger has no row of that number.',
                  HINT = 'SELECT id, target, state FROM asymm.actions ORDER BY id DESC;';
    END IF;
    PERFORM asymm._require_rights(v.owner, v.target);
    -- The declared owner's text runs too, so both owners must be the caller's.
    PERFORM asymm._require_rights(asymm._declared_owner(b.kind, b.facts), v.target)
       FROM asymm.baseline b WHERE b.id = v.baseline_id;
    IF NOT v.state = ANY (states) THEN
        RAISE EXCEPTION 'action % is %', action, v.state
            USING ERRCODE = 'SY005', DETAIL = format('This needs an action that is %s.', array_to_string(states, ' or ')),
                  HINT = format('SELECT * FROM asymm.action_history(%s);', action);
    END IF;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._require_action(bigint, text[]) IS 'Locks and returns an action the caller may act on; raises 22004, 42704, 42501 or SY005.';

CREATE OR REPLACE FUNCTION asymm._require_healing() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_reason text := asymm._healing_paused();
BEGIN
    IF v_reason IS NOT NULL THEN
        RAISE EXCEPTION 'healing is paused'
            USING ERRCODE = 'SY004', DETAIL = format('Reason: %s.', v_reason),
                  HINT = 'When this database may be changed again: SELECT asymm.resume();';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_healing() IS 'Raises SY004 while healing is paused.';

-- Only tables can be locked by name, and a view would lock what it reads.
CREATE OR REPLACE FUNCTION asymm._action_table(action bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT COALESCE(asymm._object_oid('table', a.schema_name, a.object_name),
                        (SELECT c.oid FROM asymm.baseline_state s JOIN pg_class c ON c.oid = s.object_id AND c.relkind IN ('r', 'p')
                          WHERE s.baseline_id = a.baseline_id AND s.class_id = 'pg_class'::regclass))::regclass::text
          FROM asymm.action a WHERE a.id = action AND a.object_kind = 'table');
END
$$;
COMMENT ON FUNCTION asymm._action_table(bigint) IS 'The table an action is about as it is called now, quoted; NULL when it is gone or the action is about something else.';

-- What is to be run now for an action: the stored steps while the object is still what they were made for. After a
-- round of renames the rest is planned afresh.
CREATE OR REPLACE FUNCTION asymm._open_steps(action bigint, round integer) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['applying']);
    v_base asymm.baseline;
    v_look record;
    v_oid oid;
    v_fingerprint text;
    v_steps jsonb := v.steps;
    v_policy record;
    v_may_delete boolean := false;
BEGIN
    IF v.baseline_id IS NULL THEN
        v_oid := asymm._object_oid(v.object_kind, v.schema_name, v.object_name);
        SELECT asymm._fingerprint(f.facts) INTO v_fingerprint FROM asymm._facts_of(v.object_kind, v_oid) AS f;
    ELSE
        SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline_id;
        v_look := asymm._look(v.baseline_id);
        v_oid := v_look.object_id;
        v_fingerprint := COALESCE(v_look.fingerprint, 'gone');
    END IF;
    IF round = 1 THEN
        IF v_fingerprint IS DISTINCT FROM v.fingerprint_before THEN
            RAISE EXCEPTION 'action % is stale', action
                USING ERRCODE = 'SY008', DETAIL = format('%s changed after the repair was planned.', v.target),
                      HINT = 'It is planned again with the next beat, or by asymm.heal().';
        END IF;
    ELSE
        v_steps := '[]';
        IF v.baseline_id IS NOT NULL AND v_fingerprint IS DISTINCT FROM v_base.fingerprint THEN
            v_steps := asymm._steps(v_base.kind, v_base.schema_name, v_base.object_name, v_base.facts, v_base.layout,
                                    v_look.facts, v_look.object_id, v_look.renames);
        END IF;
        UPDATE asymm.action a SET steps = a.steps || v_steps WHERE a.id = action AND v_steps <> '[]';
    END IF;
    -- Approved by policy when it was claimed: what that did not know is asked now.
    IF v.reason = 'policy heal' AND v.baseline_id IS NOT NULL
       AND (round > 1 OR jsonb_path_exists(v_steps, '$[*].hazards[*] ? (@ == "deletes data")')) THEN
        v_policy := asymm._policy_of_plan(v_base, v_oid, v_steps);
        IF v_policy.hold IS NOT NULL THEN
            RAISE EXCEPTION 'the rest of the repair is not allowed by policy' USING ERRCODE = 'SY009', DETAIL = v_policy.hold,
                HINT = format('If that is wanted: SELECT * FROM asymm.approve(%s);', action);
        END IF;
        v_may_delete := v_policy.may_delete;
    END IF;
    RETURN jsonb_build_object('steps', v_steps, 'object_id', v_oid::bigint, 'may_delete', v_may_delete);
END
$$;
COMMENT ON FUNCTION asymm._open_steps(bigint, integer) IS 'Steps to run for an action being applied, the OID of its object, and whether policy lets them delete data; raises SY008 when the object has moved on.';
