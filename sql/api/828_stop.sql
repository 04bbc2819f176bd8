-- stop() and the watchdog.

CREATE OR REPLACE FUNCTION asymm._loops(actor name DEFAULT NULL)
    RETURNS TABLE (actor_name name, pid integer, backend_start timestamptz, application text)
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- Those that beat and those that wait for the lease.
    SELECT a.usename, a.pid, a.backend_start, a.application_name
      FROM pg_stat_activity a
     WHERE a.datname = current_database() AND (_loops.actor IS NULL OR a.usename = _loops.actor)
         AND a.pid <> pg_backend_pid()
       AND (a.application_name IN ('asymmetrica pulse fast', 'asymmetrica pulse slow') AND a.state = 'active'
            OR EXISTS (SELECT FROM asymm.pulse_state s
                WHERE s.actor = a.usename AND s.pid = a.pid AND s.backend_start = a.backend_start))
$$;
COMMENT ON FUNCTION asymm._loops(name) IS 'Sessions that run the pulse in this database.';

CREATE OR REPLACE FUNCTION asymm._mark_stopped(actor name) RETURNS SETOF name
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE asymm.pulse_state s SET stops = s.stops + 1, registered_at = NULL
     WHERE ($1 IS NULL OR s.actor = $1)
       AND (s.actor = asymm._caller() OR pg_has_role(asymm._caller(), 'asymm_operator', 'USAGE'))
    RETURNING s.actor
$$;
COMMENT ON FUNCTION asymm._mark_stopped(name) IS 'Sets the stop flag of the loops of an actor, or of all.';

CREATE OR REPLACE FUNCTION asymm.stop(actor name DEFAULT NULL) RETURNS TABLE (object text, result text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_super boolean := (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user);
    v_cron boolean := EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron');
    v_job bigint;
    v_loop record;
    v_deadline timestamptz;
BEGIN
    PERFORM asymm._require_writable('asymm.stop()');
    IF v_cron AND NOT v_super AND $1 IS DISTINCT FROM current_user THEN
        RAISE EXCEPTION 'permission denied to stop %', COALESCE(format('actor "%s"', $1), 'all actors')
            USING ERRCODE = 'insufficient_privilege',
                DETAIL = 'Only a superuser or the actor itself can unschedule its pg_cron jobs; the loop '
                         'would come back within a minute.',
                  HINT = format('Ask a superuser for: SELECT * FROM asymm.stop(%s); asymm.pause(''reason'') '
                                'keeps it from changing anything.', quote_literal($1));
    ELSIF $1 IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = $1)
          AND NOT EXISTS (SELECT FROM asymm._actors s WHERE s.actor = $1) THEN
        RAISE EXCEPTION 'role "%" does not exist', $1
            USING ERRCODE = 'undefined_object', DETAIL = 'No role and no loop has this name.',
                HINT = 'SELECT actor, lane, alive FROM asymm.heartbeat';
    END IF;
    IF v_cron AND NOT has_schema_privilege('cron', 'USAGE') THEN
        object := 'jobs of pg_cron';
        result := 'not looked for: USAGE on schema cron is missing';
        RETURN NEXT;
    ELSIF v_cron THEN
        FOR v_job, object IN EXECUTE
            'SELECT j.jobid, j.jobname::text FROM cron.job j'
            ' WHERE j.database = current_database() AND j.jobname LIKE ''asymmetrica %'' AND (j.command LIKE '
            '''%asymm.%'' OR j.command LIKE ''/* asymmetrica %'')'
            '   AND ($1 IS NULL OR j.username = $1) ORDER BY j.jobid' USING $1::text
        LOOP
            EXECUTE 'SELECT cron.unschedule($1)' USING v_job;
            result := 'unscheduled';
            RETURN NEXT;
        END LOOP;
    END IF;

    -- Loops we may signal end now: a cancelled sleep ends a run in good order. The others, and one that
    -- pg_cron starts meanwhile, see the flag once this transaction commits.
    v_deadline := clock_timestamp() + interval '5 s';
    FOR v_loop IN SELECT l.* FROM asymm._loops($1) AS l ORDER BY l.pid LOOP
        object := format('loop of %s (pid %s)', v_loop.actor_name, v_loop.pid);
        result := 'ends when this transaction commits';
        IF v_super OR pg_has_role(v_loop.actor_name, 'MEMBER') OR pg_has_role('pg_signal_backend',
            'MEMBER') THEN
            WHILE clock_timestamp() < v_deadline LOOP
                IF NOT EXISTS (SELECT FROM asymm._loops($1) AS l
                    WHERE l.pid = v_loop.pid AND l.backend_start = v_loop.backend_start) THEN
                    result := 'ended';
                    EXIT;
                END IF;
                IF (SELECT a.wait_event FROM pg_stat_activity a WHERE a.pid = v_loop.pid) = 'PgSleep' THEN
                    PERFORM pg_cancel_backend(v_loop.pid);
                END IF;
                PERFORM pg_sleep(0.02);
                PERFORM pg_stat_clear_snapshot();
            END LOOP;
        END IF;
        RETURN NEXT;
    END LOOP;
    PERFORM asymm._mark_stopped($1);
END
$$;
COMMENT ON FUNCTION asymm.stop(name) IS 'Unschedules the pulse of an actor, or of all, and ends running loops (5 s at most); returns what was unscheduled and ended.';

CREATE OR REPLACE FUNCTION asymm._overslept() RETURNS TABLE (pid integer)
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.pid
      FROM asymm.pulse_state s
      JOIN pg_stat_activity a ON a.pid = s.pid AND a.backend_start = s.backend_start
     WHERE s.actor = asymm._caller() AND a.wait_event = 'PgSleep'
       AND s.beat_at > clock_timestamp() + interval '2 s'
$$;
COMMENT ON FUNCTION asymm._overslept() IS 'Loops of the caller that sleep although their last beat lies in the future.';

CREATE OR REPLACE FUNCTION asymm._watchdog() RETURNS integer
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- pg_sleep() waits for a time of day: when the clock is set back it waits that much longer. A loop whose
    -- last beat lies in the future is such a one; cancelling its sleep lets it find its grid again.
    SELECT count(*) FILTER (WHERE pg_cancel_backend(s.pid))::integer
      FROM asymm._overslept() AS s
$$;
COMMENT ON FUNCTION asymm._watchdog() IS 'Wakes loops of the calling role whose sleep outlasted a clock that was set back.';
