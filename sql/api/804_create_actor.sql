-- create_actor(): makes the login the loop runs as, and says statement by statement what it did.

CREATE OR REPLACE FUNCTION asymm._actor_settings() RETURNS TABLE (setting text, value text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- A loop is one statement of a minute and more: no time-out of the database or server may end it.
    SELECT w.setting, w.value
      FROM (VALUES (1, 'statement_timeout', '0'), (2, 'lock_timeout', '50ms'),
                   (3, 'idle_in_transaction_session_timeout', '0'), (4, 'idle_session_timeout', '0'),
                   (5, 'transaction_timeout', '0'), (6, 'default_transaction_read_only', 'off'),
                   (7, 'default_transaction_isolation', 'read committed'), (8, 'jit', 'off'))
           AS w (place, setting, value)
      JOIN pg_settings s ON s.name = w.setting
     ORDER BY w.place
$$;
COMMENT ON FUNCTION asymm._actor_settings() IS 'Settings an actor has in this database, as far as this server knows them.';

CREATE OR REPLACE FUNCTION asymm._has_setting(role name, setting text, value text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_db_role_setting s
          JOIN pg_roles r ON r.oid = s.setrole
          JOIN pg_database d ON d.oid = s.setdatabase
         WHERE r.rolname = _has_setting.role AND d.datname = current_database()
           AND format('%s=%s', setting, value) = ANY (s.setconfig))
$$;
COMMENT ON FUNCTION asymm._has_setting(name, text, text) IS 'True when the role has this setting in this database.';

CREATE OR REPLACE FUNCTION asymm._actor_statements(actor name, owner name)
    RETURNS TABLE (statement text, needed boolean)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    WITH role AS (SELECT r.* FROM pg_roles r WHERE r.rolname = actor),
    direct AS (SELECT DISTINCT g.rolname FROM role r JOIN pg_auth_members m ON m.member = r.oid
        JOIN pg_roles g ON g.oid = m.roleid)
    SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS '
                  'INHERIT', actor),
           NOT EXISTS (SELECT FROM role)
    UNION ALL
    SELECT format('ALTER ROLE %I LOGIN INHERIT', actor), true
      FROM role WHERE NOT (rolcanlogin AND rolinherit)
    UNION ALL
    SELECT format('GRANT %I TO %I', g.name, actor), NOT EXISTS (SELECT FROM direct d WHERE d.rolname = g.name)
      FROM (VALUES (1, owner), (2, 'asymm_pulse')) AS g (place, name)
    UNION ALL
    SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), actor),
           NOT EXISTS (SELECT FROM role r WHERE has_database_privilege(r.oid, current_database(), 'CONNECT'))
    UNION ALL
    SELECT format('GRANT USAGE ON SCHEMA cron TO %I', actor),
           NOT EXISTS (SELECT FROM role r WHERE has_schema_privilege(r.oid, n.oid, 'USAGE'))
      FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace OR n.nspname = 'cron'
     WHERE e.extname = 'pg_cron' AND n.nspname = 'cron'
    UNION ALL
    SELECT format('ALTER ROLE %I IN DATABASE %I SET %I = %L', actor, current_database(), s.setting, s.value),
           NOT asymm._has_setting(actor, s.setting, s.value)
      FROM asymm._actor_settings() AS s
$$;
COMMENT ON FUNCTION asymm._actor_statements(name, name) IS 'What makes a role a fit actor for an owner, in order, and whether each statement is still needed.';

CREATE OR REPLACE FUNCTION asymm.create_actor(name name, owner name)
    RETURNS TABLE (statement text, result text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name name := asymm._require_text(create_actor.name::text, 'name')::name;
    v_owner name := asymm._require_text(create_actor.owner::text, 'owner')::name;
    v_powers text;
    v_others text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = v_owner) THEN
        RAISE EXCEPTION 'role "%" does not exist', v_owner
            USING ERRCODE = 'undefined_object',
                DETAIL = 'The owner is the role that owns the tables to be healed.',
                  HINT = format('CREATE ROLE %I NOLOGIN; then give it the tables: ALTER TABLE … OWNER TO %I',
                      v_owner, v_owner);
    ELSIF v_name = v_owner OR v_owner IN ('asymm_reader', 'asymm_pulse', 'asymm_operator') THEN
        RAISE EXCEPTION 'role "%" cannot be the owner behind actor "%"', v_owner, v_name
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = 'The actor is a login of its own, member of the role that owns the tables.',
                  HINT = 'SELECT * FROM asymm.create_actor(name => ''asymm_actor'', owner => ''<owner of '
                                                                      'the tables>'')';
    ELSIF NOT EXISTS (SELECT FROM pg_roles r
        WHERE r.rolname = current_user AND (r.rolsuper OR r.rolcreaterole)) THEN
        RAISE EXCEPTION 'permission denied to create an actor'
            USING ERRCODE = 'insufficient_privilege',
                DETAIL = format('Role "%s" is neither a superuser nor has it CREATEROLE.', current_user),
                  HINT = format('Ask a superuser for: SELECT * FROM asymm.create_actor(%L, %L)', v_name,
                      v_owner);
    END IF;
    -- Neither the owner nor a role that exists already may bring powers along; they are never taken away
    -- here.
    SELECT string_agg(CASE WHEN p.power = p.carrier THEN format('"%s" is a member of "%s"', w.name, p.carrier)
                           WHEN p.carrier = w.name THEN format('"%s" has the power %s', w.name, p.power)
                           ELSE format('"%s" is a member of "%s", which has the power %s', w.name, p.carrier,
                               p.power) END, '; ')
      INTO v_powers
      FROM (VALUES (v_owner), (v_name)) AS w (name) CROSS JOIN LATERAL asymm._role_powers(w.name) AS p;
    SELECT string_agg(DISTINCT format('"%s" is a member of "%s"', v_name, g.rolname), '; ') INTO v_others
      FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid JOIN pg_roles g ON g.oid = m.roleid
     WHERE r.rolname = v_name AND g.rolname NOT IN (v_owner, 'asymm_operator', 'asymm_pulse', 'asymm_reader');
    IF v_powers IS NOT NULL OR v_others IS NOT NULL THEN
        RAISE EXCEPTION 'role "%" is unfit to be the actor', v_name
            USING ERRCODE = 'SY003', DETAIL = concat_ws('; ', v_powers, v_others) || '.',
                  HINT = 'Choose another name, or an owner without powers of its own; an actor belongs to '
                         'one owner.';
    END IF;

    FOR statement, result IN
        SELECT s.statement, CASE WHEN s.needed THEN 'done' ELSE 'already so' END
            FROM asymm._actor_statements(v_name, v_owner) AS s
    LOOP
        IF result = 'done' THEN
            EXECUTE statement;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm.create_actor(name, name) IS 'Makes the login the pulse runs as: no powers, member of one owner and of asymm_pulse, no time-outs in this database; returns each statement and whether it was needed.';
