-- The pieces of a beat, and beat() and cycle() by hand. The loop commits between the pieces; by hand all
-- happens in the caller's transaction.

CREATE OR REPLACE FUNCTION asymm._run_organ(organ text, OUT seen jsonb, OUT ms double precision,
    OUT error jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_start timestamptz := clock_timestamp();
    v_function name;
    v_state text;
    v_message text;
    v_detail text;
    v_context text;
BEGIN
    -- A failing organ is undone alone; it never stops the beat.
    BEGIN
        IF organ = 'sense' THEN
            seen := asymm._process_ddl(NULL, true);      -- every beat: its plan is kept
        ELSE
            SELECT o.function INTO v_function FROM asymm.organ o WHERE o.name = organ;
            EXECUTE format('SELECT asymm.%I()', v_function) INTO seen;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT,
            v_detail = PG_EXCEPTION_DETAIL,
                                v_context = PG_EXCEPTION_CONTEXT;
        seen := NULL;
        error := jsonb_build_object('sqlstate', v_state, 'message', v_message, 'detail', NULLIF(v_detail, ''),
                                    'context', left(v_context, 1000));
    END;
    ms := EXTRACT(epoch FROM clock_timestamp() - v_start)::float8 * 1000;
    IF error IS NOT NULL THEN
        PERFORM asymm._organ_failed(organ, ms, error);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._run_organ(text) IS 'Runs one organ in a subtransaction: what it found, milliseconds, and its error if it failed (booked, backed off).';

CREATE OR REPLACE FUNCTION asymm._beat_report(lane text, seq bigint, beat_at timestamptz, seen jsonb,
    applied jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'seq', $2, 'at', $3, 'actor', asymm._caller(), 'lane', $1,
        'objects', COALESCE($4 -> 'objects', '[]'), 'drifts', COALESCE($4 -> 'drifts', '0'),
        'adopted', COALESCE($4 -> 'adopted', '0'), 'proposals', COALESCE($4 -> 'actions', '0'),
        'actions', COALESCE($5, '[]'))
$$;
COMMENT ON FUNCTION asymm._beat_report(text, bigint, timestamptz, jsonb, jsonb) IS 'What a beat tells: its number and time, objects looked at, differences found, changes adopted, actions proposed and run.';

CREATE OR REPLACE FUNCTION asymm._announce(report jsonb) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A payload stays below 8000 bytes; a longer one keeps the counts and says that the lists were cut.
    SELECT pg_notify('asymm_pulse', CASE WHEN octet_length(report::text) < 7900 THEN report::text
        ELSE (report || jsonb_build_object('objects', '[]'::jsonb, 'actions', '[]'::jsonb, 'cut', true,
                                           'objects_count', jsonb_array_length(report -> 'objects'),
                                           'actions_count',
                                               jsonb_array_length(report -> 'actions')))::text END)
$$;
COMMENT ON FUNCTION asymm._announce(jsonb) IS 'NOTIFY asymm_pulse with a beat''s report.';

CREATE OR REPLACE FUNCTION asymm._apply_claimed(action bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_result jsonb;
BEGIN
    v_result := asymm._apply_action(action);
    -- The report goes to whoever listens.
    RETURN v_result || jsonb_build_object('error', asymm._without_values(NULLIF(v_result -> 'error', 'null')));
EXCEPTION WHEN OTHERS THEN
    -- _apply_action() books failures of the repair itself; what arrives here is a failure around it, a scan that holds the
    -- baseline perhaps: all is undone, and it is booked like any other.
    RETURN asymm._finish_action(action, '[]', asymm._without_values(jsonb_build_object('sqlstate', SQLSTATE, 'message', SQLERRM)));
END
$$;
COMMENT ON FUNCTION asymm._apply_claimed(bigint) IS 'Runs a claimed action and books how it went.';

CREATE OR REPLACE FUNCTION asymm._run_claimed(organ text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ran record := asymm._run_organ(organ);
BEGIN
    IF v_ran.error IS NULL THEN
        PERFORM asymm._organ_ran(ARRAY[organ], ARRAY[1], ARRAY[v_ran.ms]);
    END IF;
    RETURN v_ran.seen;
END
$$;
COMMENT ON FUNCTION asymm._run_claimed(text) IS 'Runs one organ and books it; returns what it found.';

CREATE OR REPLACE FUNCTION asymm._tell(
    notify text, lane text, seq bigint, beat_at timestamptz, seen jsonb, applied jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF notify = 'beat' OR notify = 'change' AND (seen IS NOT NULL OR applied IS NOT NULL) THEN
        PERFORM asymm._announce(asymm._beat_report(lane, seq, beat_at, seen, applied));
        RETURN true;
    END IF;
    RETURN false;
EXCEPTION WHEN OTHERS THEN
    -- A full queue of notifications must not end the loop.
    RAISE WARNING 'beat % was not announced: %', seq, SQLERRM;
    RETURN false;
END
$$;
COMMENT ON FUNCTION asymm._tell(text, text, bigint, timestamptz, jsonb, jsonb) IS 'Announces a beat if the settings want it.';

CREATE OR REPLACE FUNCTION asymm._recover_once(lane text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lane = 'fast' AND asymm._recover_actions() > 0;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'actions of a loop that died were not taken back: %', SQLERRM;
    RETURN false;
END
$$;
COMMENT ON FUNCTION asymm._recover_once(text) IS 'At the start of a run: takes back actions whose loop died; never raises.';

CREATE OR REPLACE FUNCTION asymm._require_writable(what text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION '% cannot run on a standby', what
            USING ERRCODE = 'read_only_sql_transaction',
                DETAIL = 'This server is in recovery and writes nothing of its own.',
                  HINT = 'Run it on the primary; what it does is replicated.';
    ELSIF current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION '% cannot run in a read-only transaction', what
            USING ERRCODE = 'read_only_sql_transaction',
                DETAIL = 'The transaction is read-only (transaction_read_only = on).',
                  HINT = 'SET TRANSACTION READ WRITE, or ALTER ROLE … SET default_transaction_read_only = '
                         'off';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_writable(text) IS 'Raises 25006 on a standby and in a read-only transaction.';

CREATE OR REPLACE FUNCTION asymm._round(lane text, organs text[], act boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_at timestamptz := clock_timestamp();
    v_organ text;
    v_ran record;
    v_seen jsonb;
    v_applied jsonb;
    v_costs jsonb := '{}';
    v_errors jsonb := '{}';
    v_action bigint;
    v_notify text := (SELECT s.notify FROM asymm.settings s);
BEGIN
    FOREACH v_organ IN ARRAY organs LOOP
        SELECT * INTO v_ran FROM asymm._run_organ(v_organ);
        v_seen := asymm._merge_seen(v_seen, v_ran.seen);
        v_costs := v_costs || jsonb_build_object(v_organ, round(v_ran.ms::numeric, 3));
        IF v_ran.error IS NULL THEN
            PERFORM asymm._organ_ran(ARRAY[v_organ], ARRAY[1], ARRAY[v_ran.ms]);
        ELSE
            v_errors := v_errors || jsonb_build_object(v_organ, v_ran.error);
        END IF;
    END LOOP;
    IF lane = 'fast' THEN
        v_seen := asymm._merge_seen(v_seen, asymm._plan_later());
    END IF;
    WHILE act LOOP
        v_action := asymm._claim_action();
        EXIT WHEN v_action IS NULL;
        v_applied := COALESCE(v_applied, '[]') || asymm._apply_claimed(v_action);
    END LOOP;
    PERFORM asymm._tell(v_notify, lane, NULL, v_at, v_seen, v_applied);
    RETURN asymm._beat_report(lane, NULL, v_at, v_seen, v_applied) || jsonb_build_object('organs', v_costs,
        'errors', v_errors);
END
$$;
COMMENT ON FUNCTION asymm._round(text, text[], boolean) IS 'Runs organs and approved actions in the caller''s transaction and tells what happened.';

CREATE OR REPLACE FUNCTION asymm.beat() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_writable('asymm.beat()');
    RETURN asymm._round('fast', asymm._beat_organs('fast'), true);
END
$$;
COMMENT ON FUNCTION asymm.beat() IS 'One beat by hand: reads the DDL log, runs approved repairs the caller may run; returns objects, drifts, actions, milliseconds per organ.';

CREATE OR REPLACE FUNCTION asymm.cycle() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_writable('asymm.cycle()');
    RETURN asymm._round('slow', ARRAY(SELECT o.name FROM asymm.organs AS o
        WHERE o.lane = 'slow' AND o.enabled ORDER BY o.name), false);
END
$$;
COMMENT ON FUNCTION asymm.cycle() IS 'One slow round by hand: every enabled organ of the slow lane now, due or not; returns what they found and their milliseconds.';
