-- What the graph is derived from: catalogs, plans of the workload, copies. Each source says which flows there should be.

-- Tables and what is read like one, of people's own schemas. A partition is its root; what an extension made is the extension's.
CREATE OR REPLACE FUNCTION asymm._graph_entities() RETURNS TABLE (relid oid, name text, what text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN QUERY
    WITH own AS MATERIALIZED (
        SELECT n.oid, n.nspname FROM pg_namespace AS n
         WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'asymm')
           AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')),
    made AS MATERIALIZED (
        SELECT d.objid FROM pg_depend AS d WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')
    SELECT c.oid, format('%I.%I', o.nspname, c.relname),
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
                          WHEN 'p' THEN 'partitioned table' ELSE 'table' END
      FROM pg_class AS c JOIN own AS o ON o.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND c.relpersistence <> 't'
       AND NOT EXISTS (SELECT FROM made AS m WHERE m.objid = c.oid);
END
$$;
COMMENT ON FUNCTION asymm._graph_entities() IS 'Relations that are nodes: tables, partitioned as a whole, views, materialized views and foreign tables.';

-- Where the rows of a relation are known: of a partition the root, of a chunk of a hypertable that.
CREATE OR REPLACE FUNCTION asymm._graph_roots(relids oid[]) RETURNS TABLE (relid oid, node integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE up AS (
        SELECT u.relid, u.relid AS at, n.id FROM unnest(relids) AS u (relid)
          LEFT JOIN asymm.node AS n ON n.relid = u.relid AND n.gone_at IS NULL
        UNION ALL
        SELECT u.relid, i.inhparent, n.id
          FROM up AS u JOIN pg_inherits AS i ON i.inhrelid = u.at
          LEFT JOIN asymm.node AS n ON n.relid = i.inhparent AND n.gone_at IS NULL
         WHERE u.id IS NULL)
    SELECT DISTINCT ON (u.relid) u.relid, u.id FROM up AS u WHERE u.id IS NOT NULL ORDER BY u.relid, u.id;
END
$$;
COMMENT ON FUNCTION asymm._graph_roots(oid[]) IS 'Relations with the number of the node that stands for each; those that no node stands for are left out.';

-- The direction is that in which a change travels: from what is referenced to what refers, from a table to the views over it.
CREATE OR REPLACE FUNCTION asymm._graph_structure() RETURNS TABLE (source oid, target oid, kind text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off
AS $$
BEGIN
    RETURN QUERY
    SELECT k.confrelid, k.conrelid, 'references' FROM pg_constraint AS k WHERE k.contype = 'f' AND k.conparentid = 0
    UNION
    SELECT i.inhrelid, i.inhparent, 'inherits'
      FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid AND NOT c.relispartition AND c.relkind IN ('r', 'f')
    UNION
    -- A view reads what its rule names; another rule of a table writes to, or reads, something besides.
    SELECT CASE WHEN w.ev_type = '1' THEN d.refobjid ELSE w.ev_class END, CASE WHEN w.ev_type = '1' THEN w.ev_class ELSE d.refobjid END,
           CASE WHEN w.ev_type = '1' THEN 'view' ELSE 'rule' END
      FROM pg_depend AS d JOIN pg_rewrite AS w ON w.oid = d.objid
     WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> w.ev_class
    UNION
    SELECT t.source, t.target, 'function' FROM asymm._graph_functions() AS t;
END
$$;
COMMENT ON FUNCTION asymm._graph_structure() IS 'Flows that the catalogs tell of: foreign keys, inheritance, views, rules, and functions whose bodies are parsed.';

-- What functions read is known of those with a parsed body (BEGIN ATOMIC); a text is not looked into.
CREATE OR REPLACE FUNCTION asymm._graph_functions() RETURNS TABLE (source oid, target oid)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_proc AS p WHERE p.prosqlbody IS NOT NULL AND p.oid >= 16384) THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH RECURSIVE made AS MATERIALIZED (
        SELECT d.objid, d.refclassid, d.refobjid FROM pg_depend AS d
         WHERE d.classid = 'pg_proc'::regclass AND d.refclassid IN ('pg_proc'::regclass, 'pg_class'::regclass)
           AND d.objid IN (SELECT p.oid FROM pg_proc AS p WHERE p.prosqlbody IS NOT NULL AND p.oid >= 16384)),
    used AS (
        SELECT w.ev_class AS user_id, d.refobjid AS function
          FROM pg_depend AS d JOIN pg_rewrite AS w ON w.oid = d.objid
         WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_proc'::regclass
        UNION
        SELECT o.refobjid, d.refobjid
          FROM pg_depend AS d
          JOIN pg_depend AS o ON o.classid = d.classid AND o.objid = d.objid AND o.refclassid = 'pg_class'::regclass AND o.deptype = 'a'
         WHERE d.refclassid = 'pg_proc'::regclass
           AND d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass)),
    reached AS (
        SELECT u.user_id, u.function FROM used AS u WHERE u.function >= 16384
        UNION
        SELECT r.user_id, m.refobjid FROM reached AS r JOIN made AS m ON m.objid = r.function AND m.refclassid = 'pg_proc'::regclass)
    SELECT DISTINCT m.refobjid, r.user_id
      FROM reached AS r JOIN made AS m ON m.objid = r.function AND m.refclassid = 'pg_class'::regclass
     WHERE m.refobjid <> r.user_id;
END
$$;
COMMENT ON FUNCTION asymm._graph_functions() IS 'Relations that functions read, and the relations that use those functions: views, defaults, checks, triggers, policies.';

-- From all plans that are kept of a statement, and the relations it names: a view stands there only. Without a plan, what a statement
-- that changes something names is told apart by its command as far as that goes.
CREATE OR REPLACE FUNCTION asymm._graph_queries(queries bigint[]) RETURNS TABLE (query bigint, relid oid, kind text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off
AS $$
BEGIN
    RETURN QUERY
    WITH planned AS MATERIALIZED (
        SELECT DISTINCT p.query_id, n.node ->> 'Schema' AS schema_name, n.node ->> 'Relation Name' AS name,
               n.node ->> 'Node Type' = 'ModifyTable' AS written
          FROM asymm.query_plan AS p
         CROSS JOIN LATERAL jsonb_path_query(p.plan, 'strict $.** ? (exists (@."Relation Name"))') AS n (node)
         WHERE queries IS NULL OR p.query_id = ANY (queries)),
    named AS MATERIALIZED (
        SELECT k.query_id, q.command, r.relid, k.written ? r.relid::text AS updated, cardinality(k.relations) = 1 AS only_one,
               EXISTS (SELECT FROM planned AS p WHERE p.query_id = k.query_id) AS has_plan
          FROM asymm.query_look AS k JOIN asymm.query AS q ON q.id = k.query_id
         CROSS JOIN LATERAL unnest(k.relations) AS r (relid)
         WHERE queries IS NULL OR k.query_id = ANY (queries))
    SELECT p.query_id, c.oid, CASE WHEN p.written THEN 'writes' ELSE 'reads' END
      FROM planned AS p JOIN pg_namespace AS s ON s.nspname = p.schema_name JOIN pg_class AS c ON c.relnamespace = s.oid AND c.relname = p.name
    UNION
    SELECT n.query_id, n.relid, 'reads' FROM named AS n JOIN pg_class AS c ON c.oid = n.relid
     WHERE c.relkind = 'v' AND (n.command = 'select' OR NOT n.only_one)
        OR NOT n.has_plan AND NOT (n.command = 'insert' AND n.only_one)
    UNION
    SELECT n.query_id, n.relid, 'writes' FROM named AS n
     WHERE n.updated OR NOT n.has_plan AND n.only_one AND n.command <> 'select';
END
$$;
COMMENT ON FUNCTION asymm._graph_queries(bigint[]) IS 'Relations that statements read and write, by their plans; of some statements, or of all (NULL).';

-- Drivers name tables by schema and name with a dot in between, unquoted.
CREATE OR REPLACE FUNCTION asymm._graph_copies() RETURNS TABLE (schema_name name, table_name name, copy text, what text, kind text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT m.schema_name, m.table_name, format('%I.%I', m.schema_name, m.table_name), 'mirrored table', 'mirror' FROM asymm.mirror_table AS m
    UNION ALL
    SELECT m.schema_name, m.table_name, q.fingerprint, 'cached query', 'cached'
      FROM asymm.read_query AS q
     CROSS JOIN LATERAL unnest(q.tables) AS t (name)
      JOIN asymm.mirror_table AS m ON format('%s.%s', m.schema_name, m.table_name) = t.name;
END
$$;
COMMENT ON FUNCTION asymm._graph_copies() IS 'Mirrored tables, and the queries whose results are kept with the tables they depend on.';
