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
               CASE WHEN cardinality(r.reloptions) > 1 THEN ',"option_order":' || asymm._option_order(r.reloptions)::text END,
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
    SELECT k.kind, '', NULL, _compare.a #> ARRAY[k.kind, ''], _compare.b #> ARRAY[k.kind, '']
      FROM (SELECT asymm._facts_kind(COALESCE(_compare.a, _compare.b))) AS k (kind)
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

CREATE OR REPLACE FUNCTION asymm.fingerprint(target regclass) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_kind text := asymm._require_relation(target);
BEGIN
    RETURN (SELECT asymm._fingerprint(f.facts) FROM asymm._facts_of(v_kind, target::oid) AS f);
END
$$;
COMMENT ON FUNCTION asymm.fingerprint(regclass)
    IS 'SHA-256 of everything declared about a table, view, sequence or foreign table as it is now. Raises 22004, 42P01, 42809.';

CREATE OR REPLACE FUNCTION asymm._fingerprint_scope(schema name) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_kinds text[];
    v_oids oid[];
BEGIN
    SELECT array_agg(s.kind), array_agg(s.object_id) INTO v_kinds, v_oids FROM asymm._watchable(schema) AS s;
    RETURN (SELECT asymm._sha256(COALESCE(string_agg(jsonb_build_array(f.kind, f.schema_name, f.object_name,
                                                                       asymm._fingerprint(asymm._portable_facts(f.kind, f.facts)))::text, ''
                                                     ORDER BY f.kind COLLATE "C", f.schema_name COLLATE "C", f.object_name COLLATE "C"), ''))
              FROM asymm._object_facts(v_kinds, v_oids) AS f);
END
$$;
COMMENT ON FUNCTION asymm._fingerprint_scope(name) IS 'SHA-256 over the fingerprints of everything in a schema, or (NULL) in the database.';

CREATE OR REPLACE FUNCTION asymm.fingerprint_schema(schema name) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._fingerprint_scope(asymm._require_schema(schema));
END
$$;
COMMENT ON FUNCTION asymm.fingerprint_schema(name) IS 'SHA-256 over the fingerprints of a schema and everything in it as they are now. Raises 22004, 22023, 3F000, 42809.';

CREATE OR REPLACE FUNCTION asymm.fingerprint_database() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._fingerprint_scope(NULL);
END
$$;
COMMENT ON FUNCTION asymm.fingerprint_database() IS 'SHA-256 over the fingerprints of everything in the database as it is now: one root to compare two databases by.';
