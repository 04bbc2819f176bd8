-- Organs, the state of the loops, and the place this database lives in. Nothing here is dumped but organ_setting.

CREATE TABLE asymm.organ (
    name text PRIMARY KEY,
    lane text NOT NULL CONSTRAINT organ_lane CHECK (lane IN ('fast', 'slow')),
    regime text NOT NULL CONSTRAINT organ_regime CHECK (regime IN ('exploration', 'optimization', 'stabilization')),
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
    last_error jsonb
) WITH (fillfactor = 50);
COMMENT ON TABLE asymm.organ_state IS 'Running cost and failures of each organ (milliseconds).';

CREATE TABLE asymm.control (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT control_only_row CHECK (only_row),
    stopped boolean NOT NULL DEFAULT false,
    paused text,
    paused_by name,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    place jsonb
);
INSERT INTO asymm.control DEFAULT VALUES;
COMMENT ON TABLE asymm.control IS 'Stop flag, pause with its reason, and the place (system, database, timeline, data directory) where healing was allowed.';

-- One row per (actor, lane): the lease of its loop and the last beat. HOT-updated every beat.
CREATE TABLE asymm.pulse_state (
    actor name NOT NULL,
    lane text NOT NULL CONSTRAINT pulse_state_lane CHECK (lane IN ('fast', 'slow')),
    pid integer,
    backend_start timestamptz,
    anchor timestamptz,
    seq bigint NOT NULL DEFAULT 0,
    beat_at timestamptz,
    missed bigint NOT NULL DEFAULT 0,
    clock_jumps bigint NOT NULL DEFAULT 0,
    version text,
    PRIMARY KEY (actor, lane)
) WITH (fillfactor = 30);
COMMENT ON TABLE asymm.pulse_state IS 'Lease and last beat of each loop; leadership is pid and backend_start of a session that is alive.';

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
