-- What experiments bring: the share of them that taught something (Ωp), and how fast knowledge grows (dK/dt). Experiments are indexes that
-- were tried and statements that were replayed.

-- A better class by one is a sixth, so that from the worst to the best is 1, as is from nothing known of a latency to all.
CREATE OR REPLACE FUNCTION asymm.knowledge(
    span interval DEFAULT '7 days', OUT play double precision, OUT growth double precision, OUT cost_gain double precision,
    OUT confidence_gain double precision, OUT indexes bigint, OUT indexes_taught bigint, OUT replays bigint, OUT replays_taught bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    -- Experiments are kept for longer than the workload.
    v_since constant timestamptz := CASE WHEN $1 BETWEEN '7 days' AND '30 days' THEN clock_timestamp() - $1 ELSE asymm._require_span($1) END;
BEGIN
    SELECT count(*), count(*) FILTER (WHERE a.state IN ('verified', 'reverted') AND a.evidence_after ->> 'looks' IS NOT NULL)
      INTO indexes, indexes_taught
      FROM asymm.action AS a JOIN asymm.index_action AS i ON i.action_id = a.id
     WHERE i.built_at IS NOT NULL AND a.state NOT IN ('applying', 'applied') AND a.changed_at >= v_since;
    SELECT count(*), count(*) FILTER (WHERE r.taught),
           COALESCE(sum(array_position(c.classes, r.cost_before) - array_position(c.classes, r.cost_after)) FILTER (WHERE r.taught), 0)
               / (cardinality(c.classes) - 1)::float8,
           COALESCE(sum(r.confidence_after - r.confidence_before) FILTER (WHERE r.taught), 0)
      INTO replays, replays_taught, cost_gain, confidence_gain
      FROM (SELECT enum_range(NULL::asymm.cost)) AS c (classes) LEFT JOIN asymm.replay AS r ON r.at >= v_since
     WHERE r.id IS NOT NULL GROUP BY c.classes;
    replays := COALESCE(replays, 0);
    replays_taught := COALESCE(replays_taught, 0);
    cost_gain := COALESCE(cost_gain, 0);
    confidence_gain := COALESCE(confidence_gain, 0);
    play := (indexes_taught + replays_taught)::float8 / NULLIF(indexes + replays, 0);
    growth := play * (cost_gain + confidence_gain) / (EXTRACT(epoch FROM $1) / 86400)::float8;
END
$$;
COMMENT ON FUNCTION asymm.knowledge(interval)
    IS 'What experiments brought in a span: play (Ωp), the share of indexes tried and statements replayed that taught something (a measured result); growth (dK/dt), Ωp × (gain in class + gain in confidence) a day. Classes lost and confidence lost count against it. NULL where nothing was tried. A span is 10 seconds to 30 days. Raises 22004, 22023.';

CREATE OR REPLACE FUNCTION asymm._knowledge_terms(span interval)
RETURNS TABLE (score text, term text, value double precision, weight double precision, source text, query text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v record;
BEGIN
    SELECT k.* INTO v FROM asymm.knowledge($1) AS k;
    RETURN QUERY VALUES
        ('play', 'indexes', v.indexes_taught::float8 / NULLIF(v.indexes, 0), NULLIF(v.indexes, 0)::float8,
         'share of indexes tried that were kept or taken back with a measured result', 'SELECT * FROM asymm.advice'),
        ('play', 'replays', v.replays_taught::float8 / NULLIF(v.replays, 0), NULLIF(v.replays, 0)::float8,
         'share of replays that ran to their end', 'SELECT * FROM asymm.replays'),
        ('knowledge', 'play', v.play, NULL, 'experiments that taught something', 'SELECT * FROM asymm.explain_score(''play'')'),
        ('knowledge', 'cost_gain', v.cost_gain, NULL, 'classes that replays found better, less those found worse, of six',
         'SELECT * FROM asymm.replays WHERE cost_after <> cost_before'),
        ('knowledge', 'confidence_gain', v.confidence_gain, NULL,
         'how much better latencies are known: 1 less the standard error as a share of the mean',
         'SELECT * FROM asymm.replays WHERE confidence_after <> confidence_before'),
        ('knowledge', 'days', (EXTRACT(epoch FROM $1) / 86400)::float8, NULL, 'the span: growth is play × (cost_gain + confidence_gain) ÷ days',
         'SELECT * FROM asymm.knowledge()');
END
$$;
COMMENT ON FUNCTION asymm._knowledge_terms(interval) IS 'The terms of Ωp and dK/dt, with what they were measured by.';
