-- Which indexes are worth a try for a query.

-- Which order of columns: what is equal to something first, then one range or the order wanted; what joins before or after.
CREATE OR REPLACE FUNCTION asymm._key_lists(equal text[], joined text[], ranges text[], orders jsonb, groups jsonb)
RETURNS TABLE (keys text[], reason text, covering boolean)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH e AS (SELECT equal[:4] AS keys),
    tail AS (
        SELECT ARRAY[r.key] AS keys, 'range' AS role FROM unnest(ranges[:4]) AS r (key)
        UNION ALL
        SELECT ARRAY(SELECT k.key FROM jsonb_array_elements_text(o.list) AS k (key)), 'order by' FROM jsonb_array_elements(orders) AS o (list)
        UNION ALL
        SELECT ARRAY(SELECT k.key FROM jsonb_array_elements_text(g.list) AS k (key)), 'group by' FROM jsonb_array_elements(groups) AS g (list)),
    j AS (
        SELECT ARRAY[k.key] AS keys FROM unnest(joined[:4]) AS k (key)
        UNION ALL
        SELECT joined[:3] WHERE cardinality(joined) > 1),
    -- What rows are ordered by is not only carried: the same size, and the first of many equal ones come without reading the others.
    further AS (SELECT EXISTS (SELECT FROM tail AS t WHERE t.role = 'order by' AND t.keys[1] !~ '^\(') AS key),
    parts (a, a_role, b, b_role, c, c_role, covering) AS (
        SELECT ARRAY[k.key], 'equality', '{}'::text[], '', '{}'::text[], '', cardinality(equal) = 1 AND NOT f.key
          FROM unnest(equal) AS k (key), further AS f
        UNION ALL SELECT e.keys, 'equality', '{}', '', '{}', '', NOT f.key FROM e, further AS f WHERE cardinality(e.keys) > 1
        UNION ALL SELECT e.keys[:2], 'equality', '{}', '', '{}', '', false FROM e WHERE cardinality(e.keys) > 2
        UNION ALL SELECT t.keys, t.role, '{}', '', '{}', '', true FROM tail AS t
        UNION ALL SELECT t.keys[:1], t.role, '{}', '', '{}', '', false FROM tail AS t WHERE cardinality(t.keys) > 1
        UNION ALL SELECT e.keys, 'equality', t.keys, t.role, '{}', '', true FROM e, tail AS t WHERE e.keys <> '{}'
        UNION ALL SELECT e.keys[:1], 'equality', t.keys, t.role, '{}', '', false FROM e, tail AS t WHERE cardinality(e.keys) > 1
        UNION ALL SELECT j.keys, 'join', '{}', '', '{}', '', true FROM j
        UNION ALL SELECT j.keys, 'join', e.keys, 'equality', '{}', '', true FROM j, e WHERE e.keys <> '{}'
        UNION ALL SELECT e.keys, 'equality', j.keys, 'join', '{}', '', true FROM j, e WHERE e.keys <> '{}'
        UNION ALL SELECT j.keys, 'join', t.keys, t.role, '{}', '', true FROM j, tail AS t
        UNION ALL SELECT t.keys, t.role, j.keys, 'join', '{}', '', true FROM j, tail AS t WHERE t.role = 'range'
        UNION ALL SELECT e.keys, 'equality', j.keys, 'join', t.keys, t.role, true FROM j, e, tail AS t WHERE e.keys <> '{}'),
    -- A column once, where it comes first.
    lists AS (
        SELECT p.*, ARRAY(SELECT d.key
                            FROM (SELECT DISTINCT ON (b.bare) k.key, k.n
                                    FROM unnest(p.a || p.b || p.c) WITH ORDINALITY AS k (key, n)
                                   CROSS JOIN LATERAL (SELECT regexp_replace(k.key, '( DESC)?( NULLS (FIRST|LAST))?$', '') AS bare) AS b
                                   ORDER BY b.bare, k.n) AS d
                           ORDER BY d.n) AS keys
          FROM parts AS p)
    SELECT DISTINCT ON (l.keys) l.keys,
           (SELECT string_agg(concat_ws(' ', p.role, CASE WHEN p.role NOT LIKE '% by' THEN 'on' END, array_to_string(p.keys, ', ')),
                              ', then ' ORDER BY p.n)
              FROM (VALUES (1, l.a_role, l.a), (2, l.b_role, l.b), (3, l.c_role, l.c)) AS p (n, role, keys) WHERE p.keys <> '{}'),
           l.covering
      FROM lists AS l WHERE cardinality(l.keys) BETWEEN 1 AND 6
     ORDER BY l.keys, l.covering DESC;
END
$$;
COMMENT ON FUNCTION asymm._key_lists(text[], text[], text[], jsonb, jsonb) IS 'Lists of keys that could serve a query, given what it does with them.';

-- Backwards it serves as well: the first key that is ordered ascends.
CREATE OR REPLACE FUNCTION asymm._ordered_key(key text, descending boolean, nulls_first boolean, turned boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_descending boolean := descending IS TRUE <> turned;
    v_first boolean := nulls_first IS TRUE <> turned;
BEGIN
    RETURN concat_ws(' ', key, CASE WHEN v_descending THEN 'DESC' END,
                     CASE WHEN v_first <> v_descending THEN CASE WHEN v_first THEN 'NULLS FIRST' ELSE 'NULLS LAST' END END);
END
$$;
COMMENT ON FUNCTION asymm._ordered_key(text, boolean, boolean, boolean) IS 'A key with its direction, turned round if wanted.';

-- What an index is made of, comparable with a candidate: keys without blanks and outer parentheses, the first ascending.
CREATE OR REPLACE FUNCTION asymm._index_parts(relation oid) RETURNS TABLE (index oid, method name, keys text[], include text[], predicate text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT i.indexrelid, m.amname,
           ARRAY(SELECT asymm._same_key(asymm._ordered_key(
                            concat_ws(' ', format('(%s)', pg_get_indexdef(i.indexrelid, g, false)),
                                      CASE WHEN i.indcollation[g - 1] NOT IN (0, COALESCE(a.attcollation, 100))
                                           THEN format('COLLATE "%s"', l.collname) END,
                                      CASE WHEN NOT o.opcdefault THEN asymm._class_name(o.oid) END),
                            i.indoption[g - 1] & 1 = 1, i.indoption[g - 1] & 2 = 2, i.indoption[0] & 1 = 1))
                   FROM generate_series(1, i.indnkeyatts) AS g
                   JOIN pg_opclass AS o ON o.oid = i.indclass[g - 1]
                   LEFT JOIN pg_collation AS l ON l.oid = i.indcollation[g - 1]
                   LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[g - 1] AND a.attnum > 0
                  ORDER BY g),
           ARRAY(SELECT quote_ident(a.attname) FROM generate_series(i.indnkeyatts, i.indnatts - 1) AS g
                   JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[g] ORDER BY g),
           asymm._same_key(pg_get_expr(i.indpred, i.indrelid))
      FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS m ON m.oid = c.relam
     WHERE i.indrelid = relation AND i.indisvalid;
END
$$;
COMMENT ON FUNCTION asymm._index_parts(oid) IS 'The valid indexes of a table, in a form to compare.';

CREATE OR REPLACE FUNCTION asymm._class_name(class oid) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT CASE WHEN n.nspname = 'pg_catalog' THEN quote_ident(c.opcname) ELSE format('%I.%I', n.nspname, c.opcname) END
              FROM pg_opclass AS c JOIN pg_namespace AS n ON n.oid = c.opcnamespace WHERE c.oid = class);
END
$$;
COMMENT ON FUNCTION asymm._class_name(oid) IS 'Name of an operator class, with its schema where that isn''t pg_catalog.';

-- (a) DESC is a DESC, but (a)::text is no a::text.
CREATE OR REPLACE FUNCTION asymm._same_key(key text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tokens text[] := asymm._tokens(key);
    v_end integer;
BEGIN
    WHILE v_tokens[1] = '(' LOOP
        v_end := asymm._closing(v_tokens, 1);
        EXIT WHEN v_end <= cardinality(v_tokens) AND (NOT asymm._is_identifier(v_tokens[v_end])
                                                      OR v_tokens[v_end] IN ('AND', 'OR', 'IS', 'AT', 'OPERATOR'));
        v_tokens := v_tokens[2:v_end - 2] || v_tokens[v_end:];
    END LOOP;
    RETURN array_to_string(v_tokens, ' ');
END
$$;
COMMENT ON FUNCTION asymm._same_key(text) IS 'A key or predicate without blanks and outer parentheses, to compare.';
