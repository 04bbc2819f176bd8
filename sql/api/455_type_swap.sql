-- Swapping a type, domain or collation that cannot be altered for one of the same name: the old one steps aside under
-- another name, the new one is made, with everything that is built of it (arrays come by themselves; domains, ranges,
-- composite types); columns are turned over, the old one goes. Defaults, constraints, indexes, views, functions and
-- whatever else depends on it was taken off before (462_dependents.sql) and comes back after.

-- Everything built of an object: rows with the longest way to it. Arrays and multiranges are passed through.
CREATE OR REPLACE FUNCTION asymm._built_of(class_id oid, object_id oid) RETURNS TABLE (member_class oid, member_id oid, depth integer)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE node (class_id, oid, depth) AS (
        SELECT _built_of.class_id, _built_of.object_id, 0
        UNION
        SELECT 'pg_type'::regclass::oid, n.oid, x.depth + 1
          FROM node AS x
          JOIN pg_depend AS d ON d.refclassid = x.class_id AND d.refobjid = x.oid AND d.refobjsubid = 0
         CROSS JOIN LATERAL (
              SELECT d.objid AS oid WHERE d.classid = 'pg_type'::regclass
              UNION ALL
              SELECT c.reltype FROM pg_class AS c
               WHERE d.classid = 'pg_class'::regclass AND d.objsubid > 0 AND c.oid = d.objid AND c.relkind = 'c') AS n
         WHERE x.depth < 30)
    SELECT n.class_id, n.oid, max(n.depth) FROM node AS n GROUP BY n.class_id, n.oid;
END
$$;
COMMENT ON FUNCTION asymm._built_of(oid, oid) IS 'A type, domain or collation and every type built of it, with the longest way to it.';

CREATE OR REPLACE FUNCTION asymm._unwrapped(type_id oid, wanted oid) RETURNS oid
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_oid oid := type_id;
    v_base oid;
BEGIN
    WHILE v_oid <> wanted LOOP
        SELECT t.typbasetype INTO v_base FROM pg_type AS t WHERE t.oid = v_oid;
        EXIT WHEN v_base IS NULL OR v_base = 0;
        v_oid := v_base;
    END LOOP;
    RETURN v_oid;
END
$$;
COMMENT ON FUNCTION asymm._unwrapped(oid, oid) IS 'What a domain is made over, down to a wanted type or to what is no domain.';

-- Columns of tables that are built of one of these types; attnum 0 for a table made OF one.
CREATE OR REPLACE FUNCTION asymm._swap_columns(class_id oid, object_id oid) RETURNS TABLE (relid oid, attnum smallint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT DISTINCT c.oid, d.objsubid::smallint
      FROM asymm._built_of(class_id, object_id) AS m
      JOIN pg_depend AS d ON d.refclassid = m.member_class AND d.refobjid = m.member_id AND d.classid = 'pg_class'::regclass
      JOIN pg_class AS c ON c.oid = d.objid
     WHERE c.relkind IN ('r', 'p', 'f') AND (d.objsubid > 0 OR c.reloftype = m.member_id);
END
$$;
COMMENT ON FUNCTION asymm._swap_columns(oid, oid) IS 'Columns of tables that are built of a type, domain or collation; a row with 0 for a table OF it.';

-- What is needed to write the swap down, forwards and backwards. Generated columns are out of the way by then.
CREATE OR REPLACE FUNCTION asymm._swap_scene(class_id oid, object_id oid, leaving jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH b AS MATERIALIZED (SELECT * FROM asymm._built_of(class_id, object_id) AS b WHERE b.depth > 0),
        w AS MATERIALIZED (SELECT w.relid, array_agg(w.attnum) AS attnums FROM asymm._swap_columns(class_id, object_id) AS w
               WHERE leaving @> to_jsonb(w.relid::bigint) IS NOT TRUE
               GROUP BY w.relid)
        SELECT jsonb_build_object(
            'types', (SELECT COALESCE(jsonb_agg(to_jsonb(t) || jsonb_build_object('depth', b.depth) ORDER BY b.depth), '[]')
                        FROM b CROSS JOIN LATERAL (
                             SELECT 'type' AS kind, x.schema_name, x.object_name, x.facts FROM asymm._type_facts(ARRAY[b.member_id]) AS x
                               JOIN pg_type AS y ON y.oid = b.member_id AND y.typtype IN ('c', 'r')
                             UNION ALL
                             SELECT 'domain', x.schema_name, x.object_name, x.facts
                               FROM asymm._domain_facts(ARRAY[b.member_id]) AS x) AS t),
            'tables', (SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                                  'rel', format('%I.%I', n.nspname, c.relname), 'remote', CASE WHEN c.relkind = 'f' THEN true END,
                                  'of_type', CASE WHEN 0 = ANY (w.attnums) THEN format_type(c.reloftype, NULL) END,
                                  'key', CASE WHEN p.partattrs::smallint[] && w.attnums THEN true END,
                                  'columns', (SELECT jsonb_agg(jsonb_build_object(
                                                         'name', a.attname, 'facts', f.facts::jsonb -> a.attname,
                                                         'way', CASE
                                                         WHEN asymm._unwrapped(a.atttypid, object_id) = object_id
                                                              OR a.attcollation = object_id THEN 'direct'
                                                         WHEN asymm._unwrapped(a.atttypid, e.typarray) = e.typarray THEN 'array'
                                                         ELSE 'nested' END))
                                                FROM pg_attribute AS a
                                               WHERE a.attrelid = w.relid AND a.attnum = ANY (w.attnums) AND a.attnum > 0
                                                 AND a.attinhcount = 0 AND a.attgenerated = '')))
                                  ORDER BY w.relid), '[]')
                         FROM w
                         JOIN pg_class AS c ON c.oid = w.relid
                         JOIN pg_namespace AS n ON n.oid = c.relnamespace
                         LEFT JOIN pg_partitioned_table AS p ON p.partrelid = w.relid
                         LEFT JOIN pg_type AS e ON e.oid = object_id AND class_id = 'pg_type'::regclass
                         LEFT JOIN asymm._column_facts(ARRAY(SELECT w.relid FROM w)) AS f ON f.relid = w.relid)));
END
$$;
COMMENT ON FUNCTION asymm._swap_scene(oid, oid, jsonb)
    IS 'What stands around a type, domain or collation that is to be swapped: the types built of it, the columns of tables but those that are leaving.';

-- The whole making of an object as a script.
CREATE OR REPLACE FUNCTION asymm._types_script(kind text, schema_name text, object_name text, facts jsonb) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT string_agg(p.forward, E';\n' ORDER BY p.phase, p.ord, p.name COLLATE "C", p.forward COLLATE "C")
          FROM asymm._plan_types(kind, schema_name, object_name, facts, '[]', NULL, NULL) AS p);
END
$$;
COMMENT ON FUNCTION asymm._types_script(text, text, text, jsonb) IS 'Script that makes a type, collation or the like with all that belongs to it.';

CREATE OR REPLACE FUNCTION asymm._name_aside(schema_name text, object_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT 'asymm_' || left(md5(concat_ws('.', schema_name, object_name)), 16) $$;
COMMENT ON FUNCTION asymm._name_aside(text, text) IS 'The name a type has while another takes its place.';

-- turn: expressions for columns directly of the type, for arrays of it and for what is nested deeper, in which {c} is the
-- column and {t} the type it is to have.
CREATE OR REPLACE FUNCTION asymm._swap_script(
    scene jsonb, kind text, schema_name text, object_name text, present jsonb, wanted jsonb, turn jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    v_aside text := asymm._name_aside(schema_name, object_name);
    v_names text[] := ARRAY(SELECT format('%I.%I', schema_name, object_name)
                            UNION ALL
                            SELECT format('%I.%I', t ->> 'schema_name', t ->> 'object_name') FROM jsonb_array_elements(scene -> 'types') AS t);
BEGIN
    RETURN (
        WITH o AS (
            SELECT kind AS kind, schema_name AS schema_name, object_name AS object_name, present AS was, wanted AS facts, 0 AS depth
            UNION ALL
            SELECT t ->> 'kind', t ->> 'schema_name', t ->> 'object_name', t -> 'facts',
                   CASE WHEN t ->> 'kind' = 'domain' AND turn ? 'gone' THEN asymm._domain_without(t -> 'facts', v_names, turn -> 'gone')
                        ELSE t -> 'facts' END, (t ->> 'depth')::integer
              FROM jsonb_array_elements(scene -> 'types') AS t),
        n AS (
            SELECT o.*, upper(o.kind) AS word, asymm._name_aside(o.schema_name, o.object_name) AS aside,
                   format('%I.%I', o.schema_name, o.object_name) AS id, o.was #>> '{type,"",multirange}' AS multi,
                   o.was #>> '{type,"",subtype}' AS subtype, o.was #>> '{type,"",variant}' IS NOT DISTINCT FROM 'shell' AS shell
              FROM o),
        t AS (SELECT t.doc ->> 'rel' AS rel, t.doc ->> 'of_type' AS of_type, t.doc ? 'remote' AS remote, t.doc -> 'columns' AS columns, t.n
                FROM jsonb_array_elements(scene -> 'tables') WITH ORDINALITY AS t (doc, n)),
        c AS (SELECT t.rel, t.n, t.remote, x.name, x.facts, x.way,
                     CASE WHEN x.way = 'direct' AND x.facts ? 'not_null' AND turn ? 'fallback'
                          THEN format('COALESCE(%s, %s)', turn ->> x.way, turn ->> 'fallback')
                          ELSE replace(turn ->> x.way, '{f}', format('%I.%I', schema_name, v_aside)) END AS turn
                FROM t CROSS JOIN jsonb_to_recordset(t.columns) AS x (name text, facts jsonb, way text)),
        s AS (
            SELECT 80 AS ord, 0 AS sub, format('ALTER TABLE %s NOT OF', t.rel) AS statement FROM t WHERE t.of_type IS NOT NULL
            UNION ALL
            -- The functions that make a range keep their names unless they are told.
            SELECT 90, n.depth, format('ALTER FUNCTION %s RENAME TO %I', f.signature, n.aside || f.tail)
              FROM n
             CROSS JOIN LATERAL (VALUES
                  (format('%s(%s, %s)', n.id, n.subtype, n.subtype), ''), (format('%s(%s, %s, text)', n.id, n.subtype, n.subtype), ''),
                  (n.multi || '()', 'm'), (format('%s(%s)', n.multi, n.id), 'm'), (format('%s(%s[])', n.multi, n.id), 'm')) AS f (signature, tail)
             WHERE n.multi IS NOT NULL
            UNION ALL
            SELECT 100 + n.depth, 0, CASE WHEN n.shell THEN format('DROP TYPE %s', n.id)
                                          ELSE format('ALTER %s %s RENAME TO %I', n.word, n.id, n.aside) END FROM n
            UNION ALL
            SELECT 100 + n.depth, 1, format('ALTER TYPE %s RENAME TO %I', n.multi, n.aside || 'm') FROM n WHERE n.multi IS NOT NULL
            UNION ALL
            SELECT 200 + n.depth, 0, asymm._types_script(n.kind, n.schema_name, n.object_name, n.facts) FROM n
            UNION ALL
            -- A function for arrays, while it is needed.
            SELECT 250, 0, format('CREATE FUNCTION %I.%I(%I.%I[]) RETURNS %s[] LANGUAGE sql AS %L',
                       n.schema_name, n.aside, n.schema_name, n.aside, n.id,
                       format('SELECT CASE WHEN $1 IS NOT NULL THEN COALESCE(pg_catalog.array_agg(%s ORDER BY i), ''{}'') END '
                              'FROM pg_catalog.generate_subscripts($1, 1) AS i',
                              replace(replace(turn ->> 'element', '{c}', '($1[i])'), '{t}', n.id)))
              FROM n WHERE n.depth = 0 AND EXISTS (SELECT FROM c WHERE c.way = 'array') AND turn ? 'element'
            UNION ALL
            SELECT 390, 0, format('DROP FUNCTION %I.%I(%I.%I[])', n.schema_name, n.aside, n.schema_name, n.aside)
              FROM n WHERE n.depth = 0 AND EXISTS (SELECT FROM c WHERE c.way = 'array') AND turn ? 'element'
            UNION ALL
            SELECT 300, min(c.n)::integer, format('ALTER TABLE %s %s', c.rel, string_agg(concat_ws(' ',
                       format('ALTER COLUMN %I TYPE %s', c.name, c.facts ->> 'type'), 'COLLATE ' || (c.facts ->> 'collation'),
                       CASE WHEN NOT c.remote THEN 'USING ' || replace(replace(c.turn, '{c}', quote_ident(c.name)), '{t}', c.facts ->> 'type') END)
                       || concat(format(', ALTER COLUMN %I SET STORAGE ', c.name) || (c.facts ->> 'storage'),
                                 format(', ALTER COLUMN %I SET COMPRESSION ', c.name) || (c.facts ->> 'compression')),
                       ', ' ORDER BY c.name COLLATE "C"))
              FROM c GROUP BY c.rel
            UNION ALL
            SELECT 400, 0, format('ALTER TABLE %s OF %s', t.rel, t.of_type) FROM t WHERE t.of_type IS NOT NULL
            UNION ALL
            SELECT 500 - n.depth, 0, format('DROP %s %I.%I', n.word, n.schema_name, n.aside) FROM n WHERE NOT n.shell)
        SELECT string_agg(s.statement, E';\n' ORDER BY s.ord, s.sub, s.statement COLLATE "C") FROM s);
END
$$;
COMMENT ON FUNCTION asymm._swap_script(jsonb, text, text, text, jsonb, jsonb, jsonb)
    IS 'Script that puts another type, domain or collation in the place of one, with all columns.';

-- The swap as one step: what may have to wait for leave to delete data must not be done by halves.
CREATE OR REPLACE FUNCTION asymm._plan_swap(
    class_id oid, object_id oid, kind text, schema_name text, object_name text, wanted jsonb, present jsonb)
RETURNS TABLE (forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_scene jsonb := asymm._swap_scene(class_id, object_id, wanted #> ARRAY[kind, '', 'leaving']);
    v_turn jsonb := asymm._swap_turn(kind, wanted, present);
    v_columns boolean := jsonb_path_exists(v_scene, '$.tables[*].columns[*]');
    v_harmless text;
    v_stuck text;
BEGIN
    SELECT format('not healable: the partition key of %s is of the type', t ->> 'rel') INTO v_stuck
      FROM jsonb_array_elements(v_scene -> 'tables') AS t WHERE t ? 'key' LIMIT 1;
    IF v_stuck IS NOT NULL THEN
        RETURN QUERY SELECT NULL::text, NULL::text, 'none', ARRAY[v_stuck], NULL::text;
        RETURN;
    END IF;
    SELECT 'SELECT ' || string_agg(format('(%s)', asymm._plan_no_row(t ->> 'rel', w.lost)), ' AND ') INTO v_harmless
      FROM jsonb_array_elements(v_scene -> 'tables') AS t
     CROSS JOIN LATERAL (
          SELECT string_agg(replace(v_turn -> 'loses' ->> c.way, '{c}', quote_ident(c.name)), ' OR ') AS lost
            FROM jsonb_to_recordset(t -> 'columns') AS c (name text, way text)) AS w
     WHERE w.lost IS NOT NULL;
    RETURN QUERY
    SELECT asymm._swap_script(v_scene, kind, schema_name, object_name, present, wanted, v_turn),
           asymm._swap_script(v_scene, kind, schema_name, object_name, wanted, present, asymm._swap_turn(kind, present, wanted)),
           CASE WHEN v_columns THEN 'ACCESS EXCLUSIVE' ELSE 'none' END,
           array_remove(ARRAY[CASE WHEN v_harmless IS NOT NULL THEN 'deletes data' END, CASE WHEN v_columns THEN 'rewrites table' END,
                              CASE WHEN v_harmless IS NOT NULL THEN 'may fail on data' END], NULL),
           v_harmless;
END
$$;
COMMENT ON FUNCTION asymm._plan_swap(oid, oid, text, text, text, jsonb, jsonb)
    IS 'The step that swaps a type, domain or collation for another definition of it.';
