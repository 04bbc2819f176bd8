-- What is measured of a node, in the terms of an annotation.

-- Drivers name a table as the keys in Redis do, without quotes.
CREATE OR REPLACE FUNCTION asymm._counted_as(node asymm.node, OUT kind text, OUT name text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    kind := CASE (node).what WHEN 'mirrored table' THEN 'row' ELSE 'query' END;
    name := CASE (node).what WHEN 'mirrored table' THEN array_to_string(parse_ident((node).name), '.') ELSE (node).name END;
END
$$;
COMMENT ON FUNCTION asymm._counted_as(asymm.node) IS 'By which kind and name the reads of a copy are counted.';

-- Regime by churn: DDL, plans that change, times that scatter, copies that are missed.
CREATE OR REPLACE FUNCTION asymm._node_regime(node asymm.node, OUT regime text, OUT evidence jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_days constant double precision := extract(epoch FROM clock_timestamp() - (node).first_seen) / 86400;
    v_count bigint;
    v_spread double precision;
BEGIN
    IF (node).kind = 'entity' THEN
        SELECT count(*) INTO v_count FROM asymm.ddl_log AS l
         WHERE l.at > clock_timestamp() - interval '7 days' AND (node).relid = ANY (l.object_ids);
        regime := CASE WHEN v_count >= 3 OR v_days < 1 THEN 'Exploration' WHEN v_count = 0 AND v_days >= 7 THEN 'Support' ELSE 'Balance' END;
        evidence := jsonb_build_object('ddl_of_7_days', v_count);
    ELSIF (node).kind = 'query' THEN
        SELECT count(*) INTO v_count FROM asymm.query_plan AS p WHERE p.query_id = (node).query_id;
        SELECT sqrt(f.variance_ms2) / NULLIF(f.mean_ms, 0) INTO v_spread FROM asymm._query_figures AS f WHERE f.query = (node).query_id;
        regime := CASE WHEN v_count >= 3 OR v_days < 1 THEN 'Exploration'
                       WHEN v_count <= 1 AND v_days >= 7 AND COALESCE(v_spread, 0) < 0.5 THEN 'Support' ELSE 'Balance' END;
        evidence := jsonb_build_object('plan_shapes', v_count, 'deviation_of_mean', round(v_spread::numeric, 3));
    ELSE
        SELECT r.hit_rate INTO v_spread FROM asymm._read_totals AS r
         WHERE (r.kind, r.name) = (SELECT a.kind, a.name FROM asymm._counted_as(node) AS a);
        regime := CASE WHEN v_spread >= 0.9 THEN 'Support' WHEN v_spread < 0.5 THEN 'Exploration' ELSE 'Balance' END;
        evidence := jsonb_build_object('hit_rate', round(v_spread::numeric, 3));
    END IF;
    evidence := jsonb_strip_nulls(evidence) || jsonb_build_object('days_known', round(v_days::numeric, 1));
END
$$;
COMMENT ON FUNCTION asymm._node_regime(asymm.node) IS 'The regime a node is measured to be in, and by what.';

CREATE OR REPLACE FUNCTION asymm._node_scope(node asymm.node, OUT scope text, OUT evidence jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_own constant text := (SELECT c.relnamespace::regnamespace::text FROM pg_class AS c WHERE c.oid = (node).relid);
    v_from text[];
    v_to text[];
BEGIN
    SELECT array_agg(DISTINCT c.relnamespace::regnamespace::text ORDER BY c.relnamespace::regnamespace::text) INTO v_from
      FROM asymm.flow AS f JOIN asymm.node AS n ON n.id = f.source JOIN pg_class AS c ON c.oid = n.relid
     WHERE f.target = (node).id AND c.relnamespace::regnamespace::text IS DISTINCT FROM v_own;
    SELECT array_agg(DISTINCT c.relnamespace::regnamespace::text ORDER BY c.relnamespace::regnamespace::text) INTO v_to
      FROM asymm.flow AS f JOIN asymm.node AS n ON n.id = f.target JOIN pg_class AS c ON c.oid = n.relid
     WHERE f.source = (node).id AND c.relnamespace::regnamespace::text IS DISTINCT FROM v_own;
    -- An entity that others build upon is everybody's; a query or a copy is as wide as what it reads and writes.
    scope := CASE WHEN v_own IS NOT NULL
                  THEN CASE WHEN v_to IS NOT NULL THEN 'global' WHEN v_from IS NOT NULL THEN 'module' ELSE 'local' END
                  ELSE CASE cardinality(ARRAY(SELECT unnest(v_from) UNION SELECT unnest(v_to)))
                            WHEN 0 THEN 'local' WHEN 1 THEN 'local' WHEN 2 THEN 'module' ELSE 'global' END END;
    evidence := jsonb_strip_nulls(jsonb_build_object('schema', v_own, 'from_schemas', to_jsonb(v_from), 'to_schemas', to_jsonb(v_to)));
END
$$;
COMMENT ON FUNCTION asymm._node_scope(asymm.node) IS 'The scope of a node by the schemas it touches, and which those are.';

CREATE OR REPLACE FUNCTION asymm._node_lineage(node asymm.node) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN ARRAY(
        SELECT DISTINCT s.kind || ':' || s.name AS entry
          FROM (SELECT f.source FROM asymm.flow AS f WHERE f.target = (node).id AND f.kind NOT IN ('references', 'writes')
                UNION ALL
                SELECT r.source FROM asymm.flow AS w JOIN asymm.flow AS r ON r.target = w.source AND r.kind = 'reads'
                 WHERE w.target = (node).id AND w.kind = 'writes' AND r.source <> w.target) AS f
          JOIN asymm.node AS s ON s.id = f.source
         ORDER BY 1 LIMIT 20)
        || CASE WHEN (node).kind = 'entity' THEN 'create' WHEN (node).kind = 'query' THEN 'query' WHEN (node).what = 'mirrored table' THEN 'sync'
                ELSE 'cache' END;
END
$$;
COMMENT ON FUNCTION asymm._node_lineage(asymm.node) IS 'Where the data of a node was seen to come from, and what it went through.';

CREATE OR REPLACE FUNCTION asymm._node_measures(node asymm.node) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_regime record;
    v_scope record;
    v_cost asymm.cost;
BEGIN
    SELECT r.* INTO v_regime FROM asymm._node_regime(node) AS r;
    SELECT s.* INTO v_scope FROM asymm._node_scope(node) AS s;
    SELECT c.cost INTO v_cost FROM asymm.query_cost AS c WHERE c.query_id = (node).query_id;
    RETURN jsonb_strip_nulls(jsonb_build_object('regime', v_regime.regime, 'scope', v_scope.scope, 'cost', v_cost,
                                                'evidence', v_regime.evidence || v_scope.evidence));
END
$$;
COMMENT ON FUNCTION asymm._node_measures(asymm.node) IS 'Regime, scope and, of a query whose plan was looked at, cost of a node as they are measured: {regime, scope, cost, evidence}.';
