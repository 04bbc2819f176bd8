-- All three sonars together, and the organ that looks: it records the scores and keeps the findings.

CREATE OR REPLACE FUNCTION asymm.sonar(span interval DEFAULT '1 hour')
RETURNS TABLE (sonar text, node text, score double precision, status text, target double precision, severity text, seen text, recommended text,
               action bigint, evidence jsonb, query text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_health record;
BEGIN
    SELECT h.* INTO v_health FROM asymm.health($1) AS h;
    RETURN QUERY
        SELECT s.sonar, '*', s.score, asymm._status_word(s.score), s.target, NULL, s.seen, NULL, NULL::bigint, NULL::jsonb,
               CASE s.sonar WHEN 'state' THEN 'SELECT * FROM asymm.state_sonar()' ELSE format('SELECT * FROM asymm.explain_score(%L)', s.sonar) END
          FROM (VALUES ('shm', v_health.shm, NULL, 'system health'), ('ux', v_health.ux, 0.9::float8, 'how smoothly queries answer'),
                       ('semantic', v_health.semantic, 0.85, 'whether what is said of nodes is true'),
                       ('state', v_health.state, 0.7, 'states and duplicates of tracked tables')) AS s (sonar, score, target, seen);
    RETURN QUERY
        SELECT f.sonar, f.node, NULL::float8, NULL, NULL::float8, f.severity, f.seen, f.recommended, f.action, f.evidence, f.query
          FROM asymm.findings AS f;
END
$$;
COMMENT ON FUNCTION asymm.sonar(interval)
    IS 'The scores of the sonars over a span (0 to 1, with target), then what they find wrong now, the worst first: node, what was seen, what to do, the proposal (action) if there is one, the query that shows it.';

-- An index that is proposed for a statement is what to do about it.
CREATE OR REPLACE FUNCTION asymm._proposal_for(query bigint) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT a.id FROM asymm.action AS a
             WHERE a.state IN ('proposed', 'approved', 'applying', 'applied') AND a.kind = 'create index'
               AND query = ANY (asymm._advised_queries(a.evidence_before))
             ORDER BY a.state = 'proposed' DESC, a.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._proposal_for(bigint) IS 'The index in the ledger that promises a statement a gain, NULL: none.';

-- By the last two steps of the workload; a statement that ran once or twice says little.
CREATE OR REPLACE FUNCTION asymm._find_slow(settings asymm.sonar_setting) RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_budget constant double precision := EXTRACT(epoch FROM settings.latency_budget) * 1000;
    v_span constant interval := GREATEST(2 * (asymm._index_settings()).workload_step, '10 s');
    v_keys text[] := '{}';
    v_action bigint;
    v record;
BEGIN
    FOR v IN SELECT e.*, c.cost, c.blame FROM asymm.ux_echo(v_span) AS e LEFT JOIN asymm.query_cost AS c ON c.query_id = e.query
              WHERE e.mean_ms > v_budget AND e.calls >= 3 ORDER BY e.slow_ms DESC LIMIT 50 LOOP
        v_action := asymm._proposal_for(v.query);
        PERFORM asymm._find('ux', 'slow ' || v.query, CASE WHEN v.mean_ms > 10 * v_budget THEN 'critical' ELSE 'warning' END, 'query:' || v.query,
                            format('takes %s ms a call, %s is the budget%s', round(v.mean_ms::numeric, 1), settings.latency_budget,
                                   CASE WHEN v.cost IS NOT NULL
                                        THEN format('; its plan costs %s%s', v.cost, format(', %s on %s', v.blame ->> 'node', v.blame ->> 'relation'))
                                        ELSE '' END),
                            jsonb_strip_nulls(jsonb_build_object(
                                'calls', v.calls, 'mean_ms', v.mean_ms, 'p95_ms', v.p95_ms, 'slow_calls', v.slow_calls,
                                'cost', v.cost, 'node', v.blame ->> 'node', 'relation', v.blame ->> 'relation')),
                            format('SELECT * FROM asymm.queries WHERE query = %s', v.query),
                            CASE WHEN v_action IS NOT NULL THEN format('SELECT * FROM asymm.approve(%s)', v_action)
                                 ELSE 'SELECT definition, reason FROM asymm.advise()' END, v_action);
        v_keys := v_keys || ('slow ' || v.query);
    END LOOP;
    FOR v IN SELECT c.* FROM asymm.latency_changes() AS c LIMIT 50 LOOP
        v_action := asymm._proposal_for(v.query);
        PERFORM asymm._find('ux', format('%s %s', v.kind, v.query), CASE WHEN v.ratio > 5 THEN 'critical' ELSE 'warning' END, 'query:' || v.query,
                            format('%s since %s: %s ms a call before, %s ms now',
                                   CASE v.kind WHEN 'slower' THEN 'slower' ELSE 'another plan' END, to_char(v.changed_at, 'YYYY-MM-DD HH24:MI'),
                                   round(v.before_ms::numeric, 2), round(v.after_ms::numeric, 2)),
                            to_jsonb(v) - '{query}'::text[], format('SELECT * FROM asymm.latency_changes(%s)', v.query),
                            CASE WHEN v_action IS NOT NULL THEN format('SELECT * FROM asymm.approve(%s)', v_action)
                                 ELSE format('Compare the plans (SELECT * FROM asymm.query_plans WHERE query = %s); '
                                             'ANALYZE the tables if their rows are misjudged', v.query) END, v_action);
        v_keys := v_keys || format('%s %s', v.kind, v.query);
    END LOOP;
    RETURN v_keys;
END
$$;
COMMENT ON FUNCTION asymm._find_slow(asymm.sonar_setting) IS 'Notes findings of statements over the latency budget and of those whose latency or plan changed; returns their keys.';

CREATE OR REPLACE FUNCTION asymm._find_untrue(faults jsonb) RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_keys text[] := '{}';
    v_fault jsonb;
    v_node text;
BEGIN
    FOR v_fault IN SELECT f.value FROM jsonb_array_elements(COALESCE(NULLIF(faults, 'null'), '[]')) AS f LOOP
        v_node := v_fault ->> 'node';
        PERFORM asymm._find('semantic', v_node, CASE WHEN (v_fault ->> 'honest')::float8 = 0 THEN 'warning' ELSE 'info' END, v_node,
                            v_fault ->> 'critique', jsonb_strip_nulls(v_fault - '{node,critique}'::text[]),
                            format('SELECT * FROM asymm.semantic_echo() WHERE node = %L', v_node),
                            format('Say what is so: SELECT * FROM asymm.annotate(%L, …)', v_node));
        v_keys := v_keys || v_node;
    END LOOP;
    RETURN v_keys;
END
$$;
COMMENT ON FUNCTION asymm._find_untrue(jsonb)
    IS 'Notes findings of nodes whose annotations disagree or are not what is measured, as asymm._semantic_sums() has them; returns their keys.';

CREATE OR REPLACE FUNCTION asymm._sonar_round() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_semantic constant jsonb := (SELECT to_jsonb(s) FROM asymm._semantic_sums('1 hour', 'all', true) AS s);
    v record;
BEGIN
    PERFORM asymm._close_findings('ux', asymm._find_slow(asymm._sonar_settings()));
    PERFORM asymm._close_findings('semantic', asymm._find_untrue(v_semantic -> 'faults'));
    SELECT b.*, (SELECT avg(s.score) FROM asymm.state_sonar() AS s) AS state INTO v FROM asymm._balance('1 hour', v_semantic) AS b;
    PERFORM asymm._record(s.metric, '*', s.value)
       FROM (VALUES ('score.shm', v.health), ('score.ux', v.exploration), ('score.semantic', v.balance), ('score.state', v.state),
                    ('score.balance', v.score)) AS s (metric, value) WHERE s.value IS NOT NULL;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._sonar_round() IS 'Organ: records the scores of the sonars and keeps their findings.';
