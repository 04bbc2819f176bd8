-- The terms of a whole plan: what asymm.advise() reasons from.

-- How an operator class indexes an operator for a type: the default class of the type, else (gin and gist only) another one,
-- which is then named. Exactly the class's type, one that is stored alike, or one that takes many.
CREATE OR REPLACE FUNCTION asymm._index_strategy(operator oid, type oid, method name)
RETURNS TABLE (strategy smallint, purpose "char", class text, is_default boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_types oid[] := asymm._taken_as(type);
    v_base oid := asymm._base_type(type);
BEGIN
    RETURN QUERY
    SELECT a.amopstrategy, a.amoppurpose, CASE WHEN NOT c.opcdefault THEN asymm._class_name(c.oid) END, c.opcdefault
      FROM pg_amop AS a
      JOIN pg_am AS m ON m.oid = a.amopmethod AND m.amname = method
      JOIN pg_opclass AS c ON c.opcfamily = a.amopfamily AND c.opcmethod = a.amopmethod
     WHERE a.amopopr = operator AND (c.opcdefault OR method IN ('gin', 'gist'))
       AND (c.opcintype = ANY (v_types)
            OR EXISTS (SELECT FROM pg_cast AS k WHERE k.castsource = v_base AND k.casttarget = c.opcintype AND k.castmethod = 'b'
                                                  AND k.castcontext = 'i'))
     ORDER BY c.opcdefault DESC, array_position(v_types, c.opcintype), c.opcname LIMIT 2;
END
$$;
COMMENT ON FUNCTION asymm._index_strategy(oid, oid, name) IS 'Whether and how an access method finds rows by an operator.';

-- Parentheses around the whole say nothing.
CREATE OR REPLACE FUNCTION asymm._bare_expression(expression text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := expression;
    v_tokens text[];
BEGIN
    IF v_text LIKE '(%)' THEN
        v_tokens := asymm._tokens(v_text);
        WHILE v_text LIKE '(%)' AND asymm._closing(v_tokens, 1) = cardinality(v_tokens) + 1 LOOP
            v_text := substr(v_text, 2, length(v_text) - 2);
            v_tokens := v_tokens[2:cardinality(v_tokens) - 1];
        END LOOP;
    END IF;
    RETURN v_text;
END
$$;
COMMENT ON FUNCTION asymm._bare_expression(text) IS 'An expression without parentheses around the whole.';

-- An index that is read from end to end, for the rows that a filter lets through, is read for its order: what a Sort would say. The
-- columns in front, up to the first key that is none.
CREATE OR REPLACE FUNCTION asymm._order_of_scan(node jsonb) RETURNS TABLE (text text, n integer)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF node ->> 'Node Type' NOT IN ('Index Scan', 'Index Only Scan') OR node ? 'Index Cond' OR NOT node ?& '{Alias,Filter,Schema,Index Name}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH k AS (
        SELECT i.indkey[p.n - 1] AS attnum, i.indcollation[p.n - 1] AS collation, p.n, i.indrelid,
               (i.indoption[p.n - 1] & 1 = 1) <> (node ->> 'Scan Direction' = 'Backward') AS descending,
               (i.indoption[p.n - 1] & 2 = 2) <> (node ->> 'Scan Direction' = 'Backward') AS nulls_first
          FROM pg_class AS c
          JOIN pg_namespace AS s ON s.oid = c.relnamespace AND s.nspname = node ->> 'Schema'
          JOIN pg_index AS i ON i.indexrelid = c.oid
          JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
         CROSS JOIN LATERAL generate_series(1, i.indnkeyatts::integer) AS p (n)
         WHERE c.relname = node ->> 'Index Name'),
    named AS (
        SELECT k.*, a.attname, row_number() OVER (ORDER BY k.n) AS place
          FROM k JOIN pg_attribute AS a ON a.attrelid = k.indrelid AND a.attnum = k.attnum AND a.attnum > 0 AND a.attcollation = k.collation)
    SELECT concat_ws(' ', format('%I.%I', node ->> 'Alias', x.attname), CASE WHEN x.descending THEN 'DESC' END,
                     CASE WHEN x.nulls_first <> x.descending THEN CASE WHEN x.nulls_first THEN 'NULLS FIRST' ELSE 'NULLS LAST' END END), x.n
      FROM named AS x WHERE x.n = x.place
     ORDER BY x.n;
END
$$;
COMMENT ON FUNCTION asymm._order_of_scan(jsonb) IS 'The order in which an index scan without condition, but with a filter, hands out rows: sort keys; of other nodes nothing.';

-- What a condition or a list of keys of a node is read as; usage op, any, row, test, column, not, or, order, group, unread.
CREATE OR REPLACE FUNCTION asymm._plan_terms(plan jsonb, names jsonb) RETURNS TABLE (place text, part text, n integer, term jsonb)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH nodes AS MATERIALIZED (SELECT n.* FROM asymm._plan_nodes(plan) AS n),
    texts AS (
        SELECT n.place, k.key AS part, e.text, e.n::integer AS n,
               CASE k.key WHEN 'Sort Key' THEN 'order' WHEN 'Group Key' THEN 'group' WHEN 'Order By' THEN 'near' WHEN 'Output' THEN 'order'
                          ELSE 'condition' END AS usage
          FROM nodes AS n
         CROSS JOIN LATERAL jsonb_each(n.node) AS k
         CROSS JOIN LATERAL jsonb_array_elements_text(asymm._texts(k.value))
                            WITH ORDINALITY AS e (text, n)
         WHERE k.key IN ('Filter', 'Recheck Cond', 'Join Filter', 'Hash Cond', 'Merge Cond', 'TID Cond', 'One-Time Filter', 'Order By', 'Group Key')
            -- Of a bitmap, the scan of the table repeats what its parts look for, with AND and OR.
            OR k.key = 'Index Cond' AND n.kind <> 'Bitmap Index Scan'
            -- What a merge join sorts is its choice, not the query's.
            OR k.key = 'Sort Key' AND n.parent_kind IS DISTINCT FROM 'Merge Join'
            -- The first or the last of all.
            OR k.key = 'Output' AND n.kind = 'Aggregate' AND NOT n.node ? 'Group Key' AND e.text ~ '^(PARTIAL )?(min|max)\('
        UNION ALL
        SELECT n.place, 'Order', o.text, o.n, 'order' FROM nodes AS n CROSS JOIN LATERAL asymm._order_of_scan(n.node) AS o),
    read AS MATERIALIZED (
        SELECT t.*, asymm._read(CASE WHEN t.part = 'Output' THEN regexp_replace(t.text, '^(PARTIAL )?(min|max)', '') ELSE t.text END, names) AS item
          FROM texts AS t WHERE t.text IS NOT NULL)
    SELECT r.place, r.part, r.n, t.term
      FROM read AS r
     CROSS JOIN LATERAL (
           SELECT c.term FROM asymm._condition_terms(r.item, NULL, names) AS c (term) WHERE r.usage = 'condition'
           UNION ALL
           -- By distance: an index can hand out what is near first.
           SELECT jsonb_build_object('v', r.item #> ARRAY['a', d.side], 'u', 'near', 'j', false, 'o', r.item -> 'o',
                                     'f', CASE d.side WHEN '0' THEN r.item -> 'f' ELSE r.item -> 'm' END)
             FROM (SELECT CASE WHEN r.item #> '{a,0,n}' = '[]' THEN '1' ELSE '0' END AS side) AS d
            WHERE r.usage IN ('order', 'near') AND r.item ->> 'k' = 'op'
              AND EXISTS (SELECT FROM pg_amop AS a WHERE a.amopopr = (r.item ->> 'f')::oid AND a.amoppurpose = 'o')
           UNION ALL
           SELECT jsonb_build_object('v', r.item, 'u', r.usage, 'j', false, 'desc', r.item -> 'rest' ? 'DESC',
                                     'first', CASE WHEN r.item -> 'rest' ? 'NULLS' THEN r.item -> 'rest' ? 'FIRST' ELSE r.item -> 'rest' ? 'DESC' END,
                                     'using', r.item -> 'rest' ? 'USING')
            WHERE r.usage IN ('order', 'group')
              AND NOT EXISTS (SELECT FROM pg_amop AS a WHERE a.amopopr = (r.item ->> 'f')::oid AND a.amoppurpose = 'o')) AS t
     ORDER BY r.place, r.part, r.n;
END
$$;
COMMENT ON FUNCTION asymm._plan_terms(jsonb, jsonb) IS 'Comparisons, sort and group keys of a plan.';

CREATE OR REPLACE FUNCTION asymm._query_terms(plan jsonb, names jsonb)
RETURNS TABLE (instance text, relid oid, place text, part text, n integer, key text, attribute name, type oid, fit boolean, usage text, operator text,
               opno oid, constant text, predicate text, arm text, descending boolean, nulls_first boolean, row_place integer,
               rows_before double precision, rows_after double precision)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    WITH term AS (
        SELECT t.place, t.part, t.n, t.term, t.term -> 'v' AS v, t.term ->> 'u' AS u, t.term #>> '{v,n,0}' AS alias,
               names #>> ARRAY[t.term #>> '{v,n,0}', 's'] AS instance
          FROM asymm._plan_terms(plan, names) AS t
         WHERE jsonb_array_length(t.term #> '{v,n}') = 1),
    operators AS MATERIALIZED (
        SELECT t.*, (names #>> ARRAY[t.instance, 'r'])::oid AS relid, (names #>> ARRAY[t.instance, 'before'])::float8 AS rows_before,
               (names #>> ARRAY[t.instance, 'after'])::float8 AS rows_after, (t.v ->> 'y')::oid AS type,
               CASE WHEN t.v ? 'same' OR t.term -> 'all' = 'true' THEN NULL
                    WHEN t.u IN ('op', 'any', 'near') THEN (t.term ->> 'f')::oid END AS opno
          FROM term AS t
         -- The other partitions say the same again.
         WHERE t.alias = t.instance OR names #> ARRAY[t.alias, 'own'] = 'false'),
    judged AS (
        SELECT o.*, CASE WHEN o.opno IS NOT NULL AND o.type IS NOT NULL
                         THEN (SELECT s.strategy FROM asymm._index_strategy(o.opno, o.type, 'btree') AS s LIMIT 1) END AS strategy
          FROM operators AS o)
    SELECT j.instance, j.relid, j.place, j.part, j.n,
           CASE WHEN j.v ? 'c' THEN quote_ident(j.v ->> 'c') || COALESCE(' COLLATE ' || (j.v ->> 'l'), '')
                ELSE format('(%s)', asymm._bare_expression(j.v ->> 't')) END,
           (j.v ->> 'c')::name, j.type,
           -- CREATE INDEX takes it: a column, or what is immutable and of a known type.
           j.v -> 'i' = 'true' AND j.type IS NOT NULL AND j.v ->> 'k' <> 'const' AND (j.v ->> 'k' <> 'column' OR j.v ? 'c'),
           CASE WHEN j.u IN ('op', 'any') AND j.strategy = 3
                THEN CASE WHEN j.term -> 'j' = 'true' THEN 'join' WHEN j.u = 'any' THEN 'any' ELSE 'equality' END
                WHEN j.u = 'op' AND j.strategy IS NOT NULL THEN CASE WHEN j.term -> 'j' = 'true' THEN 'join range' ELSE 'range' END
                WHEN j.u = 'row' THEN 'row'
                WHEN j.u = 'test' AND j.term ->> 'o' <> 'IS NOT NULL' THEN 'equality'
                WHEN j.u IN ('column', 'not') AND j.type = 'boolean'::regtype AND j.v ->> 'k' = 'column' THEN 'equality'
                WHEN j.u IN ('order', 'group') AND j.term -> 'using' IS DISTINCT FROM 'true' THEN j.u
                WHEN j.u = 'near' THEN 'near'
                ELSE 'other' END,
           j.term ->> 'o', j.opno, j.term ->> 'x', j.term ->> 'w', j.term ->> 'g',
           (j.term -> 'desc')::boolean, (j.term -> 'first')::boolean, (j.term ->> 'q')::integer, j.rows_before, j.rows_after
      FROM judged AS j;
END
$$;
COMMENT ON FUNCTION asymm._query_terms(jsonb, jsonb) IS 'What a plan compares, sorts and groups by, with the operators'' catalog entries.';

CREATE OR REPLACE FUNCTION asymm._query_columns(plan jsonb)
RETURNS TABLE (relid oid, key text, usage text, operator text, rows_before double precision, rows_after double precision, constant text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT DISTINCT t.relid, t.key,
           CASE t.usage WHEN 'any' THEN 'equality' WHEN 'join range' THEN 'join' WHEN 'row' THEN 'range' WHEN 'near' THEN 'order' ELSE t.usage END,
           t.operator, t.rows_before, t.rows_after, t.constant
      FROM asymm._query_terms(plan, asymm._scanned_names(plan)) AS t;
END
$$;
COMMENT ON FUNCTION asymm._query_columns(jsonb)
    IS 'Columns and expressions a plan compares, joins, sorts or groups by: usage equality, range, join, order, group or other.';
