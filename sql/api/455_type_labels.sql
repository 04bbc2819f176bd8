-- What a plan has to know of types before it is made. A label that gets its name back reads otherwise at once in
-- everything that names it; a label that is added can be used only after the transaction, unless the whole type is new;
-- a domain that arrays or rows of tables are built of takes no new check, unless it is new.

-- A text as it stands in a JSON document, as a regular expression.
CREATE OR REPLACE FUNCTION asymm._json_pattern(literal text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT regexp_replace(left(substr(to_json(literal)::text, 2), -1), '([^[:alnum:][:space:]])', '\\\1', 'g') $$;
COMMENT ON FUNCTION asymm._json_pattern(text) IS 'A regular expression for a text inside of a JSON document.';

CREATE OR REPLACE FUNCTION asymm._relabelled(facts jsonb, type_name text, renamed jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := facts::text;
    v_type text := asymm._json_pattern(type_name);
    v_was text;
    v_now text;
    v_array text;
    v_items text[];
BEGIN
    FOR v_was, v_now IN SELECT r.key, r.value FROM jsonb_each_text(renamed) AS r LOOP
        v_text := regexp_replace(v_text,
            format('(?<!'')''%s''::(%s)(?![[:alnum:]_$])', asymm._json_pattern(replace(v_was, '''', '''''')), v_type),
            format('''%s''::\1', replace(left(substr(to_json(replace(v_now, '''', ''''''))::text, 2), -1), '\', '\\')), 'g');
        FOR v_array IN
            SELECT DISTINCT m[1] FROM regexp_matches(v_text, format('''(\{(?:[^'']|'''')*\})''::%s\[\]', v_type), 'g') AS m
        LOOP
            -- Back to what the server read, an element replaced, and as it prints it.
            v_items := replace((format('"%s"', v_array)::jsonb) #>> '{}', '''''', '''')::text[];
            IF v_was = ANY (v_items) THEN
                v_text := replace(v_text, format('''%s''::', v_array), format('''%s''::',
                    left(substr(to_json(replace(array_replace(v_items, v_was, v_now)::text, '''', ''''''))::text, 2), -1)));
            END IF;
        END LOOP;
    END LOOP;
    RETURN v_text::jsonb;
END
$$;
COMMENT ON FUNCTION asymm._relabelled(jsonb, text, jsonb) IS 'Facts as they read once labels of an enum were renamed.';

CREATE OR REPLACE FUNCTION asymm._uses_labels(facts jsonb, type_names text[], labels jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(bool_or(facts::text ~ format('''(?:[^'']|'''')*(?<![[:alnum:]_])%s(?![[:alnum:]_])(?:[^'']|'''')*''::(%s)(?![[:alnum:]_$])',
                                                 asymm._json_pattern(replace(l, '''', '''''')), n.names)), false)
      FROM jsonb_array_elements_text(labels) AS l
     CROSS JOIN (SELECT string_agg(asymm._json_pattern(t), '|' ORDER BY length(t) DESC) AS names FROM unnest(type_names) AS t) AS n
$$;
COMMENT ON FUNCTION asymm._uses_labels(jsonb, text[], jsonb) IS 'Whether a definition holds one of some labels as a value of one of some types.';

-- A domain whose default or checks name a label that goes is declared otherwise, or not at all.
CREATE OR REPLACE FUNCTION asymm._domain_without(facts jsonb, type_names text[], labels jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'domain', CASE WHEN asymm._uses_labels(facts #> '{domain,"",default}', type_names, labels) THEN facts -> 'domain' #- '{"",default}'
                       ELSE facts -> 'domain' END,
        'constraint', (SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each(facts -> 'constraint') AS c
                        WHERE NOT asymm._uses_labels(c.value -> 'def', type_names, labels))))
$$;
COMMENT ON FUNCTION asymm._domain_without(jsonb, text[], jsonb) IS 'Facts of a domain without a default or checks that name one of some labels.';

-- Whether a table has columns of arrays, rows or ranges of a domain.
CREATE OR REPLACE FUNCTION asymm._domain_nested(object_id oid) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM asymm._swap_columns('pg_type'::regclass, object_id) AS w
          JOIN pg_attribute AS a ON a.attrelid = w.relid AND a.attnum = w.attnum AND w.attnum > 0
         WHERE NOT EXISTS (
                   WITH RECURSIVE base (oid) AS (
                       SELECT a.atttypid
                       UNION ALL
                       SELECT t.typbasetype FROM base AS b JOIN pg_type AS t ON t.oid = b.oid AND t.typtype = 'd')
                   SELECT FROM base AS b WHERE b.oid = object_id));
END
$$;
COMMENT ON FUNCTION asymm._domain_nested(oid) IS 'Whether columns of tables hold a domain inside of arrays, rows or ranges, so that it takes no new check.';

-- Items are what asymm._plan_set() gets.
CREATE OR REPLACE FUNCTION asymm._types_settled(items jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_items jsonb := items;
    v_item jsonb;
    v_place integer;
    v_changes jsonb;
    v_leaving jsonb;
BEGIN
    FOR v_item, v_place IN
        SELECT i.doc, i.n - 1 FROM jsonb_array_elements(items) WITH ORDINALITY AS i (doc, n)
         WHERE i.doc #>> '{declared,type,"",variant}' = 'enum' AND i.doc #>> '{actual,type,"",variant}' = 'enum'
           AND i.doc #> '{declared,type,"",labels}' <> i.doc #> '{actual,type,"",labels}'
    LOOP
        v_changes := asymm._aligned(v_item #> '{declared,type,"",labels}', v_item #> '{actual,type,"",labels}');
        IF v_changes -> 'renamed' <> '{}' THEN
            -- The text of a routine is its own.
            SELECT jsonb_agg(CASE WHEN i.n - 1 <> v_place AND i.doc ->> 'kind' NOT IN ('function', 'procedure') AND i.doc -> 'actual' <> 'null'
                                  THEN i.doc || jsonb_build_object('actual', asymm._relabelled(i.doc -> 'actual',
                                           format('%I.%I', v_item ->> 'schema', v_item ->> 'name'), v_changes -> 'renamed'))
                                  ELSE i.doc END ORDER BY i.n)
              INTO v_items
              FROM jsonb_array_elements(v_items) WITH ORDINALITY AS i (doc, n);
        END IF;
        IF v_changes -> 'added' <> '[]' AND EXISTS (
               SELECT FROM jsonb_array_elements(items) AS i
                WHERE i -> 'declared' <> 'null'
                  AND asymm._uses_labels(asymm._read_at_once(i ->> 'kind', i -> 'declared'), ARRAY(SELECT format_type(b.member_id, NULL)
                                                                  FROM asymm._built_of('pg_type'::regclass, (v_item ->> 'oid')::oid) AS b),
                                         v_changes -> 'added'))
           -- The key of a partitioned table cannot be turned over.
           AND NOT EXISTS (SELECT FROM asymm._swap_columns('pg_type'::regclass, (v_item ->> 'oid')::oid) AS w
                             JOIN pg_partitioned_table AS p ON p.partrelid = w.relid AND w.attnum = ANY (p.partattrs::smallint[])) THEN
            v_items := jsonb_set(v_items, ARRAY[v_place::text, 'declared', 'type', '', 'swap'], 'true');
        END IF;
    END LOOP;
    FOR v_item, v_place IN
        SELECT i.doc, i.n - 1 FROM jsonb_array_elements(items) WITH ORDINALITY AS i (doc, n)
         WHERE i.doc ->> 'kind' = 'domain' AND i.doc -> 'declared' <> 'null' AND i.doc -> 'actual' <> 'null'
           AND (i.doc #> '{declared,domain,"",not_null}' IS DISTINCT FROM i.doc #> '{actual,domain,"",not_null}'
                OR i.doc #> '{declared,constraint}' IS DISTINCT FROM i.doc #> '{actual,constraint}')
    LOOP
        IF (v_item #> '{declared,domain,"",not_null}' IS NOT NULL AND v_item #> '{actual,domain,"",not_null}' IS NULL
            OR EXISTS (SELECT FROM jsonb_each(v_item #> '{declared,constraint}') AS d
                        WHERE d.value ->> 'def' NOT LIKE '% NOT VALID'
                          AND d.value -> 'def' IS DISTINCT FROM v_item #> ARRAY['actual', 'constraint', d.key, 'def']))
           AND asymm._domain_nested((v_item ->> 'oid')::oid) THEN
            v_items := jsonb_set(v_items, ARRAY[v_place::text, 'declared', 'domain', '', 'swap'], 'true');
        END IF;
    END LOOP;
    -- Tables nobody declared are dropped before.
    SELECT jsonb_agg(i -> 'oid') INTO v_leaving
      FROM jsonb_array_elements(items) AS i WHERE i ->> 'kind' IN ('table', 'foreign table') AND i -> 'declared' = 'null';
    IF v_leaving IS NOT NULL THEN
        SELECT jsonb_agg(CASE WHEN i.doc ->> 'kind' IN ('type', 'domain', 'collation')
                                   AND i.doc -> 'declared' <> 'null' AND i.doc -> 'actual' <> 'null'
                              THEN jsonb_set(i.doc, ARRAY['declared', i.doc ->> 'kind', '', 'leaving'], v_leaving) ELSE i.doc END ORDER BY i.n)
          INTO v_items
          FROM jsonb_array_elements(v_items) WITH ORDINALITY AS i (doc, n);
    END IF;
    RETURN v_items;
END
$$;
COMMENT ON FUNCTION asymm._types_settled(jsonb)
    IS 'Items of a plan with labels of enums by the names they get back, and with enums and domains marked that must be made anew.';
