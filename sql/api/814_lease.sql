-- One loop per (actor, lane). The lease is a row with pid and start time of a session; it holds while that
-- session lives. An advisory lock would not do: any login could hold it for ever.

CREATE OR REPLACE FUNCTION asymm._alive(pid integer, backend_start timestamptz) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = $1 AND a.backend_start = $2)
$$;
COMMENT ON FUNCTION asymm._alive(integer, timestamptz) IS 'True while this session lives; a number given to another process later does not count.';

CREATE OR REPLACE FUNCTION asymm._take_lease(
    lane text, forced boolean, run_at timestamptz, run_stops bigint,
    OUT wait double precision, OUT ends text, OUT stops bigint, OUT version text, OUT anchor timestamptz,
    OUT period double precision, OUT seq bigint, OUT beat_at timestamptz, OUT clock_jump interval)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_me record;
    v_old asymm.pulse_state;
    v_now timestamptz := clock_timestamp();
    v_gap double precision;
BEGIN
    -- The login itself, not a role somebody with more rights put on and could take off again.
    PERFORM pg_stat_clear_snapshot();
    SELECT a.usename, a.backend_start INTO v_me FROM pg_stat_activity a WHERE a.pid = pg_backend_pid();
    IF v_me.usename <> session_user OR asymm._caller() <> session_user THEN
        RAISE EXCEPTION 'the pulse runs as the login itself'
            USING ERRCODE = 'SY003',
                  DETAIL = format('The session logged in as "%s" and acts as "%s".', v_me.usename,
                      asymm._caller()),
                  HINT = format('Connect as "%s" without SET ROLE or SET SESSION AUTHORIZATION.',
                      asymm._caller());
    END IF;
    INSERT INTO asymm.pulse_state (actor, lane) SELECT session_user, $1
     WHERE NOT EXISTS (SELECT FROM asymm.pulse_state s WHERE s.actor = session_user AND s.lane = $1)
    ON CONFLICT DO NOTHING;
    SELECT s.* INTO v_old FROM asymm.pulse_state s
     WHERE s.actor = session_user AND s.lane = $1 FOR UPDATE SKIP LOCKED;
    wait := 0.05;
    IF NOT FOUND THEN
        stops := $4;
        RETURN;
    END IF;
    stops := COALESCE($4, v_old.stops);
    anchor := v_old.anchor;
    IF v_old.stops > stops THEN
        ends := 'stopped';
        RETURN;
    ELSIF v_old.pid <> pg_backend_pid() AND asymm._alive(v_old.pid, v_old.backend_start) THEN
        -- Half-way between two ticks of the one that holds it, within a second.
        v_gap := EXTRACT(epoch FROM v_now - anchor)::float8 / v_old.period - 0.5;
        wait := LEAST(1, GREATEST(0.01, (floor(v_gap) + 1 - v_gap) * v_old.period));
        RETURN;
    END IF;

    PERFORM asymm._check_actor(session_user, forced);
    wait := NULL;
    version := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'asymmetrica');
    period := asymm._period($1);
    seq := v_old.seq;
    beat_at := v_old.beat_at;
    v_gap := EXTRACT(epoch FROM v_now - beat_at)::float8;
    IF anchor IS NULL OR v_old.period IS DISTINCT FROM period THEN
        anchor := v_now - seq * period * interval '1 s';
    ELSIF v_gap < -1 THEN
        -- The clock was set back while no loop ran: the numbers go on from where they were.
        clock_jump := v_now - beat_at;
        anchor := v_now - seq * period * interval '1 s';
        beat_at := NULL;
    END IF;
    UPDATE asymm.pulse_state s
       SET pid = pg_backend_pid(), backend_start = v_me.backend_start, run_at = $3,
           run_stops = _take_lease.stops,
           anchor = _take_lease.anchor, period = _take_lease.period, version = _take_lease.version,
           clock_jumps = s.clock_jumps + (_take_lease.clock_jump IS NOT NULL)::integer
     WHERE s.actor = session_user AND s.lane = $1;
    -- Ticks after a stop, or of a time when the server was down for long, are not "missed".
    IF v_gap > 300 OR v_old.stops > v_old.run_stops THEN
        beat_at := NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._take_lease(text, boolean, timestamptz, bigint) IS 'Makes this session the one loop of its login and lane; wait: seconds until to ask again because another is alive; beat_at is NULL when ticks since then are not to be counted as missed.';

CREATE OR REPLACE FUNCTION asymm._runs_under_serial_cron() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._cron_is_serial()
       AND EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = pg_backend_pid() AND a.backend_type = 'pg_cron');
END
$$;
COMMENT ON FUNCTION asymm._runs_under_serial_cron() IS 'Whether this session is a job of a pg_cron before 1.5.';

-- A pg_cron that waits for all its jobs before it starts one may start them in any order, and not the last: who comes first
-- takes the fast lane, whichever it was started for. The row is held until the lease is taken, so that two don't take one. One
-- that comes alone would keep the others from being started: after a full run it leaves once more if none comes in a second.
CREATE OR REPLACE FUNCTION asymm._lane_to_run(INOUT lane text, OUT ends_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '300ms'
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM FROM asymm.pulse_state s WHERE s.actor = session_user AND s.lane = 'fast' FOR UPDATE;
    PERFORM pg_stat_clear_snapshot();
    SELECT COALESCE(min(l.lane), _lane_to_run.lane),
           CASE WHEN count(*) = 2 AND bool_or(l.lane = 'fast' AND s.run_at < clock_timestamp() - interval '30 s')
                THEN clock_timestamp() + interval '1 s' END
      INTO lane, ends_at
      FROM (VALUES ('fast'), ('slow')) AS l (lane)
      LEFT JOIN asymm.pulse_state s ON s.actor = session_user AND s.lane = l.lane
     WHERE asymm._alive(s.pid, s.backend_start) IS NOT TRUE;
    PERFORM set_config('application_name', 'asymmetrica pulse ' || lane, false);
EXCEPTION WHEN lock_not_available THEN
    ends_at := NULL;
END
$$;
COMMENT ON FUNCTION asymm._lane_to_run(text) IS 'The lane of this login that has no loop, fast before slow, else the one given; ends_at: when to look whether it is alone.';

-- It would leave a lane without a loop for as long as another job runs: so none leaves before those others do. The fast lane
-- goes last, the slow one waits for jobs that are not ours. The row is locked before one looks, and then until the lease is
-- given back: of two that come and go at once one sees the other.
CREATE OR REPLACE FUNCTION asymm._cron_is_held(lane text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT asymm._runs_under_serial_cron() THEN
        RETURN false;
    END IF;
    PERFORM FROM asymm.pulse_state s WHERE s.actor = session_user AND s.lane = $1 FOR UPDATE;
    PERFORM pg_stat_clear_snapshot();
    RETURN EXISTS (SELECT FROM pg_stat_activity AS a
                    WHERE a.backend_type = 'pg_cron' AND a.pid <> pg_backend_pid()
                      AND a.application_name !~ CASE lane WHEN 'fast' THEN '^asymmetrica pulse fast$' ELSE '^asymmetrica pulse ' END);
EXCEPTION WHEN lock_not_available THEN
    RETURN true;
END
$$;
COMMENT ON FUNCTION asymm._cron_is_held(text) IS 'True while pg_cron, before 1.5, would start no successor of this loop, since another job runs; else holds the row of this loop until its transaction ends.';

CREATE OR REPLACE FUNCTION asymm._beat_begin(
    lane text, version text, look boolean, OUT ends text, OUT notify text, OUT organs text[],
        OUT due boolean, OUT again boolean, OUT quiet boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    -- PL/pgSQL keeps its plans from one transaction to the next; an SQL function would be planned every beat.
    -- Whether there is anything to do is cheaper to ask here, by index, than to have three functions find nothing.
    SELECT CASE WHEN s.pid IS DISTINCT FROM pg_backend_pid() THEN 'lost'
                WHEN s.stops > s.run_stops THEN 'stopped'
                WHEN $2 IS DISTINCT FROM (SELECT e.extversion FROM pg_extension e
                    WHERE e.extname = 'asymmetrica')
                    THEN 'version' END,
           NOT EXISTS (SELECT FROM asymm.ddl_log l WHERE NOT l.seen)
           AND NOT EXISTS (SELECT FROM asymm.baseline_state b WHERE b.unplanned IS NOT NULL)
           AND NOT EXISTS (SELECT FROM asymm.action a WHERE a.state = 'approved' AND a.due_at <= clock_timestamp())
      INTO ends, quiet FROM asymm.pulse_state s WHERE s.actor = session_user AND s.lane = $1;
    IF NOT FOUND THEN
        ends := 'lost';
    END IF;
    due := false;
    IF look THEN
        SELECT COALESCE(array_agg(f.name ORDER BY f.name) FILTER (WHERE f.cadence = '0'
            AND f.due_at <= clock_timestamp()), '{}'),
               COALESCE(bool_or(f.cadence > '0' AND f.due_at <= clock_timestamp()), false),
                   COALESCE(bool_or(f.failures_in_row > 0), false)
          INTO organs, due, again
          FROM asymm._organ_in_force f WHERE f.lane = $1 AND f.enabled;
        SELECT g.notify INTO notify FROM asymm.settings g;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._beat_begin(text, text, boolean) IS 'What a loop asks first: must it end (lost, stopped, version); with look also who is told, which organs run every beat and whether another is due, and whether to look again at once because one fails; quiet: no DDL is unread, no drift unplanned and no action waiting.';

CREATE OR REPLACE FUNCTION asymm._record_beat(
    lane text, seq bigint, beat_at timestamptz, open bigint[], anchor timestamptz, idle boolean)
        RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE asymm.pulse_state s
       SET seq = $2, beat_at = $3, anchor = $5, missed = s.missed + $4[1], skipped = s.skipped + $4[2],
           clock_jumps = s.clock_jumps + $4[3]
     WHERE s.actor = session_user AND s.lane = $1 AND s.pid = pg_backend_pid() AND s.seq < $2
         AND 0 <= ALL ($4);
    -- An idle beat need not wait for the disk: its number follows from the clock anyway.
    RETURN FOUND AND (NOT idle OR set_config('synchronous_commit', 'off', true) = 'off');
END
$$;
COMMENT ON FUNCTION asymm._record_beat(text, bigint, timestamptz, bigint[], timestamptz, boolean) IS 'The one write of an idle beat: number, time and what else happened (missed, skipped, clock jumps) into the row of this loop.';

CREATE OR REPLACE FUNCTION asymm._record_cycle(
    lane text, missed bigint, intervals_ms real[], work_ms real[], clock_jump interval,
    organs text[], runs integer[], ms double precision[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO asymm.beat_summary (actor, lane, beats, missed, intervals_ms, work_ms, clock_jump)
    SELECT session_user, $1, cardinality($4), $2, $3, $4, $5
      FROM asymm.pulse_state s
     WHERE s.actor = session_user AND s.lane = $1 AND s.pid = pg_backend_pid()
       AND cardinality($4) BETWEEN 1 AND 1000 AND cardinality($3) <= 1000 AND $2 BETWEEN 0 AND 2147483647;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM asymm._organ_ran(organs, runs, ms);
    RETURN true;
END
$$;
COMMENT ON FUNCTION asymm._record_cycle(text, bigint, real[], real[], interval, text[], integer[], double precision[]) IS 'A summary of about ten beats, and the cost of their organs.';

CREATE OR REPLACE FUNCTION asymm._end_run(
    lane text, missed bigint, intervals_ms real[], work_ms real[], clock_jump interval,
    organs text[], runs integer[], ms double precision[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM asymm._record_cycle($1, $2, $3, $4, $5, $6, $7, $8);
    UPDATE asymm.pulse_state s SET pid = NULL, backend_start = NULL
     WHERE s.actor = session_user AND s.lane = $1 AND s.pid = pg_backend_pid();
    RETURN FOUND;
EXCEPTION WHEN lock_not_available THEN
    -- Somebody holds the row: a lease without a living session is free all the same.
    RETURN false;
END
$$;
COMMENT ON FUNCTION asymm._end_run(text, bigint, real[], real[], interval, text[], integer[], double precision[]) IS 'Records the rest of a run and gives the lease back, so that a queued loop takes over at once.';
