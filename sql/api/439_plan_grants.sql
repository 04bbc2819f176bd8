-- Privileges. An acl fact is grantee → privileges (* with grant option, '' for PUBLIC); the owner stands there only when
-- he lacks something. Changing the owner hands his privileges on, so the rows compared are those after that.

-- GRANT statements for a whole acl, of a column if one is named.
CREATE OR REPLACE FUNCTION asymm._grant_statements(acl jsonb, rel text, column_name text DEFAULT NULL) RETURNS TABLE (statement text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT asymm._grant_statement(true, string_agg(rtrim(p, '*'), ',' ORDER BY p), column_name, 'TABLE ' || rel, g.key, p LIKE '%*')
      FROM jsonb_each(acl) AS g, jsonb_array_elements_text(g.value) AS p
     GROUP BY g.key, p LIKE '%*';
END
$$;
COMMENT ON FUNCTION asymm._grant_statements(jsonb, text, text) IS 'GRANT statements that give what an acl fact says.';

CREATE OR REPLACE FUNCTION asymm._grant_statement(
    giving boolean, privileges text, column_name text, target text, grantee text, grant_option boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', CASE WHEN giving THEN 'GRANT' ELSE 'REVOKE' END,
               (SELECT string_agg(CASE WHEN column_name IS NULL THEN p ELSE format('%s (%I)', p, column_name) END, ', ')
                  FROM unnest(string_to_array(privileges, ',')) AS p),
               'ON', target, CASE WHEN giving THEN 'TO' ELSE 'FROM' END,
               CASE WHEN grantee = '' THEN 'PUBLIC' ELSE quote_ident(grantee) END,
               CASE WHEN grant_option THEN CASE WHEN giving THEN 'WITH GRANT OPTION' ELSE 'CASCADE' END END)
$$;
COMMENT ON FUNCTION asymm._grant_statement(boolean, text, text, text, text, boolean) IS 'One GRANT or REVOKE.';

-- An acl as rows, the owner's share made explicit for tables and sequences.
CREATE OR REPLACE FUNCTION asymm._acl_rows(kind "char", acl jsonb, owner text) RETURNS TABLE (grantee text, privilege text, grantable boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT g.key, rtrim(p, '*'), p LIKE '%*' AND g.key <> owner
      FROM jsonb_each(acl) AS g, jsonb_array_elements_text(g.value) AS p
    UNION ALL
    SELECT owner, d.privilege_type, false
      FROM aclexplode(acldefault(kind, 10)) AS d WHERE d.grantee = 10 AND kind <> 'c' AND (acl ? owner) IS NOT TRUE;
END
$$;
COMMENT ON FUNCTION asymm._acl_rows("char", jsonb, text) IS 'An acl fact as rows of grantee, privilege and grant option.';

CREATE OR REPLACE FUNCTION asymm._plan_grants(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[],
               precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_new text := declared #>> '{table,"",owner}';
    v_old text := COALESCE(actual #>> '{table,"",owner}', declared #>> '{table,"",owner}');
    v_made boolean := context -> 'relid' = 'null';
BEGIN
    IF NOT v_made AND v_old = v_new AND declared #> '{table,"",acl}' IS NOT DISTINCT FROM actual #> '{table,"",acl}'
       AND NOT EXISTS (SELECT FROM jsonb_each(declared -> 'column') AS d
                        WHERE (d.value ? 'acl' OR d.value ? 'sequence' OR actual #> ARRAY['column', d.key, 'acl'] IS NOT NULL)
                          AND (d.value IS DISTINCT FROM actual #> ARRAY['column', d.key] OR context -> 'column' ->> d.key <> 'same')) THEN
        RETURN;
    ELSIF v_made AND v_old = v_new AND NOT jsonb_path_exists(declared, '$.*.*.acl') AND NOT jsonb_path_exists(declared, '$.column.*.sequence.acl')
          AND NOT EXISTS (SELECT FROM pg_default_acl) THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH o AS (
        -- Everything that carries privileges: the table, its columns, their sequences.
        SELECT 'r'::"char" AS kind, 'table' AS part, '' AS name, 'TABLE ' || v_rel AS target, NULL::text AS col,
               declared #> '{table,"",acl}' AS d, actual #> '{table,"",acl}' AS a, v_made AS made, (context ->> 'relid')::oid AS oid
        UNION ALL
        SELECT 'c', 'column', d.key, 'TABLE ' || v_rel, d.key, d.value -> 'acl',
               CASE WHEN context -> 'column' ->> d.key NOT IN ('add', 'remake') THEN actual #> ARRAY['column', d.key, 'acl'] END, false, NULL
          FROM jsonb_each(declared -> 'column') AS d
         WHERE d.value ? 'acl' OR actual #> ARRAY['column', d.key, 'acl'] IS NOT NULL
        UNION ALL
        SELECT 'S', 'column', d.key, 'SEQUENCE ' || (d.value #>> '{sequence,name}'), NULL, d.value #> '{sequence,acl}',
               CASE WHEN NOT m.made THEN actual #> ARRAY['column', d.key, 'sequence', 'acl'] END, m.made,
               asymm._relation_oid(actual #>> ARRAY['column', d.key, 'sequence', 'name'])
          FROM jsonb_each(declared -> 'column') AS d
         CROSS JOIN LATERAL (SELECT v_made OR context -> 'column' ->> d.key IN ('add', 'remake')
                OR actual #> ARRAY['column', d.key, 'sequence'] IS NULL
                OR d.value ? 'identity' <> (actual #> ARRAY['column', d.key, 'identity'] IS NOT NULL) AS made) AS m
         WHERE d.value ? 'sequence'
           AND (m.made OR d.value #> '{sequence,acl}' IS DISTINCT FROM actual #> ARRAY['column', d.key, 'sequence', 'acl'] OR v_old <> v_new)),
    a AS (
        -- What is there once the owner is the declared one; what that one held as a stranger is taken first (phase 790).
        SELECT o.*, CASE WHEN r.grantee = v_old THEN v_new ELSE r.grantee END AS grantee, r.privilege, r.grantable
          FROM o CROSS JOIN LATERAL asymm._acl_rows(lower(o.kind::text)::"char", o.a, v_old) AS r
         WHERE o.kind <> 'S' AND NOT (v_old <> v_new AND r.grantee = v_new)
        UNION ALL
        SELECT o.*, CASE WHEN r.grantee = v_old THEN v_new ELSE r.grantee END, r.privilege, r.grantable
          FROM o CROSS JOIN LATERAL asymm._acl_rows('s', o.a, v_old) AS r
         WHERE o.kind = 'S' AND NOT (v_old <> v_new AND r.grantee = v_new)),
    d AS (
        SELECT o.*, r.grantee, r.privilege, r.grantable
          FROM o CROSS JOIN LATERAL asymm._acl_rows(lower(o.kind::text)::"char", o.d, v_new) AS r),
    -- Privileges somebody else than the owner gave: only a clean slate gets rid of those.
    x AS (
        SELECT DISTINCT o.target, e.privilege_type
          FROM o JOIN pg_class AS c ON c.oid = o.oid
         CROSS JOIN LATERAL aclexplode(c.relacl) AS e
         WHERE o.col IS NULL AND e.grantor <> c.relowner),
    diff AS (
        SELECT COALESCE(a.kind, d.kind) AS kind, COALESCE(a.part, d.part) AS part, COALESCE(a.name, d.name) AS name,
               COALESCE(a.target, d.target) AS target, COALESCE(a.col, d.col) AS col, COALESCE(a.grantee, d.grantee) AS grantee,
               COALESCE(a.privilege, d.privilege) AS privilege, a.grantable AS was, d.grantable AS wanted
          FROM a FULL JOIN d ON d.target = a.target AND d.col IS NOT DISTINCT FROM a.col AND d.grantee = a.grantee
                            AND d.privilege = a.privilege),
    slate AS (SELECT DISTINCT f.target, f.privilege FROM diff AS f JOIN x ON x.target = f.target AND x.privilege_type = f.privilege
               WHERE f.was IS DISTINCT FROM f.wanted),
    due AS (
        SELECT f.*, f.was IS NOT NULL AND (f.wanted IS NULL OR f.was AND NOT f.wanted OR l.target IS NOT NULL AND f.grantee <> v_new) AS takes
          FROM diff AS f LEFT JOIN slate AS l ON l.target = f.target AND l.privilege = f.privilege AND f.col IS NULL
         WHERE f.was IS DISTINCT FROM f.wanted OR l.target IS NOT NULL AND f.grantee <> v_new),
    -- Taking a privilege on the table takes it on every column too, so that one is taken openly before.
    swept AS (
        SELECT f.* FROM diff AS f
         WHERE f.col IS NOT NULL AND f.was IS NOT NULL AND f.was IS NOT DISTINCT FROM f.wanted
           AND EXISTS (SELECT FROM due AS t WHERE t.kind = 'r' AND t.takes AND t.grantee = f.grantee AND t.privilege = f.privilege)),
    s AS (
        SELECT CASE WHEN t.col IS NULL THEN 820 ELSE 815 END AS phase, t.part, t.name,
               asymm._grant_statement(false, string_agg(t.privilege, ',' ORDER BY t.privilege), t.col, t.target, t.grantee, t.was) AS forward,
               asymm._grant_statement(true, string_agg(t.privilege, ',' ORDER BY t.privilege), t.col, t.target, t.grantee, t.was) AS inverse
          FROM (SELECT t.part, t.name, t.target, t.col, t.grantee, t.was, t.privilege FROM due AS t WHERE t.takes
                UNION ALL SELECT w.part, w.name, w.target, w.col, w.grantee, w.was, w.privilege FROM swept AS w) AS t
         GROUP BY t.part, t.name, t.target, t.col, t.grantee, t.was
        UNION ALL
        SELECT CASE WHEN t.col IS NULL THEN 830 ELSE 835 END, t.part, t.name,
               asymm._grant_statement(true, string_agg(t.privilege, ',' ORDER BY t.privilege), t.col, t.target, t.grantee, t.wanted),
               CASE WHEN t.plain THEN replace(asymm._grant_statement(false, string_agg(t.privilege, ',' ORDER BY t.privilege), t.col,
                                                                     t.target, t.grantee, true), 'REVOKE ', 'REVOKE GRANT OPTION FOR ')
                    ELSE asymm._grant_statement(false, string_agg(t.privilege, ',' ORDER BY t.privilege), t.col, t.target, t.grantee, t.wanted) END
          FROM (SELECT t.part, t.name, t.target, t.col, t.grantee, t.wanted, t.privilege, t.was IS NOT NULL AND NOT t.takes AS plain
                  FROM due AS t WHERE t.wanted IS NOT NULL
                UNION ALL SELECT w.part, w.name, w.target, w.col, w.grantee, w.wanted, w.privilege, false FROM swept AS w) AS t
         GROUP BY t.part, t.name, t.target, t.col, t.grantee, t.wanted, t.plain
        UNION ALL
        -- Before the owner changes: what the next one holds as a stranger would melt into his own.
        SELECT 790, o.part, o.name,
               asymm._grant_statement(false, string_agg(r.privilege, ',' ORDER BY r.privilege), o.col, o.target, r.grantee, r.grantable),
               asymm._grant_statement(true, string_agg(r.privilege, ',' ORDER BY r.privilege), o.col, o.target, r.grantee, r.grantable)
          FROM o CROSS JOIN LATERAL asymm._acl_rows(lower(o.kind::text)::"char", o.a, v_old) AS r
         WHERE v_old <> v_new AND r.grantee = v_new
         GROUP BY o.part, o.name, o.target, o.col, r.grantee, r.grantable
        UNION ALL
        -- A former owner's grant options stay written down for the next one, to no effect.
        SELECT 812, o.part, o.name,
               format('REVOKE GRANT OPTION FOR %s ON %s FROM %I', string_agg(e.privilege_type, ', ' ORDER BY e.privilege_type), o.target, v_new),
               format('GRANT %s ON %s TO %I WITH GRANT OPTION', string_agg(e.privilege_type, ', ' ORDER BY e.privilege_type), o.target, v_new)
          FROM o JOIN pg_class AS c ON c.oid = o.oid
         CROSS JOIN LATERAL aclexplode(c.relacl) AS e
         WHERE v_old <> v_new AND o.col IS NULL AND e.grantee = c.relowner AND e.is_grantable
         GROUP BY o.part, o.name, o.target
        UNION ALL
        -- What was made anew may have been given away by ALTER DEFAULT PRIVILEGES.
        SELECT g.phase, o.part, o.name, CASE g.phase WHEN 811 THEN format('REVOKE ALL ON %s FROM %s', o.target, g.grantees)
                                                     ELSE format('GRANT ALL ON %s TO %I', o.target, v_new) END,
               format('GRANT ALL ON %s TO %I', o.target, v_new)
          FROM o
         CROSS JOIN LATERAL (
              SELECT p.phase, string_agg(DISTINCT CASE WHEN e.grantee = 0 THEN 'PUBLIC'
                                                       ELSE quote_ident(pg_get_userbyid(e.grantee)) END, ', ') AS grantees
                FROM pg_default_acl AS f CROSS JOIN LATERAL aclexplode(f.defaclacl) AS e CROSS JOIN (VALUES (811), (812)) AS p (phase)
               WHERE f.defaclobjtype = o.kind AND (p.phase = 812 OR pg_get_userbyid(e.grantee) <> v_new)
               GROUP BY p.phase) AS g
         WHERE o.made)
    SELECT s.phase, 0, s.part, s.name, s.forward, s.inverse, 'none', ARRAY['changes privileges'], NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_grants(jsonb, jsonb, jsonb) IS 'Steps that revoke what is not declared and grant what is.';
