-- Indexes that are more trouble than use: invalid, twice there, covered by another, never used, bloated.

-- Since when the server has counted what is used; a restart after a crash begins anew, so no longer than it has run.
CREATE OR REPLACE FUNCTION asymm._counted_since() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT GREATEST(d.stats_reset, pg_postmaster_start_time()) FROM pg_stat_database AS d WHERE d.datname = current_database()
$$;
COMMENT ON FUNCTION asymm._counted_since() IS 'From when on it is known which indexes were used.';

CREATE OR REPLACE FUNCTION asymm._has_standbys() RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM pg_stat_replication AS r WHERE r.application_name <> 'pg_basebackup')
        OR EXISTS (SELECT FROM pg_replication_slots AS s WHERE s.slot_type = 'physical')
$$;
COMMENT ON FUNCTION asymm._has_standbys() IS 'Whether there are standbys, whose use of an index is counted there and nowhere else.';

CREATE OR REPLACE FUNCTION asymm._index_faults()
RETURNS TABLE (relid oid, index_id oid, fault text, reason text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_unused interval := (asymm._index_settings()).unused_after;
    v_since timestamptz := asymm._counted_since();
BEGIN
    RETURN QUERY
    WITH x AS MATERIALIZED (
        SELECT x.*, i.relam, i.relname, i.relpages, i.reltuples, c.relname AS table_name, n.nspname, asymm._index_needed(x.indexrelid) AS needed,
               x.indkey::smallint[] AS keys, x.indclass::oid[] AS classes, x.indcollation::oid[] AS collations, x.indoption::smallint[] AS options,
               COALESCE(pg_get_expr(x.indexprs, x.indrelid), '') AS exprs, COALESCE(pg_get_expr(x.indpred, x.indrelid), '') AS pred
          FROM pg_index AS x
          JOIN pg_class AS i ON i.oid = x.indexrelid AND i.relkind = 'i' AND NOT i.relispartition
          JOIN pg_class AS c ON c.oid = x.indrelid AND c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
          JOIN pg_roles AS r ON r.oid = c.relowner
         WHERE n.nspname NOT IN ('asymm', 'information_schema', 'cron') AND n.nspname !~ '^pg_' AND asymm._may_act(r.rolname)
           AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
           -- Not what is being worked on.
           AND NOT EXISTS (SELECT FROM asymm.index_action AS w JOIN asymm.action AS a ON a.id = w.action_id
                            WHERE w.relid = x.indrelid AND a.state IN ('applying', 'applied', 'reverting'))
           AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.relid = x.indrelid)),
    f AS (
        SELECT x.indrelid, x.indexrelid, 1 AS place, 'invalid' AS fault, 'it is invalid: it costs writes and serves no query' AS reason
          FROM x WHERE NOT x.indisvalid AND x.needed IS NULL
        UNION ALL
        SELECT x.indrelid, x.indexrelid, 2, 'duplicate', format('it is the same as %I', y.relname)
          FROM x JOIN x AS y ON y.indrelid = x.indrelid AND y.indexrelid <> x.indexrelid AND y.indisvalid AND y.relam = x.relam
                            AND (y.keys, y.classes, y.collations, y.options, y.exprs, y.pred, y.indnkeyatts)
                                = (x.keys, x.classes, x.collations, x.options, x.exprs, x.pred, x.indnkeyatts)
         WHERE x.needed IS NULL AND x.indisvalid AND (y.needed IS NOT NULL OR y.indexrelid < x.indexrelid)
        UNION ALL
        SELECT x.indrelid, x.indexrelid, 3, 'covered', format('%I begins with the same keys', y.relname)
          FROM x JOIN x AS y ON y.indrelid = x.indrelid AND y.indexrelid <> x.indexrelid AND y.indisvalid AND y.relam = x.relam
                            AND y.pred = x.pred AND y.indnkeyatts > x.indnkeyatts
                            AND y.keys[0:x.indnkeyatts - 1] = x.keys[0:x.indnkeyatts - 1]
                            AND y.classes[0:x.indnkeyatts - 1] = x.classes[0:x.indnkeyatts - 1]
                            AND y.collations[0:x.indnkeyatts - 1] = x.collations[0:x.indnkeyatts - 1]
                            AND y.options[0:x.indnkeyatts - 1] = x.options[0:x.indnkeyatts - 1]
         WHERE x.needed IS NULL AND x.indisvalid AND x.indnatts = x.indnkeyatts AND NOT 0 = ANY (x.keys)
           AND x.relam = (SELECT a.oid FROM pg_am AS a WHERE a.amname = 'btree')
        UNION ALL
        SELECT x.indrelid, x.indexrelid, 4, 'unused', format('no query has used it in %s days', EXTRACT(day FROM clock_timestamp() - v_since))
          FROM x
         WHERE x.needed IS NULL AND x.indisvalid AND v_since < clock_timestamp() - v_unused AND pg_stat_get_numscans(x.indexrelid) = 0
           AND NOT EXISTS (SELECT FROM asymm.ddl_log AS l WHERE l.at > clock_timestamp() - v_unused AND x.indexrelid = ANY (l.object_ids))
           AND NOT EXISTS (SELECT FROM asymm.index_action AS w WHERE w.index_id = x.indexrelid AND w.built_at > clock_timestamp() - v_unused)
        UNION ALL
        -- What its rows would need at most, with the tenth of each page that is left free.
        SELECT x.indrelid, x.indexrelid, 5, 'bloated', format('%s pages for what %s would hold', x.relpages, e.pages)
          FROM x
         CROSS JOIN LATERAL (
               SELECT ceil(x.reltuples * (16 + sum(8 * ceil(COALESCE(s.avg_width, 16) / 8.0))) / (8150 * 0.9))::bigint AS pages
                 FROM unnest(x.keys) AS k (attnum)
                 LEFT JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = k.attnum AND k.attnum > 0
                 LEFT JOIN pg_stats AS s ON s.schemaname = x.nspname AND s.tablename = x.table_name AND s.attname = a.attname) AS e
         WHERE x.indisvalid AND x.reltuples > 0 AND x.relpages >= 1000 AND x.relpages > 2.5 * e.pages
           AND x.relam = (SELECT a.oid FROM pg_am AS a WHERE a.amname = 'btree'))
    SELECT DISTINCT ON (f.indexrelid) f.indrelid, f.indexrelid, f.fault, f.reason FROM f ORDER BY f.indexrelid, f.place;
END
$$;
COMMENT ON FUNCTION asymm._index_faults() IS 'Indexes of tables the caller may act for that are invalid, duplicate, covered by another, unused or bloated, and why.';

CREATE OR REPLACE FUNCTION asymm._propose_drops() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_action bigint;
    v_count integer := 0;
BEGIN
    IF (SELECT s.autopilot FROM asymm.index_settings AS s) = 'off' THEN
        RETURN NULL;
    END IF;
    FOR v IN SELECT f.fault, f.reason, n.nspname, c.relname AS called, i.relname AS index, pg_relation_size(f.index_id) AS bytes
               FROM asymm._index_faults() AS f
               JOIN pg_class AS c ON c.oid = f.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace
               JOIN pg_class AS i ON i.oid = f.index_id LOOP
        v_action := asymm._propose_index(CASE WHEN v.fault = 'bloated' THEN 'reindex' ELSE 'drop index' END, jsonb_build_object(
                        'schema', v.nspname, 'table', v.called, 'index', v.index, 'size_bytes', v.bytes, 'reason', v.reason, 'fault', v.fault)
                    || CASE WHEN v.fault = 'unused' AND asymm._has_standbys() THEN '{"standbys": true}'::jsonb ELSE '{}' END);
        v_count := v_count + num_nonnulls(v_action);
    END LOOP;
    RETURN CASE WHEN v_count > 0 THEN jsonb_build_object('actions', v_count) END;
END
$$;
COMMENT ON FUNCTION asymm._propose_drops() IS 'Organ: proposes to drop or rebuild indexes that are more trouble than use, unless autopilot is off.';
