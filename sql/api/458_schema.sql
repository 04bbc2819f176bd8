-- Facts of schemas and extensions.

CREATE OR REPLACE FUNCTION asymm._schema_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT n.oid, '', n.nspname::text, pg_get_userbyid(n.nspowner),
           jsonb_build_object('schema', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(n.nspowner),
               'comment', asymm._comment_on(n.oid, 'pg_namespace'),
               'acl', asymm._object_acl_facts(n.nspacl, 'n', n.nspowner))))),
           '[]'::jsonb
      FROM pg_namespace AS n WHERE n.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._schema_facts(oid[]) IS 'Facts of schemas: owner, comment, privileges.';

-- An extension's owner can't be changed and is not dumped; its version can only go where an update script leads.
CREATE OR REPLACE FUNCTION asymm._extension_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT e.oid, '', e.extname::text, pg_get_userbyid(e.extowner),
           jsonb_strip_nulls(jsonb_build_object(
               'extension', jsonb_build_object('', jsonb_build_object(
                   'schema', n.nspname,
                   'version', e.extversion,
                   'comment', asymm._comment_on(e.oid, 'pg_extension'))),
               'member', (SELECT jsonb_object_agg(m.name, jsonb_build_object('acl', m.acl)) FROM asymm._extension_privileges(e.oid) AS m
                           WHERE m.acl IS DISTINCT FROM m.initial))),
           '[]'::jsonb
      FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
     WHERE e.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._extension_facts(oid[]) IS 'Facts of extensions: schema, version, comment, privileges on members that are not as its script gave them.';

CREATE OR REPLACE FUNCTION asymm._plan_schema(object_name text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 20, 0, 'schema', '', format('CREATE SCHEMA %I', object_name), format('DROP SCHEMA %I', object_name),
           'none', '{}'::text[], NULL::text
     WHERE actual IS NULL
    UNION ALL
    SELECT c.* FROM asymm._plan_common('SCHEMA', quote_ident(object_name), 'n', 'schema', '',
                                       declared #> '{schema,""}', actual #> '{schema,""}') AS c
$$;
COMMENT ON FUNCTION asymm._plan_schema(text, jsonb, jsonb) IS 'Steps that make or mend a schema.';
