-- Column types: which casts there are between two of them, whether every value survives, what a change costs.

CREATE OR REPLACE FUNCTION asymm._type_oid(type_name text) RETURNS oid
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name text := regexp_replace(type_name, '\[\]$', '');
    v_parts text[];
    v_oid oid;
BEGIN
    -- Types outside of pg_catalog are qualified; they are looked up by hand, since the caller may lack rights on the schema.
    v_parts := regexp_match(v_name, '^("(?:[^"]|"")+"|[^".(]+)\.("(?:[^"]|"")+"|[^".(]+)(?:\(.*\))?$');
    IF v_parts IS NULL THEN
        RETURN to_regtype(type_name)::oid;
    END IF;
    v_parts := parse_ident(concat_ws('.', VARIADIC v_parts));
    SELECT CASE WHEN v_name = type_name THEN t.oid ELSE t.typarray END INTO v_oid
      FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
     WHERE n.nspname = v_parts[1] AND t.typname = v_parts[2];
    RETURN v_oid;
END
$$;
COMMENT ON FUNCTION asymm._type_oid(text) IS 'OID of a type written as format_type() does; NULL when there is none.';

-- The weakest context in which one type is cast to another: same, assignment (or implicit), explicit, none.
CREATE OR REPLACE FUNCTION asymm._cast_context(source oid, target oid) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_from pg_type;
    v_to pg_type;
    v_context "char";
BEGIN
    SELECT t.* INTO v_from FROM pg_type AS t WHERE t.oid = source;
    SELECT t.* INTO v_to FROM pg_type AS t WHERE t.oid = target;
    WHILE v_from.typtype = 'd' LOOP
        SELECT t.* INTO v_from FROM pg_type AS t WHERE t.oid = v_from.typbasetype;
    END LOOP;
    WHILE v_to.typtype = 'd' LOOP
        SELECT t.* INTO v_to FROM pg_type AS t WHERE t.oid = v_to.typbasetype;
    END LOOP;
    IF v_from.oid IS NULL OR v_to.oid IS NULL THEN
        RETURN 'none';
    ELSIF v_from.oid = v_to.oid THEN
        RETURN 'same';
    END IF;
    SELECT c.castcontext INTO v_context FROM pg_cast AS c WHERE c.castsource = v_from.oid AND c.casttarget = v_to.oid;
    IF v_context IN ('i', 'a') OR v_to.typcategory = 'S' THEN
        RETURN 'assignment';
    ELSIF v_context = 'e' OR v_from.typcategory = 'S' THEN
        RETURN 'explicit';
    ELSIF v_from.typcategory = 'A' AND v_to.typcategory = 'A' AND v_from.typelem <> 0 AND v_to.typelem <> 0 THEN
        RETURN asymm._cast_context(v_from.typelem, v_to.typelem);
    END IF;
    RETURN 'none';
END
$$;
COMMENT ON FUNCTION asymm._cast_context(oid, oid) IS 'How one type is cast to another: same, assignment, explicit, or none (only by way of text).';

-- The expression that turns a column into another type where the server would not do so by itself.
CREATE OR REPLACE FUNCTION asymm._cast_expression(value text, source text, target text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format(CASE asymm._cast_context(asymm._type_oid(source), asymm._type_oid(target))
                  WHEN 'none' THEN '(%s)::text::%s' ELSE '(%s)::%s' END, value, target);
END
$$;
COMMENT ON FUNCTION asymm._cast_expression(text, text, text) IS 'An expression of one type cast to another, by way of text if there is no cast.';

-- A type as {name, modifiers}: 'numeric(10,2)' → numeric, {10,2}.
CREATE OR REPLACE FUNCTION asymm._type_parts(type_name text, OUT base text, OUT modifiers integer[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT regexp_replace(type_name, '\(\d+(,-?\d+)?\)', ''),
           string_to_array(substring(type_name FROM '\((\d+(?:,-?\d+)?)\)'), ',')::integer[]
$$;
COMMENT ON FUNCTION asymm._type_parts(text) IS 'A type name without its modifiers, and the modifiers.';

CREATE OR REPLACE FUNCTION asymm._type_holds(source text, target text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_from record := asymm._type_parts(source);
    v_to record := asymm._type_parts(target);
BEGIN
    IF source = target THEN
        RETURN true;
    ELSIF v_from.base = v_to.base THEN
        IF v_to.base LIKE 'bit%' AND v_to.base NOT LIKE 'bit varying%' OR v_to.base LIKE '%interval%' THEN
            RETURN v_to.base = target AND v_to.base NOT LIKE 'bit%';
        ELSIF v_to.modifiers IS NULL THEN
            -- character alone is character(1).
            RETURN v_to.base NOT LIKE 'character%' OR v_to.base LIKE 'character varying%';
        ELSIF v_from.modifiers IS NULL THEN
            RETURN false;
        ELSIF cardinality(v_to.modifiers) = 2 THEN
            RETURN v_to.modifiers[2] >= v_from.modifiers[2]
               AND v_to.modifiers[1] - v_to.modifiers[2] >= v_from.modifiers[1] - v_from.modifiers[2];
        END IF;
        RETURN v_to.modifiers[1] >= v_from.modifiers[1];
    END IF;
    RETURN v_to.modifiers IS NULL AND (v_from.base, v_to.base) IN (
        ('smallint', 'integer'), ('smallint', 'bigint'), ('smallint', 'numeric'), ('smallint', 'double precision'),
        ('smallint', 'real'), ('integer', 'bigint'), ('integer', 'numeric'), ('integer', 'double precision'),
        ('bigint', 'numeric'), ('real', 'double precision'), ('date', 'timestamp without time zone'), ('cidr', 'inet'),
        ('character varying', 'text'), ('name', 'text'), ('text', 'character varying'), ('uuid', 'text'));
END
$$;
COMMENT ON FUNCTION asymm._type_holds(text, text) IS 'Whether every value of one type is a value of another for sure, without looking at the data.';

-- True when the change of type reads or writes every row.
CREATE OR REPLACE FUNCTION asymm._type_rewrites(source text, target text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN NOT (source = target OR (asymm._type_holds(source, target)
        AND ((asymm._type_parts(source)).base = (asymm._type_parts(target)).base
             AND NOT (source LIKE 'numeric%' AND (asymm._type_parts(source)).modifiers[2]
                      IS DISTINCT FROM (asymm._type_parts(target)).modifiers[2] AND target <> 'numeric')
             AND source NOT LIKE 'character(%'
             OR EXISTS (SELECT FROM pg_cast AS c
                         WHERE c.castsource = asymm._type_oid(source) AND c.casttarget = asymm._type_oid(target)
                           AND c.castmethod = 'b'))));
END
$$;
COMMENT ON FUNCTION asymm._type_rewrites(text, text) IS 'Whether ALTER TYPE from one type to another rewrites the table.';

-- What a new column costs: a constant or stable default is one value kept aside, anything else is computed for every row. A
-- default is text here; a function that is not known by name counts as volatile.
CREATE OR REPLACE FUNCTION asymm._column_rewrites(facts jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT facts ?| ARRAY['generated', 'identity'] AND NOT facts ? 'virtual'
            OR EXISTS (SELECT FROM regexp_replace(regexp_replace(facts ->> 'default', '''(?:[^'']|'''')*''', '', 'g'),
                                                  '::[a-z ]+\(\d+(,-?\d+)?\)', '', 'g') AS d (bare)
                        CROSS JOIN LATERAL regexp_matches(d.bare, '("(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*)\s*\(', 'g') AS f (names)
                        CROSS JOIN LATERAL (SELECT replace(btrim(f.names[1], '"'), '""', '"')) AS n (name)
                        WHERE EXISTS (SELECT FROM pg_proc AS p WHERE p.proname = n.name AND p.provolatile = 'v')
                           OR NOT EXISTS (SELECT FROM pg_proc AS p WHERE p.proname = n.name)
                              AND NOT EXISTS (SELECT FROM pg_get_keywords() AS k WHERE k.word = lower(n.name) AND k.catcode <> 'U'))
            OR EXISTS (WITH RECURSIVE d AS (
                           SELECT t.* FROM pg_type AS t WHERE t.oid = asymm._type_oid(facts ->> 'type') AND t.typtype = 'd'
                           UNION ALL SELECT t.* FROM d JOIN pg_type AS t ON t.oid = d.typbasetype AND t.typtype = 'd')
                       SELECT FROM d WHERE d.typnotnull OR EXISTS (SELECT FROM pg_constraint AS c WHERE c.contypid = d.oid)));
END
$$;
COMMENT ON FUNCTION asymm._column_rewrites(jsonb) IS 'Whether ADD COLUMN rewrites the table: by what the column computes, or a domain that has to be asked for every row.';

-- Row security could hide rows from whoever asks, so a condition never holds while it is active for him.
CREATE OR REPLACE FUNCTION asymm._plan_no_row(rel text, condition text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format('SELECT NOT pg_catalog.row_security_active(%L::pg_catalog.regclass) AND NOT EXISTS (SELECT FROM %s%s)',
                  rel, rel, ' WHERE ' || condition);
END
$$;
COMMENT ON FUNCTION asymm._plan_no_row(text, text) IS 'A query that is true when a table has no row for which the condition holds.';

-- Whether the rows at hand survive a change of type: there and back again, every value must be itself.
CREATE OR REPLACE FUNCTION asymm._plan_survives(rel text, column_name text, source text, target text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT asymm._plan_no_row(rel, CASE
        WHEN asymm._type_oid(source) IS NULL OR asymm._type_oid(target) IS NULL
            THEN format('pg_catalog.num_nonnulls(%I) > 0', column_name)
        WHEN (asymm._type_parts(source)).base = 'numeric' THEN format('%s IS DISTINCT FROM %I', t.there_and_back, column_name)
        ELSE format('(%s)::text IS DISTINCT FROM %I::text', t.there_and_back, column_name) END)
      FROM (SELECT asymm._cast_expression(asymm._cast_expression(quote_ident(column_name), source, target), target, source)
            AS there_and_back) AS t
$$;
COMMENT ON FUNCTION asymm._plan_survives(text, text, text, text) IS 'A query that is true when no value of a column is lost by a change of type.';
