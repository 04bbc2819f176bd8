-- Annotations: JSON in both directions, Greek and ASCII keys, and what is refused.
SELECT no_plan();

SELECT is(asymm.annotation_json(asymm.annotate('dataEntity')),
          '{"σ": "dataEntity", "ρ": "local", "γ": "Balance", "κ": "O(log n)", "λ": [], "weight": 1}',
              'defaults');
SELECT is(document::asymm.annotation::jsonb, document, 'there and back')
  FROM (VALUES ('{"σ": "x", "ρ": "global", "γ": "Support", "κ": "O(2^n)", "λ": ["create", "module:a b"], "weight": 0.5}'::jsonb)) AS x (document);
SELECT is('{"symbol": "x", "scope": "module", "cost": "O(1)", "lineage": ["query"], "weight": 2}'::jsonb::asymm.annotation::jsonb,
          '{"σ": "x", "ρ": "module", "γ": "Balance", "κ": "O(1)", "λ": ["query"], "weight": 2}',
              'ASCII keys are read, Greek ones written');
SELECT is(NULL::jsonb::asymm.annotation, NULL, 'NULL stays NULL');
SELECT throws_ok(format('SELECT %L::jsonb::asymm.annotation', document), '22023', NULL, document)
  FROM unnest(ARRAY['[]', '1', '"x"', '{}', '{"σ": ""}', '{"σ": " "}', '{"σ": null}',
      '{"σ": "x", "symbol": "x"}',
                    '{"σ": "x", "other": 1}', '{"σ": "x", "ρ": "everywhere"}', '{"σ": "x", "γ": "support"}',
                        '{"σ": "x", "κ": "O(n!)"}',
                    '{"σ": "x", "λ": "create"}', '{"σ": "x", "λ": [1]}', '{"σ": "x", "λ": ["destroy"]}',
                        '{"σ": "x", "λ": ["a:"]}',
                    '{"σ": "x", "weight": 0}', '{"σ": "x", "weight": -1}', '{"σ": "x", "weight": "1"}']) AS
                        document;
SELECT throws_ok(query, '22023', NULL, query)
  FROM unnest(ARRAY['SELECT asymm.annotate(''x'', weight => ''NaN'')',
      'SELECT asymm.annotate(''x'', weight => ''Infinity'')',
                    'SELECT asymm.annotate(''x'', lineage => NULL)',
                        'SELECT asymm.annotate(''x'', lineage => ARRAY[NULL])',
                    'SELECT asymm.annotate(''x'', lineage => ARRAY[[''create'']])',
                        'SELECT asymm.annotate(''x'', scope => NULL)']) AS query;
CREATE TABLE public.t (a int);
SELECT count(*) FROM asymm.watch('public.t', 'observe', asymm.annotate('dataEntity', 'global'));
SELECT is((SELECT annotation ->> 'ρ' FROM asymm.watched), 'global', 'kept with the baseline');
SELECT count(*) FROM asymm.watch('public.t', 'propose');
SELECT is((SELECT annotation ->> 'ρ' FROM asymm.watched), 'global', 'and not lost by another watch()');
SELECT * FROM finish();
