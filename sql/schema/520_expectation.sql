-- What statements cost by their plans, and what people expect of them.

CREATE TABLE asymm.query_cost (
    query_id bigint PRIMARY KEY REFERENCES asymm.query ON DELETE CASCADE,
    cost asymm.cost NOT NULL,
    blame jsonb,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE asymm.query_cost IS 'The complexity class of each statement that was planned, by its plan seen last, and the node to blame. Telemetry: not dumped.';

CREATE TABLE asymm.expectation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    statement text NOT NULL,
    path text NOT NULL,
    cost asymm.cost,
    latency interval CONSTRAINT expectation_latency CHECK (latency > '0'),
    declared_by name NOT NULL,
    declared_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT expectation_something CHECK (cost IS NOT NULL OR latency IS NOT NULL)
);
CREATE UNIQUE INDEX expectation_statement ON asymm.expectation (pg_catalog.md5(statement), path);
COMMENT ON TABLE asymm.expectation IS 'What asymm.expect() was told a statement may cost: complexity class, latency; survives pg_dump.';
COMMENT ON COLUMN asymm.expectation.path IS 'The search path by which the names in the statement are found.';
SELECT pg_catalog.pg_extension_config_dump('asymm.expectation', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.expectation_id_seq', '');

CREATE TABLE asymm.expectation_state (
    expectation_id bigint PRIMARY KEY REFERENCES asymm.expectation ON DELETE CASCADE,
    state text NOT NULL CONSTRAINT expectation_state_state CHECK (state IN ('kept', 'broken', 'unknown')),
    since timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    checked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    checked_by name NOT NULL,
    cost asymm.cost,
    blame jsonb,
    latency interval,
    reason text,
    read oid[],
    basis text,
    planned_at timestamptz
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.expectation_state IS 'Whether each expectation was kept when it was checked last, and what was seen. Not dumped.';
COMMENT ON COLUMN asymm.expectation_state.read IS 'The relations the statement names and those its plan reads.';
COMMENT ON COLUMN asymm.expectation_state.basis IS 'What asymm._plan_basis() said of these before it was planned.';
