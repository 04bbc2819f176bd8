-- What a statement usually takes. Learned from the workload, not dumped.

CREATE TABLE asymm.query_baseline (
    query_id bigint NOT NULL REFERENCES asymm.query ON DELETE CASCADE,
    kind text NOT NULL CONSTRAINT query_baseline_kind CHECK (kind IN ('step', 'look')),
    center_ms double precision,
    spread double precision,
    tied double precision,
    hours double precision[],
    high_ms double precision,
    steps integer NOT NULL,
    since timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (query_id, kind)
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.query_baseline IS 'What a call of each statement took: median of the means of the steps of time of a week, or of the looks of some hours, and how far they spread.';
COMMENT ON COLUMN asymm.query_baseline.center_ms IS 'NULL where too few steps are known.';
COMMENT ON COLUMN asymm.query_baseline.spread IS 'Median distance of the logarithms from their median, times 1.4826: 0.1 is about ten per cent.';
COMMENT ON COLUMN asymm.query_baseline.tied IS 'How much each hangs on the one before, 0 to 0.9.';
COMMENT ON COLUMN asymm.query_baseline.hours IS 'Median of the logarithms by the hour of the day (UTC); NULL where fewer than three days are known.';
COMMENT ON COLUMN asymm.query_baseline.high_ms IS 'What 95 of 100 do not exceed.';
COMMENT ON COLUMN asymm.query_baseline.since IS 'Learned from what was before; what came after is held against it.';
