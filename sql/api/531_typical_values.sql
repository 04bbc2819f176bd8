-- Constants for a statement that was only seen with its parameters open, as drivers send them: values its columns have, by their statistics.

-- What a plan compares with a parameter: of the operators whose other side is a column.
CREATE OR REPLACE FUNCTION asymm._open_comparisons(plan jsonb)
RETURNS TABLE (parameter integer, relid oid, attribute name, operator text, is_list boolean)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_names constant jsonb := asymm._scanned_names(plan);
BEGIN
    RETURN QUERY
    WITH compared AS (
        SELECT m[1] AS alias, m[2] AS attribute, m[3] AS operator, m[4] IS NOT NULL AS is_list, m[5] AS parameters
          FROM asymm._plan_nodes(plan) AS n
         CROSS JOIN LATERAL jsonb_each_text(n.node) AS k
         CROSS JOIN LATERAL regexp_matches(k.value, '("(?:[^"]|"")+"|[\w$]+)\.("(?:[^"]|"")+"|[\w$]+)(?:\)?::[\w ]+)? '
                                                    '(=|<>|<=?|>=?|~~\*?) (ANY )?\(?(\$\d+\M|ARRAY\[\$\d[^]]*)', 'g') AS m
         WHERE k.key ~ '(Cond|Filter)$')
    SELECT DISTINCT ON (r.m[1]::integer) r.m[1]::integer, (v_names #>> ARRAY[asymm._unquoted(c.alias), 'r'])::oid, asymm._unquoted(c.attribute)::name,
           c.operator, c.is_list AND c.parameters !~ '^ARRAY'
      FROM compared AS c CROSS JOIN LATERAL regexp_matches(c.parameters, '\$(\d{1,5})\M', 'g') AS r (m)
     ORDER BY r.m[1]::integer, c.operator = '=' DESC;
END
$$;
COMMENT ON FUNCTION asymm._open_comparisons(jsonb) IS 'Columns that a plan with parameters open compares with them, and by what.';

-- In turn the values that are there most often and one from the middle; bounds are around the middle, patterns begin as a value does. A number
-- that stands alone beside a LIMIT is one.
CREATE OR REPLACE FUNCTION asymm._typical_values(plan jsonb, types text[], turn bigint) RETURNS text[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN ARRAY(
        SELECT CASE WHEN o.parameter IS NULL THEN CASE WHEN t.type = 'bigint' AND plan::text LIKE '%"Node Type": "Limit"%' THEN '10' END
                    WHEN o.is_list THEN (SELECT array_agg(v.value)::text
                                           FROM unnest(COALESCE(s.often[1:3], s.bounds[2:4], s.bounds)) AS v (value) HAVING count(*) > 0)
                    WHEN o.operator LIKE '~~%' THEN left(COALESCE(s.often[1], s.bounds[1 + cardinality(s.bounds) / 2]), 3) || '%'
                    WHEN o.operator ~ '^[<>]=?$'
                        THEN COALESCE(s.bounds[1 + (cardinality(s.bounds) - 1) * CASE WHEN o.operator ~ '^>' THEN 45 ELSE 55 END / 100], s.often[1])
                    WHEN turn % 2 = 0 THEN COALESCE(s.often[1 + turn / 2 % LEAST(cardinality(s.often), 5)], s.middle)
                    ELSE COALESCE(s.middle, s.often[1]) END
          FROM unnest(types) WITH ORDINALITY AS t (type, n)
          LEFT JOIN asymm._open_comparisons(plan) AS o ON o.parameter = t.n
          LEFT JOIN LATERAL (
                SELECT p.most_common_vals::text::text[] AS often, b.bounds, b.bounds[1 + (cardinality(b.bounds) - 1) / 2] AS middle
                  FROM pg_class AS c
                  JOIN pg_namespace AS k ON k.oid = c.relnamespace
                  JOIN pg_stats AS p ON (p.schemaname, p.tablename, p.attname, p.inherited) = (k.nspname, c.relname, o.attribute, c.relkind = 'p')
                 CROSS JOIN LATERAL (SELECT p.histogram_bounds::text::text[]) AS b (bounds)
                 WHERE c.oid = o.relid) AS s ON true
         ORDER BY t.n);
END
$$;
COMMENT ON FUNCTION asymm._typical_values(jsonb, text[], bigint)
    IS 'A value for each open parameter of a plan, as text, by the statistics of the column it is compared with; NULL where nothing is known.';
