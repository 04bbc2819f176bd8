-- Expressions as EXPLAIN prints them, read: which columns they are made of, by which operators. What is printed is fully
-- parenthesised, so nothing need be known of precedence. What isn't understood is kept as text and never fails.
--
-- An expression is a jsonb object: k its kind (column, const, param, expr, op, and, or, not, test, row), t its text without
-- aliases and with the schema of what isn't in pg_catalog, y its type, n the relations it names (? for one that isn't a
-- scanned table), i whether it is immutable, c the column it is but for casts that change nothing, a its parts, p the place
-- of the token after it.

CREATE OR REPLACE FUNCTION asymm._tokens(expression text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT m[1]
          FROM regexp_matches(expression,
                   $re$([EBX]?'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*|\$\d+|\d+(?:\.\d+)?(?:e[-+]?\d+)?|::|[-+*/<>=~!@#%^&|`?]+|\S)$re$,
                   'g') WITH ORDINALITY AS r (m, n)
         ORDER BY n);
END
$$;
COMMENT ON FUNCTION asymm._tokens(text) IS 'Words, strings, numbers and signs of an expression, in order; blanks are left out.';

CREATE OR REPLACE FUNCTION asymm._unquoted(token text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN CASE WHEN token LIKE '"_%"' THEN replace(substr(token, 2, length(token) - 2), '""', '"') ELSE token END; END $$;
COMMENT ON FUNCTION asymm._unquoted(text) IS 'The name behind an identifier that may be in quotes.';

CREATE OR REPLACE FUNCTION asymm._is_identifier(token text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN token ~ '^[A-Za-z_]' AND token !~ '^[EBX]''' OR token LIKE '"_%"'; END $$;
COMMENT ON FUNCTION asymm._is_identifier(text) IS 'Whether a token is a word or a quoted name.';

-- The place after the parenthesis or bracket that closes the one at a place.
CREATE OR REPLACE FUNCTION asymm._closing(tokens text[], place integer) RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_depth integer := 0;
BEGIN
    FOR v_place IN place .. cardinality(tokens) LOOP
        IF tokens[v_place] IN ('(', '[') THEN
            v_depth := v_depth + 1;
        ELSIF tokens[v_place] IN (')', ']') THEN
            v_depth := v_depth - 1;
            IF v_depth = 0 THEN
                RETURN v_place + 1;
            END IF;
        END IF;
    END LOOP;
    RETURN cardinality(tokens) + 1;
END
$$;
COMMENT ON FUNCTION asymm._closing(text[], integer) IS 'The place after the parenthesis that closes the one at this place.';

-- What isn't read further: the relations it names are known, nothing else.
CREATE OR REPLACE FUNCTION asymm._unread(tokens text[], first integer, next integer, names jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_object('k', 'expr', 't', array_to_string(tokens[first:next - 1], ' '), 'i', false, 'p', next,
        'n', (SELECT COALESCE(jsonb_agg(DISTINCT CASE WHEN tokens[g + 1] = '.' AND names ? asymm._unquoted(tokens[g])
                                                       THEN asymm._unquoted(tokens[g]) ELSE '?' END), '[]')
                FROM generate_series(first, next - 1) AS g
               WHERE asymm._is_identifier(tokens[g])
                 AND (tokens[g + 1] = '.' AND tokens[g - 1] IS DISTINCT FROM '.' OR tokens[g] = 'SubPlan')));
END
$$;
COMMENT ON FUNCTION asymm._unread(text[], integer, integer, jsonb) IS 'An expression of which only the relations are known.';

-- Names of types may be several words, and have a length and brackets.
CREATE OR REPLACE FUNCTION asymm._type_end(tokens text[], place integer) RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_place integer := place + 1;
BEGIN
    IF tokens[v_place] = '.' THEN
        v_place := v_place + 2;
    END IF;
    LOOP
        IF tokens[v_place] IN ('varying', 'precision', 'without', 'with', 'time', 'zone', 'year', 'month', 'day', 'hour', 'minute', 'second', 'to')
           AND tokens[place] IN ('timestamp', 'time', 'character', 'bit', 'double', 'interval') THEN
            v_place := v_place + 1;
        ELSIF tokens[v_place] = '(' AND tokens[v_place + 1] ~ '^\d+$' THEN
            v_place := asymm._closing(tokens, v_place);
        ELSIF tokens[v_place] = '[' AND tokens[v_place + 1] = ']' THEN
            v_place := v_place + 2;
        ELSE
            RETURN v_place;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._type_end(text[], integer) IS 'The place after the name of a type.';

-- Items in parentheses or brackets, from the place after it opens; {"a": items, "p": the place after it closes}.
CREATE OR REPLACE FUNCTION asymm._read_list(tokens text[], place integer, names jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_place integer := place;
    v_item jsonb;
    v_items jsonb := '[]';
BEGIN
    WHILE v_place <= cardinality(tokens) AND tokens[v_place] NOT IN (')', ']') LOOP
        v_item := asymm._read_expression(tokens, v_place, names);
        v_items := v_items || jsonb_build_array(v_item);
        -- Always on, whatever stands there.
        v_place := (v_item ->> 'p')::integer;
        IF tokens[v_place] = ',' THEN
            v_place := v_place + 1;
        ELSIF tokens[v_place] NOT IN (')', ']') THEN
            v_item := asymm._unread(tokens, v_place, asymm._list_end(tokens, v_place), names);
            v_place := (v_item ->> 'p')::integer;
            v_items := v_items || jsonb_build_array(v_item);
        END IF;
    END LOOP;
    RETURN jsonb_build_object('a', v_items, 'p', v_place + 1);
END
$$;
COMMENT ON FUNCTION asymm._read_list(text[], integer, jsonb) IS 'Reads expressions until a parenthesis or bracket closes.';

CREATE OR REPLACE FUNCTION asymm._list_end(tokens text[], place integer) RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_place integer := place;
BEGIN
    WHILE v_place <= cardinality(tokens) AND tokens[v_place] NOT IN (')', ']') LOOP
        v_place := CASE WHEN tokens[v_place] IN ('(', '[') THEN asymm._closing(tokens, v_place) ELSE v_place + 1 END;
    END LOOP;
    RETURN v_place;
END
$$;
COMMENT ON FUNCTION asymm._list_end(text[], integer) IS 'The place of the parenthesis or bracket that closes the list this place is in.';

-- Both have relations: those of both.
CREATE OR REPLACE FUNCTION asymm._names_of(items jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_array_length(items) = 1 THEN
        RETURN items #> '{0,n}';
    ELSIF jsonb_array_length(items) = 2 AND (items #> '{1,n}' = '[]' OR items #> '{0,n}' = items #> '{1,n}') THEN
        RETURN items #> '{0,n}';
    END IF;
    RETURN (SELECT COALESCE(jsonb_agg(DISTINCT n.name), '[]')
              FROM jsonb_array_elements(items) AS i (item) CROSS JOIN LATERAL jsonb_array_elements(i.item -> 'n') AS n (name));
END
$$;
COMMENT ON FUNCTION asymm._names_of(jsonb) IS 'The relations that some expressions name together.';

-- The whole of a text, as one expression; what follows it is in the member rest.
CREATE OR REPLACE FUNCTION asymm._read(expression text, names jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tokens text[] := asymm._tokens(expression);
    v_item jsonb;
BEGIN
    -- What nobody has an index for, or would need a deep stack.
    IF cardinality(v_tokens) > 2000
       OR (SELECT max(d.depth) FROM (SELECT sum(CASE WHEN t.token IN ('(', '[', 'NOT') THEN 1 WHEN t.token IN (')', ']') THEN -1 ELSE 0 END)
                                            OVER (ORDER BY t.n) AS depth
                                       FROM unnest(v_tokens) WITH ORDINALITY AS t (token, n)) AS d) > 40 THEN
        RETURN jsonb_build_object('k', 'expr', 't', '', 'i', false, 'n', '["?"]'::jsonb, 'rest', '[]'::jsonb);
    END IF;
    v_item := asymm._read_expression(v_tokens, 1, names);
    RETURN v_item || jsonb_build_object('rest', to_jsonb(v_tokens[(v_item ->> 'p')::integer:]));
END
$$;
COMMENT ON FUNCTION asymm._read(text, jsonb) IS 'An expression as EXPLAIN prints it, taken apart; see the head of this file.';
