-- How the values of columns get from one definition of a type to another.

-- How values of columns get over, and what of them is lost: by way of text, attribute by attribute, or not at all.
CREATE OR REPLACE FUNCTION asymm._swap_turn(kind text, wanted jsonb, present jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := '{c}::text::{t}';
    v_any text := 'pg_catalog.num_nonnulls({c}) > 0';
    v_variant text := COALESCE(wanted #>> '{type,"",variant}', '');
    v_gone text[];
    v_labels text;
    v_row text;
    v_lost text;
    v_nested text;
    v_same boolean;
    v_from text := present #>> '{domain,"",type}';
    v_to text := wanted #>> '{domain,"",type}';
BEGIN
    IF kind = 'collation' THEN
        RETURN '{"direct": "{c}", "array": "{c}", "nested": "{c}::text::{t}"}';
    ELSIF kind = 'domain' THEN
        v_same := asymm._type_holds(v_from, v_to) AND asymm._type_oid(v_to) IS NOT NULL;
        v_row := format('(%s)::{t}', asymm._cast_expression('{c}', v_from, v_to));
        RETURN jsonb_build_object('direct', v_row, 'array', v_text, 'nested', v_text) || CASE WHEN v_same THEN '{}' ELSE jsonb_build_object('loses',
            jsonb_build_object('direct', CASE WHEN asymm._type_oid(v_to) IS NULL THEN v_any ELSE format('(%s)::text IS DISTINCT FROM {c}::text',
                asymm._cast_expression(asymm._cast_expression('{c}', v_from, v_to), v_to, v_from)) END, 'array', v_any, 'nested', v_any)) END;
    ELSIF v_variant <> present #>> '{type,"",variant}' THEN
        RETURN jsonb_build_object('direct', 'NULL', 'array', 'NULL', 'nested', 'NULL',
                                  'loses', jsonb_build_object('direct', v_any, 'array', v_any, 'nested', v_any));
    ELSIF v_variant = 'enum' THEN
        -- Renamed labels were given their names before.
        v_gone := ARRAY(SELECT l FROM jsonb_array_elements_text(present #> '{type,"",labels}') AS l WHERE NOT wanted #> '{type,"",labels}' ? l);
        IF v_gone = '{}' THEN
            RETURN jsonb_build_object('direct', v_text, 'array', v_text, 'nested', v_text);
        END IF;
        v_labels := format('ARRAY[%s]', (SELECT string_agg(quote_literal(l), ', ') FROM unnest(v_gone) AS l));
        v_row := '{c}::text[]';
        FOR v_lost IN SELECT unnest(v_gone) LOOP
            v_row := format('pg_catalog.array_remove(%s, %L)', v_row, v_lost);
            v_nested := concat_ws(' OR ', v_nested, format('pg_catalog.strpos({c}::text, %L) > 0', v_lost));
        END LOOP;
        RETURN jsonb_build_object(
            'direct', format('CASE WHEN {c}::text <> ALL (%s) THEN {c}::text END::{t}', v_labels),
            'array', format('%s::{t}', v_row), 'nested', v_text,
            'gone', to_jsonb(v_gone),
            -- Where a column must have a value, it gets the first label.
            'fallback', format('%L::{t}', wanted #>> '{type,"",labels,0}'),
            'loses', jsonb_build_object('direct', format('{c}::text = ANY (%s)', v_labels), 'array', format('{c}::text[] && %s', v_labels),
                                        'nested', v_nested));
    ELSIF v_variant = 'composite' THEN
        SELECT string_agg(CASE WHEN f.a IS NULL THEN 'NULL' WHEN f.a ->> 'type' = f.d ->> 'type' THEN format('({c}).%I', x.name)
                               ELSE asymm._cast_expression(format('({c}).%I', x.name), f.a ->> 'type', f.d ->> 'type') END, ', ' ORDER BY x.n)
          INTO v_row
          FROM jsonb_array_elements_text(wanted #> '{type,"",attributes}') WITH ORDINALITY AS x (name, n)
         CROSS JOIN LATERAL (SELECT wanted #> ARRAY['attribute', x.name] AS d, present #> ARRAY['attribute', x.name] AS a) AS f;
        SELECT string_agg(format('({c}).%I IS NOT NULL', x.name), ' OR ' ORDER BY x.n) INTO v_lost
          FROM jsonb_array_elements_text(present #> '{type,"",attributes}') WITH ORDINALITY AS x (name, n)
         WHERE NOT wanted #> '{type,"",attributes}' ? x.name
            OR NOT asymm._type_holds(present #>> ARRAY['attribute', x.name, 'type'], wanted #>> ARRAY['attribute', x.name, 'type']);
        -- Text of a row has no names: it serves only as long as attributes stay where they are. Arrays go element by element.
        v_same := wanted #> '{type,"",attributes}' = present #> '{type,"",attributes}';
        v_row := format('CASE WHEN {c} IS DISTINCT FROM NULL THEN ROW(%s)::{t} END', v_row);
        RETURN jsonb_strip_nulls(jsonb_build_object(
            'direct', v_row, 'array', CASE WHEN v_same THEN v_text ELSE '{f}({c})' END, 'element', CASE WHEN NOT v_same THEN v_row END,
            'nested', CASE WHEN v_same THEN v_text ELSE 'NULL' END,
            'loses', CASE WHEN v_lost IS NOT NULL
                          THEN jsonb_build_object('direct', v_lost, 'array', v_any, 'nested', v_any)
                          WHEN NOT v_same THEN jsonb_build_object('array', 'pg_catalog.array_ndims({c}) > 1', 'nested', v_any) END));
    END IF;
    v_same := v_variant = 'range' AND asymm._type_holds(present #>> '{type,"",subtype}', wanted #>> '{type,"",subtype}')
              AND present #> '{type,"",canonical}' IS NOT DISTINCT FROM wanted #> '{type,"",canonical}';
    RETURN jsonb_build_object('direct', v_text, 'array', v_text, 'nested', v_text) || CASE WHEN v_same THEN '{}' ELSE
        jsonb_build_object('loses', jsonb_build_object('direct', v_any, 'array', v_any, 'nested', v_any)) END;
END
$$;
COMMENT ON FUNCTION asymm._swap_turn(text, jsonb, jsonb) IS 'Expressions that carry the values of columns over to the swapped type, and conditions that say which would be lost.';
