-- Facts of tables, read from the catalogs as one canonical document each: part → name → attribute → value. What has
-- its default is left out. Deparsed text names everything in full, because the search path is pinned.

CREATE OR REPLACE FUNCTION asymm._acl_facts(acl aclitem[], kind "char", owner oid) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- grantee → sorted privileges, * with grant option, '' for PUBLIC; the owner only when he lacks a privilege.
    WITH granted AS (
        SELECT g.grantee, array_agg(g.privilege_type || CASE WHEN g.is_grantable THEN '*' ELSE '' END
                                    ORDER BY g.privilege_type COLLATE "C") AS privileges
          FROM aclexplode(acl) AS g
         WHERE g.grantee <> owner
         GROUP BY g.grantee
        UNION ALL
        SELECT owner, ARRAY(SELECT e.privilege_type FROM aclexplode(acl) AS e WHERE e.grantee = owner
                             ORDER BY e.privilege_type COLLATE "C")
         WHERE kind <> 'c'
           AND EXISTS (SELECT d.privilege_type FROM aclexplode(acldefault(kind, owner)) AS d WHERE d.grantee = owner
                       EXCEPT SELECT e.privilege_type FROM aclexplode(acl) AS e WHERE e.grantee = owner)
        UNION ALL
        SELECT owner, array_agg(e.privilege_type ORDER BY e.privilege_type COLLATE "C")
          FROM aclexplode(acl) AS e WHERE kind = 'c' AND e.grantee = owner
        HAVING count(*) > 0
    )
    SELECT jsonb_object_agg(CASE WHEN g.grantee = 0 THEN '' ELSE pg_get_userbyid(g.grantee) END, to_jsonb(g.privileges))
      FROM granted AS g
$$;
COMMENT ON FUNCTION asymm._acl_facts(aclitem[], "char", oid) IS 'Privileges as facts: grantee → privileges; NULL when only the owner has any.';

CREATE OR REPLACE FUNCTION asymm._option_facts(options text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- pg_attver is the server's own counter in attoptions, not an option.
    SELECT jsonb_object_agg(split_part(o, '=', 1), substr(o, strpos(o, '=') + 1))
      FROM unnest(options) AS o WHERE split_part(o, '=', 1) <> 'pg_attver'
$$;
COMMENT ON FUNCTION asymm._option_facts(text[]) IS 'Storage or column options (name=value) as facts.';

CREATE OR REPLACE FUNCTION asymm._column_facts(relids oid[]) RETURNS TABLE (relid oid, facts jsonb, layout jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.attrelid,
           jsonb_object_agg(a.attname, jsonb_strip_nulls(jsonb_build_object(
               'type', format_type(a.atttypid, a.atttypmod),
               'not_null', CASE WHEN a.attnotnull THEN true END,
               'default', CASE WHEN a.attgenerated = '' THEN asymm._settled_text(pg_get_expr(d.adbin, d.adrelid)) END,
               'generated', CASE WHEN a.attgenerated <> '' THEN asymm._settled_text(pg_get_expr(d.adbin, d.adrelid)) END,
               'virtual', CASE WHEN a.attgenerated = 'v' THEN true END,
               'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
               'sequence', s.facts,
               'collation', CASE WHEN a.attcollation <> t.typcollation
                            THEN (SELECT format('%I.%I', n.nspname, c.collname)
                                    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
                                   WHERE c.oid = a.attcollation) END,
               'storage', CASE WHEN a.attstorage <> t.typstorage
                          THEN CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external'
                                                 WHEN 'm' THEN 'main' ELSE 'extended' END END,
               'compression', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
               'statistics', NULLIF(a.attstattarget, -1),
               'options', CASE WHEN a.attoptions IS NOT NULL THEN asymm._option_facts(a.attoptions) END,
               'comment', m.description,
               'acl', CASE WHEN a.attacl IS NOT NULL THEN asymm._acl_facts(a.attacl, 'c', r.relowner) END,
               'inherited', CASE WHEN NOT a.attislocal THEN true END))),
           jsonb_agg(a.attname ORDER BY a.attnum)
      FROM pg_attribute AS a
      JOIN pg_class AS r ON r.oid = a.attrelid
      JOIN pg_type AS t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef
      LEFT JOIN pg_description AS m
             ON m.classoid = 'pg_class'::regclass AND m.objoid = a.attrelid AND m.objsubid = a.attnum
      LEFT JOIN LATERAL (
          SELECT jsonb_strip_nulls(jsonb_build_object(
                     'name', format('%I.%I', n.nspname, c.relname), 'type', format_type(q.seqtypid, NULL),
                     'start', q.seqstart::text, 'increment', q.seqincrement::text, 'min', q.seqmin::text,
                     'max', q.seqmax::text, 'cache', q.seqcache::text, 'cycle', CASE WHEN q.seqcycle THEN true END,
                     'owned', CASE WHEN p.deptype = 'a' THEN true END,
                     'acl', CASE WHEN c.relacl IS NOT NULL THEN asymm._acl_facts(c.relacl, 's', c.relowner) END,
                     'comment', obj_description(c.oid, 'pg_class'))) AS facts
            FROM pg_depend AS p
            JOIN pg_class AS c ON c.oid = p.objid AND c.relkind = 'S'
            JOIN pg_sequence AS q ON q.seqrelid = c.oid
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
           WHERE p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum
             AND p.classid = 'pg_class'::regclass AND p.deptype IN ('a', 'i')
             AND (a.atthasdef OR a.attidentity <> '')
           ORDER BY c.oid LIMIT 1) AS s ON a.atthasdef OR a.attidentity <> ''
     WHERE a.attrelid = ANY (relids) AND a.attnum > 0 AND NOT a.attisdropped
     GROUP BY a.attrelid
$$;
COMMENT ON FUNCTION asymm._column_facts(oid[]) IS 'Facts of the columns of each table, and their order.';

CREATE OR REPLACE FUNCTION asymm._constraint_facts(relids oid[]) RETURNS TABLE (relid oid, facts jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Clones that follow a parent's constraint are the parent's business; NOT NULL is a fact of the column.
    SELECT c.conrelid,
           jsonb_object_agg(c.conname, jsonb_strip_nulls(jsonb_build_object(
               'type', CASE c.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key'
                                      WHEN 'c' THEN 'check' WHEN 'x' THEN 'exclude' END,
               'def', CASE WHEN c.contype IN ('c', 'x') THEN asymm._settled_text(pg_get_constraintdef(c.oid))
                      ELSE pg_get_constraintdef(c.oid) END,
               'options', CASE WHEN i.reloptions IS NOT NULL THEN asymm._option_facts(i.reloptions) END,
               'tablespace', (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = NULLIF(i.reltablespace, 0)),
               'comment', m.description)))
      FROM pg_constraint AS c
      LEFT JOIN pg_class AS i ON i.oid = c.conindid AND c.contype IN ('p', 'u', 'x')
      LEFT JOIN pg_description AS m ON m.classoid = 'pg_constraint'::regclass AND m.objoid = c.oid AND m.objsubid = 0
     WHERE c.conrelid = ANY (relids) AND c.contype IN ('p', 'u', 'f', 'c', 'x') AND c.conparentid = 0 AND c.conislocal
     GROUP BY c.conrelid
$$;
COMMENT ON FUNCTION asymm._constraint_facts(oid[]) IS 'Facts of the constraints of each table that are its own.';

CREATE OR REPLACE FUNCTION asymm._index_facts(relids oid[]) RETURNS TABLE (relid oid, facts jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT x.indrelid,
           jsonb_object_agg(i.relname, jsonb_strip_nulls(jsonb_build_object(
               'def', CASE WHEN x.indpred IS NOT NULL OR x.indexprs IS NOT NULL THEN asymm._settled_text(pg_get_indexdef(i.oid))
                      ELSE pg_get_indexdef(i.oid) END,
               'invalid', CASE WHEN NOT x.indisvalid THEN true END,
               'tablespace', (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = NULLIF(i.reltablespace, 0)),
               'statistics', (SELECT jsonb_object_agg(a.attnum::text, a.attstattarget) FROM pg_attribute a
                               WHERE a.attrelid = i.oid AND a.attstattarget >= 0),
               'comment', obj_description(i.oid, 'pg_class'))))
      FROM pg_index AS x
      JOIN pg_class AS i ON i.oid = x.indexrelid
     WHERE x.indrelid = ANY (relids) AND NOT i.relispartition
       -- What a session is building concurrently is neither there yet nor a leftover.
       AND (x.indisvalid OR NOT EXISTS (SELECT FROM pg_stat_progress_create_index g WHERE g.relid = x.indrelid))
       AND NOT EXISTS (SELECT FROM pg_constraint c
                       WHERE c.conindid = x.indexrelid AND c.conrelid = x.indrelid AND c.contype IN ('p', 'u', 'x'))
     GROUP BY x.indrelid
$$;
COMMENT ON FUNCTION asymm._index_facts(oid[]) IS 'Facts of the indexes of each table that belong to no constraint and follow no parent.';

CREATE OR REPLACE FUNCTION asymm._rule_facts(relids oid[]) RETURNS TABLE (relid oid, part text, facts jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.tgrelid, 'trigger',
           jsonb_object_agg(t.tgname, jsonb_strip_nulls(jsonb_build_object(
               'def', asymm._settled_text(pg_get_triggerdef(t.oid)),
               'enabled', CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
               'comment', obj_description(t.oid, 'pg_trigger'))))
      FROM pg_trigger AS t
     WHERE t.tgrelid = ANY (relids) AND NOT t.tgisinternal AND t.tgparentid = 0
     GROUP BY t.tgrelid
    UNION ALL
    SELECT p.polrelid, 'policy',
           jsonb_object_agg(p.polname, jsonb_strip_nulls(jsonb_build_object(
               'command', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                        WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
               'permissive', CASE WHEN NOT p.polpermissive THEN false END,
               'roles', (SELECT jsonb_agg(CASE WHEN g = 0 THEN '' ELSE pg_get_userbyid(g) END
                                          ORDER BY CASE WHEN g = 0 THEN '' ELSE pg_get_userbyid(g) END COLLATE "C")
                           FROM unnest(p.polroles) AS g),
               'using', asymm._settled_text(pg_get_expr(p.polqual, p.polrelid)),
               'check', asymm._settled_text(pg_get_expr(p.polwithcheck, p.polrelid)),
               'comment', obj_description(p.oid, 'pg_policy'))))
      FROM pg_policy AS p
     WHERE p.polrelid = ANY (relids)
     GROUP BY p.polrelid
    UNION ALL
    SELECT w.ev_class, 'rule',
           jsonb_object_agg(w.rulename, jsonb_strip_nulls(jsonb_build_object(
               'def', asymm._settled_text(pg_get_ruledef(w.oid)),
               'enabled', CASE w.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
               'comment', obj_description(w.oid, 'pg_rewrite'))))
      FROM pg_rewrite AS w
     WHERE w.ev_class = ANY (relids) AND w.rulename <> '_RETURN'
     GROUP BY w.ev_class
$$;
COMMENT ON FUNCTION asymm._rule_facts(oid[]) IS 'Facts of the triggers, row policies and rules of each table.';
