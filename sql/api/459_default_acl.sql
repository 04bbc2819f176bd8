-- Default privileges: one object for each role, schema and type of object (ALTER DEFAULT PRIVILEGES).

CREATE OR REPLACE FUNCTION asymm._default_acl_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    -- What holds in one schema adds to the rest, so it is written down in full (as of a column, which has no default);
    -- what holds in all is the difference from what the server gives by itself.
    RETURN QUERY
    SELECT d.oid, '', i.identity, pg_get_userbyid(d.defaclrole),
           jsonb_build_object('default acl', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'role', pg_get_userbyid(d.defaclrole),
               'schema', n.nspname,
               'type', CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                                            WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END,
               'acl', asymm._object_acl_facts(d.defaclacl, CASE WHEN d.defaclnamespace <> 0 THEN 'c' WHEN d.defaclobjtype = 'S' THEN 's'
                                                                ELSE d.defaclobjtype END, d.defaclrole))))),
           '[]'::jsonb
      FROM pg_default_acl AS d
     CROSS JOIN LATERAL pg_identify_object('pg_default_acl'::regclass, d.oid, 0) AS i
      LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
     WHERE d.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._default_acl_facts(oid[]) IS 'Facts of default privileges: role, schema, type of object, privileges.';

CREATE OR REPLACE FUNCTION asymm._plan_default_acl(declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (
        SELECT CASE WHEN f ? 'schema' THEN 'c' ELSE CASE f ->> 'type' WHEN 'tables' THEN 'r' WHEN 'sequences' THEN 's' WHEN 'functions' THEN 'f'
                        WHEN 'types' THEN 'T' WHEN 'schemas' THEN 'n' ELSE 'L' END END::"char" AS kind, f ->> 'role' AS role,
               concat('ALTER DEFAULT PRIVILEGES FOR ROLE ', quote_ident(f ->> 'role'), ' IN SCHEMA ' || quote_ident(f ->> 'schema'), ' ') AS head,
               upper(f ->> 'type') AS target
          FROM (SELECT COALESCE(declared, actual) #> '{"default acl",""}') AS x (f)),
    diff AS (
        SELECT COALESCE(a.grantee, d.grantee) AS grantee, COALESCE(a.privilege, d.privilege) AS privilege,
               a.grantable AS was, d.grantable AS wanted
          FROM (SELECT r.* FROM o CROSS JOIN LATERAL asymm._object_acl_rows(o.kind, actual #> '{"default acl","",acl}', o.role) AS r) AS a
          FULL JOIN (SELECT r.* FROM o CROSS JOIN LATERAL asymm._object_acl_rows(o.kind, declared #> '{"default acl","",acl}', o.role) AS r) AS d
            ON d.grantee = a.grantee AND d.privilege = a.privilege),
    s AS (
        SELECT f.grantee, f.was, f.wanted, string_agg(f.privilege, ',' ORDER BY f.privilege COLLATE "C") AS privileges
          FROM diff AS f WHERE f.was IS DISTINCT FROM f.wanted GROUP BY f.grantee, f.was, f.wanted),
    t AS (
        -- Nobody else than the role itself gives these, so nothing cascades.
        SELECT o.head, s.was, s.wanted,
               asymm._grant_statement(true, s.privileges, NULL, o.target, s.grantee, COALESCE(s.was OR s.wanted, s.was, s.wanted)) AS give,
               CASE WHEN s.was <> s.wanted THEN 'REVOKE GRANT OPTION FOR ' ELSE 'REVOKE ' END
                   || substr(asymm._grant_statement(false, s.privileges, NULL, o.target, s.grantee, false), 8) AS take
          FROM s CROSS JOIN o)
    SELECT CASE WHEN declared IS NULL THEN 10 ELSE 850 END, 0, 'default acl', '',
           t.head || CASE WHEN t.wanted IS NULL OR t.was AND NOT t.wanted THEN t.take ELSE t.give END,
           t.head || CASE WHEN t.was IS NULL OR t.wanted AND NOT t.was THEN t.take ELSE t.give END,
           'none', ARRAY['changes privileges'], NULL::text
      FROM t
$$;
COMMENT ON FUNCTION asymm._plan_default_acl(jsonb, jsonb) IS 'Steps that make, mend or take back default privileges.';
