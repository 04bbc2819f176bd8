-- Facts of functions, procedures and aggregates, of languages and access methods. The layout of these kinds, and of
-- those in 454, is their place in a repair: [phase, order in it].

-- What can be watched. Range types bring constructors and casts of their own.
CREATE OR REPLACE FUNCTION asymm._routines_objects(schemas oid[]) RETURNS TABLE (class_id oid, object_id oid, kind text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schemas oid[] := COALESCE(schemas, ARRAY(
        SELECT n.oid FROM pg_namespace AS n
         WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'asymm') AND n.nspname !~ '^pg_(toast_)?temp_'));
BEGIN
    RETURN QUERY
    SELECT 'pg_proc'::regclass::oid, p.oid, CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END
      FROM pg_proc AS p
     WHERE p.oid >= 16384 AND p.pronamespace = ANY (v_schemas)
       AND CASE WHEN p.prolang = 12
                THEN NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
                ELSE true END;
    RETURN QUERY
    SELECT 'pg_operator'::regclass::oid, o.oid, 'operator'
      FROM pg_operator AS o WHERE o.oid >= 16384 AND o.oprnamespace = ANY (v_schemas) AND o.oprcode <> 0;
    RETURN QUERY
    SELECT 'pg_opfamily'::regclass::oid, f.oid, 'operator family'
      FROM pg_opfamily AS f WHERE f.oid >= 16384 AND f.opfnamespace = ANY (v_schemas);
    RETURN QUERY
    SELECT 'pg_opclass'::regclass::oid, c.oid, 'operator class'
      FROM pg_opclass AS c WHERE c.oid >= 16384 AND c.opcnamespace = ANY (v_schemas);
    IF schemas IS NULL THEN
        RETURN QUERY
        SELECT 'pg_cast'::regclass::oid, c.oid, 'cast'
          FROM pg_cast AS c
         WHERE c.oid >= 16384
           AND NOT EXISTS (SELECT FROM pg_range AS r WHERE r.rngtypid = c.castsource AND r.rngmultitypid = c.casttarget);
        RETURN QUERY SELECT 'pg_transform'::regclass::oid, t.oid, 'transform' FROM pg_transform AS t WHERE t.oid >= 16384;
        RETURN QUERY SELECT 'pg_language'::regclass::oid, l.oid, 'language' FROM pg_language AS l WHERE l.lanispl AND l.oid >= 16384;
        RETURN QUERY SELECT 'pg_am'::regclass::oid, m.oid, 'access method' FROM pg_am AS m WHERE m.oid >= 16384;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._routines_objects(oid[])
    IS 'Routines, operators and what is built of them, in some schemas; NULL: in the whole database, casts, transforms, languages and access methods too.';

-- By name from the catalogs alone, whatever the caller may see.
CREATE OR REPLACE FUNCTION asymm._routines_oid(kind text, schema_name text, object_name text) RETURNS oid
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_class oid := asymm._routine_catalog(kind);
    v_schema oid := (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = schema_name);
    v_name text := CASE WHEN kind = 'operator' THEN split_part(object_name, '(', 1)
                        WHEN schema_name <> '' THEN (parse_ident(substring(object_name FROM '^(?:"(?:[^"]|"")*"|[^"( ]+)')))[1] END;
BEGIN
    RETURN (
        SELECT c.oid
          FROM (SELECT p.oid FROM pg_proc AS p
                 WHERE v_class = 'pg_proc'::regclass AND p.proname = v_name AND p.pronamespace = v_schema
                UNION ALL SELECT o.oid FROM pg_operator AS o
                           WHERE v_class = 'pg_operator'::regclass AND o.oprname = v_name AND o.oprnamespace = v_schema
                UNION ALL SELECT f.oid FROM pg_opfamily AS f
                           WHERE v_class = 'pg_opfamily'::regclass AND f.opfname = v_name AND f.opfnamespace = v_schema
                UNION ALL SELECT c.oid FROM pg_opclass AS c
                           WHERE v_class = 'pg_opclass'::regclass AND c.opcname = v_name AND c.opcnamespace = v_schema
                UNION ALL SELECT o.object_id FROM asymm._routines_objects(NULL) AS o WHERE schema_name = '' AND o.class_id = v_class) AS c
         CROSS JOIN LATERAL pg_identify_object(v_class, c.oid, 0) AS i
         WHERE i.type = kind AND replace(i.identity, ' on language ', ' language ')
               = CASE WHEN schema_name <> '' THEN format('%I.%s', schema_name, object_name)
                      WHEN kind IN ('language', 'access method') THEN quote_ident(object_name) ELSE object_name END);
END
$$;
COMMENT ON FUNCTION asymm._routines_oid(text, text, text) IS 'OID of a routine, operator, cast, … by its name, or NULL.';

-- Where an object stands in a repair: after the types, tables and views it names, and after routines and operators that
-- it is made of. A function of built-in types alone can be had before any type, a handler before its language.
CREATE OR REPLACE FUNCTION asymm._routine_places(class_id oid, oids oid[]) RETURNS TABLE (object_id oid, place jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_made oid[] := ARRAY['pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass,
                          'pg_am'::regclass, 'pg_language'::regclass, 'pg_transform'::regclass];
BEGIN
    RETURN QUERY
    WITH RECURSIVE walk AS (
        SELECT class_id AS class, o AS id, o AS root, 0 AS depth FROM unnest(oids) AS o
        UNION
        -- A function may call itself, so there is a limit.
        SELECT d.refclassid, d.refobjid, w.root, w.depth + (d.refclassid = ANY (v_made))::integer
          FROM walk AS w
          JOIN pg_depend AS d ON d.classid = w.class AND d.objid = w.id
         WHERE (w.class = class_id OR w.class = ANY (v_made)) AND w.depth < 32
           AND d.refobjid >= 16384 AND d.refobjid <> w.id
           AND (d.refclassid = ANY (v_made) OR d.refclassid IN ('pg_type'::regclass, 'pg_class'::regclass)))
    SELECT w.root,
           jsonb_build_array(
               GREATEST(CASE class_id WHEN 'pg_cast'::regclass THEN 36 WHEN 'pg_transform'::regclass THEN 36
                                      WHEN 'pg_language'::regclass THEN 24 WHEN 'pg_am'::regclass THEN 24
                                      WHEN 'pg_proc'::regclass THEN (SELECT CASE WHEN p.prolang IN (12, 13) THEN 23 ELSE 28 END
                                                                       FROM pg_proc AS p WHERE p.oid = w.root) ELSE 28 END,
                        max(CASE WHEN c.relkind IN ('v', 'm') THEN 546
                                 WHEN c.relkind IN ('r', 'p', 'f') THEN 445
                                 WHEN w.class IN ('pg_type'::regclass, 'pg_class'::regclass) THEN 34
                                 WHEN w.class = 'pg_transform'::regclass THEN 36
                                 WHEN w.class = 'pg_proc'::regclass AND w.depth > 0 AND NOT class_id IN ('pg_language'::regclass, 'pg_am'::regclass)
                                 THEN 28 END)),
               max(w.depth) + CASE WHEN class_id = 'pg_opclass'::regclass THEN 500 ELSE 0 END)
      FROM walk AS w
      LEFT JOIN pg_type AS t ON w.class = 'pg_type'::regclass AND t.oid = w.id
      LEFT JOIN pg_type AS e ON e.oid = t.typelem AND t.typrelid = 0 AND t.typelem <> 0
      LEFT JOIN pg_class AS c ON c.oid = CASE WHEN w.class = 'pg_class'::regclass THEN w.id WHEN t.typrelid <> 0 THEN t.typrelid ELSE e.typrelid END
     GROUP BY w.root;
END
$$;
COMMENT ON FUNCTION asymm._routine_places(oid, oid[]) IS 'Phase and order in which objects of one catalog can be made: after what they depend on.';

-- Names of functions and operators in full; format_type() does it for types because of the pinned path.
CREATE OR REPLACE FUNCTION asymm._routine_name(routine oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('%I.%I', n.nspname, p.proname) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE p.oid = routine
$$;
COMMENT ON FUNCTION asymm._routine_name(oid) IS 'Qualified name of a routine; NULL when there is none.';

CREATE OR REPLACE FUNCTION asymm._operator_name(operator oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('%I.%s', n.nspname, o.oprname) FROM pg_operator AS o JOIN pg_namespace AS n ON n.oid = o.oprnamespace WHERE o.oid = operator
$$;
COMMENT ON FUNCTION asymm._operator_name(oid) IS 'Qualified name of an operator; NULL when there is none.';

-- What CREATE OR REPLACE refuses to change can't be seen in the definition's text for sure: so the arguments apart.
CREATE OR REPLACE FUNCTION asymm._routine_facts(oids oid[])
RETURNS TABLE (object_id oid, kind text, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET standard_conforming_strings = on
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET timezone = 'UTC'
SET extra_float_digits = 1
SET bytea_output = 'hex'
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT p.oid, i.type, n.nspname::text, substr(i.identity, length(quote_ident(n.nspname)) + 2), pg_get_userbyid(p.proowner),
           jsonb_build_object(i.type, jsonb_build_object('', jsonb_strip_nulls(CASE WHEN p.prokind = 'a' THEN g.facts ELSE jsonb_build_object(
               -- Only text the server deparsed is settled: a body in quotes is the author's.
               'def', rtrim(CASE WHEN strpos(d.def, '(ARRAY[') = 0 THEN d.def
                                 WHEN p.prosqlbody IS NOT NULL THEN asymm._settled_text(d.def)
                                 WHEN p.pronargdefaults > 0
                                 THEN replace(d.def, pg_get_function_arguments(p.oid), asymm._settled_text(pg_get_function_arguments(p.oid)))
                                 ELSE d.def END, E'\n'),
               'returns', CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || format_type(p.prorettype, NULL),
               'arguments', (
                   SELECT jsonb_agg(jsonb_build_object(
                              'name', NULLIF(p.proargnames[t.ord], ''), 'type', format_type(t.type, NULL),
                              'mode', CASE p.proargmodes[t.ord] WHEN 'o' THEN 'out' WHEN 'b' THEN 'inout' WHEN 'v' THEN 'variadic'
                                                                WHEN 't' THEN 'table' END,
                              'default', x.settled) ORDER BY t.ord)
                     FROM unnest(COALESCE(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS t (type, ord)
                    CROSS JOIN LATERAL (SELECT CASE WHEN p.pronargdefaults > 0
                                                    THEN pg_get_function_arg_default(p.oid, t.ord::integer) END) AS e (fallback)
                    CROSS JOIN LATERAL (SELECT CASE WHEN strpos(e.fallback, '(ARRAY[') > 0 THEN asymm._settled_text(e.fallback)
                                                    ELSE e.fallback END) AS x (settled)),
               'window', CASE WHEN p.prokind = 'w' THEN true END,
               'depends', (SELECT jsonb_agg(e.extname ORDER BY e.extname COLLATE "C")
                             FROM pg_depend AS r JOIN pg_extension AS e ON e.oid = r.refobjid
                            WHERE r.classid = 'pg_proc'::regclass AND r.objid = p.oid AND r.deptype = 'x')) END
               || jsonb_build_object(
               'owner', pg_get_userbyid(p.proowner),
               'comment', (SELECT m.description FROM pg_description AS m
                            WHERE m.objoid = p.oid AND m.classoid = 'pg_proc'::regclass AND m.objsubid = 0),
               'acl', CASE WHEN p.proacl IS NOT NULL THEN asymm._object_acl_facts(p.proacl, 'f', p.proowner) END)))),
           l.place
      FROM pg_proc AS p
      JOIN pg_namespace AS n ON n.oid = p.pronamespace
     CROSS JOIN LATERAL pg_identify_object('pg_proc'::regclass, p.oid, 0) AS i
     CROSS JOIN LATERAL (SELECT CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END) AS d (def)
      LEFT JOIN asymm._aggregate_facts(oids) AS g ON g.object_id = p.oid
      LEFT JOIN asymm._routine_places('pg_proc'::regclass, oids) AS l ON l.object_id = p.oid
     WHERE p.oid = ANY (oids) AND (d.def IS NOT NULL OR g.facts IS NOT NULL);
END
$$;
COMMENT ON FUNCTION asymm._routine_facts(oid[]) IS 'Everything declared about each function, procedure and aggregate as one document, and its place in a repair.';

CREATE OR REPLACE FUNCTION asymm._aggregate_facts(oids oid[]) RETURNS TABLE (object_id oid, facts jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_modify constant jsonb := '{"r": "READ_ONLY", "s": "SHAREABLE", "w": "READ_WRITE"}';
BEGIN
    RETURN QUERY
    SELECT p.oid, jsonb_build_object(
               'arguments', NULLIF(pg_get_function_identity_arguments(p.oid), ''),
               'returns', format_type(p.prorettype, NULL),
               'kind', CASE a.aggkind WHEN 'o' THEN 'ordered-set' WHEN 'h' THEN 'hypothetical-set' END,
               'sfunc', asymm._routine_name(a.aggtransfn), 'stype', format_type(a.aggtranstype, NULL),
               'sspace', NULLIF(a.aggtransspace, 0),
               'finalfunc', asymm._routine_name(a.aggfinalfn),
               'finalfunc_extra', CASE WHEN a.aggfinalextra THEN true END,
               'finalfunc_modify', CASE WHEN a.aggfinalmodify <> m.usual THEN v_modify ->> a.aggfinalmodify::text END,
               'combinefunc', asymm._routine_name(a.aggcombinefn),
               'serialfunc', asymm._routine_name(a.aggserialfn), 'deserialfunc', asymm._routine_name(a.aggdeserialfn),
               'initcond', a.agginitval,
               'msfunc', asymm._routine_name(a.aggmtransfn), 'minvfunc', asymm._routine_name(a.aggminvtransfn),
               'mstype', CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END,
               'msspace', NULLIF(a.aggmtransspace, 0),
               'mfinalfunc', asymm._routine_name(a.aggmfinalfn),
               'mfinalfunc_extra', CASE WHEN a.aggmfinalextra THEN true END,
               'mfinalfunc_modify', CASE WHEN a.aggmtransfn <> 0 AND a.aggmfinalmodify <> m.usual THEN v_modify ->> a.aggmfinalmodify::text END,
               'minitcond', a.aggminitval,
               'sortop', asymm._operator_name(a.aggsortop),
               'parallel', CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' END)
      FROM pg_aggregate AS a
      JOIN pg_proc AS p ON p.oid = a.aggfnoid
     CROSS JOIN LATERAL (SELECT CASE WHEN a.aggkind = 'n' THEN 'r' ELSE 'w' END::"char") AS m (usual)
     WHERE a.aggfnoid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._aggregate_facts(oid[]) IS 'What each aggregate is made of, without its owner, comment and privileges.';

CREATE OR REPLACE FUNCTION asymm._language_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT l.oid, '', l.lanname::text, pg_get_userbyid(l.lanowner),
           jsonb_build_object('language', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(l.lanowner),
               'trusted', CASE WHEN l.lanpltrusted THEN true END,
               'handler', asymm._routine_name(l.lanplcallfoid),
               'inline', asymm._routine_name(l.laninline),
               'validator', asymm._routine_name(l.lanvalidator),
               'comment', asymm._comment_on(l.oid, 'pg_language'),
               'acl', CASE WHEN l.lanacl IS NOT NULL THEN asymm._object_acl_facts(l.lanacl, 'l', l.lanowner) END)))),
           p.place
      FROM pg_language AS l
      LEFT JOIN asymm._routine_places('pg_language'::regclass, oids) AS p ON p.object_id = l.oid
     WHERE l.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._language_facts(oid[]) IS 'Everything declared about each procedural language as one document, and its place in a repair.';

CREATE OR REPLACE FUNCTION asymm._access_method_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT m.oid, '', m.amname::text, NULL::name,
           jsonb_build_object('access method', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'type', CASE m.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END,
               'handler', asymm._routine_name(m.amhandler),
               'comment', asymm._comment_on(m.oid, 'pg_am'))))),
           p.place
      FROM pg_am AS m
      LEFT JOIN asymm._routine_places('pg_am'::regclass, oids) AS p ON p.object_id = m.oid
     WHERE m.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._access_method_facts(oid[]) IS 'Everything declared about each access method as one document, and its place in a repair.';
