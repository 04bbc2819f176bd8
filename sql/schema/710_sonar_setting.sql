-- Settings of the sonars: what is slow, what is too many states, what is too many duplicates.

CREATE TABLE asymm.sonar_setting (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT sonar_setting_only_row CHECK (only_row),
    latency_budget interval NOT NULL DEFAULT '100 ms'
        CONSTRAINT sonar_setting_latency_budget CHECK (latency_budget BETWEEN '0.1 ms' AND '1 h'),
    fine_complexity double precision NOT NULL DEFAULT 8
        CONSTRAINT sonar_setting_fine_complexity CHECK (fine_complexity BETWEEN 0 AND 64),
    max_complexity double precision NOT NULL DEFAULT 10
        CONSTRAINT sonar_setting_max_complexity CHECK (max_complexity BETWEEN 0 AND 64),
    max_explosion double precision NOT NULL DEFAULT 1.05
        CONSTRAINT sonar_setting_max_explosion CHECK (max_explosion BETWEEN 1 AND 1000000),
    state_rows integer NOT NULL DEFAULT 10000
        CONSTRAINT sonar_setting_state_rows CHECK (state_rows BETWEEN 100 AND 10000000),
    CONSTRAINT sonar_setting_complexity CHECK (fine_complexity < max_complexity)
);
COMMENT ON TABLE asymm.sonar_setting IS 'What an operator configured about the sonars: one row at most, written by asymm.configure_sonar(); survives pg_dump.';
COMMENT ON COLUMN asymm.sonar_setting.latency_budget IS 'An execution that takes longer counts as slow.';
COMMENT ON COLUMN asymm.sonar_setting.fine_complexity IS 'Up to here log2(states × transitions) of a table is fine.';
COMMENT ON COLUMN asymm.sonar_setting.max_complexity IS 'Above this log2(states × transitions) of a table is unmanageable.';
COMMENT ON COLUMN asymm.sonar_setting.max_explosion IS 'Rows to distinct rows: above this a table holds too many duplicates.';
COMMENT ON COLUMN asymm.sonar_setting.state_rows IS 'Rows of a table that are read in one look: smaller tables as a whole, larger ones by a sample.';

CREATE TABLE asymm._sonar_setting_default (LIKE asymm.sonar_setting INCLUDING ALL);
INSERT INTO asymm._sonar_setting_default DEFAULT VALUES;
COMMENT ON TABLE asymm._sonar_setting_default IS 'The defaults of asymm.sonar_setting as a row; never written again.';

CREATE VIEW asymm.sonar_settings AS
    SELECT s.* FROM asymm.sonar_setting AS s
    UNION ALL
    SELECT d.* FROM asymm._sonar_setting_default AS d WHERE NOT EXISTS (SELECT FROM asymm.sonar_setting);
COMMENT ON VIEW asymm.sonar_settings IS 'The settings of the sonars in force, one row: those configured, else the defaults.';

SELECT pg_catalog.pg_extension_config_dump('asymm.sonar_setting', '');
