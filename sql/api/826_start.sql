-- start(): has pg_cron run the loops as the actor. INVOKER throughout: pg_cron lets a superuser schedule for
-- another role, and a role for itself; nobody else, and no SECURITY DEFINER function can stand in.

CREATE OR REPLACE FUNCTION asymm._job_name(kind text, actor name) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A job's name is of type name: 63 bytes.
    SELECT CASE WHEN octet_length(n.full_name) <= 63 THEN n.full_name
                ELSE format('asymmetrica %s %s', kind, md5(concat_ws(' ', current_database(), actor))) END
      FROM (SELECT format('asymmetrica %s %s %s', kind, current_database(), actor)) AS n (full_name)
$$;
COMMENT ON FUNCTION asymm._job_name(text, name) IS 'Name of a pg_cron job of an actor in this database.';

CREATE OR REPLACE FUNCTION asymm._cron_is_serial() RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- "1.4-1" and the like
    SELECT COALESCE((SELECT string_to_array(substring(e.extversion FROM '^\d+\.\d+'), '.')::integer[] < '{1,5}'
                       FROM pg_extension e WHERE e.extname = 'pg_cron'), false)
$$;
COMMENT ON FUNCTION asymm._cron_is_serial() IS 'True for pg_cron before 1.5, whose scheduler starts nothing while a background worker it started runs.';

CREATE OR REPLACE FUNCTION asymm._jobs_wanted(actor name, forced boolean DEFAULT false)
RETURNS TABLE (job_name text, schedule text, command text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- A run of 65 s every minute: when it ends the next one is due already, and pg_cron starts it at once.
    -- The jobs at start-up save the wait for the next minute. A second job takes turns with the first: it leads
    -- if that is gone, else it wakes it if its sleep outlasted a clock that was set back, and leaves.
    -- Before 1.5 pg_cron notices the end of a job only after it has waited for all others that run, and may
    -- start those again first; the job that did not run is free to start. So there the slow lane has two as
    -- well, and a job leads the lane that has no loop, whatever its name.
    SELECT asymm._job_name(j.kind, actor), j.schedule,
           format('CALL asymm.pulse(duration => ''65 s'', lane => %L%s, wait => false)', j.lane,
                  CASE WHEN forced THEN ', forced => true' ELSE '' END)
      FROM (VALUES (1, 'fast', 'fast', '* * * * *', false), (2, 'slow', 'slow', '* * * * *', false),
                   (3, 'fast 2', 'fast', '* * * * *', false), (4, 'slow 2', 'slow', '* * * * *', true),
                   (5, 'fast reboot', 'fast', '@reboot', false), (6, 'slow reboot', 'slow', '@reboot', false)
           ) AS j (place, kind, lane, schedule, serial)
     WHERE NOT j.serial OR asymm._cron_is_serial()
     ORDER BY j.place
$$;
COMMENT ON FUNCTION asymm._jobs_wanted(name, boolean) IS 'The pg_cron jobs of an actor.';

CREATE OR REPLACE FUNCTION asymm._schedule_commands(actor name, forced boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format('SELECT cron.schedule_in_database(%L, %L, %L, %L, %L);', w.job_name, w.schedule,
        w.command, current_database(), actor), ' ')
      FROM asymm._jobs_wanted(actor, forced) AS w
$$;
COMMENT ON FUNCTION asymm._schedule_commands(name, boolean) IS 'Statements that schedule the jobs of an actor, to be run by a superuser in pg_cron''s database.';

CREATE OR REPLACE FUNCTION asymm._register(actor name) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
    IF asymm._caller() <> actor AND NOT EXISTS (SELECT FROM pg_roles r
        WHERE r.rolname = asymm._caller() AND r.rolsuper) THEN
        RAISE EXCEPTION 'permission denied to start actor "%"', actor
            USING ERRCODE = 'insufficient_privilege',
                DETAIL = 'Only a superuser or the actor itself can have pg_cron run it.',
                  HINT = format('Ask a superuser for: SELECT * FROM asymm.start(actor => %L)', actor);
    END IF;
    INSERT INTO asymm.pulse_state AS s (actor, lane, registered_at)
    SELECT actor, l.lane, clock_timestamp() FROM (VALUES ('fast'), ('slow')) AS l (lane)
    ON CONFLICT ON CONSTRAINT pulse_state_pkey DO UPDATE SET registered_at = EXCLUDED.registered_at;
END
$$;
COMMENT ON FUNCTION asymm._register(name) IS 'Remembers that start() was called for an actor; refuses callers who may not.';

CREATE OR REPLACE FUNCTION asymm._require_cron(actor name, forced boolean) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_served text := asymm._setting_of('cron.database_name');
    v_driver text := format('Without pg_cron: asymmetrica pulse --dsn "dbname=%s user=%s"',
        current_database(), actor);
BEGIN
    IF v_served IS NULL THEN
        RAISE EXCEPTION 'pg_cron is not loaded'
            USING ERRCODE = 'SY006', DETAIL = 'The server has no pg_cron in shared_preload_libraries.',
                  HINT = format('ALTER SYSTEM SET shared_preload_libraries = %s; ALTER SYSTEM SET '
                                'cron.database_name = %L; ALTER SYSTEM SET cron.use_background_workers = '
                                'on; restart the server; CREATE EXTENSION pg_cron; %s',
                                concat_ws(', ', NULLIF(asymm._setting_of('shared_preload_libraries'), ''),
                                    'pg_cron'), current_database(), v_driver);
    ELSIF v_served <> current_database() THEN
        RAISE EXCEPTION 'pg_cron serves database "%", not "%"', v_served, current_database()
            USING ERRCODE = 'SY006', DETAIL = 'pg_cron serves one database of a server; jobs for others are '
                                              'scheduled there by a superuser.',
                  HINT = format('In database %I: %s %s', v_served, asymm._schedule_commands(actor, forced),
                      v_driver);
    ELSIF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
        RAISE EXCEPTION 'extension pg_cron is not created in this database'
            USING ERRCODE = 'SY006', DETAIL = 'pg_cron is loaded and serves this database, but its schema '
                                              'is missing.',
                  HINT = 'CREATE EXTENSION pg_cron; ' || v_driver;
    ELSIF NOT asymm._setting_of('cron.use_background_workers')::boolean THEN
        RAISE EXCEPTION 'pg_cron does not run its jobs as background workers'
            USING ERRCODE = 'SY006', DETAIL = 'cron.use_background_workers is off: a loop would block DROP '
                                              'DATABASE and a smart shutdown, and would need a password.',
                  HINT = 'ALTER SYSTEM SET cron.use_background_workers = on; then restart the server. '
                      || v_driver;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_cron(name, boolean) IS 'Raises SY006 with the commands to run unless pg_cron can run loops in this database.';

CREATE OR REPLACE FUNCTION asymm.start(actor name DEFAULT NULL, forced boolean DEFAULT false)
RETURNS TABLE (job bigint, job_name text, schedule text, command text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_super boolean := (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user);
    v_forced boolean := COALESCE($2, false);
BEGIN
    PERFORM asymm._require_writable('asymm.start()');
    PERFORM asymm._check_actor($1, v_forced OR $1 = session_user);
    PERFORM asymm._require_cron($1, v_forced);
    PERFORM asymm._register($1);
    -- pg_cron replaces a job of the same name and role, but leaves it switched off if it was.
    FOR job_name, schedule, command IN SELECT w.job_name, w.schedule, w.command
        FROM asymm._jobs_wanted($1, v_forced) AS w LOOP
        EXECUTE 'SELECT count(cron.unschedule(j.jobid)) FROM cron.job j'
                ' WHERE j.jobname = $1 AND j.username = $2 AND NOT j.active' USING job_name, $1::text;
        IF v_super THEN
            EXECUTE 'SELECT cron.schedule_in_database($1, $2, $3, $4, $5)' INTO job
              USING job_name, schedule, command, current_database()::text, $1::text;
        ELSE
            EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO job USING job_name, schedule, command;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm.start(name, boolean) IS 'Has pg_cron run the pulse as the actor, from the next full minute on; by a superuser, or by the actor itself with USAGE on schema cron. Returns the jobs.';
