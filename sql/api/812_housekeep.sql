-- Housekeeping: what is older than its retention goes, in small bites.

CREATE OR REPLACE FUNCTION asymm._purge() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM asymm.beat_summary WHERE at < clock_timestamp() - interval '1 hour';
    DELETE FROM asymm.drift_record WHERE id IN (
        SELECT d.id FROM asymm.drift_record d CROSS JOIN asymm.settings s
         WHERE d.state <> 'open' AND COALESCE(d.resolved_at,
             d.noticed_at) < clock_timestamp() - s.retention LIMIT 10000);
    DELETE FROM asymm.action WHERE id IN (
        SELECT a.id FROM asymm.action a CROSS JOIN asymm.settings s
         WHERE a.state NOT IN ('proposed', 'approved', 'applying', 'applied', 'reverting')
           AND a.changed_at < clock_timestamp() - s.retention
           -- What is kept counts towards the budget for as long as it is there.
           AND NOT (a.state = 'verified' AND a.kind = 'create index'
                    AND EXISTS (SELECT FROM asymm.index_action i JOIN pg_class c ON c.oid = i.index_id
                                 WHERE i.action_id = a.id))
           AND NOT EXISTS (SELECT FROM asymm.drift_record d
               WHERE d.action_id = a.id AND d.state = 'open') LIMIT 10000);
    DELETE FROM asymm.ddl_log WHERE id IN (
        SELECT l.id FROM asymm.ddl_log l CROSS JOIN asymm.settings s
         WHERE l.seen AND l.at < clock_timestamp() - s.retention
           -- How young an index is must be known for as long as it may count as unused.
           AND NOT (l.command_tag = 'CREATE INDEX' AND l.at > clock_timestamp() - (asymm._index_settings()).unused_after)
           AND NOT EXISTS (SELECT FROM asymm.drift_record d
               WHERE d.ddl_log_id = l.id AND d.state = 'open') LIMIT 10000);
$$;
COMMENT ON FUNCTION asymm._purge() IS 'Removes resolved drift, finished actions and log rows older than the retention, and beat summaries older than an hour.';

-- Where pg_cron is absent anybody may have made a schema of that name, to have his code run by an actor or by who asks
-- the doctor.
CREATE OR REPLACE FUNCTION asymm._is_pg_cron(relation text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- By name, since to_regclass() raises for who may not use the schema: the driver's loops need no pg_cron.
    SELECT EXISTS (SELECT FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
                     JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE e.extname = 'pg_cron' AND d.deptype = 'e' AND format('%I.%I', n.nspname, c.relname) = relation)
$$;
COMMENT ON FUNCTION asymm._is_pg_cron(text) IS 'True when the relation is pg_cron''s own.';

CREATE OR REPLACE FUNCTION asymm._housekeep() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._purge();
    PERFORM asymm._recheck_policies();
    PERFORM asymm._purge_workload();
    PERFORM asymm._purge_replays();
    PERFORM asymm._purge_reads();
    PERFORM asymm._purge_graph();
    PERFORM asymm._purge_findings();
    PERFORM asymm._purge_recycled();
    PERFORM asymm._purge_telemetry();
    PERFORM asymm._tend_alerts();
    PERFORM asymm._purge_entities();
    -- pg_cron keeps a row per run for ever; each role sees and deletes only its own.
    IF asymm._is_pg_cron('cron.job_run_details') AND has_schema_privilege('cron', 'USAGE') THEN
        EXECUTE 'DELETE FROM cron.job_run_details'
                ' WHERE username = current_user AND (command LIKE ''%asymm.%'' OR command LIKE ''/* asymmetrica %'') AND end_time < '
                                                                      'clock_timestamp() - interval ''1 '
                                                                      'day''';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._housekeep() IS 'Organ: removes what is older than its retention, and pg_cron''s records of our jobs after a day.';
