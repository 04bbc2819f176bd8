-- Baselines from elsewhere: kept as data, shown, and made the baseline here by who may act for everybody in them.

CREATE OR REPLACE FUNCTION asymm.import_baseline(document jsonb) RETURNS TABLE (fingerprint text, objects bigint, approved boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_baseline(document);
    INSERT INTO asymm.imported_baseline AS i (fingerprint, document, imported_by)
    VALUES (import_baseline.document ->> 'fingerprint', import_baseline.document, asymm._caller())
    ON CONFLICT (fingerprint) DO UPDATE SET imported_by = excluded.imported_by, imported_at = excluded.imported_at;
    RETURN QUERY SELECT i.fingerprint, jsonb_array_length(i.document -> 'objects')::bigint, i.approved_at IS NOT NULL
                   FROM asymm.imported_baseline AS i WHERE i.fingerprint = import_baseline.document ->> 'fingerprint';
END
$$;
COMMENT ON FUNCTION asymm.import_baseline(jsonb)
    IS 'Keeps the baseline document of another database, as data only: nothing of it is declared or run until approve_baseline(fingerprint). Look at it with diff() and imported_definitions(). Raises 22004, 22023.';

CREATE OR REPLACE VIEW asymm.imported AS
    SELECT i.fingerprint, i.imported_by, i.imported_at, i.approved_by, i.approved_at,
           (i.document #> '{scope,database}')::boolean AS whole_database,
           ARRAY(SELECT jsonb_array_elements_text(i.document #> '{scope,schemas}')) AS schemas,
           jsonb_array_length(i.document -> 'objects') AS objects,
           (SELECT jsonb_object_agg(k.kind, k.n)
              FROM (SELECT x ->> 'kind' AS kind, count(*) AS n FROM jsonb_array_elements(i.document -> 'objects') AS x GROUP BY 1) AS k) AS kinds
      FROM asymm.imported_baseline AS i;
COMMENT ON VIEW asymm.imported
    IS 'Baseline documents taken in, and former baselines: who imported and who approved them and when, what they cover, how many objects of each kind.';

CREATE OR REPLACE FUNCTION asymm._imported_document(fingerprint text) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_document jsonb;
BEGIN
    PERFORM asymm._require_text(fingerprint, 'fingerprint');
    SELECT i.document INTO v_document FROM asymm.imported_baseline AS i WHERE i.fingerprint = _imported_document.fingerprint;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no imported baseline has this fingerprint'
            USING ERRCODE = 'undefined_object', DETAIL = format('Asked for: "%s".', left(fingerprint, 100)),
                  HINT = 'SELECT * FROM asymm.imported; lists them, asymm.import_baseline(document) adds one.';
    END IF;
    RETURN v_document;
END
$$;
COMMENT ON FUNCTION asymm._imported_document(text) IS 'An imported document; raises 22004, 22023 or 42704.';

CREATE OR REPLACE FUNCTION asymm.imported_definitions(fingerprint text)
RETURNS TABLE (kind text, object text, part text, name text, attribute text, definition text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT t.kind, t.identity, t.part, t.name, t.attribute, t.value
      FROM asymm._document_texts(asymm._imported_document(fingerprint)) AS t
     WHERE t.form <> 'name'
     ORDER BY t.n, t.part, t.name, t.attribute;
END
$$;
COMMENT ON FUNCTION asymm.imported_definitions(text)
    IS 'Every text of an imported document that is code and would be run after approval: view queries, function bodies, defaults, checks. Raises 22004, 22023, 42704.';

CREATE OR REPLACE FUNCTION asymm.discard_baseline(fingerprint text) RETURNS TABLE (discarded text, objects bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._imported_document(fingerprint);
    RETURN QUERY
        DELETE FROM asymm.imported_baseline AS i WHERE i.fingerprint = discard_baseline.fingerprint
        RETURNING i.fingerprint, jsonb_array_length(i.document -> 'objects')::bigint;
END
$$;
COMMENT ON FUNCTION asymm.discard_baseline(text)
    IS 'Throws an imported document away; the baseline in force stays, though it may have come from it. Raises 22004, 22023, 42704.';

-- Approving its texts is leave to run them. Who does must be able to act for whoever owns what it declares and what it
-- takes the place of: the declared owners, those of what is here by these names, of what was declared until now, of
-- schemas it watches as a whole, and of schemas in which something is to be made.
CREATE OR REPLACE FUNCTION asymm._require_document_rights(document jsonb, here jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v record;
BEGIN
    FOR v IN
        WITH d AS MATERIALIZED (SELECT * FROM asymm._document_objects(document)),
        h AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(here) AS h (kind text, schema_name text, object_name text, owner name)),
        who AS (
            SELECT asymm._declared_owner(d.kind, d.facts) AS owner, concat_ws(' ', d.kind, d.identity) AS what FROM d
            UNION ALL
            SELECT asymm._declared_owner(b.kind, b.facts), concat_ws(' ', b.kind, asymm._object_identity(b.kind, b.schema_name, b.object_name))
              FROM asymm.baseline AS b
            UNION ALL
            SELECT h.owner, concat_ws(' ', d.kind, d.identity) FROM d JOIN h USING (kind, schema_name, object_name)
             WHERE asymm._declared_owner(d.kind, d.facts) IS NOT NULL
            UNION ALL
            SELECT pg_get_userbyid(n.nspowner), format('schema %I', n.nspname)
              FROM pg_namespace AS n
             WHERE document #> '{scope,schemas}' ? n.nspname::text
                OR NOT has_schema_privilege(asymm._caller(), n.oid, 'CREATE')
                   AND n.nspname IN (SELECT d.schema_name FROM d LEFT JOIN h USING (kind, schema_name, object_name) WHERE h.kind IS NULL)
            UNION ALL
            SELECT NULL, 'the database' WHERE (document #> '{scope,database}')::boolean)
        SELECT w.owner, min(w.what) AS what FROM who AS w GROUP BY w.owner
    LOOP
        PERFORM asymm._require_rights(v.owner, v.what);
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._require_document_rights(jsonb, jsonb) IS 'Raises 42501 unless the caller may act for everybody whom a document concerns here.';

CREATE OR REPLACE FUNCTION asymm.approve_baseline(fingerprint text, policy text DEFAULT 'propose')
RETURNS TABLE (object text, kind text, policy_in_force text, change text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_doc jsonb;
    v_before jsonb;
    v_action bigint;
    v_kinds text[];
    v_oids oid[];
    v_here jsonb;
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_policy(policy);
    PERFORM FROM asymm.imported_baseline AS i WHERE i.fingerprint = approve_baseline.fingerprint FOR UPDATE;
    v_doc := asymm._imported_document(fingerprint);
    -- Its texts were read when it was imported; roles and types may have gone since.
    PERFORM asymm._refuse_document(COALESCE(asymm._document_role_fault(v_doc), asymm._document_type_fault(v_doc)));
    SELECT array_agg(o.kind), array_agg(o.object_id) INTO v_kinds, v_oids FROM asymm._objects(NULL) AS o;
    SELECT COALESCE(jsonb_agg(jsonb_build_object('kind', f.kind, 'schema_name', f.schema_name, 'object_name', f.object_name, 'owner', f.owner,
                                                 'facts', f.facts)), '[]')
      INTO v_here
      FROM asymm._object_facts(v_kinds, v_oids) AS f;
    PERFORM asymm._require_document_rights(v_doc, v_here);
    -- Before anything is declared: what stands here without a note of the place came from a dump.
    PERFORM asymm._record_place();
    -- What was declared until now is kept the same way: to go back, approve that.
    v_before := asymm.baseline();
    INSERT INTO asymm.imported_baseline (fingerprint, document, imported_by, approved_by, approved_at)
    SELECT v_before ->> 'fingerprint', v_before, asymm._caller(), asymm._caller(), clock_timestamp()
     WHERE v_before -> 'objects' <> '[]'
    ON CONFLICT DO NOTHING;
    UPDATE asymm.imported_baseline AS i SET approved_by = asymm._caller(), approved_at = clock_timestamp()
     WHERE i.fingerprint = approve_baseline.fingerprint;
    INSERT INTO asymm.action (kind, target, owner, state, reason, requested_by, evidence_before, evidence_after, applied_by, applied_at)
    VALUES ('adopt', '*', asymm._caller(), 'verified', 'approve_baseline()', asymm._caller(),
            jsonb_build_object('fingerprint', v_before -> 'fingerprint'), jsonb_build_object('fingerprint', fingerprint),
            asymm._caller(), clock_timestamp())
    RETURNING id INTO v_action;
    INSERT INTO asymm.action_event (action_id, to_state, by_role, note) VALUES (v_action, 'verified', asymm._caller(), 'approve_baseline()');
    PERFORM asymm._set_action_state(a.id, 'expired', 'another baseline was approved')
       FROM asymm.action AS a WHERE a.state IN ('proposed', 'approved');
    DELETE FROM asymm.watched_schema AS w WHERE NOT v_doc #> '{scope,schemas}' ? w.schema_name::text;
    INSERT INTO asymm.watched_schema (schema_name, policy, watched_by)
    SELECT s.name, approve_baseline.policy, asymm._caller() FROM jsonb_array_elements_text(v_doc #> '{scope,schemas}') AS s (name)
    ON CONFLICT DO NOTHING;
    IF (v_doc #> '{scope,database}')::boolean THEN
        INSERT INTO asymm.watched_database (policy, watched_by) VALUES (approve_baseline.policy, asymm._caller()) ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM asymm.watched_database;
    END IF;
    RETURN QUERY
    WITH d AS MATERIALIZED (
        SELECT x.kind, x.schema AS schema_name, x.name AS object_name, asymm._rekeyed_facts(x.kind, x.facts, h.facts) AS facts, x.layout
          FROM jsonb_to_recordset(v_doc -> 'objects') AS x (kind text, schema text, name text, facts jsonb, layout jsonb)
          LEFT JOIN jsonb_to_recordset(v_here) AS h (kind text, schema_name text, object_name text, facts jsonb)
            ON (h.kind, h.schema_name, h.object_name) = (x.kind, x.schema, x.name)),
    gone AS (
        DELETE FROM asymm.baseline AS b
         WHERE NOT EXISTS (SELECT FROM d WHERE (d.kind, d.schema_name, d.object_name) = (b.kind, b.schema_name, b.object_name))
        RETURNING b.kind, b.schema_name, b.object_name, b.policy),
    was AS MATERIALIZED (SELECT b.kind, b.schema_name, b.object_name, b.fingerprint FROM asymm.baseline AS b),
    made AS (
        INSERT INTO asymm.baseline AS b (kind, schema_name, object_name, policy, watch_policy, facts, layout, fingerprint, by_schema,
                                         watched_by, adopted_by, reason)
        SELECT d.kind, d.schema_name, d.object_name, approve_baseline.policy, approve_baseline.policy, d.facts, d.layout,
               asymm._fingerprint(d.facts), true, asymm._caller(), asymm._caller(),
               'approve_baseline(' || left(approve_baseline.fingerprint, 12) || '…)'
          FROM d
        ON CONFLICT ON CONSTRAINT baseline_object DO UPDATE
           SET facts = excluded.facts, layout = excluded.layout, fingerprint = excluded.fingerprint, adopted_by = excluded.adopted_by,
               adopted_at = clock_timestamp(), reason = excluded.reason
        RETURNING b.kind, b.schema_name, b.object_name, b.policy, b.fingerprint)
    SELECT asymm._object_identity(m.kind, m.schema_name, m.object_name), m.kind, m.policy,
           CASE WHEN w.kind IS NULL THEN 'declared' WHEN w.fingerprint = m.fingerprint THEN 'same' ELSE 'changed' END
      FROM made AS m LEFT JOIN was AS w ON (w.kind, w.schema_name, w.object_name) = (m.kind, m.schema_name, m.object_name)
    UNION ALL
    SELECT asymm._object_identity(g.kind, g.schema_name, g.object_name), g.kind, g.policy, 'forgotten' FROM gone AS g
     ORDER BY 2, 1;
    PERFORM asymm._renew_policies();
    PERFORM asymm._refresh_members(ARRAY(SELECT b.id FROM asymm.baseline AS b));
    -- What does not agree is found by the next scans, though the catalogs stay as they are.
    UPDATE asymm.catalogs_seen SET rows = NULL, full_rows = NULL;
    UPDATE asymm.baseline_state AS s SET header = NULL
      FROM asymm.baseline AS b
      JOIN jsonb_to_recordset(v_here) AS h (kind text, schema_name text, object_name text, facts jsonb)
        ON (h.kind, h.schema_name, h.object_name) = (b.kind, b.schema_name, b.object_name)
     WHERE s.baseline_id = b.id AND b.facts <> h.facts;
END
$$;
COMMENT ON FUNCTION asymm.approve_baseline(text, text)
    IS 'Makes an imported document the baseline: what it declares is what should be here, and heal_all() may run its texts. What was declared before is kept as an imported document too. New objects get the given policy. Raises 22004, 22023, 42501, 42704.';
