-- What event triggers miss is found by scans: of catalog row headers, and of everything. Both only find which tables to look at.

CREATE OR REPLACE FUNCTION asymm._changed_headers() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(array_agg(b.id ORDER BY b.id), '{}')
          FROM asymm.baseline b
          LEFT JOIN asymm.baseline_state s ON s.baseline_id = b.id
          LEFT JOIN asymm._headers(ARRAY(SELECT n.object_id FROM asymm.baseline_state n
                                          WHERE n.object_id IS NOT NULL AND n.class_id = 'pg_class'::regclass)) AS h
                 ON h.relid = s.object_id AND s.class_id = 'pg_class'::regclass
         WHERE s.header IS DISTINCT FROM h.header OR s.baseline_id IS NULL);
END
$$;
COMMENT ON FUNCTION asymm._changed_headers() IS 'Watched objects whose catalog row headers are not those of the last look.';

-- What a scan found: the log is read first, since it knows who did it and what was meant.
CREATE OR REPLACE FUNCTION asymm._inspect_found(baselines bigint[], found_by text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_seen jsonb;
BEGIN
    IF cardinality(baselines) > 0 THEN
        PERFORM FROM asymm.turn FOR UPDATE;
        v_seen := asymm._process_ddl();
        v_seen := asymm._merge_seen(v_seen, asymm._inspect(baselines, found_by));
    END IF;
    RETURN asymm._merge_seen(v_seen, asymm._inspect_undeclared(found_by));
END
$$;
COMMENT ON FUNCTION asymm._inspect_found(bigint[], text) IS 'Inspects what a scan found to differ, and undeclared tables; returns {objects, drifts, adopted} or NULL.';

CREATE OR REPLACE FUNCTION asymm._scan_headers() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._inspect_found(asymm._changed_headers(), 'header_scan');
END
$$;
COMMENT ON FUNCTION asymm._scan_headers() IS 'Organ: finds what event triggers miss by the row headers of the catalogs; returns {objects, drifts} or NULL.';

CREATE OR REPLACE FUNCTION asymm._scan_all() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_ids bigint[];
BEGIN
    SELECT array_agg(b.id) INTO v_ids
      FROM asymm.baseline b
      LEFT JOIN asymm._facts_at_address() AS f ON f.baseline_id = b.id
     WHERE f.facts IS DISTINCT FROM b.facts
        OR EXISTS (SELECT FROM asymm.drift_record d WHERE d.baseline_id = b.id AND d.state = 'open');
    RETURN asymm._inspect_found(v_ids, 'full_scan');
END
$$;
COMMENT ON FUNCTION asymm._scan_all() IS 'Reads every watched object in full, compares it with its baseline and inspects those that differ.';
