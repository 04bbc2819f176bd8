-- What is left of a repair of everything after a round.

-- After a round: what is to be run still, NULL when there is nothing but what was withheld; and what of that still stands
-- (a part that follows a parent's is mended with the parent).
CREATE OR REPLACE FUNCTION asymm._settle_all(action bigint, withheld jsonb, OUT steps jsonb, OUT still_withheld jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['applying']);
    v_items jsonb := asymm._differing();
    v_names jsonb;
    v_fingerprint text;
    v_item jsonb;
    v_own jsonb;
    v_left jsonb := '[]';
BEGIN
    IF v_items <> '[]' AND asymm._settle_text(v.id, v_items) THEN
        v_items := asymm._differing();
    END IF;
    v_names := asymm._item_names(v_items);
    v_fingerprint := asymm._fingerprint_items(v_items);
    v_items := asymm._without_held(asymm._healable(v_items, v.evidence_before -> 'denied'), v.evidence_before -> 'held');
    -- An object that only withheld steps could mend is left alone, and with it what depends on it.
    FOR v_item IN SELECT i FROM jsonb_array_elements(v_items) AS i
                   WHERE EXISTS (SELECT FROM jsonb_array_elements(_settle_all.withheld) AS w WHERE w -> 'kind' = i -> 'kind'
                                    AND w ->> 'object' = asymm._object_identity(i ->> 'kind', i ->> 'schema', i ->> 'name')) LOOP
        SELECT jsonb_agg(x) INTO v_own FROM jsonb_array_elements(asymm._plan_set(jsonb_build_array(v_item))) AS x
         WHERE x -> 'kind' = v_item -> 'kind'
           AND x ->> 'object' = asymm._object_identity(v_item ->> 'kind', v_item ->> 'schema', v_item ->> 'name');
        IF v_own IS NOT NULL AND NOT EXISTS (
               SELECT FROM jsonb_array_elements(v_own) AS o
                WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(_settle_all.withheld) AS w
                                   WHERE w -> 'object' = o -> 'object' AND w -> 'forward' = o -> 'forward')) THEN
            v_left := v_left || v_own;
            SELECT jsonb_agg(i) INTO v_items FROM jsonb_array_elements(v_items) AS i WHERE i <> v_item;
        END IF;
    END LOOP;
    SELECT jsonb_agg(x.s ORDER BY x.n) FILTER (WHERE NOT k.known), COALESCE(jsonb_agg(x.s ORDER BY x.n) FILTER (WHERE k.known), '[]')
      INTO steps, still_withheld
      FROM jsonb_array_elements(CASE WHEN v_items IS NULL THEN '[]' ELSE asymm._plan_set(v_items) END) WITH ORDINALITY AS x (s, n)
     CROSS JOIN LATERAL (
           SELECT EXISTS (SELECT FROM jsonb_array_elements(_settle_all.withheld) AS w
                           WHERE w -> 'object' = x.s -> 'object' AND w -> 'forward' = x.s -> 'forward') AS known) AS k;
    still_withheld := still_withheld || v_left;
    IF steps IS NOT NULL THEN
        UPDATE asymm.action AS a SET steps = a.steps || _settle_all.steps WHERE a.id = v.id;
    ELSE
        -- What was found serves at the end, too, if nothing is done in between.
        UPDATE asymm.action AS a SET fingerprint_after = v_fingerprint,
               evidence_after = jsonb_build_object('objects', v_names, 'mark', asymm._ddl_mark()) WHERE a.id = v.id;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._settle_all(bigint, jsonb) IS 'Steps that a repair of everything still lacks, besides those that were withheld; NULL when it is done.';

-- What does not differ is what was declared, and need not be read again.
CREATE OR REPLACE FUNCTION asymm._healed_facts(steps jsonb, differing jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_known jsonb;
    v_others jsonb;
BEGIN
    SELECT jsonb_object_agg(concat_ws(' ', s.kind, s.object), b.fingerprint) FILTER (WHERE b.id IS NOT NULL),
           jsonb_agg(e.doc) FILTER (WHERE b.id IS NULL)
      INTO v_known, v_others
      FROM jsonb_array_elements(steps) AS e (doc)
     CROSS JOIN LATERAL jsonb_to_record(e.doc) AS s (kind text, object text, schema text, called text)
      LEFT JOIN asymm.baseline AS b
             ON (b.kind, b.schema_name, b.object_name) = (s.kind, s.schema, s.called)
            AND NOT EXISTS (SELECT FROM jsonb_to_recordset(differing) AS i (baseline bigint) WHERE i.baseline = b.id);
    RETURN COALESCE(v_known, '{}') || asymm._touched_facts(COALESCE(v_others, '[]'), NULL, NULL, NULL, NULL);
END
$$;
COMMENT ON FUNCTION asymm._healed_facts(jsonb, jsonb) IS 'Fingerprints of what the steps of a repair of everything touched, after it, by what still differs.';
