-- What the choice of indexes is worked out on. A run goes on from where it stood, a slice at a time; nothing here is dumped.

CREATE TABLE asymm.advice_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role name NOT NULL,
    kind text NOT NULL CONSTRAINT advice_run_kind CHECK (kind IN ('workload', 'standing', 'texts')),
    phase text NOT NULL DEFAULT 'look' CONSTRAINT advice_run_phase
        CHECK (phase IN ('look', 'size', 'probe', 'grow', 'shrink', 'polish', 'done')),
    budget bigint,
    tables oid[],
    since timestamptz,
    proved boolean NOT NULL,
    base double precision NOT NULL DEFAULT 0,
    heap bigint,
    chosen integer[] NOT NULL DEFAULT '{}',
    other integer[],
    rounds integer NOT NULL DEFAULT 0,
    ms_per_cost double precision,
    note text,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz
);
COMMENT ON TABLE asymm.advice_run IS 'Searches for the best set of indexes: whose, within how many bytes (NULL: any), where each stands.';
COMMENT ON COLUMN asymm.advice_run.proved IS 'Whether the planner is asked (by hypopg) what an index would bring; else advice goes by rule.';
COMMENT ON COLUMN asymm.advice_run.since IS 'From when on the workload is looked at; NULL where texts are given.';
COMMENT ON COLUMN asymm.advice_run.base IS 'What the workload costs without new indexes, in the unit of the weights.';
COMMENT ON COLUMN asymm.advice_run.heap IS 'Bytes of the tables that its statements read.';
COMMENT ON COLUMN asymm.advice_run.chosen IS 'The set as it stands; other is the one found in the other direction.';

CREATE TABLE asymm.advice_query (
    run_id bigint NOT NULL REFERENCES asymm.advice_run ON DELETE CASCADE,
    no integer NOT NULL,
    query_id bigint,
    place integer NOT NULL,
    statement text NOT NULL,
    path text NOT NULL,
    literal boolean NOT NULL,
    command text,
    calls_per_hour double precision,
    ms_per_hour double precision,
    weight double precision NOT NULL,
    looked boolean NOT NULL DEFAULT false,
    reason text,
    cost double precision,
    relations oid[] NOT NULL DEFAULT '{}',
    named jsonb NOT NULL DEFAULT '[]',
    own integer[] NOT NULL DEFAULT '{}',
    relevant integer[] NOT NULL DEFAULT '{}',
    now_cost double precision,
    now_used integer[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (run_id, no)
);
COMMENT ON TABLE asymm.advice_query IS 'Statements of a run; those of one query_id or place are examples of one and share its weight.';
COMMENT ON COLUMN asymm.advice_query.named IS 'Columns and expressions it compares, joins, sorts or groups by: [[relid, key]].';
COMMENT ON COLUMN asymm.advice_query.own IS 'Candidates made for it; relevant are those of any query that begin with something it names.';
COMMENT ON COLUMN asymm.advice_query.now_cost IS 'Its cost with the set as it stands, and the indexes of the set it then uses.';

CREATE TABLE asymm.advice_candidate (
    run_id bigint NOT NULL REFERENCES asymm.advice_run ON DELETE CASCADE,
    no integer NOT NULL,
    relid oid NOT NULL,
    schema_name name NOT NULL,
    table_name name NOT NULL,
    method text NOT NULL,
    keys text[] NOT NULL,
    include text[] NOT NULL DEFAULT '{}',
    predicate text,
    reason text,
    size_bytes bigint,
    writes double precision NOT NULL DEFAULT 0,
    keeping double precision NOT NULL DEFAULT 0,
    fault text,
    PRIMARY KEY (run_id, no),
    CONSTRAINT advice_candidate_once UNIQUE NULLS NOT DISTINCT (run_id, relid, method, keys, include, predicate)
);
COMMENT ON TABLE asymm.advice_candidate IS 'Indexes that are tried in a run.';
COMMENT ON COLUMN asymm.advice_candidate.writes IS 'What writing it costs, in the unit of the weights.';
COMMENT ON COLUMN asymm.advice_candidate.keeping IS 'What having it costs: writes, and a price for its size.';
COMMENT ON COLUMN asymm.advice_candidate.fault IS 'Why it can''t be tried.';

-- Every answer of the planner, so that none is asked for twice.
CREATE TABLE asymm.advice_cost (
    run_id bigint NOT NULL REFERENCES asymm.advice_run ON DELETE CASCADE,
    query_no integer NOT NULL,
    visible integer[] NOT NULL,
    used integer[] NOT NULL,
    cost double precision NOT NULL,
    PRIMARY KEY (run_id, query_no, visible)
);
COMMENT ON TABLE asymm.advice_cost IS 'Cost of a statement with some candidates in sight, and which of them the plan uses.';

CREATE TABLE asymm.advice_plan (
    run_id bigint NOT NULL REFERENCES asymm.advice_run ON DELETE CASCADE,
    query_no integer NOT NULL,
    used integer[] NOT NULL,
    cost double precision NOT NULL,
    PRIMARY KEY (run_id, query_no, used)
);
COMMENT ON TABLE asymm.advice_plan IS 'The cheapest plan of a statement for each set of candidates a plan used: possible wherever these are there.';

CREATE TABLE asymm.advice_move (
    run_id bigint NOT NULL REFERENCES asymm.advice_run ON DELETE CASCADE,
    adds integer[] NOT NULL,
    drops integer[] NOT NULL,
    gain double precision NOT NULL,
    bytes bigint NOT NULL,
    exact boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run_id, adds, drops)
);
COMMENT ON TABLE asymm.advice_move IS 'Changes to the set that this round of a run weighs: what each brings and takes, by what is known so far.';
