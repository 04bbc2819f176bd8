-- Declared lineage against flows that were seen: what asymm.flows knows, seen through the queries that carry data from table to table.

CREATE OR REPLACE VIEW asymm._declared_pair AS
    SELECT d.source, d.target, d.by_flow, s.id AS source_id, t.id AS target_id
      FROM asymm._declared_lineage AS d
      LEFT JOIN asymm.node AS s ON s.gone_at IS NULL AND s.kind = split_part(d.source, ':', 1)
                                 AND s.name = substr(d.source, strpos(d.source, ':') + 1)
      LEFT JOIN asymm.node AS t ON t.gone_at IS NULL AND t.kind = split_part(d.target, ':', 1)
                                 AND t.name = substr(d.target, strpos(d.target, ':') + 1);
COMMENT ON VIEW asymm._declared_pair IS 'Declared lineage with the numbers of both nodes; NULL where there is no such node.';

-- A declared source was seen if it flows to the target by itself, through a query, or to another source of the same target that was seen.
CREATE OR REPLACE VIEW asymm._seen_lineage AS
    WITH RECURSIVE pair AS MATERIALIZED (SELECT p.* FROM asymm._declared_pair AS p WHERE p.source_id IS NOT NULL AND p.target_id IS NOT NULL),
    hop AS MATERIALIZED (
        SELECT f.source, f.target, COALESCE(b.query_id, a.query_id) AS query
          FROM asymm.flow AS f JOIN asymm.node AS a ON a.id = f.source JOIN asymm.node AS b ON b.id = f.target
         WHERE f.source IN (SELECT p.source_id FROM pair AS p)
        UNION
        SELECT r.source, w.target, n.query_id
          FROM asymm.flow AS r JOIN asymm.flow AS w ON w.source = r.target AND w.kind = 'writes' JOIN asymm.node AS n ON n.id = r.target
         WHERE r.kind = 'reads' AND r.source IN (SELECT p.source_id FROM pair AS p) AND r.source <> w.target),
    seen AS (
        SELECT p.source_id, p.target_id, h.query FROM pair AS p JOIN hop AS h ON (h.source, h.target) = (p.source_id, p.target_id)
        UNION
        SELECT p.source_id, p.target_id, h.query
          FROM seen AS s JOIN pair AS p ON p.target_id = s.target_id JOIN hop AS h ON (h.source, h.target) = (p.source_id, s.source_id))
    SELECT p.source, p.target, max(p.target_id) AS target_id,
           -- What no query carries is always there.
           CASE WHEN bool_and(s.query IS NOT NULL) THEN max(c.seen_at) END AS last_fired
      FROM seen AS s JOIN pair AS p USING (source_id, target_id)
      LEFT JOIN asymm.query_counter AS c ON c.query_id = s.query
     GROUP BY p.source, p.target;
COMMENT ON VIEW asymm._seen_lineage IS 'Declared lineage that was seen to flow, and when a query last did it (NULL: it does not need one).';

-- Only where sources are declared can one be missing among them. What DDL says is declared by that; a table behind a declared view,
-- and a view over a declared table, are what was declared.
CREATE OR REPLACE VIEW asymm._phantom_flow AS
    WITH RECURSIVE pair AS MATERIALIZED (SELECT p.* FROM asymm._declared_pair AS p WHERE p.source_id IS NOT NULL AND p.target_id IS NOT NULL),
    target AS MATERIALIZED (SELECT DISTINCT p.target, p.target_id FROM pair AS p),
    below AS (
        SELECT p.target_id, p.source_id AS id FROM pair AS p
        UNION
        SELECT b.target_id, f.source FROM below AS b JOIN asymm.flow AS f ON f.target = b.id AND f.kind IN ('view', 'function', 'inherits', 'rule')),
    above AS (
        SELECT p.target_id, p.source_id AS id FROM pair AS p
        UNION
        SELECT b.target_id, f.target FROM above AS b JOIN asymm.flow AS f ON f.source = b.id AND f.kind IN ('view', 'function', 'inherits', 'rule')),
    known AS MATERIALIZED (SELECT b.* FROM below AS b UNION SELECT a.* FROM above AS a),
    came AS (
        -- What is read by a query, or kept in a cache, whose sources are declared.
        SELECT t.target_id, f.source AS source_id, n.query_id AS query
          FROM target AS t JOIN asymm.flow AS f ON f.target = t.target_id AND f.kind IN ('reads', 'cached') JOIN asymm.node AS n ON n.id = t.target_id
        UNION
        -- What a query reads that writes there, unless the query itself is declared; if it reads nothing else, the query.
        SELECT t.target_id, COALESCE(r.source, w.source), n.query_id
          FROM target AS t JOIN asymm.flow AS w ON w.target = t.target_id AND w.kind = 'writes' JOIN asymm.node AS n ON n.id = w.source
          LEFT JOIN asymm.flow AS r ON r.target = w.source AND r.kind = 'reads' AND r.source <> t.target_id
         WHERE NOT EXISTS (SELECT FROM known AS k WHERE k.target_id = t.target_id AND k.id = w.source)
           -- A row that is only changed or deleted comes from nowhere else.
           AND (r.source IS NOT NULL OR n.what IN ('insert', 'merge')))
    SELECT s.kind || ':' || s.name AS source, t.target, c.query
      FROM came AS c JOIN target AS t ON t.target_id = c.target_id JOIN asymm.node AS s ON s.id = c.source_id
     WHERE NOT EXISTS (SELECT FROM known AS k WHERE k.target_id = c.target_id AND k.id = c.source_id);
COMMENT ON VIEW asymm._phantom_flow IS 'Data that flows to a node with declared sources from one that is none of them, and the query that carries it.';

CREATE OR REPLACE VIEW asymm.lineage_faults AS
    SELECT f.fault, f.source, f.target, f.query, f.seen, f.evidence, f.recommended
      FROM (
        SELECT 'broken' AS fault, p.source, p.target, NULL::bigint AS query,
               CASE WHEN p.source_id IS NULL THEN format('%s is not there', p.source)
                    WHEN p.target_id IS NULL THEN format('%s is not there', p.target)
                    ELSE 'declared, and never seen to flow' END AS seen,
               jsonb_build_object('declared_by', CASE WHEN p.by_flow THEN 'declare_flow' ELSE 'lineage of an annotation' END) AS evidence,
               CASE WHEN p.by_flow THEN format('SELECT asymm.undeclare_flow(%L, %L), or find what should have carried it', p.source, p.target)
                    ELSE format('correct the lineage of %s by asymm.annotate(), or find what should have carried it', p.target) END AS recommended
          FROM asymm._declared_pair AS p
         WHERE NOT EXISTS (SELECT FROM asymm._seen_lineage AS s WHERE s.source = p.source AND s.target = p.target)
        UNION ALL
        SELECT 'phantom', h.source, h.target, min(h.query), 'seen to flow, and not declared',
               jsonb_build_object('queries', jsonb_agg(h.query ORDER BY h.query) FILTER (WHERE h.query IS NOT NULL)),
               format('SELECT asymm.declare_flow(%L, %L), or stop what carries it', h.source, h.target)
          FROM asymm._phantom_flow AS h GROUP BY h.source, h.target
        UNION ALL
        SELECT 'dormant', s.source, s.target, NULL, format('not seen to flow since %s', date_trunc('second', s.last_fired)),
               jsonb_build_object('last_fired', s.last_fired), 'find out whether the job that carried it still runs'
          FROM asymm._seen_lineage AS s CROSS JOIN asymm.graph_settings AS g WHERE s.last_fired < clock_timestamp() - g.dormant_after
        UNION ALL
        SELECT 'slow', (SELECT min(a.source_node) FROM asymm._flow AS a WHERE a.query = q.query AND a.kind = 'reads'), 'query:' || q.query, q.query,
               format('its time varies by %s ms² around %s ms', round(q.variance_ms2::numeric), round(q.mean_ms::numeric, 1)),
               jsonb_build_object('variance_ms2', q.variance_ms2, 'mean_ms', q.mean_ms, 'calls', q.calls),
               format('SELECT * FROM asymm.query_plans WHERE query = %s, and asymm.route(%s)', q.query, q.query)
          FROM asymm._query_figures AS q CROSS JOIN asymm.graph_settings AS g
         WHERE q.variance_ms2 > g.slow_variance AND q.calls >= 5
           AND EXISTS (SELECT FROM asymm.node AS n WHERE n.query_id = q.query AND n.gone_at IS NULL)) AS f;
COMMENT ON VIEW asymm.lineage_faults
    IS 'Declared lineage against flows that were seen: broken (declared, never seen), phantom (seen where sources are declared, and not among them), dormant (declared, not seen for dormant_after), and slow (latency varies by more than slow_variance).';

CREATE OR REPLACE VIEW asymm.lineage_coverage AS
    SELECT n.nodes, n.annotated, n.forked, n.annotated::double precision / NULLIF(n.nodes, 0) AS annotated_share,
           f.flows, f.declared, f.declared::double precision / NULLIF(f.flows, 0) AS declared_share,
           d.declarations, d.seen, d.seen::double precision / NULLIF(d.declarations, 0) AS seen_share
      FROM (SELECT count(*) AS nodes, count(*) FILTER (WHERE v.different = 1) AS annotated, count(*) FILTER (WHERE v.different > 1) AS forked
              FROM asymm.node AS n
              LEFT JOIN (SELECT v.node, count(DISTINCT ((v.annotation).symbol, (v.annotation).scope, (v.annotation).regime, (v.annotation).cost,
                                                        (v.annotation).lineage)) AS different FROM asymm._voice AS v GROUP BY v.node) AS v
                     ON v.node = n.kind || ':' || n.name
             WHERE n.gone_at IS NULL) AS n
     CROSS JOIN (SELECT count(*) AS flows, count(*) FILTER (WHERE f.kind NOT IN ('reads', 'writes', 'cached') OR d.source_id IS NOT NULL) AS declared
                   FROM asymm.flow AS f
                   LEFT JOIN (SELECT DISTINCT p.source_id, p.target_id FROM asymm._declared_pair AS p) AS d
                          ON (d.source_id, d.target_id) = (f.source, f.target)) AS f
     CROSS JOIN (SELECT count(*) AS declarations, count(*) FILTER (WHERE EXISTS (
                            SELECT FROM asymm._seen_lineage AS s WHERE s.source = p.source AND s.target = p.target)) AS seen
                   FROM asymm._declared_pair AS p) AS d;
COMMENT ON VIEW asymm.lineage_coverage
    IS 'How much of the graph is spoken of: nodes annotated and forked, flows that DDL or somebody declared, declarations that were seen; shares of 0 to 1.';
