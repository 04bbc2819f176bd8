-- The texts and types of a document from elsewhere, and all checks of one together.

-- Every text in it with its form. Of a sequence that a column owns comment and privileges are not printed as they stand.
CREATE OR REPLACE FUNCTION asymm._document_texts(document jsonb)
RETURNS TABLE (n bigint, kind text, identity text, part text, name text, attribute text, form text, value text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN QUERY
    WITH a AS MATERIALIZED (
        SELECT o.n, o.kind, o.identity, p.key AS part, m.key AS name, t.key AS attribute, t.value
          FROM asymm._document_objects(document) AS o
         CROSS JOIN LATERAL jsonb_each(o.facts) AS p
         CROSS JOIN LATERAL jsonb_each(p.value) AS m
         CROSS JOIN LATERAL jsonb_each(m.value) AS t
         WHERE jsonb_typeof(t.value) IN ('string', 'array', 'object')),
    f AS MATERIALIZED (
        SELECT k.kind, k.part, k.attribute, asymm._fact_form(k.kind, k.part, k.attribute) AS form
          FROM (SELECT DISTINCT a.kind, a.part, a.attribute FROM a) AS k)
    SELECT a.n, a.kind, a.identity, a.part, a.name, a.attribute, f.form, t.leaf #>> '{}'
      FROM a
      JOIN f ON (f.kind, f.part, f.attribute) = (a.kind, a.part, a.attribute) AND f.form <> 'quoted'
     CROSS JOIN LATERAL (
           SELECT a.value AS leaf WHERE jsonb_typeof(a.value) = 'string'
           UNION ALL
           SELECT q.leaf
             FROM jsonb_path_query(CASE WHEN a.attribute = 'sequence' AND jsonb_typeof(a.value) = 'object' THEN a.value - '{acl,comment}'::text[]
                                        ELSE a.value END, 'strict $.**') AS q (leaf)
            WHERE jsonb_typeof(a.value) <> 'string' AND jsonb_typeof(q.leaf) = 'string') AS t;
END
$$;
COMMENT ON FUNCTION asymm._document_texts(jsonb) IS 'Texts in a baseline document that a plan prints as they stand, and the form each must have.';

CREATE OR REPLACE FUNCTION asymm._document_text_fault(document jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v record;
BEGIN
    -- The cheap forms first: a document that is wrong there has nothing parsed.
    FOR v IN
        SELECT x.*
          FROM (SELECT DISTINCT ON (t.form, t.value,
                                    CASE WHEN t.form = 'definition' THEN jsonb_build_array(t.kind, t.identity, t.part, t.name) END) t.*
                  FROM asymm._document_texts(document) AS t) AS x
         ORDER BY x.form <> 'name', x.n
    LOOP
        IF NOT asymm._has_form(v.form, v.kind, v.identity, v.part, v.name, v.value) THEN
            RETURN format('"%s" of %s of %s %s is no %s SQL could use: %s', v.attribute, concat_ws(' ', v.part, NULLIF(v.name, '')),
                          v.kind, v.identity, v.form, left(quote_literal(v.value), 200));
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._document_text_fault(jsonb) IS 'The first text of a baseline document that would be more, once printed, than what it stands for; or NULL.';

-- A type must be here, or come with the document, or may come with an extension that does.
CREATE OR REPLACE FUNCTION asymm._document_type_fault(document jsonb) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_fault text;
BEGIN
    SELECT format('column %I of %s %s has no type', c.key, o.kind, o.identity) INTO v_fault
      FROM asymm._document_objects(document) AS o
     CROSS JOIN LATERAL (SELECT o.facts -> CASE o.kind WHEN 'type' THEN 'attribute' WHEN 'domain' THEN 'domain' ELSE 'column' END) AS p (part)
     CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(p.part) WHEN 'object' THEN p.part ELSE '{}' END) AS c
     WHERE o.kind IN ('table', 'foreign table', 'type', 'domain') AND jsonb_typeof(c.value -> 'type') IS DISTINCT FROM 'string'
     ORDER BY o.n, c.key LIMIT 1;
    IF v_fault IS NOT NULL THEN
        RETURN v_fault;
    END IF;
    IF EXISTS (SELECT FROM asymm._document_objects(document) AS o
                WHERE o.kind = 'extension' AND NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = o.object_name)) THEN
        RETURN NULL;
    END IF;
    WITH t AS MATERIALIZED (
        SELECT min(x.n) AS n, min(concat_ws(' ', x.part, NULLIF(x.name, ''), 'of', x.kind, x.identity)) AS place, x.value
          FROM asymm._document_texts(document) AS x
         WHERE x.form = 'name'
           AND (x.part, x.attribute) IN (('column', 'type'), ('attribute', 'type'), ('domain', 'type'), ('type', 'subtype'), ('table', 'of_type'))
         GROUP BY x.value),
    named AS (
        SELECT t.n, t.place, t.value, i.parts[cardinality(i.parts) - 1] AS schema_name, i.parts[cardinality(i.parts)] AS type_name
          FROM t
         CROSS JOIN LATERAL parse_ident(substring(t.value FROM concat('^(?:', asymm._name_pattern(), '\.)?', asymm._name_pattern()))) AS i (parts)
         WHERE t.value !~ '^(?:double precision|(?:integer|bigint|smallint|boolean|real|character|bit|time|timestamp|interval)\M)'),
    declared AS (
        SELECT o.schema_name, o.object_name FROM asymm._document_objects(document) AS o
         WHERE o.kind IN ('type', 'domain', 'table', 'foreign table', 'view', 'materialized view')
        UNION ALL
        SELECT r.parts[1], r.parts[2] FROM asymm._document_objects(document) AS o
         CROSS JOIN LATERAL (SELECT o.facts #>> '{type,"",multirange}') AS m (name)
         CROSS JOIN LATERAL parse_ident(CASE WHEN asymm._is_name_text(m.name) THEN m.name END) AS r (parts)
         WHERE o.kind = 'type')
    SELECT format('type "%s" of %s is neither here nor in the document', left(n.value, 200), left(n.place, 300)) INTO v_fault
      FROM named AS n
     WHERE NOT EXISTS (SELECT FROM pg_type AS y JOIN pg_namespace AS s ON s.oid = y.typnamespace
                        WHERE y.typname = n.type_name AND s.nspname = COALESCE(n.schema_name, 'pg_catalog'))
       AND NOT EXISTS (SELECT FROM declared AS d WHERE (d.schema_name, d.object_name) = (n.schema_name, n.type_name))
     ORDER BY n.n LIMIT 1;
    RETURN v_fault;
END
$$;
COMMENT ON FUNCTION asymm._document_type_fault(jsonb) IS 'The first type in a baseline document that nobody knows, or NULL.';

-- To compare with, the texts may be what they like: they are not printed into statements.
CREATE OR REPLACE FUNCTION asymm._require_document(document jsonb) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF document IS NULL THEN
        PERFORM asymm._require_text(NULL, 'document');
    END IF;
    PERFORM asymm._refuse_document(COALESCE(asymm._document_fault(document), asymm._document_name_fault(document)));
END
$$;
COMMENT ON FUNCTION asymm._require_document(jsonb) IS 'Raises 22004 or 22023 unless the document can be compared with.';

CREATE OR REPLACE FUNCTION asymm._require_baseline(document jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_document(document);
    PERFORM asymm._refuse_document(COALESCE(asymm._document_role_fault(document), asymm._document_text_fault(document),
                                            asymm._document_type_fault(document)));
END
$$;
COMMENT ON FUNCTION asymm._require_baseline(jsonb) IS 'Raises 22004 or 22023 unless the document can be imported here.';

CREATE OR REPLACE FUNCTION asymm._refuse_document(fault text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION 'not a usable baseline document'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('%s.', overlay(fault PLACING upper(left(fault, 1)) FROM 1 FOR 1)),
                  HINT = CASE WHEN fault LIKE 'role %' THEN 'Create the role first; roles belong to the server, not to the database.'
                              WHEN fault LIKE 'type %' THEN 'Create it first, or take the document from a database where everything is watched.'
                              WHEN fault LIKE '"%' THEN 'If this server is older than the one it is from, it may not know that form.'
                              ELSE 'Take it from another database: SELECT asymm.baseline();' END;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._refuse_document(text) IS 'Raises 22023 with what is wrong with a document; NULL is nothing.';
