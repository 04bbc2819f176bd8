-- Every kind of object through one door: what there is, its facts, its name, its plan. A kind's own files are 400–459.

CREATE OR REPLACE FUNCTION asymm._kind_group(kind text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
        WHEN kind = 'table' THEN 'table'
        WHEN kind IN ('view', 'materialized view', 'sequence', 'foreign table') THEN 'relations'
        WHEN kind IN ('function', 'procedure', 'aggregate', 'operator', 'operator class', 'operator family', 'cast', 'transform',
                      'language', 'access method') THEN 'routines'
        WHEN kind IN ('type', 'domain', 'collation', 'conversion', 'statistics object') OR kind LIKE 'text search %' THEN 'types'
        WHEN kind IN ('schema', 'extension', 'foreign-data wrapper', 'server', 'user mapping', 'publication', 'subscription',
                      'event trigger', 'default acl') THEN 'other'
    END;
END
$$;
COMMENT ON FUNCTION asymm._kind_group(text) IS 'Which planner serves a kind of object; NULL for a kind that is not known.';

-- The catalog that holds objects of a kind.
CREATE OR REPLACE FUNCTION asymm._kind_class(kind text) RETURNS oid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
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
    END;
END
$$;
COMMENT ON FUNCTION asymm._kind_class(text) IS 'OID of the catalog that objects of a kind stand in.';

CREATE OR REPLACE FUNCTION asymm._objects(schemas oid[]) RETURNS TABLE (class_id oid, object_id oid, kind text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT o.class_id, o.object_id, o.kind
      FROM (SELECT 'pg_class'::regclass::oid AS class_id, c.oid AS object_id, 'table' AS kind
              FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND (schemas IS NULL OR n.oid = ANY (schemas))
               AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'asymm')
            UNION ALL SELECT r.class_id, r.object_id, r.kind FROM asymm._relations_objects(schemas) AS r
            UNION ALL SELECT r.class_id, r.object_id, r.kind FROM asymm._routines_objects(schemas) AS r
            UNION ALL SELECT r.class_id, r.object_id, r.kind FROM asymm._types_objects(schemas) AS r
            UNION ALL SELECT r.class_id, r.object_id, r.kind FROM asymm._other_objects(schemas) AS r) AS o
     WHERE NOT EXISTS (SELECT FROM pg_depend AS d
                        WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = o.class_id AND d.objid = o.object_id AND d.deptype = 'e');
END
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
    -- Written out, since what is executed from a text is planned anew each time.
    FOR v IN
        SELECT r.reader, array_agg(u.oid) AS oids
          FROM unnest(kinds, oids) AS u (kind, oid)
         CROSS JOIN LATERAL (SELECT CASE WHEN u.kind = 'materialized view' THEN 'view'
                                         WHEN u.kind IN ('procedure', 'aggregate') THEN 'function' ELSE u.kind END AS reader) AS r
         GROUP BY r.reader
    LOOP
        CASE v.reader
        WHEN 'table' THEN
            RETURN QUERY SELECT v.reader, f.relid, f.schema_name::text, f.object_name::text, f.owner, f.facts, f.layout
                           FROM asymm._table_facts(v.oids) AS f;
        WHEN 'view' THEN
            RETURN QUERY SELECT f.kind, f.object_id, f.schema_name, f.object_name, f.owner, f.facts, f.layout FROM asymm._view_facts(v.oids) AS f;
        WHEN 'function' THEN
            RETURN QUERY SELECT f.kind, f.object_id, f.schema_name, f.object_name, f.owner, f.facts, f.layout FROM asymm._routine_facts(v.oids) AS f;
        WHEN 'sequence' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._sequence_facts(v.oids) AS f;
        WHEN 'foreign table' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._foreign_table_facts(v.oids) AS f;
        WHEN 'operator' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._operator_facts(v.oids) AS f;
        WHEN 'operator class' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._operator_class_facts(v.oids) AS f;
        WHEN 'operator family' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._operator_family_facts(v.oids) AS f;
        WHEN 'cast' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._cast_facts(v.oids) AS f;
        WHEN 'transform' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._transform_facts(v.oids) AS f;
        WHEN 'language' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._language_facts(v.oids) AS f;
        WHEN 'access method' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._access_method_facts(v.oids) AS f;
        WHEN 'type' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._type_facts(v.oids) AS f;
        WHEN 'domain' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._domain_facts(v.oids) AS f;
        WHEN 'collation' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._collation_facts(v.oids) AS f;
        WHEN 'conversion' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._conversion_facts(v.oids) AS f;
        WHEN 'statistics object' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._statistics_object_facts(v.oids) AS f;
        WHEN 'text search configuration' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._text_search_configuration_facts(v.oids) AS f;
        WHEN 'text search dictionary' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._text_search_dictionary_facts(v.oids) AS f;
        WHEN 'text search parser' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._text_search_parser_facts(v.oids) AS f;
        WHEN 'text search template' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._text_search_template_facts(v.oids) AS f;
        WHEN 'schema' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._schema_facts(v.oids) AS f;
        WHEN 'extension' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._extension_facts(v.oids) AS f;
        WHEN 'foreign-data wrapper' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._foreign_data_wrapper_facts(v.oids) AS f;
        WHEN 'server' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._server_facts(v.oids) AS f;
        WHEN 'user mapping' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._user_mapping_facts(v.oids) AS f;
        WHEN 'publication' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._publication_facts(v.oids) AS f;
        WHEN 'subscription' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._subscription_facts(v.oids) AS f;
        WHEN 'event trigger' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._event_trigger_facts(v.oids) AS f;
        WHEN 'default acl' THEN RETURN QUERY SELECT v.reader, f.* FROM asymm._default_acl_facts(v.oids) AS f;
        ELSE NULL;
        END CASE;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._object_facts(text[], oid[]) IS 'Facts of objects of any kind (kinds and OIDs in step): part → name → attribute → value.';

CREATE OR REPLACE FUNCTION asymm._object_identity(kind text, schema_name text, object_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE asymm._kind_group(kind)
        WHEN 'table' THEN format('%I.%I', schema_name, object_name)
        WHEN 'relations' THEN asymm._relations_identity(kind, schema_name, object_name)
        WHEN 'routines' THEN asymm._routines_identity(kind, schema_name, object_name)
        WHEN 'types' THEN asymm._types_identity(kind, schema_name, object_name)
        WHEN 'other' THEN asymm._other_identity(kind, schema_name, object_name)
    END;
END
$$;
COMMENT ON FUNCTION asymm._object_identity(text, text, text) IS 'Name of an object as SQL wants it after DROP or ALTER and its kind.';

-- OID of the object of this name as of now, whatever the caller may see; NULL when there is none.
CREATE OR REPLACE FUNCTION asymm._object_oid(kind text, schema_name text, object_name text) RETURNS oid
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    v_group text := asymm._kind_group(kind);
    v_schema oid := (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = schema_name);
BEGIN
    IF v_group IN ('table', 'relations') THEN
        RETURN (SELECT c.oid FROM pg_class AS c
                 WHERE c.relnamespace = v_schema AND c.relname = object_name AND asymm._relation_kind(c.relkind) = kind);
    ELSIF v_group = 'routines' THEN
        RETURN asymm._routines_oid(kind, schema_name, object_name);
    ELSIF kind IN ('user mapping', 'default acl') THEN
        -- Few, and named after others.
        RETURN (SELECT f.object_id
                  FROM (SELECT array_agg(o.kind) AS kinds, array_agg(o.object_id) AS oids FROM asymm._other_objects(NULL) AS o
                         WHERE o.kind = _object_oid.kind) AS o
                 CROSS JOIN LATERAL asymm._object_facts(o.kinds, o.oids) AS f
                 WHERE f.object_name = _object_oid.object_name);
    END IF;
    RETURN (
        SELECT o.oid FROM (
            SELECT t.oid FROM pg_type AS t
             WHERE kind IN ('type', 'domain') AND t.typnamespace = v_schema AND t.typname = object_name AND (t.typtype = 'd') = (kind = 'domain')
               AND NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
            UNION ALL SELECT c.oid FROM pg_collation AS c
             WHERE kind = 'collation' AND c.collnamespace = v_schema AND c.collname = object_name
            UNION ALL SELECT c.oid FROM pg_conversion AS c WHERE kind = 'conversion' AND c.connamespace = v_schema AND c.conname = object_name
            UNION ALL SELECT x.oid FROM pg_statistic_ext AS x
             WHERE kind = 'statistics object' AND x.stxnamespace = v_schema AND x.stxname = object_name
            UNION ALL SELECT c.oid FROM pg_ts_config AS c
             WHERE kind = 'text search configuration' AND c.cfgnamespace = v_schema AND c.cfgname = object_name
            UNION ALL SELECT d.oid FROM pg_ts_dict AS d
             WHERE kind = 'text search dictionary' AND d.dictnamespace = v_schema AND d.dictname = object_name
            UNION ALL SELECT p.oid FROM pg_ts_parser AS p
             WHERE kind = 'text search parser' AND p.prsnamespace = v_schema AND p.prsname = object_name
            UNION ALL SELECT t.oid FROM pg_ts_template AS t
             WHERE kind = 'text search template' AND t.tmplnamespace = v_schema AND t.tmplname = object_name
            UNION ALL SELECT n.oid FROM pg_namespace AS n WHERE kind = 'schema' AND n.nspname = object_name
            UNION ALL SELECT e.oid FROM pg_extension AS e WHERE kind = 'extension' AND e.extname = object_name
            UNION ALL SELECT w.oid FROM pg_foreign_data_wrapper AS w WHERE kind = 'foreign-data wrapper' AND w.fdwname = object_name
            UNION ALL SELECT s.oid FROM pg_foreign_server AS s WHERE kind = 'server' AND s.srvname = object_name
            UNION ALL SELECT p.oid FROM pg_publication AS p WHERE kind = 'publication' AND p.pubname = object_name
            UNION ALL SELECT s.oid FROM pg_subscription AS s
             WHERE kind = 'subscription' AND s.subname = object_name
               AND s.subdbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
            UNION ALL SELECT t.oid FROM pg_event_trigger AS t WHERE kind = 'event trigger' AND t.evtname = object_name) AS o
         ORDER BY o.oid LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._object_oid(text, text, text) IS 'OID of an object by kind and name, or NULL.';

CREATE OR REPLACE FUNCTION asymm._object_remade(kind text, declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE asymm._kind_group(kind)
        WHEN 'table' THEN asymm._remakes_table(declared, actual)
        WHEN 'relations' THEN asymm._remakes_relations(kind, declared, actual)
        WHEN 'routines' THEN asymm._remakes_routines(kind, declared, actual)
        WHEN 'types' THEN asymm._remakes_types(kind, declared, actual)
        WHEN 'other' THEN asymm._remakes_other(kind, declared, actual)
    END;
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
DECLARE
    v_from jsonb := renames -> kind;
    v_actual jsonb := actual;
BEGIN
    -- Tables have names within names, so their own planner sees to them.
    IF v_from IS NOT NULL AND kind <> 'table' AND declared IS NOT NULL AND actual IS NOT NULL THEN
        v_actual := asymm._renamed_facts(kind, schema_name, object_name, actual, v_from);
        IF asymm._object_remade(kind, declared, v_actual) THEN
            RETURN QUERY
                SELECT p.* FROM asymm._plan_object(kind, v_from ->> 'schema', v_from ->> 'name', NULL, NULL, actual, object_id, '{}') AS p
                UNION ALL
                SELECT p.* FROM asymm._plan_object(kind, schema_name, object_name, declared, layout, NULL, NULL, '{}') AS p;
            RETURN;
        END IF;
        RETURN QUERY SELECT p.* FROM asymm._plan_rename(kind, schema_name, object_name, v_from) AS p;
    END IF;
    CASE asymm._kind_group(kind)
    WHEN 'table' THEN
        RETURN QUERY SELECT p.phase, p.step, p.part, p.name, p.forward, p.inverse, p.lock_class, p.hazards, p.precondition
                       FROM asymm._plan(schema_name::name, object_name::name, declared, layout, actual, object_id, renames) AS p;
    WHEN 'relations' THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_relations(kind, schema_name, object_name, declared, layout, v_actual, object_id) AS p;
    WHEN 'routines' THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_routines(kind, schema_name, object_name, declared, layout, v_actual, object_id) AS p;
    WHEN 'types' THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_types(kind, schema_name, object_name, declared, layout, v_actual, object_id) AS p;
    ELSE
        RETURN QUERY SELECT p.* FROM asymm._plan_other(kind, schema_name, object_name, declared, layout, v_actual, object_id) AS p;
    END CASE;
END
$$;
COMMENT ON FUNCTION asymm._plan_object(text, text, text, jsonb, jsonb, jsonb, oid, jsonb)
    IS 'Steps that turn an object as it is (actual, NULL when missing) into the declared one (NULL when it should not be), of its own alone.';
