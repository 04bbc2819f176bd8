-- Casts and event triggers: made once, kept by upgrades. The event triggers come last, so that the script does not log
-- itself.

DO $bindings$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_cast c
                    WHERE c.castsource = 'pg_catalog.jsonb'::regtype AND c.casttarget = 'asymm.annotation'::regtype) THEN
        CREATE CAST (pg_catalog.jsonb AS asymm.annotation) WITH FUNCTION asymm.annotation(pg_catalog.jsonb);
        CREATE CAST (asymm.annotation AS pg_catalog.jsonb) WITH FUNCTION asymm.annotation_json(asymm.annotation);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger e WHERE e.evtname = 'asymm_ddl_end') THEN
        CREATE EVENT TRIGGER asymm_ddl_end ON ddl_command_end EXECUTE FUNCTION asymm._on_ddl();
        CREATE EVENT TRIGGER asymm_ddl_drop ON sql_drop EXECUTE FUNCTION asymm._on_ddl();
        ALTER EVENT TRIGGER asymm_ddl_end ENABLE ALWAYS;
        ALTER EVENT TRIGGER asymm_ddl_drop ENABLE ALWAYS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger e WHERE e.evtname = 'asymm_rewrite') THEN
        CREATE EVENT TRIGGER asymm_rewrite ON table_rewrite EXECUTE FUNCTION asymm._on_rewrite();
        ALTER EVENT TRIGGER asymm_rewrite ENABLE ALWAYS;
    END IF;
END
$bindings$;
