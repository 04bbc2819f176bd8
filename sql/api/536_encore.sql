-- The two organs of Encore: one replays, in the slow lane; the other looks after it from the fast lane, another session.

-- With the actor's rights, whose texts these are. What a replay did to the class of the statement is seen by its plan with open parameters, as
-- for every statement of the workload; where that can't be planned, by the plan that was run.
CREATE OR REPLACE FUNCTION asymm._encore() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_from constant timestamptz := clock_timestamp();
    v record;
    v_outcome jsonb;
    v_planned jsonb;
BEGIN
    SELECT w.* INTO v FROM asymm._replay_work() AS w;
    IF v.query IS NULL THEN
        RETURN NULL;
    END IF;
    v_outcome := CASE WHEN v.reason IS NULL THEN asymm._replay(v.statement, v.path, v.time_limit, v.turn)
                      ELSE jsonb_build_object('reason', v.reason) END;
    IF NOT v_outcome ? 'reason' THEN
        v_planned := asymm._plan_statement(v.general, v.path);
        IF v_planned ? 'plan' THEN
            PERFORM asymm._keep_plan(v.query, v_planned || jsonb_build_object('read', asymm._planned_relations(v_planned)));
        ELSE
            v_planned := v_outcome;
        END IF;
    END IF;
    PERFORM asymm._keep_replay(v.query, v.source, v_outcome, asymm._cost_of(v_planned),
                               EXTRACT(epoch FROM clock_timestamp() - v_from)::float8 * 1000);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._encore() IS 'Organ: replays one statement that is due, where somebody consented; says which one before.';

-- A session shows that it replays, and until when. One statement finds and cancels it, so that it has hardly time to be done in between;
-- what it does after a replay expects a late cancel.
CREATE OR REPLACE FUNCTION asymm._encore_watch() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_pid integer := asymm._replay_to_cancel();
BEGIN
    IF v_pid IS NOT NULL THEN
        PERFORM pg_stat_clear_snapshot();
        PERFORM pg_cancel_backend(a.pid) FROM pg_stat_activity AS a
          WHERE a.pid = v_pid AND a.usename = session_user AND a.application_name LIKE 'asymmetrica pulse slow replay %';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._encore_watch() IS 'Organ: cancels a replay of this actor that takes too long, when others have work to do, or when somebody waits for it.';

CREATE OR REPLACE FUNCTION asymm._replay_to_cancel() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
BEGIN
    SELECT a.pid, substring(a.application_name FROM '[0-9.]+$')::float8 AS until INTO v
      FROM pg_stat_activity AS a
     WHERE a.usename = session_user AND a.datname = current_database()
       AND a.application_name ~ '^asymmetrica pulse slow replay [0-9]{1,12}\.[0-9]{3}$';
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN CASE WHEN v.until < EXTRACT(epoch FROM clock_timestamp())
                  OR asymm._active_sessions() > (asymm._encore_settings()).max_active_sessions
                  OR EXISTS (SELECT FROM pg_stat_activity AS w WHERE w.wait_event_type = 'Lock' AND v.pid = ANY (pg_blocking_pids(w.pid)))
                THEN v.pid END;
END
$$;
COMMENT ON FUNCTION asymm._replay_to_cancel() IS 'The session of this actor whose replay has to end now, or NULL.';

CREATE OR REPLACE VIEW asymm.encore_status AS
    SELECT g.encore, s.held, s.query_id AS next_query, NULLIF(s.rest_until, '-infinity') AS rest_until,
           (SELECT count(*) FROM asymm.replay AS r WHERE r.at > clock_timestamp() - interval '1 day') AS replays_a_day
      FROM asymm.replay_state AS s CROSS JOIN asymm.encore_settings AS g;
COMMENT ON VIEW asymm.encore_status IS 'Whether Encore has consent, what held replays back when it last looked (NULL: nothing), which statement is next.';

CREATE OR REPLACE VIEW asymm.replays AS
    SELECT r.id AS replay, r.at, r.actor, r.query_id AS query, CASE WHEN asymm._sees_statements() THEN q.statement END AS statement,
           r.source AS constants, r.cost_before, r.cost_after, r.confidence_before, r.confidence_after, r.latency_ms, r.usual_ms, r.planning_ms,
           r.rows, r.blocks_hit, r.blocks_read, r.temp_blocks, r.taught, r.lesson, r.annotation, r.error
      FROM asymm.replay AS r LEFT JOIN asymm.query AS q ON q.id = r.query_id
     ORDER BY r.id DESC;
COMMENT ON VIEW asymm.replays
    IS 'Each replay (ψ) of a statement of the past, the last first: its class and how well its latency was known before and after, what it took (ms) beside what it usually takes, blocks, what it taught, what became of its annotation, its error. Constants are never told, only where they came from.';

CREATE OR REPLACE VIEW asymm.replay_patterns AS
    SELECT q.id AS query, pg_get_userbyid(q.role_id) AS role, CASE WHEN asymm._sees_statements() THEN q.statement END AS statement,
           COALESCE(p.replays, 0) AS replays, p.every, p.due_at, p.looked_at, p.reason AS not_replayed
      FROM asymm.query AS q LEFT JOIN asymm.replay_pattern AS p ON p.query_id = q.id
     WHERE q.toplevel AND q.command = 'select';
COMMENT ON VIEW asymm.replay_patterns IS 'Statements that could be replayed: how often they were, when they are due again, and why one was not.';
