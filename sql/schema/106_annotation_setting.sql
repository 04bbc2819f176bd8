-- Settings of annotations: a table of their own, since everybody's DDL reads asymm.setting and an update must not wait for that.

CREATE TABLE asymm.annotation_setting (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT annotation_setting_only_row CHECK (only_row),
    fidelity_lineage double precision NOT NULL DEFAULT 0.3333333333333333
        CONSTRAINT annotation_setting_fidelity_lineage CHECK (fidelity_lineage > 0 AND fidelity_lineage <= 1),
    fidelity_regime double precision NOT NULL DEFAULT 0.3333333333333333
        CONSTRAINT annotation_setting_fidelity_regime CHECK (fidelity_regime BETWEEN 0 AND 1),
    fidelity_cost double precision NOT NULL DEFAULT 0.3333333333333333
        CONSTRAINT annotation_setting_fidelity_cost CHECK (fidelity_cost BETWEEN 0 AND 1),
    fidelity_half_life interval NOT NULL DEFAULT '30 days'
        CONSTRAINT annotation_setting_fidelity_half_life CHECK (fidelity_half_life BETWEEN '1 min' AND '3650 days'),
    CONSTRAINT annotation_setting_fidelity_sums_to_one
        CHECK (pg_catalog.abs(fidelity_lineage + fidelity_regime + fidelity_cost - 1) < 0.000001)
);
COMMENT ON TABLE asymm.annotation_setting IS 'What an operator configured of annotations: one row at most, written by asymm.configure_annotations(); survives pg_dump.';
COMMENT ON COLUMN asymm.annotation_setting.only_row IS 'Always true: the table holds one row at most.';
COMMENT ON COLUMN asymm.annotation_setting.fidelity_lineage IS 'Weight of the depth of an annotation''s lineage in its fidelity, above 0; the three sum to 1.';
COMMENT ON COLUMN asymm.annotation_setting.fidelity_regime IS 'Weight of its regime against the measured one.';
COMMENT ON COLUMN asymm.annotation_setting.fidelity_cost IS 'Weight of its cost against the observed one.';
COMMENT ON COLUMN asymm.annotation_setting.fidelity_half_life IS 'Time in which the fidelity of an annotation in Balance halves.';

CREATE TABLE asymm._annotation_setting_default (LIKE asymm.annotation_setting INCLUDING ALL);
INSERT INTO asymm._annotation_setting_default DEFAULT VALUES;
COMMENT ON TABLE asymm._annotation_setting_default IS 'The defaults of asymm.annotation_setting as a row; never written again.';

CREATE VIEW asymm.annotation_settings AS
    SELECT a.* FROM asymm.annotation_setting AS a
    UNION ALL
    SELECT d.* FROM asymm._annotation_setting_default AS d WHERE NOT EXISTS (SELECT FROM asymm.annotation_setting);
COMMENT ON VIEW asymm.annotation_settings IS 'The settings of annotations in force, one row: those configured, else the defaults.';

SELECT pg_catalog.pg_extension_config_dump('asymm.annotation_setting', '');
