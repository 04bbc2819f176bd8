-- Relations other than tables: what can be watched, under which name, what views and materialized views say of themselves,
-- and when one of them has to be dropped and made anew. Sequences and foreign tables have files of their own.

CREATE OR REPLACE FUNCTION asymm._relations_objects(schemas oid[]) RETURNS TABLE (class_id oid, object_id oid, kind text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    -- A sequence that a column owns is a fact of that column, if it has a default; else nothing is said of it there.
    RETURN QUERY
    SELECT 'pg_class'::regclass::oid, c.oid,
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'foreign table' END
      FROM pg_class AS c
     WHERE c.relkind IN ('v', 'm', 'S', 'f') AND c.relpersistence <> 't'
       AND c.relnamespace = ANY (ARRAY(SELECT n.oid FROM pg_namespace AS n
                                        WHERE (schemas IS NULL OR n.oid = ANY (schemas))
                                          AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'asymm')))
       AND (c.relkind <> 'S' OR NOT EXISTS (
               SELECT FROM pg_depend AS d
                 JOIN pg_class AS q ON q.oid = d.objid AND q.relkind = 'S'
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.refclassid = 'pg_class'::regclass
                  -- Of q, so that it is asked of sequences alone.
                  AND (d.deptype = 'i' OR d.deptype = 'a' AND q.oid = asymm._column_sequence(d.refobjid, d.refobjsubid))));
END
$$;
COMMENT ON FUNCTION asymm._relations_objects(oid[])
    IS 'Views, materialized views, foreign tables and sequences that are no fact of a column, of these schemas (NULL: all of the database).';

CREATE OR REPLACE FUNCTION asymm._relations_identity(kind text, schema_name text, object_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format('%I.%I', schema_name, object_name);
END
$$;
COMMENT ON FUNCTION asymm._relations_identity(text, text, text) IS 'Name of a relation as it stands after DROP, ALTER and COMMENT ON.';

-- The settings are those that deparsed text depends on, as for tables.
CREATE OR REPLACE FUNCTION asymm._view_facts(oids oid[])
RETURNS TABLE (object_id oid, kind text, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
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
    -- Whether a materialized view was filled is no declaration, REFRESH changes it every day: it stands in the layout.
    RETURN QUERY
    SELECT r.oid, k.kind, n.nspname::text, r.relname::text, pg_get_userbyid(r.relowner),
           concat('{', to_json(k.kind), ':{"":{"owner":', to_json(pg_get_userbyid(r.relowner)),
               ',"def":' || to_json(asymm._settled_text(btrim(pg_get_viewdef(r.oid), ' ;')))::text,
               ',"columns":', COALESCE(c.layout, '[]'),
               CASE WHEN r.reloptions IS NOT NULL THEN ',"options":' || asymm._option_facts(r.reloptions)::text END,
               CASE WHEN cardinality(r.reloptions) > 1 THEN ',"option_order":' || asymm._option_order(r.reloptions)::text END,
               CASE WHEN r.relkind = 'm' THEN concat(
                   ',"toast_options":' || (SELECT asymm._option_facts(t.reloptions)::text FROM pg_class t
                                            WHERE t.oid = r.reltoastrelid AND t.reloptions IS NOT NULL),
                   CASE WHEN r.reltablespace <> 0 THEN ',"tablespace":'
                        || (SELECT to_json(s.spcname)::text FROM pg_tablespace s WHERE s.oid = r.reltablespace) END,
                   ',"access_method":' || (SELECT to_json(m.amname)::text FROM pg_am m WHERE m.oid = r.relam AND m.amname <> 'heap'),
                   CASE r.relreplident WHEN 'f' THEN ',"replica_identity":"full"' WHEN 'n' THEN ',"replica_identity":"nothing"'
                                       WHEN 'i' THEN ',"replica_identity":'
                        || (SELECT to_json('index:' || i.relname)::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                             WHERE x.indrelid = r.oid AND x.indisreplident) END,
                   CASE WHEN r.relhasindex THEN ',"cluster":'
                        || (SELECT to_json(i.relname)::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                             WHERE x.indrelid = r.oid AND x.indisclustered) END) END,
               ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m
                                  WHERE m.objoid = r.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0),
               CASE WHEN r.relacl IS NOT NULL THEN ',"acl":' || asymm._acl_facts(r.relacl, 'r', r.relowner)::text END,
               '}}', ',"column":' || c.facts, ',"index":' || x.facts, w.facts, '}')::jsonb,
           CASE WHEN r.relispopulated THEN '[]'::jsonb ELSE '["with no data"]' END
      FROM pg_class AS r
      JOIN pg_namespace AS n ON n.oid = r.relnamespace
     CROSS JOIN LATERAL (SELECT CASE r.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END AS kind) AS k
      LEFT JOIN asymm._column_facts(oids) AS c ON c.relid = r.oid
      LEFT JOIN asymm._index_facts(oids) AS x ON x.relid = r.oid
      LEFT JOIN asymm._rule_facts(oids) AS w ON w.relid = r.oid
     WHERE r.oid = ANY (oids) AND r.relkind IN ('v', 'm') AND r.relpersistence <> 't';
END
$$;
COMMENT ON FUNCTION asymm._view_facts(oid[])
    IS 'Everything declared about each view and materialized view as one document; the layout says "with no data" of one never filled.';

-- What CREATE OR REPLACE VIEW asks for: the columns there are come first, in their order, with their names and types.
CREATE OR REPLACE FUNCTION asymm._view_replaceable(declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT COALESCE(bool_and(d.name IS NOT NULL AND d.name = a.name
                   AND (declared #> ARRAY['column', a.name, 'type'], declared #> ARRAY['column', a.name, 'collation'])
                       IS NOT DISTINCT FROM (actual #> ARRAY['column', a.name, 'type'], actual #> ARRAY['column', a.name, 'collation'])), true)
          FROM jsonb_array_elements_text(actual #> '{view,"",columns}') WITH ORDINALITY AS a (name, ord)
          LEFT JOIN jsonb_array_elements_text(declared #> '{view,"",columns}') WITH ORDINALITY AS d (name, ord) ON d.ord = a.ord);
END
$$;
COMMENT ON FUNCTION asymm._view_replaceable(jsonb, jsonb) IS 'Whether CREATE OR REPLACE VIEW leads from one view to the other.';

CREATE OR REPLACE FUNCTION asymm._remakes_relations(kind text, declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN CASE
        WHEN declared IS NULL OR actual IS NULL THEN false
        WHEN kind = 'view' THEN NOT asymm._view_replaceable(declared, actual)
        WHEN kind = 'materialized view' THEN
            (declared #> '{materialized view,"",def}', declared #> '{materialized view,"",columns}')
            IS DISTINCT FROM (actual #> '{materialized view,"",def}', actual #> '{materialized view,"",columns}')
            OR EXISTS (SELECT FROM jsonb_each(declared -> 'column') AS d
                        WHERE (d.value -> 'type', d.value -> 'collation') IS DISTINCT FROM
                              (actual #> ARRAY['column', d.key, 'type'], actual #> ARRAY['column', d.key, 'collation']))
        -- Columns that came from a parent stay a child's own once it has left; here nothing is lost by making it anew.
        WHEN kind = 'foreign table' THEN declared #> '{foreign table,"",server}' IS DISTINCT FROM actual #> '{foreign table,"",server}'
            OR NOT COALESCE(declared #> '{foreign table,"",inherits}', '[]') <@ COALESCE(actual #> '{foreign table,"",inherits}', '[]')
        ELSE false END;
END
$$;
COMMENT ON FUNCTION asymm._remakes_relations(text, jsonb, jsonb) IS 'Whether the planner drops a relation and makes it anew to get from one state to the other.';
