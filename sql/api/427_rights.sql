-- Whose rights: GRANT and the like name no object, so what they changed is told by who last wrote the rows of the catalogs.

-- Whether a command cannot have changed the rights of an object: its text is one GRANT or REVOKE and doesn't name the object.
CREATE OR REPLACE FUNCTION asymm._grants_elsewhere(statement text, names text[]) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- A text that was cut, that holds another command or names objects by their schema or in escapes, may mean any.
    RETURN COALESCE(statement ~* '^\s*(grant|revoke)\M' AND statement !~ ';\s*\S' AND statement !~* '\min\s+schema\M|u&|/\*|--'
                    AND length(statement) < (asymm._settings()).statement_chars
                    AND NOT EXISTS (SELECT FROM unnest(names) AS n (name)
                                     WHERE n.name LIKE '%"%' OR strpos(lower(statement), lower(n.name)) > 0), false);
END
$$;
COMMENT ON FUNCTION asymm._grants_elsewhere(text, text[]) IS 'Whether a logged statement can be seen to be a single GRANT or REVOKE that names none of these objects; false where that is not sure.';

-- The rows that hold rights of watched objects, if a transaction or a later one wrote them.
CREATE OR REPLACE FUNCTION asymm._rights_rows(baselines bigint[], since xid8)
RETURNS TABLE (baseline_id bigint, name text, xmin xid)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_age constant integer := age(since::xid);
    v_oldest constant integer := -1073741824;
BEGIN
    RETURN QUERY
        WITH o AS MATERIALIZED (
            SELECT s.baseline_id, s.class_id, s.object_id
              FROM unnest(baselines) AS u (id) JOIN asymm.baseline_state AS s ON s.baseline_id = u.id),
        relations AS MATERIALIZED (
            SELECT o.baseline_id, o.object_id FROM o WHERE o.class_id = 'pg_class'::regclass
            UNION
            SELECT o.baseline_id, d.objid
              FROM o JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = o.object_id
                                     AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
             WHERE o.class_id = 'pg_class'::regclass),
        r AS (
            SELECT o.baseline_id, c.relname AS name, c.xmin FROM relations AS o JOIN pg_class c ON c.oid = o.object_id AND c.relkind <> 'i'
            UNION ALL
            SELECT o.baseline_id, NULL, a.xmin FROM relations AS o JOIN pg_attribute a ON a.attrelid = o.object_id
            UNION ALL
            SELECT o.baseline_id, c.nspname, c.xmin FROM o JOIN pg_namespace c ON c.oid = o.object_id WHERE o.class_id = 'pg_namespace'::regclass
            UNION ALL
            SELECT o.baseline_id, c.proname, c.xmin FROM o JOIN pg_proc c ON c.oid = o.object_id WHERE o.class_id = 'pg_proc'::regclass
            UNION ALL
            SELECT o.baseline_id, c.typname, c.xmin FROM o JOIN pg_type c ON c.oid = o.object_id WHERE o.class_id = 'pg_type'::regclass
            UNION ALL
            SELECT o.baseline_id, c.lanname, c.xmin FROM o JOIN pg_language c ON c.oid = o.object_id WHERE o.class_id = 'pg_language'::regclass
            UNION ALL
            SELECT o.baseline_id, c.srvname, c.xmin
              FROM o JOIN pg_foreign_server c ON c.oid = o.object_id WHERE o.class_id = 'pg_foreign_server'::regclass
            UNION ALL
            SELECT o.baseline_id, c.fdwname, c.xmin
              FROM o JOIN pg_foreign_data_wrapper c ON c.oid = o.object_id WHERE o.class_id = 'pg_foreign_data_wrapper'::regclass
            UNION ALL
            SELECT o.baseline_id, NULL, c.xmin FROM o JOIN pg_default_acl c ON c.oid = o.object_id WHERE o.class_id = 'pg_default_acl'::regclass)
        SELECT r.baseline_id, r.name::text, CASE WHEN age(r.xmin) BETWEEN v_oldest AND v_age THEN r.xmin END FROM r;
END
$$;
COMMENT ON FUNCTION asymm._rights_rows(bigint[], xid8) IS 'The catalog rows with rights of watched objects: the object''s name in them, and their writer if that is this transaction or a later one.';

-- A transaction whose row is read and that wrote an object last had a hand in it. One that wrote it earlier was over before the
-- last one wrote, so that its rows of the log come first. Only of a text that names another object alone it is sure that it had none.
CREATE OR REPLACE FUNCTION asymm._judge_rights(ids bigint[], baselines bigint[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN (
        WITH l AS MATERIALIZED (
            SELECT l.id, l.xid, l.at, l.intended, NOT l.intended AND l.action_id IS NULL AS slip, l.statement, l.command_tag,
                   CASE WHEN cardinality(l.object_ids) = 0 THEN l.class_ids[1] END AS rights_in,
                   COALESCE(l.intent, 'migrator ' || l.role) AS reason, l.command_tag = ANY (asymm._rights_tags()) AS on_rights,
                   max(l.id) OVER (PARTITION BY l.xid) AS last_id
              FROM asymm.ddl_log l WHERE l.id = ANY (ids)),
        o AS MATERIALIZED (
            SELECT s.baseline_id, s.class_id, s.checked_xid, s.checked_at, s.checked_snapshot, array_remove(array_agg(r.name), NULL) AS names,
                   array_agg(r.xmin) FILTER (WHERE r.xmin IS NOT NULL) AS writers
              FROM unnest(baselines) AS u (id)
              JOIN asymm.baseline_state AS s ON s.baseline_id = u.id
              LEFT JOIN asymm._rights_rows(baselines, (SELECT min(l.xid) FROM l WHERE l.on_rights)) AS r ON r.baseline_id = u.id
             GROUP BY s.baseline_id
            -- What nobody wrote is none of theirs. Default privileges that were all revoked leave no row.
            HAVING count(r.xmin) > 0 OR count(r.baseline_id) = 0 AND s.class_id = 'pg_default_acl'::regclass),
        w AS MATERIALIZED (
            -- Of a writer that is not in the log, a part of a transaction, it isn't known whose it was.
            SELECT o.*, CASE WHEN NOT EXISTS (SELECT FROM unnest(o.writers) AS x (xid) WHERE x.xid NOT IN (SELECT l.xid::xid FROM l))
                             THEN (SELECT max(l.last_id) FROM l WHERE l.xid::xid = ANY (o.writers)) END AS last_id
              FROM o),
        h AS (
            SELECT w.baseline_id, l.*
              FROM w
              JOIN l ON l.on_rights AND l.rights_in = w.class_id
                     OR l.on_rights AND l.rights_in IS NULL
                        AND (l.command_tag <> 'ALTER DEFAULT PRIVILEGES' OR w.class_id = 'pg_default_acl'::regclass)
             WHERE (l.xid::xid = ANY (w.writers) OR w.last_id IS NULL OR l.last_id < w.last_id)
               -- What had happened when the object last agreed with its baseline is accounted for, as in asymm._process_ddl().
               AND (w.checked_snapshot IS NULL
                    OR NOT CASE WHEN l.xid = w.checked_xid THEN l.at <= w.checked_at ELSE pg_visible_in_snapshot(l.xid, w.checked_snapshot) END)
               AND NOT (w.names <> '{}' AND asymm._grants_elsewhere(l.statement, w.names)))
        SELECT jsonb_object_agg(j.baseline_id, j.verdict)
          FROM (SELECT h.baseline_id, jsonb_build_object(
                           'meant', bool_or(h.intended), 'slipped', bool_or(h.slip), 'since', min(h.at) FILTER (WHERE h.intended),
                           'reason', (array_agg(h.reason ORDER BY h.id DESC) FILTER (WHERE h.intended))[1],
                           'id', COALESCE(max(h.id) FILTER (WHERE h.slip), max(h.id))) AS verdict
                  FROM h GROUP BY h.baseline_id) AS j);
END
$$;
COMMENT ON FUNCTION asymm._judge_rights(bigint[], bigint[])
    IS 'Who may have changed the rights of watched objects, among logged commands that name none: baseline → meant, slipped, since, reason, id (of the row to blame).';

CREATE OR REPLACE FUNCTION asymm._rights_tags() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '{GRANT,REVOKE,ALTER DEFAULT PRIVILEGES,ALTER SCHEMA,DROP OWNED,SECURITY LABEL}'::text[] $$;
COMMENT ON FUNCTION asymm._rights_tags() IS 'Commands that may change rights of objects that the DDL log does not name.';
