-- Facts of what only has a name and a definition: collations, conversions, extended statistics, and the parts of text
-- search. Columns of catalogs that only some versions have are read by way of jsonb.

CREATE OR REPLACE FUNCTION asymm._collation_facts(oids oid[])
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
    SELECT c.oid, n.nspname::text, c.collname::text, pg_get_userbyid(c.collowner),
           jsonb_build_object('collation', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(c.collowner),
               'provider', CASE c.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'default' END,
               'deterministic', CASE WHEN NOT c.collisdeterministic THEN false END,
               'locale', COALESCE(r.doc ->> 'colllocale', r.doc ->> 'colliculocale',
                                  CASE WHEN c.collcollate = c.collctype THEN c.collcollate END),
               'lc_collate', CASE WHEN c.collcollate <> c.collctype THEN c.collcollate END,
               'lc_ctype', CASE WHEN c.collcollate <> c.collctype THEN c.collctype END,
               'rules', r.doc ->> 'collicurules',
               'comment', asymm._comment_on(c.oid, 'pg_collation'))))),
           '[]'::jsonb
      FROM pg_collation AS c
      JOIN pg_namespace AS n ON n.oid = c.collnamespace
     CROSS JOIN LATERAL (SELECT to_jsonb(c)) AS r (doc)
     WHERE c.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._collation_facts(oid[]) IS 'Everything declared about collations: provider, locale, rules, determinism, comment, owner.';

CREATE OR REPLACE FUNCTION asymm._conversion_facts(oids oid[])
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
    SELECT c.oid, n.nspname::text, c.conname::text, pg_get_userbyid(c.conowner),
           jsonb_build_object('conversion', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(c.conowner),
               'default', CASE WHEN c.condefault THEN true END,
               'from', pg_encoding_to_char(c.conforencoding), 'to', pg_encoding_to_char(c.contoencoding),
               'function', c.conproc::text,
               'comment', asymm._comment_on(c.oid, 'pg_conversion'))))),
           '[]'::jsonb
      FROM pg_conversion AS c
      JOIN pg_namespace AS n ON n.oid = c.connamespace
     WHERE c.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._conversion_facts(oid[]) IS 'Everything declared about conversions: encodings, function, comment, owner.';

-- Expressions are printed without the usual parentheses there, so the array that is cast as a whole reads otherwise too.
CREATE OR REPLACE FUNCTION asymm._settled_statistics(definition text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := definition;
    v_array text[];
BEGIN
    FOR v_array IN
        SELECT m FROM regexp_matches(definition,
            '(ARRAY\[(''(?:[^'']|'''')*''::character varying(?:, ''(?:[^'']|'''')*''::character varying)*)\]::text\[\])', 'g') AS m
    LOOP
        v_text := replace(v_text, v_array[1], format('ARRAY[%s]',
            regexp_replace(v_array[2], '(''(?:[^'']|'''')*''::character varying)', '\1::text', 'g')));
    END LOOP;
    RETURN v_text;
END
$$;
COMMENT ON FUNCTION asymm._settled_statistics(text) IS 'Definition of extended statistics in the form it has after it was replayed once.';

CREATE OR REPLACE FUNCTION asymm._replayable_statistics(definition text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := definition;
    v_array text;
BEGIN
    FOR v_array IN
        SELECT m[1] FROM regexp_matches(definition,
            '(ARRAY\[''(?:[^'']|'''')*''::character varying::text(?:, ''(?:[^'']|'''')*''::character varying::text)*\])', 'g') AS m
    LOOP
        v_text := replace(v_text, v_array, format('((%s)::character varying[])::text[]',
            regexp_replace(v_array, '(''(?:[^'']|'''')*''::character varying)::text', '\1', 'g')));
    END LOOP;
    RETURN v_text;
END
$$;
COMMENT ON FUNCTION asymm._replayable_statistics(text) IS 'Definition of extended statistics written so that the server prints it as it prints what people write.';

CREATE OR REPLACE FUNCTION asymm._statistics_object_facts(oids oid[])
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
    SELECT x.oid, n.nspname::text, x.stxname::text, pg_get_userbyid(x.stxowner),
           jsonb_build_object('statistics object', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(x.stxowner),
               'table', format('%I.%I', rn.nspname, r.relname),
               'def', asymm._settled_statistics(regexp_replace(pg_get_statisticsobjdef(x.oid),
                          ' ON ' || regexp_replace(k.present, '([^[:alnum:]_ ])', '\\\1', 'g'), ' ON ' || replace(k.sorted, '\', '\\'))),
               'statistics', NULLIF(x.stxstattarget, -1),
               'comment', asymm._comment_on(x.oid, 'pg_statistic_ext'))))),
           '[]'::jsonb
      FROM pg_statistic_ext AS x
      JOIN pg_namespace AS n ON n.oid = x.stxnamespace
      JOIN pg_class AS r ON r.oid = x.stxrelid
      JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
      -- Columns are printed in their order in the table, which may change and means nothing.
     CROSS JOIN LATERAL (SELECT COALESCE(string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), '') AS present,
                                COALESCE(string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname COLLATE "C"), '') AS sorted
                           FROM pg_attribute AS a WHERE a.attrelid = x.stxrelid AND a.attnum = ANY (x.stxkeys::smallint[])) AS k
     WHERE x.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._statistics_object_facts(oid[]) IS 'Everything declared about extended statistics: definition, statistics target, comment, owner.';

CREATE OR REPLACE FUNCTION asymm._text_search_configuration_facts(oids oid[])
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
    SELECT c.oid, n.nspname::text, c.cfgname::text, pg_get_userbyid(c.cfgowner),
           jsonb_strip_nulls(jsonb_build_object(
               'text search configuration', jsonb_build_object('', jsonb_build_object(
                   'owner', pg_get_userbyid(c.cfgowner),
                   'parser', format('%I.%I', pn.nspname, p.prsname),
                   'comment', asymm._comment_on(c.oid, 'pg_ts_config'))),
               'mapping', (
                   SELECT jsonb_object_agg(y.alias, jsonb_build_object('dictionaries', m.names))
                     FROM (SELECT g.maptokentype, jsonb_agg(format('%I.%I', dn.nspname, d.dictname) ORDER BY g.mapseqno) AS names
                             FROM pg_ts_config_map AS g
                             JOIN pg_ts_dict AS d ON d.oid = g.mapdict
                             JOIN pg_namespace AS dn ON dn.oid = d.dictnamespace
                            WHERE g.mapcfg = c.oid
                            GROUP BY g.maptokentype) AS m
                     JOIN ts_token_type(c.cfgparser) AS y ON y.tokid = m.maptokentype))),
           '[]'::jsonb
      FROM pg_ts_config AS c
      JOIN pg_namespace AS n ON n.oid = c.cfgnamespace
      JOIN pg_ts_parser AS p ON p.oid = c.cfgparser
      JOIN pg_namespace AS pn ON pn.oid = p.prsnamespace
     WHERE c.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._text_search_configuration_facts(oid[]) IS 'Everything declared about text search configurations: parser, mappings, comment, owner.';

CREATE OR REPLACE FUNCTION asymm._text_search_dictionary_facts(oids oid[])
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
    SELECT d.oid, n.nspname::text, d.dictname::text, pg_get_userbyid(d.dictowner),
           jsonb_build_object('text search dictionary', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(d.dictowner),
               'template', format('%I.%I', tn.nspname, t.tmplname),
               'options', d.dictinitoption,
               'comment', asymm._comment_on(d.oid, 'pg_ts_dict'))))),
           '[]'::jsonb
      FROM pg_ts_dict AS d
      JOIN pg_namespace AS n ON n.oid = d.dictnamespace
      JOIN pg_ts_template AS t ON t.oid = d.dicttemplate
      JOIN pg_namespace AS tn ON tn.oid = t.tmplnamespace
     WHERE d.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._text_search_dictionary_facts(oid[]) IS 'Everything declared about text search dictionaries: template, options, comment, owner.';

CREATE OR REPLACE FUNCTION asymm._text_search_parser_facts(oids oid[])
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
    SELECT p.oid, n.nspname::text, p.prsname::text, NULL::name,
           jsonb_build_object('text search parser', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'start', p.prsstart::text, 'gettoken', p.prstoken::text, 'end', p.prsend::text,
               'headline', NULLIF(p.prsheadline::text, '-'), 'lextypes', p.prslextype::text,
               'comment', asymm._comment_on(p.oid, 'pg_ts_parser'))))),
           '[]'::jsonb
      FROM pg_ts_parser AS p
      JOIN pg_namespace AS n ON n.oid = p.prsnamespace
     WHERE p.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._text_search_parser_facts(oid[]) IS 'Everything declared about text search parsers: their functions, comment.';

CREATE OR REPLACE FUNCTION asymm._text_search_template_facts(oids oid[])
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
    SELECT t.oid, n.nspname::text, t.tmplname::text, NULL::name,
           jsonb_build_object('text search template', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'init', NULLIF(t.tmplinit::text, '-'), 'lexize', t.tmpllexize::text,
               'comment', asymm._comment_on(t.oid, 'pg_ts_template'))))),
           '[]'::jsonb
      FROM pg_ts_template AS t
      JOIN pg_namespace AS n ON n.oid = t.tmplnamespace
     WHERE t.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._text_search_template_facts(oid[]) IS 'Everything declared about text search templates: their functions, comment.';
