-- What a plan's work grows with: facts about its tables, and how many rows a condition leaves.
--
-- n is the size of the largest table, and every table grows with it. A class is told as an exponent: n^p (log n)^l is 100 p + l, so
-- that a product is a sum and a sum is a maximum. Rows are "few" (0) where their number does not follow the size of the table.

CREATE OR REPLACE FUNCTION asymm._cost_class(exponent integer) RETURNS asymm.cost
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Beyond n log n a factor log n makes no class of its own; what is worse than n^3 is in the last one.
    RETURN CASE WHEN exponent <= 0 THEN 'O(1)' WHEN exponent < 100 THEN 'O(log n)' WHEN exponent = 100 THEN 'O(n)'
                WHEN exponent < 200 THEN 'O(n log n)' WHEN exponent < 300 THEN 'O(n^2)'
                WHEN exponent < 400 THEN 'O(n^3)' ELSE 'O(2^n)' END::asymm.cost;
END
$$;
COMMENT ON FUNCTION asymm._cost_class(integer) IS 'Complexity class of n^p (log n)^l, given as 100 p + l.';

-- The view of statistics is a barrier, and is read table by table, else for all tables.
CREATE OR REPLACE FUNCTION asymm._column_shares(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_schema name;
    v_name name;
    v_parted boolean;
    v_tuples double precision;
BEGIN
    SELECT n.nspname, c.relname, c.relkind = 'p', c.reltuples INTO v_schema, v_name, v_parted, v_tuples
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation;
    RETURN (SELECT COALESCE(jsonb_object_agg(concat(relation, ' ', s.attname),
                       (1 - s.null_frac) / GREATEST(1, CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * v_tuples ELSE s.n_distinct END)), '{}')
              FROM pg_stats AS s WHERE s.schemaname = v_schema AND s.tablename = v_name AND s.inherited = v_parted);
END
$$;
COMMENT ON FUNCTION asymm._column_shares(oid) IS 'The share of a table''s rows that one value of each column has, by its statistics.';

-- Everything that is asked of the catalogs, at once: names, conditions by the place of their node, and of each table its size,
-- its indexes and the columns that refer to a table that grows with it. Of partitions the first stands for all.
CREATE OR REPLACE FUNCTION asymm._cost_context(plan jsonb, statistics boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_names jsonb := asymm._scanned_names(plan);
    v_terms jsonb;
    v_tables jsonb;
    v_shares jsonb;
    v_id oid;
    v_scanned text;
    v_references jsonb;
BEGIN
    SELECT jsonb_object_agg(s.alias, jsonb_build_object(
               'of', s.instance, 'id', s.own::bigint, 'tuples', GREATEST(c.reltuples, 0), 'pages', c.relpages,
               'indexes', CASE WHEN s.alias = s.instance THEN (
                   SELECT COALESCE(jsonb_agg(jsonb_build_object(
                              'id', x.index::bigint, 'name', n.relname, 'method', x.method, 'predicate', x.predicate,
                              'unique', i.indisunique, 'order', x.keys,
                              'keys', ARRAY(SELECT regexp_replace(k.key, '( DESC)?( NULLS (FIRST|LAST))?$', '')
                                              FROM unnest(x.keys) WITH ORDINALITY AS k (key, n) ORDER BY k.n))), '[]')
                     FROM asymm._index_parts(s.own) AS x JOIN pg_index AS i ON i.indexrelid = x.index JOIN pg_class AS n ON n.oid = x.index) END,
               'foreign', CASE WHEN s.alias = s.instance THEN (
                   SELECT COALESCE(jsonb_agg(asymm._same_key(quote_ident(a.attname))), '[]')
                     FROM pg_constraint AS k JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
                     JOIN pg_class AS p ON p.oid = k.confrelid
                    WHERE k.conrelid = s.own AND k.contype = 'f' AND cardinality(k.conkey) = 1
                      AND GREATEST(p.reltuples, 0) >= sqrt(GREATEST(c.reltuples, 0))) END))
      INTO v_tables
      FROM asymm._scanned_relations(plan) AS s JOIN pg_class AS c ON c.oid = s.own;
    -- Where the planner's estimate is of more than the index looks for, or of a small table, statistics say how many rows have one value.
    IF statistics OR EXISTS (SELECT FROM asymm._plan_nodes(plan) AS n
                WHERE n.kind IN ('Incremental Sort', 'Memoize') OR n.node ? 'Filter' AND (n.node ? 'Index Cond' OR n.node ? 'Recheck Cond'))
       OR jsonb_path_exists(v_tables, '$.* ? (@.pages < 64)') THEN
        v_shares := '{}';
        FOR v_id IN SELECT (t.value ->> 'id')::oid FROM jsonb_each(v_tables) AS t WHERE t.value ->> 'of' = t.key
                     UNION
                    -- Of an expression its index has them.
                    SELECT (x.index ->> 'id')::oid
                      FROM jsonb_each(v_tables) AS t CROSS JOIN LATERAL jsonb_array_elements(asymm._texts(t.value -> 'indexes')) AS x (index)
                     WHERE x.index ->> 'keys' ~ '[(]' LOOP
            v_shares := v_shares || asymm._column_shares(v_id);
        END LOOP;
    END IF;
    SELECT jsonb_object_agg(t.place, t.list) INTO v_terms
      FROM (SELECT t.place, jsonb_agg(jsonb_build_object(
                       'of', t.instance, 'part', t.part, 'usage', CASE WHEN t.usage IN ('equality', 'any', 'join') AND t.opno IS NULL THEN 'other'
                                                                       ELSE t.usage END,
                       'key', asymm._same_key(t.key), 'arm', t.arm, 'n', t.n, 'desc', t.descending IS TRUE, 'first', t.nulls_first IS TRUE,
                       'share', CASE WHEN t.attribute IS NOT NULL THEN v_shares -> concat(v_tables #>> ARRAY[t.instance, 'id'], ' ', t.attribute)
                                     WHEN v_shares IS NOT NULL THEN (
                                         SELECT v_shares -> concat(a.attrelid, ' ', a.attname)
                                           FROM jsonb_array_elements(v_tables #> ARRAY[t.instance, 'indexes']) AS x (index)
                                          CROSS JOIN LATERAL jsonb_array_elements_text(x.index -> 'keys') WITH ORDINALITY AS k (key, n)
                                           JOIN pg_attribute AS a ON a.attrelid = (x.index ->> 'id')::oid AND a.attnum = k.n
                                          WHERE k.key = asymm._same_key(t.key) LIMIT 1) END) ORDER BY t.n) AS list
              FROM asymm._query_terms(plan, v_names) AS t GROUP BY t.place) AS t;
    SELECT jsonb_object_agg(r.name, r.count) INTO v_references
      FROM (SELECT n.node ->> 'CTE Name' AS name, count(*) FROM asymm._plan_nodes(plan) AS n
             WHERE n.kind = 'CTE Scan' GROUP BY 1) AS r WHERE r.name IS NOT NULL;
    -- Tables that a DELETE has read from end to end for each of its rows, since no index serves their foreign key.
    IF jsonb_path_exists(plan, '$.**.Operation ? (@ == "Delete")') THEN
        SELECT min(format('%I.%I (%s)', n.nspname, c.relname, array_to_string(u.keys, ', '))) INTO v_scanned
          FROM asymm._deleted_from(plan) AS d JOIN asymm._unindexed_keys() AS u ON u.referenced = d.relid
          JOIN pg_class AS c ON c.oid = u.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace;
    END IF;
    RETURN jsonb_build_object('scanned', v_scanned, 'names', v_names - '', 'terms', COALESCE(v_terms, '{}'), 'tables', COALESCE(v_tables, '{}'),
                              'references', COALESCE(v_references, '{}'), 'results', '{}'::jsonb, 'shares', COALESCE(v_shares, '{}'));
END
$$;
COMMENT ON FUNCTION asymm._cost_context(jsonb, boolean) IS 'What asymm._node_cost() needs to know of the tables and conditions of a plan.';

-- The terms of a scan: where it is a later partition of its table, the first one's.
CREATE OR REPLACE FUNCTION asymm._scan_terms(alias text, context jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_instance text := context #>> ARRAY['tables', alias, 'of'];
    v_place text := context #>> ARRAY['names', v_instance, 'p'];
BEGIN
    RETURN (SELECT COALESCE(jsonb_agg(t.term), '[]') FROM jsonb_array_elements(context #> ARRAY['terms', v_place]) AS t (term)
             WHERE t.term ->> 'of' = v_instance);
END
$$;
COMMENT ON FUNCTION asymm._scan_terms(text, jsonb) IS 'The conditions a plan puts on one table where it reads it.';

-- Whether an estimate of rows is one that does not grow. One by 0.5 % or a third, as the planner takes where it knows nothing, is not
-- small in a large table; in a small one only equality says something: there the planner itself takes a column of which
-- more than a tenth of the values differ for one that goes on like that.
CREATE OR REPLACE FUNCTION asymm._is_few(rows double precision, tuples double precision, equal boolean) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN COALESCE(tuples >= 10000 AND rows <= log(2, tuples::numeric) OR equal AND rows <= LEAST(10, tuples / 10), false);
END
$$;
COMMENT ON FUNCTION asymm._is_few(double precision, double precision, boolean) IS 'Whether so many of a table''s rows are so few that their number will not follow its size.';

-- How far an index narrows what is read: 1 for at most one row, 2 for few, NULL for a share of the table. Of a btree the columns in
-- front count, up to the first without equality.
CREATE OR REPLACE FUNCTION asymm._index_bound(index jsonb, context_table jsonb, terms jsonb, rows double precision) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tuples double precision := (context_table ->> 'tuples')::double precision;
    v_share double precision := 1;
    v_any boolean := false;
    v_foreign boolean := false;
    v_length integer := jsonb_array_length(index -> 'keys');
    v_prefix integer := 0;
    v_term jsonb;
    v_next jsonb;
BEGIN
    IF index ->> 'method' = 'brin' THEN
        RETURN NULL;
    ELSIF index ->> 'method' NOT IN ('btree', 'hash') THEN
        RETURN CASE WHEN asymm._is_few(rows, v_tuples, false) THEN 2 END;
    END IF;
    FOR v_n IN 0 .. v_length - 1 LOOP
        SELECT t.term INTO v_term FROM jsonb_array_elements(terms) AS t (term)
         WHERE t.term ->> 'usage' IN ('equality', 'any', 'join') AND t.term ->> 'arm' IS NULL
           AND (t.term -> 'key' = index #> ARRAY['keys', v_n::text] OR starts_with(index #>> ARRAY['keys', v_n::text], (t.term ->> 'key') || ' '))
         LIMIT 1;
        EXIT WHEN v_term IS NULL;
        v_prefix := v_n + 1;
        v_share := v_share * (v_term ->> 'share')::double precision;
        v_any := v_any OR v_term ->> 'usage' = 'any';
        v_foreign := v_foreign OR context_table -> 'foreign' @> (v_term -> 'key');
    END LOOP;
    IF v_prefix = v_length AND index -> 'unique' = 'true' THEN
        RETURN CASE WHEN v_any THEN 2 ELSE 1 END;
    ELSIF v_foreign OR v_prefix > 0 AND asymm._is_few(v_share * v_tuples, v_tuples, true) THEN
        RETURN 2;
    END IF;
    -- All conditions are equality, or a range is next to it of which the planner knows that few are in it.
    v_next := index #> ARRAY['keys', v_prefix::text];
    RETURN CASE WHEN v_prefix > 0 AND asymm._is_few(rows, v_tuples, true)
                     AND NOT EXISTS (SELECT FROM jsonb_array_elements(terms) AS t (term)
                                      WHERE t.term ->> 'usage' NOT IN ('equality', 'any', 'join', 'order', 'group'))
                     OR asymm._is_few(rows, v_tuples, false)
                        AND (v_prefix > 0 OR EXISTS (SELECT FROM jsonb_array_elements(terms) AS t (term) WHERE t.term -> 'key' = v_next)) THEN 2 END;
END
$$;
COMMENT ON FUNCTION asymm._index_bound(jsonb, jsonb, jsonb, double precision) IS 'How many rows conditions leave for an index to fetch: 1: at most one, 2: few, NULL: a share.';

-- The same of all conditions, whether an index serves them or not. Where they are joined by OR, each must be so narrow.
CREATE OR REPLACE FUNCTION asymm._rows_bound(context_table jsonb, terms jsonb, rows double precision) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tuples double precision := (context_table ->> 'tuples')::double precision;
    v_keys jsonb;
    v_any boolean;
    v_equal boolean;
    v_bound integer;
BEGIN
    SELECT COALESCE(jsonb_agg(t.term -> 'key') FILTER (WHERE t.term ->> 'usage' IN ('equality', 'any', 'join') AND t.term ->> 'arm' IS NULL), '[]'),
           COALESCE(bool_or(t.term ->> 'usage' = 'any'), false),
           COALESCE(bool_and(t.term ->> 'usage' IN ('equality', 'any', 'join')), false)
      INTO v_keys, v_any, v_equal
      FROM jsonb_array_elements(terms) AS t (term) WHERE t.term ->> 'usage' NOT IN ('order', 'group');
    SELECT CASE WHEN v_any THEN 2 ELSE 1 END INTO v_bound
      FROM jsonb_array_elements(context_table -> 'indexes') AS i (index)
     WHERE i.index -> 'unique' = 'true' AND v_keys @> (i.index -> 'keys') AND jsonb_typeof(i.index -> 'predicate') = 'null' LIMIT 1;
    IF v_bound IS NOT NULL THEN
        RETURN v_bound;
    ELSIF asymm._is_few(rows, v_tuples, v_equal)
          OR EXISTS (SELECT FROM jsonb_array_elements(context_table -> 'foreign') AS f (key) WHERE v_keys @> f.key) THEN
        RETURN 2;
    END IF;
    SELECT min(2) INTO v_bound
      FROM (SELECT jsonb_agg(t.term - 'arm') AS terms FROM jsonb_array_elements(terms) AS t (term)
             WHERE t.term ->> 'arm' IS NOT NULL GROUP BY t.term ->> 'arm') AS a
    HAVING bool_and(asymm._rows_bound(context_table, a.terms, NULL) IS NOT NULL);
    RETURN v_bound;
END
$$;
COMMENT ON FUNCTION asymm._rows_bound(jsonb, jsonb, double precision) IS 'How many rows of a table conditions leave: 1: at most one, 2: few, NULL: a share.';

-- A table of a few pages is read as a whole whatever there is, so an index decides that the planner would take if it were larger.
CREATE OR REPLACE FUNCTION asymm._would_use(context_table jsonb, terms jsonb) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (context_table ->> 'pages')::bigint >= 64 THEN
        RETURN NULL;
    END IF;
    RETURN COALESCE(
        (SELECT min(asymm._index_bound(i.index, context_table, terms, NULL)) FROM jsonb_array_elements(context_table -> 'indexes') AS i (index)
          WHERE i.index ->> 'method' IN ('btree', 'hash') AND jsonb_typeof(i.index -> 'predicate') = 'null'),
        -- Of an OR, each part by its own.
        (SELECT 2 FROM (SELECT jsonb_agg(t.term - 'arm') AS terms FROM jsonb_array_elements(terms) AS t (term)
                         WHERE t.term ->> 'arm' IS NOT NULL GROUP BY t.term ->> 'arm') AS a
         HAVING bool_and(asymm._would_use(context_table, a.terms) IS NOT NULL)));
END
$$;
COMMENT ON FUNCTION asymm._would_use(jsonb, jsonb) IS 'For a table of less than 64 pages: how far the best of its indexes would narrow what is read; NULL where none does.';

-- Whether an index hands out a small table's rows in the order wanted, after columns that equal something.
CREATE OR REPLACE FUNCTION asymm._would_order(context_table jsonb, terms jsonb, orders jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_wanted text[] := ARRAY(SELECT asymm._ordered_key(o.item ->> 'key', (o.item ->> 'desc')::boolean, (o.item ->> 'first')::boolean, t.turned)
                               FROM jsonb_array_elements(orders) WITH ORDINALITY AS o (item, n)
                              CROSS JOIN (SELECT (orders #>> '{0,desc}')::boolean AS turned) AS t ORDER BY o.n);
    v_equal jsonb := (SELECT COALESCE(jsonb_agg(t.term -> 'key'), '[]') FROM jsonb_array_elements(terms) AS t (term)
                       WHERE t.term ->> 'usage' = 'equality' AND t.term ->> 'arm' IS NULL);
BEGIN
    RETURN (context_table ->> 'pages')::bigint < 64 AND cardinality(v_wanted) > 0 AND EXISTS (
        SELECT FROM jsonb_array_elements(context_table -> 'indexes') AS i (index)
         CROSS JOIN LATERAL (SELECT count(*)::integer AS skipped FROM jsonb_array_elements(i.index -> 'keys') WITH ORDINALITY AS k (key, n)
                              WHERE v_equal @> k.key AND k.n <= jsonb_array_length(v_equal)) AS s
         WHERE i.index ->> 'method' = 'btree' AND jsonb_typeof(i.index -> 'predicate') = 'null'
           AND v_wanted = ARRAY(SELECT k.key FROM jsonb_array_elements_text(i.index -> 'order') WITH ORDINALITY AS k (key, n)
                                 WHERE k.n > s.skipped AND k.n <= s.skipped + cardinality(v_wanted) ORDER BY k.n));
END
$$;
COMMENT ON FUNCTION asymm._would_order(jsonb, jsonb, jsonb) IS 'For a table of less than 64 pages: whether one of its indexes has the order wanted.';
