-- Sleeping, and what a session needs to run the loop.

CREATE OR REPLACE FUNCTION asymm._sleep(seconds double precision) RETURNS double precision
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_line text;
BEGIN
    -- EXPLAIN measures with the monotonic clock, the only one in SQL that nobody can set: compared with
    -- clock_timestamp() it shows a clock that jumped, and a machine that was merely slow is not taken for
    -- one. The line reads: Result (actual time=203.101..203.102 rows=1 loops=1)
    FOR v_line IN EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF, SUMMARY OFF) SELECT pg_sleep(seconds) LOOP
        RETURN split_part(split_part(v_line, '..', 2), ' ', 1)::double precision / 1000;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._sleep(double precision) IS 'Sleeps and returns the seconds it took by the monotonic clock.';

CREATE OR REPLACE FUNCTION asymm._set_session(wanted jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_before jsonb := '{}';
    v_name text;
    v_value text;
BEGIN
    FOR v_name, v_value IN SELECT w.key, w.value FROM jsonb_each_text(wanted) AS w LOOP
        v_before := v_before || jsonb_build_object(v_name, current_setting(v_name));
        PERFORM set_config(v_name, v_value, false);
    END LOOP;
    RETURN v_before;
END
$$;
COMMENT ON FUNCTION asymm._set_session(jsonb) IS 'Changes settings of this session and returns what they were.';

CREATE OR REPLACE FUNCTION asymm._atomic_message() RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- A function may never commit: this is what Postgres says then, in the server's language.
    COMMIT;
    RETURN NULL;
EXCEPTION WHEN invalid_transaction_termination THEN
    RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION asymm._atomic_message() IS 'What Postgres says where no COMMIT is possible; tells a call within a transaction from one on its own.';

CREATE OR REPLACE FUNCTION asymm._refuse_atomic(message text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF message = asymm._atomic_message() THEN
        RAISE EXCEPTION 'asymm.pulse() cannot run in a transaction block or function'
            USING ERRCODE = 'invalid_transaction_termination',
                  DETAIL = 'It commits after every beat, so it has to be a statement of its own.',
                  HINT = 'CALL asymm.pulse() in autocommit mode; asymm.beat() does one beat within a '
                         'transaction.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._refuse_atomic(text) IS 'Raises 2D000 if this is what Postgres says where no COMMIT is possible.';

CREATE OR REPLACE FUNCTION asymm._loop_session(lane text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A loop lives for a minute: Postgres would plan each of its statements five times before it kept a plan.
    SELECT jsonb_build_object('application_name', 'asymmetrica pulse ' || lane, 'lock_timeout', '50ms',
        'jit', 'off', 'plan_cache_mode', 'force_generic_plan',
        'default_transaction_read_only', 'off', 'default_transaction_isolation', 'read committed')
$$;
COMMENT ON FUNCTION asymm._loop_session(text) IS 'Settings of a session that runs the loop.';

CREATE OR REPLACE FUNCTION asymm._check_pulse(duration interval, lane text, forced boolean, wait boolean)
    RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name text;
    v_ms integer;
BEGIN
    IF num_nulls(duration, lane, forced, wait) > 0 THEN
        RAISE EXCEPTION 'argument "%" is null', CASE WHEN duration IS NULL THEN 'duration'
            WHEN lane IS NULL THEN 'lane'
                                                     WHEN forced IS NULL THEN 'forced' ELSE 'wait' END
            USING ERRCODE = 'null_value_not_allowed', DETAIL = 'No argument of asymm.pulse() may be null.',
                HINT = 'CALL asymm.pulse()';
    ELSIF NOT duration BETWEEN '100 ms' AND '1 day' THEN
        RAISE EXCEPTION 'duration % is out of range', duration
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A run lasts from 100 ms to 1 day.',
                HINT = 'CALL asymm.pulse(duration => ''65 s'')';
    ELSIF lane NOT IN ('fast', 'slow') THEN
        RAISE EXCEPTION 'lane "%" does not exist', lane
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'The lanes are fast and slow.',
                HINT = 'CALL asymm.pulse(lane => ''fast'')';
    END IF;
    PERFORM asymm._require_writable('asymm.pulse()');
    FOREACH v_name IN ARRAY ARRAY['statement_timeout', 'transaction_timeout'] LOOP
        SELECT s.setting::integer INTO v_ms FROM pg_settings AS s WHERE s.name = v_name;
        IF v_ms > 0 AND v_ms * interval '1 ms' <= duration THEN
            RAISE EXCEPTION 'a % of % ms would end the pulse', v_name, v_ms
                USING ERRCODE = 'SY006', DETAIL = format('The pulse is one statement of %s; the time-out '
                                                         'was already running when it began.', duration),
                      HINT = format('ALTER ROLE %I IN DATABASE %I SET %I = 0, then connect again',
                          session_user, current_database(), v_name);
        END IF;
    END LOOP;
    PERFORM asymm._check_actor(session_user, forced);
END
$$;
COMMENT ON FUNCTION asymm._check_pulse(interval, text, boolean, boolean) IS 'Raises unless the pulse can run with these arguments, in this session, on this server.';
