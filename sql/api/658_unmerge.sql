-- Taking a merge back: the rows come back as they were, and what referred to them does so again, as far as nobody has pointed it
-- elsewhere since.

CREATE OR REPLACE FUNCTION asymm._refuse_unmerge(action bigint, detail text, hint text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'action % cannot be taken back', action USING ERRCODE = 'SY008', DETAIL = detail, HINT = hint;
END
$$;
COMMENT ON FUNCTION asymm._refuse_unmerge(bigint, text, text) IS 'Raises SY008 for a merge that can''t be taken back.';

CREATE OR REPLACE FUNCTION asymm._type_in(relation oid, name text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a
             WHERE a.attrelid = relation AND a.attname = name AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '');
END
$$;
COMMENT ON FUNCTION asymm._type_in(oid, text) IS 'The type of a column that can be written; NULL if there is none.';

CREATE OR REPLACE FUNCTION asymm._unmerge_references(action bigint, relation regclass, merge jsonb, above bigint, upto bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_count bigint;
    v_all bigint := 0;
BEGIN
    FOR v IN SELECT e.value AS reference, e.place, c.now AS reference_now, (c.now ->> 'relid')::oid AS relid
               FROM jsonb_array_elements(merge -> 'references') WITH ORDINALITY AS e (value, place)
               -- Only what is a foreign key to this table still.
               JOIN LATERAL (SELECT n.value AS now FROM jsonb_array_elements(asymm._references_to(relation)) AS n (value)
                              WHERE n.value @> jsonb_build_object('constraint', e.value -> 'constraint', 'schema', e.value -> 'schema',
                                                                  'table', e.value -> 'table', 'columns', e.value -> 'columns')) AS c ON true
    LOOP
        EXECUTE format(
            'UPDATE %1$s AS f SET (%2$s) = ROW(%3$s)
               FROM asymm._repointed($1, $2, $3, $4) AS p JOIN asymm._recycled($1, $3, $5) AS r USING (item)
              WHERE %4$s AND %5$s',
            asymm._reference_table(v.reference),
            (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.place)
               FROM jsonb_array_elements_text(v.reference -> 'columns') WITH ORDINALITY AS c (name, place)),
            (SELECT string_agg(format('r.content[%s]::%s', x.place, asymm._type_in(relation, x.name)), ', ' ORDER BY c.place)
               FROM jsonb_array_elements_text(v.reference_now -> 'refers') WITH ORDINALITY AS c (number, place)
               JOIN pg_attribute AS a ON a.attrelid = relation AND a.attnum = c.number::smallint
               JOIN jsonb_array_elements_text(merge -> 'columns') WITH ORDINALITY AS x (name, place) ON x.name = a.attname),
            (SELECT string_agg(format('f.%I = p.key[%s]::%s', k.name, k.place, asymm._type_in(v.relid, k.name)), ' AND ')
               FROM jsonb_array_elements_text(v.reference -> 'key') WITH ORDINALITY AS k (name, place)),
            (SELECT string_agg(format('r.kept[%s]::%s %s f.%I', x.place, asymm._type_in(relation, x.name), o.operator, n.name), ' AND ')
               FROM jsonb_array_elements_text(v.reference_now -> 'refers') WITH ORDINALITY AS c (number, place)
               JOIN jsonb_array_elements_text(v.reference_now -> 'operators') WITH ORDINALITY AS o (operator, place) USING (place)
               JOIN jsonb_array_elements_text(v.reference -> 'columns') WITH ORDINALITY AS n (name, place) USING (place)
               JOIN pg_attribute AS a ON a.attrelid = relation AND a.attnum = c.number::smallint
               JOIN jsonb_array_elements_text(merge -> 'telling') WITH ORDINALITY AS x (name, place) ON x.name = a.attname))
          USING action, v.place::integer, above, upto, (upto - above)::integer;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        v_all := v_all + v_count;
    END LOOP;
    RETURN v_all;
END
$$;
COMMENT ON FUNCTION asymm._unmerge_references(bigint, regclass, jsonb, bigint, bigint) IS 'Points what a merge pointed elsewhere back to some of the rows that it removed; returns how many.';

CREATE OR REPLACE FUNCTION asymm._unmerge(action bigint, dry_run boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET lc_monetary = 'C'
AS $$
DECLARE
    v_merge constant jsonb := asymm._merge_to_revert(action);
    v_size constant integer := 20000;
    v_relation regclass;
    v_missing text;
    v_last bigint;
    v_from bigint;
    v_rows bigint := 0;
    v_count bigint;
    v_back bigint := 0;
    v_self boolean;
BEGIN
    IF v_merge IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM asymm._require_merge(action, ARRAY['verified']);
    v_relation := to_regclass(format('%I.%I', v_merge ->> 'schema', v_merge ->> 'table'));
    IF v_relation IS NULL THEN
        PERFORM asymm._refuse_unmerge(action, 'The table is gone.', 'The rows are kept until the retention ends.');
    END IF;
    PERFORM asymm._clear_unique(action, v_relation, v_merge -> 'compared', dry_run);
    IF dry_run THEN
        RETURN v_merge -> 'after' || jsonb_build_object('state', 'planned');
    END IF;
    PERFORM asymm._require_healing();
    PERFORM asymm._require_merge_rights(v_relation);
    SELECT string_agg(c.name, ', ') INTO v_missing FROM jsonb_array_elements_text(v_merge -> 'columns') AS c (name)
     WHERE asymm._type_in(v_relation, c.name) IS NULL;
    IF v_missing IS NOT NULL THEN
        PERFORM asymm._refuse_unmerge(action, format('Columns that the rows had are gone: %s.', v_missing), 'Make the columns again first.');
    END IF;
    PERFORM asymm._lock_for_merge(v_relation, asymm._references_to(v_relation));
    -- Rows that refer to one another come back together.
    v_self := asymm._references_to(v_relation) @> jsonb_build_array(jsonb_build_object('relid', v_relation::oid::bigint));
    FOR v_pass IN 1 .. 2 LOOP
        v_from := 0;
        LOOP
            SELECT max(r.item) INTO v_last
              FROM asymm._recycled(action, v_from, CASE WHEN v_self AND v_pass = 1 THEN 2147483647 ELSE v_size END) AS r;
            EXIT WHEN v_last IS NULL;
            IF v_pass = 1 THEN
                EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM asymm._recycled($1, $2, $3) AS r', v_relation,
                               (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.place)
                                  FROM jsonb_array_elements_text(v_merge -> 'columns') WITH ORDINALITY AS c (name, place)),
                               (SELECT string_agg(format('r.content[%s]::%s', c.place, asymm._type_in(v_relation, c.name)), ', ' ORDER BY c.place)
                                  FROM jsonb_array_elements_text(v_merge -> 'columns') WITH ORDINALITY AS c (name, place)))
                  USING action, v_from, (v_last - v_from)::integer;
                GET DIAGNOSTICS v_count = ROW_COUNT;
                v_rows := v_rows + v_count;
            ELSE
                v_back := v_back + asymm._unmerge_references(action, v_relation, v_merge, v_from, v_last);
            END IF;
            v_from := v_last;
        END LOOP;
    END LOOP;
    IF v_rows <> (v_merge #>> '{after,removed}')::bigint THEN
        PERFORM asymm._refuse_unmerge(action, format('%s of %s rows came back: a trigger keeps others from it, or they were removed for good.',
                                                     v_rows, v_merge #>> '{after,removed}'), 'Nothing was changed.');
    END IF;
    PERFORM asymm._end_unmerge(action, jsonb_build_object('rows', v_rows, 'references', v_back));
    RETURN jsonb_build_object('removed', v_rows, 'repointed', v_back, 'moved_on', (v_merge #>> '{after,repointed}')::bigint - v_back,
                              'state', 'reverted');
EXCEPTION WHEN unique_violation OR exclusion_violation OR foreign_key_violation OR check_violation OR not_null_violation THEN
    PERFORM asymm._refuse_unmerge(action, format('The rows do not fit any more: %s.', SQLERRM),
                                  'Nothing was changed. Take back what came after: a unique index, a constraint, a row of that key.');
END
$$;
COMMENT ON FUNCTION asymm._unmerge(bigint, boolean) IS 'Takes a merge back with the caller''s rights; NULL if the action is none. Raises 42501, SY005, SY008.';
