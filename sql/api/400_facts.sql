-- Facts of tables, read from the catalogs as one canonical document each: part → name → attribute → value. What has
-- its default is left out. Deparsed text names everything in full, because the search path is pinned.

CREATE OR REPLACE FUNCTION asymm._acl_facts(acl aclitem[], kind "char", owner oid) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- grantee → sorted privileges, * with grant option, '' for PUBLIC; the owner only when he lacks a privilege.
    RETURN (
        WITH granted AS MATERIALIZED (
            SELECT e.grantee, array_agg(DISTINCT e.privilege_type || CASE WHEN e.is_grantable AND e.grantee <> owner THEN '*' ELSE '' END
                                        COLLATE "C") AS privileges
              FROM aclexplode(acl) AS e
             GROUP BY e.grantee
            UNION ALL
            SELECT owner, '{}' WHERE kind <> 'c' AND NOT EXISTS (SELECT FROM aclexplode(acl) AS e WHERE e.grantee = owner))
        SELECT jsonb_object_agg(CASE WHEN g.grantee = 0 THEN '' ELSE pg_get_userbyid(g.grantee) END, to_jsonb(g.privileges))
          FROM granted AS g
         WHERE g.grantee <> owner OR kind = 'c'
            OR NOT g.privileges @> ARRAY(SELECT d.privilege_type FROM aclexplode(acldefault(kind, owner)) AS d WHERE d.grantee = owner));
END
$$;
COMMENT ON FUNCTION asymm._acl_facts(aclitem[], "char", oid) IS 'Privileges as facts: grantee → privileges; NULL when only the owner has any.';

-- The server's obj_description() is a SQL function, planned anew in each query.
CREATE OR REPLACE FUNCTION asymm._comment_on(id oid, catalog regclass) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT m.description FROM pg_description AS m WHERE m.objoid = id AND m.classoid = catalog AND m.objsubid = 0);
END
$$;
COMMENT ON FUNCTION asymm._comment_on(oid, regclass) IS 'The comment on an object, NULL if it has none.';

CREATE OR REPLACE FUNCTION asymm._option_facts(options text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- pg_attver is the server's own counter in attoptions, not an option.
    RETURN (SELECT jsonb_object_agg(split_part(o, '=', 1), substr(o, strpos(o, '=') + 1))
              FROM unnest(options) AS o WHERE split_part(o, '=', 1) <> 'pg_attver');
END
$$;
COMMENT ON FUNCTION asymm._option_facts(text[]) IS 'Storage or column options (name=value) as facts.';

CREATE OR REPLACE FUNCTION asymm._option_order(options text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_agg(split_part(o.text, '=', 1) ORDER BY o.n)
      FROM unnest(options) WITH ORDINALITY AS o (text, n)
    HAVING array_agg(split_part(o.text, '=', 1) ORDER BY o.n) <> array_agg(split_part(o.text, '=', 1) ORDER BY split_part(o.text, '=', 1) COLLATE "C")
$$;
COMMENT ON FUNCTION asymm._option_order(text[]) IS 'The names of storage options in their order; NULL when that is the alphabet''s.';

-- These return JSON text: one cast to jsonb per table is several times cheaper than building a jsonb per column. An
-- attribute that is NULL makes its || NULL, and concat() leaves it out. Catalogs are looked up by key, so that one plan fits one table and all.
CREATE OR REPLACE FUNCTION asymm._column_facts(relids oid[]) RETURNS TABLE (relid oid, facts text, layout text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_named constant boolean := current_setting('server_version_num')::integer >= 180000;
BEGIN
    RETURN QUERY
    SELECT a.attrelid,
           '{' || string_agg(concat(
               to_json(a.attname), ':{"type":', to_json(format_type(a.atttypid, a.atttypmod)),
               CASE WHEN a.attnotnull THEN ',"not_null":true' END,
               CASE WHEN v_named AND a.attnotnull THEN ',"not_null_as":' || asymm._not_null_facts(a.attrelid, a.attnum)::text END,
               CASE WHEN a.atthasdef
                    THEN CASE WHEN a.attgenerated = '' THEN ',"default":' ELSE ',"generated":' END
                         || (SELECT to_json(asymm._settled_text(pg_get_expr(d.adbin, d.adrelid)))::text FROM pg_attrdef d
                              WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END,
               CASE WHEN a.attgenerated = 'v' THEN ',"virtual":true' END,
               CASE a.attidentity WHEN 'a' THEN ',"identity":"always"' WHEN 'd' THEN ',"identity":"by default"' END,
               CASE WHEN a.atthasdef OR a.attidentity <> '' THEN ',"sequence":' || (
                   SELECT concat('{"name":', to_json(format('%I.%I', n.nspname, c.relname)), ',"type":"', format_type(q.seqtypid, NULL),
                              '","start":"', q.seqstart, '","increment":"', q.seqincrement,
                              '","min":"', q.seqmin, '","max":"', q.seqmax, '","cache":"', q.seqcache, '"',
                              CASE WHEN q.seqcycle THEN ',"cycle":true' END,
                              CASE WHEN p.deptype = 'a' THEN ',"owned":true' END,
                              CASE WHEN c.relpersistence = 'u' THEN ',"persistence":"u"' END,
                              CASE WHEN c.relacl IS NOT NULL THEN ',"acl":' || asymm._acl_facts(c.relacl, 's', c.relowner)::text END,
                              ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m WHERE m.objoid = c.oid
                                                   AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0), '}')
                     FROM pg_depend AS p
                     JOIN pg_class AS c ON c.oid = p.objid AND c.relkind = 'S'
                     JOIN pg_sequence AS q ON q.seqrelid = c.oid
                     JOIN pg_namespace AS n ON n.oid = c.relnamespace
                    WHERE p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum
                      AND p.classid = 'pg_class'::regclass AND (p.deptype = 'i' OR p.deptype = 'a' AND a.atthasdef)
                    -- As _column_sequence() says.
                    ORDER BY EXISTS (SELECT FROM pg_attrdef AS f
                                       JOIN pg_depend AS u ON u.classid = 'pg_attrdef'::regclass AND u.objid = f.oid
                                      WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum
                                        AND u.refclassid = 'pg_class'::regclass AND u.refobjid = c.oid) DESC, c.oid LIMIT 1) END,
               CASE WHEN a.attcollation <> t.typcollation
                    THEN ',"collation":' || (SELECT to_json(format('%I.%I', n.nspname, c.collname))::text
                                               FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
                                              WHERE c.oid = a.attcollation) END,
               CASE WHEN a.attstorage <> t.typstorage
                    THEN CASE a.attstorage WHEN 'p' THEN ',"storage":"plain"' WHEN 'e' THEN ',"storage":"external"'
                                           WHEN 'm' THEN ',"storage":"main"' ELSE ',"storage":"extended"' END END,
               CASE a.attcompression WHEN 'p' THEN ',"compression":"pglz"' WHEN 'l' THEN ',"compression":"lz4"' END,
               ',"statistics":' || NULLIF(a.attstattarget, -1)::text,
               CASE WHEN cardinality(a.attoptions) > 1 OR a.attoptions[1] NOT LIKE 'pg\_attver=%'
                    THEN ',"options":' || asymm._option_facts(a.attoptions)::text END,
               ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m
                                  WHERE m.objoid = a.attrelid AND m.classoid = 'pg_class'::regclass AND m.objsubid = a.attnum),
               CASE WHEN a.attacl IS NOT NULL
                    THEN ',"acl":' || asymm._acl_facts(a.attacl, 'c', (SELECT r.relowner FROM pg_class r WHERE r.oid = a.attrelid))::text END,
               CASE WHEN a.attinhcount > 0 THEN ',"inherited":true' END, '}'), ',') || '}',
           '[' || string_agg(to_json(a.attname)::text, ',' ORDER BY a.attnum) || ']'
      FROM pg_attribute AS a
      JOIN pg_type AS t ON t.oid = a.atttypid
     WHERE a.attrelid = ANY (relids) AND a.attnum > 0 AND NOT a.attisdropped
     GROUP BY a.attrelid;
END
$$;
COMMENT ON FUNCTION asymm._column_facts(oid[]) IS 'Facts of the columns of each table as JSON text, and their order.';

CREATE OR REPLACE FUNCTION asymm._constraint_facts(relids oid[]) RETURNS TABLE (relid oid, facts text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Clones that follow a parent's constraint are the parent's business; NOT NULL is a fact of the column.
    RETURN QUERY
    SELECT c.conrelid,
           '{' || string_agg(concat(
               to_json(c.conname), ':{"type":"',
               CASE c.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key'
                              WHEN 'c' THEN 'check' WHEN 'x' THEN 'exclude' END,
               '","def":', to_json(CASE WHEN c.contype IN ('c', 'x') THEN asymm._settled_text(pg_get_constraintdef(c.oid))
                                        ELSE pg_get_constraintdef(c.oid) END),
               CASE WHEN c.contype IN ('p', 'u', 'x') THEN (
                   SELECT concat(CASE WHEN i.reloptions IS NOT NULL THEN ',"options":' || asymm._option_facts(i.reloptions)::text END,
                                 CASE WHEN i.reltablespace <> 0 THEN ',"tablespace":'
                                      || (SELECT to_json(s.spcname)::text FROM pg_tablespace s WHERE s.oid = i.reltablespace) END,
                                 ',"index_comment":' || (SELECT to_json(m.description)::text FROM pg_description m
                                                          WHERE m.objoid = i.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0))
                     FROM pg_class i WHERE i.oid = c.conindid) END,
               ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m
                                  WHERE m.objoid = c.oid AND m.classoid = 'pg_constraint'::regclass AND m.objsubid = 0), '}'), ',') || '}'
      FROM pg_constraint AS c
     WHERE c.conrelid = ANY (relids) AND c.contype IN ('p', 'u', 'f', 'c', 'x') AND c.conparentid = 0 AND c.coninhcount = 0
     GROUP BY c.conrelid;
END
$$;
COMMENT ON FUNCTION asymm._constraint_facts(oid[]) IS 'Facts of the constraints of each table that are its own, as JSON text.';

CREATE OR REPLACE FUNCTION asymm._index_facts(relids oid[]) RETURNS TABLE (relid oid, facts text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT x.indrelid,
           '{' || string_agg(concat(
               to_json(i.relname), ':{"def":',
               to_json(CASE WHEN x.indpred IS NOT NULL OR x.indexprs IS NOT NULL THEN asymm._settled_text(pg_get_indexdef(i.oid))
                            ELSE pg_get_indexdef(i.oid) END),
               CASE WHEN NOT x.indisvalid THEN ',"invalid":true' END,
               CASE WHEN i.reltablespace <> 0 THEN ',"tablespace":'
                    || (SELECT to_json(s.spcname)::text FROM pg_tablespace s WHERE s.oid = i.reltablespace) END,
               -- Only columns that are expressions have a statistics target.
               CASE WHEN x.indexprs IS NOT NULL
                    THEN ',"statistics":' || (SELECT jsonb_object_agg(a.attnum::text, a.attstattarget)::text FROM pg_attribute a
                                               WHERE a.attrelid = i.oid AND a.attstattarget >= 0) END,
               ',"comment":' || (SELECT to_json(m.description)::text FROM pg_description m
                                  WHERE m.objoid = i.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0), '}'), ',') || '}'
      FROM pg_index AS x
      JOIN pg_class AS i ON i.oid = x.indexrelid
     WHERE x.indrelid = ANY (relids) AND NOT i.relispartition
       -- What a session is building concurrently is neither there yet nor a leftover; REINDEX TABLE reports the TOAST
       -- table while it works on both.
       AND (x.indisvalid OR NOT EXISTS (
               SELECT FROM pg_stat_progress_create_index g JOIN pg_class r ON g.relid IN (r.oid, r.reltoastrelid)
                WHERE r.oid = x.indrelid))
       AND NOT EXISTS (SELECT FROM pg_constraint c
                       WHERE c.conindid = x.indexrelid AND c.conrelid = x.indrelid AND c.contype IN ('p', 'u', 'x'))
     GROUP BY x.indrelid;
END
$$;
COMMENT ON FUNCTION asymm._index_facts(oid[]) IS 'Facts of the indexes of each table that belong to no constraint and follow no parent, as JSON text.';

CREATE OR REPLACE FUNCTION asymm._rule_facts(relids oid[]) RETURNS TABLE (relid oid, facts text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH part AS (
        -- Of a clone that follows a parent's trigger only how it is switched.
        SELECT t.tgrelid AS relid, CASE WHEN t.tgparentid = 0 THEN 'trigger' ELSE 'partition trigger' END AS part,
               jsonb_object_agg(t.tgname, jsonb_strip_nulls(jsonb_build_object(
                   'def', CASE WHEN t.tgparentid = 0 THEN asymm._settled_text(pg_get_triggerdef(t.oid)) END,
                   'enabled', CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
                   'comment', asymm._comment_on(t.oid, 'pg_trigger')))) AS facts
          FROM pg_trigger AS t
         WHERE t.tgrelid = ANY (relids) AND NOT t.tgisinternal AND (t.tgparentid = 0 OR t.tgenabled <> 'O')
         GROUP BY t.tgrelid, t.tgparentid = 0
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
                   'comment', asymm._comment_on(p.oid, 'pg_policy'))))
          FROM pg_policy AS p
         WHERE p.polrelid = ANY (relids)
         GROUP BY p.polrelid
        UNION ALL
        SELECT w.ev_class, 'rule',
               jsonb_object_agg(w.rulename, jsonb_strip_nulls(jsonb_build_object(
                   'def', asymm._settled_text(pg_get_ruledef(w.oid)),
                   'enabled', CASE w.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
                   'comment', asymm._comment_on(w.oid, 'pg_rewrite'))))
          FROM pg_rewrite AS w
         WHERE w.ev_class = ANY (relids) AND w.rulename <> '_RETURN'
         GROUP BY w.ev_class)
    SELECT p.relid, string_agg(format(',"%s":%s', p.part, p.facts), '') FROM part AS p GROUP BY p.relid;
END
$$;
COMMENT ON FUNCTION asymm._rule_facts(oid[]) IS 'Facts of the triggers, row policies and rules of each table, as members of a JSON object.';
