-- What is kept of entities, for how long, and how all of one goes.

-- Keys first: a call that is repeated is answered with the version it made. For a second each, then the next time: as many may have
-- become old since the last time as applications write.
CREATE OR REPLACE FUNCTION asymm._purge_entities() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_most constant integer := 5000;
    v_settings constant asymm.entity_setting := asymm._entity_settings();
    v_began timestamptz := clock_timestamp();
    v_from timestamptz := '-infinity';
    v_count bigint;
BEGIN
    LOOP
        WITH gone AS (
            DELETE FROM asymm.data_entity_request AS r
             USING (SELECT q.id, q.key FROM asymm.data_entity_request AS q
                     WHERE q.at >= v_from AND q.at < v_began - v_settings.idempotency_window ORDER BY q.at LIMIT v_most) AS o
             WHERE (r.id, r.key) = (o.id, o.key) RETURNING r.at)
        SELECT count(*), max(g.at) INTO v_count, v_from FROM gone AS g;
        EXIT WHEN v_count < v_most OR clock_timestamp() > v_began + interval '1 s';
    END LOOP;
    v_began := clock_timestamp();
    v_from := '-infinity';
    LOOP
        WITH gone AS (
            DELETE FROM asymm.data_entity_history AS h
             USING (SELECT q.id, q.version FROM asymm.data_entity_history AS q
                     WHERE q.until >= v_from AND q.until < v_began - v_settings.retention ORDER BY q.until LIMIT v_most) AS o
             WHERE (h.id, h.version) = (o.id, o.version) RETURNING h.until)
        SELECT count(*), max(g.until) INTO v_count, v_from FROM gone AS g;
        EXIT WHEN v_count < v_most OR clock_timestamp() > v_began + interval '1 s';
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._purge_entities() IS 'Removes versions, tombstones and idempotency keys of entities that are older than their retention, for a second each.';

CREATE OR REPLACE FUNCTION asymm._erase_entity(id text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_erased bigint;
BEGIN
    WITH now_gone AS (DELETE FROM asymm.data_entity AS d WHERE d.id = _erase_entity.id RETURNING 1),
         versions AS (DELETE FROM asymm.data_entity_history AS h WHERE h.id = _erase_entity.id RETURNING 1),
         requests AS (DELETE FROM asymm.data_entity_request AS r WHERE r.id = _erase_entity.id RETURNING 1)
    SELECT count(*) INTO v_erased
      FROM (SELECT FROM now_gone UNION ALL SELECT FROM versions UNION ALL SELECT FROM requests) AS g;
    RETURN v_erased;
END
$$;
COMMENT ON FUNCTION asymm._erase_entity(text) IS 'Erases an entity with its history and idempotency keys, without a tombstone; returns how many rows went. The mirror''s key goes with it.';

CREATE OR REPLACE FUNCTION asymm._export_entity(id text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT jsonb_build_object('id', _export_entity.id, 'versions', jsonb_agg(
                       to_jsonb(h) - '{content_hash}'::text[] || jsonb_build_object('content_hash', encode(h.content_hash, 'hex'))
                       ORDER BY h.version))
              FROM asymm._entity_versions(_export_entity.id) AS h HAVING count(*) > 0);
END
$$;
COMMENT ON FUNCTION asymm._export_entity(text) IS 'All that is kept of an entity as JSON, every version and who made it; NULL if nothing is.';
