-- The store of entities: JSON documents by id, with versions, history and keys that make a call safe to repeat.
-- Every key begins with id and every statement names it: the tables can be partitioned by hash of id, or distributed by id.

-- A role of its own: entities are an application's data, which readers of health and actors have no business with. As the
-- others: accepted only without powers.
DO $role$
DECLARE
    v_bad text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'asymm_writer') THEN
        CREATE ROLE asymm_writer NOLOGIN;
    END IF;
    SELECT CASE WHEN r.rolcanlogin THEN 'it can log in'
                WHEN r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls THEN 'it has attributes of its own'
                WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
                              WHERE m.member = r.oid AND g.rolname <> 'asymm_reader') THEN 'it is a member of another role'
           END
      INTO v_bad
      FROM pg_catalog.pg_roles r WHERE r.rolname = 'asymm_writer';
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'role "asymm_writer" exists and cannot be used'
            USING ERRCODE = 'invalid_role_specification', DETAIL = pg_catalog.format('It was refused because %s.', v_bad),
                  HINT = 'Rename or drop it: ALTER ROLE asymm_writer RENAME TO …, then try again.';
    END IF;
    GRANT asymm_reader TO asymm_writer;
END
$role$;
GRANT USAGE ON SCHEMA asymm TO asymm_writer;

-- A version is never given twice, not even to an entity that was deleted, forgotten and made again: who holds an old one
-- must not take the new one for it.
CREATE SEQUENCE asymm.data_entity_version_seq;
COMMENT ON SEQUENCE asymm.data_entity_version_seq IS 'Versions of entities: of each entity they only grow, and none is given twice.';

CREATE TABLE asymm.data_entity (
    id text COLLATE "C" CONSTRAINT data_entity_pkey PRIMARY KEY
        CONSTRAINT data_entity_id CHECK (pg_catalog.length(id) <= 200 AND id ~ '^[A-Za-z0-9][A-Za-z0-9_.:@/+~-]*$'),
    value jsonb NOT NULL,
    annotations jsonb NOT NULL,
    version bigint NOT NULL,
    content_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    created_by name NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by name NOT NULL
);
CREATE INDEX data_entity_content ON asymm.data_entity USING gin (value jsonb_path_ops, annotations jsonb_path_ops);
COMMENT ON TABLE asymm.data_entity IS 'Entities as they are now; written by create_entity(), update_entity() and delete_entity() only; survives pg_dump.';
COMMENT ON COLUMN asymm.data_entity.id IS 'What partitions and shards go by. 1 to 200 of A-Z a-z 0-9 _ . : @ / + ~ -, the first a letter or digit.';
COMMENT ON COLUMN asymm.data_entity.annotations IS 'σ, ρ, γ, κ, λ and weight as asymm.annotation_json() writes them: as JSON, so that the mirror''s readers can read them.';
COMMENT ON COLUMN asymm.data_entity.content_hash IS 'asymm.content_hash() of the value: equal for equal values, whatever the order of keys.';

-- No key refers to the entity, which may be gone: a tombstone outlives it.
CREATE TABLE asymm.data_entity_history (
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    value jsonb,
    annotations jsonb,
    content_hash bytea,
    created_at timestamptz NOT NULL,
    created_by name NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by name NOT NULL,
    until timestamptz NOT NULL,
    CONSTRAINT data_entity_history_pkey PRIMARY KEY (id, version),
    CONSTRAINT data_entity_history_tombstone CHECK (pg_catalog.num_nulls(value, annotations, content_hash) IN (0, 3))
);
CREATE INDEX data_entity_history_until ON asymm.data_entity_history (until);
COMMENT ON TABLE asymm.data_entity_history
    IS 'Versions of entities that were replaced, and a tombstone (without a value) for each that was deleted; kept for retention; survives pg_dump.';
COMMENT ON COLUMN asymm.data_entity_history.until IS 'When the next version took its place; of a tombstone: when it was made.';

CREATE TABLE asymm.data_entity_request (
    id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    version bigint NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT data_entity_request_pkey PRIMARY KEY (id, key)
);
CREATE INDEX data_entity_request_at ON asymm.data_entity_request (at);
COMMENT ON TABLE asymm.data_entity_request
    IS 'Calls made with an idempotency key, of each entity by itself: what was asked, as a digest, and the version it made; survives pg_dump.';

CREATE TABLE asymm.entity_setting (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT entity_setting_only_row CHECK (only_row),
    retention interval NOT NULL DEFAULT '30 days'
        CONSTRAINT entity_setting_retention CHECK (retention BETWEEN '1 min' AND '3650 days'),
    idempotency_window interval NOT NULL DEFAULT '1 day'
        CONSTRAINT entity_setting_idempotency_window CHECK (idempotency_window BETWEEN '1 min' AND '3650 days'),
    max_value_bytes integer NOT NULL DEFAULT 1048576
        CONSTRAINT entity_setting_max_value_bytes CHECK (max_value_bytes BETWEEN 1024 AND 33554432),
    audit_reads boolean NOT NULL DEFAULT false,
    CONSTRAINT entity_setting_window_within_retention CHECK (idempotency_window <= retention)
);
COMMENT ON TABLE asymm.entity_setting IS 'What an operator configured about entities: one row at most, written by asymm.configure_entities(); survives pg_dump.';
COMMENT ON COLUMN asymm.entity_setting.retention IS 'How long a version is kept after it was replaced, and a tombstone after the deletion.';
COMMENT ON COLUMN asymm.entity_setting.idempotency_window IS 'How long a call with an idempotency key can be repeated without a second effect; at most retention.';
COMMENT ON COLUMN asymm.entity_setting.max_value_bytes IS 'Size of the largest value, as jsonb in memory; half of what the mirror takes at most.';
COMMENT ON COLUMN asymm.entity_setting.audit_reads IS 'Whether get_entity(), query_entities() and entity_history() are recorded in the audit; not while entities are mirrored, where nobody sees who reads.';

CREATE TABLE asymm._entity_setting_default (LIKE asymm.entity_setting INCLUDING ALL);
INSERT INTO asymm._entity_setting_default DEFAULT VALUES;
COMMENT ON TABLE asymm._entity_setting_default IS 'The defaults of asymm.entity_setting as a row; never written again.';

CREATE VIEW asymm.entity_settings AS
    SELECT s.* FROM asymm.entity_setting AS s
    UNION ALL
    SELECT d.* FROM asymm._entity_setting_default AS d WHERE NOT EXISTS (SELECT FROM asymm.entity_setting);
COMMENT ON VIEW asymm.entity_settings IS 'The settings of the entity store in force, one row: those configured, else the defaults.';

SELECT pg_catalog.pg_extension_config_dump('asymm.data_entity', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.data_entity_history', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.data_entity_request', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.data_entity_version_seq', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.entity_setting', '');
