-- The annotation tuple (σ, ρ, γ, κ, λ) with its weight. Values are validated where they enter: asymm.annotate(), the
-- cast from jsonb, and CHECK constraints of the tables that store one.

CREATE TYPE asymm.annotation AS (
    symbol text,
    scope text,
    regime text,
    cost text,
    lineage text[],
    weight double precision
);
COMMENT ON TYPE asymm.annotation IS 'What a thing is (symbol), where it applies (scope), its phase (regime), its complexity class (cost), what it came from (lineage, oldest first) and the evidence behind it (weight > 0).';
