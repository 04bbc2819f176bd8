-- What a person decides about an action on an index. CONCURRENTLY cannot run in his transaction: it is queued.

CREATE OR REPLACE FUNCTION asymm._queue_index(action bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.index_action AS i WHERE i.action_id = action) THEN
        RETURN NULL;
    END IF;
    v := asymm._require_action(action, ARRAY['proposed', 'approved', 'failed']);
    IF EXISTS (SELECT FROM pg_class AS c JOIN asymm.index_action AS i ON i.relid = c.oid WHERE i.action_id = v.id AND c.relkind = 'p') THEN
        RAISE EXCEPTION 'a partitioned table cannot be indexed without locking it'
            USING ERRCODE = 'wrong_object_type', DETAIL = format('%s is partitioned; CONCURRENTLY works on its partitions only.', v.target),
                  HINT = format('At a quiet moment: %s', v.evidence_before ->> 'definition');
    END IF;
    UPDATE asymm.action SET tries = 0, due_at = 'infinity' WHERE id = v.id;
    UPDATE asymm.index_action SET retry_at = NULL, problem = NULL WHERE action_id = v.id;
    PERFORM asymm._set_action_state(v.id, 'approved', 'approved by ' || asymm._caller());
    RETURN format('queued: a builder runs it outside of a transaction (%s); see asymm.advice', v.steps #>> '{0,forward}');
END
$$;
COMMENT ON FUNCTION asymm._queue_index(bigint) IS 'Approves an action on an index and says that it is queued; NULL for actions of other kinds.';

CREATE OR REPLACE FUNCTION asymm._queue_index_back(action bigint, dry_run boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.index_action AS i WHERE i.action_id = action) THEN
        RETURN NULL;
    END IF;
    v := asymm._require_action(action, ARRAY['applied', 'verified']);
    IF v.steps #>> '{0,inverse}' IS NULL THEN
        RAISE EXCEPTION 'action % cannot be taken back', action
            USING ERRCODE = 'SY005', DETAIL = format('There is no way back from: %s', v.steps #>> '{0,forward}'),
                  HINT = 'A rebuilt index holds what it held before, in less space.';
    END IF;
    IF NOT dry_run THEN
        PERFORM asymm._require_healing();
        PERFORM asymm._begin_index_back(v.id, 'asked for by ' || asymm._caller());
    END IF;
    RETURN jsonb_build_object('step', 1, 'statement', v.steps #>> '{0,inverse}', 'state', CASE WHEN dry_run THEN 'planned' ELSE 'reverting' END);
END
$$;
COMMENT ON FUNCTION asymm._queue_index_back(bigint, boolean) IS 'Has an index taken back (or says how); NULL for actions of other kinds.';

CREATE OR REPLACE FUNCTION asymm._begin_index_back(action bigint, why text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE asymm.index_action AS i SET reverts_from = a.state, retry_at = NULL, problem = NULL
      FROM asymm.action AS a WHERE a.id = i.action_id AND i.action_id = action;
    UPDATE asymm.action AS a SET tries = 0 WHERE a.id = action;
    PERFORM asymm._set_action_state(action, 'reverting', why);
END
$$;
COMMENT ON FUNCTION asymm._begin_index_back(bigint, text) IS 'Marks an action on an index as to be taken back, with the reason.';
