-- The organ that drives it, with the actor's own rights: pg_cron lets a role schedule for itself and nobody else.

CREATE OR REPLACE FUNCTION asymm._indexes_open() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
                    WHERE a.state IN ('approved', 'applying', 'applied', 'reverting') AND asymm._may_act(a.owner));
END
$$;
COMMENT ON FUNCTION asymm._indexes_open() IS 'Whether there is an action on an index that is to be built or validated by the caller.';

CREATE OR REPLACE FUNCTION asymm._index_job(action bigint, job bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE asymm.index_action AS i SET job = $2
      FROM asymm.action AS a WHERE i.action_id = $1 AND a.id = $1 AND i.command IS NOT NULL AND asymm._may_act(a.owner)
$$;
COMMENT ON FUNCTION asymm._index_job(bigint, bigint) IS 'Notes which job of pg_cron runs the command, or that none does any more.';

CREATE OR REPLACE FUNCTION asymm._has_cron() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._is_pg_cron('cron.job') AND has_schema_privilege('cron', 'USAGE') AND asymm._setting_of('cron.database_name') = current_database();
END
$$;
COMMENT ON FUNCTION asymm._has_cron() IS 'Whether the caller can have pg_cron run a command in this database.';

-- A command of one statement can't set anything for itself: its session begins with what the role has in this database. Loops set
-- what they need themselves, so nothing of this is for them.
CREATE OR REPLACE FUNCTION asymm._prepare_builder() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_wait text := (EXTRACT(epoch FROM (SELECT s.build_wait FROM asymm.index_settings AS s)) * 1000)::bigint::text;
BEGIN
    IF NOT asymm._has_setting(session_user, 'lock_timeout', v_wait) THEN
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET lock_timeout = %L', session_user, current_database(), v_wait);
    END IF;
    IF NOT asymm._has_setting(session_user, 'search_path', 'pg_catalog, pg_temp') THEN
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = pg_catalog, pg_temp', session_user, current_database());
    END IF;
    IF NOT asymm._has_setting(session_user, 'statement_timeout', '0') THEN
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET statement_timeout = 0', session_user, current_database());
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._prepare_builder() IS 'Gives the calling login the settings in this database that a build needs: how long it may wait for locks, and a fixed path.';

-- What became of a job: {ended, message}, or {gone} when pg_cron does not know it; NULL while nothing is known.
CREATE OR REPLACE FUNCTION asymm._index_job_report(job bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v jsonb;
BEGIN
    -- A schema of that name may be anybody's by now.
    IF NOT asymm._has_cron() THEN
        RETURN '{"gone": true}';
    END IF;
    EXECUTE 'SELECT jsonb_build_object(''ended'', true, ''message'', CASE WHEN d.status = ''failed'' THEN d.return_message END)'
            '  FROM cron.job_run_details AS d WHERE d.jobid = $1 AND d.status IN (''failed'', ''succeeded'') AND d.username = current_user'
            ' ORDER BY d.runid LIMIT 1' INTO v USING job;
    IF v IS NULL THEN
        EXECUTE 'SELECT jsonb_build_object(''gone'', true) WHERE NOT EXISTS (SELECT FROM cron.job AS j WHERE j.jobid = $1)' INTO v USING job;
    END IF;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._index_job_report(bigint) IS 'What pg_cron says of a job of the caller''s: ended with its message, gone, or NULL.';

CREATE OR REPLACE FUNCTION asymm._unschedule(job bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT asymm._has_cron() THEN
        RETURN;
    END IF;
    EXECUTE 'SELECT cron.unschedule(j.jobid) FROM cron.job AS j WHERE j.jobid = $1 AND j.username = current_user' USING job;
END
$$;
COMMENT ON FUNCTION asymm._unschedule(bigint) IS 'Removes a job of the caller''s from pg_cron if it is there; a run under way goes on.';

CREATE OR REPLACE FUNCTION asymm._tend_command() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record := asymm._index_command();
    v_report jsonb;
BEGIN
    IF v.action IS NULL THEN
        RETURN;
    END IF;
    IF v.pid IS NOT NULL THEN
        -- It runs, once: what is scheduled would run again.
        IF v.job IS NOT NULL THEN
            PERFORM asymm._unschedule(v.job);
        END IF;
        IF v.overdue THEN
            PERFORM pg_cancel_backend(v.pid);
        END IF;
        RETURN;
    END IF;
    IF v.job IS NOT NULL THEN
        v_report := asymm._index_job_report(v.job);
    END IF;
    IF v.reached OR v.began OR v_report ? 'ended' THEN
        IF v.job IS NOT NULL THEN
            PERFORM asymm._unschedule(v.job);
        END IF;
        PERFORM asymm._index_command_ended(v.action,
            CASE WHEN NOT v.reached THEN COALESCE(v_report ->> 'message', 'the builder ended before it was done') END, false);
    ELSIF v_report ? 'gone' THEN
        PERFORM asymm._index_command_ended(v.action, NULL, true);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._tend_command() IS 'Looks after the command that is under way: unscheduled once it runs, cancelled when it waits for too long, booked when it ended.';

CREATE OR REPLACE FUNCTION asymm._tend_indexes() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_order jsonb;
    v_job bigint;
BEGIN
    PERFORM asymm._expire_advice();
    PERFORM asymm._approve_proposed();
    IF NOT asymm._indexes_open() THEN
        RETURN NULL;
    END IF;
    PERFORM asymm._tend_command();
    PERFORM asymm._analyze_tables();
    PERFORM asymm._validate_indexes();
    FOR v IN SELECT * FROM asymm._index_suspects() LOOP
        PERFORM asymm._keep_plan(v.query, asymm._plan_statement(v.statement, v.path));
    END LOOP;
    v_order := asymm._order_index();
    IF v_order IS NOT NULL AND asymm._has_cron() THEN
        PERFORM asymm._prepare_builder();
        EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO v_job
          USING asymm._job_name('index', current_user), CASE WHEN asymm._cron_is_serial() THEN '* * * * *' ELSE '5 seconds' END,
                v_order ->> 'command';
        PERFORM asymm._index_job((v_order ->> 'action')::bigint, v_job);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._tend_indexes() IS 'Organ: has indexes built, dropped and rebuilt one at a time, and validates what was done.';

-- Where pg_cron is missing a driver's session asks for the command and runs it.
CREATE OR REPLACE FUNCTION asymm._take_index_command() RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_command text;
BEGIN
    PERFORM asymm._require_session();
    IF EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = asymm._caller() AND r.rolsuper) THEN
        RETURN NULL;
    END IF;
    UPDATE asymm.index_action AS i
       SET began_at = clock_timestamp(), pid = pg_backend_pid(),
           backend_start = (SELECT s.backend_start FROM pg_stat_activity AS s WHERE s.pid = pg_backend_pid())
      FROM asymm.action AS a
     WHERE a.id = i.action_id AND i.command IS NOT NULL AND i.job IS NULL AND i.began_at IS NULL AND asymm._may_act(a.owner)
    RETURNING i.command INTO v_command;
    RETURN v_command;
END
$$;
COMMENT ON FUNCTION asymm._take_index_command() IS 'The command that waits for a builder, which this session takes on; NULL when there is none.';

CREATE OR REPLACE FUNCTION asymm._builder_ended(problem text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._index_command_ended(i.action_id, _builder_ended.problem, false) FROM asymm.index_action AS i
      WHERE i.command IS NOT NULL AND i.pid = pg_backend_pid()
        AND asymm._alive(i.pid, i.backend_start);
END
$$;
COMMENT ON FUNCTION asymm._builder_ended(text) IS 'Books the end of the command that this session took, with what went wrong.';
