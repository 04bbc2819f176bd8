-- Casts, operators and event triggers: made once, kept by upgrades. The event triggers come last, so that the script does not log
-- itself.

DO $bindings$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_cast c
                    WHERE c.castsource = 'pg_catalog.jsonb'::regtype AND c.casttarget = 'asymm.annotation'::regtype) THEN
        CREATE CAST (pg_catalog.jsonb AS asymm.annotation) WITH FUNCTION asymm.annotation(pg_catalog.jsonb);
        CREATE CAST (asymm.annotation AS pg_catalog.jsonb) WITH FUNCTION asymm.annotation_json(asymm.annotation);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_operator o WHERE o.oprnamespace = 'asymm'::regnamespace) THEN
        CREATE CAST (pg_catalog.text AS asymm.cost) WITH FUNCTION asymm.to_cost(pg_catalog.text);
        CREATE OPERATOR asymm.|+| (FUNCTION = asymm.amplify, LEFTARG = asymm.annotation, RIGHTARG = asymm.annotation);
        CREATE OPERATOR asymm.|*| (FUNCTION = asymm.harmonize, LEFTARG = asymm.annotation, RIGHTARG = asymm.annotation,
                                   COMMUTATOR = OPERATOR(asymm.|*|));
        CREATE OPERATOR asymm.-| (FUNCTION = asymm.resolve, LEFTARG = asymm.annotation, RIGHTARG = asymm.annotation);
        COMMENT ON OPERATOR asymm.|+| (asymm.annotation, asymm.annotation) IS 'amplify(a, b)';
        COMMENT ON OPERATOR asymm.|*| (asymm.annotation, asymm.annotation) IS 'harmonize(a, b)';
        COMMENT ON OPERATOR asymm.-| (asymm.annotation, asymm.annotation) IS 'resolve(a, b)';
        ALTER OPERATOR asymm.|+| (asymm.annotation, asymm.annotation) OWNER TO asymm_owner;
        ALTER OPERATOR asymm.|*| (asymm.annotation, asymm.annotation) OWNER TO asymm_owner;
        ALTER OPERATOR asymm.-| (asymm.annotation, asymm.annotation) OWNER TO asymm_owner;
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
