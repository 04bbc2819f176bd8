-- Tables whose new duplicates are to be noticed. Dumped is only what was declared.

CREATE TABLE asymm.duplicate_watch (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schema_name name NOT NULL,
    table_name name NOT NULL,
    columns name[] NOT NULL,
    watched_by name NOT NULL,
    watched_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT duplicate_watch_name UNIQUE (schema_name, table_name)
);
COMMENT ON TABLE asymm.duplicate_watch IS 'Tables whose new duplicates are noticed, declared by asymm.watch_duplicates(); survives pg_dump.';
SELECT pg_catalog.pg_extension_config_dump('asymm.duplicate_watch', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.duplicate_watch_id_seq', '');

CREATE TABLE asymm.duplicate_look (
    watch_id bigint NOT NULL REFERENCES asymm.duplicate_watch ON DELETE CASCADE,
    part oid NOT NULL,
    filenode oid NOT NULL,
    block bigint NOT NULL,
    since xid8,
    next_since xid8 NOT NULL,
    writes bigint NOT NULL,
    due_at timestamptz NOT NULL,
    passes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (watch_id, part)
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.duplicate_look IS 'How far each part of a watched table was read: the next block of this pass, and since which transaction rows count as new (NULL: all).';
COMMENT ON COLUMN asymm.duplicate_look.filenode IS 'The file that was read: a table that was rewritten is read anew.';

CREATE TABLE asymm.row_print (
    watch_id bigint NOT NULL,
    print bigint NOT NULL,
    part oid NOT NULL,
    place tid NOT NULL,
    PRIMARY KEY (watch_id, print)
);
COMMENT ON TABLE asymm.row_print IS 'For each content of a watched table the first eight bytes of its hash, and where a row of it was.';

CREATE TABLE asymm.duplicate_seen (
    watch_id bigint NOT NULL REFERENCES asymm.duplicate_watch ON DELETE CASCADE,
    part oid NOT NULL,
    place tid NOT NULL,
    other_part oid NOT NULL,
    other_place tid NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (watch_id, part, place)
);
COMMENT ON TABLE asymm.duplicate_seen IS 'Duplicates that were noticed, at most 1,000 a table: where they were, and the rows that they are equal to.';
