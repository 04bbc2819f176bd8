-- What operators ask: which indexes would help, and why others would not.

-- '10 %' of the heap of the tables in question, or a size; NULL is any.
CREATE OR REPLACE FUNCTION asymm._advice_budget(budget text, tables oid[]) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_share text := substring(budget FROM '^\s*(\d{1,9}(?:\.\d{1,9})?)\s*%\s*$');
    v_bytes bigint;
BEGIN
    IF budget IS NULL THEN
        RETURN NULL;
    ELSIF v_share IS NOT NULL THEN
        RETURN (SELECT v_share::numeric / 100 * COALESCE(sum(asymm._table_bytes(c.oid)), 0) FROM pg_class AS c
                 WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND c.oid >= 16384 AND c.relnamespace <> 'asymm'::regnamespace
                   AND (tables IS NULL OR c.oid = ANY (tables)
                        OR EXISTS (SELECT FROM unnest(tables) AS t WHERE t IN (SELECT a.relid FROM pg_partition_ancestors(c.oid) AS a))));
    END IF;
    BEGIN
        v_bytes := pg_size_bytes(budget);
    EXCEPTION WHEN invalid_parameter_value OR numeric_value_out_of_range OR invalid_text_representation THEN
        v_bytes := -1;
    END;
    IF v_bytes < 0 THEN
        RAISE EXCEPTION 'budget "%" is neither a size nor a percentage', budget
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A budget is a number of bytes with or without a unit, or per cent of the tables.',
                  HINT = 'SELECT * FROM asymm.advise(budget => ''10 %''); or budget => ''2 GB''; NULL sets no limit.';
    END IF;
    RETURN v_bytes;
END
$$;
COMMENT ON FUNCTION asymm._advice_budget(text, oid[]) IS 'A budget in bytes: a size, or per cent of the heap of some tables (NULL: of all user tables).';

-- Statements are told apart by their place; those of one place are examples of one.
CREATE OR REPLACE FUNCTION asymm._begin_advice(kind text, budget bigint, tables oid[], since interval, statements text[], path text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_run bigint;
    v_step interval := (asymm._index_settings()).workload_step;
    v_since timestamptz := clock_timestamp() - LEAST(since, interval '30 days') - v_step;
BEGIN
    PERFORM asymm._require_session();
    -- One search a role; what an earlier one left is of no use.
    DELETE FROM asymm.advice_run AS r WHERE r.role = session_user AND r.kind = _begin_advice.kind;
    INSERT INTO asymm.advice_run (role, kind, budget, tables, since, proved)
    VALUES (session_user, kind, budget, tables, v_since, asymm._hypopg_schema() IS NOT NULL) RETURNING id INTO v_run;
    IF kind = 'texts' THEN
        INSERT INTO asymm.advice_query (run_id, no, place, statement, path, literal, command, weight)
        SELECT v_run, t.n, t.n, asymm._bare_statement(t.statement), path, t.statement !~ '\$\d', asymm._command(t.statement), 1
          FROM unnest(statements) WITH ORDINALITY AS t (statement, n);
        RETURN v_run;
    END IF;
    -- The costliest two hundred, with the examples that were seen of them. A statement counts by what a call takes now: its calls
    -- before an index was made for it, or dropped, took another time; while there are none since, what was promised is believed.
    WITH seen AS MATERIALIZED (
        SELECT r.role_id FROM (SELECT DISTINCT q.role_id FROM asymm.query AS q) AS r WHERE asymm._sees_examples(r.role_id))
    INSERT INTO asymm.advice_query (run_id, no, query_id, place, statement, path, literal, command, calls_per_hour, ms_per_hour, weight)
    SELECT v_run, row_number() OVER (ORDER BY l.place, e.place), q.id, l.place, COALESCE(e.statement, q.statement), asymm._path_of(r.rolname),
           e.statement IS NOT NULL, q.command, l.calls / l.hours, l.exec_ms / l.hours, l.exec_ms / l.hours
      FROM (SELECT o.*, row_number() OVER (ORDER BY o.exec_ms DESC, o.query_id) AS place
              FROM (SELECT l.query_id, sum(l.calls)::float8 AS calls,
                           COALESCE(sum(l.calls) * sum(l.exec_ms) FILTER (WHERE l.at >= c.at)
                                    / NULLIF(sum(l.calls) FILTER (WHERE l.at >= c.at), 0),
                                    sum(l.exec_ms) * COALESCE(min(c.promise), 1))::float8 AS exec_ms,
                           EXTRACT(epoch FROM GREATEST(v_step, clock_timestamp() - min(min(l.at)) OVER ()))::float8 / 3600 AS hours
                      FROM asymm.query_load AS l
                      LEFT JOIN asymm._query_changes() AS c ON c.query_id = l.query_id
                     WHERE l.at > v_since AND l.query_id <> 0 GROUP BY l.query_id) AS o
              JOIN asymm.query AS t ON t.id = o.query_id AND t.toplevel) AS l
      JOIN asymm.query AS q ON q.id = l.query_id
      JOIN pg_roles AS r ON r.oid = q.role_id
      LEFT JOIN asymm.query_example AS e ON e.query_id = q.id AND q.role_id IN (SELECT s.role_id FROM seen AS s)
     WHERE l.place <= 200;
    RETURN v_run;
END
$$;
COMMENT ON FUNCTION asymm._begin_advice(text, bigint, oid[], interval, text[], text) IS 'Begins a search over the workload or some texts; returns its number.';

CREATE OR REPLACE FUNCTION asymm._query_changes() RETURNS TABLE (query_id bigint, at timestamptz, promise double precision)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT k.query_id, max(c.ended), (array_agg(q.cost_after / NULLIF(q.cost_before, 0) ORDER BY c.ended DESC))[1]
      FROM asymm._index_changes('-infinity') AS c
      JOIN asymm.action AS a ON a.id = c.action
      JOIN asymm.query_look AS k ON c.relid = ANY (k.relations) OR k.query_id = ANY (c.queries)
      LEFT JOIN LATERAL jsonb_to_recordset(CASE WHEN jsonb_typeof(a.evidence_before -> 'queries') = 'array' THEN a.evidence_before -> 'queries'
                                                ELSE '[]' END) AS q (query bigint, cost_before float8, cost_after float8)
             ON q.query = k.query_id AND a.kind = 'create index' AND a.state IN ('applied', 'verified')
     GROUP BY k.query_id
$$;
COMMENT ON FUNCTION asymm._query_changes()
    IS 'When an index of a table was last made or dropped, by the statements that name the table, and to what share it promised to bring their cost.';

CREATE OR REPLACE FUNCTION asymm._end_advice(run bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM asymm.advice_run AS r WHERE r.id = run AND r.role = session_user;
END
$$;
COMMENT ON FUNCTION asymm._end_advice(bigint) IS 'Forgets a search of one''s own.';

CREATE OR REPLACE FUNCTION asymm.advise(budget text DEFAULT NULL, tables regclass[] DEFAULT NULL, since interval DEFAULT '7 days')
RETURNS TABLE (definition text, target regclass, size_bytes bigint, queries jsonb, saved_ms_per_hour double precision,
               write_ms_per_hour double precision, confidence double precision, proved boolean, reason text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_run bigint;
BEGIN
    IF since IS NULL OR since <= '0' THEN
        RAISE EXCEPTION 'window "%" is not positive', since
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'since says how far back the workload is looked at.',
                  HINT = 'SELECT * FROM asymm.advise(since => ''7 days'');';
    END IF;
    v_run := asymm._begin_advice('workload', asymm._advice_budget(budget, tables::oid[]), tables::oid[], since, NULL, NULL);
    PERFORM asymm._advice_work(v_run, 'infinity');
    RETURN QUERY SELECT r.* FROM asymm._advice_result(v_run) AS r;
    PERFORM asymm._end_advice(v_run);
END
$$;
COMMENT ON FUNCTION asymm.advise(text, regclass[], interval)
    IS 'The set of indexes that would help the workload most within a budget (''10 %'' of the tables, ''2 GB''; NULL: any), and why other statements get none (no definition): sizes in bytes, gains and writes in milliseconds an hour, confidence from 0 to 1, proved when the planner was asked. Raises 22023.';

CREATE OR REPLACE FUNCTION asymm.advise_for(statements text[], budget text DEFAULT NULL, tables regclass[] DEFAULT NULL, path text DEFAULT NULL)
RETURNS TABLE (definition text, target regclass, size_bytes bigint, queries jsonb, saved_ms_per_hour double precision,
               write_ms_per_hour double precision, confidence double precision, proved boolean, reason text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_run bigint;
BEGIN
    IF statements IS NULL OR cardinality(statements) NOT BETWEEN 1 AND 1000 OR array_position(statements, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'no statements are given'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Between one and a thousand texts are needed, none of them NULL.',
                  HINT = 'SELECT * FROM asymm.advise_for(ARRAY[''SELECT …'']);';
    END IF;
    v_run := asymm._begin_advice('texts', asymm._advice_budget(budget, tables::oid[]), tables::oid[], NULL, statements,
                                 COALESCE(path, asymm._path_of(session_user)));
    PERFORM asymm._advice_work(v_run, 'infinity');
    RETURN QUERY SELECT r.* FROM asymm._advice_result(v_run) AS r;
    PERFORM asymm._end_advice(v_run);
END
$$;
COMMENT ON FUNCTION asymm.advise_for(text[], text, regclass[], text)
    IS 'As asymm.advise() for given statements (1 to 1,000), each counted as often as the others, with costs of the planner and no times; names are looked up by path, else as your sessions begin. Raises 22023.';
