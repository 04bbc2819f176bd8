-- What nearly every kind of object has: a comment, an owner and privileges, read and planned in one way for all kinds.

CREATE OR REPLACE FUNCTION asymm._object_acl_facts(acl aclitem[], kind "char", owner oid) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    -- The owner stands there only when he has not what the kind gives an owner; {} says that PUBLIC lost its default.
    RETURN (
        WITH present AS (
            SELECT e.grantee, array_agg(e.privilege ORDER BY e.privilege COLLATE "C") AS privileges
              FROM (SELECT x.grantee, x.privilege_type || CASE WHEN bool_or(x.is_grantable) THEN '*' ELSE '' END AS privilege
                      FROM aclexplode(acl) AS x GROUP BY x.grantee, x.privilege_type) AS e
             GROUP BY e.grantee),
        usual AS (
            SELECT x.grantee, array_agg(x.privilege_type ORDER BY x.privilege_type COLLATE "C") AS privileges
              FROM aclexplode(acldefault(kind, owner)) AS x GROUP BY x.grantee)
        SELECT COALESCE(jsonb_object_agg(CASE WHEN g.grantee = 0 THEN '' ELSE pg_get_userbyid(g.grantee) END, to_jsonb(g.privileges))
                            FILTER (WHERE g.grantee <> owner AND g.privileges <> '{}' OR g.grantee = owner AND NOT g.same), '{}')
          FROM (SELECT COALESCE(p.grantee, u.grantee) AS grantee, COALESCE(p.privileges, '{}') AS privileges,
                       COALESCE(p.privileges = u.privileges, false) AS same
                  FROM present AS p FULL JOIN usual AS u ON u.grantee = p.grantee) AS g
         WHERE acl IS NOT NULL
        HAVING NOT bool_and(g.same));
END
$$;
COMMENT ON FUNCTION asymm._object_acl_facts(aclitem[], "char", oid)
    IS 'Privileges of an object as facts: grantee → privileges (* with grant option, '''' for PUBLIC); NULL when they are what its kind has by default.';

CREATE OR REPLACE FUNCTION asymm._object_acl_rows(kind "char", acl jsonb, owner text)
RETURNS TABLE (grantee text, privilege text, grantable boolean)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT g.key, rtrim(p, '*'), p LIKE '%*'
      FROM jsonb_each(acl) AS g, jsonb_array_elements_text(g.value) AS p
    UNION ALL
    SELECT CASE WHEN d.grantee = 0 THEN '' ELSE owner END, d.privilege_type, false
      FROM aclexplode(acldefault(kind, 10)) AS d
     WHERE acl IS NULL OR d.grantee <> 0 AND NOT acl ? owner
$$;
COMMENT ON FUNCTION asymm._object_acl_rows("char", jsonb, text)
    IS 'An acl fact as rows of grantee, privilege and grant option, with what the kind gives by default.';

-- What stands after ON in GRANT; a column is named apart.
CREATE OR REPLACE FUNCTION asymm._grant_target(command text, identity text, OUT target text, OUT column_name text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN command IN ('VIEW', 'MATERIALIZED VIEW', 'FOREIGN TABLE') THEN 'TABLE ' || identity
                WHEN command = 'SERVER' THEN 'FOREIGN SERVER ' || identity
                -- count(*) is count() here; the arguments of an ordered-set aggregate are one list.
                WHEN command = 'AGGREGATE' THEN 'FUNCTION ' || replace(regexp_replace(identity, '\(\*\)$', '()'), ' ORDER BY ', ', ')
                WHEN command = 'COLUMN' THEN 'TABLE ' || left(identity, -length(c.quoted) - 1)
                ELSE concat_ws(' ', command, identity) END,
           CASE WHEN command = 'COLUMN' THEN (parse_ident(c.quoted))[1] END
      FROM (SELECT substring(identity FROM '("([^"]|"")*"|[^."]+)$')) AS c (quoted)
$$;
COMMENT ON FUNCTION asymm._grant_target(text, text) IS 'The words after ON in GRANT for an object, and its column.';

CREATE OR REPLACE FUNCTION asymm._plan_object_grants(
    command text, identity text, kind "char", of_part text, of_name text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_new text := COALESCE(declared ->> 'owner', actual ->> 'owner', '');
    v_old text := COALESCE(actual ->> 'owner', v_new);
    v_target text;
    v_column text;
    v_given text;
    v_present jsonb := actual -> 'acl';
BEGIN
    IF actual IS NOT NULL AND v_old = v_new AND declared -> 'acl' IS NOT DISTINCT FROM actual -> 'acl' THEN
        RETURN;
    END IF;
    SELECT t.target, t.column_name INTO v_target, v_column FROM asymm._grant_target(command, identity) AS t;
    IF actual IS NULL AND kind <> 'c' THEN
        -- What was made anew may have been given away, or withheld, by ALTER DEFAULT PRIVILEGES.
        SELECT string_agg(DISTINCT CASE WHEN e.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END, ', ')
          INTO v_given
          FROM pg_default_acl AS f CROSS JOIN LATERAL (SELECT x.grantee FROM aclexplode(f.defaclacl) AS x UNION ALL SELECT 0::oid) AS e
         WHERE f.defaclobjtype = CASE WHEN kind = 's' THEN 'S' WHEN kind IN ('r', 'f', 'T', 'n') THEN kind END
           AND (e.grantee = 0 OR pg_get_userbyid(e.grantee) <> v_new);
        IF v_given IS NOT NULL THEN
            v_present := '{}';
            RETURN QUERY
            SELECT 811, 0, of_part, of_name, format('REVOKE ALL ON %s FROM %s CASCADE', v_target, v_given),
                   format('GRANT ALL ON %s TO %I', v_target, v_new), 'none', ARRAY['changes privileges'], NULL::text
            UNION ALL
            SELECT 812, 0, of_part, of_name, format('GRANT ALL ON %s TO %I', v_target, v_new),
                   format('GRANT ALL ON %s TO %I', v_target, v_new), 'none', ARRAY['changes privileges'], NULL;
        END IF;
    END IF;
    RETURN QUERY
    WITH old AS (SELECT r.* FROM asymm._object_acl_rows(kind, v_present, v_old) AS r),
    a AS (
        -- What is there once the owner is the declared one; what that one held as a stranger is taken first (790).
        SELECT CASE WHEN r.grantee = v_old THEN v_new ELSE r.grantee END AS grantee, r.privilege, r.grantable
          FROM old AS r WHERE v_old = v_new OR r.grantee <> v_new),
    diff AS (
        SELECT COALESCE(a.grantee, d.grantee) AS grantee, COALESCE(a.privilege, d.privilege) AS privilege, a.grantable AS was, d.grantable AS wanted
          FROM a
          FULL JOIN asymm._object_acl_rows(kind, declared -> 'acl', v_new) AS d ON d.grantee = a.grantee AND d.privilege = a.privilege),
    takes AS (SELECT f.*, f.was IS NOT NULL AND (f.wanted IS NULL OR f.was AND NOT f.wanted) AS takes FROM diff AS f),
    -- What somebody else than the owner may have given, only a clean slate gets rid of.
    slate AS (SELECT t.privilege FROM takes AS t GROUP BY t.privilege HAVING bool_or(t.takes) AND bool_or(t.was AND t.grantee <> v_new)),
    due AS (
        SELECT t.grantee, t.privilege, t.was, t.wanted, t.takes OR l.privilege IS NOT NULL AND t.was IS NOT NULL AND t.grantee <> v_new AS takes
          FROM takes AS t LEFT JOIN slate AS l ON l.privilege = t.privilege
         WHERE t.was IS DISTINCT FROM t.wanted OR l.privilege IS NOT NULL AND t.grantee <> v_new),
    s AS (
        SELECT CASE WHEN v_column IS NULL THEN 820 ELSE 815 END AS phase, t.grantee, false AS giving, t.was AS grantable, false AS plain,
               string_agg(t.privilege, ',' ORDER BY t.privilege COLLATE "C") AS privileges
          FROM due AS t WHERE t.takes GROUP BY t.grantee, t.was
        UNION ALL
        SELECT CASE WHEN v_column IS NULL THEN 830 ELSE 835 END, t.grantee, true, t.wanted, p.plain,
               string_agg(t.privilege, ',' ORDER BY t.privilege COLLATE "C")
          FROM due AS t CROSS JOIN LATERAL (SELECT t.was IS NOT NULL AND NOT t.takes) AS p (plain)
         WHERE t.wanted IS NOT NULL GROUP BY t.grantee, t.wanted, p.plain
        UNION ALL
        SELECT 790, r.grantee, false, r.grantable, false, string_agg(r.privilege, ',' ORDER BY r.privilege COLLATE "C")
          FROM old AS r WHERE v_old <> v_new AND r.grantee = v_new GROUP BY r.grantee, r.grantable)
    SELECT s.phase, 0, of_part, of_name, asymm._grant_statement(s.giving, s.privileges, v_column, v_target, s.grantee, s.grantable),
           CASE WHEN s.plain THEN replace(asymm._grant_statement(false, s.privileges, v_column, v_target, s.grantee, true),
                                          'REVOKE ', 'REVOKE GRANT OPTION FOR ')
                ELSE asymm._grant_statement(NOT s.giving, s.privileges, v_column, v_target, s.grantee, s.grantable) END,
           'none', ARRAY['changes privileges'], NULL
      FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_object_grants(text, text, "char", text, text, jsonb, jsonb)
    IS 'Steps that revoke what is not declared of an object and grant what is.';

-- The step makers of every kind call this for each part that has a comment, an owner or privileges. Revoking a privilege
-- on a relation takes it on the columns too: relations with privileges of columns are for _plan_grants().
CREATE OR REPLACE FUNCTION asymm._plan_common(
    command text, identity text, acl_kind "char", of_part text, of_name text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_relation boolean := command IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW', 'FOREIGN TABLE', 'SEQUENCE', 'COLUMN');
BEGIN
    IF declared -> 'comment' IS DISTINCT FROM actual -> 'comment' THEN
        RETURN QUERY
        SELECT 700, 0, of_part, of_name, format('COMMENT ON %s %s IS %L', command, identity, declared ->> 'comment'),
               format('COMMENT ON %s %s IS %L', command, identity, actual ->> 'comment'),
               CASE WHEN v_relation THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'none' END, '{}'::text[], NULL::text;
    END IF;
    IF declared ? 'owner' AND declared -> 'owner' IS DISTINCT FROM actual -> 'owner' THEN
        RETURN QUERY
        SELECT 800, 0, of_part, of_name, format('ALTER %s %s OWNER TO %I', command, identity, declared ->> 'owner'),
               format('ALTER %s %s OWNER TO %I', command, identity, COALESCE(actual ->> 'owner', declared ->> 'owner')),
               CASE WHEN v_relation THEN 'ACCESS EXCLUSIVE' ELSE 'none' END,
               CASE WHEN actual ? 'owner' THEN ARRAY['changes owner'] ELSE '{}'::text[] END, NULL::text;
    END IF;
    IF acl_kind IS NOT NULL THEN
        RETURN QUERY SELECT g.* FROM asymm._plan_object_grants(command, identity, acl_kind, of_part, of_name, declared, actual) AS g;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._plan_common(text, text, "char", text, text, jsonb, jsonb)
    IS 'Steps for the comment, the owner and the privileges of one part of an object of any kind; actual NULL: it was just made.';
