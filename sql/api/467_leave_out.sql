-- What a repair of everything leaves as it is: objects that the caller lacks the rights for, and what has to wait for leave to
-- delete data or can't be mended, with what can't be mended before it. The rest is planned as if those differences were
-- declared, so that nothing is taken away and made again for them.

-- Items that the caller may act on, without those for which rights were found to be missing ({kind, object, message}).
CREATE OR REPLACE FUNCTION asymm._healable(items jsonb, denied jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT jsonb_agg(i) FROM jsonb_array_elements(items) AS i
             WHERE asymm._may_act((i ->> 'owner')::name)
               AND (i -> 'baseline' = 'null' OR asymm._may_act(asymm._declared_owner(i ->> 'kind', i -> 'declared')))
               AND (denied IS NULL OR NOT denied @> jsonb_build_array(jsonb_build_object('kind', i -> 'kind', 'object',
                        asymm._object_identity(i ->> 'kind', i ->> 'schema', i ->> 'name')))));
END
$$;
COMMENT ON FUNCTION asymm._healable(jsonb, jsonb) IS 'Those items of a plan that the caller has the rights to repair; NULL for none.';

-- Parts of a table wait alone; of anything else, and of what waited and was in the way all the same, the whole object.
CREATE OR REPLACE FUNCTION asymm._holds(steps jsonb, held jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(jsonb_agg(DISTINCT h.doc), '[]')
          FROM jsonb_array_elements(steps) AS s
         CROSS JOIN LATERAL (SELECT jsonb_build_object('kind', s -> 'kind', 'object', s -> 'object') AS object) AS o
         CROSS JOIN LATERAL (SELECT o.object || jsonb_build_object('part', s -> 'part', 'name', s -> 'name') AS part) AS p
         CROSS JOIN LATERAL (
               SELECT CASE WHEN s ->> 'kind' IN ('table', 'foreign table') AND NOT held @> jsonb_build_array(p.part)
                                AND s ->> 'part' IN ('column', 'constraint', 'index', 'trigger', 'rule', 'policy') THEN p.part
                           ELSE o.object || '{"part": "", "name": ""}' END AS doc) AS h
         WHERE NOT held @> jsonb_build_array(h.doc));
END
$$;
COMMENT ON FUNCTION asymm._holds(jsonb, jsonb) IS 'What is to be left alone because of steps that could not be run, as {kind, object, part, name}, besides what is already.';

-- Of a column that waits what hangs on its type waits with it.
CREATE OR REPLACE FUNCTION asymm._without_held(items jsonb, held jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_free constant text[] := '{comment,acl,not_null,not_null_as,statistics,options}';
    v_item jsonb;
    v_facts jsonb;
    v_was jsonb;
    v_wanted jsonb;
    v record;
    v_result jsonb;
BEGIN
    IF held IS NULL THEN
        RETURN items;
    END IF;
    <<item>>
    FOR v_item IN SELECT i FROM jsonb_array_elements(items) AS i LOOP
        v_facts := v_item -> 'declared';
        FOR v IN SELECT h.part, h.name FROM jsonb_to_recordset(held) AS h (kind text, object text, part text, name text)
                  WHERE h.kind = v_item ->> 'kind'
                    AND h.object = asymm._object_identity(v_item ->> 'kind', v_item ->> 'schema', v_item ->> 'name') LOOP
            CONTINUE item WHEN v.part = '' OR v_facts = 'null' OR v_item -> 'actual' = 'null';
            v_was := v_item #> ARRAY['actual', v.part, COALESCE(v_item #>> ARRAY['renames', v.part, v.name], v.name)];
            v_wanted := v_facts #> ARRAY[v.part, v.name];
            IF v_was IS NULL THEN
                v_facts := v_facts #- ARRAY[v.part, v.name];
            ELSIF v.part = 'column' AND v_wanted IS NOT NULL THEN
                v_facts := jsonb_set(v_facts, ARRAY[v.part, v.name], (v_was - v_free) || (
                    SELECT COALESCE(jsonb_object_agg(w.key, w.value), '{}') FROM jsonb_each(v_wanted) AS w WHERE w.key = ANY (v_free)));
            ELSE
                v_facts := v_facts || jsonb_build_object(v.part, COALESCE(v_facts -> v.part, '{}') || jsonb_build_object(v.name, v_was));
            END IF;
            -- A kind of part without any is absent.
            IF v_facts -> v.part = '{}' THEN
                v_facts := v_facts - v.part;
            END IF;
        END LOOP;
        IF v_facts <> v_item -> 'actual' OR v_item -> 'renames' <> '{}' THEN
            v_result := COALESCE(v_result, '[]') || jsonb_build_array(jsonb_set(v_item, '{declared}', v_facts));
        END IF;
    END LOOP;
    RETURN v_result;
END
$$;
COMMENT ON FUNCTION asymm._without_held(jsonb, jsonb) IS 'Items of a plan as if what is to be left alone were declared so; NULL for none.';

CREATE OR REPLACE FUNCTION asymm._leave_out(action bigint, denied jsonb, held jsonb, steps jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['applying']);
    v_before jsonb := v.evidence_before;
    v_denied jsonb := NULLIF(COALESCE(v_before -> 'denied', '[]') || CASE WHEN denied IS NOT NULL THEN jsonb_build_array(denied) ELSE '[]' END, '[]');
    v_items jsonb := asymm._differing();
    v_rest jsonb := asymm._healable(v_items, v_denied);
BEGIN
    -- It has to be the repair of the object itself that is denied, and something has to be left.
    IF denied IS NOT NULL
       AND (v_rest IS NULL OR jsonb_array_length(v_rest) = jsonb_array_length(asymm._healable(v_items, v_before -> 'denied'))) THEN
        RETURN NULL;
    END IF;
    v_before := v_before || jsonb_strip_nulls(jsonb_build_object('denied', v_denied, 'held', NULLIF(held, '[]'),
        'left', NULLIF(COALESCE(v_before -> 'left', '[]') || asymm._known_steps(_leave_out.steps, v.steps), '[]')));
    v_rest := asymm._without_held(v_rest, v_before -> 'held');
    UPDATE asymm.action AS a SET steps = CASE WHEN v_rest IS NULL THEN '[]' ELSE asymm._plan_set(v_rest) END, evidence_before = v_before
     WHERE a.id = v.id RETURNING a.* INTO v;
    INSERT INTO asymm.action_event (action_id, from_state, to_state, by_role, note)
    VALUES (action, v.state, v.state, asymm._caller(), CASE
            WHEN denied IS NOT NULL THEN format('left out for lack of rights: %s %s', denied ->> 'kind', denied ->> 'object')
            ELSE 'planned again around what is withheld' END);
    RETURN CASE WHEN denied IS NULL THEN v.steps ELSE NULLIF(v.steps, '[]') END;
END
$$;
COMMENT ON FUNCTION asymm._leave_out(bigint, jsonb, jsonb, jsonb)
    IS 'Plans a repair of everything anew without an object that the caller lacks the rights for (NULL when nothing is left to do), or as if what is held were declared so.';
