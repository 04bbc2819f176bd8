-- Everything that is not as declared.

-- What is watched as a whole: the database, or schemas.
CREATE OR REPLACE FUNCTION asymm._scope(OUT whole boolean, OUT schemas text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    whole := EXISTS (SELECT FROM asymm.watched_database);
    schemas := ARRAY(SELECT w.schema_name::text FROM asymm.watched_schema AS w);
END
$$;
COMMENT ON FUNCTION asymm._scope() IS 'Whether the whole database is watched, and the schemas that are.';

-- What lies in the schema of an extension is that extension's, though it need not be a member of it.
CREATE OR REPLACE FUNCTION asymm._extension_schemas() RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN ARRAY(SELECT n.nspname::text FROM pg_namespace AS n
                   JOIN pg_depend AS d ON d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e');
END
$$;
COMMENT ON FUNCTION asymm._extension_schemas() IS 'Schemas that extensions made for themselves.';

-- Every object that is not as declared, as items of a plan: watched ones that differ, and undeclared ones in what is watched
-- as a whole. What was renamed is found by its address.
CREATE OR REPLACE FUNCTION asymm._differing() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v_scope record := asymm._scope();
    v_foreign text[] := asymm._extension_schemas();
    v_kinds text[];
    v_oids oid[];
    v_items jsonb;
BEGIN
    SELECT array_agg(o.kind), array_agg(o.object_id) INTO v_kinds, v_oids
      FROM asymm._objects(CASE WHEN NOT v_scope.whole AND NOT EXISTS (SELECT FROM asymm.baseline b WHERE b.schema_name = '') THEN
               ARRAY(SELECT n.oid FROM pg_namespace AS n
                      WHERE n.nspname = ANY (v_scope.schemas) OR n.nspname IN (SELECT b.schema_name FROM asymm.baseline b)) END) AS o;
    WITH f AS MATERIALIZED (SELECT * FROM asymm._object_facts(v_kinds, v_oids)),
    x AS (
        SELECT b.id AS baseline, COALESCE(b.kind, f.kind) AS kind, COALESCE(b.schema_name, f.schema_name) AS schema,
               COALESCE(b.object_name, f.object_name) AS name, b.facts AS declared, COALESCE(b.layout, f.layout) AS layout,
               f.facts AS actual, f.object_id AS oid, f.owner,
               CASE WHEN b.kind = 'table' AND f.object_id IS NOT NULL THEN asymm._inner_renames(b.id, b.facts, f.object_id) END AS renames
          FROM asymm.baseline AS b
          FULL JOIN f ON (f.kind, f.schema_name, f.object_name) = (b.kind, b.schema_name, b.object_name)
         WHERE b.facts IS DISTINCT FROM f.facts
           AND (b.id IS NOT NULL OR v_scope.whole AND f.schema_name <> ALL (v_foreign) OR f.schema_name = ANY (v_scope.schemas)))
    SELECT jsonb_agg(jsonb_build_object('baseline', x.baseline, 'kind', x.kind, 'schema', x.schema, 'name', x.name, 'declared', x.declared,
                         'layout', x.layout, 'actual', COALESCE(x.actual, l.facts), 'oid', COALESCE(x.oid, l.object_id)::bigint,
                         'renames', COALESCE(x.renames, l.renames, '{}'),
                         'owner', COALESCE(x.owner, l.owner, asymm._declared_owner(x.kind, x.declared))))
      INTO v_items
      -- What is there under its name has been looked at.
      FROM x CROSS JOIN LATERAL asymm._look(CASE WHEN x.oid IS NULL THEN x.baseline END) AS l;
    -- What was found under another name is not undeclared.
    RETURN COALESCE((
        SELECT jsonb_agg(i) FROM jsonb_array_elements(v_items) AS i
         WHERE i -> 'baseline' <> 'null'
            OR NOT EXISTS (SELECT FROM jsonb_array_elements(v_items) AS k
                            WHERE k -> 'baseline' <> 'null' AND k -> 'kind' = i -> 'kind' AND k -> 'oid' = i -> 'oid')), '[]');
END
$$;
COMMENT ON FUNCTION asymm._differing() IS 'Items {baseline, kind, schema, name, declared, layout, actual, oid, renames, owner} of everything that is not as declared.';

CREATE OR REPLACE FUNCTION asymm._fingerprint_items(items jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT asymm._sha256(COALESCE(string_agg(jsonb_build_array(i.kind, i.schema, i.name, i.actual)::text, ''
                                                  ORDER BY i.kind, i.schema, i.name), ''))
          FROM jsonb_to_recordset(items) AS i (kind text COLLATE "C", schema text COLLATE "C", name text COLLATE "C", actual jsonb));
END
$$;
COMMENT ON FUNCTION asymm._fingerprint_items(jsonb) IS 'SHA-256 of the state of several objects.';

-- Of items only what says which objects they are.
CREATE OR REPLACE FUNCTION asymm._item_names(items jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT jsonb_agg(i - '{declared,layout,actual,oid,renames,owner}'::text[]) FROM jsonb_array_elements(items) AS i);
END
$$;
COMMENT ON FUNCTION asymm._item_names(jsonb) IS 'Baseline, kind, schema and name of the objects in a plan; NULL for none.';

-- The same again: no DDL since, by this transaction or one that ended.
CREATE OR REPLACE FUNCTION asymm._ddl_mark() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_array(pg_current_xact_id()::text, (SELECT max(l.id) FROM asymm.ddl_log l),
                             (SELECT count(*) FROM asymm.ddl_log l WHERE NOT l.seen));
END
$$;
COMMENT ON FUNCTION asymm._ddl_mark() IS 'This transaction and how far the DDL log has come.';
