-- Indexes worth a try, of one plan.

CREATE OR REPLACE FUNCTION asymm._index_candidates(plan jsonb)
RETURNS TABLE (relid oid, method text, keys text[], include text[], predicate text, reason text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_names jsonb := asymm._scanned_names(plan);
BEGIN
    RETURN QUERY
    WITH term AS MATERIALIZED (
        SELECT t.*,
               CASE WHEN t.usage = 'other' AND t.fit
                    THEN asymm._pattern_key(t.relid, t.key, t.attribute, t.type, t.operator, t.constant) END AS pattern,
               CASE WHEN t.usage IN ('equality', 'any', 'other') AND t.attribute IS NOT NULL
                         THEN asymm._equality_share(t.relid, t.attribute, t.usage, t.operator, t.constant) END AS share
          FROM asymm._query_terms(plan, v_names) AS t),
    needed AS MATERIALIZED (SELECT n.* FROM asymm._needed_columns(plan, v_names) AS n),
    -- One row at most, and found: no other index is needed.
    single AS MATERIALIZED (
        SELECT DISTINCT t.instance
          FROM term AS t JOIN pg_index AS i ON i.indrelid = t.relid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
         WHERE t.usage = 'equality' AND t.arm IS NULL
           AND NOT EXISTS (SELECT FROM unnest((i.indkey::smallint[])[:i.indnkeyatts - 1]) AS k (attnum)
                            WHERE NOT EXISTS (SELECT FROM term AS o JOIN pg_attribute AS a ON a.attrelid = o.relid AND a.attname = o.attribute
                                               WHERE o.instance = t.instance AND o.usage = 'equality' AND o.arm IS NULL AND a.attnum = k.attnum
                                                 AND o.operator = '='))),
    -- Conditions that all must hold, and those of each arm of an OR.
    part AS (SELECT DISTINCT t.instance, t.relid, t.arm FROM term AS t WHERE t.usage NOT IN ('other', 'near') OR t.pattern IS NOT NULL
             UNION SELECT t.instance, t.relid, NULL FROM term AS t),
    -- What the rows of an index can be limited to: a constant that few rows have.
    limits AS (
        SELECT DISTINCT ON (t.instance, t.predicate) t.instance, t.predicate, t.key, t.share
          FROM term AS t
         WHERE t.predicate IS NOT NULL AND t.arm IS NULL AND t.share <= 0.2
           AND (t.constant IS NOT NULL AND (t.usage IN ('equality', 'any') OR t.operator = '<>')
                OR t.operator IN ('', 'NOT') OR t.operator LIKE 'IS %')
         ORDER BY t.instance, t.predicate, t.key),
    lists AS (
        SELECT p.instance, p.relid, l.predicate, l.key AS limited_by, k.keys, k.reason, k.covering, l.predicate IS NOT NULL AS limited
          FROM (SELECT p.* FROM part AS p WHERE p.instance NOT IN (SELECT s.instance FROM single AS s)) AS p
         CROSS JOIN LATERAL (
               SELECT NULL::text AS predicate, NULL::text AS key
               UNION ALL
               SELECT m.predicate, m.key FROM limits AS m WHERE m.instance = p.instance AND p.arm IS NULL) AS l
         CROSS JOIN LATERAL (
               SELECT ARRAY(SELECT t.key FROM term AS t
                             WHERE t.instance = p.instance AND t.arm IS NOT DISTINCT FROM p.arm AND t.fit AND t.usage IN ('equality', 'any')
                               AND (l.key IS NULL OR t.key <> l.key)
                             GROUP BY t.key ORDER BY bool_or(t.usage = 'any'), min(COALESCE(t.share, 0.005)), t.key) AS equal,
                      ARRAY(SELECT t.key FROM term AS t
                             WHERE t.instance = p.instance AND t.arm IS NOT DISTINCT FROM p.arm AND t.fit AND t.usage = 'join'
                             GROUP BY t.key ORDER BY min(t.place), t.key) AS joined,
                      ARRAY(SELECT COALESCE(t.pattern, t.key) FROM term AS t
                             WHERE t.instance = p.instance AND t.arm IS NOT DISTINCT FROM p.arm AND t.fit
                               AND (t.usage IN ('range', 'join range') OR t.pattern IS NOT NULL)
                             GROUP BY 1 ORDER BY min(t.place), 1) AS ranges) AS r
         CROSS JOIN LATERAL (
               -- As many of the keys in front as are this table's.
               SELECT COALESCE(jsonb_agg(o.list) FILTER (WHERE o.usage IN ('order', 'row')), '[]') AS orders,
                      COALESCE(jsonb_agg(o.list) FILTER (WHERE o.usage = 'group'), '[]') AS groups
                 FROM (SELECT s.usage,
                              jsonb_agg(asymm._ordered_key(s.key, s.descending, s.nulls_first, s.usage = 'order' AND s.turned) ORDER BY s.n) AS list
                         FROM (SELECT t.usage, t.place, t.part, t.key, t.descending, t.nulls_first, COALESCE(t.row_place, t.n) AS n, t.fit,
                                      first_value(t.descending) OVER w AS turned, row_number() OVER w AS rank
                                 FROM term AS t WHERE t.usage IN ('order', 'group', 'row') AND t.instance = p.instance AND p.arm IS NULL
                               WINDOW w AS (PARTITION BY t.usage, t.place, t.part ORDER BY COALESCE(t.row_place, t.n))) AS s
                        WHERE s.rank = s.n AND s.fit
                        GROUP BY s.usage, s.place, s.part) AS o) AS g
         CROSS JOIN LATERAL asymm._key_lists(
               CASE WHEN l.key IS NOT NULL AND r.equal || r.joined || r.ranges = '{}' AND g.orders = '[]' AND g.groups = '[]'
                    THEN ARRAY[l.key] ELSE r.equal END, r.joined, r.ranges, g.orders, g.groups) AS k),
    found AS (
        SELECT l.relid, 'btree' AS method, l.keys, c.include, l.predicate,
               concat_ws(', ', l.reason, CASE WHEN l.limited THEN 'only rows where ' || l.predicate END,
                         CASE WHEN c.include <> '{}' THEN 'covering' END) AS reason
          FROM lists AS l
          LEFT JOIN needed AS n ON n.instance = l.instance
         CROSS JOIN LATERAL (
               SELECT '{}'::text[] AS include
               UNION ALL
               SELECT x.include
                 FROM (SELECT ARRAY(SELECT k.key FROM unnest(n.columns) AS k (key)
                                     WHERE (k.key IS DISTINCT FROM l.limited_by OR k.key <> ALL (n.conditional))
                                       AND k.key NOT IN (
                                           SELECT regexp_replace(o.key, '( COLLATE .*)?( [a-z_]+_ops)?( DESC)?( NULLS (FIRST|LAST))?$', '')
                                             FROM unnest(l.keys) AS o (key))) AS include) AS x
                -- Not the whole table once more.
                WHERE l.covering AND cardinality(n.columns) < (SELECT count(*) FROM jsonb_object_keys(v_names #> ARRAY[l.instance, 'c']))
                  AND cardinality(x.include) BETWEEN 1 AND 4) AS c
        UNION ALL
        SELECT t.relid, m.method, ARRAY[m.indexed], '{}', NULL, m.reason
          FROM term AS t
         CROSS JOIN LATERAL asymm._method_candidates(t.relid, t.key, t.attribute, t.type, t.usage, t.operator, t.opno) AS m
         WHERE t.fit AND t.pattern IS NULL
        UNION ALL
        SELECT u.relid, 'btree', u.keys, '{}', NULL,
               format('foreign key %I: rows are looked for when one of %s is deleted', u.name, u.referenced::regclass)
          FROM asymm._deleted_from(plan) AS d
          JOIN asymm._unindexed_keys() AS u ON u.referenced = d.relid
         WHERE jsonb_path_exists(plan, '$.**.Operation ? (@ == "Delete")')),
    named AS (
        SELECT DISTINCT ON (f.relid, f.method, f.keys, f.include, f.predicate) f.*
          FROM found AS f ORDER BY f.relid, f.method, f.keys, f.include, f.predicate, length(f.reason)),
    existing AS MATERIALIZED (
        SELECT r.relid, i.* FROM (SELECT DISTINCT n.relid FROM named AS n) AS r CROSS JOIN LATERAL asymm._index_parts(r.relid) AS i)
    SELECT n.relid, n.method, n.keys, n.include, n.predicate, n.reason
      FROM named AS n
     WHERE NOT EXISTS (
           -- What an index begins with it can do too.
           SELECT FROM existing AS e
            WHERE e.relid = n.relid AND e.method = n.method AND e.predicate IS NOT DISTINCT FROM asymm._same_key(n.predicate)
              AND e.keys[:cardinality(n.keys)] = ARRAY(SELECT asymm._same_key(k.key) FROM unnest(n.keys) WITH ORDINALITY AS k (key, n) ORDER BY k.n)
              AND e.include || e.keys @> n.include)
     ORDER BY n.relid, n.method, n.predicate NULLS FIRST, n.include, n.keys
     LIMIT 200;
END
$$;
COMMENT ON FUNCTION asymm._index_candidates(jsonb)
    IS 'Indexes that could serve the query of a plan, none of which exists; see asymm._query_columns() for what it is derived from.';
