-- The DDL log, read every beat: drift, adoption of what was meant, undeclared tables.

CREATE OR REPLACE FUNCTION asymm._undeclared() RETURNS TABLE (relid oid, policy text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT n.oid, w.schema_name, w.policy FROM asymm.watched_schema w JOIN pg_namespace n ON n.nspname = w.schema_name LOOP
        RETURN QUERY
            SELECT c.oid, v.policy
              FROM pg_class c
             WHERE c.relnamespace = v.oid AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
               AND c.relname NOT IN (SELECT b.object_name FROM asymm.baseline b
                                      WHERE b.kind = 'table' AND b.schema_name = v.schema_name)
               -- A declared table under another name: its DDL may be unread yet.
               AND NOT EXISTS (SELECT FROM asymm.baseline_state s JOIN asymm.baseline b ON b.id = s.baseline_id
                                WHERE s.object_id = c.oid AND s.class_id = 'pg_class'::regclass
                                  AND NOT EXISTS (SELECT FROM pg_class o JOIN pg_namespace m ON m.oid = o.relnamespace
                                                   WHERE m.nspname = b.schema_name AND o.relname = b.object_name AND o.relkind IN ('r', 'p')))
               -- as asymm._watchable(), but asked of these few only
               AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._undeclared() IS 'Tables in watched schemas that have no baseline, with the policy of their schema.';

-- Tables in watched schemas that nobody declared, and those seen before that are gone or declared now.
CREATE OR REPLACE FUNCTION asymm._inspect_undeclared(found_by text, ddl_log_id bigint DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v record;
    v_differences jsonb;
    v_action bigint;
    v_objects text[] := '{}';
    v_target text;
BEGIN
    UPDATE asymm.drift_record AS d SET state = 'vanished', resolved_at = clock_timestamp()
     WHERE d.state = 'open' AND d.baseline_id IS NULL
       AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = d.schema_name AND c.relname = d.object_name AND c.relkind IN ('r', 'p'));
    IF FOUND THEN
        PERFORM asymm._set_action_state(a.id, 'expired', 'the table is gone') FROM asymm.action a
          WHERE a.baseline_id IS NULL AND a.kind = 'heal' AND a.state IN ('proposed', 'approved')
            AND NOT EXISTS (SELECT FROM asymm.drift_record d WHERE d.action_id = a.id AND d.state = 'open');
    END IF;
    FOR v IN
        SELECT f.*, u.policy
          FROM asymm._undeclared() AS u (relid, policy)
         CROSS JOIN LATERAL asymm._table_facts(ARRAY[u.relid]) AS f
         WHERE NOT EXISTS (SELECT FROM asymm.drift_record d
                            WHERE d.state = 'open' AND d.baseline_id IS NULL
                              AND d.kind = 'table' AND d.schema_name = f.schema_name AND d.object_name = f.object_name)
           AND NOT EXISTS (SELECT FROM asymm.baseline_state s JOIN asymm.drift_record d USING (baseline_id)
                            WHERE s.object_id = u.relid AND s.class_id = 'pg_class'::regclass
                              AND d.state = 'open' AND d.part = 'table' AND d.attribute = 'name')
    LOOP
        v_target := format('%I.%I', v.schema_name, v.object_name);
        v_differences := jsonb_build_array(jsonb_build_object('part', 'table', 'name', '', 'actual', v.facts #> '{table,""}'));
        PERFORM asymm._record_drift(NULL, 'table', v.schema_name, v.object_name, v_differences, found_by, ddl_log_id);
        IF v.policy <> 'observe' THEN
            v_action := asymm._propose(NULL, 'table', v.schema_name, v.object_name, v.owner,
                asymm._steps('table', v.schema_name, v.object_name, NULL, NULL, v.facts, v.relid, '{}'),
                asymm._fingerprint(v.facts), v_differences, 'the table was never declared: adopt it or approve its removal');
            UPDATE asymm.drift_record SET action_id = v_action
             WHERE baseline_id IS NULL AND state = 'open' AND (kind, schema_name, object_name) = ('table', v.schema_name, v.object_name);
        END IF;
        v_objects := v_objects || v_target;
    END LOOP;
    IF cardinality(v_objects) > 0 THEN
        RETURN jsonb_build_object('objects', to_jsonb(v_objects), 'drifts', cardinality(v_objects));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._inspect_undeclared(text, bigint) IS 'Finds tables in watched schemas that were never declared; returns {objects, drifts} or NULL.';

-- {objects, drifts, adopted} of several looks as one.
-- A migration touches many tables that turn out to be as declared: those are settled in one go, as of a moment before
-- they were read, so that what was done since is still looked at.
CREATE OR REPLACE FUNCTION asymm._settle_unchanged(baselines bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_snapshot pg_snapshot := pg_current_snapshot();
    v_at timestamptz := clock_timestamp();
    v_oids oid[];
    v_same bigint[];
BEGIN
    SELECT array_agg(b.id), array_agg(f.object_id) INTO v_same, v_oids
      FROM asymm._facts_at_address(baselines) AS f
      JOIN asymm.baseline b ON b.id = f.baseline_id
     WHERE b.facts = f.facts
       AND NOT EXISTS (SELECT FROM asymm.drift_record d WHERE d.baseline_id = b.id AND d.state = 'open')
       AND NOT EXISTS (SELECT FROM asymm.action a WHERE a.baseline_id = b.id AND a.state IN ('proposed', 'approved'))
       -- Two parts that swapped their names look as declared, too.
       AND NOT EXISTS (SELECT FROM asymm._addresses(ARRAY[f.object_id]) AS a
                         JOIN asymm.member AS m USING (class_id, object_id, sub_id)
                        WHERE m.baseline_id = b.id AND b.kind = 'table' AND a.name <> m.name);
    PERFORM asymm._refresh_members(v_same, v_oids);
    UPDATE asymm.baseline_state AS s SET checked_snapshot = v_snapshot, checked_at = v_at
      FROM unnest(v_same) AS u (id) WHERE s.baseline_id = u.id;
END
$$;
COMMENT ON FUNCTION asymm._settle_unchanged(bigint[]) IS 'Notes that those of the watched tables that are as declared, and always were, were looked at.';

-- Grants and the like name no object: tables whose catalog rows changed are looked at, and privileges that a migration
-- gave are adopted.
CREATE OR REPLACE FUNCTION asymm._process_grants(ids bigint[], baseline bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_tables bigint[];
    v_seen jsonb;
BEGIN
    SELECT array_agg(l.id) AS ids, max(l.id) AS last, max(l.id) FILTER (WHERE NOT l.intended AND l.action_id IS NULL) AS slip,
           min(l.at) FILTER (WHERE l.intended) AS since,
           max(COALESCE(l.intent, 'migrator ' || l.role)) FILTER (WHERE l.intended) AS reason
      INTO v FROM asymm.ddl_log l
     WHERE l.id = ANY (_process_grants.ids)
       AND l.command_tag IN ('GRANT', 'REVOKE', 'ALTER DEFAULT PRIVILEGES', 'ALTER SCHEMA', 'DROP OWNED', 'SECURITY LABEL');
    IF v.last IS NULL THEN
        RETURN NULL;
    END IF;
    v_tables := CASE WHEN baseline IS NULL THEN asymm._changed_headers() ELSE ARRAY[baseline] END;
    BEGIN
        IF v.since IS NOT NULL AND v.slip IS NULL THEN
            SELECT jsonb_build_object('adopted', count(*), 'objects', jsonb_agg(DISTINCT asymm._object_display(b.kind, b.schema_name, b.object_name)))
              INTO v_seen
              FROM unnest(v_tables) AS c (id)
              JOIN asymm.baseline b USING (id)
             CROSS JOIN LATERAL asymm._adopt(c.id, v.reason, v.since, 'acl') AS a
            HAVING count(*) > 0;
        END IF;
        v_seen := asymm._merge_seen(v_seen, asymm._inspect(v_tables, 'ddl_log', COALESCE(v.slip, v.last)));
    EXCEPTION WHEN SQLSTATE 'SY010' OR lock_not_available OR deadlock_detected THEN
        UPDATE asymm.ddl_log AS l SET seen = false WHERE l.id = ANY (v.ids);
        RETURN NULL;
    END;
    -- Read for one table only: the loops have yet to look at the others.
    UPDATE asymm.ddl_log AS l SET seen = false WHERE l.id = ANY (v.ids) AND baseline IS NOT NULL;
    RETURN v_seen;
END
$$;
COMMENT ON FUNCTION asymm._process_grants(bigint[], bigint)
    IS 'Handles logged commands that name no object: adopts privileges given on purpose, inspects tables whose catalog rows changed, or the one given.';

-- Given a table, only the DDL that touches it (or names no object) is read: a person's transaction may stay open for long
-- and must not keep the loops from all the rest.
CREATE OR REPLACE FUNCTION asymm._process_ddl(baseline bigint DEFAULT NULL, plan_later boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_rows bigint[];
    v_seen jsonb;
    v record;
    v_hold text;
    v_one jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.ddl_log l WHERE NOT l.seen) THEN
        -- A loop may have died between the two halves.
        IF EXISTS (SELECT FROM asymm.baseline_state s WHERE s.unplanned IS NOT NULL) THEN
            RETURN asymm._plan_recorded();
        END IF;
        RETURN NULL;
    END IF;
    IF baseline IS NULL THEN
        PERFORM FROM asymm.turn FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    WITH batch AS (SELECT l.id FROM asymm.ddl_log l
                    WHERE NOT l.seen
                      AND (baseline IS NULL OR cardinality(l.object_ids) = 0
                           OR baseline IN (SELECT asymm._touched(l.class_ids, l.object_ids, l.parent_schemas, l.parent_names)))
                    ORDER BY l.id LIMIT 1000 FOR UPDATE SKIP LOCKED),
         taken AS (UPDATE asymm.ddl_log l SET seen = true FROM batch WHERE l.id = batch.id RETURNING l.id)
    SELECT array_agg(t.id) INTO v_rows FROM taken t;
    IF cardinality(v_rows) > 10 THEN
        PERFORM asymm._settle_unchanged(ARRAY(
            SELECT t.id FROM asymm.ddl_log l
             CROSS JOIN LATERAL asymm._touched(l.class_ids, l.object_ids, l.parent_schemas, l.parent_names) AS t (id)
             WHERE l.id = ANY (v_rows)
             GROUP BY t.id HAVING NOT (bool_or(l.intended) AND bool_or(NOT l.intended AND l.action_id IS NULL))));
    END IF;
    FOR v IN
        SELECT t.baseline_id,
               max(l.id) FILTER (WHERE NOT l.intended AND l.action_id IS NULL) AS slip,
               max(l.id) FILTER (WHERE l.intended) AS intent,
               max(l.id) AS last, array_agg(l.id) AS ids, min(l.at) FILTER (WHERE l.intended) AS since,
               (array_agg(COALESCE(l.intent, 'migrator ' || l.role) ORDER BY l.id DESC) FILTER (WHERE l.intended))[1] AS reason
          FROM asymm.ddl_log l
         CROSS JOIN LATERAL asymm._touched(l.class_ids, l.object_ids, l.parent_schemas, l.parent_names) AS t (baseline_id)
          LEFT JOIN asymm.baseline_state AS s ON s.baseline_id = t.baseline_id
         WHERE l.id = ANY (v_rows)
           -- What had happened when the table last agreed with its baseline is accounted for: our own repairs, and
           -- whatever came before watch() or adopt(). A snapshot may count its own transaction among the finished ones.
           AND (s.checked_snapshot IS NULL
                OR NOT CASE WHEN l.xid = s.checked_xid THEN l.at <= s.checked_at ELSE pg_visible_in_snapshot(l.xid, s.checked_snapshot) END)
         GROUP BY t.baseline_id
         ORDER BY t.baseline_id
    LOOP
        v_hold := CASE WHEN v.intent IS NOT NULL AND v.slip IS NOT NULL
                       THEN 'a migration and another change of the same table arrived in one beat' END;
        v_one := NULL;
        BEGIN
            IF v.intent IS NOT NULL AND v.slip IS NULL THEN
                BEGIN
                    SELECT jsonb_build_object('adopted', count(*),
                               'objects', (SELECT jsonb_agg(asymm._object_display(b.kind, b.schema_name, b.object_name))
                                             FROM asymm.baseline b WHERE b.id = v.baseline_id))
                      INTO v_one FROM asymm._adopt(v.baseline_id, v.reason, v.since) HAVING count(*) > 0;
                EXCEPTION WHEN SQLSTATE 'SY010' OR lock_not_available OR deadlock_detected THEN
                    RAISE;
                WHEN OTHERS THEN
                    v_hold := format('the migration could not be adopted: %s (%s)', SQLERRM, SQLSTATE);
                END;
            END IF;
            -- Who may say what was meant now? The next slip must not be the occasion to repair this one.
            IF v_hold IS NOT NULL THEN
                PERFORM asymm._hold(v.baseline_id, v_hold);
            END IF;
            v_one := asymm._merge_seen(v_one, asymm._inspect(ARRAY[v.baseline_id], 'ddl_log',
                                                             COALESCE(v.slip, v.intent, v.last), v_hold));
            v_seen := asymm._merge_seen(v_seen, v_one);
        EXCEPTION WHEN SQLSTATE 'SY010' OR lock_not_available OR deadlock_detected THEN
            -- With the next beat, all of it together.
            UPDATE asymm.ddl_log SET seen = false WHERE id = ANY (v.ids);
        END;
    END LOOP;
    v_seen := asymm._merge_seen(v_seen, asymm._process_grants(v_rows, baseline));
    IF EXISTS (SELECT FROM asymm.watched_schema) THEN
        -- Tables that a migration made in a watched schema are declared with it.
        FOR v IN
            SELECT w.schema_name, w.policy, w.annotation, max(COALESCE(l.intent, 'migrator ' || l.role)) AS reason,
                   array_agg(DISTINCT c.oid) AS relids
              FROM asymm.ddl_log l
             CROSS JOIN LATERAL unnest(l.class_ids, l.object_ids) AS o (class_id, object_id)
              JOIN pg_class c ON c.oid = o.object_id AND c.relkind IN ('r', 'p')
              JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN asymm.watched_schema w ON w.schema_name = n.nspname
             WHERE l.id = ANY (v_rows) AND l.intended AND o.class_id = 'pg_class'::regclass
               AND EXISTS (SELECT FROM asymm._watchable(w.schema_name) AS o WHERE o.class_id = 'pg_class'::regclass AND o.object_id = c.oid)
               AND NOT EXISTS (SELECT FROM asymm.baseline b
                                WHERE b.kind = 'table' AND b.schema_name = n.nspname AND b.object_name = c.relname)
             GROUP BY w.schema_name, w.policy, w.annotation
        LOOP
            v_seen := asymm._merge_seen(v_seen, jsonb_build_object('objects', '[]'::jsonb, 'adopted',
                cardinality(asymm._declare(array_fill('table'::text, ARRAY[cardinality(v.relids)]), v.relids, v.policy, v.annotation,
                                           'schema', v.reason))));
        END LOOP;
        -- Most commands neither make nor move a table.
        IF EXISTS (SELECT FROM asymm.drift_record d WHERE d.baseline_id IS NULL AND d.state = 'open')
           OR EXISTS (SELECT FROM asymm.ddl_log l WHERE l.id = ANY (v_rows) AND l.command_tag ~ 'SCHEMA|EXTENSION')
           OR EXISTS (SELECT FROM asymm.ddl_log l
                       CROSS JOIN LATERAL unnest(l.object_ids) AS o (id)
                        JOIN pg_class c ON c.oid = o.id AND c.relkind IN ('r', 'p')
                        JOIN pg_namespace n ON n.oid = c.relnamespace
                       WHERE l.id = ANY (v_rows)
                         AND NOT EXISTS (SELECT FROM asymm.baseline b WHERE b.kind = 'table' AND b.schema_name = n.nspname
                                            AND b.object_name = c.relname)) THEN
            v_seen := asymm._merge_seen(v_seen, asymm._inspect_undeclared('ddl_log',
                (SELECT max(l.id) FROM asymm.ddl_log l
                  WHERE l.id = ANY (v_rows) AND NOT l.intended AND l.command_tag ~ 'TABLE|SCHEMA|SELECT INTO')));
        END IF;
    END IF;
    IF NOT plan_later THEN
        v_seen := asymm._merge_seen(v_seen, asymm._plan_recorded(CASE WHEN baseline IS NOT NULL THEN ARRAY[baseline] END));
    END IF;
    RETURN v_seen;
END
$$;
COMMENT ON FUNCTION asymm._process_ddl(bigint, boolean)
    IS 'Works off the unseen rows of the DDL log (of one table): drift, adoption of intended changes, and (unless later) repair plans; {objects, drifts, adopted} or NULL.';
