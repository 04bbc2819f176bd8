-- The complexity class of a statement: for people, for their test suites, and for every statement of the workload.

CREATE OR REPLACE FUNCTION asymm._cost_of(planned jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN planned ? 'plan' THEN asymm._plan_cost(COALESCE(planned -> 'whole', planned -> 'plan'))
                ELSE jsonb_build_object('reason', planned -> 'reason') END;
END
$$;
COMMENT ON FUNCTION asymm._cost_of(jsonb) IS 'The class of what asymm._plan_statement() gave, or the reason why there is none.';

-- The index, of those a search would try on the table to blame, that makes the class better: each is added to what the plan is judged by.
CREATE OR REPLACE FUNCTION asymm._cost_remedy(plan jsonb, cost jsonb) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_context jsonb := asymm._cost_context(plan, true);
    v_with jsonb;
    v_best integer := (cost ->> 'exponent')::integer;
    v_exponent integer;
    v_definition text;
    v record;
BEGIN
    IF cost #>> '{blame,node}' = 'ModifyTable' AND v_context ->> 'scanned' IS NOT NULL THEN
        RETURN 'CREATE INDEX ON ' || (v_context ->> 'scanned');
    END IF;
    FOR v IN SELECT c.relid, c.keys, n.nspname, r.relname,
                    jsonb_build_object('name', '', 'method', c.method, 'unique', false, 'predicate', NULL,
                        'order', ARRAY(SELECT asymm._same_key(k.key) FROM unnest(c.keys) WITH ORDINALITY AS k (key, n) ORDER BY k.n),
                        'keys', ARRAY(SELECT regexp_replace(asymm._same_key(k.key), '( DESC)?( NULLS (FIRST|LAST))?$', '')
                                        FROM unnest(c.keys) WITH ORDINALITY AS k (key, n) ORDER BY k.n)) AS index
               FROM asymm._index_candidates(plan) AS c
               JOIN pg_class AS r ON r.oid = c.relid JOIN pg_namespace AS n ON n.oid = r.relnamespace
              WHERE c.method = 'btree' AND c.predicate IS NULL
              ORDER BY cardinality(c.keys), cardinality(c.include) NULLS FIRST, c.keys LIMIT 40 LOOP
        v_with := jsonb_set(v_context, '{tables}', (
            SELECT jsonb_object_agg(t.key, CASE WHEN (v_context #>> ARRAY['names', t.key, 'r'])::oid = v.relid
                       THEN t.value || jsonb_build_object('pages', 0, 'indexes', asymm._texts(t.value -> 'indexes') || jsonb_build_array(v.index))
                       ELSE t.value END)
              FROM jsonb_each(v_context -> 'tables') AS t));
        v_exponent := asymm._node_cost(plan, '/', v_with) ->> 'w';
        IF asymm._cost_class(v_exponent) < asymm._cost_class(v_best) THEN
            v_best := v_exponent;
            v_definition := format('CREATE INDEX ON %I.%I (%s)', v.nspname, v.relname, array_to_string(v.keys, ', '));
        END IF;
    END LOOP;
    RETURN v_definition;
END
$$;
COMMENT ON FUNCTION asymm._cost_remedy(jsonb, jsonb) IS 'The CREATE INDEX that would make the class of a plan better; NULL if none is known.';

CREATE OR REPLACE FUNCTION asymm.observe_cost(query text, path text DEFAULT NULL)
RETURNS TABLE (cost asymm.cost, place text, node text, relation text, condition text, remedy text, reason text, plan jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_planned jsonb := asymm._plan_statement(asymm._require_text(query, 'query'), COALESCE(path, asymm._path_of(session_user)));
    v_cost jsonb := asymm._cost_of(v_planned);
    v_plan jsonb := COALESCE(v_planned -> 'whole', v_planned -> 'plan');
    v_remedy text;
BEGIN
    IF (v_cost ->> 'exponent')::integer >= 100 THEN
        v_remedy := asymm._cost_remedy(v_plan, v_cost);
    END IF;
    RETURN QUERY SELECT (v_cost ->> 'cost')::asymm.cost, v_cost #>> '{blame,place}', v_cost #>> '{blame,node}', v_cost #>> '{blame,relation}',
                        v_cost #>> '{blame,condition}', v_remedy, v_cost ->> 'reason', v_plan;
END
$$;
COMMENT ON FUNCTION asymm.observe_cost(text, text)
    IS 'The complexity class of a statement by its plan (nothing is run), with the node to blame and an index that would make it better; cost is NULL, with the reason, where it cannot be planned safely. Names are looked up by path, else as your sessions begin.';

CREATE OR REPLACE FUNCTION asymm._known_statement(query bigint) RETURNS TABLE (statement text, path text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT q.statement, COALESCE(asymm._path_of(r.rolname), 'public')
                   FROM asymm.query AS q LEFT JOIN pg_roles AS r ON r.oid = q.role_id WHERE q.id = query;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'query % is not known', COALESCE(query::text, 'NULL')
            USING ERRCODE = CASE WHEN query IS NULL THEN 'null_value_not_allowed' ELSE 'undefined_object' END,
                  DETAIL = 'Queries have the numbers that asymm.queries shows; those nobody has run for long are forgotten.',
                  HINT = 'SELECT query, statement FROM asymm.queries; or pass the text.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._known_statement(bigint) IS 'The text of a statement of the workload and the search path of its role; raises 42704.';

CREATE OR REPLACE FUNCTION asymm.observe_cost(query bigint)
RETURNS TABLE (cost asymm.cost, place text, node text, relation text, condition text, remedy text, reason text, plan jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT o.* FROM asymm._known_statement(query) AS k CROSS JOIN LATERAL asymm.observe_cost(k.statement, k.path) AS o;
END
$$;
COMMENT ON FUNCTION asymm.observe_cost(bigint) IS 'The same for a statement of asymm.queries, by its number. Raises 42704 for one that is not known.';

CREATE OR REPLACE FUNCTION asymm.assert_cost(query text, cost text, path text DEFAULT NULL) RETURNS asymm.cost
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_expected asymm.cost := asymm.to_cost(asymm._require_text(cost, 'cost'));
    v record;
BEGIN
    SELECT o.* INTO v FROM asymm.observe_cost(query, path) AS o;
    IF v.cost IS NULL THEN
        RAISE EXCEPTION 'cost of the statement cannot be seen'
            USING ERRCODE = 'SY016', DETAIL = format('It was %s.', v.reason),
                  HINT = 'Pass one statement that can be planned, with names that path => … finds, and functions of yours or a superuser''s.';
    ELSIF v.cost > v_expected THEN
        RAISE EXCEPTION 'cost is %, more than %', v.cost, v_expected
            USING ERRCODE = 'SY015',
                  DETAIL = concat_ws(' ', format('To blame is %s', v.node), 'on ' || v.relation, format('at %s', v.place), 'with ' || v.condition),
                  HINT = COALESCE(v.remedy, 'No index is known that would change that: SELECT * FROM asymm.observe_cost(…) shows the plan.');
    END IF;
    RETURN v.cost;
END
$$;
COMMENT ON FUNCTION asymm.assert_cost(text, text, text)
    IS 'Returns the class of a statement if it is no worse than the one given, for test suites. Raises SY015 with the node to blame and an index that would help, SY016 where it cannot be planned.';

CREATE OR REPLACE FUNCTION asymm._keep_cost(query bigint, cost jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO asymm.query_cost AS c (query_id, cost, blame)
    SELECT q.id, (_keep_cost.cost ->> 'cost')::asymm.cost, asymm._small_blame(_keep_cost.cost -> 'blame')
      FROM asymm.query AS q WHERE q.id = query AND _keep_cost.cost ? 'cost'
    ON CONFLICT (query_id) DO UPDATE SET cost = EXCLUDED.cost, blame = EXCLUDED.blame, at = clock_timestamp();
END
$$;
COMMENT ON FUNCTION asymm._keep_cost(bigint, jsonb) IS 'Keeps what asymm._plan_cost() found of a statement.';

CREATE OR REPLACE FUNCTION asymm._small_blame(blame jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT jsonb_object_agg(b.key, left(b.value, 2000))
              FROM jsonb_each_text(CASE jsonb_typeof(blame) WHEN 'object' THEN blame ELSE '{}' END) AS b
             WHERE b.key IN ('place', 'node', 'relation', 'index', 'condition'));
END
$$;
COMMENT ON FUNCTION asymm._small_blame(jsonb) IS 'The node to blame, in a form that is small enough to keep.';

-- How time and blocks of a call grew with the largest table of a statement, in the steps of the workload since its plan is as it is. How large a
-- table was follows from what was written to it since.
CREATE OR REPLACE FUNCTION asymm._measured_growth()
RETURNS TABLE (query bigint, steps bigint, size_ratio double precision, time_exponent double precision, blocks_exponent double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off
AS $$
DECLARE
    v_step interval := (asymm._index_settings()).workload_step;
BEGIN
    RETURN QUERY
    WITH written AS (
        SELECT t.relid, t.at, t.inserted - t.deleted AS added,
               sum(t.inserted - t.deleted) OVER (PARTITION BY t.relid ORDER BY t.at DESC) AS since
          FROM asymm.table_load AS t),
    -- In the middle of a step half of it was written.
    size AS MATERIALIZED (
        SELECT w.relid, w.at, GREATEST(n.rows - w.since + w.added / 2.0, 1)::double precision AS rows
          FROM written AS w
          JOIN (SELECT c.oid, GREATEST(pg_stat_get_live_tuples(c.oid), c.reltuples, 0) AS rows FROM pg_class AS c) AS n ON n.oid = w.relid),
    -- Apart, or the planner would read all sizes for each step.
    named AS MATERIALIZED (SELECT k.query_id, r.relid FROM asymm.query_look AS k CROSS JOIN LATERAL unnest(k.relations) AS r (relid)),
    step AS MATERIALIZED (
        SELECT l.query_id, l.at, sum(l.exec_ms) / sum(l.calls) AS ms, sum(l.blocks_hit + l.blocks_read)::double precision / sum(l.calls) AS blocks
          FROM asymm.query_load AS l
          JOIN (SELECT p.query_id, min(p.first_seen) AS since
                  FROM (SELECT p.*, rank() OVER (PARTITION BY p.query_id ORDER BY p.last_seen DESC) AS n FROM asymm.query_plan AS p) AS p
                 WHERE p.n = 1 GROUP BY p.query_id) AS p ON p.query_id = l.query_id
         WHERE l.calls > 0 AND l.at >= p.since - v_step
         GROUP BY l.query_id, l.at),
    point AS (
        SELECT s.query_id, s.at, ln(GREATEST(s.ms, 1e-6)) AS ms, ln(GREATEST(s.blocks, 1)) AS blocks, ln(max(z.rows)) AS rows
          FROM step AS s JOIN named AS n ON n.query_id = s.query_id JOIN size AS z ON z.relid = n.relid AND z.at = s.at
         GROUP BY s.query_id, s.at, s.ms, s.blocks)
    SELECT p.query_id, count(*), exp(max(p.rows) - min(p.rows)), regr_slope(p.ms, p.rows), regr_slope(p.blocks, p.rows)
      FROM point AS p GROUP BY p.query_id HAVING count(*) >= 4 AND max(p.rows) - min(p.rows) >= ln(2);
END
$$;
COMMENT ON FUNCTION asymm._measured_growth() IS 'Exponents of time and blocks a call over table size, of statements whose largest table at least doubled since their plan is as it is.';

CREATE OR REPLACE VIEW asymm.query_costs AS
    SELECT q.id AS query, pg_get_userbyid(q.role_id) AS role, q.command, CASE WHEN asymm._sees_statements() THEN q.statement END AS statement, c.cost,
           c.blame ->> 'place' AS place, c.blame ->> 'node' AS node, c.blame ->> 'relation' AS relation,
           CASE WHEN asymm._sees_statements() THEN c.blame ->> 'condition' END AS condition,
           g.time_exponent, g.blocks_exponent, g.size_ratio,
           -- Time has noise, and caches end: that it grew faster says something only if what was read did, too.
           LEAST(g.time_exponent, g.blocks_exponent)
               <= (ARRAY[0, 0.2, 1, 1.2, 2, 3])[array_position(enum_range(NULL::asymm.cost), c.cost)] + 0.35
               OR c.cost = 'O(2^n)' AND g.query IS NOT NULL
           AS confirmed,
           k.reason AS not_planned, c.at AS looked_at
      FROM asymm.query AS q
      LEFT JOIN asymm.query_cost AS c ON c.query_id = q.id
      LEFT JOIN asymm.query_look AS k ON k.query_id = q.id
      LEFT JOIN asymm._measured_growth() AS g ON g.query = q.id
     WHERE c.query_id IS NOT NULL OR k.query_id IS NOT NULL;
COMMENT ON VIEW asymm.query_costs
    IS 'Complexity class of each statement of the workload by its plan, the node to blame, and where its table at least doubled meanwhile, the exponents by which time and blocks a call grew and whether they confirm the class.';
