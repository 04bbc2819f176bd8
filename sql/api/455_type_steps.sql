-- Steps that bring a type to what is declared.

CREATE OR REPLACE FUNCTION asymm._plan_type(schema_name text, object_name text, declared jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_id text := format('%I.%I', schema_name, object_name);
    v_head text := 'ALTER TYPE ' || v_id;
    v_variant text := declared #>> '{type,"",variant}';
    v_now jsonb := actual;
    v_swap boolean := false;
BEGIN
    IF actual IS NULL THEN
        RETURN QUERY
        SELECT s.phase, s.ord, 'type', '', s.statement,
               CASE WHEN row_number() OVER (ORDER BY s.phase, s.ord) = 1 THEN 'DROP TYPE ' || v_id END, 'none',
               CASE WHEN row_number() OVER (ORDER BY s.phase, s.ord) = 1 THEN '{}' ELSE ARRAY['cannot be undone'] END, NULL::text
          FROM asymm._type_statements(v_id, declared) AS s;
    ELSIF v_variant <> actual #>> '{type,"",variant}' OR v_variant = 'range' AND asymm._type_core(declared) <> asymm._type_core(actual) THEN
        v_swap := v_variant <> 'base';
        IF NOT v_swap OR actual #>> '{type,"",variant}' = 'base' THEN
            RETURN QUERY SELECT 0, 0, 'type', '', NULL, NULL, 'none', ARRAY['not healable: a base type stands or falls with its functions'], NULL;
            v_swap := false;
        END IF;
    ELSIF v_variant = 'base' THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_base_type(v_id, declared #> '{type,""}', actual #> '{type,""}') AS p;
    ELSIF v_variant = 'enum' AND declared #> '{type,"",labels}' <> actual #> '{type,"",labels}' THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_labels(schema_name, object_name, declared, actual, object_id) AS p;
    ELSIF v_variant = 'composite' THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_attributes(schema_name, object_name, declared, actual, object_id) AS p;
    END IF;
    IF v_swap THEN
        RETURN QUERY
        SELECT 30, 50, 'type', '', s.* FROM asymm._plan_swap('pg_type'::regclass, object_id, 'type', schema_name, object_name,
            asymm._with_keeping(declared, actual), actual) AS s;
        v_now := declared;
    END IF;
    RETURN QUERY
    SELECT c.* FROM asymm._plan_common('TYPE', v_id, 'T', 'type', '', declared #> '{type,""}', actual #> '{type,""}') AS c
    UNION ALL
    SELECT c.*
      FROM jsonb_each(declared -> 'attribute') AS d
     CROSS JOIN LATERAL (SELECT COALESCE((SELECT v.key FROM jsonb_each_text(asymm._aligned_attributes(declared, actual) -> 'renamed') AS v
                                           WHERE v.value = d.key), d.key) AS key) AS w
     CROSS JOIN LATERAL asymm._plan_common('COLUMN', format('%s.%I', v_id, d.key), NULL, 'attribute', d.key, d.value,
                                           v_now #> ARRAY['attribute', w.key]) AS c
     -- A swap writes comments down by itself.
     WHERE NOT (actual IS NOT NULL AND asymm._remakes_types('type', declared, actual));
END
$$;
COMMENT ON FUNCTION asymm._plan_type(text, text, jsonb, jsonb, oid) IS 'Steps that turn a type as it is, or is not, into the declared one.';

-- A swapped object keeps its owner, comment and privileges: those are mended by steps of their own.
CREATE OR REPLACE FUNCTION asymm._with_keeping(declared jsonb, actual jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_set(declared, ARRAY[k.kind, ''], jsonb_strip_nulls((declared #> ARRAY[k.kind, '']) || jsonb_build_object(
               'owner', actual #> ARRAY[k.kind, '', 'owner'], 'comment', actual #> ARRAY[k.kind, '', 'comment'],
               'acl', actual #> ARRAY[k.kind, '', 'acl'])))
      FROM (SELECT p.key AS kind FROM jsonb_each(actual) AS p WHERE p.value ? '') AS k
$$;
COMMENT ON FUNCTION asymm._with_keeping(jsonb, jsonb) IS 'Declared facts of an object with the owner, comment and privileges it has now.';

CREATE OR REPLACE FUNCTION asymm._plan_labels(schema_name text, object_name text, declared jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_head text := format('ALTER TYPE %I.%I', schema_name, object_name);
    v_labels jsonb := declared #> '{type,"",labels}';
    v jsonb := asymm._aligned(declared #> '{type,"",labels}', actual #> '{type,"",labels}');
    v_swap boolean := asymm._remakes_types('type', declared, actual);
    v_step jsonb;
    v_may_wait boolean := false;
    v_back text;
    -- Facts after each stage: names given back, labels added.
    v_renamed jsonb;
    v_added jsonb;
BEGIN
    v_renamed := jsonb_set(actual, '{type,"",labels}', (
        SELECT COALESCE(jsonb_agg(COALESCE(v -> 'renamed' ->> x.l, x.l) ORDER BY x.n), '[]')
          FROM jsonb_array_elements_text(actual #> '{type,"",labels}') WITH ORDINALITY AS x (l, n)));
    RETURN QUERY
    SELECT 30, 11, 'type', '', format('%s RENAME VALUE %L TO %L', v_head, r.key, r.value), format('%s RENAME VALUE %L TO %L', v_head, r.value, r.key),
           'none', '{}'::text[], NULL::text
      FROM jsonb_each_text(v -> 'renamed') AS r;
    IF v_swap THEN
        SELECT jsonb_agg(to_jsonb(s)) INTO v_step
          FROM asymm._plan_swap('pg_type'::regclass, object_id, 'type', schema_name, object_name,
                                asymm._with_keeping(declared, actual), v_renamed) AS s;
        v_may_wait := v_step #> '{0,hazards}' ? 'deletes data' OR v_step #>> '{0,forward}' IS NULL;
    END IF;
    v_added := v_renamed;
    IF v -> 'added' <> '[]' AND NOT (v -> 'moved')::boolean
       AND (NOT v_swap OR v_may_wait) THEN
        -- Labels that are to go may have to wait; those that are missing do not. Each stands after the one it is declared after.
        v_added := jsonb_set(v_renamed, '{type,"",labels}', (
            SELECT jsonb_agg(y.l ORDER BY y.place, y.n)
              FROM (SELECT x.l, x.n, x.n::numeric AS place
                      FROM jsonb_array_elements_text(v_renamed #> '{type,"",labels}') WITH ORDINALITY AS x (l, n)
                    UNION ALL
                    SELECT x.l, x.n, COALESCE((
                        SELECT max(p.n) FROM jsonb_array_elements_text(v_renamed #> '{type,"",labels}') WITH ORDINALITY AS p (l, n)
                          JOIN jsonb_array_elements_text(v_labels) WITH ORDINALITY AS q (l, n) ON q.l = p.l WHERE q.n < x.n), 0) + 0.5
                      FROM jsonb_array_elements_text(v_labels) WITH ORDINALITY AS x (l, n) WHERE v -> 'added' ? x.l) AS y));
        -- A label that was added goes only with the type, and everything around it: as that is now.
        SELECT CASE WHEN bool_and(s ->> 'forward' IS NOT NULL) THEN string_agg(s ->> 'forward', E';\n' ORDER BY (s -> 'step')::integer) END
          INTO v_back
          FROM jsonb_array_elements(asymm._plan_set(jsonb_build_array(jsonb_build_object(
                   'kind', 'type', 'schema', schema_name, 'name', object_name, 'declared', v_renamed, 'actual', v_added, 'oid', object_id)))) AS s;
        RETURN QUERY
        SELECT 30, 12, 'type', '', (
                   SELECT string_agg(format('%s ADD VALUE %L', v_head, x.l) || CASE WHEN x.before IS NOT NULL THEN format(' AFTER %L', x.before)
                              WHEN v_renamed #> '{type,"",labels}' <> '[]' THEN format(' BEFORE %L', v_renamed #>> '{type,"",labels,0}') ELSE '' END,
                              E';\n' ORDER BY x.n)
                     FROM (SELECT y.l, y.n, lag(y.l) OVER (ORDER BY y.n) AS before
                             FROM jsonb_array_elements_text(v_labels) WITH ORDINALITY AS y (l, n)
                            WHERE v -> 'added' ? y.l OR v_renamed #> '{type,"",labels}' ? y.l) AS x
                    WHERE v -> 'added' ? x.l),
               v_back, 'none', CASE WHEN v_back IS NULL THEN ARRAY['cannot be undone'] ELSE '{}'::text[] END, NULL::text;
    END IF;
    IF v_swap AND v_added = v_renamed THEN
        RETURN QUERY SELECT 30, 13, 'type', '', s.*
                       FROM jsonb_to_recordset(v_step) AS s (forward text, inverse text, lock_class text, hazards text[], precondition text);
    ELSIF v_swap THEN
        RETURN QUERY
        SELECT 30, 13, 'type', '', s.* FROM asymm._plan_swap('pg_type'::regclass, object_id, 'type', schema_name, object_name,
            asymm._with_keeping(declared, actual), v_added) AS s;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._plan_labels(text, text, jsonb, jsonb, oid)
    IS 'Steps that rename, add and remove labels of an enum; only what has to be removed or moved needs another type.';

CREATE OR REPLACE FUNCTION asymm._plan_attributes(schema_name text, object_name text, declared jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_head text := format('ALTER TYPE %I.%I', schema_name, object_name);
    v jsonb := asymm._aligned_attributes(declared, actual);
    v_stored boolean := EXISTS (SELECT FROM asymm._swap_columns('pg_type'::regclass, object_id) AS t WHERE t.attnum > 0);
    -- Tables made OF the type follow it.
    v_tail text := CASE WHEN EXISTS (SELECT FROM pg_class AS c WHERE c.reloftype = object_id) THEN ' CASCADE' ELSE '' END;
    v_lock text := CASE WHEN v_tail <> '' THEN 'ACCESS EXCLUSIVE' ELSE 'none' END;
    v_renamed jsonb := actual;
BEGIN
    IF v -> 'renamed' <> '{}' THEN
        v_renamed := jsonb_set(jsonb_set(actual, '{type,"",attributes}', (
            SELECT jsonb_agg(COALESCE(v -> 'renamed' ->> x.l, x.l) ORDER BY x.n)
              FROM jsonb_array_elements_text(actual #> '{type,"",attributes}') WITH ORDINALITY AS x (l, n))),
            '{attribute}', (SELECT jsonb_object_agg(COALESCE(v -> 'renamed' ->> a.key, a.key), a.value) FROM jsonb_each(actual -> 'attribute') AS a));
    END IF;
    RETURN QUERY
    SELECT 30, 41, 'attribute', r.value, format('%s RENAME ATTRIBUTE %I TO %I%s', v_head, r.key, r.value, v_tail),
           format('%s RENAME ATTRIBUTE %I TO %I%s', v_head, r.value, r.key, v_tail), v_lock, '{}'::text[], NULL::text
      FROM jsonb_each_text(v -> 'renamed') AS r;
    IF (v -> 'moved')::boolean OR v -> 'retyped' <> '[]' AND v_stored THEN
        RETURN QUERY
        SELECT 30, 45, 'type', '', s.* FROM asymm._plan_swap('pg_type'::regclass, object_id, 'type', schema_name, object_name,
            asymm._with_keeping(declared, actual), v_renamed) AS s;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT 30, 42, 'attribute', a.name, format('%s DROP ATTRIBUTE %I%s', v_head, a.name, v_tail),
           concat_ws(E';\n', format('%s ADD ATTRIBUTE %s%s', v_head, asymm._attribute_definition(a.name, a.facts), v_tail),
                     CASE WHEN a.facts ? 'comment'
                          THEN format('COMMENT ON COLUMN %I.%I.%I IS %L', schema_name, object_name, a.name, a.facts ->> 'comment') END),
           v_lock, CASE WHEN v_stored THEN ARRAY['deletes data'] ELSE '{}'::text[] END,
           CASE WHEN v_stored THEN (SELECT s.precondition FROM asymm._plan_swap('pg_type'::regclass, object_id, 'type', schema_name, object_name,
                                        declared, v_renamed) AS s) END
      FROM (SELECT x.name, actual #> ARRAY['attribute', x.name] AS facts FROM jsonb_array_elements_text(v -> 'removed') AS x (name)) AS a
    UNION ALL
    SELECT 30, 43, 'attribute', a.name,
           format('%s ADD ATTRIBUTE %s%s', v_head, asymm._attribute_definition(a.name, declared #> ARRAY['attribute', a.name]), v_tail),
           format('%s DROP ATTRIBUTE %I%s', v_head, a.name, v_tail), v_lock, '{}', NULL
      FROM jsonb_array_elements_text(v -> 'added') AS a (name)
    UNION ALL
    SELECT 30, 44, 'attribute', a.name, asymm._attribute_retype(v_head, a.name, declared, v_tail),
           asymm._attribute_retype(v_head, a.name, actual, v_tail),
           v_lock, '{}', NULL
      FROM jsonb_array_elements_text(v -> 'retyped') AS a (name);
END
$$;
COMMENT ON FUNCTION asymm._plan_attributes(text, text, jsonb, jsonb, oid) IS 'Steps that rename, drop, add and retype attributes of a composite type.';

CREATE OR REPLACE FUNCTION asymm._attribute_retype(head text, name text, facts jsonb, tail text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', format('%s ALTER ATTRIBUTE %I TYPE %s', head, name, facts #>> ARRAY['attribute', name, 'type']),
                     'COLLATE ' || (facts #>> ARRAY['attribute', name, 'collation'])) || tail
$$;
COMMENT ON FUNCTION asymm._attribute_retype(text, text, jsonb, text) IS 'ALTER ATTRIBUTE … TYPE to what the facts say.';

-- A base type can be given other optional functions, and a more lenient storage; the rest is fixed.
CREATE OR REPLACE FUNCTION asymm._plan_base_type(identity text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH k AS (
        SELECT COALESCE(d.key, a.key) AS key, d.value AS d, a.value AS a,
               COALESCE(d.key, a.key) IN ('receive', 'send', 'typmod_in', 'typmod_out', 'analyze', 'subscript')
               OR d.key = 'storage' AND declared ->> 'storage' <> 'plain' AND actual ? 'storage' AS alterable
          FROM jsonb_each_text(declared) AS d FULL JOIN jsonb_each_text(actual) AS a ON a.key = d.key
         WHERE d.value IS DISTINCT FROM a.value AND COALESCE(d.key, a.key) NOT IN ('owner', 'comment', 'acl', 'leaving'))
    SELECT 36, 0, 'type', '', format('ALTER TYPE %s SET (%s)', identity,
                                     string_agg(format('%s = %s', upper(k.key), COALESCE(k.d, 'NONE')), ', ' ORDER BY k.key)),
           format('ALTER TYPE %s SET (%s)', identity, string_agg(format('%s = %s', upper(k.key), COALESCE(k.a, 'NONE')), ', ' ORDER BY k.key)),
           'none', '{}'::text[], NULL::text
      FROM k WHERE k.alterable HAVING count(*) > 0
    UNION ALL
    SELECT 0, 0, 'type', '', NULL, NULL, 'none',
           ARRAY[format('not healable: %s of a base type', string_agg(k.key, ', ' ORDER BY k.key))], NULL
      FROM k WHERE NOT k.alterable HAVING count(*) > 0;
END
$$;
COMMENT ON FUNCTION asymm._plan_base_type(text, jsonb, jsonb) IS 'Steps that mend the optional functions and the storage of a base type.';
