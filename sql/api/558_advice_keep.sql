-- What the planner answered is kept for the search that asked.

CREATE OR REPLACE FUNCTION asymm._advice_run_of_caller(run bigint) RETURNS asymm.advice_run
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_run asymm.advice_run;
BEGIN
    PERFORM asymm._require_session();
    SELECT r.* INTO v_run FROM asymm.advice_run AS r WHERE r.id = run AND r.role = session_user FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'search % does not exist', run
            USING ERRCODE = 'undefined_object', DETAIL = format('Role "%s" began none of this number, or it was forgotten.', session_user),
                  HINT = 'SELECT * FROM asymm.advise();';
    END IF;
    RETURN v_run;
END
$$;
COMMENT ON FUNCTION asymm._advice_run_of_caller(bigint) IS 'A search of one''s own, locked.';

CREATE OR REPLACE FUNCTION asymm._advice_keep(run bigint, results jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_run asymm.advice_run := asymm._advice_run_of_caller(run);
    v_result jsonb;
BEGIN
    -- Costs.
    WITH r AS MATERIALIZED (
        SELECT (e.value ->> 'query')::integer AS query_no,
               ARRAY(SELECT v::integer FROM jsonb_array_elements_text(e.value -> 'visible') AS v) AS visible,
               ARRAY(SELECT v::integer FROM jsonb_array_elements_text(e.value -> 'used') AS v) AS used,
               asymm._floored_cost((e.value ->> 'cost')::float8) AS cost
          FROM jsonb_array_elements(results) AS e (value)
         WHERE e.value ->> 'kind' = 'cost' AND e.value ->> 'cost' IS NOT NULL),
    c AS (
        INSERT INTO asymm.advice_cost (run_id, query_no, visible, used, cost)
        SELECT v_run.id, r.query_no, r.visible, r.used, r.cost FROM r ON CONFLICT DO NOTHING)
    INSERT INTO asymm.advice_plan AS p (run_id, query_no, used, cost)
    SELECT v_run.id, r.query_no, r.used, min(r.cost) FROM r GROUP BY r.query_no, r.used
    ON CONFLICT (run_id, query_no, used) DO UPDATE SET cost = LEAST(p.cost, EXCLUDED.cost);
    -- What can't be planned any more drops out.
    UPDATE asymm.advice_query AS q SET reason = e.value ->> 'reason'
      FROM jsonb_array_elements(results) AS e (value)
     WHERE e.value ->> 'kind' = 'cost' AND e.value ->> 'reason' IS NOT NULL AND q.run_id = v_run.id AND q.no = (e.value ->> 'query')::integer;
    FOR v_result IN SELECT e.value -> 'result' FROM jsonb_array_elements(results) AS e (value) WHERE e.value ->> 'kind' = 'look' LOOP
        PERFORM asymm._advice_looked(v_run, v_result);
    END LOOP;
    FOR v_result IN SELECT e.value -> 'result' FROM jsonb_array_elements(results) AS e (value) WHERE e.value ->> 'kind' = 'size' LOOP
        UPDATE asymm.advice_candidate AS c
           -- Of what a search that goes on by itself has built before only the difference counts.
           SET fault = v_result ->> 'fault',
               size_bytes = b.bytes - CASE WHEN v_run.kind <> 'standing' THEN 0
                   ELSE LEAST(b.bytes - 8192, asymm._index_frees(c.relid, c.method, c.keys, c.include, c.predicate)) END,
               writes = asymm._advice_writes(v_run, c, (v_result ->> 'rows')::float8, b.bytes)
          FROM (SELECT asymm._candidate_bytes(o, (v_result ->> 'rows')::float8, (v_result ->> 'groups')::float8,
                                              (v_result ->> 'width')::float8) AS bytes
                  FROM asymm.advice_candidate AS o WHERE o.run_id = v_run.id AND o.no = (v_result ->> 'no')::integer) AS b
         WHERE c.run_id = v_run.id AND c.no = (v_result ->> 'no')::integer;
    END LOOP;
    -- Place is not free, with a budget or without: indexes as large as the tables have to bring two per cent; ten, where each search
    -- goes on from the last and would in the end use up what there is.
    UPDATE asymm.advice_candidate AS c
       SET keeping = c.writes + CASE WHEN v_run.kind = 'standing' THEN 0.1 WHEN v_run.budget IS NULL THEN 0.02 ELSE 0 END
                                  * v_run.base * COALESCE(c.size_bytes, 0) / GREATEST(v_run.heap, 8192)
     WHERE c.run_id = v_run.id AND v_run.phase = 'size';
    RETURN v_run.phase = 'done';
END
$$;
COMMENT ON FUNCTION asymm._advice_keep(bigint, jsonb) IS 'Keeps what the planner answered; true when the search is done.';

-- A row found by a key costs two pages; that an index could spare one of them is nothing to build it for, and within what the
-- planner doesn't know of an index that isn't there, such as its height.
CREATE OR REPLACE FUNCTION asymm._floored_cost(cost double precision) RETURNS double precision
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN cost IS NOT NULL THEN GREATEST(cost, 2 * current_setting('random_page_cost')::float8 + 1) END;
END
$$;
COMMENT ON FUNCTION asymm._floored_cost(double precision) IS 'Cost of a plan, all that are as cheap as finding a row by a key taken as one; NULL remains none.';

CREATE OR REPLACE FUNCTION asymm._advice_looked(run asymm.advice_run, result jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE asymm.advice_query AS q
       SET looked = true, reason = result ->> 'reason', cost = asymm._floored_cost((result ->> 'cost')::float8),
           now_cost = asymm._floored_cost((result ->> 'cost')::float8),
           named = COALESCE(result -> 'named', '[]'),
           relations = ARRAY(SELECT r::oid FROM jsonb_array_elements_text(COALESCE(result -> 'relations', '[]')) AS r)
     WHERE q.run_id = run.id AND q.no = (result ->> 'no')::integer;
    IF result ? 'cost' THEN
        INSERT INTO asymm.advice_cost (run_id, query_no, visible, used, cost)
        VALUES (run.id, (result ->> 'no')::integer, '{}', '{}', asymm._floored_cost((result ->> 'cost')::float8)) ON CONFLICT DO NOTHING;
        INSERT INTO asymm.advice_plan (run_id, query_no, used, cost)
        VALUES (run.id, (result ->> 'no')::integer, '{}', asymm._floored_cost((result ->> 'cost')::float8)) ON CONFLICT DO NOTHING;
    END IF;
    UPDATE asymm.advice_query AS q
       SET own = ARRAY(SELECT DISTINCT asymm._advice_candidate(run, c.relid, c.method, c.keys, c.include, c.predicate, c.reason)
                         FROM jsonb_to_recordset(result -> 'candidates')
                              AS c (relid oid, method text, keys text[], include text[], predicate text, reason text)
                        WHERE run.tables IS NULL OR c.relid = ANY (run.tables) ORDER BY 1)
     WHERE q.run_id = run.id AND q.no = (result ->> 'no')::integer AND jsonb_typeof(result -> 'candidates') = 'array';
    -- Weighed as examples of the DELETE that causes them.
    INSERT INTO asymm.advice_query (run_id, no, query_id, place, statement, path, literal, command, calls_per_hour, ms_per_hour, weight)
    SELECT run.id, (SELECT max(o.no) FROM asymm.advice_query AS o WHERE o.run_id = run.id) + l.n, q.query_id, q.place, l.text, 'pg_catalog, pg_temp',
           false, 'select', q.calls_per_hour, q.ms_per_hour, q.weight
      FROM asymm.advice_query AS q
     CROSS JOIN jsonb_array_elements_text(result -> 'lookups') WITH ORDINALITY AS l (text, n)
     WHERE q.run_id = run.id AND q.no = (result ->> 'no')::integer AND jsonb_typeof(result -> 'lookups') = 'array'
       AND NOT EXISTS (SELECT FROM asymm.advice_query AS o WHERE (o.run_id, o.place, o.statement) = (run.id, q.place, l.text));
    UPDATE asymm.advice_query AS q SET own = array_remove(q.own, NULL) WHERE q.run_id = run.id AND q.no = (result ->> 'no')::integer;
END
$$;
COMMENT ON FUNCTION asymm._advice_looked(asymm.advice_run, jsonb) IS 'Keeps what a first look at a statement found: cost, relations, candidates.';

-- The number of a candidate, made on first mention; not on what has gone, nor when there are too many.
CREATE OR REPLACE FUNCTION asymm._advice_candidate(run asymm.advice_run, relid oid, method text, keys text[], include text[],
                                                   predicate text, reason text) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    v_no integer;
    v_include text[] := COALESCE(include, '{}');
BEGIN
    SELECT c.no INTO v_no FROM asymm.advice_candidate AS c
     WHERE (c.run_id, c.relid, c.method, c.keys, c.include) = (run.id, relid, method, keys, v_include) AND c.predicate IS NOT DISTINCT FROM predicate;
    IF NOT FOUND AND cardinality(keys) > 0 THEN
        INSERT INTO asymm.advice_candidate (run_id, no, relid, schema_name, table_name, method, keys, include, predicate, reason)
        SELECT run.id, n.next, k.oid, s.nspname, k.relname, method, keys, v_include, predicate, left(reason, 1000)
          FROM (SELECT COALESCE(max(c.no), 0) + 1 AS next FROM asymm.advice_candidate AS c WHERE c.run_id = run.id) AS n,
               pg_class AS k JOIN pg_namespace AS s ON s.oid = k.relnamespace
         WHERE k.oid = relid AND n.next <= 2000
        RETURNING no INTO v_no;
    END IF;
    RETURN v_no;
END
$$;
COMMENT ON FUNCTION asymm._advice_candidate(asymm.advice_run, oid, text, text[], text[], text, text)
    IS 'Number of an index in a search; NULL where its table has gone or two thousand are tried already.';

-- Milliseconds that a row takes to be entered, as measured with all pages in memory: a B-tree a few thousandths, more with each level;
-- GIN as much for each part of the value, at once or when it is searched (a part takes some four bytes); BRIN next to nothing. What is
-- larger than the cache is read first.
CREATE OR REPLACE FUNCTION asymm._entry_ms(method text, bytes bigint, rows double precision DEFAULT NULL) RETURNS double precision
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_pages float8 := GREATEST(COALESCE(bytes, 0) / 8192.0, 1);
    v_cache float8 := (SELECT s.setting::float8 FROM pg_settings AS s WHERE s.name = 'effective_cache_size');
BEGIN
    RETURN CASE method WHEN 'brin' THEN 0.0004 WHEN 'gist' THEN 0.01 WHEN 'spgist' THEN 0.01
                       WHEN 'gin' THEN 0.005 + 0.015 * GREATEST(1, COALESCE(bytes / NULLIF(GREATEST(rows, 0), 0) / 4, 1))
                       ELSE 0.002 * (1 + ln(v_pages) / ln(250)) END
         + CASE WHEN method <> 'brin' AND v_pages > v_cache THEN 0.1 * (1 - v_cache / v_pages) ELSE 0 END;
END
$$;
COMMENT ON FUNCTION asymm._entry_ms(text, bigint, double precision) IS 'What a row takes to be entered in an index of some method and size, in milliseconds.';

-- Milliseconds an hour that a further index takes: an entry for each row inserted or updated elsewhere than within its page, as far as
-- the index holds such rows. An update of a column that it names can't stay within the page any more: that writes all indexes.
CREATE OR REPLACE FUNCTION asymm._advice_writes(run asymm.advice_run, candidate asymm.advice_candidate, rows double precision, bytes bigint)
RETURNS double precision
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_named text[] := asymm._tokens(concat_ws(',', array_to_string(candidate.keys || candidate.include, ','), candidate.predicate));
    v_entry float8 := asymm._entry_ms(candidate.method, bytes, rows);
    v_other float8 := 0.005;
    v_share float8 := 1;
    v_moved float8 := 0;
    v_tables oid[] := ARRAY(SELECT candidate.relid UNION SELECT t.relid::oid FROM pg_partition_tree(candidate.relid) AS t);
    v_since timestamptz := (SELECT min(l.at) FROM asymm.table_load AS l WHERE l.relid = ANY (v_tables) AND l.at > run.since);
BEGIN
    IF run.kind = 'texts' OR v_since IS NULL THEN
        RETURN 0;
    END IF;
    IF candidate.predicate IS NOT NULL THEN
        -- Between two slices of a search the table may be gone.
        v_share := COALESCE((SELECT LEAST(1, rows / GREATEST(c.reltuples, 1)) FROM pg_class AS c WHERE c.oid = candidate.relid), 1);
    END IF;
    -- From version 16 on BRIN doesn't mind.
    IF candidate.method <> 'brin' OR current_setting('server_version_num')::integer < 160000 THEN
        -- The row itself and each index there is; of a GIN index the catalog may count parts as rows.
        SELECT v_other + COALESCE(sum(asymm._entry_ms(m.amname, k.relpages * 8192::bigint, r.rows) * r.rows / GREATEST(c.reltuples, 1)), 0)
          INTO v_other
          FROM pg_index AS i
          JOIN pg_class AS c ON c.oid = i.indrelid
          JOIN pg_class AS k ON k.oid = i.indexrelid
          JOIN pg_am AS m ON m.oid = k.relam
         CROSS JOIN LATERAL (SELECT GREATEST(1, CASE WHEN i.indpred IS NULL THEN c.reltuples ELSE LEAST(k.reltuples, c.reltuples) END) AS rows) AS r
         WHERE i.indrelid = candidate.relid;
        SELECT COALESCE(sum(l.rows), 0) INTO v_moved
          FROM asymm.query_load AS l
         WHERE l.at >= v_since AND l.query_id IN (
               SELECT k.query_id FROM asymm.query_look AS k
                CROSS JOIN LATERAL jsonb_each(k.written) AS w (relid, columns)
                CROSS JOIN LATERAL jsonb_array_elements_text(w.columns) AS n (number)
                 JOIN pg_attribute AS a ON a.attrelid = w.relid::oid AND a.attnum = n.number::smallint
                WHERE w.relid::oid = ANY (v_tables) AND quote_ident(a.attname) = ANY (v_named));
    END IF;
    RETURN (SELECT (v_entry * v_share * sum(l.inserted + l.updated - l.updated_hot)
                    + LEAST(v_moved, sum(l.updated_hot))
                      * (v_entry + v_other))
                   / (EXTRACT(epoch FROM GREATEST((asymm._index_settings()).workload_step, clock_timestamp() - v_since))::float8 / 3600)
              FROM asymm.table_load AS l WHERE l.relid = ANY (v_tables) AND l.at >= v_since);
END
$$;
COMMENT ON FUNCTION asymm._advice_writes(asymm.advice_run, asymm.advice_candidate, double precision, bigint)
    IS 'What writing an index would cost, in milliseconds an hour; 0 for statements that have no workload.';

-- A B-tree whose keys repeat keeps a key once for up to 130 rows and six bytes a row; not with included columns, and not for
-- types whose equal values may look different.
CREATE OR REPLACE FUNCTION asymm._candidate_bytes(candidate asymm.advice_candidate, rows double precision, groups double precision,
                                               width double precision)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_entry float8 := 12 + 8 * ceil(GREATEST(width, 1) / 8);
    v_bytes float8;
    v_merges boolean;
BEGIN
    IF candidate.method = 'brin' THEN
        RETURN 65536;
    ELSIF candidate.method <> 'btree' THEN
        -- Of text GIN holds each part apart, such as three letters from every letter on.
        RETURN 8192 + rows * (8 + CASE candidate.method WHEN 'gin' THEN 3 ELSE 1 END * GREATEST(width, 1));
    END IF;
    -- Every plain key of a type whose default class says that equal is the same (its fourth support function).
    v_merges := candidate.include = '{}' AND NOT EXISTS (
        SELECT FROM unnest(candidate.keys) AS k (key)
          JOIN pg_attribute AS a ON a.attrelid = candidate.relid AND a.attnum > 0 AND asymm._key_lead(k.key) = quote_ident(a.attname)
          JOIN pg_type AS t ON t.oid = a.atttypid
         WHERE NOT EXISTS (SELECT FROM pg_opclass AS o JOIN pg_am AS m ON m.oid = o.opcmethod AND m.amname = 'btree'
                             JOIN pg_amproc AS p ON p.amprocfamily = o.opcfamily AND p.amprocnum = 4 AND p.amproclefttype = o.opcintype
                            WHERE o.opcdefault AND (o.opcintype = a.atttypid
                                  OR EXISTS (SELECT FROM pg_cast AS c WHERE c.castsource = COALESCE(NULLIF(t.typbasetype, 0), a.atttypid)
                                                AND c.casttarget = o.opcintype AND c.castmethod = 'b'))));
    v_bytes := rows * v_entry;
    IF v_merges AND groups < rows THEN
        v_bytes := LEAST(v_bytes, rows * 6 + GREATEST(groups, rows / 130) * v_entry);
    END IF;
    RETURN 16384 + v_bytes / 0.9 * 8192 / 8152 * 1.005;
END
$$;
COMMENT ON FUNCTION asymm._candidate_bytes(asymm.advice_candidate, double precision, double precision, double precision)
    IS 'How large an index would be, equal keys of a B-tree counted as they are kept.';
