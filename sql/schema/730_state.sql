-- States of rows: which columns hold one, what states there are and which follow each other. Dumped is only what was declared.

CREATE TABLE asymm.state_table (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schema_name name NOT NULL,
    table_name name NOT NULL,
    columns name[] NOT NULL CONSTRAINT state_table_columns CHECK (pg_catalog.cardinality(columns) BETWEEN 1 AND 4),
    tracked_by name NOT NULL,
    tracked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT state_table_name UNIQUE (schema_name, table_name)
);
COMMENT ON TABLE asymm.state_table IS 'Tables whose rows have a state, declared by asymm.track_state(); survives pg_dump.';
COMMENT ON COLUMN asymm.state_table.columns IS 'The columns whose values together are a row''s state.';
SELECT pg_catalog.pg_extension_config_dump('asymm.state_table', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.state_table_id_seq', '');

CREATE TABLE asymm.state_look (
    table_id bigint PRIMARY KEY REFERENCES asymm.state_table ON DELETE CASCADE,
    at timestamptz NOT NULL,
    rows double precision NOT NULL,
    rows_read bigint NOT NULL,
    sample jsonb NOT NULL DEFAULT '[]',
    hashed_at timestamptz,
    hashed_rows double precision,
    distinct_rows double precision,
    hashed text[],
    sampled boolean
);
COMMENT ON TABLE asymm.state_look IS 'The last look at each tracked table: how many rows it has, were read, and are distinct.';
COMMENT ON COLUMN asymm.state_look.sample IS 'Keys of some rows with the state they were in: [[key, …], [state, …]] each. Compared at the next look.';
COMMENT ON COLUMN asymm.state_look.hashed IS 'The columns that were compared to tell rows apart; none: the primary key does.';
COMMENT ON COLUMN asymm.state_look.sampled IS 'Whether distinct_rows is an estimate from some blocks.';

CREATE TABLE asymm.state_value (
    table_id bigint NOT NULL REFERENCES asymm.state_table ON DELETE CASCADE,
    state text[] NOT NULL,
    rows bigint NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    PRIMARY KEY (table_id, state)
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.state_value IS 'States seen, at most 1,000 a table: values of the declared columns as text, cut at 60 characters; rows among those read last.';

CREATE TABLE asymm.state_transition (
    table_id bigint NOT NULL REFERENCES asymm.state_table ON DELETE CASCADE,
    from_state text[] NOT NULL,
    to_state text[] NOT NULL,
    times bigint NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    source text NOT NULL CONSTRAINT state_transition_source CHECK (source IN ('stream', 'sample')),
    PRIMARY KEY (table_id, from_state, to_state, source)
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.state_transition IS 'Changes from one state to another that were seen, at most 5,000 a table.';
COMMENT ON COLUMN asymm.state_transition.source IS 'stream: each one, by the mirror''s worker; sample: those of some rows between two looks. The same change may stand in both.';

CREATE TABLE asymm.state_stream (
    table_id bigint PRIMARY KEY REFERENCES asymm.state_table ON DELETE CASCADE,
    start pg_lsn NOT NULL,
    since timestamptz NOT NULL,
    changes bigint NOT NULL,
    missed bigint NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.state_stream IS 'Tracked tables whose changes of states the mirror''s worker counts, or did: each change since then, but for those missed.';
COMMENT ON COLUMN asymm.state_stream.start IS 'Where in the log the copy was made by which the worker knows former states: with another one it begins anew.';
