-- From the first snapshot to 0.1.0. Whatever sql/schema/ holds that 0.0.1 did not have comes here as DDL; functions and
-- views that were dropped or whose signature changed are dropped here, since sql/api/ follows and only replaces.

-- The DDL log can be read for one table alone: another signature.
DROP FUNCTION asymm._process_ddl();

CREATE TABLE asymm.secret_key (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT secret_key_only_row CHECK (only_row),
    key bytea NOT NULL DEFAULT pg_catalog.sha256(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
                                                 OPERATOR(pg_catalog.||) pg_catalog.uuid_send(pg_catalog.gen_random_uuid()))
);
INSERT INTO asymm.secret_key DEFAULT VALUES;
COMMENT ON TABLE asymm.secret_key IS 'The random key of this database for hashes of secret options; one row.';

-- More columns.
DROP VIEW asymm.heartbeat;
DROP FUNCTION asymm._process_grants(bigint[]);
DROP FUNCTION asymm._compare_headers(text, bigint);

-- Not tables only: a function's name carries its arguments. Readers lock the views before the tables.
DROP VIEW asymm.drift;
DROP VIEW asymm.watched;
ALTER TABLE asymm.baseline DROP CONSTRAINT baseline_kind,
    ALTER COLUMN schema_name TYPE text COLLATE "C", ALTER COLUMN object_name TYPE text COLLATE "C";
ALTER TABLE asymm.drift_record
    ALTER COLUMN schema_name TYPE text COLLATE "C", ALTER COLUMN object_name TYPE text COLLATE "C";
DROP INDEX asymm.drift_record_open;
CREATE UNIQUE INDEX drift_record_open ON asymm.drift_record (kind, schema_name, object_name, part, name, (COALESCE(attribute, ''))) WHERE state = 'open';
DROP FUNCTION asymm._plan(name, name, jsonb, jsonb, jsonb, oid, jsonb);

-- A beat is committed in two halves: what drifted, then how it is repaired.
ALTER TABLE asymm.baseline_state ADD COLUMN unplanned text;
COMMENT ON COLUMN asymm.baseline_state.unplanned IS 'Set while drift is recorded that has no plan yet: why its repair is to be held back, or empty.';
CREATE INDEX baseline_state_unplanned ON asymm.baseline_state (baseline_id) WHERE unplanned IS NOT NULL;
DROP FUNCTION asymm._merge_reports(jsonb, jsonb);

-- The whole database, and baselines from elsewhere.
CREATE TABLE asymm.watched_database (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT watched_database_only_row CHECK (only_row),
    policy text NOT NULL CONSTRAINT watched_database_policy CHECK (policy IN ('observe', 'propose', 'heal', 'guard')),
    annotation asymm.annotation,
    watched_by name NOT NULL,
    watched_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE asymm.watched_database IS 'One row while the whole database is watched: whatever appears anywhere without intent is drift.';
SELECT pg_catalog.pg_extension_config_dump('asymm.watched_database', '');
CREATE TABLE asymm.imported_baseline (
    fingerprint text PRIMARY KEY,
    document jsonb NOT NULL,
    imported_by name NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    approved_by name,
    approved_at timestamptz
);
COMMENT ON TABLE asymm.imported_baseline IS 'Baseline documents taken in by import_baseline(), data only until approved, and those they took the place of.';
