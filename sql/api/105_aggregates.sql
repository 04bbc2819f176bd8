-- The operations over a set: the tuples are collected, then judged in one go, many times as fast as pair by pair. NULLs are passed
-- over; of nothing comes NULL. Sums run in the order of the input, so each result is that of the pairs, to the last bit.

CREATE OR REPLACE FUNCTION asymm._present(annotations asymm.annotation[]) RETURNS asymm.annotation[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_annotation asymm.annotation;
BEGIN
    -- An array may begin at any number, and be nested.
    IF array_lower(annotations, 1) <> 1 OR array_ndims(annotations) > 1 OR EXISTS (SELECT FROM unnest(annotations) AS n WHERE n IS NULL) THEN
        annotations := ARRAY(SELECT n FROM unnest(annotations) AS n WHERE NOT n IS NULL);
    END IF;
    -- What _annotation_fault() asks of one, asked of all.
    IF EXISTS (SELECT FROM unnest(annotations) AS n
                WHERE (n.scope IN ('local', 'module', 'global') AND n.regime IN ('Support', 'Exploration', 'Balance')
                       AND n.cost IS NOT NULL AND COALESCE(array_ndims(n.lineage), 1) = 1 AND n.lineage IS NOT NULL
                       AND n.weight > 0 AND n.weight < 'Infinity' AND btrim(n.symbol, E' \t\n\r') <> '') IS NOT TRUE)
       OR EXISTS (SELECT FROM (SELECT unnest(n.lineage) AS entry FROM unnest(annotations) AS n) AS l
                   WHERE (l.entry IN ('create', 'query', 'sync', 'cache', 'optimize') OR l.entry ~ '^[a-z_]+:.+$') IS NOT TRUE) THEN
        FOREACH v_annotation IN ARRAY annotations LOOP
            PERFORM asymm._require_annotation(v_annotation);
        END LOOP;
    END IF;
    RETURN annotations;
END
$$;
COMMENT ON FUNCTION asymm._present(asymm.annotation[]) IS 'The annotations that are not NULL, counted from 1; raises 22023 when one has a field out of its set.';

CREATE OR REPLACE FUNCTION asymm._amplify_all(annotations asymm.annotation[]) RETURNS asymm.annotation
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_all CONSTANT asymm.annotation[] := asymm._present(annotations);
    v_first CONSTANT asymm.annotation := v_all[1];
    v_cost asymm.cost;
    v_weight double precision;
    v_lineage text[];
BEGIN
    IF cardinality(v_all) = 0 THEN
        RETURN NULL;
    END IF;
    SELECT max(n.cost), sum(n.weight) INTO v_cost, v_weight FROM unnest(v_all) AS n;
    SELECT COALESCE(array_agg(e.entry ORDER BY e.place), '{}') INTO v_lineage
      FROM (SELECT l.entry, min(l.place) AS place
              FROM (SELECT u.entry, row_number() OVER () AS place
                      FROM (SELECT unnest(n.lineage) AS entry FROM unnest(v_all) AS n) AS u) AS l
             GROUP BY l.entry) AS e;
    RETURN ROW(v_first.symbol, v_first.scope, v_first.regime, v_cost, v_lineage, v_weight)::asymm.annotation;
END
$$;
COMMENT ON FUNCTION asymm._amplify_all(asymm.annotation[]) IS 'What amplify_all() makes of the collected annotations.';

CREATE OR REPLACE FUNCTION asymm._harmonize_all(annotations asymm.annotation[]) RETURNS asymm.annotation
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_all CONSTANT asymm.annotation[] := asymm._present(annotations);
    v_scopes CONSTANT text[] := '{local, module, global}';
    v_symbol text;
    v_order text[];
    v_scope text;
    v_cost asymm.cost;
    v_weight double precision;
    v_lineage text[];
BEGIN
    IF cardinality(v_all) = 0 THEN
        RETURN NULL;
    END IF;
    SELECT n.symbol, n.lineage INTO v_symbol, v_order FROM unnest(v_all) AS n
     ORDER BY LEAST(cardinality(n.lineage), 5) DESC, n.symbol COLLATE "C", n.lineage COLLATE "C" LIMIT 1;
    -- By size, so that rounding does not depend on the order of the input.
    SELECT v_scopes[max(array_position(v_scopes, n.scope))], max(n.cost), sum(n.weight ORDER BY n.weight) / cardinality(v_all)
      INTO v_scope, v_cost, v_weight FROM unnest(v_all) AS n;
    SELECT COALESCE(array_agg(e.entry ORDER BY e.place), '{}') INTO v_lineage
      FROM unnest(asymm._entries(v_order)) WITH ORDINALITY AS e (entry, place)
     WHERE NOT EXISTS (SELECT FROM unnest(v_all) AS n WHERE NOT e.entry = ANY (n.lineage));
    RETURN ROW(v_symbol, v_scope, 'Balance', v_cost, v_lineage, v_weight)::asymm.annotation;
END
$$;
COMMENT ON FUNCTION asymm._harmonize_all(asymm.annotation[]) IS 'What harmonize_all() makes of the collected annotations.';

CREATE OR REPLACE FUNCTION asymm._resolve_all(annotations asymm.annotation[]) RETURNS asymm.annotation
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_all CONSTANT asymm.annotation[] := asymm._present(annotations);
    v_place bigint;
BEGIN
    SELECT n.place INTO v_place
      FROM unnest(v_all) WITH ORDINALITY AS n (symbol, scope, regime, cost, lineage, weight, place)
     ORDER BY LEAST(cardinality(n.lineage), 5) DESC, n.place DESC LIMIT 1;
    RETURN v_all[v_place];
END
$$;
COMMENT ON FUNCTION asymm._resolve_all(asymm.annotation[]) IS 'What resolve_all() makes of the collected annotations.';

CREATE OR REPLACE AGGREGATE asymm.amplify_all(annotation asymm.annotation) (
    SFUNC = pg_catalog.array_append, STYPE = asymm.annotation[], INITCOND = '{}', FINALFUNC = asymm._amplify_all, PARALLEL = SAFE
);
COMMENT ON AGGREGATE asymm.amplify_all(asymm.annotation)
    IS 'Amplifies all, in their order (say ORDER BY): what the first is, the largest cost, all lineages, all weights added.';

CREATE OR REPLACE AGGREGATE asymm.harmonize_all(annotation asymm.annotation) (
    SFUNC = pg_catalog.array_append, STYPE = asymm.annotation[], INITCOND = '{}', FINALFUNC = asymm._harmonize_all, PARALLEL = SAFE
);
COMMENT ON AGGREGATE asymm.harmonize_all(asymm.annotation)
    IS 'What all agree on, in any order: widest scope, Balance, largest cost, shared lineage, mean weight, symbol of the longest lineage.';

CREATE OR REPLACE AGGREGATE asymm.resolve_all(annotation asymm.annotation) (
    SFUNC = pg_catalog.array_append, STYPE = asymm.annotation[], INITCOND = '{}', FINALFUNC = asymm._resolve_all, PARALLEL = SAFE
);
COMMENT ON AGGREGATE asymm.resolve_all(asymm.annotation)
    IS 'The one of the highest fidelity as far as it is known unmeasured, by its lineage; of equals the last (say ORDER BY).';
