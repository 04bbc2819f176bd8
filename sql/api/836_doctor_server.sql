-- doctor(), first part: server settings, extensions, roles.

CREATE OR REPLACE FUNCTION asymm._setting_of(name text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Only these: other settings may hold passwords.
    IF name = ANY (ARRAY['shared_preload_libraries', 'wal_level', 'track_io_timing', 'compute_query_id',
        'session_replication_role',
                         'max_slot_wal_keep_size', 'pgaudit.log', 'pgaudit.role', 'pgaudit.log_statement',
                         'pgaudit.log_parameter', 'pgaudit.log_relation', 'max_worker_processes', 'event_triggers',
                             'cron.database_name',
                         'cron.use_background_workers', 'cron.max_running_jobs']) THEN
        RETURN current_setting(name, true);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._setting_of(text) IS 'One of the server settings doctor() looks at, also those only pg_read_all_settings may see; NULL when the server has none of that name.';

CREATE OR REPLACE FUNCTION asymm._doctor_server()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    WITH libraries AS (SELECT ARRAY(SELECT btrim(l.name, ' "')
        FROM regexp_split_to_table(asymm._setting_of('shared_preload_libraries'), ',') AS l (name)
                                     WHERE btrim(l.name, ' "') <> '') AS loaded),
    actors AS (SELECT GREATEST(1, count(*)) AS n FROM asymm._actors),
    checks (place, name, good, severity, seen, remedy) AS (
        SELECT 1, 'server version', current_setting('server_version_num')::integer / 10000 BETWEEN 15 AND 18,
            'warning',
               current_setting('server_version'), 'use PostgreSQL 15 to 18'
        UNION ALL
        SELECT 10 + w.place, 'shared_preload_libraries: ' || w.name, w.name = ANY (l.loaded), w.severity,
               COALESCE(NULLIF(array_to_string(l.loaded, ', '), ''), 'none'),
               format('ALTER SYSTEM SET shared_preload_libraries = %s; then restart the server',
                      (SELECT string_agg(quote_literal(x.name), ', ')
                          FROM unnest(l.loaded || w.name) AS x (name)))
          FROM libraries l CROSS JOIN (VALUES (1, 'pg_cron', 'warning'),
              (2, 'pg_stat_statements', 'warning')) AS w (place, name, severity)
        UNION ALL
        SELECT 20 + w.place, w.name, asymm._setting_of(w.name) = ANY (w.good), w.severity,
            COALESCE(asymm._setting_of(w.name), 'unknown to this server'),
               format('ALTER SYSTEM SET %s = %s; then %s', w.name, quote_literal(w.good[1]), w.how)
          FROM (VALUES (1, 'wal_level', '{logical}'::text[], 'warning', 'restart the server'),
                       (2, 'track_io_timing', '{on}', 'warning', 'SELECT pg_reload_conf()'),
                       (3, 'compute_query_id', '{on,auto,regress}', 'warning', 'SELECT pg_reload_conf()'),
                       (4, 'session_replication_role', '{origin,local}', 'warning',
                           'SELECT pg_reload_conf()')) AS w (place, name, good, severity, how)
        UNION ALL
        SELECT 30, 'max_slot_wal_keep_size', asymm._setting_of('max_slot_wal_keep_size') <> '-1', 'warning',
            asymm._setting_of('max_slot_wal_keep_size'),
               'ALTER SYSTEM SET max_slot_wal_keep_size = ''10GB''; then SELECT pg_reload_conf()'
        UNION ALL
        SELECT 31, 'max_worker_processes', asymm._setting_of('max_worker_processes')::integer >= 8 + 3 * a.n,
            'warning',
               format('%s, %s needed', asymm._setting_of('max_worker_processes'), 8 + 3 * a.n),
               format('ALTER SYSTEM SET max_worker_processes = %s; then restart the server', 8 + 3 * a.n)
                   FROM actors a
        UNION ALL
        SELECT 32, 'event_triggers', COALESCE(asymm._setting_of('event_triggers'), 'on') = 'on', 'error',
            COALESCE(asymm._setting_of('event_triggers'), 'on'),
               'ALTER SYSTEM SET event_triggers = on; then SELECT pg_reload_conf()'
        UNION ALL
        SELECT 40, 'cron.database_name', asymm._setting_of('cron.database_name') = current_database(),
            'warning', asymm._setting_of('cron.database_name'),
               format('asymmetrica pulse --dsn "dbname=%s" runs the loop here; or: ALTER SYSTEM SET '
                      'cron.database_name = %L; then restart the server',
                      current_database(), current_database())
         WHERE asymm._setting_of('cron.database_name') IS NOT NULL
        UNION ALL
        SELECT 41, 'cron.use_background_workers', asymm._setting_of('cron.use_background_workers') = 'on',
            'error', asymm._setting_of('cron.use_background_workers'),
               'ALTER SYSTEM SET cron.use_background_workers = on; then restart the server'
         WHERE asymm._setting_of('cron.use_background_workers') IS NOT NULL
        UNION ALL
        SELECT 42, 'cron.max_running_jobs',
               asymm._setting_of('cron.max_running_jobs')::integer >= 2 + 4 * a.n, 'warning',
               format('%s, %s needed', asymm._setting_of('cron.max_running_jobs'), 2 + 4 * a.n),
               format('ALTER SYSTEM SET cron.max_running_jobs = %s; then restart the server', 16 + 4 * a.n)
          FROM actors a WHERE asymm._setting_of('cron.max_running_jobs') IS NOT NULL
    )
    SELECT c.name, CASE WHEN c.good THEN 'ok' ELSE c.severity END, c.seen, CASE
        WHEN NOT COALESCE(c.good, false) THEN c.remedy END
      FROM checks c ORDER BY c.place
$$;
COMMENT ON FUNCTION asymm._doctor_server() IS 'The server settings the pulse, the advisor and the mirror need.';

CREATE OR REPLACE FUNCTION asymm._doctor_extensions()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'extension ' || w.name,
           CASE WHEN w.name = 'pg_cron' AND e.extname IS NOT NULL AND asymm._cron_is_serial() THEN 'warning'
                WHEN e.extversion = a.default_version OR e.extname IS NOT NULL AND w.name <> 'asymmetrica'
                    THEN 'ok'
                WHEN e.extname IS NULL AND w.name = 'timescaledb' THEN 'ok' ELSE 'warning' END,
           CASE WHEN e.extname IS NULL AND a.name IS NULL THEN 'not installed on this machine'
                WHEN e.extname IS NULL THEN 'installed, not created in this database'
                WHEN e.extversion <> a.default_version THEN format('%s, the machine has %s', e.extversion,
                    a.default_version)
                WHEN w.name = 'pg_cron' AND asymm._cron_is_serial()
                    THEN e.extversion || ': it serves one actor, and starts other jobs only when the pulse hands over'
                ELSE e.extversion END || CASE WHEN e.extname IS NULL THEN '; ' || w.without ELSE '' END,
           CASE WHEN e.extname IS NULL AND w.name = 'timescaledb' THEN NULL
                WHEN e.extname IS NULL AND a.name IS NULL THEN format('apt-get install postgresql-%s-%s',
                    current_setting('server_version_num')::integer / 10000, w.package)
                WHEN e.extname IS NULL THEN format('CREATE EXTENSION %I', w.name)
                WHEN w.name = 'pg_cron' AND asymm._cron_is_serial() THEN 'install pg_cron 1.5 or newer'
                WHEN w.name = 'asymmetrica' AND e.extversion <> a.default_version
                    THEN 'ALTER EXTENSION asymmetrica UPDATE' END
      FROM (VALUES (1, 'asymmetrica', 'asymmetrica', ''),
          (2, 'pg_cron', 'cron', 'the driver runs the loop: asymmetrica pulse'),
                   (3, 'pg_stat_statements', 'contrib', 'no workload is seen'),
                       (4, 'hypopg', 'hypopg', 'advice comes without what-if'),
                   (5, 'timescaledb', 'timescaledb', 'telemetry uses native partitions')) AS w (place, name,
                       package, without)
      LEFT JOIN pg_available_extensions a ON a.name = w.name
      LEFT JOIN pg_extension e ON e.extname = w.name
     ORDER BY w.place
$$;
COMMENT ON FUNCTION asymm._doctor_extensions() IS 'The extensions we work with, created, missing or out of date.';

CREATE OR REPLACE FUNCTION asymm._doctor_roles()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'role ' || w.name,
           CASE WHEN b.bad IS NULL THEN 'ok'
               ELSE 'error' END, COALESCE(b.bad, 'exists, without powers of its own'), b.remedy
      FROM (VALUES (1, 'asymm_reader'::name), (2, 'asymm_pulse'), (3, 'asymm_operator'),
          (4, 'asymm_owner')) AS w (place, name)
      LEFT JOIN pg_roles r ON r.rolname = w.name
      LEFT JOIN LATERAL (
        SELECT x.bad, x.remedy FROM (
            SELECT 'does not exist', format('CREATE ROLE %I NOLOGIN; then ALTER EXTENSION asymmetrica '
                                            'UPDATE', w.name) WHERE r.oid IS NULL
            UNION ALL
            SELECT 'it can log in', format('ALTER ROLE %I NOLOGIN', w.name) WHERE r.rolcanlogin
            UNION ALL
            SELECT 'it has attributes of its own',
                format('ALTER ROLE %I NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS', w.name)
             WHERE r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
            UNION ALL
            SELECT format('"%s" is a member of it', g.rolname), format('REVOKE %I FROM %I', w.name, g.rolname)
              FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.member
             WHERE m.roleid = r.oid AND w.name = 'asymm_owner' AND NOT g.rolsuper
            UNION ALL
            SELECT 'it cannot see other sessions',
                'GRANT pg_read_all_stats, pg_read_all_settings TO asymm_owner'
             WHERE w.name = 'asymm_owner' AND NOT pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE')
        ) AS x (bad, remedy) LIMIT 1) AS b ON true
     ORDER BY w.place
$$;
COMMENT ON FUNCTION asymm._doctor_roles() IS 'The roles of the extension and what is wrong with them.';
