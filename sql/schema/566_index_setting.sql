-- Settings of the index loop: a table of their own, since everybody's DDL reads the other one and an update must not wait for that.

CREATE TABLE asymm.index_setting (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT index_setting_only_row CHECK (only_row),
    autopilot text NOT NULL DEFAULT 'off'
        CONSTRAINT index_setting_autopilot CHECK (autopilot IN ('off', 'propose', 'on')),
    index_budget text NOT NULL DEFAULT '50%'
        CONSTRAINT index_setting_index_budget
        CHECK (index_budget ~ '^([0-9]{1,4}(\.[0-9]{1,3})?%|[0-9]{1,15}( ?(bytes|kB))?|[0-9]{1,12} ?MB|[0-9]{1,9} ?GB|[0-9]{1,6} ?TB)$'),
    max_index_build_bytes bigint NOT NULL DEFAULT 10737418240
        CONSTRAINT index_setting_max_index_build_bytes CHECK (max_index_build_bytes >= 0),
    max_database_bytes bigint NOT NULL DEFAULT 0
        CONSTRAINT index_setting_max_database_bytes CHECK (max_database_bytes >= 0),
    quiet_hours text NOT NULL DEFAULT ''
        CONSTRAINT index_setting_quiet_hours
        CHECK (quiet_hours ~ '^(([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])?$'),
    max_active_sessions integer NOT NULL DEFAULT 0
        CONSTRAINT index_setting_max_active_sessions CHECK (max_active_sessions BETWEEN 0 AND 1000000),
    build_wait interval NOT NULL DEFAULT '5 min'
        CONSTRAINT index_setting_build_wait CHECK (build_wait BETWEEN '1 s' AND '1 day'),
    validation_min interval NOT NULL DEFAULT '2 min'
        CONSTRAINT index_setting_validation_min CHECK (validation_min BETWEEN '1 s' AND '30 days'),
    validation_max interval NOT NULL DEFAULT '1 day'
        CONSTRAINT index_setting_validation_max CHECK (validation_max BETWEEN '10 s' AND '90 days'),
    validation_confidence double precision NOT NULL DEFAULT 0.95
        CONSTRAINT index_setting_validation_confidence CHECK (validation_confidence BETWEEN 0.5 AND 0.9999),
    max_regression double precision NOT NULL DEFAULT 0.10
        CONSTRAINT index_setting_max_regression CHECK (max_regression BETWEEN 0 AND 10),
    advice_expires interval NOT NULL DEFAULT '7 days'
        CONSTRAINT index_setting_advice_expires CHECK (advice_expires BETWEEN '1 min' AND '3650 days'),
    unused_after interval NOT NULL DEFAULT '30 days'
        CONSTRAINT index_setting_unused_after CHECK (unused_after BETWEEN '1 min' AND '3650 days'),
    search_every interval NOT NULL DEFAULT '1 hour'
        CONSTRAINT index_setting_search_every CHECK (search_every BETWEEN '1 s' AND '30 days'),
    workload_window interval NOT NULL DEFAULT '7 days'
        CONSTRAINT index_setting_workload_window CHECK (workload_window BETWEEN '10 s' AND '7 days'),
    workload_step interval NOT NULL DEFAULT '15 min'
        CONSTRAINT index_setting_workload_step CHECK (workload_step BETWEEN '1 s' AND '1 hour'),
    build_unproved boolean NOT NULL DEFAULT true,
    CONSTRAINT index_setting_validation CHECK (validation_min <= validation_max)
);
COMMENT ON TABLE asymm.index_setting IS 'What an operator configured of indexes: one row at most, written by asymm.configure_indexes(); survives pg_dump.';
COMMENT ON COLUMN asymm.index_setting.only_row IS 'Always true: the table holds one row at most.';
COMMENT ON COLUMN asymm.index_setting.autopilot IS 'Indexes: off (advice only when asked for), propose (advice by itself, a person approves) or on (approves, builds, measures, takes back).';
COMMENT ON COLUMN asymm.index_setting.index_budget IS 'What indexes made by advice may take together: per cent of all tables (50%) or a size (10 GB). One that replaces a narrower one counts by the difference.';
COMMENT ON COLUMN asymm.index_setting.max_index_build_bytes IS 'Largest table (heap bytes) on which an index is built without a person''s approval.';
COMMENT ON COLUMN asymm.index_setting.max_database_bytes IS 'No index is built that could make the database larger than this; 0: no limit. How much of the disk is free cannot be known from SQL.';
COMMENT ON COLUMN asymm.index_setting.quiet_hours IS 'When indexes may be built, as 22:00-06:00 in the server''s time zone; empty: at any time.';
COMMENT ON COLUMN asymm.index_setting.max_active_sessions IS 'A build waits while more sessions than this are active; 0: no limit.';
COMMENT ON COLUMN asymm.index_setting.build_wait IS 'How long a build may wait for the transactions of others before it is given up and tried again later.';
COMMENT ON COLUMN asymm.index_setting.validation_min IS 'How long the effect of an index is measured at least.';
COMMENT ON COLUMN asymm.index_setting.validation_max IS 'How long it is measured at most: what shows no gain by then is taken back.';
COMMENT ON COLUMN asymm.index_setting.validation_confidence IS 'Confidence with which a query counts as faster or slower.';
COMMENT ON COLUMN asymm.index_setting.max_regression IS 'Share by which a query may get slower before the index is taken back.';
COMMENT ON COLUMN asymm.index_setting.advice_expires IS 'Age at which advice that nobody approved goes.';
COMMENT ON COLUMN asymm.index_setting.unused_after IS 'How long an index must not have been used before it is proposed to drop it.';
COMMENT ON COLUMN asymm.index_setting.search_every IS 'How often indexes are searched for; earlier when a fifth of the time goes to new statements.';
COMMENT ON COLUMN asymm.index_setting.workload_window IS 'How far back a search looks at the workload.';
COMMENT ON COLUMN asymm.index_setting.workload_step IS 'The time over which the workload is added up; a week of steps is kept.';
COMMENT ON COLUMN asymm.index_setting.build_unproved IS 'Whether autopilot builds GIN, GiST and others that the planner can''t be asked about before they are there. On, since text search has no other cure and the trial is bounded: for statements of a hundredth of the time at least that nothing else serves, within budget and size limits, not where writing would take half of what they take; measured, and taken back if it is not used.';

CREATE TABLE asymm._index_setting_default (LIKE asymm.index_setting INCLUDING ALL);
INSERT INTO asymm._index_setting_default DEFAULT VALUES;
COMMENT ON TABLE asymm._index_setting_default IS 'The defaults of asymm.index_setting as a row; never written again.';

CREATE VIEW asymm.index_settings AS
    SELECT i.* FROM asymm.index_setting AS i
    UNION ALL
    SELECT d.* FROM asymm._index_setting_default AS d WHERE NOT EXISTS (SELECT FROM asymm.index_setting);
COMMENT ON VIEW asymm.index_settings IS 'The settings of indexes in force, one row: those configured, else the defaults.';

SELECT pg_catalog.pg_extension_config_dump('asymm.index_setting', '');
