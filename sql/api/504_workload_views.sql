-- What operators and readers see of the workload.

CREATE OR REPLACE VIEW asymm.queries AS
    SELECT q.id AS query, q.queryid, pg_get_userbyid(q.role_id) AS role, q.toplevel, q.command,
           CASE WHEN asymm._sees_statements() THEN q.statement END AS statement,
           l.calls, l.exec_ms, l.exec_ms / NULLIF(l.calls, 0) AS mean_ms, l.exec_ms / NULLIF(sum(l.exec_ms) OVER (), 0) AS share,
           l.rows, l.blocks_hit, l.blocks_read, l.blocks_dirtied, l.temp_blocks, l.wal_bytes,
           (SELECT count(*) FROM asymm.query_example AS e WHERE e.query_id = q.id) AS examples,
           k.reason AS not_planned, q.first_seen, c.seen_at AS last_seen
      FROM asymm.query AS q
      LEFT JOIN asymm.query_counter AS c ON (c.queryid, c.role_id, c.toplevel) = (q.queryid, q.role_id, q.toplevel)
      LEFT JOIN asymm.query_look AS k ON k.query_id = q.id
      LEFT JOIN (SELECT l.query_id, sum(l.calls)::bigint AS calls, sum(l.exec_ms) AS exec_ms, sum(l.rows)::bigint AS rows,
                        sum(l.blocks_hit)::bigint AS blocks_hit, sum(l.blocks_read)::bigint AS blocks_read,
                        sum(l.blocks_dirtied)::bigint AS blocks_dirtied, sum(l.temp_blocks)::bigint AS temp_blocks, sum(l.wal_bytes) AS wal_bytes
                   FROM asymm.query_load AS l WHERE l.at > clock_timestamp() - interval '7 days' GROUP BY l.query_id) AS l ON l.query_id = q.id;
COMMENT ON VIEW asymm.queries IS 'Statements of the last seven days: calls, time (ms), rows, blocks, share of all time; texts are for operators.';

CREATE OR REPLACE VIEW asymm.slow_queries AS
    SELECT q.query, q.role, q.command, q.statement, q.calls, q.mean_ms, q.exec_ms, q.share,
           concat_ws('; ', CASE WHEN q.mean_ms >= 100 THEN format('%s ms a call', round(q.mean_ms::numeric)) END,
                     CASE WHEN q.share >= 0.05 THEN format('%s %% of all time', round(100 * q.share::numeric)) END,
                     CASE WHEN q.temp_blocks > q.calls THEN format('%s temporary blocks a call', q.temp_blocks / q.calls) END) AS why
      FROM asymm.queries AS q
     WHERE q.calls > 0 AND (q.mean_ms >= 100 OR q.share >= 0.05)
     ORDER BY q.exec_ms DESC;
COMMENT ON VIEW asymm.slow_queries IS 'Statements that take 100 ms a call or a twentieth of all time, and why they stand here; the costliest first.';

CREATE OR REPLACE VIEW asymm.column_writes AS
    SELECT c.oid::regclass AS target, a.attname AS "column", count(*) AS queries, sum(l.calls)::bigint AS calls, sum(l.rows)::bigint AS rows
      FROM asymm.query_look AS k
     CROSS JOIN LATERAL jsonb_each(k.written) AS w (relid, columns)
     CROSS JOIN LATERAL jsonb_array_elements_text(w.columns) AS n (number)
      JOIN pg_class AS c ON c.oid = w.relid::oid AND c.relkind IN ('r', 'p')
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = n.number::smallint AND NOT a.attisdropped
      -- What changes rows within a WITH says only what it returns.
      JOIN (SELECT l.query_id, sum(l.calls) AS calls,
                   CASE WHEN bool_and(q.command = 'update') THEN sum(l.rows) ELSE GREATEST(sum(l.rows), sum(l.calls)) END AS rows
              FROM asymm.query_load AS l JOIN asymm.query AS q ON q.id = l.query_id
             WHERE l.at > clock_timestamp() - interval '7 days' GROUP BY l.query_id) AS l ON l.query_id = k.query_id
     GROUP BY c.oid, a.attname;
COMMENT ON VIEW asymm.column_writes IS 'How many rows updates set each column of in the last seven days, by the statements that do it.';

CREATE OR REPLACE VIEW asymm.table_writes AS
    SELECT l.relid::regclass AS target, l.inserted, l.updated, l.updated_hot, l.updated_hot::float8 / NULLIF(l.updated, 0) AS hot_share, l.deleted,
           l.scans, l.rows_scanned, l.index_scans
      FROM (SELECT t.relid, sum(t.inserted)::bigint AS inserted, sum(t.updated)::bigint AS updated, sum(t.updated_hot)::bigint AS updated_hot,
                   sum(t.deleted)::bigint AS deleted, sum(t.scans)::bigint AS scans, sum(t.rows_scanned)::bigint AS rows_scanned,
                   sum(t.index_scans)::bigint AS index_scans
              FROM asymm.table_load AS t WHERE t.at > clock_timestamp() - interval '7 days' GROUP BY t.relid) AS l
      JOIN pg_class AS c ON c.oid = l.relid;
COMMENT ON VIEW asymm.table_writes IS 'Rows written to each table in the last seven days, the share of updates within their page (HOT), scans.';
