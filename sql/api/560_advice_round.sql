-- The rounds of a search.

-- Costs that no answer tells yet, of what is to be known: a plan found with more in sight that uses nothing else would be the same.
CREATE OR REPLACE FUNCTION asymm._advice_unknown(run bigint, wanted jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object('kind', 'cost', 'query', w.query_no, 'visible', to_jsonb(w.visible)))
          FROM (SELECT DISTINCT (e.value ->> 0)::integer AS query_no,
                       ARRAY(SELECT v::integer FROM jsonb_array_elements_text(e.value -> 1) AS v ORDER BY 1) AS visible
                  FROM jsonb_array_elements(wanted) AS e (value)) AS w
         WHERE NOT EXISTS (SELECT FROM asymm.advice_cost AS c
                            WHERE c.run_id = run AND c.query_no = w.query_no AND c.used <@ w.visible AND c.visible @> w.visible)
           AND EXISTS (SELECT FROM asymm.advice_query AS q WHERE q.run_id = run AND q.no = w.query_no AND q.reason IS NULL));
END
$$;
COMMENT ON FUNCTION asymm._advice_unknown(bigint, jsonb) IS 'Of [[query, [candidates in sight]]] those whose cost is not known, as tasks; NULL when all are.';

-- Third phase: what each candidate alone brings a statement, and what the planner would take of those made for it. Only what helped
-- matters from then on: planning with a hundred indexes in sight takes its time. Then what it would take of all these, and what
-- instead of each.
CREATE OR REPLACE FUNCTION asymm._advice_to_probe(run asymm.advice_run) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tasks jsonb;
BEGIN
    IF run.rounds = 0 THEN
        v_tasks := asymm._advice_unknown(run.id, (
            SELECT jsonb_agg(w.wanted) FROM asymm.advice_query AS q
             CROSS JOIN LATERAL (
                   SELECT jsonb_build_array(q.no, jsonb_build_array(r)) FROM unnest(q.relevant) AS r
                   UNION ALL
                   SELECT jsonb_build_array(q.no, to_jsonb(ARRAY(SELECT r FROM unnest(q.relevant) AS r WHERE r = ANY (q.own))))) AS w (wanted)
             WHERE q.run_id = run.id AND q.reason IS NULL AND q.relevant <> '{}'));
        IF v_tasks IS NULL THEN
            UPDATE asymm.advice_query AS q
               SET relevant = ARRAY(
                       SELECT u.no
                         FROM (SELECT x.no, row_number() OVER (ORDER BY min(p.cost), x.no) AS by_cost,
                                      row_number() OVER (ORDER BY (q.cost - min(p.cost)) / c.size_bytes DESC, x.no) AS by_size
                                 FROM asymm.advice_plan AS p CROSS JOIN unnest(p.used) AS x (no)
                                 JOIN asymm.advice_candidate AS c ON c.run_id = run.id AND c.no = x.no
                                WHERE p.run_id = run.id AND p.query_no = q.no AND p.cost < 0.999 * q.cost
                                GROUP BY x.no, c.size_bytes) AS u
                        WHERE u.by_cost <= 24 OR u.by_size <= 16 ORDER BY u.no)
             WHERE q.run_id = run.id AND q.reason IS NULL;
            UPDATE asymm.advice_run AS r SET rounds = 1 WHERE r.id = run.id;
        END IF;
        RETURN v_tasks;
    END IF;
    v_tasks := asymm._advice_unknown(run.id, (SELECT jsonb_agg(jsonb_build_array(q.no, to_jsonb(q.relevant)))
        FROM asymm.advice_query AS q WHERE q.run_id = run.id AND q.reason IS NULL AND q.relevant <> '{}'));
    IF v_tasks IS NOT NULL THEN
        RETURN v_tasks;
    END IF;
    v_tasks := asymm._advice_unknown(run.id, (
        SELECT jsonb_agg(w.wanted)
          FROM asymm.advice_query AS q
          JOIN LATERAL (SELECT p.used FROM asymm.advice_plan AS p
                         WHERE p.run_id = run.id AND p.query_no = q.no ORDER BY p.cost, cardinality(p.used) LIMIT 1) AS b ON true
         CROSS JOIN LATERAL (
               SELECT jsonb_build_array(q.no, to_jsonb(array_remove(q.relevant, u))) FROM unnest(b.used) AS u
               UNION ALL
               SELECT jsonb_build_array(q.no, to_jsonb(array_remove(b.used, u))) FROM unnest(b.used) AS u) AS w (wanted)
         WHERE q.run_id = run.id AND q.reason IS NULL AND q.relevant <> '{}'));
    IF v_tasks IS NULL THEN
        UPDATE asymm.advice_run AS r SET phase = 'grow' WHERE r.id = run.id;
    END IF;
    RETURN v_tasks;
END
$$;
COMMENT ON FUNCTION asymm._advice_to_probe(asymm.advice_run) IS 'Third phase of a search: each statement with each candidate alone, with all that help in sight, and without each that it used.';

-- One round: what the set costs now is known; then what the planner would take besides; then changes are listed, the most
-- promising made certain, and the best one made.
CREATE OR REPLACE FUNCTION asymm._advice_round(run asymm.advice_run) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tasks jsonb;
    v_size bigint := asymm._advice_size(run.id, run.chosen);
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.advice_move AS m WHERE m.run_id = run.id) THEN
        v_tasks := asymm._advice_unknown(run.id, (
            SELECT jsonb_agg(jsonb_build_array(q.no, to_jsonb(ARRAY(SELECT r FROM unnest(q.relevant) AS r WHERE r = ANY (run.chosen)))))
              FROM asymm.advice_query AS q WHERE q.run_id = run.id AND q.reason IS NULL AND q.relevant && run.chosen));
        IF v_tasks IS NOT NULL THEN
            RETURN v_tasks;
        END IF;
        PERFORM asymm._advice_stand(run);
        IF run.phase <> 'shrink' THEN
            v_tasks := asymm._advice_unknown(run.id, (
                SELECT jsonb_agg(jsonb_build_array(q.no, to_jsonb(ARRAY(
                           SELECT r FROM unnest(q.relevant) AS r
                            WHERE r = ANY (run.chosen)
                               OR EXISTS (SELECT FROM asymm.advice_candidate AS c
                                           WHERE c.run_id = run.id AND c.no = r AND (run.budget IS NULL OR c.size_bytes <= run.budget - v_size))
                            ORDER BY r))))
                  FROM asymm.advice_query AS q
                 WHERE q.run_id = run.id AND q.reason IS NULL AND (q.now_used <> '{}' OR run.chosen = '{}') AND q.relevant <> '{}'));
            IF v_tasks IS NOT NULL THEN
                RETURN v_tasks;
            END IF;
        END IF;
        PERFORM asymm._advice_list_moves(run);
    END IF;
    RETURN asymm._advice_choose(run);
END
$$;
COMMENT ON FUNCTION asymm._advice_round(asymm.advice_run) IS 'A round of a search, as far as it gets without the planner; NULL when it is over.';

CREATE OR REPLACE FUNCTION asymm._advice_size(run bigint, numbers integer[]) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT COALESCE(sum(c.size_bytes), 0) FROM asymm.advice_candidate AS c WHERE c.run_id = run AND c.no = ANY (numbers));
END
$$;
COMMENT ON FUNCTION asymm._advice_size(bigint, integer[]) IS 'Bytes of some candidates together.';

-- What each statement costs with the set as it stands.
CREATE OR REPLACE FUNCTION asymm._advice_stand(run asymm.advice_run) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE asymm.advice_query AS q
       SET now_cost = b.cost, now_used = b.used
      FROM (SELECT DISTINCT ON (p.query_no) p.query_no, p.cost, p.used FROM asymm.advice_plan AS p
             WHERE p.run_id = run.id AND p.used <@ run.chosen ORDER BY p.query_no, p.cost, cardinality(p.used)) AS b
     WHERE q.run_id = run.id AND b.query_no = q.no AND (q.now_cost, q.now_used) IS DISTINCT FROM (b.cost, b.used);
END
$$;
COMMENT ON FUNCTION asymm._advice_stand(asymm.advice_run) IS 'Books the cost of each statement with the set as it stands.';

-- Changes worth a thought, with what is known of their gain: for additions at least that much, as plans found before show; a
-- wider index in place of a narrower one as if it served as well.
CREATE OR REPLACE FUNCTION asymm._advice_list_moves(run asymm.advice_run) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $$
BEGIN
    -- What each index of the set is worth, as if the next best known plan were to stand in; a set that grows loses what has
    -- come to cost more than it brings.
    INSERT INTO asymm.advice_move (run_id, adds, drops, gain, bytes)
    SELECT run.id, '{}', ARRAY[c.no], c.keeping - COALESCE(l.loss, 0), -c.size_bytes
      FROM asymm.advice_candidate AS c
      LEFT JOIN LATERAL (
           SELECT sum(q.weight * ((SELECT min(p.cost) FROM asymm.advice_plan AS p
                                    WHERE p.run_id = run.id AND p.query_no = q.no AND p.used <@ array_remove(run.chosen, c.no)) - q.now_cost)
                      / GREATEST(q.cost, 1e-6)) AS loss
             FROM asymm.advice_query AS q WHERE q.run_id = run.id AND q.reason IS NULL AND c.no = ANY (q.now_used)) AS l ON true
     WHERE c.run_id = run.id AND c.no = ANY (run.chosen) AND (run.phase <> 'grow' OR c.writes > 0 OR l.loss IS NULL);
    -- A narrower index in place of a wider one.
    INSERT INTO asymm.advice_move (run_id, adds, drops, gain, bytes)
    SELECT run.id, ARRAY[n.no], ARRAY[w.no], w.keeping - n.keeping - COALESCE(l.loss, 0), n.size_bytes - w.size_bytes
      FROM asymm.advice_candidate AS w
      JOIN asymm.advice_candidate AS n ON n.run_id = w.run_id AND n.relid = w.relid AND n.method = w.method
           AND n.predicate IS NOT DISTINCT FROM w.predicate AND n.keys =
               w.keys[1:cardinality(n.keys)] AND n.include <@ w.include AND n.size_bytes < w.size_bytes AND n.fault IS NULL
      LEFT JOIN LATERAL (
           SELECT sum(q.weight * ((SELECT min(p.cost) FROM asymm.advice_plan AS p
                                    WHERE p.run_id = run.id AND p.query_no = q.no
                                      AND p.used <@ (array_remove(run.chosen, w.no) || n.no)) - q.now_cost)
                      / GREATEST(q.cost, 1e-6)) AS loss
             FROM asymm.advice_query AS q WHERE q.run_id = run.id AND q.reason IS NULL AND w.no = ANY (q.now_used)) AS l ON true
     WHERE run.phase <> 'grow' AND w.run_id = run.id AND w.no = ANY (run.chosen) AND NOT n.no = ANY (run.chosen)
    ON CONFLICT DO NOTHING;
    IF run.phase = 'shrink' THEN
        -- One for several of the same beginning, as if it served as well.
        INSERT INTO asymm.advice_move (run_id, adds, drops, gain, bytes)
        SELECT run.id, ARRAY[m.no], d.drops, d.keeping - m.keeping, m.size_bytes - d.bytes
          FROM asymm.advice_candidate AS m
         CROSS JOIN LATERAL (
               SELECT array_agg(i.no ORDER BY i.no) AS drops, sum(i.size_bytes) AS bytes, sum(i.keeping) AS keeping
                 FROM asymm.advice_candidate AS i
                WHERE i.run_id = run.id AND i.no = ANY (run.chosen) AND (i.relid, i.method) = (m.relid, m.method)
                  AND i.predicate IS NOT DISTINCT FROM m.predicate AND i.keys = m.keys[1:cardinality(i.keys)]
                  AND i.include <@ (m.keys || m.include)) AS d
         WHERE m.run_id = run.id AND m.fault IS NULL AND m.no <> ALL (run.chosen) AND cardinality(d.drops) > 1 AND m.size_bytes < d.bytes
        ON CONFLICT DO NOTHING;
        RETURN;
    END IF;
    -- What known plans lack.
    WITH plan AS MATERIALIZED (
        SELECT p.query_no, l.lacks, max(q.weight * (q.now_cost - p.cost) / GREATEST(q.cost, 1e-6)) AS gain
          FROM asymm.advice_plan AS p
          JOIN asymm.advice_query AS q ON q.run_id = p.run_id AND q.no = p.query_no AND q.reason IS NULL AND p.cost < q.now_cost
         CROSS JOIN LATERAL (SELECT ARRAY(SELECT u FROM unnest(p.used) AS u WHERE u <> ALL (run.chosen) ORDER BY u) AS lacks) AS l
         WHERE p.run_id = run.id AND cardinality(l.lacks) BETWEEN 1 AND 6
         GROUP BY p.query_no, l.lacks
        HAVING max(q.weight * (q.now_cost - p.cost) / GREATEST(q.cost, 1e-6)) > 0.0003 * run.base),
    wanted AS MATERIALIZED (
        SELECT s.lacks, s.gain, b.bytes, b.keeping, row_number() OVER (ORDER BY (s.gain - b.keeping) / GREATEST(b.bytes, 1) DESC) AS n,
               row_number() OVER (ORDER BY s.gain - b.keeping DESC) AS m
          FROM (SELECT p.lacks, sum(p.gain) AS gain FROM plan AS p GROUP BY p.lacks) AS s
         CROSS JOIN LATERAL (SELECT sum(c.size_bytes) AS bytes, sum(c.keeping) AS keeping FROM asymm.advice_candidate AS c
                              WHERE c.run_id = run.id AND c.no = ANY (s.lacks)) AS b),
    gained AS MATERIALIZED (
        SELECT w.lacks, w.bytes, sum(g.gain) - w.keeping AS gain
          FROM wanted AS w
          JOIN LATERAL (SELECT max(p.gain) AS gain FROM plan AS p WHERE p.lacks <@ w.lacks GROUP BY p.query_no) AS g ON true
         WHERE w.n <= 40 OR w.m <= 20
         GROUP BY w.lacks, w.bytes, w.keeping),
    -- Instead of a narrower one of the set that it begins with.
    instead AS (
        SELECT g.lacks, ARRAY(SELECT i.no FROM asymm.advice_candidate AS i
                               WHERE i.run_id = run.id AND i.no = ANY (run.chosen)
                                 AND EXISTS (SELECT FROM asymm.advice_candidate AS w
                                              WHERE w.run_id = run.id AND w.no = ANY (g.lacks) AND w.relid = i.relid AND w.method = i.method
                                                AND w.predicate IS NOT DISTINCT FROM i.predicate AND w.keys[1:cardinality(i.keys)] = i.keys
                                                AND i.include <@ (w.keys || w.include)) ORDER BY i.no) AS drops, g.gain, g.bytes
          FROM gained AS g)
    INSERT INTO asymm.advice_move (run_id, adds, drops, gain, bytes)
    SELECT run.id, x.lacks, x.drops, x.gain, x.bytes
      FROM (SELECT g.lacks, '{}'::integer[] AS drops, g.gain, g.bytes FROM gained AS g
            UNION
            SELECT i.lacks, i.drops, i.gain + (SELECT sum(c.keeping) FROM asymm.advice_candidate AS c
                                                  WHERE c.run_id = run.id AND c.no = ANY (i.drops)),
                   i.bytes - asymm._advice_size(run.id, i.drops)
              FROM instead AS i WHERE i.drops <> '{}') AS x
     WHERE x.gain > 0
    ON CONFLICT DO NOTHING;
    IF run.phase = 'polish' THEN
        -- Exchanges: the best additions for the least loss.
        INSERT INTO asymm.advice_move (run_id, adds, drops, gain, bytes)
        SELECT run.id, a.adds, d.drops, a.gain + d.gain, a.bytes + d.bytes
          FROM (SELECT m.* FROM asymm.advice_move AS m WHERE m.run_id = run.id AND m.drops = '{}' ORDER BY m.gain DESC LIMIT 60) AS a
         CROSS JOIN (SELECT m.* FROM asymm.advice_move AS m WHERE m.run_id = run.id AND m.adds = '{}') AS d
         WHERE a.gain + d.gain > 0
        ON CONFLICT DO NOTHING;
        INSERT INTO asymm.advice_move (run_id, adds, drops, gain, bytes)
        SELECT run.id, a.adds, d.drops || e.drops, a.gain + d.gain + e.gain, a.bytes + d.bytes + e.bytes
          FROM (SELECT m.* FROM asymm.advice_move AS m WHERE m.run_id = run.id AND m.drops = '{}' ORDER BY m.gain DESC LIMIT 30) AS a
         CROSS JOIN (SELECT m.* FROM asymm.advice_move AS m WHERE m.run_id = run.id AND m.adds = '{}') AS d
         CROSS JOIN (SELECT m.* FROM asymm.advice_move AS m WHERE m.run_id = run.id AND m.adds = '{}') AS e
         WHERE d.drops < e.drops AND a.gain + d.gain + e.gain > 0
        ON CONFLICT DO NOTHING;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._advice_list_moves(asymm.advice_run) IS 'Lists changes to the set of a search, with what known plans say of each.';
