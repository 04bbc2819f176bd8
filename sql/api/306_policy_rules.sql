-- Rules: set, taken back, listed, explained.

CREATE OR REPLACE FUNCTION asymm._require_rule(policy text, pattern text, kind text, hazard text, larger_than bigint) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_policy(policy);
    IF pattern IS NOT NULL THEN
        PERFORM asymm._require_text(pattern, 'pattern');
    END IF;
    IF octet_length(pattern) > 1000 THEN
        RAISE EXCEPTION 'argument "pattern" is too long'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It has %s bytes; 1000 are allowed.', octet_length(pattern)),
                  HINT = 'Use % for what is left out: pattern => ''public.invoice%''.';
    ELSIF length(substring(pattern FROM '\\*$')) % 2 = 1 THEN
        RAISE EXCEPTION 'pattern "%" ends in the middle of an escape', pattern
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A backslash takes the meaning from the character after it, and there is none.',
                  HINT = 'Write \\ for a backslash.';
    ELSIF kind <> ALL (asymm._kinds()) THEN
        RAISE EXCEPTION 'kind "%" does not exist', kind
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Kinds are %s.', array_to_string(asymm._kinds(), ', ')),
                  HINT = 'Columns, indexes, constraints and triggers are parts of their table: kind => ''table''.';
    ELSIF hazard <> ALL (asymm._hazard_words()) THEN
        RAISE EXCEPTION 'hazard "%" does not exist', hazard
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Hazards are %s.', array_to_string(asymm._hazard_words(), ', ')),
                  HINT = 'SELECT hazards FROM asymm.drift; shows those of each repair.';
    ELSIF larger_than < 0 THEN
        RAISE EXCEPTION 'argument "larger_than" is negative'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('%s bytes were given; no table is smaller than 0.', larger_than),
                  HINT = 'Pass bytes: larger_than => pg_size_bytes(''10 GB'').';
    ELSIF larger_than IS NOT NULL AND kind NOT IN ('table', 'materialized view') THEN
        RAISE EXCEPTION 'a % has no size', kind
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Only tables and materialized views (with their indexes) are measured.',
                  HINT = 'Leave out kind or larger_than.';
    ELSIF policy = 'guard' AND (hazard IS NOT NULL OR larger_than IS NOT NULL) THEN
        RAISE EXCEPTION 'policy guard takes no %', CASE WHEN hazard IS NOT NULL THEN 'hazard' ELSE 'larger_than' END
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'A guard refuses DDL while it runs; hazards and sizes are asked when a repair is planned.',
                  HINT = 'Guard the objects by pattern or kind, or say ''propose'' for the hazard.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_rule(text, text, text, text, bigint) IS 'Raises 22004 or 22023 for what can be no rule.';

-- After a rule came, changed or went: the policies of what it is about, and the repairs planned there.
CREATE OR REPLACE FUNCTION asymm._rule_changed(pattern text, kind text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids bigint[] := ARRAY(
        SELECT b.id FROM asymm.baseline AS b
         WHERE (_rule_changed.kind IS NULL OR b.kind = _rule_changed.kind)
           AND asymm._pattern_fits(_rule_changed.pattern, asymm._object_display(b.kind, b.schema_name, b.object_name)));
    v_changed bigint[] := asymm._renew_policies(v_ids);
BEGIN
    PERFORM asymm._inspect(ARRAY(
        SELECT b.id FROM asymm.baseline AS b
         WHERE b.id = ANY (v_changed)
            OR b.id = ANY (v_ids) AND EXISTS (SELECT FROM asymm.drift_record AS d WHERE d.baseline_id = b.id AND d.state = 'open')
         ORDER BY b.id), 'call');
END
$$;
COMMENT ON FUNCTION asymm._rule_changed(text, text) IS 'Brings policies and proposals in line with the rules, for objects that fit a pattern and kind.';

CREATE OR REPLACE FUNCTION asymm.set_policy(
    policy text, pattern text DEFAULT NULL, kind text DEFAULT NULL, hazard text DEFAULT NULL, larger_than bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_id bigint;
    v record;
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_rule(policy, pattern, kind, hazard, larger_than);
    PERFORM asymm._record_place();
    -- One writer at a time, so that each sees the rules of the others.
    LOCK TABLE asymm.policy_rule IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO asymm.policy_rule AS r (policy, pattern, kind, hazard, larger_than, set_by)
    VALUES (set_policy.policy, set_policy.pattern, set_policy.kind, set_policy.hazard, set_policy.larger_than, asymm._caller())
    ON CONFLICT ON CONSTRAINT policy_rule_conditions DO UPDATE SET policy = excluded.policy, set_at = excluded.set_at
    RETURNING r.id INTO v_id;
    PERFORM asymm._rule_changed(pattern, kind);
    SELECT count(*) AS fits, count(*) FILTER (WHERE NOT o.may) AS not_theirs, min(o.display) FILTER (WHERE NOT o.may) AS example INTO v
      FROM (SELECT asymm._object_display(b.kind, b.schema_name, b.object_name) AS display,
                   asymm._may_act(asymm._declared_owner(b.kind, b.facts)) AS may
              FROM asymm.baseline AS b WHERE set_policy.kind IS NULL OR b.kind = set_policy.kind) AS o
     WHERE asymm._pattern_fits(set_policy.pattern, o.display);
    IF v.not_theirs > 0 THEN
        RAISE WARNING 'rule % does nothing for % of the % objects it is about', v_id, v.not_theirs, v.fits
            USING DETAIL = format('Role "%s" is not a member of their owners; one of them is %s.', asymm._caller(), v.example),
                  HINT = format('SELECT * FROM asymm.policy_for(%L);', v.example);
    ELSIF v.fits = 0 THEN
        RAISE NOTICE 'rule % is about nothing that is watched now', v_id
            USING HINT = 'Patterns are for names as they are displayed: SELECT object, kind FROM asymm.watched;';
    END IF;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm.set_policy(text, text, text, text, bigint)
    IS 'Sets a policy for objects by name (LIKE pattern), kind and size, and for hazards of their repair; the most specific rule wins, see policy_for(). A second call with the same conditions changes yours. Returns its id. Raises 22004, 22023, 42501.';

CREATE OR REPLACE FUNCTION asymm.unset_policy(id bigint)
RETURNS TABLE (rule bigint, policy text, pattern text, kind text, hazard text, larger_than bigint, set_by name)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v asymm.policy_rule;
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_text(unset_policy.id::text, 'id');
    LOCK TABLE asymm.policy_rule IN SHARE ROW EXCLUSIVE MODE;
    SELECT r.* INTO v FROM asymm.policy_rule AS r WHERE r.id = unset_policy.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'rule % does not exist', unset_policy.id
            USING ERRCODE = 'undefined_object', DETAIL = 'No policy was set under that number, or it was taken back already.',
                  HINT = 'SELECT id, policy, conditions FROM asymm.policies;';
    ELSIF NOT asymm._may_act(v.set_by) THEN
        RAISE EXCEPTION 'permission denied for rule %', v.id
            USING ERRCODE = 'insufficient_privilege', DETAIL = format('It was set by "%s", of whom "%s" is not a member.', v.set_by, asymm._caller()),
                  HINT = 'Ask them or a superuser; for objects of your own, a rule of yours that is as specific and newer wins.';
    END IF;
    DELETE FROM asymm.policy_rule AS r WHERE r.id = v.id;
    PERFORM asymm._rule_changed(v.pattern, v.kind);
    RETURN QUERY SELECT v.id, v.policy, v.pattern, v.kind, v.hazard, v.larger_than, v.set_by;
END
$$;
COMMENT ON FUNCTION asymm.unset_policy(bigint)
    IS 'Takes a rule back and returns it; what watch() and other rules say holds again. Raises 22004, 42704, 42501.';

CREATE OR REPLACE VIEW asymm.policies AS
    SELECT r.id, r.policy, r.pattern, r.kind, r.hazard, r.larger_than,
           asymm._rule_conditions(r.pattern, r.kind, r.hazard, r.larger_than) AS conditions, r.set_by, r.set_at
      FROM asymm.policy_rule AS r;
COMMENT ON VIEW asymm.policies IS 'The rules of set_policy(), with their conditions in words and whose they are.';

CREATE OR REPLACE FUNCTION asymm.policy_for(target text)
RETURNS TABLE (object text, kind text, hazard text, policy text, decided_by text, conditions text, set_by name, lost text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v record := asymm._resolve(target);
    v_oid oid;
    v_owner name;
    v_bytes bigint;
BEGIN
    SELECT COALESCE(asymm._object_oid(v.kind, v.schema_name, v.object_name),
                    (SELECT s.object_id FROM asymm.baseline_state AS s WHERE s.baseline_id = v.baseline_id)) INTO v_oid;
    SELECT asymm._declared_owner(b.kind, b.facts) INTO v_owner FROM asymm.baseline AS b WHERE b.id = v.baseline_id;
    IF v.baseline_id IS NULL THEN
        SELECT r.rolname INTO v_owner FROM pg_roles AS r WHERE r.oid = asymm._owner_of(asymm._kind_class(v.kind), v_oid);
    END IF;
    IF v.kind IN ('table', 'materialized view') AND EXISTS (SELECT FROM asymm.policy_rule AS r WHERE r.larger_than IS NOT NULL) THEN
        SELECT s.total INTO v_bytes FROM asymm._relation_bytes(v_oid) AS s;
    END IF;
    RETURN QUERY
        SELECT v.display, v.kind, h.hazard,
               max(c.policy) FILTER (WHERE c.lost IS NULL),
               max(concat_ws(' ', c.decided_by, c.rule)) FILTER (WHERE c.lost IS NULL),
               max(c.conditions) FILTER (WHERE c.lost IS NULL),
               (array_agg(c.set_by) FILTER (WHERE c.lost IS NULL))[1],
               COALESCE(array_agg(format('%s (%s): %s, %s', concat_ws(' ', c.decided_by, c.rule), c.conditions, c.policy, c.lost) ORDER BY c.place)
                            FILTER (WHERE c.lost IS NOT NULL), '{}')
          FROM (SELECT NULL::text AS hazard, 0 AS n
                UNION ALL
                SELECT w.hazard, w.n FROM unnest(asymm._hazard_words()) WITH ORDINALITY AS w (hazard, n)
                 WHERE asymm._hazard_default(w.hazard) IS NOT NULL
                    OR EXISTS (SELECT FROM asymm.policy_rule AS r WHERE r.hazard = w.hazard)) AS h
         CROSS JOIN LATERAL asymm._policy_candidates(v.baseline_id, v.kind, v.schema_name, v.object_name, v_owner, h.hazard, v_bytes) AS c
         GROUP BY h.hazard, h.n
         ORDER BY h.n;
END
$$;
COMMENT ON FUNCTION asymm.policy_for(text)
    IS 'The policy in force for an object, and for each hazard of its repair that a rule or default speaks of: what decided, on which conditions, and what lost and why. Raises 22004, 22023, 42704, 42P01, 42725, SY001.';
