-- Settings of the entity store.

CREATE OR REPLACE FUNCTION asymm._entity_settings() RETURNS asymm.entity_setting
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.entity_setting;
BEGIN
    SELECT s.* INTO v FROM asymm.entity_settings AS s;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._entity_settings() IS 'The settings of the entity store in force as one row.';

CREATE OR REPLACE FUNCTION asymm.configure_entities(
    retention interval DEFAULT NULL,
    idempotency_window interval DEFAULT NULL,
    max_value_bytes integer DEFAULT NULL,
    audit_reads boolean DEFAULT NULL
) RETURNS asymm.entity_setting
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_row asymm.entity_setting;
    v_constraint text;
BEGIN
    PERFORM asymm._require_session();
    -- One writer at a time: the second waits, then sees the first one's row.
    LOCK TABLE asymm.entity_setting IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO asymm.entity_setting DEFAULT VALUES ON CONFLICT DO NOTHING;
    UPDATE asymm.entity_setting AS s
       SET retention = COALESCE(configure_entities.retention, s.retention),
           idempotency_window = COALESCE(configure_entities.idempotency_window, s.idempotency_window),
           max_value_bytes = COALESCE(configure_entities.max_value_bytes, s.max_value_bytes),
           audit_reads = COALESCE(configure_entities.audit_reads, s.audit_reads)
    RETURNING s.* INTO v_row;
    IF audit_reads AND EXISTS (SELECT FROM asymm.mirror_table AS m WHERE (m.schema_name, m.table_name) = ('asymm', 'data_entity')) THEN
        RAISE EXCEPTION 'reads of entities cannot be recorded'
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'They are mirrored, and in Redis nobody sees who reads.',
                  HINT = 'SELECT * FROM asymm.unmirror(''asymm.data_entity''); first.';
    END IF;
    IF audit_reads IS NOT NULL THEN
        PERFORM asymm._audit('audit_reads', 'entities', jsonb_build_object('audit_reads', audit_reads));
    END IF;
    PERFORM asymm._record_place();
    RETURN v_row;
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
    PERFORM asymm._refuse_setting('asymm.entity_setting', v_constraint);
END
$$;
COMMENT ON FUNCTION asymm.configure_entities(interval, interval, integer, boolean)
    IS 'Changes how long versions, tombstones and idempotency keys of entities are kept, how large a value may be, and whether reads by our functions are recorded in the audit (then not on standbys and not while entities are mirrored); NULL leaves one as it is. Returns the row in force. Raises 22023 for a value out of range, 55000.';
