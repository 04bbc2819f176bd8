-- What is mirrored and how far behind.

CREATE OR REPLACE FUNCTION asymm._mirror_slot() RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT 'asymm_mirror_' || d.oid FROM pg_database d WHERE d.datname = current_database());
END
$$;
COMMENT ON FUNCTION asymm._mirror_slot() IS 'The name of the replication slot of this database''s mirror.';

CREATE OR REPLACE FUNCTION asymm._wal_end() RETURNS pg_lsn
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END;
END
$$;
COMMENT ON FUNCTION asymm._wal_end() IS 'How far the WAL is written here.';

-- Where Redis may drop what tells how new the rows are, the mirror is built anew each time.
CREATE OR REPLACE FUNCTION asymm._mirror_memory() RETURNS TABLE (maxmemory bigint, policy text, evicts boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT m.maxmemory, m.policy, m.maxmemory > 0 AND m.policy LIKE 'allkeys-%'
          FROM asymm.mirror_worker AS w
         CROSS JOIN LATERAL (SELECT (w.counters ->> 'redis_maxmemory')::bigint, w.counters ->> 'redis_policy') AS m (maxmemory, policy)
         WHERE m.policy IS NOT NULL;
END
$$;
COMMENT ON FUNCTION asymm._mirror_memory()
    IS 'How much memory the mirror''s Redis may take (0: any) and what it does then, as the worker saw; evicts: it may drop keys of the mirror.';

CREATE OR REPLACE VIEW asymm._mirror_status AS
    SELECT f.id, format('%I.%I', f.schema_name, f.table_name) AS object,
           CASE WHEN d.displaced IS NOT NULL THEN 'paused'
                WHEN f.shape IS NULL THEN 'gone'
                WHEN f.fault IS NOT NULL THEN 'refused'
                WHEN w.reported_at IS NULL OR w.reported_at < clock_timestamp() - interval '10 s' THEN 'no worker'
                WHEN s.state IS NULL OR s.state = 'live' AND s.epoch < f.epoch THEN 'building'
                ELSE s.state END AS state,
           GREATEST(f.epoch, s.epoch) AS epoch, s.rows, f.format, f.key_columns,
           COALESCE(f.columns, asymm._mirror_columns(f.relid, NULL)) AS columns, f.ttl,
           CASE WHEN w.applied_lsn IS NOT NULL THEN GREATEST(asymm._wal_end() - w.applied_lsn, 0)::bigint END AS lag_bytes,
           CASE WHEN w.applied_lsn >= asymm._wal_end() THEN interval '0' ELSE clock_timestamp() - w.applied_at END AS lag,
           w.applied_lsn, w.applied_at,
           COALESCE(d.displaced, f.fault, CASE WHEN f.shape IS NULL THEN 'it was dropped' END, s.error,
                    CASE WHEN d.policy IS NOT NULL
                         THEN format('when Redis is full it drops keys of the mirror: maxmemory-policy %s', d.policy) END) AS error,
           f.cause, f.at AS epoch_at, f.mirrored_by, f.mirrored_at
      FROM asymm._mirror_in_force AS f
      LEFT JOIN asymm.mirror_state AS s ON s.mirror_id = f.id
      JOIN asymm.mirror_worker AS w ON w.only_row
     CROSS JOIN (SELECT asymm._displaced() AS displaced,
                        (SELECT e.policy FROM asymm._mirror_memory() AS e WHERE e.evicts) AS policy) AS d;
COMMENT ON VIEW asymm._mirror_status IS 'What asymm.mirror_status() returns.';

CREATE OR REPLACE FUNCTION asymm.mirror_status() RETURNS SETOF asymm._mirror_status
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT s.* FROM asymm._mirror_status AS s ORDER BY s.object COLLATE "C";
END
$$;
COMMENT ON FUNCTION asymm.mirror_status()
    IS 'Each mirrored table: its state (live, building, unsafe, refused, gone, no worker, paused), epoch and why it began, rows, lag in bytes of WAL and time (at most), last error.';
