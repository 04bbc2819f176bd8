-- How long drivers waited for their reads.

CREATE TABLE asymm.read_latency (
    day date NOT NULL,
    name text NOT NULL,
    route text NOT NULL CONSTRAINT read_latency_route CHECK (route IN ('near', 'redis', 'replica', 'primary')),
    counts bigint[] NOT NULL CONSTRAINT read_latency_counts CHECK (pg_catalog.cardinality(counts) = 48),
    CONSTRAINT read_latency_key PRIMARY KEY (day, name, route)
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.read_latency IS 'Waiting times of a day by query (its fingerprint) and route, as a histogram; kept for a week.';
COMMENT ON COLUMN asymm.read_latency.counts IS 'The n-th (from 0) counts what took at most 0.05 ms × 2^(n/2), and more than the one before; the last has no end.';
