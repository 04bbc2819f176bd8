-- The DDL log, read every beat: drift, adoption of what was meant.

-- A migration touches many tables that turn out to be as declared: those are settled in one go, as of a moment before
-- they were read, so that what was done since is still looked at.
CREATE OR REPLACE FUNCTION asymm._settle_unchanged(baselines bigint[]) RETURNS bigint[]
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
    PERFORM asymm._looked_before(v_same, v_snapshot, v_at);
    UPDATE asymm.baseline_state AS s SET unplanned = NULL FROM unnest(v_same) AS u (id) WHERE s.baseline_id = u.id;
    RETURN COALESCE(v_same, '{}');
END
$$;
COMMENT ON FUNCTION asymm._settle_unchanged(bigint[]) IS 'Notes that those of the watched objects that are as declared, without open drift, were looked at; returns them.';

-- Grants and the like name no object: tables whose catalog rows changed are looked at, and privileges that a migration
-- gave are adopted. Where others changed privileges in the same beat it is asked of each object who did.
CREATE OR REPLACE FUNCTION asymm._process_grants(ids bigint[], baseline bigint, mixed boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_tables bigint[];
    v_judged jsonb;
    v_one jsonb;
    v_id bigint;
    v_hold text;
    v_seen jsonb;
BEGIN
    SELECT array_agg(l.id) AS ids, max(l.id) AS last, max(l.id) FILTER (WHERE NOT l.intended AND l.action_id IS NULL) AS slip,
           min(l.at) FILTER (WHERE l.intended) AS since,
           max(COALESCE(l.intent, 'migrator ' || l.role)) FILTER (WHERE l.intended) AS reason,
           min(l.xid) AS first_xid, bool_and(l.command_tag IN ('GRANT', 'REVOKE')) AS only_grants
      INTO v FROM asymm.ddl_log l
     WHERE l.id = ANY (_process_grants.ids) AND l.command_tag = ANY (asymm._rights_tags());
    IF v.last IS NULL THEN
        RETURN NULL;
    END IF;
    v_tables := CASE WHEN baseline IS NOT NULL THEN ARRAY[baseline]
                     ELSE asymm._changed_headers(CASE WHEN v.only_grants THEN asymm._relations_written_since(v.first_xid) END)
                          || asymm._changed_others() END;
    BEGIN
        IF mixed THEN
            v_judged := asymm._judge_rights(_process_grants.ids, v_tables);
        END IF;
        FOREACH v_id IN ARRAY v_tables LOOP
            v_one := CASE WHEN mixed THEN v_judged -> v_id::text
                          ELSE jsonb_build_object('meant', v.since IS NOT NULL AND v.slip IS NULL, 'since', v.since, 'reason', v.reason,
                                                  'id', COALESCE(v.slip, v.last)) END;
            v_hold := NULL;
            IF (v_one ->> 'meant')::boolean AND (v_one ->> 'slipped')::boolean THEN
                v_hold := 'a migration and somebody else changed rights in one beat';
                PERFORM asymm._hold(v_id, v_hold);
            ELSIF (v_one ->> 'meant')::boolean THEN
                v_seen := asymm._merge_seen(v_seen, asymm._adopt_rights(v_id, v_one));
            END IF;
            v_seen := asymm._merge_seen(v_seen, asymm._inspect(ARRAY[v_id], 'ddl_log', COALESCE((v_one ->> 'id')::bigint, v.slip, v.last), v_hold));
        END LOOP;
    EXCEPTION WHEN SQLSTATE 'SY010' OR lock_not_available OR deadlock_detected THEN
        UPDATE asymm.ddl_log AS l SET seen = false WHERE l.id = ANY (v.ids);
        RETURN NULL;
    END;
    -- Read for one table only: the loops have yet to look at the others.
    UPDATE asymm.ddl_log AS l SET seen = false WHERE l.id = ANY (v.ids) AND baseline IS NOT NULL;
    RETURN v_seen;
END
$$;
COMMENT ON FUNCTION asymm._process_grants(bigint[], bigint, boolean)
    IS 'Handles logged commands that name no object: adopts privileges given on purpose, inspects tables whose catalog rows changed, or the one given; mixed: some of the DDL was meant, some not.';

CREATE OR REPLACE FUNCTION asymm._adopt_rights(baseline bigint, judged jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object('adopted', count(*), 'objects',
                   (SELECT jsonb_agg(asymm._object_display(b.kind, b.schema_name, b.object_name)) FROM asymm.baseline b WHERE b.id = baseline))
          FROM asymm._adopt(baseline, judged ->> 'reason', (judged ->> 'since')::timestamptz, 'acl')
        HAVING count(*) > 0);
END
$$;
COMMENT ON FUNCTION asymm._adopt_rights(bigint, jsonb) IS 'Declares the privileges that a migration gave on an object, as asymm._judge_rights() has it; {adopted, objects} or NULL.';

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
    v_mixed boolean;
    v_judged jsonb;
    v_rights jsonb;
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
    SELECT bool_or(l.intended) AND bool_or(NOT l.intended AND l.action_id IS NULL) AND bool_or(l.command_tag = ANY (asymm._rights_tags()))
      INTO v_mixed FROM asymm.ddl_log l WHERE l.id = ANY (v_rows);
    IF v_mixed THEN
        v_judged := asymm._judge_rights(v_rows, ARRAY(
            SELECT DISTINCT t.id FROM asymm.ddl_log l
             CROSS JOIN LATERAL asymm._touched(l.class_ids, l.object_ids, l.parent_schemas, l.parent_names) AS t (id)
             WHERE l.id = ANY (v_rows)));
    END IF;
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
        v_rights := v_judged -> v.baseline_id::text;
        v_hold := CASE WHEN v.intent IS NOT NULL AND (v.slip IS NOT NULL OR (v_rights ->> 'slipped')::boolean)
                            OR (v_rights ->> 'meant')::boolean AND (v_rights ->> 'slipped')::boolean
                       THEN 'a migration and another change of the same table arrived in one beat' END;
        v_one := NULL;
        BEGIN
            IF v_hold IS NULL AND v.intent IS NULL AND (v_rights ->> 'meant')::boolean THEN
                v_one := asymm._adopt_rights(v.baseline_id, v_rights);
            ELSIF v_hold IS NULL AND v.intent IS NOT NULL THEN
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
    v_seen := asymm._merge_seen(v_seen, asymm._process_grants(v_rows, baseline, v_mixed));
    IF asymm._makes_objects(v_rows) THEN
        -- What a migration made in what is watched as a whole is declared with it.
        FOR v IN
            SELECT u.policy, u.annotation, u.scope, max(COALESCE(l.intent, 'migrator ' || l.role)) AS reason,
                   array_agg(u.kind) AS kinds, array_agg(u.object_id) AS oids
              FROM asymm._undeclared() AS u
              JOIN LATERAL (
                   SELECT l.intent, l.role FROM asymm.ddl_log l
                    WHERE l.id = ANY (v_rows) AND l.intended
                      AND EXISTS (SELECT FROM unnest(l.class_ids, l.object_ids) AS o (class_id, object_id)
                                   WHERE (o.class_id, o.object_id) = (u.class_id, u.object_id))
                    ORDER BY l.id DESC LIMIT 1) AS l ON true
             GROUP BY u.policy, u.annotation, u.scope
        LOOP
            v_seen := asymm._merge_seen(v_seen, jsonb_build_object('objects', '[]'::jsonb, 'adopted',
                cardinality(asymm._declare(v.kinds, v.oids, v.policy, v.annotation, v.scope, v.reason))));
        END LOOP;
        v_seen := asymm._merge_seen(v_seen, asymm._inspect_undeclared('ddl_log', v_rows));
    END IF;
    IF NOT plan_later THEN
        v_seen := asymm._merge_seen(v_seen, asymm._plan_recorded(CASE WHEN baseline IS NOT NULL THEN ARRAY[baseline] END));
    END IF;
    RETURN v_seen;
END
$$;
COMMENT ON FUNCTION asymm._process_ddl(bigint, boolean)
    IS 'Works off the unseen rows of the DDL log (of one table): drift, adoption of intended changes, and (unless later) repair plans; {objects, drifts, adopted} or NULL.';
