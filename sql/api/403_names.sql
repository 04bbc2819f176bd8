-- How objects of any kind are called, and whose they are. What asks 460 is PL/pgSQL, since that comes later.

CREATE OR REPLACE FUNCTION asymm._kinds() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY['schema', 'extension', 'language', 'access method', 'foreign-data wrapper', 'server', 'user mapping', 'collation', 'conversion',
                 'text search parser', 'text search template', 'text search dictionary', 'text search configuration', 'type', 'domain',
                 'sequence', 'function', 'procedure', 'aggregate', 'operator', 'operator family', 'operator class', 'cast', 'transform',
                 'table', 'foreign table', 'view', 'materialized view', 'statistics object', 'default acl', 'publication', 'subscription',
                 'event trigger']
$$;
COMMENT ON FUNCTION asymm._kinds() IS 'Every kind of object that can be watched, in the order in which they can be made.';

CREATE OR REPLACE FUNCTION asymm._kinds_with_rest() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT ARRAY['function', 'procedure', 'aggregate', 'operator class', 'operator family'] $$;
COMMENT ON FUNCTION asymm._kinds_with_rest() IS 'Kinds of which something stands behind the name that belongs to it: arguments, USING method.';

CREATE OR REPLACE FUNCTION asymm._kinds_without_name() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT ARRAY['operator', 'cast', 'transform', 'user mapping', 'default acl'] $$;
COMMENT ON FUNCTION asymm._kinds_without_name() IS 'Kinds that are not called by an identifier but by what they are for.';

CREATE OR REPLACE FUNCTION asymm._object_display(kind text, schema_name text, object_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Relations share one set of names, and routines tell themselves by their arguments. A type without a schema is the server's.
    RETURN CASE WHEN kind IN ('table', 'view', 'materialized view', 'sequence', 'foreign table', 'function', 'procedure', 'aggregate') THEN ''
                ELSE kind || ' ' END
           || regexp_replace(asymm._object_identity(kind, schema_name, object_name), '([(, ])pg_catalog\.', '\1', 'g');
END
$$;
COMMENT ON FUNCTION asymm._object_display(text, text, text)
    IS 'An object as people read and write it: public.t, public.f(integer); with its kind where the name alone does not say it, as in schema public.';

CREATE OR REPLACE FUNCTION asymm._facts_kind(facts jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT k FROM jsonb_object_keys(facts) AS k WHERE facts -> k ? '');
END
$$;
COMMENT ON FUNCTION asymm._facts_kind(jsonb) IS 'The kind of object a facts document tells of: the part that has no name.';

CREATE OR REPLACE FUNCTION asymm._declared_owner(kind text, facts jsonb) RETURNS name
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (facts #>> ARRAY[kind, '', CASE WHEN kind = 'default acl' THEN 'role' ELSE 'owner' END])::name;
END
$$;
COMMENT ON FUNCTION asymm._declared_owner(text, jsonb)
    IS 'Declared owner of an object; NULL for kinds that have none (casts, extensions, user mappings, …), which are for superusers.';

CREATE OR REPLACE FUNCTION asymm._owner_of(class_id oid, object_id oid) RETURNS oid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE class_id
        WHEN 'pg_class'::regclass THEN (SELECT c.relowner FROM pg_class AS c WHERE c.oid = object_id)
        WHEN 'pg_proc'::regclass THEN (SELECT p.proowner FROM pg_proc AS p WHERE p.oid = object_id)
        WHEN 'pg_type'::regclass THEN (SELECT t.typowner FROM pg_type AS t WHERE t.oid = object_id)
        WHEN 'pg_namespace'::regclass THEN (SELECT n.nspowner FROM pg_namespace AS n WHERE n.oid = object_id)
        WHEN 'pg_operator'::regclass THEN (SELECT o.oprowner FROM pg_operator AS o WHERE o.oid = object_id)
        WHEN 'pg_opclass'::regclass THEN (SELECT c.opcowner FROM pg_opclass AS c WHERE c.oid = object_id)
        WHEN 'pg_opfamily'::regclass THEN (SELECT f.opfowner FROM pg_opfamily AS f WHERE f.oid = object_id)
        WHEN 'pg_language'::regclass THEN (SELECT l.lanowner FROM pg_language AS l WHERE l.oid = object_id)
        WHEN 'pg_collation'::regclass THEN (SELECT c.collowner FROM pg_collation AS c WHERE c.oid = object_id)
        WHEN 'pg_conversion'::regclass THEN (SELECT c.conowner FROM pg_conversion AS c WHERE c.oid = object_id)
        WHEN 'pg_statistic_ext'::regclass THEN (SELECT x.stxowner FROM pg_statistic_ext AS x WHERE x.oid = object_id)
        WHEN 'pg_ts_config'::regclass THEN (SELECT c.cfgowner FROM pg_ts_config AS c WHERE c.oid = object_id)
        WHEN 'pg_ts_dict'::regclass THEN (SELECT d.dictowner FROM pg_ts_dict AS d WHERE d.oid = object_id)
        WHEN 'pg_extension'::regclass THEN (SELECT e.extowner FROM pg_extension AS e WHERE e.oid = object_id)
        WHEN 'pg_foreign_data_wrapper'::regclass THEN (SELECT w.fdwowner FROM pg_foreign_data_wrapper AS w WHERE w.oid = object_id)
        WHEN 'pg_foreign_server'::regclass THEN (SELECT s.srvowner FROM pg_foreign_server AS s WHERE s.oid = object_id)
        WHEN 'pg_publication'::regclass THEN (SELECT p.pubowner FROM pg_publication AS p WHERE p.oid = object_id)
        WHEN 'pg_subscription'::regclass THEN (SELECT s.subowner FROM pg_subscription AS s WHERE s.oid = object_id)
        WHEN 'pg_event_trigger'::regclass THEN (SELECT t.evtowner FROM pg_event_trigger AS t WHERE t.oid = object_id)
        WHEN 'pg_default_acl'::regclass THEN (SELECT d.defaclrole FROM pg_default_acl AS d WHERE d.oid = object_id) END
$$;
COMMENT ON FUNCTION asymm._owner_of(oid, oid) IS 'Owner of an object by catalog and OID; NULL where its kind has none.';

CREATE OR REPLACE FUNCTION asymm._require_owners(class_ids oid[], object_ids oid[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
BEGIN
    FOR v IN
        SELECT DISTINCT ON (w.owner) w.owner, o.class_id, o.object_id
          FROM unnest(class_ids, object_ids) AS o (class_id, object_id)
         CROSS JOIN LATERAL (SELECT asymm._owner_of(o.class_id, o.object_id)) AS w (owner)
         ORDER BY w.owner, o.class_id, o.object_id
    LOOP
        PERFORM asymm._require_rights(CASE WHEN v.owner IS NOT NULL THEN pg_get_userbyid(v.owner) END,
                                      pg_describe_object(v.class_id, v.object_id, 0));
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._require_owners(oid[], oid[]) IS 'Raises 42501 unless the caller may act for the owners of all these objects; what has none is for superusers.';
