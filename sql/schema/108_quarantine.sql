-- Annotations that lost an arbitration: kept, with their lineage and what they lost to.

CREATE TYPE asymm.witness AS (
    candidate integer,
    fidelity double precision,
    confidence double precision,
    weight double precision
);
COMMENT ON TYPE asymm.witness IS 'What a witness says of a candidate (by its place, from 1): the fidelity it measured (0: did not survive), how sure it is (0 to 1), how much it counts (NULL: 1).';

CREATE TABLE asymm.quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node text NOT NULL,
    fingerprint text NOT NULL CONSTRAINT quarantine_fingerprint CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    annotation asymm.annotation NOT NULL,
    score double precision,
    survived boolean,
    winner asymm.annotation,
    winner_score double precision,
    times integer NOT NULL DEFAULT 1,
    quarantined_by name NOT NULL,
    first_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT quarantine_once UNIQUE (node, fingerprint)
);
COMMENT ON TABLE asymm.quarantine IS 'Annotations that lost an arbitration, one row each for a node, however often they lose; survives pg_dump.';
COMMENT ON COLUMN asymm.quarantine.fingerprint IS 'SHA-256 over the annotation but for its weight.';
COMMENT ON COLUMN asymm.quarantine.survived IS 'Whether a witness measured anything of it; NULL: nobody did.';
COMMENT ON COLUMN asymm.quarantine.winner IS 'What it lost to; NULL: no candidate survived.';

SELECT pg_catalog.pg_extension_config_dump('asymm.quarantine', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.quarantine_id_seq', '');
