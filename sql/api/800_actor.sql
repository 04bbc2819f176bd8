-- The actor: the login the loop runs as. Code written by a table's owner may run with the actor's rights, so
-- an actor must not be able to do more than that one owner (and what asymm_pulse may).

CREATE OR REPLACE FUNCTION asymm._role_powers(role name) RETURNS TABLE (power text, carrier name)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- A membership counts whether inherited or not: SET ROLE gives what INHERIT doesn't. pg_has_role() calls
    -- a superuser a member of everything, hence the walk.
    WITH RECURSIVE closure (id) AS (
        SELECT r.oid FROM pg_roles r WHERE r.rolname = _role_powers.role
        UNION
        SELECT m.roleid FROM closure c JOIN pg_auth_members m ON m.member = c.id
    )
    SELECT p.power::text, r.rolname
      FROM closure c
      JOIN pg_roles r ON r.oid = c.id
     CROSS JOIN LATERAL (VALUES
            (r.rolsuper, 'superuser'), (r.rolcreaterole, 'CREATEROLE'), (r.rolreplication, 'REPLICATION'),
            (r.rolbypassrls, 'BYPASSRLS'),
            (r.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files',
                           'asymm_owner'), r.rolname::text)
          ) AS p (held, power)
     WHERE p.held
     ORDER BY r.rolname <> _role_powers.role, r.rolname, p.power
$$;
COMMENT ON FUNCTION asymm._role_powers(name) IS 'Powers that make a role, or one it is a member of directly or not, unfit to act in the background.';

CREATE OR REPLACE FUNCTION asymm._other_sessions(actor name) RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- Loops and their jobs are not "other": they name themselves, or are still on their way to it.
    SELECT count(*)::integer
      FROM pg_stat_activity a
     WHERE a.usename = _other_sessions.actor AND a.pid <> pg_backend_pid()
       AND a.backend_type IS DISTINCT FROM 'pg_cron'
       AND a.application_name NOT LIKE 'asymmetrica %'
       AND a.application_name NOT LIKE 'pg_cron%'
$$;
COMMENT ON FUNCTION asymm._other_sessions(name) IS 'Number of sessions of a role that are neither loops nor their jobs.';

CREATE OR REPLACE FUNCTION asymm._actor_faults(actor name) RETURNS TABLE (fault text, remedy text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    WITH role AS (SELECT r.oid, r.rolcanlogin FROM pg_roles r WHERE r.rolname = actor),
    direct AS (
        SELECT DISTINCT g.rolname
          FROM role r JOIN pg_auth_members m ON m.member = r.oid JOIN pg_roles g ON g.oid = m.roleid
         WHERE g.rolname NOT IN ('asymm_reader', 'asymm_pulse', 'asymm_operator')
    ),
    powers AS (SELECT * FROM asymm._role_powers(actor))
    SELECT 'it does not exist',
           format('SELECT * FROM asymm.create_actor(name => %L, owner => ''<owner of the tables>'')', actor)
     WHERE NOT EXISTS (SELECT FROM role)
    UNION ALL
    SELECT 'it cannot log in', format('ALTER ROLE %I LOGIN', actor) FROM role WHERE NOT rolcanlogin
    UNION ALL
    SELECT CASE WHEN p.carrier = actor THEN format('it has the power %s', p.power)
                WHEN p.power = p.carrier THEN format('it is a member of "%s"', p.carrier)
                ELSE format('it is a member of "%s", which has the power %s', p.carrier, p.power) END,
           CASE WHEN p.carrier = actor AND p.power = 'superuser'
                    THEN 'SELECT * FROM asymm.create_actor(name => ''asymm_actor'', owner => ''<owner of the tables>'')'
                WHEN p.carrier = actor THEN format('ALTER ROLE %I NO%s', actor, upper(p.power))
                ELSE format('REVOKE %I FROM %I', p.carrier, actor) END
      FROM powers p
     WHERE p.carrier <> actor OR p.power = 'superuser'
        OR NOT EXISTS (SELECT FROM powers q WHERE q.carrier = actor AND q.power = 'superuser')
    UNION ALL
    SELECT format('it is a member of %s roles (%s); one owner is allowed', count(*),
        string_agg(quote_ident(d.rolname), ', ' ORDER BY d.rolname)),
           format('REVOKE %I FROM %I', max(d.rolname::text), actor)
      FROM direct d HAVING count(*) > 1
    UNION ALL
    SELECT 'it is not a member of asymm_pulse', format('GRANT asymm_pulse TO %I', actor)
      FROM role WHERE NOT pg_has_role(role.oid, 'asymm_pulse', 'MEMBER')
$$;
COMMENT ON FUNCTION asymm._actor_faults(name) IS 'Each reason why a role cannot be the actor, with the command that mends it; no rows: it is fit.';

CREATE OR REPLACE FUNCTION asymm._check_actor(actor name, forced boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_faults text;
    v_remedies text;
    v_sessions integer;
BEGIN
    IF actor IS NULL THEN
        RAISE EXCEPTION 'no actor is named'
            USING ERRCODE = 'SY003', DETAIL = 'The pulse runs as a login of its own, member of the owner of '
                                              'the tables.',
                  HINT = 'SELECT * FROM asymm.create_actor(name => ''asymm_actor'', owner => ''<owner of '
                                                                      'the tables>'');'
                         ' SELECT * FROM asymm.start(actor => ''asymm_actor'');';
    END IF;
    SELECT string_agg(f.fault, '; '), string_agg(f.remedy || ';', ' ') INTO v_faults, v_remedies
      FROM asymm._actor_faults(actor) AS f;
    IF v_faults IS NOT NULL THEN
        RAISE EXCEPTION 'role "%" is unfit to be the actor', actor
            USING ERRCODE = 'SY003', DETAIL = format('Role "%s": %s.', actor, v_faults), HINT = v_remedies;
    END IF;
    v_sessions := asymm._other_sessions(actor);
    IF v_sessions > 0 AND NOT forced THEN
        RAISE EXCEPTION 'role "%" is unfit to be the actor', actor
            USING ERRCODE = 'SY003', DETAIL = format('Role "%s" has %s other session(s); an actor is a '
                                                     'login of its own.', actor, v_sessions),
                  HINT = 'Close them, make an actor with asymm.create_actor(), or pass forced => true.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._check_actor(name, boolean) IS 'Raises SY003 with every reason and remedy unless the role is fit to be the actor.';
