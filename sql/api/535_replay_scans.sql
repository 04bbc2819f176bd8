-- Replays are not the users' work: their scans are taken off what the server counted, and what is old is forgotten.

CREATE OR REPLACE FUNCTION asymm._owe_scans(scans jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO asymm.replay_scan AS o (relid, scans, rows)
    SELECT s.key::oid, (s.value ->> 0)::bigint, (s.value ->> 1)::bigint
      FROM jsonb_each(CASE WHEN jsonb_typeof(scans) = 'object' THEN scans ELSE '{}' END) AS s
     WHERE s.key ~ '^\d{1,10}$' AND (s.value ->> 0)::bigint >= 0 AND (s.value ->> 1)::bigint >= 0
     ORDER BY 1 LIMIT 10000
    ON CONFLICT (relid) DO UPDATE SET scans = o.scans + EXCLUDED.scans, rows = o.rows + EXCLUDED.rows, at = EXCLUDED.at;
END
$$;
COMMENT ON FUNCTION asymm._owe_scans(jsonb) IS 'Notes scans of a replay, {oid: [scans, rows]}, that the server will show among others.';

-- What was read last is moved forward by what replays did, as far as the server shows more by now; so the difference is the users'. A
-- session tells the server when its statement ends, loops after a minute; what was not told in ten never will be.
CREATE OR REPLACE FUNCTION asymm._settle_scans() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v record;
BEGIN
    -- What was never read stood at nothing.
    INSERT INTO asymm.table_counter
    SELECT c.oid, 0, 0, 0, 0, 0, 0, 0 FROM asymm.replay_scan AS o JOIN pg_class AS c ON c.oid = o.relid AND c.relkind IN ('r', 'm')
    ON CONFLICT DO NOTHING;
    INSERT INTO asymm.index_counter SELECT i.indexrelid, 0 FROM asymm.replay_scan AS o JOIN pg_index AS i ON i.indexrelid = o.relid
    ON CONFLICT DO NOTHING;
    FOR v IN
        SELECT o.relid, i.indrelid, LEAST(o.scans, GREATEST(pg_stat_get_numscans(o.relid) - COALESCE(t.scans, x.scans), 0)) AS scans,
               CASE WHEN i.indexrelid IS NULL THEN LEAST(o.rows, GREATEST(pg_stat_get_tuples_returned(o.relid) - t.rows_scanned, 0))
                    ELSE o.rows END AS rows
          FROM asymm.replay_scan AS o
          LEFT JOIN pg_index AS i ON i.indexrelid = o.relid
          LEFT JOIN asymm.table_counter AS t ON t.relid = o.relid
          LEFT JOIN asymm.index_counter AS x ON x.index_id = o.relid
         ORDER BY o.relid FOR UPDATE OF o
    LOOP
        UPDATE asymm.table_counter AS t SET scans = t.scans + v.scans, rows_scanned = t.rows_scanned + v.rows WHERE t.relid = v.relid;
        UPDATE asymm.index_counter AS x SET scans = x.scans + v.scans WHERE x.index_id = v.relid;
        UPDATE asymm.table_counter AS t SET index_scans = t.index_scans + v.scans WHERE t.relid = v.indrelid AND v.scans > 0;
        UPDATE asymm.replay_scan AS o SET scans = o.scans - v.scans, rows = o.rows - v.rows WHERE o.relid = v.relid;
    END LOOP;
    DELETE FROM asymm.replay_scan AS o WHERE o.scans <= 0 AND o.rows <= 0 OR o.at < clock_timestamp() - interval '10 min';
END
$$;
COMMENT ON FUNCTION asymm._settle_scans() IS 'Moves the counters of tables and indexes, as they were last read, forward by what replays did.';

CREATE OR REPLACE FUNCTION asymm._purge_replays() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM asymm.replay AS r
     USING asymm.settings AS s
     WHERE r.at < clock_timestamp() - s.retention OR r.id <= (SELECT max(m.id) FROM asymm.replay AS m) - 10000;
    DELETE FROM asymm.replay_scan AS o WHERE o.at < clock_timestamp() - interval '10 min';
$$;
COMMENT ON FUNCTION asymm._purge_replays() IS 'Forgets replays beyond the last 10,000 and those older than the retention.';
