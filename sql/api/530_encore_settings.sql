-- Consent to replays, and their limits.

CREATE OR REPLACE FUNCTION asymm._encore_settings() RETURNS asymm.encore_setting
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.encore_setting;
BEGIN
    SELECT s.* INTO v FROM asymm.encore_settings AS s;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._encore_settings() IS 'The settings of Encore in force as one row.';

CREATE OR REPLACE FUNCTION asymm.configure_encore(
    encore boolean DEFAULT NULL,
    owner_texts boolean DEFAULT NULL,
    time_limit interval DEFAULT NULL,
    replay_every interval DEFAULT NULL,
    max_active_sessions integer DEFAULT NULL
) RETURNS asymm.encore_setting
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_row asymm.encore_setting;
    v_constraint text;
BEGIN
    PERFORM asymm._require_session();
    -- One writer at a time: the second waits, then sees the first one's row.
    LOCK TABLE asymm.encore_setting IN SHARE ROW EXCLUSIVE MODE;
    -- Before the row is there: it is a declaration itself.
    PERFORM asymm._record_place();
    INSERT INTO asymm.encore_setting DEFAULT VALUES ON CONFLICT DO NOTHING;
    UPDATE asymm.encore_setting AS s
       SET encore = COALESCE(configure_encore.encore, s.encore),
           owner_texts = COALESCE(configure_encore.owner_texts, s.owner_texts),
           time_limit = COALESCE(configure_encore.time_limit, s.time_limit),
           replay_every = COALESCE(configure_encore.replay_every, s.replay_every),
           max_active_sessions = COALESCE(configure_encore.max_active_sessions, s.max_active_sessions)
    RETURNING s.* INTO v_row;
    RETURN v_row;
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
    PERFORM asymm._refuse_setting('asymm.encore_setting', v_constraint);
END
$$;
COMMENT ON FUNCTION asymm.configure_encore(boolean, boolean, interval, interval, integer)
    IS 'Consents to replays of known read-only statements in quiet hours (encore, off by default), of the owner''s texts too (owner_texts), and sets their limits; NULL leaves one as it is. Returns the row in force. Raises 22023 for a value out of range.';

-- A hundredth of a core, one at a time, at quiet times only, and only while somebody keeps the time: within a statement the server's
-- own time-out cannot be set, so the beat cancels what takes too long; by hand statement_timeout does.
CREATE OR REPLACE FUNCTION asymm._replay_held() RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_set constant asymm.encore_setting := asymm._encore_settings();
    v_hours constant text := (asymm._index_settings()).quiet_hours;
    v_paused text;
    v_active bigint;
BEGIN
    IF NOT v_set.encore THEN
        RETURN 'nobody consented: SELECT * FROM asymm.configure_encore(encore => true)';
    ELSIF EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = session_user AND r.rolsuper) THEN
        RETURN 'a superuser replays nothing';
    ELSIF EXISTS (SELECT FROM asymm.replay_state AS s WHERE s.rest_until > clock_timestamp()) THEN
        RETURN 'a hundredth of a core is used up for now';
    ELSIF NOT asymm._is_quiet_hour(v_hours, clock_timestamp()) THEN
        RETURN format('outside of quiet_hours (%s)', v_hours);
    END IF;
    v_active := asymm._active_sessions();
    IF v_active > v_set.max_active_sessions THEN
        RETURN format('%s sessions are active, more than max_active_sessions', v_active);
    END IF;
    v_paused := asymm._healing_paused();
    IF v_paused IS NOT NULL THEN
        RETURN format('paused: %s', v_paused);
    ELSIF current_setting('statement_timeout')::interval NOT BETWEEN '1 ms' AND '1 min'
          AND NOT EXISTS (SELECT FROM asymm.pulse_state AS s
                            JOIN pg_stat_activity AS a ON (a.pid, a.backend_start) = (s.pid, s.backend_start)
                            JOIN asymm.organ_state AS o ON o.name = 'encore_watch'
                           WHERE s.actor = session_user AND s.lane = 'fast' AND s.pid <> pg_backend_pid() AND s.period <= 1
                             AND s.beat_at > clock_timestamp() - interval '3 s' AND o.last_run_at > clock_timestamp() - interval '30 s') THEN
        RETURN 'nobody would keep the time: no fast lane of this actor runs beside, and statement_timeout is not within 1 min';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._replay_held() IS 'Why nothing may be replayed by this session now, or NULL.';

-- Loops are no load of the user's.
CREATE OR REPLACE FUNCTION asymm._active_sessions() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_stat_clear_snapshot();
    RETURN (SELECT count(*) FROM pg_stat_activity AS a
             WHERE a.backend_type = 'client backend' AND a.state = 'active' AND a.pid <> pg_backend_pid()
               AND NOT EXISTS (SELECT FROM asymm.pulse_state AS s WHERE (s.pid, s.backend_start) = (a.pid, a.backend_start)));
END
$$;
COMMENT ON FUNCTION asymm._active_sessions() IS 'How many sessions of the server are active, this one and loops apart.';
