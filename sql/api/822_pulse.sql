-- The loop. A procedure that commits can be neither SECURITY DEFINER nor carry SET clauses: it pins the
-- search path by its first statement and only calls functions that pin theirs. COMMIT is not possible within
-- an EXCEPTION block, so work that may fail stands in blocks and the COMMITs between them.

CREATE OR REPLACE PROCEDURE asymm.pulse(
    duration interval DEFAULT '65 s', lane text DEFAULT 'fast', forced boolean DEFAULT false,
    wait boolean DEFAULT true)
LANGUAGE plpgsql
AS $$
#variable_conflict use_variable
DECLARE
    v_path text := pg_catalog.current_setting('search_path');
    v_run_at timestamptz := pg_catalog.clock_timestamp();
    v_session jsonb;
    v_done boolean;
    v_end timestamptz;
    v_lease record;
    v_begin record;
    v_ran record;
    v_rest record;
    v_ends text;
    -- the grid of ticks
    v_anchor timestamptz;
    v_period double precision;
    v_seq bigint;
    v_tick bigint;
    v_next timestamptz;
    v_wait double precision;
    v_slept double precision;
    v_now timestamptz;
    v_woke timestamptz;
    v_jump double precision;
    v_last timestamptz;
    v_look boolean;
    v_names text[];
    v_notify text := 'change';
    v_seen jsonb;
    v_applied jsonb;
    v_organ text;
    v_action bigint;
    v_idle boolean;
    v_place integer;
    v_warm boolean;
    -- not recorded yet: the state row was locked, or the cycle is not full
    v_open bigint[] := '{0,0,0}';       -- missed, skipped, clock jumps
    v_missed bigint := 0;
    v_moved interval;
    v_intervals real[] := '{}';
    v_works real[] := '{}';
    v_organs text[] := '{}';
    v_runs integer[] := '{}';
    v_ms double precision[] := '{}';
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);
    BEGIN
        COMMIT;
    EXCEPTION WHEN invalid_transaction_termination THEN
        PERFORM asymm._refuse_atomic(SQLERRM);
    END;
    PERFORM asymm._check_pulse(duration, lane, forced, wait);
    v_end := v_run_at + duration;
    v_session := asymm._set_session(asymm._loop_session(lane));
    COMMIT;

    -- Wait for the lease, looking half-way between two ticks: so none is lost when it comes free.
    SELECT NULL::bigint AS stops INTO v_lease;
    IF NOT wait AND asymm._runs_under_serial_cron() THEN
        SELECT r.lane, LEAST(v_end, r.ends_at) INTO lane, v_end FROM asymm._lane_to_run(lane) AS r;
    END IF;
    WHILE v_ends IS NULL LOOP
        BEGIN
            v_lease := asymm._take_lease(lane, forced, v_run_at, v_lease.stops);
            v_wait := v_lease.wait;
            v_ends := COALESCE(v_lease.ends, CASE WHEN NOT wait AND v_wait IS NOT NULL THEN 'busy' END);
        EXCEPTION WHEN lock_not_available THEN
            v_wait := 0.2;
        END;
        COMMIT;
        EXIT WHEN v_wait IS NULL OR v_ends IS NOT NULL;
        v_now := clock_timestamp();
        v_ends := CASE WHEN v_now >= v_end THEN 'duration' END;
        EXIT WHEN v_ends IS NOT NULL;
        BEGIN
            v_slept := asymm._sleep(LEAST(v_wait, EXTRACT(epoch FROM v_end - v_now)::float8));
            v_jump := EXTRACT(epoch FROM clock_timestamp() - v_now)::float8 - v_slept;
            v_end := v_end + CASE WHEN abs(v_jump) > 1.1 THEN v_jump ELSE 0 END * interval '1 s';
        EXCEPTION WHEN query_canceled THEN
            v_ends := 'canceled';
        END;
        COMMIT;
        EXIT WHEN v_ends IS NOT NULL;
    END LOOP;

    IF v_ends IS NULL THEN
        v_anchor := v_lease.anchor;
        v_period := v_lease.period;
        v_seq := v_lease.seq;
        v_last := v_lease.beat_at;
        v_moved := v_lease.clock_jump;
        v_done := asymm._recover_once(lane);
        v_warm := lane <> 'fast';
        SELECT NULL::jsonb AS seen, 0::double precision AS ms, NULL::jsonb AS error INTO v_rest;
        COMMIT;
    END IF;

    WHILE v_ends IS NULL LOOP
        -- Sleep until the next tick, a second at most at a time. The run ends right after a beat, so that its
        -- successor has a whole period to start in; only with slow ticks it waits for its end.
        v_now := clock_timestamp();
        v_tick := GREATEST(floor(EXTRACT(epoch FROM v_now - v_anchor)::float8 / v_period)::bigint + 1, v_seq + 1);
        v_next := v_anchor + v_tick * v_period * interval '1 s';
        IF v_next > v_end AND (v_period < 3 OR v_now >= v_end) THEN
            v_ends := CASE WHEN NOT asymm._cron_is_held(lane) THEN 'duration' END;
            EXIT WHEN v_ends IS NOT NULL;
            COMMIT;
            v_end := GREATEST(v_next, v_run_at + duration);
        END IF;
        v_wait := LEAST(1, GREATEST(0, EXTRACT(epoch FROM LEAST(v_next, v_end) - v_now)::float8));
        BEGIN
            v_slept := asymm._sleep(v_wait);
        EXCEPTION
            WHEN query_canceled THEN v_slept := NULL;
            WHEN invalid_schema_name OR undefined_function THEN v_ends := 'dropped';
        END;
        EXIT WHEN v_ends IS NOT NULL;
        v_woke := clock_timestamp();
        v_jump := EXTRACT(epoch FROM v_woke - v_now)::float8 - COALESCE(v_slept, v_wait);
        IF abs(v_jump) > 1.1 THEN
            -- The clock jumped: the grid moves along, numbers and phase stay. No burst, no gap.
            v_anchor := v_anchor + v_jump * interval '1 s';
            v_next := v_next + v_jump * interval '1 s';
            v_end := v_end + v_jump * interval '1 s';
            v_last := v_last + v_jump * interval '1 s';
            v_moved := COALESCE(v_moved, '0') + v_jump * interval '1 s';
            v_open[3] := v_open[3] + 1;
        ELSIF v_slept IS NULL THEN
            v_ends := 'canceled';
            EXIT;
        END IF;

        v_seen := NULL;
        v_applied := NULL;
        v_action := NULL;
        v_idle := v_open[3] = 0;
        v_look := COALESCE(v_look, true) OR cardinality(v_works) <= 1 OR lane = 'slow';
        BEGIN
            -- Between two ticks no organ runs, so none is asked for.
            v_begin := asymm._beat_begin(lane, v_lease.version, v_look AND v_woke >= v_next);
            IF v_begin.organs IS NOT NULL THEN
                v_names := v_begin.organs;
                v_notify := v_begin.notify;
            END IF;
            v_look := COALESCE(v_begin.again, v_look AND v_woke < v_next);
            IF COALESCE(v_begin.ends, 'version') = 'version' AND v_woke >= v_next THEN
                FOREACH v_organ IN ARRAY v_names LOOP
                    v_ran := v_rest;
                    IF v_begin.quiet IS NOT TRUE OR v_organ <> 'sense' THEN
                        v_ran := asymm._run_organ(v_organ);
                    END IF;
                    IF v_ran.seen IS NOT NULL THEN
                        v_seen := asymm._merge_seen(v_seen, v_ran.seen);
                        v_idle := false;
                    END IF;
                    IF v_ran.error IS NOT NULL THEN
                        v_look := true;
                        v_idle := false;
                        CONTINUE;
                    END IF;
                    v_place := COALESCE(array_position(v_organs, v_organ), cardinality(v_organs) + 1);
                    v_organs[v_place] := v_organ;
                    v_runs[v_place] := COALESCE(v_runs[v_place], 0) + 1;
                    v_ms[v_place] := COALESCE(v_ms[v_place], 0) + v_ran.ms;
                END LOOP;
                IF lane = 'fast' AND v_seen IS NULL AND v_begin.quiet IS NOT TRUE THEN
                    v_action := asymm._claim_action();
                END IF;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            v_seen := NULL;
            v_action := NULL;
            v_open[2] := v_open[2] + 1;
            v_ends := CASE WHEN to_regclass('asymm.pulse_state') IS NULL THEN 'dropped' END;
            SELECT NULL::text AS ends, NULL::text[] AS organs, false AS due, false AS quiet INTO v_begin;
        END;
        v_ends := COALESCE(v_ends, v_begin.ends);
        EXIT WHEN v_ends <> 'version';
        IF v_woke < v_next THEN
            COMMIT;
            CONTINUE;
        END IF;
        -- Drift is there for all to see before its repair is planned; a crash before it is on disk leaves the log unread.
        IF lane = 'fast' AND v_seen IS NOT NULL THEN
            PERFORM pg_catalog.set_config('synchronous_commit', 'off', true);
            COMMIT;
            BEGIN
                v_seen := asymm._merge_seen(v_seen, asymm._plan_later());
                v_action := asymm._claim_action();
            EXCEPTION WHEN OTHERS THEN
                v_open[2] := v_open[2] + 1;
            END;
        END IF;

        WHILE v_begin.due LOOP
            v_organ := NULL;
            BEGIN
                v_organ := asymm._claim_organ(lane);
                IF v_organ IS NOT NULL THEN
                    v_idle := false;
                    v_seen := asymm._merge_seen(v_seen, asymm._run_claimed(v_organ));
                END IF;
            EXCEPTION WHEN OTHERS THEN
                v_open[2] := v_open[2] + 1;
                v_organ := NULL;
            END;
            COMMIT;
            EXIT WHEN v_organ IS NULL OR EXTRACT(epoch FROM clock_timestamp() - v_woke) >= v_period;
        END LOOP;

        -- What was found and what is claimed is on disk before anything is changed.
        WHILE v_action IS NOT NULL LOOP
            v_idle := false;
            COMMIT;
            BEGIN
                v_applied := COALESCE(v_applied, '[]') || asymm._apply_claimed(v_action);
            EXCEPTION WHEN OTHERS THEN
                v_open[2] := v_open[2] + 1;
            END;
            -- A repair may have run code of the owner (a default, a check), and that have changed this session.
            PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false),
                    pg_catalog.set_config('role', 'none', false), pg_catalog.set_config('lock_timeout', '50ms', false);
            COMMIT;
            v_action := NULL;
            BEGIN
                IF EXTRACT(epoch FROM clock_timestamp() - v_woke) < v_period THEN
                    v_action := asymm._claim_action();
                END IF;
            EXCEPTION WHEN OTHERS THEN
                v_open[2] := v_open[2] + 1;
            END;
        END LOOP;

        IF NOT v_idle OR v_notify = 'beat' THEN
            v_done := asymm._tell(v_notify, lane, v_tick, v_woke, v_seen, v_applied);
        END IF;
        IF v_last IS NOT NULL THEN
            v_missed := v_missed + v_tick - v_seq - 1;
            v_open[1] := v_open[1] + v_tick - v_seq - 1;
            v_intervals := v_intervals || (EXTRACT(epoch FROM v_woke - v_last) * 1000)::real;
        END IF;
        v_last := v_woke;
        v_seq := v_tick;
        BEGIN
            v_done := asymm._record_beat(lane, v_seq, v_woke, v_open, v_anchor, v_idle);
            IF cardinality(v_works) >= 10 THEN
                v_done := asymm._record_cycle(lane, v_missed, v_intervals, v_works, v_moved, v_organs,
                    v_runs, v_ms);
                v_missed := 0;
                v_moved := NULL;
                v_intervals := '{}';
                v_works := '{}';
                v_organs := '{}';
                v_runs := '{}';
                v_ms := '{}';
            END IF;
            v_open := '{0,0,0}';
        EXCEPTION WHEN OTHERS THEN
            v_open[2] := v_open[2] + 1;
        END;
        COMMIT;
        v_works := v_works || (EXTRACT(epoch FROM clock_timestamp() - v_woke) * 1000)::real;
        -- Between the first beat and the second: the first slip of a run should not pay for the plans of all.
        IF NOT v_warm THEN
            v_warm := true;
            BEGIN
                v_done := asymm._warm_up();
            EXCEPTION WHEN OTHERS THEN
                v_open[2] := v_open[2] + 1;
            END;
            COMMIT;
        END IF;
    END LOOP;

    IF v_ends = 'busy' THEN
        v_done := asymm._watchdog() > 0;
        COMMIT;
    END IF;
    IF v_ends <> 'dropped' THEN
        v_done := asymm._end_run(lane, v_missed, v_intervals, v_works, v_moved, v_organs, v_runs, v_ms);
        COMMIT;
        -- An update of the extension replaced this code: the rest of the run belongs to the new one.
        IF v_ends = 'version' AND v_end > clock_timestamp() + interval '100 ms' THEN
            CALL asymm.pulse(v_end - clock_timestamp(), lane, forced, wait);
            v_ends := 'duration';
        END IF;
        v_session := asymm._set_session(v_session);
    END IF;
    PERFORM set_config('asymm.pulse_ended', v_ends, false), set_config('search_path', v_path, false);
END
$$;
COMMENT ON PROCEDURE asymm.pulse(interval, text, boolean, boolean) IS 'The loop: a beat every 11/54 s for the given time, run by the actor itself; waits while another loop of this actor and lane is alive, or ends at once (wait => false). lane fast: drift and repair; lane slow: scans and housekeeping. forced allows other sessions of the actor.';
