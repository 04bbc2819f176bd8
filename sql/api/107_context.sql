-- The context of a node: what is known of it. Nothing (missing), one annotation (annotated), or several that disagree (forked), which
-- wait for resolve or arbitrate(). A context is the array of these annotations, so it is stored, unnested and dumped as any array; one
-- from context() holds no two that say the same.
--
-- An operation on two contexts is done to every pair of their annotations: with a missing one nothing comes out, and what is
-- forked stays so unless the results agree. That is the list monad: context() lifts, unnest() and context_all() are map and bind.

-- What differs in weight alone says the same: one is kept, where the first stood, with the weight of both.
CREATE OR REPLACE FUNCTION asymm.context(VARIADIC annotations asymm.annotation[] DEFAULT '{}') RETURNS asymm.context
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_all CONSTANT asymm.annotation[] := asymm._present(annotations);
BEGIN
    IF v_all IS NULL THEN
        RETURN '{}';
    ELSIF cardinality(v_all) < 2 THEN
        RETURN v_all;
    END IF;
    RETURN ARRAY(
        SELECT ROW(n.symbol, n.scope, n.regime, n.cost, n.lineage, sum(n.weight ORDER BY n.place))::asymm.annotation
          FROM unnest(v_all) WITH ORDINALITY AS n (symbol, scope, regime, cost, lineage, weight, place)
         GROUP BY n.symbol, n.scope, n.regime, n.cost, n.lineage
         ORDER BY min(n.place));
END
$$;
COMMENT ON FUNCTION asymm.context(asymm.annotation[])
    IS 'Lifts annotations into a context: none or NULL is missing, one is annotated, several that disagree are forked; those that agree become one with the weight of all.';

CREATE OR REPLACE FUNCTION asymm.context_state(context asymm.context) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE COALESCE(cardinality(context), 0) WHEN 0 THEN 'missing' WHEN 1 THEN 'annotated' ELSE 'forked' END;
END
$$;
COMMENT ON FUNCTION asymm.context_state(asymm.context) IS 'The state of a context: missing (also NULL), annotated or forked.';

CREATE OR REPLACE FUNCTION asymm.context_apply(operation text, a asymm.context, b asymm.context) RETURNS asymm.context
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF operation IN ('amplify', 'harmonize', 'resolve') IS NOT TRUE THEN
        RAISE EXCEPTION 'operation "%" does not exist', operation
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Of two contexts one is made by amplify, harmonize or resolve.',
                  HINT = 'Use operation => ''amplify''.';
    END IF;
    RETURN asymm.context(VARIADIC ARRAY(
        SELECT CASE operation WHEN 'amplify' THEN asymm.amplify(x.one, y.one) WHEN 'harmonize' THEN asymm.harmonize(x.one, y.one)
                              ELSE asymm.resolve(x.one, y.one) END
          FROM (SELECT a[i] AS one, i FROM generate_subscripts(a, 1) AS i) AS x
         CROSS JOIN (SELECT b[j] AS one, j FROM generate_subscripts(b, 1) AS j) AS y
         ORDER BY x.i, y.j));
END
$$;
COMMENT ON FUNCTION asymm.context_apply(text, asymm.context, asymm.context)
    IS 'amplify, harmonize or resolve of every annotation of a with every one of b: missing if either is, forked where the results disagree.';

CREATE OR REPLACE FUNCTION asymm.context_resolve(context asymm.context) RETURNS asymm.context
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm.context(asymm._resolve_all(context));
END
$$;
COMMENT ON FUNCTION asymm.context_resolve(asymm.context)
    IS 'Makes a forked context annotated, by the annotation of the highest fidelity (a tie goes to the last); others stay as they are.';

CREATE OR REPLACE FUNCTION asymm._context_all(annotations asymm.annotation[]) RETURNS asymm.context
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm.context(VARIADIC annotations);
END
$$;
COMMENT ON FUNCTION asymm._context_all(asymm.annotation[]) IS 'What context_all() makes of the collected annotations.';

CREATE OR REPLACE AGGREGATE asymm.context_all(annotation asymm.annotation) (
    SFUNC = pg_catalog.array_append, STYPE = asymm.annotation[], INITCOND = '{}', FINALFUNC = asymm._context_all, PARALLEL = SAFE
);
COMMENT ON AGGREGATE asymm.context_all(asymm.annotation)
    IS 'The context of the annotations given; over unnest(context) it maps and binds: SELECT asymm.context_all(f(a)) FROM unnest(context) AS a.';
