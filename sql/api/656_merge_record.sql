-- What a merge leaves in the ledger and the recycle table. Names and shapes are looked up here, not taken from who calls.

CREATE OR REPLACE FUNCTION asymm._require_merge_rights(relation oid) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_rights(pg_get_userbyid(c.relowner), c.oid::regclass::text) FROM pg_class AS c WHERE c.oid = relation;
END
$$;
COMMENT ON FUNCTION asymm._require_merge_rights(oid) IS 'Raises 42501 unless the caller may act for the owner of a table.';

CREATE OR REPLACE FUNCTION asymm._begin_merge(relation oid, columns name[], keep text, counts jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_references constant jsonb := asymm._references_to(relation);
    v_action bigint;
BEGIN
    SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner) AS owner, asymm._object_display('table', n.nspname, c.relname) AS display,
           asymm._object_identity('table', n.nspname, c.relname) AS identity INTO v
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation;
    PERFORM asymm._require_rights(v.owner, v.display);
    INSERT INTO asymm.action (kind, target, object_kind, schema_name, object_name, owner, state, reason, requested_by, steps, evidence_before)
    VALUES ('merge', v.display, 'table', v.nspname, v.relname, v.owner, 'applying', format('merge_duplicates() by %s', asymm._caller()),
            asymm._caller(),
            (SELECT jsonb_agg(s.doc ORDER BY s.place)
               FROM (SELECT j.place, jsonb_build_object('step', j.place, 'kind', 'table',
                            'object', asymm._object_identity('table', j.schema, j."table"), 'schema', j.schema,
                            'called', j."table", 'part', 'rows', 'name', '',
                            'forward', format('UPDATE %I.%I SET (%s) = (those of the row kept)', j.schema, j."table", j.names),
                            'inverse', format('UPDATE %I.%I SET (%s) = (as before)', j.schema, j."table", j.names),
                            'lock_class', 'SHARE ROW EXCLUSIVE', 'precondition', NULL, 'hazards', '[]'::jsonb) AS doc
                       FROM (SELECT e.place, e.value ->> 'schema' AS schema, e.value ->> 'table' AS "table",
                                    (SELECT string_agg(quote_ident(c.name), ', ')
                                       FROM jsonb_array_elements_text(e.value -> 'columns') AS c (name)) AS names
                               FROM jsonb_array_elements(v_references) WITH ORDINALITY AS e (value, place)) AS j
                     UNION ALL
                     SELECT jsonb_array_length(v_references) + 1, jsonb_build_object('step', jsonb_array_length(v_references) + 1,
                            'kind', 'table', 'object', v.identity, 'schema', v.nspname, 'called', v.relname, 'part', 'rows', 'name', '',
                            'forward', format('DELETE FROM %s', v.identity), 'inverse', format('INSERT INTO %s (the rows kept aside)', v.identity),
                            'lock_class', 'SHARE ROW EXCLUSIVE', 'precondition', NULL, 'hazards', '[]'::jsonb)) AS s),
            jsonb_build_object('compared', columns, 'keep', asymm._without_constants(keep), 'counts', counts, 'references', v_references,
                'telling', (SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a
                             WHERE a.attrelid = relation AND a.attnum = ANY (asymm._telling_columns(relation))),
                'columns', (SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a
                             WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')))
    RETURNING id INTO v_action;
    INSERT INTO asymm.action_event (action_id, to_state, by_role) VALUES (v_action, 'applying', asymm._caller());
    RETURN v_action;
END
$$;
COMMENT ON FUNCTION asymm._begin_merge(oid, name[], text, jsonb) IS 'Opens the action of a merge with what is needed to take it back; raises 42501.';

CREATE OR REPLACE FUNCTION asymm._recycle(action bigint, rows asymm.recycled_row[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_merge(action, ARRAY['applying']);
    INSERT INTO asymm.recycled_row (action_id, item, kept, content)
    SELECT _recycle.action, r.item, r.kept, r.content FROM unnest(rows) AS r;
END
$$;
COMMENT ON FUNCTION asymm._recycle(bigint, asymm.recycled_row[]) IS 'Keeps rows that a merge is about to remove.';

CREATE OR REPLACE FUNCTION asymm._note_repointed(action bigint, rows asymm.repointed_row[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_merge(action, ARRAY['applying']);
    INSERT INTO asymm.repointed_row (action_id, reference, item, key)
    SELECT _note_repointed.action, r.reference, r.item, r.key FROM unnest(rows) AS r;
END
$$;
COMMENT ON FUNCTION asymm._note_repointed(bigint, asymm.repointed_row[]) IS 'Notes which rows a merge pointed to the row that was kept.';

CREATE OR REPLACE FUNCTION asymm._require_merge(action bigint, states text[]) RETURNS asymm.action
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, states);
BEGIN
    IF v.kind <> 'merge' THEN
        RAISE EXCEPTION 'action % is no merge', action
            USING ERRCODE = 'wrong_object_type', DETAIL = format('It is of kind %s.', v.kind),
                  HINT = format('SELECT * FROM asymm.revert(%s);', action);
    END IF;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._require_merge(bigint, text[]) IS 'Locks and returns a merge that the caller may act on.';

CREATE OR REPLACE FUNCTION asymm._end_merge(action bigint, counts jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_merge(action, ARRAY['applying']);
    UPDATE asymm.action AS a SET evidence_after = counts, applied_by = asymm._caller(), applied_at = clock_timestamp(), tries = 1
     WHERE a.id = _end_merge.action;
    PERFORM asymm._set_action_state(action, 'verified');
END
$$;
COMMENT ON FUNCTION asymm._end_merge(bigint, jsonb) IS 'Ends a merge in the ledger.';

CREATE OR REPLACE FUNCTION asymm._merge_to_revert(action bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT a.evidence_before || jsonb_build_object('schema', a.schema_name, 'table', a.object_name, 'after', a.evidence_after)
              FROM asymm.action AS a WHERE a.id = _merge_to_revert.action AND a.kind = 'merge' AND asymm._may_act(a.owner));
END
$$;
COMMENT ON FUNCTION asymm._merge_to_revert(bigint) IS 'What is known of a merge, if the action is one and the caller may act on it.';

CREATE OR REPLACE FUNCTION asymm._recycled(action bigint, above bigint, most integer) RETURNS TABLE (item bigint, kept text[], content text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT r.item, r.kept, r.content FROM asymm.recycled_row AS r
                  WHERE r.action_id = action AND r.item > above
                    AND EXISTS (SELECT FROM asymm.action AS a WHERE a.id = r.action_id AND asymm._may_act(a.owner))
                  ORDER BY r.item LIMIT most;
END
$$;
COMMENT ON FUNCTION asymm._recycled(bigint, bigint, integer) IS 'Rows that a merge removed, a batch at a time.';

CREATE OR REPLACE FUNCTION asymm._repointed(action bigint, reference integer, above bigint, upto bigint) RETURNS TABLE (item bigint, key text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT r.item, r.key FROM asymm.repointed_row AS r
                  WHERE r.action_id = action AND r.reference = _repointed.reference AND r.item > above AND r.item <= upto
                    AND EXISTS (SELECT FROM asymm.action AS a WHERE a.id = r.action_id AND asymm._may_act(a.owner));
END
$$;
COMMENT ON FUNCTION asymm._repointed(bigint, integer, bigint, bigint) IS 'Rows that a merge pointed elsewhere, by removed rows from one number to another.';

CREATE OR REPLACE FUNCTION asymm._end_unmerge(action bigint, counts jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_merge(action, ARRAY['verified']);
    DELETE FROM asymm.recycled_row AS r WHERE r.action_id = action;
    DELETE FROM asymm.repointed_row AS r WHERE r.action_id = action;
    UPDATE asymm.action AS a SET evidence_after = a.evidence_after || jsonb_build_object('reverted', counts) WHERE a.id = action;
    PERFORM asymm._set_action_state(action, 'reverted', 'taken back by ' || asymm._caller());
END
$$;
COMMENT ON FUNCTION asymm._end_unmerge(bigint, jsonb) IS 'Ends the taking back of a merge in the ledger.';

CREATE OR REPLACE FUNCTION asymm._purge_recycled() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM asymm.recycled_row AS r WHERE NOT EXISTS (SELECT FROM asymm.action AS a WHERE a.id = r.action_id);
    DELETE FROM asymm.repointed_row AS r WHERE NOT EXISTS (SELECT FROM asymm.action AS a WHERE a.id = r.action_id);
END
$$;
COMMENT ON FUNCTION asymm._purge_recycled() IS 'Removes the rows kept aside by merges whose action is past its retention.';
