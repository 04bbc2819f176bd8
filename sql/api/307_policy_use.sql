-- Rules applied: the policy kept with each baseline, and whether a plan may run.

-- Those without hazard and size, kept with the baseline, where guards and beats read it.
CREATE OR REPLACE FUNCTION asymm._renew_policies(ids bigint[] DEFAULT NULL) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_changed bigint[];
BEGIN
    IF EXISTS (SELECT FROM asymm.policy_rule) THEN
        WITH n AS MATERIALIZED (
            SELECT b.id, c.policy
              FROM asymm.baseline AS b
             CROSS JOIN LATERAL asymm._policy_candidates(b.id, b.kind, b.schema_name, b.object_name, asymm._declared_owner(b.kind, b.facts),
                                                         NULL, NULL) AS c
             WHERE (ids IS NULL OR b.id = ANY (ids)) AND c.lost IS NULL),
        u AS (
            UPDATE asymm.baseline AS b SET policy = n.policy, watch_policy = COALESCE(b.watch_policy, b.policy)
              FROM n WHERE n.id = b.id AND n.policy <> b.policy
            RETURNING b.id)
        SELECT array_agg(u.id) INTO v_changed FROM u;
    ELSE
        WITH u AS (
            UPDATE asymm.baseline AS b SET policy = b.watch_policy
             WHERE b.policy <> b.watch_policy AND (ids IS NULL OR b.id = ANY (ids))
            RETURNING b.id)
        SELECT array_agg(u.id) INTO v_changed FROM u;
    END IF;
    RETURN COALESCE(v_changed, '{}');
END
$$;
COMMENT ON FUNCTION asymm._renew_policies(bigint[]) IS 'Works out which policy is in force for all objects, or those given; returns the baselines where that changed.';

-- Memberships change without a word: what they mean for rules is looked at now and then.
CREATE OR REPLACE FUNCTION asymm._recheck_policies() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM asymm.policy_rule) THEN
        PERFORM asymm._inspect(asymm._renew_policies(), 'call');
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._recheck_policies() IS 'Applies the rules anew, as far as there are any.';

CREATE OR REPLACE FUNCTION asymm._is_guarded(base asymm.baseline) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN base.policy = 'guard'
       AND (base.watch_policy = 'guard' OR 'guard' = (
               SELECT c.policy FROM asymm._policy_candidates(base.id, base.kind, base.schema_name, base.object_name,
                                                             asymm._declared_owner(base.kind, base.facts), NULL, NULL) AS c
                WHERE c.lost IS NULL));
END
$$;
COMMENT ON FUNCTION asymm._is_guarded(asymm.baseline) IS 'Whether an object is guarded: a rule that says so has to count still.';

-- What is only observed has no plan, unless a rule for a hazard or a size asks for one.
CREATE OR REPLACE FUNCTION asymm._wants_plan(base asymm.baseline) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN base.policy <> 'observe'
        OR EXISTS (SELECT FROM asymm.action AS a WHERE a.baseline_id = base.id AND a.state = 'approved')
        OR EXISTS (SELECT FROM asymm.policy_rule AS r
                    WHERE (r.hazard IS NOT NULL OR r.larger_than IS NOT NULL) AND r.policy <> 'observe'
                      AND (r.kind IS NULL OR r.kind = base.kind)
                      AND asymm._pattern_fits(r.pattern, asymm._object_display(base.kind, base.schema_name, base.object_name)));
END
$$;
COMMENT ON FUNCTION asymm._wants_plan(asymm.baseline) IS 'Whether drift of an object is to be planned at all.';

-- The policy for a plan: heal only if it is heal for each hazard among its steps, and for the object where a step has none.
-- Steps on other objects go by a rule for that hazard there, else by what the plan is for. What is not there can't be rewritten.
CREATE OR REPLACE FUNCTION asymm._policy_of_plan(
    base asymm.baseline, object_id oid, steps jsonb, OUT policy text, OUT hold text, OUT may_delete boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_owner constant name := asymm._declared_owner(base.kind, base.facts);
    v_object constant oid := object_id;
    v_sized constant boolean := EXISTS (SELECT FROM asymm.policy_rule AS r WHERE r.larger_than IS NOT NULL);
BEGIN
    WITH s AS MATERIALIZED (
        SELECT x.kind, x.schema, x.called, x.hazards, (x.kind, x.schema, x.called) = (base.kind, base.schema_name, base.object_name) AS own
          FROM (SELECT COALESCE(j.kind, base.kind) AS kind, CASE WHEN j.called IS NULL THEN base.schema_name ELSE j.schema END AS schema,
                       COALESCE(j.called, base.object_name) AS called, j.hazards
                  FROM jsonb_to_recordset(steps) AS j (kind text, schema text, called text, forward text, hazards jsonb)
                 WHERE j.forward IS NOT NULL
                UNION ALL
                SELECT base.kind, base.schema_name, base.object_name, '[]'
                 WHERE NOT jsonb_path_exists(steps, '$[*] ? (@.forward != null)')) AS x),
    t AS MATERIALIZED (
        SELECT DISTINCT s.kind, s.schema, s.called, s.own, b.id AS baseline, i.id AS object_id,
               CASE WHEN b.id IS NOT NULL THEN asymm._declared_owner(b.kind, b.facts)
                    ELSE (SELECT r.rolname FROM pg_roles AS r WHERE r.oid = asymm._owner_of(asymm._kind_class(s.kind), i.id)) END AS owner
          FROM s
          LEFT JOIN asymm.baseline AS b ON (b.kind, b.schema_name, b.object_name) = (s.kind, s.schema, s.called)
         CROSS JOIN LATERAL (SELECT CASE WHEN s.own THEN v_object
                                         ELSE COALESCE(asymm._object_oid(s.kind, s.schema, s.called),
                                                       (SELECT c.oid FROM asymm.baseline_state AS y JOIN pg_class AS c ON c.oid = y.object_id
                                                         WHERE y.baseline_id = b.id AND y.class_id = 'pg_class'::regclass)) END AS id) AS i),
    h AS (
        SELECT DISTINCT h.hazard, h.other, CASE WHEN h.other THEN t.kind END AS kind, CASE WHEN h.other THEN t.schema END AS schema,
               CASE WHEN h.other THEN t.called END AS called, CASE WHEN h.other THEN t.owner END AS owner,
               CASE WHEN h.other THEN t.baseline END AS baseline, CASE WHEN h.other THEN t.object_id ELSE v_object END AS object_id
          FROM s
          JOIN t USING (kind, schema, called)
          LEFT JOIN LATERAL jsonb_array_elements_text(s.hazards) AS d (hazard)
            ON d.hazard NOT LIKE 'not healable:%' AND NOT (d.hazard = 'rewrites table' AND t.object_id IS NULL)
         CROSS JOIN LATERAL (SELECT d.hazard, d.hazard IS NOT NULL AND NOT s.own AS other) AS h),
    w AS (
        SELECT h.hazard, p.policy, p.decided_by,
               CASE WHEN p.policy = 'heal' OR p.decided_by = 'default' AND h.hazard = 'deletes data' THEN NULL
                    WHEN p.decided_by = 'default' THEN format('hazard %s: %s', h.hazard, p.conditions)
                    WHEN p.decided_by = 'rule' THEN format('policy %s by rule %s (%s)', p.policy, p.rule, p.conditions)
                    ELSE format('policy %s', p.policy) END AS hold
          FROM h
          LEFT JOIN LATERAL asymm._relation_bytes(CASE WHEN v_sized AND COALESCE(h.kind, base.kind) IN ('table', 'materialized view')
                                                       THEN h.object_id END) AS z ON true
         CROSS JOIN LATERAL (
               SELECT c.* FROM (
                   SELECT 1 AS turn, c.* FROM asymm._policy_candidates(h.baseline, h.kind, h.schema, h.called, h.owner, h.hazard, z.total) AS c
                    WHERE h.other AND c.named
                   UNION ALL
                   SELECT 2, c.* FROM asymm._policy_candidates(base.id, base.kind, base.schema_name, base.object_name, v_owner,
                                                               h.hazard, z.total) AS c) AS c
                WHERE c.lost IS NULL ORDER BY c.turn LIMIT 1) AS p)
    SELECT CASE WHEN bool_and(w.hold IS NULL) THEN 'heal' WHEN bool_and(w.policy = 'observe') THEN 'observe' ELSE 'propose' END,
           string_agg(DISTINCT w.hold, '; '),
           COALESCE(bool_and(w.policy = 'heal') FILTER (WHERE w.hazard = 'deletes data'), false)
      INTO policy, hold, may_delete
      FROM w;
END
$$;
COMMENT ON FUNCTION asymm._policy_of_plan(asymm.baseline, oid, jsonb)
    IS 'The policy that the steps of a plan add up to, why it may not run by itself (NULL if it may), and whether a rule lets it delete data.';

-- The last word on rewrites: whatever the planners say of a step, the server says when it is about to rewrite a table.
CREATE OR REPLACE FUNCTION asymm._on_rewrite() RETURNS event_trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_action text := current_setting('asymm.action', true);
    v_table oid := pg_event_trigger_table_rewrite_oid();
    v_hold text;
BEGIN
    -- Only repairs that policy approved, and only what holds rows: a table just made is nobody's loss.
    IF v_action ~ '^[0-9]{1,18}$' AND pg_relation_size(v_table) > 0 THEN
        SELECT p.hold INTO v_hold
          FROM asymm.action AS a
          JOIN asymm.baseline AS b ON b.id = a.baseline_id
          JOIN pg_class AS c ON c.oid = v_table
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
          LEFT JOIN asymm.baseline_state AS s ON s.baseline_id = b.id
         CROSS JOIN LATERAL asymm._policy_of_plan(b, s.object_id, jsonb_build_array(jsonb_build_object(
                        'kind', asymm._relation_kind(c.relkind), 'schema', n.nspname, 'called', c.relname, 'forward', '',
                        'hazards', ARRAY['rewrites table']))) AS p
         WHERE a.id = v_action::bigint AND a.state = 'applying' AND a.reason = 'policy heal';
        IF v_hold IS NOT NULL THEN
            RAISE EXCEPTION 'the repair would rewrite table %', v_table::regclass USING ERRCODE = 'SY009', DETAIL = v_hold,
                HINT = format('If that is wanted: SELECT * FROM asymm.approve(%s);', v_action);
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._on_rewrite() IS 'Event trigger: raises SY009 when a repair that policy approved is about to rewrite a table and no rule says that it may.';
