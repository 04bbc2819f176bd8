-- Who calls, what is configured, and the checks every public function shares.

CREATE OR REPLACE FUNCTION asymm._caller() RETURNS name
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN COALESCE(NULLIF(current_setting('role', true), 'none'), session_user);
END
$$;
COMMENT ON FUNCTION asymm._caller() IS 'The role that calls: the one chosen by SET ROLE, else the login; unlike current_user it is not hidden by SECURITY DEFINER.';

CREATE OR REPLACE FUNCTION asymm._role_may_act(role name, owner name) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(
            (SELECT r.rolsuper OR (o.oid IS NOT NULL AND pg_has_role(r.oid, o.oid, 'MEMBER'))
               FROM pg_roles r LEFT JOIN pg_roles o ON o.rolname = owner
              WHERE r.rolname = role), false));
END
$$;
COMMENT ON FUNCTION asymm._role_may_act(name, name) IS 'True when a role is a superuser or a member of the given owner.';

CREATE OR REPLACE FUNCTION asymm._may_act(owner name) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._role_may_act(asymm._caller(), owner);
END
$$;
COMMENT ON FUNCTION asymm._may_act(name) IS 'True when the caller is a superuser or a member of the given owner.';

-- ANALYZE, REINDEX or REFRESH run a table owner's functions as that owner, but in the session of who gave the command
-- (autovacuum: a superuser), so _caller() would take one for the other. UNLISTEN is refused there and does nothing else.
CREATE OR REPLACE FUNCTION asymm._require_session() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UNLISTEN asymm_nobody;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'permission denied inside of a maintenance command'
        USING ERRCODE = 'insufficient_privilege',
              DETAIL = 'A function of an index, a materialized view or a constraint tried to act for whoever maintains it.',
              HINT = 'Call it in a session of its own.';
END
$$;
COMMENT ON FUNCTION asymm._require_session() IS 'Raises 42501 inside of ANALYZE, REINDEX, REFRESH and the like, where the session is not that of the caller.';

CREATE OR REPLACE FUNCTION asymm._require_rights(owner name, object text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_session();
    IF NOT asymm._may_act(owner) THEN
        RAISE EXCEPTION 'permission denied for "%"', object
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = CASE WHEN owner IS NULL THEN format('It has no owner, and role "%s" is not a superuser.', asymm._caller())
                                ELSE format('Role "%s" is not a member of "%s", the owner.', asymm._caller(), owner) END,
                  HINT = CASE WHEN owner IS NULL THEN 'Ask a superuser to call this.'
                              ELSE format('Ask a superuser for: GRANT %I TO %I', owner, asymm._caller()) END;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_rights(name, text) IS 'Raises 42501 unless the caller may act for the owner of the object.';

CREATE OR REPLACE FUNCTION asymm._require_text(value text, argument text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF value IS NULL THEN
        RAISE EXCEPTION 'argument "%" is null', argument
            USING ERRCODE = 'null_value_not_allowed', DETAIL = 'Every argument without a default is needed.',
                  HINT = format('Pass a value: %s => …', argument);
    ELSIF btrim(value, E' \t\n\r') = '' THEN
        RAISE EXCEPTION 'argument "%" is empty', argument
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'An empty or blank text names nothing.',
                  HINT = format('Pass a value: %s => …', argument);
    END IF;
    RETURN value;
END
$$;
COMMENT ON FUNCTION asymm._require_text(text, text) IS 'Returns the value; raises 22004 when it is null and 22023 when it is blank, naming the argument.';

CREATE OR REPLACE FUNCTION asymm._require_policy(policy text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF asymm._require_text(policy, 'policy') NOT IN ('observe', 'propose', 'heal', 'guard') THEN
        RAISE EXCEPTION 'policy "%" does not exist', policy
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Policies are observe, propose, heal and guard.',
                  HINT = 'Use policy => ''propose'' to be asked before anything is changed.';
    END IF;
    RETURN policy;
END
$$;
COMMENT ON FUNCTION asymm._require_policy(text) IS 'Returns the policy; raises 22023 when there is none of that name.';

CREATE OR REPLACE FUNCTION asymm._settings() RETURNS asymm.setting
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.setting;
BEGIN
    -- The view asymm.settings in two steps: half the cost, and this is asked with every repair.
    SELECT s.* INTO v FROM asymm.setting AS s;
    IF NOT FOUND THEN
        SELECT s.* INTO v FROM asymm._setting_default AS s;
    END IF;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._settings() IS 'The settings in force as one row.';

CREATE OR REPLACE FUNCTION asymm._refuse_setting(setting regclass, constraint_name text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'setting refused by "%"', constraint_name
        USING ERRCODE = 'invalid_parameter_value',
              DETAIL = COALESCE((SELECT pg_get_constraintdef(c.oid) FROM pg_constraint AS c
                                  WHERE c.conrelid = setting AND c.conname = constraint_name),
                                'The value is outside of what the setting allows.'),
              HINT = format('Nothing was changed. SELECT * FROM %ss shows what is in force.', setting);
END
$$;
COMMENT ON FUNCTION asymm._refuse_setting(regclass, text) IS 'Raises 22023 for a value that a constraint of a table of settings refuses.';

CREATE OR REPLACE FUNCTION asymm.configure(
    period interval DEFAULT NULL,
    notify text DEFAULT NULL,
    header_scan_every interval DEFAULT NULL,
    full_scan_every interval DEFAULT NULL,
    migrator_roles name[] DEFAULT NULL,
    migrator_applications text[] DEFAULT NULL,
    lock_timeout interval DEFAULT NULL,
    max_actions_per_hour integer DEFAULT NULL,
    max_table_bytes bigint DEFAULT NULL,
    relapse_limit integer DEFAULT NULL,
    relapse_window interval DEFAULT NULL,
    statement_chars integer DEFAULT NULL,
    retention interval DEFAULT NULL,
    weight_exploration double precision DEFAULT NULL,
    weight_optimization double precision DEFAULT NULL,
    weight_stabilization double precision DEFAULT NULL
) RETURNS asymm.setting
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_row asymm.setting;
    v_unknown text;
    v_constraint text;
BEGIN
    PERFORM asymm._require_session();
    SELECT string_agg(quote_ident(r.name), ', ') INTO v_unknown
      FROM unnest(configure.migrator_roles) AS r (name)
     WHERE NOT EXISTS (SELECT FROM pg_roles p WHERE p.rolname = r.name);
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION 'no such role: %', v_unknown
            USING ERRCODE = 'undefined_object', DETAIL = 'migrator_roles lists roles of this server.',
                  HINT = 'See SELECT rolname FROM pg_roles; or pass migrator_roles => ''{}'' for none.';
    END IF;
    -- One writer at a time: the second waits, then sees the first one's row.
    LOCK TABLE asymm.setting IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO asymm.setting DEFAULT VALUES ON CONFLICT DO NOTHING;
    UPDATE asymm.setting AS s SET
        period = COALESCE(configure.period, s.period),
        notify = COALESCE(configure.notify, s.notify),
        header_scan_every = COALESCE(configure.header_scan_every, s.header_scan_every),
        full_scan_every = COALESCE(configure.full_scan_every, s.full_scan_every),
        migrator_roles = COALESCE(configure.migrator_roles, s.migrator_roles),
        migrator_applications = COALESCE(configure.migrator_applications, s.migrator_applications),
        lock_timeout = COALESCE(configure.lock_timeout, s.lock_timeout),
        max_actions_per_hour = COALESCE(configure.max_actions_per_hour, s.max_actions_per_hour),
        max_table_bytes = COALESCE(configure.max_table_bytes, s.max_table_bytes),
        relapse_limit = COALESCE(configure.relapse_limit, s.relapse_limit),
        relapse_window = COALESCE(configure.relapse_window, s.relapse_window),
        statement_chars = COALESCE(configure.statement_chars, s.statement_chars),
        retention = COALESCE(configure.retention, s.retention),
        weight_exploration = COALESCE(configure.weight_exploration, s.weight_exploration),
        weight_optimization = COALESCE(configure.weight_optimization, s.weight_optimization),
        weight_stabilization = COALESCE(configure.weight_stabilization, s.weight_stabilization)
    RETURNING s.* INTO v_row;
    PERFORM asymm._record_place();
    RETURN v_row;
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
    PERFORM asymm._refuse_setting('asymm.setting', v_constraint);
END
$$;
COMMENT ON FUNCTION asymm.configure(interval, text, interval, interval, name[], text[], interval, integer, bigint, integer, interval, integer, interval, double precision, double precision, double precision)
    IS 'Changes settings; NULL leaves one as it is. Returns the row in force. Raises 22023 for a value out of range, 42704 for an unknown role.';
