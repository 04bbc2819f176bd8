-- One replay: checked, planned, run in a read-only part of a transaction that is rolled back, without a row leaving the server.

-- The server counts a scan at once and shows it later; what this session did is known at once.
CREATE OR REPLACE FUNCTION asymm._scans_so_far(relids oid[]) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT COALESCE(jsonb_object_agg(r.id, jsonb_build_array(pg_stat_get_xact_numscans(r.id), pg_stat_get_xact_tuples_returned(r.id))), '{}')
              FROM (SELECT u.id FROM unnest(relids) AS u (id)
                    UNION SELECT i.indexrelid FROM pg_index AS i WHERE i.indrelid = ANY (relids)) AS r);
END
$$;
COMMENT ON FUNCTION asymm._scans_so_far(oid[]) IS 'Scans and rows of some tables and their indexes that this session has not told the server yet: {oid: [scans, rows]}.';

CREATE OR REPLACE FUNCTION asymm._scans_since(before jsonb, relids oid[]) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT COALESCE(jsonb_object_agg(n.key, jsonb_build_array((n.value ->> 0)::bigint - COALESCE((before #>> ARRAY[n.key, '0'])::bigint, 0),
                                                                      (n.value ->> 1)::bigint - COALESCE((before #>> ARRAY[n.key, '1'])::bigint, 0))),
                            '{}')
              FROM jsonb_each(asymm._scans_so_far(relids)) AS n WHERE n.value IS DISTINCT FROM before -> n.key);
END
$$;
COMMENT ON FUNCTION asymm._scans_since(jsonb, oid[]) IS 'What asymm._scans_so_far() shows more than before.';

-- Messages may quote a constant, so of a refusal that is not ours only its code is told.
CREATE OR REPLACE FUNCTION asymm._reason_without_values(reason text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN reason ~ '\([0-9A-Z]{5}\)$' THEN format('not planned: error %s', substring(reason FROM '\(([0-9A-Z]{5})\)$')) ELSE reason END;
END
$$;
COMMENT ON FUNCTION asymm._reason_without_values(text) IS 'A reason of asymm._plan_statement() without what a message may quote.';

-- Planning evaluates functions of constants, those of the owner acted for too: so a text is only parsed until it is known to call none.
CREATE OR REPLACE FUNCTION asymm._replay_check(statement text, path text, OUT reason text, OUT relations oid[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET lock_timeout = '50ms'
AS $$
DECLARE
    v_text constant text := asymm._preparable(statement);
    v_tree text;
    v_types oid[];
BEGIN
    reason := CASE WHEN asymm._command(statement) IS DISTINCT FROM 'select' THEN 'it is not a SELECT'
                   WHEN v_text ~ '[;\\]' THEN 'it holds a semicolon or a backslash' END;
    IF reason IS NOT NULL THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM asymm._hold_ddl();
        reason := asymm._replay_literal_fault(v_text);
        IF reason IS NULL THEN
            SELECT t.tree, t.types, asymm._reason_without_values(t.fault) INTO v_tree, v_types, reason
              FROM asymm._query_tree(v_text, path, NULL) AS t;
        END IF;
        IF reason IS NULL THEN
            SELECT f.fault, f.relations INTO reason, relations FROM asymm._replay_fault(v_tree) AS f;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'parsed';
    EXCEPTION WHEN SQLSTATE 'SY011' THEN
        reason := COALESCE(reason, asymm._replay_type_fault(v_types));
    WHEN OTHERS THEN
        reason := format('not planned: error %s', SQLSTATE);
    END;
END
$$;
COMMENT ON FUNCTION asymm._replay_check(text, text) IS 'Why a text may not be run again, or NULL; and all relations it reads. Runs and leaves nothing.';

-- As a subquery it has an identity of its own wherever statements are counted, and the mark says whose it is. The plan is made before it is
-- run, so that its locks are held and whatever DDL came since the text was checked is noticed. Nothing leaves the executor, so no result
-- takes memory; without timing of nodes the clock is read twice. A cancel that comes too late is waited for.
CREATE OR REPLACE FUNCTION asymm._replay(statement text, path text, time_limit interval, turn bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET plan_cache_mode = force_custom_plan
SET max_parallel_workers_per_gather = 0
SET lock_timeout = '50ms'
AS $$
DECLARE
    v_stamp constant bigint := asymm._ddl_stamp();
    v_reason text;
    v_checked jsonb;
    v_relations oid[];
    v_types text[];
    v_values text[];
    v_call text;
    v_before jsonb;
    v_until timestamptz;
    v_made jsonb;
    v_ran jsonb;
    v_error text;
    v_started boolean := false;
BEGIN
    SELECT c.reason, c.relations INTO v_reason, v_relations FROM asymm._replay_check(statement, path) AS c;
    IF v_reason IS NULL THEN
        v_checked := asymm._plan_statement(statement, path);
        v_types := ARRAY(SELECT jsonb_array_elements_text(CASE WHEN v_checked ? 'types' THEN v_checked -> 'types' ELSE '[]' END));
        v_values := asymm._typical_values(v_checked -> 'plan', v_types, turn);
        v_reason := CASE WHEN NOT v_checked ? 'plan' THEN asymm._reason_without_values(v_checked ->> 'reason')
                         WHEN v_types <> '{}' AND asymm._protects() AND v_checked ->> 'touched' IS DISTINCT FROM ''
                             THEN 'it touches what is protected'
                         WHEN array_position(v_values, NULL) IS NOT NULL
                             THEN format('it was not seen with constants yet, and none is known for $%s', array_position(v_values, NULL)) END;
    END IF;
    IF v_reason IS NOT NULL THEN
        RETURN jsonb_build_object('reason', v_reason);
    END IF;
    v_call := 'asymm_probe' || COALESCE((SELECT format('(%s)', string_agg(quote_literal(u.value), ', ' ORDER BY u.n))
                                           FROM unnest(v_values) WITH ORDINALITY AS u (value, n) HAVING count(*) > 0), '');
    v_before := asymm._scans_so_far(v_relations);
    BEGIN
        v_until := clock_timestamp() + time_limit;
        PERFORM set_config('transaction_read_only', 'on', true),
                set_config('application_name', format('asymmetrica pulse slow replay %s', round(EXTRACT(epoch FROM v_until), 3)), true);
        EXECUTE asymm._probe(format('/* asymmetrica replay */ SELECT * FROM (%s) AS replay', v_checked ->> 'statement'), v_types);
        EXECUTE format('EXPLAIN (FORMAT JSON, SUMMARY) EXECUTE %s', v_call) INTO v_made;
        IF asymm._ddl_stamp() IS DISTINCT FROM v_stamp THEN
            RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'DDL came between';
        END IF;
        v_started := true;
        EXECUTE format('EXPLAIN (ANALYZE, TIMING OFF, BUFFERS, FORMAT JSON) EXECUTE %s', v_call) INTO v_ran;
        RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'replayed';
    EXCEPTION WHEN SQLSTATE 'SY011' THEN
        -- Rolled back, nothing is left of it.
        v_error := CASE WHEN v_ran IS NULL THEN 'DDL came between' END;
    WHEN query_canceled THEN
        v_error := CASE WHEN clock_timestamp() >= v_until THEN format('cancelled: it took longer than time_limit (%s)', time_limit)
                        ELSE 'cancelled: others had work to do' END;
    WHEN OTHERS THEN
        v_error := format('error %s', SQLSTATE);
    END;
    BEGIN
        PERFORM pg_sleep(0.002);
    EXCEPTION WHEN query_canceled THEN
        NULL;
    END;
    PERFORM asymm._forget_probe();
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'begun', v_started, 'error', v_error, 'latency_ms', v_ran #> '{0,Execution Time}', 'planning_ms', v_made #> '{0,Planning Time}',
        'rows', v_ran #> '{0,Plan,Actual Rows}', 'blocks_hit', v_ran #> '{0,Plan,Shared Hit Blocks}',
        'blocks_read', v_ran #> '{0,Plan,Shared Read Blocks}', 'temp_blocks', v_ran #> '{0,Plan,Temp Written Blocks}',
        'scans', asymm._scans_since(v_before, v_relations), 'plan', v_checked -> 'plan'));
END
$$;
COMMENT ON FUNCTION asymm._replay(text, text, interval, bigint)
    IS 'Runs a statement of the past again if it only reads, with typical values for parameters that are open, others in each turn: {latency_ms, planning_ms, rows, blocks_hit, blocks_read, temp_blocks, scans, plan}, {error} if it came to no end, or {reason} why it was not begun.';
