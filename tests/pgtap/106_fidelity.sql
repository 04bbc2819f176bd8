-- Fidelity, freshness, attenuation, horizon: their formulas, ends, settings and bad input.
SELECT no_plan();
CREATE ROLE fidelity_reader IN ROLE asymm_reader;
SET ROLE fidelity_reader;

-- Each part alone and together: depth 2 of 5, one regime off, one class worse than declared.
SELECT is(round(asymm.fidelity(a, x.regime, x.cost::asymm.cost)::numeric, 9), round(x.expected, 9), concat_ws(', ', x.regime, x.cost, 'measured'))
  FROM asymm.annotate('x', 'local', 'Support', 'O(n)', '{create,query}') AS a, (VALUES
    (NULL, NULL, 0.4), ('Support', NULL, 0.7), ('Balance', NULL, 0.45), ('Exploration', NULL, 0.2),
    (NULL, 'O(log n)', 0.7), (NULL, 'O(n)', 0.7), (NULL, 'O(n log n)', 0.45), (NULL, 'O(n^2)', 0.2), (NULL, 'O(2^n)', 0.2),
    ('Support', 'O(1)', 2.4 / 3), ('Balance', 'O(n log n)', 1.4 / 3), ('Exploration', 'O(2^n)', 0.4 / 3)) AS x (regime, cost, expected);
SELECT is(asymm.fidelity(asymm.annotate('x', lineage => array_fill('sync'::text, ARRAY[n]))), least(1, n / 5::float8), n || ' entries')
  FROM unnest('{0,1,5,6,50}'::int[]) AS n;
SELECT ok(abs(asymm.freshness(0.8, age::interval, regime, anomalous) - expected) < 1e-12, concat_ws(' ', age, regime, anomalous)) FROM (VALUES
    ('0', 'Balance', false, 0.8), ('30 days', 'Balance', false, 0.4), ('60 days', 'Balance', false, 0.2), ('60 days', 'Support', false, 0.4),
    ('15 days', 'Exploration', false, 0.4), ('3 days', 'Balance', true, 0.4), ('-1 day', 'Balance', false, 0.8),
    ('100000 years', 'Exploration', true, 0)) AS x (age, regime, anomalous, expected);
SELECT ok(abs(asymm.attenuation(0.8, operation, distance) - expected) < 1e-12, concat_ws(' ', operation, distance)) FROM (VALUES
    ('amplify', 0, 0.8), ('amplify', 1, 0.8 * exp(-0.1)), ('harmonize', 3, 0.8 * exp(-1.5)), ('propagate', 2, 0.8 * exp(-2)),
    ('resolve', 0, 0.8), ('resolve', 0.5, 0), ('propagate', 1e300, 0), ('amplify', 'Infinity', 0)) AS x (operation, distance, expected);
SELECT ok(abs(asymm.horizon(f, operation) - expected) < 1e-9, concat_ws(' ', f, operation)) FROM (VALUES
    (1, 'amplify', -ln(0.01::float8) / 0.1), (1, 'propagate', -ln(0.01::float8)), (0.5, 'harmonize', -ln(0.02::float8) / 0.5),
    (0.01, 'amplify', 0), (0, 'amplify', 0), (1, 'resolve', 0)) AS x (f, operation, expected);
SELECT ok(abs(asymm.attenuation(0.7, o, asymm.horizon(0.7, o, 0.02)) - 0.02) < 1e-12, 'at the horizon epsilon is left: ' || o)
  FROM unnest('{amplify,harmonize,propagate}'::text[]) AS o;
SELECT ok(asymm.fidelity(NULL) IS NULL AND asymm.fidelity(NULL, 'Balance', 'O(1)') IS NULL
          AND asymm.freshness(NULL, '1 day') IS NULL
          AND asymm.attenuation(1, NULL, 1) IS NULL AND asymm.horizon(1, 'amplify', NULL) IS NULL, 'of NULL comes NULL');
RESET ROLE;

SELECT is((asymm.configure_annotations(fidelity_lineage => 0.5, fidelity_regime => 0.5, fidelity_cost => 0, fidelity_half_life => '1 day'))
          .fidelity_cost, 0::float8, 'configured');
SELECT is(asymm.fidelity(asymm.annotate('x', lineage => '{sync}'), 'Balance', 'O(2^n)'), 0.6::float8, 'by other weights');
SELECT ok(abs(asymm.freshness(1, '1 day') - 0.5) < 1e-12, 'by another half-life');

CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
    v_hint text;
BEGIN
    EXECUTE statement;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
    RETURN CASE WHEN v_detail = '' OR v_hint = '' THEN 'no detail or hint' ELSE SQLSTATE END;
END
$$;
SELECT is(pg_temp.refusal('SELECT asymm.' || call), '22023', call) FROM unnest(ARRAY[
    'fidelity(asymm.annotate(''x''), ''support'')', 'fidelity(ROW('''', ''local'', ''Balance'', ''O(1)'', ''{}'', 1)::asymm.annotation)',
    'freshness(2, ''1 day'')', 'freshness(''NaN'', ''1 day'')', 'freshness(1, ''1 day'', ''Optimization'')', 'freshness(-0.1, ''1 day'')',
    'attenuation(1, ''multiply'', 1)', 'attenuation(1, ''amplify'', -1)', 'attenuation(1, ''amplify'', ''NaN'')',
    'attenuation(1.01, ''amplify'', 1)',
    'horizon(1, ''amplify'', 0)', 'horizon(1, '''')', 'horizon(1, ''amplify'', -1)', 'configure_annotations(fidelity_lineage => 0)',
    'configure_annotations(fidelity_regime => 0.9)', 'configure_annotations(fidelity_cost => ''NaN'')',
    'configure_annotations(fidelity_half_life => ''0'')']) AS call;
SELECT * FROM finish();
