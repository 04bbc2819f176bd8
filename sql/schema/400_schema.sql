-- What is declared (baseline), what was done (ddl_log), what differs (drift_record), and where objects live now (member).

CREATE TABLE asymm.watched_schema (
    schema_name name PRIMARY KEY,
    policy text NOT NULL CONSTRAINT watched_schema_policy CHECK (policy IN ('observe', 'propose', 'heal', 'guard')),
    annotation asymm.annotation,
    watched_by name NOT NULL,
    watched_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE asymm.watched_schema IS 'Schemas watched as a whole: an object that appears in one without intent is drift.';

CREATE TABLE asymm.watched_database (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT watched_database_only_row CHECK (only_row),
    policy text NOT NULL CONSTRAINT watched_database_policy CHECK (policy IN ('observe', 'propose', 'heal', 'guard')),
    annotation asymm.annotation,
    watched_by name NOT NULL,
    watched_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE asymm.watched_database IS 'One row while the whole database is watched: whatever appears anywhere without intent is drift.';

-- Baselines of other databases, and former ones of this.
CREATE TABLE asymm.imported_baseline (
    fingerprint text PRIMARY KEY,
    document jsonb NOT NULL,
    imported_by name NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    approved_by name,
    approved_at timestamptz
);
COMMENT ON TABLE asymm.imported_baseline IS 'Baseline documents taken in by import_baseline(), data only until approved, and those they took the place of.';

-- Databases of the fleet as they were last reported; news, not a declaration, so it is not dumped.
CREATE TABLE asymm.fleet_member (
    name text COLLATE "C" PRIMARY KEY,
    fingerprint text NOT NULL CONSTRAINT fleet_member_fingerprint CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    label text,
    seen_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    reported_by name NOT NULL
);
COMMENT ON TABLE asymm.fleet_member IS 'The last root fingerprint of each database that was reported by report_to_fleet().';

CREATE TABLE asymm.baseline (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    schema_name text COLLATE "C" NOT NULL,
    object_name text COLLATE "C" NOT NULL,
    policy text NOT NULL CONSTRAINT baseline_policy CHECK (policy IN ('observe', 'propose', 'heal', 'guard')),
    facts jsonb NOT NULL CONSTRAINT baseline_facts CHECK (pg_catalog.jsonb_typeof(facts) = 'object'),
    layout jsonb NOT NULL DEFAULT '[]' CONSTRAINT baseline_layout CHECK (pg_catalog.jsonb_typeof(layout) = 'array'),
    fingerprint text NOT NULL CONSTRAINT baseline_fingerprint CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    annotation asymm.annotation,
    by_schema boolean NOT NULL DEFAULT false,
    watched_by name NOT NULL,
    watched_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    adopted_by name NOT NULL,
    adopted_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    reason text,
    watch_policy text CONSTRAINT baseline_watch_policy CHECK (watch_policy IN ('observe', 'propose', 'heal', 'guard')),
    CONSTRAINT baseline_object UNIQUE (kind, schema_name, object_name)
);
CREATE INDEX baseline_guard ON asymm.baseline (id) WHERE policy = 'guard';
COMMENT ON TABLE asymm.baseline IS 'Declared state of each watched object, as data: facts, fingerprint, policy; survives pg_dump.';
COMMENT ON COLUMN asymm.baseline.kind IS 'The word of pg_identify_object(): table, view, function, type, ….';
COMMENT ON COLUMN asymm.baseline.schema_name IS 'Empty for kinds that live in no schema.';
COMMENT ON COLUMN asymm.baseline.object_name IS 'The bare name, or where that says too little what stands behind the schema: f(integer).';
COMMENT ON COLUMN asymm.baseline.facts IS 'part → name → attribute → value, canonical; see asymm._object_facts().';
COMMENT ON COLUMN asymm.baseline.layout IS 'What remaking an object needs besides (the order of columns); never compared.';
COMMENT ON COLUMN asymm.baseline.fingerprint IS 'SHA-256 over the facts (Merkle: part, then object).';
COMMENT ON COLUMN asymm.baseline.policy IS 'The policy in force for the object, rules by hazard and size apart: what policy_rule makes of watch_policy.';
COMMENT ON COLUMN asymm.baseline.watch_policy IS 'The policy that watch(), watch_schema(), watch_database() or approve_baseline() gave it; NULL in what was dumped before there were rules: as policy.';
COMMENT ON COLUMN asymm.baseline.by_schema IS 'Watched through watch_schema() or watch_database(), not by itself.';

SELECT pg_catalog.pg_extension_config_dump('asymm.watched_schema', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.watched_database', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.baseline', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.baseline_id_seq', '');

-- Where a watched object and its parts live in this catalog; rebuilt from names by resume(), never dumped.
CREATE TABLE asymm.member (
    class_id oid NOT NULL,
    object_id oid NOT NULL,
    sub_id integer NOT NULL DEFAULT 0,
    baseline_id bigint NOT NULL REFERENCES asymm.baseline ON DELETE CASCADE,
    part text NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (class_id, object_id, sub_id)
);
CREATE INDEX member_baseline ON asymm.member (baseline_id);
COMMENT ON TABLE asymm.member IS 'Catalog addresses of watched objects and their parts: finds the baseline of a DDL command, and tells a rename from a drop.';

CREATE TABLE asymm.baseline_state (
    baseline_id bigint PRIMARY KEY REFERENCES asymm.baseline ON DELETE CASCADE,
    object_id oid,
    header text,
    fingerprint text,
    held text,
    checked_at timestamptz,
    checked_xid xid8,
    checked_snapshot pg_snapshot,
    unplanned text,
    class_id oid
);
CREATE INDEX baseline_state_object ON asymm.baseline_state (object_id);
CREATE INDEX baseline_state_unplanned ON asymm.baseline_state (baseline_id) WHERE unplanned IS NOT NULL;
COMMENT ON TABLE asymm.baseline_state IS 'What was last seen of each watched object, and where: catalog (class_id) and OID.';
COMMENT ON COLUMN asymm.baseline_state.header IS 'Hash of the catalog row headers (xmin, ctid) at the last look; unchanged headers need no second look.';
COMMENT ON COLUMN asymm.baseline_state.checked_snapshot IS 'What was visible (besides checked_xid) when the object last agreed with its baseline: DDL in it is accounted for.';
COMMENT ON COLUMN asymm.baseline_state.held IS 'Why policy heal only proposes for this object now (a revert, a relapse); cleared by heal(), adopt() or watch().';
COMMENT ON COLUMN asymm.baseline_state.unplanned IS 'Set while drift is recorded that has no plan yet: why its repair is to be held back, or empty.';

CREATE TABLE asymm.ddl_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    pid integer NOT NULL DEFAULT pg_catalog.pg_backend_pid(),
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    role name NOT NULL,
    login name NOT NULL,
    application text,
    client_addr inet,
    command_tag text NOT NULL,
    statement text,
    intent text,
    intended boolean NOT NULL DEFAULT false,
    action_id bigint,
    class_ids oid[] NOT NULL DEFAULT '{}',
    object_ids oid[] NOT NULL DEFAULT '{}',
    identities text[] NOT NULL DEFAULT '{}',
    parent_schemas text[] NOT NULL DEFAULT '{}',
    parent_names text[] NOT NULL DEFAULT '{}',
    seen boolean NOT NULL DEFAULT false
);
CREATE INDEX ddl_log_unseen ON asymm.ddl_log (id) WHERE NOT seen;
CREATE INDEX ddl_log_at ON asymm.ddl_log (at);
COMMENT ON TABLE asymm.ddl_log IS 'DDL commands as the event triggers saw them: who, from where, when, what; one row a command.';
COMMENT ON COLUMN asymm.ddl_log.action_id IS 'The ledger''s own statement, by asymm.action; neither a slip nor an intent, and looked at all the same.';
COMMENT ON COLUMN asymm.ddl_log.parent_schemas IS 'With parent_names: tables that a dropped part belonged to.';
COMMENT ON COLUMN asymm.ddl_log.class_ids IS 'With object_ids: what a command names. A catalog without an object: the command changed rights of objects there, which it does not name.';
COMMENT ON COLUMN asymm.ddl_log.intended IS 'Announced by asymm.intent, a migrator role or a migrator application: becomes the new baseline.';

-- Whose turn it is to inspect: the row is locked by one loop at a time. An advisory lock would not do, since any login
-- could hold it for ever.
CREATE TABLE asymm.turn (only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT turn_only_row CHECK (only_row));
INSERT INTO asymm.turn DEFAULT VALUES;
COMMENT ON TABLE asymm.turn IS 'One row, locked by the session that turns DDL into drift and actions.';

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

-- One row per difference from the baseline, from the moment it is seen until it is gone.
CREATE TABLE asymm.drift_record (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    baseline_id bigint REFERENCES asymm.baseline ON DELETE CASCADE,
    kind text NOT NULL,
    schema_name text COLLATE "C" NOT NULL,
    object_name text COLLATE "C" NOT NULL,
    part text NOT NULL,
    name text NOT NULL,
    attribute text,
    declared jsonb,
    actual jsonb,
    ddl_log_id bigint REFERENCES asymm.ddl_log ON DELETE SET NULL,
    found_by text NOT NULL CONSTRAINT drift_record_found_by CHECK (found_by IN ('ddl_log', 'header_scan', 'full_scan', 'call')),
    action_id bigint REFERENCES asymm.action ON DELETE SET NULL,
    state text NOT NULL DEFAULT 'open' CONSTRAINT drift_record_state CHECK (state IN ('open', 'healed', 'adopted', 'vanished', 'superseded')),
    noticed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    resolved_at timestamptz
);
CREATE UNIQUE INDEX drift_record_open ON asymm.drift_record (kind, schema_name, object_name, part, name, (COALESCE(attribute, '')))
    WHERE state = 'open';
CREATE INDEX drift_record_history ON asymm.drift_record (baseline_id, id);
CREATE INDEX drift_record_ddl_log ON asymm.drift_record (ddl_log_id);
CREATE INDEX drift_record_action ON asymm.drift_record (action_id);
COMMENT ON TABLE asymm.drift_record IS 'Each difference between baseline and catalog: where, from what to what, who did it, how it ended.';

-- Of options that may be passwords only hashes with this key are facts. Random, made with the extension and never dumped:
-- a restored or copied declaration then says that its hashes are another key's.
CREATE TABLE asymm.secret_key (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT secret_key_only_row CHECK (only_row),
    key bytea NOT NULL DEFAULT pg_catalog.sha256(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
                                                 OPERATOR(pg_catalog.||) pg_catalog.uuid_send(pg_catalog.gen_random_uuid()))
);
INSERT INTO asymm.secret_key DEFAULT VALUES;
COMMENT ON TABLE asymm.secret_key IS 'The random key of this database for hashes of secret options; one row.';
