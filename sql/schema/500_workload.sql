-- What statements and tables cost, as differences of the server's own counters. Telemetry: nothing here is dumped.

CREATE TABLE asymm.query (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queryid bigint NOT NULL,
    role_id oid NOT NULL,
    toplevel boolean NOT NULL,
    command text NOT NULL CONSTRAINT query_command CHECK (command IN ('select', 'insert', 'update', 'delete', 'merge')),
    statement text NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT query_identity UNIQUE (queryid, role_id, toplevel)
);
COMMENT ON TABLE asymm.query IS 'Statements of this database by the identity pg_stat_statements gives them: queryid, role, top level or within a function.';
COMMENT ON COLUMN asymm.query.statement IS 'The text with parameters for constants, as pg_stat_statements keeps it; for operators.';

-- The counters as they were last read, of everything in this database, of what is not kept too (query_id is NULL there), so
-- that a text is read once. Written where something changed; no index but the key, so that updates stay in the page.
CREATE TABLE asymm.query_counter (
    queryid bigint,
    role_id oid,
    toplevel boolean,
    query_id bigint,
    calls bigint NOT NULL,
    exec_ms double precision NOT NULL,
    rows bigint NOT NULL,
    blocks_hit bigint NOT NULL,
    blocks_read bigint NOT NULL,
    blocks_dirtied bigint NOT NULL,
    temp_blocks bigint NOT NULL,
    wal_bytes numeric NOT NULL,
    seen_at timestamptz NOT NULL,
    exec_squares double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (queryid, role_id, toplevel)
) WITH (fillfactor = 60);
COMMENT ON TABLE asymm.query_counter IS 'Counters of pg_stat_statements as they were last read; seen_at is when they last moved.';
COMMENT ON COLUMN asymm.query_counter.exec_squares IS 'Sum of the squares of the times (ms²), from mean and deviation: its difference gives the variance of any time in between.';
COMMENT ON COLUMN asymm.query_counter.query_id IS 'Its row in asymm.query; NULL for what the extension runs itself and for utility commands, whose text may hold secrets.';

CREATE TABLE asymm.table_counter (
    relid oid PRIMARY KEY,
    inserted bigint NOT NULL,
    updated bigint NOT NULL,
    updated_hot bigint NOT NULL,
    deleted bigint NOT NULL,
    scans bigint NOT NULL,
    rows_scanned bigint NOT NULL,
    index_scans bigint NOT NULL
) WITH (fillfactor = 60);
COMMENT ON TABLE asymm.table_counter IS 'Counters of pg_stat_all_tables as they were last read, of user tables.';

CREATE TABLE asymm.index_counter (
    index_id oid PRIMARY KEY,
    scans bigint NOT NULL,
    used_at timestamptz
) WITH (fillfactor = 60);
COMMENT ON TABLE asymm.index_counter IS 'Scans of each index as they were last read; used_at is when they were last seen to have moved, NULL: never.';

-- What happened in each step of time (setting workload_step: a quarter of an hour). A ring: the day number modulo 8 says the
-- partition, and a partition is emptied when its day comes round again, so that a week is kept and no row is deleted one by one.
CREATE TABLE asymm.query_load (
    slot smallint NOT NULL,
    at timestamptz NOT NULL,
    query_id bigint NOT NULL,
    calls bigint NOT NULL,
    exec_ms double precision NOT NULL,
    rows bigint NOT NULL,
    blocks_hit bigint NOT NULL,
    blocks_read bigint NOT NULL,
    blocks_dirtied bigint NOT NULL,
    temp_blocks bigint NOT NULL,
    wal_bytes numeric NOT NULL,
    exec_squares double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (slot, at, query_id)
) PARTITION BY LIST (slot);
CREATE INDEX query_load_query ON asymm.query_load (query_id, at);
COMMENT ON TABLE asymm.query_load IS 'What each statement did in a step of time; query_id 0 is everything beyond the 500 costliest.';

CREATE TABLE asymm.table_load (
    slot smallint NOT NULL,
    at timestamptz NOT NULL,
    relid oid NOT NULL,
    inserted bigint NOT NULL,
    updated bigint NOT NULL,
    updated_hot bigint NOT NULL,
    deleted bigint NOT NULL,
    scans bigint NOT NULL,
    rows_scanned bigint NOT NULL,
    index_scans bigint NOT NULL,
    PRIMARY KEY (slot, at, relid)
) PARTITION BY LIST (slot);
COMMENT ON TABLE asymm.table_load IS 'What was written to and read from each table in a step of time.';

DO $ring$
BEGIN
    FOR v_slot IN 0 .. 7 LOOP
        EXECUTE pg_catalog.format('CREATE TABLE asymm.query_load_%s PARTITION OF asymm.query_load FOR VALUES IN (%s)', v_slot, v_slot);
        EXECUTE pg_catalog.format('COMMENT ON TABLE asymm.query_load_%s IS ''Days of asymm.query_load whose number modulo 8 is %s.''',
                                  v_slot, v_slot);
        EXECUTE pg_catalog.format('CREATE TABLE asymm.table_load_%s PARTITION OF asymm.table_load FOR VALUES IN (%s)', v_slot, v_slot);
        EXECUTE pg_catalog.format('COMMENT ON TABLE asymm.table_load_%s IS ''Days of asymm.table_load whose number modulo 8 is %s.''',
                                  v_slot, v_slot);
    END LOOP;
END
$ring$;

-- Statements with their constants, as they were seen running.
CREATE TABLE asymm.query_example (
    query_id bigint NOT NULL REFERENCES asymm.query ON DELETE CASCADE,
    place smallint NOT NULL CONSTRAINT query_example_place CHECK (place BETWEEN 0 AND 3),
    statement text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (query_id, place)
);
COMMENT ON TABLE asymm.query_example IS 'Up to four examples a statement, with the constants of the time: some rows'' values, so for operators.';

CREATE TABLE asymm.workload_state (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT workload_state_only_row CHECK (only_row),
    queries_at timestamptz,
    tables_at timestamptz,
    days integer[] NOT NULL DEFAULT pg_catalog.array_fill(0, ARRAY[8], ARRAY[0]),
    since timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
INSERT INTO asymm.workload_state DEFAULT VALUES;
COMMENT ON TABLE asymm.workload_state IS 'When counters were last read, the day each part of the ring holds, and since when we are here.';

-- When a statement's plan was looked at last, and why there is none.
CREATE TABLE asymm.query_look (
    query_id bigint PRIMARY KEY REFERENCES asymm.query ON DELETE CASCADE,
    at timestamptz NOT NULL,
    reason text,
    relations oid[] NOT NULL DEFAULT '{}',
    written jsonb,
    read oid[],
    basis text,
    same_at timestamptz
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.query_look IS 'When each statement was last planned, the relations it names, and the reason if it was not.';
COMMENT ON COLUMN asymm.query_look.written IS 'Numbers of the columns its UPDATE sets, by the oid of the table.';
COMMENT ON COLUMN asymm.query_look.read IS 'The relations it names and those its plan reads.';
COMMENT ON COLUMN asymm.query_look.basis IS 'What asymm._plan_basis() said of these before it was planned.';
COMMENT ON COLUMN asymm.query_look.same_at IS 'When that was last seen to be so still.';

CREATE TABLE asymm.query_plan (
    query_id bigint NOT NULL REFERENCES asymm.query ON DELETE CASCADE,
    shape text NOT NULL CONSTRAINT query_plan_shape CHECK (shape ~ '^[0-9a-f]{64}$'),
    plan jsonb NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_seen timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (query_id, shape)
);
COMMENT ON TABLE asymm.query_plan IS 'The last five plans of a statement that differ in shape; see asymm._plan_shape().';
