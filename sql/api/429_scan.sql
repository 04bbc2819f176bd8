-- What event triggers miss is found by scans: of catalog row headers, and of everything. Both only find which tables to look at.

CREATE OR REPLACE FUNCTION asymm._changed_headers(relids oid[] DEFAULT NULL) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    IF relids IS NOT NULL THEN
        RETURN ARRAY(
            SELECT s.baseline_id
              FROM asymm.baseline_state s JOIN asymm._headers(relids) AS h ON h.relid = s.object_id
             WHERE s.object_id = ANY (relids) AND s.class_id = 'pg_class'::regclass AND s.header IS DISTINCT FROM h.header
             ORDER BY s.baseline_id);
    END IF;
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
COMMENT ON FUNCTION asymm._changed_headers(oid[]) IS 'Watched objects whose catalog row headers are not those of the last look; of all relations or of some.';

-- A GRANT leaves no other trace than new versions of rows, of its transaction or a part of it.
CREATE OR REPLACE FUNCTION asymm._relations_written_since(since xid8) RETURNS oid[]
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on SET max_parallel_workers_per_gather = 0 SET jit = off
AS $$
DECLARE
    v_age constant integer := age(since::xid);
    v_oldest constant integer := -1073741824;
    v_oids oid[];
BEGIN
    v_oids := ARRAY(SELECT c.oid FROM pg_class c WHERE age(c.xmin) BETWEEN v_oldest AND v_age
                    UNION
                    SELECT a.attrelid FROM pg_attribute a WHERE age(a.xmin) BETWEEN v_oldest AND v_age);
    -- Of a sequence that belongs to a column the table tells.
    RETURN v_oids || ARRAY(SELECT d.refobjid FROM pg_depend d
                            WHERE d.classid = 'pg_class'::regclass AND d.objid = ANY (v_oids)
                              AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'));
END
$$;
COMMENT ON FUNCTION asymm._relations_written_since(xid8) IS 'Relations of which the catalog has rows, of their own or of their columns, that this transaction or a later one wrote.';

CREATE OR REPLACE FUNCTION asymm._changed_others() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_ids bigint[] := ARRAY(SELECT b.id FROM asymm.baseline b WHERE asymm._kind_class(b.kind) <> 'pg_class'::regclass);
BEGIN
    RETURN ARRAY(SELECT b.id FROM unnest(v_ids) AS u (id)
                   JOIN asymm.baseline b USING (id)
                   LEFT JOIN asymm._facts_at_address(v_ids) AS f ON f.baseline_id = b.id
                  WHERE f.facts IS DISTINCT FROM b.facts ORDER BY b.id);
END
$$;
COMMENT ON FUNCTION asymm._changed_others() IS 'Watched objects that are no relations, and so have no header, and differ from their baseline.';

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

-- Whether anything at all happened to the catalogs that headers are made of costs half of asking each table. What was
-- visible to a snapshot and still is, is the same set of rows when none is younger than that snapshot's oldest running
-- transaction and there are as many. rows is NULL where it isn't worth counting.
CREATE OR REPLACE FUNCTION asymm._catalog_rows(since xid8, OUT horizon xid8, OUT rows bigint[], OUT fresh boolean)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET max_parallel_workers_per_gather = 0 SET jit = off
AS $$
DECLARE
    v_age integer := age(since::xid);
    -- Younger than the transaction that asks: what others committed since. Further off: frozen long ago.
    v_oldest constant integer := -1073741824;
BEGIN
    horizon := pg_snapshot_xmin(pg_current_snapshot());
    fresh := true;
    IF (SELECT c.reltuples FROM pg_class c WHERE c.oid = 'pg_attribute'::regclass)
           > 100 * (SELECT count(*) FROM asymm.baseline_state)
       OR horizon::text::numeric - since::text::numeric >= 1000000000 THEN
        RETURN;
    END IF;
    SELECT array_agg(k.rows ORDER BY k.place), sum(k.fresh) > 0 INTO rows, fresh FROM (
        SELECT 1 AS place, count(*) AS rows, count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) AS fresh FROM pg_class c
        UNION ALL SELECT 2, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM pg_attribute c
        UNION ALL SELECT 3, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM pg_attrdef c
        UNION ALL SELECT 4, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM pg_constraint c
        UNION ALL SELECT 5, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM pg_index c
        UNION ALL SELECT 6, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM pg_trigger c
        UNION ALL SELECT 7, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM pg_policy c
        UNION ALL SELECT 8, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM pg_rewrite c
        UNION ALL SELECT 9, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM pg_description c
        UNION ALL SELECT 10, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM pg_inherits c
        UNION ALL SELECT 11, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM pg_sequence c
        UNION ALL SELECT 12, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM pg_depend c
        UNION ALL SELECT 13, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM asymm.baseline c
        UNION ALL SELECT 14, count(*), count(*) FILTER (WHERE age(c.xmin) <= v_age AND age(c.xmin) >= v_oldest) FROM asymm.baseline_state c) AS k;
    fresh := fresh OR since IS NULL;
END
$$;
COMMENT ON FUNCTION asymm._catalog_rows(xid8) IS 'How many rows the catalogs hold that headers are made of, and whether any may be younger than a transaction.';

-- The same for all that facts are read from besides; of roles, whose catalog is not for our eyes, the names.
CREATE OR REPLACE FUNCTION asymm._other_catalog_rows(since xid8, OUT rows bigint[], OUT fresh boolean)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET max_parallel_workers_per_gather = 0 SET jit = off
AS $$
DECLARE
    v_age constant integer := age(since::xid);
    v_oldest constant integer := -1073741824;
BEGIN
    SELECT array_agg(k.rows ORDER BY k.place)
           || (SELECT hashtextextended(string_agg(r.oid || ' ' || r.rolname, ',' ORDER BY r.oid), 0) FROM pg_roles r), sum(k.fresh) > 0
      INTO rows, fresh FROM (
        SELECT 1 AS place, count(*) AS rows, count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) AS fresh FROM pg_type c
        UNION ALL SELECT 2, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_proc c
        UNION ALL SELECT 3, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_namespace c
        UNION ALL SELECT 4, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_enum c
        UNION ALL SELECT 5, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_range c
        UNION ALL SELECT 6, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_aggregate c
        UNION ALL SELECT 7, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_collation c
        UNION ALL SELECT 8, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_conversion c
        UNION ALL SELECT 9, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_operator c
        UNION ALL SELECT 10, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_opclass c
        UNION ALL SELECT 11, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_opfamily c
        UNION ALL SELECT 12, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_amop c
        UNION ALL SELECT 13, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_amproc c
        UNION ALL SELECT 14, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_am c
        UNION ALL SELECT 15, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_cast c
        UNION ALL SELECT 16, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_language c
        UNION ALL SELECT 17, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_transform c
        UNION ALL SELECT 18, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_partitioned_table c
        UNION ALL SELECT 19, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_tablespace c
        UNION ALL SELECT 20, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_statistic_ext c
        UNION ALL SELECT 21, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_extension c
        UNION ALL SELECT 22, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_foreign_data_wrapper c
        UNION ALL SELECT 23, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_foreign_server c
        UNION ALL SELECT 24, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_foreign_table c
        UNION ALL SELECT 25, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_ts_config c
        UNION ALL SELECT 26, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_ts_config_map c
        UNION ALL SELECT 27, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_ts_dict c
        UNION ALL SELECT 28, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_ts_parser c
        UNION ALL SELECT 29, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_ts_template c
        UNION ALL SELECT 30, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_publication c
        UNION ALL SELECT 31, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_publication_rel c
        UNION ALL SELECT 32, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_publication_namespace c
        UNION ALL SELECT 33, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_event_trigger c
        UNION ALL SELECT 34, count(*), count(*) FILTER (WHERE age(c.xmin) BETWEEN v_oldest AND v_age) FROM pg_default_acl c) AS k;
END
$$;
COMMENT ON FUNCTION asymm._other_catalog_rows(xid8) IS 'How many rows the other catalogs hold that facts are read from (and a hash of the roles), and whether any may be younger than a transaction.';

-- Even counting is spared while nobody wrote to these catalogs. A session reports what it wrote within ten seconds after its
-- commit, or at the end of a procedure; one with track_counts = off never does: the full scan doesn't ask here.
CREATE OR REPLACE FUNCTION asymm._catalog_writes() RETURNS bigint[]
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT pg_stat_get_tuples_inserted(r.id) + pg_stat_get_tuples_updated(r.id) + pg_stat_get_tuples_deleted(r.id)
               -- of this session, not reported yet
               + pg_stat_get_xact_tuples_inserted(r.id) + pg_stat_get_xact_tuples_updated(r.id) + pg_stat_get_xact_tuples_deleted(r.id)
          FROM unnest('{pg_class,pg_attribute,pg_attrdef,pg_constraint,pg_index,pg_trigger,pg_policy,pg_rewrite,pg_description,pg_inherits,'
                      'pg_sequence,pg_depend}'::regclass[])
               WITH ORDINALITY AS r (id, place)
         ORDER BY r.place);
END
$$;
COMMENT ON FUNCTION asymm._catalog_writes() IS 'How many rows were ever written to each catalog that headers are made of, as the statistics have it.';

CREATE OR REPLACE FUNCTION asymm._baselines_stayed(since xid8, counted bigint[]) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_age constant integer := age(since::xid);
    v_oldest constant integer := -1073741824;
BEGIN
    RETURN (SELECT count(*) = counted[13] AND NOT COALESCE(bool_or(age(b.xmin) BETWEEN v_oldest AND v_age), false) FROM asymm.baseline b)
       AND (SELECT count(*) = counted[14] AND NOT COALESCE(bool_or(age(s.xmin) BETWEEN v_oldest AND v_age), false) FROM asymm.baseline_state s);
END
$$;
COMMENT ON FUNCTION asymm._baselines_stayed(xid8, bigint[]) IS 'Whether what is declared, and what was seen of it, are the rows asymm._catalog_rows() counted.';

CREATE OR REPLACE FUNCTION asymm._scan_headers() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_seen asymm.catalogs_seen;
    v_writes bigint[] := asymm._catalog_writes();
    v_now record;
    v_changed bigint[] := '{}';
    v_quiet boolean;
BEGIN
    SELECT c.* INTO v_seen FROM asymm.catalogs_seen c;
    IF v_writes = v_seen.writes AND asymm._baselines_stayed(v_seen.horizon, v_seen.rows) THEN
        RETURN NULL;
    END IF;
    v_now := asymm._catalog_rows(v_seen.horizon);
    v_quiet := NOT v_now.fresh AND v_now.rows IS NOT DISTINCT FROM v_seen.rows;
    IF NOT v_quiet THEN
        -- Looked at after the rows were counted: what happens in between is younger than the horizon.
        v_changed := asymm._changed_headers();
    END IF;
    UPDATE asymm.catalogs_seen
       SET horizon = CASE WHEN v_quiet THEN horizon ELSE v_now.horizon END,
           rows = CASE WHEN cardinality(v_changed) = 0 THEN v_now.rows END, writes = v_writes
     WHERE only_row IN (SELECT c.only_row FROM asymm.catalogs_seen c FOR UPDATE SKIP LOCKED);
    RETURN CASE WHEN NOT v_quiet THEN asymm._inspect_found(v_changed, 'header_scan') END;
END
$$;
COMMENT ON FUNCTION asymm._scan_headers() IS 'Organ: finds what event triggers miss by the row headers of the catalogs; returns {objects, drifts} or NULL.';

-- Facts follow from the rows of the catalogs, so that nothing needs to be read while those are the ones that were read last.
-- Once an hour it is read all the same.
CREATE OR REPLACE FUNCTION asymm._scan_all() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_seen asymm.catalogs_seen;
    v_now record;
    v_other record;
    v_rows bigint[];
    v_ids bigint[];
BEGIN
    SELECT c.* INTO v_seen FROM asymm.catalogs_seen c;
    v_now := asymm._catalog_rows(v_seen.full_horizon);
    v_other := asymm._other_catalog_rows(COALESCE(v_seen.full_horizon, v_now.horizon));
    v_rows := v_now.rows || v_other.rows;
    IF NOT v_now.fresh AND NOT v_other.fresh AND v_rows = v_seen.full_rows
       AND v_seen.full_at BETWEEN clock_timestamp() - interval '1 hour' AND clock_timestamp() THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(b.id) INTO v_ids
      FROM asymm.baseline b
      LEFT JOIN asymm._facts_at_address() AS f ON f.baseline_id = b.id
     WHERE f.facts IS DISTINCT FROM b.facts
        OR EXISTS (SELECT FROM asymm.drift_record d WHERE d.baseline_id = b.id AND d.state = 'open');
    UPDATE asymm.catalogs_seen
       SET full_horizon = v_now.horizon, full_rows = CASE WHEN v_ids IS NULL THEN v_rows END, full_at = clock_timestamp()
     WHERE only_row IN (SELECT c.only_row FROM asymm.catalogs_seen c FOR UPDATE SKIP LOCKED);
    RETURN asymm._inspect_found(v_ids, 'full_scan');
END
$$;
COMMENT ON FUNCTION asymm._scan_all() IS 'Reads every watched object in full, compares it with its baseline and inspects those that differ.';
