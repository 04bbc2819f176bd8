\echo Use "CREATE EXTENSION asymmetrica" to load this file. \quit

-- schema/000_header.sql
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

-- schema/100_annotation.sql
-- The annotation tuple (σ, ρ, γ, κ, λ) with its weight. Values are validated where they enter: asymm.annotate(), the
-- cast from jsonb, and CHECK constraints of the tables that store one.

CREATE TYPE asymm.annotation AS (
    symbol text,
    scope text,
    regime text,
    cost text,
    lineage text[],
    weight double precision
);
COMMENT ON TYPE asymm.annotation IS 'What a thing is (symbol), where it applies (scope), its phase (regime), its complexity class (cost), what it came from (lineage, oldest first) and the evidence behind it (weight > 0).';

-- schema/300_action.sql
-- The ledger: every change the system makes or proposes on its own, with its inverse, evidence and history.

CREATE TABLE asymm.action (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CONSTRAINT action_kind CHECK (kind IN ('heal', 'adopt')),
    baseline_id bigint,
    target text NOT NULL,
    owner name,
    state text NOT NULL CONSTRAINT action_state CHECK (state IN
        ('proposed', 'approved', 'applying', 'applied', 'verified', 'rejected', 'reverting', 'reverted', 'failed', 'expired')),
    reason text,
    requested_by name NOT NULL,
    steps jsonb NOT NULL DEFAULT '[]' CONSTRAINT action_steps CHECK (pg_catalog.jsonb_typeof(steps) = 'array'),
    fingerprint_before text,
    fingerprint_after text,
    evidence_before jsonb,
    evidence_after jsonb,
    error jsonb,
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    applied_by name,
    applied_at timestamptz
);
CREATE INDEX action_approved ON asymm.action (due_at) WHERE state = 'approved';
CREATE INDEX action_open ON asymm.action (baseline_id) WHERE state IN ('proposed', 'approved', 'applying', 'reverting');
CREATE INDEX action_history ON asymm.action (baseline_id, id);
CREATE INDEX action_applied ON asymm.action (applied_at);
COMMENT ON TABLE asymm.action IS 'Ledger of changes proposed or made: forward and inverse statements (steps), evidence before and after, state.';
COMMENT ON COLUMN asymm.action.steps IS 'Ordered statements: [{step, part, name, forward, inverse, lock_class, hazards, precondition}].';
COMMENT ON COLUMN asymm.action.owner IS 'Owner of the target when the action was made; only members of it may run the action.';
COMMENT ON COLUMN asymm.action.fingerprint_before IS 'Fingerprint the plan was made for; a target that has moved on expires the action.';

-- Every state an action was ever in, and who put it there.
CREATE TABLE asymm.action_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action_id bigint NOT NULL REFERENCES asymm.action ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    from_state text,
    to_state text NOT NULL,
    by_role name NOT NULL,
    note text
);
CREATE INDEX action_event_action ON asymm.action_event (action_id, id);
COMMENT ON TABLE asymm.action_event IS 'History of the ledger: each state change with its time, role and note.';

-- schema/400_schema.sql
-- What is declared (baseline), what was done (ddl_log), what differs (drift_record), and where objects live now (member).

CREATE TABLE asymm.watched_schema (
    schema_name name PRIMARY KEY,
    policy text NOT NULL CONSTRAINT watched_schema_policy CHECK (policy IN ('observe', 'propose', 'heal', 'guard')),
    annotation asymm.annotation,
    watched_by name NOT NULL,
    watched_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE asymm.watched_schema IS 'Schemas watched as a whole: a table that appears in one without intent is drift.';

CREATE TABLE asymm.baseline (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CONSTRAINT baseline_kind CHECK (kind IN ('table')),
    schema_name name NOT NULL,
    object_name name NOT NULL,
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
    CONSTRAINT baseline_object UNIQUE (kind, schema_name, object_name)
);
CREATE INDEX baseline_guard ON asymm.baseline (id) WHERE policy = 'guard';
COMMENT ON TABLE asymm.baseline IS 'Declared state of each watched object, as data: facts, fingerprint, policy; survives pg_dump.';
COMMENT ON COLUMN asymm.baseline.facts IS 'part → name → attribute → value, canonical; see asymm._table_facts().';
COMMENT ON COLUMN asymm.baseline.layout IS 'Column names in order; used to remake a table, never compared.';
COMMENT ON COLUMN asymm.baseline.fingerprint IS 'SHA-256 over the facts (Merkle: part, then object).';
COMMENT ON COLUMN asymm.baseline.by_schema IS 'Watched through watch_schema(), not by itself.';

SELECT pg_catalog.pg_extension_config_dump('asymm.watched_schema', '');
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
    relid oid,
    header text,
    fingerprint text,
    held text,
    checked_at timestamptz,
    checked_xid xid8,
    checked_snapshot pg_snapshot
);
CREATE INDEX baseline_state_relid ON asymm.baseline_state (relid);
COMMENT ON TABLE asymm.baseline_state IS 'What was last seen of each watched object.';
COMMENT ON COLUMN asymm.baseline_state.header IS 'Hash of the catalog row headers (xmin, ctid) at the last look; unchanged headers need no second look.';
COMMENT ON COLUMN asymm.baseline_state.checked_snapshot IS 'What was visible (besides checked_xid) when the object last agreed with its baseline: DDL in it is accounted for.';
COMMENT ON COLUMN asymm.baseline_state.held IS 'Why policy heal only proposes for this object now (a revert, a relapse); cleared by heal(), adopt() or watch().';

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
COMMENT ON COLUMN asymm.ddl_log.intended IS 'Announced by asymm.intent, a migrator role or a migrator application: becomes the new baseline.';

-- Whose turn it is to inspect: the row is locked by one loop at a time. An advisory lock would not do, since any login
-- could hold it for ever.
CREATE TABLE asymm.turn (only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT turn_only_row CHECK (only_row));
INSERT INTO asymm.turn DEFAULT VALUES;
COMMENT ON TABLE asymm.turn IS 'One row, locked by the session that turns DDL into drift and actions.';

-- One row per difference from the baseline, from the moment it is seen until it is gone.
CREATE TABLE asymm.drift_record (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    baseline_id bigint REFERENCES asymm.baseline ON DELETE CASCADE,
    kind text NOT NULL,
    schema_name name NOT NULL,
    object_name name NOT NULL,
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
CREATE UNIQUE INDEX drift_record_open ON asymm.drift_record (schema_name, object_name, part, name, (COALESCE(attribute, ''))) WHERE state = 'open';
CREATE INDEX drift_record_history ON asymm.drift_record (baseline_id, id);
CREATE INDEX drift_record_ddl_log ON asymm.drift_record (ddl_log_id);
CREATE INDEX drift_record_action ON asymm.drift_record (action_id);
COMMENT ON TABLE asymm.drift_record IS 'Each difference between baseline and catalog: where, from what to what, who did it, how it ended.';

-- schema/800_pulse.sql
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

-- api/000_settings.sql
-- Who calls, what is configured, and the checks every public function shares.

CREATE OR REPLACE FUNCTION asymm._caller() RETURNS name
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$ SELECT COALESCE(NULLIF(current_setting('role', true), 'none'), session_user)::name $$;
COMMENT ON FUNCTION asymm._caller() IS 'The role that calls: the one chosen by SET ROLE, else the login; unlike current_user it is not hidden by SECURITY DEFINER.';

CREATE OR REPLACE FUNCTION asymm._may_act(owner name) RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(
        (SELECT r.rolsuper OR (o.oid IS NOT NULL AND pg_has_role(r.oid, o.oid, 'MEMBER'))
           FROM pg_roles r LEFT JOIN pg_roles o ON o.rolname = _may_act.owner
          WHERE r.rolname = asymm._caller()), false)
$$;
COMMENT ON FUNCTION asymm._may_act(name) IS 'True when the caller is a superuser or a member of the given owner.';

-- ANALYZE, REINDEX or REFRESH run a table owner's functions as that owner, but in the session of who gave the command
-- (autovacuum: a superuser), so _caller() would take one for the other. UNLISTEN is refused there and does nothing else.
CREATE OR REPLACE FUNCTION asymm._require_session() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UNLISTEN asymm_nobody;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'permission denied inside of a maintenance command'
        USING ERRCODE = 'insufficient_privilege',
              DETAIL = 'A function of an index, a materialized view or a constraint tried to act for whoever maintains it.',
              HINT = 'Call it in a session of its own.';
END
$$;
COMMENT ON FUNCTION asymm._require_session() IS 'Raises 42501 inside of ANALYZE, REINDEX, REFRESH and the like, where the session is not that of the caller.';

CREATE OR REPLACE FUNCTION asymm._require_rights(owner name, object text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_session();
    IF NOT asymm._may_act(owner) THEN
        RAISE EXCEPTION 'permission denied for "%"', object
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('Role "%s" is not a member of "%s", the owner.', asymm._caller(), owner),
                  HINT = format('Ask a superuser for: GRANT %I TO %I', owner, asymm._caller());
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_rights(name, text) IS 'Raises 42501 unless the caller may act for the owner of the object.';

CREATE OR REPLACE FUNCTION asymm._require_text(value text, argument text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF value IS NULL THEN
        RAISE EXCEPTION 'argument "%" is null', argument
            USING ERRCODE = 'null_value_not_allowed', DETAIL = 'Every argument without a default is needed.',
                  HINT = format('Pass a value: %s => …', argument);
    ELSIF btrim(value, E' \t\n\r') = '' THEN
        RAISE EXCEPTION 'argument "%" is empty', argument
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'An empty or blank text names nothing.',
                  HINT = format('Pass a value: %s => …', argument);
    END IF;
    RETURN value;
END
$$;
COMMENT ON FUNCTION asymm._require_text(text, text) IS 'Returns the value; raises 22004 when it is null and 22023 when it is blank, naming the argument.';

CREATE OR REPLACE FUNCTION asymm._require_policy(policy text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF asymm._require_text(policy, 'policy') NOT IN ('observe', 'propose', 'heal', 'guard') THEN
        RAISE EXCEPTION 'policy "%" does not exist', policy
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Policies are observe, propose, heal and guard.',
                  HINT = 'Use policy => ''propose'' to be asked before anything is changed.';
    END IF;
    RETURN policy;
END
$$;
COMMENT ON FUNCTION asymm._require_policy(text) IS 'Returns the policy; raises 22023 when there is none of that name.';

CREATE OR REPLACE FUNCTION asymm._settings() RETURNS asymm.setting
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s::asymm.setting FROM (SELECT * FROM asymm.settings) AS s
$$;
COMMENT ON FUNCTION asymm._settings() IS 'The settings in force as one row.';

CREATE OR REPLACE FUNCTION asymm.configure(
    period interval DEFAULT NULL,
    notify text DEFAULT NULL,
    header_scan_every interval DEFAULT NULL,
    full_scan_every interval DEFAULT NULL,
    migrator_roles name[] DEFAULT NULL,
    migrator_applications text[] DEFAULT NULL,
    lock_timeout interval DEFAULT NULL,
    max_actions_per_hour integer DEFAULT NULL,
    max_table_bytes bigint DEFAULT NULL,
    relapse_limit integer DEFAULT NULL,
    relapse_window interval DEFAULT NULL,
    statement_chars integer DEFAULT NULL,
    retention interval DEFAULT NULL,
    weight_exploration double precision DEFAULT NULL,
    weight_optimization double precision DEFAULT NULL,
    weight_stabilization double precision DEFAULT NULL
) RETURNS asymm.setting
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_row asymm.setting;
    v_unknown text;
    v_constraint text;
BEGIN
    PERFORM asymm._require_session();
    SELECT string_agg(quote_ident(r.name), ', ') INTO v_unknown
      FROM unnest(configure.migrator_roles) AS r (name)
     WHERE NOT EXISTS (SELECT FROM pg_roles p WHERE p.rolname = r.name);
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION 'no such role: %', v_unknown
            USING ERRCODE = 'undefined_object', DETAIL = 'migrator_roles lists roles of this server.',
                  HINT = 'See SELECT rolname FROM pg_roles; or pass migrator_roles => ''{}'' for none.';
    END IF;
    -- One writer at a time: the second waits, then sees the first one's row.
    LOCK TABLE asymm.setting IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO asymm.setting DEFAULT VALUES ON CONFLICT DO NOTHING;
    UPDATE asymm.setting AS s SET
        period = COALESCE(configure.period, s.period),
        notify = COALESCE(configure.notify, s.notify),
        header_scan_every = COALESCE(configure.header_scan_every, s.header_scan_every),
        full_scan_every = COALESCE(configure.full_scan_every, s.full_scan_every),
        migrator_roles = COALESCE(configure.migrator_roles, s.migrator_roles),
        migrator_applications = COALESCE(configure.migrator_applications, s.migrator_applications),
        lock_timeout = COALESCE(configure.lock_timeout, s.lock_timeout),
        max_actions_per_hour = COALESCE(configure.max_actions_per_hour, s.max_actions_per_hour),
        max_table_bytes = COALESCE(configure.max_table_bytes, s.max_table_bytes),
        relapse_limit = COALESCE(configure.relapse_limit, s.relapse_limit),
        relapse_window = COALESCE(configure.relapse_window, s.relapse_window),
        statement_chars = COALESCE(configure.statement_chars, s.statement_chars),
        retention = COALESCE(configure.retention, s.retention),
        weight_exploration = COALESCE(configure.weight_exploration, s.weight_exploration),
        weight_optimization = COALESCE(configure.weight_optimization, s.weight_optimization),
        weight_stabilization = COALESCE(configure.weight_stabilization, s.weight_stabilization)
    RETURNING s.* INTO v_row;
    PERFORM asymm._record_place();
    RETURN v_row;
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
    RAISE EXCEPTION 'setting refused by "%"', v_constraint
        USING ERRCODE = 'invalid_parameter_value',
              DETAIL = COALESCE((SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c
                                  WHERE c.conrelid = 'asymm.setting'::regclass AND c.conname = v_constraint),
                                'The value is outside of what the setting allows.'),
              HINT = 'Nothing was changed. SELECT * FROM asymm.settings shows what is in force.';
END
$$;
COMMENT ON FUNCTION asymm.configure(interval, text, interval, interval, name[], text[], interval, integer, bigint, integer, interval, integer, interval, double precision, double precision, double precision)
    IS 'Changes settings; NULL leaves one as it is. Returns the row in force. Raises 22023 for a value out of range, 42704 for an unknown role.';

-- api/100_annotation.sql
-- Annotations: validation and JSON in both directions (Greek keys out, Greek or ASCII keys in).

CREATE OR REPLACE FUNCTION asymm._annotation_fault(annotation asymm.annotation) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN annotation IS NOT DISTINCT FROM NULL THEN NULL
        WHEN (annotation).symbol IS NULL OR btrim((annotation).symbol) = '' THEN 'symbol is empty'
        WHEN (annotation).scope IS NULL OR (annotation).scope NOT IN ('local', 'module', 'global')
            THEN 'scope is none of local, module, global'
        WHEN (annotation).regime IS NULL OR (annotation).regime NOT IN ('Support', 'Exploration', 'Balance')
            THEN 'regime is none of Support, Exploration, Balance'
        WHEN (annotation).cost IS NULL
             OR (annotation).cost NOT IN ('O(1)', 'O(log n)', 'O(n)', 'O(n log n)', 'O(n^2)', 'O(n^3)', 'O(2^n)')
            THEN 'cost is none of O(1), O(log n), O(n), O(n log n), O(n^2), O(n^3), O(2^n)'
        WHEN (annotation).lineage IS NULL OR array_position((annotation).lineage, NULL) IS NOT NULL
             OR array_ndims((annotation).lineage) > 1
            THEN 'lineage is not a flat list of texts without nulls'
        WHEN EXISTS (SELECT FROM unnest((annotation).lineage) AS l (entry)
                     WHERE l.entry NOT IN ('create', 'query', 'sync', 'cache', 'optimize') AND l.entry !~ '^[a-z_]+:.+$')
            THEN 'a lineage entry is neither a verb (create, query, sync, cache, optimize) nor kind:name'
        WHEN (annotation).weight IS NULL OR NOT (annotation).weight > 0 OR (annotation).weight IN ('NaN', 'Infinity')
            THEN 'weight is not a finite number above 0'
    END
$$;
COMMENT ON FUNCTION asymm._annotation_fault(asymm.annotation) IS 'What is wrong with an annotation, or NULL.';

CREATE OR REPLACE FUNCTION asymm._require_annotation(annotation asymm.annotation) RETURNS asymm.annotation
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fault text := asymm._annotation_fault(annotation);
BEGIN
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION 'annotation refused: %', v_fault
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Seen: %s', annotation),
                  HINT = 'Example: asymm.annotate(''dataEntity'', ''global'', ''Balance'', ''O(log n)'', ARRAY[''create'', ''query'']).';
    END IF;
    RETURN annotation;
END
$$;
COMMENT ON FUNCTION asymm._require_annotation(asymm.annotation) IS 'Returns the annotation; raises 22023 when a field is out of its set.';

CREATE OR REPLACE FUNCTION asymm.annotate(
    symbol text,
    scope text DEFAULT 'local',
    regime text DEFAULT 'Balance',
    cost text DEFAULT 'O(log n)',
    lineage text[] DEFAULT '{}',
    weight double precision DEFAULT 1
) RETURNS asymm.annotation
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT asymm._require_annotation(ROW(symbol, scope, regime, cost, lineage, weight)::asymm.annotation) $$;
COMMENT ON FUNCTION asymm.annotate(text, text, text, text, text[], double precision)
    IS 'Builds a validated annotation (σ, ρ, γ, κ, λ, weight). Raises 22023 when a field is out of its set.';

CREATE OR REPLACE FUNCTION asymm.annotation(document jsonb) RETURNS asymm.annotation
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_unknown text;
    v_lineage jsonb;
BEGIN
    IF jsonb_typeof(document) <> 'object' THEN
        RAISE EXCEPTION 'annotation is not a JSON object'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Seen: a JSON %s.', jsonb_typeof(document)),
                  HINT = 'Example: {"σ":"dataEntity","ρ":"global","γ":"Balance","κ":"O(log n)","λ":["create"]}';
    END IF;
    SELECT string_agg(k, ', ' ORDER BY k) INTO v_unknown FROM jsonb_object_keys(document) AS k
     WHERE k NOT IN ('σ', 'ρ', 'γ', 'κ', 'λ', 'symbol', 'scope', 'regime', 'cost', 'lineage', 'weight');
    SELECT COALESCE(v_unknown, string_agg(g.greek || ' and ' || g.ascii, ', ')) INTO v_unknown
      FROM (VALUES ('σ', 'symbol'), ('ρ', 'scope'), ('γ', 'regime'), ('κ', 'cost'), ('λ', 'lineage')) AS g (greek, ascii)
     WHERE document ?& ARRAY[g.greek, g.ascii];
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION 'annotation has unknown or doubled keys'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Seen: %s.', v_unknown),
                  HINT = 'Keys are σ ρ γ κ λ (or symbol, scope, regime, cost, lineage) and weight, each once.';
    END IF;
    v_lineage := COALESCE(document -> 'λ', document -> 'lineage', '[]');
    IF jsonb_typeof(v_lineage) <> 'array' OR jsonb_path_exists(v_lineage, '$[*] ? (@.type() != "string")')
       OR COALESCE(jsonb_typeof(document -> 'weight'), 'number') <> 'number' THEN
        RAISE EXCEPTION 'annotation has a value of the wrong type'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'λ is a list of texts, weight a number.',
                  HINT = 'Example: {"σ":"dataEntity","λ":["create","query"],"weight":1}';
    END IF;
    RETURN asymm.annotate(
        COALESCE(document ->> 'σ', document ->> 'symbol'),
        COALESCE(document ->> 'ρ', document ->> 'scope', 'local'),
        COALESCE(document ->> 'γ', document ->> 'regime', 'Balance'),
        COALESCE(document ->> 'κ', document ->> 'cost', 'O(log n)'),
        ARRAY(SELECT e FROM jsonb_array_elements_text(v_lineage) WITH ORDINALITY AS l (e, n) ORDER BY n),
        COALESCE((document ->> 'weight')::double precision, 1));
END
$$;
COMMENT ON FUNCTION asymm.annotation(jsonb)
    IS 'Reads an annotation from JSON with Greek or ASCII keys. Raises 22023 for unknown keys, wrong types or values out of their set.';

CREATE OR REPLACE FUNCTION asymm.annotation_json(annotation asymm.annotation) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN annotation IS DISTINCT FROM NULL THEN
        jsonb_build_object('σ', (annotation).symbol, 'ρ', (annotation).scope, 'γ', (annotation).regime,
                           'κ', (annotation).cost, 'λ', to_jsonb((annotation).lineage), 'weight', (annotation).weight) END
$$;
COMMENT ON FUNCTION asymm.annotation_json(asymm.annotation) IS 'The annotation as JSON with Greek keys and weight.';

-- api/300_ledger.sql
-- The ledger: states, and the pieces that run an action. What runs is what was stored when the action was made; what a
-- caller can say is only which action.

CREATE OR REPLACE FUNCTION asymm._set_action_state(action bigint, state text, note text DEFAULT NULL, error jsonb DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_from text;
BEGIN
    SELECT a.state INTO v_from FROM asymm.action a WHERE a.id = action FOR UPDATE;
    UPDATE asymm.action AS a
       SET state = _set_action_state.state, changed_at = clock_timestamp(), error = _set_action_state.error,
           reason = CASE WHEN _set_action_state.state IN ('proposed', 'approved') THEN COALESCE(note, a.reason) ELSE a.reason END
     WHERE a.id = action;
    INSERT INTO asymm.action_event (action_id, from_state, to_state, by_role, note)
    VALUES (action, v_from, _set_action_state.state, asymm._caller(), _set_action_state.note);
END
$$;
COMMENT ON FUNCTION asymm._set_action_state(bigint, text, text, jsonb) IS 'Moves an action to a state and keeps the move in its history.';

CREATE OR REPLACE FUNCTION asymm._require_action(action bigint, states text[]) RETURNS asymm.action
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action;
BEGIN
    IF action IS NULL THEN
        PERFORM asymm._require_text(NULL, 'action');
    END IF;
    SELECT a.* INTO v FROM asymm.action a WHERE a.id = action FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'action % does not exist', action
            USING ERRCODE = 'undefined_object', DETAIL = 'The ledger has no row of that number.',
                  HINT = 'SELECT id, target, state FROM asymm.actions ORDER BY id DESC;';
    END IF;
    PERFORM asymm._require_rights(v.owner, v.target);
    -- The declared owner's text runs too, so both owners must be the caller's.
    PERFORM asymm._require_rights((b.facts #>> '{table,"",owner}')::name, v.target)
       FROM asymm.baseline b WHERE b.id = v.baseline_id;
    IF NOT v.state = ANY (states) THEN
        RAISE EXCEPTION 'action % is %', action, v.state
            USING ERRCODE = 'SY005', DETAIL = format('This needs an action that is %s.', array_to_string(states, ' or ')),
                  HINT = format('SELECT * FROM asymm.action_history(%s);', action);
    END IF;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._require_action(bigint, text[]) IS 'Locks and returns an action the caller may act on; raises 22004, 42704, 42501 or SY005.';

CREATE OR REPLACE FUNCTION asymm._require_healing() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_reason text := asymm._healing_paused();
BEGIN
    IF v_reason IS NOT NULL THEN
        RAISE EXCEPTION 'healing is paused'
            USING ERRCODE = 'SY004', DETAIL = format('Reason: %s.', v_reason),
                  HINT = 'When this database may be changed again: SELECT asymm.resume();';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_healing() IS 'Raises SY004 while healing is paused.';

CREATE OR REPLACE FUNCTION asymm._action_table(action bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(asymm._relid(a.target),
                    (SELECT c.oid FROM asymm.baseline_state s JOIN pg_class c ON c.oid = s.relid AND c.relkind IN ('r', 'p')
                      WHERE s.baseline_id = a.baseline_id))::regclass::text
      FROM asymm.action a WHERE a.id = action
$$;
COMMENT ON FUNCTION asymm._action_table(bigint) IS 'The table an action is about as it is called now, quoted; NULL when it is gone.';

-- What is to be run now for an action: the stored steps while the object is still what they were made for. After a
-- round of renames the rest is planned afresh.
CREATE OR REPLACE FUNCTION asymm._open_steps(action bigint, round integer) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['applying']);
    v_base asymm.baseline;
    v_look record;
    v_relid oid;
    v_fingerprint text;
    v_steps jsonb := v.steps;
BEGIN
    IF v.baseline_id IS NULL THEN
        v_relid := asymm._relid(v.target);
        SELECT asymm._fingerprint(f.facts) INTO v_fingerprint FROM asymm._table_facts(ARRAY[v_relid]) AS f;
    ELSE
        SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline_id;
        v_look := asymm._look(v.baseline_id);
        v_relid := v_look.relid;
        v_fingerprint := COALESCE(v_look.fingerprint, 'gone');
    END IF;
    IF round = 1 THEN
        IF v_fingerprint IS DISTINCT FROM v.fingerprint_before THEN
            RAISE EXCEPTION 'action % is stale', action
                USING ERRCODE = 'SY008', DETAIL = format('%s changed after the repair was planned.', v.target),
                      HINT = 'It is planned again with the next beat, or by asymm.heal().';
        END IF;
    ELSE
        v_steps := CASE WHEN v.baseline_id IS NULL OR v_fingerprint = v_base.fingerprint THEN '[]'
                        ELSE asymm._steps(v_base.schema_name, v_base.object_name, v_base.facts, v_base.layout,
                                          v_look.facts, v_look.relid, v_look.renames) END;
        UPDATE asymm.action a SET steps = a.steps || v_steps WHERE a.id = action AND v_steps <> '[]';
    END IF;
    RETURN jsonb_build_object('steps', v_steps, 'relid', v_relid::bigint);
END
$$;
COMMENT ON FUNCTION asymm._open_steps(bigint, integer) IS 'Steps to run for an action being applied, and the OID of its table; raises SY008 when the object has moved on.';

-- api/310_run.sql
-- Running an action: claim, apply, settle, finish. The DDL runs with the caller's rights; what is written to the ledger
-- is worked out from the catalogs by functions of asymm_owner.

CREATE OR REPLACE FUNCTION asymm._claim_action() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_id bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.action a WHERE a.state = 'approved' AND a.due_at <= clock_timestamp()) THEN
        RETURN NULL;
    END IF;
    -- The background never acts as a superuser, nor while healing is paused.
    IF asymm._healing_paused() IS NOT NULL
       OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = asymm._caller() AND r.rolsuper) THEN
        RETURN NULL;
    END IF;
    PERFORM asymm._require_session();
    SELECT a.id INTO v_id
      FROM asymm.action a
      LEFT JOIN asymm.baseline b ON b.id = a.baseline_id
     WHERE a.state = 'approved' AND a.due_at <= clock_timestamp() AND asymm._may_act(a.owner)
       AND (b.id IS NULL OR asymm._may_act((b.facts #>> '{table,"",owner}')::name))
     -- Tables that are gone first: what refers to them needs them.
     ORDER BY a.fingerprint_before <> 'gone', a.id
     LIMIT 1 FOR UPDATE OF a SKIP LOCKED;
    IF v_id IS NOT NULL THEN
        UPDATE asymm.action SET tries = tries + 1 WHERE id = v_id;
        PERFORM asymm._set_action_state(v_id, 'applying');
    END IF;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._claim_action() IS 'Takes the next approved action the caller may run and marks it applying; NULL when there is none, when healing is paused, or for a superuser.';

CREATE OR REPLACE FUNCTION asymm._recover_actions() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_count integer := 0;
BEGIN
    PERFORM asymm._require_session();
    -- A row that is being worked on is locked by its worker.
    FOR v IN SELECT a.id, a.tries, a.state FROM asymm.action a
              WHERE a.state IN ('applying', 'reverting') AND asymm._may_act(a.owner) FOR UPDATE SKIP LOCKED LOOP
        PERFORM asymm._set_action_state(v.id, CASE WHEN v.state = 'reverting' THEN 'verified'
                                                   WHEN v.tries < 3 THEN 'approved' ELSE 'failed' END,
                                        'the session that ran it is gone; nothing was changed');
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION asymm._recover_actions() IS 'Gives actions whose session died back to the queue (failed after three tries); returns how many.';

-- What an action is answerable for: the parts its steps name, the whole table when one step makes or drops it.
CREATE OR REPLACE FUNCTION asymm._touched_parts(steps jsonb, facts jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN facts IS NULL OR jsonb_path_exists(steps, '$[*] ? (@.forward like_regex "^(CREATE|DROP) (UNLOGGED )?TABLE ")')
                THEN jsonb_build_object('table', asymm._fingerprint(facts))
                ELSE (SELECT jsonb_object_agg(p.part || ' ' || p.name, facts #> ARRAY[p.part, p.name])
                        FROM jsonb_to_recordset(steps) AS p (part text, name text)) END
$$;
COMMENT ON FUNCTION asymm._touched_parts(jsonb, jsonb) IS 'The facts of the parts that the steps of an action touch; the fingerprint of all when a table was made or dropped.';

-- After a round: what still differs and should not; NULL when the table is as declared, but for what only a person may
-- decide (steps that would delete data or can't be done). Text of parts made anew from their declared text may deparse
-- differently once; that replayed form becomes the declared one, and the ledger says so.
CREATE OR REPLACE FUNCTION asymm._settle(action bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['applying']);
    v_base asymm.baseline;
    v_look record;
    v_left jsonb;
    v_facts jsonb;
    v_replayed record;
BEGIN
    IF v.baseline_id IS NULL THEN
        RETURN CASE WHEN asymm._relid(v.target) IS NOT NULL THEN jsonb_build_array(jsonb_build_object('part', 'table', 'name', '')) END;
    END IF;
    SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline_id;
    v_look := asymm._look(v.baseline_id);
    IF v_look.fingerprint = v_base.fingerprint THEN
        RETURN NULL;
    END IF;
    v_facts := v_base.facts;
    FOR v_replayed IN
        SELECT d.part, d.name, d.attribute, d.actual
          FROM asymm._differences(v_base.facts, v_look.facts, v_look.renames) AS d
         WHERE d.attribute IN ('def', 'default', 'generated', 'using', 'check', 'bound', 'partition_key')
           AND asymm._same_but_casts(d.declared #>> '{}', d.actual #>> '{}') AND v_look.renames = '{}'
           AND EXISTS (SELECT FROM jsonb_to_recordset(v.steps) AS s (part text, name text, forward text)
                        WHERE s.forward IS NOT NULL AND (s.part = 'table' AND v.fingerprint_before = 'gone'
                                                         OR s.part = d.part AND s.name = d.name))
    LOOP
        v_facts := jsonb_set(v_facts, ARRAY[v_replayed.part, v_replayed.name, v_replayed.attribute], v_replayed.actual);
    END LOOP;
    IF v_facts <> v_base.facts THEN
        INSERT INTO asymm.action_event (action_id, from_state, to_state, by_role, note)
        SELECT v.id, v.state, v.state, asymm._caller(),
               'declared is now what the server prints: ' || left(jsonb_agg(to_jsonb(d))::text, 4000)
          FROM asymm._compare(v_base.facts, v_facts) AS d;
        PERFORM asymm._set_baseline(v_base.id, v_facts, v_base.layout, v_base.reason, v_base.schema_name, v_base.object_name);
    END IF;
    SELECT jsonb_agg(to_jsonb(d)) INTO v_left
      FROM asymm._differences(v_facts, v_look.facts, v_look.renames) AS d
     WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(v.steps) AS s
                        WHERE s ->> 'part' = d.part AND s ->> 'name' = d.name
                          AND (s -> 'hazards' ? 'deletes data' OR s ->> 'forward' IS NULL));
    RETURN v_left;
END
$$;
COMMENT ON FUNCTION asymm._settle(bigint) IS 'What still differs after the steps of an action were run, and should not; NULL when the repair is done.';

CREATE OR REPLACE FUNCTION asymm._finish_action(action bigint, error jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['applying']);
    v_code text := error ->> 'sqlstate';
    v_state text;
    v_base asymm.baseline;
    v_look record;
    v_facts jsonb;
    v_left jsonb := '[]';
    v_fingerprint text := 'gone';
BEGIN
    IF error IS NULL AND asymm._settle(action) IS NULL THEN
        IF v.baseline_id IS NOT NULL THEN
            SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline_id;
            v_look := asymm._look(v.baseline_id);
            v_fingerprint := v_look.fingerprint;
            v_facts := v_look.facts;
            SELECT COALESCE(jsonb_agg(to_jsonb(d)), '[]') INTO v_left
              FROM asymm._differences(v_base.facts, v_look.facts, v_look.renames) AS d;
        END IF;
        -- The steps kept are those that ran: what revert() will take back.
        UPDATE asymm.action
           SET steps = (SELECT COALESCE(jsonb_agg(s.doc ORDER BY s.n), '[]')
                          FROM jsonb_array_elements(v.steps) WITH ORDINALITY AS s (doc, n)
                         WHERE NOT ((s.doc -> 'hazards' ? 'deletes data' OR s.doc ->> 'forward' IS NULL)
                                    AND EXISTS (SELECT FROM jsonb_to_recordset(v_left) AS f (part text, name text)
                                                 WHERE f.part = s.doc ->> 'part' AND f.name = s.doc ->> 'name'))),
               applied_by = asymm._caller(), applied_at = clock_timestamp(), fingerprint_after = v_fingerprint,
               evidence_after = jsonb_build_object('differences', v_left, 'parts', asymm._touched_parts(v.steps, v_facts))
         WHERE id = v.id;
        PERFORM asymm._set_action_state(v.id, 'applied');
        PERFORM asymm._set_action_state(v.id, 'verified', CASE WHEN v_left = '[]' THEN 'compared again: nothing differs'
            ELSE 'compared again: what differs still needs a decision' END);
        UPDATE asymm.drift_record AS d SET state = 'healed', resolved_at = clock_timestamp(), action_id = v.id
         WHERE d.state = 'open'
           AND (d.baseline_id = v.baseline_id OR (v.baseline_id IS NULL AND d.action_id = v.id))
           AND NOT EXISTS (SELECT FROM jsonb_to_recordset(v_left) AS f (part text, name text, attribute text)
                            WHERE f.part = d.part AND f.name = d.name AND f.attribute IS NOT DISTINCT FROM d.attribute);
        IF v.baseline_id IS NOT NULL THEN
            PERFORM asymm._inspect_one(v_base, 'call', NULL, NULL);
        END IF;
        v_state := 'verified';
    ELSIF v_code = 'SY008' THEN
        v_state := 'expired';
    ELSIF v_code = 'SY009' THEN
        v_state := 'proposed';
    ELSIF v_code IN ('55P03', '40P01', '40001') AND v.tries < 8 AND v.tries > 0 THEN
        -- Busy: later, with a delay that doubles and jitter so that loops do not meet again.
        UPDATE asymm.action
           SET due_at = clock_timestamp() + interval '203.7 ms' * 2 ^ LEAST(tries, 5) * (1 + random())
         WHERE id = v.id;
        v_state := 'approved';
    ELSIF v_code IN ('42P01', '42704', '42883', '3F000') AND v.tries < 3 AND v.tries > 0 THEN
        -- Something it refers to is gone too, and may be repaired in a moment.
        UPDATE asymm.action SET due_at = clock_timestamp() + interval '203.7 ms' * 2 ^ tries WHERE id = v.id;
        v_state := 'approved';
    ELSE
        v_state := 'failed';
    END IF;
    IF v_state <> 'verified' THEN
        PERFORM asymm._set_action_state(action, v_state, error ->> 'message', error);
    END IF;
    RETURN jsonb_build_object('action', action, 'target', v.target, 'state', v_state, 'error', error);
END
$$;
COMMENT ON FUNCTION asymm._finish_action(bigint, jsonb) IS 'Ends the run of an action: verified only if the catalog agrees, else proposed, queued again or failed; returns {action, target, state, error}.';

CREATE OR REPLACE FUNCTION asymm._apply_action(action bigint, allow_data_loss boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY INVOKER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_table text;
    v_open jsonb;
    v_step record;
    v_lossless boolean;
    v_withheld text;
    v_ran integer := 0;
    v_round integer := 0;
    v_left jsonb;
    v_error jsonb;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
    v_lock_timeout text := current_setting('lock_timeout');
BEGIN
    PERFORM set_config('asymm.action', action::text, true);
    PERFORM set_config('lock_timeout', (extract(epoch FROM (asymm._settings()).lock_timeout) * 1000)::bigint::text, true);
    BEGIN
        LOOP
            v_round := v_round + 1;
            -- Nobody else's DDL comes between the look and the last step; reads and writes go on unless data is at stake.
            v_table := asymm._action_table(action);
            IF v_table IS NOT NULL THEN
                EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', v_table::regclass);
            END IF;
            v_open := asymm._open_steps(action, v_round);
            IF v_table IS NOT NULL THEN
                IF NOT allow_data_loss AND jsonb_path_exists(v_open, '$.steps[*] ? (@.precondition != null)') THEN
                    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', v_table::regclass);
                END IF;
                -- Nobody may have put another relation of that name there meanwhile.
                IF to_regclass(v_table)::oid IS DISTINCT FROM (v_open ->> 'relid')::oid THEN
                    RAISE EXCEPTION 'action % is stale', action USING ERRCODE = 'SY008',
                        DETAIL = format('%s is another relation now.', v_table),
                        HINT = 'It is planned again with the next beat, or by asymm.heal().';
                END IF;
            END IF;
            FOR v_step IN SELECT * FROM jsonb_to_recordset(v_open -> 'steps')
                                     AS s (step integer, name text, forward text, hazards text[], precondition text) LOOP
                -- What needs a person is left out; the ledger proposes it when the rest is done.
                CONTINUE WHEN v_step.forward IS NULL;
                IF NOT allow_data_loss AND 'deletes data' = ANY (v_step.hazards) THEN
                    v_lossless := false;
                    IF v_step.precondition IS NOT NULL THEN
                        BEGIN
                            EXECUTE v_step.precondition INTO v_lossless;
                        EXCEPTION WHEN data_exception OR undefined_function OR cannot_coerce THEN
                            v_lossless := false;
                        END;
                    END IF;
                    IF NOT COALESCE(v_lossless, false) THEN
                        v_withheld := COALESCE(v_withheld, v_step.forward);
                        CONTINUE;
                    END IF;
                END IF;
                v_ran := v_ran + 1;
                EXECUTE v_step.forward;
            END LOOP;
            IF v_ran = 0 THEN
                RAISE EXCEPTION '%', CASE WHEN v_withheld IS NULL THEN 'nothing of the repair can be done from inside the database'
                                          ELSE 'the repair would delete data' END
                    USING ERRCODE = CASE WHEN v_withheld IS NULL THEN 'SY007' ELSE 'SY009' END,
                          DETAIL = COALESCE('Statement: ' || v_withheld, array_to_string(v_step.hazards, '; ')),
                          HINT = CASE WHEN v_withheld IS NULL THEN 'Accept the difference with asymm.adopt(), or repair it by hand.'
                                      ELSE format('If that is wanted: SELECT * FROM asymm.approve(%s);', action) END;
            END IF;
            v_left := asymm._settle(action);
            EXIT WHEN v_left IS NULL;
            IF v_round = 4 THEN
                RAISE EXCEPTION 'the repair did not converge' USING ERRCODE = 'SY007',
                    DETAIL = format('Still different: %s', left(v_left::text, 1000)),
                    HINT = 'Nothing was changed. Accept the difference with asymm.adopt(), or repair it by hand.';
            END IF;
        END LOOP;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
        v_error := jsonb_build_object('sqlstate', v_state, 'message', v_message, 'detail', v_detail, 'hint', v_hint);
    END;
    PERFORM set_config('asymm.action', '', true);
    PERFORM set_config('lock_timeout', v_lock_timeout, true);
    RETURN asymm._finish_action(action, v_error);
END
$$;
COMMENT ON FUNCTION asymm._apply_action(bigint, boolean) IS 'Runs an action that is applying, all of it or nothing, with the caller''s rights, and checks the result; returns {action, target, state, error}.';

-- api/320_heal.sql
-- What a person calls: heal, approve, reject.

CREATE OR REPLACE FUNCTION asymm._request_heal(target text, dry_run boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record := asymm._resolve(target);
    v_object text := format('%I.%I', v.schema_name, v.object_name);
    v_base asymm.baseline;
    v_look record;
    v_facts jsonb;
    v_owner name;
    v_fingerprint text;
    v_steps jsonb;
    v_differences jsonb;
    v_action bigint;
BEGIN
    IF v.baseline_id IS NOT NULL THEN
        SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline_id;
        PERFORM asymm._require_rights((v_base.facts #>> '{table,"",owner}')::name, v_object);
        IF NOT dry_run THEN
            -- The log first: it may hold a migration that is to be adopted, not taken back.
            PERFORM asymm._process_ddl();
            SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v.baseline_id;
            IF NOT FOUND THEN
                RETURN NULL;
            END IF;
            UPDATE asymm.baseline_state SET held = NULL WHERE baseline_id = v.baseline_id AND held IS NOT NULL;
            PERFORM asymm._inspect(ARRAY[v.baseline_id], 'call', NULL, 'asked for by ' || asymm._caller());
        END IF;
        v_look := asymm._look(v.baseline_id);
        IF v_look.fingerprint = v_base.fingerprint THEN
            RETURN NULL;
        END IF;
        v_steps := asymm._steps(v_base.schema_name, v_base.object_name, v_base.facts, v_base.layout, v_look.facts, v_look.relid, v_look.renames);
        v_owner := COALESCE(v_look.owner, (v_base.facts #>> '{table,"",owner}')::name);
        v_fingerprint := COALESCE(v_look.fingerprint, 'gone');
        SELECT jsonb_agg(to_jsonb(d)) INTO v_differences FROM asymm._differences(v_base.facts, v_look.facts, v_look.renames) AS d;
    ELSE
        SELECT f.facts, f.owner, asymm._fingerprint(f.facts), asymm._steps(f.schema_name, f.object_name, NULL, NULL, f.facts, f.relid, '{}')
          INTO v_facts, v_owner, v_fingerprint, v_steps
          FROM asymm._table_facts(ARRAY[asymm._relid(v_object)]) AS f;
        IF v_facts IS NULL THEN
            RETURN NULL;
        END IF;
        PERFORM asymm._require_rights(v_owner, v_object);
        v_differences := jsonb_build_array(jsonb_build_object('part', 'table', 'name', '', 'actual', v_facts #> '{table,""}'));
    END IF;
    IF dry_run THEN
        RETURN jsonb_build_object('steps', v_steps);
    END IF;
    -- The open proposal, if it is for this very state, else a new row.
    SELECT a.id INTO v_action FROM asymm.action a
     WHERE a.kind = 'heal' AND a.target = v_object AND a.baseline_id IS NOT DISTINCT FROM v.baseline_id
       AND a.state IN ('proposed', 'approved') AND a.fingerprint_before = v_fingerprint AND a.steps = v_steps
     ORDER BY a.id DESC LIMIT 1;
    PERFORM asymm._set_action_state(a.id, 'expired', 'asked for again') FROM asymm.action a
      WHERE a.kind = 'heal' AND a.target = v_object AND a.baseline_id IS NOT DISTINCT FROM v.baseline_id
        AND a.state IN ('proposed', 'approved') AND a.id IS DISTINCT FROM v_action;
    IF v_action IS NULL THEN
        INSERT INTO asymm.action (kind, baseline_id, target, owner, state, requested_by, steps, fingerprint_before, evidence_before)
        VALUES ('heal', v.baseline_id, v_object, v_owner, 'proposed', asymm._caller(), v_steps, v_fingerprint,
                jsonb_build_object('differences', v_differences))
        RETURNING id INTO v_action;
    END IF;
    PERFORM asymm._set_action_state(v_action, 'approved', 'heal() by ' || asymm._caller());
    UPDATE asymm.drift_record SET action_id = v_action
     WHERE state = 'open' AND baseline_id IS NOT DISTINCT FROM v.baseline_id
       AND schema_name = v.schema_name AND object_name = v.object_name;
    PERFORM asymm._set_action_state(v_action, 'applying');
    RETURN jsonb_build_object('action', v_action, 'steps', v_steps);
END
$$;
COMMENT ON FUNCTION asymm._request_heal(text, boolean) IS 'Plans the repair of a table and, unless it is a dry run, opens its action; NULL when nothing differs.';

CREATE OR REPLACE FUNCTION asymm._show_steps(steps jsonb, field text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text;
BEGIN
    -- A superuser sees the code before it runs with his rights.
    IF current_setting('is_superuser') = 'on' THEN
        FOR v_text IN SELECT s ->> field FROM jsonb_array_elements(steps) AS s WHERE s ->> field IS NOT NULL LOOP
            RAISE NOTICE 'running as superuser "%": %', current_user, v_text;
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._show_steps(jsonb, text) IS 'Prints statements about to run to a superuser.';

CREATE OR REPLACE FUNCTION asymm._warn_unfinished(result jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF result -> 'error' <> 'null' OR result ->> 'state' NOT IN ('verified', 'reverted') THEN
        RAISE WARNING 'action % is %: %', result ->> 'action', result ->> 'state', result #>> '{error,message}'
            USING ERRCODE = COALESCE(result #>> '{error,sqlstate}', 'SY007'),
                  DETAIL = COALESCE(NULLIF(result #>> '{error,detail}', ''), 'Nothing was changed.'),
                  HINT = COALESCE(NULLIF(result #>> '{error,hint}', ''), format('SELECT * FROM asymm.action_history(%s);', result ->> 'action'));
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._warn_unfinished(jsonb) IS 'Warns with SQLSTATE, detail and hint when an action did not end well; the ledger keeps the failure.';

CREATE OR REPLACE FUNCTION asymm.heal(target text, dry_run boolean DEFAULT false, allow_data_loss boolean DEFAULT false)
RETURNS TABLE (action bigint, step integer, statement text, inverse text, lock_class text, hazards text[], state text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_plan jsonb;
    v_result jsonb;
BEGIN
    PERFORM asymm._require_text(dry_run::text, 'dry_run');
    PERFORM asymm._require_text(allow_data_loss::text, 'allow_data_loss');
    IF NOT dry_run THEN
        PERFORM asymm._require_healing();
    END IF;
    v_plan := asymm._request_heal(target, dry_run);
    IF v_plan IS NULL THEN
        RETURN;
    END IF;
    IF NOT dry_run THEN
        PERFORM asymm._show_steps(v_plan -> 'steps', 'forward');
        v_result := asymm._apply_action((v_plan ->> 'action')::bigint, allow_data_loss);
        PERFORM asymm._warn_unfinished(v_result);
        v_plan := asymm._action_steps((v_plan ->> 'action')::bigint);
    END IF;
    RETURN QUERY
        SELECT (v_result ->> 'action')::bigint, s.n::integer, p.forward, p.inverse, p.lock_class, p.hazards,
               COALESCE(v_result ->> 'state', 'planned')
          FROM jsonb_array_elements(v_plan -> 'steps') WITH ORDINALITY AS s (doc, n)
         CROSS JOIN LATERAL jsonb_to_record(s.doc) AS p (forward text, inverse text, lock_class text, hazards text[]);
END
$$;
COMMENT ON FUNCTION asymm.heal(text, boolean, boolean)
    IS 'Brings a watched table back to its baseline with the caller''s rights, in one transaction, and checks the result; dry_run only shows the plan. Steps that would delete data need allow_data_loss. No rows: nothing differs. A failure is a warning and a ledger row; nothing is half done. Raises 22004, 22023, 42P01, 42501, SY001, SY004.';

CREATE OR REPLACE FUNCTION asymm._action_steps(action bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$ SELECT jsonb_build_object('action', a.id, 'steps', a.steps) FROM asymm.action a WHERE a.id = action AND asymm._may_act(a.owner) $$;
COMMENT ON FUNCTION asymm._action_steps(bigint) IS 'The steps of an action the caller may act on.';

CREATE OR REPLACE FUNCTION asymm._approve(action bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['proposed', 'approved', 'failed']);
BEGIN
    PERFORM asymm._set_action_state(v.id, 'approved', 'approved by ' || asymm._caller());
    PERFORM asymm._set_action_state(v.id, 'applying');
    RETURN v.steps;
END
$$;
COMMENT ON FUNCTION asymm._approve(bigint) IS 'Moves a proposed action on to applying for the caller; returns its steps.';

CREATE OR REPLACE FUNCTION asymm.approve(action bigint) RETURNS TABLE (action_id bigint, state text, note text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_result jsonb;
BEGIN
    PERFORM asymm._require_healing();
    PERFORM asymm._show_steps(asymm._approve(action), 'forward');
    v_result := asymm._apply_action(action, true);
    PERFORM asymm._warn_unfinished(v_result);
    RETURN QUERY SELECT approve.action, v_result ->> 'state', v_result #>> '{error,message}';
END
$$;
COMMENT ON FUNCTION asymm.approve(bigint)
    IS 'Runs a proposed (or failed) action now, with the caller''s rights and all its hazards; see its statements in asymm.actions first. Raises 22004, 42501, 42704, SY004, SY005.';

CREATE OR REPLACE FUNCTION asymm.reject(action bigint, reason text DEFAULT NULL) RETURNS TABLE (action_id bigint, state text, note text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_action(action, ARRAY['proposed', 'approved', 'failed']);
    PERFORM asymm._set_action_state(action, 'rejected', reject.reason);
    RETURN QUERY SELECT reject.action, 'rejected', reject.reason;
END
$$;
COMMENT ON FUNCTION asymm.reject(bigint, text)
    IS 'Declines a proposed action; it is not proposed again for the same state. The drift stays open. Raises 22004, 42501, 42704, SY005.';

-- api/330_revert.sql
-- Taking back: an applied repair by its inverse statements, an adoption by the baseline it replaced.

CREATE OR REPLACE FUNCTION asymm._begin_revert(action bigint, dry_run boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['verified']);
    v_facts jsonb;
    v_table name[];
    v_steps jsonb;
BEGIN
    IF v.kind = 'adopt' THEN
        RETURN jsonb_build_object('kind', 'adopt', 'steps', '[]'::jsonb);
    END IF;
    IF v.baseline_id IS NOT NULL THEN
        SELECT l.facts INTO v_facts FROM asymm._look(v.baseline_id) AS l;
        SELECT ARRAY[b.schema_name, b.object_name] INTO v_table FROM asymm.baseline b WHERE b.id = v.baseline_id;
    END IF;
    -- Other parts may have changed since: that is no reason.
    IF asymm._touched_parts(v.steps, v_facts) IS DISTINCT FROM v.evidence_after -> 'parts' THEN
        RAISE EXCEPTION 'action % cannot be taken back', action
            USING ERRCODE = 'SY008', DETAIL = format('What it changed in %s is no longer as it left it.', v.target),
                  HINT = format('Look at what came after: SELECT * FROM asymm.drift WHERE object = %L;', v.target);
    ELSIF jsonb_path_exists(v.steps, '$[*] ? (@.inverse == null)') THEN
        RAISE EXCEPTION 'action % cannot be taken back', action
            USING ERRCODE = 'SY005', DETAIL = 'One of its steps has no inverse.', HINT = 'Restore what it removed from a backup.';
    END IF;
    -- What the repair made may hold data by now.
    SELECT jsonb_agg(s.doc || jsonb_build_object('precondition', CASE
               WHEN s.doc ->> 'part' = 'column' AND s.doc ->> 'inverse' LIKE '%DROP COLUMN%'
                   THEN format('SELECT NOT EXISTS (SELECT FROM %I.%I WHERE %I IS NOT NULL)', v_table[1], v_table[2], s.doc ->> 'name')
               WHEN s.doc ->> 'inverse' LIKE 'DROP TABLE%'
                   THEN format('SELECT NOT EXISTS (SELECT FROM %I.%I)', v_table[1], v_table[2]) END) ORDER BY s.n DESC)
      INTO v_steps FROM jsonb_array_elements(v.steps) WITH ORDINALITY AS s (doc, n);
    IF NOT dry_run THEN
        PERFORM asymm._set_action_state(action, 'reverting');
    END IF;
    RETURN jsonb_build_object('kind', v.kind, 'steps', v_steps);
END
$$;
COMMENT ON FUNCTION asymm._begin_revert(bigint, boolean) IS 'The inverse steps of an action, last first; raises SY005 or SY008 when it cannot be taken back.';

CREATE OR REPLACE FUNCTION asymm._finish_revert(action bigint, error jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action := asymm._require_action(action, ARRAY['verified', 'reverting']);
    v_base asymm.baseline;
    v_baseline bigint := v.baseline_id;
    v_fingerprint text := 'gone';
    v_facts jsonb;
    v_note text := '';
BEGIN
    IF v.kind = 'heal' AND v.state <> 'reverting' THEN
        RAISE EXCEPTION 'action % is %', action, v.state
            USING ERRCODE = 'SY005', DETAIL = 'Nobody is taking it back.', HINT = format('SELECT * FROM asymm.revert(%s);', action);
    END IF;
    IF error IS NOT NULL THEN
        PERFORM asymm._set_action_state(action, 'verified', 'not taken back: ' || (error ->> 'message'), error);
        RETURN jsonb_build_object('action', action, 'target', v.target, 'state', 'verified', 'error', error);
    END IF;
    IF v.kind = 'heal' THEN
        -- Reverted is what the catalog shows to be undone, not what the caller says.
        IF v.baseline_id IS NOT NULL THEN
            SELECT COALESCE(l.fingerprint, 'gone'), l.facts INTO v_fingerprint, v_facts FROM asymm._look(v.baseline_id) AS l;
        ELSE
            SELECT asymm._fingerprint(f.facts), f.facts INTO v_fingerprint, v_facts FROM asymm._table_facts(ARRAY[asymm._relid(v.target)]) AS f;
        END IF;
        IF asymm._touched_parts(v.steps, v_facts) IS NOT DISTINCT FROM v.evidence_after -> 'parts'
           AND v_fingerprint IS NOT DISTINCT FROM v.fingerprint_after THEN
            RAISE EXCEPTION 'action % was not taken back', action
                USING ERRCODE = 'SY007', DETAIL = format('%s is still as the action left it.', v.target),
                      HINT = format('SELECT * FROM asymm.revert(%s);', action);
        ELSIF v_fingerprint IS DISTINCT FROM v.fingerprint_before THEN
            v_note := '; the table is not in every detail as it was before';
        END IF;
    END IF;
    IF v.kind = 'adopt' THEN
        v_base := jsonb_populate_record(NULL::asymm.baseline, v.evidence_before);
        UPDATE asymm.baseline b
           SET facts = v_base.facts, layout = v_base.layout, fingerprint = v_base.fingerprint, schema_name = v_base.schema_name,
               object_name = v_base.object_name, adopted_by = asymm._caller(), adopted_at = clock_timestamp(),
               reason = format('action %s taken back', action)
         WHERE b.id = v_base.id;
        IF NOT FOUND THEN
            INSERT INTO asymm.baseline OVERRIDING SYSTEM VALUE SELECT v_base.* ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'action % cannot be taken back', action
                    USING ERRCODE = 'SY008', DETAIL = format('%s was declared anew since.', v.target),
                          HINT = format('Stop watching that first: SELECT * FROM asymm.unwatch(%L);', v.target);
            END IF;
            UPDATE asymm.action SET baseline_id = v_base.id WHERE id = v.id;
        END IF;
        v_baseline := v_base.id;
    END IF;
    PERFORM asymm._set_action_state(action, 'reverted', 'taken back by ' || asymm._caller() || v_note);
    IF v_baseline IS NOT NULL THEN
        -- Nothing repairs at once what somebody has just taken back.
        PERFORM asymm._hold(v_baseline, format('action %s was taken back by %s', action, asymm._caller()));
        PERFORM asymm._inspect(ARRAY[v_baseline], 'call');
    ELSE
        PERFORM asymm._inspect_undeclared('call');
    END IF;
    RETURN jsonb_build_object('action', action, 'target', v.target, 'state', 'reverted');
END
$$;
COMMENT ON FUNCTION asymm._finish_revert(bigint, jsonb) IS 'Ends a revert: the ledger, the hold on the object, and its drift, which is open again.';

CREATE OR REPLACE FUNCTION asymm.revert(action bigint, dry_run boolean DEFAULT false, allow_data_loss boolean DEFAULT false)
RETURNS TABLE (action_id bigint, step integer, statement text, state text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_plan jsonb;
    v_step record;
    v_empty boolean;
    v_error jsonb;
    v_result jsonb;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
    v_lock_timeout text := current_setting('lock_timeout');
BEGIN
    PERFORM asymm._require_text(dry_run::text, 'dry_run');
    PERFORM asymm._require_text(allow_data_loss::text, 'allow_data_loss');
    v_plan := asymm._begin_revert(action, dry_run);
    IF NOT dry_run THEN
        PERFORM asymm._require_healing();
        PERFORM asymm._show_steps(v_plan -> 'steps', 'inverse');
        PERFORM set_config('asymm.action', action::text, true);
        PERFORM set_config('lock_timeout', (extract(epoch FROM (asymm._settings()).lock_timeout) * 1000)::bigint::text, true);
        BEGIN
            FOR v_step IN SELECT * FROM jsonb_to_recordset(v_plan -> 'steps') AS s (inverse text, precondition text) LOOP
                IF v_step.precondition IS NOT NULL AND NOT allow_data_loss THEN
                    EXECUTE v_step.precondition INTO v_empty;
                    IF NOT v_empty THEN
                        RAISE EXCEPTION 'taking this back would delete data' USING ERRCODE = 'SY009',
                            DETAIL = format('Statement: %s', v_step.inverse),
                            HINT = format('If that is wanted: SELECT * FROM asymm.revert(%s, allow_data_loss => true);', action);
                    END IF;
                END IF;
                EXECUTE v_step.inverse;
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
            v_error := jsonb_build_object('sqlstate', v_state, 'message', v_message, 'detail', v_detail, 'hint', v_hint);
        END;
        PERFORM set_config('asymm.action', '', true);
        PERFORM set_config('lock_timeout', v_lock_timeout, true);
        v_result := asymm._finish_revert(action, v_error);
        PERFORM asymm._warn_unfinished(v_result);
    END IF;
    RETURN QUERY
        SELECT revert.action, p.n::integer, p.doc ->> 'inverse', COALESCE(v_result ->> 'state', 'planned')
          FROM jsonb_array_elements(v_plan -> 'steps') WITH ORDINALITY AS p (doc, n)
        UNION ALL
        SELECT revert.action, 0, 'the declared baseline becomes what it was before', COALESCE(v_result ->> 'state', 'planned')
         WHERE v_plan ->> 'kind' = 'adopt';
END
$$;
COMMENT ON FUNCTION asymm.revert(bigint, boolean, boolean)
    IS 'Takes an action back: a repair by its inverse statements (with the caller''s rights), an adoption by the former baseline. Policy heal then waits for a decision on that object. What was made and holds data by now needs allow_data_loss. Raises 22004, 42501, 42704, SY004, SY005, SY008.';

-- api/400_deparse.sql
-- Deparsed text is not a fixed point: what the server prints of varchar_column IN ('a', 'b'),
--     (ARRAY['a'::character varying, 'b'::character varying])::text[]
-- it prints otherwise once that text was replayed by a repair or a restore:
--     ARRAY[('a'::character varying)::text, ('b'::character varying)::text]
-- Facts hold the second form, so that neither looks like a change.

CREATE OR REPLACE FUNCTION asymm._settled_text(expression text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_open constant text := '(ARRAY[';
    v_rest text := expression;
    v_done text := '';
    v_items text[];
    v_item text;
    v_char text;
    v_depth integer;
    v_quote text;
    v_length integer;
    v_cast text;
BEGIN
    WHILE strpos(v_rest, v_open) > 0 LOOP
        v_done := v_done || left(v_rest, strpos(v_rest, v_open) - 1);
        v_rest := substr(v_rest, strpos(v_rest, v_open) + length(v_open));
        v_items := '{}';
        v_item := '';
        v_depth := 0;
        v_length := 0;
        v_quote := NULL;
        FOREACH v_char IN ARRAY string_to_array(v_rest, NULL) LOOP
            IF v_quote IS NOT NULL THEN
                v_quote := NULLIF(v_quote, v_char);
            ELSIF v_char IN ('''', '"') THEN
                v_quote := v_char;
            ELSIF v_char IN ('(', '[') THEN
                v_depth := v_depth + 1;
            ELSIF v_char IN (')', ']') THEN
                v_depth := v_depth - 1;
                EXIT WHEN v_depth < 0;
            ELSIF v_char = ',' AND v_depth = 0 THEN
                v_items := v_items || btrim(v_item);
                v_item := '';
                v_length := v_length + 1;
                CONTINUE;
            END IF;
            v_item := v_item || v_char;
            v_length := v_length + 1;
        END LOOP;
        -- Only an array that is cast as a whole.
        v_cast := substring(substr(v_rest, v_length + 1) FROM '^\]\)::([^][(),'']+)\[\]');
        IF v_cast IS NULL THEN
            v_done := v_done || v_open;
        ELSE
            v_rest := substr(v_rest, v_length + length('])::' || v_cast || '[]') + 1);
            v_done := v_done || 'ARRAY[' || (SELECT string_agg(format('(%s)::%s', asymm._settled_text(i), v_cast), ', ' ORDER BY n)
                                               FROM unnest(v_items || btrim(v_item)) WITH ORDINALITY AS u (i, n)) || ']';
        END IF;
    END LOOP;
    RETURN v_done || v_rest;
END
$$;
COMMENT ON FUNCTION asymm._settled_text(text) IS 'A deparsed expression in the form it has after it was replayed once: casts of whole arrays moved to their elements.';

-- For what _settled_text() does not know: two texts that differ in nothing but casts, parentheses and blanks.
CREATE OR REPLACE FUNCTION asymm._same_but_casts(a text, b text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(regexp_replace(a, x.noise, '', 'g') = regexp_replace(b, x.noise, '', 'g'), false)
      FROM (VALUES ('::("[^"]+"|[a-z_0-9]+)(\.("[^"]+"|[a-z_0-9]+))?( varying| precision| with(out)? time zone)?(\([0-9, ]+\))?(\[\])*|[()\s]')) AS x (noise)
$$;
COMMENT ON FUNCTION asymm._same_but_casts(text, text) IS 'True when two deparsed texts differ in casts, parentheses and blanks only.';

-- api/400_facts.sql
-- Facts of tables, read from the catalogs as one canonical document each: part → name → attribute → value. What has
-- its default is left out. Deparsed text names everything in full, because the search path is pinned.

CREATE OR REPLACE FUNCTION asymm._acl_facts(acl aclitem[], kind "char", owner oid) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- grantee → sorted privileges, * with grant option, '' for PUBLIC; the owner only when he lacks a privilege.
    RETURN (
        WITH granted AS MATERIALIZED (
            SELECT e.grantee, array_agg(DISTINCT e.privilege_type || CASE WHEN e.is_grantable AND e.grantee <> owner THEN '*' ELSE '' END
                                        COLLATE "C") AS privileges
              FROM aclexplode(acl) AS e
             GROUP BY e.grantee
            UNION ALL
            SELECT owner, '{}' WHERE kind <> 'c' AND NOT EXISTS (SELECT FROM aclexplode(acl) AS e WHERE e.grantee = owner))
        SELECT jsonb_object_agg(CASE WHEN g.grantee = 0 THEN '' ELSE pg_get_userbyid(g.grantee) END, to_jsonb(g.privileges))
          FROM granted AS g
         WHERE g.grantee <> owner OR kind = 'c'
            OR NOT g.privileges @> ARRAY(SELECT d.privilege_type FROM aclexplode(acldefault(kind, owner)) AS d WHERE d.grantee = owner));
END
$$;
COMMENT ON FUNCTION asymm._acl_facts(aclitem[], "char", oid) IS 'Privileges as facts: grantee → privileges; NULL when only the owner has any.';

CREATE OR REPLACE FUNCTION asymm._option_facts(options text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- pg_attver is the server's own counter in attoptions, not an option.
    RETURN (SELECT jsonb_object_agg(split_part(o, '=', 1), substr(o, strpos(o, '=') + 1))
              FROM unnest(options) AS o WHERE split_part(o, '=', 1) <> 'pg_attver');
END
$$;
COMMENT ON FUNCTION asymm._option_facts(text[]) IS 'Storage or column options (name=value) as facts.';

-- These return JSON text: one cast to jsonb per table is several times cheaper than building a jsonb per column. An
-- attribute that is NULL makes its || NULL, and concat() leaves it out. Catalogs are looked up by key, so that one plan fits one table and all.
CREATE OR REPLACE FUNCTION asymm._column_facts(relids oid[]) RETURNS TABLE (relid oid, facts text, layout text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT a.attrelid,
           '{' || string_agg(concat(
               to_json(a.attname), ':{"type":', to_json(format_type(a.atttypid, a.atttypmod)),
               CASE WHEN a.attnotnull THEN ',"not_null":true' END,
               CASE WHEN a.atthasdef
                    THEN CASE WHEN a.attgenerated = '' THEN ',"default":' ELSE ',"generated":' END
                         || (SELECT to_json(asymm._settled_text(pg_get_expr(d.adbin, d.adrelid)))::text FROM pg_attrdef d
                              WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END,
               CASE WHEN a.attgenerated = 'v' THEN ',"virtual":true' END,
               CASE a.attidentity WHEN 'a' THEN ',"identity":"always"' WHEN 'd' THEN ',"identity":"by default"' END,
               CASE WHEN a.atthasdef OR a.attidentity <> '' THEN ',"sequence":' || (
                   SELECT concat('{"name":', to_json(format('%I.%I', n.nspname, c.relname)), ',"type":"', format_type(q.seqtypid, NULL),
                              '","start":"', q.seqstart, '","increment":"', q.seqincrement,
                              '","min":"', q.seqmin, '","max":"', q.seqmax, '","cache":"', q.seqcache, '"',
                              CASE WHEN q.seqcycle THEN ',"cycle":true' END,
                              CASE WHEN p.deptype = 'a' THEN ',"owned":true' END,
                              CASE WHEN c.relacl IS NOT NULL THEN ',"acl":' || asymm._acl_facts(c.relacl, 's', c.relowner)::text END,
                              ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m WHERE m.objoid = c.oid
                                                   AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0), '}')
                     FROM pg_depend AS p
                     JOIN pg_class AS c ON c.oid = p.objid AND c.relkind = 'S'
                     JOIN pg_sequence AS q ON q.seqrelid = c.oid
                     JOIN pg_namespace AS n ON n.oid = c.relnamespace
                    WHERE p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum
                      AND p.classid = 'pg_class'::regclass AND p.deptype IN ('a', 'i')
                    ORDER BY c.oid LIMIT 1) END,
               CASE WHEN a.attcollation <> t.typcollation
                    THEN ',"collation":' || (SELECT to_json(format('%I.%I', n.nspname, c.collname))::text
                                               FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
                                              WHERE c.oid = a.attcollation) END,
               CASE WHEN a.attstorage <> t.typstorage
                    THEN CASE a.attstorage WHEN 'p' THEN ',"storage":"plain"' WHEN 'e' THEN ',"storage":"external"'
                                           WHEN 'm' THEN ',"storage":"main"' ELSE ',"storage":"extended"' END END,
               CASE a.attcompression WHEN 'p' THEN ',"compression":"pglz"' WHEN 'l' THEN ',"compression":"lz4"' END,
               ',"statistics":' || NULLIF(a.attstattarget, -1)::text,
               CASE WHEN cardinality(a.attoptions) > 1 OR a.attoptions[1] NOT LIKE 'pg\_attver=%'
                    THEN ',"options":' || asymm._option_facts(a.attoptions)::text END,
               ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m
                                  WHERE m.objoid = a.attrelid AND m.classoid = 'pg_class'::regclass AND m.objsubid = a.attnum),
               CASE WHEN a.attacl IS NOT NULL
                    THEN ',"acl":' || asymm._acl_facts(a.attacl, 'c', (SELECT r.relowner FROM pg_class r WHERE r.oid = a.attrelid))::text END,
               CASE WHEN a.attinhcount > 0 THEN ',"inherited":true' END, '}'), ',') || '}',
           '[' || string_agg(to_json(a.attname)::text, ',' ORDER BY a.attnum) || ']'
      FROM pg_attribute AS a
      JOIN pg_type AS t ON t.oid = a.atttypid
     WHERE a.attrelid = ANY (relids) AND a.attnum > 0 AND NOT a.attisdropped
     GROUP BY a.attrelid;
END
$$;
COMMENT ON FUNCTION asymm._column_facts(oid[]) IS 'Facts of the columns of each table as JSON text, and their order.';

CREATE OR REPLACE FUNCTION asymm._constraint_facts(relids oid[]) RETURNS TABLE (relid oid, facts text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Clones that follow a parent's constraint are the parent's business; NOT NULL is a fact of the column.
    RETURN QUERY
    SELECT c.conrelid,
           '{' || string_agg(concat(
               to_json(c.conname), ':{"type":"',
               CASE c.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key'
                              WHEN 'c' THEN 'check' WHEN 'x' THEN 'exclude' END,
               '","def":', to_json(CASE WHEN c.contype IN ('c', 'x') THEN asymm._settled_text(pg_get_constraintdef(c.oid))
                                        ELSE pg_get_constraintdef(c.oid) END),
               CASE WHEN c.contype IN ('p', 'u', 'x') THEN (
                   SELECT concat(CASE WHEN i.reloptions IS NOT NULL THEN ',"options":' || asymm._option_facts(i.reloptions)::text END,
                                 CASE WHEN i.reltablespace <> 0 THEN ',"tablespace":'
                                      || (SELECT to_json(s.spcname)::text FROM pg_tablespace s WHERE s.oid = i.reltablespace) END)
                     FROM pg_class i WHERE i.oid = c.conindid) END,
               ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m
                                  WHERE m.objoid = c.oid AND m.classoid = 'pg_constraint'::regclass AND m.objsubid = 0), '}'), ',') || '}'
      FROM pg_constraint AS c
     WHERE c.conrelid = ANY (relids) AND c.contype IN ('p', 'u', 'f', 'c', 'x') AND c.conparentid = 0 AND c.coninhcount = 0
     GROUP BY c.conrelid;
END
$$;
COMMENT ON FUNCTION asymm._constraint_facts(oid[]) IS 'Facts of the constraints of each table that are its own, as JSON text.';

CREATE OR REPLACE FUNCTION asymm._index_facts(relids oid[]) RETURNS TABLE (relid oid, facts text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT x.indrelid,
           '{' || string_agg(concat(
               to_json(i.relname), ':{"def":',
               to_json(CASE WHEN x.indpred IS NOT NULL OR x.indexprs IS NOT NULL THEN asymm._settled_text(pg_get_indexdef(i.oid))
                            ELSE pg_get_indexdef(i.oid) END),
               CASE WHEN NOT x.indisvalid THEN ',"invalid":true' END,
               CASE WHEN i.reltablespace <> 0 THEN ',"tablespace":'
                    || (SELECT to_json(s.spcname)::text FROM pg_tablespace s WHERE s.oid = i.reltablespace) END,
               -- Only columns that are expressions have a statistics target.
               CASE WHEN x.indexprs IS NOT NULL
                    THEN ',"statistics":' || (SELECT jsonb_object_agg(a.attnum::text, a.attstattarget)::text FROM pg_attribute a
                                               WHERE a.attrelid = i.oid AND a.attstattarget >= 0) END,
               ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m
                                  WHERE m.objoid = i.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0), '}'), ',') || '}'
      FROM pg_index AS x
      JOIN pg_class AS i ON i.oid = x.indexrelid
     WHERE x.indrelid = ANY (relids) AND NOT i.relispartition
       -- What a session is building concurrently is neither there yet nor a leftover.
       AND (x.indisvalid OR NOT EXISTS (SELECT FROM pg_stat_progress_create_index g WHERE g.relid = x.indrelid))
       AND NOT EXISTS (SELECT FROM pg_constraint c
                       WHERE c.conindid = x.indexrelid AND c.conrelid = x.indrelid AND c.contype IN ('p', 'u', 'x'))
     GROUP BY x.indrelid;
END
$$;
COMMENT ON FUNCTION asymm._index_facts(oid[]) IS 'Facts of the indexes of each table that belong to no constraint and follow no parent, as JSON text.';

CREATE OR REPLACE FUNCTION asymm._rule_facts(relids oid[]) RETURNS TABLE (relid oid, facts text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH part AS (
        SELECT t.tgrelid AS relid, 'trigger' AS part,
               jsonb_object_agg(t.tgname, jsonb_strip_nulls(jsonb_build_object(
                   'def', asymm._settled_text(pg_get_triggerdef(t.oid)),
                   'enabled', CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
                   'comment', obj_description(t.oid, 'pg_trigger')))) AS facts
          FROM pg_trigger AS t
         WHERE t.tgrelid = ANY (relids) AND NOT t.tgisinternal AND t.tgparentid = 0
         GROUP BY t.tgrelid
        UNION ALL
        SELECT p.polrelid, 'policy',
               jsonb_object_agg(p.polname, jsonb_strip_nulls(jsonb_build_object(
                   'command', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                            WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                   'permissive', CASE WHEN NOT p.polpermissive THEN false END,
                   'roles', (SELECT jsonb_agg(CASE WHEN g = 0 THEN '' ELSE pg_get_userbyid(g) END
                                              ORDER BY CASE WHEN g = 0 THEN '' ELSE pg_get_userbyid(g) END COLLATE "C")
                               FROM unnest(p.polroles) AS g),
                   'using', asymm._settled_text(pg_get_expr(p.polqual, p.polrelid)),
                   'check', asymm._settled_text(pg_get_expr(p.polwithcheck, p.polrelid)),
                   'comment', obj_description(p.oid, 'pg_policy'))))
          FROM pg_policy AS p
         WHERE p.polrelid = ANY (relids)
         GROUP BY p.polrelid
        UNION ALL
        SELECT w.ev_class, 'rule',
               jsonb_object_agg(w.rulename, jsonb_strip_nulls(jsonb_build_object(
                   'def', asymm._settled_text(pg_get_ruledef(w.oid)),
                   'enabled', CASE w.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
                   'comment', obj_description(w.oid, 'pg_rewrite'))))
          FROM pg_rewrite AS w
         WHERE w.ev_class = ANY (relids) AND w.rulename <> '_RETURN'
         GROUP BY w.ev_class)
    SELECT p.relid, string_agg(format(',"%s":%s', p.part, p.facts), '') FROM part AS p GROUP BY p.relid;
END
$$;
COMMENT ON FUNCTION asymm._rule_facts(oid[]) IS 'Facts of the triggers, row policies and rules of each table, as members of a JSON object.';

-- api/402_table_facts.sql
-- The whole document of a table, its fingerprint, and the comparison of two documents.

-- One plan for one table and for all: made once a session, and by key everywhere.
CREATE OR REPLACE FUNCTION asymm._table_facts(relids oid[])
RETURNS TABLE (relid oid, schema_name name, object_name name, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    SELECT r.oid, n.nspname, r.relname, pg_get_userbyid(r.relowner),
           concat(
               '{"table":{"":{"owner":', to_json(pg_get_userbyid(r.relowner)),
               CASE WHEN r.relpersistence <> 'p' THEN ',"persistence":"' || r.relpersistence::text || '"' END,
               CASE WHEN r.relkind = 'p' THEN ',"partition_key":' || to_json(pg_get_partkeydef(r.oid))::text END,
               CASE WHEN r.relispartition THEN ',"bound":' || to_json(pg_get_expr(r.relpartbound, r.oid))::text END,
               CASE WHEN r.relispartition THEN ',"partition_of":' ELSE ',"inherits":' END
                   || (SELECT CASE WHEN r.relispartition THEN to_json(min(h.name)) ELSE json_agg(h.name ORDER BY h.inhseqno) END::text
                         FROM (SELECT format('%I.%I', pn.nspname, p.relname) AS name, i.inhseqno
                                 FROM pg_inherits i
                                 JOIN pg_class p ON p.oid = i.inhparent
                                 JOIN pg_namespace pn ON pn.oid = p.relnamespace
                                WHERE i.inhrelid = r.oid) AS h),
               CASE WHEN r.reloftype <> 0 THEN ',"of_type":' || to_json(format_type(r.reloftype, NULL))::text END,
               CASE WHEN r.reloptions IS NOT NULL THEN ',"options":' || asymm._option_facts(r.reloptions)::text END,
               ',"toast_options":' || (SELECT asymm._option_facts(t.reloptions)::text FROM pg_class t
                                        WHERE t.oid = r.reltoastrelid AND t.reloptions IS NOT NULL),
               CASE r.relreplident WHEN 'f' THEN ',"replica_identity":"full"' WHEN 'n' THEN ',"replica_identity":"nothing"'
                                   WHEN 'i' THEN ',"replica_identity":'
                    || (SELECT to_json('index:' || i.relname)::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                         WHERE x.indrelid = r.oid AND x.indisreplident) END,
               CASE WHEN r.relrowsecurity THEN ',"rls":true' END,
               CASE WHEN r.relforcerowsecurity THEN ',"force_rls":true' END,
               CASE WHEN r.reltablespace <> 0 THEN ',"tablespace":'
                    || (SELECT to_json(s.spcname)::text FROM pg_tablespace s WHERE s.oid = r.reltablespace) END,
               CASE WHEN r.relam <> 0 THEN ',"access_method":'
                    || (SELECT to_json(m.amname)::text FROM pg_am m WHERE m.oid = r.relam AND m.amname <> 'heap') END,
               CASE WHEN r.relhasindex THEN ',"cluster":'
                    || (SELECT to_json(i.relname)::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                         WHERE x.indrelid = r.oid AND x.indisclustered) END,
               ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m
                                  WHERE m.objoid = r.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0),
               CASE WHEN r.relacl IS NOT NULL THEN ',"acl":' || asymm._acl_facts(r.relacl, 'r', r.relowner)::text END,
               '}}', ',"column":' || c.facts, ',"constraint":' || k.facts, ',"index":' || x.facts, w.facts, '}')::jsonb,
           COALESCE(c.layout, '[]')::jsonb
      FROM pg_class AS r
      JOIN pg_namespace AS n ON n.oid = r.relnamespace
      LEFT JOIN asymm._column_facts(relids) AS c ON c.relid = r.oid
      LEFT JOIN asymm._constraint_facts(relids) AS k ON k.relid = r.oid
      LEFT JOIN asymm._index_facts(relids) AS x ON x.relid = r.oid
      LEFT JOIN asymm._rule_facts(relids) AS w ON w.relid = r.oid
     WHERE r.oid = ANY (relids) AND r.relkind IN ('r', 'p') AND r.relpersistence <> 't';
END
$$;
COMMENT ON FUNCTION asymm._table_facts(oid[])
    IS 'Everything declared about each table as one document (part → name → attribute → value; defaults left out) and the order of its columns.';

CREATE OR REPLACE FUNCTION asymm._sha256(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN encode(sha256(convert_to(value, 'UTF8')), 'hex');
END
$$;
COMMENT ON FUNCTION asymm._sha256(text) IS 'SHA-256 of a text (UTF-8) in hexadecimal.';

CREATE OR REPLACE FUNCTION asymm._fingerprint(facts jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Merkle: each named part is hashed, then the object over its parts; jsonb text is canonical.
    RETURN (SELECT encode(sha256(string_agg(
                       sha256(convert_to(jsonb_build_array(p.key, n.key, n.value)::text, 'UTF8')), ''::bytea
                       ORDER BY p.key COLLATE "C", n.key COLLATE "C")), 'hex')
              FROM jsonb_each(facts) AS p, jsonb_each(p.value) AS n);
END
$$;
COMMENT ON FUNCTION asymm._fingerprint(jsonb) IS 'SHA-256 (hexadecimal) of a facts document: over the hashes of its parts.';

CREATE OR REPLACE FUNCTION asymm._compare(a jsonb, b jsonb)
RETURNS TABLE (part text, name text, attribute text, declared jsonb, actual jsonb)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH d AS (SELECT p.key AS part, n.key AS name, n.value FROM jsonb_each(_compare.a) p, jsonb_each(p.value) n),
         f AS (SELECT p.key AS part, n.key AS name, n.value FROM jsonb_each(_compare.b) p, jsonb_each(p.value) n)
    SELECT 'table', '', NULL, _compare.a #> '{table,""}', _compare.b #> '{table,""}'
     WHERE _compare.a IS NULL <> (_compare.b IS NULL)
    UNION ALL
    SELECT part, name, v.attribute, v.declared, v.actual
      FROM d FULL JOIN f USING (part, name)
     CROSS JOIN LATERAL (
         SELECT NULL::text AS attribute, d.value AS declared, f.value AS actual WHERE d.value IS NULL OR f.value IS NULL
         UNION ALL
         SELECT attribute, x.value, y.value
           FROM jsonb_each(d.value) AS x (attribute, value)
           FULL JOIN jsonb_each(f.value) AS y (attribute, value) USING (attribute)
          WHERE d.value IS NOT NULL AND f.value IS NOT NULL AND x.value IS DISTINCT FROM y.value) AS v
     WHERE d.value IS DISTINCT FROM f.value AND _compare.a IS NOT NULL AND _compare.b IS NOT NULL
$$;
COMMENT ON FUNCTION asymm._compare(jsonb, jsonb)
    IS 'Differences of two facts documents (a declared, b actual), one row an attribute; attribute NULL when a whole part is missing (actual NULL) or extra (declared NULL).';

CREATE OR REPLACE FUNCTION asymm._schema_tables(schema name) RETURNS oid[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(array_agg(c.oid ORDER BY c.oid), '{}')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = _schema_tables.schema AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
$$;
COMMENT ON FUNCTION asymm._schema_tables(name) IS 'Tables of a schema that can be watched: no temporary ones, no extension''s own.';

CREATE OR REPLACE FUNCTION asymm.fingerprint(target regclass) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_table(target);
    RETURN (SELECT asymm._fingerprint(f.facts) FROM asymm._table_facts(ARRAY[target::oid]) AS f);
END
$$;
COMMENT ON FUNCTION asymm.fingerprint(regclass)
    IS 'SHA-256 of everything declared about a table as it is now. Raises 42809 for what is not a table.';

CREATE OR REPLACE FUNCTION asymm.fingerprint_schema(schema name) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_schema(schema);
    RETURN (SELECT asymm._sha256(COALESCE(string_agg(jsonb_build_array(f.object_name, asymm._fingerprint(f.facts))::text, ''
                                                     ORDER BY f.object_name COLLATE "C"), ''))
              FROM asymm._table_facts(asymm._schema_tables(schema)) AS f);
END
$$;
COMMENT ON FUNCTION asymm.fingerprint_schema(name) IS 'SHA-256 over the fingerprints of all tables of a schema as they are now. Raises 3F000 for an unknown schema.';

CREATE OR REPLACE FUNCTION asymm.fingerprint_database() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT asymm._sha256(COALESCE(string_agg(jsonb_build_array(n.nspname, asymm.fingerprint_schema(n.nspname))::text, ''
                                             ORDER BY n.nspname COLLATE "C"), ''))
      FROM pg_namespace AS n
     WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'asymm')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
$$;
COMMENT ON FUNCTION asymm.fingerprint_database() IS 'SHA-256 over the fingerprints of all schemas as they are now: one root to compare two databases by.';

-- api/404_resolve.sql
-- Names given by callers become objects here, or a clear error.

CREATE OR REPLACE FUNCTION asymm._require_schema(schema name) RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_text(schema::text, 'schema');
    IF NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = schema) THEN
        RAISE EXCEPTION 'schema "%" does not exist', schema
            USING ERRCODE = 'invalid_schema_name', DETAIL = 'No schema of this database has that name.',
                  HINT = 'Names are case-sensitive here: SELECT nspname FROM pg_namespace;';
    ELSIF schema LIKE 'pg\_%' OR schema IN ('information_schema', 'asymm') THEN
        RAISE EXCEPTION 'schema "%" cannot be watched', schema
            USING ERRCODE = 'wrong_object_type', DETAIL = 'It belongs to the system or to this extension.',
                  HINT = 'Watch a schema of your own: asymm.watch_schema(''public'').';
    END IF;
    RETURN schema;
END
$$;
COMMENT ON FUNCTION asymm._require_schema(name) IS 'Returns the schema; raises 3F000 when unknown, 42809 for a system schema.';

CREATE OR REPLACE FUNCTION asymm._require_table(target regclass) RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_row record;
    v_refused text;
BEGIN
    IF target IS NULL THEN
        PERFORM asymm._require_text(NULL, 'target');
    END IF;
    SELECT c.oid, c.relkind, c.relpersistence, c.relname, n.nspname, pg_get_userbyid(c.relowner) AS owner,
           EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') AS extension
      INTO v_row
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table with OID % does not exist', target::oid
            USING ERRCODE = 'undefined_table', DETAIL = 'It was dropped, or the number never named a table.',
                  HINT = 'Name it: ''schema.table''::regclass.';
    END IF;
    v_refused := CASE
        WHEN v_row.nspname IN ('pg_catalog', 'information_schema', 'pg_toast') OR v_row.nspname LIKE 'pg\_toast%' THEN 'a system table'
        WHEN v_row.nspname = 'asymm' OR v_row.extension THEN 'a member of an extension'
        WHEN v_row.relpersistence = 't' THEN 'a temporary table'
        WHEN v_row.relkind = 'v' THEN 'a view'
        WHEN v_row.relkind = 'm' THEN 'a materialized view'
        WHEN v_row.relkind = 'f' THEN 'a foreign table'
        WHEN v_row.relkind = 'S' THEN 'a sequence'
        WHEN v_row.relkind IN ('i', 'I') THEN 'an index'
        WHEN v_row.relkind = 'c' THEN 'a composite type'
        WHEN v_row.relkind NOT IN ('r', 'p') THEN 'of another kind'
    END;
    IF v_refused IS NOT NULL THEN
        RAISE EXCEPTION '"%" is not an ordinary or partitioned table', format('%I.%I', v_row.nspname, v_row.relname)
            USING ERRCODE = 'wrong_object_type', DETAIL = format('It is %s.', v_refused),
                  HINT = 'Name a table of your own; its indexes, constraints and owned sequences are watched with it.';
    END IF;
    RETURN v_row.owner;
END
$$;
COMMENT ON FUNCTION asymm._require_table(regclass) IS 'Returns the owner of a table that can be watched; raises 42P01 or 42809 otherwise.';

-- to_regclass() asks for rights on the schema, which asymm_owner has not.
CREATE OR REPLACE FUNCTION asymm._relid(target text) RETURNS oid
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = (parse_ident(target))[1] AND c.relname = (parse_ident(target))[2] AND c.relkind IN ('r', 'p')
$$;
COMMENT ON FUNCTION asymm._relid(text) IS 'OID of the table with this quoted, qualified name, or NULL; needs no rights on its schema.';

-- Text, because what it names may be gone: the baseline is asked first, then open drift, then the catalog.
CREATE OR REPLACE FUNCTION asymm._resolve(target text, OUT baseline_id bigint, OUT schema_name name, OUT object_name name)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_parts text[];
    v_found integer;
BEGIN
    PERFORM asymm._require_text(target, 'target');
    BEGIN
        v_parts := parse_ident(target);
    EXCEPTION WHEN invalid_parameter_value THEN
        v_parts := '{}';
    END;
    IF cardinality(v_parts) NOT IN (1, 2)
       OR EXISTS (SELECT FROM unnest(v_parts) AS p WHERE octet_length(p) > 63) THEN
        RAISE EXCEPTION 'not a table name: "%"', target
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'A name is table or schema.table, each part at most 63 bytes, quoted as in SQL.',
                  HINT = 'Example: ''public.invoices'' or ''"Odd Schema"."My Table"''.';
    END IF;
    SELECT count(*), min(o.baseline_id), min(o.schema_name::text), min(o.object_name::text)
      INTO v_found, baseline_id, schema_name, object_name
      FROM (SELECT b.id AS baseline_id, b.schema_name, b.object_name FROM asymm.baseline b
            UNION
            SELECT NULL, d.schema_name, d.object_name FROM asymm.drift_record d
             WHERE d.state = 'open' AND d.baseline_id IS NULL) AS o
     WHERE o.object_name = v_parts[cardinality(v_parts)]
       AND (cardinality(v_parts) = 1 OR o.schema_name = v_parts[1]);
    IF v_found > 1 THEN
        RAISE EXCEPTION 'table name "%" is ambiguous', target
            USING ERRCODE = 'ambiguous_function', DETAIL = format('%s watched tables have that name.', v_found),
                  HINT = 'Say which: ''schema.table''.';
    ELSIF v_found = 0 THEN
        IF EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relname = v_parts[cardinality(v_parts)]
                      AND (cardinality(v_parts) = 1 OR n.nspname = v_parts[1])) THEN
            RAISE EXCEPTION '"%" is not watched', target
                USING ERRCODE = 'SY001', DETAIL = 'It exists, but no baseline was declared for it.',
                      HINT = format('SELECT asymm.watch(%L);', target);
        END IF;
        RAISE EXCEPTION 'table "%" does not exist', target
            USING ERRCODE = 'undefined_table', DETAIL = 'Neither a baseline nor the catalog knows it.',
                  HINT = 'SELECT object FROM asymm.watched; lists what is watched.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._resolve(text)
    IS 'Finds a watched table (or an undeclared one seen in a watched schema) by name. Raises 22004, 22023, 42P01, 42725 or SY001.';

-- api/405_place.sql
-- Where healing was allowed. A dump carries the declarations but not the place, so a restored or cloned database
-- heals nothing until somebody says resume().

CREATE OR REPLACE FUNCTION asymm._place() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'system', (SELECT s.system_identifier::text FROM pg_control_system() AS s),
        'timeline', (SELECT c.timeline_id FROM pg_control_checkpoint() AS c),
        'database', (SELECT d.oid::text FROM pg_database d WHERE d.datname = current_database()),
        'data_directory', current_setting('data_directory'))
$$;
COMMENT ON FUNCTION asymm._place() IS 'System identifier, timeline, database OID and data directory: what tells this database from its restored or cloned copy.';

CREATE OR REPLACE FUNCTION asymm._record_place() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Only in a database without declarations: one that has some, but no place, was restored.
    UPDATE asymm.control SET place = asymm._place(), changed_at = clock_timestamp()
     WHERE place IS NULL
       AND NOT EXISTS (SELECT FROM asymm.baseline) AND NOT EXISTS (SELECT FROM asymm.watched_schema)
$$;
COMMENT ON FUNCTION asymm._record_place() IS 'Remembers the place with the first declaration; keeps quiet in a restored database.';

CREATE OR REPLACE FUNCTION asymm._displaced() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN pg_is_in_recovery() THEN 'this server is a standby'
        WHEN c.place IS NULL AND (EXISTS (SELECT FROM asymm.baseline) OR EXISTS (SELECT FROM asymm.watched_schema)) THEN 'the declarations came from a dump'
        WHEN c.place <> h.place THEN
            (SELECT 'this database is a copy or was moved: ' || string_agg(p.key || ' changed', ', ' ORDER BY p.key)
               FROM jsonb_each(h.place) AS p WHERE p.value IS DISTINCT FROM c.place -> p.key)
    END
      FROM asymm.control AS c, asymm._place() AS h (place)
$$;
COMMENT ON FUNCTION asymm._displaced() IS 'How this database is not the one its declarations were made in (restore, clone, move, standby), or NULL.';

CREATE OR REPLACE FUNCTION asymm._healing_paused() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$ SELECT COALESCE((SELECT c.paused FROM asymm.control AS c), asymm._displaced()) $$;
COMMENT ON FUNCTION asymm._healing_paused() IS 'Why nothing is healed now (pause, restore, clone, standby), or NULL.';

-- api/406_members.sql
-- Where watched objects live in the catalog: addresses of their parts, and headers that tell whether one was touched.

CREATE OR REPLACE FUNCTION asymm._addresses(relids oid[])
RETURNS TABLE (relid oid, class_id oid, object_id oid, sub_id integer, part text, name text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid, 'pg_class'::regclass::oid, c.oid, 0, 'table', '' FROM pg_class c WHERE c.oid = ANY (relids)
    UNION ALL
    SELECT a.attrelid, 'pg_class'::regclass, a.attrelid, a.attnum, 'column', a.attname
      FROM pg_attribute a WHERE a.attrelid = ANY (relids) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT c.conrelid, 'pg_constraint'::regclass, c.oid, 0, 'constraint', c.conname
      FROM pg_constraint c WHERE c.conrelid = ANY (relids) AND c.contype IN ('p', 'u', 'f', 'c', 'x')
    UNION ALL
    SELECT x.indrelid, 'pg_class'::regclass, x.indexrelid, 0, 'index', i.relname
      FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = ANY (relids)
    UNION ALL
    SELECT t.tgrelid, 'pg_trigger'::regclass, t.oid, 0, 'trigger', t.tgname
      FROM pg_trigger t WHERE t.tgrelid = ANY (relids) AND NOT t.tgisinternal
    UNION ALL
    SELECT p.polrelid, 'pg_policy'::regclass, p.oid, 0, 'policy', p.polname FROM pg_policy p WHERE p.polrelid = ANY (relids)
    UNION ALL
    SELECT w.ev_class, 'pg_rewrite'::regclass, w.oid, 0, 'rule', w.rulename FROM pg_rewrite w WHERE w.ev_class = ANY (relids)
    UNION ALL
    SELECT d.refobjid, 'pg_class'::regclass, d.objid, 0, 'column', a.attname
      FROM pg_depend d
      JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S'
      JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (relids) AND d.classid = 'pg_class'::regclass
       AND d.deptype IN ('a', 'i')
$$;
COMMENT ON FUNCTION asymm._addresses(oid[]) IS 'Catalog addresses of tables and their parts (owned sequences count to their column).';

-- Headers of all catalog rows that make up an object: equal headers, nothing happened.
CREATE OR REPLACE FUNCTION asymm._headers(relids oid[]) RETURNS TABLE (relid oid, header text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT h.relid, md5(string_agg(h.row, '' ORDER BY h.row COLLATE "C"))
      FROM (
        SELECT c.oid AS relid, 'c' || c.xmin || c.ctid AS row FROM pg_class c WHERE c.oid = ANY (relids)
        UNION ALL
        SELECT a.attrelid, 'a' || md5(string_agg(a.xmin::text || a.ctid::text, '' ORDER BY a.attnum))
          FROM pg_attribute a WHERE a.attrelid = ANY (relids) AND a.attnum > 0 GROUP BY a.attrelid
        UNION ALL
        SELECT d.adrelid, 'd' || d.xmin || d.ctid FROM pg_attrdef d WHERE d.adrelid = ANY (relids)
        UNION ALL
        SELECT c.conrelid, 'k' || c.xmin || c.ctid FROM pg_constraint c WHERE c.conrelid = ANY (relids)
        UNION ALL
        SELECT x.indrelid, 'x' || x.xmin || x.ctid || i.xmin || i.ctid
          FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = ANY (relids)
        UNION ALL
        SELECT t.tgrelid, 't' || t.xmin || t.ctid FROM pg_trigger t WHERE t.tgrelid = ANY (relids) AND NOT t.tgisinternal
        UNION ALL
        SELECT p.polrelid, 'p' || p.xmin || p.ctid FROM pg_policy p WHERE p.polrelid = ANY (relids)
        UNION ALL
        SELECT w.ev_class, 'w' || w.xmin || w.ctid FROM pg_rewrite w WHERE w.ev_class = ANY (relids)
        UNION ALL
        SELECT m.objoid, 'm' || m.xmin || m.ctid
          FROM pg_description m WHERE m.classoid = 'pg_class'::regclass AND m.objoid = ANY (relids)
        UNION ALL
        SELECT i.inhrelid, 'i' || i.xmin || i.ctid FROM pg_inherits i WHERE i.inhrelid = ANY (relids)
        UNION ALL
        SELECT d.refobjid, 's' || q.xmin || q.ctid || c.xmin || c.ctid
          FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_sequence q ON q.seqrelid = c.oid
         WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (relids) AND d.classid = 'pg_class'::regclass
      ) AS h
     GROUP BY h.relid
$$;
COMMENT ON FUNCTION asymm._headers(oid[]) IS 'A hash over the row headers (xmin, ctid) of every catalog row of each table: cheap to compare, says nothing of what changed.';

CREATE OR REPLACE FUNCTION asymm._refresh_members(baselines bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_relids oid[];
BEGIN
    INSERT INTO asymm.baseline_state AS s (baseline_id, relid)
    SELECT b.id, c.oid
      FROM asymm.baseline b
      JOIN pg_namespace n ON n.nspname = b.schema_name
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = b.object_name AND c.relkind IN ('r', 'p')
     WHERE b.id = ANY (baselines)
    ON CONFLICT (baseline_id) DO UPDATE SET relid = excluded.relid WHERE s.relid IS DISTINCT FROM excluded.relid;
    SELECT COALESCE(array_agg(s.relid), '{}') INTO v_relids
      FROM asymm.baseline_state s WHERE s.baseline_id = ANY (baselines) AND s.relid IS NOT NULL;
    -- A table that took another's name is that other one now.
    UPDATE asymm.baseline_state AS s SET relid = NULL, header = NULL
     WHERE s.relid = ANY (v_relids) AND s.baseline_id <> ALL (baselines);
    UPDATE asymm.baseline_state AS s SET header = h.header, fingerprint = b.fingerprint, checked_at = clock_timestamp(),
           checked_xid = pg_current_xact_id(), checked_snapshot = pg_current_snapshot()
      FROM asymm._headers(v_relids) AS h, asymm.baseline AS b
     WHERE h.relid = s.relid AND b.id = s.baseline_id AND s.baseline_id = ANY (baselines);
    INSERT INTO asymm.member AS m (class_id, object_id, sub_id, baseline_id, part, name)
    SELECT a.class_id, a.object_id, a.sub_id, s.baseline_id, a.part, a.name
      FROM asymm._addresses(v_relids) AS a
      JOIN asymm.baseline_state AS s ON s.relid = a.relid AND s.baseline_id = ANY (baselines)
    ON CONFLICT (class_id, object_id, sub_id) DO UPDATE
       SET baseline_id = excluded.baseline_id, part = excluded.part, name = excluded.name
     WHERE (m.baseline_id, m.part, m.name) IS DISTINCT FROM (excluded.baseline_id, excluded.part, excluded.name);
    DELETE FROM asymm.member AS m
     WHERE m.baseline_id = ANY (baselines)
       AND NOT EXISTS (SELECT FROM asymm._addresses(v_relids) AS a
                        WHERE (a.class_id, a.object_id, a.sub_id) = (m.class_id, m.object_id, m.sub_id));
END
$$;
COMMENT ON FUNCTION asymm._refresh_members(bigint[]) IS 'Notes where watched objects that agree with their baseline live in the catalog now.';

CREATE OR REPLACE FUNCTION asymm._rebuild_members() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_lost bigint[];
BEGIN
    -- Addresses still known tell renames; a hold is somebody's decision: both stay.
    v_lost := ARRAY(SELECT b.id FROM asymm.baseline b WHERE NOT EXISTS (SELECT FROM asymm.member m WHERE m.baseline_id = b.id));
    PERFORM asymm._refresh_members(v_lost);
    -- What does not agree with its baseline is looked at by the next scan.
    UPDATE asymm.baseline_state AS s
       SET header = NULL, fingerprint = NULL, checked_xid = NULL, checked_snapshot = NULL
      FROM asymm.baseline AS b
      LEFT JOIN LATERAL (SELECT x.relid FROM asymm.baseline_state x WHERE x.baseline_id = b.id) AS r ON true
      LEFT JOIN asymm._table_facts(ARRAY(SELECT x.relid FROM asymm.baseline_state x WHERE x.relid IS NOT NULL)) AS f
             ON f.relid = r.relid
     WHERE b.id = s.baseline_id AND b.facts IS DISTINCT FROM f.facts;
END
$$;
COMMENT ON FUNCTION asymm._rebuild_members() IS 'Finds watched objects again by name whose catalog addresses are not known, as after a restore.';

-- api/410_watch.sql
-- Declaring: this is how it should be.

-- New tables enter the baseline as they are; of those already there only the policy changes, so that a second watch()
-- never accepts a drift by the way.
CREATE OR REPLACE FUNCTION asymm._declare(relids oid[], policy text, annotation asymm.annotation, by_schema boolean, reason text)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_new bigint[];
    v_known bigint[];
BEGIN
    PERFORM asymm._record_place();
    WITH known AS (
        UPDATE asymm.baseline AS b
           SET policy = _declare.policy, annotation = COALESCE(_declare.annotation, b.annotation),
               by_schema = _declare.by_schema AND b.by_schema, watched_by = asymm._caller(), watched_at = clock_timestamp()
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = ANY (relids) AND b.kind = 'table' AND b.schema_name = n.nspname AND b.object_name = c.relname
           AND (b.by_schema OR NOT _declare.by_schema)
        RETURNING b.id)
    SELECT COALESCE(array_agg(k.id), '{}') INTO v_known FROM known AS k;
    WITH new AS (
        INSERT INTO asymm.baseline (kind, schema_name, object_name, policy, facts, layout, fingerprint, annotation,
                                    by_schema, watched_by, adopted_by, reason)
        SELECT 'table', f.schema_name, f.object_name, _declare.policy, f.facts, f.layout, asymm._fingerprint(f.facts),
               _declare.annotation, _declare.by_schema, asymm._caller(), asymm._caller(), _declare.reason
          FROM asymm._table_facts(relids) AS f
        ON CONFLICT (kind, schema_name, object_name) DO NOTHING
        RETURNING id)
    SELECT COALESCE(array_agg(n.id), '{}') INTO v_new FROM new AS n;
    PERFORM asymm._refresh_members(v_new);
    UPDATE asymm.drift_record AS d SET state = 'adopted', resolved_at = clock_timestamp()
      FROM asymm.baseline AS b
     WHERE d.state = 'open' AND d.baseline_id IS NULL AND b.id = ANY (v_new)
       AND (d.schema_name, d.object_name) = (b.schema_name, b.object_name);
    UPDATE asymm.baseline_state SET held = NULL WHERE baseline_id = ANY (v_known) AND held IS NOT NULL;
    PERFORM asymm._inspect(v_known, 'call');
    RETURN v_new || v_known;
END
$$;
COMMENT ON FUNCTION asymm._declare(oid[], text, asymm.annotation, boolean, text)
    IS 'Takes tables into the baseline as they are, or changes the policy of those already in it; rights were checked before.';

-- Who took the name of a watched table is not thereby master of its baseline.
CREATE OR REPLACE FUNCTION asymm._require_declared(relids oid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT asymm._require_rights((b.facts #>> '{table,"",owner}')::name, format('%I.%I', b.schema_name, b.object_name))
      FROM asymm.baseline b
      JOIN pg_namespace n ON n.nspname = b.schema_name
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = b.object_name
     WHERE c.oid = ANY (relids)
$$;
COMMENT ON FUNCTION asymm._require_declared(oid[]) IS 'Raises 42501 unless the caller may act for the declared owner of each of the tables that is watched already.';

CREATE OR REPLACE FUNCTION asymm.watch(target regclass, policy text DEFAULT 'propose', annotation asymm.annotation DEFAULT NULL)
RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids bigint[];
BEGIN
    PERFORM asymm._require_policy(policy);
    PERFORM asymm._require_annotation(annotation);
    PERFORM asymm._require_rights(asymm._require_table(target), target::text);
    PERFORM asymm._require_declared(ARRAY[target::oid]);
    v_ids := asymm._declare(ARRAY[target::oid], watch.policy, watch.annotation, false, 'watch');
    RETURN QUERY
        SELECT format('%I.%I', b.schema_name, b.object_name), b.kind, b.policy, b.fingerprint
          FROM asymm.baseline b WHERE b.id = ANY (v_ids);
END
$$;
COMMENT ON FUNCTION asymm.watch(regclass, text, asymm.annotation)
    IS 'Declares that a table should be as it is now. Policy: observe (log), propose (ask), heal (repair within limits), guard (refuse DDL). A second call changes the policy only. Raises 22004, 22023, 42P01, 42809, 42501.';

CREATE OR REPLACE FUNCTION asymm.watch_schema(schema name, policy text DEFAULT 'propose', annotation asymm.annotation DEFAULT NULL)
RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_relids oid[];
    v_ids bigint[];
BEGIN
    PERFORM asymm._require_policy(policy);
    PERFORM asymm._require_annotation(annotation);
    PERFORM asymm._require_schema(schema);
    v_relids := asymm._schema_tables(schema);
    PERFORM asymm._require_rights(pg_get_userbyid(o.relowner), format('%I.%I', schema, o.relname))
       FROM (SELECT DISTINCT ON (c.relowner) c.relowner, c.relname FROM pg_class c WHERE c.oid = ANY (v_relids)) AS o;
    -- The tables that others will make in it are declared too.
    PERFORM asymm._require_rights(pg_get_userbyid(n.nspowner), schema) FROM pg_namespace n WHERE n.nspname = schema;
    PERFORM asymm._require_declared(v_relids);
    v_ids := asymm._declare(v_relids, watch_schema.policy, watch_schema.annotation, true, 'watch_schema');
    INSERT INTO asymm.watched_schema AS w (schema_name, policy, annotation, watched_by)
    VALUES (watch_schema.schema, watch_schema.policy, watch_schema.annotation, asymm._caller())
    ON CONFLICT (schema_name) DO UPDATE
       SET policy = excluded.policy, annotation = COALESCE(excluded.annotation, w.annotation),
           watched_by = excluded.watched_by, watched_at = clock_timestamp();
    RETURN QUERY
        SELECT format('%I.%I', b.schema_name, b.object_name), b.kind, b.policy, b.fingerprint
          FROM asymm.baseline b WHERE b.id = ANY (v_ids) ORDER BY 1;
END
$$;
COMMENT ON FUNCTION asymm.watch_schema(name, text, asymm.annotation)
    IS 'Declares every table of a schema as it is now; a table that appears later without intent is drift. Tables watched by themselves keep their policy. Raises 22004, 22023, 3F000, 42809, 42501.';

CREATE OR REPLACE FUNCTION asymm._forget(ids bigint[]) RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_rights((b.facts #>> '{table,"",owner}')::name, format('%I.%I', b.schema_name, b.object_name))
       FROM asymm.baseline b WHERE b.id = ANY (ids);
    PERFORM asymm._set_action_state(a.id, 'expired', 'no longer watched')
       FROM asymm.action a WHERE a.baseline_id = ANY (ids) AND a.state IN ('proposed', 'approved');
    RETURN QUERY
        DELETE FROM asymm.baseline b WHERE b.id = ANY (ids)
        RETURNING format('%I.%I', b.schema_name, b.object_name), b.kind, b.policy, b.fingerprint;
END
$$;
COMMENT ON FUNCTION asymm._forget(bigint[]) IS 'Removes baselines with their open drift and proposals; the ledger stays.';

CREATE OR REPLACE FUNCTION asymm.unwatch(target text) RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record := asymm._resolve(target);
BEGIN
    IF v.baseline_id IS NULL THEN
        RAISE EXCEPTION '"%" is not watched', target
            USING ERRCODE = 'SY001', DETAIL = 'It was seen in a watched schema, but was never declared.',
                  HINT = format('SELECT asymm.unwatch_schema(%L); stops watching the schema.', v.schema_name);
    END IF;
    RETURN QUERY SELECT f.* FROM asymm._forget(ARRAY[v.baseline_id]) AS f;
END
$$;
COMMENT ON FUNCTION asymm.unwatch(text) IS 'Stops watching a table, which may be gone already; returns what was forgotten. Raises 22004, 22023, 42P01, 42501, SY001.';

CREATE OR REPLACE FUNCTION asymm.unwatch_schema(schema name) RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids bigint[];
BEGIN
    PERFORM asymm._require_text(schema::text, 'schema');
    IF NOT EXISTS (SELECT FROM asymm.watched_schema w WHERE w.schema_name = unwatch_schema.schema) THEN
        RAISE EXCEPTION 'schema "%" is not watched', schema
            USING ERRCODE = 'SY001', DETAIL = 'watch_schema() was never called for it.',
                  HINT = 'SELECT * FROM asymm.watched; lists what is watched.';
    END IF;
    v_ids := ARRAY(SELECT b.id FROM asymm.baseline b WHERE b.schema_name = unwatch_schema.schema AND b.by_schema);
    PERFORM asymm._require_rights(COALESCE(pg_get_userbyid(n.nspowner), w.watched_by), schema)
       FROM asymm.watched_schema w LEFT JOIN pg_namespace n ON n.nspname = w.schema_name
      WHERE w.schema_name = unwatch_schema.schema;
    RETURN QUERY SELECT f.* FROM asymm._forget(v_ids) AS f;
    UPDATE asymm.drift_record AS d SET state = 'superseded', resolved_at = clock_timestamp()
     WHERE d.state = 'open' AND d.baseline_id IS NULL AND d.schema_name = unwatch_schema.schema;
    DELETE FROM asymm.watched_schema w WHERE w.schema_name = unwatch_schema.schema;
END
$$;
COMMENT ON FUNCTION asymm.unwatch_schema(name) IS 'Stops watching a schema and the tables watched through it; returns what was forgotten. Raises 22004, 42501, SY001.';

-- api/420_look.sql
-- One look at a watched table: what it is now, and how it differs from its baseline.

-- Parts that sit at a declared address under another name. relid is taken from the last look, else found by name.
CREATE OR REPLACE FUNCTION asymm._look(
    baseline bigint,
    OUT relid oid, OUT owner name, OUT facts jsonb, OUT layout jsonb, OUT renames jsonb, OUT fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_base asymm.baseline;
    v_at record;
BEGIN
    SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = baseline;
    -- A table of the declared name comes first: one that was remade under it is the declared one.
    SELECT c.oid INTO relid
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = v_base.schema_name AND c.relname = v_base.object_name AND c.relkind IN ('r', 'p');
    IF relid IS NULL THEN
        SELECT s.relid INTO relid
          FROM asymm.baseline_state s JOIN pg_class c ON c.oid = s.relid AND c.relkind IN ('r', 'p')
         WHERE s.baseline_id = baseline
           AND NOT EXISTS (SELECT FROM asymm.baseline o JOIN pg_namespace n ON n.nspname = o.schema_name
                            WHERE n.oid = c.relnamespace AND o.object_name = c.relname);
    END IF;
    renames := '{}';
    IF relid IS NULL THEN
        RETURN;
    END IF;
    SELECT f.schema_name, f.object_name, f.owner, f.facts, f.layout INTO v_at FROM asymm._table_facts(ARRAY[_look.relid]) AS f;
    owner := v_at.owner;
    facts := v_at.facts;
    layout := v_at.layout;
    SELECT COALESCE(jsonb_object_agg(r.part, r.names), '{}') INTO renames
      FROM (SELECT m.part, jsonb_object_agg(m.name, a.name) AS names
              FROM asymm._addresses(ARRAY[_look.relid]) AS a
              JOIN asymm.member AS m USING (class_id, object_id, sub_id)
             WHERE m.baseline_id = baseline AND a.name <> m.name AND a.part = m.part
               AND m.part IN ('column', 'constraint', 'index', 'trigger', 'policy', 'rule')
               AND v_base.facts #> ARRAY[m.part, m.name] IS NOT NULL
             GROUP BY m.part) AS r;
    IF (v_at.schema_name, v_at.object_name) IS DISTINCT FROM (v_base.schema_name, v_base.object_name) THEN
        renames := renames || jsonb_build_object('table',
            jsonb_build_object('schema', v_at.schema_name, 'name', v_at.object_name));
    END IF;
    fingerprint := CASE WHEN renames = '{}' THEN asymm._fingerprint(facts)
                        ELSE asymm._sha256(asymm._fingerprint(facts) || renames) END;
END
$$;
COMMENT ON FUNCTION asymm._look(bigint)
    IS 'A watched table as it is now: OID, owner, facts, column order, declared parts found under other names, fingerprint; all NULL when it is gone.';

CREATE OR REPLACE FUNCTION asymm._differences(a jsonb, b jsonb, renames jsonb)
RETURNS TABLE (part text, name text, attribute text, declared jsonb, actual jsonb)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_actual jsonb := _differences.b;
    v_part record;
BEGIN
    -- What was renamed is compared under its declared name, and the rename told as one difference.
    FOR v_part IN SELECT r.key AS part, r.value AS names FROM jsonb_each(renames) AS r WHERE r.key <> 'table' LOOP
        v_actual := jsonb_set(v_actual, ARRAY[v_part.part],
            (SELECT COALESCE(jsonb_object_agg(COALESCE(n.key, p.key), p.value), '{}')
               FROM jsonb_each(v_actual -> v_part.part) AS p
               LEFT JOIN jsonb_each_text(v_part.names) AS n ON n.value = p.key));
        RETURN QUERY SELECT v_part.part, n.key, 'name', to_jsonb(n.key), n.value FROM jsonb_each(v_part.names) AS n;
    END LOOP;
    IF renames ? 'table' THEN
        RETURN QUERY SELECT 'table', '', 'name', NULL::jsonb, renames -> 'table';
    END IF;
    RETURN QUERY SELECT c.* FROM asymm._compare(_differences.a, v_actual) AS c;
END
$$;
COMMENT ON FUNCTION asymm._differences(jsonb, jsonb, jsonb) IS 'Differences of two facts documents (a declared, b actual) with renames told as such (attribute name).';

-- api/422_inspect.sql
-- From differences to drift rows and, where the policy asks for it, an action in the ledger.

CREATE OR REPLACE FUNCTION asymm._close_drift(baseline bigint, how text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE asymm.drift_record SET state = how, resolved_at = clock_timestamp() WHERE baseline_id = baseline AND state = 'open';
    SELECT asymm._set_action_state(a.id, 'expired', 'the drift is gone')
      FROM asymm.action a WHERE a.baseline_id = baseline AND a.state IN ('proposed', 'approved');
$$;
COMMENT ON FUNCTION asymm._close_drift(bigint, text) IS 'Ends the open drift of an object and expires what was proposed for it.';

CREATE OR REPLACE FUNCTION asymm._record_drift(
    baseline bigint, kind text, schema_name name, object_name name, differences jsonb, found_by text, ddl_log_id bigint)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_new integer;
BEGIN
    UPDATE asymm.drift_record AS d
       SET state = CASE WHEN f.part IS NULL THEN 'vanished' ELSE 'superseded' END, resolved_at = clock_timestamp()
      FROM asymm.drift_record AS o
      LEFT JOIN jsonb_to_recordset(differences) AS f (part text, name text, attribute text, declared jsonb, actual jsonb)
             ON f.part = o.part AND f.name = o.name AND f.attribute IS NOT DISTINCT FROM o.attribute
     WHERE o.id = d.id AND o.state = 'open'
       AND o.schema_name = _record_drift.schema_name AND o.object_name = _record_drift.object_name
       AND (f.part IS NULL OR NULLIF(f.actual, 'null') IS DISTINCT FROM o.actual);
    INSERT INTO asymm.drift_record (baseline_id, kind, schema_name, object_name, part, name, attribute, declared, actual,
                                    ddl_log_id, found_by)
    SELECT baseline, _record_drift.kind, _record_drift.schema_name, _record_drift.object_name, f.part, f.name, f.attribute,
           NULLIF(f.declared, 'null'), NULLIF(f.actual, 'null'), _record_drift.ddl_log_id, _record_drift.found_by
      FROM jsonb_to_recordset(differences) AS f (part text, name text, attribute text, declared jsonb, actual jsonb)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_new = ROW_COUNT;
    -- A scan may have been first; who did it is known now.
    UPDATE asymm.drift_record AS d SET ddl_log_id = _record_drift.ddl_log_id
     WHERE d.state = 'open' AND d.ddl_log_id IS NULL AND _record_drift.ddl_log_id IS NOT NULL
       AND d.schema_name = _record_drift.schema_name AND d.object_name = _record_drift.object_name;
    RETURN v_new;
END
$$;
COMMENT ON FUNCTION asymm._record_drift(bigint, text, name, name, jsonb, text, bigint)
    IS 'Brings the open drift rows of an object in line with its differences; returns how many are new.';

-- Until somebody decides (heal, adopt, watch), policy heal only proposes for this table.
CREATE OR REPLACE FUNCTION asymm._hold(baseline bigint, reason text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO asymm.baseline_state AS s (baseline_id, held) VALUES (baseline, reason)
    ON CONFLICT (baseline_id) DO UPDATE SET held = excluded.held
$$;
COMMENT ON FUNCTION asymm._hold(bigint, text) IS 'Holds the repair of a table back until a person decides, with the reason.';

-- Why a plan may not run by policy alone, or NULL.
CREATE OR REPLACE FUNCTION asymm._hold_reason(base asymm.baseline, relid oid, differences jsonb, steps jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_set asymm.setting := asymm._settings();
    v_reason text;
BEGIN
    IF base.policy <> 'heal' THEN
        RETURN format('policy %s', base.policy);
    END IF;
    v_reason := asymm._healing_paused();
    IF v_reason IS NOT NULL THEN
        RETURN 'healing is paused: ' || v_reason;
    END IF;
    SELECT s.held INTO v_reason FROM asymm.baseline_state s WHERE s.baseline_id = base.id;
    IF v_reason IS NOT NULL THEN
        RETURN v_reason;
    END IF;
    -- An actor belongs to one owner, so it can neither give a table back nor run a superuser's.
    SELECT format('owner "%s" is a superuser, whom no actor may serve: call asymm.heal() yourself', r.rolname) INTO v_reason
      FROM pg_roles r WHERE r.rolname = base.facts #>> '{table,"",owner}' AND r.rolsuper;
    IF v_reason IS NOT NULL THEN
        RETURN v_reason;
    END IF;
    IF jsonb_path_exists(differences, '$[*] ? (@.part == "table" && @.attribute == "owner")') THEN
        RETURN 'the owner changed: only a superuser, or a member of both owners, can give it back';
    END IF;
    IF jsonb_path_exists(steps, '$[*] ? (@.inverse == null && @.forward != null)') THEN
        RETURN 'a step of the repair cannot be undone';
    END IF;
    -- Steps that need a person are left out when the rest runs; with nothing else to do, say why.
    SELECT string_agg(DISTINCT CASE h WHEN 'deletes data' THEN 'the repair would delete data' ELSE h END, '; ') INTO v_reason
      FROM jsonb_array_elements(steps) AS s, jsonb_array_elements_text(s -> 'hazards') AS h
     WHERE (h = 'deletes data' AND s ->> 'precondition' IS NULL OR h LIKE 'not healable:%')
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(steps) AS r
                        WHERE r ->> 'forward' IS NOT NULL AND NOT (r -> 'hazards' ? 'deletes data' AND r ->> 'precondition' IS NULL));
    IF v_reason IS NOT NULL THEN
        RETURN v_reason;
    END IF;
    IF relid IS NOT NULL AND pg_table_size(relid) > v_set.max_table_bytes
       AND jsonb_path_exists(steps, '$[*] ? (@.precondition != null || @.hazards[*] == "rewrites table" ||
                                             @.hazards[*] == "scans table" || @.hazards[*] == "builds index")') THEN
        RETURN format('the table (%s) is larger than max_table_bytes', pg_size_pretty(pg_table_size(relid)));
    END IF;
    -- No tug-of-war: the same thing repaired again and again within the window is somebody's will.
    SELECT format('%s was repaired %s times within %s', r.what, count(*), v_set.relapse_window) INTO v_reason
      FROM (SELECT DISTINCT a.id, btrim(d.part || ' ' || d.name) AS what
              FROM asymm.drift_record d
              JOIN asymm.action a ON a.id = d.action_id AND a.state = 'verified' AND a.kind = 'heal'
              JOIN jsonb_to_recordset(differences) AS f (part text, name text) ON f.part = d.part AND f.name = d.name
             WHERE d.baseline_id = base.id AND a.applied_at > clock_timestamp() - v_set.relapse_window) AS r
     GROUP BY r.what HAVING count(*) >= v_set.relapse_limit
     LIMIT 1;
    IF v_reason IS NOT NULL THEN
        PERFORM asymm._hold(base.id, v_reason);
        RETURN v_reason;
    END IF;
    IF (SELECT count(*) FROM asymm.action a
         WHERE a.kind = 'heal' AND (a.state = 'approved' OR a.applied_at > clock_timestamp() - interval '1 hour')) >= v_set.max_actions_per_hour THEN
        RETURN format('max_actions_per_hour (%s) is used up', v_set.max_actions_per_hour);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._hold_reason(asymm.baseline, oid, jsonb, jsonb)
    IS 'Why a repair is only proposed (policy, pause, hold, hazard, size, relapse, budget); NULL when the background may run it.';

-- A table whose repair can't be planned is still reported, and must not keep the others from being looked at.
CREATE OR REPLACE FUNCTION asymm._steps(
    schema_name name, object_name name, declared jsonb, layout jsonb, actual jsonb, relid oid, renames jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT COALESCE(jsonb_agg(to_jsonb(p) ORDER BY p.step), '[]')
              FROM asymm._plan(schema_name, object_name, declared, layout, actual, relid, renames) AS p);
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'repair of %.% could not be planned: % (%)', quote_ident(schema_name), quote_ident(object_name), SQLERRM, SQLSTATE;
    RETURN jsonb_build_array(jsonb_build_object('step', 1, 'part', 'table', 'name', '', 'hazards',
        jsonb_build_array(format('not healable: the plan failed: %s (%s)', SQLERRM, SQLSTATE))));
END
$$;
COMMENT ON FUNCTION asymm._steps(name, name, jsonb, jsonb, jsonb, oid, jsonb) IS 'The repair plan as the ledger stores it.';

-- The action for what is different now: the open one if it was made for this very state, else a new one. A state that
-- was refused, reverted or failed before is not proposed again by itself.
CREATE OR REPLACE FUNCTION asymm._propose(
    baseline bigint, target text, owner name, steps jsonb, fingerprint text, differences jsonb, hold text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_last asymm.action;
    v_id bigint;
BEGIN
    SELECT a.* INTO v_last FROM asymm.action a
     WHERE a.kind = 'heal' AND a.target = _propose.target AND a.baseline_id IS NOT DISTINCT FROM baseline
     ORDER BY a.id DESC LIMIT 1;
    IF v_last.fingerprint_before IS NOT DISTINCT FROM fingerprint AND v_last.steps = steps THEN
        -- What was found to hold data under lock stays a question for a person.
        IF v_last.state = 'proposed' AND hold IS NULL AND v_last.error ->> 'sqlstate' IS DISTINCT FROM 'SY009' THEN
            PERFORM asymm._set_action_state(v_last.id, 'approved', 'policy heal');
        ELSIF v_last.state = 'approved' AND hold IS NOT NULL THEN
            PERFORM asymm._set_action_state(v_last.id, 'proposed', hold);
        END IF;
        IF v_last.state IN ('proposed', 'approved', 'applying', 'failed', 'rejected', 'reverted') THEN
            RETURN v_last.id;
        END IF;
    END IF;
    PERFORM asymm._set_action_state(a.id, 'expired', 'the object changed again')
       FROM asymm.action a
      WHERE a.kind = 'heal' AND a.target = _propose.target AND a.baseline_id IS NOT DISTINCT FROM baseline
        AND a.state IN ('proposed', 'approved');
    INSERT INTO asymm.action (kind, baseline_id, target, owner, state, reason, requested_by, steps, fingerprint_before, evidence_before)
    VALUES ('heal', baseline, target, owner, CASE WHEN hold IS NULL THEN 'approved' ELSE 'proposed' END,
            COALESCE(hold, 'policy heal'), asymm._caller(), steps, fingerprint,
            jsonb_build_object('differences', differences))
    RETURNING id INTO v_id;
    INSERT INTO asymm.action_event (action_id, to_state, by_role, note)
    SELECT v_id, a.state, asymm._caller(), a.reason FROM asymm.action a WHERE a.id = v_id;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._propose(bigint, text, name, jsonb, text, jsonb, text)
    IS 'Writes the repair of a drift to the ledger: approved when nothing holds it, else proposed with the reason.';

-- One watched table: drift rows and action are made to agree with what is there. NULL when it is as declared and was.
CREATE OR REPLACE FUNCTION asymm._inspect_one(base asymm.baseline, found_by text, ddl_log_id bigint, hold text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_target text := format('%I.%I', base.schema_name, base.object_name);
    v_look record := asymm._look(base.id);
    v_differences jsonb;
    v_steps jsonb;
    v_action bigint;
    v_new integer;
BEGIN
    IF v_look.fingerprint = base.fingerprint THEN
        PERFORM asymm._refresh_members(ARRAY[base.id]);
        IF EXISTS (SELECT FROM asymm.drift_record d WHERE d.baseline_id = base.id AND d.state = 'open') THEN
            PERFORM asymm._close_drift(base.id, 'vanished');
            UPDATE asymm.baseline_state AS s SET held = NULL WHERE s.baseline_id = base.id AND s.held IS NOT NULL;
            RETURN jsonb_build_object('objects', jsonb_build_array(v_target), 'drifts', 0);
        END IF;
        RETURN NULL;
    END IF;
    SELECT jsonb_agg(to_jsonb(d) ORDER BY d.part, d.name, d.attribute) INTO v_differences
      FROM asymm._differences(base.facts, v_look.facts, v_look.renames) AS d;
    v_new := asymm._record_drift(base.id, base.kind, base.schema_name, base.object_name, v_differences, found_by, ddl_log_id);
    IF base.policy <> 'observe' THEN
        v_steps := asymm._steps(base.schema_name, base.object_name, base.facts, base.layout, v_look.facts,
                                v_look.relid, v_look.renames);
        v_action := asymm._propose(base.id, v_target, COALESCE(v_look.owner, (base.facts #>> '{table,"",owner}')::name),
                                   v_steps, COALESCE(v_look.fingerprint, 'gone'), v_differences,
                                   COALESCE(hold, asymm._hold_reason(base, v_look.relid, v_differences, v_steps)));
        UPDATE asymm.drift_record AS d SET action_id = v_action
         WHERE d.baseline_id = base.id AND d.state = 'open' AND d.action_id IS DISTINCT FROM v_action;
    END IF;
    INSERT INTO asymm.baseline_state AS s (baseline_id, relid, header, fingerprint, checked_at)
    VALUES (base.id, v_look.relid, (SELECT h.header FROM asymm._headers(ARRAY[v_look.relid]) AS h),
            v_look.fingerprint, clock_timestamp())
    ON CONFLICT (baseline_id) DO UPDATE
       SET relid = COALESCE(excluded.relid, s.relid), header = excluded.header, fingerprint = excluded.fingerprint,
           checked_at = excluded.checked_at;
    RETURN CASE WHEN v_new > 0 THEN jsonb_build_object('objects', jsonb_build_array(v_target), 'drifts', v_new) END;
END
$$;
COMMENT ON FUNCTION asymm._inspect_one(asymm.baseline, text, bigint, text)
    IS 'Compares one watched table with its baseline and writes drift rows and action; {objects, drifts} or NULL.';

-- DDL that was committed while we looked is in the log by now, since its row came with it. What it meant is unknown until
-- that row is read, so nothing may be concluded from a look it may have changed.
CREATE OR REPLACE FUNCTION asymm._require_read(baseline bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM asymm.ddl_log l
                WHERE NOT l.seen AND l.xid IS DISTINCT FROM pg_current_xact_id_if_assigned()
                  AND (cardinality(l.object_ids) = 0
                       OR baseline IN (SELECT asymm._touched(l.class_ids, l.object_ids, l.parent_schemas, l.parent_names)))) THEN
        RAISE EXCEPTION 'more DDL arrived while the table was looked at'
            USING ERRCODE = 'SY010', DETAIL = format('Baseline %s.', baseline), HINT = 'It is looked at again with the next beat.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_read(bigint) IS 'Raises SY010 when the log holds unread DDL on a table; internal, caught by the callers.';

CREATE OR REPLACE FUNCTION asymm._inspect(baselines bigint[], found_by text, ddl_log_id bigint DEFAULT NULL, hold text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_id bigint;
    v_base asymm.baseline;
    v_one jsonb;
    v_seen jsonb;
BEGIN
    FOREACH v_id IN ARRAY COALESCE(baselines, '{}') LOOP
        -- One table that can't be read now (locked, dropped under our eyes) must not hide the others.
        BEGIN
            SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = v_id FOR UPDATE;
            CONTINUE WHEN NOT FOUND;
            v_one := asymm._inspect_one(v_base, found_by, ddl_log_id, hold);
            PERFORM asymm._require_read(v_id);
            v_seen := asymm._merge_seen(v_seen, v_one);
        EXCEPTION WHEN SQLSTATE 'SY010' OR lock_not_available OR deadlock_detected THEN
            -- The log's rows wait for the next beat; a scan has none.
            IF found_by = 'ddl_log' THEN
                RAISE;
            END IF;
            UPDATE asymm.baseline_state AS s SET header = 'look again' WHERE s.baseline_id = v_id;
        WHEN OTHERS THEN
            RAISE WARNING 'asymmetrica: %.% could not be inspected and will be looked at again: % (%)',
                quote_ident(v_base.schema_name), quote_ident(v_base.object_name), SQLERRM, SQLSTATE;
            UPDATE asymm.baseline_state AS s SET header = 'look again' WHERE s.baseline_id = v_id;
        END;
    END LOOP;
    RETURN v_seen;
END
$$;
COMMENT ON FUNCTION asymm._inspect(bigint[], text, bigint, text)
    IS 'Inspects watched tables one by one; returns {objects, drifts} of all or NULL when nothing changed.';

-- api/424_adopt.sql
-- Accepting: what is becomes what should be, in whole by adopt(), or what a migration changed and nothing else.

CREATE OR REPLACE FUNCTION asymm._set_baseline(baseline bigint, facts jsonb, layout jsonb, reason text, schema_name name, object_name name)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE asymm.baseline AS b
       SET facts = _set_baseline.facts, layout = _set_baseline.layout, fingerprint = asymm._fingerprint(_set_baseline.facts),
           schema_name = _set_baseline.schema_name, object_name = _set_baseline.object_name,
           adopted_by = asymm._caller(), adopted_at = clock_timestamp(), reason = _set_baseline.reason
     WHERE b.id = baseline
$$;
COMMENT ON FUNCTION asymm._set_baseline(bigint, jsonb, jsonb, text, name, name) IS 'Declares new facts for a watched table.';

-- What stays drift when a migration is adopted: differences seen before it began (since) and, if only one attribute can
-- have been meant (only), everything else. Returns the facts to declare, and the renames that stay drift.
CREATE OR REPLACE FUNCTION asymm._facts_to_adopt(
    baseline bigint, declared jsonb, actual jsonb, renames jsonb, since timestamptz, only_attribute text,
    OUT facts jsonb, OUT kept_renames jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_path text[];
BEGIN
    facts := _facts_to_adopt.actual;
    kept_renames := '{}';
    FOR v IN
        SELECT r.key AS part, jsonb_object_agg(n.key, n.value) AS names
          FROM jsonb_each(renames) AS r, jsonb_each(r.value) AS n
         WHERE only_attribute IS NOT NULL
            OR EXISTS (SELECT FROM asymm.drift_record d
                        WHERE d.baseline_id = baseline AND d.state = 'open' AND d.attribute = 'name' AND d.noticed_at < since
                          AND d.part = r.key AND (r.key = 'table' OR d.name = n.key))
         GROUP BY r.key
    LOOP
        kept_renames := kept_renames || jsonb_build_object(v.part, v.names);
        CONTINUE WHEN v.part = 'table';
        facts := jsonb_set(facts, ARRAY[v.part],
            (SELECT jsonb_object_agg(COALESCE(n.key, p.key), p.value)
               FROM jsonb_each(facts -> v.part) AS p
               LEFT JOIN jsonb_each_text(v.names) AS n ON n.value = p.key));
    END LOOP;
    FOR v IN
        SELECT d.part, d.name, d.attribute, d.declared, d.actual FROM asymm.drift_record d
         WHERE d.baseline_id = baseline AND d.state = 'open' AND d.noticed_at < since
        UNION
        SELECT d.part, d.name, d.attribute, d.declared, d.actual
          FROM asymm._compare(_facts_to_adopt.declared, facts) AS d
         WHERE only_attribute IS NOT NULL AND d.attribute IS DISTINCT FROM only_attribute
    LOOP
        v_path := array_remove(ARRAY[v.part, v.name, v.attribute], NULL);
        -- Only where the drift is still what it was.
        CONTINUE WHEN v.attribute = 'name' OR facts #> v_path IS DISTINCT FROM v.actual;
        IF v.declared IS NULL THEN
            facts := facts #- v_path;
        ELSE
            facts := jsonb_set(facts || jsonb_build_object(v.part, COALESCE(facts -> v.part, '{}')), v_path, v.declared);
        END IF;
    END LOOP;
    -- A kind of part without any is absent, as _table_facts() has it.
    SELECT jsonb_object_agg(f.key, f.value) INTO facts FROM jsonb_each(facts) AS f WHERE f.value <> '{}';
END
$$;
COMMENT ON FUNCTION asymm._facts_to_adopt(bigint, jsonb, jsonb, jsonb, timestamptz, text)
    IS 'The actual facts of a table with those differences put back that are older than a migration or none of its business.';

-- since NULL: everything is adopted.
CREATE OR REPLACE FUNCTION asymm._adopt(
    baseline bigint, reason text, since timestamptz DEFAULT NULL, only_attribute text DEFAULT NULL)
RETURNS TABLE (part text, name text, attribute text, declared jsonb, adopted jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_base asymm.baseline;
    v_look record;
    v_new record;
    v_schema name;
    v_object name;
    v_differences jsonb;
    v_action bigint;
BEGIN
    SELECT b.* INTO v_base FROM asymm.baseline b WHERE b.id = baseline FOR UPDATE;
    v_look := asymm._look(baseline);
    IF v_look.facts IS NULL THEN
        IF only_attribute IS NOT NULL THEN
            RETURN;
        END IF;
        -- The table is gone on purpose: nothing is left to declare.
        INSERT INTO asymm.action (kind, target, owner, state, reason, requested_by, evidence_before, applied_by, applied_at)
        VALUES ('adopt', format('%I.%I', v_base.schema_name, v_base.object_name), (v_base.facts #>> '{table,"",owner}')::name,
                'verified', reason, asymm._caller(), to_jsonb(v_base), asymm._caller(), clock_timestamp())
        RETURNING id INTO v_action;
        INSERT INTO asymm.action_event (action_id, to_state, by_role, note) VALUES (v_action, 'verified', asymm._caller(), reason);
        PERFORM asymm._close_drift(baseline, 'adopted');
        RETURN QUERY SELECT 'table', '', NULL::text, v_base.facts #> '{table,""}', NULL::jsonb;
        DELETE FROM asymm.baseline b WHERE b.id = baseline;
        RETURN;
    END IF;
    v_new := asymm._facts_to_adopt(baseline, v_base.facts, v_look.facts, v_look.renames, since, only_attribute);
    v_schema := CASE WHEN v_new.kept_renames ? 'table' THEN v_base.schema_name ELSE COALESCE(v_look.renames #>> '{table,schema}', v_base.schema_name) END;
    v_object := CASE WHEN v_new.kept_renames ? 'table' THEN v_base.object_name ELSE COALESCE(v_look.renames #>> '{table,name}', v_base.object_name) END;
    SELECT jsonb_agg(to_jsonb(d)) INTO v_differences FROM asymm._compare(v_base.facts, v_new.facts) AS d;
    IF (v_schema, v_object) IS DISTINCT FROM (v_base.schema_name, v_base.object_name) THEN
        v_differences := COALESCE(v_differences, '[]') || jsonb_build_object('part', 'table', 'name', '', 'attribute', 'name',
            'declared', format('%I.%I', v_base.schema_name, v_base.object_name), 'actual', format('%I.%I', v_schema, v_object));
    END IF;
    IF v_differences IS NOT NULL THEN
        INSERT INTO asymm.action (kind, baseline_id, target, owner, state, reason, requested_by, fingerprint_before,
                                  fingerprint_after, evidence_before, evidence_after, applied_by, applied_at)
        VALUES ('adopt', baseline, format('%I.%I', v_base.schema_name, v_base.object_name), v_look.owner, 'verified', reason,
                asymm._caller(), v_base.fingerprint, asymm._fingerprint(v_new.facts), to_jsonb(v_base),
                jsonb_build_object('differences', v_differences), asymm._caller(), clock_timestamp())
        RETURNING id INTO v_action;
        INSERT INTO asymm.action_event (action_id, to_state, by_role, note) VALUES (v_action, 'verified', asymm._caller(), reason);
        PERFORM asymm._set_baseline(baseline, v_new.facts, v_look.layout, reason, v_schema, v_object);
    END IF;
    IF since IS NULL THEN
        UPDATE asymm.baseline_state SET held = NULL WHERE baseline_id = baseline AND held IS NOT NULL;
        PERFORM asymm._close_drift(baseline, 'adopted');
    ELSE
        UPDATE asymm.drift_record AS d SET state = 'adopted', resolved_at = clock_timestamp()
         WHERE d.baseline_id = baseline AND d.state = 'open'
           AND NOT EXISTS (SELECT FROM asymm._differences(v_new.facts, v_look.facts, v_new.kept_renames) AS f
                            WHERE f.part = d.part AND f.name = d.name AND f.attribute IS NOT DISTINCT FROM d.attribute);
    END IF;
    PERFORM asymm._refresh_members(ARRAY[baseline]);
    UPDATE asymm.member AS m SET name = n.key
      FROM jsonb_each(v_new.kept_renames - 'table') AS r, jsonb_each_text(r.value) AS n
     WHERE m.baseline_id = baseline AND m.part = r.key AND m.name = n.value;
    RETURN QUERY
        SELECT d.part, d.name, d.attribute, NULLIF(d.declared, 'null'), NULLIF(d.actual, 'null')
          FROM jsonb_to_recordset(v_differences) AS d (part text, name text, attribute text, declared jsonb, actual jsonb);
END
$$;
COMMENT ON FUNCTION asymm._adopt(bigint, text, timestamptz, text)
    IS 'Makes the present state of a table (or what a migration changed of it) its baseline and writes that to the ledger; returns what changed.';

CREATE OR REPLACE FUNCTION asymm.adopt(target text, reason text DEFAULT NULL)
RETURNS TABLE (object text, kind text, part text, name text, attribute text, declared jsonb, adopted jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record := asymm._resolve(target);
    v_object text := format('%I.%I', v.schema_name, v.object_name);
    v_relid regclass;
    v_watched asymm.watched_schema;
BEGIN
    IF v.baseline_id IS NULL THEN
        -- A table that appeared in a watched schema: declare it like the others there.
        v_relid := asymm._relid(v_object);
        PERFORM asymm._require_rights(asymm._require_table(v_relid), v_object);
        SELECT w.* INTO v_watched FROM asymm.watched_schema w WHERE w.schema_name = v.schema_name;
        PERFORM asymm._declare(ARRAY[v_relid::oid], COALESCE(v_watched.policy, 'propose'), v_watched.annotation, true, adopt.reason);
        PERFORM asymm._set_action_state(a.id, 'expired', 'adopted') FROM asymm.action a
          WHERE a.target = v_object AND a.baseline_id IS NULL AND a.state IN ('proposed', 'approved');
        RETURN QUERY SELECT v_object, 'table', 'table', '', NULL::text, NULL::jsonb, f.facts
                       FROM asymm._table_facts(ARRAY[v_relid::oid]) AS f;
    ELSE
        PERFORM asymm._require_rights((b.facts #>> '{table,"",owner}')::name, v_object)
           FROM asymm.baseline b WHERE b.id = v.baseline_id;
        RETURN QUERY SELECT v_object, 'table', a.* FROM asymm._adopt(v.baseline_id, adopt.reason) AS a;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm.adopt(text, text)
    IS 'Accepts what is: the present state of a watched table becomes its baseline, a table that is gone is no longer watched, one that appeared in a watched schema is. Returns what changed. Raises 22004, 22023, 42P01, 42501, SY001.';

-- api/426_ddl_log.sql
-- What the event triggers call: one row per DDL command, and the refusal for guarded tables.

CREATE OR REPLACE FUNCTION asymm._carries_secret(statement text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- The key word, then blanks or comments, then a value: quoted, in dollars, or behind an equals sign.
    SELECT statement ~* ('\m(password|passwd|pwd|connection|sslpassword|passphrase|secret|token|api_?key)\M"?'
                         '(\s|/\*.*?\*/|--[^\n]*\n)*(=|:|(e|u&)?''|\$)|\moptions(\s|/\*.*?\*/|--[^\n]*\n)*\(|://[^/\s:@]*:[^/\s@]+@')
$$;
COMMENT ON FUNCTION asymm._carries_secret(text) IS 'True for a statement that may contain a password, a connection string or options of a foreign server.';

CREATE OR REPLACE FUNCTION asymm._on_ddl() RETURNS event_trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
DECLARE
    v_set asymm.setting;
    v_caller name;
    v_application text := current_setting('application_name', true);
    v_intent text := NULLIF(btrim(current_setting('asymm.intent', true)), '');
    v_action text := NULLIF(current_setting('asymm.action', true), '');
    v_statement text;
    v_class_ids oid[];
    v_object_ids oid[];
    v_identities text[];
    v_parent_schemas text[] := '{}';
    v_parent_names text[] := '{}';
    v_commands bigint;
BEGIN
    IF TG_EVENT = 'sql_drop' THEN
        SELECT count(*), array_agg(d.classid), array_agg(d.objid), array_agg(d.object_identity ORDER BY d.original DESC),
               array_agg(d.address_names[1]) FILTER (WHERE d.parted), array_agg(d.address_names[2]) FILTER (WHERE d.parted)
          INTO v_commands, v_class_ids, v_object_ids, v_identities, v_parent_schemas, v_parent_names
          FROM (SELECT o.classid, o.objid, o.object_identity, o.original, o.address_names,
                       cardinality(o.address_names) >= 2 AND o.object_type IN
                           ('table', 'table column', 'table constraint', 'default value', 'trigger', 'policy', 'rule') AS parted
                  FROM pg_event_trigger_dropped_objects() AS o
                 WHERE NOT o.is_temporary AND o.object_type NOT IN ('type', 'toast table')) AS d;
    ELSE
        SELECT count(*), array_agg(c.classid) FILTER (WHERE c.objid IS NOT NULL),
               array_agg(c.objid) FILTER (WHERE c.objid IS NOT NULL), array_agg(DISTINCT c.object_identity)
          INTO v_commands, v_class_ids, v_object_ids, v_identities
          FROM pg_event_trigger_ddl_commands() AS c
         WHERE NOT c.in_extension AND c.schema_name IS DISTINCT FROM 'pg_temp';
    END IF;
    IF v_commands = 0 THEN
        RETURN;
    END IF;
    v_set := asymm._settings();
    v_caller := asymm._caller();
    -- Commands that carry secrets leave no text, nor does a string of several commands with one of them in it.
    IF v_set.statement_chars > 0 AND TG_TAG !~ 'USER MAPPING|SERVER|SUBSCRIPTION|ROLE|USER' THEN
        v_statement := left(current_query(), v_set.statement_chars);
        IF asymm._carries_secret(v_statement) THEN
            v_statement := NULL;
        END IF;
    END IF;
    INSERT INTO asymm.ddl_log (role, login, application, client_addr, command_tag, statement, intent, intended, action_id,
                               class_ids, object_ids, identities, parent_schemas, parent_names)
    VALUES (v_caller, session_user, v_application, inet_client_addr(), TG_TAG, v_statement, v_intent,
            v_action IS NULL AND (v_intent IS NOT NULL OR v_caller = ANY (v_set.migrator_roles)
                                  OR session_user = ANY (v_set.migrator_roles)
                                  OR v_application = ANY (v_set.migrator_applications)),
            CASE WHEN v_action ~ '^[0-9]{1,18}$' THEN v_action::bigint END,
            COALESCE(v_class_ids, '{}'), COALESCE(v_object_ids, '{}'), COALESCE(v_identities, '{}'),
            COALESCE(v_parent_schemas, '{}'), COALESCE(v_parent_names, '{}'));
EXCEPTION WHEN OTHERS THEN
    -- The user's DDL goes on whatever happens here; the full scan finds what this row would have told.
    RAISE LOG 'asymmetrica: DDL not logged: % (%)', SQLERRM, SQLSTATE;
END
$$;
COMMENT ON FUNCTION asymm._on_ddl() IS 'Event trigger: writes one row to asymm.ddl_log per command (and one per drop); never raises.';

CREATE OR REPLACE FUNCTION asymm._guarded(class_ids oid[], object_ids oid[], action text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('%I.%I', b.schema_name, b.object_name)
      FROM asymm._touched(class_ids, object_ids, '{}', '{}') AS t (id)
      JOIN asymm.baseline AS b ON b.id = t.id AND b.policy = 'guard'
     -- A repair asked for by somebody who may is what the guard is for.
     WHERE NOT EXISTS (SELECT FROM asymm.action a
                        WHERE a.id = CASE WHEN action ~ '^[0-9]{1,18}$' THEN action::bigint END AND a.baseline_id = b.id
                          AND a.state IN ('applying', 'reverting') AND asymm._may_act(a.owner))
     LIMIT 1
$$;
COMMENT ON FUNCTION asymm._guarded(oid[], oid[], text) IS 'A guarded table among the given catalog addresses that is not just being repaired, or NULL.';

-- Grants name no object: a guarded table whose rows in pg_class or pg_attribute this very transaction wrote.
CREATE OR REPLACE FUNCTION asymm._guarded_now(action text) RETURNS text
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH epoch AS (SELECT pg_current_xact_id()::text::bigint / 4294967296 * 4294967296 AS base),
         guarded AS MATERIALIZED (
             SELECT s.relid FROM asymm.baseline b JOIN asymm.baseline_state s ON s.baseline_id = b.id WHERE b.policy = 'guard')
    SELECT asymm._guarded(array_agg('pg_class'::regclass::oid), array_agg(t.relid), action)
      FROM (SELECT c.oid AS relid, c.xmin FROM guarded g JOIN pg_class c ON c.oid = g.relid
            UNION ALL
            SELECT a.attrelid, a.xmin FROM guarded g JOIN pg_attribute a ON a.attrelid = g.relid WHERE a.attnum > 0) AS t
     CROSS JOIN epoch
     WHERE t.xmin::text::bigint > 2
       AND pg_xact_status(((t.xmin::text::bigint + epoch.base) || '')::xid8) = 'in progress'
$$;
COMMENT ON FUNCTION asymm._guarded_now(text) IS 'A guarded table that the present transaction changed and is not just repairing, or NULL.';

CREATE OR REPLACE FUNCTION asymm._on_guard() RETURNS event_trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s'
AS $$
DECLARE
    v_table text;
    v_class_ids oid[];
    v_object_ids oid[];
    v_migrators name[];
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM asymm.baseline b WHERE b.policy = 'guard') THEN
            RETURN;
        END IF;
        v_migrators := (asymm._settings()).migrator_roles;
        IF session_user = ANY (v_migrators) OR asymm._caller() = ANY (v_migrators)
           OR (COALESCE(btrim(current_setting('asymm.intent', true)), '') <> ''
               AND EXISTS (SELECT FROM pg_roles r WHERE r.rolname = asymm._caller() AND r.rolsuper))
           OR asymm._displaced() IS NOT NULL THEN
            RETURN;
        END IF;
        IF TG_EVENT = 'sql_drop' THEN
            SELECT array_agg(o.classid), array_agg(o.objid) INTO v_class_ids, v_object_ids FROM pg_event_trigger_dropped_objects() AS o;
        ELSE
            SELECT array_agg(c.classid), array_agg(c.objid) INTO v_class_ids, v_object_ids
              FROM pg_event_trigger_ddl_commands() AS c WHERE c.objid IS NOT NULL AND NOT c.in_extension;
        END IF;
        v_table := asymm._guarded(v_class_ids, v_object_ids, current_setting('asymm.action', true));
        IF v_table IS NULL AND TG_TAG IN ('GRANT', 'REVOKE', 'DROP OWNED') THEN
            v_table := asymm._guarded_now(current_setting('asymm.action', true));
        END IF;
    EXCEPTION WHEN OTHERS THEN
        -- What cannot be judged is not refused: a fault of ours must not stop anybody's work.
        RAISE LOG 'asymmetrica: guard not asked: % (%)', SQLERRM, SQLSTATE;
        RETURN;
    END;
    IF v_table IS NOT NULL THEN
        RAISE EXCEPTION 'table % is guarded', v_table
            USING ERRCODE = 'SY002',
                  DETAIL = format('%s by role "%s" was refused; nothing was changed.', TG_TAG, asymm._caller()),
                  HINT = format('Run it as a role listed in migrator_roles, as a superuser after SET LOCAL asymm.intent = ''…'', or change the policy: SELECT asymm.watch(%L, ''propose'');', v_table);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._on_guard() IS 'Event trigger: refuses DDL on tables of policy guard (SY002) unless a migrator role or a superuser with intent runs it; inert in restores and clones.';

-- api/427_touched.sql
-- From what a command names to the watched tables it may have changed.

CREATE OR REPLACE FUNCTION asymm._touched(class_ids oid[], object_ids oid[], parent_schemas text[], parent_names text[])
RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_relids oid[];
    v_heirs oid[];
BEGIN
    -- New parts are not members yet; their table is.
    SELECT array_agg(p.relid) INTO v_relids FROM (
        SELECT o.object_id AS relid FROM unnest(class_ids, object_ids) AS o (class_id, object_id) WHERE o.class_id = 'pg_class'::regclass
        UNION
        SELECT x.indrelid FROM pg_index x WHERE x.indexrelid = ANY (object_ids)
        UNION
        SELECT t.tgrelid FROM pg_trigger t WHERE t.oid = ANY (object_ids)
        UNION
        SELECT c.conrelid FROM pg_constraint c WHERE c.oid = ANY (object_ids)
        UNION
        SELECT p.polrelid FROM pg_policy p WHERE p.oid = ANY (object_ids)
        UNION
        SELECT w.ev_class FROM pg_rewrite w WHERE w.oid = ANY (object_ids)
        UNION
        SELECT d.refobjid FROM pg_depend d
         WHERE d.classid = 'pg_class'::regclass AND d.objid = ANY (object_ids)
           AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')) AS p;
    -- A command on a parent changes its partitions and heirs.
    v_heirs := ARRAY(SELECT c.oid FROM pg_class c WHERE c.oid = ANY (v_relids) AND c.relhassubclass);
    WHILE cardinality(v_heirs) > 0 LOOP
        v_heirs := ARRAY(SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = ANY (v_heirs) AND i.inhrelid <> ALL (v_relids));
        v_relids := v_relids || v_heirs;
    END LOOP;
    RETURN QUERY
        SELECT m.baseline_id FROM unnest(class_ids, object_ids) AS o (class_id, object_id)
          JOIN asymm.member m USING (class_id, object_id)
        UNION
        SELECT s.baseline_id FROM asymm.baseline_state s WHERE s.relid = ANY (v_relids)
        UNION
        SELECT b.id FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN asymm.baseline b ON b.kind = 'table' AND b.schema_name = n.nspname AND b.object_name = c.relname
         WHERE c.oid = ANY (v_relids)
        UNION
        SELECT b.id FROM unnest(parent_schemas, parent_names) AS p (schema_name, object_name)
          JOIN asymm.baseline b ON b.kind = 'table' AND b.schema_name = p.schema_name AND b.object_name = p.object_name
        UNION
        SELECT s.baseline_id FROM pg_class c
          JOIN asymm.baseline_state s ON s.relid = c.oid
         WHERE c.relnamespace = ANY (SELECT o.object_id FROM unnest(class_ids, object_ids) AS o (class_id, object_id)
                                      WHERE o.class_id = 'pg_namespace'::regclass);
END
$$;
COMMENT ON FUNCTION asymm._touched(oid[], oid[], text[], text[]) IS 'Watched tables that the given catalog addresses belong to.';

-- api/428_process.sql
-- The three ways to find drift: the DDL log (every beat), catalog row headers, and full fingerprints.

-- Tables in watched schemas that nobody declared, and those seen before that are gone or declared now.
CREATE OR REPLACE FUNCTION asymm._inspect_undeclared(found_by text, ddl_log_id bigint DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_differences jsonb;
    v_action bigint;
    v_objects text[] := '{}';
    v_target text;
BEGIN
    UPDATE asymm.drift_record AS d SET state = 'vanished', resolved_at = clock_timestamp()
     WHERE d.state = 'open' AND d.baseline_id IS NULL
       AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = d.schema_name AND c.relname = d.object_name AND c.relkind IN ('r', 'p'));
    IF FOUND THEN
        PERFORM asymm._set_action_state(a.id, 'expired', 'the table is gone') FROM asymm.action a
          WHERE a.baseline_id IS NULL AND a.kind = 'heal' AND a.state IN ('proposed', 'approved')
            AND NOT EXISTS (SELECT FROM asymm.drift_record d WHERE d.action_id = a.id AND d.state = 'open');
    END IF;
    FOR v IN
        SELECT f.*, w.policy
          FROM asymm.watched_schema w
         CROSS JOIN LATERAL unnest(asymm._schema_tables(w.schema_name)) AS t (relid)
          JOIN pg_class c ON c.oid = t.relid
         CROSS JOIN LATERAL asymm._table_facts(ARRAY[t.relid]) AS f
         WHERE NOT EXISTS (SELECT FROM asymm.baseline b
                            WHERE b.kind = 'table' AND b.schema_name = w.schema_name AND b.object_name = c.relname)
           AND NOT EXISTS (SELECT FROM asymm.drift_record d
                            WHERE d.state = 'open' AND d.baseline_id IS NULL
                              AND d.schema_name = w.schema_name AND d.object_name = c.relname)
           AND NOT EXISTS (SELECT FROM asymm.baseline_state s JOIN asymm.drift_record d USING (baseline_id)
                            WHERE s.relid = t.relid AND d.state = 'open' AND d.part = 'table' AND d.attribute = 'name')
    LOOP
        v_target := format('%I.%I', v.schema_name, v.object_name);
        v_differences := jsonb_build_array(jsonb_build_object('part', 'table', 'name', '', 'actual', v.facts #> '{table,""}'));
        PERFORM asymm._record_drift(NULL, 'table', v.schema_name, v.object_name, v_differences, found_by, ddl_log_id);
        IF v.policy <> 'observe' THEN
            v_action := asymm._propose(NULL, v_target, v.owner,
                asymm._steps(v.schema_name, v.object_name, NULL, NULL, v.facts, v.relid, '{}'),
                asymm._fingerprint(v.facts), v_differences, 'the table was never declared: adopt it or approve its removal');
            UPDATE asymm.drift_record SET action_id = v_action
             WHERE baseline_id IS NULL AND state = 'open' AND schema_name = v.schema_name AND object_name = v.object_name;
        END IF;
        v_objects := v_objects || v_target;
    END LOOP;
    IF cardinality(v_objects) > 0 THEN
        RETURN jsonb_build_object('objects', to_jsonb(v_objects), 'drifts', cardinality(v_objects));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._inspect_undeclared(text, bigint) IS 'Finds tables in watched schemas that were never declared; returns {objects, drifts} or NULL.';

-- {objects, drifts, adopted} of several looks as one.
CREATE OR REPLACE FUNCTION asymm._merge_seen(a jsonb, b jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN a IS NULL THEN b WHEN b IS NULL THEN a ELSE jsonb_build_object(
        'objects', (SELECT jsonb_agg(DISTINCT o) FROM jsonb_array_elements(COALESCE(NULLIF(a -> 'objects', 'null'), '[]') || COALESCE(NULLIF(b -> 'objects', 'null'), '[]')) AS o),
        'drifts', COALESCE((a ->> 'drifts')::integer, 0) + COALESCE((b ->> 'drifts')::integer, 0),
        'adopted', COALESCE((a ->> 'adopted')::integer, 0) + COALESCE((b ->> 'adopted')::integer, 0)) END
$$;
COMMENT ON FUNCTION asymm._merge_seen(jsonb, jsonb) IS 'Sums two reports of what was seen.';

CREATE OR REPLACE FUNCTION asymm._changed_headers() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(array_agg(b.id ORDER BY b.id), '{}')
      FROM asymm.baseline b
      LEFT JOIN asymm.baseline_state s ON s.baseline_id = b.id
      LEFT JOIN asymm._headers(ARRAY(SELECT relid FROM asymm.baseline_state WHERE relid IS NOT NULL)) AS h ON h.relid = s.relid
     WHERE s.header IS DISTINCT FROM h.header OR s.baseline_id IS NULL
$$;
COMMENT ON FUNCTION asymm._changed_headers() IS 'Watched tables whose catalog row headers are not those of the last look.';

-- Who did it is told by the DDL log alone: only _process_ddl() passes a row of it.
CREATE OR REPLACE FUNCTION asymm._compare_headers(found_by text, ddl_log_id bigint) RETURNS jsonb
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT asymm._inspect(asymm._changed_headers(), found_by, ddl_log_id) $$;
COMMENT ON FUNCTION asymm._compare_headers(text, bigint) IS 'Inspects watched tables whose catalog row headers changed.';

-- Grants and the like name no object: tables whose catalog rows changed are looked at, and privileges that a migration
-- gave are adopted.
CREATE OR REPLACE FUNCTION asymm._process_grants(ids bigint[]) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_seen jsonb;
BEGIN
    SELECT max(l.id) AS last, max(l.id) FILTER (WHERE NOT l.intended AND l.action_id IS NULL) AS slip,
           min(l.at) FILTER (WHERE l.intended) AS since,
           max(COALESCE(l.intent, 'migrator ' || l.role)) FILTER (WHERE l.intended) AS reason
      INTO v FROM asymm.ddl_log l
     WHERE l.id = ANY (ids)
       AND l.command_tag IN ('GRANT', 'REVOKE', 'ALTER DEFAULT PRIVILEGES', 'ALTER SCHEMA', 'DROP OWNED', 'SECURITY LABEL');
    IF v.since IS NOT NULL AND v.slip IS NULL THEN
        SELECT jsonb_build_object('adopted', count(*), 'objects', jsonb_agg(DISTINCT format('%I.%I', b.schema_name, b.object_name)))
          INTO v_seen
          FROM unnest(asymm._changed_headers()) AS c (id)
          JOIN asymm.baseline b USING (id)
         CROSS JOIN LATERAL asymm._adopt(c.id, v.reason, v.since, 'acl') AS a
        HAVING count(*) > 0;
    END IF;
    IF v.last IS NOT NULL THEN
        v_seen := asymm._merge_seen(v_seen, asymm._compare_headers('ddl_log', COALESCE(v.slip, v.last)));
    END IF;
    RETURN v_seen;
END
$$;
COMMENT ON FUNCTION asymm._process_grants(bigint[]) IS 'Handles logged commands that name no object: adopts privileges given on purpose, inspects every table whose catalog rows changed.';

CREATE OR REPLACE FUNCTION asymm._process_ddl() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_rows bigint[];
    v_seen jsonb;
    v record;
    v_hold text;
    v_one jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.ddl_log l WHERE NOT l.seen) THEN
        RETURN NULL;
    END IF;
    PERFORM FROM asymm.turn FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    WITH batch AS (SELECT l.id FROM asymm.ddl_log l WHERE NOT l.seen ORDER BY l.id LIMIT 1000 FOR UPDATE),
         taken AS (UPDATE asymm.ddl_log l SET seen = true FROM batch WHERE l.id = batch.id RETURNING l.id)
    SELECT array_agg(t.id) INTO v_rows FROM taken t;
    FOR v IN
        SELECT t.baseline_id,
               max(l.id) FILTER (WHERE NOT l.intended AND l.action_id IS NULL) AS slip,
               max(l.id) FILTER (WHERE l.intended) AS intent,
               max(l.id) AS last, array_agg(l.id) AS ids, min(l.at) FILTER (WHERE l.intended) AS since,
               (array_agg(COALESCE(l.intent, 'migrator ' || l.role) ORDER BY l.id DESC) FILTER (WHERE l.intended))[1] AS reason
          FROM asymm.ddl_log l
         CROSS JOIN LATERAL asymm._touched(l.class_ids, l.object_ids, l.parent_schemas, l.parent_names) AS t (baseline_id)
          LEFT JOIN asymm.baseline_state AS s ON s.baseline_id = t.baseline_id
         WHERE l.id = ANY (v_rows)
           -- What had happened when the table last agreed with its baseline is accounted for: our own repairs, and
           -- whatever came before watch() or adopt().
           AND (s.checked_snapshot IS NULL
                OR NOT (pg_visible_in_snapshot(l.xid, s.checked_snapshot) OR (l.xid = s.checked_xid AND l.at <= s.checked_at)))
         GROUP BY t.baseline_id
         ORDER BY t.baseline_id
    LOOP
        v_hold := CASE WHEN v.intent IS NOT NULL AND v.slip IS NOT NULL
                       THEN 'a migration and another change of the same table arrived in one beat' END;
        v_one := NULL;
        BEGIN
            IF v.intent IS NOT NULL AND v.slip IS NULL THEN
                BEGIN
                    SELECT jsonb_build_object('adopted', count(*),
                               'objects', (SELECT jsonb_agg(format('%I.%I', b.schema_name, b.object_name))
                                             FROM asymm.baseline b WHERE b.id = v.baseline_id))
                      INTO v_one FROM asymm._adopt(v.baseline_id, v.reason, v.since) HAVING count(*) > 0;
                EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
                    RAISE;
                WHEN OTHERS THEN
                    v_hold := format('the migration could not be adopted: %s (%s)', SQLERRM, SQLSTATE);
                END;
            END IF;
            -- Who may say what was meant now? The next slip must not be the occasion to repair this one.
            IF v_hold IS NOT NULL THEN
                PERFORM asymm._hold(v.baseline_id, v_hold);
            END IF;
            v_one := asymm._merge_seen(v_one, asymm._inspect(ARRAY[v.baseline_id], 'ddl_log',
                                                             COALESCE(v.slip, v.intent, v.last), v_hold));
            PERFORM asymm._require_read(v.baseline_id);
            v_seen := asymm._merge_seen(v_seen, v_one);
        EXCEPTION WHEN SQLSTATE 'SY010' OR lock_not_available OR deadlock_detected THEN
            -- With the next beat, all of it together.
            UPDATE asymm.ddl_log SET seen = false WHERE id = ANY (v.ids);
        END;
    END LOOP;
    v_seen := asymm._merge_seen(v_seen, asymm._process_grants(v_rows));
    IF EXISTS (SELECT FROM asymm.watched_schema) THEN
        -- Tables that a migration made in a watched schema are declared with it.
        FOR v IN
            SELECT w.schema_name, w.policy, w.annotation, max(COALESCE(l.intent, 'migrator ' || l.role)) AS reason,
                   array_agg(DISTINCT c.oid) AS relids
              FROM asymm.ddl_log l
             CROSS JOIN LATERAL unnest(l.class_ids, l.object_ids) AS o (class_id, object_id)
              JOIN pg_class c ON c.oid = o.object_id AND c.relkind IN ('r', 'p')
              JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN asymm.watched_schema w ON w.schema_name = n.nspname
             WHERE l.id = ANY (v_rows) AND l.intended AND o.class_id = 'pg_class'::regclass
               AND c.oid = ANY (asymm._schema_tables(w.schema_name))
               AND NOT EXISTS (SELECT FROM asymm.baseline b
                                WHERE b.kind = 'table' AND b.schema_name = n.nspname AND b.object_name = c.relname)
             GROUP BY w.schema_name, w.policy, w.annotation
        LOOP
            v_seen := asymm._merge_seen(v_seen, jsonb_build_object('objects', '[]'::jsonb, 'adopted',
                cardinality(asymm._declare(v.relids, v.policy, v.annotation, true, v.reason))));
        END LOOP;
        v_seen := asymm._merge_seen(v_seen, asymm._inspect_undeclared('ddl_log',
            (SELECT max(l.id) FROM asymm.ddl_log l
              WHERE l.id = ANY (v_rows) AND NOT l.intended AND l.command_tag ~ 'TABLE|SCHEMA|SELECT INTO')));
    END IF;
    RETURN v_seen;
END
$$;
COMMENT ON FUNCTION asymm._process_ddl() IS 'Works off the unseen rows of the DDL log: drift, adoption of intended changes, actions; returns {objects, drifts, adopted} or NULL.';

-- What a scan found: the log is read first, since it knows who did it and what was meant.
CREATE OR REPLACE FUNCTION asymm._inspect_found(baselines bigint[], found_by text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_seen jsonb;
BEGIN
    IF cardinality(baselines) > 0 THEN
        PERFORM FROM asymm.turn FOR UPDATE;
        v_seen := asymm._process_ddl();
        v_seen := asymm._merge_seen(v_seen, asymm._inspect(baselines, found_by));
    END IF;
    RETURN asymm._merge_seen(v_seen, asymm._inspect_undeclared(found_by));
END
$$;
COMMENT ON FUNCTION asymm._inspect_found(bigint[], text) IS 'Inspects what a scan found to differ, and undeclared tables; returns {objects, drifts, adopted} or NULL.';

CREATE OR REPLACE FUNCTION asymm._scan_headers() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._inspect_found(asymm._changed_headers(), 'header_scan');
END
$$;
COMMENT ON FUNCTION asymm._scan_headers() IS 'Organ: finds what event triggers miss by the row headers of the catalogs; returns {objects, drifts} or NULL.';

CREATE OR REPLACE FUNCTION asymm._scan_all() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids bigint[];
BEGIN
    SELECT array_agg(b.id) INTO v_ids
      FROM asymm.baseline b
      LEFT JOIN pg_namespace n ON n.nspname = b.schema_name
      LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = b.object_name AND c.relkind IN ('r', 'p')
      LEFT JOIN asymm._table_facts(ARRAY(SELECT c.oid FROM asymm.baseline b
                                           JOIN pg_namespace n ON n.nspname = b.schema_name
                                           JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = b.object_name)) AS f ON f.relid = c.oid
     WHERE f.facts IS DISTINCT FROM b.facts
        OR EXISTS (SELECT FROM asymm.drift_record d WHERE d.baseline_id = b.id AND d.state = 'open');
    RETURN asymm._inspect_found(v_ids, 'full_scan');
END
$$;
COMMENT ON FUNCTION asymm._scan_all() IS 'Reads every watched table in full, compares it with its baseline and inspects those that differ.';

-- api/430_plan.sql
-- The repair plan: from what is declared and what is, the ordered statements that make them equal, each with the
-- statement that undoes it, its lock, its hazards, and what must hold for it to lose nothing. Steps are made by one
-- function per concern (431–439) and run in the order of their phase:
--   100 names back       200 detach, marks off     220 drop foreign keys, triggers, policies, rules, constraints, indexes
--   300 drop columns, defaults, identities         330 sequences, table, columns       440 types, generated columns
--   450 defaults, NOT NULL, identity, storage      500 indexes, constraints            550 attach, triggers, rules, policies
--   580 marks, options                             700 comments                        800 owner, grants

CREATE OR REPLACE FUNCTION asymm._plan(
    schema_name name, object_name name, declared jsonb, layout jsonb, actual jsonb, relid oid, renames jsonb)
RETURNS TABLE (step integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := format('%I.%I', schema_name, object_name);
    v_renames jsonb := COALESCE(renames, '{}');
    v_map jsonb;
    v_now jsonb;
    v_context jsonb;
    v_busy text[];
BEGIN
    IF declared IS NULL THEN
        RETURN QUERY SELECT 1, x.* FROM asymm._plan_extra_table(schema_name, object_name, actual, relid) AS x;
        RETURN;
    END IF;
    -- v_now is the table after it was given its names back, or as CREATE TABLE will make it.
    IF actual IS NULL THEN
        v_map := '{}';
        v_now := asymm._plan_created(declared);
    ELSE
        v_map := asymm._plan_name_map(schema_name, object_name, declared, actual, v_renames);
        v_now := asymm._plan_detached(declared, asymm._plan_renamed(schema_name, object_name, actual, v_renames, v_map), relid);
    END IF;
    v_context := asymm._plan_context(v_rel, schema_name, declared, layout, v_now, CASE WHEN actual IS NOT NULL THEN relid END);
    -- Only the makers with something to do are called.
    SELECT array_agg(p.part) INTO v_busy
      FROM unnest(ARRAY['column', 'constraint', 'index', 'trigger', 'rule', 'policy']) AS p (part)
     WHERE declared -> p.part IS DISTINCT FROM v_now -> p.part
        OR EXISTS (SELECT FROM jsonb_each_text(v_context -> p.part) AS v WHERE v.value = 'remake');
    RETURN QUERY
    SELECT row_number() OVER (ORDER BY s.phase, s.ord, s.name COLLATE "C", s.forward COLLATE "C")::integer,
           s.part, s.name, s.forward, s.inverse, s.lock_class, s.hazards, s.precondition
      FROM (SELECT * FROM asymm._plan_names(schema_name, object_name, actual, v_renames, v_map) WHERE actual IS NOT NULL
            UNION ALL
            SELECT * FROM asymm._plan_create(declared, layout, v_context) WHERE actual IS NULL
            UNION ALL
            SELECT * FROM asymm._plan_table(declared #> '{table,""}', v_now #> '{table,""}', v_context)
            UNION ALL
            SELECT * FROM asymm._plan_columns(declared -> 'column', v_now -> 'column', v_context)
             WHERE 'column' = ANY (v_busy)
            UNION ALL
            SELECT * FROM asymm._plan_column_settings(declared -> 'column', v_now -> 'column', v_context)
             WHERE 'column' = ANY (v_busy)
            UNION ALL
            SELECT * FROM asymm._plan_sequences(declared -> 'column', v_now -> 'column', v_context)
             WHERE 'column' = ANY (v_busy)
            UNION ALL
            SELECT * FROM asymm._plan_constraints(declared -> 'constraint', v_now -> 'constraint', v_context)
             WHERE 'constraint' = ANY (v_busy)
            UNION ALL
            SELECT * FROM asymm._plan_indexes(declared -> 'index', v_now -> 'index', v_context) WHERE 'index' = ANY (v_busy)
            UNION ALL
            SELECT * FROM asymm._plan_triggers(declared, v_now, v_context) WHERE v_busy && ARRAY['trigger', 'rule']
            UNION ALL
            SELECT * FROM asymm._plan_policies(declared -> 'policy', v_now -> 'policy', v_context) WHERE 'policy' = ANY (v_busy)
            UNION ALL
            SELECT * FROM asymm._plan_grants(declared, v_now, v_context)) AS s;
END
$$;
COMMENT ON FUNCTION asymm._plan(name, name, jsonb, jsonb, jsonb, oid, jsonb)
    IS 'Ordered statements that turn a table as it is into the declared one, each with inverse, lock, hazards and the condition of losing nothing.';

-- What has to be done about each part, decided once: add, drop, remake (drop and add again), or same.
CREATE OR REPLACE FUNCTION asymm._plan_context(rel text, schema_name name, declared jsonb, layout jsonb, actual jsonb, relid oid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_column jsonb := asymm._plan_column_verdicts(declared -> 'column', actual -> 'column');
    v_retyped text[];
    v_dropped text[];
    v_kept jsonb := '{}';
    v_context jsonb;
BEGIN
    SELECT COALESCE(array_agg(v.key) FILTER (WHERE v.value = 'retype'), '{}'),
           COALESCE(array_agg(v.key) FILTER (WHERE v.value IN ('remake', 'plain')), '{}')
      INTO v_retyped, v_dropped
      FROM jsonb_each_text(v_column) AS v;
    IF relid IS NOT NULL THEN
        v_kept := asymm._plan_attached(declared #> '{table,""}', actual, relid);
    END IF;
    v_context := jsonb_build_object(
        'rel', rel, 'schema', schema_name, 'relid', relid, 'layout', layout, 'column', v_column,
        'only', CASE WHEN COALESCE(actual #>> '{table,"",partition_key}', declared #>> '{table,"",partition_key}') IS NULL
                     THEN 'ONLY ' ELSE '' END,
        'owner', actual #> '{table,"",owner}',
        'linked', asymm._plan_linked(declared #> '{table,""}', actual #> '{table,""}', relid IS NULL));
    v_context := v_context || jsonb_build_object(
        'index', asymm._plan_verdicts('index', declared -> 'index', actual -> 'index', v_kept -> 'index', '{}', v_dropped, v_retyped),
        'trigger', asymm._plan_verdicts('trigger', declared -> 'trigger', actual -> 'trigger', NULL, v_retyped || v_dropped, '{}', '{}'),
        'rule', asymm._plan_verdicts('rule', declared -> 'rule', actual -> 'rule', NULL, v_retyped || v_dropped, '{}', '{}'),
        'policy', asymm._plan_verdicts('policy', declared -> 'policy', actual -> 'policy', NULL, v_retyped || v_dropped, '{}', '{}'),
        'constraint', asymm._plan_verdicts('constraint', declared -> 'constraint', actual -> 'constraint', v_kept -> 'constraint',
                                           '{}', v_dropped, v_retyped));
    -- A foreign key to the table itself goes with the key it points to.
    IF EXISTS (SELECT FROM jsonb_each_text(v_context -> 'constraint') AS v
                WHERE v.value IN ('drop', 'remake') AND actual #>> ARRAY['constraint', v.key, 'type'] IN ('primary key', 'unique')) THEN
        SELECT jsonb_set(v_context, '{constraint}', v_context -> 'constraint' || COALESCE(jsonb_object_agg(v.key, 'remake'), '{}'))
          INTO v_context
          FROM jsonb_each_text(v_context -> 'constraint') AS v
         WHERE v.value NOT IN ('add', 'drop', 'keep') AND actual #>> ARRAY['constraint', v.key, 'type'] = 'foreign key'
           AND strpos(actual #>> ARRAY['constraint', v.key, 'def'], format(' REFERENCES %s(', rel)) > 0;
    END IF;
    RETURN v_context;
END
$$;
COMMENT ON FUNCTION asymm._plan_context(text, name, jsonb, jsonb, jsonb, oid)
    IS 'Verdict on each part of a table (add, drop, remake, …) and what else the step makers need to know.';

-- tied: columns whose change no dependent survives; dropped: columns that go and come back; rebuilt: columns of which
-- the server rebuilds dependents itself, from text, so that only text which does not stand replay is remade here.
CREATE OR REPLACE FUNCTION asymm._plan_verdicts(
    part text, declared jsonb, actual jsonb, kept jsonb, tied text[], dropped text[], rebuilt text[])
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(jsonb_object_agg(COALESCE(d.key, a.key), CASE
               WHEN a.key IS NULL THEN 'add'
               WHEN d.key IS NULL THEN CASE WHEN kept ? a.key THEN 'keep' ELSE 'drop' END
               WHEN asymm._plan_same(part, d.value, a.value) = 'remake' THEN 'remake'
               WHEN EXISTS (SELECT FROM unnest(tied || dropped) AS c WHERE asymm._mentions(a.value, c)) THEN 'remake'
               WHEN asymm._replayable(d.value ->> 'def') IS DISTINCT FROM d.value ->> 'def'
                    AND EXISTS (SELECT FROM unnest(rebuilt) AS c WHERE asymm._mentions(a.value, c)) THEN 'remake'
               ELSE asymm._plan_same(part, d.value, a.value) END), '{}')
      FROM jsonb_each(declared) AS d FULL JOIN jsonb_each(actual) AS a ON a.key = d.key
$$;
COMMENT ON FUNCTION asymm._plan_verdicts(text, jsonb, jsonb, jsonb, text[], text[], text[])
    IS 'What to do about each constraint, index, trigger, rule or policy: add, drop, keep, remake, alter or same.';

-- Whether a part can be brought from what it is to what is declared where it stands.
CREATE OR REPLACE FUNCTION asymm._plan_same(part text, declared jsonb, actual jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE part
        WHEN 'policy' THEN CASE
            WHEN declared - 'comment' = actual - 'comment' THEN 'same'
            WHEN declared -> 'command' <> actual -> 'command' OR declared -> 'permissive' IS DISTINCT FROM actual -> 'permissive'
                 OR (actual ? 'using' AND NOT declared ? 'using') OR (actual ? 'check' AND NOT declared ? 'check') THEN 'remake'
            ELSE 'alter' END
        WHEN 'constraint' THEN CASE
            WHEN declared -> 'def' = actual -> 'def' THEN 'same'
            WHEN declared -> 'type' <> actual -> 'type' THEN 'remake'
            WHEN asymm._constraint_core(declared) = asymm._constraint_core(actual)
                 AND (declared ->> 'def' NOT LIKE '% NOT VALID' OR actual ->> 'def' LIKE '% NOT VALID') THEN 'alter'
            ELSE 'remake' END
        WHEN 'index' THEN CASE
            WHEN declared -> 'invalid' IS DISTINCT FROM actual -> 'invalid' THEN
                 CASE WHEN actual ? 'invalid' THEN 'remake' ELSE 'same' END
            WHEN declared -> 'def' = actual -> 'def' THEN 'same'
            WHEN asymm._index_core(declared ->> 'def') = asymm._index_core(actual ->> 'def') THEN 'alter'
            ELSE 'remake' END
        ELSE CASE WHEN declared -> 'def' = actual -> 'def' THEN 'same' ELSE 'remake' END
    END
$$;
COMMENT ON FUNCTION asymm._plan_same(text, jsonb, jsonb) IS 'same, alter (mended where it stands) or remake, for a part present on both sides.';

-- api/431_plan_text.sql
-- Text of definitions: whether it names a column, how it reads after a rename, how it must be written to come back
-- exactly as it was. The text is the server's own (pg_get_*def), in which every name is quoted as quote_ident() does.

CREATE OR REPLACE FUNCTION asymm._mentions(definition jsonb, column_name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', definition ->> 'def', definition ->> 'using', definition ->> 'check', definition ->> 'generated')
           ~ concat('(?<![[:alnum:]_$"])', regexp_replace(quote_ident(column_name), '([^[:alnum:]_])', '\\\1', 'g'), '(?![[:alnum:]_$"])')
$$;
COMMENT ON FUNCTION asymm._mentions(jsonb, text) IS 'Whether a definition names a column (or something of the same name: never less).';

-- Facts hold settled text: of varchar IN ('a', 'b') an array of elements that are cast one by one. Run like that it would
-- be printed like that, while what people write is printed with one cast over the array. So the literals are put back
-- under one cast; the cast in between keeps the parser from moving it inside, and is not printed.
CREATE OR REPLACE FUNCTION asymm._replayable(definition text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := definition;
    v_array text;
BEGIN
    FOR v_array IN
        SELECT m[1] FROM regexp_matches(definition,
            '(ARRAY\[\(''(?:[^'']|'''')*''::character varying\)::text(?:, \(''(?:[^'']|'''')*''::character varying\)::text)*\])', 'g') AS m
    LOOP
        v_text := replace(v_text, v_array, format('((%s)::character varying[])::text[]',
            regexp_replace(v_array, '\((''(?:[^'']|'''')*''::character varying)\)::text', '\1', 'g')));
    END LOOP;
    RETURN v_text;
END
$$;
COMMENT ON FUNCTION asymm._replayable(text) IS 'A definition written so that the server prints it as it prints what people write.';

CREATE OR REPLACE FUNCTION asymm._retoken(definition text, names jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Literals and longer words stay; a word before a parenthesis is a function.
    SELECT string_agg(CASE WHEN t.next LIKE '(%' THEN t.token ELSE COALESCE(names ->> t.token, t.token) END, '' ORDER BY t.ord)
      FROM (SELECT m.m[1] AS token, lead(m.m[1]) OVER (ORDER BY m.ord) AS next, m.ord
              FROM regexp_matches(definition,
                       '(''(?:[^'']|'''')*''|"(?:[^"]|"")*"|[[:alpha:]_][[:alnum:]_$]*|[^[:alpha:]_''"]+)', 'g')
                   WITH ORDINALITY AS m (m, ord)) AS t
$$;
COMMENT ON FUNCTION asymm._retoken(text, jsonb) IS 'A definition with identifiers replaced (old → new, both as quote_ident() prints them).';

-- The same for a qualified relation name: between boundaries, outside of longer names.
CREATE OR REPLACE FUNCTION asymm._rerelation(definition text, old_name text, new_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT regexp_replace(definition,
        concat('(?<![[:alnum:]_$".])', regexp_replace(old_name, '([^[:alnum:]_])', '\\\1', 'g'), '(?![[:alnum:]_$"])'),
        replace(new_name, '\', '\\'), 'g')
$$;
COMMENT ON FUNCTION asymm._rerelation(text, text, text) IS 'A definition with a qualified relation name replaced.';

CREATE OR REPLACE FUNCTION asymm._constraint_core(facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE facts ->> 'type'
        WHEN 'foreign key' THEN regexp_replace(facts ->> 'def', '( DEFERRABLE)?( INITIALLY DEFERRED)?( NOT VALID)?$', '')
        WHEN 'check' THEN regexp_replace(facts ->> 'def', ' NOT VALID$', '')
        ELSE facts ->> 'def' END
$$;
COMMENT ON FUNCTION asymm._constraint_core(jsonb) IS 'Definition of a constraint without what can be altered where it stands.';

CREATE OR REPLACE FUNCTION asymm._index_core(definition text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT regexp_replace(definition, ' WITH \([a-z_]+=''[^'']*''(, [a-z_]+=''[^'']*'')*\)', '')
$$;
COMMENT ON FUNCTION asymm._index_core(text) IS 'Definition of an index without its storage parameters.';

CREATE OR REPLACE FUNCTION asymm._index_options(definition text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_object_agg(o.m[1], o.m[2])
      FROM regexp_matches(substring(definition FROM ' WITH \(([a-z_]+=''[^'']*''(?:, [a-z_]+=''[^'']*'')*)\)'),
                          '([a-z_]+)=''([^'']*)''', 'g') AS o (m)
$$;
COMMENT ON FUNCTION asymm._index_options(text) IS 'Storage parameters in the definition of an index.';

-- SET (…) and RESET (…) from one set of options to another.
CREATE OR REPLACE FUNCTION asymm._option_changes(wanted jsonb, present jsonb, prefix text DEFAULT '')
RETURNS TABLE (action text, undo text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (SELECT format('%s%I', prefix, COALESCE(w.key, p.key)) AS key, w.value AS wanted, p.value AS present
                 FROM jsonb_each_text(wanted) AS w FULL JOIN jsonb_each_text(present) AS p ON p.key = w.key
                WHERE w.value IS DISTINCT FROM p.value)
    SELECT format(CASE WHEN bool_and(o.wanted IS NULL) THEN 'RESET (%s)' ELSE 'SET (%s)' END,
                  string_agg(concat_ws(' = ', o.key, quote_literal(o.wanted)), ', ' ORDER BY o.key COLLATE "C")),
           format(CASE WHEN bool_and(o.present IS NULL) THEN 'RESET (%s)' ELSE 'SET (%s)' END,
                  string_agg(concat_ws(' = ', o.key, quote_literal(o.present)), ', ' ORDER BY o.key COLLATE "C"))
      FROM o
     GROUP BY o.wanted IS NULL, o.present IS NULL
$$;
COMMENT ON FUNCTION asymm._option_changes(jsonb, jsonb, text) IS 'SET and RESET clauses between two sets of options, each with its inverse.';

-- A relation by its qualified name, from the catalogs alone: the caller may lack rights on the schema.
CREATE OR REPLACE FUNCTION asymm._relation_oid(qualified text) RETURNS oid
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid
      FROM parse_ident(qualified) AS p (parts)
      JOIN pg_namespace AS n ON n.nspname = p.parts[1]
      JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.parts[2]
$$;
COMMENT ON FUNCTION asymm._relation_oid(text) IS 'OID of a relation by its qualified name, whatever the caller may see; NULL when there is none.';

-- api/432_plan_types.sql
-- Column types: which casts there are between two of them, whether every value survives, what a change costs.

CREATE OR REPLACE FUNCTION asymm._type_oid(type_name text) RETURNS oid
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name text := regexp_replace(type_name, '\[\]$', '');
    v_parts text[];
    v_oid oid;
BEGIN
    -- Types outside of pg_catalog are qualified; they are looked up by hand, since the caller may lack rights on the schema.
    v_parts := regexp_match(v_name, '^("(?:[^"]|"")+"|[^".(]+)\.("(?:[^"]|"")+"|[^".(]+)(?:\(.*\))?$');
    IF v_parts IS NULL THEN
        RETURN to_regtype(type_name)::oid;
    END IF;
    v_parts := parse_ident(concat_ws('.', VARIADIC v_parts));
    SELECT CASE WHEN v_name = type_name THEN t.oid ELSE t.typarray END INTO v_oid
      FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
     WHERE n.nspname = v_parts[1] AND t.typname = v_parts[2];
    RETURN v_oid;
END
$$;
COMMENT ON FUNCTION asymm._type_oid(text) IS 'OID of a type written as format_type() does; NULL when there is none.';

-- The weakest context in which one type is cast to another: same, assignment (or implicit), explicit, none.
CREATE OR REPLACE FUNCTION asymm._cast_context(source oid, target oid) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_from pg_type;
    v_to pg_type;
    v_context "char";
BEGIN
    SELECT t.* INTO v_from FROM pg_type AS t WHERE t.oid = source;
    SELECT t.* INTO v_to FROM pg_type AS t WHERE t.oid = target;
    WHILE v_from.typtype = 'd' LOOP
        SELECT t.* INTO v_from FROM pg_type AS t WHERE t.oid = v_from.typbasetype;
    END LOOP;
    WHILE v_to.typtype = 'd' LOOP
        SELECT t.* INTO v_to FROM pg_type AS t WHERE t.oid = v_to.typbasetype;
    END LOOP;
    IF v_from.oid IS NULL OR v_to.oid IS NULL THEN
        RETURN 'none';
    ELSIF v_from.oid = v_to.oid THEN
        RETURN 'same';
    END IF;
    SELECT c.castcontext INTO v_context FROM pg_cast AS c WHERE c.castsource = v_from.oid AND c.casttarget = v_to.oid;
    IF v_context IN ('i', 'a') OR v_to.typcategory = 'S' THEN
        RETURN 'assignment';
    ELSIF v_context = 'e' OR v_from.typcategory = 'S' THEN
        RETURN 'explicit';
    ELSIF v_from.typcategory = 'A' AND v_to.typcategory = 'A' AND v_from.typelem <> 0 AND v_to.typelem <> 0 THEN
        RETURN asymm._cast_context(v_from.typelem, v_to.typelem);
    END IF;
    RETURN 'none';
END
$$;
COMMENT ON FUNCTION asymm._cast_context(oid, oid) IS 'How one type is cast to another: same, assignment, explicit, or none (only by way of text).';

-- The expression that turns a column into another type where the server would not do so by itself.
CREATE OR REPLACE FUNCTION asymm._cast_expression(value text, source text, target text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format(CASE asymm._cast_context(asymm._type_oid(source), asymm._type_oid(target))
                  WHEN 'none' THEN '(%s)::text::%s' ELSE '(%s)::%s' END, value, target)
$$;
COMMENT ON FUNCTION asymm._cast_expression(text, text, text) IS 'An expression of one type cast to another, by way of text if there is no cast.';

-- A type as {name, modifiers}: 'numeric(10,2)' → numeric, {10,2}.
CREATE OR REPLACE FUNCTION asymm._type_parts(type_name text, OUT base text, OUT modifiers integer[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT regexp_replace(type_name, '\(\d+(,-?\d+)?\)', ''),
           string_to_array(substring(type_name FROM '\((\d+(?:,-?\d+)?)\)'), ',')::integer[]
$$;
COMMENT ON FUNCTION asymm._type_parts(text) IS 'A type name without its modifiers, and the modifiers.';

CREATE OR REPLACE FUNCTION asymm._type_holds(source text, target text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_from record := asymm._type_parts(source);
    v_to record := asymm._type_parts(target);
BEGIN
    IF source = target THEN
        RETURN true;
    ELSIF v_from.base = v_to.base THEN
        IF v_to.base LIKE 'bit%' AND v_to.base NOT LIKE 'bit varying%' OR v_to.base LIKE '%interval%' THEN
            RETURN v_to.base = target AND v_to.base NOT LIKE 'bit%';
        ELSIF v_to.modifiers IS NULL THEN
            -- character alone is character(1).
            RETURN v_to.base NOT LIKE 'character%' OR v_to.base LIKE 'character varying%';
        ELSIF v_from.modifiers IS NULL THEN
            RETURN false;
        ELSIF cardinality(v_to.modifiers) = 2 THEN
            RETURN v_to.modifiers[2] >= v_from.modifiers[2]
               AND v_to.modifiers[1] - v_to.modifiers[2] >= v_from.modifiers[1] - v_from.modifiers[2];
        END IF;
        RETURN v_to.modifiers[1] >= v_from.modifiers[1];
    END IF;
    RETURN v_to.modifiers IS NULL AND (v_from.base, v_to.base) IN (
        ('smallint', 'integer'), ('smallint', 'bigint'), ('smallint', 'numeric'), ('smallint', 'double precision'),
        ('smallint', 'real'), ('integer', 'bigint'), ('integer', 'numeric'), ('integer', 'double precision'),
        ('bigint', 'numeric'), ('real', 'double precision'), ('date', 'timestamp without time zone'), ('cidr', 'inet'),
        ('character varying', 'text'), ('name', 'text'), ('text', 'character varying'), ('uuid', 'text'));
END
$$;
COMMENT ON FUNCTION asymm._type_holds(text, text) IS 'Whether every value of one type is a value of another for sure, without looking at the data.';

-- True when the change of type reads or writes every row.
CREATE OR REPLACE FUNCTION asymm._type_rewrites(source text, target text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT NOT (source = target OR (asymm._type_holds(source, target)
        AND ((asymm._type_parts(source)).base = (asymm._type_parts(target)).base
             AND NOT (source LIKE 'numeric%' AND (asymm._type_parts(source)).modifiers[2]
                      IS DISTINCT FROM (asymm._type_parts(target)).modifiers[2] AND target <> 'numeric')
             AND source NOT LIKE 'character(%'
             OR EXISTS (SELECT FROM pg_cast AS c
                         WHERE c.castsource = asymm._type_oid(source) AND c.casttarget = asymm._type_oid(target)
                           AND c.castmethod = 'b'))))
$$;
COMMENT ON FUNCTION asymm._type_rewrites(text, text) IS 'Whether ALTER TYPE from one type to another rewrites the table.';

-- Row security could hide rows from whoever asks, so a condition never holds while it is active for him.
CREATE OR REPLACE FUNCTION asymm._plan_no_row(rel text, condition text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('SELECT NOT pg_catalog.row_security_active(%L::pg_catalog.regclass) AND NOT EXISTS (SELECT FROM %s%s)',
                  rel, rel, ' WHERE ' || condition)
$$;
COMMENT ON FUNCTION asymm._plan_no_row(text, text) IS 'A query that is true when a table has no row for which the condition holds.';

-- Whether the rows at hand survive a change of type: there and back again, every value must be itself.
CREATE OR REPLACE FUNCTION asymm._plan_survives(rel text, column_name text, source text, target text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT asymm._plan_no_row(rel, CASE
        WHEN asymm._type_oid(source) IS NULL OR asymm._type_oid(target) IS NULL
            THEN format('pg_catalog.num_nonnulls(%I) > 0', column_name)
        WHEN (asymm._type_parts(source)).base = 'numeric' THEN format('%s IS DISTINCT FROM %I', t.there_and_back, column_name)
        ELSE format('(%s)::text IS DISTINCT FROM %I::text', t.there_and_back, column_name) END)
      FROM (SELECT asymm._cast_expression(asymm._cast_expression(quote_ident(column_name), source, target), target, source)
            AS there_and_back) AS t
$$;
COMMENT ON FUNCTION asymm._plan_survives(text, text, text, text) IS 'A query that is true when no value of a column is lost by a change of type.';

-- api/433_plan_names.sql
-- Names back first: what was renamed is never dropped and added. Everything after speaks of the declared names, so the
-- facts are rewritten as they will read once the names are back.

-- present name → name after: sources get their declared name; whatever sits on one of those makes room.
CREATE OR REPLACE FUNCTION asymm._plan_new_names(renames jsonb, present jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH r AS (SELECT n.key AS wanted, n.value AS source FROM jsonb_each_text(renames) AS n
                WHERE present ? n.value AND n.key <> n.value)
    SELECT COALESCE(jsonb_object_agg(n.source, n.wanted), '{}')
      FROM (SELECT r.source, r.wanted FROM r
            UNION ALL
            SELECT r.wanted, asymm._plan_spare_name(r.wanted)
              FROM r WHERE present ? r.wanted AND r.wanted NOT IN (SELECT source FROM r)) AS n
$$;
COMMENT ON FUNCTION asymm._plan_new_names(jsonb, jsonb) IS 'Present name → name it will have, for declared → present names.';

CREATE OR REPLACE FUNCTION asymm._plan_spare_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT 'asymm_' || left(md5(name), 16) $$;
COMMENT ON FUNCTION asymm._plan_spare_name(text) IS 'A name to step aside to while names are exchanged.';

CREATE OR REPLACE FUNCTION asymm._plan_name_map(schema_name name, object_name name, declared jsonb, actual jsonb, renames jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_map jsonb := '{}';
    v_text jsonb := actual;
    v_part text;
    v_known jsonb;
    v_found jsonb;
BEGIN
    IF renames ? 'column' THEN
        v_map := jsonb_build_object('column', asymm._plan_new_names(renames -> 'column', actual -> 'column'));
    END IF;
    FOREACH v_part IN ARRAY ARRAY['constraint', 'index', 'trigger', 'policy', 'rule'] LOOP
        v_known := COALESCE(renames -> v_part, '{}');
        IF EXISTS (SELECT FROM jsonb_object_keys(declared -> v_part) AS d WHERE (actual -> v_part ? d) IS NOT TRUE AND NOT v_known ? d)
           AND EXISTS (SELECT FROM jsonb_object_keys(actual -> v_part) AS a WHERE (declared -> v_part ? a) IS NOT TRUE) THEN
            IF v_text = actual THEN
                v_text := asymm._plan_renamed(schema_name, object_name, actual, renames, v_map);
            END IF;
            -- One missing and one extra part of the same definition: a rename that left no address.
            SELECT jsonb_object_agg(x.wanted, x.present) INTO v_found
              FROM (SELECT min(d.key) AS wanted, min(a.key) AS present
                      FROM jsonb_each(declared -> v_part) AS d
                      JOIN jsonb_each(v_text -> v_part) AS a
                        ON asymm._plan_name_part(v_part, d.key, asymm._plan_unnamed(v_part, a.key, a.value))
                           = asymm._plan_name_part(v_part, d.key, asymm._plan_unnamed(v_part, d.key, d.value))
                     WHERE (actual -> v_part ? d.key) IS NOT TRUE AND NOT v_known ? d.key
                       AND (declared -> v_part ? a.key) IS NOT TRUE
                       AND a.key NOT IN (SELECT k.value FROM jsonb_each_text(v_known) AS k)
                     GROUP BY asymm._plan_unnamed(v_part, d.key, d.value)
                    HAVING count(*) = 1) AS x;
            v_known := v_known || COALESCE(v_found, '{}');
        END IF;
        IF v_known <> '{}' THEN
            v_map := v_map || jsonb_build_object(v_part, asymm._plan_new_names(v_known, actual -> v_part));
        END IF;
    END LOOP;
    RETURN v_map;
END
$$;
COMMENT ON FUNCTION asymm._plan_name_map(name, name, jsonb, jsonb, jsonb)
    IS 'part → (present name → name after the renames): those told, and those seen from equal definitions.';

-- A definition with its own name left open, and filled in.
CREATE OR REPLACE FUNCTION asymm._plan_unnamed(part text, name text, facts jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN v.head IS NULL THEN facts - 'comment' - 'enabled'
           ELSE jsonb_set(facts - 'comment' - 'enabled', '{def}', to_jsonb(overlay(facts ->> 'def' PLACING v.head || ' ? '
                    FROM strpos(facts ->> 'def', format('%s %I ', v.head, name)) FOR length(format('%s %I ', v.head, name))))) END
      FROM (SELECT CASE WHEN part IN ('index', 'trigger', 'rule')
                             AND strpos(facts ->> 'def', format('%s %I ', upper(part), name)) > 0 THEN upper(part) END AS head) AS v
$$;
COMMENT ON FUNCTION asymm._plan_unnamed(text, text, jsonb) IS 'Facts of a part without its name, comment and switch.';

CREATE OR REPLACE FUNCTION asymm._plan_name_part(part text, name text, facts jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN part IN ('index', 'trigger', 'rule') AND strpos(facts ->> 'def', upper(part) || ' ? ') > 0
           THEN jsonb_set(facts, '{def}', to_jsonb(overlay(facts ->> 'def' PLACING format('%s %I ', upper(part), name)
                    FROM strpos(facts ->> 'def', upper(part) || ' ? ') FOR length(part) + 3)))
           ELSE facts END
$$;
COMMENT ON FUNCTION asymm._plan_name_part(text, text, jsonb) IS 'Facts of a part with another name filled into the definition.';

CREATE OR REPLACE FUNCTION asymm._plan_renamed(schema_name name, object_name name, actual jsonb, renames jsonb, map jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_new text := format('%I.%I', schema_name, object_name);
    v_old text := format('%I.%I', COALESCE(renames #>> '{table,schema}', schema_name), COALESCE(renames #>> '{table,name}', object_name));
    v_idents jsonb := (SELECT jsonb_object_agg(quote_ident(n.key), quote_ident(n.value)) FROM jsonb_each_text(map -> 'column') AS n);
    -- Rules and policies call the table by its bare name as well.
    v_aliases jsonb := CASE WHEN renames #> '{table,name}' <> to_jsonb(object_name)
                            THEN COALESCE(v_idents, '{}') || jsonb_build_object(quote_ident(renames #>> '{table,name}'), quote_ident(object_name))
                            ELSE v_idents END;
    v_doc jsonb := actual;
    v_part text;
BEGIN
    IF map = '{}' AND v_old = v_new THEN
        RETURN actual;
    END IF;
    FOREACH v_part IN ARRAY ARRAY['column', 'constraint', 'index', 'trigger', 'policy', 'rule'] LOOP
        CONTINUE WHEN NOT actual ? v_part;
        SELECT jsonb_set(v_doc, ARRAY[v_part], jsonb_object_agg(COALESCE(map -> v_part ->> p.key, p.key),
                   CASE WHEN map -> v_part ? p.key
                        THEN asymm._plan_name_part(v_part, map -> v_part ->> p.key, asymm._plan_unnamed(v_part, p.key, f.facts)
                             || jsonb_strip_nulls(jsonb_build_object('comment', p.value -> 'comment', 'enabled', p.value -> 'enabled')))
                        ELSE f.facts END))
          INTO v_doc
          FROM jsonb_each(actual -> v_part) AS p
         CROSS JOIN LATERAL (
             SELECT jsonb_object_agg(e.key, CASE
                        WHEN e.key IN ('def', 'default', 'generated', 'using', 'check') THEN to_jsonb(asymm._plan_retext(
                             e.value #>> '{}', CASE WHEN v_part IN ('rule', 'policy') THEN v_aliases ELSE v_idents END, v_old, v_new,
                             p.value #>> '{sequence,name}', schema_name))
                        WHEN e.key = 'sequence' AND v_old <> v_new THEN jsonb_set(e.value, '{name}', to_jsonb(format('%I.%I',
                             schema_name, (parse_ident(e.value ->> 'name'))[2])))
                        ELSE e.value END) AS facts
               FROM jsonb_each(p.value) AS e) AS f;
    END LOOP;
    RETURN jsonb_set(v_doc, '{table,""}', v_doc #> '{table,""}' || jsonb_strip_nulls(jsonb_build_object(
        'cluster', COALESCE(map #> ARRAY['constraint', v_doc #>> '{table,"",cluster}'], map #> ARRAY['index', v_doc #>> '{table,"",cluster}']),
        'replica_identity', 'index:' || COALESCE(map #>> ARRAY['constraint', substr(v_doc #>> '{table,"",replica_identity}', 7)],
                                                 map #>> ARRAY['index', substr(v_doc #>> '{table,"",replica_identity}', 7)]))));
END
$$;
COMMENT ON FUNCTION asymm._plan_renamed(name, name, jsonb, jsonb, jsonb) IS 'The facts of a table as they will read after its renames.';

CREATE OR REPLACE FUNCTION asymm._plan_retext(definition text, idents jsonb, old_rel text, new_rel text, sequence text, schema_name name)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN idents IS NULL THEN s.text ELSE asymm._retoken(s.text, idents) END
      FROM (SELECT CASE WHEN old_rel = new_rel THEN definition
                        ELSE asymm._rerelation(CASE WHEN sequence IS NULL THEN definition
                            ELSE replace(definition, quote_literal(sequence) || '::regclass',
                                         quote_literal(format('%I.%I', schema_name, (parse_ident(sequence))[2])) || '::regclass') END,
                            old_rel, new_rel) END AS text) AS s
$$;
COMMENT ON FUNCTION asymm._plan_retext(text, jsonb, text, text, text, name) IS 'A definition as it reads after columns and the table were renamed.';

CREATE OR REPLACE FUNCTION asymm._plan_names(schema_name name, object_name name, actual jsonb, renames jsonb, map jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := format('%I.%I', schema_name, object_name);
    v_old_schema name := COALESCE(renames #>> '{table,schema}', schema_name);
    v_old_name name := COALESCE(renames #>> '{table,name}', object_name);
BEGIN
    IF v_old_schema <> schema_name THEN
        IF EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = schema_name)
           OR EXISTS (SELECT FROM asymm.baseline AS b WHERE b.schema_name = v_old_schema) THEN
            RETURN QUERY SELECT 100, 1, 'table', '', format('ALTER TABLE %I.%I SET SCHEMA %I', v_old_schema, v_old_name, schema_name),
                format('ALTER TABLE %I.%I SET SCHEMA %I', schema_name, v_old_name, v_old_schema), 'ACCESS EXCLUSIVE', '{}'::text[], NULL;
        ELSE
            RETURN QUERY SELECT 100, 1, 'table', '', format('ALTER SCHEMA %I RENAME TO %I', v_old_schema, schema_name),
                format('ALTER SCHEMA %I RENAME TO %I', schema_name, v_old_schema), 'none', '{}'::text[], NULL;
        END IF;
    END IF;
    IF v_old_name <> object_name THEN
        RETURN QUERY SELECT 100, 2, 'table', '', format('ALTER TABLE %I.%I RENAME TO %I', schema_name, v_old_name, object_name),
            format('ALTER TABLE %I.%I RENAME TO %I', schema_name, object_name, v_old_name), 'ACCESS EXCLUSIVE', '{}'::text[], NULL;
    END IF;
    RETURN QUERY
    WITH n AS (SELECT p.key AS part, x.key AS present, x.value AS wanted,
                      -- On somebody's way: step aside first.
                      EXISTS (SELECT FROM jsonb_each_text(p.value) AS y WHERE y.value = x.key)
                      OR x.value = asymm._plan_spare_name(x.key) AS aside
                 FROM jsonb_each(map) AS p, jsonb_each_text(p.value) AS x),
         m AS (SELECT 110 AS phase, n.part, n.present AS from_name, asymm._plan_spare_name(n.present) AS to_name, n.present, n.wanted
                 FROM n WHERE n.aside
               UNION ALL
               SELECT 120, n.part, CASE WHEN n.aside THEN asymm._plan_spare_name(n.present) ELSE n.present END, n.wanted, n.present, n.wanted
                 FROM n WHERE n.wanted <> asymm._plan_spare_name(n.present))
    SELECT m.phase, array_position(ARRAY['column', 'constraint', 'index', 'trigger', 'policy', 'rule'], m.part), m.part, m.wanted,
           CASE WHEN v.stuck IS NULL THEN format(v.command, m.from_name, m.to_name) END,
           CASE WHEN v.stuck IS NULL THEN format(v.command, m.to_name, m.from_name) END,
           CASE WHEN m.part = 'index' THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE' END,
           CASE WHEN v.stuck IS NULL THEN '{}' ELSE ARRAY['not healable: ' || v.stuck] END, NULL
      FROM m
     CROSS JOIN LATERAL (
         SELECT CASE m.part
                WHEN 'column' THEN replace('ALTER TABLE $ RENAME COLUMN %I TO %I', '$', replace(v_rel, '%', '%%'))
                WHEN 'constraint' THEN replace('ALTER TABLE $ RENAME CONSTRAINT %I TO %I', '$', replace(v_rel, '%', '%%'))
                WHEN 'index' THEN replace('ALTER INDEX $.%I RENAME TO %I', '$', replace(quote_ident(schema_name), '%', '%%'))
                WHEN 'trigger' THEN replace('ALTER TRIGGER %I ON $ RENAME TO %I', '$', replace(v_rel, '%', '%%'))
                WHEN 'policy' THEN replace('ALTER POLICY %I ON $ RENAME TO %I', '$', replace(v_rel, '%', '%%'))
                ELSE replace('ALTER RULE %I ON $ RENAME TO %I', '$', replace(v_rel, '%', '%%')) END AS command,
                CASE WHEN m.part = 'column' AND (actual #> ARRAY['column', m.present, 'inherited']) IS NOT NULL
                     THEN 'the column comes from a parent table, where it has to be renamed' END AS stuck) AS v;
END
$$;
COMMENT ON FUNCTION asymm._plan_names(name, name, jsonb, jsonb, jsonb) IS 'Steps that give a table and its parts their declared names back.';

-- api/434_plan_columns.sql
-- Columns: added, dropped, given another type, default, NOT NULL, expression or identity.

-- add, drop, same; retype: ALTER TYPE where it stands; plain: a generated column becomes a plain one;
-- expression: another expression where it stands (17 and later); remake: a generated column goes and comes back.
CREATE OR REPLACE FUNCTION asymm._plan_column_verdicts(declared jsonb, actual jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH c AS (
        SELECT COALESCE(d.key, a.key) AS key, d.value AS d, a.value AS a, CASE
                   WHEN a.key IS NULL THEN 'add'
                   WHEN d.key IS NULL THEN 'drop'
                   WHEN d.value ? 'generated' AND (NOT a.value ? 'generated' OR t.differs) THEN 'remake'
                   WHEN d.value ? 'generated' AND d.value -> 'generated' <> a.value -> 'generated'
                       THEN CASE WHEN current_setting('server_version_num')::integer >= 170000 THEN 'expression' ELSE 'remake' END
                   WHEN a.value ? 'generated' AND NOT d.value ? 'generated'
                       THEN CASE WHEN a.value ? 'virtual' THEN 'remake' ELSE 'plain' END
                   WHEN t.differs THEN 'retype'
                   ELSE 'same' END AS verdict
          FROM jsonb_each(declared) AS d
          FULL JOIN jsonb_each(actual) AS a ON a.key = d.key
         CROSS JOIN LATERAL (SELECT (d.value -> 'type', d.value -> 'collation', d.value -> 'virtual')
                                    IS DISTINCT FROM (a.value -> 'type', a.value -> 'collation', a.value -> 'virtual') AS differs) AS t)
    -- A generated column stands in the way of a change to what it is computed from.
    SELECT COALESCE(jsonb_object_agg(c.key, CASE
               WHEN c.verdict IN ('same', 'expression') AND c.a ? 'generated'
                    AND EXISTS (SELECT FROM c AS o WHERE o.verdict IN ('retype', 'remake', 'plain') AND o.key <> c.key
                                   AND (asymm._mentions(c.a, o.key) OR asymm._mentions(c.d, o.key))) THEN 'remake'
               ELSE c.verdict END), '{}')
      FROM c
$$;
COMMENT ON FUNCTION asymm._plan_column_verdicts(jsonb, jsonb) IS 'What to do about each column: add, drop, remake, retype, plain, expression or same.';

CREATE OR REPLACE FUNCTION asymm._sequence_options(sequence jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s', (sequence ->> 'start')::bigint,
                  (sequence ->> 'increment')::bigint, (sequence ->> 'min')::bigint, (sequence ->> 'max')::bigint,
                  (sequence ->> 'cache')::bigint, CASE WHEN (sequence -> 'cycle')::boolean THEN ' CYCLE' ELSE ' NO CYCLE' END)
$$;
COMMENT ON FUNCTION asymm._sequence_options(jsonb) IS 'Options of a sequence as they are written in SQL.';

CREATE OR REPLACE FUNCTION asymm._identity_clause(facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('GENERATED %s AS IDENTITY', upper(facts ->> 'identity'))
           || CASE WHEN facts ? 'sequence' THEN format(' (SEQUENCE NAME %s %s)', facts #>> '{sequence,name}',
                                                       asymm._sequence_options(facts -> 'sequence')) ELSE '' END
     WHERE facts ? 'identity'
$$;
COMMENT ON FUNCTION asymm._identity_clause(jsonb) IS 'GENERATED … AS IDENTITY of a column, NULL if it is none.';

CREATE OR REPLACE FUNCTION asymm._column_definition(name text, facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', quote_ident(name), facts ->> 'type', 'COLLATE ' || (facts ->> 'collation'),
                     'DEFAULT ' || (facts ->> 'default'),
                     CASE WHEN facts ? 'generated' THEN format('GENERATED ALWAYS AS (%s) %s', asymm._replayable(facts ->> 'generated'),
                         CASE WHEN facts ? 'virtual' THEN 'VIRTUAL' ELSE 'STORED' END) END,
                     asymm._identity_clause(facts), CASE WHEN facts ? 'not_null' THEN 'NOT NULL' END)
$$;
COMMENT ON FUNCTION asymm._column_definition(text, jsonb) IS 'A column as CREATE TABLE and ADD COLUMN have it.';

-- A whole column as a script: sequence, column, settings, comment, grants.
CREATE OR REPLACE FUNCTION asymm._plan_column_back(rel text, name text, facts jsonb, owner text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(E';\n',
        CASE WHEN s.serial THEN asymm._plan_sequence_back(facts -> 'sequence', owner) END,
        concat_ws(', ', format('ALTER TABLE %s ADD COLUMN %s', rel, asymm._column_definition(name, facts)),
            CASE WHEN facts ? 'storage' THEN format('ALTER COLUMN %I SET STORAGE %s', name, facts ->> 'storage') END,
            CASE WHEN facts ? 'compression' THEN format('ALTER COLUMN %I SET COMPRESSION %s', name, facts ->> 'compression') END,
            CASE WHEN facts ? 'statistics' THEN format('ALTER COLUMN %I SET STATISTICS %s', name, facts ->> 'statistics') END,
            (SELECT format('ALTER COLUMN %I %s', name, o.action) FROM asymm._option_changes(facts -> 'options', NULL) AS o)),
        CASE WHEN s.serial THEN format('ALTER SEQUENCE %s OWNED BY %s.%I', facts #>> '{sequence,name}', rel, name) END,
        CASE WHEN facts ? 'comment' THEN format('COMMENT ON COLUMN %s.%I IS %L', rel, name, facts ->> 'comment') END,
        (SELECT string_agg(g.statement, E';\n' ORDER BY g.statement)
           FROM asymm._grant_statements(facts -> 'acl', rel, name) AS g))
      FROM (SELECT facts ? 'sequence' AND NOT facts ? 'identity' AS serial) AS s
$$;
COMMENT ON FUNCTION asymm._plan_column_back(text, text, jsonb, text) IS 'Script that makes a dropped column again, empty.';

CREATE OR REPLACE FUNCTION asymm._plan_columns(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_only text := context ->> 'only';
    -- From 18 on a child has to follow its parent's NOT NULL.
    v_alone text := CASE WHEN current_setting('server_version_num')::integer < 180000 THEN v_only ELSE '' END;
    v_linked boolean := (context -> 'linked')::boolean;
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT v.key, v.value AS verdict, COALESCE(l.ord, 0)::integer AS ord, declared -> v.key AS d, actual -> v.key AS a,
               -- A default that names a sequence reads otherwise once that got its name back.
               CASE WHEN asymm._plan_sequence_renamed(declared -> v.key, actual -> v.key)
                    THEN replace(actual -> v.key ->> 'default', quote_literal(actual -> v.key #>> '{sequence,name}'),
                                 quote_literal(declared -> v.key #>> '{sequence,name}'))
                    ELSE actual -> v.key ->> 'default' END AS a_default
          FROM jsonb_each_text(context -> 'column') AS v
          LEFT JOIN jsonb_array_elements_text(context -> 'layout') WITH ORDINALITY AS l (name, ord) ON l.name = v.key),
    t AS (
        SELECT c.*, x.retyped, x.retyped AND NOT asymm._type_holds(c.a ->> 'type', c.d ->> 'type') AS lossy,
               CASE WHEN c.verdict IN ('drop', 'remake', 'retype', 'plain', 'expression') AND c.a ? 'inherited'
                         OR c.verdict = 'add' AND c.d ? 'inherited' AND NOT v_linked
                    THEN 'not healable: the column comes from a parent table, where it has to be repaired' END AS stuck
          FROM c
         CROSS JOIN LATERAL (SELECT c.verdict IN ('retype', 'plain') AND (c.d -> 'type', c.d -> 'collation')
                                    IS DISTINCT FROM (c.a -> 'type', c.a -> 'collation') AS retyped) AS x
         WHERE c.verdict <> 'same' OR c.d IS DISTINCT FROM c.a),
    s AS (
        -- Gone: what is extra, and a generated column that cannot be changed in place.
        SELECT CASE WHEN t.a ? 'generated' THEN 300 ELSE 310 END AS phase, t.ord, t.key,
               format('ALTER TABLE %s DROP COLUMN %I', v_rel, t.key) AS forward,
               asymm._plan_column_back(v_rel, t.key, t.a, context ->> 'owner') AS inverse,
               CASE WHEN t.a ? 'generated' THEN '{}' ELSE ARRAY['deletes data'] END AS hazards,
               CASE WHEN NOT t.a ? 'generated' THEN asymm._plan_no_row(v_rel, format('pg_catalog.num_nonnulls(%I) > 0', t.key)) END
                   AS precondition, t.stuck
          FROM t WHERE t.verdict = 'drop' OR t.verdict = 'remake' AND t.a ? 'generated'
        UNION ALL
        -- A plain column that ought to be generated: one statement, since it may have to wait for leave to delete data.
        SELECT 445, t.ord, t.key, format('ALTER TABLE %s DROP COLUMN %I, ADD COLUMN %s', v_rel, t.key, asymm._column_definition(t.key, t.d)),
               concat_ws(E';\n', format('ALTER TABLE %s DROP COLUMN %I', v_rel, t.key),
                         asymm._plan_column_back(v_rel, t.key, t.a, context ->> 'owner')),
               ARRAY['deletes data', 'rewrites table'],
               asymm._plan_no_row(v_rel, format('pg_catalog.num_nonnulls(%I) > 0 AND (%s)::text IS DISTINCT FROM %I::text',
                                                t.key, t.d ->> 'generated', t.key)), t.stuck
          FROM t WHERE t.verdict = 'remake' AND NOT t.a ? 'generated'
        UNION ALL
        SELECT 312, t.ord, t.key, format('ALTER TABLE %s%s ALTER COLUMN %I DROP DEFAULT', v_only, v_rel, t.key),
               format('ALTER TABLE %s%s ALTER COLUMN %I SET DEFAULT %s', v_only, v_rel, t.key, t.a ->> 'default'), '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.a ? 'default' AND (t.retyped OR NOT t.d ? 'default')
                   AND NOT t.lossy
        UNION ALL
        SELECT 314, t.ord, t.key, format('ALTER TABLE %s ALTER COLUMN %I DROP IDENTITY', v_rel, t.key),
               concat_ws(E';\n', format('ALTER TABLE %s ALTER COLUMN %I ADD %s', v_rel, t.key, asymm._identity_clause(t.a)),
                         asymm._plan_position(v_rel, t.key, t.a)), '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('drop', 'remake') AND t.a ? 'identity' AND NOT t.d ? 'identity'
        UNION ALL
        SELECT 316, t.ord, t.key, format('ALTER TABLE %s ALTER COLUMN %I DROP EXPRESSION', v_rel, t.key),
               concat_ws(E';\n', format('ALTER TABLE %s DROP COLUMN %I', v_rel, t.key),
                         asymm._plan_column_back(v_rel, t.key, t.a, context ->> 'owner')), '{}', NULL, t.stuck
          FROM t WHERE t.verdict = 'plain'
        UNION ALL
        SELECT 318, t.ord, t.key,
               format('ALTER TABLE %s%s ALTER COLUMN %I DROP NOT NULL', v_only, v_rel, t.key),
               format('ALTER TABLE %s%s ALTER COLUMN %I SET NOT NULL', v_alone, v_rel, t.key), '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.a ? 'not_null' AND NOT t.d ? 'not_null'
        UNION ALL
        SELECT CASE WHEN t.d ? 'generated' THEN 445 ELSE 420 END, t.ord, t.key,
               format('ALTER TABLE %s ADD COLUMN %s', v_rel, asymm._column_definition(t.key, t.d)),
               format('ALTER TABLE %s DROP COLUMN %I', v_rel, t.key),
               array_remove(ARRAY[
                   CASE WHEN t.d ?| ARRAY['generated', 'identity'] AND NOT t.d ? 'virtual' OR t.d ->> 'default' LIKE '%(%' THEN 'rewrites table' END,
                   CASE WHEN t.d ? 'not_null' AND NOT t.d ?| ARRAY['default', 'generated', 'identity'] THEN 'may fail on data' END], NULL),
               NULL, t.stuck
          FROM t WHERE t.verdict = 'add' OR t.verdict = 'remake' AND t.a ? 'generated'
        UNION ALL
        SELECT 440, t.ord, t.key, asymm._plan_retype(v_rel, t.key, t.a, t.d, t.lossy), asymm._plan_retype(v_rel, t.key, t.d, t.a, t.lossy),
               array_remove(ARRAY[CASE WHEN t.lossy THEN 'deletes data' END,
                                  CASE WHEN asymm._type_rewrites(t.a ->> 'type', t.d ->> 'type') THEN 'rewrites table' END,
                                  CASE WHEN t.lossy THEN 'may fail on data' END], NULL),
               CASE WHEN t.lossy THEN asymm._plan_survives(v_rel, t.key, t.a ->> 'type', t.d ->> 'type') END, t.stuck
          FROM t WHERE t.retyped
        UNION ALL
        SELECT 446, t.ord, t.key,
               format('ALTER TABLE %s ALTER COLUMN %I SET EXPRESSION AS (%s)', v_rel, t.key, asymm._replayable(t.d ->> 'generated')),
               format('ALTER TABLE %s ALTER COLUMN %I SET EXPRESSION AS (%s)', v_rel, t.key, asymm._replayable(t.a ->> 'generated')),
               ARRAY['rewrites table'], NULL, t.stuck
          FROM t WHERE t.verdict = 'expression'
        UNION ALL
        SELECT 450, t.ord, t.key, format('ALTER TABLE %s%s ALTER COLUMN %I SET DEFAULT %s', v_only, v_rel, t.key, t.d ->> 'default'),
               CASE WHEN t.retyped OR t.a_default IS NULL THEN format('ALTER TABLE %s%s ALTER COLUMN %I DROP DEFAULT', v_only, v_rel, t.key)
                    ELSE format('ALTER TABLE %s%s ALTER COLUMN %I SET DEFAULT %s', v_only, v_rel, t.key, t.a_default) END, '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.d ? 'default' AND NOT t.lossy
                   AND (t.retyped OR t.d ->> 'default' IS DISTINCT FROM t.a_default)
        UNION ALL
        SELECT 455, t.ord, t.key, format('ALTER TABLE %s%s ALTER COLUMN %I SET NOT NULL', v_alone, v_rel, t.key),
               format('ALTER TABLE %s%s ALTER COLUMN %I DROP NOT NULL', v_only, v_rel, t.key),
               ARRAY['scans table', 'may fail on data'], NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.d ? 'not_null' AND NOT t.a ? 'not_null'
        UNION ALL
        SELECT 460, t.ord, t.key, format('ALTER TABLE %s ALTER COLUMN %I ADD %s', v_rel, t.key, asymm._identity_clause(t.d)),
               format('ALTER TABLE %s ALTER COLUMN %I DROP IDENTITY', v_rel, t.key), '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.d ? 'identity' AND NOT t.a ? 'identity'
        UNION ALL
        SELECT 460, t.ord, t.key, format('ALTER TABLE %s ALTER COLUMN %I SET GENERATED %s', v_rel, t.key, upper(t.d ->> 'identity')),
               format('ALTER TABLE %s ALTER COLUMN %I SET GENERATED %s', v_rel, t.key, upper(t.a ->> 'identity')), '{}', NULL, NULL
          FROM t WHERE t.verdict NOT IN ('add', 'drop', 'remake') AND t.d ->> 'identity' <> t.a ->> 'identity')
    SELECT s.phase, s.ord, 'column', s.key, CASE WHEN s.stuck IS NULL THEN s.forward END, CASE WHEN s.stuck IS NULL THEN s.inverse END,
           'ACCESS EXCLUSIVE', CASE WHEN s.stuck IS NULL THEN s.hazards ELSE ARRAY[s.stuck] END,
           CASE WHEN s.stuck IS NULL THEN s.precondition END
      FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_columns(jsonb, jsonb, jsonb) IS 'Steps that add, drop and change columns.';

-- api/435_plan_settings.sql
-- What hangs on a column: its type's cost, storage, statistics, comment, and its sequence.

CREATE OR REPLACE FUNCTION asymm._plan_retype(rel text, name text, from_facts jsonb, to_facts jsonb, defaults boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- USING only where there is no assignment cast: an explicit cast would cut values that the other refuses. What may
    -- have to wait for leave to delete data is one statement, its default included.
    SELECT concat_ws(', ',
        format('ALTER TABLE %s', rel) || CASE WHEN defaults AND from_facts ? 'default'
                                              THEN format(' ALTER COLUMN %I DROP DEFAULT,', name) ELSE '' END
        || concat_ws(' ', format(' ALTER COLUMN %I TYPE %s', name, to_facts ->> 'type'), 'COLLATE ' || (to_facts ->> 'collation'),
            CASE WHEN asymm._cast_context(asymm._type_oid(from_facts ->> 'type'), asymm._type_oid(to_facts ->> 'type'))
                      IN ('explicit', 'none')
                 THEN 'USING ' || asymm._cast_expression(quote_ident(name), from_facts ->> 'type', to_facts ->> 'type') END),
        CASE WHEN defaults AND to_facts ? 'default' THEN format('ALTER COLUMN %I SET DEFAULT %s', name, to_facts ->> 'default') END,
        CASE WHEN to_facts ? 'storage' THEN format('ALTER COLUMN %I SET STORAGE %s', name, to_facts ->> 'storage') END,
        CASE WHEN to_facts ? 'compression' THEN format('ALTER COLUMN %I SET COMPRESSION %s', name, to_facts ->> 'compression') END)
$$;
COMMENT ON FUNCTION asymm._plan_retype(text, text, jsonb, jsonb, boolean)
    IS 'ALTER TYPE from one set of facts to another; storage falls to the type''s default with it.';

CREATE OR REPLACE FUNCTION asymm._type_storage(type_name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END
      FROM pg_type AS t WHERE t.oid = asymm._type_oid(type_name)
$$;
COMMENT ON FUNCTION asymm._type_storage(text) IS 'The storage a type gives its columns.';

CREATE OR REPLACE FUNCTION asymm._plan_column_settings(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT d.key, d.value AS d, CASE WHEN v.value IN ('add', 'remake') THEN '{}' ELSE actual -> d.key END AS a,
               format('ALTER TABLE %s%s ALTER COLUMN %I ', context ->> 'only', v_rel, d.key) AS head,
               format('ALTER TABLE %s ALTER COLUMN %I ', v_rel, d.key) AS head_all,
               v.value IN ('retype', 'plain') AND d.value -> 'type' <> actual -> d.key -> 'type' AS retyped,
               array_position(ARRAY(SELECT jsonb_array_elements_text(context -> 'layout')), d.key) AS ord
          FROM jsonb_each(declared) AS d
          JOIN jsonb_each_text(context -> 'column') AS v ON v.key = d.key
         WHERE d.value IS DISTINCT FROM actual -> d.key OR v.value = 'remake'),
    s AS (
        SELECT 470 AS phase, c.ord, c.key, concat(c.head, 'SET STORAGE ', COALESCE(c.d ->> 'storage', t.storage)) AS forward,
               concat(c.head, 'SET STORAGE ', COALESCE(c.a ->> 'storage', t.storage)) AS inverse, 'ACCESS EXCLUSIVE' AS lock_class
          FROM c CROSS JOIN LATERAL (SELECT asymm._type_storage(c.d ->> 'type')) AS t (storage)
         WHERE c.d -> 'storage' IS DISTINCT FROM c.a -> 'storage' AND NOT c.retyped
        UNION ALL
        SELECT 471, c.ord, c.key, concat(c.head_all, 'SET COMPRESSION ', COALESCE(c.d ->> 'compression', 'default')),
               concat(c.head_all, 'SET COMPRESSION ', COALESCE(c.a ->> 'compression', 'default')), 'ACCESS EXCLUSIVE'
          FROM c WHERE c.d -> 'compression' IS DISTINCT FROM c.a -> 'compression' AND NOT c.retyped
        UNION ALL
        SELECT 472, c.ord, c.key, concat(c.head, 'SET STATISTICS ', COALESCE((c.d -> 'statistics')::integer, -1)),
               concat(c.head, 'SET STATISTICS ', COALESCE((c.a -> 'statistics')::integer, -1)), 'SHARE UPDATE EXCLUSIVE'
          FROM c WHERE c.d -> 'statistics' IS DISTINCT FROM c.a -> 'statistics'
        UNION ALL
        SELECT 473, c.ord, c.key, concat(c.head, o.action), concat(c.head, o.undo), 'SHARE UPDATE EXCLUSIVE'
          FROM c CROSS JOIN LATERAL asymm._option_changes(c.d -> 'options', c.a -> 'options') AS o
        UNION ALL
        SELECT 700, c.ord, c.key, format('COMMENT ON COLUMN %s.%I IS %L', v_rel, c.key, c.d ->> 'comment'),
               format('COMMENT ON COLUMN %s.%I IS %L', v_rel, c.key, c.a ->> 'comment'), 'SHARE UPDATE EXCLUSIVE'
          FROM c WHERE c.d -> 'comment' IS DISTINCT FROM c.a -> 'comment')
    SELECT s.phase, s.ord, 'column', s.key, s.forward, s.inverse, s.lock_class, '{}'::text[], NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_column_settings(jsonb, jsonb, jsonb) IS 'Steps that mend storage, compression, statistics target, options and comment of columns.';

-- An owned sequence under another name, and nothing under the declared one: it was renamed.
CREATE OR REPLACE FUNCTION asymm._plan_sequence_renamed(declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT declared #>> '{sequence,name}' <> actual #>> '{sequence,name}' AND declared ? 'identity' = (actual ? 'identity')
           AND asymm._relation_oid(declared #>> '{sequence,name}') IS NULL
$$;
COMMENT ON FUNCTION asymm._plan_sequence_renamed(jsonb, jsonb) IS 'Whether the sequence of a column only has another name.';

CREATE OR REPLACE FUNCTION asymm._plan_position(rel text, name text, facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('SELECT pg_catalog.setval(%L::pg_catalog.regclass, pg_catalog.%s(%I)::bigint) FROM %s HAVING pg_catalog.%s(%I) BETWEEN %s AND %s',
                  facts #>> '{sequence,name}', v.edge, name, rel, v.edge, name, (facts #>> '{sequence,min}')::bigint,
                  (facts #>> '{sequence,max}')::bigint)
      FROM (SELECT CASE WHEN (facts #>> '{sequence,increment}')::bigint > 0 THEN 'max' ELSE 'min' END AS edge) AS v
     WHERE facts ? 'sequence' AND facts ->> 'type' ~ '^(smallint|integer|bigint|numeric)'
$$;
COMMENT ON FUNCTION asymm._plan_position(text, text, jsonb) IS 'Statement that moves a new sequence past the values its column holds.';

CREATE OR REPLACE FUNCTION asymm._plan_sequence_back(sequence jsonb, owner text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(E';\n',
        format('CREATE SEQUENCE %s AS %s %s', sequence ->> 'name', sequence ->> 'type', asymm._sequence_options(sequence)),
        CASE WHEN owner IS NOT NULL THEN format('ALTER SEQUENCE %s OWNER TO %I', sequence ->> 'name', owner) END)
$$;
COMMENT ON FUNCTION asymm._plan_sequence_back(jsonb, text) IS 'Script that makes a sequence.';

CREATE OR REPLACE FUNCTION asymm._plan_sequences(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_owner text := context ->> 'owner';
    v_leaving text[];
BEGIN
    -- Sequences that go with a column or an identity before new ones are made.
    SELECT COALESCE(array_agg(a.value #>> '{sequence,name}'), '{}') INTO v_leaving
      FROM jsonb_each(actual) AS a
     WHERE a.value ? 'sequence'
       AND (context -> 'column' ->> a.key IN ('drop', 'remake') OR a.value ? 'identity' <> (declared -> a.key ? 'identity'));
    RETURN QUERY
    WITH c AS (
        SELECT d.key, d.value AS d, a.value AS a, d.value -> 'sequence' AS ds, a.value -> 'sequence' AS s,
               d.value #>> '{sequence,name}' AS name, d.value ? 'identity' AS d_identity, COALESCE(a.value ? 'identity', false) AS a_identity,
               asymm._plan_sequence_renamed(d.value, a.value) AS renamed
          FROM jsonb_each(declared) AS d
          LEFT JOIN jsonb_each(actual) AS a ON a.key = d.key AND context -> 'column' ->> d.key NOT IN ('add', 'remake')
         WHERE d.value -> 'sequence' IS DISTINCT FROM a.value -> 'sequence' OR d.value ? 'identity' <> (a.value ? 'identity')),
    k AS (
        -- The declared sequence is the present one, perhaps under another name.
        SELECT c.*, c.ds IS NOT NULL AND c.s IS NOT NULL AND c.d_identity = c.a_identity
                    AND (c.d_identity OR c.renamed OR c.name = c.s ->> 'name') AS kept
          FROM c),
    e AS (
        SELECT k.*, k.ds IS NOT NULL AND NOT k.d_identity AND NOT k.kept AS new_serial,
               CASE WHEN k.ds IS NOT NULL AND NOT k.d_identity AND NOT k.kept AND k.name <> ALL (v_leaving)
                    THEN (SELECT q FROM asymm._relation_oid(k.name) AS q
                           -- What the table owns goes with it before it is made again.
                           WHERE context -> 'relid' <> 'null'
                              OR NOT EXISTS (SELECT FROM pg_depend AS p
                                              WHERE p.classid = 'pg_class'::regclass AND p.objid = q AND p.deptype = 'a'
                                                AND p.refclassid = 'pg_class'::regclass AND p.refobjid = asymm._relation_oid(v_rel))) END AS present
          FROM k),
    n AS (
        -- What the options are when the statement that sets them comes.
        SELECT e.*, CASE WHEN e.present IS NOT NULL THEN
                             (SELECT jsonb_strip_nulls(jsonb_build_object('type', format_type(q.seqtypid, NULL), 'start', q.seqstart::text,
                                         'increment', q.seqincrement::text, 'min', q.seqmin::text, 'max', q.seqmax::text,
                                         'cache', q.seqcache::text, 'cycle', CASE WHEN q.seqcycle THEN true END))
                                FROM pg_sequence AS q WHERE q.seqrelid = e.present)
                         WHEN e.kept THEN e.s END AS options
          FROM e),
    s AS (
        SELECT 320 AS phase, n.key, CASE WHEN n.d_identity THEN format('DROP SEQUENCE %s', n.s ->> 'name')
                                         ELSE format('ALTER SEQUENCE %s OWNED BY NONE', n.s ->> 'name') END AS forward,
               concat_ws(E';\n', CASE WHEN n.d_identity THEN asymm._plan_sequence_back(n.s, v_owner) END,
                         format('ALTER SEQUENCE %s OWNED BY %s.%I', n.s ->> 'name', v_rel, n.key),
                         CASE WHEN n.d_identity THEN asymm._plan_position(v_rel, n.key, n.a) END) AS inverse
          FROM n WHERE n.s IS NOT NULL AND NOT n.a_identity AND NOT n.kept
        UNION ALL
        SELECT 325, n.key, format('ALTER SEQUENCE %s RENAME TO %I', n.s ->> 'name', (parse_ident(n.name))[2]),
               format('ALTER SEQUENCE %s RENAME TO %I', n.name, (parse_ident(n.s ->> 'name'))[2])
          FROM n WHERE n.renamed
        UNION ALL
        SELECT 330, n.key, format('CREATE SEQUENCE %s AS %s %s', n.name, n.ds ->> 'type', asymm._sequence_options(n.ds)),
               format('DROP SEQUENCE %s', n.name)
          FROM n WHERE n.new_serial AND n.present IS NULL
        UNION ALL
        SELECT 331, n.key, format('ALTER SEQUENCE %s OWNER TO %I', n.name, v_owner), format('ALTER SEQUENCE %s OWNER TO %I', n.name, v_owner)
          FROM n WHERE n.new_serial AND n.present IS NULL AND v_owner IS NOT NULL
        UNION ALL
        SELECT 462, n.key, format('ALTER SEQUENCE %s OWNED BY %s.%I', n.name, v_rel, n.key), format('ALTER SEQUENCE %s OWNED BY NONE', n.name)
          FROM n
         WHERE n.new_serial
           -- A column without a default does not show what it owns.
           AND NOT EXISTS (SELECT FROM pg_depend AS p JOIN pg_attribute AS c ON c.attrelid = p.refobjid AND c.attnum = p.refobjsubid
                            WHERE p.classid = 'pg_class'::regclass AND p.objid = n.present AND p.refclassid = 'pg_class'::regclass
                              AND p.deptype = 'a' AND p.refobjid = (context ->> 'relid')::oid AND c.attname = n.key)
        UNION ALL
        SELECT 465, n.key, format('ALTER SEQUENCE %s AS %s %s', n.name, n.ds ->> 'type', asymm._sequence_options(n.ds)),
               format('ALTER SEQUENCE %s AS %s %s', n.name, n.options ->> 'type', asymm._sequence_options(n.options))
          FROM n WHERE n.ds - 'name' - 'owned' - 'acl' - 'comment' <> n.options - 'name' - 'owned' - 'acl' - 'comment'
        UNION ALL
        SELECT 466, n.key, asymm._plan_position(v_rel, n.key, n.d),
               format('SELECT pg_catalog.setval(%L::pg_catalog.regclass, %s, false)', n.name, (n.ds ->> 'start')::bigint)
          FROM n WHERE n.a IS NOT NULL AND (n.new_serial AND n.present IS NULL OR n.d_identity AND NOT n.a_identity)
                   AND context -> 'relid' <> 'null'
        UNION ALL
        SELECT 700, n.key, format('COMMENT ON SEQUENCE %s IS %L', n.name, n.ds ->> 'comment'),
               format('COMMENT ON SEQUENCE %s IS %L', n.name, o.comment)
          FROM n CROSS JOIN LATERAL (
              SELECT CASE WHEN n.present IS NOT NULL THEN obj_description(n.present, 'pg_class')
                          WHEN n.kept THEN n.s ->> 'comment' END AS comment) AS o
         WHERE n.ds IS NOT NULL AND n.ds ->> 'comment' IS DISTINCT FROM o.comment)
    SELECT s.phase, 0, 'column', s.key, s.forward, s.inverse, 'none', '{}'::text[], NULL::text FROM s WHERE s.forward IS NOT NULL;
END
$$;
COMMENT ON FUNCTION asymm._plan_sequences(jsonb, jsonb, jsonb) IS 'Steps that mend the sequences columns own.';

-- api/436_plan_table.sql
-- The table itself: made anew, dropped when extra, its parents, its marks and options.

-- What CREATE TABLE gives: the other steps start from there. Columns that come with a parent are as the parent has them.
CREATE OR REPLACE FUNCTION asymm._plan_created(declared jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_table jsonb := declared #> '{table,""}';
    v_parents jsonb;
    v_columns jsonb;
BEGIN
    SELECT jsonb_object_agg(c.key, c.value) INTO v_parents
      FROM asymm._table_facts(ARRAY(SELECT asymm._relation_oid(p)
                                      FROM jsonb_array_elements_text(COALESCE(v_table -> 'inherits',
                                           jsonb_build_array(v_table -> 'partition_of'))) AS p
                                     WHERE p IS NOT NULL)) AS f
     CROSS JOIN jsonb_each(f.facts -> 'column') AS c;
    SELECT jsonb_object_agg(d.key, jsonb_strip_nulls(CASE WHEN d.value ? 'inherited' AND v_parents ? d.key THEN jsonb_build_object(
               'type', d.value -> 'type', 'collation', d.value -> 'collation', 'inherited', true,
               'not_null', v_parents #> ARRAY[d.key, 'not_null'], 'default', v_parents #> ARRAY[d.key, 'default'],
               'generated', v_parents #> ARRAY[d.key, 'generated'], 'virtual', v_parents #> ARRAY[d.key, 'virtual'],
               'storage', v_parents #> ARRAY[d.key, 'storage'], 'compression', v_parents #> ARRAY[d.key, 'compression'],
               'identity', d.value -> 'identity', 'sequence', CASE WHEN d.value ? 'identity' THEN d.value -> 'sequence' END)
           ELSE jsonb_build_object(
               'type', d.value -> 'type', 'collation', d.value -> 'collation', 'inherited', d.value -> 'inherited',
               'not_null', d.value -> 'not_null', 'identity', d.value -> 'identity', 'generated', d.value -> 'generated',
               'virtual', d.value -> 'virtual',
               'default', CASE WHEN NOT d.value ? 'sequence' THEN d.value -> 'default' END,
               'sequence', CASE WHEN d.value ? 'identity' THEN (d.value -> 'sequence') - 'acl' - 'comment' END) END))
      INTO v_columns
      FROM jsonb_each(declared -> 'column') AS d;
    RETURN jsonb_build_object('column', COALESCE(v_columns, '{}'), 'table', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
        'persistence', v_table -> 'persistence', 'partition_key', v_table -> 'partition_key', 'partition_of', v_table -> 'partition_of',
        'bound', v_table -> 'bound', 'inherits', v_table -> 'inherits', 'access_method', v_table -> 'access_method'))));
END
$$;
COMMENT ON FUNCTION asymm._plan_created(jsonb) IS 'Facts of a table right after its CREATE TABLE.';

CREATE OR REPLACE FUNCTION asymm._plan_create(declared jsonb, layout jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 50, 0, 'table', '', concat('CREATE ', CASE WHEN t ->> 'persistence' = 'u' THEN 'UNLOGGED ' END, 'TABLE ', context ->> 'rel',
               CASE WHEN t ? 'partition_of' THEN format(' PARTITION OF %s %s', t ->> 'partition_of', t ->> 'bound')
               ELSE format(E' (%s)', (
                   SELECT string_agg(E'\n    ' || asymm._column_definition(l.name, CASE WHEN c.facts ? 'identity' OR NOT c.facts ? 'sequence'
                                                                              THEN c.facts ELSE c.facts - 'default' END), ',' ORDER BY l.ord)
                     FROM jsonb_array_elements_text(layout) WITH ORDINALITY AS l (name, ord)
                    CROSS JOIN LATERAL (SELECT declared #> ARRAY['column', l.name] AS facts) AS c
                    WHERE NOT c.facts ? 'inherited')) END,
               (SELECT format(' INHERITS (%s)', string_agg(p.name, ', ' ORDER BY p.ord))
                  FROM jsonb_array_elements_text(t -> 'inherits') WITH ORDINALITY AS p (name, ord) HAVING count(*) > 0),
               ' PARTITION BY ' || (t ->> 'partition_key'), ' USING ' || quote_ident(t ->> 'access_method')),
           format('DROP TABLE %s', context ->> 'rel'),
           CASE WHEN t ? 'partition_of' THEN 'ACCESS EXCLUSIVE' ELSE 'none' END, '{}'::text[], NULL::text
      FROM (SELECT declared #> '{table,""}') AS x (t)
$$;
COMMENT ON FUNCTION asymm._plan_create(jsonb, jsonb, jsonb) IS 'The step that makes a table that is gone; its rows are not coming back.';

CREATE OR REPLACE FUNCTION asymm._plan_extra_table(schema_name name, object_name name, actual jsonb, relid oid)
RETURNS TABLE (part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'table', '', format('DROP TABLE %s', r.rel),
           (SELECT string_agg(p.forward, E';\n' ORDER BY p.step)
              FROM asymm._plan(schema_name, object_name, actual,
                       (SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a
                         WHERE a.attrelid = relid AND a.attnum > 0 AND NOT a.attisdropped), NULL, NULL, '{}') AS p),
           'ACCESS EXCLUSIVE', ARRAY['deletes data'], asymm._plan_no_row(r.rel, NULL)
      FROM (SELECT format('%I.%I', schema_name, object_name) AS rel) AS r
$$;
COMMENT ON FUNCTION asymm._plan_extra_table(name, name, jsonb, oid) IS 'The step that drops a table nobody declared.';

CREATE OR REPLACE FUNCTION asymm._plan_linked(declared jsonb, actual jsonb, made boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT NOT made AND (declared -> 'partition_of', declared -> 'inherits') IS DISTINCT FROM (actual -> 'partition_of', actual -> 'inherits')
$$;
COMMENT ON FUNCTION asymm._plan_linked(jsonb, jsonb, boolean) IS 'Whether a table is given its parents back, so that their columns are its own for a while.';

-- Leaving a parent makes what was inherited the table's own: columns, checks, keys, indexes.
CREATE OR REPLACE FUNCTION asymm._plan_detached(declared jsonb, actual jsonb, relid oid) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_declared jsonb := declared #> '{table,""}';
    v_actual jsonb := actual #> '{table,""}';
    v_constraints jsonb;
    v_indexes jsonb;
BEGIN
    IF NOT (v_actual ?| ARRAY['partition_of', 'inherits'])
       OR (v_declared -> 'partition_of', v_declared -> 'bound', v_declared -> 'inherits')
          IS NOT DISTINCT FROM (v_actual -> 'partition_of', v_actual -> 'bound', v_actual -> 'inherits')
       OR v_declared -> 'inherits' -> 0 = v_actual -> 'inherits' -> 0 THEN
        RETURN actual;
    END IF;
    SELECT jsonb_object_agg(c.conname, jsonb_build_object('def', pg_get_constraintdef(c.oid), 'type',
               CASE c.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key'
                              WHEN 'c' THEN 'check' ELSE 'exclude' END))
      INTO v_constraints
      FROM pg_constraint AS c
     WHERE c.conrelid = relid AND c.contype IN ('p', 'u', 'f', 'c', 'x') AND (c.conparentid <> 0 OR c.coninhcount > 0);
    SELECT jsonb_object_agg(i.relname, jsonb_build_object('def', pg_get_indexdef(i.oid))) INTO v_indexes
      FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
     WHERE x.indrelid = relid AND i.relispartition
       AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = x.indexrelid AND c.conrelid = relid);
    RETURN actual || jsonb_build_object(
        'column', (SELECT jsonb_object_agg(c.key, c.value - 'inherited') FROM jsonb_each(actual -> 'column') AS c),
        'constraint', COALESCE(v_constraints, '{}') || COALESCE(actual -> 'constraint', '{}'),
        'index', COALESCE(v_indexes, '{}') || COALESCE(actual -> 'index', '{}'));
END
$$;
COMMENT ON FUNCTION asymm._plan_detached(jsonb, jsonb, oid) IS 'The facts of a table as they read once it has left parents it should not have.';

-- What the table will take over from a parent it goes back to, and must therefore not be dropped.
CREATE OR REPLACE FUNCTION asymm._plan_attached(declared jsonb, actual jsonb, relid oid) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH p AS (SELECT asymm._relation_oid(p.name) AS oid
                 FROM jsonb_array_elements_text(COALESCE(declared -> 'inherits', jsonb_build_array(declared -> 'partition_of'))) AS p (name)
                WHERE (declared -> 'partition_of', declared -> 'bound', declared -> 'inherits')
                      IS DISTINCT FROM (actual #> '{table,"",partition_of}', actual #> '{table,"",bound}', actual #> '{table,"",inherits}'))
    SELECT jsonb_build_object(
        'constraint', (SELECT jsonb_object_agg(k.key, true)
                         FROM jsonb_each(actual -> 'constraint') AS k
                         JOIN pg_constraint AS c ON pg_get_constraintdef(c.oid) = k.value ->> 'def' AND (c.contype <> 'c' OR c.conname = k.key)
                         JOIN p ON p.oid = c.conrelid),
        'index', (SELECT jsonb_object_agg(k.key, true)
                    FROM jsonb_each(actual -> 'index') AS k
                    JOIN p ON declared ? 'partition_of'
                    JOIN pg_index AS x ON x.indrelid = p.oid AND x.indisunique = (k.value ->> 'def' LIKE 'CREATE UNIQUE %')
                     AND substring(pg_get_indexdef(x.indexrelid) FROM ' USING .*') = substring(k.value ->> 'def' FROM ' USING .*')))
$$;
COMMENT ON FUNCTION asymm._plan_attached(jsonb, jsonb, oid) IS 'part → names that a parent the table is attached to has as well.';

CREATE OR REPLACE FUNCTION asymm._plan_table(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_head text := format('ALTER TABLE %s', v_rel);
    -- A mark on an index goes with the index.
    v_leaving text[] := ARRAY(SELECT v.key FROM (SELECT * FROM jsonb_each_text(context -> 'constraint')
                              UNION ALL SELECT * FROM jsonb_each_text(context -> 'index')) AS v WHERE v.value IN ('drop', 'remake'));
    v_space text := (SELECT s.spcname FROM pg_database AS b JOIN pg_tablespace AS s ON s.oid = b.dattablespace
                      WHERE b.datname = current_database());
    v_shared integer := 0;
    v_mark text;
BEGIN
    IF declared IS NOT DISTINCT FROM actual AND cardinality(v_leaving) = 0 THEN
        RETURN;
    END IF;
    IF declared -> 'partition_key' IS DISTINCT FROM actual -> 'partition_key' THEN
        RETURN QUERY SELECT 0, 0, 'table', '', NULL, NULL, 'none',
            ARRAY['not healable: the partition key of a table can be set only when it is made'], NULL;
    END IF;
    IF (declared -> 'partition_of', declared -> 'bound') IS DISTINCT FROM (actual -> 'partition_of', actual -> 'bound') THEN
        RETURN QUERY
        SELECT 200, 0, 'table', '', format('ALTER TABLE %s DETACH PARTITION %s', actual ->> 'partition_of', v_rel),
               format('ALTER TABLE %s ATTACH PARTITION %s %s', actual ->> 'partition_of', v_rel, actual ->> 'bound'),
               'ACCESS EXCLUSIVE', '{}'::text[], NULL WHERE actual ? 'partition_of'
        UNION ALL
        SELECT 551, 0, 'table', '', format('ALTER TABLE %s ATTACH PARTITION %s %s', declared ->> 'partition_of', v_rel, declared ->> 'bound'),
               format('ALTER TABLE %s DETACH PARTITION %s', declared ->> 'partition_of', v_rel),
               'ACCESS EXCLUSIVE', ARRAY['scans table', 'may fail on data'], NULL WHERE declared ? 'partition_of';
    END IF;
    IF declared -> 'inherits' IS DISTINCT FROM actual -> 'inherits' THEN
        -- Their order counts: parents after the first difference leave and come back.
        WHILE declared -> 'inherits' -> v_shared = actual -> 'inherits' -> v_shared LOOP
            v_shared := v_shared + 1;
        END LOOP;
        RETURN QUERY
        SELECT 201, -p.ord::integer, 'table', '', format('%s NO INHERIT %s', v_head, p.name), format('%s INHERIT %s', v_head, p.name),
               'ACCESS EXCLUSIVE', '{}'::text[], NULL
          FROM jsonb_array_elements_text(actual -> 'inherits') WITH ORDINALITY AS p (name, ord) WHERE p.ord > v_shared
        UNION ALL
        SELECT 550, p.ord::integer, 'table', '', format('%s INHERIT %s', v_head, p.name), format('%s NO INHERIT %s', v_head, p.name),
               'ACCESS EXCLUSIVE', '{}'::text[], NULL
          FROM jsonb_array_elements_text(declared -> 'inherits') WITH ORDINALITY AS p (name, ord) WHERE p.ord > v_shared;
    END IF;
    v_mark := CASE WHEN substr(actual ->> 'replica_identity', 7) = ANY (v_leaving) AND actual ->> 'replica_identity' LIKE 'index:%'
                   THEN NULL ELSE actual ->> 'replica_identity' END;
    RETURN QUERY
    SELECT 210, 0, 'table', '', concat(v_head, ' REPLICA IDENTITY DEFAULT'),
           concat(v_head, asymm._replica_identity(actual ->> 'replica_identity')), 'ACCESS EXCLUSIVE', '{}'::text[], NULL
     WHERE v_mark IS DISTINCT FROM actual ->> 'replica_identity'
    UNION ALL
    SELECT 580, 0, 'table', '', concat(v_head, asymm._replica_identity(declared ->> 'replica_identity')),
           concat(v_head, asymm._replica_identity(v_mark)), 'ACCESS EXCLUSIVE', '{}', NULL
     WHERE declared ->> 'replica_identity' IS DISTINCT FROM v_mark;
    v_mark := CASE WHEN actual ->> 'cluster' = ANY (v_leaving) THEN NULL ELSE actual ->> 'cluster' END;
    RETURN QUERY
    SELECT 211, 0, 'table', '', concat(v_head, ' SET WITHOUT CLUSTER'), concat(v_head, ' CLUSTER ON ', quote_ident(actual ->> 'cluster')),
           'SHARE UPDATE EXCLUSIVE', '{}'::text[], NULL
     WHERE v_mark IS DISTINCT FROM actual ->> 'cluster'
    UNION ALL
    SELECT 581, 0, 'table', '', concat(v_head, COALESCE(' CLUSTER ON ' || quote_ident(declared ->> 'cluster'), ' SET WITHOUT CLUSTER')),
           concat(v_head, COALESCE(' CLUSTER ON ' || quote_ident(v_mark), ' SET WITHOUT CLUSTER')), 'SHARE UPDATE EXCLUSIVE', '{}', NULL
     WHERE declared ->> 'cluster' IS DISTINCT FROM v_mark;
    RETURN QUERY
    SELECT x.phase, 0, 'table', '', concat(v_head, x.forward), concat(v_head, x.inverse), x.lock_class, x.hazards::text[], NULL
      FROM (VALUES
        (205, 'of_type', CASE WHEN actual ? 'of_type' THEN ' NOT OF' END, format(' OF %s', actual ->> 'of_type'), 'ACCESS EXCLUSIVE', '{}'),
        (480, 'persistence', CASE WHEN declared ? 'persistence' THEN ' SET UNLOGGED' ELSE ' SET LOGGED' END,
              CASE WHEN actual ? 'persistence' THEN ' SET UNLOGGED' ELSE ' SET LOGGED' END, 'ACCESS EXCLUSIVE', '{"rewrites table"}'),
        (482, 'access_method', ' SET ACCESS METHOD ' || quote_ident(COALESCE(declared ->> 'access_method', 'heap')),
              ' SET ACCESS METHOD ' || quote_ident(COALESCE(actual ->> 'access_method', 'heap')), 'ACCESS EXCLUSIVE', '{"rewrites table"}'),
        (552, 'of_type', CASE WHEN declared ? 'of_type' THEN format(' OF %s', declared ->> 'of_type') END, ' NOT OF', 'ACCESS EXCLUSIVE', '{}'),
        (575, 'rls', CASE WHEN declared ? 'rls' THEN ' ENABLE' ELSE ' DISABLE' END || ' ROW LEVEL SECURITY',
              CASE WHEN actual ? 'rls' THEN ' ENABLE' ELSE ' DISABLE' END || ' ROW LEVEL SECURITY', 'ACCESS EXCLUSIVE', '{"changes privileges"}'),
        (576, 'force_rls', CASE WHEN declared ? 'force_rls' THEN ' FORCE' ELSE ' NO FORCE' END || ' ROW LEVEL SECURITY',
              CASE WHEN actual ? 'force_rls' THEN ' FORCE' ELSE ' NO FORCE' END || ' ROW LEVEL SECURITY', 'ACCESS EXCLUSIVE',
              '{"changes privileges"}'),
        (595, 'tablespace', ' SET TABLESPACE ' || quote_ident(COALESCE(declared ->> 'tablespace', v_space)),
              ' SET TABLESPACE ' || quote_ident(COALESCE(actual ->> 'tablespace', v_space)), 'ACCESS EXCLUSIVE', '{"rewrites table"}')
      ) AS x (phase, attribute, forward, inverse, lock_class, hazards)
     WHERE x.forward IS NOT NULL AND declared -> x.attribute IS DISTINCT FROM actual -> x.attribute;
    RETURN QUERY
    SELECT 590, 0, 'table', '', concat_ws(' ', v_head, o.action), concat_ws(' ', v_head, o.undo), 'SHARE UPDATE EXCLUSIVE', '{}'::text[], NULL::text
      FROM (SELECT * FROM asymm._option_changes(declared -> 'options', actual -> 'options')
            UNION ALL SELECT * FROM asymm._option_changes(declared -> 'toast_options', actual -> 'toast_options', 'toast.')) AS o
    UNION ALL
    SELECT 700, 0, 'table', '', format('COMMENT ON TABLE %s IS %L', v_rel, declared ->> 'comment'),
           format('COMMENT ON TABLE %s IS %L', v_rel, actual ->> 'comment'), 'SHARE UPDATE EXCLUSIVE', '{}', NULL
     WHERE declared -> 'comment' IS DISTINCT FROM actual -> 'comment'
    UNION ALL
    SELECT 810, 0, 'table', '', format('%s OWNER TO %I', v_head, declared ->> 'owner'),
           format('%s OWNER TO %I', v_head, COALESCE(actual ->> 'owner', declared ->> 'owner')), 'ACCESS EXCLUSIVE',
           CASE WHEN actual ? 'owner' THEN ARRAY['changes owner'] ELSE '{}' END, NULL
     WHERE declared -> 'owner' IS DISTINCT FROM actual -> 'owner';
END
$$;
COMMENT ON FUNCTION asymm._plan_table(jsonb, jsonb, jsonb) IS 'Steps that mend what belongs to the table as a whole.';

CREATE OR REPLACE FUNCTION asymm._replica_identity(mark text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ' REPLICA IDENTITY ' || CASE WHEN mark LIKE 'index:%' THEN 'USING INDEX ' || quote_ident(substr(mark, 7))
                                        WHEN mark IS NULL THEN 'DEFAULT' ELSE upper(mark) END
$$;
COMMENT ON FUNCTION asymm._replica_identity(text) IS 'REPLICA IDENTITY clause of a fact.';

-- api/437_plan_constraints.sql
-- Constraints and indexes.

-- A constraint as a script: definition, options of its index, comment.
CREATE OR REPLACE FUNCTION asymm._plan_constraint_back(rel text, schema_name text, name text, facts jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(E';\n',
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', rel, name, asymm._replayable(facts ->> 'def')),
        (SELECT string_agg(format('ALTER INDEX %I.%I %s', schema_name, name, o.action), E';\n')
           FROM asymm._option_changes(facts -> 'options', NULL) AS o),
        CASE WHEN facts ? 'tablespace' THEN format('ALTER INDEX %I.%I SET TABLESPACE %I', schema_name, name, facts ->> 'tablespace') END,
        CASE WHEN facts ? 'comment' THEN format('COMMENT ON CONSTRAINT %I ON %s IS %L', name, rel, facts ->> 'comment') END)
$$;
COMMENT ON FUNCTION asymm._plan_constraint_back(text, text, text, jsonb) IS 'Script that makes a constraint again.';

CREATE OR REPLACE FUNCTION asymm._plan_constraints(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_schema text := context ->> 'schema';
    v_space text := (SELECT s.spcname FROM pg_database AS b JOIN pg_tablespace AS s ON s.oid = b.dattablespace
                      WHERE b.datname = current_database());
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT v.key, v.value AS verdict, declared -> v.key AS d, actual -> v.key AS a,
               CASE WHEN v.value NOT IN ('add', 'remake') THEN actual -> v.key ELSE '{}' END AS now
          FROM jsonb_each_text(context -> 'constraint') AS v
         WHERE v.value <> 'keep' AND NOT (v.value = 'same' AND declared -> v.key = actual -> v.key)),
    s AS (
        SELECT CASE WHEN c.a ->> 'type' = 'foreign key' THEN 220 ELSE 260 END AS phase, c.key,
               format('ALTER TABLE %s DROP CONSTRAINT %I', v_rel, c.key) AS forward,
               asymm._plan_constraint_back(v_rel, v_schema, c.key, c.a) AS inverse,
               'ACCESS EXCLUSIVE' AS lock_class, '{}'::text[] AS hazards
          FROM c WHERE c.verdict IN ('drop', 'remake')
        UNION ALL
        SELECT CASE c.d ->> 'type' WHEN 'primary key' THEN 520 WHEN 'unique' THEN 521 WHEN 'exclude' THEN 522 WHEN 'check' THEN 530 ELSE 540 END,
               c.key, format('ALTER TABLE %s ADD CONSTRAINT %I %s', v_rel, c.key, asymm._replayable(c.d ->> 'def')),
               format('ALTER TABLE %s DROP CONSTRAINT %I', v_rel, c.key),
               CASE WHEN c.d ->> 'type' = 'foreign key' THEN 'SHARE ROW EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE' END,
               CASE WHEN c.d ->> 'type' IN ('primary key', 'unique', 'exclude') THEN ARRAY['builds index', 'may fail on data']
                    WHEN c.d ->> 'def' LIKE '% NOT VALID' THEN '{}'
                    ELSE ARRAY['scans table', 'may fail on data'] END
          FROM c WHERE c.verdict IN ('add', 'remake')
        UNION ALL
        SELECT 545, c.key, format('ALTER TABLE %s ALTER CONSTRAINT %I %s', v_rel, c.key, asymm._deferral(c.d ->> 'def')),
               format('ALTER TABLE %s ALTER CONSTRAINT %I %s', v_rel, c.key, asymm._deferral(c.a ->> 'def')), 'SHARE ROW EXCLUSIVE', '{}'
          FROM c WHERE c.verdict = 'alter' AND asymm._deferral(c.d ->> 'def') <> asymm._deferral(c.a ->> 'def')
        UNION ALL
        SELECT 546, c.key, format('ALTER TABLE %s VALIDATE CONSTRAINT %I', v_rel, c.key),
               concat_ws(E';\n', format('ALTER TABLE %s DROP CONSTRAINT %I', v_rel, c.key),
                         asymm._plan_constraint_back(v_rel, v_schema, c.key, c.d || jsonb_build_object(
                             'def', (c.d ->> 'def') || ' NOT VALID', 'comment', c.a -> 'comment'))),
               'SHARE UPDATE EXCLUSIVE', ARRAY['scans table', 'may fail on data']
          FROM c WHERE c.verdict = 'alter' AND c.a ->> 'def' LIKE '% NOT VALID' AND c.d ->> 'def' NOT LIKE '% NOT VALID'
        UNION ALL
        SELECT 550 - 2, c.key, format('ALTER INDEX %I.%I %s', v_schema, c.key, o.action), format('ALTER INDEX %I.%I %s', v_schema, c.key, o.undo),
               'SHARE UPDATE EXCLUSIVE', '{}'
          FROM c CROSS JOIN LATERAL asymm._option_changes(c.d -> 'options', c.now -> 'options') AS o
         WHERE c.verdict <> 'drop'
        UNION ALL
        SELECT 549, c.key, format('ALTER INDEX %I.%I SET TABLESPACE %I', v_schema, c.key, COALESCE(c.d ->> 'tablespace', v_space)),
               format('ALTER INDEX %I.%I SET TABLESPACE %I', v_schema, c.key, COALESCE(c.now ->> 'tablespace', v_space)),
               'ACCESS EXCLUSIVE', ARRAY['builds index']
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'tablespace' IS DISTINCT FROM c.now -> 'tablespace'
        UNION ALL
        SELECT 700, c.key, format('COMMENT ON CONSTRAINT %I ON %s IS %L', c.key, v_rel, c.d ->> 'comment'),
               format('COMMENT ON CONSTRAINT %I ON %s IS %L', c.key, v_rel, c.now ->> 'comment'), 'SHARE UPDATE EXCLUSIVE', '{}'
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'comment' IS DISTINCT FROM c.now -> 'comment')
    SELECT s.phase, 0, 'constraint', s.key, s.forward, s.inverse, s.lock_class, s.hazards, NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_constraints(jsonb, jsonb, jsonb) IS 'Steps that drop, add and mend constraints.';

CREATE OR REPLACE FUNCTION asymm._deferral(definition text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN definition ~ ' DEFERRABLE INITIALLY DEFERRED( NOT VALID)?$' THEN 'DEFERRABLE INITIALLY DEFERRED'
                WHEN definition ~ ' DEFERRABLE( NOT VALID)?$' THEN 'DEFERRABLE INITIALLY IMMEDIATE' ELSE 'NOT DEFERRABLE' END
$$;
COMMENT ON FUNCTION asymm._deferral(text) IS 'Deferral clause of a constraint''s definition.';

-- On a partitioned table the definition says ONLY; made like that, the index would stay invalid.
CREATE OR REPLACE FUNCTION asymm._index_definition(facts jsonb, rel text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT asymm._replayable(replace(facts ->> 'def', ' ON ONLY ' || rel || ' ', ' ON ' || rel || ' ')) $$;
COMMENT ON FUNCTION asymm._index_definition(jsonb, text) IS 'CREATE INDEX as it is to be run.';

CREATE OR REPLACE FUNCTION asymm._plan_index_back(rel text, schema_name text, name text, facts jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(E';\n', asymm._index_definition(facts, rel),
        (SELECT string_agg(format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', schema_name, name, s.key::integer, s.value::integer), E';\n')
           FROM jsonb_each_text(facts -> 'statistics') AS s),
        CASE WHEN facts ? 'tablespace' THEN format('ALTER INDEX %I.%I SET TABLESPACE %I', schema_name, name, facts ->> 'tablespace') END,
        CASE WHEN facts ? 'comment' THEN format('COMMENT ON INDEX %I.%I IS %L', schema_name, name, facts ->> 'comment') END)
$$;
COMMENT ON FUNCTION asymm._plan_index_back(text, text, text, jsonb) IS 'Script that makes an index again.';

CREATE OR REPLACE FUNCTION asymm._plan_indexes(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_schema text := context ->> 'schema';
    v_space text := (SELECT s.spcname FROM pg_database AS b JOIN pg_tablespace AS s ON s.oid = b.dattablespace
                      WHERE b.datname = current_database());
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT v.key, v.value AS verdict, declared -> v.key AS d, actual -> v.key AS a,
               CASE WHEN v.value NOT IN ('add', 'remake') THEN actual -> v.key ELSE '{}' END AS now
          FROM jsonb_each_text(context -> 'index') AS v
         WHERE v.value <> 'keep' AND NOT (v.value = 'same' AND declared -> v.key = actual -> v.key)),
    s AS (
        SELECT 270 AS phase, c.key, format('DROP INDEX %I.%I', v_schema, c.key) AS forward,
               asymm._plan_index_back(v_rel, v_schema, c.key, c.a) AS inverse, 'ACCESS EXCLUSIVE' AS lock_class,
               CASE WHEN c.a ? 'invalid' THEN ARRAY['cannot be undone'] ELSE '{}' END AS hazards
          FROM c WHERE c.verdict IN ('drop', 'remake')
        UNION ALL
        SELECT 500, c.key, asymm._index_definition(c.d, v_rel), format('DROP INDEX %I.%I', v_schema, c.key), 'SHARE',
               CASE WHEN c.d ->> 'def' LIKE 'CREATE UNIQUE %' THEN ARRAY['builds index', 'may fail on data'] ELSE ARRAY['builds index'] END
          FROM c WHERE c.verdict IN ('add', 'remake')
        UNION ALL
        SELECT 510, c.key, format('ALTER INDEX %I.%I %s', v_schema, c.key, o.action), format('ALTER INDEX %I.%I %s', v_schema, c.key, o.undo),
               'SHARE UPDATE EXCLUSIVE', '{}'
          FROM c CROSS JOIN LATERAL asymm._option_changes(asymm._index_options(c.d ->> 'def'), asymm._index_options(c.a ->> 'def')) AS o
         WHERE c.verdict = 'alter'
        UNION ALL
        SELECT 511, c.key, format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', v_schema, c.key, t.key::integer, COALESCE(t.d, -1)),
               format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', v_schema, c.key, t.key::integer, COALESCE(t.now, -1)),
               'SHARE UPDATE EXCLUSIVE', '{}'
          FROM c CROSS JOIN LATERAL (
              SELECT COALESCE(d.key, n.key) AS key, d.value::integer AS d, n.value::integer AS now
                FROM jsonb_each_text(c.d -> 'statistics') AS d FULL JOIN jsonb_each_text(c.now -> 'statistics') AS n ON n.key = d.key) AS t
         WHERE c.verdict <> 'drop' AND t.d IS DISTINCT FROM t.now
        UNION ALL
        SELECT 512, c.key, format('ALTER INDEX %I.%I SET TABLESPACE %I', v_schema, c.key, COALESCE(c.d ->> 'tablespace', v_space)),
               format('ALTER INDEX %I.%I SET TABLESPACE %I', v_schema, c.key, COALESCE(c.now ->> 'tablespace', v_space)),
               'ACCESS EXCLUSIVE', ARRAY['builds index']
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'tablespace' IS DISTINCT FROM c.now -> 'tablespace'
        UNION ALL
        SELECT 700, c.key, format('COMMENT ON INDEX %I.%I IS %L', v_schema, c.key, c.d ->> 'comment'),
               format('COMMENT ON INDEX %I.%I IS %L', v_schema, c.key, c.now ->> 'comment'), 'SHARE UPDATE EXCLUSIVE', '{}'
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'comment' IS DISTINCT FROM c.now -> 'comment')
    SELECT s.phase, 0, 'index', s.key, s.forward, s.inverse, s.lock_class, s.hazards, NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_indexes(jsonb, jsonb, jsonb) IS 'Steps that drop, make and mend indexes.';

-- api/438_plan_triggers.sql
-- Triggers, rules and row policies.

CREATE OR REPLACE FUNCTION asymm._plan_triggers(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[],
               precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT p.part, upper(p.part) AS kind, v.key, v.value AS verdict, declared #> ARRAY[p.part, v.key] AS d,
               actual #> ARRAY[p.part, v.key] AS a,
               CASE WHEN v.value = 'same' THEN actual #> ARRAY[p.part, v.key] ELSE '{}' END AS now
          FROM unnest(ARRAY['trigger', 'rule']) AS p (part)
         CROSS JOIN jsonb_each_text(context -> p.part) AS v
         WHERE NOT (v.value = 'same' AND declared #> ARRAY[p.part, v.key] = actual #> ARRAY[p.part, v.key])),
    s AS (
        SELECT CASE c.part WHEN 'trigger' THEN 230 ELSE 250 END AS phase, c.part, c.key,
               format('DROP %s %I ON %s', c.kind, c.key, v_rel) AS forward,
               concat_ws(E';\n', rtrim(asymm._replayable(c.a ->> 'def'), ';'),
                         CASE WHEN c.a ? 'enabled' THEN asymm._plan_switch(v_rel, c.kind, c.key, c.a ->> 'enabled') END,
                         CASE WHEN c.a ? 'comment'
                              THEN format('COMMENT ON %s %I ON %s IS %L', c.kind, c.key, v_rel, c.a ->> 'comment') END) AS inverse,
               'ACCESS EXCLUSIVE' AS lock_class
          FROM c WHERE c.verdict IN ('drop', 'remake')
        UNION ALL
        SELECT CASE c.part WHEN 'trigger' THEN 560 ELSE 565 END, c.part, c.key, rtrim(asymm._replayable(c.d ->> 'def'), ';'),
               format('DROP %s %I ON %s', c.kind, c.key, v_rel),
               CASE c.part WHEN 'trigger' THEN 'SHARE ROW EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE' END
          FROM c WHERE c.verdict IN ('add', 'remake')
        UNION ALL
        SELECT 568, c.part, c.key, asymm._plan_switch(v_rel, c.kind, c.key, c.d ->> 'enabled'),
               asymm._plan_switch(v_rel, c.kind, c.key, c.now ->> 'enabled'),
               CASE c.part WHEN 'trigger' THEN 'SHARE ROW EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE' END
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'enabled' IS DISTINCT FROM c.now -> 'enabled'
        UNION ALL
        SELECT 700, c.part, c.key, format('COMMENT ON %s %I ON %s IS %L', c.kind, c.key, v_rel, c.d ->> 'comment'),
               format('COMMENT ON %s %I ON %s IS %L', c.kind, c.key, v_rel, c.now ->> 'comment'), 'SHARE UPDATE EXCLUSIVE'
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'comment' IS DISTINCT FROM c.now -> 'comment')
    SELECT s.phase, 0, s.part, s.key, s.forward, s.inverse, s.lock_class, '{}'::text[], NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_triggers(jsonb, jsonb, jsonb) IS 'Steps that drop, make and switch triggers and rules.';

CREATE OR REPLACE FUNCTION asymm._plan_switch(rel text, kind text, name text, enabled text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('ALTER TABLE %s %s %s %I', rel,
                  CASE enabled WHEN 'disabled' THEN 'DISABLE' WHEN 'replica' THEN 'ENABLE REPLICA'
                               WHEN 'always' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END, kind, name)
$$;
COMMENT ON FUNCTION asymm._plan_switch(text, text, text, text) IS 'Statement that enables or disables a trigger or rule.';

CREATE OR REPLACE FUNCTION asymm._policy_roles(facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(CASE WHEN r = '' THEN 'PUBLIC' ELSE quote_ident(r) END, ', ') FROM jsonb_array_elements_text(facts -> 'roles') AS r
$$;
COMMENT ON FUNCTION asymm._policy_roles(jsonb) IS 'Roles of a policy as they are written in SQL.';

CREATE OR REPLACE FUNCTION asymm._policy_definition(rel text, name text, facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', format('CREATE POLICY %I ON %s AS', name, rel),
                     CASE WHEN facts ? 'permissive' THEN 'RESTRICTIVE' ELSE 'PERMISSIVE' END,
                     'FOR', facts ->> 'command', 'TO', asymm._policy_roles(facts), asymm._policy_conditions(facts))
$$;
COMMENT ON FUNCTION asymm._policy_definition(text, text, jsonb) IS 'CREATE POLICY from its facts.';

CREATE OR REPLACE FUNCTION asymm._policy_conditions(facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', 'USING (' || asymm._replayable(facts ->> 'using') || ')', 'WITH CHECK (' || asymm._replayable(facts ->> 'check') || ')')
$$;
COMMENT ON FUNCTION asymm._policy_conditions(jsonb) IS 'USING and WITH CHECK of a policy.';

CREATE OR REPLACE FUNCTION asymm._plan_policies(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[],
               precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT v.key, v.value AS verdict, declared -> v.key AS d, actual -> v.key AS a,
               CASE WHEN v.value IN ('same', 'alter') THEN actual -> v.key ELSE '{}' END AS now
          FROM jsonb_each_text(context -> 'policy') AS v
         WHERE NOT (v.value = 'same' AND declared -> v.key = actual -> v.key)),
    s AS (
        SELECT 240 AS phase, c.key, format('DROP POLICY %I ON %s', c.key, v_rel) AS forward,
               concat_ws(E';\n', asymm._policy_definition(v_rel, c.key, c.a),
                         CASE WHEN c.a ? 'comment'
                              THEN format('COMMENT ON POLICY %I ON %s IS %L', c.key, v_rel, c.a ->> 'comment') END) AS inverse,
               ARRAY['changes privileges'] AS hazards
          FROM c WHERE c.verdict IN ('drop', 'remake')
        UNION ALL
        SELECT 570, c.key, asymm._policy_definition(v_rel, c.key, c.d), format('DROP POLICY %I ON %s', c.key, v_rel),
               ARRAY['changes privileges']
          FROM c WHERE c.verdict IN ('add', 'remake')
        UNION ALL
        -- A condition can be changed but not taken away: the inverse then makes the policy anew.
        SELECT 571, c.key,
               concat_ws(' ', format('ALTER POLICY %I ON %s TO %s', c.key, v_rel, asymm._policy_roles(c.d)), asymm._policy_conditions(c.d)),
               CASE WHEN c.d ? 'using' AND NOT c.a ? 'using' OR c.d ? 'check' AND NOT c.a ? 'check'
                    THEN concat_ws(E';\n', format('DROP POLICY %I ON %s', c.key, v_rel), asymm._policy_definition(v_rel, c.key, c.a),
                                   CASE WHEN c.a ? 'comment'
                                        THEN format('COMMENT ON POLICY %I ON %s IS %L', c.key, v_rel, c.a ->> 'comment') END)
                    ELSE concat_ws(' ', format('ALTER POLICY %I ON %s TO %s', c.key, v_rel, asymm._policy_roles(c.a)),
                                   asymm._policy_conditions(c.a)) END,
               ARRAY['changes privileges']
          FROM c WHERE c.verdict = 'alter'
        UNION ALL
        SELECT 700, c.key, format('COMMENT ON POLICY %I ON %s IS %L', c.key, v_rel, c.d ->> 'comment'),
               format('COMMENT ON POLICY %I ON %s IS %L', c.key, v_rel, c.now ->> 'comment'), '{}'
          FROM c WHERE c.verdict <> 'drop' AND c.d -> 'comment' IS DISTINCT FROM c.now -> 'comment')
    SELECT s.phase, 0, 'policy', s.key, s.forward, s.inverse, 'ACCESS EXCLUSIVE', s.hazards, NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_policies(jsonb, jsonb, jsonb) IS 'Steps that drop, make and change row policies.';

-- api/439_plan_grants.sql
-- Privileges. An acl fact is grantee → privileges (* with grant option, '' for PUBLIC); the owner stands there only when
-- he lacks something. Changing the owner hands his privileges on, so the rows compared are those after that.

-- GRANT statements for a whole acl, of a column if one is named.
CREATE OR REPLACE FUNCTION asymm._grant_statements(acl jsonb, rel text, column_name text DEFAULT NULL) RETURNS TABLE (statement text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT asymm._grant_statement(true, string_agg(rtrim(p, '*'), ',' ORDER BY p), column_name, 'TABLE ' || rel, g.key, p LIKE '%*')
      FROM jsonb_each(acl) AS g, jsonb_array_elements_text(g.value) AS p
     GROUP BY g.key, p LIKE '%*'
$$;
COMMENT ON FUNCTION asymm._grant_statements(jsonb, text, text) IS 'GRANT statements that give what an acl fact says.';

CREATE OR REPLACE FUNCTION asymm._grant_statement(
    giving boolean, privileges text, column_name text, target text, grantee text, grant_option boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', CASE WHEN giving THEN 'GRANT' ELSE 'REVOKE' END,
               (SELECT string_agg(CASE WHEN column_name IS NULL THEN p ELSE format('%s (%I)', p, column_name) END, ', ')
                  FROM unnest(string_to_array(privileges, ',')) AS p),
               'ON', target, CASE WHEN giving THEN 'TO' ELSE 'FROM' END,
               CASE WHEN grantee = '' THEN 'PUBLIC' ELSE quote_ident(grantee) END,
               CASE WHEN grant_option THEN CASE WHEN giving THEN 'WITH GRANT OPTION' ELSE 'CASCADE' END END)
$$;
COMMENT ON FUNCTION asymm._grant_statement(boolean, text, text, text, text, boolean) IS 'One GRANT or REVOKE.';

-- An acl as rows, the owner's share made explicit for tables and sequences.
CREATE OR REPLACE FUNCTION asymm._acl_rows(kind "char", acl jsonb, owner text) RETURNS TABLE (grantee text, privilege text, grantable boolean)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT g.key, rtrim(p, '*'), p LIKE '%*' AND g.key <> owner
      FROM jsonb_each(acl) AS g, jsonb_array_elements_text(g.value) AS p
    UNION ALL
    SELECT owner, d.privilege_type, false
      FROM aclexplode(acldefault(kind, 10)) AS d WHERE d.grantee = 10 AND kind <> 'c' AND (acl ? owner) IS NOT TRUE
$$;
COMMENT ON FUNCTION asymm._acl_rows("char", jsonb, text) IS 'An acl fact as rows of grantee, privilege and grant option.';

CREATE OR REPLACE FUNCTION asymm._plan_grants(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[],
               precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
    v_new text := declared #>> '{table,"",owner}';
    v_old text := COALESCE(actual #>> '{table,"",owner}', declared #>> '{table,"",owner}');
    v_made boolean := context -> 'relid' = 'null';
BEGIN
    IF NOT v_made AND v_old = v_new AND declared #> '{table,"",acl}' IS NOT DISTINCT FROM actual #> '{table,"",acl}'
       AND NOT EXISTS (SELECT FROM jsonb_each(declared -> 'column') AS d
                        WHERE (d.value ? 'acl' OR d.value ? 'sequence' OR actual #> ARRAY['column', d.key, 'acl'] IS NOT NULL)
                          AND (d.value IS DISTINCT FROM actual #> ARRAY['column', d.key] OR context -> 'column' ->> d.key <> 'same')) THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH o AS (
        -- Everything that carries privileges: the table, its columns, their sequences.
        SELECT 'r'::"char" AS kind, 'table' AS part, '' AS name, 'TABLE ' || v_rel AS target, NULL::text AS col,
               declared #> '{table,"",acl}' AS d, actual #> '{table,"",acl}' AS a, v_made AS made, (context ->> 'relid')::oid AS oid
        UNION ALL
        SELECT 'c', 'column', d.key, 'TABLE ' || v_rel, d.key, d.value -> 'acl',
               CASE WHEN context -> 'column' ->> d.key NOT IN ('add', 'remake') THEN actual #> ARRAY['column', d.key, 'acl'] END, false, NULL
          FROM jsonb_each(declared -> 'column') AS d
         WHERE d.value ? 'acl' OR actual #> ARRAY['column', d.key, 'acl'] IS NOT NULL
        UNION ALL
        SELECT 'S', 'column', d.key, 'SEQUENCE ' || (d.value #>> '{sequence,name}'), NULL, d.value #> '{sequence,acl}',
               CASE WHEN NOT m.made THEN actual #> ARRAY['column', d.key, 'sequence', 'acl'] END, m.made,
               asymm._relation_oid(actual #>> ARRAY['column', d.key, 'sequence', 'name'])
          FROM jsonb_each(declared -> 'column') AS d
         CROSS JOIN LATERAL (SELECT v_made OR context -> 'column' ->> d.key IN ('add', 'remake')
                OR actual #> ARRAY['column', d.key, 'sequence'] IS NULL
                OR d.value ? 'identity' <> (actual #> ARRAY['column', d.key, 'identity'] IS NOT NULL) AS made) AS m
         WHERE d.value ? 'sequence'
           AND (m.made OR d.value #> '{sequence,acl}' IS DISTINCT FROM actual #> ARRAY['column', d.key, 'sequence', 'acl'] OR v_old <> v_new)),
    a AS (
        -- What is there once the owner is the declared one; what that one held as a stranger is taken first (phase 790).
        SELECT o.*, CASE WHEN r.grantee = v_old THEN v_new ELSE r.grantee END AS grantee, r.privilege, r.grantable
          FROM o CROSS JOIN LATERAL asymm._acl_rows(lower(o.kind::text)::"char", o.a, v_old) AS r
         WHERE o.kind <> 'S' AND NOT (v_old <> v_new AND r.grantee = v_new)
        UNION ALL
        SELECT o.*, CASE WHEN r.grantee = v_old THEN v_new ELSE r.grantee END, r.privilege, r.grantable
          FROM o CROSS JOIN LATERAL asymm._acl_rows('s', o.a, v_old) AS r
         WHERE o.kind = 'S' AND NOT (v_old <> v_new AND r.grantee = v_new)),
    d AS (
        SELECT o.*, r.grantee, r.privilege, r.grantable
          FROM o CROSS JOIN LATERAL asymm._acl_rows(lower(o.kind::text)::"char", o.d, v_new) AS r),
    -- Privileges somebody else than the owner gave: only a clean slate gets rid of those.
    x AS (
        SELECT DISTINCT o.target, e.privilege_type
          FROM o JOIN pg_class AS c ON c.oid = o.oid
         CROSS JOIN LATERAL aclexplode(c.relacl) AS e
         WHERE o.col IS NULL AND e.grantor <> c.relowner),
    diff AS (
        SELECT COALESCE(a.kind, d.kind) AS kind, COALESCE(a.part, d.part) AS part, COALESCE(a.name, d.name) AS name,
               COALESCE(a.target, d.target) AS target, COALESCE(a.col, d.col) AS col, COALESCE(a.grantee, d.grantee) AS grantee,
               COALESCE(a.privilege, d.privilege) AS privilege, a.grantable AS was, d.grantable AS wanted
          FROM a FULL JOIN d ON d.target = a.target AND d.col IS NOT DISTINCT FROM a.col AND d.grantee = a.grantee
                            AND d.privilege = a.privilege),
    slate AS (SELECT DISTINCT f.target, f.privilege FROM diff AS f JOIN x ON x.target = f.target AND x.privilege_type = f.privilege
               WHERE f.was IS DISTINCT FROM f.wanted),
    todo AS (
        SELECT f.*, f.was IS NOT NULL AND (f.wanted IS NULL OR f.was AND NOT f.wanted OR l.target IS NOT NULL AND f.grantee <> v_new) AS takes
          FROM diff AS f LEFT JOIN slate AS l ON l.target = f.target AND l.privilege = f.privilege AND f.col IS NULL
         WHERE f.was IS DISTINCT FROM f.wanted OR l.target IS NOT NULL AND f.grantee <> v_new),
    -- Taking a privilege on the table takes it on every column too, so that one is taken openly before.
    swept AS (
        SELECT f.* FROM diff AS f
         WHERE f.col IS NOT NULL AND f.was IS NOT NULL AND f.was IS NOT DISTINCT FROM f.wanted
           AND EXISTS (SELECT FROM todo AS t WHERE t.kind = 'r' AND t.takes AND t.grantee = f.grantee AND t.privilege = f.privilege)),
    s AS (
        SELECT CASE WHEN t.col IS NULL THEN 820 ELSE 815 END AS phase, t.part, t.name,
               asymm._grant_statement(false, string_agg(t.privilege, ',' ORDER BY t.privilege), t.col, t.target, t.grantee, t.was) AS forward,
               asymm._grant_statement(true, string_agg(t.privilege, ',' ORDER BY t.privilege), t.col, t.target, t.grantee, t.was) AS inverse
          FROM (SELECT t.part, t.name, t.target, t.col, t.grantee, t.was, t.privilege FROM todo AS t WHERE t.takes
                UNION ALL SELECT w.part, w.name, w.target, w.col, w.grantee, w.was, w.privilege FROM swept AS w) AS t
         GROUP BY t.part, t.name, t.target, t.col, t.grantee, t.was
        UNION ALL
        SELECT CASE WHEN t.col IS NULL THEN 830 ELSE 835 END, t.part, t.name,
               asymm._grant_statement(true, string_agg(t.privilege, ',' ORDER BY t.privilege), t.col, t.target, t.grantee, t.wanted),
               CASE WHEN t.plain THEN replace(asymm._grant_statement(false, string_agg(t.privilege, ',' ORDER BY t.privilege), t.col,
                                                                     t.target, t.grantee, true), 'REVOKE ', 'REVOKE GRANT OPTION FOR ')
                    ELSE asymm._grant_statement(false, string_agg(t.privilege, ',' ORDER BY t.privilege), t.col, t.target, t.grantee, t.wanted) END
          FROM (SELECT t.part, t.name, t.target, t.col, t.grantee, t.wanted, t.privilege, t.was IS NOT NULL AND NOT t.takes AS plain
                  FROM todo AS t WHERE t.wanted IS NOT NULL
                UNION ALL SELECT w.part, w.name, w.target, w.col, w.grantee, w.wanted, w.privilege, false FROM swept AS w) AS t
         GROUP BY t.part, t.name, t.target, t.col, t.grantee, t.wanted, t.plain
        UNION ALL
        -- Before the owner changes: what the next one holds as a stranger would melt into his own.
        SELECT 790, o.part, o.name,
               asymm._grant_statement(false, string_agg(r.privilege, ',' ORDER BY r.privilege), o.col, o.target, r.grantee, r.grantable),
               asymm._grant_statement(true, string_agg(r.privilege, ',' ORDER BY r.privilege), o.col, o.target, r.grantee, r.grantable)
          FROM o CROSS JOIN LATERAL asymm._acl_rows(lower(o.kind::text)::"char", o.a, v_old) AS r
         WHERE v_old <> v_new AND r.grantee = v_new
         GROUP BY o.part, o.name, o.target, o.col, r.grantee, r.grantable
        UNION ALL
        -- A former owner's grant options stay written down for the next one, to no effect.
        SELECT 812, o.part, o.name,
               format('REVOKE GRANT OPTION FOR %s ON %s FROM %I', string_agg(e.privilege_type, ', ' ORDER BY e.privilege_type), o.target, v_new),
               format('GRANT %s ON %s TO %I WITH GRANT OPTION', string_agg(e.privilege_type, ', ' ORDER BY e.privilege_type), o.target, v_new)
          FROM o JOIN pg_class AS c ON c.oid = o.oid
         CROSS JOIN LATERAL aclexplode(c.relacl) AS e
         WHERE v_old <> v_new AND o.col IS NULL AND e.grantee = c.relowner AND e.is_grantable
         GROUP BY o.part, o.name, o.target
        UNION ALL
        -- What was made anew may have been given away by ALTER DEFAULT PRIVILEGES.
        SELECT g.phase, o.part, o.name, CASE g.phase WHEN 811 THEN format('REVOKE ALL ON %s FROM %s', o.target, g.grantees)
                                                     ELSE format('GRANT ALL ON %s TO %I', o.target, v_new) END,
               format('GRANT ALL ON %s TO %I', o.target, v_new)
          FROM o
         CROSS JOIN LATERAL (
              SELECT p.phase, string_agg(DISTINCT CASE WHEN e.grantee = 0 THEN 'PUBLIC'
                                                       ELSE quote_ident(pg_get_userbyid(e.grantee)) END, ', ') AS grantees
                FROM pg_default_acl AS f CROSS JOIN LATERAL aclexplode(f.defaclacl) AS e CROSS JOIN (VALUES (811), (812)) AS p (phase)
               WHERE f.defaclobjtype = o.kind AND (p.phase = 812 OR pg_get_userbyid(e.grantee) <> v_new)
               GROUP BY p.phase) AS g
         WHERE o.made)
    SELECT s.phase, 0, s.part, s.name, s.forward, s.inverse, 'none', ARRAY['changes privileges'], NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_grants(jsonb, jsonb, jsonb) IS 'Steps that revoke what is not declared and grant what is.';

-- api/440_views.sql
-- What people look at. Statement text is for operators; readers see everything else.

CREATE OR REPLACE FUNCTION asymm._sees_statements() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_has_role('asymm_operator', 'USAGE') $$;
COMMENT ON FUNCTION asymm._sees_statements() IS 'True for operators: may read the text of logged statements.';

CREATE OR REPLACE VIEW asymm.drift AS
    SELECT d.id,
           format('%I.%I', d.schema_name, d.object_name) AS object,
           d.kind, d.part, d.name, d.attribute, d.declared, d.actual,
           l.role, l.login, l.application, l.client_addr, l.at AS ddl_at, l.command_tag,
           CASE WHEN asymm._sees_statements() THEN l.statement END AS statement,
           d.found_by, d.noticed_at, COALESCE(b.policy, 'propose') AS policy,
           CASE WHEN d.state = 'open' THEN COALESCE(a.state, 'open') ELSE d.state END AS state,
           CASE WHEN a.id IS NULL AND b.policy = 'observe' THEN 'policy observe' ELSE a.reason END AS reason,
           p.hazards, p.repair, d.action_id AS action,
           CASE WHEN d.state = 'healed' THEN a.applied_at END AS repaired_at, d.resolved_at
      FROM asymm.drift_record AS d
      LEFT JOIN asymm.ddl_log AS l ON l.id = d.ddl_log_id
      LEFT JOIN asymm.action AS a ON a.id = d.action_id
      LEFT JOIN asymm.baseline AS b ON b.id = d.baseline_id
      LEFT JOIN LATERAL (
          -- The steps that mend this difference; the whole plan where none is made for it alone.
          SELECT string_agg(s.forward, E';\n' ORDER BY s.step) AS repair,
                 ARRAY(SELECT DISTINCT h.hazard
                         FROM jsonb_array_elements(a.steps) AS e,
                              jsonb_array_elements_text(CASE jsonb_typeof(e -> 'hazards') WHEN 'array' THEN e -> 'hazards' ELSE '[]' END) AS h (hazard)
                        WHERE (e ->> 'part' = d.part AND e ->> 'name' = d.name) OR NOT m.matched
                        ORDER BY h.hazard) AS hazards
            FROM (SELECT EXISTS (SELECT FROM jsonb_to_recordset(a.steps) AS x (part text, name text)
                                  WHERE x.part = d.part AND x.name = d.name) AS matched) AS m
           CROSS JOIN jsonb_to_recordset(a.steps) AS s (step integer, part text, name text, forward text)
           WHERE (s.part = d.part AND s.name = d.name) OR NOT m.matched
           GROUP BY m.matched) AS p ON true;
COMMENT ON VIEW asymm.drift IS 'Differences from the baseline: object, part, attribute, from (declared) and to (actual), who did it, hazards and statements of the repair, state; open ones and their history.';

CREATE OR REPLACE VIEW asymm.actions AS
    SELECT a.id, a.kind, a.target, a.state, a.reason, a.requested_by,
           ARRAY(SELECT s ->> 'forward' FROM jsonb_array_elements(a.steps) WITH ORDINALITY AS x (s, n) WHERE s ->> 'forward' IS NOT NULL ORDER BY n) AS statements,
           ARRAY(SELECT s ->> 'inverse' FROM jsonb_array_elements(a.steps) WITH ORDINALITY AS x (s, n) WHERE s ->> 'inverse' IS NOT NULL ORDER BY n DESC) AS inverse,
           ARRAY(SELECT DISTINCT h FROM jsonb_array_elements(a.steps) AS s,
                        jsonb_array_elements_text(CASE jsonb_typeof(s -> 'hazards') WHEN 'array' THEN s -> 'hazards' ELSE '[]' END) AS h ORDER BY h) AS hazards,
           a.evidence_before, a.evidence_after,
           CASE WHEN asymm._sees_statements() THEN a.error ELSE jsonb_build_object('sqlstate', a.error -> 'sqlstate') END AS error, a.tries, a.created_at, a.changed_at, a.applied_by, a.applied_at,
           round(extract(epoch FROM a.applied_at - a.created_at) * 1000, 1) AS duration_ms
      FROM asymm.action AS a;
COMMENT ON VIEW asymm.actions IS 'The ledger: statements, their inverse (in the order to run them), hazards, evidence before and after, state; duration_ms from planned to applied.';

CREATE OR REPLACE FUNCTION asymm.action_history(action bigint)
RETURNS TABLE (at timestamptz, from_state text, to_state text, by_role name, note text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF action IS NULL THEN
        PERFORM asymm._require_text(NULL, 'action');
    ELSIF NOT EXISTS (SELECT FROM asymm.action a WHERE a.id = action) THEN
        RAISE EXCEPTION 'action % does not exist', action
            USING ERRCODE = 'undefined_object', DETAIL = 'The ledger has no row of that number.',
                  HINT = 'SELECT id, target, state FROM asymm.actions ORDER BY id DESC;';
    END IF;
    -- An error's text may quote rows of the table; readers see that it failed.
    RETURN QUERY SELECT e.at, e.from_state, e.to_state, e.by_role,
                        CASE WHEN pg_has_role(asymm._caller(), 'asymm_operator', 'USAGE')
                                  OR NOT (e.to_state = 'failed' OR (e.from_state = 'reverting' AND e.to_state = 'verified')) THEN e.note END
                   FROM asymm.action_event e WHERE e.action_id = action ORDER BY e.id;
END
$$;
COMMENT ON FUNCTION asymm.action_history(bigint) IS 'Every state an action was in, when, by whom and why. Raises 22004, 42704.';

CREATE OR REPLACE VIEW asymm.ddl AS
    SELECT l.id, l.at, l.role, l.login, l.application, l.client_addr, l.command_tag, l.identities AS objects, l.intent, l.intended,
           l.action_id AS action, CASE WHEN asymm._sees_statements() THEN l.statement END AS statement, l.seen
      FROM asymm.ddl_log AS l;
COMMENT ON VIEW asymm.ddl IS 'The DDL log: who ran what, when and from where; the statement''s text is for operators.';

CREATE OR REPLACE VIEW asymm.watched AS
    SELECT format('%I.%I', b.schema_name, b.object_name) AS object, b.kind, b.policy, b.fingerprint,
           NOT EXISTS (SELECT FROM asymm.drift_record d WHERE d.baseline_id = b.id AND d.state = 'open') AS in_step,
           s.held, asymm.annotation_json(b.annotation) AS annotation, b.by_schema, b.watched_by, b.watched_at,
           b.adopted_by, b.adopted_at, b.reason, s.checked_at
      FROM asymm.baseline AS b
      LEFT JOIN asymm.baseline_state AS s ON s.baseline_id = b.id;
COMMENT ON VIEW asymm.watched IS 'What is watched, by which policy, whether it agrees with its baseline, and why it is held back if it is.';

-- api/800_actor.sql
-- The actor: the login the loop runs as. Code written by a table's owner may run with the actor's rights, so
-- an actor must not be able to do more than that one owner (and what asymm_pulse may).

CREATE OR REPLACE FUNCTION asymm._role_powers(role name) RETURNS TABLE (power text, carrier name)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- A membership counts whether inherited or not: SET ROLE gives what INHERIT doesn't. pg_has_role() calls
    -- a superuser a member of everything, hence the walk.
    WITH RECURSIVE closure (id) AS (
        SELECT r.oid FROM pg_roles r WHERE r.rolname = _role_powers.role
        UNION
        SELECT m.roleid FROM closure c JOIN pg_auth_members m ON m.member = c.id
    )
    SELECT p.power::text, r.rolname
      FROM closure c
      JOIN pg_roles r ON r.oid = c.id
     CROSS JOIN LATERAL (VALUES
            (r.rolsuper, 'superuser'), (r.rolcreaterole, 'CREATEROLE'), (r.rolreplication, 'REPLICATION'),
            (r.rolbypassrls, 'BYPASSRLS'),
            (r.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files',
                           'asymm_owner'), r.rolname::text)
          ) AS p (held, power)
     WHERE p.held
     ORDER BY r.rolname <> _role_powers.role, r.rolname, p.power
$$;
COMMENT ON FUNCTION asymm._role_powers(name) IS 'Powers that make a role, or one it is a member of directly or not, unfit to act in the background.';

CREATE OR REPLACE FUNCTION asymm._other_sessions(actor name) RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- Loops and their jobs are not "other": they name themselves, or are still on their way to it.
    SELECT count(*)::integer
      FROM pg_stat_activity a
     WHERE a.usename = _other_sessions.actor AND a.pid <> pg_backend_pid()
       AND a.backend_type IS DISTINCT FROM 'pg_cron'
       AND a.application_name NOT LIKE 'asymmetrica %'
       AND a.application_name NOT LIKE 'pg_cron%'
$$;
COMMENT ON FUNCTION asymm._other_sessions(name) IS 'Number of sessions of a role that are neither loops nor their jobs.';

CREATE OR REPLACE FUNCTION asymm._actor_faults(actor name) RETURNS TABLE (fault text, remedy text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    WITH role AS (SELECT r.oid, r.rolcanlogin FROM pg_roles r WHERE r.rolname = actor),
    direct AS (
        SELECT DISTINCT g.rolname
          FROM role r JOIN pg_auth_members m ON m.member = r.oid JOIN pg_roles g ON g.oid = m.roleid
         WHERE g.rolname NOT IN ('asymm_reader', 'asymm_pulse', 'asymm_operator')
    ),
    powers AS (SELECT * FROM asymm._role_powers(actor))
    SELECT 'it does not exist',
           format('SELECT * FROM asymm.create_actor(name => %L, owner => ''<owner of the tables>'')', actor)
     WHERE NOT EXISTS (SELECT FROM role)
    UNION ALL
    SELECT 'it cannot log in', format('ALTER ROLE %I LOGIN', actor) FROM role WHERE NOT rolcanlogin
    UNION ALL
    SELECT CASE WHEN p.carrier = actor THEN format('it has the power %s', p.power)
                WHEN p.power = p.carrier THEN format('it is a member of "%s"', p.carrier)
                ELSE format('it is a member of "%s", which has the power %s', p.carrier, p.power) END,
           CASE WHEN p.carrier = actor THEN format('ALTER ROLE %I NO%s', actor, upper(p.power))
                ELSE format('REVOKE %I FROM %I', p.carrier, actor) END
      FROM powers p
    UNION ALL
    SELECT format('it is a member of %s roles (%s); one owner is allowed', count(*),
        string_agg(quote_ident(d.rolname), ', ' ORDER BY d.rolname)),
           format('REVOKE %I FROM %I', max(d.rolname::text), actor)
      FROM direct d HAVING count(*) > 1
    UNION ALL
    SELECT 'it is not a member of asymm_pulse', format('GRANT asymm_pulse TO %I', actor)
      FROM role WHERE NOT pg_has_role(role.oid, 'asymm_pulse', 'MEMBER')
$$;
COMMENT ON FUNCTION asymm._actor_faults(name) IS 'Each reason why a role cannot be the actor, with the command that mends it; no rows: it is fit.';

CREATE OR REPLACE FUNCTION asymm._check_actor(actor name, forced boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_faults text;
    v_remedies text;
    v_sessions integer;
BEGIN
    IF actor IS NULL THEN
        RAISE EXCEPTION 'no actor is named'
            USING ERRCODE = 'SY003', DETAIL = 'The pulse runs as a login of its own, member of the owner of '
                                              'the tables.',
                  HINT = 'SELECT * FROM asymm.create_actor(name => ''asymm_actor'', owner => ''<owner of '
                                                                      'the tables>'');'
                         ' SELECT * FROM asymm.start(actor => ''asymm_actor'');';
    END IF;
    SELECT string_agg(f.fault, '; '), string_agg(f.remedy || ';', ' ') INTO v_faults, v_remedies
      FROM asymm._actor_faults(actor) AS f;
    IF v_faults IS NOT NULL THEN
        RAISE EXCEPTION 'role "%" is unfit to be the actor', actor
            USING ERRCODE = 'SY003', DETAIL = format('Role "%s": %s.', actor, v_faults), HINT = v_remedies;
    END IF;
    v_sessions := asymm._other_sessions(actor);
    IF v_sessions > 0 AND NOT forced THEN
        RAISE EXCEPTION 'role "%" is unfit to be the actor', actor
            USING ERRCODE = 'SY003', DETAIL = format('Role "%s" has %s other session(s); an actor is a '
                                                     'login of its own.', actor, v_sessions),
                  HINT = 'Close them, make an actor with asymm.create_actor(), or pass forced => true.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._check_actor(name, boolean) IS 'Raises SY003 with every reason and remedy unless the role is fit to be the actor.';

-- api/804_create_actor.sql
-- create_actor(): makes the login the loop runs as, and says statement by statement what it did.

CREATE OR REPLACE FUNCTION asymm._actor_settings() RETURNS TABLE (setting text, value text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- A loop is one statement of a minute and more: no time-out of the database or server may end it.
    SELECT w.setting, w.value
      FROM (VALUES (1, 'statement_timeout', '0'), (2, 'lock_timeout', '50ms'),
                   (3, 'idle_in_transaction_session_timeout', '0'), (4, 'idle_session_timeout', '0'),
                   (5, 'transaction_timeout', '0'), (6, 'default_transaction_read_only', 'off'),
                   (7, 'default_transaction_isolation', 'read committed'), (8, 'jit', 'off'))
           AS w (place, setting, value)
      JOIN pg_settings s ON s.name = w.setting
     ORDER BY w.place
$$;
COMMENT ON FUNCTION asymm._actor_settings() IS 'Settings an actor has in this database, as far as this server knows them.';

CREATE OR REPLACE FUNCTION asymm._has_setting(role name, setting text, value text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_db_role_setting s
          JOIN pg_roles r ON r.oid = s.setrole
          JOIN pg_database d ON d.oid = s.setdatabase
         WHERE r.rolname = _has_setting.role AND d.datname = current_database()
           AND format('%s=%s', setting, value) = ANY (s.setconfig))
$$;
COMMENT ON FUNCTION asymm._has_setting(name, text, text) IS 'True when the role has this setting in this database.';

CREATE OR REPLACE FUNCTION asymm._actor_statements(actor name, owner name)
    RETURNS TABLE (statement text, needed boolean)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    WITH role AS (SELECT r.* FROM pg_roles r WHERE r.rolname = actor),
    direct AS (SELECT DISTINCT g.rolname FROM role r JOIN pg_auth_members m ON m.member = r.oid
        JOIN pg_roles g ON g.oid = m.roleid)
    SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS '
                  'INHERIT', actor),
           NOT EXISTS (SELECT FROM role)
    UNION ALL
    SELECT format('ALTER ROLE %I LOGIN INHERIT', actor), true
      FROM role WHERE NOT (rolcanlogin AND rolinherit)
    UNION ALL
    SELECT format('GRANT %I TO %I', g.name, actor), NOT EXISTS (SELECT FROM direct d WHERE d.rolname = g.name)
      FROM (VALUES (1, owner), (2, 'asymm_pulse')) AS g (place, name)
    UNION ALL
    SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), actor),
           NOT EXISTS (SELECT FROM role r WHERE has_database_privilege(r.oid, current_database(), 'CONNECT'))
    UNION ALL
    SELECT format('GRANT USAGE ON SCHEMA cron TO %I', actor),
           NOT EXISTS (SELECT FROM role r WHERE has_schema_privilege(r.oid, n.oid, 'USAGE'))
      FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace OR n.nspname = 'cron'
     WHERE e.extname = 'pg_cron' AND n.nspname = 'cron'
    UNION ALL
    SELECT format('ALTER ROLE %I IN DATABASE %I SET %I = %L', actor, current_database(), s.setting, s.value),
           NOT asymm._has_setting(actor, s.setting, s.value)
      FROM asymm._actor_settings() AS s
$$;
COMMENT ON FUNCTION asymm._actor_statements(name, name) IS 'What makes a role a fit actor for an owner, in order, and whether each statement is still needed.';

CREATE OR REPLACE FUNCTION asymm.create_actor(name name, owner name)
    RETURNS TABLE (statement text, result text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name name := asymm._require_text(create_actor.name::text, 'name')::name;
    v_owner name := asymm._require_text(create_actor.owner::text, 'owner')::name;
    v_powers text;
    v_others text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = v_owner) THEN
        RAISE EXCEPTION 'role "%" does not exist', v_owner
            USING ERRCODE = 'undefined_object',
                DETAIL = 'The owner is the role that owns the tables to be healed.',
                  HINT = format('CREATE ROLE %I NOLOGIN; then give it the tables: ALTER TABLE … OWNER TO %I',
                      v_owner, v_owner);
    ELSIF v_name = v_owner OR v_owner IN ('asymm_reader', 'asymm_pulse', 'asymm_operator') THEN
        RAISE EXCEPTION 'role "%" cannot be the owner behind actor "%"', v_owner, v_name
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = 'The actor is a login of its own, member of the role that owns the tables.',
                  HINT = 'SELECT * FROM asymm.create_actor(name => ''asymm_actor'', owner => ''<owner of '
                                                                      'the tables>'')';
    ELSIF NOT EXISTS (SELECT FROM pg_roles r
        WHERE r.rolname = current_user AND (r.rolsuper OR r.rolcreaterole)) THEN
        RAISE EXCEPTION 'permission denied to create an actor'
            USING ERRCODE = 'insufficient_privilege',
                DETAIL = format('Role "%s" is neither a superuser nor has it CREATEROLE.', current_user),
                  HINT = format('Ask a superuser for: SELECT * FROM asymm.create_actor(%L, %L)', v_name,
                      v_owner);
    END IF;
    -- Neither the owner nor a role that exists already may bring powers along; they are never taken away
    -- here.
    SELECT string_agg(CASE WHEN p.power = p.carrier THEN format('"%s" is a member of "%s"', w.name, p.carrier)
                           WHEN p.carrier = w.name THEN format('"%s" has the power %s', w.name, p.power)
                           ELSE format('"%s" is a member of "%s", which has the power %s', w.name, p.carrier,
                               p.power) END, '; ')
      INTO v_powers
      FROM (VALUES (v_owner), (v_name)) AS w (name) CROSS JOIN LATERAL asymm._role_powers(w.name) AS p;
    SELECT string_agg(DISTINCT format('"%s" is a member of "%s"', v_name, g.rolname), '; ') INTO v_others
      FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid JOIN pg_roles g ON g.oid = m.roleid
     WHERE r.rolname = v_name AND g.rolname NOT IN (v_owner, 'asymm_operator', 'asymm_pulse', 'asymm_reader');
    IF v_powers IS NOT NULL OR v_others IS NOT NULL THEN
        RAISE EXCEPTION 'role "%" is unfit to be the actor', v_name
            USING ERRCODE = 'SY003', DETAIL = concat_ws('; ', v_powers, v_others) || '.',
                  HINT = 'Choose another name, or an owner without powers of its own; an actor belongs to '
                         'one owner.';
    END IF;

    FOR statement, result IN
        SELECT s.statement, CASE WHEN s.needed THEN 'done' ELSE 'already so' END
            FROM asymm._actor_statements(v_name, v_owner) AS s
    LOOP
        IF result = 'done' THEN
            EXECUTE statement;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm.create_actor(name, name) IS 'Makes the login the pulse runs as: no powers, member of one owner and of asymm_pulse, no time-outs in this database; returns each statement and whether it was needed.';

-- api/806_pause.sql
-- pause() and resume(): the switch for healing. Noticing goes on while healing is paused.

CREATE OR REPLACE FUNCTION asymm._healing()
    RETURNS TABLE (healing text, cause text, changed_by name, changed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN p.reason IS NULL THEN 'on' ELSE 'paused' END, p.reason, c.paused_by, c.changed_at
      FROM asymm.control c CROSS JOIN LATERAL (SELECT asymm._healing_paused()) AS p (reason)
$$;
COMMENT ON FUNCTION asymm._healing() IS 'Whether healing is on or paused, why, by whom and since when.';

CREATE OR REPLACE FUNCTION asymm.pause(reason text)
    RETURNS TABLE (healing text, cause text, changed_by name, changed_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE asymm.control SET paused = asymm._require_text($1, 'reason'), paused_by = asymm._caller(),
        changed_at = clock_timestamp();
    RETURN QUERY SELECT * FROM asymm._healing();
END
$$;
COMMENT ON FUNCTION asymm.pause(text) IS 'Pauses healing with a reason; drift is still noticed and proposed. asymm.resume() ends it.';

CREATE OR REPLACE FUNCTION asymm.resume()
    RETURNS TABLE (healing text, cause text, changed_by name, changed_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    -- After a restore or clone the declarations name objects whose addresses changed: find them again first.
    PERFORM asymm._rebuild_members();
    UPDATE asymm.control SET paused = NULL, paused_by = asymm._caller(), changed_at = clock_timestamp(),
        place = asymm._place();
    RETURN QUERY SELECT * FROM asymm._healing();
END
$$;
COMMENT ON FUNCTION asymm.resume() IS 'Ends a pause, also the one after a restore or clone: this place is now where healing is allowed.';

-- api/808_period.sql
-- The period: 54/11 beats a second unless configured.

CREATE OR REPLACE FUNCTION asymm._period(lane text DEFAULT 'fast') RETURNS double precision
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- An interval holds microseconds; the default stands for exactly 11/54 s. A cycle of the slow lane is
    -- ten beats.
    SELECT CASE WHEN s.period = d.period THEN 11.0::float8 / 54 ELSE EXTRACT(epoch FROM s.period)::float8 END
           * CASE $1 WHEN 'slow' THEN 10 ELSE 1 END
      FROM asymm.settings s CROSS JOIN asymm._setting_default d
$$;
COMMENT ON FUNCTION asymm._period(text) IS 'Seconds between two beats of a lane.';

-- api/810_organs.sql
-- Organs: what the lanes run. Adding a check means adding a function and a row.

INSERT INTO asymm.organ (name, lane, regime, cadence, function, purpose) VALUES
    ('sense', 'fast', 'stabilization', '0', '_process_ddl',
        'reads the DDL log and compares what it names with the baseline'),
    ('header_scan', 'slow', 'stabilization', '10 s', '_scan_headers',
        'compares catalog row headers: finds what event triggers miss'),
    ('full_scan', 'slow', 'stabilization', '1 min', '_scan_all', 'fingerprints every watched object'),
    ('housekeeping', 'slow', 'stabilization', '5 min', '_housekeep',
        'removes what is older than its retention')
ON CONFLICT (name) DO UPDATE
   SET lane = EXCLUDED.lane, regime = EXCLUDED.regime, cadence = EXCLUDED.cadence,
       function = EXCLUDED.function, purpose = EXCLUDED.purpose;
INSERT INTO asymm.organ_state (name) SELECT o.name FROM asymm.organ o ON CONFLICT DO NOTHING;

-- What is in force: the operator's choice, else the settings for the two scans, else the organ's own cadence.
CREATE OR REPLACE VIEW asymm._organ_in_force AS
    SELECT o.name, o.lane, o.regime, o.function, o.purpose, COALESCE(s.enabled, true) AS enabled,
           COALESCE(s.cadence, CASE o.name WHEN 'header_scan' THEN g.header_scan_every
               WHEN 'full_scan' THEN g.full_scan_every END,
                    o.cadence) AS cadence,
           CASE o.regime WHEN 'exploration' THEN g.weight_exploration
               WHEN 'optimization' THEN g.weight_optimization
                ELSE g.weight_stabilization END AS weight,
           t.recent_ms * power(0.5::float8, LEAST(1000, GREATEST(0,
               EXTRACT(epoch FROM clock_timestamp() - t.recent_at)::float8 / 600))) AS recent_ms,
           t.due_at, t.failures_in_row
      FROM asymm.organ o
      JOIN asymm.organ_state t ON t.name = o.name
      LEFT JOIN asymm.organ_setting s ON s.name = o.name
     CROSS JOIN asymm.settings g;
COMMENT ON VIEW asymm._organ_in_force IS 'Each organ with the cadence, switch and regime weight in force.';

CREATE OR REPLACE VIEW asymm.organs AS
    SELECT f.name, f.lane, f.regime, f.cadence, f.enabled, t.runs, t.failures, t.failures_in_row,
        t.last_run_at, t.last_ms,
           t.total_ms / NULLIF(t.runs, 0) AS mean_ms, t.total_ms,
           t.total_ms / NULLIF(sum(t.total_ms) OVER (), 0) AS share,
           NULLIF(t.due_at, '-infinity') AS due_at, t.last_error, f.purpose
      FROM asymm._organ_in_force f JOIN asymm.organ_state t ON t.name = f.name
     ORDER BY f.lane, f.name;
COMMENT ON VIEW asymm.organs IS 'Recurring jobs: lane, regime, cadence, running cost in milliseconds, share of all working time, failures.';

CREATE OR REPLACE FUNCTION asymm.configure_organ(name text, enabled boolean DEFAULT NULL,
    cadence interval DEFAULT NULL)
RETURNS SETOF asymm.organs
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name text := asymm._require_text($1, 'name');
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.organ o WHERE o.name = v_name) THEN
        RAISE EXCEPTION 'organ "%" does not exist', v_name
            USING ERRCODE = 'undefined_object',
                  DETAIL = format('The organs are: %s.', (SELECT string_agg(o.name, ', ' ORDER BY o.name)
                      FROM asymm.organ o)),
                  HINT = 'SELECT name, purpose FROM asymm.organs';
    ELSIF $3 IS NOT NULL AND NOT $3 BETWEEN '0' AND '30 days' THEN
        RAISE EXCEPTION 'cadence % is out of range', $3
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = 'A cadence lies between 0 (every beat of its lane) and 30 days.',
                  HINT = format('SELECT * FROM asymm.configure_organ(%L, cadence => ''10 s'')', v_name);
    END IF;
    INSERT INTO asymm.organ_setting AS s (name, enabled, cadence) VALUES (v_name, COALESCE($2, true), $3)
    ON CONFLICT ON CONSTRAINT organ_setting_pkey
    DO UPDATE SET enabled = COALESCE($2, s.enabled), cadence = COALESCE($3, s.cadence);
    UPDATE asymm.organ_state t SET due_at = LEAST(t.due_at, clock_timestamp())
        WHERE t.name = v_name AND $3 IS NOT NULL;
    RETURN QUERY SELECT * FROM asymm.organs o WHERE o.name = v_name;
END
$$;
COMMENT ON FUNCTION asymm.configure_organ(text, boolean, interval) IS 'Switches an organ on or off or changes its cadence (0 = every beat of its lane); NULL leaves as it is.';

-- The organs of every beat. A failed one waits for its back-off.
CREATE OR REPLACE FUNCTION asymm._beat_organs(lane text) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(array_agg(o.name ORDER BY o.name), '{}')
      FROM asymm.organ o
      JOIN asymm.organ_state t ON t.name = o.name
      LEFT JOIN asymm.organ_setting s ON s.name = o.name
     WHERE o.lane = $1 AND COALESCE(s.enabled, true) AND COALESCE(s.cadence, o.cadence) = '0'
       AND t.due_at <= clock_timestamp()
$$;
COMMENT ON FUNCTION asymm._beat_organs(text) IS 'Organs a lane runs every beat.';

CREATE OR REPLACE FUNCTION asymm._claim_organ(lane text) RETURNS text
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Of what is due, the regime furthest below its weight goes first; another actor's loop skips what is
    -- claimed.
    WITH used AS (SELECT f.regime, sum(f.recent_ms) AS ms FROM asymm._organ_in_force f
        WHERE f.lane = $1 GROUP BY f.regime),
    due AS (
        SELECT t.name, f.cadence
          FROM asymm.organ_state t JOIN asymm._organ_in_force f ON f.name = t.name
              JOIN used u ON u.regime = f.regime
         WHERE f.lane = $1 AND f.enabled AND f.cadence > '0' AND t.due_at <= clock_timestamp()
         ORDER BY u.ms / NULLIF(f.weight, 0) NULLS LAST, t.due_at, t.name
         LIMIT 1
           FOR UPDATE OF t SKIP LOCKED
    )
    UPDATE asymm.organ_state t
       SET due_at = clock_timestamp() + d.cadence, last_run_at = clock_timestamp()
      FROM due d WHERE t.name = d.name
    RETURNING t.name
$$;
COMMENT ON FUNCTION asymm._claim_organ(text) IS 'Takes the next due organ of a lane by regime weights, or NULL.';

CREATE OR REPLACE FUNCTION asymm._organ_ran(names text[], runs integer[], ms double precision[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE asymm.organ_state t
       SET runs = t.runs + r.runs, failures_in_row = 0, last_ms = r.ms / r.runs, total_ms = t.total_ms + r.ms,
           last_run_at = clock_timestamp(), recent_at = clock_timestamp(),
           recent_ms = r.ms + t.recent_ms * power(0.5::float8, LEAST(1000, GREATEST(0,
               EXTRACT(epoch FROM clock_timestamp() - t.recent_at)::float8 / 600)))
      FROM unnest($1, $2, $3) AS r (name, runs, ms)
     WHERE t.name = r.name AND r.runs > 0 AND r.ms >= 0;
END
$$;
COMMENT ON FUNCTION asymm._organ_ran(text[], integer[], double precision[]) IS 'Books runs and working time of organs that went well.';

CREATE OR REPLACE FUNCTION asymm._organ_failed(name text, ms double precision, error jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Back-off: period × 1, 2, 4, 8, 16, then the organ's own cadence if that is longer; always with jitter,
    -- since equal delays would bring loops into step.
    UPDATE asymm.organ_state t
       SET runs = t.runs + 1, failures = t.failures + 1, failures_in_row = t.failures_in_row + 1,
           last_ms = $2, total_ms = t.total_ms + GREATEST($2, 0), recent_ms = f.recent_ms + GREATEST($2, 0),
           recent_at = clock_timestamp(), last_run_at = clock_timestamp(),
           last_error = $3 || jsonb_build_object('at', clock_timestamp()),
           due_at = clock_timestamp() + (1 + random() / 2)
                    * CASE WHEN t.failures_in_row < 5 THEN asymm._period() * power(2, t.failures_in_row)
                           ELSE GREATEST(asymm._period() * 16, EXTRACT(epoch
                               FROM f.cadence)::float8) END * interval '1 s'
      FROM asymm._organ_in_force f
     WHERE f.name = $1 AND t.name = f.name
$$;
COMMENT ON FUNCTION asymm._organ_failed(text, double precision, jsonb) IS 'Books a failure of an organ and backs it off.';

-- api/812_housekeep.sql
-- Housekeeping: what is older than its retention goes, in small bites.

CREATE OR REPLACE FUNCTION asymm._purge() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM asymm.beat_summary WHERE at < clock_timestamp() - interval '1 hour';
    DELETE FROM asymm.drift_record WHERE id IN (
        SELECT d.id FROM asymm.drift_record d CROSS JOIN asymm.settings s
         WHERE d.state <> 'open' AND COALESCE(d.resolved_at,
             d.noticed_at) < clock_timestamp() - s.retention LIMIT 10000);
    DELETE FROM asymm.action WHERE id IN (
        SELECT a.id FROM asymm.action a CROSS JOIN asymm.settings s
         WHERE a.state NOT IN ('proposed', 'approved', 'applying', 'reverting')
           AND a.changed_at < clock_timestamp() - s.retention
           AND NOT EXISTS (SELECT FROM asymm.drift_record d
               WHERE d.action_id = a.id AND d.state = 'open') LIMIT 10000);
    DELETE FROM asymm.ddl_log WHERE id IN (
        SELECT l.id FROM asymm.ddl_log l CROSS JOIN asymm.settings s
         WHERE l.seen AND l.at < clock_timestamp() - s.retention
           AND NOT EXISTS (SELECT FROM asymm.drift_record d
               WHERE d.ddl_log_id = l.id AND d.state = 'open') LIMIT 10000);
$$;
COMMENT ON FUNCTION asymm._purge() IS 'Removes resolved drift, finished actions and log rows older than the retention, and beat summaries older than an hour.';

CREATE OR REPLACE FUNCTION asymm._housekeep() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._purge();
    -- pg_cron keeps a row per run for ever; each role sees and deletes only its own.
    IF to_regclass('cron.job_run_details') IS NOT NULL AND has_schema_privilege('cron', 'USAGE') THEN
        EXECUTE 'DELETE FROM cron.job_run_details'
                ' WHERE username = current_user AND command LIKE ''%asymm.%'' AND end_time < '
                                                                      'clock_timestamp() - interval ''1 '
                                                                      'day''';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._housekeep() IS 'Organ: removes what is older than its retention, and pg_cron''s records of our jobs after a day.';

-- api/814_lease.sql
-- One loop per (actor, lane). The lease is a row with pid and start time of a session; it holds while that
-- session lives. An advisory lock would not do: any login could hold it for ever.

CREATE OR REPLACE FUNCTION asymm._alive(pid integer, backend_start timestamptz) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = $1 AND a.backend_start = $2)
$$;
COMMENT ON FUNCTION asymm._alive(integer, timestamptz) IS 'True while this session lives; a number given to another process later does not count.';

CREATE OR REPLACE FUNCTION asymm._take_lease(
    lane text, forced boolean, run_at timestamptz, run_stops bigint,
    OUT wait double precision, OUT ends text, OUT stops bigint, OUT version text, OUT anchor timestamptz,
    OUT period double precision, OUT seq bigint, OUT beat_at timestamptz, OUT clock_jump interval)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_me record;
    v_old asymm.pulse_state;
    v_now timestamptz := clock_timestamp();
    v_gap double precision;
BEGIN
    -- The login itself, not a role somebody with more rights put on and could take off again.
    PERFORM pg_stat_clear_snapshot();
    SELECT a.usename, a.backend_start INTO v_me FROM pg_stat_activity a WHERE a.pid = pg_backend_pid();
    IF v_me.usename <> session_user OR asymm._caller() <> session_user THEN
        RAISE EXCEPTION 'the pulse runs as the login itself'
            USING ERRCODE = 'SY003',
                  DETAIL = format('The session logged in as "%s" and acts as "%s".', v_me.usename,
                      asymm._caller()),
                  HINT = format('Connect as "%s" without SET ROLE or SET SESSION AUTHORIZATION.',
                      asymm._caller());
    END IF;
    INSERT INTO asymm.pulse_state (actor, lane) SELECT session_user, $1
     WHERE NOT EXISTS (SELECT FROM asymm.pulse_state s WHERE s.actor = session_user AND s.lane = $1)
    ON CONFLICT DO NOTHING;
    SELECT s.* INTO v_old FROM asymm.pulse_state s
     WHERE s.actor = session_user AND s.lane = $1 FOR UPDATE SKIP LOCKED;
    wait := 0.05;
    IF NOT FOUND THEN
        stops := $4;
        RETURN;
    END IF;
    stops := COALESCE($4, v_old.stops);
    anchor := v_old.anchor;
    IF v_old.stops > stops THEN
        ends := 'stopped';
        RETURN;
    ELSIF v_old.pid <> pg_backend_pid() AND asymm._alive(v_old.pid, v_old.backend_start) THEN
        -- Half-way between two ticks of the one that holds it, within a second.
        v_gap := EXTRACT(epoch FROM v_now - anchor)::float8 / v_old.period - 0.5;
        wait := LEAST(1, GREATEST(0.01, (floor(v_gap) + 1 - v_gap) * v_old.period));
        RETURN;
    END IF;

    PERFORM asymm._check_actor(session_user, forced);
    wait := NULL;
    version := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'asymmetrica');
    period := asymm._period($1);
    seq := v_old.seq;
    beat_at := v_old.beat_at;
    v_gap := EXTRACT(epoch FROM v_now - beat_at)::float8;
    IF anchor IS NULL OR v_old.period IS DISTINCT FROM period THEN
        anchor := v_now - seq * period * interval '1 s';
    ELSIF v_gap < -1 THEN
        -- The clock was set back while no loop ran: the numbers go on from where they were.
        clock_jump := v_now - beat_at;
        anchor := v_now - seq * period * interval '1 s';
        beat_at := NULL;
    END IF;
    UPDATE asymm.pulse_state s
       SET pid = pg_backend_pid(), backend_start = v_me.backend_start, run_at = $3,
           run_stops = _take_lease.stops,
           anchor = _take_lease.anchor, period = _take_lease.period, version = _take_lease.version,
           clock_jumps = s.clock_jumps + (_take_lease.clock_jump IS NOT NULL)::integer
     WHERE s.actor = session_user AND s.lane = $1;
    -- Ticks after a stop, or of a time when the server was down for long, are not "missed".
    IF v_gap > 300 OR v_old.stops > v_old.run_stops THEN
        beat_at := NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._take_lease(text, boolean, timestamptz, bigint) IS 'Makes this session the one loop of its login and lane; wait: seconds until to ask again because another is alive; beat_at is NULL when ticks since then are not to be counted as missed.';

CREATE OR REPLACE FUNCTION asymm._beat_begin(
    lane text, version text, look boolean, OUT ends text, OUT notify text, OUT organs text[],
        OUT due boolean, OUT again boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    -- PL/pgSQL keeps its plans from one transaction to the next; an SQL function would be planned every beat.
    SELECT CASE WHEN s.pid IS DISTINCT FROM pg_backend_pid() THEN 'lost'
                WHEN s.stops > s.run_stops THEN 'stopped'
                WHEN $2 IS DISTINCT FROM (SELECT e.extversion FROM pg_extension e
                    WHERE e.extname = 'asymmetrica')
                    THEN 'version' END
      INTO ends FROM asymm.pulse_state s WHERE s.actor = session_user AND s.lane = $1;
    IF NOT FOUND THEN
        ends := 'lost';
    END IF;
    due := false;
    IF look THEN
        SELECT COALESCE(array_agg(f.name ORDER BY f.name) FILTER (WHERE f.cadence = '0'
            AND f.due_at <= clock_timestamp()), '{}'),
               COALESCE(bool_or(f.cadence > '0' AND f.due_at <= clock_timestamp()), false),
                   COALESCE(bool_or(f.failures_in_row > 0), false)
          INTO organs, due, again
          FROM asymm._organ_in_force f WHERE f.lane = $1 AND f.enabled;
    END IF;
    SELECT g.notify INTO notify FROM asymm.setting g;
    notify := COALESCE(notify, 'change');
END
$$;
COMMENT ON FUNCTION asymm._beat_begin(text, text, boolean) IS 'What a loop asks first: must it end (lost, stopped, version), who is told; with look also which organs run every beat and whether another is due, and whether to look again at once because one fails.';

CREATE OR REPLACE FUNCTION asymm._record_beat(
    lane text, seq bigint, beat_at timestamptz, open bigint[], anchor timestamptz, idle boolean)
        RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE asymm.pulse_state s
       SET seq = $2, beat_at = $3, anchor = $5, missed = s.missed + $4[1], skipped = s.skipped + $4[2],
           clock_jumps = s.clock_jumps + $4[3]
     WHERE s.actor = session_user AND s.lane = $1 AND s.pid = pg_backend_pid() AND s.seq < $2
         AND 0 <= ALL ($4);
    -- An idle beat need not wait for the disk: its number follows from the clock anyway.
    RETURN FOUND AND (NOT idle OR set_config('synchronous_commit', 'off', true) = 'off');
END
$$;
COMMENT ON FUNCTION asymm._record_beat(text, bigint, timestamptz, bigint[], timestamptz, boolean) IS 'The one write of an idle beat: number, time and what else happened (missed, skipped, clock jumps) into the row of this loop.';

CREATE OR REPLACE FUNCTION asymm._record_cycle(
    lane text, missed bigint, intervals_ms real[], work_ms real[], clock_jump interval,
    organs text[], runs integer[], ms double precision[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO asymm.beat_summary (actor, lane, beats, missed, intervals_ms, work_ms, clock_jump)
    SELECT session_user, $1, cardinality($4), $2, $3, $4, $5
      FROM asymm.pulse_state s
     WHERE s.actor = session_user AND s.lane = $1 AND s.pid = pg_backend_pid()
       AND cardinality($4) BETWEEN 1 AND 1000 AND cardinality($3) <= 1000 AND $2 BETWEEN 0 AND 2147483647;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM asymm._organ_ran(organs, runs, ms);
    RETURN true;
END
$$;
COMMENT ON FUNCTION asymm._record_cycle(text, bigint, real[], real[], interval, text[], integer[], double precision[]) IS 'A summary of about ten beats, and the cost of their organs.';

CREATE OR REPLACE FUNCTION asymm._end_run(
    lane text, missed bigint, intervals_ms real[], work_ms real[], clock_jump interval,
    organs text[], runs integer[], ms double precision[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM asymm._record_cycle($1, $2, $3, $4, $5, $6, $7, $8);
    UPDATE asymm.pulse_state s SET pid = NULL, backend_start = NULL
     WHERE s.actor = session_user AND s.lane = $1 AND s.pid = pg_backend_pid();
    RETURN FOUND;
EXCEPTION WHEN lock_not_available THEN
    -- Somebody holds the row: a lease without a living session is free all the same.
    RETURN false;
END
$$;
COMMENT ON FUNCTION asymm._end_run(text, bigint, real[], real[], interval, text[], integer[], double precision[]) IS 'Records the rest of a run and gives the lease back, so that a queued loop takes over at once.';

-- api/818_beat.sql
-- The pieces of a beat, and beat() and cycle() by hand. The loop commits between the pieces; by hand all
-- happens in the caller's transaction.

CREATE OR REPLACE FUNCTION asymm._run_organ(organ text, OUT seen jsonb, OUT ms double precision,
    OUT error jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_start timestamptz := clock_timestamp();
    v_function name := (SELECT o.function FROM asymm.organ o WHERE o.name = organ);
    v_state text;
    v_message text;
    v_detail text;
    v_context text;
BEGIN
    -- A failing organ is undone alone; it never stops the beat.
    BEGIN
        IF v_function = '_process_ddl' THEN
            seen := asymm._process_ddl();      -- every beat: its plan is kept
        ELSE
            EXECUTE format('SELECT asymm.%I()', v_function) INTO seen;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT,
            v_detail = PG_EXCEPTION_DETAIL,
                                v_context = PG_EXCEPTION_CONTEXT;
        seen := NULL;
        error := jsonb_build_object('sqlstate', v_state, 'message', v_message, 'detail', NULLIF(v_detail, ''),
                                    'context', left(v_context, 1000));
    END;
    ms := EXTRACT(epoch FROM clock_timestamp() - v_start)::float8 * 1000;
    IF error IS NOT NULL THEN
        PERFORM asymm._organ_failed(organ, ms, error);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._run_organ(text) IS 'Runs one organ in a subtransaction: what it found, milliseconds, and its error if it failed (booked, backed off).';

CREATE OR REPLACE FUNCTION asymm._merge_reports(a jsonb, b jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN a IS NULL THEN b WHEN b IS NULL THEN a ELSE jsonb_build_object(
        'objects', (SELECT COALESCE(jsonb_agg(DISTINCT o.value), '[]')
                      FROM jsonb_array_elements(COALESCE(a -> 'objects', '[]') || COALESCE(b -> 'objects',
                          '[]')) AS o),
        'drifts', COALESCE((a ->> 'drifts')::bigint, 0) + COALESCE((b ->> 'drifts')::bigint, 0),
        'adopted', COALESCE((a ->> 'adopted')::bigint, 0) + COALESCE((b ->> 'adopted')::bigint, 0),
        'actions', COALESCE((a ->> 'actions')::bigint, 0) + COALESCE((b ->> 'actions')::bigint, 0)) END
$$;
COMMENT ON FUNCTION asymm._merge_reports(jsonb, jsonb) IS 'Joins what two organs found.';

CREATE OR REPLACE FUNCTION asymm._beat_report(lane text, seq bigint, beat_at timestamptz, seen jsonb,
    applied jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'seq', $2, 'at', $3, 'actor', asymm._caller(), 'lane', $1,
        'objects', COALESCE($4 -> 'objects', '[]'), 'drifts', COALESCE($4 -> 'drifts', '0'),
        'adopted', COALESCE($4 -> 'adopted', '0'), 'proposals', COALESCE($4 -> 'actions', '0'),
        'actions', COALESCE($5, '[]'))
$$;
COMMENT ON FUNCTION asymm._beat_report(text, bigint, timestamptz, jsonb, jsonb) IS 'What a beat tells: its number and time, objects looked at, differences found, changes adopted, actions proposed and run.';

CREATE OR REPLACE FUNCTION asymm._announce(report jsonb) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A payload stays below 8000 bytes; a longer one keeps the counts and says that the lists were cut.
    SELECT pg_notify('asymm_pulse', CASE WHEN octet_length(report::text) < 7900 THEN report::text
        ELSE (report || jsonb_build_object('objects', '[]'::jsonb, 'actions', '[]'::jsonb, 'cut', true,
                                           'objects_count', jsonb_array_length(report -> 'objects'),
                                           'actions_count',
                                               jsonb_array_length(report -> 'actions')))::text END)
$$;
COMMENT ON FUNCTION asymm._announce(jsonb) IS 'NOTIFY asymm_pulse with a beat''s report.';

CREATE OR REPLACE FUNCTION asymm._apply_claimed(action bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._apply_action(action);
EXCEPTION WHEN OTHERS THEN
    -- _apply_action() books failures of the repair itself; what arrives here is a failure around it.
    PERFORM asymm._recover_actions();
    RETURN jsonb_build_object('action', action, 'state', 'failed', 'sqlstate', SQLSTATE, 'message', SQLERRM);
END
$$;
COMMENT ON FUNCTION asymm._apply_claimed(bigint) IS 'Runs a claimed action; never raises.';

CREATE OR REPLACE FUNCTION asymm._run_claimed(organ text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ran record := asymm._run_organ(organ);
BEGIN
    IF v_ran.error IS NULL THEN
        PERFORM asymm._organ_ran(ARRAY[organ], ARRAY[1], ARRAY[v_ran.ms]);
    END IF;
    RETURN v_ran.seen;
END
$$;
COMMENT ON FUNCTION asymm._run_claimed(text) IS 'Runs one organ and books it; returns what it found.';

CREATE OR REPLACE FUNCTION asymm._tell(
    notify text, lane text, seq bigint, beat_at timestamptz, seen jsonb, applied jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF notify = 'beat' OR notify = 'change' AND (seen IS NOT NULL OR applied IS NOT NULL) THEN
        PERFORM asymm._announce(asymm._beat_report(lane, seq, beat_at, seen, applied));
        RETURN true;
    END IF;
    RETURN false;
EXCEPTION WHEN OTHERS THEN
    -- A full queue of notifications must not end the loop.
    RAISE WARNING 'beat % was not announced: %', seq, SQLERRM;
    RETURN false;
END
$$;
COMMENT ON FUNCTION asymm._tell(text, text, bigint, timestamptz, jsonb, jsonb) IS 'Announces a beat if the settings want it.';

CREATE OR REPLACE FUNCTION asymm._recover_once(lane text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lane = 'fast' AND asymm._recover_actions() > 0;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'actions of a loop that died were not taken back: %', SQLERRM;
    RETURN false;
END
$$;
COMMENT ON FUNCTION asymm._recover_once(text) IS 'At the start of a run: takes back actions whose loop died; never raises.';

CREATE OR REPLACE FUNCTION asymm._require_writable(what text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION '% cannot run on a standby', what
            USING ERRCODE = 'read_only_sql_transaction',
                DETAIL = 'This server is in recovery and writes nothing of its own.',
                  HINT = 'Run it on the primary; what it does is replicated.';
    ELSIF current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION '% cannot run in a read-only transaction', what
            USING ERRCODE = 'read_only_sql_transaction',
                DETAIL = 'The transaction is read-only (transaction_read_only = on).',
                  HINT = 'SET TRANSACTION READ WRITE, or ALTER ROLE … SET default_transaction_read_only = '
                         'off';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_writable(text) IS 'Raises 25006 on a standby and in a read-only transaction.';

CREATE OR REPLACE FUNCTION asymm._round(lane text, organs text[], act boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_at timestamptz := clock_timestamp();
    v_organ text;
    v_ran record;
    v_seen jsonb;
    v_applied jsonb;
    v_costs jsonb := '{}';
    v_errors jsonb := '{}';
    v_action bigint;
    v_notify text := (SELECT s.notify FROM asymm.settings s);
BEGIN
    FOREACH v_organ IN ARRAY organs LOOP
        SELECT * INTO v_ran FROM asymm._run_organ(v_organ);
        v_seen := asymm._merge_reports(v_seen, v_ran.seen);
        v_costs := v_costs || jsonb_build_object(v_organ, round(v_ran.ms::numeric, 3));
        IF v_ran.error IS NULL THEN
            PERFORM asymm._organ_ran(ARRAY[v_organ], ARRAY[1], ARRAY[v_ran.ms]);
        ELSE
            v_errors := v_errors || jsonb_build_object(v_organ, v_ran.error);
        END IF;
    END LOOP;
    WHILE act LOOP
        v_action := asymm._claim_action();
        EXIT WHEN v_action IS NULL;
        v_applied := COALESCE(v_applied, '[]') || asymm._apply_claimed(v_action);
    END LOOP;
    PERFORM asymm._tell(v_notify, lane, NULL, v_at, v_seen, v_applied);
    RETURN asymm._beat_report(lane, NULL, v_at, v_seen, v_applied) || jsonb_build_object('organs', v_costs,
        'errors', v_errors);
END
$$;
COMMENT ON FUNCTION asymm._round(text, text[], boolean) IS 'Runs organs and approved actions in the caller''s transaction and tells what happened.';

CREATE OR REPLACE FUNCTION asymm.beat() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_writable('asymm.beat()');
    RETURN asymm._round('fast', asymm._beat_organs('fast'), true);
END
$$;
COMMENT ON FUNCTION asymm.beat() IS 'One beat by hand: reads the DDL log, runs approved repairs the caller may run; returns objects, drifts, actions, milliseconds per organ.';

CREATE OR REPLACE FUNCTION asymm.cycle() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_writable('asymm.cycle()');
    RETURN asymm._round('slow', ARRAY(SELECT o.name FROM asymm.organs AS o
        WHERE o.lane = 'slow' AND o.enabled ORDER BY o.name), false);
END
$$;
COMMENT ON FUNCTION asymm.cycle() IS 'One slow round by hand: every enabled organ of the slow lane now, due or not; returns what they found and their milliseconds.';

-- api/820_sleep.sql
-- Sleeping, and what a session needs to run the loop.

CREATE OR REPLACE FUNCTION asymm._sleep(seconds double precision) RETURNS double precision
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_plan json;
BEGIN
    -- EXPLAIN measures with the monotonic clock, the only one in SQL that nobody can set: compared with
    -- clock_timestamp() it shows a clock that jumped, and a machine that was merely slow is not taken for
    -- one.
    FOR v_plan IN EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF, SUMMARY OFF,
        FORMAT JSON) SELECT pg_sleep(seconds) LOOP
        RETURN (v_plan -> 0 -> 'Plan' ->> 'Actual Total Time')::double precision / 1000;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._sleep(double precision) IS 'Sleeps and returns the seconds it took by the monotonic clock.';

CREATE OR REPLACE FUNCTION asymm._set_session(wanted jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_before jsonb := '{}';
    v_name text;
    v_value text;
BEGIN
    FOR v_name, v_value IN SELECT w.key, w.value FROM jsonb_each_text(wanted) AS w LOOP
        v_before := v_before || jsonb_build_object(v_name, current_setting(v_name));
        PERFORM set_config(v_name, v_value, false);
    END LOOP;
    RETURN v_before;
END
$$;
COMMENT ON FUNCTION asymm._set_session(jsonb) IS 'Changes settings of this session and returns what they were.';

CREATE OR REPLACE FUNCTION asymm._atomic_message() RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- A function may never commit: this is what Postgres says then, in the server's language.
    COMMIT;
    RETURN NULL;
EXCEPTION WHEN invalid_transaction_termination THEN
    RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION asymm._atomic_message() IS 'What Postgres says where no COMMIT is possible; tells a call within a transaction from one on its own.';

CREATE OR REPLACE FUNCTION asymm._refuse_atomic(message text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF message = asymm._atomic_message() THEN
        RAISE EXCEPTION 'asymm.pulse() cannot run in a transaction block or function'
            USING ERRCODE = 'invalid_transaction_termination',
                  DETAIL = 'It commits after every beat, so it has to be a statement of its own.',
                  HINT = 'CALL asymm.pulse() in autocommit mode; asymm.beat() does one beat within a '
                         'transaction.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._refuse_atomic(text) IS 'Raises 2D000 if this is what Postgres says where no COMMIT is possible.';

CREATE OR REPLACE FUNCTION asymm._loop_session(lane text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('application_name', 'asymmetrica pulse ' || lane, 'lock_timeout', '50ms',
        'jit', 'off',
        'default_transaction_read_only', 'off', 'default_transaction_isolation', 'read committed')
$$;
COMMENT ON FUNCTION asymm._loop_session(text) IS 'Settings of a session that runs the loop.';

CREATE OR REPLACE FUNCTION asymm._check_pulse(duration interval, lane text, forced boolean, wait boolean)
    RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name text;
    v_ms integer;
BEGIN
    IF num_nulls(duration, lane, forced, wait) > 0 THEN
        RAISE EXCEPTION 'argument "%" is null', CASE WHEN duration IS NULL THEN 'duration'
            WHEN lane IS NULL THEN 'lane'
                                                     WHEN forced IS NULL THEN 'forced' ELSE 'wait' END
            USING ERRCODE = 'null_value_not_allowed', DETAIL = 'No argument of asymm.pulse() may be null.',
                HINT = 'CALL asymm.pulse()';
    ELSIF NOT duration BETWEEN '100 ms' AND '1 day' THEN
        RAISE EXCEPTION 'duration % is out of range', duration
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A run lasts from 100 ms to 1 day.',
                HINT = 'CALL asymm.pulse(duration => ''65 s'')';
    ELSIF lane NOT IN ('fast', 'slow') THEN
        RAISE EXCEPTION 'lane "%" does not exist', lane
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'The lanes are fast and slow.',
                HINT = 'CALL asymm.pulse(lane => ''fast'')';
    END IF;
    PERFORM asymm._require_writable('asymm.pulse()');
    FOREACH v_name IN ARRAY ARRAY['statement_timeout', 'transaction_timeout'] LOOP
        SELECT s.setting::integer INTO v_ms FROM pg_settings AS s WHERE s.name = v_name;
        IF v_ms > 0 AND v_ms * interval '1 ms' <= duration THEN
            RAISE EXCEPTION 'a % of % ms would end the pulse', v_name, v_ms
                USING ERRCODE = 'SY006', DETAIL = format('The pulse is one statement of %s; the time-out '
                                                         'was already running when it began.', duration),
                      HINT = format('ALTER ROLE %I IN DATABASE %I SET %I = 0, then connect again',
                          session_user, current_database(), v_name);
        END IF;
    END LOOP;
    PERFORM asymm._check_actor(session_user, forced);
END
$$;
COMMENT ON FUNCTION asymm._check_pulse(interval, text, boolean, boolean) IS 'Raises unless the pulse can run with these arguments, in this session, on this server.';

-- api/822_pulse.sql
-- The loop. A procedure that commits can be neither SECURITY DEFINER nor carry SET clauses: it pins the
-- search path by its first statement and only calls functions that pin theirs. COMMIT is not possible within
-- an EXCEPTION block, so work that may fail stands in blocks and the COMMITs between them.

CREATE OR REPLACE PROCEDURE asymm.pulse(
    duration interval DEFAULT '65 s', lane text DEFAULT 'fast', forced boolean DEFAULT false,
    wait boolean DEFAULT true)
LANGUAGE plpgsql
AS $$
#variable_conflict use_variable
DECLARE
    v_path text := pg_catalog.current_setting('search_path');
    v_run_at timestamptz := pg_catalog.clock_timestamp();
    v_session jsonb;
    v_done boolean;
    v_end timestamptz;
    v_lease record;
    v_begin record;
    v_ran record;
    v_ends text;
    -- the grid of ticks
    v_anchor timestamptz;
    v_period double precision;
    v_seq bigint;
    v_tick bigint;
    v_next timestamptz;
    v_wait double precision;
    v_slept double precision;
    v_now timestamptz;
    v_woke timestamptz;
    v_jump double precision;
    -- this beat
    v_last timestamptz;
    v_look boolean;
    v_names text[];
    v_seen jsonb;
    v_applied jsonb;
    v_organ text;
    v_action bigint;
    v_idle boolean;
    v_place integer;
    -- not recorded yet: the state row was locked, or the cycle is not full
    v_open bigint[] := '{0,0,0}';       -- missed, skipped, clock jumps
    v_missed bigint := 0;
    v_moved interval;
    v_intervals real[] := '{}';
    v_works real[] := '{}';
    v_organs text[] := '{}';
    v_runs integer[] := '{}';
    v_ms double precision[] := '{}';
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);
    BEGIN
        COMMIT;
    EXCEPTION WHEN invalid_transaction_termination THEN
        PERFORM asymm._refuse_atomic(SQLERRM);
    END;
    PERFORM asymm._check_pulse(duration, lane, forced, wait);
    v_end := v_run_at + duration;
    v_session := asymm._set_session(asymm._loop_session(lane));
    COMMIT;

    -- Wait for the lease, looking half-way between two ticks: so none is lost when it comes free.
    SELECT NULL::bigint AS stops INTO v_lease;
    LOOP
        BEGIN
            v_lease := asymm._take_lease(lane, forced, v_run_at, v_lease.stops);
            v_wait := v_lease.wait;
            v_ends := COALESCE(v_lease.ends, CASE WHEN NOT wait AND v_wait IS NOT NULL THEN 'busy' END);
        EXCEPTION WHEN lock_not_available THEN
            v_wait := 0.2;
        END;
        COMMIT;
        EXIT WHEN v_wait IS NULL OR v_ends IS NOT NULL;
        v_now := clock_timestamp();
        v_ends := CASE WHEN v_now >= v_end THEN 'duration' END;
        EXIT WHEN v_ends IS NOT NULL;
        BEGIN
            v_slept := asymm._sleep(LEAST(v_wait, EXTRACT(epoch FROM v_end - v_now)::float8));
            v_jump := EXTRACT(epoch FROM clock_timestamp() - v_now)::float8 - v_slept;
            v_end := v_end + CASE WHEN abs(v_jump) > 1.1 THEN v_jump ELSE 0 END * interval '1 s';
        EXCEPTION WHEN query_canceled THEN
            v_ends := 'canceled';
        END;
        COMMIT;
        EXIT WHEN v_ends IS NOT NULL;
    END LOOP;

    IF v_ends IS NULL THEN
        v_anchor := v_lease.anchor;
        v_period := v_lease.period;
        v_seq := v_lease.seq;
        v_last := v_lease.beat_at;
        v_moved := v_lease.clock_jump;
        v_done := asymm._recover_once(lane);
        COMMIT;
    END IF;

    WHILE v_ends IS NULL LOOP
        -- Sleep until the next tick, a second at most at a time. The run ends right after a beat, so that its
        -- successor has a whole period to start in; only with slow ticks it waits for its end.
        v_now := clock_timestamp();
        v_tick := GREATEST(floor(EXTRACT(epoch FROM v_now - v_anchor)::float8 / v_period)::bigint + 1,
            v_seq + 1);
        v_next := v_anchor + v_tick * v_period * interval '1 s';
        IF v_next > v_end AND (v_period < 3 OR v_now >= v_end) THEN
            v_ends := 'duration';
            EXIT;
        END IF;
        v_wait := LEAST(1, GREATEST(0, EXTRACT(epoch FROM LEAST(v_next, v_end) - v_now)::float8));
        BEGIN
            v_slept := asymm._sleep(v_wait);
        EXCEPTION WHEN query_canceled THEN
            v_slept := NULL;
        END;
        v_woke := clock_timestamp();
        v_jump := EXTRACT(epoch FROM v_woke - v_now)::float8 - COALESCE(v_slept, v_wait);
        IF abs(v_jump) > 1.1 THEN
            -- The clock jumped: the grid moves along, numbers and phase stay. No burst, no gap.
            v_anchor := v_anchor + v_jump * interval '1 s';
            v_next := v_next + v_jump * interval '1 s';
            v_end := v_end + v_jump * interval '1 s';
            v_last := v_last + v_jump * interval '1 s';
            v_moved := COALESCE(v_moved, '0') + v_jump * interval '1 s';
            v_open[3] := v_open[3] + 1;
        ELSIF v_slept IS NULL THEN
            v_ends := 'canceled';
            EXIT;
        END IF;

        v_seen := NULL;
        v_applied := NULL;
        v_action := NULL;
        v_idle := v_open[3] = 0;
        v_look := COALESCE(v_look, true) OR v_works = '{}' OR lane = 'slow';
        BEGIN
            v_begin := asymm._beat_begin(lane, v_lease.version, v_look);
            v_names := COALESCE(v_begin.organs, v_names);
            v_look := COALESCE(v_begin.again, false);
            IF COALESCE(v_begin.ends, 'version') = 'version' AND v_woke >= v_next THEN
                FOREACH v_organ IN ARRAY v_names LOOP
                    v_ran := asymm._run_organ(v_organ);
                    IF v_ran.seen IS NOT NULL THEN
                        v_seen := asymm._merge_reports(v_seen, v_ran.seen);
                        v_idle := false;
                    END IF;
                    IF v_ran.error IS NOT NULL THEN
                        v_look := true;
                        v_idle := false;
                        CONTINUE;
                    END IF;
                    v_place := COALESCE(array_position(v_organs, v_organ), cardinality(v_organs) + 1);
                    v_organs[v_place] := v_organ;
                    v_runs[v_place] := COALESCE(v_runs[v_place], 0) + 1;
                    v_ms[v_place] := COALESCE(v_ms[v_place], 0) + v_ran.ms;
                END LOOP;
                IF lane = 'fast' THEN
                    v_action := asymm._claim_action();
                END IF;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            v_seen := NULL;
            v_action := NULL;
            v_open[2] := v_open[2] + 1;
            v_ends := CASE WHEN to_regclass('asymm.pulse_state') IS NULL THEN 'dropped' END;
            SELECT NULL::text AS ends, 'change' AS notify, NULL::text[] AS organs, false AS due,
                true AS again INTO v_begin;
        END;
        v_ends := COALESCE(v_ends, v_begin.ends);
        EXIT WHEN v_ends <> 'version';
        IF v_woke < v_next THEN
            COMMIT;
            CONTINUE;
        END IF;

        WHILE v_begin.due LOOP
            v_organ := NULL;
            BEGIN
                v_organ := asymm._claim_organ(lane);
                IF v_organ IS NOT NULL THEN
                    v_idle := false;
                    v_seen := asymm._merge_reports(v_seen, asymm._run_claimed(v_organ));
                END IF;
            EXCEPTION WHEN OTHERS THEN
                v_open[2] := v_open[2] + 1;
                v_organ := NULL;
            END;
            COMMIT;
            EXIT WHEN v_organ IS NULL OR EXTRACT(epoch FROM clock_timestamp() - v_woke) >= v_period;
        END LOOP;

        -- What was found and what is claimed is on disk before anything is changed.
        WHILE v_action IS NOT NULL LOOP
            v_idle := false;
            COMMIT;
            BEGIN
                v_applied := COALESCE(v_applied, '[]') || asymm._apply_claimed(v_action);
            EXCEPTION WHEN OTHERS THEN
                v_open[2] := v_open[2] + 1;
            END;
            -- A repair may have run code of the owner (a default, a check), and that have changed this
            -- session.
            PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false),
                    pg_catalog.set_config('role', 'none', false),
                        pg_catalog.set_config('lock_timeout', '50ms', false);
            COMMIT;
            v_action := NULL;
            BEGIN
                IF EXTRACT(epoch FROM clock_timestamp() - v_woke) < v_period THEN
                    v_action := asymm._claim_action();
                END IF;
            EXCEPTION WHEN OTHERS THEN
                v_open[2] := v_open[2] + 1;
            END;
        END LOOP;

        IF NOT v_idle OR v_begin.notify = 'beat' THEN
            v_done := asymm._tell(v_begin.notify, lane, v_tick, v_woke, v_seen, v_applied);
        END IF;
        IF v_last IS NOT NULL THEN
            v_missed := v_missed + v_tick - v_seq - 1;
            v_open[1] := v_open[1] + v_tick - v_seq - 1;
            v_intervals := v_intervals || (EXTRACT(epoch FROM v_woke - v_last) * 1000)::real;
        END IF;
        v_last := v_woke;
        v_seq := v_tick;
        BEGIN
            v_done := asymm._record_beat(lane, v_seq, v_woke, v_open, v_anchor, v_idle);
            IF cardinality(v_works) >= 10 THEN
                v_done := asymm._record_cycle(lane, v_missed, v_intervals, v_works, v_moved, v_organs,
                    v_runs, v_ms);
                v_missed := 0;
                v_moved := NULL;
                v_intervals := '{}';
                v_works := '{}';
                v_organs := '{}';
                v_runs := '{}';
                v_ms := '{}';
            END IF;
            v_open := '{0,0,0}';
        EXCEPTION WHEN OTHERS THEN
            v_open[2] := v_open[2] + 1;
        END;
        COMMIT;
        v_works := v_works || (EXTRACT(epoch FROM clock_timestamp() - v_woke) * 1000)::real;
    END LOOP;

    IF v_ends <> 'dropped' THEN
        v_done := asymm._end_run(lane, v_missed, v_intervals, v_works, v_moved, v_organs, v_runs, v_ms);
        COMMIT;
        -- An update of the extension replaced this code: the rest of the run belongs to the new one.
        IF v_ends = 'version' AND v_end > clock_timestamp() + interval '100 ms' THEN
            CALL asymm.pulse(v_end - clock_timestamp(), lane, forced, wait);
            v_ends := 'duration';
        END IF;
        v_session := asymm._set_session(v_session);
    END IF;
    PERFORM set_config('asymm.pulse_ended', v_ends, false), set_config('search_path', v_path, false);
END
$$;
COMMENT ON PROCEDURE asymm.pulse(interval, text, boolean, boolean) IS 'The loop: a beat every 11/54 s for the given time, run by the actor itself; waits while another loop of this actor and lane is alive, or ends at once (wait => false). lane fast: drift and repair; lane slow: scans and housekeeping. forced allows other sessions of the actor.';

-- api/826_start.sql
-- start(): has pg_cron run the loops as the actor. INVOKER throughout: pg_cron lets a superuser schedule for
-- another role, and a role for itself; nobody else, and no SECURITY DEFINER function can stand in.

CREATE OR REPLACE FUNCTION asymm._job_name(kind text, actor name) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A job's name is of type name: 63 bytes.
    SELECT CASE WHEN octet_length(n.full_name) <= 63 THEN n.full_name
                ELSE format('asymmetrica %s %s', kind, md5(concat_ws(' ', current_database(), actor))) END
      FROM (SELECT format('asymmetrica %s %s %s', kind, current_database(), actor)) AS n (full_name)
$$;
COMMENT ON FUNCTION asymm._job_name(text, name) IS 'Name of a pg_cron job of an actor in this database.';

CREATE OR REPLACE FUNCTION asymm._cron_is_serial() RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- "1.4-1" and the like
    SELECT COALESCE((SELECT string_to_array(substring(a.default_version FROM '^\d+\.\d+'),
        '.')::integer[] < '{1,5}'
                       FROM pg_available_extensions a WHERE a.name = 'pg_cron'), false)
$$;
COMMENT ON FUNCTION asymm._cron_is_serial() IS 'True for pg_cron before 1.5, whose scheduler starts nothing while a background worker it started runs.';

CREATE OR REPLACE FUNCTION asymm._jobs_wanted(actor name, forced boolean DEFAULT false)
RETURNS TABLE (job_name text, schedule text, command text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- A run of 65 s every minute: when it ends the next one is due already, and pg_cron starts it at once.
    -- The jobs at start-up save the wait for the next minute. The watchdog wakes loops whose sleep outlasted
    -- a clock set back. Before 1.5 pg_cron notices the end of a job only after it has waited for all others
    -- that run, and may start those again first. Two jobs a lane take turns there: the one that did not run
    -- is free to start. The slow lane ends sooner than the fast one, so that it does not hold it up.
    SELECT asymm._job_name(j.kind, actor), j.schedule,
           CASE WHEN j.lane IS NULL THEN 'SELECT asymm._watchdog()'
                ELSE format('CALL asymm.pulse(duration => %L, lane => %L%s, wait => false)',
                            CASE j.lane WHEN 'fast' THEN '65 s' ELSE '64 s' END, j.lane,
                            CASE WHEN forced THEN ', forced => true' ELSE '' END) END
      FROM (VALUES (1, 'fast', 'fast', '* * * * *', false), (2, 'slow', 'slow', '* * * * *', false),
                   (3, 'fast 2', 'fast', '* * * * *', true), (4, 'slow 2', 'slow', '* * * * *', true),
                   (5, 'fast reboot', 'fast', '@reboot', false), (6, 'slow reboot', 'slow', '@reboot', false),
                   (7, 'watchdog', NULL, '* * * * *', false)) AS j (place, kind, lane, schedule, serial)
     WHERE NOT j.serial OR asymm._cron_is_serial()
     ORDER BY j.place
$$;
COMMENT ON FUNCTION asymm._jobs_wanted(name, boolean) IS 'The pg_cron jobs of an actor.';

CREATE OR REPLACE FUNCTION asymm._schedule_commands(actor name, forced boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format('SELECT cron.schedule_in_database(%L, %L, %L, %L, %L);', w.job_name, w.schedule,
        w.command, current_database(), actor), ' ')
      FROM asymm._jobs_wanted(actor, forced) AS w
$$;
COMMENT ON FUNCTION asymm._schedule_commands(name, boolean) IS 'Statements that schedule the jobs of an actor, to be run by a superuser in pg_cron''s database.';

CREATE OR REPLACE FUNCTION asymm._register(actor name) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
    IF asymm._caller() <> actor AND NOT EXISTS (SELECT FROM pg_roles r
        WHERE r.rolname = asymm._caller() AND r.rolsuper) THEN
        RAISE EXCEPTION 'permission denied to start actor "%"', actor
            USING ERRCODE = 'insufficient_privilege',
                DETAIL = 'Only a superuser or the actor itself can have pg_cron run it.',
                  HINT = format('Ask a superuser for: SELECT * FROM asymm.start(actor => %L)', actor);
    END IF;
    INSERT INTO asymm.pulse_state AS s (actor, lane, registered_at)
    SELECT actor, l.lane, clock_timestamp() FROM (VALUES ('fast'), ('slow')) AS l (lane)
    ON CONFLICT ON CONSTRAINT pulse_state_pkey DO UPDATE SET registered_at = EXCLUDED.registered_at;
END
$$;
COMMENT ON FUNCTION asymm._register(name) IS 'Remembers that start() was called for an actor; refuses callers who may not.';

CREATE OR REPLACE FUNCTION asymm._require_cron(actor name, forced boolean) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_served text := asymm._setting_of('cron.database_name');
    v_driver text := format('Without pg_cron: asymmetrica pulse --dsn "dbname=%s user=%s"',
        current_database(), actor);
BEGIN
    IF v_served IS NULL THEN
        RAISE EXCEPTION 'pg_cron is not loaded'
            USING ERRCODE = 'SY006', DETAIL = 'The server has no pg_cron in shared_preload_libraries.',
                  HINT = format('ALTER SYSTEM SET shared_preload_libraries = %s; ALTER SYSTEM SET '
                                'cron.database_name = %L; ALTER SYSTEM SET cron.use_background_workers = '
                                'on; restart the server; CREATE EXTENSION pg_cron; %s',
                                concat_ws(', ', NULLIF(asymm._setting_of('shared_preload_libraries'), ''),
                                    'pg_cron'), current_database(), v_driver);
    ELSIF v_served <> current_database() THEN
        RAISE EXCEPTION 'pg_cron serves database "%", not "%"', v_served, current_database()
            USING ERRCODE = 'SY006', DETAIL = 'pg_cron serves one database of a server; jobs for others are '
                                              'scheduled there by a superuser.',
                  HINT = format('In database %I: %s %s', v_served, asymm._schedule_commands(actor, forced),
                      v_driver);
    ELSIF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
        RAISE EXCEPTION 'extension pg_cron is not created in this database'
            USING ERRCODE = 'SY006', DETAIL = 'pg_cron is loaded and serves this database, but its schema '
                                              'is missing.',
                  HINT = 'CREATE EXTENSION pg_cron; ' || v_driver;
    ELSIF NOT asymm._setting_of('cron.use_background_workers')::boolean THEN
        RAISE EXCEPTION 'pg_cron does not run its jobs as background workers'
            USING ERRCODE = 'SY006', DETAIL = 'cron.use_background_workers is off: a loop would block DROP '
                                              'DATABASE and a smart shutdown, and would need a password.',
                  HINT = 'ALTER SYSTEM SET cron.use_background_workers = on; then restart the server. '
                      || v_driver;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_cron(name, boolean) IS 'Raises SY006 with the commands to run unless pg_cron can run loops in this database.';

CREATE OR REPLACE FUNCTION asymm.start(actor name DEFAULT NULL, forced boolean DEFAULT false)
RETURNS TABLE (job bigint, job_name text, schedule text, command text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_super boolean := (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user);
    v_forced boolean := COALESCE($2, false);
BEGIN
    PERFORM asymm._require_writable('asymm.start()');
    PERFORM asymm._check_actor($1, v_forced OR $1 = session_user);
    PERFORM asymm._require_cron($1, v_forced);
    PERFORM asymm._register($1);
    -- pg_cron replaces a job of the same name and role, but leaves it switched off if it was.
    FOR job_name, schedule, command IN SELECT w.job_name, w.schedule, w.command
        FROM asymm._jobs_wanted($1, v_forced) AS w LOOP
        EXECUTE 'SELECT count(cron.unschedule(j.jobid)) FROM cron.job j'
                ' WHERE j.jobname = $1 AND j.username = $2 AND NOT j.active' USING job_name, $1::text;
        IF v_super THEN
            EXECUTE 'SELECT cron.schedule_in_database($1, $2, $3, $4, $5)' INTO job
              USING job_name, schedule, command, current_database()::text, $1::text;
        ELSE
            EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO job USING job_name, schedule, command;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm.start(name, boolean) IS 'Has pg_cron run the pulse as the actor, from the next full minute on; by a superuser, or by the actor itself with USAGE on schema cron. Returns the jobs.';

-- api/828_stop.sql
-- stop() and the watchdog.

CREATE OR REPLACE FUNCTION asymm._loops(actor name DEFAULT NULL)
    RETURNS TABLE (actor_name name, pid integer, backend_start timestamptz, application text)
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- Those that beat and those that wait for the lease.
    SELECT a.usename, a.pid, a.backend_start, a.application_name
      FROM pg_stat_activity a
     WHERE a.datname = current_database() AND (_loops.actor IS NULL OR a.usename = _loops.actor)
         AND a.pid <> pg_backend_pid()
       AND (a.application_name IN ('asymmetrica pulse fast', 'asymmetrica pulse slow') AND a.state = 'active'
            OR EXISTS (SELECT FROM asymm.pulse_state s
                WHERE s.actor = a.usename AND s.pid = a.pid AND s.backend_start = a.backend_start))
$$;
COMMENT ON FUNCTION asymm._loops(name) IS 'Sessions that run the pulse in this database.';

CREATE OR REPLACE FUNCTION asymm._mark_stopped(actor name) RETURNS SETOF name
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE asymm.pulse_state s SET stops = s.stops + 1, registered_at = NULL
     WHERE ($1 IS NULL OR s.actor = $1)
       AND (s.actor = asymm._caller() OR pg_has_role(asymm._caller(), 'asymm_operator', 'USAGE'))
    RETURNING s.actor
$$;
COMMENT ON FUNCTION asymm._mark_stopped(name) IS 'Sets the stop flag of the loops of an actor, or of all.';

CREATE OR REPLACE FUNCTION asymm.stop(actor name DEFAULT NULL) RETURNS TABLE (object text, result text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_super boolean := (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user);
    v_cron boolean := EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron');
    v_job bigint;
    v_loop record;
    v_deadline timestamptz;
BEGIN
    PERFORM asymm._require_writable('asymm.stop()');
    IF v_cron AND NOT v_super AND $1 IS DISTINCT FROM current_user THEN
        RAISE EXCEPTION 'permission denied to stop %', COALESCE(format('actor "%s"', $1), 'all actors')
            USING ERRCODE = 'insufficient_privilege',
                DETAIL = 'Only a superuser or the actor itself can unschedule its pg_cron jobs; the loop '
                         'would come back within a minute.',
                  HINT = format('Ask a superuser for: SELECT * FROM asymm.stop(%s); asymm.pause(''reason'') '
                                'keeps it from changing anything.', quote_literal($1));
    ELSIF $1 IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = $1)
          AND NOT EXISTS (SELECT FROM asymm._actors s WHERE s.actor = $1) THEN
        RAISE EXCEPTION 'role "%" does not exist', $1
            USING ERRCODE = 'undefined_object', DETAIL = 'No role and no loop has this name.',
                HINT = 'SELECT actor, lane, alive FROM asymm.heartbeat';
    END IF;
    IF v_cron THEN
        FOR v_job, object IN EXECUTE
            'SELECT j.jobid, j.jobname::text FROM cron.job j'
            ' WHERE j.database = current_database() AND j.jobname LIKE ''asymmetrica %'' AND j.command LIKE '
            '''%asymm.%'''
            '   AND ($1 IS NULL OR j.username = $1) ORDER BY j.jobid' USING $1::text
        LOOP
            EXECUTE 'SELECT cron.unschedule($1)' USING v_job;
            result := 'unscheduled';
            RETURN NEXT;
        END LOOP;
    END IF;

    -- Loops we may signal end now: a cancelled sleep ends a run in good order. The others, and one that
    -- pg_cron starts meanwhile, see the flag once this transaction commits.
    v_deadline := clock_timestamp() + interval '5 s';
    FOR v_loop IN SELECT l.* FROM asymm._loops($1) AS l ORDER BY l.pid LOOP
        object := format('loop of %s (pid %s)', v_loop.actor_name, v_loop.pid);
        result := 'ends when this transaction commits';
        IF v_super OR pg_has_role(v_loop.actor_name, 'MEMBER') OR pg_has_role('pg_signal_backend',
            'MEMBER') THEN
            WHILE clock_timestamp() < v_deadline LOOP
                IF NOT EXISTS (SELECT FROM asymm._loops($1) AS l
                    WHERE l.pid = v_loop.pid AND l.backend_start = v_loop.backend_start) THEN
                    result := 'ended';
                    EXIT;
                END IF;
                IF (SELECT a.wait_event FROM pg_stat_activity a WHERE a.pid = v_loop.pid) = 'PgSleep' THEN
                    PERFORM pg_cancel_backend(v_loop.pid);
                END IF;
                PERFORM pg_sleep(0.02);
                PERFORM pg_stat_clear_snapshot();
            END LOOP;
        END IF;
        RETURN NEXT;
    END LOOP;
    PERFORM asymm._mark_stopped($1);
END
$$;
COMMENT ON FUNCTION asymm.stop(name) IS 'Unschedules the pulse of an actor, or of all, and ends running loops (5 s at most); returns what was unscheduled and ended.';

CREATE OR REPLACE FUNCTION asymm._overslept() RETURNS TABLE (pid integer)
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.pid
      FROM asymm.pulse_state s
      JOIN pg_stat_activity a ON a.pid = s.pid AND a.backend_start = s.backend_start
     WHERE s.actor = asymm._caller() AND a.wait_event = 'PgSleep'
       AND s.beat_at > clock_timestamp() + interval '2 s'
$$;
COMMENT ON FUNCTION asymm._overslept() IS 'Loops of the caller that sleep although their last beat lies in the future.';

CREATE OR REPLACE FUNCTION asymm._watchdog() RETURNS integer
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- pg_sleep() waits for a time of day: when the clock is set back it waits that much longer. A loop whose
    -- last beat lies in the future is such a one; cancelling its sleep lets it find its grid again.
    SELECT count(*) FILTER (WHERE pg_cancel_backend(s.pid))::integer
      FROM asymm._overslept() AS s
$$;
COMMENT ON FUNCTION asymm._watchdog() IS 'Wakes loops of the calling role whose sleep outlasted a clock that was set back; run by pg_cron every minute.';

-- api/832_heartbeat.sql
-- heartbeat: how the loops are doing.

CREATE OR REPLACE VIEW asymm._actors AS
    SELECT s.actor, bool_or(s.registered_at IS NOT NULL) AS registered,
           bool_or(COALESCE(asymm._alive(s.pid, s.backend_start), false)) AS alive
      FROM asymm.pulse_state s GROUP BY s.actor;
COMMENT ON VIEW asymm._actors IS 'Actors that were started (registered) or beat at some time.';

CREATE OR REPLACE VIEW asymm.heartbeat AS
    SELECT s.actor, s.lane, l.alive, s.seq, s.beat_at, clock_timestamp() - s.beat_at AS age,
           i.n AS beats, COALESCE(i.n * 1000 / NULLIF(i.total, 0), 0) AS rate,
           1 / s.period AS rate_wanted,
           i.p50 AS interval_p50_ms, i.p99 AS interval_p99_ms, i.longest AS interval_max_ms,
           COALESCE(m.missed, 0) AS missed_last_minute, s.missed, s.skipped,
           w.mean AS work_mean_ms, w.p99 AS work_p99_ms, s.clock_jumps, p.cause AS paused,
           NOT l.alive AND s.stops > s.run_stops AS stopped, CASE
               WHEN l.alive THEN s.pid END AS pid, s.run_at, s.version
      FROM asymm.pulse_state s
     CROSS JOIN LATERAL (SELECT COALESCE(asymm._alive(s.pid, s.backend_start), false)) AS l (alive)
     CROSS JOIN asymm._healing() AS p
     CROSS JOIN LATERAL (
        SELECT count(*) AS n, sum(v.ms)::double precision AS total,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY v.ms) AS p50,
               percentile_cont(0.99) WITHIN GROUP (ORDER BY v.ms) AS p99,
                   max(v.ms)::double precision AS longest
          FROM asymm.beat_summary b CROSS JOIN LATERAL unnest(b.intervals_ms) AS v (ms)
         WHERE b.actor = s.actor AND b.lane = s.lane AND b.at > clock_timestamp() - interval '1 min') AS i
     CROSS JOIN LATERAL (
        SELECT avg(v.ms) AS mean, percentile_cont(0.99) WITHIN GROUP (ORDER BY v.ms) AS p99
          FROM asymm.beat_summary b CROSS JOIN LATERAL unnest(b.work_ms) AS v (ms)
         WHERE b.actor = s.actor AND b.lane = s.lane AND b.at > clock_timestamp() - interval '1 min') AS w
     CROSS JOIN LATERAL (
        SELECT sum(b.missed) AS missed FROM asymm.beat_summary b
         WHERE b.actor = s.actor AND b.lane = s.lane AND b.at > clock_timestamp() - interval '1 min') AS m
     ORDER BY s.actor, s.lane;
COMMENT ON VIEW asymm.heartbeat IS 'Each loop: alive, number and age of the last beat, beats a second over the last minute, intervals and working time in milliseconds, ticks missed, clock jumps.';

-- api/836_doctor_server.sql
-- doctor(), first part: server settings, extensions, roles.

CREATE OR REPLACE FUNCTION asymm._setting_of(name text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Only these: other settings may hold passwords.
    IF name = ANY (ARRAY['shared_preload_libraries', 'wal_level', 'track_io_timing', 'compute_query_id',
        'session_replication_role',
                         'max_slot_wal_keep_size', 'max_worker_processes', 'event_triggers',
                             'cron.database_name',
                         'cron.use_background_workers']) THEN
        RETURN current_setting(name, true);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._setting_of(text) IS 'One of the server settings doctor() looks at, also those only pg_read_all_settings may see; NULL when the server has none of that name.';

CREATE OR REPLACE FUNCTION asymm._doctor_server()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    WITH libraries AS (SELECT ARRAY(SELECT btrim(l.name, ' "')
        FROM regexp_split_to_table(asymm._setting_of('shared_preload_libraries'), ',') AS l (name)
                                     WHERE btrim(l.name, ' "') <> '') AS loaded),
    actors AS (SELECT GREATEST(1, count(*)) AS n FROM asymm._actors),
    checks (place, name, good, severity, seen, remedy) AS (
        SELECT 1, 'server version', current_setting('server_version_num')::integer / 10000 BETWEEN 15 AND 18,
            'warning',
               current_setting('server_version'), 'use PostgreSQL 15 to 18'
        UNION ALL
        SELECT 10 + w.place, 'shared_preload_libraries: ' || w.name, w.name = ANY (l.loaded), w.severity,
               COALESCE(NULLIF(array_to_string(l.loaded, ', '), ''), 'none'),
               format('ALTER SYSTEM SET shared_preload_libraries = %s; then restart the server',
                      (SELECT string_agg(quote_literal(x.name), ', ')
                          FROM unnest(l.loaded || w.name) AS x (name)))
          FROM libraries l CROSS JOIN (VALUES (1, 'pg_cron', 'warning'),
              (2, 'pg_stat_statements', 'warning')) AS w (place, name, severity)
        UNION ALL
        SELECT 20 + w.place, w.name, asymm._setting_of(w.name) = ANY (w.good), w.severity,
            COALESCE(asymm._setting_of(w.name), 'unknown to this server'),
               format('ALTER SYSTEM SET %s = %s; then %s', w.name, quote_literal(w.good[1]), w.how)
          FROM (VALUES (1, 'wal_level', '{logical}'::text[], 'warning', 'restart the server'),
                       (2, 'track_io_timing', '{on}', 'warning', 'SELECT pg_reload_conf()'),
                       (3, 'compute_query_id', '{on,auto,regress}', 'warning', 'SELECT pg_reload_conf()'),
                       (4, 'session_replication_role', '{origin,local}', 'warning',
                           'SELECT pg_reload_conf()')) AS w (place, name, good, severity, how)
        UNION ALL
        SELECT 30, 'max_slot_wal_keep_size', asymm._setting_of('max_slot_wal_keep_size') <> '-1', 'warning',
            asymm._setting_of('max_slot_wal_keep_size'),
               'ALTER SYSTEM SET max_slot_wal_keep_size = ''10GB''; then SELECT pg_reload_conf()'
        UNION ALL
        SELECT 31, 'max_worker_processes', asymm._setting_of('max_worker_processes')::integer >= 8 + 3 * a.n,
            'warning',
               format('%s, %s needed', asymm._setting_of('max_worker_processes'), 8 + 3 * a.n),
               format('ALTER SYSTEM SET max_worker_processes = %s; then restart the server', 8 + 3 * a.n)
                   FROM actors a
        UNION ALL
        SELECT 32, 'event_triggers', COALESCE(asymm._setting_of('event_triggers'), 'on') = 'on', 'error',
            COALESCE(asymm._setting_of('event_triggers'), 'on'),
               'ALTER SYSTEM SET event_triggers = on; then SELECT pg_reload_conf()'
        UNION ALL
        SELECT 40, 'cron.database_name', asymm._setting_of('cron.database_name') = current_database(),
            'warning', asymm._setting_of('cron.database_name'),
               format('asymmetrica pulse --dsn "dbname=%s" runs the loop here; or: ALTER SYSTEM SET '
                      'cron.database_name = %L; then restart the server',
                      current_database(), current_database())
         WHERE asymm._setting_of('cron.database_name') IS NOT NULL
        UNION ALL
        SELECT 41, 'cron.use_background_workers', asymm._setting_of('cron.use_background_workers') = 'on',
            'error', asymm._setting_of('cron.use_background_workers'),
               'ALTER SYSTEM SET cron.use_background_workers = on; then restart the server'
         WHERE asymm._setting_of('cron.use_background_workers') IS NOT NULL
    )
    SELECT c.name, CASE WHEN c.good THEN 'ok' ELSE c.severity END, c.seen, CASE
        WHEN NOT COALESCE(c.good, false) THEN c.remedy END
      FROM checks c ORDER BY c.place
$$;
COMMENT ON FUNCTION asymm._doctor_server() IS 'The server settings the pulse, the advisor and the mirror need.';

CREATE OR REPLACE FUNCTION asymm._doctor_extensions()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'extension ' || w.name,
           CASE WHEN w.name = 'pg_cron' AND e.extname IS NOT NULL AND asymm._cron_is_serial() THEN 'warning'
                WHEN e.extversion = a.default_version OR e.extname IS NOT NULL AND w.name <> 'asymmetrica'
                    THEN 'ok'
                WHEN e.extname IS NULL AND w.name = 'timescaledb' THEN 'ok' ELSE 'warning' END,
           CASE WHEN e.extname IS NULL AND a.name IS NULL THEN 'not installed on this machine'
                WHEN e.extname IS NULL THEN 'installed, not created in this database'
                WHEN e.extversion <> a.default_version THEN format('%s, the machine has %s', e.extversion,
                    a.default_version)
                WHEN w.name = 'pg_cron' AND asymm._cron_is_serial()
                    THEN e.extversion || ': other jobs are started only when the pulse hands over, about '
                                         'once a minute'
                ELSE e.extversion END || CASE WHEN e.extname IS NULL THEN '; ' || w.without ELSE '' END,
           CASE WHEN e.extname IS NULL AND w.name = 'timescaledb' THEN NULL
                WHEN e.extname IS NULL AND a.name IS NULL THEN format('apt-get install postgresql-%s-%s',
                    current_setting('server_version_num')::integer / 10000, w.package)
                WHEN e.extname IS NULL THEN format('CREATE EXTENSION %I', w.name)
                WHEN w.name = 'pg_cron' AND asymm._cron_is_serial() THEN 'install pg_cron 1.5 or newer'
                WHEN w.name = 'asymmetrica' AND e.extversion <> a.default_version
                    THEN 'ALTER EXTENSION asymmetrica UPDATE' END
      FROM (VALUES (1, 'asymmetrica', 'asymmetrica', ''),
          (2, 'pg_cron', 'cron', 'the driver runs the loop: asymmetrica pulse'),
                   (3, 'pg_stat_statements', 'contrib', 'no workload is seen'),
                       (4, 'hypopg', 'hypopg', 'advice comes without what-if'),
                   (5, 'timescaledb', 'timescaledb', 'telemetry uses native partitions')) AS w (place, name,
                       package, without)
      LEFT JOIN pg_available_extensions a ON a.name = w.name
      LEFT JOIN pg_extension e ON e.extname = w.name
     ORDER BY w.place
$$;
COMMENT ON FUNCTION asymm._doctor_extensions() IS 'The extensions we work with, created, missing or out of date.';

CREATE OR REPLACE FUNCTION asymm._doctor_roles()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'role ' || w.name,
           CASE WHEN b.bad IS NULL THEN 'ok'
               ELSE 'error' END, COALESCE(b.bad, 'exists, without powers of its own'), b.remedy
      FROM (VALUES (1, 'asymm_reader'::name), (2, 'asymm_pulse'), (3, 'asymm_operator'),
          (4, 'asymm_owner')) AS w (place, name)
      LEFT JOIN pg_roles r ON r.rolname = w.name
      LEFT JOIN LATERAL (
        SELECT x.bad, x.remedy FROM (
            SELECT 'does not exist', format('CREATE ROLE %I NOLOGIN; then ALTER EXTENSION asymmetrica '
                                            'UPDATE', w.name) WHERE r.oid IS NULL
            UNION ALL
            SELECT 'it can log in', format('ALTER ROLE %I NOLOGIN', w.name) WHERE r.rolcanlogin
            UNION ALL
            SELECT 'it has attributes of its own',
                format('ALTER ROLE %I NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS', w.name)
             WHERE r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
            UNION ALL
            SELECT format('"%s" is a member of it', g.rolname), format('REVOKE %I FROM %I', w.name, g.rolname)
              FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.member
             WHERE m.roleid = r.oid AND w.name = 'asymm_owner' AND NOT g.rolsuper
            UNION ALL
            SELECT 'it cannot see other sessions',
                'GRANT pg_read_all_stats, pg_read_all_settings TO asymm_owner'
             WHERE w.name = 'asymm_owner' AND NOT pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE')
        ) AS x (bad, remedy) LIMIT 1) AS b ON true
     ORDER BY w.place
$$;
COMMENT ON FUNCTION asymm._doctor_roles() IS 'The roles of the extension and what is wrong with them.';

-- api/838_doctor_pulse.sql
-- doctor(), second part: actors, jobs, loops, organs, healing.

CREATE OR REPLACE FUNCTION asymm._cron_jobs()
    RETURNS TABLE (jobid bigint, jobname text, database text, username name, command text, active boolean,
        last_status text, last_message text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- pg_cron shows each role its own jobs, a superuser all.
    IF to_regclass('cron.job') IS NOT NULL AND has_schema_privilege('cron', 'USAGE') THEN
        RETURN QUERY EXECUTE
            'SELECT j.jobid, j.jobname::text, j.database, j.username::name, j.command, j.active, d.status, '
            'd.return_message'
            '  FROM cron.job j'
            '  LEFT JOIN LATERAL (SELECT r.status, r.return_message FROM cron.job_run_details r WHERE '
            'r.jobid = j.jobid'
            '                      AND r.status IN (''succeeded'', ''failed'') ORDER BY r.runid DESC LIMIT '
            '1) AS d ON true'
            ' WHERE j.jobname LIKE ''asymmetrica %'' AND j.command LIKE ''%asymm.%''';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._cron_jobs() IS 'Our pg_cron jobs of all databases that the caller may see, with the end of their last run.';

CREATE OR REPLACE FUNCTION asymm._scheduler_alive() RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM pg_stat_activity a
        WHERE a.backend_type LIKE 'pg_cron launcher%' OR a.application_name = 'pg_cron scheduler')
$$;
COMMENT ON FUNCTION asymm._scheduler_alive() IS 'True while pg_cron''s scheduler runs.';

CREATE OR REPLACE FUNCTION asymm._doctor_jobs()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    WITH here AS (SELECT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') AS cron),
    visible AS (SELECT h.cron AND has_schema_privilege(to_regnamespace('cron')::oid, 'USAGE') AS ok,
                       COALESCE((SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user),
                           false) AS every_job FROM here h),
    jobs AS (SELECT * FROM asymm._cron_jobs()),
    actors AS (SELECT * FROM asymm._actors)
    SELECT 'pg_cron scheduler', CASE WHEN asymm._scheduler_alive() THEN 'ok' ELSE 'error' END,
           CASE WHEN asymm._scheduler_alive() THEN 'runs'
               ELSE 'not running: no job is started until the server restarts' END,
           CASE WHEN NOT asymm._scheduler_alive() THEN 'restart the server; meanwhile: asymmetrica pulse' END
      FROM here h WHERE h.cron
    UNION ALL
    SELECT format('jobs of %s', a.actor),
           CASE WHEN NOT v.ok OR NOT (v.every_job OR a.actor = current_user) THEN 'warning'
               WHEN n.active < n.wanted THEN 'error' WHEN n.failed IS NOT NULL THEN 'warning' ELSE 'ok' END,
           CASE WHEN NOT v.ok OR NOT (v.every_job OR a.actor = current_user)
               THEN format('role "%s" cannot see them', current_user)
                WHEN n.active < n.wanted THEN format('%s of %s jobs are active', n.active, n.wanted)
                WHEN n.failed IS NOT NULL THEN 'last run failed: ' || n.failed
                    ELSE format('%s jobs are active', n.active) END,
           CASE WHEN NOT v.ok OR NOT (v.every_job OR a.actor = current_user)
               THEN 'run SELECT * FROM asymm.doctor() as superuser'
                WHEN n.active < n.wanted THEN format('SELECT * FROM asymm.start(actor => %L)', a.actor)
                WHEN n.failed IS NOT NULL
                    THEN format('SELECT * FROM cron.job_run_details WHERE username = %L ORDER BY runid DESC '
                                'LIMIT 5', a.actor) END
      FROM actors a CROSS JOIN visible v
     CROSS JOIN LATERAL (
        SELECT (SELECT count(*) FROM asymm._jobs_wanted(a.actor)) AS wanted,
            count(*) FILTER (WHERE j.active) AS active,
                max(j.last_message) FILTER (WHERE j.last_status = 'failed') AS failed
          FROM jobs j WHERE j.username = a.actor AND j.database = current_database()) AS n
     WHERE a.registered
    UNION ALL
    SELECT format('orphan job %s', j.jobid), 'warning',
           format('"%s" of role "%s" in database "%s": %s', j.jobname, j.username, j.database, o.why),
           format('SELECT cron.unschedule(%s)', j.jobid)
      FROM jobs j
     CROSS JOIN LATERAL (
        SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_database d
            WHERE d.datname = j.database) THEN 'the database is gone'
                    WHEN NOT EXISTS (SELECT FROM pg_roles r
                        WHERE r.rolname = j.username) THEN 'the role is gone'
                    WHEN j.database = current_database() AND NOT EXISTS (SELECT FROM actors a
                        WHERE a.actor = j.username AND a.registered)
                        THEN 'left by a dropped extension; asymm.start() was not called since' END) AS o (why)
     WHERE o.why IS NOT NULL
    UNION ALL
    SELECT 'actor ' || a.actor, CASE WHEN f.fault IS NULL THEN 'ok'
        ELSE 'error' END, COALESCE(f.fault, 'fit'), f.remedy
      FROM actors a LEFT JOIN LATERAL asymm._actor_faults(a.actor) AS f ON true
     WHERE a.registered OR a.alive
$$;
COMMENT ON FUNCTION asymm._doctor_jobs() IS 'pg_cron''s scheduler, the jobs of each actor, jobs nobody owns any more, and whether each actor is fit.';

CREATE OR REPLACE FUNCTION asymm._doctor_loops()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'pulse', 'error', 'no loop has ever run',
           CASE WHEN EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'asymm_actor') THEN ''
               ELSE 'SELECT * FROM asymm.create_actor(name => ''asymm_actor'', owner => ''<owner of the '
                    'tables>''); ' END
           || 'SELECT * FROM asymm.start(actor => ''asymm_actor'')'
     WHERE NOT EXISTS (SELECT FROM asymm._actors)
    UNION ALL
    SELECT format('loop %s of %s', h.lane, h.actor), CASE WHEN w.good THEN 'ok'
        WHEN h.stopped OR h.alive THEN 'warning' ELSE 'error' END,
           CASE WHEN h.stopped THEN 'stopped'
               WHEN h.alive AND NOT w.on_time THEN format('alive, but the last beat is %s old', h.age)
                WHEN h.alive AND h.missed_last_minute > 5
                    THEN format('alive, %s ticks missed within a minute', h.missed_last_minute)
                WHEN h.alive THEN format('beat %s, %s a second', h.seq, round(h.rate::numeric, 3))
                WHEN h.beat_at IS NULL THEN 'not started yet; pg_cron starts it with the next full minute'
                    ELSE format('not running; last beat %s ago', h.age) END,
           CASE WHEN w.good THEN NULL WHEN h.alive THEN 'SELECT * FROM asymm.organs ORDER BY last_ms DESC'
                ELSE format('SELECT * FROM asymm.start(actor => %L)', h.actor) END
      FROM asymm.heartbeat h
     CROSS JOIN LATERAL (SELECT abs(EXTRACT(epoch FROM h.age)) < 5 + 3 / h.rate_wanted) AS t (on_time)
     CROSS JOIN LATERAL (SELECT COALESCE(h.alive AND t.on_time AND h.missed_last_minute <= 5, false),
         t.on_time) AS w (good, on_time)
    UNION ALL
    SELECT format('telemetry of %s, %s', h.actor, h.lane), CASE
        WHEN h.beats > 0 OR h.run_at > clock_timestamp() - interval '1 min' THEN 'ok' ELSE 'warning' END,
           format('%s beats recorded in the last minute', h.beats), CASE
               WHEN h.beats = 0 AND h.run_at <= clock_timestamp() - interval '1 min'
                   THEN 'SELECT * FROM asymm.heartbeat' END
      FROM asymm.heartbeat h WHERE h.alive
    UNION ALL
    SELECT 'organ ' || o.name,
           CASE WHEN NOT o.enabled THEN 'warning' WHEN o.failures_in_row > 0 THEN 'error' ELSE 'ok' END,
           CASE WHEN NOT o.enabled THEN 'switched off'
                WHEN o.failures_in_row > 0 THEN format('failed %s times in a row: %s', o.failures_in_row,
                    o.last_error ->> 'message')
                ELSE format('%s runs, %s ms on average', o.runs,
                    COALESCE(round(o.mean_ms::numeric, 2), 0)) END,
           CASE WHEN NOT o.enabled THEN format('SELECT * FROM asymm.configure_organ(%L, enabled => true)',
               o.name)
                WHEN o.failures_in_row > 0 THEN format('SELECT last_error FROM asymm.organs WHERE name = %L',
                    o.name) END
      FROM asymm.organs o
$$;
COMMENT ON FUNCTION asymm._doctor_loops() IS 'Each loop and each organ: runs, is late, fails, is off.';

CREATE OR REPLACE FUNCTION asymm._doctor_healing()
    RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'healing', CASE h.healing WHEN 'on' THEN 'ok'
        ELSE 'warning' END, COALESCE('paused: ' || h.cause, 'on'),
           CASE WHEN h.healing <> 'on' THEN 'SELECT * FROM asymm.resume()' END
      FROM asymm._healing() AS h
    UNION ALL
    SELECT 'event trigger ' || t.evtname, CASE WHEN t.evtenabled = 'A' THEN 'ok' ELSE 'error' END,
           CASE t.evtenabled WHEN 'A' THEN 'always enabled'
               WHEN 'O' THEN 'enabled, but not when session_replication_role is replica'
                WHEN 'R' THEN 'enabled for replicas only' ELSE 'disabled' END,
           CASE WHEN t.evtenabled <> 'A' THEN format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', t.evtname) END
      FROM pg_event_trigger t JOIN pg_proc f ON f.oid = t.evtfoid
     WHERE f.pronamespace = 'asymm'::regnamespace
    UNION ALL
    SELECT 'event triggers', 'error', 'none: DDL is only found by the scans',
        'DROP EXTENSION asymmetrica; CREATE EXTENSION asymmetrica'
     WHERE NOT EXISTS (SELECT FROM pg_event_trigger t JOIN pg_proc f ON f.oid = t.evtfoid
         WHERE f.pronamespace = 'asymm'::regnamespace)
$$;
COMMENT ON FUNCTION asymm._doctor_healing() IS 'Whether healing is paused (by hand, restore, clone) and whether the event triggers are on.';

-- api/840_doctor.sql
-- doctor(): everything that should be so, and the command that makes it so. Never fails itself.

CREATE OR REPLACE FUNCTION asymm.doctor() RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_part text;
BEGIN
    FOREACH v_part IN ARRAY ARRAY['_doctor_server', '_doctor_extensions', '_doctor_roles', '_doctor_jobs',
                                  '_doctor_loops', '_doctor_healing'] LOOP
        BEGIN
            RETURN QUERY EXECUTE format('SELECT * FROM asymm.%I()', v_part);
        EXCEPTION WHEN OTHERS THEN
            check_name := substr(v_part, 9);
            status := 'error';
            seen := format('could not be looked at: %s (%s)', SQLERRM, SQLSTATE);
            remedy := 'run SELECT * FROM asymm.doctor() as superuser';
            RETURN NEXT;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm.doctor() IS 'Each server setting, extension, role, actor, job, loop, organ and trigger: ok, warning or error, what was seen, and the command that mends it.';

-- api/900_privileges.sql
-- Ownership and privileges, set anew by every install and upgrade: pg_dump carries neither for members of an
-- extension. A new function is private until its name stands in one of the lists.

DO $privileges$
DECLARE
    -- Anybody with asymm_reader: looking.
    v_reader text[] := ARRAY[
        'annotate', 'annotation', 'annotation_json', '_require_annotation', '_annotation_fault',
        'fingerprint', 'fingerprint_schema', 'fingerprint_database', 'action_history', '_sees_statements',
        'doctor', '_doctor_server', '_doctor_extensions', '_doctor_roles', '_doctor_jobs', '_doctor_loops',
            '_doctor_healing',
        '_alive', '_healing', '_cron_is_serial', '_jobs_wanted', '_job_name', '_setting_of', '_cron_jobs',
            '_scheduler_alive', '_actor_faults', '_role_powers'];
    -- asymm_operator: declaring and deciding.
    v_operator text[] := ARRAY[
        'configure', 'watch', 'watch_schema', 'unwatch', 'unwatch_schema', 'adopt', 'heal', 'approve',
            'reject', 'revert',
        '_require_healing', '_request_heal', '_show_steps', '_warn_unfinished', '_approve', '_action_steps',
        '_begin_revert', '_finish_revert', 'create_actor', 'pause', 'resume', 'configure_organ'];
    -- asymm_pulse: what the beat runs with the actor's own rights. Code of a table's owner runs in an
    -- actor's session, so nothing here may decide anything for others.
    v_pulse text[] := ARRAY[
        '_settings', '_caller', '_require_text', '_healing_paused',
        '_claim_action', '_action_table', '_recover_actions', '_open_steps', '_settle', '_finish_action', '_apply_action',
        '_process_ddl', '_scan_headers', '_scan_all',
        'start', 'stop', 'pulse', 'beat', 'cycle',
        '_check_actor', '_other_sessions', '_actor_settings', '_has_setting', '_actor_statements', '_period',
            '_beat_organs',
        '_claim_organ', '_organ_ran', '_organ_failed', '_housekeep', '_purge', '_take_lease', '_beat_begin',
            '_end_run', '_run_claimed', '_tell', '_recover_once', '_refuse_atomic', '_loop_session',
        '_record_beat', '_record_cycle', '_run_organ', '_merge_reports', '_beat_report', '_announce',
            '_apply_claimed',
        '_require_writable', '_round', '_sleep', '_set_session', '_atomic_message', '_check_pulse',
        '_schedule_commands', '_register', '_require_cron', '_loops', '_mark_stopped', '_overslept',
            '_watchdog'];
    v_views text[] := ARRAY['settings', 'drift', 'actions', 'ddl', 'watched', 'heartbeat', 'organs', 'organ',
        '_actors'];
    v record;
BEGIN
    FOR v IN SELECT c.relname, pg_catalog.pg_get_userbyid(c.relowner) AS owner
               FROM pg_catalog.pg_class c
                   WHERE c.relnamespace = 'asymm'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.objid = c.oid AND c.relkind = 'S' AND d.deptype IN ('a', 'i')) LOOP
        -- Only where it is due: it takes a lock that beats and DDL would wait for.
        IF v.owner <> 'asymm_owner' THEN
            EXECUTE pg_catalog.format('ALTER TABLE asymm.%I OWNER TO asymm_owner', v.relname);
        END IF;
        EXECUTE pg_catalog.format('REVOKE ALL ON asymm.%I FROM PUBLIC, asymm_reader, asymm_pulse, '
                                  'asymm_operator', v.relname);
        IF v.relname = ANY (v_views) THEN
            EXECUTE pg_catalog.format('GRANT SELECT ON asymm.%I TO asymm_reader', v.relname);
        END IF;
    END LOOP;
    FOR v IN SELECT p.oid::regprocedure::text AS signature, p.proname, p.prokind
               FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'asymm'::regnamespace LOOP
        EXECUTE pg_catalog.format('ALTER ROUTINE %s OWNER TO asymm_owner', v.signature);
        EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC, asymm_reader, asymm_pulse, '
                                  'asymm_operator', v.signature);
        IF v.proname = ANY (v_reader) THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_reader', v.signature);
        ELSIF v.proname = ANY (v_pulse) THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_pulse', v.signature);
        ELSIF v.proname = ANY (v_operator) THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_operator', v.signature);
        END IF;
    END LOOP;
    EXECUTE 'ALTER TYPE asymm.annotation OWNER TO asymm_owner';
    EXECUTE 'REVOKE ALL ON TYPE asymm.annotation FROM PUBLIC';
    EXECUTE 'GRANT USAGE ON TYPE asymm.annotation TO asymm_reader';
END
$privileges$;

-- api/910_bindings.sql
-- Casts and event triggers: made once, kept by upgrades. The event triggers come last, so that the script does not log
-- itself.

DO $bindings$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_cast c
                    WHERE c.castsource = 'pg_catalog.jsonb'::regtype AND c.casttarget = 'asymm.annotation'::regtype) THEN
        CREATE CAST (pg_catalog.jsonb AS asymm.annotation) WITH FUNCTION asymm.annotation(pg_catalog.jsonb);
        CREATE CAST (asymm.annotation AS pg_catalog.jsonb) WITH FUNCTION asymm.annotation_json(asymm.annotation);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger e WHERE e.evtname = 'asymm_ddl_end') THEN
        CREATE EVENT TRIGGER asymm_ddl_end ON ddl_command_end EXECUTE FUNCTION asymm._on_ddl();
        CREATE EVENT TRIGGER asymm_ddl_drop ON sql_drop EXECUTE FUNCTION asymm._on_ddl();
        CREATE EVENT TRIGGER asymm_guard_end ON ddl_command_end EXECUTE FUNCTION asymm._on_guard();
        CREATE EVENT TRIGGER asymm_guard_drop ON sql_drop EXECUTE FUNCTION asymm._on_guard();
        ALTER EVENT TRIGGER asymm_ddl_end ENABLE ALWAYS;
        ALTER EVENT TRIGGER asymm_ddl_drop ENABLE ALWAYS;
        ALTER EVENT TRIGGER asymm_guard_end ENABLE ALWAYS;
        ALTER EVENT TRIGGER asymm_guard_drop ENABLE ALWAYS;
    END IF;
END
$bindings$;
