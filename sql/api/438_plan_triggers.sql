-- Triggers, rules and row policies.

CREATE OR REPLACE FUNCTION asymm._plan_triggers(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[],
               precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT p.part, upper(p.part) AS kind, v.key, v.value AS verdict, declared #> ARRAY[p.part, v.key] AS d,
               actual #> ARRAY[p.part, v.key] AS a,
               CASE WHEN v.value = 'same' THEN actual #> ARRAY[p.part, v.key] ELSE '{}' END AS now
          FROM unnest(ARRAY['trigger', 'rule']) AS p (part)
         CROSS JOIN jsonb_each_text(context -> p.part) AS v
         WHERE NOT (v.value = 'same' AND declared #> ARRAY[p.part, v.key] = actual #> ARRAY[p.part, v.key])),
    s AS (
        SELECT CASE c.part WHEN 'trigger' THEN 230 ELSE 250 END AS phase, c.part, c.key,
               format('DROP %s %I ON %s', c.kind, c.key, v_rel) AS forward,
               concat_ws(E';\n', rtrim(asymm._replayable(c.a ->> 'def'), ';'),
                         CASE WHEN c.a ? 'enabled' THEN asymm._plan_switch(v_rel, c.kind, c.key, c.a ->> 'enabled') END,
                         CASE WHEN c.a ? 'comment'
                              THEN format('COMMENT ON %s %I ON %s IS %L', c.kind, c.key, v_rel, c.a ->> 'comment') END) AS inverse,
               'ACCESS EXCLUSIVE' AS lock_class
          FROM c WHERE c.verdict IN ('drop', 'remake')
        UNION ALL
        SELECT CASE c.part WHEN 'trigger' THEN 560 ELSE 565 END, c.part, c.key, rtrim(asymm._replayable(c.d ->> 'def'), ';'),
               format('DROP %s %I ON %s', c.kind, c.key, v_rel),
               CASE c.part WHEN 'trigger' THEN 'SHARE ROW EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE' END
          FROM c WHERE c.verdict IN ('add', 'remake')
        UNION ALL
        -- Its clones on partitions are switched along, but when they are switched otherwise anyway.
        SELECT 568, c.part, c.key, asymm._plan_switch(l.only || v_rel, c.kind, c.key, c.d ->> 'enabled'),
               asymm._plan_switch(l.only || v_rel, c.kind, c.key, c.now ->> 'enabled'),
               CASE c.part WHEN 'trigger' THEN 'SHARE ROW EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE' END
          FROM c CROSS JOIN LATERAL (
              SELECT CASE WHEN EXISTS (SELECT FROM pg_trigger AS t JOIN pg_trigger AS p ON p.tgparentid = t.oid AND p.tgenabled <> t.tgenabled
                                        WHERE t.tgrelid = (context ->> 'relid')::oid AND t.tgname = c.key) THEN 'ONLY ' ELSE '' END AS only) AS l
         WHERE c.verdict <> 'drop' AND c.d -> 'enabled' IS DISTINCT FROM c.now -> 'enabled'
        UNION ALL
        SELECT 700, c.part, c.key, format('COMMENT ON %s %I ON %s IS %L', c.kind, c.key, v_rel, c.d ->> 'comment'),
               format('COMMENT ON %s %I ON %s IS %L', c.kind, c.key, v_rel, c.now ->> 'comment'), 'SHARE UPDATE EXCLUSIVE'
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'comment' IS DISTINCT FROM c.now -> 'comment')
    SELECT s.phase, 0, s.part, s.key, s.forward, s.inverse, s.lock_class, '{}'::text[], NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_triggers(jsonb, jsonb, jsonb) IS 'Steps that drop, make and switch triggers and rules.';

CREATE OR REPLACE FUNCTION asymm._plan_switch(rel text, kind text, name text, enabled text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('ALTER TABLE %s %s %s %I', rel,
                  CASE enabled WHEN 'disabled' THEN 'DISABLE' WHEN 'replica' THEN 'ENABLE REPLICA'
                               WHEN 'always' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END, kind, name)
$$;
COMMENT ON FUNCTION asymm._plan_switch(text, text, text, text) IS 'Statement that enables or disables a trigger or rule.';

CREATE OR REPLACE FUNCTION asymm._policy_roles(facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(CASE WHEN r = '' THEN 'PUBLIC' ELSE quote_ident(r) END, ', ') FROM jsonb_array_elements_text(facts -> 'roles') AS r
$$;
COMMENT ON FUNCTION asymm._policy_roles(jsonb) IS 'Roles of a policy as they are written in SQL.';

CREATE OR REPLACE FUNCTION asymm._policy_definition(rel text, name text, facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', format('CREATE POLICY %I ON %s AS', name, rel),
                     CASE WHEN facts ? 'permissive' THEN 'RESTRICTIVE' ELSE 'PERMISSIVE' END,
                     'FOR', facts ->> 'command', 'TO', asymm._policy_roles(facts), asymm._policy_conditions(facts))
$$;
COMMENT ON FUNCTION asymm._policy_definition(text, text, jsonb) IS 'CREATE POLICY from its facts.';

CREATE OR REPLACE FUNCTION asymm._policy_conditions(facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', 'USING (' || asymm._replayable(facts ->> 'using') || ')', 'WITH CHECK (' || asymm._replayable(facts ->> 'check') || ')')
$$;
COMMENT ON FUNCTION asymm._policy_conditions(jsonb) IS 'USING and WITH CHECK of a policy.';

CREATE OR REPLACE FUNCTION asymm._plan_policies(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[],
               precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT v.key, v.value AS verdict, declared -> v.key AS d, actual -> v.key AS a,
               CASE WHEN v.value IN ('same', 'alter') THEN actual -> v.key ELSE '{}' END AS now
          FROM jsonb_each_text(context -> 'policy') AS v
         WHERE NOT (v.value = 'same' AND declared -> v.key = actual -> v.key)),
    s AS (
        SELECT 240 AS phase, c.key, format('DROP POLICY %I ON %s', c.key, v_rel) AS forward,
               concat_ws(E';\n', asymm._policy_definition(v_rel, c.key, c.a),
                         CASE WHEN c.a ? 'comment'
                              THEN format('COMMENT ON POLICY %I ON %s IS %L', c.key, v_rel, c.a ->> 'comment') END) AS inverse,
               ARRAY['changes privileges'] AS hazards
          FROM c WHERE c.verdict IN ('drop', 'remake')
        UNION ALL
        SELECT 570, c.key, asymm._policy_definition(v_rel, c.key, c.d), format('DROP POLICY %I ON %s', c.key, v_rel),
               ARRAY['changes privileges']
          FROM c WHERE c.verdict IN ('add', 'remake')
        UNION ALL
        -- A condition can be changed but not taken away: the inverse then makes the policy anew.
        SELECT 571, c.key,
               concat_ws(' ', format('ALTER POLICY %I ON %s TO %s', c.key, v_rel, asymm._policy_roles(c.d)), asymm._policy_conditions(c.d)),
               CASE WHEN c.d ? 'using' AND NOT c.a ? 'using' OR c.d ? 'check' AND NOT c.a ? 'check'
                    THEN concat_ws(E';\n', format('DROP POLICY %I ON %s', c.key, v_rel), asymm._policy_definition(v_rel, c.key, c.a),
                                   CASE WHEN c.a ? 'comment'
                                        THEN format('COMMENT ON POLICY %I ON %s IS %L', c.key, v_rel, c.a ->> 'comment') END)
                    ELSE concat_ws(' ', format('ALTER POLICY %I ON %s TO %s', c.key, v_rel, asymm._policy_roles(c.a)),
                                   asymm._policy_conditions(c.a)) END,
               ARRAY['changes privileges']
          FROM c WHERE c.verdict = 'alter'
        UNION ALL
        SELECT 700, c.key, format('COMMENT ON POLICY %I ON %s IS %L', c.key, v_rel, c.d ->> 'comment'),
               format('COMMENT ON POLICY %I ON %s IS %L', c.key, v_rel, c.now ->> 'comment'), '{}'
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'comment' IS DISTINCT FROM c.now -> 'comment')
    SELECT s.phase, 0, 'policy', s.key, s.forward, s.inverse, 'ACCESS EXCLUSIVE', s.hazards, NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_policies(jsonb, jsonb, jsonb) IS 'Steps that drop, make and change row policies.';
