-- Schema, roles and settings. Run once, at CREATE EXTENSION.

CREATE SCHEMA asymm;
COMMENT ON SCHEMA asymm IS 'Asymmetrica: watches a database, explains what changed, repairs what policy allows, and can undo what it did.';

-- Roles live in the cluster, not in the extension: a role that exists already is accepted only if it carries no power
-- of its own, so that nobody can prepare one and inherit our tables.
DO $roles$
DECLARE
    v_name name;
    v_bad text;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['asymm_reader', 'asymm_pulse', 'asymm_operator', 'asymm_owner']::name[] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = v_name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', v_name);
        END IF;
        SELECT CASE
                   WHEN r.rolcanlogin THEN 'it can log in'
                   WHEN r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
                       THEN 'it has attributes of its own'
                   WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                                JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
                                WHERE m.member = r.oid
                                  AND g.rolname NOT IN ('asymm_reader', 'asymm_pulse', 'pg_read_all_stats', 'pg_read_all_settings'))
                       THEN 'it is a member of another role'
                   WHEN v_name = 'asymm_owner'
                        AND EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                                    JOIN pg_catalog.pg_roles g ON g.oid = m.member
                                    WHERE m.roleid = r.oid AND NOT g.rolsuper)
                       THEN 'a role that is not a superuser is a member of it'
               END
          INTO v_bad
          FROM pg_catalog.pg_roles r WHERE r.rolname = v_name;
        IF v_bad IS NOT NULL THEN
            RAISE EXCEPTION 'role "%" exists and cannot be used', v_name
                USING ERRCODE = 'invalid_role_specification', DETAIL = pg_catalog.format('Role "%s" was refused because %s.', v_name, v_bad),
                      HINT = pg_catalog.format('Rename or drop it: ALTER ROLE %I RENAME TO …, then CREATE EXTENSION again.', v_name);
        END IF;
    END LOOP;
    -- Readers look; actors may run what a beat needs and no more, since code of their owner's runs in them; operators decide.
    GRANT asymm_reader TO asymm_pulse;
    GRANT asymm_pulse TO asymm_operator;
    -- Lease checks and the clone check read other sessions' start times and the data directory.
    GRANT pg_read_all_stats, pg_read_all_settings TO asymm_owner;
END
$roles$;

GRANT USAGE ON SCHEMA asymm TO asymm_reader, asymm_pulse, asymm_operator, asymm_owner;

-- One row, a typed column each. The row appears with the first configure(), so that a restored dump can't collide with
-- one written by the script; until then the column defaults hold (view asymm.settings).
CREATE TABLE asymm.setting (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT setting_only_row CHECK (only_row),
    period interval NOT NULL DEFAULT '203.7037 ms'
        CONSTRAINT setting_period CHECK (period BETWEEN '50 ms' AND '1 h'),
    notify text NOT NULL DEFAULT 'change'
        CONSTRAINT setting_notify CHECK (notify IN ('off', 'change', 'beat')),
    header_scan_every interval NOT NULL DEFAULT '10 s'
        CONSTRAINT setting_header_scan_every CHECK (header_scan_every BETWEEN '1 s' AND '1 day'),
    full_scan_every interval NOT NULL DEFAULT '1 min'
        CONSTRAINT setting_full_scan_every CHECK (full_scan_every BETWEEN '10 s' AND '7 days'),
    migrator_roles name[] NOT NULL DEFAULT '{}'
        CONSTRAINT setting_migrator_roles CHECK (pg_catalog.array_position(migrator_roles, NULL) IS NULL),
    migrator_applications text[] NOT NULL DEFAULT '{}'
        CONSTRAINT setting_migrator_applications
        CHECK (pg_catalog.array_position(migrator_applications, NULL) IS NULL AND NOT '' = ANY (migrator_applications)),
    lock_timeout interval NOT NULL DEFAULT '100 ms'
        CONSTRAINT setting_lock_timeout CHECK (lock_timeout BETWEEN '10 ms' AND '10 s'),
    max_actions_per_hour integer NOT NULL DEFAULT 600
        CONSTRAINT setting_max_actions_per_hour CHECK (max_actions_per_hour BETWEEN 0 AND 100000),
    max_table_bytes bigint NOT NULL DEFAULT 1073741824
        CONSTRAINT setting_max_table_bytes CHECK (max_table_bytes >= 0),
    relapse_limit integer NOT NULL DEFAULT 3
        CONSTRAINT setting_relapse_limit CHECK (relapse_limit BETWEEN 2 AND 1000),
    relapse_window interval NOT NULL DEFAULT '10 min'
        CONSTRAINT setting_relapse_window CHECK (relapse_window BETWEEN '1 s' AND '7 days'),
    statement_chars integer NOT NULL DEFAULT 10000
        CONSTRAINT setting_statement_chars CHECK (statement_chars BETWEEN 0 AND 1000000),
    retention interval NOT NULL DEFAULT '30 days'
        CONSTRAINT setting_retention CHECK (retention BETWEEN '1 h' AND '3650 days'),
    weight_exploration double precision NOT NULL DEFAULT 0.30
        CONSTRAINT setting_weight_exploration CHECK (weight_exploration BETWEEN 0 AND 1),
    weight_optimization double precision NOT NULL DEFAULT 0.20
        CONSTRAINT setting_weight_optimization CHECK (weight_optimization BETWEEN 0 AND 1),
    weight_stabilization double precision NOT NULL DEFAULT 0.50
        CONSTRAINT setting_weight_stabilization CHECK (weight_stabilization BETWEEN 0 AND 1),
    CONSTRAINT setting_weights_sum_to_one
        CHECK (pg_catalog.abs(weight_exploration + weight_optimization + weight_stabilization - 1) < 0.000001)
);
COMMENT ON TABLE asymm.setting IS 'What an operator configured: one row at most, written by asymm.configure(); survives pg_dump.';
COMMENT ON COLUMN asymm.setting.only_row IS 'Always true: the table holds one row at most.';
COMMENT ON COLUMN asymm.setting.period IS 'Time between two beats, 50 ms to 1 h; 11/54 s (4.909 Hz) by default. Read by the loop at its next hand-over.';
COMMENT ON COLUMN asymm.setting.notify IS 'NOTIFY on channel asymm_pulse: off, change (a beat that saw or did something) or beat (every beat).';
COMMENT ON COLUMN asymm.setting.header_scan_every IS 'How often catalog row headers of watched objects are compared, to find what event triggers miss.';
COMMENT ON COLUMN asymm.setting.full_scan_every IS 'How often every watched object is fingerprinted in full.';
COMMENT ON COLUMN asymm.setting.migrator_roles IS 'Roles whose DDL is intended: it becomes the new baseline and passes a guard.';
COMMENT ON COLUMN asymm.setting.migrator_applications IS 'application_name values whose DDL is intended; they never pass a guard. Prevents slips, not malice.';
COMMENT ON COLUMN asymm.setting.lock_timeout IS 'How long a repair waits for a lock before it gives up and tries again later.';
COMMENT ON COLUMN asymm.setting.max_actions_per_hour IS 'Repairs the background may run in an hour; the rest is proposed.';
COMMENT ON COLUMN asymm.setting.max_table_bytes IS 'Largest table (heap bytes) that the background may scan or rewrite by policy; larger ones are proposed.';
COMMENT ON COLUMN asymm.setting.relapse_limit IS 'Drifts of one object after repair, within relapse_window, that turn its policy heal into propose.';
COMMENT ON COLUMN asymm.setting.relapse_window IS 'See relapse_limit.';
COMMENT ON COLUMN asymm.setting.statement_chars IS 'Characters of a DDL statement kept in the log; 0 keeps none.';
COMMENT ON COLUMN asymm.setting.retention IS 'Age at which log rows, resolved drift and finished actions are removed.';
COMMENT ON COLUMN asymm.setting.weight_exploration IS 'Share of the slow lane''s time for exploration.';
COMMENT ON COLUMN asymm.setting.weight_optimization IS 'Share of the slow lane''s time for optimization.';
COMMENT ON COLUMN asymm.setting.weight_stabilization IS 'Share of the slow lane''s time for stabilization.';

CREATE TABLE asymm._setting_default (LIKE asymm.setting INCLUDING ALL);
INSERT INTO asymm._setting_default DEFAULT VALUES;
COMMENT ON TABLE asymm._setting_default IS 'The defaults of asymm.setting as a row; never written again.';

CREATE VIEW asymm.settings AS
    SELECT s.* FROM asymm.setting s
    UNION ALL
    SELECT d.* FROM asymm._setting_default d WHERE NOT EXISTS (SELECT FROM asymm.setting);
COMMENT ON VIEW asymm.settings IS 'The settings in force, one row: those configured, else the defaults.';

SELECT pg_catalog.pg_extension_config_dump('asymm.setting', '');
