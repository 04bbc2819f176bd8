-- What hangs on a column: its type's cost, storage, statistics, comment, and its sequence.

CREATE OR REPLACE FUNCTION asymm._plan_retype(rel text, name text, from_facts jsonb, to_facts jsonb, defaults boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- USING only where there is no assignment cast: an explicit cast would cut values that the other refuses. What may
    -- have to wait for leave to delete data is one statement, its default included.
    RETURN concat_ws(', ',
        format('ALTER TABLE %s', rel) || CASE WHEN defaults AND from_facts ? 'default'
                                              THEN format(' ALTER COLUMN %I DROP DEFAULT,', name) ELSE '' END
        || concat_ws(' ', format(' ALTER COLUMN %I TYPE %s', name, to_facts ->> 'type'), 'COLLATE ' || (to_facts ->> 'collation'),
            CASE WHEN asymm._cast_context(asymm._type_oid(from_facts ->> 'type'), asymm._type_oid(to_facts ->> 'type'))
                      IN ('explicit', 'none')
                 THEN 'USING ' || asymm._cast_expression(quote_ident(name), from_facts ->> 'type', to_facts ->> 'type') END),
        CASE WHEN defaults AND to_facts ? 'default' THEN format('ALTER COLUMN %I SET DEFAULT %s', name, to_facts ->> 'default') END,
        CASE WHEN to_facts ? 'storage' THEN format('ALTER COLUMN %I SET STORAGE %s', name, to_facts ->> 'storage') END,
        CASE WHEN to_facts ? 'compression' THEN format('ALTER COLUMN %I SET COMPRESSION %s', name, to_facts ->> 'compression') END);
END
$$;
COMMENT ON FUNCTION asymm._plan_retype(text, text, jsonb, jsonb, boolean)
    IS 'ALTER TYPE from one set of facts to another; storage falls to the type''s default with it.';

CREATE OR REPLACE FUNCTION asymm._type_storage(type_name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END
      FROM pg_type AS t WHERE t.oid = asymm._type_oid(type_name)
$$;
COMMENT ON FUNCTION asymm._type_storage(text) IS 'The storage a type gives its columns.';

CREATE OR REPLACE FUNCTION asymm._plan_column_settings(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT d.key, d.value AS d, CASE WHEN v.value IN ('add', 'remake') THEN '{}' ELSE actual -> d.key END AS a,
               format('ALTER TABLE %s%s ALTER COLUMN %I ', context ->> 'only', v_rel, d.key) AS head,
               format('ALTER TABLE %s ALTER COLUMN %I ', v_rel, d.key) AS head_all,
               v.value IN ('retype', 'plain') AND d.value -> 'type' <> actual -> d.key -> 'type' AS retyped,
               array_position(ARRAY(SELECT jsonb_array_elements_text(context -> 'layout')), d.key) AS ord
          FROM jsonb_each(declared) AS d
          JOIN jsonb_each_text(context -> 'column') AS v ON v.key = d.key
         WHERE d.value IS DISTINCT FROM actual -> d.key OR v.value = 'remake'),
    s AS (
        SELECT 470 AS phase, c.ord, c.key, concat(c.head, 'SET STORAGE ', COALESCE(c.d ->> 'storage', t.storage)) AS forward,
               concat(c.head, 'SET STORAGE ', COALESCE(c.a ->> 'storage', t.storage)) AS inverse, 'ACCESS EXCLUSIVE' AS lock_class
          FROM c CROSS JOIN LATERAL (SELECT asymm._type_storage(c.d ->> 'type')) AS t (storage)
         WHERE c.d -> 'storage' IS DISTINCT FROM c.a -> 'storage' AND NOT c.retyped
        UNION ALL
        SELECT 471, c.ord, c.key, concat(c.head_all, 'SET COMPRESSION ', COALESCE(c.d ->> 'compression', 'default')),
               concat(c.head_all, 'SET COMPRESSION ', COALESCE(c.a ->> 'compression', 'default')), 'ACCESS EXCLUSIVE'
          FROM c WHERE c.d -> 'compression' IS DISTINCT FROM c.a -> 'compression' AND NOT c.retyped
        UNION ALL
        SELECT 472, c.ord, c.key, concat(c.head, 'SET STATISTICS ', COALESCE((c.d -> 'statistics')::integer, -1)),
               concat(c.head, 'SET STATISTICS ', COALESCE((c.a -> 'statistics')::integer, -1)), 'SHARE UPDATE EXCLUSIVE'
          FROM c WHERE c.d -> 'statistics' IS DISTINCT FROM c.a -> 'statistics'
        UNION ALL
        SELECT 473, c.ord, c.key, concat(c.head, o.action), concat(c.head, o.undo), 'SHARE UPDATE EXCLUSIVE'
          FROM c CROSS JOIN LATERAL asymm._column_option_changes(c.d -> 'options', c.a -> 'options') AS o
        UNION ALL
        SELECT 700, c.ord, c.key, format('COMMENT ON COLUMN %s.%I IS %L', v_rel, c.key, c.d ->> 'comment'),
               format('COMMENT ON COLUMN %s.%I IS %L', v_rel, c.key, c.a ->> 'comment'), 'SHARE UPDATE EXCLUSIVE'
          FROM c WHERE c.d -> 'comment' IS DISTINCT FROM c.a -> 'comment')
    SELECT s.phase, s.ord, 'column', s.key, s.forward, s.inverse, s.lock_class, '{}'::text[], NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_column_settings(jsonb, jsonb, jsonb) IS 'Steps that mend storage, compression, statistics target, options and comment of columns.';

-- An owned sequence under another name, and nothing under the declared one: it was renamed.
CREATE OR REPLACE FUNCTION asymm._plan_sequence_renamed(declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN declared #>> '{sequence,name}' <> actual #>> '{sequence,name}' AND declared ? 'identity' = (actual ? 'identity')
           AND asymm._relation_oid(declared #>> '{sequence,name}') IS NULL;
END
$$;
COMMENT ON FUNCTION asymm._plan_sequence_renamed(jsonb, jsonb) IS 'Whether the sequence of a column only has another name.';

CREATE OR REPLACE FUNCTION asymm._plan_position(rel text, name text, facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('SELECT pg_catalog.setval(%L::pg_catalog.regclass, pg_catalog.%s(%I)::bigint) FROM %s HAVING pg_catalog.%s(%I) BETWEEN %s AND %s',
                  facts #>> '{sequence,name}', v.edge, name, rel, v.edge, name, (facts #>> '{sequence,min}')::bigint,
                  (facts #>> '{sequence,max}')::bigint)
      FROM (SELECT CASE WHEN (facts #>> '{sequence,increment}')::bigint > 0 THEN 'max' ELSE 'min' END AS edge) AS v
     WHERE facts ? 'sequence' AND facts ->> 'type' ~ '^(smallint|integer|bigint|numeric)'
$$;
COMMENT ON FUNCTION asymm._plan_position(text, text, jsonb) IS 'Statement that moves a new sequence past the values its column holds.';

CREATE OR REPLACE FUNCTION asymm._plan_sequence_back(sequence jsonb, owner text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(E';\n',
        asymm._sequence_statement(sequence ->> 'name', sequence),
        CASE WHEN owner IS NOT NULL THEN format('ALTER SEQUENCE %s OWNER TO %I', sequence ->> 'name', owner) END)
$$;
COMMENT ON FUNCTION asymm._plan_sequence_back(jsonb, text) IS 'Script that makes a sequence.';

CREATE OR REPLACE FUNCTION asymm._plan_sequences(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_owner text := context ->> 'owner';
    v_leaving text[];
BEGIN
    -- Sequences that go with a column or an identity before new ones are made.
    SELECT COALESCE(array_agg(a.value #>> '{sequence,name}'), '{}') INTO v_leaving
      FROM jsonb_each(actual) AS a
     WHERE a.value ? 'sequence'
       AND (context -> 'column' ->> a.key IN ('drop', 'remake') OR a.value ? 'identity' <> (declared -> a.key ? 'identity'));
    RETURN QUERY
    WITH c AS (
        SELECT d.key, d.value AS d, a.value AS a, d.value -> 'sequence' AS ds, a.value -> 'sequence' AS s,
               d.value #>> '{sequence,name}' AS name, d.value ? 'identity' AS d_identity, COALESCE(a.value ? 'identity', false) AS a_identity,
               asymm._plan_sequence_renamed(d.value, a.value) AS renamed
          FROM jsonb_each(declared) AS d
          LEFT JOIN jsonb_each(actual) AS a ON a.key = d.key AND context -> 'column' ->> d.key NOT IN ('add', 'remake')
         WHERE d.value -> 'sequence' IS DISTINCT FROM a.value -> 'sequence' OR d.value ? 'identity' <> (a.value ? 'identity')),
    k AS (
        -- The declared sequence is the present one, perhaps under another name.
        SELECT c.*, c.ds IS NOT NULL AND c.s IS NOT NULL AND c.d_identity = c.a_identity
                    AND (c.d_identity OR c.renamed OR c.name = c.s ->> 'name') AS kept
          FROM c),
    e AS (
        SELECT k.*, k.ds IS NOT NULL AND NOT k.d_identity AND NOT k.kept AS new_serial,
               CASE WHEN k.ds IS NOT NULL AND NOT k.d_identity AND NOT k.kept AND k.name <> ALL (v_leaving)
                    THEN (SELECT q FROM asymm._relation_oid(k.name) AS q
                           -- What the table owns goes with it before it is made again.
                           WHERE NOT EXISTS (SELECT FROM pg_depend AS p
                                              WHERE p.classid = 'pg_class'::regclass AND p.objid = q AND p.refclassid = 'pg_class'::regclass
                                                -- Another's identity goes with that.
                                                AND (p.deptype = 'a' AND context -> 'relid' = 'null' AND p.refobjid = asymm._relation_oid(v_rel)
                                                     OR p.deptype = 'i'))) END AS present
          FROM k),
    n AS (
        -- What the options are when the statement that sets them comes.
        SELECT e.*, CASE WHEN e.present IS NOT NULL THEN
                             (SELECT jsonb_strip_nulls(jsonb_build_object('type', format_type(q.seqtypid, NULL), 'start', q.seqstart::text,
                                         'increment', q.seqincrement::text, 'min', q.seqmin::text, 'max', q.seqmax::text,
                                         'cache', q.seqcache::text, 'cycle', CASE WHEN q.seqcycle THEN true END))
                                FROM pg_sequence AS q WHERE q.seqrelid = e.present)
                         WHEN e.kept THEN e.s END AS options
          FROM e),
    s AS (
        -- First of all: with a table that has to go would go what it owns.
        SELECT 9 AS phase, n.key, format('ALTER SEQUENCE %s OWNED BY NONE', n.name) AS forward,
               format('ALTER SEQUENCE %s OWNED BY %s', n.name, asymm._sequence_column(n.present)) AS inverse
          FROM n
         WHERE EXISTS (SELECT FROM pg_depend AS p WHERE p.classid = 'pg_class'::regclass AND p.objid = n.present AND p.deptype = 'a'
                          AND p.refclassid = 'pg_class'::regclass AND p.refobjid IS DISTINCT FROM (context ->> 'relid')::oid)
        UNION ALL
        SELECT 320, n.key, CASE WHEN n.d_identity THEN format('DROP SEQUENCE %s', n.s ->> 'name')
                                         ELSE format('ALTER SEQUENCE %s OWNED BY NONE', n.s ->> 'name') END,
               concat_ws(E';\n', CASE WHEN n.d_identity THEN asymm._plan_sequence_back(n.s, v_owner) END,
                         format('ALTER SEQUENCE %s OWNED BY %s.%I', n.s ->> 'name', v_rel, n.key),
                         CASE WHEN n.d_identity THEN asymm._plan_position(v_rel, n.key, n.a) END)
          FROM n WHERE n.s IS NOT NULL AND NOT n.a_identity AND NOT n.kept
        UNION ALL
        SELECT 325, n.key, format('ALTER SEQUENCE %s RENAME TO %I', n.s ->> 'name', (parse_ident(n.name))[2]),
               format('ALTER SEQUENCE %s RENAME TO %I', n.name, (parse_ident(n.s ->> 'name'))[2])
          FROM n WHERE n.renamed
        UNION ALL
        SELECT 330, n.key, asymm._sequence_statement(n.name, n.ds),
               format('DROP SEQUENCE %s', n.name)
          FROM n WHERE n.new_serial AND n.present IS NULL
        UNION ALL
        SELECT 331, n.key, format('ALTER SEQUENCE %s OWNER TO %I', n.name, v_owner), format('ALTER SEQUENCE %s OWNER TO %I', n.name, v_owner)
          FROM n WHERE n.new_serial AND n.present IS NULL AND v_owner IS NOT NULL
        UNION ALL
        -- Both have one owner, or it can't be owned.
        SELECT 461, n.key, format('ALTER SEQUENCE %s OWNER TO %s', n.name, COALESCE(quote_ident(v_owner), 'CURRENT_USER')),
               format('ALTER SEQUENCE %s OWNER TO %I', n.name, pg_get_userbyid(c.relowner))
          FROM n JOIN pg_class AS c ON c.oid = n.present
         WHERE n.new_serial AND pg_get_userbyid(c.relowner) IS DISTINCT FROM v_owner
        UNION ALL
        SELECT 462, n.key, format('ALTER SEQUENCE %s OWNED BY %s.%I', n.name, v_rel, n.key), format('ALTER SEQUENCE %s OWNED BY NONE', n.name)
          FROM n
         WHERE n.new_serial
           -- A column without a default does not show what it owns.
           AND NOT EXISTS (SELECT FROM pg_depend AS p JOIN pg_attribute AS c ON c.attrelid = p.refobjid AND c.attnum = p.refobjsubid
                            WHERE p.classid = 'pg_class'::regclass AND p.objid = n.present AND p.refclassid = 'pg_class'::regclass
                              AND p.deptype = 'a' AND p.refobjid = (context ->> 'relid')::oid AND c.attname = n.key)
        UNION ALL
        SELECT 466, n.key, asymm._plan_position(v_rel, n.key, n.d),
               format('SELECT pg_catalog.setval(%L::pg_catalog.regclass, %s, false)', n.name, (n.ds ->> 'start')::bigint)
          FROM n WHERE n.a IS NOT NULL AND (n.new_serial AND n.present IS NULL OR n.d_identity AND NOT n.a_identity)
                   AND context -> 'relid' <> 'null'
        UNION ALL
        -- The table takes its sequences along when it is SET LOGGED or UNLOGGED (480), and new identities are as it is.
        SELECT 482, n.key, format('ALTER SEQUENCE %s SET %s', n.name, CASE WHEN n.ds ->> 'persistence' = 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END),
               format('ALTER SEQUENCE %s SET %s', n.name, CASE WHEN n.ds ->> 'persistence' = 'u' THEN 'LOGGED' ELSE 'UNLOGGED' END)
          FROM n CROSS JOIN LATERAL (
              SELECT CASE WHEN NOT (context -> 'persists')::boolean OR n.d_identity AND NOT n.kept THEN context ->> 'persistence'
                          WHEN n.present IS NOT NULL THEN (SELECT p.relpersistence::text FROM pg_class AS p WHERE p.oid = n.present)
                          WHEN n.kept THEN COALESCE(n.s ->> 'persistence', 'p') END AS persistence) AS e
         WHERE n.ds IS NOT NULL AND COALESCE(n.ds ->> 'persistence', 'p') <> e.persistence
        UNION ALL
        SELECT 700, n.key, format('COMMENT ON SEQUENCE %s IS %L', n.name, n.ds ->> 'comment'),
               format('COMMENT ON SEQUENCE %s IS %L', n.name, o.comment)
          FROM n CROSS JOIN LATERAL (
              SELECT CASE WHEN n.present IS NOT NULL THEN asymm._comment_on(n.present, 'pg_class')
                          WHEN n.kept THEN n.s ->> 'comment' END AS comment) AS o
         WHERE n.ds IS NOT NULL AND n.ds ->> 'comment' IS DISTINCT FROM o.comment)
    SELECT s.phase, 0, 'column', s.key, s.forward, s.inverse, 'none', '{}'::text[], NULL::text FROM s WHERE s.forward IS NOT NULL
    UNION ALL
    SELECT 465, o.ord, 'column', n.key, o.forward, o.inverse, 'none', o.hazards, o.precondition
      FROM n CROSS JOIN LATERAL asymm._plan_sequence_options(n.name, n.ds, n.options) AS o
     WHERE n.ds - '{name,owned,acl,comment,persistence}'::text[] <> n.options - '{name,owned,acl,comment,persistence}'::text[];
END
$$;
COMMENT ON FUNCTION asymm._plan_sequences(jsonb, jsonb, jsonb) IS 'Steps that mend the sequences columns own.';
