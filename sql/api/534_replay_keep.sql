-- What a replay taught: kept as an event, in the annotation of the statement, and over time.

-- The more often a statement took about the same time by the same plan, the better its latency is known: one less the standard error of
-- the mean, as a share of it.
CREATE OR REPLACE FUNCTION asymm._replay_confidence(query bigint, shape text) RETURNS double precision
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT CASE WHEN count(*) < 2 OR avg(r.latency_ms) <= 0 THEN 0
                        ELSE GREATEST(0, 1 - stddev_samp(r.latency_ms) / (avg(r.latency_ms) * sqrt(count(*)))) END
              FROM (SELECT r.latency_ms, r.shape FROM asymm.replay AS r
                     WHERE r.query_id = query AND r.latency_ms IS NOT NULL ORDER BY r.id DESC LIMIT 30) AS r
             WHERE r.shape = _replay_confidence.shape);
END
$$;
COMMENT ON FUNCTION asymm._replay_confidence(bigint, text) IS 'How well the latency of a statement is known by its replays with a plan of this shape: 0 to 1.';

-- What people said of a statement is theirs. What was accepted by the settings, or is only proposed, follows what is measured: where all is
-- as it was, evidence is added (amplify), else it is put in its place.
CREATE OR REPLACE FUNCTION asymm._renew_annotation(query bigint, evidence jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_node asymm.node;
    v_name text;
    v_old asymm.annotation;
    v_new asymm.annotation;
    v_seen jsonb;
    v_state text;
BEGIN
    SELECT n.* INTO v_node FROM asymm.node AS n WHERE n.query_id = query AND n.gone_at IS NULL;
    IF NOT FOUND THEN
        RETURN 'not in the graph yet';
    END IF;
    v_name := (v_node).kind || ':' || (v_node).name;
    IF EXISTS (SELECT FROM asymm.node_annotation AS a WHERE a.node = v_name AND a.annotated_by <> 'asymmetrica') THEN
        RETURN 'left to who said it';
    END IF;
    SELECT (a.annotation).* INTO v_old FROM asymm.node_annotation AS a WHERE a.node = v_name;
    IF NOT FOUND THEN
        SELECT (p.annotation).* INTO v_old FROM asymm.annotation_proposal AS p WHERE p.node = v_name;
        SELECT p.state INTO v_state FROM asymm.annotation_proposal AS p WHERE p.node = v_name;
    END IF;
    IF v_state = 'rejected' THEN
        RETURN 'left to who rejected it';
    END IF;
    SELECT (a.annotation).* INTO v_new FROM asymm._proposed_annotation(v_node) AS a;
    SELECT a.evidence INTO v_seen FROM asymm._proposed_annotation(v_node) AS a;
    IF (v_old).symbol = (v_new).symbol AND (v_old).scope = (v_new).scope AND (v_old).regime = (v_new).regime AND (v_old).cost = (v_new).cost
          AND (v_old).lineage = (v_new).lineage THEN
        v_new := asymm.amplify(v_new, v_old);
    END IF;
    IF (v_old).symbol IS NOT NULL AND v_state IS NULL THEN
        UPDATE asymm.node_annotation AS a SET annotation = v_new, annotated_at = clock_timestamp() WHERE a.node = v_name;
    ELSE
        INSERT INTO asymm.annotation_proposal AS p (node, annotation, evidence) VALUES (v_name, v_new, v_seen || evidence)
        ON CONFLICT (node) DO UPDATE SET annotation = EXCLUDED.annotation, evidence = EXCLUDED.evidence, proposed_at = clock_timestamp();
    END IF;
    RETURN CASE WHEN (v_old).symbol IS NULL THEN 'proposed' WHEN (v_new).weight > 1 THEN 'confirmed' ELSE 'corrected' END;
END
$$;
COMMENT ON FUNCTION asymm._renew_annotation(bigint, jsonb) IS 'Brings the annotation of a statement that nobody wrote up to what is measured: proposed, confirmed, corrected, or left to people.';

-- Only for the statement this session was given, and only once.
CREATE OR REPLACE FUNCTION asymm._keep_replay(query bigint, source text, outcome jsonb, cost jsonb, took_ms double precision) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_set constant asymm.encore_setting := asymm._encore_settings();
    v_shape constant text := CASE WHEN outcome ? 'plan' THEN asymm._sha256(asymm._plan_shape(outcome -> 'plan')::text) END;
    v_measured constant boolean := outcome ? 'latency_ms' AND NOT outcome ? 'error';
    v_last asymm.replay;
    v asymm.replay;
BEGIN
    PERFORM asymm._require_session();
    UPDATE asymm.replay_state AS s
       SET query_id = NULL, pid = NULL, backend_start = NULL,
           rest_until = clock_timestamp() + LEAST(99 * GREATEST(took_ms, 1), 3600000) * interval '1 ms'
     WHERE s.query_id = query AND s.pid = pg_backend_pid();
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF outcome ? 'reason' OR NOT v_set.encore THEN
        -- What the server refused for want of a lock is tried again soon.
        UPDATE asymm.replay_pattern AS p
           SET reason = left(outcome ->> 'reason', 500), unfinished = 0, looked_at = clock_timestamp(),
               due_at = clock_timestamp() + CASE WHEN outcome ->> 'reason' ~ '55P03|constants yet' THEN v_set.replay_every ELSE interval '1 day' END
         WHERE p.query_id = query;
        RETURN;
    END IF;
    SELECT r.* INTO v_last FROM asymm.replay AS r WHERE r.query_id = query AND r.taught ORDER BY r.id DESC LIMIT 1;
    INSERT INTO asymm.replay (actor, query_id, source, cost_before, cost_after, confidence_before, confidence_after, latency_ms, usual_ms,
                              planning_ms, rows, blocks_hit, blocks_read, temp_blocks, shape, taught, error)
    SELECT session_user, query, left(_keep_replay.source, 200),
           COALESCE(v_last.cost_after, (SELECT c.cost FROM asymm.query_cost AS c WHERE c.query_id = query)),
           COALESCE((_keep_replay.cost ->> 'cost')::asymm.cost, v_last.cost_after),
           COALESCE(v_last.confidence_after, 0), COALESCE(v_last.confidence_after, 0),
           CASE WHEN v_measured THEN (outcome ->> 'latency_ms')::float8 END,
           (SELECT c.exec_ms / NULLIF(c.calls, 0) FROM asymm.query AS q
              JOIN asymm.query_counter AS c ON (c.queryid, c.role_id, c.toplevel) = (q.queryid, q.role_id, q.toplevel) WHERE q.id = query),
           (outcome ->> 'planning_ms')::float8, (outcome ->> 'rows')::float8, (outcome ->> 'blocks_hit')::bigint,
           (outcome ->> 'blocks_read')::bigint, (outcome ->> 'temp_blocks')::bigint, v_shape, v_measured, left(outcome ->> 'error', 500)
    RETURNING * INTO v;
    PERFORM asymm._keep_cost(query, cost);
    IF v_measured THEN
        UPDATE asymm.replay AS r SET confidence_after = asymm._replay_confidence(query, v_shape) WHERE r.id = (v).id RETURNING r.* INTO v;
        UPDATE asymm.replay AS r
           SET annotation = asymm._renew_annotation(query, jsonb_build_object('replayed_ms', round(v.latency_ms::numeric, 3))),
               lesson = NULLIF(concat_ws('; ',
                   CASE WHEN v_last.id IS NULL THEN 'measured for the first time' END,
                   CASE WHEN v.cost_after <> v.cost_before THEN format('costs %s, was %s', v.cost_after, v.cost_before) END,
                   CASE WHEN v_last.shape <> v.shape THEN 'another plan' END,
                   CASE WHEN v.confidence_after >= v.confidence_before + 0.01
                        THEN format('latency known to %s', round(v.confidence_after::numeric, 3)) END), '')
         WHERE r.id = (v).id RETURNING r.* INTO v;
    END IF;
    UPDATE asymm.replay_pattern AS p
       SET replays = p.replays + 1, unfinished = 0, looked_at = clock_timestamp(), reason = v.error,
           every = CASE WHEN v.lesson IS NULL THEN LEAST(2 * p.every, interval '7 days') ELSE v_set.replay_every END,
           due_at = clock_timestamp() + CASE WHEN v.lesson IS NULL THEN LEAST(2 * p.every, interval '7 days') ELSE v_set.replay_every END
     WHERE p.query_id = query;
    PERFORM asymm._owe_scans(outcome -> 'scans');
    PERFORM asymm._record_replay(v);
END
$$;
COMMENT ON FUNCTION asymm._keep_replay(bigint, text, jsonb, jsonb, double precision)
    IS 'Keeps how a replay went, or why there was none, says when the next is due, and books the rest that follows.';

CREATE OR REPLACE FUNCTION asymm._record_replay(replay asymm.replay) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
BEGIN
    SELECT k.* INTO v FROM asymm.knowledge() AS k;
    PERFORM asymm._record(s.metric, s.node, s.value)
       FROM (VALUES ('replay.count', '*', 1::float8), ('replay.taught', '*', (replay).taught::integer),
                    ('replay.latency_ms', 'query:' || (replay).query_id, (replay).latency_ms),
                    ('score.play', '*', v.play), ('score.knowledge', '*', v.growth)) AS s (metric, node, value)
      WHERE s.value IS NOT NULL;
END
$$;
COMMENT ON FUNCTION asymm._record_replay(asymm.replay) IS 'Records a replay, Ωp and dK/dt for the sample of this minute.';
