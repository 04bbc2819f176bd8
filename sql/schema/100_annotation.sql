-- The annotation tuple (σ, ρ, γ, κ, λ) with its weight. Values are validated where they enter: asymm.annotate(), the
-- cast from jsonb, and CHECK constraints of the tables that store one.

-- Ordered, hashed and indexed as any enum is. No class is ever put in between: what lies there is refused by asymm.to_cost().
CREATE TYPE asymm.cost AS ENUM ('O(1)', 'O(log n)', 'O(n)', 'O(n log n)', 'O(n^2)', 'O(n^3)', 'O(2^n)');
COMMENT ON TYPE asymm.cost IS 'Complexity classes, the cheapest first: compare, sort, index, min() and max() them. asymm.to_cost(text) reads other spellings.';

CREATE TYPE asymm.annotation AS (
    symbol text,
    scope text,
    regime text,
    cost asymm.cost,
    lineage text[],
    weight double precision
);
COMMENT ON TYPE asymm.annotation IS 'What a thing is (symbol), where it applies (scope), its phase (regime), its complexity class (cost), what it came from (lineage, oldest first) and the evidence behind it (weight > 0).';
