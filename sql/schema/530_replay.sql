-- Encore: statements of the past are run again in quiet hours, to learn what they cost by now. Consent and limits, what is due, and
-- what each replay taught.

CREATE TABLE asymm.encore_setting (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT encore_setting_only_row CHECK (only_row),
    encore boolean NOT NULL DEFAULT false,
    owner_texts boolean NOT NULL DEFAULT false,
    time_limit interval NOT NULL DEFAULT '1 s'
        CONSTRAINT encore_setting_time_limit CHECK (time_limit BETWEEN '10 ms' AND '10 s'),
    replay_every interval NOT NULL DEFAULT '1 hour'
        CONSTRAINT encore_setting_replay_every CHECK (replay_every BETWEEN '1 min' AND '7 days'),
    max_active_sessions integer NOT NULL DEFAULT 0
        CONSTRAINT encore_setting_max_active_sessions CHECK (max_active_sessions BETWEEN 0 AND 1000000)
);
COMMENT ON TABLE asymm.encore_setting IS 'What an operator configured of Encore: one row at most, written by asymm.configure_encore(); survives pg_dump.';
COMMENT ON COLUMN asymm.encore_setting.encore IS 'Consent: whether statements may be replayed at all. Off unless an operator says so.';
COMMENT ON COLUMN asymm.encore_setting.owner_texts IS 'Whether texts of the owner that the actor is a member of may be replayed too, not only the actor''s own.';
COMMENT ON COLUMN asymm.encore_setting.time_limit IS 'A replay that takes longer is cancelled; statements that usually do are not begun.';
COMMENT ON COLUMN asymm.encore_setting.replay_every IS 'How often a statement is replayed; twice as seldom, to a week, each time it taught nothing new.';
COMMENT ON COLUMN asymm.encore_setting.max_active_sessions IS 'No replay begins, and a running one is cancelled, while more sessions of others than this are active.';

CREATE TABLE asymm._encore_setting_default (LIKE asymm.encore_setting INCLUDING ALL);
INSERT INTO asymm._encore_setting_default DEFAULT VALUES;
COMMENT ON TABLE asymm._encore_setting_default IS 'The defaults of asymm.encore_setting as a row; never written again.';

CREATE VIEW asymm.encore_settings AS
    SELECT s.* FROM asymm.encore_setting AS s
    UNION ALL
    SELECT d.* FROM asymm._encore_setting_default AS d WHERE NOT EXISTS (SELECT FROM asymm.encore_setting);
COMMENT ON VIEW asymm.encore_settings IS 'The settings of Encore in force, one row: those configured, else the defaults. Its hours are quiet_hours of asymm.index_settings.';

SELECT pg_catalog.pg_extension_config_dump('asymm.encore_setting', '');

-- What is to be replayed next is written down and committed before it is begun: one that never comes to its end is noticed.
CREATE TABLE asymm.replay_pattern (
    query_id bigint PRIMARY KEY REFERENCES asymm.query ON DELETE CASCADE,
    replays bigint NOT NULL DEFAULT 0,
    unfinished smallint NOT NULL DEFAULT 0,
    every interval NOT NULL,
    due_at timestamptz NOT NULL,
    looked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    reason text
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.replay_pattern IS 'When each statement is due to be replayed, and why it was not, if it was refused.';
COMMENT ON COLUMN asymm.replay_pattern.unfinished IS 'How often it was begun since it last came to an end: a session that dies with it leaves this behind.';

CREATE TABLE asymm.replay_state (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT replay_state_only_row CHECK (only_row),
    query_id bigint,
    pid integer,
    backend_start timestamptz,
    booked_at timestamptz,
    rest_until timestamptz NOT NULL DEFAULT '-infinity',
    held text
) WITH (fillfactor = 50);
INSERT INTO asymm.replay_state DEFAULT VALUES;
COMMENT ON TABLE asymm.replay_state IS 'The one statement that is to be replayed next and by which session, and what keeps replays from running.';
COMMENT ON COLUMN asymm.replay_state.rest_until IS 'A replay is followed by a rest 99 times as long, so that all of them take a hundredth of a core.';

CREATE TABLE asymm.replay (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    actor name NOT NULL,
    query_id bigint NOT NULL,
    source text NOT NULL,
    cost_before asymm.cost,
    cost_after asymm.cost,
    confidence_before double precision NOT NULL DEFAULT 0,
    confidence_after double precision NOT NULL DEFAULT 0,
    latency_ms double precision,
    usual_ms double precision,
    planning_ms double precision,
    rows double precision,
    blocks_hit bigint,
    blocks_read bigint,
    temp_blocks bigint,
    shape text,
    taught boolean NOT NULL,
    lesson text,
    annotation text,
    error text
);
CREATE INDEX replay_query ON asymm.replay (query_id, id);
COMMENT ON TABLE asymm.replay IS 'Each replay (ψ) with what it measured; the last 10,000 at most. Holds no constants. Telemetry: not dumped.';
COMMENT ON COLUMN asymm.replay.source IS 'Where its constants came from, never what they were.';
COMMENT ON COLUMN asymm.replay.usual_ms IS 'What a call took in the workload, on the mean.';
COMMENT ON COLUMN asymm.replay.taught IS 'It ran to its end, so that there is a measured result.';
COMMENT ON COLUMN asymm.replay.lesson IS 'What was not known before; NULL: nothing.';

-- What replays scanned and the server's counters will show, or show already: it is not the users' work.
CREATE TABLE asymm.replay_scan (
    relid oid PRIMARY KEY,
    scans bigint NOT NULL,
    rows bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
) WITH (fillfactor = 50);
COMMENT ON TABLE asymm.replay_scan IS 'Scans of tables and indexes by replays that are still to be taken off what the server counted.';
