-- What readers see of the graph.

CREATE OR REPLACE VIEW asymm._query_figures AS
    SELECT q.id AS query, q.command, c.seen_at AS last_fired, l.calls, l.exec_ms / NULLIF(l.calls, 0) AS mean_ms,
           GREATEST(l.exec_squares / NULLIF(l.calls, 0) - (l.exec_ms / NULLIF(l.calls, 0)) ^ 2, 0) AS variance_ms2
      FROM asymm.query AS q
      LEFT JOIN asymm.query_counter AS c ON (c.queryid, c.role_id, c.toplevel) = (q.queryid, q.role_id, q.toplevel)
      LEFT JOIN (SELECT l.query_id, sum(l.calls)::bigint AS calls, sum(l.exec_ms) AS exec_ms, sum(l.exec_squares) AS exec_squares
                   FROM asymm.query_load AS l WHERE l.at > clock_timestamp() - interval '7 days' GROUP BY l.query_id) AS l ON l.query_id = q.id;
COMMENT ON VIEW asymm._query_figures IS 'Calls, mean and variance of the time of each statement in the last seven days, and when it was last seen to run.';

CREATE OR REPLACE VIEW asymm.nodes AS
    SELECT n.kind || ':' || n.name AS node, n.kind, n.what,
           CASE WHEN n.gone_at IS NOT NULL THEN 'gone' WHEN q.seen_at < clock_timestamp() - (SELECT g.dormant_after FROM asymm.graph_settings AS g)
                     THEN 'dormant' ELSE 'live' END AS state,
           n.relid::regclass AS relation, n.query_id AS query, n.first_seen,
           CASE WHEN n.gone_at IS NOT NULL THEN n.gone_at WHEN n.kind = 'query' THEN COALESCE(q.seen_at, n.first_seen)
                ELSE (SELECT s.refreshed_at FROM asymm.graph_state AS s) END AS last_seen
      FROM asymm.node AS n
      LEFT JOIN (SELECT c.query_id, max(c.seen_at) AS seen_at FROM asymm.query_counter AS c WHERE c.query_id IS NOT NULL GROUP BY c.query_id) AS q
             ON q.query_id = n.query_id;
COMMENT ON VIEW asymm.nodes
    IS 'Nodes of the graph: entities (tables, views), queries (by their number in asymm.queries) and caches (mirrored tables, cached queries); state live, dormant or gone.';

CREATE OR REPLACE VIEW asymm._flow AS
    SELECT f.source, f.target, f.kind, a.kind || ':' || a.name AS source_node, b.kind || ':' || b.name AS target_node,
           COALESCE(a.query_id, b.query_id) AS query, f.first_seen
      FROM asymm.flow AS f JOIN asymm.node AS a ON a.id = f.source JOIN asymm.node AS b ON b.id = f.target;
COMMENT ON VIEW asymm._flow IS 'Flows with the names of their ends.';

CREATE OR REPLACE VIEW asymm.flows AS
    SELECT f.source_node AS source, f.target_node AS target, f.kind,
           f.kind NOT IN ('reads', 'writes', 'cached')
               OR EXISTS (SELECT FROM asymm._declared_lineage AS d WHERE d.source = f.source_node AND d.target = f.target_node) AS declared,
           q.calls, q.last_fired, q.mean_ms, q.variance_ms2, f.query, f.first_seen
      FROM asymm._flow AS f LEFT JOIN asymm._query_figures AS q ON q.query = f.query;
COMMENT ON VIEW asymm.flows
    IS 'How data flows: foreign keys, views, rules and functions (declared by DDL), what queries read and write by their plans, copies; calls and latency of the last seven days where a query does it.';
