-- What the builder is to do next. One command at a time, each a statement of its own: CREATE, DROP and REINDEX INDEX CONCURRENTLY
-- run in no transaction. What a command did is read from the catalog, never from what somebody says.

-- REINDEX CONCURRENTLY names its copy after the index, cut to make room where the name is long.
CREATE OR REPLACE FUNCTION asymm._is_copy_of(name text, index_name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_stem text := substring(name FROM '^(.*)_cc(?:new|old)[0-9]*$');
BEGIN
    RETURN v_stem IS NOT NULL
           AND (v_stem = index_name OR octet_length(index_name) > 55 AND octet_length(v_stem) > 50 AND starts_with(index_name, v_stem));
END
$$;
COMMENT ON FUNCTION asymm._is_copy_of(text, text) IS 'Whether a name is that of the copy that REINDEX CONCURRENTLY makes of an index.';

-- The index of an action as it is now, and the name of what a rebuild left half done.
CREATE OR REPLACE FUNCTION asymm._index_now(i asymm.index_action, OUT id oid, OUT valid boolean, OUT leftover text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT max(c.oid) FILTER (WHERE c.relname = i.index_name), bool_and(x.indisvalid) FILTER (WHERE c.relname = i.index_name),
           max(c.relname) FILTER (WHERE NOT x.indisvalid AND asymm._is_copy_of(c.relname, i.index_name))::text
      FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indexrelid WHERE x.indrelid = i.relid
$$;
COMMENT ON FUNCTION asymm._index_now(asymm.index_action) IS 'The index of an action as it is in the catalog.';

-- Names are given anew: what has the name is ours if it is the index that was built or was to go, or, rebuilt since, one like it.
CREATE OR REPLACE FUNCTION asymm._is_index_of(a asymm.action, i asymm.index_action, index_id oid) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN COALESCE(index_id = i.index_id
                    OR pg_get_indexdef(index_id) = CASE a.kind WHEN 'create index' THEN a.evidence_before ->> 'built'
                                                               ELSE a.evidence_before ->> 'definition' END, false);
END
$$;
COMMENT ON FUNCTION asymm._is_index_of(asymm.action, asymm.index_action, oid) IS 'Whether an index is the one an action is about, not another of its name.';

-- What is to be run so that the catalog is as the action wants it; NULL when it is.
CREATE OR REPLACE FUNCTION asymm._index_statement(a asymm.action, i asymm.index_action, give_up boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now record := asymm._index_now(i);
    v_wanted boolean := (a.kind = 'create index') = (a.state = 'applying') AND a.kind <> 'reindex';
BEGIN
    RETURN CASE
        WHEN v_now.leftover IS NOT NULL THEN format('DROP INDEX CONCURRENTLY %I.%I', i.index_schema, v_now.leftover)
        WHEN a.kind = 'reindex' THEN CASE WHEN NOT give_up AND v_now.id = i.index_id THEN a.steps #>> '{0,forward}' END
        WHEN v_now.id IS NOT NULL AND NOT v_wanted AND NOT asymm._is_index_of(a, i, v_now.id) THEN NULL
        WHEN v_now.id IS NOT NULL AND (NOT v_wanted OR NOT v_now.valid)
            -- Half built, half dropped, or to go.
            THEN CASE WHEN give_up AND v_now.valid THEN NULL ELSE format('DROP INDEX CONCURRENTLY %I.%I', i.index_schema, i.index_name) END
        WHEN v_now.id IS NULL AND v_wanted AND NOT give_up
            THEN CASE WHEN a.kind = 'create index' THEN a.steps #>> '{0,forward}' ELSE a.steps #>> '{0,inverse}' END END;
END
$$;
COMMENT ON FUNCTION asymm._index_statement(asymm.action, asymm.index_action, boolean)
    IS 'The next statement for an action on an index; with give_up only what clears up after it; NULL when there is nothing to do.';

CREATE OR REPLACE FUNCTION asymm._is_quiet_hour(hours text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT hours = '' OR CASE WHEN split_part(hours, '-', 1) <= split_part(hours, '-', 2)
                              THEN to_char(at, 'HH24:MI') >= split_part(hours, '-', 1) AND to_char(at, 'HH24:MI') < split_part(hours, '-', 2)
                              ELSE to_char(at, 'HH24:MI') >= split_part(hours, '-', 1) OR to_char(at, 'HH24:MI') < split_part(hours, '-', 2) END
$$;
COMMENT ON FUNCTION asymm._is_quiet_hour(text, timestamptz) IS 'Whether a time lies in the hours given as 22:00-06:00; always when there are none.';

-- Why nothing may be built now, or NULL.
CREATE OR REPLACE FUNCTION asymm._build_waits(size bigint, database_bytes bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_set asymm.index_setting := asymm._index_settings();
    v_active integer;
BEGIN
    IF NOT asymm._is_quiet_hour(v_set.quiet_hours, clock_timestamp()) THEN
        RETURN format('outside of quiet_hours (%s)', v_set.quiet_hours);
    ELSIF v_set.max_active_sessions > 0 THEN
        SELECT count(*) INTO v_active FROM pg_stat_activity AS s WHERE s.state = 'active' AND s.backend_type = 'client backend';
        IF v_active > v_set.max_active_sessions THEN
            RETURN format('%s sessions are active, more than max_active_sessions', v_active);
        END IF;
    END IF;
    -- A build needs room for the index and for sorting it.
    IF v_set.max_database_bytes > 0 AND database_bytes + 2 * COALESCE(size, 0) > v_set.max_database_bytes THEN
        RETURN 'the database would become larger than max_database_bytes';
    ELSIF EXISTS (SELECT FROM asymm.index_action AS i
                   WHERE i.problem ~* 'no space left|53100|could not extend' AND i.retry_at > clock_timestamp()) THEN
        RETURN 'the disk was full';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._build_waits(bigint, bigint) IS 'Why no index is built at the moment (hours, load, room); NULL when one may be.';

-- Actions that may be carried out and validated side by side with another: those it only pays with, else none on the same table
-- or on another table of the queries that are to gain, so that gains can be told apart.
CREATE OR REPLACE FUNCTION asymm._index_disturbs(action bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM asymm.index_action AS i
          JOIN asymm.action AS a ON a.id = i.action_id
          JOIN asymm.index_action AS oi ON oi.action_id <> i.action_id
          JOIN asymm.action AS o ON o.id = oi.action_id AND o.state IN ('applying', 'applied', 'reverting')
         WHERE i.action_id = action
           AND NOT (oi.index_name = ANY (i.requires) OR i.index_name = ANY (oi.requires) OR o.evidence_before ->> 'called' = ANY (i.requires)
                    OR a.evidence_before ->> 'called' = ANY (oi.requires))
           AND (oi.relid = i.relid
                OR asymm._advised_queries(a.evidence_before) && asymm._advised_queries(o.evidence_before)
                OR EXISTS (SELECT FROM asymm.query_look AS k
                            WHERE k.query_id = ANY (asymm._advised_queries(a.evidence_before)) AND oi.relid = ANY (k.relations)
                               OR k.query_id = ANY (asymm._advised_queries(o.evidence_before)) AND i.relid = ANY (k.relations))))
$$;
COMMENT ON FUNCTION asymm._index_disturbs(bigint) IS 'Whether another action is under way whose effect could not be told from this one''s.';

-- Of the indexes with which alone it pays: the one that waits for a person, or that will not be there, and whether it will not.
CREATE OR REPLACE FUNCTION asymm._index_lacks(action bigint, OUT lacks text, OUT gone boolean, OUT since timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT format('it only pays together with %I, which is %s', o.index_name, o.state), o.state <> 'proposed', o.changed_at INTO lacks, gone, since
      FROM asymm.index_action AS i
     CROSS JOIN LATERAL unnest(i.requires) AS r (name)
     CROSS JOIN LATERAL (
           SELECT oi.index_name, oi.relid, a.state, a.changed_at
             FROM asymm.index_action AS oi JOIN asymm.action AS a ON a.id = oi.action_id
            WHERE a.kind = 'create index' AND a.id <> i.action_id AND r.name IN (oi.index_name, a.evidence_before ->> 'called')
            ORDER BY a.id DESC LIMIT 1) AS o
     WHERE i.action_id = action AND o.state IN ('proposed', 'rejected', 'failed', 'expired', 'reverting', 'reverted')
       -- Somebody may have made it by hand.
       AND NOT EXISTS (SELECT FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indexrelid
                        WHERE x.indrelid = o.relid AND c.relname = o.index_name AND x.indisvalid AND o.state <> 'reverting')
     ORDER BY o.state <> 'proposed' DESC LIMIT 1;
END
$$;
COMMENT ON FUNCTION asymm._index_lacks(bigint) IS 'What an index needs beside it that is not approved, or gone for good; NULL when nothing is lacking.';

-- The next command, if none is under way: what is to be taken back first, then what was begun, then what is approved.
CREATE OR REPLACE FUNCTION asymm._order_index() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_a asymm.action;
    v_i asymm.index_action;
    v_statement text;
    v_hold text;
    v_bytes bigint;
    v_explores boolean := asymm._explores();
    v_lacks record;
BEGIN
    PERFORM asymm._require_session();
    -- Who ordered it looks after it. If he is gone for good the others don't wait for ever; when he comes back he orders it anew.
    UPDATE asymm.index_action AS i SET command = NULL, pid = NULL
      FROM asymm.action AS a
     WHERE a.id = i.action_id AND i.command IS NOT NULL AND i.ordered_at < clock_timestamp() - interval '1 hour'
       AND NOT asymm._may_act(a.owner) AND NOT asymm._alive(i.pid, i.backend_start)
       AND NOT EXISTS (SELECT FROM pg_stat_activity AS s
                        WHERE s.datname = current_database() AND s.state = 'active'
                          AND starts_with(s.query, format('/* asymmetrica index %s */', a.id))
                          AND asymm._role_may_act(s.usename, a.owner));
    IF EXISTS (SELECT FROM asymm.index_action AS i WHERE i.command IS NOT NULL)
       OR asymm._healing_paused() IS NOT NULL OR EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = asymm._caller() AND r.rolsuper) THEN
        RETURN NULL;
    END IF;
    FOR v IN SELECT a.id FROM asymm.action AS a JOIN asymm.index_action AS i ON i.action_id = a.id
              WHERE a.state IN ('reverting', 'applying', 'approved') AND asymm._may_act(a.owner)
                AND COALESCE(i.retry_at, '-infinity') <= clock_timestamp()
              ORDER BY array_position('{reverting,applying,approved}'::text[], a.state),
                       CASE WHEN v_explores THEN (a.evidence_before ->> 'uncertainty')::float8 END DESC NULLS LAST,
                       COALESCE(a.evidence_before ->> 'corrected_ms_per_hour', a.evidence_before ->> 'saved_ms_per_hour')::float8 DESC NULLS LAST,
                       a.id
    LOOP
        SELECT a.* INTO v_a FROM asymm.action AS a WHERE a.id = v.id FOR UPDATE;
        SELECT i.* INTO v_i FROM asymm.index_action AS i WHERE i.action_id = v.id FOR UPDATE;
        CONTINUE WHEN v_a.state NOT IN ('reverting', 'applying', 'approved');
        IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = v_i.relid) THEN
            PERFORM asymm._set_action_state(v.id, CASE WHEN v_a.state = 'reverting' THEN 'reverted' ELSE 'expired' END, 'the table is gone');
            CONTINUE;
        END IF;
        IF v_a.state = 'approved' THEN
            v_bytes := COALESCE(v_bytes, CASE WHEN (asymm._index_settings()).max_database_bytes > 0
                                              THEN pg_database_size(current_database()) ELSE 0 END);
            v_lacks := asymm._index_lacks(v.id);
            -- What a person approved he gets.
            IF v_lacks.gone AND v_a.reason = 'autopilot' THEN
                PERFORM asymm._set_action_state(v.id, 'expired', v_lacks.lacks);
                CONTINUE;
            END IF;
            v_hold := COALESCE(CASE WHEN v_a.reason = 'autopilot' THEN v_lacks.lacks END,
                               CASE WHEN NOT v_i.keeps_unique AND asymm._index_disturbs(v.id)
                                    THEN 'another index of this table or these queries is being validated' END,
                               asymm._build_waits((v_a.evidence_before ->> 'size_bytes')::numeric::bigint, v_bytes),
                               CASE WHEN NOT v_i.keeps_unique THEN asymm._before_waits(v.id) END);
            IF v_hold IS NOT NULL THEN
                UPDATE asymm.index_action AS i SET waits_for = v_hold WHERE i.action_id = v.id AND i.waits_for IS DISTINCT FROM v_hold;
                CONTINUE;
            END IF;
            IF v_a.kind = 'create index' AND (asymm._index_now(v_i)).id IS NOT NULL THEN
                PERFORM asymm._set_action_state(v.id, 'expired', format('an index %I is there by now', v_i.index_name));
                CONTINUE;
            END IF;
            IF v_a.kind = 'drop index' AND asymm._index_needed(v_i.index_id) IS NOT NULL THEN
                PERFORM asymm._set_action_state(v.id, 'expired', asymm._index_needed(v_i.index_id));
                CONTINUE;
            END IF;
            IF v_a.evidence_before ? 'fault' AND NOT EXISTS (SELECT FROM asymm._index_faults() AS f WHERE f.index_id = v_i.index_id) THEN
                PERFORM asymm._set_action_state(v.id, 'expired', 'the reason for it is gone');
                CONTINUE;
            END IF;
            UPDATE asymm.index_action AS i SET waits_for = NULL WHERE i.action_id = v.id AND i.waits_for IS NOT NULL;
            PERFORM asymm._set_action_state(v.id, 'applying');
            UPDATE asymm.action AS a SET evidence_before = a.evidence_before || '{"explored": true}'
             WHERE a.id = v.id AND v_explores AND a.kind = 'create index';
            SELECT a.* INTO v_a FROM asymm.action AS a WHERE a.id = v.id;
        END IF;
        v_statement := asymm._index_statement(v_a, v_i, v_a.tries >= 3);
        IF v_statement IS NULL THEN
            PERFORM asymm._index_done(v.id);
            CONTINUE;
        END IF;
        -- A try is what was meant; clearing up after one is none.
        UPDATE asymm.action AS a SET tries = a.tries + 1
         WHERE a.id = v.id AND v_statement = CASE v_a.state WHEN 'applying' THEN a.steps #>> '{0,forward}' ELSE a.steps #>> '{0,inverse}' END;
        UPDATE asymm.index_action AS i
           SET command = format('/* asymmetrica index %s */ %s', v.id, v_statement), ordered_at = clock_timestamp(), job = NULL, pid = NULL,
               backend_start = NULL, began_at = NULL, waits_since = NULL, retry_at = NULL,
               -- Of what is to be there, what there is of it.
               index_id = CASE WHEN v_a.kind = 'create index' AND v_a.state = 'applying' THEN (asymm._index_now(i)).id ELSE i.index_id END
         WHERE i.action_id = v.id
        RETURNING i.* INTO v_i;
        RETURN jsonb_build_object('action', v.id, 'command', v_i.command);
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._order_index() IS 'Picks the next action on an index that the caller may carry out and writes down its command; {action, command} or NULL.';
