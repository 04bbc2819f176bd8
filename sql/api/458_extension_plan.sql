-- Steps for extensions, and the privileges on their members.

-- What members carry, and what their script gave them. In their names {schema} stands for that of the extension.
CREATE OR REPLACE FUNCTION asymm._extension_privileges(extension_id oid) RETURNS TABLE (name text, acl jsonb, initial jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH m AS (SELECT d.classid, d.objid FROM pg_depend AS d
                WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = extension_id AND d.deptype = 'e'),
    o AS (
        SELECT m.classid, c.oid, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char" AS kind, c.relowner AS owner, c.relacl AS acl
          FROM m JOIN pg_class AS c ON c.oid = m.objid WHERE m.classid = 'pg_class'::regclass AND c.relacl IS NOT NULL
        UNION ALL
        SELECT m.classid, f.oid, 'f', f.proowner, f.proacl
          FROM m JOIN pg_proc AS f ON f.oid = m.objid WHERE m.classid = 'pg_proc'::regclass AND f.proacl IS NOT NULL
        UNION ALL
        SELECT m.classid, t.oid, 'T', t.typowner, t.typacl
          FROM m JOIN pg_type AS t ON t.oid = m.objid WHERE m.classid = 'pg_type'::regclass AND t.typacl IS NOT NULL
        UNION ALL
        SELECT m.classid, n.oid, 'n', n.nspowner, n.nspacl
          FROM m JOIN pg_namespace AS n ON n.oid = m.objid WHERE m.classid = 'pg_namespace'::regclass AND n.nspacl IS NOT NULL
        UNION ALL
        SELECT m.classid, l.oid, 'l', l.lanowner, l.lanacl
          FROM m JOIN pg_language AS l ON l.oid = m.objid WHERE m.classid = 'pg_language'::regclass AND l.lanacl IS NOT NULL
        UNION ALL
        SELECT m.classid, w.oid, 'F', w.fdwowner, w.fdwacl
          FROM m JOIN pg_foreign_data_wrapper AS w ON w.oid = m.objid
         WHERE m.classid = 'pg_foreign_data_wrapper'::regclass AND w.fdwacl IS NOT NULL
        UNION ALL
        SELECT m.classid, s.oid, 'S', s.srvowner, s.srvacl
          FROM m JOIN pg_foreign_server AS s ON s.oid = m.objid WHERE m.classid = 'pg_foreign_server'::regclass AND s.srvacl IS NOT NULL)
    SELECT i.type || ' ' || regexp_replace(i.identity,
               concat('(^|[^[:alnum:]_$".])', regexp_replace(quote_ident(s.nspname), '([^[:alnum:]_])', '\\\1', 'g'), '\.'),
               '\1{schema}.', 'g'),
           asymm._object_acl_facts(o.acl, o.kind, o.owner), asymm._object_acl_facts(p.initprivs, o.kind, o.owner)
      FROM o
      JOIN pg_extension AS e ON e.oid = extension_id
      JOIN pg_namespace AS s ON s.oid = e.extnamespace
     CROSS JOIN LATERAL pg_identify_object(o.classid, o.oid, 0) AS i
      LEFT JOIN pg_init_privs AS p ON p.classoid = o.classid AND p.objoid = o.oid AND p.objsubid = 0
$$;
COMMENT ON FUNCTION asymm._extension_privileges(oid) IS 'Privileges on members of an extension as facts, with those its script gave.';

CREATE OR REPLACE FUNCTION asymm._plan_extension_members(declared jsonb, actual jsonb, schema text, extension_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (
        SELECT COALESCE((SELECT pg_get_userbyid(e.extowner) FROM pg_extension AS e WHERE e.oid = extension_id), current_user) AS owner),
    m AS (
        SELECT COALESCE(d.key, a.key) AS name,
               regexp_match(COALESCE(d.key, a.key), '^(materialized view|foreign table|foreign-data wrapper|[a-z]+) (.*)$') AS parts,
               -- What is not told is as the script made it.
               jsonb_strip_nulls(jsonb_build_object('owner', o.owner,
                   'acl', CASE WHEN d.key IS NOT NULL THEN d.value -> 'acl' ELSE p.initial END)) AS d,
               jsonb_strip_nulls(jsonb_build_object('owner', o.owner,
                   'acl', CASE WHEN a.key IS NOT NULL THEN a.value -> 'acl' ELSE p.initial END)) AS a
          FROM jsonb_each(declared) AS d
          FULL JOIN jsonb_each(actual) AS a ON a.key = d.key
         CROSS JOIN o
          LEFT JOIN asymm._extension_privileges(extension_id) AS p ON p.name = COALESCE(d.key, a.key)
         WHERE d.value IS DISTINCT FROM a.value)
    SELECT g.*
      FROM m CROSS JOIN LATERAL asymm._plan_object_grants(
               upper(replace(m.parts[1], '-', ' ')), replace(m.parts[2], '{schema}.', quote_ident(schema) || '.'),
               CASE WHEN m.parts[1] IN ('function', 'procedure', 'aggregate') THEN 'f' WHEN m.parts[1] = 'sequence' THEN 's'
                    WHEN m.parts[1] = 'type' THEN 'T' WHEN m.parts[1] = 'schema' THEN 'n' WHEN m.parts[1] = 'language' THEN 'l'
                    WHEN m.parts[1] = 'foreign-data wrapper' THEN 'F' WHEN m.parts[1] = 'server' THEN 'S' ELSE 'r' END::"char",
               'member', m.name, m.d, m.a) AS g
$$;
COMMENT ON FUNCTION asymm._plan_extension_members(jsonb, jsonb, text, oid) IS 'Steps that mend privileges on members of an extension.';

-- Extensions that others require are made before them.
CREATE OR REPLACE FUNCTION asymm._extension_depth(extension text) RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE a AS MATERIALIZED (
        SELECT v.name::text COLLATE "C" AS name, r.required::text COLLATE "C" AS required
          FROM pg_available_extension_versions AS v, unnest(v.requires) AS r (required)),
    d AS (
        SELECT extension COLLATE "C" AS name, 0 AS depth
        UNION
        SELECT a.required, d.depth + 1 FROM d JOIN a ON a.name = d.name WHERE d.depth < 20)
    SELECT max(d.depth) FROM d
$$;
COMMENT ON FUNCTION asymm._extension_depth(text) IS 'How many extensions stand below an extension in the order of making them.';

-- Where DROP EXTENSION and CREATE EXTENSION would do, but nothing outside may hang on it.
CREATE OR REPLACE FUNCTION asymm._extension_is_free(extension_id oid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH m AS (SELECT d.classid, d.objid FROM pg_depend AS d
                WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = extension_id AND d.deptype = 'e'
               UNION ALL SELECT 'pg_extension'::regclass, extension_id),
    -- What hangs on a member as a part of it (a row type, an index, a rule).
    p AS (SELECT d.classid, d.objid FROM m JOIN pg_depend AS d ON d.refclassid = m.classid AND d.refobjid = m.objid AND d.deptype IN ('i', 'a')),
    x AS (SELECT m.classid, m.objid FROM m UNION SELECT p.classid, p.objid FROM p)
    SELECT NOT EXISTS (SELECT FROM x JOIN pg_depend AS d ON d.refclassid = x.classid AND d.refobjid = x.objid AND d.deptype = 'n'
                        WHERE (d.classid, d.objid) NOT IN (SELECT x.classid, x.objid FROM x))
       AND NOT EXISTS (SELECT FROM m JOIN pg_class AS c ON c.oid = m.objid
                        WHERE m.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'p', 'm'))
$$;
COMMENT ON FUNCTION asymm._extension_is_free(oid) IS 'Whether an extension holds no data and nothing outside of it depends on it.';

CREATE OR REPLACE FUNCTION asymm._extension_create(object_name text, facts jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A version this server does not have is left to the server's choice.
    SELECT concat_ws(' ', format('CREATE EXTENSION %I SCHEMA %I', object_name, facts ->> 'schema'),
                     (SELECT 'VERSION ' || quote_literal(v.version) FROM pg_available_extension_versions AS v
                       WHERE v.name = object_name AND v.version = facts ->> 'version'))
$$;
COMMENT ON FUNCTION asymm._extension_create(text, jsonb) IS 'CREATE EXTENSION in its schema, at its version if the server has it.';

CREATE OR REPLACE FUNCTION asymm._plan_extension(object_name text, declared jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_declared jsonb := declared #> '{extension,""}';
    v_actual jsonb := actual #> '{extension,""}';
    v_drop text := format('DROP EXTENSION %I', object_name);
    v_old text := v_actual ->> 'version';
    v_new text := v_declared ->> 'version';
    v_moves boolean := v_declared ->> 'schema' <> v_actual ->> 'schema';
    v_remade boolean := false;
BEGIN
    IF v_moves AND NOT (SELECT e.extrelocatable FROM pg_extension AS e WHERE e.oid = object_id) THEN
        v_remade := asymm._extension_is_free(object_id);
        IF NOT v_remade THEN
            RETURN QUERY SELECT 0, 0, 'extension', '', NULL, NULL, 'none',
                ARRAY['not healable: the extension cannot be moved to another schema'], NULL;
        END IF;
        v_moves := false;
    ELSIF v_old <> v_new AND NOT asymm._extension_updates(object_name, v_old, v_new) THEN
        v_remade := asymm._extension_is_free(object_id)
            AND EXISTS (SELECT FROM pg_available_extension_versions AS v WHERE v.name = object_name AND v.version = v_new);
        IF NOT v_remade THEN
            RETURN QUERY SELECT 0, 0, 'extension', '', NULL, NULL, 'none',
                ARRAY[format('not healable: there is no way from version %s to %s', v_old, v_new)], NULL;
            v_new := v_old;
        END IF;
    END IF;
    IF v_remade THEN
        RETURN QUERY
        SELECT 10, 900, 'extension', '', v_drop,
               concat_ws(E';\n', asymm._extension_create(object_name, v_actual),
                         format('COMMENT ON EXTENSION %I IS %L', object_name, v_actual ->> 'comment')), 'none', '{}'::text[], NULL::text;
    END IF;
    IF v_remade OR actual IS NULL THEN
        RETURN QUERY
        SELECT 22, asymm._extension_depth(object_name), 'extension', '', asymm._extension_create(object_name, v_declared), v_drop,
               'none', '{}'::text[], NULL::text;
        RETURN QUERY SELECT m.* FROM asymm._plan_extension_members(declared -> 'member', NULL, v_declared ->> 'schema', NULL) AS m;
        -- Its script gives it a comment, which may not be the declared one.
        RETURN QUERY
        SELECT 700, 0, 'extension', '', format('COMMENT ON EXTENSION %I IS %L', object_name, v_declared ->> 'comment'),
               format('COMMENT ON EXTENSION %I IS NULL', object_name), 'none', '{}'::text[], NULL::text;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT 22, 50, 'extension', '', format('ALTER EXTENSION %I UPDATE TO %L', object_name, v_new),
           CASE WHEN asymm._extension_updates(object_name, v_new, v_old)
                THEN format('ALTER EXTENSION %I UPDATE TO %L', object_name, v_old) END, 'ACCESS EXCLUSIVE', '{}'::text[], NULL::text
     WHERE v_old <> v_new
    UNION ALL
    SELECT 22, 60, 'extension', '', format('ALTER EXTENSION %I SET SCHEMA %I', object_name, v_declared ->> 'schema'),
           format('ALTER EXTENSION %I SET SCHEMA %I', object_name, v_actual ->> 'schema'), 'ACCESS EXCLUSIVE', '{}', NULL
     WHERE v_moves
    UNION ALL
    SELECT m.* FROM asymm._plan_extension_members(declared -> 'member', actual -> 'member',
                                                  CASE WHEN v_moves THEN v_declared ELSE v_actual END ->> 'schema', object_id) AS m
    UNION ALL
    SELECT c.* FROM asymm._plan_common('EXTENSION', quote_ident(object_name), NULL, 'extension', '', v_declared, v_actual) AS c;
END
$$;
COMMENT ON FUNCTION asymm._plan_extension(text, jsonb, jsonb, oid) IS 'Steps that make, update or move an extension.';

CREATE OR REPLACE FUNCTION asymm._extension_updates(extension text, from_version text, to_version text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Raises for an extension whose files are gone.
    RETURN EXISTS (SELECT FROM pg_available_extensions AS a WHERE a.name = extension)
       AND EXISTS (SELECT FROM pg_extension_update_paths(extension) AS p
                    WHERE p.source = from_version AND p.target = to_version AND p.path IS NOT NULL);
END
$$;
COMMENT ON FUNCTION asymm._extension_updates(text, text, text) IS 'Whether update scripts lead from one version of an extension to another.';

-- Dropping an extension that holds tables deletes their rows.
CREATE OR REPLACE FUNCTION asymm._extension_is_empty(extension_id oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'SELECT ' || string_agg(format('NOT EXISTS (SELECT FROM %I.%I)', n.nspname, c.relname), ' AND ' ORDER BY c.oid)
      FROM pg_depend AS d
      JOIN pg_class AS c ON c.oid = d.objid AND c.relkind IN ('r', 'p')
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = extension_id AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
$$;
COMMENT ON FUNCTION asymm._extension_is_empty(oid) IS 'Query that is true while no table of an extension has rows; NULL if it has no table.';
