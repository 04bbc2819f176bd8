-- Facts of types: enums, composite, range, base and shell types; what of all kinds of this group can be watched.

CREATE OR REPLACE FUNCTION asymm._types_objects(schemas oid[]) RETURNS TABLE (class_id oid, object_id oid, kind text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH s AS MATERIALIZED (
        SELECT n.oid FROM pg_namespace AS n
         WHERE (schemas IS NULL OR n.oid = ANY (schemas)) AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'asymm'))
    -- Array types, row types of relations and multirange types come with what they belong to. What the server came with has
    -- lower numbers.
    SELECT 'pg_type'::regclass::oid, t.oid, CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END
      FROM pg_type AS t
     WHERE t.oid >= 16384 AND t.typnamespace IN (SELECT s.oid FROM s)
       AND (t.typtype IN ('b', 'c', 'd', 'e', 'r') OR t.typtype = 'p' AND NOT t.typisdefined)
       AND (t.typtype <> 'c' OR EXISTS (SELECT FROM pg_class AS c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
       AND (t.typelem = 0 OR NOT EXISTS (SELECT FROM pg_type AS e WHERE e.oid = t.typelem AND e.typarray = t.oid))
    UNION ALL
    -- A collation for another encoding cannot even be named here.
    SELECT 'pg_collation'::regclass, c.oid, 'collation' FROM pg_collation AS c
     WHERE c.oid >= 16384 AND c.collnamespace IN (SELECT s.oid FROM s) AND c.collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))
    UNION ALL
    SELECT 'pg_conversion'::regclass, c.oid, 'conversion' FROM pg_conversion AS c
     WHERE c.oid >= 16384 AND c.connamespace IN (SELECT s.oid FROM s)
    UNION ALL
    SELECT 'pg_ts_parser'::regclass, p.oid, 'text search parser' FROM pg_ts_parser AS p
     WHERE p.oid >= 16384 AND p.prsnamespace IN (SELECT s.oid FROM s)
    UNION ALL
    SELECT 'pg_ts_template'::regclass, t.oid, 'text search template' FROM pg_ts_template AS t
     WHERE t.oid >= 16384 AND t.tmplnamespace IN (SELECT s.oid FROM s)
    UNION ALL
    SELECT 'pg_ts_dict'::regclass, d.oid, 'text search dictionary' FROM pg_ts_dict AS d
     WHERE d.oid >= 16384 AND d.dictnamespace IN (SELECT s.oid FROM s)
    UNION ALL
    SELECT 'pg_ts_config'::regclass, c.oid, 'text search configuration' FROM pg_ts_config AS c
     WHERE c.oid >= 16384 AND c.cfgnamespace IN (SELECT s.oid FROM s)
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, x.oid, 'statistics object' FROM pg_statistic_ext AS x
     WHERE x.oid >= 16384 AND x.stxnamespace IN (SELECT s.oid FROM s);
END
$$;
COMMENT ON FUNCTION asymm._types_objects(oid[])
    IS 'Types, domains, collations, conversions, text search objects and extended statistics that can be watched, of some schemas or of all (NULL).';

CREATE OR REPLACE FUNCTION asymm._types_identity(kind text, schema_name text, object_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('%I.%I', schema_name, object_name) $$;
COMMENT ON FUNCTION asymm._types_identity(text, text, text) IS 'A type, collation or the like as it is named in SQL.';

-- A collation as it is named in SQL, unless it is the one that comes with the type.
CREATE OR REPLACE FUNCTION asymm._collation_fact(own oid, usual oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('%I.%I', n.nspname, c.collname)
      FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace
     WHERE c.oid = own AND own <> usual
$$;
COMMENT ON FUNCTION asymm._collation_fact(oid, oid) IS 'Qualified name of a collation; NULL when it is the usual one.';

CREATE OR REPLACE FUNCTION asymm._attribute_facts(relids oid[]) RETURNS TABLE (relid oid, facts jsonb, names jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT a.attrelid,
           jsonb_object_agg(a.attname, jsonb_strip_nulls(jsonb_build_object(
               'type', format_type(a.atttypid, a.atttypmod),
               'collation', asymm._collation_fact(a.attcollation, t.typcollation),
               'comment', col_description(a.attrelid, a.attnum)))),
           jsonb_agg(a.attname ORDER BY a.attnum)
      FROM pg_attribute AS a
      JOIN pg_type AS t ON t.oid = a.atttypid
     WHERE a.attrelid = ANY (relids) AND a.attnum > 0 AND NOT a.attisdropped
     GROUP BY a.attrelid;
END
$$;
COMMENT ON FUNCTION asymm._attribute_facts(oid[]) IS 'Facts of the attributes of composite types, and their order.';

-- Of a base type what CREATE TYPE names, without what it has by default.
CREATE OR REPLACE FUNCTION asymm._base_type_facts(t pg_type) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'input', t.typinput::text, 'output', t.typoutput::text,
        'receive', NULLIF(t.typreceive::text, '-'), 'send', NULLIF(t.typsend::text, '-'),
        'typmod_in', NULLIF(t.typmodin::text, '-'), 'typmod_out', NULLIF(t.typmodout::text, '-'),
        'analyze', NULLIF(t.typanalyze::text, '-'), 'subscript', NULLIF(t.typsubscript::text, '-'),
        'internallength', CASE WHEN t.typlen = -1 THEN 'variable' ELSE t.typlen::text END,
        'passedbyvalue', CASE WHEN t.typbyval THEN true END,
        'alignment', CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'd' THEN 'double' END,
        'storage', CASE t.typstorage WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' WHEN 'x' THEN 'extended' END,
        'category', NULLIF(t.typcategory::text, 'U'), 'preferred', CASE WHEN t.typispreferred THEN true END,
        'default', t.typdefault, 'delimiter', NULLIF(t.typdelim::text, ','),
        'element', CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END,
        'collatable', CASE WHEN t.typcollation <> 0 THEN true END)
$$;
COMMENT ON FUNCTION asymm._base_type_facts(pg_type) IS 'Facts of a base type.';

CREATE OR REPLACE FUNCTION asymm._type_facts(oids oid[])
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
    SELECT t.oid, n.nspname::text, t.typname::text, pg_get_userbyid(t.typowner),
           jsonb_strip_nulls(jsonb_build_object(
               'type', jsonb_build_object('', jsonb_build_object(
                   'owner', pg_get_userbyid(t.typowner),
                   'variant', CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite' WHEN 'r' THEN 'range' WHEN 'b' THEN 'base'
                                             ELSE 'shell' END,
                   'comment', asymm._comment_on(t.oid, 'pg_type'),
                   'acl', asymm._object_acl_facts(t.typacl, 'T', t.typowner)) || CASE t.typtype
                   WHEN 'e' THEN (SELECT jsonb_build_object('labels', COALESCE(jsonb_agg(e.enumlabel ORDER BY e.enumsortorder), '[]'))
                                    FROM pg_enum AS e WHERE e.enumtypid = t.oid)
                   WHEN 'c' THEN jsonb_build_object('attributes', COALESCE(c.names, '[]'))
                   WHEN 'r' THEN (SELECT jsonb_build_object(
                                      'subtype', format_type(r.rngsubtype, NULL),
                                      'opclass', CASE WHEN NOT o.opcdefault THEN format('%I.%I', o.nspname, o.opcname) END,
                                      'collation', asymm._collation_fact(r.rngcollation, s.typcollation),
                                      'canonical', NULLIF(r.rngcanonical::text, '-'), 'subtype_diff', NULLIF(r.rngsubdiff::text, '-'),
                                      'multirange', format('%I.%I', m.nspname, m.typname))
                                    FROM pg_range AS r
                                    JOIN pg_type AS s ON s.oid = r.rngsubtype
                                    JOIN (SELECT x.oid, x.typname, y.nspname FROM pg_type AS x
                                            JOIN pg_namespace AS y ON y.oid = x.typnamespace) AS m ON m.oid = r.rngmultitypid
                                    JOIN (SELECT x.oid, x.opcname, x.opcdefault, y.nspname FROM pg_opclass AS x
                                            JOIN pg_namespace AS y ON y.oid = x.opcnamespace) AS o ON o.oid = r.rngsubopc
                                   WHERE r.rngtypid = t.oid)
                   WHEN 'b' THEN asymm._base_type_facts(t)
                   ELSE '{}' END),
               'attribute', c.facts)),
           '[]'::jsonb
      FROM pg_type AS t
      JOIN pg_namespace AS n ON n.oid = t.typnamespace
      LEFT JOIN asymm._attribute_facts(ARRAY(SELECT x.typrelid FROM pg_type AS x WHERE x.oid = ANY (oids) AND x.typtype = 'c')) AS c
             ON c.relid = t.typrelid
     WHERE t.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._type_facts(oid[])
    IS 'Everything declared about enums, composite, range, base and shell types: labels and attributes in their order, comments, owner, privileges.';

CREATE OR REPLACE FUNCTION asymm._not_null_name(domain_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT left(domain_name, 54) || '_not_null' $$;
COMMENT ON FUNCTION asymm._not_null_name(text) IS 'The name NOT NULL of a domain has unless it is given one.';

CREATE OR REPLACE FUNCTION asymm._domain_facts(oids oid[])
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
    WITH k AS MATERIALIZED (
        -- From 17 on NOT NULL is a constraint too.
        SELECT c.contypid, jsonb_object_agg(c.conname, jsonb_strip_nulls(jsonb_build_object(
                   'def', asymm._settled_text(pg_get_constraintdef(c.oid)), 'comment', asymm._comment_on(c.oid, 'pg_constraint'))))
                   FILTER (WHERE c.contype = 'c') AS facts,
               max(c.conname) FILTER (WHERE c.contype = 'n') AS not_null_name
          FROM pg_constraint AS c WHERE c.contypid = ANY (oids) GROUP BY c.contypid)
    SELECT t.oid, n.nspname::text, t.typname::text, pg_get_userbyid(t.typowner),
           jsonb_strip_nulls(jsonb_build_object(
               'domain', jsonb_build_object('', jsonb_build_object(
                   'owner', pg_get_userbyid(t.typowner), 'type', format_type(t.typbasetype, t.typtypmod),
                   'collation', asymm._collation_fact(t.typcollation, b.typcollation),
                   'default', asymm._settled_text(COALESCE(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault))),
                   'not_null', CASE WHEN t.typnotnull THEN true END,
                   'not_null_name', CASE WHEN t.typnotnull THEN NULLIF(k.not_null_name::text, asymm._not_null_name(t.typname)) END,
                   'comment', asymm._comment_on(t.oid, 'pg_type'),
                   'acl', asymm._object_acl_facts(t.typacl, 'T', t.typowner))),
               'constraint', k.facts)),
           '[]'::jsonb
      FROM pg_type AS t
      JOIN pg_namespace AS n ON n.oid = t.typnamespace
      JOIN pg_type AS b ON b.oid = t.typbasetype
      LEFT JOIN k ON k.contypid = t.oid
     WHERE t.oid = ANY (oids) AND t.typtype = 'd';
END
$$;
COMMENT ON FUNCTION asymm._domain_facts(oid[]) IS 'Everything declared about domains: base type, collation, default, constraints, comments, owner, privileges.';
