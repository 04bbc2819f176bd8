-- Steps for foreign-data wrappers, servers and user mappings.

-- OPTIONS (…) from one set of facts to another. What only a hash is known of can be dropped, never given back: then
-- undo is NULL, and what is declared of it is named in lost.
CREATE OR REPLACE FUNCTION asymm._server_option_changes(wanted jsonb, present jsonb)
RETURNS TABLE (action text, undo text, lost text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (SELECT COALESCE(w.key, p.key) AS key, w.value AS wanted, p.value AS present, asymm._is_keyed_hash(w.value) AS wanted_hash,
                      asymm._is_keyed_hash(p.value) AS present_hash
                 FROM jsonb_each_text(wanted) AS w FULL JOIN jsonb_each_text(present) AS p ON p.key = w.key
                WHERE w.value IS DISTINCT FROM p.value)
    SELECT format('OPTIONS (%s)', string_agg(asymm._option_change(o.key, o.present, o.wanted), ', ' ORDER BY o.key COLLATE "C")),
           CASE WHEN NOT o.present_hash THEN
               format('OPTIONS (%s)', string_agg(asymm._option_change(o.key, o.wanted, o.present), ', ' ORDER BY o.key COLLATE "C")) END,
           NULL::text
      FROM o WHERE NOT o.wanted_hash GROUP BY o.present_hash
    UNION ALL
    SELECT NULL, NULL, o.key FROM o WHERE o.wanted_hash
$$;
COMMENT ON FUNCTION asymm._server_option_changes(jsonb, jsonb) IS 'OPTIONS clauses between two sets of foreign options, their inverse, and the options whose value nobody knows.';

CREATE OR REPLACE FUNCTION asymm._option_change(name text, present text, wanted text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN wanted IS NULL THEN format('DROP %I', name)
                WHEN present IS NULL THEN format('ADD %I %L', name, wanted) ELSE format('SET %I %L', name, wanted) END
$$;
COMMENT ON FUNCTION asymm._option_change(text, text, text) IS 'ADD, SET or DROP of one foreign option.';

-- For CREATE: what is known of the options.
CREATE OR REPLACE FUNCTION asymm._server_options(options jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format(' OPTIONS (%s)', string_agg(format('%I %L', o.key, o.value), ', ' ORDER BY o.key COLLATE "C"))
      FROM jsonb_each_text(options) AS o WHERE NOT asymm._is_keyed_hash(o.value) HAVING count(*) > 0
$$;
COMMENT ON FUNCTION asymm._server_options(jsonb) IS 'OPTIONS clause of CREATE from facts, without what is secret.';

CREATE OR REPLACE FUNCTION asymm._plan_server_options(of_part text, command text, of_phase integer, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN o.lost IS NULL THEN of_phase ELSE 0 END, 10, of_part, '',
           command || ' ' || o.action, command || ' ' || o.undo, 'none',
           CASE WHEN o.lost IS NULL THEN '{}' ELSE ARRAY[format('not healable: the value of option "%s" is not kept', o.lost)] END, NULL::text
      FROM asymm._server_option_changes(declared -> 'options',
               -- CREATE has given it what is known.
               CASE WHEN actual IS NULL THEN (SELECT jsonb_object_agg(k.key, k.value) FROM jsonb_each_text(declared -> 'options') AS k
                                               WHERE NOT asymm._is_keyed_hash(k.value))
                    ELSE actual -> 'options' END) AS o
$$;
COMMENT ON FUNCTION asymm._plan_server_options(text, text, integer, jsonb, jsonb) IS 'Steps that mend the options of a wrapper, server or user mapping.';

CREATE OR REPLACE FUNCTION asymm._plan_foreign_data_wrapper(object_name text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (
        SELECT declared #> '{foreign-data wrapper,""}' AS d, actual #> '{foreign-data wrapper,""}' AS a, quote_ident(object_name) AS name),
    -- Its functions may have to be made first, which is later than the wrapper.
    f AS (SELECT p.attribute, p.word, o.d ->> p.attribute AS wanted, o.a ->> p.attribute AS present
            FROM o CROSS JOIN (VALUES ('handler', 'HANDLER'), ('validator', 'VALIDATOR')) AS p (attribute, word)),
    l AS (SELECT f.*, f.wanted IS NOT NULL AND NOT EXISTS (
                     SELECT FROM parse_ident(f.wanted) AS i (parts) JOIN pg_namespace AS n ON n.nspname = i.parts[1]
                       JOIN pg_proc AS p ON p.pronamespace = n.oid AND p.proname = i.parts[2]) AS late FROM f)
    SELECT 24, 0, 'foreign-data wrapper', '',
           concat('CREATE FOREIGN DATA WRAPPER ', o.name,
                  (SELECT string_agg(format(' %s %s', l.word, l.wanted), '' ORDER BY l.word) FROM l WHERE l.wanted IS NOT NULL AND NOT l.late),
                  asymm._server_options(o.d -> 'options')), format('DROP FOREIGN DATA WRAPPER %s', o.name), 'none', '{}'::text[], NULL::text
      FROM o WHERE o.a IS NULL
    UNION ALL
    SELECT CASE WHEN l.late THEN 38 ELSE 24 END, 5, 'foreign-data wrapper', '',
           concat('ALTER FOREIGN DATA WRAPPER ', o.name, COALESCE(' ' || l.word || ' ' || l.wanted, ' NO ' || l.word)),
           concat('ALTER FOREIGN DATA WRAPPER ', o.name, COALESCE(' ' || l.word || ' ' || l.present, ' NO ' || l.word)), 'none', '{}', NULL
      FROM o CROSS JOIN l WHERE l.wanted IS DISTINCT FROM l.present AND (o.a IS NOT NULL OR l.late)
    UNION ALL
    SELECT x.* FROM o CROSS JOIN LATERAL asymm._plan_server_options(
        'foreign-data wrapper', 'ALTER FOREIGN DATA WRAPPER ' || o.name, 24, o.d, o.a) AS x
    UNION ALL
    SELECT c.* FROM o CROSS JOIN LATERAL asymm._plan_common('FOREIGN DATA WRAPPER', o.name, 'F', 'foreign-data wrapper', '', o.d, o.a) AS c
$$;
COMMENT ON FUNCTION asymm._plan_foreign_data_wrapper(text, jsonb, jsonb) IS 'Steps that make or mend a foreign-data wrapper.';

CREATE OR REPLACE FUNCTION asymm._plan_server(object_name text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (SELECT declared #> '{server,""}' AS d, actual #> '{server,""}' AS a, quote_ident(object_name) AS name)
    SELECT 26, 0, 'server', '',
           concat('CREATE SERVER ', o.name, ' TYPE ' || quote_literal(o.d ->> 'type'), ' VERSION ' || quote_literal(o.d ->> 'version'),
                  ' FOREIGN DATA WRAPPER ', quote_ident(o.d ->> 'wrapper'), asymm._server_options(o.d -> 'options')),
           format('DROP SERVER %s', o.name), 'none', '{}'::text[], NULL::text
      FROM o WHERE o.a IS NULL
    UNION ALL
    SELECT 26, 5, 'server', '', format('ALTER SERVER %s VERSION %L', o.name, o.d ->> 'version'),
           format('ALTER SERVER %s VERSION %L', o.name, o.a ->> 'version'), 'none', '{}', NULL
      FROM o WHERE o.a IS NOT NULL AND o.d -> 'version' IS DISTINCT FROM o.a -> 'version'
    UNION ALL
    SELECT x.* FROM o CROSS JOIN LATERAL asymm._plan_server_options('server', 'ALTER SERVER ' || o.name, 26, o.d, o.a) AS x
    UNION ALL
    SELECT c.* FROM o CROSS JOIN LATERAL asymm._plan_common('SERVER', o.name, 'S', 'server', '', o.d, o.a) AS c
$$;
COMMENT ON FUNCTION asymm._plan_server(text, jsonb, jsonb) IS 'Steps that make or mend a foreign server.';

CREATE OR REPLACE FUNCTION asymm._user_mapping_target(facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('USER MAPPING FOR %s SERVER %I', CASE WHEN facts ->> 'role' = '' THEN 'PUBLIC' ELSE quote_ident(facts ->> 'role') END,
                  facts ->> 'server')
$$;
COMMENT ON FUNCTION asymm._user_mapping_target(jsonb) IS 'USER MAPPING FOR … SERVER … of a fact.';

CREATE OR REPLACE FUNCTION asymm._plan_user_mapping(declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (SELECT declared #> '{user mapping,""}' AS d, actual #> '{user mapping,""}' AS a)
    SELECT 26, 50, 'user mapping', '', concat('CREATE ', asymm._user_mapping_target(o.d), asymm._server_options(o.d -> 'options')),
           concat('DROP ', asymm._user_mapping_target(o.d)), 'none', '{}'::text[], NULL::text
      FROM o WHERE o.a IS NULL
    UNION ALL
    SELECT x.phase, 60, x.part, x.name, x.forward, x.inverse, x.lock_class, x.hazards, x.precondition
      FROM o CROSS JOIN LATERAL asymm._plan_server_options('user mapping', 'ALTER ' || asymm._user_mapping_target(o.d), 26, o.d, o.a) AS x
$$;
COMMENT ON FUNCTION asymm._plan_user_mapping(jsonb, jsonb) IS 'Steps that make or mend a user mapping.';
