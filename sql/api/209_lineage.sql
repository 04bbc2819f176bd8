-- Declared lineage against flows that were seen: what asymm.flows knows, seen through the queries that carry data from table to table.

CREATE OR REPLACE VIEW asymm._declared_pair AS
    SELECT d.source, d.target, d.by_flow, s.id AS source_id, t.id AS target_id
      FROM asymm._declared_lineage AS d
      LEFT JOIN asymm.node AS s ON s.gone_at IS NULL AND s.kind = split_part(d.source, ':', 1)
                                 AND s.name = substr(d.source, strpos(d.source, ':') + 1)
      LEFT JOIN asymm.node AS t ON t.gone_at IS NULL AND t.kind = split_part(d.target, ':', 1)
                                 AND t.name = substr(d.target, strpos(d.target, ':') + 1);
COMMENT ON VIEW asymm._declared_pair IS 'Declared lineage with the numbers of both nodes; NULL where there is no such node.';

CREATE OR REPLACE FUNCTION asymm._declared_pairs() RETURNS asymm._declared_pair[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = on
AS $$
BEGIN
    RETURN ARRAY(SELECT p FROM asymm._declared_pair AS p);
END
$$;
COMMENT ON FUNCTION asymm._declared_pairs() IS 'Declared lineage with the numbers of both nodes, to be read once and looked at several times.';

-- A declared source was seen if it flows to the target by itself, through a query, or to another source of the same target that was seen.
-- Functions, since the planner takes each step for a row or two: hash joins, whatever it believes.
CREATE OR REPLACE FUNCTION asymm._seen_flows(pairs asymm._declared_pair[])
RETURNS TABLE (source text, target text, last_fired timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off SET enable_mergejoin = off
AS $$
BEGIN
    IF pairs = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH RECURSIVE pair AS MATERIALIZED (SELECT p.* FROM unnest(pairs) AS p WHERE p.source_id IS NOT NULL AND p.target_id IS NOT NULL),
    -- Where it should arrive: a source of the same target will do.
    arrival AS MATERIALIZED (
        SELECT p.target_id, p.source_id, p.target_id AS at FROM pair AS p
        UNION
        SELECT p.target_id, p.source_id, o.source_id FROM pair AS p JOIN pair AS o ON o.target_id = p.target_id AND o.source_id <> p.source_id),
    hop AS MATERIALIZED (
        SELECT a.target_id, a.source_id, a.at, CASE f.kind WHEN 'reads' THEN f.target WHEN 'writes' THEN f.source END AS carrier
          FROM arrival AS a JOIN asymm.flow AS f ON (f.source, f.target) = (a.source_id, a.at)
        UNION
        SELECT a.target_id, a.source_id, a.at, r.target
          FROM asymm.flow AS r
          JOIN asymm.flow AS w ON w.source = r.target AND w.kind = 'writes'
          JOIN arrival AS a ON (a.source_id, a.at) = (r.source, w.target)
         WHERE r.kind = 'reads'),
    seen AS (
        SELECT h.target_id, h.source_id, h.carrier FROM hop AS h WHERE h.at = h.target_id
        UNION
        SELECT h.target_id, h.source_id, h.carrier FROM seen AS s JOIN hop AS h ON (h.target_id, h.at) = (s.target_id, s.source_id))
    SELECT p.source, p.target,
           -- What no query carries is always there.
           CASE WHEN bool_and(s.carrier IS NOT NULL) THEN max(c.seen_at) END
      FROM seen AS s
      JOIN pair AS p ON (p.source_id, p.target_id) = (s.source_id, s.target_id)
      LEFT JOIN asymm.node AS n ON n.id = s.carrier
      LEFT JOIN asymm.query_counter AS c ON c.query_id = n.query_id
     GROUP BY p.source, p.target;
END
$$;
COMMENT ON FUNCTION asymm._seen_flows(asymm._declared_pair[]) IS 'Of declared lineage what was seen to flow, and when a query last did it (NULL: it does not need one).';

CREATE OR REPLACE FUNCTION asymm._seen_lineage() RETURNS TABLE (source text, target text, last_fired timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT s.* FROM asymm._seen_flows(asymm._declared_pairs()) AS s;
END
$$;
COMMENT ON FUNCTION asymm._seen_lineage() IS 'All declared lineage that was seen to flow, and when a query last did it (NULL: it does not need one).';

-- Only where sources are declared can one be missing among them. What DDL says is declared by that; a table behind a declared view,
-- and a view over a declared table, are what was declared.
CREATE OR REPLACE FUNCTION asymm._phantom_flows(pairs asymm._declared_pair[]) RETURNS TABLE (source text, target text, query bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off SET enable_mergejoin = off
AS $$
BEGIN
    IF pairs = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH RECURSIVE pair AS MATERIALIZED (SELECT p.* FROM unnest(pairs) AS p WHERE p.source_id IS NOT NULL AND p.target_id IS NOT NULL),
    goal AS MATERIALIZED (SELECT DISTINCT p.target, p.target_id FROM pair AS p),
    below AS (
        SELECT p.target_id, p.source_id AS id FROM pair AS p
        UNION
        SELECT b.target_id, f.source FROM below AS b JOIN asymm.flow AS f ON f.target = b.id AND f.kind IN ('view', 'function', 'inherits', 'rule')),
    above AS (
        SELECT p.target_id, p.source_id AS id FROM pair AS p
        UNION
        SELECT b.target_id, f.target FROM above AS b JOIN asymm.flow AS f ON f.source = b.id AND f.kind IN ('view', 'function', 'inherits', 'rule')),
    known AS MATERIALIZED (SELECT b.* FROM below AS b UNION SELECT a.* FROM above AS a),
    writer AS MATERIALIZED (
        SELECT g.target_id, w.source AS id
          FROM goal AS g JOIN asymm.flow AS w ON w.target = g.target_id AND w.kind = 'writes'
         WHERE NOT EXISTS (SELECT FROM known AS k WHERE (k.target_id, k.id) = (g.target_id, w.source))),
    came AS (
        -- What is read by a query, or kept in a cache, whose sources are declared.
        SELECT g.target_id, f.source AS source_id, f.target AS carrier
          FROM goal AS g JOIN asymm.flow AS f ON f.target = g.target_id AND f.kind IN ('reads', 'cached')
        UNION
        -- What a query reads that writes there, unless the query itself is declared.
        SELECT w.target_id, r.source, w.id FROM writer AS w JOIN asymm.flow AS r ON r.target = w.id AND r.kind = 'reads' AND r.source <> w.target_id
        UNION
        -- If it reads nothing else, the query; but a row that is only changed or deleted comes from nowhere.
        SELECT w.target_id, w.id, w.id
          FROM writer AS w JOIN asymm.node AS n ON n.id = w.id AND n.what IN ('insert', 'merge')
         WHERE NOT EXISTS (SELECT FROM asymm.flow AS r WHERE r.target = w.id AND r.kind = 'reads' AND r.source <> w.target_id))
    SELECT s.kind || ':' || s.name, g.target, q.query_id
      FROM came AS c
      JOIN goal AS g ON g.target_id = c.target_id
      JOIN asymm.node AS s ON s.id = c.source_id
      JOIN asymm.node AS q ON q.id = c.carrier
     WHERE NOT EXISTS (SELECT FROM known AS k WHERE (k.target_id, k.id) = (c.target_id, c.source_id));
END
$$;
COMMENT ON FUNCTION asymm._phantom_flows(asymm._declared_pair[]) IS 'Data that flows to a node with declared sources from one that is none of them, and the query that carries it.';

CREATE OR REPLACE FUNCTION asymm._lineage_faults()
RETURNS TABLE (fault text, source text, target text, query bigint, seen text, evidence jsonb, recommended text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_settings constant asymm.graph_setting := asymm._graph_settings();
    -- Of the last day: what was mended shall not be told for a week.
    v_since constant timestamptz := clock_timestamp() - interval '1 day';
    v_slots constant smallint[] := asymm._load_slots(v_since);
    v_pairs constant asymm._declared_pair[] := asymm._declared_pairs();
    -- Whose time varied as much in all steps did so in one of them.
    v_slow constant bigint[] := ARRAY(SELECT DISTINCT l.query_id FROM asymm.query_load AS l
                                       WHERE l.slot = ANY (v_slots) AND l.at > v_since AND l.exec_squares > (v_settings).slow_variance * l.calls);
BEGIN
    RETURN QUERY
    WITH known AS MATERIALIZED (SELECT s.* FROM asymm._seen_flows(v_pairs) AS s)
    SELECT 'broken', p.source, p.target, NULL::bigint,
           CASE WHEN p.source_id IS NULL THEN format('%s is not there', p.source)
                WHEN p.target_id IS NULL THEN format('%s is not there', p.target) ELSE 'declared, and never seen to flow' END,
           jsonb_build_object('declared_by', CASE WHEN p.by_flow THEN 'declare_flow' ELSE 'lineage of an annotation' END),
           CASE WHEN p.by_flow THEN format('SELECT asymm.undeclare_flow(%L, %L), or find what should have carried it', p.source, p.target)
                ELSE format('correct the lineage of %s by asymm.annotate(), or find what should have carried it', p.target) END
      FROM unnest(v_pairs) AS p
     WHERE (p.source, p.target) NOT IN (SELECT k.source, k.target FROM known AS k)
    UNION ALL
    SELECT 'phantom', h.source, h.target, min(h.query), 'seen to flow, and not declared',
           jsonb_build_object('queries', jsonb_agg(h.query ORDER BY h.query) FILTER (WHERE h.query IS NOT NULL)),
           format('SELECT asymm.declare_flow(%L, %L), or stop what carries it', h.source, h.target)
      FROM asymm._phantom_flows(v_pairs) AS h GROUP BY h.source, h.target
    UNION ALL
    SELECT 'dormant', k.source, k.target, NULL, format('not seen to flow since %s', date_trunc('second', k.last_fired)),
           jsonb_build_object('last_fired', k.last_fired), 'find out whether the job that carried it still runs'
      FROM known AS k WHERE k.last_fired < clock_timestamp() - (v_settings).dormant_after
    UNION ALL
    SELECT 'slow', (SELECT min(a.source_node) FROM asymm._flow AS a WHERE a.query = q.query AND a.kind = 'reads'), 'query:' || q.query, q.query,
           format('its time varies by %s ms² around %s ms', round(q.variance_ms2::numeric), round(q.mean_ms::numeric, 1)),
           jsonb_build_object('variance_ms2', q.variance_ms2, 'mean_ms', q.mean_ms, 'calls', q.calls),
           format('SELECT * FROM asymm.query_plans WHERE query = %s, and asymm.route(%s)', q.query, q.query)
      FROM (SELECT l.query_id AS query, sum(l.calls)::bigint AS calls, sum(l.exec_ms) / sum(l.calls) AS mean_ms,
                   sum(l.exec_squares) / sum(l.calls) - (sum(l.exec_ms) / sum(l.calls)) ^ 2 AS variance_ms2
              FROM asymm.query_load AS l WHERE v_slow <> '{}' AND l.slot = ANY (v_slots) AND l.at > v_since AND l.query_id = ANY (v_slow)
             GROUP BY l.query_id HAVING sum(l.calls) >= 5) AS q
     WHERE q.variance_ms2 > (v_settings).slow_variance
       AND EXISTS (SELECT FROM asymm.node AS n WHERE n.query_id = q.query AND n.gone_at IS NULL);
END
$$;
COMMENT ON FUNCTION asymm._lineage_faults() IS 'What asymm.lineage_faults shows.';

CREATE OR REPLACE VIEW asymm.lineage_faults AS SELECT f.* FROM asymm._lineage_faults() AS f;
COMMENT ON VIEW asymm.lineage_faults
    IS 'Declared lineage against flows that were seen: broken (declared, never seen), phantom (seen where sources are declared, and not among them), dormant (declared, not seen for dormant_after), and slow (its latency varied by more than slow_variance in the last day).';

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
     CROSS JOIN (SELECT (SELECT count(*) FROM asymm._declared_lineage) AS declarations, (SELECT count(*) FROM asymm._seen_lineage()) AS seen) AS d;
COMMENT ON VIEW asymm.lineage_coverage
    IS 'How much of the graph is spoken of: nodes annotated and forked, flows that DDL or somebody declared, declarations that were seen; shares of 0 to 1.';
