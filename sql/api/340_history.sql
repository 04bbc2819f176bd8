-- What became of an object, put together from what is kept: declarations, drift and the ledger. An object that was renamed
-- keeps the number of its baseline, so it is followed through its names; one that is gone is found by the names in the ledger.

-- Every name in the ledger and in drift that nothing has now. NULL: what was never declared.
CREATE OR REPLACE FUNCTION asymm._former_names() RETURNS TABLE (baseline_id bigint, kind text, schema_name text, object_name text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT ON (f.kind, f.schema_name, f.object_name) f.baseline_id, f.kind, f.schema_name, f.object_name
      FROM (SELECT COALESCE(a.baseline_id, (a.evidence_before ->> 'id')::bigint) AS baseline_id, a.object_kind AS kind, a.schema_name,
                   a.object_name, a.created_at AS at
              FROM asymm.action AS a WHERE a.object_kind IS NOT NULL
            UNION ALL
            SELECT d.baseline_id, d.kind, d.schema_name, d.object_name, d.noticed_at FROM asymm.drift_record AS d
            UNION ALL
            -- The name that somebody gave it.
            SELECT d.baseline_id, d.kind, d.actual ->> 'schema', d.actual ->> 'name', d.noticed_at
              FROM asymm.drift_record AS d WHERE d.attribute = 'name' AND d.part = d.kind AND d.name = '') AS f
     WHERE NOT EXISTS (SELECT FROM asymm.baseline AS b WHERE (b.kind, b.schema_name, b.object_name) = (f.kind, f.schema_name, f.object_name))
     ORDER BY f.kind, f.schema_name, f.object_name, f.at DESC, f.baseline_id DESC NULLS LAST
$$;
COMMENT ON FUNCTION asymm._former_names() IS 'Names that objects had, with the baseline that was last meant by each.';

CREATE OR REPLACE FUNCTION asymm._history_drift(ids bigint[], objects jsonb[])
RETURNS TABLE (at timestamptz, place integer, id bigint, event text, what text, by_role name, action bigint, detail jsonb, part text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH d AS (
        SELECT d.*, d.attribute = 'name' AS renamed, l.role, l.application, l.command_tag, l.intent, l.statement,
               concat_ws(' ', NULLIF(d.part, d.kind), NULLIF(d.name, ''), d.attribute) AS thing
          FROM asymm.drift_record AS d
          LEFT JOIN asymm.ddl_log AS l ON l.id = d.ddl_log_id
         WHERE d.baseline_id = ANY (ids)
            OR d.baseline_id IS NULL
               AND jsonb_build_object('kind', d.kind, 'schema', d.schema_name, 'called', d.object_name) = ANY (objects))
    SELECT d.noticed_at, 2, d.id, CASE WHEN d.renamed THEN 'renamed' ELSE 'drift' END,
           CASE WHEN d.renamed AND d.part = d.kind
                THEN format('to %s', asymm._object_display(d.kind, d.actual ->> 'schema', d.actual ->> 'name'))
                WHEN d.renamed THEN format('%s %I to %I', d.part, d.name, d.actual #>> '{}')
                WHEN d.attribute IS NOT NULL THEN format('%s: %s → %s', d.thing, left(d.declared::text, 200), left(d.actual::text, 200))
                ELSE format('%s %s', COALESCE(NULLIF(d.thing, ''), d.kind),
                            CASE WHEN d.declared IS NULL THEN 'is not declared' WHEN d.actual IS NULL THEN 'is gone' ELSE 'is another' END) END,
           d.role, NULL::bigint,
           jsonb_strip_nulls(jsonb_build_object('part', d.part, 'name', NULLIF(d.name, ''), 'attribute', d.attribute, 'declared', d.declared,
               'actual', d.actual, 'found_by', d.found_by, 'application', NULLIF(d.application, ''), 'command_tag', d.command_tag,
               'statement', d.statement)), d.name
      FROM d
    UNION ALL
    SELECT d.resolved_at, 4, d.id, 'resolved', concat_ws(': ', COALESCE(NULLIF(d.thing, ''), d.kind), d.state),
           CASE WHEN d.state = 'healed' THEN a.applied_by END, CASE WHEN d.state = 'healed' THEN d.action_id END,
           jsonb_strip_nulls(jsonb_build_object('part', d.part, 'name', NULLIF(d.name, ''), 'attribute', d.attribute, 'state', d.state)), d.name
      FROM d LEFT JOIN asymm.action AS a ON a.id = d.action_id
     WHERE d.resolved_at IS NOT NULL
$$;
COMMENT ON FUNCTION asymm._history_drift(bigint[], jsonb[]) IS 'Drift of an object as events: noticed and resolved.';

-- Actions on the object (ids), and those on others or on everything that touched it under one of its names: objects, as the
-- steps of a plan call them, {kind, schema, called}.
CREATE OR REPLACE FUNCTION asymm._history_actions(ids bigint[], objects jsonb[])
RETURNS TABLE (at timestamptz, place integer, id bigint, event text, what text, by_role name, action bigint, detail jsonb, parts jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH n AS (
        SELECT array_agg(jsonb_build_array(o)) AS touched,
               array_agg(jsonb_build_array(o - 'called' || jsonb_build_object('name', o -> 'called'))) AS named
          FROM unnest(objects) AS o),
    a AS (
        SELECT a.*, (SELECT COALESCE(jsonb_agg(s.doc ORDER BY s.n), '[]') FROM jsonb_array_elements(a.steps) WITH ORDINALITY AS s (doc, n)
                      WHERE s.doc @> ANY (objects) OR m.mine AND NOT s.doc ? 'object') AS own
          FROM asymm.action AS a CROSS JOIN n
         CROSS JOIN LATERAL (
               SELECT COALESCE(COALESCE(a.baseline_id, (a.evidence_before ->> 'id')::bigint) = ANY (ids), false)
                      OR a.baseline_id IS NULL AND a.object_kind IS NOT NULL
                         AND jsonb_build_object('kind', a.object_kind, 'schema', a.schema_name, 'called', a.object_name) = ANY (objects) AS mine) AS m
         WHERE m.mine
            OR (a.steps @> ANY (n.touched) OR a.evidence_before -> 'objects' @> ANY (n.named))
               -- Another object may have had the name before.
               AND NOT EXISTS (SELECT FROM jsonb_to_recordset(a.evidence_before -> 'objects')
                                         AS x (baseline bigint, kind text, schema text, name text)
                                WHERE jsonb_build_object('kind', x.kind, 'schema', x.schema, 'called', x.name) = ANY (objects)
                                  AND x.baseline <> ALL (ids))
            OR a.kind = 'adopt' AND a.target = '*' AND EXISTS (
                   SELECT FROM asymm.imported_baseline AS i
                    WHERE i.fingerprint IN (a.evidence_before ->> 'fingerprint', a.evidence_after ->> 'fingerprint')
                      AND i.document -> 'objects' @> ANY (n.named)))
    SELECT e.at, 3, e.id,
           CASE WHEN e.from_state = e.to_state THEN 'noted' WHEN a.kind = 'adopt' AND e.from_state IS NULL THEN 'adopted' ELSE e.to_state END,
           CASE WHEN e.to_state = 'applied' THEN (SELECT string_agg(s ->> 'forward', E';\n') FROM jsonb_array_elements(a.own) AS s)
                ELSE e.note END,
           e.by_role, a.id,
           jsonb_strip_nulls(jsonb_build_object(
               'kind', a.kind, 'target', a.target, 'from_state', e.from_state,
               'differences', CASE WHEN a.kind = 'adopt' THEN a.evidence_after -> 'differences' END,
               'statements', CASE WHEN e.to_state IN ('proposed', 'applied')
                                  THEN (SELECT jsonb_agg(s -> 'forward') FROM jsonb_array_elements(a.own) AS s) END,
               'inverse', CASE WHEN e.to_state = 'reverted'
                               THEN (SELECT jsonb_agg(s.doc -> 'inverse' ORDER BY s.n DESC)
                                       FROM jsonb_array_elements(a.own) WITH ORDINALITY AS s (doc, n)) END)),
           (SELECT jsonb_agg(s -> 'name') FROM jsonb_array_elements(a.own || COALESCE(a.evidence_after -> 'differences', '[]')) AS s)
      FROM a JOIN asymm.action_event AS e ON e.action_id = a.id
    UNION ALL
    -- The declaration took the new name over.
    SELECT a.applied_at, 3, a.id, 'renamed', format('to %s', d.actual), a.applied_by, a.id,
           jsonb_build_object('kind', a.kind, 'declared', d.declared, 'actual', d.actual), NULL
      FROM a CROSS JOIN LATERAL jsonb_to_recordset(a.evidence_after -> 'differences') AS d (part text, name text, attribute text, declared text,
                                                                                           actual text)
     WHERE a.kind = 'adopt' AND a.target <> '*' AND d.attribute = 'name' AND d.part = a.object_kind
$$;
COMMENT ON FUNCTION asymm._history_actions(bigint[], jsonb[]) IS 'Actions that concern an object as events, one for each state.';

CREATE OR REPLACE FUNCTION asymm.history(target text)
RETURNS TABLE (at timestamptz, event text, what text, by_role name, action bigint, detail jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_split text[] := regexp_match(target, '^(.*(?:"(?:[^"]|"")*"|[^".()\s]+)\.(?:"(?:[^"]|"")*"|[^".()\s]+))'
                                           '\.("(?:[^"]|"")*"|[^".()\s]+)\s*$');
    v_part text := (parse_ident(v_split[2]))[1];
    v record := asymm._resolve(COALESCE(v_split[1], target), true);
    v_ids bigint[];
    v_objects jsonb[];
    v_operator boolean := pg_has_role(asymm._caller(), 'asymm_operator', 'USAGE');
    v_was record;
    v_schema text;
    v_object text;
BEGIN
    -- The name that somebody gave to what is gone by now.
    SELECT d.schema_name, d.object_name INTO v_was
      FROM asymm.drift_record AS d
     WHERE v.baseline_id IS NULL AND d.baseline_id IS NULL AND d.attribute = 'name' AND d.part = v.kind AND d.kind = v.kind
       AND (d.actual ->> 'schema', d.actual ->> 'name') = (v.schema_name, v.object_name)
     ORDER BY d.id DESC LIMIT 1;
    v_schema := COALESCE(v_was.schema_name, v.schema_name);
    v_object := COALESCE(v_was.object_name, v.object_name);
    -- What had this name and was let go counts too; what has another name now does not.
    SELECT array_agg(f.id) INTO v_ids
      FROM (SELECT v.baseline_id AS id
            UNION
            SELECT COALESCE(a.baseline_id, (a.evidence_before ->> 'id')::bigint) FROM asymm.action AS a
             WHERE (a.object_kind, a.schema_name, a.object_name) = (v.kind, v_schema, v_object)) AS f
     WHERE f.id = v.baseline_id OR NOT EXISTS (SELECT FROM asymm.baseline AS b WHERE b.id = f.id);
    -- All its names.
    SELECT array_agg(jsonb_build_object('kind', n.kind, 'schema', n.schema_name, 'called', n.object_name)) INTO v_objects
      FROM (SELECT v.kind, v_schema AS schema_name, v_object AS object_name
            UNION
            SELECT b.kind, b.schema_name, b.object_name FROM asymm.baseline AS b WHERE b.id = v.baseline_id
            UNION
            SELECT a.object_kind, a.schema_name, a.object_name FROM asymm.action AS a
             WHERE a.object_kind IS NOT NULL AND COALESCE(a.baseline_id, (a.evidence_before ->> 'id')::bigint) = ANY (v_ids)) AS n;
    RETURN QUERY
        SELECT h.at, h.event,
               -- An error's text may quote rows of the table; readers see that it failed.
               CASE WHEN v_operator OR h.event <> 'failed' AND NOT (h.event = 'verified' AND h.detail ->> 'from_state' = 'reverting')
                    THEN h.what END,
               h.by_role, h.action, CASE WHEN v_operator THEN h.detail ELSE h.detail - 'statement' END
          FROM (SELECT d.at, 1 AS place, 0::bigint AS id, 'declared' AS event, d.what, d.by_role, NULL::bigint AS action, d.detail,
                       NULL::jsonb AS parts
                  FROM (SELECT b.watched_at AS at, b.watched_by AS by_role, b.policy, b.by_schema FROM asymm.baseline AS b WHERE b.id = v.baseline_id
                        UNION
                        SELECT (a.evidence_before ->> 'watched_at')::timestamptz, (a.evidence_before ->> 'watched_by')::name,
                               a.evidence_before ->> 'policy', (a.evidence_before ->> 'by_schema')::boolean
                          FROM asymm.action AS a
                         WHERE a.kind = 'adopt' AND (a.evidence_before ->> 'id')::bigint = ANY (v_ids)
                           AND NOT EXISTS (SELECT FROM asymm.baseline AS b WHERE b.id = (a.evidence_before ->> 'id')::bigint)) AS w
                 CROSS JOIN LATERAL (
                       SELECT w.at, w.by_role, CASE WHEN w.by_schema THEN 'with its schema or database' ELSE 'by itself' END AS what,
                              jsonb_build_object('policy', w.policy) AS detail) AS d
                UNION ALL
                SELECT d.at, d.place, d.id, d.event, d.what, d.by_role, d.action, d.detail, jsonb_build_array(d.part)
                  FROM asymm._history_drift(v_ids, v_objects) AS d
                UNION ALL
                SELECT a.* FROM asymm._history_actions(v_ids, v_objects) AS a) AS h
         WHERE v_part IS NULL OR h.parts ? v_part OR h.event = 'declared'
         ORDER BY h.at, h.place, h.id;
END
$$;
COMMENT ON FUNCTION asymm.history(text)
    IS 'What happened to an object of any kind, also one that is renamed or gone, oldest first: declared, drift, renamed, resolved, adopted, and every state of its actions; schema.table.column tells of one part. Statements and errors are for operators. Raises 22004, 22023, 42704, 42P01, 42725, SY001.';
