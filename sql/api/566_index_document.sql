-- Advice comes as a document. Nothing in it is taken at its word: names are looked up, and the statement is made anew from
-- parts that can be nothing else than a column or one expression.

-- Where the first group of parentheses of a text closes; NULL for a text in which quotes or parentheses don't pair, or that
-- holds what could end it early: a semicolon, a comment, a dollar quote, an escape.
CREATE OR REPLACE FUNCTION asymm._group_end(value text) RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_quote text := '';
    v_depth integer := 0;
    v_closed integer;
    v_char text;
    v_last text := '';
BEGIN
    IF length(value) > 10000 THEN
        RETURN NULL;
    END IF;
    FOR v_place IN 1 .. length(value) LOOP
        v_char := substr(value, v_place, 1);
        IF v_quote <> '' THEN
            IF v_char = v_quote THEN
                v_quote := '';
            ELSIF v_char = '\' AND v_quote = '''' THEN
                RETURN NULL;
            END IF;
        ELSIF v_char IN ('''', '"') THEN
            v_quote := v_char;
        ELSIF v_char IN (';', '$', '\') OR v_last || v_char IN ('--', '/*') THEN
            RETURN NULL;
        ELSIF v_char = '(' THEN
            v_depth := v_depth + 1;
        ELSIF v_char = ')' THEN
            v_depth := v_depth - 1;
            IF v_depth < 0 THEN
                RETURN NULL;
            ELSIF v_depth = 0 THEN
                v_closed := COALESCE(v_closed, v_place);
            END IF;
        END IF;
        v_last := v_char;
    END LOOP;
    RETURN CASE WHEN v_quote = '' AND v_depth = 0 THEN COALESCE(v_closed, 0) END;
END
$$;
COMMENT ON FUNCTION asymm._group_end(text) IS 'Where the first parentheses of an expression close (0: there are none); NULL for what is not one expression.';

CREATE OR REPLACE FUNCTION asymm._refuse_advice(what text, hint text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'advice cannot be used: %', what
        USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Nothing was written to the ledger.', HINT = hint;
END
$$;
COMMENT ON FUNCTION asymm._refuse_advice(text, text) IS 'Raises 22023 for advice that names nothing that can be built.';

-- Figures of a document are read again for everybody: in views, and by every actor that looks which index comes next. One that is no
-- figure would stop them all.
CREATE OR REPLACE FUNCTION asymm._require_evidence(advice jsonb) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key text;
BEGIN
    IF jsonb_typeof(advice) <> 'object' OR pg_column_size(advice) > 200000 THEN
        PERFORM asymm._refuse_advice('it is no object, or larger than 200 kB', 'An object with schema, table and keys, or index.');
    END IF;
    SELECT m.key INTO v_key
      FROM (SELECT e.key, e.value FROM jsonb_each(advice) AS e
             WHERE e.key IN ('size_bytes', 'saved_ms_per_hour', 'write_ms_per_hour', 'confidence')
            UNION ALL
            SELECT 'queries.' || e.key, e.value
              FROM jsonb_array_elements(CASE jsonb_typeof(advice -> 'queries') WHEN 'array' THEN advice -> 'queries' ELSE '[]' END) AS q (query)
             CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(q.query) WHEN 'object' THEN q.query ELSE '{"query": "no object"}' END) AS e) AS m
     WHERE CASE jsonb_typeof(m.value)
               WHEN 'null' THEN false
               WHEN 'number' THEN abs(m.value::numeric) >= 1e15 OR m.key = 'queries.query' AND m.value::numeric % 1 <> 0
                                  OR m.key = 'size_bytes' AND m.value::numeric < 0
               ELSE true END
     LIMIT 1;
    v_key := COALESCE(v_key, CASE WHEN jsonb_typeof(advice -> 'proved') NOT IN ('boolean', 'null') THEN 'proved'
                                  WHEN jsonb_typeof(advice -> 'queries') NOT IN ('array', 'null') THEN 'queries' END);
    IF v_key IS NOT NULL THEN
        PERFORM asymm._refuse_advice(format('member %s', quote_literal(left(v_key, 200))),
                                     'Figures are numbers below 1e15, queries objects of such, proved is true or false.');
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_evidence(jsonb) IS 'Raises 22023 for advice whose figures are none.';

-- One key: a column of the relation or an expression in parentheses; then collation, operator class and order.
CREATE OR REPLACE FUNCTION asymm._advice_key(relation oid, key text, OUT expression text, OUT rest text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name constant text := '("([^"]|"")+"|[a-z_][a-z0-9_]*)';
    v_end integer;
    v_column text;
BEGIN
    IF left(key, 1) = '(' THEN
        v_end := asymm._group_end(key);
        IF v_end IS NULL THEN
            PERFORM asymm._refuse_advice(format('key %s is not one expression', left(key, 200)), 'An expression stands in parentheses.');
        END IF;
        expression := left(key, v_end);
    ELSE
        expression := substring(key FROM '^' || v_name);
        v_column := CASE WHEN left(expression, 1) = '"' THEN replace(substr(expression, 2, length(expression) - 2), '""', '"') ELSE expression END;
        IF NOT EXISTS (SELECT FROM pg_attribute AS a
                        WHERE a.attrelid = relation AND a.attname = v_column AND a.attnum > 0 AND NOT a.attisdropped) THEN
            PERFORM asymm._refuse_advice(format('%s has no column %s', relation::regclass, left(key, 200)), 'Names are quoted where they need it.');
        END IF;
        v_end := length(expression);
        expression := quote_ident(v_column);
    END IF;
    rest := substr(key, v_end + 1);
    IF rest !~ ('^( COLLATE ' || v_name || '(\.' || v_name || ')?)?( (?!(ASC|DESC|NULLS)\M)' || v_name || '(\.' || v_name || ')?)?'
                || '( ASC| DESC)?( NULLS FIRST| NULLS LAST)?$') THEN
        PERFORM asymm._refuse_advice(format('what follows the key is not an operator class or an order: %s', left(rest, 200)),
                                     'As in CREATE INDEX: name [COLLATE …] [operator class] [ASC | DESC] [NULLS …].');
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._advice_key(oid, text) IS 'A key of an index in two safe parts: column or expression, and what may follow it; raises 22023.';

-- The parts of CREATE INDEX from a document.
CREATE OR REPLACE FUNCTION asymm._advice_parts(
    relation oid, advice jsonb, OUT method text, OUT keys text[], OUT include text[], OUT predicate text, OUT expressions text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key text;
    v_part record;
BEGIN
    method := COALESCE(advice ->> 'method', 'btree');
    keys := '{}';
    include := '{}';
    expressions := '{}';
    IF method NOT IN ('btree', 'hash', 'gin', 'gist', 'spgist', 'brin') THEN
        PERFORM asymm._refuse_advice(format('access method %s', quote_literal(left(method, 200))), 'btree, hash, gin, gist, spgist or brin.');
    ELSIF jsonb_typeof(advice -> 'keys') IS DISTINCT FROM 'array' OR jsonb_array_length(advice -> 'keys') NOT BETWEEN 1 AND 32 THEN
        PERFORM asymm._refuse_advice('there are no keys', 'From 1 to 32 keys are an index.');
    END IF;
    FOR v_key IN SELECT k FROM jsonb_array_elements_text(advice -> 'keys') WITH ORDINALITY AS k (k, n) ORDER BY n LOOP
        v_part := asymm._advice_key(relation, COALESCE(v_key, ''));
        keys := keys || (v_part.expression || v_part.rest);
        expressions := expressions || v_part.expression;
    END LOOP;
    IF jsonb_typeof(advice -> 'include') = 'array' THEN
        FOR v_key IN SELECT k FROM jsonb_array_elements_text(advice -> 'include') WITH ORDINALITY AS k (k, n) ORDER BY n LOOP
            v_part := asymm._advice_key(relation, COALESCE(v_key, ''));
            IF v_part.rest <> '' OR left(v_part.expression, 1) = '(' THEN
                PERFORM asymm._refuse_advice(format('column to include: %s', left(v_key, 200)), 'Only columns can be included.');
            END IF;
            include := include || v_part.expression;
        END LOOP;
    END IF;
    predicate := NULLIF(btrim(advice ->> 'predicate'), '');
    IF predicate IS NOT NULL THEN
        IF asymm._group_end(predicate) IS NULL THEN
            PERFORM asymm._refuse_advice(format('predicate %s is not one expression', left(predicate, 200)), 'As it stands behind WHERE.');
        END IF;
        predicate := CASE WHEN left(predicate, 1) = '(' AND asymm._group_end(predicate) = length(predicate) THEN predicate
                          ELSE '(' || predicate || ')' END;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._advice_parts(oid, jsonb) IS 'Method, keys, included columns and predicate of advice, each checked; raises 22023.';

-- Building evaluates the expressions as the owner of the table. So what they reach must be his or a superuser's: they are
-- parsed, which runs nothing, as the body of a function that is rolled back.
CREATE OR REPLACE FUNCTION asymm._strange_functions(relation oid, expressions text[], predicate text) RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET check_function_bodies = off
AS $$
DECLARE
    v_select text := array_to_string(expressions, ', ');
    v_where text := COALESCE(predicate, 'true');
    v_command text := format('CREATE FUNCTION pg_temp.asymm_probe() RETURNS void LANGUAGE sql BEGIN ATOMIC SELECT %s FROM ONLY %s WHERE %s; END',
                             v_select, relation::regclass, v_where);
    v_class_ids oid[];
    v_object_ids oid[];
BEGIN
    IF predicate IS NULL AND NOT EXISTS (SELECT FROM unnest(expressions) AS e (e) WHERE left(e, 1) = '(') THEN
        RETURN NULL;
    END IF;
    BEGIN
        EXECUTE v_command;
        SELECT array_agg(d.refclassid), array_agg(d.refobjid) INTO v_class_ids, v_object_ids
          FROM pg_depend AS d
         WHERE d.classid = 'pg_proc'::regclass AND d.refclassid NOT IN ('pg_namespace'::regclass, 'pg_class'::regclass)
           AND d.objid = (SELECT p.oid FROM pg_proc AS p WHERE p.pronamespace = pg_my_temp_schema() AND p.proname = 'asymm_probe');
        RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'parsed';
    EXCEPTION WHEN SQLSTATE 'SY011' THEN
        NULL;
    WHEN OTHERS THEN
        PERFORM asymm._refuse_advice(format('%s (%s)', SQLERRM, SQLSTATE), 'Expressions are written as the server prints them: names qualified.');
    END;
    RETURN (
        SELECT array_agg(f.name) FROM unnest(asymm._untrusted_functions(v_class_ids, v_object_ids)) AS f (name)
          JOIN pg_proc AS p ON p.oid = f.name::regprocedure
          JOIN pg_class AS c ON c.oid = relation
         WHERE NOT pg_has_role(c.relowner, p.proowner, 'MEMBER'));
END
$$;
COMMENT ON FUNCTION asymm._strange_functions(oid, text[], text)
    IS 'Functions, neither a superuser''s nor the table owner''s, that an index on these expressions would run; NULL when there is none.';
