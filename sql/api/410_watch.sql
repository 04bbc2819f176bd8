-- Declaring: this is how it should be.

-- What belongs to a schema, itself included, or (NULL) to the database. What lies in the schema of an extension is that
-- extension's, though not every object there is a member of it.
CREATE OR REPLACE FUNCTION asymm._watchable(schema name) RETURNS TABLE (class_id oid, object_id oid, kind text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schemas oid[] := ARRAY(
        SELECT n.oid FROM pg_namespace n
         WHERE CASE WHEN schema IS NOT NULL THEN n.nspname = schema
                    ELSE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'asymm')
                         AND NOT EXISTS (SELECT FROM pg_depend d
                                          WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e') END);
BEGIN
    RETURN QUERY
        SELECT o.class_id, o.object_id, o.kind FROM asymm._objects(v_schemas) AS o
        UNION ALL
        SELECT o.class_id, o.object_id, o.kind FROM asymm._objects(NULL) AS o
         WHERE schema IS NULL AND o.kind IN ('extension', 'language', 'access method', 'foreign-data wrapper', 'server', 'user mapping', 'cast',
                                             'transform', 'default acl', 'publication', 'subscription', 'event trigger')
        UNION ALL
        SELECT 'pg_namespace'::regclass::oid, n.oid, 'schema' FROM pg_namespace n
         WHERE n.oid = ANY (v_schemas)
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e');
END
$$;
COMMENT ON FUNCTION asymm._watchable(name) IS 'Catalog address and kind of what watch_schema() or (NULL) watch_database() is about.';

-- New objects enter the baseline as they are; of those already there only the policy changes, so that a second watch()
-- never accepts a drift by the way. scope is object, schema or database: the narrower call has the say.
CREATE OR REPLACE FUNCTION asymm._declare(
    kinds text[], oids oid[], policy text, annotation asymm.annotation, scope text, reason text)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_new bigint[];
    v_new_oids oid[];
    v_known bigint[];
    v_snapshot pg_snapshot;
    v_at timestamptz;
BEGIN
    PERFORM asymm._record_place();
    v_snapshot := pg_current_snapshot();
    v_at := clock_timestamp();
    WITH f AS MATERIALIZED (
        SELECT f.*, w.policy AS schema_policy, w.annotation AS schema_annotation
          FROM asymm._object_facts(kinds, oids) AS f
          LEFT JOIN asymm.watched_schema AS w
            ON scope = 'database' AND w.schema_name = CASE WHEN f.kind = 'schema' THEN f.object_name ELSE f.schema_name END),
    known AS (
        UPDATE asymm.baseline AS b
           SET policy = _declare.policy, watch_policy = _declare.policy, annotation = COALESCE(_declare.annotation, b.annotation),
               by_schema = scope <> 'object' AND b.by_schema, watched_by = asymm._caller(), watched_at = clock_timestamp()
          FROM f
         WHERE (b.kind, b.schema_name, b.object_name) = (f.kind, f.schema_name, f.object_name)
           AND (scope = 'object' OR b.by_schema AND f.schema_policy IS NULL)
        RETURNING b.id),
    new AS (
        INSERT INTO asymm.baseline (kind, schema_name, object_name, policy, watch_policy, facts, layout, fingerprint, annotation,
                                    by_schema, watched_by, adopted_by, reason)
        SELECT f.kind, f.schema_name, f.object_name, p.policy, p.policy, f.facts, f.layout, asymm._fingerprint(f.facts),
               CASE WHEN f.schema_policy IS NULL THEN _declare.annotation ELSE f.schema_annotation END, scope <> 'object',
               asymm._caller(), asymm._caller(), _declare.reason
          FROM f CROSS JOIN LATERAL (SELECT COALESCE(f.schema_policy, _declare.policy) AS policy) AS p
         -- Numbered, and so repaired, in the order in which they can be made.
         ORDER BY array_position(asymm._kinds(), f.kind), f.schema_name COLLATE "C", f.object_name COLLATE "C"
        ON CONFLICT (kind, schema_name, object_name) DO NOTHING
        RETURNING id, kind, schema_name, object_name)
    SELECT COALESCE(array_agg(n.id ORDER BY n.id), '{}'), COALESCE(array_agg(f.object_id ORDER BY n.id), '{}'),
           ARRAY(SELECT k.id FROM known AS k ORDER BY k.id)
      INTO v_new, v_new_oids, v_known
      FROM new AS n JOIN f USING (kind, schema_name, object_name);
    PERFORM asymm._refresh_members(v_new, v_new_oids);
    PERFORM asymm._looked_before(v_new, v_snapshot, v_at);
    PERFORM asymm._renew_policies(v_new || v_known);
    -- What was seen undeclared is so no more.
    PERFORM asymm._set_action_state(a.id, 'expired', 'declared')
       FROM asymm.baseline AS b
       JOIN asymm.action AS a ON (a.object_kind, a.schema_name, a.object_name) = (b.kind, b.schema_name, b.object_name)
      WHERE b.id = ANY (v_new) AND a.baseline_id IS NULL AND a.kind = 'heal' AND a.state IN ('proposed', 'approved');
    UPDATE asymm.drift_record AS d SET state = 'adopted', resolved_at = clock_timestamp()
      FROM asymm.baseline AS b
     WHERE d.state = 'open' AND d.baseline_id IS NULL AND b.id = ANY (v_new)
       AND (d.kind, d.schema_name, d.object_name) = (b.kind, b.schema_name, b.object_name);
    UPDATE asymm.baseline_state SET held = NULL WHERE baseline_id = ANY (v_known) AND held IS NOT NULL;
    PERFORM asymm._inspect(v_known, 'call');
    RETURN v_new || v_known;
END
$$;
COMMENT ON FUNCTION asymm._declare(text[], oid[], text, asymm.annotation, text, text)
    IS 'Takes objects into the baseline as they are, or changes the policy of those already in it; returns their baselines.';

-- Who took the name of a watched object is not thereby master of its baseline.
CREATE OR REPLACE FUNCTION asymm._require_declared(baselines bigint[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT asymm._require_rights(o.owner, asymm._object_display(o.kind, o.schema_name, o.object_name))
      FROM (SELECT DISTINCT ON (x.owner) x.owner, b.kind, b.schema_name, b.object_name
              FROM asymm.baseline b CROSS JOIN LATERAL asymm._declared_owner(b.kind, b.facts) AS x (owner)
             WHERE b.id = ANY (baselines) ORDER BY x.owner) AS o
$$;
COMMENT ON FUNCTION asymm._require_declared(bigint[]) IS 'Raises 42501 unless the caller may act for the declared owners of these baselines.';

CREATE OR REPLACE FUNCTION asymm._declared(baselines bigint[])
RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT asymm._object_display(b.kind, b.schema_name, b.object_name), b.kind, b.policy, b.fingerprint
      FROM asymm.baseline b WHERE b.id = ANY (baselines) ORDER BY 1, 2
$$;
COMMENT ON FUNCTION asymm._declared(bigint[]) IS 'What watch() and its like return of baselines.';

CREATE OR REPLACE FUNCTION asymm.watch(target regclass, policy text DEFAULT 'propose', annotation asymm.annotation DEFAULT NULL)
RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_kind text;
    v_ids bigint[];
BEGIN
    PERFORM asymm._require_policy(policy);
    PERFORM asymm._require_annotation(annotation);
    v_kind := asymm._require_relation(target);
    PERFORM asymm._require_owners(ARRAY['pg_class'::regclass::oid], ARRAY[target::oid]);
    v_ids := asymm._declare(ARRAY[v_kind], ARRAY[target::oid], watch.policy, watch.annotation, 'object', 'watch');
    IF cardinality(v_ids) = 0 THEN
        RAISE EXCEPTION 'relation with OID % does not exist', target::oid
            USING ERRCODE = 'undefined_table', DETAIL = 'It was dropped a moment ago.',
                  HINT = 'Name one that is there: ''schema.table''::regclass.';
    END IF;
    PERFORM asymm._require_declared(v_ids);
    RETURN QUERY SELECT d.* FROM asymm._declared(v_ids) AS d;
END
$$;
COMMENT ON FUNCTION asymm.watch(regclass, text, asymm.annotation)
    IS 'Declares that a table, view, sequence or foreign table should be as it is now. Policy: observe (log), propose (ask), heal (repair within limits), guard (refuse DDL). A second call changes the policy only. Raises 22004, 22023, 42P01, 42809, 42501.';

CREATE OR REPLACE FUNCTION asymm.watch_schema(schema name, policy text DEFAULT 'propose', annotation asymm.annotation DEFAULT NULL)
RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_classes oid[];
    v_oids oid[];
    v_kinds text[];
    v_ids bigint[];
BEGIN
    PERFORM asymm._require_policy(policy);
    PERFORM asymm._require_annotation(annotation);
    PERFORM asymm._require_schema(schema);
    SELECT array_agg(s.class_id), array_agg(s.object_id), array_agg(s.kind) INTO v_classes, v_oids, v_kinds FROM asymm._watchable(schema) AS s;
    PERFORM asymm._require_owners(v_classes, v_oids);
    -- What others will make in it is declared too.
    PERFORM asymm._require_rights(pg_get_userbyid(n.nspowner), schema) FROM pg_namespace n WHERE n.nspname = schema;
    PERFORM asymm._record_place();
    INSERT INTO asymm.watched_schema AS w (schema_name, policy, annotation, watched_by)
    VALUES (watch_schema.schema, watch_schema.policy, watch_schema.annotation, asymm._caller())
    ON CONFLICT (schema_name) DO UPDATE
       SET policy = excluded.policy, annotation = COALESCE(excluded.annotation, w.annotation),
           watched_by = excluded.watched_by, watched_at = clock_timestamp();
    v_ids := asymm._declare(v_kinds, v_oids, watch_schema.policy, watch_schema.annotation, 'schema', 'watch_schema');
    PERFORM asymm._require_declared(v_ids);
    RETURN QUERY SELECT d.* FROM asymm._declared(v_ids) AS d;
END
$$;
COMMENT ON FUNCTION asymm.watch_schema(name, text, asymm.annotation)
    IS 'Declares a schema and everything in it as it is now; what appears later without intent is drift. What is watched by itself keeps its policy. Raises 22004, 22023, 3F000, 42809, 42501.';

CREATE OR REPLACE FUNCTION asymm.watch_database(policy text DEFAULT 'propose', annotation asymm.annotation DEFAULT NULL)
RETURNS TABLE (object text, kind text, policy_in_force text, fingerprint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_classes oid[];
    v_oids oid[];
    v_kinds text[];
    v_ids bigint[];
BEGIN
    PERFORM asymm._require_policy(policy);
    PERFORM asymm._require_annotation(annotation);
    PERFORM asymm._require_rights(pg_get_userbyid(d.datdba), d.datname) FROM pg_database d WHERE d.datname = current_database();
    SELECT array_agg(s.class_id), array_agg(s.object_id), array_agg(s.kind) INTO v_classes, v_oids, v_kinds FROM asymm._watchable(NULL) AS s;
    PERFORM asymm._require_owners(v_classes, v_oids);
    PERFORM asymm._record_place();
    INSERT INTO asymm.watched_database AS w (policy, annotation, watched_by)
    VALUES (watch_database.policy, watch_database.annotation, asymm._caller())
    ON CONFLICT (only_row) DO UPDATE
       SET policy = excluded.policy, annotation = COALESCE(excluded.annotation, w.annotation),
           watched_by = excluded.watched_by, watched_at = clock_timestamp();
    v_ids := asymm._declare(v_kinds, v_oids, watch_database.policy, watch_database.annotation, 'database', 'watch_database');
    PERFORM asymm._require_declared(v_ids);
    RETURN QUERY SELECT d.* FROM asymm._declared(v_ids) AS d;
END
$$;
COMMENT ON FUNCTION asymm.watch_database(text, asymm.annotation)
    IS 'Declares everything in the database as it is now, also what lives in no schema; what appears later anywhere without intent is drift. What is watched by itself or with its schema keeps its policy; members of extensions are left out. Raises 22004, 22023, 42501.';
