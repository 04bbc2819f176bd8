-- Propagate over the graph: whom a lineage reached.

CREATE OR REPLACE FUNCTION asymm.propagate(annotation asymm.annotation) RETURNS TABLE (node text, reached asymm.annotation)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER PARALLEL RESTRICTED ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM asymm._require_annotation($1);
    RETURN QUERY
        SELECT v.node, c.said
          FROM (SELECT o.node, asymm.context_all(o.annotation ORDER BY o.annotated_at, o.annotated_by) AS context
                  FROM asymm._voice AS o GROUP BY o.node) AS v
         CROSS JOIN LATERAL (SELECT v.context[1] AS said) AS c
         WHERE asymm.context_state(v.context) = 'annotated' AND (c.said).lineage @> ($1).lineage
         ORDER BY v.node;
END
$$;
COMMENT ON FUNCTION asymm.propagate(asymm.annotation)
    IS '▷: the annotated nodes that went through all of an annotation''s lineage, by name. Nodes of which nothing is said, or that are forked, are not among them. A selection; it changes nothing.';
