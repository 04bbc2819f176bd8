-- Text of definitions: whether it names a column, how it reads after a rename, how it must be written to come back
-- exactly as it was. The text is the server's own (pg_get_*def), in which every name is quoted as quote_ident() does.

CREATE OR REPLACE FUNCTION asymm._mentions(definition jsonb, column_name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', definition ->> 'def', definition ->> 'using', definition ->> 'check', definition ->> 'generated')
           ~ concat('(?<![[:alnum:]_$"])', regexp_replace(quote_ident(column_name), '([^[:alnum:]_])', '\\\1', 'g'), '(?![[:alnum:]_$"])')
$$;
COMMENT ON FUNCTION asymm._mentions(jsonb, text) IS 'Whether a definition names a column (or something of the same name: never less).';

-- Facts hold settled text: of varchar IN ('a', 'b') an array of elements that are cast one by one. Run like that it would
-- be printed like that, while what people write is printed with one cast over the array. So the literals are put back
-- under one cast; the cast in between keeps the parser from moving it inside, and is not printed.
CREATE OR REPLACE FUNCTION asymm._replayable(definition text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := definition;
    v_array text;
BEGIN
    FOR v_array IN
        SELECT m[1] FROM regexp_matches(definition,
            '(ARRAY\[\(''(?:[^'']|'''')*''::character varying\)::text(?:, \(''(?:[^'']|'''')*''::character varying\)::text)*\])', 'g') AS m
    LOOP
        v_text := replace(v_text, v_array, format('((%s)::character varying[])::text[]',
            regexp_replace(v_array, '\((''(?:[^'']|'''')*''::character varying)\)::text', '\1', 'g')));
    END LOOP;
    RETURN v_text;
END
$$;
COMMENT ON FUNCTION asymm._replayable(text) IS 'A definition written so that the server prints it as it prints what people write.';

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
        WHEN 'foreign key' THEN regexp_replace(facts ->> 'def', '( DEFERRABLE)?( INITIALLY DEFERRED)?( NOT VALID)?$', '')
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

-- SET (…) and RESET (…) from one set of options to another.
CREATE OR REPLACE FUNCTION asymm._option_changes(wanted jsonb, present jsonb, prefix text DEFAULT '')
RETURNS TABLE (action text, undo text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (SELECT format('%s%I', prefix, COALESCE(w.key, p.key)) AS key, w.value AS wanted, p.value AS present
                 FROM jsonb_each_text(wanted) AS w FULL JOIN jsonb_each_text(present) AS p ON p.key = w.key
                WHERE w.value IS DISTINCT FROM p.value)
    SELECT format(CASE WHEN bool_and(o.wanted IS NULL) THEN 'RESET (%s)' ELSE 'SET (%s)' END,
                  string_agg(concat_ws(' = ', o.key, quote_literal(o.wanted)), ', ' ORDER BY o.key COLLATE "C")),
           format(CASE WHEN bool_and(o.present IS NULL) THEN 'RESET (%s)' ELSE 'SET (%s)' END,
                  string_agg(concat_ws(' = ', o.key, quote_literal(o.present)), ', ' ORDER BY o.key COLLATE "C"))
      FROM o
     GROUP BY o.wanted IS NULL, o.present IS NULL
$$;
COMMENT ON FUNCTION asymm._option_changes(jsonb, jsonb, text) IS 'SET and RESET clauses between two sets of options, each with its inverse.';

-- A relation by its qualified name, from the catalogs alone: the caller may lack rights on the schema.
CREATE OR REPLACE FUNCTION asymm._relation_oid(qualified text) RETURNS oid
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid
      FROM parse_ident(qualified) AS p (parts)
      JOIN pg_namespace AS n ON n.nspname = p.parts[1]
      JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.parts[2]
$$;
COMMENT ON FUNCTION asymm._relation_oid(text) IS 'OID of a relation by its qualified name, whatever the caller may see; NULL when there is none.';
