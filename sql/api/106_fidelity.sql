-- How far an annotation can be believed, how fast that fades, and how far it reaches along the graph.

CREATE OR REPLACE FUNCTION asymm.configure_annotations(
    fidelity_lineage double precision DEFAULT NULL,
    fidelity_regime double precision DEFAULT NULL,
    fidelity_cost double precision DEFAULT NULL,
    fidelity_half_life interval DEFAULT NULL
) RETURNS asymm.annotation_setting
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_row asymm.annotation_setting;
    v_constraint text;
BEGIN
    PERFORM asymm._require_session();
    -- One writer at a time: the second waits, then sees the first one's row.
    LOCK TABLE asymm.annotation_setting IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO asymm.annotation_setting DEFAULT VALUES ON CONFLICT DO NOTHING;
    UPDATE asymm.annotation_setting AS s
       SET fidelity_lineage = COALESCE(configure_annotations.fidelity_lineage, s.fidelity_lineage),
           fidelity_regime = COALESCE(configure_annotations.fidelity_regime, s.fidelity_regime),
           fidelity_cost = COALESCE(configure_annotations.fidelity_cost, s.fidelity_cost),
           fidelity_half_life = COALESCE(configure_annotations.fidelity_half_life, s.fidelity_half_life)
    RETURNING s.* INTO v_row;
    PERFORM asymm._record_place();
    RETURN v_row;
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
    PERFORM asymm._refuse_setting('asymm.annotation_setting', v_constraint);
END
$$;
COMMENT ON FUNCTION asymm.configure_annotations(double precision, double precision, double precision, interval)
    IS 'Changes settings of annotations: what their fidelity is made of and how fast it fades; NULL leaves one as it is. Returns the row in force. Raises 22023 for a value out of range.';

CREATE OR REPLACE FUNCTION asymm._require_share(value double precision, argument text) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (value >= 0 AND value <= 1) IS FALSE THEN
        RAISE EXCEPTION 'argument "%" is not between 0 and 1', argument
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Seen: %s.', value),
                  HINT = 'Fidelities, confidences and what is left of them are shares: 0 nothing, 1 all.';
    END IF;
    RETURN value;
END
$$;
COMMENT ON FUNCTION asymm._require_share(double precision, text) IS 'Returns the value; raises 22023 unless it lies in 0 to 1 or is NULL.';

CREATE OR REPLACE FUNCTION asymm._require_regime(regime text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF regime NOT IN ('Support', 'Exploration', 'Balance') THEN
        RAISE EXCEPTION 'regime "%" does not exist', regime
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Regimes are Support, Balance and Exploration.',
                  HINT = 'Use regime => ''Balance''; case counts.';
    END IF;
    RETURN regime;
END
$$;
COMMENT ON FUNCTION asymm._require_regime(text) IS 'Returns the regime, or NULL for NULL; raises 22023 when there is none of that name.';

-- Beyond that there is nothing left to tell, and floating point would refuse to say how little.
CREATE OR REPLACE FUNCTION asymm._faded(fidelity double precision, exponent double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN fidelity < 1e-100 OR exponent > 300 THEN 0 ELSE fidelity * exp(-exponent) END;
END
$$;
COMMENT ON FUNCTION asymm._faded(double precision, double precision) IS 'fidelity·exp(-exponent), or 0 where nothing is left.';

-- What was not measured says neither yes nor no: it is left out, and the weights of the rest fill its place. So without any
-- measurement fidelity is the depth of the lineage, which is what harmonize() and resolve() go by.
CREATE OR REPLACE FUNCTION asymm.fidelity(
    annotation asymm.annotation,
    measured_regime text DEFAULT NULL,
    observed_cost asymm.cost DEFAULT NULL
) RETURNS double precision
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_regimes CONSTANT text[] := '{Support, Balance, Exploration}';
    v_costs CONSTANT asymm.cost[] := enum_range(NULL::asymm.cost);
    v_depth double precision;
    v_weight_lineage double precision;
    v_weight_regime double precision;
    v_weight_cost double precision;
    v_regime double precision := 0;
    v_cost double precision := 0;
BEGIN
    PERFORM asymm._require_annotation(annotation), asymm._require_regime(measured_regime);
    IF annotation IS NULL THEN
        RETURN NULL;
    END IF;
    v_depth := LEAST(1, cardinality(annotation.lineage) / 5::double precision);
    IF measured_regime IS NULL AND observed_cost IS NULL THEN
        RETURN v_depth;
    END IF;
    SELECT s.fidelity_lineage, s.fidelity_regime, s.fidelity_cost INTO v_weight_lineage, v_weight_regime, v_weight_cost
      FROM asymm.annotation_settings AS s;
    IF measured_regime IS NULL THEN
        v_weight_regime := 0;
    ELSE
        v_regime := 1 - 0.5 * abs(array_position(v_regimes, annotation.regime) - array_position(v_regimes, measured_regime));
    END IF;
    IF observed_cost IS NULL THEN
        v_weight_cost := 0;
    ELSE
        v_cost := 1 - 0.5 * LEAST(2, GREATEST(0, array_position(v_costs, observed_cost) - array_position(v_costs, annotation.cost)));
    END IF;
    RETURN (v_weight_lineage * v_depth + v_weight_regime * v_regime + v_weight_cost * v_cost)
           / (v_weight_lineage + v_weight_regime + v_weight_cost);
END
$$;
COMMENT ON FUNCTION asymm.fidelity(asymm.annotation, text, asymm.cost)
    IS 'How far an annotation can be believed, 0 to 1: depth of lineage, declared regime against the measured one, declared cost against the observed one. What is not given is left out.';

CREATE OR REPLACE FUNCTION asymm.freshness(
    fidelity double precision,
    age interval,
    regime text DEFAULT 'Balance',
    anomalous boolean DEFAULT false
) RETURNS double precision
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_half_life interval;
BEGIN
    PERFORM asymm._require_share(fidelity, 'fidelity'), asymm._require_regime(regime);
    SELECT s.fidelity_half_life INTO v_half_life FROM asymm.annotation_settings AS s;
    -- Clocks of two machines differ: what is of the future is of now.
    RETURN asymm._faded(fidelity, ln(2) * GREATEST(0, extract(epoch FROM age)::double precision)
                                  / extract(epoch FROM v_half_life)::double precision
                                  * CASE regime WHEN 'Support' THEN 0.5 WHEN 'Exploration' THEN 2 ELSE 1 END
                                  * CASE WHEN anomalous THEN 10 ELSE 1 END);
END
$$;
COMMENT ON FUNCTION asymm.freshness(double precision, interval, text, boolean)
    IS 'What is left of a fidelity after a time: half after fidelity_half_life in Balance, twice as long in Support, half as long in Exploration, a tenth while anomalous.';

CREATE OR REPLACE FUNCTION asymm._loss(operation text) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF operation NOT IN ('amplify', 'harmonize', 'propagate', 'resolve') THEN
        RAISE EXCEPTION 'operation "%" does not exist', operation
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Operations are amplify, harmonize, propagate and resolve.',
                  HINT = 'Use operation => ''amplify'', which reaches farthest.';
    END IF;
    RETURN CASE operation WHEN 'amplify' THEN 0.1 WHEN 'harmonize' THEN 0.5 WHEN 'propagate' THEN 1 ELSE 'Infinity' END;
END
$$;
COMMENT ON FUNCTION asymm._loss(text) IS 'The l of exp(-l·distance): what an operation loses a step along the graph; resolve loses all.';

CREATE OR REPLACE FUNCTION asymm.attenuation(fidelity double precision, operation text, distance double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_loss CONSTANT double precision := asymm._loss(operation);
BEGIN
    PERFORM asymm._require_share(fidelity, 'fidelity');
    IF distance < 0 OR distance = 'NaN' THEN
        RAISE EXCEPTION 'argument "distance" is not 0 or more'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Seen: %s.', distance),
                  HINT = 'Distance counts steps along the graph: distance => 2.';
    END IF;
    RETURN CASE WHEN distance = 0 THEN fidelity ELSE asymm._faded(fidelity, v_loss * distance) END;
END
$$;
COMMENT ON FUNCTION asymm.attenuation(double precision, text, double precision)
    IS 'What is left of a fidelity some steps along the graph: fidelity·exp(-l·distance), l = 0.1 amplify, 0.5 harmonize, 1 propagate; resolve does not travel.';

CREATE OR REPLACE FUNCTION asymm.horizon(fidelity double precision, operation text, epsilon double precision DEFAULT 0.01)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_loss CONSTANT double precision := asymm._loss(operation);
BEGIN
    PERFORM asymm._require_share(fidelity, 'fidelity'), asymm._require_share(epsilon, 'epsilon');
    IF epsilon = 0 THEN
        RAISE EXCEPTION 'argument "epsilon" is 0'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Nothing ever fades to nothing: the horizon would be without end.',
                  HINT = 'Use epsilon => 0.01.';
    END IF;
    RETURN CASE WHEN fidelity <= epsilon OR v_loss = 'Infinity' THEN 0 ELSE -ln(epsilon / fidelity) / v_loss END;
END
$$;
COMMENT ON FUNCTION asymm.horizon(double precision, text, double precision)
    IS 'How many steps along the graph a fidelity reaches until only epsilon of it is left; 0 for resolve and for what is below epsilon already.';
