-- What a command did.

-- The table's baseline takes over what was done to this one index, and nothing else.
CREATE OR REPLACE FUNCTION asymm._declare_index(i asymm.index_action, table_kind text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_base asymm.baseline;
    v_fact jsonb;
    v_facts jsonb;
BEGIN
    FOR v_base IN SELECT b.* FROM asymm.baseline AS b JOIN asymm.baseline_state AS s ON s.baseline_id = b.id
                   WHERE s.class_id = 'pg_class'::regclass AND s.object_id = i.relid FOR UPDATE OF b LOOP
        SELECT f.facts #> ARRAY['index', i.index_name] INTO v_fact FROM asymm._facts_of(table_kind, i.relid) AS f;
        v_facts := CASE WHEN v_fact IS NULL THEN v_base.facts #- ARRAY['index', i.index_name]
                        ELSE jsonb_set(v_base.facts || jsonb_build_object('index', COALESCE(v_base.facts -> 'index', '{}')),
                                       ARRAY['index', i.index_name], v_fact) END;
        IF v_facts -> 'index' = '{}' THEN
            v_facts := v_facts - 'index';
        END IF;
        IF v_facts <> v_base.facts THEN
            PERFORM asymm._set_baseline(v_base.id, v_facts, v_base.layout, format('action %s', i.action_id), v_base.schema_name, v_base.object_name);
        END IF;
        PERFORM asymm._inspect(ARRAY[v_base.id], 'call');
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._declare_index(asymm.index_action, text) IS 'Makes an index of ours, or its absence, part of the baseline of its table.';

-- While one of our commands is under way its index is neither there nor gone: for a look at the table it is as declared.
CREATE OR REPLACE FUNCTION asymm._without_index_work(relation oid, facts jsonb, declared jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_facts jsonb := facts;
    v_name text;
BEGIN
    FOR v_name IN
        SELECT n.name
          FROM asymm.index_action AS i
          JOIN asymm.action AS a ON a.id = i.action_id AND a.state IN ('applying', 'reverting')
         CROSS JOIN LATERAL (
               SELECT i.index_name AS name
               UNION ALL
               SELECT k.name FROM jsonb_object_keys(facts -> 'index') AS k (name)
                WHERE asymm._is_copy_of(k.name, i.index_name)) AS n
         WHERE i.relid = relation AND a.kind IN ('create index', 'drop index', 'reindex')
    LOOP
        v_facts := CASE WHEN declared #> ARRAY['index', v_name] IS NULL THEN v_facts #- ARRAY['index', v_name]
                        ELSE jsonb_set(v_facts || jsonb_build_object('index', COALESCE(v_facts -> 'index', '{}')),
                                       ARRAY['index', v_name], declared #> ARRAY['index', v_name]) END;
        IF v_facts -> 'index' = '{}' THEN
            v_facts := v_facts - 'index';
        END IF;
    END LOOP;
    RETURN v_facts;
END
$$;
COMMENT ON FUNCTION asymm._without_index_work(oid, jsonb, jsonb) IS 'The facts of a table with indexes that a builder is at work on as they are declared.';

-- Whether DDL is on nothing but indexes that a builder of the caller's is at work on.
CREATE OR REPLACE FUNCTION asymm._is_index_work(class_ids oid[], object_ids oid[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN cardinality(object_ids) > 0 AND NOT EXISTS (
        SELECT FROM unnest(class_ids, object_ids) AS o (class_id, object_id)
         WHERE o.class_id <> 'pg_class'::regclass
            OR NOT EXISTS (
               SELECT FROM asymm.index_action AS i
                 JOIN asymm.action AS a ON a.id = i.action_id AND a.state IN ('applying', 'reverting') AND asymm._may_act(a.owner)
                 LEFT JOIN pg_index AS x ON x.indexrelid = o.object_id AND x.indrelid = i.relid
                 LEFT JOIN pg_class AS c ON c.oid = x.indexrelid
                WHERE i.index_id = o.object_id OR c.relname = i.index_name OR a.kind = 'reindex' AND asymm._is_copy_of(c.relname, i.index_name)));
END
$$;
COMMENT ON FUNCTION asymm._is_index_work(oid[], oid[]) IS 'True for DDL that carries out an action on an index, by somebody who may.';

-- The catalog is as it should be, or nothing more can be done.
CREATE OR REPLACE FUNCTION asymm._index_done(action bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_a asymm.action;
    v_i asymm.index_action;
    v_now record;
    v_back boolean;
    v_goes boolean;
    v_ours boolean;
    v_failed boolean;
BEGIN
    SELECT a.* INTO v_a FROM asymm.action AS a WHERE a.id = action FOR UPDATE;
    SELECT i.* INTO v_i FROM asymm.index_action AS i WHERE i.action_id = action;
    v_now := asymm._index_now(v_i);
    v_back := v_a.state = 'reverting';
    v_goes := (v_a.kind = 'create index') = v_back AND v_a.kind <> 'reindex';
    v_ours := v_now.id IS NOT NULL AND (NOT v_goes OR asymm._is_index_of(v_a, v_i, v_now.id));
    -- Taking back is done when the index is as it was, or given up.
    v_failed := CASE WHEN v_a.kind = 'reindex' THEN v_now.id = v_i.index_id
                     WHEN v_goes THEN v_now.id IS NOT NULL OR EXISTS (SELECT FROM pg_class AS c WHERE c.oid = v_i.index_id)
                     ELSE v_now.id IS NULL END;
    UPDATE asymm.index_action AS i
       SET command = NULL, index_id = CASE WHEN v_ours THEN v_now.id ELSE i.index_id END,
           size_bytes = CASE WHEN v_ours THEN pg_relation_size(v_now.id) ELSE i.size_bytes END,
           built_at = CASE WHEN v_failed OR v_back THEN i.built_at ELSE clock_timestamp() END,
           scans_before = CASE WHEN v_ours THEN COALESCE(pg_stat_get_numscans(v_now.id), 0) ELSE 0 END, looks = 0, retry_at = NULL,
           problem = CASE WHEN v_failed AND v_goes AND NOT v_ours THEN format('index %I is another one now, or called otherwise', i.index_name)
                          WHEN v_failed THEN i.problem END
     WHERE i.action_id = action;
    UPDATE asymm.action AS a SET evidence_before = a.evidence_before || jsonb_build_object('built', pg_get_indexdef(v_now.id))
     WHERE a.id = action AND a.kind = 'create index' AND NOT v_failed AND NOT v_back;
    SELECT i.* INTO v_i FROM asymm.index_action AS i WHERE i.action_id = action;
    IF v_failed THEN
        PERFORM asymm._set_action_state(action, CASE WHEN v_back THEN v_i.reverts_from ELSE 'failed' END,
                                        COALESCE(v_i.problem, 'it did not work three times'),
                                        jsonb_build_object('message', COALESCE(v_i.problem, 'no builder succeeded')));
    ELSE
        UPDATE asymm.action AS a SET applied_by = asymm._caller(), applied_at = clock_timestamp() WHERE a.id = action;
        PERFORM asymm._set_action_state(action, CASE WHEN v_back THEN 'reverted' ELSE 'applied' END,
            CASE WHEN v_back THEN 'the catalog is as it was before'
                 ELSE format('in %s', date_trunc('milliseconds', clock_timestamp() - v_i.ordered_at)) END);
        IF v_a.kind = 'reindex' THEN
            PERFORM asymm._set_action_state(action, 'verified', format('%s now', pg_size_pretty(v_i.size_bytes)));
        ELSIF v_i.keeps_unique AND NOT v_back THEN
            PERFORM asymm._set_action_state(action, 'verified', 'no two rows can be equal from now on');
        END IF;
    END IF;
    PERFORM asymm._declare_index(v_i, v_a.object_kind);
END
$$;
COMMENT ON FUNCTION asymm._index_done(bigint) IS 'Ends the work of the builder on an action by what the catalog shows.';

-- How the command that is under way stands, as far as other sessions and the catalog show.
CREATE OR REPLACE FUNCTION asymm._index_command(
    OUT action bigint, OUT command text, OUT job bigint, OUT pid integer, OUT began boolean, OUT reached boolean, OUT overdue boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_i asymm.index_action;
    v_a asymm.action;
    v_session record;
    v_statement text;
BEGIN
    PERFORM asymm._require_session();
    SELECT i.* INTO v_i FROM asymm.index_action AS i WHERE i.command IS NOT NULL FOR UPDATE SKIP LOCKED;
    SELECT a.* INTO v_a FROM asymm.action AS a WHERE a.id = v_i.action_id AND asymm._may_act(a.owner);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM pg_stat_clear_snapshot();
    SELECT s.pid, s.backend_start, s.wait_event_type = 'Lock' AS waits INTO v_session
      FROM pg_stat_activity AS s
     WHERE s.datname = current_database() AND s.state = 'active' AND asymm._role_may_act(s.usename, v_a.owner)
       AND starts_with(s.query, format('/* asymmetrica index %s */', v_i.action_id));
    UPDATE asymm.index_action AS i
       SET pid = v_session.pid, backend_start = v_session.backend_start,
           began_at = COALESCE(i.began_at, CASE WHEN v_session.pid IS NOT NULL THEN clock_timestamp() END),
           waits_since = CASE WHEN v_session.waits THEN COALESCE(i.waits_since, clock_timestamp()) END
     WHERE i.action_id = v_i.action_id
    RETURNING i.* INTO v_i;
    -- Given up when the table is gone: its command ends by itself.
    v_statement := asymm._index_statement(v_a, v_i, false);
    action := v_i.action_id;
    command := v_i.command;
    job := v_i.job;
    pid := v_session.pid;
    -- Who took it on may not have sent it yet.
    began := COALESCE(v_i.began_at < clock_timestamp() - interval '3 s', false);
    reached := v_session.pid IS NULL
               AND (v_statement IS NULL OR starts_with(v_i.command, format('/* asymmetrica index %s */ DROP ', v_i.action_id))
                                           AND NOT starts_with(v_statement, 'DROP '));
    overdue := clock_timestamp() - v_i.waits_since > (asymm._index_settings()).build_wait;
END
$$;
COMMENT ON FUNCTION asymm._index_command()
    IS 'The command that is under way: its job and session, whether it began, whether the catalog shows its effect, whether it has waited for too long.';

-- The command ended: reached or not, the next order says what remains to be done.
CREATE OR REPLACE FUNCTION asymm._index_command_ended(action bigint, problem text, again boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_a asymm.action;
    v_i asymm.index_action;
    -- Of what rows hold nothing is kept: it stands in the lines after the first.
    v_problem text := regexp_replace(left(split_part(ltrim(_index_command_ended.problem), E'\n', 1), 2000), ': "[^"]*"?', ': "…"', 'g');
BEGIN
    PERFORM asymm._require_session();
    SELECT a.* INTO v_a FROM asymm.action AS a WHERE a.id = action AND asymm._may_act(a.owner) FOR UPDATE;
    SELECT i.* INTO v_i FROM asymm.index_action AS i WHERE i.action_id = v_a.id AND i.command IS NOT NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE asymm.index_action AS i SET command = NULL, job = NULL, pid = NULL WHERE i.action_id = action;
    IF v_i.keeps_unique AND v_a.state = 'applying' AND v_problem ~ 'could not create unique index|index row (size|requires)' THEN
        -- As long as rows are what they are another try ends like this one.
        v_problem := CASE WHEN v_problem ~ 'could not create unique index'
                          THEN format('rows of %s became equal meanwhile: merge them, then SELECT asymm.approve(%s)', v_a.target, action)
                          ELSE v_problem END;
        UPDATE asymm.action AS a SET tries = 3 WHERE a.id = action RETURNING a.* INTO v_a;
    END IF;
    IF again THEN
        -- It never began: the try does not count.
        UPDATE asymm.action AS a SET tries = GREATEST(a.tries - 1, 0) WHERE a.id = action;
    ELSIF v_problem IS NOT NULL THEN
        INSERT INTO asymm.action_event (action_id, from_state, to_state, by_role, note)
        VALUES (action, v_a.state, v_a.state, asymm._caller(), v_problem);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = v_i.relid) THEN
        PERFORM asymm._set_action_state(action, CASE WHEN v_a.state = 'reverting' THEN 'reverted' ELSE 'expired' END, 'the table is gone');
    ELSIF asymm._index_statement(v_a, v_i, v_a.tries >= 3) IS NULL THEN
        UPDATE asymm.index_action AS i SET problem = v_problem WHERE i.action_id = action AND v_problem IS NOT NULL;
        PERFORM asymm._index_done(action);
    ELSE
        -- What is left half done goes at once; another try waits.
        UPDATE asymm.index_action AS i
           SET problem = COALESCE(v_problem, i.problem),
               retry_at = CASE WHEN COALESCE(v_problem, i.problem) IS NULL OR (asymm._index_now(v_i)).valid IS FALSE THEN NULL
                               WHEN COALESCE(v_problem, i.problem) ~* 'no space left|could not extend' THEN clock_timestamp() + interval '1 hour'
                               ELSE clock_timestamp() + interval '15 s' * 2 ^ LEAST(v_a.tries, 6) * (1 + random()) END
         WHERE i.action_id = action;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._index_command_ended(bigint, text, boolean) IS 'Books the end of a command by what the catalog shows, with what the builder said; again: it never began.';
