-- Settings of the sonars.

CREATE OR REPLACE FUNCTION asymm._sonar_settings() RETURNS asymm.sonar_setting
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.sonar_setting;
BEGIN
    SELECT s.* INTO v FROM asymm.sonar_settings AS s;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._sonar_settings() IS 'The settings of the sonars in force as one row.';

CREATE OR REPLACE FUNCTION asymm.configure_sonar(
    latency_budget interval DEFAULT NULL,
    fine_complexity double precision DEFAULT NULL,
    max_complexity double precision DEFAULT NULL,
    max_explosion double precision DEFAULT NULL,
    state_rows integer DEFAULT NULL
) RETURNS asymm.sonar_setting
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_row asymm.sonar_setting;
    v_constraint text;
BEGIN
    PERFORM asymm._require_session();
    -- One writer at a time: the second waits, then sees the first one's row.
    LOCK TABLE asymm.sonar_setting IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO asymm.sonar_setting DEFAULT VALUES ON CONFLICT DO NOTHING;
    UPDATE asymm.sonar_setting AS s
       SET latency_budget = COALESCE(configure_sonar.latency_budget, s.latency_budget),
           fine_complexity = COALESCE(configure_sonar.fine_complexity, s.fine_complexity),
           max_complexity = COALESCE(configure_sonar.max_complexity, s.max_complexity),
           max_explosion = COALESCE(configure_sonar.max_explosion, s.max_explosion),
           state_rows = COALESCE(configure_sonar.state_rows, s.state_rows)
    RETURNING s.* INTO v_row;
    PERFORM asymm._record_place();
    RETURN v_row;
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
    PERFORM asymm._refuse_setting('asymm.sonar_setting', v_constraint);
END
$$;
COMMENT ON FUNCTION asymm.configure_sonar(interval, double precision, double precision, double precision, integer)
    IS 'Changes settings of the sonars: latency budget of an execution, limits of states and duplicates, rows read in a look; NULL leaves one as it is. Returns the row in force. Raises 22023 for a value out of range.';
