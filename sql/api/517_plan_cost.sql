-- The class of a plan, from its structure: the work w, the work f until the first few rows are out (what a LIMIT needs), and how
-- the number of rows r grows; with the node that is to blame for w and for f.

CREATE OR REPLACE FUNCTION asymm._scan_cost(node jsonb, place text, context jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_kind text := node ->> 'Node Type';
    v_rows double precision := (node ->> 'Plan Rows')::double precision;
    v_table jsonb := context #> ARRAY['tables', node ->> 'Alias'];
    v_first jsonb := context #> ARRAY['tables', v_table ->> 'of'];
    v_terms jsonb := asymm._scan_terms(node ->> 'Alias', context);
    v_index jsonb;
    v_bound integer;
    v_fetched integer := 100;
    v_r integer := 100;
    v_w integer := 100;
    v_f integer;
BEGIN
    IF v_table IS NULL THEN
        -- A system table, or one elsewhere: only what the planner says.
        v_r := CASE WHEN v_rows <= 10 THEN 0 ELSE 100 END;
        v_fetched := CASE WHEN node ? 'Index Cond' OR v_kind = 'Bitmap Heap Scan' THEN v_r ELSE 100 END;
    ELSE
        v_table := v_first || v_table - 'indexes' - 'foreign' || jsonb_build_object('indexes', v_first -> 'indexes', 'foreign', v_first -> 'foreign');
        v_bound := asymm._rows_bound(v_table, v_terms, v_rows);
        v_r := CASE WHEN v_bound IS NULL THEN 100 ELSE 0 END;
    END IF;
    CASE v_kind
        WHEN 'Seq Scan' THEN
            IF v_r = 0 AND asymm._would_use(v_table, v_terms) IS NOT NULL THEN
                v_w := 1;
            END IF;
            v_f := GREATEST(v_w - v_r, CASE v_w WHEN 1 THEN 1 ELSE 0 END);
        WHEN 'Index Scan', 'Index Only Scan' THEN
            IF node ? 'Index Cond' AND v_table IS NOT NULL THEN
                SELECT i.index INTO v_index FROM jsonb_array_elements(v_table -> 'indexes') AS i (index)
                 WHERE i.index ->> 'name' = node ->> 'Index Name';
                SELECT CASE WHEN min(asymm._index_bound(i.index, v_table, v_terms, CASE WHEN node ? 'Filter' THEN NULL ELSE v_rows END)) IS NULL
                            THEN 100 ELSE 0 END
                  INTO v_fetched
                  FROM jsonb_array_elements(CASE WHEN v_index IS NULL THEN v_table -> 'indexes' ELSE jsonb_build_array(v_index) END) AS i (index);
            END IF;
            v_w := GREATEST(1, v_fetched);
            v_f := GREATEST(1, v_w - v_r);
        WHEN 'Bitmap Heap Scan' THEN
            IF v_table IS NOT NULL THEN
                -- Each index scan below says what it expects to find.
                SELECT CASE WHEN bool_and(asymm._is_few((n.node ->> 'Plan Rows')::double precision, (v_table ->> 'tuples')::double precision, false)
                                          AND i.index ->> 'method' IS DISTINCT FROM 'brin')
                                 OR NOT _scan_cost.node ? 'Filter' AND v_r = 0 AND bool_and(i.index ->> 'method' IN ('btree', 'hash'))
                                 OR count(*) = 1 AND min(asymm._index_bound(i.index, v_table, v_terms, NULL)) IS NOT NULL
                            THEN 0 ELSE 100 END
                  INTO v_fetched
                  FROM asymm._plan_nodes(_scan_cost.node) AS n
                  LEFT JOIN jsonb_array_elements(v_table -> 'indexes') AS i (index) ON i.index ->> 'name' = n.node ->> 'Index Name'
                 WHERE n.kind = 'Bitmap Index Scan';
            END IF;
            v_w := GREATEST(1, v_fetched);
            v_f := v_w;
        WHEN 'Tid Scan' THEN
            v_w := 0;
            v_r := 0;
            v_f := 0;
        ELSE
            v_w := v_fetched;
            v_f := GREATEST(0, v_w - v_r);
    END CASE;
    RETURN jsonb_build_object('w', v_w, 'f', v_f, 'r', v_r, 'e', v_rows, 'x', v_fetched, 'wb', place, 'fb', place, 'one', v_bound = 1);
END
$$;
COMMENT ON FUNCTION asymm._scan_cost(jsonb, text, jsonb) IS 'Work and rows of a node that reads a table; x is how the rows grow that are looked at.';

-- What stands below a node that only hands on; of a scan of a small table, the alias.
CREATE OR REPLACE FUNCTION asymm._small_scan(node jsonb, context jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_node jsonb := node;
BEGIN
    WHILE v_node ->> 'Node Type' IN ('Hash', 'Materialize', 'Sort', 'Memoize') LOOP
        v_node := v_node #> '{Plans,0}';
    END LOOP;
    RETURN CASE WHEN v_node ->> 'Node Type' IN ('Seq Scan', 'Bitmap Heap Scan')
                     AND (context #>> ARRAY['tables', v_node ->> 'Alias', 'pages'])::bigint < 64
                     AND context #> ARRAY['tables', v_node ->> 'Alias', 'of'] = v_node -> 'Alias' THEN v_node ->> 'Alias' END;
END
$$;
COMMENT ON FUNCTION asymm._small_scan(jsonb, jsonb) IS 'Alias of the table of less than 64 pages that a node reads; NULL if it reads anything else.';

-- How the rows of a join grow. What joins by equality with a column of many values gives as many rows as the larger side; what the planner
-- expects to multiply, multiplies.
CREATE OR REPLACE FUNCTION asymm._joined_rows(node jsonb, outer_side jsonb, inner_side jsonb, equal boolean) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_outer integer := (outer_side ->> 'r')::integer;
    v_inner integer := (inner_side ->> 'r')::integer;
    v_rows double precision := (node ->> 'Plan Rows')::double precision;
    v_larger double precision := GREATEST((outer_side ->> 'e')::double precision, (inner_side ->> 'e')::double precision, 1);
    v_type text := node ->> 'Join Type';
BEGIN
    IF v_type IN ('Semi', 'Anti') OR node -> 'Inner Unique' = 'true' AND v_type IN ('Inner', 'Left') THEN
        RETURN v_outer;
    ELSIF v_type IN ('Right Semi', 'Right Anti') THEN
        RETURN v_inner;
    ELSIF NOT equal THEN
        RETURN v_outer + v_inner;
    ELSIF v_rows <= v_larger * GREATEST(4, log(2, v_larger::numeric)::double precision) THEN
        RETURN CASE WHEN LEAST(v_outer, v_inner) = 0 AND asymm._is_few(v_rows, v_larger, false) THEN 0 ELSE GREATEST(v_outer, v_inner) END;
    END IF;
    RETURN v_outer + v_inner;
END
$$;
COMMENT ON FUNCTION asymm._joined_rows(jsonb, jsonb, jsonb, boolean) IS 'How the number of rows of a join grows, given that of its sides.';

-- What Memoize keeps is looked for as often as its key has values; where these do not grow with the table, a fixed number of times.
CREATE OR REPLACE FUNCTION asymm._few_keys(cache_key text, context jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_table jsonb := context #> ARRAY['tables', substring(cache_key FROM '^(\w+)\.\w+$')];
    v_column text := concat(v_table ->> 'id', ' ', substring(cache_key FROM '\.(\w+)$'));
    v_tuples double precision := (v_table ->> 'tuples')::double precision;
BEGIN
    RETURN COALESCE(context -> 'shares' ? v_column, false)
           AND NOT asymm._is_few((context #>> ARRAY['shares', v_column])::double precision * v_tuples, v_tuples, true);
END
$$;
COMMENT ON FUNCTION asymm._few_keys(text, jsonb) IS 'Whether the key of a Memoize is a column of a fixed number of values, by statistics.';

CREATE OR REPLACE FUNCTION asymm._join_cost(node jsonb, outer_side jsonb, inner_side jsonb, place text, context jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_nested boolean := node ->> 'Node Type' = 'Nested Loop';
    v_inner_alias text := asymm._small_scan(node #> '{Plans,1}', context);
    v_outer_alias text := asymm._small_scan(node #> '{Plans,0}', context);
    v_terms jsonb := COALESCE(context #> ARRAY['terms', place], '[]');
    v_equal boolean;
    v_kept boolean;
    v_repeat integer;
    v_bound integer;
    v_o jsonb := outer_side;
    v_i jsonb := inner_side;
    v_ow integer;
    v_or integer;
    v_iw integer;
    v_r integer;
    v_w integer;
    v_f integer;
BEGIN
    v_equal := NOT v_nested OR EXISTS (SELECT FROM jsonb_array_elements(v_terms) AS t (term) WHERE t.term ->> 'usage' = 'join');
    -- A few rows that are looked for in a small table: if it were larger, by an index that fits.
    IF v_inner_alias IS NOT NULL AND (v_nested OR (v_o ->> 'r')::integer < 100 OR context ? 'worked') THEN
        v_bound := asymm._would_use(context #> ARRAY['tables', v_inner_alias],
                                    asymm._scan_terms(v_inner_alias, context) || asymm._terms_of(v_inner_alias, v_terms));
    END IF;
    IF v_bound IS NULL AND v_outer_alias IS NOT NULL AND NOT v_nested AND ((v_i ->> 'r')::integer < 100 OR context ? 'worked')
       AND node ->> 'Join Type' = 'Inner' THEN
        v_bound := asymm._would_use(context #> ARRAY['tables', v_outer_alias],
                                    asymm._scan_terms(v_outer_alias, context) || asymm._terms_of(v_outer_alias, v_terms));
        IF v_bound IS NOT NULL THEN
            v_i := outer_side;
            v_o := inner_side;
        END IF;
    END IF;
    IF v_bound IS NOT NULL THEN
        v_i := v_i || jsonb_build_object('w', 1, 'f', 1, 'r', 0, 'one', v_bound = 1);
        v_nested := true;
    -- A small table without one, by a hash.
    ELSIF v_inner_alias IS NOT NULL AND v_nested AND v_equal THEN
        v_nested := false;
    END IF;
    v_ow := v_o ->> 'w';
    v_or := v_o ->> 'r';
    v_iw := v_i ->> 'w';
    v_r := asymm._joined_rows(node, v_o, v_i, v_equal OR NOT node ? 'Join Filter' AND v_nested AND v_i ->> 'r' = '0');
    IF v_nested THEN
        -- What is kept is read again row by row; where the first row is enough, no further is read.
        v_kept := node #>> '{Plans,1,Node Type}' IN ('Materialize', 'CTE Scan')
                  OR asymm._few_keys(node #>> '{Plans,1,Cache Key}', context);
        v_repeat := CASE WHEN v_kept THEN (v_i ->> 'r')::integer
                         WHEN NOT node ? 'Join Filter' AND (node ->> 'Join Type' IN ('Semi', 'Anti') OR node -> 'Inner Unique' = 'true')
                         THEN LEAST((v_i ->> 'f')::integer, v_iw) ELSE v_iw END;
        v_w := GREATEST(v_ow, CASE WHEN v_repeat = v_iw THEN 0 ELSE (v_i ->> 'f')::integer END,
                        CASE WHEN v_kept THEN v_iw ELSE 0 END, v_or + v_repeat);
        v_f := GREATEST((v_o ->> 'f')::integer, (v_i ->> 'f')::integer, v_ow - v_r, v_or + v_repeat - v_r);
        RETURN jsonb_build_object('w', v_w, 'f', v_f, 'r', v_r, 'e', node -> 'Plan Rows', 'x', v_or + (v_i ->> 'r')::integer,
            'one', v_o -> 'one' = 'true' AND (v_i -> 'one' = 'true' OR node -> 'Inner Unique' = 'true' OR node ->> 'Join Type' IN ('Semi', 'Anti')),
            -- The inner side is to blame if it is what makes each row dear, else what gives so many rows.
            'wb', CASE WHEN v_ow >= v_or + v_repeat OR v_repeat < 100 AND v_ow >= 100 THEN v_o ->> 'wb'
                       WHEN v_or = 0 OR v_repeat >= 100 AND NOT node ? 'Join Filter' THEN v_i ->> 'wb' ELSE place END,
            'fb', CASE WHEN v_f = (v_i ->> 'f')::integer THEN v_i ->> 'fb' WHEN v_f = (v_o ->> 'f')::integer THEN v_o ->> 'fb'
                       WHEN v_f = v_ow - v_r THEN v_o ->> 'wb' ELSE place END);
    END IF;
    v_w := GREATEST(v_ow, v_iw, v_or, (v_i ->> 'r')::integer, v_r);
    v_f := CASE node ->> 'Node Type' WHEN 'Merge Join' THEN GREATEST((v_o ->> 'f')::integer, (v_i ->> 'f')::integer, GREATEST(v_ow, v_iw) - v_r)
                                     ELSE GREATEST(v_iw, (v_o ->> 'f')::integer, GREATEST(v_ow, v_or) - v_r) END;
    RETURN jsonb_build_object('w', v_w, 'f', v_f, 'r', v_r, 'e', node -> 'Plan Rows', 'x', v_r,
        'one', v_o -> 'one' = 'true' AND (v_i -> 'one' = 'true' OR node -> 'Inner Unique' = 'true'),
        'wb', CASE v_w WHEN v_ow THEN v_o ->> 'wb' WHEN v_iw THEN v_i ->> 'wb' ELSE place END,
        'fb', CASE v_f WHEN v_iw THEN v_i ->> 'wb' WHEN (v_o ->> 'f')::integer THEN v_o ->> 'fb' ELSE v_o ->> 'wb' END);
END
$$;
COMMENT ON FUNCTION asymm._join_cost(jsonb, jsonb, jsonb, text, jsonb) IS 'Work and rows of a join of two sides.';

CREATE OR REPLACE FUNCTION asymm._terms_of(alias text, terms jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT COALESCE(jsonb_agg(t.term), '[]') FROM jsonb_array_elements(terms) AS t (term) WHERE t.term ->> 'of' = alias);
END
$$;
COMMENT ON FUNCTION asymm._terms_of(text, jsonb) IS 'Those of some conditions that are about one table.';
