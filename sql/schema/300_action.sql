-- The ledger: every change the system makes or proposes on its own, with its inverse, evidence and history.

CREATE TABLE asymm.action (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CONSTRAINT action_kind CHECK (kind IN ('heal', 'adopt', 'create index', 'drop index', 'reindex', 'merge')),
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
    applied_at timestamptz,
    object_kind text,
    schema_name text COLLATE "C",
    object_name text COLLATE "C"
);
CREATE INDEX action_approved ON asymm.action (due_at) WHERE state = 'approved';
CREATE INDEX action_open ON asymm.action (baseline_id) WHERE state IN ('proposed', 'approved', 'applying', 'reverting');
CREATE INDEX action_history ON asymm.action (baseline_id, id);
CREATE INDEX action_applied ON asymm.action (applied_at);
CREATE INDEX action_changed ON asymm.action (changed_at);
COMMENT ON TABLE asymm.action IS 'Ledger of changes proposed or made: forward and inverse statements (steps), evidence before and after, state.';
COMMENT ON COLUMN asymm.action.target IS 'The object as it is displayed; its kind and names stand in object_kind, schema_name and object_name.';
COMMENT ON COLUMN asymm.action.steps IS 'Ordered statements: [{step, kind, object, part, name, forward, inverse, lock_class, hazards, precondition}]; kind and object say whose they are.';
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
