-- What an index brought, measured. Time per call of each query before and after, in windows between looks; what happened to all queries
-- at once (load, cache, clock of the machine) is seen on queries that don't touch the table, in the same windows, and taken off.

-- The counters of what counts now, as one look.
CREATE OR REPLACE FUNCTION asymm._mark_queries() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_at timestamptz := clock_timestamp();
    v_slots smallint[] := asymm._load_slots(v_at - interval '2 hours');
BEGIN
    INSERT INTO asymm.query_mark (query_id, at, calls, exec_ms, blocks)
    SELECT c.query_id, v_at, c.calls, c.exec_ms, c.blocks_hit + c.blocks_read
      FROM asymm.query_counter AS c
     WHERE c.query_id IN (
           (SELECT l.query_id FROM asymm.query_load AS l
             WHERE l.slot = ANY (v_slots) AND l.at > v_at - interval '2 hours' AND l.query_id > 0
             GROUP BY l.query_id ORDER BY sum(l.exec_ms) DESC LIMIT 300)
           UNION
           SELECT q.query FROM asymm.action AS a CROSS JOIN unnest(asymm._advised_queries(a.evidence_before)) AS q (query)
            WHERE a.state IN ('approved', 'applying', 'applied') AND asymm._is_index_kind(a.kind)
           UNION
           SELECT k.query_id FROM asymm.query_look AS k
             JOIN asymm.index_action AS i ON i.relid = ANY (k.relations)
             JOIN asymm.action AS a ON a.id = i.action_id AND a.state IN ('approved', 'applying', 'applied'));
    UPDATE asymm.index_action AS i SET looks = i.looks + 1
      FROM asymm.action AS a WHERE a.id = i.action_id AND a.state IN ('approved', 'applied');
    DELETE FROM asymm.query_mark AS m
     WHERE m.at < v_at - (asymm._index_settings()).validation_max - interval '1 hour';
END
$$;
COMMENT ON FUNCTION asymm._mark_queries() IS 'Takes a look: the counters of costly queries and of those that indexes are validated by.';

CREATE OR REPLACE FUNCTION asymm._advised_queries(evidence jsonb) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT q.query FROM jsonb_to_recordset(CASE WHEN jsonb_typeof(evidence -> 'queries') = 'array' THEN evidence -> 'queries'
                                                             ELSE '[]' END) AS q (query bigint) WHERE q.query IS NOT NULL);
END
$$;
COMMENT ON FUNCTION asymm._advised_queries(jsonb) IS 'The statements that advice on an index promises a gain.';

-- When indexes were made or dropped, from the beginning of the command to its end; a query that names the table is not the same
-- before and after.
CREATE OR REPLACE FUNCTION asymm._index_changes(since timestamptz)
RETURNS TABLE (action bigint, relid oid, queries bigint[], began timestamptz, ended timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT i.action_id, i.relid, asymm._advised_queries(a.evidence_before), CASE WHEN e.to_state = 'applying' THEN e.at ELSE i.ordered_at END, n.at
      FROM asymm.index_action AS i
      JOIN asymm.action AS a ON a.id = i.action_id AND a.kind <> 'reindex'
      JOIN asymm.action_event AS e ON e.action_id = a.id AND e.from_state <> e.to_state
           AND (e.to_state = 'applying' OR e.to_state = 'reverting' AND i.ordered_at >= e.at)
      LEFT JOIN LATERAL (SELECT n.at FROM asymm.action_event AS n
                          WHERE n.action_id = a.id AND n.id > e.id AND n.to_state <> e.to_state ORDER BY n.id LIMIT 1) AS n ON true
     WHERE i.ordered_at IS NOT NULL AND COALESCE(n.at, 'infinity') > since;
END
$$;
COMMENT ON FUNCTION asymm._index_changes(timestamptz) IS 'When indexes of which tables were made or dropped by actions; ended is NULL while it goes on.';

-- How each query that touches the table fares: ratio of its time per call to before (low and high at the confidence asked for, which
-- becomes stricter with each look so that all looks together err no more often), blocks, and what it saves.
CREATE OR REPLACE FUNCTION asymm._measure_index(action bigint)
RETURNS TABLE (query bigint, command text, advised boolean, windows integer, ratio double precision, low double precision, high double precision,
               ms_before double precision, ms_after double precision, blocks_before double precision, blocks_after double precision,
               calls bigint, calls_per_hour double precision, saved_ms_per_hour double precision, noise double precision, controls integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_i asymm.index_action;
    v_queries bigint[];
    v_together bigint[];
    v_began timestamptz;
    v_built timestamptz;
    v_doubt double precision;
    v_recent timestamptz;
BEGIN
    SELECT i.* INTO v_i FROM asymm.index_action AS i WHERE i.action_id = action;
    SELECT asymm._advised_queries(a.evidence_before) INTO v_queries FROM asymm.action AS a WHERE a.id = action;
    -- What only pays together is measured together: from before the first of them to after the last.
    SELECT array_agg(o.id), min(oi.ordered_at), max(oi.built_at) INTO v_together, v_began, v_built
      FROM asymm.action AS a
      JOIN asymm.index_action AS oi ON oi.index_name = ANY (v_i.requires) OR v_i.index_name = ANY (oi.requires) OR oi.action_id = a.id
           OR EXISTS (SELECT FROM asymm.action AS c WHERE c.id = oi.action_id AND c.evidence_before ->> 'called' = ANY (v_i.requires))
           OR a.evidence_before ->> 'called' = ANY (oi.requires)
      JOIN asymm.action AS o ON o.id = oi.action_id AND o.state IN ('applied', 'verified') AND oi.built_at IS NOT NULL
     WHERE a.id = action AND (oi.action_id = a.id OR oi.ordered_at > v_i.ordered_at - (asymm._index_settings()).validation_max);
    v_doubt := (1 - (asymm._index_settings()).validation_confidence) / (GREATEST(v_i.looks, 1) * (GREATEST(v_i.looks, 1) + 1));
    v_recent := v_began - 4 * (asymm._index_settings()).validation_min;
    RETURN QUERY
    WITH changed AS MATERIALIZED (
        SELECT c.* FROM asymm._index_changes((SELECT min(m.at) FROM asymm.query_mark AS m)) AS c WHERE c.action <> ALL (v_together)),
    -- Of each query the time in which nothing but this was done to its tables.
    span AS MATERIALIZED (
        SELECT k.query_id, max(c.ended) FILTER (WHERE c.began <= v_began) AS since, min(c.began) FILTER (WHERE c.began > v_began) AS until
          FROM asymm.query_look AS k
          JOIN changed AS c ON c.relid = ANY (k.relations) OR k.query_id = ANY (c.queries) OR c.relid = v_i.relid AND k.query_id = ANY (v_queries)
         GROUP BY k.query_id),
    m AS MATERIALIZED (
        SELECT m.query_id, m.at, m.at > v_built AS after, lag(m.at) OVER w AS since, m.calls - lag(m.calls) OVER w AS calls,
               m.exec_ms - lag(m.exec_ms) OVER w AS ms, m.blocks - lag(m.blocks) OVER w AS blocks
          FROM asymm.query_mark AS m
        WINDOW w AS (PARTITION BY m.query_id ORDER BY m.at)),
    w AS MATERIALIZED (
        SELECT m.*, ln(GREATEST(m.ms / m.calls, 1e-6)) AS y,
               m.query_id = ANY (v_queries) AS advised,
               CASE WHEN m.query_id = ANY (v_queries) OR v_i.relid = ANY (k.relations) THEN true
                    WHEN cardinality(k.relations) > 0 THEN false END AS affected
          FROM m
          LEFT JOIN asymm.query_look AS k ON k.query_id = m.query_id
          LEFT JOIN span AS s ON s.query_id = m.query_id
         WHERE m.since >= COALESCE(s.since, '-infinity') AND m.at <= COALESCE(s.until, 'infinity') AND m.calls > 0 AND m.ms >= 0 AND m.blocks >= 0
           AND (m.at <= v_began OR m.since >= v_built)),
    -- Before is the time just before, or of what is rarely called the last few windows: what was an hour ago was under another load.
    x AS MATERIALIZED (
        SELECT w.* FROM (SELECT w.*, row_number() OVER (PARTITION BY w.query_id, w.after ORDER BY w.at DESC) AS n FROM w) AS w
         WHERE w.after OR w.since >= v_recent OR w.n <= 4),
    -- Of each query that is not affected: how far each window is from its mean before.
    u AS (
        SELECT x.at, x.after, x.query_id, x.y - avg(x.y) FILTER (WHERE NOT x.after) OVER (PARTITION BY x.query_id) AS shift
          FROM x WHERE x.affected IS FALSE),
    z AS MATERIALIZED (
        SELECT u.at, percentile_cont(0.5) WITHIN GROUP (ORDER BY u.shift) AS shift FROM u
         WHERE u.shift IS NOT NULL GROUP BY u.at HAVING count(*) >= 3),
    -- What is left of them is noise: by how much a query changes for which nothing changed. Its median, lest one that changed for
    -- reasons of its own count for all.
    n AS MATERIALIZED (
        SELECT COALESCE(GREATEST(1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(c.change)), CASE WHEN count(*) < 3 THEN 0.05 ELSE 0.02 END),
                        0.05) AS noise, count(*)::integer AS controls
          FROM (SELECT avg(u.shift - COALESCE(z.shift, 0)) FILTER (WHERE u.after) AS change
                  FROM u LEFT JOIN z ON z.at = u.at GROUP BY u.query_id HAVING count(*) FILTER (WHERE u.after) >= 2) AS c
         WHERE c.change IS NOT NULL),
    q AS (
        SELECT x.query_id, bool_or(x.advised) AS advised,
               count(*) FILTER (WHERE NOT x.after) AS nb, count(*) FILTER (WHERE x.after) AS na,
               avg(x.y - COALESCE(z.shift, 0)) FILTER (WHERE NOT x.after) AS mb, avg(x.y - COALESCE(z.shift, 0)) FILTER (WHERE x.after) AS ma,
               GREATEST(COALESCE(var_samp(x.y - COALESCE(z.shift, 0)) FILTER (WHERE NOT x.after), 0.04), 0.0004) AS vb,
               GREATEST(COALESCE(var_samp(x.y - COALESCE(z.shift, 0)) FILTER (WHERE x.after), 0.04), 0.0004) AS va,
               sum(x.ms) FILTER (WHERE NOT x.after) / sum(x.calls) FILTER (WHERE NOT x.after) AS ms_before,
               sum(x.ms) FILTER (WHERE x.after) / sum(x.calls) FILTER (WHERE x.after) AS ms_after,
               sum(x.blocks) FILTER (WHERE NOT x.after)::float8 / sum(x.calls) FILTER (WHERE NOT x.after)::float8 AS blocks_before,
               sum(x.blocks) FILTER (WHERE x.after)::float8 / sum(x.calls) FILTER (WHERE x.after)::float8 AS blocks_after,
               COALESCE(sum(x.calls) FILTER (WHERE x.after), 0)::bigint AS calls
          FROM x LEFT JOIN z ON z.at = x.at WHERE x.affected GROUP BY x.query_id)
    SELECT q.query_id, t.command, q.advised, q.na::integer, exp(s.change), exp(s.change - s.band), exp(s.change + s.band),
           q.ms_before, q.ms_after, q.blocks_before, q.blocks_after, q.calls, s.rate,
           s.rate * q.ms_after * (exp(-s.change) - 1), n.noise, n.controls
      FROM q
      JOIN asymm.query AS t ON t.id = q.query_id
     CROSS JOIN n
     CROSS JOIN LATERAL (
           SELECT q.ma - q.mb AS change,
                  CASE WHEN q.nb > 0 AND q.na > 0 AND q.nb + q.na > 2
                       THEN asymm._student_quantile(v_doubt, q.nb + q.na - 2) * sqrt(q.vb / q.nb + q.va / q.na + n.noise ^ 2) END AS band,
                  q.calls / NULLIF(EXTRACT(epoch FROM clock_timestamp() - v_i.built_at)::float8 / 3600, 0) AS rate) AS s
     ORDER BY q.query_id;
END
$$;
COMMENT ON FUNCTION asymm._measure_index(bigint) IS 'Time and blocks per call of each query on the table of an index, before and after it, with a band of confidence.';
