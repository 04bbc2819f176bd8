-- Running an action: claim, apply, settle, finish. The DDL runs with the caller's rights; what is written to the ledger
-- is worked out from the catalogs by functions of asymm_owner.

CREATE OR REPLACE FUNCTION asymm._claim_action() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_hold text;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.action a WHERE a.state = 'approved' AND a.due_at <= clock_timestamp()) THEN
        RETURN NULL;
    END IF;
    -- The background never acts as a superuser, nor while healing is paused.
    IF asymm._healing_paused() IS NOT NULL
       OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = asymm._caller() AND r.rolsuper) THEN
        RETURN NULL;
    END IF;
    PERFORM asymm._require_session();
    LOOP
        SELECT a.id, a.steps, a.baseline_id, s.object_id INTO v
          FROM asymm.action a
          LEFT JOIN asymm.baseline b ON b.id = a.baseline_id
          LEFT JOIN asymm.baseline_state s ON s.baseline_id = b.id
         WHERE a.state = 'approved' AND a.due_at <= clock_timestamp() AND NOT asymm._is_index_kind(a.kind) AND asymm._may_act(a.owner)
           AND (b.id IS NULL OR asymm._may_act(asymm._declared_owner(b.kind, b.facts)))
         -- What is gone comes first, in the order in which it can be made: what refers to it needs it.
         ORDER BY a.fingerprint_before <> 'gone',
                  CASE WHEN a.fingerprint_before = 'gone' THEN array_position(asymm._kinds(), a.object_kind) END, a.id
         LIMIT 1 FOR UPDATE OF a SKIP LOCKED;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        -- Who set the rule that allowed it may have lost the right since.
        SELECT p.hold INTO v_hold FROM asymm.baseline b CROSS JOIN LATERAL asymm._policy_of_plan(b, v.object_id, v.steps) AS p
         WHERE b.id = v.baseline_id;
        EXIT WHEN v_hold IS NULL;
        PERFORM asymm._set_action_state(v.id, 'proposed', v_hold);
    END LOOP;
    UPDATE asymm.action SET tries = tries + 1 WHERE id = v.id;
    PERFORM asymm._set_action_state(v.id, 'applying');
    RETURN v.id;
END
$$;
COMMENT ON FUNCTION asymm._claim_action() IS 'Takes the next approved action the caller may run and marks it applying; NULL when there is none, when healing is paused, or for a superuser.';

CREATE OR REPLACE FUNCTION asymm._recover_actions() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_count integer := 0;
BEGIN
    PERFORM asymm._require_session();
    -- A row that is being worked on is locked by its worker.
    FOR v IN SELECT a.id, a.tries, a.state FROM asymm.action a
              WHERE a.state IN ('applying', 'reverting') AND NOT asymm._is_index_kind(a.kind) AND asymm._may_act(a.owner) FOR UPDATE SKIP LOCKED LOOP
        PERFORM asymm._set_action_state(v.id, CASE WHEN v.state = 'reverting' THEN 'verified'
                                                   WHEN v.tries < 3 THEN 'approved' ELSE 'failed' END,
                                        'the session that ran it is gone; nothing was changed');
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION asymm._recover_actions() IS 'Gives actions whose session died back to the queue (failed after three tries); returns how many.';

-- What an action is answerable for: of its own object the parts its steps name (all of it when one step makes or drops
-- it), and whole whatever else its steps are on.
CREATE OR REPLACE FUNCTION asymm._touched_facts(steps jsonb, kind text, schema_name text, object_name text, facts jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_own jsonb := asymm._own_steps(steps, kind, schema_name, object_name);
    v_touched jsonb := '{}';
    v_others jsonb;
BEGIN
    IF kind IS NOT NULL THEN
        SELECT CASE WHEN facts IS NULL OR bool_or(p.part = kind AND p.name = '' AND p.forward ~ '^(CREATE|DROP) (?!OR REPLACE )')
                    THEN jsonb_build_object(kind, asymm._fingerprint(facts))
                    ELSE COALESCE(jsonb_object_agg(p.part || ' ' || p.name, facts #> ARRAY[p.part, p.name])
                                      FILTER (WHERE p.part IS NOT NULL), '{}') END
          INTO v_touched
          FROM jsonb_to_recordset(v_own) AS p (part text, name text, forward text);
    END IF;
    WITH o AS MATERIALIZED (
        SELECT DISTINCT s.kind, s.object, s.schema, s.called, asymm._object_oid(s.kind, s.schema, s.called) AS id
          FROM jsonb_array_elements(steps) AS e (doc)
         CROSS JOIN LATERAL jsonb_to_record(e.doc) AS s (kind text, object text, schema text, called text)
         WHERE s.called IS NOT NULL AND NOT v_own @> jsonb_build_array(e.doc)),
    a AS (SELECT array_agg(o.kind) AS kinds, array_agg(o.id) AS oids FROM o WHERE o.id IS NOT NULL)
    SELECT jsonb_object_agg(o.kind || ' ' || o.object, asymm._fingerprint(f.facts)) INTO v_others
      FROM o
      LEFT JOIN (SELECT f.* FROM a CROSS JOIN LATERAL asymm._object_facts(a.kinds, a.oids) AS f) AS f ON f.kind = o.kind AND f.object_id = o.id;
    RETURN v_touched || COALESCE(v_others, '{}');
END
$$;
COMMENT ON FUNCTION asymm._touched_facts(jsonb, text, text, text, jsonb)
    IS 'The present facts of what the steps of an action touch: by these it is told whether the action may still be taken back.';

CREATE OR REPLACE FUNCTION asymm._known_steps(ran jsonb, steps jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT COALESCE(jsonb_agg(r.doc ORDER BY r.n), '[]') FROM jsonb_array_elements(ran) WITH ORDINALITY AS r (doc, n)
         WHERE EXISTS (SELECT FROM jsonb_array_elements(steps) AS s WHERE s = r.doc));
END
$$;
COMMENT ON FUNCTION asymm._known_steps(jsonb, jsonb) IS 'Those of the steps a caller says were run that stand in the ledger, in the order of running.';

-- After a round: what still differs and should not; NULL when the object is as declared, but for what only a person may
-- decide (steps that would delete data or can't be done). Text of parts made anew from their declared text may deparse
-- differently once; that replayed form becomes the declared one, and the ledger says so.
CREATE OR REPLACE FUNCTION asymm._settle(action bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['applying']);
    v_base asymm.baseline;
    v_look record;
    v_left jsonb;
    v_facts jsonb;
    v_own jsonb;
    v_replayed record;
BEGIN
    -- Rights change, and objects that are no tables, without a lock that one could hold. A change whose meaning is not read yet
    -- may have come after the look, and be undone by these steps: by policy alone that must not be.
    IF v.reason = 'policy heal' AND asymm._ddl_unread(v.baseline_id, false) THEN
        RAISE EXCEPTION 'action % is stale', action USING ERRCODE = 'SY008', DETAIL = format('More DDL arrived while %s was repaired.', v.target),
            HINT = 'It is planned again with the next beat, or by asymm.heal().';
    END IF;
    IF v.baseline_id IS NULL THEN
        RETURN CASE WHEN asymm._object_oid(v.object_kind, v.schema_name, v.object_name) IS NOT NULL
                    THEN jsonb_build_array(jsonb_build_object('part', v.object_kind, 'name', '')) END;
    END IF;
    SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline_id;
    v_look := asymm._look(v.baseline_id);
    IF v_look.fingerprint = v_base.fingerprint THEN
        RETURN NULL;
    END IF;
    v_own := asymm._own_steps(v.steps, v_base.kind, v_base.schema_name, v_base.object_name);
    v_facts := v_base.facts;
    FOR v_replayed IN
        SELECT d.part, d.name, d.attribute, d.actual
          FROM asymm._differences(v_base.facts, v_look.facts, v_look.renames) AS d
         WHERE d.attribute IN ('def', 'default', 'generated', 'using', 'check', 'bound', 'partition_key')
           AND asymm._same_but_casts(d.declared #>> '{}', d.actual #>> '{}') AND v_look.renames = '{}'
           AND EXISTS (SELECT FROM jsonb_to_recordset(v_own) AS s (part text, name text, forward text)
                        WHERE s.forward IS NOT NULL AND (s.part = v_base.kind AND v.fingerprint_before = 'gone'
                                                         OR s.part = d.part AND s.name = d.name))
    LOOP
        v_facts := jsonb_set(v_facts, ARRAY[v_replayed.part, v_replayed.name, v_replayed.attribute], v_replayed.actual);
    END LOOP;
    IF v_facts <> v_base.facts THEN
        INSERT INTO asymm.action_event (action_id, from_state, to_state, by_role, note)
        SELECT v.id, v.state, v.state, asymm._caller(),
               'declared is now what the server prints: ' || left(jsonb_agg(to_jsonb(d))::text, 4000)
          FROM asymm._compare(v_base.facts, v_facts) AS d;
        PERFORM asymm._set_baseline(v_base.id, v_facts, v_base.layout, v_base.reason, v_base.schema_name, v_base.object_name);
    END IF;
    SELECT jsonb_agg(to_jsonb(d)) INTO v_left
      FROM asymm._differences(v_facts, v_look.facts, v_look.renames) AS d
     WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(v_own) AS s
                        WHERE s ->> 'part' = d.part AND s ->> 'name' = d.name
                          AND (s -> 'hazards' ? 'deletes data' OR s ->> 'forward' IS NULL));
    RETURN v_left;
END
$$;
COMMENT ON FUNCTION asymm._settle(bigint) IS 'What still differs after the steps of an action were run, and should not; NULL when the repair is done.';

-- What ran comes from the caller, so only what stands in the ledger counts.
CREATE OR REPLACE FUNCTION asymm._finish_action(action bigint, ran jsonb, error jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['applying']);
    v_code text := error ->> 'sqlstate';
    v_steps jsonb;
    v_state text;
    v_base asymm.baseline;
    v_look record;
    v_facts jsonb;
    v_left jsonb := '[]';
    v_fingerprint text := 'gone';
    v_same boolean := false;
    v_snapshot pg_snapshot := pg_current_snapshot();
    v_at timestamptz := clock_timestamp();
BEGIN
    IF error IS NULL AND v.baseline_id IS NOT NULL THEN
        SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline_id FOR UPDATE;
        v_look := asymm._look(v.baseline_id);
        v_same := COALESCE(v_look.fingerprint = v_base.fingerprint, false);
    END IF;
    IF error IS NULL AND (v_same OR asymm._settle(action) IS NULL) THEN
        IF v.baseline_id IS NOT NULL THEN
            SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline_id;
            v_fingerprint := v_look.fingerprint;
            v_facts := v_look.facts;
            SELECT COALESCE(jsonb_agg(to_jsonb(d)), '[]') INTO v_left
              FROM asymm._differences(v_base.facts, v_look.facts, v_look.renames) AS d;
        END IF;
        -- The steps kept are those that ran: what revert() will take back.
        v_steps := asymm._known_steps(ran, v.steps);
        UPDATE asymm.action
           SET steps = v_steps, applied_by = asymm._caller(), applied_at = clock_timestamp(), fingerprint_after = v_fingerprint,
               evidence_after = jsonb_build_object('differences', v_left,
                   'parts', asymm._touched_facts(v_steps, v.object_kind, v.schema_name, v.object_name, v_facts),
                   'hanging', asymm._hanging_on(v_steps, true))
         WHERE id = v.id;
        PERFORM asymm._set_action_state(v.id, 'applied');
        PERFORM asymm._set_action_state(v.id, 'verified', CASE WHEN v_left = '[]' THEN 'compared again: nothing differs'
            ELSE 'compared again: what differs still needs a decision' END);
        UPDATE asymm.drift_record AS d SET state = 'healed', resolved_at = clock_timestamp(), action_id = v.id
         WHERE d.state = 'open'
           AND (d.baseline_id = v.baseline_id OR (v.baseline_id IS NULL AND d.action_id = v.id))
           AND NOT EXISTS (SELECT FROM jsonb_to_recordset(v_left) AS f (part text, name text, attribute text)
                            WHERE f.part = d.part AND f.name = d.name AND f.attribute IS NOT DISTINCT FROM d.attribute);
        IF v_left = '[]' AND v.baseline_id IS NOT NULL THEN
            PERFORM asymm._note_look(v_base, v_look.object_id, v_look.facts, v_look.renames, v_look.fingerprint, 'call', NULL, NULL);
            PERFORM asymm._looked_before(ARRAY[v_base.id], v_snapshot, v_at);
        ELSIF v.baseline_id IS NOT NULL THEN
            PERFORM asymm._inspect(ARRAY[v_base.id], 'call');
        END IF;
        v_state := 'verified';
    ELSIF v_code = 'SY008' OR v_code = 'XX000' AND v.tries > 0 AND asymm._ddl_unread(v.baseline_id, false) THEN
        -- (Two who change the rights of one object at once are told an internal error: tuple concurrently updated.)
        v_state := 'expired';
    ELSIF v_code = 'SY009' THEN
        v_state := 'proposed';
    ELSIF v_code = '42501' AND error ->> 'kind' <> ALL (ARRAY['table', 'materialized view', 'foreign table', 'domain']) THEN
        -- A question for somebody who may. Not where a step evaluates the owner's own expressions: nobody is to be lured to.
        v_state := 'proposed';
        error := error || jsonb_build_object('message', format('"%s" lacks the rights: %s', asymm._caller(), error ->> 'message'),
            'hint', format('Who has them may run it: SELECT * FROM asymm.approve(%s);', action));
    ELSIF v_code IN ('55P03', '40P01', '40001') AND v.tries < 8 AND v.tries > 0 THEN
        -- Busy: later, with a delay that doubles and jitter so that loops do not meet again.
        UPDATE asymm.action
           SET due_at = clock_timestamp() + interval '203.7 ms' * 2 ^ LEAST(tries, 5) * (1 + random())
         WHERE id = v.id;
        v_state := 'approved';
    ELSIF v_code IN ('42P01', '42704', '42883', '3F000') AND v.tries < 3 AND v.tries > 0 THEN
        -- Something it refers to is gone too, and may be repaired in a moment.
        UPDATE asymm.action SET due_at = clock_timestamp() + interval '203.7 ms' * 2 ^ tries WHERE id = v.id;
        v_state := 'approved';
    ELSE
        v_state := 'failed';
    END IF;
    IF v_state <> 'verified' THEN
        PERFORM asymm._set_action_state(action, v_state, error ->> 'message', error);
        -- Whatever moved it, another action perhaps, may have left it as declared. What the log tells of is judged when that is read.
        IF v_state = 'expired' AND v.baseline_id IS NOT NULL AND NOT asymm._ddl_unread(v.baseline_id, false) THEN
            PERFORM asymm._inspect(ARRAY[v.baseline_id], 'call');
        END IF;
    END IF;
    RETURN jsonb_build_object('action', action, 'target', v.target, 'state', v_state, 'error', error);
END
$$;
COMMENT ON FUNCTION asymm._finish_action(bigint, jsonb, jsonb) IS 'Ends the run of an action: verified only if the catalog agrees, else proposed, queued again or failed; returns {action, target, state, error}.';
