-- What the sonars, watchdogs and contracts found: one row while it lasts. Telemetry: not dumped.

CREATE TABLE asymm.finding (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sonar text NOT NULL CONSTRAINT finding_sonar CHECK (sonar ~ '^[a-z][a-z_]{0,62}$'),
    key text NOT NULL,
    severity text NOT NULL CONSTRAINT finding_severity CHECK (severity IN ('info', 'warning', 'critical')),
    node text NOT NULL,
    seen text NOT NULL,
    evidence jsonb NOT NULL DEFAULT '{}' CONSTRAINT finding_evidence CHECK (pg_catalog.jsonb_typeof(evidence) = 'object'),
    query text,
    recommended text,
    action_id bigint REFERENCES asymm.action ON DELETE SET NULL,
    times integer NOT NULL DEFAULT 1,
    opened_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_seen_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    closed_at timestamptz
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX finding_open ON asymm.finding (sonar, key) WHERE closed_at IS NULL;
CREATE INDEX finding_closed ON asymm.finding (sonar, key, closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX finding_action ON asymm.finding (action_id) WHERE action_id IS NOT NULL;
COMMENT ON TABLE asymm.finding IS 'What was found wrong: one row from when it is first seen until it is seen no more.';
COMMENT ON COLUMN asymm.finding.sonar IS 'Who found it: ux, semantic, state, contract, graph and so on.';
COMMENT ON COLUMN asymm.finding.key IS 'What makes two sights the same finding of a sonar.';
COMMENT ON COLUMN asymm.finding.node IS 'The node it is about, such as entity:public.orders or query:17; * for the database as a whole.';
COMMENT ON COLUMN asymm.finding.evidence IS 'The figures. What people wrote stands under statement, example or plan only, which readers are not shown.';
COMMENT ON COLUMN asymm.finding.query IS 'A query that shows it.';
COMMENT ON COLUMN asymm.finding.times IS 'How often it was opened: one that comes back within an hour is the same finding.';
