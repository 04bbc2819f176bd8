-- Sensitive columns: what was declared, and where it is found. Values of these columns are kept nowhere in this schema.

CREATE TABLE asymm.protected_column (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schema_name name NOT NULL,
    table_name name NOT NULL,
    column_name name NOT NULL,
    method text NOT NULL CONSTRAINT protected_column_method CHECK (method IN ('hash', 'mask', 'deny')),
    protected_by name NOT NULL,
    protected_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT protected_column_name UNIQUE (schema_name, table_name, column_name)
);
-- The event trigger asks it with every DDL, also with that of the rest of an update.
ALTER TABLE asymm.protected_column OWNER TO asymm_owner;
COMMENT ON TABLE asymm.protected_column IS 'Columns declared by asymm.protect(); survives pg_dump.';
COMMENT ON COLUMN asymm.protected_column.method IS 'What a masked view shows: hash only tokens of the driver, mask the beginning, deny nothing.';
SELECT pg_catalog.pg_extension_config_dump('asymm.protected_column', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.protected_column_id_seq', '');

-- A column that is renamed stays protected: it is known by its address too. Addresses are not dumped.
CREATE TABLE asymm.protected_place (
    protected_id bigint PRIMARY KEY REFERENCES asymm.protected_column ON DELETE CASCADE,
    relid oid NOT NULL,
    attnum smallint NOT NULL
);
ALTER TABLE asymm.protected_place OWNER TO asymm_owner;
COMMENT ON TABLE asymm.protected_place IS 'Where each protected column was last seen in the catalogs.';

-- A table that takes the place of a renamed one holds the same values: what is called so again is protected too.
CREATE TABLE asymm.protected_name (
    protected_id bigint NOT NULL REFERENCES asymm.protected_column ON DELETE CASCADE,
    schema_name name NOT NULL,
    table_name name NOT NULL,
    column_name name NOT NULL,
    PRIMARY KEY (schema_name, table_name, column_name, protected_id)
);
ALTER TABLE asymm.protected_name OWNER TO asymm_owner;
COMMENT ON TABLE asymm.protected_name IS 'Names that protected columns had before they, or their tables, were renamed.';

-- A part that is taken from its table keeps its rows, so it is known before.
CREATE TABLE asymm.protected_part (
    protected_id bigint NOT NULL REFERENCES asymm.protected_column ON DELETE CASCADE,
    relid oid NOT NULL,
    attnum smallint NOT NULL,
    PRIMARY KEY (protected_id, relid)
);
ALTER TABLE asymm.protected_part OWNER TO asymm_owner;
COMMENT ON TABLE asymm.protected_part IS 'Where the column of each partition or heir of a protected table was last seen.';

CREATE TABLE asymm.masked_view (
    schema_name name NOT NULL,
    table_name name NOT NULL,
    view_name name NOT NULL,
    methods jsonb NOT NULL,
    PRIMARY KEY (schema_name, table_name)
);
COMMENT ON COLUMN asymm.masked_view.methods IS 'The columns that it masks, and by which method.';
COMMENT ON TABLE asymm.masked_view IS 'Views made by asymm.create_masked_view(), in the schema of their table; survives pg_dump, as the views do.';
SELECT pg_catalog.pg_extension_config_dump('asymm.masked_view', '');

ALTER TABLE asymm.query_look ADD COLUMN touched text;
COMMENT ON COLUMN asymm.query_look.touched
    IS 'The first protected column it touches, or a function that may; empty: none. NULL: not known, and then no example of it is kept.';
