-- What people look at. Statement text is for operators; readers see everything else.

CREATE OR REPLACE FUNCTION asymm._sees_statements() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_has_role('asymm_operator', 'USAGE') $$;
COMMENT ON FUNCTION asymm._sees_statements() IS 'True for operators: may read the text of logged statements.';

CREATE OR REPLACE FUNCTION asymm._hazards(step jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$ SELECT jsonb_array_elements_text(step -> 'hazards') WHERE jsonb_typeof(step -> 'hazards') = 'array' $$;
COMMENT ON FUNCTION asymm._hazards(jsonb) IS 'The hazards of one stored step.';

CREATE OR REPLACE VIEW asymm.drift AS
    SELECT d.id,
           asymm._object_display(d.kind, d.schema_name, d.object_name) AS object,
           d.kind, d.part, d.name, d.attribute, d.declared, d.actual,
           l.role, l.login, l.application, l.client_addr, l.at AS ddl_at, l.command_tag,
           CASE WHEN asymm._sees_statements() THEN l.statement END AS statement,
           d.found_by, d.noticed_at, COALESCE(b.policy, 'propose') AS policy,
           CASE WHEN d.state = 'open' THEN COALESCE(a.state, 'open') ELSE d.state END AS state,
           CASE WHEN a.id IS NULL AND b.policy = 'observe' THEN 'policy observe' ELSE a.reason END AS reason,
           p.hazards, p.repair, d.action_id AS action,
           CASE WHEN d.state = 'healed' THEN a.applied_at END AS repaired_at, d.resolved_at
      FROM asymm.drift_record AS d
      LEFT JOIN asymm.ddl_log AS l ON l.id = d.ddl_log_id
      LEFT JOIN asymm.action AS a ON a.id = d.action_id
      LEFT JOIN asymm.baseline AS b ON b.id = d.baseline_id
      LEFT JOIN LATERAL (
          -- The steps that mend this difference; the whole plan where none is made for it alone.
          SELECT string_agg(s.doc ->> 'forward', E';\n' ORDER BY s.n) AS repair,
                 ARRAY(SELECT DISTINCT h.hazard
                         FROM jsonb_array_elements(a.steps) AS e, asymm._hazards(e) AS h (hazard)
                        WHERE m.steps @> jsonb_build_array(e) OR m.steps = '[]'
                        ORDER BY h.hazard) AS hazards
            FROM (SELECT COALESCE(jsonb_agg(x), '[]') AS steps
                    FROM jsonb_array_elements(asymm._own_steps(a.steps, d.kind, d.schema_name, d.object_name)) AS x
                   WHERE x ->> 'part' = d.part AND x ->> 'name' = d.name) AS m
           CROSS JOIN jsonb_array_elements(a.steps) WITH ORDINALITY AS s (doc, n)
           WHERE m.steps @> jsonb_build_array(s.doc) OR m.steps = '[]'
           GROUP BY m.steps) AS p ON true;
COMMENT ON VIEW asymm.drift IS 'Differences from the baseline: object, part, attribute, from (declared) and to (actual), who did it, hazards and statements of the repair, state; open ones and their history.';

-- A constant in a predicate or an expression is some rows' value until the index is there: then the catalog shows it to everybody.
CREATE OR REPLACE FUNCTION asymm._sees_advice(action asymm.action) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN action.kind <> 'create index'
           OR action.evidence_before ->> 'predicate' IS NULL AND action.evidence_before ->> 'definition' NOT LIKE '%''%'
           OR asymm._sees_statements()
           OR COALESCE((SELECT has_table_privilege(c.oid, 'SELECT') FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                         WHERE n.nspname = action.schema_name AND c.relname = action.object_name), false);
END
$$;
COMMENT ON FUNCTION asymm._sees_advice(asymm.action) IS 'Whether you may see what a new index is to be made of: not its constants unless you may read the table.';

CREATE OR REPLACE VIEW asymm.actions AS
    SELECT a.id, a.kind, a.target, a.object_kind, a.state, a.reason, a.requested_by,
           ARRAY(SELECT s ->> 'forward' FROM jsonb_array_elements(a.steps) WITH ORDINALITY AS x (s, n)
                  WHERE s ->> 'forward' IS NOT NULL AND asymm._sees_advice(a) ORDER BY n) AS statements,
           ARRAY(SELECT s ->> 'inverse' FROM jsonb_array_elements(a.steps) WITH ORDINALITY AS x (s, n)
                  WHERE s ->> 'inverse' IS NOT NULL AND asymm._sees_advice(a) ORDER BY n DESC) AS inverse,
           ARRAY(SELECT DISTINCT h FROM jsonb_array_elements(a.steps) AS s, asymm._hazards(s) AS h ORDER BY h) AS hazards,
           CASE WHEN asymm._sees_advice(a) THEN a.evidence_before
                ELSE a.evidence_before - '{definition,built,predicate,keys,include,reason,index,called,requires}'::text[] END AS evidence_before,
           a.evidence_after,
           CASE WHEN asymm._sees_statements() THEN a.error ELSE jsonb_build_object('sqlstate', a.error -> 'sqlstate') END AS error,
           a.tries, a.created_at, a.changed_at, a.applied_by, a.applied_at,
           round(extract(epoch FROM a.applied_at - a.created_at) * 1000, 1) AS duration_ms
      FROM asymm.action AS a;
COMMENT ON VIEW asymm.actions IS 'The ledger: statements, their inverse (in the order to run them), hazards, evidence before and after, state; duration_ms from planned to applied.';

CREATE OR REPLACE FUNCTION asymm.action_history(action bigint)
RETURNS TABLE (at timestamptz, from_state text, to_state text, by_role name, note text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF action IS NULL THEN
        PERFORM asymm._require_text(NULL, 'action');
    ELSIF NOT EXISTS (SELECT FROM asymm.action a WHERE a.id = action) THEN
        RAISE EXCEPTION 'action % does not exist', action
            USING ERRCODE = 'undefined_object', DETAIL = 'The ledger has no row of that number.',
                  HINT = 'SELECT id, target, state FROM asymm.actions ORDER BY id DESC;';
    END IF;
    -- An error's text may quote rows of the table; readers see that it failed.
    RETURN QUERY SELECT e.at, e.from_state, e.to_state, e.by_role,
                        CASE WHEN pg_has_role(asymm._caller(), 'asymm_operator', 'USAGE')
                                  OR NOT (e.to_state = 'failed' OR (e.from_state = 'reverting' AND e.to_state = 'verified')) THEN e.note END
                   FROM asymm.action_event e WHERE e.action_id = action ORDER BY e.id;
END
$$;
COMMENT ON FUNCTION asymm.action_history(bigint) IS 'Every state an action was in, when, by whom and why. Raises 22004, 42704.';

CREATE OR REPLACE VIEW asymm.ddl AS
    SELECT l.id, l.at, l.role, l.login, l.application, l.client_addr, l.command_tag, l.identities AS objects, l.intent, l.intended,
           l.action_id AS action, CASE WHEN asymm._sees_statements() THEN l.statement END AS statement, l.seen
      FROM asymm.ddl_log AS l;
COMMENT ON VIEW asymm.ddl IS 'The DDL log: who ran what, when and from where; the statement''s text is for operators.';

CREATE OR REPLACE VIEW asymm.watched AS
    SELECT asymm._object_display(b.kind, b.schema_name, b.object_name) AS object, b.kind, b.policy, b.fingerprint,
           NOT EXISTS (SELECT FROM asymm.drift_record d WHERE d.baseline_id = b.id AND d.state = 'open') AS in_step,
           s.held, asymm.annotation_json(b.annotation) AS annotation, b.by_schema, b.watched_by, b.watched_at,
           b.adopted_by, b.adopted_at, b.reason, s.checked_at
      FROM asymm.baseline AS b
      LEFT JOIN asymm.baseline_state AS s ON s.baseline_id = b.id;
COMMENT ON VIEW asymm.watched IS 'What is watched, by which policy, whether it agrees with its baseline, and why it is held back if it is.';
