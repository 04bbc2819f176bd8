-- How a query of the workload goes, and what could answer it.

-- Times are the measured ones: of the server for itself, of drivers for what they read from copies. What was never measured says so.
CREATE OR REPLACE FUNCTION asymm.route(query bigint)
RETURNS TABLE (place integer, role text, node text, state text, ms double precision, calls bigint, plan_cost double precision, best boolean,
               remark text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_node asymm.node;
    v_reads boolean;
    v_kept boolean;
    v_missing text;
BEGIN
    IF $1 IS NULL THEN
        PERFORM asymm._require_text(NULL, 'query');
    END IF;
    v_node := asymm._require_node('query:' || $1, 'query');
    SELECT NOT EXISTS (SELECT FROM asymm.flow AS f WHERE f.source = (v_node).id AND f.kind = 'writes') AND (v_node).what = 'select' INTO v_reads;
    SELECT string_agg(a.name, ', ' ORDER BY a.name) INTO v_missing
      FROM asymm.flow AS f JOIN asymm.node AS a ON a.id = f.source
     WHERE f.target = (v_node).id AND f.kind = 'reads' AND a.what <> 'view'
       AND NOT EXISTS (SELECT FROM asymm.flow AS m WHERE m.source = a.id AND m.kind = 'mirror');
    v_kept := v_reads AND v_missing IS NULL AND EXISTS (SELECT FROM asymm.flow AS f WHERE f.target = (v_node).id AND f.kind = 'reads');
    RETURN QUERY
    WITH station AS (
        SELECT 1 AS section, 'query' AS role, 'query:' || $1 AS node, NULL::text AS state, g.mean_ms AS ms, g.calls,
               (SELECT (p.plan ->> 'Total Cost')::double precision FROM asymm.query_plan AS p WHERE p.query_id = $1
                 ORDER BY p.last_seen DESC LIMIT 1) AS plan_cost,
               (SELECT k.reason FROM asymm.query_look AS k WHERE k.query_id = $1) AS remark
          FROM (SELECT 1) AS one LEFT JOIN asymm._query_figures AS g ON g.query = $1
        UNION ALL
        SELECT CASE f.kind WHEN 'reads' THEN 2 ELSE 3 END, f.kind, CASE f.kind WHEN 'reads' THEN f.source_node ELSE f.target_node END,
               NULL, NULL, NULL, NULL, NULL
          FROM asymm._flow AS f WHERE f.query = $1
        UNION ALL
        SELECT 4, 'copy', 'cache:' || c.name, COALESCE(s.state, 'not told'), NULL, r.hits + r.misses, NULL, s.error
          FROM asymm.flow AS f JOIN asymm.flow AS m ON m.source = f.source AND m.kind = 'mirror' JOIN asymm.node AS c ON c.id = m.target
          LEFT JOIN asymm._mirror_status AS s ON s.object = c.name
         CROSS JOIN LATERAL asymm._counted_as(c) AS a
          LEFT JOIN asymm._read_totals AS r ON (r.kind, r.name) = (a.kind, a.name)
         WHERE f.target = (v_node).id AND f.kind = 'reads'
        UNION ALL
        SELECT 5, 'answers', w.name, CASE WHEN w.name = 'primary' THEN 'live' WHEN NOT v_reads THEN 'no: it changes something'
                                          WHEN w.name = 'replica' AND t.reads IS NULL THEN 'not measured'
                                          WHEN w.name <> 'replica' AND NOT v_kept THEN 'no: not all it reads is mirrored'
                                          WHEN t.reads IS NULL THEN 'not measured' ELSE 'live' END,
               CASE WHEN w.name = 'primary' THEN (SELECT g.mean_ms FROM asymm._query_figures AS g WHERE g.query = $1) ELSE t.ms END,
               CASE WHEN w.name <> 'primary' THEN t.reads END, NULL,
               CASE WHEN w.name IN ('near', 'redis') AND v_reads AND NOT v_kept THEN 'not mirrored: ' || COALESCE(v_missing, 'no plan was looked at')
                    WHEN w.name <> 'primary' AND t.reads IS NOT NULL THEN 'mean of all that drivers read by this route' END
          FROM unnest('{near,redis,replica,primary}'::text[]) AS w (name)
          LEFT JOIN (SELECT c.route, sum(c.hits)::bigint AS reads, 1000 * sum(c.seconds) / sum(c.hits) AS ms
                       FROM asymm.read_count AS c WHERE c.kind = 'query' AND c.hits > 0 AND c.route <> 'primary' GROUP BY c.route) AS t
                 ON t.route = w.name)
    SELECT (row_number() OVER w)::integer, s.role, s.node, s.state, s.ms, s.calls, s.plan_cost,
           CASE WHEN s.role = 'answers'
                THEN s.node = (SELECT b.node FROM station AS b WHERE b.role = 'answers' AND b.state = 'live'
                                ORDER BY b.ms NULLS LAST, array_position('{near,redis,replica,primary}'::text[], b.node) LIMIT 1) END, s.remark
      FROM station AS s
    WINDOW w AS (ORDER BY s.section, CASE s.role WHEN 'answers' THEN array_position('{near,redis,replica,primary}'::text[], s.node) END, s.node)
     ORDER BY 1;
END
$$;
COMMENT ON FUNCTION asymm.route(bigint)
    IS 'How a query of the workload (its number in asymm.queries) goes: its time and plan cost, what it reads and writes, the copies of that, and which route would answer it best by measured times. Raises 42704.';
