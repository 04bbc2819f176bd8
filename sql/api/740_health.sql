-- Health as one figure, how even it is, and where each figure comes from. Everything here is the sum of terms: name, value, weight, what
-- measured it and the query that shows it. A term that was not measured is NULL and the others share its weight.

-- The schema's part of stability: the share of what is watched that is as declared.
CREATE OR REPLACE FUNCTION asymm._terms(span interval, semantic jsonb DEFAULT NULL)
RETURNS TABLE (score text, term text, value double precision, weight double precision, source text, query text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_ux record;
    v_semantic record;
    v_state double precision;
    v_coherence double precision;
    v_centre constant double precision[] := ARRAY[0.3385, 0.2872, 0.3744];
BEGIN
    SELECT u.score, u.fps, u.cls, u.long_task INTO v_ux FROM asymm.ux_sonar($1) AS u;
    SELECT s.* INTO v_semantic
      FROM jsonb_to_record(COALESCE($2, (SELECT to_jsonb(s) FROM asymm._semantic_sums($1, 'all', false) AS s), '{}'))
           AS s (score float8, complete float8, existing float8, flowing float8, honest float8, fitting float8);
    SELECT avg(s.score) INTO v_state FROM asymm.state_sonar() AS s;
    SELECT 1 - count(*) FILTER (WHERE EXISTS (SELECT FROM asymm.drift_record AS d WHERE d.baseline_id = b.id AND d.state = 'open'))::float8
               / NULLIF(count(*), 0) INTO v_coherence FROM asymm.baseline AS b;
    RETURN QUERY VALUES
        ('shm', 'ux', v_ux.score, 0.5::float8, 'UX-Sonar', 'SELECT * FROM asymm.explain_score(''ux'')'),
        ('shm', 'semantic', v_semantic.score, 0.25, 'Semantic Sonar', 'SELECT * FROM asymm.explain_score(''semantic'')'),
        ('shm', 'state', v_state, 0.25, 'State Sonar, mean of the tracked tables', 'SELECT * FROM asymm.state_sonar()'),
        ('ux', 'fps', v_ux.fps, NULL, '60 × share of executions within the latency budget', 'SELECT * FROM asymm.ux_sonar(by => ''query'')'),
        ('ux', 'cls', v_ux.cls, NULL, 'share of executions of statements whose plan or latency changed', 'SELECT * FROM asymm.latency_changes()'),
        ('ux', 'long_task', v_ux.long_task, NULL, 'seconds over the latency budget a second',
         'SELECT * FROM asymm.ux_echo() ORDER BY slow_ms DESC'),
        ('semantic', 'complete', v_semantic.complete, NULL, 'five fields', 'SELECT * FROM asymm.semantic_echo() WHERE complete < 1'),
        ('semantic', 'existing', v_semantic.existing, NULL, 'what lineage names is there', 'SELECT * FROM asymm.semantic_echo() WHERE existing < 1'),
        ('semantic', 'flowing', v_semantic.flowing, NULL, 'declared flows seen, and seen ones declared', 'SELECT * FROM asymm.lineage_faults'),
        ('semantic', 'honest', v_semantic.honest, NULL, 'cost observed not above the one declared',
         'SELECT * FROM asymm.semantic_echo() WHERE honest < 1'),
        ('semantic', 'fitting', v_semantic.fitting, NULL, 'scope as wide as the flows', 'SELECT * FROM asymm.semantic_echo() WHERE fitting < 1'),
        ('support', 'state', v_state, 0.5, 'State Sonar, mean of the tracked tables', 'SELECT * FROM asymm.state_sonar()'),
        ('support', 'coherence', v_coherence, 0.5, 'share of what is watched that is as declared', 'SELECT * FROM asymm.drift'),
        ('balance', 'support', (COALESCE(v_state, v_coherence) + COALESCE(v_coherence, v_state)) / 2, v_centre[1],
         'State Sonar and schema coherence', 'SELECT * FROM asymm.explain_score(''support'')'),
        ('balance', 'exploration', v_ux.score, v_centre[2], 'UX-Sonar', 'SELECT * FROM asymm.explain_score(''ux'')'),
        ('balance', 'balance', v_semantic.score, v_centre[3], 'Semantic Sonar', 'SELECT * FROM asymm.explain_score(''semantic'')');
END
$$;
COMMENT ON FUNCTION asymm._terms(interval, jsonb)
    IS 'The terms of all scores, with what they were measured by; the figures of Semantic Sonar may be given, by who has them.';

CREATE OR REPLACE FUNCTION asymm.explain_score(name text DEFAULT 'shm', span interval DEFAULT '1 hour')
RETURNS TABLE (term text, value double precision, weight double precision, adds double precision, source text, query text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF $1 IS NULL OR $1 NOT IN ('shm', 'ux', 'semantic', 'support', 'balance', 'play', 'knowledge') THEN
        PERFORM asymm._require_text($1, 'name');
        RAISE EXCEPTION 'score "%" does not exist', $1
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'Scores are shm, ux, semantic, support, balance, play and knowledge; state is a row for each table.',
                  HINT = 'SELECT * FROM asymm.explain_score(''shm'')';
    END IF;
    RETURN QUERY
        SELECT t.term, t.value, t.weight,
               t.value * t.weight / sum(t.weight) FILTER (WHERE t.value IS NOT NULL) OVER (), t.source, t.query
          FROM (SELECT a.* FROM asymm._knowledge_terms($2) AS a WHERE $1 IN ('play', 'knowledge')
                UNION ALL SELECT b.* FROM asymm._terms($2) AS b WHERE $1 NOT IN ('play', 'knowledge')) AS t
         WHERE t.score = $1;
END
$$;
COMMENT ON FUNCTION asymm.explain_score(text, interval)
    IS 'What a score (shm, ux, semantic, support, balance, play for Ωp, knowledge for dK/dt) is made of: each term, its weight, what it adds to the sum, what measured it and the query that shows the rows. Terms without weight make a formula: see asymm.ux_sonar(), asymm.semantic_sonar(). Raises 42704, 22004.';

CREATE OR REPLACE FUNCTION asymm.health(span interval DEFAULT '1 hour')
RETURNS TABLE (shm double precision, status text, regime text, ux double precision, semantic double precision, state double precision,
               not_measured text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT h.shm, asymm._status_word(h.shm),
               CASE WHEN h.shm < 0.70 THEN 'Exploration' WHEN h.shm < 0.85 THEN 'Optimization' WHEN h.shm >= 0.85 THEN 'Stabilization' END,
               h.ux, h.semantic, h.state, COALESCE(h.missing, '{}')
          FROM (SELECT sum(t.value * t.weight) / sum(t.weight) FILTER (WHERE t.value IS NOT NULL) AS shm,
                       max(t.value) FILTER (WHERE t.term = 'ux') AS ux,
                       max(t.value) FILTER (WHERE t.term = 'semantic') AS semantic, max(t.value) FILTER (WHERE t.term = 'state') AS state,
                       array_agg(t.term ORDER BY t.term) FILTER (WHERE t.value IS NULL) AS missing
                  FROM asymm._terms($1) AS t WHERE t.score = 'shm') AS h;
END
$$;
COMMENT ON FUNCTION asymm.health(interval)
    IS 'System health: 0.5 UX + 0.25 Semantic + 0.25 State, each 0 to 1, over a span; what was not measured is named and left out. asymm.explain_score(''shm'') shows the terms.';

CREATE OR REPLACE FUNCTION asymm._balance(span interval, semantic jsonb DEFAULT NULL)
RETURNS TABLE (score double precision, health double precision, support double precision, exploration double precision, balance double precision,
               place double precision[], centre double precision[], distance double precision, not_measured text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v record;
    v_total double precision;
BEGIN
    SELECT max(t.value) FILTER (WHERE t.term = 'support') AS support, max(t.value) FILTER (WHERE t.term = 'exploration') AS exploration,
           max(t.value) FILTER (WHERE t.term = 'balance') AS balance,
           array_agg(t.weight ORDER BY t.term DESC) FILTER (WHERE t.score = 'balance') AS weights,
           array_agg(t.term ORDER BY t.term) FILTER (WHERE t.score = 'balance' AND t.value IS NULL) AS missing,
           sum(t.value * t.weight) FILTER (WHERE t.score = 'shm')
               / sum(t.weight) FILTER (WHERE t.score = 'shm' AND t.value IS NOT NULL) AS health
      INTO v FROM asymm._terms($1, $2) AS t;
    support := v.support;
    exploration := v.exploration;
    balance := v.balance;
    health := v.health;
    not_measured := COALESCE(v.missing, '{}');
    -- In the order of the alphabet backwards: support, exploration, balance.
    centre := ARRAY(SELECT w.weight / sum(w.weight) OVER () FROM unnest(v.weights) WITH ORDINALITY AS w (weight, n) ORDER BY w.n);
    v_total := support * centre[1] + exploration * centre[2] + balance * centre[3];
    IF v_total > 0 THEN
        place := ARRAY[support * centre[1] / v_total, exploration * centre[2] / v_total, balance * centre[3] / v_total];
        distance := sqrt((place[1] - centre[1]) ^ 2 + (place[2] - centre[2]) ^ 2 + (place[3] - centre[3]) ^ 2);
        score := 100 - 100 * distance;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION asymm._balance(interval, jsonb) IS 'What asymm.balance() returns; the figures of Semantic Sonar may be given, by who has them.';

CREATE OR REPLACE FUNCTION asymm.balance(span interval DEFAULT '1 hour')
RETURNS TABLE (score double precision, health double precision, support double precision, exploration double precision, balance double precision,
               place double precision[], centre double precision[], distance double precision, not_measured text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT b.* FROM asymm._balance($1) AS b;
END
$$;
COMMENT ON FUNCTION asymm.balance(interval)
    IS 'How even health is: 100 − 100 × distance of the three readings (support: State Sonar and schema coherence, exploration: UX, balance: Semantic) from their centre; target 97. Says nothing of how good it is: that is health beside it. NULL while a reading is missing.';
