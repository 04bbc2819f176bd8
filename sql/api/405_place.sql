-- Where healing was allowed. A dump carries the declarations but not the place, so a restored or cloned database
-- heals nothing until somebody says resume().

CREATE OR REPLACE FUNCTION asymm._place() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'system', (SELECT s.system_identifier::text FROM pg_control_system() AS s),
            'timeline', (SELECT c.timeline_id FROM pg_control_checkpoint() AS c),
            'database', (SELECT d.oid::text FROM pg_database d WHERE d.datname = current_database()),
            'data_directory', current_setting('data_directory')));
END
$$;
COMMENT ON FUNCTION asymm._place() IS 'System identifier, timeline, database OID and data directory: what tells this database from its restored or cloned copy.';

CREATE OR REPLACE FUNCTION asymm._has_declarations() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM asymm.baseline) OR EXISTS (SELECT FROM asymm.watched_schema) OR EXISTS (SELECT FROM asymm.watched_database)
        OR EXISTS (SELECT FROM asymm.mirror_table) OR EXISTS (SELECT FROM asymm.alert_destination)
        OR EXISTS (SELECT FROM asymm.encore_setting AS e WHERE e.encore)
$$;
COMMENT ON FUNCTION asymm._has_declarations() IS 'True when anything is watched or mirrored, or replays were consented to.';

CREATE OR REPLACE FUNCTION asymm._record_place() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Only in a database without declarations: one that has some, but no place, was restored.
    UPDATE asymm.control SET place = asymm._place(), changed_at = clock_timestamp()
     WHERE place IS NULL
       AND NOT asymm._has_declarations()
$$;
COMMENT ON FUNCTION asymm._record_place() IS 'Remembers the place with the first declaration; keeps quiet in a restored database.';

CREATE OR REPLACE FUNCTION asymm._displaced() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT CASE
            WHEN pg_is_in_recovery() THEN 'this server is a standby'
            WHEN c.place IS NULL AND asymm._has_declarations()
            THEN 'the declarations came from a dump'
            WHEN c.place <> h.place THEN
                (SELECT 'this database is a copy or was moved: ' || string_agg(p.key || ' changed', ', ' ORDER BY p.key)
                   FROM jsonb_each(h.place) AS p WHERE p.value IS DISTINCT FROM c.place -> p.key)
        END
          FROM asymm.control AS c, asymm._place() AS h (place));
END
$$;
COMMENT ON FUNCTION asymm._displaced() IS 'How this database is not the one its declarations were made in (restore, clone, move, standby), or NULL.';

CREATE OR REPLACE FUNCTION asymm._healing_paused() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN COALESCE((SELECT c.paused FROM asymm.control AS c), asymm._displaced());
END
$$;
COMMENT ON FUNCTION asymm._healing_paused() IS 'Why nothing is healed now (pause, restore, clone, standby), or NULL.';
