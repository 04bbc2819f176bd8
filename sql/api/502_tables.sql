-- What is written to tables and read from them, and examples of statements.

CREATE OR REPLACE FUNCTION asymm._observe_tables() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off SET jit = off
AS $$
DECLARE
    v_load record := asymm._load_slot();
    v_first boolean;
BEGIN
    IF EXISTS (SELECT FROM asymm.replay_scan) THEN
        PERFORM asymm._settle_scans();
    END IF;
    SELECT w.tables_at IS NULL INTO v_first FROM asymm.workload_state AS w;
    WITH s AS MATERIALIZED (
        SELECT s.relid, s.n_tup_ins, s.n_tup_upd, s.n_tup_hot_upd, s.n_tup_del, s.seq_scan, s.seq_tup_read, COALESCE(s.idx_scan, 0) AS idx_scan
          FROM pg_stat_user_tables AS s WHERE s.schemaname <> 'asymm'),
    moved AS MATERIALIZED (
        SELECT s.*, c.relid IS NULL OR s.n_tup_ins < c.inserted OR s.n_tup_upd < c.updated OR s.n_tup_del < c.deleted
                    OR s.seq_scan < c.scans OR s.idx_scan < c.index_scans AS anew,
               c.inserted, c.updated, c.updated_hot, c.deleted, c.scans, c.rows_scanned, c.index_scans
          FROM s LEFT JOIN asymm.table_counter AS c ON c.relid = s.relid
         WHERE (s.n_tup_ins, s.n_tup_upd, s.n_tup_del, s.seq_scan, s.idx_scan)
               IS DISTINCT FROM (c.inserted, c.updated, c.deleted, c.scans, c.index_scans)),
    kept AS (
        INSERT INTO asymm.table_counter AS c
        SELECT m.relid, m.n_tup_ins, m.n_tup_upd, m.n_tup_hot_upd, m.n_tup_del, m.seq_scan, m.seq_tup_read, m.idx_scan FROM moved AS m
        ON CONFLICT (relid) DO UPDATE
           SET inserted = EXCLUDED.inserted, updated = EXCLUDED.updated, updated_hot = EXCLUDED.updated_hot, deleted = EXCLUDED.deleted,
               scans = EXCLUDED.scans, rows_scanned = EXCLUDED.rows_scanned, index_scans = EXCLUDED.index_scans),
    gone AS (
        DELETE FROM asymm.table_counter AS c WHERE NOT EXISTS (SELECT FROM s WHERE s.relid = c.relid))
    INSERT INTO asymm.table_load AS l
    SELECT v_load.slot, v_load.at, m.relid, m.n_tup_ins - b.inserted, m.n_tup_upd - b.updated, GREATEST(m.n_tup_hot_upd - b.updated_hot, 0),
           m.n_tup_del - b.deleted, m.seq_scan - b.scans, GREATEST(m.seq_tup_read - b.rows_scanned, 0), m.idx_scan - b.index_scans
      FROM moved AS m
     CROSS JOIN LATERAL (
           SELECT CASE WHEN m.anew THEN 0 ELSE m.inserted END AS inserted, CASE WHEN m.anew THEN 0 ELSE m.updated END AS updated,
                  CASE WHEN m.anew THEN 0 ELSE m.updated_hot END AS updated_hot, CASE WHEN m.anew THEN 0 ELSE m.deleted END AS deleted,
                  CASE WHEN m.anew THEN 0 ELSE m.scans END AS scans, CASE WHEN m.anew THEN 0 ELSE m.rows_scanned END AS rows_scanned,
                  CASE WHEN m.anew THEN 0 ELSE m.index_scans END AS index_scans) AS b
     WHERE NOT v_first
    ON CONFLICT (slot, at, relid) DO UPDATE
       SET inserted = l.inserted + EXCLUDED.inserted, updated = l.updated + EXCLUDED.updated, updated_hot = l.updated_hot + EXCLUDED.updated_hot,
           deleted = l.deleted + EXCLUDED.deleted, scans = l.scans + EXCLUDED.scans, rows_scanned = l.rows_scanned + EXCLUDED.rows_scanned,
           index_scans = l.index_scans + EXCLUDED.index_scans;
    -- A count that fell began anew: it was used before that, nobody knows when.
    WITH s AS MATERIALIZED (SELECT s.indexrelid, s.idx_scan FROM pg_stat_user_indexes AS s WHERE s.schemaname <> 'asymm'),
    gone AS (
        DELETE FROM asymm.index_counter AS c WHERE NOT EXISTS (SELECT FROM s WHERE s.indexrelid = c.index_id))
    INSERT INTO asymm.index_counter AS c (index_id, scans, used_at)
    SELECT s.indexrelid, s.idx_scan, CASE WHEN s.idx_scan > 0 THEN clock_timestamp() END
      FROM s LEFT JOIN asymm.index_counter AS k ON k.index_id = s.indexrelid WHERE s.idx_scan IS DISTINCT FROM k.scans
    ON CONFLICT (index_id) DO UPDATE SET scans = EXCLUDED.scans, used_at = clock_timestamp();
    UPDATE asymm.workload_state AS w SET tables_at = clock_timestamp();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._observe_tables() IS 'Organ: adds what the server counted for each user table since the last look to asymm.table_load.';

-- Sessions show the statement they run or ran last; one with its constants in the text is an example. Of four places the first
-- stays, the others are taken in turn.
CREATE OR REPLACE FUNCTION asymm._collect_examples() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_since timestamptz := (SELECT max(p.protected_at) FROM asymm.protected_column AS p);
BEGIN
    -- Without pg_stat_statements nothing is known that could have one.
    IF NOT EXISTS (SELECT FROM asymm.query) THEN
        RETURN NULL;
    END IF;
    IF v_since IS NOT NULL THEN
        -- A view may show another column since.
        v_since := GREATEST(v_since, (SELECT max(l.at) FROM asymm.ddl_log AS l WHERE l.command_tag ~ 'VIEW|RULE'));
    END IF;
    INSERT INTO asymm.query_example AS e (query_id, place, statement)
    SELECT q.id, CASE WHEN x.last IS NULL THEN 0 ELSE 1 + x.last % 3 END, s.statement
      FROM (SELECT DISTINCT ON (a.query_id, a.usesysid) a.query_id AS queryid, a.usesysid AS role_id, asymm._bare_statement(a.query) AS statement
              FROM pg_stat_activity AS a
             WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.query_id IS NOT NULL
               AND a.pid <> pg_backend_pid()
               AND octet_length(a.query) < LEAST(20000, pg_size_bytes(current_setting('track_activity_query_size')) - 1)) AS s
      JOIN asymm.query AS q ON q.queryid = s.queryid AND q.role_id = s.role_id AND q.toplevel
      LEFT JOIN LATERAL (SELECT e.place AS last FROM asymm.query_example AS e WHERE e.query_id = q.id ORDER BY e.seen_at DESC LIMIT 1) AS x ON true
     WHERE NOT EXISTS (SELECT FROM asymm.query_example AS e WHERE e.query_id = q.id AND e.statement = s.statement)
       -- A string of several statements shows the identity of the one that runs.
       AND asymm._command(s.statement) = q.command AND s.statement !~ ';'
       -- Of a statement that touches a protected column none is kept, nor of one of which that is not known.
       AND (v_since IS NULL
            OR EXISTS (SELECT FROM asymm.query_look AS k WHERE k.query_id = q.id AND k.touched = '' AND k.at > v_since)
               AND NOT asymm._names_protected('', s.statement))
       -- Parameters say nothing, but constants beside them are the same every time.
       AND (s.statement !~ '\$\d' OR asymm._parameter_count(s.statement) < asymm._parameter_count(q.statement))
    ON CONFLICT (query_id, place) DO UPDATE SET statement = EXCLUDED.statement, seen_at = EXCLUDED.seen_at;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._collect_examples() IS 'Organ: keeps what sessions run, with its constants, as examples of known statements.';

CREATE OR REPLACE FUNCTION asymm._parameter_count(statement text) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN (SELECT count(DISTINCT m[1]) FROM regexp_matches(statement, '\$(\d+)', 'g') AS m); END $$;
COMMENT ON FUNCTION asymm._parameter_count(text) IS 'How many parameters a statement has.';

-- What nobody has run for as long as the retention, and beyond 20,000 statements the longest unused.
CREATE OR REPLACE FUNCTION asymm._purge_workload() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM asymm.query_counter AS c
     USING (SELECT k.queryid, k.role_id, k.toplevel, k.seen_at, row_number() OVER (ORDER BY k.seen_at DESC) AS n FROM asymm.query_counter AS k) AS o,
           asymm.settings AS s
     WHERE (c.queryid, c.role_id, c.toplevel) = (o.queryid, o.role_id, o.toplevel)
       AND (o.n > 20000 OR o.seen_at < clock_timestamp() - s.retention);
    DELETE FROM asymm.query AS q
     WHERE NOT EXISTS (SELECT FROM asymm.query_counter AS c WHERE c.query_id = q.id)
       AND q.first_seen < clock_timestamp() - interval '8 days';
$$;
COMMENT ON FUNCTION asymm._purge_workload() IS 'Forgets statements that are not run any more.';
