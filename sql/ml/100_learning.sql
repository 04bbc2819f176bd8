-- What predicted gains of indexes turned out to be, and a model that corrects the next ones. Parameters are rows that anyone
-- may read. Nothing here touches a file or the network; the one function in Python gets documents and returns one.

CREATE TABLE asymm.model (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trained_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    samples integer NOT NULL,
    held_back integer NOT NULL,
    epochs integer NOT NULL,
    error_before double precision NOT NULL,
    error_after double precision NOT NULL,
    in_force boolean NOT NULL
);
COMMENT ON TABLE asymm.model IS 'Models that were fitted, with their error on held-back actions; in force is one that made it smaller.';
COMMENT ON COLUMN asymm.model.error_before IS 'Mean of |ln(measured / predicted)| over the held-back actions, uncorrected.';
COMMENT ON COLUMN asymm.model.error_after IS 'The same with the correction of this model.';

CREATE TABLE asymm.model_weight (
    model_id bigint NOT NULL REFERENCES asymm.model ON DELETE CASCADE,
    feature text NOT NULL,
    mean double precision NOT NULL,
    deviation double precision NOT NULL,
    weight double precision NOT NULL,
    PRIMARY KEY (model_id, feature)
);
COMMENT ON TABLE asymm.model_weight IS 'Parameters: weight × (feature − mean) ÷ deviation, summed, is ln(measured / predicted). The empty name is the constant.';

CREATE TABLE asymm.prediction (
    action_id bigint PRIMARY KEY REFERENCES asymm.action ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    features jsonb NOT NULL,
    predicted double precision NOT NULL,
    corrected double precision NOT NULL,
    uncertainty double precision NOT NULL,
    model_id bigint REFERENCES asymm.model ON DELETE SET NULL,
    measured double precision,
    measured_at timestamptz
);
COMMENT ON TABLE asymm.prediction IS 'Gains of indexes as they were predicted and corrected (ms an hour), and as they were measured.';

REVOKE ALL ON asymm.model, asymm.model_weight, asymm.prediction FROM PUBLIC;
GRANT SELECT ON asymm.model, asymm.model_weight, asymm.prediction TO asymm_reader;
GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON asymm.model, asymm.model_weight, asymm.prediction TO asymm_owner;

-- Counts and logarithms of what the advice says; nothing of a query's text.
CREATE FUNCTION asymm._advice_features(advice jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ms double precision;
    v_calls double precision;
    v_before double precision;
    v_after double precision;
    v_queries integer;
BEGIN
    SELECT COALESCE(sum(q.ms_per_hour), 0), COALESCE(sum(q.calls_per_hour), 0), COALESCE(sum(q.cost_before), 0), COALESCE(sum(q.cost_after), 0),
           count(*)
      INTO v_ms, v_calls, v_before, v_after, v_queries
      FROM jsonb_to_recordset(CASE jsonb_typeof(advice -> 'queries') WHEN 'array' THEN advice -> 'queries' ELSE '[]' END)
           AS q (ms_per_hour float8, calls_per_hour float8, cost_before float8, cost_after float8);
    RETURN jsonb_build_object(
        'ln size', ln(1 + GREATEST(0, COALESCE((advice ->> 'size_bytes')::float8, 0))),
        'ln gain', ln(1 + GREATEST(0, COALESCE((advice ->> 'saved_ms_per_hour')::float8, 0))),
        'ln ms a call', ln(0.001 + v_ms / GREATEST(v_calls, 1)),
        'ln calls', ln(1 + v_calls),
        'ln cost ratio', ln((1 + v_after) / (1 + v_before)),
        'queries', v_queries,
        'write share', LEAST(1, COALESCE((advice ->> 'write_ms_per_hour')::float8, 0)
                                / GREATEST(0.001, COALESCE((advice ->> 'saved_ms_per_hour')::float8, 0))),
        'keys', jsonb_array_length(CASE jsonb_typeof(advice -> 'keys') WHEN 'array' THEN advice -> 'keys' ELSE '[]' END),
        'covering', (COALESCE(advice -> 'include', '[]') <> '[]')::integer,
        'partial', (advice ->> 'predicate' IS NOT NULL)::integer,
        'expression', (advice ->> 'definition' LIKE '%((%')::integer,
        'btree', (COALESCE(advice ->> 'method', 'btree') = 'btree')::integer,
        'confidence', COALESCE((advice ->> 'confidence')::float8, 0.5));
END
$$;
COMMENT ON FUNCTION asymm._advice_features(jsonb) IS 'What a model knows of a piece of advice: numbers by name.';

-- Of a kind of which nothing was measured yet all is uncertain.
CREATE FUNCTION asymm._uncertainty(features jsonb) RETURNS double precision
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT 1 / sqrt(1 + count(*))
          FROM asymm.prediction AS p
         WHERE p.measured IS NOT NULL
           AND NOT EXISTS (SELECT FROM unnest('{btree,partial,expression,covering}'::text[]) AS k (name)
                            WHERE p.features -> k.name <> _uncertainty.features -> k.name)
           AND abs((p.features ->> 'ln size')::float8 - (_uncertainty.features ->> 'ln size')::float8) < 2.3
           AND abs((p.features ->> 'ln ms a call')::float8 - (_uncertainty.features ->> 'ln ms a call')::float8) < 2.3);
END
$$;
COMMENT ON FUNCTION asymm._uncertainty(jsonb) IS 'How little is known of advice like this: 1 when nothing like it was measured, less with each that was.';

CREATE FUNCTION asymm._corrected(features jsonb, predicted double precision, OUT corrected double precision, OUT model bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT m.id INTO model FROM asymm.model AS m WHERE m.in_force ORDER BY m.id DESC LIMIT 1;
    -- Never further than twentyfold, either way.
    corrected := predicted * exp(GREATEST(-3, LEAST(3, (
        SELECT COALESCE(sum(w.weight * (CASE WHEN w.feature = '' THEN 1 ELSE COALESCE((features ->> w.feature)::float8, w.mean) END - w.mean)
                            / w.deviation), 0)
          FROM asymm.model_weight AS w WHERE w.model_id = model))));
END
$$;
COMMENT ON FUNCTION asymm._corrected(jsonb, double precision) IS 'A predicted gain as the model in force believes it, and which model that is (NULL: none, uncorrected).';

CREATE FUNCTION asymm._note_prediction(action bigint, advice jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_features jsonb := asymm._advice_features(advice);
    v_predicted double precision := COALESCE((advice ->> 'saved_ms_per_hour')::float8, 0);
    v_corrected record := asymm._corrected(v_features, v_predicted);
    v_uncertainty double precision := asymm._uncertainty(v_features);
BEGIN
    INSERT INTO asymm.prediction (action_id, features, predicted, corrected, uncertainty, model_id)
    VALUES (action, v_features, v_predicted, v_corrected.corrected, v_uncertainty, v_corrected.model) ON CONFLICT DO NOTHING;
    RETURN jsonb_build_object('corrected_ms_per_hour', v_corrected.corrected, 'uncertainty', v_uncertainty);
END
$$;
COMMENT ON FUNCTION asymm._note_prediction(bigint, jsonb) IS 'Keeps what is predicted of an action; returns {corrected_ms_per_hour, uncertainty}.';

CREATE FUNCTION asymm._fit(samples jsonb, previous jsonb, regimes double precision[], epochs integer) RETURNS jsonb
LANGUAGE plpython3u IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $py$
@python fit.py(samples, previous, regimes, epochs)
$py$;
COMMENT ON FUNCTION asymm._fit(jsonb, jsonb, double precision[], integer)
    IS 'A model of ln(measured / predicted) from [{features, target, uncertainty}]: {samples, held_back, epochs, error_before, error_after, weights}; NULL for fewer than eight.';

-- An index that brought nothing, or harm, counts as a twentieth of what was promised.
CREATE FUNCTION asymm._train() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_samples jsonb;
    v_fit jsonb;
    v_id bigint;
BEGIN
    UPDATE asymm.prediction AS p SET measured = COALESCE((a.evidence_after ->> 'saved_ms_per_hour')::float8, 0), measured_at = a.changed_at
      FROM asymm.action AS a
     WHERE a.id = p.action_id AND p.measured IS NULL AND a.evidence_after ? 'saved_ms_per_hour' AND a.state IN ('verified', 'reverted');
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_agg(jsonb_build_object('features', p.features, 'uncertainty', p.uncertainty,
               'target', GREATEST(-3, LEAST(3, ln(GREATEST(p.measured, p.predicted * 0.05, 0.001) / GREATEST(p.predicted, 0.001)))))
               ORDER BY p.action_id)
      INTO v_samples
      FROM (SELECT p.* FROM asymm.prediction AS p WHERE p.measured IS NOT NULL AND p.predicted > 0 ORDER BY p.action_id DESC LIMIT 1000) AS p;
    v_fit := asymm._fit(COALESCE(v_samples, '[]'), (
        SELECT COALESCE(jsonb_object_agg(w.feature, w.weight), '{}') FROM asymm.model_weight AS w
         WHERE w.model_id = (SELECT max(m.id) FROM asymm.model AS m WHERE m.in_force)),
        (SELECT ARRAY[s.weight_exploration, s.weight_optimization, s.weight_stabilization] FROM asymm.settings AS s), 200);
    IF v_fit IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO asymm.model (samples, held_back, epochs, error_before, error_after, in_force)
    SELECT f.samples, f.held_back, f.epochs, f.error_before, f.error_after, f.error_after < f.error_before
      FROM jsonb_to_record(v_fit) AS f (samples integer, held_back integer, epochs integer, error_before float8, error_after float8)
    RETURNING id INTO v_id;
    INSERT INTO asymm.model_weight (model_id, feature, mean, deviation, weight)
    SELECT v_id, w.* FROM jsonb_to_recordset(v_fit -> 'weights') AS w (feature text, mean float8, deviation float8, weight float8);
    DELETE FROM asymm.model AS m WHERE m.id < v_id - 100;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._train() IS 'Scores predictions whose outcome is known and, if there are new ones, fits a model; returns its number or NULL.';

CREATE VIEW asymm.predictions AS
    SELECT p.action_id AS action, a.target, a.state, p.predicted, p.corrected, p.measured, p.uncertainty, p.model_id AS model, p.at, p.measured_at
      FROM asymm.prediction AS p JOIN asymm.action AS a ON a.id = p.action_id;
COMMENT ON VIEW asymm.predictions IS 'What was predicted of each index, by cost and corrected by what was learned, and what was measured (ms an hour).';
GRANT SELECT ON asymm.predictions TO asymm_reader;

REVOKE EXECUTE ON FUNCTION asymm._advice_features(jsonb), asymm._uncertainty(jsonb), asymm._corrected(jsonb, double precision),
    asymm._note_prediction(bigint, jsonb), asymm._fit(jsonb, jsonb, double precision[], integer), asymm._train() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION asymm._advice_features(jsonb), asymm._uncertainty(jsonb), asymm._corrected(jsonb, double precision),
    asymm._note_prediction(bigint, jsonb), asymm._fit(jsonb, jsonb, double precision[], integer), asymm._train() TO asymm_owner;
-- Whoever may call them acts as the role that owns the ledger, never as the superuser who created the extension.
ALTER TABLE asymm.model OWNER TO asymm_owner;
ALTER TABLE asymm.model_weight OWNER TO asymm_owner;
ALTER TABLE asymm.prediction OWNER TO asymm_owner;
ALTER VIEW asymm.predictions OWNER TO asymm_owner;
ALTER FUNCTION asymm._advice_features(jsonb) OWNER TO asymm_owner;
ALTER FUNCTION asymm._uncertainty(jsonb) OWNER TO asymm_owner;
ALTER FUNCTION asymm._corrected(jsonb, double precision) OWNER TO asymm_owner;
ALTER FUNCTION asymm._note_prediction(bigint, jsonb) OWNER TO asymm_owner;
ALTER FUNCTION asymm._train() OWNER TO asymm_owner;
