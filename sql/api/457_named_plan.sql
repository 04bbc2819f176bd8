-- Steps for collations, conversions, text search objects and extended statistics. What cannot be altered is dropped and
-- made anew; a collation is swapped, since columns have it.

-- What of an object no ALTER changes.
CREATE OR REPLACE FUNCTION asymm._named_core(kind text, facts jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE kind WHEN 'text search dictionary' THEN m -> 'template'
                     ELSE m - ARRAY['owner', 'comment', 'acl', 'statistics', 'leaving'] END
      FROM (SELECT facts #> ARRAY[kind, '']) AS x (m)
$$;
COMMENT ON FUNCTION asymm._named_core(text, jsonb) IS 'What of a collation, conversion, text search object or extended statistics no ALTER changes.';

CREATE OR REPLACE FUNCTION asymm._named_statement(kind text, identity text, facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE kind
        WHEN 'collation' THEN format('CREATE COLLATION %s (%s)', identity, concat_ws(', ',
            'PROVIDER = ' || (m ->> 'provider'), 'DETERMINISTIC = ' || (m ->> 'deterministic'), 'LOCALE = ' || quote_literal(m ->> 'locale'),
            'LC_COLLATE = ' || quote_literal(m ->> 'lc_collate'), 'LC_CTYPE = ' || quote_literal(m ->> 'lc_ctype'),
            'RULES = ' || quote_literal(m ->> 'rules')))
        WHEN 'conversion' THEN format('CREATE %sCONVERSION %s FOR %L TO %L FROM %s', CASE WHEN m ? 'default' THEN 'DEFAULT ' ELSE '' END,
                                      identity, m ->> 'from', m ->> 'to', m ->> 'function')
        WHEN 'statistics object' THEN asymm._replayable_statistics(m ->> 'def')
        WHEN 'text search configuration' THEN format('CREATE TEXT SEARCH CONFIGURATION %s (PARSER = %s)', identity, m ->> 'parser')
        WHEN 'text search dictionary' THEN format('CREATE TEXT SEARCH DICTIONARY %s (%s)', identity, concat_ws(', ',
            'TEMPLATE = ' || (m ->> 'template'), m ->> 'options'))
        WHEN 'text search parser' THEN format('CREATE TEXT SEARCH PARSER %s (%s)', identity, concat_ws(', ', 'START = ' || (m ->> 'start'),
            'GETTOKEN = ' || (m ->> 'gettoken'), 'END = ' || (m ->> 'end'), 'HEADLINE = ' || (m ->> 'headline'), 'LEXTYPES = ' || (m ->> 'lextypes')))
        WHEN 'text search template' THEN format('CREATE TEXT SEARCH TEMPLATE %s (%s)', identity, concat_ws(', ',
            'INIT = ' || (m ->> 'init'), 'LEXIZE = ' || (m ->> 'lexize'))) END
      FROM (SELECT facts #> ARRAY[kind, '']) AS x (m)
$$;
COMMENT ON FUNCTION asymm._named_statement(text, text, jsonb) IS 'CREATE statement of a collation, conversion, text search object or extended statistics.';

-- When it is made: what rests on functions of one's own after those.
CREATE OR REPLACE FUNCTION asymm._named_place(kind text, facts jsonb, OUT phase integer, OUT ord integer)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN kind = 'statistics object' THEN 590
                WHEN kind = 'collation' OR kind IN ('text search configuration', 'text search dictionary') THEN 26
                WHEN concat_ws(' ', m ->> 'function', m ->> 'start', m ->> 'gettoken', m ->> 'end', m ->> 'headline', m ->> 'lextypes',
                               m ->> 'init', m ->> 'lexize') LIKE '%.%' THEN 35
                ELSE 26 END,
           CASE kind WHEN 'collation' THEN 10 WHEN 'text search dictionary' THEN 20 WHEN 'text search configuration' THEN 30 ELSE 0 END
      FROM (SELECT facts #> ARRAY[kind, '']) AS x (m)
$$;
COMMENT ON FUNCTION asymm._named_place(text, jsonb) IS 'Phase and place in it in which an object is made.';

-- Options of a dictionary as names and values; the text is the server's own.
CREATE OR REPLACE FUNCTION asymm._dictionary_options(options text) RETURNS TABLE (name text, value text, n bigint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT o.m[1], o.m[2], o.n
      FROM regexp_matches(options, '("(?:[^"]|"")+"|[^\s=,"]+)\s*=\s*( ?E?''(?:[^''\\]|''''|\\.)*''|[^,''\s]+)', 'g') WITH ORDINALITY AS o (m, n)
$$;
COMMENT ON FUNCTION asymm._dictionary_options(text) IS 'Options of a text search dictionary, in their order.';

-- All options are given again, so that they stand in the declared order.
CREATE OR REPLACE FUNCTION asymm._dictionary_change(identity text, wanted text, present text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('ALTER TEXT SEARCH DICTIONARY %s (%s)', identity, concat_ws(', ',
               (SELECT string_agg(p.name, ', ' ORDER BY p.n) FROM asymm._dictionary_options(present) AS p
                 WHERE p.name NOT IN (SELECT w.name FROM asymm._dictionary_options(wanted) AS w)), wanted))
$$;
COMMENT ON FUNCTION asymm._dictionary_change(text, text, text) IS 'ALTER TEXT SEARCH DICTIONARY from some options to others.';

CREATE OR REPLACE FUNCTION asymm._dictionary_list(mapping jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT string_agg(d, ', ' ORDER BY n) FROM jsonb_array_elements_text(mapping -> 'dictionaries') WITH ORDINALITY AS e (d, n) $$;
COMMENT ON FUNCTION asymm._dictionary_list(jsonb) IS 'Dictionaries of a mapping as they are written in SQL.';

CREATE OR REPLACE FUNCTION asymm._plan_mappings(identity text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH m AS (
        SELECT COALESCE(d.key, a.key) AS key, asymm._dictionary_list(d.value) AS d, asymm._dictionary_list(a.value) AS a,
               format('ALTER TEXT SEARCH CONFIGURATION %s %%s MAPPING FOR %I', identity, COALESCE(d.key, a.key)) AS head
          FROM jsonb_each(declared) AS d FULL JOIN jsonb_each(actual) AS a ON a.key = d.key
         WHERE d.value IS DISTINCT FROM a.value)
    SELECT 26, 40, 'mapping', m.key,
           replace(m.head, '%s', CASE WHEN m.a IS NULL THEN 'ADD' WHEN m.d IS NULL THEN 'DROP' ELSE 'ALTER' END) || COALESCE(' WITH ' || m.d, ''),
           replace(m.head, '%s', CASE WHEN m.d IS NULL THEN 'ADD' WHEN m.a IS NULL THEN 'DROP' ELSE 'ALTER' END) || COALESCE(' WITH ' || m.a, ''),
           'none', '{}'::text[], NULL::text
      FROM m;
END
$$;
COMMENT ON FUNCTION asymm._plan_mappings(text, jsonb, jsonb) IS 'Steps that add, change and drop mappings of a text search configuration.';

CREATE OR REPLACE FUNCTION asymm._plan_named(kind text, schema_name text, object_name text, declared jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_id text := format('%I.%I', schema_name, object_name);
    v_word text := CASE kind WHEN 'statistics object' THEN 'STATISTICS' ELSE upper(kind) END;
    v_main jsonb := declared #> ARRAY[kind, ''];
    -- What stands there before comment, owner and the like are mended.
    v_now jsonb := actual #> ARRAY[kind, ''];
    v_mapping jsonb := actual -> 'mapping';
    v_place record := asymm._named_place(kind, declared);
BEGIN
    IF actual IS NULL THEN
        RETURN QUERY SELECT v_place.phase, v_place.ord, kind, '', asymm._named_statement(kind, v_id, declared), format('DROP %s %s', v_word, v_id),
                            CASE kind WHEN 'statistics object' THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'none' END, '{}'::text[], NULL::text;
    ELSIF asymm._remakes_types(kind, declared, actual) THEN
        IF kind = 'collation' THEN
            RETURN QUERY SELECT 26, 15, kind, '', s.* FROM asymm._plan_swap('pg_collation'::regclass, object_id, kind, schema_name, object_name,
                                                                             asymm._with_keeping(declared, actual), actual) AS s;
        ELSE
            v_now := NULL;
            v_mapping := NULL;
            RETURN QUERY
            SELECT 10, 0, kind, '', format('DROP %s %s', v_word, v_id), asymm._types_script(kind, schema_name, object_name, actual),
                   'none', '{}'::text[], NULL::text
            UNION ALL
            SELECT v_place.phase, v_place.ord, kind, '', asymm._named_statement(kind, v_id, declared), format('DROP %s %s', v_word, v_id),
                   CASE kind WHEN 'statistics object' THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'none' END, '{}', NULL;
        END IF;
    ELSIF v_main ->> 'options' IS DISTINCT FROM v_now ->> 'options' THEN
        RETURN QUERY SELECT 26, 25, kind, '', asymm._dictionary_change(v_id, v_main ->> 'options', v_now ->> 'options'),
                            asymm._dictionary_change(v_id, v_now ->> 'options', v_main ->> 'options'), 'none', '{}'::text[], NULL::text;
    END IF;
    IF (v_main -> 'statistics') IS DISTINCT FROM (v_now -> 'statistics') THEN
        RETURN QUERY SELECT 591, 0, kind, '', format('ALTER STATISTICS %s SET STATISTICS %s', v_id, COALESCE((v_main -> 'statistics')::integer, -1)),
                            format('ALTER STATISTICS %s SET STATISTICS %s', v_id, COALESCE((v_now -> 'statistics')::integer, -1)),
                            'SHARE UPDATE EXCLUSIVE', '{}'::text[], NULL::text;
    END IF;
    RETURN QUERY
    SELECT p.* FROM asymm._plan_mappings(v_id, declared -> 'mapping', v_mapping) AS p
    UNION ALL
    SELECT c.* FROM asymm._plan_common(v_word, v_id, NULL, kind, '', v_main, v_now) AS c;
END
$$;
COMMENT ON FUNCTION asymm._plan_named(text, text, text, jsonb, jsonb, oid)
    IS 'Steps for a collation, conversion, text search object or extended statistics.';
