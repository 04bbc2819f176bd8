-- Indexes that are more trouble than use: invalid, twice there, covered by another, superseded, never used, bloated.

-- Since when the server has counted what is used; a restart after a crash begins anew, so no longer than it has run. Nor longer than we
-- have been here: an index from before may be as young.
CREATE OR REPLACE FUNCTION asymm._counted_since() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT GREATEST(d.stats_reset, pg_postmaster_start_time(), w.since) FROM pg_stat_database AS d CROSS JOIN asymm.workload_state AS w
     WHERE d.datname = current_database()
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
SET enable_nestloop = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_set asymm.index_setting := asymm._index_settings();
    v_unused interval := v_set.unused_after;
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
                            AND y.pred = x.pred AND y.indnkeyatts >= x.indnkeyatts AND y.indnatts > x.indnatts
                            AND y.keys[0:x.indnkeyatts - 1] = x.keys[0:x.indnkeyatts - 1]
                            AND y.classes[0:x.indnkeyatts - 1] = x.classes[0:x.indnkeyatts - 1]
                            AND y.collations[0:x.indnkeyatts - 1] = x.collations[0:x.indnkeyatts - 1]
                            AND y.options[0:x.indnkeyatts - 1] = x.options[0:x.indnkeyatts - 1]
         WHERE x.needed IS NULL AND x.indisvalid AND x.indnatts = x.indnkeyatts AND NOT 0 = ANY (x.keys)
           AND x.relam = (SELECT a.oid FROM pg_am AS a WHERE a.amname = 'btree')
        UNION ALL
        -- Made for queries that were given later ones, and not used since: that is known earlier than of what somebody else may use at times.
        SELECT x.indrelid, x.indexrelid, 4, 'superseded', format('its queries use %s instead', n.names)
          FROM x
          JOIN asymm.index_action AS i ON i.index_id = x.indexrelid
          JOIN asymm.action AS a ON a.id = i.action_id AND a.kind = 'create index' AND a.state = 'verified'
         CROSS JOIN LATERAL asymm._advised_queries(a.evidence_before) AS q (queries)
         CROSS JOIN LATERAL (
               SELECT string_agg(DISTINCT quote_ident(ni.index_name), ', ') AS names, max(na.changed_at) AS at, array_agg(u.query) AS queries
                 FROM asymm.index_action AS ni
                 JOIN asymm.action AS na ON na.id = ni.action_id AND na.kind = 'create index' AND na.state = 'verified'
                 JOIN x AS o ON o.indexrelid = ni.index_id AND o.indisvalid
                CROSS JOIN unnest(asymm._advised_queries(na.evidence_before)) AS u (query)
                WHERE ni.relid = x.indrelid AND ni.built_at > i.built_at AND u.query = ANY (q.queries)) AS n
         WHERE x.needed IS NULL AND x.indisvalid AND q.queries <> '{}' AND q.queries <@ n.queries
           AND EXISTS (SELECT FROM asymm.index_counter AS c
                        WHERE c.index_id = x.indexrelid AND c.scans = pg_stat_get_numscans(x.indexrelid)
                          AND c.used_at < LEAST(n.at, clock_timestamp() - v_set.validation_min))
        UNION ALL
        SELECT x.indrelid, x.indexrelid, 5, 'unused',
               format('no query has used it in %s', CASE WHEN u.since >= interval '1 day' THEN EXTRACT(day FROM u.since) || ' days'
                                                         ELSE date_trunc('second', u.since)::text END)
          FROM x
         CROSS JOIN LATERAL (
               SELECT clock_timestamp() - GREATEST(v_since, (SELECT c.used_at FROM asymm.index_counter AS c
                                                              WHERE c.index_id = x.indexrelid)) AS since) AS u
         WHERE x.needed IS NULL AND x.indisvalid AND v_since < clock_timestamp() - v_unused
           AND (pg_stat_get_numscans(x.indexrelid) = 0
                OR EXISTS (SELECT FROM asymm.index_counter AS c
                            WHERE c.index_id = x.indexrelid AND c.scans = pg_stat_get_numscans(x.indexrelid)
                              AND c.used_at < clock_timestamp() - v_unused))
           AND NOT EXISTS (SELECT FROM asymm.ddl_log AS l WHERE l.at > clock_timestamp() - v_unused AND x.indexrelid = ANY (l.object_ids))
           AND NOT EXISTS (SELECT FROM asymm.index_action AS w WHERE w.index_id = x.indexrelid AND w.built_at > clock_timestamp() - v_unused)
        UNION ALL
        -- More than its rows need at most, were they as short as can be; how long they are who may read them says. What was rebuilt and hasn't
        -- grown since is as large as that.
        SELECT x.indrelid, x.indexrelid, 6, 'bloated', NULL FROM x
         WHERE x.indisvalid AND x.reltuples > 0 AND x.relpages >= 1000 AND x.relpages > 2.5 * x.reltuples * (16 + 8 * cardinality(x.keys)) / 8150
           AND NOT EXISTS (SELECT FROM asymm.index_action AS w JOIN asymm.action AS a ON a.id = w.action_id
                            WHERE w.index_id = x.indexrelid AND a.kind = 'reindex' AND a.state = 'verified'
                              AND pg_relation_size(x.indexrelid) < 1.5 * w.size_bytes)
           AND x.relam = (SELECT a.oid FROM pg_am AS a WHERE a.amname = 'btree'))
    SELECT DISTINCT ON (f.indexrelid) f.indrelid, f.indexrelid, f.fault, f.reason FROM f ORDER BY f.indexrelid, f.place;
END
$$;
COMMENT ON FUNCTION asymm._index_faults() IS 'Indexes of tables the caller may act for that are invalid, duplicate, covered by another, superseded, unused or bloated, and why.';

-- Statistics are for who may read the table.
CREATE OR REPLACE FUNCTION asymm._index_pages(index_id oid) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT ceil(i.reltuples * (16 + sum(8 * ceil(s.avg_width / 8.0)))
                    / (81.5 * COALESCE(substring(array_to_string(i.reloptions, ' ') FROM 'fillfactor=(\d+)')::integer, 90)))::bigint
          FROM pg_class AS i
          JOIN pg_index AS x ON x.indexrelid = i.oid
          JOIN pg_class AS c ON c.oid = x.indrelid
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
         CROSS JOIN LATERAL unnest(x.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
          -- Expressions have statistics of their own, under the name of the index.
          JOIN pg_attribute AS a ON a.attrelid = CASE k.attnum WHEN 0 THEN i.oid ELSE c.oid END
                                AND a.attnum = CASE k.attnum WHEN 0 THEN k.place ELSE k.attnum END
          LEFT JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.attname = a.attname AND NOT s.inherited
                                 AND s.tablename = CASE k.attnum WHEN 0 THEN i.relname ELSE c.relname END
         WHERE i.oid = _index_pages.index_id
         GROUP BY i.oid, i.reltuples, i.reloptions HAVING bool_and(s.avg_width IS NOT NULL));
END
$$;
COMMENT ON FUNCTION asymm._index_pages(oid) IS 'Pages that the rows of a B-tree need at most, filled as it is told to; NULL where there are no statistics.';

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
    FOR v IN SELECT f.fault, COALESCE(f.reason, format('%s pages for what %s would hold', i.relpages, e.pages)) AS reason,
                    n.nspname, c.relname AS called, i.relname AS index, pg_relation_size(f.index_id) AS bytes
               FROM asymm._index_faults() AS f
               JOIN pg_class AS c ON c.oid = f.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace
               JOIN pg_class AS i ON i.oid = f.index_id
              CROSS JOIN LATERAL (SELECT CASE WHEN f.fault = 'bloated' THEN asymm._index_pages(i.oid) END AS pages) AS e
              WHERE f.fault <> 'bloated' OR i.relpages > 2.5 * e.pages LOOP
        v_action := asymm._propose_index(CASE WHEN v.fault = 'bloated' THEN 'reindex' ELSE 'drop index' END, jsonb_build_object(
                        'schema', v.nspname, 'table', v.called, 'index', v.index, 'size_bytes', v.bytes, 'reason', v.reason, 'fault', v.fault)
                    || CASE WHEN v.fault = 'unused' AND asymm._has_standbys() THEN '{"standbys": true}'::jsonb ELSE '{}' END);
        v_count := v_count + num_nonnulls(v_action);
    END LOOP;
    RETURN CASE WHEN v_count > 0 THEN jsonb_build_object('actions', v_count) END;
END
$$;
COMMENT ON FUNCTION asymm._propose_drops() IS 'Organ: proposes to drop or rebuild indexes that are more trouble than use, unless autopilot is off.';
