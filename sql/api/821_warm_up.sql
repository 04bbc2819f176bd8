-- A session plans its statements when it first runs them, which costs more than running them: done once, between beats.

CREATE OR REPLACE FUNCTION asymm._warm_up() RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_base asymm.baseline;
    v_look record;
    v_less jsonb;
BEGIN
    SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.kind = 'table' ORDER BY b.id LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    v_look := asymm._look(v_base.id);
    IF v_look.object_id IS NULL THEN
        RETURN false;
    END IF;
    -- As if its last column had been dropped; nothing is written.
    v_less := v_look.facts #- ARRAY['column', v_look.layout ->> -1];
    PERFORM FROM asymm._differences(v_look.facts, v_less, '{}');
    PERFORM FROM asymm._touched(ARRAY['pg_class'::regclass::oid], ARRAY[v_look.object_id], '{}', '{}');
    PERFORM FROM asymm._headers(ARRAY[v_look.object_id]);
    PERFORM asymm._require_read(v_base.id);
    RETURN true;
EXCEPTION WHEN SQLSTATE 'SY010' THEN
    RETURN true;
END
$$;
COMMENT ON FUNCTION asymm._warm_up() IS 'Plans what it takes to see a drift, on the first watched table and without writing; true when there was one.';
