-- What it all brings, as ratios of before to after that were measured here.

CREATE OR REPLACE FUNCTION asymm.leverage()
RETURNS TABLE (name text, target double precision, measured double precision, met boolean, how text, note text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_reads record;
    v_indexes record;
    v_workload record;
    v_all double precision;
BEGIN
    SELECT sum(c.hits) AS hits, sum(c.seconds) AS spent, sum(c.saved_seconds) AS saved INTO v_reads
      FROM asymm.read_count AS c WHERE c.kind = 'query' AND c.route IN ('near', 'redis') AND c.day >= current_date - 1 AND c.hits > 0;
    SELECT exp(avg(ln(q.ms_before / q.ms_after))) AS gain, count(*) AS queries, count(DISTINCT a.id) AS indexes INTO v_indexes
      FROM asymm.action AS a
     CROSS JOIN LATERAL jsonb_to_recordset(CASE WHEN jsonb_typeof(a.evidence_after -> 'queries') = 'array' THEN a.evidence_after -> 'queries'
                                                ELSE '[]' END) AS q (query bigint, advised boolean, ms_before float8, ms_after float8)
     WHERE a.kind = 'create index' AND a.state = 'verified' AND q.advised AND q.ms_before > 0 AND q.ms_after > 0;
    SELECT COALESCE(sum(l.exec_ms), 0) AS spent, GREATEST(EXTRACT(epoch FROM clock_timestamp() - min(l.at)) / 3600, 0.01)::float8 AS hours,
           (SELECT COALESCE(sum((a.evidence_after ->> 'saved_ms_per_hour')::float8), 0) FROM asymm.action AS a
             WHERE a.kind = 'create index' AND a.state = 'verified') AS saved_by_indexes
      INTO v_workload FROM asymm.query_load AS l WHERE l.at > clock_timestamp() - interval '1 day';
    v_all := CASE WHEN v_workload.spent > 0 AND (v_workload.saved_by_indexes > 0 OR v_reads.saved > 0)
                  THEN (v_workload.spent + v_workload.saved_by_indexes * v_workload.hours + COALESCE(v_reads.saved, 0) * 1000)
                       / (v_workload.spent + COALESCE(v_reads.spent, 0) * 1000) END;
    RETURN QUERY VALUES
        ('support', 32.1::float8, (v_reads.spent + v_reads.saved) / NULLIF(v_reads.spent, 0),
         (v_reads.spent + v_reads.saved) / NULLIF(v_reads.spent, 0) >= 32.1,
         'results of queries: time at the origin ÷ time by a copy, as drivers measured both',
         CASE WHEN v_reads.hits IS NULL THEN 'no copy has answered yet: see asymm.mirror() and db.query()'
              ELSE format('%s answers of copies', v_reads.hits) END),
        ('exploration', 26.8, v_indexes.gain, v_indexes.gain >= 26.8,
         'queries that got an index: geometric mean of time a call before ÷ after',
         CASE WHEN v_indexes.indexes = 0 THEN 'no index was built and kept yet: see asymm.autopilot()'
              ELSE format('%s queries of %s indexes', v_indexes.queries, v_indexes.indexes) END),
        ('balance', 11.5, v_all, v_all >= 11.5,
         'the whole workload of a day: time it would have taken without kept indexes and copies ÷ time it took',
         CASE WHEN v_workload.spent = 0 THEN 'no workload was seen: is pg_stat_statements there?'
              WHEN v_workload.saved_by_indexes = 0 AND COALESCE(v_reads.saved, 0) = 0 THEN 'neither indexes nor copies have saved anything yet' END);
END
$$;
COMMENT ON FUNCTION asymm.leverage()
    IS 'Three measured ratios beside their targets: heavy reads by a copy (32.1), queries with a new index (26.8), the whole workload (11.5). NULL with the reason where there is nothing to measure yet.';
