-- From the first snapshot to 0.1.0. Whatever sql/schema/ holds that 0.0.1 did not have comes here as DDL; functions and
-- views that were dropped or whose signature changed are dropped here, since sql/api/ follows and only replaces.

-- Beats and readers go on meanwhile, and lock in an order of their own: what is changed below is locked together or not at all,
-- so that nobody waits for anybody in a circle.
DO $locks$
DECLARE
    v_timeout text := pg_catalog.current_setting('lock_timeout');
    v_until timestamptz := pg_catalog.clock_timestamp() + interval '60 s';
BEGIN
    LOOP
        BEGIN
            PERFORM pg_catalog.set_config('lock_timeout', '20ms', true);
            DROP VIEW asymm.heartbeat, asymm.drift, asymm.actions, asymm.watched;
            LOCK TABLE asymm.baseline, asymm.drift_record, asymm.baseline_state, asymm.action, asymm.watched_schema IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF pg_catalog.clock_timestamp() > v_until THEN
                RAISE;
            END IF;
            PERFORM pg_catalog.pg_sleep(0.01 + pg_catalog.random() / 20);
        END;
    END LOOP;
    PERFORM pg_catalog.set_config('lock_timeout', v_timeout, true);
END
$locks$;

-- κ is an ordered type. No column and no default may be of a type that is altered: columns are text meanwhile, functions made anew.
DROP FUNCTION asymm.watch(regclass, text, asymm.annotation);
DROP FUNCTION asymm.watch_schema(name, text, asymm.annotation);
CREATE TYPE asymm.cost AS ENUM ('O(1)', 'O(log n)', 'O(n)', 'O(n log n)', 'O(n^2)', 'O(n^3)', 'O(2^n)');
COMMENT ON TYPE asymm.cost IS 'Complexity classes, the cheapest first: compare, sort, index, min() and max() them. asymm.to_cost(text) reads other spellings.';
ALTER TABLE asymm.baseline ALTER COLUMN annotation TYPE text;
ALTER TABLE asymm.watched_schema ALTER COLUMN annotation TYPE text;
ALTER TYPE asymm.annotation ALTER ATTRIBUTE cost TYPE asymm.cost;
ALTER TABLE asymm.baseline ALTER COLUMN annotation TYPE asymm.annotation USING annotation::asymm.annotation;
ALTER TABLE asymm.watched_schema ALTER COLUMN annotation TYPE asymm.annotation USING annotation::asymm.annotation;

@schema 106_annotation_setting.sql
@schema 107_context.sql
@schema 108_quarantine.sql

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
DROP FUNCTION asymm._process_grants(bigint[]);
DROP FUNCTION asymm._compare_headers(text, bigint);

-- Not tables only: a function's name carries its arguments.
ALTER TABLE asymm.baseline DROP CONSTRAINT baseline_kind,
    ALTER COLUMN schema_name TYPE text COLLATE "C", ALTER COLUMN object_name TYPE text COLLATE "C";
ALTER TABLE asymm.drift_record
    ALTER COLUMN schema_name TYPE text COLLATE "C", ALTER COLUMN object_name TYPE text COLLATE "C";
DROP INDEX asymm.drift_record_open;
CREATE UNIQUE INDEX drift_record_open ON asymm.drift_record (kind, schema_name, object_name, part, name, (COALESCE(attribute, ''))) WHERE state = 'open';
DROP FUNCTION asymm._plan(name, name, jsonb, jsonb, jsonb, oid, jsonb);
DROP FUNCTION asymm._option_changes(jsonb, jsonb, text);

-- A beat is committed in two halves: what drifted, then how it is repaired.
ALTER TABLE asymm.baseline_state ADD COLUMN unplanned text;
COMMENT ON COLUMN asymm.baseline_state.unplanned IS 'Set while drift is recorded that has no plan yet: why its repair is to be held back, or empty.';
CREATE INDEX baseline_state_unplanned ON asymm.baseline_state (baseline_id) WHERE unplanned IS NOT NULL;
DROP FUNCTION asymm._merge_reports(jsonb, jsonb);

COMMENT ON COLUMN asymm.ddl_log.class_ids IS 'With object_ids: what a command names. A catalog without an object: the command changed rights of objects there, which it does not name.';

-- Any kind of object is watched, found by catalog and OID, and repaired; the whole database can be watched.
ALTER TABLE asymm.baseline_state RENAME COLUMN relid TO object_id;
DROP INDEX asymm.baseline_state_relid;
CREATE INDEX baseline_state_object ON asymm.baseline_state (object_id);
ALTER TABLE asymm.baseline_state ADD COLUMN class_id oid;
UPDATE asymm.baseline_state SET class_id = 'pg_catalog.pg_class'::pg_catalog.regclass
 WHERE object_id IS NOT NULL;
COMMENT ON TABLE asymm.baseline_state IS 'What was last seen of each watched object, and where: catalog (class_id) and OID.';
ALTER TABLE asymm.action ADD COLUMN object_kind text, ADD COLUMN schema_name text COLLATE "C", ADD COLUMN object_name text COLLATE "C";
UPDATE asymm.action SET object_kind = 'table', schema_name = (pg_catalog.parse_ident(target))[1],
       object_name = (pg_catalog.parse_ident(target))[2];
CREATE INDEX action_changed ON asymm.action (changed_at);
COMMENT ON COLUMN asymm.action.target IS 'The object as it is displayed; its kind and names stand in object_kind, schema_name and object_name.';
COMMENT ON COLUMN asymm.action.steps IS 'Ordered statements: [{step, kind, object, part, name, forward, inverse, lock_class, hazards, precondition}]; kind and object say whose they are.';
COMMENT ON COLUMN asymm.baseline.kind IS 'The word of pg_identify_object(): table, view, function, type, ….';
COMMENT ON COLUMN asymm.baseline.schema_name IS 'Empty for kinds that live in no schema.';
COMMENT ON COLUMN asymm.baseline.object_name IS 'The bare name, or where that says too little what stands behind the schema: f(integer).';
COMMENT ON COLUMN asymm.baseline.facts IS 'part → name → attribute → value, canonical; see asymm._object_facts().';
COMMENT ON COLUMN asymm.baseline.layout IS 'What remaking an object needs besides (the order of columns); never compared.';
COMMENT ON COLUMN asymm.baseline.by_schema IS 'Watched through watch_schema() or watch_database(), not by itself.';
COMMENT ON TABLE asymm.watched_schema IS 'Schemas watched as a whole: an object that appears in one without intent is drift.';
DROP FUNCTION asymm._changed_headers();
DROP FUNCTION asymm._finish_action(bigint, jsonb);
DROP FUNCTION asymm._declare(oid[], text, asymm.annotation, boolean, text);
DROP FUNCTION asymm._hold_reason(asymm.baseline, oid, jsonb, jsonb);
DROP FUNCTION asymm._look(bigint);
DROP FUNCTION asymm._propose(bigint, text, name, jsonb, text, jsonb, text);
DROP FUNCTION asymm._record_drift(bigint, text, name, name, jsonb, text, bigint);
DROP FUNCTION asymm._refresh_members(bigint[]);
DROP FUNCTION asymm._relid(text);
DROP FUNCTION asymm._require_declared(oid[]);
DROP FUNCTION asymm._require_table(regclass);
DROP FUNCTION asymm._resolve(text);
DROP FUNCTION asymm._schema_tables(name);
DROP FUNCTION asymm._set_baseline(bigint, jsonb, jsonb, text, name, name);
DROP FUNCTION asymm._steps(name, name, jsonb, jsonb, jsonb, oid, jsonb);
DROP FUNCTION asymm._touched_parts(jsonb, jsonb);

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
CREATE TABLE asymm.fleet_member (
    name text COLLATE "C" PRIMARY KEY,
    fingerprint text NOT NULL CONSTRAINT fleet_member_fingerprint CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    label text,
    seen_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    reported_by name NOT NULL
);
COMMENT ON TABLE asymm.fleet_member IS 'The last root fingerprint of each database that was reported by report_to_fleet().';

-- While the catalogs stay as they are, no watched table needs to be asked.
CREATE TABLE asymm.catalogs_seen (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT catalogs_seen_only_row CHECK (only_row),
    horizon xid8,
    rows bigint[],
    writes bigint[],
    full_horizon xid8,
    full_rows bigint[],
    full_at timestamptz
);
INSERT INTO asymm.catalogs_seen DEFAULT VALUES;
COMMENT ON TABLE asymm.catalogs_seen IS 'What the last scans saw of the catalogs as a whole.';
COMMENT ON COLUMN asymm.catalogs_seen.horizon IS 'The oldest transaction that ran when headers were compared: all before it was finished.';
COMMENT ON COLUMN asymm.catalogs_seen.rows IS 'How many rows each catalog had, if every watched table was in step; see asymm._catalog_rows().';
COMMENT ON COLUMN asymm.catalogs_seen.writes IS 'What asymm._catalog_writes() said before headers were compared and found in step.';
COMMENT ON COLUMN asymm.catalogs_seen.full_horizon IS 'The same for the last scan that read everything, with full_rows over all catalogs that facts are read from.';
COMMENT ON COLUMN asymm.catalogs_seen.full_at IS 'When everything was read last.';

-- A beat asks at once whether there is anything to do.
DROP FUNCTION asymm._beat_begin(text, text, boolean);

-- The DDL log asks the guards itself, and only where there is one: a second function was called with everybody's DDL. DDL that is
-- under way calls it still, so it stays.
DROP EVENT TRIGGER asymm_guard_end;
DROP EVENT TRIGGER asymm_guard_drop;

-- Objects of any kind may be undeclared.
DROP FUNCTION asymm._inspect_undeclared(text, bigint);

-- It tells of hazards too.
DROP FUNCTION asymm.revert(bigint, boolean, boolean);

@schema 305_policy.sql
ALTER TABLE asymm.baseline ADD COLUMN watch_policy text CONSTRAINT baseline_watch_policy CHECK (watch_policy IN ('observe', 'propose', 'heal', 'guard'));
COMMENT ON COLUMN asymm.baseline.policy IS 'The policy in force for the object, rules by hazard and size apart: what policy_rule makes of watch_policy.';
COMMENT ON COLUMN asymm.baseline.watch_policy IS 'The policy that watch(), watch_schema(), watch_database() or approve_baseline() gave it; NULL in what was dumped before there were rules: as policy.';

@schema 500_workload.sql
@schema 550_advisor.sql

-- Indexes: settings, kinds of actions, what becomes of them.
@schema 566_index_setting.sql
ALTER TABLE asymm.action DROP CONSTRAINT action_kind,
    ADD CONSTRAINT action_kind CHECK (kind IN ('heal', 'adopt', 'create index', 'drop index', 'reindex', 'merge'));
@schema 570_index_action.sql

-- The mirror.
@schema 600_mirror.sql
@schema 610_reads.sql
@schema 612_read_latency.sql

-- Entities.
@schema 660_entity.sql

-- Telemetry and findings.
@schema 700_telemetry.sql
@schema 705_finding.sql
@schema 707_latency.sql
@schema 710_sonar_setting.sql
@schema 730_state.sql

-- The graph.
@schema 200_graph.sql

-- What statements cost, and what is expected of them.
@schema 520_expectation.sql

-- Duplicates.
@schema 650_duplicate.sql
@schema 660_duplicate_watch.sql

-- Privacy.
@schema 850_privacy.sql
@schema 860_audit.sql
@schema 870_erasure.sql

-- Alerts.
@schema 880_alert.sql

-- Encore: replays of statements.
@schema 530_replay.sql
