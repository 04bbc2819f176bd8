-- The mirror: which tables are to be kept in Redis, what they looked like under each epoch, and what the worker last said.

-- A role of its own, since neither readers nor actors may lead the mirror. As the others: accepted only without powers.
DO $role$
DECLARE
    v_bad text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'asymm_streamer') THEN
        CREATE ROLE asymm_streamer NOLOGIN;
    END IF;
    SELECT CASE WHEN r.rolcanlogin THEN 'it can log in'
                WHEN r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls THEN 'it has attributes of its own'
                WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid) THEN 'it is a member of another role'
           END
      INTO v_bad
      FROM pg_catalog.pg_roles r WHERE r.rolname = 'asymm_streamer';
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'role "asymm_streamer" exists and cannot be used'
            USING ERRCODE = 'invalid_role_specification', DETAIL = pg_catalog.format('It was refused because %s.', v_bad),
                  HINT = 'Rename or drop it: ALTER ROLE asymm_streamer RENAME TO …, then try again.';
    END IF;
END
$role$;
GRANT USAGE ON SCHEMA asymm TO asymm_streamer;

-- Epochs are never given twice, not even after a rollback or in a restored copy: an old key must not look like a new one.
CREATE SEQUENCE asymm.mirror_epoch_seq;
COMMENT ON SEQUENCE asymm.mirror_epoch_seq IS 'Epochs of mirrored tables: each stands in the keys of one table between two changes of its form.';

CREATE TABLE asymm.mirror_table (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schema_name name NOT NULL,
    table_name name NOT NULL,
    key_columns name[] NOT NULL,
    columns name[],
    format text NOT NULL CONSTRAINT mirror_table_format CHECK (format IN ('json', 'hash')),
    ttl interval CONSTRAINT mirror_table_ttl CHECK (ttl BETWEEN '1 s' AND '3650 days'),
    mirrored_by name NOT NULL,
    mirrored_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT mirror_table_name UNIQUE (schema_name, table_name)
);
-- The event trigger asks it with every DDL, also with that of the rest of an update.
ALTER TABLE asymm.mirror_table OWNER TO asymm_owner;
COMMENT ON TABLE asymm.mirror_table IS 'Tables declared by asymm.mirror(); survives pg_dump.';
COMMENT ON COLUMN asymm.mirror_table.columns IS 'The columns mirrored; NULL: all that are not generated.';
COMMENT ON COLUMN asymm.mirror_table.ttl IS 'How long a key lives in Redis after it was written; NULL: for ever.';
SELECT pg_catalog.pg_extension_config_dump('asymm.mirror_table', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.mirror_table_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.mirror_epoch_seq', '');

-- Rows are only added: DDL must not wait for the worker's reports, nor they for DDL. The latest row of a table is in force.
CREATE TABLE asymm.mirror_shape (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mirror_id bigint NOT NULL,
    epoch bigint NOT NULL,
    relid oid NOT NULL,
    relids oid[] NOT NULL,
    types oid[] NOT NULL,
    shape jsonb,
    files jsonb NOT NULL,
    fault text,
    cause text NOT NULL,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE INDEX mirror_shape_latest ON asymm.mirror_shape (mirror_id, id);
COMMENT ON TABLE asymm.mirror_shape IS 'What each mirrored table looked like since each epoch, and why the epoch began; catalog addresses, so it is not dumped.';
COMMENT ON COLUMN asymm.mirror_shape.relids IS 'The table with its partitions and the indexes that tell its rows apart: DDL that names one of them is looked at.';
COMMENT ON COLUMN asymm.mirror_shape.types IS 'Types of its columns that are not the server''s own, and what these are made of: when one changes, rows read otherwise.';
COMMENT ON COLUMN asymm.mirror_shape.shape IS 'What the mirror depends on; NULL: the table is gone.';
COMMENT ON COLUMN asymm.mirror_shape.files IS 'Partition → file node: tells a TRUNCATE of one partition, which is not published.';
COMMENT ON COLUMN asymm.mirror_shape.fault IS 'Why the table cannot be mirrored any more, or NULL.';

CREATE TABLE asymm.mirror_worker (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT mirror_worker_only_row CHECK (only_row),
    token text,
    login name,
    led_at timestamptz,
    reported_at timestamptz,
    applied_lsn pg_lsn,
    applied_at timestamptz,
    counters jsonb,
    roles text,
    states_token text,
    streams bigint[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);
INSERT INTO asymm.mirror_worker DEFAULT VALUES;
COMMENT ON TABLE asymm.mirror_worker IS 'The worker that leads (its fencing token) and what it last reported.';
COMMENT ON COLUMN asymm.mirror_worker.roles IS 'Digest of who is a member of what: no event tells of roles.';
COMMENT ON COLUMN asymm.mirror_worker.states_token IS 'Names the changes of states it told last: told twice, they are counted once.';
COMMENT ON COLUMN asymm.mirror_worker.streams IS 'Mirrored tables whose changes of states it counts now.';

CREATE TABLE asymm.mirror_state (
    mirror_id bigint PRIMARY KEY,
    state text NOT NULL CONSTRAINT mirror_state_state CHECK (state IN ('building', 'live', 'unsafe')),
    epoch bigint,
    rows bigint,
    error text,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
) WITH (fillfactor = 50);
COMMENT ON TABLE asymm.mirror_state IS 'What the worker last said of each mirrored table.';
