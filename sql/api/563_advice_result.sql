-- What a search found, in words.

-- Where the planner can't be asked: for each statement the first plain index made for it, the costliest first. So too for
-- statements that only an index of a kind would serve which hypopg can't pretend. None whose writing alone would take half of what its
-- statement takes.
CREATE OR REPLACE FUNCTION asymm._advice_by_rule(run asymm.advice_run) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_room bigint := run.budget - asymm._advice_size(run.id, run.chosen);
    v_chosen integer[] := run.chosen;
BEGIN
    FOR v IN SELECT q.no AS query_no, c.no, c.size_bytes
               FROM asymm.advice_query AS q
              CROSS JOIN LATERAL (
                    SELECT c.no, c.size_bytes FROM asymm.advice_candidate AS c
                     WHERE c.run_id = run.id AND c.no = ANY (q.own) AND c.size_bytes IS NOT NULL AND c.writes <= 0.5 * q.weight
                       AND CASE WHEN run.proved THEN c.fault ~ 'access method' ELSE c.predicate IS NULL AND c.include = '{}' AND c.fault IS NULL END
                     ORDER BY c.no LIMIT 1) AS c
              WHERE q.run_id = run.id AND q.reason IS NULL AND q.now_used = '{}' AND q.weight >= 0.01 * run.base
              ORDER BY q.weight DESC, q.no LIMIT 20 LOOP
        CONTINUE WHEN v_room IS NOT NULL AND v.size_bytes > v_room AND v.no <> ALL (v_chosen);
        IF v.no <> ALL (v_chosen) THEN
            v_chosen := v_chosen || v.no;
            v_room := v_room - v.size_bytes;
        END IF;
        UPDATE asymm.advice_query AS q SET now_used = ARRAY[v.no] WHERE q.run_id = run.id AND q.no = v.query_no;
    END LOOP;
    UPDATE asymm.advice_run AS r SET phase = 'done', ended_at = clock_timestamp(), chosen = v_chosen WHERE r.id = run.id;
END
$$;
COMMENT ON FUNCTION asymm._advice_by_rule(asymm.advice_run) IS 'Ends a search with the indexes that no plan can prove.';

-- The set with what each index of it does. One that helps no statement by a fifth is not worth its keep,
-- and by less than three tenths not worth a trial.
CREATE OR REPLACE FUNCTION asymm._advice_set(run asymm.advice_run)
RETURNS TABLE (no integer, queries jsonb, saved double precision, confidence double precision, proved boolean, companions integer[])
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH helped AS (
        SELECT c.no, c.fault IS NULL AND run.proved AS proved, q.place, min(q.query_id) AS query_id, sum(q.weight) AS weight,
               min(q.calls_per_hour) AS calls,
               min(q.ms_per_hour) AS ms, avg(q.cost) AS before, avg(q.now_cost) AS after, bool_and(q.literal) AS literal,
               max(q.now_used::text)::integer[] AS used
          FROM asymm.advice_candidate AS c JOIN asymm.advice_query AS q ON q.run_id = run.id AND c.no = ANY (q.now_used)
         WHERE c.run_id = run.id AND c.no = ANY (run.chosen)
         GROUP BY c.no, c.fault, q.place)
    SELECT h.no,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object('query', COALESCE(h.query_id, h.place), 'calls_per_hour', h.calls, 'ms_per_hour', h.ms,
               'cost_before', h.before, 'cost_after', CASE WHEN h.proved THEN h.after END,
               'saved_ms_per_hour', h.ms * (1 - h.after / NULLIF(h.before, 0)))) ORDER BY h.weight DESC, h.place),
           -- What can't be proved is a guess.
           sum(h.ms * CASE WHEN h.proved THEN (1 - h.after / NULLIF(h.before, 0)) / cardinality(h.used) ELSE 0.3 END),
           CASE WHEN h.proved THEN max(CASE WHEN h.literal THEN 0.9 ELSE 0.7 END * (1 - h.after / NULLIF(h.before, 0))) ELSE 0.3 END, h.proved,
           CASE WHEN min(cardinality(h.used)) > 1
                THEN ARRAY(SELECT u FROM unnest((array_agg(h.used::text ORDER BY h.weight DESC))[1]::integer[]) AS u
                            WHERE u <> h.no AND NOT EXISTS (
                                  -- Without that one it helps as well.
                                  SELECT FROM asymm.advice_plan AS p JOIN asymm.advice_query AS q ON q.run_id = p.run_id AND q.no = p.query_no
                                   WHERE p.run_id = run.id AND p.used <@ run.chosen AND h.no = ANY (p.used) AND u <> ALL (p.used)
                                     AND p.cost <= 0.8 * q.cost))
                ELSE '{}' END
      FROM helped AS h
     GROUP BY h.no, h.proved
    HAVING NOT h.proved OR max(1 - h.after / NULLIF(h.before, 0)) >= CASE WHEN run.kind = 'standing' THEN 0.3 ELSE 0.2 END;
END
$$;
COMMENT ON FUNCTION asymm._advice_set(asymm.advice_run) IS 'The indexes a search chose: statements helped, milliseconds an hour saved, which others each needs.';

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
    SELECT asymm._advice_definition(c, asymm._advice_index_name(c)), c.relid::regclass, c.size_bytes, s.queries, s.saved,
           CASE WHEN v_run.kind <> 'texts' THEN c.writes END, s.confidence, s.proved, c.reason
      FROM asymm._advice_set(v_run) AS s JOIN asymm.advice_candidate AS c ON c.run_id = run AND c.no = s.no
     ORDER BY s.saved DESC NULLS LAST, c.size_bytes, c.no;
    RETURN QUERY
    WITH helpless AS (
        SELECT q.place, min(q.no) AS no, sum(q.weight) AS weight FROM asymm.advice_query AS q WHERE q.run_id = run
         GROUP BY q.place
        HAVING NOT bool_or(EXISTS (SELECT FROM asymm._advice_set(v_run) AS s WHERE s.no = ANY (q.now_used))))
    SELECT NULL::text, NULL::regclass, NULL::bigint,
           jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('query', COALESCE(q.query_id, q.place), 'calls_per_hour', q.calls_per_hour,
               'ms_per_hour', q.ms_per_hour, 'cost_before', q.cost))), NULL::float8, NULL::float8, NULL::float8, NULL::boolean,
           asymm._advice_refusal(v_run, q)
      FROM helpless AS h JOIN asymm.advice_query AS q ON q.run_id = run AND q.no = h.no
     ORDER BY h.weight DESC, h.no;
END
$$;
COMMENT ON FUNCTION asymm._advice_result(bigint) IS 'The indexes a search chose, and each statement without one with the reason.';

CREATE OR REPLACE FUNCTION asymm._advice_refusal(run asymm.advice_run, query asymm.advice_query) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_best asymm.advice_plan;
    v_size bigint;
    v_writes float8;
BEGIN
    IF query.reason IS NOT NULL THEN
        RETURN query.reason;
    ELSIF query.own = '{}' THEN
        RETURN 'no condition or order that an index could serve, or all that could are there';
    ELSIF NOT run.proved THEN
        RETURN 'the extension hypopg is not installed, so that nothing is known of indexes for it';
    END IF;
    SELECT p.* INTO v_best FROM asymm.advice_plan AS p
     WHERE p.run_id = run.id AND p.query_no = query.no AND p.used <> '{}' ORDER BY p.cost, cardinality(p.used) LIMIT 1;
    SELECT sum(c.size_bytes), sum(c.writes) INTO v_size, v_writes
      FROM asymm.advice_candidate AS c WHERE c.run_id = run.id AND c.no = ANY (v_best.used);
    RETURN CASE
        WHEN EXISTS (SELECT FROM asymm.advice_candidate AS c WHERE c.run_id = run.id AND c.no = ANY (query.own) AND c.size_bytes > run.budget)
             AND v_best.used IS NULL THEN 'over budget: an index for it alone is larger'
        WHEN v_best.used IS NULL AND EXISTS (SELECT FROM asymm.advice_candidate AS c
                                              WHERE c.run_id = run.id AND c.no = ANY (query.own) AND c.fault ~ 'access method'
                                                AND c.writes > 0.5 * query.weight)
            THEN 'writing an index for it would cost too much for one that the planner can''t be asked about'
        WHEN v_best.used IS NULL THEN 'the planner would use none of the indexes that were tried'
        WHEN v_best.cost > 0.8 * query.cost
            THEN format('the best that was tried would make it %s %% cheaper, less than a fifth',
                        round((100 * (1 - v_best.cost / query.cost))::numeric, 1))
        WHEN v_writes > query.weight * (1 - v_best.cost / query.cost)
            THEN format('writing the index would cost more (%s ms an hour) than it saves', round(v_writes::numeric, 1))
        WHEN run.budget IS NOT NULL THEN format('over budget: the index for it takes %s, which brings more elsewhere', pg_size_pretty(v_size))
        ELSE 'what it would save is too little of the whole' END;
END
$$;
COMMENT ON FUNCTION asymm._advice_refusal(asymm.advice_run, asymm.advice_query) IS 'Why a search has no index for a statement.';

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
