-- What the planner is asked for a search, with the rights of whoever asks: asymm._advice_step() says what it wants to know.

-- First look at a statement: its plan as things are, what it names, the indexes worth a try.
CREATE OR REPLACE FUNCTION asymm._advice_look(task jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_result jsonb := asymm._plan_statement(task ->> 'statement', task ->> 'path');
    v_plan jsonb := v_result -> 'plan';
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object('no', task -> 'no', 'reason', v_result -> 'reason', 'cost', v_plan -> 'Total Cost',
        'relations', v_result -> 'relations', 'lookups', asymm._key_lookups(v_plan),
        'candidates', (SELECT jsonb_agg(to_jsonb(c)) FROM asymm._index_candidates(v_plan) AS c),
        'named', (SELECT jsonb_agg(DISTINCT jsonb_build_array(c.relid::bigint, c.key)) FROM asymm._query_columns(v_plan) AS c
                   WHERE c.key IS NOT NULL)));
END
$$;
COMMENT ON FUNCTION asymm._advice_look(jsonb) IS 'Plans a statement of a search for the first time.';

-- What a DELETE makes its foreign keys look for stands in no plan: it is planned as a statement of its own.
CREATE OR REPLACE FUNCTION asymm._key_lookups(plan jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT jsonb_path_exists(plan, '$.**.Operation ? (@ == "Delete")') THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT jsonb_agg(DISTINCT format('SELECT 1 FROM ONLY %I.%I AS x WHERE %s', s.nspname, c.relname,
                             (SELECT string_agg(format('x.%s = $%s', k.key, k.n), ' AND ' ORDER BY k.n)
                                FROM unnest(u.keys) WITH ORDINALITY AS k (key, n))))
          FROM asymm._deleted_from(plan) AS d
          JOIN asymm._unindexed_keys() AS u ON u.referenced = d.relid
          JOIN pg_class AS c ON c.oid = u.relid JOIN pg_namespace AS s ON s.oid = c.relnamespace);
END
$$;
COMMENT ON FUNCTION asymm._key_lookups(jsonb) IS 'Texts of the look-ups in other tables that a DELETE causes and no index serves; NULL where there are none.';

CREATE OR REPLACE FUNCTION asymm._deleted_from(plan jsonb) RETURNS TABLE (relid oid)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT c.oid FROM asymm._plan_nodes(plan) AS n
      JOIN pg_namespace AS s ON s.nspname = n.node ->> 'Schema'
      JOIN pg_class AS c ON c.relnamespace = s.oid AND c.relname = n.node ->> 'Relation Name'
     WHERE n.kind = 'ModifyTable' AND n.node ->> 'Operation' = 'Delete';
END
$$;
COMMENT ON FUNCTION asymm._deleted_from(jsonb) IS 'The tables that a plan deletes from.';

-- How many rows and different keys an index would hold, and how wide: the planner's estimate. An index with expressions or a
-- predicate goes the way of any text.
CREATE OR REPLACE FUNCTION asymm._advice_measure(task jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
    v_plan jsonb;
    v_text text;
    v_node jsonb;
    v_made oid;
    v_groups float8;
BEGIN
    IF (task ->> 'plain')::boolean THEN
        -- Indexes and checks of a stranger's table are his code; they may be new since its statement was looked at.
        IF (SELECT asymm._trusts(c.relowner) FROM pg_class AS c WHERE c.oid = (task ->> 'relid')::oid) IS NOT TRUE
           AND asymm._untrusted_functions(ARRAY['pg_class'::regclass::oid], ARRAY[(task ->> 'relid')::oid]) IS NOT NULL THEN
            RETURN jsonb_build_object('no', task -> 'no', 'fault', 'its table runs an untrusted function');
        END IF;
        EXECUTE format('EXPLAIN (FORMAT JSON) %s', task ->> 'statement') INTO v_plan;
        v_plan := v_plan #> '{0,Plan}';
        v_groups := (v_plan ->> 'Plan Rows')::float8;
        IF task ? 'each' AND jsonb_typeof(task -> 'each') = 'array' THEN
            v_groups := 1;
            FOR v_text IN SELECT e FROM jsonb_array_elements_text(task -> 'each') AS e LOOP
                EXECUTE format('EXPLAIN (FORMAT JSON) %s', v_text) INTO v_node;
                v_groups := v_groups * (v_node #>> '{0,Plan,Plan Rows}')::float8;
            END LOOP;
        END IF;
    ELSE
        v_plan := asymm._plan_statement(task ->> 'statement', 'pg_catalog, pg_temp');
        IF NOT v_plan ? 'plan' THEN
            RETURN jsonb_build_object('no', task -> 'no', 'fault', v_plan -> 'reason');
        END IF;
        v_plan := v_plan -> 'plan';
        v_groups := CASE WHEN jsonb_typeof(task -> 'each') = 'array' THEN 1e15 ELSE (v_plan ->> 'Plan Rows')::float8 END;
    END IF;
    -- A constant that is one of many was somebody's of the moment; one of a few is worth an index of its rows.
    IF task ->> 'predicate' !~ 'IS (NOT )?NULL'
       AND EXISTS (SELECT FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
                     LEFT JOIN pg_stats AS s ON (s.schemaname, s.tablename, s.attname) = (n.nspname, c.relname, a.attname)
                    WHERE a.attrelid = (task ->> 'relid')::oid AND a.attnum > 0 AND NOT a.attisdropped
                      AND quote_ident(a.attname) = ANY (asymm._tokens(task ->> 'predicate'))
                      AND COALESCE(s.n_distinct, 1000) NOT BETWEEN 0.5 AND 100) THEN
        RETURN jsonb_build_object('no', task -> 'no', 'fault', 'its constant is one of many');
    END IF;
    v_node := v_plan;
    -- The rows of the table, of all its partitions together.
    WHILE v_node ? 'Plans' AND v_node ->> 'Node Type' NOT IN ('Append', 'Merge Append') LOOP
        v_node := v_node #> '{Plans,0}';
    END LOOP;
    v_plan := jsonb_build_object('no', task -> 'no', 'rows', v_node -> 'Plan Rows', 'groups', v_groups, 'width', v_plan -> 'Plan Width');
    IF (task ->> 'try')::boolean THEN
        BEGIN
            v_made := asymm._make_hypothetical(task ->> 'definition');
            PERFORM asymm._drop_hypothetical(v_made);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS v_text = MESSAGE_TEXT;
            RETURN jsonb_set(v_plan, '{fault}', to_jsonb(format('%s (%s)', v_text, SQLSTATE)));
        END;
    END IF;
    RETURN v_plan;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_text = MESSAGE_TEXT;
    RETURN jsonb_build_object('no', task -> 'no', 'fault', format('%s (%s)', v_text, SQLSTATE));
END
$$;
COMMENT ON FUNCTION asymm._advice_measure(jsonb) IS 'Rows, different keys and width of a candidate, or why it can''t be made.';

-- Works at a search until it is done or the time is up. Hypothetical indexes stay from one plan to the next, and only the
-- difference is made and dropped.
CREATE OR REPLACE FUNCTION asymm._advice_work(run bigint, until timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_job jsonb;
    v_results jsonb[];
    v_made jsonb := '{}';
    v_checked jsonb := '{}';
    v_statements jsonb := '{}';
    v_stamp bigint;
    v_task record;
    v_known jsonb;
    v_again record;
    v_no text;
    v_done boolean := false;
    v_schema name := asymm._hypopg_schema();
BEGIN
    PERFORM asymm._drop_hypothetical();
    LOOP
        v_job := asymm._advice_step(run, to_jsonb(v_results), v_statements = '{}');
        EXIT WHEN v_job IS NULL;
        v_results := '{}';
        IF v_job ? 'statements' THEN
            v_statements := v_job -> 'statements';
        END IF;
        FOR v_task IN SELECT t.task, t.task ->> 'kind' AS kind, t.task ->> 'query' AS query, t.visible
                        FROM (SELECT j.task, j.task ->> 'visible' AS visible FROM jsonb_array_elements(v_job -> 'tasks') AS j (task)) AS t
                       ORDER BY jsonb_array_length(t.task -> 'visible') > 1,
                                CASE WHEN jsonb_array_length(t.task -> 'visible') > 1 THEN t.task ->> 'query' END,
                                t.visible LOOP
            EXIT WHEN clock_timestamp() > until AND cardinality(v_results) > 0;
            IF v_task.kind = 'look' THEN
                v_results := v_results || jsonb_build_object('kind', 'look', 'result', asymm._advice_look(v_task.task));
                CONTINUE;
            ELSIF v_task.kind = 'size' THEN
                BEGIN
                    v_results := v_results || jsonb_build_object('kind', 'size', 'result', asymm._advice_measure(v_task.task));
                    RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'measured';
                EXCEPTION WHEN SQLSTATE 'SY011' THEN
                    -- Rolled back, no lock on anybody's tables is left.
                    NULL;
                END;
                CONTINUE;
            END IF;
            -- Found safe in this transaction, and nobody changed anything since.
            IF asymm._ddl_stamp() IS DISTINCT FROM v_stamp THEN
                v_checked := '{}';
                v_stamp := asymm._ddl_stamp();
            END IF;
            IF NOT v_checked ? v_task.query THEN
                v_checked := jsonb_set(v_checked, ARRAY[v_task.query],
                    asymm._plan_statement(v_statements #>> ARRAY[v_task.query, '0'], v_statements #>> ARRAY[v_task.query, '1']) - 'plan');
            END IF;
            v_known := v_checked -> v_task.query;
            IF NOT v_known ? 'reason' THEN
                FOR v_no IN SELECT k FROM jsonb_object_keys(v_made) AS k WHERE NOT v_task.task -> 'visible' @> k::jsonb LOOP
                    PERFORM asymm._drop_hypothetical((v_made ->> v_no)::oid, v_schema);
                    v_made := v_made - v_no;
                END LOOP;
                FOR v_no IN SELECT k FROM jsonb_array_elements_text(v_task.task -> 'visible') AS k WHERE NOT v_made ? k LOOP
                    v_made := jsonb_set(v_made, ARRAY[v_no], to_jsonb(
                        asymm._make_hypothetical(v_job #>> ARRAY['definitions', v_no], v_schema)::bigint));
                END LOOP;
                v_again := asymm._plan_again(v_known ->> 'statement', ARRAY(SELECT jsonb_array_elements_text(v_known -> 'types')), v_stamp);
                -- DDL came between: it is asked for again.
                CONTINUE WHEN v_again.cost IS NULL AND v_again.reason IS NULL;
                v_results := v_results || jsonb_build_object('kind', 'cost', 'query', v_task.task -> 'query', 'visible', v_task.task -> 'visible',
                    'cost', v_again.cost, 'reason', v_again.reason,
                    'used', ARRAY(SELECT e.key::integer FROM jsonb_each_text(v_made) AS e WHERE e.value::oid = ANY (v_again.used) ORDER BY 1));
            ELSE
                v_results := v_results || jsonb_build_object('kind', 'cost', 'query', v_task.task -> 'query', 'reason', v_known -> 'reason');
            END IF;
        END LOOP;
        IF clock_timestamp() > until THEN
            v_done := asymm._advice_keep(run, to_jsonb(v_results));
            PERFORM asymm._drop_hypothetical();
            RETURN v_done;
        END IF;
    END LOOP;
    PERFORM asymm._drop_hypothetical();
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    PERFORM asymm._drop_hypothetical();
    RAISE;
END
$$;
COMMENT ON FUNCTION asymm._advice_work(bigint, timestamptz) IS 'Goes on with a search of one''s own; true when it is done.';
