-- Organs, the state of the loops, and the place this database lives in. Nothing here is dumped but
-- organ_setting.

CREATE TABLE asymm.organ (
    name text PRIMARY KEY,
    lane text NOT NULL CONSTRAINT organ_lane CHECK (lane IN ('fast', 'slow')),
    regime text NOT NULL CONSTRAINT organ_regime CHECK (regime IN ('exploration', 'optimization',
        'stabilization')),
    cadence interval NOT NULL CONSTRAINT organ_cadence CHECK (cadence BETWEEN '0' AND '30 days'),
    function name NOT NULL,
    purpose text NOT NULL
);
COMMENT ON TABLE asymm.organ IS 'Recurring jobs: a function in schema asymm, its lane, regime and cadence (0 = every beat).';

CREATE TABLE asymm.organ_setting (
    name text PRIMARY KEY,
    enabled boolean NOT NULL DEFAULT true,
    cadence interval CONSTRAINT organ_setting_cadence CHECK (cadence BETWEEN '0' AND '30 days')
);
COMMENT ON TABLE asymm.organ_setting IS 'What an operator changed about an organ, by asymm.configure_organ(); survives pg_dump.';
SELECT pg_catalog.pg_extension_config_dump('asymm.organ_setting', '');

CREATE TABLE asymm.organ_state (
    name text PRIMARY KEY REFERENCES asymm.organ ON DELETE CASCADE,
    runs bigint NOT NULL DEFAULT 0,
    failures bigint NOT NULL DEFAULT 0,
    failures_in_row integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT '-infinity',
    last_run_at timestamptz,
    last_ms double precision,
    total_ms double precision NOT NULL DEFAULT 0,
    recent_ms double precision NOT NULL DEFAULT 0,
    recent_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_error jsonb
) WITH (fillfactor = 50);
COMMENT ON TABLE asymm.organ_state IS 'Running cost and failures of each organ (milliseconds).';
COMMENT ON COLUMN asymm.organ_state.recent_ms IS 'Working time that fades by half every ten minutes, as of recent_at: what the regime weights are held against.';

CREATE TABLE asymm.control (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT control_only_row CHECK (only_row),
    paused text,
    paused_by name,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    place jsonb
);
INSERT INTO asymm.control DEFAULT VALUES;
COMMENT ON TABLE asymm.control IS 'Pause with its reason, and the place (system, database, timeline, data directory) where healing was allowed.';

-- One row per (actor, lane): the lease of its loop and the last beat. HOT-updated every beat, so pages are
-- kept roomy and autovacuum, which would otherwise come every minute, waits longer.
CREATE TABLE asymm.pulse_state (
    actor name NOT NULL,
    lane text NOT NULL CONSTRAINT pulse_state_lane CHECK (lane IN ('fast', 'slow')),
    pid integer,
    backend_start timestamptz,
    run_at timestamptz,
    anchor timestamptz,
    period double precision,
    seq bigint NOT NULL DEFAULT 0,
    beat_at timestamptz,
    missed bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    clock_jumps bigint NOT NULL DEFAULT 0,
    version text,
    stops bigint NOT NULL DEFAULT 0,
    run_stops bigint NOT NULL DEFAULT 0,
    registered_at timestamptz,
    PRIMARY KEY (actor, lane)
) WITH (fillfactor = 30, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_threshold = 1000000);
COMMENT ON TABLE asymm.pulse_state IS 'Lease and last beat of each loop; leadership is pid and backend_start of a session that is alive.';
COMMENT ON COLUMN asymm.pulse_state.run_at IS 'When the run that holds the lease began.';
COMMENT ON COLUMN asymm.pulse_state.anchor IS 'Tick seq falls on anchor + seq × period; moved only when the clock jumps or the period changes.';
COMMENT ON COLUMN asymm.pulse_state.period IS 'Seconds between two ticks.';
COMMENT ON COLUMN asymm.pulse_state.seq IS 'Number of the last tick that was beaten; follows from the clock, so it never goes back, even after a crash.';
COMMENT ON COLUMN asymm.pulse_state.missed IS 'Ticks that passed without a beat while a loop ran or was handed over.';
COMMENT ON COLUMN asymm.pulse_state.skipped IS 'Beats that could not be recorded because somebody held this row or table locked.';
COMMENT ON COLUMN asymm.pulse_state.stops IS 'Calls of asymm.stop(): a run that began at a smaller count ends. A count, since clocks jump.';
COMMENT ON COLUMN asymm.pulse_state.run_stops IS 'The count when the last run began.';
COMMENT ON COLUMN asymm.pulse_state.registered_at IS 'When asymm.start() was called for this actor; NULL: a loop started by other means.';

-- One summary row a cycle (about ten beats).
CREATE TABLE asymm.beat_summary (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor name NOT NULL,
    lane text NOT NULL,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    beats integer NOT NULL,
    missed integer NOT NULL,
    intervals_ms real[] NOT NULL,
    work_ms real[] NOT NULL,
    clock_jump interval
);
CREATE INDEX beat_summary_at ON asymm.beat_summary (at);
COMMENT ON TABLE asymm.beat_summary IS 'Beats summed per cycle: intervals and working times in milliseconds; kept for an hour.';
