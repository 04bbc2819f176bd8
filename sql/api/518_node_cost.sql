-- Every kind of node of a plan.

-- What runs once for each row of the node that names it; a hashed one is run once. EXISTS, which asks for no columns, ends with the first row.
CREATE OR REPLACE FUNCTION asymm._with_subplans(node jsonb, cost jsonb, subplans jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_cost jsonb := cost;
    v_text text := (node - 'Plans')::text;
    v_sub jsonb;
    v_each integer;
    v_times integer;
BEGIN
    FOR v_sub IN SELECT s.sub FROM jsonb_array_elements(subplans) AS s (sub) LOOP
        v_each := v_sub ->> CASE WHEN v_sub -> 'exists' = 'true' THEN 'f' ELSE 'w' END;
        v_times := CASE WHEN v_text LIKE '%hashed ' || (v_sub ->> 'name') || '%' THEN 0
                        WHEN concat(node ->> 'Filter', node ->> 'Join Filter', node ->> 'Index Cond') LIKE '%' || (v_sub ->> 'name') || '%'
                        THEN COALESCE((v_cost ->> 'x')::integer, (v_cost ->> 'r')::integer)
                        ELSE (v_cost ->> 'r')::integer END;
        IF v_times + v_each > (v_cost ->> 'w')::integer THEN
            v_cost := v_cost || jsonb_build_object('w', v_times + v_each, 'wb', v_sub -> 'wb');
        END IF;
        v_each := GREATEST(v_each, v_times + v_each - (v_cost ->> 'r')::integer);
        IF v_each > (v_cost ->> 'f')::integer THEN
            v_cost := v_cost || jsonb_build_object('f', v_each, 'fb', v_sub -> 'wb');
        END IF;
    END LOOP;
    RETURN v_cost;
END
$$;
COMMENT ON FUNCTION asymm._with_subplans(jsonb, jsonb, jsonb) IS 'Work of a node with that of the subplans it runs for its rows.';

-- A recursion ends when it finds nothing new. Going up, from a row to one other, it takes as many steps as a tree is high (log n); going down it
-- sees all there is below, step by step; what reads no table is bounded by what it counts.
CREATE OR REPLACE FUNCTION asymm._recursion_cost(node jsonb, place text, context jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_base jsonb := asymm._node_cost(node #> '{Plans,0}', place || '0001/', context);
    v_step jsonb := asymm._node_cost(node #> '{Plans,1}', place || '0002/', context || '{"worked": 0}');
    v_all jsonb;
    v_r integer;
    v_w integer;
BEGIN
    IF (v_step ->> 'r')::integer = 0 AND (v_step -> 'one' = 'true' OR (v_step ->> 'w')::integer = 0) THEN
        v_r := CASE WHEN (v_step ->> 'w')::integer = 0 THEN 0 ELSE 1 END;
    ELSE
        v_r := 100;
    END IF;
    v_all := asymm._node_cost(node #> '{Plans,1}', place || '0002/', context || jsonb_build_object('worked', v_r));
    v_w := GREATEST((v_base ->> 'w')::integer, (v_all ->> 'w')::integer, CASE WHEN v_r = 0 THEN 0 ELSE (v_step ->> 'w')::integer + 1 END,
                    (v_base ->> 'r')::integer + CASE WHEN v_r = 100 THEN 0 ELSE v_r END);
    RETURN jsonb_build_object('w', v_w, 'f', GREATEST((v_base ->> 'f')::integer, (v_step ->> 'w')::integer),
        'r', GREATEST((v_base ->> 'r')::integer, v_r), 'e', node -> 'Plan Rows', 'one', false,
        'wb', CASE v_w WHEN (v_base ->> 'w')::integer THEN v_base ->> 'wb' ELSE v_all ->> 'wb' END, 'fb', v_base -> 'fb');
END
$$;
COMMENT ON FUNCTION asymm._recursion_cost(jsonb, text, jsonb) IS 'Work and rows of WITH RECURSIVE.';

-- Of an Aggregate, a Group, a Unique: as many rows come out as there are groups, which go on growing if they are more than a
-- tenth of what goes in.
CREATE OR REPLACE FUNCTION asymm._aggregate_cost(node jsonb, child jsonb, place text, context jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_r integer := child ->> 'r';
    v_w integer := GREATEST((child ->> 'w')::integer, v_r);
    v_output text := node ->> 'Output';
    v_plain boolean := node ->> 'Node Type' = 'Aggregate' AND node ->> 'Strategy' = 'Plain';
    v_alias text := asymm._small_scan(node #> '{Plans,0}', context);
    v_place text := CASE WHEN v_w > (child ->> 'w')::integer THEN place ELSE child ->> 'wb' END;
BEGIN
    -- The smallest or largest of a small table: if it were larger, the first of an index.
    IF v_plain AND v_alias IS NOT NULL AND NOT v_output ~ '[^\w"](avg|sum|count|array_agg|string_agg|every|bool_and|bool_or)\('
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(asymm._texts(node -> 'Output')) AS o (text)
                        WHERE o.text #>> '{}' !~ '^(PARTIAL )?(min|max)\(')
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(context #> ARRAY['terms', place]) AS t (term)
                        WHERE NOT asymm._would_order(context #> ARRAY['tables', v_alias], asymm._scan_terms(v_alias, context),
                                                       jsonb_build_array(t.term)))
       AND context #> ARRAY['terms', place] IS NOT NULL THEN
        RETURN child || jsonb_build_object('w', 1, 'f', 1, 'r', 0, 'e', 1, 'one', true, 'wb', child -> 'wb');
    END IF;
    -- What an aggregate wants in order, or only once, is sorted.
    IF v_r >= 100 AND v_output ~ '\((DISTINCT |ORDER BY |[^()]*(\([^()]*\))*[^()]* ORDER BY )' AND v_w <= v_r THEN
        v_w := v_r + 1;
        v_place := place;
    END IF;
    IF v_plain THEN
        RETURN jsonb_build_object('w', v_w, 'f', v_w, 'r', 0, 'e', 1, 'one', true, 'wb', v_place, 'fb', v_place);
    END IF;
    IF (node ->> 'Plan Rows')::double precision < 0.1 * (child ->> 'e')::double precision THEN
        v_r := 0;
    END IF;
    RETURN jsonb_build_object('w', v_w, 'r', v_r, 'e', node -> 'Plan Rows', 'one', child -> 'one', 'wb', v_place, 'fb', v_place,
        'f', CASE WHEN node ->> 'Strategy' IN ('Hashed', 'Mixed') THEN v_w ELSE GREATEST((child ->> 'f')::integer, v_w - v_r) END);
END
$$;
COMMENT ON FUNCTION asymm._aggregate_cost(jsonb, jsonb, text, jsonb) IS 'Work and rows of a node that makes groups.';

-- Of a Sort or an Incremental Sort. For a LIMIT right above only the first are kept.
CREATE OR REPLACE FUNCTION asymm._sort_cost(node jsonb, child jsonb, place text, context jsonb, top boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_r integer := child ->> 'r';
    v_sorted integer := v_r + CASE WHEN v_r >= 100 AND NOT top THEN 1 ELSE 0 END;
    v_w integer := GREATEST((child ->> 'w')::integer, v_sorted);
    v_f integer := v_w;
    v_alias text := asymm._small_scan(node #> '{Plans,0}', context);
    v_orders jsonb := (SELECT COALESCE(jsonb_agg(t.term ORDER BY (t.term ->> 'n')::integer), '[]')
                         FROM jsonb_array_elements(context #> ARRAY['terms', place]) AS t (term) WHERE t.term ->> 'part' = 'Sort Key');
    v_tuples double precision;
    v_place text := CASE WHEN v_w > (child ->> 'w')::integer THEN place ELSE child ->> 'wb' END;
BEGIN
    IF v_alias IS NOT NULL AND jsonb_array_length(v_orders) = jsonb_array_length(node -> 'Sort Key')
       AND asymm._would_order(context #> ARRAY['tables', v_alias], asymm._scan_terms(v_alias, context), v_orders) THEN
        v_f := GREATEST(1, LEAST((child ->> 'w')::integer, 100) - v_r);
    ELSIF node ->> 'Node Type' = 'Incremental Sort' THEN
        v_tuples := (context #>> ARRAY['tables', v_orders #>> '{0,of}', 'tuples'])::double precision;
        -- The rows of one value of what they are sorted by already.
        IF asymm._is_few((v_orders #>> '{0,share}')::double precision * v_tuples, v_tuples, true) THEN
            v_w := GREATEST((child ->> 'w')::integer, v_r);
            v_f := child ->> 'f';
        ELSE
            v_f := GREATEST((child ->> 'f')::integer, v_r);
        END IF;
    END IF;
    RETURN child || jsonb_build_object('w', v_w, 'f', v_f, 'wb', v_place, 'fb', v_place, 'x', v_r);
END
$$;
COMMENT ON FUNCTION asymm._sort_cost(jsonb, jsonb, text, jsonb, boolean) IS 'Work and rows of a node that sorts.';

-- How many rows a LIMIT wants is not shown. One that leaves most of many rows is an OFFSET; a parameter is taken for a tenth of them.
CREATE OR REPLACE FUNCTION asymm._only_skips(node jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (node ->> 'Plan Rows')::double precision >= GREATEST(1000, 0.5 * (node #>> '{Plans,0,Plan Rows}')::double precision);
END
$$;
COMMENT ON FUNCTION asymm._only_skips(jsonb) IS 'Whether a Limit is most likely an OFFSET without a limit, by what the planner expects of it.';

CREATE OR REPLACE FUNCTION asymm._node_cost(node jsonb, place text, context jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_kind text := node ->> 'Node Type';
    v_rows double precision := (node ->> 'Plan Rows')::double precision;
    -- Only nodes that hand on row by row pass it on that few rows are wanted.
    v_top boolean := COALESCE((context ->> 'top')::boolean, false);
    v_context jsonb := CASE WHEN v_kind IN ('Limit', 'Gather', 'Gather Merge', 'Append', 'Merge Append', 'Result', 'LockRows')
                                 OR v_kind = 'Subquery Scan' AND NOT node ? 'Filter' THEN context ELSE context - 'top' END;
    v_inputs jsonb[] := '{}';
    v_subplans jsonb := '[]';
    v_once jsonb := '{"w": 0}';
    v_got jsonb;
    v_cost jsonb;
    v_child record;
    v_name text;
    v_r integer;
BEGIN
    IF v_kind = 'Recursive Union' THEN
        RETURN asymm._recursion_cost(node, place, context - 'top');
    END IF;
    FOR v_child IN SELECT c.node, format('%s%s/', place, lpad(c.n::text, 4, '0')) AS place, c.node ->> 'Parent Relationship' AS relationship,
                          c.node ->> 'Subplan Name' AS name
                     FROM jsonb_array_elements(asymm._texts(node -> 'Plans')) WITH ORDINALITY AS c (node, n) ORDER BY c.n LOOP
        v_got := asymm._node_cost(v_child.node, v_child.place,
                                  CASE WHEN v_child.relationship IN ('InitPlan', 'SubPlan') THEN v_context - 'top'
                                       WHEN v_kind = 'Limit' AND NOT asymm._only_skips(node) THEN v_context || '{"top": true}' ELSE v_context END);
        v_got := v_got || jsonb_build_object('name', v_child.name, 'exists', NOT v_child.node ? 'Output');
        IF v_child.name LIKE 'CTE %' THEN
            v_name := substr(v_child.name, 5);
            v_context := jsonb_set(v_context, ARRAY['results', v_name], v_got);
            -- What is read in one place only is made while it is read.
            CONTINUE WHEN context #>> ARRAY['references', v_name] = '1';
        END IF;
        CASE v_child.relationship
            WHEN 'InitPlan' THEN
                v_got := CASE WHEN v_got -> 'exists' = 'true' THEN v_got || jsonb_build_object('w', v_got -> 'f', 'wb', v_got -> 'fb') ELSE v_got END;
                v_once := CASE WHEN (v_got ->> 'w')::integer > (v_once ->> 'w')::integer THEN v_got ELSE v_once END;
            WHEN 'SubPlan' THEN v_subplans := v_subplans || v_got;
            ELSE v_inputs := v_inputs || v_got;
        END CASE;
    END LOOP;
    v_got := COALESCE(v_inputs[1], jsonb_build_object('w', 0, 'f', 0, 'r', 0, 'wb', place, 'fb', place, 'one', v_kind = 'Result'))
             || jsonb_build_object('e', v_rows);
    v_r := v_got ->> 'r';
    CASE
        WHEN v_kind IN ('Nested Loop', 'Hash Join', 'Merge Join') THEN
            v_cost := asymm._join_cost(node, v_inputs[1], v_inputs[2], place, v_context);
        WHEN v_kind IN ('Sort', 'Incremental Sort') THEN
            v_cost := asymm._sort_cost(node, v_inputs[1], place, v_context, v_top);
        WHEN v_kind IN ('Aggregate', 'Group', 'Unique') THEN
            v_cost := asymm._aggregate_cost(node, v_inputs[1], place, v_context);
        WHEN v_kind = 'Limit' THEN
            -- A number of rows that is computed from the data is no limit, and an OFFSET alone is none.
            v_cost := CASE WHEN v_once ? 'r' OR asymm._only_skips(node) THEN v_got
                           ELSE v_got || jsonb_build_object('w', v_got -> 'f', 'wb', v_got -> 'fb', 'r', 0) END;
        WHEN v_kind IN ('Append', 'Merge Append', 'BitmapAnd', 'BitmapOr', 'SetOp') THEN
            SELECT jsonb_build_object('w', max((i.input ->> 'w')::integer), 'r', max((i.input ->> 'r')::integer), 'e', v_rows, 'one', false,
                                      'f', CASE v_kind WHEN 'SetOp' THEN max((i.input ->> 'w')::integer) ELSE max((i.input ->> 'f')::integer) END,
                                      'wb', (array_agg(i.input ->> 'wb' ORDER BY (i.input ->> 'w')::integer DESC))[1],
                                      'fb', (array_agg(i.input ->> 'fb' ORDER BY (i.input ->> 'f')::integer DESC))[1])
              INTO v_cost FROM unnest(v_inputs) AS i (input);
            v_cost := CASE WHEN v_inputs = '{}' THEN v_got ELSE v_cost END;
        WHEN v_kind IN ('Hash') THEN
            v_cost := v_got || jsonb_build_object('f', v_got -> 'w', 'fb', v_got -> 'wb');
        WHEN v_kind = 'WindowAgg' THEN
            v_cost := v_got || jsonb_build_object('w', GREATEST((v_got ->> 'w')::integer, v_r), 'x', v_r);
            -- Without an order below the window is everything.
            IF node #>> '{Plans,0,Node Type}' NOT IN ('Sort', 'Incremental Sort', 'Index Scan', 'Index Only Scan', 'WindowAgg', 'Merge Append',
                                                     'Gather Merge') THEN
                v_cost := v_cost || jsonb_build_object('f', v_cost -> 'w', 'fb', v_cost -> 'wb');
            END IF;
        WHEN v_kind = 'ModifyTable' THEN
            -- Every row goes into every index.
            v_cost := v_got || CASE WHEN node ->> 'Operation' = 'Delete' AND context ->> 'scanned' IS NOT NULL THEN
                jsonb_build_object('w', GREATEST((v_got ->> 'w')::integer, v_r + 100), 'wb', place)
                ELSE jsonb_build_object('w', GREATEST((v_got ->> 'w')::integer, v_r + 1),
                'wb', CASE WHEN v_r + 1 > (v_got ->> 'w')::integer AND v_r < 100 THEN to_jsonb(place) ELSE v_got -> 'wb' END) END;
            v_cost := v_cost || jsonb_build_object('f', v_cost -> 'w', 'fb', v_cost -> 'wb');
        WHEN v_kind = 'CTE Scan' THEN
            v_name := node ->> 'CTE Name';
            v_got := COALESCE(context #> ARRAY['results', v_name], '{"w": 0, "f": 0, "r": 100}') || jsonb_build_object('e', v_rows, 'one', false);
            v_cost := v_got || jsonb_build_object('x', v_got -> 'r');
            IF context #>> ARRAY['references', v_name] <> '1' THEN
                v_cost := v_cost || jsonb_build_object('w', v_got -> 'r', 'f', 0);
            END IF;
        WHEN v_kind = 'WorkTable Scan' THEN
            v_cost := jsonb_build_object('w', context -> 'worked', 'f', 0, 'r', context -> 'worked', 'e', v_rows, 'one', true,
                                         'wb', place, 'fb', place);
        WHEN v_kind IN ('Seq Scan', 'Sample Scan', 'Index Scan', 'Index Only Scan', 'Bitmap Heap Scan', 'Tid Scan', 'Tid Range Scan',
                        'Foreign Scan', 'Custom Scan') THEN
            v_cost := asymm._scan_cost(node, place, v_context);
        ELSE
            -- Handing on, and what makes rows of nothing but its arguments.
            v_cost := v_got;
    END CASE;
    -- One row in a thousand or less is left.
    IF node ? 'Filter' AND v_kind IN ('Subquery Scan', 'Aggregate', 'CTE Scan', 'WindowAgg') AND (v_cost ->> 'r')::integer >= 100
       AND asymm._is_few(v_rows, (v_inputs[1] ->> 'e')::double precision, false) THEN
        v_cost := v_cost || jsonb_build_object('r', 0, 'f', v_cost -> 'w');
    END IF;
    IF (v_once ->> 'w')::integer > (v_cost ->> 'w')::integer THEN
        v_cost := v_cost || jsonb_build_object('w', v_once -> 'w', 'wb', v_once -> 'wb');
    END IF;
    IF (v_once ->> 'w')::integer > (v_cost ->> 'f')::integer THEN
        v_cost := v_cost || jsonb_build_object('f', v_once -> 'w', 'fb', v_once -> 'wb');
    END IF;
    RETURN asymm._with_subplans(node, v_cost, v_subplans);
END
$$;
COMMENT ON FUNCTION asymm._node_cost(jsonb, text, jsonb) IS 'Work, rows and the node to blame of a part of a plan, in exponents.';

CREATE OR REPLACE FUNCTION asymm._plan_cost(plan jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_context jsonb;
    v_cost jsonb;
    v_blame jsonb;
BEGIN
    -- Its parts are worked on one within the other, and the stack is not endless.
    IF (SELECT max(length(n.place)) > 500 FROM asymm._plan_nodes(plan) AS n) THEN
        RETURN jsonb_build_object('reason', 'the plan is more than a hundred nodes deep');
    END IF;
    v_context := asymm._cost_context(plan);
    v_cost := asymm._node_cost(plan, '/', v_context);
    SELECT jsonb_strip_nulls(jsonb_build_object(
               'place', n.place, 'node', n.kind, 'relation', quote_ident(n.node ->> 'Schema') || '.' || quote_ident(n.node ->> 'Relation Name'),
               'index', n.node ->> 'Index Name',
               'condition', COALESCE(n.node ->> 'Index Cond', n.node ->> 'Recheck Cond', n.node ->> 'Filter', n.node ->> 'Join Filter',
                                     n.node ->> 'Hash Cond', n.node ->> 'Merge Cond', n.node ->> 'Sort Key', n.node ->> 'Group Key',
                                     CASE n.kind WHEN 'ModifyTable' THEN 'foreign key without an index: ' || (v_context ->> 'scanned') END)))
      INTO v_blame FROM asymm._plan_nodes(plan) AS n WHERE n.place = v_cost ->> 'wb';
    RETURN jsonb_build_object('cost', asymm._cost_class((v_cost ->> 'w')::integer), 'exponent', v_cost -> 'w', 'blame', v_blame);
END
$$;
COMMENT ON FUNCTION asymm._plan_cost(jsonb) IS 'Complexity class of a plan by its structure, and the node that is to blame for it: {cost, exponent, blame}.';
