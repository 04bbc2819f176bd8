-- The search: which indexes together bring most within the budget. It grows a set from nothing by what brings most per byte, and
-- shrinks another from all that any plan would use by what takes least; the better one is polished by exchanges. What the planner
-- would say is asked only where no answer given before tells it: a plan that uses only U is there whenever U is, and what it
-- costs with X in sight it costs with any set between U and X.

-- The next questions, NULL when none is left.
CREATE OR REPLACE FUNCTION asymm._advice_step(run bigint, results jsonb, with_statements boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_run asymm.advice_run;
    v_tasks jsonb;
BEGIN
    PERFORM asymm._advice_keep(run, COALESCE(results, '[]'));
    LOOP
        v_run := asymm._advice_run_of_caller(run);
        EXIT WHEN v_run.phase = 'done';
        v_tasks := CASE v_run.phase
                       WHEN 'look' THEN asymm._advice_to_look(v_run)
                       WHEN 'size' THEN asymm._advice_to_size(v_run)
                       WHEN 'probe' THEN asymm._advice_to_probe(v_run)
                       ELSE asymm._advice_round(v_run) END;
        EXIT WHEN v_tasks IS NOT NULL;
    END LOOP;
    IF v_tasks IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_strip_nulls(jsonb_build_object('tasks', v_tasks,
        'definitions', (SELECT jsonb_object_agg(c.no, asymm._advice_definition(c, NULL)) FROM asymm.advice_candidate AS c
                         WHERE c.run_id = run AND c.no IN (SELECT v::integer FROM jsonb_array_elements(v_tasks) AS t (task)
                                                            CROSS JOIN jsonb_array_elements_text(t.task -> 'visible') AS v)),
        'statements', CASE WHEN v_run.phase <> 'look' AND with_statements
            THEN (SELECT jsonb_object_agg(q.no, jsonb_build_array(q.statement, q.path))
                    FROM asymm.advice_query AS q WHERE q.run_id = run AND q.reason IS NULL) END));
END
$$;
COMMENT ON FUNCTION asymm._advice_step(bigint, jsonb, boolean) IS 'Keeps what the planner answered and goes on with a search; returns what it is to be asked next, NULL at the end.';

CREATE OR REPLACE FUNCTION asymm._advice_definition(candidate asymm.advice_candidate, index_name name) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN concat_ws(' ', 'CREATE INDEX', quote_ident(index_name),
        format('ON %I.%I USING %I (%s)', candidate.schema_name, candidate.table_name, candidate.method, array_to_string(candidate.keys, ', ')),
        CASE WHEN candidate.include <> '{}' THEN format('INCLUDE (%s)', array_to_string(candidate.include, ', ')) END,
        CASE WHEN candidate.predicate IS NOT NULL THEN format('WHERE %s', candidate.predicate) END);
END
$$;
COMMENT ON FUNCTION asymm._advice_definition(asymm.advice_candidate, name) IS 'CREATE INDEX for a candidate, with a name or without.';

-- The first word of a key, without operator class and direction.
CREATE OR REPLACE FUNCTION asymm._key_lead(key text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN key ~ '^"' THEN substring(key FROM '^"(?:[^"]|"")*"') WHEN key ~ '^\(' THEN key ELSE split_part(key, ' ', 1) END;
END
$$;
COMMENT ON FUNCTION asymm._key_lead(text) IS 'The column of an index key, without operator class and direction; an expression as it is.';

CREATE OR REPLACE FUNCTION asymm._advice_to_look(run asymm.advice_run) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tasks jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('kind', 'look', 'no', q.no, 'statement', q.statement, 'path', q.path)) INTO v_tasks
      FROM (SELECT q.* FROM asymm.advice_query AS q WHERE q.run_id = run.id AND NOT q.looked ORDER BY q.no LIMIT 10) AS q;
    IF v_tasks IS NOT NULL THEN
        RETURN v_tasks;
    END IF;
    -- What was planned is what is weighed: examples that can't be leave their share to the others. Texts weigh as they cost; one
    -- statement counts for a third of the rest at most, lest everything goes to it.
    UPDATE asymm.advice_query AS q SET weight = q.cost WHERE q.run_id = run.id AND run.kind = 'texts' AND q.cost IS NOT NULL;
    UPDATE asymm.advice_query AS q
       SET weight = q.weight / n.examples
      FROM (SELECT o.place, count(*) AS examples FROM asymm.advice_query AS o WHERE o.run_id = run.id AND o.reason IS NULL GROUP BY o.place) AS n
     WHERE q.run_id = run.id AND n.place = q.place AND q.reason IS NULL;
    UPDATE asymm.advice_query AS q
       SET weight = q.weight * 0.5 * t.rest / t.mine
      FROM (SELECT p.place, p.mine, sum(p.mine) OVER () - p.mine AS rest
              FROM (SELECT o.place, sum(o.weight) AS mine FROM asymm.advice_query AS o
                     WHERE o.run_id = run.id AND o.reason IS NULL GROUP BY o.place) AS p) AS t
     WHERE q.run_id = run.id AND q.place = t.place AND q.reason IS NULL AND t.rest > 0 AND t.mine > 0.5 * t.rest;
    UPDATE asymm.advice_run AS r
       SET base = (SELECT COALESCE(sum(q.weight), 0) FROM asymm.advice_query AS q WHERE q.run_id = run.id AND q.reason IS NULL),
           heap = (SELECT sum(asymm._table_bytes(c.relid))
                     FROM (SELECT DISTINCT a.relid FROM asymm.advice_candidate AS a WHERE a.run_id = run.id) AS c),
           phase = 'size'
     WHERE r.id = run.id;
    -- Narrower ones of each: what is left when the budget is.
    PERFORM asymm._advice_candidate(run, c.relid, c.method, c.keys[1:n], '{}', c.predicate, 'the first of ' || array_to_string(c.keys, ', '))
       FROM asymm.advice_candidate AS c CROSS JOIN LATERAL generate_series(1, cardinality(c.keys)) AS n
      WHERE c.run_id = run.id AND c.method = 'btree' AND (n < cardinality(c.keys) OR c.include <> '{}');
    -- One that includes what two of the same keys do, or all of them: smaller than both.
    PERFORM asymm._advice_candidate(run, m.relid, 'btree', m.keys, m.include, m.predicate, 'join of several on ' || array_to_string(m.keys, ', '))
       FROM (SELECT a.relid, a.keys, a.predicate, ARRAY(SELECT i FROM unnest(a.include || b.include) AS i GROUP BY i ORDER BY i) AS include
               FROM asymm.advice_candidate AS a
               JOIN asymm.advice_candidate AS b ON (b.run_id, b.relid, b.keys) = (a.run_id, a.relid, a.keys) AND b.no > a.no
                    AND b.method = a.method AND b.predicate IS NOT DISTINCT FROM a.predicate
              WHERE a.run_id = run.id AND a.method = 'btree' AND a.include <> '{}' AND b.include <> '{}'
             UNION
             SELECT a.relid, a.keys, a.predicate, array_agg(DISTINCT i ORDER BY i)
               FROM asymm.advice_candidate AS a CROSS JOIN unnest(a.include) AS i
              WHERE a.run_id = run.id AND a.method = 'btree' GROUP BY a.relid, a.keys, a.predicate
              LIMIT 300) AS m
      WHERE cardinality(m.include) <= 8;
    -- Rows of a constant that most examples of a statement don't ask for: an index of them alone serves those, and no call to come.
    -- Of one or two examples nothing follows for other calls, unless the text has the constant beside parameters: then all have.
    UPDATE asymm.advice_candidate AS c SET fault = 'too few examples of the statement ask for these rows'
     WHERE c.run_id = run.id AND run.kind <> 'texts' AND c.predicate IS NOT NULL
       AND NOT EXISTS (
           SELECT FROM (SELECT count(*) AS examples, count(*) FILTER (WHERE a.asks) AS asking,
                               bool_or(a.asks AND (NOT q.literal OR q.statement ~ '\$\d')) AS fixed
                          FROM asymm.advice_query AS q
                         CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM asymm.advice_candidate AS o
                                                             WHERE o.run_id = run.id AND o.no = ANY (q.own)
                                                               AND (o.relid, o.predicate) = (c.relid, c.predicate)) AS asks) AS a
                         WHERE q.run_id = run.id AND q.reason IS NULL GROUP BY q.place) AS s
            WHERE 2 * s.asking > s.examples
              AND (s.examples >= 3 OR s.fixed OR regexp_replace(c.predicate, '"([^"]|"")*"', '', 'g') !~ '''|(^|[^\w$])[0-9]'));
    -- A search that goes on by itself doesn't build on what was taken back or refused: it would not be built again.
    UPDATE asymm.advice_candidate AS c SET fault = 'it was taken back or refused'
     WHERE c.run_id = run.id AND run.kind = 'standing'
       AND EXISTS (SELECT FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
                    WHERE i.relid = c.relid AND a.kind = 'create index' AND asymm._is_refused(a)
                      AND translate(i.shape, '() ', '')
                          = translate(regexp_replace(asymm._advice_definition(c, NULL), '^CREATE INDEX ON ', ''), '() ', ''));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._advice_to_look(asymm.advice_run) IS 'First phase of a search: statements not looked at yet; afterwards their weights.';

CREATE OR REPLACE FUNCTION asymm._advice_to_size(run asymm.advice_run) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tasks jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('kind', 'size', 'no', c.no,
               'relid', c.relid::bigint, 'predicate', c.predicate, 'definition', asymm._advice_definition(c, NULL), 'try', run.proved,
               'plain', c.predicate IS NULL AND NOT EXISTS (SELECT FROM unnest(k.keys || c.include) AS x
                                                             WHERE x !~ '^("([^"]|"")+"|[^\W\d][\w$]*)$'),
               'statement', concat_ws(' ', 'SELECT', array_to_string(k.keys || c.include, ', '), format('FROM %I.%I', c.schema_name, c.table_name),
                   'WHERE ' || c.predicate, CASE WHEN c.include = '{}' AND c.method = 'btree' THEN 'GROUP BY ' || array_to_string(k.keys, ', ') END),
               -- Of several columns together the planner guesses too few.
               'each', (SELECT jsonb_agg(format('SELECT %s FROM %I.%I GROUP BY 1', x, c.schema_name, c.table_name)) FROM unnest(k.keys) AS x
                         WHERE cardinality(k.keys) > 1 AND c.include = '{}')))
      INTO v_tasks
      FROM (SELECT c.* FROM asymm.advice_candidate AS c
             WHERE c.run_id = run.id AND c.size_bytes IS NULL AND c.fault IS NULL ORDER BY c.no LIMIT 50) AS c
     CROSS JOIN LATERAL (SELECT array_agg(asymm._key_lead(x.key) ORDER BY x.n) AS keys FROM unnest(c.keys) WITH ORDINALITY AS x (key, n)) AS k;
    IF v_tasks IS NULL THEN
        WITH lead AS MATERIALIZED (
            SELECT c.no, c.relid, asymm._key_lead(c.keys[1]) AS key FROM asymm.advice_candidate AS c WHERE c.run_id = run.id)
        UPDATE asymm.advice_query AS q
           SET relevant = ARRAY(
                   SELECT x.no FROM (
                   SELECT c.no FROM asymm.advice_candidate AS c JOIN lead AS l ON l.no = c.no
                    WHERE c.run_id = run.id AND c.fault IS NULL
                      AND (run.budget IS NULL OR c.size_bytes <= run.budget)
                      AND (c.no = ANY (q.own) OR q.named @> jsonb_build_array(jsonb_build_array(c.relid::bigint, l.key))
                           OR EXISTS (SELECT FROM lead AS o WHERE o.no = ANY (q.own) AND (o.relid, o.key) = (l.relid, l.key)))
                      AND (c.predicate IS NULL OR c.no = ANY (q.own))
                    ORDER BY c.no = ANY (q.own) DESC, c.size_bytes, c.no LIMIT 80) AS x ORDER BY x.no)
         WHERE q.run_id = run.id AND q.reason IS NULL;
        IF run.proved THEN
            UPDATE asymm.advice_run AS r SET phase = 'probe' WHERE r.id = run.id;
        ELSE
            PERFORM asymm._advice_by_rule(run);
        END IF;
    END IF;
    RETURN v_tasks;
END
$$;
COMMENT ON FUNCTION asymm._advice_to_size(asymm.advice_run) IS 'Second phase of a search: candidates whose size isn''t known; afterwards which of them matter to which statement.';
