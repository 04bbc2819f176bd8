-- The organ: a heartbeat, so that the slot of a database at rest does not hold the WAL of others, and what no event told.

-- Roles are no database's own, and event triggers are not asked: who may run a query is compared.
CREATE OR REPLACE FUNCTION asymm._mirror_roles() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_roles constant text := (
        SELECT md5(string_agg(r.text, E'\n' ORDER BY r.text COLLATE "C"))
          FROM (SELECT m::text FROM pg_auth_members AS m
                UNION ALL
                SELECT ROW(a.oid, a.rolname, a.rolsuper, a.rolinherit, a.rolbypassrls)::text FROM pg_roles AS a) AS r (text));
    v_former text;
BEGIN
    SELECT w.roles INTO v_former FROM asymm.mirror_worker AS w;
    IF v_former IS DISTINCT FROM v_roles THEN
        UPDATE asymm.mirror_worker AS w SET roles = v_roles;
        IF v_former IS NOT NULL THEN
            PERFORM pg_logical_emit_message(true, 'asymm', '{"any": "roles"}');
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._mirror_roles() IS 'Tells the WAL when roles or their members have changed: results kept before that are not read any more.';

CREATE OR REPLACE FUNCTION asymm._tend_mirror() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF pg_is_in_recovery() OR NOT EXISTS (SELECT FROM asymm.mirror_table) OR asymm._displaced() IS NOT NULL THEN
        RETURN NULL;
    END IF;
    -- Partitions of other extensions, disabled event triggers, a publication changed by hand.
    PERFORM asymm._mirror_look(f.id, 'scan', false) FROM asymm._mirror_in_force AS f;
    PERFORM asymm._mirror_roles();
    DELETE FROM asymm.mirror_shape AS s
     WHERE s.at < clock_timestamp() - (asymm._settings()).retention
       AND EXISTS (SELECT FROM asymm.mirror_shape AS n WHERE n.mirror_id = s.mirror_id AND n.id > s.id);
    IF EXISTS (SELECT FROM pg_replication_slots s WHERE s.slot_name = asymm._mirror_slot() AND s.confirmed_flush_lsn < asymm._wal_end() - 8192) THEN
        PERFORM pg_logical_emit_message(false, 'asymm', jsonb_build_object('beat', clock_timestamp())::text);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._tend_mirror() IS 'Organ: a message into the WAL when the mirror''s slot lags, and a look at each mirrored table for what no event told.';

-- What is mirrored makes its writers depend on the key: of a published table without one every UPDATE fails.
CREATE OR REPLACE FUNCTION asymm._doctor_mirror() RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'mirror of ' || s.object, CASE WHEN s.state IN ('live', 'building') THEN 'ok' WHEN s.state = 'refused' THEN 'error' ELSE 'warning' END,
           concat_ws(': ', s.state, s.error),
           CASE s.state WHEN 'no worker' THEN 'start it: asymmetrica mirror run'
                        WHEN 'paused' THEN 'SELECT * FROM asymm.resume()'
                        WHEN 'refused' THEN format(CASE WHEN s.object = 'asymm.data_entity' AND s.error ~ 'does not carry it'
                                                        THEN 'a restore leaves it out of the publication: ' ELSE 'mend it, then ' END
                                                   || 'SELECT * FROM asymm.mirror(%L); or SELECT * FROM asymm.unmirror(%L)',
                                                    s.object, s.object)
                        WHEN 'gone' THEN format('SELECT * FROM asymm.unmirror(%L)', s.object)
                        WHEN 'unsafe' THEN 'the worker builds it anew by itself; see its log' END
      FROM asymm.mirror_status() AS s
    UNION ALL
    SELECT 'memory of Redis', CASE WHEN e.evicts THEN 'warning' ELSE 'ok' END,
           format('maxmemory %s, maxmemory-policy %s', pg_size_pretty(e.maxmemory), e.policy),
           CASE WHEN e.evicts THEN 'in Redis: CONFIG SET maxmemory-policy volatile-lru; results have a time to live, what is mirrored has none' END
      FROM asymm._mirror_memory() AS e
     WHERE EXISTS (SELECT FROM asymm.mirror_status())
    UNION ALL
    SELECT 'slot ' || s.slot_name,
           CASE WHEN s.wal_status = 'lost' THEN 'error' WHEN s.wal_status = 'unreserved' OR NOT m.wanted THEN 'warning' ELSE 'ok' END,
           format('%s, %s of WAL behind', s.wal_status, pg_size_pretty(asymm._wal_end() - s.confirmed_flush_lsn)),
           CASE WHEN NOT m.wanted THEN format('nothing is mirrored: SELECT pg_drop_replication_slot(%L)', s.slot_name)
                WHEN s.wal_status = 'lost' THEN 'the worker makes a new one and builds everything anew'
                WHEN s.wal_status = 'unreserved' THEN 'start the worker, or raise max_slot_wal_keep_size' END
      FROM pg_replication_slots AS s CROSS JOIN (SELECT EXISTS (SELECT FROM asymm.mirror_status())) AS m (wanted)
     WHERE s.slot_name = asymm._mirror_slot()
$$;
COMMENT ON FUNCTION asymm._doctor_mirror() IS 'State of each mirrored table, of Redis'' memory and of the slot.';
