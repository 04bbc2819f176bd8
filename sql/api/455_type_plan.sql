-- Steps for types: made, dropped, mended where they stand if that can be, else swapped (455_type_swap.sql).

-- Two ordered lists of names: what was removed, added, or, alone in its place, renamed (old → new); moved when what they
-- share stands in another order.
CREATE OR REPLACE FUNCTION asymm._aligned(declared jsonb, actual jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH d AS (SELECT x.l, x.n, actual ? x.l AS common, count(*) FILTER (WHERE actual ? x.l) OVER (ORDER BY x.n) AS gap
                     FROM jsonb_array_elements_text(declared) WITH ORDINALITY AS x (l, n)),
        a AS (SELECT x.l, x.n, declared ? x.l AS common, count(*) FILTER (WHERE declared ? x.l) OVER (ORDER BY x.n) AS gap
                FROM jsonb_array_elements_text(actual) WITH ORDINALITY AS x (l, n)),
        m AS (SELECT (SELECT array_agg(d.l ORDER BY d.n) FROM d WHERE d.common) IS DISTINCT FROM
                     (SELECT array_agg(a.l ORDER BY a.n) FROM a WHERE a.common) AS moved),
        r AS (SELECT min(a.l) AS was, min(d.l) AS now
                FROM (SELECT a.gap, min(a.l) AS l FROM a WHERE NOT a.common GROUP BY a.gap HAVING count(*) = 1) AS a
                JOIN (SELECT d.gap, min(d.l) AS l FROM d WHERE NOT d.common GROUP BY d.gap HAVING count(*) = 1) AS d ON d.gap = a.gap
               WHERE NOT (SELECT m.moved FROM m)
               GROUP BY a.gap)
        SELECT jsonb_build_object(
            'moved', (SELECT m.moved FROM m),
            'renamed', (SELECT COALESCE(jsonb_object_agg(r.was, r.now), '{}') FROM r),
            'removed', (SELECT COALESCE(jsonb_agg(a.l ORDER BY a.n), '[]') FROM a WHERE NOT a.common AND a.l NOT IN (SELECT r.was FROM r)),
            'added', (SELECT COALESCE(jsonb_agg(d.l ORDER BY d.n), '[]') FROM d WHERE NOT d.common AND d.l NOT IN (SELECT r.now FROM r))));
END
$$;
COMMENT ON FUNCTION asymm._aligned(jsonb, jsonb) IS 'How one ordered list of names became another: renamed, removed, added, moved.';

-- The same for the attributes of a composite type: renamed only with the same type, moved also when one was added
-- before others, and retyped.
CREATE OR REPLACE FUNCTION asymm._aligned_attributes(declared jsonb, actual jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH x AS (
            SELECT asymm._aligned(d, a) AS al, d, a FROM (SELECT declared #> '{type,"",attributes}', actual #> '{type,"",attributes}') AS l (d, a)),
        r AS (
            SELECT v.key AS was, v.value AS now,
                   (declared #> ARRAY['attribute', v.value]) - 'comment' = (actual #> ARRAY['attribute', v.key]) - 'comment' AS same
              FROM x CROSS JOIN jsonb_each_text(x.al -> 'renamed') AS v),
        y AS (
            SELECT x.d, x.a, x.al, COALESCE((SELECT jsonb_object_agg(r.was, r.now) FROM r WHERE r.same), '{}') AS renamed,
                   (x.al -> 'removed') || COALESCE((SELECT jsonb_agg(r.was) FROM r WHERE NOT r.same), '[]') AS removed,
                   (x.al -> 'added') || COALESCE((SELECT jsonb_agg(r.now) FROM r WHERE NOT r.same), '[]') AS added
              FROM x)
        SELECT jsonb_build_object('renamed', y.renamed, 'removed', y.removed, 'added', y.added,
            'moved', (y.al -> 'moved')::boolean OR EXISTS (
                SELECT FROM jsonb_array_elements_text(y.d) WITH ORDINALITY AS e (name, n)
                 WHERE y.added ? e.name AND e.n <= jsonb_array_length(y.d) - jsonb_array_length(y.added)),
            'retyped', (SELECT COALESCE(jsonb_agg(e.name ORDER BY e.n), '[]') FROM jsonb_array_elements_text(y.d) WITH ORDINALITY AS e (name, n)
                         WHERE y.a ? e.name
                           AND (declared #> ARRAY['attribute', e.name]) - 'comment' <> (actual #> ARRAY['attribute', e.name]) - 'comment'))
          FROM y);
END
$$;
COMMENT ON FUNCTION asymm._aligned_attributes(jsonb, jsonb) IS 'How the attributes of a composite type changed: renamed, removed, added, moved, retyped.';

-- What is declared of the type itself, without what is mended by separate statements.
CREATE OR REPLACE FUNCTION asymm._type_core(facts jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT (facts #> '{type,""}') - ARRAY['owner', 'comment', 'acl', 'labels', 'attributes', 'swap', 'leaving'] $$;
COMMENT ON FUNCTION asymm._type_core(jsonb) IS 'Definition of a type without owner, comment, privileges, labels and attributes.';

CREATE OR REPLACE FUNCTION asymm._remakes_types(kind text, declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(CASE
            WHEN declared IS NULL OR actual IS NULL THEN false
            WHEN kind = 'type' THEN CASE
                WHEN declared #>> '{type,"",variant}' <> actual #>> '{type,"",variant}' THEN true
                WHEN declared #>> '{type,"",variant}' = 'enum' THEN (
                    SELECT (a -> 'moved')::boolean OR a -> 'removed' <> '[]' OR declared #> '{type,"",swap}' IS NOT NULL AND a -> 'added' <> '[]'
                      FROM asymm._aligned(declared #> '{type,"",labels}', actual #> '{type,"",labels}') AS a)
                WHEN declared #>> '{type,"",variant}' = 'composite' THEN (
                    SELECT (a -> 'moved')::boolean OR a -> 'retyped' <> '[]' FROM asymm._aligned_attributes(declared, actual) AS a)
                WHEN declared #>> '{type,"",variant}' = 'range' THEN asymm._type_core(declared) <> asymm._type_core(actual)
                ELSE false END
            WHEN kind = 'domain' THEN declared #> '{domain,"",swap}' IS NOT NULL
                                      OR (declared #> '{domain,"",type}', declared #> '{domain,"",collation}') IS DISTINCT
                                         FROM (actual #> '{domain,"",type}', actual #> '{domain,"",collation}')
            ELSE asymm._named_core(kind, declared) IS DISTINCT FROM asymm._named_core(kind, actual) END, false));
END
$$;
COMMENT ON FUNCTION asymm._remakes_types(text, jsonb, jsonb)
    IS 'Whether a type, domain, collation or the like is swapped or made anew, so that what depends on it must be out of the way.';

-- Statements that make a type.
CREATE OR REPLACE FUNCTION asymm._type_statements(identity text, facts jsonb) RETURNS TABLE (phase integer, ord integer, statement text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH m AS (SELECT facts #> '{type,""}' AS m, facts #>> '{type,"",variant}' AS variant),
    -- Functions of one's own are made after the types.
    late AS (SELECT (m.m ->> 'canonical') LIKE '%.%' AS shell, concat(m.m ->> 'canonical', m.m ->> 'subtype_diff') LIKE '%.%' AS late FROM m)
    SELECT 30, 10, format('CREATE TYPE %s AS ENUM (%s)', identity,
                          (SELECT string_agg(quote_literal(l), ', ' ORDER BY n)
                             FROM jsonb_array_elements_text(m.m -> 'labels') WITH ORDINALITY AS x (l, n)))
      FROM m WHERE m.variant = 'enum'
    UNION ALL
    SELECT 30, 40, format('CREATE TYPE %s AS (%s)', identity,
                          (SELECT string_agg(asymm._attribute_definition(a, facts #> ARRAY['attribute', a]), ', ' ORDER BY n)
                             FROM jsonb_array_elements_text(m.m -> 'attributes') WITH ORDINALITY AS x (a, n)))
      FROM m WHERE m.variant = 'composite'
    UNION ALL
    SELECT 30, 0, format('CREATE TYPE %s', identity) FROM m CROSS JOIN late WHERE m.variant IN ('shell', 'base') OR m.variant = 'range' AND late.shell
    UNION ALL
    SELECT CASE WHEN late.late THEN 35 ELSE 30 END, 30, format('CREATE TYPE %s AS RANGE (%s)', identity, concat_ws(', ',
               'SUBTYPE = ' || (m.m ->> 'subtype'), 'SUBTYPE_OPCLASS = ' || (m.m ->> 'opclass'), 'COLLATION = ' || (m.m ->> 'collation'),
               'CANONICAL = ' || (m.m ->> 'canonical'), 'SUBTYPE_DIFF = ' || (m.m ->> 'subtype_diff'),
               'MULTIRANGE_TYPE_NAME = ' || (m.m ->> 'multirange')))
      FROM m CROSS JOIN late WHERE m.variant = 'range'
    UNION ALL
    SELECT 35, 0, format('CREATE TYPE %s (%s)', identity, concat_ws(', ',
               'INPUT = ' || (m.m ->> 'input'), 'OUTPUT = ' || (m.m ->> 'output'), 'RECEIVE = ' || (m.m ->> 'receive'), 'SEND = ' || (m.m ->> 'send'),
               'TYPMOD_IN = ' || (m.m ->> 'typmod_in'), 'TYPMOD_OUT = ' || (m.m ->> 'typmod_out'), 'ANALYZE = ' || (m.m ->> 'analyze'),
               'SUBSCRIPT = ' || (m.m ->> 'subscript'), 'INTERNALLENGTH = ' || (m.m ->> 'internallength'),
               CASE WHEN m.m ? 'passedbyvalue' THEN 'PASSEDBYVALUE' END, 'ALIGNMENT = ' || COALESCE(m.m ->> 'alignment', 'int4'),
               'STORAGE = ' || COALESCE(m.m ->> 'storage', 'plain'), 'CATEGORY = ' || quote_literal(COALESCE(m.m ->> 'category', 'U')),
               CASE WHEN m.m ? 'preferred' THEN 'PREFERRED = true' END, 'DEFAULT = ' || quote_literal(m.m ->> 'default'),
               'ELEMENT = ' || (m.m ->> 'element'), 'DELIMITER = ' || quote_literal(m.m ->> 'delimiter'),
               CASE WHEN m.m ? 'collatable' THEN 'COLLATABLE = true' END))
      FROM m WHERE m.variant = 'base';
END
$$;
COMMENT ON FUNCTION asymm._type_statements(text, jsonb) IS 'Statements that make a type, with their phases.';

CREATE OR REPLACE FUNCTION asymm._attribute_definition(name text, facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT concat_ws(' ', quote_ident(name), facts ->> 'type', 'COLLATE ' || (facts ->> 'collation')) $$;
COMMENT ON FUNCTION asymm._attribute_definition(text, jsonb) IS 'An attribute as CREATE TYPE and ADD ATTRIBUTE have it.';

-- How many levels an object is built upon: what is built of others is dropped before them.
CREATE OR REPLACE FUNCTION asymm._height(class_id oid, object_id oid) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH RECURSIVE node (class_id, oid, depth) AS (
            SELECT _height.class_id, _height.object_id, 0
            UNION
            SELECT d.refclassid, d.refobjid, x.depth + 1
              FROM node AS x
              LEFT JOIN pg_type AS t ON x.class_id = 'pg_type'::regclass AND t.oid = x.oid
              JOIN pg_depend AS d ON d.classid = CASE WHEN t.typtype = 'c' THEN 'pg_class'::regclass ELSE x.class_id END
                                 AND d.objid = CASE WHEN t.typtype = 'c' THEN t.typrelid ELSE x.oid END
             WHERE d.refclassid IN ('pg_type'::regclass, 'pg_collation'::regclass) AND d.refobjid <> x.oid AND x.depth < 30)
        SELECT max(n.depth) FROM node AS n);
END
$$;
COMMENT ON FUNCTION asymm._height(oid, oid) IS 'How many levels of other types a type, domain or collation is built upon.';

CREATE OR REPLACE FUNCTION asymm._plan_types(
    kind text, schema_name text, object_name text, declared jsonb, layout jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_id text := asymm._types_identity(kind, schema_name, object_name);
    v_word text := CASE kind WHEN 'statistics object' THEN 'STATISTICS' ELSE upper(kind) END;
BEGIN
    IF declared IS NULL THEN
        -- What is extra goes last: columns of the type are still there before. Statistics and conversions are in nobody's way,
        -- and a type is in that of a table or type of its name.
        RETURN QUERY
        SELECT CASE WHEN kind IN ('statistics object', 'conversion') OR kind IN ('type', 'domain') AND EXISTS (
                         SELECT FROM asymm.baseline AS x
                          WHERE (x.schema_name, x.object_name) = (_plan_types.schema_name, _plan_types.object_name)
                            AND x.kind IN ('table', 'view', 'materialized view', 'foreign table', 'sequence', 'type', 'domain')
                            AND NOT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                                             WHERE n.nspname = x.schema_name AND c.relname = x.object_name AND c.relkind <> 'c'))
                    THEN 10 ELSE 650 END,
               CASE kind WHEN 'collation' THEN 50 WHEN 'text search configuration' THEN 60 WHEN 'text search dictionary' THEN 70
                         WHEN 'text search parser' THEN 80 WHEN 'text search template' THEN 80
                         ELSE CASE WHEN kind IN ('type', 'domain') THEN -asymm._height('pg_type'::regclass, object_id) ELSE 0 END END,
               kind, '', CASE WHEN b.stuck IS NULL THEN format('DROP %s %s', v_word, v_id) END,
               CASE WHEN b.stuck IS NULL THEN asymm._types_script(kind, schema_name, object_name, actual) END, 'none',
               CASE WHEN b.stuck IS NULL THEN '{}' ELSE ARRAY[b.stuck] END, NULL::text
          FROM (SELECT CASE WHEN actual #>> '{type,"",variant}' = 'base'
                            THEN 'not healable: a base type can only be dropped together with its functions' END AS stuck) AS b;
    ELSIF kind = 'type' THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_type(schema_name, object_name, declared, actual, object_id) AS p;
    ELSIF kind = 'domain' THEN
        RETURN QUERY SELECT p.* FROM asymm._plan_domain(schema_name, object_name, declared, actual, object_id) AS p;
    ELSE
        RETURN QUERY SELECT p.* FROM asymm._plan_named(kind, schema_name, object_name, declared, actual, object_id) AS p;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._plan_types(text, text, text, jsonb, jsonb, jsonb, oid)
    IS 'Steps that turn a type, domain, collation, conversion, text search object or extended statistics as it is into the declared one.';
