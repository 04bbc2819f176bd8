-- The parts of an expression, read one by one.

-- A value and what is written behind it: casts, subscripts, collations.
CREATE OR REPLACE FUNCTION asymm._read_unit(tokens text[], place integer, names jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_item jsonb := asymm._read_value(tokens, place, names);
    v_place integer := (v_item ->> 'p')::integer;
    v_end integer;
BEGIN
    LOOP
        IF tokens[v_place] = '::' THEN
            v_end := asymm._type_end(tokens, v_place + 1);
            v_item := asymm._cast_item(v_item, tokens[v_place + 1:v_end - 1], names);
        ELSIF tokens[v_place] = 'COLLATE' AND asymm._is_identifier(tokens[v_place + 1])
              AND (tokens[v_place + 2] IS DISTINCT FROM '.' OR asymm._is_identifier(tokens[v_place + 3])) THEN
            v_end := CASE WHEN tokens[v_place + 2] = '.' THEN v_place + 4 ELSE v_place + 2 END;
            v_item := v_item || jsonb_build_object('l', array_to_string(tokens[v_place + 1:v_end - 1], ''),
                't', format('%s COLLATE %s', v_item ->> 't', array_to_string(tokens[v_place + 1:v_end - 1], '')));
        ELSIF tokens[v_place] = '[' THEN
            v_end := asymm._closing(tokens, v_place);
            v_item := asymm._unread(tokens, place, v_end, names);
        ELSIF tokens[v_place] = '.' AND v_place > place THEN
            v_end := v_place + 2;
            v_item := asymm._unread(tokens, place, LEAST(v_end, cardinality(tokens) + 1), names);
        ELSE
            RETURN v_item || jsonb_build_object('p', v_place);
        END IF;
        v_place := LEAST(v_end, cardinality(tokens) + 1);
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._read_unit(text[], integer, jsonb) IS 'Reads one value with its casts.';

CREATE OR REPLACE FUNCTION asymm._read_value(tokens text[], place integer, names jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_token text := tokens[place];
    v_item jsonb;
    v_column jsonb;
    v_end integer;
BEGIN
    IF v_token IS NULL OR v_token IN (')', ']', ',') THEN
        RETURN jsonb_build_object('k', 'expr', 't', '', 'i', false, 'n', '[]'::jsonb, 'p', place);
    ELSIF v_token = '(' THEN
        -- What another part of the plan computes: once, or for every row.
        IF tokens[place + 1] IN ('SubPlan', 'hashed', 'alternatives', 'InitPlan', 'returns', 'CTE', 'rescan') THEN
            v_end := asymm._closing(tokens, place);
            IF tokens[v_end] = '.' THEN
                v_end := LEAST(v_end + 2, cardinality(tokens) + 1);
            END IF;
            RETURN jsonb_build_object('k', CASE WHEN tokens[place + 1] = 'InitPlan' THEN 'param' ELSE 'expr' END, 't', '', 'i', false,
                'n', CASE WHEN tokens[place + 1] = 'InitPlan' THEN '[]'::jsonb ELSE '["?"]'::jsonb END, 'p', v_end);
        END IF;
        v_item := asymm._read_list(tokens, place + 1, names);
        IF jsonb_array_length(v_item -> 'a') = 1 THEN
            RETURN (v_item #> '{a,0}') || jsonb_build_object('p', v_item -> 'p', 't', format('(%s)', v_item #>> '{a,0,t}'));
        END IF;
        RETURN asymm._row_item(v_item);
    ELSIF v_token ~ '^[EBX]?''' THEN
        -- A backslash may read differently elsewhere.
        RETURN jsonb_build_object('k', 'const', 't', v_token, 'i', v_token !~ '\\', 'n', '[]'::jsonb, 'p', place + 1);
    ELSIF v_token ~ '^\d' THEN
        RETURN jsonb_build_object('k', 'const', 't', v_token, 'i', true, 'n', '[]'::jsonb, 'p', place + 1,
            'y', CASE WHEN v_token ~ '\D' THEN 'numeric'::regtype::oid WHEN length(v_token) < 10 THEN 'integer'::regtype::oid
                      ELSE 'bigint'::regtype::oid END);
    ELSIF v_token ~ '^\$\d' THEN
        RETURN jsonb_build_object('k', 'param', 't', v_token, 'i', false, 'n', '[]'::jsonb, 'p', place + 1);
    ELSIF v_token ~ '^[-+*/<>=~!@#%^&|`?]+$' THEN
        -- An operator in front.
        v_item := asymm._read_unit(tokens, place + 1, names);
        RETURN asymm._operator_item(NULL, v_token, NULL, v_item, names) || jsonb_build_object('p', v_item -> 'p');
    ELSIF NOT asymm._is_identifier(v_token) THEN
        RETURN asymm._unread(tokens, place, place + 1, names);
    ELSIF v_token IN ('true', 'false', 'NULL') THEN
        RETURN jsonb_build_object('k', 'const', 't', v_token, 'i', true, 'n', '[]'::jsonb, 'p', place + 1)
               || CASE WHEN v_token <> 'NULL' THEN jsonb_build_object('y', 'boolean'::regtype::oid) ELSE '{}' END;
    ELSIF v_token IN ('CURRENT_DATE', 'CURRENT_TIMESTAMP', 'LOCALTIMESTAMP', 'CURRENT_TIME', 'LOCALTIME', 'CURRENT_USER', 'SESSION_USER',
                      'CURRENT_ROLE', 'CURRENT_CATALOG', 'CURRENT_SCHEMA', 'USER') THEN
        RETURN jsonb_build_object('k', 'param', 't', v_token, 'i', false, 'n', '[]'::jsonb,
                                  'p', CASE WHEN tokens[place + 1] = '(' THEN asymm._closing(tokens, place + 1) ELSE place + 1 END);
    ELSIF v_token = 'NOT' THEN
        v_item := asymm._read_unit(tokens, place + 1, names);
        RETURN jsonb_build_object('k', 'not', 't', 'NOT ' || (v_item ->> 't'), 'y', 'boolean'::regtype::oid, 'i', v_item -> 'i', 'n', v_item -> 'n',
                                  'a', jsonb_build_array(v_item), 'p', v_item -> 'p');
    ELSIF v_token = 'CASE' THEN
        v_end := place;
        DECLARE
            v_depth integer := 0;
        BEGIN
            WHILE v_end <= cardinality(tokens) LOOP
                v_depth := v_depth + CASE tokens[v_end] WHEN 'CASE' THEN 1 WHEN 'END' THEN -1 ELSE 0 END;
                v_end := v_end + 1;
                EXIT WHEN v_depth = 0;
            END LOOP;
        END;
        RETURN asymm._unread(tokens, place, v_end, names);
    ELSIF v_token = 'ROW' AND tokens[place + 1] = '(' THEN
        RETURN asymm._row_item(asymm._read_list(tokens, place + 2, names));
    ELSIF v_token IN ('COALESCE', 'GREATEST', 'LEAST', 'NULLIF') AND tokens[place + 1] = '(' THEN
        v_item := asymm._read_list(tokens, place + 2, names);
        RETURN jsonb_build_object('k', 'expr', 'n', asymm._names_of(v_item -> 'a'), 'p', v_item -> 'p', 'y', v_item #> '{a,0,y}',
            't', (SELECT format('%s(%s)', v_token, string_agg(a.item ->> 't', ', ' ORDER BY a.n))
                    FROM jsonb_array_elements(v_item -> 'a') WITH ORDINALITY AS a (item, n)),
            'i', (SELECT bool_and((a.item ->> 'i')::boolean) FROM jsonb_array_elements(v_item -> 'a') AS a (item)));
    ELSIF v_token = 'EXTRACT' AND tokens[place + 1] = '(' AND asymm._is_identifier(tokens[place + 2]) AND tokens[place + 3] = 'FROM' THEN
        v_item := asymm._read_expression(tokens, place + 4, names);
        v_column := jsonb_build_object('k', 'const', 't', quote_literal(tokens[place + 2]), 'y', 'text'::regtype::oid, 'i', true, 'n', '[]'::jsonb);
        RETURN asymm._call_item(NULL, 'extract', jsonb_build_array(v_column, v_item), names)
               || jsonb_build_object('t', format('EXTRACT(%s FROM %s)', tokens[place + 2], v_item ->> 't'), 'p', asymm._closing(tokens, place + 1));
    ELSIF v_token ~ '^(SUBSTRING|POSITION|TRIM|OVERLAY|NORMALIZE|XML\w+|JSON\w*|ARRAY|PARTIAL|GROUPING)$' AND tokens[place + 1] IN ('(', '[') THEN
        v_end := asymm._closing(tokens, place + 1);
        v_item := asymm._unread(tokens, place, v_end, names);
        -- An array of constants is one.
        RETURN CASE WHEN v_token = 'ARRAY' AND v_item -> 'n' = '[]' THEN v_item || '{"k": "param"}' ELSE v_item END;
    ELSIF tokens[place + 1] = '.' AND tokens[place + 3] IS DISTINCT FROM '(' THEN
        -- A column.
        IF NOT names ? asymm._unquoted(v_token) THEN
            RETURN jsonb_build_object('k', 'expr', 't', '', 'i', false, 'n', '["?"]'::jsonb, 'p', LEAST(place + 3, cardinality(tokens) + 1));
        END IF;
        v_column := names #> ARRAY[asymm._unquoted(v_token), 'c', asymm._unquoted(tokens[place + 2])];
        RETURN jsonb_build_object('n', jsonb_build_array(asymm._unquoted(v_token)), 'p', LEAST(place + 3, cardinality(tokens) + 1),
                                  't', quote_ident(asymm._unquoted(tokens[place + 2])))
               || CASE WHEN v_column IS NULL THEN '{"k": "expr", "i": false}'::jsonb
                       ELSE jsonb_build_object('k', 'column', 'y', v_column, 'i', true, 'c', asymm._unquoted(tokens[place + 2])) END;
    ELSIF tokens[place + 1] = '(' OR tokens[place + 1] = '.' THEN
        v_end := CASE WHEN tokens[place + 1] = '(' THEN place + 2 ELSE place + 4 END;
        v_item := asymm._read_list(tokens, v_end, names);
        v_end := (v_item ->> 'p')::integer;
        -- Aggregates and window functions aren't values of a row.
        IF tokens[v_end] IN ('OVER', 'FILTER', 'WITHIN') THEN
            RETURN asymm._unread(tokens, place, cardinality(tokens) + 1, names);
        END IF;
        RETURN asymm._call_item(CASE WHEN tokens[place + 1] = '.' THEN asymm._unquoted(v_token) END,
                                asymm._unquoted(CASE WHEN tokens[place + 1] = '.' THEN tokens[place + 2] ELSE v_token END), v_item -> 'a', names)
               || jsonb_build_object('p', v_item -> 'p');
    END IF;
    -- Where there is but one table, columns stand alone.
    v_column := names #> ARRAY['', 'c', asymm._unquoted(v_token)];
    IF v_column IS NOT NULL THEN
        RETURN jsonb_build_object('n', jsonb_build_array(names #> '{"",n}'), 'p', place + 1, 't', quote_ident(asymm._unquoted(v_token)),
                                  'k', 'column', 'y', v_column, 'i', true, 'c', asymm._unquoted(v_token));
    END IF;
    RETURN asymm._unread(tokens, place, place + 1, names);
END
$$;
COMMENT ON FUNCTION asymm._read_value(text[], integer, jsonb) IS 'Reads one value: a column, constant, parameter, call, or what is in parentheses.';

CREATE OR REPLACE FUNCTION asymm._row_item(list jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_object('k', 'row', 't', '', 'i', false, 'a', list -> 'a', 'p', list -> 'p', 'n', asymm._names_of(list -> 'a'));
END
$$;
COMMENT ON FUNCTION asymm._row_item(jsonb) IS 'Several values that are compared together.';

-- Values with an operator between them, or AND, OR, or a test behind them.
CREATE OR REPLACE FUNCTION asymm._read_expression(tokens text[], place integer, names jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_left jsonb := asymm._read_unit(tokens, place, names);
    v_place integer := (v_left ->> 'p')::integer;
    v_right jsonb;
    v_items jsonb;
    v_schema text;
    v_word text;
    v_end integer;
BEGIN
    LOOP
        v_word := tokens[v_place];
        IF v_word IN ('AND', 'OR') THEN
            v_items := jsonb_build_array(v_left);
            WHILE tokens[v_place] = v_word LOOP
                v_right := asymm._read_unit(tokens, v_place + 1, names);
                v_items := v_items || jsonb_build_array(v_right);
                v_place := (v_right ->> 'p')::integer;
            END LOOP;
            v_left := jsonb_build_object('k', lower(v_word), 'y', 'boolean'::regtype::oid, 'n', asymm._names_of(v_items), 'a', v_items,
                't', (SELECT string_agg(a.item ->> 't', format(' %s ', v_word) ORDER BY a.n)
                        FROM jsonb_array_elements(v_items) WITH ORDINALITY AS a (item, n)),
                'i', (SELECT bool_and((a.item ->> 'i')::boolean) FROM jsonb_array_elements(v_items) AS a (item)));
        ELSIF v_word = 'IS' THEN
            v_end := v_place + CASE WHEN tokens[v_place + 1] = 'NOT' THEN 3 ELSE 2 END;
            IF tokens[v_end - 1] IN ('NULL', 'TRUE', 'FALSE', 'UNKNOWN') THEN
                v_word := array_to_string(tokens[v_place:v_end - 1], ' ');
                v_left := jsonb_build_object('k', 'test', 'o', v_word, 't', format('%s %s', v_left ->> 't', v_word), 'y', 'boolean'::regtype::oid,
                                             'n', v_left -> 'n', 'i', v_left -> 'i', 'a', jsonb_build_array(v_left));
            ELSE
                v_end := asymm._list_end(tokens, v_place);
                v_left := asymm._unread(tokens, place, v_end, names);
            END IF;
            v_place := v_end;
        ELSIF v_word ~ '^[-+*/<>=~!@#%^&|`?]+$' OR v_word = 'OPERATOR' THEN
            v_schema := NULL;
            IF v_word = 'OPERATOR' THEN
                v_schema := asymm._unquoted(tokens[v_place + 2]);
                v_word := tokens[v_place + 4];
                v_place := v_place + 5;
            END IF;
            IF tokens[v_place + 1] IN ('ANY', 'ALL') AND tokens[v_place + 2] = '(' THEN
                v_right := asymm._read_list(tokens, v_place + 3, names);
                v_left := asymm._any_item(v_left, v_word, v_schema, tokens[v_place + 1],
                                          COALESCE(v_right #> '{a,0}', asymm._read_value(tokens, 0, names)), names);
                v_place := (v_right ->> 'p')::integer;
            ELSE
                v_right := asymm._read_unit(tokens, v_place + 1, names);
                v_left := asymm._operator_item(v_left, v_word, v_schema, v_right, names);
                v_place := (v_right ->> 'p')::integer;
            END IF;
        ELSIF v_word = 'AT' AND tokens[v_place + 2] = 'ZONE' THEN
            v_right := asymm._read_unit(tokens, v_place + 3, names);
            v_left := asymm._call_item(NULL, 'timezone', jsonb_build_array(v_right, v_left), names)
                      || jsonb_build_object('t', format('%s AT TIME ZONE %s', v_left ->> 't', v_right ->> 't'));
            v_place := (v_right ->> 'p')::integer;
        ELSE
            RETURN v_left || jsonb_build_object('p', v_place);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._read_expression(text[], integer, jsonb) IS 'Reads an expression until something that isn''t part of it.';
