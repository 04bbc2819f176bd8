-- Alerts (880 to 889): where they go, what they are about, which are open, and the outbox that senders empty. What operators declared
-- is dumped, what happened is not. No secret is in here, only names of variables in a sender's environment.

-- A role of its own for who sends: it can take what is to be sent and say what came of it. As the others: accepted only without powers.
DO $role$
DECLARE
    v_bad text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'asymm_sender') THEN
        CREATE ROLE asymm_sender NOLOGIN;
    END IF;
    SELECT CASE WHEN r.rolcanlogin THEN 'it can log in'
                WHEN r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls THEN 'it has attributes of its own'
                WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid) THEN 'it is a member of another role'
           END
      INTO v_bad
      FROM pg_catalog.pg_roles r WHERE r.rolname = 'asymm_sender';
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'role "asymm_sender" exists and cannot be used'
            USING ERRCODE = 'invalid_role_specification', DETAIL = pg_catalog.format('It was refused because %s.', v_bad),
                  HINT = 'Rename or drop it: ALTER ROLE asymm_sender RENAME TO …, then try again.';
    END IF;
END
$role$;
GRANT USAGE ON SCHEMA asymm TO asymm_sender;

CREATE TABLE asymm.alert_destination (
    name text COLLATE "C" PRIMARY KEY CONSTRAINT alert_destination_name CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    kind text NOT NULL CONSTRAINT alert_destination_kind CHECK (kind IN ('webhook', 'whatsapp', 'alertmanager', 'email')),
    url text,
    secret text CONSTRAINT alert_destination_secret CHECK (secret ~ '^ASYMMETRICA_ALERT_[A-Z0-9_]{1,45}$'),
    sender text,
    recipients text[] NOT NULL DEFAULT '{}',
    template text,
    language text NOT NULL DEFAULT 'en' CONSTRAINT alert_destination_language CHECK (language ~ '^[a-z]{2,3}(_[A-Z]{2})?$'),
    give_up_after interval NOT NULL DEFAULT '1 day'
        CONSTRAINT alert_destination_give_up_after CHECK (give_up_after BETWEEN '1 min' AND '30 days'),
    set_by name NOT NULL,
    set_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE asymm.alert_destination IS 'Where alerts can go, as set_alert_destination() got it; survives pg_dump.';
COMMENT ON COLUMN asymm.alert_destination.url IS 'Without user and password; env:NAME: it stands in that variable of the sender''s environment.';
COMMENT ON COLUMN asymm.alert_destination.secret IS 'Name of a variable in the sender''s environment: the key of a webhook''s signature, the token of WhatsApp.';
COMMENT ON COLUMN asymm.alert_destination.sender IS 'From whom: a mail address, or the id of a phone number at WhatsApp.';
COMMENT ON COLUMN asymm.alert_destination.template IS 'The template of WhatsApp that the text is put in: without one a message only arrives within 24 hours of an answer.';
COMMENT ON COLUMN asymm.alert_destination.give_up_after IS 'What could not be sent for so long is a dead letter.';
SELECT pg_catalog.pg_extension_config_dump('asymm.alert_destination', '');

CREATE TABLE asymm.alert_rule (
    name text COLLATE "C" PRIMARY KEY CONSTRAINT alert_rule_name CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    destinations text[] NOT NULL CONSTRAINT alert_rule_destinations CHECK (pg_catalog.cardinality(destinations) BETWEEN 1 AND 16),
    severity text NOT NULL DEFAULT 'warning' CONSTRAINT alert_rule_severity CHECK (severity IN ('info', 'warning', 'critical')),
    sources text[] CONSTRAINT alert_rule_sources CHECK (pg_catalog.cardinality(sources) BETWEEN 1 AND 64),
    kinds text[] CONSTRAINT alert_rule_kinds CHECK (pg_catalog.cardinality(kinds) BETWEEN 1 AND 64),
    pattern text COLLATE "C",
    wait interval NOT NULL DEFAULT '2 s' CONSTRAINT alert_rule_wait CHECK (wait BETWEEN '0' AND '1 day'),
    resolved boolean NOT NULL DEFAULT true,
    quiet_hours text NOT NULL DEFAULT ''
        CONSTRAINT alert_rule_quiet_hours CHECK (quiet_hours ~ '^(([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])?$'),
    time_zone text NOT NULL DEFAULT 'UTC',
    escalate_after interval CONSTRAINT alert_rule_escalate_after CHECK (escalate_after BETWEEN '1 s' AND '30 days'),
    escalate_to text[] CONSTRAINT alert_rule_escalate_to CHECK (pg_catalog.cardinality(escalate_to) BETWEEN 1 AND 16),
    set_by name NOT NULL,
    set_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT alert_rule_escalation CHECK ((escalate_after IS NULL) = (escalate_to IS NULL))
);
COMMENT ON TABLE asymm.alert_rule IS 'Which findings and drift are told to whom, as alert_on() got it; a condition that is NULL is none; survives pg_dump.';
COMMENT ON COLUMN asymm.alert_rule.sources IS 'drift, or sonars that find: ux, semantic, state, contract, ….';
COMMENT ON COLUMN asymm.alert_rule.kinds IS 'Kinds of objects that drift (table, view, …), or of nodes that are found (entity, query, cache).';
COMMENT ON COLUMN asymm.alert_rule.pattern IS 'LIKE pattern for the name of the object or node.';
COMMENT ON COLUMN asymm.alert_rule.wait IS 'What is over within this time is not told, unless it was repaired: then one message says so.';
COMMENT ON COLUMN asymm.alert_rule.quiet_hours IS 'Hours as 22:00-07:00 in time_zone in which only what is critical is told; the rest waits for their end.';
SELECT pg_catalog.pg_extension_config_dump('asymm.alert_rule', '');

CREATE TABLE asymm.alert (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule text COLLATE "C" NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    about text NOT NULL,
    severity text NOT NULL CONSTRAINT alert_severity CHECK (severity IN ('info', 'warning', 'critical')),
    seen text NOT NULL,
    object_kind text,
    schema_name text COLLATE "C",
    object_name text COLLATE "C",
    finding_id bigint,
    opened_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    acknowledged_at timestamptz,
    acknowledged_by name,
    escalate_at timestamptz,
    escalated_at timestamptz,
    closed_at timestamptz,
    outcome text
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX alert_open ON asymm.alert (rule, source, key) WHERE closed_at IS NULL;
CREATE INDEX alert_closed ON asymm.alert (source, key, rule) WHERE closed_at IS NOT NULL;
CREATE INDEX alert_escalation ON asymm.alert (escalate_at) WHERE escalate_at IS NOT NULL AND closed_at IS NULL;
COMMENT ON TABLE asymm.alert IS 'What is, or was, to be told by a rule: one open row for each key, from when it is seen until it is over.';
COMMENT ON COLUMN asymm.alert.key IS 'What makes two sights the same: an object that drifts, or the key of a finding.';
COMMENT ON COLUMN asymm.alert.about IS 'The object or node as people read it; * for the database as a whole.';
COMMENT ON COLUMN asymm.alert.outcome IS 'How it ended: healed, adopted, vanished, unwatched, over, rule removed.';

-- Written in the transaction of what it tells of, so that neither is there without the other.
CREATE TABLE asymm.alert_message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id bigint REFERENCES asymm.alert ON DELETE CASCADE,
    destination text COLLATE "C" NOT NULL,
    recipient text,
    what text NOT NULL CONSTRAINT alert_message_what CHECK (what IN ('opened', 'raised', 'escalated', 'resolved', 'test')),
    state text NOT NULL DEFAULT 'waiting' CONSTRAINT alert_message_state CHECK (state IN ('waiting', 'sent', 'dead', 'skipped')),
    key uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    due_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    leader_id bigint,
    tries integer NOT NULL DEFAULT 0,
    first_try_at timestamptz,
    payload jsonb,
    status integer,
    error text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz
) WITH (fillfactor = 50);
CREATE INDEX alert_message_waiting ON asymm.alert_message (destination, due_at) WHERE state = 'waiting';
CREATE INDEX alert_message_alert ON asymm.alert_message (alert_id);
CREATE INDEX alert_message_leader ON asymm.alert_message (leader_id) WHERE leader_id IS NOT NULL;
CREATE INDEX alert_message_dead ON asymm.alert_message (destination) WHERE state = 'dead';
CREATE INDEX alert_message_ended ON asymm.alert_message (ended_at) WHERE state <> 'waiting';
COMMENT ON TABLE asymm.alert_message IS 'The outbox: each message to a destination until it is sent, dead (given up) or skipped (over before it was sent).';
COMMENT ON COLUMN asymm.alert_message.key IS 'Sent along: a receiver that sees it twice has seen one message twice.';
COMMENT ON COLUMN asymm.alert_message.leader_id IS 'The message this one went out with: what is due at one time to one destination is one message.';
COMMENT ON COLUMN asymm.alert_message.payload IS 'What is sent, put together at the first try and the same ever after.';

CREATE TABLE asymm.alert_destination_state (
    destination text COLLATE "C" PRIMARY KEY,
    lease uuid,
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    leased_message bigint,
    next_try_at timestamptz NOT NULL DEFAULT '-infinity',
    refreshed_at timestamptz NOT NULL DEFAULT '-infinity',
    failures_in_row integer NOT NULL DEFAULT 0,
    sent bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    dead bigint NOT NULL DEFAULT 0,
    last_sent_at timestamptz,
    last_failed_at timestamptz,
    status integer,
    error text
) WITH (fillfactor = 50);
COMMENT ON TABLE asymm.alert_destination_state IS 'Who sends to each destination just now (lease), how that went, and when it is tried again.';
COMMENT ON COLUMN asymm.alert_destination_state.refreshed_at IS 'When an Alertmanager was last told of all that is open: it forgets what nobody repeats.';

CREATE TABLE asymm.alert_sender (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT alert_sender_only_row CHECK (only_row),
    login name,
    seen_at timestamptz
) WITH (fillfactor = 50);
INSERT INTO asymm.alert_sender DEFAULT VALUES;
COMMENT ON TABLE asymm.alert_sender IS 'When a sender last asked for something to send.';
