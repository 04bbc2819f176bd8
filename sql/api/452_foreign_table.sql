-- Foreign tables: the columns, checks and triggers of a table, whose rows are elsewhere. So no step here loses a row.

CREATE OR REPLACE FUNCTION asymm._foreign_table_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET standard_conforming_strings = on
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET timezone = 'UTC'
SET extra_float_digits = 1
SET bytea_output = 'hex'
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT r.oid, n.nspname::text, r.relname::text, pg_get_userbyid(r.relowner),
           jsonb_set(concat(
               '{"foreign table":{"":{"owner":', to_json(pg_get_userbyid(r.relowner)),
               ',"server":', to_json(s.srvname),
               ',"options":' || asymm._option_facts(t.ftoptions)::text,
               CASE WHEN r.relispartition THEN ',"bound":' || to_json(pg_get_expr(r.relpartbound, r.oid))::text END,
               CASE WHEN r.relispartition THEN ',"partition_of":' ELSE ',"inherits":' END
                   || (SELECT CASE WHEN r.relispartition THEN to_json(min(h.name)) ELSE json_agg(h.name ORDER BY h.inhseqno) END::text
                         FROM (SELECT format('%I.%I', pn.nspname, p.relname) AS name, i.inhseqno
                                 FROM pg_inherits i
                                 JOIN pg_class p ON p.oid = i.inhparent
                                 JOIN pg_namespace pn ON pn.oid = p.relnamespace
                                WHERE i.inhrelid = r.oid) AS h),
               ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m
                                  WHERE m.objoid = r.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0),
               CASE WHEN r.relacl IS NOT NULL THEN ',"acl":' || asymm._acl_facts(r.relacl, 'r', r.relowner)::text END,
               '}},"column":', COALESCE(c.facts, '{}'), ',"constraint":' || k.facts, w.facts, '}')::jsonb,
               '{column}', COALESCE(c.facts, '{}')::jsonb || COALESCE(f.columns, '{}')),
           COALESCE(c.layout, '[]')::jsonb
      FROM pg_class AS r
      JOIN pg_namespace AS n ON n.oid = r.relnamespace
      JOIN pg_foreign_table AS t ON t.ftrelid = r.oid
      JOIN pg_foreign_server AS s ON s.oid = t.ftserver
      LEFT JOIN asymm._column_facts(oids) AS c ON c.relid = r.oid
      LEFT JOIN asymm._constraint_facts(oids) AS k ON k.relid = r.oid
      LEFT JOIN asymm._rule_facts(oids) AS w ON w.relid = r.oid
      LEFT JOIN LATERAL (
          SELECT jsonb_object_agg(a.attname, c.facts::jsonb -> a.attname::text
                     || jsonb_build_object('foreign_options', asymm._option_facts(a.attfdwoptions))) AS columns
            FROM pg_attribute AS a
           WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attfdwoptions IS NOT NULL) AS f ON true
     WHERE r.oid = ANY (oids) AND r.relkind = 'f' AND r.relpersistence <> 't';
END
$$;
COMMENT ON FUNCTION asymm._foreign_table_facts(oid[])
    IS 'Everything declared about each foreign table as one document, and the order of its columns.';

-- OPTIONS (ADD …, SET …, DROP …) from one set of options to another.
CREATE OR REPLACE FUNCTION asymm._foreign_option_changes(wanted jsonb, present jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('OPTIONS (%s)', string_agg(concat_ws(' ', CASE WHEN w.value IS NULL THEN 'DROP' WHEN p.value IS NULL THEN 'ADD' ELSE 'SET' END,
                                                       quote_ident(COALESCE(w.key, p.key)), quote_literal(w.value)), ', '
                                             ORDER BY COALESCE(w.key, p.key) COLLATE "C"))
      FROM jsonb_each_text(wanted) AS w FULL JOIN jsonb_each_text(present) AS p ON p.key = w.key
     WHERE w.value IS DISTINCT FROM p.value
    HAVING count(*) > 0
$$;
COMMENT ON FUNCTION asymm._foreign_option_changes(jsonb, jsonb) IS 'OPTIONS clause between two sets of options of a foreign-data wrapper; NULL when they are the same.';

CREATE OR REPLACE FUNCTION asymm._plan_foreign_create(declared jsonb, layout jsonb, context jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', overlay(c.forward PLACING 'CREATE FOREIGN TABLE' FROM 1 FOR 12),
               format('SERVER %I', declared #>> '{table,"",server}'),
               (SELECT format('OPTIONS (%s)', string_agg(format('%I %L', o.key, o.value), ', ' ORDER BY o.key COLLATE "C"))
                  FROM jsonb_each_text(declared #> '{table,"",options}') AS o HAVING count(*) > 0))
      FROM asymm._plan_create(declared, layout, context) AS c
$$;
COMMENT ON FUNCTION asymm._plan_foreign_create(jsonb, jsonb, jsonb) IS 'CREATE FOREIGN TABLE; the options of columns follow.';

-- ALTER TYPE: no row is cast here, so there is no USING. Where values could be lost, a default is no step of its own.
CREATE OR REPLACE FUNCTION asymm._plan_foreign_retype(rel text, name text, from_facts jsonb, to_facts jsonb, defaults boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(', ',
        concat(format('ALTER FOREIGN TABLE %s ', rel),
               CASE WHEN defaults AND from_facts ? 'default' THEN format('ALTER COLUMN %I DROP DEFAULT, ', name) END,
               concat_ws(' ', format('ALTER COLUMN %I TYPE %s', name, to_facts ->> 'type'), 'COLLATE ' || (to_facts ->> 'collation'))),
        CASE WHEN defaults AND to_facts ? 'default' THEN format('ALTER COLUMN %I SET DEFAULT %s', name, to_facts ->> 'default') END,
        CASE WHEN to_facts ? 'storage' THEN format('ALTER COLUMN %I SET STORAGE %s', name, to_facts ->> 'storage') END)
$$;
COMMENT ON FUNCTION asymm._plan_foreign_retype(text, text, jsonb, jsonb, boolean) IS 'ALTER TYPE of a foreign table''s column.';

CREATE OR REPLACE FUNCTION asymm._plan_foreign_options(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 590, 0, 'table', '', concat_ws(' ', h.head, asymm._foreign_option_changes(t.d, t.a)),
           concat_ws(' ', h.head, asymm._foreign_option_changes(t.a, t.d)), 'ACCESS EXCLUSIVE', '{}'::text[], NULL::text
      FROM (SELECT format('ALTER FOREIGN TABLE %s', context ->> 'rel') AS head) AS h,
           (SELECT declared #> '{table,"",options}' AS d, actual #> '{table,"",options}' AS a) AS t
     WHERE t.d IS DISTINCT FROM t.a
    UNION ALL
    SELECT 474, 0, 'column', d.key,
           format('ALTER FOREIGN TABLE %s ALTER COLUMN %I %s', context ->> 'rel', d.key, asymm._foreign_option_changes(o.wanted, a.options)),
           format('ALTER FOREIGN TABLE %s ALTER COLUMN %I %s', context ->> 'rel', d.key, asymm._foreign_option_changes(a.options, o.wanted)),
           'ACCESS EXCLUSIVE', '{}', NULL
      FROM jsonb_each(declared -> 'column') AS d
     CROSS JOIN LATERAL (SELECT d.value -> 'foreign_options' AS wanted) AS o
     CROSS JOIN LATERAL (SELECT CASE WHEN context -> 'column' ->> d.key NOT IN ('add', 'remake')
                                     THEN actual #> ARRAY['column', d.key, 'foreign_options'] END AS options) AS a
     WHERE o.wanted IS DISTINCT FROM a.options
$$;
COMMENT ON FUNCTION asymm._plan_foreign_options(jsonb, jsonb, jsonb) IS 'Steps that mend what a foreign table and its columns tell the wrapper.';

CREATE OR REPLACE FUNCTION asymm._plan_foreign_table(
    schema_name text, object_name text, declared jsonb, layout jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := format('%I.%I', schema_name, object_name);
    v_wanted jsonb := asymm._as_table('foreign table', declared);
    v_actual jsonb := asymm._as_table('foreign table', actual);
    v_made boolean;
    v_now jsonb;
    v_context jsonb;
BEGIN
    IF actual IS NOT NULL AND (declared IS NULL OR asymm._remakes_relations('foreign table', declared, actual)) THEN
        RETURN QUERY
        SELECT 10, 0, 'foreign table', '', format('DROP FOREIGN TABLE %s', v_rel),
               (SELECT string_agg(p.forward, E';\n' ORDER BY p.phase, p.ord, p.name COLLATE "C", p.forward COLLATE "C")
                  FROM asymm._plan_foreign_table(schema_name, object_name, actual,
                           (SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a
                             WHERE a.attrelid = object_id AND a.attnum > 0 AND NOT a.attisdropped), NULL, NULL) AS p),
               'ACCESS EXCLUSIVE', '{}'::text[], NULL::text;
        v_actual := NULL;
    END IF;
    IF declared IS NULL THEN
        RETURN;
    END IF;
    v_made := v_actual IS NULL;
    IF v_made THEN
        v_now := asymm._plan_created(v_wanted);
        v_now := jsonb_set(v_now, '{table,""}', v_now #> '{table,""}' || jsonb_strip_nulls(jsonb_build_object(
                     'options', v_wanted #> '{table,"",options}')));
    ELSE
        v_now := asymm._plan_detached(v_wanted, v_actual, object_id);
    END IF;
    v_context := asymm._plan_context(v_rel, schema_name, v_wanted, layout, v_now, CASE WHEN NOT v_made THEN object_id END);
    RETURN QUERY
    SELECT s.phase, s.ord, CASE s.part WHEN 'table' THEN 'foreign table' ELSE s.part END, s.name,
           asymm._plan_in_words(s.forward, 'foreign table', v_rel), asymm._plan_in_words(s.inverse, 'foreign table', v_rel), s.lock_class,
           -- The rows are not here: none is lost, read or written.
           ARRAY(SELECT h FROM unnest(s.hazards) AS h WHERE h NOT IN ('deletes data', 'rewrites table', 'scans table', 'may fail on data')),
           NULL::text
      FROM (SELECT 50 AS phase, 0 AS ord, 'table' AS part, '' AS name, asymm._plan_foreign_create(v_wanted, layout, v_context) AS forward,
                   format('DROP FOREIGN TABLE %s', v_rel) AS inverse, 'none' AS lock_class, '{}'::text[] AS hazards WHERE v_made
            UNION ALL
            SELECT t.phase, t.ord, t.part, t.name, t.forward, t.inverse, t.lock_class, t.hazards
              FROM asymm._plan_table((v_wanted #> '{table,""}') - ARRAY['owner', 'comment', 'options'],
                                     (v_now #> '{table,""}') - ARRAY['owner', 'comment', 'options'], v_context) AS t
            UNION ALL
            SELECT c.phase, c.ord, c.part, c.name,
                   CASE WHEN f.retyped THEN asymm._plan_foreign_retype(v_rel, c.name, f.a, f.d, f.lossy) ELSE c.forward END,
                   CASE WHEN f.retyped THEN asymm._plan_foreign_retype(v_rel, c.name, f.d, f.a, f.lossy)
                        WHEN c.inverse IS NOT NULL AND f.a ? 'foreign_options'
                             AND (c.phase IN (300, 310, 316) OR c.phase = 445 AND NOT f.a ? 'generated')
                        THEN concat_ws(E';\n', c.inverse, format('ALTER FOREIGN TABLE %s ALTER COLUMN %I %s', v_rel, c.name,
                                                                 asymm._foreign_option_changes(f.a -> 'foreign_options', NULL)))
                        ELSE c.inverse END, c.lock_class, c.hazards
              FROM asymm._plan_columns(v_wanted -> 'column', v_now -> 'column', v_context) AS c
             CROSS JOIN LATERAL (SELECT v_now #> ARRAY['column', c.name] AS a, v_wanted #> ARRAY['column', c.name] AS d,
                                        c.phase = 440 AND c.forward IS NOT NULL AS retyped, 'deletes data' = ANY (c.hazards) AS lossy) AS f
            UNION ALL
            SELECT c.phase, c.ord, c.part, c.name, c.forward, c.inverse, c.lock_class, c.hazards
              FROM asymm._plan_column_settings(v_wanted -> 'column', v_now -> 'column', v_context) AS c
            UNION ALL
            SELECT q.phase, q.ord, q.part, q.name, q.forward, q.inverse, q.lock_class, q.hazards
              FROM asymm._plan_sequences(v_wanted -> 'column', v_now -> 'column', v_context) AS q WHERE q.phase <> 466
            UNION ALL
            SELECT o.phase, o.ord, o.part, o.name, o.forward, o.inverse, o.lock_class, o.hazards
              FROM asymm._plan_foreign_options(v_wanted, v_now, v_context) AS o
            UNION ALL
            SELECT k.phase, k.ord, k.part, k.name, k.forward, k.inverse, k.lock_class, k.hazards
              FROM asymm._plan_constraints(v_wanted -> 'constraint', v_now -> 'constraint', v_context) AS k
            UNION ALL
            SELECT t.phase, t.ord, t.part, t.name, t.forward, t.inverse, t.lock_class, t.hazards
              FROM asymm._plan_triggers(v_wanted, v_now, v_context) AS t
            UNION ALL
            SELECT m.phase, m.ord, m.part, m.name, m.forward, m.inverse, m.lock_class, m.hazards
              FROM asymm._plan_common('FOREIGN TABLE', v_rel, NULL, 'table', '', v_wanted #> '{table,""}',
                                      CASE WHEN NOT v_made THEN v_now #> '{table,""}' END) AS m
            UNION ALL
            SELECT g.phase, g.ord, g.part, g.name, g.forward, g.inverse, g.lock_class, g.hazards
              FROM asymm._plan_grants(v_wanted, v_now, v_context) AS g) AS s;
END
$$;
COMMENT ON FUNCTION asymm._plan_foreign_table(text, text, jsonb, jsonb, jsonb, oid) IS 'Steps that make, drop or mend a foreign table.';
