-- What has to go before an object can, and comes back after it. pg_depend knows; what it says of rewrite rules, defaults,
-- indexes and the like is told here as the object or the part of one that people know.

-- Everything that depends on some catalog addresses, however far. A column that is only given another type (retyped)
-- keeps its own table's parts, which the table's plan sees to, and foreign keys, which the server does. depth is the
-- longest way: what is deepest goes first. gone: it hangs on something that is dropped, not only swapped or retyped.
CREATE OR REPLACE FUNCTION asymm._depending(class_ids oid[], object_ids oid[], sub_ids integer[], dropped boolean[])
RETURNS TABLE (class_id oid, object_id oid, sub_id integer, depth integer, gone boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE seed AS (
        SELECT s.* FROM unnest(class_ids, object_ids, sub_ids, dropped) AS s (class_id, object_id, sub_id, gone)),
    reached AS (
        SELECT s.class_id, s.object_id, s.sub_id, 0 AS depth, s.gone FROM seed AS s
        UNION
        SELECT n.class_id, n.object_id, n.sub_id, r.depth + 1, r.gone
          FROM reached AS r
         -- By the index for each: joined at once, all of pg_depend would be read in every round.
         CROSS JOIN LATERAL (SELECT p.classid, p.objid, p.objsubid, p.deptype FROM pg_depend AS p
                              WHERE p.refclassid = r.class_id AND p.refobjid = r.object_id AND (r.sub_id = 0 OR p.refobjsubid = r.sub_id)
                             OFFSET 0) AS d
         CROSS JOIN LATERAL (
             SELECT d.classid AS class_id, d.objid AS object_id, d.objsubid AS sub_id
              WHERE d.classid <> 'pg_rewrite'::regclass
             UNION ALL
             -- Nothing depends on the rule of a view, but on the view.
             SELECT 'pg_class'::regclass, w.ev_class, 0
               FROM pg_rewrite AS w
              WHERE d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid AND w.rulename = '_RETURN' AND w.ev_class <> r.object_id
             UNION ALL
             SELECT d.classid, d.objid, 0
               FROM pg_rewrite AS w WHERE d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid AND w.rulename <> '_RETURN'
             UNION ALL
             -- Nothing depends on a member of an operator class, but on the class.
             SELECT m.refclassid, m.refobjid, 0
               FROM pg_depend AS m
              WHERE d.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass) AND m.classid = d.classid AND m.objid = d.objid
                AND m.deptype = 'i' AND m.refclassid = 'pg_opclass'::regclass AND m.refobjid <> r.object_id
             UNION ALL
             -- A generated column goes with its expression.
             SELECT 'pg_class'::regclass, f.adrelid, f.adnum::integer
               FROM pg_attrdef AS f JOIN pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
              WHERE d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid AND a.attgenerated <> '') AS n
         WHERE d.deptype IN ('n', 'a', 'i', 'P', 'S') AND r.depth < 40
           -- Children that stay leave their parent first.
           AND NOT (r.class_id = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND d.objid <> ALL (object_ids)
                    AND EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = d.objid AND h.inhparent = r.object_id)
                    AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = d.objid AND c.relkind IN ('r', 'p', 'f')))
           -- Of a column: what belongs to its own table is its table's plan's business.
           AND NOT (r.depth = 0 AND r.class_id = 'pg_class'::regclass AND r.sub_id > 0 AND (
                    d.classid = 'pg_attrdef'::regclass OR d.classid = 'pg_class'::regclass AND d.objid = r.object_id
                    OR d.classid = 'pg_constraint'::regclass AND EXISTS (SELECT FROM pg_constraint AS c
                                                                          WHERE c.oid = d.objid AND (c.conrelid = r.object_id OR c.contype = 'f'))
                    OR d.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class AS i WHERE i.oid = d.objid AND i.relkind IN ('i', 'I'))
                    OR d.classid = 'pg_trigger'::regclass
                    OR d.classid = 'pg_policy'::regclass AND EXISTS (SELECT FROM pg_policy AS p WHERE p.oid = d.objid AND p.polrelid = r.object_id)
                    OR d.classid = 'pg_statistic_ext'::regclass
                    OR d.classid = 'pg_rewrite'::regclass
                       AND EXISTS (SELECT FROM pg_rewrite AS w WHERE w.oid = d.objid AND w.ev_class = r.object_id)))
    )
    SELECT r.class_id, r.object_id, r.sub_id, max(r.depth), bool_or(r.gone)
      FROM reached AS r
     GROUP BY r.class_id, r.object_id, r.sub_id
    HAVING max(r.depth) > 0;
END
$$;
COMMENT ON FUNCTION asymm._depending(oid[], oid[], integer[], boolean[]) IS 'Catalog addresses that depend on the given ones, directly or not, with the longest way to each.';

-- The same as objects (part NULL) and parts of relations and domains. What comes and goes with another (row types, array
-- types, partitions' copies of constraints, indexes of constraints, toast, owned sequences) is not told.
CREATE OR REPLACE FUNCTION asymm._dependents(class_ids oid[], object_ids oid[], sub_ids integer[], gone boolean[])
RETURNS TABLE (kind text, object_id oid, part text, name text, attribute text, depth integer)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH g AS MATERIALIZED (SELECT * FROM asymm._depending(class_ids, object_ids, sub_ids, gone)),
    relation (kind, code) AS (VALUES ('table', 'r'::"char"), ('table', 'p'), ('view', 'v'), ('materialized view', 'm'), ('foreign table', 'f')),
    f AS (
        SELECT k.kind, c.oid, NULL::text AS part, NULL::text AS name, NULL::text AS attribute, g.depth
          FROM g JOIN pg_class AS c ON c.oid = g.object_id JOIN relation AS k ON k.code = c.relkind
         WHERE g.class_id = 'pg_class'::regclass
           -- A table that has to go anyway goes before its parent, which would take it along.
           AND (k.kind IN ('view', 'materialized view')
                OR g.sub_id = 0 AND EXISTS (SELECT FROM unnest(class_ids, object_ids, sub_ids) AS s (class_id, object_id, sub_id)
                                             WHERE s.class_id = g.class_id AND s.object_id = g.object_id AND s.sub_id = 0))
        UNION ALL
        -- A column by way of its generation; one that merely has the type stays.
        SELECT k.kind, c.oid, 'column', a.attname, NULL, g.depth
          FROM g JOIN pg_class AS c ON c.oid = g.object_id JOIN relation AS k ON k.code = c.relkind
          JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = g.sub_id
         WHERE g.class_id = 'pg_class'::regclass AND g.sub_id > 0 AND a.attgenerated <> ''
        UNION ALL
        SELECT k.kind, c.oid, 'column', a.attname, 'default', g.depth
          FROM g JOIN pg_attrdef AS d ON d.oid = g.object_id
          JOIN pg_class AS c ON c.oid = d.adrelid JOIN relation AS k ON k.code = c.relkind
          JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.adnum
         WHERE g.class_id = 'pg_attrdef'::regclass AND a.attgenerated = ''
        UNION ALL
        SELECT k.kind, c.oid, 'constraint', n.conname, NULL, g.depth
          FROM g JOIN pg_constraint AS n ON n.oid = g.object_id
          JOIN pg_class AS c ON c.oid = n.conrelid JOIN relation AS k ON k.code = c.relkind
         WHERE g.class_id = 'pg_constraint'::regclass AND n.contype IN ('p', 'u', 'f', 'c', 'x') AND n.conparentid = 0 AND n.coninhcount = 0
        UNION ALL
        SELECT 'domain', n.contypid, 'constraint', n.conname, NULL, g.depth
          FROM g JOIN pg_constraint AS n ON n.oid = g.object_id
         WHERE g.class_id = 'pg_constraint'::regclass AND n.contypid <> 0 AND n.contype = 'c'
           -- A domain that is made anew brings its checks.
           AND n.contypid <> ALL (object_ids) AND NOT EXISTS (SELECT FROM g AS d WHERE d.class_id = 'pg_type'::regclass AND d.object_id = n.contypid)
        UNION ALL
        SELECT k.kind, c.oid, CASE WHEN n.oid IS NULL THEN 'index' ELSE 'constraint' END, COALESCE(n.conname, i.relname), NULL, g.depth
          FROM g JOIN pg_class AS i ON i.oid = g.object_id AND i.relkind IN ('i', 'I') AND NOT i.relispartition
          JOIN pg_index AS x ON x.indexrelid = i.oid
          JOIN pg_class AS c ON c.oid = x.indrelid JOIN relation AS k ON k.code = c.relkind
          LEFT JOIN pg_constraint AS n ON n.conindid = i.oid AND n.conrelid = c.oid AND n.contype IN ('p', 'u', 'x')
         WHERE g.class_id = 'pg_class'::regclass
        UNION ALL
        SELECT k.kind, c.oid, 'trigger', t.tgname, NULL, g.depth
          FROM g JOIN pg_trigger AS t ON t.oid = g.object_id AND NOT t.tgisinternal AND t.tgparentid = 0
          JOIN pg_class AS c ON c.oid = t.tgrelid JOIN relation AS k ON k.code = c.relkind
         WHERE g.class_id = 'pg_trigger'::regclass
        UNION ALL
        SELECT k.kind, c.oid, 'policy', p.polname, NULL, g.depth
          FROM g JOIN pg_policy AS p ON p.oid = g.object_id
          JOIN pg_class AS c ON c.oid = p.polrelid JOIN relation AS k ON k.code = c.relkind
         WHERE g.class_id = 'pg_policy'::regclass
        UNION ALL
        SELECT k.kind, c.oid, 'rule', w.rulename, NULL, g.depth
          FROM g JOIN pg_rewrite AS w ON w.oid = g.object_id AND w.rulename <> '_RETURN'
          JOIN pg_class AS c ON c.oid = w.ev_class JOIN relation AS k ON k.code = c.relkind
         WHERE g.class_id = 'pg_rewrite'::regclass
        UNION ALL
        SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, p.oid, NULL, NULL, NULL, g.depth
          FROM g JOIN pg_proc AS p ON p.oid = g.object_id
         WHERE g.class_id = 'pg_proc'::regclass
           AND NOT EXISTS (SELECT FROM pg_depend AS i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')
        UNION ALL
        SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, t.oid, NULL, NULL, NULL, g.depth
          FROM g JOIN pg_type AS t ON t.oid = g.object_id
          LEFT JOIN pg_class AS c ON c.oid = t.typrelid
         WHERE g.class_id = 'pg_type'::regclass AND g.gone AND (t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c')
        UNION ALL
        SELECT 'publication', r.prpubid, 'publication relation', format('%I.%I', n.nspname, c.relname), NULL, g.depth
          FROM g JOIN pg_publication_rel AS r ON r.oid = g.object_id
          JOIN pg_class AS c ON c.oid = r.prrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE g.class_id = 'pg_publication_rel'::regclass
        UNION ALL
        -- Members of a family that are of no class go unasked with their operator or function.
        SELECT 'operator family', a.amopfamily, 'operator',
               format('%s (%s, %s)', a.amopstrategy, format_type(a.amoplefttype, NULL), format_type(a.amoprighttype, NULL)), NULL, g.depth
          FROM g JOIN pg_amop AS a ON a.oid = g.object_id
         WHERE g.class_id = 'pg_amop'::regclass
           AND NOT EXISTS (SELECT FROM pg_depend AS c WHERE c.classid = 'pg_amop'::regclass AND c.objid = a.oid
                              AND c.refclassid = 'pg_opclass'::regclass)
        UNION ALL
        SELECT 'operator family', a.amprocfamily, 'function',
               format('%s (%s, %s)', a.amprocnum, format_type(a.amproclefttype, NULL), format_type(a.amprocrighttype, NULL)), NULL, g.depth
          FROM g JOIN pg_amproc AS a ON a.oid = g.object_id
         WHERE g.class_id = 'pg_amproc'::regclass
           AND NOT EXISTS (SELECT FROM pg_depend AS c WHERE c.classid = 'pg_amproc'::regclass AND c.objid = a.oid
                              AND c.refclassid = 'pg_opclass'::regclass)
        UNION ALL
        SELECT k.kind, g.object_id, NULL, NULL, NULL, g.depth
          FROM g
          JOIN (VALUES ('operator'), ('operator class'), ('operator family'), ('cast'), ('transform'), ('collation'), ('conversion'),
                       ('statistics object'), ('text search configuration'), ('text search dictionary'), ('text search parser'),
                       ('text search template'), ('language'), ('access method'), ('server'), ('user mapping'), ('event trigger'),
                       ('foreign-data wrapper')) AS k (kind) ON asymm._kind_class(k.kind) = g.class_id
         WHERE (k.kind <> 'operator family' OR NOT EXISTS (SELECT FROM pg_depend AS i WHERE i.classid = 'pg_opfamily'::regclass
                                                             AND i.objid = g.object_id AND i.deptype = 'a'))
           -- The cast from a range to its multirange comes with them.
           AND (k.kind <> 'cast' OR NOT EXISTS (
                    SELECT FROM pg_cast AS c JOIN pg_range AS r ON r.rngtypid = c.castsource AND r.rngmultitypid = c.casttarget
                     WHERE c.oid = g.object_id)))
    SELECT f.kind, f.oid, f.part, f.name::text, f.attribute, max(f.depth)
      FROM f
     WHERE NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = asymm._kind_class(f.kind) AND e.objid = f.oid AND e.deptype = 'e')
     GROUP BY f.kind, f.oid, f.part, f.name, f.attribute;
END
$$;
COMMENT ON FUNCTION asymm._dependents(oid[], oid[], integer[], boolean[])
    IS 'Objects (part NULL) and parts of objects that have to go before something can be dropped or given another type, with their distance.';
