-- Organs: what the lanes run. Adding a check means adding a function and a row.

INSERT INTO asymm.organ (name, lane, regime, cadence, function, purpose) VALUES
    ('sense', 'fast', 'stabilization', '0', '_process_ddl',
        'reads the DDL log and compares what it names with the baseline'),
    ('header_scan', 'slow', 'stabilization', '10 s', '_scan_headers',
        'compares catalog row headers: finds what event triggers miss'),
    ('full_scan', 'slow', 'stabilization', '1 min', '_scan_all', 'fingerprints every watched object'),
    ('queries', 'slow', 'exploration', '30 s', '_observe_queries', 'reads what statements cost from pg_stat_statements'),
    ('tables', 'slow', 'exploration', '5 min', '_observe_tables', 'reads what is written to tables and scanned'),
    ('plans', 'slow', 'exploration', '1 min', '_observe_plans', 'looks at the plans of the statements that cost most'),
    ('encore', 'slow', 'exploration', '10 s', '_encore', 'replays statements of the past in quiet hours, where somebody consented'),
    ('encore_watch', 'fast', 'exploration', '0', '_encore_watch', 'cancels a replay that takes too long or is in somebody''s way'),
    ('expectations', 'slow', 'stabilization', '30 s', '_check_expectations', 'plans statements that people expect a cost of, and compares'),
    ('examples', 'slow', 'exploration', '30 s', '_collect_examples', 'keeps statements with their constants, as sessions run them'),
    ('indexes', 'slow', 'optimization', '10 s', '_tend_indexes', 'has indexes built one at a time, and measures what they bring'),
    ('index_faults', 'slow', 'exploration', '1 hour', '_propose_drops', 'proposes to drop or rebuild indexes that are of no use'),
    ('advice', 'slow', 'exploration', '10 s', '_seek_advice', 'searches for the indexes that would help, in slices'),
    ('sonar', 'slow', 'exploration', '1 min', '_sonar_round', 'records the scores of the sonars and keeps their findings'),
    ('states', 'slow', 'exploration', '1 min', '_observe_states', 'looks at the states of tracked tables'' rows'),
    ('duplicates', 'slow', 'exploration', '10 s', '_observe_duplicates', 'notices new duplicates in the tables declared for it'),
    ('mirror', 'slow', 'stabilization', '10 s', '_tend_mirror', 'keeps the mirror''s slot moving and looks at mirrored tables'),
    ('learning', 'slow', 'optimization', '10 min', '_learn', 'learns from measured gains how far to believe predicted ones'),
    ('telemetry', 'slow', 'stabilization', '1 min', '_observe_telemetry', 'writes a sample of everything that is measured over time'),
    ('rollup', 'slow', 'stabilization', '5 min', '_roll_up', 'adds samples up to quarters of an hour and hours'),
    ('annotator', 'slow', 'exploration', '10 min', '_propose_annotations', 'proposes annotations for what has none'),
    ('lineage', 'slow', 'stabilization', '1 min', '_watch_lineage', 'compares declared lineage with the flows that were seen'),
    ('graph', 'slow', 'stabilization', '30 s', '_tend_graph', 'keeps nodes and flows as catalogs, workload and copies have them'),
    ('audit', 'slow', 'stabilization', '10 s', '_tend_audit', 'lays the chain of hashes over what was added to the audit'),
    ('housekeeping', 'slow', 'stabilization', '5 min', '_housekeep',
        'removes what is older than its retention')
ON CONFLICT (name) DO UPDATE
   SET lane = EXCLUDED.lane, regime = EXCLUDED.regime, cadence = EXCLUDED.cadence,
       function = EXCLUDED.function, purpose = EXCLUDED.purpose;
INSERT INTO asymm.organ_state (name) SELECT o.name FROM asymm.organ o ON CONFLICT DO NOTHING;

-- What is in force: the operator's choice, else the settings for the two scans, else the organ's own cadence. Encore needs consent besides.
-- Settings are one row, which the planner is told: taken for hundreds times hundreds of organs they would be worth compiling.
CREATE OR REPLACE VIEW asymm._organ_in_force AS
    SELECT o.name, o.lane, o.regime, o.function, o.purpose,
           COALESCE(s.enabled, true) AND (o.name NOT IN ('encore', 'encore_watch') OR (SELECT e.encore FROM asymm.encore_settings AS e)) AS enabled,
           COALESCE(s.cadence, CASE o.name WHEN 'header_scan' THEN g.header_scan_every
               WHEN 'full_scan' THEN g.full_scan_every END,
                    o.cadence) AS cadence,
           CASE o.regime WHEN 'exploration' THEN g.weight_exploration
               WHEN 'optimization' THEN g.weight_optimization
                ELSE g.weight_stabilization END AS weight,
           t.recent_ms * power(0.5::float8, LEAST(1000, GREATEST(0,
               EXTRACT(epoch FROM clock_timestamp() - t.recent_at)::float8 / 600))) AS recent_ms,
           t.due_at, t.failures_in_row
      FROM asymm.organ o
      JOIN asymm.organ_state t ON t.name = o.name
      LEFT JOIN asymm.organ_setting s ON s.name = o.name
     CROSS JOIN (SELECT x.* FROM asymm.settings AS x LIMIT 1) AS g;
COMMENT ON VIEW asymm._organ_in_force IS 'Each organ with the cadence, switch and regime weight in force.';

CREATE OR REPLACE VIEW asymm.organs AS
    SELECT f.name, f.lane, f.regime, f.cadence, f.enabled, t.runs, t.failures, t.failures_in_row,
        t.last_run_at, t.last_ms,
           t.total_ms / NULLIF(t.runs, 0) AS mean_ms, t.total_ms,
           t.total_ms / NULLIF(sum(t.total_ms) OVER (), 0) AS share,
           NULLIF(t.due_at, '-infinity') AS due_at, t.last_error, f.purpose
      FROM asymm._organ_in_force f JOIN asymm.organ_state t ON t.name = f.name
     ORDER BY f.lane, f.name;
COMMENT ON VIEW asymm.organs IS 'Recurring jobs: lane, regime, cadence, running cost in milliseconds, share of all working time, failures.';

CREATE OR REPLACE VIEW asymm.effort AS
    SELECT r.regime, r.weight AS wanted, COALESCE(u.ms, 0) AS recent_ms, u.ms / NULLIF(sum(u.ms) OVER (), 0) AS share
      FROM asymm.settings AS g
     CROSS JOIN LATERAL (VALUES ('exploration', g.weight_exploration), ('optimization', g.weight_optimization),
                                ('stabilization', g.weight_stabilization)) AS r (regime, weight)
      LEFT JOIN (SELECT o.regime, sum(o.recent_ms) AS ms FROM asymm._organ_in_force AS o WHERE o.lane = 'slow' GROUP BY o.regime) AS u
             ON u.regime = r.regime;
COMMENT ON VIEW asymm.effort
    IS 'How the slow lane spends its own working time: share of each regime in the last minutes, and the share wanted when all three have work waiting.';

CREATE OR REPLACE FUNCTION asymm.configure_organ(name text, enabled boolean DEFAULT NULL,
    cadence interval DEFAULT NULL)
RETURNS SETOF asymm.organs
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name text := asymm._require_text($1, 'name');
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.organ o WHERE o.name = v_name) THEN
        RAISE EXCEPTION 'organ "%" does not exist', v_name
            USING ERRCODE = 'undefined_object',
                  DETAIL = format('The organs are: %s.', (SELECT string_agg(o.name, ', ' ORDER BY o.name)
                      FROM asymm.organ o)),
                  HINT = 'SELECT name, purpose FROM asymm.organs';
    ELSIF $3 IS NOT NULL AND NOT $3 BETWEEN '0' AND '30 days' THEN
        RAISE EXCEPTION 'cadence % is out of range', $3
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = 'A cadence lies between 0 (every beat of its lane) and 30 days.',
                  HINT = format('SELECT * FROM asymm.configure_organ(%L, cadence => ''10 s'')', v_name);
    END IF;
    INSERT INTO asymm.organ_setting AS s (name, enabled, cadence) VALUES (v_name, COALESCE($2, true), $3)
    ON CONFLICT ON CONSTRAINT organ_setting_pkey
    DO UPDATE SET enabled = COALESCE($2, s.enabled), cadence = COALESCE($3, s.cadence);
    UPDATE asymm.organ_state t SET due_at = LEAST(t.due_at, clock_timestamp())
        WHERE t.name = v_name AND $3 IS NOT NULL;
    RETURN QUERY SELECT * FROM asymm.organs o WHERE o.name = v_name;
END
$$;
COMMENT ON FUNCTION asymm.configure_organ(text, boolean, interval) IS 'Switches an organ on or off or changes its cadence (0 = every beat of its lane); NULL leaves as it is.';

-- The organs of every beat. A failed one waits for its back-off.
CREATE OR REPLACE FUNCTION asymm._beat_organs(lane text) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(array_agg(o.name ORDER BY o.name), '{}')
      FROM asymm.organ o
      JOIN asymm.organ_state t ON t.name = o.name
      LEFT JOIN asymm.organ_setting s ON s.name = o.name
     WHERE o.lane = $1 AND COALESCE(s.enabled, true) AND COALESCE(s.cadence, o.cadence) = '0'
       AND t.due_at <= clock_timestamp() AND (o.name <> 'encore_watch' OR (SELECT e.encore FROM asymm.encore_settings AS e))
$$;
COMMENT ON FUNCTION asymm._beat_organs(text) IS 'Organs a lane runs every beat.';

CREATE OR REPLACE FUNCTION asymm._claim_organ(lane text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name text;
BEGIN
    -- Of what is due, the regime furthest below its weight goes first; another actor's loop skips what is
    -- claimed.
    WITH used AS (SELECT f.regime, sum(f.recent_ms) AS ms FROM asymm._organ_in_force f
        WHERE f.lane = $1 GROUP BY f.regime),
    due AS (
        SELECT t.name, f.cadence
          FROM asymm.organ_state t JOIN asymm._organ_in_force f ON f.name = t.name
              JOIN used u ON u.regime = f.regime
         WHERE f.lane = $1 AND f.enabled AND f.cadence > '0' AND t.due_at <= clock_timestamp()
           AND EXISTS (SELECT FROM asymm.pulse_state s
                        WHERE s.actor = session_user AND s.lane = $1 AND s.pid = pg_backend_pid())
         ORDER BY u.ms / NULLIF(f.weight, 0) NULLS LAST, t.due_at, t.name
         LIMIT 1
           FOR UPDATE OF t SKIP LOCKED
    )
    UPDATE asymm.organ_state t
       SET due_at = clock_timestamp() + d.cadence, last_run_at = clock_timestamp()
      FROM due d WHERE t.name = d.name
    RETURNING t.name INTO v_name;
    RETURN v_name;
END
$$;
COMMENT ON FUNCTION asymm._claim_organ(text) IS 'Takes the next due organ of a lane by regime weights, or NULL; only for the session that runs this lane.';

CREATE OR REPLACE FUNCTION asymm._organ_ran(names text[], runs integer[], ms double precision[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE asymm.organ_state t
       SET runs = t.runs + r.runs, failures_in_row = 0, last_ms = r.ms / r.runs, total_ms = t.total_ms + r.ms,
           last_run_at = clock_timestamp(), recent_at = clock_timestamp(),
           recent_ms = r.ms + t.recent_ms * power(0.5::float8, LEAST(1000, GREATEST(0,
               EXTRACT(epoch FROM clock_timestamp() - t.recent_at)::float8 / 600)))
      FROM unnest($1, $2, $3) AS r (name, runs, ms)
     WHERE t.name = r.name AND r.runs > 0 AND r.ms >= 0;
END
$$;
COMMENT ON FUNCTION asymm._organ_ran(text[], integer[], double precision[]) IS 'Books runs and working time of organs that went well.';

CREATE OR REPLACE FUNCTION asymm._organ_failed(name text, ms double precision, error jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Back-off: period × 1, 2, 4, 8, 16, then the organ's own cadence if that is longer; always with jitter,
    -- since equal delays would bring loops into step.
    UPDATE asymm.organ_state t
       SET runs = t.runs + 1, failures = t.failures + 1, failures_in_row = t.failures_in_row + 1,
           last_ms = $2, total_ms = t.total_ms + GREATEST($2, 0), recent_ms = f.recent_ms + GREATEST($2, 0),
           recent_at = clock_timestamp(), last_run_at = clock_timestamp(),
           last_error = asymm._without_values($3) || jsonb_build_object('at', clock_timestamp()),
           due_at = clock_timestamp() + (1 + random() / 2)
                    * CASE WHEN t.failures_in_row < 5 THEN asymm._period() * power(2, t.failures_in_row)
                           ELSE GREATEST(asymm._period() * 16, EXTRACT(epoch
                               FROM f.cadence)::float8) END * interval '1 s'
      FROM asymm._organ_in_force f
     WHERE f.name = $1 AND t.name = f.name
$$;
COMMENT ON FUNCTION asymm._organ_failed(text, double precision, jsonb) IS 'Books a failure of an organ and backs it off.';
