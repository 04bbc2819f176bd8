-- What was renamed or moved gets its name back and is never dropped for it. Tables have their own (433).

-- The name of an object apart from what stands behind it: arguments, USING method.
CREATE OR REPLACE FUNCTION asymm._split_name(kind text, object_name text, OUT base text, OUT rest text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN s.split THEN (parse_ident(s.match[1]))[1]
                WHEN kind = ANY (asymm._kinds_without_name()) THEN '' ELSE object_name END,
           CASE WHEN s.split THEN s.match[2]
                WHEN kind = ANY (asymm._kinds_without_name()) THEN object_name ELSE '' END
      FROM (SELECT kind = ANY (asymm._kinds_with_rest()) AS split,
                   regexp_match(object_name, '^("(?:[^"]|"")*"|[^"( ]+)(.*)$') AS match) AS s
$$;
COMMENT ON FUNCTION asymm._split_name(text, text) IS 'The bare name in an object''s name (empty for kinds without), and the rest of it.';

CREATE OR REPLACE FUNCTION asymm._plan_rename(kind text, schema_name text, object_name text, present jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_word text := CASE kind WHEN 'statistics object' THEN 'STATISTICS' ELSE upper(replace(kind, '-', ' ')) END;
    v_old_schema text := present ->> 'schema';
    v_old_name text := present ->> 'name';
    v_old record := asymm._split_name(kind, v_old_name);
    v_new record := asymm._split_name(kind, object_name);
    v_renamed text := CASE WHEN kind = ANY (asymm._kinds_with_rest()) THEN quote_ident(v_new.base) || v_old.rest ELSE object_name END;
    v_lock text := CASE WHEN asymm._kind_group(kind) = 'relations' THEN 'ACCESS EXCLUSIVE' ELSE 'none' END;
    -- After a missing schema was made (20), before anything else.
    v_phase integer := CASE WHEN kind = 'schema' THEN 12 ELSE 21 END;
BEGIN
    -- As with tables: the schema itself was renamed, unless something tells otherwise. That changes arguments' names as well.
    IF v_old_schema <> schema_name AND NOT EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = schema_name)
       AND NOT EXISTS (SELECT FROM asymm.baseline AS b WHERE b.schema_name = v_old_schema OR b.kind = 'schema' AND b.object_name = v_old_schema) THEN
        RETURN QUERY SELECT 12, 0, kind, '', format('ALTER SCHEMA %I RENAME TO %I', v_old_schema, schema_name),
            format('ALTER SCHEMA %I RENAME TO %I', schema_name, v_old_schema), 'none', '{}'::text[], NULL::text;
    ELSIF v_new.rest <> v_old.rest OR v_new.base <> v_old.base AND kind IN ('extension', 'access method') THEN
        RETURN QUERY SELECT v_phase, 0, kind, '', NULL::text, NULL::text, 'none',
            ARRAY['not healable: what it is named after was renamed'], NULL::text;
        RETURN;
    ELSIF v_old_schema <> schema_name THEN
        RETURN QUERY SELECT v_phase, 1, kind, '',
            format('ALTER %s %s SET SCHEMA %I', v_word, asymm._object_identity(kind, v_old_schema, v_old_name), schema_name),
            format('ALTER %s %s SET SCHEMA %I', v_word, asymm._object_identity(kind, schema_name, v_old_name), v_old_schema),
            v_lock, '{}'::text[], NULL::text;
    END IF;
    IF v_new.base <> v_old.base THEN
        RETURN QUERY SELECT v_phase, 2, kind, '',
            format('ALTER %s %s RENAME TO %I', v_word, asymm._object_identity(kind, schema_name, v_old_name), v_new.base),
            format('ALTER %s %s RENAME TO %I', v_word, asymm._object_identity(kind, schema_name, v_renamed), v_old.base),
            v_lock, '{}'::text[], NULL::text;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._plan_rename(text, text, text, jsonb) IS 'Steps that give an object its declared name and schema back; present is {schema, name}.';

CREATE OR REPLACE FUNCTION asymm._renamed_facts(kind text, schema_name text, object_name text, actual jsonb, present jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_facts jsonb := actual;
    v_old text := format('%I.%I', present ->> 'schema', (asymm._split_name(kind, present ->> 'name')).base);
    v_new text := format('%I.%I', schema_name, (asymm._split_name(kind, object_name)).base);
    v_part text;
BEGIN
    IF kind IN ('function', 'procedure', 'statistics object') THEN
        -- The head alone: a body in quotes says what its author wrote.
        RETURN jsonb_set(actual, ARRAY[kind, '', 'def'], to_jsonb(overlay(actual #>> ARRAY[kind, '', 'def'] PLACING v_new
            FROM strpos(actual #>> ARRAY[kind, '', 'def'], v_old) FOR length(v_old))));
    ELSIF asymm._kind_group(kind) = 'relations' THEN
        FOREACH v_part IN ARRAY ARRAY['index', 'trigger', 'rule'] LOOP
            CONTINUE WHEN NOT actual ? v_part;
            SELECT jsonb_set(v_facts, ARRAY[v_part], jsonb_object_agg(p.key, jsonb_set(p.value, '{def}',
                       to_jsonb(asymm._rerelation(p.value ->> 'def', v_old, v_new))))) INTO v_facts
              FROM jsonb_each(actual -> v_part) AS p;
        END LOOP;
    END IF;
    RETURN v_facts;
END
$$;
COMMENT ON FUNCTION asymm._renamed_facts(text, text, text, jsonb, jsonb) IS 'The facts of an object as they will read once it has its declared name back.';
