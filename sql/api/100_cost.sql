-- Complexity classes from text: any usual spelling is read, what lies between two classes is refused by their names.

-- A class is n^a · (log n)^b, or exponential; log log n counts as half a logarithm, which puts it where it belongs.
CREATE OR REPLACE FUNCTION asymm.to_cost(value text) RETURNS asymm.cost
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_classes CONSTANT asymm.cost[] := enum_range(NULL::asymm.cost);
    v_powers CONSTANT numeric[] := '{0, 0, 1, 1, 2, 3}';
    v_logs CONSTANT numeric[] := '{0, 1, 0, 1, 0, 0}';
    v_number CONSTANT text := '([0-9]{1,3}(?:\.[0-9]{1,6})?)';
    v_text text;
    v_found text[];
    v_power numeric;
    v_log numeric;
    v_below integer := 0;
BEGIN
    FOR i IN 1 .. cardinality(v_classes) LOOP
        IF v_classes[i]::text = value THEN
            RETURN v_classes[i];
        END IF;
    END LOOP;
    v_text := replace(replace(replace(lower(value), '**', '^'), '²', '^2'), '³', '^3');
    v_text := regexp_replace(v_text, '[ \t\r\n*·×]+', '', 'g');
    v_text := regexp_replace(v_text, '^o\((.*)\)$', '\1');
    v_text := regexp_replace(v_text, 'sqrt\(n\)|√n|√\(n\)', 'n^0.5');
    v_text := regexp_replace(v_text, 'log2|log_2|ln|lg', 'log', 'g');
    v_text := regexp_replace(v_text, 'loglogn|log\(logn\)|loglog\(n\)|log\(log\(n\)\)', 'h');
    v_text := regexp_replace(v_text, '\(logn\)\^' || v_number || '|log\^' || v_number || '(?:n|\(n\))', 'l\1\2');
    v_text := regexp_replace(v_text, 'logn|log\(n\)', 'l');
    IF v_text IN ('n!', 'n^n') THEN
        v_below := 7;
    ELSIF v_text ~ ('^' || v_number || '\^n$') THEN
        v_power := split_part(v_text, '^', 1)::numeric;
        IF v_power IN (1, 2) THEN
            RETURN v_classes[CASE v_power WHEN 1 THEN 1 ELSE 7 END];
        END IF;
        v_below := CASE WHEN v_power > 2 THEN 7 WHEN v_power > 1 THEN 6 ELSE 0 END;
    ELSIF v_text = '1' OR v_text ~ '^(n|l|h)' THEN
        v_found := regexp_match(v_text, '^(?:1|(?:(n)(?:\^' || v_number || ')?)?(?:(l)' || v_number || '?)?(h)?)$');
        IF v_found IS NOT NULL THEN
            v_power := CASE WHEN v_found[1] IS NULL THEN 0 ELSE COALESCE(v_found[2]::numeric, 1) END;
            v_log := CASE WHEN v_found[3] IS NULL THEN 0 ELSE COALESCE(v_found[4]::numeric, 1) END
                     + CASE WHEN v_found[5] IS NULL THEN 0 ELSE 0.5 END;
            FOR i IN 1 .. cardinality(v_powers) LOOP
                IF v_powers[i] = v_power AND v_logs[i] = v_log THEN
                    RETURN v_classes[i];
                ELSIF v_powers[i] < v_power OR v_powers[i] = v_power AND v_logs[i] < v_log THEN
                    v_below := i;
                END IF;
            END LOOP;
        END IF;
    END IF;
    RAISE EXCEPTION 'cost "%" is none of the classes', value
        USING ERRCODE = 'invalid_parameter_value',
              DETAIL = CASE v_below WHEN 0 THEN format('Classes are %s.', array_to_string(v_classes, ', '))
                                    WHEN 7 THEN 'It grows faster than O(2^n), the last class.'
                                    ELSE format('It lies between %s and %s.', v_classes[v_below], v_classes[v_below + 1]) END,
              HINT = CASE v_below WHEN 0 THEN 'Write it as in asymm.to_cost(''O(n log n)'').'
                                  WHEN 7 THEN 'Use O(2^n).'
                                  ELSE format('Use %s, which promises no more than it keeps, or %s.',
                                              v_classes[v_below + 1], v_classes[v_below]) END;
END
$$;
COMMENT ON FUNCTION asymm.to_cost(text)
    IS 'Reads a complexity class in any usual spelling: ''o(N log N)'', ''n²'', ''lg n''. Raises 22023 for one in between and names its neighbours.';
