-- The candidates of a statement of the workload: of its plan with parameters open, and of those of its examples.

CREATE OR REPLACE FUNCTION asymm._plans_of(query bigint) RETURNS TABLE (place smallint, statement text, path text, plan jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT NULL::smallint, q.statement, asymm._path_of(r.rolname), p.plan
      FROM asymm.query AS q JOIN pg_roles AS r ON r.oid = q.role_id
     CROSS JOIN LATERAL (SELECT p.plan FROM asymm.query_plan AS p WHERE p.query_id = q.id ORDER BY p.last_seen DESC LIMIT 1) AS p
     WHERE q.id = _plans_of.query
    UNION ALL
    SELECT e.place, e.statement, asymm._path_of(r.rolname), e.plan
      FROM asymm.query AS q JOIN pg_roles AS r ON r.oid = q.role_id JOIN asymm.query_example AS e ON e.query_id = q.id
     WHERE q.id = _plans_of.query AND e.plan IS NOT NULL AND asymm._sees_examples(q.role_id);
END
$$;
COMMENT ON FUNCTION asymm._plans_of(bigint)
    IS 'The last plans of a statement: with parameters open (place NULL), and of its examples for who may see their constants.';

-- A predicate must hold for most of what is run: it stands in more than half of the examples.
CREATE OR REPLACE FUNCTION asymm._query_candidates(query bigint)
RETURNS TABLE (relid oid, method text, keys text[], include text[], predicate text, reason text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN QUERY
    WITH plans AS MATERIALIZED (SELECT p.place, p.plan FROM asymm._plans_of(query) AS p),
    found AS (SELECT p.place, c.* FROM plans AS p CROSS JOIN LATERAL asymm._index_candidates(p.plan) AS c)
    SELECT f.relid, f.method, f.keys, f.include, f.predicate, min(f.reason)
      FROM found AS f
     GROUP BY f.relid, f.method, f.keys, f.include, f.predicate
    HAVING f.predicate IS NULL OR bool_or(f.place IS NULL) OR 2 * count(*) > (SELECT count(*) FROM plans AS p WHERE p.place IS NOT NULL)
     ORDER BY f.relid, f.method, f.predicate NULLS FIRST, f.include, f.keys;
END
$$;
COMMENT ON FUNCTION asymm._query_candidates(bigint) IS 'Indexes that could serve a statement of the workload, see asymm._index_candidates().';

CREATE OR REPLACE FUNCTION asymm._written_columns(query bigint) RETURNS TABLE (relid oid, attnum smallint)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT w.relid::oid, n.number::smallint
      FROM asymm.query_look AS k
     CROSS JOIN LATERAL jsonb_each(k.written) AS w (relid, columns)
     CROSS JOIN LATERAL jsonb_array_elements_text(w.columns) AS n (number)
     WHERE k.query_id = _written_columns.query;
END
$$;
COMMENT ON FUNCTION asymm._written_columns(bigint) IS 'The columns that an UPDATE of the workload sets.';
