-- doctor(), second part: actors, jobs, loops, organs, healing.

CREATE OR REPLACE FUNCTION asymm._cron_jobs()
    RETURNS TABLE (jobid bigint, jobname text, database text, username name, command text, active boolean,
        last_status text, last_message text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- pg_cron shows each role its own jobs, a superuser all.
    IF asymm._is_pg_cron('cron.job') AND has_schema_privilege('cron', 'USAGE') THEN
        RETURN QUERY EXECUTE
            'SELECT j.jobid, j.jobname::text, j.database, j.username::name, j.command, j.active, d.status, '
            'd.return_message'
            '  FROM cron.job j'
            '  LEFT JOIN LATERAL (SELECT r.status, r.return_message FROM cron.job_run_details r WHERE '
            'r.jobid = j.jobid'
            '                      AND r.status IN (''succeeded'', ''failed'') ORDER BY r.runid DESC LIMIT '
            '1) AS d ON true'
            ' WHERE j.jobname LIKE ''asymmetrica %'' AND j.command LIKE ''%asymm.%''';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._cron_jobs() IS 'Our pg_cron jobs of all databases that the caller may see, with the end of their last run.';

CREATE OR REPLACE FUNCTION asymm._scheduler_alive() RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM pg_stat_activity a
        WHERE a.backend_type LIKE 'pg_cron launcher%' OR a.application_name = 'pg_cron scheduler')
$$;
COMMENT ON FUNCTION asymm._scheduler_alive() IS 'True while pg_cron''s scheduler runs.';

CREATE OR REPLACE FUNCTION asymm._doctor_jobs()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    WITH here AS (SELECT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') AS cron),
    visible AS (SELECT h.cron AND has_schema_privilege(to_regnamespace('cron')::oid, 'USAGE') AS ok,
                       COALESCE((SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user),
                           false) AS every_job FROM here h),
    jobs AS (SELECT * FROM asymm._cron_jobs()),
    actors AS (SELECT * FROM asymm._actors)
    SELECT 'pg_cron scheduler', CASE WHEN asymm._scheduler_alive() THEN 'ok' ELSE 'error' END,
           CASE WHEN asymm._scheduler_alive() THEN 'runs'
               ELSE 'not running: no job is started until the server restarts' END,
           CASE WHEN NOT asymm._scheduler_alive() THEN 'restart the server; meanwhile: asymmetrica pulse' END
      FROM here h WHERE h.cron
    UNION ALL
    SELECT format('jobs of %s', a.actor),
           CASE WHEN NOT v.ok OR NOT (v.every_job OR a.actor = current_user) THEN 'warning'
               WHEN n.active < n.wanted THEN 'error' WHEN n.failed IS NOT NULL THEN 'warning' ELSE 'ok' END,
           CASE WHEN NOT v.ok OR NOT (v.every_job OR a.actor = current_user)
               THEN format('role "%s" cannot see them', current_user)
                WHEN n.active < n.wanted THEN format('%s of %s jobs are active', n.active, n.wanted)
                WHEN n.failed IS NOT NULL THEN 'last run failed: ' || n.failed
                    ELSE format('%s jobs are active', n.active) END,
           CASE WHEN NOT v.ok OR NOT (v.every_job OR a.actor = current_user)
               THEN 'run SELECT * FROM asymm.doctor() as superuser'
                WHEN n.active < n.wanted THEN format('SELECT * FROM asymm.start(actor => %L)', a.actor)
                WHEN n.failed IS NOT NULL
                    THEN format('SELECT * FROM cron.job_run_details WHERE username = %L ORDER BY runid DESC '
                                'LIMIT 5', a.actor) END
      FROM actors a CROSS JOIN visible v
     CROSS JOIN LATERAL (
        SELECT (SELECT count(*) FROM asymm._jobs_wanted(a.actor)) AS wanted,
            count(*) FILTER (WHERE j.active) AS active,
                max(j.last_message) FILTER (WHERE j.last_status = 'failed') AS failed
          FROM jobs j WHERE j.username = a.actor AND j.database = current_database()) AS n
     WHERE a.registered
    UNION ALL
    SELECT format('orphan job %s', j.jobid), 'warning',
           format('"%s" of role "%s" in database "%s": %s', j.jobname, j.username, j.database, o.why),
           format('SELECT cron.unschedule(%s)', j.jobid)
      FROM jobs j
     CROSS JOIN LATERAL (
        SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_database d
            WHERE d.datname = j.database) THEN 'the database is gone'
                    WHEN NOT EXISTS (SELECT FROM pg_roles r
                        WHERE r.rolname = j.username) THEN 'the role is gone'
                    WHEN j.database = current_database() AND NOT EXISTS (SELECT FROM actors a
                        WHERE a.actor = j.username AND a.registered)
                        THEN 'left by a dropped extension; asymm.start() was not called since' END) AS o (why)
     WHERE o.why IS NOT NULL
    UNION ALL
    SELECT 'actor ' || a.actor, CASE WHEN f.fault IS NULL THEN 'ok'
        ELSE 'error' END, COALESCE(f.fault, 'fit'), f.remedy
      FROM actors a LEFT JOIN LATERAL asymm._actor_faults(a.actor) AS f ON true
     WHERE a.registered OR a.alive
$$;
COMMENT ON FUNCTION asymm._doctor_jobs() IS 'pg_cron''s scheduler, the jobs of each actor, jobs nobody owns any more, and whether each actor is fit.';

CREATE OR REPLACE FUNCTION asymm._doctor_loops()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    SELECT 'pulse', 'error', 'no loop has ever run',
           CASE WHEN EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'asymm_actor') THEN ''
               ELSE 'SELECT * FROM asymm.create_actor(name => ''asymm_actor'', owner => ''<owner of the '
                    'tables>''); ' END
           || 'SELECT * FROM asymm.start(actor => ''asymm_actor'')'
     WHERE NOT EXISTS (SELECT FROM asymm._actors)
    UNION ALL
    SELECT format('loop %s of %s', h.lane, h.actor), CASE WHEN w.good THEN 'ok'
        WHEN h.stopped OR h.alive OR w.soon THEN 'warning' ELSE 'error' END,
           CASE WHEN w.soon THEN 'not running yet; pg_cron starts it with the next full minute'
                WHEN h.stopped THEN 'stopped'
               WHEN h.alive AND NOT w.on_time THEN format('alive, but the last beat is %s old', h.age)
                WHEN h.alive AND h.missed_last_minute > 5
                    THEN format('alive, %s ticks missed within a minute', h.missed_last_minute)
                WHEN h.alive THEN format('beat %s, %s a second', h.seq, round(h.rate::numeric, 3))
                ELSE format('not running; last beat %s ago', h.age) END,
           CASE WHEN w.good THEN NULL
                WHEN w.soon THEN 'SELECT * FROM asymm.heartbeat'
                WHEN h.alive THEN 'SELECT * FROM asymm.organs ORDER BY last_ms DESC'
                ELSE format('SELECT * FROM asymm.start(actor => %L)', h.actor) END
      FROM asymm.heartbeat h
     CROSS JOIN LATERAL (SELECT abs(EXTRACT(epoch FROM h.age)) < 5 + 3 / h.rate_wanted) AS t (on_time)
     CROSS JOIN LATERAL (
        SELECT COALESCE(h.alive AND t.on_time AND h.missed_last_minute <= 5, false), t.on_time,
               NOT h.alive AND COALESCE(h.registered_at > clock_timestamp() - interval '70 s', false)
          ) AS w (good, on_time, soon)
    UNION ALL
    SELECT format('telemetry of %s, %s', h.actor, h.lane), CASE
        WHEN h.beats > 0 OR h.run_at > clock_timestamp() - interval '1 min' THEN 'ok' ELSE 'warning' END,
           format('%s beats recorded in the last minute', h.beats), CASE
               WHEN h.beats = 0 AND h.run_at <= clock_timestamp() - interval '1 min'
                   THEN 'SELECT * FROM asymm.heartbeat' END
      FROM asymm.heartbeat h WHERE h.alive
    UNION ALL
    SELECT 'organ ' || o.name,
           CASE WHEN NOT o.enabled THEN 'warning' WHEN o.failures_in_row > 0 THEN 'error' ELSE 'ok' END,
           CASE WHEN NOT o.enabled THEN 'switched off'
                WHEN o.failures_in_row > 0 THEN format('failed %s times in a row: %s', o.failures_in_row,
                    o.last_error ->> 'message')
                ELSE format('%s runs, %s ms on average', o.runs,
                    COALESCE(round(o.mean_ms::numeric, 2), 0)) END,
           CASE WHEN NOT o.enabled THEN format('SELECT * FROM asymm.configure_organ(%L, enabled => true)',
               o.name)
                WHEN o.failures_in_row > 0 THEN format('SELECT last_error FROM asymm.organs WHERE name = %L',
                    o.name) END
      FROM asymm.organs o
$$;
COMMENT ON FUNCTION asymm._doctor_loops() IS 'Each loop and each organ: runs, is late, fails, is off.';

CREATE OR REPLACE FUNCTION asymm._doctor_healing()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'healing', CASE h.healing WHEN 'on' THEN 'ok'
        ELSE 'warning' END, COALESCE('paused: ' || h.cause, 'on'),
           CASE WHEN h.healing <> 'on' THEN 'SELECT * FROM asymm.resume()' END
      FROM asymm._healing() AS h
    UNION ALL
    SELECT 'event trigger ' || t.evtname, CASE WHEN t.evtenabled = 'A' THEN 'ok' ELSE 'error' END,
           CASE t.evtenabled WHEN 'A' THEN 'always enabled'
               WHEN 'O' THEN 'enabled, but not when session_replication_role is replica'
                WHEN 'R' THEN 'enabled for replicas only' ELSE 'disabled' END,
           CASE WHEN t.evtenabled <> 'A' THEN format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', t.evtname) END
      FROM pg_event_trigger t JOIN pg_proc f ON f.oid = t.evtfoid
     WHERE f.pronamespace = 'asymm'::regnamespace
    UNION ALL
    SELECT 'event triggers', 'error', 'none: DDL is only found by the scans',
        'DROP EXTENSION asymmetrica; CREATE EXTENSION asymmetrica'
     WHERE NOT EXISTS (SELECT FROM pg_event_trigger t JOIN pg_proc f ON f.oid = t.evtfoid
         WHERE f.pronamespace = 'asymm'::regnamespace)
$$;
COMMENT ON FUNCTION asymm._doctor_healing() IS 'Whether healing is paused (by hand, restore, clone) and whether the event triggers are on.';
