-- Running a plan. The order of the steps is right for nearly everything; what still comes too early (or too late, a drop
-- of something in use) waits until the others were run, and is tried again as long as that helps. What is stuck then is
-- planned again from what is there by now, as long as that helps.

CREATE OR REPLACE FUNCTION asymm._waits(code text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Undefined, duplicate, in use, not yet possible; never a refused right or a lock.
    SELECT left(code, 2) IN ('42', '2B', '3F', '0A', '55') AND code NOT IN ('42501', '55P03', '42601') OR code = '23503'
$$;
COMMENT ON FUNCTION asymm._waits(text) IS 'Whether a statement that failed with this SQLSTATE may succeed once others of its plan were run.';

CREATE OR REPLACE FUNCTION asymm._loses_nothing(step jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_lossless boolean;
BEGIN
    -- An older snapshot does not show what was written before the lock.
    IF step ->> 'precondition' IS NULL OR current_setting('transaction_isolation') <> 'read committed' THEN
        RETURN false;
    END IF;
    -- No row comes between the question and the step.
    IF step ->> 'kind' = 'table' AND to_regclass(step ->> 'object') IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', to_regclass(step ->> 'object'));
    END IF;
    EXECUTE step ->> 'precondition' INTO v_lossless;
    RETURN COALESCE(v_lossless, false);
EXCEPTION WHEN data_exception OR undefined_function OR cannot_coerce OR wrong_object_type OR undefined_table OR undefined_column THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION asymm._loses_nothing(jsonb) IS 'Asks the precondition of a step that could delete data; the table stays locked until the end of the transaction.';

CREATE OR REPLACE FUNCTION asymm._run_steps(steps jsonb, allow_data_loss boolean, OUT ran jsonb, OUT withheld jsonb, OUT stuck jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET check_function_bodies = off
SET standard_conforming_strings = on
SET datestyle = 'ISO, YMD'
SET default_tablespace = ''
SET default_table_access_method = 'heap'
AS $$
DECLARE
    v_open jsonb := steps;
    v_waiting jsonb;
    v_step jsonb;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
    v_statement text;
    v_ran jsonb[] := '{}';
    v_withheld jsonb := '[]';
    v_before integer;
    v_unsafe boolean;
BEGIN
    WHILE jsonb_array_length(v_open) > 0 LOOP
        v_waiting := '[]';
        v_before := cardinality(v_ran);
        v_unsafe := false;
        FOR v_step IN SELECT s FROM jsonb_array_elements(v_open) AS s LOOP
            IF v_step ->> 'forward' IS NULL
               OR NOT allow_data_loss AND v_step -> 'hazards' ? 'deletes data' AND NOT asymm._loses_nothing(v_step) THEN
                v_withheld := v_withheld || v_step;
                CONTINUE;
            END IF;
            BEGIN
                EXECUTE v_step ->> 'forward';
                v_ran := v_ran || v_step;
            EXCEPTION WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL,
                                        v_hint = PG_EXCEPTION_HINT;
                v_statement := v_step ->> 'forward';
                -- Rows aside that have no place any more go where that is allowed.
                IF v_step ->> 'part' = 'rows aside' AND allow_data_loss AND left(v_state, 2) = '23' THEN
                    v_withheld := v_withheld || v_step;
                    CONTINUE;
                END IF;
                IF v_state = '42501' THEN
                    -- Whoever catches it learns whose repair it was.
                    RAISE EXCEPTION '%', v_message
                        USING ERRCODE = v_state, DETAIL = concat_ws(' ', NULLIF(v_detail, ''), 'Statement: ' || left(v_statement, 2000)),
                              HINT = v_hint, DATATYPE = COALESCE(v_step ->> 'kind', ''), CONSTRAINT = COALESCE(v_step ->> 'object', '');
                ELSIF NOT asymm._waits(v_state) THEN
                    RAISE;
                END IF;
                v_waiting := v_waiting || v_step;
                v_unsafe := v_unsafe OR v_state = '55P04';
            END;
        END LOOP;
        -- A label that was added serves from the next transaction on, and so does what waits for it.
        IF cardinality(v_ran) = v_before AND v_unsafe THEN
            v_withheld := v_withheld || v_waiting;
            v_waiting := '[]';
        END IF;
        IF cardinality(v_ran) = v_before AND v_waiting <> '[]' THEN
            -- Rows that were put aside come back with the rest or not at all.
            IF EXISTS (SELECT FROM jsonb_array_elements(v_waiting) AS w WHERE w ->> 'part' = 'rows aside') THEN
                RAISE EXCEPTION '%', v_message USING ERRCODE = v_state, HINT = v_hint,
                    DETAIL = concat_ws(' ', NULLIF(v_detail, ''), 'Statement: ' || left(v_statement, 2000));
            END IF;
            stuck := jsonb_build_object('steps', v_waiting, 'sqlstate', v_state, 'message', v_message, 'hint', NULLIF(v_hint, ''),
                'detail', concat_ws(' ', NULLIF(v_detail, ''), 'Statement: ' || left(v_statement, 2000)));
            EXIT;
        END IF;
        v_open := v_waiting;
    END LOOP;
    ran := to_jsonb(v_ran);
    withheld := v_withheld;
END
$$;
COMMENT ON FUNCTION asymm._run_steps(jsonb, boolean)
    IS 'Runs the steps of a plan with the caller''s rights: those that ran, in the order they did, those withheld for lack of leave to delete data or because nothing can be done, and the error of what cannot be run yet.';
