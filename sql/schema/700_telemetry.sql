-- Time series. What happened in a step of time stands in one row for a whole family of metrics, as arrays: a row for each value
-- would take ten times the room. Nothing here is dumped.

CREATE TABLE asymm.metric (
    name text PRIMARY KEY CONSTRAINT metric_name CHECK (name ~ '^[a-z]+\.[a-z0-9_]+$'),
    unit text NOT NULL,
    kind text NOT NULL CONSTRAINT metric_kind CHECK (kind IN ('gauge', 'counter', 'ratio')),
    source text NOT NULL,
    store text NOT NULL DEFAULT 'sample' CONSTRAINT metric_store CHECK (store IN ('sample', 'query', 'table')),
    numerator text[],
    denominator text[],
    CONSTRAINT metric_ratio CHECK ((kind = 'ratio') = (numerator IS NOT NULL AND denominator IS NOT NULL))
);
COMMENT ON TABLE asymm.metric IS 'The catalogue of what is measured over time; what stands before the dot is the family.';
COMMENT ON COLUMN asymm.metric.store IS 'Where it is kept: in the samples, or as part of query_load or table_load (and by the hour in the samples).';
COMMENT ON COLUMN asymm.metric.numerator IS 'A ratio is the sum of these counters over the sum of those in denominator.';

CREATE TABLE asymm.sample_series (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    metric text NOT NULL,
    node text NOT NULL,
    first_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT sample_series_name UNIQUE (metric, node)
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.sample_series IS 'Numbers of the series: a metric of a node.';
COMMENT ON COLUMN asymm.sample_series.last_at IS 'An hour in which it was seen: brought up to date when the hour is rolled up.';

-- A ring in three parts: a minute's steps in two parts of a day, quarters of an hour in three parts of four days, hours in four
-- parts of thirty days. A part is emptied when its time comes round again, so that no row is deleted one by one.
CREATE TABLE asymm.sample (
    slot smallint NOT NULL,
    family text NOT NULL,
    at timestamptz NOT NULL,
    ids bigint[] NOT NULL,
    totals double precision[] NOT NULL,
    lows double precision[],
    highs double precision[],
    counts integer[],
    PRIMARY KEY (slot, family, at)
) PARTITION BY LIST (slot);
COMMENT ON TABLE asymm.sample IS 'What was measured in each step of time, by family of metrics: the n-th of each array belongs to the n-th id.';
COMMENT ON COLUMN asymm.sample.ids IS 'Numbers in asymm.sample_series; of families that begin with query. the numbers in asymm.query, 0 is all others.';
COMMENT ON COLUMN asymm.sample.totals IS 'Sum of what was measured in the step; lows and highs are the extremes, counts how often. NULL in these: once.';

DO $ring$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT s.slot, s.step FROM (VALUES (0, 1, 'minute'), (10, 12, 'quarter of an hour'), (20, 23, 'hour')) AS r (low, high, step)
              CROSS JOIN LATERAL (SELECT g.slot, r.step FROM pg_catalog.generate_series(r.low, r.high) AS g (slot)) AS s LOOP
        EXECUTE pg_catalog.format('CREATE TABLE asymm.sample_%s PARTITION OF asymm.sample FOR VALUES IN (%s)', v.slot, v.slot);
        EXECUTE pg_catalog.format('COMMENT ON TABLE asymm.sample_%s IS ''Part of asymm.sample, a row for each %s.''', v.slot, v.step);
    END LOOP;
END
$ring$;

-- What was reported since the last sample.
CREATE TABLE asymm.sample_now (
    metric text NOT NULL,
    node text NOT NULL,
    total double precision NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    count integer NOT NULL,
    PRIMARY KEY (metric, node)
) WITH (fillfactor = 50);
COMMENT ON TABLE asymm.sample_now IS 'What asymm._record() was told since the last sample was written.';

CREATE TABLE asymm.telemetry_state (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT telemetry_state_only_row CHECK (only_row),
    sampled_at timestamptz,
    counters jsonb,
    quarters_until timestamptz,
    hours_until timestamptz,
    parts integer[] NOT NULL DEFAULT pg_catalog.array_fill(0, ARRAY[24], ARRAY[0]),
    in_hypertables boolean NOT NULL DEFAULT false,
    dropped bigint NOT NULL DEFAULT 0,
    since timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
INSERT INTO asymm.telemetry_state DEFAULT VALUES;
COMMENT ON TABLE asymm.telemetry_state IS 'How far telemetry is: the last sample and its counters, how far it is rolled up, and what each part of the ring holds.';
COMMENT ON COLUMN asymm.telemetry_state.counters IS 'The counters of the server as they were last read.';
COMMENT ON COLUMN asymm.telemetry_state.parts IS 'The period (number of the day, or of four or thirty days) that each part of the ring holds.';
COMMENT ON COLUMN asymm.telemetry_state.dropped IS 'Series that were not kept, since a family has 2,000 at most in a step.';
