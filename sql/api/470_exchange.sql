-- The baseline as one document: taken out of one database, shown, approved and healed towards in another. What comes in
-- is data until somebody approves it; names and types are looked up, definitions are never run to be checked.

CREATE OR REPLACE FUNCTION asymm._baseline_document(scope jsonb, objects jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- jsonb text is canonical, and the objects come in order: equal baselines have equal fingerprints.
    SELECT jsonb_build_object('format', 1, 'scope', scope, 'objects', o.list,
                              'fingerprint', asymm._sha256(jsonb_build_array(scope, o.list)::text))
      FROM (SELECT COALESCE(jsonb_agg(x ORDER BY x ->> 'kind' COLLATE "C", x ->> 'schema' COLLATE "C", x ->> 'name' COLLATE "C"), '[]') AS list
              FROM jsonb_array_elements(objects) AS x) AS o
$$;
COMMENT ON FUNCTION asymm._baseline_document(jsonb, jsonb) IS 'A baseline document: format, scope, objects in canonical order, fingerprint over both.';

CREATE OR REPLACE FUNCTION asymm.baseline() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._baseline_document(
        jsonb_build_object(
            'database', EXISTS (SELECT FROM asymm.watched_database),
            'schemas', COALESCE((SELECT jsonb_agg(w.schema_name ORDER BY w.schema_name) FROM asymm.watched_schema AS w), '[]')),
        COALESCE((SELECT jsonb_agg(jsonb_build_object('kind', b.kind, 'schema', b.schema_name, 'name', b.object_name,
                                                      'facts', b.facts, 'layout', b.layout))
                    FROM asymm.baseline AS b), '[]'));
END
$$;
COMMENT ON FUNCTION asymm.baseline()
    IS 'The whole baseline as one document: {format, scope {database, schemas}, objects [{kind, schema, name, facts, layout}], fingerprint}; for import_baseline() and diff() elsewhere.';

-- A type as format_type() writes it: names, words, numbers, brackets; nothing that could end a statement.
CREATE OR REPLACE FUNCTION asymm._is_type_text(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT value ~ ('^(?:(?:"(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*)\.)?(?:"(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*(?: [a-z]+)*)'
                    '(?:\([[:alnum:]_, -]+\))?(?: with(?:out)? time zone)?(?:\([0-9]+\))?(?:\[\])*$')
$$;
COMMENT ON FUNCTION asymm._is_type_text(text) IS 'Whether a text is the name of a type and nothing else.';

-- What is wrong with a document, in the order a person would look; NULL when nothing is.
CREATE OR REPLACE FUNCTION asymm._baseline_fault(document jsonb) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_fault text;
BEGIN
    IF document IS NULL OR jsonb_typeof(document) <> 'object' OR jsonb_typeof(document -> 'objects') IS DISTINCT FROM 'array'
       OR jsonb_typeof(document -> 'scope') IS DISTINCT FROM 'object' THEN
        RETURN 'it is not a document of asymm.baseline()';
    ELSIF document -> 'format' IS DISTINCT FROM '1' THEN
        RETURN format('its format is %s, this version reads 1', COALESCE(document ->> 'format', 'missing'));
    ELSIF document -> 'fingerprint' IS DISTINCT FROM asymm._baseline_document(document -> 'scope', document -> 'objects') -> 'fingerprint' THEN
        RETURN 'its fingerprint does not fit its content';
    ELSIF jsonb_typeof(document #> '{scope,schemas}') IS DISTINCT FROM 'array'
          OR jsonb_typeof(document #> '{scope,database}') IS DISTINCT FROM 'boolean'
          OR EXISTS (SELECT FROM jsonb_array_elements(document #> '{scope,schemas}') AS s
                      WHERE jsonb_typeof(s) <> 'string' OR octet_length(s #>> '{}') NOT BETWEEN 1 AND 63) THEN
        RETURN 'its scope is not readable';
    END IF;
    WITH o AS MATERIALIZED (
        SELECT x.n, x.o, x.o ->> 'kind' AS kind, x.o ->> 'schema' AS schema, x.o ->> 'name' AS name, x.o -> 'facts' AS facts
          FROM jsonb_array_elements(document -> 'objects') WITH ORDINALITY AS x (o, n)),
    bad AS (
        SELECT o.n, 1 AS rank, format('object %s is not readable', o.n) AS fault FROM o
         WHERE jsonb_typeof(o.o) IS DISTINCT FROM 'object' OR jsonb_typeof(o.facts) IS DISTINCT FROM 'object'
            OR jsonb_typeof(o.o -> 'layout') IS DISTINCT FROM 'array' OR jsonb_typeof(o.o -> 'schema') IS DISTINCT FROM 'string'
            OR jsonb_typeof(o.o -> 'name') IS DISTINCT FROM 'string' OR jsonb_typeof(o.o -> 'kind') IS DISTINCT FROM 'string'
        UNION ALL
        SELECT o.n, 2, format('object %s is of unknown kind "%s"', o.n, left(o.kind, 100)) FROM o WHERE asymm._kind_group(o.kind) IS NULL
        UNION ALL
        SELECT o.n, 3, format('object %s has no name SQL could use: %s', o.n, left(quote_literal(o.name), 200)) FROM o
         WHERE asymm._kind_group(o.kind) IS NOT NULL AND (o.name = '' OR asymm._object_identity(o.kind, o.schema, o.name) IS NULL
            OR octet_length(o.schema) > 63 OR o.schema ~ '^pg_' OR o.schema IN ('asymm', 'information_schema'))
        UNION ALL
        SELECT o.n, 4, format('%s %s.%s stands in it twice', o.kind, o.schema, o.name)
          FROM (SELECT min(o.n) AS n, o.kind, o.schema, o.name FROM o GROUP BY o.kind, o.schema, o.name HAVING count(*) > 1) AS o
        UNION ALL
        SELECT o.n, 5, format('the facts of %s %s.%s are not readable', o.kind, o.schema, o.name) FROM o
         WHERE jsonb_typeof(o.facts) = 'object'
           AND (jsonb_typeof(o.facts #> ARRAY[o.kind, '']) IS DISTINCT FROM 'object'
                OR EXISTS (SELECT FROM jsonb_each(o.facts) AS p WHERE jsonb_typeof(p.value) <> 'object')
                OR EXISTS (SELECT FROM jsonb_each(o.facts) AS p
                            CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(p.value) WHEN 'object' THEN p.value ELSE '{}' END) AS n
                            WHERE jsonb_typeof(n.value) <> 'object'))
        UNION ALL
        SELECT o.n, 6, format('column %I of %s %I.%I has no type SQL could use: %s', c.key, o.kind, o.schema, o.name,
                              left(quote_nullable(c.value ->> 'type'), 200))
          FROM o CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(o.facts -> 'column') WHEN 'object' THEN o.facts -> 'column' ELSE '{}' END) AS c
         WHERE o.kind IN ('table', 'foreign table') AND asymm._is_type_text(c.value ->> 'type') IS NOT TRUE
        UNION ALL
        SELECT o.n, 7, format('role "%s", owner of %s %s.%s, does not exist', o.facts #>> ARRAY[o.kind, '', 'owner'], o.kind, o.schema, o.name)
          FROM o
         WHERE o.facts #>> ARRAY[o.kind, '', 'owner'] IS NOT NULL
           AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = o.facts #>> ARRAY[o.kind, '', 'owner'])
        UNION ALL
        SELECT o.n, 8, format('role "%s", who has privileges on %s %s.%s, does not exist', g.key, o.kind, o.schema, o.name)
          FROM o CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(o.facts #> ARRAY[o.kind, '', 'acl']) WHEN 'object'
                                                    THEN o.facts #> ARRAY[o.kind, '', 'acl'] ELSE '{}' END) AS g
         WHERE g.key <> '' AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = g.key))
    SELECT b.fault INTO v_fault FROM bad AS b ORDER BY b.rank, b.n LIMIT 1;
    RETURN v_fault;
END
$$;
COMMENT ON FUNCTION asymm._baseline_fault(jsonb) IS 'What is wrong with a baseline document, or NULL; names, types and roles are looked up, nothing is run.';

CREATE OR REPLACE FUNCTION asymm._require_baseline(document jsonb) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fault text;
BEGIN
    IF document IS NULL THEN
        PERFORM asymm._require_text(NULL, 'document');
    END IF;
    v_fault := asymm._baseline_fault(document);
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION 'not a usable baseline document'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('%s.', overlay(v_fault PLACING upper(left(v_fault, 1)) FROM 1 FOR 1)),
                  HINT = CASE WHEN v_fault LIKE 'role %' THEN 'Create the role first; roles belong to the server, not to the database.'
                              ELSE 'Take it from another database: SELECT asymm.baseline();' END;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_baseline(jsonb) IS 'Raises 22004 or 22023 unless the document can be imported here.';

-- A database as it is, beside a document: what drifted if the document were the baseline.
CREATE OR REPLACE FUNCTION asymm.diff(document jsonb)
RETURNS TABLE (kind text, object text, part text, name text, attribute text, declared jsonb, actual jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_kinds text[];
    v_oids oid[];
BEGIN
    PERFORM asymm._require_baseline(document);
    SELECT array_agg(o.kind), array_agg(o.object_id) INTO v_kinds, v_oids FROM asymm._objects(NULL) AS o;
    RETURN QUERY
    WITH d AS MATERIALIZED (
        SELECT x.kind, x.schema AS schema_name, x.name AS object_name, x.facts
          FROM jsonb_to_recordset(document -> 'objects') AS x (kind text, schema text, name text, facts jsonb)),
    f AS MATERIALIZED (SELECT * FROM asymm._object_facts(v_kinds, v_oids)),
    x AS (
        SELECT COALESCE(d.kind, f.kind) AS kind, COALESCE(d.schema_name, f.schema_name) AS schema_name,
               COALESCE(d.object_name, f.object_name) AS object_name, d.facts AS declared, f.facts AS actual
          FROM d FULL JOIN f ON (f.kind, f.schema_name, f.object_name) = (d.kind, d.schema_name, d.object_name)
         WHERE d.facts IS DISTINCT FROM f.facts
           AND (d.kind IS NOT NULL OR (document #> '{scope,database}')::boolean OR document #> '{scope,schemas}' ? f.schema_name))
    SELECT x.kind, asymm._object_identity(x.kind, x.schema_name, x.object_name), c.part, c.name, c.attribute, c.declared, c.actual
      FROM x CROSS JOIN LATERAL (
           SELECT k.* FROM asymm._compare(x.declared, x.actual) AS k WHERE x.declared IS NOT NULL AND x.actual IS NOT NULL
           UNION ALL
           SELECT x.kind, '', NULL, x.declared #> ARRAY[x.kind, ''], x.actual #> ARRAY[x.kind, '']
            WHERE x.declared IS NULL OR x.actual IS NULL) AS c
     ORDER BY 1, 2, 3, 4, 5;
END
$$;
COMMENT ON FUNCTION asymm.diff(jsonb)
    IS 'How this database differs from a baseline document of another, one row an attribute (attribute NULL: a whole part or object is missing or extra); changes nothing. Raises 22004, 22023.';

CREATE OR REPLACE FUNCTION asymm.import_baseline(document jsonb) RETURNS TABLE (fingerprint text, objects bigint, approved boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_baseline(document);
    INSERT INTO asymm.imported_baseline AS i (fingerprint, document, imported_by)
    VALUES (document ->> 'fingerprint', document, asymm._caller())
    ON CONFLICT (fingerprint) DO UPDATE SET imported_by = excluded.imported_by, imported_at = excluded.imported_at;
    RETURN QUERY SELECT i.fingerprint, jsonb_array_length(i.document -> 'objects')::bigint, i.approved_at IS NOT NULL
                   FROM asymm.imported_baseline AS i WHERE i.fingerprint = document ->> 'fingerprint';
END
$$;
COMMENT ON FUNCTION asymm.import_baseline(jsonb)
    IS 'Keeps the baseline document of another database, as data only: nothing of it is declared or run until approve_baseline(fingerprint). Look at it with diff(). Raises 22004, 22023.';

CREATE OR REPLACE FUNCTION asymm.approve_baseline(fingerprint text, policy text DEFAULT 'propose')
RETURNS TABLE (object text, kind text, policy_in_force text, change text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_doc jsonb;
    v_before jsonb;
    v_action bigint;
    v record;
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_text(fingerprint, 'fingerprint');
    PERFORM asymm._require_policy(policy);
    SELECT i.document INTO v_doc FROM asymm.imported_baseline AS i WHERE i.fingerprint = approve_baseline.fingerprint FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no imported baseline has this fingerprint'
            USING ERRCODE = 'undefined_object', DETAIL = format('Asked for: "%s".', left(fingerprint, 100)),
                  HINT = 'SELECT * FROM asymm.import_baseline(document); returns it.';
    END IF;
    PERFORM asymm._require_baseline(v_doc);
    -- Approving its texts is leave to run them as their owner, and takes the place of what was declared for others.
    FOR v IN SELECT DISTINCT asymm._declared_owner(x.kind, x.facts) AS owner FROM jsonb_to_recordset(v_doc -> 'objects') AS x (kind text, facts jsonb)
             UNION SELECT asymm._declared_owner(b.kind, b.facts) FROM asymm.baseline AS b LOOP
        PERFORM asymm._require_rights(v.owner, COALESCE('objects of ' || v.owner, 'objects without an owner'));
    END LOOP;
    IF (v_doc #> '{scope,database}')::boolean AND NOT asymm._may_act(NULL) THEN
        PERFORM asymm._require_rights(NULL, 'the database');
    END IF;
    -- Before anything is declared: it may be the first declaration of this database.
    PERFORM asymm._record_place();
    -- What was declared until now is kept the same way: to go back, approve that.
    v_before := asymm.baseline();
    INSERT INTO asymm.imported_baseline (fingerprint, document, imported_by, approved_by, approved_at)
    VALUES (v_before ->> 'fingerprint', v_before, asymm._caller(), asymm._caller(), clock_timestamp())
    ON CONFLICT DO NOTHING;
    UPDATE asymm.imported_baseline AS i SET approved_by = asymm._caller(), approved_at = clock_timestamp()
     WHERE i.fingerprint = approve_baseline.fingerprint;
    INSERT INTO asymm.action (kind, target, owner, state, reason, requested_by, evidence_before, evidence_after, applied_by, applied_at)
    VALUES ('adopt', '*', asymm._caller(), 'verified', 'approve_baseline()', asymm._caller(),
            jsonb_build_object('fingerprint', v_before -> 'fingerprint'), jsonb_build_object('fingerprint', fingerprint),
            asymm._caller(), clock_timestamp())
    RETURNING id INTO v_action;
    INSERT INTO asymm.action_event (action_id, to_state, by_role, note) VALUES (v_action, 'verified', asymm._caller(), 'approve_baseline()');
    PERFORM asymm._set_action_state(a.id, 'expired', 'another baseline was approved')
       FROM asymm.action AS a WHERE a.state IN ('proposed', 'approved');
    DELETE FROM asymm.watched_schema AS w WHERE NOT v_doc #> '{scope,schemas}' ? w.schema_name::text;
    INSERT INTO asymm.watched_schema (schema_name, policy, watched_by)
    SELECT s.name, approve_baseline.policy, asymm._caller() FROM jsonb_array_elements_text(v_doc #> '{scope,schemas}') AS s (name)
    ON CONFLICT DO NOTHING;
    IF (v_doc #> '{scope,database}')::boolean THEN
        INSERT INTO asymm.watched_database (policy, watched_by) VALUES (approve_baseline.policy, asymm._caller()) ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM asymm.watched_database;
    END IF;
    RETURN QUERY
    WITH d AS MATERIALIZED (
        SELECT x.kind, x.schema AS schema_name, x.name AS object_name, x.facts, x.layout
          FROM jsonb_to_recordset(v_doc -> 'objects') AS x (kind text, schema text, name text, facts jsonb, layout jsonb)),
    gone AS (
        DELETE FROM asymm.baseline AS b
         WHERE NOT EXISTS (SELECT FROM d WHERE (d.kind, d.schema_name, d.object_name) = (b.kind, b.schema_name, b.object_name))
        RETURNING b.kind, b.schema_name, b.object_name, b.policy),
    was AS MATERIALIZED (SELECT b.kind, b.schema_name, b.object_name, b.fingerprint FROM asymm.baseline AS b),
    made AS (
        INSERT INTO asymm.baseline AS b (kind, schema_name, object_name, policy, facts, layout, fingerprint, by_schema,
                                         watched_by, adopted_by, reason)
        SELECT d.kind, d.schema_name, d.object_name, approve_baseline.policy, d.facts, d.layout, asymm._fingerprint(d.facts), true,
               asymm._caller(), asymm._caller(), 'approve_baseline(' || left(approve_baseline.fingerprint, 12) || '…)'
          FROM d
        ON CONFLICT ON CONSTRAINT baseline_object DO UPDATE
           SET facts = excluded.facts, layout = excluded.layout, fingerprint = excluded.fingerprint, adopted_by = excluded.adopted_by,
               adopted_at = clock_timestamp(), reason = excluded.reason
        RETURNING b.kind, b.schema_name, b.object_name, b.policy, b.fingerprint)
    SELECT asymm._object_identity(m.kind, m.schema_name, m.object_name), m.kind, m.policy,
           CASE WHEN w.kind IS NULL THEN 'declared' WHEN w.fingerprint = m.fingerprint THEN 'same' ELSE 'changed' END
      FROM made AS m LEFT JOIN was AS w ON (w.kind, w.schema_name, w.object_name) = (m.kind, m.schema_name, m.object_name)
    UNION ALL
    SELECT asymm._object_identity(g.kind, g.schema_name, g.object_name), g.kind, g.policy, 'forgotten' FROM gone AS g
     ORDER BY 2, 1;
    PERFORM asymm._refresh_members(ARRAY(SELECT b.id FROM asymm.baseline AS b));
END
$$;
COMMENT ON FUNCTION asymm.approve_baseline(text, text)
    IS 'Makes an imported document the baseline: what it declares is what should be here, and heal_all() may run its texts. What was declared before is kept as an imported document too. New objects get the given policy. Raises 22004, 22023, 42501, 42704.';
