-- Which statement is replayed next, and by whom.

-- Its own texts; with owner_texts those of the roles it is a member of.
CREATE OR REPLACE FUNCTION asymm._may_replay(role oid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT r.rolname = session_user
                OR (asymm._encore_settings()).owner_texts AND NOT r.rolsuper AND pg_has_role(session_user, r.oid, 'MEMBER')
              FROM pg_roles AS r WHERE r.oid = role) IS TRUE;
END
$$;
COMMENT ON FUNCTION asymm._may_replay(oid) IS 'Whether who is logged in may replay what a role ran.';

-- The costliest that was never looked at, else the costliest that is due. Written down now, it is begun in the next round, when all can see
-- it. One that is there already and whose session died may have been what it died of: the third time it waits for a day.
CREATE OR REPLACE FUNCTION asymm._book_replay(booked asymm.replay_state) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_set constant asymm.encore_setting := asymm._encore_settings();
    v_query bigint;
BEGIN
    IF asymm._alive(booked.pid, booked.backend_start) THEN
        UPDATE asymm.replay_pattern AS p SET unfinished = 0 WHERE p.query_id = booked.query_id;
    ELSE
        UPDATE asymm.replay_pattern AS p
           SET due_at = clock_timestamp() + CASE WHEN p.unfinished >= 3 THEN interval '1 day' ELSE interval '1 min' END,
               reason = format('its session ended before it was done, %s times', p.unfinished)
         WHERE p.query_id = booked.query_id;
    END IF;
    SELECT q.id INTO v_query
      FROM asymm.query AS q
      JOIN asymm.query_counter AS c ON (c.queryid, c.role_id, c.toplevel) = (q.queryid, q.role_id, q.toplevel)
      LEFT JOIN asymm.replay_pattern AS p ON p.query_id = q.id
     WHERE q.toplevel AND q.command = 'select' AND c.seen_at > clock_timestamp() - interval '7 days'
       AND (p.due_at IS NULL OR p.due_at <= clock_timestamp())
       AND q.role_id = ANY (ARRAY(SELECT r.oid FROM pg_roles AS r WHERE asymm._may_replay(r.oid)))
     ORDER BY p.query_id IS NOT NULL, c.exec_ms DESC, q.id LIMIT 1;
    IF v_query IS NOT NULL THEN
        INSERT INTO asymm.replay_pattern AS p (query_id, every, due_at, unfinished)
        VALUES (v_query, v_set.replay_every, clock_timestamp() + v_set.replay_every, 1)
        ON CONFLICT (query_id) DO UPDATE SET unfinished = p.unfinished + 1, looked_at = clock_timestamp();
    END IF;
    UPDATE asymm.replay_state AS s
       SET query_id = v_query, pid = pg_backend_pid(), booked_at = clock_timestamp(),
           backend_start = (SELECT a.backend_start FROM pg_stat_activity AS a WHERE a.pid = pg_backend_pid())
     WHERE v_query IS NOT NULL OR s.query_id IS NOT NULL;
END
$$;
COMMENT ON FUNCTION asymm._book_replay(asymm.replay_state) IS 'Writes down which statement this session replays next, if one is due.';

-- Typical constants are those it was seen running with, each example in turn; what was seen with parameters only is given values its columns
-- have. How it went is nobody's to say who was not given it.
CREATE OR REPLACE FUNCTION asymm._replay_work(OUT query bigint, OUT statement text, OUT general text, OUT path text, OUT source text,
                                              OUT time_limit interval, OUT turn bigint, OUT reason text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_held constant text := asymm._replay_held();
    v_state asymm.replay_state;
    v record;
    v_example record;
    v_usual_ms double precision;
BEGIN
    -- Another loop may be at it.
    SELECT s.* INTO v_state FROM asymm.replay_state AS s FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE asymm.replay_state AS s SET held = v_held WHERE s.held IS DISTINCT FROM v_held;
    IF v_held IS NOT NULL THEN
        RETURN;
    ELSIF v_state.query_id IS NOT NULL AND v_state.booked_at > clock_timestamp() - interval '1 min'
          AND (v_state.pid <> pg_backend_pid() OR v_state.backend_start IS DISTINCT FROM
               (SELECT a.backend_start FROM pg_stat_activity AS a WHERE a.pid = pg_backend_pid()))
          AND asymm._alive(v_state.pid, v_state.backend_start) THEN
        RETURN;
    END IF;
    SELECT q.id, q.statement, q.role_id, p.replays, c.calls, c.exec_ms, c.exec_squares, r.rolname INTO v
      FROM asymm.query AS q JOIN asymm.replay_pattern AS p ON p.query_id = q.id JOIN pg_roles AS r ON r.oid = q.role_id
      LEFT JOIN asymm.query_counter AS c ON (c.queryid, c.role_id, c.toplevel) = (q.queryid, q.role_id, q.toplevel)
     WHERE q.id = v_state.query_id AND v_state.pid = pg_backend_pid() AND v_state.booked_at > clock_timestamp() - interval '1 min'
       AND asymm._may_replay(q.role_id);
    IF NOT FOUND THEN
        PERFORM asymm._book_replay(v_state);
        RETURN;
    END IF;
    query := v.id;
    general := v.statement;
    path := asymm._path_of(v.rolname);
    time_limit := (asymm._encore_settings()).time_limit;
    turn := v.replays;
    IF v.statement !~ '\$\d' THEN
        statement := v.statement;
        source := 'it has none';
    ELSE
        SELECT e.statement, e.seen_at INTO v_example
          FROM (SELECT e.*, row_number() OVER (ORDER BY e.place) - 1 AS n, count(*) OVER () AS examples
                  FROM asymm.query_example AS e WHERE e.query_id = v.id) AS e
         WHERE e.n = v.replays % e.examples;
        statement := COALESCE(v_example.statement, v.statement);
        source := CASE WHEN v_example.statement IS NULL THEN 'statistics of its columns'
                       ELSE format('the example of %s', to_char(v_example.seen_at, 'YYYY-MM-DD HH24:MI:SS')) END;
    END IF;
    -- Three deviations above the mean: what usually takes too long is not begun.
    v_usual_ms := v.exec_ms / NULLIF(v.calls, 0)
                  + 3 * sqrt(GREATEST(v.exec_squares / NULLIF(v.calls, 0) - (v.exec_ms / NULLIF(v.calls, 0)) ^ 2, 0));
    IF v_usual_ms > EXTRACT(epoch FROM time_limit) * 1000 THEN
        reason := format('it takes up to %s ms, more than time_limit (%s)', round(v_usual_ms::numeric), time_limit);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._replay_work()
    IS 'The statement this session is to replay now, with constants of the past and without (general), or a reason not to; nothing where none is due or replays are held.';
