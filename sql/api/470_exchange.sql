-- The baseline as one document: taken out of one database, shown, approved and healed towards in another. What comes in
-- is data until somebody approves it; names and types are looked up, definitions are never run to be checked.

CREATE OR REPLACE FUNCTION asymm._baseline_document(scope jsonb, objects jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- jsonb text is canonical, and the objects come in order: equal baselines have equal fingerprints.
    SELECT jsonb_build_object('format', 1, 'scope', scope, 'objects', o.list,
                              'fingerprint', asymm._sha256(jsonb_build_array(scope, o.list)::text))
      FROM (SELECT COALESCE(jsonb_agg(x ORDER BY x ->> 'kind' COLLATE "C", x ->> 'schema' COLLATE "C", x ->> 'name' COLLATE "C"), '[]') AS list
              FROM jsonb_array_elements(objects) AS x) AS o
$$;
COMMENT ON FUNCTION asymm._baseline_document(jsonb, jsonb) IS 'A baseline document: format, scope, objects in canonical order, fingerprint over both.';

CREATE OR REPLACE FUNCTION asymm.baseline() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._baseline_document(
        jsonb_build_object(
            'database', EXISTS (SELECT FROM asymm.watched_database),
            'schemas', COALESCE((SELECT jsonb_agg(w.schema_name ORDER BY w.schema_name) FROM asymm.watched_schema AS w), '[]')),
        COALESCE((SELECT jsonb_agg(jsonb_build_object('kind', b.kind, 'schema', b.schema_name, 'name', b.object_name,
                                                      'facts', b.facts, 'layout', b.layout))
                    FROM asymm.baseline AS b), '[]'));
END
$$;
COMMENT ON FUNCTION asymm.baseline()
    IS 'The whole baseline as one document: {format, scope {database, schemas}, objects [{kind, schema, name, facts, layout}], fingerprint}; for import_baseline() and diff() elsewhere.';

-- Passwords are known by hashes with a key that every database has for itself.
CREATE OR REPLACE FUNCTION asymm._portable_facts(kind text, facts jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN kind IN ('foreign-data wrapper', 'server', 'user mapping')
                     AND jsonb_typeof(facts #> ARRAY[kind, '', 'options']) = 'object'
                THEN jsonb_set(facts, ARRAY[kind, '', 'options'], COALESCE((
                         SELECT jsonb_object_agg(o.key, CASE WHEN o.value #>> '{}' ~ '^keyed:[0-9a-f]{8}:[0-9a-f]{64}$' THEN '"keyed"'
                                                             ELSE o.value END)
                           FROM jsonb_each(facts #> ARRAY[kind, '', 'options']) AS o), '{}'))
                ELSE facts END
$$;
COMMENT ON FUNCTION asymm._portable_facts(text, jsonb) IS 'Facts without what only this database can tell: of a secret option remains that there is one.';

CREATE OR REPLACE FUNCTION asymm._rekeyed_facts(kind text, declared jsonb, actual jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN asymm._portable_facts(kind, declared) = declared THEN declared
                ELSE jsonb_set(declared, ARRAY[kind, '', 'options'], (
                         SELECT jsonb_object_agg(o.key, CASE
                                    WHEN o.value #>> '{}' ~ '^keyed:'
                                         AND split_part(o.value #>> '{}', ':', 2) <> split_part(asymm._keyed_hash(''), ':', 2)
                                    THEN COALESCE(actual #> ARRAY[kind, '', 'options', o.key], o.value) ELSE o.value END)
                           FROM jsonb_each(declared #> ARRAY[kind, '', 'options']) AS o)) END
$$;
COMMENT ON FUNCTION asymm._rekeyed_facts(text, jsonb, jsonb)
    IS 'Declared facts of another database with its secrets, which can''t be compared, taken to be those that are here.';

CREATE OR REPLACE FUNCTION asymm.present_state() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v_kinds text[];
    v_oids oid[];
BEGIN
    SELECT array_agg(o.kind), array_agg(o.object_id) INTO v_kinds, v_oids FROM asymm._watchable(NULL) AS o;
    RETURN asymm._baseline_document('{"database": true, "schemas": []}', (
        SELECT COALESCE(jsonb_agg(jsonb_build_object('kind', f.kind, 'schema', f.schema_name, 'name', f.object_name,
                                                     'facts', f.facts, 'layout', COALESCE(f.layout, '[]'))), '[]')
          FROM asymm._object_facts(v_kinds, v_oids) AS f));
END
$$;
COMMENT ON FUNCTION asymm.present_state()
    IS 'The whole database as it is now, as a document like that of baseline(), though nothing is declared; writes nothing.';

-- A database as it is, beside a document: what drifted if the document were the baseline.
CREATE OR REPLACE FUNCTION asymm.diff(document jsonb)
RETURNS TABLE (kind text, object text, part text, name text, attribute text, declared jsonb, actual jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_kinds text[];
    v_oids oid[];
    v_foreign text[] := asymm._extension_schemas();
BEGIN
    PERFORM asymm._require_document(document);
    SELECT array_agg(o.kind), array_agg(o.object_id) INTO v_kinds, v_oids FROM asymm._objects(NULL) AS o;
    RETURN QUERY
    WITH d AS MATERIALIZED (
        SELECT x.kind, x.schema AS schema_name, x.name AS object_name, asymm._portable_facts(x.kind, x.facts) AS facts
          FROM jsonb_to_recordset(document -> 'objects') AS x (kind text, schema text, name text, facts jsonb)),
    f AS MATERIALIZED (SELECT f.kind, f.schema_name, f.object_name, asymm._portable_facts(f.kind, f.facts) AS facts
                         FROM asymm._object_facts(v_kinds, v_oids) AS f),
    x AS (
        SELECT COALESCE(d.kind, f.kind) AS kind, COALESCE(d.schema_name, f.schema_name) AS schema_name,
               COALESCE(d.object_name, f.object_name) AS object_name, d.facts AS declared, f.facts AS actual
          FROM d FULL JOIN f ON (f.kind, f.schema_name, f.object_name) = (d.kind, d.schema_name, d.object_name)
         WHERE d.facts IS DISTINCT FROM f.facts
           AND (d.kind IS NOT NULL OR document #> '{scope,schemas}' ? f.schema_name
                OR (document #> '{scope,database}')::boolean AND f.schema_name <> ALL (v_foreign)))
    SELECT x.kind, asymm._object_identity(x.kind, x.schema_name, x.object_name), c.part, c.name, c.attribute, c.declared, c.actual
      FROM x CROSS JOIN LATERAL (
           SELECT k.* FROM asymm._compare(x.declared, x.actual) AS k WHERE x.declared IS NOT NULL AND x.actual IS NOT NULL
           UNION ALL
           SELECT x.kind, '', NULL, x.declared #> ARRAY[x.kind, ''], x.actual #> ARRAY[x.kind, '']
            WHERE x.declared IS NULL OR x.actual IS NULL) AS c
     ORDER BY 1, 2, 3, 4, 5;
END
$$;
COMMENT ON FUNCTION asymm.diff(jsonb)
    IS 'How this database differs from a baseline document of another, one row an attribute (attribute NULL: a whole part or object is missing or extra); changes nothing. Raises 22004, 22023.';
