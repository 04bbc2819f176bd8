-- Settings of the index loop.

CREATE OR REPLACE FUNCTION asymm._index_settings() RETURNS asymm.index_setting
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.index_setting;
BEGIN
    SELECT s.* INTO v FROM asymm.index_setting AS s;
    IF NOT FOUND THEN
        SELECT s.* INTO v FROM asymm._index_setting_default AS s;
    END IF;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._index_settings() IS 'The settings of indexes in force as one row.';

CREATE OR REPLACE FUNCTION asymm.configure_indexes(
    autopilot text DEFAULT NULL,
    index_budget text DEFAULT NULL,
    max_index_build_bytes bigint DEFAULT NULL,
    max_database_bytes bigint DEFAULT NULL,
    quiet_hours text DEFAULT NULL,
    max_active_sessions integer DEFAULT NULL,
    build_wait interval DEFAULT NULL,
    validation_min interval DEFAULT NULL,
    validation_max interval DEFAULT NULL,
    validation_confidence double precision DEFAULT NULL,
    max_regression double precision DEFAULT NULL,
    advice_expires interval DEFAULT NULL,
    unused_after interval DEFAULT NULL,
    search_every interval DEFAULT NULL,
    workload_window interval DEFAULT NULL,
    workload_step interval DEFAULT NULL,
    build_unproved boolean DEFAULT NULL
) RETURNS asymm.index_setting
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_row asymm.index_setting;
    v_constraint text;
BEGIN
    PERFORM asymm._require_session();
    -- One writer at a time: the second waits, then sees the first one's row.
    LOCK TABLE asymm.index_setting IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO asymm.index_setting DEFAULT VALUES ON CONFLICT DO NOTHING;
    UPDATE asymm.index_setting AS s
       SET autopilot = COALESCE(configure_indexes.autopilot, s.autopilot),
           index_budget = COALESCE(configure_indexes.index_budget, s.index_budget),
           max_index_build_bytes = COALESCE(configure_indexes.max_index_build_bytes, s.max_index_build_bytes),
           max_database_bytes = COALESCE(configure_indexes.max_database_bytes, s.max_database_bytes),
           quiet_hours = COALESCE(configure_indexes.quiet_hours, s.quiet_hours),
           max_active_sessions = COALESCE(configure_indexes.max_active_sessions, s.max_active_sessions),
           build_wait = COALESCE(configure_indexes.build_wait, s.build_wait),
           validation_min = COALESCE(configure_indexes.validation_min, s.validation_min),
           validation_max = COALESCE(configure_indexes.validation_max, s.validation_max),
           validation_confidence = COALESCE(configure_indexes.validation_confidence, s.validation_confidence),
           max_regression = COALESCE(configure_indexes.max_regression, s.max_regression),
           advice_expires = COALESCE(configure_indexes.advice_expires, s.advice_expires),
           unused_after = COALESCE(configure_indexes.unused_after, s.unused_after),
           search_every = COALESCE(configure_indexes.search_every, s.search_every),
           workload_window = COALESCE(configure_indexes.workload_window, s.workload_window),
           workload_step = COALESCE(configure_indexes.workload_step, s.workload_step),
           build_unproved = COALESCE(configure_indexes.build_unproved, s.build_unproved)
    RETURNING s.* INTO v_row;
    PERFORM asymm._record_place();
    RETURN v_row;
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
    PERFORM asymm._refuse_setting('asymm.index_setting', v_constraint);
END
$$;
COMMENT ON FUNCTION asymm.configure_indexes(
    text, text, bigint, bigint, text, integer, interval, interval, interval, double precision, double precision, interval, interval, interval,
    interval, interval, boolean)
    IS 'Changes settings of indexes: autopilot, budget, hours, how long and how strictly gains are measured, how often is searched; NULL leaves one as it is. Returns the row in force. Raises 22023 for a value out of range.';
