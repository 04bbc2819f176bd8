-- What is kept of statements and errors, without the values in them.

-- Names in quotes, comments, texts, names, parameters, numbers, and what remains. A dollar quote ends the reading.
CREATE OR REPLACE FUNCTION asymm._without_constants(statement text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_cut constant text := regexp_replace(statement, '\$([A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$.*$', '…');
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

-- DETAIL of a violated constraint holds rows, MESSAGE of a value that could not be read the value. No ledger needs them.
CREATE OR REPLACE FUNCTION asymm._without_values(error jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_class constant text := left(error ->> 'sqlstate', 2);
BEGIN
    IF v_class = '23' THEN
        RETURN error || jsonb_build_object('message', regexp_replace(error ->> 'message', '\(.*$', '(…)'), 'detail', regexp_replace(
            error ->> 'detail', CASE WHEN strpos(error ->> 'detail', ')=(') > 0 THEN '(?<=\)=)\(.*$' ELSE '\(.*$' END, '(…)'));
    ELSIF v_class = '22' THEN
        RETURN error || jsonb_build_object('detail', regexp_replace(error ->> 'detail', '["''(].*$', '…'),
                                           'message', regexp_replace(error ->> 'message', '["''(].*$', '…'));
    END IF;
    RETURN error;
END
$$;
COMMENT ON FUNCTION asymm._without_values(jsonb) IS 'An error {sqlstate, message, detail, …} without the values of rows that constraints and types complain of.';

-- DDL of a query may name a view's columns, which are called otherwise.
CREATE OR REPLACE FUNCTION asymm._names_protected(tag text, statement text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN statement ~ '''|\$|(^|[^\w"])\d'
       AND (tag ~ 'VIEW|TABLE AS|SELECT INTO|RULE|FUNCTION|PROCEDURE' OR statement ~* '\mu&"'
            OR EXISTS (SELECT FROM asymm.protected_column AS p WHERE strpos(lower(statement), lower(p.column_name)) > 0));
END
$$;
COMMENT ON FUNCTION asymm._names_protected(text, text) IS 'Whether a command holds a constant that may be one of a protected column''s values.';
