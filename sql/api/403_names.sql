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

CREATE OR REPLACE FUNCTION asymm._object_display(kind text, schema_name text, object_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Relations share one set of names, and routines tell themselves by their arguments.
    RETURN CASE WHEN kind IN ('table', 'view', 'materialized view', 'sequence', 'foreign table', 'function', 'procedure', 'aggregate') THEN ''
                ELSE kind || ' ' END || asymm._object_identity(kind, schema_name, object_name);
END
$$;
COMMENT ON FUNCTION asymm._object_display(text, text, text)
    IS 'An object as people read and write it: public.t, public.f(integer); with its kind where the name alone does not say it, as in schema public.';

CREATE OR REPLACE FUNCTION asymm._facts_kind(facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT k FROM jsonb_object_keys(facts) AS k WHERE facts -> k ? '' $$;
COMMENT ON FUNCTION asymm._facts_kind(jsonb) IS 'The kind of object a facts document tells of: the part that has no name.';

CREATE OR REPLACE FUNCTION asymm._declared_owner(kind text, facts jsonb) RETURNS name
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT (facts #>> ARRAY[kind, '', CASE WHEN kind = 'default acl' THEN 'role' ELSE 'owner' END])::name $$;
COMMENT ON FUNCTION asymm._declared_owner(text, jsonb)
    IS 'Declared owner of an object; NULL for kinds that have none (casts, extensions, user mappings, …), which are for superusers.';

-- Whose an object is, is told by the dependencies on roles. None is recorded on the first superuser, nor where a kind has no owner.
CREATE OR REPLACE FUNCTION asymm._require_owners(class_ids oid[], object_ids oid[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
BEGIN
    FOR v IN
        SELECT DISTINCT ON (d.refobjid) COALESCE(d.refobjid, 10) AS owner, o.class_id, o.object_id
          FROM unnest(class_ids, object_ids) AS o (class_id, object_id)
          LEFT JOIN pg_shdepend AS d
            ON d.dbid = (SELECT b.oid FROM pg_database AS b WHERE b.datname = current_database())
           AND d.classid = o.class_id AND d.objid = o.object_id AND d.objsubid = 0
           AND d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o'
    LOOP
        PERFORM asymm._require_rights(pg_get_userbyid(v.owner), pg_describe_object(v.class_id, v.object_id, 0));
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._require_owners(oid[], oid[]) IS 'Raises 42501 unless the caller may act for the owners of all these objects.';
