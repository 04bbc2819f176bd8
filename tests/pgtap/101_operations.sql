-- The lattice of costs and the operations on annotations: their laws, ties, NULLs, bad input, and the same by operator.
SELECT no_plan();

-- The lattice.
SELECT is(array_agg(c ORDER BY c)::text, '{O(1),"O(log n)",O(n),"O(n log n)",O(n^2),O(n^3),O(2^n)}', 'a total order')
  FROM unnest(enum_range(NULL::asymm.cost)) AS c;
SELECT is(ARRAY[max(c), min(c)]::text, '{O(2^n),O(1)}', 'the largest and the smallest') FROM unnest(enum_range(NULL::asymm.cost)) AS c;
SELECT is(asymm.to_cost(x.value)::text, x.class, x.value) FROM (VALUES
    ('o(N)', 'O(n)'), ('1', 'O(1)'), ('n log n', 'O(n log n)'), ('O(N*LOG(N))', 'O(n log n)'), ('O(n·lg n)', 'O(n log n)'),
    ('ln n', 'O(log n)'), ('log2(n)', 'O(log n)'), ('n²', 'O(n^2)'), ('O(n ** 3)', 'O(n^3)'), (' 2^n ', 'O(2^n)'),
    ('n^0', 'O(1)'), ('n^1.0', 'O(n)'), ('O(n^2.000000)', 'O(n^2)'), ('1^n', 'O(1)'), ('log^1 n', 'O(log n)')) AS x (value, class);
SELECT is('n²'::text::asymm.cost::text, 'O(n^2)', 'a cast from text reads spellings too');
SELECT throws_ok('SELECT ''n²''::asymm.cost', '22P02', NULL, 'a literal of the type is a label');

CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
    v_hint text;
BEGIN
    EXECUTE statement;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
    RETURN CASE WHEN v_detail = '' OR v_hint = '' THEN 'no detail or hint' ELSE concat_ws(' ', SQLSTATE, v_detail) END;
END
$$;
SELECT is(pg_temp.refusal(format('SELECT asymm.to_cost(%L)', x.value)), '22023 ' || x.detail, x.value) FROM (VALUES
    ('O(n^1.5)', 'It lies between O(n log n) and O(n^2).'), ('sqrt(n)', 'It lies between O(log n) and O(n).'),
    ('log log n', 'It lies between O(1) and O(log n).'), ('(log n)^2', 'It lies between O(log n) and O(n).'),
    ('n log^2 n', 'It lies between O(n log n) and O(n^2).'), ('n loglog n', 'It lies between O(n) and O(n log n).'),
    ('n^2 log n', 'It lies between O(n^2) and O(n^3).'), ('n^4', 'It lies between O(n^3) and O(2^n).'),
    ('1.5^n', 'It lies between O(n^3) and O(2^n).'), ('3^n', 'It grows faster than O(2^n), the last class.'),
    ('n!', 'It grows faster than O(2^n), the last class.'), ('n5', 'Classes are O(1), O(log n), O(n), O(n log n), O(n^2), O(n^3), O(2^n).'),
    ('', 'Classes are O(1), O(log n), O(n), O(n log n), O(n^2), O(n^3), O(2^n).'),
    ('O(n + m)', 'Classes are O(1), O(log n), O(n), O(n log n), O(n^2), O(n^3), O(2^n).')) AS x (value, detail);
SELECT is(asymm.to_cost(NULL), NULL, 'NULL is no class');
SELECT is(asymm.annotation_json(asymm.annotate('x', cost => 'n²')) ->> 'κ', 'O(n^2)', 'annotate() reads spellings');

-- Thirty annotations that differ in all that counts, and every pair of them.
CREATE TABLE public.notes (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, a asymm.annotation, cost asymm.cost);
INSERT INTO public.notes (a, cost)
SELECT n, (n).cost FROM (
    SELECT asymm.annotate('abc'::text || i % 4, (ARRAY['local', 'module', 'global'])[i % 3 + 1],
                          (ARRAY['Support', 'Exploration', 'Balance'])[i / 3 % 3 + 1],
                          (enum_range(NULL::asymm.cost))[i % 7 + 1]::text,
                          (ARRAY['create', 'query', 'entity:a', 'entity:B', 'sync', 'query', 'cache'])[i % 5 + 1 : i % 5 + i % 4],
                          (i % 7 + 1) * 0.3) AS n
      FROM generate_series(1, 30) AS i) AS made;
CREATE INDEX ON public.notes (cost);
CREATE INDEX ON public.notes USING hash (cost);
SET enable_seqscan = off;
CREATE FUNCTION pg_temp.plan(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO v_plan;
    RETURN v_plan;
END
$$;
SELECT ok(jsonb_path_exists(pg_temp.plan('SELECT FROM public.notes WHERE cost > ''O(n^2)'''), '$.**."Index Cond"'), 'an index is used');
RESET enable_seqscan;

SELECT is(count(*), 0::bigint, 'harmonize is commutative') FROM public.notes AS x, public.notes AS y
 WHERE asymm.harmonize(x.a, y.a) IS DISTINCT FROM asymm.harmonize(y.a, x.a);
SELECT is(count(*), 0::bigint, 'amplify is associative, but for the rounding of weights')
  FROM public.notes AS x, public.notes AS y, public.notes AS z
 CROSS JOIN LATERAL (SELECT asymm.amplify(asymm.amplify(x.a, y.a), z.a), asymm.amplify(x.a, asymm.amplify(y.a, z.a))) AS f (l, r)
 WHERE x.id < 8 AND y.id BETWEEN 11 AND 18 AND z.id > 22
   AND ((l).symbol, (l).scope, (l).regime, (l).cost, (l).lineage, round((l).weight::numeric, 9))
       IS DISTINCT FROM ((r).symbol, (r).scope, (r).regime, (r).cost, (r).lineage, round((r).weight::numeric, 9));
SELECT isnt(asymm.amplify(x.a, y.a), asymm.amplify(y.a, x.a), 'but not commutative') FROM public.notes AS x, public.notes AS y
 WHERE x.id = 1 AND y.id = 2;
SELECT is(count(*), 0::bigint, 'of sound annotations come sound ones; the weight grows with repetition; a tie is resolved to the right')
  FROM public.notes AS x, public.notes AS y
 WHERE asymm._annotation_fault(asymm.amplify(x.a, y.a)) IS NOT NULL OR asymm._annotation_fault(asymm.harmonize(x.a, y.a)) IS NOT NULL
    OR (asymm.amplify(x.a, x.a)).weight <> 2 * (x.a).weight OR asymm.resolve(x.a, x.a) IS DISTINCT FROM x.a
    OR asymm.resolve(x.a, y.a) IS DISTINCT FROM
       CASE WHEN cardinality((x.a).lineage) > cardinality((y.a).lineage) THEN x.a ELSE y.a END;
SELECT is(ARRAY[asymm.amplify(a, b), a OPERATOR(asymm.|+|) b, asymm.harmonize(a, b), a OPERATOR(asymm.|*|) b,
                asymm.resolve(a, b), a OPERATOR(asymm.-|) b]::text[], ARRAY[
          '(x,global,Support,"O(n)","{create,query,sync}",3)', '(x,global,Support,"O(n)","{create,query,sync}",3)',
          '(y,global,Balance,"O(n)","{query,create}",1.5)', '(y,global,Balance,"O(n)","{query,create}",1.5)', b::text, b::text],
          'the three, by function and operator')
  FROM asymm.annotate('x', 'global', 'Support', 'O(1)', '{create,query}', 2) AS a,
       asymm.annotate('y', 'local', 'Balance', 'O(n)', '{sync,query,create}') AS b;
SELECT is(array_agg(n.symbol), '{a,c}', 'propagate: who went through all of it, in their order')
  FROM asymm.propagate(asymm.annotate('x', lineage => '{query,sync}'),
                       ARRAY[asymm.annotate('a', lineage => '{sync,create,query}'), asymm.annotate('b', lineage => '{sync}'), NULL,
                             asymm.annotate('c', lineage => '{query,sync}')]) AS n;

INSERT INTO asymm.node_annotation (node, annotated_by, annotation)
SELECT x.node, x.role, asymm.annotate(x.role, lineage => x.lineage::text[]) FROM (VALUES
    ('entity:s.b', 'one', '{query,sync,create}'), ('entity:s.b', 'two', '{query,sync}'), ('entity:s.c', 'one', '{query}'),
    ('entity:s.d', 'one', '{create,sync,query}'), ('entity:s.a', 'one', '{query,create}')) AS x (node, role, lineage);
SELECT results_eq($$ SELECT node, (reached).lineage FROM asymm.propagate(asymm.annotate('x', lineage => '{create,query}')) $$,
                  $$ VALUES ('entity:s.a', '{query,create}'::text[]), ('entity:s.d', '{create,sync,query}') $$, 'of nodes those that agree');
SELECT throws_ok('SELECT * FROM asymm.propagate(ROW('' '', ''local'', ''Balance'', ''O(1)'', ''{}'', 1)::asymm.annotation)',
                 '22023', NULL, 'bad input');

-- Over a set.
CREATE AGGREGATE pg_temp.amplify_pairs(asymm.annotation) (SFUNC = asymm.amplify, STYPE = asymm.annotation);
CREATE AGGREGATE pg_temp.resolve_pairs(asymm.annotation) (SFUNC = asymm.resolve, STYPE = asymm.annotation);
SELECT is(ARRAY[asymm.amplify_all(a ORDER BY id), asymm.resolve_all(a ORDER BY id), asymm.harmonize_all(a ORDER BY id)],
          ARRAY[pg_temp.amplify_pairs(a ORDER BY id), pg_temp.resolve_pairs(a ORDER BY id), asymm.harmonize_all(a ORDER BY id DESC)],
          'two as pair by pair, harmonize_all in any order')
  FROM public.notes;
SELECT is(count(*), 0::bigint, 'of two: as the pair') FROM public.notes AS x, public.notes AS y
 WHERE x.id < y.id AND (SELECT asymm.harmonize_all(n) FROM unnest(ARRAY[x.a, y.a]) AS n) <> asymm.harmonize(x.a, y.a);
SELECT is(ARRAY[asymm.amplify_all(a), asymm.harmonize_all(a), asymm.resolve_all(a)],
          ARRAY[asymm.annotate('x', weight => 2), asymm.annotate('x'), asymm.annotate('x')], 'NULLs are passed over')
  FROM unnest(ARRAY[NULL, asymm.annotate('x'), NULL, asymm.annotate('x')]) AS a;
SELECT ok(asymm.amplify_all(a) IS NULL AND asymm.harmonize_all(a) IS NULL AND asymm.resolve_all(a) IS NULL, 'of nothing comes NULL')
  FROM unnest(ARRAY[NULL]::asymm.annotation[]) AS a;
SELECT ok(asymm.amplify(NULL, asymm.annotate('x')) IS NULL AND asymm.harmonize(asymm.annotate('x'), NULL) IS NULL
          AND asymm.resolve(NULL, asymm.annotate('x')) IS NULL, 'with one that is missing comes NULL');

-- A row can be made without annotate(): it is refused where it is used.
SELECT throws_ok(format('SELECT asymm.%s FROM unnest(ARRAY[asymm.annotate(''y''), ROW(%s)::asymm.annotation]) AS a', f, made),
                 '22023', NULL, f || made)
  FROM unnest('{"amplify(asymm.annotate(''x''), a)","harmonize(a, asymm.annotate(''x''))","resolve(a, a)",amplify_all(a),harmonize_all(a),
               resolve_all(a),"propagate(a, ''{}'')"}'::text[]) AS f,
       unnest(ARRAY['''x'', ''here'', ''Balance'', ''O(n)'', ''{}'', 1', '''x'', ''local'', ''Balance'', ''O(n)'', ''{create,destroy}'', 1',
                    '''x'', ''local'', ''Balance'', ''O(n)'', ''{}'', ''NaN''', '''x'', ''local'', ''Balance'', ''O(n)'', NULL, 1',
                    ''' '', ''local'', ''Balance'', ''O(n)'', ''{}'', 1']) AS made;
SELECT * FROM finish();
