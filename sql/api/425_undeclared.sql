-- Objects that nobody declared, in schemas or a database that are watched as a whole.

CREATE OR REPLACE FUNCTION asymm._undeclared()
RETURNS TABLE (class_id oid, object_id oid, kind text, policy text, annotation asymm.annotation, scope text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_whole boolean := EXISTS (SELECT FROM asymm.watched_database);
    v_schemas oid[] := ARRAY(SELECT n.oid FROM asymm.watched_schema AS w JOIN pg_namespace AS n ON n.nspname = w.schema_name);
BEGIN
    -- The narrower declaration has the say. What is watched under another name is not undeclared; its DDL may be unread yet.
    RETURN QUERY
        WITH o AS MATERIALIZED (
            SELECT x.class_id, x.object_id, x.kind FROM asymm._watchable(NULL) AS x WHERE v_whole
            UNION
            SELECT x.class_id, x.object_id, x.kind FROM asymm._objects(v_schemas) AS x WHERE v_schemas <> '{}'),
        n AS (
            SELECT o.class_id, o.object_id, o.kind, (parse_ident(CASE o.kind WHEN 'schema' THEN i.name ELSE i.schema END))[1] AS schema_name
              FROM o CROSS JOIN LATERAL pg_identify_object(o.class_id, o.object_id, 0) AS i
             WHERE NOT EXISTS (SELECT FROM asymm.baseline_state AS s WHERE s.object_id = o.object_id AND s.class_id = o.class_id)
               -- A sequence that a column owned when it was declared is told with its table.
               AND NOT EXISTS (SELECT FROM asymm.member AS m WHERE m.object_id = o.object_id AND m.class_id = o.class_id))
        SELECT n.class_id, n.object_id, n.kind, COALESCE(w.policy, d.policy),
               CASE WHEN w.schema_name IS NULL THEN d.annotation ELSE w.annotation END,
               CASE WHEN w.schema_name IS NULL THEN 'database' ELSE 'schema' END
          FROM n
          LEFT JOIN asymm.watched_schema AS w ON w.schema_name = n.schema_name
          LEFT JOIN asymm.watched_database AS d ON true
         WHERE w.schema_name IS NOT NULL OR d.only_row;
END
$$;
COMMENT ON FUNCTION asymm._undeclared() IS 'Objects in what is watched as a whole that are at no address of a watched one, with the policy that holds there.';

-- Most commands neither make nor move an object.
CREATE OR REPLACE FUNCTION asymm._makes_objects(ids bigint[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN (EXISTS (SELECT FROM asymm.watched_schema) OR EXISTS (SELECT FROM asymm.watched_database))
       AND (EXISTS (SELECT FROM asymm.drift_record d WHERE d.baseline_id IS NULL AND d.state = 'open')
            OR EXISTS (SELECT FROM asymm.ddl_log l WHERE l.id = ANY (ids) AND l.command_tag ~ 'SCHEMA|EXTENSION|DEFAULT PRIVILEGES')
            OR EXISTS (SELECT FROM asymm.ddl_log l
                        CROSS JOIN LATERAL unnest(l.class_ids, l.object_ids) AS o (class_id, object_id)
                         LEFT JOIN pg_class AS c ON c.oid = o.object_id AND o.class_id = 'pg_class'::regclass
                        WHERE l.id = ANY (ids) AND o.object_id IS NOT NULL
                          AND CASE WHEN o.class_id = 'pg_class'::regclass THEN c.relkind NOT IN ('i', 'I', 't')
                                   ELSE o.class_id NOT IN ('pg_trigger'::regclass, 'pg_policy'::regclass, 'pg_constraint'::regclass,
                                                           'pg_attrdef'::regclass, 'pg_rewrite'::regclass) END
                          AND NOT EXISTS (SELECT FROM asymm.baseline_state AS s
                                           WHERE s.object_id = o.object_id AND s.class_id = o.class_id)));
END
$$;
COMMENT ON FUNCTION asymm._makes_objects(bigint[]) IS 'Whether commands of the DDL log may have made an object that nobody declared, where that matters.';

-- Objects in what is watched as a whole that nobody declared, and those seen before that are gone or declared now.
CREATE OR REPLACE FUNCTION asymm._inspect_undeclared(found_by text, ids bigint[] DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v record;
    v_differences jsonb;
    v_action bigint;
    v_objects text[] := '{}';
    v_policy text;
BEGIN
    UPDATE asymm.drift_record AS d SET state = 'vanished', resolved_at = clock_timestamp()
     WHERE d.state = 'open' AND d.baseline_id IS NULL AND asymm._object_oid(d.kind, d.schema_name, d.object_name) IS NULL;
    IF FOUND THEN
        PERFORM asymm._set_action_state(a.id, 'expired', 'the object is gone') FROM asymm.action a
          WHERE a.baseline_id IS NULL AND a.kind = 'heal' AND a.state IN ('proposed', 'approved')
            AND NOT EXISTS (SELECT FROM asymm.drift_record d WHERE d.action_id = a.id AND d.state = 'open');
    END IF;
    FOR v IN
        WITH u AS MATERIALIZED (SELECT * FROM asymm._undeclared())
        SELECT f.*, u.policy,
               -- Who made it.
               (SELECT max(l.id) FROM asymm.ddl_log l
                 WHERE l.id = ANY (ids) AND NOT l.intended
                   AND (EXISTS (SELECT FROM unnest(l.class_ids, l.object_ids) AS o (class_id, object_id)
                                 WHERE (o.class_id, o.object_id) = (u.class_id, u.object_id))
                        OR cardinality(l.object_ids) = 0 AND u.kind = 'default acl')) AS ddl_log_id
          FROM asymm._object_facts(ARRAY(SELECT x.kind FROM u AS x ORDER BY x.class_id, x.object_id),
                                   ARRAY(SELECT x.object_id FROM u AS x ORDER BY x.class_id, x.object_id)) AS f
          JOIN u ON u.object_id = f.object_id AND u.kind = f.kind
         WHERE NOT EXISTS (SELECT FROM asymm.baseline b
                            WHERE (b.kind, b.schema_name, b.object_name) = (f.kind, f.schema_name, f.object_name))
           AND NOT EXISTS (SELECT FROM asymm.drift_record d
                            WHERE d.state = 'open' AND d.baseline_id IS NULL
                              AND (d.kind, d.schema_name, d.object_name) = (f.kind, f.schema_name, f.object_name))
    LOOP
        v_differences := jsonb_build_array(jsonb_build_object('part', v.kind, 'name', '', 'actual', v.facts #> ARRAY[v.kind, '']));
        PERFORM asymm._record_drift(NULL, v.kind, v.schema_name, v.object_name, v_differences, found_by, v.ddl_log_id);
        IF EXISTS (SELECT FROM asymm.policy_rule) THEN
            SELECT c.policy INTO v_policy
              FROM asymm._policy_candidates(NULL, v.kind, v.schema_name, v.object_name, v.owner, NULL, NULL) AS c WHERE c.lost IS NULL;
        ELSE
            v_policy := v.policy;
        END IF;
        IF v_policy <> 'observe' THEN
            v_action := asymm._propose(NULL, v.kind, v.schema_name, v.object_name, v.owner,
                asymm._steps(v.kind, v.schema_name, v.object_name, NULL, NULL, v.facts, v.object_id, '{}'),
                asymm._fingerprint(v.facts), v_differences, format('the %s was never declared: adopt it or approve its removal', v.kind));
            UPDATE asymm.drift_record SET action_id = v_action
             WHERE baseline_id IS NULL AND state = 'open' AND (kind, schema_name, object_name) = (v.kind, v.schema_name, v.object_name);
        END IF;
        v_objects := v_objects || asymm._object_display(v.kind, v.schema_name, v.object_name);
    END LOOP;
    IF cardinality(v_objects) > 0 THEN
        RETURN jsonb_build_object('objects', to_jsonb(v_objects), 'drifts', cardinality(v_objects));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._inspect_undeclared(text, bigint[]) IS 'Finds objects that were never declared where everything is watched; with who made them, if these rows of the DDL log tell; {objects, drifts} or NULL.';
