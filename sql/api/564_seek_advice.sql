-- The organ that goes on with a search in slices, and hands what it found to the ledger.

-- The search to go on with, unless advice is to be asked for: the one that is open while its tables are there, or a new one, each hour
-- (setting search_every), or earlier when a fifth of the time goes to statements the last one did not know.
CREATE OR REPLACE FUNCTION asymm._advice_due() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_last asymm.advice_run;
    v_set asymm.index_setting := asymm._index_settings();
    v_now timestamptz := clock_timestamp();
    v_since timestamptz := v_now - 2 * v_set.workload_step;
    v_slots smallint[] := asymm._load_slots(v_since);
    v_tables oid[];
BEGIN
    IF v_set.autopilot = 'off' THEN
        RETURN NULL;
    END IF;
    SELECT r.* INTO v_last FROM asymm.advice_run AS r WHERE r.role = session_user AND r.kind = 'standing';
    IF v_last.ended_at IS NULL AND v_last.started_at > v_now - interval '1 hour' AND NOT EXISTS (
           SELECT FROM asymm.advice_candidate AS c
            WHERE c.run_id = v_last.id AND NOT EXISTS (SELECT FROM pg_class AS k WHERE k.oid = c.relid)) THEN
        RETURN v_last.id;
    -- A clock that was set back makes no search wait for as long.
    ELSIF v_last.ended_at BETWEEN v_now - LEAST(interval '2 min', v_set.search_every) AND v_now
          OR NOT EXISTS (SELECT FROM asymm.query_load AS l WHERE l.at > v_now - v_set.workload_window AND l.query_id <> 0)
          OR v_last.ended_at BETWEEN v_now - v_set.search_every AND v_now AND COALESCE((
                 SELECT sum(l.exec_ms) FILTER (WHERE NOT EXISTS (
                            SELECT FROM asymm.advice_query AS q WHERE q.run_id = v_last.id AND q.query_id = l.query_id))
                        <= 0.2 * sum(l.exec_ms)
                   FROM asymm.query_load AS l WHERE l.slot = ANY (v_slots) AND l.at > v_since AND l.query_id <> 0), true) THEN
        RETURN NULL;
    END IF;
    -- What is built on others' tables is for their actors to find, and its place theirs to spend.
    SELECT CASE WHEN NOT bool_and(t.mine) THEN COALESCE(array_agg(t.id) FILTER (WHERE t.mine), '{}') END INTO v_tables
      FROM (SELECT c.oid AS id, o.mine
              FROM pg_class AS c
              JOIN (SELECT r.oid, asymm._may_act(r.rolname) AS mine FROM pg_roles AS r
                     WHERE r.oid IN (SELECT k.relowner FROM pg_class AS k WHERE k.relkind IN ('r', 'p', 'm'))) AS o ON o.oid = c.relowner
             WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND c.oid >= 16384
               AND c.relnamespace <> 'asymm'::regnamespace) AS t;
    RETURN asymm._begin_advice('standing', GREATEST(0, asymm._index_budget() - asymm._index_bytes(false)), v_tables, v_set.workload_window, NULL,
                                NULL);
END
$$;
COMMENT ON FUNCTION asymm._advice_due() IS 'Number of the search that the actor is to go on with; NULL: none is due.';

-- What is to be proposed, in the form of the ledger.
CREATE OR REPLACE FUNCTION asymm._advice_proposals(run bigint) RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_run asymm.advice_run := asymm._advice_run_of_caller(run);
BEGIN
    RETURN QUERY
    SELECT jsonb_build_object('schema', c.schema_name, 'table', c.table_name, 'index', asymm._advice_index_name(c),
               'definition', asymm._advice_definition(c, asymm._advice_index_name(c)), 'method', c.method, 'keys', c.keys, 'include', c.include,
               'predicate', c.predicate,
               'size_bytes', c.size_bytes + asymm._index_frees(c.relid, c.method, c.keys, c.include, c.predicate),
               'queries', s.queries, 'regressed', '[]'::jsonb, 'saved_ms_per_hour', s.saved,
               'write_ms_per_hour', c.writes, 'confidence', s.confidence, 'proved', s.proved, 'reason', c.reason, 'search', true,
               'requires', ARRAY(SELECT asymm._advice_index_name(o) FROM asymm.advice_candidate AS o
                                  WHERE o.run_id = run AND o.no = ANY (s.companions) ORDER BY o.no))
      FROM asymm._advice_set(v_run) AS s JOIN asymm.advice_candidate AS c ON c.run_id = run AND c.no = s.no
      JOIN pg_class AS k ON k.oid = c.relid
     WHERE asymm._may_act(pg_get_userbyid(k.relowner))
     ORDER BY s.saved DESC NULLS LAST, c.no;
    -- The answers of the planner are of no more use.
    DELETE FROM asymm.advice_cost AS c WHERE c.run_id = run;
    DELETE FROM asymm.advice_plan AS p WHERE p.run_id = run;
END
$$;
COMMENT ON FUNCTION asymm._advice_proposals(bigint) IS 'The indexes that a search chose on tables the caller may act for, as asymm._propose_index() takes them.';

-- What an earlier search wanted and this one would not, unless a person approved it or it has begun.
CREATE OR REPLACE FUNCTION asymm._expire_searched(named bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._set_action_state(a.id, 'expired', 'a later search would not choose it')
       FROM (SELECT a.id FROM asymm.action AS a
              WHERE a.kind = 'create index' AND (a.state = 'proposed' OR a.state = 'approved' AND a.reason = 'autopilot')
                AND a.evidence_before ? 'search' AND a.id <> ALL (named) AND asymm._may_act(a.owner)
                FOR UPDATE SKIP LOCKED) AS a;
END
$$;
COMMENT ON FUNCTION asymm._expire_searched(bigint[]) IS 'Ends advice of searches that the last one did not repeat; named are the actions it did.';

-- What is on its way and begins with the same key on the same table: another search would have it a little wider or narrower.
CREATE OR REPLACE FUNCTION asymm._similar_advice(advice jsonb) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT min(a.id) FROM asymm.action AS a
         WHERE a.kind = 'create index' AND a.state IN ('approved', 'applying', 'applied') AND a.evidence_before ? 'search'
           AND (a.schema_name, a.object_name) = (advice ->> 'schema', advice ->> 'table')
           AND a.evidence_before ->> 'method' = advice ->> 'method' AND a.evidence_before #> '{keys,0}' = advice #> '{keys,0}'
           AND a.evidence_before -> 'predicate' IS NOT DISTINCT FROM advice -> 'predicate'
           AND (a.evidence_before -> 'keys', a.evidence_before -> 'include') <> (advice -> 'keys', advice -> 'include'));
END
$$;
COMMENT ON FUNCTION asymm._similar_advice(jsonb) IS 'An action of an earlier search, approved or under way, that differs from this advice in later columns only; NULL: none.';

CREATE OR REPLACE FUNCTION asymm._seek_advice() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_run bigint := asymm._advice_due();
    v_advice jsonb;
    v_named bigint[] := '{}';
    v_similar bigint;
BEGIN
    IF v_run IS NULL OR NOT asymm._advice_work(v_run, clock_timestamp() + interval '400 ms') THEN
        RETURN NULL;
    END IF;
    FOR v_advice IN SELECT p FROM asymm._advice_proposals(v_run) AS p LOOP
        v_similar := asymm._similar_advice(v_advice);
        IF v_similar IS NOT NULL THEN
            v_named := v_named || v_similar;
            CONTINUE;
        END IF;
        BEGIN
            v_named := v_named || asymm._propose_index('create index', v_advice);
        EXCEPTION WHEN undefined_table OR undefined_column OR wrong_object_type OR insufficient_privilege OR invalid_parameter_value THEN
            -- The table went or changed hands while the search was on, or what was found can't be said in a document: the next one knows.
            CONTINUE;
        END;
    END LOOP;
    PERFORM asymm._expire_searched(array_remove(v_named, NULL));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._seek_advice() IS 'Organ: goes on with the search for indexes for less than half a second, and proposes what it found.';
