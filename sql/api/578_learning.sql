-- What the optional extension asymmetrica_ml adds: predictions corrected by what was measured. Without it nothing of this happens.

CREATE OR REPLACE FUNCTION asymm._learns() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'asymmetrica_ml') $$;
COMMENT ON FUNCTION asymm._learns() IS 'Whether extension asymmetrica_ml is there.';

CREATE OR REPLACE FUNCTION asymm._predict_gain(action bigint, advice jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_note regproc := to_regproc('asymm._note_prediction');
    v_more jsonb;
BEGIN
    IF asymm._learns() AND v_note IS NOT NULL THEN
        EXECUTE format('SELECT %s($1, $2)', v_note) INTO v_more USING action, advice;
        UPDATE asymm.action AS a SET evidence_before = a.evidence_before || v_more WHERE a.id = action;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._predict_gain(bigint, jsonb) IS 'Adds to new advice what was learned: the gain as corrected and how uncertain it is.';

-- The share of exploration among the last twenty that were begun.
CREATE OR REPLACE FUNCTION asymm._explores() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._learns() AND (
        SELECT COALESCE(avg((b.explored IS NOT NULL)::integer), 0) < (asymm._settings()).weight_exploration
          FROM (SELECT a.evidence_before -> 'explored' AS explored
                  FROM asymm.action AS a JOIN asymm.index_action AS i ON i.action_id = a.id
                 WHERE a.kind = 'create index' AND i.ordered_at IS NOT NULL ORDER BY i.ordered_at DESC LIMIT 20) AS b);
END
$$;
COMMENT ON FUNCTION asymm._explores() IS 'Whether the next index is the one of which least is known, instead of the one that promises most.';

CREATE OR REPLACE FUNCTION asymm._learn() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_train regproc := to_regproc('asymm._train');
BEGIN
    IF asymm._learns() AND v_train IS NOT NULL THEN
        EXECUTE format('SELECT %s()', v_train);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._learn() IS 'Organ: scores predictions whose outcome is known and learns from them.';
