-- The four operations on annotations. Each is a function, has an operator (see 910_bindings) and, where the result is one
-- annotation, an aggregate. NULL is an annotation that is missing: the functions return NULL for it, the aggregates pass it over.
-- Every function reads what it is given with _require_annotation(), so that of sound annotations only sound ones come.

-- In plpgsql, and every step an expression of its own: a SELECT would cost five times as much.
CREATE OR REPLACE FUNCTION asymm._entries(lineage text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_entry text;
    v_entries text[] := '{}';
BEGIN
    FOREACH v_entry IN ARRAY lineage LOOP
        IF NOT v_entry = ANY (v_entries) THEN
            v_entries := array_append(v_entries, v_entry);
        END IF;
    END LOOP;
    RETURN v_entries;
END
$$;
COMMENT ON FUNCTION asymm._entries(text[]) IS 'The entries of a lineage, each once, where it first stood.';

CREATE OR REPLACE FUNCTION asymm.amplify(a asymm.annotation, b asymm.annotation) RETURNS asymm.annotation
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_annotation(a), asymm._require_annotation(b);
    RETURN ROW(a.symbol, a.scope, a.regime, GREATEST(a.cost, b.cost), asymm._entries(array_cat(a.lineage, b.lineage)),
               a.weight + b.weight)::asymm.annotation;
END
$$;
COMMENT ON FUNCTION asymm.amplify(asymm.annotation, asymm.annotation)
    IS 'a ⊕ b: what a is, with the larger cost, the lineages of both in order, and the evidence of both added.';

-- Until it is measured, what is known of an annotation is how far its lineage goes back: that is its fidelity here. Ties are
-- decided by the tuple itself, so that the order of the arguments never matters.
CREATE OR REPLACE FUNCTION asymm._leads(a asymm.annotation, b asymm.annotation) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_a integer := LEAST(cardinality(a.lineage), 5);
    v_b integer := LEAST(cardinality(b.lineage), 5);
BEGIN
    IF v_a <> v_b THEN
        RETURN v_a > v_b;
    ELSIF a.symbol <> b.symbol THEN
        RETURN a.symbol COLLATE "C" < b.symbol COLLATE "C";
    END IF;
    RETURN a.lineage COLLATE "C" <= b.lineage COLLATE "C";
END
$$;
COMMENT ON FUNCTION asymm._leads(asymm.annotation, asymm.annotation)
    IS 'Whether harmonize() takes symbol and order of lineage from a: higher fidelity, else the smaller symbol, else the smaller lineage.';

CREATE OR REPLACE FUNCTION asymm._shared_entries(lineage text[], other text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_entry text;
    v_entries text[] := '{}';
BEGIN
    FOREACH v_entry IN ARRAY lineage LOOP
        IF v_entry = ANY (other) AND NOT v_entry = ANY (v_entries) THEN
            v_entries := array_append(v_entries, v_entry);
        END IF;
    END LOOP;
    RETURN v_entries;
END
$$;
COMMENT ON FUNCTION asymm._shared_entries(text[], text[]) IS 'The entries that two lineages share, each once, in the order of the first.';

CREATE OR REPLACE FUNCTION asymm.harmonize(a asymm.annotation, b asymm.annotation) RETURNS asymm.annotation
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_scopes CONSTANT text[] := '{local, module, global}';
    v_lead boolean;
BEGIN
    PERFORM asymm._require_annotation(a), asymm._require_annotation(b);
    v_lead := asymm._leads(a, b);
    RETURN ROW(CASE WHEN v_lead THEN a.symbol ELSE b.symbol END,
               v_scopes[GREATEST(array_position(v_scopes, a.scope), array_position(v_scopes, b.scope))],
               'Balance', GREATEST(a.cost, b.cost),
               CASE WHEN v_lead THEN asymm._shared_entries(a.lineage, b.lineage)
                    ELSE asymm._shared_entries(b.lineage, a.lineage) END,
               a.weight / 2 + b.weight / 2)::asymm.annotation;
END
$$;
COMMENT ON FUNCTION asymm.harmonize(asymm.annotation, asymm.annotation)
    IS 'a ⊗ b: what both agree on. Symbol of the one with the longer lineage (up to 5), wider scope, Balance, larger cost, shared lineage, mean weight.';

CREATE OR REPLACE FUNCTION asymm.propagate(annotation asymm.annotation, among asymm.annotation[]) RETURNS SETOF asymm.annotation
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_annotation(annotation);
    RETURN QUERY SELECT n.* FROM unnest(among) AS n WHERE n.lineage @> annotation.lineage;
END
$$;
COMMENT ON FUNCTION asymm.propagate(asymm.annotation, asymm.annotation[])
    IS '▷: those among the given annotations that went through all of the annotation''s lineage. A selection; it changes nothing.';

CREATE OR REPLACE FUNCTION asymm.resolve(a asymm.annotation, b asymm.annotation) RETURNS asymm.annotation
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_annotation(a), asymm._require_annotation(b);
    IF LEAST(cardinality(a.lineage), 5) > LEAST(cardinality(b.lineage), 5) THEN
        RETURN a;
    END IF;
    RETURN b;
END
$$;
COMMENT ON FUNCTION asymm.resolve(asymm.annotation, asymm.annotation)
    IS 'a ⊣ b: the one with the higher fidelity as far as it is known unmeasured, by its lineage; a tie goes to b. arbitrate() weighs measured ones.';
