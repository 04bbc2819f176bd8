-- Whether a document from elsewhere is a baseline at all. What comes in is data until somebody approves it: names, roles
-- and types are looked up, texts are parsed, nothing is run.

CREATE OR REPLACE FUNCTION asymm._document_objects(document jsonb)
RETURNS TABLE (n bigint, kind text, schema_name text, object_name text, identity text, facts jsonb)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT x.n, x.o ->> 'kind', x.o ->> 'schema', x.o ->> 'name',
           asymm._object_identity(x.o ->> 'kind', x.o ->> 'schema', x.o ->> 'name'), x.o -> 'facts'
      FROM jsonb_array_elements(document -> 'objects') WITH ORDINALITY AS x (o, n)
$$;
COMMENT ON FUNCTION asymm._document_objects(jsonb) IS 'The objects of a baseline document in their order.';

-- In what it consists of; the rest can be read without care after this.
CREATE OR REPLACE FUNCTION asymm._document_fault(document jsonb) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    IF document IS NULL OR jsonb_typeof(document) <> 'object' OR jsonb_typeof(document -> 'objects') IS DISTINCT FROM 'array'
       OR jsonb_typeof(document -> 'scope') IS DISTINCT FROM 'object' THEN
        RETURN 'it is not a document of asymm.baseline()';
    ELSIF document -> 'format' IS DISTINCT FROM '1' THEN
        RETURN format('its format is %s, this version reads 1', COALESCE(left(document ->> 'format', 100), 'missing'));
    ELSIF jsonb_path_exists(document -> 'objects', 'strict $.**{12 to last}') THEN
        RETURN 'it is nested deeper than a baseline ever is';
    ELSIF document -> 'fingerprint' IS DISTINCT FROM asymm._baseline_document(document -> 'scope', document -> 'objects') -> 'fingerprint' THEN
        RETURN 'its fingerprint does not fit its content';
    ELSIF jsonb_typeof(document #> '{scope,schemas}') IS DISTINCT FROM 'array'
          OR jsonb_typeof(document #> '{scope,database}') IS DISTINCT FROM 'boolean' THEN
        RETURN 'its scope is not readable';
    ELSIF EXISTS (SELECT FROM jsonb_array_elements(document #> '{scope,schemas}') AS s
                   WHERE jsonb_typeof(s) <> 'string' OR NOT asymm._is_own_schema(s #>> '{}')) THEN
        RETURN 'its scope names what is no schema of yours';
    END IF;
    RETURN (
        SELECT format('object %s is not readable', x.n)
          FROM jsonb_array_elements(document -> 'objects') WITH ORDINALITY AS x (o, n)
         WHERE jsonb_typeof(x.o) IS DISTINCT FROM 'object' OR jsonb_typeof(x.o -> 'kind') IS DISTINCT FROM 'string'
            OR jsonb_typeof(x.o -> 'schema') IS DISTINCT FROM 'string' OR jsonb_typeof(x.o -> 'name') IS DISTINCT FROM 'string'
            OR jsonb_typeof(x.o -> 'layout') IS DISTINCT FROM 'array' OR jsonb_typeof(x.o -> 'facts') IS DISTINCT FROM 'object'
            OR jsonb_typeof(x.o -> 'facts' -> (x.o ->> 'kind') -> '') IS DISTINCT FROM 'object'
            OR jsonb_path_exists(x.o, 'strict $.facts.* ? (@.type() <> "object")')
            OR jsonb_path_exists(x.o, 'strict $.facts.*.* ? (@.type() <> "object")')
            OR jsonb_path_exists(x.o, 'strict $.layout[*] ? (@.type() <> "string" && @.type() <> "number")')
         ORDER BY x.n LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._document_fault(jsonb) IS 'What keeps a document from being read as a baseline, or NULL.';

CREATE OR REPLACE FUNCTION asymm._is_own_schema(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT octet_length(name) BETWEEN 1 AND 63 AND name NOT LIKE 'pg\_%' AND name NOT IN ('information_schema', 'asymm') $$;
COMMENT ON FUNCTION asymm._is_own_schema(text) IS 'Whether a schema of this name may be declared: not the system''s, nor this extension''s.';

-- Names of objects and of their parts.
CREATE OR REPLACE FUNCTION asymm._document_name_fault(document jsonb) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN (
        WITH o AS MATERIALIZED (SELECT * FROM asymm._document_objects(document)),
        bad AS (
            SELECT o.n, 2 AS rank, format('object %s is of unknown kind "%s"', o.n, left(o.kind, 100)) AS fault FROM o
             WHERE asymm._kind_group(o.kind) IS NULL
            UNION ALL
            SELECT o.n, 3, format('object %s has no name SQL could use: %s', o.n,
                                  left(concat_ws('.', quote_literal(o.schema_name), quote_literal(o.object_name)), 200))
              FROM o
             WHERE asymm._kind_group(o.kind) IS NOT NULL AND (o.object_name = '' OR o.identity IS NULL
                OR (o.schema_name = '') <> (o.kind IN (
                       'schema', 'extension', 'language', 'access method', 'cast', 'transform', 'foreign-data wrapper', 'server',
                       'user mapping', 'publication', 'subscription', 'event trigger', 'default acl'))
                OR o.schema_name <> '' AND NOT asymm._is_own_schema(o.schema_name)
                OR o.kind = 'schema' AND NOT asymm._is_own_schema(o.object_name)
                OR o.kind = 'extension' AND o.object_name LIKE 'asymmetrica%'
                OR octet_length(o.object_name) > CASE WHEN asymm._kind_group(o.kind) = 'routines' OR o.kind IN ('user mapping', 'default acl')
                                                      THEN 20000 ELSE 63 END)
            UNION ALL
            SELECT min(o.n), 4, format('%s %s stands in it twice', o.kind, o.identity)
              FROM o GROUP BY o.kind, o.schema_name, o.object_name, o.identity HAVING count(*) > 1
            UNION ALL
            SELECT o.n, 5, format('%s %s has a part with no name SQL could use: %s %s', o.kind, o.identity, left(p.key, 63),
                                  left(quote_literal(m.key), 200))
              FROM o CROSS JOIN LATERAL jsonb_each(o.facts) AS p CROSS JOIN LATERAL jsonb_each(p.value) AS m
             WHERE CASE WHEN p.key = o.kind THEN m.key <> ''
                        WHEN p.key IN ('column', 'constraint', 'index', 'trigger', 'partition trigger', 'policy', 'rule', 'attribute', 'mapping',
                                       'publication namespace') THEN octet_length(m.key) NOT BETWEEN 1 AND 63
                        -- A member of an extension, after its kind; {schema} is the extension's.
                        WHEN p.key = 'member' THEN m.key !~ '^(materialized view|foreign table|[a-z]+) ' OR octet_length(m.key) > 20000
                             OR NOT asymm._is_name_text(replace(substring(m.key FROM '^(?:materialized view|foreign table|[a-z]+) (.*)$'),
                                                                '{schema}.', 's.'))
                        ELSE m.key = '' OR octet_length(m.key) > 20000 OR NOT asymm._is_name_text(m.key) END)
        SELECT b.fault FROM bad AS b ORDER BY b.rank, b.n LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._document_name_fault(jsonb) IS 'What is wrong with the kinds and names in a baseline document, or NULL.';

-- Roles belong to the server, so another one may lack them.
CREATE OR REPLACE FUNCTION asymm._document_role_fault(document jsonb) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN (
        WITH o AS MATERIALIZED (SELECT * FROM asymm._document_objects(document)),
        owner AS (
            SELECT o.n, o.kind, o.identity, o.facts #> ARRAY[o.kind, '', CASE o.kind WHEN 'default acl' THEN 'role' ELSE 'owner' END] AS owner
              FROM o
             WHERE o.kind NOT IN ('extension', 'cast', 'transform', 'user mapping', 'text search parser', 'text search template', 'access method')),
        acl AS (
            SELECT o.n, o.kind, o.identity, l.acl
              FROM o CROSS JOIN LATERAL jsonb_each(o.facts) AS p CROSS JOIN LATERAL jsonb_each(p.value) AS m
             CROSS JOIN LATERAL (VALUES (m.value -> 'acl'), (m.value #> '{sequence,acl}')) AS l (acl) WHERE l.acl IS NOT NULL),
        given AS (
            SELECT a.n, a.kind, a.identity, g.key AS role, g.value
              FROM acl AS a CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(a.acl) WHEN 'object' THEN a.acl ELSE '{"": null}' END) AS g),
        named AS (
            SELECT w.n, 7 AS rank, w.kind, w.identity, 'owner of' AS whose, w.owner #>> '{}' AS role FROM owner AS w
            UNION ALL
            SELECT g.n, 8, g.kind, g.identity, 'who has privileges on', g.role FROM given AS g
            UNION ALL
            SELECT o.n, 8, o.kind, o.identity, 'in a policy of', r #>> '{}'
              FROM o CROSS JOIN LATERAL jsonb_path_query(o.facts, '$.policy.*.roles[*]') AS r
            UNION ALL
            SELECT o.n, 8, o.kind, o.identity, 'of', o.facts #>> '{user mapping,"",role}' FROM o WHERE o.kind = 'user mapping'),
        bad AS (
            SELECT w.n, 6 AS rank, format('%s %s has no owner', w.kind, w.identity) AS fault FROM owner AS w
             WHERE jsonb_typeof(w.owner) IS DISTINCT FROM 'string'
            UNION ALL
            SELECT g.n, 6, format('the privileges of %s %s are not readable', g.kind, g.identity) FROM given AS g
             WHERE jsonb_typeof(g.value) IS DISTINCT FROM 'array'
                OR EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof(g.value) WHEN 'array' THEN g.value ELSE '[]' END) AS v
                            WHERE jsonb_typeof(v) <> 'string' OR v #>> '{}' !~ '^[A-Z]+( [A-Z]+)?\*?$')
            UNION ALL
            SELECT n.n, n.rank, format('role "%s", %s %s %s, does not exist', left(n.role, 100), n.whose, n.kind, n.identity) FROM named AS n
             WHERE n.role <> '' AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = n.role))
        SELECT b.fault FROM bad AS b ORDER BY b.rank, b.n LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._document_role_fault(jsonb) IS 'What is wrong with owners and privileges in a baseline document, or NULL.';
