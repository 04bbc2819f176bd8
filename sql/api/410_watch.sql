-- Declaring: this is how it should be.

-- New tables enter the baseline as they are; of those already there only the policy changes, so that a second watch()
-- never accepts a drift by the way.
CREATE OR REPLACE FUNCTION asymm._declare(relids oid[], policy text, annotation asymm.annotation, by_schema boolean, reason text)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_new bigint[];
    v_known bigint[];
BEGIN
    PERFORM asymm._record_place();
    WITH known AS (
        UPDATE asymm.baseline AS b
           SET policy = _declare.policy, annotation = COALESCE(_declare.annotation, b.annotation),
               by_schema = _declare.by_schema AND b.by_schema, watched_by = asymm._caller(), watched_at = clock_timestamp()
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = ANY (relids) AND b.kind = 'table' AND b.schema_name = n.nspname AND b.object_name = c.relname
           AND (b.by_schema OR NOT _declare.by_schema)
        RETURNING b.id)
    SELECT COALESCE(array_agg(k.id), '{}') INTO v_known FROM known AS k;
    WITH new AS (
        INSERT INTO asymm.baseline (kind, schema_name, object_name, policy, facts, layout, fingerprint, annotation,
                                    by_schema, watched_by, adopted_by, reason)
        SELECT 'table', f.schema_name, f.object_name, _declare.policy, f.facts, f.layout, asymm._fingerprint(f.facts),
               _declare.annotation, _declare.by_schema, asymm._caller(), asymm._caller(), _declare.reason
          FROM asymm._table_facts(relids) AS f
        ON CONFLICT (kind, schema_name, object_name) DO NOTHING
        RETURNING id)
    SELECT COALESCE(array_agg(n.id), '{}') INTO v_new FROM new AS n;
    PERFORM asymm._refresh_members(v_new);
    UPDATE asymm.drift_record AS d SET state = 'adopted', resolved_at = clock_timestamp()
      FROM asymm.baseline AS b
     WHERE d.state = 'open' AND d.baseline_id IS NULL AND b.id = ANY (v_new)
       AND (d.schema_name, d.object_name) = (b.schema_name, b.object_name);
    UPDATE asymm.baseline_state SET held = NULL WHERE baseline_id = ANY (v_known) AND held IS NOT NULL;
    PERFORM asymm._inspect(v_known, 'call');
    RETURN v_new || v_known;
END
$$;
COMMENT ON FUNCTION asymm._declare(oid[], text, asymm.annotation, boolean, text)
    IS 'Takes tables into the baseline as they are, or changes the policy of those already in it; rights were checked before.';

-- Who took the name of a watched table is not thereby master of its baseline.
CREATE OR REPLACE FUNCTION asymm._require_declared(relids oid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT asymm._require_rights((b.facts #>> '{table,"",owner}')::name, format('%I.%I', b.schema_name, b.object_name))
      FROM asymm.baseline b
      JOIN pg_namespace n ON n.nspname = b.schema_name
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = b.object_name
     WHERE c.oid = ANY (relids)
$$;
COMMENT ON FUNCTION asymm._require_declared(oid[]) IS 'Raises 42501 unless the caller may act for the declared owner of each of the tables that is watched already.';

CREATE OR REPLACE FUNCTION asymm.watch(target regclass, policy text DEFAULT 'propose', annotation asymm.annotation DEFAULT NULL)
RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids bigint[];
BEGIN
    PERFORM asymm._require_policy(policy);
    PERFORM asymm._require_annotation(annotation);
    PERFORM asymm._require_rights(asymm._require_table(target), target::text);
    PERFORM asymm._require_declared(ARRAY[target::oid]);
    v_ids := asymm._declare(ARRAY[target::oid], watch.policy, watch.annotation, false, 'watch');
    IF cardinality(v_ids) = 0 THEN
        RAISE EXCEPTION 'table with OID % does not exist', target::oid
            USING ERRCODE = 'undefined_table', DETAIL = 'It was dropped a moment ago.',
                  HINT = 'Name one that is there: ''schema.table''::regclass.';
    END IF;
    RETURN QUERY
        SELECT format('%I.%I', b.schema_name, b.object_name), b.kind, b.policy, b.fingerprint
          FROM asymm.baseline b WHERE b.id = ANY (v_ids);
END
$$;
COMMENT ON FUNCTION asymm.watch(regclass, text, asymm.annotation)
    IS 'Declares that a table should be as it is now. Policy: observe (log), propose (ask), heal (repair within limits), guard (refuse DDL). A second call changes the policy only. Raises 22004, 22023, 42P01, 42809, 42501.';

CREATE OR REPLACE FUNCTION asymm.watch_schema(schema name, policy text DEFAULT 'propose', annotation asymm.annotation DEFAULT NULL)
RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_relids oid[];
    v_ids bigint[];
BEGIN
    PERFORM asymm._require_policy(policy);
    PERFORM asymm._require_annotation(annotation);
    PERFORM asymm._require_schema(schema);
    v_relids := asymm._schema_tables(schema);
    PERFORM asymm._require_rights(pg_get_userbyid(o.relowner), format('%I.%I', schema, o.relname))
       FROM (SELECT DISTINCT ON (c.relowner) c.relowner, c.relname FROM pg_class c WHERE c.oid = ANY (v_relids)) AS o;
    -- The tables that others will make in it are declared too.
    PERFORM asymm._require_rights(pg_get_userbyid(n.nspowner), schema) FROM pg_namespace n WHERE n.nspname = schema;
    PERFORM asymm._require_declared(v_relids);
    v_ids := asymm._declare(v_relids, watch_schema.policy, watch_schema.annotation, true, 'watch_schema');
    INSERT INTO asymm.watched_schema AS w (schema_name, policy, annotation, watched_by)
    VALUES (watch_schema.schema, watch_schema.policy, watch_schema.annotation, asymm._caller())
    ON CONFLICT (schema_name) DO UPDATE
       SET policy = excluded.policy, annotation = COALESCE(excluded.annotation, w.annotation),
           watched_by = excluded.watched_by, watched_at = clock_timestamp();
    RETURN QUERY
        SELECT format('%I.%I', b.schema_name, b.object_name), b.kind, b.policy, b.fingerprint
          FROM asymm.baseline b WHERE b.id = ANY (v_ids) ORDER BY 1;
END
$$;
COMMENT ON FUNCTION asymm.watch_schema(name, text, asymm.annotation)
    IS 'Declares every table of a schema as it is now; a table that appears later without intent is drift. Tables watched by themselves keep their policy. Raises 22004, 22023, 3F000, 42809, 42501.';

CREATE OR REPLACE FUNCTION asymm._forget(ids bigint[]) RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_rights((b.facts #>> '{table,"",owner}')::name, format('%I.%I', b.schema_name, b.object_name))
       FROM asymm.baseline b WHERE b.id = ANY (ids);
    PERFORM asymm._set_action_state(a.id, 'expired', 'no longer watched')
       FROM asymm.action a WHERE a.baseline_id = ANY (ids) AND a.state IN ('proposed', 'approved');
    RETURN QUERY
        DELETE FROM asymm.baseline b WHERE b.id = ANY (ids)
        RETURNING format('%I.%I', b.schema_name, b.object_name), b.kind, b.policy, b.fingerprint;
END
$$;
COMMENT ON FUNCTION asymm._forget(bigint[]) IS 'Removes baselines with their open drift and proposals; the ledger stays.';

CREATE OR REPLACE FUNCTION asymm.unwatch(target text) RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record := asymm._resolve(target);
BEGIN
    IF v.baseline_id IS NULL THEN
        RAISE EXCEPTION '"%" is not watched', target
            USING ERRCODE = 'SY001', DETAIL = 'It was seen in a watched schema, but was never declared.',
                  HINT = format('SELECT asymm.unwatch_schema(%L); stops watching the schema.', v.schema_name);
    END IF;
    RETURN QUERY SELECT f.* FROM asymm._forget(ARRAY[v.baseline_id]) AS f;
END
$$;
COMMENT ON FUNCTION asymm.unwatch(text) IS 'Stops watching a table, which may be gone already; returns what was forgotten. Raises 22004, 22023, 42P01, 42501, SY001.';

CREATE OR REPLACE FUNCTION asymm.unwatch_schema(schema name) RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids bigint[];
BEGIN
    PERFORM asymm._require_text(schema::text, 'schema');
    IF NOT EXISTS (SELECT FROM asymm.watched_schema w WHERE w.schema_name = unwatch_schema.schema) THEN
        RAISE EXCEPTION 'schema "%" is not watched', schema
            USING ERRCODE = 'SY001', DETAIL = 'watch_schema() was never called for it.',
                  HINT = 'SELECT * FROM asymm.watched; lists what is watched.';
    END IF;
    v_ids := ARRAY(SELECT b.id FROM asymm.baseline b WHERE b.schema_name = unwatch_schema.schema AND b.by_schema);
    PERFORM asymm._require_rights(COALESCE(pg_get_userbyid(n.nspowner), w.watched_by), schema)
       FROM asymm.watched_schema w LEFT JOIN pg_namespace n ON n.nspname = w.schema_name
      WHERE w.schema_name = unwatch_schema.schema;
    RETURN QUERY SELECT f.* FROM asymm._forget(v_ids) AS f;
    UPDATE asymm.drift_record AS d SET state = 'superseded', resolved_at = clock_timestamp()
     WHERE d.state = 'open' AND d.baseline_id IS NULL AND d.schema_name = unwatch_schema.schema;
    DELETE FROM asymm.watched_schema w WHERE w.schema_name = unwatch_schema.schema;
END
$$;
COMMENT ON FUNCTION asymm.unwatch_schema(name) IS 'Stops watching a schema and the tables watched through it; returns what was forgotten. Raises 22004, 42501, SY001.';
