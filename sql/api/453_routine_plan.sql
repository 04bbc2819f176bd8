-- Repair of routines, operators and what is built of them: the steps from what is to what is declared. CREATE OR REPLACE
-- or ALTER where they allow it, else the object is dropped and made anew.

-- The name as DROP, ALTER and COMMENT ON want it; NULL for text that is not the name of such an object.
CREATE OR REPLACE FUNCTION asymm._routines_identity(kind text, schema_name text, object_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name constant text := '(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)';
    -- Type names of more words are the server's own.
    v_type constant text := format('(?:%s\.)?%s(?: [a-z ]+)?(?:\[\])?', v_name, v_name);
BEGIN
    CASE
        WHEN kind IN ('function', 'procedure', 'aggregate') THEN
            IF object_name !~ format('^%s\((?:%s(?:,%s)*)?\)$', v_name, v_type, v_type) THEN
                RETURN NULL;
            ELSIF kind = 'aggregate' THEN
                RETURN format('%I.%s', schema_name, regexp_replace(object_name, '\(\)$', '(*)'));
            ELSIF kind = 'procedure' THEN
                -- Without a mode anywhere the list might be read as one that counts OUT arguments.
                RETURN format('%I.%s', schema_name, regexp_replace(object_name, format('^(%s\()(?!\)$)', v_name), '\1IN '));
            END IF;
            RETURN format('%I.%s', schema_name, object_name);
        WHEN kind = 'operator' THEN
            IF object_name !~ format('^[-+*/<>=~!@#%%^&|`?]+\((?:%s|NONE),(?:%s|NONE)\)$', v_type, v_type) OR object_name ~ '^[^(]*(--|/\*)' THEN
                RETURN NULL;
            END IF;
            RETURN format('%I.%s', schema_name, object_name);
        WHEN kind IN ('operator class', 'operator family') THEN
            RETURN CASE WHEN object_name ~ format('^%s USING %s$', v_name, v_name) THEN format('%I.%s', schema_name, object_name) END;
        WHEN kind = 'cast' THEN
            RETURN CASE WHEN object_name ~ format('^\(%s AS %s\)$', v_type, v_type) THEN object_name END;
        WHEN kind = 'transform' THEN
            RETURN CASE WHEN object_name ~ format('^for %s language %s$', v_type, v_name) THEN object_name END;
        WHEN kind IN ('language', 'access method') THEN
            RETURN quote_ident(object_name);
        ELSE
            RETURN NULL;
    END CASE;
END
$$;
COMMENT ON FUNCTION asymm._routines_identity(text, text, text)
    IS 'A routine, operator, cast, … as SQL names it after DROP or ALTER; NULL for what is no such name.';

CREATE OR REPLACE FUNCTION asymm._read_at_once(kind text, facts jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN kind IN ('function', 'procedure') AND facts #>> ARRAY[kind, '', 'def'] ~ '\$(function|procedure)x*\$\Z'
                THEN facts #> ARRAY[kind, '', 'arguments'] ELSE facts END
$$;
COMMENT ON FUNCTION asymm._read_at_once(text, jsonb)
    IS 'What of an object''s facts the server parses when it makes it: of a routine with a body in quotes its arguments only.';

CREATE OR REPLACE FUNCTION asymm._aggregate_definition(identity text, facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('CREATE OR REPLACE AGGREGATE %s(%s) (%s)',
        substring(identity FROM '^(?:"(?:[^"]|"")*"|[^".(]+)\.(?:"(?:[^"]|"")*"|[^".(]+)'),
        COALESCE(facts ->> 'arguments', '*'),
        concat_ws(', ',
            'SFUNC = ' || (facts ->> 'sfunc'), 'STYPE = ' || (facts ->> 'stype'), 'SSPACE = ' || (facts ->> 'sspace'),
            'FINALFUNC = ' || (facts ->> 'finalfunc'), CASE WHEN facts ? 'finalfunc_extra' THEN 'FINALFUNC_EXTRA' END,
            'FINALFUNC_MODIFY = ' || (facts ->> 'finalfunc_modify'),
            'COMBINEFUNC = ' || (facts ->> 'combinefunc'),
            'SERIALFUNC = ' || (facts ->> 'serialfunc'), 'DESERIALFUNC = ' || (facts ->> 'deserialfunc'),
            'INITCOND = ' || quote_literal(facts ->> 'initcond'),
            'MSFUNC = ' || (facts ->> 'msfunc'), 'MINVFUNC = ' || (facts ->> 'minvfunc'), 'MSTYPE = ' || (facts ->> 'mstype'),
            'MSSPACE = ' || (facts ->> 'msspace'), 'MFINALFUNC = ' || (facts ->> 'mfinalfunc'),
            CASE WHEN facts ? 'mfinalfunc_extra' THEN 'MFINALFUNC_EXTRA' END,
            'MFINALFUNC_MODIFY = ' || (facts ->> 'mfinalfunc_modify'),
            'MINITCOND = ' || quote_literal(facts ->> 'minitcond'),
            'SORTOP = OPERATOR(' || (facts ->> 'sortop') || ')',
            'PARALLEL = ' || (facts ->> 'parallel'),
            CASE WHEN facts ->> 'kind' = 'hypothetical-set' THEN 'HYPOTHETICAL' END))
$$;
COMMENT ON FUNCTION asymm._aggregate_definition(text, jsonb) IS 'CREATE AGGREGATE from its facts.';

-- The statement that makes an object; it also replaces one that is there, where the kind knows OR REPLACE.
CREATE OR REPLACE FUNCTION asymm._routine_definition(kind text, identity text, facts jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_main jsonb := facts #> ARRAY[kind, ''];
BEGIN
    RETURN CASE
        -- Only what the server deparsed was settled: not a body in quotes.
        WHEN kind IN ('function', 'procedure')
        THEN CASE WHEN asymm._read_at_once(kind, facts) = facts THEN asymm._replayable(v_main ->> 'def') ELSE v_main ->> 'def' END
        WHEN kind = 'aggregate' THEN asymm._aggregate_definition(identity, v_main)
        WHEN kind = 'language' THEN concat_ws(' ', 'CREATE OR REPLACE', CASE WHEN v_main ? 'trusted' THEN 'TRUSTED' END, 'LANGUAGE', identity,
            'HANDLER ' || (v_main ->> 'handler'), 'INLINE ' || (v_main ->> 'inline'), 'VALIDATOR ' || (v_main ->> 'validator'))
        WHEN kind = 'access method' THEN format('CREATE ACCESS METHOD %s TYPE %s HANDLER %s', identity, v_main ->> 'type', v_main ->> 'handler')
        ELSE asymm._operator_definition(kind, identity, facts) END;
END
$$;
COMMENT ON FUNCTION asymm._routine_definition(text, text, jsonb) IS 'The statement that makes, or replaces, a routine, operator, cast, ….';

-- OR REPLACE keeps the result, the names of arguments that have one, and the defaults there are.
CREATE OR REPLACE FUNCTION asymm._routine_replaces(declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        WITH x AS (
            SELECT s.side, a.value ->> 'name' AS name, a.value ->> 'type' AS type, a.value ->> 'default' AS fallback, f.input, f.output,
                   count(*) FILTER (WHERE f.input) OVER w AS nth_in, count(*) FILTER (WHERE f.output) OVER w AS nth_out
              FROM (VALUES ('d', declared), ('a', actual)) AS s (side, facts)
             CROSS JOIN LATERAL jsonb_array_elements(s.facts -> 'arguments') WITH ORDINALITY AS a (value, ord)
             CROSS JOIN LATERAL (SELECT COALESCE(a.value ->> 'mode', 'in') IN ('in', 'inout', 'variadic') AS input,
                                        a.value ->> 'mode' IN ('out', 'inout', 'table') IS TRUE AS output) AS f
            WINDOW w AS (PARTITION BY s.side ORDER BY a.ord))
        SELECT declared -> 'returns' = actual -> 'returns' AND declared -> 'window' IS NOT DISTINCT FROM actual -> 'window'
           AND NOT EXISTS (
               SELECT FROM (SELECT * FROM x WHERE side = 'd' AND input) AS d
                 FULL JOIN (SELECT * FROM x WHERE side = 'a' AND input) AS a USING (nth_in)
                WHERE a.name IS NOT NULL AND d.name IS DISTINCT FROM a.name
                   OR a.fallback IS NOT NULL AND (d.fallback IS NULL OR a.type LIKE 'any%' AND d.fallback <> a.fallback))
           AND (declared ->> 'returns' NOT IN ('record', 'SETOF record') OR NOT EXISTS (
               SELECT FROM (SELECT * FROM x WHERE side = 'd' AND output) AS d
                 FULL JOIN (SELECT * FROM x WHERE side = 'a' AND output) AS a USING (nth_out)
                WHERE (d.name, d.type) IS DISTINCT FROM (a.name, a.type))));
END
$$;
COMMENT ON FUNCTION asymm._routine_replaces(jsonb, jsonb) IS 'Whether CREATE OR REPLACE turns one function or procedure into another of the same name and input types.';

CREATE OR REPLACE FUNCTION asymm._remakes_routines(kind text, declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_declared jsonb := declared #> ARRAY[kind, ''];
    v_actual jsonb := actual #> ARRAY[kind, ''];
BEGIN
    RETURN COALESCE(declared IS NOT NULL AND actual IS NOT NULL AND CASE kind
        WHEN 'function' THEN NOT asymm._routine_replaces(v_declared, v_actual)
        WHEN 'procedure' THEN NOT asymm._routine_replaces(v_declared, v_actual)
        WHEN 'aggregate' THEN (v_declared -> 'arguments', v_declared -> 'returns', v_declared -> 'kind')
            IS DISTINCT FROM (v_actual -> 'arguments', v_actual -> 'returns', v_actual -> 'kind')
        WHEN 'operator' THEN asymm._operator_remade(v_declared, v_actual)
        WHEN 'operator class' THEN declared #- '{operator class,"",owner}' #- '{operator class,"",comment}'
            <> actual #- '{operator class,"",owner}' #- '{operator class,"",comment}'
        WHEN 'cast' THEN v_declared - 'comment' <> v_actual - 'comment'
        WHEN 'access method' THEN v_declared - 'comment' <> v_actual - 'comment' END, false);
END
$$;
COMMENT ON FUNCTION asymm._remakes_routines(text, jsonb, jsonb) IS 'Whether a routine, operator, cast, … must be dropped and made anew to be as declared.';

CREATE OR REPLACE FUNCTION asymm._plan_routines(
    kind text, schema_name text, object_name text, declared jsonb, layout jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_identity text := asymm._routines_identity(kind, schema_name, object_name);
    v_command text := upper(kind);
    v_acl "char" := CASE WHEN kind IN ('function', 'procedure', 'aggregate') THEN 'f' WHEN kind = 'language' THEN 'l' END;
    v_declared jsonb := declared #> ARRAY[kind, ''];
    v_now jsonb := actual;
    v_present jsonb := actual #> ARRAY[kind, ''];
    v_common constant text[] := ARRAY['owner', 'comment', 'acl', 'depends'];
    v_phase integer := COALESCE((layout ->> 0)::integer, 34);
    v_ord integer := COALESCE((layout ->> 1)::integer, 0) * 10;
    v_place jsonb;
    v_replaced boolean := false;
BEGIN
    IF v_identity IS NULL THEN
        RETURN QUERY SELECT v_phase, v_ord, kind, '', NULL::text, NULL::text, 'none',
            ARRAY[format('not healable: %s is not the name of a %s', quote_literal(object_name), kind)], NULL::text;
        RETURN;
    END IF;
    IF actual IS NOT NULL AND (declared IS NULL OR asymm._remakes_routines(kind, declared, actual)) THEN
        -- What was made last is dropped first.
        SELECT p.place INTO v_place FROM asymm._routine_places(asymm._routine_catalog(kind), ARRAY[object_id]) AS p;
        RETURN QUERY
        SELECT p.* FROM asymm._plan_operator(kind, v_identity, NULL, 0, 0, NULL, actual) AS p WHERE kind = 'operator family'
        UNION ALL
        SELECT 10, 100000 - 100 * COALESCE((v_place ->> 0)::integer, 34) - COALESCE((v_place ->> 1)::integer, 0), kind, '',
               format('DROP %s %s', v_command, v_identity),
               asymm._routine_script(kind, schema_name, object_name,
                                     CASE WHEN kind = 'operator family' THEN actual - 'operator' - 'function' ELSE actual END),
               'none', '{}'::text[], NULL::text;
        v_now := NULL;
        v_present := NULL;
    END IF;
    IF declared IS NULL THEN
        RETURN;
    END IF;
    IF v_now IS NULL THEN
        v_replaced := true;
        RETURN QUERY
        SELECT v_phase, v_ord, kind, '', asymm._routine_definition(kind, v_identity, declared),
               format('DROP %s %s', v_command, v_identity), 'none', '{}'::text[], NULL::text;
    ELSIF kind IN ('function', 'procedure', 'aggregate', 'language', 'transform')
          AND v_declared - v_common <> v_present - v_common THEN
        v_replaced := true;
        RETURN QUERY
        SELECT v_phase, v_ord, kind, '', asymm._routine_definition(kind, v_identity, declared),
               -- What may be replaced one way need not be the other way.
               CASE WHEN asymm._remakes_routines(kind, actual, declared)
                    THEN concat_ws(E';\n', format('DROP %s %s', v_command, v_identity),
                                   asymm._routine_script(kind, schema_name, object_name, actual))
                    ELSE concat_ws(E';\n', asymm._routine_definition(kind, v_identity, v_now),
                                   (SELECT string_agg(format('ALTER %s %s DEPENDS ON EXTENSION %I', v_command, v_identity, e), E';\n')
                                      FROM jsonb_array_elements_text(v_present -> 'depends') AS e)) END,
               'none', '{}'::text[], NULL::text;
    END IF;
    RETURN QUERY
    -- OR REPLACE forgets which extensions the routine goes with.
    WITH e AS (
        SELECT e AS name, d.declared
          FROM (VALUES (true, v_declared -> 'depends'), (false, v_present -> 'depends')) AS d (declared, names)
         CROSS JOIN LATERAL jsonb_array_elements_text(d.names) AS e
         WHERE d.declared OR NOT v_replaced)
    SELECT v_phase, v_ord + 1, kind, '', format('ALTER %s %s %sDEPENDS ON EXTENSION %I', v_command, v_identity, a.no, e.name),
           format('ALTER %s %s %sDEPENDS ON EXTENSION %I', v_command, v_identity, a.yes, e.name), 'none', '{}'::text[], NULL::text
      FROM (SELECT e.name, bool_or(e.declared) AS wanted FROM e GROUP BY e.name HAVING count(*) = 1) AS e
     CROSS JOIN LATERAL (SELECT CASE WHEN e.wanted THEN '' ELSE 'NO ' END, CASE WHEN e.wanted THEN 'NO ' ELSE '' END) AS a (no, yes)
    UNION ALL
    SELECT p.* FROM asymm._plan_operator(
               kind, v_identity, asymm._routine_script(kind, schema_name, object_name, v_now), v_phase, v_ord, declared, v_now) AS p
     WHERE kind IN ('operator', 'operator family')
    UNION ALL
    SELECT p.* FROM asymm._plan_common(v_command, v_identity, v_acl, kind, '', v_declared, v_present) AS p;
END
$$;
COMMENT ON FUNCTION asymm._plan_routines(text, text, text, jsonb, jsonb, jsonb, oid)
    IS 'Steps that turn a routine, operator, operator class or family, cast, transform, language or access method into what is declared.';

CREATE OR REPLACE FUNCTION asymm._routine_script(kind text, schema_name text, object_name text, facts jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(p.forward, E';\n' ORDER BY p.phase, p.ord, p.forward COLLATE "C")
      FROM asymm._plan_routines(kind, schema_name, object_name, facts, NULL, NULL, NULL) AS p
$$;
COMMENT ON FUNCTION asymm._routine_script(text, text, text, jsonb) IS 'Script that makes a routine, operator, cast, … in full.';

CREATE OR REPLACE FUNCTION asymm._routine_catalog(kind text) RETURNS oid
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE kind WHEN 'operator' THEN 'pg_operator'::regclass WHEN 'operator class' THEN 'pg_opclass'::regclass
                     WHEN 'operator family' THEN 'pg_opfamily'::regclass WHEN 'cast' THEN 'pg_cast'::regclass
                     WHEN 'transform' THEN 'pg_transform'::regclass WHEN 'language' THEN 'pg_language'::regclass
                     WHEN 'access method' THEN 'pg_am'::regclass ELSE 'pg_proc'::regclass END::oid;
END
$$;
COMMENT ON FUNCTION asymm._routine_catalog(text) IS 'The catalog objects of a kind are in.';
