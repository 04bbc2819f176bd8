-- Plans of the statements that cost most, kept when they change.

-- What makes two plans the same: the tree of nodes with the relations and indexes they use, without costs, rows and constants.
CREATE OR REPLACE FUNCTION asymm._plan_shape(plan jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT jsonb_object_agg(k.key, CASE WHEN k.key = 'Plans' THEN (SELECT jsonb_agg(asymm._plan_shape(p.plan) ORDER BY p.n)
                                                                          FROM jsonb_array_elements(k.value) WITH ORDINALITY AS p (plan, n))
                                            ELSE k.value END)
          FROM jsonb_each(plan) AS k
         WHERE k.key IN ('Node Type', 'Strategy', 'Partial Mode', 'Parent Relationship', 'Subplan Name', 'CTE Name', 'Join Type', 'Operation',
                         'Schema', 'Relation Name', 'Alias', 'Index Name', 'Scan Direction', 'Sort Key', 'Presorted Key', 'Group Key', 'Plans'));
END
$$;
COMMENT ON FUNCTION asymm._plan_shape(jsonb) IS 'A plan without what changes from day to day: costs, rows, conditions.';

-- Planning costs some ten milliseconds, and gives the same again while nothing it goes by has changed: any DDL, statistics, sizes and
-- indexes of the relations. How many rows there are counts by a quarter more or less.
CREATE OR REPLACE FUNCTION asymm._plan_basis(relations oid[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN (SELECT concat((SELECT max(l.id) FROM asymm.ddl_log AS l), ' ', md5(string_agg(
                       concat_ws(' ', c.oid, c.relfilenode, c.relpages, c.reltuples, c.relallvisible,
                                 floor(ln(1 + pg_stat_get_live_tuples(c.oid)) / ln(1.25)), pg_stat_get_analyze_count(c.oid)
                                 + pg_stat_get_autoanalyze_count(c.oid), i.indexes), ',' ORDER BY c.oid)))
              FROM pg_class AS c
              LEFT JOIN LATERAL (SELECT string_agg(concat(i.indexrelid, i.indisvalid), ' ' ORDER BY i.indexrelid) AS indexes
                                   FROM pg_index AS i WHERE i.indrelid = c.oid) AS i ON true
             WHERE c.oid = ANY (relations) HAVING count(*) > 0);
END
$$;
COMMENT ON FUNCTION asymm._plan_basis(oid[]) IS 'What plans over some relations rest on, in short: other text, perhaps other plans. NULL: there are none.';

CREATE OR REPLACE FUNCTION asymm._planner_settings() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT md5(string_agg(concat(s.name, '=', s.setting), ',' ORDER BY s.name)) FROM pg_settings AS s
             WHERE s.category LIKE 'Query Tuning %' OR s.name IN ('work_mem', 'hash_mem_multiplier', 'max_parallel_workers_per_gather',
                                                                   'effective_io_concurrency', 'max_parallel_workers'));
END
$$;
COMMENT ON FUNCTION asymm._planner_settings() IS 'The settings that plans go by here, in short: other text, perhaps other plans.';

CREATE OR REPLACE FUNCTION asymm._planned_relations(planned jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT jsonb_agg(r.relid)
              FROM (SELECT n.value AS relid FROM jsonb_array_elements(CASE WHEN planned ? 'relations' THEN planned -> 'relations' ELSE '[]' END) AS n
                    UNION
                    SELECT to_jsonb(s.own::bigint) FROM asymm._scanned_relations(COALESCE(planned -> 'whole', planned -> 'plan')) AS s) AS r);
END
$$;
COMMENT ON FUNCTION asymm._planned_relations(jsonb) IS 'The relations that what asymm._plan_statement() gave names and reads.';

-- The costliest of the last hour that were not looked at for ten minutes. Those of which nothing changed that their plans go by are left
-- out, for three hours at most: what is set for one role or function alone changes unseen.
CREATE OR REPLACE FUNCTION asymm._queries_to_plan(count integer) RETURNS TABLE (query bigint, statement text, path text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v_since constant timestamptz := v_now - interval '1 hour';
    v_slots constant smallint[] := asymm._load_slots(v_since);
    v_count constant integer := GREATEST(0, LEAST(_queries_to_plan.count, 1000));
    v_settings text;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.query) THEN
        RETURN;
    END IF;
    v_settings := asymm._planner_settings();
    RETURN QUERY
    WITH due AS MATERIALIZED (
        SELECT q.id, l.exec_ms, k.at, k.reason, k.read, k.basis
          FROM asymm.query AS q
          JOIN (SELECT l.query_id, sum(l.exec_ms) AS exec_ms FROM asymm.query_load AS l
                 WHERE l.slot = ANY (v_slots) AND l.at > v_since GROUP BY l.query_id) AS l ON l.query_id = q.id
          LEFT JOIN asymm.query_look AS k ON k.query_id = q.id
         WHERE q.toplevel AND (k.at IS NULL OR GREATEST(k.at, k.same_at) < v_now - interval '10 min')
         ORDER BY l.exec_ms DESC LIMIT 5 * v_count),
    judged AS MATERIALIZED (
        SELECT d.*, b.now, d.reason IS NULL AND d.basis = b.now AND d.at > v_now - interval '3 hours' IS TRUE AS same
          FROM due AS d CROSS JOIN LATERAL (SELECT asymm._plan_basis(d.read) || ' ' || v_settings) AS b (now)),
    unchanged AS (
        UPDATE asymm.query_look AS k SET same_at = v_now FROM judged AS j WHERE j.same AND k.query_id = j.id),
    chosen AS MATERIALIZED (SELECT j.* FROM judged AS j WHERE j.same IS NOT TRUE ORDER BY j.exec_ms DESC LIMIT v_count),
    looked AS (
        INSERT INTO asymm.query_look AS k (query_id, at) SELECT c.id, v_now FROM chosen AS c
        ON CONFLICT (query_id) DO UPDATE SET at = EXCLUDED.at, basis = (SELECT c.now FROM chosen AS c WHERE c.id = k.query_id))
    SELECT q.id, q.statement, asymm._path_of(r.rolname)
      FROM chosen AS c JOIN asymm.query AS q ON q.id = c.id JOIN pg_roles AS r ON r.oid = q.role_id;
END
$$;
COMMENT ON FUNCTION asymm._queries_to_plan(integer) IS 'Statements whose plan is due, with the search path of their role; booked as looked at.';

CREATE OR REPLACE FUNCTION asymm._keep_plan(query bigint, result jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_shape text;
BEGIN
    IF pg_column_size(result) > 1000000 THEN
        result := jsonb_build_object('reason', 'not kept: the plan is larger than a megabyte');
    END IF;
    UPDATE asymm.query_look AS k
       SET reason = result ->> 'reason', touched = result ->> 'touched',
           -- Another actor may have had rights that this one lacks.
           written = CASE WHEN result ? 'relations' THEN (
                         SELECT jsonb_object_agg(w.relid::oid,
                                                 ARRAY(SELECT n.number::smallint FROM jsonb_array_elements_text(w.columns) AS n (number)))
                           FROM jsonb_each(result -> 'written') AS w (relid, columns)) ELSE k.written END,
           relations = CASE WHEN result ? 'relations' THEN ARRAY(SELECT jsonb_array_elements_text(result -> 'relations')::oid)
                            ELSE k.relations END,
           read = CASE WHEN jsonb_typeof(result -> 'read') = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(result -> 'read')::oid) END
     WHERE k.query_id = _keep_plan.query;
    IF result ? 'plan' THEN
        -- The view would stumble over one that is no number.
        PERFORM (result #>> '{plan,Total Cost}')::double precision;
        v_shape := asymm._sha256(asymm._plan_shape(result -> 'plan')::text);
        INSERT INTO asymm.query_plan AS p (query_id, shape, plan) VALUES (query, v_shape, result -> 'plan')
        ON CONFLICT (query_id, shape) DO UPDATE SET plan = EXCLUDED.plan, last_seen = clock_timestamp();
        -- The five seen last.
        DELETE FROM asymm.query_plan AS p
         WHERE p.query_id = _keep_plan.query
           AND p.shape NOT IN (SELECT o.shape FROM asymm.query_plan AS o WHERE o.query_id = _keep_plan.query ORDER BY o.last_seen DESC LIMIT 5);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._keep_plan(bigint, jsonb) IS 'Keeps what asymm._plan_statement() found of a statement; a new row only for a new shape.';

-- An example holds values of rows. An operator is shown it; an actor if the statement is of a role it may act for, or of one that has
-- rights on nobody else's tables. What was noted of a statement says nothing here: any actor may have noted it.
CREATE OR REPLACE FUNCTION asymm._sees_examples(role oid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN pg_has_role(session_user, 'asymm_operator', 'USAGE')
        OR EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = role)
           AND (pg_has_role(session_user, role, 'MEMBER')
                OR NOT EXISTS (SELECT FROM pg_class AS c
                                WHERE c.relkind IN ('r', 'p', 'm', 'f', 'v') AND c.oid >= 16384 AND c.relpersistence <> 't'
                                  AND c.relnamespace <> 'asymm'::regnamespace AND NOT pg_has_role(session_user, c.relowner, 'MEMBER')
                                  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                                                               AND d.deptype = 'e')
                                  AND (has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE')
                                       OR has_any_column_privilege(role, c.oid, 'SELECT, INSERT, UPDATE'))));
END
$$;
COMMENT ON FUNCTION asymm._sees_examples(oid) IS 'Whether who is logged in may see the constants that a role''s statements were run with.';

-- With the actor's rights, since planning needs them and may run the code of the owner it acts for.
CREATE OR REPLACE FUNCTION asymm._observe_plans() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_queries bigint[] := '{}';
    v_planned jsonb[] := '{}';
    v record;
BEGIN
    -- All are planned first: what planning makes and takes back has the server forget plans of our own.
    FOR v IN SELECT * FROM asymm._queries_to_plan(20) LOOP
        v_queries := v_queries || v.query;
        v_planned := v_planned || asymm._plan_statement(v.statement, v.path);
    END LOOP;
    FOR v_n IN 1 .. cardinality(v_queries) LOOP
        PERFORM asymm._keep_plan(v_queries[v_n], v_planned[v_n] || jsonb_build_object('read', asymm._planned_relations(v_planned[v_n])));
        PERFORM asymm._keep_cost(v_queries[v_n], asymm._cost_of(v_planned[v_n]));
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._observe_plans() IS 'Organ: looks at the plans of the statements that cost most.';

CREATE OR REPLACE VIEW asymm.query_plans AS
    SELECT p.query_id AS query, p.shape, (p.plan ->> 'Total Cost')::float8 AS cost, p.plan, p.first_seen, p.last_seen,
           p.last_seen = max(p.last_seen) OVER (PARTITION BY p.query_id) AS current
      FROM asymm.query_plan AS p;
COMMENT ON VIEW asymm.query_plans IS 'Plans of the costliest statements with parameters open; a row for each shape, the one seen last is current.';
