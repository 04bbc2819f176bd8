-- create_mirror_login(): the login the worker runs as and the publication it streams, statement by statement.

CREATE OR REPLACE FUNCTION asymm._mirror_login_statements(name name) RETURNS TABLE (statement text, needed boolean)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    WITH role AS (SELECT r.* FROM pg_roles r WHERE r.rolname = name),
    publication AS (SELECT p.* FROM pg_publication p WHERE p.pubname = 'asymm_mirror')
    SELECT format('CREATE ROLE %I LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS INHERIT', name), NOT EXISTS (SELECT FROM role)
    UNION ALL
    SELECT format('ALTER ROLE %I LOGIN REPLICATION INHERIT', name), true FROM role WHERE NOT (rolcanlogin AND rolreplication AND rolinherit)
    UNION ALL
    SELECT format('GRANT asymm_streamer TO %I', name),
           NOT EXISTS (SELECT FROM role r JOIN pg_auth_members m ON m.member = r.oid WHERE m.roleid = 'asymm_streamer'::regrole)
    UNION ALL
    SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), name),
           NOT EXISTS (SELECT FROM role r WHERE has_database_privilege(r.oid, current_database(), 'CONNECT'))
    UNION ALL
    SELECT format('ALTER ROLE %I IN DATABASE %I SET %I = %L', name, current_database(), s.setting, s.value),
           NOT asymm._has_setting(name, s.setting, s.value)
      FROM asymm._actor_settings() AS s WHERE s.setting <> 'lock_timeout'
    UNION ALL
    SELECT 'CREATE PUBLICATION asymm_mirror WITH (publish_via_partition_root = true)', NOT EXISTS (SELECT FROM publication)
    UNION ALL
    -- Whoever is an operator and a member of a table's owner can then add that table.
    SELECT 'ALTER PUBLICATION asymm_mirror OWNER TO asymm_operator',
           NOT EXISTS (SELECT FROM publication p WHERE p.pubowner = 'asymm_operator'::regrole)
$$;
COMMENT ON FUNCTION asymm._mirror_login_statements(name) IS 'What makes a login fit to run the mirror, in order, and whether each statement is still needed.';

CREATE OR REPLACE FUNCTION asymm.create_mirror_login(name name DEFAULT 'asymm_mirror') RETURNS TABLE (statement text, result text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name name := asymm._require_text(create_mirror_login.name::text, 'name')::name;
    v_bad text;
BEGIN
    IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
        RAISE EXCEPTION 'permission denied to create the login of the mirror'
            USING ERRCODE = 'insufficient_privilege', DETAIL = format('Role "%s" is not a superuser; REPLICATION reads the whole WAL.', current_user),
                  HINT = format('Ask a superuser for: SELECT * FROM asymm.create_mirror_login(%L)', v_name);
    END IF;
    PERFORM asymm._require_session();
    SELECT concat_ws('; ',
               (SELECT string_agg(CASE WHEN p.carrier = v_name THEN format('"%s" has the power %s', v_name, p.power)
                                       ELSE format('"%s" is a member of "%s", which has the power %s', v_name, p.carrier, p.power) END, '; ')
                  FROM asymm._role_powers(v_name) AS p WHERE NOT (p.power = 'REPLICATION' AND p.carrier = v_name)),
               (SELECT string_agg(DISTINCT format('"%s" is a member of "%s"', v_name, g.rolname), '; ')
                  FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid JOIN pg_roles g ON g.oid = m.roleid
                 WHERE r.rolname = v_name AND g.rolname <> 'asymm_streamer')) INTO v_bad;
    IF v_bad <> '' THEN
        RAISE EXCEPTION 'role "%" is unfit to run the mirror', v_name
            USING ERRCODE = 'SY003', DETAIL = v_bad || '.', HINT = 'Choose a name that no role has; powers are never taken away here.';
    END IF;
    FOR statement, result IN
        SELECT s.statement, CASE WHEN s.needed THEN 'done' ELSE 'already so' END FROM asymm._mirror_login_statements(v_name) AS s
    LOOP
        IF result = 'done' THEN
            PERFORM asymm._mirror_statements(ARRAY[statement]);
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm.create_mirror_login(name)
    IS 'Makes the login of the mirror''s worker (asymmetrica mirror run; LOGIN REPLICATION: it can read the whole WAL; else only mirrored columns) and publication asymm_mirror, both once per database; returns each statement and whether it was needed. For superusers.';
