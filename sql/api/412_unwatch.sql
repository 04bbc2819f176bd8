-- Letting go.

CREATE OR REPLACE FUNCTION asymm._forget(ids bigint[]) RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_declared(ids);
    PERFORM asymm._set_action_state(a.id, 'expired', 'no longer watched')
       FROM asymm.action a WHERE a.baseline_id = ANY (ids) AND a.state IN ('proposed', 'approved');
    RETURN QUERY
        DELETE FROM asymm.baseline b WHERE b.id = ANY (ids)
        RETURNING asymm._object_display(b.kind, b.schema_name, b.object_name), b.kind, b.policy, b.fingerprint;
END
$$;
COMMENT ON FUNCTION asymm._forget(bigint[]) IS 'Removes baselines with their open drift and proposals; the ledger stays.';

-- What was seen undeclared, where nothing is watched any more.
CREATE OR REPLACE FUNCTION asymm._forget_undeclared() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH d AS (
        UPDATE asymm.drift_record AS d SET state = 'superseded', resolved_at = clock_timestamp()
         WHERE d.state = 'open' AND d.baseline_id IS NULL AND NOT EXISTS (SELECT FROM asymm.watched_database)
           AND NOT EXISTS (SELECT FROM asymm.watched_schema w
                            WHERE w.schema_name = CASE WHEN d.kind = 'schema' THEN d.object_name ELSE d.schema_name END)
        RETURNING d.action_id)
    SELECT asymm._set_action_state(a.id, 'expired', 'no longer watched')
      FROM d JOIN asymm.action a ON a.id = d.action_id AND a.state IN ('proposed', 'approved')
$$;
COMMENT ON FUNCTION asymm._forget_undeclared() IS 'Ends the open drift of undeclared objects outside of what is watched as a whole.';

CREATE OR REPLACE FUNCTION asymm.unwatch(target text) RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record := asymm._resolve(target);
BEGIN
    IF v.baseline_id IS NULL THEN
        RAISE EXCEPTION '"%" is not watched', target
            USING ERRCODE = 'SY001', DETAIL = 'It was seen in a watched schema or database, but was never declared.',
                  HINT = CASE WHEN EXISTS (SELECT FROM asymm.watched_schema w WHERE w.schema_name = v.schema_name)
                              THEN format('SELECT asymm.unwatch_schema(%L); stops watching the schema.', v.schema_name)
                              ELSE 'SELECT asymm.unwatch_database(); stops watching the database.' END;
    END IF;
    RETURN QUERY SELECT f.* FROM asymm._forget(ARRAY[v.baseline_id]) AS f;
END
$$;
COMMENT ON FUNCTION asymm.unwatch(text)
    IS 'Stops watching an object, which may be gone already; returns what was forgotten. Raises 22004, 22023, 42704, 42P01, 42725, 42501, SY001.';

CREATE OR REPLACE FUNCTION asymm.unwatch_schema(schema name) RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids bigint[];
    v_database asymm.watched_database;
BEGIN
    PERFORM asymm._require_text(schema::text, 'schema');
    IF NOT EXISTS (SELECT FROM asymm.watched_schema w WHERE w.schema_name = unwatch_schema.schema) THEN
        RAISE EXCEPTION 'schema "%" is not watched', schema
            USING ERRCODE = 'SY001', DETAIL = 'watch_schema() was never called for it.',
                  HINT = 'SELECT * FROM asymm.watched; lists what is watched.';
    END IF;
    PERFORM asymm._require_rights(COALESCE(pg_get_userbyid(n.nspowner), w.watched_by), schema)
       FROM asymm.watched_schema w LEFT JOIN pg_namespace n ON n.nspname = w.schema_name
      WHERE w.schema_name = unwatch_schema.schema;
    v_ids := ARRAY(SELECT b.id FROM asymm.baseline b
                    WHERE b.by_schema AND (b.schema_name = unwatch_schema.schema OR b.kind = 'schema' AND b.object_name = unwatch_schema.schema));
    DELETE FROM asymm.watched_schema w WHERE w.schema_name = unwatch_schema.schema;
    SELECT w.* INTO v_database FROM asymm.watched_database w;
    IF FOUND THEN
        -- They are still watched with the database.
        PERFORM asymm._require_declared(v_ids);
        UPDATE asymm.baseline AS b SET policy = v_database.policy, watch_policy = v_database.policy WHERE b.id = ANY (v_ids);
        PERFORM asymm._renew_policies(v_ids);
        PERFORM asymm._inspect(v_ids, 'call');
        RETURN QUERY SELECT d.* FROM asymm._declared(v_ids) AS d;
    ELSE
        RETURN QUERY SELECT f.* FROM asymm._forget(v_ids) AS f;
        PERFORM asymm._forget_undeclared();
    END IF;
END
$$;
COMMENT ON FUNCTION asymm.unwatch_schema(name)
    IS 'Stops watching a schema and what was watched through it; returns what was forgotten, or (while the database is watched) what its policy holds for now. Raises 22004, 42501, SY001.';

CREATE OR REPLACE FUNCTION asymm.unwatch_database() RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.watched_database) THEN
        RAISE EXCEPTION 'the database is not watched'
            USING ERRCODE = 'SY001', DETAIL = 'watch_database() was never called.',
                  HINT = 'SELECT * FROM asymm.watched; lists what is watched.';
    END IF;
    PERFORM asymm._require_rights(pg_get_userbyid(d.datdba), d.datname) FROM pg_database d WHERE d.datname = current_database();
    DELETE FROM asymm.watched_database;
    RETURN QUERY
        SELECT f.* FROM asymm._forget(ARRAY(
            SELECT b.id FROM asymm.baseline b
             WHERE b.by_schema AND NOT EXISTS (SELECT FROM asymm.watched_schema w
                                                WHERE w.schema_name = CASE WHEN b.kind = 'schema' THEN b.object_name ELSE b.schema_name END))) AS f;
    PERFORM asymm._forget_undeclared();
END
$$;
COMMENT ON FUNCTION asymm.unwatch_database()
    IS 'Stops watching the database and what was watched through it alone; returns what was forgotten. Raises 42501, SY001.';
