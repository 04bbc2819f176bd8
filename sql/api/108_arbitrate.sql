-- Arbitration of annotations that disagree: every candidate is weighed by its witnesses, one wins, the others go into quarantine.

CREATE OR REPLACE FUNCTION asymm._require_witnesses(candidates integer, witnesses asymm.witness[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_bad text;
BEGIN
    SELECT CASE WHEN (w.candidate BETWEEN 1 AND candidates) IS NOT TRUE
                    THEN format('a witness for candidate %s; there are %s', COALESCE(w.candidate::text, 'NULL'), candidates)
                WHEN (w.fidelity >= 0 AND w.fidelity <= 1) IS NOT TRUE
                    THEN format('a fidelity of %s, not of 0 to 1', COALESCE(w.fidelity::text, 'NULL'))
                WHEN (w.confidence >= 0 AND w.confidence <= 1) IS NOT TRUE
                    THEN format('a confidence of %s, not of 0 to 1', COALESCE(w.confidence::text, 'NULL'))
                ELSE format('a weight of %s, not above 0 and finite', w.weight) END
      INTO v_bad FROM unnest(witnesses) AS w
     WHERE (w.candidate BETWEEN 1 AND candidates AND w.fidelity >= 0 AND w.fidelity <= 1
            AND w.confidence >= 0 AND w.confidence <= 1
            AND COALESCE(w.weight, 1) > 0 AND COALESCE(w.weight, 1) < 'Infinity') IS NOT TRUE
     LIMIT 1;
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'witness refused'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Seen: %s.', v_bad),
                  HINT = 'A witness is ROW(candidate, fidelity, confidence, weight): ARRAY[ROW(1, 0.9, 1, 1)]::asymm.witness[].';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_witnesses(integer, asymm.witness[]) IS 'Raises 22023 for a witness of nobody or one that says what cannot be.';

-- The score is Σwφc / Σwc over the witnesses of a candidate. One for whom nobody can say anything stands on its lineage. One in whom
-- every witness found nothing did not survive, and cannot win. Ties go to the last, as with resolve.
CREATE OR REPLACE FUNCTION asymm.arbitrate(candidates asymm.annotation[], witnesses asymm.witness[] DEFAULT '{}')
RETURNS TABLE (candidate integer, annotation asymm.annotation, score double precision, survived boolean, won boolean, settled asymm.annotation)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_all CONSTANT asymm.annotation[] := asymm._present(candidates);
    v_winner integer;
BEGIN
    IF v_all IS NULL OR cardinality(v_all) = 0 OR cardinality(v_all) <> cardinality(candidates) THEN
        RAISE EXCEPTION 'there is nothing to arbitrate'
            USING ERRCODE = 'null_value_not_allowed', DETAIL = 'A candidate is NULL, or there is none.',
                  HINT = 'Pass at least one annotation: candidates => ARRAY[asymm.annotate(''dataEntity'')].';
    END IF;
    PERFORM asymm._require_witnesses(cardinality(v_all), witnesses);
    SELECT s.place INTO v_winner FROM asymm._scores(v_all, witnesses) AS s
     WHERE s.survived IS NOT FALSE ORDER BY s.score DESC, s.place DESC LIMIT 1;
    RETURN QUERY
        SELECT s.place, v_all[s.place], s.score, s.survived, s.place IS NOT DISTINCT FROM v_winner,
               CASE WHEN s.place = v_winner THEN asymm.harmonize(v_all[s.place], v_all[s.place]) END
          FROM asymm._scores(v_all, witnesses) AS s ORDER BY s.place;
END
$$;
COMMENT ON FUNCTION asymm.arbitrate(asymm.annotation[], asymm.witness[])
    IS 'Weighs annotations that disagree by what their witnesses measured: score, whether it survived, who won, and the winner in Balance (settled). Changes nothing.';

CREATE OR REPLACE FUNCTION asymm._scores(candidates asymm.annotation[], witnesses asymm.witness[])
RETURNS TABLE (place integer, score double precision, survived boolean)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT c.place::integer,
               COALESCE(w.score, LEAST(1, cardinality(c.lineage) / 5::double precision)), w.survived
          FROM unnest(candidates) WITH ORDINALITY AS c (symbol, scope, regime, cost, lineage, weight, place)
          LEFT JOIN (SELECT v.candidate, bool_or(v.fidelity > 0) AS survived,
                            sum(COALESCE(v.weight, 1) * v.fidelity * v.confidence ORDER BY v.place)
                            / NULLIF(sum(COALESCE(v.weight, 1) * v.confidence ORDER BY v.place), 0) AS score
                       FROM unnest(witnesses) WITH ORDINALITY AS v (candidate, fidelity, confidence, weight, place)
                      WHERE v.confidence > 0 GROUP BY v.candidate) AS w ON w.candidate = c.place;
END
$$;
COMMENT ON FUNCTION asymm._scores(asymm.annotation[], asymm.witness[]) IS 'Every candidate''s score and whether it survived; NULL where no witness knows.';

CREATE OR REPLACE FUNCTION asymm.settle(node text, candidates asymm.annotation[], witnesses asymm.witness[] DEFAULT '{}')
RETURNS asymm.annotation
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_node CONSTANT asymm.node := asymm._node_named(asymm._require_text(node, 'node'));
    v_name text := node;
    v_place integer;
    v_winner asymm.annotation;
    v_score double precision;
BEGIN
    PERFORM asymm._require_session();
    -- Of a node of the graph only who may act for its owner; other names are the caller's own.
    IF (v_node).id IS NOT NULL THEN
        v_name := asymm._require_voice(v_node);
    END IF;
    SELECT a.candidate, a.score INTO v_place, v_score FROM asymm.arbitrate(candidates, witnesses) AS a WHERE a.won;
    v_winner := (asymm._present(candidates))[v_place];
    -- What differs in weight alone says the same: it did not lose to the winner.
    INSERT INTO asymm.quarantine AS q (node, fingerprint, annotation, score, survived, winner, winner_score, quarantined_by)
    SELECT DISTINCT ON (f.fingerprint) v_name, f.fingerprint, a.annotation, a.score, a.survived, v_winner, v_score, asymm._caller()
      FROM asymm.arbitrate(candidates, witnesses) AS a
     CROSS JOIN LATERAL (SELECT encode(sha256(convert_to((asymm.annotation_json(a.annotation) - 'weight')::text, 'UTF8')), 'hex')) AS f (fingerprint)
     WHERE NOT a.won AND (asymm.annotation_json(a.annotation) - 'weight') IS DISTINCT FROM (asymm.annotation_json(v_winner) - 'weight')
     ORDER BY f.fingerprint, a.score DESC
    ON CONFLICT ON CONSTRAINT quarantine_once DO UPDATE
       SET annotation = excluded.annotation, score = excluded.score, survived = excluded.survived, winner = excluded.winner,
           winner_score = excluded.winner_score, times = q.times + 1, quarantined_by = excluded.quarantined_by, last_at = clock_timestamp();
    RETURN asymm.harmonize(v_winner, v_winner);
END
$$;
COMMENT ON FUNCTION asymm.settle(text, asymm.annotation[], asymm.witness[])
    IS 'Arbitrates between annotations of a node, puts the losers into quarantine and returns the winner in Balance; NULL when none survived. Raises 42501 for a node of somebody else.';

CREATE OR REPLACE VIEW asymm.quarantined AS
    SELECT q.id, q.node, asymm.annotation_json(q.annotation) AS annotation, q.score, q.survived, asymm.annotation_json(q.winner) AS winner,
           q.winner_score, q.times, q.quarantined_by, q.first_at, q.last_at
      FROM asymm.quarantine AS q;
COMMENT ON VIEW asymm.quarantined IS 'Annotations that lost an arbitration, what they scored, what they lost to, how often and when.';
