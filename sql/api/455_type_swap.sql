-- Swapping a type, domain or collation that cannot be altered for one of the same name: the old one steps aside under
-- another name, the new one is made, with everything that is built of it (arrays come by themselves; domains, ranges,
-- composite types); columns are turned over, the old one goes. What of a table names the type or hangs on such a column
-- in a way the server does not follow (defaults, checks, foreign keys, expressions, policies, triggers, rules,
-- generated columns) is taken off before and put back after. Views and functions are not dealt with here.

-- Everything built of an object: rows with the longest way to it. Arrays and multiranges are passed through.
CREATE OR REPLACE FUNCTION asymm._built_of(class_id oid, object_id oid) RETURNS TABLE (member_class oid, member_id oid, depth integer)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE node (class_id, oid, depth) AS (
        SELECT _built_of.class_id, _built_of.object_id, 0
        UNION
        SELECT 'pg_type'::regclass::oid, n.oid, x.depth + 1
          FROM node AS x
          JOIN pg_depend AS d ON d.refclassid = x.class_id AND d.refobjid = x.oid AND d.refobjsubid = 0
         CROSS JOIN LATERAL (
              SELECT d.objid AS oid WHERE d.classid = 'pg_type'::regclass
              UNION ALL
              SELECT c.reltype FROM pg_class AS c WHERE d.classid = 'pg_class'::regclass AND d.objsubid > 0 AND c.oid = d.objid AND c.relkind = 'c'
              UNION ALL
              SELECT k.contypid FROM pg_constraint AS k WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
                 AND k.contypid NOT IN (0, x.oid)) AS n
         WHERE x.depth < 30)
    SELECT n.class_id, n.oid, max(n.depth) FROM node AS n GROUP BY n.class_id, n.oid
$$;
COMMENT ON FUNCTION asymm._built_of(oid, oid) IS 'A type, domain or collation and every type built of it, with the longest way to it.';

-- Tables concerned: columns of one of these types, and what else names one.
CREATE OR REPLACE FUNCTION asymm._swap_tables(class_id oid, object_id oid) RETURNS TABLE (relid oid, attnum smallint)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH m AS MATERIALIZED (SELECT b.member_class, b.member_id FROM asymm._built_of(class_id, object_id) AS b),
    d AS MATERIALIZED (
        SELECT d.classid, d.objid, d.objsubid FROM m JOIN pg_depend AS d ON d.refclassid = m.member_class AND d.refobjid = m.member_id),
    col AS MATERIALIZED (
        SELECT c.oid AS relid, d.objsubid::smallint AS attnum
          FROM d JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
         WHERE d.objsubid > 0 AND c.relkind IN ('r', 'p', 'f')),
    named AS (
        SELECT a.adrelid AS relid FROM d JOIN pg_attrdef AS a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
        UNION ALL
        SELECT k.conrelid FROM d JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
        UNION ALL
        SELECT i.indrelid FROM d JOIN pg_index AS i ON d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND i.indexrelid = d.objid
        UNION ALL
        SELECT d.objid FROM d WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0
        UNION ALL
        SELECT p.polrelid FROM d JOIN pg_policy AS p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
        UNION ALL
        SELECT t.tgrelid FROM d JOIN pg_trigger AS t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
        UNION ALL
        SELECT w.ev_class FROM d JOIN pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
        UNION ALL
        SELECT x.stxrelid FROM d JOIN pg_statistic_ext AS x ON d.classid = 'pg_statistic_ext'::regclass AND x.oid = d.objid
        UNION ALL
        -- Keys of other tables that point to such a column.
        SELECT k.conrelid FROM col JOIN pg_constraint AS k ON k.confrelid = col.relid AND k.contype = 'f' AND col.attnum = ANY (k.confkey))
    SELECT col.relid, col.attnum FROM col
    UNION
    SELECT named.relid, NULL FROM named JOIN pg_class AS c ON c.oid = named.relid AND c.relkind IN ('r', 'p', 'f')
$$;
COMMENT ON FUNCTION asymm._swap_tables(oid, oid)
    IS 'Tables that have something to do with a type, domain or collation: a row for each column built of it, and one without column.';

-- What is needed to write the swap down, forwards and backwards.
CREATE OR REPLACE FUNCTION asymm._swap_scene(class_id oid, object_id oid) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH b AS MATERIALIZED (SELECT * FROM asymm._built_of(class_id, object_id) AS b WHERE b.depth > 0),
    w AS MATERIALIZED (SELECT * FROM asymm._swap_tables(class_id, object_id)),
    r AS MATERIALIZED (SELECT w.relid, array_agg(w.attnum) FILTER (WHERE w.attnum IS NOT NULL) AS cols FROM w GROUP BY w.relid),
    f AS MATERIALIZED (
        SELECT r.relid, format('%I.%I', n.nspname, c.relname) AS rel, n.nspname AS schema_name, r.cols,
               concat('{"column":', COALESCE(x.facts, '{}'), ',"constraint":' || k.facts, ',"index":' || i.facts, t.facts, '}')::jsonb AS facts,
               CASE WHEN c.reloftype IN (SELECT b.member_id FROM b UNION ALL SELECT object_id) THEN format_type(c.reloftype, NULL) END AS of_type,
               pg_get_userbyid(c.relowner) AS owner,
               CASE WHEN c.relkind = 'f' THEN true END AS remote,
               CASE WHEN p.partattrs::smallint[] && r.cols THEN true END AS key
          FROM r
          JOIN pg_class AS c ON c.oid = r.relid
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
          LEFT JOIN pg_partitioned_table AS p ON p.partrelid = r.relid
          LEFT JOIN asymm._column_facts(ARRAY(SELECT r.relid FROM r)) AS x ON x.relid = r.relid
          LEFT JOIN asymm._constraint_facts(ARRAY(SELECT r.relid FROM r)) AS k ON k.relid = r.relid
          LEFT JOIN asymm._index_facts(ARRAY(SELECT r.relid FROM r)) AS i ON i.relid = r.relid
          LEFT JOIN asymm._rule_facts(ARRAY(SELECT r.relid FROM r)) AS t ON t.relid = r.relid)
    SELECT jsonb_build_object(
        'types', (SELECT COALESCE(jsonb_agg(to_jsonb(t) || jsonb_build_object('depth', b.depth) ORDER BY b.depth), '[]')
                    FROM b CROSS JOIN LATERAL (
                         SELECT 'type' AS kind, x.schema_name, x.object_name, x.facts FROM asymm._type_facts(ARRAY[b.member_id]) AS x
                           JOIN pg_type AS y ON y.oid = b.member_id AND y.typtype IN ('c', 'r')
                         UNION ALL
                         SELECT 'domain', x.schema_name, x.object_name, x.facts FROM asymm._domain_facts(ARRAY[b.member_id]) AS x) AS t),
        'tables', (SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                              'rel', f.rel, 'schema', f.schema_name, 'facts', f.facts, 'of_type', f.of_type, 'owner', f.owner, 'key', f.key,
                              'remote', f.remote,
                              'columns', (SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'top', a.attinhcount = 0,
                                                     'direct', a.atttypid = object_id, 'null', NOT a.attnotnull,
                                                     'array', (SELECT true FROM pg_type AS e WHERE e.oid = object_id AND e.typarray = a.atttypid)))
                                            FROM pg_attribute AS a WHERE a.attrelid = f.relid AND a.attnum = ANY (f.cols)),
                              'expressions', (SELECT jsonb_agg(i.relname) FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
                                               WHERE x.indrelid = f.relid AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL)),
                              'keys', (SELECT jsonb_agg(k.conname) FROM pg_constraint AS k
                                        WHERE k.conrelid = f.relid AND k.contype = 'f' AND k.conparentid = 0
                                          AND (k.conkey && f.cols
                                               OR EXISTS (SELECT FROM w WHERE w.relid = k.confrelid AND w.attnum = ANY (k.confkey)))),
                              'statistics', (SELECT jsonb_agg(to_jsonb(x)) FROM asymm._statistics_object_facts(
                                                 ARRAY(SELECT s.oid FROM pg_statistic_ext AS s
                                                        WHERE s.stxrelid = f.relid AND s.stxexprs IS NOT NULL)) AS x)))
                              ORDER BY f.relid), '[]')
                     FROM f))
$$;
COMMENT ON FUNCTION asymm._swap_scene(oid, oid)
    IS 'What stands around a type, domain or collation that is to be swapped: the types built of it, the tables and their facts.';

-- How values of columns get over, and what of them is lost: by way of text, attribute by attribute, or not at all.
CREATE OR REPLACE FUNCTION asymm._swap_turn(kind text, wanted jsonb, present jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := '{c}::text::{t}';
    v_any text := 'pg_catalog.num_nonnulls({c}) > 0';
    v_variant text := COALESCE(wanted #>> '{type,"",variant}', '');
    v_gone text[];
    v_labels text;
    v_row text;
    v_lost text;
    v_nested text;
    v_same boolean;
    v_from text := present #>> '{domain,"",type}';
    v_to text := wanted #>> '{domain,"",type}';
BEGIN
    IF kind = 'collation' THEN
        RETURN '{"direct": "{c}", "array": "{c}", "nested": "{c}::text::{t}"}';
    ELSIF kind = 'domain' THEN
        v_same := asymm._type_holds(v_from, v_to) AND asymm._type_oid(v_to) IS NOT NULL;
        v_row := format('(%s)::{t}', asymm._cast_expression('{c}', v_from, v_to));
        RETURN jsonb_build_object('direct', v_row, 'array', v_text, 'nested', v_text) || CASE WHEN v_same THEN '{}' ELSE jsonb_build_object('loses',
            jsonb_build_object('direct', CASE WHEN asymm._type_oid(v_to) IS NULL THEN v_any ELSE format('(%s)::text IS DISTINCT FROM {c}::text',
                asymm._cast_expression(asymm._cast_expression('{c}', v_from, v_to), v_to, v_from)) END, 'array', v_any, 'nested', v_any)) END;
    ELSIF v_variant <> present #>> '{type,"",variant}' THEN
        RETURN jsonb_build_object('direct', 'NULL', 'array', 'NULL', 'nested', 'NULL',
                                  'loses', jsonb_build_object('direct', v_any, 'array', v_any, 'nested', v_any));
    ELSIF v_variant = 'enum' THEN
        -- Renamed labels were given their names before.
        v_gone := ARRAY(SELECT l FROM jsonb_array_elements_text(present #> '{type,"",labels}') AS l WHERE NOT wanted #> '{type,"",labels}' ? l);
        IF v_gone = '{}' THEN
            RETURN jsonb_build_object('direct', v_text, 'array', v_text, 'nested', v_text);
        END IF;
        v_labels := format('ARRAY[%s]', (SELECT string_agg(quote_literal(l), ', ') FROM unnest(v_gone) AS l));
        v_row := '{c}::text[]';
        FOR v_lost IN SELECT unnest(v_gone) LOOP
            v_row := format('pg_catalog.array_remove(%s, %L)', v_row, v_lost);
            v_nested := concat_ws(' OR ', v_nested, format('pg_catalog.strpos({c}::text, %L) > 0', v_lost));
        END LOOP;
        RETURN jsonb_build_object(
            'direct', format('CASE WHEN {c}::text <> ALL (%s) THEN {c}::text END::{t}', v_labels),
            'array', format('%s::{t}', v_row), 'nested', v_text,
            'loses', jsonb_build_object('direct', format('{c}::text = ANY (%s)', v_labels), 'array', format('{c}::text[] && %s', v_labels),
                                        'nested', v_nested),
            'gone', to_jsonb(v_gone));
    ELSIF v_variant = 'composite' THEN
        SELECT string_agg(CASE WHEN f.a IS NULL THEN 'NULL' WHEN f.a ->> 'type' = f.d ->> 'type' THEN format('({c}).%I', x.name)
                               ELSE asymm._cast_expression(format('({c}).%I', x.name), f.a ->> 'type', f.d ->> 'type') END, ', ' ORDER BY x.n)
          INTO v_row
          FROM jsonb_array_elements_text(wanted #> '{type,"",attributes}') WITH ORDINALITY AS x (name, n)
         CROSS JOIN LATERAL (SELECT wanted #> ARRAY['attribute', x.name] AS d, present #> ARRAY['attribute', x.name] AS a) AS f;
        SELECT string_agg(format('({c}).%I IS NOT NULL', x.name), ' OR ' ORDER BY x.n) INTO v_lost
          FROM jsonb_array_elements_text(present #> '{type,"",attributes}') WITH ORDINALITY AS x (name, n)
         WHERE NOT wanted #> '{type,"",attributes}' ? x.name
            OR NOT asymm._type_holds(present #>> ARRAY['attribute', x.name, 'type'], wanted #>> ARRAY['attribute', x.name, 'type']);
        -- Text of a row has no names: it serves only as long as attributes stay where they are.
        v_same := wanted #> '{type,"",attributes}' = present #> '{type,"",attributes}';
        RETURN jsonb_strip_nulls(jsonb_build_object(
            'direct', format('CASE WHEN {c} IS DISTINCT FROM NULL THEN ROW(%s)::{t} END', v_row),
            'array', CASE WHEN v_same THEN v_text ELSE 'NULL' END, 'nested', CASE WHEN v_same THEN v_text ELSE 'NULL' END,
            'loses', CASE WHEN v_lost IS NOT NULL OR NOT v_same
                          THEN jsonb_build_object('direct', COALESCE(v_lost, 'false'), 'array', v_any, 'nested', v_any) END));
    END IF;
    v_same := v_variant = 'range' AND asymm._type_holds(present #>> '{type,"",subtype}', wanted #>> '{type,"",subtype}')
              AND present #> '{type,"",canonical}' IS NOT DISTINCT FROM wanted #> '{type,"",canonical}';
    RETURN jsonb_build_object('direct', v_text, 'array', v_text, 'nested', v_text) || CASE WHEN v_same THEN '{}' ELSE
        jsonb_build_object('loses', jsonb_build_object('direct', v_any, 'array', v_any, 'nested', v_any)) END;
END
$$;
COMMENT ON FUNCTION asymm._swap_turn(text, jsonb, jsonb) IS 'Expressions that carry the values of columns over to the swapped type, and conditions that say which would be lost.';

-- The swap as one step: what may have to wait for leave to delete data must not be done by halves.
CREATE OR REPLACE FUNCTION asymm._plan_swap(
    class_id oid, object_id oid, kind text, schema_name text, object_name text, wanted jsonb, present jsonb)
RETURNS TABLE (forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_scene jsonb := asymm._swap_scene(class_id, object_id);
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
          SELECT string_agg(replace(v_turn -> 'loses' ->> CASE WHEN (c -> 'direct')::boolean THEN 'direct' WHEN c -> 'array' = 'true' THEN 'array'
                                                               ELSE 'nested' END, '{c}', quote_ident(c ->> 'name')), ' OR ') AS lost
            FROM jsonb_array_elements(t -> 'columns') AS c
           WHERE (c -> 'top')::boolean AND NOT t #> ARRAY['facts', 'column', c ->> 'name'] ? 'generated') AS w
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
