-- What a statement usually takes. Learned from the workload, not dumped.

CREATE TABLE asymm.query_baseline (
    query_id bigint PRIMARY KEY REFERENCES asymm.query ON DELETE CASCADE,
    center_ms double precision NOT NULL,
    spread double precision NOT NULL,
    steps integer NOT NULL,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.query_baseline IS 'What a call of each statement took in the last week: median of the means of the steps of time, and how far they spread.';
COMMENT ON COLUMN asymm.query_baseline.spread IS 'Median distance of the logarithms from their median, times 1.4826: 0.1 is about ten per cent.';
