-- Facts of operators, operator classes and families, casts and transforms. See 453 for their layout.

CREATE OR REPLACE FUNCTION asymm._operator_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT o.oid, n.nspname::text, substr(i.identity, length(quote_ident(n.nspname)) + 2), pg_get_userbyid(o.oprowner),
           jsonb_build_object('operator', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(o.oprowner),
               'function', asymm._routine_name(o.oprcode),
               'left', CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) END,
               'right', CASE WHEN o.oprright <> 0 THEN format_type(o.oprright, NULL) END,
               'commutator', asymm._operator_name(o.oprcom),
               'negator', asymm._operator_name(o.oprnegate),
               'merges', CASE WHEN o.oprcanmerge THEN true END,
               'hashes', CASE WHEN o.oprcanhash THEN true END,
               'restrict', asymm._routine_name(o.oprrest),
               'join', asymm._routine_name(o.oprjoin),
               'comment', asymm._comment_on(o.oid, 'pg_operator'))))),
           p.place
      FROM pg_operator AS o
      JOIN pg_namespace AS n ON n.oid = o.oprnamespace
     CROSS JOIN LATERAL pg_identify_object('pg_operator'::regclass, o.oid, 0) AS i
      LEFT JOIN asymm._routine_places('pg_operator'::regclass, oids) AS p ON p.object_id = o.oid
     WHERE o.oid = ANY (oids) AND o.oprcode <> 0;
END
$$;
COMMENT ON FUNCTION asymm._operator_facts(oid[]) IS 'Everything declared about each operator as one document, and its place in a repair.';

-- The operators and support functions of a class, or those that belong to a family alone: which is which says the
-- dependency, as for pg_dump.
CREATE OR REPLACE FUNCTION asymm._member_facts(class_id oid, oids oid[]) RETURNS TABLE (object_id oid, facts jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH m AS (
        SELECT d.refobjid AS owner, 'operator' AS part,
               format('%s (%s, %s)', a.amopstrategy, format_type(a.amoplefttype, NULL), format_type(a.amoprighttype, NULL)) AS name,
               jsonb_strip_nulls(jsonb_build_object(
                   'operator', format('%s(%s,%s)', asymm._operator_name(a.amopopr), format_type(o.oprleft, NULL), format_type(o.oprright, NULL)),
                   'order_by', CASE WHEN a.amoppurpose = 'o' THEN (
                       SELECT format('%I.%I', n.nspname, f.opfname) FROM pg_opfamily AS f JOIN pg_namespace AS n ON n.oid = f.opfnamespace
                        WHERE f.oid = a.amopsortfamily) END)) AS facts
          FROM pg_depend AS d
          JOIN pg_amop AS a ON a.oid = d.objid
          JOIN pg_operator AS o ON o.oid = a.amopopr
         WHERE d.refclassid = class_id AND d.refobjid = ANY (oids) AND d.classid = 'pg_amop'::regclass
        UNION ALL
        SELECT d.refobjid, 'function',
               format('%s (%s, %s)', a.amprocnum, format_type(a.amproclefttype, NULL), format_type(a.amprocrighttype, NULL)),
               jsonb_build_object('function', (pg_identify_object('pg_proc'::regclass, a.amproc::oid, 0)).identity)
          FROM pg_depend AS d
          JOIN pg_amproc AS a ON a.oid = d.objid
         WHERE d.refclassid = class_id AND d.refobjid = ANY (oids) AND d.classid = 'pg_amproc'::regclass),
    p AS (SELECT m.owner, m.part, jsonb_object_agg(m.name, m.facts) AS facts FROM m GROUP BY m.owner, m.part)
    SELECT p.owner, jsonb_object_agg(p.part, p.facts) FROM p GROUP BY p.owner;
END
$$;
COMMENT ON FUNCTION asymm._member_facts(oid, oid[]) IS 'Operators and support functions that belong to each operator class or, loosely, to each family.';

CREATE OR REPLACE FUNCTION asymm._operator_family_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT f.oid, n.nspname::text, format('%I USING %I', f.opfname, m.amname), pg_get_userbyid(f.opfowner),
           jsonb_build_object('operator family', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(f.opfowner),
               'comment', asymm._comment_on(f.oid, 'pg_opfamily'))))) || COALESCE(x.facts, '{}'),
           p.place
      FROM pg_opfamily AS f
      JOIN pg_namespace AS n ON n.oid = f.opfnamespace
      JOIN pg_am AS m ON m.oid = f.opfmethod
      LEFT JOIN asymm._member_facts('pg_opfamily'::regclass, oids) AS x ON x.object_id = f.oid
      LEFT JOIN asymm._routine_places('pg_opfamily'::regclass, oids) AS p ON p.object_id = f.oid
     WHERE f.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._operator_family_facts(oid[])
    IS 'Everything declared about each operator family, the members of no class included, and its place in a repair.';

CREATE OR REPLACE FUNCTION asymm._operator_class_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT c.oid, n.nspname::text, format('%I USING %I', c.opcname, m.amname), pg_get_userbyid(c.opcowner),
           jsonb_build_object('operator class', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(c.opcowner),
               'type', format_type(c.opcintype, NULL),
               'default', CASE WHEN c.opcdefault THEN true END,
               'family', (SELECT format('%I.%I', fn.nspname, f.opfname) FROM pg_opfamily AS f JOIN pg_namespace AS fn ON fn.oid = f.opfnamespace
                           WHERE f.oid = c.opcfamily),
               'storage', CASE WHEN c.opckeytype <> 0 THEN format_type(c.opckeytype, NULL) END,
               'comment', asymm._comment_on(c.oid, 'pg_opclass'))))) || COALESCE(x.facts, '{}'),
           p.place
      FROM pg_opclass AS c
      JOIN pg_namespace AS n ON n.oid = c.opcnamespace
      JOIN pg_am AS m ON m.oid = c.opcmethod
      LEFT JOIN asymm._member_facts('pg_opclass'::regclass, oids) AS x ON x.object_id = c.oid
      LEFT JOIN asymm._routine_places('pg_opclass'::regclass, oids) AS p ON p.object_id = c.oid
     WHERE c.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._operator_class_facts(oid[]) IS 'Everything declared about each operator class as one document, and its place in a repair.';

CREATE OR REPLACE FUNCTION asymm._cast_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT c.oid, '', (pg_identify_object('pg_cast'::regclass, c.oid, 0)).identity, NULL::name,
           jsonb_build_object('cast', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'method', CASE c.castmethod WHEN 'i' THEN 'inout' WHEN 'b' THEN 'binary' END,
               'function', CASE WHEN c.castfunc <> 0 THEN (pg_identify_object('pg_proc'::regclass, c.castfunc, 0)).identity END,
               'context', CASE c.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' END,
               'comment', asymm._comment_on(c.oid, 'pg_cast'))))),
           p.place
      FROM pg_cast AS c
      LEFT JOIN asymm._routine_places('pg_cast'::regclass, oids) AS p ON p.object_id = c.oid
     WHERE c.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._cast_facts(oid[]) IS 'Everything declared about each cast as one document, and its place in a repair.';

CREATE OR REPLACE FUNCTION asymm._transform_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    -- Before version 16 the server said "on language".
    SELECT t.oid, '', regexp_replace((pg_identify_object('pg_transform'::regclass, t.oid, 0)).identity, '^(.*) on language ', '\1 language '),
           NULL::name,
           jsonb_build_object('transform', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'from_sql', (pg_identify_object('pg_proc'::regclass, NULLIF(t.trffromsql::oid, 0), 0)).identity,
               'to_sql', (pg_identify_object('pg_proc'::regclass, NULLIF(t.trftosql::oid, 0), 0)).identity,
               'comment', asymm._comment_on(t.oid, 'pg_transform'))))),
           p.place
      FROM pg_transform AS t
      LEFT JOIN asymm._routine_places('pg_transform'::regclass, oids) AS p ON p.object_id = t.oid
     WHERE t.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._transform_facts(oid[]) IS 'Everything declared about each transform as one document, and its place in a repair.';
