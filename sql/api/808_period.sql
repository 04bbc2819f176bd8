-- The period: 54/11 beats a second unless configured.

CREATE OR REPLACE FUNCTION asymm._period(lane text DEFAULT 'fast') RETURNS double precision
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- An interval holds microseconds; the default stands for exactly 11/54 s. A cycle of the slow lane is
    -- ten beats.
    SELECT CASE WHEN s.period = d.period THEN 11.0::float8 / 54 ELSE EXTRACT(epoch FROM s.period)::float8 END
           * CASE $1 WHEN 'slow' THEN 10 ELSE 1 END
      FROM asymm.settings s CROSS JOIN asymm._setting_default d
$$;
COMMENT ON FUNCTION asymm._period(text) IS 'Seconds between two beats of a lane.';
