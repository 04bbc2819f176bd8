-- Erasure: where data of subjects (persons) lies, and who was erased.

CREATE TABLE asymm.subject_place (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CONSTRAINT subject_place_kind CHECK (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
    schema_name name,
    table_name name,
    column_name name,
    columns name[],
    prefix text,
    registered_by name NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT subject_place_once UNIQUE NULLS NOT DISTINCT (kind, schema_name, table_name, column_name, prefix),
    CONSTRAINT subject_place_one CHECK (pg_catalog.num_nulls(schema_name, table_name, column_name) IN (0, 3)
                                        AND (schema_name IS NULL) = (prefix IS NOT NULL))
);
COMMENT ON TABLE asymm.subject_place IS 'Places registered by asymm.register_subject() and register_entities(); survives pg_dump.';
COMMENT ON COLUMN asymm.subject_place.column_name IS 'The column that says whose a row is.';
COMMENT ON COLUMN asymm.subject_place.columns IS 'What is cleared of such a row; NULL: it is deleted.';
COMMENT ON COLUMN asymm.subject_place.prefix IS 'Of entities: what stands before the subject in their ids.';
SELECT pg_catalog.pg_extension_config_dump('asymm.subject_place', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.subject_place_id_seq', '');

CREATE TABLE asymm.erasure (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    salt text NOT NULL CONSTRAINT erasure_salt CHECK (salt ~ '^[0-9a-f]{64}$'),
    digest text NOT NULL CONSTRAINT erasure_digest CHECK (digest ~ '^[0-9a-f]{64}$'),
    erased_by name NOT NULL,
    erased_at timestamptz NOT NULL,
    place jsonb NOT NULL,
    CONSTRAINT erasure_once UNIQUE (kind, salt, digest)
);
COMMENT ON TABLE asymm.erasure IS 'Who was erased, as a salted hash: enough to find them again in a restored copy; survives pg_dump.';
COMMENT ON COLUMN asymm.erasure.place IS 'Where it was last done: in another place (a restored copy) it is to be done again.';
SELECT pg_catalog.pg_extension_config_dump('asymm.erasure', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.erasure_id_seq', '');
