-- How a query of the workload goes, and what could answer it.

-- What drivers counted of this query; where they never sent it a route's way, of all queries.
CREATE OR REPLACE FUNCTION asymm._route_figures(query bigint)
RETURNS TABLE (route text, answered bigint, failed bigint, ms double precision, own boolean)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_text constant text := (SELECT asymm._without_parameters(q.statement) FROM asymm.query AS q WHERE q.id = $1);
    v_names constant text[] := ARRAY(SELECT r.fingerprint FROM asymm.read_query AS r WHERE asymm._without_parameters(r.statement) = v_text);
BEGIN
    RETURN QUERY
        SELECT DISTINCT ON (f.route) f.route, f.answered, f.failed, f.ms, f.own
          FROM (SELECT c.route, sum(c.hits + c.misses + c.refused)::bigint AS answered, sum(c.failed)::bigint AS failed,
                       1000 * sum(c.seconds) / NULLIF(sum(c.hits + c.misses + c.refused), 0)::double precision AS ms, o.own
                  FROM asymm.read_count AS c CROSS JOIN (VALUES (true), (false)) AS o (own)
                 WHERE c.kind = 'query' AND CASE WHEN o.own THEN c.name = ANY (v_names) ELSE c.route <> 'primary' END
                 GROUP BY c.route, o.own) AS f
         WHERE f.answered + f.failed > 0
         ORDER BY f.route, f.own DESC;
END
$$;
COMMENT ON FUNCTION asymm._route_figures(bigint) IS 'Answers, failures and mean time of each route: of a query as drivers counted it, else of all.';

-- Two witnesses each, as in the driver: how often it answered (which counts for three), and how fast compared with the fastest. What was
-- never tried stands on its lineage; of equals the nearest wins.
CREATE OR REPLACE FUNCTION asymm._route_scores(routes text[], answered bigint[], failed bigint[], ms double precision[])
RETURNS TABLE (route text, success double precision, score double precision, won boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_best constant double precision := (SELECT min(m.ms) FROM unnest(ms) AS m (ms));
    v_candidates asymm.annotation[];
    v_witnesses asymm.witness[];
BEGIN
    v_candidates := ARRAY(SELECT ROW(r.route, 'local', 'Balance', 'O(1)', CASE r.route WHEN 'primary' THEN '{query}'
                                                                                       WHEN 'replica' THEN '{query,sync}'
                                                                                       ELSE '{query,sync,cache}' END, 1)::asymm.annotation
                            FROM unnest(routes) WITH ORDINALITY AS r (route, place) ORDER BY r.place);
    v_witnesses := ARRAY(
        SELECT ROW(f.place, w.fidelity, w.confidence, w.weight)::asymm.witness
          FROM unnest(answered, failed, ms) WITH ORDINALITY AS f (answered, failed, ms, place)
         CROSS JOIN LATERAL (
               SELECT f.answered::double precision / (f.answered + f.failed),
                      (f.answered + f.failed)::double precision / (f.answered + f.failed + 1), 3
                WHERE f.answered + f.failed > 0
                UNION ALL
               SELECT CASE WHEN f.ms > 0 THEN v_best / f.ms ELSE 1 END, f.answered::double precision / (f.answered + 1), 1
                WHERE f.answered > 0 AND f.ms IS NOT NULL) AS w (fidelity, confidence, weight));
    RETURN QUERY
        SELECT routes[a.candidate], answered[a.candidate]::double precision / NULLIF(answered[a.candidate] + failed[a.candidate], 0), a.score, a.won
          FROM asymm.arbitrate(v_candidates, v_witnesses) AS a;
END
$$;
COMMENT ON FUNCTION asymm._route_scores(text[], bigint[], bigint[], double precision[])
    IS 'Arbitrates between routes, of equals the last wins: what share of attempts each answered, its score, and which won.';

-- Times are the measured ones: of drivers where they told any, else of the server for itself. What was never measured says so.
CREATE OR REPLACE FUNCTION asymm.route(query bigint)
RETURNS TABLE (place integer, role text, node text, state text, ms double precision, calls bigint, plan_cost double precision,
               success double precision, score double precision, best boolean, remark text)
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
                                          WHEN w.name = 'replica' AND t.route IS NULL THEN 'not measured'
                                          WHEN w.name <> 'replica' AND NOT v_kept THEN 'no: not all it reads is mirrored'
                                          WHEN t.route IS NULL THEN 'not measured' ELSE 'live' END,
               COALESCE(t.ms, g.mean_ms), COALESCE(t.answered, g.calls), NULL,
               CASE WHEN w.name IN ('near', 'redis') AND v_reads AND NOT v_kept THEN 'not mirrored: ' || COALESCE(v_missing, 'no plan was looked at')
                    ELSE NULLIF(concat_ws('; ', CASE WHEN t.failed > 0 THEN format('%s attempts failed', t.failed) END,
                                          CASE WHEN NOT t.own THEN 'figures of all that drivers read by this route' END), '') END
          FROM unnest('{near,redis,replica,primary}'::text[]) AS w (name)
          LEFT JOIN asymm._route_figures($1) AS t ON t.route = w.name
          LEFT JOIN asymm._query_figures AS g ON g.query = $1 AND w.name = 'primary'),
    live AS (
        SELECT array_agg(s.node ORDER BY o.place) AS routes, array_agg(COALESCE(s.calls, 0) ORDER BY o.place) AS answered,
               array_agg(COALESCE(t.failed, 0) ORDER BY o.place) AS failed, array_agg(s.ms ORDER BY o.place) AS ms
          FROM station AS s
          JOIN unnest('{primary,replica,redis,near}'::text[]) WITH ORDINALITY AS o (name, place) ON o.name = s.node
          LEFT JOIN asymm._route_figures($1) AS t ON t.route = s.node
         WHERE s.role = 'answers' AND s.state = 'live')
    SELECT (row_number() OVER w)::integer, s.role, s.node, s.state, s.ms, s.calls, s.plan_cost,
           r.success, r.score, CASE WHEN s.role = 'answers' THEN COALESCE(r.won, false) END, s.remark
      FROM station AS s
      LEFT JOIN (SELECT x.* FROM live AS l CROSS JOIN LATERAL asymm._route_scores(l.routes, l.answered, l.failed, l.ms) AS x) AS r
             ON s.role = 'answers' AND r.route = s.node
    WINDOW w AS (ORDER BY s.section, CASE s.role WHEN 'answers' THEN array_position('{near,redis,replica,primary}'::text[], s.node) END, s.node)
     ORDER BY 1;
END
$$;
COMMENT ON FUNCTION asymm.route(bigint)
    IS 'How a query of the workload (its number in asymm.queries) goes: its time and plan cost, what it reads and writes, the copies of that, and which route would answer it best: arbitrated by the share of attempts it answered (success) and its time, as drivers told. Raises 42704.';
