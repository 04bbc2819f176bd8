-- The kinds of 458 and 459 together: what there is to watch, and the way into their planners.

CREATE OR REPLACE FUNCTION asymm._other_objects(schemas oid[]) RETURNS TABLE (class_id oid, object_id oid, kind text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    -- None of these lives in a schema. What the server came with (plpgsql) and this extension itself are left out.
    RETURN QUERY
    SELECT 'pg_namespace'::regclass::oid, n.oid, 'schema' FROM pg_namespace AS n
     WHERE schemas IS NULL AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'asymm')
    UNION ALL
    SELECT 'pg_extension'::regclass, e.oid, 'extension' FROM pg_extension AS e
     WHERE schemas IS NULL AND e.oid >= 16384 AND e.extname NOT LIKE 'asymmetrica%'
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 'foreign-data wrapper' FROM pg_foreign_data_wrapper AS w WHERE schemas IS NULL
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, s.oid, 'server' FROM pg_foreign_server AS s WHERE schemas IS NULL
    UNION ALL
    SELECT 'pg_user_mapping'::regclass, m.umid, 'user mapping' FROM pg_user_mappings AS m WHERE schemas IS NULL
    UNION ALL
    SELECT 'pg_publication'::regclass, p.oid, 'publication' FROM pg_publication AS p WHERE schemas IS NULL
    UNION ALL
    SELECT 'pg_subscription'::regclass, s.oid, 'subscription' FROM pg_subscription AS s
     WHERE schemas IS NULL AND s.subdbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    UNION ALL
    SELECT 'pg_event_trigger'::regclass, t.oid, 'event trigger' FROM pg_event_trigger AS t WHERE schemas IS NULL
    UNION ALL
    SELECT 'pg_default_acl'::regclass, d.oid, 'default acl' FROM pg_default_acl AS d WHERE schemas IS NULL;
END
$$;
COMMENT ON FUNCTION asymm._other_objects(oid[])
    IS 'Objects that live in no schema: schemas, extensions, foreign-data wrappers, servers, user mappings, publications, subscriptions, event triggers, default privileges.';

CREATE OR REPLACE FUNCTION asymm._other_identity(kind text, schema_name text, object_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- The server prints the role quoted, the name of the server not.
    SELECT CASE WHEN kind = 'user mapping' THEN (
                    SELECT format('FOR %s SERVER %I', m.parts[1], m.parts[2])
                      FROM regexp_match(object_name, '^("(?:[^"]|"")*"|[^" ]+) on server (.*)$') AS m (parts)
                     WHERE m.parts IS NOT NULL)
                WHEN kind = 'default acl' THEN object_name
                ELSE quote_ident(object_name) END
$$;
COMMENT ON FUNCTION asymm._other_identity(text, text, text) IS 'Name of such an object as SQL wants it after DROP, ALTER or COMMENT ON and its kind.';

CREATE OR REPLACE FUNCTION asymm._remakes_other(kind text, declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT declared IS NOT NULL AND actual IS NOT NULL AND CASE kind
        WHEN 'server' THEN (declared #> '{server,"",wrapper}', declared #> '{server,"",type}')
                           IS DISTINCT FROM (actual #> '{server,"",wrapper}', actual #> '{server,"",type}')
        WHEN 'publication' THEN (declared #> '{publication,"",all_tables}', declared #> '{publication,"",all_sequences}')
                                IS DISTINCT FROM (actual #> '{publication,"",all_tables}', actual #> '{publication,"",all_sequences}')
        WHEN 'event trigger' THEN (declared #> '{event trigger,""}') - '{owner,enabled,comment}'::text[]
                                  <> (actual #> '{event trigger,""}') - '{owner,enabled,comment}'::text[]
        ELSE false END
$$;
COMMENT ON FUNCTION asymm._remakes_other(text, jsonb, jsonb) IS 'Whether such an object has to be dropped and made anew to become the declared one.';

CREATE OR REPLACE FUNCTION asymm._plan_other_made(kind text, object_name text, declared jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CASE kind
        WHEN 'schema' THEN RETURN QUERY SELECT p.* FROM asymm._plan_schema(object_name, declared, actual) AS p;
        WHEN 'extension' THEN RETURN QUERY SELECT p.* FROM asymm._plan_extension(object_name, declared, actual, object_id) AS p;
        WHEN 'foreign-data wrapper' THEN RETURN QUERY SELECT p.* FROM asymm._plan_foreign_data_wrapper(object_name, declared, actual) AS p;
        WHEN 'server' THEN RETURN QUERY SELECT p.* FROM asymm._plan_server(object_name, declared, actual) AS p;
        WHEN 'user mapping' THEN RETURN QUERY SELECT p.* FROM asymm._plan_user_mapping(declared, actual) AS p;
        WHEN 'publication' THEN RETURN QUERY SELECT p.* FROM asymm._plan_publication(object_name, declared, actual) AS p;
        WHEN 'subscription' THEN RETURN QUERY SELECT p.* FROM asymm._plan_subscription(object_name, declared, actual) AS p;
        WHEN 'event trigger' THEN RETURN QUERY SELECT p.* FROM asymm._plan_event_trigger(object_name, declared, actual) AS p;
        WHEN 'default acl' THEN RETURN QUERY SELECT p.* FROM asymm._plan_default_acl(declared, actual) AS p;
    END CASE;
END
$$;
COMMENT ON FUNCTION asymm._plan_other_made(text, text, jsonb, jsonb, oid) IS 'Steps that make such an object (actual NULL) or mend it where it stands.';

CREATE OR REPLACE FUNCTION asymm._plan_other(
    kind text, schema_name text, object_name text, declared jsonb, layout jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_remade boolean := asymm._remakes_other(kind, declared, actual);
BEGIN
    -- Default privileges are nothing but grants; a subscription is never dropped here.
    IF actual IS NOT NULL AND (declared IS NULL OR v_remade) AND kind NOT IN ('default acl', 'subscription') THEN
        RETURN QUERY
        SELECT 10, d.ord - CASE WHEN kind = 'extension' THEN asymm._extension_depth(object_name) ELSE 0 END, kind, '',
               concat_ws(' ', 'DROP', upper(replace(kind, '-', ' ')), asymm._other_identity(kind, schema_name, object_name)),
               -- What has to be given back that is not known can't be given back.
               CASE WHEN NOT EXISTS (SELECT FROM asymm._plan_other_made(kind, object_name, actual, NULL, NULL) AS p WHERE p.forward IS NULL)
                    THEN (SELECT string_agg(p.forward, E';\n' ORDER BY p.phase, p.ord)
                            FROM asymm._plan_other_made(kind, object_name, actual, NULL, NULL) AS p) END,
               'none', CASE WHEN e.empty IS NOT NULL THEN ARRAY['deletes data'] ELSE '{}' END, e.empty
          -- What others stand on goes last.
          FROM (VALUES ('event trigger', -300), ('publication', -200), ('user mapping', 800), ('server', 810), ('foreign-data wrapper', 820),
                       ('extension', 900), ('schema', 1000)) AS d (kind, ord)
         CROSS JOIN LATERAL (SELECT CASE WHEN kind = 'extension' THEN asymm._extension_is_empty(object_id) END) AS e (empty)
         WHERE d.kind = _plan_other.kind;
    END IF;
    IF declared IS NOT NULL OR kind IN ('default acl', 'subscription') THEN
        RETURN QUERY
        SELECT p.* FROM asymm._plan_other_made(kind, object_name, declared, CASE WHEN NOT v_remade THEN actual END, object_id) AS p;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._plan_other(text, text, text, jsonb, jsonb, jsonb, oid)
    IS 'Steps from an object that lives in no schema, as it is, to the declared one (NULL: drop it).';
