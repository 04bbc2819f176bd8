-- Policies by rule: what holds for objects of some name, kind or size, and for what their repair may do.

CREATE TABLE asymm.policy_rule (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pattern text COLLATE "C",
    kind text,
    hazard text,
    larger_than bigint CONSTRAINT policy_rule_larger_than CHECK (larger_than >= 0),
    policy text NOT NULL CONSTRAINT policy_rule_policy CHECK (policy IN ('observe', 'propose', 'heal', 'guard')),
    set_by name NOT NULL,
    set_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT policy_rule_guard CHECK (policy <> 'guard' OR hazard IS NULL AND larger_than IS NULL),
    CONSTRAINT policy_rule_conditions UNIQUE NULLS NOT DISTINCT (set_by, pattern, kind, hazard, larger_than)
);
COMMENT ON TABLE asymm.policy_rule IS 'Policies by name, kind, size and hazard, as set_policy() got them; a condition that is NULL is none.';
COMMENT ON COLUMN asymm.policy_rule.pattern IS 'LIKE pattern for the name of an object as it is displayed; what is the name letter for letter is that object alone.';
COMMENT ON COLUMN asymm.policy_rule.larger_than IS 'Bytes of a table or materialized view with its indexes and TOAST.';
COMMENT ON COLUMN asymm.policy_rule.set_by IS 'Whose rule it is: it acts on objects that this role may act for, by its memberships of the moment.';
SELECT pg_catalog.pg_extension_config_dump('asymm.policy_rule', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.policy_rule_id_seq', '');
