-- What becomes of an index that was proposed: who builds it, and what its queries cost before and after.

-- Beside each action of kind create index, drop index or reindex.
CREATE TABLE asymm.index_action (
    action_id bigint PRIMARY KEY REFERENCES asymm.action ON DELETE CASCADE,
    relid oid NOT NULL,
    index_schema text COLLATE "C" NOT NULL,
    index_name text COLLATE "C" NOT NULL,
    index_id oid,
    shape text COLLATE "C" NOT NULL,
    requires text[] NOT NULL DEFAULT '{}',
    command text,
    job bigint,
    pid integer,
    backend_start timestamptz,
    ordered_at timestamptz,
    began_at timestamptz,
    waits_since timestamptz,
    waits_for text,
    problem text,
    retry_at timestamptz,
    built_at timestamptz,
    size_bytes bigint,
    scans_before bigint,
    analyzed boolean NOT NULL DEFAULT false,
    looks integer NOT NULL DEFAULT 0,
    reverts_from text,
    keeps_unique boolean NOT NULL DEFAULT false
);
CREATE INDEX index_action_shape ON asymm.index_action (relid, shape);
-- One command at a time in this database.
CREATE UNIQUE INDEX index_action_command ON asymm.index_action ((true)) WHERE command IS NOT NULL;
COMMENT ON TABLE asymm.index_action IS 'How far each action on an index is: the command that is ordered or runs, and since when the result is validated.';
COMMENT ON COLUMN asymm.index_action.shape IS 'What makes two indexes the same: method, keys, included columns and predicate.';
COMMENT ON COLUMN asymm.index_action.requires IS 'Names of other indexes of the same advice with which alone it pays.';
COMMENT ON COLUMN asymm.index_action.command IS 'The one statement that a builder has to run outside of a transaction; NULL when there is none.';
COMMENT ON COLUMN asymm.index_action.job IS 'Job of pg_cron that runs the command; NULL when a driver has to.';
COMMENT ON COLUMN asymm.index_action.waits_for IS 'Why what is approved is not begun.';
COMMENT ON COLUMN asymm.index_action.problem IS 'What the builder said when it failed.';
COMMENT ON COLUMN asymm.index_action.scans_before IS 'Scans the server had counted on the index when it was built.';
COMMENT ON COLUMN asymm.index_action.reverts_from IS 'The state in which it was when it was to be taken back.';
COMMENT ON COLUMN asymm.index_action.keeps_unique IS 'Whether the index is a rule of the table, kept whatever it saves.';

-- Counters of the statements that count, as they stood at each look: shared by all actions that are validated. Only differences of
-- neighbours are used, so a counter that began anew loses one of them.
CREATE TABLE asymm.query_mark (
    query_id bigint NOT NULL REFERENCES asymm.query ON DELETE CASCADE,
    at timestamptz NOT NULL,
    calls bigint NOT NULL,
    exec_ms double precision NOT NULL,
    blocks bigint NOT NULL,
    PRIMARY KEY (query_id, at)
);
CREATE INDEX query_mark_at ON asymm.query_mark (at);
COMMENT ON TABLE asymm.query_mark IS 'Calls, time and blocks of statements at the looks that indexes are validated by; kept while an index needs them.';
