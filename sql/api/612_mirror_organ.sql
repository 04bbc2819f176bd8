-- The organ: a heartbeat, so that the slot of a database at rest does not hold the WAL of others, and what no event told.

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
