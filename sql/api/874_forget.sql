-- forget() and export_subject(): with the caller's own rights on the tables.

-- A text that is no value of the column's type is nobody's there.
CREATE OR REPLACE FUNCTION asymm._place_query(statement text, subject text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $$
DECLARE
    v_found jsonb;
BEGIN
    EXECUTE statement INTO v_found USING subject;
    RETURN v_found;
EXCEPTION WHEN invalid_text_representation OR numeric_value_out_of_range OR invalid_datetime_format OR datetime_field_overflow THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._place_query(text, text) IS 'Asks a place for a subject; NULL when the subject can''t be in it. Fails where row-level security would hide rows.';

CREATE OR REPLACE FUNCTION asymm._entity_ids(kind text, prefix text, subject text) RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_subject_rights(kind);
    RETURN ARRAY(SELECT i.id FROM (SELECT d.id FROM asymm.data_entity AS d UNION SELECT h.id FROM asymm.data_entity_history AS h
                                   UNION SELECT r.id FROM asymm.data_entity_request AS r) AS i
                  WHERE EXISTS (SELECT FROM asymm.subject_place AS p WHERE p.kind = _entity_ids.kind AND p.prefix = _entity_ids.prefix)
                    AND CASE WHEN subject IS NULL THEN starts_with(i.id, prefix)
                             ELSE i.id = prefix || subject OR starts_with(i.id, prefix || subject || '/') END ORDER BY i.id);
END
$$;
COMMENT ON FUNCTION asymm._entity_ids(text, text, text)
    IS 'Ids of a subject''s entities, or of all subjects'' (NULL), those included of which only history is left; raises 42501.';

CREATE OR REPLACE FUNCTION asymm._erase_entities(kind text, prefix text, subject text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_text(subject, 'subject');
    RETURN (SELECT count(asymm._erase_entity(i)) FROM unnest(asymm._entity_ids(kind, prefix, subject)) AS i);
END
$$;
COMMENT ON FUNCTION asymm._erase_entities(text, text, text) IS 'Erases a subject''s entities with their history; raises 42501.';

CREATE OR REPLACE FUNCTION asymm._export_entities(kind text, prefix text, subject text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_text(subject, 'subject');
    RETURN (SELECT jsonb_agg(asymm._export_entity(i) ORDER BY i) FROM unnest(asymm._entity_ids(kind, prefix, subject)) AS i);
END
$$;
COMMENT ON FUNCTION asymm._export_entities(text, text, text) IS 'All that is kept of a subject''s entities; raises 42501.';

-- What a place holds: {rows, subjects (as the column prints them), values (texts of the rows)}.
CREATE OR REPLACE FUNCTION asymm._look_into_place(place asymm._subject_place_found, subject text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids text[];
BEGIN
    IF place.prefix IS NOT NULL THEN
        v_ids := asymm._entity_ids(place.kind, place.prefix, subject);
        RETURN jsonb_build_object('rows', cardinality(v_ids), 'subjects', '[]'::jsonb, 'values', to_jsonb(v_ids));
    ELSIF place.type IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN asymm._place_query(format(
        'SELECT jsonb_build_object(''rows'', count(*), ''subjects'', COALESCE(jsonb_agg(DISTINCT concat(t.%2$I)), ''[]''),
                                   ''values'', COALESCE(jsonb_agg(to_jsonb(ARRAY[%4$s]::text[])), ''[]''))
           FROM %1$s AS t WHERE t.%2$I = $1::%3$s%5$s',
        place.relid::regclass, place.column_name, place.type,
        (SELECT string_agg(format('left(concat(t.%I), 1000)', c), ', ') FROM unnest(place.texts) AS c),
        (SELECT ' AND num_nonnulls(' || string_agg(format('t.%I', c), ', ') || ') > 0' FROM unnest(place.columns) AS c)), subject);
END
$$;
COMMENT ON FUNCTION asymm._look_into_place(asymm._subject_place_found, text) IS 'Counts a subject''s rows in a registered place, with the texts in them; NULL when it can hold none.';

CREATE OR REPLACE FUNCTION asymm._erase_place(place asymm._subject_place_found, subject text) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $$
DECLARE
    v_erased bigint;
BEGIN
    IF place.prefix IS NOT NULL THEN
        RETURN asymm._erase_entities(place.kind, place.prefix, subject);
    ELSIF place.columns IS NULL THEN
        EXECUTE format('DELETE FROM %s AS t WHERE t.%I = $1::%s', place.relid::regclass, place.column_name, place.type) USING subject;
    ELSE
        EXECUTE format('UPDATE %s AS t SET %s WHERE t.%I = $1::%s AND num_nonnulls(%s) > 0', place.relid::regclass,
                       (SELECT string_agg(format('%I = NULL', c), ', ') FROM unnest(place.columns) AS c), place.column_name, place.type,
                       (SELECT string_agg(format('t.%I', c), ', ') FROM unnest(place.columns) AS c)) USING subject;
    END IF;
    GET DIAGNOSTICS v_erased = ROW_COUNT;
    RETURN v_erased;
END
$$;
COMMENT ON FUNCTION asymm._erase_place(asymm._subject_place_found, text) IS 'Deletes a subject''s rows in a place, or clears their columns.';

-- Rows that others refer to go after those.
CREATE OR REPLACE FUNCTION asymm.forget(subject text, dry_run boolean DEFAULT true, kind text DEFAULT 'subject')
RETURNS TABLE (place text, held bigint, erased bigint, remaining bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids bigint[] := '{}';
    v_places text[] := '{}';
    v_found bigint[] := '{}';
    v_erased bigint[] := '{}';
    v_open bigint[];
    v_before integer;
    v_subjects text[] := ARRAY[subject];
    v_values text[] := ARRAY[subject];
    v_traces bigint;
    v_recycled bigint;
    v_prints bigint := asymm._count_prints(kind);
    v_look jsonb;
    v_n integer;
    v_message text;
    v asymm._subject_place_found;
BEGIN
    PERFORM asymm._require_text(subject, 'subject');
    PERFORM asymm._require_subject_kind(kind);
    IF dry_run IS NULL THEN
        PERFORM asymm._require_text(NULL, 'dry_run');
    END IF;
    PERFORM asymm._require_subject_rights(kind);
    FOR v IN SELECT p.* FROM asymm._subject_places(kind) AS p LOOP
        v_look := asymm._look_into_place(v, subject);
        v_ids := v_ids || v.id;
        v_places := v_places || v.display;
        v_found := v_found || COALESCE((v_look ->> 'rows')::bigint, 0);
        v_erased := v_erased || 0::bigint;
        v_subjects := v_subjects || ARRAY(SELECT jsonb_array_elements_text(v_look -> 'subjects'));
        v_values := v_values || ARRAY(SELECT DISTINCT e FROM jsonb_path_query(v_look -> 'values', 'lax $[*][*]') AS j (value)
                                       CROSS JOIN LATERAL (SELECT j.value #>> '{}') AS x (e) LIMIT 1000);
    END LOOP;
    v_values := ARRAY(SELECT DISTINCT e FROM unnest(v_values) AS e WHERE length(e) >= 5);
    v_traces := asymm._count_traces(v_values);
    v_recycled := asymm._count_recycled(kind, v_subjects, v_values);
    IF NOT dry_run THEN
        SET CONSTRAINTS ALL IMMEDIATE;
        v_open := v_ids;
        WHILE v_open <> '{}' LOOP
            v_before := cardinality(v_open);
            FOR v IN SELECT p.* FROM asymm._subject_places(kind) AS p WHERE p.id = ANY (v_open) LOOP
                v_n := array_position(v_ids, v.id);
                BEGIN
                    IF v_found[v_n] > 0 THEN
                        v_erased[v_n] := asymm._erase_place(v, subject);
                    END IF;
                    v_open := array_remove(v_open, v.id);
                EXCEPTION WHEN foreign_key_violation THEN
                    v_message := SQLERRM;
                END;
            END LOOP;
            IF cardinality(v_open) = v_before THEN
                RAISE EXCEPTION 'rows of the subject are referred to by others'
                    USING ERRCODE = 'SY022', DETAIL = format('Nothing was erased: %s.', v_message),
                          HINT = 'Register the table that refers to them too, or have columns cleared instead of rows deleted.';
            END IF;
        END LOOP;
        PERFORM asymm._erase_prints(kind);
        PERFORM asymm._erase_recycled(kind, v_subjects, v_values);
        PERFORM asymm._erase_traces(v_values);
        PERFORM asymm._note_erasure(kind, v_subjects, (SELECT sum(e) FROM unnest(v_erased) AS e)::bigint);
    END IF;
    -- Read back: what a trigger or a rule put there again counts.
    FOR v IN SELECT p.* FROM asymm._subject_places(kind) AS p LOOP
        v_n := array_position(v_ids, v.id);
        place := v_places[v_n];
        held := v_found[v_n];
        erased := v_erased[v_n];
        remaining := COALESCE((asymm._look_into_place(v, subject) ->> 'rows')::bigint, 0);
        IF NOT dry_run AND remaining > 0 THEN
            RAISE EXCEPTION 'rows of the subject are still there'
                USING ERRCODE = 'SY022', DETAIL = format('Nothing was erased: %s still has %s of them.', place, remaining),
                      HINT = 'A trigger, a rule or another session keeps them there; see to it, then call it again.';
        END IF;
        RETURN NEXT;
    END LOOP;
    place := 'rows put aside by merges';
    held := v_recycled;
    remaining := asymm._count_recycled(kind, v_subjects, v_values);
    erased := held - remaining;
    RETURN NEXT;
    place := 'fingerprints of rows';
    held := v_prints;
    remaining := asymm._count_prints(kind);
    erased := held - remaining;
    RETURN NEXT;
    place := 'telemetry, kept statements, ledger';
    held := v_traces;
    remaining := asymm._count_traces(v_values);
    erased := held - remaining;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION asymm.forget(text, boolean, text)
    IS 'Erases a subject from all registered places, and its texts from what the extension keeps; reads everything back, and notes the erasure so that asymm.reapply_erasures() finds it in a restored copy. dry_run (the default) only counts. Texts are looked for that have five characters and more, at most 1,000 of a place; numbers and dates are not. Triggers of the tables run with the search path pg_catalog. Raises 22004, 22023, 42704, 42501, SY022 (then nothing was erased), and what the tables raise.';

CREATE OR REPLACE FUNCTION asymm.export_subject(subject text, kind text DEFAULT 'subject') RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_parts jsonb := '[]';
    v_rows jsonb;
    v asymm._subject_place_found;
BEGIN
    PERFORM asymm._require_text(subject, 'subject');
    FOR v IN SELECT p.* FROM asymm._subject_places(asymm._require_subject_kind(kind)) AS p LOOP
        IF v.prefix IS NOT NULL THEN
            v_rows := asymm._export_entities(kind, v.prefix, subject);
        ELSIF v.type IS NOT NULL THEN
            v_rows := asymm._place_query(format('SELECT jsonb_agg(to_jsonb(t)) FROM %s AS t WHERE t.%I = $1::%s', v.relid::regclass, v.column_name,
                                                v.type), subject);
        END IF;
        v_parts := v_parts || jsonb_build_object('place', v.display, 'rows', COALESCE(v_rows, '[]'));
        v_rows := NULL;
    END LOOP;
    PERFORM asymm._audit('export_subject', kind, jsonb_build_object('places', jsonb_array_length(v_parts)));
    RETURN jsonb_build_object('subject', subject, 'kind', kind, 'at', clock_timestamp(), 'places', v_parts);
END
$$;
COMMENT ON FUNCTION asymm.export_subject(text, text)
    IS 'All that the registered places hold of a subject, as JSON: {subject, kind, at, places: [{place, rows}]}, with the caller''s own rights on them. Raises 22004, 22023, 42704.';
