-- The context of a node, and arbitration: states, what operations do to them, laws, winners, losers, bad input.
SELECT no_plan();
CREATE FUNCTION pg_temp.note(symbol text, VARIADIC lineage text[] DEFAULT '{}') RETURNS asymm.annotation LANGUAGE sql IMMUTABLE
AS 'SELECT asymm.annotate(symbol, lineage => lineage)';
CREATE TABLE public.contexts (name text PRIMARY KEY, c asymm.context);
INSERT INTO public.contexts VALUES ('missing', asymm.context()), ('none', NULL), ('annotated', asymm.context(pg_temp.note('a', 'create'))),
    ('agreeing', asymm.context(pg_temp.note('b'), NULL, pg_temp.note('b'))),
    ('forked', asymm.context(pg_temp.note('a', 'create'), pg_temp.note('b', 'sync', 'query'), pg_temp.note('a', 'create'),
                             pg_temp.note('c', 'cache')));

SELECT is(asymm.context_state(c), expected, name) FROM public.contexts
  JOIN (VALUES ('missing', 'missing'), ('none', 'missing'), ('annotated', 'annotated'),
    ('agreeing', 'annotated'), ('forked', 'forked')) AS x (name, expected) USING (name);
SELECT is(ARRAY(SELECT n.symbol || n.weight FROM unnest(c) AS n), '{a2,b1,c1}', 'what agrees is one, with the weight of all') FROM public.contexts
 WHERE name = 'forked';
SELECT is(asymm.context_apply(o, x.c, y.c), '{}', concat_ws(' ', o, x.name, y.name)) FROM public.contexts AS x, public.contexts AS y,
       unnest('{amplify,harmonize,resolve}'::text[]) AS o
 WHERE 'missing' IN (x.name, y.name) OR 'none' IN (x.name, y.name);
SELECT is(ARRAY(SELECT n.symbol || array_to_string(n.lineage, '+') FROM unnest(asymm.context_apply('amplify', f.c, a.c)) AS n),
          '{acreate,bsync+query+create,ccache+create}', 'what is forked stays so')
  FROM public.contexts AS f, public.contexts AS a WHERE f.name = 'forked' AND a.name = 'annotated';
SELECT is(asymm.context_apply('resolve', a.c, f.c), asymm.context(f.c[1], f.c[2], f.c[3]), 'unless the results agree')
  FROM public.contexts AS f, public.contexts AS a WHERE f.name = 'forked' AND a.name = 'agreeing';
SELECT is(asymm.context_state(asymm.context_resolve(c)), CASE WHEN name IN ('missing', 'none') THEN 'missing' ELSE 'annotated' END,
          'resolved: ' || name)
  FROM public.contexts;
SELECT is((asymm.context_resolve(c))[1], pg_temp.note('b', 'sync', 'query'), 'by its lineage') FROM public.contexts WHERE name = 'forked';

-- The laws of a monad, with unnest() and context_all() as bind.
CREATE FUNCTION pg_temp.f(a asymm.annotation) RETURNS asymm.context LANGUAGE sql AS
    'SELECT asymm.context(a, asymm.amplify(a, asymm.annotate(''x'', lineage => ''{cache}'')))';
CREATE FUNCTION pg_temp.g(a asymm.annotation) RETURNS asymm.context LANGUAGE sql AS
    'SELECT CASE WHEN (a).symbol = ''b'' THEN asymm.context() ELSE asymm.context(asymm.annotate(upper((a).symbol))) END';
CREATE FUNCTION pg_temp.bind_f(c asymm.context) RETURNS asymm.context LANGUAGE sql AS
    'SELECT asymm.context_all(r) FROM unnest(c) WITH ORDINALITY AS u (s, p, q, k, l, w, n), unnest(pg_temp.f(c[u.n])) AS r';
CREATE FUNCTION pg_temp.bind_g(c asymm.context) RETURNS asymm.context LANGUAGE sql AS
    'SELECT asymm.context_all(r) FROM unnest(c) WITH ORDINALITY AS u (s, p, q, k, l, w, n), unnest(pg_temp.g(c[u.n])) AS r';
SELECT is(pg_temp.bind_f(asymm.context(a)), pg_temp.f(a), 'left identity') FROM (SELECT pg_temp.note('a', 'query') AS a) AS x;
SELECT is((SELECT asymm.context_all(a) FROM unnest(c) AS a), COALESCE(c, '{}')::asymm.context, 'right identity: ' || name) FROM public.contexts;
SELECT is(pg_temp.bind_g(pg_temp.bind_f(c)),
          (SELECT asymm.context_all(r) FROM unnest(c) WITH ORDINALITY AS u (s, p, q, k, l, w, n), unnest(pg_temp.bind_g(pg_temp.f(c[u.n]))) AS r),
          'associative: ' || name) FROM public.contexts;

-- Arbitration: Σwφc / Σwc.
SELECT is(array_agg(concat_ws(' ', a.candidate, round(a.score::numeric, 6), a.survived, a.won) ORDER BY a.candidate),
          '{"1 0.700000 t f","2 0.750000 t t","3 0.200000 f"}', 'weighed by witnesses, by its lineage where there is none')
  FROM asymm.arbitrate(ARRAY[pg_temp.note('a', 'create', 'sync'), pg_temp.note('b'), pg_temp.note('c', 'query')],
                       ARRAY[ROW(1, 0.9, 0.5, 2), ROW(1, 0.5, 1, NULL), ROW(2, 1, 0.25, 1), ROW(2, 0.5, 0.25, 1)]::asymm.witness[]) AS a;
SELECT is(array_agg(concat_ws(' ', a.score, a.survived, a.won) ORDER BY a.candidate), '{"0 f f","0 f f"}', 'nobody survived: nobody wins')
  FROM asymm.arbitrate(ARRAY[pg_temp.note('a', 'sync'), pg_temp.note('b', 'sync', 'query')],
                       ARRAY[ROW(1, 0, 1, 1), ROW(2, 0, 0.5, 1)]::asymm.witness[]) AS a;
SELECT is(a.settled::text, '(b,global,Balance,"O(n)",{sync},3)', 'a tie goes to the last; the winner is brought to Balance')
  FROM asymm.arbitrate(ARRAY[pg_temp.note('a', 'sync'), asymm.annotate('b', 'global', 'Exploration', 'O(n)', '{sync}', 3)]) AS a WHERE a.won;

SELECT is(asymm.settle('entity:public.t', ARRAY[pg_temp.note('a', 'create', 'sync'), pg_temp.note('b'), asymm.annotate('b', weight => 5)]),
          pg_temp.note('a', 'create', 'sync'), 'settled') FROM generate_series(1, 2);
SELECT results_eq($$ SELECT node, annotation ->> 'σ', winner ->> 'σ', times FROM asymm.quarantined $$,
                  $$ VALUES ('entity:public.t', 'b', 'a', 2) $$, 'the losers are kept, once');
SELECT isnt(asymm.settle('n', ARRAY[pg_temp.note('a'), asymm.annotate('a', weight => 5)]), NULL, 'who agrees with the winner');
SELECT is(count(*), 1::bigint, 'did not lose') FROM asymm.quarantined;
SELECT is(asymm.settle('n', ARRAY[pg_temp.note('a')], ARRAY[ROW(1, 0, 1, 1)]::asymm.witness[]), NULL, 'nobody survived');
SELECT results_eq($$ SELECT node, survived, winner, winner_score FROM asymm.quarantined WHERE node = 'n' $$,
                  $$ VALUES ('n', false, NULL::jsonb, NULL::float8) $$, 'and that is kept');
SELECT is(array_agg(concat_ws(' ', n.candidate, (n.annotation).symbol, n.won)), '{"1 a f","2 b t"}', 'an array may begin elsewhere')
  FROM asymm.arbitrate(format('[0:1]={%s,%s}', to_json(pg_temp.note('a')::text), to_json(pg_temp.note('b')::text))::asymm.annotation[]) AS n;

CREATE ROLE quarantine_reader IN ROLE asymm_reader;
GRANT USAGE ON SCHEMA public TO quarantine_reader;
SET ROLE quarantine_reader;
SELECT is(count(*), 2::bigint, 'a reader sees it') FROM asymm.quarantined;
SELECT throws_ok('SELECT asymm.settle(''n'', ARRAY[asymm.annotate(''a'')])', '42501', NULL, 'and settles nothing');
RESET ROLE;

-- Of a node of the graph only who may act for its owner.
CREATE TABLE public.another_s (a int);
SELECT ok(count(*) > 0, 'the graph') FROM asymm.refresh_graph();
CREATE ROLE quarantine_operator IN ROLE asymm_operator;
SET ROLE quarantine_operator;
SELECT throws_ok(format('SELECT asymm.settle(%L, ARRAY[asymm.annotate(''a''), asymm.annotate(''b'')])', name), '42501', NULL, 'not for ' || name)
  FROM unnest('{entity:public.another_s,public.another_s,another_s}'::text[]) AS name;
SELECT is(asymm.settle('mine', ARRAY[asymm.annotate('a')]), asymm.annotate('a'), 'for a name of one''s own');
RESET ROLE;

SELECT throws_ok('SELECT asymm.' || x.call, x.code, NULL, x.call) FROM (VALUES
    ('arbitrate(NULL)', '22004'), ('arbitrate(''{}'')', '22004'), ('arbitrate(ARRAY[NULL]::asymm.annotation[])', '22004'),
    ('settle(NULL, ARRAY[asymm.annotate(''x'')])', '22004'), ('settle('' '', ARRAY[asymm.annotate(''x'')])', '22023'),
    ('arbitrate(ARRAY[asymm.annotate(''x'')], ARRAY[ROW(2, 1, 1, 1)]::asymm.witness[])', '22023'),
    ('arbitrate(ARRAY[asymm.annotate(''x'')], ARRAY[ROW(NULL, 1, 1, 1)]::asymm.witness[])', '22023'),
    ('arbitrate(ARRAY[asymm.annotate(''x'')], ARRAY[ROW(1, 1.1, 1, 1)]::asymm.witness[])', '22023'),
    ('arbitrate(ARRAY[asymm.annotate(''x'')], ARRAY[ROW(1, ''NaN'', 1, 1)]::asymm.witness[])', '22023'),
    ('arbitrate(ARRAY[asymm.annotate(''x'')], ARRAY[ROW(1, 1, NULL, 1)]::asymm.witness[])', '22023'),
    ('arbitrate(ARRAY[asymm.annotate(''x'')], ARRAY[ROW(1, 1, 1, 0)]::asymm.witness[])', '22023'),
    ('arbitrate(ARRAY[asymm.annotate(''x'')], ARRAY[NULL]::asymm.witness[])', '22023'),
    ('arbitrate(ARRAY[ROW('''', ''local'', ''Balance'', ''O(1)'', ''{}'', 1)]::asymm.annotation[])', '22023'),
    ('context(ROW('''', ''local'', ''Balance'', ''O(1)'', ''{}'', 1)::asymm.annotation)', '22023'),
    ('context_apply(''propagate'', ''{}'', ''{}'')', '22023'), ('context_apply(NULL, ''{}'', ''{}'')', '22023')) AS x (call, code);
SELECT throws_ok('SELECT ARRAY[NULL]::asymm.annotation[]::asymm.context', '23514', NULL, 'no NULL in a context');
SELECT * FROM finish();
