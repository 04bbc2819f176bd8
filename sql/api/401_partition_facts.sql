-- Indexes of partitions that follow an index of the parent come and go with it. Facts are only what the server would not
-- give them by itself: a name of their own, a comment, other storage parameters.

CREATE OR REPLACE FUNCTION asymm._partition_index_facts(relids oid[]) RETURNS TABLE (relid oid, facts text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT c.relid, format(',"partition index":%s', jsonb_object_agg(c.parent, jsonb_strip_nulls(jsonb_build_object(
               'auto', c.auto, 'name', CASE WHEN c.named THEN c.name END, 'comment', c.comment,
               'options', CASE WHEN c.filled THEN COALESCE(asymm._option_facts(c.reloptions), '{}') END))))
      FROM (SELECT r.oid AS relid, format('%I.%I', n.nspname, p.relname) AS parent, i.relname AS name, a.auto, i.reloptions,
                   i.relname <> a.auto AND octet_length(a.auto) < 64 AS named,
                   asymm._option_facts(i.reloptions) IS DISTINCT FROM asymm._option_facts(p.reloptions) AS filled,
                   asymm._comment_on(i.oid, 'pg_class') AS comment
              FROM pg_class AS r
              JOIN pg_index AS x ON x.indrelid = r.oid
              JOIN pg_class AS i ON i.oid = x.indexrelid AND i.relispartition
              JOIN pg_inherits AS h ON h.inhrelid = i.oid
              JOIN pg_class AS p ON p.oid = h.inhparent
              JOIN pg_namespace AS n ON n.oid = p.relnamespace
             CROSS JOIN LATERAL (
                 SELECT concat(r.relname, '_', CASE WHEN x.indisprimary THEN 'pkey' ELSE (
                     SELECT string_agg(t.attname, '_' ORDER BY t.attnum) FROM pg_attribute AS t WHERE t.attrelid = i.oid AND t.attnum > 0)
                     || COALESCE((SELECT CASE k.contype WHEN 'u' THEN '_key' WHEN 'x' THEN '_excl' END FROM pg_constraint AS k
                                   WHERE k.conindid = i.oid AND k.conrelid = r.oid AND k.contype IN ('u', 'x')), '_idx') END)) AS a (auto)
             WHERE r.oid = ANY (relids) AND r.relispartition AND r.relhasindex) AS c
     WHERE c.named OR c.filled OR c.comment IS NOT NULL
     GROUP BY c.relid;
END
$$;
COMMENT ON FUNCTION asymm._partition_index_facts(oid[]) IS 'What is particular about indexes of partitions that follow a parent''s, by the parent''s name, as a member of a JSON object.';
