-- What a search found, in words.

CREATE OR REPLACE FUNCTION asymm._advice_result(run bigint)
RETURNS TABLE (definition text, target regclass, size_bytes bigint, queries jsonb, saved_ms_per_hour double precision,
               write_ms_per_hour double precision, confidence double precision, proved boolean, reason text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_run asymm.advice_run := asymm._advice_run_of_caller(run);
BEGIN
    RETURN QUERY
    SELECT asymm._advice_definition(c, asymm._advice_index_name(c)), c.relid::regclass, c.size_bytes, h.queries, h.saved,
           CASE WHEN v_run.kind = 'workload' THEN c.writes END, h.confidence, v_run.proved, c.reason
      FROM asymm.advice_candidate AS c
     CROSS JOIN LATERAL (
           SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('query', COALESCE(q.query_id, q.place), 'calls_per_hour', q.calls_per_hour,
                      'ms_per_hour', q.ms_per_hour, 'cost_before', q.cost, 'cost_after', q.now_cost,
                      'saved_ms_per_hour', q.ms_per_hour * (1 - q.now_cost / NULLIF(q.cost, 0)))) ORDER BY q.weight DESC) AS queries,
                  sum(q.ms_per_hour * (1 - q.now_cost / NULLIF(q.cost, 0)) / cardinality(q.now_used)) AS saved,
                  max(CASE WHEN q.literal THEN 0.9 ELSE 0.7 END * (1 - q.now_cost / NULLIF(q.cost, 0))) AS confidence
             FROM asymm.advice_query AS q WHERE q.run_id = run AND c.no = ANY (q.now_used)) AS h
     WHERE c.run_id = run AND c.no = ANY (v_run.chosen)
     ORDER BY h.saved DESC NULLS LAST, c.size_bytes;
    RETURN QUERY
    SELECT NULL::text, NULL::regclass, NULL::bigint,
           jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('query', COALESCE(q.query_id, q.place), 'calls_per_hour', q.calls_per_hour,
               'ms_per_hour', q.ms_per_hour, 'cost_before', q.cost))), NULL::float8, NULL::float8, NULL::float8, NULL::boolean,
           CASE WHEN q.reason IS NOT NULL THEN q.reason
                WHEN q.own = '{}' THEN 'no condition or order that an index could serve, or all that could are there'
                ELSE 'the planner would use none of the indexes tried, or none that pays' END
      FROM asymm.advice_query AS q
     WHERE q.run_id = run AND q.now_used = '{}'
     ORDER BY q.weight DESC;
END
$$;
COMMENT ON FUNCTION asymm._advice_result(bigint) IS 'The indexes a search chose, and each statement without one with the reason.';

-- After table and columns, unlike any name in the schema.
CREATE OR REPLACE FUNCTION asymm._advice_index_name(candidate asymm.advice_candidate) RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_stem text := regexp_replace(lower(concat_ws('_', candidate.table_name, array_to_string(candidate.keys, '_'))), '\W+', '_', 'g');
    v_tail text := '_' || left(md5(concat_ws(',', candidate.method, candidate.keys::text, candidate.include::text,
                                                      candidate.predicate)), 6) || '_idx';
BEGIN
    WHILE octet_length(v_stem) > 63 - octet_length(v_tail) LOOP
        v_stem := left(v_stem, -1);
    END LOOP;
    RETURN v_stem || v_tail;
END
$$;
COMMENT ON FUNCTION asymm._advice_index_name(asymm.advice_candidate) IS 'A name for a new index, the same for the same definition.';
