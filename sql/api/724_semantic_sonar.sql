-- Semantic Sonar: whether what is said of nodes is true. PING reads annotations and what is measured, ECHO holds one against the other in
-- five checks, MAP is their mean, weighted by the time the workload spends there, CRITIQUE says where it is wrong.

-- Of all nodes at once: what is asked for one is asked for by asymm._node_measures().
CREATE OR REPLACE FUNCTION asymm.semantic_ping(span interval DEFAULT '1 hour')
RETURNS TABLE (node text, kind text, state text, annotation asymm.annotation, exec_ms double precision, observed asymm.cost, spread text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM asymm._require_span($1);
    RETURN QUERY
        WITH spent AS MATERIALIZED (
            SELECT n.id, p.exec_ms FROM asymm.ux_ping($1) AS p JOIN asymm.node AS n ON n.query_id = p.query AND n.gone_at IS NULL),
        voice AS MATERIALIZED (
            SELECT v.node, CASE WHEN cardinality(v.said) = 1 OR v.said[1] = ALL (v.said) THEN v.said[1] END AS annotation
              FROM (SELECT v.node, array_agg(v.annotation) AS said FROM asymm._voice AS v GROUP BY v.node) AS v),
        place AS MATERIALIZED (
            SELECT n.id, n.kind, n.kind || ':' || n.name AS node, n.query_id, c.relnamespace AS schema
              FROM asymm.node AS n LEFT JOIN pg_class AS c ON c.oid = n.relid WHERE n.gone_at IS NULL),
        said AS (SELECT p.* FROM place AS p JOIN voice AS v ON v.node = p.node),
        -- Schemas on the other side of each flow, for what has an annotation.
        near AS (
            SELECT s.id, s.schema AS own, p.schema, true AS outward
              FROM said AS s JOIN asymm.flow AS f ON f.source = s.id JOIN place AS p ON p.id = f.target
            UNION ALL
            SELECT s.id, s.schema, p.schema, false FROM said AS s JOIN asymm.flow AS f ON f.target = s.id JOIN place AS p ON p.id = f.source),
        wide AS (
            SELECT n.id, CASE WHEN n.own IS NULL THEN (ARRAY['local', 'module', 'global'])[LEAST(GREATEST(count(DISTINCT n.schema), 1), 3)]
                              WHEN bool_or(n.outward AND n.schema <> n.own) THEN 'global'
                              WHEN bool_or(n.schema <> n.own) THEN 'module' ELSE 'local' END AS spread
              FROM near AS n GROUP BY n.id, n.own),
        carried AS (
            SELECT o.id, sum(o.exec_ms) AS ms
              FROM (SELECT s.id, s.id AS query, s.exec_ms FROM spent AS s
                    UNION SELECT f.source, s.id, s.exec_ms FROM spent AS s JOIN asymm.flow AS f ON f.target = s.id
                    UNION SELECT f.target, s.id, s.exec_ms FROM spent AS s JOIN asymm.flow AS f ON f.source = s.id) AS o
             GROUP BY o.id)
        SELECT p.node, p.kind, CASE WHEN v.node IS NULL THEN 'missing' WHEN v.annotation IS NULL THEN 'forked' ELSE 'annotated' END, v.annotation,
               COALESCE(c.ms, 0), o.cost, COALESCE(w.spread, CASE WHEN v.node IS NOT NULL THEN 'local' END)
          FROM place AS p
          LEFT JOIN voice AS v ON v.node = p.node
          LEFT JOIN carried AS c ON c.id = p.id
          LEFT JOIN asymm.query_cost AS o ON o.query_id = p.query_id
          LEFT JOIN wide AS w ON w.id = p.id;
END
$$;
COMMENT ON FUNCTION asymm.semantic_ping(interval)
    IS 'Semantic Sonar, readings: what is said of each node (state missing, annotated or forked), the time in ms that statements spent there within a span, cost and spread as observed.';

CREATE OR REPLACE FUNCTION asymm.semantic_echo(span interval DEFAULT '1 hour')
RETURNS TABLE (node text, state text, weight double precision, complete double precision, existing double precision, flowing double precision,
               honest double precision, fitting double precision, score double precision, critique text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_costs constant text[] := enum_range(NULL::asymm.cost)::text[];
BEGIN
    RETURN QUERY
        WITH p AS MATERIALIZED (SELECT * FROM asymm.semantic_ping($1)),
        named AS (
            SELECT p.node, avg((o.node IS NOT NULL)::integer)::float8 AS share,
                   string_agg(e.entry, ', ' ORDER BY e.entry) FILTER (WHERE o.node IS NULL) AS gone
              FROM p CROSS JOIN LATERAL unnest((p.annotation).lineage) AS e (entry) LEFT JOIN p AS o ON o.node = e.entry
             WHERE e.entry ~ '^(entity|query|cache):.' GROUP BY p.node),
        fault AS (
            SELECT f.target, string_agg(format('%s flow from %s', f.fault, f.source), '; ' ORDER BY f.fault, f.source) AS seen
              FROM asymm.lineage_faults AS f WHERE f.fault IN ('broken', 'phantom') GROUP BY f.target),
        checked AS (
            SELECT p.*, CASE WHEN p.state = 'annotated'
                             THEN (5 - num_nulls((p.annotation).symbol, (p.annotation).scope, (p.annotation).regime, (p.annotation).cost,
                                                 NULLIF((p.annotation).lineage, '{}'))) / 5.0::float8 ELSE 0 END AS complete,
                   CASE WHEN p.state = 'annotated' THEN COALESCE(n.share, 1) END AS existing, n.gone,
                   CASE WHEN p.state = 'annotated' AND (n.node IS NOT NULL OR EXISTS (SELECT FROM asymm.declared_flow AS d WHERE d.target = p.node))
                        THEN (f.target IS NULL)::integer::float8 END AS flowing, f.seen,
                   CASE WHEN p.observed IS NOT NULL AND (p.annotation).cost IS NOT NULL
                        THEN GREATEST(0, 1 - GREATEST(0, array_position(v_costs, p.observed::text)
                                                         - array_position(v_costs, (p.annotation).cost::text)) / 2.0)::float8 END AS honest,
                   (array_position('{local,module,global}'::text[], p.spread)
                        <= array_position('{local,module,global}'::text[], (p.annotation).scope))::integer::float8 AS fitting
              FROM p LEFT JOIN named AS n ON n.node = p.node LEFT JOIN fault AS f ON f.target = p.node)
        SELECT c.node, c.state,
               -- What no statement touches counts a little: all of it together as a hundredth of the time.
               (c.exec_ms + GREATEST(sum(c.exec_ms) OVER () / 100, 1) / count(*) OVER ())
                   / (sum(c.exec_ms) OVER () + GREATEST(sum(c.exec_ms) OVER () / 100, 1)),
               c.complete, c.existing, c.flowing, c.honest, c.fitting, m.score,
               NULLIF(concat_ws('; ', CASE c.state WHEN 'missing' THEN 'nothing is said of it' WHEN 'forked' THEN 'what is said of it disagrees' END,
                                CASE WHEN c.state = 'annotated' AND c.complete < 1 THEN 'fields are missing' END,
                                'in its lineage and not there: ' || c.gone, CASE WHEN c.flowing < 1 THEN c.seen END,
                                CASE WHEN c.honest < 1 THEN format('said to cost %s, seen to cost %s', (c.annotation).cost, c.observed) END,
                                CASE WHEN c.fitting < 1 THEN format('said to be %s, seen to be %s', (c.annotation).scope, c.spread) END), '')
          FROM checked AS c
         CROSS JOIN LATERAL (SELECT (COALESCE(c.complete, 0) + COALESCE(c.existing, 0) + COALESCE(c.flowing, 0) + COALESCE(c.honest, 0)
                                     + COALESCE(c.fitting, 0)) / num_nonnulls(c.complete, c.existing, c.flowing, c.honest, c.fitting) AS score) AS m;
END
$$;
COMMENT ON FUNCTION asymm.semantic_echo(interval)
    IS 'Semantic Sonar, figures of each node, 0 to 1: complete (five fields), existing (what its lineage names), flowing (declared flows seen, seen ones declared), honest (cost observed not above that declared), fitting (scope); NULL where there is nothing to check. weight: its share of the workload''s time.';

-- With the nodes to find fault with, if asked for: the organ needs both at each look. Flows are the watchdog's to tell.
CREATE OR REPLACE FUNCTION asymm._semantic_sums(span interval, by text, faulty boolean)
RETURNS TABLE (node text, nodes bigint, annotated bigint, forked bigint, complete double precision, existing double precision,
               flowing double precision, honest double precision, fitting double precision, score double precision, critique text[], faults jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        WITH s AS (
            SELECT CASE $2 WHEN 'all' THEN '*' WHEN 'node' THEN e.node ELSE split_part(e.node, ':', 1) END AS name, e.*
              FROM asymm.semantic_echo($1) AS e)
        SELECT s.name, count(*), count(*) FILTER (WHERE s.state = 'annotated'), count(*) FILTER (WHERE s.state = 'forked'),
               sum(s.weight * s.complete) / sum(s.weight), sum(s.weight * s.existing) / sum(s.weight) FILTER (WHERE s.existing IS NOT NULL),
               sum(s.weight * s.flowing) / sum(s.weight) FILTER (WHERE s.flowing IS NOT NULL),
               sum(s.weight * s.honest) / sum(s.weight) FILTER (WHERE s.honest IS NOT NULL),
               sum(s.weight * s.fitting) / sum(s.weight) FILTER (WHERE s.fitting IS NOT NULL), sum(s.weight * s.score) / sum(s.weight),
               COALESCE((array_agg(s.node || ': ' || s.critique ORDER BY s.weight * (1 - s.score) DESC, s.node)
                             FILTER (WHERE s.critique IS NOT NULL))[:5], '{}'),
               jsonb_path_query_array(jsonb_agg(to_jsonb(s) - 'name' ORDER BY s.weight DESC, s.node)
                             FILTER (WHERE $3 AND (s.state = 'forked' OR s.honest < 1 OR s.existing < 1 OR s.fitting < 1)), '$[0 to 199]')
          FROM s GROUP BY s.name ORDER BY sum(s.weight) DESC, s.name;
END
$$;
COMMENT ON FUNCTION asymm._semantic_sums(interval, text, boolean)
    IS 'The checks of asymm.semantic_echo() summed up by all, kind or node, with the 200 heaviest of those it finds fault with, if asked for.';

CREATE OR REPLACE FUNCTION asymm.semantic_sonar(span interval DEFAULT '1 hour', by text DEFAULT 'all')
RETURNS TABLE (node text, nodes bigint, annotated bigint, forked bigint, complete double precision, existing double precision,
               flowing double precision, honest double precision, fitting double precision, score double precision, status text, critique text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    IF $2 IS NULL OR $2 NOT IN ('all', 'kind', 'node') THEN
        PERFORM asymm._require_text($2, 'by');
        RAISE EXCEPTION 'nothing is summed up by "%"', $2
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Checks are summed up by all, kind or node.',
                  HINT = 'SELECT * FROM asymm.semantic_sonar(by => ''node'')';
    END IF;
    RETURN QUERY
        SELECT s.node, s.nodes, s.annotated, s.forked, s.complete, s.existing, s.flowing, s.honest, s.fitting, s.score, asymm._status_word(s.score),
               s.critique
          FROM asymm._semantic_sums($1, $2, false) AS s;
END
$$;
COMMENT ON FUNCTION asymm.semantic_sonar(interval, text)
    IS 'Semantic Sonar, summed up by all, kind (entity, query, cache) or node: means of the five checks of asymm.semantic_echo() by share of the workload''s time; score is their mean, target above 0.85. Raises 22004, 22023.';
