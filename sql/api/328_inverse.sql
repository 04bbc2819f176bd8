-- What taking an action back would run, and what stands in its way.

-- What the steps of an action are on: {kind, object, part, name}, without part and name where one makes or drops the object.
CREATE OR REPLACE FUNCTION asymm._things(v asymm.action) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_agg(DISTINCT jsonb_build_object('kind', t.kind, 'object', t.object)
                              || CASE WHEN s.part = t.kind AND s.name = '' AND (s.forward ~ w.whole OR s.inverse ~ w.whole) THEN '{}'
                                      ELSE jsonb_build_object('part', s.part, 'name', s.name) END)
      FROM jsonb_to_recordset(v.steps) AS s (kind text, object text, part text, name text, forward text, inverse text)
     CROSS JOIN LATERAL (SELECT COALESCE(s.kind, v.object_kind) AS kind,
                                COALESCE(s.object, asymm._object_identity(v.object_kind, v.schema_name, v.object_name)) AS object) AS t
     CROSS JOIN (SELECT '^(CREATE|DROP) (?!OR REPLACE )' AS whole) AS w
$$;
COMMENT ON FUNCTION asymm._things(asymm.action) IS 'Objects and parts of objects that the steps of an action are on.';

-- What depends on something that the inverse steps would drop, and is not among what they put back or drop themselves:
-- with its state, since an inverse that replaces an object by dropping it puts back what hung on it then (replaced: only that).
CREATE OR REPLACE FUNCTION asymm._hanging_on(steps jsonb, replaced boolean) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_own jsonb;
    v_class_ids oid[];
    v_object_ids oid[];
    v_sub_ids integer[];
    v_new constant text := '^CREATE (?!OR REPLACE )| ADD (COLUMN|CONSTRAINT) ';
BEGIN
    IF NOT EXISTS (SELECT FROM jsonb_to_recordset(steps) AS s (forward text, inverse text)
                    WHERE s.inverse ~ '^DROP | DROP (COLUMN|CONSTRAINT) ' AND NOT (replaced AND s.forward ~ v_new)) THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_agg(to_jsonb(o)) INTO v_own
      FROM (SELECT s.kind, s.part, s.name, asymm._object_oid(s.kind, s.schema, s.called) AS id,
                   CASE WHEN replaced AND s.forward ~ v_new THEN NULL
                        WHEN s.part = s.kind AND s.name = '' AND starts_with(s.inverse, 'DROP ') THEN 'object'
                        WHEN s.part = 'column' AND s.inverse ~ ' DROP COLUMN ' AND s.kind IN ('table', 'foreign table') THEN 'column'
                        WHEN s.part = 'constraint' AND s.inverse ~ ' DROP CONSTRAINT ' AND s.kind = 'table' THEN 'constraint' END AS drops
              FROM jsonb_to_recordset(steps) AS s (kind text, schema text, called text, part text, name text, forward text, inverse text)
             WHERE s.called IS NOT NULL) AS o
     WHERE o.id IS NOT NULL;
    WITH o AS (SELECT o.* FROM jsonb_to_recordset(v_own) AS o (kind text, part text, name text, id oid, drops text))
    SELECT array_agg(g.class_id), array_agg(g.id), array_agg(g.sub_id) INTO v_class_ids, v_object_ids, v_sub_ids
      FROM (SELECT asymm._kind_class(o.kind) AS class_id, o.id, 0 AS sub_id FROM o WHERE o.drops = 'object'
            UNION
            SELECT 'pg_type'::regclass, c.reltype, 0 FROM o JOIN pg_class AS c ON c.oid = o.id AND c.reltype <> 0
             WHERE o.drops = 'object' AND asymm._kind_class(o.kind) = 'pg_class'::regclass
            UNION
            SELECT 'pg_class'::regclass, o.id, a.attnum FROM o JOIN pg_attribute AS a ON a.attrelid = o.id AND a.attname = o.name AND a.attnum > 0
             WHERE o.drops = 'column'
            UNION
            SELECT 'pg_constraint'::regclass, c.oid, 0 FROM o JOIN pg_constraint AS c ON c.conrelid = o.id AND c.conname = o.name
             WHERE o.drops = 'constraint') AS g;
    IF v_class_ids IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN (
        WITH d AS (
            SELECT d.kind, d.object_id, d.part, d.name
              FROM asymm._dependents(v_class_ids, v_object_ids, v_sub_ids, array_fill(true, ARRAY[cardinality(v_class_ids)])) AS d
            UNION
            -- A column takes indexes and constraints of its own table with it; NOT NULL is a fact of its own.
            SELECT 'table', g.object_id, p.part, p.name
              FROM unnest(v_class_ids, v_object_ids, v_sub_ids) AS g (class_id, object_id, sub_id)
              JOIN pg_depend AS e ON e.refclassid = g.class_id AND e.refobjid = g.object_id AND e.refobjsubid = g.sub_id
                                 AND e.deptype IN ('n', 'a')
             CROSS JOIN LATERAL (
                   SELECT 'index' AS part, i.relname::text AS name FROM pg_class AS i
                    WHERE e.classid = 'pg_class'::regclass AND i.oid = e.objid AND i.relkind IN ('i', 'I')
                   UNION ALL
                   SELECT 'constraint', c.conname FROM pg_constraint AS c
                    WHERE e.classid = 'pg_constraint'::regclass AND c.oid = e.objid AND c.conrelid = g.object_id AND c.contype <> 'n') AS p
             WHERE g.class_id = 'pg_class'::regclass AND g.sub_id > 0),
        x AS (
            SELECT DISTINCT d.kind, d.object_id, d.part, d.name FROM d
             WHERE NOT EXISTS (SELECT FROM jsonb_to_recordset(v_own) AS o (kind text, part text, name text, id oid)
                                WHERE o.kind = d.kind AND o.id = d.object_id
                                  AND (o.part = o.kind AND o.name = '' OR (o.part, o.name) = (d.part, d.name))))
        SELECT jsonb_agg(jsonb_build_object('kind', f.kind, 'object', asymm._object_identity(f.kind, f.schema_name, f.object_name))
                         || CASE WHEN x.part IS NULL THEN jsonb_build_object('state', asymm._fingerprint(f.facts))
                                 ELSE jsonb_build_object('part', x.part, 'name', x.name, 'state', f.facts #> ARRAY[x.part, x.name]) END)
          FROM x JOIN asymm._object_facts(ARRAY(SELECT x.kind FROM x ORDER BY x.object_id, x.kind),
                                          ARRAY(SELECT x.object_id FROM x ORDER BY x.object_id, x.kind)) AS f
                   ON f.kind = x.kind AND f.object_id = x.object_id);
END
$$;
COMMENT ON FUNCTION asymm._hanging_on(jsonb, boolean)
    IS 'Objects and parts that would have to go with what the inverse of some steps drops; NULL when there are none.';

CREATE OR REPLACE FUNCTION asymm._refuse_to_revert(v asymm.action, things jsonb, reason text, hint text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_later record;
BEGIN
    IF things IS NULL THEN
        RETURN;
    END IF;
    SELECT string_agg(format('%s (%s of %s)', a.id, a.kind, a.target), ', ' ORDER BY a.applied_at DESC, a.id DESC) AS names,
           string_agg(format('SELECT asymm.revert(%s);', a.id), ' ' ORDER BY a.applied_at DESC, a.id DESC) AS calls
      INTO v_later
      FROM asymm.action AS a
     WHERE a.state = 'verified' AND (a.applied_at, a.id) > (v.applied_at, v.id)
       AND EXISTS (SELECT FROM jsonb_to_recordset(CASE WHEN a.kind = 'adopt'
                          THEN jsonb_build_array(jsonb_build_object('kind', a.object_kind, 'object',
                                   asymm._object_identity(a.object_kind, a.schema_name, a.object_name)))
                          ELSE asymm._things(a) END) AS l (kind text, object text, part text, name text)
                     JOIN jsonb_to_recordset(things) AS o (kind text, object text, part text, name text)
                       ON (o.kind, o.object) = (l.kind, l.object)
                    WHERE o.part IS NULL OR l.part IS NULL OR (o.part, o.name) = (l.part, l.name));
    RAISE EXCEPTION 'action % cannot be taken back%', v.id, CASE WHEN v_later.names IS NOT NULL THEN ' before later ones' ELSE '' END
        USING ERRCODE = 'SY008',
              DETAIL = format('%s: %s.', reason, (
                  SELECT string_agg(t.name, ', ' ORDER BY t.name)
                    FROM (SELECT DISTINCT concat_ws(' ', CASE WHEN o.name <> '' THEN format('%s %s of', o.part, o.name) END, o.kind, o.object) AS name
                            FROM jsonb_to_recordset(things) AS o (kind text, object text, part text, name text)) AS t))
                  || CASE WHEN v_later.names IS NOT NULL THEN format(' Later actions on it: %s.', v_later.names) ELSE '' END,
              HINT = CASE WHEN v_later.names IS NOT NULL
                          THEN format('Take them back in this order: %s SELECT asymm.revert(%s);', v_later.calls, v.id) ELSE hint END;
END
$$;
COMMENT ON FUNCTION asymm._refuse_to_revert(asymm.action, jsonb, text, text)
    IS 'Raises SY008 for the things that keep an action from being taken back, naming later actions on them in the order in which to take those back.';

CREATE OR REPLACE FUNCTION asymm._inverse_steps(v asymm.action) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(jsonb_agg(s.doc || jsonb_build_object(
               'forward', s.doc -> 'inverse', 'inverse', s.doc -> 'forward', 'kind', o.kind, 'object', o.name, 'precondition', p.query,
               'hazards', array_remove(ARRAY[CASE WHEN p.query IS NOT NULL THEN 'deletes data' END,
                                             CASE WHEN s.doc -> 'hazards' ? 'deletes data' THEN 'brings back no data' END], NULL))
               ORDER BY s.n DESC), '[]')
      FROM jsonb_array_elements(v.steps) WITH ORDINALITY AS s (doc, n)
     CROSS JOIN LATERAL (SELECT COALESCE(s.doc ->> 'kind', v.object_kind) AS kind,
                                COALESCE(s.doc ->> 'object', format('%I.%I', v.schema_name, v.object_name)) AS name,
                                s.doc ->> 'inverse' AS inverse, s.doc ->> 'name' AS part,
                                asymm._object_oid('table', COALESCE(s.doc ->> 'schema', v.schema_name),
                                                  COALESCE(s.doc ->> 'called', v.object_name)) AS id) AS o
     CROSS JOIN LATERAL (SELECT format('ALTER COLUMN (?:%s) TYPE (.*?)(?: COLLATE | USING |, ALTER COLUMN |$)',
                                       regexp_replace(quote_ident(o.part), '([^\w])', '\\\1', 'g')) AS pattern) AS t
     CROSS JOIN LATERAL (SELECT substring(s.doc ->> 'forward' FROM t.pattern) AS source, substring(o.inverse FROM t.pattern) AS target) AS r
     CROSS JOIN LATERAL (
           -- What the repair made may hold data by now, and a type it gave more than the former one can.
           SELECT CASE WHEN o.kind <> 'table' THEN NULL
                       WHEN s.doc ->> 'part' = 'column' AND o.inverse ~ ' DROP COLUMN '
                            AND NOT EXISTS (SELECT FROM pg_attribute AS a
                                             WHERE a.attrelid = o.id AND a.attname = o.part AND a.attgenerated <> '')
                           THEN asymm._plan_no_row(o.name, format('pg_catalog.num_nonnulls(%I) > 0', o.part))
                       WHEN s.doc ->> 'part' = 'column' AND r.source IS NOT NULL AND r.target IS NOT NULL
                            AND NOT asymm._type_holds(r.source, r.target)
                           THEN asymm._plan_survives(o.name, o.part, r.source, r.target)
                       WHEN starts_with(o.inverse, 'DROP TABLE ') THEN asymm._plan_no_row(o.name, NULL) END AS query) AS p
$$;
COMMENT ON FUNCTION asymm._inverse_steps(asymm.action) IS 'The steps of an action turned round, last first, with what they would lose as hazards and preconditions.';

CREATE OR REPLACE FUNCTION asymm._is_undone(action bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.action;
BEGIN
    SELECT a.* INTO v FROM asymm.action AS a WHERE a.id = action AND asymm._may_act(a.owner);
    IF v.baseline_id IS NOT NULL THEN
        RETURN v.fingerprint_before = COALESCE((SELECT l.fingerprint FROM asymm._look(v.baseline_id) AS l), 'gone');
    ELSIF v.target <> '*' THEN
        RETURN v.fingerprint_before IS NOT DISTINCT FROM (
            SELECT asymm._fingerprint(f.facts)
              FROM asymm._facts_of(v.object_kind, asymm._object_oid(v.object_kind, v.schema_name, v.object_name)) AS f);
    END IF;
    RETURN NOT EXISTS (
        SELECT FROM jsonb_to_recordset(v.evidence_before -> 'objects') AS o (kind text, schema text, name text, was jsonb, fingerprint text)
         WHERE o.fingerprint IS DISTINCT FROM (
               SELECT asymm._fingerprint(f.facts)
                 FROM asymm._facts_of(o.kind, asymm._object_oid(o.kind, COALESCE(o.was ->> 'schema', o.schema), COALESCE(o.was ->> 'name', o.name)))
                   AS f));
END
$$;
COMMENT ON FUNCTION asymm._is_undone(bigint) IS 'True when all that an action repaired is again as it was before it.';
