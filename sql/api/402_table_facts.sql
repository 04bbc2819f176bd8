-- The whole document of a table, its fingerprint, and the comparison of two documents.

-- One plan for one table and for all: made once a session, and by key everywhere.
-- The settings are those that deparsed text depends on: a caller's must not look like drift.
CREATE OR REPLACE FUNCTION asymm._table_facts(relids oid[])
RETURNS TABLE (relid oid, schema_name name, object_name name, owner name, facts jsonb, layout jsonb)
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
    SELECT r.oid, n.nspname, r.relname, pg_get_userbyid(r.relowner),
           concat(
               '{"table":{"":{"owner":', to_json(pg_get_userbyid(r.relowner)),
               CASE WHEN r.relpersistence <> 'p' THEN ',"persistence":"' || r.relpersistence::text || '"' END,
               CASE WHEN r.relkind = 'p' THEN ',"partition_key":' || to_json(pg_get_partkeydef(r.oid))::text END,
               CASE WHEN r.relispartition THEN ',"bound":' || to_json(pg_get_expr(r.relpartbound, r.oid))::text END,
               CASE WHEN r.relispartition THEN ',"partition_of":' ELSE ',"inherits":' END
                   || (SELECT CASE WHEN r.relispartition THEN to_json(min(h.name)) ELSE json_agg(h.name ORDER BY h.inhseqno) END::text
                         FROM (SELECT format('%I.%I', pn.nspname, p.relname) AS name, i.inhseqno
                                 FROM pg_inherits i
                                 JOIN pg_class p ON p.oid = i.inhparent
                                 JOIN pg_namespace pn ON pn.oid = p.relnamespace
                                WHERE i.inhrelid = r.oid) AS h),
               CASE WHEN r.reloftype <> 0 THEN ',"of_type":' || to_json(format_type(r.reloftype, NULL))::text END,
               CASE WHEN r.reloptions IS NOT NULL THEN ',"options":' || asymm._option_facts(r.reloptions)::text END,
               ',"toast_options":' || (SELECT asymm._option_facts(t.reloptions)::text FROM pg_class t
                                        WHERE t.oid = r.reltoastrelid AND t.reloptions IS NOT NULL),
               CASE r.relreplident WHEN 'f' THEN ',"replica_identity":"full"' WHEN 'n' THEN ',"replica_identity":"nothing"'
                                   WHEN 'i' THEN ',"replica_identity":'
                    || (SELECT to_json('index:' || i.relname)::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                         WHERE x.indrelid = r.oid AND x.indisreplident) END,
               CASE WHEN r.relrowsecurity THEN ',"rls":true' END,
               CASE WHEN r.relforcerowsecurity THEN ',"force_rls":true' END,
               CASE WHEN r.reltablespace <> 0 THEN ',"tablespace":'
                    || (SELECT to_json(s.spcname)::text FROM pg_tablespace s WHERE s.oid = r.reltablespace) END,
               CASE WHEN r.relam <> 0 THEN ',"access_method":'
                    || (SELECT to_json(m.amname)::text FROM pg_am m WHERE m.oid = r.relam AND m.amname <> 'heap') END,
               CASE WHEN r.relhasindex THEN ',"cluster":'
                    || (SELECT to_json(i.relname)::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                         WHERE x.indrelid = r.oid AND x.indisclustered) END,
               ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m
                                  WHERE m.objoid = r.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0),
               CASE WHEN r.relacl IS NOT NULL THEN ',"acl":' || asymm._acl_facts(r.relacl, 'r', r.relowner)::text END,
               '}}', ',"column":' || c.facts, ',"constraint":' || k.facts, ',"index":' || x.facts, w.facts, p.facts, '}')::jsonb,
           COALESCE(c.layout, '[]')::jsonb
      FROM pg_class AS r
      JOIN pg_namespace AS n ON n.oid = r.relnamespace
      LEFT JOIN asymm._column_facts(relids) AS c ON c.relid = r.oid
      LEFT JOIN asymm._constraint_facts(relids) AS k ON k.relid = r.oid
      LEFT JOIN asymm._index_facts(relids) AS x ON x.relid = r.oid
      LEFT JOIN asymm._rule_facts(relids) AS w ON w.relid = r.oid
      LEFT JOIN asymm._partition_index_facts(relids) AS p ON p.relid = r.oid
     WHERE r.oid = ANY (relids) AND r.relkind IN ('r', 'p') AND r.relpersistence <> 't';
END
$$;
COMMENT ON FUNCTION asymm._table_facts(oid[])
    IS 'Everything declared about each table as one document (part → name → attribute → value; defaults left out) and the order of its columns.';

CREATE OR REPLACE FUNCTION asymm._sha256(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN encode(sha256(convert_to(value, 'UTF8')), 'hex');
END
$$;
COMMENT ON FUNCTION asymm._sha256(text) IS 'SHA-256 of a text (UTF-8) in hexadecimal.';

CREATE OR REPLACE FUNCTION asymm._fingerprint(facts jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Merkle: each named part is hashed, then the object over its parts; jsonb text is canonical.
    RETURN (SELECT encode(sha256(string_agg(
                       sha256(convert_to(jsonb_build_array(p.key, n.key, n.value)::text, 'UTF8')), ''::bytea
                       ORDER BY p.key COLLATE "C", n.key COLLATE "C")), 'hex')
              FROM jsonb_each(facts) AS p, jsonb_each(p.value) AS n);
END
$$;
COMMENT ON FUNCTION asymm._fingerprint(jsonb) IS 'SHA-256 (hexadecimal) of a facts document: over the hashes of its parts.';

CREATE OR REPLACE FUNCTION asymm._compare(a jsonb, b jsonb)
RETURNS TABLE (part text, name text, attribute text, declared jsonb, actual jsonb)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH d AS (SELECT p.key AS part, n.key AS name, n.value FROM jsonb_each(_compare.a) p, jsonb_each(p.value) n),
         f AS (SELECT p.key AS part, n.key AS name, n.value FROM jsonb_each(_compare.b) p, jsonb_each(p.value) n)
    SELECT 'table', '', NULL, _compare.a #> '{table,""}', _compare.b #> '{table,""}'
     WHERE _compare.a IS NULL <> (_compare.b IS NULL)
    UNION ALL
    SELECT part, name, v.attribute, v.declared, v.actual
      FROM d FULL JOIN f USING (part, name)
     CROSS JOIN LATERAL (
         SELECT NULL::text AS attribute, d.value AS declared, f.value AS actual WHERE d.value IS NULL OR f.value IS NULL
         UNION ALL
         SELECT attribute, x.value, y.value
           FROM jsonb_each(d.value) AS x (attribute, value)
           FULL JOIN jsonb_each(f.value) AS y (attribute, value) USING (attribute)
          WHERE d.value IS NOT NULL AND f.value IS NOT NULL AND x.value IS DISTINCT FROM y.value) AS v
     WHERE d.value IS DISTINCT FROM f.value AND _compare.a IS NOT NULL AND _compare.b IS NOT NULL;
END
$$;
COMMENT ON FUNCTION asymm._compare(jsonb, jsonb)
    IS 'Differences of two facts documents (a declared, b actual), one row an attribute; attribute NULL when a whole part is missing (actual NULL) or extra (declared NULL).';

CREATE OR REPLACE FUNCTION asymm._schema_tables(schema name) RETURNS oid[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(array_agg(c.oid ORDER BY c.oid), '{}')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = _schema_tables.schema AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
$$;
COMMENT ON FUNCTION asymm._schema_tables(name) IS 'Tables of a schema that can be watched: no temporary ones, no extension''s own.';

CREATE OR REPLACE FUNCTION asymm.fingerprint(target regclass) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_table(target);
    RETURN (SELECT asymm._fingerprint(f.facts) FROM asymm._table_facts(ARRAY[target::oid]) AS f);
END
$$;
COMMENT ON FUNCTION asymm.fingerprint(regclass)
    IS 'SHA-256 of everything declared about a table as it is now. Raises 42809 for what is not a table.';

CREATE OR REPLACE FUNCTION asymm.fingerprint_schema(schema name) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_schema(schema);
    RETURN (SELECT asymm._sha256(COALESCE(string_agg(jsonb_build_array(f.object_name, asymm._fingerprint(f.facts))::text, ''
                                                     ORDER BY f.object_name COLLATE "C"), ''))
              FROM asymm._table_facts(asymm._schema_tables(schema)) AS f);
END
$$;
COMMENT ON FUNCTION asymm.fingerprint_schema(name) IS 'SHA-256 over the fingerprints of all tables of a schema as they are now. Raises 3F000 for an unknown schema.';

CREATE OR REPLACE FUNCTION asymm.fingerprint_database() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT asymm._sha256(COALESCE(string_agg(jsonb_build_array(n.nspname, asymm.fingerprint_schema(n.nspname))::text, ''
                                             ORDER BY n.nspname COLLATE "C"), ''))
      FROM pg_namespace AS n
     WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'asymm')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
$$;
COMMENT ON FUNCTION asymm.fingerprint_database() IS 'SHA-256 over the fingerprints of all schemas as they are now: one root to compare two databases by.';
