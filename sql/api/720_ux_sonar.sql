-- UX-Sonar: how smoothly queries answer. PING reads what statements did, ECHO makes figures of it, MAP a score between 0 and 1, CRITIQUE
-- findings. pg_stat_statements keeps mean and deviation only: shares and percentiles are those of a lognormal of that mean and deviation.

-- After Zelen and Severo, 26.2.17 of Abramowitz and Stegun: absolute error below 7.5e-8.
CREATE OR REPLACE FUNCTION asymm._normal_share(x double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t constant double precision := 1 / (1 + 0.2316419 * LEAST(abs(x), 40));
    v_tail constant double precision := exp(-LEAST(x * x, 1400) / 2) / 2.5066282746310002 * t
        * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
BEGIN
    RETURN CASE WHEN x < 0 THEN v_tail ELSE 1 - v_tail END;
END
$$;
COMMENT ON FUNCTION asymm._normal_share(double precision) IS 'The probability that a standard normal variable lies below this.';

CREATE OR REPLACE FUNCTION asymm._lognormal(mean double precision, deviation double precision, budget double precision,
    OUT p50 double precision, OUT p95 double precision, OUT p99 double precision, OUT share double precision, OUT time_share double precision)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_mean constant double precision := GREATEST(mean, 1e-9);
    v_sigma constant double precision := sqrt(ln(1 + (deviation / v_mean) ^ 2));
    v_mu constant double precision := ln(v_mean) - v_sigma * v_sigma / 2;
BEGIN
    p50 := exp(v_mu);
    p95 := exp(v_mu + 1.6448536269514722 * v_sigma);
    p99 := exp(v_mu + 2.3263478740408408 * v_sigma);
    IF v_sigma < 1e-6 THEN
        share := (mean > budget)::integer;
        time_share := share;
    ELSE
        share := asymm._normal_share((v_mu - ln(budget)) / v_sigma);
        time_share := asymm._normal_share((v_mu + v_sigma * v_sigma - ln(budget)) / v_sigma);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._lognormal(double precision, double precision, double precision)
    IS 'Percentiles of times of this mean and deviation, and the shares of executions, and of their time, that take longer than a budget.';

CREATE OR REPLACE FUNCTION asymm._require_span(span interval) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $1 IS NULL THEN
        PERFORM asymm._require_text(NULL, 'span');
    ELSIF NOT $1 BETWEEN '10 s' AND '7 days' THEN
        RAISE EXCEPTION 'span % is out of range', $1
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'The workload is kept for a week; a span lies between 10 seconds and 7 days.',
                  HINT = 'SELECT * FROM asymm.ux_sonar(span => ''1 hour'')';
    END IF;
    RETURN clock_timestamp() - $1;
END
$$;
COMMENT ON FUNCTION asymm._require_span(interval) IS 'When a span began; raises 22004 or 22023.';

-- A step of time that lies partly within the span counts as a whole: since says where it really began.
CREATE OR REPLACE FUNCTION asymm.ux_ping(span interval DEFAULT '1 hour')
RETURNS TABLE (query bigint, role name, calls bigint, exec_ms double precision, deviation_ms double precision, rows bigint, since timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_since constant timestamptz := asymm._require_span($1);
    v_slots constant smallint[] := asymm._load_slots(v_since);
    v_step constant interval := (asymm._index_settings()).workload_step;
BEGIN
    RETURN QUERY
        SELECT q.id, pg_get_userbyid(q.role_id), sum(l.calls)::bigint, sum(l.exec_ms),
               sqrt(GREATEST(sum(l.exec_squares) / sum(l.calls) - (sum(l.exec_ms) / sum(l.calls)) ^ 2, 0)), sum(l.rows)::bigint, min(l.at)
          FROM asymm.query_load AS l JOIN asymm.query AS q ON q.id = l.query_id
         WHERE l.slot = ANY (v_slots) AND l.at > v_since - v_step AND l.calls > 0
         GROUP BY q.id;
END
$$;
COMMENT ON FUNCTION asymm.ux_ping(interval) IS 'UX-Sonar, readings: what each statement did within a span (10 seconds to 7 days), by steps of the workload, the first from since on; times in ms.';

CREATE OR REPLACE FUNCTION asymm.ux_echo(span interval DEFAULT '1 hour')
RETURNS TABLE (query bigint, role name, calls bigint, mean_ms double precision, deviation_ms double precision, p50_ms double precision,
               p95_ms double precision, p99_ms double precision, slow_calls double precision, slow_ms double precision, changed text,
               since timestamptz, source text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_budget constant double precision := EXTRACT(epoch FROM (asymm._sonar_settings()).latency_budget) * 1000;
BEGIN
    RETURN QUERY
        SELECT p.query, p.role, p.calls, m.mean, p.deviation_ms, o.p50, o.p95, o.p99,
               p.calls * o.share, p.exec_ms * o.time_share, c.changed, p.since, 'mean and deviation of pg_stat_statements, taken as lognormal'
          FROM asymm.ux_ping($1) AS p
         CROSS JOIN LATERAL (SELECT GREATEST(p.exec_ms / p.calls, 1e-9) AS mean) AS m
         CROSS JOIN LATERAL asymm._lognormal(m.mean, p.deviation_ms, v_budget) AS o
          LEFT JOIN (SELECT f.node, string_agg(f.seen, '; ' ORDER BY f.key) AS changed
                       FROM asymm.finding AS f WHERE f.closed_at IS NULL AND f.sonar = 'ux' AND f.key ~ '^(slower|plan flip) ' GROUP BY f.node) AS c
                 ON c.node = 'query:' || p.query;
END
$$;
COMMENT ON FUNCTION asymm.ux_echo(interval)
    IS 'UX-Sonar, figures of each statement: latency in ms (percentiles are modelled, see source), executions and time over the latency budget, and how plan or latency changed, as the organ sonar last found it.';

-- Smoothness as of a display: fps of 60, less by jumps of plan or latency and by seconds over budget in a second.
CREATE OR REPLACE FUNCTION asymm.ux_sonar(span interval DEFAULT '1 hour', by text DEFAULT 'all')
RETURNS TABLE (node text, calls bigint, calls_per_second double precision, mean_ms double precision, p50_ms double precision,
               p95_ms double precision, p99_ms double precision, slow_queries bigint, fps double precision, cls double precision,
               long_task double precision, score double precision, status text, critique text[], since timestamptz, source text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_budget constant double precision := EXTRACT(epoch FROM (asymm._sonar_settings()).latency_budget) * 1000;
BEGIN
    IF $2 IS NULL OR $2 NOT IN ('all', 'query', 'entity', 'role') THEN
        PERFORM asymm._require_text($2, 'by');
        RAISE EXCEPTION 'nothing is summed up by "%"', $2
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Figures are summed up by all, query, entity or role.',
                  HINT = 'SELECT * FROM asymm.ux_sonar(by => ''query'')';
    END IF;
    RETURN QUERY
        WITH e AS MATERIALIZED (SELECT * FROM asymm.ux_echo($1)),
        told AS (
            SELECT e.*, n.node
              FROM e CROSS JOIN LATERAL (
                   SELECT CASE $2 WHEN 'all' THEN '*' WHEN 'query' THEN 'query:' || e.query ELSE 'role:' || quote_ident(e.role) END AS node
                    WHERE $2 <> 'entity'
                   UNION ALL
                   SELECT format('entity:%I.%I', s.nspname, c.relname)
                     FROM asymm.query_look AS k CROSS JOIN LATERAL unnest(k.relations) AS r (relid)
                     JOIN pg_class AS c ON c.oid = r.relid JOIN pg_namespace AS s ON s.oid = c.relnamespace
                    WHERE $2 = 'entity' AND k.query_id = e.query) AS n),
        summed AS (
            SELECT t.node, sum(t.calls)::bigint AS calls, sum(t.calls * t.mean_ms) AS ms, sum(t.slow_calls) AS slow_calls, sum(t.slow_ms) AS slow_ms,
                   COALESCE(sum(t.calls) FILTER (WHERE t.changed IS NOT NULL), 0) AS changed_calls,
                   count(*) FILTER (WHERE t.mean_ms > v_budget) AS slow,
                   min(t.since) AS since, CASE WHEN count(*) = 1 THEN min(t.p50_ms) END AS p50, CASE WHEN count(*) = 1 THEN min(t.p95_ms) END AS p95,
                   CASE WHEN count(*) = 1 THEN min(t.p99_ms) END AS p99,
                   (array_agg(format('query %s takes %s ms', t.query, round(t.mean_ms::numeric, 1)) ORDER BY t.slow_ms DESC, t.query)
                        FILTER (WHERE t.mean_ms > v_budget))[:3]
                   || (array_agg(format('query %s: %s', t.query, t.changed) ORDER BY t.slow_ms DESC, t.query)
                        FILTER (WHERE t.changed IS NOT NULL))[:3] AS critique,
                   min(t.source) AS source
              FROM told AS t GROUP BY t.node)
        SELECT s.node, s.calls, s.calls / w.seconds, s.ms / s.calls, s.p50, s.p95, s.p99, s.slow, f.fps, f.cls, f.long_task,
               f.fps / 60 / (1 + f.cls + f.long_task), asymm._status_word(f.fps / 60 / (1 + f.cls + f.long_task)), COALESCE(s.critique, '{}'),
               s.since, s.source
          FROM summed AS s
         CROSS JOIN LATERAL (SELECT GREATEST(EXTRACT(epoch FROM clock_timestamp() - s.since), 1)::float8 AS seconds) AS w
         CROSS JOIN LATERAL (SELECT 60 * (1 - s.slow_calls / s.calls) AS fps, s.changed_calls::float8 / s.calls AS cls,
                                    s.slow_ms / 1000 / w.seconds AS long_task) AS f
         ORDER BY s.ms DESC, s.node;
END
$$;
COMMENT ON FUNCTION asymm.ux_sonar(interval, text)
    IS 'UX-Sonar over a span, summed up by all, query, entity or role: fps = 60 × share of executions within the latency budget, cls = share whose plan or latency changed, long_task = seconds over budget a second; score = fps / 60 / (1 + cls + long_task), target above 0.9. Percentiles (ms) of single queries only. Raises 22004, 22023.';
