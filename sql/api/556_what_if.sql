-- What the planner would do with indexes that aren't there, by the extension hypopg, which may live in any schema.

CREATE OR REPLACE FUNCTION asymm._hypopg_schema() RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'hypopg');
END
$$;
COMMENT ON FUNCTION asymm._hypopg_schema() IS 'Schema of the extension hypopg; NULL where it isn''t installed.';

-- A text that was found safe stays so while no DDL is logged: nothing else can put another function in its place.
CREATE OR REPLACE FUNCTION asymm._ddl_stamp() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT s.last_value FROM asymm.ddl_log_id_seq AS s);
END
$$;
COMMENT ON FUNCTION asymm._ddl_stamp() IS 'A number that grows with every DDL command, before it is committed too.';

CREATE OR REPLACE FUNCTION asymm._make_hypothetical(definition text, hypopg name DEFAULT asymm._hypopg_schema()) RETURNS oid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_made oid;
BEGIN
    -- It outlives what is rolled back; the lock on its table does not.
    BEGIN
        EXECUTE format('SELECT h.indexrelid FROM %I.hypopg_create_index($1::text) AS h', hypopg) INTO v_made USING definition;
        RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'made';
    EXCEPTION WHEN SQLSTATE 'SY011' THEN
        RETURN v_made;
    END;
END
$$;
COMMENT ON FUNCTION asymm._make_hypothetical(text, name) IS 'Has the planner of this session believe in an index; returns its number.';

CREATE OR REPLACE FUNCTION asymm._drop_hypothetical(made oid DEFAULT NULL, hypopg name DEFAULT asymm._hypopg_schema()) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF hypopg IS NULL THEN
        RETURN;
    ELSIF made IS NULL THEN
        EXECUTE format('SELECT %I.hypopg_reset()', hypopg);
    ELSE
        EXECUTE format('SELECT %I.hypopg_drop_index($1::oid)', hypopg) USING made;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._drop_hypothetical(oid, name) IS 'Has the planner forget one index that isn''t there, or all of them.';

-- Only for a statement as asymm._plan_statement() gave it back in this transaction, with no DDL since. A prepared statement keeps its
-- plan and doesn't see a new hypothetical index, so it is prepared anew.
CREATE OR REPLACE FUNCTION asymm._plan_again(statement text, types text[], stamp bigint, OUT cost double precision, OUT used oid[], OUT reason text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET plan_cache_mode = force_generic_plan
SET lock_timeout = '50ms'
AS $$
DECLARE
    v_plan text;
BEGIN
    BEGIN
        PERFORM asymm._hold_ddl();
        IF asymm._ddl_stamp() IS DISTINCT FROM stamp THEN
            RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'changed';
        END IF;
        IF types = '{}' THEN
            EXECUTE format('EXPLAIN (FORMAT JSON) %s', statement) INTO v_plan;
        ELSE
            EXECUTE asymm._probe(statement, types);
            EXECUTE asymm._probe_plan('FORMAT JSON', cardinality(types)) INTO v_plan;
        END IF;
        cost := substring(v_plan FROM '"Total Cost": ([0-9.]+)')::float8;
        used := ARRAY(SELECT DISTINCT m[1]::oid FROM regexp_matches(v_plan, '"Index Name": "<(\d{1,10})>', 'g') AS m);
        RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'planned';
    EXCEPTION WHEN SQLSTATE 'SY011' THEN
        -- Rolled back, no lock on anybody's tables is left.
        NULL;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT;
        reason := format('not planned: %s (%s)', reason, SQLSTATE);
    END;
    IF types <> '{}' THEN
        PERFORM asymm._forget_probe();
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._plan_again(text, text[], bigint)
    IS 'Cost of a statement that was found safe when the DDL log stood so, and the hypothetical indexes its plan uses; nothing if it went on.';
