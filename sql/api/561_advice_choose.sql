-- What is done in a round.

CREATE OR REPLACE FUNCTION asymm._advice_choose(run asymm.advice_run) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_size bigint := asymm._advice_size(run.id, run.chosen);
    v_room bigint := run.budget - v_size;
    v_tasks jsonb;
    v_adds integer[];
    v_drops integer[];
    v_exact boolean;
    v_found boolean;
BEGIN
    FOR v_turn IN 1 .. 1000 LOOP
        SELECT m.adds, m.drops, m.exact INTO v_adds, v_drops, v_exact FROM asymm._advice_order(run, v_room, false) AS m LIMIT 1;
        v_found := FOUND;
        EXIT WHEN NOT v_found OR v_exact;
        -- The best isn't certain: what is missing for the first few.
        SELECT asymm._advice_unknown(run.id, jsonb_agg(jsonb_build_array(w.no, to_jsonb(w.visible)))) INTO v_tasks
          FROM asymm._advice_order(run, v_room, true) AS m CROSS JOIN LATERAL asymm._advice_affected(run, m.adds, m.drops) AS w;
        IF v_tasks IS NOT NULL THEN
            RETURN v_tasks;
        END IF;
        UPDATE asymm.advice_move AS m
           SET exact = true, gain = asymm._advice_gain(run, m.adds, m.drops)
          FROM asymm._advice_order(run, v_room, true) AS o
         WHERE m.run_id = run.id AND m.adds = o.adds AND m.drops = o.drops;
    END LOOP;
    DELETE FROM asymm.advice_move AS m WHERE m.run_id = run.id;
    IF v_found THEN
        UPDATE asymm.advice_run AS r
           SET rounds = r.rounds + 1, chosen = ARRAY(SELECT c FROM unnest(r.chosen || v_adds) AS c WHERE c <> ALL (v_drops) ORDER BY c)
         WHERE r.id = run.id;
    ELSE
        PERFORM asymm._advice_turn(run);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._advice_choose(asymm.advice_run) IS 'Makes the best change of a round, or returns what the planner has to be asked before that is certain.';

-- What the phase would do, best first: most per byte, least loss per byte, most at all. Dropping pays where what it loses is less
-- than a thousandth.
CREATE OR REPLACE FUNCTION asymm._advice_order(run asymm.advice_run, room bigint, only_open boolean) RETURNS SETOF asymm.advice_move
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    -- By itself nothing is tried for less than a hundredth, or a thousandth of a core (in milliseconds an hour) where that is less: a trial
    -- takes locks, and holds up others of its table.
    v_least float8 := GREATEST(CASE WHEN run.phase = 'polish' THEN 0.001 ELSE 0.003 END * run.base,
                               CASE WHEN run.kind = 'standing' THEN LEAST(0.01 * run.base, 3600) ELSE 0 END);
    v_over boolean := COALESCE(room < 0, false);
BEGIN
    RETURN QUERY
    SELECT m.* FROM asymm.advice_move AS m
     WHERE m.run_id = run.id AND NOT (only_open AND m.exact)
       AND CASE WHEN run.phase = 'shrink' AND v_over THEN m.bytes < 0
                WHEN m.bytes < 0 AND m.gain > CASE WHEN run.phase = 'shrink' THEN -v_least / 3 ELSE 0 END THEN true
                WHEN run.phase = 'shrink' THEN false
                ELSE m.gain >= v_least AND (room IS NULL OR m.bytes <= room) END
     ORDER BY CASE WHEN run.phase = 'polish' THEN m.gain
                   WHEN run.phase = 'shrink' AND v_over THEN CASE WHEN m.gain >= 0 THEN 1e300 ELSE m.gain / -m.bytes END
                   WHEN run.phase = 'shrink' THEN m.gain
                   WHEN m.bytes <= 0 THEN 1e300
                   ELSE m.gain / m.bytes END DESC, m.bytes, m.adds, m.drops
     LIMIT 6;
END
$$;
COMMENT ON FUNCTION asymm._advice_order(asymm.advice_run, bigint, boolean) IS 'The first changes a search would make, or those among them that aren''t certain.';

-- Statements whose cost a change may touch, and what they would have in sight.
CREATE OR REPLACE FUNCTION asymm._advice_affected(run asymm.advice_run, adds integer[], drops integer[])
RETURNS TABLE (no integer, visible integer[])
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT q.no, ARRAY(SELECT r FROM unnest(q.relevant) AS r WHERE (r = ANY (run.chosen) OR r = ANY (adds)) AND r <> ALL (drops) ORDER BY r)
      FROM asymm.advice_query AS q
     WHERE q.run_id = run.id AND q.reason IS NULL AND (q.relevant && adds OR q.now_used && drops);
END
$$;
COMMENT ON FUNCTION asymm._advice_affected(asymm.advice_run, integer[], integer[]) IS 'Statements that a change to the set may touch, with the candidates they would see.';

CREATE OR REPLACE FUNCTION asymm._advice_gain(run asymm.advice_run, adds integer[], drops integer[]) RETURNS double precision
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN COALESCE((
        SELECT sum(q.weight * (q.now_cost - (SELECT min(p.cost) FROM asymm.advice_plan AS p
                                              WHERE p.run_id = run.id AND p.query_no = q.no AND p.used <@ a.visible)) / GREATEST(q.cost, 1e-6))
          FROM asymm._advice_affected(run, adds, drops) AS a JOIN asymm.advice_query AS q ON q.run_id = run.id AND q.no = a.no), 0)
      + COALESCE((SELECT sum(CASE WHEN c.no = ANY (drops) THEN c.keeping ELSE -c.keeping END) FROM asymm.advice_candidate AS c
                   WHERE c.run_id = run.id AND c.no = ANY (adds || drops)), 0);
END
$$;
COMMENT ON FUNCTION asymm._advice_gain(asymm.advice_run, integer[], integer[]) IS 'What a change to the set brings, by the plans that are known.';

-- A direction is at its end. The worth of a set is what it saves less what it takes to write.
CREATE OR REPLACE FUNCTION asymm._advice_turn(run asymm.advice_run) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF run.phase = 'grow' THEN
        UPDATE asymm.advice_run AS r
           SET phase = 'shrink', other = run.chosen,
               chosen = ARRAY(SELECT DISTINCT u FROM asymm.advice_query AS q
                               CROSS JOIN LATERAL (SELECT p.used FROM asymm.advice_plan AS p
                                                    WHERE p.run_id = run.id AND p.query_no = q.no ORDER BY p.cost, cardinality(p.used) LIMIT 1) AS p
                               CROSS JOIN unnest(p.used) AS u WHERE q.run_id = run.id AND q.reason IS NULL ORDER BY u)
         WHERE r.id = run.id;
    ELSIF run.phase = 'shrink' THEN
        UPDATE asymm.advice_run AS r
           SET phase = 'polish',
               chosen = CASE WHEN asymm._advice_worth(run, run.other) >= asymm._advice_worth(run, run.chosen) THEN run.other ELSE run.chosen END
         WHERE r.id = run.id;
    ELSE
        PERFORM asymm._advice_by_rule(run);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._advice_turn(asymm.advice_run) IS 'Goes on to the next phase of a search.';

CREATE OR REPLACE FUNCTION asymm._advice_worth(run asymm.advice_run, numbers integer[]) RETURNS double precision
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT COALESCE(sum(q.weight * (1 - (SELECT min(p.cost) FROM asymm.advice_plan AS p
                                                  WHERE p.run_id = run.id AND p.query_no = q.no AND p.used <@ numbers) / GREATEST(q.cost, 1e-6))), 0)
              FROM asymm.advice_query AS q WHERE q.run_id = run.id AND q.reason IS NULL)
         - (SELECT COALESCE(sum(c.keeping), 0) FROM asymm.advice_candidate AS c WHERE c.run_id = run.id AND c.no = ANY (numbers));
END
$$;
COMMENT ON FUNCTION asymm._advice_worth(asymm.advice_run, integer[]) IS 'What a set of candidates brings, by the plans that are known.';
