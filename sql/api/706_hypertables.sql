-- Samples in TimescaleDB's hypertables. They are made at run time, so they live in a schema of their own: what is not a member of
-- the extension would stand in the way of DROP EXTENSION, and pg_dump would copy its rows.

CREATE OR REPLACE FUNCTION asymm._timescale_schema() RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb');
END
$$;
COMMENT ON FUNCTION asymm._timescale_schema() IS 'Schema of the extension timescaledb; NULL where it isn''t installed.';

-- Its functions take arguments of any type: another of the same name with the right types would be called in its place.
CREATE OR REPLACE FUNCTION asymm._require_own_function(schema name, function name) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_stranger text;
BEGIN
    SELECT p.oid::regprocedure::text INTO v_stranger
      FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
     WHERE n.nspname = $1 AND p.proname = $2
       AND NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'timescaledb'
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
                          AND d.refclassid = 'pg_extension'::regclass)
     LIMIT 1;
    IF v_stranger IS NOT NULL THEN
        RAISE EXCEPTION 'function % could be called in place of TimescaleDB''s own', v_stranger
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'It has the same name and is not a member of the extension timescaledb.',
                  HINT = format('Look at it, then DROP FUNCTION %s', v_stranger);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_own_function(name, name) IS 'Raises 42501 where somebody made another function of the name of one of TimescaleDB''s.';

CREATE OR REPLACE FUNCTION asymm._drop_chunks(name name, older timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schema constant name := asymm._timescale_schema();
BEGIN
    IF v_schema IS NOT NULL THEN
        PERFORM asymm._require_own_function(v_schema, 'drop_chunks');
        EXECUTE format('SELECT %I.drop_chunks(relation => %L::regclass, older_than => $1)', v_schema, format('asymm_telemetry.%I', $1))
          USING $2;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._drop_chunks(name, timestamptz) IS 'Drops the chunks of a hypertable of ours that are older than this.';

CREATE OR REPLACE FUNCTION asymm.setup_telemetry() RETURNS TABLE (object text, result text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_schema constant name := asymm._timescale_schema();
    v_intent constant text := COALESCE(current_setting('asymm.intent', true), '');
    v_step record;
    v_owner name;
BEGIN
    IF v_schema IS NULL THEN
        RETURN QUERY VALUES ('timescaledb', 'not installed: telemetry stays in the partitions of asymm.sample, which does as well');
        RETURN;
    END IF;
    IF (SELECT t.in_hypertables FROM asymm.telemetry_state AS t FOR UPDATE) THEN
        RETURN QUERY SELECT 'asymm_telemetry.sample_' || s.step, 'already so' FROM asymm._sample_steps() AS s;
        RETURN;
    END IF;
    SELECT pg_get_userbyid(n.nspowner) INTO v_owner FROM pg_namespace AS n WHERE n.nspname = 'asymm_telemetry';
    IF v_owner <> 'asymm_owner' THEN
        RAISE EXCEPTION 'schema "asymm_telemetry" exists and belongs to "%"', v_owner
            USING ERRCODE = 'duplicate_schema', DETAIL = 'Telemetry is kept in a schema of this name that nobody else may change.',
                  HINT = 'Rename it: ALTER SCHEMA asymm_telemetry RENAME TO …';
    END IF;
    -- Where the whole database is watched, it is meant.
    PERFORM set_config('asymm.intent', COALESCE(NULLIF(v_intent, ''), 'asymm.setup_telemetry()'), true);
    IF v_owner IS NULL THEN
        CREATE SCHEMA asymm_telemetry AUTHORIZATION asymm_owner;
    END IF;
    PERFORM asymm._require_own_function(v_schema, 'create_hypertable');
    FOR v_step IN SELECT s.step, s.base, 'sample_' || s.step AS name, make_interval(days => s.days) AS chunk FROM asymm._sample_steps() AS s LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS asymm_telemetry.%I (family text NOT NULL, at timestamptz NOT NULL, ids bigint[] NOT NULL,'
                       ' totals double precision[] NOT NULL, lows double precision[], highs double precision[], counts integer[],'
                       ' PRIMARY KEY (family, at))', v_step.name);
        EXECUTE format('ALTER TABLE asymm_telemetry.%I OWNER TO asymm_owner', v_step.name);
        EXECUTE format('SELECT %I.create_hypertable(relation => %L::regclass, time_column_name => ''at''::name, chunk_time_interval => $1,'
                       ' if_not_exists => true)', v_schema, format('asymm_telemetry.%I', v_step.name)) USING v_step.chunk;
        EXECUTE format('INSERT INTO asymm_telemetry.%I SELECT s.family, s.at, s.ids, s.totals, s.lows, s.highs, s.counts'
                       '  FROM asymm.sample AS s WHERE s.at >= $1 AND s.slot BETWEEN $2 AND $2 + 9 ON CONFLICT DO NOTHING', v_step.name)
          USING asymm._sample_reach(v_step.step), v_step.base;
        RETURN QUERY SELECT 'asymm_telemetry.' || v_step.name, 'is a hypertable';
    END LOOP;
    PERFORM set_config('asymm.intent', v_intent, true);
    TRUNCATE asymm.sample;
    UPDATE asymm.telemetry_state AS t SET in_hypertables = true, parts = array_fill(0, ARRAY[24], ARRAY[0]);
END
$$;
COMMENT ON FUNCTION asymm.setup_telemetry()
    IS 'Keeps samples in TimescaleDB''s hypertables (schema asymm_telemetry) and moves there what is kept already; says so where TimescaleDB is not installed. For superusers. Back: asymm.teardown_telemetry().';

CREATE OR REPLACE FUNCTION asymm.teardown_telemetry() RETURNS TABLE (object text, result text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_intent constant text := COALESCE(current_setting('asymm.intent', true), '');
    v_step record;
    v_period integer;
BEGIN
    IF NOT (SELECT t.in_hypertables FROM asymm.telemetry_state AS t) THEN
        RETURN QUERY VALUES ('asymm.sample', 'already so');
        RETURN;
    END IF;
    PERFORM FROM asymm.telemetry_state AS t FOR UPDATE;
    TRUNCATE asymm.sample;
    PERFORM set_config('asymm.intent', COALESCE(NULLIF(v_intent, ''), 'asymm.teardown_telemetry()'), true);
    FOR v_step IN SELECT s.step, s.base, s.parts, 'sample_' || s.step AS name FROM asymm._sample_steps() AS s LOOP
        IF to_regclass(format('asymm_telemetry.%I', v_step.name)) IS NULL THEN
            RETURN QUERY SELECT 'asymm_telemetry.' || v_step.name, 'is gone';
            CONTINUE;
        END IF;
        EXECUTE format('INSERT INTO asymm.sample'
                       ' SELECT (asymm._sample_part($1, s.at)).slot, s.family, s.at, s.ids, s.totals, s.lows, s.highs, s.counts'
                       '  FROM asymm_telemetry.%I AS s WHERE s.at >= $2', v_step.name) USING v_step.step, asymm._sample_reach(v_step.step);
        EXECUTE format('DROP TABLE asymm_telemetry.%I', v_step.name);
        FOR v_period IN SELECT DISTINCT (asymm._sample_part(v_step.step, s.at)).period
                          FROM asymm.sample AS s
                         WHERE s.slot BETWEEN v_step.base AND v_step.base + 9 LOOP
            UPDATE asymm.telemetry_state AS t SET parts[v_step.base + v_period % v_step.parts] = v_period;
        END LOOP;
        RETURN QUERY SELECT 'asymm_telemetry.' || v_step.name, 'moved to asymm.sample';
    END LOOP;
    DROP SCHEMA IF EXISTS asymm_telemetry;
    PERFORM set_config('asymm.intent', v_intent, true);
    UPDATE asymm.telemetry_state AS t SET in_hypertables = false;
END
$$;
COMMENT ON FUNCTION asymm.teardown_telemetry() IS 'Moves samples from hypertables back to the partitions of asymm.sample and drops the schema asymm_telemetry. For superusers.';
