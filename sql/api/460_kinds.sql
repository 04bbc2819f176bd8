-- Every kind of object through one door: what there is, its facts, its name, its plan. A kind's own files are 400–459.

CREATE OR REPLACE FUNCTION asymm._kind_group(kind text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN kind = 'table' THEN 'table'
        WHEN kind IN ('view', 'materialized view', 'sequence', 'foreign table') THEN 'relations'
        WHEN kind IN ('function', 'procedure', 'aggregate', 'operator', 'operator class', 'operator family', 'cast', 'transform',
                      'language', 'access method') THEN 'routines'
        WHEN kind IN ('type', 'domain', 'collation', 'conversion', 'statistics object') OR kind LIKE 'text search %' THEN 'types'
        WHEN kind IN ('schema', 'extension', 'foreign-data wrapper', 'server', 'user mapping', 'publication', 'subscription',
                      'event trigger', 'default acl') THEN 'other'
    END
$$;
COMMENT ON FUNCTION asymm._kind_group(text) IS 'Which planner serves a kind of object; NULL for a kind that is not known.';

-- The catalog that holds objects of a kind.
CREATE OR REPLACE FUNCTION asymm._kind_class(kind text) RETURNS oid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN kind IN ('table', 'view', 'materialized view', 'sequence', 'foreign table') THEN 'pg_class'::regclass::oid
        WHEN kind IN ('function', 'procedure', 'aggregate') THEN 'pg_proc'::regclass::oid
        WHEN kind IN ('type', 'domain') THEN 'pg_type'::regclass::oid
        ELSE ('pg_catalog.' || CASE kind
            WHEN 'operator' THEN 'pg_operator' WHEN 'operator class' THEN 'pg_opclass' WHEN 'operator family' THEN 'pg_opfamily'
            WHEN 'cast' THEN 'pg_cast' WHEN 'transform' THEN 'pg_transform' WHEN 'language' THEN 'pg_language'
            WHEN 'access method' THEN 'pg_am' WHEN 'collation' THEN 'pg_collation' WHEN 'conversion' THEN 'pg_conversion'
            WHEN 'statistics object' THEN 'pg_statistic_ext' WHEN 'text search configuration' THEN 'pg_ts_config'
            WHEN 'text search dictionary' THEN 'pg_ts_dict' WHEN 'text search parser' THEN 'pg_ts_parser'
            WHEN 'text search template' THEN 'pg_ts_template' WHEN 'schema' THEN 'pg_namespace' WHEN 'extension' THEN 'pg_extension'
            WHEN 'foreign-data wrapper' THEN 'pg_foreign_data_wrapper' WHEN 'server' THEN 'pg_foreign_server'
            WHEN 'user mapping' THEN 'pg_user_mapping' WHEN 'publication' THEN 'pg_publication' WHEN 'subscription' THEN 'pg_subscription'
            WHEN 'event trigger' THEN 'pg_event_trigger' WHEN 'default acl' THEN 'pg_default_acl' END)::regclass::oid
    END
$$;
COMMENT ON FUNCTION asymm._kind_class(text) IS 'OID of the catalog that objects of a kind stand in.';

CREATE OR REPLACE FUNCTION asymm._objects(schemas oid[]) RETURNS TABLE (class_id oid, object_id oid, kind text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT o.class_id, o.object_id, o.kind
      FROM (SELECT 'pg_class'::regclass::oid AS class_id, c.oid AS object_id, 'table' AS kind
              FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND (schemas IS NULL OR n.oid = ANY (schemas))
               AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'asymm')
            UNION ALL SELECT r.class_id, r.object_id, r.kind FROM asymm._relations_objects(schemas) AS r
            UNION ALL SELECT r.class_id, r.object_id, r.kind FROM asymm._routines_objects(schemas) AS r
            UNION ALL SELECT r.class_id, r.object_id, r.kind FROM asymm._types_objects(schemas) AS r
            UNION ALL SELECT r.class_id, r.object_id, r.kind FROM asymm._other_objects(schemas) AS r) AS o
     WHERE NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = o.class_id AND d.objid = o.object_id AND d.deptype = 'e')
$$;
COMMENT ON FUNCTION asymm._objects(oid[])
    IS 'Catalog address and kind of everything that can be watched in some schemas, or (NULL) in the database; what belongs to an extension is left out.';

-- Some readers serve several kinds and then say which.
CREATE OR REPLACE FUNCTION asymm._object_facts(kinds text[], oids oid[])
RETURNS TABLE (kind text, object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v record;
BEGIN
    FOR v IN
        SELECT r.reader, min(u.kind) AS kind, array_agg(u.oid) AS oids
          FROM unnest(kinds, oids) AS u (kind, oid)
         CROSS JOIN LATERAL (SELECT CASE
                   WHEN u.kind IN ('view', 'materialized view') THEN '_view_facts'
                   WHEN u.kind IN ('function', 'procedure', 'aggregate') THEN '_routine_facts'
                   WHEN u.kind = 'statistics object' THEN '_statistics_object_facts'
                   ELSE '_' || translate(u.kind, ' -', '__') || '_facts' END AS reader) AS r
         WHERE asymm._kind_group(u.kind) IS NOT NULL
         GROUP BY r.reader
    LOOP
        IF v.reader = '_table_facts' THEN
            RETURN QUERY SELECT 'table', f.relid, f.schema_name::text, f.object_name::text, f.owner, f.facts, f.layout
                           FROM asymm._table_facts(v.oids) AS f;
        ELSIF v.reader IN ('_view_facts', '_routine_facts') THEN
            RETURN QUERY EXECUTE format('SELECT f.kind, f.object_id, f.schema_name, f.object_name, f.owner, f.facts, f.layout '
                                        'FROM asymm.%I($1) AS f', v.reader) USING v.oids;
        ELSE
            RETURN QUERY EXECUTE format('SELECT $2, f.object_id, f.schema_name, f.object_name, f.owner, f.facts, f.layout '
                                        'FROM asymm.%I($1) AS f', v.reader) USING v.oids, v.kind;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._object_facts(text[], oid[]) IS 'Facts of objects of any kind (kinds and OIDs in step): part → name → attribute → value.';

CREATE OR REPLACE FUNCTION asymm._object_identity(kind text, schema_name text, object_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE asymm._kind_group(kind)
        WHEN 'table' THEN format('%I.%I', schema_name, object_name)
        WHEN 'relations' THEN asymm._relations_identity(kind, schema_name, object_name)
        WHEN 'routines' THEN asymm._routines_identity(kind, schema_name, object_name)
        WHEN 'types' THEN asymm._types_identity(kind, schema_name, object_name)
        WHEN 'other' THEN asymm._other_identity(kind, schema_name, object_name)
    END
$$;
COMMENT ON FUNCTION asymm._object_identity(text, text, text) IS 'Name of an object as SQL wants it after DROP or ALTER and its kind.';

-- OID of the object of this name as of now, whatever the caller may see; NULL when there is none.
CREATE OR REPLACE FUNCTION asymm._object_oid(kind text, schema_name text, object_name text) RETURNS oid
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schemas oid[] := ARRAY(SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = _object_oid.schema_name);
BEGIN
    IF asymm._kind_class(kind) = 'pg_class'::regclass THEN
        RETURN (SELECT c.oid FROM pg_class AS c
                 WHERE c.relnamespace = ANY (v_schemas) AND c.relname = _object_oid.object_name
                   AND CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                                      WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' END = _object_oid.kind);
    END IF;
    -- Few enough in one schema, and none has an index by the name we use.
    RETURN (SELECT f.object_id
              FROM asymm._object_facts(ARRAY(SELECT _object_oid.kind FROM asymm._objects(CASE WHEN schema_name <> '' THEN v_schemas END) AS o
                                              WHERE o.kind = _object_oid.kind),
                                       ARRAY(SELECT o.object_id FROM asymm._objects(CASE WHEN schema_name <> '' THEN v_schemas END) AS o
                                              WHERE o.kind = _object_oid.kind)) AS f
             WHERE f.schema_name = _object_oid.schema_name AND f.object_name = _object_oid.object_name);
END
$$;
COMMENT ON FUNCTION asymm._object_oid(text, text, text) IS 'OID of an object by kind and name, or NULL.';

CREATE OR REPLACE FUNCTION asymm._object_remade(kind text, declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE asymm._kind_group(kind)
        WHEN 'table' THEN false
        WHEN 'relations' THEN asymm._remakes_relations(kind, declared, actual)
        WHEN 'routines' THEN asymm._remakes_routines(kind, declared, actual)
        WHEN 'types' THEN asymm._remakes_types(kind, declared, actual)
        WHEN 'other' THEN asymm._remakes_other(kind, declared, actual)
    END
$$;
COMMENT ON FUNCTION asymm._object_remade(text, jsonb, jsonb) IS 'Whether an object has to be dropped and made anew to become the declared one.';

CREATE OR REPLACE FUNCTION asymm._plan_object(
    kind text, schema_name text, object_name text, declared jsonb, layout jsonb, actual jsonb, object_id oid, renames jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    CASE asymm._kind_group(kind)
    WHEN 'table' THEN
        RETURN QUERY SELECT p.phase, p.step, p.part, p.name, p.forward, p.inverse, p.lock_class, p.hazards, p.precondition
                       FROM asymm._plan(schema_name::name, object_name::name, declared, layout, actual, object_id, renames) AS p;
    WHEN 'relations' THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_relations(kind, schema_name, object_name, declared, layout, actual, object_id) AS p;
    WHEN 'routines' THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_routines(kind, schema_name, object_name, declared, layout, actual, object_id) AS p;
    WHEN 'types' THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_types(kind, schema_name, object_name, declared, layout, actual, object_id) AS p;
    ELSE
        RETURN QUERY SELECT p.* FROM asymm._plan_other(kind, schema_name, object_name, declared, layout, actual, object_id) AS p;
    END CASE;
END
$$;
COMMENT ON FUNCTION asymm._plan_object(text, text, text, jsonb, jsonb, jsonb, oid, jsonb)
    IS 'Steps that turn an object as it is (actual, NULL when missing) into the declared one (NULL when it should not be), of its own alone.';
