-- What is declared of nodes: annotations, and the flows that they and asymm.declare_flow() say there should be.

-- asymm.watch() takes an annotation too; what the same role said of the node later goes before it.
CREATE OR REPLACE VIEW asymm._voice AS
    SELECT a.node, a.annotation, a.annotated_by, a.annotated_at FROM asymm.node_annotation AS a
    UNION ALL
    SELECT b.node, b.annotation, b.watched_by, b.watched_at
      FROM (SELECT ('entity:' || format('%I.%I', b.schema_name, b.object_name)) COLLATE "default" AS node, b.annotation, b.watched_by, b.watched_at
              FROM asymm.baseline AS b
             WHERE b.kind IN ('table', 'view', 'materialized view', 'foreign table') AND b.annotation IS DISTINCT FROM NULL) AS b
     WHERE NOT EXISTS (SELECT FROM asymm.node_annotation AS a WHERE a.node = b.node AND a.annotated_by = b.watched_by);
COMMENT ON VIEW asymm._voice IS 'What each role says of a node, by asymm.annotate() or asymm.watch().';

CREATE OR REPLACE VIEW asymm._declared_lineage AS
    SELECT d.source, d.target, true AS by_flow FROM asymm.declared_flow AS d
    UNION
    SELECT l.entry, v.node, false
      FROM asymm._voice AS v CROSS JOIN LATERAL unnest((v.annotation).lineage) AS l (entry)
     WHERE l.entry ~ '^(entity|query|cache):.' AND l.entry <> v.node
       AND NOT EXISTS (SELECT FROM asymm.declared_flow AS d WHERE d.source = l.entry AND d.target = v.node);
COMMENT ON VIEW asymm._declared_lineage IS 'From where to where data is said to flow: declared flows, and the nodes in the lineage of annotations.';
