-- What is kept of statements and errors, without the values in them.

-- Names in quotes, comments, texts, names, parameters, numbers, and what remains. A dollar quote, or a comment in a comment, ends the reading.
CREATE OR REPLACE FUNCTION asymm._without_constants(statement text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_cut constant text := regexp_replace(regexp_replace(
        statement, '\$([A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$.*$', '…'), '/\*([^*/]|\*(?!/)|/(?!\*))*/\*.*$', '…');
BEGIN
    IF v_cut !~ '[0-9''…/-]' THEN
        RETURN v_cut;
    END IF;
    RETURN (
        SELECT string_agg(CASE WHEN m[1] ~ '^(--|/\*)' THEN ' ' WHEN m[1] ~ '^([eE]|[uU]&)?''' THEN '''…'''
                               WHEN m[1] ~ '^\.?\d' THEN '0' ELSE m[1] END, '' ORDER BY t.place)
          FROM regexp_matches(v_cut, '([uU]&"(?:[^"]|"")*(?:"|$)|"(?:[^"]|"")*(?:"|$)|--[^\n]*|/\*(?:[^*]|\*+[^*/])*(?:\*+/|$)'
                                     '|[eE]''(?:[^''\\]|''''|\\.)*(?:''|$)|(?:[uU]&)?''(?:[^'']|'''')*(?:''|$)'
                                     '|[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*'
                                     '|\$\d+|\.?\d[0-9_.A-Za-z]*|.)', 'g') WITH ORDINALITY AS t (m, place));
END
$$;
COMMENT ON FUNCTION asymm._without_constants(text) IS 'A statement without comments and literals: texts are …, numbers are 0; it ends at a dollar quote.';

-- DETAIL of a violated constraint holds rows, MESSAGE of a value that could not be read the value, CONTEXT a line of JSON or a statement; what
-- functions raise, anything. In any language: quotes differ, and a colon comes before. No ledger needs them.
CREATE OR REPLACE FUNCTION asymm._without_values(error jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_class constant text := left(error ->> 'sqlstate', 2);
    v_value constant text := '["''(:«»“”„‘’‹›「『].*$';
    v_error constant jsonb := error || CASE WHEN error ->> 'context' IS NULL OR v_class NOT IN ('22', '23', '44', 'P0') THEN '{}' ELSE
        jsonb_build_object('context', (SELECT string_agg(m[1], E'\n')
                                         FROM regexp_matches(error ->> 'context', '(?n)^(PL/pgSQL[^"'':«\n]*)', 'g') AS m)) END;
BEGIN
    IF v_class IN ('23', '44') THEN
        RETURN v_error || jsonb_build_object('message', regexp_replace(error ->> 'message', '\(.*$', '(…)'), 'detail', regexp_replace(
            error ->> 'detail', CASE WHEN strpos(error ->> 'detail', ')=(') > 0 THEN '(?<=\)=)\(.*$' ELSE '\(.*$' END, '(…)'));
    ELSIF v_class = '22' THEN
        RETURN v_error || jsonb_build_object('detail', regexp_replace(error ->> 'detail', v_value, '…'),
                                             'message', regexp_replace(error ->> 'message', v_value, '…'));
    ELSIF v_class = 'P0' AND error ->> 'sqlstate' <> 'P0002' THEN
        RETURN v_error || jsonb_build_object('message', 'a function raised an error', 'detail', '', 'hint', '');
    END IF;
    RETURN error;
END
$$;
COMMENT ON FUNCTION asymm._without_values(jsonb) IS 'An error {sqlstate, message, detail, …} without the values of rows that constraints, types and functions complain of.';

-- A constant in a string of several commands, in a call that runs DDL, in what a view, a function, a type or a partition is made of may be a
-- value without the column's name; and texts may be anywhere. Lengths of types and the like are kept, where no protected column is named.
CREATE OR REPLACE FUNCTION asymm._names_protected(tag text, statement text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN statement ~ '''|\$|(^|[^\w"])\d'
       AND (tag <> '' AND (statement ~ '''|\$|;\s*\S' OR statement !~* ('^\s*' || split_part(tag, ' ', 1) || '\M')
                           OR tag ~ 'VIEW|TABLE AS|SELECT INTO|RULE|FUNCTION|PROCEDURE|DOMAIN|TYPE' OR statement ~* '\m(partition|values)\M')
            OR statement ~* '\mu&"'
            OR EXISTS (SELECT FROM asymm.protected_column AS p
                        WHERE strpos(replace(lower(statement), '""', '"'), lower(p.column_name)) > 0));
END
$$;
COMMENT ON FUNCTION asymm._names_protected(text, text)
    IS 'Whether a command (by its tag, else a query that is known to touch none) holds a constant that may be one of a protected column''s values.';
