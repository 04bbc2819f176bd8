-- Text of definitions: whether it names a column, how it reads after a rename, how it must be written to come back
-- exactly as it was. The text is the server's own (pg_get_*def), in which every name is quoted as quote_ident() does.

CREATE OR REPLACE FUNCTION asymm._mentions(definition jsonb, column_name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN concat_ws(' ', definition ->> 'def', definition ->> 'using', definition ->> 'check', definition ->> 'generated')
           ~ concat('(?<![[:alnum:]_$"])', regexp_replace(quote_ident(column_name), '([^[:alnum:]_])', '\\\1', 'g'), '(?![[:alnum:]_$"])');
END
$$;
COMMENT ON FUNCTION asymm._mentions(jsonb, text) IS 'Whether a definition names a column (or something of the same name: never less).';

-- In the arms of a UNION and in EXISTS (SELECT …) the server leaves out the name of a column that has none. Read again,
-- 'x'::text would be called "text", and that is printed; the name the server itself gives is not.
CREATE OR REPLACE FUNCTION asymm._replayable_names(definition text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Literals and quoted names behind marks, so that patterns meet nothing but SQL.
    v_hidden constant text := '''(?:[^'']|'''')*''|"(?:[^"]|"")*"';
    v_type constant text := E'(?:[\\w\x02]+\\.)?[\\w\x02]+(?: varying| precision)?(?:\\([0-9,-]+\\))?(?: with(?:out)? time zone)?(?:\\[\\])*';
    v_after constant text := E'(?=[,\n)]|$| (?:FROM|WHERE|UNION|EXCEPT|INTERSECT|GROUP|HAVING|ORDER|LIMIT|OFFSET|FETCH|WINDOW|FOR)\\M)';
    v_text text;
BEGIN
    IF strpos(definition, 'SELECT ') = 0 OR strpos(definition, '::') = 0 OR definition ~ E'[\x01\x02]' THEN
        RETURN definition;
    END IF;
    SELECT string_agg(CASE left(t.m[1], 1) WHEN '''' THEN chr(1) WHEN '"' THEN chr(2) ELSE t.m[1] END, '' ORDER BY t.n) INTO v_text
      FROM regexp_matches(definition, concat('(', v_hidden, '|[^''"]+)'), 'g') WITH ORDINALITY AS t (m, n);
    v_text := regexp_replace(v_text, concat(E'((?:\\mSELECT (?:DISTINCT )?|,\n *)(?:E?\x01|NULL)::', v_type, ')', v_after),
                             '\1 AS "?column?"', 'g');
    RETURN (SELECT string_agg(p.part || COALESCE(h.m[1], ''), '' ORDER BY p.n)
              FROM regexp_split_to_table(v_text, E'[\x01\x02]') WITH ORDINALITY AS p (part, n)
              LEFT JOIN regexp_matches(definition, concat('(', v_hidden, ')'), 'g') WITH ORDINALITY AS h (m, n) ON h.n = p.n);
END
$$;
COMMENT ON FUNCTION asymm._replayable_names(text) IS 'A definition whose columns without a name keep none when it is run.';

-- What people write is not printed as it would be if its print were run:
-- * varchar IN ('a', 'b') has one cast over the array; facts hold the settled text, an array of elements that are cast
--   one by one. The elements are put back under one cast.
-- * BETWEEN, and IN of what is not constant, stand in parentheses of their own within a longer AND or OR, which the
--   parser would drop.
-- In both a cast that does nothing, and is not printed, keeps the parser from doing so.
CREATE OR REPLACE FUNCTION asymm._replayable(definition text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_comma constant text := chr(1);
    v_text text := asymm._replayable_names(definition);
    v_tokens text[];
    v_done text[] := ARRAY[''];
    v_joins text[] := ARRAY[NULL::text];
    v_arrays boolean[] := ARRAY[false];
    v_depth integer := 1;
BEGIN
    IF v_text !~ 'ARRAY\[\(|\) (AND|OR) ' OR strpos(v_text, v_comma) > 0 THEN
        RETURN v_text;
    END IF;
    SELECT array_agg(t.m[1] ORDER BY t.n) INTO v_tokens
      FROM regexp_matches(v_text, '(''(?:[^'']|'''')*''|"(?:[^"]|"")*"|[]()[]| AND | OR |, |(?:(?! AND | OR |, )[^]''"()[])+)', 'g')
           WITH ORDINALITY AS t (m, n);
    FOR i IN 1 .. cardinality(v_tokens) LOOP
        IF v_tokens[i] IN ('(', '[') THEN
            v_depth := v_depth + 1;
            v_arrays[v_depth] := v_tokens[i] = '[' AND v_done[v_depth - 1] LIKE '%ARRAY';
            v_joins[v_depth] := NULL;
            v_done[v_depth] := '';
        ELSIF v_tokens[i] IN (')', ']') AND v_depth > 1 THEN
            v_depth := v_depth - 1;
            v_done[v_depth] := CASE
                WHEN v_arrays[v_depth + 1]
                THEN asymm._replayable_array(left(v_done[v_depth], -5), string_to_array(v_done[v_depth + 1], v_comma))
                WHEN v_tokens[i] = ')' AND v_joins[v_depth + 1] = v_tokens[i + 1] AND v_done[v_depth] ~ '(^|\s)$'
                THEN concat(v_done[v_depth], '(', v_done[v_depth + 1], ')::boolean')
                ELSE concat(v_done[v_depth], CASE v_tokens[i] WHEN ')' THEN '(' ELSE '[' END, v_done[v_depth + 1], v_tokens[i]) END;
        ELSE
            v_joins[v_depth] := CASE WHEN v_tokens[i] IN (' AND ', ' OR ') THEN v_tokens[i] ELSE v_joins[v_depth] END;
            v_done[v_depth] := v_done[v_depth] || CASE WHEN v_arrays[v_depth] AND v_tokens[i] = ', ' THEN v_comma ELSE v_tokens[i] END;
        END IF;
    END LOOP;
    RETURN v_done[1];
END
$$;
COMMENT ON FUNCTION asymm._replayable(text) IS 'A definition written so that the server prints it as it prints what people write.';

CREATE OR REPLACE FUNCTION asymm._replayable_array(before text, items text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_item text;
    v_left text;
    v_plain text[];
BEGIN
    FOREACH v_item IN ARRAY items LOOP
        v_item := substring(v_item FROM '^\((.*::character varying)\)::text$');
        v_left := regexp_replace(v_item, '''(?:[^'']|'''')*''|"(?:[^"]|"")*"', '', 'g');
        -- The parentheses at both ends must be a pair.
        WHILE v_left ~ '\([^()]*\)' LOOP
            v_left := regexp_replace(v_left, '\([^()]*\)', '', 'g');
        END LOOP;
        IF v_item IS NULL OR v_left ~ '[()]' THEN
            RETURN format('%sARRAY[%s]', before, array_to_string(items, ', '));
        END IF;
        v_plain := v_plain || v_item;
    END LOOP;
    RETURN format('%s((ARRAY[%s])::character varying[])::text[]', before, array_to_string(v_plain, ', '));
END
$$;
COMMENT ON FUNCTION asymm._replayable_array(text, text[])
    IS 'An array of varchar elements cast to text one by one, with one cast over all; any other array as it is.';

CREATE OR REPLACE FUNCTION asymm._retoken(definition text, names jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Literals and longer words stay; a word before a parenthesis is a function.
    SELECT string_agg(CASE WHEN t.next LIKE '(%' THEN t.token ELSE COALESCE(names ->> t.token, t.token) END, '' ORDER BY t.ord)
      FROM (SELECT m.m[1] AS token, lead(m.m[1]) OVER (ORDER BY m.ord) AS next, m.ord
              FROM regexp_matches(definition,
                       '(''(?:[^'']|'''')*''|"(?:[^"]|"")*"|[[:alpha:]_][[:alnum:]_$]*|[^[:alpha:]_''"]+)', 'g')
                   WITH ORDINALITY AS m (m, ord)) AS t
$$;
COMMENT ON FUNCTION asymm._retoken(text, jsonb) IS 'A definition with identifiers replaced (old → new, both as quote_ident() prints them).';

-- The same for a qualified relation name: between boundaries, outside of longer names.
CREATE OR REPLACE FUNCTION asymm._rerelation(definition text, old_name text, new_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT regexp_replace(definition,
        concat('(?<![[:alnum:]_$".])', regexp_replace(old_name, '([^[:alnum:]_])', '\\\1', 'g'), '(?![[:alnum:]_$"])'),
        replace(new_name, '\', '\\'), 'g')
$$;
COMMENT ON FUNCTION asymm._rerelation(text, text, text) IS 'A definition with a qualified relation name replaced.';

CREATE OR REPLACE FUNCTION asymm._constraint_core(facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE facts ->> 'type'
        WHEN 'foreign key' THEN regexp_replace(facts ->> 'def', '( DEFERRABLE)?( INITIALLY DEFERRED)?( NOT VALID| NOT ENFORCED)?$', '')
        WHEN 'check' THEN regexp_replace(facts ->> 'def', ' NOT VALID$', '')
        ELSE facts ->> 'def' END
$$;
COMMENT ON FUNCTION asymm._constraint_core(jsonb) IS 'Definition of a constraint without what can be altered where it stands.';

CREATE OR REPLACE FUNCTION asymm._index_core(definition text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT regexp_replace(definition, ' WITH \([a-z_]+=''[^'']*''(, [a-z_]+=''[^'']*'')*\)', '')
$$;
COMMENT ON FUNCTION asymm._index_core(text) IS 'Definition of an index without its storage parameters.';

CREATE OR REPLACE FUNCTION asymm._index_options(definition text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_object_agg(o.m[1], o.m[2])
      FROM regexp_matches(substring(definition FROM ' WITH \(([a-z_]+=''[^'']*''(?:, [a-z_]+=''[^'']*'')*)\)'),
                          '([a-z_]+)=''([^'']*)''', 'g') AS o (m)
$$;
COMMENT ON FUNCTION asymm._index_options(text) IS 'Storage parameters in the definition of an index.';

CREATE OR REPLACE FUNCTION asymm._index_option_order(definition text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_agg(o.m[1] ORDER BY o.n)
      FROM regexp_matches(substring(definition FROM ' WITH \(([a-z_]+=''[^'']*''(?:, [a-z_]+=''[^'']*'')*)\)'),
                          '([a-z_]+)=''([^'']*)''', 'g') WITH ORDINALITY AS o (m, n)
$$;
COMMENT ON FUNCTION asymm._index_option_order(text) IS 'Names of the storage parameters in the definition of an index, in their order.';

-- SET (…) and RESET (…) from one set of options to another. What is set comes last, so another order may need all of them
-- anew. An order is told unless it is that of the names.
CREATE OR REPLACE FUNCTION asymm._option_changes(
    wanted jsonb, present jsonb, prefix text DEFAULT '', wanted_order jsonb DEFAULT NULL, present_order jsonb DEFAULT NULL)
RETURNS TABLE (action text, undo text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH o AS (SELECT COALESCE(w.key, p.key) AS name, format('%s%I', prefix, COALESCE(w.key, p.key)) AS key, w.value AS wanted, p.value AS present,
                      array_position(v.wanted, w.key) AS place, array_position(v.present, p.key) AS was
                 FROM jsonb_each_text(wanted) AS w FULL JOIN jsonb_each_text(present) AS p ON p.key = w.key
                CROSS JOIN (SELECT asymm._option_names(wanted, wanted_order), asymm._option_names(present, present_order)) AS v (wanted, present)),
    x AS (SELECT COALESCE(array_agg(o.name ORDER BY o.wanted IS DISTINCT FROM o.present, CASE WHEN o.wanted = o.present THEN o.was END, o.place)
                              FILTER (WHERE o.wanted IS NOT NULL)
                          <> array_agg(o.name ORDER BY o.place) FILTER (WHERE o.wanted IS NOT NULL), false) AS anew FROM o)
    SELECT concat_ws(', ', 'RESET (' || string_agg(o.key, ', ' ORDER BY o.was) FILTER (WHERE o.was IS NOT NULL AND (x.anew OR o.place IS NULL))
                         || ')',
                     'SET (' || string_agg(concat_ws(' = ', o.key, quote_literal(o.wanted)), ', ' ORDER BY o.place)
                                    FILTER (WHERE o.place IS NOT NULL) || ')'),
           concat_ws(', ', 'RESET (' || string_agg(o.key, ', ' ORDER BY o.place) FILTER (WHERE o.place IS NOT NULL AND (x.anew OR o.was IS NULL))
                         || ')',
                     'SET (' || string_agg(concat_ws(' = ', o.key, quote_literal(o.present)), ', ' ORDER BY o.was)
                                    FILTER (WHERE o.was IS NOT NULL) || ')')
      FROM o, x
     WHERE x.anew OR o.wanted IS DISTINCT FROM o.present
     GROUP BY x.anew OR o.wanted IS NOT NULL;
END
$$;
COMMENT ON FUNCTION asymm._option_changes(jsonb, jsonb, text, jsonb, jsonb) IS 'SET and RESET clauses between two sets of options, each with its inverse.';

-- Of a column, where each clause is a command of its own.
CREATE OR REPLACE FUNCTION asymm._column_option_changes(wanted jsonb, present jsonb) RETURNS TABLE (action text, undo text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH o AS (SELECT quote_ident(COALESCE(w.key, p.key)) AS key, w.value AS wanted, p.value AS present
                 FROM jsonb_each_text(wanted) AS w FULL JOIN jsonb_each_text(present) AS p ON p.key = w.key
                WHERE w.value IS DISTINCT FROM p.value)
    SELECT format(CASE WHEN bool_and(o.wanted IS NULL) THEN 'RESET (%s)' ELSE 'SET (%s)' END,
                  string_agg(concat_ws(' = ', o.key, quote_literal(o.wanted)), ', ' ORDER BY o.key COLLATE "C")),
           format(CASE WHEN bool_and(o.present IS NULL) THEN 'RESET (%s)' ELSE 'SET (%s)' END,
                  string_agg(concat_ws(' = ', o.key, quote_literal(o.present)), ', ' ORDER BY o.key COLLATE "C"))
      FROM o
     GROUP BY o.wanted IS NULL, o.present IS NULL;
END
$$;
COMMENT ON FUNCTION asymm._column_option_changes(jsonb, jsonb) IS 'SET and RESET clauses between two sets of options of a column, each with its inverse.';

CREATE OR REPLACE FUNCTION asymm._option_names(options jsonb, told jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN told IS NULL THEN ARRAY(SELECT k FROM jsonb_object_keys(options) AS k ORDER BY k COLLATE "C")
                ELSE ARRAY(SELECT jsonb_array_elements_text(told)) END
$$;
COMMENT ON FUNCTION asymm._option_names(jsonb, jsonb) IS 'The names of options in their order.';

-- A relation by its qualified name, from the catalogs alone: the caller may lack rights on the schema.
CREATE OR REPLACE FUNCTION asymm._relation_oid(qualified text) RETURNS oid
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_parts text[] := parse_ident(qualified);
BEGIN
    RETURN (SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE n.nspname = v_parts[1] AND c.relname = v_parts[2]);
END
$$;
COMMENT ON FUNCTION asymm._relation_oid(text) IS 'OID of a relation by its qualified name, whatever the caller may see; NULL when there is none.';
