-- What the drivers read from copies: counts by day, so that it can be told what the mirror saves and what would be worth mirroring.

CREATE TABLE asymm.read_query (
    fingerprint text PRIMARY KEY CONSTRAINT read_query_fingerprint CHECK (fingerprint ~ '^[0-9a-f]{16,64}$'),
    role name NOT NULL,
    statement text,
    tables text[] NOT NULL DEFAULT '{}',
    reason text,
    first_seen timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_seen timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.read_query IS 'Queries that drivers asked with a mirror at hand; beyond 2,000 no new ones are taken.';
COMMENT ON COLUMN asymm.read_query.reason IS 'Why its result was last not kept, or NULL.';

CREATE TABLE asymm.read_count (
    day date NOT NULL,
    kind text NOT NULL CONSTRAINT read_count_kind CHECK (kind IN ('query', 'row')),
    name text NOT NULL,
    route text NOT NULL CONSTRAINT read_count_route CHECK (route IN ('near', 'redis', 'replica', 'primary')),
    hits bigint NOT NULL,
    misses bigint NOT NULL,
    refused bigint NOT NULL,
    failed bigint NOT NULL,
    seconds double precision NOT NULL,
    saved_seconds double precision NOT NULL,
    bytes bigint NOT NULL,
    CONSTRAINT read_count_key PRIMARY KEY (day, kind, name, route)
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.read_count IS 'Reads of a day by query (its fingerprint) or by row of a table (its name), and by the route that answered.';
COMMENT ON COLUMN asymm.read_count.hits IS 'Answered by a copy.';
COMMENT ON COLUMN asymm.read_count.misses IS 'Could have been answered by a copy, but there was none, or none new enough.';
COMMENT ON COLUMN asymm.read_count.refused IS 'Could not be answered by any copy.';
COMMENT ON COLUMN asymm.read_count.failed IS 'Was tried by this route, which did not answer; another one did.';

CREATE TABLE asymm.read_key (
    day date NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    hits bigint NOT NULL,
    misses bigint NOT NULL,
    CONSTRAINT read_key_key PRIMARY KEY (day, name, key)
) WITH (fillfactor = 70);
COMMENT ON TABLE asymm.read_key IS 'Keys of mirrored tables and parameters of queries: those read and those missed most, 200 a day and table or query at most.';
