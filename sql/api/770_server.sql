-- The server's own figures of this database, its tables, and who waits for whom.

CREATE OR REPLACE FUNCTION asymm._database_now() RETURNS TABLE (
    size_bytes bigint, sessions bigint, active bigint, waiting bigint, idle_in_transaction bigint, max_connections integer,
    commits bigint, rollbacks bigint, hit_rate double precision, oldest_transaction interval, oldest_transaction_pid integer,
    deadlocks bigint, temp_bytes bigint, wal_bytes numeric, since timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 1
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_activity record;
    v_oldest record;
BEGIN
    SELECT count(*) AS sessions, count(*) FILTER (WHERE a.state = 'active') AS active,
           count(*) FILTER (WHERE a.state = 'active' AND a.wait_event_type = 'Lock') AS waiting,
           count(*) FILTER (WHERE a.state LIKE 'idle in transaction%') AS idle
      INTO v_activity
      FROM pg_stat_activity AS a WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid();
    SELECT clock_timestamp() - a.xact_start AS age, a.pid INTO v_oldest
      FROM pg_stat_activity AS a
     WHERE a.datname = current_database() AND a.xact_start IS NOT NULL AND a.pid <> pg_backend_pid() AND a.backend_type <> 'walsender'
     ORDER BY a.xact_start LIMIT 1;
    RETURN QUERY
        SELECT CASE WHEN has_database_privilege(d.datid, 'CONNECT') THEN pg_database_size(d.datid) END, v_activity.sessions, v_activity.active,
               v_activity.waiting, v_activity.idle, current_setting('max_connections')::integer, d.xact_commit, d.xact_rollback,
               d.blks_hit::float8 / NULLIF(d.blks_hit + d.blks_read, 0), v_oldest.age, v_oldest.pid, d.deadlocks, d.temp_bytes, w.wal_bytes,
               d.stats_reset
          FROM pg_stat_database AS d CROSS JOIN pg_stat_wal AS w
         WHERE d.datname = current_database();
END
$$;
COMMENT ON FUNCTION asymm._database_now() IS 'What asymm.database_now shows.';

CREATE OR REPLACE VIEW asymm.database_now AS SELECT s.* FROM asymm._database_now() AS s;
COMMENT ON VIEW asymm.database_now
    IS 'This database in one row: size, other sessions and what they do (waiting: for a lock), transactions, share of blocks found in memory, the oldest transaction; counters since the statistics were reset. wal_bytes is the whole server''s.';

-- Both ends of each wait, without what they run: that is for those who may read pg_stat_activity.
CREATE OR REPLACE FUNCTION asymm._lock_waits() RETURNS TABLE (
    pid integer, role name, application text, state text, waits_for text, waiting interval, blocked_by integer[], blocks bigint,
    in_transaction interval)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_database constant oid := (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database());
BEGIN
    RETURN QUERY
        WITH waiter AS MATERIALIZED (
            SELECT a.pid, pg_blocking_pids(a.pid) AS blocked_by
              FROM pg_stat_activity AS a WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'),
        blocker AS (SELECT b.pid, count(*) AS blocks FROM waiter AS w CROSS JOIN LATERAL unnest(w.blocked_by) AS b (pid) GROUP BY b.pid)
        SELECT a.pid, a.usename, a.application_name, a.state,
               l.mode || ' on ' || CASE WHEN l.relation IS NULL THEN l.locktype
                   ELSE COALESCE((SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                                   WHERE c.oid = l.relation AND l.database = v_database),
                                 'relation ' || l.relation) END,
               clock_timestamp() - l.waitstart, COALESCE(w.blocked_by, '{}'), COALESCE(b.blocks, 0), clock_timestamp() - a.xact_start
          FROM pg_stat_activity AS a
          LEFT JOIN waiter AS w ON w.pid = a.pid
          LEFT JOIN blocker AS b ON b.pid = a.pid
          LEFT JOIN LATERAL (SELECT k.* FROM pg_locks AS k WHERE w.pid IS NOT NULL AND k.pid = a.pid AND NOT k.granted LIMIT 1) AS l ON true
         WHERE cardinality(w.blocked_by) > 0 OR b.blocks > 0
         ORDER BY cardinality(COALESCE(w.blocked_by, '{}')) = 0 DESC, b.blocks DESC NULLS LAST, l.waitstart;
END
$$;
COMMENT ON FUNCTION asymm._lock_waits() IS 'What asymm.lock_waits shows.';

CREATE OR REPLACE VIEW asymm.lock_waits AS SELECT w.* FROM asymm._lock_waits() AS w;
COMMENT ON VIEW asymm.lock_waits
    IS 'Sessions that wait for a lock and those they wait for: first who blocks others and waits for nobody; what is waited for and how long, who is in the way (blocked_by), how many wait for this one directly (blocks).';

-- The size of a table that somebody holds or wants for himself would have to be waited for: it is left out.
CREATE OR REPLACE VIEW asymm.table_health AS
    WITH held AS MATERIALIZED (
        SELECT COALESCE(i.indrelid, l.relation) AS relid
          FROM pg_locks AS l LEFT JOIN pg_index AS i ON i.indexrelid = l.relation
         WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
           AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
    SELECT format('%I.%I', s.schemaname, s.relname) AS object,
           CASE WHEN s.relid NOT IN (SELECT h.relid FROM held AS h) THEN pg_total_relation_size(s.relid) END AS bytes, s.n_live_tup AS rows,
           s.n_dead_tup::float8 / NULLIF(s.n_live_tup + s.n_dead_tup, 0) AS dead_share,
           s.seq_scan AS scans, s.idx_scan AS index_scans, s.n_tup_ins + s.n_tup_upd + s.n_tup_del AS written,
           s.n_tup_hot_upd::float8 / NULLIF(s.n_tup_upd, 0) AS hot_share,
           GREATEST(s.last_vacuum, s.last_autovacuum) AS last_vacuum, GREATEST(s.last_analyze, s.last_autoanalyze) AS last_analyze,
           b.policy,
           CASE WHEN b.id IS NOT NULL
                THEN (SELECT count(*) FROM asymm.drift_record AS d WHERE d.baseline_id = b.id AND d.state = 'open') END AS drifted
      FROM pg_stat_user_tables AS s
      LEFT JOIN asymm.baseline AS b ON b.kind = 'table' AND b.schema_name = s.schemaname AND b.object_name = s.relname
     WHERE s.schemaname NOT IN ('asymm', 'asymm_telemetry');
COMMENT ON VIEW asymm.table_health
    IS 'Tables of users: size with indexes (NULL while somebody has or wants the table for himself), rows and share of dead ones (as the server estimates), scans, writes, share of updates within their page, last VACUUM and ANALYZE, the policy they are watched by and open differences.';
