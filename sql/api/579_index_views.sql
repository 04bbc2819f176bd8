-- Indexes worth having, and what became of them.

-- Other sessions' progress is for their own roles; how far a build is may be known.
CREATE OR REPLACE FUNCTION asymm._index_progress(action bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT CASE WHEN i.waits_for IS NOT NULL THEN i.waits_for
                    WHEN i.command IS NULL AND i.problem IS NOT NULL THEN format('tried again at %s', date_trunc('second', i.retry_at))
                    WHEN i.began_at IS NULL THEN 'waits for a builder'
                    ELSE COALESCE(p.phase || CASE WHEN p.blocks_total > 0 THEN format(', %s %% of blocks', 100 * p.blocks_done / p.blocks_total)
                                                  WHEN p.lockers_total > 0 THEN format(', %s of %s transactions', p.lockers_done, p.lockers_total)
                                                  ELSE '' END, 'runs') END
          FROM asymm.index_action AS i
          LEFT JOIN pg_stat_progress_create_index AS p ON p.relid = i.relid AND p.datname = current_database() AND p.pid = i.pid
         WHERE i.action_id = action AND (i.command IS NOT NULL OR i.retry_at IS NOT NULL OR i.waits_for IS NOT NULL) LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._index_progress(bigint) IS 'How far the command of an action on an index is; NULL when there is none.';

CREATE OR REPLACE VIEW asymm.advice AS
    SELECT a.id AS action, a.kind, a.target, CASE WHEN asymm._sees_advice(a) THEN i.index_name END AS index,
           CASE a.state WHEN 'applying' THEN 'building' WHEN 'applied' THEN 'validating' WHEN 'verified' THEN 'kept' ELSE a.state END AS state,
           CASE WHEN asymm._sees_advice(a) THEN a.evidence_before ->> 'definition' END AS definition,
           COALESCE(i.size_bytes, (a.evidence_before ->> 'size_bytes')::numeric::bigint) AS size_bytes,
           round(COALESCE(a.evidence_before ->> 'corrected_ms_per_hour', a.evidence_before ->> 'saved_ms_per_hour')::numeric
                 - COALESCE((a.evidence_before ->> 'write_ms_per_hour')::numeric, 0), 1)
               AS predicted_ms_per_hour,
           round((a.evidence_after ->> 'saved_ms_per_hour')::numeric, 1) AS measured_ms_per_hour,
           (a.evidence_before ->> 'confidence')::numeric AS confidence, (a.evidence_before ->> 'proved')::boolean AS proved,
           CASE WHEN asymm._sees_advice(a) THEN a.evidence_before ->> 'reason' END AS why, a.reason, asymm._index_progress(a.id) AS progress,
           CASE WHEN asymm._sees_statements() THEN COALESCE(a.error ->> 'message', i.problem) END AS problem,
           CASE WHEN asymm._sees_advice(a) THEN a.steps #>> '{0,forward}' END AS statement,
           CASE WHEN asymm._sees_advice(a) THEN a.steps #>> '{0,inverse}' END AS inverse,
           COALESCE(a.evidence_after -> 'queries', a.evidence_before -> 'queries') AS queries,
           a.tries, a.created_at, a.changed_at, i.built_at, i.looks
      FROM asymm.action AS a JOIN asymm.index_action AS i ON i.action_id = a.id;
COMMENT ON VIEW asymm.advice IS 'Indexes to create, drop or rebuild: state (proposed, approved, building, validating, kept, reverting, reverted, …), gain predicted and measured (ms an hour), why, and how far a build is. What is made of a constant of the workload is told to who may read the table.';
