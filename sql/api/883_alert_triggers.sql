-- What is written to findings and drift is looked at here, a statement at a time. Without a rule this costs one look into an empty table.
-- Nothing must go unseen because it cannot be told (a lock on an alert, say): then housekeeping makes up for it.

CREATE OR REPLACE FUNCTION asymm._on_finding() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids bigint[];
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.alert_rule) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(n.id) INTO v_ids FROM new_rows AS n;
    ELSE
        SELECT array_agg(n.id) INTO v_ids
          FROM new_rows AS n JOIN old_rows AS o ON o.id = n.id
         WHERE (n.severity, n.closed_at IS NULL) IS DISTINCT FROM (o.severity, o.closed_at IS NULL);
    END IF;
    IF v_ids IS NOT NULL THEN
        PERFORM asymm._alert_on_findings(v_ids);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'asymmetrica: alerts of findings come later: % (%)', SQLERRM, SQLSTATE;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._on_finding() IS 'Trigger: opens and ends alerts as findings come and go.';

CREATE OR REPLACE FUNCTION asymm._on_drift() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_objects jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.alert_rule) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT jsonb_agg(DISTINCT jsonb_build_object('kind', n.kind, 'schema', n.schema_name, 'name', n.object_name)) INTO v_objects
          FROM new_rows AS n WHERE n.state = 'open';
    ELSIF TG_OP = 'DELETE' THEN
        SELECT jsonb_agg(DISTINCT jsonb_build_object('kind', o.kind, 'schema', o.schema_name, 'name', o.object_name)) INTO v_objects
          FROM old_rows AS o WHERE o.state = 'open';
    ELSE
        SELECT jsonb_agg(DISTINCT jsonb_build_object('kind', n.kind, 'schema', n.schema_name, 'name', n.object_name)) INTO v_objects
          FROM new_rows AS n JOIN old_rows AS o ON o.id = n.id WHERE (n.state = 'open') <> (o.state = 'open');
    END IF;
    IF v_objects IS NOT NULL THEN
        PERFORM asymm._alert_on_drift(v_objects);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'asymmetrica: alerts of drift come later: % (%)', SQLERRM, SQLSTATE;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._on_drift() IS 'Trigger: opens and ends alerts as objects drift and are as declared again.';

DO $triggers$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = 'asymm.finding'::regclass AND t.tgname = 'alert_insert') THEN
        CREATE TRIGGER alert_insert AFTER INSERT ON asymm.finding
            REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION asymm._on_finding();
        CREATE TRIGGER alert_update AFTER UPDATE ON asymm.finding
            REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION asymm._on_finding();
        CREATE TRIGGER alert_insert AFTER INSERT ON asymm.drift_record
            REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION asymm._on_drift();
        CREATE TRIGGER alert_update AFTER UPDATE ON asymm.drift_record
            REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION asymm._on_drift();
        CREATE TRIGGER alert_delete AFTER DELETE ON asymm.drift_record
            REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION asymm._on_drift();
    END IF;
END
$triggers$;
